//! Which profiles there are, and which text a name stands for.
//!
//! A name is looked up in the user's folder, then among the built-in ones. A
//! path is taken as it is, but only where it was trusted by its content:
//! a file that came with somebody's repository can not run by being there.

use std::path::{Path, PathBuf};

use sickbay_core::{
    digest::Digest,
    profile::{Layer, ProfileProblem, Resolved, Source, resolve},
    text::clean_line,
};

use crate::{
    error::{Class, Failure},
    file,
    folders::Folders,
};

/// Bytes of a profile at most.
const MAX_BYTES: u64 = 1024 * 1024;
const BUILT_IN: &[(&str, &str)] = &[
    ("ask", include_str!("../profiles/ask.toml")),
    ("chat", include_str!("../profiles/chat.toml")),
    ("heal", include_str!("../profiles/heal.toml")),
    ("sre", include_str!("../profiles/sre.toml")),
    ("triage", include_str!("../profiles/triage.toml")),
];

/// A profile that can be run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileEntry {
    pub name: String,
    pub description: String,
    /// `built in`, or the path.
    pub source: String,
    /// Why it can not run, where it can not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A profile's text and where it is from.
#[derive(Clone, Debug)]
pub struct FoundProfile {
    pub name: String,
    pub layer: Layer,
}

/// All profiles, by name; the user's own hide built-in ones of the same name.
pub fn list(folders: &Folders) -> Result<Vec<ProfileEntry>, Failure> {
    let mut entries = Vec::new();
    for path in file::names_with_extension(&folders.profiles(), "toml")? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = path.display().to_string();
        let read = read_layer(&path, Source::User(source.clone()));
        entries.push(entry(&name, source, read));
    }
    for (name, text) in BUILT_IN {
        if entries.iter().all(|known: &ProfileEntry| known.name != *name) {
            let layer = Layer { source: Source::Embedded, text: (*text).to_owned() };
            entries.push(entry(name, "built in".to_owned(), Ok(layer)));
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn entry(name: &str, source: String, layer: Result<Layer, Failure>) -> ProfileEntry {
    let (description, problem) = match layer.map(|layer| resolve(name, &[layer])) {
        Ok(Ok(resolved)) => (resolved.profile.description, None),
        Ok(Err(problems)) => (String::new(), problems.first().map(ToString::to_string)),
        Err(failure) => (String::new(), Some(failure.message)),
    };
    ProfileEntry { name: name.to_owned(), description, source, problem }
}

fn read_layer(path: &Path, source: Source) -> Result<Layer, Failure> {
    Ok(Layer { source, text: file::read_text(path, MAX_BYTES)? })
}

/// Whether the argument is meant as a path.
#[must_use]
pub fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// How the profile behind the argument is called.
#[must_use]
pub fn name_of(argument: &str) -> String {
    if is_path(argument) {
        return Path::new(argument).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    }
    argument.to_owned()
}

/// The text behind a name or path, not yet checked and not yet trusted.
pub fn find(folders: &Folders, name: &str) -> Result<FoundProfile, Failure> {
    if is_path(name) {
        let path = Path::new(name);
        let layer = read_layer(path, Source::Project(name.to_owned()))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(FoundProfile { name: stem, layer });
    }
    let own = own_path(folders, name);
    if file::exists(&own) {
        let layer = read_layer(&own, Source::User(own.display().to_string()))?;
        return Ok(FoundProfile { name: name.to_owned(), layer });
    }
    if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        let layer = Layer { source: Source::Embedded, text: (*text).to_owned() };
        return Ok(FoundProfile { name: (*name).to_owned(), layer });
    }
    let known: Vec<String> = list(folders)?.into_iter().map(|entry| entry.name).collect();
    let near = sickbay_core::text::did_you_mean(name, known.iter().map(String::as_str));
    let hint = near.map_or_else(
        || format!("profiles are: {}", known.join(", ")),
        |near| format!("did you mean `{near}`? `sickbay profile list` shows them all"),
    );
    Err(Failure::usage(format!("there is no profile `{name}`")).with_hint(hint))
}

/// The profile with the settings of the command line over it.
pub fn load(folders: &Folders, name: &str, set: &[String]) -> Result<Resolved, Failure> {
    let found = find(folders, name)?;
    let mut layers: Vec<Layer> = defaults(folders)?.into_iter().collect();
    layers.push(found.layer);
    for setting in set {
        layers.push(Layer::flag(setting).map_err(|problem| problems_failure("--set", &[problem]))?);
    }
    resolve(&found.name, &layers).map_err(|problems| problems_failure(&found.name, &problems))
}

/// What the user wants of every profile that does not say otherwise: the model.
fn defaults(folders: &Folders) -> Result<Option<Layer>, Failure> {
    let path = folders.defaults();
    let shown = path.display().to_string();
    let Some(bytes) = file::read_if_present(&path, MAX_BYTES)? else { return Ok(None) };
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(Failure::usage(format!("`{shown}` is not UTF-8 text")));
    };
    // What is no TOML is told with its line, as in a profile.
    let table: toml::Table = toml::from_str(&text).unwrap_or_default();
    if let Some(other) = table.keys().find(|key| *key != "model") {
        return Err(Failure::usage(format!(
            "`{shown}` has the key `{}`, and only the model can be set for all profiles",
            clean_line(other, 60)
        ))
        .with_hint("write `[model]` with `provider` and `name` there, and the rest into a profile"));
    }
    Ok(Some(Layer { source: Source::User(shown), text }))
}

/// The settings that `--model PROVIDER/NAME` stands for; they are checked as
/// others of the command line are.
pub fn model_settings(model: &str) -> Result<[String; 2], Failure> {
    match model.split_once('/') {
        Some((provider, name)) if !provider.is_empty() && !name.is_empty() => {
            let text = |text: &str| toml::Value::from(text).to_string();
            Ok([format!("model.provider={}", text(provider)), format!("model.name={}", text(name))])
        }
        _ => Err(Failure::usage(format!(
            "`{}` is not a model of the form `PROVIDER/NAME`",
            clean_line(model, 80)
        ))
        .with_hint("`sickbay models list` shows those that are known")),
    }
}

/// As [`load`], for a run: a profile given by its path must be trusted.
pub fn load_trusted(folders: &Folders, name: &str, set: &[String]) -> Result<Resolved, Failure> {
    let found = find(folders, name)?;
    if let Source::Project(path) = &found.layer.source
        && !is_trusted(folders, &found.layer.text)?
    {
        return Err(Failure::denied(format!("profile `{path}` is not trusted, or changed since it was"))
            .with_hint(format!("read it, then allow it as it is now with `sickbay profile trust {path}`")));
    }
    load(folders, name, set)
}

/// All that is wrong with it, as one failure.
#[must_use]
pub fn problems_failure(name: &str, problems: &[ProfileProblem]) -> Failure {
    let mut message = format!("profile `{name}` can not be used");
    for problem in problems {
        message.push_str("\n  ");
        message.push_str(&problem.to_string());
        if let Some(suggestion) = &problem.suggestion {
            message.push_str(": ");
            message.push_str(suggestion);
        }
    }
    let hint = format!("`sickbay profile check {name}` checks it again");
    Failure { class: Class::Usage, message, hint: (name != "--set").then_some(hint) }
}

fn trusted(folders: &Folders) -> Result<Vec<Digest>, Failure> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Trusted {
        #[serde(default)]
        profiles: Vec<Digest>,
    }
    let path = folders.trusted_profiles();
    let Some(bytes) = file::read_if_present(&path, MAX_BYTES)? else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&bytes);
    let trusted: Trusted = toml::from_str(&text).map_err(|error| {
        Failure::usage(format!("`{}` can not be read: {}", path.display(), error.message()))
            .with_hint("mend it, or remove it and trust the profiles again")
    })?;
    Ok(trusted.profiles)
}

fn is_trusted(folders: &Folders, text: &str) -> Result<bool, Failure> {
    Ok(trusted(folders)?.contains(&Digest::of(text.as_bytes())))
}

/// Allows a file to run as it is now. It is checked first.
pub fn trust(folders: &Folders, path: &Path) -> Result<Digest, Failure> {
    let shown = path.display().to_string();
    let layer = read_layer(path, Source::Project(shown.clone()))?;
    let digest = Digest::of(layer.text.as_bytes());
    resolve(&shown, &[layer]).map_err(|problems| problems_failure(&shown, &problems))?;
    let _lock = file::FolderLock::acquire(&folders.config)?;
    let mut digests = trusted(folders)?;
    if !digests.contains(&digest) {
        digests.push(digest.clone());
        digests.sort();
        let mut text = String::from(
            "# Profiles that may run though they are not in your own folder, by content.\nprofiles = [\n",
        );
        for digest in &digests {
            text.push_str(&format!("  \"{digest}\",\n"));
        }
        text.push_str("]\n");
        file::write_atomic(&folders.trusted_profiles(), text.as_bytes())?;
    }
    Ok(digest)
}

/// Where a profile of that name would be the user's own.
fn own_path(folders: &Folders, name: &str) -> PathBuf {
    folders.profiles().join(format!("{name}.toml"))
}
