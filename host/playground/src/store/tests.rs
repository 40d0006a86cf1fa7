use serde_json::json;

use super::*;

fn store() -> Store {
    let store = Store::new(Arc::new(Clock::new(1_700_000_000_000, 0.0)), b"seed");
    store.create(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } })).unwrap();
    store
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "shop" },
        "spec": { "containers": [{ "name": "app", "image": "shop:1" }] },
    })
}

fn reason<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (u16, String) {
    let refusal = result.unwrap_err();
    (refusal.status, refusal.reason)
}

#[test]
fn a_new_object_gets_what_a_server_sets() {
    let store = store();
    let made = store.create(pod("a")).unwrap();
    assert_eq!(made["metadata"]["creationTimestamp"], "2023-11-14T22:13:20Z");
    assert_eq!(made["metadata"]["uid"].as_str().unwrap().len(), 36);
    assert_eq!(made["spec"]["restartPolicy"], "Always");
    assert_eq!(made["spec"]["containers"][0]["imagePullPolicy"], "IfNotPresent");
    assert_eq!(made["status"], json!({ "phase": "Pending", "qosClass": "BestEffort" }));
    assert_eq!(reason(store.create(pod("a"))), (409, "AlreadyExists".to_owned()));
    let mut lost = pod("b");
    lost["metadata"]["namespace"] = "nowhere".into();
    assert_eq!(reason(store.create(lost)), (404, "NotFound".to_owned()));
}

#[test]
fn a_generated_name_is_the_same_in_every_run() {
    let make = || {
        let mut object = pod("");
        object["metadata"] = json!({ "generateName": "web-", "namespace": "shop" });
        value::name(&store().create(object).unwrap()).to_owned()
    };
    assert_eq!(make(), make());
    assert_eq!(make().len(), "web-12345".len());
}

use crate::value;

#[test]
fn an_older_version_conflicts() {
    let store = store();
    let first = store.create(pod("a")).unwrap();
    let mut changed = first.clone();
    changed["metadata"]["labels"] = json!({ "app": "a" });
    let second = store.update(changed).unwrap();
    assert_ne!(value::version(&first), value::version(&second));
    let mut stale = first;
    stale["metadata"]["labels"] = json!({ "app": "b" });
    assert_eq!(reason(store.update(stale)), (409, "Conflict".to_owned()));
}

#[test]
fn a_write_that_changes_nothing_is_no_change() {
    let store = store();
    let first = store.create(pod("a")).unwrap();
    let before = store.version();
    assert_eq!(store.update(first.clone()).unwrap(), first);
    assert_eq!(store.version(), before);
}

#[test]
fn status_and_spec_are_written_apart_and_only_the_spec_counts() {
    let store = store();
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [] } } },
    });
    let mut made = store.create(object).unwrap();
    assert_eq!(made["metadata"]["generation"], 1);
    made["status"] = json!({ "replicas": 3 });
    made["spec"]["replicas"] = 5.into();
    let made = store.update_status(made).unwrap();
    assert_eq!((&made["spec"]["replicas"], &made["status"]["replicas"]), (&json!(1), &json!(3)));
    assert_eq!(made["metadata"]["generation"], 1);
    let mut next = made;
    next["status"] = json!({ "replicas": 9 });
    next["spec"]["replicas"] = 5.into();
    let next = store.update(next).unwrap();
    assert_eq!((&next["spec"]["replicas"], &next["status"]["replicas"]), (&json!(5), &json!(3)));
    assert_eq!(next["metadata"]["generation"], 2);
}

#[test]
fn a_running_pod_gets_time_and_a_finalizer_holds() {
    let store = store();
    let mut running = pod("a");
    running["spec"]["nodeName"] = "n1".into();
    store.create(running).unwrap();
    store.delete("v1/Pod", Some("shop"), "a").unwrap();
    let going = store.get("v1/Pod", Some("shop"), "a").unwrap();
    assert_eq!(going["metadata"]["deletionTimestamp"], "2023-11-14T22:13:50Z");
    store.remove("v1/Pod", Some("shop"), "a");
    assert!(store.get("v1/Pod", Some("shop"), "a").is_none());

    let mut held = pod("b");
    held["metadata"]["finalizers"] = json!(["example.com/wait"]);
    store.create(held).unwrap();
    store.delete("v1/Pod", Some("shop"), "b").unwrap();
    let mut going = store.get("v1/Pod", Some("shop"), "b").unwrap();
    assert!(value::is_deleting(&going));
    going["metadata"]["finalizers"] = json!([]);
    store.update(going).unwrap();
    assert!(store.get("v1/Pod", Some("shop"), "b").is_none());
}

#[test]
fn a_namespace_goes_with_the_last_of_what_is_in_it() {
    let store = store();
    let mut running = pod("a");
    running["spec"]["nodeName"] = "n1".into();
    store.create(running).unwrap();
    store.create(pod("b")).unwrap();
    store.delete("v1/Namespace", None, "shop").unwrap();
    assert!(store.get("v1/Pod", Some("shop"), "b").is_none());
    assert_eq!(store.get("v1/Namespace", None, "shop").unwrap()["status"]["phase"], "Terminating");
    assert_eq!(reason(store.create(pod("c"))), (403, "Forbidden".to_owned()));
    store.remove("v1/Pod", Some("shop"), "a");
    assert!(store.get("v1/Namespace", None, "shop").is_none());
}

#[test]
fn the_list_of_an_older_version_is_as_it_was() {
    let store = store();
    store.create(pod("a")).unwrap();
    store.create(pod("b")).unwrap();
    let version = store.version();
    store.remove("v1/Pod", Some("shop"), "a");
    store.create(pod("c")).unwrap();
    let kind = kinds::kind("v1/Pod").unwrap();
    let names = |version, limit| {
        let request = PageRequest { namespace: None, version, after: None, limit, wanted: &|_| true };
        let page = store.page(kind, &request).unwrap();
        (page.items.iter().map(|one| value::name(one).to_owned()).collect::<Vec<_>>(), page.remaining)
    };
    assert_eq!(names(Some(version), 0), (vec!["a".to_owned(), "b".to_owned()], 0));
    assert_eq!(names(None, 0), (vec!["b".to_owned(), "c".to_owned()], 0));
    assert_eq!(names(None, 1), (vec!["b".to_owned()], 1));
    assert_eq!(store.changes(kind, version).unwrap().len(), 2);
}

#[test]
fn admission_sees_what_is_there_and_refuses() {
    let store = store();
    store.set_admission(Box::new(|view, operation, object| {
        let full = !view.list("v1/Pod", Some("shop")).is_empty();
        if operation == Operation::Create && object["kind"] == "Pod" && full {
            return Err(Refusal::new(403, "Forbidden", "exceeded quota".to_owned()));
        }
        Ok(())
    }));
    store.create(pod("a")).unwrap();
    assert_eq!(reason(store.create(pod("b"))), (403, "Forbidden".to_owned()));
}

#[test]
fn logs_turn_and_events_count() {
    let store = store();
    let made = store.create(pod("a")).unwrap();
    store.log("shop", "a", "app", "one");
    assert_eq!(store.log_lines("shop", "a", "app", WhichLog::Previous), None);
    store.rotate_log("shop", "a", "app");
    store.log("shop", "a", "app", "two");
    let texts = |which| {
        let lines = store.log_lines("shop", "a", "app", which).unwrap();
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    assert_eq!(
        (texts(WhichLog::Previous), texts(WhichLog::Current)),
        (vec!["one".into()], vec!["two".into()])
    );
    store.event(&made, "Warning", "BackOff", "back-off", "kubelet");
    store.event(&made, "Warning", "BackOff", "back-off", "kubelet");
    let events = store.list("v1/Event", Some("shop"));
    assert_eq!((events.len(), &events[0]["count"]), (1, &json!(2)));
}
