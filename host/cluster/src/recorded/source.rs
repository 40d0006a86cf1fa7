//! Files of a recording, one after the other: from a folder, an archive, or
//! the file itself.
//!
//! The only place of this crate that touches the file system. It never leaves
//! the folder it was given: links are not followed, and names inside of
//! archives are labels, never paths. Bytes are bounded as they are read, so
//! that a bomb costs no more than the limits say.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use flate2::read::MultiGzDecoder;

use super::{limits::ReadLimits, report::ReadReport};

/// Levels of folders at most.
const MAX_DEPTH: usize = 64;
/// Bytes that tell an archive from other files: a tar header.
const HEAD: usize = 512;

/// One file as it was read.
pub(super) struct RawFile {
    /// Within the recording, with `/` between the names.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    /// Seconds since 1970.
    pub(super) modified: i64,
    /// Only the end was kept.
    pub(super) cut: bool,
}

/// What is left of the limits while reading.
pub(super) struct Source<'s> {
    limits: ReadLimits,
    bytes_left: u64,
    files_left: usize,
    report: &'s mut ReadReport,
    sink: &'s mut dyn FnMut(RawFile),
}

/// Why reading of one archive or folder ended.
enum Stop {
    /// One of the limits is used up: nothing more is read at all.
    Limit,
}

impl<'s> Source<'s> {
    pub(super) fn new(
        limits: ReadLimits,
        report: &'s mut ReadReport,
        sink: &'s mut dyn FnMut(RawFile),
    ) -> Self {
        Self { limits, bytes_left: limits.total_bytes, files_left: limits.files, report, sink }
    }

    /// Reads everything below a path. Fails where the path itself can not be
    /// opened; what fails below it is reported.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        let name =
            path.file_name().map_or_else(|| ".".to_owned(), |name| name.to_string_lossy().into_owned());
        if metadata.is_dir() {
            // A stop was reported where it happened.
            let _ = self.folder(path)?;
            return Ok(());
        }
        let file = open(path)?;
        let _ = self.file(&name, file, modified(&metadata));
        Ok(())
    }

    fn folder(&mut self, root: &Path) -> io::Result<Result<(), Stop>> {
        let mut folders: Vec<(PathBuf, String, usize)> = vec![(root.to_owned(), String::new(), 0)];
        let mut first = true;
        while let Some((folder, label, depth)) = folders.pop() {
            let entries = match list(&folder) {
                Ok(entries) => entries,
                Err(error) if first => return Err(error),
                Err(error) => {
                    self.report.not_read(&label, format!("the folder can not be listed: {error}"));
                    continue;
                }
            };
            first = false;
            let mut below = Vec::new();
            for (name, path) in entries {
                let label = if label.is_empty() { name } else { format!("{label}/{name}") };
                let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
                if metadata.is_symlink() {
                    self.report.other_files += 1;
                } else if metadata.is_dir() {
                    if depth < MAX_DEPTH {
                        below.push((path, label, depth + 1));
                    } else {
                        self.report.not_read(&label, "too many folders within folders");
                    }
                } else if metadata.is_file() {
                    match open(&path) {
                        Ok(file) => {
                            if let Err(stop) = self.file(&label, file, modified(&metadata)) {
                                return Ok(Err(stop));
                            }
                        }
                        Err(error) => self.report.not_read(&label, format!("it can not be opened: {error}")),
                    }
                }
            }
            folders.extend(below.into_iter().rev());
        }
        Ok(Ok(()))
    }

    /// A file: an archive is unpacked, anything else handed on.
    fn file(&mut self, label: &str, file: impl Read, modified: i64) -> Result<(), Stop> {
        let (head, file) = match peek(file) {
            Ok(peeked) => peeked,
            Err(error) => {
                self.report.not_read(label, format!("it can not be read: {error}"));
                return Ok(());
            }
        };
        if head.starts_with(&[0x1f, 0x8b]) {
            let inner = MultiGzDecoder::new(BufReader::with_capacity(64 << 10, file));
            let (head, inner) = match peek(inner) {
                Ok(peeked) => peeked,
                Err(error) => {
                    self.report.files += 1;
                    self.report.not_read(label, format!("the compressed data is damaged: {error}"));
                    return Ok(());
                }
            };
            if is_tar(&head) {
                return self.archive(label, inner);
            }
            let label = label.strip_suffix(".gz").unwrap_or(label);
            return self.plain(label, inner, modified);
        }
        if is_tar(&head) {
            return self.archive(label, file);
        }
        self.plain(label, file, modified)
    }

    fn archive(&mut self, label: &str, reader: impl Read) -> Result<(), Stop> {
        let counted = Counted { inner: reader, left: self.bytes_left, over: false };
        let mut archive = tar::Archive::new(counted);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => {
                self.report.not_read(label, format!("the archive can not be read: {error}"));
                return Ok(());
            }
        };
        let before = self.bytes_left;
        let mut used = 0_u64;
        let mut stop = None;
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.report.not_read(label, format!("the archive breaks off: {error}"));
                    break;
                }
            };
            used = used.saturating_add(entry.size()).saturating_add(HEAD as u64);
            self.bytes_left = before.saturating_sub(used);
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if name.starts_with('/') || name.contains('\\') || name.split('/').any(|step| step == "..") {
                self.report.not_read(&name, "the name leads out of the archive");
                continue;
            }
            let name = name.trim_start_matches("./").to_owned();
            let modified = entry.header().mtime().ok().and_then(|at| i64::try_from(at).ok()).unwrap_or(0);
            match self.body(&name, &mut entry, modified) {
                Ok(true) => {}
                // The archive itself broke off within the file.
                Ok(false) => break,
                Err(reached) => {
                    stop = Some(reached);
                    break;
                }
            }
        }
        let counted = archive.into_inner();
        self.bytes_left = before.min(counted.left);
        if counted.over {
            self.total_reached(label);
            return Err(Stop::Limit);
        }
        stop.map_or(Ok(()), Err)
    }

    fn plain(&mut self, label: &str, reader: impl Read, modified: i64) -> Result<(), Stop> {
        let mut counted = Counted { inner: reader, left: self.bytes_left, over: false };
        let result = self.body(label, &mut counted, modified);
        self.bytes_left = counted.left;
        if counted.over {
            self.total_reached(label);
            return Err(Stop::Limit);
        }
        result.map(|_| ())
    }

    fn total_reached(&mut self, label: &str) {
        let limit = self.limits.total_bytes;
        self.report
            .not_read(label, format!("the recording is larger than {limit} bytes; the rest was left out"));
    }

    /// Reads one file into memory. False where the reader failed in its midst;
    /// what came before is used.
    fn body(&mut self, label: &str, reader: &mut impl Read, modified: i64) -> Result<bool, Stop> {
        if self.files_left == 0 {
            let limit = self.limits.files;
            self.report
                .not_read(label, format!("the recording has more than {limit} files; the rest was left out"));
            return Err(Stop::Limit);
        }
        self.files_left -= 1;
        self.report.files += 1;
        let base = label.rsplit('/').next().unwrap_or(label);
        if base.starts_with("._") || base == ".DS_Store" {
            self.report.other_files += 1;
            return Ok(true);
        }
        let keep = if is_log(label) { self.limits.log_bytes } else { usize::MAX };
        let limit = if keep == usize::MAX { self.limits.file_bytes } else { u64::MAX };
        let mut bytes = Vec::new();
        let mut chunk = vec![0_u8; 64 << 10];
        let (mut total, mut cut, mut whole) = (0_u64, false, true);
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    total += count as u64;
                    if total > limit {
                        self.report.not_read(label, format!("the file is larger than {limit} bytes"));
                        return Ok(true);
                    }
                    bytes.extend_from_slice(&chunk[..count]);
                    if bytes.len() > keep.saturating_mul(2) {
                        bytes.drain(..bytes.len() - keep);
                        cut = true;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.report.not_read(label, format!("it breaks off after {total} bytes: {error}"));
                    whole = false;
                    break;
                }
            }
        }
        if bytes.len() > keep {
            bytes.drain(..bytes.len() - keep);
            cut = true;
        }
        (self.sink)(RawFile { path: label.to_owned(), bytes, modified, cut });
        Ok(whole)
    }
}

fn is_log(label: &str) -> bool {
    label.ends_with(".log")
}

fn is_tar(head: &[u8]) -> bool {
    // `ustar` stands at 257 since 1988; a block of zeros is an empty archive.
    head.get(257..262) == Some(b"ustar".as_slice())
}

/// The first bytes, and a reader that gives them again.
fn peek<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = vec![0_u8; HEAD];
    let mut filled = 0;
    let mut failed = None;
    while filled < HEAD {
        match reader.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if filled == 0 => return Err(error),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    head.truncate(filled);
    let again = io::Cursor::new(head.clone()).chain(Failing(failed)).chain(reader);
    Ok((head, again))
}

/// Gives back an error that came up while peeking, once, in its place.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Counts bytes, and fails once too many came.
struct Counted<R> {
    inner: R,
    left: u64,
    over: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                self.over = true;
                self.left = 0;
                return Err(io::Error::other("the limit of the recording is reached"));
            }
        }
        Ok(count)
    }
}

fn modified(metadata: &fs::Metadata) -> i64 {
    metadata
        .modified()
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}

#[expect(clippy::disallowed_methods, reason = "recordings are read here alone; errors name the path")]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Names and paths in a folder, in the order of the names.
#[expect(clippy::disallowed_methods, reason = "recordings are read here alone; errors name the path")]
fn list(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    entries.sort();
    Ok(entries)
}
