//! The answer to a request: that of the first rule that applies.

use serde_json::Value;
use sickbay_plugin::{
    model_types::{StopReason, Usage},
    provider::{Event, Request, ResponseInfo, ThinkingDelta, ToolCallArguments, ToolCallStart},
    types::{Error, ErrorKind},
};
use sickbay_wire::text::clean;

use crate::{
    NAME,
    conversation::Conversation,
    pattern::Values,
    script::{Call, Ending, GivenError, Kind, Rule, Script, When, Written},
    take::{holds, values},
    template::{fill, fill_in},
};

/// The events of the answer.
///
/// # Errors
/// That of the rule, or `no-rule` where none applies.
pub fn answer(script: &Script, request: &Request) -> Result<Vec<Event>, Error> {
    let conversation = Conversation::of(request);
    let values = values(&script.takes, &conversation);
    for rule in &script.rules {
        if rule.when.holds(&conversation, &values)
            && let Some(given) = rule.give(&conversation, &values)
        {
            return given;
        }
    }
    let known: Vec<&str> = values.keys().map(String::as_str).collect();
    Err(Error {
        code: "no-rule".to_owned(),
        ..Error::new(
            ErrorKind::Unsupported,
            format!(
                "no rule of the script applies at turn {} of \"{}\"; known are {}; offered are {}",
                conversation.turn,
                clean(&conversation.user, 80),
                clean(&known.join(", "), 200),
                clean(&conversation.offered.join(", "), 200),
            ),
        )
    })
}

impl When {
    fn holds(&self, seen: &Conversation<'_>, values: &Values) -> bool {
        let any = |texts: &[String], text: &str| texts.is_empty() || holds(text, texts);
        let fits = |patterns: &[Written], text: &str| patterns.iter().any(|pattern| pattern.0.fits(text));
        let among = |pattern: &Written, names: &[&str]| names.iter().any(|name| pattern.0.fits(name));
        let fresh: Vec<&str> = seen.results.iter().filter(|r| r.is_fresh).map(|r| r.text).collect();
        let last = seen.results.first().filter(|result| result.is_fresh);
        (self.turn.list().is_empty() || self.turn.list().contains(&seen.turn))
            && any(self.user.list(), &seen.user)
            && any(self.system.list(), &seen.system)
            && (self.user_line.list().is_empty()
                || seen.user.lines().any(|line| fits(self.user_line.list(), line)))
            && (self.model.list().is_empty() || fits(self.model.list(), seen.model))
            && self.called.list().iter().all(|pattern| among(pattern, &seen.called))
            && !self.not_called.list().iter().any(|pattern| among(pattern, &seen.called))
            && self.offered.list().iter().all(|pattern| among(pattern, &seen.offered))
            && !self.not_offered.list().iter().any(|pattern| among(pattern, &seen.offered))
            && (self.result.list().is_empty() || fresh.iter().any(|text| holds(text, self.result.list())))
            && (self.last_result.list().is_empty()
                || last.is_some_and(|result| holds(result.text, self.last_result.list())))
            && self.last_failed.is_none_or(|failed| last.is_some_and(|result| result.is_error == failed))
            && self.knows.list().iter().all(|name| values.contains_key(name))
            && !self.lacks.list().iter().any(|name| values.contains_key(name))
    }
}

impl Rule {
    /// The answer; none where a value or a tool is missing.
    fn give(&self, seen: &Conversation<'_>, values: &Values) -> Option<Result<Vec<Event>, Error>> {
        if let Some(error) = &self.error {
            return error.give(values).map(Err);
        }
        let model = match &self.model {
            Some(model) => fill(model, values)?,
            None if seen.model.is_empty() => NAME.to_owned(),
            None => seen.model.to_owned(),
        };
        let id = format!("{NAME}-{}", seen.answer);
        let mut events = vec![Event::Started(ResponseInfo { id: Some(id), model: Some(model) })];
        let mut bytes = 0;
        if let Some(thinking) = &self.thinking {
            let text = fill(thinking, values)?;
            bytes += text.len();
            events.push(Event::Thinking(ThinkingDelta { text, signature: None, redacted: None }));
        }
        match self.text.list() {
            [one] => {
                let text = fill(one, values)?;
                bytes += text.len();
                events.extend(pieces(&text).map(|piece| Event::Text(piece.to_owned())));
            }
            list => {
                for piece in list {
                    let text = fill(piece, values)?;
                    bytes += text.len();
                    events.push(Event::Text(text));
                }
            }
        }
        for (index, call) in (0_u32..).zip(&self.calls) {
            bytes += call.give(index, seen, values, &mut events)?;
        }
        let quarter = |bytes: usize| u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX);
        events.push(Event::Usage(Usage {
            input: self.usage.input.unwrap_or_else(|| quarter(seen.bytes)),
            output: self.usage.output.unwrap_or_else(|| quarter(bytes)),
            cache_read: self.usage.cache_read,
            cache_write: self.usage.cache_write,
            reasoning: self.usage.reasoning,
        }));
        let stop = match self.stop {
            Some(Ending::EndTurn) => StopReason::EndTurn,
            Some(Ending::ToolUse) => StopReason::ToolUse,
            Some(Ending::MaxTokens) => StopReason::MaxTokens,
            Some(Ending::StopSequence) => StopReason::StopSequence,
            Some(Ending::Refusal) => StopReason::Refusal,
            Some(Ending::Other) => StopReason::Other,
            None if self.calls.is_empty() => StopReason::EndTurn,
            None => StopReason::ToolUse,
        };
        events.push(Event::Stop(stop));
        Some(Ok(events))
    }
}

impl Call {
    /// The events of the call, and the bytes of its arguments.
    fn give(
        &self,
        index: u32,
        seen: &Conversation<'_>,
        values: &Values,
        events: &mut Vec<Event>,
    ) -> Option<usize> {
        let offered = seen.offered.iter().find(|name| self.tool.0.fits(name)).map(|name| (*name).to_owned());
        let name = if self.unoffered { self.tool.0.text().to_owned() } else { offered? };
        let arguments = match fill_in(&self.arguments, values)? {
            Value::Null => "{}".to_owned(),
            // Text that is no JSON, for tests of what a host does with it.
            Value::String(text) => text,
            other => other.to_string(),
        };
        let id = self.id.clone().unwrap_or_else(|| format!("call_{}_{index}", seen.answer));
        let bytes = name.len() + arguments.len();
        events.push(Event::ToolCallStart(ToolCallStart { index, id, name }));
        for fragment in pieces(&arguments) {
            events.push(Event::ToolCallArguments(ToolCallArguments { index, fragment: fragment.to_owned() }));
        }
        Some(bytes)
    }
}

impl GivenError {
    fn give(&self, values: &Values) -> Option<Error> {
        let kind = match self.kind {
            Kind::InvalidInput => ErrorKind::InvalidInput,
            Kind::NotFound => ErrorKind::NotFound,
            Kind::Conflict => ErrorKind::Conflict,
            Kind::Denied => ErrorKind::Denied,
            Kind::Unauthorized => ErrorKind::Unauthorized,
            Kind::Unavailable => ErrorKind::Unavailable,
            Kind::RateLimited => ErrorKind::RateLimited,
            Kind::Timeout => ErrorKind::Timeout,
            Kind::Limit => ErrorKind::Limit,
            Kind::ContextLength => ErrorKind::ContextLength,
            Kind::Unsupported => ErrorKind::Unsupported,
            Kind::Internal => ErrorKind::Internal,
        };
        let message = fill(&self.message, values)?;
        Some(Error { kind, code: self.code.clone(), message, retry_after_ms: self.retry_after_ms })
    }
}

/// A text in pieces of some words, as a model would send it.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    const LONG: usize = 24;
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (long, _) = rest.char_indices().nth(LONG).unwrap_or((rest.len(), ' '));
        let end = rest.get(long..)?.find(' ').map_or(rest.len(), |gap| long + gap);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}
