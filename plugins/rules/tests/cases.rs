//! The recorded cases, each through the same reader and the same check of
//! evidence as in a run: the root must be the object that a person should
//! change, and a healthy cluster must be called healthy. The cases are not part
//! of the project; without them the tests say so and pass.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stop at what is not as expected, and show what was found"
)]

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
};

use sickbay_cluster::recorded::{self, ReadLimits, RecordedCluster};
use sickbay_core::{
    cluster as host,
    diagnosis::{Diagnosis, Finding, Severity},
    evidence::{self, Observations},
    object::ObjectRef as HostRef,
};
use sickbay_rules::{
    cluster::{
        CallError, Cluster, ClusterInfo, Coverage, KindInfo, ListQuery, Log, LogQuery, Observed, Page, Source,
    },
    diagnosis::{ObjectRef, Request},
};

/// A recorded cluster as the plugin sees it, with what the host keeps of it.
struct Host {
    cluster: RecordedCluster,
    observations: RefCell<Observations>,
    next: Cell<u32>,
}

impl Host {
    fn open(paths: &[PathBuf]) -> Self {
        let (cluster, _) = recorded::open_many(paths, ReadLimits::default()).unwrap();
        Self { cluster, observations: RefCell::new(Observations::new()), next: Cell::new(0) }
    }

    fn id(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("o{}", self.next.get())
    }

    fn page(&self, page: host::Page, fields: Vec<String>) -> Page {
        let id = self.id();
        self.observations.borrow_mut().insert_page(&id, page.objects.clone(), fields);
        Page {
            observation: id,
            objects: page.objects,
            continue_token: page.continue_token,
            coverage: coverage(page.coverage),
        }
    }
}

fn coverage(coverage: host::Coverage) -> Coverage {
    match coverage {
        host::Coverage::Complete => Coverage::Complete,
        host::Coverage::Partial => Coverage::Partial,
        host::Coverage::Unknown => Coverage::Unknown,
    }
}

fn failed(error: sickbay_core::error::CallError) -> CallError {
    CallError { not_found: error.kind == sickbay_core::error::ErrorKind::NotFound, message: error.message }
}

fn host_ref(object: &ObjectRef) -> HostRef {
    HostRef {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    }
}

impl Cluster for Host {
    fn info(&self) -> Result<ClusterInfo, CallError> {
        let info = self.cluster.info_now().map_err(failed)?;
        Ok(ClusterInfo {
            source: Source::Recorded,
            version: info.version,
            namespaces: info.namespaces,
            observed_at: info.observed_at,
        })
    }

    fn kinds(&self) -> Result<Vec<KindInfo>, CallError> {
        Ok(Vec::new())
    }

    fn list(&self, query: &ListQuery) -> Result<Page, CallError> {
        let query = host::ListQuery {
            kind: query.kind.clone(),
            namespaces: query.namespaces.clone(),
            label_selector: query.label_selector.clone(),
            field_selector: query.field_selector.clone(),
            fields: query.fields.clone(),
            limit: query.limit,
            continue_token: query.continue_token.clone(),
        };
        let page = self.cluster.list_now(&query).map_err(failed)?;
        Ok(self.page(page, query.fields))
    }

    fn get(&self, object: &ObjectRef) -> Result<Observed, CallError> {
        let object = self.cluster.get_now(&host_ref(object)).map_err(failed)?;
        let id = self.id();
        self.observations.borrow_mut().insert_object(&id, object.clone());
        Ok(Observed { observation: id, object })
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, CallError> {
        let query = host::LogQuery {
            namespace: query.namespace.clone(),
            pod: query.pod.clone(),
            container: query.container.clone(),
            previous: query.previous,
            tail_lines: query.tail_lines,
            limit_bytes: query.limit_bytes,
        };
        let log = self.cluster.logs_now(&query).map_err(failed)?;
        let id = self.id();
        self.observations.borrow_mut().insert_log(&id, &query.namespace, &query.pod, log.lines.clone());
        Ok(Log { observation: id, lines: log.lines, truncated: log.truncated })
    }

    fn events(&self, object: &ObjectRef) -> Result<Page, CallError> {
        let page = self.cluster.events_now(&host_ref(object)).map_err(failed)?;
        Ok(self.page(page, Vec::new()))
    }
}

/// The diagnosis as the host leaves it.
fn diagnose(paths: &[PathBuf]) -> Diagnosis {
    let host = Host::open(paths);
    let diagnosis = sickbay_rules::diagnose(&host, &Request::default()).unwrap();
    let mut diagnosis: Diagnosis = serde_json::from_value(serde_json::to_value(diagnosis).unwrap()).unwrap();
    evidence::check(&mut diagnosis, "rules", &host.observations.borrow());
    diagnosis
}

/// The folder of the cases, where it is there.
fn cases(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the recorded cases `{name}` are not here");
    None
}

fn show(finding: &Finding) -> String {
    let mark = if finding.root { "ROOT" } else { "    " };
    let mut lines = vec![format!(
        "  {mark} {:?} {} {} ({:.2}) causes {:?}\n       {}",
        finding.severity, finding.object, finding.reason, finding.confidence, finding.causes, finding.message
    )];
    for evidence in &finding.evidence {
        let sure = if evidence.verified { "ok " } else { "BAD" };
        lines.push(format!(
            "       {sure} {} {} = {}",
            evidence.observation, evidence.pointer, evidence.value
        ));
    }
    for action in &finding.actions {
        lines.push(format!("       -> {} {}", action.action, action.parameters));
    }
    lines.join("\n")
}

/// Runs one case, prints what was found, and answers what is not as expected.
fn check(case: &str, paths: &[PathBuf], expect: &Expect) -> Option<String> {
    let diagnosis = diagnose(paths);
    println!("=== {case}: {}", diagnosis.summary);
    for finding in diagnosis.findings.iter().filter(|finding| finding.severity != Severity::Info) {
        println!("{}", show(finding));
    }
    for finding in diagnosis.findings.iter().filter(|finding| finding.severity == Severity::Info) {
        println!("       note: {} {}: {}", finding.object, finding.reason, finding.message);
    }
    println!("       skipped: {:?}", diagnosis.skipped);
    let unverified =
        diagnosis.findings.iter().flat_map(|finding| &finding.evidence).filter(|it| !it.verified).count();
    if unverified > 0 {
        return Some(format!("{case}: {unverified} pieces of evidence do not check out"));
    }
    let found = diagnosis.findings.iter().any(|finding| {
        finding.root
            && finding.severity != Severity::Info
            && format!("{}", finding.object) == expect.object
            && expect.says.iter().all(|part| finding.message.contains(part))
            && finding
                .actions
                .first()
                .is_some_and(|action| expect.action.is_empty() || action.action == expect.action)
    });
    (!found).then(|| {
        format!(
            "{case}: no root {} that says {:?} and proposes {}",
            expect.object, expect.says, expect.action
        )
    })
}

struct Expect {
    object: &'static str,
    /// Parts of the message.
    says: &'static [&'static str],
    /// The first action proposed; empty: any.
    action: &'static str,
}

const fn expect(object: &'static str, says: &'static [&'static str], action: &'static str) -> Expect {
    Expect { object, says, action }
}

#[test]
fn recorded_pods() {
    let Some(root) = cases("pods") else { return };
    let mut wrong = Vec::new();
    for (inputs, wanted) in [
        (
            &["pods/message-pending-node-affinity.json"][..],
            expect("Pod message-pending-node-affinity/kotsadm-b6cb54c8f-zgzrn", &["affinity/selector"], ""),
        ),
        (
            &[
                "events/message-container-creating-failed-mount.json",
                "pods/message-container-creating-failed-mount.json",
            ],
            expect(
                "Pod message-container-creating-failed-mount/troubleshoot-copyfromhost-4m79m-psdjm",
                &["/var/lib/collectd is not a directory"],
                "",
            ),
        ),
        (
            &["pods/message-pod-crashloop-backoff.json"],
            expect("Pod message-pod-crashloop-backoff/init-demo", &["wge", "executable"], ""),
        ),
        (
            &["pods/message-pending-pod-resources.json"],
            expect(
                "Pod message-pending-pod-resources/pending-pod-resources-5fddcf7688-djjfc",
                &["nvidia.com/gpu"],
                "",
            ),
        ),
    ] {
        let paths: Vec<PathBuf> = inputs.iter().map(|input| root.join(input)).collect();
        wrong.extend(check(inputs[0], &paths, &wanted));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn manifests_of_broken_workloads() {
    let Some(root) = cases("k8s-ai-bench") else { return };
    let mut wrong = Vec::new();
    for (case, wanted) in [
        ("fix-crashloop", expect("Deployment crashloop-test/app", &["python3"], "escalate")),
        ("fix-image-pull", expect("Deployment debug/app", &["nginx:invalid-tag"], "escalate")),
        (
            "fix-oomkilled",
            expect("Deployment webapp-backend/backend-api", &["150Mi", "128Mi"], "patch-resources"),
        ),
        ("fix-pending-pod", expect("PersistentVolumeClaim homepage-ns/homepage-pvc", &["sc"], "")),
        ("fix-probes", expect("Deployment orders/webapp", &["is_ready"], "patch-probe")),
        ("fix-rbac-wrong-resource", expect("Role simple-rbac-setup/pod-reader-role", &["pods"], "")),
        ("fix-service-routing", expect("Service web/nginx", &["app=web"], "patch-selector")),
        (
            "fix-service-with-no-endpoints",
            expect(
                "Deployment webshop-frontend/web-app-deployment",
                &["environment=production-gpu"],
                "patch-node-selector",
            ),
        ),
    ] {
        wrong.extend(check(case, &[root.join(case)], &wanted));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn text_of_kubectl() {
    let Some(root) = cases("holmesgpt") else { return };
    let mut wrong = Vec::new();
    for (case, wanted) in [
        (
            "05_crashpod",
            expect("Pod default/db-certs-authenticator-757f89d977-795x7", &["SSL certificate expired"], ""),
        ),
        ("07_job_syntax_error", expect("Job default/product-data-scraper", &["syntax error", "fi"], "")),
        (
            "10_KubeDeploymentReplicasMismatch",
            expect("Deployment default/user-profile-resources", &["nvidia.com/gpu"], ""),
        ),
        ("12_job_crashing", expect("Job default/java-api-checker", &["prod-db:3333"], "")),
        (
            "13b_pending_node_selector_detailed",
            expect("Pod app-13b/user-profile-import", &["label=someLabel"], ""),
        ),
    ] {
        wrong.extend(check(case, &[root.join(case)], &wanted));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn transcripts_of_investigations() {
    let Some(root) = cases("kubernaut") else { return };
    let mut wrong = Vec::new();
    for (case, wanted) in [
        (
            "crashloop-kubepodcrashlooping.json",
            expect("Deployment demo-checkout/worker", &[], "rollout-undo"),
        ),
        (
            "pdb-deadlock-kubepoddisruptionbudgetatlimit.json",
            expect("PodDisruptionBudget demo-payments/payment-service-pdb", &[], "relax-budget"),
        ),
        (
            "resource-quota-exhaustion-kuberesourcequotaexhausted.json",
            expect("ResourceQuota demo-quota/namespace-quota", &[], "escalate"),
        ),
        (
            "pending-taint-kubepodnotscheduled.json",
            expect("Node dev-worker-0.redhat-internal.com", &["maintenance"], "remove-taint"),
        ),
        (
            "hpa-maxed-kubehpamaxedout.json",
            expect("HorizontalPodAutoscaler demo-gateway/api-frontend", &[], "raise-max-replicas"),
        ),
        (
            "statefulset-pvc-failure-kubestatefulsetreplicasmismatch.json",
            expect("PersistentVolumeClaim demo-keystore/data-kv-store-2", &[], "delete-claim"),
        ),
    ] {
        wrong.extend(check(case, &[root.join(case)], &wanted));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_healthy_cluster_is_called_healthy() {
    let Some(root) = cases("healthy-bundle") else { return };
    let diagnosis = diagnose(&[root.join("k3s-1.31-clean.tar.gz")]);
    println!("{}", diagnosis.summary);
    for checked in &diagnosis.checked {
        println!("  {} {} of {} healthy", checked.kind, checked.healthy, checked.objects);
    }
    let mut problems = Vec::new();
    for finding in &diagnosis.findings {
        println!("{}", show(finding));
        if finding.severity != Severity::Info {
            problems.push(format!("{} {}", finding.object, finding.reason));
        }
        assert!(finding.evidence.iter().all(|evidence| evidence.verified), "{}", show(finding));
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// For work on the rules: `SICKBAY_RECORDED=a.json:b.yaml cargo test -p sickbay-rules --test cases own -- --nocapture`.
#[test]
fn a_recording_of_your_own() {
    let Some(paths) = option_env!("SICKBAY_RECORDED") else {
        println!("skipped: SICKBAY_RECORDED named no recording when this was built");
        return;
    };
    let paths: Vec<PathBuf> = paths.split(':').map(PathBuf::from).collect();
    let diagnosis = diagnose(&paths);
    println!("{}", diagnosis.summary);
    for finding in &diagnosis.findings {
        println!("{}", show(finding));
    }
}
