//! What pods and nodes use, where the cluster measures it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sickbay_plugin::text::{count, line};

use super::{Tool, list::aligned};
use crate::{
    cluster::Coverage,
    json,
    kinds::{Kind, stable},
    look::{Listed, Look, Row, query},
    output::{Answer, Outcome, Stop, most_bytes},
    quantity::{self, cpu, memory, percent},
    schema,
};

const DEFAULT_LIMIT: u64 = 40;

pub(super) static TOOL: Tool = Tool {
    name: "top",
    description: "CPU and memory that pods or nodes use now, like `kubectl top`, beside their requests and limits, the \
                  largest first. Needs the metrics API (metrics-server); says so where it is not served.",
    properties: || {
        vec![
            schema::word("of", &["pods", "nodes"], "What is measured; pods by default"),
            schema::namespaces(),
            schema::word("sort", &["memory", "cpu"], "What comes first; memory by default"),
            schema::number("limit", 1..=500, "Lines at most; 40 by default"),
            schema::max_bytes(),
        ]
    },
    required: &[],
    run: |look, arguments| {
        let most = most_bytes(arguments)?;
        let limit = arguments.number("limit", 1..=500)?.unwrap_or(DEFAULT_LIMIT) as usize;
        let by_cpu = arguments.word("sort", &["memory", "cpu"])? == Some("cpu");
        let namespaces = look.namespaces(arguments.text("namespace")?)?;
        match arguments.word("of", &["pods", "nodes"])? {
            Some("nodes") => run(look, &NODES, &[], by_cpu, limit, most),
            _ => run(look, &PODS, &namespaces, by_cpu, limit, most),
        }
    },
};

/// What is measured of one object, and what it may be measured against.
struct Usage {
    namespace: String,
    name: String,
    page: usize,
    cpu: i128,
    memory: i128,
    bounds: Bounds,
}

#[derive(Clone, Copy, Default)]
struct Bounds {
    cpu_request: Option<i128>,
    cpu_limit: Option<i128>,
    memory_request: Option<i128>,
    memory_limit: Option<i128>,
}

/// Pods or nodes.
struct Subject {
    metrics: &'static str,
    kind: &'static str,
    fields: &'static [&'static str],
    used: fn(&Value, &str) -> i128,
    bounds: fn(&Value) -> Bounds,
    columns: &'static [&'static str],
}

static PODS: Subject = Subject {
    metrics: "PodMetrics",
    kind: "Pod",
    fields: &["/spec/containers/*/resources"],
    used: |metrics, resource| {
        json::list(metrics, "/containers")
            .iter()
            .filter_map(|container| container.get("usage").and_then(|usage| usage.get(resource)))
            .filter_map(quantity::milli)
            .fold(0, i128::saturating_add)
    },
    bounds: |pod| {
        let containers = json::list(pod, "/spec/containers");
        // A sum of limits says something only where every container has one.
        let sum = |of: &str, resource: &str, all: bool| {
            let found: Vec<i128> = containers
                .iter()
                .filter_map(|container| container.get("resources")?.get(of)?.get(resource))
                .filter_map(quantity::milli)
                .collect();
            (!found.is_empty() && (!all || found.len() == containers.len()))
                .then(|| found.into_iter().fold(0, i128::saturating_add))
        };
        Bounds {
            cpu_request: sum("requests", "cpu", false),
            cpu_limit: sum("limits", "cpu", true),
            memory_request: sum("requests", "memory", false),
            memory_limit: sum("limits", "memory", true),
        }
    },
    columns: &["CPU", "CPU REQUEST", "CPU LIMIT", "MEMORY", "MEMORY REQUEST", "MEMORY LIMIT"],
};

static NODES: Subject = Subject {
    metrics: "NodeMetrics",
    kind: "Node",
    fields: &["/status/allocatable"],
    used: |metrics, resource| {
        metrics.get("usage").and_then(|usage| usage.get(resource)).and_then(quantity::milli).unwrap_or(0)
    },
    bounds: |node| {
        let of = |resource: &str| {
            node.pointer(&format!("/status/allocatable/{resource}")).and_then(quantity::milli)
        };
        Bounds { cpu_request: None, cpu_limit: of("cpu"), memory_request: None, memory_limit: of("memory") }
    },
    columns: &["CPU", "CPU OF ALLOCATABLE", "MEMORY", "MEMORY OF ALLOCATABLE"],
};

fn run(
    look: &Look<'_>,
    subject: &Subject,
    namespaces: &[String],
    by_cpu: bool,
    limit: usize,
    most: usize,
) -> Outcome {
    let kind = Kind {
        api_version: "metrics.k8s.io/v1beta1".to_owned(),
        kind: subject.metrics.to_owned(),
        namespaced: subject.kind == "Pod",
    };
    let metrics = look.list(query(&kind, namespaces, &[]))?;
    if metrics.rows.is_empty() && metrics.coverage != Coverage::Complete {
        return Err(Stop::Told(format!(
            "observation {}: {} so what {}s use is not known. Requests and limits are in `describe`, and a Prometheus may \
             know the usage",
            metrics.observation(),
            if look.is_recorded() {
                "the metrics API was not recorded of this cluster,"
            } else {
                "this cluster serves no metrics API (metrics-server is not installed or not ready),"
            },
            subject.kind.to_lowercase()
        )));
    }
    if metrics.rows.is_empty() {
        return Err(Stop::Told(format!(
            "observation {}: the metrics API has measured no {}{}",
            metrics.observation(),
            subject.kind,
            look.place(namespaces)
        )));
    }
    let objects = look.list(query(&stable(subject.kind), namespaces, subject.fields))?;
    let mut rows = usage(subject, &metrics, &objects);
    rows.sort_by(|one, other| {
        let key = |usage: &Usage| if by_cpu { usage.cpu } else { usage.memory };
        key(other)
            .cmp(&key(one))
            .then_with(|| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)))
    });
    let total = rows.len();
    let (all_cpu, all_memory) = rows.iter().fold((0_i128, 0_i128), |(cpu, memory), row| {
        (cpu.saturating_add(row.cpu), memory.saturating_add(row.memory))
    });
    rows.truncate(limit);
    let mut answer = Answer::new(
        format!(
            "observation {}: {}, which use {} CPU and {} memory in all; requests and limits are of observation {}",
            metrics.observation(),
            count(total, subject.kind),
            cpu(all_cpu),
            memory(all_memory),
            objects.observation()
        ),
        most,
    );
    answer.head.extend(look.caution(subject.metrics, metrics.coverage));
    let named = subject.kind == "Pod" && namespaces.len() != 1;
    let mut columns: Vec<String> = Vec::new();
    columns.extend(named.then(|| "NAMESPACE".to_owned()));
    columns.push("NAME".to_owned());
    columns.extend(subject.columns.iter().map(|column| (*column).to_owned()));
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut cells = Vec::new();
            cells.extend(named.then(|| row.namespace.clone()));
            cells.push(row.name.clone());
            cells.extend(self::cells(subject, row));
            cells
        })
        .collect();
    let mut lines = aligned(&columns, &table);
    if !lines.is_empty() {
        answer.head.push(lines.remove(0));
    }
    answer.lines = lines;
    answer.total = Some(total);
    Ok(answer.output(
        |shown| format!("showing {shown} of {total}, {} more: narrow with `namespace`, or raise `limit` and `max_bytes`", total - shown),
        |shown| {
            let rows: Vec<Value> = rows.get(shown).unwrap_or_default().iter().map(|row| {
                let plain = |amount: Option<i128>| amount.map(|amount| amount as f64 / 1000.0);
                json!({
                    "namespace": row.namespace, "name": row.name, "observation": metrics.observations.get(row.page),
                    "cpu": plain(Some(row.cpu)), "memory": plain(Some(row.memory)),
                    "cpuRequest": plain(row.bounds.cpu_request), "cpuLimit": plain(row.bounds.cpu_limit),
                    "memoryRequest": plain(row.bounds.memory_request), "memoryLimit": plain(row.bounds.memory_limit),
                })
            }).collect();
            json!({ "observation": metrics.observations.first(), "total": total, "rows": rows })
        },
    ))
}

fn usage(subject: &Subject, metrics: &Listed, objects: &Listed) -> Vec<Usage> {
    let bounds: BTreeMap<(&str, &str), Bounds> = objects
        .rows
        .iter()
        .map(|row| ((row.namespace(), row.name()), (subject.bounds)(&row.value)))
        .collect();
    metrics
        .rows
        .iter()
        .map(|row: &Row| Usage {
            namespace: line(row.namespace(), 63),
            name: line(row.name(), 253),
            page: row.page,
            cpu: (subject.used)(&row.value, "cpu"),
            memory: (subject.used)(&row.value, "memory"),
            bounds: bounds.get(&(row.namespace(), row.name())).copied().unwrap_or_default(),
        })
        .collect()
}

fn cells(subject: &Subject, row: &Usage) -> Vec<String> {
    let bound = |amount: Option<i128>, used: i128, write: fn(i128) -> String| match amount {
        None => "-".to_owned(),
        Some(amount) => {
            let part = percent(used, amount).map(|part| format!(" ({part}%)")).unwrap_or_default();
            format!("{}{part}", write(amount))
        }
    };
    let Bounds { cpu_request, cpu_limit, memory_request, memory_limit } = row.bounds;
    if subject.kind == "Node" {
        return vec![
            cpu(row.cpu),
            bound(cpu_limit, row.cpu, cpu),
            memory(row.memory),
            bound(memory_limit, row.memory, memory),
        ];
    }
    vec![
        cpu(row.cpu),
        bound(cpu_request, row.cpu, cpu),
        bound(cpu_limit, row.cpu, cpu),
        memory(row.memory),
        bound(memory_request, row.memory, memory),
        bound(memory_limit, row.memory, memory),
    ]
}
