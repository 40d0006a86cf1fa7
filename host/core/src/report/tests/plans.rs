//! Plans, what was put right, and differences, as a person reads them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{broken, empty, finding, object, shown};
use crate::{
    change::FieldChange,
    diagnosis::Severity,
    digest::Digest,
    remediation::Risk,
    report::{
        Outcome, PlanReport, PlanState, Report,
        text::{Colour, Detail, Style, diff},
    },
    text::is_hidden,
};

fn field(path: &str, before: Value, after: Value) -> FieldChange {
    let some = |value: Value| (!value.is_null()).then_some(value);
    FieldChange { pointer: "/x".into(), path: path.into(), before: some(before), after: some(after) }
}

fn plan(state: PlanState) -> PlanReport {
    PlanReport {
        plugin: "workload".into(),
        action: "patch-env".into(),
        parameters: json!({}),
        digest: Digest::of(b"plan"),
        state,
        changes: vec![json!({
            "change": "patch",
            "object": object("Deployment", "api"),
            "diff": [field("spec.template.spec.containers[api].env[DB_HOST]", json!(null), json!("db.shop.svc"))],
            "inverse": {"inverse": "patch", "operations": []},
            "warnings": ["unknown field \"spec.x\""],
        })],
        finding: "f1".into(),
        summary: "DB_HOST is set in container api of Deployment shop/api".into(),
        risk: Some(Risk::Low),
        reversible: true,
        message: String::new(),
        waits_until_ms: None,
    }
}

fn healed() -> Report {
    let mut report = empty();
    report.outcome = Outcome::Remediated;
    let mut root = finding(
        "f1",
        Severity::Critical,
        object("Deployment", "api"),
        "CrashLoopBackOff",
        "container `api` needs DB_HOST, and nothing sets it",
    );
    root.resolved = true;
    root.causes = vec!["f2".into()];
    let mut symptom =
        finding("f2", Severity::Warning, object("Service", "api"), "NoEndpoints", "no pod is ready");
    symptom.root = false;
    symptom.resolved = true;
    report.findings = vec![root, symptom];
    let mut plan = plan(PlanState::Verified);
    plan.message = "approved by person at the terminal; Deployment shop/api healthy for 30s".into();
    report.plans = vec![plan];
    report
}

fn waiting() -> Report {
    let mut report = broken();
    report.outcome = Outcome::Planned;
    report.findings.truncate(4);
    let mut plan = plan(PlanState::Proposed);
    plan.waits_until_ms = Some(1_709_164_800_000);
    plan.message = "rule `small-and-reversible` wants a person to say yes".into();
    report.plans = vec![plan];
    report
}

#[test]
fn what_was_put_right_reads_as_such() {
    insta::assert_snapshot!(shown(&healed(), 100));
}

#[test]
fn what_waits_says_how_to_decide() {
    insta::assert_snapshot!(shown(&waiting(), 100));
}

#[test]
fn each_state_of_a_plan_has_its_words() {
    let mut report = healed();
    report.outcome = Outcome::RolledBack;
    report.findings[0].resolved = false;
    report.findings[1].resolved = false;
    let mut back = plan(PlanState::RolledBack);
    back.message = "container `api` restarted twice".into();
    let mut denied = plan(PlanState::Denied);
    denied.message = "denied by anna: not on a friday".into();
    denied.risk = Some(Risk::High);
    denied.reversible = false;
    let mut stuck = plan(PlanState::Applied);
    stuck.message = "the server does not answer".into();
    stuck.changes[0]["result"] = json!({"result": "unknown", "error": {"message": "timed out"}});
    stuck.changes[0]["inverse"] = json!({"inverse": "impossible", "reason": "the volume is gone"});
    let mut person = plan(PlanState::Proposed);
    person.action = "escalate".into();
    person.summary = "the team of shop has to choose a database".into();
    person.changes = vec![json!({"change": "instruction", "text": "Set DB_HOST to the database of shop."})];
    report.plans = vec![back, denied, stuck, plan(PlanState::Approved), plan(PlanState::Proposed), person];
    insta::assert_snapshot!(shown(&report, 100));
}

#[test]
fn the_first_line_says_what_the_run_came_to() {
    let with = |outcome: Outcome, change: fn(&mut Report)| {
        let mut report = healed();
        report.outcome = outcome;
        change(&mut report);
        shown(&report, 0).lines().next().unwrap_or_default().to_owned()
    };
    let nothing: fn(&mut Report) = |_| {};
    let unresolved: fn(&mut Report) = |report| {
        report.findings.iter_mut().for_each(|finding| finding.resolved = false);
        report.plans[0].state = PlanState::Proposed;
    };
    let denied: fn(&mut Report) = |report| {
        report.plans[0].state = PlanState::Denied;
        report.plans[0].message = "denied by anna".into();
    };
    let person: fn(&mut Report) = |report| {
        report.plans[0].state = PlanState::Proposed;
        report.plans[0].changes = vec![json!({"change": "instruction", "text": "call"})];
    };
    let stuck: fn(&mut Report) = |report| report.plans[0].state = PlanState::Applied;
    let one_more: fn(&mut Report) = |report| {
        report.findings.push(finding("f9", Severity::Warning, object("Pod", "x"), "Pending", "waits"));
    };
    for (line, expect) in [
        (with(Outcome::Remediated, nothing), "✓ 1 problem put right."),
        (with(Outcome::Remediated, one_more), "✓ 1 problem put right; 1 of less weight left."),
        (with(Outcome::Findings, one_more), "! 1 problem put right, and one is left."),
        (with(Outcome::Planned, unresolved), "! Nothing was changed: this is what would be."),
        (with(Outcome::Planned, person), "! A person has to act, and nothing was changed."),
        (
            with(Outcome::Planned, |report| {
                report.plans[0].state = PlanState::Proposed;
                report.plans[0].waits_until_ms = Some(0);
            }),
            "! 1 plan waits for approval.",
        ),
        (with(Outcome::Denied, denied), "! A plan was denied, and nothing was changed: denied by anna."),
        (
            with(Outcome::Denied, |report| {
                let mut denied = report.plans[0].clone();
                denied.state = PlanState::Denied;
                denied.message = "policy".into();
                report.plans.push(denied);
            }),
            "! A plan was denied: policy.",
        ),
        (
            with(Outcome::RolledBack, |report| {
                report.plans[0].state = PlanState::RolledBack;
                report.plans[0].message = "it flaps".into();
            }),
            "! A change did not help and was taken back: it flaps.",
        ),
        (
            with(Outcome::Failed, stuck),
            "✗ A change could not be settled, and a person has to look: approved by person at the terminal; \
             Deployment shop/api healthy for 30s.",
        ),
    ] {
        assert_eq!(line, expect);
    }
}

fn fields() -> Vec<FieldChange> {
    vec![
        field("spec.replicas", json!(2), json!(3)),
        field("spec.template.spec.containers[api].image", json!("shop/api:1.2"), json!("shop/api:1.3")),
        field(
            "spec.template.spec.containers[api].env[OLD]",
            json!({"name": "OLD", "value": "1"}),
            json!(null),
        ),
        field(
            "spec.template.spec.containers[api].readinessProbe",
            json!(null),
            json!({"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10, "timeoutSeconds": 1}),
        ),
        field(
            "data[app.conf]",
            json!("# settings\nhost = db\nport = 5432\ntail = yes\n"),
            json!("# settings\nhost = db.shop\nport = 5432 \nmore = no\ntail = yes\n"),
        ),
        field("data[note]", json!("x".repeat(60)), json!("y".repeat(60))),
    ]
}

#[test]
fn a_diff_shows_each_field() {
    insta::assert_snapshot!(diff(&fields(), Style { colour: Colour::Never, width: 100 }, Detail::Whole));
}

#[test]
fn a_diff_is_coloured_where_that_is_wanted() {
    let text = diff(&fields()[..3], Style { colour: Colour::Always, width: 0 }, Detail::Whole);
    insta::assert_snapshot!(text.escape_debug().to_string().replace("\\n", "\n"));
}

#[test]
fn a_whole_diff_leaves_nothing_out_and_a_short_one_says_how_much() {
    let long: String = (0..50).map(|at| format!("line {at}\n")).collect();
    let changes = vec![field("data[x]", json!(null), json!(long)); 30];
    let style = Style { colour: Colour::Never, width: 40 };
    let whole = diff(&changes, style, Detail::Whole);
    assert_eq!(whole.matches("line 49").count(), 30);
    let short = diff(&changes, style, Detail::Short);
    assert!(short.contains("… and 43 more lines"), "{short}");
    assert!(short.ends_with("… and 10 more\n"), "{short}");
}

#[test]
fn nothing_that_would_be_written_is_made_invisible() {
    let evil = "safe\u{202e}\u{1b}[2J\u{200b}\u{7f}value";
    let changes = [
        field(evil, json!(evil), json!({ evil: evil })),
        field("data", json!("one\ntwo"), json!(format!("one\n{evil}\u{2028}x  "))),
    ];
    for detail in [Detail::Short, Detail::Whole] {
        let text = diff(&changes, Style { colour: Colour::Never, width: 0 }, detail);
        assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
        for mark in ["\\u{202e}", "\\u{200b}", "\\u{7f}", "\\u{2028}"] {
            assert!(text.contains(mark), "{mark} {text}");
        }
    }
    let mut report = waiting();
    report.run = evil.into();
    report.plans[0].summary = evil.into();
    report.plans[0].message = evil.into();
    report.plans[0].action = evil.into();
    report.plans[0].changes = vec![
        json!({"change": evil, "object": evil, "diff": [{"pointer": evil, "path": evil, "after": evil}],
            "inverse": {"inverse": "impossible", "reason": evil}, "warnings": [evil, 3], "result": evil}),
        json!({"change": "instruction", "text": evil}),
        json!([evil]),
    ];
    let text = shown(&report, 100);
    assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
}

proptest! {
    #[test]
    fn any_two_texts_are_shown(before in "[a-c\n ]{0,20}", after in "[a-c\n ]{0,20}", width in 0_usize..80) {
        let changes = [field("data[x]", json!(before), json!(after))];
        let style = Style { colour: Colour::Never, width };
        prop_assert!(diff(&changes, style, Detail::Whole).contains("data[x]"));
        let _ = diff(&changes, style, Detail::Short);
    }
}
