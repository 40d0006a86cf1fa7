//! Recordings of real clusters, where they are at hand.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says why it skips, and reads recordings"
)]

use std::path::{Path, PathBuf};

use sickbay_cluster::recorded::{Layout, ReadLimits, ReadReport, RecordedCluster, open};
use sickbay_core::cluster::{Coverage, ListQuery};

/// None, with one clear line, where the recordings are not there.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: `{}` is not there", path.display());
    None
}

fn read(path: &Path) -> (RecordedCluster, ReadReport) {
    open(path, ReadLimits::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn names(cluster: &RecordedCluster, kind: &str) -> Vec<String> {
    let query = ListQuery {
        kind: kind.to_owned(),
        fields: vec!["/x".to_owned()],
        limit: 5000,
        ..ListQuery::default()
    };
    let page = cluster.list_now(&query).unwrap();
    let name = |json: &String| {
        let object: serde_json::Value = serde_json::from_str(json).unwrap();
        let namespace =
            object["metadata"]["namespace"].as_str().map(|ns| format!("{ns}/")).unwrap_or_default();
        format!("{namespace}{}", object["metadata"]["name"].as_str().unwrap())
    };
    page.objects.iter().map(name).collect()
}

fn coverage(cluster: &RecordedCluster, kind: &str) -> Coverage {
    cluster.list_now(&ListQuery { kind: kind.to_owned(), ..ListQuery::default() }).unwrap().coverage
}

#[test]
fn healthy_bundle() {
    let Some(path) = shared("healthy-bundle") else { return };
    let (cluster, report) = read(&path);
    assert_eq!(report.layout, Layout::SupportBundle);
    assert_eq!(report.not_read, []);
    assert!(report.objects > 300, "{report:?}");
    assert!(report.logs >= 2, "{report:?}");
    let info = cluster.info_now().unwrap();
    assert_eq!(info.version.as_deref(), Some("v1.31.2+k3s1"));
    assert!(info.observed_at.starts_with("2025-12-10T17:2"), "{info:?}");
    for kind in [
        "Pod",
        "Node",
        "Service",
        "pvc",
        "cj",
        "netpol",
        "Event",
        "sc",
        "pv",
        "quota",
        "pdb",
        "CustomResourceDefinition",
    ] {
        assert_eq!(coverage(&cluster, kind), Coverage::Complete, "{kind}");
    }
    assert_eq!(coverage(&cluster, "Secret"), Coverage::Unknown);
    assert_eq!(names(&cluster, "helmcharts").len(), 2);
}

#[test]
fn broken_pods() {
    let Some(path) = shared("pods") else { return };
    let (cluster, report) = read(&path);
    assert_eq!(names(&cluster, "Pod").len(), 4, "{report:?}");
    assert!(!names(&cluster, "Event").is_empty());
}

#[test]
fn manifests() {
    let Some(path) = shared("k8s-ai-bench") else { return };
    let mut cases = 0;
    for case in std::fs::read_dir(&path).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let (_, report) = read(&case.path());
        assert!(report.objects > 0, "{:?}", case.path());
        assert_eq!(report.not_read, [], "{:?}", case.path());
        cases += 1;
    }
    assert_eq!(cases, 8);
}

#[test]
fn recorded_calls_one_per_file() {
    let Some(path) = shared("holmesgpt") else { return };
    for (case, pods, logs, kind, object) in [
        ("05_crashpod", 1, 2, "Pod", "default/db-certs-authenticator-757f89d977-795x7"),
        ("07_job_syntax_error", 34, 5, "Job", "default/product-data-scraper"),
        ("10_KubeDeploymentReplicasMismatch", 36, 0, "Deployment", "default/user-profile-resources"),
        ("12_job_crashing", 34, 1, "Job", "default/java-api-checker"),
        ("13b_pending_node_selector_detailed", 2, 0, "Node", "kind-double-node-worker"),
    ] {
        let (cluster, report) = read(&path.join(case));
        assert_eq!(report.layout, Layout::Transcript, "{case}");
        assert_eq!(report.not_read, [], "{case}");
        assert!(names(&cluster, "Pod").len() >= pods, "{case}: {}", names(&cluster, "Pod").len());
        assert_eq!(report.logs, logs, "{case}");
        let observed_at = cluster.info_now().unwrap().observed_at;
        if case.starts_with("12") {
            assert!(observed_at.starts_with("2024-11-26T14:1"), "{observed_at}");
        }
        assert!(names(&cluster, kind).contains(&object.to_owned()), "{case}: {:?}", names(&cluster, kind));
    }
}

#[test]
fn recorded_calls_in_one_document() {
    let Some(path) = shared("kubernaut") else { return };
    for (case, kinds) in [
        ("crashloop-kubepodcrashlooping", &["Deployment", "Event"][..]),
        ("hpa-maxed-kubehpamaxedout", &["Deployment", "Event", "HorizontalPodAutoscaler"]),
        ("pdb-deadlock-kubepoddisruptionbudgetatlimit", &["Deployment", "ReplicaSet", "PodDisruptionBudget"]),
        ("pending-taint-kubepodnotscheduled", &["Deployment", "Event", "Node", "Pod"]),
        (
            "resource-quota-exhaustion-kuberesourcequotaexhausted",
            &["Deployment", "ReplicaSet", "ResourceQuota"],
        ),
        (
            "statefulset-pvc-failure-kubestatefulsetreplicasmismatch",
            &["Event", "PersistentVolumeClaim", "Pod", "StatefulSet", "StorageClass"],
        ),
    ] {
        let (cluster, report) = read(&path.join(format!("{case}.json")));
        assert_eq!(report.layout, Layout::Transcript, "{case}");
        assert_eq!(report.not_read, [], "{case}");
        for kind in kinds {
            assert!(!names(&cluster, kind).is_empty(), "{case}: {kind}");
        }
        // The marks of the recorder are gone, and so is what it concluded.
        for kind in cluster.kinds_now().unwrap() {
            let kind = format!("{}/{}", kind.api_version, kind.kind);
            for object in cluster.list_now(&ListQuery { kind, ..ListQuery::default() }).unwrap().objects {
                let object: serde_json::Value = serde_json::from_str(&object).unwrap();
                let labels = object["metadata"]["labels"].to_string();
                assert!(object["kind"] == "Node" || !labels.contains("kubernaut"), "{case}: {labels}");
            }
        }
    }
}
