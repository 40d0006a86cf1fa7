//! `patch-configmap`: the data of a ConfigMap, with a restart of the workloads
//! that read what changes.

use serde_json::{Map, Value, json};
use sickbay_plugin::remediation::{ActionPlan, ChangeVerb, Effect, Error, PatchType, Risk};

use super::rollout;
use crate::{
    action::{Action, Reversal},
    draft::Draft,
    json, kinds,
    parameters::Parameters,
    refusal::{self, invalid, no_change, refused},
    schema,
    seen::{Look, Seen},
    target, words,
};

/// A ConfigMap that more workloads read is no matter of one plan.
const MOST_USERS: usize = 20;
/// The API server takes no ConfigMap above 1 MiB.
const MOST_BYTES: usize = 1 << 20;

pub(super) const PATCH_CONFIGMAP: Action = Action {
    name: "patch-configmap",
    description: "Sets or removes keys of a ConfigMap and restarts the workloads that read them",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[],
    changes: &[(ChangeVerb::Patch, &[kinds::CONFIG_MAP]), (ChangeVerb::Restart, kinds::ROLLED)],
    schema: || {
        let value =
            json!({ "type": ["string", "null"], "maxLength": 524_288, "description": "null removes it" });
        schema::parameters(
            [
                ("object", schema::object_of(&[kinds::CONFIG_MAP])),
                ("data", schema::map(schema::FILE_KEY, 253, &value, 1, 50)),
            ],
            &["object", "data"],
            Value::Null,
        )
    },
    plan,
};

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let map = target::read(look, parameters, &[kinds::CONFIG_MAP])?;
    let name = refusal::name(&map.reference);
    if map.at("/immutable") == Some(&Value::Bool(true)) {
        return Err(refused(
            "immutable",
            format!("{name} is immutable: a new one with another name is needed"),
        ));
    }
    let change = change(&map, parameters.map("data")?)?;
    if change.is_empty() {
        return Err(no_change(format!("{name} holds this already")));
    }
    let users = users(look, &map, &change)?;
    if users.len() > MOST_USERS {
        return Err(refused(
            "out-of-bounds",
            format!("{} read {name}: too many to restart in one plan", words::count(users.len(), "workload")),
        ));
    }
    let (paused, restarted): (Vec<Seen>, Vec<Seen>) = users.into_iter().partition(rollout::is_paused);
    let keys: Vec<&str> = change.keys().map(String::as_str).collect();
    let mut summary = format!("change {} of {name}", words::list(&keys));
    if !restarted.is_empty() {
        summary.push_str(&format!(" and restart {}", names(&restarted)));
    }
    if !paused.is_empty() {
        summary.push_str(&format!(", not {}, paused", names(&paused)));
    }
    let body = json!({ "data": change });
    let mut draft = Draft::new(summary)
        .risk(Risk::Medium)
        .patch(&map.reference, PatchType::Merge, &body)
        .see(&map, "/metadata/name");
    for key in &keys {
        draft = draft.see(&map, &format!("/data/{}", json::step(key)));
    }
    if restarted.is_empty() {
        draft = draft.verify(map.reference.clone());
    }
    for user in &restarted {
        draft = rollout::restart_of(draft.see(user, "/metadata/name"), &user.reference);
    }
    Ok(draft.done())
}

fn names(users: &[Seen]) -> String {
    users.iter().map(|user| refusal::name(&user.reference)).collect::<Vec<_>>().join(", ")
}

/// The keys that differ from what the map holds.
fn change(map: &Seen, wanted: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
    let mut change = Map::new();
    let mut bytes = 0usize;
    for (key, value) in wanted {
        let now = map.at(&format!("/data/{}", json::step(key)));
        if map.at(&format!("/binaryData/{}", json::step(key))).is_some() {
            return Err(refused("wrong-kind", format!("`{}` holds bytes and no text", words::clean(key))));
        }
        match value {
            Value::Null if now.is_none() => continue,
            Value::String(_) if now == Some(value) => continue,
            Value::Null => {}
            Value::String(text) => bytes = bytes.saturating_add(text.len()),
            _ => return Err(invalid(format!("`data.{}` has to be a string or null", words::clean(key)))),
        }
        change.insert(key.clone(), value.clone());
    }
    let kept: usize = json::entries(&map.value, "/data")
        .filter(|(key, _)| !change.contains_key(*key))
        .filter_map(|(_, value)| value.as_str())
        .map(str::len)
        .sum();
    if bytes.saturating_add(kept) > MOST_BYTES {
        return Err(refused("out-of-bounds", "a ConfigMap may hold 1 MiB at most"));
    }
    Ok(change)
}

/// The workloads of the namespace whose pods read one of the keys.
fn users(look: &Look<'_>, map: &Seen, change: &Map<String, Value>) -> Result<Vec<Seen>, Error> {
    let fields = [
        "/spec/paused",
        "/spec/template/spec/volumes",
        "/spec/template/spec/containers",
        "/spec/template/spec/initContainers",
    ];
    let mut users = Vec::new();
    for kind in kinds::ROLLED {
        let listed = look.list(kind, map.reference.namespace.as_deref(), None, &fields)?;
        users.extend(listed.objects.into_iter().filter(|workload| {
            workload.at("/spec/template/spec").is_some_and(|spec| reads(spec, &map.reference.name, change))
        }));
    }
    users.sort_by(|one, other| {
        (&one.reference.kind, &one.reference.name).cmp(&(&other.reference.kind, &other.reference.name))
    });
    Ok(users)
}

/// Whether a pod of that spec reads one of the keys of that map: by a variable,
/// by all variables, by a volume or a part of a projected one.
fn reads(spec: &Value, map: &str, change: &Map<String, Value>) -> bool {
    let variables = ["/containers", "/initContainers"]
        .into_iter()
        .flat_map(|list| json::list(spec, list))
        .any(|container| {
            let all = json::list(container, "/envFrom")
                .iter()
                .any(|source| json::text(source, "/configMapRef/name") == Some(map));
            all || json::list(container, "/env").iter().any(|entry| {
                json::text(entry, "/valueFrom/configMapKeyRef/name") == Some(map)
                    && json::text(entry, "/valueFrom/configMapKeyRef/key")
                        .is_some_and(|key| change.contains_key(key))
            })
        });
    let mounts = |source: &Value| {
        let items = json::list(source, "/items");
        json::text(source, "/name") == Some(map)
            && (items.is_empty()
                || items
                    .iter()
                    .any(|item| json::text(item, "/key").is_some_and(|key| change.contains_key(key))))
    };
    let volumes = json::list(spec, "/volumes").iter().any(|volume| {
        volume.get("configMap").is_some_and(mounts)
            || json::list(volume, "/projected/sources")
                .iter()
                .any(|source| source.get("configMap").is_some_and(mounts))
    });
    variables || volumes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sickbay_plugin::remediation::Change;

    use crate::fake::{FakeCluster, deployment, planned, refusal};

    fn user(name: &str, pointer: &str, value: Value) -> Value {
        let mut workload = deployment("shop", name);
        let spec = workload.pointer_mut("/spec/template/spec").unwrap();
        match pointer {
            "volumes" => spec["volumes"] = value,
            "paused" => workload["spec"]["paused"] = json!(true),
            part => spec["containers"][0][part] = value,
        }
        workload
    }

    fn cluster() -> FakeCluster {
        let key = |key: &str| json!([{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": key}}}]);
        let mut paused = user("paused", "envFrom", json!([{"configMapRef": {"name": "conf"}}]));
        paused["spec"]["paused"] = json!(true);
        FakeCluster::new()
            .with(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf", "namespace": "shop"},
                         "data": {"url": "http://db", "old": "x"}, "binaryData": {"blob": "AA=="}}))
            .with(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fixed", "namespace": "shop"}, "immutable": true}))
            .with(user("by-key", "env", key("url")))
            .with(user("by-other-key", "env", key("old")))
            .with(user("by-all", "envFrom", json!([{"configMapRef": {"name": "conf"}}])))
            .with(user("by-other-map", "envFrom", json!([{"configMapRef": {"name": "else"}}])))
            .with(user("by-volume", "volumes", json!([{"name": "v", "configMap": {"name": "conf"}}])))
            .with(user("by-item", "volumes", json!([{"name": "v", "configMap": {"name": "conf", "items": [{"key": "url", "path": "u"}]}}])))
            .with(user("by-other-item", "volumes", json!([{"name": "v", "configMap": {"name": "conf", "items": [{"key": "old", "path": "u"}]}}])))
            .with(user("by-projection", "volumes", json!([{"name": "v", "projected": {"sources": [{"configMap": {"name": "conf"}}]}}])))
            .with(paused)
    }

    fn asked(name: &str, data: Value) -> Value {
        json!({"object": {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "shop", "name": name}, "data": data})
    }

    #[test]
    fn those_that_read_the_key_are_restarted_and_nobody_else() {
        let plan = planned(
            &cluster(),
            "patch-configmap",
            &asked("conf", json!({"url": "http://database", "gone": null})),
        );
        let restarted: Vec<&str> = plan
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Restart(object) => Some(object.name.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(restarted, ["by-all", "by-item", "by-key", "by-projection", "by-volume"]);
        let [Change::Patch(patch), ..] = plan.changes.as_slice() else { panic!("{plan:?}") };
        assert_eq!(patch.body, json!({"data": {"url": "http://database"}}).to_string());
        assert_eq!(plan.verify_objects.len(), 5);
        assert!(plan.summary.ends_with("not Deployment shop/paused, paused"), "{}", plan.summary);
    }

    #[test]
    fn a_map_that_can_not_be_changed_is_left() {
        for (map, data, code) in [
            ("fixed", json!({"a": "b"}), "immutable"),
            ("conf", json!({"old": "x"}), "no-change"),
            ("conf", json!({"blob": "x"}), "wrong-kind"),
            ("conf", json!({"a": 1}), "invalid-parameters"),
            ("conf", json!({"a": "x".repeat(1 << 20)}), "out-of-bounds"),
            ("none", json!({"a": "x"}), "not-found"),
        ] {
            assert_eq!(refusal(&cluster(), "patch-configmap", &asked(map, data)).code, code);
        }
    }
}
