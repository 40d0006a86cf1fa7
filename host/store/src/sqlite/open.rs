//! Opening the file: who may read it, whether it is ours, and its settings.
//!
//! Nothing is written to a file before it is known to be a journal of a
//! version that this program can use.

mod new;

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{failure, schema};
use crate::StoreError;

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How to open a journal.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    pub path: PathBuf,
    /// How long to wait for another program that writes.
    pub busy_timeout: Duration,
    /// The most that the file may take; none: what the disk gives.
    pub max_bytes: Option<u64>,
}

impl SqliteSettings {
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), busy_timeout: Duration::from_secs(10), max_bytes: None }
    }

    /// The path, for messages.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(false)
            .busy_timeout(self.busy_timeout)
            .foreign_keys(true)
            .disable_statement_logging()
    }

    /// For connections that only read.
    pub(super) fn reading(&self) -> SqliteConnectOptions {
        self.options().pragma("query_only", "ON")
    }
}

/// A connection that may write, to a file that is there, is a journal and has
/// the newest schema.
pub(super) async fn writer(
    settings: &SqliteSettings,
    steps: &[&'static str],
) -> Result<SqliteConnection, StoreError> {
    let journal = settings.name();
    if !settings.path.exists()
        && let Err(error) = new::make(settings, steps).await
    {
        // The file itself is made below, in more steps; what is wrong with it is told there.
        tracing::debug!(journal, "a new journal is made in its own place: {error}");
    }
    let owned = settings.clone();
    tokio::task::spawn_blocking(move || prepare(&owned))
        .await
        .unwrap_or_else(|_| Err(StoreError::Closed { journal: journal.clone() }))?;
    let failed = |error: sqlx::Error| failure::of(&journal, &error);
    let mut connection = settings.options().connect().await.map_err(failed)?;
    if schema::inspect(&mut connection, &journal, steps).await? == schema::State::Empty {
        // Only a file without tables takes it, so that deleted runs give back space.
        sqlx::raw_sql("PRAGMA auto_vacuum = INCREMENTAL").execute(&mut connection).await.map_err(failed)?;
    }
    write_ahead(&mut connection, settings).await?;
    if let Some(bytes) = settings.max_bytes {
        let (page_size,): (i64,) =
            sqlx::query_as("PRAGMA page_size").fetch_one(&mut connection).await.map_err(failed)?;
        let pages = bytes / u64::try_from(page_size).unwrap_or(4096).max(1);
        let limit = format!("PRAGMA max_page_count = {}", pages.max(1));
        sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(&mut connection).await.map_err(failed)?;
    }
    schema::migrate(&mut connection, &journal, steps).await?;
    Ok(connection)
}

/// Two programs that open a new file at once can both find it locked here, and
/// SQLite does not wait in this one place, so this does.
async fn write_ahead(connection: &mut SqliteConnection, settings: &SqliteSettings) -> Result<(), StoreError> {
    let pause = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        // Moved into the file when it holds 16 MiB, and no larger than that on the disk afterwards.
        let sql = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4096; \
                   PRAGMA journal_size_limit = 16777216";
        let error = match sqlx::raw_sql(sql).execute(&mut *connection).await {
            Ok(_) => return Ok(()),
            Err(error) => failure::of(&settings.name(), &error),
        };
        if !matches!(error, StoreError::Busy { .. }) || waited >= settings.busy_timeout {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}

/// A connection for looking only, also where nothing can be written. With what
/// it took to open, so that more can be opened alike.
pub(super) async fn reader(settings: &SqliteSettings) -> Result<SqliteConnectOptions, StoreError> {
    let journal = settings.name();
    let owned = settings.path.clone();
    let pending = tokio::task::spawn_blocking(move || {
        check_magic(&owned)?;
        Ok(wal_of(&owned).metadata().is_ok_and(|wal| wal.len() > 0))
    })
    .await
    .unwrap_or_else(|_| Err(StoreError::Closed { journal: journal.clone() }))?;
    let options = settings.reading().read_only(true);
    let first = match look(&options, &journal).await {
        Ok(()) => return Ok(options),
        Err(error) => error,
    };
    // In a folder that can not be written SQLite can not make the files that
    // it shares between programs. Where nothing waits in the log, nobody
    // writes, and the file can be read as it stands.
    if pending || !matches!(first, StoreError::Open { .. } | StoreError::ReadOnly { .. }) {
        return Err(first);
    }
    let options = options.immutable(true);
    look(&options, &journal).await?;
    Ok(options)
}

async fn look(options: &SqliteConnectOptions, journal: &str) -> Result<(), StoreError> {
    let mut connection = options.connect().await.map_err(|error| failure::of(journal, &error))?;
    let state = schema::inspect(&mut connection, journal, schema::STEPS).await;
    // Nothing was written, so there is nothing to lose in closing.
    let _ = connection.close().await;
    match state? {
        schema::State::Empty => Err(StoreError::OtherDatabase { journal: journal.to_owned() }),
        schema::State::Version(_) => Ok(()),
    }
}

fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Makes the folder and an empty file where there is none, both for their
/// owner alone, and looks at the first bytes of one that is there.
fn prepare(settings: &SqliteSettings) -> Result<(), StoreError> {
    let path = &settings.path;
    let failed = |error: &io::Error| refused(path, error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_folder(folder).map_err(|error| failed(&error))?;
    }
    match private_file(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            check_magic(path)?;
            // SQLite falls back to reading where it may not write, and says so
            // only at the first write. This says it now.
            fs::OpenOptions::new().write(true).open(path).map(drop).map_err(|error| failed(&error))
        }
        // A read-only folder refuses to make a file before it says whether
        // there is one.
        Err(error) if path.exists() => {
            check_magic(path)?;
            Err(failed(&error))
        }
        Err(error) => Err(failed(&error)),
    }
}

fn refused(path: &Path, error: &io::Error) -> StoreError {
    let (journal, why) = (path.display().to_string(), error.to_string());
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { journal, why }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { journal },
        _ => StoreError::Open { journal, why },
    }
}

#[expect(clippy::disallowed_methods, reason = "the journal's own file, named in the error")]
fn check_magic(path: &Path) -> Result<(), StoreError> {
    let journal = path.display().to_string();
    let open = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => StoreError::NoJournal { journal: journal.clone() },
        _ => StoreError::Open { journal: journal.clone(), why: error.to_string() },
    };
    let mut head = Vec::with_capacity(MAGIC.len());
    let file = fs::File::open(path).map_err(open)?;
    if !file.metadata().map_err(open)?.is_file() {
        return Err(StoreError::NotADatabase { journal });
    }
    file.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(open)?;
    if head.is_empty() || head == MAGIC { Ok(()) } else { Err(StoreError::NotADatabase { journal }) }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
