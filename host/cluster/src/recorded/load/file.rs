//! What a file is, by its content, and which pieces it holds.

use std::{borrow::Cow, collections::HashMap};

use jiff::Timestamp;

use super::{
    ListSeen,
    piece::{Body, Piece, key_of, typed},
};
use crate::recorded::{
    document::{Elements, Members, next_document, yaml_documents, yaml_items},
    entry::Entry,
    logs::{DumpPart, LogName, previous, split_dump},
    source::RawFile,
    text::Command,
};

/// A file as text.
pub(super) struct TextFile {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) cut: bool,
    /// The word in keys that a recorder marks objects with.
    pub(super) recorder: Option<&'static str>,
    /// Lists in it do not show all there is.
    pub(super) narrowed: bool,
    /// The command that printed it, as far as is known.
    pub(super) command: Command,
    /// When it was printed, as far as is known.
    pub(super) at: Option<Timestamp>,
}

impl TextFile {
    pub(super) fn new(path: String, text: String) -> Self {
        Self {
            path,
            text,
            cut: false,
            recorder: None,
            narrowed: false,
            command: Command::default(),
            at: None,
        }
    }

    /// None where the bytes are no text.
    pub(super) fn decode(raw: RawFile) -> Option<Self> {
        let RawFile { path, bytes, cut, .. } = raw;
        let text = match bytes.as_slice() {
            [0xff, 0xfe, rest @ ..] => from_utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => from_utf16(rest, u16::from_be_bytes),
            _ if bytes.iter().take(1024).any(|byte| *byte == 0) => return None,
            _ => match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            },
        };
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Some(Self { cut, ..Self::new(path, text) })
    }
}

/// What a Windows shell writes when output is redirected.
fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// What a file turned out to be.
pub(super) enum Kind<'a> {
    /// JSON or YAML; whether there are objects shows in the pieces.
    Objects,
    /// A part of a cluster-info dump that holds logs.
    Dump(Vec<(LogName, &'a str)>),
    /// The server's version.
    Version(String),
    /// Plain text, maybe a log.
    Text,
    Other,
}

/// Where the pieces of one file go.
pub(super) struct Content<'a, 'o> {
    pub(super) file: usize,
    pub(super) pieces: &'o mut Vec<Piece<'a>>,
    pub(super) lists: &'o mut Vec<ListSeen>,
    /// Why parts of the file can not be used.
    pub(super) damage: Vec<String>,
}

impl<'a> Content<'a, '_> {
    pub(super) fn collect(&mut self, file: &'a TextFile) -> Kind<'a> {
        let text = file.text.as_str();
        if let Some(parts) = split_dump(text) {
            let mut logs = Vec::new();
            for part in parts {
                match part {
                    DumpPart::Other(text) => self.json(file, text),
                    DumpPart::Log(name, text) => logs.push((name, text)),
                }
            }
            return Kind::Dump(logs);
        }
        match text.trim_start().as_bytes().first() {
            None => Kind::Other,
            Some(b'{' | b'[') if looks_like_json(text) => {
                if let Some(version) = version_of(text) {
                    return Kind::Version(version);
                }
                self.json(file, text);
                Kind::Objects
            }
            _ if looks_like_manifest(text) => {
                self.yaml(file, text);
                Kind::Objects
            }
            _ => Kind::Text,
        }
    }

    fn json(&mut self, file: &'a TextFile, text: &'a str) {
        let first_list = self.lists.len();
        let mut at = 0;
        while let Some(start) = next_document(text, at) {
            let rest = &text[start..];
            let length = self.document(file, rest);
            if length.is_none() && is_cluster_data(rest) {
                let line = text[..start].matches('\n').count() + 1;
                self.damage.push(format!(
                    "the JSON that begins in line {line} breaks off; whole objects in it are used"
                ));
            }
            // What comes after a break can not be told from what is in it.
            let Some(length) = length else { break };
            at = start + length.max(1);
        }
        if self.lists.len() > first_list + 1 {
            for list in &mut self.lists[first_list..] {
                list.in_stream = true;
            }
        }
    }

    /// One JSON document: an object, a List or an array. Gives its length,
    /// none where it breaks off.
    fn document(&mut self, file: &'a TextFile, text: &'a str) -> Option<usize> {
        if text.starts_with('[') {
            let in_bundle = file.path.contains("cluster-resources/");
            let list = self.lists.len();
            let mut elements = Elements::of(text);
            let before = self.pieces.len();
            for item in elements.by_ref() {
                if item.starts_with('{') {
                    self.push(Body::Json(item), Some(list), None);
                }
            }
            if in_bundle || self.pieces.len() > before {
                self.lists.push(ListSeen::new(&file.path, None, in_bundle && !elements.broken));
            }
            return (!elements.broken).then(|| elements.end());
        }
        let (mut kind, mut api_version, mut items, mut metadata) = ("", "", None, "");
        let mut members = Members::of(text);
        while let Some(key) = members.key() {
            match key {
                "kind" => kind = members.value().trim_matches('"'),
                "apiVersion" => api_version = members.value().trim_matches('"'),
                "items" => items = Some(members.elements()),
                "metadata" => metadata = members.value(),
                _ => {
                    members.value();
                }
            }
        }
        let end = members.end();
        match items {
            Some(items) if end.is_none() || kind.is_empty() || kind.ends_with("List") => {
                let typed = typed(api_version, kind);
                let list = self.lists.len();
                for item in items {
                    if item.starts_with('{') {
                        self.push(Body::Json(item), Some(list), typed.clone());
                    }
                }
                let whole = end.is_some() && !continues(metadata) && !file.narrowed;
                self.lists.push(ListSeen::new(&file.path, typed.as_ref().map(key_of), whole));
            }
            _ => {
                if let Some(end) = end
                    && !metadata.is_empty()
                {
                    self.push(Body::Json(&text[..end]), None, None);
                }
            }
        }
        end
    }

    fn yaml(&mut self, file: &'a TextFile, text: &'a str) {
        for document in yaml_documents(text) {
            // JSON is YAML, too, and is read faster as what it is.
            if document.trim_start().starts_with('{') && looks_like_json(document) {
                self.json(file, document);
                continue;
            }
            match yaml_items(document) {
                Some(items) => {
                    let head = |key: &str| {
                        let line = items.head.lines().find_map(|line| line.strip_prefix(key));
                        line.map(|value| value.trim().trim_matches(['"', '\''])).unwrap_or("")
                    };
                    let typed = typed(head("apiVersion:"), head("kind:"));
                    let list = self.lists.len();
                    let in_bundle = file.path.contains("cluster-resources/");
                    let whole = (!items.bare || in_bundle) && !file.narrowed;
                    let continues = items.head.lines().any(|line| {
                        line.trim_start().strip_prefix("continue:").is_some_and(|rest| rest.trim().len() > 2)
                    });
                    for item in items.items {
                        self.push(Body::Yaml(item), Some(list), typed.clone());
                    }
                    self.lists.push(ListSeen::new(
                        &file.path,
                        typed.as_ref().map(key_of),
                        whole && !continues,
                    ));
                }
                None if looks_like_manifest(document) => {
                    if let Some((api_version, kind)) = empty_list(document) {
                        let typed = typed(api_version, kind);
                        self.lists.push(ListSeen::new(&file.path, typed.as_ref().map(key_of), true));
                    } else {
                        self.push(Body::Yaml(Cow::Borrowed(document)), None, None);
                    }
                }
                None => {}
            }
        }
    }

    fn push(&mut self, body: Body<'a>, list: Option<usize>, typed: Option<(String, String)>) {
        self.pieces.push(Piece { body, file: self.file, list, typed });
    }
}

/// Whether a `{` or `[` at the start begins JSON, and not a line of a log.
fn looks_like_json(text: &str) -> bool {
    let text = text.trim_start();
    let rest = text[1..].trim_start();
    matches!(
        (text.as_bytes()[0], rest.as_bytes().first()),
        (b'{', Some(b'"' | b'}')) | (b'[', Some(b'{' | b'[' | b']' | b'"')) | (_, None)
    )
}

/// Whether a damaged JSON text was to hold cluster data.
fn is_cluster_data(text: &str) -> bool {
    let mut end = text.len().min(4 << 10);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = &text[..end];
    head.contains("\"apiVersion\"") || (head.contains("\"kind\"") && head.contains("\"metadata\""))
}

/// Whether YAML names a kind and a version somewhere at the start of a line.
fn looks_like_manifest(text: &str) -> bool {
    let (mut kind, mut version) = (false, false);
    for line in text.lines() {
        // In flow style several keys stand on one line: `{apiVersion: v1, kind: Pod, …}`.
        if let Some(flow) = line.trim_start_matches(['-', ' ']).strip_prefix('{') {
            let mut keys = flow.split(',').map(str::trim_start);
            kind |= keys.clone().any(|key| key.starts_with("kind:"));
            version |= keys.any(|key| key.starts_with("apiVersion:"));
        }
        let line = line.trim_start_matches([' ', '-']);
        kind |= line.starts_with("kind:");
        version |= line.starts_with("apiVersion:");
        if kind && version {
            return true;
        }
    }
    false
}

/// Whether the server had more to give than stands in the list.
fn continues(metadata: &str) -> bool {
    Members::of(metadata).any(|(key, value)| {
        (key == "continue" && value.len() > 2) || (key == "remainingItemCount" && value != "0")
    })
}

/// `items: []`.
fn empty_list(document: &str) -> Option<(&str, &str)> {
    document.lines().find(|line| matches!(line.trim_end(), "items: []" | "items: null" | "items:"))?;
    let head = |key: &str| document.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let kind = head("kind:")?;
    kind.ends_with("List").then(|| (head("apiVersion:").unwrap_or(""), kind))
}

/// The output of `kubectl version -o json`, or a bundle's own form of it.
fn version_of(text: &str) -> Option<String> {
    if text.len() > 64 << 10 || !text.contains("gitVersion") {
        return None;
    }
    let members: HashMap<&str, &str> = Members::of(text).collect();
    let info = members.get("serverVersion").or_else(|| members.get("info")).copied();
    let info = info.or_else(|| members.contains_key("gitVersion").then_some(text))?;
    let version = Members::of(info).find(|(key, _)| *key == "gitVersion")?.1;
    serde_json::from_str(version).ok()
}

/// The log that a text is, told by the pods that were recorded: one step of
/// its path, or a part of its name, is a pod's name.
pub(super) fn log_name(path: &str, pods: &HashMap<&str, Vec<&Entry>>) -> Option<LogName> {
    let steps: Vec<&str> = path.split('/').collect();
    let file = *steps.last()?;
    let stem = file.strip_suffix(".log").or_else(|| file.strip_suffix(".txt")).unwrap_or(file);
    let choose = |name: &str| {
        let pods = pods.get(name)?;
        pods.iter().find(|pod| steps.contains(&&*pod.namespace)).or_else(|| pods.first()).copied()
    };
    let (bare, of_previous) = previous(stem);
    if let Some(pod) = steps[..steps.len() - 1].iter().rev().find_map(|step| choose(step)) {
        // POD/CONTAINER.log, or POD/logs.txt for the only one.
        let container = if matches!(bare, "logs" | "log" | "current" | "previous") { "" } else { bare };
        return Some(name_of(pod, container, of_previous));
    }
    let parts = std::iter::once(bare).chain(bare.split(['_', '.', '@', ' ']));
    for part in parts {
        for part in [Some(part), part.strip_prefix("logs-"), part.strip_suffix("-logs")].into_iter().flatten()
        {
            if let Some(pod) = choose(part) {
                let rest = bare.rsplit(['_', '.']).next().filter(|rest| *rest != part && *rest != bare);
                let rest = rest.filter(|rest| !matches!(*rest, "log" | "logs") && **rest != *pod.namespace);
                return Some(name_of(pod, rest.unwrap_or(""), of_previous || file.contains("previous")));
            }
        }
    }
    None
}

fn name_of(pod: &Entry, container: &str, previous: bool) -> LogName {
    LogName {
        namespace: pod.namespace.to_string(),
        pod: pod.name.to_string(),
        container: container.to_owned(),
        previous,
    }
}
