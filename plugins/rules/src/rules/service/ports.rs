//! Ports of a Service that lead to no container: a name that none declares,
//! which Kubernetes can not resolve, and a number that none seems to listen on.

use serde_json::{Value, json};

use crate::{
    actions,
    context::{Context, Template},
    diagnosis::Severity,
    findings::{Draft, Findings},
    json,
    rules::{
        behind::{self, Behind},
        manifest::stock_port,
        nearest,
    },
    seen::Seen,
    text,
};

/// A port that a container declares.
struct Declared {
    name: Option<String>,
    number: i64,
}

pub(super) fn check(context: &Context<'_>, service: &Seen, behind: &Behind<'_>, findings: &mut Findings) {
    if behind.templates.is_empty() {
        return;
    }
    let declared: Vec<Declared> = behind
        .templates
        .iter()
        .flat_map(|template| behind::containers(template.spec()))
        .flat_map(|(_, container)| json::list(container, "/ports"))
        .filter_map(|port| {
            Some(Declared {
                name: json::text(port, "/name").map(str::to_owned),
                number: json::integer(port, "/containerPort")?,
            })
        })
        .take(200)
        .collect();
    let stock = stock(behind);
    for (at, port) in service.list("/spec/ports").iter().enumerate().take(50) {
        match port.get("targetPort") {
            Some(Value::String(name)) if name.parse::<u16>().is_err() => {
                if !declared.iter().any(|declared| declared.name.as_deref() == Some(name)) {
                    named(context, service, behind, (at, port), name, &declared, findings);
                }
            }
            target => {
                let number = match target {
                    Some(value) => json::integer(value, ""),
                    None => json::integer(port, "/port"),
                };
                if let Some(number) = number {
                    numbered(service, behind, (at, port), number, (&declared, &stock), findings);
                }
            }
        }
    }
}

fn named(
    context: &Context<'_>,
    service: &Seen,
    behind: &Behind<'_>,
    (at, port): (usize, &Value),
    name: &str,
    declared: &[Declared],
    findings: &mut Findings,
) {
    let near = nearest::nearest(name, declared.iter().filter_map(|port| port.name.as_deref()));
    let only = match declared {
        [only] => Some(only),
        _ => declared.iter().find(|port| port.name.as_deref() == near && near.is_some()),
    };
    let has = if declared.is_empty() {
        "they declare no port at all".to_owned()
    } else {
        let mut ports: Vec<String> = declared.iter().map(show).collect();
        ports.dedup();
        format!("they declare {}", text::names(ports))
    };
    // What people read leaves the names of ports out, in most versions.
    let by_hand = service.text("/metadata/annotations/sickbay.dev~1partial").is_some();
    let unnamed = by_hand && declared.iter().all(|port| port.name.is_none());
    let severity = if unnamed { Severity::Warning } else { Severity::Critical };
    let mut draft =
        Draft::new(severity, service, "TargetPortNotFound", &format!("/spec/ports/{at}/targetPort"))
            .confidence(match (unnamed, context.manifests_only) {
                (true, _) => 0.5,
                (false, true) => 0.9,
                (false, false) => 0.95,
            })
            .message(format!(
                "The Service `{}` sends requests to the port named `{}`, which no container of the pods that it selects declares: {has}.",
                service.name(),
                text::clean(name, 60)
            ));
    draft = see_ports(draft, behind);
    let target = only.map(|only| only.name.clone().map_or_else(|| Value::from(only.number), Value::from));
    draft = match (target, json::integer(port, "/port")) {
        (Some(target), Some(number)) => draft.action(to_port(service, number, &target)),
        _ => draft.action(actions::escalate(
            &service.reference,
            format!("Which port of its pods the Service `{}` is for.", service.name()),
        )),
    };
    findings.add(draft);
}

/// A port need not be declared to be listened on, so that this is reported only
/// where the one declared port differs from the one that is asked, and nothing
/// else in the pod speaks of the latter.
fn numbered(
    service: &Seen,
    behind: &Behind<'_>,
    (at, port): (usize, &Value),
    number: i64,
    (declared, stock): (&[Declared], &[i64]),
    findings: &mut Findings,
) {
    let mut numbers: Vec<i64> = declared.iter().map(|port| port.number).collect();
    let says = if numbers.is_empty() { "are made from an image that listens on" } else { "declare only" };
    if numbers.is_empty() {
        numbers.extend(stock);
    }
    numbers.sort_unstable();
    numbers.dedup();
    let single = service.list("/spec/ports").len() == 1;
    let [only] = numbers.as_slice() else { return };
    if *only == number || !single || behind.templates.iter().any(|template| speaks_of(template, number)) {
        return;
    }
    let mut draft =
        Draft::new(Severity::Warning, service, "TargetPortMismatch", &format!("/spec/ports/{at}"))
            .confidence(0.7)
            .message(format!(
                "The Service `{}` sends requests to port {number}, but the containers of the pods that it selects {says} {only}.",
                service.name()
            ));
    draft = see_ports(draft, behind);
    if let Some(port) = json::integer(port, "/port") {
        draft = draft.action(to_port(service, port, &Value::from(*only)));
    }
    findings.add(draft);
}

/// The ports of a lone container that runs a well-known image as it is made.
fn stock(behind: &Behind<'_>) -> Vec<i64> {
    let [template] = behind.templates.as_slice() else { return Vec::new() };
    let containers = behind::containers(template.spec());
    let [(_, container)] = containers.as_slice() else { return Vec::new() };
    let changed =
        ["command", "args", "volumeMounts", "envFrom"].iter().any(|field| container.get(field).is_some());
    json::text(container, "/image")
        .filter(|_| !changed)
        .and_then(stock_port)
        .map_or_else(Vec::new, |stock| stock.ports.to_vec())
}

fn to_port(service: &Seen, port: i64, target: &Value) -> crate::diagnosis::ProposedAction {
    let shown = target.as_str().map_or_else(|| target.to_string(), |name| text::clean(name, 60));
    actions::action(
        "patch-service-port",
        &service.reference,
        json!({ "port": port, "targetPort": target }),
        format!("Let port {port} of the Service `{}` lead to port {shown} of its pods", service.name()),
    )
}

fn show(port: &Declared) -> String {
    port.name.as_deref().map_or_else(|| port.number.to_string(), |name| format!("{name} ({})", port.number))
}

fn see_ports(mut draft: Draft, behind: &Behind<'_>) -> Draft {
    for template in behind.templates.iter().take(2) {
        for (pointer, container) in behind::containers(template.spec()).iter().take(3) {
            let field = if container.get("ports").is_some() { "ports" } else { "name" };
            draft = draft.see(template.seen, &format!("{}{pointer}/{field}", template.pointer));
        }
    }
    draft
}

/// Whether a probe, a variable or an argument of a container names the number.
fn speaks_of(template: &Template<'_>, number: i64) -> bool {
    let word = number.to_string();
    behind::containers(template.spec()).iter().any(|(_, container)| {
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].iter().any(|probe| {
            ["httpGet", "tcpSocket", "grpc"]
                .iter()
                .any(|way| json::integer(container, &format!("/{probe}/{way}/port")) == Some(number))
        });
        let texts = json::list(container, "/env")
            .iter()
            .filter_map(|variable| json::text(variable, "/value"))
            .chain(json::list(container, "/args").iter().filter_map(Value::as_str))
            .chain(json::list(container, "/command").iter().filter_map(Value::as_str));
        probes || texts.into_iter().any(|text| holds_number(text, &word))
    })
}

/// Whether the number stands in the text as one, not as part of a longer.
fn holds_number(text: &str, number: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|part| part == number)
}
