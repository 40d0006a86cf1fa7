//! `kubectl describe node`, `pv` and `pvc`.

use super::{Object, block::Block, given, pod::conditions, string, volume::taint};
use crate::tree::Tree;

pub(super) fn node(root: &Block<'_>, node: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    let taints: Vec<Object> = root.values("Taints").into_iter().filter_map(taint).collect();
    if !taints.is_empty() {
        spec.set("taints", Tree::Array(taints));
    }
    if root.value("Unschedulable") == Some("true") {
        spec.set("unschedulable", Tree::Bool(true));
    }
    for (key, field) in [("PodCIDR", "podCIDR"), ("ProviderID", "providerID")] {
        if let Some(value) = root.value(key) {
            spec.set(field, string(value));
        }
    }
    let mut status = Tree::Object(Vec::new());
    let conditions = conditions(root);
    if !conditions.is_empty() {
        status.set("conditions", Tree::Array(conditions));
    }
    for (key, field) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        let amounts = amounts(root.get(key));
        if !amounts.is_empty() {
            status.set(field, amounts);
        }
    }
    if let Some(info) = root.get("System Info") {
        let mut known = Tree::Object(Vec::new());
        for (key, field) in [
            ("Kubelet Version", "kubeletVersion"),
            ("Container Runtime Version", "containerRuntimeVersion"),
            ("Kernel Version", "kernelVersion"),
            ("OS Image", "osImage"),
            ("Operating System", "operatingSystem"),
            ("Architecture", "architecture"),
        ] {
            if let Some(value) = info.value(key) {
                known.set(field, string(value));
            }
        }
        status.set("nodeInfo", known);
    }
    let addresses: Vec<Object> = root
        .get("Addresses")
        .map_or(&[][..], |block| &block.below)
        .iter()
        .filter_map(|line| {
            let (kind, address) = line.split();
            Some(Tree::object([("type", string(kind)), ("address", string(given(address)?))]))
        })
        .collect();
    if !addresses.is_empty() {
        status.set("addresses", Tree::Array(addresses));
    }
    node.set("spec", spec);
    node.set("status", status);
}

/// `cpu:  4` lines as a map.
fn amounts(block: Option<&Block<'_>>) -> Object {
    let mut amounts = Tree::Object(Vec::new());
    for line in block.map_or(&[][..], |block| &block.below).iter().take(super::MAX_ENTRIES) {
        let (name, amount) = line.split();
        if !amount.is_empty() {
            amounts.set(name.to_owned(), string(amount));
        }
    }
    amounts
}

pub(super) fn claim(root: &Block<'_>, claim: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    let mut status = Tree::Object(Vec::new());
    for (key, field) in
        [("StorageClass", "storageClassName"), ("Volume", "volumeName"), ("VolumeMode", "volumeMode")]
    {
        if let Some(value) = root.value(key) {
            spec.set(field, string(value));
        }
    }
    let modes = access_modes(root.value("Access Modes"));
    if !modes.is_empty() {
        spec.set("accessModes", Tree::Array(modes));
    }
    if let Some(phase) = root.value("Status") {
        status.set("phase", string(phase));
    }
    if let Some(capacity) = root.value("Capacity") {
        status.set("capacity", Tree::object([("storage", string(capacity))]));
    }
    claim.set("spec", spec);
    claim.set("status", status);
}

pub(super) fn volume(root: &Block<'_>, volume: &mut Object) {
    let mut spec = Tree::Object(Vec::new());
    for (key, field) in [
        ("StorageClass", "storageClassName"),
        ("Reclaim Policy", "persistentVolumeReclaimPolicy"),
        ("VolumeMode", "volumeMode"),
    ] {
        if let Some(value) = root.value(key) {
            spec.set(field, string(value));
        }
    }
    if let Some(capacity) = root.value("Capacity") {
        spec.set("capacity", Tree::object([("storage", string(capacity))]));
    }
    let modes = access_modes(root.value("Access Modes"));
    if !modes.is_empty() {
        spec.set("accessModes", Tree::Array(modes));
    }
    if let Some((namespace, name)) = root.value("Claim").and_then(|claim| claim.split_once('/')) {
        spec.set("claimRef", Tree::object([("namespace", string(namespace)), ("name", string(name))]));
    }
    let mut status = Tree::Object(Vec::new());
    for (key, field) in [("Status", "phase"), ("Message", "message"), ("Reason", "reason")] {
        if let Some(value) = root.value(key) {
            status.set(field, string(value));
        }
    }
    volume.set("spec", spec);
    volume.set("status", status);
}

/// `RWO,RWX` as a manifest has them.
pub(super) fn access_modes(text: Option<&str>) -> Vec<Object> {
    let modes = text.into_iter().flat_map(|text| text.split(','));
    modes
        .map(|mode| match mode.trim() {
            "RWO" => "ReadWriteOnce",
            "ROX" => "ReadOnlyMany",
            "RWX" => "ReadWriteMany",
            "RWOP" => "ReadWriteOncePod",
            other => other,
        })
        .map(string)
        .collect()
}
