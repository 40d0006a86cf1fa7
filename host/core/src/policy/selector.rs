//! A label selector as kubectl takes it, over the labels of a changed object.

use std::collections::BTreeMap;

/// Parts of a selector, and values of one part, at most.
const MOST: usize = 100;

/// `app=web,tier!=db,env in (a,b),zone notin (c),canary,!legacy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    parts: Vec<Part>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    key: String,
    wants: Wants,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wants {
    Some,
    None,
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
}

impl Selector {
    /// Of a text with at least one part. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        for part in split(text)? {
            let shown = crate::text::clean_line(part, 80);
            if parts.len() == MOST {
                return Err(format!("it has more than {MOST} parts"));
            }
            parts.push(one(part.trim()).map_err(|why| format!("in `{shown}`, {why}"))?);
        }
        Ok(Self { parts, text: text.to_owned() })
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.parts.iter().all(|part| {
            let label = labels.get(&part.key);
            match &part.wants {
                Wants::Some => label.is_some(),
                Wants::None => label.is_none(),
                Wants::OneOf(values) => label.is_some_and(|label| values.contains(label)),
                Wants::NoneOf(values) => label.is_none_or(|label| !values.contains(label)),
            }
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// At the commas that stand outside of parentheses.
fn split(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut from, mut open) = (0, false);
    for (at, character) in text.char_indices() {
        match character {
            '(' if open => return Err("a parenthesis stands within another one".to_owned()),
            '(' => open = true,
            ')' if !open => return Err("a parenthesis closes that was not opened".to_owned()),
            ')' => open = false,
            ',' if !open => {
                parts.push(text.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    if open {
        return Err("a parenthesis is not closed".to_owned());
    }
    parts.push(text.get(from..).unwrap_or_default());
    Ok(parts)
}

fn one(part: &str) -> Result<Part, &'static str> {
    if let Some((head, list)) = part.split_once('(') {
        let list = list.strip_suffix(')').ok_or("something follows the parenthesis")?;
        let values: Vec<String> = list.split(',').map(value).collect::<Result<_, _>>()?;
        if values.len() > MOST {
            return Err("the list is too long");
        }
        let mut words = head.split_whitespace();
        let key = key(words.next().unwrap_or_default())?;
        return match (words.next(), words.next()) {
            (Some("in"), None) => Ok(Part { key, wants: Wants::OneOf(values) }),
            (Some("notin"), None) => Ok(Part { key, wants: Wants::NoneOf(values) }),
            _ => Err("only `in` and `notin` take a list"),
        };
    }
    if let Some((left, right)) = part.split_once("!=") {
        return Ok(Part { key: key(left)?, wants: Wants::NoneOf(vec![value(right)?]) });
    }
    if let Some((left, right)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Part { key: key(left)?, wants: Wants::OneOf(vec![value(right)?]) });
    }
    match part.strip_prefix('!') {
        Some(rest) => Ok(Part { key: key(rest)?, wants: Wants::None }),
        None => Ok(Part { key: key(part)?, wants: Wants::Some }),
    }
}

fn key(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let fits = !text.is_empty() && text.len() <= 317 && text.chars().all(good);
    if fits && text.matches('/').count() < 2 { Ok(text.to_owned()) } else { Err("the key is no label key") }
}

fn value(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.len() <= 63 && text.chars().all(good) {
        Ok(text.to_owned())
    } else {
        Err("the value is no label value")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn selectors_pick_as_kubectl_does() {
        let labels: BTreeMap<String, String> = [("app", "web"), ("tier", "front"), ("empty", "")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        for (selector, expect) in [
            ("app=web", true),
            ("app==web, tier != db", true),
            ("app!=web", false),
            ("zone!=x", true),
            ("tier in (back, front)", true),
            ("tier in (back)", false),
            ("tier notin (back)", true),
            ("zone notin (a)", true),
            ("app", true),
            ("zone", false),
            ("!zone", true),
            ("!app", false),
            ("empty=", true),
            ("example.com/team=a", false),
        ] {
            assert_eq!(Selector::parse(selector).map(|s| s.matches(&labels)), Ok(expect), "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_says_why() {
        for (text, expect) in [
            ("", "in ``, the key is no label key"),
            ("app=web,", "in ``, the key is no label key"),
            ("app in (web", "a parenthesis is not closed"),
            ("app in web)", "a parenthesis closes that was not opened"),
            ("app in ((web))", "a parenthesis stands within another one"),
            ("app of (web)", "in `app of (web)`, only `in` and `notin` take a list"),
            ("app in (web) x", "in `app in (web) x`, something follows the parenthesis"),
            ("a=b=c", "in `a=b=c`, the value is no label value"),
            ("a b", "in `a b`, the key is no label key"),
        ] {
            assert_eq!(Selector::parse(text).unwrap_err(), expect, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-c=!,() ]{0,30}|\\PC{0,20}") {
            let _ = Selector::parse(&text);
        }
    }
}
