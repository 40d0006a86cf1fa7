//! What holds for every command.

mod support;

use support::Home;

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let home = Home::new();
    let ran = home.run(&["--help"]).expect_code(0);
    insta::assert_snapshot!("help", ran.stdout);
}

#[test]
fn mistakes_on_the_command_line_end_in_2() {
    let home = Home::new();
    for arguments in
        [vec!["rnu"], vec![], vec!["run"], vec!["run", "triage", "--recorded"], vec!["runs", "show"]]
    {
        let ran = home.run(&arguments).expect_code(2);
        assert!(!ran.stderr.is_empty() && ran.stdout.is_empty(), "{}", ran.shown());
    }
}

#[test]
fn completions_are_scripts() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = home.run(&["completions", shell]).expect_code(0);
        assert!(ran.stdout.contains("sickbay"), "{shell}");
    }
}

#[test]
fn doctor_finds_everything_well_in_a_new_home() {
    let home = Home::new();
    let ran = home.run(&["--json", "doctor"]).expect_code(0);
    let checks = ran.json();
    let state = |name: &str| {
        let checks = checks.as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).map(|check| check["state"].clone())
    };
    for name in ["config folder", "data folder", "cache folder", "journal", "profiles", "plugin rules"] {
        assert_eq!(state(name), Some("ok".into()), "{}", ran.shown());
    }
    assert_eq!(state("cluster"), Some("missing".into()));
    let ran = home.run(&["--json", "doctor", "--recorded", "examples/checkout-outage/bundle"]).expect_code(0);
    assert!(ran.stdout.contains("v1.33.4"), "{}", ran.shown());
}

#[test]
fn an_error_is_json_too_where_that_was_asked_for() {
    let home = Home::new();
    let ran = home.run(&["--json", "run", "nope"]).expect_code(2);
    assert_eq!(ran.json()["error"]["class"], "usage");
    assert!(ran.stderr.starts_with("error: "));
}

#[test]
fn nothing_is_coloured_that_is_no_terminal() {
    let home = Home::new();
    let bundle = "examples/checkout-outage/bundle";
    let plain = home.run(&["run", "triage", "--recorded", bundle]);
    assert!(!plain.stdout.contains('\x1b') && !plain.stderr.contains('\x1b'));
    let coloured = home.run(&["--color", "always", "run", "triage", "--recorded", bundle]);
    assert!(coloured.stdout.contains('\x1b'));
}

#[test]
fn what_others_say_can_not_steer_the_terminal() {
    let home = Home::new();
    let ran = home.run(&["run", "triage", "--recorded", "no\u{1b}[2Jsuch\u{202e}file"]).expect_code(2);
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains('\u{202e}'), "{:?}", ran.stderr);
}
