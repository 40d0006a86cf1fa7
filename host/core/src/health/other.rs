//! What runs no pods of its own.

use serde_json::Value;

use super::{
    Health,
    field::{Fields, condition, is_behind, text},
    pod::{is_current, is_ready, state},
};

/// It serves where at least one of its pods does. Pods of an older template
/// that crash until they go are no fault of it.
pub(super) fn service(object: &Value, pods: &[Value]) -> Health {
    let selects = object.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|s| !s.is_empty());
    if object.at("/spec/type") == "ExternalName" || !selects {
        return Health::Healthy;
    }
    let current: Vec<&Value> = pods.iter().filter(|pod| is_current(pod)).collect();
    let anyway = object.is("/spec/publishNotReadyAddresses");
    if current.iter().any(|pod| anyway || is_ready(pod)) {
        return Health::Healthy;
    }
    let Some(first) = current.first() else {
        return Health::progressing("it selects no pod");
    };
    let first = state(first);
    match first.health {
        Health::Failed { message } | Health::Progressing { message } => {
            Health::progressing(format!("none of its pods is ready: pod {}: {message}", first.name))
        }
        Health::Healthy => Health::progressing("none of its pods is ready"),
    }
}

/// A claim, or a volume.
pub(super) fn volume(object: &Value) -> Health {
    match object.at("/status/phase") {
        "Bound" | "Available" => Health::Healthy,
        "Lost" => Health::failed("the volume that it was bound to is gone"),
        "Failed" => {
            Health::failed(format!("the volume has failed: {}", text(object.at("/status/message"), 200)))
        }
        "" => Health::progressing("it has no phase yet"),
        phase => Health::progressing(format!("its phase is {}", text(phase, 60))),
    }
}

pub(super) fn autoscaler(object: &Value) -> Health {
    if is_behind(object) {
        return Health::progressing("its controller has not seen the change yet");
    }
    for kind in ["AbleToScale", "ScalingActive"] {
        if let Some(found) = condition(object, kind)
            && found.status == "False"
            // Somebody scaled the target to nothing: that is how it is switched off.
            && found.reason != "ScalingDisabled"
        {
            return Health::progressing(format!("it does not scale: {}", found.said()));
        }
    }
    Health::Healthy
}

pub(super) fn budget(object: &Value) -> Health {
    if is_behind(object) {
        return Health::progressing("its controller has not seen the change yet");
    }
    let healthy = object.number("/status/currentHealthy");
    let wanted = object.number("/status/desiredHealthy");
    if healthy < wanted {
        return Health::progressing(format!("{healthy} of at least {wanted} pods are healthy"));
    }
    Health::Healthy
}

/// A node that takes no more pods may well be healthy: that was somebody's wish.
pub(super) fn node(object: &Value) -> Health {
    match condition(object, "Ready") {
        Some(ready) if ready.status == "True" => Health::Healthy,
        Some(ready) => Health::progressing(format!("not ready: {}", ready.said())),
        None => Health::progressing("it does not say whether it is ready"),
    }
}

/// Any other kind: by the conditions that most of them have, else by being there.
pub(super) fn by_conditions(object: &Value) -> Health {
    if is_behind(object) {
        return Health::progressing("its controller has not seen the change yet");
    }
    if let Some(stalled) = condition(object, "Stalled").filter(|stalled| stalled.status == "True") {
        return Health::failed(format!("it is stalled: {}", stalled.said()));
    }
    if object.at("/status/phase") == "Terminating" {
        return Health::progressing("it is being deleted");
    }
    for kind in ["Ready", "Available", "Established"] {
        if let Some(found) = condition(object, kind) {
            return match found.status {
                "True" => Health::Healthy,
                _ => Health::progressing(format!("not {}: {}", kind.to_lowercase(), found.said())),
            };
        }
    }
    Health::Healthy
}
