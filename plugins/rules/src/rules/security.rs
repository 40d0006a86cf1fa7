//! What gives pods or accounts more power than they may need. Notes only:
//! nothing here is broken, and none of it is a reason to act in an incident.

use serde_json::Value;

use crate::{
    context::{Context, Template},
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    seen::Seen,
    text,
};

/// Notes of one kind at most: these are habits, and the first few show them.
const MOST: usize = 3;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut pods = Notes::default();
    for template in context.templates("") {
        if !system(template.namespace()) {
            workload(&template, &mut pods, findings);
        }
    }
    let mut accounts = Notes::default();
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        for binding in context.snapshot.all(kind) {
            if !binding.name().starts_with("system:") && !system(binding.namespace()) {
                bound(context, binding, &mut accounts, findings);
            }
        }
    }
}

/// How often each kind of note was made.
#[derive(Default)]
struct Notes {
    made: std::collections::BTreeMap<&'static str, usize>,
}

impl Notes {
    /// Whether one more of that kind may be made.
    fn room(&mut self, reason: &'static str) -> bool {
        let made = self.made.entry(reason).or_default();
        *made += 1;
        *made <= MOST
    }
}

fn system(namespace: &str) -> bool {
    namespace.starts_with("kube-") || namespace.starts_with("openshift-")
}

fn workload(template: &Template<'_>, notes: &mut Notes, findings: &mut Findings) {
    let spec = template.spec();
    let owner = &template.seen.reference;
    let mut note = |reason: &'static str, pointer: String, what: &str| {
        if notes.room(reason) {
            findings.add(
                Draft::new(Severity::Info, template.seen, reason, &format!("{}{pointer}", template.pointer))
                    .message(format!("The pods of {owner} {what}.")),
            );
        }
    };
    for list in ["containers", "initContainers"] {
        for (at, container) in json::list(spec, &format!("/{list}")).iter().enumerate().take(20) {
            if json::flag(container, "/securityContext/privileged") == Some(true) {
                note(
                    "PrivilegedContainer",
                    format!("/{list}/{at}/securityContext/privileged"),
                    "run a privileged container, which may do everything on its node",
                );
            }
        }
    }
    for (at, volume) in json::list(spec, "/volumes").iter().enumerate().take(50) {
        if let Some(path) = json::text(volume, "/hostPath/path") {
            let what = format!("mount `{}` of their node", text::clean(path, 100));
            note("HostPath", format!("/volumes/{at}/hostPath/path"), &what);
        }
    }
    for (field, what) in [
        ("hostNetwork", "share the network of their node"),
        ("hostPID", "see the processes of their node"),
        ("hostIPC", "share memory with the processes of their node"),
    ] {
        if json::flag(spec, &format!("/{field}")) == Some(true) {
            note("HostNamespaces", format!("/{field}"), what);
        }
    }
}

/// Accounts that everything in a namespace runs as, or everybody is, with a
/// role that allows everything.
fn bound(context: &Context<'_>, binding: &Seen, notes: &mut Notes, findings: &mut Findings) {
    let (Some(kind), Some(name)) = (binding.text("/roleRef/kind"), binding.text("/roleRef/name")) else {
        return;
    };
    let space = if kind == "Role" { binding.namespace() } else { "" };
    let all = name == "cluster-admin"
        || context
            .snapshot
            .find(kind, space, name)
            .is_some_and(|role| role.list("/rules").iter().any(everything));
    if !all {
        return;
    }
    for (at, subject) in binding.list("/subjects").iter().enumerate().take(50) {
        let Some(who) = json::text(subject, "/name") else { continue };
        let default = json::text(subject, "/kind") == Some("ServiceAccount") && who == "default";
        let everybody = matches!(
            who,
            "system:anonymous" | "system:unauthenticated" | "system:authenticated" | "system:serviceaccounts"
        );
        if !(default || everybody) || !notes.room("EverythingAllowed") {
            continue;
        }
        let whom = if default {
            format!(
                "every pod of the namespace `{}` that names no account of its own",
                text::clean(json::text(subject, "/namespace").unwrap_or(binding.namespace()), 80)
            )
        } else {
            format!("all of `{}`", text::clean(who, 80))
        };
        findings.add(
            Draft::new(Severity::Info, binding, "EverythingAllowed", &format!("/subjects/{at}"))
                .see(binding, "/roleRef/name")
                .message(format!(
                    "{} `{}` lets {whom} do everything: the {} `{}` allows it.",
                    binding.reference.kind,
                    binding.name(),
                    text::clean(kind, 40),
                    text::clean(name, 80)
                )),
        );
    }
}

/// A rule for all verbs on all resources of all groups.
fn everything(rule: &Value) -> bool {
    ["/verbs", "/resources", "/apiGroups"]
        .iter()
        .all(|list| json::list(rule, list).iter().any(|value| value.as_str() == Some("*")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::{FakeCluster, run};

    fn deployment(space: &str, spec: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": space, "name": "web"},
            "spec": {"template": {"spec": spec}}})
    }

    fn binding(role: &str, who: Value) -> Value {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"},
            "roleRef": {"kind": "ClusterRole", "name": role}, "subjects": [who]})
    }

    #[test]
    fn power_is_noted_and_never_more_than_that() {
        let default = json!({"kind": "ServiceAccount", "name": "default", "namespace": "shop"});
        let own = json!({"kind": "ServiceAccount", "name": "web", "namespace": "shop"});
        for (object, expect) in [
            (
                deployment(
                    "shop",
                    json!({"containers": [{"name": "c", "securityContext": {"privileged": true}}]}),
                ),
                vec!["PrivilegedContainer"],
            ),
            (deployment("kube-system", json!({"hostNetwork": true})), vec![]),
            (deployment("shop", json!({"hostNetwork": true})), vec!["HostNamespaces"]),
            (deployment("shop", json!({"volumes": [{"hostPath": {"path": "/"}}]})), vec!["HostPath"]),
            (deployment("shop", json!({"containers": "none"})), vec![]),
            (binding("cluster-admin", default.clone()), vec!["EverythingAllowed"]),
            (binding("cluster-admin", own), vec![]),
            (binding("view", default), vec![]),
        ] {
            let found = run(check, &FakeCluster::new().with(object.clone()));
            assert_eq!(
                found.iter().map(|found| found.reason.as_str()).collect::<Vec<_>>(),
                expect,
                "{object}"
            );
            assert!(found.iter().all(|found| found.severity == Severity::Info));
        }
    }
}
