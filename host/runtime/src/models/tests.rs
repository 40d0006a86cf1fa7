use sickbay_core::catalogue::Price;

use super::*;

fn profile(text: &str) -> Profile {
    Profile::parse("p", text).unwrap()
}

fn info(models: &[(&str, u32)]) -> ProviderInfo {
    let model = |(name, window): &(&str, u32)| ModelInfo {
        name: (*name).to_owned(),
        context_window: *window,
        output_limit: 0,
        tools: true,
        images: false,
        thinking: false,
        structured_output: false,
    };
    ProviderInfo {
        description: String::new(),
        models: models.iter().map(model).collect(),
        default_endpoint: String::new(),
        auth: Auth::None,
    }
}

#[test]
fn a_profile_names_a_model_and_its_fallbacks() {
    let text = "[model]\nprovider = \"openai\"\nfallback = [\"anthropic/claude-x\", \"openai/org/small\"]";
    let chosen: Vec<_> = choices(&profile(text))
        .unwrap()
        .into_iter()
        .map(|choice| (choice.provider, choice.model, choice.is_first, choice.is_fallback))
        .collect();
    let own = |name: &str| name.to_owned();
    assert_eq!(
        chosen,
        [
            (own("openai"), None, true, false),
            (own("anthropic"), Some(own("claude-x")), false, true),
            // What is said of the provider is said of its other model too.
            (own("openai"), Some(own("org/small")), true, true),
        ]
    );
    let failure = choices(&profile("")).err().unwrap();
    assert_eq!(failure.message, "profile `p` names no model");
    assert!(failure.hint.unwrap().contains("--model PROVIDER/NAME"));
}

#[test]
fn a_model_that_is_not_named_is_the_catalogues_or_the_first_of_the_plugin() {
    let known = ModelCatalogue::with_user(
        "m",
        "[house]\ndefault-model = \"a\"\n[house.models.b]\ncontext-window = 7",
    )
    .unwrap();
    assert_eq!(default_model(&known, "house", &info(&[("b", 1)])).unwrap(), "a");
    assert_eq!(default_model(&known, "other", &info(&[("b", 1), ("c", 1)])).unwrap(), "b");
    let failure = default_model(&known, "ollama", &info(&[])).unwrap_err();
    assert_eq!(failure.message, "provider `ollama` has no model that is used where none is named");

    let window =
        |model: &str| windows(&known, "house", model, &info(&[("b", 5), ("c", 5), ("d", 0)])).context;
    assert_eq!((window("b"), window("c"), window("d"), window("e")), (Some(7), Some(5), None, None));
}

#[test]
fn what_the_profile_says_of_requests_is_kept_to() {
    let text = r#"
        [model]
        provider = "openai"
        thinking-tokens = 0
        temperature = 0.5
        timeout = "20s"
        first-byte = "5s"
        idle = "1s"
        retries = 0
        requests-per-minute = 3
        tokens-per-minute = 4000
        context-window = 5000
        price = {input = 1, output = 2}
        options = {seed = 1}
        settings = {mode = "fast", depth = 3, deep = true}
    "#;
    let model = profile(text).model;
    let settings = settings(&model, &Lanes::default());
    assert_eq!(
        (
            settings.budget.total.as_secs(),
            settings.budget.first_byte.as_secs(),
            settings.budget.idle.as_secs()
        ),
        (20, 5, 1)
    );
    assert_eq!(settings.retry.retries, 0);
    assert_eq!(settings.rates, RateLimits { requests_per_minute: Some(3), tokens_per_minute: Some(4_000) });
    assert_eq!(model.price, Some(Price { input: 1.0, output: 2.0, ..Price::default() }));
    assert_eq!(model.context_window, Some(5_000));
    let told: Vec<_> = model.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(told, [("deep", "true"), ("depth", "3"), ("mode", "fast")]);
    let own = defaults(&model, true);
    assert_eq!(
        (own.thinking_tokens, own.temperature, own.options),
        (Some(0), Some(0.5), serde_json::json!({"seed": 1}))
    );
    // Another provider would not know the options of this one.
    assert_eq!(defaults(&model, false).options, Value::Null);
}

#[test]
fn a_catalogue_of_the_users_own_that_is_wrong_is_told_with_its_line() {
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::resolve(Some(home.path())).unwrap();
    assert!(catalogue(&folders).is_ok());
    file::write_atomic(&folders.config.join("models.toml"), b"[openai]\ndefalt-model = \"x\"\n").unwrap();
    let failure = catalogue(&folders).unwrap_err();
    assert!(
        failure.message.ends_with(
            "models.toml:2:1: unknown key `defalt-model` in `[openai]` (did you mean `default-model`?)"
        ),
        "{failure}"
    );
}
