//! The answer, piece by piece. Each event is a response of its own that holds
//! what is new; there is no event that ends the stream, only a reason to
//! finish, which may stand in more than one of them.

use serde_json::{Value, json};
use sickbay_plugin::{
    model_types::{StopReason, Usage},
    provider::{Error, Event, ResponseInfo, ThinkingDelta, ToolCallArguments, ToolCallStart},
};
use sickbay_wire::{Flow, Format, Framing, StreamDecoder, failure, ids::Ids, json, stream::has_error};

use crate::{
    MADE, NAME, finish,
    signature::{self, Place},
};

/// The answer as far as it has come.
#[derive(Debug, Default)]
pub struct Answer {
    ids: Ids,
    started: bool,
    calls: u32,
    stop: Option<StopReason>,
}

/// A decoder for one response. Header names are in lower case.
#[must_use]
pub fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<Answer> {
    let answer = Answer { ids: Ids::of(&headers), ..Answer::default() };
    StreamDecoder::new(NAME, Framing::ServerSentEvents, status, headers, answer)
}

impl Format for Answer {
    fn frame(&mut self, _name: &str, piece: &Value, events: &mut Vec<Event>) -> Result<Flow, Error> {
        if has_error(piece) {
            return Err(failure::of_stream(NAME, piece));
        }
        if !self.started {
            self.started = true;
            let text = |key| json::text(piece, key).map(str::to_owned);
            events.push(Event::Started(ResponseInfo { id: text("responseId"), model: text("modelVersion") }));
        }
        // Only one is asked for; another would be mixed up with it.
        let first = |candidate: &&Value| json::count(candidate, "index").unwrap_or_default() == 0;
        let candidate = json::list(piece, "candidates").iter().find(first).unwrap_or(&Value::Null);
        let content = candidate.get("content").unwrap_or(&Value::Null);
        for part in json::list(content, "parts") {
            self.part(piece, part, events);
        }
        if let Some(usage) = json::present(piece, "usageMetadata") {
            events.push(Event::Usage(read_usage(usage)));
        }
        self.feedback(piece, events);
        if let Some(reason) = json::text(candidate, "finishReason").filter(|reason| !reason.is_empty()) {
            let message = json::text(candidate, "finishMessage").unwrap_or_default();
            let stop = finish::reason(reason, message)?;
            if matches!(stop, StopReason::Refusal | StopReason::Other) {
                events
                    .push(Event::Raw(json!({"finishReason": reason, "finishMessage": message}).to_string()));
            }
            // Some servers end every piece as if it were the last one.
            if self.stop.is_none_or(|stop| stop == StopReason::EndTurn) {
                self.stop = Some(stop);
            }
        }
        Ok(Flow::More)
    }

    /// One answer, or without `alt=sse` the list of all pieces.
    fn whole(&mut self, body: &Value, events: &mut Vec<Event>) -> Result<(), Error> {
        match body {
            Value::Array(pieces) => {
                for piece in pieces {
                    self.frame("", piece, events)?;
                }
            }
            piece => {
                self.frame("", piece, events)?;
            }
        }
        self.end(events)
    }

    fn end(&mut self, events: &mut Vec<Event>) -> Result<(), Error> {
        let Some(stop) = self.stop else { return Err(failure::truncated(NAME)) };
        let called = matches!(stop, StopReason::EndTurn | StopReason::Other) && self.calls > 0;
        events.push(Event::Stop(if called { StopReason::ToolUse } else { stop }));
        Ok(())
    }
}

impl Answer {
    fn part(&mut self, piece: &Value, part: &Value, events: &mut Vec<Event>) {
        let call = json::present(part, "functionCall");
        let signed = ["thoughtSignature", "thought_signature"].iter().find_map(|key| {
            let text = json::text(part, key).or_else(|| json::text(call?, key));
            text.filter(|text| !text.is_empty())
        });
        let sign = |place| signed.map(|signed| signature::write(place, signed));
        let thought = |text: &str, signature: Option<String>| {
            Event::Thinking(ThinkingDelta { text: text.to_owned(), signature, redacted: None })
        };
        if let Some(call) = call {
            if signed.is_some() {
                events.push(thought("", sign(Place::Call)));
            }
            self.call(piece, call, events);
        } else if part.get("thought").and_then(Value::as_bool) == Some(true) {
            events.push(thought(json::text(part, "text").unwrap_or_default(), sign(Place::Thought)));
        } else if let Some(text) = json::text(part, "text").filter(|text| !text.is_empty()) {
            if signed.is_some() {
                events.push(thought("", sign(Place::Text)));
            }
            events.push(Event::Text(text.to_owned()));
        } else if signed.is_some() {
            events.push(thought("", sign(Place::Alone)));
        } else if part.as_object().is_some_and(|part| part.keys().any(|key| key != "text")) {
            events.push(Event::Raw(part.to_string()));
        }
    }

    /// A call comes whole.
    fn call(&mut self, piece: &Value, call: &Value, events: &mut Vec<Event>) {
        let name = json::text(call, "name").unwrap_or_default();
        let fragment = match call.get("args") {
            None | Some(Value::Null) => "{}".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        let given = json::text(call, "id").filter(|id| !id.is_empty() && !id.starts_with(MADE));
        let text = |key| json::text(piece, key).unwrap_or_default();
        let made =
            || self.ids.make(MADE, index, &[text("responseId"), text("modelVersion"), name, &fragment]);
        let id = given.map_or_else(made, str::to_owned);
        events.push(Event::ToolCallStart(ToolCallStart { index, id, name: name.to_owned() }));
        events.push(Event::ToolCallArguments(ToolCallArguments { index, fragment }));
    }

    /// A prompt that was blocked has no answer; the reason stands beside it.
    fn feedback(&mut self, piece: &Value, events: &mut Vec<Event>) {
        let Some(feedback) = piece.get("promptFeedback") else { return };
        let reason = json::text(feedback, "blockReason").unwrap_or_default();
        if !reason.is_empty() && reason != "BLOCKED_REASON_UNSPECIFIED" {
            events.push(Event::Raw(json!({"promptFeedback": feedback}).to_string()));
            self.stop = Some(StopReason::Refusal);
        }
    }
}

/// What is thought is paid for as what is said.
fn read_usage(usage: &Value) -> Usage {
    let count = |key| json::count(usage, key).unwrap_or_default();
    let reasoning = count("thoughtsTokenCount");
    Usage {
        input: count("promptTokenCount").saturating_add(count("toolUsePromptTokenCount")),
        output: count("candidatesTokenCount").saturating_add(reasoning),
        cache_read: count("cachedContentTokenCount"),
        cache_write: 0,
        reasoning,
    }
}

#[cfg(test)]
mod tests;
