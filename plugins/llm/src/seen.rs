//! One object as it was observed: its JSON, mostly a projection, with the
//! observation that evidence about it cites.

use std::rc::Rc;

use serde_json::Value;
use sickbay_plugin::types::ObjectRef;

use crate::{json, text};

#[derive(Clone, Debug)]
pub struct Seen {
    pub reference: ObjectRef,
    pub observation: Rc<str>,
    pub json: Value,
}

impl Seen {
    /// Reads one object out of an answer. None where the text is no object with
    /// a kind and a name, or where those hold what no name holds: they stand
    /// among the words of the prompt.
    #[must_use]
    pub fn parse(observation: &Rc<str>, source: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(source).ok()?;
        let plain = |pointer: &str| json::text(&json, pointer).filter(|name| text::is_plain(name, 253));
        let namespace = match json::text(&json, "/metadata/namespace") {
            None | Some("") => None,
            Some(_) => Some(plain("/metadata/namespace")?.to_owned()),
        };
        let reference = ObjectRef {
            api_version: plain("/apiVersion").unwrap_or("v1").to_owned(),
            kind: plain("/kind")?.to_owned(),
            namespace,
            name: plain("/metadata/name")?.to_owned(),
        };
        Some(Self { reference, observation: Rc::clone(observation), json })
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
    pub fn list(&self, pointer: &str) -> &[Value] {
        json::list(&self.json, pointer)
    }

    #[must_use]
    pub fn at(&self, pointer: &str) -> &Value {
        self.json.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The namespace, or the empty string.
    #[must_use]
    pub fn space(&self) -> &str {
        self.reference.namespace.as_deref().unwrap_or("")
    }

    /// The controller that owns it.
    #[must_use]
    pub fn owner(&self) -> Option<ObjectRef> {
        let owners = self.list("/metadata/ownerReferences");
        let owner =
            owners.iter().find(|owner| json::says(owner, "/controller")).or_else(|| owners.first())?;
        let kind = json::text(owner, "/kind")?;
        Some(ObjectRef {
            api_version: json::text(owner, "/apiVersion").unwrap_or("v1").to_owned(),
            kind: kind.to_owned(),
            namespace: self.reference.namespace.clone().filter(|_| kind != "Node"),
            name: json::text(owner, "/name")?.to_owned(),
        })
    }
}

/// What makes two references the same object here; versions do not.
#[must_use]
pub fn key(object: &ObjectRef) -> String {
    format!("{}|{}|{}", object.kind, object.namespace.as_deref().unwrap_or(""), object.name)
}

/// `Deployment shop/api`, or `Node worker-1`.
#[must_use]
pub fn name(object: &ObjectRef) -> String {
    match &object.namespace {
        Some(namespace) => format!("{} {namespace}/{}", object.kind, object.name),
        None => format!("{} {}", object.kind, object.name),
    }
}
