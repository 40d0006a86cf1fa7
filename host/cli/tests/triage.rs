//! The main job: a recorded cluster goes in, what is wrong with it comes out.
#![expect(clippy::disallowed_methods, reason = "tests look at the files of the home that they made")]

mod support;

use serde_json::Value;
use support::{Home, copy_folder, outage, packed};

fn roots(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    findings
        .iter()
        .filter(|finding| finding["root"] == true && finding["severity"] != "info")
        .map(|finding| {
            let object = &finding["object"];
            format!("{} {}", object["kind"].as_str().unwrap_or(""), object["name"].as_str().unwrap_or(""))
        })
        .collect()
}

#[test]
fn the_example_is_diagnosed_with_its_root_first() {
    let home = Home::new();
    let ran = home.run(&["run", "triage", "--recorded", "examples/checkout-outage/bundle"]).expect_code(5);
    insta::assert_snapshot!("outage", home.plain(&ran.shown()));
}

#[test]
fn the_report_as_json_keeps_its_contract() {
    let home = Home::new();
    let path = outage().display().to_string();
    let report = home.run(&["--json", "run", "triage", "--recorded", &path]).expect_code(5).json();
    assert_eq!(report["schema"], "sickbay.report/1");
    assert_eq!(report["outcome"], "findings");
    assert_eq!(report["cluster"]["source"], "recorded");
    assert_eq!(report["usage"]["input_tokens"], 0);
    assert_eq!(roots(&report), ["Deployment checkout"]);
    let root = &report["findings"][0];
    assert_eq!(root["hypothesis"], false);
    assert_eq!(root["actions"][0]["plugin"], "workload");
    assert_eq!(root["actions"][0]["action"], "rollout-undo");
    assert!(root["message"].as_str().unwrap_or("").contains("DATABASE_URL"), "{root:#}");
    for evidence in root["evidence"].as_array().unwrap() {
        assert_eq!(evidence["verified"], true, "{evidence:#}");
    }
}

#[test]
fn a_bundle_reads_the_same_packed_and_unpacked() {
    let home = Home::new();
    let packed = home.write("bundle.tar.gz", packed(&outage()));
    let report = home.run(&["--json", "run", "triage", "--recorded", &packed.display().to_string()]).json();
    assert_eq!(roots(&report), ["Deployment checkout"]);
}

#[test]
fn only_the_named_namespaces_are_read() {
    let home = Home::new();
    let path = outage().display().to_string();
    let ran = home.run(&["--json", "run", "triage", "--recorded", &path, "-n", "default"]).expect_code(0);
    let report = ran.json();
    assert_eq!(report["outcome"], "healthy");
    assert!(!ran.stdout.contains("checkout"), "{}", ran.stdout);
    let report = home.run(&["--json", "run", "triage", "--recorded", &path, "-n", "shop"]).json();
    assert_eq!(roots(&report), ["Deployment checkout"]);
}

#[test]
fn a_mistyped_namespace_is_no_healthy_one() {
    let home = Home::new();
    let path = outage().display().to_string();
    let ran = home.run(&["run", "triage", "--recorded", &path, "-n", "shpo"]).expect_code(2);
    assert!(ran.stderr.contains("did you mean `shop`?"), "{}", ran.shown());
}

#[test]
fn a_truncated_archive_is_used_as_far_as_it_goes() {
    let home = Home::new();
    let whole = packed(&outage());
    for tenths in [9, 5, 2] {
        let cut = home.write("cut.tar.gz", &whole[..whole.len() * tenths / 10]);
        let ran = home.run(&["--json", "run", "triage", "--recorded", &cut.display().to_string()]);
        if ran.code == 2 {
            assert!(ran.stderr.contains("hint: "), "{}", ran.shown());
            continue;
        }
        assert!([0, 5].contains(&ran.code), "{}", ran.shown());
        let skipped = ran.json()["skipped"].to_string();
        assert!(skipped.contains("breaks off"), "{skipped}");
    }
}

#[test]
fn a_broken_file_is_listed_and_the_others_are_used() {
    let home = Home::new();
    let bundle = home.path().join("bundle");
    copy_folder(&outage(), &bundle);
    home.write(
        "bundle/cluster-resources/services/shop.json",
        r#"{"kind":"ServiceList","apiVersion":"v1","items":[{"#,
    );
    let report = home
        .run(&["--json", "run", "triage", "--recorded", &bundle.display().to_string()])
        .expect_code(5)
        .json();
    assert_eq!(roots(&report), ["Deployment checkout"]);
    let skipped = report["skipped"].to_string();
    assert!(skipped.contains("services/shop.json"), "{skipped}");
}

#[test]
fn what_is_no_recording_is_refused_with_a_hint() {
    let home = Home::new();
    let text = home.write("notes.txt", "nothing to see here\n");
    let empty = home.write("empty.json", "");
    let nothing = home.path().join("nothing");
    for path in [text, empty, nothing] {
        let ran = home.run(&["run", "triage", "--recorded", &path.display().to_string()]).expect_code(2);
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("hint: "), "{}", ran.shown());
    }
}

#[test]
fn kubectl_s_own_output_is_a_recording() {
    let home = Home::new();
    // What `kubectl get -A -o json` prints: one List of everything.
    let mut items = Vec::new();
    for file in ["pods/shop", "deployments/shop", "replicasets/shop", "services/shop", "events/shop"] {
        let path = outage().join(format!("cluster-resources/{file}.json"));
        let list: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let (kind, version) =
            (list["kind"].as_str().unwrap().replace("List", ""), list["apiVersion"].clone());
        for item in list["items"].as_array().unwrap() {
            let mut item = item.clone();
            item["kind"] = kind.clone().into();
            item["apiVersion"] = version.clone();
            items.push(item);
        }
    }
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items});
    let file = home.write("now.json", list.to_string());
    let report = home.run(&["--json", "run", "triage", "--recorded", &file.display().to_string()]).json();
    assert_eq!(roots(&report), ["Deployment checkout"]);
}

#[test]
fn no_cluster_at_all_says_what_to_do() {
    let home = Home::new();
    let ran = home.run(&["run", "triage"]);
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stderr.contains("--recorded PATH"), "{}", ran.shown());
}
