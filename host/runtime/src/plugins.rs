//! The plugins at hand: those that come with the program and those that the
//! user installed, known by one lock and loaded in one way.
//!
//! A component is stored under its digest and checked against the lock each
//! time that it is read. An embedded plugin is granted what it asks for until
//! the user says otherwise, which then stands in the lock like any other.

mod explain;
mod install;

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use sickbay_core::{
    capability::{Capability, grantable},
    digest::Digest,
    lock::{LockError, LockedPlugin, PluginLock},
    text::did_you_mean,
};
use sickbay_engine::{InspectError, Inspection, LoadError};

pub use explain::{PowerState, explain};
pub(crate) use install::sentence;
pub use install::{Consent, Existing, InstallOffer, Installed, install, remove};

use crate::{
    error::{Class, Failure},
    file,
    folders::Folders,
};

/// Bytes of one component at most.
pub const MAX_COMPONENT: u64 = 64 * 1024 * 1024;
const MAX_LOCK: u64 = 1024 * 1024;
/// The source, in the lock, of what comes with the program.
pub const EMBEDDED: &str = "embedded";

/// A plugin that could be loaded.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownPlugin {
    #[serde(flatten)]
    pub locked: LockedPlugin,
    /// It comes with the program.
    pub embedded: bool,
}

/// A component that comes with the program, and the name in its manifest.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    pub name: &'static str,
    pub bytes: &'static [u8],
}

/// All plugins, as they are now. What is embedded is looked into when somebody
/// asks for it by name, or for all.
pub struct Catalogue {
    folders: Folders,
    lock: PluginLock,
    embedded: Vec<Embedded>,
}

impl Embedded {
    /// What the component is. Its bytes stay what they are for as long as the
    /// process lives, so that each is looked at once.
    fn inspection(&self) -> Result<Arc<Inspection>, Failure> {
        type Seen = Mutex<HashMap<(usize, usize), Arc<Inspection>>>;
        static SEEN: OnceLock<Seen> = OnceLock::new();
        let place = (self.bytes.as_ptr().addr(), self.bytes.len());
        let seen = SEEN.get_or_init(Mutex::default);
        if let Some(known) = seen.lock().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return Ok(Arc::clone(known));
        }
        let found = inspect_bytes(&format!("embedded `{}`", self.name), self.bytes)?;
        if found.manifest.name != self.name {
            let message =
                format!("the embedded plugin `{}` says that it is `{}`", self.name, found.manifest.name);
            return Err(Failure::failed(message));
        }
        let found = Arc::new(found);
        seen.lock().unwrap_or_else(PoisonError::into_inner).insert(place, Arc::clone(&found));
        Ok(found)
    }
}

impl Catalogue {
    /// Reads the lock.
    pub fn open(folders: &Folders, embedded: &[Embedded]) -> Result<Self, Failure> {
        Ok(Self { folders: folders.clone(), lock: read_lock(folders)?, embedded: embedded.to_vec() })
    }

    /// Where the lock is, for messages.
    #[must_use]
    pub fn lock_path(&self) -> String {
        self.folders.plugin_lock().display().to_string()
    }

    /// Every plugin, by name.
    #[must_use]
    pub fn all(&self) -> Vec<KnownPlugin> {
        // Hashing and reading megabytes: two halves side by side.
        let inspect = |some: &[Embedded]| {
            for embedded in some {
                if let Err(failure) = embedded.inspection() {
                    tracing::warn!("{}", failure.message);
                }
            }
        };
        let (first, second) = self.embedded.split_at(self.embedded.len() / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| inspect(second));
            inspect(first);
        });
        let mut plugins: Vec<KnownPlugin> = self.installed().map(installed).collect();
        for inspection in self.embedded.iter().filter_map(|embedded| embedded.inspection().ok()) {
            if plugins.iter().all(|plugin| plugin.locked.name != inspection.manifest.name) {
                plugins.push(KnownPlugin { locked: self.embedded_entry(&inspection), embedded: true });
            }
        }
        plugins.sort_by(|a, b| a.locked.name.cmp(&b.locked.name));
        plugins
    }

    fn installed(&self) -> impl Iterator<Item = &LockedPlugin> {
        self.lock.plugins().filter(|locked| locked.source != EMBEDDED)
    }

    /// Whether there is a plugin of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.installed().any(|locked| locked.name == name)
            || self.embedded.iter().any(|embedded| embedded.name == name)
    }

    /// The plugin of that name.
    pub fn get(&self, name: &str) -> Result<KnownPlugin, Failure> {
        if let Some(locked) = self.installed().find(|locked| locked.name == name) {
            return Ok(installed(locked));
        }
        if let Some(embedded) = self.embedded.iter().find(|embedded| embedded.name == name) {
            let inspection = embedded.inspection()?;
            return Ok(KnownPlugin { locked: self.embedded_entry(&inspection), embedded: true });
        }
        let names = self.installed().map(|locked| locked.name.as_str());
        let near = did_you_mean(name, names.chain(self.embedded.iter().map(|embedded| embedded.name)));
        let hint = near.map_or_else(
            || "`sickbay plugin list` shows those that are there".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Err(Failure::usage(format!("there is no plugin `{name}`")).with_hint(hint))
    }

    /// An embedded plugin as the lock would hold it, with the grants that the
    /// lock holds for it or else all that it asks for by name.
    fn embedded_entry(&self, inspection: &Inspection) -> LockedPlugin {
        let manifest = &inspection.manifest;
        let grants = match self.lock.get(&manifest.name) {
            Ok(locked) if locked.source == EMBEDDED => locked.grants.clone(),
            _ => grantable(&manifest.capabilities),
        };
        entry_of(inspection, EMBEDDED.to_owned(), grants, Vec::new())
    }

    /// The component's bytes, which are those of the lock or an error.
    pub fn bytes(&self, plugin: &KnownPlugin) -> Result<Cow<'static, [u8]>, Failure> {
        let wanted = &plugin.locked.digest;
        if plugin.embedded
            && let Some(embedded) = self.embedded.iter().find(|embedded| embedded.name == plugin.locked.name)
            && embedded.inspection()?.digest == *wanted
        {
            return Ok(Cow::Borrowed(embedded.bytes));
        }
        let name = &plugin.locked.name;
        let path = self.folders.plugins().join(format!("{}.wasm", wanted.hex()));
        let hint =
            format!("install it again with `sickbay plugin install {} --replace`", plugin.locked.source);
        let Some(bytes) = file::read_if_present(&path, MAX_COMPONENT)? else {
            return Err(Failure::failed(format!(
                "plugin `{name}` is in the lock, but its component `{}` is gone",
                path.display()
            ))
            .with_hint(hint));
        };
        if Digest::of(&bytes) != *wanted {
            return Err(Failure::denied(format!(
                "plugin `{name}` is not what was installed: `{}` has another digest than the lock",
                path.display()
            ))
            .with_hint(hint));
        }
        Ok(Cow::Owned(bytes))
    }

    /// The plugin with exactly this content, which had that name once.
    #[must_use]
    pub fn pinned(&self, name: &str, digest: &Digest) -> Option<KnownPlugin> {
        let same = if self.has(name) { self.get(name).ok() } else { None };
        same.filter(|plugin| plugin.locked.digest == *digest).or_else(|| self.by_digest(digest))
    }

    /// The plugin with exactly this content, whatever it is called now.
    #[must_use]
    pub fn by_digest(&self, digest: &Digest) -> Option<KnownPlugin> {
        self.all().into_iter().find(|plugin| plugin.locked.digest == *digest)
    }
}

/// The lock entry of a component.
fn entry_of(
    inspection: &Inspection,
    source: String,
    grants: Vec<Capability>,
    tools: Vec<sickbay_core::lock::LockedTool>,
) -> LockedPlugin {
    let manifest = &inspection.manifest;
    LockedPlugin {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        source,
        digest: inspection.digest.clone(),
        signer: None,
        interface: manifest.interface.clone(),
        kinds: inspection.kinds.clone(),
        description: manifest.description.clone(),
        requested: manifest.capabilities.clone(),
        grants,
        tools,
    }
}

fn read_lock(folders: &Folders) -> Result<PluginLock, Failure> {
    let path = folders.plugin_lock();
    let Some(bytes) = file::read_if_present(&path, MAX_LOCK)? else { return Ok(PluginLock::default()) };
    let shown = path.display().to_string();
    PluginLock::parse(&shown, &String::from_utf8_lossy(&bytes)).map_err(|problems| {
        let mut message = format!("the plugin lock `{shown}` can not be read");
        for problem in &problems {
            message.push_str(&format!("\n  {problem}"));
        }
        Failure::usage(message).with_hint("mend it, or move it away and install the plugins again")
    })
}

/// Reads the lock, changes it and writes it, while no one else can.
fn change_lock<T>(
    folders: &Folders,
    change: impl FnOnce(&mut PluginLock) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let _guard = file::FolderLock::acquire(&folders.config)?;
    let mut lock = read_lock(folders)?;
    let value = change(&mut lock)?;
    let text =
        lock.to_toml().map_err(|error| Failure::failed(format!("can not write the plugin lock: {error}")))?;
    file::write_atomic(&folders.plugin_lock(), text.as_bytes())?;
    Ok(value)
}

/// Gives a plugin capabilities that it asks for; those that it did not hold.
pub fn grant(
    folders: &Folders,
    embedded: &[Embedded],
    name: &str,
    capabilities: &[Capability],
) -> Result<Vec<Capability>, Failure> {
    let plugin = Catalogue::open(folders, embedded)?.get(name)?;
    change_lock(folders, |lock| {
        enter_embedded(lock, &plugin)?;
        let mut given = Vec::new();
        for capability in capabilities {
            if lock.grant(name, capability.clone()).map_err(|e| lock_failure(&e))? {
                given.push(capability.clone());
            }
        }
        Ok(given)
    })
}

/// Takes capabilities from a plugin; what was taken.
pub fn revoke(
    folders: &Folders,
    embedded: &[Embedded],
    name: &str,
    capabilities: &[Capability],
) -> Result<Vec<Capability>, Failure> {
    let plugin = Catalogue::open(folders, embedded)?.get(name)?;
    change_lock(folders, |lock| {
        enter_embedded(lock, &plugin)?;
        let mut taken = Vec::new();
        for capability in capabilities {
            taken.extend(lock.revoke(name, capability).map_err(|e| lock_failure(&e))?);
        }
        Ok(taken)
    })
}

fn installed(locked: &LockedPlugin) -> KnownPlugin {
    KnownPlugin { locked: locked.clone(), embedded: false }
}

/// What the user says of an embedded plugin stands in the lock from then on.
fn enter_embedded(lock: &mut PluginLock, plugin: &KnownPlugin) -> Result<(), Failure> {
    if plugin.embedded {
        lock.add(plugin.locked.clone()).map_err(|e| lock_failure(&e))?;
    }
    Ok(())
}

fn lock_failure(error: &LockError) -> Failure {
    Failure { class: Class::Usage, message: error.to_string(), hint: error.hint() }
}

/// Why a file can not be a plugin.
#[must_use]
pub fn inspect_failure(what: &str, error: &InspectError) -> Failure {
    Failure { class: Class::Usage, message: format!("`{what}` can not be used: {error}"), hint: error.hint() }
}

/// Whether the argument names a file rather than a plugin at hand.
#[must_use]
pub fn is_path(argument: &str) -> bool {
    argument.contains(['/', '\\', '.'])
}

/// What a file is, without running any of it.
pub fn inspect_file(path: &std::path::Path) -> Result<Inspection, Failure> {
    inspect_bytes(&path.display().to_string(), &file::read(path, MAX_COMPONENT)?)
}

/// What a component is, without running any of it.
pub fn inspect_bytes(what: &str, bytes: &[u8]) -> Result<Inspection, Failure> {
    sickbay_engine::inspect(bytes).map_err(|error| inspect_failure(what, &error))
}

/// Why a plugin could not be loaded.
#[must_use]
pub fn load_failure(name: &str, error: &LoadError) -> Failure {
    match error {
        LoadError::Inspect(error) => inspect_failure(name, error),
        other => Failure::failed(format!("plugin `{name}` can not be loaded: {other}")),
    }
}
