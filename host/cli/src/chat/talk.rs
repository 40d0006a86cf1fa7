//! Leads a session: what is said goes to the model, what begins with a `/` to
//! the program, until it is time to leave.

use std::{path::Path, sync::Arc};

use sickbay_core::{react::TurnEnd, text::clean_line, tool::Effect};
use sickbay_runtime::{Existing, Failure, Session, SessionEvent, Sickbay, TurnFlow};

use super::{
    command::{Command, help},
    event_lines::EventLines,
    input::{Input, Said},
    screen::{Screen, failure_of},
    stopping::Stopping,
};
use crate::{
    exit,
    output::{Output, table},
};

/// Who talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A person, who goes on after what went wrong.
    Person,
    /// A script, which ends with the first thing that went wrong.
    Script,
}

/// Why a conversation is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// With this exit code.
    Ended(u8),
    /// A call of a tool waits for a decision.
    Waits(String),
    /// In the middle of a turn, which goes on when the session is taken up again.
    InTurn,
}

/// A conversation.
pub(crate) struct Talk<'a> {
    pub(crate) sickbay: &'a Sickbay,
    pub(crate) session: Session,
    pub(crate) input: Input,
    pub(crate) manner: Manner,
    pub(crate) stopping: Arc<Stopping>,
    /// Where people look.
    pub(crate) screen: Arc<Screen>,
    /// Where programs look, in place of the answers.
    pub(crate) lines: Option<Arc<EventLines>>,
    pub(crate) output: &'a Output,
}

impl Talk<'_> {
    /// Until it is left. `first` is said before anything is read.
    pub(crate) async fn lead(&mut self, first: Option<String>) -> Result<Left, Failure> {
        let mut first = first.map(Said::Text);
        let mut interrupted = false;
        loop {
            let said = match first.take() {
                Some(said) => said,
                None => {
                    let stopping = Arc::clone(&self.stopping);
                    self.rest();
                    tokio::select! {
                        said = self.input.next() => said?,
                        () = stopping.left() => return Ok(Left::Ended(1)),
                    }
                }
            };
            let text = match said {
                Said::Text(text) => text,
                Said::Ended => return Ok(Left::Ended(0)),
                Said::Interrupted if interrupted => return Ok(Left::Ended(0)),
                Said::Interrupted => {
                    interrupted = true;
                    self.screen.note("Ctrl-C once more leaves, as Ctrl-D does.");
                    continue;
                }
            };
            interrupted = false;
            if text.is_empty() {
                continue;
            }
            let left = match Command::parse(&text) {
                None => self.turn(&text).await?,
                Some(Ok(Command::Quit)) => Some(Left::Ended(0)),
                Some(command) => self.obeyed(command).await,
            };
            if let Some(left) = left {
                return Ok(left);
            }
        }
    }

    /// One turn; why to leave, where there is a reason.
    async fn turn(&mut self, text: &str) -> Result<Option<Left>, Failure> {
        self.screen.begin_turn(self.session.model());
        let cancel = self.stopping.begin_turn();
        let flow = tokio::select! {
            flow = self.session.say(text, cancel) => Some(flow),
            () = self.stopping.left() => None,
        };
        self.rest();
        self.screen.end_turn();
        let Some(flow) = flow else { return Ok(Some(Left::InTurn)) };
        let is_closed = self.screen.is_closed() || self.lines.as_ref().is_some_and(|lines| lines.is_closed());
        Ok(match self.after(&flow?) {
            // Nobody reads what would be answered.
            None if is_closed => Some(Left::Ended(0)),
            left => left,
        })
    }

    /// Nothing is under way.
    fn rest(&self) {
        match self.manner {
            Manner::Person => self.stopping.wait_for_person(),
            Manner::Script => self.stopping.end_turn(),
        }
    }

    /// Whether to leave after a turn that ended so.
    pub(crate) fn after(&self, flow: &TurnFlow) -> Option<Left> {
        match flow {
            TurnFlow::Parked(reason) => Some(Left::Waits(reason.clone())),
            TurnFlow::Ended(end) if self.manner == Manner::Script => code_of(end).map(Left::Ended),
            TurnFlow::Ended(_) => None,
        }
    }

    /// Does what was asked of the program.
    async fn obeyed(&mut self, command: Result<Command, Failure>) -> Option<Left> {
        self.stopping.end_turn();
        let failure = match command {
            Ok(command) => self.obey(command).await.err()?,
            Err(failure) => failure,
        };
        if let Some(lines) = &self.lines {
            lines.failure(&failure);
        }
        self.screen.failure(&failure);
        (self.manner == Manner::Script).then(|| Left::Ended(exit::code(&failure)))
    }

    async fn obey(&mut self, command: Command) -> Result<(), Failure> {
        match command {
            Command::Help => self.screen.note(help().trim_end()),
            Command::Model(None) => {
                self.screen.note(&format!("{} answers.", clean_line(self.session.model(), 200)));
            }
            Command::Model(Some(model)) => {
                let stopping = Arc::clone(&self.stopping);
                tokio::select! {
                    changed = self.sickbay.change_model(&mut self.session, &model) => changed?,
                    () = stopping.left() => return Err(Failure::failed("interrupted: the model stays")),
                }
                let now = clean_line(self.session.model(), 200);
                self.screen.note(&format!("{now} answers from here on."));
            }
            Command::Tools => self.screen.note(self.tools().trim_end()),
            Command::Cost => self.screen.note(&self.cost()),
            Command::Save(path, existing) => self.save(&path, existing).await?,
            Command::Undo => match self.session.undo().await? {
                Some(turn) => self.screen.note(&format!("Turn {turn} is taken back.")),
                None => self.screen.note("There is no turn to take back."),
            },
            // It is looked for before.
            Command::Quit => {}
        }
        Ok(())
    }

    fn tools(&self) -> String {
        let tools = self.session.tools();
        if tools.is_empty() {
            return "The model may call no tools: the profile names none.".to_owned();
        }
        let rows = tools.iter().map(|tool| {
            let effect = match tool.effect {
                Effect::Read => "reads",
                Effect::Write => "writes",
                Effect::Destructive => "destroys",
            };
            let name = clean_line(&tool.name, 64);
            let left = self.output.error_width.saturating_sub(40).max(30);
            vec![name, effect.to_owned(), clean_line(&tool.description, left)]
        });
        table(&["TOOL", "EFFECT", "WHAT IT DOES"], rows)
    }

    fn cost(&self) -> String {
        let usage = self.session.report().usage;
        let context = match self.session.usage() {
            SessionEvent::Usage { context_tokens, .. } => context_tokens,
            _ => 0,
        };
        // What a model costs is not always known.
        let cost =
            if usage.cost_usd > 0.0 { format!("${:.4}", usage.cost_usd) } else { "no known cost".to_owned() };
        format!(
            "{} answers of models, {} tokens in, {} out, {cost}; {} calls of tools; the next request carries about \
             {context} tokens.",
            usage.model_calls, usage.input_tokens, usage.output_tokens, usage.tool_calls
        )
    }

    async fn save(&self, path: &Path, existing: Existing) -> Result<(), Failure> {
        let shown = path.display().to_string();
        if !self.sickbay.save_transcript(self.session.id(), path, existing).await? {
            return Err(Failure::usage(format!("there is a file `{shown}` already"))
                .with_hint(format!("`/save! {shown}` replaces it")));
        }
        self.screen.note(&format!("Saved to `{shown}`."));
        Ok(())
    }
}

/// The exit code of a script whose turn ended so; none where it was answered.
fn code_of(end: &TurnEnd) -> Option<u8> {
    match end {
        TurnEnd::Answered { .. } => None,
        TurnEnd::Limit { .. } => Some(4),
        TurnEnd::Cancelled { .. } => Some(1),
        TurnEnd::Failed { error } => Some(exit::code(&failure_of(error))),
    }
}
