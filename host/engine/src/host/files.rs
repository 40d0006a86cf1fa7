//! `wasi:filesystem`: the granted workspace, as `/workspace`, and nothing else.
//!
//! The folder is opened once and every path is resolved below it by the engine
//! (on Linux by the kernel, which is told not to leave it). This file stands
//! before that and does not rely on it: it refuses paths that are absolute,
//! climb out or are overlong, everything that changes a workspace that is only
//! read, links of both kinds, changes to a file that has another name
//! elsewhere, and whatever is neither file nor folder; and it counts what is
//! written.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::{
    FsPerms, WasiCtxBuilder,
    filesystem::{Descriptor, WasiFilesystemCtxView},
    p2::{
        DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, ReaddirIterator,
        StreamError, StreamResult,
        bindings::filesystem::types::{
            self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
            Filesize, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
        },
    },
};

use crate::{outside::Workspace, state::State};

/// What the guest calls its folder.
const NAME: &str = "/workspace";
/// Bytes that one call may write, and files and folders that it may make.
const WRITTEN: u64 = 64 << 20;
const MADE: u64 = 1_000;
/// Bytes of a path and of one of its parts.
const PATH: usize = 4096;
const PART: usize = 255;

/// What one call may do to its workspace, and has done. Without one it can do nothing.
#[derive(Debug, Default)]
pub(crate) struct FileRules {
    writable: bool,
    made: u64,
    written: Arc<AtomicU64>,
}

/// Puts our own functions in place of the engine's.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, Guarded>(linker, State::files)
}

/// Opens the folder for the guest. The error says why it can not be.
pub(crate) fn open(builder: &mut WasiCtxBuilder, workspace: &Workspace) -> Result<FileRules, String> {
    let perms = if workspace.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
    builder.preopened_dir(&workspace.path, NAME, perms).map_err(|error| {
        format!("the workspace `{}` can not be opened: {error}", workspace.path.display())
    })?;
    Ok(FileRules { writable: workspace.writable, ..FileRules::default() })
}

struct Guarded;

impl HasData for Guarded {
    type Data<'a> = Files<'a>;
}

/// The engine's functions behind our rules.
pub(crate) struct Files<'a> {
    pub(crate) inner: WasiFilesystemCtxView<'a>,
    pub(crate) rules: &'a mut FileRules,
}

type Fd = Resource<Descriptor>;

/// The same descriptor once more, for a look before the call.
fn again(fd: &Fd) -> Fd {
    Resource::new_borrow(fd.rep())
}

/// Whether a path stays where it begins, as far as its text says.
fn check(path: &str) -> Result<(), ErrorCode> {
    if path.contains('\0') {
        return Err(ErrorCode::Invalid);
    }
    if path.len() > PATH || path.split('/').any(|part| part.len() > PART) {
        return Err(ErrorCode::NameTooLong);
    }
    let mut depth = 0_i32;
    for part in path.split('/') {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        if depth < 0 {
            return Err(ErrorCode::NotPermitted);
        }
    }
    if path.starts_with('/') { Err(ErrorCode::NotPermitted) } else { Ok(()) }
}

impl Files<'_> {
    fn may_change(&self) -> Result<(), ErrorCode> {
        if self.rules.writable { Ok(()) } else { Err(ErrorCode::ReadOnly) }
    }

    fn may_make(&mut self) -> Result<(), ErrorCode> {
        self.may_change()?;
        if self.rules.made >= MADE {
            return Err(ErrorCode::Quota);
        }
        self.rules.made += 1;
        Ok(())
    }

    /// Whether what a path names may be opened. What is not there yet is no trouble.
    async fn may_open(&mut self, fd: &Fd, flags: PathFlags, path: &str, changes: bool) -> FsResult<()> {
        use types::HostDescriptor as _;
        match self.inner.stat_at(again(fd), flags, path.to_owned()).await {
            Ok(DescriptorStat { type_: DescriptorType::RegularFile, link_count, .. }) => {
                // Its other name may be anywhere.
                if changes && link_count > 1 { Err(ErrorCode::NotPermitted.into()) } else { Ok(()) }
            }
            Ok(DescriptorStat {
                type_: DescriptorType::Directory | DescriptorType::SymbolicLink, ..
            }) => Ok(()),
            // Opening a pipe waits for its other end, opening a device may do anything.
            Ok(_) => Err(ErrorCode::NotPermitted.into()),
            Err(error) => match error.downcast_ref() {
                Some(ErrorCode::NoEntry) => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Counts what goes through a stream.
    fn metered(&mut self, stream: Resource<DynOutputStream>) -> FsResult<Resource<DynOutputStream>> {
        let inner = self.inner.table.delete(stream)?;
        let metered: DynOutputStream = Box::new(Metered { inner, written: Arc::clone(&self.rules.written) });
        Ok(self.inner.table.push(metered)?)
    }
}

/// Whether that many bytes more are within the limit.
fn may_write(written: &AtomicU64, bytes: u64) -> bool {
    written.fetch_add(bytes, Relaxed).saturating_add(bytes) <= WRITTEN
}

impl types::Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.inner.filesystem_error_code(error)
    }
}

impl types::HostDescriptor for Files<'_> {
    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        mut flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        check(&path)?;
        let makes = open_flags.contains(OpenFlags::CREATE);
        let changes = makes
            || open_flags.intersects(OpenFlags::TRUNCATE | OpenFlags::EXCLUSIVE)
            || flags.contains(DescriptorFlags::WRITE);
        if changes {
            self.may_change()?;
        } else if !self.rules.writable {
            // Toolchains ask for it with every folder; nothing that it would allow is allowed here.
            flags &= !DescriptorFlags::MUTATE_DIRECTORY;
        }
        self.may_open(&fd, path_flags, &path, changes).await?;
        if makes {
            self.may_make()?;
        }
        self.inner.open_at(fd, path_flags, path, open_flags, flags).await
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        self.may_change()?;
        if !may_write(&self.rules.written, bytes.len() as u64) {
            return Err(ErrorCode::Quota.into());
        }
        self.inner.write(fd, bytes, offset).await
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        self.may_change()?;
        let stream = self.inner.write_via_stream(fd, offset)?;
        self.metered(stream)
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        self.may_change()?;
        let stream = self.inner.append_via_stream(fd)?;
        self.metered(stream)
    }

    async fn set_size(&mut self, fd: Fd, size: Filesize) -> FsResult<()> {
        self.may_change()?;
        if size > WRITTEN {
            return Err(ErrorCode::FileTooLarge.into());
        }
        self.inner.set_size(fd, size).await
    }

    async fn set_times(&mut self, fd: Fd, accessed: NewTimestamp, modified: NewTimestamp) -> FsResult<()> {
        self.may_change()?;
        self.inner.set_times(fd, accessed, modified).await
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        check(&path)?;
        self.may_change()?;
        self.may_open(&fd, path_flags, &path, true).await?;
        self.inner.set_times_at(fd, path_flags, path, accessed, modified).await
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        check(&path)?;
        self.may_make()?;
        self.inner.create_directory_at(fd, path).await
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        check(&path)?;
        self.may_change()?;
        self.inner.remove_directory_at(fd, path).await
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        check(&path)?;
        self.may_change()?;
        self.inner.unlink_file_at(fd, path).await
    }

    async fn rename_at(&mut self, fd: Fd, from: String, to_fd: Fd, to: String) -> FsResult<()> {
        check(&from)?;
        check(&to)?;
        self.may_change()?;
        self.inner.rename_at(fd, from, to_fd, to).await
    }

    /// A link that a guest made would be followed by programs that know nothing of the sandbox.
    async fn symlink_at(&mut self, _fd: Fd, _target: String, _path: String) -> FsResult<()> {
        self.may_change()?;
        Err(ErrorCode::NotPermitted.into())
    }

    async fn link_at(
        &mut self,
        _fd: Fd,
        _path_flags: PathFlags,
        _old: String,
        _to_fd: Fd,
        _new: String,
    ) -> FsResult<()> {
        self.may_change()?;
        Err(ErrorCode::NotPermitted.into())
    }

    async fn stat_at(&mut self, fd: Fd, path_flags: PathFlags, path: String) -> FsResult<DescriptorStat> {
        check(&path)?;
        self.inner.stat_at(fd, path_flags, path).await
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        check(&path)?;
        self.inner.readlink_at(fd, path).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        check(&path)?;
        self.inner.metadata_hash_at(fd, path_flags, path).await
    }

    // What only looks, at what was opened before.

    async fn advise(&mut self, fd: Fd, offset: Filesize, length: Filesize, advice: Advice) -> FsResult<()> {
        self.inner.advise(fd, offset, length, advice).await
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        self.inner.sync_data(fd).await
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        self.inner.sync(fd).await
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        self.inner.get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        self.inner.get_type(fd).await
    }

    async fn read(&mut self, fd: Fd, length: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        self.inner.read(fd, length, offset).await
    }

    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        self.inner.read_via_stream(fd, offset)
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<ReaddirIterator>> {
        self.inner.read_directory(fd).await
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        self.inner.stat(fd).await
    }

    async fn is_same_object(&mut self, a: Fd, b: Fd) -> wasmtime::Result<bool> {
        self.inner.is_same_object(a, b).await
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        self.inner.metadata_hash(fd).await
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        types::HostDescriptor::drop(&mut self.inner, fd)
    }
}

impl types::HostDirectoryEntryStream for Files<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<ReaddirIterator>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.inner.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<ReaddirIterator>) -> wasmtime::Result<()> {
        types::HostDirectoryEntryStream::drop(&mut self.inner, stream)
    }
}

/// A stream into a file that ends where the call has written enough.
struct Metered {
    inner: DynOutputStream,
    written: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl Pollable for Metered {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[async_trait::async_trait]
impl OutputStream for Metered {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if !may_write(&self.written, bytes.len() as u64) {
            let full = io::Error::new(io::ErrorKind::QuotaExceeded, "the call has written all that it may");
            return Err(StreamError::LastOperationFailed(full.into()));
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_where_it_begins() {
        let (long, deep) = ("x".repeat(256), "a/".repeat(3000));
        for (path, expect) in [
            ("a", None),
            ("a/../b", None),
            ("./a//b/", None),
            ("...", None),
            ("", None),
            ("..", Some(ErrorCode::NotPermitted)),
            ("a/../..", Some(ErrorCode::NotPermitted)),
            ("../workspace/a", Some(ErrorCode::NotPermitted)),
            ("/etc/passwd", Some(ErrorCode::NotPermitted)),
            ("/", Some(ErrorCode::NotPermitted)),
            ("a\0b", Some(ErrorCode::Invalid)),
            (&long, Some(ErrorCode::NameTooLong)),
            (&deep, Some(ErrorCode::NameTooLong)),
        ] {
            assert_eq!(
                check(path).err().map(|error| format!("{error:?}")),
                expect.map(|e| format!("{e:?}")),
                "{path}"
            );
        }
    }
}
