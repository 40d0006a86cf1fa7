//! Profiles: found, checked, trusted, and refused with the line.

mod support;

use support::Home;

#[test]
fn a_wrong_key_is_named_with_its_line_and_what_was_meant() {
    let home = Home::new();
    home.write(
        "home/config/profiles/mine.toml",
        "description = \"x\"\n[diagnosis]\nstrategys = [\"rules\"]\n",
    );
    let ran = home.run(&["profile", "check", "mine"]).expect_code(2);
    insta::assert_snapshot!("wrong_key", home.plain(&ran.shown()));
    let again = home.run(&["run", "mine", "--recorded", "examples/checkout-outage/bundle"]).expect_code(2);
    assert!(again.stderr.contains("strategies"), "{}", again.shown());
}

#[test]
fn the_list_has_the_built_in_and_the_own_ones() {
    let home = Home::new();
    home.write("home/config/profiles/mine.toml", "description = \"My own\"\n");
    home.write("home/config/profiles/broken.toml", "loop = 3\n");
    let ran = home.run(&["profile", "list"]).expect_code(0);
    insta::assert_snapshot!("profile_list", home.plain(&ran.shown()));
}

#[test]
fn each_value_says_where_it_is_from() {
    let home = Home::new();
    let ran = home.run(&["profile", "show", "triage", "--set", "limits.wall=10s", "--json"]).expect_code(0);
    let shown = ran.json();
    let wall =
        shown["settings"].as_array().unwrap().iter().find(|s| s["key"] == "limits.wall").unwrap().clone();
    assert_eq!((&wall["value"], &wall["source"]), (&"10s".into(), &"command line".into()));
}

#[test]
fn a_profile_of_a_stranger_runs_only_after_it_was_trusted_and_as_it_was() {
    let home = Home::new();
    let path = home.write("repo/triage.toml", "description = \"theirs\"\n");
    let shown = path.display().to_string();
    let bundle = ["--recorded", "examples/checkout-outage/bundle"];
    let ran = home.run(&["run", &shown, bundle[0], bundle[1]]).expect_code(3);
    assert!(ran.stderr.contains("sickbay profile trust"), "{}", ran.shown());
    home.run(&["profile", "trust", &shown]).expect_code(0);
    home.run(&["run", &shown, bundle[0], bundle[1]]).expect_code(5);
    home.write("repo/triage.toml", "description = \"changed\"\n");
    home.run(&["run", &shown, bundle[0], bundle[1]]).expect_code(3);
}

#[test]
fn a_missing_strategy_and_one_of_another_kind_are_named() {
    let home = Home::new();
    let ran = home.run(&["run", "triage", "--set", "diagnosis.strategies=[\"rulse\"]", "--recorded", "x"]);
    assert_eq!(ran.code, 2, "{}", ran.shown());
    assert!(ran.stderr.contains("did you mean `rules`?"), "{}", ran.shown());
    let echo = home.write("echo.wasm", sickbay_test_support::guest("echo"));
    home.run(&["plugin", "install", &echo.display().to_string(), "--yes"]).expect_code(0);
    let ran = home.run(&["run", "triage", "--set", "diagnosis.strategies=[\"echo\"]", "--recorded", "x"]);
    assert_eq!(ran.code, 2, "{}", ran.shown());
    assert!(ran.stderr.contains("not a diagnosis plugin"), "{}", ran.shown());
}

#[test]
fn ten_megabytes_of_profile_are_refused() {
    let home = Home::new();
    home.write("home/config/profiles/big.toml", format!("description = \"{}\"\n", "x".repeat(10 << 20)));
    let ran = home.run(&["profile", "check", "big"]).expect_code(2);
    assert!(ran.stderr.contains("longer than"), "{}", ran.shown());
}
