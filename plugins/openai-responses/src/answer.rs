//! The answer, event by event. An event's `type` says what it is; its name in
//! the stream is only a help where the type is missing.

use serde_json::{Value, json};
use sickbay_plugin::{
    model_types::{StopReason, Usage},
    provider::{Error, Event, ResponseInfo, ThinkingDelta, ToolCallArguments, ToolCallStart},
};
use sickbay_wire::{Flow, Format, Framing, StreamDecoder, failure, json};

use crate::{
    NAME,
    items::{Item, Items, Slot, Stage},
    marker::{Marker, Reasoning, Spoken},
};

/// The answer as far as it has come.
#[derive(Debug, Default)]
pub struct Answer {
    started: bool,
    items: Items,
    calls: u32,
    refused: bool,
}

/// A decoder for one response. Header names are in lower case.
#[must_use]
pub fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<Answer> {
    StreamDecoder::new(NAME, Framing::ServerSentEvents, status, headers, Answer::default())
}

impl Format for Answer {
    fn frame(&mut self, name: &str, event: &Value, events: &mut Vec<Event>) -> Result<Flow, Error> {
        let kind = json::text(event, "type").unwrap_or(name);
        if kind == "error" || (json::present(event, "error").is_some() && !kind.starts_with("response.")) {
            return Err(failure::of_stream(NAME, event));
        }
        let response = event.get("response").unwrap_or(event);
        match kind.strip_prefix("response.").unwrap_or(kind) {
            "created" | "in_progress" | "queued" => self.start(response, events),
            "output_item.added" => self.added(event, events)?,
            "output_item.done" => {
                let item = event.get("item").unwrap_or(&Value::Null);
                self.item(item, json::count(event, "output_index"), Stage::Done, events)?;
            }
            "completed" => return self.over(response, "completed", events),
            "incomplete" => return self.over(response, "incomplete", events),
            "failed" => return self.over(response, "failed", events),
            "cancelled" => return self.over(response, "cancelled", events),
            part => self.part(part, event, events)?,
        }
        Ok(Flow::More)
    }

    fn whole(&mut self, body: &Value, events: &mut Vec<Event>) -> Result<(), Error> {
        let status = json::text(body, "status").unwrap_or("completed");
        if json::present(body, "output").is_none() || matches!(status, "queued" | "in_progress") {
            return Err(failure::unreadable(NAME, "a body that is no finished response"));
        }
        self.over(body, status, events).map(|_| ())
    }

    fn end(&mut self, _events: &mut Vec<Event>) -> Result<(), Error> {
        Err(failure::truncated(NAME))
    }
}

impl Answer {
    fn start(&mut self, response: &Value, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            let text = |key| json::text(response, key).map(str::to_owned);
            events.push(Event::Started(ResponseInfo { id: text("id"), model: text("model") }));
        }
    }

    fn added(&mut self, event: &Value, events: &mut Vec<Event>) -> Result<(), Error> {
        self.started = true;
        let item = event.get("item").unwrap_or(&Value::Null);
        let known = self.items.of_item(item, json::count(event, "output_index"), Stage::Added)?;
        match json::text(item, "type") {
            Some("function_call") => start_call(known, item, &mut self.calls, events),
            Some("message") => mark_message(known, item, events),
            _ => {}
        }
        Ok(())
    }

    /// A piece of an item, or the end of one of its texts.
    fn part(&mut self, kind: &str, event: &Value, events: &mut Vec<Event>) -> Result<(), Error> {
        let index = |key| json::count(event, key).unwrap_or_default();
        let (slot, text) = match kind {
            "output_text.delta" | "output_text.done" => (Slot::Text(index("content_index")), "text"),
            "refusal.delta" | "refusal.done" => (Slot::Refusal(index("content_index")), "refusal"),
            "reasoning_summary_text.delta" | "reasoning_summary_text.done" => {
                (Slot::Summary(index("summary_index")), "text")
            }
            "reasoning_text.delta" | "reasoning_text.done" => (Slot::Raw(index("content_index")), "text"),
            "function_call_arguments.delta" | "function_call_arguments.done" => {
                (Slot::Arguments, "arguments")
            }
            _ => return Ok(()),
        };
        self.started = true;
        let known = self.items.of_piece(event, slot)?;
        if kind.ends_with(".done") {
            self.refused |= rest(known, slot, json::text(event, text).unwrap_or_default(), events);
        } else if let Some(delta) = json::text(event, "delta").filter(|delta| !delta.is_empty()) {
            self.refused |= more(known, slot, delta, events);
        }
        Ok(())
    }

    /// An item as it is in the end: whatever of it did not come before.
    fn item(
        &mut self,
        item: &Value,
        place: Option<u64>,
        stage: Stage,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        self.started = true;
        let known = self.items.of_item(item, place, stage)?;
        if std::mem::replace(&mut known.done, true) {
            return Ok(());
        }
        let numbered = |key| (0..).zip(json::list(item, key));
        match json::text(item, "type") {
            Some("message") => {
                mark_message(known, item, events);
                for (index, part) in numbered("content") {
                    let text = json::text(part, "text").unwrap_or_default();
                    rest(known, Slot::Text(index), text, events);
                    let refusal = json::text(part, "refusal").unwrap_or_default();
                    self.refused |= rest(known, Slot::Refusal(index), refusal, events);
                }
            }
            Some("function_call") => {
                start_call(known, item, &mut self.calls, events);
                // An object is not what the API says, but what some servers send.
                let arguments = match item.get("arguments") {
                    Some(Value::String(text)) => text.clone(),
                    Some(object @ Value::Object(_)) => object.to_string(),
                    _ => String::new(),
                };
                rest(known, Slot::Arguments, &arguments, events);
            }
            Some("reasoning") => {
                for (index, part) in numbered("summary") {
                    rest(known, Slot::Summary(index), json::text(part, "text").unwrap_or_default(), events);
                }
                for (index, part) in numbered("content") {
                    let text = json::text(part, "text").unwrap_or_default();
                    // Some gateways repeat the summary here, as if it were said.
                    let slot = match json::text(part, "type") {
                        Some("reasoning_text") => Slot::Raw(index),
                        _ => Slot::Summary(index),
                    };
                    rest(known, slot, text, events);
                }
                mark_reasoning(known, item, events);
            }
            Some(_) => events.push(Event::Raw(item.to_string())),
            None => {}
        }
        Ok(())
    }

    fn over(&mut self, response: &Value, event: &str, events: &mut Vec<Event>) -> Result<Flow, Error> {
        self.start(response, events);
        for (place, item) in (0..).zip(json::list(response, "output")) {
            self.item(item, Some(place), Stage::Repeated, events)?;
        }
        if let Some(usage) = json::present(response, "usage") {
            events.push(Event::Usage(read_usage(usage)));
        }
        let reason = response.get("incomplete_details").and_then(|details| json::text(details, "reason"));
        let status = json::text(response, "status").unwrap_or(event);
        let stop = match status {
            "failed" | "cancelled" => {
                let error = json::present(response, "error").cloned();
                let error = error.unwrap_or_else(|| json!({"message": format!("the response is {status}")}));
                return Err(failure::of_stream(NAME, &json!({"error": error})));
            }
            "incomplete" => match reason {
                // Where nothing is said of it, the length is what is left.
                Some("max_output_tokens" | "max_tokens") | None => StopReason::MaxTokens,
                Some("content_filter") => StopReason::Refusal,
                Some(_) => StopReason::Other,
            },
            _ if self.refused => StopReason::Refusal,
            _ if self.calls > 0 => StopReason::ToolUse,
            _ => StopReason::EndTurn,
        };
        events.push(Event::Stop(stop));
        Ok(Flow::Over)
    }
}

/// A piece of a text.
fn more(item: &mut Item, slot: Slot, piece: &str, events: &mut Vec<Event>) -> bool {
    let so_far = item.so_far(slot);
    let first = so_far.is_empty();
    so_far.push_str(piece);
    hand_on(item.call, slot, first, piece.to_owned(), events)
}

/// What of a final text did not come in pieces.
fn rest(item: &mut Item, slot: Slot, whole: &str, events: &mut Vec<Event>) -> bool {
    let first = item.so_far(slot).is_empty();
    item.rest(slot, whole).is_some_and(|piece| hand_on(item.call, slot, first, piece, events))
}

/// Hands a piece on; whether it is one of a refusal. Arguments of a call that
/// has no name yet wait for it.
fn hand_on(call: Option<u32>, slot: Slot, first: bool, piece: String, events: &mut Vec<Event>) -> bool {
    match slot {
        Slot::Text(_) => events.push(Event::Text(piece)),
        Slot::Refusal(_) => {
            events.push(Event::Text(piece));
            return true;
        }
        Slot::Summary(part) | Slot::Raw(part) => {
            // Each part is a paragraph.
            let text = if first && part > 0 { format!("\n\n{piece}") } else { piece };
            events.push(Event::Thinking(ThinkingDelta { text, signature: None, redacted: None }));
        }
        Slot::Arguments => {
            if let Some(index) = call {
                events.push(Event::ToolCallArguments(ToolCallArguments { index, fragment: piece }));
            }
        }
    }
    false
}

/// Says that there is a call, as soon as its name is known.
fn start_call(known: &mut Item, item: &Value, calls: &mut u32, events: &mut Vec<Event>) {
    let Some(name) = json::text(item, "name").filter(|name| !name.is_empty() && known.call.is_none()) else {
        return;
    };
    let index = *calls;
    *calls = calls.saturating_add(1);
    known.call = Some(index);
    let id = ["call_id", "id"].iter().find_map(|key| json::text(item, key).filter(|id| !id.is_empty()));
    let id = id.map_or_else(|| known.name(index), str::to_owned);
    events.push(Event::ToolCallStart(ToolCallStart { index, id, name: name.to_owned() }));
    let waiting = known.so_far(Slot::Arguments).clone();
    if !waiting.is_empty() {
        events.push(Event::ToolCallArguments(ToolCallArguments { index, fragment: waiting }));
    }
}

/// What has to come back with a message, in front of its text.
fn mark_message(known: &mut Item, item: &Value, events: &mut Vec<Event>) {
    let phase = json::text(item, "phase").filter(|phase| !phase.is_empty());
    let id = json::text(item, "id").filter(|id| !id.is_empty());
    let (Some(phase), Some(id)) = (phase, id) else { return };
    if known.marked || known.has(|slot| matches!(slot, Slot::Text(_))) {
        return;
    }
    known.marked = true;
    sign(&Marker::Spoken(Spoken { id: id.to_owned(), phase: phase.to_owned() }), events);
}

/// What has to come back with a thought, behind its text. A thought that the
/// server could not read again is left without.
fn mark_reasoning(known: &Item, item: &Value, events: &mut Vec<Event>) {
    let encrypted = json::text(item, "encrypted_content").filter(|text| !text.is_empty()).map(str::to_owned);
    let raw =
        known.has(|slot| matches!(slot, Slot::Raw(_))) && !known.has(|slot| matches!(slot, Slot::Summary(_)));
    if encrypted.is_some() || raw {
        let id = json::text(item, "id").filter(|id| !id.is_empty()).unwrap_or("rs_0").to_owned();
        sign(&Marker::Reasoning(Reasoning { id, encrypted, raw }), events);
    }
}

fn sign(marker: &Marker, events: &mut Vec<Event>) {
    let signature = marker.write();
    events.push(Event::Thinking(ThinkingDelta { text: String::new(), signature, redacted: None }));
}

fn read_usage(usage: &Value) -> Usage {
    let detail = |of: &str, key: &str| usage.get(of).and_then(|of| json::count(of, key)).unwrap_or_default();
    let total = |key: &str, other: &str| {
        json::count(usage, key).or_else(|| json::count(usage, other)).unwrap_or_default()
    };
    Usage {
        input: total("input_tokens", "prompt_tokens"),
        output: total("output_tokens", "completion_tokens"),
        cache_read: detail("input_tokens_details", "cached_tokens"),
        cache_write: detail("input_tokens_details", "cache_write_tokens"),
        reasoning: detail("output_tokens_details", "reasoning_tokens"),
    }
}

#[cfg(test)]
mod tests;
