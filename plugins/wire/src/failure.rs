//! What a provider says when it does not answer, as an [`Error`] whose kind
//! tells the host what to do: `kind.rs` decides it, `retry.rs` reads how long
//! to wait.
//!
//! The shapes that are read: `{"error": {"type", "code", "message"}}` of
//! OpenAI and its kin, `{"type": "error", "error": {…}}` of Anthropic,
//! `{"error": {"code": 429, "status": "…", "details": […]}}` of Google (also
//! inside a list), `{"error": "text"}` of Ollama, `{"detail": …}` and
//! `{"message": …}` of gateways, each of these as the event of a stream, and
//! pages of HTML of whatever stands before.

mod kind;
mod retry;

use serde_json::Value;
use sickbay_plugin::types::{Error, ErrorKind};

use crate::{
    json,
    text::{clean, word},
};

/// Characters of what the provider says that are kept.
const MESSAGE: usize = 500;

/// The error of a response whose status is none of success. `provider` is the
/// plugin's name; header names are in lower case.
#[must_use]
pub fn of_response(provider: &str, status: u16, headers: &[(String, String)], body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let said = match serde_json::from_str::<Value>(text) {
        Ok(value) => Said::of(&value),
        Err(_) if is_page(headers, text) => Said { message: page(text), ..Said::default() },
        Err(_) => match event(text) {
            Some(value) => Said::of(&value),
            None => Said { message: clean(text, 200), ..Said::default() },
        },
    };
    let mut error = said.error(provider, Some(status));
    error.retry_after_ms = retry::after_ms(headers).or(said.wait_ms);
    error.kind = retry::honoured(error.kind, headers);
    error
}

/// The error that a provider puts into a stream, or a body, of status 200:
/// the whole object, with `error` in it, or the error alone.
#[must_use]
pub fn of_stream(provider: &str, value: &Value) -> Error {
    let said = Said::of(value);
    Error { retry_after_ms: said.wait_ms, ..said.error(provider, None) }
}

/// The stream ended before the answer did.
#[must_use]
pub fn truncated(provider: &str) -> Error {
    coded(
        ErrorKind::Unavailable,
        "truncated",
        format!("`{provider}` closed the stream before the answer was complete"),
    )
}

/// What came with status 200 is not what the format says.
#[must_use]
pub fn unreadable(provider: &str, what: &str) -> Error {
    coded(ErrorKind::Unavailable, "unreadable", format!("`{provider}` sent {what}"))
}

/// A page of HTML with status 200: a proxy, a login, a wrong endpoint.
pub(crate) fn of_page(provider: &str, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body);
    coded(
        ErrorKind::Unavailable,
        "html-body",
        format!("`{provider}` answered 200 with {}; is the endpoint right?", page(&text)),
    )
}

pub(crate) fn is_page(headers: &[(String, String)], text: &str) -> bool {
    let html = |value: &str| value.trim_start().get(..9).is_some_and(|v| v.eq_ignore_ascii_case("text/html"));
    text.starts_with('<') || headers.iter().any(|(name, value)| name == "content-type" && html(value))
}

/// The first object that a stream of events holds: some gateways open the
/// stream before they know that it fails, and then say so under another status.
fn event(text: &str) -> Option<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data).ok()).find(Value::is_object)
}

fn coded(kind: ErrorKind, code: &str, message: String) -> Error {
    Error { code: code.to_owned(), ..Error::new(kind, message) }
}

/// `a page of HTML, "Bad gateway"`.
fn page(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let from = at + lower.get(at..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</")?;
        Some(clean(text.get(from..to)?, 80))
    });
    match title {
        Some(title) if !title.is_empty() => format!("a page of HTML, \"{title}\""),
        _ => "a page of HTML".to_owned(),
    }
}

/// What an error says, whatever its shape.
#[derive(Debug, Default)]
struct Said {
    message: String,
    /// Its code, its type and its status, the most exact first.
    words: Vec<String>,
    wait_ms: Option<u64>,
}

impl Said {
    fn of(value: &Value) -> Self {
        let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        let error = json::present(value, "error").unwrap_or(value);
        if let Some(text) = error.as_str() {
            return Self { message: clean(text, MESSAGE), ..Self::default() };
        }
        let message = ["message", "detail", "error_description", "title"]
            .iter()
            .find_map(|key| error.get(key).or_else(|| value.get(key)).and_then(sentence))
            .unwrap_or_default();
        let mut words = Vec::new();
        let details = error.get("details").unwrap_or(&Value::Null);
        words.extend(json::text_or_digits(details, "error_code"));
        // Google's own code says less: a wrong key is an `INVALID_ARGUMENT` there.
        words.extend(
            details
                .as_array()
                .into_iter()
                .flatten()
                .find_map(|detail| json::text_or_digits(detail, "reason")),
        );
        for key in ["code", "type", "status"] {
            words.extend(json::text_or_digits(error, key));
        }
        words.retain(|word| !word.is_empty() && word != "error");
        let wait_ms = details.as_array().into_iter().flatten().find_map(|detail| {
            let seconds: f64 = json::text(detail, "retryDelay")?.strip_suffix('s')?.parse().ok()?;
            retry::milliseconds(seconds * 1_000.0)
        });
        Self { message: clean(&message, MESSAGE), words, wait_ms }
    }

    fn error(&self, provider: &str, status: Option<u16>) -> Error {
        // A stream's error has no status of its own, but often the one that it would have had as its code.
        let told = self.words.iter().find_map(|word| word.parse().ok().filter(|s| (400..600).contains(s)));
        let effective = status.filter(|status| *status >= 300).or(told);
        let kind = kind::of(effective, &self.words, &self.message);
        let exact =
            self.words.iter().filter(|w| !w.bytes().all(|b| b.is_ascii_digit())).find_map(|w| word(w));
        let code = exact.clone().or_else(|| effective.map(|status| format!("http-{status}")));
        let mut message = match status {
            Some(status) => format!("`{provider}` answered {status}"),
            None => format!("`{provider}` ended its answer with an error"),
        };
        if let Some(exact) = exact {
            message.push_str(&format!(" `{exact}`"));
        }
        if !self.message.is_empty() {
            message.push_str(&format!(": {}", self.message));
        }
        coded(kind, code.as_deref().unwrap_or("provider-error"), message)
    }
}

/// A message, or the first of a list of them (`{"detail": [{"msg": "…"}]}`).
fn sentence(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.first().and_then(|first| {
            json::text(first, "msg").or_else(|| json::text(first, "message")).map(str::to_owned)
        }),
        Value::Object(_) => json::text(value, "message").map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
