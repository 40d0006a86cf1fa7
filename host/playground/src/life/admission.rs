//! What the API server checks and completes before an object is made: limit
//! ranges and quotas, in its words.

use serde_json::Value;

use super::{
    quantity, quota,
    shape::{entries, list, name, namespace, set, text},
};
use crate::{
    Refusal,
    store::{Operation, View},
};

/// Completes and checks one object; called under the store's lock.
///
/// # Errors
/// 403 where a limit range or a quota forbids it.
pub fn admit(view: &View<'_>, operation: Operation, object: &mut Value) -> Result<(), Refusal> {
    if operation != Operation::Create {
        return Ok(());
    }
    let pod = text(object, "/kind") == "Pod";
    let space = namespace(object).to_owned();
    if pod {
        for range in view.list("v1/LimitRange", Some(&space)) {
            limit(range, object)?;
        }
    }
    if text(object, "/kind") == "PersistentVolumeClaim" {
        default_class(view, object);
    }
    for quota in view.list("v1/ResourceQuota", Some(&space)) {
        within(view, quota, object)?;
    }
    Ok(())
}

fn default_class(view: &View<'_>, claim: &mut Value) {
    if claim.pointer("/spec/storageClassName").is_some() {
        return;
    }
    let is_default = |class: &&&Value| {
        super::shape::annotation(class, "storageclass.kubernetes.io/is-default-class") == Some("true")
    };
    let classes = view.list("storage.k8s.io/v1/StorageClass", None);
    if let Some(class) = classes.iter().find(is_default) {
        let class = Value::from(name(class));
        set(claim, &["spec", "storageClassName"], class);
    }
}

fn forbidden(object: &Value, why: &str) -> Refusal {
    let plural = match text(object, "/kind") {
        "PersistentVolumeClaim" => "persistentvolumeclaims".to_owned(),
        "Deployment" => "deployments.apps".to_owned(),
        "StatefulSet" => "statefulsets.apps".to_owned(),
        "Job" => "jobs.batch".to_owned(),
        kind => format!("{}s", kind.to_ascii_lowercase()),
    };
    Refusal {
        status: 403,
        reason: "Forbidden".to_owned(),
        message: format!("{plural} \"{}\" is forbidden: {why}", name(object)),
    }
}

/// Fills in the defaults of a range and holds the containers to its bounds.
fn limit(range: &Value, pod: &mut Value) -> Result<(), Refusal> {
    for limit in list(range, "/spec/limits").iter().filter(|limit| text(limit, "/type") == "Container") {
        let containers = pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            for (from, into) in [("default", "limits"), ("defaultRequest", "requests")] {
                for (resource, amount) in entries(limit, &format!("/{from}")) {
                    if container.pointer(&format!("/resources/{into}/{resource}")).is_none() {
                        set(container, &["resources", into, resource], amount.clone());
                    }
                }
            }
        }
        for container in list(pod, "/spec/containers") {
            for (bound, part, word) in [("max", "limits", "maximum"), ("min", "requests", "minimum")] {
                for (resource, allowed) in entries(limit, &format!("/{bound}")) {
                    let asks = container.pointer(&format!("/resources/{part}/{resource}"));
                    let (Some(asked), Some(allowed_amount)) =
                        (asks.and_then(quantity::of), quantity::of(allowed))
                    else {
                        continue;
                    };
                    let outside =
                        if bound == "max" { asked > allowed_amount } else { asked < allowed_amount };
                    if outside {
                        let part = part.trim_end_matches('s');
                        return Err(forbidden(
                            pod,
                            &format!(
                                "{word} {resource} usage per Container is {}, but {part} is {}",
                                allowed.as_str().unwrap_or(""),
                                asks.and_then(Value::as_str).unwrap_or("")
                            ),
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

fn within(view: &View<'_>, quota_of: &Value, object: &Value) -> Result<(), Refusal> {
    let space = namespace(object);
    let pod = text(object, "/kind") == "Pod";
    let (mut asked, mut used, mut limited, mut absent) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (resource, hard) in entries(quota_of, "/spec/hard") {
        let Some(most) = quantity::of(hard) else { continue };
        let (more, before): (i128, i128) = match quota::counted(resource) {
            Some(kind) if kind == super::shape::kind_of(object) => {
                (1_000, 1_000 * i128::try_from(view.list(kind, Some(space)).len()).unwrap_or(0))
            }
            Some(_) => continue,
            None if !pod => continue,
            None => (
                quota::of_pod(object, resource),
                view.list("v1/Pod", Some(space)).iter().map(|pod| quota::of_pod(pod, resource)).sum(),
            ),
        };
        if pod && more == 0 {
            absent.push(resource);
            continue;
        }
        if before + more > most {
            asked.push(format!("{resource}={}", quantity::show(resource, more)));
            used.push(format!("{resource}={}", quantity::show(resource, before)));
            limited.push(format!("{resource}={}", quantity::show(resource, most)));
        }
    }
    if !absent.is_empty() {
        let why = format!(
            "failed quota: {}: must specify {} for: {}",
            name(quota_of),
            absent.join(","),
            containers(object)
        );
        return Err(forbidden(object, &why));
    }
    if asked.is_empty() {
        return Ok(());
    }
    let why = format!(
        "exceeded quota: {}, requested: {}, used: {}, limited: {}",
        name(quota_of),
        asked.join(","),
        used.join(","),
        limited.join(",")
    );
    Err(forbidden(object, &why))
}

fn containers(pod: &Value) -> String {
    let names: Vec<&str> =
        list(pod, "/spec/containers").iter().map(|container| text(container, "/name")).collect();
    names.join(",")
}
