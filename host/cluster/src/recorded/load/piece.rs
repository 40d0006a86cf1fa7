//! Pieces of files, each one object as text, parsed on all cores.

use std::{borrow::Cow, thread};

use serde_saphyr::Options;

use super::{file::TextFile, hint};
use crate::{
    recorded::{
        coverage::KindKey,
        entry::{Entry, build},
    },
    tree::Tree,
};

/// Bytes below which starting threads costs more than it gives.
const ALONE: usize = 256 << 10;

pub(super) enum Body<'a> {
    Json(&'a str),
    Yaml(Cow<'a, str>),
}

impl Body<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Json(text) => text.len(),
            // Parsing YAML takes about ten times as long.
            Self::Yaml(text) => text.len() * 10,
        }
    }
}

/// The text of one object.
pub(super) struct Piece<'a> {
    pub(super) body: Body<'a>,
    /// Which file.
    pub(super) file: usize,
    /// Which list.
    pub(super) list: Option<usize>,
    /// Version and kind from around it.
    pub(super) typed: Option<(String, String)>,
}

pub(super) struct Outcome {
    pub(super) piece: usize,
    /// None where it is no Kubernetes object; an error where it is damaged.
    pub(super) result: Result<Option<Entry>, String>,
}

/// Parses all pieces, in their order.
pub(super) fn build_all(pieces: &[Piece<'_>], files: &[TextFile]) -> Vec<Outcome> {
    let total: usize = pieces.iter().map(|piece| piece.body.len()).sum();
    let cores = thread::available_parallelism().map_or(1, usize::from).min(8);
    if total < ALONE || cores < 2 {
        return pieces.iter().enumerate().flat_map(|(at, piece)| build_one(at, piece, files)).collect();
    }
    // Shares of about the same number of bytes.
    let share = total / cores + 1;
    let mut shares: Vec<(usize, usize)> = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, piece) in pieces.iter().enumerate() {
        bytes += piece.body.len();
        if bytes >= share {
            shares.push((start, at + 1));
            (start, bytes) = (at + 1, 0);
        }
    }
    if start < pieces.len() {
        shares.push((start, pieces.len()));
    }
    thread::scope(|scope| {
        let work = |start: usize, end: usize| {
            let run = pieces[start..end].iter().enumerate();
            run.flat_map(|(at, piece)| build_one(start + at, piece, files)).collect::<Vec<_>>()
        };
        let workers: Vec<_> =
            shares.iter().map(|&(start, end)| (scope.spawn(move || work(start, end)), start, end)).collect();
        let mut outcomes = Vec::with_capacity(pieces.len());
        for (worker, start, end) in workers {
            match worker.join() {
                Ok(part) => outcomes.extend(part),
                // A fault of ours in one share must not lose the others.
                Err(_) => outcomes.extend((start..end).map(|piece| Outcome {
                    piece,
                    result: Err("reading it failed by a fault of the reader".to_owned()),
                })),
            }
        }
        outcomes
    })
}

fn build_one(at: usize, piece: &Piece<'_>, files: &[TextFile]) -> Vec<Outcome> {
    let Some(file) = files.get(piece.file) else { return Vec::new() };
    let tree = match &piece.body {
        Body::Json(text) => Tree::parse(text).map_err(|error| format!("a JSON object is damaged: {error}")),
        Body::Yaml(text) => parse_yaml(text),
    };
    let tree = match tree {
        Ok(tree) => tree,
        Err(reason) => return vec![Outcome { piece: at, result: Err(reason) }],
    };
    let mut hint = hint(file);
    if let Some((api_version, kind)) = &piece.typed {
        hint.api_version = Some(Cow::Borrowed(api_version.as_str())).filter(|version| !version.is_empty());
        hint.kind = Some(Cow::Borrowed(kind));
    }
    if is_list(&tree) {
        // A List within a list, as `kubectl get` of several files makes.
        let Tree::Object(fields) = tree else { return Vec::new() };
        let items = fields.into_iter().find(|(key, _)| key == "items").map(|(_, items)| items);
        let Some(Tree::Array(items)) = items else { return Vec::new() };
        return items
            .into_iter()
            .filter(|item| !is_list(item))
            .map(|item| Outcome { piece: at, result: Ok(build(item, &hint)) })
            .collect();
    }
    vec![Outcome { piece: at, result: Ok(build(tree, &hint)) }]
}

fn is_list(tree: &Tree<'_>) -> bool {
    tree.text(&["kind"]).is_some_and(|kind| kind.ends_with("List"))
        && tree.get("items").is_some_and(|items| items.as_array().is_some())
}

/// One YAML document. Aliases are expanded within bounds.
pub(super) fn parse_yaml(text: &str) -> Result<Tree<'_>, String> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or("it can not be parsed");
        format!("a YAML document is damaged: {first}")
    })
}

fn options() -> Options {
    serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        // `defaultMode: 0755`, as kubectl reads it.
        legacy_octal_numbers: true,
        budget: serde_saphyr::budget! {
            max_depth: 128,
            max_nodes: 2_000_000,
            max_events: 4_000_000,
            max_aliases: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
        },
    }
}

/// `v1`, `PodList` as the key of what the list holds; `List` holds anything.
pub(super) fn typed(api_version: &str, kind: &str) -> Option<(String, String)> {
    let item = kind.strip_suffix("List").filter(|item| !item.is_empty())?;
    Some((api_version.to_owned(), item.to_owned()))
}

pub(super) fn key_of(typed: &(String, String)) -> KindKey {
    let (group, _) = crate::kinds::split(&typed.0);
    let kind = typed.1.as_str();
    let group = crate::kinds::current_group(group, kind);
    let group = if kind == "Event" { "" } else { group };
    (group.into(), kind.into())
}
