//! `remove-taint`, `cordon` and `uncordon`: which pods a node takes.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{ActionPlan, ChangeVerb, Effect, Error, ObjectRef, PatchType, Risk};

use crate::{
    action::{Action, Reversal},
    draft::Draft,
    json, kinds,
    parameters::Parameters,
    refusal::{self, no_change, refused},
    schema,
    seen::{Look, Seen},
    target, words,
};

const NODES: &[&str] = &[kinds::NODE];
/// So many workloads that wait tell enough.
const MOST_WAITING: usize = 5;
/// Taints that the node controller sets by conditions and would set again.
const OF_CONTROLLERS: &str = "node.kubernetes.io/";

pub(super) const REMOVE_TAINT: Action = Action {
    name: "remove-taint",
    description: "Removes one taint of a node, so that pods without a toleration may run there",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: kinds::OWNERS,
    changes: &[(ChangeVerb::Patch, NODES)],
    schema: || {
        schema::parameters(
            [
                ("object", schema::object_of(NODES)),
                ("key", schema::pattern(schema::QUALIFIED, 317)),
                ("effect", json!({ "enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"] })),
                ("value", schema::pattern(schema::LABEL_VALUE, 63)),
            ],
            &["object", "key", "effect"],
            Value::Null,
        )
    },
    plan: remove_taint,
};

pub(super) const CORDON: Action = Action {
    name: "cordon",
    description: "Lets no new pods onto a node; those on it stay",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[],
    changes: &[(ChangeVerb::Patch, NODES)],
    schema: || schema::parameters([("object", schema::object_of(NODES))], &["object"], Value::Null),
    plan: |look, parameters| schedulable(look, parameters, Wanted::Cordoned),
};

pub(super) const UNCORDON: Action = Action {
    name: "uncordon",
    description: "Lets pods onto a cordoned node again",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: kinds::OWNERS,
    changes: &[(ChangeVerb::Patch, NODES)],
    schema: || schema::parameters([("object", schema::object_of(NODES))], &["object"], Value::Null),
    plan: |look, parameters| schedulable(look, parameters, Wanted::Open),
};

#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Cordoned,
    Open,
}

fn remove_taint(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let node = target::read(look, parameters, NODES)?;
    let name = refusal::name(&node.reference);
    let (key, effect) = (parameters.text("key")?, parameters.text("effect")?);
    let value = parameters.get("value").and_then(Value::as_str);
    let shown = format!("`{}:{}`", words::clean(key), words::clean(effect));
    let mut found = node.list("/spec/taints").iter().enumerate().filter(|(_, taint)| {
        json::text(taint, "/key") == Some(key)
            && json::text(taint, "/effect") == Some(effect)
            && value.is_none_or(|value| json::text(taint, "/value").unwrap_or("") == value)
    });
    let Some((index, taint)) = found.next() else {
        return Err(no_change(format!("{name} has no taint {shown}")));
    };
    if key.starts_with(OF_CONTROLLERS) {
        let hint = if key.ends_with("/unschedulable") {
            "it is cordoned: `uncordon` it"
        } else {
            "the node has to become well"
        };
        return Err(refused(
            "controller-taint",
            format!("the taint {shown} of {name} would be set again by its controller: {hint}"),
        ));
    }
    let place = format!("/spec/taints/{index}");
    let risk = if key.starts_with("node-role.kubernetes.io/") { Risk::High } else { Risk::Medium };
    let body = json!([
        { "op": "test", "path": place, "value": taint },
        { "op": "remove", "path": place },
    ]);
    let draft = Draft::new(format!("remove the taint {shown} from {name}"))
        .risk(risk)
        .patch(&node.reference, PatchType::Json, &body)
        .see(&node, &place)
        .verify(node.reference.clone());
    Ok(waiting(look, &node, draft, "taint").done())
}

fn schedulable(look: &Look<'_>, parameters: &Parameters<'_>, wanted: Wanted) -> Result<ActionPlan, Error> {
    let node = target::read(look, parameters, NODES)?;
    let name = refusal::name(&node.reference);
    let is_cordoned = node.at("/spec/unschedulable") == Some(&Value::Bool(true));
    if is_cordoned == (wanted == Wanted::Cordoned) {
        let how = if is_cordoned { "cordoned" } else { "open to pods" };
        return Err(no_change(format!("{name} is {how} already")));
    }
    let (value, summary) = match wanted {
        Wanted::Cordoned => (Value::Bool(true), format!("let no new pods onto {name}")),
        Wanted::Open => (Value::Null, format!("let pods onto {name} again")),
    };
    let draft = Draft::new(summary)
        .risk(Risk::Medium)
        .patch(&node.reference, PatchType::Merge, &json!({ "spec": { "unschedulable": value } }))
        .see(&node, "/metadata/name")
        .see(&node, "/spec/unschedulable")
        .verify(node.reference.clone());
    Ok(match wanted {
        Wanted::Cordoned => draft,
        Wanted::Open => waiting(look, &node, draft, "unschedulable"),
    }
    .done())
}

/// The workloads whose pods wait for a node for that reason and whose node
/// selector fits this one: they tell whether it helped. Where pods can not be
/// read, the node alone does.
fn waiting(look: &Look<'_>, node: &Seen, mut draft: Draft, why: &str) -> Draft {
    let fields = [
        "/spec/nodeName",
        "/spec/nodeSelector",
        "/status/phase",
        "/status/conditions",
        "/metadata/ownerReferences",
    ];
    let Ok(listed) = look.list(kinds::POD, None, None, &fields) else { return draft };
    let mut owners: Vec<ObjectRef> = Vec::new();
    for pod in listed.objects.iter().filter(|pod| waits(pod, node, why)) {
        if owners.len() >= MOST_WAITING {
            break;
        }
        let owner = look.observed_owner(pod).unwrap_or_else(|| pod.reference.clone());
        if !owners.contains(&owner) {
            draft = draft.see(pod, "/metadata/name").verify(owner.clone());
            owners.push(owner);
        }
    }
    draft
}

fn waits(pod: &Seen, node: &Seen, why: &str) -> bool {
    let is_unscheduled = pod.list("/status/conditions").iter().any(|condition| {
        json::text(condition, "/type") == Some("PodScheduled")
            && json::text(condition, "/status") == Some("False")
            && json::text(condition, "/message").is_some_and(|message| message.contains(why))
    });
    let selector = pod
        .at("/spec/nodeSelector")
        .filter(|selector| selector.as_object().is_some_and(|map| !map.is_empty()));
    pod.text("/spec/nodeName").is_none_or(str::is_empty)
        && is_unscheduled
        && selector.is_none_or(|selector| json::matches(Some(selector), node.at("/metadata/labels")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sickbay_plugin::remediation::Risk;

    use crate::fake::{FakeCluster, body, planned, refusal};

    fn cluster() -> FakeCluster {
        let pod = |name: &str, selector: Value| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "spec": {"nodeSelector": selector},
                   "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes: 1 node(s) had untolerated taint {maintenance: true}"}]}})
        };
        FakeCluster::new()
            .with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"zone": "a"}}, "spec": {"taints": [
                {"key": "maintenance", "value": "true", "effect": "NoSchedule"}, {"key": "maintenance", "value": "true", "effect": "NoExecute"},
                {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}, {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
            ], "unschedulable": true}}))
            .with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}, "spec": {}}))
            .with(pod("here", json!({"zone": "a"})))
            .with(pod("elsewhere", json!({"zone": "b"})))
    }

    fn asked(node: &str, more: Value) -> Value {
        let mut all = json!({"object": {"apiVersion": "v1", "kind": "Node", "name": node}});
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        all
    }

    #[test]
    fn one_taint_goes_by_its_place_and_only_as_it_was_seen() {
        let parameters = asked("n1", json!({"key": "maintenance", "effect": "NoExecute", "value": "true"}));
        assert_eq!(
            body(&cluster(), "remove-taint", &parameters),
            json!([
                {"op": "test", "path": "/spec/taints/1", "value": {"key": "maintenance", "value": "true", "effect": "NoExecute"}},
                {"op": "remove", "path": "/spec/taints/1"},
            ])
        );
        let names: Vec<String> = planned(&cluster(), "remove-taint", &parameters)
            .verify_objects
            .into_iter()
            .map(|object| object.name)
            .collect();
        assert_eq!(names, ["n1", "here"]);
        let role =
            asked("n1", json!({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}));
        assert_eq!(planned(&cluster(), "remove-taint", &role).risk, Risk::High);
        for (key, effect, value, code) in [
            ("maintenance", "NoSchedule", json!("other"), "no-change"),
            ("gone", "NoSchedule", json!("true"), "no-change"),
            ("node.kubernetes.io/unschedulable", "NoSchedule", json!(""), "controller-taint"),
        ] {
            let parameters = asked("n1", json!({"key": key, "effect": effect, "value": value}));
            assert_eq!(refusal(&cluster(), "remove-taint", &parameters).code, code);
        }
    }

    #[test]
    fn nodes_are_closed_and_opened() {
        assert_eq!(
            body(&cluster(), "uncordon", &asked("n1", json!({}))),
            json!({"spec": {"unschedulable": null}})
        );
        assert_eq!(
            body(&cluster(), "cordon", &asked("n2", json!({}))),
            json!({"spec": {"unschedulable": true}})
        );
        assert_eq!(refusal(&cluster(), "cordon", &asked("n1", json!({}))).code, "no-change");
        assert_eq!(refusal(&cluster(), "uncordon", &asked("n2", json!({}))).code, "no-change");
        let mut spaced = asked("n2", json!({}));
        spaced["object"]["namespace"] = json!("shop");
        assert_eq!(refusal(&cluster(), "cordon", &spaced).code, "invalid-parameters");
    }
}
