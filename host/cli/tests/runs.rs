//! Past runs: listed, shown, exported, replayed; and a journal that can not be
//! used is said to be so, and left as it is.
#![expect(clippy::disallowed_methods, reason = "tests look at the files of the home that they made")]

mod support;

use std::fs;

use support::{Home, Ran};

fn triage(home: &Home) -> Ran {
    home.run(&["--json", "run", "triage", "--recorded", "examples/checkout-outage/bundle"])
}

#[test]
fn a_run_is_listed_shown_exported_and_replayed() {
    let home = Home::new();
    let none = home.run(&["--json", "runs", "list"]).expect_code(0).json();
    assert_eq!(none, serde_json::json!([]));
    let report = triage(&home).expect_code(5).json();
    let run = report["run"].as_str().unwrap();
    let listed = home.run(&["--json", "runs", "list"]).expect_code(0).json();
    assert_eq!((&listed[0]["run"], &listed[0]["outcome"]), (&run.into(), &"findings".into()));
    let shown = home.run(&["--json", "runs", "show", &run[..12]]).expect_code(0).json();
    assert_eq!(shown, report);
    let replayed = home.run(&["--json", "runs", "replay", run]).expect_code(0).json();
    assert_eq!(replayed["same"], replayed["events"]);
    let file = home.path().join("run.jsonl").display().to_string();
    home.run(&["runs", "export", run, "-o", &file]).expect_code(0);
    let on_stdout = home.run(&["runs", "export", run]).expect_code(0);
    assert_eq!(on_stdout.stdout, fs::read_to_string(&file).unwrap());
    // The file is enough, on a machine that never saw the run.
    let elsewhere = Home::new();
    elsewhere.run(&["runs", "replay", &file]).expect_code(0);
}

#[test]
fn a_replay_names_the_first_event_that_differs() {
    let home = Home::new();
    triage(&home).expect_code(5);
    let exported = home.run(&["runs", "export", "01"]).expect_code(0).stdout;
    // The host's own answer to a question, changed after the fact.
    let tampered: Vec<String> = exported
        .lines()
        .map(|line| {
            if line.contains("\"call-ended\"") {
                line.replacen("checkout", "chekcout", 1)
            } else {
                line.to_owned()
            }
        })
        .collect();
    let file = home.write("tampered.jsonl", tampered.join("\n")).display().to_string();
    let ran = home.run(&["--json", "runs", "replay", &file]).expect_code(1);
    let ended = exported.lines().position(|line| line.contains("\"call-ended\"")).unwrap();
    assert_eq!(ran.json()["difference"]["seq"], ended, "{}", ran.shown());
    // A file that was cut is told apart from one that differs.
    let cut = &exported[..exported.len() * 2 / 3];
    let file = home.write("cut.jsonl", cut).display().to_string();
    let ran = home.run(&["runs", "replay", &file]).expect_code(2);
    assert!(ran.stderr.contains("cut.jsonl"), "{}", ran.shown());
}

#[test]
fn a_home_that_can_not_be_written_is_an_error_with_a_hint() {
    let home = Home::new();
    // The home is a file: no user may make folders in it.
    fs::remove_dir_all(home.path().join("home")).unwrap();
    home.write("home", "");
    let ran = triage(&home).expect_code(1);
    assert!(ran.stderr.contains("error: can not") && ran.stderr.contains("SICKBAY_HOME"), "{}", ran.shown());
    assert_eq!(fs::read_to_string(home.path().join("home")).unwrap(), "");
}

#[test]
fn a_journal_of_a_newer_program_is_refused_and_left_alone() {
    let home = Home::new();
    triage(&home).expect_code(5);
    let path = home.path().join("home/data/journal.db");
    let mut bytes = fs::read(&path).unwrap();
    // SQLite keeps the user version at offset 60, big-endian.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    for arguments in
        [vec!["runs", "list"], vec!["run", "triage", "--recorded", "examples/checkout-outage/bundle"]]
    {
        let ran = home.run(&arguments).expect_code(1);
        assert!(ran.stderr.contains("99") && ran.stderr.contains("hint: "), "{}", ran.shown());
    }
    assert_eq!(fs::read(&path).unwrap()[60..64], 99_u32.to_be_bytes());
}

#[test]
fn a_journal_that_is_none_is_refused_and_left_alone() {
    let home = Home::new();
    let path = home.write("home/data/journal.db", "this is my diary, not a database\n".repeat(100));
    let ran = triage(&home).expect_code(1);
    assert!(ran.stderr.contains("is not a journal") && ran.stderr.contains("hint: "), "{}", ran.shown());
    assert!(fs::read_to_string(path).unwrap().starts_with("this is my diary"));
}

#[test]
fn an_unknown_run_is_a_mistake_of_usage() {
    let home = Home::new();
    home.run(&["runs", "show", "01zz"]).expect_code(2);
    triage(&home).expect_code(5);
    let ran = home.run(&["runs", "show", "01zz"]).expect_code(2);
    assert!(ran.stderr.contains("01zz"), "{}", ran.shown());
}
