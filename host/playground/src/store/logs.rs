//! What containers wrote: the run of now and the one before.

use std::collections::{BTreeMap, VecDeque};

/// Lines that are kept of one run of a container.
const MAX_LINES: usize = 5_000;
/// Bytes of a line that are kept.
const MAX_LINE: usize = 16 * 1024;

/// A line and when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at_ms: i64,
    /// Counts the lines of one container over all its runs.
    pub number: u64,
    pub text: String,
}

/// Which run of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichLog {
    Current,
    Previous,
}

#[derive(Default)]
struct ContainerLog {
    written: u64,
    current: VecDeque<LogLine>,
    previous: Option<VecDeque<LogLine>>,
}

#[derive(Default)]
pub(super) struct Logs {
    containers: BTreeMap<(String, String), BTreeMap<String, ContainerLog>>,
}

impl Logs {
    pub(super) fn add(&mut self, namespace: &str, pod: &str, container: &str, at_ms: i64, line: &str) {
        let log = self.entry(namespace, pod, container);
        let mut end = line.len().min(MAX_LINE);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        log.written += 1;
        log.current.push_back(LogLine { at_ms, number: log.written, text: line[..end].to_owned() });
        if log.current.len() > MAX_LINES {
            log.current.pop_front();
        }
    }

    pub(super) fn rotate(&mut self, namespace: &str, pod: &str, container: &str) {
        let log = self.entry(namespace, pod, container);
        log.previous = Some(std::mem::take(&mut log.current));
    }

    pub(super) fn forget(&mut self, namespace: &str, pod: &str) {
        self.containers.remove(&(namespace.to_owned(), pod.to_owned()));
    }

    pub(super) fn lines(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        which: WhichLog,
    ) -> Option<Vec<LogLine>> {
        let log = self.containers.get(&(namespace.to_owned(), pod.to_owned()))?.get(container)?;
        let lines = match which {
            WhichLog::Current => &log.current,
            WhichLog::Previous => log.previous.as_ref()?,
        };
        Some(lines.iter().cloned().collect())
    }

    fn entry(&mut self, namespace: &str, pod: &str, container: &str) -> &mut ContainerLog {
        let pod = self.containers.entry((namespace.to_owned(), pod.to_owned())).or_default();
        pod.entry(container.to_owned()).or_default()
    }
}
