//! Keys of others' services: where they are kept, and to whom they may go.
//!
//! The store is one file in the data folder that its owner alone can read; a
//! secret may be in the system's keyring instead, and the file says so. Each is
//! bound to one origin, its audience, when it is set. What comes
//! out is a [`Secret`], which shows itself to nobody. Variables of the
//! environment are handed in: nothing here reads one.

mod keyring;
mod store;

use std::{fmt, path::Path, sync::Arc};

use sickbay_core::{
    profile::ModelSettings,
    provider::{Auth, ProviderInfo},
    secret::Secret,
    text::clean_line,
};
use sickbay_egress::{Credential, Origin};

pub use keyring::{Keyring, NoKeyring};
pub use store::{Kept, SecretEntry, SecretStore, StoredSecret};

use crate::{error::Failure, file, folders::Folders};

/// Bytes of a key at most.
const LONGEST: u64 = 16 * 1024;

/// Looks a variable of the environment up. The program hands it in; by default there is none.
#[derive(Clone)]
pub struct Variables(Arc<LookUp>);

type LookUp = dyn Fn(&str) -> Option<Secret> + Send + Sync;

impl Variables {
    pub fn new(look_up: impl Fn(&str) -> Option<Secret> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }

    /// The variable's value; none where it is not set or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        (self.0)(name).filter(|secret| !secret.is_empty())
    }
}

impl Default for Variables {
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

/// Variables that vendors' own tools read, by the name of the secret. Each goes
/// to its vendor and to nobody else: a plugin that says that its secret is
/// called `openai` gets no key by that.
const CONVENTIONAL: &[(&str, &[&str], &str)] = &[
    ("anthropic", &["ANTHROPIC_API_KEY"], "https://api.anthropic.com"),
    ("openai", &["OPENAI_API_KEY"], "https://api.openai.com"),
    ("gemini", &["GEMINI_API_KEY", "GOOGLE_API_KEY"], "https://generativelanguage.googleapis.com"),
    ("ollama", &["OLLAMA_API_KEY"], "https://ollama.com"),
];

/// The vendor's own variables for a secret, where there are any, and the origin that they are for.
fn conventional(secret_name: &str) -> Option<(&'static [&'static str], &'static str)> {
    CONVENTIONAL.iter().find(|(name, _, _)| *name == secret_name).map(|(_, names, origin)| (*names, *origin))
}

/// Where a provider's key is looked for.
pub(crate) struct KeySources<'a> {
    /// What the profile says of the key; none for a provider that it says nothing of.
    pub(crate) settings: Option<&'a ModelSettings>,
    pub(crate) store: &'a SecretStore,
    pub(crate) keyring: &'a dyn Keyring,
    pub(crate) variables: &'a Variables,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) credential: Option<Credential>,
    /// Where it was found, or what a person can do where it was not.
    pub(crate) note: String,
}

impl KeySources<'_> {
    /// The provider's key for requests to that endpoint. An error where the
    /// profile names a key that is not there, or where the provider's own
    /// service would be asked without one.
    pub(crate) async fn resolve(
        &self,
        provider: &str,
        info: &ProviderInfo,
        endpoint: &str,
    ) -> Result<Key, Failure> {
        let (header, prefix, name, is_wanted) = match &info.auth {
            // What stands before a server may want a key that the server itself does not.
            Auth::None => ("authorization", "Bearer ", provider, false),
            Auth::Header { name, prefix, secret_name } => {
                (name.as_str(), prefix.as_str(), secret_name.as_str(), true)
            }
            // The gateway refuses the route with a sentence of its own.
            Auth::Sigv4 { .. } => return Ok(Key { credential: None, note: String::new() }),
        };
        let (header, prefix) = match self.settings.and_then(|settings| settings.key_header.as_deref()) {
            Some(header) => (
                header,
                self.settings.and_then(|settings| settings.key_prefix.as_deref()).unwrap_or_default(),
            ),
            None => (header, prefix),
        };
        let audience = origin(endpoint)?;
        let key = |secret: Secret, note: String| Key {
            credential: Some(Credential {
                audience: audience.clone(),
                header: header.to_owned(),
                prefix: prefix.to_owned(),
                secret,
            }),
            note,
        };
        if let Some(variable) = self.settings.and_then(|settings| settings.key_env.as_deref()) {
            let secret = self.variables.get(variable).ok_or_else(|| {
                Failure::usage(format!(
                    "the profile takes the key of provider `{provider}` from `{variable}`, which is not set"
                ))
                .with_hint(format!("set `{variable}` in the environment, or name another one in `key-env`"))
            })?;
            return Ok(key(checked(secret, variable)?, format!("from `{variable}`")));
        }
        if let Some(path) = self.settings.and_then(|settings| settings.key_file.as_deref()) {
            let text = file::read_text(Path::new(path), LONGEST)?;
            return Ok(key(checked(Secret::new(text.trim()), path)?, format!("from `{path}`")));
        }
        let shown = clean_line(name, 60);
        let kept = self.store.find(name);
        if let Some(kept) = &kept
            && origin(&kept.audience)? == audience
        {
            let secret = match &kept.kept {
                Kept::Here(secret) => secret.clone(),
                Kept::Keyring => checked(from_keyring(self.keyring, name).await?, name)?,
            };
            return Ok(key(secret, format!("from the secret `{shown}`")));
        }
        let known = conventional(name);
        if let Some((variables, vendor)) = known
            && origin(vendor)? == audience
            && let Some((variable, secret)) =
                variables.iter().find_map(|variable| Some((*variable, self.variables.get(variable)?)))
        {
            return Ok(key(checked(secret, variable)?, format!("from `{variable}`")));
        }
        let set = format!("`sickbay secret set {shown}`");
        let is_own = origin(&info.default_endpoint).is_ok_and(|own| own == audience);
        if !is_wanted || !is_own {
            // Servers of one's own mostly want none; one that does says so.
            let elsewhere = kept.map(|kept| format!("the secret `{shown}` is for `{}`; ", kept.audience));
            let note = format!(
                "no key goes to `{audience}`: {}name one with `key-env`, or set it with `sickbay secret set {shown} \
                 --for {audience}`",
                elsewhere.unwrap_or_default()
            );
            return Ok(Key { credential: None, note });
        }
        let failure = match kept {
            Some(kept) => Failure::denied(format!(
                "the secret `{shown}` is for `{}`, and provider `{provider}` is at `{audience}`",
                kept.audience
            ))
            .with_hint(format!("set one for it with `sickbay secret set {shown} --for {audience}`")),
            None => Failure::usage(format!("there is no key for provider `{provider}`")).with_hint(
                match known.and_then(|(variables, _)| variables.first()) {
                    Some(variable) => format!("set `{variable}` in the environment, or store it with {set}"),
                    None => format!("store it with {set}, or name its variable in `[model] key-env`"),
                },
            ),
        };
        Err(failure)
    }
}

async fn from_keyring(keyring: &dyn Keyring, name: &str) -> Result<Secret, Failure> {
    let shown = clean_line(name, 60);
    let again = format!("set it again with `sickbay secret set {shown}`, with or without `--keyring`");
    match keyring.get(name).await {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => {
            Err(Failure::usage(format!("the secret `{shown}` is not in the system's keyring any more"))
                .with_hint(again))
        }
        Err(why) => Err(Failure::failed(format!(
            "the secret `{shown}` can not be read from the system's keyring: {why}"
        ))
        .with_hint(format!("unlock the keyring, or {again}"))),
    }
}

/// Where a secret is to be kept.
#[derive(Clone, Copy)]
pub enum SecretPlace<'a> {
    File,
    Keyring(&'a dyn Keyring),
}

/// Keeps a secret for one origin, in place of one of that name. True where there was one.
pub async fn keep_secret(
    folders: &Folders,
    place: SecretPlace<'_>,
    name: &str,
    audience: &str,
    secret: Secret,
    now_ms: i64,
) -> Result<bool, Failure> {
    if let Some(problem) = problem(&secret) {
        return Err(Failure::usage(format!("this is no key: {problem}")));
    }
    let kept = match place {
        SecretPlace::File => Kept::Here(secret.clone()),
        SecretPlace::Keyring(_) => Kept::Keyring,
    };
    // What can not be in the file is told before the keyring holds anything.
    let before = SecretStore::set(folders, name, audience, kept, now_ms)?;
    if let SecretPlace::Keyring(keyring) = place
        && let Err(why) = keyring.set(name, &secret).await
    {
        match &before {
            Some(before) => {
                SecretStore::set(folders, name, &before.audience, before.kept.clone(), before.set_ms)?;
            }
            None => drop(SecretStore::remove(folders, name)?),
        }
        return Err(Failure::failed(format!("the system's keyring does not take the secret: {why}"))
            .with_hint("without `--keyring` it is kept in a file that only you can read"));
    }
    Ok(before.is_some())
}

/// Forgets a secret, wherever it is.
pub async fn forget_secret(folders: &Folders, keyring: &dyn Keyring, name: &str) -> Result<(), Failure> {
    let removed = SecretStore::remove(folders, name)?;
    if removed.kept == Kept::Keyring {
        keyring.remove(name).await.map_err(|why| {
            let shown = clean_line(name, 60);
            Failure::failed(format!(
                "the secret `{shown}` is not used any more, but the system's keyring still holds it: {why}"
            ))
            .with_hint("remove it with the system's own program for keyrings")
        })?;
    }
    Ok(())
}

pub(crate) fn origin(url: &str) -> Result<Origin, Failure> {
    Origin::parse(url).map_err(|error| Failure::usage(error.to_string()))
}

/// A key that a header can carry. What is wrong with it is told without it.
fn checked(secret: Secret, from: &str) -> Result<Secret, Failure> {
    let trimmed = Secret::new(secret.reveal().trim());
    match problem(&trimmed) {
        None => Ok(trimmed),
        Some(problem) => {
            Err(Failure::usage(format!("what `{}` holds is no key: {problem}", clean_line(from, 200))))
        }
    }
}

/// What is wrong with the text as a key.
pub(crate) fn problem(secret: &Secret) -> Option<&'static str> {
    let text = secret.reveal();
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() as u64 > LONGEST {
        Some("it is longer than 16 KiB")
    } else if text.chars().any(char::is_control) {
        Some("it has more than one line, or control characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
