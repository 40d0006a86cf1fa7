//! The ways to change a part of an object: JSON patch, merge patch and
//! strategic merge patch. Each makes a new object and touches nothing else.
//! The fourth, apply, stands with the managed fields.

mod json;
mod strategic;

use serde_json::Value;

pub(crate) use json::{apply as json_patch, merge as merge_patch};
pub(crate) use strategic::merge as strategic_patch;

use crate::Refusal;

/// How deep and how many: a patch from the network stays in bounds.
const MAX_OPERATIONS: usize = 10_000;

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(422, "Invalid", message.into())
}

/// What a patch says about the object it is meant for, which is a condition
/// and not a change.
pub(crate) fn same_where_said(current: &Value, patched: &Value, key: &str) -> bool {
    let said = patched.get("metadata").and_then(|metadata| metadata.get(key));
    said.is_none_or(|said| said.is_null() || said == "" || Some(said) == current["metadata"].get(key))
}
