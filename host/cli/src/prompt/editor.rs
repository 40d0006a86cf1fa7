//! A text in the person's own editor: a file that nobody else can read, gone
//! when it was read back.
#![expect(
    clippy::disallowed_methods,
    reason = "the door to the person's editor, and to the file that it edits"
)]

use std::{
    io::{self, Read as _, Write as _},
    process::{Command, Stdio},
};

/// Bytes that are read back at most.
const LONGEST: u64 = 1024 * 1024;

/// What the person left in the file. `editor`: a command with its arguments, as
/// in `code --wait`. Blocks until the editor ends.
pub(super) fn edit(editor: &str, text: &str) -> Result<String, String> {
    let mut words = editor.split_whitespace();
    let program = words.next().ok_or_else(|| "no editor is named".to_owned())?;
    let failed = |verb: &str, error: io::Error| format!("can not {verb}: {error}");
    let mut file = tempfile::Builder::new()
        .prefix("sickbay-")
        .suffix(".json")
        .tempfile()
        .map_err(|error| failed("make a file to edit", error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.flush())
        .map_err(|error| failed("write the file to edit", error))?;
    let status = Command::new(program)
        .args(words)
        .arg(file.path())
        .stdin(Stdio::inherit())
        // The data of the program goes to stdout.
        .stdout(io::stderr())
        .stderr(Stdio::inherit())
        .status()
        .map_err(|error| failed(&format!("start the editor `{program}`"), error))?;
    if !status.success() {
        return Err(format!("the editor `{program}` failed, so that nothing is changed"));
    }
    // Many editors write another file and rename it over the one that was opened.
    let mut edited = String::new();
    std::fs::File::open(file.path())
        .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut edited))
        .map_err(|error| failed("read the edited file", error))?;
    if edited.len() as u64 > LONGEST {
        return Err(format!("the edited file is longer than {LONGEST} bytes"));
    }
    Ok(edited)
}

#[cfg(test)]
mod tests {
    use super::edit;

    #[test]
    fn what_the_editor_leaves_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("editor");
        std::fs::write(
            &script,
            "cat \"$1\" > \"$0.seen\"\nprintf '{\"b\": 2}' > \"$1.new\" && mv \"$1.new\" \"$1\"\n",
        )
        .unwrap();
        let command = format!("sh {}", script.display());
        assert_eq!(edit(&command, "{\"a\": 1}").unwrap(), "{\"b\": 2}");
        assert_eq!(std::fs::read_to_string(folder.path().join("editor.seen")).unwrap(), "{\"a\": 1}\n");
        for (editor, expect) in [
            ("false", "the editor `false` failed"),
            ("/nowhere/editor", "can not start the editor"),
            (" ", "no editor is named"),
        ] {
            assert!(edit(editor, "x").unwrap_err().contains(expect), "{editor}");
        }
    }
}
