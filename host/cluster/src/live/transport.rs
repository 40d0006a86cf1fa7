//! What only reads: GETs through an [`Exchange`], with retries. Nothing that is
//! built on it can write.

use std::sync::Arc;

use http::{Request, header};
use kube::client::Body;
use sickbay_core::error::{CallError, ErrorKind};

pub(super) use super::exchange::{Keep, Received, TOO_LARGE};
use super::{
    exchange::{Again, Exchange, Failure},
    path::RequestPath,
    place::Place,
    settings::{LiveLimits, LiveTimeouts},
    status::{Attempt, Refusal},
};

pub(super) struct Transport {
    exchange: Arc<Exchange>,
    pub(super) place: Place,
    pub(super) limits: LiveLimits,
}

impl Transport {
    pub(super) fn new(
        client: kube::Client,
        place: Place,
        timeouts: LiveTimeouts,
        limits: LiveLimits,
    ) -> Self {
        let exchange = Arc::new(Exchange::new(client, place.clone(), timeouts, &limits));
        Self { exchange, place, limits }
    }

    /// For the one that may write over the same connection.
    pub(super) fn exchange(&self) -> Arc<Exchange> {
        Arc::clone(&self.exchange)
    }

    pub(super) fn server_time(&self) -> Option<i64> {
        self.exchange.server_time()
    }

    /// A JSON document, whole.
    pub(super) async fn get(
        &self,
        path: &RequestPath,
        attempt: &Attempt<'_>,
    ) -> Result<Vec<u8>, Box<Refusal>> {
        let keep = Keep::All(self.limits.response_bytes);
        Ok(self.fetch(path, attempt, "application/json", keep).await?.bytes)
    }

    /// Asks again where the server was busy or closed the connection.
    pub(super) async fn fetch(
        &self,
        path: &RequestPath,
        attempt: &Attempt<'_>,
        accept: &str,
        keep: Keep,
    ) -> Result<Received, Box<Refusal>> {
        let mut tried = 0;
        loop {
            let request =
                Request::get(path.as_str()).header(header::ACCEPT, accept).body(Body::empty()).map_err(
                    |_| CallError::new(ErrorKind::InvalidInput, "bad-path", "the request has no valid path"),
                )?;
            let Failure { refusal, again, .. } = match self.exchange.send(request, attempt, keep).await {
                Ok(received) => return Ok(received),
                Err(failure) => failure,
            };
            if tried == self.limits.retries || again == Again::Never {
                return Err(refusal);
            }
            let Some(wait) = self.exchange.pause(&refusal.error, tried) else { return Err(refusal) };
            tried += 1;
            tracing::debug!(
                status = refusal.status,
                tried,
                wait_ms = wait.as_millis(),
                "asking the API server again"
            );
            tokio::time::sleep(wait).await;
        }
    }
}
