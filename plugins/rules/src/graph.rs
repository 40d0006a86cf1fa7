//! From drafts to the diagnosis: what is said twice is merged, what one finding
//! explains of the others is worked out, and the worst roots come first.

use std::collections::{BTreeSet, HashMap};

use crate::{
    actions,
    diagnosis::{Finding, ObjectRef, Severity},
    findings::Draft,
};

/// Notes of little weight that are kept.
const MOST_INFO: usize = 40;

/// Merges, links and orders the drafts, and gives them ids.
#[must_use]
pub fn link(drafts: Vec<Draft>, question: Option<&str>) -> Vec<Finding> {
    let mut drafts = fold_generic(merge(drafts));
    let edges = edges(&drafts);
    let reach: Vec<BTreeSet<usize>> = (0..drafts.len()).map(|from| reachable(&edges, from)).collect();
    // A root is as bad as the worst that comes of it.
    let worst: Vec<Severity> = (0..drafts.len())
        .map(|from| {
            reach
                .get(from)
                .into_iter()
                .flatten()
                .chain([&from])
                .filter_map(|at| drafts.get(*at).map(|draft| draft.severity))
                .min()
                .unwrap_or(Severity::Info)
        })
        .collect();
    for (draft, worst) in drafts.iter_mut().zip(worst) {
        draft.severity = worst;
    }
    let explained: BTreeSet<usize> = reach.iter().flatten().copied().collect();
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|at| {
        let draft = drafts.get(*at);
        let severity = draft.map_or(Severity::Info, |draft| draft.severity);
        let confidence = draft.map_or(0.0, |draft| draft.confidence);
        let effects = reach.get(*at).map_or(0, BTreeSet::len);
        // What the person asked about comes before the rest of its kind.
        let asked = draft.is_some_and(|draft| {
            question.is_some_and(|question| {
                asks_about(question, &draft.object)
                    || reach.get(*at).into_iter().flatten().any(|effect| {
                        drafts.get(*effect).is_some_and(|effect| asks_about(question, &effect.object))
                    })
            })
        });
        (
            severity == Severity::Info,
            explained.contains(at),
            !asked,
            severity,
            usize::MAX - effects,
            (1000.0 - confidence * 1000.0) as i32,
            *at,
        )
    });
    let mut info = 0;
    order.retain(|at| {
        let is_info = drafts.get(*at).is_some_and(|draft| draft.severity == Severity::Info);
        info += usize::from(is_info);
        !is_info || info <= MOST_INFO
    });
    let ids: HashMap<usize, String> =
        order.iter().enumerate().map(|(place, at)| (*at, format!("f{}", place + 1))).collect();
    let mut slots: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    order
        .iter()
        .filter_map(|at| {
            let draft = slots.get_mut(*at)?.take()?;
            let mut causes: Vec<(usize, String)> = reach
                .get(*at)?
                .iter()
                .filter_map(|effect| {
                    let id = ids.get(effect)?;
                    Some((order.iter().position(|place| place == effect)?, id.clone()))
                })
                .collect();
            causes.sort();
            Some(finish(draft, ids.get(at)?.clone(), causes.into_iter().map(|(_, id)| id).collect()))
        })
        .collect()
}

/// Whether a question names the object, or the namespace that it is in.
fn asks_about(question: &str, object: &ObjectRef) -> bool {
    let named = |name: &str| {
        name.len() >= 3
            && question
                .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')))
                .any(|word| word.trim_matches('.') == name)
    };
    named(&object.name) || named(object.space()) && object.space() != "default"
}

fn finish(draft: Draft, id: String, causes: Vec<String>) -> Finding {
    let mut actions = draft.actions;
    if actions.is_empty() && draft.severity != Severity::Info {
        actions.push(actions::escalate(&draft.object, format!("A person has to look at {}.", draft.object)));
    }
    Finding {
        id,
        severity: draft.severity,
        object: draft.object,
        reason: draft.reason,
        message: draft.message,
        confidence: draft.confidence,
        evidence: draft.evidence,
        causes,
        actions,
    }
}

/// Drafts with the same object and reason become one.
fn merge(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut merged: Vec<Draft> = Vec::new();
    let mut known: HashMap<(ObjectRef, String), usize> = HashMap::new();
    for draft in drafts {
        let key = (draft.object.clone(), draft.reason.clone());
        match known.get(&key).and_then(|at| merged.get_mut(*at)) {
            Some(first) => absorb(first, draft),
            None => {
                known.insert(key, merged.len());
                merged.push(draft);
            }
        }
    }
    merged
}

/// What the second knows goes to the first.
fn absorb(first: &mut Draft, second: Draft) {
    first.severity = first.severity.min(second.severity);
    if second.confidence > first.confidence && !second.generic {
        first.confidence = second.confidence;
    }
    let taken = std::mem::take(&mut first.evidence);
    let mut keep = Draft::with(first.severity, first.object.clone(), "", taken);
    keep = keep.evidence(second.evidence);
    first.evidence = keep.evidence;
    first.because.extend(second.because);
    first.explains.extend(second.explains);
    for action in second.actions {
        if action.action != "escalate" && !first.actions.contains(&action) {
            first.actions.push(action);
        }
    }
}

/// A finding that says no more than that an object is not as wanted goes into
/// a telling one about the same object.
fn fold_generic(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut telling: HashMap<ObjectRef, usize> = HashMap::new();
    let (generic, mut kept): (Vec<Draft>, Vec<Draft>) = drafts.into_iter().partition(|draft| draft.generic);
    for (at, draft) in kept.iter().enumerate() {
        if draft.severity != Severity::Info {
            let best = telling.entry(draft.object.clone()).or_insert(at);
            if kept.get(*best).is_some_and(|so_far| draft.severity < so_far.severity) {
                *best = at;
            }
        }
    }
    for draft in generic {
        match telling.get(&draft.object).and_then(|at| kept.get_mut(*at)) {
            Some(first) => {
                if !first.message.contains(&draft.message) && first.message.len() + draft.message.len() < 700
                {
                    first.message = format!("{} {}", first.message, draft.message).trim().to_owned();
                }
                let mut draft = draft;
                draft.actions.clear();
                absorb(first, draft);
            }
            None => {
                telling.insert(draft.object.clone(), kept.len());
                kept.push(draft);
            }
        }
    }
    kept
}

/// For each finding those that it explains directly, without cycles.
fn edges(drafts: &[Draft]) -> Vec<BTreeSet<usize>> {
    let mut by_object: HashMap<(&str, &str, &str), Vec<usize>> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        if draft.severity != Severity::Info {
            let object = &draft.object;
            by_object.entry((&object.kind, object.space(), &object.name)).or_default().push(at);
        }
    }
    let on = |object: &ObjectRef| {
        by_object
            .get(&(object.kind.as_str(), object.space(), object.name.as_str()))
            .cloned()
            .unwrap_or_default()
    };
    let mut edges: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); drafts.len()];
    for (at, draft) in drafts.iter().enumerate() {
        if draft.severity == Severity::Info {
            continue;
        }
        let pairs = draft
            .because
            .iter()
            .flat_map(&on)
            .map(|cause| (cause, at))
            .chain(draft.explains.iter().flat_map(&on).map(|effect| (at, effect)))
            .collect::<Vec<_>>();
        for (cause, effect) in pairs {
            if cause != effect
                && !reachable(&edges, effect).contains(&cause)
                && let Some(effects) = edges.get_mut(cause)
            {
                effects.insert(effect);
            }
        }
    }
    edges
}

/// Everything that follows from one finding, itself left out.
fn reachable(edges: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for next in edges.get(at).into_iter().flatten() {
            if *next != from && reached.insert(*next) {
                open.push(*next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Evidence;

    fn object(kind: &str, name: &str) -> ObjectRef {
        ObjectRef::new("v1", kind, Some("shop"), name)
    }

    fn draft(severity: Severity, kind: &str, reason: &str) -> Draft {
        let evidence = Evidence {
            observation: "o1".to_owned(),
            object: None,
            pointer: format!("/{kind}/{reason}"),
            value: serde_json::Value::Null,
        };
        Draft::with(severity, object(kind, "x"), reason, vec![evidence]).message(reason)
    }

    #[test]
    fn a_chain_has_one_root_that_is_as_bad_as_its_worst_effect() {
        let findings = link(
            vec![
                draft(Severity::Critical, "Ingress", "NoBackend").because(object("Service", "x")),
                draft(Severity::Critical, "Service", "NoEndpoints").because(object("Deployment", "x")),
                draft(Severity::Warning, "Deployment", "ImagePullBackOff"),
            ],
            None,
        );
        let root = &findings[0];
        assert_eq!((root.reason.as_str(), root.severity), ("ImagePullBackOff", Severity::Critical));
        assert_eq!(root.causes, ["f2", "f3"]);
        assert_eq!(findings.len(), 3);
    }

    #[test]
    fn cycles_are_cut_and_info_explains_nothing() {
        let findings = link(
            vec![
                draft(Severity::Critical, "A", "A").because(object("B", "x")),
                draft(Severity::Critical, "B", "B").because(object("A", "x")),
                draft(Severity::Info, "C", "C").explains(object("A", "x")),
            ],
            None,
        );
        assert_eq!(findings.iter().map(|finding| finding.causes.len()).sum::<usize>(), 1);
    }

    #[test]
    fn what_was_asked_about_comes_first() {
        let drafts = || {
            vec![
                draft(Severity::Critical, "A", "A"),
                draft(Severity::Warning, "Deployment", "B").about(object("Deployment", "api")),
            ]
        };
        assert_eq!(link(drafts(), None)[0].reason, "A");
        assert_eq!(link(drafts(), Some("Why is my api not working?"))[0].reason, "B");
    }

    #[test]
    fn generic_findings_fold_into_telling_ones() {
        let findings = link(
            vec![
                draft(Severity::Critical, "Deployment", "Unavailable").generic(),
                draft(Severity::Warning, "Deployment", "OOMKilled"),
            ],
            None,
        );
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].reason.as_str(), findings[0].severity), ("OOMKilled", Severity::Critical));
        assert_eq!(findings[0].evidence.len(), 2);
    }
}
