//! Label and field selectors, as kubectl takes them.
//!
//! Parsed once per query, matched per object. Knows nothing of clusters.

use sickbay_core::error::{CallError, ErrorKind};

/// Parts of a selector at most: far above any real one.
const MAX_PARTS: usize = 256;

/// `app=web,tier!=db,env in (a,b),zone notin (c),canary,!legacy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl LabelSelector {
    /// # Errors
    /// `invalid-input` that names the part which can not be read.
    pub fn parse(text: &str) -> Result<Self, CallError> {
        let mut requirements = Vec::new();
        for part in split(text) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            if requirements.len() == MAX_PARTS {
                return Err(invalid("label", text, "it has too many parts"));
            }
            requirements.push(Requirement::parse(part).map_err(|why| invalid("label", part, why))?);
        }
        Ok(Self { requirements })
    }

    /// Whether the labels fulfil all parts.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = label(&requirement.key);
            match &requirement.operator {
                Operator::Exists => value.is_some(),
                Operator::Missing => value.is_none(),
                Operator::In(wanted) => value.is_some_and(|value| wanted.iter().any(|one| one == value)),
                Operator::NotIn(unwanted) => {
                    value.is_none_or(|value| unwanted.iter().all(|one| one != value))
                }
            }
        })
    }

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }
}

/// Splits at commas that stand outside of parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

impl Requirement {
    fn parse(part: &str) -> Result<Self, &'static str> {
        if let Some(key) = part.strip_prefix('!')
            && !key.contains('=')
        {
            return Ok(Self { key: checked_key(key)?, operator: Operator::Missing });
        }
        if let Some((key, value)) = part.split_once("!=") {
            return Ok(Self {
                key: checked_key(key)?,
                operator: Operator::NotIn(vec![checked_value(value)?]),
            });
        }
        if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
            return Ok(Self { key: checked_key(key)?, operator: Operator::In(vec![checked_value(value)?]) });
        }
        if let Some((head, values)) = part.split_once('(') {
            let values = values.trim_end().strip_suffix(')').ok_or("a parenthesis is not closed")?;
            let values: Vec<String> = values.split(',').map(checked_value).collect::<Result<_, _>>()?;
            let mut words = head.split_whitespace();
            let key = checked_key(words.next().ok_or("the key is missing")?)?;
            let operator = match (words.next(), words.next()) {
                (Some("in"), None) => Operator::In(values),
                (Some("notin"), None) => Operator::NotIn(values),
                _ => return Err("only `in` and `notin` take a list"),
            };
            return Ok(Self { key, operator });
        }
        Ok(Self { key: checked_key(part)?, operator: Operator::Exists })
    }
}

fn checked_key(key: &str) -> Result<String, &'static str> {
    let key = key.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if key.is_empty() {
        Err("the key is missing")
    } else if key.len() > 317 || !key.chars().all(good) || key.matches('/').count() > 1 {
        Err("the key is no label key")
    } else {
        Ok(key.to_owned())
    }
}

fn checked_value(value: &str) -> Result<String, &'static str> {
    let value = value.trim();
    if value.len() > 253 || value.contains(['(', ')', '=', '!', ' ', ',']) {
        Err("the value is no label value")
    } else {
        Ok(value.to_owned())
    }
}

/// `status.phase!=Running,spec.nodeName=worker-1`: any field, by its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    parts: Vec<FieldPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldPart {
    path: Vec<String>,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// # Errors
    /// `invalid-input` that names the part which can not be read.
    pub fn parse(text: &str) -> Result<Self, CallError> {
        let mut parts = Vec::new();
        for part in text.split(',') {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            if parts.len() == MAX_PARTS {
                return Err(invalid("field", text, "it has too many parts"));
            }
            let (path, value, equal) = if let Some((path, value)) = part.split_once("!=") {
                (path, value, false)
            } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (path, value, true)
            } else {
                return Err(invalid("field", part, "it needs `=` or `!=`"));
            };
            let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
            if path.iter().any(String::is_empty) {
                return Err(invalid("field", part, "the path is not complete"));
            }
            parts.push(FieldPart { path, value: value.trim().to_owned(), equal });
        }
        Ok(Self { parts })
    }

    /// Whether the fields fulfil all parts. A field that is not there is the
    /// empty string, as on a server.
    pub fn matches(&self, mut field: impl FnMut(&[String]) -> Option<String>) -> bool {
        self.parts.iter().all(|part| {
            let value = field(&part.path).unwrap_or_default();
            (value == part.value) == part.equal
        })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

fn invalid(kind: &str, part: &str, why: &str) -> CallError {
    let shown: String = part.chars().take(120).collect();
    CallError::new(
        ErrorKind::InvalidInput,
        "bad-selector",
        format!("{kind} selector `{}` can not be read: {why}", crate::redact::text(&shown)),
    )
    .with_hint(match kind {
        "label" => "write it as for `kubectl get -l`: `app=web,tier!=db,env in (a,b),!legacy`",
        _ => "write it as for `kubectl get --field-selector`: `status.phase!=Running`",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(selector: &str, expect: bool) {
        let labels = [("app", "web"), ("tier", "front"), ("env", "a"), ("empty", "")];
        let selector_ = LabelSelector::parse(selector).unwrap();
        let matched =
            selector_.matches(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value));
        assert_eq!(matched, expect, "{selector}");
    }

    #[test]
    fn labels() {
        check("", true);
        check("app=web", true);
        check("app==web, tier != db", true);
        check("app!=web", false);
        check("env in (a, b),tier notin (db,cache)", true);
        check("env in (b)", false);
        check("zone notin (c)", true);
        check("app", true);
        check("zone", false);
        check("!zone", true);
        check("!app", false);
        check("empty=", true);
        check("zone!=x", true);
        check("app in (web),app in (api)", false);
    }

    #[test]
    fn labels_that_can_not_be_read() {
        for bad in ["=x", "a b", "app in (web", "app of (x)", "a=b=c", "a/b/c=d", "app in", "(x)", "!"] {
            let error = LabelSelector::parse(bad).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidInput, "{bad}");
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn fields() {
        let field = |path: &[String]| match path.join(".").as_str() {
            "status.phase" => Some("Running".to_owned()),
            _ => None,
        };
        for (selector, expect) in [
            ("status.phase=Running", true),
            ("status.phase!=Running", false),
            ("spec.nodeName=", true),
            ("spec.nodeName!=", false),
            ("status.phase==Running,spec.nodeName!=x", true),
        ] {
            assert_eq!(FieldSelector::parse(selector).unwrap().matches(field), expect, "{selector}");
        }
        for bad in ["status.phase", "=x", "a..b=c"] {
            assert_eq!(FieldSelector::parse(bad).unwrap_err().kind, ErrorKind::InvalidInput);
        }
    }
}
