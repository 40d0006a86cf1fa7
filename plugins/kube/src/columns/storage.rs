//! Where data is kept.

use sickbay_plugin::text::line;

use super::{Cells, View, several, text};
use crate::json;

pub(super) static VIEWS: &[View] = &[
    View {
        of: ("", "PersistentVolumeClaim"),
        columns: &["STATUS", "VOLUME", "CAPACITY", "MODES", "CLASS"],
        fields: &[
            "/spec/volumeName",
            "/spec/accessModes",
            "/spec/storageClassName",
            "/status/phase",
            "/status/capacity",
        ],
        row: |value, _| {
            let phase = text(value, "/status/phase");
            let modes =
                json::list(value, "/spec/accessModes").iter().map(|mode| line(&json::scalar(mode), 40));
            let well = phase == "Bound";
            Cells::of([
                phase.clone(),
                text(value, "/spec/volumeName"),
                text(value, "/status/capacity/storage"),
                several(modes),
                text(value, "/spec/storageClassName"),
            ])
            .with(phase, well)
        },
    },
    View {
        of: ("", "PersistentVolume"),
        columns: &["CAPACITY", "RECLAIM", "STATUS", "CLAIM", "CLASS"],
        fields: &[
            "/spec/capacity",
            "/spec/persistentVolumeReclaimPolicy",
            "/spec/claimRef",
            "/spec/storageClassName",
            "/status/phase",
        ],
        row: |value, _| {
            let phase = text(value, "/status/phase");
            let claim = match json::text(value, "/spec/claimRef/name") {
                Some(name) => line(&format!("{}/{name}", text(value, "/spec/claimRef/namespace")), 250),
                None => "-".to_owned(),
            };
            let well = matches!(phase.as_str(), "Bound" | "Available");
            Cells::of([
                text(value, "/spec/capacity/storage"),
                text(value, "/spec/persistentVolumeReclaimPolicy"),
                phase.clone(),
                claim,
                text(value, "/spec/storageClassName"),
            ])
            .with(phase, well)
        },
    },
    View {
        of: ("storage.k8s.io", "StorageClass"),
        columns: &["PROVISIONER", "RECLAIM", "BINDING", "DEFAULT"],
        fields: &[
            "/provisioner",
            "/reclaimPolicy",
            "/volumeBindingMode",
            "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
        ],
        row: |value, _| {
            let default =
                json::text(value, "/metadata/annotations/storageclass.kubernetes.io~1is-default-class");
            Cells::of([
                text(value, "/provisioner"),
                text(value, "/reclaimPolicy"),
                text(value, "/volumeBindingMode"),
                (default == Some("true")).to_string(),
            ])
        },
    },
];
