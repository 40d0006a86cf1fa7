//! `patch-selector` and `patch-service-port`: which pods a Service leads to, and where in them.

use serde_json::{Map, Value, json};
use sickbay_plugin::remediation::{ActionPlan, ChangeVerb, Effect, Error, PatchType, Risk};

use crate::{
    action::{Action, Reversal},
    draft::Draft,
    json, kinds,
    parameters::Parameters,
    patch,
    refusal::{self, invalid, no_change, refused},
    schema,
    seen::{Look, Seen},
    target, words,
};

const SERVICES: &[&str] = &[kinds::SERVICE];

pub(super) const PATCH_SELECTOR: Action = Action {
    name: "patch-selector",
    description: "Sets the whole selector of a Service",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[
        kinds::POD,
        kinds::DEPLOYMENT,
        kinds::STATEFUL_SET,
        kinds::DAEMON_SET,
        kinds::ENDPOINT_SLICE,
        kinds::ENDPOINTS,
    ],
    changes: &[(ChangeVerb::Patch, SERVICES)],
    schema: || {
        schema::parameters(
            [("object", schema::object_of(SERVICES)), ("selector", schema::labels())],
            &["object", "selector"],
            Value::Null,
        )
    },
    plan: selector,
};

pub(super) const PATCH_SERVICE_PORT: Action = Action {
    name: "patch-service-port",
    description: "Sets the port of the pods to which a port of a Service leads",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[kinds::ENDPOINT_SLICE, kinds::ENDPOINTS],
    changes: &[(ChangeVerb::Patch, SERVICES)],
    schema: || {
        schema::parameters(
            [
                ("object", schema::object_of(SERVICES)),
                ("port", schema::integer(1, 65_535)),
                ("targetPort", schema::port()),
            ],
            &["object", "port", "targetPort"],
            Value::Null,
        )
    },
    plan: port,
};

fn selector(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let service = target::read(look, parameters, SERVICES)?;
    let name = refusal::name(&service.reference);
    let wanted = parameters.map("selector")?;
    if wanted.is_empty() || !wanted.values().all(Value::is_string) {
        return Err(invalid("`selector` has to be labels with their values"));
    }
    let now = service.at("/spec/selector").and_then(Value::as_object).filter(|now| !now.is_empty());
    let Some(now) = now else {
        return Err(refused(
            "wrong-kind",
            format!("{name} has no selector: somebody else keeps its endpoints"),
        ));
    };
    if now == wanted {
        return Err(no_change(format!("{name} has this selector already")));
    }
    let selector = Value::Object(wanted.clone());
    let chosen = chosen(look, &service, &selector)?;
    let mut change: Map<String, Value> = now
        .keys()
        .filter(|label| !wanted.contains_key(*label))
        .map(|label| (label.clone(), Value::Null))
        .collect();
    change.extend(
        wanted
            .iter()
            .filter(|(label, value)| now.get(*label) != Some(value))
            .map(|(label, value)| (label.clone(), value.clone())),
    );
    let pairs: Vec<String> = wanted
        .iter()
        .map(|(label, value)| {
            format!("{}={}", words::clean(label), words::clean(value.as_str().unwrap_or("")))
        })
        .collect();
    let mut draft = Draft::new(format!("let {name} select the pods with {} ({chosen})", pairs.join(",")))
        .risk(Risk::Medium)
        .patch(&service.reference, PatchType::Merge, &json!({ "spec": { "selector": change } }))
        .see(&service, "/spec/selector");
    draft = draft.verify(service.reference.clone());
    Ok(draft.done())
}

/// How many pods the selector picks, in words; refused where it surely never
/// picks any: neither a pod nor a template has these labels.
fn chosen(look: &Look<'_>, service: &Seen, selector: &Value) -> Result<String, Error> {
    let namespace = service.reference.namespace.as_deref();
    let pods = look.list(kinds::POD, namespace, None, &["/metadata/labels"])?;
    let picked =
        pods.objects.iter().filter(|pod| json::matches(Some(selector), pod.at("/metadata/labels"))).count();
    if picked > 0 {
        return Ok(format!("{} now", words::count(picked, "pod")));
    }
    let mut is_complete = pods.is_complete;
    for kind in kinds::ROLLED {
        let listed = look.list(kind, namespace, None, &["/spec/template/metadata/labels"])?;
        is_complete &= listed.is_complete;
        let labels = |seen: &Seen| json::matches(Some(selector), seen.at("/spec/template/metadata/labels"));
        if let Some(workload) = listed.objects.iter().find(|seen| labels(seen)) {
            return Ok(format!("those of {}", refusal::name(&workload.reference)));
        }
    }
    if is_complete {
        return Err(refused(
            "selects-nothing",
            "no pod and no pod template of the namespace has all these labels",
        ));
    }
    Ok("none that was seen".to_owned())
}

fn port(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let service = target::read(look, parameters, SERVICES)?;
    let name = refusal::name(&service.reference);
    let number = parameters.number("port")?;
    let wanted = parameters.get("targetPort").unwrap_or(&Value::Null);
    let fits = wanted.as_u64().is_some_and(|number| (1..=65_535).contains(&number))
        || wanted.as_str().is_some_and(|name| !name.is_empty() && name.len() <= 15);
    if !fits {
        return Err(invalid("`targetPort` has to be the number or the name of a port"));
    }
    let ports = service.list("/spec/ports");
    let mut found =
        ports.iter().enumerate().filter(|(_, port)| json::integer(port, "/port") == Some(i64::from(number)));
    let Some((index, _)) = found.next() else {
        let known: Vec<String> =
            ports.iter().filter_map(|port| Some(port.get("port")?.to_string())).collect();
        return Err(refused(
            "not-found",
            format!("{name} has no port {number}; it has {}", known.join(", ")),
        ));
    };
    if found.next().is_some() {
        return Err(refused("ambiguous", format!("{name} has port {number} for more than one protocol")));
    }
    let body = json!({ "spec": { "ports": [{ "port": number, "targetPort": wanted }] } });
    let place = format!("/spec/ports/{index}/targetPort");
    // Without a target the port leads to the same number.
    let is_so = service.at(&place).map_or(wanted.as_u64() == Some(u64::from(number)), |now| now == wanted);
    if is_so || patch::same(&service.value, &patch::strategic(&service.value, &body)) {
        return Err(no_change(format!("port {number} of {name} leads there already")));
    }
    let shown =
        wanted.as_str().map_or_else(|| wanted.to_string(), |name| format!("`{}`", words::clean(name)));
    Ok(Draft::new(format!("let port {number} of {name} lead to port {shown} of its pods"))
        .risk(Risk::Medium)
        .patch(&service.reference, PatchType::Strategic, &body)
        .see(&service, &format!("/spec/ports/{index}"))
        .verify(service.reference.clone())
        .done())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        cluster::Coverage,
        fake::{FakeCluster, body, deployment, planned, refusal},
    };

    fn cluster() -> FakeCluster {
        FakeCluster::new().with(deployment("shop", "api")).with(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "api", "namespace": "shop"},
            "spec": {"selector": {"app": "apii", "tier": "back"}, "ports": [
                {"port": 80, "targetPort": 8080, "protocol": "TCP"}, {"port": 443, "protocol": "TCP"},
                {"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"},
            ]},
        }))
    }

    fn asked(more: Value) -> Value {
        let mut all =
            json!({"object": {"apiVersion": "v1", "kind": "Service", "namespace": "shop", "name": "api"}});
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        all
    }

    #[test]
    fn a_selector_is_replaced_by_one_that_selects_something() {
        let parameters = asked(json!({"selector": {"app": "api"}}));
        assert_eq!(
            body(&cluster(), "patch-selector", &parameters),
            json!({"spec": {"selector": {"app": "api", "tier": null}}})
        );
        for (selector, code) in [
            (json!({"app": "apii", "tier": "back"}), "no-change"),
            (json!({"app": "nobody"}), "selects-nothing"),
            (json!({}), "invalid-parameters"),
        ] {
            assert_eq!(
                refusal(&cluster(), "patch-selector", &asked(json!({ "selector": selector }))).code,
                code
            );
        }
        planned(
            &cluster().covering(Coverage::Partial),
            "patch-selector",
            &asked(json!({"selector": {"app": "nobody"}})),
        );
    }

    #[test]
    fn a_port_leads_to_another_one() {
        assert_eq!(
            body(&cluster(), "patch-service-port", &asked(json!({"port": 80, "targetPort": "http"}))),
            json!({"spec": {"ports": [{"port": 80, "targetPort": "http"}]}})
        );
        for (port, wanted, code) in [
            (80, json!(8080), "no-change"),
            (443, json!(443), "no-change"),
            (53, json!(5353), "ambiguous"),
            (81, json!(80), "not-found"),
            (80, json!(0), "invalid-parameters"),
            (80, json!(true), "invalid-parameters"),
        ] {
            let parameters = asked(json!({"port": port, "targetPort": wanted}));
            assert_eq!(refusal(&cluster(), "patch-service-port", &parameters).code, code, "{parameters}");
        }
    }
}
