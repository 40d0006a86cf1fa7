//! The stages of a pipeline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Approval, LoopKind, Profile};

/// What a stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageKind {
    /// Finds out what cluster this is and what can be read of it.
    Observe,
    /// Asks the strategies, one after another.
    Diagnose,
    /// Turns proposed actions into plans, and carries them out as approved.
    Remediate,
    /// Watches whether what was done helped.
    Verify,
    /// Asks the model.
    Model,
    /// Calls the tools that the profile names, without a model.
    Tools,
    /// Hands over to another profile.
    Agent,
    /// Stands still until a person says whether the run goes on.
    Approve,
    /// Writes the report; the end of every run.
    Report,
}

impl StageKind {
    pub(crate) const WORDS: [(&'static str, Self); 9] = [
        ("observe", Self::Observe),
        ("diagnose", Self::Diagnose),
        ("remediate", Self::Remediate),
        ("verify", Self::Verify),
        ("model", Self::Model),
        ("tools", Self::Tools),
        ("agent", Self::Agent),
        ("approve", Self::Approve),
        ("report", Self::Report),
    ];

    /// As in profiles and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// One stage, with what follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stage {
    pub name: String,
    pub kind: StageKind,
    /// The stage that follows; none after a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<String>,
    /// The stage that follows a failure; none: the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
    /// How often the stage may be entered. One visit too many counts as a
    /// failure of the stage, without its being run.
    #[serde(default = "default_visits")]
    pub max_visits: u32,
    /// What follows a decision, by its word: a model decides what stands as
    /// `decision` in a structured answer; a diagnosis decides `healthy` or
    /// `findings`; remediate `applied`, `planned`, `denied` or `nothing`;
    /// verify `verified`, `rolled-back`, `retry` or `stuck`. Comes before `on_success`.
    /// A stage of kind `approve` decides `approved`, `denied`, `expired` or
    /// `planned` (nobody is asked in this run), one of kind `tools` one of the
    /// last three. What is not approved goes where its word or `denied` leads,
    /// else where a failure does, and never on to `on_success`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decisions: BTreeMap<String, String>,
    /// The strategies of a `diagnose` stage; empty: those of the profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategies: Vec<String>,
    /// The agent that an `agent` stage hands over to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What a `model` or `agent` stage is asked, and a person in an `approve` stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What a `tools` stage calls, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<StageCall>,
}

/// A call that the profile itself makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StageCall {
    /// As a model would call it: `PLUGIN__TOOL`.
    pub tool: String,
    /// An object, as the tool's schema wants it.
    #[serde(default = "no_arguments")]
    pub arguments: Value,
}

pub(crate) fn no_arguments() -> Value {
    Value::Object(Map::new())
}

/// A stage that lies on no cycle is entered once by each way that leads to it.
pub(crate) const DEFAULT_VISITS: u32 = 10;
/// `max-visits` at most.
pub(crate) const MOST_VISITS: u32 = 1_000;

fn default_visits() -> u32 {
    DEFAULT_VISITS
}

impl Stage {
    #[must_use]
    pub fn new(name: &str, kind: StageKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            on_success: None,
            on_failure: None,
            max_visits: DEFAULT_VISITS,
            decisions: BTreeMap::new(),
            strategies: Vec::new(),
            agent: None,
            prompt: None,
            calls: Vec::new(),
        }
    }

    fn then(mut self, next: &str) -> Self {
        self.on_success = Some(next.to_owned());
        self
    }

    fn deciding(mut self, decision: &str, next: &str) -> Self {
        self.decisions.insert(decision.to_owned(), next.to_owned());
        self
    }
}

/// The stages of a profile that lists none.
pub(crate) fn derived(profile: &Profile) -> Vec<Stage> {
    let report = Stage::new("report", StageKind::Report);
    if profile.loop_kind == LoopKind::React {
        return vec![Stage::new("model", StageKind::Model).then("report"), report];
    }
    let observe = Stage::new("observe", StageKind::Observe).then("diagnose");
    let diagnose = Stage::new("diagnose", StageKind::Diagnose);
    if profile.remediation.plugins.is_empty() {
        return vec![observe, diagnose.then("report"), report];
    }
    let diagnose = diagnose.then("remediate").deciding("healthy", "report");
    let remediate = Stage::new("remediate", StageKind::Remediate);
    if profile.remediation.approval == Approval::Never {
        return vec![observe, diagnose, remediate.then("report"), report];
    }
    let mut remediate = remediate.then("report").deciding("applied", "verify");
    // One plan at a time: what is left is looked at again after each.
    let mut verify = Stage::new("verify", StageKind::Verify).then("report").deciding("verified", "remediate");
    let mut diagnose = diagnose;
    if profile.remediation.retries > 0 {
        verify = verify.deciding("retry", "diagnose");
    }
    let most = profile.remediation.max_actions.saturating_add(1).clamp(DEFAULT_VISITS, MOST_VISITS);
    for stage in [&mut diagnose, &mut remediate, &mut verify] {
        stage.max_visits = most;
    }
    vec![observe, diagnose, remediate, verify, report]
}
