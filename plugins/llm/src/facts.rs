//! What the model was shown, for the check of what it says: which objects there
//! are, what stands where, and which texts are the cluster's own design rather
//! than something that a program or a stranger said.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use sickbay_plugin::{diagnosis::Evidence, types::ObjectRef};

use crate::{
    json,
    part::Source,
    seen::{self, Seen},
    text,
};

/// A shorter text than this is found in too many places to mean anything; the
/// host thinks the same.
const EXCERPT: usize = 4;
/// Texts of specs that are remembered.
const MOST_TEXTS: usize = 20_000;

/// What a part of the snapshot showed.
#[derive(Debug, Default)]
pub struct Facts {
    sources: Vec<Source>,
    objects: HashMap<String, ObjectRef>,
    /// Texts that stand in specs and labels, keys and values.
    texts: BTreeSet<String>,
    /// Lists of texts that stand in specs, as JSON.
    lists: BTreeSet<String>,
    images: BTreeSet<String>,
    /// What owns what, from ownerReferences.
    owners: HashMap<String, ObjectRef>,
}

impl Facts {
    /// Takes what one part shows.
    pub fn add(&mut self, source: &Source) {
        match source {
            Source::Log { pod, .. } => self.add_object(pod),
            Source::Object(seen) => {
                self.add_object(&seen.reference);
                if let Some(about) = about(seen) {
                    self.add_object(&about);
                }
                if let Some(owner) = seen.owner() {
                    self.owners.insert(seen::key(&seen.reference), owner);
                }
                self.learn(seen);
            }
        }
        self.sources.push(source.clone());
    }

    /// Makes an object known that the prompt names.
    pub fn add_object(&mut self, object: &ObjectRef) {
        self.objects.entry(seen::key(object)).or_insert_with(|| object.clone());
    }

    /// Says what owns an object, where its own references do not lead that far.
    pub fn add_owner(&mut self, object: &ObjectRef, owner: &ObjectRef) {
        if seen::key(object) != seen::key(owner) {
            self.owners.insert(seen::key(object), owner.clone());
        }
    }

    /// The object as the cluster has it, whatever version the model gives it.
    #[must_use]
    pub fn object(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&ObjectRef> {
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        let key = |namespace: Option<&str>| format!("{kind}|{}|{name}", namespace.unwrap_or(""));
        // An object of the cluster is often given the namespace that all else is in.
        self.objects.get(&key(namespace)).or_else(|| {
            let found = self.objects.get(&key(None))?;
            ["Node", "PersistentVolume", "StorageClass", "ClusterRole"].contains(&kind).then_some(found)
        })
    }

    /// What owns it in the end, as far as it was shown.
    #[must_use]
    pub fn top_owner(&self, object: &ObjectRef) -> ObjectRef {
        let mut at = object.clone();
        for _ in 0..4 {
            match self.owners.get(&seen::key(&at)) {
                Some(owner) if owner.kind != "Node" => at = owner.clone(),
                _ => break,
            }
        }
        at
    }

    /// The citation as the host will find it, or none where nothing that was
    /// shown says so. A wrong observation id is put right where another answer
    /// about the same object says the same there.
    #[must_use]
    pub fn cite(
        &self,
        observation: &str,
        object: Option<&ObjectRef>,
        pointer: &str,
        value: &Value,
    ) -> Option<Evidence> {
        let found = self.sources.iter().filter(|source| holds(source, object, pointer, value));
        let mut found: Vec<&Source> = found.collect();
        found.sort_by_key(|source| id(source) != observation);
        let source = found.first()?;
        // Without an object, only the id says which one is meant.
        if object.is_none() && id(source) != observation {
            return None;
        }
        Some(Evidence {
            observation: id(source).to_owned(),
            object: match source {
                Source::Object(seen) => Some(seen.reference.clone()),
                Source::Log { .. } => None,
            },
            pointer: pointer.to_owned(),
            value: value.to_string(),
        })
    }

    /// Whether any part carries this id.
    #[must_use]
    pub fn knows(&self, observation: &str) -> bool {
        self.sources.iter().any(|source| id(source) == observation)
    }

    #[must_use]
    pub fn is_text(&self, text: &str) -> bool {
        self.texts.contains(text)
    }

    #[must_use]
    pub fn is_list(&self, list: &Value) -> bool {
        self.lists.contains(&list.to_string())
    }

    /// Whether an image is of a spec, or another tag of one.
    #[must_use]
    pub fn is_image(&self, image: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/:@-".contains(&byte);
        image.len() <= 512
            && image.bytes().all(plain)
            && (self.images.contains(image)
                || self.images.iter().any(|known| repository(known) == repository(image)))
    }

    /// Remembers the texts of an object's design: not of its status, nor of its
    /// annotations, which anybody writes for any purpose.
    fn learn(&mut self, seen: &Seen) {
        // What was redacted is nobody's value; a ConfigMap shows its keys only.
        for at in ["/spec", "/metadata/labels"] {
            if let Some(design) = seen.json.pointer(at) {
                self.learn_value(design, "");
            }
        }
        for (key, _) in json::entries(&seen.json, "/data") {
            self.texts.insert(key.to_owned());
        }
    }

    fn learn_value(&mut self, value: &Value, key: &str) {
        // JSON that was read is nowhere deeper than 128.
        match value {
            Value::String(text) if self.texts.len() < MOST_TEXTS => {
                if key == "image" {
                    self.images.insert(text.clone());
                }
                self.texts.insert(text.clone());
            }
            Value::Array(items) => {
                if !items.is_empty() && items.iter().all(Value::is_string) && self.lists.len() < MOST_TEXTS {
                    self.lists.insert(value.to_string());
                }
                items.iter().for_each(|item| self.learn_value(item, ""));
            }
            Value::Object(map) => {
                for (key, item) in map {
                    if self.texts.len() < MOST_TEXTS {
                        self.texts.insert(key.clone());
                    }
                    self.learn_value(item, key);
                }
            }
            _ => {}
        }
    }
}

fn id(source: &Source) -> &str {
    match source {
        Source::Object(seen) => &seen.observation,
        Source::Log { observation, .. } => observation,
    }
}

/// Whether a source says this, by the rules that the host compares by.
fn holds(source: &Source, object: Option<&ObjectRef>, pointer: &str, value: &Value) -> bool {
    match source {
        Source::Log { pod, lines, .. } => {
            let line = pointer.strip_prefix("/lines/").and_then(|at| at.parse::<usize>().ok());
            object.is_none_or(|object| seen::key(object) == seen::key(pod))
                && line.is_some_and(|at| pointer == format!("/lines/{at}"))
                && matches!((line.and_then(|at| lines.get(at)), value), (Some(line), Value::String(cited)) if is_excerpt(line, cited))
        }
        Source::Object(seen) => {
            if object.is_some_and(|object| seen::key(object) != seen::key(&seen.reference)) {
                return false;
            }
            match (seen.json.pointer(pointer), value) {
                (Some(Value::String(said)), Value::String(cited)) => is_excerpt(said, cited),
                (Some(Value::Number(said)), Value::Number(cited)) => {
                    said == cited || said.as_f64() == cited.as_f64()
                }
                (Some(said), cited) => said == cited,
                (None, cited) => cited.is_null() && pointer.starts_with('/'),
            }
        }
    }
}

fn is_excerpt(said: &str, cited: &str) -> bool {
    said == cited || (cited.chars().take(EXCERPT).count() == EXCERPT && said.contains(cited))
}

/// An image without its tag and digest.
fn repository(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    match name.get(last..).and_then(|last| last.find(':')) {
        Some(colon) => name.get(..last + colon).unwrap_or(name),
        None => name,
    }
}

/// The object that an Event is about, where its names are names.
fn about(seen: &Seen) -> Option<ObjectRef> {
    let object = ["/involvedObject", "/regarding"].into_iter().find(|at| seen.at(at).is_object())?;
    let object = seen.at(object);
    let plain = |pointer: &str| json::text(object, pointer).filter(|name| text::is_plain(name, 253));
    Some(ObjectRef {
        api_version: plain("/apiVersion").unwrap_or("v1").to_owned(),
        kind: plain("/kind")?.to_owned(),
        namespace: plain("/namespace").map(str::to_owned),
        name: plain("/name")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::json;

    use super::*;

    fn facts() -> Facts {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "api",
                "annotations": {"note": "evil.example.com/x:1"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-1", "controller": true}]},
            "spec": {"containers": [{"image": "registry:5000/team/api:1", "command": ["python", "app.py"]}]},
            "status": {"phase": "Running", "restarts": 3, "message": "not in a spec"}});
        let mut facts = Facts::default();
        facts.add(&Source::Object(Seen::parse(&Rc::from("o1"), &pod.to_string()).unwrap()));
        let pod = facts.object("Pod", Some("shop"), "api").unwrap().clone();
        facts.add(&Source::Log {
            observation: "o2".into(),
            pod,
            lines: vec!["a".into(), "KeyError: 'A'".into()],
        });
        facts
    }

    #[test]
    fn a_citation_has_to_be_what_was_shown() {
        let facts = facts();
        let pod = facts.object("Pod", Some("shop"), "api").unwrap().clone();
        let other = ObjectRef { name: "web".into(), ..pod.clone() };
        for (observation, object, pointer, value, expect) in [
            ("o1", Some(&pod), "/status/phase", json!("Running"), Some("o1")),
            ("o9", Some(&pod), "/status/phase", json!("Running"), Some("o1")),
            ("o1", None, "/status/phase", json!("Running"), Some("o1")),
            ("o9", None, "/status/phase", json!("Running"), None),
            ("o1", Some(&other), "/status/phase", json!("Running"), None),
            ("o1", Some(&pod), "/status/phase", json!("Run"), None),
            ("o1", Some(&pod), "/status/phase", json!("Unni"), None),
            ("o1", Some(&pod), "/status/restarts", json!(3.0), Some("o1")),
            ("o1", Some(&pod), "/status/restarts", json!("3"), None),
            ("o1", Some(&pod), "/status/gone", Value::Null, Some("o1")),
            ("o2", Some(&pod), "/lines/1", json!("KeyError"), Some("o2")),
            ("o2", None, "/lines/01", json!("KeyError"), None),
            ("o2", None, "/lines/2", json!("KeyError"), None),
        ] {
            let cited = facts.cite(observation, object, pointer, &value).map(|evidence| evidence.observation);
            assert_eq!(cited.as_deref(), expect, "{observation} {pointer} {value}");
        }
    }

    #[test]
    fn only_a_design_teaches_values() {
        let facts = facts();
        assert!(
            facts.is_image("registry:5000/team/api:2") && facts.is_image("registry:5000/team/api@sha256:ab")
        );
        assert!(!facts.is_image("evil.example.com/x:1") && !facts.is_image("registry:5000/team/api2:1"));
        assert!(facts.is_list(&json!(["python", "app.py"])) && !facts.is_list(&json!(["app.py"])));
        assert!(
            facts.is_text("app.py") && !facts.is_text("not in a spec") && !facts.is_text("KeyError: 'A'")
        );
        assert_eq!(repository("a/b"), "a/b");
    }
}
