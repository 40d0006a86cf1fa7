//! The continue token of a list that may span several namespaces: which
//! namespace is next, the server's own token within it, and what happened so
//! far. Guests hold it, so nothing in it is trusted: it is bound to its query
//! by a digest and can only make the same list begin elsewhere.

use sha2::{Digest, Sha256};
use sickbay_core::{
    cluster::ListQuery,
    error::{CallError, ErrorKind},
};

/// How far a list came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Index of the namespace that comes next.
    pub(super) scope: usize,
    /// The whole cluster was refused, and namespaces are asked one by one.
    pub(super) fell_back: bool,
    /// At least one namespace answered.
    pub(super) answered: bool,
    /// Something is missing from the answer.
    pub(super) partial: bool,
    /// The server's token.
    pub(super) server: Option<String>,
}

impl Cursor {
    pub(super) fn encode(&self, query: &ListQuery) -> String {
        let flags = u8::from(self.fell_back) | u8::from(self.answered) << 1 | u8::from(self.partial) << 2;
        format!(
            "live1.{}.{}.{flags}.{}",
            fingerprint(query),
            self.scope,
            self.server.as_deref().unwrap_or_default()
        )
    }

    pub(super) fn decode(token: &str, query: &ListQuery) -> Result<Self, CallError> {
        let mut parts = token.splitn(5, '.');
        let mut part = || parts.next().ok_or_else(refused);
        if part()? != "live1" || part()? != fingerprint(query) {
            return Err(refused());
        }
        let scope = part()?.parse::<u32>().map_err(|_| refused())? as usize;
        let flags = part()?.parse::<u8>().map_err(|_| refused())?;
        let server = part()?;
        Ok(Self {
            scope,
            fell_back: flags & 1 != 0,
            answered: flags & 2 != 0,
            partial: flags & 4 != 0,
            server: (!server.is_empty()).then(|| server.to_owned()),
        })
    }
}

fn refused() -> CallError {
    CallError::new(
        ErrorKind::InvalidInput,
        "bad-continue",
        "the `continue` token does not belong to this list",
    )
    .with_hint("ask for the first page again, without a token")
}

/// What must stay the same from page to page. The page size may change.
fn fingerprint(query: &ListQuery) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(&query.kind);
    add(query.label_selector.as_deref().unwrap_or_default());
    add(query.field_selector.as_deref().unwrap_or_default());
    for namespace in &query.namespaces {
        add(namespace);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(kind: &str, namespaces: &[&str]) -> ListQuery {
        ListQuery {
            kind: kind.into(),
            namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
            ..ListQuery::default()
        }
    }

    #[test]
    fn cursors_come_back_as_they_went() {
        for server in [None, Some("eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"), Some("with.dots.and=signs/+")] {
            for (fell_back, answered, partial) in
                [(false, false, false), (true, false, true), (false, true, true), (true, true, false)]
            {
                let cursor =
                    Cursor { scope: 3, fell_back, answered, partial, server: server.map(str::to_owned) };
                let query = query("pods", &["a", "b"]);
                assert_eq!(Cursor::decode(&cursor.encode(&query), &query).unwrap(), cursor);
            }
        }
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let token = Cursor::default().encode(&query("pods", &["a"]));
        for other in [query("pods", &["a", "b"]), query("pods", &[]), query("secrets", &["a"])] {
            assert_eq!(Cursor::decode(&token, &other).unwrap_err().code, "bad-continue");
        }
    }

    #[test]
    fn odd_tokens_are_refused() {
        let query = query("pods", &[]);
        let print = fingerprint(&query);
        for token in [
            String::new(),
            "live1".into(),
            "live2.x.0.0.".into(),
            format!("live1.{print}.-1.0.x"),
            format!("live1.{print}.99999999999.0.x"),
            format!("live1.{print}.0.900.x"),
            format!("live1.{print}.0.0"),
        ] {
            assert_eq!(Cursor::decode(&token, &query).unwrap_err().kind, ErrorKind::InvalidInput, "{token}");
        }
    }
}
