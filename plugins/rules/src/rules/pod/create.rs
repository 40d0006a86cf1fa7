//! Pods whose containers are not even made: configuration that is not there,
//! volumes that can not be mounted, no network for the sandbox.

use serde_json::Value;

use crate::{
    context::{Context, Run},
    diagnosis::{ObjectRef, Severity},
    findings::Findings,
    json, log,
    rules::pod::{
        Sick, crash, dependency, scheduling,
        story::{self, Story},
    },
    snapshot::{Event, Existence},
    text,
};

/// A pod may take that long to start before anything is said.
const PATIENCE_SECONDS: i64 = 300;
/// An init container may run that long: its workload counts as down by then.
const INIT_SECONDS: i64 = 120;

/// A container that the kubelet says it can not make, and why.
pub(super) fn check(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let reason = sick.problem.strip_prefix("Init:").unwrap_or(&sick.problem);
    let mut story = Story::new(0.93);
    let mut name = "";
    let mut words = String::new();
    for statuses in ["/status/initContainerStatuses", "/status/containerStatuses"] {
        for (at, status) in sick.seen.list(statuses).iter().enumerate() {
            for state in ["state/waiting", "state/terminated", "lastState/terminated"] {
                let place = format!("{statuses}/{at}/{state}");
                if words.is_empty() && sick.seen.text(&format!("{place}/reason")) == Some(reason) {
                    name = json::text(status, "/name").unwrap_or("");
                    words = sick.seen.text(&format!("{place}/message")).unwrap_or("").to_owned();
                    story.see(&sick.seen, &format!("{place}/reason"));
                    story.see(&sick.seen, &format!("{place}/message"));
                }
            }
        }
    }
    if words.is_empty()
        && let Some(event) = context.events(&sick.pod.reference).last()
    {
        words.clone_from(&event.message);
        story.evidence(event.evidence());
    }
    if name.is_empty() {
        story.say(format!("{} does not start ({reason}).", sick.subject()));
        story.see(&sick.seen, "/status/phase");
    } else {
        story.say(format!(
            "{} does not start: container `{}` can not be made ({reason}).",
            sick.subject(),
            text::clean(name, 60)
        ));
    }
    // What it means comes before the words that it was told in.
    let need = meaning(context, sick, &words, &mut story)
        .unwrap_or_else(|| format!("What container `{name}` needs in order to be made."));
    if !words.is_empty() {
        story.say(format!("The kubelet says: {}.", story::quote(&words)));
    }
    story.what_changed(context, &sick.workload);
    let reason = if reason.is_empty() { "Waiting" } else { reason };
    findings.add(story.draft(sick.severity(context), &sick.workload, reason, &need));
}

/// What the kubelet's words mean; answers what a person has to supply.
fn meaning(context: &Context<'_>, sick: &Sick<'_>, words: &str, story: &mut Story) -> Option<String> {
    let lower = words.to_ascii_lowercase();
    let space = sick.pod.namespace();
    for (kind, mark) in [("ConfigMap", "configmap \""), ("Secret", "secret \"")] {
        if lower.contains(mark) && lower.contains("not found") {
            let at = lower.find(mark)?;
            let name = log::name::quoted_after(words.get(at..)?, " ")?;
            return Some(missing(context, kind, space, name, story));
        }
    }
    if lower.contains("couldn't find key") {
        // couldn't find key KEY in ConfigMap shop/settings
        let key = log::name::word_after(words, "find key ")?;
        let kind = if lower.contains(" in secret") { "Secret" } else { "ConfigMap" };
        let path = log::name::word_after(words, &format!(" in {kind} "))?;
        let name = path.rsplit('/').next()?;
        let keys: Vec<String> = context
            .snapshot
            .find(kind, space, name)
            .map(|seen| seen.entries("/data").map(|(key, _)| key.to_owned()).collect())
            .unwrap_or_default();
        story.say(format!(
            "The {kind} `{}` has no key `{}`{}.",
            text::clean(name, 80),
            text::clean(key, 80),
            having(&keys)
        ));
        if let Some(near) = keys.iter().find(|candidate| text::near(candidate, key)) {
            story.say(format!("`{}` is meant, perhaps.", text::clean(near, 80)));
        }
        if let Some(seen) = context.snapshot.find(kind, space, name) {
            story.see(seen, "/metadata/name");
        }
        return Some(format!("The key `{key}` in the {kind} `{name}`, or a reference to another key."));
    }
    if lower.contains("runasnonroot") {
        story.say(
            "Its security context wants a user that is not root, and the image runs as root or does not say.",
        );
        return Some("A `runAsUser` above 0, or an image that is not run as root.".to_owned());
    }
    if lower.contains("executable file not found")
        || lower.contains("no such file or directory") && lower.contains("exec:")
    {
        let name = log::name::quoted_after(words, "exec:").unwrap_or("its command");
        story.say(format!("The image has no executable `{}`.", text::clean(name, 100)));
        return Some("The command that the container should run.".to_owned());
    }
    if lower.contains("exec format error") {
        story.say("The image was built for another processor architecture than that of the node.");
        return Some("An image for the node's architecture.".to_owned());
    }
    if lower.contains("permission denied") && lower.contains("exec") {
        story.say("The command is there but may not be executed by the container's user.");
        return Some("A command that may be executed.".to_owned());
    }
    if lower.contains("not a directory") {
        story.say("A file is mounted over a directory, or a directory over a file.");
        return Some("A mount path that fits what is mounted.".to_owned());
    }
    None
}

fn having(keys: &[String]) -> String {
    if keys.is_empty() { String::new() } else { format!(", only {}", text::names(keys)) }
}

/// Says that a ConfigMap or Secret is not there.
fn missing(context: &Context<'_>, kind: &str, space: &str, name: &str, story: &mut Story) -> String {
    let shown = text::clean(name, 100);
    story.say(format!(
        "The {kind} `{shown}` that it refers to is not in the namespace `{}`.",
        text::clean(space, 80)
    ));
    story.confidence = story.confidence.max(0.96);
    let here = context
        .snapshot
        .all(kind)
        .filter(|seen| seen.namespace() == space)
        .map(|seen| seen.name())
        .find(|other| text::near(other, name));
    let elsewhere = context.snapshot.all(kind).find(|seen| seen.name() == name && seen.namespace() != space);
    if let Some(here) = here {
        story.say(format!("`{}` is meant, perhaps.", text::clean(here, 100)));
    } else if let Some(elsewhere) = elsewhere {
        story.say(format!(
            "One of that name is in the namespace `{}`.",
            text::clean(elsewhere.namespace(), 80)
        ));
    }
    format!("The {kind} `{shown}` with its contents, or a reference to another one.")
}

/// A pod that waits for its containers to be made.
pub(super) fn waiting(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let events = context.events(&sick.pod.reference);
    let telling: Vec<&Event> = events
        .iter()
        .rev()
        .filter(|event| {
            matches!(
                event.reason.as_str(),
                "FailedMount"
                    | "FailedAttachVolume"
                    | "FailedMapVolume"
                    | "FailedCreatePodSandBox"
                    | "NetworkNotReady"
                    | "FailedCreatePodContainer"
                    | "Failed"
                    | "FailedScheduling"
            )
        })
        .collect();
    let waited = sick.pod.created.map_or(0, |created| context.now - created);
    let Some(first) = telling
        .iter()
        .find(|event| !event.message.contains("timed out waiting for the condition"))
        .or_else(|| telling.first())
    else {
        if sick.pod.node.is_none()
            && &*sick.problem == "Pending"
            && scheduling::silent(context, sick, findings)
        {
            return;
        }
        if waited > INIT_SECONDS && initializing(context, sick, findings) {
            return;
        }
        if waited > PATIENCE_SECONDS {
            let mut story = Story::new(0.7);
            story.say(format!(
                "{} has been starting for {} and nothing says why.",
                sick.subject(),
                crate::time::age(waited)
            ));
            story.see(&sick.seen, "/status/phase");
            story.see(&sick.seen, "/metadata/creationTimestamp");
            findings.add(story.draft(
                Severity::Warning,
                &sick.workload,
                &sick.problem,
                "Why the kubelet makes no containers: its own log.",
            ));
        }
        return;
    };
    let mut story = Story::new(0.92);
    story.say(format!("{} does not start: {}.", sick.subject(), story::quote(&first.message)));
    story.evidence(telling.iter().take(3).filter_map(|event| event.evidence()));
    for (at, status) in sick.seen.list("/status/containerStatuses").iter().enumerate() {
        if json::text(status, "/state/waiting/reason").is_some() {
            story.see(&sick.seen, &format!("/status/containerStatuses/{at}/state/waiting/reason"));
        }
    }
    let need = mount(context, sick, &first.message, &mut story);
    story.what_changed(context, &sick.workload);
    let severity = if first.count > 1 || waited > 60 { sick.severity(context) } else { Severity::Warning };
    findings.add(story.draft(severity, &sick.workload, &first.reason, &need));
}

/// An init container that runs and does not come to its end: it waits for
/// something, as its log or its command may tell.
fn initializing(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) -> bool {
    let statuses = sick.seen.list("/status/initContainerStatuses");
    let Some(at) = statuses.iter().position(|status| status.pointer("/state/running").is_some()) else {
        return false;
    };
    let place = format!("/status/initContainerStatuses/{at}");
    let name = sick.seen.text(&format!("{place}/name")).unwrap_or("");
    let container =
        story::container(sick.seen.at("/spec"), name).map_or(&Value::Null, |(_, container)| container);
    // A sidecar is an init container that is meant to stay.
    if json::text(container, "/restartPolicy") == Some("Always") {
        return false;
    }
    let since = sick.seen.text(&format!("{place}/state/running/startedAt")).and_then(crate::time::parse);
    let mut story = Story::new(0.85);
    story.say(format!(
        "{} does not start: its init container `{}` has been running for {} and does not end.",
        sick.subject(),
        text::clean(name, 60),
        crate::time::age(since.map_or(0, |since| context.now - since))
    ));
    story.see(&sick.seen, &format!("{place}/state/running/startedAt"));
    story.see(&sick.seen, "/status/phase");
    let cause = context.log(&sick.pod.reference, name, Run::Current).and_then(|log| {
        let cause = log::explain(&log.lines)?;
        story.say(format!(
            "Its log says that {}: {}.",
            cause.kind.phrase(),
            story::quote(log.lines.get(cause.at)?)
        ));
        story.evidence(log.evidence(cause.at));
        Some(cause)
    });
    if let Some(cause) = cause {
        crash::by_cause(context, &sick.seen, &sick.workload, &cause.kind, container, None, &mut story);
    } else {
        let script = crash::words(container).join(" ");
        let mut words =
            script.split(|c: char| c.is_whitespace() || matches!(c, ';' | '"' | '\'' | ')' | '('));
        let asks = words.find(|word| {
            matches!(*word, "nslookup" | "nc" | "curl" | "wget" | "ping" | "pg_isready" | "dig" | "host")
        });
        let host = asks.and_then(|_| words.find(|word| !word.starts_with('-') && !word.is_empty()));
        if let Some(target) = host.and_then(log::name::target_of) {
            story.say(format!("Its command waits for `{}`.", text::clean(&target.host, 120)));
            dependency::explain(context, sick.pod.namespace(), &target, &mut story);
        }
    }
    let need = format!("What init container `{}` waits for.", text::clean(name, 60));
    findings.add(story.draft(sick.severity(context), &sick.workload, "PodInitializing", &need));
    true
}

/// What the words about a mount or sandbox mean.
fn mount(context: &Context<'_>, sick: &Sick<'_>, words: &str, story: &mut Story) -> String {
    let lower = words.to_ascii_lowercase();
    let space = sick.pod.namespace();
    for (kind, mark) in [("ConfigMap", "configmap \""), ("Secret", "secret \"")] {
        if lower.contains(mark)
            && lower.contains("not found")
            && let Some(name) = lower
                .find(mark)
                .and_then(|at| words.get(at..))
                .and_then(|rest| log::name::quoted_after(rest, " "))
        {
            return missing(context, kind, space, name, story);
        }
    }
    if lower.contains("references non-existent config key")
        || lower.contains("references non-existent secret key")
    {
        let key = log::name::word_after(words, "key: ").unwrap_or("?");
        story.say(format!(
            "A volume names the key `{}`, which its ConfigMap or Secret does not have.",
            text::clean(key, 80)
        ));
        return format!("The key `{key}`, or a volume that names another.");
    }
    for volume in sick.seen.list("/spec/volumes") {
        if let Some(claim) = json::text(volume, "/persistentVolumeClaim/claimName") {
            story.because(ObjectRef::new("v1", "PersistentVolumeClaim", Some(space), claim));
            if context.snapshot.existence("PersistentVolumeClaim", space, claim) == Existence::Absent {
                story.say(format!("The PersistentVolumeClaim `{}` does not exist.", text::clean(claim, 80)));
            }
        }
        let named = json::text(volume, "/name").is_some_and(|name| words.contains(&format!("\"{name}\"")));
        if named && let Some(path) = json::text(volume, "/hostPath/path") {
            let kind = json::text(volume, "/hostPath/type").unwrap_or("");
            story.say(format!(
                "The volume is the path `{}` of the node, which is not there as the type `{}` wants it.",
                text::clean(path, 120),
                text::clean(kind, 40)
            ));
            return "A path that is on every node where the pod may run, or the type `DirectoryOrCreate`."
                .to_owned();
        }
    }
    if lower.contains("multi-attach error") {
        story.say("The volume is still attached to another node and can be on one only.");
        return "That the pod on the other node ends, so that the volume is let go.".to_owned();
    }
    if let Some(node) = sick.pod.node.as_deref() {
        story.because(ObjectRef::new("v1", "Node", None, node));
    }
    if lower.contains("network plugin") || lower.contains("cni") || lower.contains("failed to setup network")
    {
        story.say("The node's network plugin does not give the pod an address.");
        return "The network plugin on the node.".to_owned();
    }
    if lower.contains("runtimeclass") || lower.contains("runtime handler") {
        story.say("The RuntimeClass that the pod names has no handler on the node.");
        return "A RuntimeClass that the node has.".to_owned();
    }
    "What the volume or sandbox needs, as the kubelet says.".to_owned()
}
