//! One installation with a tool plugin, a recorded cluster, and a script.

use std::{
    os::unix::fs::DirBuilderExt as _,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use serde_json::{Value, json};
use sickbay_core::{
    approval::{StageRequest, ToolRequest},
    event::{Entry, Event},
    model::{Content, Message, Request, Role, StopReason, Usage},
    profile::Profile,
    provider::ProviderEvent,
};
use sickbay_runtime::{
    ApprovalRequest, Approver, CallDecision, CallRequest, ClusterChoice, Decision, Folders, Listener,
    RunRequest, ScriptedModel, ScriptedTurn, SessionEvent, SessionRequest, Sickbay, StageApproval,
    StageDecision,
};
use sickbay_store::{Journal, MemoryJournal, read_all};
use sickbay_test_support::guests::guest;

pub(crate) const PROFILE: &str = r#"
loop = "react"
[model]
provider = "script"
[tools]
plugins = ["pen"]
result-bytes = 256
"#;

pub(crate) struct Stage {
    pub(crate) home: tempfile::TempDir,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) model: Arc<ScriptedModel>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) person: Arc<Person>,
    pub(crate) sickbay: Sickbay,
}

/// What a listener was told.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<SessionEvent>>);

impl Listener for Heard {
    fn event(&self, event: SessionEvent) {
        self.0.lock().unwrap().push(event);
    }
}

/// Answers with what it was given, one after the other, and remembers what it was asked.
#[derive(Default)]
pub(crate) struct Person {
    pub(crate) says: Mutex<Vec<CallDecision>>,
    pub(crate) asked: Mutex<Vec<ToolRequest>>,
    /// To stages that ask.
    pub(crate) stages: Mutex<Vec<StageDecision>>,
    pub(crate) consulted: Mutex<Vec<StageRequest>>,
}

#[async_trait]
impl Approver for Person {
    async fn decide(&self, _request: &ApprovalRequest) -> Decision {
        Decision::Later
    }

    async fn decide_call(&self, request: &CallRequest) -> CallDecision {
        self.asked.lock().unwrap().push(request.request.clone());
        let mut says = self.says.lock().unwrap();
        if says.is_empty() { CallDecision::Later } else { says.remove(0) }
    }

    async fn decide_stage(&self, request: &StageApproval) -> StageDecision {
        self.consulted.lock().unwrap().push(request.request.clone());
        let mut stages = self.stages.lock().unwrap();
        if stages.is_empty() { StageDecision::Later } else { stages.remove(0) }
    }

    fn is_present(&self) -> bool {
        !self.says.lock().unwrap().is_empty() || !self.stages.lock().unwrap().is_empty()
    }
}

impl Stage {
    pub(crate) fn new(turns: Vec<ScriptedTurn>) -> Self {
        Self::with(turns, Arc::new(MemoryJournal::new()), Person::default())
    }

    pub(crate) fn with(turns: Vec<ScriptedTurn>, journal: Arc<dyn Journal>, person: Person) -> Self {
        let home = tempfile::tempdir().unwrap();
        let model = Arc::new(ScriptedModel::new(turns));
        let folders = Folders::resolve(Some(home.path())).unwrap();
        let person = Arc::new(person);
        let sickbay = Sickbay::with_embedded(folders, [("pen", guest("pen")), ("sum", guest("sum"))])
            .with_journal(Arc::clone(&journal))
            .approved_by(Arc::<Person>::clone(&person))
            .answered_by("script/one", 0, Arc::<ScriptedModel>::clone(&model));
        Self { home, journal, model, heard: Arc::default(), person, sickbay }
    }

    pub(crate) fn request(&self, profile: &str) -> SessionRequest {
        SessionRequest {
            profile: Profile::parse("talk", profile).unwrap_or_else(|problems| panic!("{problems:?}")),
            cluster: self.cluster(),
            namespaces: None,
            workspace: None,
        }
    }

    /// A run of a profile with stages.
    pub(crate) fn run(&self, profile: &str) -> RunRequest {
        let profile = Profile::parse("staged", profile).unwrap_or_else(|problems| panic!("{problems:?}"));
        RunRequest::new(profile, self.cluster())
    }

    /// A recorded cluster of one pod.
    pub(crate) fn cluster(&self) -> ClusterChoice {
        let path = self.home.path().join("pod.json");
        let pod =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api", "namespace": "shop"}});
        #[expect(clippy::disallowed_methods, reason = "a test makes its own recording")]
        std::fs::write(&path, pod.to_string()).unwrap();
        ClusterChoice::Recorded(vec![path])
    }

    /// Takes over what the other one has compiled, which takes seconds.
    #[expect(clippy::disallowed_methods, reason = "a test copies files of its own")]
    pub(crate) fn warmed_by(self, other: &Self) -> Self {
        let [from, to] = [other, &self].map(|stage| stage.home.path().join("cache/compiled"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().flatten() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
        self
    }

    pub(crate) async fn entries(&self, run: &str) -> Vec<Entry> {
        read_all(&*self.journal, run).await.unwrap()
    }

    pub(crate) fn told(&self) -> Vec<SessionEvent> {
        self.heard.0.lock().unwrap().clone()
    }
}

pub(crate) fn says(text: &str) -> ScriptedTurn {
    ScriptedTurn::Events(vec![
        ProviderEvent::Text { text: text.into() },
        ProviderEvent::Usage { usage: usage() },
        ProviderEvent::Stop { reason: StopReason::EndTurn },
    ])
}

/// Calls of tools: id, name, arguments.
pub(crate) fn calls(calls: &[(&str, &str, Value)]) -> ScriptedTurn {
    let mut events = Vec::new();
    for ((id, name, arguments), index) in calls.iter().zip(0..) {
        events.push(ProviderEvent::ToolCallStart { index, id: (*id).into(), name: (*name).into() });
        events.push(ProviderEvent::ToolCallArguments { index, fragment: arguments.to_string() });
    }
    events.push(ProviderEvent::Usage { usage: usage() });
    events.push(ProviderEvent::Stop { reason: StopReason::ToolUse });
    ScriptedTurn::Events(events)
}

fn usage() -> Usage {
    Usage { input: 90, output: 10, ..Usage::default() }
}

/// The results that the model saw with its last request: id, text, failed.
pub(crate) fn results(request: &Request) -> Vec<(String, String, bool)> {
    let last = request.messages.iter().rev().find(|message| message.role == Role::Tool);
    last.map(|message| message.content.clone())
        .unwrap_or_default()
        .into_iter()
        .filter_map(|content| match content {
            Content::ToolResult { id, text, is_error } => Some((id, text, is_error)),
            _ => None,
        })
        .collect()
}

/// Every call has its result, in order, in the message after it.
pub(crate) fn is_whole(messages: &[Arc<Message>]) -> bool {
    let ids = |message: Option<&Arc<Message>>, results: bool| -> Vec<String> {
        message
            .iter()
            .flat_map(|message| &message.content)
            .filter_map(|content| match content {
                Content::ToolCall { id, .. } if !results => Some(id.clone()),
                Content::ToolResult { id, .. } if results => Some(id.clone()),
                _ => None,
            })
            .collect()
    };
    messages
        .iter()
        .enumerate()
        .all(|(index, message)| ids(Some(message), false) == ids(messages.get(index + 1), true))
}

pub(crate) fn kinds(entries: &[Entry]) -> Vec<&'static str> {
    entries.iter().map(|entry| entry.event.kind()).collect()
}

/// The calls that were begun, by the names of their tools.
pub(crate) fn started(entries: &[Entry]) -> Vec<String> {
    entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::ToolStarted { tool, .. } => Some(tool.clone()),
            _ => None,
        })
        .collect()
}
