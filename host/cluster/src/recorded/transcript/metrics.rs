//! Nodes as kube-state-metrics tells of them, in the answer of a query to
//! Prometheus: taints and labels.
//!
//! Prometheus has no dots or slashes in the names of labels. A node's label is
//! told only where its real name is known: from a selector in the recording,
//! or because Kubernetes sets it everywhere.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{recorded::text::PARTIAL, tree::Tree};

/// Labels that nodes have everywhere.
const KNOWN: &[&str] = &[
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
    "node-role.kubernetes.io/worker",
];

/// What was told of the nodes.
#[derive(Debug, Default)]
pub(in crate::recorded) struct Nodes {
    nodes: BTreeMap<String, Told>,
    pub(in crate::recorded) newest: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Told {
    /// Key, value, effect.
    taints: BTreeSet<(String, String, String)>,
    /// With the names of Prometheus.
    labels: BTreeMap<String, String>,
    unschedulable: bool,
}

impl Nodes {
    pub(in crate::recorded) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Takes in an answer. False where it is none of Prometheus about nodes.
    pub(in crate::recorded) fn add(&mut self, text: &str) -> bool {
        if !text.contains("\"kube_node_") {
            return false;
        }
        let Ok(answer) = Tree::parse(text) else { return false };
        let series =
            answer.path(&["data", "result"]).or_else(|| answer.get("result")).and_then(Tree::as_array);
        let mut any = false;
        for one in series.unwrap_or(&[]) {
            let Some(metric) = one.get("metric") else { continue };
            let text = |key: &str| metric.text(&[key]).unwrap_or("").to_owned();
            let (name, node) = (text("__name__"), text("node"));
            let sample = one.get("value").and_then(Tree::as_array).unwrap_or(&[]);
            if node.is_empty() || sample.get(1).and_then(Tree::as_str) == Some("0") {
                continue;
            }
            let told = self.nodes.entry(node);
            match name.as_str() {
                "kube_node_spec_taint" => {
                    told.or_default().taints.insert((text("key"), text("value"), text("effect")));
                }
                "kube_node_labels" => {
                    let told = told.or_default();
                    for (key, value) in metric.fields() {
                        if let (Some(key), Some(value)) = (key.strip_prefix("label_"), value.as_str()) {
                            told.labels.insert(key.to_owned(), value.to_owned());
                        }
                    }
                }
                "kube_node_spec_unschedulable" => told.or_default().unschedulable = true,
                "kube_node_info" => {
                    told.or_default();
                }
                _ => continue,
            }
            any = true;
            if let Some(Tree::Number(at)) = sample.first()
                && let Some(at) = at.as_f64()
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "whole seconds are wanted; the cast saturates"
                )]
                let at = Timestamp::from_second(at as i64).ok();
                self.newest = self.newest.max(at);
            }
        }
        any
    }

    /// The nodes as objects. `keys` are the labels that selectors name.
    pub(in crate::recorded) fn objects(self, keys: &BTreeSet<String>) -> Vec<Tree<'static>> {
        let known: BTreeMap<String, &str> = KNOWN
            .iter()
            .copied()
            .chain(keys.iter().map(String::as_str))
            .map(|key| (mangled(key), key))
            .collect();
        let object = |(name, told): (String, Told)| {
            let mut labels = Tree::Object(Vec::new());
            for (key, value) in told.labels {
                if let Some(key) = known.get(key.as_str()) {
                    labels.set((*key).to_owned(), Tree::string(value));
                }
            }
            let mut metadata = Tree::object([
                ("name", Tree::string(name)),
                ("annotations", Tree::object([(PARTIAL, Tree::string("metrics"))])),
            ]);
            if !labels.is_empty() {
                metadata.set("labels", labels);
            }
            let mut spec = Tree::Object(Vec::new());
            let taints: Vec<Tree<'static>> = told
                .taints
                .into_iter()
                .map(|(key, value, effect)| {
                    let mut taint =
                        Tree::object([("key", Tree::string(key)), ("effect", Tree::string(effect))]);
                    if !value.is_empty() {
                        taint.set("value", Tree::string(value));
                    }
                    taint
                })
                .collect();
            if !taints.is_empty() {
                spec.set("taints", Tree::Array(taints));
            }
            if told.unschedulable {
                spec.set("unschedulable", Tree::Bool(true));
            }
            Tree::object([
                ("apiVersion", Tree::string("v1")),
                ("kind", Tree::string("Node")),
                ("metadata", metadata),
                ("spec", spec),
            ])
        };
        self.nodes.into_iter().map(object).collect()
    }
}

/// As kube-state-metrics writes a label's name.
fn mangled(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The labels of nodes that an object's selectors name.
pub(in crate::recorded) fn selector_keys(object: &Tree<'_>, keys: &mut BTreeSet<String>) {
    match object {
        Tree::Array(items) => items.iter().for_each(|item| selector_keys(item, keys)),
        Tree::Object(fields) => {
            for (name, value) in fields {
                match name.as_ref() {
                    "nodeSelector" => keys.extend(value.fields().iter().map(|(key, _)| key.to_string())),
                    "matchExpressions" => {
                        let parts = value.as_array().unwrap_or(&[]);
                        keys.extend(parts.iter().filter_map(|part| part.text(&["key"])).map(str::to_owned));
                    }
                    "topologyKey" => keys.extend(value.as_str().map(str::to_owned)),
                    _ => {}
                }
                selector_keys(value, keys);
            }
        }
        _ => {}
    }
}
