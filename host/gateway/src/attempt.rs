//! One request to one model: encoded by the plugin, sent by the egress, decoded
//! by the plugin, assembled here. What failed may be tried again by the caller.

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use sickbay_core::{
    capability::Capability,
    error::{CallError, ErrorKind},
    limits::CallLimits,
    model::{
        Request,
        assembly::{Assembled, Assembly, AssemblyError},
    },
    outside::{Answer, Ask, LogLevel},
    provider::{Exchange, ProviderEvent},
    secret::Secret,
    text::clean_line,
};
use sickbay_egress::{Egress, EgressError, Incoming, Outgoing};
use sickbay_engine::{CallContext, Decoder, DenyAll, Outside};

use crate::{
    error::{Failed, Trouble},
    limiter::Limiter,
    model::ModelCall,
    page,
    route::Route,
    scrub,
    settings::GatewaySettings,
};

/// Bytes of an error's body that are looked at.
const ERROR_BODY: usize = 256 * 1024;
/// Events that show nothing yet and are kept until one does.
const HELD: usize = 64;
/// Bytes of a request for each token, about; counted exactly once the provider says so.
const BYTES_PER_TOKEN: u64 = 4;

/// One model, and what is needed to ask it.
pub(crate) struct Trial<'a> {
    pub(crate) route: &'a Route,
    pub(crate) outside: &'a Arc<Config>,
    pub(crate) egress: &'a Egress,
    pub(crate) settings: &'a GatewaySettings,
    pub(crate) limiter: &'a Limiter,
    pub(crate) call: &'a ModelCall,
}

/// A request in the provider's words, cheap to send again.
pub(crate) enum Encoded {
    Http { method: String, path: String, headers: Vec<(String, String)>, body: Bytes },
    Events(Vec<ProviderEvent>),
}

/// What came of it.
pub(crate) struct Answered {
    pub(crate) assembled: Assembled,
    pub(crate) first_byte: Option<Duration>,
}

/// Hands events on to the caller. Those that show nothing wait for the first
/// that does, so that a failure until then can still be made good.
pub(crate) struct Hand<'a> {
    on: &'a mut (dyn FnMut(&ProviderEvent) + Send),
    held: Vec<ProviderEvent>,
    /// Whether the caller has seen anything.
    pub(crate) streamed: bool,
}

impl<'a> Hand<'a> {
    pub(crate) fn new(on: &'a mut (dyn FnMut(&ProviderEvent) + Send)) -> Self {
        Self { on, held: Vec::new(), streamed: false }
    }

    fn give(&mut self, event: ProviderEvent) {
        let shows = !matches!(
            event,
            ProviderEvent::Started { .. } | ProviderEvent::Usage { .. } | ProviderEvent::Raw { .. }
        );
        if !self.streamed && !shows && self.held.len() < HELD {
            self.held.push(event);
            return;
        }
        self.flush();
        self.streamed = true;
        (self.on)(&event);
    }

    pub(crate) fn flush(&mut self) {
        for event in self.held.drain(..) {
            self.streamed = true;
            (self.on)(&event);
        }
    }

    /// What was held of an attempt that failed is not of the next one.
    pub(crate) fn forget(&mut self) {
        self.held.clear();
    }
}

impl Trial<'_> {
    fn secret(&self) -> Option<&Secret> {
        self.route.credential.as_ref().map(|credential| &credential.secret)
    }

    fn context(&self, limits: CallLimits) -> CallContext {
        CallContext {
            limits,
            outside: Arc::clone(self.outside) as Arc<dyn Outside>,
            cancel: self.call.cancel.clone(),
            now_ms: self.call.now_ms,
            seed: self.call.seed,
        }
    }

    fn plugin(&self, function: &str, failure: sickbay_core::plugin::CallFailure) -> Failed {
        let mut failed = Failed::plugin(&self.route.name, function, failure);
        if failed.error.code == "truncated" {
            failed.trouble = Trouble::Truncated;
        }
        failed
    }

    pub(crate) async fn encode(&self, request: &Request) -> Result<Encoded, Failed> {
        let request = self.route.request(request);
        let context = self.context(self.settings.encode);
        match self.route.plugin.encode(context, &request).await.result {
            Ok(Exchange::Http { method, path, headers, body }) => {
                Ok(Encoded::Http { method, path, headers, body: body.into() })
            }
            Ok(Exchange::Events { events }) => Ok(Encoded::Events(events)),
            Err(failure) => Err(self.plugin("encode", failure)),
        }
    }

    /// Sends the request once. The counts of an answer that failed are in the error.
    pub(crate) async fn run(&self, encoded: &Encoded, hand: &mut Hand<'_>) -> Result<Answered, Failed> {
        let mut assembly = Assembly::new(self.settings.assembly);
        let mut first_byte = None;
        let guessed = match encoded {
            Encoded::Http { body, .. } => body.len() as u64 / BYTES_PER_TOKEN,
            Encoded::Events(_) => 0,
        };
        let fed = match encoded {
            Encoded::Events(events) => self.accept(events.clone(), &mut assembly, hand),
            Encoded::Http { method, path, headers, body } => {
                self.wait_for_rates(guessed).await?;
                let outgoing = Outgoing {
                    method: method.clone(),
                    url: self.route.url(path),
                    headers: headers.clone(),
                    body: body.clone(),
                    credential: self.route.credential.clone(),
                };
                let fed = self.exchange(outgoing, &mut assembly, hand, &mut first_byte).await;
                let usage = assembly.usage();
                let counted = usage.input.saturating_add(usage.output);
                // Where nothing was counted, the guess is all that is known; a failure took nothing.
                if counted > 0 || fed.is_err() {
                    self.limiter.correct(guessed, counted);
                }
                fed
            }
        };
        let usage = assembly.usage();
        let done = fed.and_then(|()| {
            let assembled = assembly.finish(&self.route.model).map_err(|error| self.unassembled(error))?;
            hand.flush();
            Ok(Answered { assembled, first_byte })
        });
        done.map_err(|failed| self.explained(Failed { usage, streamed: hand.streamed, ..failed }))
    }

    /// Sends and reads to the end of the stream.
    async fn exchange(
        &self,
        outgoing: Outgoing,
        assembly: &mut Assembly,
        hand: &mut Hand<'_>,
        first_byte: &mut Option<Duration>,
    ) -> Result<(), Failed> {
        let allowed =
            self.route.allowed(&outgoing.method).map_err(|error| network(&error, Trouble::Network))?;
        let lane = self.settings.lanes.of(&self.route.name);
        let _in_flight = lane.acquire_owned().await;
        let started = self.settings.timer.now();
        let mut incoming = self
            .egress
            .send(outgoing, &allowed, &self.settings.budget)
            .await
            .map_err(|error| network(&error, Trouble::Network))?;
        let is_success = (200..300).contains(&incoming.status);
        if is_success && page::is_announced(&incoming.headers) {
            return Err(page::in_place_of_an_answer(self.route));
        }
        let mut decoder = self.decoder(&incoming).await?;
        let mut received = 0_usize;
        loop {
            let chunk = match self.chunk(&mut incoming, assembly.is_stopped()).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                // The answer is whole: how the connection ends changes nothing about it.
                Err(_) if assembly.is_stopped() => return Ok(()),
                Err(error @ EgressError::Broken { .. }) => return Err(network(&error, Trouble::Truncated)),
                Err(error) => return Err(network(&error, Trouble::Network)),
            };
            if received == 0 {
                *first_byte = Some(self.settings.timer.now().saturating_sub(started));
                if is_success && page::is_begun(&chunk) {
                    return Err(page::in_place_of_an_answer(self.route));
                }
            }
            received = received.saturating_add(chunk.len());
            match decoder.push_shared(chunk).await {
                Ok(events) => self.accept(events, assembly, hand)?,
                Err(_) if assembly.is_stopped() => return Ok(()),
                Err(failure) => return Err(self.plugin("push", failure)),
            }
            if !is_success && received > ERROR_BODY {
                break;
            }
        }
        match decoder.finish().await.result {
            Ok(events) => self.accept(events, assembly, hand),
            Err(_) if assembly.is_stopped() => Ok(()),
            Err(failure) => Err(self.plugin("finish", failure).with_advice(&incoming, self.call.now_ms)),
        }
    }

    /// The next bytes; after the stop they are not waited for long.
    async fn chunk(&self, incoming: &mut Incoming, stopped: bool) -> Result<Option<Bytes>, EgressError> {
        if !stopped {
            return incoming.chunk().await;
        }
        match tokio::time::timeout(self.settings.after_stop, incoming.chunk()).await {
            Ok(chunk) => chunk,
            Err(_) => Ok(None),
        }
    }

    /// Opened only now that there is something to decode: it holds an instance for as long as the stream lives.
    async fn decoder(&self, incoming: &Incoming) -> Result<Decoder, Failed> {
        let context = self.context(self.settings.decode);
        let opening = self.route.plugin.decoder(context, incoming.status, incoming.headers.clone());
        let total = self.settings.budget.total;
        match within(total, opening).await {
            Some(end) => end.result.map_err(|failure| self.plugin("decoder", failure)),
            None => {
                let message = format!("no place for another stream became free within {} s", total.as_secs());
                Err(Failed::new(Trouble::Plugin, CallError::new(ErrorKind::Timeout, "no-place", message)))
            }
        }
    }

    async fn wait_for_rates(&self, tokens: u64) -> Result<(), Failed> {
        self.limiter.take(tokens, self.settings.budget.total).await.map_err(|wait| {
            let message = format!(
                "the profile's own rate limits would let the next request go only in {} s",
                wait.as_secs_f64().ceil()
            );
            let error = CallError::new(ErrorKind::RateLimited, "own-rate-limit", message)
                .with_hint("raise `requests-per-minute` or `tokens-per-minute` in `[model]`")
                .with_retry_after_ms(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
            Failed::new(Trouble::Rate, error)
        })
    }

    fn accept(
        &self,
        events: Vec<ProviderEvent>,
        assembly: &mut Assembly,
        hand: &mut Hand<'_>,
    ) -> Result<(), Failed> {
        for mut event in events {
            if let ProviderEvent::Raw { value } = &mut event {
                scrub::value(self.secret(), value);
            }
            let counts = matches!(event, ProviderEvent::Usage { .. } | ProviderEvent::Raw { .. });
            let is_ignored = assembly.is_stopped() && !counts;
            assembly.accept(&event).map_err(|error| self.unassembled(error))?;
            if !is_ignored {
                hand.give(event);
            }
        }
        Ok(())
    }

    fn unassembled(&self, error: AssemblyError) -> Failed {
        let provider = &self.route.name;
        match error {
            AssemblyError::Truncated => {
                let message =
                    format!("`{provider}` ended its stream without saying that the answer is complete");
                Failed::new(Trouble::Truncated, CallError::new(ErrorKind::Unavailable, "truncated", message))
            }
            AssemblyError::TooLarge { .. } | AssemblyError::TooManyCalls { .. } => {
                let message = format!("the answer of `{provider}` was broken off: {error}");
                Failed::new(Trouble::TooLarge, CallError::new(ErrorKind::Limit, "answer-too-large", message))
            }
        }
    }

    /// What a person can do about it, and nothing that may not be shown.
    fn explained(&self, mut failed: Failed) -> Failed {
        let hint = match failed.error.kind {
            _ if failed.error.hint.is_some() => None,
            ErrorKind::ContextLength => self.route.windows.context.map(|tokens| {
                format!("`{}` takes {tokens} tokens, the answer included", clean_line(&self.route.model, 80))
            }),
            ErrorKind::Unauthorized => self.route.key_hint.clone(),
            ErrorKind::NotFound => Some(format!(
                "`sickbay models list --refresh --provider {}` shows its models",
                self.route.name
            )),
            _ => None,
        };
        failed.error.hint = failed.error.hint.or(hint);
        failed.error.message = clean_line(&failed.error.message, 1_000);
        scrub::error(self.secret(), &mut failed.error);
        failed
    }
}

pub(crate) fn network(error: &EgressError, trouble: Trouble) -> Failed {
    let trouble = if matches!(error, EgressError::TooLarge { .. }) { Trouble::TooLarge } else { trouble };
    Failed::new(trouble, error.to_call_error())
}

async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, Box::pin(work)).await.ok()
}

/// The outside of a provider's plugin: its configuration, and nothing else.
pub(crate) struct Config {
    pub(crate) provider: String,
    pub(crate) entries: Vec<(String, String)>,
}

#[async_trait]
impl Outside for Config {
    async fn ask(&self, ask: Ask) -> Answer {
        match ask {
            Ask::ConfigGet { key } => Answer::Config {
                value: self.entries.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone()),
            },
            Ask::ConfigAll => Answer::ConfigAll { entries: self.entries.clone() },
            other => DenyAll.ask(other).await,
        }
    }

    fn log(&self, level: LogLevel, context: &str, message: &str) {
        let (context, message) = (clean_line(context, 60), clean_line(message, 500));
        tracing::debug!(provider = self.provider, ?level, context, "{message}");
    }

    fn is_granted(&self, _capability: &Capability) -> bool {
        false
    }
}
