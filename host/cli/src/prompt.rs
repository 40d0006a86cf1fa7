//! Asks the person at the terminal whether a plan may be applied, a tool called,
//! or the next stage entered.
//!
//! What is shown is what the digest is of. Nothing that was typed before it
//! was shown is an answer, and no answer is no approval: Ctrl-C, the end of
//! the input and a terminal that went away leave the plan for later.

mod answer;
mod call;
mod console;
mod editor;
mod request;
mod sheet;
mod stage;

use std::sync::Arc;

use async_trait::async_trait;
use sickbay_runtime::{
    ApprovalRequest, Approver, CallDecision, CallRequest, Decision, StageApproval, StageDecision,
};

use self::{
    answer::{Answer, parameters},
    console::Typed,
};
pub(crate) use self::{
    call::waiting_call,
    console::{Console, Interrupts, Terminal},
    sheet::visible_json,
    stage::waiting_stage,
};
use crate::{color::Paint, progress::Progress};

/// Answers that are none, before the plan is left for later.
const ATTEMPTS: usize = 50;
/// Characters of a reason.
const REASON: usize = 500;

const HELP: &str = "  y  apply exactly this plan; it is watched, and taken back where it does not help
  n  do not apply it, and say why
  l  leave it for later: the run waits, and `sickbay runs approve` decides (as Ctrl-C)
  e  other parameters: a new plan is made of them and asked for again
  d  all of it: every field, every piece of evidence, and how it would be taken back
";

/// The person at the terminal.
pub(crate) struct TerminalApprover {
    console: Box<dyn Console>,
    progress: Arc<Progress>,
    paint: Paint,
    width: usize,
}

impl TerminalApprover {
    pub(crate) fn new(
        console: Box<dyn Console>,
        progress: Arc<Progress>,
        paint: Paint,
        width: usize,
    ) -> Self {
        Self { console, progress, paint, width }
    }

    /// None where there was no answer.
    async fn ask(&self, question: &str) -> Option<String> {
        self.console.say(&format!("{} ", self.paint.bold(question)));
        match self.console.line().await {
            Typed::Line(line) => Some(line.trim().to_owned()),
            Typed::Closed | Typed::Interrupted => {
                self.console.say("\n");
                None
            }
        }
    }

    fn later(&self) -> Decision {
        self.console.say("Left for later; nothing is changed.\n");
        Decision::Later
    }

    /// Why a person says no; none where they leave it for later. `readers` are those who are told.
    async fn reason(&self, readers: &str) -> Option<String> {
        for _ in 0..ATTEMPTS {
            let typed = self.ask(&format!("Why not? (one line, for {readers})")).await?;
            let reason = sickbay_core::text::clean_line(&typed, REASON);
            if !reason.is_empty() {
                return Some(reason);
            }
        }
        None
    }

    /// `Ok(None)`: back to the question.
    async fn edited(&self, request: &ApprovalRequest) -> Option<Option<Decision>> {
        self.console.say(&request::parameters(request, self.paint, self.width));
        let typed = self.ask("Others, as one line of JSON (empty: leave them):").await?;
        match parameters(&typed, &request.plan.parameters) {
            Ok(Some(parameters)) => Some(Some(Decision::Edit { parameters })),
            Ok(None) => Some(None),
            Err(message) => {
                self.console.say(&format!("{message}\n"));
                Some(None)
            }
        }
    }

    async fn answer(&self, request: &ApprovalRequest) -> Option<Decision> {
        let question = format!(
            "Apply plan {}? [y]es [n]o [l]ater [e]dit parameters [d]etails [?]",
            request::short_digest(&request.plan)
        );
        for _ in 0..ATTEMPTS {
            let typed = self.ask(&question).await?;
            match Answer::parse(&typed) {
                Some(Answer::Yes) => return Some(Decision::Approve),
                Some(Answer::Later) => return None,
                Some(Answer::No) => {
                    return self.reason("the journal").await.map(|reason| Decision::Deny { reason });
                }
                Some(Answer::Edit) => {
                    if let Some(decision) = self.edited(request).await? {
                        return Some(decision);
                    }
                }
                Some(Answer::Details) => {
                    self.console.say(&request::details(request, self.paint, self.width));
                }
                Some(Answer::Help) | None => self.console.say(HELP),
            }
        }
        None
    }
}

#[async_trait]
impl Approver for TerminalApprover {
    async fn decide(&self, request: &ApprovalRequest) -> Decision {
        let _attention = self.console.attend();
        let _still = self.progress.pause();
        self.console.say(&format!("\n{}", request::text(request, self.paint, self.width)));
        self.console.forget_typed();
        match self.answer(request).await {
            Some(decision) => decision,
            None => self.later(),
        }
    }

    async fn decide_call(&self, request: &CallRequest) -> CallDecision {
        let _still = self.progress.pause();
        self.decided_call(request).await
    }

    async fn decide_stage(&self, request: &StageApproval) -> StageDecision {
        let _still = self.progress.pause();
        self.decided_stage(request).await
    }

    fn is_present(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
