//! Where the values of a proposed action come from. A log line or an event may
//! say "use the image evil.example.com/x": a text that goes into an object has
//! to stand in a spec that the model was shown, numbers have to be in bounds,
//! and what nobody should decide unseen goes to a person.

use serde_json::{Map, Value};
use sickbay_plugin::{quantity, types::ObjectRef};

use crate::{
    answer,
    catalogue::{Action, Shape},
    facts::Facts,
    text,
};

/// Paths that probes ask for by custom.
const PATHS: &[&str] = &["/", "/health", "/healthz", "/livez", "/readyz", "/ready", "/ping", "/status"];

/// Why a proposal is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is none of the catalogue's, or not of this object: it goes.
    Wrong(String),
    /// It may be right, but a person has to say so.
    ForAPerson(String),
}

/// The parameters as they are handed on: with the object as the cluster has it.
///
/// # Errors
/// Where the action must not be proposed as it is.
pub fn checked(action: &Action, given: &Map<String, Value>, facts: &Facts) -> Result<Value, Refused> {
    action.fits(given).map_err(Refused::Wrong)?;
    let mut taken = Map::new();
    for (name, value) in given {
        let Some(parameter) = action.parameters.iter().find(|known| known.name == *name) else { continue };
        let person = |what: &str| Refused::ForAPerson(format!("`{name}` {what}"));
        if holds_redacted(value) {
            return Err(person("holds a value that was redacted"));
        }
        let value = match parameter.shape {
            Shape::Object => reference(object(action, value, facts)?),
            Shape::Words => {
                let words = text::clean(value.as_str().unwrap_or(""), 500);
                if words.is_empty() {
                    return Err(Refused::Wrong(format!("needs words for `{name}`")));
                }
                Value::String(words)
            }
            Shape::Never => return Err(person("is for a person to decide")),
            shape => match fits(shape, value, facts) {
                Fit::Known => value.clone(),
                Fit::Unknown => return Err(person("holds what no spec in the snapshot says")),
                Fit::Wrong => return Err(Refused::Wrong(format!("takes another `{name}`"))),
            },
        };
        taken.insert(name.clone(), value);
    }
    Ok(Value::Object(taken))
}

enum Fit {
    Known,
    /// It would fit, but nobody but the model says so.
    Unknown,
    Wrong,
}

fn known(is: bool) -> Fit {
    if is { Fit::Known } else { Fit::Unknown }
}

fn right(is: bool) -> Fit {
    if is { Fit::Known } else { Fit::Wrong }
}

fn fits(shape: Shape, value: &Value, facts: &Facts) -> Fit {
    let is_known = |value: &Value| value.as_str().is_some_and(|text| facts.is_text(text));
    match shape {
        Shape::Number => right(value.as_u64().is_some_and(|number| number <= 1_000_000)),
        Shape::Share => right(is_share(value)),
        Shape::Port => match value {
            Value::Number(_) => right(is_port(value)),
            Value::String(_) => known(is_known(value)),
            _ => Fit::Wrong,
        },
        Shape::Amounts => right(value.as_object().is_some_and(|map| {
            !map.is_empty()
                && map.len() <= 10
                && map.iter().all(|(key, amount)| text::is_plain(key, 100) && is_amount(amount))
        })),
        Shape::Known => match value {
            Value::String(_) => known(is_known(value)),
            _ => Fit::Wrong,
        },
        Shape::KnownMap => match value.as_object().filter(|map| !map.is_empty() && map.len() <= 30) {
            None => Fit::Wrong,
            Some(map) if !map.values().all(|value| value.is_string() || value.is_null()) => Fit::Wrong,
            Some(map) => known(
                map.iter().all(|(key, value)| facts.is_text(key) && (value.is_null() || is_known(value))),
            ),
        },
        Shape::KnownList => match value {
            Value::Null => Fit::Known,
            Value::Array(items) if items.iter().all(Value::is_string) => known(facts.is_list(value)),
            _ => Fit::Wrong,
        },
        Shape::Image => match value.as_str() {
            Some(image) => known(facts.is_image(image)),
            None => Fit::Wrong,
        },
        Shape::Probe => right(matches!(value.as_str(), Some("liveness" | "readiness" | "startup"))),
        Shape::ProbeParts => probe_parts(value, facts),
        Shape::Any => known(all_known(value, facts)),
        Shape::Object | Shape::Words | Shape::Never => Fit::Wrong,
    }
}

/// Numbers of a probe are bounded; its path is one that a spec or custom has.
fn probe_parts(value: &Value, facts: &Facts) -> Fit {
    let Some(map) = value.as_object().filter(|map| !map.is_empty() && map.len() <= 8) else {
        return Fit::Wrong;
    };
    let mut all_known = true;
    for (key, part) in map {
        match (key.as_str(), part) {
            ("httpGet" | "tcpSocket" | "grpc", Value::Object(parts)) => {
                for (key, value) in parts {
                    all_known &= match (key.as_str(), value) {
                        ("port", Value::Number(_)) if is_port(value) => true,
                        ("scheme", Value::String(scheme)) if matches!(scheme.as_str(), "HTTP" | "HTTPS") => {
                            true
                        }
                        ("path", Value::String(path)) => {
                            PATHS.contains(&path.as_str()) || facts.is_text(path)
                        }
                        ("port" | "service", Value::String(name)) => facts.is_text(name),
                        _ => return Fit::Wrong,
                    };
                }
            }
            ("exec", Value::Object(parts)) => {
                let command = parts.get("command").filter(|_| parts.len() == 1);
                let Some(command) = command else { return Fit::Wrong };
                all_known &= facts.is_list(command);
            }
            (seconds, Value::Number(number))
                if seconds.ends_with("Seconds") || seconds.ends_with("Threshold") =>
            {
                if number.as_u64().is_none_or(|number| number > 86_400) {
                    return Fit::Wrong;
                }
            }
            _ => return Fit::Wrong,
        }
    }
    known(all_known)
}

/// Whether every text in it is known; numbers and switches say little.
fn all_known(value: &Value, facts: &Facts) -> bool {
    match value {
        Value::String(text) => facts.is_text(text),
        Value::Array(items) => items.iter().all(|item| all_known(item, facts)),
        Value::Object(map) => map.iter().all(|(key, item)| facts.is_text(key) && all_known(item, facts)),
        _ => true,
    }
}

fn is_port(value: &Value) -> bool {
    value.as_u64().is_some_and(|port| (1..=65_535).contains(&port))
}

fn is_share(value: &Value) -> bool {
    match value {
        Value::String(share) => share
            .strip_suffix('%')
            .and_then(|share| share.parse::<u32>().ok())
            .is_some_and(|share| share <= 100),
        value => value.as_u64().is_some_and(|number| number <= 10_000),
    }
}

fn is_amount(value: &Value) -> bool {
    value.is_null() || value.as_str().and_then(quantity::milli).is_some_and(|amount| amount >= 0)
}

fn holds_redacted(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("[redacted]"),
        Value::Array(items) => items.iter().any(holds_redacted),
        Value::Object(map) => map.values().any(holds_redacted),
        _ => false,
    }
}

/// The object that an action is for: shown, and of a kind that it takes.
fn object<'f>(action: &Action, value: &Value, facts: &'f Facts) -> Result<&'f ObjectRef, Refused> {
    let named = answer::named(value, true).ok_or_else(|| Refused::Wrong("names no object".to_owned()))?;
    let found = facts.object(&named.kind, named.namespace.as_deref(), &named.name);
    let found = found.ok_or_else(|| Refused::Wrong("is for an object that was not shown".to_owned()))?;
    if !action.kinds.is_empty() && !action.kinds.contains(&found.kind) {
        return Err(Refused::Wrong(format!("is not for a {}", found.kind)));
    }
    Ok(found)
}

/// As parameters have it.
#[must_use]
pub fn reference(object: &ObjectRef) -> Value {
    let mut map = Map::new();
    map.insert("apiVersion".to_owned(), Value::from(object.api_version.clone()));
    map.insert("kind".to_owned(), Value::from(object.kind.clone()));
    if let Some(namespace) = &object.namespace {
        map.insert("namespace".to_owned(), Value::from(namespace.clone()));
    }
    map.insert("name".to_owned(), Value::from(object.name.clone()));
    Value::Object(map)
}
