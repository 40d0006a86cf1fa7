//! Finding the JSON object in what a model said: alone, in a code fence, or
//! with prose around it.

use serde_json::{Map, Value};

/// Bytes of an answer that are looked at; what is longer is no answer.
pub(super) const MOST_BYTES: usize = 512 * 1024;
/// Places where an object may begin that are tried.
const MOST_TRIES: usize = 30;

/// The object, or what is wrong.
///
/// # Errors
/// A sentence for the model.
pub(super) fn object(said: &str) -> Result<Map<String, Value>, String> {
    if said.len() > MOST_BYTES {
        return Err(format!("the answer has {} bytes, which is far too long", said.len()));
    }
    let said = said.trim().trim_start_matches('\u{feff}');
    if said.is_empty() {
        return Err("the answer is empty".to_owned());
    }
    let mut first_error = None;
    let mut other = None;
    let mut rest = said;
    let mut tries = 0;
    while let Some(start) = rest.find('{') {
        tries += 1;
        if tries > MOST_TRIES {
            break;
        }
        let Some(from) = rest.get(start..) else { break };
        // Reads one value and ignores what follows it: a fence, or prose.
        let mut values = serde_json::Deserializer::from_str(from).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(object))) if object.contains_key("findings") => return Ok(object),
            Some(Ok(Value::Object(object))) => {
                other.get_or_insert(object);
                rest = from.get(values.byte_offset()..).unwrap_or("");
                continue;
            }
            Some(Err(error)) => {
                first_error.get_or_insert(error.to_string());
            }
            _ => {}
        }
        rest = from.get(1..).unwrap_or("");
    }
    match (other, first_error) {
        // An object in the place of the answer gets told what it lacks.
        (Some(object), None) => Ok(object),
        (_, Some(error)) => Err(format!("the JSON can not be read: {}", crate::text::clean(&error, 200))),
        (None, None) => Err("the answer holds no JSON object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_found_whatever_is_around_it() {
        for said in [
            r#"{"findings": []}"#,
            "\u{feff} {\"findings\": []} ",
            "```json\n{\"findings\": []}\n```",
            "Here is what I found: {\"findings\": []} I hope that it helps {smile}.",
            "In a set {x} or { \"a\": 1 }, all is {\"findings\": []}",
        ] {
            assert!(object(said).unwrap().contains_key("findings"), "{said}");
        }
        for (said, says) in [
            ("", "is empty"),
            ("all is well", "holds no JSON object"),
            ("{\"findings\": [", "can not be read"),
            (&"{".repeat(100_000), "can not be read"),
            (&"x".repeat(MOST_BYTES + 1), "far too long"),
            (&format!("{{\"findings\": {}1", "[".repeat(100_000)), "can not be read"),
        ] {
            let error = object(said).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(!object("{\"problems\": []}").unwrap().contains_key("findings"));
    }
}
