//! The contract of reading, kept by the live back and by a recording of the
//! same cluster.

use std::path::Path;

use serde_json::Value;
use sickbay_cluster::{
    live::LiveCluster,
    recorded::{self, ReadLimits, RecordedCluster},
};

use crate::{
    kubectl::{connected, kubeconfig, kubectl},
    reading::{all, identities, identity, keeps_the_contract, of},
    undisturbed::undisturbed,
    workloads::something_runs,
};

/// kubectl's output of a real cluster, as it is, opened as a recording.
fn recorded_by_kubectl(path: &Path) -> RecordedCluster {
    let kinds = "pods,deployments,replicasets,jobs,services,nodes,namespaces,configmaps,secrets,serviceaccounts,events";
    let json = kubectl(path, &["get", kinds, "-A", "-o", "json"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.json");
    std::fs::write(&file, json).unwrap();
    let (cluster, report) = recorded::open(&file, ReadLimits::default()).unwrap();
    assert!(report.objects > 20, "{report:?}");
    cluster
}

#[tokio::test]
async fn live_the_live_back_keeps_the_contract() {
    let Some(path) = kubeconfig() else { return };
    let _runs = something_runs(&path).await;
    let cluster = connected(&path).await;
    undisturbed(&path, async || keeps_the_contract(&cluster).await).await;
}

#[tokio::test]
async fn live_the_recorded_back_keeps_the_contract() {
    let Some(path) = kubeconfig() else { return };
    let _runs = something_runs(&path).await;
    // kubectl takes one kind after the other.
    undisturbed(&path, async || keeps_the_contract(&recorded_by_kubectl(&path)).await).await;
}

#[tokio::test]
async fn live_both_backs_give_the_same_objects() {
    let Some(path) = kubeconfig() else { return };
    let _runs = something_runs(&path).await;
    let live = connected(&path).await;
    undisturbed(&path, async || both_give_the_same(&live, &recorded_by_kubectl(&path)).await).await;
}

async fn both_give_the_same(live: &LiveCluster, recorded: &RecordedCluster) {
    let mut same = 0;
    for kind in ["pods", "Deployment", "replicasets.apps", "Job", "svc", "nodes", "cm", "secrets", "Event"] {
        let (ours, theirs) = (all(live, of(kind)).await, all(recorded, of(kind)).await);
        if kind != "Event" {
            assert_eq!(identities(&ours), identities(&theirs), "{kind}");
        }
        for mut one in ours {
            if let Some(metadata) = one["metadata"].as_object_mut() {
                // kubectl does not show it.
                metadata.remove("managedFields");
            }
            let same_version = |other: &&Value| {
                identity(other) == identity(&one)
                    && other["metadata"]["resourceVersion"] == one["metadata"]["resourceVersion"]
            };
            if let Some(other) = theirs.iter().find(same_version) {
                assert_eq!(&one, other);
                same += 1;
            }
        }
    }
    eprintln!("{same} objects are the same live and recorded");
    assert!(same > 20, "{same}");
}

/// Without a real cluster: what one said, recorded beside the repository.
#[tokio::test]
async fn a_recording_of_pods_and_events_keeps_the_contract() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap();
    let folder = root.join("shared/kubernetes/recorded/v1.20-faults");
    if !folder.is_dir() {
        eprintln!("skipped: no recordings in {}", folder.display());
        return;
    }
    keeps_the_contract(&recorded::open(&folder, ReadLimits::default()).unwrap().0).await;
}
