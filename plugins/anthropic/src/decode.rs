//! The stream of a message, or the message itself, as events.

use std::collections::BTreeMap;

use serde_json::Value;
use sickbay_plugin::{
    model_types::{StopReason, Usage},
    provider::{Event, ResponseInfo, ThinkingDelta, ToolCallArguments, ToolCallStart},
    types::Error,
};
use sickbay_wire::{
    Flow, Format, Framing, StreamDecoder, failure,
    ids::Ids,
    json::{count, list, present, small, text},
    stream::raw,
};

use crate::NAME;

/// A decoder of one response.
#[must_use]
pub fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<Messages> {
    let format = Messages { ids: Ids::of(&headers), ..Messages::default() };
    StreamDecoder::new(NAME, Framing::ServerSentEvents, status, headers, format)
}

/// What is known of the message so far.
#[derive(Debug, Default)]
pub struct Messages {
    started: bool,
    /// For calls that come without an id.
    ids: Ids,
    message: String,
    /// Blocks that are open, by their index.
    blocks: BTreeMap<u64, Block>,
    /// Calls so far: the index of the next one.
    calls: u32,
    tokens: Tokens,
    stop: Option<StopReason>,
}

#[derive(Debug)]
enum Block {
    Text,
    Thinking { signature: Option<String> },
    Call { index: u32, input: Option<String>, has_fragments: bool },
    Other,
}

/// The provider's figures, which leave the cached tokens out of the input.
#[derive(Debug, Default)]
struct Tokens {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    thinking: u64,
}

impl Format for Messages {
    fn frame(&mut self, name: &str, data: &Value, events: &mut Vec<Event>) -> Result<Flow, Error> {
        match text(data, "type").unwrap_or(name) {
            // llama.cpp's event is the error alone, whose type is its own.
            _ if name == "error" => return Err(failure::of_stream(NAME, data)),
            "message_start" => {
                let message = data.get("message").unwrap_or(&Value::Null);
                self.start(message, events);
                self.usage(message, events);
            }
            "content_block_start" => {
                let block = data.get("content_block").unwrap_or(&Value::Null);
                self.open(index(data), block, events);
            }
            "content_block_delta" => {
                let delta = data.get("delta").unwrap_or(&Value::Null);
                self.delta(index(data), delta, events);
            }
            "content_block_stop" => self.close(index(data), events),
            "message_delta" => {
                let delta = data.get("delta").unwrap_or(&Value::Null);
                self.stopped(delta, events);
                self.usage(data, events);
            }
            "message_stop" => {
                self.over(events);
                return Ok(Flow::Over);
            }
            "ping" => {}
            "error" => return Err(failure::of_stream(NAME, data)),
            _ if present(data, "error").is_some() => return Err(failure::of_stream(NAME, data)),
            _ => raw(data, events),
        }
        Ok(Flow::More)
    }

    fn whole(&mut self, body: &Value, events: &mut Vec<Event>) -> Result<(), Error> {
        if !body.get("content").is_some_and(Value::is_array) {
            return Err(failure::unreadable(NAME, "an answer without `content`"));
        }
        self.start(body, events);
        for (index, block) in (0..).zip(list(body, "content")) {
            self.open(index, block, events);
            self.close(index, events);
        }
        self.stopped(body, events);
        self.usage(body, events);
        self.over(events);
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<Event>) -> Result<(), Error> {
        Err(failure::truncated(NAME))
    }
}

impl Messages {
    fn start(&mut self, message: &Value, events: &mut Vec<Event>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let own = |key| text(message, key).filter(|text| !text.is_empty()).map(str::to_owned);
        self.message = own("id").unwrap_or_default();
        events.push(Event::Started(ResponseInfo { id: own("id"), model: own("model") }));
    }

    /// The figures of a message or of its delta. They are totals: those of the
    /// input never shrink, though a later event may leave them out or say 0.
    fn usage(&mut self, holder: &Value, events: &mut Vec<Event>) {
        let Some(usage) = present(holder, "usage") else {
            return;
        };
        let tokens = &mut self.tokens;
        for (key, total) in [
            ("input_tokens", &mut tokens.input),
            ("cache_read_input_tokens", &mut tokens.cache_read),
            ("cache_creation_input_tokens", &mut tokens.cache_write),
        ] {
            *total = count(usage, key).unwrap_or(0).max(*total);
        }
        tokens.output = count(usage, "output_tokens").unwrap_or(tokens.output);
        let details = usage.get("output_tokens_details").unwrap_or(&Value::Null);
        tokens.thinking = count(details, "thinking_tokens").unwrap_or(tokens.thinking);
        events.push(Event::Usage(Usage {
            input: tokens.input.saturating_add(tokens.cache_read).saturating_add(tokens.cache_write),
            output: tokens.output,
            cache_read: tokens.cache_read,
            cache_write: tokens.cache_write,
            reasoning: tokens.thinking,
        }));
    }

    fn open(&mut self, at: u64, block: &Value, events: &mut Vec<Event>) {
        // A server that forgets to close a block opens the next at the same place.
        self.close(at, events);
        let opened = match text(block, "type").unwrap_or_default() {
            "text" => {
                push_text(text(block, "text"), events);
                Block::Text
            }
            "thinking" => {
                push_thinking(text(block, "thinking"), events);
                let signature = text(block, "signature").filter(|s| !s.is_empty()).map(str::to_owned);
                Block::Thinking { signature }
            }
            "redacted_thinking" => {
                let redacted = text(block, "data").map(str::to_owned);
                events.push(Event::Thinking(ThinkingDelta {
                    text: String::new(),
                    signature: None,
                    redacted,
                }));
                Block::Other
            }
            "tool_use" => self.call(block, events),
            _ => {
                raw(block, events);
                Block::Other
            }
        };
        self.blocks.insert(at, opened);
    }

    fn call(&mut self, block: &Value, events: &mut Vec<Event>) -> Block {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        let name = text(block, "name").unwrap_or_default().to_owned();
        let id = text(block, "id").filter(|id| !id.is_empty()).map(str::to_owned);
        let id = id.unwrap_or_else(|| self.ids.make("call_", index, &[&self.message, &name]));
        events.push(Event::ToolCallStart(ToolCallStart { index, id, name }));
        // The whole input stands here where the server did not stream it; a stream begins with `{}` or nothing.
        let input = block.get("input").and_then(Value::as_object).filter(|input| !input.is_empty());
        let input = input.and_then(|input| serde_json::to_string(input).ok());
        Block::Call { index, input, has_fragments: false }
    }

    fn delta(&mut self, at: u64, delta: &Value, events: &mut Vec<Event>) {
        match text(delta, "type").unwrap_or_default() {
            "text_delta" => push_text(text(delta, "text"), events),
            "thinking_delta" => push_thinking(text(delta, "thinking"), events),
            "signature_delta" => {
                let given = text(delta, "signature").unwrap_or_default();
                if let Some(Block::Thinking { signature }) = self.blocks.get_mut(&at) {
                    signature.get_or_insert_default().push_str(given);
                }
            }
            "input_json_delta" => {
                let fragment = text(delta, "partial_json").unwrap_or_default();
                if let Some(Block::Call { index, has_fragments, .. }) = self.blocks.get_mut(&at)
                    && !fragment.is_empty()
                {
                    *has_fragments = true;
                    push_arguments(*index, fragment, events);
                }
            }
            _ => raw(delta, events),
        }
    }

    fn close(&mut self, at: u64, events: &mut Vec<Event>) {
        match self.blocks.remove(&at) {
            Some(Block::Thinking { signature: Some(signature) }) if !signature.is_empty() => {
                events.push(Event::Thinking(ThinkingDelta {
                    text: String::new(),
                    signature: Some(signature),
                    redacted: None,
                }));
            }
            Some(Block::Call { index, input, has_fragments: false }) => {
                push_arguments(index, input.as_deref().unwrap_or("{}"), events);
            }
            Some(Block::Text | Block::Thinking { .. } | Block::Call { .. } | Block::Other) | None => {}
        }
    }

    fn stopped(&mut self, delta: &Value, events: &mut Vec<Event>) {
        let Some(reason) = text(delta, "stop_reason") else {
            return;
        };
        self.stop = Some(match reason {
            "end_turn" => StopReason::EndTurn,
            "tool_use" => StopReason::ToolUse,
            "max_tokens" | "model_context_window_exceeded" => StopReason::MaxTokens,
            "stop_sequence" => StopReason::StopSequence,
            "refusal" => StopReason::Refusal,
            _ => StopReason::Other,
        });
        if let Some(details) = present(delta, "stop_details") {
            raw(details, events);
        }
    }

    fn over(&mut self, events: &mut Vec<Event>) {
        while let Some(at) = self.blocks.keys().next().copied() {
            self.close(at, events);
        }
        let without = if self.calls > 0 { StopReason::ToolUse } else { StopReason::EndTurn };
        events.push(Event::Stop(self.stop.unwrap_or(without)));
    }
}

fn index(data: &Value) -> u64 {
    small(data, "index").unwrap_or_default().into()
}

fn push_text(text: Option<&str>, events: &mut Vec<Event>) {
    events.extend(text.filter(|text| !text.is_empty()).map(|text| Event::Text(text.to_owned())));
}

fn push_thinking(text: Option<&str>, events: &mut Vec<Event>) {
    events.extend(text.filter(|text| !text.is_empty()).map(|text| {
        Event::Thinking(ThinkingDelta { text: text.to_owned(), signature: None, redacted: None })
    }));
}

fn push_arguments(index: u32, fragment: &str, events: &mut Vec<Event>) {
    events.push(Event::ToolCallArguments(ToolCallArguments { index, fragment: fragment.to_owned() }));
}
