//! A tool that does to its folder what its arguments say, line by line, by the
//! bare interface: `OPERATION PATH [PATH]`. Each line is answered by one.

use sickbay_plugin::tool::{
    Effect, Error, Guest, ToolOutput, ToolSpec,
    wasi::filesystem::{
        preopens,
        types::{Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags},
    },
};

struct Files;

impl Guest for Files {
    fn list() -> Vec<ToolSpec> {
        vec![ToolSpec {
            name: "files".into(),
            description: "Works on files.".into(),
            input_schema: r#"{"type":"string"}"#.into(),
            output_schema: None,
            effect: Effect::Write,
        }]
    }

    fn call(name: String, arguments: String) -> Result<ToolOutput, Error> {
        let text = match name.as_str() {
            // What an ordinary program does, through its standard library.
            "std" => ordinary(&arguments),
            _ => bare(&arguments),
        };
        Ok(ToolOutput { text, structured: None, is_error: false })
    }
}

fn bare(lines: &str) -> String {
    let folders = preopens::get_directories();
    let Some((folder, _)) = folders.first() else { return "no folder".to_owned() };
    let told = |line: &str| match operation(folder, line) {
        Ok(found) => found,
        Err(error) => format!("refused: {}", error.name()),
    };
    lines.lines().map(told).collect::<Vec<_>>().join("\n")
}

const NONE: PathFlags = PathFlags::empty();
const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;

fn operation(folder: &Descriptor, line: &str) -> Result<String, ErrorCode> {
    let mut words = line.split(' ');
    let (operation, path, other) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let follow = PathFlags::SYMLINK_FOLLOW;
    let open = |how: OpenFlags, flags: DescriptorFlags| folder.open_at(follow, path, how, flags);
    let done = |()| "ok".to_owned();
    match operation {
        "read" => {
            let (bytes, _) = open(OpenFlags::empty(), READ)?.read(4096, 0)?;
            Ok(format!("read {}", String::from_utf8_lossy(&bytes)))
        }
        "create" => open(OpenFlags::CREATE, WRITE)?.write(other.as_bytes(), 0).map(|n| format!("wrote {n}")),
        "create-only" => open(OpenFlags::CREATE, READ).map(|_| "ok".to_owned()),
        "exclusive" => open(OpenFlags::CREATE | OpenFlags::EXCLUSIVE, WRITE).map(|_| "ok".to_owned()),
        "truncate" => open(OpenFlags::TRUNCATE, READ).map(|_| "ok".to_owned()),
        "open-write" => open(OpenFlags::empty(), WRITE).map(|_| "ok".to_owned()),
        "mutate" => {
            open(OpenFlags::DIRECTORY, READ | DescriptorFlags::MUTATE_DIRECTORY).map(|_| "ok".to_owned())
        }
        // What was opened to be read is not written by another door.
        "write-read" => open(OpenFlags::empty(), READ)?.write(b"x", 0).map(|n| format!("wrote {n}")),
        "stream-read" => open(OpenFlags::empty(), READ)?.write_via_stream(0).map(|_| "ok".to_owned()),
        "append-read" => open(OpenFlags::empty(), READ)?.append_via_stream().map(|_| "ok".to_owned()),
        "set-size-read" => open(OpenFlags::empty(), READ)?.set_size(0).map(done),
        "set-size" => open(OpenFlags::empty(), WRITE)?.set_size(other.parse().unwrap_or(0)).map(done),
        "times-read" => {
            open(OpenFlags::empty(), READ)?.set_times(NewTimestamp::Now, NewTimestamp::Now).map(done)
        }
        "times" => folder.set_times_at(NONE, path, NewTimestamp::Now, NewTimestamp::Now).map(done),
        "mkdir" => folder.create_directory_at(path).map(done),
        "rmdir" => folder.remove_directory_at(path).map(done),
        "unlink" => folder.unlink_file_at(path).map(done),
        "rename" => folder.rename_at(path, folder, other).map(done),
        "symlink" => folder.symlink_at(other, path).map(done),
        "link" => folder.link_at(NONE, path, folder, other).map(done),
        "readlink" => folder.readlink_at(path),
        "stat" => folder.stat_at(follow, path).map(|stat| format!("{} bytes", stat.size)),
        "hash" => folder.metadata_hash_at(follow, path).map(|_| "ok".to_owned()),
        // A folder below, and out of it again.
        "below" => {
            let below = open(OpenFlags::DIRECTORY, READ)?;
            let (bytes, _) = below.open_at(follow, other, OpenFlags::empty(), READ)?.read(4096, 0)?;
            Ok(format!("read {}", String::from_utf8_lossy(&bytes)))
        }
        "list" => {
            let entries = open(OpenFlags::DIRECTORY, READ)?.read_directory()?;
            let mut names = Vec::new();
            while let Some(entry) = entries.read_directory_entry()? {
                names.push(entry.name);
            }
            names.sort();
            Ok(names.join(" "))
        }
        // More than a call may write, by the one way and the other.
        "flood" => {
            let file = open(OpenFlags::CREATE, WRITE)?;
            let (part, mut at) = (vec![b'x'; 1 << 20], 0);
            loop {
                at += file.write(&part, at)?;
            }
        }
        "flood-stream" => {
            let stream = open(OpenFlags::CREATE, WRITE)?.append_via_stream()?;
            let part = vec![b'x'; 64 << 10];
            let mut written = 0;
            loop {
                let permit = match stream.check_write() {
                    Ok(0) => {
                        stream.subscribe().block();
                        continue;
                    }
                    Ok(permit) => part.len().min(usize::try_from(permit).unwrap_or(usize::MAX)),
                    Err(_) => break,
                };
                if stream.write(&part[..permit]).is_err() {
                    break;
                }
                written += permit;
            }
            Ok(format!("stopped at {written}"))
        }
        "flood-names" => {
            for n in 0..100_000 {
                if let Err(error) = folder.create_directory_at(&format!("{path}{n}")) {
                    return Ok(format!("{} at {n}", error.name()));
                }
            }
            Ok("never stopped".to_owned())
        }
        _ => Err(ErrorCode::Unsupported),
    }
}

#[expect(clippy::disallowed_methods, reason = "the guest's own files")]
fn ordinary(name: &str) -> String {
    let path = format!("/workspace/{name}");
    let wrote = std::fs::write(&path, "by std").map_err(|error| error.kind());
    let read = std::fs::read_to_string(&path).map_err(|error| error.kind());
    format!("{wrote:?} {read:?}")
}

sickbay_plugin::plugin! {
    tool: Files,
    name: "files",
    version: env!("CARGO_PKG_VERSION"),
    description: "Works on files.",
    capabilities: ["workspace:write"],
}
