//! Logs of containers: where recordings keep them, and handing them out.

use std::collections::HashMap;

use sickbay_core::{
    cluster::{DEFAULT_LOG_BYTES, DEFAULT_TAIL_LINES, Log, LogQuery, MAX_LOG_BYTES},
    error::{CallError, ErrorKind},
};

use crate::redact;

/// Lines of an answer at most, so that a log of line feeds stays small.
const MAX_LINES: usize = 100_000;
/// Bytes kept of each log once the room for all is used up.
const SMALL: usize = 64 << 10;

/// Whose log a text is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LogName {
    pub(super) namespace: String,
    pub(super) pod: String,
    /// Empty where the recording does not say.
    pub(super) container: String,
    pub(super) previous: bool,
}

struct Kept {
    container: Box<str>,
    previous: bool,
    text: Box<str>,
    cut: bool,
}

#[derive(Default)]
pub(super) struct Logs {
    pods: HashMap<(Box<str>, Box<str>), Vec<Kept>>,
    bytes: usize,
    pub(super) count: usize,
}

impl Logs {
    /// Keeps the end of a log. Of two with the same name the longer one stays.
    pub(super) fn add(&mut self, name: &LogName, text: &str, cut: bool, each: usize, all: usize) {
        let keep = if self.bytes >= all { SMALL.min(each) } else { each };
        let (end, shortened) = tail(text, keep);
        let kept = Kept {
            container: name.container.as_str().into(),
            previous: name.previous,
            text: end.into(),
            cut: cut || shortened,
        };
        let logs = self.pods.entry((name.namespace.as_str().into(), name.pod.as_str().into())).or_default();
        let same =
            logs.iter_mut().find(|log| log.container == kept.container && log.previous == kept.previous);
        match same {
            Some(log) => {
                if log.text.len() < kept.text.len() {
                    self.bytes = self.bytes.saturating_sub(log.text.len()) + kept.text.len();
                    *log = kept;
                }
            }
            None => {
                self.bytes += kept.text.len();
                self.count += 1;
                logs.push(kept);
            }
        }
    }

    /// The end of a log, redacted. `containers` are the pod's, in order.
    pub(super) fn read(&self, query: &LogQuery, containers: &[String]) -> Result<Log, CallError> {
        let key = (query.namespace.as_str().into(), query.pod.as_str().into());
        let logs = self.pods.get(&key).map_or(&[][..], Vec::as_slice);
        let of_run = |container: &str| {
            logs.iter().find(|log| log.previous == query.previous && &*log.container == container)
        };
        let found = match &query.container {
            // A log whose container is not known is that of the only one.
            Some(container) => {
                of_run(container).or_else(|| if containers.len() <= 1 { of_run("") } else { None })
            }
            None => containers
                .iter()
                .find_map(|container| of_run(container))
                .or_else(|| logs.iter().find(|log| log.previous == query.previous)),
        };
        let Some(log) = found else { return Err(self.missing(query, logs)) };
        let lines = match query.tail_lines {
            0 => DEFAULT_TAIL_LINES as usize,
            lines => (lines as usize).min(MAX_LINES),
        };
        let bytes = match query.limit_bytes {
            0 => DEFAULT_LOG_BYTES,
            bytes => bytes.min(MAX_LOG_BYTES),
        } as usize;
        Ok(end_of(&log.text, lines, bytes, log.cut))
    }

    fn missing(&self, query: &LogQuery, logs: &[Kept]) -> CallError {
        let run = if query.previous { "previous log" } else { "log" };
        let of = query
            .container
            .as_ref()
            .map(|container| format!(", container `{container}`"))
            .unwrap_or_default();
        let message = format!("no {run} of pod `{}/{}`{of} was recorded", query.namespace, query.pod);
        let error = CallError::new(ErrorKind::NotFound, "no-log", redact::message(&message));
        let there: Vec<String> = logs
            .iter()
            .take(20)
            .map(|log| {
                let name = if log.container.is_empty() { "(unnamed)" } else { &log.container };
                format!("{name}{}", if log.previous { " (previous)" } else { "" })
            })
            .collect();
        if there.is_empty() { error } else { error.with_hint(format!("recorded are: {}", there.join(", "))) }
    }
}

/// At most so many bytes from the end, from the start of a line.
fn tail(text: &str, keep: usize) -> (&str, bool) {
    if text.len() <= keep {
        return (text, false);
    }
    let mut start = text.len() - keep;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let start = text[start..].find('\n').map_or(start, |at| start + at + 1);
    (&text[start..], true)
}

/// The last lines within both bounds, redacted.
fn end_of(text: &str, max_lines: usize, max_bytes: usize, cut: bool) -> Log {
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Log { lines: Vec::new(), truncated: cut };
    }
    let mut start = text.len();
    let mut count = 0;
    while start > 0 && count < max_lines {
        let line = text[..start].strip_suffix('\n').unwrap_or(&text[..start]);
        let at = line.rfind('\n').map_or(0, |at| at + 1);
        if text.len() - at > max_bytes {
            break;
        }
        start = at;
        count += 1;
    }
    let mut truncated = cut || start > 0;
    let mut part = &text[start..];
    if count == 0 {
        // One line longer than the bound: its end.
        let mut from = text.len() - max_bytes.min(text.len());
        while !text.is_char_boundary(from) {
            from += 1;
        }
        // Never from the middle of a word, that a credential may be.
        let from = text[from..].find(char::is_whitespace).map_or(text.len(), |at| from + at + 1);
        part = &text[from..];
        start = from;
        truncated = true;
    }
    let mut lines: Vec<String> = Vec::new();
    // A key that began before the first line is still a key.
    let inside = match (text[..start].rfind("-----BEGIN "), text[..start].rfind("-----END ")) {
        (Some(begin), end) if text[begin..start].contains("PRIVATE KEY") => end.is_none_or(|end| end < begin),
        _ => false,
    };
    if inside {
        lines.push("-----BEGIN PRIVATE KEY-----".to_owned());
    }
    lines.extend(part.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()));
    redact::lines(&mut lines);
    if inside {
        lines.remove(0);
    }
    Log { lines, truncated }
}

/// A log that a file's path names by itself.
pub(super) fn name_by_path(path: &str) -> Option<LogName> {
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    let file = *steps.last()?;
    let (stem, _) = file.rsplit_once('.')?;
    let log = |namespace: &str, pod: &str, container: &str, previous| {
        Some(LogName {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            container: container.to_owned(),
            previous,
        })
    };
    if !file.ends_with(".log") && !file.ends_with(".txt") {
        return None;
    }
    // Support bundle: pods/logs/NAMESPACE/POD/CONTAINER[-previous].log
    if let Some(at) = steps.iter().rposition(|step| *step == "logs")
        && at > 0
        && steps[at - 1] == "pods"
        && steps.len() == at + 4
    {
        let (container, previous) = previous(stem);
        return log(steps[at + 1], steps[at + 2], container, previous);
    }
    // OpenShift: NAMESPACE/pods/POD/CONTAINER/CONTAINER/logs/current.log
    if steps.len() >= 6
        && steps[steps.len() - 2] == "logs"
        && (stem == "current" || stem.starts_with("previous"))
    {
        let at = steps.iter().rposition(|step| *step == "pods").filter(|at| *at > 0)?;
        if at + 2 < steps.len() {
            return log(steps[at - 1], steps[at + 1], steps[at + 2], stem != "current");
        }
    }
    // A node's /var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log
    if steps.len() >= 3 && stem.bytes().all(|byte| byte.is_ascii_digit()) {
        let parts: Vec<&str> = steps[steps.len() - 3].split('_').collect();
        if let [namespace, pod, _] = parts.as_slice() {
            return log(namespace, pod, steps[steps.len() - 2], false);
        }
    }
    // A node's /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log
    let parts: Vec<&str> = stem.split('_').collect();
    if let [pod, namespace, rest] = parts.as_slice()
        && let Some((container, id)) = rest.rsplit_once('-')
        && id.len() == 64
    {
        return log(namespace, pod, container, false);
    }
    None
}

/// `api-previous` as `api` of the previous run.
pub(super) fn previous(stem: &str) -> (&str, bool) {
    for end in ["-previous", ".previous", "_previous"] {
        if let Some(name) = stem.strip_suffix(end) {
            return (name, true);
        }
    }
    (stem, stem == "previous")
}

/// A part of the output of `kubectl cluster-info dump`.
pub(super) enum DumpPart<'a> {
    Other(&'a str),
    Log(LogName, &'a str),
}

/// Takes the logs out of a dump, none where there are no markers.
pub(super) fn split_dump(text: &str) -> Option<Vec<DumpPart<'_>>> {
    const START: &str = "==== START logs for container ";
    if !text.starts_with(START) && !text.contains("\n==== START logs for container ") {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = find_marker(rest, START) {
        parts.push(DumpPart::Other(&rest[..at]));
        let marker = &rest[at..];
        let (line, body) = marker.split_once('\n').unwrap_or((marker, ""));
        let name = marker_name(line.trim_end());
        let end = find_marker(body, "==== END logs for container ").unwrap_or(body.len());
        if let Some(name) = name {
            parts.push(DumpPart::Log(name, &body[..end]));
        }
        let after = &body[end..];
        rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    }
    parts.push(DumpPart::Other(rest));
    Some(parts)
}

fn find_marker(text: &str, marker: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find(marker) {
        let at = from + at;
        if at == 0 || text.as_bytes()[at - 1] == b'\n' {
            return Some(at);
        }
        from = at + marker.len();
    }
    None
}

/// `==== START logs for container X of pod NAMESPACE/POD ====`
fn marker_name(line: &str) -> Option<LogName> {
    let rest = line.strip_prefix("==== START logs for container ")?.strip_suffix("====")?.trim_end();
    let (container, pod) = rest.split_once(" of pod ")?;
    let (namespace, pod) = pod.trim().split_once('/')?;
    Some(LogName {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        container: container.trim().to_owned(),
        previous: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_paths() {
        for (path, expect) in [
            ("b/cluster-resources/pods/logs/shop/api-1/web.log", "shop/api-1/web"),
            ("cluster-resources/pods/logs/shop/api-1/web-previous.log", "shop/api-1/web previous"),
            ("namespaces/shop/pods/api-1/web/web/logs/current.log", "shop/api-1/web"),
            ("namespaces/shop/pods/api-1/web/web/logs/previous.log", "shop/api-1/web previous"),
            ("var/log/pods/shop_api-1_0a1b/web/0.log", "shop/api-1/web"),
            ("x/readme.txt", "none"),
            ("logs.txt", "none"),
        ] {
            let found = name_by_path(path).map_or("none".to_owned(), |log| {
                let previous = if log.previous { " previous" } else { "" };
                format!("{}/{}/{}{previous}", log.namespace, log.pod, log.container)
            });
            assert_eq!(found, expect, "{path}");
        }
    }

    #[test]
    fn logs_in_a_dump() {
        let text = "{}\n==== START logs for container web of pod shop/api-1 ====\na\n{b\n==== END logs for container web of pod shop/api-1 ====\n[]";
        let parts = split_dump(text).unwrap();
        assert_eq!(parts.len(), 3);
        let DumpPart::Log(name, body) = &parts[1] else { panic!("no log") };
        assert_eq!((name.pod.as_str(), *body), ("api-1", "a\n{b\n"));
        let DumpPart::Other(rest) = parts[2] else { panic!("no rest") };
        assert_eq!(rest, "[]");
    }

    #[test]
    fn ends() {
        let check = |text: &str, lines, bytes, expect: &[&str], truncated| {
            let log = end_of(text, lines, bytes, false);
            assert_eq!(
                (log.lines.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), log.truncated),
                (expect, truncated),
                "{text:?}"
            );
        };
        check("a\nb\nc\n", 2, 100, &["b", "c"], true);
        check("a\nb\nc\n", 10, 100, &["a", "b", "c"], false);
        check("a\nb\nc", 10, 3, &["b", "c"], true);
        check("", 10, 3, &[], false);
        check("\n\n", 10, 30, &["", ""], false);
        check("one long line é", 10, 6, &["é"], true);
        check(
            "-----BEGIN PRIVATE KEY-----\nabc\ndef\n-----END PRIVATE KEY-----\nok",
            3,
            100,
            &["[redacted]", "[redacted]", "ok"],
            true,
        );
    }
}
