//! A new journal is made whole beside its place and moved there in one step:
//! nobody ever sees half of one, and so it need not wait for the disk with each
//! of its parts.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use sqlx::{ConnectOptions as _, Connection as _};

use super::{SqliteSettings, private_file, private_folder};
use crate::sqlite::schema;

/// Makes it, unless another program was first.
pub(super) async fn make(settings: &SqliteSettings, steps: &[&'static str]) -> Result<(), String> {
    let beside = beside(&settings.path);
    let made = fill(settings, &beside, steps).await;
    let (path, own) = (settings.path.clone(), beside.clone());
    let moved = tokio::task::spawn_blocking(move || {
        let moved = made.and_then(|()| place(&own, &path).map_err(|error| error.to_string()));
        remove(&own);
        moved
    });
    moved.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// A name of our own in the same folder.
fn beside(path: &Path) -> PathBuf {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{}.new", std::process::id(), MADE.fetch_add(1, Relaxed)));
    PathBuf::from(name)
}

async fn fill(settings: &SqliteSettings, beside: &Path, steps: &[&'static str]) -> Result<(), String> {
    let file = beside.to_owned();
    let empty = tokio::task::spawn_blocking(move || {
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private_folder(folder)?;
        }
        private_file(&file).map(drop)
    });
    empty.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let failed = |error: sqlx::Error| error.to_string();
    let options = settings.options().filename(beside);
    let mut connection = options.connect().await.map_err(failed)?;
    // In this order: each would write to the file with what was set before it.
    let own = "PRAGMA synchronous = OFF; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = OFF";
    sqlx::raw_sql(own).execute(&mut connection).await.map_err(failed)?;
    schema::migrate(&mut connection, &settings.name(), steps).await.map_err(|error| error.to_string())?;
    sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

/// To the disk, and then to its place, where there is nothing yet.
#[expect(clippy::disallowed_methods, reason = "the journal's own file")]
fn place(beside: &Path, path: &Path) -> io::Result<()> {
    fs::File::open(beside)?.sync_all()?;
    fs::hard_link(beside, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "files of our own, of which it does not matter whether they are there"
)]
fn remove(beside: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = beside.as_os_str().to_owned();
        name.push(end);
        // Most of them were never there.
        let _ = fs::remove_file(PathBuf::from(name));
    }
}
