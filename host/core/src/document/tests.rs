use proptest::prelude::*;

use super::{Problems, Source, parse};

fn problems_of(text: &str) -> Vec<String> {
    let mut problems = Problems::new();
    parse(0, text, &mut problems);
    let source = Source::User("a.toml".to_owned());
    problems.into_list(&[(&source, text)]).iter().map(ToString::to_string).collect()
}

#[test]
fn several_mistakes_of_syntax_are_found_at_once() {
    for (text, expect) in [
        ("a = 1\nb = 2.5\nc = [1, 2]\n[t]\nd.e = true\n", vec![]),
        ("a = 1\na = 2\n", vec!["a.toml:2:1: this is not TOML: duplicate key"]),
        ("a = 1e999\n", vec!["a.toml:1:5: this number is not finite"]),
        (
            "a = nan\nb = inf\n",
            vec!["a.toml:1:5: this number is not finite", "a.toml:2:5: this number is not finite"],
        ),
        ("a = 99999999999999999999\n", vec!["a.toml:1:5: this number is too large"]),
        (
            "é = 1\n",
            vec!["a.toml:1:1: this is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`"],
        ),
    ] {
        assert_eq!(problems_of(text), expect, "{text}");
    }
    assert_eq!(problems_of("a = \nb = 1\nc = [1\n").len(), 2);
}

#[test]
fn columns_count_characters() {
    assert_eq!(
        problems_of("\"größe\" = 1\n\"größe\" = nan"),
        vec!["a.toml:2:1: this is not TOML: duplicate key",]
    );
    assert_eq!(problems_of("x = { \"größe\" = nan }"), vec!["a.toml:1:17: this number is not finite"]);
}

#[test]
fn too_much_text_is_refused_before_it_is_read() {
    let text = "# padding\n".repeat(120_000);
    assert_eq!(
        problems_of(&text),
        vec!["a.toml:1:1: the text has 1200000 bytes, and at most 1048576 are read"]
    );
    let deep = format!("x = {}", "[".repeat(100_000));
    assert_eq!(problems_of(&deep), vec!["a.toml:1:69: values are nested more than 64 levels deep"]);
}

#[test]
fn a_flood_of_mistakes_is_cut() {
    let text = "= =\n".repeat(200_000);
    assert_eq!(problems_of(&text).len(), 50);
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        problems_of(&text);
    }

    #[test]
    fn no_text_made_of_toml_panics(parts in prop::collection::vec(
        prop::sample::select(vec![
            "a", "b.c", "\"q\"", "'r'", "=", " ", "\n", "[", "]", "[[", "]]", "{", "}", ",", ".", "1", "1.5", "-0x1f",
            "true", "\"", "'", "\"\"\"", "'''", "#", "\\", "\\u00e9", "1979-05-27T07:32:00Z", "nan", "\u{0}", "é", "\r\n",
        ]),
        0..60,
    )) {
        problems_of(&parts.concat());
    }
}
