//! The gateway API: classes that nobody serves, Gateways and listeners that are
//! not programmed, HTTPRoutes without a parent or with a backend that is not
//! there or not permitted.

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
        nearest,
    },
    seen::Seen,
    snapshot::Existence,
    text,
};

/// A condition may be false for a while after a change.
const SETTLED: i64 = 120;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for class in context.snapshot.all("GatewayClass") {
        condition(
            context,
            class,
            ("", class.at("/status/conditions")),
            ("Accepted", "GatewayClassNotAccepted"),
            findings,
        );
    }
    for gateway in context.snapshot.all("Gateway") {
        if !gateway.terminating() {
            check_gateway(context, gateway, findings);
        }
    }
    for route in context.snapshot.all("HTTPRoute") {
        if !route.terminating() {
            check_route(context, route, findings);
        }
    }
}

fn check_gateway(context: &Context<'_>, gateway: &Seen, findings: &mut Findings) {
    if let Some(class) = gateway.text("/spec/gatewayClassName") {
        let existence = context.snapshot.existence("GatewayClass", "", class);
        if existence == Existence::Absent {
            let near = nearest::nearest(class, context.snapshot.all("GatewayClass").map(Seen::name));
            let hint = near
                .map_or_else(String::new, |near| format!(" There is a class `{}`.", text::clean(near, 80)));
            findings.add(
                Draft::new(Severity::Critical, gateway, "GatewayClassNotFound", "/spec/gatewayClassName")
                    .message(format!(
                        "No controller serves the Gateway `{}`: its class `{}` does not exist.{hint}",
                        gateway.name(),
                        text::clean(class, 80)
                    ))
                    .action(actions::escalate(&gateway.reference, "The class that the Gateway is for.")),
            );
            return;
        }
        if let Some(class) = context.snapshot.find("GatewayClass", "", class)
            && findings.has(&class.reference, Severity::Warning)
        {
            findings.add(
                Draft::new(Severity::Critical, gateway, "GatewayNotServed", "/spec/gatewayClassName")
                    .message(format!(
                        "The Gateway `{}` is of the class `{}`, which its controller does not accept.",
                        gateway.name(),
                        class.name()
                    ))
                    .because(class.reference.clone()),
            );
        }
    }
    for kind in ["Accepted", "Programmed"] {
        let reason = if kind == "Accepted" { "GatewayNotAccepted" } else { "GatewayNotProgrammed" };
        condition(
            context,
            gateway,
            ("/status/conditions", gateway.at("/status/conditions")),
            (kind, reason),
            findings,
        );
    }
    for (at, listener) in gateway.list("/status/listeners").iter().enumerate().take(64) {
        let pointer = format!("/status/listeners/{at}/conditions");
        let conditions = listener.get("conditions").unwrap_or(&Value::Null);
        for (kind, reason) in
            [("ResolvedRefs", "ListenerRefsNotResolved"), ("Programmed", "ListenerNotProgrammed")]
        {
            condition(context, gateway, (&pointer, conditions), (kind, reason), findings);
        }
    }
}

/// Reports a condition of that type that is false and stays so.
fn condition(
    context: &Context<'_>,
    seen: &Seen,
    (pointer, conditions): (&str, &Value),
    (kind, reason): (&str, &str),
    findings: &mut Findings,
) {
    let pointer = if pointer.is_empty() { "/status/conditions" } else { pointer };
    for (at, condition) in json::list(conditions, "").iter().enumerate().take(32) {
        let since = json::text(condition, "/lastTransitionTime").and_then(crate::time::parse);
        // A class that waits for its controller says `Unknown`, not `False`.
        if json::text(condition, "/type") != Some(kind)
            || json::text(condition, "/status") != Some("False")
            || since.is_some_and(|since| context.now - since < SETTLED && context.now >= since)
        {
            continue;
        }
        findings.add(
            Draft::new(Severity::Critical, seen, reason, &format!("{pointer}/{at}/status"))
                .confidence(0.95)
                .message(format!(
                    "{} `{}` is not {}: {} ({}).",
                    seen.reference.kind,
                    seen.name(),
                    match kind {
                        "Accepted" => "accepted by its controller",
                        "Programmed" => "programmed into the data plane",
                        _ => "able to resolve what it refers to",
                    },
                    text::clean(json::text(condition, "/message").unwrap_or("no message"), 300)
                        .trim_end_matches('.'),
                    text::clean(json::text(condition, "/reason").unwrap_or("no reason"), 60)
                ))
                .see(seen, &format!("{pointer}/{at}/reason"))
                .see(seen, &format!("{pointer}/{at}/message"))
                .action(actions::escalate(
                    &seen.reference,
                    format!("What the controller needs to take {} `{}`.", seen.reference.kind, seen.name()),
                )),
        );
    }
}

fn check_route(context: &Context<'_>, route: &Seen, findings: &mut Findings) {
    for (at, parent) in route.list("/spec/parentRefs").iter().enumerate().take(32) {
        check_parent(context, route, at, parent, findings);
    }
    for (rule_at, rule) in route.list("/spec/rules").iter().enumerate().take(64) {
        for (at, reference) in json::list(rule, "/backendRefs").iter().enumerate().take(64) {
            check_backend(
                context,
                route,
                &format!("/spec/rules/{rule_at}/backendRefs/{at}"),
                reference,
                findings,
            );
        }
    }
    for (at, parent) in route.list("/status/parents").iter().enumerate().take(32) {
        let pointer = format!("/status/parents/{at}/conditions");
        let conditions = parent.get("conditions").unwrap_or(&Value::Null);
        // What the rules above explain needs no second finding.
        if !findings.has(&route.reference, Severity::Critical) {
            condition(context, route, (&pointer, conditions), ("Accepted", "RouteNotAccepted"), findings);
            condition(
                context,
                route,
                (&pointer, conditions),
                ("ResolvedRefs", "RouteRefsNotResolved"),
                findings,
            );
        }
    }
}

fn check_parent(context: &Context<'_>, route: &Seen, at: usize, parent: &Value, findings: &mut Findings) {
    if json::text(parent, "/kind").is_some_and(|kind| kind != "Gateway") {
        return;
    }
    let Some(name) = json::text(parent, "/name") else { return };
    let space = json::text(parent, "/namespace").unwrap_or(route.namespace());
    let pointer = format!("/spec/parentRefs/{at}");
    let Some(gateway) = context.snapshot.find("Gateway", space, name) else {
        if context.snapshot.existence("Gateway", space, name) == Existence::Absent {
            findings.add(
                Draft::new(Severity::Critical, route, "ParentNotFound", &format!("{pointer}/name"))
                    .message(format!(
                        "HTTPRoute `{}` belongs to the Gateway `{}` in `{}`, which does not exist.",
                        route.name(),
                        text::clean(name, 80),
                        text::clean(space, 80)
                    ))
                    .action(actions::escalate(&route.reference, "The Gateway that the route belongs to.")),
            );
        }
        return;
    };
    if let Some(section) = json::text(parent, "/sectionName") {
        let listeners: Vec<&str> = gateway
            .list("/spec/listeners")
            .iter()
            .filter_map(|listener| json::text(listener, "/name"))
            .collect();
        if !listeners.is_empty() && !listeners.contains(&section) {
            findings.add(
                Draft::new(Severity::Critical, route, "ListenerNotFound", &format!("{pointer}/sectionName"))
                    .message(format!(
                        "HTTPRoute `{}` belongs to the listener `{}` of the Gateway `{}`, which has {}.",
                        route.name(),
                        text::clean(section, 80),
                        gateway.name(),
                        text::names(&listeners)
                    ))
                    .see(gateway, "/spec/listeners")
                    .action(actions::escalate(&route.reference, "The listener that the route belongs to.")),
            );
        }
    }
    if findings.has(&gateway.reference, Severity::Critical) {
        findings.add(
            Draft::new(Severity::Critical, route, "GatewayUnavailable", &format!("{pointer}/name"))
                .message(format!(
                    "HTTPRoute `{}` belongs to the Gateway `{}`, which does not work.",
                    route.name(),
                    gateway.name()
                ))
                .because(gateway.reference.clone()),
        );
    }
}

fn check_backend(context: &Context<'_>, route: &Seen, at: &str, reference: &Value, findings: &mut Findings) {
    if json::text(reference, "/kind").is_some_and(|kind| kind != "Service") {
        return;
    }
    let Some(service) = json::text(reference, "/name") else { return };
    let namespace = json::text(reference, "/namespace").unwrap_or(route.namespace());
    if namespace != route.namespace() && !permitted(context, route, namespace, service) {
        findings.add(
            Draft::new(Severity::Critical, route, "BackendNotPermitted", &format!("{at}/namespace"))
                .message(format!(
                    "HTTPRoute `{}` sends requests to the Service `{}` in `{}`, where no ReferenceGrant permits it.",
                    route.name(),
                    text::clean(service, 80),
                    text::clean(namespace, 80)
                ))
                .action(actions::escalate(
                    &route.reference,
                    format!("A ReferenceGrant in the namespace `{}`, from its owner.", text::clean(namespace, 80)),
                )),
        );
        return;
    }
    let backend = Backend {
        namespace,
        service,
        port: reference.get("port").unwrap_or(&Value::Null),
        at: format!("{at}/name"),
        port_at: format!("{at}/port"),
        what: json::list(&route.json, "/spec/hostnames")
            .first()
            .and_then(Value::as_str)
            .unwrap_or("requests")
            .to_owned(),
    };
    backend::check(context, route, &backend, findings);
}

/// Whether a ReferenceGrant lets routes of that namespace in. True where not
/// all of them are known.
fn permitted(context: &Context<'_>, route: &Seen, namespace: &str, service: &str) -> bool {
    if context.snapshot.coverage("ReferenceGrant") != Coverage::Complete {
        return true;
    }
    context.snapshot.all("ReferenceGrant").filter(|grant| grant.namespace() == namespace).any(|grant| {
        let from = grant.list("/spec/from").iter().any(|from| {
            json::text(from, "/kind") == Some("HTTPRoute")
                && json::text(from, "/namespace") == Some(route.namespace())
        });
        let to = grant.list("/spec/to").iter().any(|to| {
            json::text(to, "/kind") == Some("Service")
                && json::text(to, "/name").is_none_or(|name| name.is_empty() || name == service)
        });
        from && to
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::{FakeCluster, reasons};

    fn cluster() -> FakeCluster {
        FakeCluster::new()
            .with(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "envoy"}}))
            .with(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "api"},
                "spec": {"ports": [{"port": 80}]}}))
            .with(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "data", "name": "api"},
                "spec": {"ports": [{"port": 80}]}}))
            .with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"capacity": {"cpu": "1"}}}))
    }

    fn gateway(class: &str, status: Value) -> Value {
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"namespace": "shop", "name": "gw"},
            "spec": {"gatewayClassName": class, "listeners": [{"name": "http"}]}, "status": status})
    }

    fn route(parent: Value, backend: Value) -> Value {
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"namespace": "shop", "name": "r"},
            "spec": {"parentRefs": [parent], "rules": [{"backendRefs": [backend]}]}})
    }

    #[test]
    fn gateways_that_do_not_work() {
        let no = |kind: &str| {
            json!([{"type": kind, "status": "False", "reason": "Invalid", "message": "no",
            "lastTransitionTime": "2026-01-01T11:00:00Z"}])
        };
        for (gateway, expect) in [
            (gateway("envoy", json!({})), vec![]),
            (gateway("envy", json!({})), vec!["Gateway/gw GatewayClassNotFound"]),
            (
                gateway("envoy", json!({"conditions": no("Programmed")})),
                vec!["Gateway/gw GatewayNotProgrammed"],
            ),
            (
                gateway("envoy", json!({"listeners": [{"conditions": no("ResolvedRefs")}]})),
                vec!["Gateway/gw ListenerRefsNotResolved"],
            ),
            (gateway("envoy", json!({"listeners": 5, "conditions": {"a": 1}})), vec![]),
        ] {
            assert_eq!(reasons(check, &cluster().with(gateway.clone())), expect, "{gateway}");
        }
    }

    #[test]
    fn routes_that_lead_nowhere() {
        let parent = json!({"name": "gw"});
        let backend = json!({"name": "api", "port": 80});
        for (route, expect) in [
            (route(parent.clone(), backend.clone()), vec![]),
            (route(json!({"name": "none"}), backend.clone()), vec!["HTTPRoute/r ParentNotFound"]),
            (
                route(json!({"name": "gw", "sectionName": "https"}), backend),
                vec!["HTTPRoute/r ListenerNotFound"],
            ),
            (route(parent.clone(), json!({"name": "apo", "port": 80})), vec!["HTTPRoute/r BackendNotFound"]),
            (
                route(parent.clone(), json!({"name": "api", "port": 81})),
                vec!["HTTPRoute/r BackendPortNotFound"],
            ),
            (
                route(parent, json!({"name": "api", "port": 80, "namespace": "data"})),
                vec!["HTTPRoute/r BackendNotPermitted"],
            ),
        ] {
            let cluster = cluster().with(gateway("envoy", json!({}))).with(route.clone());
            assert_eq!(reasons(check, &cluster), expect, "{route}");
        }
    }
}
