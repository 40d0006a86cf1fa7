//! Planted credentials are looked for wherever a run leaves something: its
//! report, its events, its export, the journal's own file, its logs.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests make and look at the files of their home, and fail where that fails"
)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Home, copy_folder, outage};

/// One of each kind, none of them real.
const PLANTED: [&str; 6] = [
    "c3VwZXJzZWNyZXR2YWx1ZTE=",
    "hunter2-planted-in-env",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlLXBsYW50ZWQ",
    "postgres-planted-pw",
    "AKIAPLANTEDPLANTED12",
];

/// The example with a credential in every place that a run reads.
fn planted(home: &Home) -> String {
    let bundle = home.path().join("bundle");
    copy_folder(&outage(), &bundle);
    let [secret, env, annotation, log, url, config] = PLANTED;
    let metadata =
        |name: &str| json!({"name": name, "namespace": "shop", "creationTimestamp": "2026-09-01T08:00:00Z"});
    let list = |kind: &str, item: Value| {
        json!({"kind": format!("{kind}List"), "apiVersion": "v1", "metadata": {}, "items": [item]})
            .to_string()
    };
    let object = json!({"metadata": metadata("checkout-db"), "type": "Opaque", "data": {"url": secret}});
    home.write("bundle/cluster-resources/secrets/shop.json", list("Secret", object));
    let object = json!({"metadata": metadata("settings"), "data": {"aws": format!("key = {config}\n")}});
    home.write("bundle/cluster-resources/configmaps/shop.json", list("ConfigMap", object));
    let path = bundle.join("cluster-resources/deployments/shop.json");
    let mut deployments: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let first = &mut deployments["items"][0];
    first["metadata"]["annotations"]["deploy/by"] = json!(format!("ci with {annotation}"));
    let list = first["spec"]["template"]["spec"]["containers"][0]["env"].as_array_mut().unwrap();
    list.push(json!({"name": "DB_PASSWORD", "value": env}));
    list.push(json!({"name": "DATABASE", "value": format!("postgres://app:{url}@db/app")}));
    fs::write(&path, deployments.to_string()).unwrap();
    for pod in ["2v9lt", "zk6wp"] {
        let log_file =
            format!("bundle/cluster-resources/pods/logs/shop/checkout-6f7c9d5b84-{pod}/checkout.log");
        home.write(
            &log_file,
            format!("ERROR login failed: Authorization: Bearer {log}\nERROR DATABASE_URL is not set\n"),
        );
    }
    bundle.display().to_string()
}

#[test]
fn a_planted_credential_is_found_nowhere() {
    let home = Home::new();
    let bundle = planted(&home);
    let mut left = Vec::new();
    for arguments in [
        vec!["-vv", "--json", "run", "triage", "--recorded", &bundle],
        vec!["run", "triage", "--recorded", &bundle],
        vec!["runs", "show", "01", "--events"],
        vec!["runs", "export", "01"],
    ] {
        // Two runs are there by then: the beginning of their ids is not enough to tell them apart.
        let newest = home.run(&["--json", "runs", "list"]).json()[0]["run"].as_str().map(str::to_owned);
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|word| if *word == "01" { newest.as_deref().unwrap_or("01") } else { word })
            .collect();
        let ran = home.run(&arguments);
        assert!([0, 5].contains(&ran.code), "{}", ran.shown());
        left.push(ran.stdout.into_bytes());
        left.push(ran.stderr.into_bytes());
    }
    let export = String::from_utf8_lossy(&left[6]).into_owned();
    assert!(export.contains("[redacted]") && export.contains("DB_PASSWORD"), "the planted objects were read");
    for file in fs::read_dir(home.path().join("home/data")).unwrap().flatten() {
        if file.path().is_file() {
            left.push(fs::read(file.path()).unwrap());
        }
    }
    for planted in PLANTED {
        for bytes in &left {
            let found = bytes.windows(planted.len()).any(|window| window == planted.as_bytes());
            assert!(!found, "{planted} is in {}", String::from_utf8_lossy(&bytes[..bytes.len().min(400)]));
        }
    }
}
