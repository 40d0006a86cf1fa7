//! The rules of a role: verbs of each resource, in as few rules as say it exactly.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{kinds::Scope, resource::Resource};

/// In the order in which roles are commonly written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    Get,
    List,
    Create,
    Patch,
    Delete,
}

impl Verb {
    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// By scope, group and path.
    verbs: BTreeMap<(Scope, String, String), BTreeSet<Verb>>,
}

impl Rules {
    pub(super) fn add(&mut self, resource: &Resource, verbs: &[Verb]) {
        let key = (resource.scope, resource.group.clone(), resource.path());
        self.verbs.entry(key).or_default().extend(verbs);
    }

    pub(super) fn of(&self, scope: Scope) -> Vec<Value> {
        self.rules(|other| other == scope)
    }

    pub(super) fn all(&self) -> Vec<Value> {
        self.rules(|_| true)
    }

    /// Resources of one group with the same verbs share a rule.
    fn rules(&self, wanted: impl Fn(Scope) -> bool) -> Vec<Value> {
        let mut shared: BTreeMap<(&str, &BTreeSet<Verb>), BTreeSet<&str>> = BTreeMap::new();
        for ((scope, group, path), verbs) in &self.verbs {
            if wanted(*scope) {
                shared.entry((group, verbs)).or_default().insert(path);
            }
        }
        let mut rules: Vec<_> = shared.into_iter().collect();
        rules.sort_by(|((group, _), paths), ((other, _), others)| (group, paths).cmp(&(other, others)));
        rules
            .into_iter()
            .map(|((group, verbs), paths)| {
                let verbs: Vec<&str> = verbs.iter().map(|verb| verb.as_str()).collect();
                json!({"apiGroups": [group], "resources": paths, "verbs": verbs})
            })
            .collect()
    }
}
