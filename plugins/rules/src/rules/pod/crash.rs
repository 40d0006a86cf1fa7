//! Containers that end when they should run: how they ended, what their log
//! says, what changed, and what they depend on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    actions,
    context::{Context, Run},
    diagnosis::ObjectRef,
    findings::{Draft, Findings},
    history::Rollout,
    json,
    log::{self, Kind},
    quantity,
    rules::pod::{
        Sick, dependency,
        story::{self, Story},
    },
    seen::Seen,
    shell,
    snapshot::Existence,
    text,
};

/// How a container last ended.
pub(in crate::rules) struct End {
    pub(in crate::rules) container: String,
    /// Into the pod: `/status/containerStatuses/0/lastState/terminated`.
    pub(in crate::rules) pointer: String,
    /// Into the pod: the container's status.
    pub(in crate::rules) status: String,
    pub(in crate::rules) code: i64,
    pub(in crate::rules) reason: String,
    pub(in crate::rules) message: String,
    pub(in crate::rules) restarts: i64,
    pub(in crate::rules) finished: Option<i64>,
    pub(in crate::rules) init: bool,
}

/// The end of the container that keeps the pod from working, the worst first:
/// one that waits to be restarted, then one that ended, then one that did.
pub(in crate::rules) fn last_end(pod: &Seen) -> Option<End> {
    let mut best: Option<(u8, End)> = None;
    for (list, init) in [("initContainerStatuses", true), ("containerStatuses", false)] {
        for (at, status) in pod.list(&format!("/status/{list}")).iter().enumerate() {
            let base = format!("/status/{list}/{at}");
            let waiting = json::text(status, "/state/waiting/reason");
            let (part, rank) = if status.pointer("/state/terminated").is_some() {
                ("state", u8::from(json::integer(status, "/state/terminated/exitCode") == Some(0)) * 4 + 1)
            } else if status.pointer("/lastState/terminated").is_some() {
                ("lastState", if waiting == Some("CrashLoopBackOff") { 0 } else { 2 })
            } else if waiting == Some("CrashLoopBackOff") {
                ("state", 3)
            } else {
                continue;
            };
            if best.as_ref().is_some_and(|(so_far, _)| *so_far <= rank) {
                continue;
            }
            let terminated = status.pointer(&format!("/{part}/terminated")).unwrap_or(&Value::Null);
            let end = End {
                container: json::text(status, "/name").unwrap_or("").to_owned(),
                pointer: format!("{base}/{part}/terminated"),
                status: base,
                code: json::integer(terminated, "/exitCode").unwrap_or(-1),
                reason: json::text(terminated, "/reason").unwrap_or("").to_owned(),
                message: json::text(terminated, "/message").unwrap_or("").to_owned(),
                restarts: json::integer(status, "/restartCount").unwrap_or(0),
                finished: json::text(terminated, "/finishedAt").and_then(crate::time::parse),
                init,
            };
            best = Some((rank, end));
        }
    }
    best.map(|(_, end)| end)
}

pub(super) fn check(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let Some(end) = last_end(&sick.seen) else { return };
    let reason = sick.problem.strip_prefix("Init:").unwrap_or(&sick.problem);
    // That it ran out of memory says more than that it is restarted.
    let reason = match (end.reason.as_str(), reason) {
        ("OOMKilled", _) => "OOMKilled",
        (_, "NotReady") => "CrashLoopBackOff",
        _ => reason,
    };
    // Of a bare table row nothing is known but that it fails.
    let mut story = Story::new(if end.code < 0 { 0.6 } else { 0.85 });
    let restarts =
        if end.restarts > 0 { format!(" and was restarted {}", times(end.restarts)) } else { String::new() };
    let kind = if end.init { "init container" } else { "container" };
    story.say(
        format!(
            "{}: {kind} `{}` {}{restarts}.",
            sick.subject(),
            text::clean(&end.container, 60),
            ending(&end)
        )
        .replace(" ``", ""),
    );
    story.see(&sick.seen, &format!("{}/state/waiting/reason", end.status));
    why(context, &sick.seen, &sick.workload, &end, &mut story);
    let draft = story.draft(sick.severity(context), &sick.workload, reason, &need(&end));
    findings.add(draft);
    let probe = context.events(&sick.pod.reference).iter().rev().find(|event| event.reason == "Unhealthy");
    if let Some(event) = probe.filter(|_| matches!(end.code, 137 | 143) && end.reason != "OOMKilled") {
        super::walled::check(context, sick, &event.message, findings);
    }
    configuration(context, sick, &end, findings);
}

/// What a person has to supply, by how the container ended.
fn need(end: &End) -> String {
    let name = text::clean(&end.container, 60);
    let lower = end.message.to_ascii_lowercase();
    if end.reason == "OOMKilled" {
        format!("How much memory container `{name}` needs, or why its use grows.")
    } else if matches!(end.code, 126 | 127)
        || lower.contains("executable file not found")
        || lower.contains("no such file or directory") && lower.contains("exec")
    {
        format!("The command that container `{name}` should run.")
    } else if end.code == 0 {
        format!("A command of container `{name}` that goes on running, or a Job in place of the workload.")
    } else {
        format!("What the program of container `{name}` needs in order to stay up.")
    }
}

fn times(count: i64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// How it ended, in one clause.
pub(in crate::rules) fn ending(end: &End) -> String {
    let by_reason = match end.reason.as_str() {
        "OOMKilled" => Some("was killed because it used more memory than its limit allows".to_owned()),
        "StartError" | "ContainerCannotRun" => Some("could not be started".to_owned()),
        "DeadlineExceeded" => Some("ran longer than it may".to_owned()),
        _ => None,
    };
    if let Some(clause) = by_reason {
        return clause;
    }
    match end.code {
        -1 => "does not stay up".to_owned(),
        0 => "ends with exit code 0, as if its work were done".to_owned(),
        126 => "ends with exit code 126: its command was found but can not be executed".to_owned(),
        127 => "ends with exit code 127: its command was not found".to_owned(),
        128 => "could not be started (exit code 128)".to_owned(),
        134 => "aborts (exit code 134)".to_owned(),
        137 => "is killed (exit code 137)".to_owned(),
        139 => "crashes on a memory access that is not allowed (exit code 139)".to_owned(),
        143 => "is told to stop (exit code 143)".to_owned(),
        code => format!("ends with exit code {code}"),
    }
}

/// Adds to the story what is known of the reason: of a pod that ended so.
pub(in crate::rules) fn why(
    context: &Context<'_>,
    pod: &Seen,
    workload: &ObjectRef,
    end: &End,
    story: &mut Story,
) {
    for field in ["reason", "exitCode", "message"] {
        story.see(pod, &format!("{}/{field}", end.pointer));
    }
    if !end.message.trim().is_empty() {
        started(&end.message, end, story);
        story.say(format!("The runtime says: {}.", story::quote_end(&end.message)));
    }
    let (base, spec) = match context.template(workload) {
        Some(template) => (Some(template), template.spec()),
        None => (None, pod.at("/spec")),
    };
    let container =
        story::container(spec, &end.container).or_else(|| story::container(pod.at("/spec"), &end.container));
    let container_json = container.as_ref().map_or(&Value::Null, |(_, json)| *json);
    let rollout = story.what_changed(context, workload);
    if end.reason == "OOMKilled" || (end.code == 137 && log_says_memory(context, pod, end)) {
        out_of_memory(workload, end, container_json, story);
    }
    if let (Some(template), Some((place, _))) = (base, &container)
        && let Some(fault) = script_fault(container_json)
    {
        story.say(format!("Its shell command can not work: {fault}."));
        let list = if json::list(container_json, "/args").is_empty() { "command" } else { "args" };
        story.see(template.seen, &format!("{}{place}/{list}", template.pointer));
        story.confidence = story.confidence.max(0.92);
        story.act(actions::escalate(
            workload,
            format!("The command that container `{}` should run.", end.container),
        ));
    }
    liveness(context, pod, workload, end, story);
    from_log(context, pod, workload, end, container_json, rollout.as_ref(), story);
}

/// What the words of the container runtime mean.
fn started(message: &str, end: &End, story: &mut Story) {
    let lower = message.to_ascii_lowercase();
    let meaning = if lower.contains("executable file not found")
        || lower.contains("no such file or directory") && lower.contains("exec")
    {
        let name = log::name::quoted_after(message, "exec:").unwrap_or("the command");
        format!(
            "The image has no executable `{}`: the command of container `{}` is misspelt, or the image is another than meant.",
            text::clean(name, 100),
            end.container
        )
    } else if lower.contains("exec format error") {
        "The image was built for another processor architecture than that of the node.".to_owned()
    } else if lower.contains("permission denied") {
        format!("The command of container `{}` is not executable for its user.", end.container)
    } else if lower.contains("not a directory") && lower.contains("mount") {
        "A file is mounted over a directory, or a directory over a file.".to_owned()
    } else {
        return;
    };
    story.say(meaning);
    story.confidence = story.confidence.max(0.95);
}

fn log_says_memory(context: &Context<'_>, pod: &Seen, end: &End) -> bool {
    context.events(&pod.reference).iter().any(|event| event.reason.contains("OOM"))
        || story::failed_log(context, &pod.reference, &end.container, Run::Previous)
            .and_then(|log| log::explain(&log.lines))
            .is_some_and(|cause| cause.kind == Kind::OutOfMemory)
}

fn out_of_memory(workload: &ObjectRef, end: &End, container: &Value, story: &mut Story) {
    let limit = json::text(container, "/resources/limits/memory");
    let Some((limit, amount)) = limit.and_then(|limit| Some((limit, quantity::milli(limit)?))) else {
        story.say("It has no memory limit of its own: the node ran out of memory, or a limit of the namespace applies.");
        return;
    };
    let script = words(container).join(" ");
    let need = memory_need(&script);
    let mut wanted = amount.saturating_mul(2);
    story.say(format!("Its memory limit is `{}`.", text::clean(limit, 40)));
    if let Some(need) = need.filter(|need| *need > amount) {
        story.say(format!("Its command alone asks for {}.", quantity::bytes(need)));
        wanted = wanted.max(need.saturating_mul(2));
    }
    let wanted = quantity::bytes(wanted);
    story.confidence = story.confidence.max(0.93);
    story.act(actions::action(
        "patch-resources",
        workload,
        json!({ "container": end.container, "limits": { "memory": wanted } }),
        format!("Raise the memory limit of container `{}` from {limit} to {wanted}", end.container),
    ));
}

/// The words of a container's command and args.
pub(in crate::rules) fn words(container: &Value) -> Vec<&str> {
    ["/command", "/args"]
        .iter()
        .flat_map(|list| json::list(container, list))
        .filter_map(Value::as_str)
        .collect()
}

/// What is wrong with the shell script that a container runs.
pub(in crate::rules) fn script_fault(container: &Value) -> Option<String> {
    let list =
        |pointer: &str| json::list(container, pointer).iter().filter_map(Value::as_str).collect::<Vec<_>>();
    let (command, args) = (list("/command"), list("/args"));
    let script = shell::script(&command, &args)?;
    shell::nested_fault(script).or_else(|| shell::fault(script))
}

/// The memory that well-known commands say they will use, in thousandths of a
/// byte: `stress --vm-bytes 250M`, `dd bs=1M count=150`.
pub(in crate::rules) fn memory_need(script: &str) -> Option<i128> {
    let words: Vec<&str> = script.split_whitespace().collect();
    let amount = |text: &str| {
        let text = text.trim_end_matches(['B', 'b']);
        let unit = text.chars().last()?;
        // These programs count in powers of two whatever the letter.
        if unit.is_ascii_alphabetic() {
            quantity::milli(&format!("{}{}i", text.get(..text.len() - 1)?, unit.to_ascii_uppercase()))
        } else {
            quantity::milli(text)
        }
    };
    for (at, word) in words.iter().enumerate() {
        if let Some(value) = word.strip_prefix("--vm-bytes") {
            let value = value.strip_prefix('=').or_else(|| words.get(at + 1).copied())?;
            let workers = words
                .iter()
                .position(|word| *word == "--vm" || *word == "-m")
                .and_then(|at| words.get(at + 1))
                .and_then(|count| count.parse::<i128>().ok())
                .unwrap_or(1);
            return amount(value).map(|bytes| bytes.saturating_mul(workers.clamp(1, 1_000)));
        }
    }
    if words.contains(&"dd") && script.contains("/dev/zero") {
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
        let count: i128 = value("count=")?.parse().ok()?;
        return amount(value("bs=")?)?.checked_mul(count);
    }
    None
}

/// Whether it is the kubelet that stops it.
fn liveness(context: &Context<'_>, pod: &Seen, workload: &ObjectRef, end: &End, story: &mut Story) {
    let event = context.events(&pod.reference).iter().rev().find(|event| {
        event.reason == "Unhealthy"
            && (event.message.starts_with("Liveness") || event.message.starts_with("Startup"))
            && event.container.as_deref().is_none_or(|container| container == end.container)
    });
    if let Some(event) = event
        && matches!(end.code, 0 | 2 | 137 | 143)
        && end.reason != "OOMKilled"
    {
        story.say(format!(
            "The kubelet restarts it because its probe fails: {}.",
            story::quote(&event.message)
        ));
        story.evidence(event.evidence());
        story.confidence = story.confidence.max(0.9);
        let spec = pod.at("/spec");
        if let Some((_, container)) = story::container(spec, &end.container) {
            let probe = if event.message.starts_with("Startup") { "startup" } else { "liveness" };
            story.say(format!("The {probe} probe asks {}.", super::probe::what(container, probe)));
            super::probe::propose(workload, container, probe, &event.message, story);
            super::probe::explain(container, probe, &event.message, story);
            if !story.acts() {
                story.act(actions::escalate(
                    workload,
                    format!(
                        "What the {probe} probe of container `{}` should ask and how long it should wait, or why the program does not answer it.",
                        text::clean(&end.container, 60)
                    ),
                ));
            }
        }
    }
}

fn from_log(
    context: &Context<'_>,
    pod: &Seen,
    workload: &ObjectRef,
    end: &End,
    container: &Value,
    rollout: Option<&Rollout>,
    story: &mut Story,
) {
    let again =
        if pod.at(&end.status).pointer("/state/running").is_some() { Run::Current } else { Run::Previous };
    let Some(log) = story::failed_log(context, &pod.reference, &end.container, again) else { return };
    let cause = log::explain(&log.lines);
    let Some(at) = story::telling_line(&log, cause.as_ref()) else { return };
    let Some(line) = log.lines.get(at) else { return };
    story.evidence(log.evidence(at));
    match &cause {
        Some(cause) => {
            story.say(format!("Its log says that {}: {}.", cause.kind.phrase(), story::quote(line)));
            story.confidence = story.confidence.max(0.92);
            by_cause(context, pod, workload, &cause.kind, container, rollout, story);
        }
        None if log::line::is_error(line) => {
            story.say(format!("Its log ends in an error: {}.", story::quote(line)))
        }
        None => story.say(format!("The last line of its log is {}.", story::quote(line))),
    }
    let errors = log::errors(&log.lines);
    if let Some(most) = errors.iter().find(|error| error.count > 2)
        && most.at != at
    {
        story.say(format!("{} lines of the log are like {}.", most.count, story::quote(&most.text)));
        story.evidence(log.evidence(most.at));
    }
}

/// What follows from the cause that a log names.
pub(in crate::rules) fn by_cause(
    context: &Context<'_>,
    pod: &Seen,
    workload: &ObjectRef,
    cause: &Kind,
    container: &Value,
    rollout: Option<&Rollout>,
    story: &mut Story,
) {
    let name = json::text(container, "/name").unwrap_or("");
    match cause {
        Kind::MissingVariable(variable) => {
            missing_variable(context, workload, container, variable, rollout, story)
        }
        Kind::Refused(Some(target)) | Kind::Unreachable(Some(target)) => {
            dependency::explain(context, pod.namespace(), target, story);
        }
        Kind::UnknownHost(host) => {
            let target = log::name::Target { host: host.clone(), port: None };
            dependency::explain(context, pod.namespace(), &target, story);
        }
        Kind::MissingCommand(_) | Kind::ShellSyntax => {
            story
                .act(actions::escalate(workload, format!("The command that container `{name}` should run.")));
        }
        Kind::MissingModule(_) => {
            story.act(actions::escalate(
                workload,
                format!("An image for container `{name}` that has the module."),
            ));
        }
        Kind::CertificateExpired => {
            let sources = mounted(pod.at("/spec"), container);
            let from = if sources.is_empty() {
                String::new()
            } else {
                format!(" It reads {}.", text::names(&sources))
            };
            story.say(from.trim());
            story.act(actions::escalate(
                workload,
                "A renewed certificate in place of the one that has expired.",
            ));
        }
        Kind::Forbidden => {
            let account = json::text(pod.at("/spec"), "/serviceAccountName").unwrap_or("default");
            story.because(ObjectRef::new("v1", "ServiceAccount", Some(pod.namespace()), account));
            story.say(format!("It runs as ServiceAccount `{}`.", text::clean(account, 80)));
        }
        _ => {}
    }
}

fn missing_variable(
    context: &Context<'_>,
    workload: &ObjectRef,
    container: &Value,
    variable: &str,
    rollout: Option<&Rollout>,
    story: &mut Story,
) {
    let name = json::text(container, "/name").unwrap_or("");
    let shown = text::clean(variable, 80);
    let removed = rollout.is_some_and(|rollout| {
        rollout.changes.iter().any(|change| change.removed_variables.iter().any(|gone| gone == variable))
    });
    let entry =
        json::list(container, "/env").iter().find(|entry| json::text(entry, "/name") == Some(variable));
    let near = json::list(container, "/env")
        .iter()
        .filter_map(|entry| json::text(entry, "/name"))
        .find(|candidate| text::near(candidate, variable));
    if removed {
        story.say(format!("The last roll-out took `{shown}` away."));
        let old = rollout.and_then(|rollout| {
            let (_, former) = story::container(rollout.old.at("/spec/template/spec"), name)?;
            json::list(former, "/env")
                .iter()
                .find(|entry| json::text(entry, "/name") == Some(variable))
                .and_then(|entry| json::text(entry, "/value"))
                .filter(|value| !is_redacted(value))
                .map(str::to_owned)
        });
        if let Some(old) = old {
            story.act(actions::action(
                "patch-env",
                workload,
                json!({ "container": name, "env": { variable: old } }),
                format!("Set `{shown}` of container `{name}` to what it was"),
            ));
        }
        story.confidence = story.confidence.max(0.97);
    } else if entry.is_some_and(|entry| json::text(entry, "/value") == Some("")) {
        story.say(format!("The template sets `{shown}` to an empty text."));
    } else if let Some(near) = near {
        story.say(format!("The template sets `{}`, which is spelt otherwise.", text::clean(near, 80)));
        story.confidence = story.confidence.max(0.95);
    } else if entry.is_none() {
        let sources: Vec<&str> = json::list(container, "/envFrom")
            .iter()
            .filter_map(|source| {
                json::text(source, "/configMapRef/name").or_else(|| json::text(source, "/secretRef/name"))
            })
            .collect();
        if sources.is_empty() {
            story.say(format!("The template of container `{name}` sets no `{shown}`."));
        } else {
            story.say(format!(
                "`{shown}` is not set by the template itself, which takes variables from {}.",
                text::names(&sources)
            ));
            for source in sources {
                for kind in ["ConfigMap", "Secret"] {
                    if context.snapshot.existence(kind, workload.space(), source) == Existence::Present {
                        story.because(ObjectRef::new("v1", kind, workload.namespace.as_deref(), source));
                    }
                }
            }
        }
    }
    story.act(actions::escalate(
        workload,
        format!("The value that `{shown}` of container `{name}` should have."),
    ));
}

/// Whether a value is not the one that the cluster has.
fn is_redacted(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.is_empty() || lower.contains("redacted") || value.contains("***") || value.contains("[hidden")
}

/// ConfigMaps and Secrets that a container mounts.
fn mounted(spec: &Value, container: &Value) -> BTreeSet<String> {
    json::list(container, "/volumeMounts")
        .iter()
        .filter_map(|mount| json::text(mount, "/name"))
        .filter_map(|name| {
            json::list(spec, "/volumes").iter().find(|volume| json::text(volume, "/name") == Some(name))
        })
        .filter_map(|volume| {
            json::text(volume, "/configMap/name")
                .or_else(|| json::text(volume, "/secret/secretName"))
                .map(str::to_owned)
        })
        .collect()
}

/// A ConfigMap that the program can not read is what a person should change:
/// where the log complains of a file that the ConfigMap holds.
fn configuration(context: &Context<'_>, sick: &Sick<'_>, end: &End, findings: &mut Findings) {
    let Some(log) = story::failed_log(context, &sick.pod.reference, &end.container, Run::Previous) else {
        return;
    };
    let Some(cause) = log::explain(&log.lines) else { return };
    if !matches!(cause.kind, Kind::Configuration | Kind::MissingKey(_)) {
        return;
    }
    let Some(line) = log.lines.get(cause.at) else { return };
    let spec = sick.seen.at("/spec");
    let Some((_, container)) = story::container(spec, &end.container) else { return };
    for mount in json::list(container, "/volumeMounts") {
        let (Some(path), Some(name)) = (json::text(mount, "/mountPath"), json::text(mount, "/name")) else {
            continue;
        };
        if path.len() < 2 || !line.contains(path) {
            continue;
        }
        let map = json::list(spec, "/volumes")
            .iter()
            .find(|volume| json::text(volume, "/name") == Some(name))
            .and_then(|volume| json::text(volume, "/configMap/name"));
        let Some(seen) = map.and_then(|map| context.snapshot.find("ConfigMap", sick.pod.namespace(), map))
        else {
            continue;
        };
        let changed = context.get(&seen.reference).and_then(|whole| last_change(&whole));
        let when = changed.map(|(manager, time)| {
            format!(" It was last changed at {time} by `{}`.", text::clean(&manager, 60))
        });
        findings.add(
            Draft::with(
                crate::diagnosis::Severity::Warning,
                seen.reference.clone(),
                "InvalidConfiguration",
                Vec::new(),
            )
            .evidence(log.evidence(cause.at))
            .see(seen, "/metadata/name")
            .confidence(0.85)
            .message(format!(
                "The ConfigMap `{}`, mounted at `{}` by {}, can not be read by it: {}.{}",
                seen.name(),
                text::clean(path, 100),
                sick.workload,
                story::quote(line),
                when.unwrap_or_default()
            ))
            .explains(sick.workload.clone())
            .action(actions::escalate(&seen.reference, "The contents that the ConfigMap should have.")),
        );
        return;
    }
}

/// Who last wrote an object, and when.
pub(in crate::rules) fn last_change(seen: &Seen) -> Option<(String, String)> {
    seen.list("/metadata/managedFields")
        .iter()
        .filter_map(|entry| {
            let time = json::text(entry, "/time")?;
            Some((crate::time::parse(time)?, json::text(entry, "/manager")?.to_owned(), time.to_owned()))
        })
        .max()
        .map(|(_, manager, time)| (manager, time))
}
