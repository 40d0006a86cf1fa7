//! Asking one strategy, and checking what it says.

use std::sync::PoisonError;

use serde_json::Value;
use sickbay_core::{
    diagnosis::DiagnosisRequest,
    evidence,
    limits::Function,
    pipeline::StepOutcome,
    plugin::CallFailure,
    report::{StrategyOutcome, StrategyReport},
};

use super::{Drive, Known, call::Call};
use crate::{error::Failure, notice::Notice, plugins::sentence};

impl Drive {
    pub(super) async fn diagnose(&self, known: &mut Known, strategy: &str) -> Result<StepOutcome, Failure> {
        self.notice(Notice::Diagnosing { strategy: strategy.to_owned() });
        let Some(plugin) = self.ready.plugins.get(strategy) else {
            let message = format!("there is no diagnosis plugin `{strategy}`");
            return Ok(failed(known, strategy, StrategyOutcome::Failed, message, 0));
        };
        let request = DiagnosisRequest {
            namespaces: self.settings.namespaces.clone(),
            question: self.settings.question.clone(),
            earlier: known.merged(self.settings.question.as_deref()).findings,
            config: self.settings.profile.diagnosis.config_of(strategy),
        };
        let input = serde_json::to_value(&request).unwrap_or(Value::Null);
        let call =
            Call { plugin: strategy, ready: plugin, function: Function::Diagnose, name: "diagnose", input };
        let called = self.call(known, call, |context| plugin.loaded.diagnose(context, request)).await?;
        Ok(match called.result {
            Ok(mut diagnosis) => {
                let observations = self.context.observations.lock().unwrap_or_else(PoisonError::into_inner);
                let checked = evidence::check(&mut diagnosis, strategy, &observations);
                drop(observations);
                known.notes.extend(checked.notes.iter().map(|note| format!("{strategy}: {note}")));
                known.strategies.push(StrategyReport {
                    name: strategy.to_owned(),
                    outcome: StrategyOutcome::Ok,
                    message: diagnosis.summary.clone(),
                    findings: checked.findings,
                    wall_ms: called.wall_ms,
                });
                known.keep(strategy, diagnosis);
                StepOutcome::Diagnosed { problems: checked.problems }
            }
            Err(failure) => {
                let outcome = match &failure {
                    CallFailure::Trap { .. } => StrategyOutcome::Trap,
                    CallFailure::Limit { .. } => StrategyOutcome::Limit,
                    CallFailure::Denied { .. } => StrategyOutcome::Denied,
                    CallFailure::Guest { .. } | CallFailure::Cancelled | CallFailure::Contract { .. } => {
                        StrategyOutcome::Failed
                    }
                };
                let step = failed(known, strategy, outcome, sentence(&failure), called.wall_ms);
                if called.run_is_over { StepOutcome::Limit { limit: "wall".to_owned() } } else { step }
            }
        })
    }
}

fn failed(
    known: &mut Known,
    strategy: &str,
    outcome: StrategyOutcome,
    message: String,
    wall_ms: u64,
) -> StepOutcome {
    known.strategies.push(StrategyReport {
        name: strategy.to_owned(),
        outcome,
        message: message.clone(),
        findings: 0,
        wall_ms,
    });
    StepOutcome::Failed { message }
}
