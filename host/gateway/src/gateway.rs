//! The profile's model and its fallbacks, tried until one answers.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use sickbay_core::{
    error::{CallError, ErrorKind},
    model::{Request, Usage},
    provider::{Auth, ProviderEvent},
    text::clean_line,
};
use sickbay_egress::Egress;

use crate::{
    attempt::{Answered, Config, Encoded, Hand, Trial},
    error::{Failed, GatewayError, Trouble},
    limiter::Limiter,
    model::{Attempt, Completed, Model, ModelCall},
    retry::{Verdict, decide},
    route::Route,
    settings::GatewaySettings,
};

/// Sends the requests of one profile. Takes any number at the same time.
pub struct Gateway {
    egress: Egress,
    routes: Vec<(Route, Arc<Config>)>,
    settings: GatewaySettings,
    limiter: Limiter,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes: Vec<String> = self.routes.iter().map(|(route, _)| route.full_name()).collect();
        f.debug_struct("Gateway").field("routes", &routes).finish_non_exhaustive()
    }
}

impl Gateway {
    /// The routes in the order in which they are tried: the profile's model, then its fallbacks.
    #[must_use]
    pub fn new(egress: Egress, routes: Vec<Route>, settings: GatewaySettings) -> Self {
        let limiter = Limiter::new(settings.rates, Arc::clone(&settings.timer));
        let routes = routes
            .into_iter()
            .map(|route| {
                let config = Config { provider: route.name.clone(), entries: route.config.clone() };
                (route, Arc::new(config))
            })
            .collect();
        Self { egress, routes, settings, limiter }
    }

    /// The models in the order in which they are tried.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(|(route, _)| route)
    }

    /// Sends one request; see [`Model::complete`].
    pub async fn complete(
        &self,
        request: &Request,
        call: &ModelCall,
        on: &mut (dyn for<'e> FnMut(&'e ProviderEvent) + Send),
    ) -> Result<Completed, GatewayError> {
        let mut hand = Hand::new(on);
        let mut run = Run { attempts: Vec::new(), usage: Usage::default() };
        let ended = {
            let work = Box::pin(self.run(request, call, &mut hand, &mut run));
            tokio::select! {
                biased;
                () = call.cancel.cancelled() => None,
                ended = work => Some(ended),
            }
        };
        ended.unwrap_or_else(|| {
            let route = self.routes().next();
            Err(run.over(route, Failed { streamed: hand.streamed, ..Failed::cancelled() }))
        })
    }

    async fn run(
        &self,
        request: &Request,
        call: &ModelCall,
        hand: &mut Hand<'_>,
        run: &mut Run,
    ) -> Result<Completed, GatewayError> {
        let started = self.settings.timer.now();
        let routes = self.order(&request.model);
        let mut last = None;
        for (route, config) in routes {
            let trial = Trial {
                route,
                outside: config,
                egress: &self.egress,
                settings: &self.settings,
                limiter: &self.limiter,
                call,
            };
            match self.ask(&trial, request, hand, run).await {
                Ok(answered) => {
                    let wall = self.settings.timer.now().saturating_sub(started);
                    return Ok(completed(route, answered, run, wall));
                }
                Err((failed, Verdict::Elsewhere)) => last = Some((route, failed)),
                Err((failed, _)) => return Err(run.over(Some(route), failed)),
            }
        }
        match last {
            Some((route, failed)) => Err(run.over(Some(route), failed)),
            None => Err(run.over(None, self.no_route(&request.model))),
        }
    }

    /// One model, until it answers or there is nothing more to be tried.
    async fn ask(
        &self,
        trial: &Trial<'_>,
        request: &Request,
        hand: &mut Hand<'_>,
        run: &mut Run,
    ) -> Result<Answered, (Failed, Verdict)> {
        let mut retry = 0;
        let mut encoded: Option<Encoded> = None;
        loop {
            let began = self.settings.timer.now();
            let answered = once(trial, request, &mut encoded, hand).await;
            let failed = match answered {
                Ok(answered) => return Ok(answered),
                Err(failed) => failed,
            };
            hand.forget();
            // What fails in the plugin's own `encode` fails there again.
            let most = if encoded.is_some() { retry } else { u32::MAX };
            let verdict = decide(&self.settings.retry, &failed, most, trial.call.seed);
            tracing::debug!(
                provider = trial.route.name,
                code = failed.error.code,
                retry,
                ?verdict,
                "a request to a model failed: {}",
                failed.error.message
            );
            let wall = self.settings.timer.now().saturating_sub(began);
            let Verdict::Again(wait) = verdict else {
                run.note(trial.route, &failed, wall, Duration::ZERO);
                return Err((failed, verdict));
            };
            run.note(trial.route, &failed, wall, wait);
            if !wait.is_zero() {
                self.settings.timer.sleep(wait).await;
            }
            retry += 1;
        }
    }

    /// All routes, or from the one that the request names on.
    fn order(&self, model: &str) -> &[(Route, Arc<Config>)] {
        if model.is_empty() {
            return &self.routes;
        }
        let first = self.routes.iter().position(|(route, _)| route.is_meant_by(model));
        first.and_then(|at| self.routes.get(at..)).unwrap_or_default()
    }

    fn no_route(&self, model: &str) -> Failed {
        let error = if self.routes.is_empty() {
            CallError::new(ErrorKind::NotFound, "no-model", "the profile has no model").with_hint(
                "name one in `[model]`: `provider = \"anthropic\"`, or with `--model PROVIDER/NAME`",
            )
        } else {
            let known: Vec<String> =
                self.routes().map(|route| format!("`{}`", clean_line(&route.full_name(), 80))).collect();
            let message = format!("the profile has no model `{}`", clean_line(model, 80));
            CallError::new(ErrorKind::NotFound, "no-such-model", message)
                .with_hint(format!("it has {}; an empty name means the first", known.join(", ")))
        };
        Failed::new(Trouble::Route, error)
    }
}

#[async_trait]
impl Model for Gateway {
    async fn complete(
        &self,
        request: &Request,
        call: &ModelCall,
        on: &mut (dyn for<'e> FnMut(&'e ProviderEvent) + Send),
    ) -> Result<Completed, GatewayError> {
        Self::complete(self, request, call, on).await
    }
}

/// Encodes what is not encoded yet, and sends it once.
async fn once(
    trial: &Trial<'_>,
    request: &Request,
    encoded: &mut Option<Encoded>,
    hand: &mut Hand<'_>,
) -> Result<Answered, Failed> {
    usable(trial.route)?;
    let ready = match encoded.take() {
        Some(ready) => ready,
        None => trial.encode(request).await?,
    };
    trial.run(encoded.insert(ready), hand).await
}

/// Whether the route says how its requests are signed in a way that is known here.
fn usable(route: &Route) -> Result<(), Failed> {
    if let Auth::Sigv4 { service, .. } = &route.info.auth {
        let message = format!(
            "provider `{}` wants requests signed for the AWS service `{}`, which this version can not do",
            route.name,
            clean_line(service, 40)
        );
        return Err(Failed::new(Trouble::Route, CallError::new(ErrorKind::Unsupported, "sigv4", message)));
    }
    Ok(())
}

/// What a call has tried so far.
struct Run {
    attempts: Vec<Attempt>,
    /// Of attempts that failed; they are paid for all the same.
    usage: Usage,
}

impl Run {
    fn note(&mut self, route: &Route, failed: &Failed, wall: Duration, waited: Duration) {
        self.usage = sum(self.usage, failed.usage);
        self.attempts.push(Attempt {
            provider: route.name.clone(),
            model: route.model.clone(),
            error: failed.error.clone(),
            wall_ms: ms(wall),
            waited_ms: ms(waited),
        });
    }

    fn over(&mut self, route: Option<&Route>, mut failed: Failed) -> GatewayError {
        let attempts = std::mem::take(&mut self.attempts);
        if attempts.len() > 1 {
            failed.error.message.push_str(&format!(" (tried {} times)", attempts.len()));
        }
        let usage = self.usage;
        GatewayError {
            trouble: failed.trouble,
            error: failed.error,
            provider: route.map(|route| route.name.clone()).unwrap_or_default(),
            model: route.map(|route| route.model.clone()).unwrap_or_default(),
            attempts,
            streamed: failed.streamed,
            usage,
            cost_usd: route.and_then(|route| cost(route, &usage)),
        }
    }
}

fn completed(route: &Route, answered: Answered, run: &mut Run, wall: Duration) -> Completed {
    let assembled = answered.assembled;
    let cost_usd = cost(route, &assembled.completion.usage);
    Completed {
        completion: assembled.completion,
        provider: route.name.clone(),
        model: route.model.clone(),
        cost_usd,
        attempts: std::mem::take(&mut run.attempts),
        first_byte_ms: answered.first_byte.map(ms),
        wall_ms: ms(wall),
        response_id: assembled.response_id,
        raw: assembled.raw,
        ignored_events: assembled.after_stop + assembled.raw_dropped,
    }
}

/// None where the price is not known, or where the provider counted nothing of what is not free.
fn cost(route: &Route, usage: &Usage) -> Option<f64> {
    let price = route.price.as_ref()?;
    let is_free = *price == sickbay_core::catalogue::Price::free();
    (is_free || usage.input > 0 || usage.output > 0).then(|| price.cost(usage))
}

fn sum(one: Usage, other: Usage) -> Usage {
    Usage {
        input: one.input.saturating_add(other.input),
        output: one.output.saturating_add(other.output),
        cache_read: one.cache_read.saturating_add(other.cache_read),
        cache_write: one.cache_write.saturating_add(other.cache_write),
        reasoning: one.reasoning.saturating_add(other.reasoning),
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
