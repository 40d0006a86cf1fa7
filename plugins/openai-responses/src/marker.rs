//! What a server wants back and nobody else can read, in the signature of a
//! thinking content, as JSON:
//!
//! - `{"reasoning": "rs_1", "encrypted": "…", "raw": false}`: an item of
//!   reasoning. Its text is the content's text: the summary, or where `raw`
//!   stands, the reasoning itself, as open models give it.
//! - `{"message": "msg_1", "phase": "commentary"}`: what belongs to the message
//!   after it; the content's text is empty.
//!
//! The signature of another provider is none of these and is left out.

use serde::{Deserialize, Serialize};

/// An item of reasoning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reasoning {
    #[serde(rename = "reasoning")]
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted: Option<String>,
    #[serde(default)]
    pub(crate) raw: bool,
}

/// What belongs to a message beside its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spoken {
    #[serde(rename = "message")]
    pub(crate) id: String,
    pub(crate) phase: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Marker {
    Reasoning(Reasoning),
    Spoken(Spoken),
}

impl Marker {
    /// None where the signature is not one of ours.
    pub(crate) fn read(signature: &str) -> Option<Self> {
        serde_json::from_str(signature).ok()
    }

    pub(crate) fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_as_it_was_written() {
        for marker in [
            Marker::Reasoning(Reasoning { id: "rs_1".into(), encrypted: Some("gAAAA=".into()), raw: false }),
            Marker::Reasoning(Reasoning { id: "rs_1".into(), encrypted: None, raw: true }),
            Marker::Spoken(Spoken { id: "msg_1".into(), phase: "commentary".into() }),
        ] {
            assert_eq!(Marker::read(&marker.write().unwrap()), Some(marker));
        }
    }

    #[test]
    fn another_providers_signature_is_no_marker() {
        for signature in
            ["", "EqQBCgIYAhIM", "null", "{}", "[1]", r#"{"message": "msg_1"}"#, r#"{"phase": 1}"#]
        {
            assert_eq!(Marker::read(signature), None, "{signature}");
        }
    }
}
