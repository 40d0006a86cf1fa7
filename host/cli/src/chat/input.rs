//! Where what is said comes from: the line editor, or the lines of stdin.

use std::io::{self, BufRead as _, Read as _};

use sickbay_runtime::Failure;

pub(crate) use super::editor::LineEditor;
use super::lines;

/// Bytes of one thing that is said, of however many lines.
const LONGEST: u64 = 1024 * 1024;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(String),
    /// Ctrl-C at the prompt.
    Interrupted,
    Ended,
}

pub(crate) enum Input {
    /// None while it reads.
    Editor(Option<Box<LineEditor>>),
    Lines,
}

impl Input {
    /// Waits for the next, for as long as it takes. Reading blocks a thread of
    /// its own, which may be left behind when the program ends.
    pub(crate) async fn next(&mut self) -> Result<Said, Failure> {
        let lost = |error: tokio::task::JoinError| Failure::failed(error.to_string());
        match self {
            Self::Editor(slot) => {
                let Some(mut editor) = slot.take() else { return Ok(Said::Ended) };
                let reading = tokio::task::spawn_blocking(move || {
                    let said = editor.read();
                    (editor, said)
                });
                let (editor, said) = reading.await.map_err(lost)?;
                *slot = Some(editor);
                said
            }
            Self::Lines => {
                tokio::task::spawn_blocking(|| next_of(&mut io::stdin().lock())).await.map_err(lost)?
            }
        }
    }
}

/// The next lines that belong together.
fn next_of(input: &mut impl io::BufRead) -> Result<Said, Failure> {
    let mut typed = String::new();
    loop {
        let left = LONGEST.saturating_sub(typed.len() as u64);
        let mut line = Vec::new();
        let read = input
            .by_ref()
            .take(left + 1)
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::failed(format!("can not read from stdin: {error}")))?;
        if line.len() as u64 > left {
            return Err(Failure::usage(format!(
                "what is said may have {LONGEST} bytes, and stdin gives more"
            )));
        }
        if read == 0 {
            return Ok(if typed.trim().is_empty() { Said::Ended } else { Said::Text(lines::meant(&typed)) });
        }
        typed.push_str(&String::from_utf8_lossy(&line));
        let whole = typed.strip_suffix('\n').unwrap_or(&typed);
        let whole = whole.strip_suffix('\r').unwrap_or(whole);
        if !lines::is_open(whole) {
            return Ok(Said::Text(lines::meant(whole)));
        }
        // A line end of another system's is one, too.
        typed = format!("{whole}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_said_and_those_that_go_on_together() {
        let text = "one\n\ntwo \\\nthree\r\n\"\"\"\na\\\r\nb\n\"\"\"\nlast\\";
        let mut input = text.as_bytes();
        let mut said = Vec::new();
        loop {
            match next_of(&mut input).unwrap() {
                Said::Text(text) => said.push(text),
                other => {
                    assert_eq!(other, Said::Ended);
                    break;
                }
            }
        }
        assert_eq!(said, ["one", "", "two \nthree", "a\\\nb", "last"]);
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let mut input = io::BufReader::new(io::repeat(b'x'));
        assert!(next_of(&mut input).unwrap_err().message.contains("1048576 bytes"));
    }
}
