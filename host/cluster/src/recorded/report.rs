//! What came of reading a recording, for the user to see.

use std::fmt;

use sickbay_core::error::{CallError, ErrorKind};

/// What was left out, at most. Further ones are counted.
const MAX_NOT_READ: usize = 200;

/// What a recording is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layout {
    /// A Troubleshoot support bundle.
    SupportBundle,
    /// The output of `kubectl cluster-info dump`.
    ClusterInfoDump,
    /// Files with objects and Lists.
    Objects,
    /// What kubectl prints for people.
    KubectlText,
    /// The tool calls of an agent's investigation.
    Transcript,
    Mixed,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SupportBundle => "support bundle",
            Self::ClusterInfoDump => "cluster-info dump",
            Self::Objects => "objects",
            Self::KubectlText => "kubectl text",
            Self::Transcript => "transcript",
            Self::Mixed => "mixed",
        })
    }
}

/// Something that looked like cluster data and could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRead {
    /// Within the recording.
    pub path: String,
    /// A lower-case fragment.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadReport {
    pub layout: Layout,
    pub objects: usize,
    pub logs: usize,
    /// Files looked at.
    pub files: usize,
    /// Files that hold no cluster data and are no cause for alarm.
    pub other_files: usize,
    pub not_read: Vec<NotRead>,
    /// How many more were not read than are listed.
    pub not_read_more: usize,
}

impl Default for ReadReport {
    fn default() -> Self {
        Self {
            layout: Layout::Objects,
            objects: 0,
            logs: 0,
            files: 0,
            other_files: 0,
            not_read: Vec::new(),
            not_read_more: 0,
        }
    }
}

impl ReadReport {
    pub(super) fn not_read(&mut self, path: &str, reason: impl Into<String>) {
        if self.not_read.len() == MAX_NOT_READ {
            self.not_read_more += 1;
            return;
        }
        let path = path.chars().take(400).collect::<String>();
        let reason = reason.into().chars().take(400).collect::<String>();
        self.not_read
            .push(NotRead { path: crate::redact::message(&path), reason: crate::redact::message(&reason) });
    }
}

const ACCEPTED: &str = "give a support bundle (folder or .tar.gz), a `kubectl cluster-info dump` folder, files with \
                        objects as JSON or YAML (such as `kubectl get all,events -A -o json`), or the text of \
                        `kubectl describe`, `get`, `events` and `logs`";

/// Nothing in the recording could be used.
pub(super) fn nothing_readable(path: &str, report: &ReadReport) -> CallError {
    let why = match report.not_read.first() {
        Some(first) => format!("; `{}`: {}", first.path, first.reason),
        None => String::new(),
    };
    CallError::new(
        ErrorKind::InvalidInput,
        "nothing-recorded",
        format!("no cluster data in `{path}` ({} files looked at{why})", report.files),
    )
    .with_hint(ACCEPTED)
}

/// The recording itself can not be opened.
pub(super) fn not_opened(path: &str, error: &std::io::Error) -> CallError {
    let (kind, code) = match error.kind() {
        std::io::ErrorKind::NotFound => (ErrorKind::NotFound, "recording-not-found"),
        std::io::ErrorKind::PermissionDenied => (ErrorKind::Denied, "recording-denied"),
        _ => (ErrorKind::InvalidInput, "recording-unreadable"),
    };
    CallError::new(kind, code, format!("recording `{path}` can not be opened: {error}")).with_hint(ACCEPTED)
}
