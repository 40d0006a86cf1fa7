//! A conversation for a person's eyes, as it happens: the answer as it comes,
//! what the model thinks, which tools it calls, what it took.
//!
//! Every piece is cleaned as a part of the text that it belongs to, so that an
//! escape sequence that is split between two pieces is none either.

use std::sync::{Arc, Mutex, PoisonError};

use sickbay_core::{
    error::CallError,
    model::StopReason,
    react::TurnEnd,
    text::{Cleaner, clean_line},
    tool::Effect,
};
use sickbay_runtime::{Failure, Listener, SessionEvent};

use crate::{output::Output, progress::Progress, prompt::visible_json};

/// Characters of a tool's name.
const NAME: usize = 64;
/// A narrower terminal is written for as if it were this wide.
const NARROWEST: usize = 40;

/// Where answers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// They are the data.
    Stdout,
    /// The report is, which holds the answer too: these are for whoever waits.
    Stderr,
}

/// Shows the events of a conversation.
pub(crate) struct Screen {
    output: Output,
    answers: Answers,
    progress: Option<Arc<Progress>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Open,
    /// Something of it is to be seen.
    has_begun: bool,
    text: Cleaner,
    /// Whether the last character was a line's end, so that a new line begins without one.
    at_start: bool,
    /// Columns of the line that says what is waited for.
    waiting: usize,
    /// Who is asked; empty outside of turns.
    model: String,
    /// Calls of tools that go on.
    calls: usize,
    used: Used,
    before: Used,
    /// Nobody reads the answers any more.
    is_closed: bool,
}

/// The text that the next piece belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    Answer,
    Thinking,
}

#[derive(Clone, Copy, Default)]
struct Used {
    input: u64,
    output: u64,
    cost_usd: f64,
    context: u64,
}

impl Screen {
    pub(crate) fn new(output: &Output, answers: Answers) -> Self {
        Self { output: output.clone(), answers, progress: None, state: Mutex::default() }
    }

    /// That line is wiped before anything is shown.
    pub(crate) fn over(mut self, progress: &Arc<Progress>) -> Self {
        self.progress = Some(Arc::clone(progress));
        self
    }

    /// A turn begins: that model is asked.
    pub(crate) fn begin_turn(&self, model: &str) {
        let mut state = self.state();
        state.before = state.used;
        model.clone_into(&mut state.model);
        self.wait(&mut state);
    }

    /// Nothing is waited for any more, and a line begins.
    pub(crate) fn end_turn(&self) {
        let mut state = self.state();
        self.close(&mut state);
        state.model.clear();
        state.calls = 0;
    }

    /// A line of the program's own.
    pub(crate) fn note(&self, text: &str) {
        let mut state = self.state();
        self.close(&mut state);
        self.output.note(text);
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        let mut state = self.state();
        self.close(&mut state);
        self.output.failure_for_people(failure);
    }

    /// Whether whoever read the answers went away.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says who is waited for, where somebody sees it and nothing else is under way.
    fn wait(&self, state: &mut State) {
        let is_asked = !state.model.is_empty() && state.open == Open::Nothing && state.calls == 0;
        if self.output.shows_progress && is_asked {
            self.wipe(state);
            let text = clean_line(&format!("waiting for {} …", state.model), self.width().saturating_sub(1));
            state.waiting = text.chars().count();
            self.output.aside(&format!("{}\r", self.output.error_paint.faint(&text)));
        }
    }

    fn wipe(&self, state: &mut State) {
        if let Some(progress) = &self.progress {
            progress.hold();
        }
        if state.waiting > 0 {
            self.output.aside(&format!("\r{}\r", " ".repeat(state.waiting)));
            state.waiting = 0;
        }
    }

    /// Ends the line and the text that is being shown.
    fn close(&self, state: &mut State) {
        self.wipe(state);
        if state.has_begun && !state.at_start {
            self.piece(state, "\n");
        }
        state.open = Open::Nothing;
        state.has_begun = false;
        state.text = Cleaner::new();
        if let Some(progress) = &self.progress {
            progress.release();
        }
    }

    /// A piece of what is open, clean.
    fn piece(&self, state: &mut State, text: &str) {
        let paint = self.output.error_paint;
        match (state.open, self.answers) {
            (Open::Answer, Answers::Stdout) => state.is_closed |= !self.output.answer(text),
            (Open::Nothing, _) => return,
            // Each line in its own colours: what is cut off leaves none behind.
            _ => {
                let lines: Vec<String> = text.split('\n').map(|line| paint.faint(line)).collect();
                self.output.aside(&lines.join("\n"));
            }
        }
        state.at_start = text.ends_with('\n');
    }

    fn text(&self, state: &mut State, kind: Open, text: &str) {
        if state.open != kind {
            self.close(state);
            state.open = kind;
        }
        let mut clean = state.text.push(text);
        if !state.has_begun {
            // Empty lines at its beginning say nothing.
            clean.drain(..clean.len() - clean.trim_start_matches('\n').len());
            if clean.is_empty() {
                return;
            }
            self.wipe(state);
            state.has_begun = true;
            if kind == Open::Thinking && !self.output.error_paint.is_on() {
                clean.insert_str(0, "thinking: ");
            }
        }
        if !clean.is_empty() {
            self.piece(state, &clean);
        }
    }

    fn aside(&self, state: &mut State, line: &str) {
        self.close(state);
        if !self.output.is_quiet {
            self.output.note(line);
        }
    }

    fn width(&self) -> usize {
        self.output.error_width.max(NARROWEST)
    }

    fn tool_started(&self, state: &mut State, tool: &str, arguments: &serde_json::Value, effect: Effect) {
        let paint = self.output.error_paint;
        let name = clean_line(tool, NAME);
        let effect = match effect {
            Effect::Read => "",
            Effect::Write => " (writes)",
            Effect::Destructive => " (destroys)",
        };
        let left = self.width().saturating_sub(3 + name.chars().count() + effect.len());
        let arguments = match arguments {
            serde_json::Value::Object(map) if map.is_empty() => String::new(),
            some => clean_line(&visible_json(some), left.max(20)),
        };
        let line = format!("→ {}{} {}", paint.bold(&name), paint.yellow(effect), paint.faint(&arguments));
        self.aside(state, line.trim_end());
        state.calls += 1;
    }

    fn tool_ended(&self, state: &mut State, tool: &str, is_error: bool, text: &str, wall_ms: u64) {
        let paint = self.output.error_paint;
        let name = clean_line(tool, NAME);
        let seconds = format!("{}.{}", wall_ms / 1_000, wall_ms % 1_000 / 100);
        let head = if is_error {
            format!("✗ {name} failed, {seconds} s:")
        } else {
            format!("✓ {name} {seconds} s:")
        };
        let left = self.width().saturating_sub(1 + head.chars().count()).max(20);
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let first = clean_line(first, left);
        let head = if is_error { paint.red(&head) } else { paint.green(&head) };
        self.aside(state, format!("{head} {}", paint.faint(&first)).trim_end());
        state.calls = state.calls.saturating_sub(1);
        self.wait(state);
    }

    fn done(&self, state: &mut State, end: &TurnEnd) {
        self.close(state);
        state.model.clear();
        let paint = self.output.error_paint;
        match end {
            TurnEnd::Answered { text, stop: StopReason::EndTurn | StopReason::StopSequence } => {
                if text.trim().is_empty() {
                    self.output.note(&format!("{}: the model's answer was empty", paint.yellow("note")));
                }
            }
            TurnEnd::Answered { stop, .. } => {
                self.output.note(&format!("{}: {}", paint.yellow("note"), cut_short(*stop)));
            }
            TurnEnd::Limit { limit, .. } => {
                let told = format!("the limit `{}` is reached", clean_line(limit, NAME));
                self.output.note(&format!("{}: {told}", paint.yellow("limit")));
                self.output.note(&format!(
                    "{}: a new one may have more, with `--set limits.{}=…`",
                    paint.green("hint"),
                    clean_line(limit, NAME)
                ));
            }
            TurnEnd::Cancelled { reason } => {
                self.output.note(&format!("{}: {}", paint.yellow("stopped"), clean_line(reason, 300)));
            }
            TurnEnd::Failed { error } => self.output.failure_for_people(&failure_of(error)),
        }
        self.usage(state);
    }

    /// What the turn took.
    fn usage(&self, state: &mut State) {
        let (now, before) = (state.used, state.before);
        let (input, output) =
            (now.input - before.input.min(now.input), now.output - before.output.min(now.output));
        state.before = now;
        if input + output == 0 {
            return;
        }
        let mut line = format!("· {input} tokens in, {output} out");
        let cost = now.cost_usd - before.cost_usd;
        if cost > 0.0 {
            line.push_str(&format!(" · ${cost:.4}"));
        }
        line.push_str(&format!(" · {} tokens of context", now.context));
        let line = self.output.error_paint.faint(&line);
        self.aside(state, &line);
    }
}

impl Listener for Screen {
    fn event(&self, event: SessionEvent) {
        let state = &mut *self.state();
        match event {
            SessionEvent::Token { text } => self.text(state, Open::Answer, &text),
            SessionEvent::Thinking { text } if !self.output.is_quiet => {
                self.text(state, Open::Thinking, &text)
            }
            SessionEvent::Thinking { .. } => {}
            SessionEvent::ToolStart { tool, arguments, effect, .. } => {
                self.tool_started(state, &tool, &arguments, effect);
            }
            SessionEvent::ToolEnd { tool, is_error, text, wall_ms, .. } => {
                self.tool_ended(state, &tool, is_error, &text, wall_ms);
            }
            // Whoever asks the person writes next.
            SessionEvent::Approval { .. } => self.close(state),
            SessionEvent::Usage { input_tokens, output_tokens, cost_usd, context_tokens } => {
                // It follows each answer: what comes then is another text.
                self.close(state);
                state.used =
                    Used { input: input_tokens, output: output_tokens, cost_usd, context: context_tokens };
            }
            SessionEvent::Note { text } => {
                let line = format!("· {}", clean_line(&text, 500));
                let line = self.output.error_paint.faint(&line);
                self.aside(state, &line);
                self.wait(state);
            }
            SessionEvent::Done { end, .. } => self.done(state, &end),
        }
    }
}

fn cut_short(stop: StopReason) -> &'static str {
    match stop {
        StopReason::MaxTokens => "the answer was cut off: it reached the most tokens that one may have",
        StopReason::Refusal => "the model refused to answer",
        _ => "the answer may not be all that the model meant to say",
    }
}

/// As the command would fail with it.
pub(super) fn failure_of(error: &CallError) -> Failure {
    let mut failure = Failure::from(error.clone());
    failure.message = format!("the model does not answer: {}", failure.message);
    failure
}

#[cfg(test)]
mod tests;
