//! Policies: which plan may be applied, by whose word.
//!
//! A policy is a TOML file of rules in order. Each change that the host would
//! send is decided by the first rule that matches it, or by the default, and
//! the strictest of these verdicts is the plan's: a plan is denied where one of
//! its changes is, and allowed only where all of them are. So a plan never
//! becomes milder by a further change.

mod hours;
mod parse;
mod pattern;
mod rule;
mod selector;

use serde::{Deserialize, Serialize};

pub(crate) use self::pattern::Glob;
use self::rule::{Facts, Rule, describe};
use crate::change::Survey;
use crate::{
    cluster::Source,
    document::{self, Problem},
    remediation::{Change, Risk},
};

/// What a policy says. The order is from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may be applied without a person.
    Allow,
    /// A person has to approve it.
    Ask,
    /// Nobody may apply it.
    Deny,
}

impl Verdict {
    /// Every verdict by its word.
    pub const WORDS: [(&'static str, Self); 3] =
        [("allow", Self::Allow), ("ask", Self::Ask), ("deny", Self::Deny)];

    /// As in a policy file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, verdict)| *verdict == self).map_or("", |(word, _)| word)
    }
}

/// The verdict on one plan, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    pub verdict: Verdict,
    /// The rule that matched first; none: the policy's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// For a person: what matched and why the rule is there.
    pub reason: String,
    /// An allowed plan may go on where the profile asks and nobody is there to be asked.
    #[serde(default)]
    pub unattended: bool,
}

/// All that a policy decides by.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub source: Source,
    pub plugin: &'a str,
    pub action: &'a str,
    pub risk: Risk,
    pub reversible: bool,
    pub changes: &'a [Change],
    /// One for each change that the host sends, in order.
    pub surveys: &'a [Survey],
    /// Milliseconds since 1970, UTC.
    pub at_ms: i64,
}

/// How one rule fared with a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleTrace {
    pub rule: String,
    pub verdict: Verdict,
    /// Of a rule that allows: whether it matches every change; of any other:
    /// whether it matches one.
    pub matched: bool,
    /// The changes that it decides, by their places among those that the host
    /// sends: it is the first rule that matches them.
    pub decides: Vec<usize>,
    /// The first condition that does not hold, of the first change that it
    /// does not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmet: Option<String>,
}

/// Rules in order; the first that matches a change decides it.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// For messages: the file's path, or `built in`.
    pub source: String,
    pub default: Verdict,
    rules: Vec<Rule>,
}

const BUILT_IN: &str = include_str!("policy/built_in.toml");

impl Policy {
    /// What holds where a profile names no policy.
    #[must_use]
    pub fn built_in() -> Self {
        // A test reads it; a text that could not be read would allow nothing.
        Self::parse(document::Source::Embedded, BUILT_IN).unwrap_or_else(|_| Self::denying())
    }

    /// What holds where a policy's text can not be read.
    #[must_use]
    pub fn denying() -> Self {
        Self { source: document::Source::Embedded.to_string(), default: Verdict::Deny, rules: Vec::new() }
    }

    /// The text of [`Policy::built_in`], to begin one's own with.
    #[must_use]
    pub fn built_in_text() -> &'static str {
        BUILT_IN
    }

    /// Reads a policy file. All that is wrong with it is found at once.
    pub fn parse(source: document::Source, text: &str) -> Result<Self, Vec<Problem>> {
        parse::policy(source, text)
    }

    /// The verdict on one plan.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Ruling {
        let facts = Facts::of(question);
        if facts.subjects.is_empty() {
            return Ruling {
                verdict: Verdict::Allow,
                rule: None,
                reason: "nothing is written: a person has to do it".to_owned(),
                unattended: true,
            };
        }
        let decided: Vec<(Verdict, Option<&Rule>, usize)> = (0..facts.subjects.len())
            .map(|place| {
                let rule = self.rules.iter().find(|rule| rule.unmet(question, &facts, place).is_none());
                (rule.map_or(self.default, |rule| rule.verdict), rule, place)
            })
            .collect();
        let verdict = decided.iter().map(|(verdict, _, _)| *verdict).max().unwrap_or(self.default);
        let unattended = verdict == Verdict::Allow
            && decided.iter().all(|(_, rule, _)| rule.is_some_and(|rule| rule.unattended));
        let first = decided.iter().find(|(other, _, _)| *other == verdict);
        let (rule, place) = first.map_or((None, 0), |(_, rule, place)| (*rule, *place));
        let what = facts.subjects.get(place).map(describe).unwrap_or_default();
        let reason = match rule {
            Some(rule) if rule.reason.is_empty() => what,
            Some(rule) => format!("{what}: {}", rule.reason),
            None => format!("{what}: no rule matches, and the default is `{}`", self.default.as_str()),
        };
        Ruling { verdict, rule: rule.map(|rule| rule.name.clone()), reason, unattended }
    }

    /// How each rule fares with the question, in their order.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> Vec<RuleTrace> {
        let facts = Facts::of(question);
        let mut open: Vec<usize> = (0..facts.subjects.len()).collect();
        let traces = self.rules.iter().map(|rule| {
            let unmet: Vec<Option<String>> =
                (0..facts.subjects.len()).map(|place| rule.unmet(question, &facts, place)).collect();
            let matches = |place: &usize| unmet.get(*place).is_some_and(Option::is_none);
            let (decides, left): (Vec<usize>, Vec<usize>) = open.iter().copied().partition(matches);
            open = left;
            let matched = match rule.verdict {
                Verdict::Allow => !unmet.is_empty() && unmet.iter().all(Option::is_none),
                Verdict::Ask | Verdict::Deny => unmet.iter().any(Option::is_none),
            };
            let unmet = unmet.into_iter().flatten().next();
            RuleTrace { rule: rule.name.clone(), verdict: rule.verdict, matched, decides, unmet }
        });
        traces.collect()
    }
}

#[cfg(test)]
mod tests;
