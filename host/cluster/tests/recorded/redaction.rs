//! A planted credential survives in no answer.

use proptest::prelude::*;
use serde_json::json;
use sickbay_cluster::recorded::RecordedCluster;
use sickbay_core::cluster::{ListQuery, LogQuery};

use super::{Recorded, get, log_query, pod, query, reference};

/// Everything that the cluster would ever say.
fn everything(cluster: &RecordedCluster) -> String {
    let mut said = format!("{:?}{:?}", cluster.info_now(), cluster.kinds_now());
    for kind in cluster.kinds_now().unwrap() {
        let kind = format!("{}/{}", kind.api_version, kind.kind);
        for object in cluster.list_now(&query(&kind)).unwrap().objects {
            said += &object;
            let value: serde_json::Value = serde_json::from_str(&object).unwrap();
            let text = |key: &str| value["metadata"][key].as_str().map(str::to_owned);
            let reference = reference(
                value["apiVersion"].as_str().unwrap(),
                value["kind"].as_str().unwrap(),
                text("namespace").as_deref(),
                &text("name").unwrap(),
            );
            said += &cluster.get_now(&reference).unwrap();
            said += &cluster.events_now(&reference).unwrap().objects.concat();
        }
        let fields = vec!["/data/*".to_owned(), "/spec/containers/*/env/*/value".to_owned()];
        said += &cluster.list_now(&ListQuery { fields, ..query(&kind) }).unwrap().objects.concat();
    }
    for tail_lines in [1, 3, 5, 1_000] {
        for limit_bytes in [20, 40, 80, 1 << 20] {
            let query = LogQuery { tail_lines, limit_bytes, ..log_query("shop", "api-1") };
            said += &cluster
                .logs_now(&query)
                .map_or_else(|error| format!("{error:?}"), |log| log.lines.join("\n"));
        }
    }
    said
}

fn planted(secret: &str) -> Recorded {
    let mut pod = pod("shop", "api-1");
    pod["metadata"]["annotations"] = json!({"note": format!("password={secret}"), "url": format!("amqp://bob:{secret}@mq:5672/"),
        "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":{{\"a\":\"{secret}\"}}}}")});
    pod["spec"]["containers"][0]["env"] = json!([{"name": "DB_PASSWORD", "value": secret}, {"name": "OPTS", "value": format!("-Dtoken={secret} -Dx=1")}]);
    pod["spec"]["containers"][0]["command"] = json!([
        "run",
        "--password",
        secret,
        format!("--api-key={secret}"),
        format!("curl -H 'Authorization: Bearer {secret}'")
    ]);
    pod["status"]["message"] = json!(format!("login failed: password: {secret}"));
    let secret_object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": format!("{{\"stringData\":{{\"a\":\"{secret}\"}}}}")}},
        "data": {"key": secret}, "stringData": {"other": secret}, "type": "Opaque"});
    let nameless =
        json!({"metadata": {"name": "t", "namespace": "shop"}, "data": {"key": secret}, "type": "Opaque"});
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}, "data": {
        "API_TOKEN": secret, "app.properties": format!("db.user=bob\ndb.password={secret}\n"), "app.yaml": format!("db:\n  password: {secret}\n"),
        "app.json": json!({"clientSecret": secret, "a": 1}).to_string()}});
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e.1", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": "api-1", "namespace": "shop"}, "reason": "Failed", "message": format!("GET /?access_token={secret} 401")});
    let custom = json!({"apiVersion": "example.com/v1", "kind": "Database", "metadata": {"name": "d", "namespace": "shop"}, "spec": {"adminPassword": secret}});
    let log = format!(
        "start\npassword={secret}\n{{\"level\":\"info\",\"api_key\":\"{secret}\"}}\n-----BEGIN PRIVATE KEY-----\n{secret}0123456789\n{secret}\n-----END PRIVATE KEY-----\nend\n"
    );
    let described = format!(
        "Name:         api-2\nNamespace:    shop\nAnnotations:  note: token={secret}\nNode:         worker-1/10.0.0.1\nStatus:       Running\nContainers:\n  web:\n    Image:  nginx\n    Environment:\n      DB_PASSWORD:  {secret}\nQoS Class:    BestEffort\n"
    );
    Recorded::new()
        .with(
            "objects.json",
            [pod, secret_object, nameless, config, event, custom].map(|object| object.to_string()).join("\n"),
        )
        .with(
            "secrets.yaml",
            format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: y\nstringData:\n  any: \"{secret}\"\n"),
        )
        .with("describe.txt", described)
        .with("cluster-resources/pods/logs/shop/api-1/web.log", log)
        .with(
            &format!("password={}.json", secret.replace(['/', '+', '='], "")),
            "{\"apiVersion\":\"v1\",\"kind\":",
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_planted_credential_gets_out(secret in "[A-Za-z][A-Za-z0-9]{9,20}[0-9]{4}[A-Za-z]") {
        let (cluster, report) = planted(&secret).open();
        let said = everything(&cluster) + &format!("{report:?}");
        let at = said.find(&secret);
        prop_assert!(at.is_none(), "{}", &said[at.unwrap_or(0).saturating_sub(150)..(at.unwrap_or(0) + 60).min(said.len())]);
    }
}

#[test]
fn shapes_go_wherever_they_stand() {
    let shapes = [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJlc2lnbg",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789abcdefABCDEF0123456789abcd",
        "glpat-0123456789abcdefABCD",
        "xoxb-1234567890-abcdefghij",
        "sk-proj-0123456789abcdefABCDEF",
    ];
    for shape in shapes {
        let mut pod = pod("shop", "api-1");
        pod["metadata"]["annotations"] = json!({"note": shape});
        pod["spec"]["containers"][0]["args"] = json!([shape]);
        pod["status"]["conditions"] = json!([{"type": "Ready", "message": format!("got {shape}, left")}]);
        let (cluster, _) = Recorded::new()
            .with("x.json", pod.to_string())
            .with("cluster-resources/pods/logs/shop/api-1/web.log", format!("GET {shape}\n"))
            .open();
        assert!(!everything(&cluster).contains(shape), "{shape}");
    }
}

#[test]
fn what_diagnosis_needs_stays() {
    let mut pod = pod("shop", "api-1");
    let image =
        "docker.io/library/nginx@sha256:64defcbc5126c2d81122b4fb78a629a6d27068f0842c4a8302b8273415b12e30";
    pod["metadata"]["labels"] = json!({"pod-template-hash": "757f89d977"});
    pod["metadata"]["managedFields"] = json!([{"manager": "kubectl-patch", "operation": "Update", "time": "2025-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}}]);
    pod["spec"]["containers"][0]["env"] = json!([{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        {"name": "TOKEN_TTL", "value": "3600"}, {"name": "PASSWORD_FILE", "value": "/run/secrets/db"}, {"name": "DB_URL", "value": "postgres://db:5432/x"}]);
    pod["spec"]["volumes"] = json!([{"name": "tls", "secret": {"secretName": "web-tls"}}]);
    pod["status"]["containerStatuses"] = json!([{"name": "web", "imageID": image,
        "state": {"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"db-token\" not found"}}}]);
    let (cluster, _) = Recorded::new().with("x.json", pod.to_string()).open();
    let found = get(&cluster, "v1", "Pod", Some("shop"), "api-1");
    pod["metadata"]["managedFields"] =
        json!([{"manager": "kubectl-patch", "operation": "Update", "time": "2025-01-01T00:00:00Z"}]);
    assert_eq!(found, pod);
}
