//! Admission webhooks and aggregated APIs whose Service is not there or has no
//! pod that answers: then the API server refuses what it should let in.

use serde_json::Value;

use crate::{
    actions,
    cluster::Coverage,
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json,
    rules::{
        behind::{self, Behind, Index},
        nearest,
    },
    seen::Seen,
    snapshot::{Event, Existence},
    text,
};

/// A refusal counts for so many seconds.
const RECENT: i64 = 3600;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let failures = failures(context);
    let index = Index::of(context);
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        for configuration in context.snapshot.all(kind) {
            for (at, webhook) in configuration.list("/webhooks").iter().enumerate().take(100) {
                check_webhook((context, &index), configuration, at, webhook, &failures, findings);
            }
        }
    }
    for service in context.snapshot.all("APIService") {
        api_service(context, &index, service, findings);
    }
}

/// Why nothing answers behind a Service.
struct Silent {
    reason: &'static str,
    why: String,
    because: Vec<ObjectRef>,
    confidence: f32,
}

fn silent<'a>(context: &Context<'a>, index: &Index<'a>, reference: &Value) -> Option<Silent> {
    let (space, name) = (json::text(reference, "/namespace")?, json::text(reference, "/name")?);
    let shown = format!("the Service `{}` in `{}`", text::clean(name, 80), text::clean(space, 80));
    let Some(service) = context.snapshot.find("Service", space, name) else {
        let existence = context.snapshot.existence("Service", space, name);
        if existence != Existence::Absent {
            return None;
        }
        let near = nearest::nearest(
            name,
            context.snapshot.all("Service").filter(|service| service.namespace() == space).map(Seen::name),
        );
        let hint = near.map_or_else(String::new, |near| format!("; there is `{}`", text::clean(near, 80)));
        return Some(Silent {
            reason: "ServiceNotFound",
            why: format!("{shown} does not exist{hint}"),
            because: Vec::new(),
            confidence: 0.95,
        });
    };
    let port = reference.get("port").cloned().unwrap_or_else(|| Value::from(443));
    if !behind::has_port(service, &port) && !service.list("/spec/ports").is_empty() {
        return Some(Silent {
            reason: "ServicePortNotFound",
            why: format!("{shown} has no port {port}, only {}", text::names(behind::show_ports(service))),
            because: Vec::new(),
            confidence: 0.9,
        });
    }
    if context.snapshot.coverage("Pod") != Coverage::Complete
        || context.manifests_only
        || service.entries("/spec/selector").next().is_none()
        || index.has_addresses(context, service) == Some(true)
    {
        return None;
    }
    let behind = Behind::of(context, index, service);
    if behind.ready() {
        return None;
    }
    let mut because = behind.workloads(context);
    because.push(service.reference.clone());
    let why = if behind.pods.is_empty() {
        format!("{shown} has no pod")
    } else {
        format!("{shown} has {}, none of which is ready", text::plural(behind.pods.len(), "pod"))
    };
    Some(Silent { reason: "NoReadyPods", why, because, confidence: 0.9 })
}

fn check_webhook<'a>(
    (context, index): (&Context<'a>, &Index<'a>),
    configuration: &Seen,
    at: usize,
    webhook: &Value,
    failures: &[&Event],
    findings: &mut Findings,
) {
    let pointer = format!("/webhooks/{at}");
    let name = json::text(webhook, "/name").unwrap_or("?");
    let strict = json::text(webhook, "/failurePolicy").unwrap_or("Fail") == "Fail";
    let quoted = format!("\"{name}\"");
    let refused: Vec<&&Event> =
        failures.iter().filter(|event| event.message.contains(&quoted)).take(10).collect();
    let silent = webhook.pointer("/clientConfig/service").and_then(|service| silent(context, index, service));
    let (reason, why, because, confidence, field) = match silent {
        Some(silent) => (
            silent.reason,
            silent.why,
            silent.because,
            silent.confidence,
            format!("{pointer}/clientConfig/service"),
        ),
        None => match refused.first() {
            Some(event) => {
                let said = event.message.split("failed calling webhook").nth(1).unwrap_or(&event.message);
                let why =
                    format!("calls fail with {}", text::clean(said.trim_start_matches([' ', ':']), 250));
                (
                    "CallsFail",
                    why.trim_end_matches('.').to_owned(),
                    Vec::new(),
                    0.9,
                    format!("{pointer}/name"),
                )
            }
            None => return,
        },
    };
    let severity = if strict { Severity::Critical } else { Severity::Warning };
    let rules: Vec<String> = json::list(webhook, "/rules")
        .iter()
        .flat_map(|rule| json::list(rule, "/resources"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .take(20)
        .collect();
    let effect = match (strict, rules.is_empty()) {
        (true, true) => "every change that it looks at is refused".to_owned(),
        (true, false) => format!("every change of {} that it looks at is refused", text::names(rules)),
        (false, _) => "changes pass without it".to_owned(),
    };
    let mut draft = Draft::new(severity, configuration, reason, &field)
        .see(configuration, &format!("{pointer}/failurePolicy"))
        .confidence(confidence)
        .message(format!(
            "The webhook `{}` of {} `{}` does not answer, because {why}: {effect}.",
            text::clean(name, 100),
            configuration.reference.kind,
            configuration.name()
        ))
        .action(actions::escalate(
            &configuration.reference,
            "Whether the webhook's pods come back, or the configuration is to go.",
        ));
    for object in because {
        draft = draft.because(object);
    }
    for event in refused {
        draft = draft.evidence(event.evidence()).explains(event.about.clone());
        if let Some(owner) = context.snapshot.object(&event.about).and_then(Seen::owner) {
            draft = draft.explains(owner);
        }
    }
    findings.add(draft);
}

/// Recent events that tell of a webhook that could not be called, newest first.
fn failures<'a>(context: &Context<'a>) -> Vec<&'a Event> {
    let events: &'a crate::snapshot::Events = &context.snapshot.events;
    let mut all: Vec<&Event> = events
        .iter()
        .filter(|event| event.message.contains("failed calling webhook"))
        .filter(|event| event.last.is_none_or(|last| context.now - last < RECENT))
        .collect();
    all.sort_by(|a, b| (b.last, &a.about, &a.message).cmp(&(a.last, &b.about, &b.message)));
    all.truncate(200);
    all
}

/// An API that a Service in the cluster answers, such as that of metrics.
fn api_service<'a>(context: &Context<'a>, index: &Index<'a>, service: &Seen, findings: &mut Findings) {
    let reference = service.at("/spec/service");
    let Some((pointer, condition)) = service.condition("Available") else { return };
    if reference.is_null() || json::text(condition, "/status") != Some("False") {
        return;
    }
    let silent = silent(context, index, reference);
    let why = silent.as_ref().map_or_else(
        || text::clean(json::text(condition, "/message").unwrap_or("no reason is given"), 250),
        |silent| silent.why.clone(),
    );
    let mut draft = Draft::new(Severity::Warning, service, "APINotAvailable", &format!("{pointer}/status"))
        .see(service, &format!("{pointer}/message"))
        .message(format!(
            "The API `{}` is not available: {}. What builds on it does not work.",
            service.name(),
            why.trim_end_matches('.')
        ))
        .action(actions::escalate(&service.reference, "Whether the Service behind the API comes back."));
    for object in silent.into_iter().flat_map(|silent| silent.because) {
        draft = draft.because(object);
    }
    findings.add(draft);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::{FakeCluster, reasons, run};

    fn configuration(service: Value, policy: &str) -> Value {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "guard"}, "webhooks": [{"name": "pods.guard.example.com", "failurePolicy": policy,
                "rules": [{"resources": ["pods"]}], "clientConfig": {"service": service}}]})
    }

    fn cluster(ready: &str) -> FakeCluster {
        FakeCluster::new()
            .with(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "guard", "name": "hook"},
                "spec": {"selector": {"app": "hook"}, "ports": [{"port": 443}]}}))
            .with(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "guard", "name": "hook-1",
                "labels": {"app": "hook"}}, "spec": {"containers": []},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}}))
    }

    #[test]
    fn webhooks_that_do_not_answer() {
        let hook = json!({"namespace": "guard", "name": "hook"});
        for (service, policy, ready, expect) in [
            (hook.clone(), "Fail", "True", None),
            (
                json!({"namespace": "guard", "name": "none"}),
                "Fail",
                "True",
                Some(("ServiceNotFound", Severity::Critical)),
            ),
            (
                json!({"namespace": "guard", "name": "none"}),
                "Ignore",
                "True",
                Some(("ServiceNotFound", Severity::Warning)),
            ),
            (hook.clone(), "Fail", "False", Some(("NoReadyPods", Severity::Critical))),
            (
                json!({"namespace": "guard", "name": "hook", "port": 8443}),
                "Fail",
                "True",
                Some(("ServicePortNotFound", Severity::Critical)),
            ),
            (json!("guard/hook"), "Fail", "True", None),
        ] {
            let found = run(check, &cluster(ready).with(configuration(service.clone(), policy)));
            assert_eq!(
                found.first().map(|found| (found.reason.as_str(), found.severity)),
                expect,
                "{service}"
            );
        }
    }

    #[test]
    fn calls_that_fail_are_told_by_events() {
        let event = |last: &str| {
            json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"},
            "type": "Warning", "reason": "FailedCreate", "lastTimestamp": last,
            "message": "Internal error occurred: failed calling webhook \"pods.guard.example.com\": certificate has expired",
            "involvedObject": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "namespace": "shop", "name": "api-1"}})
        };
        let hook = json!({"namespace": "guard", "name": "hook"});
        for (last, expect) in [
            ("2026-01-01T11:59:00Z", vec!["ValidatingWebhookConfiguration/guard CallsFail"]),
            ("2026-01-01T01:00:00Z", vec![]),
        ] {
            let cluster = cluster("True").with(configuration(hook.clone(), "Fail")).with(event(last));
            assert_eq!(reasons(check, &cluster), expect, "{last}");
        }
    }

    #[test]
    fn apis_that_are_not_available() {
        for (status, expect) in [("True", vec![]), ("False", vec!["APIService/v1.x APINotAvailable"])] {
            let cluster =
                cluster("True").with(json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                "metadata": {"name": "v1.x"}, "spec": {"service": {"namespace": "guard", "name": "hook"}},
                "status": {"conditions": [{"type": "Available", "status": status, "message": "timeout"}]}}));
            assert_eq!(reasons(check, &cluster), expect);
        }
    }
}
