//! The number of replicas, as a small object of its own.

use serde_json::{Value, json};

use super::{
    Call, Server,
    answer::{Answer, Cause, Problem, json_answer},
    object::{body, media_type, mode, yaml},
    path::ResourcePath,
};
use crate::{
    Refusal, patch, schema,
    store::{Author, Part, Signed, Target},
    value::{self, int},
};

impl Server {
    pub(crate) fn scale(&self, at: &ResourcePath, name: &str, call: &Call) -> Result<Answer, Problem> {
        let namespace = at.namespace.as_deref().unwrap_or("");
        let target = Target { kind: at.kind, namespace, name };
        if matches!(call.method.as_str(), "GET" | "HEAD") {
            let found = self.store.read(at.kind, namespace, name);
            let found = found.ok_or_else(|| Refusal::not_found(at.kind, name))?;
            return Ok(json_answer(200, &scale_of(&found)));
        }
        let mode = mode(call)?;
        let manager = call.manager();
        let author = Author { manager: &manager, subresource: "scale", signed: Signed::ByWrite };
        let done = self.store.modify(&target, Part::Main, author, mode, |current| {
            let scale = scale_of(current);
            let next = wanted(call, &scale)?;
            if !patch::same_where_said(&scale, &next, "resourceVersion") {
                return Err(Problem::from(Refusal::stale(at.kind, name)));
            }
            if !patch::same_where_said(&scale, &next, "uid") {
                return Err(Refusal::conflict(at.kind, name, "the UID is another one").into());
            }
            let mut object = current.clone();
            object["spec"]["replicas"] = replicas(at, name, &next)?.into();
            Ok(object)
        })?;
        Ok(json_answer(200, &scale_of(&done)))
    }
}

/// The scale that the client wants.
fn wanted(call: &Call, scale: &Value) -> Result<Value, Problem> {
    if call.method == http::Method::PUT {
        return body(call, "Scale");
    }
    let mut next = scale.clone();
    let media = call.content_type.split(';').next().unwrap_or("").trim();
    let given = match media {
        "application/apply-patch+yaml" => yaml(&call.body).map_err(Refusal::bad_request)?,
        _ => serde_json::from_slice(&call.body)
            .map_err(|error| Refusal::bad_request(format!("error decoding patch: {error}")))?,
    };
    match media {
        "application/json-patch+json" => patch::json_patch(&mut next, &given)?,
        "application/merge-patch+json" | "application/apply-patch+yaml" => {
            patch::merge_patch(&mut next, &given)
        }
        "application/strategic-merge-patch+json" => match schema::type_named("autoscaling.v1.Scale") {
            Some(root) => patch::strategic_patch(root, &mut next, &given)?,
            None => patch::merge_patch(&mut next, &given),
        },
        _ => return Err(media_type("the body of the request was in an unknown format")),
    }
    Ok(next)
}

fn replicas(at: &ResourcePath, name: &str, scale: &Value) -> Result<i64, Problem> {
    let value = scale.pointer("/spec/replicas").unwrap_or(&Value::Null);
    match value.as_i64() {
        Some(number) if (0..=i64::from(i32::MAX)).contains(&number) => Ok(number),
        Some(_) => {
            let message = format!("Invalid value: {value}: must be greater than or equal to 0");
            let cause = Cause { reason: "FieldValueInvalid", field: "spec.replicas".to_owned(), message };
            Err(Problem::invalid(at.kind, name, &[cause]))
        }
        None if value.is_null() => Ok(0),
        None => Err(Refusal::bad_request(
            "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal into Go struct field \
             ScaleSpec.spec.replicas of type int32",
        )
        .into()),
    }
}

fn scale_of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let labels = &object["spec"]["selector"]["matchLabels"];
    let labels = if labels.is_object() { labels } else { &object["spec"]["selector"] };
    let selector: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": value::name(object),
            "namespace": value::namespace(object),
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": int(object, "/spec/replicas").unwrap_or(0) },
        "status": { "replicas": int(object, "/status/replicas").unwrap_or(0), "selector": selector.join(",") },
    })
}
