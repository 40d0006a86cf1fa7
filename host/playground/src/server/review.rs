//! Questions that are answered and not kept: who am I, may I. There is one
//! user, and that one may do everything.

use http::Method;
use serde_json::{Value, json};

use super::{
    Call,
    answer::{Answer, Problem, json_answer},
    no_method,
    object::body,
    path::REVIEWS,
};

pub(crate) fn answer(group: &str, plural: &str, call: &Call) -> Result<Answer, Problem> {
    if call.method != Method::POST {
        return Err(no_method());
    }
    let kind = REVIEWS.iter().find(|(one, other, _)| *one == group && *other == plural);
    let kind = kind.map_or("", |(.., kind)| *kind);
    let asked = body(call, kind)?;
    let status = match kind {
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            "incomplete": false,
        }),
        "SelfSubjectReview" => {
            json!({ "userInfo": { "username": "admin", "groups": ["system:masters", "system:authenticated"] } })
        }
        _ => json!({ "allowed": true, "reason": "the playground has one user, who may do everything" }),
    };
    let mut answer = json!({
        "kind": kind,
        "apiVersion": format!("{group}/v1"),
        "metadata": { "creationTimestamp": null },
        "status": status,
    });
    if kind != "SelfSubjectReview" {
        answer["spec"] = asked.get("spec").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    }
    Ok(json_answer(201, &answer))
}
