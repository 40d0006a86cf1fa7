//! Policies: which plan may be applied, by whose word.

use serde::{Deserialize, Serialize};

use crate::change::Survey;
use crate::{
    cluster::Source,
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

/// Rules in order; the first that matches decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// For messages: the file's path, or `built in`.
    pub source: String,
    pub default: Verdict,
}

impl Policy {
    /// What holds where a profile names no policy.
    #[must_use]
    pub fn built_in() -> Self {
        Self { source: "built in".to_owned(), default: Verdict::Ask }
    }

    /// The verdict on one plan.
    #[must_use]
    pub fn decide(&self, _question: &Question<'_>) -> Ruling {
        Ruling { verdict: self.default, rule: None, reason: "the default".to_owned(), unattended: false }
    }
}
