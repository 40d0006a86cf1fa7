//! `scale` and `raise-max-replicas`: how many replicas there are, and may be.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{ActionPlan, Change, ChangeVerb, Effect, Error, PatchType, Risk, Scale};

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

/// More than so many replicas at once are a slip of the hand.
const MOST_MORE: u32 = 100;
const SCALED: &[&str] = &[kinds::DEPLOYMENT, kinds::STATEFUL_SET, kinds::REPLICA_SET];
const SCALERS: &[&str] = &[kinds::SCALER, kinds::SCALER_1, kinds::SCALER_BETA, kinds::SCALER_ALPHA];

pub(super) const SCALE: Action = Action {
    name: "scale",
    description: "Sets the number of replicas of a workload: at most 100 more than now",
    risk: Risk::Low,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[kinds::SCALER, kinds::SCALER_1],
    changes: &[(ChangeVerb::Scale, SCALED)],
    schema: || {
        schema::parameters(
            [("object", schema::object_of(SCALED)), ("replicas", schema::integer(0, 10_000))],
            &["object", "replicas"],
            Value::Null,
        )
    },
    plan: scale,
};

pub(super) const RAISE_MAX_REPLICAS: Action = Action {
    name: "raise-max-replicas",
    description: "Raises the most replicas of a HorizontalPodAutoscaler: by at most half or 5, whichever is more",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: &[],
    changes: &[(ChangeVerb::Patch, SCALERS)],
    schema: || {
        schema::parameters(
            [("object", schema::object_of(SCALERS)), ("maxReplicas", schema::integer(1, 10_000))],
            &["object", "maxReplicas"],
            Value::Null,
        )
    },
    plan: raise,
};

fn scale(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = target::read(look, parameters, SCALED)?;
    let wanted = parameters.number("replicas")?;
    if let Some(owner) = workload.controller()
        && kinds::OWNERS.contains(&kinds::of(&owner).as_str())
    {
        return Err(target::owned(&workload.reference, &owner));
    }
    let name = refusal::name(&workload.reference);
    let now = workload.integer("/spec/replicas").and_then(|now| u32::try_from(now).ok()).unwrap_or(1);
    if wanted == now {
        return Err(no_change(format!("{name} has {} already", words::count(now as usize, "replica"))));
    }
    if wanted > now.saturating_add(MOST_MORE) {
        return Err(refused(
            "out-of-bounds",
            format!("{wanted} replicas of {name} are more than {MOST_MORE} above the {now} of now"),
        ));
    }
    check_autoscaler(look, &workload, now, wanted)?;
    let risk = match wanted {
        0 => Risk::High,
        wanted if wanted < now => Risk::Medium,
        _ if workload.reference.kind == "StatefulSet" => Risk::Medium,
        _ => Risk::Low,
    };
    Ok(Draft::new(format!("scale {name} from {now} to {}", words::count(wanted as usize, "replica")))
        .risk(risk)
        .change(Change::Scale(Scale { object: workload.reference.clone(), replicas: wanted }))
        .see(&workload, "/spec/replicas")
        .see(&workload, "/status/readyReplicas")
        .verify(workload.reference.clone())
        .done())
}

/// An autoscaler that runs would set the number back at once. Where there are
/// none to be read, nothing is known against the change.
fn check_autoscaler(look: &Look<'_>, workload: &Seen, now: u32, wanted: u32) -> Result<(), Error> {
    let object = &workload.reference;
    let fields = ["/spec/scaleTargetRef", "/spec/minReplicas", "/spec/maxReplicas"];
    let Ok(listed) = look.list(kinds::SCALER, object.namespace.as_deref(), None, &fields) else {
        return Ok(());
    };
    let scaler = listed.objects.iter().find(|scaler| {
        scaler.text("/spec/scaleTargetRef/kind") == Some(&object.kind)
            && scaler.text("/spec/scaleTargetRef/name") == Some(&object.name)
    });
    // With no replicas at all, before or after, the autoscaler keeps still.
    let Some(scaler) = scaler.filter(|_| now > 0 && wanted > 0) else { return Ok(()) };
    let least = scaler.integer("/spec/minReplicas").unwrap_or(1);
    let most = scaler.integer("/spec/maxReplicas").unwrap_or(i64::MAX);
    if i64::from(wanted) < least || i64::from(wanted) > most {
        return Err(refused(
            "autoscaled",
            format!(
                "{} keeps {} between {least} and {most} replicas, and would set it back",
                refusal::name(&scaler.reference),
                refusal::name(object)
            ),
        ));
    }
    Ok(())
}

fn raise(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let scaler = target::read(look, parameters, SCALERS)?;
    let wanted = i64::from(parameters.number("maxReplicas")?);
    let name = refusal::name(&scaler.reference);
    let now = scaler.integer("/spec/maxReplicas").unwrap_or(1).clamp(1, i64::from(i32::MAX));
    if wanted <= now {
        return Err(no_change(format!("{name} may have {now} replicas already")));
    }
    let most = (now + 5).max((now * 3 + 1) / 2);
    if wanted > most {
        return Err(refused(
            "out-of-bounds",
            format!("{name} may have {now} replicas now: one step may raise that to {most} at most"),
        ));
    }
    let mut draft = Draft::new(format!("let {name} scale to {wanted} replicas instead of {now}"))
        .risk(Risk::Medium)
        .patch(&scaler.reference, PatchType::Merge, &json!({ "spec": { "maxReplicas": wanted } }))
        .see(&scaler, "/spec/maxReplicas")
        .see(&scaler, "/status/desiredReplicas")
        .verify(scaler.reference.clone());
    if let Some(workload) = scaled(look, &scaler) {
        draft = draft.verify(workload);
    }
    Ok(draft.done())
}

/// What the autoscaler scales, where that can be read.
fn scaled(look: &Look<'_>, scaler: &Seen) -> Option<sickbay_plugin::remediation::ObjectRef> {
    let target = scaler.at("/spec/scaleTargetRef")?;
    let object = sickbay_plugin::remediation::ObjectRef {
        api_version: json::text(target, "/apiVersion").unwrap_or("apps/v1").to_owned(),
        kind: json::text(target, "/kind")?.to_owned(),
        namespace: scaler.reference.namespace.clone(),
        name: json::text(target, "/name")?.to_owned(),
    };
    kinds::ROLLED.contains(&kinds::of(&object).as_str()).then(|| look.find(&object).ok().flatten())??;
    Some(object)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sickbay_plugin::remediation::{Change, Risk};

    use crate::fake::{FakeCluster, body, deployment, planned, refusal};

    fn scaler(least: i64, most: i64) -> Value {
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api", "namespace": "shop"},
               "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}, "minReplicas": least, "maxReplicas": most}})
    }

    fn with_replicas(replicas: u32) -> FakeCluster {
        let mut api = deployment("shop", "api");
        api["spec"]["replicas"] = json!(replicas);
        FakeCluster::new().with(api)
    }

    fn asked(replicas: i64) -> Value {
        json!({"object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "api"}, "replicas": replicas})
    }

    #[test]
    fn replicas_within_reason() {
        for (now, wanted, risk) in
            [(2, 3, Risk::Low), (3, 1, Risk::Medium), (3, 0, Risk::High), (0, 1, Risk::Low)]
        {
            let plan = planned(&with_replicas(now), "scale", &asked(wanted));
            assert_eq!(plan.risk, risk, "{now} to {wanted}");
            assert!(
                matches!(plan.changes.as_slice(), [Change::Scale(scale)] if i64::from(scale.replicas) == wanted)
            );
        }
        for (now, wanted, code) in [
            (2, 2, "no-change"),
            (2, 103, "out-of-bounds"),
            (2, -1, "invalid-parameters"),
            (2, 1 << 40, "invalid-parameters"),
        ] {
            assert_eq!(refusal(&with_replicas(now), "scale", &asked(wanted)).code, code);
        }
    }

    #[test]
    fn an_autoscaler_would_set_it_back() {
        let cluster = |now: u32| with_replicas(now).with(scaler(2, 4));
        assert_eq!(refusal(&cluster(2), "scale", &asked(5)).code, "autoscaled");
        assert_eq!(refusal(&cluster(2), "scale", &asked(1)).code, "autoscaled");
        planned(&cluster(2), "scale", &asked(3));
        planned(&cluster(0), "scale", &asked(1));
    }

    #[test]
    fn the_most_is_raised_by_half_or_by_five() {
        let asked = |most: i64| json!({"object": {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "namespace": "shop", "name": "api"}, "maxReplicas": most});
        for (now, wanted, code) in [
            (3, 8, ""),
            (3, 9, "out-of-bounds"),
            (20, 30, ""),
            (20, 31, "out-of-bounds"),
            (20, 20, "no-change"),
            (20, 5, "no-change"),
        ] {
            let cluster = with_replicas(3).with(scaler(1, now));
            if code.is_empty() {
                assert_eq!(
                    body(&cluster, "raise-max-replicas", &asked(wanted)),
                    json!({"spec": {"maxReplicas": wanted}})
                );
                assert_eq!(planned(&cluster, "raise-max-replicas", &asked(wanted)).verify_objects.len(), 2);
            } else {
                assert_eq!(refusal(&cluster, "raise-max-replicas", &asked(wanted)).code, code);
            }
        }
    }
}
