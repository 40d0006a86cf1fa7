//! HorizontalPodAutoscalers, by the processor time that a scenario says comes in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    cluster::{Cluster, Tone},
    labels, quantity,
    shape::{deleting, int_or, is_ready, list, namespace, put_condition, set, text, uid},
    world::World,
};

const COMPONENT: &str = "horizontal-pod-autoscaler";
/// How often it looks.
const PERIOD: i64 = 15_000;

#[derive(Default)]
pub(crate) struct Autoscalers {
    next: BTreeMap<String, i64>,
}

impl Autoscalers {
    pub(crate) fn run(&mut self, cluster: &Cluster, world: &World) {
        let all = cluster.list("autoscaling/v2/HorizontalPodAutoscaler");
        self.next.retain(|id, _| all.iter().any(|scaler| uid(scaler) == id));
        let now = cluster.now();
        for scaler in all.iter().filter(|scaler| !deleting(scaler)) {
            let next = self.next.entry(uid(scaler).to_owned()).or_insert(now);
            if *next > now {
                cluster.wake_at(*next);
                continue;
            }
            *next = now + PERIOD;
            cluster.wake_at(*next);
            sync(cluster, world, scaler);
        }
    }
}

struct Say<'a> {
    conditions: Vec<Value>,
    stamp: &'a str,
}

impl Say<'_> {
    fn put(&mut self, kind: &str, state: &str, reason: &str, message: &str) {
        let new = json!({"type": kind, "status": state, "reason": reason, "message": message});
        put_condition(&mut self.conditions, new, self.stamp);
    }
}

fn sync(cluster: &Cluster, world: &World, scaler: &Value) {
    let stamp = cluster.stamp();
    let mut say = Say { conditions: list(scaler, "/status/conditions").to_vec(), stamp: &stamp };
    let mut status = scaler.get("status").cloned().unwrap_or_else(|| json!({}));
    let kind = format!(
        "{}/{}",
        text(scaler, "/spec/scaleTargetRef/apiVersion"),
        text(scaler, "/spec/scaleTargetRef/kind")
    );
    let wanted_name = text(scaler, "/spec/scaleTargetRef/name");
    let Some(target) = cluster.get(&kind, namespace(scaler), wanted_name) else {
        let message = format!(
            "the HPA controller was unable to get the target's current scale: {}s.apps \"{wanted_name}\" not found",
            text(scaler, "/spec/scaleTargetRef/kind").to_ascii_lowercase()
        );
        say.put("AbleToScale", "False", "FailedGetScale", &message);
        set(&mut status, &["conditions"], Value::Array(say.conditions));
        cluster.status(scaler, status);
        return;
    };
    let current = int_or(&target, "/spec/replicas", 1);
    say.put("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size");
    let found = utilization(cluster, world, scaler, &target);
    let desired = match found {
        None => {
            let message = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API";
            say.put("ScalingActive", "False", "FailedGetResourceMetric", message);
            cluster.event(scaler, Tone::Warning, "FailedGetResourceMetric", "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API", COMPONENT);
            current
        }
        Some((percent, average, goal)) => {
            let message = "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)";
            say.put("ScalingActive", "True", "ValidMetricFound", message);
            set(
                &mut status,
                &["currentMetrics"],
                json!([{"type": "Resource", "resource": {"name": "cpu",
                "current": {"averageUtilization": percent, "averageValue": quantity::show("cpu", average)}}}]),
            );
            let off = (percent - goal).abs() * 10 > goal;
            if off { (current * percent + goal - 1) / goal.max(1) } else { current }
        }
    };
    let (least, most) = (int_or(scaler, "/spec/minReplicas", 1), int_or(scaler, "/spec/maxReplicas", 1));
    let bounded = desired.clamp(least.min(most), most);
    match desired.cmp(&bounded) {
        std::cmp::Ordering::Greater => say.put(
            "ScalingLimited",
            "True",
            "TooManyReplicas",
            "the desired replica count is more than the maximum replica count",
        ),
        std::cmp::Ordering::Less => say.put(
            "ScalingLimited",
            "True",
            "TooFewReplicas",
            "the desired replica count is less than the minimum replica count",
        ),
        std::cmp::Ordering::Equal => say.put(
            "ScalingLimited",
            "False",
            "DesiredWithinRange",
            "the desired count is within the acceptable range",
        ),
    }
    if bounded != current && current > 0 {
        let mut scaled = target.clone();
        set(&mut scaled, &["spec", "replicas"], Value::from(bounded));
        if cluster.update(scaled).is_ok() {
            let way = if bounded > current { "above" } else { "below" };
            let message = format!(
                "New size: {bounded}; reason: cpu resource utilization (percentage of request) {way} target"
            );
            cluster.event(scaler, Tone::Normal, "SuccessfulRescale", &message, COMPONENT);
            say.put(
                "AbleToScale",
                "True",
                "SucceededRescale",
                &format!("the HPA controller was able to update the target scale to {bounded}"),
            );
            set(&mut status, &["lastScaleTime"], Value::from(stamp.as_str()));
        }
    }
    set(&mut status, &["currentReplicas"], Value::from(current));
    set(&mut status, &["desiredReplicas"], Value::from(bounded));
    set(&mut status, &["conditions"], Value::Array(say.conditions));
    cluster.status(scaler, status);
}

/// Percent of what is requested that is used, the average of a pod, and the goal.
fn utilization(cluster: &Cluster, world: &World, scaler: &Value, target: &Value) -> Option<(i64, i128, i64)> {
    let load = world
        .loads
        .iter()
        .find(|load| load.namespace == namespace(scaler) && load.name == text(target, "/metadata/name"))?;
    let total = quantity::milli(&load.cpu)?;
    let metric =
        list(scaler, "/spec/metrics").iter().find(|metric| text(metric, "/resource/name") == "cpu")?;
    let goal = int_or(metric, "/resource/target/averageUtilization", 80).max(1);
    let selector = target.pointer("/spec/selector")?;
    let pods = cluster.list_in("v1/Pod", namespace(scaler));
    let ready = pods
        .iter()
        .filter(|pod| is_ready(pod) && !deleting(pod))
        .filter(|pod| labels::matches(selector, pod.pointer("/metadata/labels").unwrap_or(&Value::Null)))
        .count();
    let ready = i128::try_from(ready).ok().filter(|ready| *ready > 0)?;
    let requested: i128 = list(target, "/spec/template/spec/containers")
        .iter()
        .filter_map(|container| container.pointer("/resources/requests/cpu").and_then(quantity::of))
        .sum();
    let average = total / ready;
    let percent = average.checked_mul(100)?.checked_div(requested)?;
    Some((i64::try_from(percent).ok()?, average, goal))
}
