//! Lines out of bytes that arrive in any pieces.

use sickbay_plugin::types::{Error, ErrorKind};

use crate::MAX_FRAME;

/// Why a stream can not be cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// No line end within [`MAX_FRAME`] bytes.
    LineTooLong,
    /// The lines of one event are longer than [`MAX_FRAME`] bytes together.
    EventTooLong,
}

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        let (code, what) = match error {
            FrameError::LineTooLong => ("line-too-long", "line"),
            FrameError::EventTooLong => ("event-too-long", "event"),
        };
        Self {
            code: code.into(),
            ..Self::new(
                ErrorKind::Limit,
                format!("a {what} of the provider's stream is longer than {MAX_FRAME} bytes"),
            )
        }
    }
}

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// `\n`, `\r\n` or a lone `\r`, as in server-sent events.
    Any,
    /// `\n`; a `\r` before it is no part of the line.
    LineFeed,
}

/// Collects bytes and gives whole lines. Keeps at most [`MAX_FRAME`] bytes.
#[derive(Debug)]
pub struct Lines {
    ends: LineEnds,
    rest: Vec<u8>,
    /// The last byte was a `\r` that ended a line: a `\n` right after it belongs to it.
    after_return: bool,
    first: bool,
}

impl Lines {
    #[must_use]
    pub fn new(ends: LineEnds) -> Self {
        Self { ends, rest: Vec::new(), after_return: false, first: true }
    }

    /// Hands each line that is complete now to `take`, without its end. Bytes
    /// that are no UTF-8 become replacement characters; a byte order mark at
    /// the head is dropped.
    ///
    /// # Errors
    /// Where a line is too long, and what `take` gives; nothing is to be pushed after one.
    pub fn push<E: From<FrameError>>(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        let ends = self.ends;
        let is_end = |byte: &u8| *byte == b'\n' || (ends == LineEnds::Any && *byte == b'\r');
        while let Some(at) = bytes.iter().position(is_end) {
            let (line, after) = bytes.split_at(at);
            self.keep(line)?;
            let returned = after.first() == Some(&b'\r');
            bytes = after.get(1..).unwrap_or_default();
            if returned {
                match bytes.first() {
                    Some(b'\n') => bytes = bytes.get(1..).unwrap_or_default(),
                    Some(_) => {}
                    None => self.after_return = true,
                }
            }
            self.give(&mut take)?;
        }
        Ok(self.keep(bytes)?)
    }

    /// What stands after the last line end, as a line.
    ///
    /// # Errors
    /// What `take` gives.
    pub fn finish<E: From<FrameError>>(
        &mut self,
        mut take: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.rest.is_empty() { Ok(()) } else { self.give(&mut take) }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        if self.rest.len() + bytes.len() > MAX_FRAME {
            return Err(FrameError::LineTooLong);
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    fn give<E>(&mut self, take: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        let line = String::from_utf8_lossy(&self.rest);
        let mut line = &*line;
        if std::mem::take(&mut self.first) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if self.ends == LineEnds::LineFeed {
            line = line.strip_suffix('\r').unwrap_or(line);
        }
        let taken = take(line);
        self.rest.clear();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splits;

    fn lines(ends: LineEnds, pieces: &[&[u8]]) -> Result<Vec<String>, FrameError> {
        let mut lines = Lines::new(ends);
        let mut found = Vec::new();
        for piece in pieces {
            lines.push(piece, |line| {
                found.push(line.to_owned());
                Ok::<(), FrameError>(())
            })?;
        }
        lines.finish(|line| {
            found.push(line.to_owned());
            Ok::<(), FrameError>(())
        })?;
        Ok(found)
    }

    #[test]
    fn lines_are_the_same_for_any_split() {
        for (ends, bytes, expect) in [
            (LineEnds::Any, "a\r\nb\rc\n\r\n\n\rd", vec!["a", "b", "c", "", "", "", "d"]),
            (LineEnds::LineFeed, "a\r\nb\rc\n\nd", vec!["a", "b\rc", "", "d"]),
            (LineEnds::LineFeed, "\u{feff}ü\n€\u{feff}\n😀", vec!["ü", "€\u{feff}", "😀"]),
            (LineEnds::Any, "", vec![]),
        ] {
            let found = splits::same_for_any_split(bytes.as_bytes(), |pieces| lines(ends, pieces).unwrap());
            assert_eq!(found, expect, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_utf_8_is_replaced_and_not_lost() {
        let found = splits::same_for_any_split(b"a\xffb\n\xe2\x82\nc", |pieces| {
            lines(LineEnds::LineFeed, pieces).unwrap()
        });
        assert_eq!(found, ["a\u{fffd}b", "\u{fffd}", "c"]);
    }

    #[test]
    fn a_line_without_end_is_an_error_and_not_memory() {
        let piece = vec![b'x'; MAX_FRAME / 2 + 1];
        assert_eq!(lines(LineEnds::Any, &[&piece, b"\n", &piece]).map(|l| l.len()), Ok(2));
        assert_eq!(lines(LineEnds::Any, &[&piece, &piece]), Err(FrameError::LineTooLong));
        let long = vec![b'x'; MAX_FRAME + 1];
        assert_eq!(lines(LineEnds::LineFeed, &[&long]), Err(FrameError::LineTooLong));
    }
}
