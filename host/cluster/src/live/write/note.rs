//! Notes that others find: core/v1 Events about an object.

use serde_json::{Value, json};
use sickbay_core::{change::FIELD_MANAGER, error::CallError, object::ObjectRef};

use super::{
    LiveWriter,
    content::uid,
    reader::find,
    sender::{Outgoing, Verb, Way},
};
use crate::{
    ClusterNote,
    live::{LiveCluster, path::RequestPath},
};

/// Characters of a message at most: what the API server takes.
const LONGEST_MESSAGE: usize = 1_024;
const LONGEST_REASON: usize = 128;

impl LiveWriter {
    pub(super) async fn noted(&self, note: &ClusterNote) -> Result<(), CallError> {
        let events = LiveCluster::core(self.cluster.served().await?, "events")?;
        // `kubectl describe` finds events by uid; without it they are still listed.
        let live = find(&self.cluster, &note.object).await.ok().flatten();
        let now = self.cluster.now().to_string();
        let body = event(note, live.as_ref().and_then(uid), &now);
        let namespace = namespace_of(&note.object).to_owned();
        let outgoing = Outgoing {
            verb: Verb::Create,
            path: RequestPath::collection(events, Some(&namespace))?,
            body,
            resource: "events".to_owned(),
            namespace: Some(namespace),
            name: note.object.name.clone(),
        };
        // Once: a note that stands there twice is worse than one that is lost.
        match self.sender.send(&outgoing, Way::ForReal).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.refusal.error),
        }
    }
}

/// Events about what is in no namespace stand in `default`.
fn namespace_of(object: &ObjectRef) -> &str {
    object.namespace.as_deref().unwrap_or("default")
}

fn event(note: &ClusterNote, uid: Option<&str>, now: &str) -> Value {
    let object = &note.object;
    let reason: String =
        note.reason.chars().filter(char::is_ascii_alphanumeric).take(LONGEST_REASON).collect();
    let message = bounded(&crate::redact::message(&note.message), LONGEST_MESSAGE);
    // The server adds five characters, and names have 253.
    let prefix: String = object.name.chars().take(200).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": format!("{}.", prefix.trim_end_matches(['.', '-', ':'])), "namespace": namespace_of(object)},
        "involvedObject": {
            "apiVersion": object.api_version,
            "kind": object.kind,
            "namespace": object.namespace,
            "name": object.name,
            "uid": uid,
        },
        "reason": reason,
        "message": message,
        "type": if note.is_warning { "Warning" } else { "Normal" },
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    })
}

/// The API server counts bytes.
fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_bounded_and_hold_no_credentials() {
        let note = |namespace: Option<&str>, message: String| ClusterNote {
            object: ObjectRef {
                api_version: "v1".into(),
                kind: "Node".into(),
                namespace: namespace.map(str::to_owned),
                name: "n".repeat(250),
            },
            reason: "Sickbay Applied!".into(),
            message,
            is_warning: true,
        };
        let made = event(&note(None, "é".repeat(2_000)), Some("u"), "2026-11-21T00:00:00Z");
        assert_eq!(made["metadata"]["namespace"], "default");
        assert_eq!(made["reason"], "SickbayApplied");
        assert!(made["message"].as_str().unwrap().len() <= 1_024);
        assert!(made["metadata"]["generateName"].as_str().unwrap().len() <= 201);
        let made = event(&note(Some("shop"), "password=hunter2abc".into()), None, "");
        assert_eq!(made["metadata"]["namespace"], "shop");
        assert!(!made.to_string().contains("hunter2abc"), "{made}");
    }
}
