//! The door to the file system: every error names the path and what to do,
//! every read has a cap, and a write is all or nothing.
#![expect(clippy::disallowed_methods, reason = "this module is the wrapper that the lint asks for")]

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::error::Failure;

fn failure(verb: &str, path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    let failure = Failure::failed(format!("can not {verb} `{shown}`: {}", plain(error)));
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => {
            failure.with_hint("check the permissions, or set SICKBAY_HOME to a folder that you may write to")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => failure
            .with_hint("the disk is full: free some space and run the command again; nothing was changed"),
        _ => failure,
    }
}

/// The system's words without the number behind them.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The whole file, refused where it is longer than `cap` bytes. None where
/// there is no such file.
pub(crate) fn read_if_present(path: &Path, cap: u64) -> Result<Option<Vec<u8>>, Failure> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure("read", path, &error)),
    };
    let mut bytes = Vec::new();
    file.take(cap + 1).read_to_end(&mut bytes).map_err(|error| failure("read", path, &error))?;
    if bytes.len() as u64 > cap {
        return Err(Failure::usage(format!("`{}` is longer than {cap} bytes", path.display())));
    }
    Ok(Some(bytes))
}

/// As [`read_if_present`], but the file has to be there.
pub(crate) fn read(path: &Path, cap: u64) -> Result<Vec<u8>, Failure> {
    read_if_present(path, cap)?
        .ok_or_else(|| Failure::usage(format!("there is no file `{}`", path.display())))
}

/// As [`read`], as text.
pub(crate) fn read_text(path: &Path, cap: u64) -> Result<String, Failure> {
    String::from_utf8(read(path, cap)?)
        .map_err(|_| Failure::usage(format!("`{}` is not UTF-8 text", path.display())))
}

/// Makes the folder, and those above it, for its owner alone.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| failure("create", path, &error))
}

/// Writes the file whole or not at all: a new file beside it, synced, then
/// renamed over the old one.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let Some(folder) = path.parent() else {
        return Err(Failure::failed(format!("`{}` is not the name of a file", path.display())));
    };
    create_private_dir(folder)?;
    let new = staging_name(path);
    let written = write_synced(&new, bytes).and_then(|()| fs::rename(&new, path));
    if let Err(error) = written {
        // The failed attempt leaves nothing behind; that removing it fails too changes nothing.
        let _ = fs::remove_file(&new);
        return Err(failure("write", path, &error));
    }
    Ok(())
}

/// As [`write_atomic`], but only where there is nothing under that name yet,
/// not even a link; else nothing is written, and the answer is false.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    if let Some(folder) = path.parent() {
        create_private_dir(folder)?;
    }
    let new = staging_name(path);
    // A link is made or fails as a whole, and never takes the place of another file.
    let linked = write_synced(&new, bytes).and_then(|()| fs::hard_link(&new, path));
    // It has the other name now, or none; that removing it fails changes nothing.
    let _ = fs::remove_file(&new);
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failure("write", path, &error)),
    }
}

/// Whether the name is that of a link, which leads elsewhere.
#[must_use]
pub(crate) fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_symlink())
}

fn staging_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Locks the file for this process, and makes it where there is none. None
/// where another process has it.
pub(crate) fn lock(path: &Path) -> Result<Option<fs::File>, Failure> {
    if let Some(folder) = path.parent() {
        create_private_dir(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| failure("open", path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(failure("lock", path, &error)),
    }
}

/// Removes the file; that it is not there is no error.
pub(crate) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failure("remove", path, &error)),
        _ => Ok(()),
    }
}

/// The names of the files in a folder that end in `.EXTENSION`, sorted. None
/// are in a folder that is not there.
pub(crate) fn names_with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failure("read", folder, &error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| failure("read", folder, &error))?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether anybody but its owner may read or write the file.
pub(crate) fn others_may_read(path: &Path) -> Result<bool, Failure> {
    let found = fs::metadata(path).map_err(|error| failure("read", path, &error))?;
    #[cfg(unix)]
    let open = std::os::unix::fs::MetadataExt::mode(&found) & 0o077 != 0;
    // Elsewhere the folder of the user's own keeps others out.
    #[cfg(not(unix))]
    let open = !found.is_file();
    Ok(open)
}

/// Whether there is something under that name.
#[must_use]
pub(crate) fn exists(path: &Path) -> bool {
    path.exists()
}

/// An exclusive lock on a folder's state, held until it is dropped. Two
/// commands that change the same state wait for each other.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: fs::File,
}

impl FolderLock {
    pub(crate) fn acquire(folder: &Path) -> Result<Self, Failure> {
        create_private_dir(folder)?;
        let path = folder.join(".lock");
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| failure("write", &path, &error))?;
        file.lock().map_err(|error| failure("lock", &path, &error))?;
        Ok(Self { _file: file })
    }
}

/// Proves that a folder takes a file, for `doctor`.
pub(crate) fn probe_writable(folder: &Path) -> Result<(), Failure> {
    let probe = folder.join(".probe");
    write_atomic(&probe, b"ok")?;
    remove(&probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_whole_files_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/plugins.lock");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_takes_the_place_of_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/kubeconfig");
        assert!(write_new(&path, b"one").unwrap());
        assert!(!write_new(&path, b"two").unwrap());
        assert_eq!(read(&path, 10).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, symlink};
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            let link = folder.path().join("link");
            symlink(folder.path().join("elsewhere"), &link).unwrap();
            assert!(is_link(&link) && !is_link(&path));
            assert!(!write_new(&link, b"two").unwrap());
            assert!(!folder.path().join("elsewhere").exists());
        }
    }

    #[test]
    fn a_read_is_capped_and_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        write_atomic(&path, &[b'x'; 11]).unwrap();
        let error = read(&path, 10).unwrap_err();
        assert!(error.message.contains("big` is longer than 10 bytes"), "{error}");
        let error = read(&folder.path().join("none"), 10).unwrap_err();
        assert!(error.message.starts_with("there is no file `"), "{error}");
    }

    #[test]
    fn a_write_below_a_file_fails_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write_atomic(&file, b"").unwrap();
        let error = write_atomic(&file.join("x"), b"").unwrap_err();
        assert!(error.message.starts_with("can not create `"), "{error}");
    }
}
