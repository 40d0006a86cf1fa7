//! A guest can not take more memory than its call has, nor make the host take it.

use sickbay_core::{
    diagnosis::DiagnosisRequest,
    outside::LogLevel,
    plugin::{CallFailure, CallLimit},
};
use sickbay_engine::{CallLimits, DenyAll, LoadError};
use sickbay_test_support::{FakeOutside, context, engine, limits, loaded, memory, wat};
use std::sync::Arc;

/// More than any of these calls may leave behind.
const MARGIN: u64 = 48 << 20;

/// How the call ended, where a limit ended it.
async fn limit(tool: &str, argument: &str, limits: CallLimits) -> Option<(CallLimit, u64)> {
    let end = loaded("hostile").call_tool(context(limits, FakeOutside::new()), tool, argument).await;
    assert!(end.peak_memory <= limits.memory_bytes, "{tool}: {}", end.peak_memory);
    match end.result {
        Err(CallFailure::Limit { limit, allowed }) => Some((limit, allowed)),
        Err(_) | Ok(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_take_memory_ends_at_its_own_limit() {
    let memory = Some((CallLimit::Memory, 64 << 20));
    for (tool, argument, expect) in [
        ("grow", "", memory),
        ("nibble", "", memory),
        ("result-1gib", "", memory),
        ("result", "2000000", Some((CallLimit::Result, 1 << 20))),
        ("result", "20000000", Some((CallLimit::Result, 1 << 20))),
        ("argument", "8000000", Some((CallLimit::HostCopy, 4 << 20))),
        ("random-flood", "", Some((CallLimit::HostCopy, 64 << 10))),
    ] {
        assert_eq!(limit(tool, argument, limits()).await, expect, "{tool} {argument}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_back_to_where_it_was_after_many_that_took_all() {
    let call = || limit("grow", "", limits());
    for _ in 0..4 {
        call().await;
    }
    let Some(before) = memory::resident() else { return };
    for _ in 0..24 {
        call().await;
    }
    let after = memory::resident().unwrap_or_default();
    assert!(after < before + MARGIN, "from {before} to {after} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_million_items_are_not_lifted() {
    let limits = CallLimits { memory_bytes: 512 << 20, time_ms: 20_000, ..limits() };
    let request =
        DiagnosisRequest { config: serde_json::json!({"mode": "many"}), ..DiagnosisRequest::default() };
    let end = loaded("strategy").diagnose(context(limits, DenyAll), request).await;
    assert_eq!(end.result, Err(CallFailure::Limit { limit: CallLimit::Result, allowed: 1 << 20 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_that_is_nested_a_million_deep_is_refused_not_followed() {
    let end = loaded("hostile").call_tool(context(limits(), DenyAll), "deep-json", "").await;
    let Err(CallFailure::Contract { message }) = end.result else { panic!("{:?}", end.result) };
    assert!(message.contains("`structured` is not JSON: recursion limit exceeded"), "{message}");
    let end = loaded("hostile").call_tool(context(limits(), DenyAll), "bad-json", "").await;
    assert!(matches!(end.result, Err(CallFailure::Contract { .. })), "{:?}", end.result);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_logs_is_cut_counted_and_not_held_against_the_result() {
    for (tool, expect) in [("log-flood", "logged"), ("print-flood", "printed")] {
        let outside = Arc::new(FakeOutside::new());
        let mut context = context(limits(), DenyAll);
        context.outside = outside.clone();
        let end = loaded("hostile").call_tool(context, tool, "").await;
        assert_eq!(end.result.unwrap().text, expect);
        let kept: usize = outside.logged().iter().map(|(_, context, text)| context.len() + text.len()).sum();
        assert!(kept <= 4 << 10, "{tool} kept {kept} bytes");
        assert_eq!(end.logs_dropped + outside.logged().len() as u64, 10_000, "{tool}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_guest_prints_is_logged_line_by_line() {
    let outside = Arc::new(FakeOutside::new());
    let mut context = context(limits(), DenyAll);
    context.outside = outside.clone();
    let end = loaded("hostile").call_tool(context, "print", "one\ntwo").await;
    assert!(end.result.is_ok());
    let lines = outside.logged();
    for (level, name) in [(LogLevel::Info, "stdout"), (LogLevel::Warn, "stderr")] {
        for text in ["one", "two"] {
            assert!(lines.contains(&(level, name.to_owned(), text.to_owned())), "{lines:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_handles_are_not_given_out() {
    let limits = CallLimits { host_calls: 100_000, ..limits() };
    let end = loaded("hostile").call_tool(context(limits, DenyAll), "handles", "").await;
    let Err(CallFailure::Trap { message }) = end.result else { panic!("{:?}", end.result) };
    assert!(message.contains("table"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memories_tables_and_instances_of_one_component_are_summed() {
    let instances = |count: usize, module: &str| {
        let copies: String = (0..count).map(|_| "(core instance (instantiate $m))".to_owned()).collect();
        let text = wat::tool_text(r#"(func (export "f"))"#, "0.1.0");
        let module = format!("(core module $m {module}) {copies}");
        // The extra instances stand before the plugin's own parts.
        let text = text
            .replacen("(component", &format!("(component {module}"), 1)
            .replace("(core module $m (func", "(core module $p (func");
        let text = text.replace("(core instance $i (instantiate $m))", "(core instance $i (instantiate $p))");
        wat::with_manifest(wat::component(&text), wat::MANIFEST)
    };
    let small = CallLimits { instances: 16, ..limits() };
    for (name, bytes, limits, expect) in [
        ("instances", instances(40, ""), small, (CallLimit::Instances, 16)),
        ("one large memory", instances(1, "(memory 1100)"), small, (CallLimit::Memory, 64 << 20)),
        ("three memories together", instances(3, "(memory 500)"), small, (CallLimit::Memory, 64 << 20)),
        ("one table", instances(1, "(table 110000 funcref)"), small, (CallLimit::Table, 100_000)),
        ("three tables together", instances(3, "(table 40000 funcref)"), small, (CallLimit::Table, 100_000)),
    ] {
        let plugin = engine().load(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let end = plugin.tools(context(limits, DenyAll)).await;
        let (limit, allowed) = expect;
        assert_eq!(end.result, Err(CallFailure::Limit { limit, allowed }), "{name}");
    }
    // More than any call could have is refused when it is loaded.
    for (name, bytes) in [
        ("memories", instances(10, "(memory 1)")),
        ("a table", instances(1, "(table 10000000 funcref)")),
        ("instances", instances(300, "")),
        ("a memory", instances(1, "(memory 40000)")),
    ] {
        let error = engine().load(&bytes).map(|_| ()).unwrap_err();
        assert!(matches!(error, LoadError::Compile { .. }), "{name}: {error}");
        assert!(error.hint().is_some());
    }
}
