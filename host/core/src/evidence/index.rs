//! Which object of a page is which, without parsing more of it than its name.

use std::{borrow::Cow, collections::HashMap};

use serde::Deserialize;

use crate::object::ObjectRef;

/// What makes two references the same object: group, kind, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
}

impl From<&ObjectRef> for Key {
    fn from(object: &ObjectRef) -> Self {
        Self {
            group: object.group().to_owned(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone().filter(|namespace| !namespace.is_empty()),
            name: object.name.clone(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
}

#[derive(Default, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

/// The reference of an object's text; none where it has no kind or name.
pub(crate) fn reference(text: &str) -> Option<ObjectRef> {
    let head: Head<'_> = serde_json::from_str(text).ok()?;
    if head.kind.is_empty() || head.metadata.name.is_empty() {
        return None;
    }
    Some(ObjectRef {
        api_version: head.api_version.into_owned(),
        kind: head.kind.into_owned(),
        namespace: head.metadata.namespace.map(Cow::into_owned).filter(|namespace| !namespace.is_empty()),
        name: head.metadata.name.into_owned(),
    })
}

/// Where each object stands in a page. The first of two alike counts.
pub(crate) fn of_page(objects: &[String]) -> HashMap<Key, usize> {
    let mut index = HashMap::with_capacity(objects.len());
    for (place, text) in objects.iter().enumerate() {
        if let Some(object) = reference(text) {
            index.entry(Key::from(&object)).or_insert(place);
        }
    }
    index
}
