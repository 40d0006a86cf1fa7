//! Calls to the `diagnosis` world.

use std::collections::HashSet;

use sickbay_core::{
    diagnosis::{Checked, Diagnosis, DiagnosisRequest, Finding, ProposedAction, Severity},
    plugin::PluginKind,
};

use super::{LoadedPlugin, checked, fits, guest, lacks};
use crate::{
    bindings::diagnosis::exports::sickbay::plugin::diagnosis_strategy as wit,
    call::{CallContext, CallEnd},
    host::convert::{each, from_evidence, from_object, json, to_evidence, to_object},
    shapes::strategy::StrategyInfo,
};

impl LoadedPlugin {
    /// What the strategy is.
    pub async fn describe_strategy(&self, context: CallContext) -> CallEnd<StrategyInfo> {
        let limit = context.limits.result_bytes;
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.diagnosis else { return lacks(PluginKind::Diagnosis) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let strategy = world.sickbay_plugin_diagnosis_strategy();
                let info = strategy.call_describe(&mut session.store).await?;
                let words = info.reasons.iter().chain(&info.reads);
                let size = info.description.len() + words.map(String::len).sum::<usize>();
                let info = StrategyInfo {
                    description: info.description,
                    needs_model: info.needs_model,
                    reasons: info.reasons,
                    reads: info.reads,
                };
                checked(limit, size, Ok(info))
            })
        })
        .await
    }

    /// Has the strategy look and report.
    pub async fn diagnose(&self, context: CallContext, request: DiagnosisRequest) -> CallEnd<Diagnosis> {
        let limit = context.limits.result_bytes;
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.diagnosis else { return lacks(PluginKind::Diagnosis) };
                let request = to_request(request);
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let strategy = world.sickbay_plugin_diagnosis_strategy();
                match strategy.call_diagnose(&mut session.store, &request).await? {
                    Ok(diagnosis) => checked(limit, size(&diagnosis), from_diagnosis(diagnosis)),
                    Err(error) => guest(error),
                }
            })
        })
        .await
    }
}

fn to_request(request: DiagnosisRequest) -> wit::DiagnosisRequest {
    wit::DiagnosisRequest {
        namespaces: request.namespaces,
        question: request.question,
        earlier: request.earlier.into_iter().map(to_finding).collect(),
        config: if request.config.is_null() { "{}".to_owned() } else { request.config.to_string() },
    }
}

fn to_finding(finding: Finding) -> wit::Finding {
    wit::Finding {
        id: finding.id,
        severity: match finding.severity {
            Severity::Critical => wit::Severity::Critical,
            Severity::Warning => wit::Severity::Warning,
            Severity::Info => wit::Severity::Info,
        },
        object: to_object(finding.object),
        reason: finding.reason,
        message: finding.message,
        #[expect(clippy::cast_possible_truncation, reason = "0 to 1, and a hint at that")]
        confidence: finding.confidence as f32,
        evidence: finding.evidence.into_iter().map(to_evidence).collect(),
        causes: finding.causes,
        actions: finding
            .actions
            .into_iter()
            .map(|action| wit::ProposedAction {
                plugin: action.plugin,
                action: action.action,
                parameters: action.parameters.to_string(),
                title: action.title,
            })
            .collect(),
    }
}

/// Bytes of the text in it, near enough for a limit.
fn size(diagnosis: &wit::Diagnosis) -> usize {
    let findings: usize = diagnosis
        .findings
        .iter()
        .map(|finding| {
            let evidence: usize = finding.evidence.iter().map(|e| e.value.len() + e.pointer.len() + 64).sum();
            let actions: usize =
                finding.actions.iter().map(|a| a.parameters.len() + a.title.len() + 32).sum();
            finding.message.len() + finding.reason.len() + finding.object.name.len() + evidence + actions + 64
        })
        .sum();
    let checked: usize = diagnosis.checked.iter().map(|checked| checked.kind.len() + 32).sum();
    let skipped: usize = diagnosis.skipped.iter().map(|text| text.len() + 8).sum();
    diagnosis.summary.len() + findings + checked + skipped
}

fn from_diagnosis(diagnosis: wit::Diagnosis) -> Result<Diagnosis, String> {
    let findings = each(diagnosis.findings, from_finding)?;
    let mut ids = HashSet::with_capacity(findings.len());
    if let Some(twice) = findings.iter().find(|finding| !ids.insert(finding.id.as_str())) {
        return Err(format!("two findings have the id `{}`", twice.id));
    }
    if let Some(unknown) =
        findings.iter().flat_map(|finding| &finding.causes).find(|id| !ids.contains(id.as_str()))
    {
        return Err(format!("a finding causes `{unknown}`, which is no finding"));
    }
    Ok(Diagnosis {
        summary: diagnosis.summary,
        findings,
        checked: diagnosis
            .checked
            .into_iter()
            .map(|checked| Checked { kind: checked.kind, objects: checked.objects, healthy: checked.healthy })
            .collect(),
        skipped: diagnosis.skipped,
    })
}

fn from_finding(finding: wit::Finding) -> Result<Finding, String> {
    if finding.id.is_empty() {
        return Err("a finding has no id".to_owned());
    }
    if !(0.0..=1.0).contains(&finding.confidence) {
        return Err(format!("the confidence of `{}` is not between 0 and 1", finding.id));
    }
    Ok(Finding {
        severity: match finding.severity {
            wit::Severity::Critical => Severity::Critical,
            wit::Severity::Warning => Severity::Warning,
            wit::Severity::Info => Severity::Info,
        },
        strategy: String::new(),
        object: from_object(finding.object),
        reason: finding.reason,
        message: finding.message,
        // The shortest decimal that is this `f32`: 0.9, not 0.8999999761581421.
        confidence: finding.confidence.to_string().parse().unwrap_or_default(),
        root: false,
        causes: finding.causes,
        hypothesis: false,
        resolved: false,
        evidence: each(finding.evidence, from_evidence)?,
        actions: each(finding.actions, |action| {
            Ok(ProposedAction {
                parameters: json("parameters", &action.parameters)?,
                plugin: action.plugin,
                action: action.action,
                title: action.title,
            })
        })?,
        id: finding.id,
    })
}
