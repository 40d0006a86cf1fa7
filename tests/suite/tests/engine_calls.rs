//! What goes in and comes out of a call arrives as it was given.

use std::sync::Arc;

use sickbay_core::{
    cluster::{Coverage, ListQuery, Page},
    diagnosis::{Diagnosis, DiagnosisRequest, Evidence, Finding, ProposedAction, Severity},
    object::ObjectRef,
    outside::{Answer, Ask},
    plugin::CallFailure,
};
use sickbay_engine::{CallContext, DenyAll};
use sickbay_test_support::{FakeOutside, context, limits, loaded};

fn told(mode: &str) -> DiagnosisRequest {
    DiagnosisRequest { config: serde_json::json!({"mode": mode}), ..DiagnosisRequest::default() }
}

async fn diagnose(request: DiagnosisRequest) -> Result<Diagnosis, CallFailure> {
    loaded("strategy").diagnose(context(limits(), DenyAll), request).await.result
}

fn expected() -> Finding {
    let object = ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("shop".into()),
        name: "api-0".into(),
    };
    Finding {
        id: "f1".into(),
        severity: Severity::Critical,
        strategy: String::new(),
        object: object.clone(),
        reason: "CrashLoopBackOff".into(),
        message: "it crashes".into(),
        confidence: 0.9,
        root: false,
        causes: Vec::new(),
        hypothesis: false,
        resolved: false,
        evidence: vec![Evidence {
            observation: "o1".into(),
            object: Some(object),
            pointer: "/status/phase".into(),
            value: "Running".into(),
            verified: false,
        }],
        actions: vec![ProposedAction {
            plugin: "workload".into(),
            action: "rollout-undo".into(),
            parameters: serde_json::json!({"revision": 3}),
            title: "go back to revision 3".into(),
        }],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn findings_cross_both_ways_unchanged() {
    assert_eq!(diagnose(told("one")).await.unwrap().findings, [expected()]);
    let earlier = DiagnosisRequest { earlier: vec![expected()], ..told("earlier") };
    assert_eq!(diagnose(earlier).await.unwrap().findings, [expected()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_the_contract_says_how() {
    for (mode, expect) in [
        ("twice", "two findings have the id `f1`"),
        ("dangling", "a finding causes `f9`, which is no finding"),
        ("unsure", "the confidence of `f1` is not between 0 and 1"),
        ("bad-value", "`evidence.value` is not JSON: EOF while parsing an object at line 1 column 1"),
    ] {
        assert_eq!(
            diagnose(told(mode)).await,
            Err(CallFailure::Contract { message: expect.into() }),
            "{mode}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_and_its_page_cross_unchanged() {
    let page = Page {
        objects: vec!["{\"a\":1}".into(), "{}".into()],
        continue_token: None,
        coverage: Coverage::Partial,
    };
    let outside =
        Arc::new(FakeOutside::answering([Answer::Page { observation: "o7".into(), page: page.clone() }]));
    let context = CallContext { outside: outside.clone(), ..context(limits(), DenyAll) };
    let request = DiagnosisRequest { namespaces: vec!["shop".into()], ..told("list") };
    let end = loaded("strategy").diagnose(context, request).await;
    let diagnosis = end.result.unwrap();
    assert_eq!(diagnosis.skipped, page.objects);
    assert_eq!((diagnosis.checked[0].kind.as_str(), diagnosis.checked[0].objects), ("o7", 2));
    assert_eq!(
        outside.asked(),
        [Ask::ClusterList {
            query: ListQuery {
                kind: "Pod".into(),
                namespaces: vec!["shop".into()],
                label_selector: Some("app=web".into()),
                field_selector: None,
                fields: vec!["/status/phase".into()],
                limit: 7,
                continue_token: None,
            }
        }]
    );
    assert_eq!(end.host_calls, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_fit_its_ask_is_an_error_for_the_guest() {
    let outside = FakeOutside::answering([Answer::Config { value: None }]);
    let end = loaded("strategy").diagnose(context(limits(), outside), told("list")).await;
    let Err(CallFailure::Guest { error }) = end.result else { panic!("{:?}", end.result) };
    assert!(error.message.contains("the wrong shape"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_of_every_kind_crosses_unchanged() {
    for text in ["", "{}", "ü€😀", "\u{0}\u{1b}", &"x".repeat(70_000)] {
        let end = loaded("echo").call_tool(context(limits(), DenyAll), "echo", text).await;
        assert_eq!(end.result.unwrap().text, text);
    }
}
