//! For tests of encoders: a strict check of a request body against the fields
//! that a vendor's own client can send. Not in components.

use serde_json::Value;

/// What a value must look like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Any,
    Null,
    Flag,
    Number,
    Whole,
    Text,
    /// One of these strings.
    Word(&'static [&'static str]),
    /// An object of any fields, such as a JSON Schema.
    Map,
    /// A string that holds JSON.
    JsonText,
    /// Not empty.
    List(&'static Shape),
    /// These fields and no others.
    Object(&'static [Field]),
    /// An object whose field of that name says which of the shapes it has; the field itself is not in them.
    Tagged(&'static str, &'static [(&'static str, &'static [Field])]),
    Either(&'static [Shape]),
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    name: &'static str,
    required: bool,
    shape: Shape,
}

#[must_use]
pub const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, required: true, shape }
}

#[must_use]
pub const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, required: false, shape }
}

/// Checks a value.
///
/// # Errors
/// Where it is not as it must be: the place and what is wrong there.
pub fn check(value: &Value, shape: &Shape) -> Result<(), String> {
    at(value, shape, "")
}

fn at(value: &Value, shape: &Shape, place: &str) -> Result<(), String> {
    let fits = match shape {
        Shape::Any => true,
        Shape::Null => value.is_null(),
        Shape::Flag => value.is_boolean(),
        Shape::Number => value.is_number(),
        Shape::Whole => value.is_u64(),
        Shape::Text => value.is_string(),
        Shape::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Shape::Map => value.is_object(),
        Shape::JsonText => value
            .as_str()
            .is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|v| v.is_object())),
        Shape::List(element) => {
            let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
            for (index, value) in list.iter().enumerate() {
                at(value, element, &format!("{place}/{index}"))?;
            }
            !list.is_empty()
        }
        Shape::Object(known) => return fields(value, known, None, place),
        Shape::Tagged(tag, kinds) => {
            let kind = value.get(tag).and_then(Value::as_str).unwrap_or_default();
            let Some((_, known)) = kinds.iter().find(|(name, _)| *name == kind) else {
                return Err(format!("{place}: no {tag} `{kind}` is known: {value}"));
            };
            return fields(value, known, Some(tag), place);
        }
        Shape::Either(shapes) => {
            let problems: Vec<String> =
                shapes.iter().filter_map(|shape| at(value, shape, place).err()).collect();
            if problems.len() == shapes.len() {
                return Err(problems.join("; or "));
            }
            true
        }
    };
    if fits { Ok(()) } else { Err(format!("{place}: not {shape:?}: {value}")) }
}

fn fields(value: &Value, known: &[Field], tag: Option<&str>, place: &str) -> Result<(), String> {
    let Some(object) = value.as_object() else {
        return Err(format!("{place}: no object: {value}"));
    };
    for field in known {
        match object.get(field.name) {
            Some(value) => at(value, &field.shape, &format!("{place}/{}", field.name))?,
            None if field.required => return Err(format!("{place}: `{}` is missing", field.name)),
            None => {}
        }
    }
    let is_known = |name: &str| tag == Some(name) || known.iter().any(|field| field.name == name);
    match object.keys().find(|name| !is_known(name)) {
        Some(name) => Err(format!("{place}: nobody knows `{name}`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BODY: Shape = Shape::Object(&[
        required("model", Shape::Text),
        optional("n", Shape::Whole),
        optional(
            "list",
            Shape::List(&Shape::Tagged("type", &[("a", &[required("x", Shape::JsonText)]), ("b", &[])])),
        ),
        optional("e", Shape::Either(&[Shape::Null, Shape::Word(&["on", "off"])])),
    ]);

    #[test]
    fn a_referee_sees_what_is_wrong() {
        for (value, problem) in [
            (json!({"model": "m", "n": 1, "list": [{"type": "a", "x": "{}"}, {"type": "b"}], "e": null}), ""),
            (json!({"model": "m", "e": "on"}), ""),
            (json!({}), "`model` is missing"),
            (json!({"model": 1}), "/model: not Text"),
            (json!({"model": "m", "m": 1}), "nobody knows `m`"),
            (json!({"model": "m", "n": 1.5}), "/n: not Whole"),
            (json!({"model": "m", "list": []}), "/list: not List"),
            (json!({"model": "m", "list": [{"type": "c"}]}), "no type `c` is known"),
            (json!({"model": "m", "list": [{"type": "a", "x": "["}]}), "/list/0/x: not JsonText"),
            (json!({"model": "m", "list": [{"type": "b", "x": 1}]}), "nobody knows `x`"),
            (json!({"model": "m", "e": "up"}), "/e: not Word"),
            (json!([]), "no object"),
        ] {
            let found = check(&value, &BODY).err().unwrap_or_default();
            assert!(found.contains(problem) && found.is_empty() == problem.is_empty(), "{value}: {found}");
        }
    }
}
