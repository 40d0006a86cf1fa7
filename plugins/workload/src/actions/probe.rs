//! `patch-probe`: one probe of one container, in part or from nothing.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{ActionPlan, Error};

use crate::{
    action::Action,
    kinds,
    parameters::Parameters,
    patch,
    refusal::invalid,
    schema::{self, Needs},
    seen::Look,
    target::Templated,
};

const HANDLERS: [&str; 4] = ["httpGet", "tcpSocket", "exec", "grpc"];

pub(super) const PATCH_PROBE: Action = Action::of_template(
    "patch-probe",
    "Changes parts of the liveness, readiness or startup probe of one container; its pods roll over",
    parameters,
    plan,
);

/// A probe may ask the pod itself and nobody else: there is no `host`.
fn parameters() -> Value {
    let seconds = |least: i64| json!({ "type": ["integer", "null"], "minimum": least, "maximum": 86_400 });
    let closed = |properties: Value| json!({ "type": "object", "additionalProperties": false, "minProperties": 1, "properties": properties });
    let mut set = closed(json!({
        "httpGet": closed(json!({
            "path": { "type": "string", "pattern": "^/", "maxLength": 1_024 },
            "port": schema::port(),
            "scheme": { "enum": ["HTTP", "HTTPS"] },
        })),
        "tcpSocket": closed(json!({ "port": schema::port() })),
        "exec": closed(json!({
            "command": { "type": "array", "minItems": 1, "maxItems": 64, "items": schema::text(8_192) },
        })),
        "grpc": closed(json!({
            "port": schema::integer(1, 65_535),
            "service": { "type": "string", "maxLength": 253 },
        })),
        "initialDelaySeconds": seconds(0),
        "periodSeconds": seconds(1),
        "timeoutSeconds": seconds(1),
        "successThreshold": seconds(1),
        "failureThreshold": seconds(1),
        "terminationGracePeriodSeconds": seconds(1),
    }));
    if let Some(set) = set.as_object_mut() {
        let both: Vec<Value> = HANDLERS
            .iter()
            .enumerate()
            .flat_map(|(at, one)| {
                HANDLERS.iter().skip(at + 1).map(move |other| json!({ "required": [one, other] }))
            })
            .collect();
        set.insert("not".to_owned(), json!({ "anyOf": both }));
    }
    let probe = json!({ "enum": ["liveness", "readiness", "startup"] });
    schema::of_container(kinds::TEMPLATED, [("probe", probe), ("set", set)], Needs::All)
}

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = Templated::read(look, parameters, kinds::TEMPLATED)?;
    let container = workload.container(parameters)?;
    let probe = parameters.text("probe")?;
    if !["liveness", "readiness", "startup"].contains(&probe) {
        return Err(invalid("`probe` has to be `liveness`, `readiness` or `startup`"));
    }
    if container.list == "initContainers" && container.value.get("restartPolicy").is_none() {
        return Err(invalid(format!(
            "{} is an init container, which has no probes",
            workload.describe(&container)
        )));
    }
    let field = format!("{probe}Probe");
    let mut set = parameters.map("set")?.clone();
    let wanted = HANDLERS.iter().find(|handler| set.contains_key(**handler)).copied();
    let now = container.value.get(&field);
    if let Some(wanted) = wanted {
        // The server takes one way of asking and no second.
        for other in HANDLERS.iter().filter(|other| **other != wanted) {
            if now.is_some_and(|now| now.get(*other).is_some()) {
                set.insert((*other).to_owned(), Value::Null);
            }
        }
    }
    let after = patch::merged(now.unwrap_or(&Value::Null), &Value::Object(set.clone()));
    let asks = |pointer: &str| after.pointer(pointer).is_some_and(|value| !value.is_null());
    if !["/httpGet/port", "/tcpSocket/port", "/exec/command", "/grpc/port"].iter().any(|way| asks(way)) {
        return Err(invalid(format!(
            "the {probe} probe of {} would ask nothing: `set` needs a way to ask",
            workload.describe(&container)
        )));
    }
    let body = workload.container_patch(&container, json!({ field.as_str(): set }));
    let mut cited = vec![format!("{}/{field}", container.pointer)];
    if now.is_none() {
        cited = vec![format!("{}/name", container.pointer)];
    }
    let cited: Vec<&str> = cited.iter().map(String::as_str).collect();
    workload.plan(&body, format!("change the {probe} probe of {}", workload.describe(&container)), &cited)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::{FakeCluster, deployment, refusal, strategic_body};

    fn cluster() -> FakeCluster {
        let mut api = deployment("shop", "api");
        api["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
            json!({"httpGet": {"path": "/ready", "port": 80}, "periodSeconds": 10});
        FakeCluster::new().with(api)
    }

    fn asked(probe: &str, set: serde_json::Value) -> serde_json::Value {
        json!({"object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"},
               "container": "api", "probe": probe, "set": set})
    }

    #[test]
    fn a_part_is_merged_and_another_way_to_ask_takes_the_old_one_away() {
        for (probe, set, expect) in [
            (
                "readiness",
                json!({"httpGet": {"port": 8080}}),
                json!({"name": "api", "readinessProbe": {"httpGet": {"port": 8080}}}),
            ),
            (
                "readiness",
                json!({"tcpSocket": {"port": "http"}}),
                json!({"name": "api", "readinessProbe": {"tcpSocket": {"port": "http"}, "httpGet": null}}),
            ),
            (
                "startup",
                json!({"exec": {"command": ["true"]}}),
                json!({"name": "api", "startupProbe": {"exec": {"command": ["true"]}}}),
            ),
        ] {
            let body = strategic_body(&cluster(), "patch-probe", &asked(probe, set));
            assert_eq!(body.pointer("/spec/template/spec/containers/0"), Some(&expect));
        }
    }

    #[test]
    fn a_probe_that_would_ask_nothing_is_refused() {
        for (probe, set, code) in [
            ("liveness", json!({"periodSeconds": 5}), "invalid-parameters"),
            ("liveness", json!({"httpGet": {"path": "/"}}), "invalid-parameters"),
            ("readiness", json!({"httpGet": {"path": "/ready"}}), "no-change"),
            ("other", json!({}), "invalid-parameters"),
        ] {
            assert_eq!(refusal(&cluster(), "patch-probe", &asked(probe, set)).code, code, "{probe}");
        }
    }
}
