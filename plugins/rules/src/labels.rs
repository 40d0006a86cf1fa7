//! Label selectors against labels, both as JSON of any shape.

use serde_json::Value;

use crate::json;

/// The value of one label, from a `labels` map.
#[must_use]
pub fn get<'a>(labels: &'a Value, key: &str) -> Option<&'a str> {
    labels.get(key)?.as_str()
}

/// Whether a plain map, as Services have for selector, matches. An empty or
/// absent map matches nothing: a Service without selector selects no pods.
#[must_use]
pub fn map_matches(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|selector| {
        !selector.is_empty()
            && selector.iter().all(|(key, want)| want.as_str().is_some() && get(labels, key) == want.as_str())
    })
}

/// Whether a selector with `matchLabels` and `matchExpressions` matches. An
/// empty one matches everything, an absent one (null) nothing.
#[must_use]
pub fn selector_matches(selector: &Value, labels: &Value) -> bool {
    if !selector.is_object() {
        return false;
    }
    json::entries(selector, "/matchLabels")
        .all(|(key, want)| want.as_str().is_some() && get(labels, key) == want.as_str())
        && json::list(selector, "/matchExpressions")
            .iter()
            .all(|expression| expression_matches(expression, labels))
}

/// Whether one expression matches: of a label selector, or of a node selector
/// with its `Gt` and `Lt`.
#[must_use]
pub fn expression_matches(expression: &Value, labels: &Value) -> bool {
    let Some(key) = json::text(expression, "/key") else { return false };
    let value = get(labels, key);
    let values = json::list(expression, "/values");
    let among = |value: &str| values.iter().any(|candidate| candidate.as_str() == Some(value));
    let compare = |greater: bool| {
        let (Some(have), Some(want)) = (
            value.and_then(|value| value.parse::<i64>().ok()),
            values.first().and_then(Value::as_str).and_then(|want| want.parse::<i64>().ok()),
        ) else {
            return false;
        };
        if greater { have > want } else { have < want }
    };
    match json::text(expression, "/operator").unwrap_or("") {
        "In" => value.is_some_and(among),
        "NotIn" => !value.is_some_and(among),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compare(true),
        "Lt" => compare(false),
        _ => false,
    }
}

/// A map of labels as people write them: `app=web,tier=db`.
#[must_use]
pub fn show(labels: &Value) -> String {
    json::entries(labels, "")
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect::<Vec<_>>()
        .join(",")
}

/// A selector as people write it: `app=web,tier in (a,b),!legacy`.
#[must_use]
pub fn show_selector(selector: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in json::entries(selector, "/matchLabels") {
        parts.push(format!("{key}={}", value.as_str().unwrap_or("?")));
    }
    parts.extend(json::list(selector, "/matchExpressions").iter().map(show_expression));
    if parts.is_empty() { "(everything)".to_owned() } else { parts.join(",") }
}

/// One expression as people write it.
#[must_use]
pub fn show_expression(expression: &Value) -> String {
    let key = json::text(expression, "/key").unwrap_or("?");
    let values =
        json::list(expression, "/values").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
    match json::text(expression, "/operator").unwrap_or("?") {
        "In" if !values.contains(',') => format!("{key}={values}"),
        "In" => format!("{key} in ({values})"),
        "NotIn" => format!("{key} notin ({values})"),
        "Exists" => key.to_owned(),
        "DoesNotExist" => format!("!{key}"),
        "Gt" => format!("{key}>{values}"),
        "Lt" => format!("{key}<{values}"),
        other => format!("{key} {other} ({values})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_match_as_kubernetes_says() {
        let labels = json!({"app": "web", "tier": "front", "cores": "8"});
        for (selector, expect) in [
            (json!({}), true),
            (json!(null), false),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "api"}}), false),
            (
                json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]}),
                true,
            ),
            (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}), false),
            (json!({"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["front"]}]}), true),
            (json!({"matchExpressions": [{"key": "x", "operator": "Exists"}]}), false),
            (json!({"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["4"]}]}), true),
            (json!({"matchExpressions": [{"key": "cores", "operator": "Lt", "values": ["4"]}]}), false),
            (json!({"matchExpressions": ["nonsense"]}), false),
        ] {
            assert_eq!(selector_matches(&selector, &labels), expect, "{selector}");
        }
        assert!(map_matches(&json!({"app": "web"}), &labels));
        assert!(!map_matches(&json!({}), &labels));
        assert!(!map_matches(&json!(["app"]), &labels));
    }
}
