//! What is said of the run at its end, and while it waits.

use std::collections::HashMap;

use serde_json::{Value, json};
use sickbay_core::{
    change::Rehearsal,
    diagnosis::{Diagnosis, Finding},
    pipeline::Pipeline,
    plan::SealedPlan,
    remediation::Change,
    report::{Outcome, PlanReport, PlanState, Report, ReportCluster, Usage},
};

use super::{Drive, Known, course::PlanRecord, remediate::FindingKey};

impl Drive {
    pub(super) fn write_report(&self, known: &Known, pipeline: &Pipeline) -> Report {
        let cluster = known.info.as_ref().map_or_else(
            || ReportCluster {
                source: self.settings.source,
                version: None,
                namespaces: self.settings.namespaces.clone(),
            },
            ReportCluster::from,
        );
        let merged = known.merged(self.settings.question.as_deref());
        let mut report = Report::new(self.run.clone(), self.settings.profile.name.clone(), cluster);
        report.outcome = pipeline.outcome();
        if known.waits() {
            report.outcome = Outcome::Planned;
        }
        report.summary = summary(&merged, pipeline, report.outcome, known);
        report.question.clone_from(&self.settings.question);
        report.answer.clone_from(&known.answer);
        report.findings = findings(&known.resolved, merged.findings);
        report.plans = known.plans.iter().map(|plan| self.plan_report(plan, &report.findings)).collect();
        report.tools.clone_from(&known.called);
        report.approvals.clone_from(&known.asked);
        report.checked = merged.checked;
        report.skipped = self.settings.not_read.clone();
        report.skipped.extend(merged.skipped);
        report.skipped.extend_from_slice(&known.notes);
        report.strategies.clone_from(&known.strategies);
        report.limits_hit = pipeline.limits_hit().to_vec();
        report.usage = Usage {
            model_calls: known.models.calls,
            input_tokens: known.models.input,
            output_tokens: known.models.output,
            cost_usd: known.models.cost_usd,
            tool_calls: known.spent.tool_calls,
            plugin_calls: known.spent.plugin_calls,
            wall_ms: known.spent.wall_ms,
        };
        report
    }

    pub(super) fn plan_report(&self, record: &PlanRecord, findings: &[Finding]) -> PlanReport {
        let key = FindingKey::of(&record.finding);
        let finding = findings.iter().find(|finding| FindingKey::of(finding) == key);
        let (digest, reversible, changes) = match &record.sealed {
            Some(sealed) => (sealed.digest.clone(), sealed.is_reversible(), sealed_changes(sealed)),
            None => {
                let identity = self.settings.identity.as_deref().unwrap_or_default();
                let plugin = self.ready.pins.iter().find(|pin| pin.name == record.plugin);
                let plugin =
                    plugin.map_or_else(|| sickbay_core::digest::Digest::of(b""), |pin| pin.digest.clone());
                let digest = SealedPlan::digest_of(
                    identity,
                    &plugin,
                    &record.action,
                    &record.parameters,
                    &record.plan.changes,
                    &[],
                );
                (digest, record.plan.reversible, record.plan.changes.iter().map(plain_change).collect())
            }
        };
        PlanReport {
            plugin: record.plugin.clone(),
            action: record.action.clone(),
            parameters: record.parameters.clone(),
            digest,
            state: record.state,
            changes,
            finding: finding.map(|finding| finding.id.clone()).unwrap_or_default(),
            summary: record.plan.summary.clone(),
            risk: Some(record.plan.risk),
            reversible: reversible && record.plan.reversible,
            message: record.message.clone(),
            waits_until_ms: record.waits_until_ms,
        }
    }
}

fn sealed_changes(sealed: &SealedPlan) -> Vec<Value> {
    let of = |rehearsal: &Rehearsal| {
        json!({
            "change": rehearsal.verb(),
            "object": rehearsal.object,
            "diff": rehearsal.diff,
            "inverse": rehearsal.inverse,
            "warnings": rehearsal.warnings,
        })
    };
    let instructions = sealed.instructions().map(|text| json!({"change": "instruction", "text": text}));
    sealed.rehearsals.iter().map(of).chain(instructions).collect()
}

fn plain_change(change: &Change) -> Value {
    match change {
        Change::Instruction { text } => json!({"change": "instruction", "text": text}),
        _ => json!({"change": change.verb(), "object": change.object(), "diff": []}),
    }
}

/// What was put right, then what is left, numbered as one list.
fn findings(resolved: &[Finding], left: Vec<Finding>) -> Vec<Finding> {
    let groups = [resolved.to_vec(), left];
    let mut all = Vec::new();
    for group in groups {
        let start = all.len();
        let names: HashMap<String, String> = group
            .iter()
            .enumerate()
            .map(|(index, finding)| (finding.id.clone(), format!("f{}", start + index + 1)))
            .collect();
        for mut finding in group {
            finding.causes = finding.causes.iter().filter_map(|cause| names.get(cause).cloned()).collect();
            finding.id = format!("f{}", all.len() + 1);
            all.push(finding);
        }
    }
    all
}

/// What the strategies say, or why they say nothing, and what became of it.
fn summary(merged: &Diagnosis, pipeline: &Pipeline, outcome: Outcome, known: &Known) -> String {
    if let Some(reason) = pipeline.cancelled() {
        return format!("The run was cancelled: {reason}.");
    }
    let of = |state: PlanState| known.plans.iter().filter(|plan| plan.state == state).count();
    let mut done = Vec::new();
    for (count, text) in [
        (of(PlanState::Verified), "applied and verified"),
        (of(PlanState::RolledBack), "applied and taken back"),
        (of(PlanState::Applied), "applied and not settled"),
        (of(PlanState::Denied), "denied"),
        (known.plans.iter().filter(|plan| plan.waits_until_ms.is_some()).count(), "waiting for a decision"),
    ] {
        match count {
            0 => {}
            1 => done.push(format!("One plan was {text}.")),
            _ => done.push(format!("{count} plans were {text}.")),
        }
    }
    let said = if merged.summary.is_empty() && outcome != Outcome::Healthy && known.plans.is_empty() {
        let failure = pipeline.failures().first().map(|failure| failure.message.as_str());
        failure.map_or_else(String::new, |message| format!("Nothing could be found out: {message}."))
    } else {
        merged.summary.clone()
    };
    if done.is_empty() {
        return said;
    }
    format!("{} {said}", done.join(" ")).trim_end().to_owned()
}
