//! Writes whose answer did not come: each happens once, or it is said that
//! nobody knows.

use serde_json::json;
use sickbay_cluster::{ClusterWriter as _, Doubt};
use sickbay_core::{
    change::{Direction, MARK_ANNOTATION, WriteOutcome},
    error::ErrorKind,
    remediation::{Change, Propagation},
};

use crate::server::{Fault, Server, mark, merge, object, scale};

/// The change is to one replica of two.
async fn outcome(faults: &[Fault], doubt: Doubt) -> (Server, WriteOutcome) {
    let server = Server::start().await;
    let forward = mark(Direction::Forward);
    let rehearsal = server.writer.rehearse(&scale(2), &forward).await.unwrap();
    server.fail_with(faults.iter().cloned());
    let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, doubt).await;
    (server, outcome)
}

#[tokio::test]
async fn a_write_that_went_through_is_not_sent_again() {
    for fault in [
        Fault::DoneAndClose,
        Fault::DoneAndHang,
        Fault::DoneBut(500),
        Fault::DoneBut(503),
        Fault::DoneBut(504),
        Fault::DoneAndBabble,
    ] {
        let (server, outcome) = outcome(std::slice::from_ref(&fault), Doubt::Fresh).await;
        assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{fault:?}: {outcome:?}");
        assert_eq!(server.writes(), 1, "{fault:?}");
        assert_eq!(server.at("/spec/replicas"), 2);
    }
}

#[tokio::test]
async fn a_write_that_did_not_is_sent_after_reading_back() {
    for fault in
        [Fault::Close, Fault::Hang, Fault::Say(500, "", "{}"), Fault::Say(503, "retry-after: 0\r\n", "{}")]
    {
        let (server, outcome) = outcome(std::slice::from_ref(&fault), Doubt::Fresh).await;
        assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{fault:?}: {outcome:?}");
        assert_eq!(server.writes(), 2, "{fault:?}");
        assert_eq!(server.at("/spec/replicas"), 2);
    }
}

#[tokio::test]
async fn retries_end() {
    let (server, given) = outcome(&vec![Fault::Say(500, "", "{}"); 9], Doubt::Fresh).await;
    assert!(matches!(&given, WriteOutcome::Refused { error } if error.code == "http-500"), "{given:?}");
    assert_eq!((server.writes(), server.at("/spec/replicas")), (4, json!(1)));

    let (server, given) = outcome(&vec![Fault::Close; 9], Doubt::Fresh).await;
    assert!(
        matches!(&given, WriteOutcome::Refused { error } if error.code == "connection-failed"),
        "{given:?}"
    );
    assert_eq!(server.writes(), 4);

    // A server that is slow may still be at it.
    let (server, given) = outcome(&vec![Fault::Hang; 9], Doubt::Fresh).await;
    assert!(
        matches!(&given, WriteOutcome::Unknown { error } if error.kind == ErrorKind::Timeout),
        "{given:?}"
    );
    assert_eq!(server.writes(), 4);
}

#[tokio::test]
async fn nobody_knows_where_nothing_can_be_read_back() {
    let (server, outcome) = outcome(&[Fault::Die], Doubt::Fresh).await;
    assert!(matches!(outcome, WriteOutcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(server.writes(), 1);
    assert!(!format!("{outcome:?}").contains("sesame"));

    // And what was not sent because nothing could be read is refused, or in doubt.
    let server = Server::start().await;
    let forward = mark(Direction::Forward);
    let rehearsal = server.writer.rehearse(&scale(2), &forward).await.unwrap();
    server.fail_with([Fault::Die]);
    server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
    let fresh = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
    assert!(matches!(fresh, WriteOutcome::Refused { .. }), "{fresh:?}");
    let doubtful = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::InDoubt).await;
    assert!(matches!(doubtful, WriteOutcome::Unknown { .. }), "{doubtful:?}");
    assert_eq!(server.writes(), 1);
}

#[tokio::test]
async fn after_a_crash_the_object_tells() {
    // It was about to be sent, and was not.
    let (server, given) = outcome(&[], Doubt::InDoubt).await;
    assert!(matches!(given, WriteOutcome::Applied { .. }), "{given:?}");
    assert_eq!(server.writes(), 1);

    // It was sent, and somebody undid it by hand since: the mark says that it was.
    let forward = mark(Direction::Forward);
    let rehearsal = {
        server.state.lock().unwrap().meddle("/metadata/annotations", json!({}));
        server.state.lock().unwrap().meddle("/spec/replicas", json!(1));
        server.writer.rehearse(&scale(2), &forward).await.unwrap()
    };
    server.state.lock().unwrap().meddle("/metadata/annotations", json!({MARK_ANNOTATION: "01K/1.0"}));
    let given = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::InDoubt).await;
    assert!(matches!(given, WriteOutcome::Already { .. }), "{given:?}");
    assert_eq!(server.writes(), 1);
}

#[tokio::test]
async fn taking_back_is_as_careful() {
    for (fault, writes) in [
        (Fault::DoneAndClose, 2),
        (Fault::DoneAndHang, 2),
        (Fault::Close, 3),
        (Fault::DoneBut(500), 2),
        (Fault::Touch, 3),
    ] {
        let server = Server::start().await;
        let (forward, back) = (mark(Direction::Forward), mark(Direction::Back));
        let change = merge(json!({"spec": {"replicas": 2, "paused": true}}));
        let rehearsal = server.writer.rehearse(&change, &forward).await.unwrap();
        let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
        assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
        server.fail_with([fault.clone()]);
        let outcome = server.writer.write(&rehearsal, &back, Direction::Back, Doubt::Fresh).await;
        assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{fault:?}: {outcome:?}");
        assert_eq!(server.writes(), writes, "{fault:?}");
        assert_eq!((server.at("/spec/replicas"), server.at("/spec/paused")), (json!(1), json!(null)));
        let outcome = server.writer.write(&rehearsal, &back, Direction::Back, Doubt::InDoubt).await;
        assert!(matches!(outcome, WriteOutcome::Already { .. }), "{fault:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_pod_goes_once() {
    let delete = Change::Delete {
        object: object("Pod", "api-1"),
        propagation: Propagation::Background,
        grace_period_seconds: None,
    };
    for (change, fault, writes) in [
        (delete.clone(), Fault::DoneAndClose, 1),
        (delete.clone(), Fault::DoneBut(500), 1),
        (delete.clone(), Fault::Close, 2),
        (Change::Evict { object: object("Pod", "api-1") }, Fault::DoneAndHang, 1),
        (Change::Evict { object: object("Pod", "api-1") }, Fault::Say(500, "", "{}"), 2),
    ] {
        let server = Server::start().await;
        let forward = mark(Direction::Forward);
        let rehearsal = server.writer.rehearse(&change, &forward).await.unwrap();
        assert!(server.state.lock().unwrap().pod.is_some(), "a dry run deletes nothing");
        server.fail_with([fault.clone()]);
        let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
        assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{fault:?}: {outcome:?}");
        assert_eq!(server.writes(), writes, "{fault:?}");

        // The next pod of the same name is not the one that was to go.
        let next = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api-1", "namespace": "shop", "uid": "p-2"}});
        server.state.lock().unwrap().pod = Some(next);
        let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
        assert!(matches!(outcome, WriteOutcome::Changed { .. }), "{fault:?}: {outcome:?}");
        let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::InDoubt).await;
        assert!(matches!(outcome, WriteOutcome::Already { .. }), "{fault:?}: {outcome:?}");
        assert_eq!(server.writes(), writes, "{fault:?}");
    }
}
