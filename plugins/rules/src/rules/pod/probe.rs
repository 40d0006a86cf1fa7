//! Pods that run and are not ready: what the probe asks for, what it gets, and
//! what the container offers.

use serde_json::{Value, json};

use crate::{
    actions,
    context::{Context, Run},
    diagnosis::{ObjectRef, Severity},
    findings::Findings,
    json, log,
    rules::pod::{
        Sick, crash,
        story::{self, Story},
    },
    text, time,
};

/// A pod may take that long to become ready before it is worth a warning.
const PATIENCE_SECONDS: i64 = 120;

pub(super) fn check(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    // Between two restarts the kubelet calls it not ready; it does not stay up.
    let goes_round = crash::last_end(&sick.seen)
        .is_some_and(|end| end.restarts > 0 && end.pointer.ends_with("/state/terminated") && !end.init);
    let always = sick.seen.text("/spec/restartPolicy").is_none_or(|policy| policy == "Always");
    if goes_round && always && !matches!(sick.workload.kind.as_str(), "Job" | "CronJob") {
        crash::check(context, sick, findings);
        return;
    }
    let event = context.events(&sick.pod.reference).iter().rev().find(|event| event.reason == "Unhealthy");
    let since = sick
        .seen
        .condition("Ready")
        .and_then(|(_, condition)| json::text(condition, "/lastTransitionTime"))
        .and_then(time::parse)
        .or(sick.pod.created);
    let waited = since.map_or(i64::MAX, |since| context.now.saturating_sub(since));
    let mut story = Story::new(0.88);
    let end = crash::last_end(&sick.seen).filter(|end| end.code != 0 && end.restarts > 0);
    let unready: Vec<&str> = sick
        .seen
        .list("/status/containerStatuses")
        .iter()
        .filter(|status| json::flag(status, "/ready") == Some(false))
        .filter_map(|status| json::text(status, "/name"))
        .collect();
    let shown =
        if unready.is_empty() { String::new() } else { format!(" (container {})", text::names(&unready)) };
    if let Some((pointer, _)) = sick.seen.condition("Ready") {
        story.see(&sick.seen, &format!("{pointer}/status"));
        story.see(&sick.seen, &format!("{pointer}/message"));
    }
    story.see(&sick.seen, "/status/phase");
    if let Some(event) = event {
        story.say(format!(
            "{} runs but is not ready{shown}: {}.",
            sick.subject(),
            story::quote(&event.message)
        ));
        story.evidence(event.evidence());
        let name = event
            .container
            .clone()
            .or_else(|| unready.first().map(|name| (*name).to_owned()))
            .unwrap_or_default();
        if let Some((place, container)) = story::container(sick.seen.at("/spec"), &name) {
            let probe = kind_of(&event.message);
            if event.message.len() < 30 {
                story.say(format!("The {probe} probe asks {}.", what(container, probe)));
            }
            story.see(&sick.seen, &format!("/spec{place}/{probe}Probe/httpGet/path"));
            story.see(&sick.seen, &format!("/spec{place}/{probe}Probe"));
            explain(container, probe, &event.message, &mut story);
            propose(&sick.workload, container, probe, &event.message, &mut story);
        }
    } else if let Some(gate) = gate(sick) {
        story.say(format!(
            "{} runs but is not ready: its readiness gate `{}` is not met.",
            sick.subject(),
            text::clean(&gate, 100)
        ));
        story.see(&sick.seen, "/spec/readinessGates");
    } else {
        if waited < PATIENCE_SECONDS && end.is_none() {
            return;
        }
        story.say(format!(
            "{} runs but is not ready{shown}, for {}.",
            sick.subject(),
            time::age(waited.min(1_000_000_000))
        ));
        story.confidence = 0.75;
        for (at, status) in sick.seen.list("/status/containerStatuses").iter().enumerate() {
            if status.pointer("/state/terminated").is_some() {
                let name = json::text(status, "/name").unwrap_or("");
                story.say(format!(
                    "Container `{}` has ended and is not started again.",
                    text::clean(name, 60)
                ));
                story.see(&sick.seen, &format!("/status/containerStatuses/{at}/state/terminated/exitCode"));
                story.confidence = 0.9;
            }
        }
        // Nothing but the spec tells how it is probed.
        for name in &unready {
            if let Some((place, container)) = story::container(sick.seen.at("/spec"), name)
                && container.get("readinessProbe").is_some()
            {
                story.see(&sick.seen, &format!("/spec{place}/readinessProbe"));
                story.say(format!("Its readiness probe asks {}.", what(container, "readiness")));
                explain(container, "readiness", "", &mut story);
            }
        }
    }
    if let Some(node) = sick.pod.node.as_deref() {
        story.because(ObjectRef::new("v1", "Node", None, node));
    }
    let rollout = story.what_changed(context, &sick.workload);
    if let Some(end) = &end {
        story.say(format!(
            "Container `{}` {} and was restarted {} times.",
            text::clean(&end.container, 60),
            crash::ending(end),
            end.restarts
        ));
        story.see(&sick.seen, &format!("{}/exitCode", end.pointer));
    }
    for name in unready.iter().take(2) {
        let Some(log) = context.log(&sick.pod.reference, name, Run::Current) else { continue };
        let Some(cause) = log::explain(&log.lines) else { continue };
        let Some(line) = log.lines.get(cause.at) else { continue };
        story.say(format!("Its log says that {}: {}.", cause.kind.phrase(), story::quote(line)));
        story.evidence(log.evidence(cause.at));
        let container =
            story::container(sick.seen.at("/spec"), name).map_or(&Value::Null, |(_, container)| container);
        crash::by_cause(
            context,
            &sick.seen,
            &sick.workload,
            &cause.kind,
            container,
            rollout.as_ref(),
            &mut story,
        );
    }
    if let Some(event) = event {
        super::walled::check(context, sick, &event.message, findings);
    }
    let severity =
        if waited < PATIENCE_SECONDS && end.is_none() { Severity::Info } else { sick.severity(context) };
    let reason = if event.is_some() { "Unhealthy" } else { "NotReady" };
    findings.add(story.draft(
        severity,
        &sick.workload,
        reason,
        "What the probe should ask, or why the program does not answer it.",
    ));
}

/// The readiness gate that is not met.
fn gate(sick: &Sick<'_>) -> Option<String> {
    sick.seen
        .list("/spec/readinessGates")
        .iter()
        .filter_map(|gate| json::text(gate, "/conditionType"))
        .find(|gate| !sick.seen.condition_is(gate, "True"))
        .map(str::to_owned)
}

fn kind_of(message: &str) -> &'static str {
    if message.starts_with("Liveness") {
        "liveness"
    } else if message.starts_with("Startup") {
        "startup"
    } else {
        "readiness"
    }
}

/// What a probe asks, in words.
pub(in crate::rules) fn what(container: &Value, probe: &str) -> String {
    let at = |part: &str| container.pointer(&format!("/{probe}Probe/{part}"));
    let port = |value: Option<&Value>| match value {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(name)) => text::clean(name, 40),
        _ => "?".to_owned(),
    };
    if at("httpGet").is_some() {
        let path = at("httpGet/path").and_then(Value::as_str).unwrap_or("/");
        format!("for `{}` at port `{}`", text::clean(path, 100), port(at("httpGet/port")))
    } else if at("tcpSocket").is_some() {
        format!("whether port `{}` is open", port(at("tcpSocket/port")))
    } else if at("grpc").is_some() {
        format!("gRPC health at port `{}`", port(at("grpc/port")))
    } else if let Some(command) = at("exec/command").and_then(Value::as_array) {
        let words: Vec<&str> = command.iter().filter_map(Value::as_str).collect();
        format!("by running `{}`", text::clean(&words.join(" "), 120))
    } else {
        "nothing that is known here".to_owned()
    }
}

/// The port that a probe asks, resolved through the container's named ports.
/// The error names a port that the container does not declare.
pub(in crate::rules) fn port(container: &Value, probe: &str) -> Option<Result<i64, String>> {
    let value = ["httpGet", "tcpSocket", "grpc"]
        .iter()
        .find_map(|kind| container.pointer(&format!("/{probe}Probe/{kind}/port")))?;
    let name = match value {
        Value::Number(number) => return number.as_i64().map(Ok),
        Value::String(name) => name,
        _ => return None,
    };
    if let Ok(number) = name.parse() {
        return Some(Ok(number));
    }
    let found = json::list(container, "/ports")
        .iter()
        .find(|port| json::text(port, "/name") == Some(name))
        .and_then(|port| json::integer(port, "/containerPort"));
    Some(found.ok_or_else(|| name.clone()))
}

/// The ports that a container declares.
pub(in crate::rules) fn declared(container: &Value) -> Vec<i64> {
    json::list(container, "/ports").iter().filter_map(|port| json::integer(port, "/containerPort")).collect()
}

/// Sets what a failing probe got against what the container offers.
pub(super) fn explain(container: &Value, probe: &str, message: &str, story: &mut Story) {
    let lower = message.to_ascii_lowercase();
    let declared = declared(container);
    let asked = port(container, probe);
    if let Some(Err(name)) = &asked {
        story.say(format!(
            "The {probe} probe asks a port named `{}`, which the container does not declare.",
            text::clean(name, 60)
        ));
        story.confidence = story.confidence.max(0.95);
    }
    if let Some(Ok(asked)) = &asked
        && !declared.is_empty()
        && !declared.contains(asked)
    {
        story.say(format!(
            "The {probe} probe asks port {asked}, and the container declares {} only.",
            text::names(declared.iter().map(i64::to_string))
        ));
        story.confidence = story.confidence.max(0.95);
    } else if lower.contains("statuscode: 404") {
        let path = json::text(container, &format!("/{probe}Probe/httpGet/path")).unwrap_or("/");
        story.say(format!(
            "The program listens but has no `{}`: the path of the {probe} probe is wrong.",
            text::clean(path, 100)
        ));
        story.confidence = story.confidence.max(0.95);
    } else if lower.contains("statuscode: 401") || lower.contains("statuscode: 403") {
        story.say(format!("The program wants a login where the {probe} probe asks."));
    } else if lower.contains("statuscode: 5") {
        story.say("The program answers that it can not serve: the cause is in it or in what it depends on.");
    } else if lower.contains("connection refused") {
        story.say(format!("Nothing listens where the {probe} probe asks ({}).", what(container, probe)));
    } else if lower.contains("deadline exceeded") || lower.contains("timeout") || lower.contains("timed out")
    {
        let seconds = json::integer(container, &format!("/{probe}Probe/timeoutSeconds")).unwrap_or(1);
        story.say(format!("No answer comes within the probe's timeout of {seconds} s."));
    } else if lower.contains("http response to https")
        || lower.contains("server gave http response")
        || lower.contains("malformed http")
    {
        story.say("The probe and the program do not agree on HTTP or HTTPS.");
    }
}

/// What would put the probe right, where that is known.
pub(super) fn propose(
    workload: &ObjectRef,
    container: &Value,
    probe: &str,
    message: &str,
    story: &mut Story,
) {
    let name = json::text(container, "/name").unwrap_or("");
    let declared = declared(container);
    let kind = ["httpGet", "tcpSocket", "grpc"]
        .into_iter()
        .find(|kind| container.pointer(&format!("/{probe}Probe/{kind}")).is_some());
    let other = match port(container, probe) {
        Some(Ok(asked)) if !declared.is_empty() && !declared.contains(&asked) => true,
        Some(Err(_)) => true,
        _ => false,
    };
    if let (true, [only], Some(kind)) = (other, declared.as_slice(), kind) {
        story.act(actions::action(
            "patch-probe",
            workload,
            json!({ "container": name, "probe": probe, "set": { kind: { "port": only } } }),
            format!("Let the {probe} probe of container `{name}` ask port {only}"),
        ));
    } else if message.contains("statuscode: 404") {
        // That `/` answers is known of stock images alone.
        let image = json::text(container, "/image").unwrap_or("");
        if crate::rules::manifest::stock_port(image).is_some_and(|stock| stock.http) {
            story.act(actions::action(
                "patch-probe",
                workload,
                json!({ "container": name, "probe": probe, "set": { "httpGet": { "path": "/" } } }),
                format!("Let the {probe} probe of container `{name}` ask for `/`"),
            ));
        }
        story.act(actions::escalate(
            workload,
            format!("The path that the {probe} probe of container `{name}` should ask for."),
        ));
    }
}
