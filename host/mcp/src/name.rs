//! The name by which a model calls a tool of a server.
//!
//! `SERVER__TOOL`, of the characters that every provider takes. It depends on
//! nothing but both names, so that no tool that a server adds can take over
//! the name of another: where a character had to be replaced, or the name cut,
//! a hash of both names says which tool it is.

use sickbay_core::digest::Digest;

/// Characters of a shown name at most: what providers take.
pub const LONGEST: usize = 64;
/// Hexadecimal digits of the hash.
const HASH: usize = 8;

/// The shown name of a server's tool.
#[must_use]
pub fn shown(server: &str, tool: &str) -> String {
    let plain: String = tool.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let server: String = server.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let whole = format!("{server}__{plain}");
    if plain == tool && !tool.is_empty() && whole.len() <= LONGEST {
        return whole;
    }
    // Every character has one byte by now.
    let kept = whole.get(..whole.len().min(LONGEST - HASH - 1)).unwrap_or_default();
    format!("{kept}_{}", hash(&[&server, tool]))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn hash(parts: &[&str]) -> String {
    // Each part with its length, so that no two lists of parts are one text.
    let whole: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Digest::of(whole.as_bytes()).hex().chars().take(HASH).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_names_stay_as_they_are_and_others_get_a_hash() {
        assert_eq!(shown("time", "get_current-Time2"), "time__get_current-Time2");
        for tool in ["pods.list", "pods list", "", "größe", "a/b", "\u{202e}evil"] {
            let name = shown("k8s", tool);
            assert!(name.starts_with("k8s__") && name.len() > "k8s__".len() + HASH, "{tool} {name}");
        }
        assert_ne!(shown("a", "pods.list"), shown("a", "pods/list"));
        assert_ne!(shown("a", "pods.list"), shown("a", "pods_list"));
        let long = "x".repeat(100);
        assert_eq!(shown("a", &long).len(), LONGEST);
        assert_ne!(shown("a", &long), shown("a", &format!("{long}y")));
    }

    proptest! {
        #[test]
        fn any_name_is_one_that_providers_take(server in "[a-z0-9-]{1,32}", tool: String) {
            let name = shown(&server, &tool);
            prop_assert!(!name.is_empty() && name.len() <= LONGEST);
            prop_assert!(name.chars().all(is_plain));
            prop_assert_eq!(&name, &shown(&server, &tool));
        }

        #[test]
        fn different_tools_have_different_names(tools in proptest::collection::hash_set("[a-c._/]{0,6}", 1..40)) {
            let names: HashSet<String> = tools.iter().map(|tool| shown("s", tool)).collect();
            prop_assert_eq!(names.len(), tools.len());
        }
    }
}
