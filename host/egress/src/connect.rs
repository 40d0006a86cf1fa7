//! The layer around the HTTP client's connector: holds the time to resolve,
//! connect and shake hands, and tells the request that waits for it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::timeout;
use tower::{BoxError, Layer, Service};

use crate::deadline::Attempt;

tokio::task_local! {
    /// The request whose task asks for a connection.
    pub(crate) static ATTEMPT: Arc<Attempt>;
}

/// For a connection that no request of ours asked for, which does not happen.
const OTHERWISE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed;

impl<S> Layer<S> for Timed {
    type Service = TimedConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimedConnector { inner }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct TimedConnector<S> {
    inner: S,
}

impl<S, R> Service<R> for TimedConnector<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        // The first poll is in the request's own task; later ones may be elsewhere.
        let attempt = ATTEMPT.try_with(Arc::clone).ok();
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let Some(attempt) = attempt else {
                return timeout(OTHERWISE, connecting).await.unwrap_or_else(|error| Err(error.into()));
            };
            attempt.connecting();
            let connected = timeout(attempt.connect, connecting).await;
            attempt.connected();
            connected.unwrap_or_else(|_| Err(attempt.connect_timeout().into()))
        })
    }
}
