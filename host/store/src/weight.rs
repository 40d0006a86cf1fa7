//! How much memory an event takes while it waits to be stored, roughly and
//! quickly: the payloads of an event are text or small JSON, so this looks at
//! a few lengths.

use serde_json::Value;
use sickbay_core::{
    event::Event,
    model::{Content, Message},
    outside::{Answer, Ask},
};

/// What an event takes with nothing in it.
const BASE: usize = 256;
/// Values looked at before the rest is guessed to be as heavy again.
const MAX_VISITS: usize = 4096;

/// Bytes, roughly.
pub(crate) fn of(event: &Event) -> usize {
    BASE + match event {
        Event::RunStarted { settings, plugins, .. } => value(settings) + plugins.len() * 256,
        Event::CallStarted { input, .. } => value(input),
        Event::AskStarted { request, .. } => ask(request),
        Event::AskEnded { answer: ended, .. } => answer(ended),
        Event::Logged { context, message, .. } => context.len() + message.len(),
        Event::CallEnded { output, .. } => output.as_ref().map_or(0, value),
        Event::Reported { report } | Event::Parked { report, .. } => value(report),
        Event::PlanProposed { parameters, action_plan, .. } => {
            value(parameters) + action_plan.changes.len() * 1024
        }
        Event::RehearsalEnded { rehearsal: Some(rehearsal), .. } => {
            rehearsal.prior.as_ref().map_or(0, value) + rehearsal.diff.len() * 256 + 1024
        }
        Event::ApprovalRequested { stage: Some(asked), .. } => asked.prompt.len() + value(&asked.known),
        Event::TurnStarted { input, .. } => input.len(),
        Event::ToolsOffered { tools } => tools
            .iter()
            .map(|tool| tool.name.len() + tool.description.len() + value(&tool.input_schema) + 128)
            .sum(),
        Event::ModelEnded { answer: Some(answer), .. } => message(&answer.completion.message),
        Event::ToolStarted { arguments, .. } => value(arguments),
        Event::ToolEnded { output: Some(output), .. } => {
            output.text.len() + output.structured.as_ref().map_or(0, value)
        }
        Event::Nested { event, .. } => of(event),
        Event::Compacted { summary: Some(summary), .. } => summary.len(),
        Event::Watched { sample, .. } => sample.objects.len() * 256 + sample.restarts.len() * 64,
        Event::StageStarted { .. }
        | Event::PlanRefused { .. }
        | Event::SurveyStarted { .. }
        | Event::SurveyEnded { .. }
        | Event::PolicyAsked { .. }
        | Event::RehearsalStarted { .. }
        | Event::RehearsalEnded { rehearsal: None, .. }
        | Event::PlanSealed { .. }
        | Event::ApprovalRequested { stage: None, .. }
        | Event::ApprovalDecided { .. }
        | Event::LockStarted { .. }
        | Event::LockEnded { .. }
        | Event::ChangeStarted { .. }
        | Event::ChangeEnded { .. }
        | Event::Waited { .. }
        | Event::RevertCheckStarted { .. }
        | Event::RevertCheckEnded { .. }
        | Event::PlanEnded { .. }
        | Event::ModelStarted { .. }
        | Event::ModelEnded { answer: None, .. }
        | Event::ToolEnded { output: None, .. }
        | Event::Compacted { summary: None, .. }
        | Event::TurnEnded { .. }
        | Event::TurnUndone { .. }
        | Event::ModelChanged { .. }
        | Event::Resumed { .. }
        | Event::StageEnded { .. }
        | Event::LimitHit { .. }
        | Event::Cancelled { .. }
        | Event::RunEnded { .. } => 0,
    }
}

fn message(message: &Message) -> usize {
    message
        .content
        .iter()
        .map(|content| {
            64 + match content {
                Content::Text { text }
                | Content::ToolResult { text, .. }
                | Content::Thinking { text, .. } => text.len(),
                Content::Image { data, .. } => data.len() * 4,
                Content::ToolCall { arguments, .. } => value(arguments),
                Content::RedactedThinking { data } => data.len(),
            }
        })
        .sum()
}

fn ask(ask: &Ask) -> usize {
    match ask {
        Ask::ModelComplete { request } => value(request),
        Ask::ProcessRun { stdin, .. } => stdin.len(),
        Ask::Http { url, body, .. } => url.len() + body.0.len(),
        _ => 0,
    }
}

fn answer(answer: &Answer) -> usize {
    match answer {
        Answer::ClusterKinds { kinds } => kinds.len() * 128,
        Answer::Page { page, .. } => page.objects.iter().map(|object| object.len() + 24).sum(),
        Answer::Object { object, .. } => object.len(),
        Answer::Log { log, .. } => log.lines.iter().map(|line| line.len() + 24).sum(),
        Answer::Completion { completion, .. } => value(completion),
        Answer::Exit { stdout, stderr, .. } => stdout.len() + stderr.len(),
        Answer::Http { body, .. } => body.0.len(),
        Answer::ConfigAll { entries } => {
            entries.iter().map(|(key, value)| key.len() + value.len() + 48).sum()
        }
        Answer::Config { .. } | Answer::ClusterInfo { .. } | Answer::Failed { .. } => 0,
    }
}

fn value(value: &Value) -> usize {
    let mut pending = vec![value];
    let (mut bytes, mut visits) = (0usize, 0usize);
    while let Some(next) = pending.pop() {
        visits += 1;
        bytes += 32;
        if visits > MAX_VISITS {
            return bytes * 2 + pending.len() * 32;
        }
        match next {
            Value::String(text) => bytes += text.len(),
            // Wide lists are not pushed whole: only what may still be visited.
            Value::Array(items) => {
                bytes += items.len() * 32;
                pending.extend(items.iter().take(MAX_VISITS - visits));
            }
            Value::Object(fields) => {
                bytes += fields.len() * 96;
                pending.extend(fields.values().take(MAX_VISITS - visits));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    bytes
}
