//! A model that thinks, on the playground: whichever provider the environment
//! has a key for, or the server that `SICKBAY_LIVE_MODEL=PROVIDER/NAME` and
//! `SICKBAY_LIVE_ENDPOINT` name. Without any, the test says `skipped:`.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read which keys there are, say what they skip, and fail where something is amiss"
)]

mod support;

use std::env;

use serde_json::Value;
use support::Home;

/// The variables of keys, and the providers that they are for.
const KEYS: [(&str, &str); 3] =
    [("ANTHROPIC_API_KEY", "anthropic"), ("OPENAI_API_KEY", "openai"), ("GEMINI_API_KEY", "gemini")];

const QUESTION: &str = "Something in the namespace `shop` is broken. Look at the cluster with your tools until you \
                        know why, then name the exact cause, and the name of every setting that is missing.";

#[test]
fn live_a_model_finds_the_missing_variable() {
    let mut asked = Vec::new();
    if let Ok(model) = env::var("SICKBAY_LIVE_MODEL") {
        let mut settings = vec!["--model".to_owned(), model];
        if let Ok(endpoint) = env::var("SICKBAY_LIVE_ENDPOINT") {
            settings.extend(["--set".to_owned(), format!("model.endpoint={endpoint}")]);
        }
        asked.push(settings);
    }
    for (_, provider) in KEYS.iter().filter(|(variable, _)| env::var(variable).is_ok()) {
        asked.push(vec!["--set".to_owned(), format!("model.provider={provider}")]);
    }
    if asked.is_empty() {
        eprintln!(
            "skipped: there is no key of a model provider in the environment, and no SICKBAY_LIVE_MODEL"
        );
        return;
    }
    let keys: Vec<(&str, String)> =
        KEYS.iter().filter_map(|(variable, _)| Some((*variable, env::var(variable).ok()?))).collect();
    let keys: Vec<(&str, &str)> = keys.iter().map(|(variable, key)| (*variable, key.as_str())).collect();
    for settings in asked {
        let home = Home::new();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let chat = ["--json", "chat", "chat", "--playground", "missing-env", "-n", "shop"];
        let ran = home.run_with(&keys, &[&chat, settings.as_slice(), &[QUESTION]].concat());
        assert_eq!(ran.code, 0, "{}", ran.shown());
        let events: Vec<Value> =
            ran.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
        assert!(of("tool-start") > 0 && of("tool-start") == of("tool-end"), "{}", ran.shown());
        let done = events.iter().find(|event| event["event"] == "done").map(ToString::to_string);
        assert!(done.unwrap_or_default().contains("DATABASE_URL"), "{}", ran.shown());
    }
}
