//! What a person can answer.

use serde_json::Value;
use sickbay_core::text::clean_line;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    Later,
    Edit,
    Details,
    Help,
}

impl Answer {
    /// None for what means nothing; an empty line means nothing either.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        Some(match typed.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Self::Yes,
            "n" | "no" => Self::No,
            "l" | "later" => Self::Later,
            "e" | "edit" => Self::Edit,
            "d" | "details" => Self::Details,
            "?" | "h" | "help" => Self::Help,
            _ => return None,
        })
    }
}

/// What a person can answer to a call of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallAnswer {
    Yes,
    No,
    Later,
    Edit,
    Allow,
    Help,
}

impl CallAnswer {
    /// None for what means nothing.
    pub(super) fn parse(typed: &str) -> Option<Self> {
        Some(match (Answer::parse(typed), typed.trim().to_ascii_lowercase().as_str()) {
            (Some(Answer::Yes), _) => Self::Yes,
            (Some(Answer::No), _) => Self::No,
            (Some(Answer::Later), _) => Self::Later,
            (Some(Answer::Edit), _) => Self::Edit,
            (Some(Answer::Help), _) => Self::Help,
            (_, "a" | "allow") => Self::Allow,
            _ => return None,
        })
    }
}

/// Other parameters than the current ones; none where nothing else was typed.
pub(super) fn parameters(typed: &str, now: &Value) -> Result<Option<Value>, String> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(typed)
        .map_err(|error| format!("that is no JSON: {}", clean_line(&error.to_string(), 200)))?;
    if !value.is_object() {
        return Err("parameters are an object: `{\"name\": …}`".to_owned());
    }
    if value == *now {
        return Err("these are the parameters that it has".to_owned());
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_offered_is_an_answer() {
        for (typed, expect) in [
            ("y", Some(Answer::Yes)),
            (" YES\r\n", Some(Answer::Yes)),
            ("n", Some(Answer::No)),
            ("later", Some(Answer::Later)),
            ("e", Some(Answer::Edit)),
            ("d", Some(Answer::Details)),
            ("?", Some(Answer::Help)),
            ("", None),
            ("yy", None),
            ("y n", None),
            ("yes please", None),
            ("\u{1b}[Ay", None),
        ] {
            assert_eq!(Answer::parse(typed), expect, "{typed:?}");
        }
    }

    #[test]
    fn parameters_are_another_object() {
        let now = json!({"value": "a"});
        assert_eq!(parameters("", &now), Ok(None));
        assert_eq!(parameters("{\"value\": \"b\"}", &now), Ok(Some(json!({"value": "b"}))));
        for wrong in ["{", "[]", "3", "{\"value\":\"a\"}", "nonsense \u{1b}[2J"] {
            let message = parameters(wrong, &now).unwrap_err();
            assert!(!message.contains('\u{1b}'), "{message:?}");
        }
    }
}
