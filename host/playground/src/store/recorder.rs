//! Events about objects: the same one again is counted, an old one forgotten.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Target, state::State};
use crate::{
    kinds,
    value::{self, int, text},
};

/// Events that may be there before old ones are taken out.
const MANY: usize = 1_000;

/// What happened.
pub(super) struct Note<'a> {
    /// `Normal` or `Warning`.
    pub(super) kind: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
    pub(super) component: &'a str,
    /// The part of the object that it is about, or empty.
    pub(super) field_path: &'a str,
}

impl State {
    pub(super) fn record(&mut self, object: &Value, note: &Note<'_>, now_ms: i64) {
        let Some(kind) = kinds::kind("v1/Event") else { return };
        let namespace = match value::namespace(object) {
            "" => "default",
            namespace => namespace,
        };
        if self.get("v1/Namespace", "", namespace).is_none_or(|found| value::is_deleting(found)) {
            return;
        }
        let hash = Sha256::new()
            .chain_update(value::uid(object))
            .chain_update([0])
            .chain_update(note.reason)
            .chain_update([0])
            .chain_update(note.message)
            .chain_update([0])
            .chain_update(note.component)
            .chain_update([0])
            .chain_update(note.field_path)
            .finalize();
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}.{hash}", value::name(object));
        let target = Target { kind, namespace, name: &name };
        let now = value::time(now_ms);
        let event = match self.get(kind.stored, namespace, &name) {
            Some(found) => {
                let mut event = found.as_ref().clone();
                event["count"] = (int(&event, "/count").unwrap_or(1) + 1).into();
                event["lastTimestamp"] = now.into();
                event
            }
            None => {
                let uid = self.next_uid();
                json!({
                    "apiVersion": "v1",
                    "kind": "Event",
                    "metadata": { "name": name, "namespace": namespace, "uid": uid, "creationTimestamp": now },
                    "involvedObject": {
                        "kind": text(object, "/kind"),
                        "namespace": value::namespace(object),
                        "name": value::name(object),
                        "uid": value::uid(object),
                        "apiVersion": text(object, "/apiVersion"),
                        "resourceVersion": value::version(object),
                    },
                    "reason": note.reason,
                    "message": note.message,
                    "source": { "component": note.component },
                    "firstTimestamp": now,
                    "lastTimestamp": now,
                    "count": 1,
                    "type": note.kind,
                    "eventTime": null,
                    "reportingComponent": note.component,
                    "reportingInstance": "",
                })
            }
        };
        let mut event = event;
        if !note.field_path.is_empty() {
            event["involvedObject"]["fieldPath"] = note.field_path.into();
        }
        if note.component == "kubelet" && !text(object, "/spec/nodeName").is_empty() {
            event["source"]["host"] = text(object, "/spec/nodeName").into();
        }
        self.put(&target, event);
        self.forget_old_event();
    }

    /// Takes the oldest event out where there are too many.
    fn forget_old_event(&mut self) {
        let Some(kind) = kinds::kind("v1/Event") else { return };
        if self.shelf(kind.stored).count() <= MANY {
            return;
        }
        let oldest = self
            .shelf(kind.stored)
            .min_by_key(|(_, event)| value::version(event).parse::<u64>().unwrap_or(0))
            .map(|(key, _)| key.clone());
        if let Some((namespace, name)) = oldest {
            self.remove(&Target { kind, namespace: &namespace, name: &name });
        }
    }
}
