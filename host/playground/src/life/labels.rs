//! Label selectors.

use serde_json::Value;

use super::shape::{entries, list, text};

/// Whether labels have all entries of a map; an empty map selects nothing here,
/// since a Service without a selector has its endpoints from elsewhere.
pub(crate) fn map_matches(map: &Value, labels: &Value) -> bool {
    let mut any = false;
    entries(map, "").all(|(key, value)| {
        any = true;
        labels.get(key) == Some(value)
    }) && any
}

/// Whether a selector with `matchLabels` and `matchExpressions` picks labels.
/// An absent selector picks nothing, an empty one everything.
pub(crate) fn matches(selector: &Value, labels: &Value) -> bool {
    selector.is_object()
        && entries(selector, "/matchLabels").all(|(key, value)| labels.get(key) == Some(value))
        && list(selector, "/matchExpressions").iter().all(|expression| {
            expression_matches(expression, labels.get(text(expression, "/key")).and_then(Value::as_str))
        })
}

/// One expression of a selector, or of node affinity.
pub(crate) fn expression_matches(expression: &Value, have: Option<&str>) -> bool {
    let values = list(expression, "/values");
    let among = have.is_some_and(|have| values.iter().any(|value| value.as_str() == Some(have)));
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let limit = number(values.first().and_then(Value::as_str));
    match text(expression, "/operator") {
        "In" => among,
        "NotIn" => !among,
        "Exists" => have.is_some(),
        "DoesNotExist" => have.is_none(),
        "Gt" => number(have).zip(limit).is_some_and(|(have, limit)| have > limit),
        "Lt" => number(have).zip(limit).is_some_and(|(have, limit)| have < limit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors() {
        let labels = json!({"app": "api", "tier": "web"});
        for (selector, expect) in [
            (json!({"matchLabels": {"app": "api"}}), true),
            (json!({"matchLabels": {"app": "apis"}}), false),
            (json!({}), true),
            (json!(null), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["web", "db"]}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}), false),
            (json!({"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "x", "operator": "Exists"}]}), false),
            (json!({"matchExpressions": [{"key": "x", "operator": "?"}]}), false),
        ] {
            assert_eq!(matches(&selector, &labels), expect, "{selector}");
        }
        assert!(map_matches(&json!({"app": "api"}), &labels));
        assert!(!map_matches(&json!({}), &labels));
    }
}
