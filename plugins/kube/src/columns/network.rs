//! What leads to pods.

use sickbay_plugin::text::line;

use super::{Cells, View, number, several, text};
use crate::json;

pub(super) static VIEWS: &[View] = &[
    View {
        of: ("", "Service"),
        columns: &["TYPE", "CLUSTER-IP", "PORTS", "SELECTOR"],
        fields: &["/spec/type", "/spec/clusterIP", "/spec/ports", "/spec/selector", "/spec/externalName"],
        row: |value, _| {
            let ports = json::list(value, "/spec/ports").iter().map(|port| {
                let node = json::integer(port, "/nodePort").filter(|node| *node > 0);
                let node = node.map(|node| format!(":{node}")).unwrap_or_default();
                let protocol = json::text(port, "/protocol").unwrap_or("TCP");
                format!("{}{node}/{}", number(port, "/port"), line(protocol, 20))
            });
            let selector = match json::pairs(value, "/spec/selector") {
                pairs if pairs.is_empty() => "<none>".to_owned(),
                pairs => line(&pairs, 120),
            };
            let kind =
                json::text(value, "/spec/type").map_or_else(|| "ClusterIP".to_owned(), |kind| line(kind, 40));
            let address = match kind.as_str() {
                "ExternalName" => text(value, "/spec/externalName"),
                _ => text(value, "/spec/clusterIP"),
            };
            Cells::of([kind.clone(), address, several(ports), selector]).with(kind, true)
        },
    },
    View {
        of: ("", "Endpoints"),
        columns: &["READY", "NOT READY"],
        fields: &["/subsets"],
        row: |value, _| {
            let count = |list: &str| -> usize {
                json::list(value, "/subsets").iter().map(|subset| json::list(subset, list).len()).sum()
            };
            let ready = count("/addresses");
            let status = if ready > 0 { "with addresses" } else { "without ready addresses" };
            Cells::of([ready.to_string(), count("/notReadyAddresses").to_string()]).with(status, ready > 0)
        },
    },
    View {
        of: ("discovery.k8s.io", "EndpointSlice"),
        columns: &["SERVICE", "READY", "NOT READY", "PORTS"],
        fields: &["/metadata/labels/kubernetes.io~1service-name", "/endpoints/*/conditions", "/ports"],
        row: |value, _| {
            let endpoints = json::list(value, "/endpoints");
            let unready = endpoints
                .iter()
                .filter(|endpoint| {
                    endpoint.pointer("/conditions/ready") == Some(&serde_json::Value::Bool(false))
                })
                .count();
            let ready = endpoints.len().saturating_sub(unready);
            let ports = json::list(value, "/ports").iter().map(|port| number(port, "/port").to_string());
            let status = if ready > 0 { "with addresses" } else { "without ready addresses" };
            Cells::of([
                text(value, "/metadata/labels/kubernetes.io~1service-name"),
                ready.to_string(),
                unready.to_string(),
                several(ports),
            ])
            .with(status, ready > 0)
        },
    },
    View {
        of: ("networking.k8s.io", "Ingress"),
        columns: &["CLASS", "HOSTS", "BACKENDS"],
        fields: &["/spec"],
        row: |value, _| {
            let rules = json::list(value, "/spec/rules");
            let hosts = rules
                .iter()
                .map(|rule| json::text(rule, "/host").map_or_else(|| "*".to_owned(), |host| line(host, 120)));
            let mut backends: Vec<String> = rules
                .iter()
                .flat_map(|rule| json::list(rule, "/http/paths"))
                .filter_map(|path| {
                    let name = json::text(path, "/backend/service/name")?;
                    let port = path
                        .pointer("/backend/service/port/number")
                        .or_else(|| path.pointer("/backend/service/port/name"))
                        .map(json::scalar)
                        .unwrap_or_default();
                    Some(line(&format!("{name}:{port}"), 120))
                })
                .collect();
            backends.dedup();
            Cells::of([text(value, "/spec/ingressClassName"), several(hosts), several(backends)])
        },
    },
    View {
        of: ("networking.k8s.io", "NetworkPolicy"),
        columns: &["POD-SELECTOR", "TYPES"],
        fields: &["/spec/podSelector", "/spec/policyTypes"],
        row: |value, _| {
            let selector = match json::pairs(value, "/spec/podSelector/matchLabels") {
                pairs
                    if pairs.is_empty() && value.pointer("/spec/podSelector/matchExpressions").is_none() =>
                {
                    "<all pods>".to_owned()
                }
                pairs if pairs.is_empty() => "<expressions>".to_owned(),
                pairs => line(&pairs, 120),
            };
            let types =
                json::list(value, "/spec/policyTypes").iter().map(|kind| line(&json::scalar(kind), 20));
            Cells::of([selector, several(types)])
        },
    },
];
