//! The built-in actions are those of the plugin `workload`: the same names,
//! parameters and kinds, so that what is proposed here fits its schemas.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sickbay_llm::catalogue::{Catalogue, Shape};

#[test]
fn the_built_in_actions_are_those_of_the_plugin() {
    let catalogue = Catalogue::default();
    let own: Vec<String> = catalogue.names().map(str::to_owned).collect();
    let theirs = sickbay_workload::actions();
    assert_eq!(
        own.iter().collect::<BTreeSet<_>>(),
        theirs.iter().map(|spec| &spec.name).collect::<BTreeSet<_>>()
    );
    for spec in theirs {
        let action = catalogue.find("workload", &spec.name).unwrap();
        let schema: Value = serde_json::from_str(&spec.parameters).unwrap();
        let names: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let known: BTreeSet<&str> =
            action.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(known, names, "{}", spec.name);
        let required: BTreeSet<&str> =
            schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let needs: BTreeSet<&str> = action
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .map(|parameter| parameter.name.as_str())
            .collect();
        assert_eq!(needs, required, "{}", spec.name);
        // A kind that is offered is one that the action changes.
        for kind in &action.kinds {
            let changes = spec.changes.iter().flat_map(|need| &need.kinds);
            assert!({ changes }.any(|takes| takes.rsplit('/').next() == Some(kind)), "{} {kind}", spec.name);
        }
    }
}

#[test]
fn values_that_are_taken_fit_the_plugins_schema() {
    let object = |kind: &str, version: &str| json!({"apiVersion": version, "kind": kind, "namespace": "shop", "name": "api"});
    let deployment = object("Deployment", "apps/v1");
    for (name, parameters) in [
        ("rollout-undo", json!({"object": deployment, "toRevision": 1})),
        ("scale", json!({"object": deployment, "replicas": 2})),
        ("patch-env", json!({"object": deployment, "container": "app", "env": {"A": "b", "C": null}})),
        (
            "patch-resources",
            json!({"object": deployment, "container": "app", "limits": {"memory": "256Mi", "cpu": null}}),
        ),
        ("patch-command", json!({"object": deployment, "container": "app", "command": ["a"], "args": null})),
        (
            "patch-probe",
            json!({"object": deployment, "container": "app", "probe": "startup", "set": {"periodSeconds": 5}}),
        ),
        (
            "relax-budget",
            json!({"object": object("PodDisruptionBudget", "policy/v1"), "maxUnavailable": "50%"}),
        ),
        ("patch-service-port", json!({"object": object("Service", "v1"), "port": 80, "targetPort": "http"})),
        ("escalate", json!({"object": deployment, "need": "Whether this is right."})),
    ] {
        let spec = sickbay_workload::actions().into_iter().find(|spec| spec.name == name).unwrap();
        let schema: Value = serde_json::from_str(&spec.parameters).unwrap();
        let action = Catalogue::default();
        let action = action.find("workload", name).unwrap();
        assert_eq!(action.fits(parameters.as_object().unwrap()), Ok(()), "{name}");
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&parameters), "{name}");
        assert!(
            !action.parameters.iter().any(|parameter| parameter.required && parameter.shape == Shape::Never)
        );
    }
}
