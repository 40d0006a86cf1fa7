//! Deployments and StatefulSets that are scaled to zero while something needs
//! them: a program that can not reach their Service, an Ingress that sends
//! requests to it, a person who asks about it. Zero alone may be as wished.

use serde_json::json;

use crate::{
    actions,
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json, labels,
    seen::Seen,
};

/// It runs after the rules whose findings say what is needed.
pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for kind in ["Deployment", "StatefulSet"] {
        for seen in context.snapshot.all(kind) {
            if seen.integer("/spec/replicas") == Some(0) && !seen.terminating() {
                needed(context, seen, findings);
            }
        }
    }
}

fn needed(context: &Context<'_>, seen: &Seen, findings: &mut Findings) {
    let labels = seen.at("/spec/template/metadata/labels");
    let services: Vec<&Seen> = context
        .snapshot
        .all("Service")
        .filter(|service| service.namespace() == seen.namespace())
        .filter(|service| service.entries("/spec/selector").next().is_some())
        .filter(|service| labels::map_matches(service.at("/spec/selector"), labels))
        .take(20)
        .collect();
    // Pods of another workload may answer for the Service.
    let served = services
        .iter()
        .any(|service| context.pods_for_map(seen.namespace(), service.at("/spec/selector")).next().is_some());
    let is_it = |object: &ObjectRef| {
        object.same(&seen.reference) || services.iter().any(|service| object.same(&service.reference))
    };
    let victims: Vec<(ObjectRef, Severity)> = findings
        .drafts()
        .iter()
        .filter(|draft| draft.severity != Severity::Info && !is_it(&draft.object))
        .filter(|draft| draft.because.iter().any(is_it))
        .map(|draft| (draft.object.clone(), draft.severity))
        .take(20)
        .collect();
    let route = context.snapshot.all("Ingress").find(|ingress| {
        ingress.namespace() == seen.namespace()
            && services.iter().any(|service| backends(ingress).any(|name| name == service.name()))
    });
    let asked = context.request.question.as_deref().is_some_and(|question| {
        let named = |name: &str| name.len() >= 3 && question.contains(name);
        named(seen.name()) || services.iter().any(|service| named(service.name()))
    });
    if served || victims.is_empty() && route.is_none() && !asked {
        return;
    }
    let why = match (victims.first(), route) {
        (Some((victim, _)), _) => format!("{victim} needs it"),
        (None, Some(route)) => format!("the Ingress `{}` sends requests to it", route.name()),
        (None, None) => "no pod of it answers".to_owned(),
    };
    let severity = victims.iter().map(|(_, severity)| *severity).min().unwrap_or(Severity::Warning);
    let mut draft = Draft::new(severity, seen, "ScaledToZero", "/spec/replicas")
        .confidence(if victims.is_empty() { 0.75 } else { 0.92 })
        .message(format!("{} is scaled to zero, and {why}.", seen.reference))
        .action(actions::action(
            "scale",
            &seen.reference,
            json!({ "replicas": 1 }),
            format!("Let {} run one replica again", seen.reference),
        ));
    for service in services {
        draft = draft.see(service, "/spec/selector").explains(service.reference.clone());
    }
    if let Some(route) = route {
        draft = draft.see(route, "/spec/rules").explains(route.reference.clone());
    }
    for (victim, _) in victims {
        draft = draft.explains(victim);
    }
    findings.add(draft);
}

/// The Services that an Ingress sends requests to.
fn backends(ingress: &Seen) -> impl Iterator<Item = &str> {
    let default = ingress.text("/spec/defaultBackend/service/name");
    ingress
        .list("/spec/rules")
        .iter()
        .flat_map(|rule| json::list(rule, "/http/paths"))
        .filter_map(|path| {
            json::text(path, "/backend/service/name").or_else(|| json::text(path, "/backend/serviceName"))
        })
        .chain(default)
        .take(200)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{diagnose, diagnosis::Request, fake::FakeCluster};

    fn of(kind: &str, name: &str, spec: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"namespace": "shop", "name": name}, "spec": spec, "status": {}})
    }

    #[test]
    fn zero_is_told_where_something_needs_it() {
        let db = of(
            "Deployment",
            "db",
            json!({"replicas": 0, "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db"}]}}}),
        );
        let service = of("Service", "db", json!({"selector": {"app": "db"}, "ports": [{"port": 5432}]}));
        let client = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "api"},
            "spec": {"nodeName": "n", "containers": [{"name": "a"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "a", "restartCount": 4,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}});
        let alone = FakeCluster::new().with(db.clone()).with(service.clone());
        assert!(
            !diagnose(&alone, &Request::default())
                .expect("answers")
                .findings
                .iter()
                .any(|found| found.object.kind == "Deployment")
        );
        let needed = FakeCluster::new().with(db).with(service).with(client).previous_log(
            "shop",
            "api",
            "FATAL could not connect to db:5432: connection refused",
        );
        let found = diagnose(&needed, &Request::default()).expect("answers").findings;
        assert_eq!((found[0].object.name.as_str(), found[0].reason.as_str()), ("db", "ScaledToZero"));
        assert_eq!(found[0].actions[0].action, "scale");
        assert!(!found[0].causes.is_empty());
    }
}
