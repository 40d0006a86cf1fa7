//! The folder as the tools see it, and the walk through it: bounded, in a
//! stable order, past links and hidden files.

use sickbay_plugin::tool::Error;

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// With its size in bytes.
    File(u64),
    Folder,
    /// A link, a device, a socket: nothing that is read here.
    Other,
}

/// An entry of a folder, by its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
}

/// A folder that can be read. Paths are relative to it, with `/` between steps; the empty path is the folder itself.
pub trait Folder {
    /// What is in a folder, in any order, at most `most` entries. Links are [`EntryKind::Other`].
    fn entries(&self, path: &str, most: usize) -> Result<Vec<Entry>, Error>;
    /// The beginning of a file, at most `most` bytes.
    fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, Error>;
}

/// How much is read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub files: usize,
    /// Of one file: larger ones are left out.
    pub file_bytes: usize,
    /// Of all files.
    pub bytes: usize,
    pub depth: usize,
    /// That are looked at, whatever they are.
    pub entries: usize,
}

/// What a call can read within its time and memory.
pub const LIMITS: Limits =
    Limits { files: 500, file_bytes: 512 << 10, bytes: 4 << 20, depth: 8, entries: 5_000 };

/// Folders that hold no documents of a team.
const PASSED_OVER: &[&str] = &["node_modules", "target", "vendor", "dist"];

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub path: String,
    pub text: String,
}

/// All documents, by path, and what was left out.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    pub documents: Vec<Document>,
    pub left_out: Vec<String>,
}

/// Reads the Markdown files of a folder and the folders in it.
///
/// # Errors
/// Where the folder itself can not be read. What can not be read inside it is left out.
pub fn gather(folder: &dyn Folder, limits: Limits) -> Result<Documents, Error> {
    let mut walk = Walk { folder, limits, files: Vec::new(), seen: 0, links: 0, unread: 0, cut: false };
    let root = folder.entries("", limits.entries + 1)?;
    walk.visit("", root, 0);
    walk.files.sort();
    let mut out = Documents::default();
    let (mut bytes, mut large, mut beyond) =
        (0_usize, 0_usize, walk.files.len().saturating_sub(limits.files));
    walk.files.truncate(limits.files);
    for (path, size) in &walk.files {
        let size = usize::try_from(*size).unwrap_or(usize::MAX);
        if size > limits.file_bytes {
            large += 1;
        } else if bytes.saturating_add(size) > limits.bytes {
            beyond += 1;
        } else {
            match folder.read(path, limits.file_bytes) {
                Ok(content) => {
                    bytes += content.len();
                    let text = String::from_utf8_lossy(&content).into_owned();
                    out.documents.push(Document { path: path.clone(), text });
                }
                Err(_) => walk.unread += 1,
            }
        }
    }
    let mut note = |number: usize, what: &str| {
        if number > 0 {
            out.left_out.push(format!("{} {what}", sickbay_plugin::text::count(number, "entry")));
        }
    };
    note(large, "too large");
    note(beyond, "beyond the most that is read");
    note(walk.links, "not followed: links and their like");
    note(walk.unread, "not readable");
    if walk.cut {
        out.left_out.push("all that is deeper, or behind the first entries".to_owned());
    }
    Ok(out)
}

struct Walk<'f> {
    folder: &'f dyn Folder,
    limits: Limits,
    /// Path and size.
    files: Vec<(String, u64)>,
    seen: usize,
    links: usize,
    unread: usize,
    cut: bool,
}

impl Walk<'_> {
    /// Goes no deeper than the limit, so that recursion is bounded.
    fn visit(&mut self, path: &str, mut entries: Vec<Entry>, depth: usize) {
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        for entry in entries {
            self.seen += 1;
            if self.seen > self.limits.entries {
                self.cut = true;
                return;
            }
            if entry.name.starts_with('.') || !is_plain(&entry.name) {
                continue;
            }
            let path = if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
            match entry.kind {
                EntryKind::File(size) if is_markdown(&entry.name) => self.files.push((path, size)),
                EntryKind::File(_) => {}
                EntryKind::Other => {
                    self.links += usize::from(is_markdown(&entry.name) || !entry.name.contains('.'))
                }
                EntryKind::Folder if PASSED_OVER.contains(&entry.name.as_str()) => {}
                EntryKind::Folder if depth >= self.limits.depth => self.cut = true,
                EntryKind::Folder => match self.folder.entries(&path, self.limits.entries + 1) {
                    Ok(entries) => self.visit(&path, entries, depth + 1),
                    Err(_) => self.unread += 1,
                },
            }
        }
    }
}

/// Whether a name is one step of a path, and can be shown in a citation.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.contains(['/', '\\'])
        && sickbay_plugin::text::visible(name) == name
}

fn is_markdown(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.ends_with(".md") || lower.ends_with(".markdown")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeFolder;

    fn paths(folder: &FakeFolder, limits: Limits) -> (Vec<String>, Vec<String>) {
        let all = gather(folder, limits).unwrap();
        (all.documents.into_iter().map(|document| document.path).collect(), all.left_out)
    }

    #[test]
    fn only_documents_inside_the_folder_are_read() {
        let folder = FakeFolder::new()
            .file("b.md", "b")
            .file("a/c.MD", "c")
            .file("a/image.png", "")
            .file(".git/x.md", "hidden")
            .file("node_modules/y.md", "not ours")
            .link("out.md")
            .link("elsewhere");
        let (paths, left_out) = paths(&folder, LIMITS);
        assert_eq!(paths, ["a/c.MD", "b.md"]);
        assert_eq!(left_out, ["2 entries not followed: links and their like"]);
    }

    #[test]
    fn every_limit_holds_and_is_told() {
        let folder = FakeFolder::new()
            .file("a.md", "12345678901")
            .file("b.md", "1234567890")
            .file("c.md", "1234567890")
            .file("d.md", "1")
            .file("deep/er/e.md", "1");
        let limits = Limits { files: 4, file_bytes: 10, bytes: 15, depth: 1, entries: 100 };
        let (found, left_out) = paths(&folder, limits);
        assert_eq!(found, ["b.md", "d.md"]);
        assert_eq!(
            left_out,
            [
                "1 entry too large",
                "1 entry beyond the most that is read",
                "all that is deeper, or behind the first entries"
            ]
        );
        let (found, left_out) = paths(&folder, Limits { entries: 1, ..LIMITS });
        assert_eq!(found, ["a.md"]);
        assert_eq!(left_out.len(), 1);
    }
}
