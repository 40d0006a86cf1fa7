//! Server-sent events out of bytes that arrive in any pieces.
//!
//! Follows the HTML standard's parsing, with two leniencies that real servers
//! need: the last event counts without the blank line behind it, and a line
//! that begins with `{` is an event of its own, since gateways write errors so
//! into a stream that already runs.

use crate::{
    MAX_FRAME,
    lines::{FrameError, LineEnds, Lines},
};

/// Collects bytes and gives events. Keeps at most one line and one event.
#[derive(Debug)]
pub struct Sse {
    lines: Lines,
    event: Pending,
}

#[derive(Debug, Default)]
struct Pending {
    name: String,
    data: String,
    has_data: bool,
}

impl Default for Sse {
    fn default() -> Self {
        Self { lines: Lines::new(LineEnds::Any), event: Pending::default() }
    }
}

impl Sse {
    /// Hands each event that is complete now to `take`, as its name (empty
    /// where there is none) and its data.
    ///
    /// # Errors
    /// Where a line or an event is too long, and what `take` gives; nothing is
    /// to be pushed after one.
    pub fn push<E: From<FrameError>>(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { lines, event } = self;
        lines.push(bytes, |line| event.line(line, &mut take))
    }

    /// The stream ended: what was begun is an event too.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish<E: From<FrameError>>(
        &mut self,
        mut take: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { lines, event } = self;
        lines.finish(|line| event.line(line, &mut take))?;
        event.dispatch(&mut take)
    }
}

impl Pending {
    fn line<E: From<FrameError>>(
        &mut self,
        line: &str,
        take: &mut impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        if line.is_empty() {
            return self.dispatch(take);
        }
        if line.starts_with('{') {
            self.dispatch(take)?;
            return take("", line);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.data.len() + value.len() >= MAX_FRAME {
                    return Err(FrameError::EventTooLong.into());
                }
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            "event" => value.clone_into(&mut self.name),
            // A comment has an empty field; `id` and `retry` are for clients that reconnect.
            _ => {}
        }
        Ok(())
    }

    fn dispatch<E>(&mut self, take: &mut impl FnMut(&str, &str) -> Result<(), E>) -> Result<(), E> {
        let taken = if self.has_data { take(&self.name, &self.data) } else { Ok(()) };
        self.name.clear();
        self.data.clear();
        self.has_data = false;
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::splits;

    fn events(pieces: &[&[u8]]) -> Result<Vec<(String, String)>, FrameError> {
        let mut sse = Sse::default();
        let mut found = Vec::new();
        for piece in pieces {
            sse.push(piece, |name, data| {
                found.push((name.to_owned(), data.to_owned()));
                Ok::<(), FrameError>(())
            })?;
        }
        sse.finish(|name, data| {
            found.push((name.to_owned(), data.to_owned()));
            Ok::<(), FrameError>(())
        })?;
        Ok(found)
    }

    #[test]
    fn events_are_read_as_servers_write_them() {
        for (bytes, expect) in [
            ("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")][..]),
            ("event: x\ndata: a\n\ndata: b\n\n", &[("x", "a"), ("", "b")]),
            ("data:a\r\n\r\ndata:  b\r\n\r\n", &[("", "a"), ("", " b")]),
            ("data: a\rdata: b\r\rdata: c\r\r", &[("", "a\nb"), ("", "c")]),
            (": ping\n\n:\n\ndata: a\n: in between\ndata\ndata: b\n\n", &[("", "a\n\nb")]),
            ("\u{feff}data: ü€😀\n\n", &[("", "ü€😀")]),
            ("id: 1\nretry: 5\nother: x\nevent: lost\n\ndata: a\n\n", &[("", "a")]),
            ("data: {\"a\":1}\n\ndata: [DONE]", &[("", "{\"a\":1}"), ("", "[DONE]")]),
            ("data: a\n\n{\"error\":{}}\n", &[("", "a"), ("", "{\"error\":{}}")]),
            ("data\n\n", &[("", "")]),
            ("\n\n\n", &[]),
        ] {
            let found = splits::same_for_any_split(bytes.as_bytes(), |pieces| events(pieces).unwrap());
            let found: Vec<(&str, &str)> = found.iter().map(|(n, d)| (n.as_str(), d.as_str())).collect();
            assert_eq!(found, expect, "{bytes:?}");
        }
    }

    #[test]
    fn an_event_of_many_lines_is_bounded() {
        let line = format!("data: {}\n", "x".repeat(64 << 10));
        let pieces: Vec<&[u8]> = vec![line.as_bytes(); 80];
        assert_eq!(events(&pieces), Err(FrameError::EventTooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_events(
            bytes in proptest::collection::vec(prop_oneof![
                Just(b'\r'), Just(b'\n'), Just(b':'), Just(b'd'), Just(b'{'), any::<u8>()
            ], 0..80),
            cuts in proptest::collection::vec(0usize..80, 0..6),
        ) {
            let pieces = splits::pieces(&bytes, &cuts);
            prop_assert_eq!(events(&pieces), events(&[&bytes]));
        }

        #[test]
        fn what_was_written_is_read(
            written in proptest::collection::vec(("[a-z]{0,4}", "[^\r\n\u{feff}]{0,12}(\n[^\r\n\u{feff}]{0,12}){0,2}"), 0..6),
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            cuts in proptest::collection::vec(0usize..200, 0..6),
        ) {
            let mut text = String::new();
            for (name, data) in &written {
                if !name.is_empty() {
                    text.push_str(&format!("event:{name}{end}"));
                }
                for line in data.split('\n') {
                    text.push_str(&format!("data: {line}{end}"));
                }
                text.push_str(end);
            }
            let found = events(&splits::pieces(text.as_bytes(), &cuts)).unwrap();
            prop_assert_eq!(found, written);
        }
    }
}
