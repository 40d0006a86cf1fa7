//! The tool calls of an agent's investigation, as some agents record them.
//!
//! Only what tools answered is read, never what the agent made of it: a result
//! must be JSON of Kubernetes objects, text as kubectl prints it, or a log.
//! Summaries that a model wrote in between are left alone.

mod call;
pub(super) mod metrics;
mod repair;

use jiff::Timestamp;

use super::{logs::LogName, text::Command, time};
use crate::tree::Tree;
pub(super) use call::Call;

/// The word in the keys of labels and annotations that recorders mark objects
/// with. Such marks say what the case is about and are no part of the cluster.
pub(super) const RECORDER: &str = "kubernaut";

/// Bytes of a recorded investigation at most.
const MAX_BYTES: usize = 128 << 20;
/// Tool calls of one file at most.
const MAX_CALLS: usize = 20_000;

/// One answer of a tool, as something that a recording can hold.
pub(super) enum Answer {
    /// JSON or YAML; whether a List shows all there is.
    Objects {
        text: String,
        narrowed: bool,
    },
    /// What kubectl prints.
    Text {
        text: String,
        command: Command,
    },
    Log {
        name: LogName,
        text: String,
    },
}

/// An answer and where it came from.
pub(super) struct Answered {
    /// `kubectl_describe`.
    pub(super) tool: String,
    /// When the tool was called.
    pub(super) at: Option<Timestamp>,
    pub(super) answer: Answer,
}

/// The answers in a file, none where it is no recorded investigation.
pub(super) fn read(text: &str) -> Option<Vec<Answered>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    if let Some(call) = with_header(text) {
        return Some(call.answer().into_iter().collect());
    }
    let start = text.trim_start();
    if !start.starts_with(['{', '[']) || begins_as_objects(start) || !mentions_calls(text) {
        return None;
    }
    let tree = Tree::parse(text).ok()?;
    let mut calls = Vec::new();
    call::find(&tree, &mut calls);
    if calls.is_empty() {
        return None;
    }
    calls.truncate(MAX_CALLS);
    Some(calls.iter().filter_map(Call::answer).collect())
}

/// Objects and Lists say so at once; looking through all of a large List for
/// something else would take as long as reading it.
fn begins_as_objects(text: &str) -> bool {
    let first = text.trim_start_matches(['{', '[', ' ', '\n', '\r', '\t']);
    ["\"apiVersion\"", "\"kind\"", "\"items\""].iter().any(|key| first.starts_with(key))
}

fn mentions_calls(text: &str) -> bool {
    ["\"tool_name\"", "\"tool_result\"", "\"tool_call_id\"", "\"tool_calls\"", "\"toolName\"", "\"tool_use\""]
        .iter()
        .any(|key| text.contains(key))
}

/// A file whose first line is the call, the second line what is known of its
/// run, and the rest what the tool printed.
fn with_header(text: &str) -> Option<Call> {
    let (first, rest) = text.split_once('\n')?;
    if first.len() > 64 << 10 || !first.starts_with('{') || !first.contains("tool_name") {
        return None;
    }
    let header = Tree::parse(first).ok()?;
    let tool = header.text(&["tool_name"])?.to_owned();
    let mut arguments = header
        .get("match_params")
        .or_else(|| header.get("params"))
        .cloned()
        .map(Tree::into_owned)
        .unwrap_or(Tree::Null);
    let mut invocation = None;
    let mut output = rest;
    if let Some((second, after)) = rest.split_once('\n').or(Some((rest, "")))
        && second.starts_with('{')
        && let Ok(meta) = Tree::parse(second)
        && (meta.get("invocation").is_some()
            || meta.get("schema_version").is_some()
            || meta.get("params").is_some())
    {
        invocation = meta.text(&["invocation"]).map(str::to_owned);
        if arguments.is_empty()
            && let Some(params) = meta.get("params")
        {
            arguments = params.clone().into_owned();
        }
        output = after;
        if output.trim().is_empty()
            && let Some(data) = meta.text(&["data"])
        {
            return Some(Call { tool, arguments, invocation, result: data.to_owned(), at: None });
        }
    }
    Some(Call { tool, arguments, invocation, result: unwrapped(output).to_owned(), at: None })
}

/// The part between `stdout:` and `stderr:` where the two were written down.
fn unwrapped(output: &str) -> &str {
    let Some(rest) = output.trim_start_matches(['\n', '\r']).strip_prefix("stdout:") else { return output };
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
    match rest.rfind("\nstderr:") {
        Some(end) => &rest[..=end],
        None => rest.strip_prefix("stderr:").map_or(rest, |_| ""),
    }
}

/// When a call was made, by the keys that recorders use.
fn called_at(entry: &Tree<'_>) -> Option<Timestamp> {
    ["event_timestamp", "timestamp", "created_at", "time"]
        .iter()
        .find_map(|key| time::parse(entry.text(&[key])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let text = "{\"toolset_name\":\"k\",\"tool_name\":\"kubectl_describe\",\"match_params\":{\"kind\":\"pod\",\"name\":\"a\",\"namespace\":\"n\"}}\n{\"schema_version\": \"v1\", \"invocation\": \"kubectl describe pod a -n n\"}\nstdout:\nName:  a\n\nstderr:\n\n";
        let answers = read(text).unwrap();
        let Answer::Text { text, command } = &answers[0].answer else { panic!("no text") };
        assert_eq!(text.trim(), "Name:  a");
        assert_eq!(command.namespace.as_deref(), Some("n"));
    }

    #[test]
    fn only_results_are_read() {
        let text = r##"{"analysis":{"rootCause":"x"},"trace":[
            {"tool_name":"kubectl_logs","tool_arguments":"{\"name\":\"a\",\"namespace\":\"n\"}","tool_result":"fatal: no","event_timestamp":"2026-01-01T00:00:00Z"},
            {"tool_name":"kubectl_describe","tool_arguments":"{\"kind\":\"Pod\",\"name\":\"a\"}","tool_result":"# Summary\n\n**Pod** is bad"},
            {"tool_name":"kubectl_describe","tool_arguments":{"kind":"Pod","name":"a"},"tool_result":"{\"error\":\"not found\"}"},
            {"tool_name":"todo_write","tool_arguments":"{}","tool_result":"{}"}]}"##;
        let answers = read(text).unwrap();
        assert_eq!(answers.len(), 1);
        assert!(
            matches!(&answers[0].answer, Answer::Log { name, text } if name.pod == "a" && text == "fatal: no")
        );
    }

    #[test]
    fn messages_of_a_chat() {
        let text = r#"[{"role":"assistant","tool_calls":[{"id":"c1","function":{"name":"kubectl_get","arguments":"{\"kind\":\"pods\",\"namespace\":\"n\"}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"NAME  READY  STATUS  RESTARTS  AGE\na  0/1  Error  0  1m"}]"#;
        let answers = read(text).unwrap();
        assert!(
            matches!(&answers[0].answer, Answer::Text { command, .. } if command.kind.as_deref() == Some("pods"))
        );
    }

    #[test]
    fn other_files_are_none() {
        for text in ["", "{}", "[1,2]", "{\"kind\":\"Pod\"}", "Name: x", "{\"tool_name\":1}\nx"] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
