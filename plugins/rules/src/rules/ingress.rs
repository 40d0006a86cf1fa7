//! Ingresses that route nothing: a class that nobody serves, a Service or port
//! that is not there, a certificate that is missing, a path claimed twice.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    actions,
    cluster::Coverage,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    rules::{
        backend::{self, Backend},
        behind, nearest,
    },
    seen::Seen,
    snapshot::Existence,
    text,
};

const ANNOTATION: &str = "/metadata/annotations/kubernetes.io~1ingress.class";
const IS_DEFAULT: &str = "/metadata/annotations/ingressclass.kubernetes.io~1is-default-class";

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut claimed: HashMap<(String, String, String), &Seen> = HashMap::new();
    for ingress in context.snapshot.all("Ingress") {
        if ingress.terminating() {
            continue;
        }
        class(context, ingress, findings);
        for backend in backends(ingress) {
            backend::check(context, ingress, &backend, findings);
        }
        certificates(context, ingress, findings);
        duplicates(ingress, &mut claimed, findings);
    }
}

/// Whether a controller gave it an address, and so serves it.
fn served(ingress: &Seen) -> bool {
    !ingress.list("/status/loadBalancer/ingress").is_empty()
}

fn class(context: &Context<'_>, ingress: &Seen, findings: &mut Findings) {
    if served(ingress) {
        return;
    }
    let field = "/spec/ingressClassName";
    let (pointer, name) = match (ingress.text(field), ingress.text(ANNOTATION)) {
        (Some(name), _) => (field, name),
        (None, Some(name)) => (ANNOTATION, name),
        (None, None) => return without_class(context, ingress, findings),
    };
    let existence = context.snapshot.existence("IngressClass", "", name);
    let (severity, confidence) = match existence {
        Existence::Absent if pointer == field => (Severity::Critical, 0.9),
        // Some controllers go by the annotation alone.
        Existence::Absent => (Severity::Warning, 0.6),
        Existence::NotRecorded => (Severity::Warning, 0.55),
        Existence::Present | Existence::Unknown => return,
    };
    let all: Vec<&str> = context.snapshot.all("IngressClass").map(Seen::name).collect();
    let hint = match nearest::nearest(name, all.iter().copied()) {
        Some(near) => format!(" There is a class `{}`.", text::clean(near, 80)),
        None if all.is_empty() => " The cluster has none at all.".to_owned(),
        None => format!(" There is {}.", text::names(&all)),
    };
    crate::rules::note::add(
        findings,
        Draft::new(severity, ingress, "IngressClassNotFound", pointer)
            .confidence(confidence)
            .message(format!(
                "No controller serves the Ingress `{}`: its class `{}` {}.{hint}",
                ingress.name(),
                text::clean(name, 80),
                existence.phrase()
            ))
            .action(actions::escalate(
                &ingress.reference,
                format!("The class that the Ingress `{}` is for.", ingress.name()),
            )),
    );
}

fn without_class(context: &Context<'_>, ingress: &Seen, findings: &mut Findings) {
    let sure = context.snapshot.coverage("IngressClass") == Coverage::Complete;
    let default = context.snapshot.all("IngressClass").any(|class| class.text(IS_DEFAULT) == Some("true"));
    if !sure || default || context.manifests_only {
        return;
    }
    crate::rules::note::add(findings,
        Draft::new(Severity::Warning, ingress, "NoIngressClass", "/spec")
            .confidence(0.7)
            .message(format!(
                "The Ingress `{}` names no class, the cluster has no default one, and no controller has given it an address.",
                ingress.name()
            ))
            .action(actions::escalate(&ingress.reference, "The class that the Ingress is for.")),
    );
}

fn backends(ingress: &Seen) -> Vec<Backend<'_>> {
    let mut places = vec![("/spec/defaultBackend".to_owned(), "everything else".to_owned())];
    for (rule_at, rule) in ingress.list("/spec/rules").iter().enumerate().take(100) {
        let host = json::text(rule, "/host").unwrap_or("*");
        for (path_at, path) in json::list(rule, "/http/paths").iter().enumerate().take(100) {
            let what = format!("{host}{}", json::text(path, "/path").unwrap_or("/"));
            places.push((format!("/spec/rules/{rule_at}/http/paths/{path_at}/backend"), what));
        }
    }
    places
        .into_iter()
        .filter_map(|(at, what)| {
            let service = ingress.text(&format!("{at}/service/name"))?;
            let port = match ingress.at(&format!("{at}/service/port/number")) {
                Value::Null => ingress.at(&format!("{at}/service/port/name")),
                number => number,
            };
            Some(Backend {
                namespace: ingress.namespace(),
                service,
                port,
                port_at: format!("{at}/service/port"),
                at: format!("{at}/service/name"),
                what,
            })
        })
        .collect()
}

fn certificates(context: &Context<'_>, ingress: &Seen, findings: &mut Findings) {
    for (at, tls) in ingress.list("/spec/tls").iter().enumerate().take(50) {
        let Some(name) = json::text(tls, "/secretName") else { continue };
        let pointer = format!("/spec/tls/{at}/secretName");
        let existence = context.snapshot.existence("Secret", ingress.namespace(), name);
        let (severity, confidence) = match existence {
            Existence::Present => {
                wrong_type(context, ingress, name, &pointer, findings);
                continue;
            }
            Existence::Absent => (Severity::Critical, 0.85),
            Existence::NotRecorded => (Severity::Warning, 0.5),
            Existence::Unknown => continue,
        };
        let near = nearest::nearest(
            name,
            context
                .snapshot
                .all("Secret")
                .filter(|secret| secret.namespace() == ingress.namespace())
                .map(Seen::name),
        );
        let elsewhere = behind::elsewhere(context, "Secret", ingress.namespace(), name);
        let hint = match (near, elsewhere.as_slice()) {
            (Some(near), _) => format!(" There is a Secret `{}`.", text::clean(near, 80)),
            (None, []) => String::new(),
            (None, spaces) => format!(" One of that name is in the namespace {}.", text::names(spaces)),
        };
        let mut draft = Draft::new(severity, ingress, "TLSSecretNotFound", &pointer)
            .confidence(confidence)
            .message(format!(
                "The Ingress `{}` has no certificate for {}: the Secret `{}` {}, so that clients get an unknown one.{hint}",
                ingress.name(),
                hosts(tls),
                text::clean(name, 80),
                existence.phrase()
            ))
            .action(actions::escalate(
                &ingress.reference,
                format!("A Secret `{}` with the certificate and its key.", text::clean(name, 80)),
            ));
        let issued = context.snapshot.all("Certificate").filter(|certificate| {
            certificate.namespace() == ingress.namespace()
                && certificate.text("/spec/secretName") == Some(name)
        });
        for certificate in issued.take(3) {
            draft = draft.see(certificate, "/spec/secretName").because(certificate.reference.clone());
        }
        crate::rules::note::add(findings, draft);
    }
}

fn wrong_type(context: &Context<'_>, ingress: &Seen, name: &str, pointer: &str, findings: &mut Findings) {
    let Some(secret) = context.snapshot.find("Secret", ingress.namespace(), name) else { return };
    let keys: Vec<&str> = secret.entries("/data").map(|(key, _)| key).collect();
    let whole = ["tls.crt", "tls.key"].iter().all(|key| keys.contains(key));
    if whole || keys.is_empty() {
        return;
    }
    crate::rules::note::add(findings,
        Draft::new(Severity::Warning, ingress, "TLSSecretIncomplete", pointer)
            .message(format!(
                "The Secret `{}` that the Ingress `{}` takes its certificate from lacks `tls.crt` or `tls.key`; it has {}.",
                secret.name(),
                ingress.name(),
                text::names(keys)
            ))
            .see(secret, "/type")
            .action(actions::escalate(&secret.reference, "A certificate and its key in that Secret.")),
    );
}

fn hosts(tls: &Value) -> String {
    let hosts: Vec<&str> = json::list(tls, "/hosts").iter().filter_map(Value::as_str).collect();
    if hosts.is_empty() { "its hosts".to_owned() } else { text::names(hosts) }
}

/// Two Ingresses of one class with the same host and path: which one answers
/// is up to the controller.
fn duplicates<'a>(
    ingress: &'a Seen,
    claimed: &mut HashMap<(String, String, String), &'a Seen>,
    findings: &mut Findings,
) {
    let class = ingress.text("/spec/ingressClassName").or_else(|| ingress.text(ANNOTATION)).unwrap_or("");
    for (rule_at, rule) in ingress.list("/spec/rules").iter().enumerate().take(100) {
        let Some(host) = json::text(rule, "/host") else { continue };
        for path in json::list(rule, "/http/paths").iter().take(100) {
            let path = json::text(path, "/path").unwrap_or("/");
            let key = (class.to_owned(), host.to_owned(), path.to_owned());
            match claimed.get(&key) {
                Some(other) if other.reference != ingress.reference => crate::rules::note::add(findings,
                    Draft::new(Severity::Info, ingress, "DuplicateHost", &format!("/spec/rules/{rule_at}/host"))
                        .message(format!(
                            "`{}{}` is routed by the Ingress `{}` in `{}` too: which of the two answers is up to the controller.",
                            text::clean(host, 100),
                            text::clean(path, 100),
                            other.name(),
                            other.namespace()
                        )),
                ),
                _ => {
                    claimed.insert(key, ingress);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::{FakeCluster, reasons, run};

    fn ingress(spec: Value) -> Value {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"namespace": "shop", "name": "web"}, "spec": spec})
    }

    fn route(service: &str, port: Value) -> Value {
        json!([{"host": "shop.example.com", "http": {"paths": [{"path": "/",
            "backend": {"service": {"name": service, "port": port}}}]}}])
    }

    fn cluster() -> FakeCluster {
        FakeCluster::new()
            .with(json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}))
            .with(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "api"},
                "spec": {"selector": {"a": "b"}, "ports": [{"name": "http", "port": 80}]}}))
            .with(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "shop", "name": "cert"},
                "type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}}))
            .with(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "shop", "name": "odd"},
                "type": "Opaque", "data": {"password": ""}}))
            .with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"capacity": {"cpu": "1"}}}))
    }

    #[test]
    fn ingresses_that_route_nothing() {
        let number = json!({"number": 80});
        for (spec, expect) in [
            (json!({"ingressClassName": "nginx", "rules": route("api", number.clone())}), vec![]),
            (json!({"ingressClassName": "nginx", "rules": route("api", json!({"name": "http"}))}), vec![]),
            (
                json!({"ingressClassName": "ngnix", "rules": route("api", number.clone())}),
                vec!["Ingress/web IngressClassNotFound"],
            ),
            (json!({"rules": route("api", number.clone())}), vec!["Ingress/web NoIngressClass"]),
            (
                json!({"ingressClassName": "nginx", "rules": route("apo", number.clone())}),
                vec!["Ingress/web BackendNotFound"],
            ),
            (
                json!({"ingressClassName": "nginx", "rules": route("api", json!({"number": 8080}))}),
                vec!["Ingress/web BackendPortNotFound"],
            ),
            (json!({"ingressClassName": "nginx", "tls": [{"secretName": "cert"}], "rules": []}), vec![]),
            (
                json!({"ingressClassName": "nginx", "tls": [{"secretName": "none"}]}),
                vec!["Ingress/web TLSSecretNotFound"],
            ),
            (
                json!({"ingressClassName": "nginx", "tls": [{"secretName": "odd"}]}),
                vec!["Ingress/web TLSSecretIncomplete"],
            ),
            (json!({"ingressClassName": "nginx", "rules": "none", "tls": 5}), vec![]),
        ] {
            assert_eq!(reasons(check, &cluster().with(ingress(spec.clone()))), expect, "{spec}");
        }
    }

    #[test]
    fn the_name_that_was_meant_is_named() {
        let found = run(
            check,
            &cluster().with(ingress(
                json!({"ingressClassName": "nginx", "rules": route("apis", json!({"number": 80}))}),
            )),
        );
        assert_eq!(found[0].severity, Severity::Critical);
        assert!(found[0].message.contains("There is a Service `api`"), "{}", found[0].message);
    }

    #[test]
    fn one_path_in_two_ingresses_is_a_note() {
        let rules = json!({"ingressClassName": "nginx", "rules": route("api", json!({"number": 80}))});
        let mut second = ingress(rules.clone());
        second["metadata"]["name"] = json!("web-2");
        let found = run(check, &cluster().with(ingress(rules)).with(second));
        assert_eq!((found[0].reason.as_str(), found[0].severity), ("DuplicateHost", Severity::Info));
    }
}
