//! The providers that come with the program, through the whole of it, against
//! a model server that others wrote: one script for all of them. Where the
//! server can not be had, the tests say `skipped:` and why.
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

use std::collections::BTreeSet;

use aimock::Aimock;
use serde_json::{Value, json};
use support::{Home, Ran};

struct Provider {
    name: &'static str,
    model: &'static str,
    /// What the endpoint has behind the server's address.
    base: &'static str,
    /// Where a request goes, below the server's address.
    path: &'static str,
    /// Whether the server counts tokens in its format.
    counts: bool,
    /// Whether a stream begins with something that is no text.
    opens: bool,
}

const PROVIDERS: [Provider; 5] = [
    Provider {
        name: "openai",
        model: "gpt-4o",
        base: "/v1",
        path: "/v1/chat/completions",
        counts: true,
        opens: true,
    },
    Provider {
        name: "openai-responses",
        model: "gpt-4o",
        base: "/v1",
        path: "/v1/responses",
        counts: true,
        opens: true,
    },
    Provider {
        name: "anthropic",
        model: "claude-sonnet-4-5",
        base: "",
        path: "/v1/messages",
        counts: true,
        opens: true,
    },
    // The server's counts are zeros here.
    Provider { name: "ollama", model: "qwen3", base: "", path: "/api/chat", counts: false, opens: false },
    Provider {
        name: "gemini",
        model: "gemini-2.5-flash",
        base: "/v1beta",
        path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        counts: true,
        opens: false,
    },
];

const GREETING: &str = "Grüße aus dem Cluster: every pod of the namespace runs as it should, and has done so \
                        for days. 🌍 There is nothing more to say.";
const LONG: &str = "This answer is cut in the middle of it, which is far from where it would have ended, had \
                    nobody cut it: here.";
const POD: &str = "payment-api-5bc7db5c95-hhjrc";

/// Says one thing to the provider's model, with further arguments.
fn say(home: &Home, server: &Aimock, provider: &Provider, said: &str, more: &[&str]) -> Ran {
    let endpoint = format!("model.endpoint={}{}", server.url(), provider.base);
    let model = format!("{}/{}", provider.name, provider.model);
    let arguments = ["chat", "chat", "--playground", "missing-env", "--model", &model, "--set", &endpoint];
    home.run_with(&[("MODEL_KEY", KEY)], &[&arguments, more, &[said]].concat())
}

const KEY: &str = "sk-live-0123456789abcdef";

/// Runs a check with every provider, each on a server of its own, which begins its script anew.
fn for_each(check: impl Fn(&Home, &Aimock, &Provider)) {
    for provider in &PROVIDERS {
        let Some(server) = Aimock::start(None) else { return };
        eprintln!("provider {}", provider.name);
        check(&Home::new(), &server, provider);
    }
}

/// The events of the journal of that type, by the program's own export.
#[track_caller]
fn journal(home: &Home, kind: &str) -> Vec<Value> {
    let export = home.run(&["runs", "export", &session(home)]).expect_code(0).stdout;
    let all = export.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    all.map(|mut line| line["event"].take()).filter(|event| event["type"] == kind).collect()
}

/// The id of the newest session.
fn session(home: &Home) -> String {
    home.run(&["--json", "runs", "list"]).json()[0]["run"].as_str().expect("an id").to_owned()
}

/// Input and output of each answer of a model.
fn counted(answers: &[Value]) -> Vec<(u64, u64)> {
    let usage = |answer: &Value| {
        let usage = &answer["answer"]["completion"]["usage"];
        (usage["input"].as_u64().unwrap_or_default(), usage["output"].as_u64().unwrap_or_default())
    };
    answers.iter().map(usage).collect()
}

#[test]
fn live_a_streamed_answer_arrives_whole() {
    for_each(|home, server, provider| {
        let ran = say(home, server, provider, "greet me", &["--json"]).expect_code(0);
        let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"));
        let tokens: Vec<Value> = lines.filter(|event: &Value| event["event"] == "token").collect();
        assert!(tokens.len() > 5, "in pieces: {}", ran.shown());
        let text: String = tokens.iter().filter_map(|token| token["text"].as_str()).collect();
        assert_eq!(text, GREETING);
        let asked = server.asked();
        assert_eq!((asked.len(), asked[0]["method"].as_str()), (1, Some("POST")), "{asked:#?}");
        let path = asked[0]["path"].as_str().unwrap_or_default();
        assert_eq!(path.split('?').next(), Some(provider.path));
        let answers = journal(home, "model-ended");
        assert_eq!(answers[0]["answer"]["completion"]["message"]["content"][0]["text"], GREETING);
        assert_eq!(counted(&answers), [if provider.counts { (210, 31) } else { (0, 0) }]);
        let ran = say(home, server, provider, "greet me", &["-q"]).expect_code(0);
        assert_eq!((ran.stdout, ran.stderr), (format!("{GREETING}\n"), String::new()));
    });
}

#[test]
fn live_tools_are_called_and_their_results_answered() {
    for_each(|home, server, provider| {
        // Calls side by side end in any order.
        let one_by_one = ["--set", "react.parallel=1"];
        let ran = say(home, server, provider, "What is wrong in the shop?", &one_by_one).expect_code(0);
        // The script says so only where the results stand in the requests.
        let answer = "The container payment-api ends because DATABASE_URL is not set.";
        assert!(ran.stdout.ends_with(&format!("{answer}\n")), "{}", ran.shown());
        assert_eq!(server.asked().len(), 3);
        let started = journal(home, "tool-started");
        let calls: Vec<(&str, &Value)> = started
            .iter()
            .map(|call| (call["tool"].as_str().unwrap_or_default(), &call["arguments"]))
            .collect();
        let [deployments, pods, logs] = [
            json!({"kind": "Deployment", "namespace": "shop"}),
            json!({"kind": "Pod", "namespace": "shop"}),
            json!({"pod": POD, "namespace": "shop", "previous": true}),
        ];
        assert_eq!(calls, [("kube__list", &deployments), ("kube__list", &pods), ("kube__logs", &logs)]);
        let ids: BTreeSet<&str> = started.iter().filter_map(|call| call["id"].as_str()).collect();
        assert_eq!(ids.len(), 3, "each call has an id of its own: {started:#?}");
        let ended = journal(home, "tool-ended");
        assert_eq!(ended.len(), 3);
        for (call, expect) in ended.iter().zip(["payment-api", POD, "missing required environment variable"])
        {
            assert!(call["output"]["text"].as_str().is_some_and(|text| text.contains(expect)), "{call:#}");
        }
        let expect = if provider.counts { [(100, 20), (200, 10), (300, 12)] } else { [(0, 0); 3] };
        assert_eq!(counted(&journal(home, "model-ended")), expect);
        let turns = journal(home, "turn-ended");
        assert_eq!((turns.len(), turns[0]["end"]["text"].as_str()), (1, Some(answer)));
        // A session that goes on sends the calls and their results once more.
        let again = home.run(&["-q", "chat", "chat", "--resume", &session(home), "greet me"]).expect_code(0);
        assert_eq!(again.stdout, format!("{GREETING}\n"));
        let asked = server.asked();
        assert!(asked.len() == 4 && asked[3]["body"].to_string().contains(POD), "{asked:#?}");
    });
}

#[test]
fn live_arguments_that_are_none_go_back_to_the_model() {
    for_each(|home, server, provider| {
        let ran = say(home, server, provider, "mumble", &[]).expect_code(0);
        assert!(ran.stdout.ends_with("That was no call.\n"), "{}", ran.shown());
        assert_eq!(server.asked().len(), 2);
    });
}

#[test]
fn live_a_rate_limit_is_waited_for() {
    for_each(|home, server, provider| {
        let ran = say(home, server, provider, "limited", &["--set", "model.retries=1"]).expect_code(0);
        assert_eq!((ran.stdout.as_str(), server.asked().len()), ("Now there is room.\n", 2));
        assert!(ran.stderr.contains("answered 429") && ran.stderr.contains("slow down"), "{}", ran.shown());
        server.forget();
        let ran = say(home, server, provider, "throttled", &["--set", "model.retries=0"]).expect_code(1);
        assert_eq!((ran.stdout.as_str(), server.asked().len()), ("", 1));
        assert!(ran.stderr.contains("answered 429") && ran.stderr.contains("slow down"), "{}", ran.shown());
    });
}

#[test]
fn live_a_server_that_stays_down_is_an_error() {
    for_each(|home, server, provider| {
        for (said, status, message) in [("broken", "500", "oops"), ("overloaded", "503", "come back later")] {
            server.forget();
            let ran = say(home, server, provider, said, &["--set", "model.retries=1"]).expect_code(1);
            let expect = format!("the model does not answer: `{}` answered {status}", provider.name);
            assert!(ran.stderr.contains(&expect), "{}", ran.shown());
            assert!(
                ran.stderr.contains(message) && ran.stderr.contains("(tried 2 times)"),
                "{}",
                ran.shown()
            );
            assert_eq!((ran.stdout.as_str(), server.asked().len()), ("", 2));
        }
    });
}

#[test]
fn live_what_breaks_off_is_asked_again_where_nothing_was_shown() {
    for_each(|home, server, provider| {
        // The script answers the second time it is asked.
        let ran = say(home, server, provider, "gone", &["--set", "model.retries=1"]).expect_code(0);
        assert_eq!(ran.stdout, "Back again.\n");
        let ran = say(home, server, provider, "faint", &["--set", "model.retries=1"]);
        if provider.opens {
            assert_eq!(ran.clone().expect_code(0).stdout, "Said whole.\n");
        } else {
            let ran = ran.expect_code(1);
            assert!(ran.stderr.contains("broke off"), "{}", ran.shown());
            assert_eq!(ran.stdout, "A word, and no more \n");
        }
    });
}

#[test]
fn live_an_answer_that_was_shown_in_part_is_an_error_that_says_so() {
    for_each(|home, server, provider| {
        let ran = say(home, server, provider, "cut", &["--set", "model.retries=2"]).expect_code(1);
        let part = ran.stdout.trim_end_matches('\n');
        assert!(!part.is_empty() && part != LONG && LONG.starts_with(part), "{}", ran.shown());
        let says_so =
            ran.stderr.contains("error: the model does not answer: ") && ran.stderr.contains("broke off");
        // What was shown is not asked for again.
        assert!(says_so && !ran.stderr.contains("tried"), "{}", ran.shown());
    });
}

#[test]
fn live_what_is_no_answer_is_said_to_be_none() {
    for_each(|home, server, provider| {
        let ran = say(home, server, provider, "garbled", &["--set", "model.retries=0"]).expect_code(1);
        assert!(ran.stderr.contains("that is no JSON"), "{}", ran.shown());
        server.forget();
        let ran = say(home, server, provider, "nobody wrote a line for this", &[]).expect_code(1);
        assert!(ran.stderr.contains("answered 404") && ran.stderr.contains("hint: "), "{}", ran.shown());
        assert_eq!(server.asked().len(), 1, "it is not asked for again");
    });
}

#[test]
fn live_a_wrong_key_is_told_with_where_it_came_from() {
    let Some(server) = Aimock::start(Some(KEY)) else { return };
    for provider in &PROVIDERS {
        eprintln!("provider {}", provider.name);
        let home = Home::new();
        let ran = say(&home, &server, provider, "greet me", &["--set", "model.key-env=MODEL_KEY"]);
        assert_eq!(ran.expect_code(0).stdout, format!("{GREETING}\n"));
        let file = home.write("key", "sk-wrong-0123456789").display().to_string();
        let wrong = format!("model.key-file={file}");
        for (more, expect) in [
            (&["--set", wrong.as_str()][..], format!("hint: its key was taken from `{file}`")),
            (&[], format!("hint: no key goes to `{}`: name one with `key-env`", server.url())),
        ] {
            let ran = say(&home, &server, provider, "greet me", more).expect_code(1);
            assert!(ran.stderr.contains("answered 401") && ran.stderr.contains(&expect), "{}", ran.shown());
            assert!(!ran.shown().contains("sk-wrong"), "{}", ran.shown());
        }
    }
}
