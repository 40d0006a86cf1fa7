use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CheckSummary, HYPOTHESIS_CONFIDENCE, Observations, check, merge, merge_about};
use crate::{
    cluster::{Coverage, ListQuery, Log, LogQuery, Page},
    diagnosis::{Checked, Diagnosis, Evidence, Finding, Severity},
    object::ObjectRef,
    outside::{Answer, Ask},
};

fn pod(name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("shop".into()),
        name: name.into(),
    }
}

fn pod_text(name: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "a/b~c": "x"},
        "spec": {"containers": [{"name": "api", "command": ["sh", "-c"], "limits": {"cpu": 1.0}}]},
        "status": {"phase": "Failed", "restarts": 12, "message": "Back-off restarting failed container"}
    })
    .to_string()
}

fn page(texts: Vec<String>) -> Answer {
    let page = Page { objects: texts, continue_token: None, coverage: Coverage::Complete };
    Answer::Page { observation: "o1".into(), page }
}

fn observations() -> Observations {
    let mut observations = Observations::new();
    let whole = Ask::ClusterList { query: ListQuery::default() };
    observations.record(&whole, &page(vec![pod_text("a"), "not json".into(), "[]".into(), pod_text("b")]));
    let query = LogQuery { namespace: "shop".into(), pod: "a".into(), ..LogQuery::default() };
    let lines = vec!["starting".to_owned(), "fatal: no config".to_owned()];
    let log = Log { lines, truncated: false };
    observations.record(&Ask::ClusterLogs { query }, &Answer::Log { observation: "o2".into(), log });
    observations.insert_object("o3", pod_text("c"));
    observations.insert_page("o4", vec![], vec![]);
    let fields = vec!["/spec/containers/*/name".to_owned(), "/status".to_owned()];
    observations.insert_page("o5", vec![pod_text("d")], fields);
    observations
}

fn evidence(observation: &str, object: Option<&str>, pointer: &str, value: Value) -> Evidence {
    Evidence {
        observation: observation.into(),
        object: object.map(pod),
        pointer: pointer.into(),
        value,
        verified: true,
    }
}

fn finding(id: &str, evidence: Vec<Evidence>) -> Finding {
    Finding {
        id: id.into(),
        severity: Severity::Critical,
        strategy: "someone else".into(),
        object: pod("a"),
        reason: "Failed".into(),
        message: "it failed".into(),
        confidence: 0.9,
        root: true,
        causes: vec![],
        hypothesis: false,
        resolved: false,
        evidence,
        actions: vec![],
    }
}

fn diagnosis(findings: Vec<Finding>) -> Diagnosis {
    Diagnosis { findings, ..Diagnosis::default() }
}

fn checked(findings: Vec<Finding>) -> (Vec<Finding>, CheckSummary) {
    let mut diagnosis = diagnosis(findings);
    let summary = check(&mut diagnosis, "rules", &observations());
    (diagnosis.findings, summary)
}

#[test]
fn a_cited_value_is_compared_with_the_seen_one() {
    for (observation, object, pointer, value, expect) in [
        ("o1", Some("a"), "/status/phase", json!("Failed"), true),
        ("o1", Some("a"), "/status/phase", json!("Running"), false),
        ("o1", Some("b"), "/status/phase", json!("Failed"), true),
        ("o1", Some("z"), "/status/phase", json!("Failed"), false),
        ("o9", Some("a"), "/status/phase", json!("Failed"), false),
        // Excerpts, of four characters or more.
        ("o1", Some("a"), "/status/message", json!("restarting failed"), true),
        ("o1", Some("a"), "/status/message", json!("Back"), true),
        ("o1", Some("a"), "/status/message", json!("off"), false),
        ("o1", Some("a"), "/status/message", json!(""), false),
        // Numbers by value, whole lists and maps.
        ("o1", Some("a"), "/status/restarts", json!(12), true),
        ("o1", Some("a"), "/status/restarts", json!(12.0), true),
        ("o1", Some("a"), "/status/restarts", json!("12"), false),
        ("o1", Some("a"), "/spec/containers/0/limits", json!({"cpu": 1}), true),
        ("o1", Some("a"), "/spec/containers/0/command", json!(["sh", "-c"]), true),
        ("o1", Some("a"), "/spec/containers/0/command", json!(["sh"]), false),
        ("o1", Some("a"), "/spec/containers/1/command", json!(["sh"]), false),
        ("o1", Some("a"), "/metadata/a~1b~0c", json!("x"), true),
        ("o1", Some("a"), "status/phase", json!("Failed"), false),
        // What is absent is null, where it would have been seen.
        ("o1", Some("a"), "/status/reason", json!(null), true),
        ("o1", Some("a"), "/status/phase", json!(null), false),
        ("o5", Some("d"), "/status/reason", json!(null), true),
        ("o5", Some("d"), "/spec/nodeName", json!(null), false),
        // A page as a whole.
        ("o1", None, "/count", json!(4), true),
        ("o4", None, "/count", json!(0), true),
        ("o4", None, "/count", json!(1), false),
        ("o1", None, "/status/phase", json!("Failed"), false),
        // One object, named or not.
        ("o3", Some("c"), "/status/phase", json!("Failed"), true),
        ("o3", None, "/status/phase", json!("Failed"), true),
        ("o3", Some("a"), "/status/phase", json!("Failed"), false),
        // Logs.
        ("o2", None, "/lines/1", json!("fatal: no config"), true),
        ("o2", None, "/lines/1", json!("no config"), true),
        ("o2", None, "/lines/0", json!("no config"), false),
        ("o2", None, "/lines/2", json!("no config"), false),
        ("o2", None, "/lines/01", json!("no config"), false),
        ("o2", None, "/lines/-1", json!("no config"), false),
        ("o2", None, "/lines/99999999999999999999", json!("no config"), false),
        ("o2", Some("a"), "/lines/1", json!("no config"), true),
        ("o2", Some("b"), "/lines/1", json!("no config"), false),
        ("o2", None, "/count", json!(2), true),
    ] {
        let (findings, _) =
            checked(vec![finding("1", vec![evidence(observation, object, pointer, value.clone())])]);
        assert_eq!(findings[0].evidence[0].verified, expect, "{observation} {object:?} {pointer} {value}");
        assert_eq!(findings[0].hypothesis, !expect);
    }
}

#[test]
fn another_version_of_the_group_is_the_same_object_and_another_group_is_not() {
    let mut observations = Observations::new();
    let text =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "s"}});
    observations.insert_page("o1", vec![text.to_string()], vec![]);
    for (api_version, expect) in
        [("apps/v1", true), ("apps/v1beta1", true), ("v1", false), ("other/v1", false)]
    {
        let object = ObjectRef {
            api_version: api_version.into(),
            kind: "Deployment".into(),
            namespace: Some("s".into()),
            name: "a".into(),
        };
        assert_eq!(observations.is_observed(&object), expect, "{api_version}");
    }
    assert_eq!(observations.observed_objects().len(), 1);
}

#[test]
fn a_claim_that_does_not_check_out_is_a_hypothesis() {
    let good = evidence("o1", Some("a"), "/status/phase", json!("Failed"));
    let bad = evidence("o1", Some("a"), "/status/phase", json!("Running"));
    let (findings, summary) = checked(vec![
        finding("mixed", vec![bad.clone(), good]),
        finding("wrong", vec![bad]),
        finding("none", vec![]),
    ]);
    let hypotheses: Vec<bool> = findings.iter().map(|finding| finding.hypothesis).collect();
    assert_eq!(hypotheses, [false, true, true]);
    assert_eq!(findings[0].confidence, 0.9);
    assert_eq!(findings[1].confidence, HYPOTHESIS_CONFIDENCE);
    assert!(findings.iter().all(|finding| finding.strategy == "rules"));
    assert_eq!((summary.findings, summary.hypotheses, summary.evidence, summary.verified), (3, 2, 3, 1));
}

fn with_causes(id: &str, causes: &[&str]) -> Finding {
    let mut finding = finding(id, vec![evidence("o1", Some("a"), "/status/phase", json!("Failed"))]);
    finding.causes = causes.iter().map(ToString::to_string).collect();
    finding
}

#[test]
fn causes_lead_somewhere_and_never_round() {
    let (findings, summary) = checked(vec![
        with_causes("a", &["b", "a", "nobody", "b"]),
        with_causes("b", &["c"]),
        with_causes("c", &["a"]),
    ]);
    let causes: Vec<&[String]> = findings.iter().map(|finding| finding.causes.as_slice()).collect();
    assert_eq!(causes, [&["b".to_owned()][..], &["c".to_owned()], &[]]);
    let roots: Vec<bool> = findings.iter().map(|finding| finding.root).collect();
    assert_eq!(roots, [true, false, false]);
    assert_eq!(
        summary.notes,
        [
            "finding `a` explains itself",
            "finding `a` explains `nobody`, which is not there",
            "findings `c` and `a` explain each other in a circle",
        ]
    );
}

#[test]
fn a_hypothesis_explains_nothing_that_is_certain() {
    let mut guess = with_causes("guess", &["sure", "other"]);
    guess.evidence.clear();
    let mut other = with_causes("other", &[]);
    other.evidence.clear();
    let (findings, _) = checked(vec![guess, with_causes("sure", &[]), other]);
    let roots: Vec<bool> = findings.iter().map(|finding| finding.root).collect();
    assert_eq!(roots, [true, true, false]);
}

#[test]
fn ids_are_made_unique() {
    let (findings, summary) = checked(vec![
        with_causes("x1", &["same"]),
        with_causes("same", &[]),
        with_causes("same", &[]),
        with_causes("", &[]),
    ]);
    let ids: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids, ["x1", "same", "x2", "x3"]);
    assert_eq!(findings[0].causes, ["same"]);
    assert_eq!(
        summary.notes,
        ["a finding had the id `same` again, and is now `x2`", "a finding had no id, and is now `x3`",]
    );
}

#[test]
fn text_and_numbers_are_brought_into_bounds() {
    let mut wild = finding("1", vec![evidence("o1", Some("a"), "/x", json!("y")); 60]);
    wild.message = format!("\u{1b}[31mred\u{1b}[0m\n\u{202e}{}", "x".repeat(5_000));
    wild.reason = String::new();
    wild.confidence = f64::NAN;
    let mut sure = finding("2", vec![evidence("o1", Some("a"), "/status/phase", json!("Failed"))]);
    sure.confidence = f64::INFINITY;
    let mut negative = sure.clone();
    negative.id = "3".into();
    negative.confidence = -1.0;
    let (findings, summary) = checked(vec![wild, sure, negative]);
    assert!(findings[0].message.starts_with("red xxx"));
    assert_eq!(findings[0].message.chars().count(), 2_000);
    assert_eq!(findings[0].reason, "Unknown");
    assert_eq!(findings[0].evidence.len(), 50);
    assert_eq!([findings[0].confidence, findings[1].confidence, findings[2].confidence], [0.0, 1.0, 0.0]);
    assert_eq!(
        summary.notes,
        [
            "the confidence of finding `1` was not a number",
            "10 pieces of evidence of finding `1` were left out",
        ]
    );
}

#[test]
fn of_too_many_findings_the_worst_are_kept() {
    let mut many: Vec<Finding> = (0..1_500).map(|number| finding(&format!("n{number}"), vec![])).collect();
    for (number, finding) in many.iter_mut().enumerate() {
        finding.severity = if number < 700 { Severity::Info } else { Severity::Critical };
    }
    let (findings, summary) = checked(many);
    assert_eq!(findings.len(), 1_000);
    assert_eq!(findings.iter().filter(|finding| finding.severity == Severity::Critical).count(), 800);
    assert_eq!(summary.notes, ["500 of its 1500 findings were left out"]);
}

#[test]
fn a_large_cited_value_is_checked_whole_and_shown_in_part() {
    let mut observations = Observations::new();
    let long = "x".repeat(20_000);
    let text =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "m": long});
    observations.insert_object("o1", text.to_string());
    let mut diagnosis = diagnosis(vec![finding("1", vec![evidence("o1", Some("a"), "/m", json!(long))])]);
    check(&mut diagnosis, "rules", &observations);
    assert!(diagnosis.findings[0].evidence[0].verified);
    assert!(diagnosis.findings[0].evidence[0].value.to_string().len() < 3_000);
}

#[test]
fn text_that_is_no_object_proves_nothing() {
    let mut observations = Observations::new();
    observations.insert_object("o1", "{ not json".into());
    observations.insert_object("o2", "null".into());
    let deep = format!(
        r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "a", "namespace": "shop"}}, "x": {}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    observations.insert_page("o3", vec![deep], vec![]);
    for (observation, object) in [("o1", None), ("o2", None), ("o3", Some("a"))] {
        for pointer in ["", "/x"] {
            let cited = evidence(observation, object, pointer, json!(null));
            let mut diagnosis = diagnosis(vec![finding("1", vec![cited])]);
            check(&mut diagnosis, "rules", &observations);
            assert!(!diagnosis.findings[0].evidence[0].verified, "{observation} {pointer}");
        }
    }
}

#[test]
fn a_guest_can_not_make_the_check_long() {
    // Excerpts of a long text, and circles in which each explains each.
    let long = "x".repeat(1024 * 1024);
    let mut observations = Observations::new();
    let text =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "m": long});
    observations.insert_object("o1", text.to_string());
    let ids: Vec<String> = (0..300).map(|number| format!("n{number}")).collect();
    let findings = ids
        .iter()
        .map(|id| {
            let mut one = finding(id, vec![evidence("o1", Some("a"), "/m", json!("xxxxxxxy")); 50]);
            one.causes.clone_from(&ids);
            one
        })
        .collect();
    let mut diagnosis = diagnosis(findings);
    let summary = check(&mut diagnosis, "rules", &observations);
    assert_eq!((summary.evidence, summary.verified), (15_000, 0));
    assert!(summary.notes.len() <= 200);
}

#[test]
fn a_large_cluster_is_checked_without_reading_it_all_again() {
    let mut observations = Observations::new();
    for number in 0..2 {
        let names = (0..5_000).map(|pod| pod_text(&format!("pod-{number}-{pod}"))).collect();
        observations.insert_page(&format!("o{number}"), names, vec![]);
    }
    // Cited in an order in which a cache of the last object never helps.
    let findings = (0..1_000)
        .map(|number| {
            let cited = (0..10).map(|place| {
                let pod = format!("pod-{}-{}", place % 2, (number * 7 + place * 311) % 5_000);
                evidence(&format!("o{}", place % 2), Some(&pod), "/status/phase", json!("Failed"))
            });
            finding(&format!("n{number}"), cited.collect())
        })
        .collect();
    let mut diagnosis = diagnosis(findings);
    let summary = check(&mut diagnosis, "rules", &observations);
    assert_eq!((summary.evidence, summary.verified, summary.hypotheses), (10_000, 10_000, 0));
}

#[test]
fn findings_of_several_strategies_become_one_list() {
    let mut one = diagnosis(vec![with_causes("a", &["b"]), with_causes("b", &[])]);
    one.findings[0].severity = Severity::Warning;
    one.findings[1].root = false;
    one.checked = vec![Checked { kind: "Pod".into(), objects: 5, healthy: 4 }];
    one.skipped = vec!["no logs".into()];
    one.summary = "One.".into();
    let mut two = diagnosis(vec![with_causes("a", &[])]);
    two.findings[0].confidence = 0.95;
    two.checked = vec![Checked { kind: "Pod".into(), objects: 5, healthy: 3 }];
    two.skipped = vec!["no logs".into()];
    two.summary = "Two.".into();
    let merged = merge(vec![one, two]);
    let shown: Vec<String> = merged
        .findings
        .iter()
        .map(|finding| format!("{} {:?} {:?} {}", finding.id, finding.severity, finding.causes, finding.root))
        .collect();
    assert_eq!(shown, ["f1 Critical [] true", "f2 Critical [] false", "f3 Warning [\"f2\"] true"]);
    assert_eq!(merged.checked, [Checked { kind: "Pod".into(), objects: 5, healthy: 3 }]);
    assert_eq!((merged.skipped.len(), merged.summary.as_str()), (1, "One. Two."));
}

fn wild_findings() -> impl Strategy<Value = Vec<Finding>> {
    let id = prop::sample::select(vec!["a", "b", "c", "d", "", "\u{1b}[1ma"]);
    let causes = prop::collection::vec(id.clone(), 0..4);
    let pointer = prop::sample::select(vec!["/status/phase", "/lines/1", "/count", "", "~", "/status/x"]);
    let object = prop::option::of(prop::sample::select(vec!["a", "b", "z"]));
    let cited = (prop::sample::select(vec!["o1", "o2", "o3", "o4", "o9"]), object, pointer)
        .prop_map(|(observation, object, pointer)| evidence(observation, object, pointer, json!("Failed")));
    let one = (id, causes, prop::collection::vec(cited, 0..3), any::<f64>()).prop_map(
        |(id, causes, evidence, confidence)| {
            let mut one = finding(id, evidence);
            one.causes = causes.into_iter().map(str::to_owned).collect();
            one.confidence = confidence;
            one
        },
    );
    prop::collection::vec(one, 0..10)
}

proptest! {
    #[test]
    fn a_checked_diagnosis_keeps_to_the_contract(findings in wild_findings()) {
        let count = findings.len();
        let (findings, summary) = checked(findings);
        prop_assert_eq!(findings.len(), count);
        prop_assert_eq!(usize::try_from(summary.findings).unwrap(), count);
        for (index, finding) in findings.iter().enumerate() {
            prop_assert!(!finding.id.is_empty());
            prop_assert!(findings.iter().skip(index + 1).all(|other| other.id != finding.id));
            prop_assert!((0.0..=1.0).contains(&finding.confidence));
            prop_assert_eq!(finding.hypothesis, !finding.evidence.iter().any(|evidence| evidence.verified));
            prop_assert!(!finding.hypothesis || finding.confidence <= HYPOTHESIS_CONFIDENCE);
            for cause in &finding.causes {
                prop_assert!(findings.iter().any(|other| other.id == *cause) && *cause != finding.id);
            }
        }
        // No circle: what is taken away again and again has something to give.
        let mut left = findings.clone();
        while !left.is_empty() {
            let ids: Vec<String> = left.iter().map(|finding| finding.id.clone()).collect();
            let before = left.len();
            left.retain(|finding| finding.causes.iter().any(|cause| ids.contains(cause)));
            prop_assert!(left.len() < before, "a circle is left: {:?}", ids);
        }
        prop_assert!(findings.is_empty() || findings.iter().any(|finding| finding.root));
        // A second check of the same finds nothing more to put right.
        let mut again = diagnosis(findings.clone());
        let summary = check(&mut again, "rules", &observations());
        prop_assert_eq!(&again.findings, &findings);
        prop_assert_eq!(summary.notes, Vec::<String>::new());
        let merged = merge(vec![again.clone(), again]);
        prop_assert_eq!(merged.findings.len(), 2 * count);
    }
}

#[test]
fn what_a_question_names_comes_first_with_what_explains_it() {
    let of = |id: &str, object: &str, causes: &[&str], confidence: f64| Finding {
        object: pod(object),
        confidence,
        ..with_causes(id, causes)
    };
    let told = || vec![of("a", "noise", &[], 0.9), of("b", "db", &["c"], 0.6), of("c", "web-1", &[], 0.5)];
    let names = |question: Option<&str>| -> Vec<String> {
        let merged = merge_about(question, vec![diagnosis(told())]);
        merged.findings.into_iter().map(|finding| finding.object.name).collect()
    };
    assert_eq!(names(None), ["noise", "db", "web-1"]);
    assert_eq!(names(Some("What is wrong with `web-1`?")), ["db", "web-1", "noise"]);
    assert_eq!(names(Some("what about noise.")), ["noise", "db", "web-1"]);
    assert_eq!(names(Some("is web-10 or my-web-1 fine")), ["noise", "db", "web-1"]);
}
