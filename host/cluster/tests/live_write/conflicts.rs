//! Others write too.

use serde_json::json;
use sickbay_cluster::{ClusterWriter as _, Doubt};
use sickbay_core::{
    change::{Direction, Inverse, WriteOutcome},
    remediation::Change,
};

use crate::server::{Fault, Server, mark, object, replica_set, scale};

async fn outcome(faults: impl IntoIterator<Item = Fault>) -> (Server, WriteOutcome) {
    let server = Server::start().await;
    let forward = mark(Direction::Forward);
    let rehearsal = server.writer.rehearse(&scale(2), &forward).await.unwrap();
    server.fail_with(faults);
    let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
    (server, outcome)
}

#[tokio::test]
async fn a_new_status_is_no_reason_to_stop() {
    let (server, given) = outcome([Fault::Touch, Fault::Touch]).await;
    assert!(matches!(given, WriteOutcome::Applied { .. }), "{given:?}");
    assert_eq!((server.writes(), server.at("/spec/replicas")), (3, json!(2)));
    // But not for ever.
    let (server, given) = outcome(vec![Fault::Touch; 20]).await;
    assert!(matches!(&given, WriteOutcome::Refused { error } if error.code == "conflict"), "{given:?}");
    assert_eq!((server.writes(), server.at("/spec/replicas")), (6, json!(1)));
}

#[tokio::test]
async fn a_new_content_is() {
    let (server, outcome) = outcome([Fault::Meddle]).await;
    let WriteOutcome::Changed { message } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(
        message,
        "`Deployment shop/api` is not as it was at the dry run: `spec.replicas` is 77, was 1"
    );
    assert_eq!((server.writes(), server.at("/spec/replicas")), (1, json!(77)));
}

#[tokio::test]
async fn a_revision_that_is_not_the_one_that_was_shown_is_not_rolled_out() {
    let server = Server::start().await;
    let forward = mark(Direction::Forward);
    let change = Change::RolloutUndo { object: object("Deployment", "api"), to_revision: None };
    let rehearsal = server.writer.rehearse(&change, &forward).await.unwrap();
    assert_eq!(rehearsal.diff[0].path, "spec.template.spec.containers[api].image");
    assert_eq!(rehearsal.inverse, Inverse::RolloutUndo { to_revision: 2 });
    server.state.lock().unwrap().replica_sets[0] = replica_set(1, "evil:1");
    let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
    assert!(matches!(outcome, WriteOutcome::Changed { .. }), "{outcome:?}");
    assert_eq!(server.writes(), 0);

    server.state.lock().unwrap().replica_sets[0] = replica_set(1, "a:1");
    let outcome = server.writer.write(&rehearsal, &forward, Direction::Forward, Doubt::Fresh).await;
    assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
    let template = "/spec/template/spec/containers/0/image";
    assert_eq!(server.at(template), "a:1");
    assert_eq!(server.at("/spec/template/metadata/labels"), json!({"app": "api"}));

    // Back, though somebody scaled it; but not over another template.
    server.state.lock().unwrap().meddle("/spec/replicas", json!(5));
    let back = mark(Direction::Back);
    server.state.lock().unwrap().meddle(template, json!("theirs:1"));
    let outcome = server.writer.write(&rehearsal, &back, Direction::Back, Doubt::Fresh).await;
    assert!(matches!(outcome, WriteOutcome::Changed { .. }), "{outcome:?}");
    server.state.lock().unwrap().meddle(template, json!("a:1"));
    let outcome = server.writer.write(&rehearsal, &back, Direction::Back, Doubt::Fresh).await;
    assert!(matches!(outcome, WriteOutcome::Applied { .. }), "{outcome:?}");
    assert_eq!((server.at(template), server.at("/spec/replicas")), (json!("a:2"), json!(5)));
}
