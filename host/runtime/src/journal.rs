//! The user's journal: where it is, and what its failures mean to a person.

use std::sync::Arc;

use sickbay_store::{Journal, SqliteJournal, SqliteSettings, StoreError};

use crate::{
    error::{Class, Failure},
    file,
    folders::Folders,
};

/// Opens the journal, made where it is not there yet.
pub(crate) async fn open(folders: &Folders) -> Result<Arc<dyn Journal>, Failure> {
    file::create_private_dir(&folders.data)?;
    let journal = SqliteJournal::open(SqliteSettings::new(folders.journal())).await;
    Ok(Arc::new(journal.map_err(|error| store_failure(&error))?))
}

/// Opens the journal for reading alone; none where there is none.
pub(crate) async fn open_to_read(folders: &Folders) -> Result<Option<Arc<dyn Journal>>, Failure> {
    match SqliteJournal::open_read_only(SqliteSettings::new(folders.journal())).await {
        Ok(journal) => Ok(Some(Arc::new(journal))),
        Err(StoreError::NoJournal { .. }) => Ok(None),
        Err(error) => Err(store_failure(&error)),
    }
}

/// The sentence and hint of a failed journal.
#[must_use]
pub(crate) fn store_failure(error: &StoreError) -> Failure {
    let class = match error {
        StoreError::NoRun { .. } | StoreError::InvalidRun { .. } => Class::Usage,
        _ => Class::Failed,
    };
    Failure { class, message: error.to_string(), hint: error.hint() }
}
