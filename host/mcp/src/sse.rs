//! A response's body as server-sent events, each of bounded size.
//!
//! The parser behind keeps an event until its end: what counts here is what it
//! would have to keep.

use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream::BoxStream};
use sickbay_egress::Incoming;
use sse_stream::{Error, Sse, SseStream};

/// The body, part by part, until its end or its first error.
pub(crate) fn body(incoming: Incoming) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
    futures::stream::unfold(Some(incoming), |state| async move {
        let mut incoming = state?;
        match incoming.chunk().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(incoming))),
            Ok(None) => None,
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    })
}

/// The events of a body, none of more than `limit` bytes.
pub(crate) fn events<S>(body: S, limit: usize) -> BoxStream<'static, Result<Sse, Error>>
where
    S: Stream<Item = Result<Bytes, io::Error>> + Send + 'static,
{
    let mut size = Size::default();
    let bounded = body.scan(false, move |over, part| {
        let given = match part {
            _ if *over => None,
            Ok(bytes) if size.grows_over(&bytes, limit) => {
                *over = true;
                Some(Err(io::Error::other(format!("an event has more than {limit} bytes"))))
            }
            other => Some(other),
        };
        std::future::ready(given)
    });
    SseStream::from_bytes_stream(bounded).boxed()
}

/// How much of the current event there is.
#[derive(Default)]
struct Size {
    event: usize,
    line: usize,
    is_comment: bool,
    after_return: bool,
}

impl Size {
    /// Whether an event is larger than the limit once these bytes are there.
    fn grows_over(&mut self, bytes: &[u8], limit: usize) -> bool {
        for &byte in bytes {
            let ends = match byte {
                b'\n' => !std::mem::take(&mut self.after_return),
                b'\r' => {
                    self.after_return = true;
                    true
                }
                _ => {
                    self.after_return = false;
                    self.is_comment = if self.line == 0 { byte == b':' } else { self.is_comment };
                    self.line += 1;
                    false
                }
            };
            if ends {
                // An empty line ends the event; a comment is forgotten at its end.
                self.event = match self.line {
                    0 => 0,
                    _ if self.is_comment => self.event,
                    line => self.event + line + 1,
                };
                self.line = 0;
            }
            if self.event + self.line > limit {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(parts: &[&str], limit: usize) -> (Vec<String>, bool) {
        let parts: Vec<Result<Bytes, io::Error>> =
            parts.iter().map(|part| Ok(Bytes::copy_from_slice(part.as_bytes()))).collect();
        let mut events = events(futures::stream::iter(parts), limit);
        let mut read = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => read.push(event.data.unwrap_or_default()),
                Err(_) => return (read, true),
            }
        }
        (read, false)
    }

    #[tokio::test]
    async fn events_are_read_however_they_are_cut() {
        let whole = ": hello\r\n\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:two\n\n";
        let expect = (vec!["{\"a\":\n1}".to_owned(), "two".to_owned()], false);
        assert_eq!(read(&[whole], 100).await, expect);
        for at in 1..whole.len() {
            let (left, right) = whole.split_at(at);
            let (read, failed) = read(&[left, right], 100).await;
            assert_eq!(
                (read.iter().filter(|data| !data.is_empty()).cloned().collect::<Vec<_>>(), failed),
                expect
            );
        }
    }

    #[tokio::test]
    async fn an_event_without_an_end_is_cut_off_and_comments_do_not_count() {
        let comment = ": still here\n\n".repeat(50);
        assert!(!read(&[&comment, "data: x\n\n"], 40).await.1);
        assert!(read(&["data: x\n\n", "data: ", &"y".repeat(100)], 40).await.1);
        assert!(read(&[&"data: y\n".repeat(20)], 40).await.1);
        assert!(read(&[&format!(": {}", "y".repeat(100))], 40).await.1);
    }
}
