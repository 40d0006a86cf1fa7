//! A model that says what it is told to, for tests of what stands above the gateway.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use sickbay_core::{
    error::{CallError, ErrorKind},
    model::{
        Request, Usage,
        assembly::{Assembly, AssemblyLimits},
    },
    provider::ProviderEvent,
};

use crate::{
    error::{GatewayError, Trouble},
    model::{Completed, Model, ModelCall},
};

/// One answer of a script.
#[derive(Clone, Debug)]
pub enum ScriptedTurn {
    /// Handed on one by one, then assembled as for a real model.
    Events(Vec<ProviderEvent>),
    /// The events are handed on, then it fails.
    Fails(Vec<ProviderEvent>, Trouble, CallError),
    /// Waits until the call is cancelled.
    Hangs,
}

/// Answers one turn after the other, and remembers what it was asked.
#[derive(Debug, Default)]
pub struct ScriptedModel {
    turns: Mutex<VecDeque<ScriptedTurn>>,
    asked: Mutex<Vec<Request>>,
    cost_usd: Option<f64>,
}

impl ScriptedModel {
    #[must_use]
    pub fn new(turns: impl IntoIterator<Item = ScriptedTurn>) -> Self {
        Self { turns: Mutex::new(turns.into_iter().collect()), ..Self::default() }
    }

    /// Each answer costs that much.
    #[must_use]
    pub fn costing(mut self, usd: f64) -> Self {
        self.cost_usd = Some(usd);
        self
    }

    /// Every request so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Model for ScriptedModel {
    async fn complete(
        &self,
        request: &Request,
        call: &ModelCall,
        on: &mut (dyn for<'e> FnMut(&'e ProviderEvent) + Send),
    ) -> Result<Completed, GatewayError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let failed = |trouble, error, usage, streamed| GatewayError {
            trouble,
            error,
            provider: "scripted".to_owned(),
            model: "script".to_owned(),
            attempts: Vec::new(),
            streamed,
            usage,
            cost_usd: None,
        };
        let cancelled = || {
            let error =
                CallError::new(ErrorKind::Internal, "cancelled", "the request to the model was cancelled");
            failed(Trouble::Cancelled, error, Usage::default(), false)
        };
        if call.cancel.is_cancelled() {
            return Err(cancelled());
        }
        let mut assembly = Assembly::new(AssemblyLimits::default());
        let mut unassembled = None;
        let mut tell = |events: &[ProviderEvent]| {
            for event in events {
                if let Err(error) = assembly.accept(event) {
                    unassembled.get_or_insert(error);
                }
                on(event);
            }
        };
        match turn {
            Some(ScriptedTurn::Events(events)) => tell(&events),
            Some(ScriptedTurn::Fails(events, trouble, error)) => {
                tell(&events);
                return Err(failed(trouble, error, assembly.usage(), !events.is_empty()));
            }
            Some(ScriptedTurn::Hangs) => {
                call.cancel.cancelled().await;
                return Err(cancelled());
            }
            None => {
                let error =
                    CallError::new(ErrorKind::Internal, "script-over", "the script has no further turn");
                return Err(failed(Trouble::Provider, error, Usage::default(), false));
            }
        }
        let done = match unassembled {
            Some(error) => Err(error),
            None => assembly.finish("script"),
        };
        let assembled = done.map_err(|error| {
            let error = CallError::new(ErrorKind::Unavailable, "truncated", error.to_string());
            failed(Trouble::Truncated, error, Usage::default(), true)
        })?;
        Ok(Completed {
            completion: assembled.completion,
            provider: "scripted".to_owned(),
            model: "script".to_owned(),
            cost_usd: self.cost_usd,
            attempts: Vec::new(),
            first_byte_ms: None,
            wall_ms: 0,
            response_id: assembled.response_id,
            raw: assembled.raw,
            ignored_events: assembled.after_stop,
        })
    }
}
