//! Each scenario: it is broken as it says, the rules see it, the right fix
//! heals it and a wrong one does not.

mod diagnosed;
mod fixed;

use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::store::Store;

/// A scenario that has settled, on a clock that is advanced by hand.
pub(super) struct Built {
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<Clock>,
    pub(super) life: Life,
}

impl Built {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let clock = Arc::new(Clock::new(1_767_268_800_000, 0.0));
        let store = Arc::new(Store::new(Arc::clone(&clock), b"scenario"));
        store.set_admission(Box::new(crate::life::admit));
        let objects: Arc<dyn Objects> = Arc::clone(&store) as _;
        let life = scenario.build(&objects, &clock).unwrap();
        Self { store, clock, life }
    }

    pub(super) fn named(name: &str) -> Self {
        Self::new(&Scenario::named(name).unwrap())
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.life.settle(&self.clock, seconds * 1_000);
    }

    pub(super) fn get(&self, kind: &str, name: &str) -> Value {
        ["shop", "data", ""]
            .iter()
            .find_map(|space| self.store.get(kind, (!space.is_empty()).then_some(*space), name))
            .unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    pub(super) fn edit(&mut self, kind: &str, name: &str, pointer: &str, value: Value) {
        let object = self.get(kind, name);
        let edit = Edit {
            kind: kind.to_owned(),
            namespace: space(&object).map(str::to_owned),
            name: name.to_owned(),
            set: [(pointer.to_owned(), value)].into(),
        };
        change(self.store.as_ref(), &edit).unwrap();
    }

    /// Ready pods of a Deployment and the number that is wanted.
    pub(super) fn ready(&self, name: &str) -> (i64, i64) {
        let deployment = self.get("apps/v1/Deployment", name);
        let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
        (number("/status/readyReplicas"), number("/spec/replicas"))
    }

    /// The pods whose first container has that image.
    pub(super) fn store_pods(&self, image: &str) -> Vec<Value> {
        let all = self.store.list("v1/Pod", None);
        all.into_iter().filter(|pod| text(pod, "/spec/containers/0/image") == image).collect()
    }

    pub(super) fn pods(&self) -> Vec<String> {
        self.store
            .list("v1/Pod", None)
            .iter()
            .map(|pod| {
                let state = pod.pointer("/status/containerStatuses/0/state").cloned().unwrap_or_default();
                let restarts =
                    pod.pointer("/status/containerStatuses/0/restartCount").cloned().unwrap_or_default();
                format!("{} {} restarts={restarts} {state}", name(pod), text(pod, "/status/phase"))
            })
            .collect()
    }
}

#[test]
fn every_file_is_read_and_listed() {
    for (name, text) in FILES {
        let read = Scenario::parse(text);
        assert!(read.is_ok(), "{name}: {read:?}");
    }
    assert_eq!(infos().len(), FILES.len());
}

#[test]
fn a_misspelt_key_gets_a_suggestion() {
    for (text, hint) in [
        ("description: x\nends: healed\nobjets: []\n", "did you mean `objects`?"),
        (
            "description: x\nends: healed\nobjects: []\nimages: {a: {listen: [1]}}\n",
            "did you mean `listens`?",
        ),
        ("description = \"x\"\nends = \"healed\"\nobjects = []\nsetle = \"1m\"\n", "did you mean `settle`?"),
    ] {
        let error = Scenario::parse(text).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some(hint), "{error}");
    }
    assert_eq!(
        Scenario::named("missing-evn").unwrap_err().hint.as_deref(),
        Some("did you mean `missing-env`?")
    );
}

#[test]
fn toml_says_the_same_as_yaml() {
    let yaml = "description: x\nends: rolled-back\nobjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]\nsettle: 2m\n";
    let toml = "description = \"x\"\nends = \"rolled-back\"\nsettle = \"2m\"\n[[objects]]\napiVersion = \"v1\"\nkind = \"ConfigMap\"\nmetadata = {name = \"a\"}\n";
    assert_eq!(Scenario::parse(yaml).unwrap(), Scenario::parse(toml).unwrap());
}

#[test]
fn the_same_scenario_gives_the_same_cluster() {
    let look = || {
        let built = Built::named("missing-env");
        ["v1/Pod", "v1/Event", "apps/v1/ReplicaSet"].map(|kind| built.store.list(kind, None))
    };
    assert_eq!(look(), look());
}
