//! The provider and remediation worlds, both ways through the boundary.

use serde_json::json;
use sickbay_core::{error::ErrorKind, object::ObjectRef, plugin::CallFailure};
use sickbay_engine::{
    CallLimits, DenyAll,
    shapes::{
        model::{Content, Message, Request, Role, StopReason, Usage},
        provider::{Auth, Exchange, ProviderEvent},
        remediation::{Change, PatchType, Propagation, VerdictState},
    },
};
use sickbay_test_support::{context, limits, loaded};

fn say(model: &str, text: &str) -> Request {
    let message = Message { role: Role::User, content: vec![Content::Text { text: text.into() }] };
    Request { model: model.into(), messages: vec![message.into()], ..Request::default() }
}

fn text(text: &str) -> ProviderEvent {
    ProviderEvent::Text { text: text.into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_encodes_requests() {
    let parrot = loaded("parrot");
    let info = parrot.describe_provider(context(limits(), DenyAll)).await.result.unwrap();
    assert_eq!(info.models[0].name, "grey");
    assert!(matches!(info.auth, Auth::Header { ref name, .. } if name == "authorization"));
    let end = parrot.encode(context(limits(), DenyAll), &say("grey", "hello")).await;
    assert_eq!(
        end.result.unwrap(),
        Exchange::Http {
            method: "POST".into(),
            path: "/say".into(),
            headers: vec![("content-type".into(), "text/plain".into())],
            body: b"hello".to_vec(),
        }
    );
    let end = parrot.encode(context(limits(), DenyAll), &say("local", "hello")).await;
    let stop = ProviderEvent::Stop { reason: StopReason::EndTurn };
    assert_eq!(end.result.unwrap(), Exchange::Events { events: vec![text("hello"), stop] });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decoder_keeps_its_state_while_its_stream_lasts() {
    let parrot = loaded("parrot");
    let mut decoder = parrot
        .decoder(context(limits(), DenyAll), 200, Vec::new())
        .await
        .result
        .unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(decoder.push(b"one\ntw").await, Ok(vec![text("one")]));
    assert_eq!(decoder.push(b"").await, Ok(Vec::new()));
    assert_eq!(decoder.push(b"o\n").await, Ok(vec![text("two")]));
    let usage = Usage { input: 1, output: 2, ..Usage::default() };
    assert_eq!(
        decoder.finish().await.result,
        Ok(vec![ProviderEvent::Usage { usage }, ProviderEvent::Stop { reason: StopReason::EndTurn }])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decoder_that_traps_is_dead_and_one_that_fails_is_not() {
    let parrot = loaded("parrot");
    let open = |status| {
        let parrot = parrot.clone();
        async move {
            let end = parrot.decoder(context(limits(), DenyAll), status, Vec::new()).await;
            end.result.unwrap_or_else(|e| panic!("{e:?}"))
        }
    };
    let mut decoder = open(503).await;
    assert_eq!(decoder.push(b"down").await, Ok(Vec::new()));
    let Err(CallFailure::Guest { error }) = decoder.finish().await.result else { panic!() };
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "http-503"));

    let mut decoder = open(200).await;
    let first = decoder.push(b"!").await;
    assert!(matches!(first, Err(CallFailure::Trap { .. })), "{first:?}");
    assert_eq!(decoder.push(b"ok\n").await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_decoders_than_calls_at_once_wait_for_nobody() {
    let parrot = loaded("parrot");
    let mut open = Vec::new();
    for _ in 0..50 {
        let end = parrot.decoder(context(limits(), DenyAll), 200, Vec::new()).await;
        open.push(end.result.unwrap_or_else(|e| panic!("{e:?}")));
    }
    for decoder in &mut open {
        assert_eq!(decoder.push(b"a\n").await, Ok(vec![text("a")]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_crosses_with_every_kind_of_change_and_back() {
    let catalogue = loaded("catalogue");
    let actions = catalogue.actions(context(limits(), DenyAll)).await.result.unwrap();
    assert_eq!(actions[0].parameters, json!({"type": "object", "required": ["name"]}));
    let plan = catalogue
        .plan(context(limits(), DenyAll), "everything", &json!({"name": "api"}))
        .await
        .result
        .unwrap();
    let object = ObjectRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        name: "api".into(),
    };
    assert_eq!(
        plan.changes,
        [
            Change::Patch {
                object: object.clone(),
                patch_type: PatchType::Strategic,
                subresource: Some("scale".into()),
                body: json!({"spec": {"replicas": 2}}),
            },
            Change::Create { manifest: json!({"kind": "ConfigMap"}) },
            Change::Delete {
                object: object.clone(),
                propagation: Propagation::Foreground,
                grace_period_seconds: Some(0),
            },
            Change::Scale { object: object.clone(), replicas: 3 },
            Change::Evict { object: object.clone() },
            Change::Restart { object: object.clone() },
            Change::RolloutUndo { object: object.clone(), to_revision: Some(6) },
            Change::HttpRequest {
                method: "POST".into(),
                url: "https://pager.example.com/".into(),
                headers: vec![("accept".into(), "*/*".into())],
                body: Some(vec![1, 2]),
            },
            Change::Instruction { text: "look at it".into() },
        ]
    );
    let at = "2026-11-21T06:49:34Z";
    let verdict = catalogue
        .verify(context(limits(), DenyAll), "everything", &json!({"name": "api"}), &plan, at)
        .await
        .result
        .unwrap();
    let seen = format!("9 changes of everything at {at} seen");
    assert_eq!((verdict.state, verdict.message), (VerdictState::Progressing, seen));
    let end = catalogue.plan(context(limits(), DenyAll), "nothing", &json!({})).await;
    assert!(matches!(end.result, Err(CallFailure::Guest { .. })), "{:?}", end.result);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_error_is_cut() {
    let name = "x".repeat(1_000_000);
    let end = loaded("catalogue").plan(context(limits(), DenyAll), &name, &json!({})).await;
    let Err(CallFailure::Guest { error }) = end.result else { panic!("{:?}", end.result.is_ok()) };
    assert!(error.message.len() < 10_000 && error.message.ends_with("… (cut)"), "{}", error.message.len());
    let small = CallLimits { result_bytes: 10, ..limits() };
    let end = loaded("catalogue").actions(context(small, DenyAll)).await;
    assert!(matches!(end.result, Err(CallFailure::Limit { .. })), "{:?}", end.result);
}
