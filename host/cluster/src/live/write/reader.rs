//! Objects as they are, for the writer alone: whole and not redacted. What it
//! reads stays in this module; what leaves is redacted by those who ask.

use serde_json::Value;
use sickbay_core::{
    error::{CallError, ErrorKind},
    object::ObjectRef,
};

use crate::live::{
    LiveCluster,
    discovery::Resource,
    list::{not_kubernetes, read_list},
    path::RequestPath,
    status::{Attempt, Refusal},
};

const PAGE: usize = 500;
/// Objects of one list at most.
const MOST_OBJECTS: usize = 20_000;

/// What to list. None: all of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Wanted<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) labels: Option<&'a str>,
    pub(super) fields: Option<&'a str>,
}

/// None where it is not there.
pub(super) async fn find(cluster: &LiveCluster, object: &ObjectRef) -> Result<Option<Value>, CallError> {
    let (resource, namespace) = cluster.resource_of(object).await?;
    match read(cluster, resource, namespace, &object.name).await {
        Ok(object) => Ok(Some(object)),
        Err(refusal) if refusal.status == 404 => Ok(None),
        Err(refusal) => Err(refusal.error),
    }
}

pub(super) async fn read(
    cluster: &LiveCluster,
    resource: &Resource,
    namespace: Option<&str>,
    name: &str,
) -> Result<Value, Box<Refusal>> {
    let what = resource.full_name();
    let attempt = Attempt { verb: "get", resource: &what, namespace, name: Some(name) };
    let path = RequestPath::collection(resource, namespace)?.then("name", name)?;
    let body = cluster.transport.get(&path, &attempt).await?;
    object_of(&body).ok_or_else(|| not_kubernetes(&what).into())
}

/// An object that says what it is called.
pub(super) fn object_of(body: &[u8]) -> Option<Value> {
    let object: Value = serde_json::from_slice(body).ok()?;
    object.pointer("/metadata/name").is_some().then_some(object)
}

/// All pages. A kind that the server does not serve has no objects.
pub(super) async fn list(
    cluster: &LiveCluster,
    kind: &str,
    wanted: Wanted<'_>,
) -> Result<Vec<Value>, CallError> {
    let Some(resource) = cluster.served().await?.find(kind) else { return Ok(Vec::new()) };
    let what = resource.full_name();
    let attempt = Attempt { verb: "list", resource: &what, namespace: wanted.namespace, name: None };
    let mut objects = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_OBJECTS / PAGE {
        let path = RequestPath::collection(resource, wanted.namespace)?
            .with("limit", &PAGE.to_string())
            .with_some("labelSelector", wanted.labels)
            .with_some("fieldSelector", wanted.fields)
            .with_some("continue", token.as_deref());
        let body = cluster.transport.get(&path, &attempt).await.map_err(CallError::from)?;
        let (items, next) = read_list(&what, &body)?;
        for item in items {
            objects.push(serde_json::from_str(item.get()).map_err(|_| not_kubernetes(&what))?);
        }
        token = next;
        if token.is_none() {
            return Ok(objects);
        }
    }
    Err(CallError::new(
        ErrorKind::Limit,
        "too-many-objects",
        format!("there are more than {MOST_OBJECTS} `{what}` to look at"),
    ))
}

/// A `LabelSelector` as text for a query. None where it selects nothing, or
/// can not be understood.
pub(super) fn selector(selector: &Value) -> Option<String> {
    let mut parts = Vec::new();
    for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str()?));
    }
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = expression.get("key")?.as_str()?;
        let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
        let values = values.map(Value::as_str).collect::<Option<Vec<_>>>()?.join(",");
        parts.push(match expression.get("operator")?.as_str()? {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    Some(parts.join(","))
}

/// A plain map of labels, as in a Service.
pub(super) fn equalities(map: &Value) -> Option<String> {
    let map = map.as_object().filter(|map| !map.is_empty())?;
    let parts = map.iter().map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    Some(parts.collect::<Option<Vec<_>>>()?.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_become_text() {
        for (given, expect) in [
            (json!({"matchLabels": {"a": "b", "c": "d"}}), Some("a=b,c=d")),
            (
                json!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]},
                    {"key": "b", "operator": "DoesNotExist"}, {"key": "c", "operator": "Exists"},
                    {"key": "d", "operator": "NotIn", "values": ["z"]}]}),
                Some("a in (x,y),!b,c,d notin (z)"),
            ),
            (json!({}), Some("")),
            (json!({"matchExpressions": [{"key": "a", "operator": "Gt"}]}), None),
            (json!({"matchLabels": {"a": 1}}), None),
        ] {
            assert_eq!(selector(&given).as_deref(), expect, "{given}");
        }
        assert_eq!(equalities(&json!({"a": "b"})).as_deref(), Some("a=b"));
        assert_eq!(equalities(&json!({})), None);
        assert_eq!(equalities(&Value::Null), None);
    }
}
