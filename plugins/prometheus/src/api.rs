//! Requests to the HTTP API of Prometheus, and its answers: data with warnings,
//! or a refusal that the model should read.

use serde_json::Value;
use sickbay_plugin::{
    http::encode,
    text::line,
    tool::{Error, ErrorKind},
};

use crate::server::Server;

/// Bytes of an answer that are read: more than that is a question to be narrowed. As values they take ten times the room.
const MOST_BYTES: usize = 2 << 20;

/// What Prometheus said.
pub(crate) enum Said {
    Data {
        data: Value,
        notes: Vec<String>,
    },
    /// It understood, and refuses: a sentence for the model.
    Refused(String),
}

/// Asks for a path under the server's URL.
pub(crate) fn ask(server: &dyn Server, path: &str, parameters: &[(&str, &str)]) -> Result<Said, Error> {
    let base = base(server)?;
    let query: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let response = server.get(&format!("{base}/api/v1/{path}{mark}{}", query.join("&")), MOST_BYTES)?;
    if response.truncated {
        return Ok(Said::Refused(format!(
            "the answer has more than {MOST_BYTES} bytes: narrow the question, with label matchers, `topk` or a longer step"
        )));
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    match (response.status, body.get("status").and_then(Value::as_str)) {
        (200, Some("success")) => {
            let notes = ["warnings", "infos"]
                .iter()
                .flat_map(|key| body.get(key).and_then(Value::as_array).into_iter().flatten())
                .filter_map(Value::as_str)
                .take(10)
                .map(|note| line(note, 300))
                .collect();
            Ok(Said::Data { data: body.get("data").cloned().unwrap_or(Value::Null), notes })
        }
        (401 | 403, _) => Err(failed(
            ErrorKind::Unauthorized,
            &format!("Prometheus answered {}: the credential is missing or not allowed", response.status),
        )),
        (status, Some("error")) => {
            let said = |key: &str| {
                body.get(key).and_then(Value::as_str).map(|text| line(text, 600)).unwrap_or_default()
            };
            let (kind, message) = (said("errorType"), said("error"));
            if status >= 500 && status != 503 {
                return Err(failed(
                    ErrorKind::Unavailable,
                    &format!("Prometheus answered {status}: {kind}: {message}"),
                ));
            }
            Ok(Said::Refused(format!("Prometheus refuses the question: {kind}: {message}")))
        }
        (status, _) => Err(failed(
            ErrorKind::Unavailable,
            &format!(
                "`{}` answered {status} with something that is no answer of a Prometheus",
                line(&base, 200)
            ),
        )),
    }
}

fn failed(kind: ErrorKind, message: &str) -> Error {
    Error { kind, code: "prometheus".to_owned(), message: message.to_owned(), retry_after_ms: None }
}

fn base(server: &dyn Server) -> Result<String, Error> {
    let url = server.setting("url")?.unwrap_or_default();
    let base = url.trim().trim_end_matches('/');
    if base.starts_with("http://") || base.starts_with("https://") {
        return Ok(base.to_owned());
    }
    Err(Error {
        kind: ErrorKind::Unavailable,
        code: "no-url".to_owned(),
        message:
            "it is not said where Prometheus is: set `url` of plugin `prometheus` in the profile, such as \
                  `http://prometheus.monitoring:9090`, and grant that origin"
                .to_owned(),
        retry_after_ms: None,
    })
}
