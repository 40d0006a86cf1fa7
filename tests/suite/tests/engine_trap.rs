//! A fault of the guest is a value for the host, and the next call knows nothing of it.

use sickbay_core::{capability::Capability, error::ErrorKind, outside::Ask, plugin::CallFailure};
use sickbay_engine::{CallContext, DenyAll};
use sickbay_test_support::{FakeOutside, context, limits, loaded, wat};
use std::sync::Arc;

async fn call(tool: &str, argument: &str, context: CallContext) -> Result<String, CallFailure> {
    loaded("hostile").call_tool(context, tool, argument).await.result.map(|output| output.text)
}

async fn plain(tool: &str, argument: &str) -> Result<String, CallFailure> {
    call(tool, argument, context(limits(), DenyAll)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_says_what_and_where() {
    for (tool, what) in [
        ("panic", "`unreachable` instruction executed"),
        ("recurse", "call stack exhausted"),
        ("exit", "the plugin ended itself with status"),
        ("out-of-bounds", "out of bounds memory access"),
    ] {
        let Err(CallFailure::Trap { message }) = plain(tool, "a reason").await else { panic!("{tool}") };
        assert!(message.contains(what), "{tool}: {message}");
        assert!(!message.contains('\n'), "{tool}: {message}");
    }
    let Err(CallFailure::Trap { message }) = plain("recurse", "").await else { panic!() };
    assert!(message.contains("in `guest_hostile::recurse"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_panic_says_is_in_the_log() {
    let outside = Arc::new(FakeOutside::new());
    let context = CallContext { outside: outside.clone(), ..context(limits(), DenyAll) };
    assert!(call("panic", "a reason", context).await.is_err());
    assert!(outside.logged().iter().any(|(_, _, text)| text.contains("a reason")), "{:?}", outside.logged());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_sees_fresh_state() {
    for _ in 0..3 {
        assert_eq!(plain("count", "").await.as_deref(), Ok("1"));
        assert!(plain("panic", "").await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guests_own_error_and_a_denial_are_told_apart() {
    let Err(CallFailure::Guest { error }) = plain("error", "").await else { panic!() };
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::NotFound, "there is none"));
    assert_eq!(plain("cluster", "").await, Err(CallFailure::Denied { capability: Capability::ClusterRead }));
    let went_on = plain("cluster-twice", "").await;
    assert_eq!(went_on.as_deref(), Ok("[Err(ErrorKind::Denied), Err(ErrorKind::Denied)]"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_sees_nothing_of_the_machine() {
    insta::assert_snapshot!(plain("environment", "").await.unwrap(), @r"
    arguments: 0
    connect: false
    here: false
    passwd: false
    resolve: false
    root: false
    stdin: 0
    variables: 0
    write: false
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_and_random_numbers_come_from_the_call() {
    assert_eq!(plain("clock", "").await.as_deref(), Ok("1700000000123"));
    let first = plain("random", "").await.unwrap();
    assert_eq!(plain("random", "").await.unwrap(), first);
    let other = CallContext { seed: 8, ..context(limits(), DenyAll) };
    assert_ne!(call("random", "", other).await.unwrap(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_asks_and_is_denied() {
    let outside = Arc::new(FakeOutside::new());
    let context = CallContext { outside: outside.clone(), ..context(limits(), DenyAll) };
    let answer = call("http", "api.example.com", context).await.unwrap();
    assert_eq!(answer, "ErrorCode::HttpRequestDenied");
    assert_eq!(
        outside.asked(),
        [Ask::Http {
            method: "GET".into(),
            url: "https://api.example.com/v1".into(),
            headers: Vec::new(),
            body: Vec::new().into(),
        }]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_with_other_types_breaks_the_contract() {
    let plugin = sickbay_test_support::engine().load(&wat::tool(r#"(func (export "f"))"#)).unwrap();
    let end = plugin.tools(context(limits(), DenyAll)).await;
    let Err(CallFailure::Contract { message }) = end.result else { panic!("{:?}", end.result) };
    assert!(message.contains("does not fit its world"), "{message}");
    let end = loaded("echo").diagnose(context(limits(), DenyAll), Default::default()).await;
    let Err(CallFailure::Contract { message }) = end.result else { panic!("{:?}", end.result) };
    assert_eq!(message, "the plugin is no `diagnosis` plugin");
}
