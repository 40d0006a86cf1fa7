//! HorizontalPodAutoscalers that can not do what they are for: at their
//! maximum while more is wanted, without a target, without metrics.

use serde_json::Value;

use crate::{
    actions,
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json, quantity,
    rules::{behind, nearest},
    seen::Seen,
    snapshot::Existence,
    text,
};

/// Kubernetes scales only beyond a tenth of difference.
const TOLERANCE: f64 = 1.1;
/// A maximum is raised by half or by so many replicas in one step, whichever is
/// more: the action takes no more.
const MOST_MORE: i64 = 5;
/// Metrics of a new autoscaler take a while to come.
const SETTLED: i64 = 300;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for scaler in context.snapshot.all("HorizontalPodAutoscaler") {
        if scaler.terminating() {
            continue;
        }
        if target(context, scaler, findings) {
            bounds(scaler, findings);
            conditions(context, scaler, findings);
            at_maximum(context, scaler, findings);
            if context.manifests_only {
                requests(context, scaler, findings);
            }
        }
    }
}

fn target_reference(scaler: &Seen) -> Option<ObjectRef> {
    Some(ObjectRef::new(
        scaler.text("/spec/scaleTargetRef/apiVersion").unwrap_or("apps/v1"),
        scaler.text("/spec/scaleTargetRef/kind")?,
        Some(scaler.namespace()),
        scaler.text("/spec/scaleTargetRef/name")?,
    ))
}

/// Whether the target may be there.
fn target(context: &Context<'_>, scaler: &Seen, findings: &mut Findings) -> bool {
    let Some(target) = target_reference(scaler) else { return true };
    if !matches!(target.kind.as_str(), "Deployment" | "StatefulSet" | "ReplicaSet") {
        return true;
    }
    let existence = context.snapshot.existence(&target.kind, target.space(), &target.name);
    let (severity, confidence) = match existence {
        Existence::Present | Existence::Unknown => return true,
        Existence::Absent => (Severity::Warning, 0.95),
        Existence::NotRecorded => (Severity::Warning, 0.5),
    };
    let near = nearest::nearest(
        &target.name,
        context.snapshot.all(&target.kind).filter(|seen| seen.namespace() == target.space()).map(Seen::name),
    );
    let hint = near
        .map_or_else(String::new, |near| format!(" There is a {} `{}`.", target.kind, text::clean(near, 80)));
    crate::rules::note::add(
        findings,
        Draft::new(severity, scaler, "TargetNotFound", "/spec/scaleTargetRef")
            .confidence(confidence)
            .message(format!(
                "The HorizontalPodAutoscaler `{}` scales the {} `{}`, which {}.{hint}",
                scaler.name(),
                text::clean(&target.kind, 60),
                text::clean(&target.name, 80),
                existence.phrase()
            ))
            .action(actions::escalate(
                &scaler.reference,
                "The workload that is to be scaled, or that the autoscaler can go.",
            )),
    );
    false
}

fn bounds(scaler: &Seen, findings: &mut Findings) {
    let (least, most) =
        (scaler.integer("/spec/minReplicas").unwrap_or(1), scaler.integer("/spec/maxReplicas"));
    if let Some(most) = most.filter(|most| *most < least) {
        crate::rules::note::add(findings,
            Draft::new(Severity::Warning, scaler, "InvalidBounds", "/spec/maxReplicas")
                .see(scaler, "/spec/minReplicas")
                .message(format!(
                    "The HorizontalPodAutoscaler `{}` scales between {least} and {most} replicas, which can not be.",
                    scaler.name()
                ))
                .action(actions::escalate(&scaler.reference, "The least and the most replicas that were meant.")),
        );
    }
}

fn conditions(context: &Context<'_>, scaler: &Seen, findings: &mut Findings) {
    let young = scaler.created().is_some_and(|created| context.now - created < SETTLED);
    for kind in ["AbleToScale", "ScalingActive"] {
        let Some((pointer, condition)) = scaler.condition(kind) else { continue };
        if json::text(condition, "/status") != Some("False") {
            continue;
        }
        let reason = json::text(condition, "/reason").unwrap_or("");
        let message = text::clean(json::text(condition, "/message").unwrap_or("no reason is given"), 300);
        if reason == "ScalingDisabled" {
            crate::rules::note::add(
                findings,
                Draft::new(Severity::Info, scaler, "ScalingDisabled", &format!("{pointer}/reason")).message(
                    format!(
                        "The HorizontalPodAutoscaler `{}` rests, since its target is scaled to zero.",
                        scaler.name()
                    ),
                ),
            );
            continue;
        }
        let severity = if young { Severity::Info } else { Severity::Warning };
        let name = match reason {
            _ if kind == "AbleToScale" => "UnableToScale",
            "FailedGetResourceMetric" | "FailedGetContainerResourceMetric" => "MissingMetrics",
            _ => "ScalingInactive",
        };
        let mut draft = Draft::new(severity, scaler, name, &format!("{pointer}/reason"))
            .see(scaler, &format!("{pointer}/message"));
        let missing = if name == "MissingMetrics" { without_requests(context, scaler) } else { None };
        let mut said = format!(
            "The HorizontalPodAutoscaler `{}` does not scale: {}.",
            scaler.name(),
            message.trim_end_matches('.')
        );
        let need = if let Some((template, pointers)) = missing {
            for pointer in &pointers {
                draft = draft.see(template.seen, pointer);
            }
            said.push_str(&format!(
                " Not every container of {} `{}` requests the resource that is measured, so that there is nothing to take a share of.",
                template.seen.reference.kind,
                template.seen.name()
            ));
            "How much of the resource each container requests."
        } else if name == "MissingMetrics" {
            draft = metrics_server(context, draft, &mut said);
            "Whether the metrics server of the cluster runs."
        } else {
            "What the autoscaler needs in order to scale."
        };
        if let Some(target) = target_reference(scaler) {
            draft = draft.because(target);
        }
        crate::rules::note::add(
            findings,
            draft.message(said).action(actions::escalate(&scaler.reference, need)),
        );
    }
}

type Lacking<'a> = Option<(crate::context::Template<'a>, Vec<String>)>;

/// The target's template, where one of its containers does not request a
/// resource of which the autoscaler wants a share.
fn without_requests<'a>(context: &Context<'a>, scaler: &Seen) -> Lacking<'a> {
    let target = target_reference(scaler)?;
    let template = context.template(&target)?;
    let resources: Vec<&str> = scaler
        .list("/spec/metrics")
        .iter()
        .filter(|metric| json::text(metric, "/resource/target/type") == Some("Utilization"))
        .filter_map(|metric| json::text(metric, "/resource/name"))
        .collect();
    let lacking: Vec<String> = behind::containers(template.spec())
        .into_iter()
        .filter(|(_, container)| {
            resources.iter().any(|resource| {
                ["requests", "limits"].iter().all(|kind| {
                    container.pointer(&format!("/resources/{kind}/{}", json::step(resource))).is_none()
                })
            })
        })
        .map(|(pointer, container)| {
            let field = if container.get("resources").is_some() { "resources" } else { "name" };
            format!("{}{pointer}/{field}", template.pointer)
        })
        .take(4)
        .collect();
    (!lacking.is_empty()).then_some((template, lacking))
}

/// Over manifests alone: a share of what no container requests.
fn requests(context: &Context<'_>, scaler: &Seen, findings: &mut Findings) {
    let Some((template, pointers)) = without_requests(context, scaler) else { return };
    let mut draft = Draft::new(Severity::Warning, scaler, "MissingMetrics", "/spec/metrics")
        .confidence(0.8)
        .message(format!(
            "The HorizontalPodAutoscaler `{}` will not scale: it goes by a share of what is requested, and not every container of {} requests any.",
            scaler.name(),
            template.seen.reference
        ))
        .action(actions::escalate(&scaler.reference, "How much of the resource each container requests."));
    for pointer in &pointers {
        draft = draft.see(template.seen, pointer);
    }
    crate::rules::note::add(findings, draft);
}

fn metrics_server(context: &Context<'_>, mut draft: Draft, said: &mut String) -> Draft {
    let name = "v1beta1.metrics.k8s.io";
    if let Some(service) = context.snapshot.find("APIService", "", name) {
        if let Some((pointer, _)) = service
            .condition("Available")
            .filter(|(_, available)| json::text(available, "/status") == Some("False"))
        {
            said.push_str(" The metrics API of the cluster is not available.");
            draft = draft.see(service, &format!("{pointer}/message"));
        }
        draft = draft.because(service.reference.clone());
    } else if context.snapshot.existence("APIService", "", name) == Existence::Absent {
        said.push_str(" The cluster has no metrics API: a metrics server is not installed.");
    }
    draft
}

/// What the metrics ask for: replicas, the pointer to the metric, and what it
/// is in words.
struct Wanted {
    replicas: i64,
    pointer: String,
    target: Option<String>,
    ratio: f64,
    what: String,
}

fn at_maximum(context: &Context<'_>, scaler: &Seen, findings: &mut Findings) {
    let Some(most) = scaler.integer("/spec/maxReplicas").filter(|most| *most > 0) else { return };
    let desired = scaler.integer("/status/desiredReplicas").unwrap_or(0);
    let limited = scaler.condition("ScalingLimited").is_some_and(|(_, condition)| {
        json::text(condition, "/status") == Some("True")
            && json::text(condition, "/reason") == Some("TooManyReplicas")
    });
    if desired < most && !limited {
        return;
    }
    let wanted = wanted(scaler).filter(|wanted| wanted.ratio > TOLERANCE);
    let Some((pointer, _)) = scaler.condition("ScalingLimited").filter(|_| limited) else {
        // At the maximum by chance, and content, unless the metric says more.
        if let Some(wanted) = wanted {
            report(context, scaler, most, &wanted, None, findings);
        }
        return;
    };
    match wanted {
        Some(wanted) => report(context, scaler, most, &wanted, Some(&pointer), findings),
        None => crate::rules::note::add(findings,
            Draft::new(Severity::Info, scaler, "AtMaximum", "/spec/maxReplicas")
                .see(scaler, "/status/desiredReplicas")
                .message(format!(
                    "The HorizontalPodAutoscaler `{}` is at its maximum of {}, and its metrics ask for no more just now.",
                    scaler.name(),
                    text::plural(usize::try_from(most).unwrap_or(0), "replica")
                )),
        ),
    }
}

fn report(
    context: &Context<'_>,
    scaler: &Seen,
    most: i64,
    wanted: &Wanted,
    limited: Option<&str>,
    findings: &mut Findings,
) {
    let step = most.saturating_add(MOST_MORE).max(most.saturating_add(most / 2));
    let raised = wanted.replicas.min(step).max(most + 1);
    let mut draft = Draft::new(Severity::Warning, scaler, "AtMaximum", "/spec/maxReplicas")
        .confidence(if limited.is_some() { 0.95 } else { 0.85 })
        .see(scaler, "/status/desiredReplicas")
        .see(scaler, &wanted.pointer)
        .message(format!(
            "The HorizontalPodAutoscaler `{}` is at its maximum of {most} and wants {}: {}.",
            scaler.name(),
            text::plural(usize::try_from(wanted.replicas).unwrap_or(0), "replica"),
            wanted.what
        ))
        .action(actions::action(
            "raise-max-replicas",
            &scaler.reference,
            serde_json::json!({ "maxReplicas": raised }),
            format!("Let the HorizontalPodAutoscaler `{}` scale to {raised}", scaler.name()),
        ));
    if let Some(target) = &wanted.target {
        draft = draft.see(scaler, target);
    }
    if let Some(pointer) = limited {
        draft = draft.see(scaler, &format!("{pointer}/reason"));
    }
    // Pods that do not work drive the metrics of the others up.
    if let Some(target) = target_reference(scaler)
        && context.snapshot.object(&target).is_some_and(|seen| {
            seen.integer("/status/readyReplicas").unwrap_or(0) < seen.integer("/spec/replicas").unwrap_or(1)
        })
    {
        draft = draft.because(target);
    }
    crate::rules::note::add(findings, draft);
}

/// The metric that asks for the most, as Kubernetes reckons: the replicas that
/// there are, times what is over what should be, rounded up.
fn wanted(scaler: &Seen) -> Option<Wanted> {
    let current = scaler.integer("/status/currentReplicas").filter(|current| *current > 0)?;
    let mut best: Option<Wanted> = None;
    for (at, metric) in scaler.list("/status/currentMetrics").iter().enumerate().take(32) {
        let (source, have) = ["resource", "containerResource", "pods", "object", "external"]
            .iter()
            .find_map(|source| Some((*source, metric.pointer(&format!("/{source}/current"))?)))
            .unwrap_or(("", &Value::Null));
        let name = json::text(metric, &format!("/{source}/name"))
            .or_else(|| json::text(metric, &format!("/{source}/metric/name")))
            .unwrap_or("?");
        let Some((target_at, target)) = target_of(scaler, source, name) else { continue };
        for field in ["averageUtilization", "averageValue", "value"] {
            let (Some(is), Some(should)) = (
                have.get(field).and_then(quantity::of),
                target.get(field).and_then(quantity::of).filter(|should| *should > 0),
            ) else {
                continue;
            };
            let ratio = is as f64 / should as f64;
            let replicas = (current as f64 * ratio - 1e-9).ceil().clamp(0.0, 100_000.0) as i64;
            let unit = if field == "averageUtilization" { " %" } else { "" };
            let shown = |value: i128| format!("{}{unit}", quantity::count(value));
            if best.as_ref().is_none_or(|best| replicas > best.replicas) {
                best = Some(Wanted {
                    replicas,
                    ratio,
                    pointer: format!("/status/currentMetrics/{at}/{source}/current/{field}"),
                    target: Some(format!("{target_at}/{field}")),
                    what: format!(
                        "`{}` is at {} and should be at {}",
                        text::clean(name, 60),
                        shown(is),
                        shown(should)
                    ),
                });
            }
            break;
        }
    }
    best
}

fn target_of<'a>(scaler: &'a Seen, source: &str, name: &str) -> Option<(String, &'a Value)> {
    scaler.list("/spec/metrics").iter().enumerate().find_map(|(at, metric)| {
        let known = json::text(metric, &format!("/{source}/name"))
            .or_else(|| json::text(metric, &format!("/{source}/metric/name")))?;
        let target = metric.pointer(&format!("/{source}/target")).filter(|_| known == name)?;
        Some((format!("/spec/metrics/{at}/{source}/target"), target))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::{FakeCluster, reasons, run};

    fn scaler(max: i64, current: i64, utilization: i64, conditions: Value) -> Value {
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"namespace": "shop", "name": "api", "creationTimestamp": "2026-01-01T10:00:00Z"},
            "spec": {"minReplicas": 2, "maxReplicas": max,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
                "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 50}}}]},
            "status": {"currentReplicas": current, "desiredReplicas": current, "conditions": conditions,
                "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu",
                    "current": {"averageUtilization": utilization, "averageValue": "401m"}}}]}})
    }

    fn deployment(resources: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "shop", "name": "api"},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "c", "resources": resources}]}}},
            "status": {"readyReplicas": 3}})
    }

    #[test]
    fn at_the_maximum_while_more_is_wanted() {
        let limited = json!([{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}]);
        for (scaler, expect) in [
            (scaler(3, 3, 100, limited.clone()), Some((Severity::Warning, Some(6)))),
            (scaler(3, 3, 200, json!([])), Some((Severity::Warning, Some(8)))),
            (scaler(20, 20, 2000, limited.clone()), Some((Severity::Warning, Some(30)))),
            (scaler(3, 3, 52, limited), Some((Severity::Info, None))),
            (scaler(3, 3, 40, json!([])), None),
            (scaler(5, 3, 200, json!([])), None),
        ] {
            let found = run(
                check,
                &FakeCluster::new().with(deployment(json!({"requests": {"cpu": "1"}}))).with(scaler.clone()),
            );
            let got = found.first().map(|found| {
                let raised =
                    found.actions.first().and_then(|action| action.parameters["maxReplicas"].as_i64());
                (found.severity, raised)
            });
            assert_eq!(got, expect, "{scaler}");
        }
    }

    #[test]
    fn autoscalers_that_can_not_scale() {
        let false_ = |kind: &str, reason: &str| json!([{"type": kind, "status": "False", "reason": reason, "message": "no"}]);
        for (conditions, expect) in [
            (
                false_("ScalingActive", "FailedGetResourceMetric"),
                vec!["HorizontalPodAutoscaler/api MissingMetrics"],
            ),
            (false_("ScalingActive", "ScalingDisabled"), vec!["HorizontalPodAutoscaler/api ScalingDisabled"]),
            (false_("AbleToScale", "FailedGetScale"), vec!["HorizontalPodAutoscaler/api UnableToScale"]),
            (json!([{"type": "ScalingActive", "status": "True"}]), vec![]),
            (json!("none"), vec![]),
        ] {
            let cluster =
                FakeCluster::new().with(deployment(json!({}))).with(scaler(9, 3, 40, conditions.clone()));
            assert_eq!(reasons(check, &cluster), expect, "{conditions}");
        }
    }

    #[test]
    fn what_is_missing_for_metrics_is_named() {
        let broken = json!([{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no"}]);
        for (resources, expect) in
            [(json!({}), "requests the resource"), (json!({"requests": {"cpu": "1"}}), "metrics server")]
        {
            let cluster =
                FakeCluster::new().with(deployment(resources)).with(scaler(9, 3, 40, broken.clone()));
            let found = run(check, &cluster);
            assert!(found[0].message.contains(expect), "{}", found[0].message);
        }
    }

    #[test]
    fn targets_and_bounds_that_can_not_be() {
        let mut other = deployment(json!({}));
        other["metadata"]["name"] = json!("apo");
        let cluster = FakeCluster::new().with(other).with(scaler(9, 3, 40, json!([])));
        let found = run(check, &cluster);
        assert_eq!(found[0].reason, "TargetNotFound");
        assert!(found[0].message.contains("`apo`"), "{}", found[0].message);
        let cluster = FakeCluster::new().with(deployment(json!({}))).with(scaler(1, 0, 0, json!([])));
        assert_eq!(reasons(check, &cluster), ["HorizontalPodAutoscaler/api InvalidBounds"]);
    }
}
