//! One object as it was observed: its JSON, possibly only a projection, with
//! the observation that evidence about it cites.

use std::rc::Rc;

use serde_json::Value;

use crate::{
    diagnosis::{Evidence, ObjectRef},
    json, text, time,
};

/// The longest string that is quoted as the value of an evidence.
const LONGEST_VALUE: usize = 400;

#[derive(Clone, Debug)]
pub struct Seen {
    pub reference: ObjectRef,
    pub observation: Rc<str>,
    pub json: Value,
}

impl Seen {
    /// Reads one object out of an answer. None where the text is no JSON object
    /// with a kind and a name.
    #[must_use]
    pub fn parse(observation: &Rc<str>, source: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(source).ok()?;
        Self::of(observation, json)
    }

    /// The same for JSON that is parsed already.
    #[must_use]
    pub fn of(observation: &Rc<str>, json: Value) -> Option<Self> {
        let reference = ObjectRef::new(
            json::text(&json, "/apiVersion").unwrap_or("v1"),
            json::text(&json, "/kind")?,
            json::text(&json, "/metadata/namespace"),
            json::text(&json, "/metadata/name")?,
        );
        Some(Self { reference, observation: Rc::clone(observation), json })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.reference.name
    }

    /// The namespace, or the empty string.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.reference.space()
    }

    #[must_use]
    pub fn at(&self, pointer: &str) -> &Value {
        self.json.pointer(pointer).unwrap_or(&Value::Null)
    }

    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        json::text(&self.json, pointer)
    }

    #[must_use]
    pub fn integer(&self, pointer: &str) -> Option<i64> {
        json::integer(&self.json, pointer)
    }

    #[must_use]
    pub fn flag(&self, pointer: &str) -> Option<bool> {
        json::flag(&self.json, pointer)
    }

    #[must_use]
    pub fn list(&self, pointer: &str) -> &[Value] {
        json::list(&self.json, pointer)
    }

    pub fn entries<'a>(&'a self, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        json::entries(&self.json, pointer)
    }

    /// The `metadata.labels` map, or null.
    #[must_use]
    pub fn labels(&self) -> &Value {
        self.at("/metadata/labels")
    }

    /// Whether anything but the author of the manifest ever wrote to it.
    #[must_use]
    pub fn has_status(&self) -> bool {
        self.at("/status").as_object().is_some_and(|status| !status.is_empty())
    }

    /// When it was created, in seconds since 1970.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.text("/metadata/creationTimestamp").and_then(time::parse)
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn terminating(&self) -> bool {
        self.text("/metadata/deletionTimestamp").is_some()
    }

    /// Kind and name of the controller that owns it.
    #[must_use]
    pub fn owner(&self) -> Option<ObjectRef> {
        owner(&self.json, self.namespace())
    }

    /// The condition of that type and its pointer.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<(String, &Value)> {
        self.list("/status/conditions")
            .iter()
            .enumerate()
            .find(|(_, condition)| json::text(condition, "/type") == Some(kind))
            .map(|(index, condition)| (format!("/status/conditions/{index}"), condition))
    }

    /// Whether the condition of that type has that status.
    #[must_use]
    pub fn condition_is(&self, kind: &str, status: &str) -> bool {
        self.condition(kind).is_some_and(|(_, condition)| json::text(condition, "/status") == Some(status))
    }

    /// What stands at the pointer, as evidence. None where nothing does, or
    /// where it is too long to quote and no string.
    #[must_use]
    pub fn evidence(&self, pointer: &str) -> Option<Evidence> {
        let value = match self.json.pointer(pointer)? {
            Value::String(long) => Value::String(text::excerpt(long, LONGEST_VALUE).to_owned()),
            other if is_small(other, 60) => other.clone(),
            _ => return None,
        };
        Some(Evidence {
            observation: self.observation.to_string(),
            object: Some(self.reference.clone()),
            pointer: pointer.to_owned(),
            value,
        })
    }
}

/// The controller that owns an object, from its JSON.
#[must_use]
pub fn owner(json: &Value, namespace: &str) -> Option<ObjectRef> {
    let owners = json::list(json, "/metadata/ownerReferences");
    let owner = owners
        .iter()
        .find(|owner| json::flag(owner, "/controller") == Some(true))
        .or_else(|| owners.first())?;
    let kind = json::text(owner, "/kind")?;
    let namespace = if kind == "Node" { None } else { Some(namespace) };
    Some(ObjectRef::new(
        json::text(owner, "/apiVersion").unwrap_or("v1"),
        kind,
        namespace,
        json::text(owner, "/name")?,
    ))
}

/// Whether the value has at most so many nodes and no long string, counted
/// without recursion: the shape is not ours.
fn is_small(value: &Value, most: usize) -> bool {
    let mut open = vec![value];
    let mut count = 0;
    while let Some(value) = open.pop() {
        count += 1;
        if count > most {
            return false;
        }
        match value {
            Value::String(text) if text.len() > LONGEST_VALUE => return false,
            Value::Array(items) => open.extend(items.iter().take(most + 1)),
            Value::Object(items) => open.extend(items.values().take(most + 1)),
            _ => {}
        }
    }
    true
}
