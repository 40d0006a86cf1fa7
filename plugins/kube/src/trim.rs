//! Objects without what nobody reads. Elements of lists are never taken out, so
//! that a JSON Pointer into what is shown holds for what was observed.

use serde_json::Value;

/// Annotations that repeat the object.
const ANNOTATIONS: &[&str] =
    &["kubectl.kubernetes.io/last-applied-configuration", "objectset.rio.cattle.io/applied"];

/// Takes out managed fields, links of old servers, and annotations that hold the object once more.
pub(crate) fn trim(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    metadata.remove("managedFields");
    metadata.remove("selfLink");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        for name in ANNOTATIONS {
            annotations.remove(*name);
        }
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}
