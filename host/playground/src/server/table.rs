//! The shapes in which objects are shown: whole, as metadata, as a table.

use serde_json::{Value, json};

use super::{
    answer::Problem,
    columns::{Cell, cells},
};
use crate::{Refusal, kinds::Kind};

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Object,
    Metadata,
    Table(Include),
}

/// What of the object stands beside a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

impl View {
    /// The first of the client's media types that is served.
    pub(crate) fn of(accept: &str) -> Result<Self, Problem> {
        if accept.trim().is_empty() {
            return Ok(Self::Object);
        }
        for range in accept.split(',') {
            let mut words = range.split(';').map(str::trim);
            let media = words.next().unwrap_or("");
            if !matches!(media, "application/json" | "application/*" | "*/*") {
                continue;
            }
            let parameter = |name: &str| {
                range.split(';').skip(1).find_map(|word| word.trim().strip_prefix(name)?.strip_prefix('='))
            };
            match parameter("as") {
                None => return Ok(Self::Object),
                Some("Table") if parameter("v") == Some("v1") => return Ok(Self::Table(Include::Metadata)),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Self::Metadata),
                Some(_) => {}
            }
        }
        let message = "only the following media types are accepted: application/json".to_owned();
        Err(Refusal::new(406, "NotAcceptable", message).into())
    }

    /// What the query says about the objects beside the rows.
    pub(crate) fn including(self, include: &str) -> Self {
        match (self, include) {
            (Self::Table(_), "None") => Self::Table(Include::None),
            (Self::Table(_), "Object") => Self::Table(Include::Object),
            (view, _) => view,
        }
    }
}

pub(crate) fn metadata_of(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

pub(crate) fn table(
    kind: &Kind,
    objects: Vec<Value>,
    metadata: Value,
    include: Include,
    now_ms: i64,
) -> Value {
    let columns: Vec<Value> = cells(kind, &Value::Null, now_ms).iter().map(Cell::definition).collect();
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| {
            let cells: Vec<Value> = cells(kind, &object, now_ms).into_iter().map(|cell| cell.value).collect();
            let mut row = json!({ "cells": cells });
            match include {
                Include::None => {}
                Include::Metadata => row["object"] = metadata_of(&object),
                Include::Object => row["object"] = object,
            }
            row
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_media_type_that_is_served() {
        for (accept, expect) in [
            ("", View::Object),
            ("application/json, */*", View::Object),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", View::Table(Include::Metadata)),
            ("application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json", View::Object),
            ("application/vnd.kubernetes.protobuf,application/json", View::Object),
            ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", View::Metadata),
        ] {
            assert_eq!(View::of(accept).unwrap(), expect, "{accept}");
        }
        assert_eq!(View::of("application/vnd.kubernetes.protobuf").unwrap_err().refusal.status, 406);
    }
}
