//! What the rules say of each scenario, over the same objects that are served.

use std::cell::Cell;

use serde_json::{Map, Value};
use sickbay_rules::{
    cluster::{
        CallError, Cluster, ClusterInfo, Coverage, KindInfo, ListQuery, Log, LogQuery, Observed, Page, Source,
    },
    diagnose,
    diagnosis::{Finding, ObjectRef, Request, Severity},
};

use super::Built;
use crate::{Objects, life::shape::text, store::WhichLog};

/// The objects of a playground as the rules ask for them.
struct Seen<'a> {
    built: &'a Built,
    next: Cell<u32>,
}

impl Seen<'_> {
    fn id(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("o{}", self.next.get())
    }
}

impl Cluster for Seen<'_> {
    fn info(&self) -> Result<ClusterInfo, CallError> {
        Ok(ClusterInfo {
            source: Source::Playground,
            version: Some("v1.33.1".to_owned()),
            namespaces: Vec::new(),
            observed_at: crate::value::time(self.built.clock.now_ms()),
        })
    }

    fn kinds(&self) -> Result<Vec<KindInfo>, CallError> {
        Ok(Vec::new())
    }

    fn list(&self, query: &ListQuery) -> Result<Page, CallError> {
        if crate::kinds::kind(&query.kind).is_none() {
            return Err(CallError { not_found: true, message: "the server has no such kind".to_owned() });
        }
        let objects = self.built.store.list(&query.kind, None);
        let objects = objects
            .iter()
            .filter(|object| {
                query.field_selector.as_deref() != Some("type=Warning") || text(object, "/type") == "Warning"
            })
            .map(|object| project(object, &query.fields).to_string())
            .collect();
        Ok(Page { observation: self.id(), objects, continue_token: None, coverage: Coverage::Complete })
    }

    fn get(&self, object: &ObjectRef) -> Result<Observed, CallError> {
        self.built
            .store
            .get(
                &format!("{}/{}", object.api_version, object.kind),
                object.namespace.as_deref(),
                &object.name,
            )
            .map(|found| Observed { observation: self.id(), object: found.to_string() })
            .ok_or_else(|| CallError { not_found: true, message: "not found".to_owned() })
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, CallError> {
        let which = if query.previous { WhichLog::Previous } else { WhichLog::Current };
        let container = query.container.clone().unwrap_or_default();
        self.built
            .store
            .log_lines(&query.namespace, &query.pod, &container, which)
            .map(|lines| Log {
                observation: self.id(),
                lines: lines.into_iter().map(|line| line.text).collect(),
                truncated: false,
            })
            .ok_or_else(|| CallError { not_found: true, message: "no log".to_owned() })
    }

    fn events(&self, object: &ObjectRef) -> Result<Page, CallError> {
        let objects = self
            .built
            .store
            .list("v1/Event", object.namespace.as_deref())
            .iter()
            .filter(|event| text(event, "/involvedObject/name") == object.name)
            .map(Value::to_string)
            .collect();
        Ok(Page { observation: self.id(), objects, continue_token: None, coverage: Coverage::Complete })
    }
}

fn project(object: &Value, fields: &[String]) -> Value {
    if fields.is_empty() {
        return object.clone();
    }
    let mut out = Value::Object(Map::new());
    let always = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"].map(str::to_owned);
    for field in always.iter().chain(fields) {
        let Some(value) = object.pointer(field) else { continue };
        let steps: Vec<String> =
            field.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        crate::life::shape::set(&mut out, &steps, value.clone());
    }
    out
}

/// The findings that are no mere notes.
pub(super) fn findings(built: &Built) -> Vec<Finding> {
    let seen = Seen { built, next: Cell::new(0) };
    let diagnosis = diagnose(&seen, &Request::default()).unwrap();
    diagnosis.findings.into_iter().filter(|finding| finding.severity != Severity::Info).collect()
}

/// `Kind/name Reason: first action, …`, the first finding first.
pub(super) fn told(built: &Built) -> Vec<String> {
    findings(built)
        .iter()
        .map(|finding| {
            let actions: Vec<String> = finding
                .actions
                .iter()
                .map(|action| {
                    let mut parameters = action.parameters.clone();
                    crate::life::shape::unset(&mut parameters, &["object"]);
                    if action.action == "escalate" {
                        "escalate".to_owned()
                    } else {
                        format!("{} {parameters}", action.action)
                    }
                })
                .collect();
            format!(
                "{}/{} {}: {}",
                finding.object.kind,
                finding.object.name,
                finding.reason,
                actions.join("; ")
            )
        })
        .collect()
}

#[test]
fn the_rules_find_it_and_propose_what_the_scenario_answers() {
    let mut wrong = Vec::new();
    // What is proposed first for what is found first; `escalate` where a person must choose.
    for (name, expect) in [
        ("autoscaler-max", "HorizontalPodAutoscaler/web AtMaximum: raise-max-replicas"),
        ("bad-command", "Deployment/mailer CrashLoopBackOff: rollout-undo"),
        ("configmap-typo", "Deployment/orders CrashLoopBackOff: escalate"),
        ("flapping", "Deployment/gateway OOMKilled: patch-resources"),
        ("healthy", ""),
        ("image-pull", "Deployment/search ImagePullBackOff: rollout-undo"),
        ("missing-env", "Deployment/payment-api CrashLoopBackOff: rollout-undo"),
        ("oom", "Deployment/report OOMKilled: patch-resources"),
        ("pdb-deadlock", "PodDisruptionBudget/session BlocksEveryDrain: relax-budget"),
        ("pending-resources", "Deployment/encoder Unschedulable: escalate"),
        ("pending-taint", "Node/worker-2 UntoleratedTaint: remove-taint"),
        ("probe-port", "Deployment/catalog Unhealthy: patch-probe"),
        ("quota", "ResourceQuota/team QuotaExceeded: escalate"),
        ("rollout-that-gets-worse", "Deployment/ledger CrashLoopBackOff: rollout-undo"),
        ("selector-typo", "Service/checkout NoMatchingPods: patch-selector"),
        ("stuck-claim", "PersistentVolumeClaim/data-index-0 StorageClassNotFound: escalate"),
    ] {
        let built = Built::named(name);
        let told = told(&built);
        let first = told.first().map_or("", String::as_str);
        if !first.starts_with(expect) || first.is_empty() != expect.is_empty() {
            wrong.push(format!("{name}: expected {expect}: {told:#?} {:#?}", built.pods()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
