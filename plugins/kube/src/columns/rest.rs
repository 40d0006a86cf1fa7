//! Nodes, namespaces, and what pods are configured with.

use sickbay_plugin::text::line;

use super::{Cells, View, several, text};
use crate::json;

pub(super) static VIEWS: &[View] = &[
    View {
        of: ("", "Node"),
        columns: &["STATUS", "ROLES", "TAINTS", "VERSION"],
        fields: &[
            "/metadata/labels",
            "/spec/unschedulable",
            "/spec/taints",
            "/status/conditions/*/type",
            "/status/conditions/*/status",
            "/status/nodeInfo/kubeletVersion",
        ],
        row: |value, _| {
            let mut status: Vec<String> = Vec::new();
            let mut well = false;
            for condition in json::list(value, "/status/conditions") {
                match (json::text(condition, "/type"), json::text(condition, "/status")) {
                    (Some("Ready"), Some("True")) => {
                        status.insert(0, "Ready".to_owned());
                        well = true;
                    }
                    (Some("Ready"), _) => status.insert(0, "NotReady".to_owned()),
                    (Some(kind), Some("True")) => status.push(line(kind, 60)),
                    _ => {}
                }
            }
            if status.is_empty() {
                status.push("Unknown".to_owned());
            }
            if json::is(value, "/spec/unschedulable") {
                status.push("SchedulingDisabled".to_owned());
            }
            let roles = json::entries(value, "/metadata/labels")
                .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
                .map(|role| line(role, 60));
            let taints = json::list(value, "/spec/taints").iter().map(|taint| {
                let amount = json::text(taint, "/value").map(|value| format!("={value}")).unwrap_or_default();
                line(&format!("{}{amount}:{}", text(taint, "/key"), text(taint, "/effect")), 120)
            });
            let shown = status.join(",");
            well &= status.len() == 1;
            Cells::of([
                shown.clone(),
                several(roles),
                several(taints),
                text(value, "/status/nodeInfo/kubeletVersion"),
            ])
            .with(shown, well)
        },
    },
    View {
        of: ("", "Event"),
        columns: &["TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE"],
        fields: &["/type", "/reason", "/involvedObject", "/count", "/message"],
        row: |value, _| {
            let kind = text(value, "/type");
            let object =
                format!("{}/{}", text(value, "/involvedObject/kind"), text(value, "/involvedObject/name"));
            let well = kind != "Warning";
            Cells::of([
                kind.clone(),
                text(value, "/reason"),
                object,
                json::integer(value, "/count").unwrap_or(1).to_string(),
                text(value, "/message"),
            ])
            .with(kind, well)
        },
    },
    View {
        of: ("", "Namespace"),
        columns: &["STATUS"],
        fields: &["/status/phase"],
        row: |value, _| {
            let phase = text(value, "/status/phase");
            let well = phase != "Terminating";
            Cells::of([phase.clone()]).with(phase, well)
        },
    },
    View {
        of: ("", "ConfigMap"),
        // Its keys come with their values only, and those may be a megabyte each: `get` shows them.
        columns: &[],
        fields: &[],
        row: |_, _| Cells::of([]),
    },
    View {
        of: ("", "Secret"),
        columns: &["TYPE", "KEYS"],
        fields: &["/type", "/data"],
        row: |value, _| {
            let keys = json::entries(value, "/data").map(|(key, _)| line(key, 80));
            Cells::of([text(value, "/type"), several(keys)])
        },
    },
    View {
        of: ("", "ResourceQuota"),
        columns: &["USED"],
        fields: &["/spec/hard", "/status/hard", "/status/used"],
        row: |value, _| {
            let mut full = false;
            let used = json::entries(value, "/spec/hard").map(|(name, hard)| {
                let used =
                    value.pointer(&format!("/status/used/{}", name.replace('~', "~0").replace('/', "~1")));
                let amounts = (used.and_then(crate::quantity::milli), crate::quantity::milli(hard));
                full |= matches!(amounts, (Some(used), Some(hard)) if used >= hard);
                let used = used.map_or_else(|| "?".to_owned(), json::scalar);
                line(&format!("{name}={used}/{}", json::scalar(hard)), 120)
            });
            let cell = several(used.collect::<Vec<_>>());
            Cells::of([cell]).with(if full { "used up" } else { "with room" }, !full)
        },
    },
    View {
        of: ("", "ServiceAccount"),
        columns: &["SECRETS"],
        fields: &["/secrets"],
        row: |value, _| Cells::of([json::list(value, "/secrets").len().to_string()]),
    },
];
