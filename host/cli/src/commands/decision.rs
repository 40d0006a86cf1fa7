//! Decisions on the plan, call or stage of a run that waits, made elsewhere than at its own
//! terminal: each is for exactly one digest.

use std::{process::ExitCode, sync::Arc};

use sickbay_core::{approval::ApprovalDecision, text::clean_line};
use sickbay_runtime::{Failure, PendingKind, PendingPlan, ResumeRequest};

use super::{
    cluster, consent,
    run::{Outlives, conclude},
    sickbay, sickbay_for_run,
};
use crate::{
    args::{ClusterArgs, ConsentArgs, PlanArgs},
    environment::Environment,
    output::{Output, time},
    progress::Progress,
    prompt,
};

/// Characters of a reason.
const REASON: usize = 500;

/// Says how to decide, where a run stopped to wait.
pub(super) fn tell_waiting(
    run: &str,
    pending: Option<&PendingPlan>,
    reason: &str,
    outlives: Outlives,
    output: &Output,
) {
    let waiting = output.error_paint.yellow("waiting");
    let hint = output.error_paint.green("hint");
    let Some(pending) = pending else {
        output.note(&format!("{waiting}: {}", clean_line(reason, 300)));
        output.note(&format!("{hint}: `sickbay runs resume {run}` goes on with it"));
        return;
    };
    let digest = short(pending);
    output.note(&format!(
        "{waiting}: {} {digest} needs a person's approval until {}: {}",
        pending.noun(),
        time(pending.expires_ms),
        what(pending)
    ));
    if outlives == Outlives::No {
        output.note(&format!(
            "{hint}: this playground ended with the command, so that nothing is left to approve; run it on a terminal, \
             or serve one with `sickbay playground start SCENARIO` and run with its `--kubeconfig`"
        ));
        return;
    }
    let applies = match pending.kind {
        PendingKind::Plan => "applies it",
        PendingKind::Call => "calls it and goes on",
        PendingKind::Stage => "goes on",
    };
    output.note(&format!("{hint}: `sickbay runs approve {run} --plan {digest} --resume` {applies}"));
    output.note(&format!("{hint}: `sickbay runs deny {run} --plan {digest} --reason TEXT` refuses it"));
}

/// The exact arguments of a call that waits, or all that a stage asks about, on
/// stderr as all that is about a decision: with `--json` they stand in the data.
pub(super) fn show_waiting(pending: &PendingPlan, output: &Output) {
    if output.is_json() {
        return;
    }
    match pending.kind {
        // Its diff stands in the report.
        PendingKind::Plan => {}
        PendingKind::Call => {
            output.aside(&prompt::waiting_call(pending, output.error_paint, output.error_width));
        }
        PendingKind::Stage => {
            output.aside(&prompt::waiting_stage(pending, output.error_paint, output.error_width));
        }
    }
}

/// What would be done, on one line. The whole of a call's arguments is what
/// `runs show` prints.
fn what(pending: &PendingPlan) -> String {
    match pending.kind {
        PendingKind::Call => clean_line(&pending.summary, 300),
        PendingKind::Stage if pending.summary.is_empty() => clean_line(&pending.action, 300),
        PendingKind::Stage => clean_line(&format!("{}: {}", pending.action, pending.summary), 300),
        PendingKind::Plan => {
            clean_line(&format!("{} {}: {}", pending.plugin, pending.action, pending.summary), 300)
        }
    }
}

fn short(pending: &PendingPlan) -> String {
    pending.digest.hex().chars().take(12).collect()
}

/// Who decides, by their own word.
fn decider(environment: &Environment, verb: &str) -> String {
    let name = environment.user.as_deref().map(|name| clean_line(name, 64)).filter(|name| !name.is_empty());
    format!("{} by `runs {verb}`", name.as_deref().unwrap_or("a person"))
}

/// One decision, as a command makes it.
pub(super) enum Decided {
    Approved,
    Denied { reason: String },
    Edited { parameters: String },
}

/// A decision that was left.
pub(super) struct Left {
    word: &'static str,
    pub(super) pending: PendingPlan,
}

impl Left {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({"decision": self.word, "plan": self.pending})
    }

    /// What was decided about, by its whole digest.
    pub(super) fn text(&self) -> String {
        let pending = &self.pending;
        let noun = pending.noun();
        format!("{} {noun} {} of run {}: {}", self.word, pending.digest, pending.run, what(pending))
    }
}

/// Leaves it for the run.
pub(super) async fn decide(
    plan: &PlanArgs,
    decided: Decided,
    environment: &Environment,
) -> Result<Left, Failure> {
    let (word, decision) = match decided {
        Decided::Approved => ("approved", ApprovalDecision::Approved { by: decider(environment, "approve") }),
        Decided::Denied { reason } => {
            let reason = clean_line(&reason, REASON);
            if reason.is_empty() {
                return Err(Failure::usage("a denial needs a reason")
                    .with_hint("say why with `--reason TEXT`; it stands in the report"));
            }
            ("denied", ApprovalDecision::Denied { by: decider(environment, "deny"), reason })
        }
        Decided::Edited { parameters } => {
            let parameters: serde_json::Value = serde_json::from_str(&parameters).map_err(|error| {
                Failure::usage(format!("the parameters are no JSON: {error}")).with_hint(
                    "give the whole of them: `sickbay runs show RUN --json` has those that it waits with",
                )
            })?;
            if !parameters.is_object() {
                return Err(Failure::usage("parameters are an object")
                    .with_hint("as in `--parameters '{\"replicas\": 2}'`"));
            }
            ("edited", ApprovalDecision::Edited { by: decider(environment, "edit"), parameters })
        }
    };
    let sickbay = sickbay(environment)?;
    let pending = sickbay.leave_decision(&plan.run, &plan.digest, decision).await?;
    sickbay.close().await?;
    Ok(Left { word, pending })
}

/// `runs resume`.
pub(super) async fn resume(
    run: &str,
    cluster: &ClusterArgs,
    consents: ConsentArgs,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    if !cluster.namespaces.is_empty() || cluster.all_namespaces {
        return Err(Failure::usage("a run goes on in the namespaces that it began with")
            .with_hint("leave out `-n` and `-A`, or start a new run"));
    }
    let request =
        ResumeRequest { cluster: cluster::named(cluster, environment)?, consent: consent(consents) };
    let progress = Arc::new(Progress::start(output));
    let sickbay = sickbay_for_run(environment, output, consents, &progress)?;
    let ended = sickbay.resume(run, request).await;
    progress.finish();
    conclude(&sickbay, ended, Outlives::Yes, output).await
}
