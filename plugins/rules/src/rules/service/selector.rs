//! A selector that picks no pod: which labels there are instead, and which of
//! them were probably meant.

use serde_json::{Map, Value};

use crate::{
    actions,
    context::{Context, Template},
    diagnosis::Severity,
    findings::{Draft, Findings},
    json, labels,
    rules::{behind, nearest},
    seen::Seen,
    snapshot::Existence,
    text,
};

/// Labels that a controller writes: nobody selects by them.
const WRITTEN: [&str; 5] = [
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "pod-template-generation",
];

/// A workload that may have been meant, and the selector that would pick it.
struct Candidate<'a> {
    template: Template<'a>,
    selector: Map<String, Value>,
    score: i32,
}

pub(super) fn check(
    context: &Context<'_>,
    templates: &[Template<'_>],
    service: &Seen,
    findings: &mut Findings,
) {
    let existence = context.snapshot.existence("Pod", service.namespace(), "");
    let sure = existence == Existence::Absent;
    let maybe = context.manifests_only || !templates.is_empty();
    if !sure && !maybe {
        return;
    }
    let mut candidates: Vec<Candidate<'_>> = templates
        .iter()
        .take(200)
        .filter_map(|template| candidate(templates, service, *template))
        .filter(|candidate| candidate.score >= 4)
        .collect();
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.score));
    let best = match candidates.as_slice() {
        [first, second, ..] if first.score == second.score && first.selector != second.selector => None,
        [first, ..] => Some(first),
        [] => None,
    };
    // A second Service for pods that have one may wait for others on purpose,
    // such as those of the next release.
    let served = best.is_some_and(|best| {
        context.snapshot.all("Service").any(|other| {
            other.namespace() == service.namespace()
                && other.name() != service.name()
                && labels::map_matches(other.at("/spec/selector"), best.template.labels)
        })
    });
    let (severity, confidence) = match (sure, best.is_some(), candidates.is_empty()) {
        (_, true, _) if served => (Severity::Warning, 0.65),
        (true, true, _) => (Severity::Critical, 0.95),
        (true, false, false) => (Severity::Critical, 0.9),
        (true, false, true) => (Severity::Warning, 0.85),
        (false, true, _) => (Severity::Critical, if context.manifests_only { 0.85 } else { 0.7 }),
        // Its pods may stand in a file that is not here.
        (false, false, _) => (Severity::Warning, 0.5),
    };
    let among = if context.manifests_only { "no workload here gives its pods" } else { "no pod has" };
    let mut message = format!(
        "The Service `{}` has no endpoints: it selects pods with `{}`, which {among}.",
        service.name(),
        super::wanted(service)
    );
    let mut draft = Draft::new(severity, service, "NoMatchingPods", "/spec/selector").confidence(confidence);
    for candidate in candidates.iter().take(3) {
        draft = draft.see(candidate.template.seen, labels_pointer(&candidate.template));
    }
    if let Some(best) = best {
        let seen = best.template.seen;
        let selector = Value::Object(best.selector.clone());
        message.push_str(&format!(
            " The pods of {} have `{}`.",
            text::clean(&seen.reference.to_string(), 150),
            text::clean(&labels::show(&selector), 200)
        ));
        draft = draft.action(actions::action(
            "patch-selector",
            &service.reference,
            serde_json::json!({ "selector": selector }),
            format!("Let the Service `{}` select the pods of `{}`", service.name(), seen.name()),
        ));
    } else {
        let labels: Vec<String> = templates
            .iter()
            .map(|template| shown_labels(template.labels))
            .filter(|labels| !labels.is_empty())
            .collect();
        if !labels.is_empty() {
            message.push_str(&format!(" The labels in its namespace are {}.", text::names(labels)));
        }
        draft = draft.action(actions::escalate(
            &service.reference,
            format!("Which pods the Service `{}` is for, or that it can go.", service.name()),
        ));
    }
    findings.add(draft.message(message));
}

/// How well the workload fits, and the selector corrected to its labels.
fn candidate<'a>(
    templates: &[Template<'_>],
    service: &Seen,
    template: Template<'a>,
) -> Option<Candidate<'a>> {
    let mut selector = Map::new();
    let mut score = 0;
    for (key, want) in service.entries("/spec/selector") {
        let want = want.as_str()?;
        match labels::get(template.labels, key) {
            Some(have) => {
                score += if have == want {
                    4
                } else if nearest::alike(have, want) {
                    3
                } else {
                    1
                };
                selector.insert(key.to_owned(), Value::from(have));
            }
            None => {
                // The same value under another key, or a slip in the key. A
                // key that the pods do not have at all is left out.
                let other = json::entries(template.labels, "").find(|(other, value)| {
                    !WRITTEN.contains(other)
                        && value.as_str().is_some()
                        && (value.as_str() == Some(want) || nearest::distance(other, key) <= 2)
                });
                if let Some((other, value)) = other {
                    score += if value.as_str() == Some(want) { 3 } else { 2 };
                    selector.insert(other.to_owned(), value.clone());
                } else {
                    score -= 1;
                }
            }
        }
    }
    if selector.is_empty() {
        return None;
    }
    let name = template.seen.name();
    if name == service.name() {
        score += 3;
    } else if nearest::alike(name, service.name()) {
        score += 2;
    }
    if templates.len() == 1 {
        score += 2;
    }
    if super::target_ports(service).any(|port| declares(&template, port)) {
        score += 1;
    }
    // One Service for several workloads is rarely what a slip hides.
    let whole = Value::Object(selector.clone());
    let picked = templates.iter().filter(|other| labels::map_matches(&whole, other.labels)).count();
    if picked > 1 {
        score -= 2;
    }
    Some(Candidate { template, selector, score })
}

/// Whether a container declares the port, by number or by name.
fn declares(template: &Template<'_>, port: &Value) -> bool {
    behind::containers(template.spec()).iter().flat_map(|(_, container)| json::list(container, "/ports")).any(
        |declared| match port {
            Value::String(name) => json::text(declared, "/name") == Some(name.as_str()),
            number => {
                number.as_i64().is_some() && json::integer(declared, "/containerPort") == number.as_i64()
            }
        },
    )
}

fn labels_pointer(template: &Template<'_>) -> &'static str {
    if template.seen.reference.kind == "Pod" { "/metadata/labels" } else { "/spec/template/metadata/labels" }
}

fn shown_labels(all: &Value) -> String {
    json::entries(all, "")
        .filter(|(key, _)| !WRITTEN.contains(key))
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .take(6)
        .collect::<Vec<_>>()
        .join(",")
}
