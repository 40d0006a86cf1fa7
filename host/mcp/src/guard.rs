//! A transport that neither waits for ever nor takes everything.
//!
//! Stands between a server and rmcp. A server that leaves the question of the
//! newer protocol unanswered gets a short while, not the ten seconds that rmcp
//! waits: then the question counts as refused, and the older handshake begins
//! on the same connection. A server that floods is cut off, since each message
//! that it sends unasked would become a task.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rmcp::{
    ErrorData, RoleClient,
    model::{
        ClientJsonRpcMessage, ClientRequest, ErrorCode, RequestId, ServerJsonRpcMessage, ServerNotification,
    },
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use tokio::time::{Instant, sleep_until, timeout};

/// Unasked messages within [`WINDOW`] at most.
const MOST_UNASKED: usize = 5_000;
const WINDOW: Duration = Duration::from_secs(10);
/// How long closing may take, whatever the transport does.
const CLOSING: Duration = Duration::from_secs(6);

/// What the guard saw, for those who ask why a connection ended.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    flooded: Arc<AtomicBool>,
    answered_late: Arc<AtomicBool>,
}

impl Seen {
    pub(crate) fn flooded(&self) -> bool {
        self.flooded.load(Ordering::Relaxed)
    }

    /// The server does speak the newer protocol: it only took its time to say so.
    pub(crate) fn answered_late(&self) -> bool {
        self.answered_late.load(Ordering::Relaxed)
    }
}

pub(crate) struct Guarded<T> {
    inner: T,
    patience: Duration,
    question: Option<(RequestId, Instant)>,
    /// The question that was given up, whose answer may still come.
    given_up: Option<RequestId>,
    unasked: usize,
    since: Instant,
    seen: Seen,
}

impl<T> Guarded<T> {
    pub(crate) fn new(inner: T, patience: Duration, seen: Seen) -> Self {
        let since = Instant::now();
        Self { inner, patience, question: None, given_up: None, unasked: 0, since, seen }
    }

    /// Whether one more unasked message is taken.
    fn admits(&mut self) -> bool {
        if self.since.elapsed() > WINDOW {
            self.since = Instant::now();
            self.unasked = 0;
        }
        self.unasked += 1;
        self.unasked <= MOST_UNASKED
    }

    /// The answer that a server of the older protocol would have given.
    fn give_up(&mut self, id: RequestId) -> ServerJsonRpcMessage {
        self.given_up = Some(id.clone());
        let error = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "`server/discover` was not answered", None);
        ServerJsonRpcMessage::error(error, Some(id))
    }

    /// What is left of a message for those behind the guard, which may be nothing.
    fn sift(&mut self, message: ServerJsonRpcMessage) -> Result<Option<ServerJsonRpcMessage>, Flooded> {
        let id = match &message {
            ServerJsonRpcMessage::Response(response) => Some(&response.id),
            ServerJsonRpcMessage::Error(error) => error.id.as_ref(),
            ServerJsonRpcMessage::Notification(notification) => {
                if !self.admits() {
                    return Err(Flooded);
                }
                return match notification.notification {
                    // Nobody reads them: they would only become tasks.
                    ServerNotification::LoggingMessageNotification(_)
                    | ServerNotification::ResourceUpdatedNotification(_)
                    | ServerNotification::ResourceListChangedNotification(_)
                    | ServerNotification::CustomNotification(_) => Ok(None),
                    _ => Ok(Some(message)),
                };
            }
            ServerJsonRpcMessage::Request(_) => {
                return if self.admits() { Ok(Some(message)) } else { Err(Flooded) };
            }
        };
        if id.is_some() && id == self.given_up.as_ref() {
            if matches!(message, ServerJsonRpcMessage::Response(_)) {
                self.seen.answered_late.store(true, Ordering::Relaxed);
            }
            return Ok(None);
        }
        if id.is_some_and(|id| self.question.as_ref().is_some_and(|(question, _)| question == id)) {
            self.question = None;
        }
        Ok(Some(message))
    }
}

/// More came than is taken.
struct Flooded;

impl<T: Transport<RoleClient>> Transport<RoleClient> for Guarded<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        if let ClientJsonRpcMessage::Request(request) = &item
            && matches!(request.request, ClientRequest::DiscoverRequest(_))
        {
            self.question = Some((request.id.clone(), Instant::now() + self.patience));
        }
        self.inner.send(item)
    }

    /// May be dropped between two messages, as rmcp does.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = match self.question.clone() {
                None => self.inner.receive().await,
                Some((id, at)) => {
                    tokio::select! {
                        biased;
                        message = self.inner.receive() => message,
                        () = sleep_until(at) => {
                            self.question = None;
                            return Some(self.give_up(id));
                        }
                    }
                }
            };
            match self.sift(message?) {
                Ok(Some(message)) => return Some(message),
                Ok(None) => tokio::task::consume_budget().await,
                Err(Flooded) => {
                    self.seen.flooded.store(true, Ordering::Relaxed);
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        timeout(CLOSING, self.inner.close()).await.unwrap_or(Ok(()))
    }
}
