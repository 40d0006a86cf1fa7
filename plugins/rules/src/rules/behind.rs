//! What stands behind a Service: the pods that its selector picks now, and the
//! workloads whose pods it would pick. Shared by the rules for everything that
//! sends requests somewhere; it reports nothing itself.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    context::{Context, Template},
    diagnosis::ObjectRef,
    json, labels,
    seen::Seen,
    snapshot::{Phase, Pod},
};

/// What every question about Services needs, read once.
pub(super) struct Index<'a> {
    templates: HashMap<&'a str, Vec<Template<'a>>>,
    slices: HashMap<(&'a str, &'a str), Vec<&'a Seen>>,
}

impl<'a> Index<'a> {
    pub(super) fn of(context: &Context<'a>) -> Self {
        let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
        let mut templates: HashMap<&'a str, Vec<Template<'a>>> = HashMap::new();
        for template in lasting(context) {
            templates.entry(template.seen.namespace()).or_default().push(template);
        }
        let mut slices: HashMap<(&'a str, &'a str), Vec<&'a Seen>> = HashMap::new();
        for slice in snapshot.all("EndpointSlice") {
            if let Some(service) = labels::get(slice.labels(), "kubernetes.io/service-name") {
                slices.entry((slice.namespace(), service)).or_default().push(slice);
            }
        }
        Self { templates, slices }
    }

    /// The templates of a namespace whose pods are meant to run for ever.
    pub(super) fn lasting(&self, namespace: &str) -> &[Template<'a>] {
        self.templates.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// Whether the Service has an address that takes requests, whoever put it
    /// there. None where neither EndpointSlices nor Endpoints are known.
    pub(super) fn has_addresses(&self, context: &Context<'_>, service: &Seen) -> Option<bool> {
        if let Some(slices) = self.slices.get(&(service.namespace(), service.name())) {
            return Some(slices.iter().any(|slice| {
                slice.list("/endpoints").iter().any(|endpoint| {
                    !json::list(endpoint, "/addresses").is_empty()
                        && json::flag(endpoint, "/conditions/ready") != Some(false)
                })
            }));
        }
        let endpoints = context.snapshot.find("Endpoints", service.namespace(), service.name())?;
        Some(endpoints.list("/subsets").iter().any(|subset| !json::list(subset, "/addresses").is_empty()))
    }
}

pub(super) struct Behind<'a> {
    pub(super) pods: Vec<&'a Pod>,
    /// Templates of workloads that run for ever, and of lone pods.
    pub(super) templates: Vec<Template<'a>>,
}

impl<'a> Behind<'a> {
    pub(super) fn of(context: &Context<'a>, index: &Index<'a>, service: &Seen) -> Self {
        let selector = service.at("/spec/selector");
        Self {
            pods: context.pods_for_map(service.namespace(), selector).collect(),
            templates: index
                .lasting(service.namespace())
                .iter()
                .filter(|template| labels::map_matches(selector, template.labels))
                .copied()
                .collect(),
        }
    }

    /// Whether any pod takes requests. A manifest that no cluster has seen
    /// counts as one that would.
    pub(super) fn ready(&self) -> bool {
        self.pods.iter().any(|pod| pod.ready || pod.phase == Phase::None)
    }

    /// The workloads of the pods, each once, twenty at most.
    pub(super) fn workloads(&self, context: &Context<'a>) -> Vec<ObjectRef> {
        let mut all: Vec<ObjectRef> = Vec::new();
        let templates = self.templates.iter().map(|template| template.seen.reference.clone());
        for workload in self.pods.iter().map(|pod| context.workload(pod)).chain(templates) {
            if all.len() < 20 && !all.contains(&workload) {
                all.push(workload);
            }
        }
        all
    }
}

/// The templates whose pods are meant to run for ever.
fn lasting<'a>(context: &Context<'a>) -> Vec<Template<'a>> {
    context
        .templates("")
        .into_iter()
        .filter(|template| match template.seen.reference.kind.as_str() {
            "Job" | "CronJob" => false,
            "Pod" => {
                context.snapshot.pods.find(template.namespace(), template.seen.name()).is_some_and(|pod| {
                    pod.live() && pod.owner.as_ref().is_none_or(|owner| owner.kind != "Job")
                })
            }
            _ => !template.seen.terminating(),
        })
        .collect()
}

/// All containers of a pod spec that stay: the ordinary ones and sidecars
/// among the init containers. Each with its pointer below the spec.
pub(super) fn containers(spec: &Value) -> Vec<(String, &Value)> {
    let sidecars = json::list(spec, "/initContainers")
        .iter()
        .enumerate()
        .filter(|(_, container)| json::text(container, "/restartPolicy") == Some("Always"))
        .map(|(at, container)| (format!("/initContainers/{at}"), container));
    let ordinary = json::list(spec, "/containers")
        .iter()
        .enumerate()
        .map(|(at, container)| (format!("/containers/{at}"), container));
    ordinary.chain(sidecars).take(64).collect()
}

/// Whether a port of the Service has that number or name.
pub(super) fn has_port(service: &Seen, port: &Value) -> bool {
    service.list("/spec/ports").iter().any(|candidate| match port {
        Value::Number(number) => {
            number.as_i64().is_some() && json::integer(candidate, "/port") == number.as_i64()
        }
        Value::String(name) => json::text(candidate, "/name") == Some(name.as_str()),
        _ => false,
    })
}

/// The ports of the Service for a message: `80 (http)`.
pub(super) fn show_ports(service: &Seen) -> Vec<String> {
    service
        .list("/spec/ports")
        .iter()
        .filter_map(|port| {
            let number = json::integer(port, "/port")?;
            Some(match json::text(port, "/name") {
                Some(name) => format!("{number} ({name})"),
                None => number.to_string(),
            })
        })
        .collect()
}

/// The same name in other namespaces, where it is of that kind too.
pub(super) fn elsewhere<'a>(context: &Context<'a>, kind: &str, namespace: &str, name: &str) -> Vec<&'a str> {
    let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
    snapshot
        .all(kind)
        .filter(|seen| seen.name() == name && seen.namespace() != namespace)
        .map(Seen::namespace)
        .take(5)
        .collect()
}
