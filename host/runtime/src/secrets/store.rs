//! The file of secrets: one entry for each name, with its audience.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use sickbay_core::{
    lock::{NAME_RULE, is_name},
    secret::Secret,
    text::{clean_line, did_you_mean},
};

use super::{origin, problem};
use crate::{error::Failure, file, folders::Folders};

const VERSION: u32 = 1;
const MAX_FILE: u64 = 4 * 1024 * 1024;
const MOST: usize = 1_000;

/// All secrets, as they are now.
#[derive(Clone, Debug)]
pub struct SecretStore {
    path: PathBuf,
    folder: PathBuf,
    entries: BTreeMap<String, StoredSecret>,
}

/// A secret and the one origin that it may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    pub audience: String,
    pub set_ms: i64,
    pub kept: Kept,
}

/// Where the secret itself is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Here(Secret),
    /// In the system's keyring, under the same name.
    Keyring,
}

/// What may be shown of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretEntry {
    pub name: String,
    pub audience: String,
    /// Milliseconds since 1970, UTC.
    pub set_ms: i64,
    /// In the system's keyring, and not in the file.
    pub in_keyring: bool,
}

/// The file. It is written and read by this module alone: a `Secret` itself can not be serialised.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    #[serde(default)]
    secret: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Line {
    name: String,
    audience: String,
    set_ms: i64,
    /// None: it is in the keyring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl SecretStore {
    /// Reads the file, which need not be there. One that others may read is refused.
    pub fn open(folders: &Folders) -> Result<Self, Failure> {
        let path = folders.data.join("secrets.toml");
        let mut store = Self { path, folder: folders.data.clone(), entries: BTreeMap::new() };
        if let Some(bytes) = file::read_if_present(&store.path, MAX_FILE)? {
            let shown = store.path.display();
            if file::others_may_read(&store.path)? {
                return Err(Failure::denied(format!("the secrets in `{shown}` can be read by other users"))
                    .with_hint(format!(
                        "close it with `chmod 600 '{shown}'`, and set anew what others may have seen"
                    )));
            }
            store.entries = read(&bytes).map_err(|why| {
                Failure::usage(format!("the secrets in `{shown}` can not be read: {why}"))
                    .with_hint("mend the file, or move it away and set the secrets again")
            })?;
        }
        Ok(store)
    }

    /// Where secrets are kept, for people.
    #[must_use]
    pub fn place(&self) -> String {
        format!("the file `{}`, which only you can read", self.path.display())
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Option<StoredSecret> {
        self.entries.get(name).cloned()
    }

    /// Names and audiences, never values.
    #[must_use]
    pub fn list(&self) -> Vec<SecretEntry> {
        self.entries
            .iter()
            .map(|(name, stored)| SecretEntry {
                name: name.clone(),
                audience: stored.audience.clone(),
                set_ms: stored.set_ms,
                in_keyring: stored.kept == Kept::Keyring,
            })
            .collect()
    }

    /// Keeps a secret for one origin, in place of one of that name; gives that back.
    pub(super) fn set(
        folders: &Folders,
        name: &str,
        audience: &str,
        kept: Kept,
        now_ms: i64,
    ) -> Result<Option<StoredSecret>, Failure> {
        if !is_name(name) {
            return Err(Failure::usage(format!(
                "`{}` can not be the name of a secret",
                clean_line(name, 60)
            ))
            .with_hint(NAME_RULE));
        }
        let audience = origin(audience)?.to_string();
        Self::change(folders, |store| {
            if store.entries.len() >= MOST && !store.entries.contains_key(name) {
                return Err(Failure::usage(format!("there are {MOST} secrets already, which is the most")));
            }
            let stored = StoredSecret { audience, set_ms: now_ms, kept };
            Ok(store.entries.insert(name.to_owned(), stored))
        })
    }

    pub(super) fn remove(folders: &Folders, name: &str) -> Result<StoredSecret, Failure> {
        Self::change(folders, |store| {
            if let Some(removed) = store.entries.remove(name) {
                return Ok(removed);
            }
            let near = did_you_mean(name, store.entries.keys().map(String::as_str));
            let hint = near.map_or_else(
                || "`sickbay secret list` shows those that are there".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Err(Failure::usage(format!("there is no secret `{}`", clean_line(name, 60))).with_hint(hint))
        })
    }

    /// Reads, changes and writes, while no one else can.
    fn change<T>(
        folders: &Folders,
        change: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let _guard = file::FolderLock::acquire(&folders.data)?;
        let mut store = Self::open(folders)?;
        let value = change(&mut store)?;
        let lines = store
            .entries
            .iter()
            .map(|(name, stored)| Line {
                name: name.clone(),
                audience: stored.audience.clone(),
                set_ms: stored.set_ms,
                value: match &stored.kept {
                    Kept::Here(secret) => Some(secret.reveal().to_owned()),
                    Kept::Keyring => None,
                },
            })
            .collect();
        let text = toml::to_string(&Stored { version: VERSION, secret: lines })
            .map_err(|_| Failure::failed("can not write the secrets as TOML"))?;
        file::create_private_dir(&store.folder)?;
        file::write_atomic(&store.path, text.as_bytes())?;
        Ok(value)
    }
}

/// The entries of the file. The error never repeats what stands there.
fn read(bytes: &[u8]) -> Result<BTreeMap<String, StoredSecret>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let stored: Stored = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {} is wrong", before.matches('\n').count() + 1)
    })?;
    if stored.version != VERSION {
        return Err(format!("it has version {}, and this sickbay reads version {VERSION}", stored.version));
    }
    let mut entries = BTreeMap::new();
    for line in stored.secret {
        let kept = line.value.map_or(Kept::Keyring, |value| Kept::Here(Secret::new(value)));
        let is_wrong = matches!(&kept, Kept::Here(secret) if problem(secret).is_some());
        if is_wrong || !is_name(&line.name) || origin(&line.audience).is_err() {
            return Err(format!("the entry `{}` is wrong", clean_line(&line.name, 60)));
        }
        entries.insert(line.name, StoredSecret { audience: line.audience, set_ms: line.set_ms, kept });
    }
    Ok(entries)
}
