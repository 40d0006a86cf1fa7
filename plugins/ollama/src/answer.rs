//! The answer, line by line. A line holds a piece of the text, a piece of the
//! thinking, whole calls, or an error; the last one says `done`.

use serde_json::Value;
use sickbay_plugin::{
    model_types::{StopReason, Usage},
    provider::{Error, Event, ResponseInfo, ThinkingDelta, ToolCallArguments, ToolCallStart},
};
use sickbay_wire::{Flow, Format, Framing, StreamDecoder, failure, ids::Ids, json, stream::has_error};

use crate::NAME;

/// The answer as far as it has come.
#[derive(Debug, Default)]
pub struct Answer {
    ids: Ids,
    started: bool,
    calls: u32,
}

/// A decoder for one response. Header names are in lower case.
#[must_use]
pub fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<Answer> {
    let answer = Answer { ids: Ids::of(&headers), ..Answer::default() };
    StreamDecoder::new(NAME, Framing::JsonLines, status, headers, answer)
}

impl Format for Answer {
    fn frame(&mut self, _name: &str, line: &Value, events: &mut Vec<Event>) -> Result<Flow, Error> {
        if has_error(line) {
            return Err(failure::of_stream(NAME, line));
        }
        if !self.started {
            self.started = true;
            let model = json::text(line, "model").map(str::to_owned);
            events.push(Event::Started(ResponseInfo { id: None, model }));
        }
        let message = line.get("message").unwrap_or(&Value::Null);
        // The second and the third name are those of servers that mix two formats up.
        let thinking = ["thinking", "reasoning_content", "reasoning"].iter();
        if let Some(text) = thinking.filter_map(|key| said(message, key)).next() {
            let text = text.to_owned();
            events.push(Event::Thinking(ThinkingDelta { text, signature: None, redacted: None }));
        }
        if let Some(text) = said(message, "content") {
            events.push(Event::Text(text.to_owned()));
        }
        for call in json::list(message, "tool_calls") {
            self.call(line, call, events);
        }
        if line.get("done").and_then(Value::as_bool) != Some(true) {
            return Ok(Flow::More);
        }
        events.push(Event::Usage(Usage {
            input: json::count(line, "prompt_eval_count").unwrap_or_default(),
            output: json::count(line, "eval_count").unwrap_or_default(),
            cache_read: 0,
            cache_write: 0,
            reasoning: 0,
        }));
        events.push(Event::Stop(self.stop(json::text(line, "done_reason"))));
        Ok(Flow::Over)
    }

    /// The same as a line: where nothing is streamed, the answer is one line.
    fn whole(&mut self, body: &Value, events: &mut Vec<Event>) -> Result<(), Error> {
        match self.frame("", body, events)? {
            Flow::Over => Ok(()),
            Flow::More => self.end(events),
        }
    }

    fn end(&mut self, _events: &mut Vec<Event>) -> Result<(), Error> {
        Err(failure::truncated(NAME))
    }
}

impl Answer {
    /// A call comes whole.
    fn call(&mut self, line: &Value, call: &Value, events: &mut Vec<Event>) {
        let function = call.get("function").unwrap_or(call);
        let name = json::text(function, "name").unwrap_or_default();
        let arguments = match function.get("arguments") {
            None | Some(Value::Null) => "{}".to_owned(),
            // Not what the API says, but what some models and gateways make of it.
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        let given = json::text(call, "id").filter(|id| !id.is_empty()).map(str::to_owned);
        let id = given.unwrap_or_else(|| {
            let text = |key| json::text(line, key).unwrap_or_default();
            self.ids.make("call_", index, &[text("created_at"), text("model"), name, &arguments])
        });
        events.push(Event::ToolCallStart(ToolCallStart { index, id, name: name.to_owned() }));
        events.push(Event::ToolCallArguments(ToolCallArguments { index, fragment: arguments }));
    }

    /// The reason is `stop` also where tools are called.
    fn stop(&self, reason: Option<&str>) -> StopReason {
        match reason {
            _ if self.calls > 0 => StopReason::ToolUse,
            Some("length") => StopReason::MaxTokens,
            Some("stop") | None => StopReason::EndTurn,
            Some(_) => StopReason::Other,
        }
    }
}

fn said<'a>(message: &'a Value, key: &str) -> Option<&'a str> {
    json::text(message, key).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
