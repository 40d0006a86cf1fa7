//! Credentials are planted wherever there are some, each sees what it is for,
//! and all that runs leave behind is searched for them: what was printed and
//! logged, each file, what models and MCP servers were sent, what children were
//! started with.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "tests make and look at the files of their home, and fail where that fails"
)]

#[path = "support/endpoint.rs"]
mod endpoint;
#[path = "support/needles.rs"]
mod needles;
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use endpoint::{Endpoint, Heard, Reply};
use needles::{Needle, Pile};
use serde_json::{Value, json};
use support::{Home, Ran, copy_folder, outage};

const KEY_OF_ENV: &str = "sk-env/planted+Key=0123456789";
const KEY_KEPT: &str = "sk-kept/planted+Key=9876543210";
const TOKEN_OF_CHILD: &str = "child-planted/token+A7=";
const BEARER: &str = "bearer-planted/token+B8=";
/// No secret: what is said is kept, and the search finds it.
const SAID: &str = "said/in+the=prompt";

/// One of each kind in what a cluster has, none of them real: a Secret's value, a variable, annotation, log,
/// address and ConfigMap.
const OF_CLUSTER: [&str; 6] = [
    "supersecretvalue1-planted",
    "hunter2-planted-in-env",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlLXBsYW50ZWQ",
    "postgres-planted-pw",
    "AKIAPLANTEDPLANTED12",
];

/// The recorded example with a credential in every place that a run reads.
fn bundle(home: &Home) -> String {
    let bundle = home.path().join("bundle");
    copy_folder(&outage(), &bundle);
    let [secret, env, annotation, log, url, config] = OF_CLUSTER;
    let metadata =
        |name: &str| json!({"name": name, "namespace": "shop", "creationTimestamp": "2026-09-01T08:00:00Z"});
    let list = |kind: &str, item: Value| {
        json!({"kind": format!("{kind}List"), "apiVersion": "v1", "metadata": {}, "items": [item]})
            .to_string()
    };
    let data = json!({"url": needles::base64(secret.as_bytes())});
    let object = json!({"metadata": metadata("checkout-db"), "type": "Opaque", "data": data});
    home.write("bundle/cluster-resources/secrets/shop.json", list("Secret", object));
    let object = json!({"metadata": metadata("settings"), "data": {"aws": format!("key = {config}\n")}});
    home.write("bundle/cluster-resources/configmaps/shop.json", list("ConfigMap", object));
    let path = bundle.join("cluster-resources/deployments/shop.json");
    let text = fs::read_to_string(&path).expect("the deployments");
    let mut deployments: Value = serde_json::from_str(&text).expect("the deployments as JSON");
    let first = &mut deployments["items"][0];
    first["metadata"]["annotations"]["deploy/by"] = json!(format!("ci with {annotation}"));
    let variables = first["spec"]["template"]["spec"]["containers"][0]["env"].as_array_mut();
    variables.expect("variables").extend([
        json!({"name": "DB_PASSWORD", "value": env}),
        json!({"name": "DATABASE", "value": format!("postgres://app:{url}@db/app")}),
    ]);
    fs::write(&path, deployments.to_string()).expect("a file");
    for pod in ["2v9lt", "zk6wp"] {
        let file = format!("bundle/cluster-resources/pods/logs/shop/checkout-6f7c9d5b84-{pod}/checkout.log");
        let log = format!("ERROR login failed: Authorization: Bearer {log}\nERROR DATABASE_URL is not set\n");
        home.write(&file, log);
    }
    bundle.display().to_string()
}

/// A model's endpoint that says the key that it was sent wherever it can.
fn model() -> Endpoint {
    Endpoint::serve(|heard| {
        let sent = heard.header("authorization");
        let key = sent.trim_start_matches("Bearer ");
        let said = format!(
            "you sent {sent}, which is {} or {}",
            needles::base64(sent.as_bytes()),
            needles::percent(key)
        );
        if heard.body.contains("refuse me") {
            return Reply::json(400, &json!({"error": {"message": said, "type": sent, "code": key}}));
        }
        let request = heard.json();
        let messages = request["messages"].as_array().cloned().unwrap_or_default();
        let is_first = messages.last().is_some_and(|message| message["role"] == "user");
        let tools = request["tools"].as_array().cloned().unwrap_or_default();
        let has = |name: &str| tools.iter().any(|tool| tool["function"]["name"] == name);
        let wanted = [
            ("kube__list", json!({"kind": "Secret"})),
            ("kube__get", json!({"kind": "Secret", "name": "checkout-db", "namespace": "shop"})),
            ("kube__get", json!({"kind": "Deployment", "name": "checkout", "namespace": "shop"})),
            ("kube__get", json!({"kind": "ConfigMap", "name": "settings", "namespace": "shop"})),
            ("kube__logs", json!({"pod": "checkout-6f7c9d5b84-2v9lt", "namespace": "shop"})),
            ("kube__list", json!({"kind": "Pod", "namespace": key})),
            ("child__tell", json!({"text": key})),
            ("web__tell", json!({"text": key})),
        ];
        let calls: Vec<Value> = wanted
            .iter()
            .filter(|(name, _)| has(name))
            .enumerate()
            .map(|(index, (name, arguments))| {
                let function = json!({"name": name, "arguments": arguments.to_string()});
                json!({"index": index, "id": format!("call_{index}"), "type": "function", "function": function})
            })
            .collect();
        let delta = if is_first && !calls.is_empty() {
            json!({"role": "assistant", "content": said, "reasoning_content": said, "tool_calls": calls})
        } else {
            json!({"role": "assistant", "content": said})
        };
        let chunk = json!({"id": key, "object": "chat.completion.chunk", "model": sent,
            "choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5}});
        // The key is cut wherever it stands.
        let text = format!("data: {chunk}\n\ndata: [DONE]\n\n");
        let parts = text.chars().collect::<Vec<_>>().chunks(11).map(|part| part.iter().collect()).collect();
        Reply { status: 200, kind: "text/event-stream", parts }
    })
}

/// An MCP server that says the token that it was sent wherever it can.
fn web() -> Endpoint {
    Endpoint::serve(|heard| {
        let said = format!("you sent {}", heard.header("authorization"));
        let request = heard.json();
        let result = match request["method"].as_str().unwrap_or_default() {
            "initialize" => json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": said, "version": "1"}, "instructions": said}),
            "tools/list" => json!({"tools": [{"name": "tell", "description": said,
                "inputSchema": {"type": "object", "properties": {"text": {"type": "string", "description": said}}}}]}),
            "tools/call" => {
                json!({"content": [{"type": "text", "text": said}], "structuredContent": {"said": said}})
            }
            _ => return Reply { status: 202, kind: "text/plain", parts: vec![said] },
        };
        Reply::json(200, &json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
    })
}

/// An MCP server that writes down what it was started with, and says its token wherever it can.
const CHILD: &str = r#"
{ env; printf '%s\n' "$0" "$@"; } > "$1/child.$$"
echo "it is $TOKEN" >&2
while read -r line; do
  id=${line#*\"id\":}
  id=${id%%[,\}]*}
  case $line in
  *'"initialize"'*) result='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"child '$TOKEN'","version":"1"},"instructions":"it is '$TOKEN'"}' ;;
  *'"tools/list"'*) result='{"tools":[{"name":"tell","description":"it is '$TOKEN'","inputSchema":{"type":"object"}}]}' ;;
  *'"tools/call"'*) result='{"content":[{"type":"text","text":"it is '$TOKEN'"}],"structuredContent":{"it":"'$TOKEN'"}}' ;;
  *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;

/// A profile with both kinds of MCP server, and a model that is asked at that endpoint.
fn profile(home: &Home, model: &Endpoint, web: &Endpoint) {
    let (script, folder) = (home.write("child.sh", CHILD), home.path().display());
    let text = format!(
        r#"
loop = "react"
[tools]
plugins = ["kube"]
[model]
provider = "openai"
name = "gpt-4o"
endpoint = "{model}/v1"
retries = 0
[mcp.child]
command = "/bin/sh"
args = ["{script}", "{folder}"]
env = {{ TOKEN = "env:CHILD_TOKEN" }}
read = ["*"]
protocol = "2025-11-25"
[mcp.web]
url = "{web}/mcp"
bearer-env = "WEB_TOKEN"
read = ["*"]
protocol = "2025-11-25"
"#,
        model = model.url(),
        web = web.url(),
        script = script.display(),
    );
    home.write("home/config/profiles/told.toml", text);
}

/// What the children wrote down.
fn children(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let told = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("child."));
    told.filter(|entry| entry.file_name() != "child.sh")
        .map(|entry| fs::read_to_string(entry.path()).expect("a file"))
        .collect()
}

/// The token of a kubeconfig.
fn token_of(kubeconfig: &Path) -> String {
    let text = fs::read_to_string(kubeconfig).expect("the kubeconfig");
    let line = text.lines().find_map(|line| line.trim().strip_prefix("token: ")).expect("a token");
    line.to_owned()
}

#[test]
fn a_planted_credential_is_found_nowhere() {
    let home = Home::new();
    let (model, web, bundle) = (model(), web(), bundle(&home));
    profile(&home, &model, &web);
    let served = home.serve("missing-env");
    let kubeconfig = served.kubeconfig();
    let token = token_of(&served.kubeconfig);
    let temporary = home.path().join("home/tmp");
    fs::create_dir_all(&temporary).expect("a folder");
    let temporary = temporary.display().to_string();
    let everything = [
        ("MODEL_KEY", KEY_OF_ENV),
        ("CHILD_TOKEN", TOKEN_OF_CHILD),
        ("WEB_TOKEN", BEARER),
        ("SICKBAY_LOG", "trace"),
        ("TMPDIR", &temporary),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ];
    let mut pile = Pile::default();
    let mut run = |arguments: &[&str], codes: &[i32]| -> Ran {
        let ran = home.run_with(&everything, arguments);
        assert!(codes.contains(&ran.code), "{arguments:?}: exit {}\n{}", ran.code, last_lines(&ran));
        pile.add(&format!("stdout of {arguments:?}"), ran.stdout.as_bytes());
        pile.add(&format!("stderr of {arguments:?}"), ran.stderr.as_bytes());
        ran
    };

    let with_env = ["chat", "told", "--set", "model.key-env=MODEL_KEY", "--kubeconfig", &kubeconfig];
    let said = format!("look at the cluster: {SAID}");
    let refused = run(&[&with_env[..], &["refuse me"]].concat(), &[2]);
    assert!(refused.stderr.contains("you sent Bearer [redacted]"), "{}", last_lines(&refused));
    let answered = run(&[&with_env[..], &[&said]].concat(), &[0]);
    assert!(answered.stdout.contains("you sent Bearer [redacted]"), "{}", answered.stdout);

    let set = ["secret", "set", "openai", "--for", &model.url()];
    let ran = home.say(&set, &format!("{KEY_KEPT}\n")).expect_code(0);
    let told = ran.shown();
    let with_kept = ["-vv", "--json", "chat", "told", "--recorded", &bundle, &said];
    let looked = run(&with_kept, &[0]);
    assert!(looked.stdout.contains("you sent Bearer [redacted]"), "{}", looked.stdout);
    let endpoint = format!("model.endpoint={}/v1", model.url());
    let asked = ["--model", "openai/gpt-4o", "--set", &endpoint];
    run(&[&["run", "sre", "--yes", "--kubeconfig", &kubeconfig][..], &asked].concat(), &[0, 5]);
    run(&[&["--json", "run", "sre", "--recorded", &bundle][..], &asked].concat(), &[0, 5]);
    run(&["run", "triage", "--recorded", &bundle], &[0, 5]);

    let runs = run(&["--json", "runs", "list"], &[0]).json();
    let ids: Vec<String> = runs
        .as_array()
        .expect("runs")
        .iter()
        .filter_map(|run| Some(run["run"].as_str()?.to_owned()))
        .collect();
    assert_eq!(ids.len(), 6, "{runs:#}");
    let mut exports = String::new();
    for id in &ids {
        exports.push_str(&run(&["runs", "export", id], &[0]).stdout);
        run(&["runs", "show", id, "--events"], &[0]);
        run(&["--json", "runs", "show", id], &[0]);
        run(&["runs", "show", id], &[0]);
        run(&["--json", "runs", "replay", id], &[0]);
    }
    let endpoint = format!("{}/mcp", web.url());
    for arguments in [
        &["--json", "runs", "list", "--search", "planted"][..],
        &["--json", "secret", "list"],
        &["--json", "profile", "show", "told"],
        &["--json", "mcp", "check", "--bearer-env", "WEB_TOKEN", "--call-all", &endpoint],
        &["doctor", "--kubeconfig", &kubeconfig],
    ] {
        run(arguments, &[0]);
    }
    pile.add("stdout and stderr of `secret set`", told.as_bytes());
    pile.add_folder(&home.path().join("home"), &[PathBuf::from("data/secrets.toml")]);
    let children = children(home.path());
    for (number, child) in children.iter().enumerate() {
        pile.add(
            &format!("child {number}"),
            child.replace(&format!("TOKEN={TOKEN_OF_CHILD}\n"), "").as_bytes(),
        );
    }
    let (asked, called) = (model.heard(), web.heard());
    for (name, heard) in [("model", &asked), ("web", &called)] {
        for (number, request) in heard.iter().enumerate() {
            pile.add(&format!("request {number} to `{name}`"), request.without("authorization").as_bytes());
        }
    }

    // Each was where it belongs, and what was to be read was read.
    let was_sent = |heard: &[Heard], secret: &str| {
        heard.iter().any(|request| request.header("authorization") == format!("Bearer {secret}"))
    };
    assert!(was_sent(&asked, KEY_OF_ENV) && was_sent(&asked, KEY_KEPT) && was_sent(&called, BEARER));
    // The strategy that asks a model sends what it gathered, and has no tools.
    assert!(asked.iter().any(|request| request.json()["tools"].is_null() && !request.body.is_empty()));
    assert!(!children.is_empty());
    for child in &children {
        assert!(child.contains(&format!("TOKEN={TOKEN_OF_CHILD}\n")), "{child}");
        assert!(
            !["MODEL_KEY", "WEB_TOKEN", "CHILD_TOKEN"].iter().any(|name| child.contains(name)),
            "{child}"
        );
    }
    for tool in ["kube__get", "kube__logs", "child__tell", "web__tell"] {
        assert!(exports.contains(&format!("\"tool\":\"{tool}\"")), "{tool} was called");
    }
    for read in
        ["DB_PASSWORD", "checkout-db", "login failed", "you sent Bearer [redacted]", "it is [redacted]"]
    {
        assert!(exports.contains(read), "{read}");
    }
    // The search finds what is there: in the journal's own file, its export, and what the model was sent.
    let places = pile.holding(&Needle::new("what was said", SAID));
    for place in ["\"runs\", \"export\"", "home/data", "to `model`"] {
        assert!(places.iter().any(|name| name.contains(place)), "{place}: {places:#?}");
    }

    let secrets = [
        Needle::new("the key of the environment", KEY_OF_ENV),
        Needle::new("the key that is kept", KEY_KEPT),
        Needle::new("the child's token", TOKEN_OF_CHILD),
        Needle::new("the bearer token", BEARER),
        Needle::new("the cluster's token", &token),
    ];
    let found: Vec<String> = secrets
        .into_iter()
        .chain(OF_CLUSTER.map(|value| Needle::new("a value of the cluster", value)))
        .flat_map(|needle| {
            pile.holding(&needle).into_iter().map(move |place| format!("{needle} is in {place}"))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    let kept = fs::read_to_string(home.path().join("home/data/secrets.toml")).expect("the keys");
    assert!(kept.contains(KEY_KEPT) && !kept.contains(KEY_OF_ENV), "it is kept where it was put");
}

fn last_lines(ran: &Ran) -> String {
    let lines: Vec<&str> = ran.stderr.lines().collect();
    format!("{}\n{}", ran.stdout, lines[lines.len().saturating_sub(30)..].join("\n"))
}
