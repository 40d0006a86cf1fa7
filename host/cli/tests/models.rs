//! The models that are known, and what is said where a provider can not be asked.

mod support;

use support::Home;

fn with_parrot() -> Home {
    let home = Home::new();
    let parrot = home.write("parrot.wasm", sickbay_test_support::guest("parrot")).display().to_string();
    home.run(&["plugin", "install", &parrot, "--yes"]).expect_code(0);
    home
}

#[test]
fn models_are_listed_with_what_is_known_of_them() {
    let home = with_parrot();
    home.write(
        "home/config/models.toml",
        "[parrot]\ndefault-model = \"grey\"\n[parrot.models.green]\nprice = {input = 0.5, output = 1, cache-read = 0.1}\n",
    );
    let listed = home.run(&["--json", "models", "list", "--provider", "parrot"]).expect_code(0).json();
    let model = |at: usize| listed["models"][at].clone();
    assert_eq!(model(0)["name"], "green");
    assert_eq!(model(0)["price"]["cache-read"], 0.1);
    assert_eq!((&model(1)["name"], &model(1)["isDefault"]), (&"grey".into(), &true.into()));
    assert_eq!(model(1)["contextWindow"], 1_000);
    assert!(model(1).get("price").is_none());
    let text = home.run(&["models", "list", "--provider", "parrot"]).expect_code(0).stdout;
    let line = text.lines().find(|line| line.starts_with("parrot/grey*")).unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["parrot/grey*", "1k", "100", "?", "?", "?", "?"]
    );
}

#[test]
fn a_provider_is_not_asked_without_its_key() {
    let home = with_parrot();
    let ran = home.run(&["models", "list", "--refresh", "--provider", "parrot"]).expect_code(2);
    assert_eq!(
        ran.stderr,
        "error: there is no key for provider `parrot`\nhint: store it with `sickbay secret set parrot`, or name its \
         variable in `[model] key-env`\n"
    );
    let ran = home.run(&["models", "list", "--provider", "parot"]).expect_code(2);
    assert!(ran.stderr.contains("did you mean `parrot`?"), "{}", ran.shown());
    let ran = home.run(&["models", "list", "--provider", "rules"]).expect_code(2);
    assert!(ran.stderr.contains("which is a diagnosis plugin"), "{}", ran.shown());
}

#[test]
fn a_catalogue_of_ones_own_that_is_wrong_is_told_with_its_line() {
    let home = Home::new();
    home.write("home/config/models.toml", "[house]\nmodel = 3\n");
    let ran = home.run(&["models", "list"]).expect_code(2);
    assert!(
        ran.stderr.contains("models.toml:2:1: unknown key `model` in `[house]` (did you mean `models`?)"),
        "{}",
        ran.shown()
    );
}
