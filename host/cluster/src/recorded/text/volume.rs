//! Volumes, tolerations and selectors of a pod, as `kubectl describe` prints
//! them.

use super::{Object, block::Block, given, number, pairs, string};
use crate::tree::Tree;

/// The `Volumes:` block.
pub(super) fn volumes(block: &Block<'_>) -> Vec<Object> {
    block.below.iter().filter_map(volume).collect()
}

fn volume(block: &Block<'_>) -> Option<Object> {
    let mut volume = Tree::object([("name", string(block.key()))]);
    let text = |key: &str| block.value(key);
    let optional = text("Optional").or(text("ConfigMapOptional")) == Some("true");
    let kind = text("Type")?;
    let (field, mut source) = match kind.split([' ', '(']).next().unwrap_or(kind) {
        "ConfigMap" => ("configMap", Tree::object([("name", string(text("Name")?))])),
        "Secret" => ("secret", Tree::object([("secretName", string(text("SecretName")?))])),
        "PersistentVolumeClaim" => {
            ("persistentVolumeClaim", Tree::object([("claimName", string(text("ClaimName")?))]))
        }
        "HostPath" => {
            let mut source = Tree::object([("path", string(text("Path").unwrap_or("")))]);
            if let Some(kind) = text("HostPathType") {
                source.set("type", string(kind));
            }
            ("hostPath", source)
        }
        "EmptyDir" => {
            let mut source = Tree::Object(Vec::new());
            for (key, field) in [("Medium", "medium"), ("SizeLimit", "sizeLimit")] {
                if let Some(value) = text(key) {
                    source.set(field, string(value));
                }
            }
            ("emptyDir", source)
        }
        "Projected" => ("projected", Tree::Object(Vec::new())),
        "NFS" => {
            let path = string(text("Path").unwrap_or(""));
            ("nfs", Tree::object([("server", string(text("Server").unwrap_or(""))), ("path", path)]))
        }
        "CSI" => ("csi", Tree::object([("driver", string(text("Driver").unwrap_or("")))])),
        _ => return Some(volume),
    };
    if optional && matches!(field, "configMap" | "secret") {
        source.set("optional", Tree::Bool(true));
    }
    volume.set(field, source);
    Some(volume)
}

/// `Node-Selectors:` and `Tolerations:` into a pod's spec.
pub(super) fn scheduling(block: &Block<'_>, spec: &mut Object) {
    let selectors = pairs(block.values("Node-Selectors"));
    if !selectors.is_empty() {
        spec.set("nodeSelector", selectors);
    }
    let tolerations: Vec<Object> = block.values("Tolerations").into_iter().filter_map(toleration).collect();
    if !tolerations.is_empty() {
        spec.set("tolerations", Tree::Array(tolerations));
    }
}

/// `key=value:NoSchedule op=Exists for 300s`
fn toleration(text: &str) -> Option<Object> {
    let mut toleration = Tree::Object(Vec::new());
    let mut words = text.split_whitespace();
    let mut first = words.next()?;
    let mut rest: Vec<&str> = words.collect();
    // A toleration of everything has no key: `op=Exists`, `:NoSchedule op=Exists`.
    if let Some(operator) = first.strip_prefix("op=") {
        toleration.set("operator", string(operator));
        first = "";
    }
    let (key, effect) = first.rsplit_once(':').unwrap_or((first, ""));
    let (key, value) = key.split_once('=').unwrap_or((key, ""));
    for (field, text) in [("key", key), ("value", value), ("effect", effect)] {
        if !text.is_empty() {
            toleration.set(field, string(text));
        }
    }
    rest.retain(|word| *word != "for");
    for word in rest {
        if let Some(operator) = word.strip_prefix("op=") {
            toleration.set("operator", string(operator));
        } else if let Some(seconds) = word.strip_suffix('s').and_then(number) {
            toleration.set("tolerationSeconds", seconds);
        }
    }
    Some(toleration)
}

/// `key=value:NoSchedule`
pub(super) fn taint(text: &str) -> Option<Object> {
    let (key, effect) = given(text)?.rsplit_once(':')?;
    let (key, value) = key.split_once('=').unwrap_or((key, ""));
    let mut taint = Tree::object([("key", string(key))]);
    if !value.is_empty() {
        taint.set("value", string(value));
    }
    taint.set("effect", string(effect));
    Some(taint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations() {
        for (text, expect) in [
            (
                "node.kubernetes.io/not-ready:NoExecute op=Exists for 300s",
                r#"{"key":"node.kubernetes.io/not-ready","effect":"NoExecute","operator":"Exists","tolerationSeconds":300}"#,
            ),
            ("a=b:NoSchedule", r#"{"key":"a","value":"b","effect":"NoSchedule"}"#),
            ("op=Exists", r#"{"operator":"Exists"}"#),
        ] {
            assert_eq!(toleration(text).unwrap().to_json(), expect);
        }
        assert_eq!(
            taint("a=b:NoSchedule").unwrap().to_json(),
            r#"{"key":"a","value":"b","effect":"NoSchedule"}"#
        );
        assert!(taint("<none>").is_none());
    }
}
