//! What the user typed into conversations, for the keys that bring it back:
//! one file for all of them, which its owner alone can read, and bounded.

use crate::{
    error::Failure,
    file::{self, FolderLock},
    folders::Folders,
};

/// Entries that are kept.
const MOST: usize = 1_000;
/// Bytes of the file at most.
const MAX_BYTES: usize = 1024 * 1024;
/// What is longer was pasted, and is not kept.
const LONGEST: usize = 16 * 1024;

/// The oldest first. A line that can not be read is left out.
pub fn read(folders: &Folders) -> Result<Vec<String>, Failure> {
    let bytes = file::read_if_present(&folders.chat_history(), 2 * MAX_BYTES as u64)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Adds an entry. Two conversations at once lose none of each other's.
pub fn add(folders: &Folders, entry: &str) -> Result<(), Failure> {
    if entry.len() > LONGEST {
        return Ok(());
    }
    let _lock = FolderLock::acquire(&folders.data)?;
    let mut entries = read(folders)?;
    entries.retain(|known| known != entry);
    entries.push(entry.to_owned());
    let lines: Vec<String> =
        entries.iter().map(|entry| serde_json::Value::from(entry.as_str()).to_string()).collect();
    let mut bytes = 0;
    let kept = lines.iter().rev().take(MOST).take_while(|line| {
        bytes += line.len() + 1;
        bytes <= MAX_BYTES
    });
    let first = lines.len() - kept.count();
    let mut text = lines.get(first..).unwrap_or_default().join("\n");
    text.push('\n');
    file::write_atomic(&folders.chat_history(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entries_are_kept_once_each_and_for_their_owner() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::resolve(Some(home.path())).unwrap();
        assert_eq!(read(&folders).unwrap(), Vec::<String>::new());
        for entry in ["one", "two\nlines", "one", &"x".repeat(LONGEST + 1)] {
            add(&folders, entry).unwrap();
        }
        assert_eq!(read(&folders).unwrap(), ["two\nlines", "one"]);
        let lines: Vec<String> = (0..MOST + 20).map(|n| format!("\"{n}\"")).collect();
        file::write_atomic(&folders.chat_history(), lines.join("\n").as_bytes()).unwrap();
        add(&folders, "last").unwrap();
        let kept = read(&folders).unwrap();
        assert_eq!((kept.len(), kept.last().map(String::as_str)), (MOST, Some("last")));
        assert!(!file::others_may_read(&folders.chat_history()).unwrap());
    }
}
