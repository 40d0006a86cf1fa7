//! A JSON value that borrows its strings from the text it was read from.
//!
//! Objects pass through here once, on the way in: cleaned, redacted, written
//! back as compact text. Keys keep their order and numbers their value; the
//! depth is limited by the parser (128 levels), so that walking a tree
//! recursively is safe.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::Number;

/// Pairs that are compared to merge two maps or lists, at most.
const MAX_COMPARED: usize = 1_000_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Tree<'a>>),
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Compact JSON text.
    pub(crate) fn to_json(&self) -> String {
        // Writing to a string fails only for keys that are no strings.
        serde_json::to_string(self).unwrap_or_else(|_| "null".to_owned())
    }

    pub(crate) fn string(text: impl Into<Cow<'a, str>>) -> Self {
        Self::String(text.into())
    }

    pub(crate) fn object<const N: usize>(fields: [(&'static str, Tree<'a>); N]) -> Self {
        Self::Object(fields.into_iter().map(|(key, value)| (Cow::Borrowed(key), value)).collect())
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Tree<'a>]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn fields(&self) -> &[(Cow<'a, str>, Tree<'a>)] {
        match self {
            Self::Object(fields) => fields,
            _ => &[],
        }
    }

    /// Whether it says nothing: null, or an empty string, list or map.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::String(text) => text.is_empty(),
            Self::Array(items) => items.is_empty(),
            Self::Object(fields) => fields.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }

    /// Where a key stands twice, the last one counts, as everywhere in JSON.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree<'a>> {
        self.fields().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Tree<'a>> {
        match self {
            Self::Object(fields) => {
                fields.iter_mut().rev().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(crate) fn path(&self, keys: &[&str]) -> Option<&Tree<'a>> {
        keys.iter().try_fold(self, |tree, key| tree.get(key))
    }

    /// The string at the end of the keys.
    pub(crate) fn text(&self, keys: &[&str]) -> Option<&str> {
        self.path(keys).and_then(Tree::as_str)
    }

    /// Sets a key of an object; anything else becomes an object first.
    pub(crate) fn set(&mut self, key: impl Into<Cow<'a, str>>, value: Tree<'a>) {
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let key = key.into();
        if let Some(slot) = self.get_mut(&key) {
            *slot = value;
        } else if let Self::Object(fields) = self {
            fields.push((key, value));
        }
    }

    /// Sets what lies at the end of the keys, making objects on the way.
    pub(crate) fn set_path(&mut self, keys: &[&'static str], value: Tree<'a>) {
        match keys {
            [] => {}
            [key] => self.set(*key, value),
            [key, rest @ ..] => self.entry(key).set_path(rest, value),
        }
    }

    /// The value of a key, made as an empty object where it is not there.
    pub(crate) fn entry(&mut self, key: &'static str) -> &mut Tree<'a> {
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(fields) = self else { return self };
        let at = match fields.iter().rposition(|(name, _)| name == key) {
            Some(at) => at,
            None => {
                fields.push((Cow::Borrowed(key), Tree::Object(Vec::new())));
                fields.len() - 1
            }
        };
        &mut fields[at].1
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Tree<'a>> {
        match self {
            Self::Object(fields) => {
                let at = fields.iter().rposition(|(name, _)| name == key)?;
                Some(fields.remove(at).1)
            }
            _ => None,
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, &Tree<'a>) -> bool) {
        if let Self::Object(fields) = self {
            fields.retain(|(key, value)| keep(key, value));
        }
    }

    /// The same without borrowing.
    pub(crate) fn into_owned(self) -> Tree<'static> {
        match self {
            Self::Null => Tree::Null,
            Self::Bool(value) => Tree::Bool(value),
            Self::Number(number) => Tree::Number(number),
            Self::String(text) => Tree::String(Cow::Owned(text.into_owned())),
            Self::Array(items) => Tree::Array(items.into_iter().map(Tree::into_owned).collect()),
            Self::Object(fields) => Tree::Object(
                fields
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            ),
        }
    }

    /// Takes from the other what is missing here. What is here stays. Lists of
    /// named elements (containers, conditions by type) are merged by name.
    pub(crate) fn fill(&mut self, other: Tree<'a>) {
        match (self, other) {
            (Self::Object(fields), Self::Object(others)) => {
                if fields.len().saturating_mul(others.len()) > MAX_COMPARED {
                    return;
                }
                for (key, value) in others {
                    match fields.iter_mut().rev().find(|(name, _)| *name == key) {
                        Some((_, mine)) => mine.fill(value),
                        None => fields.push((key, value)),
                    }
                }
            }
            (Self::Array(items), Self::Array(others)) if !items.is_empty() => {
                if items.len().saturating_mul(others.len()) > MAX_COMPARED {
                    return;
                }
                // Elements without names give way to those that have them.
                if items.iter().all(|item| item.list_key().is_none())
                    && others.iter().any(|other| other.list_key().is_some())
                {
                    *items = others;
                    return;
                }
                for other in others {
                    let Some(name) = other.list_key() else { continue };
                    let mine = items.iter().position(|item| item.list_key() == Some(name));
                    match mine {
                        Some(at) => items[at].fill(other),
                        None => items.push(other),
                    }
                }
            }
            (mine, other) if mine.is_empty() => *mine = other,
            _ => {}
        }
    }

    fn list_key(&self) -> Option<&str> {
        self.text(&["name"]).or_else(|| self.text(&["type"]))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tree<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(value).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Tree::String(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(Tree::String(Cow::Owned(value)))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Tree::String(Cow::Borrowed(value)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            // The bulk of many objects, and of use to API servers only.
            if key == "fieldsV1" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            fields.push((key, map.next_value()?));
        }
        Ok(Tree::Object(fields))
    }
}

/// A map key, borrowed where the text allows it.
pub(crate) struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key.as_ref(), value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_same() {
        let text = r#"{"b":[1,-2,1.5,true,null,"x\n"],"a":{"c":"d"}}"#;
        assert_eq!(Tree::parse(text).unwrap().to_json(), text);
    }

    #[test]
    fn refuses_what_is_too_deep() {
        let text = "[".repeat(5_000) + &"]".repeat(5_000);
        assert!(Tree::parse(&text).is_err());
    }

    #[test]
    fn fills_only_what_is_missing() {
        let mut mine = Tree::parse(r#"{"a":1,"c":[{"name":"x","v":1}],"e":{}}"#).unwrap();
        let other =
            Tree::parse(r#"{"a":2,"b":3,"c":[{"name":"x","v":2,"w":3},{"name":"y"}],"e":{"f":1}}"#).unwrap();
        mine.fill(other);
        assert_eq!(
            mine.to_json(),
            r#"{"a":1,"c":[{"name":"x","v":1,"w":3},{"name":"y"}],"e":{"f":1},"b":3}"#
        );
    }
}
