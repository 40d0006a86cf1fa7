//! Texts with `{{name}}` in them.

use serde_json::Value;

use crate::pattern::Values;

/// The names in a text, or what is wrong with it.
pub(crate) fn names(text: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or("a `{{` is not closed")?;
        names.push(name.trim());
        rest = after;
    }
    Ok(names)
}

/// The text with the values in it; none where one is missing. What a value
/// holds is not looked at again: a `{{` that came from a tool stays one.
pub(crate) fn fill(text: &str, values: &Values) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let (name, after) = after.split_once("}}")?;
        filled.push_str(values.get(name.trim())?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// The names in all strings of a value.
pub(crate) fn names_in(value: &Value) -> Result<Vec<&str>, String> {
    Ok(match value {
        Value::String(text) => names(text)?,
        Value::Array(list) => {
            list.iter().map(names_in).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()
        }
        Value::Object(map) => {
            map.values().map(names_in).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()
        }
        _ => Vec::new(),
    })
}

/// The value with each of its strings filled.
pub(crate) fn fill_in(value: &Value, values: &Values) -> Option<Value> {
    Some(match value {
        Value::String(text) => Value::String(fill(text, values)?),
        Value::Array(list) => Value::Array(list.iter().map(|v| fill_in(v, values)).collect::<Option<_>>()?),
        Value::Object(map) => {
            let each = map.iter().map(|(key, value)| Some((key.clone(), fill_in(value, values)?)));
            Value::Object(each.collect::<Option<_>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stand_where_their_names_stood() {
        let values = Values::from([("a".to_owned(), "{{b}}".to_owned()), ("b".to_owned(), "2".to_owned())]);
        assert_eq!(fill("x {{a}}{{ b }} }} {", &values).as_deref(), Some("x {{b}}2 }} {"));
        assert_eq!(fill("{{c}}", &values), None);
        assert_eq!(fill("{{", &values), None);
        assert!(names("{{a").is_err());
        let value = json!({"k": ["{{b}}", 1, null, {"x": "-{{b}}-"}]});
        assert_eq!(names_in(&value).unwrap(), ["b", "b"]);
        assert_eq!(fill_in(&value, &values), Some(json!({"k": ["2", 1, null, {"x": "-2-"}]})));
    }
}
