//! A guest can not take more time than its call has, nor anyone else's.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use sickbay_core::{
    diagnosis::DiagnosisRequest,
    plugin::{CallFailure, CallLimit},
};
use sickbay_engine::{CallContext, CallLimits, Cancel, DenyAll, LoadedPlugin};
use sickbay_test_support::{FakeOutside, context, engine, limits, loaded, wat};

fn quick() -> CallLimits {
    CallLimits { time_ms: 200, ..limits() }
}

fn out_of_time() -> CallFailure {
    CallFailure::Limit { limit: CallLimit::Time, allowed: 200 }
}

async fn call(plugin: &LoadedPlugin, tool: &str, context: CallContext) -> Result<String, CallFailure> {
    plugin.call_tool(context, tool, "{}").await.result.map(|output| output.text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_never_returns_is_ended_at_its_time_limit() {
    let hostile = loaded("hostile");
    for tool in ["spin", "sleep"] {
        assert_eq!(call(&hostile, tool, context(quick(), DenyAll)).await, Err(out_of_time()), "{tool}");
    }
    let end = hostile.tools(context(quick(), DenyAll)).await;
    assert_eq!(end.result.map(|_| ()), Err(out_of_time()), "a loop inside `list`");
    assert!(end.wall >= Duration::from_millis(200));
    let request =
        DiagnosisRequest { config: serde_json::json!({"mode": "spin"}), ..DiagnosisRequest::default() };
    let end = loaded("strategy").diagnose(context(quick(), DenyAll), request).await;
    assert_eq!(end.result, Err(out_of_time()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_while_it_is_instantiated_is_ended_too() {
    let start = r#"(func $s (loop (br 0))) (start $s) (func (export "f"))"#;
    let plugin = engine().load(&wat::tool(start)).unwrap();
    assert_eq!(call(&plugin, "any", context(quick(), DenyAll)).await, Err(out_of_time()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_of_host_calls_is_ended_at_their_number() {
    let hostile = loaded("hostile");
    let limits = CallLimits { host_calls: 100, ..limits() };
    let end = hostile.call_tool(context(limits, FakeOutside::new()), "spin-host", "{}").await;
    assert_eq!(end.result.map(|_| ()), Err(CallFailure::Limit { limit: CallLimit::HostCalls, allowed: 100 }));
    let end = hostile.call_tool(context(limits, FakeOutside::new()), "spin-standard", "{}").await;
    assert!(
        matches!(end.result, Err(CallFailure::Limit { limit: CallLimit::HostCalls, .. })),
        "{:?}",
        end.result
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_waits_for_an_answer_that_never_comes_is_ended() {
    let end = loaded("hostile").call_tool(context(quick(), FakeOutside::hanging()), "ask", "key").await;
    assert_eq!(end.result.map(|_| ()), Err(out_of_time()));
    assert_eq!(end.host_calls, 1);
}

/// More guests spin than there are cores, and yet two other plugins answer and
/// the caller's own timers fire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_keep_answering_while_guests_spin() {
    let hostile = loaded("hostile");
    let (echo, strategy) = (loaded("echo"), loaded("strategy"));
    let cores = available_parallelism().map_or(2, usize::from);
    let spin = CallLimits { time_ms: 1_500, ..limits() };
    let spinning: Vec<_> = (0..cores + 2)
        .map(|_| {
            let hostile = hostile.clone();
            tokio::spawn(async move { call(&hostile, "spin", context(spin, DenyAll)).await })
        })
        .collect();
    let mut ticks = 0;
    let mut interval = tokio::time::interval(Duration::from_millis(5));
    while spinning.iter().any(|task| !task.is_finished()) {
        assert_eq!(call(&echo, "echo", context(limits(), DenyAll)).await.as_deref(), Ok("{}"));
        let end = strategy.diagnose(context(limits(), DenyAll), DiagnosisRequest::default()).await;
        assert!(end.result.is_ok(), "{:?}", end.result);
        interval.tick().await;
        ticks += 1;
    }
    // Far fewer than an idle machine would do; a starved runtime does one or two.
    assert!(ticks >= 8, "{ticks} rounds while guests were spinning");
    for task in spinning {
        assert_eq!(task.await.unwrap(), Err(CallFailure::Limit { limit: CallLimit::Time, allowed: 1_500 }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_call_ends_and_the_next_one_runs() {
    let hostile = loaded("hostile");
    let (handle, cancel) = Cancel::pair();
    let outside = Arc::new(FakeOutside::hanging());
    let context_of = |cancel: &Cancel| CallContext {
        outside: outside.clone(),
        cancel: cancel.clone(),
        ..context(limits(), DenyAll)
    };
    let waiting = {
        let (hostile, context) = (hostile.clone(), context_of(&cancel));
        tokio::spawn(async move { call(&hostile, "ask", context).await })
    };
    while outside.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    handle.cancel();
    assert_eq!(waiting.await.unwrap(), Err(CallFailure::Cancelled));
    assert_eq!(call(&hostile, "count", context_of(&cancel)).await, Err(CallFailure::Cancelled));
    assert_eq!(call(&hostile, "count", context(limits(), DenyAll)).await.as_deref(), Ok("1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_takes_its_guest_with_it() {
    let hostile = loaded("hostile");
    // Were the dropped guests to spin on, these would fill every place and the last call would find none.
    for _ in 0..20 {
        let mut call = Box::pin(call(&hostile, "spin", context(limits(), DenyAll)));
        assert!(futures_poll(&mut call).await.is_pending());
    }
    let end = hostile.call_tool(context(limits(), DenyAll), "count", "{}").await;
    assert_eq!(end.result.unwrap().text, "1");
}

/// Polls a future once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::future::poll_fn(|context| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context)))
        .await
}
