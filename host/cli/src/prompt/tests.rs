//! The prompt with somebody who answers by a list.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::json;
use sickbay_core::{
    change::{FieldChange, Inverse, Rehearsal, Survey},
    diagnosis::{Evidence, Finding, Severity},
    digest::Digest,
    object::ObjectRef,
    plan::SealedPlan,
    policy::{Ruling, Verdict},
    remediation::{ActionPlan, Change, PatchType, Risk},
};

use super::*;

mod calls;
mod stages;

/// Answers in order, and remembers what was shown.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Typed>>>,
    shown: Arc<Mutex<String>>,
}

impl Scripted {
    fn typing(lines: &[&str]) -> Self {
        let answers = lines.iter().map(|line| Typed::Line(format!("{line}\n"))).collect();
        Self { answers: Arc::new(Mutex::new(answers)), shown: Arc::default() }
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Console for Scripted {
    fn say(&self, text: &str) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    fn forget_typed(&self) {
        self.say("<forgot what was typed>\n");
    }

    async fn line(&self) -> Typed {
        let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let answer = answer.unwrap_or(Typed::Closed);
        match &answer {
            Typed::Line(line) => self.say(line),
            other => self.say(&format!("<{other:?}>")),
        }
        answer
    }
}

fn deployment() -> ObjectRef {
    ObjectRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        name: "api".into(),
    }
}

fn request() -> ApprovalRequest {
    let change = Change::Patch {
        object: deployment(),
        patch_type: PatchType::Strategic,
        subresource: None,
        body: json!({"spec": {}}),
    };
    let rehearsal = Rehearsal {
        change: change.clone(),
        object: deployment(),
        uid: Some("u1".into()),
        before: Some(Digest::of(b"before")),
        after: Some(Digest::of(b"after")),
        body: None,
        prior: None,
        diff: vec![
            FieldChange {
                pointer: "/spec/template/spec/containers/0/env/1".into(),
                path: "spec.template.spec.containers[api].env[DATABASE_URL]".into(),
                before: None,
                after: Some(json!({"name": "DATABASE_URL", "value": "postgres://db/shop"})),
            },
            FieldChange {
                pointer: "/spec/replicas".into(),
                path: "spec.replicas".into(),
                before: Some(json!(1)),
                after: Some(json!(2)),
            },
        ],
        inverse: Inverse::Patch { operations: vec![json!({"op": "remove"})] },
        warnings: vec!["spec.template: deprecated\u{1b}[2J field".into()],
    };
    ApprovalRequest {
        run: "01k9zzzzzzzzzzzzzzzzzzzzzz".into(),
        plan: SealedPlan {
            number: 1,
            finding: "f1".into(),
            plugin: "workload".into(),
            action: "patch-env".into(),
            parameters: json!({"container": "api", "name": "DATABASE_URL"}),
            plan: ActionPlan {
                summary: "Set DATABASE_URL of container api".into(),
                changes: vec![change],
                risk: Risk::Medium,
                reversible: true,
                verify_objects: vec![deployment()],
                evidence: Vec::new(),
            },
            rehearsals: vec![rehearsal],
            digest: Digest::of(b"plan"),
        },
        ruling: Ruling {
            verdict: Verdict::Ask,
            rule: Some("production".into()),
            reason: "namespace `shop` is production".into(),
            unattended: false,
        },
        finding: Finding {
            id: "f1".into(),
            severity: Severity::Critical,
            strategy: "rules".into(),
            object: deployment(),
            reason: "CrashLoopBackOff".into(),
            message: "container `api` ends because DATABASE_URL is missing".into(),
            confidence: 0.97,
            root: true,
            causes: Vec::new(),
            hypothesis: false,
            resolved: false,
            evidence: vec![
                Evidence {
                    observation: "o3".into(),
                    object: None,
                    pointer: "/lines/4".into(),
                    value: json!("DATABASE_URL is not set"),
                    verified: true,
                },
                Evidence {
                    observation: "o4".into(),
                    object: Some(deployment()),
                    pointer: "/status/readyReplicas".into(),
                    value: json!(0),
                    verified: false,
                },
            ],
            actions: Vec::new(),
        },
        surveys: vec![Survey {
            object: Some(deployment()),
            pods: 2,
            budgets: vec!["api".into()],
            managed_by: Some("Helm".into()),
            ..Survey::default()
        }],
        expires_ms: 1_763_740_800_000,
    }
}

async fn decide(request: &ApprovalRequest, console: &Scripted) -> Decision {
    let approver =
        TerminalApprover::new(Box::new(console.clone()), Arc::new(Progress::hidden()), Paint::off(), 90);
    approver.decide(request).await
}

#[tokio::test]
async fn a_yes_approves_what_was_shown() {
    let console = Scripted::typing(&["y"]);
    assert_eq!(decide(&request(), &console).await, Decision::Approve);
    insta::assert_snapshot!("prompt", console.shown());
}

#[tokio::test]
async fn every_answer_is_taken_for_what_it_says() {
    let deny = |reason: &str| Decision::Deny { reason: reason.to_owned() };
    for (typed, expect) in [
        (vec!["Y"], Decision::Approve),
        (vec!["what?", "", "yes"], Decision::Approve),
        (vec!["n", "not today"], deny("not today")),
        (vec!["no", "", "  ", "b\u{1b}[31mad\u{202e}"], deny("bad")),
        (vec!["n"], Decision::Later),
        (vec!["l"], Decision::Later),
        (vec!["d", "later"], Decision::Later),
        (vec![], Decision::Later),
        (vec!["e", "{\"name\": \"DB\"}"], Decision::Edit { parameters: json!({"name": "DB"}) }),
        (vec!["e", "", "y"], Decision::Approve),
        (vec!["e", "not json", "n", "because"], deny("because")),
        (vec!["e"], Decision::Later),
    ] {
        let console = Scripted::typing(&typed);
        assert_eq!(decide(&request(), &console).await, expect, "{typed:?}\n{}", console.shown());
    }
}

#[tokio::test]
async fn ctrl_c_anywhere_leaves_it_for_later() {
    for before in [vec![], vec!["n"], vec!["e"], vec!["?"]] {
        let console = Scripted::typing(&before);
        console.answers.lock().unwrap().push_back(Typed::Interrupted);
        assert_eq!(decide(&request(), &console).await, Decision::Later, "{before:?}");
    }
}

#[tokio::test]
async fn answers_that_are_none_come_to_an_end() {
    let console = Scripted::typing(&["maybe"; 200]);
    assert_eq!(decide(&request(), &console).await, Decision::Later);
}

#[tokio::test]
async fn what_was_typed_before_it_was_shown_is_forgotten() {
    let console = Scripted::typing(&["y"]);
    decide(&request(), &console).await;
    let shown = console.shown();
    let (sheet, rest) = shown.split_once("<forgot what was typed>").unwrap();
    assert!(sheet.contains("DATABASE_URL") && rest.contains("Apply plan"), "{shown}");
}

#[tokio::test]
async fn no_text_of_others_can_look_like_the_question() {
    let fake = "\n\u{1b}[2J\r└──\nApply plan 00000000? [y]es [n]o y\n\u{202e}".repeat(20);
    let mut request = request();
    request.finding.message.clone_from(&fake);
    request.finding.reason.clone_from(&fake);
    request.finding.evidence[0].value = json!({"line": fake});
    request.plan.plan.summary.clone_from(&fake);
    request.plan.plan.changes.push(Change::Instruction { text: fake.clone() });
    request.plan.parameters = json!({ "value": fake });
    request.plan.rehearsals[0].warnings = vec![fake.clone()];
    request.plan.rehearsals[0].diff[0].path.clone_from(&fake);
    request.plan.rehearsals[0].diff[0].after = Some(json!(fake));
    request.plan.rehearsals[0].inverse = Inverse::Impossible { reason: fake.clone() };
    request.surveys[0].managed_by = Some(fake.clone());
    request.ruling.reason.clone_from(&fake);
    let console = Scripted::typing(&["d", "e", "", "n", "no"]);
    decide(&request, &console).await;
    let shown = console.shown();
    for line in shown.lines() {
        assert!(!line.chars().any(sickbay_core::text::is_hidden), "{line:?}");
    }
    let questions = shown.lines().filter(|line| line.starts_with("Apply plan")).count();
    assert_eq!(questions, 3, "{shown}");
    assert!(!shown.lines().any(|line| line.starts_with("Apply plan 00000000")), "{shown}");
}

#[tokio::test]
async fn what_can_not_be_taken_back_is_said() {
    let mut request = request();
    request.plan.rehearsals[0].inverse = Inverse::Impossible { reason: "the claim's data is gone".into() };
    let console = Scripted::typing(&[]);
    decide(&request, &console).await;
    assert!(console.shown().contains("NOT possible: the claim's data is gone"), "{}", console.shown());
}

#[tokio::test]
async fn details_show_all_that_the_glance_cuts() {
    let mut request = request();
    let long = "x".repeat(5_000);
    request.plan.rehearsals[0].diff[0].after = Some(json!(format!("{long}END")));
    let console = Scripted::typing(&["l"]);
    decide(&request, &console).await;
    assert!(console.shown().contains("this is not all of it; `d` shows it"), "{}", console.shown());
    assert!(!console.shown().contains("END"));
    let console = Scripted::typing(&["d", "l"]);
    decide(&request, &console).await;
    let joined: String = console.shown().lines().map(|line| line.trim_start_matches(['│', ' '])).collect();
    assert!(joined.contains("xxEND"), "{}", console.shown());
}
