//! The least that a profile's plugins need, as Kubernetes manifests for an
//! administrator to read and apply.
//!
//! What is read and changed comes from the plugins' own declarations. Nothing
//! here is ever a wildcard, and Secrets are left out unless they are asked for.

mod kinds;
mod resource;
mod rules;
mod yaml;

use serde_json::{Value, json};

pub use self::{
    kinds::{Builtin, Scope, builtin_kind},
    yaml::yaml,
};
use self::{
    resource::Resource,
    rules::{Rules, Verb},
};
use crate::{
    remediation::{ChangeNeed, ChangeVerb},
    text::clean_line,
};

/// Who is to hold the role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Roles alone, to be bound by hand.
    Nobody,
    /// It is made as well.
    ServiceAccount {
        namespace: String,
        name: String,
    },
    User(String),
    Group(String),
}

/// Whether Secrets may be read where a plugin asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretAccess {
    #[default]
    Never,
    WhereAsked,
}

/// What a role is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRequest {
    /// Of the roles and their bindings.
    pub name: String,
    pub subject: Subject,
    /// As `apps/v1/Deployment`, `v1/Pod/log`.
    pub reads: Vec<String>,
    pub changes: Vec<ChangeNeed>,
    /// Empty: the whole cluster.
    pub namespaces: Vec<String>,
    pub secrets: SecretAccess,
}

/// Manifests, and what a person has to know about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessManifests {
    pub manifests: Vec<Value>,
    pub notes: Vec<String>,
}

const API: &str = "rbac.authorization.k8s.io/v1";

/// The manifests that grant what is asked for, and no more.
#[must_use]
pub fn manifests(request: &AccessRequest) -> AccessManifests {
    let mut notes = Vec::new();
    let (rules, writes) = rules_of(request, &mut notes);
    let name = role_name(&request.name);
    let mut manifests = Vec::new();
    if let Subject::ServiceAccount { namespace, name } = &request.subject {
        manifests.push(json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"namespace": namespace, "name": name},
        }));
    }
    let (inner, mut outer) = if request.namespaces.is_empty() {
        (Vec::new(), rules.all())
    } else {
        (rules.of(Scope::Namespace), rules.of(Scope::Cluster))
    };
    // Locks go by the uid of that Namespace, where it can be read.
    if writes && request.namespaces.is_empty() {
        outer.push(json!({
            "apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"],
        }));
    } else if writes {
        let text =
            "without `get` on the Namespace `kube-system`, the cluster is told from others by its address";
        note(&mut notes, text.to_owned());
    }
    if !outer.is_empty() {
        role(&mut manifests, "ClusterRole", None, &name, &outer, &request.subject);
    }
    for namespace in &request.namespaces {
        if !inner.is_empty() {
            role(&mut manifests, "Role", Some(namespace), &name, &inner, &request.subject);
        }
    }
    AccessManifests { manifests, notes }
}

/// The rules, and whether something is changed by them.
fn rules_of(request: &AccessRequest, notes: &mut Vec<String>) -> (Rules, bool) {
    let mut rules = Rules::default();
    for text in &request.reads {
        let Some(resource) = known(text, request.secrets, notes) else { continue };
        rules.add(&resource, &[Verb::Get]);
        // There is nothing to list of a log.
        if resource.part.is_none() {
            rules.add(&resource, &[Verb::List]);
        }
    }
    let mut writes = false;
    for need in &request.changes {
        for kind in &need.kinds {
            let Some(resource) = known(kind, request.secrets, notes) else { continue };
            writes |= change(&mut rules, need.verb, &resource, notes);
        }
    }
    if writes {
        // What the host itself needs: the pods that a change reaches, the
        // budgets that guard them, and a note about each change.
        let host = [
            (Resource::builtin("", "Pod"), &[Verb::Get, Verb::List][..]),
            (Resource::builtin("policy", "PodDisruptionBudget"), &[Verb::Get, Verb::List]),
            (Resource::builtin("", "Event"), &[Verb::Create]),
        ];
        for (resource, verbs) in host {
            rules.add(&resource, verbs);
        }
    }
    (rules, writes)
}

/// Adds what a kind of change needs; false where it changes nothing here.
fn change(rules: &mut Rules, verb: ChangeVerb, resource: &Resource, notes: &mut Vec<String>) -> bool {
    let is_pod = resource.group.is_empty() && resource.kind == "Pod";
    match verb {
        ChangeVerb::Patch | ChangeVerb::Scale | ChangeVerb::Restart => {
            rules.add(resource, &[Verb::Get, Verb::Patch]);
            if resource.group == "rbac.authorization.k8s.io" {
                let plural = &resource.plural;
                note(
                    notes,
                    format!(
                        "to change {plural}, one must hold all that they grant; the verb `escalate` is not given here"
                    ),
                );
            }
        }
        ChangeVerb::RolloutUndo => {
            rules.add(resource, &[Verb::Get, Verb::Patch]);
            let kept = if resource.kind == "Deployment" { "ReplicaSet" } else { "ControllerRevision" };
            rules.add(&Resource::builtin("apps", kept), &[Verb::Get, Verb::List]);
        }
        ChangeVerb::Evict => {
            rules.add(resource, &[Verb::Get]);
            rules.add(&resource.with_part("eviction"), &[Verb::Create]);
        }
        ChangeVerb::Delete => {
            rules.add(resource, &[Verb::Get, Verb::Delete]);
            // The controller of a pod makes another one; all else is made
            // again by the host, where the deletion is taken back.
            if !is_pod {
                rules.add(resource, &[Verb::Create]);
            }
        }
        ChangeVerb::Create => rules.add(resource, &[Verb::Get, Verb::Create, Verb::Delete]),
        ChangeVerb::HttpRequest | ChangeVerb::Instruction => return false,
    }
    true
}

/// The resource of a kind, where there is one that may be granted.
fn known(text: &str, secrets: SecretAccess, notes: &mut Vec<String>) -> Option<Resource> {
    let shown = clean_line(text, 120);
    let Some(resource) = Resource::parse(text) else {
        note(notes, format!("`{shown}` names no kind, and nothing is granted for it"));
        return None;
    };
    if resource.group.is_empty() && resource.kind == "Secret" && secrets == SecretAccess::Never {
        note(
            notes,
            "Secrets are left out: what is said of them will be that they can not be read".to_owned(),
        );
        return None;
    }
    if !resource.is_known {
        note(
            notes,
            format!(
                "`{shown}` is no kind of Kubernetes itself: `{}` in a namespace is a guess, `kubectl api-resources` tells",
                resource.plural
            ),
        );
    }
    Some(resource)
}

fn note(notes: &mut Vec<String>, text: String) {
    if !notes.contains(&text) {
        notes.push(text);
    }
}

fn role(
    manifests: &mut Vec<Value>,
    kind: &str,
    namespace: Option<&String>,
    name: &str,
    rules: &[Value],
    subject: &Subject,
) {
    let mut metadata = json!({"name": name});
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    manifests.push(json!({"apiVersion": API, "kind": kind, "metadata": metadata, "rules": rules}));
    let group = "rbac.authorization.k8s.io";
    let bound = match subject {
        Subject::Nobody => return,
        Subject::ServiceAccount { namespace, name } => {
            json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
        }
        Subject::User(name) => json!({"kind": "User", "apiGroup": group, "name": name}),
        Subject::Group(name) => json!({"kind": "Group", "apiGroup": group, "name": name}),
    };
    manifests.push(json!({
        "apiVersion": API,
        "kind": format!("{kind}Binding"),
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": kind, "name": name},
        "subjects": [bound],
    }));
}

/// Lower-case letters, digits, hyphens and dots, as API servers take names.
fn role_name(text: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().take(200).map(fit).collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "sickbay".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
