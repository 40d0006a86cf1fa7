//! Label selectors as they stand in objects.

use serde_json::Value;

use crate::value::{items, text};

/// Whether labels are those that a selector means: `matchLabels` and
/// `matchExpressions`. An empty selector means all.
#[must_use]
pub fn selector_matches(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object();
    equal.into_iter().flatten().all(|(key, value)| labels.get(key) == Some(value))
        && items(selector, "/matchExpressions").iter().all(|one| {
            let value = labels.get(text(one, "/key"));
            let listed = value.is_some_and(|value| items(one, "/values").contains(value));
            match text(one, "/operator") {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}
