use proptest::prelude::*;

use super::*;
use crate::model::Usage;

fn built_in() -> ModelCatalogue {
    ModelCatalogue::built_in().unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn with(text: &str) -> Result<ModelCatalogue, Vec<String>> {
    ModelCatalogue::with_user("models.toml", text).map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| match &problem.suggestion {
                Some(hint) => format!("{problem} ({hint})"),
                None => problem.to_string(),
            })
            .collect()
    })
}

#[test]
fn what_is_built_in_can_be_read_and_has_its_defaults() {
    let catalogue = built_in();
    for (name, provider) in catalogue.providers() {
        for (model, known) in &provider.models {
            let price = known.price.as_ref().unwrap_or_else(|| panic!("{model} of {name} has no price"));
            assert!(price.output >= price.input && price.input > 0.0, "{model}");
            assert!(price.cache_read.is_none_or(|read| read < price.input), "{model}");
            assert!(price.tiers.iter().all(|tier| tier.input >= price.input), "{model}");
        }
        if let Some(model) = &provider.default_model {
            assert!(catalogue.find(name, model).is_some(), "{name}: {model}");
        }
    }
    for name in ["anthropic", "openai", "openai-responses", "gemini"] {
        assert!(catalogue.provider(name).is_some_and(|known| known.default_model.is_some()), "{name}");
    }
}

#[test]
fn a_model_is_found_by_its_name_its_alias_and_its_dated_name() {
    let catalogue = built_in();
    for (provider, model, expect) in [
        ("anthropic", "claude-sonnet-4-5", Some("claude-sonnet-4-5")),
        ("anthropic", "claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5")),
        ("anthropic", "claude-opus-4-20250514", Some("claude-opus-4-0")),
        ("anthropic", "claude-3-5-haiku-latest", Some("claude-3-5-haiku")),
        ("anthropic", "claude-3-5-haiku-20241022", Some("claude-3-5-haiku")),
        ("openai", "gpt-5-2025-08-07", Some("gpt-5")),
        ("openai", "gpt-5-mini", Some("gpt-5-mini")),
        ("openai-responses", "gpt-5", Some("gpt-5")),
        ("openai", "gpt-5-99", None),
        ("openai", "claude-sonnet-4-5", None),
        ("openai", "", None),
        ("nobody", "gpt-5", None),
    ] {
        assert_eq!(catalogue.find(provider, model).map(|found| found.name), expect, "{provider}/{model}");
    }
}

#[test]
fn an_unknown_price_is_not_a_price_of_nothing() {
    let catalogue =
        with("[ollama.models.big]\nprice = {input = 1.0, output = 2}\n[house.models.x]\n").unwrap();
    assert_eq!(catalogue.price("ollama", "llama3"), Some(Price::free()));
    assert_eq!(catalogue.price("ollama", "big").map(|price| price.output), Some(2.0));
    assert_eq!(catalogue.price("openai", "gpt-99"), None);
    assert_eq!(catalogue.price("house", "x"), None);
    assert_eq!(catalogue.price("elsewhere", "x"), None);
}

#[test]
fn tokens_cost_what_they_are() {
    let price = Price {
        input: 3.0,
        output: 15.0,
        cache_read: Some(0.3),
        cache_write: Some(3.75),
        tiers: vec![Tier { above: 200_000, input: 6.0, output: 22.5, ..Tier::default() }],
    };
    let usage = |input, cache_read, cache_write, output, reasoning| Usage {
        input,
        output,
        cache_read,
        cache_write,
        reasoning,
    };
    for (usage, expect) in [
        (usage(0, 0, 0, 0, 0), 0.0),
        (usage(1_000, 0, 0, 100, 0), 0.003 + 0.0015),
        // Reasoning is inside the output, cached tokens are inside the input.
        (usage(1_000, 0, 0, 100, 90), 0.003 + 0.0015),
        (usage(1_000, 800, 100, 0, 0), 0.000_3 + 0.000_24 + 0.000_375),
        (usage(200_000, 0, 0, 0, 0), 0.6),
        (usage(200_001, 0, 0, 1_000, 0), 1.200_006 + 0.022_5),
        // More from the cache than was read at all.
        (usage(10, 1_000_000, 0, 0, 0), 0.3),
    ] {
        let found = price.cost(&usage);
        assert!((found - expect).abs() < 1e-9, "{usage:?}: {found}, not {expect}");
    }
    let plain = Price { cache_read: None, ..price };
    assert!((plain.cost(&usage(1_000, 1_000, 0, 0, 0)) - 0.003).abs() < 1e-9);
}

#[test]
fn the_users_own_text_is_laid_over_model_by_model() {
    let text = r#"
        [anthropic]
        default-model = "claude-haiku-4-5"
        [anthropic.models."claude-haiku-4-5"]
        price = {input = 0.5, output = 2.5}
        [house]
        default-model = "mine"
        [house.models.mine]
        context-window = 32768
        output-limit = 4096
        aliases = ["m"]
    "#;
    let catalogue = with(text).unwrap();
    let haiku = catalogue.find("anthropic", "claude-haiku-4-5").unwrap().model;
    assert_eq!(haiku.price.as_ref().map(|price| (price.input, price.cache_read)), Some((0.5, None)));
    assert_eq!(haiku.context_window, Some(200_000));
    assert_eq!(catalogue.provider("anthropic").unwrap().default_model.as_deref(), Some("claude-haiku-4-5"));
    assert!(catalogue.find("anthropic", "claude-sonnet-4-5").is_some());
    assert_eq!(catalogue.find("house", "m").unwrap().model.output_limit, Some(4_096));
}

#[test]
fn what_is_wrong_has_its_line_and_a_suggestion() {
    for (text, expect) in [
        (
            "[openai]\ndefault_model = \"x\"",
            "models.toml:2:1: unknown key `default_model` in `[openai]` (did you mean `default-model`?)",
        ),
        (
            "[openai.models.x]\nprice = {input = 1}",
            "models.toml:2:1: this price has no `output` (add `output = 0.0`: USD per million tokens)",
        ),
        (
            "[openai.models.x]\nprice = {input = -1, output = 1}",
            "models.toml:2:18: `openai.models.x.price.input` takes a number from 0 to 100000, and this is the number -1",
        ),
        (
            "[openai.models.x]\ncontext-windw = 1",
            "models.toml:2:1: unknown key `context-windw` in `[openai.models.x]` (did you mean `context-window`?)",
        ),
        (
            "openai = 3",
            "models.toml:1:1: `openai` takes a table, and this is the number 3 (providers are tables: `[anthropic]`, and in it `[anthropic.models.\"NAME\"]`)",
        ),
        (
            "[\"Open AI\"]",
            "models.toml:1:2: `Open AI` can not be the name of a provider (a name has up to 64 lower-case letters, digits and hyphens, and no hyphen first)",
        ),
        (
            "[house.models.a]\naliases = [\"b\"]\n[house.models.b]",
            "models.toml:1:2: `b` is a name of `b` and of `a`",
        ),
        (
            "[house.models.a]\nprice = {input = 1, output = 1, tiers = [{input = 1, output = 1}]}",
            "models.toml:2:42: this tier does not say `above` how many tokens it is for",
        ),
        ("x = [", "models.toml:1:6: this is not TOML"),
    ] {
        let problems = with(text).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with(expect)), "{text}: {problems:#?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_catalogue_or_problems(text in "(\\[[a-z.\"]{0,8}\\]\n|[a-z-]{1,12} = [0-9\"{}a-z=, ]{0,12}\n){0,6}") {
        let _ = ModelCatalogue::with_user("models.toml", &text);
    }

    #[test]
    fn a_cost_is_a_number_of_at_least_nothing(
        input: u64, output: u64, cache_read: u64, cache_write: u64, price in 0.0..1_000.0,
    ) {
        let usage = Usage { input, output, cache_read, cache_write, reasoning: 0 };
        let price = Price { input: price, output: price, cache_read: Some(price / 10.0), ..Price::default() };
        let cost = price.cost(&usage);
        prop_assert!(cost.is_finite() && cost >= 0.0);
    }
}
