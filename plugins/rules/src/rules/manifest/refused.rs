//! Templates that the API server does not take: a volume that is mounted and
//! not declared, a restart policy that the kind does not allow.

use crate::{
    actions,
    context::Template,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    rules::manifest::Part,
    text,
};

/// Jobs end, and all else that makes pods wants them to go on.
pub(super) fn policy(template: &Template<'_>, findings: &mut Findings) {
    let kind = template.seen.reference.kind.as_str();
    let policy = json::text(template.spec(), "/restartPolicy");
    let (wrong, right) = match (kind, policy) {
        // Without one it is `Always`, which a Job may not have.
        ("Job" | "CronJob", None | Some("Always")) => (true, "`OnFailure` or `Never`"),
        ("Deployment" | "StatefulSet" | "DaemonSet", Some(policy)) => (policy != "Always", "`Always`"),
        _ => (false, ""),
    };
    if !wrong {
        return;
    }
    let pointer = if policy.is_some() { "/restartPolicy" } else { "" };
    findings.add(
        Draft::new(
            Severity::Critical,
            template.seen,
            "InvalidRestartPolicy",
            &format!("{}{pointer}", template.pointer),
        )
        .confidence(0.95)
        .message(format!(
            "{} has the restart policy `{}`, where a {kind} needs {right}: the API server does not take it.",
            template.seen.reference,
            text::clean(policy.unwrap_or("Always"), 40)
        ))
        .action(actions::escalate(&template.seen.reference, format!("The restart policy: {right}."))),
    );
}

/// Mounts of volumes that the pod does not have.
pub(super) fn mounts(part: &Part<'_>, findings: &mut Findings) {
    let spec = part.template.spec();
    let claims = part.template.seen.list("/spec/volumeClaimTemplates");
    for (at, mount) in json::list(part.container, "/volumeMounts").iter().enumerate() {
        let Some(name) = json::text(mount, "/name") else { continue };
        let volumes = json::list(spec, "/volumes");
        let declared = volumes.iter().any(|volume| json::text(volume, "/name") == Some(name))
            || claims.iter().any(|claim| json::text(claim, "/metadata/name") == Some(name));
        if declared {
            continue;
        }
        let names: Vec<&str> = volumes.iter().filter_map(|volume| json::text(volume, "/name")).collect();
        findings.add(
            part.draft(Severity::Critical, "VolumeNotFound", &format!("volumeMounts/{at}/name"))
                .see(part.template.seen, &format!("{}/volumes", part.template.pointer))
                .confidence(0.95)
                .message(format!(
                    "{} mounts the volume `{}`, which the pod does not have ({}): the API server does not take it.",
                    part.subject(),
                    text::clean(name, 80),
                    if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", text::names(names)) }
                ))
                .action(actions::escalate(part.owner(), format!("The volume that `{}` was meant to be.", text::clean(name, 80)))),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        cluster::Coverage,
        fake::{FakeCluster, reasons},
        rules::manifest::check,
    };

    fn of(kind: &str, spec: Value) -> FakeCluster {
        let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": spec});
        FakeCluster::new().covering(Coverage::Partial).with(json!({"apiVersion": "x/v1", "kind": kind,
            "metadata": {"namespace": "shop", "name": "a"},
            "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template}}))
    }

    #[test]
    fn what_the_api_server_does_not_take() {
        let mount =
            json!({"name": "c", "image": "x/y", "volumeMounts": [{"name": "conf", "mountPath": "/c"}]});
        for (kind, spec, expect) in [
            ("Job", json!({"containers": []}), vec!["Job/a InvalidRestartPolicy"]),
            ("Job", json!({"restartPolicy": "Never"}), vec![]),
            ("Deployment", json!({"restartPolicy": "OnFailure"}), vec!["Deployment/a InvalidRestartPolicy"]),
            ("Deployment", json!({"containers": []}), vec![]),
            ("Deployment", json!({"containers": [mount]}), vec!["Deployment/a VolumeNotFound"]),
            (
                "Deployment",
                json!({"containers": [mount], "volumes": [{"name": "conf", "emptyDir": {}}]}),
                vec![],
            ),
        ] {
            assert_eq!(reasons(check, &of(kind, spec.clone())), expect, "{kind} {spec}");
        }
    }
}
