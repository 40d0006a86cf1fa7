//! From the finding to the plan on the recorded cases: what the rules propose
//! first fits its schema, and becomes a plan whose evidence checks out, or is
//! refused with a sentence. The cases are not part of the project; without them
//! the test says so and passes.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests stop at what is not as expected, read their cases, and show what was found"
)]

use std::{
    cell::{Cell, RefCell},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sickbay_cluster::recorded::{self, ReadLimits, RecordedCluster};
use sickbay_core::{
    cluster as host,
    diagnosis::{Diagnosis, ProposedAction},
    evidence::{self, Observations},
    object::ObjectRef,
};
use sickbay_plugin::remediation as wit;
use sickbay_rules::{cluster as rules, diagnosis as found};
use sickbay_workload::cluster as workload;

/// A recorded cluster as both plugins see it, with what the host keeps of it.
struct Host {
    cluster: RecordedCluster,
    observations: RefCell<Observations>,
    next: Cell<u32>,
}

impl Host {
    fn open(paths: &[PathBuf]) -> Self {
        let (cluster, _) = recorded::open_many(paths, ReadLimits::default()).unwrap();
        Self { cluster, observations: RefCell::new(Observations::new()), next: Cell::new(0) }
    }

    fn id(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("o{}", self.next.get())
    }

    fn list(&self, query: &host::ListQuery) -> Result<(String, host::Page), sickbay_core::error::CallError> {
        let page = self.cluster.list_now(query)?;
        let id = self.id();
        self.observations.borrow_mut().insert_page(&id, page.objects.clone(), query.fields.clone());
        Ok((id, page))
    }

    fn get(&self, object: &ObjectRef) -> Result<(String, String), sickbay_core::error::CallError> {
        let text = self.cluster.get_now(object)?;
        let id = self.id();
        self.observations.borrow_mut().insert_object(&id, text.clone());
        Ok((id, text))
    }
}

fn failed(error: sickbay_core::error::CallError) -> rules::CallError {
    rules::CallError {
        not_found: error.kind == sickbay_core::error::ErrorKind::NotFound,
        message: error.message,
    }
}

fn host_ref(object: &found::ObjectRef) -> ObjectRef {
    serde_json::from_value(serde_json::to_value(object).unwrap()).unwrap()
}

impl rules::Cluster for Host {
    fn info(&self) -> Result<rules::ClusterInfo, rules::CallError> {
        let info = self.cluster.info_now().map_err(failed)?;
        Ok(rules::ClusterInfo {
            source: rules::Source::Recorded,
            version: info.version,
            namespaces: info.namespaces,
            observed_at: info.observed_at,
        })
    }

    fn kinds(&self) -> Result<Vec<rules::KindInfo>, rules::CallError> {
        Ok(Vec::new())
    }

    fn list(&self, query: &rules::ListQuery) -> Result<rules::Page, rules::CallError> {
        let query = host::ListQuery {
            kind: query.kind.clone(),
            namespaces: query.namespaces.clone(),
            label_selector: query.label_selector.clone(),
            field_selector: query.field_selector.clone(),
            fields: query.fields.clone(),
            limit: query.limit,
            continue_token: query.continue_token.clone(),
        };
        let (observation, page) = Self::list(self, &query).map_err(failed)?;
        let coverage = match page.coverage {
            host::Coverage::Complete => rules::Coverage::Complete,
            host::Coverage::Partial => rules::Coverage::Partial,
            host::Coverage::Unknown => rules::Coverage::Unknown,
        };
        Ok(rules::Page { observation, objects: page.objects, continue_token: page.continue_token, coverage })
    }

    fn get(&self, object: &found::ObjectRef) -> Result<rules::Observed, rules::CallError> {
        let (observation, object) = Self::get(self, &host_ref(object)).map_err(failed)?;
        Ok(rules::Observed { observation, object })
    }

    fn logs(&self, query: &rules::LogQuery) -> Result<rules::Log, rules::CallError> {
        let query = host::LogQuery {
            namespace: query.namespace.clone(),
            pod: query.pod.clone(),
            container: query.container.clone(),
            previous: query.previous,
            tail_lines: query.tail_lines,
            limit_bytes: query.limit_bytes,
        };
        let log = self.cluster.logs_now(&query).map_err(failed)?;
        Ok(rules::Log { observation: self.id(), lines: log.lines, truncated: log.truncated })
    }

    fn events(&self, object: &found::ObjectRef) -> Result<rules::Page, rules::CallError> {
        let page = self.cluster.events_now(&host_ref(object)).map_err(failed)?;
        Ok(rules::Page {
            observation: self.id(),
            objects: page.objects,
            continue_token: page.continue_token,
            coverage: rules::Coverage::Complete,
        })
    }
}

fn refused(error: sickbay_core::error::CallError) -> wit::Error {
    let kind = match error.kind {
        sickbay_core::error::ErrorKind::NotFound => wit::ErrorKind::NotFound,
        _ => wit::ErrorKind::Internal,
    };
    wit::Error { kind, code: error.code, message: error.message, retry_after_ms: None }
}

impl workload::Cluster for Host {
    fn get(&self, object: &wit::ObjectRef) -> Result<workload::Observed, wit::Error> {
        let (observation, object) = Self::get(self, &from(object)).map_err(refused)?;
        Ok(workload::Observed { observation, object })
    }

    fn list(&self, query: &workload::ListQuery) -> Result<workload::Page, wit::Error> {
        let query = host::ListQuery {
            kind: query.kind.clone(),
            namespaces: query.namespaces.clone(),
            label_selector: query.label_selector.clone(),
            field_selector: query.field_selector.clone(),
            fields: query.fields.clone(),
            limit: query.limit,
            continue_token: query.continue_.clone(),
        };
        let (observation, page) = Self::list(self, &query).map_err(refused)?;
        let coverage = match page.coverage {
            host::Coverage::Complete => workload::Coverage::Complete,
            host::Coverage::Partial => workload::Coverage::Partial,
            host::Coverage::Unknown => workload::Coverage::Unknown,
        };
        Ok(workload::Page { observation, objects: page.objects, continue_: page.continue_token, coverage })
    }
}

fn from(object: &wit::ObjectRef) -> ObjectRef {
    ObjectRef {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    }
}

/// How many pieces of a plan's evidence the host finds where they are cited.
fn verified(plan: &wit::ActionPlan, host: &Host) -> (usize, usize) {
    let evidence: Vec<Value> = plan
        .evidence
        .iter()
        .map(|evidence| {
            json!({"observation": evidence.observation, "object": evidence.object.as_ref().map(from), "pointer": evidence.pointer,
                   "value": serde_json::from_str::<Value>(&evidence.value).unwrap()})
        })
        .collect();
    let object = json!({"apiVersion": "v1", "kind": "Pod", "name": "x"});
    let mut diagnosis: Diagnosis = serde_json::from_value(json!({"summary": "s", "findings": [{
        "id": "f", "severity": "warning", "object": object, "reason": "R", "message": "m", "confidence": 1.0, "evidence": evidence,
    }]}))
    .unwrap();
    let summary = evidence::check(&mut diagnosis, "workload", &host.observations.borrow());
    (summary.verified as usize, evidence.len())
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Every case with what is read for it.
fn cases(root: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let mut cases = Vec::new();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    for (group, is_case) in [
        ("k8s-ai-bench", (|path| path.is_dir()) as fn(&Path) -> bool),
        ("holmesgpt", |path| path.is_dir()),
        ("kubernaut", |path| path.extension().is_some_and(|extension| extension == "json")),
        ("healthy-bundle", |path| path.extension().is_some_and(|extension| extension == "gz")),
    ] {
        for path in paths(&root.join(group)).into_iter().filter(|path| is_case(path)) {
            cases.push((format!("{group}/{}", name(&path)), vec![path]));
        }
    }
    let listed = fs::read_to_string(root.join("pods/expected.json")).unwrap_or_else(|_| "[]".to_owned());
    for case in serde_json::from_str::<Vec<Value>>(&listed).unwrap() {
        let inputs = case["inputs"].as_array().unwrap().iter();
        let inputs = inputs.map(|input| root.join("pods").join(input.as_str().unwrap())).collect();
        cases.push((format!("pods/{}", case["case"].as_str().unwrap()), inputs));
    }
    cases
}

fn fits(action: &ProposedAction) -> Result<(), String> {
    let spec = sickbay_workload::actions().into_iter().find(|spec| spec.name == action.action);
    let spec = spec.ok_or_else(|| format!("no action `{}`", action.action))?;
    let schema: Value = serde_json::from_str(&spec.parameters).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.validate(&action.parameters).map_err(|error| format!("{}: {error}", action.parameters))
}

#[test]
fn what_is_proposed_first_becomes_a_plan_or_is_refused_with_a_sentence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let all = cases(&root);
    if all.is_empty() {
        println!("skipped: the recorded cases are not here");
        return;
    }
    let mut wrong = Vec::new();
    let mut planned = 0;
    for (case, inputs) in all {
        let host = Host::open(&inputs);
        let diagnosis = sickbay_rules::diagnose(&host, &found::Request::default()).unwrap();
        let mut diagnosis: Diagnosis =
            serde_json::from_value(serde_json::to_value(diagnosis).unwrap()).unwrap();
        evidence::check(&mut diagnosis, "rules", &host.observations.borrow());
        for action in diagnosis.findings.iter().flat_map(|finding| &finding.actions) {
            if let Err(error) = fits(action) {
                wrong.push(format!("{case}: {} does not fit its schema: {error}", action.action));
            }
        }
        for finding in diagnosis.findings.iter().filter(|finding| finding.root) {
            let Some(action) = finding.actions.first() else { continue };
            let result = sickbay_workload::plan(&host, &action.action, &action.parameters);
            let row = match &result {
                Ok(plan) => {
                    planned += 1;
                    let (holds, all) = verified(plan, &host);
                    if holds < all {
                        wrong
                            .push(format!("{case}: {} of {all} pieces of evidence do not hold", all - holds));
                    }
                    format!(
                        "plan: {} [{:?}, {} changes, evidence {holds}/{all}]",
                        plan.summary,
                        plan.risk,
                        plan.changes.len()
                    )
                }
                Err(error) => {
                    if error.message.is_empty() || error.code.is_empty() {
                        wrong.push(format!("{case}: a refusal without words"));
                    }
                    format!("refused ({}): {}", error.code, error.message)
                }
            };
            println!("{case} | {} {} | {} | {row}", finding.object, finding.reason, action.action);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(planned > 10, "only {planned} plans");
}
