//! Compiled plugins on disk.
//!
//! Native code is loaded from nowhere else. The folder must be ours and closed
//! to everyone else; each file begins with the digest of its code, is read
//! once, and what was checked is what is loaded. A file that does not check
//! out is as good as none: the plugin is compiled again. Nothing here fails a
//! load.

use std::{
    fs,
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest as _, Sha256};
use sickbay_core::digest::Digest;
use wasmtime::Engine;

const MAGIC: &[u8; 16] = b"sickbay-native-1";
const HEAD: usize = MAGIC.len() + 32;

pub(crate) struct Cache {
    dir: PathBuf,
    limit: u64,
    /// Everything about the engine that the code depends on.
    engine: [u8; 32],
}

/// Feeds a `Hash` into SHA-256, whose result is the same in every process.
struct Stable(Sha256);

impl Hasher for Stable {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

impl Cache {
    /// The cache, or a sentence that says why it is not used.
    pub(crate) fn open(dir: &Path, limit: u64, engine: &Engine) -> Result<Self, String> {
        prepare(dir)
            .map_err(|why| format!("compiled plugins are not kept: the folder `{}` {why}", dir.display()))?;
        let mut hasher = Stable(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        std::env::consts::ARCH.hash(&mut hasher);
        std::env::consts::OS.hash(&mut hasher);
        Ok(Self { dir: dir.to_owned(), limit, engine: hasher.0.finalize().into() })
    }

    fn path(&self, component: &Digest) -> PathBuf {
        let mut hasher = Sha256::new();
        hasher.update(component.as_str());
        hasher.update(self.engine);
        let key: [u8; 32] = hasher.finalize().into();
        let name: String = key.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(format!("{name}.cwasm"))
    }

    /// The code of a component, if it is there and whole.
    pub(crate) fn get(&self, component: &Digest) -> Option<Vec<u8>> {
        let path = self.path(component);
        match read(&path, &self.dir) {
            Ok(code) => Some(code),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(path = %path.display(), %error, "a compiled plugin is not usable and is made again");
                }
                None
            }
        }
    }

    /// Keeps the code for the next time. Failures cost time, nothing else.
    pub(crate) fn put(&self, component: &Digest, code: &[u8]) {
        let path = self.path(component);
        if let Err(error) = write(&path, &self.dir, code) {
            tracing::warn!(path = %path.display(), %error, "a compiled plugin can not be kept");
        }
        self.evict();
    }

    /// Removes the oldest files while all together are over the limit.
    #[expect(clippy::disallowed_methods, reason = "the home of the compiled code on disk")]
    fn evict(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        let mut files: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "cwasm"))
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if total <= self.limit {
                return;
            }
            if fs::remove_file(&path).is_ok() {
                total -= length;
            }
        }
    }
}

fn checksum(code: &[u8]) -> [u8; 32] {
    Sha256::digest(code).into()
}

#[expect(clippy::disallowed_methods, reason = "the home of the compiled code on disk")]
fn read(path: &Path, dir: &Path) -> io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    private(&file.metadata()?, dir)?;
    let mut head = [0; HEAD];
    file.read_exact(&mut head)?;
    let mut code = Vec::new();
    file.read_to_end(&mut code)?;
    let (magic, sum) = head.split_at(MAGIC.len());
    if magic != MAGIC || sum != checksum(&code) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum does not match"));
    }
    Ok(code)
}

#[expect(clippy::disallowed_methods, reason = "the home of the compiled code on disk")]
fn write(path: &Path, dir: &Path, code: &[u8]) -> io::Result<()> {
    let temporary = temporary(dir);
    let written = create(&temporary).and_then(|mut file| {
        file.write_all(MAGIC)?;
        file.write_all(&checksum(code))?;
        file.write_all(code)?;
        file.flush()
    });
    let placed = written.and_then(|()| fs::rename(&temporary, path));
    if placed.is_err() {
        // It may never have been made; either way there is nothing more to do.
        let _ = fs::remove_file(&temporary);
    }
    placed
}

fn temporary(dir: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    dir.join(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

/// Makes the folder where it is not there, and says why it can not be trusted where it is.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "the home of the compiled code on disk")]
fn prepare(dir: &Path) -> Result<(), String> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| format!("can not be made: {error}"))?;
    let metadata = fs::symlink_metadata(dir).map_err(|error| format!("can not be read: {error}"))?;
    if !metadata.is_dir() {
        return Err("is a link or a file".to_owned());
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(format!(
            "is open to other users (mode {:o}); `chmod 700` closes it",
            metadata.mode() & 0o777
        ));
    }
    // A file that we make is ours: its owner says who we are.
    let probe = temporary(dir);
    let owner = create(&probe)
        .and_then(|file| file.metadata())
        .map(|metadata| metadata.uid())
        .map_err(|error| format!("can not be written: {error}"));
    let _ = fs::remove_file(&probe);
    if metadata.uid() == owner? { Ok(()) } else { Err("belongs to another user".to_owned()) }
}

#[cfg(not(unix))]
fn prepare(_dir: &Path) -> Result<(), String> {
    Err("can not be checked for its owner on this system".to_owned())
}

/// Whether a file in the folder is ours alone.
#[cfg(unix)]
fn private(file: &fs::Metadata, dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let owner = fs::symlink_metadata(dir)?.uid();
    if file.is_file() && file.uid() == owner && file.mode() & 0o022 == 0 {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is open to other users"))
    }
}

#[cfg(not(unix))]
fn private(_file: &fs::Metadata, _dir: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
