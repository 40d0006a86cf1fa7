//! The revisions of a workload, and what changed in its template from one to
//! the next: the first question when something broke after a roll-out.

use serde_json::{Value, json};
use sickbay_plugin::text::{Keep, count, line};

use super::{Tool, object_name};
use crate::{
    difference::differences,
    json, kinds,
    look::{Look, Row, Seen, name, query, reference},
    missing::{not_there, place},
    output::{Answer, Stop, most_bytes},
    schema,
};

const KINDS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet"];
/// Revisions that are told, the newest.
const MOST: usize = 10;

pub(super) static TOOL: Tool = Tool {
    name: "rollout_history",
    description: "The revisions of a Deployment, StatefulSet or DaemonSet, the newest last, each with what changed in its pod \
                  template since the one before: image, env, command, resources, probes. Ask it when something broke after a \
                  change. The first line names the observation to cite.",
    properties: || {
        vec![
            schema::text("kind", 253, "`Deployment`, `StatefulSet` or `DaemonSet`; Deployment by default"),
            schema::name(),
            schema::namespace(),
            schema::max_bytes(),
        ]
    },
    required: &["name"],
    run: |look, arguments| {
        let most = most_bytes(arguments)?;
        let kind = kinds::resolve(look, arguments.text("kind")?.unwrap_or("Deployment"))?;
        if kind.group() != "apps" || !KINDS.contains(&kind.kind.as_str()) {
            return Err(Stop::Told(format!(
                "{} has no roll-out history; {} have one",
                line(&kind.kind, 80),
                KINDS.join(", ")
            )));
        }
        let wanted = object_name(arguments)?;
        let namespace = place(look, &kind, arguments.text("namespace")?, wanted)?;
        let object = kind.object(namespace.as_deref(), wanted);
        let Some(seen) = look.find(&object)? else {
            return Err(not_there(look, &kind, namespace.as_deref(), wanted));
        };
        let (keeper, fields): (&str, &[&str]) = if kind.kind == "Deployment" {
            (
                "ReplicaSet",
                &[
                    "/metadata/annotations",
                    "/metadata/ownerReferences",
                    "/metadata/creationTimestamp",
                    "/spec/replicas",
                    "/spec/template",
                    "/status/replicas",
                    "/status/readyReplicas",
                ],
            )
        } else {
            (
                "ControllerRevision",
                &[
                    "/metadata/annotations",
                    "/metadata/ownerReferences",
                    "/metadata/creationTimestamp",
                    "/revision",
                    "/data",
                ],
            )
        };
        let namespaces: Vec<String> = object.namespace.iter().cloned().collect();
        let listed = look.list(query(&kinds::stable(keeper), &namespaces, fields))?;
        let mut kept: Vec<Revision<'_>> =
            listed.rows.iter().filter(|row| is_owned(row, &kind.kind, &seen)).map(Revision::of).collect();
        kept.sort_by(|one, other| {
            (one.number, &one.created, one.name).cmp(&(other.number, &other.created, other.name))
        });
        let title = name(&kind.kind, object.namespace.as_deref(), wanted);
        let mut answer = Answer::new(
            format!(
                "observation {}: {} of {title}, kept as {keeper}, the newest last",
                listed.observation(),
                count(kept.len(), "revision")
            ),
            most,
        );
        answer.head.extend(look.caution(keeper, listed.coverage));
        answer.head.push(format!("the object itself is observation {}", seen.observation));
        let current = seen.value.pointer("/spec/template").cloned().unwrap_or(Value::Null);
        let (lines, rows) = told(look, &kept, &current);
        answer.keep = Keep::Last;
        answer.lines = lines;
        let total = answer.lines.len();
        Ok(answer.output(
            |shown| format!("… {} earlier lines left out: raise `max_bytes`", total - shown),
            |_| json!({ "observation": listed.observations.first(), "object": reference(&object), "revisions": rows }),
        ))
    },
};

/// One template that was.
struct Revision<'r> {
    /// 0 where it does not say.
    number: i64,
    name: &'r str,
    created: Option<String>,
    template: Value,
    cause: Option<&'r str>,
    /// `3 of 3 ready`, where it is a ReplicaSet that still has pods.
    pods: Option<String>,
}

impl<'r> Revision<'r> {
    fn of(row: &'r Row) -> Self {
        let value = &row.value;
        let number = json::integer(value, "/metadata/annotations/deployment.kubernetes.io~1revision")
            .or_else(|| json::integer(value, "/revision"))
            .unwrap_or(0);
        let template = value.pointer("/spec/template").or_else(|| value.pointer("/data/spec/template"));
        let replicas = json::integer(value, "/status/replicas").filter(|replicas| *replicas > 0);
        let ready = json::integer(value, "/status/readyReplicas").unwrap_or(0);
        Self {
            number,
            name: row.name(),
            created: json::text(value, "/metadata/creationTimestamp").map(str::to_owned),
            template: plain(template),
            cause: json::text(value, "/metadata/annotations/kubernetes.io~1change-cause"),
            pods: replicas.map(|replicas| format!("{ready} of {replicas} pods ready")),
        }
    }
}

/// The template without what revisions carry besides.
fn plain(template: Option<&Value>) -> Value {
    let mut template = template.cloned().unwrap_or(Value::Null);
    if let Some(map) = template.as_object_mut() {
        map.remove("$patch");
    }
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
    }
    template
}

fn is_owned(row: &Row, kind: &str, owner: &Seen) -> bool {
    let uid = json::text(&owner.value, "/metadata/uid");
    json::list(&row.value, "/metadata/ownerReferences").iter().any(|reference| {
        json::text(reference, "/kind") == Some(kind)
            && match (uid, json::text(reference, "/uid")) {
                (Some(uid), Some(of)) => uid == of,
                _ => json::text(reference, "/name") == json::text(&owner.value, "/metadata/name"),
            }
    })
}

fn told(look: &Look<'_>, kept: &[Revision<'_>], current: &Value) -> (Vec<String>, Vec<Value>) {
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    let from = kept.len().saturating_sub(MOST);
    if from > 0 {
        lines.push(format!("… {from} older revisions left out"));
    }
    let now = plain(Some(current));
    for (at, revision) in kept.iter().enumerate().skip(from) {
        let mut first = format!(
            "revision {} ({}), {} ago",
            revision.number,
            line(revision.name, 253),
            look.clock.age(revision.created.as_deref())
        );
        first += &revision.pods.as_deref().map(|pods| format!(", {pods}")).unwrap_or_default();
        if !now.is_null() && differences(&revision.template, &now).is_empty() {
            first += ", the current template";
        }
        if let Some(cause) = revision.cause {
            first += &format!(", cause: {}", line(cause, 200));
        }
        lines.push(first);
        let changes = match at.checked_sub(1).and_then(|before| kept.get(before)) {
            None => Vec::new(),
            Some(before) => differences(&before.template, &revision.template),
        };
        match (at, changes.is_empty()) {
            (0, _) => lines.extend(images(&revision.template)),
            (_, true) => lines.push("  its template is that of the revision before".to_owned()),
            _ => lines.extend(changes.iter().map(|change| format!("  {change}"))),
        }
        rows.push(json!({
            "revision": revision.number, "name": revision.name, "created": revision.created,
            "cause": revision.cause, "changes": changes,
        }));
    }
    if kept.is_empty() {
        lines.push("no revision is known, so what changed can not be told".to_owned());
    }
    (lines, rows)
}

fn images(template: &Value) -> Vec<String> {
    json::list(template, "/spec/containers")
        .iter()
        .take(20)
        .map(|container| {
            let said = |pointer: &str| {
                json::text(container, pointer).map_or_else(|| "-".to_owned(), |text| line(text, 253))
            };
            format!("  container {}: image {}", said("/name"), said("/image"))
        })
        .collect()
}
