//! Whether an object does what it is for, judged from itself and its pods.
//!
//! One look is judged here, and with care: what may go away by itself is on
//! its way, and only what nothing but a further change can put right has
//! failed. Time is for [`crate::watch`].

mod field;
mod newest;
mod other;
mod pod;
mod workload;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::field::{Fields, text};

/// How one object is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", rename_all = "kebab-case")]
pub enum Health {
    Healthy,
    /// Not yet, and nothing says that it never will be.
    Progressing {
        message: String,
    },
    /// It will not become healthy by itself.
    Failed {
        message: String,
    },
}

impl Health {
    pub(crate) fn progressing(message: impl Into<String>) -> Self {
        Self::Progressing { message: message.into() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into() }
    }

    #[must_use]
    pub fn is_healthy(&self) -> bool {
        *self == Self::Healthy
    }
}

/// Which pods tell about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodsOf {
    /// None do.
    Nothing,
    /// The object is a pod.
    Itself,
    /// Those that the label selector (as kubectl's `-l`) picks in its namespace.
    Selector(String),
}

/// Which pods to read along with the object.
#[must_use]
pub fn pods_of(object: &Value) -> PodsOf {
    let selector = match (group(object), object.at("/kind")) {
        ("", "Pod") => return PodsOf::Itself,
        ("apps" | "extensions", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => {
            label_selector(&object["spec"]["selector"])
        }
        ("batch", "Job") => label_selector(&object["spec"]["selector"]),
        ("", "Service") if object.at("/spec/type") != "ExternalName" => {
            map_selector(&object["spec"]["selector"])
        }
        ("", "ReplicationController") => map_selector(&object["spec"]["selector"]),
        _ => None,
    };
    selector.map_or(PodsOf::Nothing, PodsOf::Selector)
}

/// Judges an object by itself and the pods of [`pods_of`].
#[must_use]
pub fn judge(object: &Value, pods: &[Value]) -> Health {
    if object.at("/kind").is_empty() {
        return Health::progressing("what was read of it is no object");
    }
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Health::progressing(going(object));
    }
    match (group(object), object.at("/kind")) {
        ("", "Pod") => pod::health(object),
        ("apps" | "extensions", "Deployment") => workload::deployment(object, pods),
        ("apps", "StatefulSet") => workload::stateful_set(object, pods),
        ("apps" | "extensions", "DaemonSet") => workload::daemon_set(object, pods),
        ("apps" | "extensions", "ReplicaSet") | ("", "ReplicationController") => {
            workload::replica_set(object, pods)
        }
        ("batch", "Job") => workload::job(object, pods),
        ("", "Service") => other::service(object, pods),
        ("", "PersistentVolumeClaim" | "PersistentVolume") => other::volume(object),
        ("autoscaling", "HorizontalPodAutoscaler") => other::autoscaler(object),
        ("policy", "PodDisruptionBudget") => other::budget(object),
        ("", "Node") => other::node(object),
        // These are right by being there, whatever else stands in their status.
        ("batch", "CronJob")
        | ("networking.k8s.io" | "extensions", "Ingress" | "NetworkPolicy")
        | ("rbac.authorization.k8s.io", _) => Health::Healthy,
        _ => other::by_conditions(object),
    }
}

/// Judges an object that a plan deletes by what is found of it. `uid` is that
/// of the deleted object: another one of the same name is not it.
#[must_use]
pub fn judge_deleted(found: Option<&Value>, uid: Option<&str>) -> Health {
    let Some(object) = found else {
        return Health::Healthy;
    };
    if uid.is_some_and(|uid| object.at("/metadata/uid") != uid) {
        return Health::Healthy;
    }
    if object.pointer("/metadata/deletionTimestamp").is_none() {
        return Health::progressing("it is still there");
    }
    Health::progressing(going(object))
}

/// Judges an object that should be there and was not found: something may be
/// about to make it.
#[must_use]
pub fn judge_missing() -> Health {
    Health::progressing("it is not there")
}

/// Restarts of each container, by `POD-UID/CONTAINER`. Pods that are on their
/// way out tell nothing any more.
#[must_use]
pub fn restarts(pods: &[Value]) -> BTreeMap<String, u64> {
    let mut restarts = BTreeMap::new();
    for one in pods.iter().filter(|one| pod::is_current(one)) {
        let uid = match one.at("/metadata/uid") {
            "" => one.at("/metadata/name"),
            uid => uid,
        };
        for list in ["/status/initContainerStatuses", "/status/containerStatuses"] {
            for container in one.list(list) {
                let key = format!("{}/{}", text(uid, 100), text(container.at("/name"), 100));
                restarts.insert(key, container.number("/restartCount"));
            }
        }
    }
    restarts
}

fn group(object: &Value) -> &str {
    object.at("/apiVersion").split_once('/').map_or("", |(group, _)| group)
}

fn going(object: &Value) -> String {
    let waits: Vec<String> = object
        .list("/metadata/finalizers")
        .iter()
        .take(5)
        .filter_map(Value::as_str)
        .map(|name| format!("`{}`", text(name, 100)))
        .collect();
    match waits.as_slice() {
        [] => "it is being deleted".to_owned(),
        waits => format!("it is being deleted, and waits for {}", waits.join(", ")),
    }
}

/// `matchLabels` and `matchExpressions` as kubectl writes them. None where
/// there is no selector: an empty one would pick every pod.
fn label_selector(selector: &Value) -> Option<String> {
    let mut parts: Vec<String> = map_selector(&selector["matchLabels"]).into_iter().collect();
    for expression in selector.list("/matchExpressions") {
        let key = expression.at("/key");
        let values: Vec<&str> = expression.list("/values").iter().filter_map(Value::as_str).collect();
        parts.push(match expression.at("/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

fn map_selector(labels: &Value) -> Option<String> {
    let labels = labels.as_object().filter(|labels| !labels.is_empty())?;
    let parts: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    Some(parts.join(","))
}

#[cfg(test)]
mod tests;
