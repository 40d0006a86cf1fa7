//! One call, from the caller's task to the guest and back.
//!
//! A call begins where its caller is: most are over before the first epoch
//! tick, and no other thread ever hears of them. One that is not over by then,
//! or waits, moves to the guests' own runtime, so that no guest keeps a thread
//! of the caller's busy for longer than a tick.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use sickbay_core::plugin::{CallFailure, CallLimit};
use tokio::runtime::Handle;
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace, component::InstancePre};

use crate::{
    call::{CallContext, CallEnd},
    engine::Shared,
    machine::Machine,
    meter::{Breach, Meter},
    plugin::Misfit,
    state::State,
};

/// What a guest's work gives: the outer error ends the store, the inner failure does not.
pub(crate) type Worked<T> = wasmtime::Result<Result<T, CallFailure>>;

/// A store that is set up for one call, and everything that its work needs.
pub(crate) struct Session {
    pub(crate) store: Store<State>,
    pub(crate) pre: Arc<InstancePre<State>>,
}

/// Makes the store of one call. Cheap: what few guests use is made when it is used.
pub(crate) fn session(
    machine: &Machine,
    pre: &Arc<InstancePre<State>>,
    context: &CallContext,
    meter: &Arc<Meter>,
) -> Session {
    let state = State::new(context, Arc::clone(meter), Handle::try_current().ok());
    let mut store = Store::new(&machine.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(usize::try_from(context.limits.host_copy_bytes).unwrap_or(usize::MAX));
    store.epoch_deadline_callback(|store| {
        store.data().meter.check()?;
        Ok(UpdateDeadline::Yield(1))
    });
    Session { store, pre: Arc::clone(pre) }
}

/// The place in the pool that an instance takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// One is taken for as long as the call lasts.
    Needed,
    /// The caller holds one, and works in it now.
    Held,
}

/// Drives a guest's work to its end, whichever comes first: its own, the time limit, or a cancel.
pub(crate) async fn drive<T: Send + 'static>(
    shared: &Arc<Shared>,
    machine: &Machine,
    context: &CallContext,
    meter: &Arc<Meter>,
    place: Place,
    work: Pin<Box<dyn Future<Output = Worked<T>> + Send>>,
) -> CallEnd<T> {
    let started = Instant::now();
    let result = if context.cancel.is_cancelled() {
        Err(CallFailure::Cancelled)
    } else {
        ended(shared, machine, context, meter, place, started, work).await
    };
    CallEnd {
        result,
        host_calls: meter.host_calls(),
        logs_dropped: meter.logs_dropped(),
        peak_memory: meter.peak_memory(),
        wall: started.elapsed(),
    }
}

async fn ended<T: Send + 'static>(
    shared: &Arc<Shared>,
    machine: &Machine,
    context: &CallContext,
    meter: &Arc<Meter>,
    place: Place,
    started: Instant,
    mut work: Pin<Box<dyn Future<Output = Worked<T>> + Send>>,
) -> Result<T, CallFailure> {
    let running = machine.ticker.running();
    // The pool has a place for each permit; whoever finds none waits within its own time limit.
    let permits = match place {
        Place::Needed => &shared.permits,
        Place::Held => &shared.pushes,
    };
    let permit = Arc::clone(permits).try_acquire_owned().ok();
    if permit.is_some() {
        let first = poll_fn(|task| {
            let _entered = shared.guests.enter();
            Poll::Ready(work.as_mut().poll(task))
        })
        .await;
        if let Poll::Ready(worked) = first {
            return outcome(meter, worked);
        }
    }
    let deadline = started + Duration::from_millis(context.limits.time_ms);
    let (permits, cancel, time_ms) = (Arc::clone(permits), context.cancel.clone(), context.limits.time_ms);
    let task = shared.guests.spawn(async move {
        let _running = running;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CallFailure::Cancelled),
            () = tokio::time::sleep_until(deadline.into()) => {
                Err(CallFailure::Limit { limit: CallLimit::Time, allowed: time_ms })
            }
            worked = async move {
                let _permit = match permit {
                    Some(permit) => Some(permit),
                    None => permits.acquire_owned().await.ok(),
                };
                work.await
            } => Ok(worked),
        }
    });
    match AbortOnDrop(task).await {
        Ok(Ok(worked)) => outcome(meter, worked),
        Ok(Err(failure)) => Err(failure),
        // The runtime is shutting down, or the task was torn down with it.
        Err(error) if error.is_cancelled() => Err(CallFailure::Cancelled),
        Err(_) => Err(CallFailure::Trap { message: "the host failed while it ran the plugin".to_owned() }),
    }
}

/// A task that ends with whoever waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn outcome<T>(meter: &Meter, worked: Worked<T>) -> Result<T, CallFailure> {
    match worked {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(CallFailure::Guest { error })) => {
            match (error.kind == sickbay_core::error::ErrorKind::Denied, meter.denied()) {
                (true, Some(capability)) => Err(CallFailure::Denied { capability }),
                _ => Err(CallFailure::Guest { error }),
            }
        }
        Ok(Err(failure)) => Err(failure),
        Err(error) => Err(failure(meter, &error)),
    }
}

/// Which end an engine error stands for.
fn failure(meter: &Meter, error: &wasmtime::Error) -> CallFailure {
    let limit = |breach: Breach| CallFailure::Limit { limit: breach.limit, allowed: breach.allowed };
    if let Some(breach) = error.downcast_ref::<Breach>() {
        return limit(*breach);
    }
    if let Some(Misfit(message)) = error.downcast_ref::<Misfit>() {
        return CallFailure::Contract { message: message.clone() };
    }
    let text = format!("{error:#}");
    // The engine's own errors for these are private types.
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        // A copy on behalf of an import has the guest's frames below it; that of the result has none.
        let in_guest = error.downcast_ref::<WasmBacktrace>().is_some_and(|trace| !trace.frames().is_empty());
        return if in_guest {
            limit(Breach { limit: CallLimit::HostCopy, allowed: meter.limits.host_copy_bytes })
        } else {
            limit(Breach { limit: CallLimit::Result, allowed: meter.limits.result_bytes })
        };
    }
    if text.contains("resource limit exceeded") {
        return limit(Breach { limit: CallLimit::Instances, allowed: u64::from(meter.limits.instances) });
    }
    if let Some(breach) = meter.refused() {
        return limit(breach);
    }
    CallFailure::Trap { message: trap(error) }
}

/// What happened and where, for a person.
fn trap(error: &wasmtime::Error) -> String {
    let what = if let Some(trap) = error.downcast_ref::<Trap>() {
        trap.to_string().trim_start_matches("wasm trap: ").to_owned()
    } else if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        format!("the plugin ended itself with status {}", exit.0)
    } else {
        error.root_cause().to_string()
    };
    let place = error.downcast_ref::<WasmBacktrace>().and_then(|trace| {
        trace.frames().iter().find_map(|frame| {
            let name = frame.func_name()?;
            // A panic's own machinery says nothing about the plugin.
            (!MACHINERY.iter().any(|part| name.contains(part))).then(|| readable(name))
        })
    });
    match place {
        Some(place) => format!("{what} in `{place}`"),
        None => what,
    }
}

const MACHINERY: &[&str] =
    &["panic", "abort", "rust_begin_unwind", "__rust_start", "core::result::unwrap_failed"];

/// A function's name as its author knows it, bounded and without control characters.
fn readable(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name)).chars().filter(|c| !c.is_control()).take(120).collect()
}
