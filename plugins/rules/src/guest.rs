//! The glue between the component model and the rules: it renames fields and
//! nothing else. Built for WebAssembly only.

use sickbay_plugin::{
    cluster as wit,
    diagnosis::{self as out, Error, Evidence, Guest, StrategyInfo},
    types,
};

use crate::{
    cluster::{
        CallError, Cluster, ClusterInfo, Coverage, KindInfo, ListQuery, Log, LogQuery, Observed, Page, Source,
    },
    diagnosis::{Finding, ObjectRef, Request, Severity},
};

struct Rules;

impl Guest for Rules {
    fn describe() -> StrategyInfo {
        StrategyInfo {
            description: "Finds what is wrong with a cluster by rules alone: no model, no key".to_owned(),
            needs_model: false,
            reasons: crate::reasons::REASONS.iter().map(|reason| (*reason).to_owned()).collect(),
            reads: crate::snapshot::reads(),
        }
    }

    fn diagnose(request: out::DiagnosisRequest) -> Result<out::Diagnosis, Error> {
        let request = Request { namespaces: request.namespaces, question: request.question };
        let diagnosis = crate::diagnose(&Imported, &request).map_err(|message| Error {
            kind: types::ErrorKind::Unavailable,
            code: "cluster".to_owned(),
            message,
            retry_after_ms: None,
        })?;
        Ok(out::Diagnosis {
            summary: diagnosis.summary,
            findings: diagnosis.findings.into_iter().map(finding).collect(),
            checked: diagnosis
                .checked
                .into_iter()
                .map(|c| out::Checked { kind: c.kind, objects: c.objects, healthy: c.healthy })
                .collect(),
            skipped: diagnosis.skipped,
        })
    }
}

sickbay_plugin::plugin! {
    diagnosis: Rules,
    name: "rules",
    version: env!("CARGO_PKG_VERSION"),
    description: "Finds what is wrong with a cluster by rules alone: no model, no key",
    capabilities: ["cluster:read"],
}

/// The cluster of the run, asked through the imports.
struct Imported;

impl Cluster for Imported {
    fn info(&self) -> Result<ClusterInfo, CallError> {
        let info = wit::info().map_err(failed)?;
        Ok(ClusterInfo {
            source: match info.source {
                wit::Source::Live => Source::Live,
                wit::Source::Recorded => Source::Recorded,
                wit::Source::Playground => Source::Playground,
            },
            version: info.version,
            namespaces: info.namespaces,
            observed_at: info.observed_at,
        })
    }

    fn kinds(&self) -> Result<Vec<KindInfo>, CallError> {
        let kinds = wit::kinds().map_err(failed)?;
        let kind = |kind: wit::KindInfo| KindInfo {
            api_version: kind.api_version,
            kind: kind.kind,
            plural: kind.plural,
            namespaced: kind.namespaced,
            coverage: coverage(kind.coverage),
        };
        Ok(kinds.into_iter().map(kind).collect())
    }

    fn list(&self, query: &ListQuery) -> Result<Page, CallError> {
        wit::list(&wit::ListQuery {
            kind: query.kind.clone(),
            namespaces: query.namespaces.clone(),
            label_selector: query.label_selector.clone(),
            field_selector: query.field_selector.clone(),
            fields: query.fields.clone(),
            limit: query.limit,
            continue_: query.continue_token.clone(),
        })
        .map(page)
        .map_err(failed)
    }

    fn get(&self, object: &ObjectRef) -> Result<Observed, CallError> {
        let observed = wit::get(&reference(object.clone())).map_err(failed)?;
        Ok(Observed { observation: observed.observation, object: observed.object })
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, CallError> {
        let log = wit::logs(&wit::LogQuery {
            namespace: query.namespace.clone(),
            pod: query.pod.clone(),
            container: query.container.clone(),
            previous: query.previous,
            tail_lines: query.tail_lines,
            limit_bytes: query.limit_bytes,
        })
        .map_err(failed)?;
        Ok(Log { observation: log.observation, lines: log.lines, truncated: log.truncated })
    }

    fn events(&self, object: &ObjectRef) -> Result<Page, CallError> {
        wit::events(&reference(object.clone())).map(page).map_err(failed)
    }
}

fn failed(error: types::Error) -> CallError {
    CallError { not_found: error.kind == types::ErrorKind::NotFound, message: error.message }
}

fn coverage(coverage: wit::Coverage) -> Coverage {
    match coverage {
        wit::Coverage::Complete => Coverage::Complete,
        wit::Coverage::Partial => Coverage::Partial,
        wit::Coverage::Unknown => Coverage::Unknown,
    }
}

fn page(page: wit::Page) -> Page {
    Page {
        observation: page.observation,
        objects: page.objects,
        continue_token: page.continue_,
        coverage: coverage(page.coverage),
    }
}

fn reference(object: ObjectRef) -> types::ObjectRef {
    types::ObjectRef {
        api_version: object.api_version,
        kind: object.kind,
        namespace: object.namespace,
        name: object.name,
    }
}

fn finding(finding: Finding) -> out::Finding {
    out::Finding {
        id: finding.id,
        severity: match finding.severity {
            Severity::Critical => out::Severity::Critical,
            Severity::Warning => out::Severity::Warning,
            Severity::Info => out::Severity::Info,
        },
        object: reference(finding.object),
        reason: finding.reason,
        message: finding.message,
        confidence: finding.confidence,
        evidence: finding
            .evidence
            .into_iter()
            .map(|evidence| Evidence {
                observation: evidence.observation,
                object: evidence.object.map(reference),
                pointer: evidence.pointer,
                value: evidence.value.to_string(),
            })
            .collect(),
        causes: finding.causes,
        actions: finding
            .actions
            .into_iter()
            .map(|action| out::ProposedAction {
                plugin: action.plugin,
                action: action.action,
                parameters: action.parameters.to_string(),
                title: action.title,
            })
            .collect(),
    }
}
