//! Stages that call tools and ask: a run waits with its question, somebody
//! decides elsewhere, and it goes on from there.

mod support;

use support::{Home, OnTerminal, Ran};

const BUNDLE: [&str; 2] = ["--recorded", "examples/checkout-outage/bundle"];

/// Looks with two tools, explains, asks, and writes it down.
const PROFILE: &str = r#"
[diagnosis]
strategies = []
[tools]
plugins = ["pen", "kube"]
unasked = ["pen__write"]
[model]
provider = "scripted"
name = "scripted"
[model.settings]
script = '''
[[rule]]
text = "The shop is not well."
'''
[[pipeline.stage]]
name = "collect"
kind = "tools"
calls = [
  { tool = "kube__list", arguments = { kind = "Pod" } },
  { tool = "pen__look", arguments = { text = "one" } },
]
[[pipeline.stage]]
name = "explain"
kind = "model"
[[pipeline.stage]]
name = "ask"
kind = "approve"
prompt = "Write it down?"
[[pipeline.stage]]
name = "act"
kind = "tools"
calls = [{ tool = "pen__write", arguments = { text = "it" } }]
[[pipeline.stage]]
name = "report"
kind = "report"
"#;

fn with_stages() -> Home {
    let home = Home::new();
    let pen = home.write("pen.wasm", sickbay_test_support::guest("pen")).display().to_string();
    home.run(&["plugin", "install", &pen, "--yes"]).expect_code(0);
    home.write("home/config/profiles/staged.toml", PROFILE);
    home
}

/// A run that waits: its id and the digest of what it asks.
fn parked(home: &Home) -> (String, String, Ran) {
    let ran = home.run(&["--json", "run", "staged", BUNDLE[0], BUNDLE[1], "--no-input"]).expect_code(5);
    let report = ran.json();
    assert_eq!((&report["outcome"], &report["approvals"][0]["state"]), (&"planned".into(), &"waits".into()));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let digest = text(&report["approvals"][0]["digest"]);
    (text(&report["run"]), digest.trim_start_matches("sha256:").to_owned(), ran)
}

#[test]
fn a_stage_that_asks_waits_and_goes_on_after_the_approval() {
    let home = with_stages();
    let (run, digest, ran) = parked(&home);
    assert!(
        ran.stderr.contains(&format!("stage {} needs a person's approval", &digest[..12]))
            && ran
                .stderr
                .contains(&format!("sickbay runs approve {run} --plan {} --resume` goes on", &digest[..12])),
        "{}",
        ran.shown()
    );
    let listed = home.run(&["--json", "runs", "list"]).json();
    assert_eq!(listed[0]["waits"], true);
    // All that is approved can be read.
    let shown = home.run(&["runs", "show", &run]).expect_code(0);
    assert!(shown.stdout.contains("? Stage `ask` waits for approval."), "{}", shown.shown());
    assert!(
        shown.stdout.contains(&format!("sickbay runs approve {run} --plan sha256:{digest}")),
        "{}",
        shown.shown()
    );
    for part in ["Write it down?", "The shop is not well.", "kube__list", "one sees"] {
        assert!(shown.stderr.contains(part), "{part}: {}", shown.shown());
    }
    for wrong in ["", "00000000", &digest[..7]] {
        home.run(&["runs", "approve", &run, "--plan", wrong]).expect_code(2);
    }
    let edit = ["runs", "edit", &run, "--plan", &digest, "--parameters", "{}"];
    assert!(home.run(&edit).expect_code(2).stderr.contains("has no parameters"));
    // Nobody said yes: it still waits, with the same.
    let kept = home.run(&["--json", "runs", "resume", &run, "--no-input"]).expect_code(5).json();
    assert_eq!(kept["approvals"][0]["digest"], format!("sha256:{digest}"));

    home.run(&["runs", "approve", &run, "--plan", &digest[..12]]).expect_code(0);
    let ended = home.run(&["--json", "runs", "resume", &run, "--no-input"]).expect_code(0).json();
    assert_eq!(ended["outcome"], "answered", "{ended:#}");
    assert_eq!(ended["approvals"][0]["state"], "approved");
    assert_eq!(
        (&ended["tools"][2]["text"], &ended["tools"][2]["writes"]),
        (&"write: it".into(), &true.into())
    );
    home.run(&["runs", "replay", &run]).expect_code(0);
}

#[test]
fn a_stage_that_is_denied_ends_the_run_with_the_reason() {
    let home = with_stages();
    let (run, digest, _) = parked(&home);
    home.run(&["runs", "deny", &run, "--plan", &digest, "--reason", "not during the sale"]).expect_code(0);
    let ended = home.run(&["runs", "resume", &run, "--no-input"]).expect_code(3);
    assert!(
        ended
            .stdout
            .starts_with("! Stage `ask` was not approved: not during the sale (a person by `runs deny`)."),
        "{}",
        ended.shown()
    );
    assert!(!ended.stdout.contains("pen__write"), "{}", ended.shown());
    home.run(&["runs", "replay", &run]).expect_code(0);
}

#[test]
fn a_person_at_the_terminal_is_asked() {
    let home = with_stages();
    let Some(mut terminal) = OnTerminal::start(&home, &["run", "staged", BUNDLE[0], BUNDLE[1]]) else {
        return;
    };
    terminal.expect("Write it down?");
    terminal.expect("Go on after `ask`?");
    terminal.type_text("d\n");
    terminal.expect("All that is known so far");
    terminal.type_text("y\n");
    let (code, shown) = terminal.finish();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("was approved: by the person at the terminal"), "{shown}");
}

#[test]
fn what_a_profile_gets_wrong_about_its_stages_is_told_before_anything_runs() {
    let home = with_stages();
    let path = "home/config/profiles/staged.toml";
    home.run(&["profile", "check", "staged"]).expect_code(0);
    home.write(path, PROFILE.replace("kube__list", "kub__list"));
    let ran = home.run(&["profile", "check", "staged"]).expect_code(2);
    assert!(ran.stderr.contains("did you mean `kube`?"), "{}", ran.shown());
    for (wrong, expect) in [("kube__lst", "did you mean `kube__list`?"), ("kube__get", "do not fit")] {
        home.write(path, PROFILE.replace("kube__list", wrong));
        let ran = home.run(&["run", "staged", BUNDLE[0], BUNDLE[1], "--no-input"]).expect_code(2);
        assert!(ran.stderr.contains(expect), "{}", ran.shown());
    }
}
