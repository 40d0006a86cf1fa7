//! What a rule says of names and kinds: texts with `*` for any characters.

use crate::{
    object::ObjectRef,
    rbac::{Builtin, builtin_kind},
    text::did_you_mean,
};

/// Characters of a pattern at most: as long as the longest name.
const LONGEST: usize = 253;

/// A text with `*` for any number of any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    text: String,
}

impl Glob {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// Takes time in proportion to both lengths, whatever the pattern is.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut pieces = self.text.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
            return false;
        };
        let mut last = None;
        for piece in pieces {
            // The piece before is not the last one: its first place will do.
            if let Some(piece) = last {
                match rest.split_once(piece) {
                    Some((_, after)) => rest = after,
                    None => return false,
                }
            }
            last = Some(piece);
        }
        match last {
            Some(piece) => rest.ends_with(piece),
            None => rest.is_empty(),
        }
    }
}

/// Why a text is no pattern, with what to do about it.
pub(crate) type Refusal = (String, Option<String>);

/// A pattern of namespaces.
pub(crate) fn namespace(text: &str) -> Result<Glob, Refusal> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '*');
    if text.is_empty() || text.len() > LONGEST || !text.chars().all(good) {
        let hint = "a namespace has lower-case letters, digits and hyphens; `*` stands for any of them";
        return Err((format!("`{}` is no pattern of namespaces", shown(text)), Some(hint.to_owned())));
    }
    Ok(Glob::new(text))
}

/// A pattern of names: those of some kinds have more characters than others.
pub(crate) fn name(text: &str) -> Result<Glob, Refusal> {
    let bad = |c: char| c.is_whitespace() || c == '/' || crate::text::is_hidden(c);
    if text.is_empty() || text.len() > LONGEST || text.chars().any(bad) {
        return Err((format!("`{}` is no pattern of names", shown(text)), None));
    }
    Ok(Glob::new(text))
}

/// A pattern of actions: `workload/restart`, `workload/*`, `*/scale`.
pub(crate) fn action(text: &str) -> Result<Glob, Refusal> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '*' | '/');
    let has_parts = text == "*" || text.matches('/').count() == 1;
    if text.len() > LONGEST || !text.chars().all(good) || !has_parts {
        let message = format!("`{}` is no pattern of actions", shown(text));
        let hint = if text.contains('/') || !text.chars().all(good) {
            "write it as `PLUGIN/ACTION`, with `*` for any".to_owned()
        } else {
            format!("write `*/{text}` for the action of any plugin")
        };
        return Err((message, Some(hint)));
    }
    Ok(Glob::new(text))
}

/// A pattern of kinds: `Deployment`, `Deployment.apps`, `apps/v1/Deployment`.
///
/// The version does not count: the API server takes the same object by each
/// version that it knows, and a rule must not be walked around by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KindPattern {
    /// None: any group.
    group: Option<Glob>,
    kind: Glob,
}

impl KindPattern {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let (group, kind) = match (text.rsplit_once('/'), text.split_once('.')) {
            (Some((api_version, kind)), _) => {
                (Some(api_version.split_once('/').map_or("", |(group, _)| group)), kind)
            }
            (None, Some((kind, group))) => (Some(group), kind),
            (None, None) => (None, text),
        };
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '-');
        let good_group = |group: &str| group.chars().all(|c| good(c) || c == '.');
        let starts = kind.starts_with(|c: char| c.is_ascii_uppercase() || c == '*');
        if text.len() > LONGEST || !kind.chars().all(good) || !starts || !group.is_none_or(good_group) {
            let near = near(kind);
            let hint = match near {
                Some(kind) => format!("did you mean `{kind}`?"),
                None => "write it as in a manifest: `Deployment` or `apps/v1/Deployment`".to_owned(),
            };
            return Err((format!("`{}` is no kind", shown(text)), Some(hint)));
        }
        // A word that is no kind would make a rule that never matches.
        if group.is_none() && !kind.contains('*') && builtin_kind(None, kind).is_none() {
            let hint = match near(kind) {
                Some(kind) => format!("did you mean `{kind}`?"),
                None => format!("add the group of a custom one: `{kind}.GROUP`"),
            };
            return Err((format!("Kubernetes itself has no kind `{}`", shown(kind)), Some(hint)));
        }
        let group = group.map(|group| Glob::new(today(group, kind)));
        Ok(Self { group, kind: Glob::new(kind) })
    }

    pub(crate) fn matches(&self, object: &ObjectRef) -> bool {
        let group = today(object.group(), &object.kind);
        self.kind.matches(&object.kind) && self.group.as_ref().is_none_or(|glob| glob.matches(group))
    }
}

/// The group where a kind lives today; old API servers know both.
fn today<'a>(group: &'a str, kind: &str) -> &'a str {
    match (group, kind) {
        ("extensions", "Ingress" | "NetworkPolicy") => "networking.k8s.io",
        ("extensions", "PodSecurityPolicy") => "policy",
        ("extensions", _) => "apps",
        _ => group,
    }
}

/// The kind that was meant by a plural, or by a word with a mistake in it.
fn near(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    let plural = Builtin::ALL.iter().find(|builtin| builtin.plural == lower);
    plural.map(|builtin| builtin.kind).or_else(|| did_you_mean(word, Builtin::ALL.iter().map(|b| b.kind)))
}

fn shown(text: &str) -> String {
    crate::text::clean_line(text, 80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs() {
        for (glob, name, expect) in [
            ("shop", "shop", true),
            ("shop", "shop2", false),
            ("shop", "", false),
            ("*", "", true),
            ("*", "anything", true),
            ("kube-*", "kube-system", true),
            ("kube-*", "kube", false),
            ("*-prod", "shop-prod", true),
            ("*-prod", "shop-prod2", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "xabab", true),
            ("**", "x", true),
        ] {
            assert_eq!(Glob::new(glob).matches(name), expect, "{glob} {name}");
        }
    }

    fn object(api_version: &str, kind: &str) -> ObjectRef {
        ObjectRef { api_version: api_version.into(), kind: kind.into(), namespace: None, name: "x".into() }
    }

    #[test]
    fn kinds() {
        for (pattern, api_version, kind, expect) in [
            ("Deployment", "apps/v1", "Deployment", true),
            ("Deployment", "other.example/v1", "Deployment", true),
            ("Deployment.apps", "apps/v1", "Deployment", true),
            ("Deployment.apps", "other.example/v1", "Deployment", false),
            ("apps/v1/Deployment", "apps/v1", "Deployment", true),
            ("apps/v1/Deployment", "apps/v1beta2", "Deployment", true),
            ("apps/v1/Deployment", "extensions/v1beta1", "Deployment", true),
            ("extensions/v1beta1/Deployment", "apps/v1", "Deployment", true),
            ("v1/Pod", "v1", "Pod", true),
            ("v1/Pod", "metrics.example/v1", "Pod", false),
            ("*.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1", "Role", true),
            ("*.rbac.authorization.k8s.io", "v1", "Pod", false),
            ("*", "any.example/v1", "Thing", true),
            ("Widget.example.com", "example.com/v1alpha1", "Widget", true),
            ("Secret", "v1", "ConfigMap", false),
        ] {
            let parsed = KindPattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(&object(api_version, kind)), expect, "{pattern} {api_version}/{kind}");
        }
    }

    #[test]
    fn what_is_no_kind_is_refused_with_what_was_meant() {
        for (text, message, hint) in [
            ("secrets", "`secrets` is no kind", "did you mean `Secret`?"),
            ("Secrets", "Kubernetes itself has no kind `Secrets`", "did you mean `Secret`?"),
            ("Deploymnt", "Kubernetes itself has no kind `Deploymnt`", "did you mean `Deployment`?"),
            (
                "Widget",
                "Kubernetes itself has no kind `Widget`",
                "add the group of a custom one: `Widget.GROUP`",
            ),
            ("", "`` is no kind", "write it as in a manifest: `Deployment` or `apps/v1/Deployment`"),
            ("a b", "`a b` is no kind", "write it as in a manifest: `Deployment` or `apps/v1/Deployment`"),
        ] {
            let (said, hinted) = KindPattern::parse(text).unwrap_err();
            assert_eq!((said.as_str(), hinted.as_deref()), (message, Some(hint)), "{text}");
        }
    }

    #[test]
    fn what_is_no_action_is_refused() {
        for text in ["restart", "", "a/b/c", "Work/x", "a b/c"] {
            assert!(action(text).is_err(), "{text}");
        }
        assert!(action("*").is_ok_and(|glob| glob.matches("workload/restart")));
        assert!(action("*/restart").is_ok_and(|glob| glob.matches("workload/restart")));
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_any_star_in_it(name in "[a-c]{0,8}", at in 0_usize..9, cut in 0_usize..9) {
            let at = at.min(name.len());
            let end = (at + cut).min(name.len());
            let glob = format!("{}*{}", &name[..at], &name[end..]);
            prop_assert!(Glob::new(&name).matches(&name));
            prop_assert!(Glob::new(&glob).matches(&name), "{glob} {name}");
        }

        #[test]
        fn no_text_panics(text: String, name: String) {
            let _ = Glob::new(&text).matches(&name);
            let _ = (namespace(&text), super::name(&text), action(&text), KindPattern::parse(&text));
        }
    }
}
