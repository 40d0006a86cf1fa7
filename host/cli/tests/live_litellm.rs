//! The providers that come with the program, through a gateway that
//! translates: PyPI's `litellm[proxy]`, whose command `SICKBAY_LIVE_LITELLM`
//! names, in front of the scripted model server. Without it, the test says
//! `skipped:`.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests start programs, say what they skip, and fail where something is amiss"
)]

#[path = "support/aimock.rs"]
mod aimock;
mod support;

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use aimock::Aimock;
use serde_json::{Value, json};
use support::{Home, Ran};

/// The providers, and what their endpoint has behind the gateway's address.
const PROVIDERS: [(&str, &str); 3] = [("openai", "/v1"), ("openai-responses", "/v1"), ("anthropic", "")];
/// Models of the gateway: each is the scripted server, spoken to in another format.
const MODELS: [&str; 2] = ["up-openai", "up-anthropic"];
const KEY: &str = "sk-live-0123456789abcdef";

/// A gateway of a process of its own, which ends with the value.
struct Gateway {
    child: Child,
    url: String,
}

impl Gateway {
    fn start(program: &str, home: &Home, upstream: &str) -> Self {
        let model = |name: &str, parameters: Value| json!({"model_name": name, "litellm_params": parameters});
        let config = json!({
            "model_list": [
                model("up-openai", json!({"model": "openai/gpt-4o", "api_key": KEY, "api_base": format!("{upstream}/v1")})),
                model("up-anthropic", json!({"model": "anthropic/claude-sonnet-4-5", "api_key": KEY, "api_base": upstream})),
                model("full", json!({"model": "openai/gpt-4o", "api_key": KEY, "mock_response": "litellm.ContextWindowExceededError"})),
            ],
            "litellm_settings": {"num_retries": 0, "telemetry": false},
            "router_settings": {"num_retries": 0, "disable_cooldowns": true},
            "general_settings": {"master_key": KEY},
        });
        // JSON is YAML too.
        let config = home.write("litellm.yaml", config.to_string()).display().to_string();
        let mut child = Command::new(program)
            .args(["--config", &config, "--host", "127.0.0.1", "--port", "0"])
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("litellm starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut heard = String::new();
        let url = loop {
            let Some(Ok(line)) = lines.next() else { panic!("litellm does not serve:\n{heard}") };
            if let Some((_, url)) = line.split_once("running on ") {
                break url.split_whitespace().next().unwrap_or_default().to_owned();
            }
            heard.push_str(&line);
            heard.push('\n');
        };
        // What it says later is not read by anybody, but has to go somewhere.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, url }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One provider at the gateway.
struct Asked<'a> {
    home: Home,
    gateway: &'a Gateway,
    provider: &'static str,
    base: &'static str,
}

impl Asked<'_> {
    fn say(&self, model: &str, said: &str, key: &str, more: &[&str]) -> Ran {
        let endpoint = format!("model.endpoint={}{}", self.gateway.url, self.base);
        let model = format!("{}/{model}", self.provider);
        let mut arguments = vec!["chat", "chat", "--playground", "missing-env", "--model", &model];
        for setting in [&endpoint, "model.key-env=MODEL_KEY", "model.retries=1", "react.parallel=1"] {
            arguments.extend(["--set", setting]);
        }
        self.home.run_with(&[("MODEL_KEY", key)], &[&arguments, more, &[said]].concat())
    }

    /// How the requests to the model ended, by the newest session's journal.
    #[track_caller]
    fn ended(&self) -> Vec<Value> {
        let run = self.home.run(&["--json", "runs", "list"]).json()[0]["run"].clone();
        let export = self.home.run(&["runs", "export", run.as_str().expect("an id")]).expect_code(0).stdout;
        let all = export.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        all.map(|mut line| line["event"].take()).filter(|event| event["type"] == "model-ended").collect()
    }

    /// Input and output of each answer.
    #[track_caller]
    fn counted(&self) -> Vec<(u64, u64)> {
        let count = |answer: &Value, key| answer["answer"]["completion"]["usage"][key].as_u64();
        self.ended()
            .iter()
            .map(|answer| {
                (count(answer, "input").unwrap_or_default(), count(answer, "output").unwrap_or_default())
            })
            .collect()
    }
}

#[test]
fn live_a_gateway_that_translates_is_understood() {
    let Ok(program) = env::var("SICKBAY_LIVE_LITELLM") else {
        eprintln!("skipped: SICKBAY_LIVE_LITELLM names no command of litellm");
        return;
    };
    let Some(server) = Aimock::start(None) else { return };
    let place = Home::new();
    let gateway = Gateway::start(&program, &place, &server.url());
    for (provider, base) in PROVIDERS {
        eprintln!("provider {provider}");
        let asked = Asked { home: Home::new(), gateway: &gateway, provider, base };
        for model in MODELS {
            answers_arrive_whole(&asked, model);
            tools_are_called(&asked, &server, model);
        }
        refusals_have_their_kind(&asked);
    }
}

fn answers_arrive_whole(asked: &Asked, model: &str) {
    for more in [&["-q"][..], &["-q", "--set", "model.options={stream = false}"]] {
        let ran = asked.say(model, "greet me", KEY, more).expect_code(0);
        assert!(ran.stdout.starts_with("Grüße aus dem Cluster: every pod"), "{}", ran.shown());
        assert!(ran.stdout.ends_with("🌍 There is nothing more to say.\n"), "{}", ran.shown());
        assert_eq!(asked.counted(), [(210, 31)], "{model} {more:?}");
    }
}

fn tools_are_called(asked: &Asked, server: &Aimock, model: &str) {
    server.forget();
    let ran = asked.say(model, "What is wrong in the shop?", KEY, &[]).expect_code(0);
    let answer = "The container payment-api ends because DATABASE_URL is not set.\n";
    assert!(ran.stdout.ends_with(answer), "{}", ran.shown());
    assert_eq!(server.asked().len(), 3);
    assert_eq!(asked.counted(), [(100, 20), (200, 10), (300, 12)], "{model}");
}

fn refusals_have_their_kind(asked: &Asked) {
    let models = format!("hint: `sickbay models list --refresh --provider {}`", asked.provider);
    for (model, said, key, kind, tried, expect) in [
        (
            "up-openai",
            "greet me",
            "sk-wrong-0123456789",
            "unauthorized",
            false,
            "hint: its key was taken from `MODEL_KEY`",
        ),
        ("of-nobody", "greet me", KEY, "not-found", false, models.as_str()),
        ("full", "greet me", KEY, "context-length", false, "ContextWindowExceededError"),
        ("up-openai", "throttled", KEY, "rate-limited", true, "slow down"),
        ("up-anthropic", "broken", KEY, "unavailable", true, "oops"),
    ] {
        // The gateway's own scripts are errors in two of its formats alone.
        if model == "full" && asked.provider == "openai-responses" {
            continue;
        }
        let ran = asked.say(model, said, key, &[]);
        let ended = asked.ended();
        assert_eq!(ended[0]["error"]["kind"], kind, "{model}: {}", ran.shown());
        assert_eq!(ran.stderr.contains("(tried 2 times)"), tried, "{model}: {}", ran.shown());
        assert!(ran.stderr.contains(expect) && ran.stdout.is_empty(), "{model}: {}", ran.shown());
        assert!(!ran.shown().contains("sk-wrong"), "{}", ran.shown());
    }
}
