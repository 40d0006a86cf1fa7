//! ConfigMaps that nothing uses, that are empty or too large, as notes; and
//! those whose content is not what the name of its key promises, where what
//! mounts them does not stay up.

use std::collections::{BTreeSet, HashMap};

use crate::{
    actions,
    cluster::Coverage,
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json,
    seen::Seen,
    text,
};

mod format;

/// What etcd takes.
const MOST_BYTES: usize = 1_048_576;
/// ConfigMaps that nothing uses are named by so many at most.
const MOST_UNUSED: usize = 5;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let used = Used::of(context);
    let mut unused = 0;
    for map in context.snapshot.all("ConfigMap") {
        if theirs(map) || map.terminating() {
            continue;
        }
        size(map, findings);
        let key = (map.namespace().to_owned(), map.name().to_owned());
        let workloads: Vec<&ObjectRef> = used.workloads.get(&key).into_iter().flatten().take(20).collect();
        content(context, map, &workloads, findings);
        if workloads.is_empty() && unused < MOST_UNUSED && used.known && !used.elsewhere(map) {
            unused += 1;
            crate::rules::note::add(
                findings,
                Draft::new(Severity::Info, map, "Unused", "/metadata/name")
                    .confidence(0.7)
                    .message(format!("No workload refers to the ConfigMap `{}`.", map.name())),
            );
        }
    }
}

/// Those that Kubernetes and controllers keep for themselves.
fn theirs(map: &Seen) -> bool {
    map.namespace().starts_with("kube-")
        || map.name() == "kube-root-ca.crt"
        || map.name() == "openshift-service-ca.crt"
        || map.owner().is_some()
}

/// Which workload refers to which ConfigMap.
struct Used {
    workloads: HashMap<(String, String), Vec<ObjectRef>>,
    /// Names that stand in arguments or variables: programs that read a
    /// ConfigMap through the API are told of it so.
    words: BTreeSet<String>,
    /// Every workload was listed, so that who is not here is not there.
    known: bool,
}

impl Used {
    fn of(context: &Context<'_>) -> Self {
        let mut workloads: HashMap<(String, String), Vec<ObjectRef>> = HashMap::new();
        let mut words = BTreeSet::new();
        for template in context.templates("") {
            let spec = template.spec();
            let mut add = |name: Option<&str>| {
                if let Some(name) = name {
                    let key = (template.namespace().to_owned(), name.to_owned());
                    workloads.entry(key).or_default().push(template.seen.reference.clone());
                }
            };
            for volume in json::list(spec, "/volumes") {
                add(json::text(volume, "/configMap/name"));
                for source in json::list(volume, "/projected/sources") {
                    add(json::text(source, "/configMap/name"));
                }
            }
            for list in ["/containers", "/initContainers"] {
                for container in json::list(spec, list) {
                    for variable in json::list(container, "/env") {
                        add(json::text(variable, "/valueFrom/configMapKeyRef/name"));
                        words.extend(
                            json::text(variable, "/value")
                                .filter(|value| value.len() < 300)
                                .map(str::to_owned),
                        );
                    }
                    for source in json::list(container, "/envFrom") {
                        add(json::text(source, "/configMapRef/name"));
                    }
                    for argument in
                        json::list(container, "/args").iter().chain(json::list(container, "/command"))
                    {
                        words.extend(argument.as_str().filter(|word| word.len() < 300).map(str::to_owned));
                    }
                }
            }
        }
        let known = !context.manifests_only
            && ["Pod", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job"]
                .iter()
                .all(|kind| context.snapshot.coverage(kind) == Coverage::Complete);
        Self { workloads, words, known }
    }

    /// Whether something else than a template names it.
    fn elsewhere(&self, map: &Seen) -> bool {
        self.words.iter().any(|word| word.contains(map.name()))
    }
}

fn size(map: &Seen, findings: &mut Findings) {
    let length = |list: &str| -> usize {
        map.entries(list).map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum()
    };
    let bytes = length("/data") + length("/binaryData");
    let some = map.entries("/data").next().is_some() || map.entries("/binaryData").next().is_some();
    if bytes > MOST_BYTES {
        crate::rules::note::add(
            findings,
            Draft::new(Severity::Info, map, "TooLarge", "/metadata/name").message(format!(
                "The ConfigMap `{}` holds {bytes} bytes, more than the {MOST_BYTES} that are taken.",
                map.name()
            )),
        );
    } else if !some {
        crate::rules::note::add(
            findings,
            Draft::new(Severity::Info, map, "Empty", "/metadata/name")
                .message(format!("The ConfigMap `{}` is empty.", map.name())),
        );
    }
}

/// Content that does not read as what its key's ending says. Only where a
/// workload that refers to it is not well: others read it in their own way.
fn content(context: &Context<'_>, map: &Seen, workloads: &[&ObjectRef], findings: &mut Findings) {
    let sick: Vec<&&ObjectRef> = workloads.iter().filter(|workload| crashes(context, workload)).collect();
    if sick.is_empty() && !context.manifests_only {
        return;
    }
    for (key, value) in map.entries("/data").take(200) {
        let Some(content) = value.as_str() else { continue };
        let Err(why) = format::check(key, content) else { continue };
        let severity = if sick.is_empty() { Severity::Warning } else { Severity::Critical };
        let mut draft = Draft::new(severity, map, "InvalidContent", &format!("/data/{}", json::step(key)))
            .confidence(if sick.is_empty() { 0.6 } else { 0.8 })
            .message(format!(
                "The key `{}` of the ConfigMap `{}` can not be read as what its name says: {}.{}",
                text::clean(key, 80),
                map.name(),
                text::clean(&why, 200),
                if sick.is_empty() {
                    String::new()
                } else {
                    format!(" {} refers to it and does not stay up.", text::clean(&join(&sick), 200))
                }
            ))
            .action(actions::escalate(
                &map.reference,
                format!("The right content of the key `{}`.", text::clean(key, 80)),
            ));
        for workload in &sick {
            draft = draft.explains((**workload).clone());
        }
        crate::rules::note::add(findings, draft);
    }
}

fn join(objects: &[&&ObjectRef]) -> String {
    objects.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether a pod of the workload ends again and again.
fn crashes(context: &Context<'_>, workload: &ObjectRef) -> bool {
    context.snapshot.pods.within(workload.space()).any(|pod| {
        let ends = pod.problem.as_deref().is_some_and(|problem| {
            matches!(
                problem.trim_start_matches("Init:"),
                "CrashLoopBackOff" | "Error" | "RunContainerError" | "ContainerCannotRun" | "StartError"
            )
        });
        ends && (context.workload(pod).same(workload) || pod.reference.same(workload))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fake::{FakeCluster, run};

    fn map(data: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "shop", "name": "settings"}, "data": data})
    }

    fn pod(problem: &str, config: &str) -> Value {
        let state = if problem.is_empty() { json!({}) } else { json!({"waiting": {"reason": problem}}) };
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "web"},
            "spec": {"nodeName": "n", "containers": [{"name": "c"}], "volumes": [{"configMap": {"name": config}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": if problem.is_empty() { "True" } else { "False" }}],
                "containerStatuses": [{"name": "c", "state": state}]}})
    }

    #[test]
    fn config_maps_that_people_may_tidy_up() {
        for (data, config, expect) in [
            (json!({"a": "b"}), "settings", vec![]),
            (json!({"a": "b"}), "other", vec!["Unused"]),
            (json!({}), "settings", vec!["Empty"]),
            (json!({"a": "x".repeat(MOST_BYTES)}), "settings", vec!["TooLarge"]),
        ] {
            let found = run(check, &FakeCluster::new().with(map(data)).with(pod("", config)));
            assert_eq!(found.iter().map(|found| found.reason.as_str()).collect::<Vec<_>>(), expect);
            assert!(found.iter().all(|found| found.severity == Severity::Info));
        }
    }

    #[test]
    fn content_is_judged_where_its_readers_crash() {
        for (key, content, problem, expect) in [
            ("app.json", "{\"a\": 1,}", "CrashLoopBackOff", Some(Severity::Critical)),
            ("app.json", "{\"a\": 1,}", "", None),
            ("app.json", "{\"a\": 1}", "CrashLoopBackOff", None),
            ("app.conf", "{", "CrashLoopBackOff", None),
            ("app.yaml", "a:\n\tb: 1\n", "CrashLoopBackOff", Some(Severity::Critical)),
        ] {
            let cluster = FakeCluster::new().with(map(json!({key: content}))).with(pod(problem, "settings"));
            assert_eq!(run(check, &cluster).first().map(|found| found.severity), expect, "{key} {content}");
        }
    }
}
