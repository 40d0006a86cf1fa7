//! Whole answers of a small Prometheus, what it is asked, and what is said
//! where it refuses or is not there; and answers of any shape.

use proptest::prelude::*;
use serde_json::{Value, json};
use sickbay_tool_prometheus::{call, fake::FakeServer, tools};

fn success(data: &Value) -> String {
    json!({"status": "success", "data": data}).to_string()
}

fn ask(server: &FakeServer, tool: &str, arguments: &Value) -> String {
    match call(server, tool, &arguments.to_string()) {
        Ok(output) => format!("{}{}", if output.is_error { "[is error] " } else { "" }, output.text),
        Err(error) => format!("[{:?}] {}", error.kind, error.message),
    }
}

fn answers(server: &FakeServer, questions: &[(&str, Value)]) -> String {
    let all: Vec<String> = questions
        .iter()
        .map(|(tool, arguments)| format!("> {tool} {arguments}\n{}\n", ask(server, tool, arguments)))
        .collect();
    all.join("\n")
}

fn one(pod: &str, value: &str) -> Value {
    json!({"metric": {"__name__": "up", "job": "api", "pod": pod}, "value": [1_767_268_800, value]})
}

#[test]
fn values_at_a_moment() {
    let many: Vec<Value> = (0..40).map(|number| one(&format!("p{number}"), "1")).collect();
    let body = json!({"status": "success", "warnings": ["a\u{1b}[31m warning"], "infos": ["rate() of no counter"],
        "data": {"resultType": "vector", "result": [one("a", "0.123456789"), one("b", "NaN")]}});
    let server = FakeServer::new()
        .answer("/api/v1/query?query=many", 200, success(&json!({"resultType": "vector", "result": many})))
        .answer("/api/v1/query?query=none", 200, success(&json!({"resultType": "vector", "result": []})))
        .answer("/api/v1/query?query=scalar", 200, success(&json!({"resultType": "scalar", "result": [1, "42"]})))
        .answer(
            "/api/v1/query?query=range",
            200,
            success(&json!({"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1, "1"], [2, "3"]]}]})),
        )
        .answer("/api/v1/query", 200, body.to_string());
    insta::assert_snapshot!(answers(
        &server,
        &[
            ("query", json!({"query": "up{job=\"api\"}", "time": "-1h"})),
            ("query", json!({"query": "many", "limit": 2})),
            ("query", json!({"query": "none"})),
            ("query", json!({"query": "scalar"})),
            ("query", json!({"query": "range[5m]"})),
        ]
    ));
    assert_eq!(
        server.asked()[0],
        "http://prometheus.test:9090/base/api/v1/query?query=up%7Bjob%3D%22api%22%7D&time=1767265200"
    );
}

#[test]
fn values_over_a_while() {
    let values: Vec<Value> =
        (0..=60).map(|at| json!([1_767_265_200 + at * 60, if at == 30 { "97.5" } else { "1.25" }])).collect();
    let series = |pod: &str| json!({"metric": {"ns": "shop", "pod": pod}, "values": values});
    let server = FakeServer::new()
        .answer(
            "/api/v1/query_range?query=few",
            200,
            success(&json!({"resultType": "matrix", "result": [series("a"), {"metric": {"ns": "shop", "pod": "b"}, "values": []}]})),
        )
        .answer(
            "/api/v1/query_range",
            200,
            success(&json!({"resultType": "matrix", "result": (0..30).map(|n| series(&n.to_string())).collect::<Vec<_>>()})),
        );
    insta::assert_snapshot!(answers(
        &server,
        &[
            ("query_range", json!({"query": "few"})),
            (
                "query_range",
                json!({"query": "few", "start": "-2d", "end": "-1d", "step": "10m", "points": 2})
            ),
            ("query_range", json!({"query": "many", "limit": 2})),
            ("query_range", json!({"query": "x", "start": "now", "end": "-1h"})),
            ("query_range", json!({"query": "x", "start": "-7d", "step": "1s"})),
            ("query_range", json!({"query": "x", "step": "often"})),
            ("query_range", json!({"query": "x", "start": "yesterday"})),
        ]
    ));
    assert_eq!(
        server.asked()[0],
        "http://prometheus.test:9090/base/api/v1/query_range?query=few&start=1767265200&end=1767268800&step=30"
    );
}

#[test]
fn names_and_alerts() {
    let alert = |name: &str, state: &str, at: &str| {
        json!({"labels": {"alertname": name, "namespace": "shop", "severity": "warning"}, "state": state, "activeAt": at,
            "annotations": {"summary": "Pod is\nrestarting"}, "value": "1"})
    };
    let server = FakeServer::new()
        .answer("/api/v1/label/__name__/values", 200, success(&json!(["up", "http_requests_total", "http_errors_total"])))
        .answer(
            "/api/v1/metadata?metric=http_requests_total",
            200,
            success(&json!({"http_requests_total": [{"type": "counter", "help": "Requests served.", "unit": ""}]})),
        )
        .answer(
            "/api/v1/alerts",
            200,
            success(&json!({"alerts": [
                alert("Later", "firing", "2026-01-01T11:00:00Z"),
                alert("Waits", "pending", "2026-01-01T10:00:00Z"),
                alert("First", "firing", "2026-01-01T09:00:00Z"),
            ]})),
        );
    insta::assert_snapshot!(answers(
        &server,
        &[
            ("metrics", json!({})),
            ("metrics", json!({"match": "HTTP", "selector": "{job=\"api\"}"})),
            ("metrics", json!({"limit": 1})),
            ("alerts", json!({})),
            ("alerts", json!({"state": "pending"})),
            ("alerts", json!({"match": "nothing"})),
        ]
    ));
}

#[test]
fn refusals_are_passed_on_and_failures_are_errors() {
    let refusal =
        json!({"status": "error", "errorType": "bad_data", "error": "1:5: parse error: unexpected \"}\""});
    let server = FakeServer::new()
        .answer("/api/v1/query?query=bad", 400, refusal.to_string())
        .answer(
            "/api/v1/query?query=slow",
            503,
            json!({"status": "error", "errorType": "timeout", "error": "query timed out"}).to_string(),
        )
        .answer("/api/v1/query?query=key", 401, "no")
        .answer("/api/v1/query?query=html", 200, "<html>")
        .answer("/api/v1/query?query=huge", 200, " ".repeat((2 << 20) + 1));
    for (server, query, expect) in [
        (
            &server,
            "bad",
            "[is error] Prometheus refuses the question: bad_data: 1:5: parse error: unexpected \"}\"",
        ),
        (&server, "slow", "[is error] Prometheus refuses the question: timeout: query timed out"),
        (
            &server,
            "key",
            "[ErrorKind::Unauthorized] Prometheus answered 401: the credential is missing or not allowed",
        ),
        (
            &server,
            "html",
            "[ErrorKind::Unavailable] `http://prometheus.test:9090/base` answered 200 with something that is no answer of a \
             Prometheus",
        ),
        (&server, "gone", "[ErrorKind::Unavailable] the connection was refused"),
        (
            &server,
            "huge",
            "[is error] the answer has more than 2097152 bytes: narrow the question, with label matchers, `topk` or a longer step",
        ),
        (
            &FakeServer::nowhere(),
            "up",
            "[ErrorKind::Unavailable] it is not said where Prometheus is: set `url` of plugin `prometheus` in the profile, such \
             as `http://prometheus.monitoring:9090`, and grant that origin",
        ),
    ] {
        assert_eq!(ask(server, "query", &json!({"query": query})), expect);
    }
    let long = json!({"query": "x".repeat(3_000)});
    assert_eq!(ask(&server, "query", &long), "[ErrorKind::InvalidInput] `query` takes at most 2000 bytes");
    assert_eq!(
        ask(&server, "query", &json!({})),
        "[ErrorKind::InvalidInput] the argument `query` is missing"
    );
}

#[test]
fn schemas_are_strict() {
    for tool in tools() {
        let schema: Value = serde_json::from_str(&tool.input_schema).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
        assert!(!tool.description.contains("  "), "{}", tool.description);
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert!(
                property["description"].as_str().is_some_and(|text| text.len() > 10),
                "{} {name}",
                tool.name
            );
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let keys = &[
        "resultType",
        "result",
        "metric",
        "value",
        "values",
        "alerts",
        "labels",
        "annotations",
        "state",
        "__name__",
        "histogram",
    ][..];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!("matrix")),
        Just(json!("NaN")),
        Just(json!("1.5")),
        "[\\PC\u{1b}\n]{0,30}".prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 50, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((proptest::sample::select(keys), inner), 0..6).prop_map(|entries| {
                Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_answer_is_told_within_the_bound(data in value(), result in value(), kind in proptest::sample::select(&["vector", "matrix", "scalar", "string"][..])) {
        let whole = json!({"resultType": kind, "result": result});
        for data in [data, whole] {
            let server = FakeServer::new().answer("/", 200, success(&data));
            for (tool, arguments) in [
                ("query", json!({"query": "x", "max_bytes": 1_024})),
                ("query_range", json!({"query": "x", "max_bytes": 1_024, "points": 60})),
                ("metrics", json!({"max_bytes": 1_024})),
                ("alerts", json!({"max_bytes": 1_024})),
            ] {
                let output = call(&server, tool, &arguments.to_string()).unwrap();
                prop_assert!(output.text.len() <= 1_024 || kind == "string");
                prop_assert!(!output.text.chars().any(|letter| letter.is_control() && letter != '\n'), "{:?}", output.text);
            }
        }
    }
}
