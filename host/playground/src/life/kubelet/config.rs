//! Variables and volumes of a container, from ConfigMaps, Secrets and claims;
//! what is missing is told in the kubelet's words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::container::Part;
use crate::life::{
    cluster::Cluster,
    shape::{entries, is_true, list, name, namespace, text, uid},
};

/// The environment of the container.
///
/// # Errors
/// What keeps it from being made, as the message of `CreateContainerConfigError`.
pub(super) fn variables(cluster: &Cluster, part: &Part<'_>) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    let space = namespace(part.pod);
    for source in list(part.spec, "/envFrom") {
        let prefix = text(source, "/prefix");
        for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            let Some(reference) = source.get(field) else { continue };
            match content(cluster, kind, space, text(reference, "/name")) {
                Ok(found) => {
                    all.extend(found.into_iter().map(|(key, value)| (format!("{prefix}{key}"), value)))
                }
                Err(_) if is_true(reference, "/optional") => {}
                Err(message) => return Err(message),
            }
        }
    }
    for variable in list(part.spec, "/env") {
        let key = text(variable, "/name").to_owned();
        if let Some(value) = variable.get("value").and_then(Value::as_str) {
            all.insert(key, value.to_owned());
            continue;
        }
        for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
            let Some(reference) = variable.pointer(&format!("/valueFrom/{field}")) else { continue };
            let wanted = text(reference, "/key");
            let found = content(cluster, kind, space, text(reference, "/name")).and_then(|data| {
                data.get(wanted).cloned().ok_or_else(|| {
                    format!("couldn't find key {wanted} in {kind} {space}/{}", text(reference, "/name"))
                })
            });
            match found {
                Ok(value) => {
                    all.insert(key.clone(), value);
                }
                Err(_) if is_true(reference, "/optional") => {}
                Err(message) => return Err(message),
            }
        }
        let value = match text(variable, "/valueFrom/fieldRef/fieldPath") {
            "metadata.name" => name(part.pod),
            "metadata.namespace" => space,
            "metadata.uid" => uid(part.pod),
            "status.podIP" => part.address,
            "spec.nodeName" => text(part.pod, "/spec/nodeName"),
            _ => continue,
        };
        all.insert(key, value.to_owned());
    }
    Ok(all)
}

/// All texts of a ConfigMap or Secret.
fn content(
    cluster: &Cluster,
    kind: &str,
    space: &str,
    name: &str,
) -> Result<BTreeMap<String, String>, String> {
    let lower = kind.to_ascii_lowercase();
    let Some(found) = cluster.get(&format!("v1/{kind}"), space, name) else {
        return Err(format!("{lower} \"{name}\" not found"));
    };
    let plain = entries(&found, "/data").map(|(key, value)| {
        let value = value.as_str().unwrap_or("");
        let value = if kind == "Secret" { decode(value) } else { value.to_owned() };
        (key.to_owned(), value)
    });
    Ok(plain
        .chain(
            entries(&found, "/stringData")
                .map(|(key, value)| (key.to_owned(), value.as_str().unwrap_or("").to_owned())),
        )
        .collect())
}

/// Base64, as the values of Secrets are written; what is wrong ends it.
fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\n' | b'\r' => continue,
            _ => break,
        };
        held = (held << 6 | u32::from(six)) & 0x3fff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether all volumes of the pod can be mounted.
///
/// # Errors
/// The first that can not, as the message of `FailedMount`.
pub(super) fn volumes(cluster: &Cluster, pod: &Value) -> Result<(), String> {
    let space = namespace(pod);
    for volume in list(pod, "/spec/volumes") {
        let shown = text(volume, "/name");
        for (field, key, kind) in [("configMap", "/name", "ConfigMap"), ("secret", "/secretName", "Secret")] {
            let Some(source) = volume.get(field) else { continue };
            if is_true(source, "/optional") {
                continue;
            }
            let wanted = text(source, key);
            let data = content(cluster, kind, space, wanted)
                .map_err(|message| format!("MountVolume.SetUp failed for volume \"{shown}\" : {message}"))?;
            for item in list(source, "/items") {
                let item = text(item, "/key");
                if !data.contains_key(item) {
                    let what = if kind == "Secret" { "secret" } else { "config" };
                    return Err(format!(
                        "MountVolume.SetUp failed for volume \"{shown}\" : references non-existent {what} key: {item}"
                    ));
                }
            }
        }
        let claim = text(volume, "/persistentVolumeClaim/claimName");
        if !claim.is_empty() {
            let bound = cluster
                .get("v1/PersistentVolumeClaim", space, claim)
                .is_some_and(|claim| text(&claim, "/status/phase") == "Bound");
            if !bound {
                return Err(format!(
                    "Unable to attach or mount volumes: unmounted volumes=[{shown}], unattached volumes=[], failed to process volumes=[{shown}]: error processing PVC {space}/{claim}: PVC is not bound"
                ));
            }
        }
    }
    Ok(())
}

/// The content of a file that a ConfigMap or Secret gives the container.
pub(super) fn file(cluster: &Cluster, part: &Part<'_>, path: &str) -> Option<String> {
    let space = namespace(part.pod);
    for mount in list(part.spec, "/volumeMounts") {
        let at = text(mount, "/mountPath").trim_end_matches('/');
        let below = match path.strip_prefix(at) {
            Some("") => text(mount, "/subPath"),
            Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
            _ => continue,
        };
        let volume = list(part.pod, "/spec/volumes")
            .iter()
            .find(|volume| text(volume, "/name") == text(mount, "/name"))?;
        let (kind, name, items) = if volume.get("configMap").is_some() {
            ("ConfigMap", text(volume, "/configMap/name"), list(volume, "/configMap/items"))
        } else {
            ("Secret", text(volume, "/secret/secretName"), list(volume, "/secret/items"))
        };
        let key =
            items.iter().find(|item| text(item, "/path") == below).map_or(below, |item| text(item, "/key"));
        return content(cluster, kind, space, name).ok()?.remove(key);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_decoded() {
        for (encoded, expect) in
            [("cGFzcw==", "pass"), ("", ""), ("aGVsbG8gd29ybGQ=", "hello world"), ("!", "")]
        {
            assert_eq!(decode(encoded), expect);
        }
    }
}
