//! One call of a plugin, from its first event to its last.

use std::{future::Future, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sickbay_core::{
    capability::Capability,
    digest::Digest,
    event::Event,
    limits::{CallLimits, Function},
    plugin::{CallFailure, CallLimit},
};
use sickbay_engine::{CallContext, CallEnd};

use super::{Drive, Known, ReadyPlugin};
use crate::{dispatcher::CallOutside, error::Failure};

/// What a strategy that asks a model may take at most.
const MODEL_TIME_MS: u64 = 300_000;

/// How a call ended, as the driver sees it.
pub(super) struct Called<T> {
    pub(super) result: Result<T, CallFailure>,
    pub(super) wall_ms: u64,
    /// The run's time was up, rather than the call's own.
    pub(super) run_is_over: bool,
}

/// What is called, and with what.
pub(super) struct Call<'a> {
    pub(super) plugin: &'a str,
    pub(super) ready: &'a ReadyPlugin,
    pub(super) function: Function,
    pub(super) name: &'static str,
    pub(super) input: Value,
}

impl Drive {
    /// Calls once, or takes the recorded end of it.
    pub(super) async fn call<T, F>(
        &self,
        known: &mut Known,
        call: Call<'_>,
        act: impl FnOnce(CallContext) -> F,
    ) -> Result<Called<T>, Failure>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = CallEnd<T>>,
    {
        known.calls += 1;
        known.spent.plugin_calls += 1;
        let number = known.calls;
        let started = self
            .record(Event::CallStarted {
                call: number,
                plugin: call.plugin.to_owned(),
                function: call.name.to_owned(),
                input: call.input,
            })
            .await?;
        known.tick(started);
        let mut limits = CallLimits::of(call.function).for_interpreter();
        // A model takes its time; what bounds it then is the profile's own limit.
        if call.function == Function::Diagnose
            && call.ready.loaded.inspection().manifest.capabilities.contains(&Capability::Model)
        {
            limits.time_ms = limits.time_ms.max(MODEL_TIME_MS);
        }
        limits.time_ms = limits.time_ms.min(self.settings.profile.limits.call.as_millis());
        let left = self.settings.profile.limits.wall.as_millis().saturating_sub(known.spent.wall_ms);
        // What was written is verified, or taken back, whatever time that takes.
        let left = if known.has_written() { limits.time_ms } else { left };
        let is_last_moment = left < limits.time_ms;
        limits.time_ms = limits.time_ms.min(left.max(1));
        let (result, host_calls, logs_dropped) = if let Some(end) = self.context.recorder.foretold_end(number)
        {
            self.context.keep_foretold(end.answers);
            let result = end.result.and_then(|value| {
                serde_json::from_value(value).map_err(|error| CallFailure::Contract {
                    message: format!("its recorded answer can not be read: {error}"),
                })
            });
            (result, end.host_calls, end.logs_dropped)
        } else {
            let terms = Arc::clone(&call.ready.terms);
            let outside = Arc::new(CallOutside::new(Arc::clone(&self.context), number, terms));
            let context = CallContext {
                limits,
                outside: Arc::<CallOutside>::clone(&outside),
                cancel: self.cancel_of(known),
                now_ms: started.at_ms,
                seed: seed(&self.run, number),
            };
            let end = act(context).await;
            self.context.check_recorder()?;
            outside.flush_logs().await?;
            (end.result, end.host_calls, end.logs_dropped)
        };
        let output = result.as_ref().ok().map(|value| serde_json::to_value(value).unwrap_or(Value::Null));
        let failure = result.as_ref().err().cloned();
        let ended =
            self.record(Event::CallEnded { call: number, output, failure, host_calls, logs_dropped }).await?;
        known.tick(ended);
        known.spend_on_models(self.context.take_model_spending());
        let time_is_up = matches!(&result, Err(CallFailure::Limit { limit: CallLimit::Time, .. }));
        Ok(Called {
            result,
            wall_ms: ended.active_ms.saturating_sub(started.active_ms),
            run_is_over: time_is_up && is_last_moment,
        })
    }
}

/// The same run and call give the same random numbers.
pub(crate) fn seed(run: &str, call: u64) -> u64 {
    let digest = Digest::of(format!("{run}/{call}").as_bytes());
    u64::from_str_radix(digest.hex().get(..16).unwrap_or("0"), 16).unwrap_or(0)
}
