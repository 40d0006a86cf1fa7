//! What the program of an image does with what its container gives it: the
//! whole course of a run, known at its start.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{config, container::Part};
use crate::life::{
    cluster::Cluster,
    quantity,
    shape::{list, namespace, text},
    world::{Need, Program},
};

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exit {
    pub(super) code: i64,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Exit {
    fn of(code: i64) -> Self {
        let reason = if code == 0 { "Completed" } else { "Error" };
        Self { code, reason: reason.to_owned(), message: String::new() }
    }
}

/// The course of a run, in virtual milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) lines: Vec<(i64, String)>,
    pub(super) end: Option<(i64, Exit)>,
    pub(super) listens: Vec<u16>,
    pub(super) listens_from: i64,
    pub(super) paths: Vec<String>,
    pub(super) commands: Vec<String>,
}

/// Why the runtime can not start it, in its words.
pub(super) fn can_not_start(program: &Program, spec: &Value) -> Option<String> {
    let command = list(spec, "/command").first().and_then(Value::as_str)?;
    if program.commands.iter().any(|known| known == command) {
        return None;
    }
    let why = if command.contains('/') {
        format!("exec: \"{command}\": stat {command}: no such file or directory: unknown")
    } else {
        format!("exec: \"{command}\": executable file not found in $PATH: unknown")
    };
    Some(format!(
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: {why}"
    ))
}

/// The course of a run that begins now.
pub(super) fn plan(
    cluster: &Cluster,
    program: &Program,
    part: &Part<'_>,
    env: &BTreeMap<String, String>,
    now: i64,
) -> Plan {
    let mut plan = Plan {
        lines: program.starts.iter().map(|line| (now, line.clone())).collect(),
        commands: program.commands.clone(),
        ..Plan::default()
    };
    let mut ends: Vec<(i64, Exit, Vec<String>)> = Vec::new();
    for need in &program.needs {
        if let Some(lines) = unmet(cluster, need, part, env) {
            ends.push((now + millis(need.after), Exit::of(need.code), lines));
            break;
        }
    }
    if ends.is_empty() {
        plan.listens = program.listens.clone();
        plan.listens_from = now + millis(program.ready_after);
        plan.paths = program.paths.clone();
        plan.lines.extend(program.ready.iter().map(|line| (plan.listens_from, line.clone())));
    }
    if let Some(at) = out_of_memory(program, part.spec, now) {
        let exit = Exit { code: 137, reason: "OOMKilled".to_owned(), message: String::new() };
        ends.push((at, exit, Vec::new()));
    }
    if let Some(end) = &program.ends {
        ends.push((now + millis(end.after), Exit::of(end.code), end.log.clone()));
    }
    ends.sort_by_key(|(at, ..)| *at);
    if let Some((at, exit, lines)) = ends.into_iter().next() {
        plan.lines.retain(|(said, _)| *said <= at);
        plan.lines.extend(lines.into_iter().map(|line| (at, line)));
        plan.end = Some((at, exit));
    }
    plan
}

fn millis(seconds: f64) -> i64 {
    (seconds.clamp(0.0, 10_000_000.0) * 1_000.0) as i64
}

/// When the limit is passed: at once, or as a leak reaches it.
fn out_of_memory(program: &Program, spec: &Value, now: i64) -> Option<i64> {
    let limit = quantity::of(spec.pointer("/resources/limits/memory")?)?;
    let uses = program.memory.as_deref().and_then(quantity::milli).unwrap_or(0);
    let from = now + millis(program.memory_after);
    if uses > limit {
        return Some(from);
    }
    let leaks = program.leaks.as_deref().and_then(quantity::milli).filter(|leaks| *leaks > 0)?;
    let seconds = (limit - uses) / leaks;
    Some(from.saturating_add(i64::try_from(seconds).ok()?.min(100_000_000) * 1_000))
}

/// What the program says where it lacks what it needs.
fn unmet(
    cluster: &Cluster,
    need: &Need,
    part: &Part<'_>,
    env: &BTreeMap<String, String>,
) -> Option<Vec<String>> {
    let (name, value) = value_of(cluster, need, part, env);
    let host = host_of(value.as_deref().unwrap_or(""));
    let error = match &value {
        None => Some(String::new()),
        Some(value) if value.is_empty() => Some(String::new()),
        Some(value) => {
            let among = need.one_of.is_empty() || need.one_of.iter().any(|one| one == value);
            let begins = need.starts_with.as_ref().is_none_or(|start| value.starts_with(start));
            let number = !need.number || value.parse::<f64>().is_ok();
            if among && begins && number {
                if need.service { unreachable(cluster, namespace(part.pod), &host) } else { None }
            } else {
                Some(String::new())
            }
        }
    }?;
    Some(
        need.log
            .iter()
            .map(|line| {
                line.replace("{name}", &name)
                    .replace("{value}", value.as_deref().unwrap_or(""))
                    .replace("{host}", &host)
                    .replace("{error}", &error)
            })
            .collect(),
    )
}

fn value_of(
    cluster: &Cluster,
    need: &Need,
    part: &Part<'_>,
    env: &BTreeMap<String, String>,
) -> (String, Option<String>) {
    if let Some(name) = &need.env {
        return (name.clone(), env.get(name).cloned());
    }
    let Some(path) = &need.file else { return (String::new(), None) };
    let content = config::file(cluster, part, path);
    let Some(key) = &need.key else { return (path.clone(), content) };
    let value = content.and_then(|content| {
        content.lines().find_map(|line| {
            let (found, value) = line.split_once(['=', ':'])?;
            (found.trim() == key).then(|| value.trim().trim_matches('"').to_owned())
        })
    });
    (key.clone(), value)
}

/// `host:port` of an address or a URL.
fn host_of(value: &str) -> String {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    rest.rsplit_once('@').map_or(rest, |(_, host)| host).to_owned()
}

/// Why a host does not answer, in the words of Go's resolver and dialer.
fn unreachable(cluster: &Cluster, own_namespace: &str, address: &str) -> Option<String> {
    let (host, port) = address.split_once(':').unwrap_or((address, "80"));
    let steps: Vec<&str> = host.trim_end_matches('.').split('.').collect();
    let (name, space) = match steps.as_slice() {
        [name] => (*name, own_namespace),
        [name, space] | [name, space, "svc"] | [name, space, "svc", "cluster", "local"] => (*name, *space),
        _ => ("", ""),
    };
    let Some(service) = cluster.get("v1/Service", space, name) else {
        return Some(format!("dial tcp: lookup {host} on 10.96.0.10:53: no such host"));
    };
    let endpoints = cluster.get("v1/Endpoints", space, name);
    let served = endpoints.is_some_and(|found| {
        list(&found, "/subsets").iter().any(|subset| !list(subset, "/addresses").is_empty())
    });
    (!served).then(|| {
        format!("dial tcp {}:{port}: connect: connection refused", text(&service, "/spec/clusterIP"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_what_programs_are_given() {
        for (value, expect) in [
            ("postgres://user:pass@db.data:5432/pay?x=1", "db.data:5432"),
            ("http://api/health", "api"),
            ("db:5432", "db:5432"),
            ("", ""),
        ] {
            assert_eq!(host_of(value), expect);
        }
    }
}
