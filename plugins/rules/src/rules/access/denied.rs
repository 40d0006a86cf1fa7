//! Requests that the API server refused, as logs and events tell:
//! `User "system:serviceaccount:shop:web" cannot list resource "pods" in API
//! group "" in the namespace "shop"`. The words are anybody's: a permission is
//! proposed only where the role was made for it, and never one that opens more.

use std::collections::BTreeMap;

use serde_json::json;

use super::{resources, role};
use crate::{
    actions,
    context::{Context, Run},
    diagnosis::{Evidence, ObjectRef, Severity},
    findings::{Draft, Findings},
    json, labels,
    seen::Seen,
    snapshot::Existence,
    text,
};

/// Pods whose logs are read, and events that are looked at.
const MOST_PODS: usize = 15;
const MOST_EVENTS: usize = 2_000;
const RECENT: i64 = 3_600;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Denied {
    pub(super) space: String,
    pub(super) account: String,
    pub(super) verb: String,
    pub(super) resource: String,
    pub(super) group: String,
    /// None where it was asked of the whole cluster.
    pub(super) within: Option<String>,
}

/// Reads a refusal out of a line. None where it is none, or not of a
/// ServiceAccount.
pub(super) fn parse(line: &str) -> Option<Denied> {
    let unescaped = line.replace("\\\"", "\"");
    let (_, rest) = unescaped.split_once("system:serviceaccount:")?;
    let (who, rest) = rest.split_once('"')?;
    let (space, account) = who.split_once(':')?;
    let (_, rest) = rest.split_once("cannot ")?;
    let (verb, rest) = rest.split_once(' ')?;
    let quoted = |word: &str| -> Option<String> {
        let (_, rest) = rest.split_once(&format!("{word} \""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let name = |text: &str| {
        !text.is_empty()
            && text.len() <= 253
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/'))
    };
    let denied = Denied {
        space: space.to_owned(),
        account: account.to_owned(),
        verb: verb.to_owned(),
        resource: quoted("resource")?,
        group: quoted("API group").unwrap_or_default(),
        within: quoted("namespace"),
    };
    let good = name(&denied.space) && name(&denied.account) && name(&denied.verb) && name(&denied.resource);
    good.then_some(denied)
}

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut all: BTreeMap<Denied, Vec<Evidence>> = BTreeMap::new();
    let mut events: Vec<_> = context
        .snapshot
        .events
        .iter()
        .take(MOST_EVENTS * 10)
        .filter(|event| event.message.contains("system:serviceaccount:") && event.message.contains("cannot "))
        .filter(|event| event.last.is_none_or(|last| context.now - last < RECENT))
        .take(MOST_EVENTS)
        .collect();
    events.sort_by(|a, b| (&a.about, &a.message).cmp(&(&b.about, &b.message)));
    for event in events {
        if let Some(denied) = parse(&event.message) {
            all.entry(denied).or_default().extend(event.evidence());
        }
    }
    let sick = context
        .snapshot
        .pods
        .all
        .iter()
        .filter(|pod| pod.live() && pod.node.is_some())
        .filter(|pod| pod.problem.is_some() || pod.restarts > 0 || granted(context, pod));
    for pod in sick.take(MOST_PODS) {
        let template = context.template(&context.workload(pod));
        let name = template
            .as_ref()
            .and_then(|template| json::text(template.spec(), "/containers/0/name"))
            .unwrap_or("")
            .to_owned();
        for run in [Run::Current, Run::Previous] {
            let Some(log) = context.log(&pod.reference, &name, run) else { continue };
            for (at, line) in log.lines.iter().enumerate() {
                if let Some(denied) = line.contains("system:serviceaccount:").then(|| parse(line)).flatten() {
                    let evidence = all.entry(denied).or_default();
                    if evidence.len() < 4 {
                        evidence.extend(log.evidence(at));
                    }
                }
            }
        }
    }
    for (denied, evidence) in all.into_iter().take(20) {
        report(context, &denied, evidence, findings);
    }
}

/// Whether a pod that is well runs as an account that a binding is for: it
/// talks to the API server, and its log tells how it gets on.
fn granted(context: &Context<'_>, pod: &crate::snapshot::Pod) -> bool {
    let template = context.template(&context.workload(pod));
    let account = template
        .as_ref()
        .and_then(|template| json::text(template.spec(), "/serviceAccountName"))
        .filter(|account| *account != "default");
    !pod.namespace().starts_with("kube-")
        && account.is_some_and(|account| {
            context.snapshot.all("RoleBinding").any(|binding| {
                super::accounts(binding)
                    .iter()
                    .any(|(space, name)| *space == pod.namespace() && *name == account)
            })
        })
}

/// The roles that are bound to the account where it asked.
fn roles<'a>(context: &Context<'a>, denied: &Denied) -> Vec<&'a Seen> {
    let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
    ["RoleBinding", "ClusterRoleBinding"]
        .into_iter()
        .flat_map(|kind| snapshot.all(kind))
        .filter(|binding| {
            binding.namespace().is_empty() || denied.within.as_deref() == Some(binding.namespace())
        })
        .filter(|binding| {
            binding.list("/subjects").iter().any(|subject| {
                let kind = json::text(subject, "/kind");
                let name = json::text(subject, "/name").unwrap_or("");
                kind == Some("ServiceAccount")
                    && name == denied.account
                    && json::text(subject, "/namespace").unwrap_or(binding.namespace()) == denied.space
            })
        })
        .filter_map(|binding| {
            let kind = binding.text("/roleRef/kind")?;
            let space = if kind == "Role" { binding.namespace() } else { "" };
            snapshot.find(kind, space, binding.text("/roleRef/name")?)
        })
        .collect()
}

fn report(context: &Context<'_>, denied: &Denied, evidence: Vec<Evidence>, findings: &mut Findings) {
    let roles = roles(context, denied);
    if roles.iter().any(|role| role::allows(role, &denied.group, &denied.resource, &denied.verb)) {
        return;
    }
    let account = ObjectRef::new("v1", "ServiceAccount", Some(&denied.space), &denied.account);
    let place = denied.within.as_deref().map_or_else(
        || "in the whole cluster".to_owned(),
        |space| format!("in the namespace `{}`", text::clean(space, 80)),
    );
    let asked = format!("{} `{}` {place}", text::clean(&denied.verb, 30), text::clean(&denied.resource, 80));
    let own = roles.iter().find(|role| role.reference.kind == "Role").or(roles.first()).copied();
    let (object, message) = match own {
        Some(role) => {
            let allowed: Vec<String> = role
                .list("/rules")
                .iter()
                .map(|rule| {
                    let join = |list: &str| {
                        json::list(rule, list)
                            .iter()
                            .filter_map(serde_json::Value::as_str)
                            .take(8)
                            .collect::<Vec<_>>()
                            .join("/")
                    };
                    format!("{} {}", join("/verbs"), join("/resources"))
                })
                .collect();
            (
                role.reference.clone(),
                format!(
                    "The ServiceAccount `{}` may not {asked}: the {} `{}` that is bound to it allows {}.",
                    account.name,
                    role.reference.kind,
                    role.name(),
                    text::names(allowed)
                ),
            )
        }
        None => (
            account.clone(),
            format!(
                "The ServiceAccount `{}` may not {asked}: no role that is recorded is bound to it there.",
                account.name
            ),
        ),
    };
    let users: Vec<_> = context
        .templates(&denied.space)
        .into_iter()
        .filter(|template| super::uses(template.spec(), &denied.account))
        .take(20)
        .collect();
    let broken =
        users.iter().any(|template| !crate::rules::pod::works_in_part(context, &template.seen.reference));
    let known =
        context.snapshot.existence("ServiceAccount", &denied.space, &denied.account) == Existence::Present;
    let severity = if broken { Severity::Critical } else { Severity::Warning };
    let mut draft = Draft::with(severity, object.clone(), "PermissionMissing", Vec::new())
        .confidence(if known && own.is_some() { 0.95 } else { 0.85 })
        .evidence(evidence)
        .message(message);
    if let Some(role) = own {
        draft = draft.see(role, "/rules");
    }
    for template in users {
        draft = draft.explains(template.seen.reference.clone());
        for pod in
            context.snapshot.pods.within(&denied.space).filter(|pod| pod.live() && !pod.ready).take(200)
        {
            if labels::get(&pod.labels, "job-name").is_none()
                && context.workload(pod).same(&template.seen.reference)
            {
                draft = draft.explains(pod.reference.clone());
            }
        }
    }
    findings.add(draft.action(remedy(denied, own, &object, &asked)));
}

/// One more rule with that verb alone, where the role has it for the resource
/// in a wrong group, or is named for the resource; else a person decides.
fn remedy(
    denied: &Denied,
    role: Option<&Seen>,
    object: &ObjectRef,
    asked: &str,
) -> crate::diagnosis::ProposedAction {
    if let Some(found) = role.filter(|role| role.reference.kind == "Role")
        && denied.within.as_deref() == Some(found.namespace())
        && !resources::sensitive(&denied.resource, &denied.verb)
        && resources::groups(&denied.resource).is_some_and(|groups| groups.contains(&denied.group.as_str()))
    {
        let named = role::promised(found.name()).is_some_and(|(resource, verbs)| {
            resource == denied.resource && verbs.contains(&denied.verb.as_str())
        });
        let misplaced = found.list("/rules").iter().any(|rule| {
            let has = |list: &str, want: &str| {
                json::list(rule, list).iter().any(|value| value.as_str() == Some(want))
            };
            has("/resources", &denied.resource)
                && (has("/verbs", &denied.verb) || !has("/apiGroups", &denied.group))
        });
        if named || misplaced {
            let rule = json!({ "apiGroups": [denied.group], "resources": [denied.resource], "verbs": [denied.verb] });
            return role::with_rule(found, &rule, &format!("Let the Role `{}` {asked}", found.name()));
        }
    }
    actions::escalate(
        object,
        format!("Whether the ServiceAccount `{}` should be able to {asked}.", denied.account),
    )
}
