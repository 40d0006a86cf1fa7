//! What a server says no to, and what it says besides.

use serde_json::json;
use sickbay_cluster::{Cluster as _, ClusterWriter as _, Doubt};
use sickbay_core::{
    change::{Direction, WriteOutcome},
    cluster::{ListQuery, Source},
    error::{CallError, ErrorKind},
    remediation::Change,
};

use crate::server::{Fault, Server, mark, merge, object, scale};

async fn refused(change: Change, faults: impl IntoIterator<Item = Fault>) -> (Server, CallError) {
    let server = Server::start().await;
    let forward = mark(Direction::Forward);
    let rehearsal = server.writer.rehearse(&change, &forward).await.unwrap();
    server.fail_with(faults);
    match server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await {
        WriteOutcome::Refused { error } => (server, error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn refusals_are_final_and_hold_no_secret() {
    let said = r#"{"kind":"Status","message":"spec.replicas: Invalid value: password=hunter2hunter2"}"#;
    for (code, kind, word) in [
        (422, ErrorKind::InvalidInput, "invalid"),
        (400, ErrorKind::InvalidInput, "bad-request"),
        (403, ErrorKind::Denied, "forbidden"),
        (401, ErrorKind::Unauthorized, "credentials-refused"),
    ] {
        let (server, error) = refused(scale(2), [Fault::Say(code, "", said)]).await;
        assert_eq!((error.kind, error.code.as_str()), (kind, word));
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        assert_eq!((server.writes(), server.at("/spec/replicas")), (1, json!(1)));
    }
}

#[tokio::test]
async fn a_busy_server_is_given_the_time_that_it_asks_for() {
    let server = Server::start().await;
    let forward = mark(Direction::Forward);
    let rehearsal = server.writer.rehearse(&scale(2), &forward).await.unwrap();
    server.fail_with([Fault::Say(429, "retry-after: 0\r\n", "{}"), Fault::Say(429, "", "{}")]);
    let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
    assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
    assert_eq!(server.writes(), 3);

    let (server, error) = refused(scale(2), [Fault::Say(429, "retry-after: 3600\r\n", "{}")]).await;
    assert_eq!((error.kind, error.retry_after_ms), (ErrorKind::RateLimited, Some(3_600_000)));
    assert_eq!(server.writes(), 1, "an hour is not waited for");
    let (server, error) = refused(scale(2), vec![Fault::Say(429, "", "{}"); 9]).await;
    assert_eq!(error.code, "http-429");
    assert_eq!(server.writes(), 4);
}

#[tokio::test]
async fn a_budget_is_told_apart_from_a_busy_server() {
    let said = r#"{"kind":"Status","code":429,"reason":"TooManyRequests","message":"Cannot evict pod as it would violate the pod's disruption budget.",
        "details":{"causes":[{"reason":"DisruptionBudget","message":"The disruption budget web needs 2 healthy pods"}]}}"#;
    let evict = Change::Evict { object: object("Pod", "api-1") };
    let (server, error) = refused(evict, vec![Fault::Say(429, "", said); 9]).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "disruption-budget"));
    assert_eq!(server.writes(), 4);
    assert!(server.state.lock().unwrap().pod.is_some());
}

#[tokio::test]
async fn a_rehearsal_sends_dry_runs_alone_and_keeps_the_warnings() {
    let server = Server::start().await;
    let rehearsal = server.writer.rehearse(&scale(2), &mark(Direction::Forward)).await.unwrap();
    assert_eq!(rehearsal.warnings, ["unknown field \"spec.x\""]);
    assert_eq!((server.writes(), server.at("/spec/replicas")), (0, json!(1)));
    let survey = server.writer.survey(&scale(2)).await.unwrap_err();
    assert_eq!(survey.kind, ErrorKind::NotFound, "this server lists no pods: {survey:?}");
    assert_eq!(server.writes(), 0);

    // What was refused before is not even asked.
    let before = server.state.lock().unwrap().methods.len();
    let error = server
        .writer
        .rehearse(&merge(json!({"metadata": {"finalizers": []}})), &mark(Direction::Forward))
        .await
        .unwrap_err();
    assert_eq!(error.code, "field-not-open");
    assert_eq!(server.state.lock().unwrap().methods.len(), before);
}

#[tokio::test]
async fn a_reader_only_reads_and_the_playground_says_what_it_is() {
    let server = Server::start().await;
    let cluster = server.writer.cluster();
    assert_eq!(cluster.info().await.unwrap().source, Source::Playground);
    cluster.get(&object("Deployment", "api")).await.unwrap();
    let _ = cluster.list(&ListQuery { kind: "Pod".into(), ..ListQuery::default() }).await;
    let _ = cluster.events(&object("Deployment", "api")).await;
    assert!(server.state.lock().unwrap().methods.iter().all(|method| method == "GET"));
    assert!(!format!("{:?} {cluster:?}", server.writer).contains("sesame"));
}
