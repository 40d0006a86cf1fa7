//! From what a call gave to what a model reads.
//!
//! Text is joined, what is no text is named, structured content is kept, and
//! all of it is bounded, without hidden characters and without the credentials
//! that the server was given.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;
use sickbay_core::{text::clean_line, tool::ToolOutput};

use crate::{settings::Secrets, text};

/// Bytes of a result's text at most, and of its structured content as well.
pub const MOST_BYTES: usize = 1024 * 1024;

pub(crate) fn output(result: CallToolResult, secrets: &Secrets, limit: usize) -> ToolOutput {
    let mut page = Page { text: String::new(), secrets, limit, left_out: 0, blocks: 0 };
    for block in &result.content {
        page.add(block);
    }
    let structured = result.structured_content.map(|value| scrubbed(&value, secrets));
    let mut text = page.finish();
    // Once more: what was hidden may have stood within a credential.
    text = secrets.scrub(&text);
    let compact = structured.as_ref().map(Value::to_string);
    let fits = compact.as_ref().is_none_or(|compact| compact.len() <= limit);
    match &compact {
        Some(compact) if text.is_empty() && fits => text = text::body(compact, limit).0,
        Some(compact) if !fits => {
            let told = format!("[structured content of {} bytes left out]", compact.len());
            text = if text.is_empty() { told } else { format!("{text}\n{told}") };
        }
        _ => {}
    }
    ToolOutput { text, structured: structured.filter(|_| fits), is_error: result.is_error.unwrap_or(false) }
}

struct Page<'a> {
    text: String,
    secrets: &'a Secrets,
    limit: usize,
    left_out: usize,
    blocks: usize,
}

impl Page<'_> {
    fn add(&mut self, block: &ContentBlock) {
        match block {
            ContentBlock::Text(text) => self.push(&text.text),
            ContentBlock::Image(image) => self.named("image", &image.mime_type, image.data.len()),
            ContentBlock::Audio(audio) => self.named("audio", &audio.mime_type, audio.data.len()),
            ContentBlock::Resource(embedded) => match &embedded.resource {
                ResourceContents::TextResourceContents { uri, text, .. } => {
                    self.push(&format!("[resource {}]", clean_line(uri, 200)));
                    self.push(text);
                }
                ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                    let kind = mime_type.as_deref().unwrap_or("application/octet-stream");
                    let name = format!("resource {}", clean_line(uri, 200));
                    self.named(&name, kind, blob.len());
                }
                _ => self.push("[resource of an unknown kind]"),
            },
            ContentBlock::ResourceLink(link) => {
                let told =
                    format!("[resource {} {}]", clean_line(&link.name, 100), clean_line(&link.uri, 200));
                self.push(&told);
            }
            _ => self.push("[content of an unknown kind]"),
        }
    }

    /// Base 64 has four characters for three bytes.
    fn named(&mut self, what: &str, kind: &str, encoded: usize) {
        self.push(&format!("[{what} {}, {} bytes]", clean_line(kind, 80), encoded / 4 * 3));
    }

    fn push(&mut self, text: &str) {
        if self.blocks > 0 && self.text.len() < self.limit {
            self.text.push('\n');
        }
        self.blocks += 1;
        let (kept, left_out) =
            text::body(&self.secrets.scrub(text), self.limit.saturating_sub(self.text.len()));
        self.text.push_str(&kept);
        self.left_out += left_out;
    }

    fn finish(mut self) -> String {
        if self.left_out > 0 {
            self.text.push_str(&format!("\n[{} more bytes left out]", self.left_out));
        }
        self.text
    }
}

/// Recursion is bounded by the parser that the value came from.
pub(crate) fn scrubbed(value: &Value, secrets: &Secrets) -> Value {
    match value {
        Value::String(told) => Value::String(secrets.scrub(told)),
        Value::Array(items) => Value::Array(items.iter().map(|item| scrubbed(item, secrets)).collect()),
        Value::Object(map) => Value::Object(
            map.iter().map(|(key, item)| (secrets.scrub(key), scrubbed(item, secrets))).collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sickbay_core::secret::Secret;

    use super::*;
    use crate::settings::{McpSettings, Transport};

    fn secrets(values: &[&str]) -> Secrets {
        let env = values.iter().map(|value| ("X".to_owned(), Secret::new(*value))).collect();
        let transport = Transport::Stdio { command: String::new(), args: Vec::new(), env, folder: None };
        McpSettings::new("s", transport).secrets()
    }

    fn read(result: Value, limit: usize) -> ToolOutput {
        let result = serde_json::from_value(result).unwrap();
        output(result, &secrets(&["planted-value", "planted-value-2"]), limit)
    }

    #[test]
    fn text_is_joined_and_the_rest_is_named() {
        let told = read(
            json!({"content": [
                {"type": "text", "text": "one\u{1b}[31m\u{202e}"},
                {"type": "image", "data": "AAAAAAAA", "mimeType": "image/png"},
                {"type": "resource", "resource": {"uri": "file:///a", "text": "two"}},
                {"type": "resource", "resource": {"uri": "file:///b", "blob": "AAAA", "mimeType": "x/y"}},
                {"type": "resource_link", "uri": "file:///c", "name": "c"},
            ], "isError": true}),
            1_000,
        );
        assert_eq!(
            told.text,
            "one[31m\n[image image/png, 6 bytes]\n[resource file:///a]\ntwo\n\
             [resource file:///b x/y, 3 bytes]\n[resource c file:///c]"
        );
        assert!(told.is_error && told.structured.is_none());
    }

    #[test]
    fn structured_content_stands_for_a_text_that_is_not_there() {
        let told = read(json!({"content": [], "structuredContent": {"a": 1}}), 1_000);
        assert_eq!((told.text.as_str(), told.structured), ("{\"a\":1}", Some(json!({"a": 1}))));
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let text = json!({"type": "text", "text": "x".repeat(100)});
        let told = read(json!({"content": [text, text]}), 150);
        assert!(told.text.ends_with("xx\n[51 more bytes left out]"), "{}", told.text);
        let told = read(json!({"content": [], "structuredContent": {"a": "x".repeat(100)}}), 50);
        assert_eq!(told.text, "[structured content of 108 bytes left out]");
        assert_eq!(told.structured, None);
    }

    #[test]
    fn the_servers_credentials_never_come_back() {
        let told = read(
            json!({"content": [{"type": "text", "text": "TOKEN=planted-value-2 planted-value"}],
                   "structuredContent": {"planted-value": ["planted-value"]}}),
            1_000,
        );
        assert!(!format!("{told:?}").contains("planted"), "{told:?}");
    }
}
