//! A folder in memory, for tests.

use std::collections::BTreeMap;

use sickbay_plugin::tool::{Error, ErrorKind};

use crate::folder::{Entry, EntryKind, Folder};

#[derive(Default)]
pub struct FakeFolder {
    /// Path and content; none for a link.
    files: BTreeMap<String, Option<Vec<u8>>>,
}

impl FakeFolder {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file with the folders that it is in.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), Some(content.as_ref().to_vec()));
        self
    }

    /// Adds a link to somewhere.
    #[must_use]
    pub fn link(mut self, path: &str) -> Self {
        self.files.insert(path.to_owned(), None);
        self
    }
}

impl Folder for FakeFolder {
    fn entries(&self, path: &str, most: usize) -> Result<Vec<Entry>, Error> {
        let inside = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut entries: BTreeMap<String, EntryKind> = BTreeMap::new();
        for (file, content) in &self.files {
            let Some(rest) = file.strip_prefix(&inside) else { continue };
            match (rest.split_once('/'), content) {
                (Some((folder, _)), _) => entries.insert(folder.to_owned(), EntryKind::Folder),
                (None, Some(content)) => {
                    entries.insert(rest.to_owned(), EntryKind::File(content.len() as u64))
                }
                (None, None) => entries.insert(rest.to_owned(), EntryKind::Other),
            };
        }
        Ok(entries.into_iter().take(most).map(|(name, kind)| Entry { name, kind }).collect())
    }

    fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, Error> {
        match self.files.get(path) {
            Some(Some(content)) => Ok(content.iter().take(most).copied().collect()),
            _ => Err(Error::new(ErrorKind::NotFound, "there is no such file")),
        }
    }
}
