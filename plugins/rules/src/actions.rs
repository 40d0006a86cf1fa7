//! The actions of the plugin `workload` that findings propose, and the shape of
//! their parameters; the plugin's JSON Schemas say the same to the host. A value that is not known from what was observed is never
//! made up: where a person must choose, the action is `escalate`.
//!
//! Every one but `escalate` names its target as
//! `"object": {"apiVersion", "kind", "namespace"?, "name"}`; the rest is:
//!
//! | action | parameters besides `object` |
//! |---|---|
//! | `rollout-undo` | `toRevision`: number, absent for the one before |
//! | `restart` | none |
//! | `scale` | `replicas`: number |
//! | `delete-pod` | none; `object` is the Pod |
//! | `evict` | none; `object` is the Pod |
//! | `delete-claim` | `deleteBound`?, `deleteUsed`?: true where that is meant; `object` is the PersistentVolumeClaim |
//! | `patch-env` | `container`, `env`: `{"NAME": "value" or null to remove it}` |
//! | `patch-resources` | `container`, `requests`?, `limits`?: `{"memory": "256Mi" or null}` |
//! | `patch-image` | `container`, `image` |
//! | `patch-command` | `container`, `command`?: list or null, `args`?: list or null |
//! | `patch-probe` | `container`, `probe`: `liveness`, `readiness` or `startup`, `set`: part of a probe to merge |
//! | `patch-node-selector` | `nodeSelector`: `{"label": "value" or null to remove it}` |
//! | `patch-selector` | `selector`: the whole selector of the Service |
//! | `patch-service-port` | `port`: number, `targetPort`: number or name |
//! | `patch-configmap` | `data`: `{"key": "value" or null to remove it}` |
//! | `patch-role` | `rules`: the whole list of rules |
//! | `remove-taint` | `key`, `effect`, `value`?; `object` is the Node |
//! | `cordon` | none; `object` is the Node |
//! | `uncordon` | none; `object` is the Node |
//! | `relax-budget` | `minAvailable` or `maxUnavailable`: number or percentage |
//! | `raise-max-replicas` | `maxReplicas`: number |
//! | `resume` | none; lifts `spec.suspend` or `spec.paused` |
//! | `escalate` | `need`: what a person has to decide or supply, `object`? |

use serde_json::{Map, Value, json};

use crate::diagnosis::{ObjectRef, ProposedAction};

/// Any action of the plugin `workload`, with parameters besides `object`.
#[must_use]
pub fn action(name: &str, object: &ObjectRef, parameters: Value, title: impl Into<String>) -> ProposedAction {
    let mut all = Map::new();
    all.insert("object".to_owned(), reference(object));
    if let Value::Object(parameters) = parameters {
        all.extend(parameters);
    }
    ProposedAction {
        plugin: "workload".to_owned(),
        action: name.to_owned(),
        parameters: Value::Object(all),
        title: title.into(),
    }
}

/// Hands the problem to a person, saying what they have to decide or supply.
#[must_use]
pub fn escalate(object: &ObjectRef, need: impl Into<String>) -> ProposedAction {
    let need = need.into();
    action("escalate", object, json!({ "need": need }), need.clone())
}

fn reference(object: &ObjectRef) -> Value {
    let mut map = Map::new();
    map.insert("apiVersion".to_owned(), Value::from(object.api_version.clone()));
    map.insert("kind".to_owned(), Value::from(object.kind.clone()));
    if let Some(namespace) = &object.namespace {
        map.insert("namespace".to_owned(), Value::from(namespace.clone()));
    }
    map.insert("name".to_owned(), Value::from(object.name.clone()));
    Value::Object(map)
}
