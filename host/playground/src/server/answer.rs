//! What goes back: objects, Status objects, texts and streams.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{Refusal, kinds::Kind};

/// A refusal with what a Status says beside it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) refusal: Refusal,
    pub(crate) details: Value,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let details = if refusal.status == 404 { json!({}) } else { Value::Null };
        Self { refusal, details }
    }
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Problem {
    /// An object that breaks rules.
    pub(crate) fn invalid(kind: &Kind, name: &str, causes: &[Cause]) -> Self {
        let each: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let text = match each.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {text}", kind.title());
        let mut problem = Self::from(Refusal::new(422, "Invalid", message));
        problem.details = json!({
            "name": name,
            "group": kind.group,
            "kind": kind.name,
            "causes": causes.iter().map(|cause| json!({
                "reason": cause.reason, "message": cause.message, "field": cause.field,
            })).collect::<Vec<_>>(),
        });
        problem
    }

    /// Names the object where the refusal does not yet.
    pub(crate) fn about(mut self, kind: &Kind, name: &str) -> Self {
        let named = matches!(self.refusal.status, 403 | 404 | 409 | 410 | 422 | 429);
        if named && self.details.as_object().is_none_or(serde_json::Map::is_empty) {
            let mut details = json!({ "name": name, "kind": kind.plural });
            if !kind.group.is_empty() {
                details["group"] = kind.group.into();
            }
            self.details = details;
        }
        self
    }

    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.refusal.message,
            "reason": self.refusal.reason,
            "code": self.refusal.status,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}

/// A body that is whole or still comes.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(receiver) => {
                receiver.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

pub(crate) type Answer = Response<AnswerBody>;

fn answer(status: u16, media: &'static str, body: AnswerBody) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    answer
}

pub(crate) fn json_answer(status: u16, value: &Value) -> Answer {
    typed_answer(status, "application/json", value.to_string().into())
}

pub(crate) fn typed_answer(status: u16, media: &'static str, body: Bytes) -> Answer {
    answer(status, media, AnswerBody::Whole(Some(body)))
}

pub(crate) fn text_answer(status: u16, text: impl Into<String>) -> Answer {
    typed_answer(status, "text/plain", text.into().into())
}

/// What servers say about addresses that they do not know.
pub(crate) fn page_not_found() -> Answer {
    typed_answer(404, "text/plain; charset=utf-8", Bytes::from_static(b"404 page not found\n"))
}

pub(crate) fn stream_answer(media: &'static str, receiver: mpsc::Receiver<Bytes>) -> Answer {
    answer(200, media, AnswerBody::Stream(receiver))
}

pub(crate) fn problem_answer(problem: &Problem) -> Answer {
    let mut answer = json_answer(problem.refusal.status, &problem.status());
    if let Some(seconds) = problem.details.get("retryAfterSeconds").and_then(Value::as_u64)
        && let Ok(value) = HeaderValue::from_str(&seconds.to_string())
    {
        answer.headers_mut().insert(header::RETRY_AFTER, value);
    }
    answer
}

/// Adds a warning that kubectl prints.
pub(crate) fn warn(answer: &mut Answer, text: &str) {
    let clean: String = text.chars().filter(|letter| !letter.is_control()).take(500).collect();
    let quoted = clean.replace('\\', "\\\\").replace('"', "\\\"");
    if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
        answer.headers_mut().append(header::WARNING, value);
    }
}
