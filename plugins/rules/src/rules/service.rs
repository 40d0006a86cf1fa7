//! Services that nothing answers behind: a selector that picks no pod, pods
//! none of which is ready, ports that no container listens on, names and load
//! balancers that lead nowhere.

use std::net::IpAddr;

use crate::{
    actions,
    cluster::Coverage,
    context::Context,
    diagnosis::Severity,
    findings::{Draft, Findings},
    json, labels,
    rules::behind::{Behind, Index},
    seen::Seen,
    snapshot::Existence,
    text,
};

mod ports;
mod selector;

/// A load balancer that is not there after so many seconds is late.
const LATE: i64 = 300;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let index = Index::of(context);
    for service in context.snapshot.all("Service") {
        if service.terminating() {
            continue;
        }
        if service.text("/spec/type") == Some("ExternalName") {
            external_name(context, service, findings);
            continue;
        }
        if service.entries("/spec/selector").next().is_none() {
            without_selector(context, &index, service, findings);
        } else {
            with_selector(context, &index, service, findings);
        }
        load_balancer(context, service, findings);
    }
}

fn with_selector<'a>(context: &Context<'a>, index: &Index<'a>, service: &Seen, findings: &mut Findings) {
    let behind = Behind::of(context, index, service);
    if behind.pods.is_empty() && behind.templates.is_empty() {
        if index.has_addresses(context, service) != Some(true) {
            selector::check(context, index.lasting(service.namespace()), service, findings);
        }
        return;
    }
    ports::check(context, service, &behind, findings);
    if behind.pods.is_empty() {
        without_pods(context, service, &behind, findings);
        return;
    }
    if service.flag("/spec/publishNotReadyAddresses") == Some(true) {
        return;
    }
    if !behind.ready() {
        not_ready(context, service, &behind, findings);
    } else if behind.pods.iter().all(|pod| pod.ready)
        && index.has_addresses(context, service) == Some(false)
        && !findings.has(&service.reference, Severity::Warning)
    {
        // What people read was not taken at one moment, and may leave slices out.
        let by_hand = service.text("/metadata/annotations/sickbay.dev~1partial").is_some();
        let severity = if by_hand { Severity::Info } else { Severity::Warning };
        crate::rules::note::add(findings,
            Draft::new(severity, service, "EndpointsEmpty", "/spec/selector").confidence(0.6).message(
                format!(
                    "The Service `{}` has no address to send requests to, though {} that it selects {} ready: the endpoints were not brought up to date.",
                    service.name(),
                    text::plural(behind.pods.len(), "pod"),
                    if behind.pods.len() == 1 { "is" } else { "are" }
                ),
            ),
        );
    }
    if service.text("/spec/externalTrafficPolicy") == Some("Local") && behind.ready() {
        local_only(context, service, &behind, findings);
    }
}

/// Workloads match, but none of them has a pod.
fn without_pods(context: &Context<'_>, service: &Seen, behind: &Behind<'_>, findings: &mut Findings) {
    if context.manifests_only || context.snapshot.coverage("Pod") != Coverage::Complete {
        return;
    }
    let workloads = behind.workloads(context);
    let asleep = behind.templates.iter().all(|template| {
        let wanted = match template.seen.reference.kind.as_str() {
            "DaemonSet" => template.seen.integer("/status/desiredNumberScheduled"),
            _ => template.seen.integer("/spec/replicas").or(Some(1)),
        };
        wanted == Some(0)
    });
    let names = text::names(workloads.iter().map(ToString::to_string));
    let severity = if asleep { Severity::Info } else { Severity::Critical };
    let reason = if asleep { "ScaledToZero" } else { "NoEndpoints" };
    let why = if asleep { "is scaled to zero" } else { "has no pod" };
    let mut draft =
        Draft::new(severity, service, reason, "/spec/selector").confidence(0.95).message(format!(
            "The Service `{}` has nothing to send requests to: {names}, which it selects, {why}.",
            service.name()
        ));
    for template in behind.templates.iter().take(3) {
        draft = draft.see(template.seen, "/spec/replicas");
    }
    for workload in workloads {
        draft = draft.because(workload);
    }
    crate::rules::note::add(findings, draft);
}

fn not_ready(context: &Context<'_>, service: &Seen, behind: &Behind<'_>, findings: &mut Findings) {
    let young = behind.pods.iter().all(|pod| {
        pod.problem.as_deref().is_none_or(|problem| matches!(problem, "NotReady" | "ContainerCreating"))
            && pod.created.is_some_and(|created| context.now - created < 60)
    });
    let severity = if young { Severity::Info } else { Severity::Critical };
    let problems: std::collections::BTreeSet<&str> =
        behind.pods.iter().filter_map(|pod| pod.problem.as_deref()).take(20).collect();
    let mut draft = Draft::new(severity, service, "NoReadyEndpoints", "/spec/selector")
        .confidence(0.95)
        .message(format!(
            "The Service `{}` answers no requests: of the {} that it selects none is ready ({}).",
            service.name(),
            text::plural(behind.pods.len(), "pod"),
            if problems.is_empty() { "no problem is recorded".to_owned() } else { text::names(problems) }
        ));
    for pod in behind.pods.iter().take(3) {
        if let Some(status) = &pod.status {
            draft = draft.see(status, "/status/phase");
        }
        draft = draft.because(pod.reference.clone());
    }
    for workload in behind.workloads(context) {
        draft = draft.because(workload);
    }
    crate::rules::note::add(findings, draft);
}

/// With `externalTrafficPolicy: Local` only the nodes that run a pod answer.
fn local_only(context: &Context<'_>, service: &Seen, behind: &Behind<'_>, findings: &mut Findings) {
    let nodes = context.snapshot.kind("Node").objects.len();
    let with_pod: std::collections::BTreeSet<&str> =
        behind.pods.iter().filter(|pod| pod.ready).filter_map(|pod| pod.node.as_deref()).collect();
    if nodes > with_pod.len() && !with_pod.is_empty() {
        crate::rules::note::add(findings,
            Draft::new(Severity::Info, service, "LocalTrafficOnly", "/spec/externalTrafficPolicy").message(
                format!(
                    "Only the nodes that run a ready pod of the Service `{}` take requests from outside: {} of {nodes}.",
                    service.name(),
                    with_pod.len()
                ),
            ),
        );
    }
}

fn without_selector(context: &Context<'_>, index: &Index<'_>, service: &Seen, findings: &mut Findings) {
    // Whoever made the recording was answered by the API server.
    if (service.namespace(), service.name()) == ("default", "kubernetes") {
        return;
    }
    let headless = service.text("/spec/clusterIP") == Some("None");
    let slices = context.snapshot.coverage("EndpointSlice") == Coverage::Complete;
    let endpoints = context.snapshot.coverage("Endpoints") == Coverage::Complete;
    let known = index.has_addresses(context, service);
    if headless || context.manifests_only || known == Some(true) || !(slices || endpoints) {
        return;
    }
    crate::rules::note::add(
        findings,
        Draft::new(Severity::Warning, service, "NoEndpoints", "/spec/ports")
            .confidence(0.6)
            .message(format!(
                "The Service `{}` has no selector, and nobody gave it endpoints: it answers no requests.",
                service.name()
            ))
            .action(actions::escalate(
                &service.reference,
                format!("A selector for the Service `{}`, or endpoints of its own.", service.name()),
            )),
    );
}

fn external_name(context: &Context<'_>, service: &Seen, findings: &mut Findings) {
    let Some(name) = service.text("/spec/externalName").filter(|name| !name.is_empty()) else {
        crate::rules::note::add(
            findings,
            Draft::new(Severity::Warning, service, "NoExternalName", "/spec/type")
                .message(format!(
                    "The Service `{}` stands for a name outside, and names none.",
                    service.name()
                ))
                .action(actions::escalate(&service.reference, "The DNS name that the Service stands for.")),
        );
        return;
    };
    let shown = text::clean(name, 120);
    if name.parse::<IpAddr>().is_ok() {
        crate::rules::note::add(findings,
            Draft::new(Severity::Warning, service, "ExternalNameIsAddress", "/spec/externalName")
                .confidence(0.85)
                .message(format!(
                    "The Service `{}` stands for `{shown}`: an address, where DNS needs a name, so that it does not resolve.",
                    service.name()
                ))
                .action(actions::escalate(
                    &service.reference,
                    "A DNS name, or a Service without selector and with endpoints of that address.",
                )),
        );
        return;
    }
    let mut parts = name.trim_end_matches('.').split('.');
    let (Some(target), Some(space), Some("svc")) = (parts.next(), parts.next(), parts.next()) else { return };
    if context.snapshot.existence("Service", space, target) == Existence::Absent {
        crate::rules::note::add(
            findings,
            Draft::new(Severity::Warning, service, "ExternalNameNotFound", "/spec/externalName")
                .message(format!(
                    "The Service `{}` stands for `{shown}`, which does not exist in the cluster.",
                    service.name()
                ))
                .action(actions::escalate(&service.reference, "The name of the Service that was meant.")),
        );
    }
}

fn load_balancer(context: &Context<'_>, service: &Seen, findings: &mut Findings) {
    let waits = service.text("/spec/type") == Some("LoadBalancer")
        && service.list("/status/loadBalancer/ingress").is_empty()
        && service.list("/spec/externalIPs").is_empty();
    let late = service.created().is_some_and(|created| context.now - created > LATE);
    if !waits || context.manifests_only || !late {
        return;
    }
    let failure = context.snapshot.events.latest(
        &service.reference,
        &["SyncLoadBalancerFailed", "AllocationFailed", "EnsureLoadBalancerFailed"],
    );
    let severity = if failure.is_some() { Severity::Critical } else { Severity::Warning };
    let mut draft = Draft::new(severity, service, "LoadBalancerPending", "/spec/type")
        .confidence(if failure.is_some() { 0.95 } else { 0.7 })
        .message(format!(
            "The Service `{}` has waited for its load balancer since it was made, and can not be reached from outside.{}",
            service.name(),
            failure.map_or_else(
                || " Nothing in the cluster seems to give out load balancers.".to_owned(),
                |event| format!(" The last word on it: {}", text::clean(&event.message, 300))
            )
        ))
        .action(actions::escalate(
            &service.reference,
            "A load balancer controller for the cluster, or a Service of another type.",
        ));
    if let Some(event) = failure {
        draft = draft.evidence(event.evidence());
    }
    crate::rules::note::add(findings, draft);
}

/// What the selector asks for, for messages.
fn wanted(service: &Seen) -> String {
    text::clean(&labels::show(service.at("/spec/selector")), 200)
}

/// The first port's target, for judging which workload was meant.
fn target_ports(service: &Seen) -> impl Iterator<Item = &serde_json::Value> {
    service
        .list("/spec/ports")
        .iter()
        .filter_map(|port| port.get("targetPort").or_else(|| port.get("port")))
        .take(json::list(&service.json, "/spec/ports").len().min(20))
}

#[cfg(test)]
mod tests;
