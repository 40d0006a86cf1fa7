//! Patterns that are fitted to a line; the head of the crate says how they are
//! written. Fitting takes no more steps than line times pattern.

use std::collections::BTreeMap;

/// Values by name.
pub(crate) type Values = BTreeMap<String, String>;

/// Characters of a line that are looked at.
const LINE: usize = 2_000;
/// Parts of a pattern.
const PARTS: usize = 64;

/// A pattern, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<Part>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Vec<char>),
    Space,
    Anything,
    Word(String),
    Text(String),
    Digits(String),
    Capitals(String),
    Taken(String),
}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text.trim();
        while let Some(first) = rest.chars().next() {
            if first.is_whitespace() {
                parts.push(Part::Space);
                rest = rest.trim_start();
            } else if first == '*' {
                parts.push(Part::Anything);
                rest = rest.trim_start_matches('*');
            } else if let Some(inner) = rest.strip_prefix("{{") {
                let (name, after) = inner.split_once("}}").ok_or("a `{{` is not closed")?;
                parts.push(Part::Taken(named(name)?));
                rest = after;
            } else if let Some(inner) = rest.strip_prefix('{') {
                let (name, after) = inner.split_once('}').ok_or("a `{` is not closed")?;
                parts.push(if let Some(name) = name.strip_suffix("...") {
                    Part::Text(named(name)?)
                } else if let Some(name) = name.strip_suffix(":n") {
                    Part::Digits(named(name)?)
                } else if let Some(name) = name.strip_suffix(":CAPS") {
                    Part::Capitals(named(name)?)
                } else {
                    Part::Word(named(name)?)
                });
                rest = after;
            } else {
                let end =
                    rest.find(|c: char| c.is_whitespace() || c == '*' || c == '{').unwrap_or(rest.len());
                let (literal, after) = rest.split_at(end);
                parts.push(Part::Literal(literal.chars().map(lower).collect()));
                rest = after;
            }
        }
        if parts.len() > PARTS {
            return Err(format!("it has more than {PARTS} parts"));
        }
        Ok(Self { parts, text: text.trim().to_owned() })
    }

    /// The names that a fit gives values to.
    pub(crate) fn gives(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Word(name) | Part::Text(name) | Part::Digits(name) | Part::Capitals(name) => {
                Some(name.as_str())
            }
            _ => None,
        })
    }

    /// The names that must have a value before.
    pub(crate) fn needs(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Taken(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The values where the whole line fits.
    pub(crate) fn fit(&self, line: &str, taken: &Values) -> Option<Values> {
        let line: Vec<char> = line.trim().chars().take(LINE).collect();
        let dead = vec![false; self.parts.len() * (line.len() + 1)];
        let mut fit = Fit { parts: &self.parts, line: &line, taken, dead, found: Vec::new() };
        fit.at(0, 0).then(|| {
            fit.found
                .iter()
                .map(|(name, from, to)| {
                    let value: String = line.get(*from..*to).unwrap_or_default().iter().collect();
                    ((*name).to_owned(), value.trim().to_owned())
                })
                .collect()
        })
    }

    /// Whether a name or a line fits.
    pub(crate) fn fits(&self, text: &str) -> bool {
        self.fit(text, &Values::new()).is_some()
    }

    /// The pattern as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// One line that is being fitted.
struct Fit<'a> {
    parts: &'a [Part],
    line: &'a [char],
    taken: &'a Values,
    /// Of each part, the places from which no way leads to the end.
    dead: Vec<bool>,
    found: Vec<(&'a str, usize, usize)>,
}

impl<'a> Fit<'a> {
    fn at(&mut self, part: usize, from: usize) -> bool {
        let parts = self.parts;
        let Some(this) = parts.get(part) else {
            return from == self.line.len();
        };
        let row = part * (self.line.len() + 1);
        if self.dead.get(row + from).copied().unwrap_or(true) {
            return false;
        }
        let run = |fits: fn(char) -> bool| {
            self.line.get(from..).unwrap_or_default().iter().take_while(|c| fits(**c)).count()
        };
        let rest = self.line.len() - from;
        let fits = match this {
            Part::Literal(literal) => self.starts(from, literal) && self.at(part + 1, from + literal.len()),
            Part::Taken(name) => {
                let value: Option<Vec<char>> =
                    self.taken.get(name).map(|value| value.chars().map(lower).collect());
                value.is_some_and(|value| {
                    !value.is_empty() && self.starts(from, &value) && self.at(part + 1, from + value.len())
                })
            }
            Part::Space => {
                let longest = run(char::is_whitespace);
                (1..=longest).rev().any(|length| self.at(part + 1, from + length))
            }
            Part::Anything => (0..=rest).any(|length| self.at(part + 1, from + length)),
            Part::Text(name) => (1..=rest).any(|length| self.take(part, name, from, from + length)),
            Part::Word(name) => {
                let longest = run(|c| !c.is_whitespace());
                (1..=longest).rev().any(|length| self.take(part, name, from, from + length))
            }
            Part::Digits(name) => {
                let longest = run(|c| c.is_ascii_digit());
                longest > 0 && self.take(part, name, from, from + longest)
            }
            Part::Capitals(name) => {
                let whole = |c: char| c.is_alphanumeric() || c == '_';
                let longest = run(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
                let word = self.line.get(from..from + longest).unwrap_or_default();
                let before = from.checked_sub(1).and_then(|at| self.line.get(at));
                let after = self.line.get(from + longest);
                word.first().is_some_and(char::is_ascii_uppercase)
                    && word.contains(&'_')
                    && !before.is_some_and(|c| whole(*c))
                    && !after.is_some_and(|c| whole(*c))
                    && self.take(part, name, from, from + longest)
            }
        };
        if !fits {
            // What may skip ahead, and got nowhere, gets nowhere from behind there either.
            let skips = matches!(this, Part::Anything | Part::Text(_));
            let to = if skips { self.line.len() } else { from };
            if let Some(dead) = self.dead.get_mut(row + from..=row + to) {
                dead.fill(true);
            }
        }
        fits
    }

    fn take(&mut self, part: usize, name: &'a str, from: usize, to: usize) -> bool {
        let fits = self.at(part + 1, to);
        if fits {
            self.found.push((name, from, to));
        }
        fits
    }

    fn starts(&self, from: usize, literal: &[char]) -> bool {
        let there = self.line.get(from..from + literal.len());
        there.is_some_and(|there| there.iter().zip(literal).all(|(one, other)| lower(*one) == *other))
    }
}

fn lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

fn named(name: &str) -> Result<String, String> {
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("`{name}` is no name: letters, digits, `-` and `_`"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(pattern: &str, line: &str) -> Option<String> {
        let taken = Values::from([("pod".to_owned(), "api-1".to_owned())]);
        let values = Pattern::new(pattern).unwrap().fit(line, &taken)?;
        Some(values.iter().map(|(name, value)| format!("{name}={value};")).collect())
    }

    #[test]
    fn patterns_take_what_they_say() {
        for (pattern, line, expect) in [
            ("observation {o}: *", "observation o12: 3 Pods in shop: 3 Running", Some("o=o12;")),
            (
                "observation {o}: * in {ns}: *",
                "observation o1: 3 Pods in shop: 1 Error, 2 Running",
                Some("ns=shop;o=o1;"),
            ),
            ("{n:n}: {text...}", "17: FATAL: no DB_URL ", Some("n=17;text=FATAL: no DB_URL;")),
            ("{n:n}: {text...}", "x17: no", None),
            ("*{v:CAPS}*", "FATAL: DATABASE_URL is not set", Some("v=DATABASE_URL;")),
            ("*{v:CAPS}*", "KeyError: 'API_KEY'", Some("v=API_KEY;")),
            ("*{v:CAPS}*", "my_LOWER_mix FATAL aA_B", None),
            ("* variable \"{v}\" *", "env: required variable \"DB_PORT\" is not set", Some("v=DB_PORT;")),
            ("{{pod}} {ready} *", "api-1   0/1  Crash", Some("ready=0/1;")),
            ("{{pod}} *", "api-2 0/1", None),
            ("{{nobody}}*", "api-2", None),
            ("a * c", "A b C", Some("")),
            ("a c", "a \t c", Some("")),
            ("", "", Some("")),
            ("", "x", None),
            ("*", "", Some("")),
            ("{x...}", "", None),
            ("{a...} is {b...}", "this is it is so", Some("a=this;b=it is so;")),
        ] {
            assert_eq!(told(pattern, line).as_deref(), expect, "{pattern} at {line}");
        }
        for wrong in ["{", "{{a}", "{}", "{a b}", "{a:x}", &"{a}*".repeat(40)] {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hostile_line_is_no_trap() {
        let pattern = "*a".repeat(20) + "*b";
        assert_eq!(told(&pattern, &"a".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn any_pattern_at_any_line_ends(pattern in ".{0,30}", line in ".{0,60}") {
            if let Ok(pattern) = Pattern::new(&pattern) {
                let _ = pattern.fit(&line, &Values::new());
            }
        }

        #[test]
        fn a_literal_fits_itself(text in "[a-zA-Z0-9:./ -]{0,30}") {
            prop_assert!(Pattern::new(&text).unwrap().fits(&text));
        }
    }
}
