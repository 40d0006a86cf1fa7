//! Healing as a person sees it: what is wrong is found, a plan is shown,
//! somebody approves exactly that plan, and the cluster is well afterwards.

mod support;

use serde_json::Value;
use support::{Home, OnTerminal, Ran, Served};

/// The first plan of a report.
fn plan(report: &Value) -> &Value {
    &report["plans"][0]
}

/// What a run on a served playground is started with, where every plan needs a person.
fn asking<'a>(kubeconfig: &'a str, policy: &'a str) -> Vec<&'a str> {
    vec![
        "--json",
        "run",
        "heal",
        "--kubeconfig",
        kubeconfig,
        "--set",
        "remediation.approval=\"policy\"",
        "--set",
        policy,
        "--set",
        "remediation.stabilise=\"5s\"",
    ]
}

/// A policy that leaves everything to a person, as a setting.
fn asks(home: &Home) -> String {
    let path = home.write("asks.toml", "default = \"ask\"\n");
    format!("remediation.policy=\"{}\"", path.display())
}

/// What a look at the cluster says, without a plan.
fn triage(home: &Home, served: &Served) -> Value {
    home.run(&["--json", "run", "triage", "--kubeconfig", &served.kubeconfig()]).json()
}

/// A run that waits for a person: its report, and what was said about it.
fn parked(home: &Home, served: &Served) -> (Value, Ran) {
    let (kubeconfig, policy) = (served.kubeconfig(), asks(home));
    let mut arguments = asking(&kubeconfig, &policy);
    arguments.push("--no-input");
    let ran = home.run(&arguments).expect_code(5);
    (ran.json(), ran)
}

fn run_of(report: &Value) -> String {
    report["run"].as_str().unwrap_or_default().to_owned()
}

fn digest_of(report: &Value) -> String {
    plan(report)["digest"].as_str().unwrap_or_default().trim_start_matches("sha256:").to_owned()
}

#[test]
fn a_broken_cluster_is_healed_by_one_command() {
    let home = Home::new();
    let ran = home.run(&["--json", "run", "heal", "--playground", "missing-env", "--yes"]).expect_code(0);
    let report = ran.json();
    assert_eq!(report["outcome"], "remediated", "{report:#}");
    assert_eq!(report["cluster"]["source"], "playground");
    assert_eq!(plan(&report)["state"], "verified", "{report:#}");
    assert!(!plan(&report)["changes"].as_array().unwrap().is_empty(), "{report:#}");
}

#[test]
fn a_dry_run_shows_the_diff_and_changes_nothing() {
    let home = Home::new();
    let served = home.serve("missing-env");
    let kubeconfig = served.kubeconfig();
    let ran = home.run(&["--json", "run", "heal", "--kubeconfig", &kubeconfig, "--dry-run"]).expect_code(5);
    let report = ran.json();
    assert_eq!(report["outcome"], "planned", "{report:#}");
    assert_eq!(plan(&report)["state"], "proposed", "{report:#}");
    let diff = &plan(&report)["changes"][0]["diff"];
    assert!(!diff.as_array().unwrap().is_empty(), "{report:#}");
    // The same is wrong as before, and no run that went before is seen in it.
    let after = triage(&home, &served);
    assert_eq!(after["outcome"], "findings", "{after:#}");
    let again = home.run(&["--json", "run", "heal", "--kubeconfig", &kubeconfig, "--dry-run"]).expect_code(5);
    assert_eq!(plan(&again.json())["digest"], plan(&report)["digest"], "the objects are as they were");
}

#[test]
fn what_needs_a_person_waits_and_goes_on_after_the_approval() {
    let home = Home::new();
    let served = home.serve("missing-env");
    let (report, ran) = parked(&home, &served);
    let (run, digest) = (run_of(&report), digest_of(&report));
    assert!(plan(&report)["waits_until_ms"].is_number(), "{report:#}");
    assert!(
        ran.stderr.contains(&format!("sickbay runs approve {run} --plan {}", &digest[..12])),
        "{}",
        ran.shown()
    );
    assert_eq!(triage(&home, &served)["outcome"], "findings");
    let listed = home.run(&["--json", "runs", "list"]).json();
    let listed = listed.as_array().unwrap().iter().find(|listed| listed["run"] == run.as_str()).unwrap();
    assert_eq!(listed["waits"], true);
    assert_eq!(home.run(&["--json", "runs", "show", &run]).expect_code(0).json(), report);

    // Nothing but this plan is approved.
    for wrong in ["", "00000000", &digest[..7], "sha256:", "zzzzzzzzzz"] {
        let ran = home.run(&["runs", "approve", &run, "--plan", wrong]).expect_code(2);
        assert!(ran.stderr.contains(&digest), "{}", ran.shown());
    }
    let kept = home.run(&["--json", "runs", "resume", &run, "--no-input"]).expect_code(5).json();
    assert_eq!(digest_of(&kept), digest);

    let approved = home.run(&["runs", "approve", &run, "--plan", &digest[..8]]).expect_code(0);
    assert!(approved.stdout.contains(&digest), "{}", approved.shown());
    let healed = home.run(&["--json", "runs", "resume", &run]).expect_code(0).json();
    assert_eq!((&healed["outcome"], &plan(&healed)["state"]), (&"remediated".into(), &"verified".into()));
    assert_eq!(triage(&home, &served)["outcome"], "healthy");
    let again = home.run(&["runs", "resume", &run]).expect_code(2);
    assert!(again.stderr.contains("has ended"), "{}", again.shown());
    home.run(&["runs", "approve", &run, "--plan", &digest[..8]]).expect_code(2);
}

#[test]
fn an_approval_can_go_on_with_the_run_at_once() {
    let home = Home::new();
    let served = home.serve("missing-env");
    let (report, _) = parked(&home, &served);
    let (run, digest) = (run_of(&report), digest_of(&report));
    let arguments = ["--json", "runs", "approve", &run, "--plan", &digest, "--resume"];
    let ran = home.run(&arguments).expect_code(0);
    assert_eq!(ran.json()["outcome"], "remediated");
    assert!(ran.stderr.contains("approved plan"), "{}", ran.shown());
}

#[test]
fn a_denial_has_a_reason_and_changes_nothing() {
    let home = Home::new();
    let served = home.serve("missing-env");
    let (report, _) = parked(&home, &served);
    let (run, digest) = (run_of(&report), digest_of(&report));
    home.run(&["runs", "deny", &run, "--plan", &digest]).expect_code(2);
    home.run(&["runs", "deny", &run, "--plan", &digest, "--reason", " "]).expect_code(2);
    home.run(&["runs", "deny", &run, "--plan", &digest, "--reason", "not on a \u{1b}[31mFriday"])
        .expect_code(0);
    let ran = home.run(&["--json", "runs", "resume", &run]).expect_code(3);
    let denied = ran.json();
    assert_eq!((&denied["outcome"], &plan(&denied)["state"]), (&"denied".into(), &"denied".into()));
    assert!(plan(&denied)["message"].as_str().unwrap().contains("not on a Friday"), "{denied:#}");
    assert_eq!(triage(&home, &served)["outcome"], "findings");
}

#[test]
fn other_parameters_make_another_plan_that_waits_again() {
    let home = Home::new();
    let served = home.serve("missing-env");
    let (report, _) = parked(&home, &served);
    let (run, digest) = (run_of(&report), digest_of(&report));
    for wrong in ["{", "[]", "3"] {
        home.run(&["runs", "edit", &run, "--plan", &digest, "--parameters", wrong]).expect_code(2);
    }
    // The same action on the same object, said in a way that comes to another plan.
    let mut parameters = plan(&report)["parameters"].clone();
    parameters["toRevision"] = 1.into();
    let text = parameters.to_string();
    home.run(&["runs", "edit", &run, "--plan", &digest, "--parameters", &text]).expect_code(0);
    let ran = home.run(&["--json", "runs", "resume", &run, "--no-input"]);
    assert!([3, 5].contains(&ran.code), "{}", ran.shown());
    let other = ran.json();
    let waits: Vec<&Value> =
        other["plans"].as_array().unwrap().iter().filter(|plan| plan["waits_until_ms"].is_number()).collect();
    assert!(waits.iter().all(|plan| plan["digest"] != format!("sha256:{digest}").as_str()), "{other:#}");
    assert_eq!(triage(&home, &served)["outcome"], "findings");
}

#[test]
fn a_run_that_waits_can_be_cancelled() {
    let home = Home::new();
    let served = home.serve("missing-env");
    let (report, _) = parked(&home, &served);
    let run = run_of(&report);
    home.run(&["runs", "cancel", &run]).expect_code(0);
    home.run(&["runs", "resume", &run]).expect_code(2);
    home.run(&["runs", "approve", &run, "--plan", &digest_of(&report)]).expect_code(2);
    assert_eq!(triage(&home, &served)["outcome"], "findings");
}

#[test]
fn a_person_at_a_terminal_sees_the_plan_and_says_yes() {
    let home = Home::new();
    let arguments = ["run", "heal", "--playground", "missing-env", "--set", "remediation.stabilise=\"5s\""];
    let Some(mut terminal) = OnTerminal::start(&home, &arguments) else { return };
    terminal.expect("[y]es [n]o [l]ater");
    terminal.type_text("?\n");
    terminal.expect("apply exactly this plan");
    terminal.type_text("y\n");
    let (code, shown) = terminal.finish();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("digest") && shown.contains("sha256:") && shown.contains("risk"), "{shown}");
}

#[test]
fn ctrl_c_at_the_question_leaves_the_plan_for_later() {
    let home = Home::new();
    let served = home.serve("missing-env");
    let kubeconfig = served.kubeconfig();
    let arguments = ["run", "heal", "--kubeconfig", &kubeconfig];
    let Some(mut terminal) = OnTerminal::start(&home, &arguments) else { return };
    terminal.expect("[y]es [n]o [l]ater");
    terminal.type_text("\u{3}");
    let (code, shown) = terminal.finish();
    assert_eq!(code, 5, "{shown}");
    assert!(
        shown.contains("Left for later; nothing is changed.") && shown.contains("runs approve"),
        "{shown}"
    );
    assert_eq!(triage(&home, &served)["outcome"], "findings");
}

#[test]
fn what_was_typed_before_the_plan_was_shown_is_no_answer() {
    let home = Home::new();
    let arguments = ["run", "heal", "--playground", "missing-env"];
    let Some(mut terminal) = OnTerminal::start(&home, &arguments) else { return };
    terminal.type_text("y\ny\ny\n");
    terminal.expect("[y]es [n]o [l]ater");
    terminal.type_text("l\n");
    let (code, shown) = terminal.finish();
    assert_eq!(code, 5, "{shown}");
    assert!(shown.contains("Left for later"), "{shown}");
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let home = Home::new();
    for arguments in [
        vec!["run", "heal", "--playground", "missing-env", "--dry-run", "--yes"],
        vec!["run", "heal", "--playground", "missing-env", "--kubeconfig", "x"],
        vec!["run", "heal", "--playground", "missing-env", "--recorded", "x"],
        vec!["run", "heal", "--playground", "missing-env", "--context", "x"],
        vec!["run", "heal", "--playground-speed", "2", "--recorded", "x"],
        vec!["run", "heal", "--playground", "missing-env", "--playground-speed", "0"],
        vec!["run", "heal", "--playground", "missing-env", "--playground-speed", "NaN"],
        vec!["runs", "approve", "01", "--plan", "00000000", "--kubeconfig", "x"],
        vec!["runs", "resume", "01", "-n", "shop"],
    ] {
        let ran = home.run(&arguments).expect_code(2);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.shown());
    }
}
