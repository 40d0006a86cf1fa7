//! Finding a session by what was said in it, and reading it as a text.

use std::path::Path;

use sickbay_core::{
    event::{Entry, Event},
    react::TurnEnd,
    text::{clean_line, clean_text},
};
use sickbay_store::{RunFilter, read_all};

use crate::{error::Failure, file, journal::store_failure, runs::StoredRun, sickbay::Sickbay};

/// Runs that are searched, newest first.
const SEARCHED: usize = 1_000;
/// Characters before and after what was found.
const AROUND: usize = 60;

/// A place where something was said.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    pub run: String,
    pub profile: String,
    pub started_ms: i64,
    pub turn: u32,
    /// What stands around it, on one line.
    pub excerpt: String,
}

impl Sickbay {
    /// Where the text was said, by a person or a model, in any case of its
    /// letters; newest first, at most `limit` places.
    pub async fn search_sessions(&self, text: &str, limit: usize) -> Result<Vec<Found>, Failure> {
        let Some(journal) = self.journal_to_read().await? else { return Ok(Vec::new()) };
        let filter = RunFilter { limit: SEARCHED, ..RunFilter::default() };
        let runs = journal.runs(filter).await.map_err(|error| store_failure(&error))?;
        let mut found = Vec::new();
        for run in runs {
            let entries = read_all(&*journal, &run.run).await.map_err(|error| store_failure(&error))?;
            let mut turn_of = 0;
            for entry in &entries {
                let Some((turn, said)) = said(entry, &mut turn_of) else { continue };
                if let Some(excerpt) = excerpt(&said, text) {
                    found.push(Found {
                        run: run.run.clone(),
                        profile: run.profile.clone(),
                        started_ms: run.started_ms,
                        turn,
                        excerpt,
                    });
                    if found.len() >= limit {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(found)
    }
}

impl Sickbay {
    /// Writes what was said into a file, for its owner alone. False where there
    /// is a file under that name already, and it is not to be replaced.
    pub async fn save_transcript(&self, id: &str, path: &Path, existing: Existing) -> Result<bool, Failure> {
        let text = clean_text(&self.stored_run(id).await?.transcript());
        match existing {
            Existing::Stays => file::write_new(path, text.as_bytes()),
            Existing::IsReplaced => file::write_atomic(path, text.as_bytes()).map(|()| true),
        }
    }
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Stays,
    IsReplaced,
}

fn said(entry: &Entry, turn_of: &mut u32) -> Option<(u32, String)> {
    match &entry.event {
        Event::TurnStarted { turn, input } => {
            *turn_of = *turn;
            Some((*turn, input.clone()))
        }
        Event::TurnEnded { turn, end: TurnEnd::Answered { text, .. } | TurnEnd::Limit { text, .. } } => {
            Some((*turn, text.clone()))
        }
        _ => None,
    }
}

fn excerpt(said: &str, text: &str) -> Option<String> {
    let (low, wanted) = (said.to_lowercase(), text.to_lowercase());
    let at = low.find(&wanted)?;
    let start = low.floor_char_boundary(at.saturating_sub(AROUND));
    let end = low.floor_char_boundary((at + wanted.len() + AROUND).min(low.len()));
    // Lower-casing may change lengths: then the lower-cased text is shown.
    let source = if low.len() == said.len() { said } else { &low };
    Some(clean_line(source.get(start..end).unwrap_or_default(), 2 * AROUND + 120))
}

impl StoredRun {
    /// Whether it is a conversation that can be gone on with.
    #[must_use]
    pub fn is_session(&self) -> bool {
        match self.entries.first().map(|entry| &entry.event) {
            Some(Event::RunStarted { settings, .. }) => {
                settings.get("session").and_then(serde_json::Value::as_bool) == Some(true)
            }
            _ => false,
        }
    }

    /// What was said in the session, as Markdown: each turn with the calls of tools between.
    #[must_use]
    pub fn transcript(&self) -> String {
        let mut text = format!("# Session {}\n", self.summary.run);
        for entry in &self.entries {
            match &entry.event {
                Event::TurnStarted { turn, input } => {
                    text.push_str(&format!("\n## {turn}\n\n{}\n", quoted(input)));
                }
                Event::ToolStarted { tool, arguments, .. } => {
                    text.push_str(&format!(
                        "\n- called `{tool}` with `{}`\n",
                        clean_line(&arguments.to_string(), 500)
                    ));
                }
                Event::ToolEnded { error: Some(error), .. } => {
                    text.push_str(&format!("  - failed: {}\n", clean_line(&error.message, 500)));
                }
                Event::TurnEnded { end, .. } => match end {
                    TurnEnd::Answered { text: said, .. } => text.push_str(&format!("\n{said}\n")),
                    TurnEnd::Limit { limit, text: said } => {
                        text.push_str(&format!("\n{said}\n\n(the limit `{limit}` was reached)\n"));
                    }
                    TurnEnd::Cancelled { reason } => text.push_str(&format!("\n(cancelled: {reason})\n")),
                    TurnEnd::Failed { error } => text.push_str(&format!("\n(failed: {})\n", error.message)),
                },
                Event::TurnUndone { turn } => text.push_str(&format!("\n(turn {turn} was taken back)\n")),
                Event::ModelChanged { provider, model, .. } => {
                    text.push_str(&format!("\n(the model is `{provider}/{model}` from here on)\n"));
                }
                _ => {}
            }
        }
        text
    }
}

/// As a quotation of Markdown.
fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn an_excerpt_is_cut_at_characters_whatever_the_case() {
        let said = format!("{}PAYMENT_KEY{}", "ä".repeat(100), "ö".repeat(100));
        let found = excerpt(&said, "payment_key").unwrap();
        assert!(found.contains("PAYMENT_KEY") && found.len() < 300, "{found}");
        assert_eq!(excerpt("nothing", "payment"), None);
        assert!(excerpt("İstanbul is down", "IS DOWN").is_some());
    }
}
