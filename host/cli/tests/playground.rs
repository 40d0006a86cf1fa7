//! The playground as a person starts it.
#![expect(clippy::disallowed_methods, reason = "tests look at the files of the home that they made")]

mod support;

use std::{fs, os::unix::fs::PermissionsExt as _};

use support::{Home, Served};

#[test]
fn every_scenario_is_listed() {
    let home = Home::new();
    let listed = home.run(&["--json", "playground", "list"]).expect_code(0).json();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|scenario| scenario["name"].as_str().unwrap()).collect();
    for name in [
        "healthy",
        "missing-env",
        "oom",
        "image-pull",
        "bad-command",
        "probe-port",
        "selector-typo",
        "pending-taint",
        "pending-resources",
        "quota",
        "pdb-deadlock",
        "configmap-typo",
        "flapping",
        "rollout-that-gets-worse",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let table = home.run(&["playground", "list"]).expect_code(0).stdout;
    assert!(table.starts_with("SCENARIO") && table.contains("missing-env"), "{table}");
}

#[test]
fn a_scenario_that_is_not_there_is_named_with_what_was_meant() {
    let home = Home::new();
    for arguments in [
        vec!["run", "heal", "--playground", "mising-env"],
        vec!["playground", "start", "mising-env", "--kubeconfig", "k"],
    ] {
        let ran = home.run(&arguments).expect_code(2);
        assert!(ran.stderr.contains("missing-env"), "{}", ran.shown());
        assert!(ran.stdout.is_empty(), "{}", ran.shown());
    }
}

#[test]
fn the_kubeconfig_is_private_and_goes_when_it_ends() {
    let home = Home::new();
    for signal in ["-INT", "-TERM"] {
        let served = home.serve("healthy");
        assert_eq!(served.told["double"], true);
        assert!(served.told["address"].as_str().unwrap().starts_with("https://127.0.0.1:"));
        let path = served.kubeconfig.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let report =
            home.run(&["--json", "run", "triage", "--kubeconfig", &served.kubeconfig()]).expect_code(0);
        assert_eq!(report.json()["outcome"], "healthy", "{}", report.shown());
        let (code, stderr) = served.stop(signal);
        assert_eq!(code, 0, "{stderr}");
        assert!(!path.exists() && stderr.contains("removed"), "{stderr}");
    }
}

#[test]
fn a_kubeconfig_of_somebody_else_is_never_written_over() {
    let home = Home::new();
    let own = home.write("mine.kubeconfig", "apiVersion: v1\nkind: Config\n");
    let ran = home
        .run(&["playground", "start", "healthy", "--kubeconfig", &own.display().to_string()])
        .expect_code(2);
    assert!(ran.stderr.contains("not of a playground") && ran.stderr.contains("hint: "), "{}", ran.shown());
    assert_eq!(fs::read_to_string(&own).unwrap(), "apiVersion: v1\nkind: Config\n");
    let link = home.path().join("link.kubeconfig");
    std::os::unix::fs::symlink(&own, &link).unwrap();
    home.run(&["playground", "start", "healthy", "--kubeconfig", &link.display().to_string()]).expect_code(2);
}

#[test]
fn one_that_was_killed_leaves_no_trouble_behind() {
    let home = Home::new();
    let first = home.serve("healthy");
    let path = first.kubeconfig.clone();
    first.stop("-KILL");
    assert!(path.exists());
    let second = home.serve("healthy");
    let (code, _) = second.stop("-TERM");
    assert_eq!((code, path.exists()), (0, false));
}

#[test]
fn without_a_path_the_kubeconfig_is_below_the_data_folder() {
    let home = Home::new();
    let served = Served::start(&home, &["--json", "playground", "start", "healthy"]);
    let path = served.kubeconfig.clone();
    assert!(path.starts_with(home.path().join("home/data/playground")) && path.exists(), "{path:?}");
    served.stop("-TERM");
    assert!(!path.exists());
}
