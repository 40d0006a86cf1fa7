//! A run as JSON lines: the first line is its head, each other one an entry.
//! What is written is what is stored, so runs of newer programs can be
//! exported too; what is read is checked line by line.

use std::{borrow::Cow, io::BufRead};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sickbay_core::event::{Entry, FORMAT};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::{
    Journal, RunHead, StoreError,
    decode::{self, Unreadable},
    journal::{MAX_PAGE, check_run_id},
};

/// The `schema` of the first line.
pub const EXPORT_SCHEMA: &str = "sickbay.run/1";
/// The longest line that is read.
const MAX_LINE: usize = 256 << 20;

#[derive(Serialize, Deserialize)]
struct HeadLine<'a> {
    #[serde(borrow)]
    schema: Cow<'a, str>,
    #[serde(flatten)]
    head: RunHead,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLine<'a> {
    seq: u64,
    at_ms: i64,
    event: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReadLine<'a> {
    seq: u64,
    at_ms: i64,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportOutcome {
    pub events: u64,
    pub bytes: u64,
}

/// Writes a run, page by page. The run may be named by a unique prefix.
pub async fn export(
    journal: &dyn Journal,
    run: &str,
    out: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<ExportOutcome, StoreError> {
    let summary = journal.run(run).await?;
    let run = summary.run.as_str();
    let head = RunHead {
        run: run.to_owned(),
        profile: summary.profile,
        started_ms: summary.started_ms,
        format: summary.format,
        host_version: summary.host_version,
    };
    let mut done = ExportOutcome { events: 0, bytes: 0 };
    let mut lines = Vec::new();
    line(&mut lines, &HeadLine { schema: Cow::Borrowed(EXPORT_SCHEMA), head })?;
    loop {
        out.write_all(&lines).await.map_err(|error| output(&error))?;
        done.bytes += lines.len() as u64;
        lines.clear();
        let page = journal.raw_entries(run, done.events + 1, MAX_PAGE).await?;
        if page.entries.is_empty() {
            out.flush().await.map_err(|error| output(&error))?;
            return Ok(done);
        }
        for entry in page.entries {
            let unreadable = |error: serde_json::Error| StoreError::UnreadableEvent {
                run: run.to_owned(),
                seq: entry.seq,
                kind: entry.kind.clone(),
                why: error.to_string(),
            };
            let event = serde_json::from_str(&entry.text).map_err(unreadable)?;
            line(&mut lines, &WrittenLine { seq: entry.seq, at_ms: entry.at_ms, event })?;
            done.events += 1;
        }
    }
}

fn line(lines: &mut Vec<u8>, value: &impl Serialize) -> Result<(), StoreError> {
    let output = |error: serde_json::Error| StoreError::Output { why: error.to_string() };
    serde_json::to_writer(&mut *lines, value).map_err(output)?;
    lines.push(b'\n');
    Ok(())
}

fn output(error: &std::io::Error) -> StoreError {
    StoreError::Output { why: error.to_string() }
}

/// Reads an exported run: its head at once, its entries one by one. After an
/// error it gives nothing more.
pub struct ExportReader<R> {
    input: R,
    head: RunHead,
    /// The line last read, from 1.
    line: u64,
    seq: u64,
    over: bool,
    text: Vec<u8>,
}

impl<R: BufRead> ExportReader<R> {
    /// Reads the first line.
    pub fn new(input: R) -> Result<Self, StoreError> {
        let head = RunHead {
            run: String::new(),
            profile: String::new(),
            started_ms: 0,
            format: 0,
            host_version: String::new(),
        };
        let mut reader = Self { input, head, line: 0, seq: 0, over: false, text: Vec::new() };
        if !reader.next_line()? {
            return Err(import(1, "the file is empty"));
        }
        reader.head = reader.read_head()?;
        Ok(reader)
    }

    #[must_use]
    pub fn head(&self) -> &RunHead {
        &self.head
    }

    fn read_head(&self) -> Result<RunHead, StoreError> {
        let found: HeadLine<'_> = serde_json::from_slice(&self.text)
            .map_err(|error| import(1, &format!("it is not the head of an exported run: {error}")))?;
        if found.schema != EXPORT_SCHEMA {
            let schema: String = found.schema.chars().take(80).collect();
            let why = format!("the schema is `{}`, not `{EXPORT_SCHEMA}`", schema.escape_debug());
            return Err(import(1, &why));
        }
        check_run_id(&found.head.run)?;
        if found.head.format > FORMAT {
            let found = found.head.format;
            let why = format!("the event format is {found}, and this program knows formats up to {FORMAT}");
            return Err(import(1, &why));
        }
        Ok(found.head)
    }

    /// Whether there was one more line. Blank ones are passed over.
    fn next_line(&mut self) -> Result<bool, StoreError> {
        loop {
            self.text.clear();
            self.line += 1;
            let mut limited = std::io::Read::take(&mut self.input, MAX_LINE as u64 + 1);
            let read = limited.read_until(b'\n', &mut self.text);
            let read = read.map_err(|error| import(self.line, &format!("it can not be read: {error}")))?;
            if read > MAX_LINE {
                return Err(import(self.line, &format!("it is longer than {MAX_LINE} bytes")));
            }
            if read == 0 {
                return Ok(false);
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn read_entry(&mut self) -> Result<Option<Entry>, StoreError> {
        if !self.next_line()? {
            return Ok(None);
        }
        let at = self.line;
        let whole = self.text.ends_with(b"\n");
        let found: ReadLine<'_> = serde_json::from_slice(&self.text).map_err(|error| {
            let cut = if whole { "" } else { ", and the file ends here: it may be cut off" };
            import(at, &format!("it is not an entry: {error}{cut}"))
        })?;
        let expected = self.seq + 1;
        if found.seq != expected {
            return Err(import(at, &format!("the entry has number {} instead of {expected}", found.seq)));
        }
        let event = decode::event(found.event.get()).map_err(|unreadable| match unreadable {
            Unreadable::UnknownKind(kind) => {
                let kind: String = kind.chars().take(80).collect();
                let kind = kind.escape_debug();
                import(at, &format!("the event has the type `{kind}`, which this program does not know"))
            }
            Unreadable::Why(why) => import(at, &format!("the event can not be read: {why}")),
        })?;
        self.seq = expected;
        Ok(Some(Entry { seq: expected, at_ms: found.at_ms, event }))
    }
}

impl<R: BufRead> Iterator for ExportReader<R> {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let result = self.read_entry().transpose();
        self.over = !matches!(result, Some(Ok(_)));
        result
    }
}

fn import(line: u64, why: &str) -> StoreError {
    StoreError::Import { line, why: why.to_owned() }
}

/// Stores an exported run under its own id. Where a line is wrong, nothing of
/// the run is kept.
pub async fn import_run<R: BufRead + Send>(journal: &dyn Journal, input: R) -> Result<RunHead, StoreError> {
    let mut reader = ExportReader::new(input)?;
    let head = reader.head().clone();
    journal.create_run(head.clone()).await?;
    let result = async {
        for entry in &mut reader {
            let entry = entry?;
            journal.append(&head.run, entry.at_ms, entry.event).await?;
        }
        journal.flush(&head.run).await
    };
    match result.await {
        Ok(()) => Ok(head),
        Err(error) => {
            // The first error is the one to tell.
            let _ = journal.delete_run(&head.run).await;
            Err(error)
        }
    }
}
