//! Who may say yes, and what they can say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{digest::Digest, remediation::Effect};

/// What was decided about one plan, and by whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ApprovalDecision {
    Approved {
        /// `person at the terminal`, `rule NAME`, the user of `runs approve`.
        by: String,
    },
    Denied {
        by: String,
        reason: String,
    },
    /// Other parameters: a new plan is made of them, which has another digest.
    Edited {
        by: String,
        parameters: Value,
    },
    /// A call of a tool, and those like it for as long as the session lasts.
    Allowed {
        by: String,
        pattern: CallPattern,
    },
    /// Nobody decided in time.
    Expired,
}

/// A call of a tool that waits for a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolRequest {
    pub call: u64,
    /// As the model calls it: `SERVER__TOOL`.
    pub tool: String,
    pub arguments: Value,
    pub effect: Effect,
    /// The stage whose call it is; none where a model made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
}

impl ToolRequest {
    /// Of the exact call: what is approved is this tool with these arguments.
    #[must_use]
    pub fn digest(&self, run: &str) -> Digest {
        let sealed = serde_json::json!({
            "seal": "sickbay.call/1",
            "run": run,
            "call": self.call,
            "tool": self.tool,
            "arguments": self.arguments,
        });
        // Maps are written in the order of their keys, so that equal values
        // have equal texts.
        Digest::of(sealed.to_string().as_bytes())
    }
}

/// A stage of a pipeline that stands still until a person says whether the run
/// goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageRequest {
    pub stage: String,
    pub visit: u32,
    /// What the profile asks; empty where it asks nothing in particular.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// What the run knows and has decided so far, as an object: findings,
    /// plans, what tools gave, the last answer.
    pub known: Value,
}

impl StageRequest {
    /// Of all that the person is asked about: what is approved is that the run
    /// goes on from exactly this.
    #[must_use]
    pub fn digest(&self, run: &str) -> Digest {
        let sealed = serde_json::json!({
            "seal": "sickbay.stage/1",
            "run": run,
            "stage": self.stage,
            "visit": self.visit,
            "prompt": self.prompt,
            "known": self.known,
        });
        Digest::of(sealed.to_string().as_bytes())
    }
}

/// Calls of one tool with arguments like these: each argument that is named
/// has exactly that value, those that are not named are free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallPattern {
    pub tool: String,
    #[serde(default)]
    pub arguments: BTreeMap<String, Value>,
    /// No argument stands beside those that are named.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exact: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl CallPattern {
    /// Exactly this call.
    #[must_use]
    pub fn exactly(request: &ToolRequest) -> Self {
        let arguments = request.arguments.as_object();
        Self {
            tool: request.tool.clone(),
            arguments: arguments
                .map(|map| map.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
                .unwrap_or_default(),
            exact: true,
        }
    }

    #[must_use]
    pub fn fits(&self, tool: &str, arguments: &Value) -> bool {
        let given = arguments.as_object().map_or(0, serde_json::Map::len);
        self.tool == tool
            && (!self.exact || given == self.arguments.len())
            && self
                .arguments
                .iter()
                .all(|(key, value)| arguments.get(key).is_some_and(|given| given == value))
    }
}

/// A decision that was left in the store for a run that waits for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredDecision {
    pub run: String,
    /// Of exactly that plan.
    pub digest: Digest,
    pub decision: ApprovalDecision,
    /// Milliseconds since 1970, UTC.
    pub at_ms: i64,
}

impl StoredDecision {
    /// What it says to a request that holds for `holds_ms` and until `expires_ms`: itself, or that it is too late.
    /// None where it was left before the request was made: the same may be asked for again, once an approval expired,
    /// and what was said before is no answer to that.
    #[must_use]
    pub fn answer(self, expires_ms: i64, holds_ms: i64, now_ms: i64) -> Option<ApprovalDecision> {
        if self.at_ms < expires_ms.saturating_sub(holds_ms) {
            return None;
        }
        let in_time = self.at_ms <= expires_ms && now_ms <= expires_ms;
        Some(if in_time { self.decision } else { ApprovalDecision::Expired })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_decision_answers_the_request_that_it_was_left_for_and_no_later_one() {
        let yes = ApprovalDecision::Approved { by: "alice".into() };
        for (at_ms, now_ms, expect) in [
            (999, 1_500, None),
            (1_000, 1_500, Some(yes.clone())),
            (2_000, 2_000, Some(yes.clone())),
            (1_500, 2_001, Some(ApprovalDecision::Expired)),
            (2_001, 1_500, Some(ApprovalDecision::Expired)),
        ] {
            let digest = Digest::of(b"plan");
            let stored = StoredDecision { run: "r".into(), digest, decision: yes.clone(), at_ms };
            assert_eq!(stored.answer(2_000, 1_000, now_ms), expect, "{at_ms} {now_ms}");
        }
    }

    #[test]
    fn a_pattern_holds_for_the_named_arguments_alone() {
        let request = ToolRequest {
            call: 1,
            tool: "shop__restart".into(),
            arguments: json!({"name": "api", "grace": 5}),
            effect: Effect::Write,
            stage: None,
        };
        let exact = CallPattern::exactly(&request);
        let wider =
            CallPattern { arguments: [("name".into(), json!("api"))].into(), exact: false, ..exact.clone() };
        for (tool, arguments, of_exact, of_wider) in [
            ("shop__restart", json!({"name": "api", "grace": 5}), true, true),
            ("shop__restart", json!({"name": "api", "grace": 6}), false, true),
            ("shop__restart", json!({"name": "web", "grace": 5}), false, false),
            ("shop__delete", json!({"name": "api", "grace": 5}), false, false),
            ("shop__restart", json!("api"), false, false),
            ("shop__restart", json!({"name": "api", "grace": 5, "force": true}), false, true),
        ] {
            assert_eq!(exact.fits(tool, &arguments), of_exact, "{arguments}");
            assert_eq!(wider.fits(tool, &arguments), of_wider, "{arguments}");
        }
    }

    #[test]
    fn whatever_a_person_is_asked_about_is_in_the_digest() {
        let request =
            StageRequest { stage: "s".into(), visit: 1, prompt: "?".into(), known: json!({"answer": "a"}) };
        let others = [
            StageRequest { stage: "t".into(), ..request.clone() },
            StageRequest { visit: 2, ..request.clone() },
            StageRequest { prompt: String::new(), ..request.clone() },
            StageRequest { known: json!({"answer": "b"}), ..request.clone() },
        ];
        for other in others {
            assert_ne!(request.digest("r"), other.digest("r"), "{other:?}");
        }
        assert_ne!(request.digest("r"), request.digest("s"));
        assert_eq!(request.digest("r"), request.clone().digest("r"));
    }

    #[test]
    fn another_argument_is_another_digest() {
        let request = ToolRequest {
            call: 1,
            tool: "t".into(),
            arguments: json!({"a": 1}),
            effect: Effect::Write,
            stage: None,
        };
        let other = ToolRequest { arguments: json!({"a": 2}), ..request.clone() };
        assert_ne!(request.digest("r"), other.digest("r"));
        assert_ne!(request.digest("r"), request.digest("s"));
    }
}
