//! What may be changed without asking, and which rule says so.

mod support;

use support::Home;

#[test]
fn the_deciding_rule_is_named_and_why_the_earlier_ones_do_not() {
    let home = Home::new();
    let ran = home
        .run(&[
            "policy",
            "explain",
            "--kind",
            "Deployment",
            "--namespace",
            "kube-system",
            "--name",
            "coredns",
        ])
        .expect_code(0);
    insta::assert_snapshot!("policy_explain", home.plain(&ran.shown()));
}

#[test]
fn each_kind_of_change_has_its_verdict() {
    let home = Home::new();
    for (arguments, verdict) in [
        (vec!["--kind", "Secret", "--verb", "patch"], "deny"),
        (vec!["--kind", "Namespace", "--verb", "delete"], "deny"),
        (vec!["--kind", "Deployment", "--verb", "delete", "--irreversible"], "ask"),
        (vec!["--kind", "Deployment", "--risk", "high"], "ask"),
        (vec!["--kind", "Deployment"], "allow"),
        (vec!["--kind", "Deployment", "--pods", "500"], "ask"),
        (vec!["--kind", "Deployment", "--objects", "40", "--pods", "40"], "ask"),
        (vec!["--kind", "Deployment", "--managed-by", "Helm"], "ask"),
        (vec!["--kind", "StatefulSet", "--stateful", "--verb", "restart"], "ask"),
        (vec!["--kind", "Pod", "--verb", "evict", "--source", "playground"], "allow"),
    ] {
        let mut words = vec!["--json", "policy", "explain"];
        words.extend(&arguments);
        let explained = home.run(&words).expect_code(0).json();
        assert_eq!(explained["ruling"]["verdict"], verdict, "{arguments:?}: {explained:#}");
    }
}

#[test]
fn a_profile_s_own_policy_decides_for_it() {
    let home = Home::new();
    let policy = home.write(
        "mine.toml",
        "default = \"deny\"\n[[rule]]\nname = \"team\"\nverdict = \"allow\"\nlabels = \"team=shop\"\n",
    );
    let path = policy.display().to_string();
    home.write(
        "home/config/profiles/mine.toml",
        format!("[remediation]\nplugins = [\"workload\"]\napproval = \"policy\"\npolicy = \"{path}\"\n"),
    );
    for place in [["--profile", "mine"], ["--policy", path.as_str()]] {
        for (label, verdict) in [("team=shop", "allow"), ("team=bank", "deny")] {
            let ran = home.run(&["--json", "policy", "explain", place[0], place[1], "--label", label]);
            assert_eq!(ran.json()["ruling"]["verdict"], verdict, "{}", ran.shown());
        }
    }
    let ran = home.run(&["policy", "explain", "--profile", "mine", "--label", "team=shop"]).expect_code(0);
    assert!(ran.stdout.contains("without asking"), "{}", ran.shown());
    let ran = home.run(&["policy", "explain", "--profile", "triage"]).expect_code(0);
    assert!(ran.stdout.contains("plans only"), "{}", ran.shown());
}

#[test]
fn a_wrong_policy_is_told_with_its_line() {
    let home = Home::new();
    let path = home.write("bad.toml", "default = \"ask\"\n[[rule]]\nname = \"x\"\nverdikt = \"deny\"\n");
    let ran = home.run(&["policy", "check", &path.display().to_string()]).expect_code(2);
    insta::assert_snapshot!("wrong_policy", home.plain(&ran.shown()));
    home.run(&["policy", "check", "nowhere.toml"]).expect_code(2);
}

#[test]
fn what_is_shown_can_be_checked_and_used() {
    let home = Home::new();
    let shown = home.run(&["policy", "show"]).expect_code(0).stdout;
    let path = home.write("copy.toml", &shown);
    home.run(&["policy", "check", &path.display().to_string()]).expect_code(0);
}

#[test]
fn mistakes_are_named() {
    let home = Home::new();
    for (arguments, says) in [
        (vec!["--verb", "pacth"], "did you mean `patch`?"),
        (vec!["--label", "no-equals-sign"], "KEY=VALUE"),
        (vec!["--at", "yesterday"], "2026-11-21T16:00:00Z"),
        (vec!["--objects", "0"], "0"),
        (vec!["--profile", "nope"], "there is no profile"),
    ] {
        let mut words = vec!["policy", "explain"];
        words.extend(&arguments);
        let ran = home.run(&words).expect_code(2);
        assert!(ran.stderr.contains(says), "{}", ran.shown());
    }
}
