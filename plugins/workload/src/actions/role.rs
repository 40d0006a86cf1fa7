//! `patch-role`: the rules of a Role, never wider than a person would look over.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{ActionPlan, ChangeVerb, Effect, Error, PatchType, Risk};

use crate::{
    action::{Action, Reversal},
    draft::Draft,
    json, kinds,
    parameters::Parameters,
    refusal::{self, invalid, no_change, refused},
    schema,
    seen::Look,
    target, words,
};

const ROLES: &[&str] = &[kinds::ROLE, kinds::CLUSTER_ROLE];
/// Verbs and resources that give more than they name.
const VERBS: [&str; 4] = ["*", "escalate", "bind", "impersonate"];
const RESOURCES: [&str; 9] = [
    "*",
    "secrets",
    "serviceaccounts/token",
    "pods/exec",
    "pods/attach",
    "nodes/proxy",
    "roles",
    "clusterroles",
    "certificatesigningrequests/approval",
];

pub(super) const PATCH_ROLE: Action = Action {
    name: "patch-role",
    description: "Sets the whole list of rules of a Role or ClusterRole; adds no wildcards, secrets or powers over access",
    risk: Risk::High,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[],
    changes: &[(ChangeVerb::Patch, ROLES)],
    schema: parameters,
    plan,
};

fn parameters() -> Value {
    let names = |least: u32| json!({ "type": "array", "minItems": least, "maxItems": 100, "items": { "type": "string", "maxLength": 253, "pattern": "^[^\\s]*$" } });
    let rule = json!({
        "type": "object", "additionalProperties": false, "required": ["verbs"],
        "properties": {
            "apiGroups": names(0), "resources": names(0), "verbs": names(1),
            "resourceNames": names(0), "nonResourceURLs": names(0),
        },
    });
    schema::parameters(
        [
            ("object", schema::object_of(ROLES)),
            ("rules", json!({ "type": "array", "minItems": 1, "maxItems": 100, "items": rule })),
        ],
        &["object", "rules"],
        Value::Null,
    )
}

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let role = target::read(look, parameters, ROLES)?;
    let name = refusal::name(&role.reference);
    let rules =
        parameters.get("rules").and_then(Value::as_array).filter(|rules| rules.iter().all(Value::is_object));
    let Some(rules) = rules else { return Err(invalid("`rules` has to be a list of rules")) };
    let now = role.list("/rules");
    if rules.as_slice() == now {
        return Err(no_change(format!("{name} has these rules already")));
    }
    if role.at("/aggregationRule").is_some() {
        return Err(refused(
            "wrong-kind",
            format!("the rules of {name} are collected from other ClusterRoles"),
        ));
    }
    let (mut added, mut kept) = (0usize, 0usize);
    for rule in rules {
        if now.contains(rule) {
            kept += 1;
            continue;
        }
        added += 1;
        if let Some(what) = too_wide(rule) {
            return Err(refused(
                "too-wide",
                format!("a rule with `{}` is for a person to grant, not for a plan", words::clean(what)),
            ));
        }
    }
    let dropped = now.len().saturating_sub(kept);
    Ok(Draft::new(format!(
        "set the rules of {name}: {} added, {} taken away",
        words::count(added, "rule"),
        words::count(dropped, "rule")
    ))
    .risk(Risk::High)
    .patch(&role.reference, PatchType::Merge, &json!({ "rules": rules }))
    .see(&role, "/metadata/name")
    .see(&role, "/rules")
    .verify(role.reference.clone())
    .done())
}

/// What makes a new rule one that only a person may grant.
fn too_wide(rule: &Value) -> Option<&str> {
    let among = |pointer: &str, list: &[&str]| {
        json::list(rule, pointer).iter().filter_map(Value::as_str).find(|word| list.contains(word))
    };
    among("/verbs", &VERBS)
        .or_else(|| among("/resources", &RESOURCES))
        .or_else(|| among("/apiGroups", &["*"]))
        .or_else(|| {
            json::list(rule, "/nonResourceURLs")
                .iter()
                .filter_map(Value::as_str)
                .find(|url| url.contains('*'))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::fake::{FakeCluster, body, refusal};

    #[test]
    fn rules_are_set_and_never_widened_beyond_reason() {
        let wide = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]});
        let pods = |verbs: &[&str]| json!({"apiGroups": [""], "resources": ["pods"], "verbs": verbs});
        let cluster = FakeCluster::new()
            .with(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r", "namespace": "shop"}, "rules": [wide]}))
            .with(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "aggregationRule": {}, "rules": []}));
        let asked = |rules: Value| json!({"object": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "namespace": "shop", "name": "r"}, "rules": rules});
        // A wide rule that stands there already may stay.
        assert_eq!(
            body(&cluster, "patch-role", &asked(json!([wide, pods(&["list"])]))),
            json!({"rules": [wide, pods(&["list"])]})
        );
        for (rules, code) in [
            (json!([wide]), "no-change"),
            (json!([pods(&["*"])]), "too-wide"),
            (json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]), "too-wide"),
            (
                json!([{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["x"], "verbs": ["bind"]}]),
                "too-wide",
            ),
            (json!([{"nonResourceURLs": ["/*"], "verbs": ["get"]}]), "too-wide"),
            (json!(["x"]), "invalid-parameters"),
        ] {
            assert_eq!(refusal(&cluster, "patch-role", &asked(rules)).code, code);
        }
        let collected = json!({"object": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "r"}, "rules": [pods(&["get"])]});
        assert_eq!(refusal(&cluster, "patch-role", &collected).code, "wrong-kind");
    }
}
