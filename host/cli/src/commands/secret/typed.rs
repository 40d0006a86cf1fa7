//! A key as a person types it, or as a file hands it in.

use std::io::{self, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use sickbay_core::secret::Secret;
use sickbay_runtime::Failure;

/// Bytes of a key at most, and of the line end behind it.
const LONGEST: u64 = 16 * 1024 + 2;

/// Everything up to the end of stdin, without the line end.
pub(super) fn read_stdin() -> Result<Secret, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::failed(format!("can not read the key from stdin: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage("what stdin gives is not UTF-8 text"))?;
    if text.trim().is_empty() {
        return Err(
            Failure::usage("stdin holds no key").with_hint("pipe it in: `sickbay secret set NAME < FILE`")
        );
    }
    Ok(Secret::new(text.trim()))
}

/// One line from the terminal, which shows none of it.
pub(super) fn ask(question: impl FnOnce()) -> Result<Secret, Failure> {
    let quiet = Quiet::begin().map_err(|error| {
        Failure::failed(format!("can not keep the terminal from showing the key: {error}"))
    })?;
    question();
    let line = read_line(&mut io::stdin().lock());
    drop(quiet);
    // The line end that was typed was not shown either.
    let _ = writeln!(io::stderr().lock());
    match line {
        Ok(Some(text)) => Ok(Secret::new(text.trim())),
        Ok(None) => Err(Failure::failed("interrupted: nothing was changed")),
        Err(error) => Err(Failure::failed(format!("can not read the key: {error}"))),
    }
}

/// The terminal without echo. Signals are off too: one would leave it like that.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that went away.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// The line, with what the keys for editing do to it; none where it was broken off.
fn read_line(keys: &mut impl io::Read) -> io::Result<Option<String>> {
    let mut line: Vec<u8> = Vec::new();
    let mut key = [0_u8];
    loop {
        if keys.read(&mut key)? == 0 {
            return Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()));
        }
        match key[0] {
            b'\n' | b'\r' => return Ok(Some(String::from_utf8_lossy(&line).into_owned())),
            // Ctrl-C, Ctrl-\ and Ctrl-Z; Ctrl-D on an empty line.
            0x03 | 0x1c | 0x1a => return Ok(None),
            0x04 if line.is_empty() => return Ok(None),
            0x04 => {}
            // Ctrl-U takes all of it back, backspace one character.
            0x15 => line.clear(),
            0x08 | 0x7f => while line.pop().is_some_and(|byte| (0x80..0xc0).contains(&byte)) {},
            byte if line.len() as u64 <= LONGEST => line.push(byte),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_line_can_be_edited_and_broken_off() {
        for (typed, expect) in [
            (b"key\n".as_slice(), Some("key")),
            (b"key\r", Some("key")),
            (b"keg\x7fy\n", Some("key")),
            ("ké\u{7f}ey\n".as_bytes(), Some("key")),
            (b"wrong\x15key\n", Some("key")),
            (b"\x7f\n", Some("")),
            (b"key", Some("key")),
            (b"ke\x03y\n", None),
            (b"\x04", None),
            (b"", None),
        ] {
            assert_eq!(read_line(&mut &*typed).unwrap().as_deref(), expect, "{typed:?}");
        }
    }
}
