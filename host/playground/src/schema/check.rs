//! Whether an object is of its type: unknown fields and values of a wrong type.

use serde_json::Value;

use super::{Need, Shape, Type};

/// What does not fit, each with its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Fields that the type does not have: `spec.replicaz`.
    pub(crate) unknown: Vec<String>,
    pub(crate) wrong: Vec<Fault>,
    /// Required fields that are not there.
    pub(crate) missing: Vec<String>,
}

/// A value of a wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: String,
    /// `number`, `string`, `array`, `object`, `bool`.
    pub(crate) is: &'static str,
    /// The type in Go's words.
    pub(crate) wanted: String,
}

/// Reports that are long enough to be read.
const MAX_FAULTS: usize = 64;

pub(crate) fn check(root: &Type, object: &Value) -> Report {
    let mut report = Report::default();
    structure(root, object, "", &mut report);
    report
}

fn structure(kind: &Type, value: &Value, path: &str, report: &mut Report) {
    let Value::Object(map) = value else {
        return wrong(value, path, kind.name, report);
    };
    for (key, inner) in map {
        let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match kind.fields.get(key.as_str()) {
            Some(field) => shape(&field.shape, inner, &at, report),
            None if report.unknown.len() < MAX_FAULTS => report.unknown.push(at),
            None => {}
        }
    }
    for (key, field) in &kind.fields {
        if field.need == Need::Required
            && map.get(*key).is_none_or(Value::is_null)
            && report.missing.len() < MAX_FAULTS
        {
            report.missing.push(if path.is_empty() { (*key).to_owned() } else { format!("{path}.{key}") });
        }
    }
}

fn shape(wanted: &Shape, value: &Value, path: &str, report: &mut Report) {
    if value.is_null() {
        return;
    }
    let (fits, name) = match wanted {
        Shape::Any => return,
        Shape::Struct(_) => {
            if let Some(kind) = wanted.structure() {
                structure(kind, value, path, report);
            }
            return;
        }
        Shape::List(inner, _) => {
            let Value::Array(list) = value else { return wrong(value, path, "[]", report) };
            for (at, item) in list.iter().enumerate() {
                shape(inner, item, &format!("{path}[{at}]"), report);
            }
            return;
        }
        Shape::Map(inner, _) => {
            let Value::Object(map) = value else { return wrong(value, path, "map", report) };
            for (key, item) in map {
                shape(inner, item, &format!("{path}.{key}"), report);
            }
            return;
        }
        Shape::Text | Shape::Bytes => (value.is_string(), "string"),
        Shape::Time | Shape::MicroTime => (value.as_str().is_some_and(is_time), "time.Time"),
        Shape::Int32 => (value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()), "int32"),
        Shape::Int64 => (value.is_i64(), "int64"),
        Shape::Number => (value.is_number(), "float64"),
        Shape::Bool => (value.is_boolean(), "bool"),
        Shape::Quantity => (value.is_number() || value.is_string(), "resource.Quantity"),
        Shape::IntOrString => (value.is_i64() || value.is_string(), "intstr.IntOrString"),
    };
    if !fits {
        wrong(value, path, name, report);
    }
}

/// Takes out the fields that the type does not have.
pub(crate) fn prune(kind: &Type, value: &mut Value) {
    let Value::Object(map) = value else { return };
    map.retain(|key, _| kind.fields.contains_key(key.as_str()));
    for (key, inner) in map {
        if let Some(field) = kind.fields.get(key.as_str()) {
            prune_shape(&field.shape, inner);
        }
    }
}

fn prune_shape(shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::Struct(_), value) => {
            if let Some(kind) = shape.structure() {
                prune(kind, value);
            }
        }
        (Shape::List(inner, _), Value::Array(list)) => {
            list.iter_mut().for_each(|item| prune_shape(inner, item))
        }
        (Shape::Map(inner, _), Value::Object(map)) => {
            map.values_mut().for_each(|item| prune_shape(inner, item))
        }
        _ => {}
    }
}

fn is_time(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

fn wrong(value: &Value, path: &str, wanted: &str, report: &mut Report) {
    let is = match value {
        Value::Null => return,
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if report.wrong.len() < MAX_FAULTS {
        report.wrong.push(Fault { path: path.to_owned(), is, wanted: wanted.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::type_named;

    #[test]
    fn what_does_not_fit_is_named_with_its_path() {
        let object = json!({
            "kind": "Deployment", "spec": { "replicas": "three", "replicaz": 3, "paused": null,
                "template": { "spec": { "containers": [{ "name": "a", "env": {}, "ports": [{ "containerPort": 1.5 }] }] } } },
        });
        let report = check(type_named("apps.v1.Deployment").unwrap(), &object);
        assert_eq!(report.unknown, ["spec.replicaz"]);
        let paths: Vec<_> = report.wrong.iter().map(|fault| (fault.path.as_str(), fault.is)).collect();
        assert_eq!(
            paths,
            [
                ("spec.replicas", "string"),
                ("spec.template.spec.containers[0].env", "object"),
                ("spec.template.spec.containers[0].ports[0].containerPort", "number"),
            ]
        );
        assert_eq!(report.missing, ["spec.selector"]);
    }
}
