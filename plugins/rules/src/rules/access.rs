//! Who may do what: requests that were refused, bindings that lead nowhere,
//! and roles that do not allow what they are named for. What is proposed never
//! grants more than was asked for, and never anything that could grant more.

use serde_json::Value;

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    rules::{behind, nearest},
    seen::Seen,
    snapshot::Existence,
    text,
};

mod denied;
mod resources;
mod role;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    denied::check(context, findings);
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for binding in context.snapshot.all(kind) {
            if !theirs(binding) && !binding.terminating() {
                role_reference(context, binding, findings);
                subjects(context, binding, findings);
            }
        }
    }
    for kind in ["Role", "ClusterRole"] {
        for role in context.snapshot.all(kind) {
            if !theirs(role) && !role.terminating() {
                role::check(context, role, findings);
            }
        }
    }
}

/// Whether it belongs to Kubernetes itself, which binds more than is there.
fn theirs(seen: &Seen) -> bool {
    seen.name().starts_with("system:") || seen.namespace().starts_with("kube-")
}

/// The role that a binding names.
fn role_reference(context: &Context<'_>, binding: &Seen, findings: &mut Findings) {
    let (Some(kind), Some(name)) = (binding.text("/roleRef/kind"), binding.text("/roleRef/name")) else {
        return;
    };
    let space = if kind == "Role" { binding.namespace() } else { "" };
    let usual = kind == "ClusterRole"
        && (name.starts_with("system:") || matches!(name, "view" | "edit" | "admin" | "cluster-admin"));
    let existence = context.snapshot.existence(kind, space, name);
    if usual || existence == Existence::Present {
        return;
    }
    let near = nearest::nearest(
        name,
        context.snapshot.all(kind).filter(|role| role.namespace() == space).map(Seen::name),
    );
    let other = if kind == "Role" { "ClusterRole" } else { "Role" };
    let other_space = if kind == "Role" { "" } else { binding.namespace() };
    let swapped = context.snapshot.find(other, other_space, name);
    let (severity, confidence) = match (existence, near.is_some() || swapped.is_some()) {
        (Existence::Absent, _) => (Severity::Warning, 0.95),
        (_, true) => (Severity::Warning, 0.75),
        (Existence::NotRecorded, false) => (Severity::Info, 0.5),
        _ => return,
    };
    let hint = match (near, swapped) {
        (Some(near), _) => format!(" There is a {kind} `{}`.", text::clean(near, 80)),
        (None, Some(_)) => format!(" There is a {other} of that name."),
        (None, None) if kind == "Role" => match behind::elsewhere(context, kind, space, name).as_slice() {
            [] => String::new(),
            spaces => format!(" One of that name is in the namespace {}.", text::names(spaces)),
        },
        _ => String::new(),
    };
    let mut draft = Draft::new(severity, binding, "RoleNotFound", "/roleRef/name")
        .confidence(confidence)
        .message(format!(
            "{} `{}` grants nothing: the {} `{}` that it names {}.{hint}",
            binding.reference.kind,
            binding.name(),
            text::clean(kind, 40),
            text::clean(name, 80),
            existence.phrase()
        ))
        .action(actions::escalate(
            &binding.reference,
            "The role that was meant: a binding has to be made again to name another.",
        ));
    for (account_space, account) in accounts(binding) {
        for template in context.templates(account_space) {
            if uses(template.spec(), account) {
                draft = draft.explains(template.seen.reference.clone());
            }
        }
    }
    crate::rules::note::add(findings, draft);
}

/// The ServiceAccounts that a binding is for: namespace and name.
fn accounts(binding: &Seen) -> Vec<(&str, &str)> {
    binding
        .list("/subjects")
        .iter()
        .take(50)
        .filter(|subject| json::text(subject, "/kind") == Some("ServiceAccount"))
        .filter_map(|subject| {
            Some((
                json::text(subject, "/namespace").unwrap_or(binding.namespace()),
                json::text(subject, "/name")?,
            ))
        })
        .collect()
}

/// Whether pods of that spec run as the account.
fn uses(spec: &Value, account: &str) -> bool {
    json::text(spec, "/serviceAccountName").unwrap_or("default") == account
}

/// The accounts that a binding is for, where they are not there.
fn subjects(context: &Context<'_>, binding: &Seen, findings: &mut Findings) {
    for (at, subject) in binding.list("/subjects").iter().enumerate().take(50) {
        if json::text(subject, "/kind") != Some("ServiceAccount") {
            continue;
        }
        let Some(name) = json::text(subject, "/name") else { continue };
        let space = json::text(subject, "/namespace").unwrap_or(binding.namespace());
        if name == "default" || space.starts_with("kube-") || space.is_empty() {
            continue;
        }
        let existence = context.snapshot.existence("ServiceAccount", space, name);
        if existence == Existence::Present {
            continue;
        }
        let all = || context.snapshot.all("ServiceAccount");
        let elsewhere = all().find(|account| account.name() == name && account.namespace() != space);
        let near = nearest::nearest(
            name,
            all()
                .filter(|account| account.namespace() == space && account.name() != "default")
                .map(Seen::name),
        );
        let pointer = format!("/subjects/{at}");
        // A slip is likely where the right one is near; else the binding was
        // left behind, which harms nobody.
        let meant = match (elsewhere, near) {
            (Some(account), _)
                if binding.namespace().is_empty() || account.namespace() == binding.namespace() =>
            {
                format!("There is one in the namespace `{}`.", account.namespace())
            }
            (_, Some(near)) => format!("There is a ServiceAccount `{}`.", text::clean(near, 80)),
            _ => String::new(),
        };
        let severity = match (existence, meant.is_empty()) {
            (Existence::Absent, true) => Severity::Info,
            (Existence::Absent | Existence::NotRecorded, false) => Severity::Warning,
            (Existence::Unknown, false) if context.manifests_only => Severity::Warning,
            _ => continue,
        };
        let mut draft = Draft::new(severity, binding, "SubjectNotFound", &pointer)
            .confidence(if existence == Existence::Absent { 0.9 } else { 0.7 })
            .message(
                format!(
                    "{} `{}` is for the ServiceAccount `{}` in `{}`, which {}. {meant}",
                    binding.reference.kind,
                    binding.name(),
                    text::clean(name, 80),
                    text::clean(space, 80),
                    existence.phrase()
                )
                .trim()
                .to_owned(),
            );
        if severity != Severity::Info {
            draft =
                draft.action(actions::escalate(&binding.reference, "The account that the binding is for."));
            if let Some(account) = elsewhere {
                draft = draft.see(account, "/metadata/namespace");
            }
        }
        crate::rules::note::add(findings, draft);
    }
}

#[cfg(test)]
mod tests;
