//! A playground of its own for each case, and what stands in it, without what
//! differs from one run to the next.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use sickbay_cluster::{
    Cluster as _,
    live::{self, LiveSettings},
};
use sickbay_core::{
    change::{FIELD_MANAGER, MARK_ANNOTATION},
    cluster::{ListQuery, MAX_PAGE},
};
use sickbay_playground::{Playground, PlaygroundSettings};
use tempfile::TempDir;

/// Seconds of the cluster's time in one second.
const SPEED: f64 = 100.0;

pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) kubeconfig: PathBuf,
    playground: Playground,
}

impl Place {
    #[expect(clippy::disallowed_methods, reason = "a test writes what its processes read")]
    pub(crate) async fn start(scenario: &str) -> Self {
        let settings =
            PlaygroundSettings { scenario: scenario.to_owned(), text: None, port: 0, speed: SPEED };
        let playground = Playground::start(settings).await.expect("is served");
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, playground.kubeconfig()).expect("writes");
        Self { folder, kubeconfig, playground }
    }

    /// Workloads, their revisions and what they read, as they are declared.
    /// The mark of the run is told as a mark of any run.
    pub(crate) async fn declared(&self, run: &str) -> BTreeMap<String, Value> {
        let mut settings = LiveSettings::new(Arc::new(|| 0));
        settings.kubeconfig_text = Some(self.playground.kubeconfig().to_owned());
        let cluster = live::connect(settings).await.expect("connects");
        let mut found = BTreeMap::new();
        for kind in ["apps/v1/Deployment", "apps/v1/ReplicaSet", "v1/ConfigMap", "v1/Service"] {
            let query = ListQuery { kind: kind.to_owned(), limit: MAX_PAGE, ..ListQuery::default() };
            let page = cluster.list(&query).await.expect("lists");
            assert_eq!(page.continue_token, None);
            for text in page.objects {
                let object: Value = serde_json::from_str(&text.replace(run, "RUN")).expect("is one object");
                let name = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
                found.insert(format!("{kind} {}/{}", name("namespace"), name("name")), declared(&object));
            }
        }
        found
    }
}

/// The object without what a server assigns anew each time.
fn declared(object: &Value) -> Value {
    let ours = |manager: &&Value| manager["manager"].as_str() == Some(FIELD_MANAGER);
    let managers = object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours: Vec<&Value> = managers.iter().filter(ours).map(|manager| &manager["fieldsV1"]).collect();
    // How far a roll-out has come when it is looked at is a matter of time.
    let is_set = object["kind"] == "ReplicaSet";
    let mut spec = object["spec"].clone();
    if let (true, Some(spec)) = (is_set, spec.as_object_mut()) {
        spec.remove("replicas");
    }
    let generation = if is_set { Value::Null } else { object["metadata"]["generation"].clone() };
    json!({
        "labels": object["metadata"]["labels"],
        "mark": object["metadata"]["annotations"][MARK_ANNOTATION],
        "revision": object["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "generation": generation,
        "ours": ours,
        "spec": spec,
        "data": object["data"],
    })
}
