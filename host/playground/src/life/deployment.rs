//! Deployments: one ReplicaSet for each template, scaled against each other.

mod progress;
mod rolling;

use serde_json::{Value, json};

use super::{
    cluster::{Cluster, Tone},
    names,
    shape::{annotation, deleting, int_or, is_owned_by, is_true, name, owned_by, set, text, unset},
};

pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";
const COMPONENT: &str = "deployment-controller";

pub(crate) fn run(cluster: &Cluster) {
    let deployments = cluster.list("apps/v1/Deployment");
    if deployments.is_empty() {
        return;
    }
    let sets = cluster.list("apps/v1/ReplicaSet");
    for deployment in deployments.iter().filter(|deployment| !deleting(deployment)) {
        let mut own: Vec<Value> =
            sets.iter().filter(|set| is_owned_by(set, deployment) && !deleting(set)).cloned().collect();
        own.sort_by_key(revision);
        sync(cluster, deployment, own);
    }
}

pub(crate) fn revision(object: &Value) -> i64 {
    annotation(object, REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn sync(cluster: &Cluster, deployment: &Value, sets: Vec<Value>) {
    let paused = is_true(deployment, "/spec/paused");
    let recreate = text(deployment, "/spec/strategy/type") == "Recreate";
    let current = sets.iter().position(|set| same_template(deployment, set));
    let latest = sets.iter().map(revision).max().unwrap_or(0);
    let (new, old): (Option<Value>, Vec<Value>) = match current {
        Some(at) => {
            let mut rest = sets;
            let new = rest.remove(at);
            let newer = rest.iter().map(revision).max().unwrap_or(0);
            let new = if revision(&new) <= newer && !paused {
                renumber(cluster, new, newer + 1)
            } else {
                Some(new)
            };
            (new, rest)
        }
        None => (None, sets),
    };
    let mut created = false;
    let new = match new {
        Some(new) => Some(new),
        None if paused || (recreate && !rolling::stopped(cluster, deployment, &old)) => None,
        None => {
            created = true;
            make(cluster, deployment, latest + 1)
        }
    };
    if let Some(new) = &new {
        mark(cluster, deployment, revision(new));
    }
    if paused {
        rolling::hold(cluster, deployment, new.as_ref(), &old);
    } else if recreate {
        rolling::recreate(cluster, deployment, new.as_ref(), &old);
    } else {
        rolling::roll(cluster, deployment, new.as_ref(), &old);
    }
    progress::report(cluster, deployment, new.as_ref(), &old, created);
    if !paused {
        forget(cluster, deployment, &old);
    }
}

/// Whether a set is of the Deployment's template, but for the label of the hash.
fn same_template(deployment: &Value, set: &Value) -> bool {
    let plain = |object: &Value| {
        let mut template = object.pointer("/spec/template").cloned().unwrap_or(Value::Null);
        unset(&mut template, &["metadata", "labels", HASH]);
        unset(&mut template, &["metadata", "creationTimestamp"]);
        template
    };
    plain(deployment) == plain(set)
}

fn renumber(cluster: &Cluster, mut new: Value, to: i64) -> Option<Value> {
    set(&mut new, &["metadata", "annotations", REVISION], Value::from(to.to_string()));
    cluster.update(new.clone()).ok().or(Some(new))
}

/// The Deployment says which revision it is at.
fn mark(cluster: &Cluster, deployment: &Value, revision_of: i64) {
    if revision(deployment) == revision_of {
        return;
    }
    let Some(mut fresh) = cluster.fresh(deployment) else { return };
    set(&mut fresh, &["metadata", "annotations", REVISION], Value::from(revision_of.to_string()));
    let _conflict = cluster.update(fresh);
}

fn make(cluster: &Cluster, deployment: &Value, number: i64) -> Option<Value> {
    let mut template = deployment.pointer("/spec/template").cloned()?;
    unset(&mut template, &["metadata", "creationTimestamp"]);
    let hash = names::template_hash(&template);
    set(&mut template, &["metadata", "labels", HASH], Value::from(hash.as_str()));
    let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or_else(|| json!({}));
    set(&mut selector, &["matchLabels", HASH], Value::from(hash.as_str()));
    let labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    let wanted = int_or(deployment, "/spec/replicas", 1);
    let mut annotations = deployment.pointer("/metadata/annotations").cloned().unwrap_or_else(|| json!({}));
    unset(&mut annotations, &["kubectl.kubernetes.io/last-applied-configuration"]);
    set(&mut annotations, &[REVISION], Value::from(number.to_string()));
    set(&mut annotations, &["deployment.kubernetes.io/desired-replicas"], Value::from(wanted.to_string()));
    let most = wanted + rolling::max_surge(deployment, wanted);
    set(&mut annotations, &["deployment.kubernetes.io/max-replicas"], Value::from(most.to_string()));
    let made = cluster.create(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", name(deployment)), "namespace": text(deployment, "/metadata/namespace"),
            "labels": labels, "annotations": annotations, "ownerReferences": owned_by(deployment),
        },
        "spec": {
            "replicas": 0, "selector": selector, "template": template,
            "minReadySeconds": int_or(deployment, "/spec/minReadySeconds", 0),
        },
    }));
    made.ok()
}

/// Sets the size of a set and says so.
fn scale(cluster: &Cluster, deployment: &Value, set_of: &Value, to: i64) {
    let from = int_or(set_of, "/spec/replicas", 0);
    if from == to {
        return;
    }
    let Some(mut next) = cluster.fresh(set_of) else { return };
    set(&mut next, &["spec", "replicas"], Value::from(to));
    let wanted = int_or(deployment, "/spec/replicas", 1);
    set(
        &mut next,
        &["metadata", "annotations", "deployment.kubernetes.io/desired-replicas"],
        Value::from(wanted.to_string()),
    );
    if cluster.update(next).is_ok() {
        let way = if to > from { "up" } else { "down" };
        cluster.event(
            deployment,
            Tone::Normal,
            "ScalingReplicaSet",
            &format!("Scaled {way} replica set {} from {from} to {to}", name(set_of)),
            COMPONENT,
        );
    }
}

/// Sets that are older than the history is long go.
fn forget(cluster: &Cluster, deployment: &Value, old: &[Value]) {
    let keep = usize::try_from(int_or(deployment, "/spec/revisionHistoryLimit", 10)).unwrap_or(0);
    let idle: Vec<&Value> = old
        .iter()
        .filter(|set| int_or(set, "/spec/replicas", 0) == 0 && int_or(set, "/status/replicas", 0) == 0)
        .collect();
    for set in idle.iter().take(idle.len().saturating_sub(keep)) {
        cluster.delete(set);
    }
}
