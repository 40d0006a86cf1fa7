//! `patch-env`: environment variables of one container.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{ActionPlan, Error};

use crate::{
    action::Action,
    json, kinds,
    parameters::Parameters,
    refusal::{invalid, no_change, refused},
    schema::{self, Needs},
    seen::Look,
    target::Templated,
    words,
};

pub(super) const PATCH_ENV: Action = Action::of_template(
    "patch-env",
    "Sets or removes environment variables of one container; its pods roll over",
    parameters,
    plan,
);

fn parameters() -> Value {
    let value = json!({ "type": ["string", "null"], "maxLength": 32_768, "description": "null removes it" });
    let env = schema::map(schema::ENV_NAME, 253, &value, 1, 50);
    schema::of_container(kinds::TEMPLATED, [("env", env)], Needs::All)
}

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = Templated::read(look, parameters, kinds::TEMPLATED)?;
    let container = workload.container(parameters)?;
    let present = json::list(container.value, "/env");
    let mut entries = Vec::new();
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    let mut cited = Vec::new();
    for (name, value) in parameters.map("env")? {
        let mut found =
            present.iter().enumerate().filter(|(_, entry)| json::text(entry, "/name") == Some(name.as_str()));
        let entry = found.next();
        if found.next().is_some() {
            return Err(refused(
                "ambiguous",
                format!(
                    "{} names `{}` twice: a person has to decide which goes",
                    workload.describe(&container),
                    words::clean(name)
                ),
            ));
        }
        match (entry, value) {
            (None, Value::Null) => continue,
            (Some((_, entry)), Value::String(value)) if json::text(entry, "/value") == Some(value) => {
                continue;
            }
            // The server writes an empty value as none at all.
            (Some((_, entry)), Value::String(value))
                if value.is_empty() && entry.get("value").is_none() && entry.get("valueFrom").is_none() =>
            {
                continue;
            }
            (Some(_), Value::Null) => {
                entries.push(json!({ "name": name, "$patch": "delete" }));
                removed.push(name.as_str());
            }
            (entry, Value::String(value)) => {
                let mut new = json!({ "name": name, "value": value });
                if entry.is_some_and(|(_, entry)| entry.get("valueFrom").is_some())
                    && let Some(new) = new.as_object_mut()
                {
                    new.insert("valueFrom".to_owned(), Value::Null);
                }
                entries.push(new);
                set.push(name.as_str());
            }
            _ => return Err(invalid(format!("`env.{}` has to be a string or null", words::clean(name)))),
        }
        if let Some((index, _)) = entry {
            cited.push(format!("{}/env/{index}", container.pointer));
        }
    }
    if entries.is_empty() {
        return Err(no_change(format!("{} has these variables already", workload.describe(&container))));
    }
    if cited.is_empty() {
        cited.push(format!("{}/name", container.pointer));
    }
    let what = match (set.as_slice(), removed.as_slice()) {
        (set, []) => format!("set {}", words::list(set)),
        ([], removed) => format!("remove {}", words::list(removed)),
        (set, removed) => format!("set {} and remove {}", words::list(set), words::list(removed)),
    };
    let body = workload.container_patch(&container, json!({ "env": entries }));
    let cited: Vec<&str> = cited.iter().map(String::as_str).collect();
    workload.plan(&body, format!("{what} in {}", workload.describe(&container)), &cited)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::{FakeCluster, deployment, refusal, strategic_body};

    fn cluster() -> FakeCluster {
        let mut api = deployment("shop", "api");
        api["spec"]["template"]["spec"]["containers"][0]["env"] = json!([
            {"name": "DB_HOST", "value": "db"}, {"name": "FROM", "valueFrom": {"fieldRef": {"fieldPath": "x"}}},
            {"name": "TWICE", "value": "1"}, {"name": "TWICE", "value": "2"}, {"name": "EMPTY"},
        ]);
        FakeCluster::new().with(api)
    }

    fn asked(container: &str, env: serde_json::Value) -> serde_json::Value {
        json!({"object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"},
               "container": container, "env": env})
    }

    #[test]
    fn only_what_differs_is_patched() {
        for (env, expect) in [
            (json!({"NEW": "1", "DB_HOST": "db"}), json!([{"name": "NEW", "value": "1"}])),
            (json!({"DB_HOST": "other"}), json!([{"name": "DB_HOST", "value": "other"}])),
            (json!({"DB_HOST": null, "GONE": null}), json!([{"name": "DB_HOST", "$patch": "delete"}])),
            (json!({"FROM": "x"}), json!([{"name": "FROM", "value": "x", "valueFrom": null}])),
        ] {
            let body = strategic_body(&cluster(), "patch-env", &asked("api", env));
            assert_eq!(
                body,
                json!({"spec": {"template": {"spec": {"containers": [{"name": "api", "env": expect}]}}}})
            );
        }
    }

    #[test]
    fn what_can_not_be_done_is_refused() {
        for (container, env, code) in [
            ("api", json!({"DB_HOST": "db"}), "no-change"),
            ("api", json!({"GONE": null, "EMPTY": ""}), "no-change"),
            ("apii", json!({"A": "b"}), "unknown-container"),
            ("api", json!({"TWICE": "3"}), "ambiguous"),
            ("api", json!({"A": "pa[redacted]ss"}), "redacted"),
            ("api", json!({"A": 1}), "invalid-parameters"),
        ] {
            assert_eq!(refusal(&cluster(), "patch-env", &asked(container, env)).code, code);
        }
        let wrong = refusal(&cluster(), "patch-env", &asked("apii", json!({"A": "b"})));
        assert!(wrong.message.ends_with("did you mean `api`?"), "{}", wrong.message);
    }

    #[test]
    fn a_pod_is_refused_and_its_owner_is_named() {
        let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": true}]);
        let cluster = cluster()
            .with(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "api-1", "namespace": "shop", "ownerReferences": owner("Deployment", "api")}}))
            .with(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api-1-x", "namespace": "shop", "ownerReferences": owner("ReplicaSet", "api-1")}}));
        let mut parameters = asked("api", json!({"A": "b"}));
        parameters["object"] =
            json!({"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "api-1-x"});
        let error = refusal(&cluster, "patch-env", &parameters);
        assert_eq!(error.code, "owned");
        assert!(error.message.contains("Deployment shop/api (apps/v1)"), "{}", error.message);
    }
}
