//! Recordings of real clusters, where they are at hand.

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
    for kind in cluster.kinds_now().unwrap() {
        println!("{:?} {}", kind, names(&cluster, &format!("{}/{}", kind.api_version, kind.kind)).len());
    }
    println!("{report:?} {info:?}");
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
fn dump_all() {
    for set in ["holmesgpt", "kubernaut"] {
        let Some(path) = shared(set) else { return };
        let mut cases: Vec<_> =
            std::fs::read_dir(&path).unwrap().flatten().map(|entry| entry.path()).collect();
        cases.sort();
        for case in cases {
            if case.ends_with("LICENSE") {
                continue;
            }
            let (cluster, report) = read(&case);
            println!("==== {} {report:?}\n{:?}", case.display(), cluster.info_now());
            for kind in cluster.kinds_now().unwrap() {
                println!(
                    "  {} {:?} {}",
                    kind.kind,
                    kind.coverage,
                    names(&cluster, &format!("{}/{}", kind.api_version, kind.kind)).join(" ")
                );
            }
        }
    }
}

#[test]
fn show() {
    for (case, kind) in [("holmesgpt/05_crashpod","Pod"),("holmesgpt/05_crashpod","Event"),("holmesgpt/07_job_syntax_error","Job"),("holmesgpt/10_KubeDeploymentReplicasMismatch","Deployment"),("holmesgpt/13b_pending_node_selector_detailed","Node"),("kubernaut/pending-taint-kubepodnotscheduled.json","Node"),("kubernaut/crashloop-kubepodcrashlooping.json","Deployment"),("holmesgpt/13b_pending_node_selector_detailed","Pod"),("holmesgpt/07_job_syntax_error","Pod")] {
        let Some(path) = shared(case) else { return };
        let (cluster, _) = read(&path);
        for (at, object) in cluster.list_now(&ListQuery { kind: kind.to_owned(), ..ListQuery::default() }).unwrap().objects.iter().enumerate() {
            if at < 4 || object.contains("product-data") || object.contains("logging-agent") { println!("## {case} {object}"); }
        }
    }
}
