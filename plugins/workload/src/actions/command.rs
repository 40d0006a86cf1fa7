//! `patch-command`: what one container runs.

use serde_json::{Map, Value, json};
use sickbay_plugin::remediation::{ActionPlan, Error};

use crate::{
    action::Action,
    kinds,
    parameters::Parameters,
    refusal::invalid,
    schema::{self, Needs},
    seen::Look,
    target::Templated,
};

pub(super) const PATCH_COMMAND: Action = Action::of_template(
    "patch-command",
    "Sets or removes command and arguments of one container; its pods roll over",
    parameters,
    plan,
);

fn parameters() -> Value {
    let words = json!({
        "type": ["array", "null"], "maxItems": 64, "items": { "type": "string", "maxLength": 8_192 },
        "description": "the whole list; null removes it, so that the image's own is run",
    });
    let parts = [("command", words.clone()), ("args", words)];
    schema::of_container(kinds::TEMPLATED, parts, Needs::Any)
}

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = Templated::read(look, parameters, kinds::TEMPLATED)?;
    let container = workload.container(parameters)?;
    let mut change = Map::new();
    for part in ["command", "args"] {
        let Some(words) = parameters.get(part) else { continue };
        let is_list = words.as_array().is_some_and(|words| words.iter().all(Value::is_string));
        if !is_list && !words.is_null() {
            return Err(invalid(format!("`{part}` has to be a list of strings or null")));
        }
        // An empty list and none are the same to the server.
        let wanted = if words.as_array().is_some_and(Vec::is_empty) { Value::Null } else { words.clone() };
        if wanted != *container.value.get(part).unwrap_or(&Value::Null) {
            change.insert(part.to_owned(), wanted);
        }
    }
    let parts: Vec<&str> = change.keys().map(String::as_str).collect();
    let what = parts.join(" and ");
    let mut cited: Vec<String> = parts.iter().map(|part| format!("{}/{part}", container.pointer)).collect();
    cited.push(format!("{}/image", container.pointer));
    let cited: Vec<&str> = cited.iter().map(String::as_str).collect();
    let summary = format!("change the {what} of {}", workload.describe(&container));
    let body = workload.container_patch(&container, Value::Object(change));
    workload.plan(&body, summary, &cited)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::{FakeCluster, deployment, refusal, strategic_body};

    #[test]
    fn lists_are_replaced_as_a_whole() {
        let mut api = deployment("shop", "api");
        api["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["sleep 1"]);
        let cluster = FakeCluster::new().with(api);
        let asked = |part: &str, words: serde_json::Value| {
            json!({"object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"},
                   "container": "api", part: words})
        };
        for (part, words, expect) in [
            ("command", json!(["sleep", "1"]), json!({"name": "api", "command": ["sleep", "1"]})),
            ("command", json!(null), json!({"name": "api", "command": null})),
            ("command", json!([]), json!({"name": "api", "command": null})),
            ("args", json!(["-v"]), json!({"name": "api", "args": ["-v"]})),
        ] {
            let body = strategic_body(&cluster, "patch-command", &asked(part, words));
            assert_eq!(body.pointer("/spec/template/spec/containers/0"), Some(&expect));
        }
        for (part, words, code) in [
            ("command", json!(["sleep 1"]), "no-change"),
            ("args", json!(null), "no-change"),
            ("args", json!("-v"), "invalid-parameters"),
            ("args", json!([1]), "invalid-parameters"),
            ("neither", json!([]), "no-change"),
        ] {
            assert_eq!(refusal(&cluster, "patch-command", &asked(part, words)).code, code, "{part}");
        }
    }
}
