//! Takes credentials out of everything that leaves this crate, live or
//! recorded: objects, logs, events, error messages.
//!
//! Works on shape alone: it knows no cluster and keeps no state between calls.
//! The values of Secrets go whatever they look like; elsewhere a name that
//! speaks of a credential, or a string shaped like one, decides. Image
//! digests, UIDs and hashes of templates stay, because diagnosis needs them.
//! Doing it twice gives the same as doing it once.

mod name;
mod object;
mod text;
mod token;

use std::borrow::Cow;

pub(crate) use object::{clean, redact_tree};
pub use text::{lines, text};

use crate::tree::Tree;

/// Stands where a credential stood.
pub const MARK: &str = "[redacted]";

/// One object as JSON text: redacted, without the noise that nobody reads
/// (`managedFields[].fieldsV1`, the last applied manifest), compact.
///
/// # Errors
/// Where the text is no JSON, or nested deeper than 128 levels.
pub fn object(json: &str) -> Result<String, serde_json::Error> {
    let mut tree = Tree::parse(json)?;
    clean(&mut tree);
    redact_tree(&mut tree);
    Ok(tree.to_json())
}

/// A message for people, that may quote what a server or a file said.
#[must_use]
pub fn message(text_: &str) -> String {
    match text(text_) {
        Cow::Borrowed(same) => same.to_owned(),
        Cow::Owned(changed) => changed,
    }
}
