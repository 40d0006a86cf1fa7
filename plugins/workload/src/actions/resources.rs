//! `patch-resources`: requests and limits of one container.

use serde_json::{Map, Value, json};
use sickbay_plugin::{
    quantity,
    remediation::{ActionPlan, Error},
};

use crate::{
    action::Action,
    json, kinds,
    parameters::Parameters,
    patch,
    refusal::{invalid, no_change, refused},
    schema::{self, Needs},
    seen::Look,
    target::Templated,
    words,
};

/// One step may raise an amount by so many times: more is a slip of a unit.
const MOST_TIMES: i128 = 32;

pub(super) const PATCH_RESOURCES: Action = Action::of_template(
    "patch-resources",
    "Sets or removes resource requests and limits of one container; its pods roll over",
    parameters,
    plan,
);

fn parameters() -> Value {
    let amounts = schema::map(schema::QUALIFIED, 317, &schema::pattern_or_null(schema::QUANTITY, 32), 1, 10);
    let parts = [("requests", amounts.clone()), ("limits", amounts)];
    schema::of_container(kinds::TEMPLATED, parts, Needs::Any)
}

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = Templated::read(look, parameters, kinds::TEMPLATED)?;
    let container = workload.container(parameters)?;
    let mut change = Map::new();
    let mut told = Vec::new();
    for part in ["requests", "limits"] {
        if parameters.get(part).is_none() {
            continue;
        }
        let mut amounts = Map::new();
        for (resource, wanted) in parameters.map(part)? {
            let shown = format!("{} {}", words::clean(resource), part.trim_end_matches('s'));
            let now = container.value.pointer(&format!("/resources/{part}/{}", json::step(resource)));
            let amount = quantity::milli_of(wanted);
            if !wanted.is_null() && (!wanted.is_string() || amount.is_none_or(|amount| amount < 0)) {
                return Err(invalid(format!(
                    "`{part}.{}` has to be an amount or null",
                    words::clean(resource)
                )));
            }
            match (now, wanted) {
                (None, Value::Null) => continue,
                (Some(now), wanted) if quantity::is_same(now, wanted) => continue,
                (Some(_), Value::Null) => told.push(format!("no {shown}")),
                (now, wanted) => {
                    let before = now.and_then(quantity::milli_of);
                    if let (Some(before), Some(after)) = (before, amount)
                        && before > 0
                        && after > before.saturating_mul(MOST_TIMES)
                    {
                        return Err(refused(
                            "out-of-bounds",
                            format!(
                                "a {shown} of {} is more than {MOST_TIMES} times what it is now",
                                words::clean(wanted.as_str().unwrap_or(""))
                            ),
                        ));
                    }
                    let from = now.and_then(Value::as_str).map(|now| format!("{} to ", words::clean(now)));
                    told.push(format!(
                        "{shown} {}{}",
                        from.unwrap_or_default(),
                        words::clean(wanted.as_str().unwrap_or(""))
                    ));
                }
            }
            amounts.insert(resource.clone(), wanted.clone());
        }
        if !amounts.is_empty() {
            change.insert(part.to_owned(), Value::Object(amounts));
        }
    }
    if change.is_empty() {
        return Err(no_change(format!("{} has these resources already", workload.describe(&container))));
    }
    let change = json!({ "resources": change });
    check_order(&patch::merged(container.value, &change), &workload.describe(&container))?;
    let body = workload.container_patch(&container, change);
    let resources = format!("{}/resources", container.pointer);
    let name = format!("{}/name", container.pointer);
    let cited = if workload.seen.at(&resources).is_some() { resources } else { name };
    workload.plan(
        &body,
        format!("{} for {}", told.join(", "), workload.describe(&container)),
        &[cited.as_str()],
    )
}

/// No request may be above its limit: the server would refuse it.
fn check_order(container: &Value, described: &str) -> Result<(), Error> {
    for (resource, request) in json::entries(container, "/resources/requests") {
        let limit = container.pointer(&format!("/resources/limits/{}", json::step(resource)));
        let (Some(request), Some(limit)) = (quantity::milli_of(request), limit.and_then(quantity::milli_of))
        else {
            continue;
        };
        if request > limit {
            return Err(refused(
                "out-of-bounds",
                format!("the {} request of {described} would be above its limit", words::clean(resource)),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::{FakeCluster, deployment, refusal, strategic_body};

    fn cluster() -> FakeCluster {
        let mut api = deployment("shop", "api");
        api["spec"]["template"]["spec"]["containers"][0]["resources"] =
            json!({"requests": {"memory": "64Mi", "cpu": "100m"}, "limits": {"memory": "128Mi"}});
        FakeCluster::new().with(api)
    }

    fn asked(part: &str, amounts: serde_json::Value) -> serde_json::Value {
        json!({"object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"},
               "container": "api", part: amounts})
    }

    #[test]
    fn only_amounts_that_differ_are_patched() {
        let body = strategic_body(
            &cluster(),
            "patch-resources",
            &asked("limits", json!({"memory": "256Mi", "cpu": null})),
        );
        assert_eq!(
            body.pointer("/spec/template/spec/containers/0"),
            Some(&json!({"name": "api", "resources": {"limits": {"memory": "256Mi"}}}))
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for (part, amounts, code) in [
            ("requests", json!({"cpu": "0.1"}), "no-change"),
            ("requests", json!({"memory": "256Mi"}), "out-of-bounds"),
            ("limits", json!({"memory": "32Mi"}), "out-of-bounds"),
            ("limits", json!({"memory": "128Gi"}), "out-of-bounds"),
            ("limits", json!({"memory": "much"}), "invalid-parameters"),
            ("limits", json!([]), "invalid-parameters"),
        ] {
            let error = refusal(&cluster(), "patch-resources", &asked(part, amounts.clone()));
            assert_eq!(error.code, code, "{amounts}");
        }
    }
}
