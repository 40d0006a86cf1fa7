//! Label and field selectors, as in the query of a list or watch.

use serde_json::Value;

use crate::{Refusal, kinds::Kind};

/// Which objects a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldTerm>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldTerm {
    pointer: String,
    value: String,
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Same,
    Other,
}

impl Selector {
    pub(crate) fn parse(kind: &Kind, labels: &str, fields: &str) -> Result<Self, Refusal> {
        Ok(Self { labels: parse_labels(labels)?, fields: parse_fields(kind, fields)? })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        self.labels.iter().all(|one| one.holds(labels)) && self.fields.iter().all(|one| one.holds(object))
    }
}

impl Requirement {
    fn holds(&self, labels: Option<&Value>) -> bool {
        let value = labels.and_then(|labels| labels.get(&self.key)).and_then(Value::as_str);
        match &self.test {
            Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
        }
    }
}

impl FieldTerm {
    fn holds(&self, object: &Value) -> bool {
        let value = match object.pointer(&self.pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(value)) => value.to_string(),
            Some(Value::Number(value)) => value.to_string(),
            _ if self.pointer == "/spec/unschedulable" => "false".to_owned(),
            _ => String::new(),
        };
        (value == self.value) == (self.wanted == Wanted::Same)
    }
}

fn bad(text: &str) -> Refusal {
    Refusal::bad_request(format!("unable to parse requirement: {text}"))
}

/// Splits at commas outside of brackets.
fn terms(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut all) = (0_i32, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                all.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(&text[start..]);
    all.into_iter().map(str::trim).filter(|term| !term.is_empty()).collect()
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, Refusal> {
    terms(text).into_iter().map(requirement).collect()
}

fn requirement(term: &str) -> Result<Requirement, Refusal> {
    let make = |key: &str, test| {
        let key = key.trim();
        let values: &[String] = match &test {
            Test::In(values) | Test::NotIn(values) => values,
            Test::Exists | Test::Absent => &[],
        };
        let is_name =
            |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
        if key.is_empty() || !key.splitn(2, '/').all(is_name) || !values.iter().all(|value| is_name(value)) {
            return Err(bad(term));
        }
        Ok(Requirement { key: key.to_owned(), test })
    };
    if let Some(inner) = term.strip_suffix(')') {
        let (head, values) = inner.split_once('(').ok_or_else(|| bad(term))?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        let (key, operator) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        return match operator {
            "in" => make(key, Test::In(values)),
            "notin" => make(key, Test::NotIn(values)),
            _ => Err(bad(term)),
        };
    }
    if let Some((key, value)) = term.split_once("!=") {
        return make(key, Test::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return make(key, Test::In(vec![value.trim().to_owned()]));
    }
    match term.strip_prefix('!') {
        Some(key) => make(key, Test::Absent),
        None => make(term, Test::Exists),
    }
}

fn parse_fields(kind: &Kind, text: &str) -> Result<Vec<FieldTerm>, Refusal> {
    terms(text)
        .into_iter()
        .map(|term| {
            let (path, wanted, value) = if let Some((path, value)) = term.split_once("!=") {
                (path, Wanted::Other, value)
            } else if let Some((path, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (path, Wanted::Same, value)
            } else {
                return Err(Refusal::bad_request(format!(
                    "invalid selector: '{term}'; can't understand '{term}'"
                )));
            };
            if !supported(kind, path) {
                return Err(Refusal::bad_request(format!("field label not supported: {path}")));
            }
            // Backslashes quote commas and equal signs in values.
            let value = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\");
            Ok(FieldTerm { pointer: format!("/{}", path.replace('.', "/")), value, wanted })
        })
        .collect()
}

/// The fields that a server lets select.
fn supported(kind: &Kind, path: &str) -> bool {
    let own: &[&str] = match kind.stored {
        "v1/Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "v1/Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "v1/Node" => &["spec.unschedulable"],
        "v1/Namespace" => &["status.phase"],
        "v1/Secret" => &["type"],
        "v1/Service" => &["spec.clusterIP", "spec.type"],
        "apps/v1/ReplicaSet" | "v1/ReplicationController" => &["status.replicas"],
        "batch/v1/Job" => &["status.successful"],
        _ => &[],
    };
    matches!(path, "metadata.name" | "metadata.namespace") || own.contains(&path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds;

    #[test]
    fn selectors() {
        let pod = json!({
            "metadata": { "name": "a", "labels": { "app": "web", "tier": "front" } },
            "spec": { "nodeName": "n1" }, "status": { "phase": "Running" },
        });
        let kind = kinds::kind("v1/Pod").unwrap();
        for (labels, fields, expect) in [
            ("", "", true),
            ("app=web", "", true),
            ("app==web,tier!=back", "", true),
            ("app in (web, api),tier notin (back)", "", true),
            ("app,!gone", "", true),
            ("app=api", "", false),
            ("!app", "", false),
            ("gone in (a)", "", false),
            ("", "metadata.name=a,status.phase!=Failed", true),
            ("", "spec.nodeName=n2", false),
            ("", "spec.nodeName=", false),
        ] {
            let selector = Selector::parse(kind, labels, fields).unwrap();
            assert_eq!(selector.matches(&pod), expect, "{labels} {fields}");
        }
        for (labels, fields) in
            [("a b", ""), ("=x", ""), ("a within (b)", ""), ("", "spec.color=red"), ("", "phase")]
        {
            assert_eq!(Selector::parse(kind, labels, fields).unwrap_err().status, 400, "{labels} {fields}");
        }
    }
}
