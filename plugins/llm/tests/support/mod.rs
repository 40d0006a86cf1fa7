//! A world for the strategy: a recorded cluster through the host's own reader
//! and projection, what the host keeps of it in order to check evidence, and a
//! model that says what the script says.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};
use sickbay_cluster::recorded::{self, ReadLimits, RecordedCluster};
use sickbay_core::{cluster as host, diagnosis as core, evidence, evidence::Observations};
use sickbay_llm::world::{
    ClusterInfo, Completion, Coverage, ListQuery, Log, LogQuery, Page, Question, World,
};
use sickbay_plugin::{
    cluster::Source,
    diagnosis::{Diagnosis, DiagnosisRequest, Finding, Severity},
    model_types::{Content, Message, Role, StopReason, Usage},
    types::{Error, ErrorKind, ObjectRef},
};

/// What the model says to one request; the number counts requests from 0.
pub(crate) type Script = Box<dyn Fn(&Question, usize) -> Result<Completion, Error>>;

pub(crate) struct Host {
    cluster: RecordedCluster,
    logs: HashMap<(String, String), Vec<String>>,
    observations: RefCell<Observations>,
    next: Cell<u32>,
    script: Script,
    /// Every request that the model got.
    pub(crate) asked: RefCell<Vec<Question>>,
    pub(crate) listed: Cell<u32>,
    /// Kinds that the cluster's access rules refuse.
    pub(crate) refused: Vec<&'static str>,
}

impl Host {
    pub(crate) fn open(paths: &[PathBuf], script: Script) -> Self {
        let (cluster, _) = recorded::open_many(paths, ReadLimits::default()).unwrap();
        Self {
            cluster,
            logs: HashMap::new(),
            observations: RefCell::new(Observations::new()),
            next: Cell::new(0),
            script,
            asked: RefCell::default(),
            listed: Cell::new(0),
            refused: Vec::new(),
        }
    }

    /// A recording of these objects, as `kubectl get -o json` would write it.
    pub(crate) fn of(objects: &[Value], script: Script) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("llm-{}-{}.json", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()).unwrap();
        let host = Self::open(std::slice::from_ref(&path), script);
        fs::remove_file(&path).unwrap();
        host
    }

    /// The log of a pod, whichever container and run is asked for.
    pub(crate) fn log(mut self, namespace: &str, pod: &str, lines: &str) -> Self {
        let lines = lines.lines().map(str::to_owned).collect();
        self.logs.insert((namespace.to_owned(), pod.to_owned()), lines);
        self
    }

    pub(crate) fn refusing(mut self, kinds: &[&'static str]) -> Self {
        self.refused = kinds.to_vec();
        self
    }

    fn id(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("o{}", self.next.get())
    }

    /// All that the model was sent, as one text.
    pub(crate) fn sent(&self) -> String {
        self.asked.borrow().iter().map(said).collect::<Vec<_>>().join("\n=====\n")
    }

    /// The snapshot of the last request.
    pub(crate) fn snapshot(&self) -> String {
        let asked = self.asked.borrow();
        let user = text(&asked.last().expect("the model was asked").messages[1]);
        user.split_once("<cluster-data>\n").unwrap().1.split_once("</cluster-data>").unwrap().0.to_owned()
    }

    /// The diagnosis as it left the plugin.
    pub(crate) fn diagnose(&self, request: &DiagnosisRequest) -> Result<Diagnosis, Error> {
        sickbay_llm::diagnose(self, request)
    }

    /// The diagnosis as the host leaves it, evidence checked.
    pub(crate) fn checked(&self, diagnosis: &Diagnosis) -> core::Diagnosis {
        let findings = diagnosis.findings.iter().map(to_host).collect();
        let mut checked = core::Diagnosis {
            summary: diagnosis.summary.clone(),
            findings,
            checked: Vec::new(),
            skipped: diagnosis.skipped.clone(),
        };
        evidence::check(&mut checked, "llm", &self.observations.borrow());
        checked
    }
}

fn to_host(finding: &Finding) -> core::Finding {
    let object = |object: &ObjectRef| sickbay_core::object::ObjectRef {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    };
    core::Finding {
        id: finding.id.clone(),
        severity: match finding.severity {
            Severity::Critical => core::Severity::Critical,
            Severity::Warning => core::Severity::Warning,
            Severity::Info => core::Severity::Info,
        },
        strategy: String::new(),
        object: object(&finding.object),
        reason: finding.reason.clone(),
        message: finding.message.clone(),
        confidence: f64::from(finding.confidence),
        root: false,
        causes: finding.causes.clone(),
        hypothesis: false,
        resolved: false,
        evidence: finding
            .evidence
            .iter()
            .map(|evidence| core::Evidence {
                observation: evidence.observation.clone(),
                object: evidence.object.as_ref().map(object),
                pointer: evidence.pointer.clone(),
                value: serde_json::from_str(&evidence.value).unwrap(),
                verified: false,
            })
            .collect(),
        actions: finding
            .actions
            .iter()
            .map(|action| core::ProposedAction {
                plugin: action.plugin.clone(),
                action: action.action.clone(),
                parameters: serde_json::from_str(&action.parameters).unwrap(),
                title: action.title.clone(),
            })
            .collect(),
    }
}

fn failed(error: sickbay_core::error::CallError) -> Error {
    let kind = match error.kind {
        sickbay_core::error::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, error.message)
}

impl World for Host {
    fn info(&self) -> Result<ClusterInfo, Error> {
        let info = self.cluster.info_now().map_err(failed)?;
        Ok(ClusterInfo {
            source: Source::Recorded,
            version: info.version,
            namespaces: info.namespaces,
            observed_at: info.observed_at,
        })
    }

    fn list(&self, query: &ListQuery) -> Result<Page, Error> {
        self.listed.set(self.listed.get() + 1);
        assert!(!query.fields.is_empty(), "whole objects are asked for: {}", query.kind);
        if self.refused.iter().any(|kind| query.kind.ends_with(kind)) {
            return Err(Error::new(ErrorKind::Denied, format!("`{}` may not be listed", query.kind)));
        }
        let asked = host::ListQuery {
            kind: query.kind.clone(),
            namespaces: query.namespaces.clone(),
            label_selector: query.label_selector.clone(),
            field_selector: query.field_selector.clone(),
            fields: query.fields.clone(),
            limit: query.limit,
            continue_token: query.continue_.clone(),
        };
        let page = self.cluster.list_now(&asked).map_err(failed)?;
        let observation = self.id();
        self.observations.borrow_mut().insert_page(&observation, page.objects.clone(), asked.fields);
        Ok(Page {
            observation,
            objects: page.objects,
            continue_: page.continue_token,
            coverage: match page.coverage {
                host::Coverage::Complete => Coverage::Complete,
                host::Coverage::Partial => Coverage::Partial,
                host::Coverage::Unknown => Coverage::Unknown,
            },
        })
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, Error> {
        let own = self.logs.get(&(query.namespace.clone(), query.pod.clone())).cloned();
        let (lines, truncated) = match own {
            Some(lines) => (lines, false),
            None => {
                let query = host::LogQuery {
                    namespace: query.namespace.clone(),
                    pod: query.pod.clone(),
                    container: query.container.clone(),
                    previous: query.previous,
                    tail_lines: query.tail_lines,
                    limit_bytes: query.limit_bytes,
                };
                let log = self.cluster.logs_now(&query).map_err(failed)?;
                (log.lines, log.truncated)
            }
        };
        let observation = self.id();
        self.observations.borrow_mut().insert_log(&observation, &query.namespace, &query.pod, lines.clone());
        Ok(Log { observation, lines, truncated })
    }

    fn complete(&self, question: &Question) -> Result<Completion, Error> {
        let number = self.asked.borrow().len();
        self.asked.borrow_mut().push(question.clone());
        (self.script)(question, number)
    }
}

pub(crate) fn text(message: &Message) -> String {
    let text = |content: &Content| match content {
        Content::Text(text) => text.clone(),
        _ => String::new(),
    };
    message.content.iter().map(text).collect()
}

pub(crate) fn said(question: &Question) -> String {
    question.messages.iter().map(text).collect::<Vec<_>>().join("\n")
}

pub(crate) fn completion(text: &str) -> Completion {
    Completion {
        message: Message { role: Role::Assistant, content: vec![Content::Text(text.to_owned())] },
        usage: Usage { input: 0, output: 0, cache_read: 0, cache_write: 0, reasoning: 0 },
        stop: StopReason::EndTurn,
        model: "scripted-1".to_owned(),
    }
}

/// A model that says one thing after another; the last one for ever.
pub(crate) fn says(answers: &[&str]) -> Script {
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    Box::new(move |_, number| Ok(completion(answers.get(number).or(answers.last()).unwrap())))
}

/// A model that must not be asked.
pub(crate) fn silent() -> Script {
    Box::new(|_, _| panic!("the model was asked"))
}

/// The observation id of the part whose heading has all these words.
pub(crate) fn part(user: &str, words: &[&str]) -> String {
    let heading = user
        .lines()
        .find(|line| line.starts_with("# ") && words.iter().all(|word| line.contains(word)))
        .unwrap_or_else(|| panic!("no part {words:?} in\n{user}"));
    heading.split_whitespace().nth(1).unwrap().to_owned()
}

/// The line below that heading that begins with a pointer: its value.
pub(crate) fn value(user: &str, words: &[&str], pointer: &str) -> Value {
    let mut lines = user
        .lines()
        .skip_while(|line| !(line.starts_with("# ") && words.iter().all(|word| line.contains(word))));
    lines.next();
    let prefix = format!("{pointer} = ");
    let line = lines.take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(&prefix));
    let line = line.unwrap_or_else(|| panic!("no {pointer} in\n{user}")).trim_end_matches(" (cut)");
    serde_json::from_str(line).unwrap()
}

pub(crate) fn request() -> DiagnosisRequest {
    DiagnosisRequest { namespaces: Vec::new(), question: None, earlier: Vec::new(), config: "{}".to_owned() }
}

pub(crate) fn configured(config: Value) -> DiagnosisRequest {
    DiagnosisRequest { config: config.to_string(), ..request() }
}

pub(crate) fn reference(kind: &str, name: &str) -> Value {
    let version = match kind {
        "Deployment" | "ReplicaSet" => "apps/v1",
        _ => "v1",
    };
    json!({"apiVersion": version, "kind": kind, "namespace": "shop", "name": name})
}

/// A Deployment `api` of revision 2 that crashes, its ReplicaSets, one pod, and a warning.
pub(crate) fn crashing() -> Vec<Value> {
    let template = |image: &str, env: Value| {
        json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "app", "image": image,
            "command": ["python", "app.py"], "env": env, "envFrom": [{"configMapRef": {"name": "api-config"}}],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}}]}})
    };
    let new = template("registry.example.com/team/api:2", json!([{"name": "MODE", "value": "live"}]));
    let old = template(
        "registry.example.com/team/api:1",
        json!([{"name": "MODE", "value": "live"}, {"name": "DATABASE_URL", "value": "db.shop:5432"}]),
    );
    let owned = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true}]);
    let set = |name: &str, revision: &str, template: &Value, ready: u32| {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"namespace": "shop", "name": name,
            "labels": {"app": "api"}, "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": owned("Deployment", "api")},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "api"}}, "template": template},
            "status": {"replicas": 1, "readyReplicas": ready}})
    };
    vec![
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": "api",
            "annotations": {"deployment.kubernetes.io/revision": "2"}},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "api"}}, "template": new},
            "status": {"replicas": 1, "unavailableReplicas": 1}}),
        set("api-new", "2", &new, 0),
        set("api-old", "1", &old, 0),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "api-new-1",
            "labels": {"app": "api"}, "ownerReferences": owned("ReplicaSet", "api-new")},
            "spec": {"nodeName": "n1", "containers": new["spec"]["containers"]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [{"name": "app", "ready": false, "restartCount": 7,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "api-config"},
            "data": {"LOG_LEVEL": "value-of-a-config-map"}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "api"},
            "spec": {"selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": 8080}]}}),
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"namespace": "shop", "name": "api"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "shop", "name": "api-secret"},
            "data": {"password": "aHVudGVyMi1wbGFudGVk"}}),
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "shop", "name": "e1"}, "type": "Warning",
            "reason": "BackOff", "message": "Back-off restarting failed container", "count": 9,
            "lastTimestamp": "2026-01-01T11:58:00Z",
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "api-new-1"}}),
    ]
}

pub(crate) const LOG: &str =
    "starting\nTraceback (most recent call last):\n  File \"app.py\", line 3\nKeyError: 'DATABASE_URL'";

/// A healthy Deployment `web` and its pod.
pub(crate) fn healthy() -> Vec<Value> {
    vec![
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": "web"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}},
            "status": {"replicas": 1, "readyReplicas": 1}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "web-1", "labels": {"app": "web"}},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}),
    ]
}

/// One finding of an answer, about the crashing Deployment, without evidence.
pub(crate) fn finding(change: Value) -> Value {
    let mut finding = json!({"id": "a", "severity": "critical", "reason": "VariableMissing",
        "message": "The new revision lacks DATABASE_URL.", "object": reference("Deployment", "api"), "confidence": 0.9,
        "causes": [], "evidence": [], "actions": []});
    if let (Some(finding), Value::Object(change)) = (finding.as_object_mut(), change) {
        finding.extend(change);
    }
    finding
}

pub(crate) fn answer(findings: &[Value]) -> String {
    json!({"summary": "One thing is wrong.", "findings": findings}).to_string()
}

pub(crate) fn action(name: &str, parameters: Value) -> Value {
    json!({"plugin": "workload", "action": name, "title": "do it", "parameters": parameters.to_string()})
}
