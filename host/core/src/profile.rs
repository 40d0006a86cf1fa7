//! Profiles: which loop, model, plugins, limits and approvals a run has.
//!
//! A profile is TOML, read in layers (built in, the user's file, the command
//! line) and checked as a whole: each problem has its line and, where one is
//! near, a suggestion. The resolved profile goes into the journal as JSON, so
//! that a replay needs no file. Nothing here reads one.

mod graph;
mod layers;
pub mod mcp;
mod parse;
mod stage;
mod tools;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use layers::{Layer, Resolved, Setting, resolve};
pub(crate) use parse::capabilities;
pub use stage::{Stage, StageCall, StageKind};
pub use tools::{ReactOptions, ToolApproval, ToolSettings};

pub use crate::document::{Problem as ProfileProblem, Source};
use crate::{
    capability::Capability,
    catalogue::Price,
    diagnosis::{Finding, ProposedAction},
    duration::Span,
    limits::RunLimits,
};

/// A resolved profile. Its JSON has the shape of the TOML.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Profile {
    /// How the user calls it: the file's name without its ending.
    pub name: String,
    pub description: String,
    #[serde(rename = "loop")]
    pub loop_kind: LoopKind,
    pub cluster: ClusterSettings,
    pub model: ModelSettings,
    pub diagnosis: DiagnosisSettings,
    pub tools: ToolSettings,
    pub react: ReactOptions,
    pub remediation: RemediationSettings,
    pub limits: RunLimits,
    /// What a plugin may use in this run, at most: narrows the grants of the
    /// lock, never widens them. A plugin that is not named has the lock's.
    pub grants: BTreeMap<String, Vec<Capability>>,
    /// Other profiles that this one may hand work to, by the name that it uses.
    pub agents: BTreeMap<String, AgentSettings>,
    /// MCP servers, by the name that their tools begin with.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp: BTreeMap<String, mcp::McpServer>,
    pub pipeline: PipelineSettings,
}

/// What drives the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoopKind {
    /// Model and tools until there is an answer.
    React,
    /// A graph of stages.
    #[default]
    Pipeline,
}

/// Where the cluster is. At most one of `recorded`, `playground`, and
/// `context` with `kubeconfig` is set; none: the live cluster of the current context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ClusterSettings {
    /// Empty: all that can be read.
    pub namespaces: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    /// Path of a recorded cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// Name of a scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playground: Option<String>,
}

/// The model, for strategies and loops that use one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ModelSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Origin and path prefix in place of the provider's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The environment variable that holds the key; never the key itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// A file that holds the key and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    /// The header that carries the key, in place of the provider's own: `api-key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_header: Option<String>,
    /// What stands before the key in that header: `Bearer `.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_prefix: Option<String>,
    /// Tried in order where the first one is not available: `PROVIDER/NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Tokens that the model may spend on thinking; 0: off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_tokens: Option<u32>,
    /// Tokens, in place of what is known of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// For one answer, from the first step to the last byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Until an answer begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Span>,
    /// Without any byte of an answer that has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Span>,
    /// How often a request is sent again before the next model is tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// In place of the catalogue's, for the model that the profile names first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// What the provider's plugin is told, as its `wasi:config`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The provider's own options, merged into the body of each request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Value>,
}

/// Which strategies look, in which order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DiagnosisSettings {
    pub strategies: Vec<String>,
    /// `[diagnosis.NAME]`, handed to that strategy as it is.
    #[serde(flatten)]
    pub config: BTreeMap<String, Value>,
}

impl Default for DiagnosisSettings {
    fn default() -> Self {
        Self { strategies: vec!["rules".to_owned()], config: BTreeMap::new() }
    }
}

impl DiagnosisSettings {
    /// The section of one strategy, `{}` where there is none.
    #[must_use]
    pub fn config_of(&self, strategy: &str) -> Value {
        self.config.get(strategy).cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()))
    }
}

/// What may be done about findings, and who decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct RemediationSettings {
    pub plugins: Vec<String>,
    pub approval: Approval,
    /// Path of the policy file, where `approval` is `policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    pub max_actions: u32,
    /// How long everything has to be healthy before a verification is believed.
    pub stabilise: Span,
    /// How long an applied plan may take to become healthy, before it is taken back.
    pub verify_within: Span,
    /// How long an approval is waited for, and how long it holds.
    pub approval_expires: Span,
    /// How long a lock that another run holds is waited for.
    pub lock_wait: Span,
    /// How often a finding may be tried again, with what was learned, after a
    /// plan for it was taken back.
    pub retries: u32,
    /// Actions that findings get before those that their strategy proposes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub propose: Vec<Proposal>,
}

/// `[[remediation.propose]]`: an action for findings of one reason, of whatever
/// plugin: how a plugin that no strategy knows of gets to act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Proposal {
    /// Of the finding: `CrashLoopBackOff`.
    pub reason: String,
    /// Of the finding's object; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    pub plugin: String,
    pub action: String,
    /// As the action's schema wants them. The text `$object` stands for the
    /// finding's object, `$evidence.KIND` for the first object of that kind
    /// that its evidence cites.
    #[serde(default)]
    pub parameters: Value,
}

impl Proposal {
    /// The action for a finding; none where it is for others, or where the
    /// finding cites no such object.
    #[must_use]
    pub fn for_finding(&self, finding: &Finding) -> Option<ProposedAction> {
        let kind_fits = self.kind.as_ref().is_none_or(|kind| *kind == finding.object.kind);
        if self.reason != finding.reason || !kind_fits {
            return None;
        }
        Some(ProposedAction {
            plugin: self.plugin.clone(),
            action: self.action.clone(),
            parameters: filled_in(&self.parameters, finding)?,
            title: String::new(),
        })
    }
}

fn filled_in(value: &Value, finding: &Finding) -> Option<Value> {
    Some(match value {
        Value::String(text) if text == "$object" => serde_json::to_value(&finding.object).ok()?,
        Value::String(text) if text.starts_with("$evidence.") => {
            let kind = text.trim_start_matches("$evidence.");
            let mut cited =
                finding.evidence.iter().filter(|one| one.verified).filter_map(|one| one.object.as_ref());
            serde_json::to_value(cited.find(|object| object.kind == kind)?).ok()?
        }
        // A profile is no deeper than its reader allows.
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| Some((key.clone(), filled_in(value, finding)?)))
                .collect::<Option<_>>()?,
        ),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| filled_in(item, finding)).collect::<Option<_>>()?)
        }
        other => other.clone(),
    })
}

impl Default for RemediationSettings {
    fn default() -> Self {
        Self {
            plugins: Vec::new(),
            approval: Approval::Ask,
            policy: None,
            max_actions: 2,
            stabilise: Span::from_secs(30),
            verify_within: Span::from_secs(180),
            approval_expires: Span::from_secs(3_600),
            lock_wait: Span::from_secs(0),
            retries: 0,
            propose: Vec::new(),
        }
    }
}

/// Who approves a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// A person, each time.
    #[default]
    Ask,
    /// Nobody: plans are shown and not applied.
    Never,
    /// A policy file.
    Policy,
}

/// Another profile that this one may hand work to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct AgentSettings {
    pub profile: String,
    /// What a model is told of it.
    pub description: String,
}

/// `[[pipeline.stage]]`, as resolved: never empty in a profile that was parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct PipelineSettings {
    pub stage: Vec<Stage>,
}

impl Profile {
    /// Reads a profile that has one text only, in a file of that name.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<ProfileProblem>> {
        let layer = Layer { source: Source::User(format!("{name}.toml")), text: text.to_owned() };
        resolve(name, &[layer]).map(|resolved| resolved.profile)
    }

    /// The stages in their order; those of the profile, or what its settings ask for.
    #[must_use]
    pub fn stages(&self) -> Vec<Stage> {
        if self.pipeline.stage.is_empty() { stage::derived(self) } else { self.pipeline.stage.clone() }
    }

    /// What a plugin may use in this run, of the grants that it holds.
    #[must_use]
    pub fn narrow_grants(&self, plugin: &str, held: &[Capability]) -> Vec<Capability> {
        match self.grants.get(plugin) {
            Some(allowed) => crate::lock::narrow(held, allowed),
            None => held.to_vec(),
        }
    }

    /// For the journal.
    #[must_use]
    pub fn to_json(&self) -> Value {
        // Text keys and finite numbers: there is nothing that JSON can not hold.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// From the journal.
    pub fn from_json(value: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(value)
    }
}

#[cfg(test)]
mod tests;
