//! Sends a change and finds out what became of it. Before each attempt the
//! object is read, so that a write whose answer was lost is seen and never
//! sent a second time, and each request carries the version or the uid that
//! was read, so that even a late arrival can not do it twice.

use sickbay_core::{
    change::{Direction, Mark, Rehearsal, WriteOutcome},
    error::{CallError, ErrorKind},
};

use super::{
    LiveWriter,
    judgement::{Task, Verdict, applied},
    reader::find,
    rehearsal::MOST_CONFLICTS,
    sender::{Verb, Way},
};
use crate::{
    Doubt,
    live::{
        exchange::{Again, Failure, Fate},
        status::Refusal,
    },
};

impl LiveWriter {
    pub(super) async fn delivered(
        &self,
        rehearsal: &Rehearsal,
        mark: &Mark,
        direction: Direction,
        doubt: Doubt,
    ) -> WriteOutcome {
        let retries = self.cluster.transport.limits.retries;
        let (mut tried, mut conflicts) = (0, 0);
        // Whether this call sent it, and whether anybody may have.
        let mut sent = false;
        let mut in_doubt = doubt == Doubt::InDoubt;
        // The failure after which nothing more is sent.
        let mut last: Option<Failure> = None;
        loop {
            let task = Task { rehearsal, mark, direction, in_doubt };
            let verdict = match find(&self.cluster, &rehearsal.object).await {
                Ok(live) => self.judge(task, live.as_ref()).await,
                Err(error) => Err(error),
            };
            let outgoing = match verdict {
                Err(error) if in_doubt => {
                    return WriteOutcome::Unknown { error: last.map_or(error, |last| last.refusal.error) };
                }
                Err(error) | Ok(Verdict::Refused(error)) => return WriteOutcome::Refused { error },
                Ok(Verdict::Done(applied)) if sent => return WriteOutcome::Applied { applied },
                Ok(Verdict::Done(applied)) => return WriteOutcome::Already { applied },
                Ok(Verdict::Changed(message)) => return WriteOutcome::Changed { message },
                Ok(Verdict::Send(outgoing)) => outgoing,
            };
            if let Some(last) = last {
                return given_up(last);
            }
            let failure = match self.sender.send(&outgoing, Way::ForReal).await {
                Ok(answer) => {
                    let mut applied = answer.object.as_ref().map(applied).unwrap_or_default();
                    // The answer to an eviction is no pod.
                    if applied.uid.is_none() && outgoing.verb != Verb::Create {
                        applied.uid.clone_from(&rehearsal.uid);
                    }
                    applied.warnings = answer.warnings;
                    return WriteOutcome::Applied { applied };
                }
                Err(failure) => failure,
            };
            tracing::debug!(status = failure.refusal.status, fate = ?failure.fate, "a write did not go through");
            if failure.fate == Fate::Refused && matches!(failure.refusal.status, 404 | 409) {
                // It is not as it was read a moment ago: it is read again.
                conflicts += 1;
                if conflicts > MOST_CONFLICTS {
                    return WriteOutcome::Refused { error: refusal_of(*failure.refusal) };
                }
                continue;
            }
            if failure.fate == Fate::Refused && failure.again == Again::Never {
                return WriteOutcome::Refused { error: refusal_of(*failure.refusal) };
            }
            if failure.fate == Fate::Unknown {
                (sent, in_doubt) = (true, true);
            }
            let wait = self.sender.exchange.pause(&failure.refusal.error, tried);
            match wait.filter(|_| tried < retries) {
                Some(wait) => {
                    tried += 1;
                    tokio::time::sleep(wait).await;
                }
                None => match failure.fate {
                    // What may have gone through is read once more.
                    Fate::Unknown => last = Some(failure),
                    _ => return WriteOutcome::Refused { error: refusal_of(*failure.refusal) },
                },
            }
        }
    }
}

/// The object does not have it, and nothing more is sent.
fn given_up(failure: Failure) -> WriteOutcome {
    // A server that did not answer in time may still be at it.
    if failure.refusal.status == 0 && failure.refusal.error.kind == ErrorKind::Timeout {
        return WriteOutcome::Unknown { error: failure.refusal.error };
    }
    WriteOutcome::Refused { error: refusal_of(*failure.refusal) }
}

/// What the server said no to, told apart for those who decide by it.
pub(super) fn refusal_of(refusal: Refusal) -> CallError {
    if refusal.status == 429 && refusal.causes.iter().any(|cause| cause == "DisruptionBudget") {
        let mut error = CallError::new(
            ErrorKind::Denied,
            "disruption-budget",
            "a PodDisruptionBudget allows no eviction of the pod now",
        )
        .with_hint("wait until more pods of the budget are healthy, or relax the budget first");
        error.retry_after_ms = refusal.error.retry_after_ms;
        return error;
    }
    refusal.error
}
