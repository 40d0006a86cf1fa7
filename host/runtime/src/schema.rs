//! JSON Schema: whether a value fits what a plugin says it takes.

use serde_json::Value;
use sickbay_core::text::clean_line;

/// Problems that are told of one value.
const TOLD: usize = 3;

/// Says what does not fit, for a person and for the one who made the value.
pub(crate) fn check(schema: &Value, value: &Value) -> Result<(), String> {
    Checker::new(schema).check(value)
}

/// A schema that is checked against again and again.
pub(crate) struct Checker(Result<jsonschema::Validator, String>);

impl Checker {
    /// The schema comes from a plugin or a server: one that is none is a
    /// problem of every value. Nothing that it refers to is fetched.
    pub(crate) fn new(schema: &Value) -> Self {
        Self(
            jsonschema::validator_for(schema)
                .map_err(|error| format!("its schema is none: {}", clean_line(&error.to_string(), 200))),
        )
    }

    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        let validator = self.0.as_ref().map_err(Clone::clone)?;
        if validator.is_valid(value) {
            return Ok(());
        }
        let problems: Vec<String> = validator
            .iter_errors(value)
            .take(TOLD)
            .map(|error| {
                let at = error.instance_path().to_string();
                let at =
                    if at.is_empty() { String::new() } else { format!(" at `{}`", clean_line(&at, 100)) };
                format!("{}{at}", clean_line(&error.to_string(), 200))
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(format!("the parameters do not fit: {}", problems.join("; ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;

    #[test]
    fn what_does_not_fit_is_named() {
        let schema = json!({"type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": {"type": "integer", "minimum": 1}}});
        assert_eq!(check(&schema, &json!({"a": 1})), Ok(()));
        for (value, expect) in
            [(json!({"a": 0}), "/a"), (json!({}), "a"), (json!({"a": 1, "b": 2}), "b"), (json!([]), "object")]
        {
            let problem = check(&schema, &value).unwrap_err();
            assert!(problem.contains(expect), "{value}: {problem}");
        }
        assert!(check(&json!({"type": "nonsense"}), &json!(1)).unwrap_err().contains("schema"));
        let elsewhere = json!({"$ref": "https://example.com/schema.json"});
        assert!(check(&elsewhere, &json!(1)).is_err());
    }
}
