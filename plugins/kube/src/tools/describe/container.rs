//! A container: what it is told to run, and what became of it.

use serde_json::Value;
use sickbay_plugin::text::line;

use super::said;
use crate::{
    json,
    time::{Clock, between},
};

/// Variables that are named one by one.
const MOST_ENV: usize = 40;

/// The containers of a pod or template. `spec` is the pointer to the pod's spec, `statuses` tells whether there is a status.
pub(super) fn all(value: &Value, spec: &str, clock: Clock) -> Vec<String> {
    let mut lines = Vec::new();
    for (list, statuses, word) in [
        ("initContainers", "initContainerStatuses", "init container"),
        ("containers", "containerStatuses", "container"),
        ("ephemeralContainers", "ephemeralContainerStatuses", "ephemeral container"),
    ] {
        for (at, container) in json::list(value, &format!("{spec}/{list}")).iter().enumerate() {
            let name = json::text(container, "/name");
            let status = json::list(value, &format!("/status/{statuses}"))
                .iter()
                .enumerate()
                .find(|(_, status)| name.is_some() && json::text(status, "/name") == name);
            let place = match status {
                Some((number, _)) => format!("{spec}/{list}/{at}, /status/{statuses}/{number}"),
                None => format!("{spec}/{list}/{at}"),
            };
            lines.push(format!("{word} {} ({place}):", said(container, "/name")));
            if let Some((_, status)) = status {
                lines.extend(state(status, clock));
            }
            lines.extend(wanted(container));
        }
    }
    lines
}

/// What became of it.
fn state(status: &Value, clock: Clock) -> Vec<String> {
    let ready = if json::is(status, "/ready") { "ready" } else { "not ready" };
    let mut lines = vec![format!(
        "  {ready}, {} restarts; state: {}",
        json::integer(status, "/restartCount").unwrap_or(0),
        one_state(status, "/state", clock)
    )];
    if json::entries(status, "/lastState").next().is_some() {
        lines.push(format!("  last state: {}", one_state(status, "/lastState", clock)));
    }
    lines
}

fn one_state(status: &Value, pointer: &str, clock: Clock) -> String {
    let Some((word, state)) = json::entries(status, pointer).next() else { return "unknown".to_owned() };
    let mut out = line(word, 40);
    if let Some(reason) = json::text(state, "/reason") {
        out += &format!(" {}", line(reason, 80));
    }
    if let Some(code) = json::integer(state, "/exitCode") {
        out += &format!(", exit code {code}{}", meaning(code));
    }
    if let Some(signal) = json::integer(state, "/signal").filter(|signal| *signal != 0) {
        out += &format!(", signal {signal}");
    }
    let (started, finished) = (json::text(state, "/startedAt"), json::text(state, "/finishedAt"));
    if let Some(ran) = between(started, finished) {
        out += &format!(", ran {ran}");
    }
    match (finished, started) {
        (Some(finished), _) => out += &format!(", ended {} ago", clock.age(Some(finished))),
        (None, Some(started)) => out += &format!(" for {}", clock.age(Some(started))),
        _ => {}
    }
    if let Some(message) = json::text(state, "/message") {
        out += &format!(": {}", line(message, 600));
    }
    out
}

/// What a shell and the kernel mean by the code.
fn meaning(code: i64) -> &'static str {
    match code {
        126 => " (can not be executed)",
        127 => " (command not found)",
        137 => " (killed, SIGKILL)",
        139 => " (segmentation fault)",
        143 => " (ended by SIGTERM)",
        _ => "",
    }
}

/// What it is told to run.
fn wanted(container: &Value) -> Vec<String> {
    let mut lines = vec![format!("  image: {}", said(container, "/image"))];
    for word in ["command", "args"] {
        let parts = json::list(container, &format!("/{word}"));
        if !parts.is_empty() {
            let parts: Vec<String> = parts.iter().map(json::scalar).collect();
            lines.push(format!("  {word}: {}", line(&format!("{parts:?}"), 600)));
        }
    }
    let ports: Vec<String> = json::list(container, "/ports")
        .iter()
        .map(|port| {
            let name =
                json::text(port, "/name").map(|name| format!(" {}", line(name, 40))).unwrap_or_default();
            format!(
                "{}/{}{name}",
                said(port, "/containerPort"),
                json::text(port, "/protocol").unwrap_or("TCP")
            )
        })
        .collect();
    if !ports.is_empty() {
        lines.push(format!("  ports: {}", line(&ports.join(", "), 300)));
    }
    let (requests, limits) =
        (json::pairs(container, "/resources/requests"), json::pairs(container, "/resources/limits"));
    if !requests.is_empty() || !limits.is_empty() {
        let or_none = |pairs: String| if pairs.is_empty() { "none".to_owned() } else { line(&pairs, 200) };
        lines.push(format!("  resources: requests {}; limits {}", or_none(requests), or_none(limits)));
    }
    lines.extend(environment(container));
    for word in ["startupProbe", "readinessProbe", "livenessProbe"] {
        if let Some(probe) = container.get(word) {
            lines.push(format!("  {word}: {}", line(&self::probe(probe), 400)));
        }
    }
    let mounts: Vec<String> = json::list(container, "/volumeMounts")
        .iter()
        .map(|mount| {
            let part = json::text(mount, "/subPath").map(|part| format!("/{part}")).unwrap_or_default();
            let only = if json::is(mount, "/readOnly") { " (ro)" } else { "" };
            format!("{} from {}{part}{only}", said(mount, "/mountPath"), said(mount, "/name"))
        })
        .collect();
    if !mounts.is_empty() {
        lines.push(format!("  mounts: {}", line(&mounts.join(", "), 600)));
    }
    let context = json::entries(container, "/securityContext").next().is_some();
    if context && let Some(context) = container.get("securityContext") {
        lines.push(format!("  securityContext: {}", line(&context.to_string(), 300)));
    }
    lines
}

/// Variables with their values, or where they come from.
fn environment(container: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let from: Vec<String> = json::list(container, "/envFrom")
        .iter()
        .map(|source| {
            match (json::text(source, "/configMapRef/name"), json::text(source, "/secretRef/name")) {
                (Some(name), _) => format!("all of ConfigMap {}", line(name, 253)),
                (None, Some(name)) => format!("all of Secret {}", line(name, 253)),
                _ => "?".to_owned(),
            }
        })
        .collect();
    if !from.is_empty() {
        lines.push(format!("  env from: {}", from.join(", ")));
    }
    let env = json::list(container, "/env");
    if !env.is_empty() {
        lines.push("  env:".to_owned());
        lines.extend(env.iter().take(MOST_ENV).map(|variable| format!("    {}", self::variable(variable))));
        if env.len() > MOST_ENV {
            lines.push(format!("    … {} more", env.len() - MOST_ENV));
        }
    }
    lines
}

/// `NAME=value`, or `NAME from key x of Secret y`.
pub(super) fn variable(variable: &Value) -> String {
    let name = said(variable, "/name");
    let optional = |reference: &Value| if json::is(reference, "/optional") { " (optional)" } else { "" };
    for (pointer, word) in
        [("/valueFrom/secretKeyRef", "Secret"), ("/valueFrom/configMapKeyRef", "ConfigMap")]
    {
        if let Some(reference) = variable.pointer(pointer) {
            return format!(
                "{name} from key {} of {word} {}{}",
                said(reference, "/key"),
                said(reference, "/name"),
                optional(reference)
            );
        }
    }
    if let Some(path) = json::text(variable, "/valueFrom/fieldRef/fieldPath") {
        return format!("{name} from field {}", line(path, 120));
    }
    if let Some(resource) = json::text(variable, "/valueFrom/resourceFieldRef/resource") {
        return format!("{name} from resource {}", line(resource, 120));
    }
    let value = variable.get("value").map(json::scalar).unwrap_or_default();
    format!("{name}={}", line(&value, 160))
}

/// `GET :8080/healthz, delay 5s, timeout 1s, period 10s, fails after 3`.
pub(super) fn probe(probe: &Value) -> String {
    let how = if let Some(get) = probe.get("httpGet") {
        let scheme = json::text(get, "/scheme").filter(|scheme| *scheme != "HTTP");
        let scheme = scheme.map(|scheme| format!("{} ", scheme.to_lowercase())).unwrap_or_default();
        format!("GET {scheme}:{}{}", said(get, "/port"), json::text(get, "/path").unwrap_or("/"))
    } else if let Some(socket) = probe.get("tcpSocket") {
        format!("connect to :{}", said(socket, "/port"))
    } else if let Some(call) = probe.get("grpc") {
        format!("gRPC :{}", said(call, "/port"))
    } else {
        let command: Vec<String> = json::list(probe, "/exec/command").iter().map(json::scalar).collect();
        format!("run {command:?}")
    };
    let number = |pointer: &str, otherwise: i64| json::integer(probe, pointer).unwrap_or(otherwise);
    format!(
        "{how}, delay {}s, timeout {}s, period {}s, fails after {}",
        number("/initialDelaySeconds", 0),
        number("/timeoutSeconds", 1),
        number("/periodSeconds", 10),
        number("/failureThreshold", 3)
    )
}
