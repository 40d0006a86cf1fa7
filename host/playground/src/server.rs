//! The API server: connections, the token, and which answer a request gets.
//!
//! Everything from the network is bounded: connections, watches, bodies, the
//! time of a watch, the lines of an answer.

mod answer;
mod columns;
mod convert;
mod discovery;
mod identity;
mod list;
mod log;
mod object;
mod openapi;
mod path;
mod pod;
mod review;
mod rules;
mod scale;
mod selector;
mod table;
mod watch;
mod write;

use std::{net::SocketAddr, sync::Arc};

use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::{answer::Problem, identity::Identity};
use self::{
    answer::{Answer, json_answer, page_not_found, problem_answer, text_answer, typed_answer},
    path::{Query, ResourcePath, Route},
};
use crate::{Refusal, store::Store};

const MAX_CONNECTIONS: usize = 512;
const MAX_WATCHES: usize = 1_024;
const MAX_BODY: usize = 3 * 1024 * 1024;
/// Requests of one connection at the same time.
const MAX_STREAMS: u32 = 256;
/// A client that does not finish its handshake is let go.
const HANDSHAKE: std::time::Duration = std::time::Duration::from_secs(10);

/// What all requests share.
pub(crate) struct Server {
    store: Arc<Store>,
    token: String,
    address: SocketAddr,
    watches: Arc<Semaphore>,
}

/// A request that was read whole.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) query: Query,
    pub(crate) accept: String,
    pub(crate) content_type: String,
    pub(crate) agent: String,
    pub(crate) body: bytes::Bytes,
}

impl Call {
    /// Who signs the fields that it writes.
    pub(crate) fn manager(&self) -> String {
        match self.query.text("fieldManager") {
            "" => self.agent.split('/').next().unwrap_or("unknown").chars().take(128).collect(),
            manager => manager.chars().take(128).collect(),
        }
    }
}

/// Serves until the future is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    identity: &Identity,
    store: Arc<Store>,
) {
    let server = Arc::new(Server {
        store,
        token: identity.token.clone(),
        address,
        watches: Arc::new(Semaphore::new(MAX_WATCHES)),
    });
    let acceptor = TlsAcceptor::from(identity.tls.clone());
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // Dropped with the future: all connections end with the server.
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                // Out of descriptors, most likely: others have to end first.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let (server, acceptor) = (server.clone(), acceptor.clone());
        connections.spawn(async move {
            connection(server, acceptor, stream).await;
            drop(permit);
        });
    }
}

async fn connection(server: Arc<Server>, acceptor: TlsAcceptor, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { Ok::<_, std::convert::Infallible>(server.answer(request).await) }
    });
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(MAX_STREAMS);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended");
    }
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let mut answer = match self.read(request).await {
            Ok((path, call)) => self.dispatch(&path, &call),
            Err(problem) => problem_answer(&problem),
        };
        if let Some(date) = self.date() {
            answer.headers_mut().insert(header::DATE, date);
        }
        answer
    }

    /// The cluster's time, which is not the clock on the wall.
    fn date(&self) -> Option<HeaderValue> {
        let now = jiff::Timestamp::from_millisecond(self.store.clock().now_ms()).ok()?;
        HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
    }

    async fn read(&self, request: Request<Incoming>) -> Result<(String, Call), Problem> {
        let (parts, body) = request.into_parts();
        let text = |name| {
            let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or("").to_owned()
        };
        let path = parts.uri.path().to_owned();
        // Who only asks whether the server lives needs no name.
        let open = matches!(path::route(&path), Route::Health | Route::Version);
        if !open && !self.is_known(&text(header::AUTHORIZATION)) {
            return Err(Refusal::new(401, "Unauthorized", "Unauthorized".to_owned()).into());
        }
        let body = match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let message = format!("Request entity too large: limit is {MAX_BODY}");
                return Err(Refusal::new(413, "RequestEntityTooLarge", message).into());
            }
            Err(_) => return Err(Refusal::bad_request("the body did not come to its end").into()),
        };
        let call = Call {
            query: Query::parse(parts.uri.query().unwrap_or("")),
            accept: text(header::ACCEPT),
            content_type: text(header::CONTENT_TYPE),
            agent: text(header::USER_AGENT),
            method: parts.method,
            body,
        };
        Ok((path, call))
    }

    /// Compares in a time that does not tell how much of a token was right.
    fn is_known(&self, authorization: &str) -> bool {
        let given = authorization.strip_prefix("Bearer ").unwrap_or("").trim().as_bytes();
        let token = self.token.as_bytes();
        let differences = given.iter().zip(token).fold(0_u8, |all, (one, other)| all | (one ^ other));
        given.len() == token.len() && differences == 0
    }

    fn dispatch(&self, path: &str, call: &Call) -> Answer {
        let route = path::route(path);
        if let Route::Resource(at) = route {
            return self.resource(&at, call).unwrap_or_else(|problem| {
                let name = at.name.as_deref().unwrap_or("");
                problem_answer(&problem.about(at.kind, name))
            });
        }
        if let Route::Review(group, plural) = &route {
            return review::answer(group, plural, call).unwrap_or_else(|problem| problem_answer(&problem));
        }
        if matches!(route, Route::Unknown) {
            return page_not_found();
        }
        if matches!(route, Route::NoResource) {
            return problem_answer(&no_resource());
        }
        if call.method != Method::GET && call.method != Method::HEAD {
            return problem_answer(&no_method());
        }
        self.page(&route, path, call)
    }

    /// What is the same whatever is in the cluster.
    fn page(&self, route: &Route, path: &str, call: &Call) -> Answer {
        if let (Route::CoreVersions | Route::Groups, Some(media)) =
            (route, discovery::aggregated(&call.accept))
        {
            let path = path.trim_end_matches('/');
            return typed_answer(200, media, discovery::aggregate(media, path).to_string().into());
        }
        let value = match route {
            Route::Version => discovery::version(),
            Route::Health => return text_answer(200, "ok"),
            Route::Root => {
                json!({ "paths": ["/api", "/apis", "/healthz", "/openapi/v2", "/openapi/v3", "/version"] })
            }
            Route::CoreVersions => discovery::core_versions(&self.address.to_string()),
            Route::Groups => discovery::group_list(),
            Route::Group(group) => discovery::group(group),
            Route::Resources(group, version) => discovery::resources(group, version),
            Route::OpenApiV2 => return openapi::v2(&call.accept),
            Route::OpenApiV3(document) => match openapi::v3(document.as_deref()) {
                Some(value) => value,
                None => return page_not_found(),
            },
            _ => Value::Null,
        };
        json_answer(200, &value)
    }

    fn resource(&self, at: &ResourcePath, call: &Call) -> Result<Answer, Problem> {
        let method = call.method.as_str();
        match (at.name.as_deref(), at.subresource.as_deref(), method) {
            (None, None, "GET" | "HEAD") if call.query.is_set("watch") => self.watch(at, call),
            (None, None, "GET" | "HEAD") => self.list(at, call),
            (None, None, "POST") => self.create(at, call),
            (None, None, "DELETE") => self.delete_all(at, call),
            (Some(_), None, "GET" | "HEAD") if call.query.is_set("watch") => self.watch(at, call),
            (Some(name), None | Some("status"), "GET" | "HEAD") => self.get(at, name, call),
            (Some(name), None | Some("status"), "PUT") => self.update(at, name, call),
            (Some(name), None | Some("status"), "PATCH") => self.patch(at, name, call),
            (Some(name), None, "DELETE") => self.delete(at, name, call),
            (Some(name), Some("finalize"), "PUT") => self.update(at, name, call),
            (Some(name), Some("scale"), "GET" | "HEAD" | "PUT" | "PATCH")
                if at.kind.scale == crate::kinds::Scale::Has =>
            {
                self.scale(at, name, call)
            }
            (Some(name), Some("log"), "GET") if at.kind.id == "v1/Pod" => self.log(at, name, call),
            (Some(name), Some("eviction"), "POST") if at.kind.id == "v1/Pod" => self.evict(at, name, call),
            (name, Some("binding"), "POST") if at.kind.id == "v1/Pod" => self.bind(at, name, call),
            (_, Some("exec" | "attach" | "portforward" | "proxy"), _) => {
                Err(Refusal::bad_request("the playground runs no containers: there is nothing to connect to")
                    .into())
            }
            (_, Some(_), _) => Err(no_resource()),
            _ => Err(no_method()),
        }
    }
}

fn no_resource() -> Problem {
    Refusal::new(404, "NotFound", "the server could not find the requested resource".to_owned()).into()
}

fn no_method() -> Problem {
    let message = "the server does not allow this method on the requested resource".to_owned();
    Refusal::new(405, "MethodNotAllowed", message).into()
}
