//! Decisions that are made elsewhere than at the run's own terminal: found in
//! the journal, left in the store, taken up when the run goes on.

use serde_json::Value;
use sickbay_core::{
    approval::{ApprovalDecision, StoredDecision},
    digest::Digest,
    event::{Entry, Event},
    past::Past,
    text::clean_line,
};
use sickbay_store::read_all;

use crate::{driving::DrivingLock, error::Failure, journal::store_failure, sickbay::Sickbay};

/// What it is that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PendingKind {
    Plan,
    /// A call of a tool.
    Call,
    /// A stage that asks whether the run goes on.
    Stage,
}

/// A plan, a call or a stage that waits for a decision.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingPlan {
    pub run: String,
    pub kind: PendingKind,
    /// The stage that asks, or whose call it is; none of a plan, and of a model's call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    pub plan: u32,
    pub digest: Digest,
    pub plugin: String,
    pub action: String,
    pub summary: String,
    /// Of the action; the arguments, where it is a call of a tool; what is known
    /// so far, where it is a stage.
    pub parameters: Value,
    /// Milliseconds since 1970, UTC.
    pub expires_ms: i64,
}

impl PendingPlan {
    /// What waits, in a word for people.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self.kind {
            PendingKind::Plan => "plan",
            PendingKind::Call => "call",
            PendingKind::Stage => "stage",
        }
    }
}

/// Hex digits that a digest may be shortened to.
const SHORTEST_DIGEST: usize = 8;

impl Sickbay {
    /// What the run waits for; none where it does not wait.
    pub async fn pending(&self, id: &str) -> Result<Option<PendingPlan>, Failure> {
        let stored = self.stored_run(id).await?;
        Ok(pending(&stored.summary.run, &stored.entries))
    }

    /// Leaves a decision on exactly the plan that the run waits with. The
    /// digest may be shortened to its first hex digits.
    pub async fn leave_decision(
        &self,
        id: &str,
        digest: &str,
        decision: ApprovalDecision,
    ) -> Result<PendingPlan, Failure> {
        let stored = self.stored_run(id).await?;
        let run = stored.summary.run.clone();
        let Some(pending) = pending(&run, &stored.entries) else {
            return Err(Failure::usage(format!("run `{run}` waits for no decision"))
                .with_hint(format!("`sickbay runs show {run}` shows where it stands")));
        };
        let wanted = digest.strip_prefix("sha256:").unwrap_or(digest);
        let is_hex = wanted.len() >= SHORTEST_DIGEST && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || !pending.digest.hex().starts_with(&wanted.to_ascii_lowercase()) {
            let shown = clean_line(digest, 80);
            let noun = pending.noun();
            return Err(Failure::usage(format!("run `{run}` does not wait with a {noun} `{shown}`"))
                .with_hint(format!(
                    "it waits with {}; a decision is for exactly one {noun}",
                    pending.digest
                )));
        }
        if pending.kind == PendingKind::Stage && matches!(decision, ApprovalDecision::Edited { .. }) {
            return Err(Failure::usage(format!("run `{run}` waits with a stage, which has no parameters"))
                .with_hint("approve it, or deny it with a reason"));
        }
        let now = self.clock.now_ms();
        if now > pending.expires_ms {
            let noun = pending.noun();
            let then = match (pending.kind, &pending.stage) {
                (PendingKind::Plan, _) => "makes the plan again and asks again",
                (PendingKind::Call, None) => "goes on; the model is told that nobody decided",
                _ => "goes on, where the stage leads that nobody decided about in time",
            };
            let hint = format!("`sickbay runs resume {run}` {then}");
            return Err(Failure::usage(format!("the {noun} of run `{run}` expired before this decision"))
                .with_hint(hint));
        }
        let decision = StoredDecision { run, digest: pending.digest.clone(), decision, at_ms: now };
        let journal = self.journal().await?;
        journal.decide(decision).await.map_err(|error| store_failure(&error))?;
        Ok(pending)
    }

    /// Ends a run that nobody drives. What it wrote stays as it is: a run with
    /// a change that is not settled is resumed instead, which settles it.
    pub async fn cancel_run(&self, id: &str, reason: &str) -> Result<String, Failure> {
        let journal = self.journal().await?;
        let run = journal.run(id).await.map_err(|error| store_failure(&error))?.run;
        let _driving = DrivingLock::take(&self.folders, &run)?;
        let entries = read_all(&*journal, &run).await.map_err(|error| store_failure(&error))?;
        if let Some(Event::RunEnded { outcome }) = entries.last().map(|entry| &entry.event) {
            return Err(Failure::usage(format!("run `{run}` has ended already ({outcome})")));
        }
        if has_unsettled_change(&entries) {
            return Err(Failure::usage(format!("run `{run}` changed its cluster and is not done with that"))
                .with_hint(format!("`sickbay runs resume {run}` verifies the change, or takes it back")));
        }
        let now = self.clock.now_ms();
        let failed = |error: sickbay_store::StoreError| store_failure(&error);
        let reason = clean_line(reason, 200);
        journal.append(&run, now, Event::Cancelled { reason }).await.map_err(failed)?;
        journal
            .append_durable(&run, now, Event::RunEnded { outcome: "cancelled".to_owned() })
            .await
            .map_err(failed)?;
        journal.unlock(&run).await.map_err(failed)?;
        Ok(run)
    }
}

/// The request at the end of the journal that nothing answered yet.
pub(crate) fn pending(run: &str, entries: &[Entry]) -> Option<PendingPlan> {
    let past = Past::of(entries);
    let last = past.entries.last()?;
    let Event::ApprovalRequested { plan, digest, expires_ms, tool, stage } = &last.event else { return None };
    if let Some(request) = stage {
        return Some(PendingPlan {
            run: run.to_owned(),
            kind: PendingKind::Stage,
            stage: Some(request.stage.clone()),
            plan: 0,
            digest: digest.clone(),
            plugin: "stage".to_owned(),
            action: request.stage.clone(),
            summary: clean_line(&request.prompt, 2_000),
            parameters: request.known.clone(),
            expires_ms: *expires_ms,
        });
    }
    if let Some(request) = tool {
        return Some(PendingPlan {
            run: run.to_owned(),
            kind: PendingKind::Call,
            stage: request.stage.clone(),
            plan: 0,
            digest: digest.clone(),
            plugin: "tool".to_owned(),
            action: request.tool.clone(),
            summary: format!(
                "calls `{}` with {}",
                request.tool,
                clean_line(&request.arguments.to_string(), 2_000)
            ),
            parameters: request.arguments.clone(),
            expires_ms: *expires_ms,
        });
    }
    past.entries.iter().rev().find_map(|entry| match &entry.event {
        Event::PlanProposed { plan: number, plugin, action, parameters, action_plan, .. }
            if number == plan =>
        {
            Some(PendingPlan {
                run: run.to_owned(),
                kind: PendingKind::Plan,
                stage: None,
                plan: *plan,
                digest: digest.clone(),
                plugin: plugin.clone(),
                action: action.clone(),
                summary: action_plan.summary.clone(),
                parameters: parameters.clone(),
                expires_ms: *expires_ms,
            })
        }
        _ => None,
    })
}

fn has_unsettled_change(entries: &[Entry]) -> bool {
    let mut open = false;
    for entry in &Past::of(entries).entries {
        match &entry.event {
            Event::ChangeStarted { .. } => open = true,
            Event::PlanEnded { .. } => open = false,
            _ => {}
        }
    }
    open
}
