//! What pod templates refer to and is not there: ConfigMaps and Secrets, their
//! keys, claims, ServiceAccounts.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    actions,
    context::{Context, Template},
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json,
    rules::pod::works_in_part,
    snapshot::Existence,
    text,
};

/// One mention of another object in a template.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mention {
    kind: &'static str,
    name: String,
    key: Option<String>,
    /// Into the pod spec.
    pointer: String,
}

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for template in context.templates("") {
        if template.seen.terminating() || template.seen.integer("/spec/replicas") == Some(0) {
            continue;
        }
        let mut said: BTreeSet<(&'static str, String)> = BTreeSet::new();
        for mention in mentions(template.spec()) {
            if said.insert((mention.kind, format!("{}/{:?}", mention.name, mention.key))) {
                judge(context, &template, &mention, findings);
            }
        }
    }
}

/// Everything that the template can not do without.
fn mentions(spec: &Value) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut push = |kind: &'static str,
                    name: Option<&str>,
                    key: Option<&str>,
                    pointer: String,
                    optional: Option<bool>| {
        if let Some(name) = name.filter(|name| !name.is_empty() && optional != Some(true)) {
            found.push(Mention { kind, name: name.to_owned(), key: key.map(str::to_owned), pointer });
        }
    };
    for list in ["containers", "initContainers"] {
        for (at, container) in json::list(spec, &format!("/{list}")).iter().enumerate() {
            for (place, variable) in json::list(container, "/env").iter().enumerate() {
                for (kind, field) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
                    let Some(source) = variable.pointer(&format!("/valueFrom/{field}")) else { continue };
                    let pointer = format!("/{list}/{at}/env/{place}/valueFrom/{field}");
                    push(
                        kind,
                        json::text(source, "/name"),
                        json::text(source, "/key"),
                        pointer,
                        json::flag(source, "/optional"),
                    );
                }
            }
            for (place, source) in json::list(container, "/envFrom").iter().enumerate() {
                for (kind, field) in [("ConfigMap", "configMapRef"), ("Secret", "secretRef")] {
                    let Some(source) = source.get(field) else { continue };
                    let pointer = format!("/{list}/{at}/envFrom/{place}/{field}");
                    push(kind, json::text(source, "/name"), None, pointer, json::flag(source, "/optional"));
                }
            }
        }
    }
    for (at, volume) in json::list(spec, "/volumes").iter().enumerate() {
        let optional = |field: &str| volume.pointer(&format!("/{field}/optional")).and_then(Value::as_bool);
        push(
            "ConfigMap",
            json::text(volume, "/configMap/name"),
            None,
            format!("/volumes/{at}/configMap"),
            optional("configMap"),
        );
        push(
            "Secret",
            json::text(volume, "/secret/secretName"),
            None,
            format!("/volumes/{at}/secret"),
            optional("secret"),
        );
        push(
            "PersistentVolumeClaim",
            json::text(volume, "/persistentVolumeClaim/claimName"),
            None,
            format!("/volumes/{at}/persistentVolumeClaim"),
            None,
        );
        for (field, kind, name) in
            [("configMap", "ConfigMap", "/configMap/name"), ("secret", "Secret", "/secret/secretName")]
        {
            let owner = json::text(volume, name);
            for (place, item) in json::list(volume, &format!("/{field}/items")).iter().enumerate() {
                push(
                    kind,
                    owner,
                    json::text(item, "/key"),
                    format!("/volumes/{at}/{field}/items/{place}"),
                    optional(field),
                );
            }
        }
    }
    for (at, secret) in json::list(spec, "/imagePullSecrets").iter().enumerate() {
        push("Secret", json::text(secret, "/name"), None, format!("/imagePullSecrets/{at}"), None);
    }
    push(
        "ServiceAccount",
        json::text(spec, "/serviceAccountName"),
        None,
        "/serviceAccountName".to_owned(),
        None,
    );
    found
}

fn judge(context: &Context<'_>, template: &Template<'_>, mention: &Mention, findings: &mut Findings) {
    let space = template.namespace();
    let owner = &template.seen.reference;
    let pull = mention.pointer.starts_with("/imagePullSecrets");
    // Every namespace has these, recorded or not.
    if mention.name == "kube-root-ca.crt" || mention.kind == "ServiceAccount" && mention.name == "default" {
        return;
    }
    let existence = context.snapshot.existence(mention.kind, space, &mention.name);
    let shown = text::clean(&mention.name, 100);
    let object = ObjectRef::new("v1", mention.kind, Some(space), &mention.name);
    let pointer = format!("{}{}", template.pointer, mention.pointer);
    let broken = !works_in_part(context, owner);
    if existence == Existence::Present {
        // A claim that is stuck explains the pods; a key that is not there, too.
        if let (Some(key), Some(seen)) = (&mention.key, context.snapshot.object(&object)) {
            let has = |map: &str| seen.entries(map).any(|(name, _)| name == key);
            let known = seen.at("/data").is_object() || seen.at("/binaryData").is_object();
            if known && !has("/data") && !has("/binaryData") {
                missing_key(context, template, mention, seen, key, &pointer, broken, findings);
            }
        }
        return;
    }
    let here = || {
        context
            .snapshot
            .all(mention.kind)
            .filter(|seen| seen.namespace() == space)
            .map(crate::seen::Seen::name)
    };
    let near = here().find(|name| text::near(name, &mention.name));
    let elsewhere = context
        .snapshot
        .all(mention.kind)
        .find(|seen| seen.name() == mention.name && seen.namespace() != space);
    let (severity, confidence) = match existence {
        Existence::Absent if pull => (Severity::Info, 0.8),
        Existence::Absent if broken => (Severity::Critical, 0.93),
        // Pods that run already took what they needed when they started.
        Existence::Absent => (Severity::Warning, 0.8),
        Existence::NotRecorded if context.manifests_only && !pull => {
            (Severity::Warning, if near.is_some() { 0.8 } else { 0.55 })
        }
        Existence::Unknown if context.manifests_only && mention.kind == "PersistentVolumeClaim" => {
            (Severity::Warning, 0.5)
        }
        Existence::Unknown if context.manifests_only && mention.kind == "ConfigMap" => {
            (Severity::Warning, 0.5)
        }
        Existence::Unknown if context.manifests_only && mention.kind == "Secret" && !pull => {
            (Severity::Info, 0.4)
        }
        _ => return,
    };
    let hint = match (near, elsewhere) {
        (Some(near), _) => format!(" `{}` is meant, perhaps.", text::clean(near, 100)),
        (None, Some(elsewhere)) => {
            format!(" One of that name is in the namespace `{}`.", text::clean(elsewhere.namespace(), 80))
        }
        _ => String::new(),
    };
    let consequence = match mention.kind {
        "PersistentVolumeClaim" => "its pods stay Pending without it",
        "ServiceAccount" => "its pods are not created without it",
        _ if pull => "private images are not pulled without it",
        _ => "its pods do not start without it",
    };
    let draft = Draft::new(severity, template.seen, format!("{}Missing", mention.kind), &pointer)
        .message(format!(
            "{owner} refers to the {} `{shown}`, which {}: {consequence}.{hint}",
            mention.kind,
            existence.phrase()
        ))
        .confidence(confidence)
        .action(actions::escalate(
            owner,
            format!("The {} `{shown}`, or a reference to another one.", mention.kind),
        ));
    findings.add(unless_told(draft, findings, &mention.name));
}

/// Where the kubelet or the API server named the same object, the reference is
/// one more piece of evidence for that finding and says nothing new.
fn unless_told(mut draft: Draft, findings: &Findings, name: &str) -> Draft {
    let quoted = text::clean(name, 100);
    let told = findings.drafts().iter().any(|other| {
        other.object.same(&draft.object)
            && other.severity != Severity::Info
            && matches!(
                other.reason.as_str(),
                "CreateContainerConfigError" | "CreateContainerError" | "FailedMount" | "FailedCreate"
            )
            && other.message.contains(&quoted)
    });
    if told {
        draft.generic = true;
        draft.message.clear();
    }
    draft
}

#[expect(clippy::too_many_arguments, reason = "everything that the one caller has found out")]
fn missing_key(
    context: &Context<'_>,
    template: &Template<'_>,
    mention: &Mention,
    seen: &crate::seen::Seen,
    key: &str,
    pointer: &str,
    broken: bool,
    findings: &mut Findings,
) {
    let owner = &template.seen.reference;
    let keys: Vec<&str> = seen.entries("/data").map(|(key, _)| key).collect();
    let near = keys.iter().find(|candidate| text::near(candidate, key));
    let hint =
        near.map(|near| format!(" `{}` is meant, perhaps.", text::clean(near, 80))).unwrap_or_default();
    let severity = match (broken, context.manifests_only) {
        (true, _) => Severity::Critical,
        _ => Severity::Warning,
    };
    let draft = Draft::new(severity, template.seen, format!("{}KeyMissing", mention.kind), pointer)
        .see(seen, "/metadata/name")
        .message(format!(
            "{owner} refers to the key `{}` of the {} `{}`, which has {}.{hint}",
            text::clean(key, 80),
            mention.kind,
            seen.name(),
            text::names(&keys)
        ))
        .confidence(0.9)
        .action(actions::escalate(
            owner,
            format!(
                "The key `{}` in the {} `{}`, or a reference to another key.",
                text::clean(key, 80),
                mention.kind,
                seen.name()
            ),
        ));
    findings.add(unless_told(draft, findings, key));
}
