//! Plugins from files: inspected, consented to, granted, revoked, removed.
#![expect(clippy::disallowed_methods, reason = "tests look at the files of the home that they made")]

mod support;

use std::fs;

use support::Home;

fn guest(home: &Home, name: &str) -> String {
    home.write(&format!("{name}.wasm"), sickbay_test_support::guest(name)).display().to_string()
}

#[test]
fn inspecting_runs_nothing_and_shows_what_is_asked_for() {
    let home = Home::new();
    let path = guest(&home, "hostile");
    let ran = home.run(&["--json", "plugin", "inspect", &path]).expect_code(0);
    let shown = ran.json();
    assert_eq!(shown["manifest"]["name"], "hostile");
    assert_eq!(shown["kinds"], serde_json::json!(["tool"]));
    assert!(!home.path().join("home/config/plugins.lock").exists());
}

#[test]
fn without_a_person_there_is_no_consent() {
    let home = Home::new();
    let path = guest(&home, "troubled");
    let ran = home.run(&["plugin", "install", &path]).expect_code(3);
    assert!(ran.stderr.contains("--yes"), "{}", ran.shown());
    assert!(!home.path().join("home/config/plugins.lock").exists());
    assert!(!home.path().join("home/data/plugins").exists());
}

#[test]
fn a_plugin_lives_from_install_to_remove() {
    let home = Home::new();
    let path = guest(&home, "troubled");
    home.run(&["plugin", "install", &path, "--no-grants"]).expect_code(0);
    let explain = |home: &Home| home.run(&["--json", "plugin", "explain", "troubled"]).expect_code(0).json();
    assert_eq!(explain(&home)["capabilities"][0]["granted"], false);
    home.run(&["plugin", "grant", "troubled", "cluster:read"]).expect_code(0);
    assert_eq!(explain(&home)["capabilities"][0]["granted"], true);
    let again = home.run(&["plugin", "install", &path, "--yes"]).expect_code(2);
    assert!(again.stderr.contains("--replace"), "{}", again.shown());
    home.run(&["plugin", "install", &path, "--yes", "--replace"]).expect_code(0);
    home.run(&["plugin", "revoke", "troubled", "cluster:read"]).expect_code(0);
    assert_eq!(explain(&home)["capabilities"][0]["granted"], false);
    home.run(&["plugin", "remove", "troubled"]).expect_code(0);
    home.run(&["plugin", "explain", "troubled"]).expect_code(2);
    assert_eq!(fs::read_dir(home.path().join("home/data/plugins")).unwrap().count(), 0);
}

#[test]
fn only_what_it_asks_for_can_be_granted() {
    let home = Home::new();
    let path = guest(&home, "troubled");
    home.run(&["plugin", "install", &path, "--no-grants"]).expect_code(0);
    let ran = home.run(&["plugin", "grant", "troubled", "process:sh"]).expect_code(2);
    assert!(ran.stderr.contains("does not ask for"), "{}", ran.shown());
    let ran = home.run(&["plugin", "grant", "troubled", "cluster:raed"]).expect_code(2);
    assert!(ran.stderr.contains("did you mean `cluster:read`?"), "{}", ran.shown());
    let ran = home.run(&["plugin", "grant", "trubled", "cluster:read"]).expect_code(2);
    assert!(ran.stderr.contains("did you mean `troubled`?"), "{}", ran.shown());
}

#[test]
fn an_embedded_plugin_can_lose_its_power_and_not_be_removed() {
    let home = Home::new();
    home.run(&["plugin", "remove", "rules"]).expect_code(2);
    home.run(&["plugin", "revoke", "rules", "cluster:read"]).expect_code(0);
    let ran = home.run(&["run", "triage", "--recorded", "examples/checkout-outage/bundle"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stdout.contains("cluster:read"), "{}", ran.shown());
    home.run(&["plugin", "grant", "rules", "cluster:read"]).expect_code(0);
    home.run(&["run", "triage", "--recorded", "examples/checkout-outage/bundle"]).expect_code(5);
}

#[test]
fn a_changed_byte_is_noticed_before_anything_runs() {
    let home = Home::new();
    let path = guest(&home, "troubled");
    home.run(&["plugin", "install", &path, "--yes"]).expect_code(0);
    let stored = fs::read_dir(home.path().join("home/data/plugins")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&stored).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&stored, bytes).unwrap();
    let strategies = "diagnosis.strategies=[\"troubled\"]";
    let ran =
        home.run(&["run", "triage", "--set", strategies, "--recorded", "examples/checkout-outage/bundle"]);
    assert_eq!(ran.code, 3, "{}", ran.shown());
    assert!(ran.stderr.contains("is not what was installed"), "{}", ran.shown());
}

#[test]
fn a_damaged_lock_is_refused_with_the_line_and_left_as_it_is() {
    let home = Home::new();
    let lock = home.write("home/config/plugins.lock", "version = 1\n\n[[plugin]]\nnmae = \"x\"\n");
    let ran = home.run(&["plugin", "list"]).expect_code(2);
    assert!(ran.stderr.contains("plugins.lock:4") && ran.stderr.contains("name"), "{}", ran.shown());
    assert!(fs::read_to_string(lock).unwrap().contains("nmae"));
}

#[test]
fn files_that_are_no_plugins_are_told_apart() {
    let home = Home::new();
    for (name, bytes, says) in [
        ("empty.wasm", &b""[..], "empty"),
        ("text.wasm", b"#!/bin/sh\necho hello\n", "not"),
        ("module.wasm", b"\0asm\x01\0\0\0", "module"),
        ("native.cwasm", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", "native"),
    ] {
        let path = home.write(name, bytes).display().to_string();
        let ran = home.run(&["plugin", "install", &path, "--yes"]).expect_code(2);
        assert!(ran.stderr.contains(says) && ran.stderr.starts_with("error: "), "{name}: {}", ran.shown());
    }
    home.run(&["plugin", "install", "no-such-file.wasm", "--yes"]).expect_code(2);
}

#[test]
fn two_installs_at_once_are_both_there() {
    let home = Home::new();
    let paths: Vec<String> = ["troubled", "strategy", "echo"].iter().map(|name| guest(&home, name)).collect();
    std::thread::scope(|scope| {
        for path in &paths {
            scope.spawn(|| home.run(&["plugin", "install", path, "--yes"]).expect_code(0));
        }
    });
    let listed = home.run(&["--json", "plugin", "list"]).json();
    let installed = listed.as_array().unwrap().iter().filter(|plugin| plugin["embedded"] == false).count();
    assert_eq!(installed, 3, "{listed:#}");
}
