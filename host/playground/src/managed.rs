//! Who manages which field, as `metadata.managedFields` says it.

use serde_json::Value;

use crate::{kinds::Kind, store::Author};

/// Notes in the new object what a write changed.
pub(crate) fn note_update(
    _kind: &Kind,
    _before: Option<&Value>,
    _after: &mut Value,
    _author: Author<'_>,
    _now_ms: i64,
) {
}
