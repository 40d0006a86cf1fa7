//! The only place that prints. Data goes to stdout, everything else to stderr,
//! and a closed pipe ends the program quietly.
#![expect(clippy::print_stderr, reason = "this is the place that prints")]

use std::io::{self, Write as _};

use serde::Serialize;
use sickbay_core::text::is_hidden;
use sickbay_runtime::Failure;

use crate::{args::GlobalArgs, color::Paint, environment::Environment};

/// How this invocation prints.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    json: bool,
    pub paint: Paint,
    pub error_paint: Paint,
    pub width: usize,
    /// Columns of the terminal that people are asked on.
    pub error_width: usize,
    pub shows_progress: bool,
    pub is_quiet: bool,
    #[cfg(test)]
    recording: Option<std::sync::Arc<std::sync::Mutex<String>>>,
}

/// Columns of a stream whose width is not known.
const DEFAULT_WIDTH: usize = 100;
/// A terminal that does not say how wide it is, is as narrow as most are at least.
const DEFAULT_ERROR_WIDTH: usize = 80;

impl Output {
    pub(crate) fn new(global: &GlobalArgs, environment: &Environment) -> Self {
        Self {
            json: global.json,
            paint: Paint::choose(global, environment, environment.stdout_is_terminal),
            error_paint: Paint::choose(global, environment, environment.stderr_is_terminal),
            width: environment.columns.unwrap_or(DEFAULT_WIDTH),
            error_width: environment.columns.unwrap_or(DEFAULT_ERROR_WIDTH),
            is_quiet: global.quiet,
            #[cfg(test)]
            recording: None,
            shows_progress: environment.stderr_is_terminal && !global.quiet && global.verbose == 0,
        }
    }

    /// Prints one value as JSON, or its text.
    pub(crate) fn show<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json {
            let mut json = serde_json::to_string_pretty(value)
                .map_err(|error| Failure::failed(format!("can not write JSON: {error}")))?;
            json.push('\n');
            self.data(&json)
        } else {
            self.data(&text())
        }
    }

    /// Data, as it is, to stdout.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::failed(format!("can not write to stdout: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// A piece of an answer, as it is, to stdout. False where nobody reads it.
    pub(crate) fn answer(&self, text: &str) -> bool {
        if self.is_recorded(text) {
            return true;
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
    }

    /// A piece of text for the person, to stderr.
    pub(crate) fn aside(&self, text: &str) {
        if self.is_recorded(text) {
            return;
        }
        let mut stderr = io::stderr().lock();
        // A terminal that went away is no reason to stop.
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A line for the person, to stderr.
    pub(crate) fn note(&self, text: &str) {
        self.aside(&format!("{text}\n"));
    }

    /// Only in tests.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "in tests there is something to look at")]
    fn is_recorded(&self, _text: &str) -> bool {
        false
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            let error = serde_json::json!({"error": {
                "class": format!("{:?}", failure.class).to_lowercase(),
                "message": failure.message,
                "hint": failure.hint,
            }});
            let _ = self.data(&format!("{error:#}\n"));
        }
        self.failure_for_people(failure);
    }

    /// On stderr alone.
    pub(crate) fn failure_for_people(&self, failure: &Failure) {
        self.note(&format!("{}: {}", self.error_paint.red("error"), visible(&failure.message)));
        if let Some(hint) = &failure.hint {
            self.note(&format!("{}: {}", self.error_paint.green("hint"), visible(hint)));
        }
    }

    /// Asks for a yes on the terminal.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        eprint!("{question} [y/N] ");
        let _ = io::stderr().flush();
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Failure::failed(format!("can not read the answer: {error}")))?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// Prints nothing, and keeps both streams as one text.
#[cfg(test)]
impl Output {
    pub(crate) fn recording() -> Self {
        Self {
            json: false,
            paint: Paint::off(),
            error_paint: Paint::off(),
            width: 80,
            error_width: 80,
            shows_progress: false,
            is_quiet: false,
            recording: Some(std::sync::Arc::default()),
        }
    }

    pub(crate) fn in_colour(mut self) -> Self {
        self.error_paint = Paint::on();
        self
    }

    pub(crate) fn recorded(&self) -> String {
        let recording = self.recording.as_ref();
        recording
            .map(|text| text.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone())
            .unwrap_or_default()
    }

    fn is_recorded(&self, text: &str) -> bool {
        let Some(recording) = &self.recording else { return false };
        recording.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push_str(text);
        true
    }
}

/// A message may hold the words of a plugin, a server or a file: nothing in it
/// may move the cursor or turn the text around. Line breaks stay.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Logs go to stderr: warnings, or what `-v` and `SICKBAY_LOG` ask for.
pub(crate) fn install_tracing(global: &GlobalArgs, environment: &Environment) {
    let default = match global.verbose {
        // rmcp warns of what servers do in words of its own, which say nothing to a user.
        0 => "warn,rmcp=off",
        1 => "sickbay=info,warn,rmcp=off",
        _ => {
            "sickbay=debug,sickbay_runtime=debug,sickbay_engine=debug,sickbay_cluster=debug,sickbay_mcp=debug,\
             rmcp=warn,info"
        }
    };
    let filter = environment.log.as_deref().unwrap_or(default);
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    // A second installation in one process is the only failure, and harmless.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(environment.stderr_is_terminal && !environment.no_color)
        .with_target(false)
        .try_init();
}

/// Columns as wide as their widest cell; the last one as it is.
pub(crate) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let pad = widths.get(column).copied().unwrap_or(0);
            line.push_str(&format!("{cell:<pad$}  "));
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = line(head);
    for row in &rows {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        text.push_str(&line(&cells));
    }
    text
}

/// A moment in UTC, to the second.
pub(crate) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}
