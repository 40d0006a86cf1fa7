//! One call of a tool, and what its answer is.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Answer, Answered, called_at, repair};
use crate::{
    recorded::{
        logs::LogName,
        text::{self, Command},
    },
    tree::Tree,
};

/// A call with its result.
#[derive(Debug)]
pub(in crate::recorded) struct Call {
    pub(super) tool: String,
    pub(super) arguments: Tree<'static>,
    /// The command that the tool ran.
    pub(super) invocation: Option<String>,
    pub(super) result: String,
    pub(super) at: Option<Timestamp>,
}

const NAMES: &[&str] = &["tool_name", "toolName", "tool", "name"];
const ARGUMENTS: &[&str] =
    &["tool_arguments", "arguments", "args", "input", "params", "tool_input", "match_params"];
const RESULTS: &[&str] = &["tool_result", "result", "output", "toolResult", "response"];

/// Finds calls wherever they stand in a document.
pub(super) fn find(tree: &Tree<'_>, calls: &mut Vec<Call>) {
    let mut open: HashMap<String, (String, Tree<'static>)> = HashMap::new();
    walk(tree, calls, &mut open);
}

fn walk(tree: &Tree<'_>, calls: &mut Vec<Call>, open: &mut HashMap<String, (String, Tree<'static>)>) {
    match tree {
        Tree::Array(items) => items.iter().for_each(|item| walk(item, calls, open)),
        Tree::Object(fields) => {
            if let Some(call) = whole(tree) {
                calls.push(call);
                return;
            }
            if let Some((id, name, arguments)) = asked(tree) {
                open.insert(id, (name, arguments));
                return;
            }
            if let Some((id, result)) = answered(tree)
                && let Some((tool, arguments)) = open.get(&id)
            {
                let (tool, arguments) = (tool.clone(), arguments.clone());
                calls.push(Call { tool, arguments, invocation: None, result, at: called_at(tree) });
                return;
            }
            for (_, value) in fields {
                walk(value, calls, open);
            }
        }
        _ => {}
    }
}

fn first<'t>(tree: &'t Tree<'_>, keys: &[&str]) -> Option<&'t str> {
    keys.iter().find_map(|key| tree.text(&[key]))
}

/// An entry with name, arguments and result.
fn whole(tree: &Tree<'_>) -> Option<Call> {
    let tool = first(tree, NAMES).filter(|tool| is_of_interest(tool))?;
    let arguments = ARGUMENTS.iter().find_map(|key| tree.get(key)).map(object_of)?;
    let result = RESULTS.iter().find_map(|key| tree.get(key)).and_then(text_of)?;
    let invocation = tree.text(&["invocation"]).map(str::to_owned);
    Some(Call { tool: tool.to_owned(), arguments, invocation, result, at: called_at(tree) })
}

/// The request of a chat: `{"id", "function": {"name", "arguments"}}`, or
/// `{"type": "tool_use", "id", "name", "input"}`.
fn asked(tree: &Tree<'_>) -> Option<(String, String, Tree<'static>)> {
    let id = tree.text(&["id"])?;
    let function = tree.get("function").unwrap_or(tree);
    let name = function.text(&["name"]).filter(|name| is_of_interest(name))?;
    let arguments = ["arguments", "input"].iter().find_map(|key| function.get(key)).map(object_of)?;
    Some((id.to_owned(), name.to_owned(), arguments))
}

/// The answer in a chat: by the id of the request.
fn answered(tree: &Tree<'_>) -> Option<(String, String)> {
    let id = first(tree, &["tool_call_id", "tool_use_id"])?;
    Some((id.to_owned(), tree.get("content").and_then(text_of)?))
}

fn is_of_interest(tool: &str) -> bool {
    let tool = tool.to_ascii_lowercase();
    [
        "kubectl",
        "kube",
        "k8s",
        "logs",
        "describe",
        "events",
        "prometheus",
        "get_pod",
        "get_resource",
        "list_pods",
    ]
    .iter()
    .any(|word| tool.contains(word))
}

/// Arguments, that may be JSON within a string.
fn object_of(value: &Tree<'_>) -> Tree<'static> {
    match value {
        Tree::String(text) => Tree::parse(text).map_or(Tree::Null, Tree::into_owned),
        other => other.clone().into_owned(),
    }
}

/// A result, that may be parts of text.
fn text_of(value: &Tree<'_>) -> Option<String> {
    match value {
        Tree::String(text) => Some(text.clone().into_owned()),
        Tree::Array(parts) if parts.iter().any(|part| part.text(&["text"]).is_some()) => {
            let parts: Vec<&str> = parts.iter().filter_map(|part| part.text(&["text"])).collect();
            Some(parts.join("\n"))
        }
        Tree::Object(_) | Tree::Array(_) => Some(value.to_json()),
        _ => None,
    }
}

impl Call {
    fn argument(&self, keys: &[&str]) -> Option<&str> {
        first(&self.arguments, keys).filter(|text| !text.is_empty())
    }

    /// The call as the kubectl command that it stands for.
    fn command(&self) -> Command {
        let typed = self.invocation.as_deref().and_then(Command::parse);
        let typed = typed.or_else(|| self.argument(&["command", "cmd"]).and_then(Command::parse));
        let tool = self.tool.to_ascii_lowercase();
        let verb =
            ["describe", "events", "logs", "top", "get", "find"].iter().find(|verb| tool.contains(**verb));
        let mut command = typed.unwrap_or_default();
        if command.verb.is_empty() {
            (*verb.unwrap_or(&"")).clone_into(&mut command.verb);
        }
        let fill = |slot: &mut Option<String>, keys: &[&str]| {
            if slot.is_none() {
                *slot = self.argument(keys).map(str::to_owned);
            }
        };
        fill(&mut command.kind, &["kind", "resource_type", "resourceType", "resource"]);
        fill(&mut command.name, &["name", "pod_name", "podName", "pod", "resource_name"]);
        fill(&mut command.namespace, &["namespace", "ns"]);
        fill(&mut command.container, &["container", "container_name", "containerName"]);
        command.narrowed |= command.name.is_some()
            || self
                .argument(&[
                    "keyword",
                    "selector",
                    "label_selector",
                    "labelSelector",
                    "label",
                    "field_selector",
                    "grep",
                ])
                .is_some();
        command.all_namespaces |= tool.contains("cluster");
        command.previous |=
            tool.contains("previous") || matches!(self.arguments.get("previous"), Some(Tree::Bool(true)));
        command
    }

    /// What the answer is; none where it is of no use.
    pub(in crate::recorded) fn answer(&self) -> Option<Answered> {
        let text = self.result.as_str();
        let trimmed = text.trim();
        let answered = |answer| Some(Answered { tool: self.tool.clone(), at: self.at, answer });
        if trimmed.is_empty() || trimmed == "null" || is_failure(trimmed) {
            return None;
        }
        let command = self.command();
        if trimmed.starts_with(['{', '[']) && !is_log_line(trimmed) {
            if is_error_object(trimmed) {
                return None;
            }
            let text = repair::json(trimmed).unwrap_or_else(|| trimmed.to_owned());
            return answered(Answer::Objects { text, narrowed: command.narrowed });
        }
        if is_written_by_a_model(trimmed) {
            return None;
        }
        let tool = self.tool.to_ascii_lowercase();
        if tool.contains("log") || command.verb == "logs" {
            let pod = command.name?;
            let pod = pod.strip_prefix("pod/").unwrap_or(&pod).to_owned();
            let name = LogName {
                namespace: command.namespace.unwrap_or_else(|| "default".to_owned()),
                pod,
                container: command.container.unwrap_or_default(),
                previous: command.previous,
            };
            return answered(Answer::Log { name, text: text.trim_end().to_owned() });
        }
        if text.lines().any(|line| line.starts_with("apiVersion:"))
            && text.lines().any(|line| line.starts_with("kind:"))
        {
            return answered(Answer::Objects { text: text.to_owned(), narrowed: command.narrowed });
        }
        if text::is_kubectl(trimmed) || command.kind.is_some() {
            return answered(Answer::Text { text: text.to_owned(), command });
        }
        None
    }
}

/// A log of JSON lines begins like an object but is none of Kubernetes.
fn is_log_line(text: &str) -> bool {
    !text.contains("\"metadata\"")
        && !text.contains("\"items\"")
        && !text.contains("\"result\"")
        && !text.contains("\"involvedObject\"")
        && !text.contains("\"error\"")
}

fn is_error_object(text: &str) -> bool {
    text.len() < 4 << 10
        && Tree::parse(text).is_ok_and(|tree| tree.get("error").is_some() && tree.get("kind").is_none())
}

/// A message of kubectl instead of an answer.
fn is_failure(text: &str) -> bool {
    text.starts_with("Error from server")
        || text.starts_with("error: ")
        || text.starts_with("No resources found")
}

/// Headings and emphasis: a summary, whatever the tool was to answer.
fn is_written_by_a_model(text: &str) -> bool {
    let first = text.lines().next().unwrap_or("");
    let heading = ["# ", "## ", "### "].iter().any(|mark| first.starts_with(mark));
    let emphasis = text.matches("**").count();
    let table = text.contains("|---");
    (heading && (emphasis >= 2 || table || text.contains("\n## "))) || (emphasis >= 4 && table)
}
