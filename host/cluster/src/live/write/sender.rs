//! The verbs that change things. Only [`super::LiveWriter`] has one of these,
//! and each call sends one request once: whether to send it again is for those
//! who can read back what became of it.

use std::sync::Arc;

use http::{Method, Request, header};
use kube::client::Body;
use serde_json::{Value, json};
use sickbay_core::{
    change::FIELD_MANAGER,
    error::{CallError, ErrorKind},
    remediation::PatchType,
};

use super::reader::object_of;
use crate::live::{
    exchange::{Exchange, Failure, Keep},
    path::RequestPath,
    status::Attempt,
};

/// Bytes of an answer at most.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Patch(PatchType),
    Delete,
}

/// Whether the server only says what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    DryRun,
    ForReal,
}

/// One request that changes something.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) verb: Verb,
    pub(super) path: RequestPath,
    pub(super) body: Value,
    /// As in RBAC: `deployments.apps`, `pods/eviction`.
    pub(super) resource: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Answer {
    /// None where the server answers with something else than the object.
    pub(super) object: Option<Value>,
    pub(super) warnings: Vec<String>,
}

pub(super) struct Sender {
    pub(super) exchange: Arc<Exchange>,
}

impl Sender {
    pub(super) async fn send(&self, outgoing: &Outgoing, way: Way) -> Result<Answer, Failure> {
        let (method, word, content) = match outgoing.verb {
            Verb::Create => (Method::POST, "create", "application/json"),
            Verb::Patch(PatchType::Json) => (Method::PATCH, "patch", "application/json-patch+json"),
            Verb::Patch(PatchType::Merge) => (Method::PATCH, "patch", "application/merge-patch+json"),
            Verb::Patch(PatchType::Strategic) => {
                (Method::PATCH, "patch", "application/strategic-merge-patch+json")
            }
            Verb::Delete => (Method::DELETE, "delete", "application/json"),
        };
        let mut path = outgoing.path.clone();
        if outgoing.verb != Verb::Delete {
            path = path.with("fieldManager", FIELD_MANAGER);
        }
        let mut body = outgoing.body.clone();
        if way == Way::DryRun {
            path = path.with("dryRun", "All");
            // Where the options stand in the body, the query does not count.
            if outgoing.verb == Verb::Delete {
                body["dryRun"] = json!(["All"]);
            } else if body.get("kind").is_some_and(|kind| kind == "Eviction") {
                body["deleteOptions"]["dryRun"] = json!(["All"]);
            }
        }
        let request = Request::builder()
            .method(method)
            .uri(path.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, content)
            .body(Body::from(body.to_string().into_bytes()))
            .map_err(|_| {
                let why = "the request has no valid path";
                Failure::unsent(CallError::new(ErrorKind::InvalidInput, "bad-path", why))
            })?;
        let attempt = Attempt {
            verb: word,
            resource: &outgoing.resource,
            namespace: outgoing.namespace.as_deref(),
            name: Some(&outgoing.name),
        };
        let received = self.exchange.send(request, &attempt, Keep::All(ANSWER_BYTES)).await?;
        Ok(Answer { object: object_of(&received.bytes), warnings: received.warnings })
    }
}
