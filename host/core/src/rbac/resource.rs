//! A kind as plugins write it, as the resource that a role names.

use super::kinds::{Scope, builtin_kind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) plural: String,
    /// A subresource, such as `log`.
    pub(super) part: Option<String>,
    pub(super) scope: Scope,
    /// Whether Kubernetes ships the kind: of others, plural and scope are guesses.
    pub(super) is_known: bool,
}

impl Resource {
    /// Takes `Pod`, `v1/Pod`, `v1/Pod/log`, `apps/v1/Deployment` and `apps/v1/Deployment/scale`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let pieces: Vec<&str> = text.split('/').collect();
        let (group, kind, part) = match pieces.as_slice() {
            [kind] => (None, *kind, None),
            [version, kind] if is_version(version) => (Some(""), *kind, None),
            [version, kind, part] if is_version(version) => (Some(""), *kind, Some(*part)),
            [group, version, kind] if is_version(version) => (Some(*group), *kind, None),
            [group, version, kind, part] if is_version(version) => (Some(*group), *kind, Some(*part)),
            _ => return None,
        };
        let letters = |text: &str| {
            !text.is_empty() && text.len() <= 120 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let in_group =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        let group_fits = group.is_none_or(|group| group.len() <= 253 && group.bytes().all(in_group));
        let starts = kind.starts_with(|c: char| c.is_ascii_uppercase());
        if !letters(kind) || !starts || !group_fits || !part.is_none_or(letters) {
            return None;
        }
        let builtin = builtin_kind(group, kind);
        if builtin.is_none() && group.is_none_or(str::is_empty) {
            return None;
        }
        Some(Self {
            group: builtin.map_or(group.unwrap_or_default(), |builtin| builtin.group).to_owned(),
            kind: kind.to_owned(),
            plural: builtin
                .map_or_else(|| kind.to_ascii_lowercase() + "s", |builtin| builtin.plural.to_owned()),
            part: part.map(str::to_owned),
            scope: builtin.map_or(Scope::Namespace, |builtin| builtin.scope),
            is_known: builtin.is_some(),
        })
    }

    /// A kind that is known to be in the table.
    pub(super) fn builtin(group: &str, kind: &str) -> Self {
        let found = builtin_kind(Some(group), kind);
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            plural: found.map_or_else(|| kind.to_ascii_lowercase() + "s", |found| found.plural.to_owned()),
            part: None,
            scope: found.map_or(Scope::Namespace, |found| found.scope),
            is_known: found.is_some(),
        }
    }

    pub(super) fn with_part(&self, part: &str) -> Self {
        Self { part: Some(part.to_owned()), ..self.clone() }
    }

    /// `pods`, `pods/log`.
    pub(super) fn path(&self) -> String {
        match &self.part {
            Some(part) => format!("{}/{part}", self.plural),
            None => self.plural.clone(),
        }
    }
}

/// `v1`, `v2beta1`.
fn is_version(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first() == Some(&b'v')
        && bytes.get(1).is_some_and(u8::is_ascii_digit)
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
