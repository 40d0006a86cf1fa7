use proptest::prelude::*;
use serde_json::json;

use super::{
    Outcome, Report, ReportCluster, StrategyOutcome, StrategyReport,
    text::{Colour, Style, render},
};
use crate::{
    cluster::Source,
    diagnosis::{Checked, Evidence, Finding, ProposedAction, Severity},
    object::ObjectRef,
};

fn object(kind: &str, name: &str) -> ObjectRef {
    let api_version = if kind == "Deployment" { "apps/v1" } else { "v1" };
    ObjectRef {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: Some("shop".into()),
        name: name.into(),
    }
}

fn finding(id: &str, severity: Severity, object: ObjectRef, reason: &str, message: &str) -> Finding {
    Finding {
        id: id.into(),
        severity,
        strategy: "rules".into(),
        object,
        reason: reason.into(),
        message: message.into(),
        confidence: 0.9,
        root: true,
        causes: vec![],
        hypothesis: false,
        resolved: false,
        evidence: vec![],
        actions: vec![],
    }
}

fn empty() -> Report {
    let cluster = ReportCluster {
        source: Source::Recorded,
        version: Some("v1.31.1".into()),
        namespaces: vec!["shop".into()],
    };
    let mut report = Report::new("01aryz6s410000000000000000", "triage", cluster);
    report.usage.wall_ms = 1_234;
    report.usage.plugin_calls = 2;
    report
}

/// A roll-out that broke, with what comes of it.
pub(crate) fn broken() -> Report {
    let mut report = empty();
    report.outcome = Outcome::Findings;
    report.summary = "One roll-out is broken.".into();
    let mut root = finding(
        "f1",
        Severity::Critical,
        object("Deployment", "api"),
        "CrashLoopBackOff",
        "container `api` exits with 1 right after its start, since revision 3 changed its command",
    );
    root.causes = vec!["f2".into(), "f3".into()];
    root.evidence = vec![
        Evidence {
            observation: "o3".into(),
            object: Some(object("Deployment", "api")),
            pointer: "/spec/template/spec/containers/0/command".into(),
            value: json!(["sh", "-c", "exit 1"]),
            verified: true,
        },
        Evidence {
            observation: "o9".into(),
            object: None,
            pointer: "/lines/4".into(),
            value: json!("fatal: no config"),
            verified: false,
        },
    ];
    root.actions = vec![
        ProposedAction {
            plugin: "workload".into(),
            action: "rollout-undo".into(),
            parameters: json!({"kind": "Deployment", "namespace": "shop", "name": "api"}),
            title: "undo the roll-out, back to revision 2".into(),
        },
        ProposedAction {
            plugin: String::new(),
            action: "escalate".into(),
            parameters: json!({}),
            title: "ask the team of shop for the new command".into(),
        },
    ];
    let mut pod = finding(
        "f2",
        Severity::Critical,
        object("Pod", "api-7c9f"),
        "CrashLoopBackOff",
        "restarted 12 times in 34 minutes",
    );
    pod.root = false;
    pod.causes = vec!["f4".into()];
    let mut service = finding(
        "f3",
        Severity::Warning,
        object("Service", "api"),
        "NoEndpoints",
        "no pod behind it is ready",
    );
    service.root = false;
    let mut ingress = finding(
        "f4",
        Severity::Warning,
        object("Ingress", "web"),
        "NoBackend",
        "its backend has no endpoints",
    );
    ingress.root = false;
    let mut guess = finding(
        "f5",
        Severity::Warning,
        object("Node", "n1"),
        "SlowDisk",
        "the disk of the node may be slow",
    );
    guess.hypothesis = true;
    guess.confidence = 0.3;
    let info = finding("f6", Severity::Info, object("Pod", "cache-0"), "NoLimits", "no memory limit is set");
    report.findings = vec![root, pod, service, ingress, guess, info];
    report.checked = vec![
        Checked { kind: "Pod".into(), objects: 12, healthy: 11 },
        Checked { kind: "Service".into(), objects: 4, healthy: 4 },
    ];
    report.skipped = vec!["logs of Pod shop/old-1: not recorded".into()];
    report.strategies = vec![
        StrategyReport {
            name: "rules".into(),
            outcome: StrategyOutcome::Ok,
            message: String::new(),
            findings: 6,
            wall_ms: 900,
        },
        StrategyReport {
            name: "spinner".into(),
            outcome: StrategyOutcome::Limit,
            message: "the call took longer than 30 s".into(),
            findings: 0,
            wall_ms: 30_000,
        },
    ];
    report
}

fn shown(report: &Report, width: usize) -> String {
    render(report, Style { colour: Colour::Never, width })
}

#[test]
fn a_broken_roll_out_reads_root_first() {
    insta::assert_snapshot!(shown(&broken(), 100));
}

#[test]
fn a_narrow_terminal_wraps() {
    insta::assert_snapshot!(shown(&broken(), 60));
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    assert!(!shown(&broken(), 100).contains('\u{1b}'));
    insta::assert_snapshot!(
        render(&broken(), Style { colour: Colour::Always, width: 0 })
            .escape_debug()
            .to_string()
            .replace("\\n", "\n")
    );
}

#[test]
fn a_healthy_cluster_says_what_was_looked_at() {
    let mut report = empty();
    report.checked = vec![Checked { kind: "Pod".into(), objects: 12, healthy: 12 }];
    insta::assert_snapshot!(shown(&report, 100));
}

#[test]
fn a_healthy_verdict_claims_no_more_than_was_seen() {
    let all = Checked { kind: "Pod".into(), objects: 3, healthy: 3 };
    let most = Checked { kind: "Job".into(), objects: 3, healthy: 2 };
    for (checked, skipped, expect) in [
        (vec![all.clone()], vec![], "✓ Nothing is wrong in namespace shop: 3 objects were looked at."),
        (
            vec![all.clone(), most],
            vec![],
            "✓ Nothing wrong was found in namespace shop: 6 objects were looked at.",
        ),
        (
            vec![all],
            vec!["logs".to_owned()],
            "✓ Nothing wrong was found in namespace shop: 3 objects were looked at.",
        ),
        (vec![], vec![], "✓ Nothing wrong was found in namespace shop: no object was looked at."),
    ] {
        let mut report = empty();
        report.checked = checked;
        report.skipped = skipped;
        assert_eq!(shown(&report, 100).lines().next(), Some(expect));
    }
}

#[test]
fn a_run_that_failed_says_why_first() {
    let mut report = empty();
    report.outcome = Outcome::Failed;
    report.strategies = vec![StrategyReport {
        name: "rules".into(),
        outcome: StrategyOutcome::Trap,
        message: "`unreachable` executed in `analyze`".into(),
        findings: 0,
        wall_ms: 3,
    }];
    insta::assert_snapshot!(shown(&report, 100));
}

#[test]
fn a_limit_is_told_first_and_findings_are_kept() {
    let mut report = broken();
    report.outcome = Outcome::Limit;
    report.limits_hit = vec!["wall".into()];
    let text = shown(&report, 100);
    assert!(text.starts_with("! A limit of the run was reached (wall)."), "{text}");
    assert!(text.contains("✗ Deployment shop/api"), "{text}");
}

#[test]
fn a_warning_that_explains_something_critical_comes_first() {
    let mut report = broken();
    let mut quota =
        finding("f7", Severity::Warning, object("ResourceQuota", "quota"), "Exceeded", "no memory is left");
    quota.causes = vec!["f8".into()];
    let mut stuck = finding("f8", Severity::Critical, object("Deployment", "web"), "FailedCreate", "no pods");
    stuck.root = false;
    report.findings.retain(|finding| finding.severity == Severity::Info);
    let warning = finding("f9", Severity::Warning, object("Pod", "other"), "Pending", "waits");
    report.findings.extend([warning, quota, stuck]);
    assert!(shown(&report, 100).starts_with("✗ ResourceQuota shop/quota: no memory is left."));
}

#[test]
fn what_was_asked_about_is_read_first() {
    let mut report = empty();
    report.outcome = Outcome::Findings;
    report.findings = vec![
        finding("f1", Severity::Critical, object("Pod", "noise"), "Unknown", "it is gone"),
        finding("f2", Severity::Warning, object("Deployment", "api"), "Unready", "it waits"),
    ];
    let first = |report: &Report| shown(report, 0).lines().next().unwrap_or_default().to_owned();
    assert!(first(&report).contains("noise"), "{}", first(&report));
    report.question = Some("what is it with api?".into());
    assert!(first(&report).contains("api"), "{}", first(&report));
}

#[test]
fn text_from_outside_drives_no_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}txt\nsecond line";
    let mut report = broken();
    report.profile = evil.into();
    report.summary = evil.into();
    report.skipped = vec![evil.into()];
    report.limits_hit = vec![evil.into()];
    for finding in &mut report.findings {
        finding.object.name = evil.into();
        finding.reason = evil.into();
        finding.message = evil.into();
        for evidence in &mut finding.evidence {
            evidence.value = json!({ evil: [evil] });
            evidence.pointer = evil.into();
        }
        for action in &mut finding.actions {
            action.title = evil.into();
            action.plugin = evil.into();
            action.parameters = json!({ "text": evil });
        }
    }
    let text = shown(&report, 100);
    assert!(!text.chars().any(|c| c != '\n' && crate::text::is_hidden(c)), "{text:?}");
    assert!(!text.contains("\nsecond line"));
}

#[test]
fn the_json_is_the_public_contract() {
    let report = broken();
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
    let again: Report = serde_json::from_value(serde_json::to_value(&report).unwrap()).unwrap();
    assert_eq!(again, report);
}

#[test]
fn a_report_of_the_first_shape_is_still_read() {
    let report: Report = serde_json::from_value(json!({
        "schema": "sickbay.report/1", "run": "r", "profile": "triage", "outcome": "rolled-back",
        "cluster": {"source": "live", "version": null, "namespaces": []},
        "findings": [], "plans": [], "usage": {"model_calls": 1}, "limits_hit": []
    }))
    .unwrap();
    assert_eq!((report.outcome, report.usage.model_calls), (Outcome::RolledBack, 1));
}

#[test]
fn exit_codes_are_as_documented() {
    for (outcome, code) in [
        (Outcome::Healthy, 0),
        (Outcome::Remediated, 0),
        (Outcome::Failed, 1),
        (Outcome::Cancelled, 1),
        (Outcome::Denied, 3),
        (Outcome::Limit, 4),
        (Outcome::Findings, 5),
        (Outcome::Planned, 5),
        (Outcome::RolledBack, 5),
    ] {
        assert_eq!(outcome.exit_code(), code, "{outcome}");
        assert_eq!(serde_json::to_value(outcome).unwrap(), json!(outcome.as_str()));
    }
}

proptest! {
    #[test]
    fn any_graph_of_findings_is_shown_whole(
        edges in prop::collection::vec(prop::collection::vec(0_usize..12, 0..4), 1..12),
        roots in prop::collection::vec(any::<bool>(), 12),
        width in 0_usize..200,
    ) {
        let mut report = empty();
        report.outcome = Outcome::Findings;
        for (index, causes) in edges.iter().enumerate() {
            let name = format!("pod-{index}-");
            let mut one = finding(&format!("f{index}"), Severity::Warning, object("Pod", &name), "Pending", "waits");
            one.causes = causes.iter().map(|cause| format!("f{cause}")).collect();
            one.root = roots[index];
            report.findings.push(one);
        }
        let text = shown(&report, width);
        for index in 0..edges.len() {
            let name = format!("Pod shop/pod-{index}-:");
            prop_assert_eq!(text.matches(&name).count(), 1, "{}\n{}", name, text);
        }
    }
}

mod plans;
