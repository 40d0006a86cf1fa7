//! What the model said, read strictly: each slip is a sentence that the model
//! is told, once; what is right in spite of it is kept.

mod extract;

use serde_json::{Map, Value};
use sickbay_plugin::diagnosis::Severity;

use crate::text;

/// Findings, and parts of one, that are read.
const MOST_FINDINGS: usize = 200;
const MOST_EVIDENCE: usize = 10;
const MOST_CAUSES: usize = 30;
const MOST_ACTIONS: usize = 5;
/// Slips that are told.
const MOST_PROBLEMS: usize = 12;

/// An object as the model names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct Citation {
    pub observation: String,
    pub object: Option<Named>,
    pub pointer: String,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub struct Proposal {
    pub plugin: String,
    pub action: String,
    pub title: String,
    pub parameters: Map<String, Value>,
}

/// One finding as the model has it: nothing of it is believed yet.
#[derive(Clone, Debug)]
pub struct Draft {
    pub id: String,
    pub severity: Severity,
    pub reason: String,
    pub message: String,
    pub object: Named,
    pub confidence: f64,
    pub causes: Vec<String>,
    pub evidence: Vec<Citation>,
    pub actions: Vec<Proposal>,
}

/// What could be read, and what was wrong.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub summary: String,
    pub drafts: Vec<Draft>,
    /// Sentences for the model; empty: the answer is as it should be.
    pub problems: Vec<String>,
    /// Whether there is an answer at all: an object with a list of findings.
    pub is_readable: bool,
}

impl Answer {
    #[must_use]
    pub fn read(said: &str) -> Self {
        let mut answer = Self::default();
        let object = match extract::object(said) {
            Ok(object) => object,
            Err(problem) => {
                answer.problems.push(problem);
                return answer;
            }
        };
        let mut problems = Problems(Vec::new());
        answer.summary = object.get("summary").and_then(Value::as_str).unwrap_or("").to_owned();
        match object.get("findings") {
            Some(Value::Array(findings)) => {
                answer.is_readable = true;
                for (at, finding) in findings.iter().take(MOST_FINDINGS).enumerate() {
                    answer.drafts.extend(
                        Reader { path: format!("findings[{at}]"), problems: &mut problems }.draft(finding),
                    );
                }
            }
            Some(_) => problems.add("`findings` has to be a list".to_owned()),
            None => problems.add("`findings` is missing".to_owned()),
        }
        answer.problems = problems.0;
        answer
    }
}

struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: String) {
        if self.0.len() < MOST_PROBLEMS {
            self.0.push(problem);
        }
    }
}

/// Reads one finding. What has to be there and is not makes it none; a part
/// that is wrong is left out of it.
struct Reader<'a> {
    path: String,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn wrong(&mut self, key: &str, takes: &str) {
        self.problems.add(format!("`{}.{key}` has to be {takes}", self.path));
    }

    fn text(&mut self, map: &Map<String, Value>, key: &str) -> Option<String> {
        match map.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong(key, "a text");
                None
            }
        }
    }

    /// A list that may be missing; null is none.
    fn list<'v>(&mut self, map: &'v Map<String, Value>, key: &str, most: usize) -> Vec<&'v Value> {
        match map.get(key) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().take(most).collect(),
            Some(_) => {
                self.wrong(key, "a list");
                Vec::new()
            }
        }
    }

    fn draft(&mut self, finding: &Value) -> Option<Draft> {
        let Value::Object(map) = finding else {
            self.problems.add(format!("`{}` has to be an object", self.path));
            return None;
        };
        let severity =
            match map.get("severity").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
                Some("critical") => Some(Severity::Critical),
                Some("warning") => Some(Severity::Warning),
                Some("info") => Some(Severity::Info),
                _ => {
                    self.wrong("severity", "one of `critical`, `warning`, `info`");
                    None
                }
            };
        let confidence = map.get("confidence").and_then(Value::as_f64);
        if confidence.is_none() {
            self.wrong("confidence", "a number from 0 to 1");
        }
        let reason = self.text(map, "reason");
        let message = self.text(map, "message");
        let object = match map.get("object").map(|object| named(object, true)) {
            Some(Some(object)) => Some(object),
            _ => {
                self.wrong("object", "an object with `apiVersion`, `kind`, `namespace` and `name`");
                None
            }
        };
        let evidence: Vec<Citation> = self
            .list(map, "evidence", MOST_EVIDENCE)
            .into_iter()
            .enumerate()
            .filter_map(|(at, citation)| self.citation(at, citation))
            .collect();
        let actions: Vec<Proposal> = self
            .list(map, "actions", MOST_ACTIONS)
            .into_iter()
            .enumerate()
            .filter_map(|(at, proposal)| self.proposal(at, proposal))
            .collect();
        let causes = self.list(map, "causes", MOST_CAUSES);
        let causes = causes.into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let id = map.get("id").and_then(Value::as_str).unwrap_or("").to_owned();
        Some(Draft {
            id,
            severity: severity?,
            reason: reason?,
            message: message?,
            object: object?,
            confidence: confidence?,
            causes,
            evidence,
            actions,
        })
    }

    fn citation(&mut self, at: usize, citation: &Value) -> Option<Citation> {
        let key = format!("evidence[{at}]");
        let text = |key: &str| citation.get(key).and_then(Value::as_str).map(str::to_owned);
        let object = match citation.get("object") {
            None | Some(Value::Null) => None,
            Some(object) => Some(named(object, true)),
        };
        match (text("observation"), text("pointer"), object) {
            (Some(observation), Some(pointer), object) if object != Some(None) => Some(Citation {
                observation,
                object: object.flatten(),
                pointer,
                value: citation.get("value").cloned().unwrap_or(Value::Null),
            }),
            _ => {
                self.wrong(&key, "an object with `observation`, `object`, `pointer` and `value`");
                None
            }
        }
    }

    fn proposal(&mut self, at: usize, proposal: &Value) -> Option<Proposal> {
        let key = format!("actions[{at}]");
        let text = |key: &str| proposal.get(key).and_then(Value::as_str);
        let parameters = match proposal.get("parameters") {
            Some(Value::Object(map)) => Some(map.clone()),
            // As the schema has it: JSON as text.
            Some(Value::String(json)) if json.trim().is_empty() => Some(Map::new()),
            Some(Value::String(json)) if json.len() <= 16 * 1024 => serde_json::from_str(json).ok(),
            None | Some(Value::Null) => Some(Map::new()),
            Some(_) => None,
        };
        let Some(action) = text("action") else {
            self.wrong(&key, "an object with `plugin`, `action`, `title` and `parameters`");
            return None;
        };
        let Some(parameters) = parameters else {
            self.wrong(&format!("{key}.parameters"), "a JSON object as text");
            return None;
        };
        Some(Proposal {
            plugin: text("plugin").unwrap_or(crate::catalogue::WORKLOAD).to_owned(),
            action: action.to_owned(),
            title: text("title").unwrap_or("").to_owned(),
            parameters,
        })
    }
}

/// A reference of the model; none where it is no such thing.
#[must_use]
pub fn named(value: &Value, strict: bool) -> Option<Named> {
    let plain = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .filter(|name| !strict || text::is_plain(name, 253))
            .map(str::to_owned)
    };
    let namespace = match value.get("namespace") {
        None | Some(Value::Null) => None,
        Some(Value::String(none)) if none.is_empty() => None,
        Some(_) => Some(plain("namespace")?),
    };
    Some(Named { kind: plain("kind")?, namespace, name: plain("name")? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding() -> Value {
        json!({"id": "a", "severity": "Critical", "reason": "Error", "message": "It is broken.",
            "object": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "api"}, "confidence": 0.9,
            "causes": ["b", 5], "evidence": [{"observation": "o1", "object": null, "pointer": "/x", "value": 1}],
            "actions": [{"plugin": "workload", "action": "restart", "title": "t", "parameters": "{\"object\": {}}"}]})
    }

    fn read(change: impl FnOnce(&mut Value)) -> Answer {
        let mut finding = finding();
        change(&mut finding);
        Answer::read(&json!({"summary": "s", "findings": [finding]}).to_string())
    }

    #[test]
    fn a_good_answer_has_no_problems() {
        let answer = read(|_| {});
        assert!(answer.is_readable && answer.problems.is_empty(), "{:?}", answer.problems);
        let draft = &answer.drafts[0];
        assert_eq!((draft.severity, draft.causes.len(), draft.evidence.len()), (Severity::Critical, 1, 1));
        assert!(draft.actions[0].parameters.contains_key("object"));
        assert!(Answer::read(r#"{"findings": []}"#).problems.is_empty());
    }

    #[test]
    fn each_slip_is_told_and_what_can_be_kept_is() {
        type Spoil = fn(&mut Value);
        let table: Vec<(Spoil, &str, usize)> = vec![
            (|f| f["severity"] = json!("high"), "`findings[0].severity` has to be one of", 0),
            (|f| f["confidence"] = json!("sure"), "`findings[0].confidence`", 0),
            (|f| f["message"] = json!(" "), "`findings[0].message` has to be a text", 0),
            (|f| f["object"] = json!("api"), "`findings[0].object`", 0),
            (|f| f["object"]["name"] = json!("a b\u{1b}"), "`findings[0].object`", 0),
            (|f| f["evidence"] = json!("none"), "`findings[0].evidence` has to be a list", 1),
            (|f| f["evidence"][0]["pointer"] = json!(7), "`findings[0].evidence[0]`", 1),
            (|f| f["actions"][0]["parameters"] = json!("{"), "`findings[0].actions[0].parameters`", 1),
            (|f| *f = json!(1), "`findings[0]` has to be an object", 0),
        ];
        for (change, says, kept) in table {
            let answer = read(change);
            assert!(
                answer.problems.iter().any(|problem| problem.contains(says)),
                "{says}: {:?}",
                answer.problems
            );
            assert_eq!(answer.drafts.len(), kept, "{says}");
        }
        assert!(!Answer::read("{}").is_readable);
        assert!(Answer::read(r#"{"findings": 1}"#).problems[0].contains("a list"));
    }

    #[test]
    fn an_answer_without_end_is_bounded() {
        let many = json!({"findings": vec![json!({"evidence": vec![json!(1); 500]}); 300]});
        let answer = Answer::read(&many.to_string());
        assert!(answer.drafts.is_empty() && answer.problems.len() == MOST_PROBLEMS);
        let long = json!({"findings": vec![finding(); 1_000]});
        assert_eq!(Answer::read(&long.to_string()).drafts.len(), MOST_FINDINGS);
    }
}
