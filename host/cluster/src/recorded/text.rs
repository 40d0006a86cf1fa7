//! What kubectl prints for people, turned back into objects.
//!
//! Such text tells a part of an object: the objects made of it are marked with
//! the annotation [`PARTIAL`] and give way to fuller ones. Ages become times
//! by counting back from when the text was taken. Nothing here trusts the
//! text: what can not be understood is left out.

mod age;
mod block;
mod command;
mod container;
mod describe;
mod event;
mod node;
mod pod;
mod row;
mod table;
mod volume;
mod workload;

use jiff::Timestamp;

pub(super) use command::Command;

use super::time;
use crate::tree::Tree;

/// Marks objects of which only a part is known; its value says from where.
pub const PARTIAL: &str = "sickbay.dev/partial";

/// Bytes of one text at most. What people paste is far smaller.
const MAX_TEXT: usize = 32 << 20;
/// Entries of one map or list within an object at most.
const MAX_ENTRIES: usize = 2_000;
/// Lines of one text at most.
const MAX_LINES: usize = 500_000;

type Object = Tree<'static>;

/// What surrounds a text.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// When the text was taken, as far as is known.
    pub(super) now: Timestamp,
    /// The command that printed it, as far as is known.
    pub(super) command: Command,
}

/// What a text gave.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Events among them.
    pub(super) objects: Vec<Object>,
    /// Tables that list all objects of a kind: the kind, and the namespace
    /// where not all were asked for.
    pub(super) tables: Vec<(&'static str, Option<String>)>,
}

/// Whether a text is something that kubectl prints for people.
pub(super) fn is_kubectl(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(200);
    let Some(first) = lines.next() else { return false };
    if first.starts_with("Name:") || table::is_header(first) || command::prompt(first).is_some() {
        return true;
    }
    // A first line of something else, such as a warning of kubectl's.
    lines.any(|line| table::is_header(line) || command::prompt(line).is_some())
        || text.lines().take(5).any(|line| line.starts_with("Name:  "))
}

/// The newest time that a text names outright.
pub(super) fn newest_time(text: &str) -> Option<Timestamp> {
    const KEYS: &[&str] = &[
        "Start Time:",
        "Started:",
        "Finished:",
        "CreationTimestamp:",
        "Completed At:",
        "LastScheduleTime:",
        "Last Schedule Time:",
    ];
    let cut = text.lines().take(MAX_LINES).filter_map(|line| {
        let line = line.trim();
        let value = KEYS.iter().find_map(|key| line.strip_prefix(key))?;
        time::parse(value)
    });
    cut.max()
}

/// The objects of a text.
pub(super) fn read(text: &str, context: &Context) -> Found {
    let mut found = Found::default();
    if text.len() > MAX_TEXT {
        return found;
    }
    for (command, part) in command::split(text, &context.command) {
        let context = Context { now: context.now, command };
        read_part(part, &context, &mut found);
    }
    found
}

fn read_part(text: &str, context: &Context, found: &mut Found) {
    // Runs of lines: `kubectl describe` of many and `kubectl get` of many
    // kinds separate theirs with blank lines.
    let lines: Vec<&str> = text.lines().take(MAX_LINES).collect();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if line.starts_with("Name:") {
            let end = lines[at + 1..].iter().position(|line| line.starts_with("Name:"));
            let end = end.map_or(lines.len(), |end| at + 1 + end);
            describe::read(&lines[at..end], context, &mut found.objects);
            at = end;
        } else if table::is_header(line) {
            let end =
                lines[at + 1..].iter().position(|line| line.trim().is_empty() || table::is_header(line));
            let end = end.map_or(lines.len(), |end| at + 1 + end);
            table::read(line, &lines[at + 1..end], context, found);
            at = end;
        } else {
            at += 1;
        }
    }
    if found.objects.is_empty() && context.command.kind.is_some() && context.command.verb != "describe" {
        // The header was cut off, as by `grep`.
        table::read_headless(&lines, context, &mut found.objects);
    }
}

/// An object with the metadata that every text tells.
fn partial(api_version: &str, kind: &str, namespace: Option<&str>, name: &str, from: &'static str) -> Object {
    let mut metadata = Tree::object([("name", Tree::string(name.to_owned()))]);
    if let Some(namespace) = namespace {
        metadata.set("namespace", Tree::string(namespace.to_owned()));
    }
    metadata.set("annotations", Tree::object([(PARTIAL, Tree::string(from))]));
    Tree::object([
        ("apiVersion", Tree::string(api_version.to_owned())),
        ("kind", Tree::string(kind.to_owned())),
        ("metadata", metadata),
    ])
}

fn string(text: &str) -> Object {
    Tree::string(text.to_owned())
}

fn number(text: &str) -> Option<Object> {
    text.trim().parse::<i64>().ok().map(|number| Tree::Number(number.into()))
}

fn integer(number: i64) -> Object {
    Tree::Number(number.into())
}

/// `a=b` lines as a map.
fn pairs<'l>(lines: impl IntoIterator<Item = &'l str>) -> Object {
    let mut map = Tree::Object(Vec::new());
    for line in lines.into_iter().take(MAX_ENTRIES) {
        if let Some((key, value)) = line.split_once('=')
            && !key.trim().is_empty()
        {
            map.set(key.trim().to_owned(), string(value.trim()));
        }
    }
    map
}

/// A selector as kubectl prints it, `a=b,c in (d)`, as a label selector.
fn selector(text: &str) -> Object {
    let mut selector = Tree::Object(Vec::new());
    let plain: Vec<&str> = text.split(',').filter(|part| part.contains('=') && !part.contains(' ')).collect();
    if !plain.is_empty() {
        selector.set("matchLabels", pairs(plain));
    }
    selector
}

/// What the placeholders of kubectl leave: nothing.
fn given(text: &str) -> Option<&str> {
    let text = text.trim();
    let nothing = text.is_empty()
        || matches!(
            text,
            "<none>" | "<unset>" | "<nil>" | "<unknown>" | "<invalid>" | "N/A" | "n/a" | "<not set>"
        );
    (!nothing).then_some(text)
}

/// The kind's version as Kubernetes ships it.
fn api_version(kind: &str) -> String {
    crate::kinds::by_name(kind).map_or_else(|| "v1".to_owned(), crate::kinds::Builtin::api_version)
}
