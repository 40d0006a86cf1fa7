//! One role by itself: a resource looked for in the wrong group, a resource
//! that does not exist, and a name that promises what the rules do not allow.

use serde_json::{Value, json};

use super::resources;
use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    seen::Seen,
    text,
};

/// Words that say what a role is for, with the verbs they need.
const PURPOSES: [(&str, &[&str]); 12] = [
    ("reader", &["get", "list", "watch"]),
    ("read", &["get", "list", "watch"]),
    ("readonly", &["get", "list", "watch"]),
    ("viewer", &["get", "list", "watch"]),
    ("view", &["get", "list", "watch"]),
    ("lister", &["list"]),
    ("list", &["list"]),
    ("watcher", &["get", "list", "watch"]),
    ("watch", &["get", "list", "watch"]),
    ("getter", &["get"]),
    ("get", &["get"]),
    ("access", &["get", "list", "watch"]),
];

pub(super) fn check(context: &Context<'_>, role: &Seen, findings: &mut Findings) {
    for (at, rule) in role.list("/rules").iter().enumerate().take(100) {
        for (place, resource) in json::list(rule, "/resources").iter().enumerate().take(100) {
            if let Some(resource) = resource.as_str() {
                resource_of(context, role, (at, rule), (place, resource), findings);
            }
        }
    }
    purpose(context, role, findings);
}

/// Whether anything binds the role.
pub(super) fn binding<'a>(context: &Context<'a>, role: &Seen) -> Option<&'a Seen> {
    let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
    ["RoleBinding", "ClusterRoleBinding"].into_iter().flat_map(|kind| snapshot.all(kind)).find(|binding| {
        binding.text("/roleRef/kind") == Some(role.reference.kind.as_str())
            && binding.text("/roleRef/name") == Some(role.name())
            && (role.namespace().is_empty() || role.namespace() == binding.namespace())
    })
}

/// Whether the rules let the verb through.
pub(super) fn allows(role: &Seen, group: &str, resource: &str, verb: &str) -> bool {
    let has = |rule: &Value, list: &str, want: &str| {
        json::list(rule, list)
            .iter()
            .any(|value| matches!(value.as_str(), Some(value) if value == want || value == "*"))
    };
    role.list("/rules").iter().any(|rule| {
        has(rule, "/apiGroups", group)
            && has(rule, "/resources", resource)
            && has(rule, "/verbs", verb)
            && json::list(rule, "/resourceNames").is_empty()
    })
}

fn resource_of(
    context: &Context<'_>,
    role: &Seen,
    (at, rule): (usize, &Value),
    (place, resource): (usize, &str),
    findings: &mut Findings,
) {
    let groups: Vec<&str> = json::list(rule, "/apiGroups").iter().filter_map(Value::as_str).collect();
    // In groups of others there may be resources of any name.
    if groups.is_empty() || !groups.iter().all(|group| resources::ours(group)) {
        return;
    }
    let Some(right) = resources::groups(resource) else {
        if let Some(meant) = resources::by_word(resource) {
            crate::rules::note::add(
                findings,
                Draft::new(
                    void(context, role, rule, &groups),
                    role,
                    "UnknownResource",
                    &format!("/rules/{at}/resources/{place}"),
                )
                .message(format!(
                    "{} `{}` allows `{}`, which is no resource: `{meant}` is meant, perhaps.",
                    role.reference.kind,
                    role.name(),
                    text::clean(resource, 60)
                ))
                .action(actions::escalate(&role.reference, "The resource that the rule is for.")),
            );
        }
        return;
    };
    let verbs: Vec<&str> = json::list(rule, "/verbs").iter().filter_map(Value::as_str).collect();
    let elsewhere = verbs.iter().all(|verb| right.iter().any(|group| allows(role, group, resource, verb)));
    if right.iter().any(|group| groups.contains(group)) || elsewhere {
        return;
    }
    let first = right.first().copied().unwrap_or("");
    let mut draft =
        Draft::new(void(context, role, rule, &groups), role, "WrongApiGroup", &format!("/rules/{at}"))
            .confidence(0.8)
            .message(format!(
                "{} `{}` allows `{}` in {}, where there is none: it is in {}.",
                role.reference.kind,
                role.name(),
                text::clean(resource, 60),
                groups.iter().map(|group| shown(group)).collect::<Vec<_>>().join(" and "),
                shown(first)
            ));
    let sensitive = verbs.iter().any(|verb| resources::sensitive(resource, verb));
    draft = if role.reference.kind == "Role" && !sensitive {
        let added = json!({ "apiGroups": [first], "resources": [resource], "verbs": verbs });
        draft.action(with_rule(
            role,
            &added,
            &format!("Let the Role `{}` allow {} in the group it is in", role.name(), resource),
        ))
    } else {
        draft.action(actions::escalate(
            &role.reference,
            format!("The right API group for `{}`.", text::clean(resource, 60)),
        ))
    };
    crate::rules::note::add(findings, draft);
}

/// A bound role with a rule that grants nothing at all is a slip that somebody
/// notices. One resource too many in a long list harms nobody.
fn void(context: &Context<'_>, role: &Seen, rule: &Value, groups: &[&str]) -> Severity {
    let works =
        json::list(rule, "/resources").iter().filter_map(Value::as_str).any(
            |resource| match resources::groups(resource) {
                Some(right) => right.iter().any(|group| groups.contains(group)),
                None => resources::by_word(resource).is_none(),
            },
        );
    if works || binding(context, role).is_none() { Severity::Info } else { Severity::Warning }
}

fn shown(group: &str) -> String {
    if group.is_empty() {
        "the core API group".to_owned()
    } else {
        format!("the API group `{}`", text::clean(group, 80))
    }
}

/// All rules of the role and one more.
pub(super) fn with_rule(role: &Seen, rule: &Value, title: &str) -> crate::diagnosis::ProposedAction {
    let mut rules = role.list("/rules").to_vec();
    rules.push(rule.clone());
    actions::action("patch-role", &role.reference, json!({ "rules": rules }), title)
}

/// The resource and the verbs that a name promises: `pod-reader`, `read-pods`.
pub(super) fn promised(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    let words: Vec<&str> = name.split(['-', '_', '.', ':']).filter(|word| !word.is_empty()).collect();
    let purpose = |word: &str| {
        PURPOSES.iter().find(|(purpose, _)| purpose.eq_ignore_ascii_case(word)).map(|(_, verbs)| *verbs)
    };
    words.windows(2).find_map(|pair| match pair {
        [one, other] => resources::by_word(one)
            .zip(purpose(other))
            .or_else(|| resources::by_word(other).zip(purpose(one))),
        _ => None,
    })
}

/// Somebody asks why an account may not do something, names what, and the
/// role that is bound to that account does not allow it.
fn asked_for(context: &Context<'_>, role: &Seen, findings: &mut Findings) {
    const VERBS: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let Some(question) = context.request.question.as_deref().map(str::to_ascii_lowercase) else { return };
    let Some(binding) = binding(context, role) else { return };
    let accounts = super::accounts(binding);
    let about = |name: &str| name.len() >= 3 && question.contains(&name.to_ascii_lowercase());
    if !about(role.name()) && !accounts.iter().any(|(_, name)| about(name)) {
        return;
    }
    let words: Vec<&str> = question.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let Some(verb) = VERBS.into_iter().find(|verb| words.contains(verb)) else { return };
    // `list pods`: what is asked for stands after the verb.
    let after = words.iter().skip_while(|word| **word != verb).skip(1);
    let Some(resource) = after.take(4).find_map(|word| resources::by_word(word)) else { return };
    let group = resources::groups(resource).and_then(|groups| groups.first()).copied().unwrap_or("");
    // A rule for the resource in a wrong group is told as that.
    let misplaced = role.list("/rules").iter().any(|rule| {
        let has =
            |list: &str, want: &str| json::list(rule, list).iter().any(|value| value.as_str() == Some(want));
        has("/resources", resource) && has("/verbs", verb)
    });
    if misplaced || allows(role, group, resource, verb) {
        return;
    }
    let draft = Draft::new(Severity::Warning, role, "VerbMissing", "/rules")
        .confidence(0.85)
        .see(binding, "/subjects")
        .message(format!(
            "{} `{}`, which is bound to {}, does not allow to {verb} `{resource}`.",
            role.reference.kind,
            role.name(),
            text::names(accounts.iter().map(|(_, name)| name))
        ));
    findings.add(draft.action(if role.reference.kind == "Role" && !resources::sensitive(resource, verb) {
        let added = json!({ "apiGroups": [group], "resources": [resource], "verbs": [verb] });
        with_rule(role, &added, &format!("Let the Role `{}` {verb} {resource}", role.name()))
    } else {
        actions::escalate(&role.reference, format!("Whether the role should allow to {verb} `{resource}`."))
    }));
}

/// The resource is there, and none of the verbs that the name promises is, or
/// not the one that somebody asks about.
fn verb(
    context: &Context<'_>,
    role: &Seen,
    (resource, group): (&'static str, &str),
    verbs: &[&'static str],
    findings: &mut Findings,
) {
    let words: Vec<String> = context
        .request
        .question
        .as_deref()
        .unwrap_or("")
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .collect();
    let about = words.iter().any(|word| resources::by_word(word) == Some(resource));
    let asked = verbs.iter().copied().find(|verb| about && words.iter().any(|word| word == verb));
    let any = role
        .list("/rules")
        .iter()
        .flat_map(|rule| json::list(rule, "/verbs"))
        .any(|verb| verb.as_str().is_some_and(|verb| verb == "*" || verbs.contains(&verb)));
    let missing = match asked {
        Some(verb) if !allows(role, group, resource, verb) => verb,
        None if !any => verbs.first().copied().unwrap_or("get"),
        _ => return,
    };
    let severity =
        if asked.is_some() || binding(context, role).is_some() { Severity::Warning } else { Severity::Info };
    let draft = Draft::new(severity, role, "VerbMissing", "/rules")
        .confidence(if asked.is_some() { 0.85 } else { 0.6 })
        .see(role, "/rules/0")
        .message(format!(
            "{} `{}` does not allow to {missing} `{resource}`, which its name is about.",
            role.reference.kind,
            role.name()
        ));
    let sensitive = resources::sensitive(resource, missing);
    crate::rules::note::add(
        findings,
        draft.action(if role.reference.kind == "Role" && !sensitive {
            let added = json!({ "apiGroups": [group], "resources": [resource], "verbs": [missing] });
            with_rule(role, &added, &format!("Let the Role `{}` {missing} {resource}", role.name()))
        } else {
            actions::escalate(
                &role.reference,
                format!("Whether the role should allow to {missing} `{resource}`."),
            )
        }),
    );
}

fn purpose(context: &Context<'_>, role: &Seen, findings: &mut Findings) {
    let Some((resource, verbs)) = promised(role.name()) else { return asked_for(context, role, findings) };
    let rules = role.list("/rules");
    let group = resources::groups(resource).and_then(|groups| groups.first()).copied().unwrap_or("");
    let aggregated = !role.at("/aggregationRule").is_null();
    let covered = rules.iter().flat_map(|rule| json::list(rule, "/resources")).filter_map(Value::as_str).any(
        |allowed| {
            allowed == "*"
                || allowed == resource
                || allowed.split('/').next() == Some(resource)
                || resources::by_word(allowed) == Some(resource)
        },
    );
    if aggregated {
        return;
    }
    if covered {
        return verb(context, role, (resource, group), verbs, findings);
    }
    let bound = binding(context, role);
    // Who asks about that very resource makes it likelier.
    let asked = context.request.question.as_deref().is_some_and(|question| {
        question
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| !word.is_empty() && resources::by_word(word) == Some(resource))
    });
    let allowed: Vec<String> = rules
        .iter()
        .flat_map(|rule| json::list(rule, "/resources"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .take(10)
        .collect();
    // The verbs that the role has already, of those that its name promises.
    let mut granted: Vec<&str> = rules
        .iter()
        .flat_map(|rule| json::list(rule, "/verbs"))
        .filter_map(Value::as_str)
        .filter(|verb| verbs.contains(verb))
        .collect();
    granted.sort_unstable();
    granted.dedup();
    if granted.is_empty() {
        granted.extend(verbs);
    }
    let severity = if bound.is_some() || asked { Severity::Warning } else { Severity::Info };
    let mut draft = Draft::new(severity, role, "RuleMissing", if allowed.is_empty() { "/rules" } else { "/rules/0" })
        .confidence(if asked { 0.85 } else { 0.6 })
        .see(role, "/metadata/name")
        .message(format!(
            "{} `{}` allows {}, and not `{resource}`, which its name is about: who is bound to it can not {} them.",
            role.reference.kind,
            role.name(),
            if allowed.is_empty() { "nothing".to_owned() } else { text::names(allowed) },
            granted.join(" or ")
        ));
    if let Some(bound) = bound {
        draft = draft.see(bound, "/roleRef/name").see(bound, "/subjects");
    }
    draft = if role.reference.kind == "Role"
        && !granted.iter().any(|verb| resources::sensitive(resource, verb))
    {
        let added = json!({ "apiGroups": [group], "resources": [resource], "verbs": granted });
        draft.action(with_rule(
            role,
            &added,
            &format!(
                "Let the Role `{}` {} {resource} in `{}`",
                role.name(),
                granted.join(" and "),
                role.namespace()
            ),
        ))
    } else {
        draft.action(actions::escalate(
            &role.reference,
            format!("Whether the role should allow `{resource}`."),
        ))
    };
    crate::rules::note::add(findings, draft);
}
