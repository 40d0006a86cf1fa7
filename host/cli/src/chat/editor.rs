//! The line editor: keys, the history of what was typed before, and the names
//! of commands by Tab.

use rustyline::{
    Behavior, CompletionType, Config, Context, Editor, Helper,
    completion::Completer,
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::{History as _, MemHistory},
    validate::{ValidationContext, ValidationResult, Validator},
};
use sickbay_runtime::{Failure, Folders, history};

use super::{command::COMMANDS, input::Said, lines};

/// Entries that the keys go back over.
const ENTRIES: usize = 1_000;
const PROMPT: &str = "> ";

/// Reads from the terminal itself and writes to it, wherever stdin and stdout lead.
pub(crate) struct LineEditor {
    editor: Editor<Keys, MemHistory>,
    folders: Folders,
}

impl LineEditor {
    /// A history that can not be read is told, and done without.
    pub(crate) fn open(folders: &Folders) -> Result<Self, Failure> {
        let config = Config::builder()
            .max_history_size(ENTRIES)
            .map_err(|error| failure(&error))?
            .history_ignore_space(true)
            .auto_add_history(false)
            .completion_type(CompletionType::List)
            .behavior(Behavior::PreferTerm)
            .bracketed_paste(true)
            .build();
        let memory = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, memory).map_err(|error| failure(&error))?;
        editor.set_helper(Some(Keys));
        match history::read(folders) {
            Ok(entries) => {
                for entry in entries {
                    let _ = editor.history_mut().add(&entry);
                }
            }
            Err(failure) => tracing::warn!("what was typed before is not at hand: {failure}"),
        }
        Ok(Self { editor, folders: folders.clone() })
    }

    /// Waits for what is said next.
    pub(super) fn read(&mut self) -> Result<Said, Failure> {
        match self.editor.readline(PROMPT) {
            Ok(line) => {
                self.keep(&line);
                Ok(Said::Text(lines::meant(&line)))
            }
            Err(ReadlineError::Interrupted) => Ok(Said::Interrupted),
            Err(ReadlineError::Eof) => Ok(Said::Ended),
            // The terminal went away.
            Err(ReadlineError::Io(error)) if error.raw_os_error() == Some(5) => Ok(Said::Ended),
            Err(error) => Err(failure(&error)),
        }
    }

    /// A line that begins with a space is not kept, as in a shell.
    fn keep(&mut self, line: &str) {
        if line.trim().is_empty() || line.starts_with(' ') {
            return;
        }
        if matches!(self.editor.add_history_entry(line), Ok(true))
            && let Err(failure) = history::add(&self.folders, line)
        {
            tracing::warn!("what was typed is not kept for another day: {failure}");
        }
    }
}

fn failure(error: &ReadlineError) -> Failure {
    Failure::failed(format!("can not read from the terminal: {error}"))
        .with_hint("pipe what is to be said into the command, one line for each turn")
}

/// What the keys do beside editing.
struct Keys;

impl Helper for Keys {}
impl Highlighter for Keys {}

impl Hinter for Keys {
    type Hint = String;
}

impl Validator for Keys {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if lines::is_open(context.input()) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

impl Completer for Keys {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok((0, completions(line.get(..position).unwrap_or_default())))
    }
}

/// The commands that a text is the beginning of.
fn completions(typed: &str) -> Vec<String> {
    let Some(word) = typed.strip_prefix('/') else { return Vec::new() };
    COMMANDS
        .iter()
        .filter(|(name, _, _)| name.starts_with(word))
        .map(|(name, rest, _)| format!("/{name}{}", if rest.is_empty() { "" } else { " " }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::completions;

    #[test]
    fn the_beginning_of_a_command_is_completed() {
        assert_eq!(completions("/m"), ["/model "]);
        assert_eq!(completions("/quit"), ["/quit"]);
        assert_eq!(completions("/").len(), 7);
        for nothing in ["", "m", "/model o", "/x"] {
            assert!(completions(nothing).is_empty(), "{nothing}");
        }
    }
}
