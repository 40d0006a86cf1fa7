//! `relax-budget`: a PodDisruptionBudget that lets pods go again.

use serde_json::{Map, Value, json};
use sickbay_plugin::remediation::{ActionPlan, ChangeVerb, Effect, Error, PatchType, Risk};

use crate::{
    action::{Action, Reversal},
    draft::Draft,
    kinds,
    parameters::Parameters,
    refusal::{self, invalid, no_change, refused},
    schema,
    seen::{Look, Seen},
    target, words,
};

const BUDGETS: &[&str] = &[kinds::BUDGET, kinds::BUDGET_BETA];
const FIELDS: [&str; 2] = ["minAvailable", "maxUnavailable"];

pub(super) const RELAX_BUDGET: Action = Action {
    name: "relax-budget",
    description: "Lets more pods of a PodDisruptionBudget go at a time: half of them at most",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[],
    changes: &[(ChangeVerb::Patch, BUDGETS)],
    schema: parameters,
    plan,
};

fn parameters() -> Value {
    let amount =
        json!({ "anyOf": [schema::integer(0, 10_000), schema::pattern("^([0-9]|[1-9][0-9]|100)%$", 4)] });
    schema::parameters(
        [
            ("object", schema::object_of(BUDGETS)),
            ("minAvailable", amount.clone()),
            ("maxUnavailable", amount),
        ],
        &["object"],
        json!({ "oneOf": [{ "required": ["minAvailable"] }, { "required": ["maxUnavailable"] }] }),
    )
}

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let budget = target::read(look, parameters, BUDGETS)?;
    let name = refusal::name(&budget.reference);
    let given: Vec<(&str, &Value)> =
        FIELDS.iter().filter_map(|field| Some((*field, parameters.get(field)?))).collect();
    let [(field, wanted)] = given.as_slice() else {
        return Err(invalid("either `minAvailable` or `maxUnavailable` has to be given"));
    };
    if share(wanted, 100).is_none() {
        return Err(invalid(format!("`{field}` has to be a number or a percentage")));
    }
    let now = FIELDS.iter().find_map(|field| Some((*field, budget.at(&format!("/spec/{field}"))?)));
    if now == Some((*field, *wanted)) {
        return Err(no_change(format!("{name} says so already")));
    }
    check_bounds(&budget, now, (field, wanted))?;
    let mut change = Map::new();
    change.insert((*field).to_owned(), (*wanted).clone());
    if let Some((other, _)) = now.filter(|(other, _)| other != field) {
        change.insert(other.to_owned(), Value::Null);
    }
    let shown = words::clean(wanted.as_str().unwrap_or(&wanted.to_string()));
    let before = now.map_or_else(
        || "nothing".to_owned(),
        |(field, value)| format!("{field} {}", words::clean(value.as_str().unwrap_or(&value.to_string()))),
    );
    Ok(Draft::new(format!("relax {name} from {before} to {field} {shown}"))
        .risk(Risk::Medium)
        .patch(&budget.reference, PatchType::Merge, &json!({ "spec": change }))
        .see(&budget, "/spec/minAvailable")
        .see(&budget, "/spec/maxUnavailable")
        .see(&budget, "/status/disruptionsAllowed")
        .verify(budget.reference.clone())
        .done())
}

/// It has to be looser than now, and to keep half of the pods.
fn check_bounds(budget: &Seen, now: Option<(&str, &Value)>, wanted: (&str, &Value)) -> Result<(), Error> {
    let name = refusal::name(&budget.reference);
    // Where the number of pods is not known, ten stand for any number.
    let expected = budget.integer("/status/expectedPods").filter(|pods| *pods > 0);
    let pods = expected.unwrap_or(10);
    let after = may_go(wanted, pods);
    let before = now.and_then(|now| may_go(now, pods));
    let (Some(after), before) = (after, before.unwrap_or(0)) else {
        return Err(invalid("the budget has to be a number or a percentage"));
    };
    let is_known =
        expected.is_some() || (wanted.1.is_string() && now.is_none_or(|(_, value)| value.is_string()));
    if is_known && after <= before {
        return Err(refused(
            "not-looser",
            format!(
                "{name} lets {} go at a time now, and would let {after} go",
                words::count(usize::try_from(before).unwrap_or(0), "pod")
            ),
        ));
    }
    let most = ((pods + 1) / 2).max(1);
    let is_bounded = expected.is_some() || wanted.1.is_string() || wanted.0 == "maxUnavailable";
    if is_bounded && after > most {
        return Err(refused(
            "out-of-bounds",
            format!("{name} would let {after} of {pods} pods go at a time: {most} at most"),
        ));
    }
    Ok(())
}

/// How many of so many pods may go at a time, as the disruption controller counts.
fn may_go((field, value): (&str, &Value), pods: i64) -> Option<i64> {
    let share = share(value, pods)?;
    Some(if field == "minAvailable" { (pods - share).max(0) } else { share.min(pods) })
}

/// A number, or a percentage of the pods rounded up.
fn share(value: &Value, pods: i64) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().filter(|number| (0..=i64::from(i32::MAX)).contains(number)),
        Value::String(text) => {
            let percent: i64 =
                text.strip_suffix('%')?.parse().ok().filter(|percent| (0..=100).contains(percent))?;
            Some((percent.saturating_mul(pods).saturating_add(99)) / 100)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::fake::{FakeCluster, body, refusal};

    fn cluster(field: &str, value: Value, pods: i64) -> FakeCluster {
        FakeCluster::new().with(json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "api", "namespace": "shop"},
            "spec": {field: value}, "status": {"expectedPods": pods, "disruptionsAllowed": 0},
        }))
    }

    fn asked(field: &str, value: Value) -> Value {
        json!({"object": {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "namespace": "shop", "name": "api"}, field: value})
    }

    #[test]
    fn a_budget_becomes_looser_and_keeps_half() {
        for (field, now, pods, wanted_field, wanted, expect) in [
            ("minAvailable", json!(2), 2, "minAvailable", json!(1), Ok(json!({"minAvailable": 1}))),
            (
                "minAvailable",
                json!("100%"),
                4,
                "maxUnavailable",
                json!(1),
                Ok(json!({"maxUnavailable": 1, "minAvailable": null})),
            ),
            ("minAvailable", json!(1), 1, "minAvailable", json!(0), Ok(json!({"minAvailable": 0}))),
            ("minAvailable", json!(4), 4, "minAvailable", json!(0), Err("out-of-bounds")),
            ("minAvailable", json!(4), 4, "maxUnavailable", json!("75%"), Err("out-of-bounds")),
            ("maxUnavailable", json!(1), 4, "maxUnavailable", json!(0), Err("not-looser")),
            ("minAvailable", json!(3), 4, "maxUnavailable", json!(1), Err("not-looser")),
            ("minAvailable", json!(3), 4, "minAvailable", json!(3), Err("no-change")),
            ("minAvailable", json!(3), 4, "minAvailable", json!("x%"), Err("invalid-parameters")),
            (
                "minAvailable",
                json!(2),
                0,
                "maxUnavailable",
                json!(1),
                Ok(json!({"maxUnavailable": 1, "minAvailable": null})),
            ),
            ("minAvailable", json!(2), 0, "maxUnavailable", json!("80%"), Err("out-of-bounds")),
        ] {
            let cluster = cluster(field, now, pods);
            let parameters = asked(wanted_field, wanted);
            match expect {
                Ok(expect) => {
                    assert_eq!(body(&cluster, "relax-budget", &parameters), json!({ "spec": expect }))
                }
                Err(code) => {
                    assert_eq!(refusal(&cluster, "relax-budget", &parameters).code, code, "{parameters}")
                }
            }
        }
        let mut both = asked("minAvailable", json!(1));
        both["maxUnavailable"] = json!(1);
        assert_eq!(
            refusal(&cluster("minAvailable", json!(2), 2), "relax-budget", &both).code,
            "invalid-parameters"
        );
    }
}
