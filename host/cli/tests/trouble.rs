//! A strategy in trouble ends as a typed outcome; the run says so and goes on
//! with the others.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a report of another shape fails the test")]

mod support;

use serde_json::Value;
use support::Home;

/// The command that asks `troubled` in this mode before `rules`, and what else it says.
fn command(mode: &str, extra: &[&str]) -> Vec<String> {
    let strategies = "diagnosis.strategies=[\"troubled\", \"rules\"]";
    let mode = format!("diagnosis.troubled.mode=\"{mode}\"");
    let bundle = "examples/checkout-outage/bundle";
    let words = ["--json", "run", "triage", "--recorded", bundle, "--set", strategies, "--set", &mode];
    words.iter().chain(extra).map(|word| (*word).to_owned()).collect()
}

/// Runs `troubled` before `rules`, and gives the report.
fn report(home: &Home, mode: &str, extra: &[&str]) -> Value {
    home.run(&words(&command(mode, extra))).expect_code(5).json()
}

fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

fn installed(grants: &[&str]) -> Home {
    let home = Home::new();
    let path = home.write("troubled.wasm", sickbay_test_support::guest("troubled")).display().to_string();
    let mut arguments = vec!["plugin", "install", path.as_str()];
    arguments.extend(grants);
    home.run(&arguments).expect_code(0);
    home
}

#[track_caller]
fn check(home: &Home, mode: &str, extra: &[&str], outcome: &str, says: &str) {
    let report = report(home, mode, extra);
    let [troubled, rules] = report["strategies"].as_array().unwrap().as_slice() else {
        panic!("{report:#}");
    };
    assert_eq!(
        (&troubled["name"], &troubled["outcome"]),
        (&"troubled".into(), &outcome.into()),
        "{troubled:#}"
    );
    assert!(troubled["message"].as_str().unwrap().contains(says), "{troubled:#}");
    assert_eq!((&rules["name"], &rules["outcome"]), (&"rules".into(), &"ok".into()), "{rules:#}");
    assert_eq!(report["findings"][0]["object"]["name"], "checkout");
}

#[test]
fn each_kind_of_trouble_is_told_and_the_run_goes_on() {
    let home = installed(&["--yes"]);
    check(&home, "loop", &["--set", "limits.call=1s"], "limit", "time");
    check(&home, "memory", &[], "limit", "memory");
    check(&home, "trap", &[], "trap", "it trapped");
    check(&home, "flood", &[], "ok", "flooded the log");
    check(&home, "ask", &[], "limit", "calls to the host");
    check(&home, "nonsense", &[], "failed", "no mode");
}

#[test]
fn what_is_not_granted_is_denied_with_the_command_that_grants_it() {
    let home = installed(&["--no-grants"]);
    let report = report(&home, "denied", &[]);
    let troubled = &report["strategies"][0];
    assert_eq!(troubled["outcome"], "denied", "{troubled:#}");
    home.run(&["plugin", "grant", "troubled", "cluster:read"]).expect_code(0);
    let report = self::report(&home, "denied", &[]);
    assert_eq!(report["strategies"][0]["message"], "was let in");
    // A profile narrows what the lock grants.
    let report = self::report(&home, "denied", &["--set", "grants.troubled=[]"]);
    assert_eq!(report["strategies"][0]["outcome"], "denied");
}

#[test]
fn a_run_whose_only_strategy_fails_has_failed() {
    let home = installed(&["--yes"]);
    let ran = home.run(&[
        "run",
        "triage",
        "--recorded",
        "examples/checkout-outage/bundle",
        "--set",
        "diagnosis.strategies=[\"troubled\"]",
        "--set",
        "diagnosis.troubled.mode=\"trap\"",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stdout.contains("trapped"), "{}", ran.shown());
}

#[test]
fn the_run_s_own_time_ends_it_with_a_report() {
    let home = installed(&["--yes"]);
    let ran = home.run(&words(&command("loop", &["--set", "limits.wall=700ms"])));
    let report = ran.expect_code(4).json();
    assert_eq!(report["outcome"], "limit");
    assert_eq!(report["limits_hit"], serde_json::json!(["wall"]));
}

#[test]
fn every_troubled_run_replays() {
    let home = installed(&["--yes"]);
    for mode in ["trap", "loop", "memory", "flood"] {
        let report = report(&home, mode, &["--set", "limits.call=500ms"]);
        let run = report["run"].as_str().unwrap();
        let replayed = home.run(&["--json", "runs", "replay", run]).expect_code(0).json();
        assert_eq!(replayed["same"], replayed["events"], "{mode}: {replayed:#}");
    }
}

#[test]
fn ctrl_c_ends_a_run_with_a_report_and_it_replays() {
    let home = installed(&["--yes"]);
    let started = home.start(&words(&command("loop", &[])));
    // The plugin loops for as long as it may: what was recorded by then tells when it was called.
    let run = loop {
        let listed = home.run(&["--json", "runs", "list"]).json();
        if let Some(run) = listed[0]["run"].as_str()
            && home.run(&["runs", "show", run, "--events"]).stdout.contains("call-started")
        {
            break run.to_owned();
        }
    };
    let ran = started.interrupt().expect_code(1);
    let report = ran.json();
    assert_eq!((&report["outcome"], &report["run"]), (&"cancelled".into(), &run.as_str().into()));
    let replayed = home.run(&["--json", "runs", "replay", &run]).expect_code(0).json();
    assert_eq!(replayed["same"], replayed["events"], "{replayed:#}");
}
