//! Locks, writes and taking back: the only place from which a run changes its
//! cluster. Each write is on disk as begun before it is sent.

use sickbay_cluster::{ClusterNote, Doubt};
use sickbay_core::{
    change::{Direction, Mark, WriteOutcome},
    error::CallError,
    event::{Event, Lane},
    object::ObjectRef,
    outside::{Answer, Ask},
    plan::PlanOutcome,
    report::PlanState,
};
use sickbay_store::LockOutcome;

use super::{
    Drive, Known,
    course::{Active, no_hands, with_hint},
};
use crate::{error::Failure, journal::store_failure, notice::Notice};

/// How long a lock holds without being prolonged, in ms.
const LEASE_MS: i64 = 120_000;
/// Between two tries for a lock that another run has, in ms.
const LOCK_PAUSE_MS: u64 = 500;

impl Drive {
    pub(super) fn mark(&self, plan: u32, change: usize) -> Mark {
        Mark::of(&self.run, plan, change, Direction::Forward)
    }

    /// Of all objects that the plan writes, by names that other runs use too.
    fn lock_names(&self, active: &Active) -> Vec<String> {
        let cluster = self.settings.identity.as_deref().unwrap_or_default();
        let name = |object: &ObjectRef| {
            let namespace = object.namespace.as_deref().unwrap_or_default();
            format!("{cluster}/{}/{}/{namespace}/{}", object.group(), object.kind, object.name)
        };
        active.sealed.iter().flat_map(|sealed| sealed.objects()).map(|object| name(&object)).collect()
    }

    pub(super) async fn lock(&self, known: &mut Known, active: &mut Active) -> Result<PlanOutcome, Failure> {
        let names = self.lock_names(active);
        let plan = active.number;
        let patience = self.settings.profile.remediation.lock_wait.as_millis();
        let mut waited = 0;
        loop {
            self.note(known, Event::LockStarted { plan, objects: names.clone() }).await?;
            let held_by = match self.context.recorder.foretold(Lane::Main) {
                Some(Event::LockEnded { held_by, .. }) => held_by,
                _ => self.take_locks(&names).await?,
            };
            self.note(known, Event::LockEnded { plan, held_by: held_by.clone() }).await?;
            let Some(holder) = held_by else { return Ok(PlanOutcome::Done) };
            if waited >= patience || self.is_cancelled_now(known).await? {
                let message = format!(
                    "run `{holder}` is changing the same object (see `sickbay runs show {holder}`; \
                     `remediation.lock-wait` lets this run wait)"
                );
                return Ok(PlanOutcome::Failed { message });
            }
            self.notice(Notice::WaitingForLock { held_by: holder });
            self.pause(known, LOCK_PAUSE_MS.min(patience)).await?;
            waited += LOCK_PAUSE_MS;
        }
    }

    /// The other run that has one of them; none where this run has them all.
    async fn take_locks(&self, names: &[String]) -> Result<Option<String>, Failure> {
        let Some(hands) = &self.hands else { return Ok(None) };
        let now = hands.clock.now_ms();
        let outcome = hands.journal.lock(names, &self.run, now, now + LEASE_MS).await;
        Ok(match outcome.map_err(|error| store_failure(&error))? {
            LockOutcome::Taken => None,
            LockOutcome::Held { holder, .. } => Some(holder),
        })
    }

    /// Keeps the locks while the plan is watched. That another run took one,
    /// after a long pause of this process, shows in the objects themselves.
    pub(super) async fn prolong_locks(&self, active: &Active) -> Result<(), Failure> {
        if !self.context.recorder.catches_up() {
            self.take_locks(&self.lock_names(active)).await?;
        }
        Ok(())
    }

    /// Whether another run got hold of an object of the plan while this one
    /// was not there to prolong its locks. Takes them again where it can.
    async fn is_locked_out(&self, active: &Active) -> Result<bool, Failure> {
        Ok(self.take_locks(&self.lock_names(active)).await?.is_some())
    }

    pub(super) async fn apply(
        &self,
        known: &mut Known,
        active: &mut Active,
        index: usize,
    ) -> Result<PlanOutcome, Failure> {
        known.unsettled = true;
        let outcome = self.write(known, active, index, Direction::Forward).await?;
        let is_last = index + 1 == active.rehearsals.len();
        Ok(match outcome {
            WriteOutcome::Applied { .. } | WriteOutcome::Already { .. } => {
                if let Some(record) = known.record_of(active.number) {
                    record.state = PlanState::Applied;
                }
                if is_last {
                    active.applied_at = self.cluster_time(known).await?;
                }
                PlanOutcome::Done
            }
            WriteOutcome::Changed { message } => PlanOutcome::Void { reason: message },
            WriteOutcome::Refused { error } => PlanOutcome::Failed { message: with_hint(error) },
            WriteOutcome::Unknown { error } => PlanOutcome::Unknown { message: with_hint(error) },
        })
    }

    pub(super) async fn revert(
        &self,
        known: &mut Known,
        active: &mut Active,
        index: usize,
    ) -> Result<PlanOutcome, Failure> {
        let outcome = self.write(known, active, index, Direction::Back).await?;
        Ok(match outcome {
            WriteOutcome::Applied { .. } | WriteOutcome::Already { .. } => PlanOutcome::Done,
            WriteOutcome::Changed { message } => PlanOutcome::Failed { message },
            WriteOutcome::Refused { error } => PlanOutcome::Failed { message: with_hint(error) },
            WriteOutcome::Unknown { error } => PlanOutcome::Unknown { message: with_hint(error) },
        })
    }

    async fn write(
        &self,
        known: &mut Known,
        active: &Active,
        index: usize,
        direction: Direction,
    ) -> Result<WriteOutcome, Failure> {
        let plan = active.number;
        let mark = Mark::of(&self.run, plan, index, direction);
        let Some(rehearsal) = active.rehearsals.get(index) else {
            return Ok(WriteOutcome::Refused { error: no_hands() });
        };
        let object = rehearsal.object.to_string();
        self.notice(match direction {
            Direction::Forward => Notice::Applying { object },
            Direction::Back => Notice::RollingBack { object },
        });
        let begun = Event::ChangeStarted { plan, change: index, direction, mark: mark.clone() };
        let stamp = self.note(known, begun).await?;
        let outcome = match self.context.recorder.foretold(Lane::Main) {
            Some(Event::ChangeEnded { outcome, .. }) => outcome,
            _ => match &self.hands {
                Some(_) if direction == Direction::Forward && self.is_locked_out(active).await? => {
                    let message = "another run took the lock of its objects meanwhile".to_owned();
                    WriteOutcome::Changed { message }
                }
                Some(hands) => {
                    // On disk before it is sent: a crash must not forget it.
                    self.context.recorder.flush().await?;
                    let doubt = if stamp.is_past { Doubt::InDoubt } else { Doubt::Fresh };
                    hands.writer.write(rehearsal, &mark, direction, doubt).await
                }
                None => WriteOutcome::Refused { error: no_hands() },
            },
        };
        let ended = Event::ChangeEnded { plan, change: index, direction, outcome: outcome.clone() };
        let ended = self.note(known, ended).await?;
        if !ended.is_past && outcome.is_in_place() {
            self.context.recorder.flush().await?;
            self.tell(active, &rehearsal.object, direction).await;
        }
        Ok(outcome)
    }

    /// Leaves a note at the object; that it can not be left changes nothing.
    async fn tell(&self, active: &Active, object: &ObjectRef, direction: Direction) {
        let Some(hands) = &self.hands else { return };
        let what = format!("{} of plugin {}, run {}", active.action, active.plugin, self.run);
        let (reason, message) = match direction {
            Direction::Forward => ("SickbayApplied", format!("applied {what}: {}", active.plan.summary)),
            Direction::Back => ("SickbayRolledBack", format!("took back {what}")),
        };
        let note = ClusterNote {
            object: object.clone(),
            reason: reason.to_owned(),
            message,
            is_warning: direction == Direction::Back,
        };
        if let Err(error) = hands.writer.tell(&note).await {
            tracing::debug!(%object, "no event could be left: {error}");
        }
    }

    /// The cluster's time, RFC 3339; none where it does not tell.
    pub(super) async fn cluster_time(&self, known: &mut Known) -> Result<Option<String>, Failure> {
        Ok(match self.ask(known, Ask::ClusterInfo).await? {
            Answer::ClusterInfo { info } => Some(info.observed_at),
            _ => None,
        })
    }

    pub(super) async fn check_reverted(
        &self,
        known: &mut Known,
        active: &mut Active,
    ) -> Result<PlanOutcome, Failure> {
        let plan = active.number;
        self.note(known, Event::RevertCheckStarted { plan }).await?;
        let differences = match self.context.recorder.foretold(Lane::Main) {
            Some(Event::RevertCheckEnded { differences, .. }) => differences,
            _ => match &self.hands {
                Some(hands) => {
                    let mut all = Vec::new();
                    for rehearsal in &active.rehearsals {
                        match hands.writer.differences(rehearsal).await {
                            Ok(differences) => all.extend(differences),
                            Err(error) => all.push(unread(&rehearsal.object, &error)),
                        }
                    }
                    all
                }
                None => vec![no_hands().message],
            },
        };
        self.note(known, Event::RevertCheckEnded { plan, differences: differences.clone() }).await?;
        Ok(if differences.is_empty() {
            PlanOutcome::Done
        } else {
            PlanOutcome::Failed { message: format!("not as it was: {}", differences.join(", ")) }
        })
    }
}

fn unread(object: &ObjectRef, error: &CallError) -> String {
    format!("{object} could not be read: {}", error.message)
}
