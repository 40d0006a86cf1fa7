//! Between the bindings' types and the host's plain values.
//!
//! What a guest gives is checked here: JSON must be JSON, and not nested
//! deeper than the parser takes. The text of an error is for a person.

use std::sync::Arc;

use serde_json::Value;
use sickbay_core::{
    diagnosis as core,
    error::{CallError, ErrorKind},
    object,
};

use crate::{
    bindings::{
        imports::sickbay::plugin::model as wit_model,
        model_types as wit,
        types::{Effect as WitEffect, Error, ErrorKind as WitKind, Evidence, ObjectRef},
    },
    shapes::{model, tool::Effect},
};

/// What the contract's `json` allows, unless a function says otherwise.
const JSON_BYTES: usize = 16 * 1024 * 1024;

/// A guest's JSON text as a value. The parser itself bounds the depth.
pub(crate) fn json(what: &str, text: &str) -> Result<Value, String> {
    if text.len() > JSON_BYTES {
        return Err(format!("`{what}` is {} bytes long, over {JSON_BYTES}", text.len()));
    }
    serde_json::from_str(text).map_err(|error| format!("`{what}` is not JSON: {error}"))
}

pub(crate) fn to_error(error: CallError) -> Error {
    let message = match error.hint {
        Some(hint) => format!("{}; {hint}", error.message),
        None => error.message,
    };
    Error {
        kind: match error.kind {
            ErrorKind::InvalidInput => WitKind::InvalidInput,
            ErrorKind::NotFound => WitKind::NotFound,
            ErrorKind::Conflict => WitKind::Conflict,
            ErrorKind::Denied => WitKind::Denied,
            ErrorKind::Unauthorized => WitKind::Unauthorized,
            ErrorKind::Unavailable => WitKind::Unavailable,
            ErrorKind::RateLimited => WitKind::RateLimited,
            ErrorKind::Timeout => WitKind::Timeout,
            ErrorKind::Limit => WitKind::Limit,
            ErrorKind::ContextLength => WitKind::ContextLength,
            ErrorKind::Unsupported => WitKind::Unsupported,
            ErrorKind::Internal => WitKind::Internal,
        },
        code: error.code,
        message,
        retry_after_ms: error.retry_after_ms,
    }
}

pub(crate) fn from_error(error: Error) -> CallError {
    CallError {
        kind: match error.kind {
            WitKind::InvalidInput => ErrorKind::InvalidInput,
            WitKind::NotFound => ErrorKind::NotFound,
            WitKind::Conflict => ErrorKind::Conflict,
            WitKind::Denied => ErrorKind::Denied,
            WitKind::Unauthorized => ErrorKind::Unauthorized,
            WitKind::Unavailable => ErrorKind::Unavailable,
            WitKind::RateLimited => ErrorKind::RateLimited,
            WitKind::Timeout => ErrorKind::Timeout,
            WitKind::Limit => ErrorKind::Limit,
            WitKind::ContextLength => ErrorKind::ContextLength,
            WitKind::Unsupported => ErrorKind::Unsupported,
            WitKind::Internal => ErrorKind::Internal,
        },
        code: cut(error.code, 128),
        message: cut(error.message, 8 * 1024),
        hint: None,
        retry_after_ms: error.retry_after_ms,
    }
}

/// The text, or its beginning with a mark.
fn cut(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push_str("… (cut)");
    }
    text
}

pub(crate) fn from_object(reference: ObjectRef) -> object::ObjectRef {
    object::ObjectRef {
        api_version: reference.api_version,
        kind: reference.kind,
        namespace: reference.namespace,
        name: reference.name,
    }
}

pub(crate) fn to_object(reference: object::ObjectRef) -> ObjectRef {
    ObjectRef {
        api_version: reference.api_version,
        kind: reference.kind,
        namespace: reference.namespace,
        name: reference.name,
    }
}

pub(crate) fn from_evidence(evidence: Evidence) -> Result<core::Evidence, String> {
    Ok(core::Evidence {
        value: json("evidence.value", &evidence.value)?,
        observation: evidence.observation,
        object: evidence.object.map(from_object),
        pointer: evidence.pointer,
        verified: false,
    })
}

pub(crate) fn to_evidence(evidence: core::Evidence) -> Evidence {
    Evidence {
        observation: evidence.observation,
        object: evidence.object.map(to_object),
        pointer: evidence.pointer,
        value: evidence.value.to_string(),
    }
}

pub(crate) fn from_effect(effect: WitEffect) -> Effect {
    match effect {
        WitEffect::Read => Effect::Read,
        WitEffect::Write => Effect::Write,
        WitEffect::Destructive => Effect::Destructive,
    }
}

/// Collects, or the first error.
pub(crate) fn each<A, B>(from: Vec<A>, with: impl Fn(A) -> Result<B, String>) -> Result<Vec<B>, String> {
    from.into_iter().map(with).collect()
}

pub(crate) fn from_request(request: wit::Request) -> Result<model::Request, String> {
    Ok(model::Request {
        model: request.model,
        messages: each(request.messages, |message| from_message(message).map(Arc::new))?,
        tools: each(request.tools, |tool| {
            Ok(model::ModelTool {
                input_schema: json("input-schema", &tool.input_schema)?,
                name: tool.name,
                description: tool.description,
            })
        })?
        .into(),
        tool_choice: match request.tool_choice {
            wit::ToolChoice::Auto => model::ToolChoice::Auto,
            wit::ToolChoice::None => model::ToolChoice::None,
            wit::ToolChoice::Required => model::ToolChoice::Required,
            wit::ToolChoice::Named(name) => model::ToolChoice::Named(name),
        },
        max_output_tokens: request.max_output_tokens,
        temperature: request.temperature,
        stop: request.stop,
        output_schema: request.output_schema.map(|text| json("output-schema", &text)).transpose()?,
        thinking_tokens: request.thinking_tokens,
        options: json("options", &request.options)?,
    })
}

/// Straight from the shared parts: the guest's copy is the only one.
pub(crate) fn to_request(request: &model::Request) -> wit::Request {
    wit::Request {
        model: request.model.clone(),
        messages: request.messages.iter().map(|message| to_message(message)).collect(),
        tools: request
            .tools
            .iter()
            .map(|tool| wit::Tool {
                name: tool.name.clone(),
                description: tool.description.clone(),
                input_schema: tool.input_schema.to_string(),
            })
            .collect(),
        tool_choice: match &request.tool_choice {
            model::ToolChoice::Auto => wit::ToolChoice::Auto,
            model::ToolChoice::None => wit::ToolChoice::None,
            model::ToolChoice::Required => wit::ToolChoice::Required,
            model::ToolChoice::Named(name) => wit::ToolChoice::Named(name.clone()),
        },
        max_output_tokens: request.max_output_tokens,
        temperature: request.temperature,
        stop: request.stop.clone(),
        output_schema: request.output_schema.as_ref().map(Value::to_string),
        thinking_tokens: request.thinking_tokens,
        options: if request.options.is_null() { "{}".to_owned() } else { request.options.to_string() },
    }
}

fn from_message(message: wit::Message) -> Result<model::Message, String> {
    Ok(model::Message {
        role: match message.role {
            wit::Role::System => model::Role::System,
            wit::Role::User => model::Role::User,
            wit::Role::Assistant => model::Role::Assistant,
            wit::Role::Tool => model::Role::Tool,
        },
        content: each(message.content, |content| {
            Ok(match content {
                wit::Content::Text(text) => model::Content::Text { text },
                wit::Content::Image(image) => {
                    model::Content::Image { media_type: image.media_type, data: image.data }
                }
                wit::Content::ToolCall(call) => model::Content::ToolCall {
                    arguments: json("arguments", &call.arguments)?,
                    id: call.id,
                    name: call.name,
                },
                wit::Content::ToolResult(result) => {
                    model::Content::ToolResult { id: result.id, text: result.text, is_error: result.is_error }
                }
                wit::Content::Thinking(thinking) => {
                    model::Content::Thinking { text: thinking.text, signature: thinking.signature }
                }
                wit::Content::RedactedThinking(data) => model::Content::RedactedThinking { data },
            })
        })?,
    })
}

fn to_message(message: &model::Message) -> wit::Message {
    wit::Message {
        role: match message.role {
            model::Role::System => wit::Role::System,
            model::Role::User => wit::Role::User,
            model::Role::Assistant => wit::Role::Assistant,
            model::Role::Tool => wit::Role::Tool,
        },
        content: message.content.iter().map(to_content).collect(),
    }
}

fn to_content(content: &model::Content) -> wit::Content {
    match content {
        model::Content::Text { text } => wit::Content::Text(text.clone()),
        model::Content::Image { media_type, data } => {
            wit::Content::Image(wit::Image { media_type: media_type.clone(), data: data.clone() })
        }
        model::Content::ToolCall { id, name, arguments } => wit::Content::ToolCall(wit::ToolCall {
            id: id.clone(),
            name: name.clone(),
            arguments: arguments.to_string(),
        }),
        model::Content::ToolResult { id, text, is_error } => wit::Content::ToolResult(wit::ToolResult {
            id: id.clone(),
            text: text.clone(),
            is_error: *is_error,
        }),
        model::Content::Thinking { text, signature } => {
            wit::Content::Thinking(wit::Thinking { text: text.clone(), signature: signature.clone() })
        }
        model::Content::RedactedThinking { data } => wit::Content::RedactedThinking(data.clone()),
    }
}

pub(crate) fn to_completion(completion: model::Completion) -> wit_model::Completion {
    wit_model::Completion {
        message: to_message(&completion.message),
        usage: wit::Usage {
            input: completion.usage.input,
            output: completion.usage.output,
            cache_read: completion.usage.cache_read,
            cache_write: completion.usage.cache_write,
            reasoning: completion.usage.reasoning,
        },
        stop: match completion.stop {
            model::StopReason::EndTurn => wit::StopReason::EndTurn,
            model::StopReason::ToolUse => wit::StopReason::ToolUse,
            model::StopReason::MaxTokens => wit::StopReason::MaxTokens,
            model::StopReason::StopSequence => wit::StopReason::StopSequence,
            model::StopReason::Refusal => wit::StopReason::Refusal,
            model::StopReason::Other => wit::StopReason::Other,
        },
        model: completion.model,
    }
}

pub(crate) fn from_usage(usage: wit::Usage) -> model::Usage {
    model::Usage {
        input: usage.input,
        output: usage.output,
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
        reasoning: usage.reasoning,
    }
}

pub(crate) fn from_stop(stop: wit::StopReason) -> model::StopReason {
    match stop {
        wit::StopReason::EndTurn => model::StopReason::EndTurn,
        wit::StopReason::ToolUse => model::StopReason::ToolUse,
        wit::StopReason::MaxTokens => model::StopReason::MaxTokens,
        wit::StopReason::StopSequence => model::StopReason::StopSequence,
        wit::StopReason::Refusal => model::StopReason::Refusal,
        wit::StopReason::Other => model::StopReason::Other,
    }
}
