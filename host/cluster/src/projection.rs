//! The parts of an object that a query wants.
//!
//! One pass over the object's text: what is not wanted is skipped without
//! being built. Lists keep their length and the positions of their elements,
//! so that a JSON Pointer into the result is valid in the whole object too.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use sickbay_core::error::{CallError, ErrorKind};

use crate::tree::KeySeed;

/// Pointers per query at most.
const MAX_FIELDS: usize = 256;
/// Steps per pointer at most.
const MAX_STEPS: usize = 64;

/// The wanted parts, as a tree of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    root: Node,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    /// All of it.
    whole: bool,
    steps: Vec<(String, Node)>,
    /// What is wanted of every element, beside the named steps.
    every: Option<Box<Node>>,
}

impl Projection {
    /// An empty list wants the whole object.
    ///
    /// # Errors
    /// `invalid-input` where a pointer does not begin with `/`, or where there
    /// are too many.
    pub fn parse(fields: &[String]) -> Result<Self, CallError> {
        let mut root = Node::default();
        if fields.is_empty() {
            root.whole = true;
            return Ok(Self { root });
        }
        if fields.len() > MAX_FIELDS {
            return Err(CallError::new(
                ErrorKind::InvalidInput,
                "bad-field",
                format!("{} fields are wanted, {MAX_FIELDS} are allowed", fields.len()),
            ));
        }
        for always in ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"] {
            root.add(always.split('/').skip(1));
        }
        for field in fields {
            if field.is_empty() {
                root.whole = true;
                continue;
            }
            if !field.starts_with('/') || field.matches('/').count() > MAX_STEPS {
                let shown: String = field.chars().take(120).collect();
                return Err(CallError::new(
                    ErrorKind::InvalidInput,
                    "bad-field",
                    format!("field `{}` is no JSON Pointer", crate::redact::text(&shown)),
                )
                .with_hint("begin with `/` and use `*` for every element: `/spec/containers/*/image`"));
            }
            root.add(field.split('/').skip(1));
        }
        Ok(Self { root })
    }

    /// Whether whole objects are wanted.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.root.whole
    }

    /// The wanted parts of one object, given as JSON text.
    ///
    /// # Errors
    /// Where the text is no JSON.
    pub fn apply(&self, json: &str) -> Result<String, serde_json::Error> {
        if self.root.whole {
            return Ok(json.to_owned());
        }
        let mut output = String::with_capacity(json.len().min(512));
        let mut deserializer = serde_json::Deserializer::from_str(json);
        Part { nodes: vec![&self.root], output: &mut output }.deserialize(&mut deserializer)?;
        Ok(output)
    }
}

impl Node {
    fn add<'a>(&mut self, mut steps: impl Iterator<Item = &'a str>) {
        let Some(step) = steps.next() else {
            self.whole = true;
            return;
        };
        if step == "*" {
            self.every.get_or_insert_default().add(steps);
            return;
        }
        let step = step.replace("~1", "/").replace("~0", "~");
        let at = match self.steps.iter().position(|(name, _)| *name == step) {
            Some(at) => at,
            None => {
                self.steps.push((step, Self::default()));
                self.steps.len() - 1
            }
        };
        self.steps[at].1.add(steps);
    }
}

/// What is wanted of one value, by all pointers that lead to it.
struct Part<'n, 'o> {
    nodes: Vec<&'n Node>,
    output: &'o mut String,
}

impl<'n> Part<'n, '_> {
    fn below(&self, step: &str) -> Vec<&'n Node> {
        let mut below = Vec::new();
        for node in &self.nodes {
            below.extend(node.steps.iter().filter(|(name, _)| name == step).map(|(_, node)| node));
            below.extend(node.every.as_deref());
        }
        below
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.nodes.iter().any(|node| node.whole) {
            self.output.push_str(<&RawValue>::deserialize(deserializer)?.get());
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.output.push('{');
        let mut first = true;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let nodes = self.below(&key);
            if nodes.is_empty() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if !first {
                self.output.push(',');
            }
            first = false;
            push_string(self.output, &key);
            self.output.push(':');
            map.next_value_seed(Part { nodes, output: self.output })?;
        }
        self.output.push('}');
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.output.push('[');
        let mut at = 0_usize;
        let mut step = String::new();
        loop {
            step.clear();
            let _ = write!(step, "{at}");
            let nodes = self.below(&step);
            let before = self.output.len();
            if at > 0 {
                self.output.push(',');
            }
            let more = if nodes.is_empty() {
                // The place is kept, the element is not wanted.
                let more = seq.next_element::<IgnoredAny>()?.is_some();
                self.output.push_str("null");
                more
            } else {
                seq.next_element_seed(Part { nodes, output: self.output })?.is_some()
            };
            if !more {
                self.output.truncate(before);
                break;
            }
            at += 1;
        }
        self.output.push(']');
        Ok(())
    }

    // A pointer that leads on from a plain value finds the value itself: the
    // reader sees that the shape is another one than expected.
    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        push_string(self.output, value);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        let _ = write!(self.output, "{value}");
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        let _ = write!(self.output, "{value}");
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        let _ = write!(self.output, "{value}");
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.output.push_str(&serde_json::to_string(&value).unwrap_or_else(|_| "null".to_owned()));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.output.push_str("null");
        Ok(())
    }
}

fn push_string(output: &mut String, text: &str) {
    output.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
}

/// The value at a path as a field selector compares it: strings bare, all
/// else as JSON. None where it is not there, is null, a list or a map.
#[must_use]
pub fn field(json: &str, path: &[String]) -> Option<String> {
    let mut value: &RawValue = serde_json::from_str(json).ok()?;
    for step in path {
        value =
            Member { key: step }.deserialize(&mut serde_json::Deserializer::from_str(value.get())).ok()??;
    }
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str::<Cow<'_, str>>(value.get()).ok().map(Cow::into_owned),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.get().to_owned()),
    }
}

/// One member of a map, its last occurrence.
struct Member<'k> {
    key: &'k str,
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if key == self.key {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = concat!(
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"b","labels":{"x/y":"1","z":"2"}},"#,
        r#""spec":{"containers":[{"name":"c","image":"i"},{"name":"d","image":"j"}],"nodeName":"n","n":1.50},"#,
        r#""status":{"phase":null}}"#
    );
    const ALWAYS: &str = r#""apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"b"}"#;

    fn check(fields: &[&str], expect: &str) {
        let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        assert_eq!(Projection::parse(&fields).unwrap().apply(POD).unwrap(), expect, "{fields:?}");
    }

    #[test]
    fn parts() {
        check(&[], POD);
        check(&["/nothing"], &format!("{{{ALWAYS}}}"));
        check(&["/spec/nodeName"], &format!(r#"{{{ALWAYS},"spec":{{"nodeName":"n"}}}}"#));
        check(&["/spec/n"], &format!(r#"{{{ALWAYS},"spec":{{"n":1.50}}}}"#));
        check(
            &["/spec/containers/*/image"],
            &format!(r#"{{{ALWAYS},"spec":{{"containers":[{{"image":"i"}},{{"image":"j"}}]}}}}"#),
        );
        check(
            &["/spec/containers/1/name", "/status"],
            &format!(
                r#"{{{ALWAYS},"spec":{{"containers":[null,{{"name":"d"}}]}},"status":{{"phase":null}}}}"#
            ),
        );
        check(
            &["/spec/containers/*/name", "/spec/containers/0"],
            &format!(r#"{{{ALWAYS},"spec":{{"containers":[{{"name":"c","image":"i"}},{{"name":"d"}}]}}}}"#),
        );
        check(
            &["/metadata/labels/x~1y"],
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"b","labels":{"x/y":"1"}}}"#,
        );
        check(
            &["/metadata/labels/*"],
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"b","labels":{"x/y":"1","z":"2"}}}"#,
        );
        check(&["/spec/nodeName/deeper"], &format!(r#"{{{ALWAYS},"spec":{{"nodeName":"n"}}}}"#));
    }

    #[test]
    fn no_pointer() {
        assert_eq!(Projection::parse(&["spec".to_owned()]).unwrap_err().kind, ErrorKind::InvalidInput);
    }

    #[test]
    fn values_of_fields() {
        for (path, expect) in [
            ("metadata.name", Some("a")),
            ("spec.n", Some("1.50")),
            ("status.phase", None),
            ("spec.containers", None),
            ("a.b.c", None),
            ("kind.x", None),
        ] {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(field(POD, &path).as_deref(), expect, "{path:?}");
        }
    }
}
