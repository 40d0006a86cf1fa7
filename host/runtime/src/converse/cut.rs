//! Results that are too long for the model: it sees the beginning with a mark,
//! and reads the rest in pieces.

use std::{collections::VecDeque, sync::Arc};

use serde_json::{Value, json};
use sickbay_core::tool::{Effect, ToolSpec};

/// Bytes that one run keeps for reading; the oldest results go first. All of
/// them stay in the journal.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
/// The tool that reads the rest.
pub(crate) const READ: &str = "result__read";

/// Results that were cut, by the model's ids of the calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    results: VecDeque<(String, Arc<str>)>,
    bytes: usize,
}

impl Kept {
    /// What the model sees of a result.
    pub(crate) fn cut(&mut self, id: &str, text: String, limit: usize) -> String {
        if text.len() <= limit {
            return text;
        }
        let shown = text.get(..text.floor_char_boundary(limit)).unwrap_or_default();
        let mark = format!(
            "{shown}\n… cut: {} of {} bytes are shown; read on with `{READ}` {{\"id\": \"{id}\", \"offset\": {}}}",
            shown.len(),
            text.len(),
            shown.len()
        );
        self.keep(id, text.into());
        mark
    }

    fn keep(&mut self, id: &str, text: Arc<str>) {
        self.bytes += text.len();
        self.results.push_back((id.to_owned(), text));
        while self.bytes > KEPT_BYTES
            && let Some((_, oldest)) = self.results.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }

    /// A piece of a result that was cut.
    pub(crate) fn read(&self, arguments: &Value, limit: usize) -> (String, bool) {
        let id = arguments.get("id").and_then(Value::as_str).unwrap_or_default();
        let Some((_, text)) = self.results.iter().rev().find(|(kept, _)| kept == id) else {
            return (format!("there is no cut result of a call `{id}`; call the tool again"), true);
        };
        let offset = arguments.get("offset").and_then(Value::as_u64).unwrap_or(0);
        let offset = text.floor_char_boundary(usize::try_from(offset).unwrap_or(usize::MAX).min(text.len()));
        let end = text.floor_char_boundary(offset.saturating_add(limit).min(text.len()));
        let piece = text.get(offset..end).unwrap_or_default();
        let rest = text.len() - end;
        if rest == 0 {
            return (format!("{piece}\n… end of the result ({} bytes)", text.len()), false);
        }
        (format!("{piece}\n… {rest} bytes are left; read on at offset {end}"), false)
    }
}

/// As the model is told of it.
pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: READ.to_owned(),
        description: "Reads on in a result that was cut. Takes the id of the call, as the mark in the cut result names \
                      it, and the offset in bytes to read from."
            .to_owned(),
        input_schema: json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["id", "offset"],
            "properties": {
                "id": {"type": "string", "maxLength": 256},
                "offset": {"type": "integer", "minimum": 0},
            },
        }),
        output_schema: None,
        effect: Effect::Read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_result_is_read_in_pieces_that_add_up() {
        let mut kept = Kept::default();
        let text = "äöü-".repeat(1_000);
        let shown = kept.cut("c1", text.clone(), 1_001);
        assert!(shown.contains("of 7000 bytes"), "{shown}");
        let mut read = shown.split('\n').next().unwrap().to_owned();
        while read.len() < text.len() {
            let (piece, is_error) = kept.read(&json!({"id": "c1", "offset": read.len()}), 999);
            assert!(!is_error);
            read.push_str(piece.split('\n').next().unwrap());
        }
        assert_eq!(read, text);
        assert!(kept.read(&json!({"id": "c2", "offset": 0}), 10).1);
        assert!(!kept.read(&json!({"id": "c1", "offset": 1_000_000}), 10).1);
        assert_eq!(Kept::default().cut("c", "short".into(), 10), "short");
    }

    #[test]
    fn the_oldest_go_first() {
        let mut kept = Kept::default();
        for at in 0..20 {
            kept.cut(&format!("c{at}"), "x".repeat(1024 * 1024), 10);
        }
        assert!(kept.bytes <= KEPT_BYTES);
        assert!(kept.read(&json!({"id": "c0", "offset": 0}), 10).1);
        assert!(!kept.read(&json!({"id": "c19", "offset": 0}), 10).1);
    }
}
