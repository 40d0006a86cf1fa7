//! One object: read it, and read what a client wrote of it.

use serde_json::{Map, Value, json};

use super::{
    Call, Server,
    answer::{Answer, Cause, Problem, json_answer, warn},
    convert,
    path::ResourcePath,
    table::{self, View},
};
use crate::{
    Refusal,
    kinds::Kind,
    schema::{self, Report},
    store::Mode,
    value::{self, meta, text},
};

impl Server {
    pub(crate) fn get(&self, at: &ResourcePath, name: &str, call: &Call) -> Result<Answer, Problem> {
        let found = self
            .store
            .read(at.kind, at.namespace.as_deref().unwrap_or(""), name)
            .ok_or_else(|| Refusal::not_found(at.kind, name))?;
        self.show(at.kind, &found, 200, call)
    }

    /// An object in the shape that the client asked for.
    pub(crate) fn show(
        &self,
        kind: &Kind,
        object: &Value,
        status: u16,
        call: &Call,
    ) -> Result<Answer, Problem> {
        let object = convert::outward(kind, object);
        let value = match View::of(&call.accept)?.including(call.query.text("includeObject")) {
            View::Object => object,
            View::Metadata => table::metadata_of(&object),
            View::Table(include) => {
                let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
                table::table(kind, vec![object], metadata, include, self.store.clock().now_ms())
            }
        };
        Ok(json_answer(status, &value))
    }
}

/// How a client wants unknown fields to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    Ignore,
    Warn,
    Strict,
}

pub(crate) fn strictness(call: &Call) -> Result<Strictness, Problem> {
    match call.query.text("fieldValidation") {
        "" | "Warn" => Ok(Strictness::Warn),
        "Ignore" => Ok(Strictness::Ignore),
        "Strict" => Ok(Strictness::Strict),
        other => Err(Refusal::bad_request(format!("invalid fieldValidation: {other}")).into()),
    }
}

pub(crate) fn mode(call: &Call) -> Result<Mode, Problem> {
    match call.query.get("dryRun") {
        None | Some("") => Ok(Mode::Commit),
        Some("All") => Ok(Mode::DryRun),
        Some(other) => {
            let message = format!("dryRun: Unsupported value: \"{other}\": supported values: \"All\"");
            Err(Refusal::new(422, "Invalid", message).into())
        }
    }
}

/// The body as JSON; YAML where the client says so.
pub(crate) fn body(call: &Call, expected: &str) -> Result<Value, Problem> {
    let media = call.content_type.split(';').next().unwrap_or("").trim();
    let bytes = call.body.as_ref();
    let bad = |why: String| {
        let shown: String = String::from_utf8_lossy(bytes).chars().take(200).collect();
        Problem::from(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {expected}): couldn't get version/kind; {why} ({shown})"
        )))
    };
    match media {
        "" | "application/json" => {
            serde_json::from_slice(bytes).map_err(|error| bad(format!("json parse error: {error}")))
        }
        "application/yaml" | "text/yaml" => {
            yaml(bytes).map_err(|error| bad(format!("yaml parse error: {error}")))
        }
        other => Err(media_type(&format!(
            "the body of the request was in an unknown format ({other}) - accepted media types include: \
             application/json, application/yaml"
        ))),
    }
}

pub(crate) fn yaml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    serde_saphyr::from_str(text).map_err(|error| error.to_string().lines().next().unwrap_or("").to_owned())
}

pub(crate) fn media_type(message: &str) -> Problem {
    Refusal::new(415, "UnsupportedMediaType", message.to_owned()).into()
}

/// Checks that the body is of the kind that the address says.
pub(crate) fn check_kind(kind: &Kind, object: &mut Value) -> Result<(), Problem> {
    let wrong = |message: String| Err(Refusal::bad_request(message).into());
    if !object.is_object() {
        return wrong(format!("the object provided is unrecognized (must be of type {})", kind.name));
    }
    let (api_version, name) = (text(object, "/apiVersion"), text(object, "/kind"));
    if !api_version.is_empty() && api_version != kind.api_version() {
        return wrong(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({})",
            kind.api_version()
        ));
    }
    if !name.is_empty() && name != kind.name {
        return wrong(format!("{name} in version \"{api_version}\" cannot be handled as a {}", kind.name));
    }
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.name.into();
    Ok(())
}

/// Checks name and namespace against the address and fills them in.
pub(crate) fn check_place(at: &ResourcePath, name: Option<&str>, object: &mut Value) -> Result<(), Problem> {
    let own = value::namespace(object).to_owned();
    let wanted = at.namespace.as_deref().unwrap_or("");
    if !own.is_empty() && own != wanted {
        return Err(Refusal::bad_request(format!(
            "the namespace of the provided object does not match the namespace sent on the request: {own:?} is not {wanted:?}"
        ))
        .into());
    }
    if at.kind.namespaced() {
        meta(object).insert("namespace".to_owned(), wanted.into());
    }
    if let Some(name) = name {
        let own = value::name(object).to_owned();
        if !own.is_empty() && own != name {
            return Err(Refusal::bad_request(format!(
                "the name of the object ({own}) does not match the name on the URL ({name})"
            ))
            .into());
        }
        meta(object).insert("name".to_owned(), name.into());
    }
    Ok(())
}

/// What does not fit the type: unknown fields are taken out, and told as the
/// client wants it told.
pub(crate) fn check_fields(
    kind: &Kind,
    object: &mut Value,
    strictness: Strictness,
) -> Result<(Vec<String>, Report), Problem> {
    let Some(root) = schema::root(kind) else { return Ok((Vec::new(), Report::default())) };
    let report = schema::check(root, object);
    if !report.unknown.is_empty() {
        schema::prune(root, object);
    }
    let unknown: Vec<String> =
        report.unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    match strictness {
        Strictness::Strict if !unknown.is_empty() => {
            let message = format!(
                "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
                kind.name,
                kind.version,
                kind.name,
                unknown.join(", ")
            );
            Err(Refusal::bad_request(message).into())
        }
        Strictness::Ignore => Ok((Vec::new(), report)),
        _ => Ok((unknown, report)),
    }
}

/// A value of a wrong type in a whole object.
pub(crate) fn wrong_type(kind: &Kind, report: &Report) -> Option<Problem> {
    let fault = report.wrong.first()?;
    Some(
        Refusal::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: json: cannot unmarshal {} into Go struct field {}.{} of type {}",
            kind.name, kind.version, kind.name, fault.is, kind.name, fault.path, fault.wanted
        ))
        .into(),
    )
}

/// A value of a wrong type in a patch.
pub(crate) fn wrong_patch(object: &Value, report: &Report) -> Option<Problem> {
    let fault = report.wrong.first()?;
    let why = format!(
        "json: cannot unmarshal {} into Go struct field {} of type {}",
        fault.is, fault.path, fault.wanted
    );
    let mut shown: String = object.to_string().chars().take(400).collect();
    shown = shown.replace('"', "\\\"");
    let message = format!("Invalid value: \"{shown}\": {why}");
    let mut problem =
        Problem::from(Refusal::new(422, "Invalid", format!(" \"\" is invalid: patch: {message}")));
    let cause = Cause { reason: "FieldValueInvalid", field: "patch".to_owned(), message };
    problem.details = json!({
        "causes": [{ "reason": cause.reason, "message": cause.message, "field": cause.field }],
    });
    Some(problem)
}

pub(crate) fn with_warnings(mut answer: Answer, warnings: &[String]) -> Answer {
    for text in warnings {
        warn(&mut answer, text);
    }
    answer
}

/// Takes out what is null, which is the same as not there.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The metadata that a client may not invent.
pub(crate) fn clean_new(object: &mut Value) -> Result<(), Problem> {
    if !value::version(object).is_empty() {
        return Err(Refusal::bad_request("resourceVersion should not be set on objects to be created").into());
    }
    let metadata: &mut Map<String, Value> = meta(object);
    for key in ["uid", "creationTimestamp", "deletionTimestamp", "generation", "managedFields"] {
        metadata.remove(key);
    }
    Ok(())
}
