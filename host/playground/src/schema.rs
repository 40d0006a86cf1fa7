//! The types of the Kubernetes API, as a table of facts: the fields of each
//! type, their shapes, and how lists and maps are merged. Checks, patches,
//! managed fields and the OpenAPI documents all read this one table.
//!
//! A line that begins at the margin names a type; the words below it are its
//! fields: `name:shape`, `name*:shape` where it is required. Shapes: `string`,
//! `[shape]` (a list that is replaced whole), `[shape]key` (merged by that key),
//! `[shape]set`, `{shape}` (a map), `{shape}!` (a map that is replaced whole).

mod check;

use std::{collections::BTreeMap, sync::LazyLock};

pub(crate) use check::{Report, check, prune};

use crate::kinds::Kind;

const TABLES: &[&str] = &[
    include_str!("schema/core.txt"),
    include_str!("schema/meta.txt"),
    include_str!("schema/others.txt"),
    include_str!("schema/pods.txt"),
    include_str!("schema/workloads.txt"),
];

/// Structures that are set as a whole: one manager owns all of one.
const ATOMIC: &[&str] = &[
    "core.v1.ConfigMapKeySelector",
    "core.v1.FileKeySelector",
    "core.v1.LocalObjectReference",
    "core.v1.NodeSelector",
    "core.v1.NodeSelectorTerm",
    "core.v1.ObjectFieldSelector",
    "core.v1.ObjectReference",
    "core.v1.ResourceFieldSelector",
    "core.v1.ScopeSelector",
    "core.v1.SecretKeySelector",
    "core.v1.SecretReference",
    "core.v1.TypedLocalObjectReference",
    "discovery.v1.EndpointPort",
    "meta.v1.LabelSelector",
    "meta.v1.OwnerReference",
    "networking.v1.ServiceBackendPort",
    "rbac.v1.RoleRef",
    "rbac.v1.Subject",
];

/// What a value is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Bytes,
    Time,
    MicroTime,
    Int32,
    Int64,
    Number,
    Bool,
    Quantity,
    IntOrString,
    Any,
    Map(Box<Shape>, Whole),
    List(Box<Shape>, Merge),
    Struct(&'static str),
}

/// Whether a map is replaced as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    Replaced,
    Merged,
}

/// How two lists become one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    Replace,
    Set,
    Keys(Vec<&'static str>),
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) shape: Shape,
    pub(crate) need: Need,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}

#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) name: &'static str,
    pub(crate) fields: BTreeMap<&'static str, Field>,
    pub(crate) whole: Whole,
}

static TYPES: LazyLock<BTreeMap<&'static str, Type>> =
    LazyLock::new(|| TABLES.iter().flat_map(|table| read(table)).collect());

/// The type of that name, as `core.v1.PodSpec`.
pub(crate) fn type_named(name: &str) -> Option<&'static Type> {
    TYPES.get(name)
}

/// All of them, by name.
pub(crate) fn types() -> impl Iterator<Item = &'static Type> {
    TYPES.values()
}

/// The type of a kind's objects.
pub(crate) fn root(kind: &Kind) -> Option<&'static Type> {
    type_named(&format!("{}.{}.{}", group_name(kind.group), kind.version, kind.name))
}

/// `core`, `apps`, `networking`: how the table names a group.
pub(crate) fn group_name(group: &str) -> &str {
    match group.split('.').next() {
        None | Some("") => "core",
        Some(first) => first,
    }
}

impl Shape {
    /// The structure behind it, where it is one.
    pub(crate) fn structure(&self) -> Option<&'static Type> {
        match self {
            Self::Struct(name) => type_named(name),
            _ => None,
        }
    }
}

fn read(table: &'static str) -> Vec<(&'static str, Type)> {
    let mut types: Vec<(&'static str, Type)> = Vec::new();
    for line in table.lines() {
        if !line.starts_with(' ') {
            let whole = if ATOMIC.contains(&line) { Whole::Replaced } else { Whole::Merged };
            types.push((line, Type { name: line, fields: BTreeMap::new(), whole }));
            continue;
        }
        let Some((_, current)) = types.last_mut() else { continue };
        for word in line.split_whitespace() {
            let Some((name, shape)) = word.split_once(':') else { continue };
            let (name, need) = match name.strip_suffix('*') {
                Some(name) => (name, Need::Required),
                None => (name, Need::Optional),
            };
            current.fields.insert(name, Field { shape: shape_of(shape), need });
        }
    }
    types
}

fn shape_of(text: &'static str) -> Shape {
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, merge) = rest.rsplit_once(']').unwrap_or((rest, ""));
        let merge = match merge {
            "" => Merge::Replace,
            "set" => Merge::Set,
            keys => Merge::Keys(keys.split(',').collect()),
        };
        return Shape::List(Box::new(shape_of(inner)), merge);
    }
    if let Some(rest) = text.strip_prefix('{') {
        let (inner, whole) = rest.rsplit_once('}').unwrap_or((rest, ""));
        let whole = if whole == "!" { Whole::Replaced } else { Whole::Merged };
        return Shape::Map(Box::new(shape_of(inner)), whole);
    }
    match text {
        "string" => Shape::Text,
        "bytes" => Shape::Bytes,
        "time" => Shape::Time,
        "microtime" => Shape::MicroTime,
        "int32" => Shape::Int32,
        "int64" => Shape::Int64,
        "number" => Shape::Number,
        "bool" => Shape::Bool,
        "quantity" => Shape::Quantity,
        "intorstring" => Shape::IntOrString,
        "any" => Shape::Any,
        name => Shape::Struct(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    fn walk(shape: &Shape, at: &str) {
        match shape {
            Shape::Map(inner, _) => walk(inner, at),
            Shape::List(inner, merge) => {
                walk(inner, at);
                if let Merge::Keys(keys) = merge {
                    let item = inner.structure().unwrap_or_else(|| panic!("{at}: merged by key"));
                    for key in keys {
                        assert!(item.fields.contains_key(key), "{at}: no `{key}` in {}", item.name);
                    }
                }
            }
            Shape::Struct(name) => assert!(type_named(name).is_some(), "{at}: no type `{name}`"),
            _ => {}
        }
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        for one in types() {
            for (name, field) in &one.fields {
                walk(&field.shape, &format!("{}.{name}", one.name));
            }
        }
        for name in ATOMIC {
            assert!(type_named(name).is_some() || *name == "core.v1.FileKeySelector", "{name}");
        }
    }

    #[test]
    fn every_kind_has_its_type() {
        for kind in KINDS {
            let root = root(kind).unwrap_or_else(|| panic!("{}", kind.id));
            assert!(root.fields.contains_key("metadata"), "{}", kind.id);
        }
    }
}
