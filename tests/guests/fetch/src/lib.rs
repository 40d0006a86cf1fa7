//! A tool that sends the request that its arguments describe, by the bare
//! interface, and gives back whatever it was told.

use serde_json::{Value, json};
use sickbay_plugin::tool::{
    Effect, Error, Guest, ToolOutput, ToolSpec,
    wasi::{
        http::{
            outgoing_handler,
            types::{
                ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
                Scheme,
            },
        },
        io::streams::StreamError,
    },
};

struct Fetch;

impl Guest for Fetch {
    fn list() -> Vec<ToolSpec> {
        vec![ToolSpec {
            name: "fetch".into(),
            description: "Sends a request.".into(),
            input_schema: r#"{"type":"object"}"#.into(),
            output_schema: None,
            effect: Effect::Write,
        }]
    }

    fn call(_name: String, arguments: String) -> Result<ToolOutput, Error> {
        let told: Value =
            serde_json::from_str(&arguments).map_err(|error| Error::invalid_input(error.to_string()))?;
        let text = match fetch(&told) {
            Ok(found) => found.to_string(),
            Err(error) => error,
        };
        Ok(ToolOutput { text, structured: None, is_error: false })
    }
}

/// What came back as JSON, or the error's name.
fn fetch(told: &Value) -> Result<Value, String> {
    let text = |name: &str| told[name].as_str().unwrap_or_default();
    let headers = Fields::new();
    for pair in told["headers"].as_array().into_iter().flatten() {
        let (name, value) = (pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
        headers.append(name, value.as_bytes()).map_err(|error| format!("header {name}: {error:?}"))?;
    }
    let request = OutgoingRequest::new(headers);
    let scheme = match text("scheme") {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let method = match text("method") {
        "" | "GET" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    request.set_method(&method).map_err(|()| "method refused")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme refused")?;
    request.set_authority(Some(text("authority"))).map_err(|()| "authority refused")?;
    request.set_path_with_query(Some(text("path"))).map_err(|()| "path refused")?;
    let body = request.body().map_err(|()| "no body")?;
    let options = RequestOptions::new();
    let waiting = outgoing_handler::handle(request, Some(options)).map_err(|error| name(&error))?;
    // As many pieces as asked for: the host has to collect them.
    let piece = text("body").as_bytes();
    if !piece.is_empty() {
        let stream = body.write().map_err(|()| "no stream")?;
        for _ in 0..told["times"].as_u64().unwrap_or(1) {
            for part in piece.chunks(4096) {
                if stream.blocking_write_and_flush(part).is_err() {
                    break;
                }
            }
        }
    }
    if told["abandon"].as_bool() == Some(true) {
        drop(body);
    } else {
        OutgoingBody::finish(body, None).map_err(|error| name(&error))?;
    }
    waiting.subscribe().block();
    match waiting.get() {
        Some(Ok(Ok(response))) => whole(&response),
        Some(Ok(Err(error))) => Err(name(&error)),
        _ => Err("no answer".to_owned()),
    }
}

fn whole(response: &IncomingResponse) -> Result<Value, String> {
    let headers: Vec<(String, String)> = response
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let body = response.consume().map_err(|()| "consumed already")?;
    let stream = body.stream().map_err(|()| "no stream")?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(format!("{error:?}")),
        }
    }
    Ok(json!({"status": response.status(), "headers": headers, "body": String::from_utf8_lossy(&bytes)}))
}

fn name(error: &ErrorCode) -> String {
    format!("{error:?}")
}

sickbay_plugin::plugin! {
    tool: Fetch,
    name: "fetch",
    version: env!("CARGO_PKG_VERSION"),
    description: "Sends a request.",
    capabilities: ["http:https://api.example.com"],
}
