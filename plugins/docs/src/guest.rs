//! The glue between the component model and the tools: the run's folder, read
//! through `wasi:filesystem`. Built for WebAssembly only.

use std::{fs, io::Read as _, path::PathBuf};

use sickbay_plugin::{
    config,
    text::line,
    tool::{Error, ErrorKind, Guest, ToolOutput, ToolSpec, wasi::filesystem::preopens},
};

use crate::folder::{Entry, EntryKind, Folder};

struct Docs;

impl Guest for Docs {
    fn list() -> Vec<ToolSpec> {
        crate::tools()
    }

    fn call(name: String, arguments: String) -> Result<ToolOutput, Error> {
        crate::call(&Workspace::open()?, &name, &arguments)
    }
}

sickbay_plugin::plugin! {
    tool: Docs,
    name: "docs",
    version: env!("CARGO_PKG_VERSION"),
    description: "Searches and reads the team's runbooks: a folder of Markdown, with citations",
    capabilities: ["workspace:read"],
}

/// The run's folder, or the one inside it that the setting `folder` names.
struct Workspace {
    root: PathBuf,
}

impl Workspace {
    fn open() -> Result<Self, Error> {
        let Some((_, mounted)) = preopens::get_directories().into_iter().next() else {
            return Err(Error {
                kind: ErrorKind::Denied,
                code: "no-workspace".to_owned(),
                message: "the run has no folder that plugin `docs` may read: grant `workspace:read`, and name the folder"
                    .to_owned(),
                retry_after_ms: None,
            });
        };
        let mut root = PathBuf::from(mounted);
        let inside = config::get("folder")?.unwrap_or_default();
        for step in inside.split('/').filter(|step| !step.is_empty() && *step != ".") {
            if step == ".." {
                return Err(Error::invalid_input(
                    "the setting `folder` may not lead out of the run's folder",
                ));
            }
            root.push(step);
        }
        Ok(Self { root })
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

fn failed(path: &str, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Unavailable,
    };
    let path = if path.is_empty() { "the folder".to_owned() } else { format!("`{}`", line(path, 200)) };
    Error::new(kind, format!("{path} can not be read: {error}"))
}

#[expect(clippy::disallowed_methods, reason = "inside the sandbox this is the run's folder and nothing else")]
impl Folder for Workspace {
    fn entries(&self, path: &str, most: usize) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.at(path)).map_err(|error| failed(path, &error))?.take(most) {
            let entry = entry.map_err(|error| failed(path, &error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // This does not follow links.
            let kind = match entry.metadata() {
                Ok(metadata) if metadata.is_file() => EntryKind::File(metadata.len()),
                Ok(metadata) if metadata.is_dir() => EntryKind::Folder,
                _ => EntryKind::Other,
            };
            entries.push(Entry { name, kind });
        }
        Ok(entries)
    }

    fn read(&self, path: &str, most: usize) -> Result<Vec<u8>, Error> {
        let file = fs::File::open(self.at(path)).map_err(|error| failed(path, &error))?;
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes).map_err(|error| failed(path, &error))?;
        Ok(bytes)
    }
}
