//! What a change would touch: whose object it is, which pods it reaches, and
//! which budgets guard those. Reads alone.

use std::collections::BTreeSet;

use serde_json::Value;
use sickbay_core::{change::Survey, error::CallError, object::ObjectRef, remediation::Change};

use super::{
    content::{annotation, text, uid},
    reader::{Wanted, equalities, find, list, selector},
};
use crate::{
    live::{LiveCluster, words::plain},
    selector::LabelSelector,
};

pub(super) async fn survey(cluster: &LiveCluster, change: &Change) -> Result<Survey, CallError> {
    let Some(object) = change.object() else { return Ok(Survey::default()) };
    let live = find(cluster, &object).await?;
    let described = match (&live, change) {
        (Some(live), _) => live.clone(),
        (None, Change::Create { manifest }) => manifest.clone(),
        (None, _) => return Ok(Survey { object: Some(object), ..Survey::default() }),
    };
    let pods = pods_of(cluster, &object, &described).await?;
    let mut budgets = budgets_of(cluster, &object, &pods).await?;
    if object.group() == "policy" && object.kind == "PodDisruptionBudget" {
        budgets.insert(object.name.clone());
    }
    let owner = owner_of(&described, object.namespace.as_deref());
    let is_stateful = |kind: Option<&str>| kind == Some("StatefulSet");
    let stateful = is_stateful(Some(&object.kind))
        || is_stateful(owner.as_ref().map(|owner| owner.kind.as_str()))
        || pods.iter().any(|pod| is_stateful(controller(pod).and_then(|owner| owner["kind"].as_str())));
    Ok(Survey {
        labels: texts(&described, "/metadata/labels"),
        pods: touched(change, live.as_ref(), &described, pods.len()),
        budgets: budgets.into_iter().collect(),
        stateful,
        finalizers: described
            .pointer("/metadata/finalizers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(plain))
            .collect(),
        owner,
        managed_by: managed_by(&described),
        object: Some(object),
    })
}

fn texts(object: &Value, pointer: &str) -> std::collections::BTreeMap<String, String> {
    let map = object.pointer(pointer).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), crate::redact::message(value.as_str()?))))
        .collect()
}

/// How many of the pods would notice.
fn touched(change: &Change, live: Option<&Value>, described: &Value, pods: usize) -> u32 {
    let pods = u32::try_from(pods).unwrap_or(u32::MAX);
    let declared = |pointer: &str| described.pointer(pointer).and_then(Value::as_u64);
    let bounded = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    match change {
        // Pods start or stop, the others stay.
        Change::Scale { replicas, .. } => {
            bounded(declared("/spec/replicas").unwrap_or(1)).abs_diff(*replicas)
        }
        Change::Create { manifest } if live.is_none() => match manifest["kind"].as_str() {
            Some("Pod") => 1,
            Some("Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController") => {
                bounded(declared("/spec/replicas").unwrap_or(1))
            }
            Some("Job") => bounded(declared("/spec/parallelism").unwrap_or(1)),
            _ => pods,
        },
        _ => pods,
    }
}

/// The pods that the object has to do with.
async fn pods_of(cluster: &LiveCluster, object: &ObjectRef, live: &Value) -> Result<Vec<Value>, CallError> {
    let namespace = object.namespace.as_deref();
    let with = async |labels: Option<String>| match labels {
        Some(labels) if !labels.is_empty() => {
            list(cluster, "v1/Pod", Wanted { namespace, labels: Some(&labels), fields: None }).await
        }
        _ => Ok(Vec::new()),
    };
    let all = async || list(cluster, "v1/Pod", Wanted { namespace, ..Wanted::default() }).await;
    let part = |pointer: &str| live.pointer(pointer).cloned().unwrap_or_default();
    match (object.group(), object.kind.as_str()) {
        ("", "Pod") => Ok(vec![live.clone()]),
        ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job") => with(selector(&part("/spec/selector"))).await,
        ("", "ReplicationController" | "Service") => with(equalities(&part("/spec/selector"))).await,
        ("policy", "PodDisruptionBudget") => {
            let wanted = selector(&part("/spec/selector"));
            // In the old version an empty selector selects nothing.
            match wanted.as_deref() {
                Some("") if object.api_version == "policy/v1" => all().await,
                _ => with(wanted).await,
            }
        }
        ("networking.k8s.io", "NetworkPolicy") => match selector(&part("/spec/podSelector")).as_deref() {
            Some("") => all().await,
            wanted => with(wanted.map(str::to_owned)).await,
        },
        ("batch", "CronJob") => {
            let jobs = list(cluster, "batch/v1/Job", Wanted { namespace, ..Wanted::default() }).await?;
            let ours: BTreeSet<&str> =
                jobs.iter().filter(|job| owner_uid(job) == uid(live)).filter_map(uid).collect();
            let mut pods = all().await?;
            pods.retain(|pod| owner_uid(pod).is_some_and(|owner| ours.contains(owner)));
            Ok(pods)
        }
        ("autoscaling", "HorizontalPodAutoscaler") => {
            let target = part("/spec/scaleTargetRef");
            let target = ObjectRef {
                api_version: text(&target, "/apiVersion").unwrap_or("apps/v1").to_owned(),
                kind: text(&target, "/kind").unwrap_or_default().to_owned(),
                namespace: object.namespace.clone(),
                name: text(&target, "/name").unwrap_or_default().to_owned(),
            };
            if object.same_object(&target) || target.kind == "HorizontalPodAutoscaler" {
                return Ok(Vec::new());
            }
            match find(cluster, &target).await {
                Ok(Some(live)) => Box::pin(pods_of(cluster, &target, &live)).await,
                Ok(None) => Ok(Vec::new()),
                // A target of a kind that is not served has no pods.
                Err(error) if error.code == "kind-not-served" || error.code == "bad-name" => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        }
        ("", "ConfigMap" | "Secret" | "PersistentVolumeClaim" | "ServiceAccount") => {
            let mut pods = all().await?;
            pods.retain(|pod| uses(pod, &object.kind, &object.name));
            Ok(pods)
        }
        ("", "Node") => {
            let fields = format!("spec.nodeName={}", object.name);
            list(cluster, "v1/Pod", Wanted { fields: Some(&fields), ..Wanted::default() }).await
        }
        ("", "Namespace") => {
            let wanted = Wanted { namespace: Some(&object.name), ..Wanted::default() };
            list(cluster, "v1/Pod", wanted).await
        }
        _ => Ok(Vec::new()),
    }
}

/// Whether a pod takes its environment, a volume or its identity from the object.
fn uses(pod: &Value, kind: &str, name: &str) -> bool {
    let Some(spec) = pod.get("spec") else { return false };
    let items = |value: &'_ Value, key: &str| -> Vec<Value> {
        value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let is = |value: &Value, pointer: &str| text(value, pointer) == Some(name);
    match kind {
        "PersistentVolumeClaim" => {
            return items(spec, "volumes")
                .iter()
                .any(|volume| is(volume, "/persistentVolumeClaim/claimName"));
        }
        "ServiceAccount" => return is(spec, "/serviceAccountName"),
        _ => {}
    }
    let (volume, inside, variable, all) = if kind == "ConfigMap" {
        ("/configMap/name", "/configMap/name", "/valueFrom/configMapKeyRef/name", "/configMapRef/name")
    } else {
        ("/secret/secretName", "/secret/name", "/valueFrom/secretKeyRef/name", "/secretRef/name")
    };
    let by_volume = items(spec, "volumes").iter().any(|found| {
        is(found, volume)
            || found
                .get("projected")
                .is_some_and(|projected| items(projected, "sources").iter().any(|source| is(source, inside)))
    });
    by_volume
        || ["containers", "initContainers", "ephemeralContainers"]
            .iter()
            .flat_map(|key| items(spec, key))
            .any(|container| {
                items(&container, "env").iter().any(|found| is(found, variable))
                    || items(&container, "envFrom").iter().any(|found| is(found, all))
            })
}

/// The budgets that select some of the pods.
async fn budgets_of(
    cluster: &LiveCluster,
    object: &ObjectRef,
    pods: &[Value],
) -> Result<BTreeSet<String>, CallError> {
    if pods.is_empty() {
        return Ok(BTreeSet::new());
    }
    // Pods of a node are in many namespaces.
    let namespace = object.namespace.as_deref();
    let found = list(cluster, "policy/v1/PodDisruptionBudget", Wanted { namespace, ..Wanted::default() });
    let mut names = BTreeSet::new();
    for budget in found.await? {
        let Some(wanted) = budget.pointer("/spec/selector").and_then(selector) else { continue };
        let Ok(wanted) = LabelSelector::parse(&wanted) else { continue };
        let selects = |pod: &&Value| {
            let labels = pod.pointer("/metadata/labels");
            text(pod, "/metadata/namespace") == text(&budget, "/metadata/namespace")
                && wanted.matches(|key| labels?.get(key)?.as_str())
        };
        if pods.iter().any(|pod| selects(&pod)) {
            names.extend(text(&budget, "/metadata/name").map(str::to_owned));
        }
    }
    Ok(names)
}

fn controller(object: &Value) -> Option<&Value> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)
}

fn owner_uid(object: &Value) -> Option<&str> {
    controller(object)?.get("uid")?.as_str()
}

fn owner_of(object: &Value, namespace: Option<&str>) -> Option<ObjectRef> {
    let owner = controller(object)?;
    Some(ObjectRef {
        api_version: owner.get("apiVersion")?.as_str()?.to_owned(),
        kind: owner.get("kind")?.as_str()?.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: owner.get("name")?.as_str()?.to_owned(),
    })
}

/// Field managers of tools that write their own state back.
const WRITERS: [(&str, &str); 9] = [
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("argocd-server", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
    ("gitops-agent", "a GitOps agent"),
    ("fleetagent", "Fleet"),
    ("config-sync", "Config Sync"),
    ("helm", "Helm"),
];

/// Who else declares what the object looks like, by the marks that such tools leave.
fn managed_by(object: &Value) -> Option<String> {
    let label = |key: &str| object.get("metadata")?.get("labels")?.get(key)?.as_str();
    let note = |key: &str| annotation(object, key);
    // `app:group/kind:namespace/name`.
    let tracked = note("argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
    if let Some(app) = tracked.or_else(|| label("argocd.argoproj.io/instance")) {
        return Some(format!("Argo CD application `{}`", plain(app)));
    }
    for (key, what) in [
        ("kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
        ("helm.toolkit.fluxcd.io/name", "Flux HelmRelease"),
    ] {
        if let Some(name) = label(key) {
            return Some(format!("{what} `{}`", plain(name)));
        }
    }
    if let Some(release) = note("meta.helm.sh/release-name") {
        return Some(format!("Helm release `{}`", plain(release)));
    }
    if let Some(name) = label("app.kubernetes.io/managed-by") {
        return Some(plain(name));
    }
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|entry| entry.get("manager")?.as_str()).find_map(|manager| {
        WRITERS
            .iter()
            .find(|(name, _)| manager.eq_ignore_ascii_case(name))
            .map(|(_, tool)| (*tool).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn managers_are_told_by_their_marks() {
        for (metadata, expect) in [
            (json!({}), None),
            (json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}), Some("Helm")),
            (
                json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "web"}}),
                Some("Helm release `web`"),
            ),
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/api"}}),
                Some("Argo CD application `shop`"),
            ),
            (json!({"labels": {"argocd.argoproj.io/instance": "shop"}}), Some("Argo CD application `shop`")),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}),
                Some("Flux Kustomization `apps`"),
            ),
            (json!({"labels": {"helm.toolkit.fluxcd.io/name": "db"}}), Some("Flux HelmRelease `db`")),
            (
                json!({"managedFields": [{"manager": "kubectl"}, {"manager": "argocd-controller"}]}),
                Some("Argo CD"),
            ),
            (json!({"managedFields": [{"manager": "kubectl-edit"}]}), None),
        ] {
            assert_eq!(managed_by(&json!({"metadata": metadata})).as_deref(), expect, "{metadata}");
        }
    }

    #[test]
    fn pods_use_config_maps_in_four_ways_and_claims_in_one() {
        let pod = |spec: Value| json!({"spec": spec});
        for (spec, kind, expect) in [
            (json!({"volumes": [{"configMap": {"name": "x"}}]}), "ConfigMap", true),
            (
                json!({"volumes": [{"projected": {"sources": [{"configMap": {"name": "x"}}]}}]}),
                "ConfigMap",
                true,
            ),
            (json!({"containers": [{"envFrom": [{"configMapRef": {"name": "x"}}]}]}), "ConfigMap", true),
            (
                json!({"initContainers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "x"}}}]}]}),
                "ConfigMap",
                true,
            ),
            (json!({"containers": [{"envFrom": [{"configMapRef": {"name": "y"}}]}]}), "ConfigMap", false),
            (json!({"containers": [{"envFrom": [{"secretRef": {"name": "x"}}]}]}), "ConfigMap", false),
            (json!({"containers": [{"envFrom": [{"secretRef": {"name": "x"}}]}]}), "Secret", true),
            (json!({"volumes": [{"secret": {"secretName": "x"}}]}), "Secret", true),
            (
                json!({"volumes": [{"persistentVolumeClaim": {"claimName": "x"}}]}),
                "PersistentVolumeClaim",
                true,
            ),
            (json!({"volumes": [{"configMap": {"name": "x"}}]}), "PersistentVolumeClaim", false),
            (json!({"serviceAccountName": "x"}), "ServiceAccount", true),
        ] {
            assert_eq!(uses(&pod(spec.clone()), kind, "x"), expect, "{kind} {spec}");
        }
    }

    #[test]
    fn scaling_touches_the_difference_and_creating_what_is_declared() {
        let object = ObjectRef {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: None,
            name: "x".into(),
        };
        let live = json!({"spec": {"replicas": 3}});
        let scale = |replicas| Change::Scale { object: object.clone(), replicas };
        assert_eq!(touched(&scale(5), Some(&live), &live, 3), 2);
        assert_eq!(touched(&scale(0), Some(&live), &live, 3), 3);
        let manifest = json!({"kind": "Deployment", "spec": {"replicas": 4}});
        assert_eq!(touched(&Change::Create { manifest: manifest.clone() }, None, &manifest, 0), 4);
        assert_eq!(touched(&Change::Restart { object }, Some(&live), &live, 3), 3);
    }
}
