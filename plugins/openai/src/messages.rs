//! Messages as the format's list of them, written straight from the request:
//! a conversation is encoded again for each of its steps.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Map, Value};
use sickbay_plugin::{
    provider::{Content, Image, Message, Role},
    types::Error,
};
use sickbay_wire::{base64, json::arguments_text};

use crate::settings::Settings;

/// One message of the format.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    role: &'a str,
    content: Body<'a>,
    /// Of a result, the call's id.
    call: Option<&'a str>,
    calls: Vec<Call<'a>>,
    /// The field and the text.
    thoughts: Option<(&'a str, String)>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Null,
    Text(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: Url },
}

#[derive(Debug, Serialize)]
struct Url {
    url: String,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: Cow<'a, str>,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", self.role)?;
        if let Some(call) = self.call {
            map.serialize_entry("tool_call_id", call)?;
        }
        map.serialize_entry("content", &self.content)?;
        if !self.calls.is_empty() {
            map.serialize_entry("tool_calls", &self.calls)?;
        }
        if let Some((field, thoughts)) = &self.thoughts {
            map.serialize_entry(field, thoughts)?;
        }
        map.end()
    }
}

impl<'a> Entry<'a> {
    fn new(role: &'a str, content: Body<'a>) -> Self {
        Self { role, content, call: None, calls: Vec::new(), thoughts: None }
    }
}

/// The list. Each call's result follows the message with the calls, in their
/// order, before anything else.
pub(crate) fn messages<'a>(messages: &'a [Message], settings: &'a Settings) -> Result<Vec<Entry<'a>>, Error> {
    let mut list = Vec::with_capacity(messages.len());
    let mut open = Open::default();
    for message in messages {
        let (results, rest): (Vec<&Content>, Vec<&Content>) =
            message.content.iter().partition(|content| matches!(content, Content::ToolResult(_)));
        open.results(results);
        if message.role == Role::Tool {
            open.images(&rest);
            continue;
        }
        if rest.is_empty() {
            continue;
        }
        open.close(&mut list);
        match message.role {
            Role::System => {
                let text = text(&rest);
                if !text.is_empty() {
                    list.push(Entry::new(&settings.system_role, Body::Text(text)));
                }
            }
            Role::Assistant => list.extend(assistant(&rest, &mut open, settings)),
            Role::User | Role::Tool => list.extend(user(&rest)),
        }
    }
    open.close(&mut list);
    if list.is_empty() {
        return Err(Error::invalid_input("the request holds no message with content"));
    }
    Ok(list)
}

/// Calls that were made, and what came for them.
#[derive(Default)]
struct Open<'a> {
    calls: Vec<&'a str>,
    results: Vec<(&'a str, Cow<'a, str>)>,
    images: Vec<Part<'a>>,
}

impl<'a> Open<'a> {
    fn results(&mut self, results: Vec<&'a Content>) {
        for content in results {
            if let Content::ToolResult(result) = content {
                // The format has no mark for it, so that the text says it.
                let text = match (result.text.as_str(), result.is_error) {
                    (text, false) => Cow::Borrowed(text),
                    ("", true) => Cow::Borrowed("error"),
                    (text, true) if text.to_lowercase().starts_with("error") => Cow::Borrowed(text),
                    (text, true) => Cow::Owned(format!("error: {text}")),
                };
                self.results.push((&result.id, text));
            }
        }
    }

    fn images(&mut self, contents: &[&'a Content]) {
        self.images.extend(contents.iter().filter_map(|content| match content {
            Content::Image(image) => Some(self::image(image)),
            _ => None,
        }));
    }

    /// Writes the results in the order of the calls; those of no call last, as they came.
    fn close(&mut self, list: &mut Vec<Entry<'a>>) {
        let calls = std::mem::take(&mut self.calls);
        let mut results = std::mem::take(&mut self.results);
        results.sort_by_key(|(id, _)| calls.iter().position(|call| call == id).unwrap_or(usize::MAX));
        list.extend(
            results
                .into_iter()
                .map(|(id, text)| Entry { call: Some(id), ..Entry::new("tool", Body::Text(text)) }),
        );
        let images = std::mem::take(&mut self.images);
        if !images.is_empty() {
            list.push(Entry::new("user", Body::Parts(images)));
        }
    }
}

fn assistant<'a>(contents: &[&'a Content], open: &mut Open<'a>, settings: &'a Settings) -> Option<Entry<'a>> {
    let calls: Vec<Call<'a>> = contents
        .iter()
        .filter_map(|content| match content {
            Content::ToolCall(call) => {
                open.calls.push(&call.id);
                let function = Function { name: &call.name, arguments: arguments_text(&call.arguments) };
                Some(Call { id: &call.id, kind: "function", function })
            }
            _ => None,
        })
        .collect();
    let text = text(contents);
    let content = if text.is_empty() { Body::Null } else { Body::Text(text) };
    if calls.is_empty() && matches!(content, Body::Null) {
        return None;
    }
    let thoughts = settings.thinking_field.as_deref().and_then(|field| {
        let thoughts = contents.iter().filter_map(|content| match content {
            Content::Thinking(thinking) => Some(thinking.text.as_str()),
            _ => None,
        });
        let thoughts: String = thoughts.collect();
        (!thoughts.is_empty()).then_some((field, thoughts))
    });
    Some(Entry { calls, thoughts, ..Entry::new("assistant", content) })
}

/// A plain string where there is text alone: some servers know no parts.
fn user<'a>(contents: &[&'a Content]) -> Option<Entry<'a>> {
    if !contents.iter().any(|content| matches!(content, Content::Image(_))) {
        let text = text(contents);
        return (!text.is_empty()).then(|| Entry::new("user", Body::Text(text)));
    }
    let parts = contents
        .iter()
        .filter_map(|content| match content {
            Content::Text(text) if !text.is_empty() => Some(Part::Text { text }),
            Content::Image(image) => Some(self::image(image)),
            _ => None,
        })
        .collect();
    Some(Entry::new("user", Body::Parts(parts)))
}

fn image<'a>(image: &Image) -> Part<'a> {
    let url = format!("data:{};base64,{}", image.media_type, base64(&image.data));
    Part::ImageUrl { image_url: Url { url } }
}

fn text<'a>(contents: &[&'a Content]) -> Cow<'a, str> {
    let mut texts = contents.iter().filter_map(|content| match content {
        Content::Text(text) if !text.is_empty() => Some(text.as_str()),
        _ => None,
    });
    let Some(first) = texts.next() else { return Cow::Borrowed("") };
    texts.fold(Cow::Borrowed(first), |all, text| Cow::Owned(format!("{all}\n\n{text}")))
}

/// The body with its messages, of which the options may have put others into it.
pub(crate) fn with_messages(body: Map<String, Value>, messages: &[Entry]) -> Result<Vec<u8>, Error> {
    if body.contains_key("messages") {
        return Ok(serde_json::to_vec(&body)?);
    }
    let mut bytes = serde_json::to_vec(&body)?;
    // Behind the last of the fields; the model's name is there always.
    bytes.pop();
    bytes.extend_from_slice(b",\"messages\":");
    serde_json::to_writer(&mut bytes, messages)?;
    bytes.push(b'}');
    Ok(bytes)
}
