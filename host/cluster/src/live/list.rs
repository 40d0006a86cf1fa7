//! Lists: one page of one kind, from the whole cluster or from several
//! namespaces in turn. The server pages and selects; what it gives is redacted
//! and projected here before it leaves.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sickbay_core::{
    cluster::{Coverage, DEFAULT_PAGE, ListQuery, MAX_PAGE, Page},
    error::{CallError, ErrorKind},
};

use super::{
    discovery::Resource,
    path::RequestPath,
    shape::Shape,
    status::{Attempt, Refusal},
    token::Cursor,
    transport::{TOO_LARGE, Transport},
};

/// Requests for one page, however few objects they bring: a server that answers
/// with empty pages for ever gets a pause between them.
const REQUESTS_PER_PAGE: usize = 64;

/// What the server sends. Items stay text until each is needed, so that a large
/// list is never in memory as values.
#[derive(Deserialize)]
struct ListBody<'a> {
    #[serde(default)]
    metadata: ListMetadata,
    /// An empty list may be null, but one that is not there at all is no list.
    #[serde(borrow, deserialize_with = "nullable")]
    items: Vec<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct ListMetadata {
    #[serde(default, rename = "continue")]
    continue_token: Option<String>,
}

fn nullable<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'a RawValue>, D::Error> {
    Ok(Option::<Vec<&'a RawValue>>::deserialize(deserializer)?.unwrap_or_default())
}

/// The items of a list as text, and the server's token for what follows.
pub(super) fn read_list<'a>(
    what: &str,
    body: &'a [u8],
) -> Result<(Vec<&'a RawValue>, Option<String>), CallError> {
    let list: ListBody<'_> = serde_json::from_slice(body).map_err(|_| not_kubernetes(what))?;
    Ok((list.items, list.metadata.continue_token.filter(|token| !token.is_empty())))
}

/// One request's worth.
struct Part {
    objects: Vec<String>,
    next: Option<String>,
    /// Fewer were asked for than there was room for, as more were too large.
    shrunk: bool,
}

/// Lists of one connection. Counts what all of them brought.
pub(super) struct Lister<'a> {
    pub(super) transport: &'a Transport,
    pub(super) spent: &'a AtomicU64,
    /// Asked one by one where the whole cluster is refused.
    pub(super) fallback: &'a [String],
}

impl Lister<'_> {
    pub(super) async fn page(&self, resource: &Resource, query: &ListQuery) -> Result<Page, CallError> {
        check_size(query)?;
        let mut cursor = match &query.continue_token {
            Some(token) => Cursor::decode(token, query)?,
            None => Cursor::default(),
        };
        let wanted = match query.limit {
            0 => DEFAULT_PAGE,
            limit => limit.min(MAX_PAGE),
        } as usize;
        let mut named = if resource.namespaced { distinct(&query.namespaces) } else { Vec::new() };
        if cursor.fell_back {
            named = distinct(self.fallback);
        }
        let shape = Arc::new(Shape::new(resource, &query.fields)?);
        let mut objects = Vec::new();
        let mut bytes = 0;
        let mut refused = None;
        let mut shrunk = false;
        for _ in 0..REQUESTS_PER_PAGE {
            let whole_cluster = named.is_empty();
            let Some(namespace) =
                named.get(cursor.scope).copied().map(Some).or(whole_cluster.then_some(None))
            else {
                return Err(CallError::new(
                    ErrorKind::InvalidInput,
                    "bad-continue",
                    "the `continue` token names no namespace of this list",
                ));
            };
            let room = wanted.saturating_sub(objects.len());
            match self.part(resource, query, &shape, namespace, room, cursor.server.as_deref()).await {
                Ok(part) => {
                    cursor.answered = true;
                    bytes += part.objects.iter().map(String::len).sum::<usize>();
                    objects.extend(part.objects);
                    cursor.server = part.next;
                    shrunk = part.shrunk;
                }
                Err(refusal) => match refusal.status {
                    403 if whole_cluster
                        && resource.namespaced
                        && !self.fallback.is_empty()
                        && cursor.server.is_none() =>
                    {
                        cursor = Cursor { fell_back: true, partial: true, ..Cursor::default() };
                        named = distinct(self.fallback);
                        refused = Some(refusal.error);
                        continue;
                    }
                    // One of several namespaces is closed; the others may answer.
                    403 if named.len() > 1 => {
                        cursor.partial = true;
                        cursor.server = None;
                        refused = refused.or(Some(refusal.error));
                    }
                    410 if cursor.server.is_some() => match refusal.continue_token {
                        // What changed since the first page may be missing.
                        Some(token) if Some(&token) != cursor.server.as_ref() => {
                            cursor.partial = true;
                            cursor.server = Some(token);
                            continue;
                        }
                        _ => return Err(refusal.error),
                    },
                    404 => return Ok(unknown()),
                    _ => return Err(refusal.error),
                },
            }
            if cursor.server.is_none() {
                cursor.scope += 1;
                if cursor.scope >= named.len().max(1) {
                    return match refused {
                        Some(error) if !cursor.answered => Err(error),
                        _ => Ok(Page { objects, continue_token: None, coverage: coverage(&cursor) }),
                    };
                }
            }
            if shrunk || objects.len() >= wanted || bytes >= self.transport.limits.response_bytes {
                break;
            }
        }
        Ok(Page { objects, continue_token: Some(cursor.encode(query)), coverage: coverage(&cursor) })
    }

    /// One request, asked again for fewer objects where they are too large.
    async fn part(
        &self,
        resource: &Resource,
        query: &ListQuery,
        shape: &Arc<Shape>,
        namespace: Option<&str>,
        room: usize,
        token: Option<&str>,
    ) -> Result<Part, Box<Refusal>> {
        let name = resource.full_name();
        let attempt = Attempt { verb: "list", resource: &name, namespace, name: None };
        let mut limit = room;
        let body = loop {
            let path = RequestPath::collection(resource, namespace)?
                .with("limit", &limit.to_string())
                .with_some("labelSelector", query.label_selector.as_deref())
                .with_some("fieldSelector", query.field_selector.as_deref())
                .with_some("continue", token);
            match self.transport.get(&path, &attempt).await {
                Err(refusal) if refusal.error.code == TOO_LARGE && limit > 1 => limit = (limit / 8).max(1),
                other => break other?,
            }
        };
        let shape = Arc::clone(shape);
        let (objects, next) = aside(move || {
            let (items, next) = read_list(&name, &body)?;
            let objects =
                items.into_iter().map(|item| shape.apply(item.get())).collect::<Result<Vec<_>, _>>()?;
            Ok((objects, next))
        })
        .await?;
        let count = objects.len() as u64;
        let before = self.spent.fetch_add(count, Ordering::Relaxed);
        if before.saturating_add(count) > self.transport.limits.objects {
            return Err(CallError::new(
                ErrorKind::Limit,
                "too-many-objects",
                format!("more than {} objects were listed in this run", self.transport.limits.objects),
            )
            .with_hint("narrow the run to some namespaces")
            .into());
        }
        Ok(Part { objects, next, shrunk: limit < room })
    }
}

/// Reading and redacting a large page takes a while, and hurts nobody there.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CallError> + Send + 'static,
) -> Result<T, CallError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(CallError::new(ErrorKind::Internal, "cancelled", "reading the answer was cancelled"))
    })
}

pub(super) fn not_kubernetes(what: &str) -> CallError {
    CallError::new(
        ErrorKind::Internal,
        "bad-response",
        format!("the answer for `{what}` is not what a Kubernetes API server sends"),
    )
    .with_hint("check that the server in the kubeconfig is a Kubernetes API server")
}

/// Characters of selectors and token at most: they go into a URL.
const LONGEST_QUERY: usize = 16 * 1024;

fn check_size(query: &ListQuery) -> Result<(), CallError> {
    let size: usize = [&query.label_selector, &query.field_selector, &query.continue_token]
        .into_iter()
        .map(|part| part.as_ref().map_or(0, String::len))
        .sum();
    if size > LONGEST_QUERY {
        return Err(CallError::new(
            ErrorKind::InvalidInput,
            "query-too-long",
            format!("the query has {size} characters, {LONGEST_QUERY} are allowed"),
        ));
    }
    Ok(())
}

/// Nothing is known.
pub(super) fn unknown() -> Page {
    Page { objects: Vec::new(), continue_token: None, coverage: Coverage::Unknown }
}

fn coverage(cursor: &Cursor) -> Coverage {
    if cursor.partial { Coverage::Partial } else { Coverage::Complete }
}

fn distinct(names: &[String]) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for name in names {
        if !out.contains(&name.as_str()) {
            out.push(name);
        }
    }
    out
}
