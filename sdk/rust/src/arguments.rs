//! A tool's arguments, read one by one.
//!
//! The host checks arguments against the tool's schema before it calls; what is
//! read here is checked again, so that a tool is as strict in its own tests and
//! in front of another host. Each error names the argument and what it takes,
//! because the one who reads it is a model that has to try again.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::{
    text::{did_you_mean, line},
    types::Error,
};

/// Bytes of one text at most, where the caller does not say.
const LONGEST: usize = 4_096;
/// Texts of one list at most.
const MOST: usize = 64;

/// The arguments of one call.
///
/// ```
/// use sickbay_plugin::arguments::Arguments;
///
/// let arguments = Arguments::parse(r#"{"kind": "Pod", "limit": 5}"#, &["kind", "limit"])?;
/// assert_eq!(arguments.required("kind")?, "Pod");
/// assert_eq!(arguments.number("limit", 1..=100)?, Some(5));
///
/// let wrong = Arguments::parse(r#"{"knd": "Pod"}"#, &["kind", "limit"]).err().unwrap();
/// assert_eq!(wrong.message, "there is no argument `knd`; did you mean `kind`?");
/// # Ok::<(), sickbay_plugin::types::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Arguments {
    given: Map<String, Value>,
}

impl Arguments {
    /// Reads the arguments; an error where they are no object, or hold a name that is not known.
    pub fn parse(json: &str, known: &[&str]) -> Result<Self, Error> {
        let value =
            if json.trim().is_empty() { Value::Object(Map::new()) } else { serde_json::from_str(json)? };
        let Value::Object(given) = value else {
            return Err(Error::invalid_input("the arguments have to be a JSON object"));
        };
        for name in given.keys() {
            if known.contains(&name.as_str()) {
                continue;
            }
            let help = match did_you_mean(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "this tool takes none".to_owned(),
                None => format!("there are `{}`", known.join("`, `")),
            };
            return Err(Error::invalid_input(format!("there is no argument `{}`; {help}", line(name, 60))));
        }
        Ok(Self { given })
    }

    /// What was given, where it is neither null nor an empty text: models write those for "none".
    fn get(&self, name: &str) -> Option<&Value> {
        self.given.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A text, where it is given; at most 4,096 bytes and without control characters.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong(name, "a string"))?;
        checked(name, text).map(Some)
    }

    /// A text that has to be given.
    pub fn required(&self, name: &str) -> Result<&str, Error> {
        self.text(name)?.ok_or_else(|| Error::invalid_input(format!("the argument `{name}` is missing")))
    }

    /// A list of texts; one text alone counts as a list of one. Empty where it is not given.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        if items.len() > MOST {
            return Err(wrong(name, &format!("at most {MOST} strings")));
        }
        items
            .iter()
            .map(|item| {
                let text = item.as_str().ok_or_else(|| wrong(name, "a list of strings"))?;
                checked(name, text).map(str::to_owned)
            })
            .collect()
    }

    /// A whole number within the bounds, where it is given.
    pub fn number(&self, name: &str, bounds: RangeInclusive<u64>) -> Result<Option<u64>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_u64().filter(|number| bounds.contains(number)).map(Some).ok_or_else(|| {
            wrong(name, &format!("a whole number from {} to {}", bounds.start(), bounds.end()))
        })
    }

    /// A switch; off where it is not given.
    pub fn says(&self, name: &str) -> Result<bool, Error> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(is)) => Ok(*is),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// One of these words, where it is given.
    pub fn word<'w>(&self, name: &str, words: &[&'w str]) -> Result<Option<&'w str>, Error> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        words.iter().find(|word| word.eq_ignore_ascii_case(text)).copied().map(Some).ok_or_else(|| {
            Error::invalid_input(format!(
                "`{name}` takes one of `{}`, and not `{}`",
                words.join("`, `"),
                line(text, 60)
            ))
        })
    }
}

fn checked<'t>(name: &str, text: &'t str) -> Result<&'t str, Error> {
    if text.len() > LONGEST {
        return Err(wrong(name, &format!("at most {LONGEST} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(name, "text without control characters"));
    }
    Ok(text)
}

fn wrong(name: &str, takes: &str) -> Error {
    Error::invalid_input(format!("`{name}` takes {takes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["kind", "limit", "names", "previous", "sort"];

    fn says<T>(result: Result<T, Error>) -> String {
        result.err().map_or("no error".to_owned(), |error| error.message)
    }

    #[test]
    fn each_wrong_argument_is_named_with_what_it_takes() {
        for (json, expect) in [
            ("[]", "the arguments have to be a JSON object"),
            (r#"{"limt": 1}"#, "there is no argument `limt`; did you mean `limit`?"),
            (
                r#"{"colour": 1}"#,
                "there is no argument `colour`; there are `kind`, `limit`, `names`, `previous`, `sort`",
            ),
        ] {
            assert_eq!(says(Arguments::parse(json, KNOWN)), expect, "{json}");
        }
        let of = |json: &str| Arguments::parse(json, KNOWN).unwrap();
        assert_eq!(says(of("{}").required("kind")), "the argument `kind` is missing");
        assert_eq!(says(of(r#"{"kind": ""}"#).required("kind")), "the argument `kind` is missing");
        assert_eq!(says(of(r#"{"kind": 1}"#).text("kind")), "`kind` takes a string");
        assert_eq!(
            says(of("{\"kind\": \"a\\u001b\"}").text("kind")),
            "`kind` takes text without control characters"
        );
        assert_eq!(
            says(of(r#"{"limit": 0}"#).number("limit", 1..=9)),
            "`limit` takes a whole number from 1 to 9"
        );
        assert_eq!(
            says(of(r#"{"limit": 1.5}"#).number("limit", 1..=9)),
            "`limit` takes a whole number from 1 to 9"
        );
        assert_eq!(says(of(r#"{"names": [1]}"#).texts("names")), "`names` takes a list of strings");
        assert_eq!(says(of(r#"{"previous": "yes"}"#).says("previous")), "`previous` takes true or false");
        assert_eq!(
            says(of(r#"{"sort": "size"}"#).word("sort", &["name", "age"])),
            "`sort` takes one of `name`, `age`, and not `size`"
        );
    }

    #[test]
    fn what_is_right_is_read_and_null_is_none() {
        let of = Arguments::parse(
            r#"{"kind": null, "limit": 5, "names": "a", "previous": true, "sort": "AGE"}"#,
            KNOWN,
        )
        .unwrap();
        assert_eq!(of.text("kind"), Ok(None));
        assert_eq!(of.number("limit", 1..=9), Ok(Some(5)));
        assert_eq!(of.texts("names"), Ok(vec!["a".to_owned()]));
        assert_eq!(of.says("previous"), Ok(true));
        assert_eq!(of.word("sort", &["name", "age"]), Ok(Some("age")));
        assert!(Arguments::parse("", &[]).is_ok());
    }
}
