//! The chunks of a completion, or the completion itself, as events.

mod calls;

use calls::Calls;
use serde_json::Value;
use sickbay_plugin::{
    model_types::{StopReason, Usage},
    provider::{Event, ResponseInfo, ThinkingDelta},
    types::Error,
};
use sickbay_wire::{
    Flow, Format, Framing, StreamDecoder, failure,
    ids::Ids,
    json::{count, list, present, text},
    stream::raw,
};

use crate::NAME;

/// A decoder of one response.
#[must_use]
pub fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<Chunks> {
    let format = Chunks { calls: Calls::new(Ids::of(&headers)), ..Chunks::default() };
    StreamDecoder::new(NAME, Framing::ServerSentEvents, status, headers, format)
}

/// What is known of the completion so far.
#[derive(Debug, Default)]
pub struct Chunks {
    started: bool,
    calls: Calls,
    refused: bool,
    /// Kept until the end: the totals come behind it.
    stop: Option<StopReason>,
    usage: Option<Usage>,
}

impl Format for Chunks {
    fn frame(&mut self, _name: &str, data: &Value, events: &mut Vec<Event>) -> Result<Flow, Error> {
        if present(data, "error").is_some() || is_bare_error(data) {
            return Err(failure::of_stream(NAME, data));
        }
        self.start(data, events);
        match data.get("choices").and_then(Value::as_array) {
            Some(choices) => {
                // One answer was asked for; a choice without an index is the first.
                for choice in choices.iter().filter(|choice| count(choice, "index").unwrap_or(0) == 0) {
                    // Some servers send one last chunk that holds the whole message.
                    let delta = present(choice, "delta").or_else(|| present(choice, "message"));
                    self.delta(delta.unwrap_or(&Value::Null), events);
                    self.finish(choice);
                    self.usage(choice);
                }
            }
            // What a gateway adds: the filters of Azure, the notes of others.
            None if present(data, "usage").is_none() => raw(data, events),
            None => {}
        }
        self.usage(data);
        Ok(Flow::More)
    }

    fn done(&mut self, events: &mut Vec<Event>) -> Result<Flow, Error> {
        self.over(events);
        Ok(Flow::Over)
    }

    fn whole(&mut self, body: &Value, events: &mut Vec<Event>) -> Result<(), Error> {
        if list(body, "choices").is_empty() {
            return Err(failure::unreadable(NAME, "an answer without `choices`"));
        }
        self.frame("", body, events)?;
        self.over(events);
        Ok(())
    }

    /// A server that leaves `[DONE]` out has said with `finish_reason` that the answer is whole.
    fn end(&mut self, events: &mut Vec<Event>) -> Result<(), Error> {
        if self.stop.is_none() {
            return Err(failure::truncated(NAME));
        }
        self.over(events);
        Ok(())
    }
}

impl Chunks {
    fn start(&mut self, data: &Value, events: &mut Vec<Event>) {
        let own = |key| text(data, key).filter(|text| !text.is_empty()).map(str::to_owned);
        let info = ResponseInfo { id: own("id"), model: own("model") };
        // Azure's first chunk holds the filters of the prompt and no names yet.
        if !self.started && (info.id.is_some() || info.model.is_some()) {
            self.started = true;
            self.calls.of_response(info.id.as_deref().unwrap_or_default());
            events.push(Event::Started(info));
        }
    }

    fn delta(&mut self, delta: &Value, events: &mut Vec<Event>) {
        for key in ["reasoning_content", "reasoning"] {
            if let Some(thought) = text(delta, key).filter(|text| !text.is_empty()) {
                events.push(Event::Thinking(ThinkingDelta {
                    text: thought.to_owned(),
                    signature: None,
                    redacted: None,
                }));
                // Servers that send both send the same twice.
                break;
            }
        }
        match delta.get("content") {
            Some(Value::String(text)) if !text.is_empty() => events.push(Event::Text(text.clone())),
            Some(Value::Array(parts)) => {
                let texts =
                    parts.iter().filter_map(|part| text(part, "text")).filter(|text| !text.is_empty());
                events.extend(texts.map(|text| Event::Text(text.to_owned())));
            }
            _ => {}
        }
        if let Some(refusal) = text(delta, "refusal").filter(|text| !text.is_empty()) {
            self.refused = true;
            events.push(Event::Text(refusal.to_owned()));
        }
        for call in list(delta, "tool_calls") {
            self.calls.piece(call, events);
        }
        if let Some(call) = present(delta, "function_call") {
            self.calls.function(call, events);
        }
    }

    fn finish(&mut self, choice: &Value) {
        self.stop = match text(choice, "finish_reason") {
            None | Some("") => return,
            Some("stop" | "eos" | "end_turn") => Some(StopReason::EndTurn),
            Some("length" | "max_tokens") => Some(StopReason::MaxTokens),
            Some("tool_calls" | "function_call" | "tool_use") => Some(StopReason::ToolUse),
            Some("content_filter" | "refusal") => Some(StopReason::Refusal),
            Some("stop_sequence") => Some(StopReason::StopSequence),
            Some(_) => Some(StopReason::Other),
        };
    }

    /// Totals, wherever they stand; the last ones count.
    fn usage(&mut self, holder: &Value) {
        let Some(usage) = present(holder, "usage").filter(|usage| usage.is_object()) else {
            return;
        };
        let details = |key: &str, field: &str| usage.get(key).and_then(|details| count(details, field));
        let cache_read = details("prompt_tokens_details", "cached_tokens")
            .or_else(|| count(usage, "prompt_cache_hit_tokens"))
            .unwrap_or(0);
        self.usage = Some(Usage {
            input: count(usage, "prompt_tokens").unwrap_or(0),
            output: count(usage, "completion_tokens").unwrap_or(0),
            cache_read,
            cache_write: details("prompt_tokens_details", "cache_write_tokens").unwrap_or(0),
            reasoning: details("completion_tokens_details", "reasoning_tokens").unwrap_or(0),
        });
    }

    fn over(&mut self, events: &mut Vec<Event>) {
        self.calls.close(events);
        events.extend(self.usage.map(Event::Usage));
        // Several servers say `stop`, or nothing, where tools are to be called.
        let stop = match self.stop {
            Some(StopReason::EndTurn) | None if self.refused => StopReason::Refusal,
            Some(StopReason::EndTurn) | None if self.calls.any() => StopReason::ToolUse,
            None => StopReason::EndTurn,
            Some(stop) => stop,
        };
        events.push(Event::Stop(stop));
    }
}

/// `{"object": "error", "message": …}`, as vLLM writes it.
fn is_bare_error(data: &Value) -> bool {
    text(data, "object") == Some("error") || text(data, "type") == Some("error")
}
