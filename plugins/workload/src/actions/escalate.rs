//! `escalate`: what only a person can decide or supply.

use serde_json::Value;
use sickbay_plugin::remediation::{ActionPlan, Change, ChangeVerb, Effect, Error, Risk};

use crate::{
    action::{Action, Reversal},
    draft::Draft,
    parameters::Parameters,
    refusal::{self, invalid},
    schema,
    seen::Look,
};

const LONGEST: usize = 2_000;

pub(super) const ESCALATE: Action = Action {
    name: "escalate",
    description: "Hands the problem to a person, saying what they have to decide or supply",
    risk: Risk::Low,
    reversal: Reversal::Possible,
    effect: Effect::Read,
    reads: &[],
    changes: &[(ChangeVerb::Instruction, &[])],
    schema: || {
        schema::parameters(
            [("object", schema::anything()), ("need", schema::text(2_000))],
            &["need"],
            Value::Null,
        )
    },
    plan,
};

/// Reads nothing: what is asked of a person is asked whatever the cluster says.
fn plan(_: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let need: String =
        parameters.text("need")?.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
    if need.trim().is_empty() {
        return Err(invalid("`need` has to say what a person has to decide or supply"));
    }
    let text = match parameters.get("object") {
        None => need,
        Some(_) => format!("{}: {need}", refusal::name(&parameters.object()?)),
    };
    Ok(Draft::new("hand the problem to a person").change(Change::Instruction(text)).done())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sickbay_plugin::remediation::Change;

    use crate::fake::{FakeCluster, planned, refusal};

    #[test]
    fn a_person_is_told_what_is_needed() {
        let object =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"});
        let plan =
            planned(&FakeCluster::new(), "escalate", &json!({"object": object, "need": "The password."}));
        assert_eq!(plan.changes, [Change::Instruction("Deployment shop/api: The password.".to_owned())]);
        for wrong in [json!({}), json!({"need": " "}), json!({"need": "x", "object": {}})] {
            assert_eq!(refusal(&FakeCluster::new(), "escalate", &wrong).code, "invalid-parameters");
        }
    }
}
