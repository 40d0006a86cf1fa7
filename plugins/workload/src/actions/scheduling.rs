//! `patch-node-selector`: which nodes a workload's pods may run on.

use serde_json::{Map, Value, json};
use sickbay_plugin::remediation::{ActionPlan, Error, PatchType, Risk};

use crate::{
    action::Action,
    draft::Draft,
    json, kinds,
    parameters::Parameters,
    refusal::{self, invalid, no_change},
    schema,
    seen::Look,
    target::Templated,
    words,
};

pub(super) const PATCH_NODE_SELECTOR: Action = Action::of_template(
    "patch-node-selector",
    "Sets or removes labels of the node selector of a workload's pods, which roll over",
    parameters,
    plan,
);

fn parameters() -> Value {
    let value = schema::pattern_or_null(schema::LABEL_VALUE, 63);
    schema::parameters(
        [
            ("object", schema::workload(kinds::TEMPLATED)),
            ("nodeSelector", schema::map(schema::QUALIFIED, 317, &value, 1, 20)),
        ],
        &["object", "nodeSelector"],
        Value::Null,
    )
}

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = Templated::read(look, parameters, kinds::TEMPLATED)?;
    let place = format!("{}/spec/nodeSelector", workload.template);
    let mut change = Map::new();
    let mut told = Vec::new();
    for (label, value) in parameters.map("nodeSelector")? {
        let now = workload.seen.at(&format!("{place}/{}", json::step(label)));
        match value {
            Value::Null if now.is_none() => continue,
            Value::Null => told.push(format!("remove `{}`", words::clean(label))),
            Value::String(_) if now == Some(value) => continue,
            Value::String(value) => {
                told.push(format!("ask for `{}={}`", words::clean(label), words::clean(value)))
            }
            _ => return Err(invalid("each label has to have a string or null")),
        }
        change.insert(label.clone(), value.clone());
    }
    let object = &workload.seen.reference;
    if change.is_empty() {
        return Err(no_change(format!("the node selector of {} is so already", refusal::name(object))));
    }
    let body = json::wrap(&place, json!(change));
    Ok(Draft::new(format!("{} in the node selector of {}", told.join(", "), refusal::name(object)))
        .risk(Risk::Medium)
        .patch(object, PatchType::Merge, &body)
        .see(&workload.seen, &place)
        .verify(object.clone())
        .done())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::{FakeCluster, body, deployment, refusal};

    #[test]
    fn labels_come_and_go_one_by_one() {
        let mut api = deployment("shop", "api");
        api["spec"]["template"]["spec"]["nodeSelector"] = json!({"disk": "ssd", "kubernetes.io/os": "linux"});
        let cluster = FakeCluster::new().with(api);
        let asked = |selector: serde_json::Value| {
            json!({"object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"},
                   "nodeSelector": selector})
        };
        assert_eq!(
            body(
                &cluster,
                "patch-node-selector",
                &asked(json!({"disk": null, "zone": "a", "kubernetes.io/os": "linux"}))
            ),
            json!({"spec": {"template": {"spec": {"nodeSelector": {"disk": null, "zone": "a"}}}}})
        );
        for (selector, code) in [
            (json!({"disk": "ssd"}), "no-change"),
            (json!({"gone": null}), "no-change"),
            (json!({"disk": 1}), "invalid-parameters"),
        ] {
            assert_eq!(refusal(&cluster, "patch-node-selector", &asked(selector)).code, code);
        }
    }
}
