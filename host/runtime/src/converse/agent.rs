//! Agents as tools: another profile gets a task, runs inside this run, and its
//! answer is the tool's result.
//!
//! What it does stands in the caller's journal, nested in the call. It reads
//! the caller's cluster within the caller's namespaces, has its own limits
//! within what the caller has left, and only plans: nothing is applied.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use sickbay_core::{
    digest::Digest,
    error::{CallError, ErrorKind},
    event::Event,
    limits::RunLimits,
    plan::Reach,
    profile::Profile,
    report::{Outcome, Report},
    tool::{Effect, ToolOutput, ToolSpec},
};

use super::Conversation;
use crate::{
    dispatcher::RunContext,
    drive::{Drive, DriveEnd, RunSettings},
    error::Failure,
    notice::NobodyWatches,
    ready::Ready,
    recorder::{Recorder, Stamp},
};

/// A profile that can be handed work to.
pub(crate) struct AgentParts {
    /// What a model is told of it.
    pub(crate) description: String,
    pub(crate) profile: Profile,
    pub(crate) ready: Ready,
    pub(crate) settings: RunSettings,
    pub(crate) host_version: String,
}

impl AgentParts {
    /// The agent as a tool.
    pub(crate) fn spec(&self, name: &str) -> ToolSpec {
        let description = if self.description.is_empty() {
            format!("Hands a task over to `{name}`: {}", self.profile.description)
        } else {
            self.description.clone()
        };
        ToolSpec {
            name: format!("agent__{name}"),
            description,
            input_schema: json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["task"],
                "properties": {"task": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 16_384,
                    "description": "What is to be found out, with all that has to be known for it",
                }},
            }),
            output_schema: None,
            // It asks by itself for whatever it would change.
            effect: Effect::Read,
        }
    }
}

type Handed = (Option<ToolOutput>, Option<CallError>);

impl Conversation {
    /// Lets the agent work on the task of the arguments.
    pub(super) async fn hand_over(
        &self,
        agent: &Arc<AgentParts>,
        call: u64,
        arguments: &Value,
    ) -> Result<Handed, Failure> {
        let task = arguments.get("task").and_then(Value::as_str).unwrap_or_default();
        let context = &self.setup.context;
        let report = agent
            .run(
                task,
                Caller {
                    run: &self.setup.run,
                    call,
                    context,
                    left: self.left(),
                    cancel: self.setup.cancel.clone(),
                },
            )
            .await?;
        Ok((Some(output_of(&report)), None))
    }

    /// What an agent may still use of the run's limits.
    fn left(&self) -> RunLimits {
        let (limits, spent) = (self.setup.limits, self.spent);
        let others = self.setup.context.model_spending();
        RunLimits {
            wall: sickbay_core::duration::Span::from_millis(
                limits.wall.as_millis().saturating_sub(spent.wall_ms).max(1),
            ),
            tool_calls: limits.tool_calls.saturating_sub(spent.tool_calls).max(1),
            plugin_calls: limits.plugin_calls.saturating_sub(spent.plugin_calls).max(1),
            tokens: limits.tokens.saturating_sub(spent.tokens + others.input + others.output).max(1),
            cost_usd: (limits.cost_usd - spent.cost_usd - others.cost_usd).max(0.0),
            output_bytes: limits.output_bytes.saturating_sub(spent.output_bytes).max(1),
            ..limits
        }
    }
}

/// Who hands over.
pub(crate) struct Caller<'a> {
    pub(crate) run: &'a str,
    pub(crate) call: u64,
    pub(crate) context: &'a Arc<RunContext>,
    pub(crate) left: RunLimits,
    pub(crate) cancel: sickbay_engine::Cancel,
}

impl AgentParts {
    /// One run of the agent inside the caller's.
    pub(crate) async fn run(&self, task: &str, caller: Caller<'_>) -> Result<Report, Failure> {
        let mut settings = self.settings.clone();
        settings.question = Some(task.to_owned());
        settings.reach = Reach::PlanOnly;
        settings.profile.limits = within(self.profile.limits, caller.left);
        let recorder = NestedRecorder { outer: Arc::clone(caller.context), call: caller.call };
        let context =
            RunContext::new(Arc::new(recorder), Arc::clone(&caller.context.world)).nested_in(caller.context);
        let drive = Drive {
            // Its approvals and random numbers are its own.
            run: Digest::of(format!("{}/{}", caller.run, caller.call).as_bytes()).hex()[..26].to_owned(),
            settings,
            host_version: self.host_version.clone(),
            ready: self.ready.clone(),
            context: Arc::new(context),
            watcher: Arc::new(NobodyWatches),
            cancel: caller.cancel,
            hands: None,
            desk: None,
            listener: Arc::new(crate::listener::NobodyListens),
        };
        let end = Box::pin(drive.drive()).await?;
        let report = match end {
            DriveEnd::Finished(report) | DriveEnd::Parked { report, .. } => report,
        };
        caller.context.spend_as(report.usage);
        Ok(report)
    }
}

/// The narrower of two.
fn within(own: RunLimits, left: RunLimits) -> RunLimits {
    RunLimits {
        wall: own.wall.min(left.wall),
        call: own.call.min(left.call),
        steps: own.steps.min(left.steps),
        tool_calls: own.tool_calls.min(left.tool_calls),
        plugin_calls: own.plugin_calls.min(left.plugin_calls),
        tokens: own.tokens.min(left.tokens),
        cost_usd: own.cost_usd.min(left.cost_usd),
        output_bytes: own.output_bytes.min(left.output_bytes),
    }
}

/// What the caller's model reads of the agent's report.
pub(crate) fn output_of(report: &Report) -> ToolOutput {
    let mut text = format!("outcome: {}\n", report.outcome);
    if let Some(answer) = &report.answer {
        text.push_str(answer);
        text.push('\n');
    } else if !report.summary.is_empty() {
        text.push_str(&report.summary);
        text.push('\n');
    }
    for finding in &report.findings {
        let object = &finding.object;
        let namespace = object.namespace.as_deref().map(|name| format!("{name}/")).unwrap_or_default();
        let sure = if finding.hypothesis { " (hypothesis)" } else { "" };
        text.push_str(&format!(
            "- {} {} {namespace}{}{sure}: {}\n",
            finding.reason, object.kind, object.name, finding.message
        ));
    }
    if !report.limits_hit.is_empty() {
        text.push_str(&format!("limits reached: {}\n", report.limits_hit.join(", ")));
    }
    ToolOutput {
        text,
        structured: None,
        is_error: matches!(report.outcome, Outcome::Failed | Outcome::Cancelled),
    }
}

/// Puts the agent's events into the call that handed over.
struct NestedRecorder {
    outer: Arc<RunContext>,
    call: u64,
}

#[async_trait]
impl Recorder for NestedRecorder {
    async fn record(&self, event: Event) -> Result<Stamp, Failure> {
        self.outer.recorder.record(Event::Nested { call: self.call, event: Box::new(event) }).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.outer.recorder.flush().await
    }
}

/// Why an agent can not be called.
pub(crate) fn unavailable(name: &str) -> CallError {
    CallError::new(ErrorKind::NotFound, "no-agent", format!("there is no agent `{name}`"))
}
