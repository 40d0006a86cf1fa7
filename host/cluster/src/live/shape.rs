//! An object on its way out: told what it is, cleaned, redacted, cut to the
//! fields that were asked for.

use std::borrow::Cow;

use sickbay_core::error::CallError;

use super::{discovery::Resource, list::not_kubernetes};
use crate::{
    projection::Projection,
    recorded::events::normalise,
    redact::{clean, redact_tree},
    tree::Tree,
};

/// What to make of the objects of one list.
pub(super) struct Shape {
    api_version: String,
    kind: String,
    projection: Projection,
}

impl Shape {
    pub(super) fn new(resource: &Resource, fields: &[String]) -> Result<Self, CallError> {
        Ok(Self {
            api_version: resource.api_version(),
            kind: resource.kind.clone(),
            projection: Projection::parse(fields)?,
        })
    }

    pub(super) fn apply(&self, json: &str) -> Result<String, CallError> {
        match self.read(json)? {
            Some(object) => Ok(self.finish(object)),
            None => Err(not_kubernetes(&self.kind)),
        }
    }

    /// The object as the server meant it. None where it is no object.
    ///
    /// Items of a list say neither their version nor their kind, and what is
    /// redacted depends on the kind, so both are set first. The server's word
    /// on the kind of a list's items does not count: an item that calls itself
    /// something else in a list of Secrets is still a Secret.
    pub(super) fn read<'a>(&self, json: &'a str) -> Result<Option<Tree<'a>>, CallError> {
        let object = Tree::parse(json).map_err(|_| not_kubernetes(&self.kind))?;
        let Tree::Object(mut fields) = object else { return Ok(None) };
        fields.retain(|(key, _)| key != "apiVersion" && key != "kind");
        let head = [("apiVersion", &self.api_version), ("kind", &self.kind)];
        fields.splice(0..0, head.map(|(key, value)| (Cow::Borrowed(key), Tree::string(value.clone()))));
        let mut object = Tree::Object(fields);
        if self.kind == "Event" && self.api_version == "v1" {
            normalise(&mut object);
        }
        Ok(Some(object))
    }

    pub(super) fn finish(&self, mut object: Tree<'_>) -> String {
        clean(&mut object);
        redact_tree(&mut object);
        let whole = object.to_json();
        // What was just written can be read, so nothing is lost by the default.
        if self.projection.is_whole() { whole } else { self.projection.apply(&whole).unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_a_list_are_redacted_though_they_do_not_say_what_they_are() {
        let shape = Shape::new(&Resource::named("", "v1", "Secret", "secrets"), &[]).unwrap();
        for item in [
            r#"{"metadata":{"name":"db"},"data":{"x":"aHVudGVyMg=="}}"#,
            r#"{"metadata":{"name":"db"},"kind":"Widget","data":{"x":"aHVudGVyMg=="}}"#,
        ] {
            let out = shape.apply(item).unwrap();
            assert!(out.starts_with(r#"{"apiVersion":"v1","kind":"Secret","#), "{out}");
            assert!(!out.contains("aHVudGVyMg"), "{out}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let shape = Shape::new(&Resource::named("", "v1", "Pod", "pods"), &[]).unwrap();
        for item in ["[]", "null", "7", "{", ""] {
            assert!(shape.apply(item).is_err(), "{item}");
        }
    }
}
