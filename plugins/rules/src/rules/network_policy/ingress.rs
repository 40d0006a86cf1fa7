//! Pods that need a Service, and the policies that keep them out of it. Who
//! needs what is read from the host names in their variables and arguments.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    decide,
    peers::{Side, between},
};
use crate::{
    context::{Context, Run, Template},
    diagnosis::{Evidence, ObjectRef, Severity},
    findings::{Draft, Findings},
    json, labels,
    rules::behind::{self, Behind, Index},
    seen::Seen,
    text,
};

/// Pairs of a client and a Service that are judged, and logs that are read.
const MOST_PAIRS: usize = 500;
const MOST_LOGS: usize = 10;

const TIMEOUTS: [&str; 8] = [
    "timed out",
    "timeout",
    "deadline exceeded",
    "etimedout",
    "ehostunreach",
    "econnrefused",
    "no route to host",
    "connection refused",
];

/// A client, the Service that it names, and where it does.
struct Need<'a> {
    client: Template<'a>,
    service: &'a Seen,
    pointer: String,
}

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    if context.snapshot.all("NetworkPolicy").next().is_none() {
        return;
    }
    let mut logs = 0;
    let index = Index::of(context);
    for need in needs(context) {
        let service = need.service;
        let behind = Behind::of(context, &index, service);
        let Some(target) = behind
            .templates
            .iter()
            .map(|template| template.labels)
            .chain(behind.pods.iter().map(|pod| pod.labels.as_ref()))
            .next()
        else {
            continue;
        };
        let to = Side { space: service.namespace(), labels: target };
        let from = Side { space: need.client.namespace(), labels: need.client.labels };
        let mut keeping: BTreeMap<&ObjectRef, &Seen> = BTreeMap::new();
        for (number, names) in targets(service, &behind) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            for policy in between(context, from, to, (number, &names)) {
                keeping.insert(&policy.reference, policy);
            }
        }
        let Some(policy) = keeping.values().next().copied() else { continue };
        let evidence = if logs < MOST_LOGS { log_line(context, &need, &mut logs) } else { None };
        report(context, &need, policy, evidence, findings);
    }
}

fn report(
    context: &Context<'_>,
    need: &Need<'_>,
    policy: &Seen,
    line: Option<Evidence>,
    findings: &mut Findings,
) {
    let client = &need.client.seen.reference;
    let sick = context
        .snapshot
        .pods
        .within(client.space())
        .any(|pod| pod.live() && super::fails(pod) && context.workload(pod).same(client));
    let (severity, confidence) = match (line.is_some(), sick || context.manifests_only) {
        (true, _) => (Severity::Critical, 0.95),
        (false, true) => (Severity::Warning, 0.75),
        // Whoever is well without it may not need it.
        (false, false) => (Severity::Info, 0.5),
    };
    let pointer = if policy.list("/spec/ingress").is_empty() { "/spec/policyTypes" } else { "/spec/ingress" };
    crate::rules::note::add(findings,
        Draft::new(severity, policy, "DeniesClients", pointer)
            .confidence(confidence)
            .see(policy, "/spec/podSelector")
            .see(need.client.seen, &need.pointer)
            .evidence(line)
            .message(format!(
                "The NetworkPolicy `{}` keeps the pods of {client} out of the Service `{}`, which they name: it does not let {} in.",
                policy.name(),
                need.service.name(),
                if need.client.labels.is_null() {
                    "them".to_owned()
                } else {
                    format!("pods with `{}`", text::clean(&labels::show(need.client.labels), 120))
                }
            ))
            .explains(client.clone())
            .action(decide(
                policy,
                &format!("the pods of {client} to reach the Service `{}`", need.service.name()),
            )),
    );
}

/// The ports of the pods behind the Service: number and names of each.
fn targets(service: &Seen, behind: &Behind<'_>) -> Vec<(i64, Vec<String>)> {
    let declared: Vec<(i64, Option<String>)> = behind
        .templates
        .iter()
        .flat_map(|template| behind::containers(template.spec()))
        .flat_map(|(_, container)| json::list(container, "/ports"))
        .filter_map(|port| {
            Some((json::integer(port, "/containerPort")?, json::text(port, "/name").map(str::to_owned)))
        })
        .take(100)
        .collect();
    service
        .list("/spec/ports")
        .iter()
        .take(20)
        .filter_map(|port| {
            let target = port.get("targetPort").or_else(|| port.get("port"))?;
            let named = target.as_str().filter(|name| name.parse::<i64>().is_err());
            let number = match named {
                Some(name) => declared.iter().find(|(_, known)| known.as_deref() == Some(name))?.0,
                None => json::integer(target, "")?,
            };
            let names = declared
                .iter()
                .filter(|(known, _)| *known == number)
                .filter_map(|(_, name)| name.clone())
                .collect();
            Some((number, names))
        })
        .collect()
}

/// Who names which Service.
fn needs<'a>(context: &Context<'a>) -> Vec<Need<'a>> {
    let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
    // Only Services of namespaces that have a policy can be closed.
    let closed: Vec<&str> = snapshot.all("NetworkPolicy").map(Seen::namespace).collect();
    let mut all = Vec::new();
    for client in context.templates("") {
        for (pointer, value) in texts(client.seen.at(client.pointer)) {
            for host in hosts(value) {
                let mut parts = host.split('.');
                let (Some(name), space) = (parts.next(), parts.next().unwrap_or(client.namespace())) else {
                    continue;
                };
                let Some(service) = snapshot.find("Service", space, name) else { continue };
                if closed.contains(&space) && all.len() < MOST_PAIRS {
                    all.push(Need { client, service, pointer: format!("{}{pointer}", client.pointer) });
                }
            }
        }
    }
    all
}

/// The values and arguments of the containers, with their pointers.
fn texts(spec: &Value) -> Vec<(String, &str)> {
    let mut all = Vec::new();
    for (at, container) in json::list(spec, "/containers").iter().enumerate().take(20) {
        for (place, variable) in json::list(container, "/env").iter().enumerate().take(100) {
            if let Some(value) = json::text(variable, "/value") {
                all.push((format!("/containers/{at}/env/{place}/value"), value));
            }
        }
        for list in ["args", "command"] {
            for (place, value) in json::list(container, &format!("/{list}")).iter().enumerate().take(100) {
                if let Some(value) = value.as_str().filter(|value| value.len() < 4_000) {
                    all.push((format!("/containers/{at}/{list}/{place}"), value));
                }
            }
        }
    }
    all
}

/// The words of a text that may be host names.
fn hosts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')))
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty() && word.len() <= 253)
        .take(200)
}

/// A line of a client's log that tells of a call of that Service in vain.
fn log_line(context: &Context<'_>, need: &Need<'_>, logs: &mut usize) -> Option<Evidence> {
    let client = &need.client.seen.reference;
    let pod = context.snapshot.pods.within(client.space()).find(|pod| {
        pod.live() && pod.node.is_some() && (pod.reference.same(client) || context.workload(pod).same(client))
    })?;
    let name = json::text(need.client.spec(), "/containers/0/name").unwrap_or("");
    *logs += 1;
    [Run::Current, Run::Previous].into_iter().find_map(|run| {
        let log = context.log(&pod.reference, name, run)?;
        let at = log.lines.iter().rposition(|line| {
            let lower = line.to_ascii_lowercase();
            lower.contains(&need.service.name().to_ascii_lowercase())
                && TIMEOUTS.iter().any(|timeout| lower.contains(timeout))
        })?;
        log.evidence(at)
    })
}
