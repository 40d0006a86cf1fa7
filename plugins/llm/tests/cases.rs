//! The recorded cases: what the model gets to read of each holds what tells the
//! cause, within the bytes, and every line of it is evidence that the host
//! finds. The cases are not part of the project; without them the test says so.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests stop at what is not as expected, read their cases, and show what was left out"
)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Host, answer, completion, request, silent, text};

/// A case, where it is there.
fn case(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the recorded case `{name}` is not here");
    None
}

/// A model that makes a finding of every part that it reads, citing each line.
fn parrot() -> support::Script {
    Box::new(|question, _| {
        let user = text(&question.messages[1]);
        let mut findings: Vec<Value> = Vec::new();
        for block in user.split("\n\n").filter(|block| block.starts_with("# ")) {
            let mut lines = block.lines();
            let heading = lines.next().unwrap();
            let field = |key: &str| {
                heading
                    .split_whitespace()
                    .find_map(|word| word.strip_prefix(key))
                    .map(|word| word.trim_end_matches(','))
            };
            let object = json!({"apiVersion": field("apiVersion=").unwrap(), "kind": field("kind=").unwrap(),
                "namespace": field("namespace="), "name": field("name=").unwrap()});
            let of_log = heading.contains(" log of ");
            let evidence: Vec<Value> = lines
                .filter(|line| line.starts_with('/'))
                .map(|line| {
                    let (pointer, value) = line.split_once(" = ").unwrap();
                    let value: Value = serde_json::from_str(value.trim_end_matches(" (cut)")).unwrap();
                    json!({"observation": heading.split_whitespace().nth(1).unwrap(), "pointer": pointer, "value": value,
                        "object": if of_log { Value::Null } else { object.clone() }})
                })
                .collect();
            for (at, evidence) in evidence.chunks(8).enumerate() {
                findings.push(json!({"id": format!("f{}", findings.len()), "severity": "warning", "message": "m", "confidence": 0.9,
                    "reason": format!("Reason{at}x{}", findings.len()), "object": object, "evidence": evidence}));
            }
        }
        findings.truncate(50);
        Ok(completion(&answer(&findings)))
    })
}

#[test]
fn every_line_that_is_shown_is_evidence_and_tells_the_cause() {
    for (name, tells) in [
        ("holmesgpt/05_crashpod", &["SSL certificate expired"][..]),
        ("holmesgpt/07_job_syntax_error", &["syntax error"]),
        ("holmesgpt/10_KubeDeploymentReplicasMismatch", &["nvidia.com~1gpu"]),
        ("holmesgpt/12_job_crashing", &["prod-db"]),
        ("holmesgpt/13b_pending_node_selector_detailed", &["label"]),
        ("k8s-ai-bench/fix-crashloop", &["python"]),
        ("k8s-ai-bench/fix-image-pull", &["nginx:invalid-tag"]),
        ("k8s-ai-bench/fix-oomkilled", &["128Mi"]),
        ("k8s-ai-bench/fix-pending-pod", &["storageClassName"]),
        ("k8s-ai-bench/fix-probes", &["readinessProbe"]),
        ("k8s-ai-bench/fix-service-routing", &["/spec/selector"]),
        ("kubernaut/crashloop-kubepodcrashlooping.json", &["bad release", "BackOff"]),
        ("kubernaut/pdb-deadlock-kubepoddisruptionbudgetatlimit.json", &["disruptionsAllowed"]),
        ("kubernaut/pending-taint-kubepodnotscheduled.json", &["taint"]),
        (
            "kubernaut/statefulset-pvc-failure-kubestatefulsetreplicasmismatch.json",
            &["PersistentVolumeClaim"],
        ),
    ] {
        let Some(path) = case(name) else { continue };
        let host = Host::open(&[path], parrot());
        let mut request = request();
        // This one runs, and only its log tells: somebody has to ask.
        request.question =
            name.ends_with("12_job_crashing").then(|| "why does java-api-checker fail?".to_owned());
        request.config = json!({"max-findings": 50}).to_string();
        let diagnosis = host.diagnose(&request).unwrap();
        assert!(!host.asked.borrow().is_empty(), "{name}: {} {:?}", diagnosis.summary, diagnosis.checked);
        let snapshot = host.snapshot();
        assert!(snapshot.len() <= 24 * 1024);
        for part in tells {
            assert!(snapshot.contains(part), "{name}: {part} is missing in\n{snapshot}");
        }
        let checked = host.checked(&diagnosis);
        let all: Vec<_> = checked.findings.iter().flat_map(|finding| &finding.evidence).collect();
        println!("{name}: {} bytes, {} citations, {} lists", snapshot.len(), all.len(), host.listed.get());
        assert!(!all.is_empty(), "{name}: nothing can be cited in\n{snapshot}\n{:?}", diagnosis.skipped);
        for evidence in all {
            assert!(
                evidence.verified,
                "{name}: {} {} = {}",
                evidence.observation, evidence.pointer, evidence.value
            );
        }
        assert!(
            !diagnosis.skipped.iter().any(|line| line.contains("citation")),
            "{name}: {:?}",
            diagnosis.skipped
        );
    }
}

#[test]
fn a_healthy_cluster_costs_no_request() {
    let Some(path) = case("healthy-bundle/k3s-1.31-clean.tar.gz") else { return };
    let diagnosis = Host::open(&[path], silent()).diagnose(&request()).unwrap();
    println!("{}", diagnosis.summary);
    assert!(diagnosis.findings.is_empty());
}
