//! Whose word a call needs that writes: the profile's, a person's at the
//! terminal, or one that was left in the store.

use std::sync::Arc;

use sickbay_core::{
    approval::{ApprovalDecision, ToolRequest},
    digest::Digest,
    duration::Span,
    event::{Event, Lane},
    tool::Effect,
};
use sickbay_store::Journal;

use super::Conversation;
use crate::{
    approvals::{Approver, CallDecision, CallRequest, StageApproval, StageDecision},
    clock::Clock,
    error::Failure,
    journal::store_failure,
    listener::SessionEvent,
};

const AT_THE_TERMINAL: &str = "the person at the terminal";

/// Who can be asked.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) approver: Arc<dyn Approver>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) holds: Span,
}

/// What was said of a call.
pub(super) enum Word {
    Yes,
    No {
        reason: String,
    },
    Other {
        arguments: serde_json::Value,
    },
    /// Nobody decided in time.
    Late,
    /// Nobody decides now.
    None,
}

impl Conversation {
    pub(super) async fn word_for(&mut self, request: &ToolRequest) -> Result<Word, Failure> {
        if self.needs_no_word(request) {
            return Ok(Word::Yes);
        }
        let digest = request.digest(&self.setup.run);
        let holds = self.setup.desk.as_ref().map_or(0, |desk| desk.holds.as_millis());
        let expires_ms = self.now_ms.saturating_add(i64::try_from(holds).unwrap_or(i64::MAX));
        let told = self.setup.context.recorder.foretold(Lane::Main);
        // A replay has nobody to tell how long an approval holds.
        let expires_ms = match told {
            Some(Event::ApprovalRequested { expires_ms, .. }) => expires_ms,
            _ => expires_ms,
        };
        let asked = Event::ApprovalRequested {
            plan: 0,
            digest: digest.clone(),
            expires_ms,
            tool: Some(request.clone()),
            stage: None,
        };
        let stamp = self.note(asked).await?;
        let decision = match self.setup.context.recorder.foretold(Lane::Main) {
            Some(Event::ApprovalDecided { decision, .. }) => Some(decision),
            Some(_) => None,
            None => {
                // Whoever decides elsewhere has to find the request.
                if !stamp.is_past {
                    self.setup.context.recorder.flush().await?;
                }
                match &self.setup.desk {
                    Some(desk) => {
                        let call = CallRequest {
                            run: self.setup.run.clone(),
                            digest: digest.clone(),
                            request: request.clone(),
                            expires_ms,
                        };
                        self.setup.listener.event(SessionEvent::Approval {
                            request: request.clone(),
                            digest: digest.to_string(),
                        });
                        desk.decide(&call).await?
                    }
                    None => None,
                }
            }
        };
        let Some(decision) = decision else { return Ok(Word::None) };
        self.note(Event::ApprovalDecided { plan: 0, digest, decision: decision.clone() }).await?;
        Ok(match decision {
            ApprovalDecision::Approved { .. } => Word::Yes,
            ApprovalDecision::Allowed { pattern, .. } => {
                // A pattern for another tool allows nothing here.
                if pattern.fits(&request.tool, &request.arguments) {
                    self.allowed.push(pattern);
                    Word::Yes
                } else {
                    Word::No { reason: "what was allowed is another call".to_owned() }
                }
            }
            ApprovalDecision::Denied { reason, .. } if reason.is_empty() => {
                Word::No { reason: "without a reason".to_owned() }
            }
            ApprovalDecision::Denied { reason, .. } => Word::No { reason },
            ApprovalDecision::Edited { parameters, .. } => Word::Other { arguments: parameters },
            ApprovalDecision::Expired => Word::Late,
        })
    }

    fn needs_no_word(&self, request: &ToolRequest) -> bool {
        let unasked = self.setup.toolbox.settings().unasked.iter().any(|pattern| match request.effect {
            // What can not be changed back is never covered by a wildcard.
            Effect::Destructive => pattern.as_str() == request.tool,
            _ => pattern.matches(&request.tool),
        });
        unasked || self.allowed.iter().any(|pattern| pattern.fits(&request.tool, &request.arguments))
    }
}

impl Desk {
    /// What was left in the store, or that it is too late for anything else.
    async fn left(
        &self,
        run: &str,
        digest: &Digest,
        expires_ms: i64,
    ) -> Result<Option<ApprovalDecision>, Failure> {
        let left = self.journal.decision(run, digest).await.map_err(|error| store_failure(&error))?;
        let (now_ms, holds) = (self.clock.now_ms(), self.holds.as_millis());
        let holds_ms = i64::try_from(holds).unwrap_or(i64::MAX);
        let answer = left.and_then(|left| left.answer(expires_ms, holds_ms, now_ms));
        Ok(answer.or((now_ms > expires_ms).then_some(ApprovalDecision::Expired)))
    }

    /// What was left, or else what the person who is here says; none: later.
    async fn decided(
        &self,
        (run, digest, expires_ms): (&str, &Digest, i64),
        asked: impl Future<Output = Option<ApprovalDecision>>,
    ) -> Result<Option<ApprovalDecision>, Failure> {
        if let Some(left) = self.left(run, digest, expires_ms).await? {
            return Ok(Some(left));
        }
        if !self.approver.is_present() {
            return Ok(None);
        }
        let decision = asked.await;
        // An answer that took too long is no answer.
        Ok(decision.map(
            |decision| {
                if self.clock.now_ms() > expires_ms { ApprovalDecision::Expired } else { decision }
            },
        ))
    }

    async fn decide(&self, call: &CallRequest) -> Result<Option<ApprovalDecision>, Failure> {
        self.decided((&call.run, &call.digest, call.expires_ms), async {
            let by = AT_THE_TERMINAL.to_owned();
            match self.approver.decide_call(call).await {
                CallDecision::Approve => Some(ApprovalDecision::Approved { by }),
                CallDecision::Allow { pattern } => Some(ApprovalDecision::Allowed { by, pattern }),
                CallDecision::Deny { reason } => Some(ApprovalDecision::Denied { by, reason }),
                CallDecision::Edit { arguments } => {
                    Some(ApprovalDecision::Edited { by, parameters: arguments })
                }
                CallDecision::Later => None,
            }
        })
        .await
    }

    /// The same for a stage that stands still.
    pub(crate) async fn decide_stage(
        &self,
        asked: &StageApproval,
    ) -> Result<Option<ApprovalDecision>, Failure> {
        self.decided((&asked.run, &asked.digest, asked.expires_ms), async {
            let by = AT_THE_TERMINAL.to_owned();
            match self.approver.decide_stage(asked).await {
                StageDecision::Approve => Some(ApprovalDecision::Approved { by }),
                StageDecision::Deny { reason } => Some(ApprovalDecision::Denied { by, reason }),
                StageDecision::Later => None,
            }
        })
        .await
    }
}
