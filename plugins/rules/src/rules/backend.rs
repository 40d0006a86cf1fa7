//! What routes send requests to: whether the Service and its port are there,
//! and whether the Service answers. Shared by Ingresses and routes of the
//! gateway API.

use serde_json::Value;

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    rules::{behind, nearest},
    seen::Seen,
    snapshot::Existence,
    text,
};

/// One reference of a route to a Service.
pub(super) struct Backend<'a> {
    pub(super) namespace: &'a str,
    pub(super) service: &'a str,
    /// Number or name; null where the route names none.
    pub(super) port: &'a Value,
    /// Where the route names the Service, and where the port.
    pub(super) at: String,
    pub(super) port_at: String,
    /// What the requests are for: `shop.example.com/api`.
    pub(super) what: String,
}

pub(super) fn check(context: &Context<'_>, route: &Seen, backend: &Backend<'_>, findings: &mut Findings) {
    let kind = &route.reference.kind;
    match context.snapshot.find("Service", backend.namespace, backend.service) {
        None => missing(context, route, backend, findings),
        Some(service) if !backend.port.is_null() && !behind::has_port(service, backend.port) => {
            let ports = behind::show_ports(service);
            findings.add(
                Draft::new(Severity::Critical, route, "BackendPortNotFound", &backend.port_at)
                    .confidence(0.95)
                    .message(format!(
                        "{kind} `{}` sends {} to port {} of the Service `{}`, which has {}.",
                        route.name(),
                        text::clean(&backend.what, 150),
                        show(backend.port),
                        service.name(),
                        if ports.is_empty() { "no ports".to_owned() } else { text::names(ports) }
                    ))
                    .see(service, "/spec/ports")
                    .action(actions::escalate(
                        &route.reference,
                        format!("Which port of the Service `{}` the route is for.", service.name()),
                    )),
            );
        }
        Some(service) if findings.has(&service.reference, Severity::Critical) => findings.add(
            Draft::new(Severity::Critical, route, "BackendUnavailable", &backend.at)
                .confidence(0.9)
                .message(format!(
                    "{kind} `{}` can not answer {}: the Service `{}` behind it has nothing to send requests to.",
                    route.name(),
                    text::clean(&backend.what, 150),
                    service.name()
                ))
                .because(service.reference.clone()),
        ),
        Some(_) => {}
    }
}

fn missing(context: &Context<'_>, route: &Seen, backend: &Backend<'_>, findings: &mut Findings) {
    let existence = context.snapshot.existence("Service", backend.namespace, backend.service);
    let (severity, confidence) = match existence {
        Existence::Absent => (Severity::Critical, 0.95),
        Existence::NotRecorded => (Severity::Warning, 0.55),
        Existence::Unknown if context.manifests_only => (Severity::Warning, 0.5),
        Existence::Unknown | Existence::Present => return,
    };
    let near = nearest::nearest(
        backend.service,
        context
            .snapshot
            .all("Service")
            .filter(|service| service.namespace() == backend.namespace)
            .map(Seen::name),
    );
    let elsewhere = behind::elsewhere(context, "Service", backend.namespace, backend.service);
    let hint = match (near, elsewhere.as_slice()) {
        (Some(near), _) => format!(" There is a Service `{}`.", text::clean(near, 80)),
        (None, []) => String::new(),
        (None, spaces) => format!(" One of that name is in the namespace {}.", text::names(spaces)),
    };
    findings.add(
        Draft::new(severity, route, "BackendNotFound", &backend.at)
            .confidence(confidence)
            .message(format!(
                "{} `{}` sends {} to the Service `{}` in `{}`, which {}.{hint}",
                route.reference.kind,
                route.name(),
                text::clean(&backend.what, 150),
                text::clean(backend.service, 80),
                text::clean(backend.namespace, 80),
                existence.phrase()
            ))
            .action(actions::escalate(
                &route.reference,
                format!("The Service that `{}` was meant to be.", text::clean(backend.service, 80)),
            )),
    );
}

fn show(port: &Value) -> String {
    port.as_str().map_or_else(|| port.to_string(), |name| format!("`{}`", text::clean(name, 60)))
}
