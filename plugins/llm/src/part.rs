//! The parts of which the snapshot is made. A part shows one observed object,
//! or the end of one log, as lines that are each a JSON Pointer and the value
//! there: what a claim has to cite stands ready to be copied.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sickbay_plugin::types::ObjectRef;

use crate::{json, seen::Seen, text};

/// Characters of one value that are shown.
const VALUE: usize = 240;
/// Lines of one part.
const MOST_LINES: usize = 80;
const MOST_DEPTH: usize = 12;

/// What a part shows, kept so that citations can be checked.
#[derive(Clone, Debug)]
pub enum Source {
    Object(Seen),
    Log { observation: String, pod: ObjectRef, lines: Vec<String> },
}

/// How much a part is worth. The order is that in which room is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// What is not well, and how.
    Status,
    /// What was said about it: events and logs.
    Story,
    /// How it is meant to be: templates, revisions, references.
    Design,
    /// What may have to do with it.
    Context,
}

#[derive(Clone, Debug)]
pub struct Part {
    pub tier: Tier,
    /// Parts of one case stand together; 0 is the worst.
    pub case: usize,
    pub heading: String,
    pub lines: Vec<String>,
    pub source: Source,
}

impl Part {
    /// The parts of an object under these pointers.
    #[must_use]
    pub fn of(tier: Tier, case: usize, seen: &Seen, remark: &str, pointers: &[&str]) -> Self {
        let mut lines = Vec::new();
        for pointer in pointers {
            if let Some(value) = seen.json.pointer(pointer) {
                flatten(value, pointer, MOST_DEPTH, &mut lines);
            }
        }
        Self { tier, case, heading: heading(seen, remark), lines, source: Source::Object(seen.clone()) }
    }

    /// Adds what the plugin worked out; it has no pointer and can not be cited.
    #[must_use]
    pub fn note(mut self, note: String) -> Self {
        self.lines.insert(0, format!("note: {note}"));
        self
    }

    /// Adds that nothing stands at a pointer, which can be cited as null.
    #[must_use]
    pub fn absent(mut self, pointer: &str) -> Self {
        self.lines.push(format!("{pointer} = null"));
        self
    }

    /// The end of a log: its last lines, and before those what looks like trouble.
    #[must_use]
    pub fn log(
        case: usize,
        pod: &ObjectRef,
        container: &str,
        remark: &str,
        observation: &str,
        lines: &[String],
    ) -> Self {
        let container = if text::is_plain(container, 63) { container } else { "?" };
        let shown = telling(lines).into_iter().filter_map(|at| {
            let (quoted, cut) = text::quote(lines.get(at)?, VALUE);
            Some(format!("/lines/{at} = {quoted}{}", if cut { " (cut)" } else { "" }))
        });
        Self {
            tier: Tier::Story,
            case,
            heading: format!(
                "# {} log of {}, container {container}{remark}",
                text::word(observation, 40),
                words(pod)
            ),
            lines: shown.collect(),
            source: Source::Log {
                observation: observation.to_owned(),
                pod: pod.clone(),
                lines: lines.to_vec(),
            },
        }
    }

    /// The part within so many bytes; none where it has nothing to say, or not
    /// even its first line fits.
    #[must_use]
    pub fn render(&self, most: usize) -> Option<String> {
        const CUT: usize = 40;
        let mut shown = String::new();
        let _ = writeln!(shown, "{}", self.heading);
        for (at, line) in self.lines.iter().enumerate() {
            let last = at + 1 == self.lines.len();
            if shown.len() + line.len() + 1 + if last { 0 } else { CUT } > most {
                if at == 0 {
                    return None;
                }
                let _ = writeln!(shown, "({} more left out)", text::count(self.lines.len() - at, "line"));
                break;
            }
            let _ = writeln!(shown, "{line}");
        }
        (shown.len() <= most && !self.lines.is_empty()).then_some(shown)
    }
}

/// `# o3 apiVersion=apps/v1 kind=Deployment namespace=shop name=api (Unavailable)`
fn heading(seen: &Seen, remark: &str) -> String {
    let observation = text::word(&seen.observation, 40);
    let remark = if remark.is_empty() { String::new() } else { format!(" ({remark})") };
    format!("# {observation} {}{remark}", words(&seen.reference))
}

/// A reference as the model has to give it back. Its parts are plain.
#[must_use]
pub fn words(object: &ObjectRef) -> String {
    let namespace = object.namespace.as_ref().map(|space| format!(" namespace={space}")).unwrap_or_default();
    format!("apiVersion={} kind={}{namespace} name={}", object.api_version, object.kind, object.name)
}

/// Keys that say nothing to a diagnosis.
const NOISE: &[&str] = &[
    "containerID",
    "imageID",
    "lastProbeTime",
    "lastUpdateTime",
    "lastHeartbeatTime",
    "observedGeneration",
    "uid",
    "resourceVersion",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "collisionCount",
    "defaultMode",
    "pod-template-hash",
    "controller-revision-hash",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "job-name",
];

/// Keys that are shown before the others of their map.
const FIRST: &[&str] = &[
    "name",
    "type",
    "status",
    "reason",
    "message",
    "image",
    "command",
    "args",
    "env",
    "envFrom",
    "ports",
    "resources",
    "readinessProbe",
    "livenessProbe",
    "startupProbe",
    "phase",
    "ready",
    "restartCount",
    "state",
    "lastState",
];

/// One line for each value, lists of short values in one.
fn flatten(value: &Value, pointer: &str, depth: usize, lines: &mut Vec<String>) {
    if lines.len() >= MOST_LINES || pointer.len() > 400 {
        return;
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => lines.push(format!("{pointer} = {value}")),
        Value::String(long) => {
            let (quoted, cut) = text::quote(long, VALUE);
            lines.push(format!("{pointer} = {quoted}{}", if cut { " (cut)" } else { "" }));
        }
        Value::Array(items) => {
            if let Some(short) = short_list(items) {
                lines.push(format!("{pointer} = {short}"));
                return;
            }
            for (at, item) in items.iter().enumerate().filter(|(_, item)| !goes_without_saying(item)) {
                flatten(item, &format!("{pointer}/{at}"), depth, lines);
            }
        }
        Value::Object(map) => {
            for (key, item) in ordered(map) {
                let step = json::step(key);
                if text::is_plain(&step, 253) {
                    flatten(item, &format!("{pointer}/{step}"), depth, lines);
                }
            }
        }
    }
}

fn ordered(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let place = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    let mut entries: Vec<_> = map.iter().filter(|(key, _)| !NOISE.contains(&key.as_str())).collect();
    entries.sort_by_key(|(key, _)| place(key));
    entries
}

/// `["sh", "-c", "sleep 1"]`, where it fits on a line.
fn short_list(items: &[Value]) -> Option<String> {
    if items.is_empty() || items.len() > 20 {
        return None;
    }
    let mut parts = Vec::new();
    let mut length = 0;
    for item in items {
        let part = match item {
            Value::String(short) => text::quote(short, VALUE).0,
            Value::Bool(_) | Value::Number(_) => item.to_string(),
            _ => return None,
        };
        length += part.len() + 2;
        if length > VALUE {
            return None;
        }
        parts.push(part);
    }
    Some(format!("[{}]", parts.join(", ")))
}

/// Conditions that are as they should be, and what every pod gets.
fn goes_without_saying(item: &Value) -> bool {
    let given = |key: &str, prefix: &str| json::text(item, key).is_some_and(|text| text.starts_with(prefix));
    if given("/name", "kube-api-access-")
        || (given("/key", "node.kubernetes.io/") && item.get("tolerationSeconds").is_some())
    {
        return true;
    }
    let (Some(kind), Some(status)) = (json::text(item, "/type"), json::text(item, "/status")) else {
        return false;
    };
    let good = match kind {
        "MemoryPressure" | "DiskPressure" | "PIDPressure" | "NetworkUnavailable" | "ReplicaFailure"
        | "Failed" => "False",
        _ => "True",
    };
    status == good && !matches!(kind, "Failed" | "Complete" | "Progressing" | "ScalingLimited" | "Suspended")
}

/// The last lines that are always shown, and those before that are.
const LAST: usize = 8;
const TROUBLED: usize = 14;
const TROUBLE: &[&str] = &[
    "error",
    "fatal",
    "panic",
    "exception",
    "traceback",
    "fail",
    "refused",
    "denied",
    "forbidden",
    "cannot",
    "can't",
    "unable",
    "missing",
    "not found",
    "no such",
    "invalid",
    "timed out",
    "timeout",
    "killed",
    "out of memory",
    "warn",
];

/// The places of the lines that tell most, in order; of lines that differ in
/// digits alone the last.
fn telling(lines: &[String]) -> Vec<usize> {
    let mut shown: Vec<usize> = Vec::new();
    let mut alike = std::collections::HashSet::new();
    let (mut last, mut troubled) = (0, 0);
    for (at, line) in lines.iter().enumerate().rev() {
        let head = text::excerpt(line, 2_000);
        if head.trim().is_empty() {
            continue;
        }
        let shape: String = head.chars().filter(|letter| !letter.is_ascii_digit()).take(200).collect();
        if !alike.insert(shape) {
            continue;
        }
        if last < LAST {
            last += 1;
            shown.push(at);
        } else if troubled < TROUBLED && is_trouble(head) {
            troubled += 1;
            shown.push(at);
        }
    }
    shown.reverse();
    shown
}

fn is_trouble(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    TROUBLE.iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::json;

    use super::*;

    fn pod(status: Value) -> Seen {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "api"}, "status": status});
        Seen::parse(&Rc::from("o3"), &pod.to_string()).unwrap()
    }

    #[test]
    fn a_part_is_pointers_and_values() {
        let seen = pod(json!({"phase": "Running", "conditions": [
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", "status": "False", "message": "a <b>\nc", "lastProbeTime": "x"}]}));
        let part = Part::of(Tier::Status, 0, &seen, "NotReady", &["/status"]);
        assert_eq!(
            part.render(1_000).unwrap(),
            "# o3 apiVersion=v1 kind=Pod namespace=shop name=api (NotReady)\n\
             /status/phase = \"Running\"\n\
             /status/conditions/1/type = \"Ready\"\n\
             /status/conditions/1/status = \"False\"\n\
             /status/conditions/1/message = \"a \\u003cb\\u003e\\nc\"\n"
        );
        let short = part.render(140).unwrap();
        assert!(short.len() <= 140 && short.contains("3 lines more left out)"), "{short}");
        assert_eq!(part.render(40), None);
    }

    #[test]
    fn a_log_keeps_its_end_and_its_trouble() {
        let lines: Vec<String> = (0..100)
            .map(
                |at| if at == 7 { "KeyError: 'A'".to_owned() } else { format!("{} ok", "x".repeat(at % 30)) },
            )
            .collect();
        let part = Part::log(0, &pod(json!({})).reference, "app", "", "o9", &lines);
        assert_eq!(part.lines.len(), LAST + 1, "{:?}", part.lines);
        assert_eq!(part.lines[0], "/lines/7 = \"KeyError: 'A'\"");
        assert!(part.heading.starts_with("# o9 log of apiVersion=v1 kind=Pod"));
    }

    #[test]
    fn deep_and_wide_objects_end() {
        let mut deep = json!(1);
        for _ in 0..60 {
            deep = json!({ "a": deep });
        }
        let wide: Map<String, Value> = (0..1_000).map(|at| (format!("k{at}"), json!("x"))).collect();
        let part = Part::of(Tier::Status, 0, &pod(json!({"deep": deep, "wide": wide})), "", &["/status"]);
        assert!(
            part.lines.len() <= MOST_LINES && !part.lines.iter().any(|line| line.starts_with("/status/deep"))
        );
    }
}
