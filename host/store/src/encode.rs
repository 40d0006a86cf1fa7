//! From events to what a row holds, and back to text. Small events are stored
//! as they are; of larger ones the payload is taken out, compressed and named
//! by its digest, so that content that recurs is stored once.
//!
//! Pure and slow-ish (hashing, compressing): called on the writer's thread and
//! on blocking threads, never on those that serve tasks.

use std::{
    io::{Read as _, Write as _},
    ops::Range,
};

use flate2::{Compression, bufread::ZlibDecoder, write::ZlibEncoder};
use sha2::{Digest as _, Sha256};
use sickbay_core::event::Event;

use crate::{decode::MAX_DEPTH, shape};

/// JSON up to this long is stored as it is.
pub(crate) const INLINE: usize = 4096;
/// No payload of ours is this large; a stored length above it is damage.
const MAX_PAYLOAD: u64 = 1 << 30;

/// An event as text, in the parts that are stored.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// The text, or what is left of it where a payload was taken out.
    pub(crate) body: String,
    pub(crate) payload: Option<Payload>,
    /// Bytes of the whole text.
    pub(crate) bytes: usize,
}

/// The large part of an event's text.
#[derive(Debug)]
pub(crate) struct Payload {
    /// Where in `body` it belongs.
    pub(crate) cut: usize,
    pub(crate) digest: [u8; 32],
    pub(crate) text: String,
}

/// The event as text that can be read again.
pub(crate) fn text(event: &Event) -> Result<String, String> {
    let text = serde_json::to_string(event).map_err(|error| error.to_string())?;
    checked(&text)?;
    Ok(text)
}

/// Fails where the event could never be read again.
pub(crate) fn encode(event: &Event) -> Result<Encoded, String> {
    parts(serde_json::to_string(event).map_err(|error| error.to_string())?)
}

/// The payload of the text, which must not nest too deep.
fn checked(text: &str) -> Result<Option<Range<usize>>, String> {
    // Text this short can not.
    if text.len() <= MAX_DEPTH {
        return Ok(None);
    }
    let shape = shape::of(text);
    if shape.depth > MAX_DEPTH {
        return Err(format!("it nests {} levels deep, more than {MAX_DEPTH}", shape.depth));
    }
    Ok(shape.payload)
}

fn parts(mut text: String) -> Result<Encoded, String> {
    let bytes = text.len();
    let payload = checked(&text)?;
    if bytes <= INLINE {
        return Ok(Encoded { body: text, payload: None, bytes });
    }
    let range = payload.unwrap_or(0..bytes);
    let cut = range.start;
    let (body, payload) = if range.len() == bytes {
        (String::new(), text)
    } else {
        let mut body = String::with_capacity(bytes - range.len());
        body.push_str(text.get(..range.start).unwrap_or_default());
        body.push_str(text.get(range.end..).unwrap_or_default());
        text.truncate(range.end);
        text.drain(..range.start);
        (body, text)
    };
    let digest = Sha256::digest(payload.as_bytes()).into();
    Ok(Encoded { body, payload: Some(Payload { cut, digest, text: payload }), bytes })
}

/// The fastest level: it already takes cluster data to a tenth.
pub(crate) fn deflate(text: &str) -> Result<Vec<u8>, String> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(text.len() / 6 + 64), Compression::new(1));
    encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

/// Puts a payload back. The compressed form has a checksum of its own.
pub(crate) fn join(body: &str, cut: u64, size: u64, deflated: &[u8]) -> Result<String, String> {
    if size > MAX_PAYLOAD {
        return Err(format!("a payload of {size} bytes"));
    }
    let (Some((head, tail)), Ok(capacity)) = (
        usize::try_from(cut).ok().and_then(|cut| body.split_at_checked(cut)),
        usize::try_from(size.min(64 << 20)),
    ) else {
        return Err("its payload is cut out at a place that it does not have".to_owned());
    };
    let mut text = String::with_capacity(body.len() + capacity);
    text.push_str(head);
    let read = ZlibDecoder::new(deflated)
        .take(size + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("its payload can not be unpacked: {error}"))?;
    if read as u64 != size {
        return Err(format!("its payload has {read} bytes instead of {size}"));
    }
    text.push_str(tail);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, inline: bool) {
        let encoded = parts(text.to_owned()).expect("stores");
        assert_eq!(encoded.bytes, text.len());
        assert_eq!(encoded.payload.is_none(), inline);
        let back = match encoded.payload {
            None => encoded.body,
            Some(payload) => {
                let deflated = deflate(&payload.text).expect("deflates");
                join(&encoded.body, payload.cut as u64, payload.text.len() as u64, &deflated).expect("joins")
            }
        };
        assert_eq!(back, text);
    }

    #[test]
    fn text_comes_back_whatever_its_shape() {
        let long = "é\\\"x".repeat(2000);
        check("{}", true);
        check(&format!(r#"{{"a":"{}"}}"#, "x".repeat(INLINE - 8)), true);
        check(&format!(r#"{{"a":"{}"}}"#, "x".repeat(INLINE - 7)), false);
        check(&format!(r#"{{"a":"{long}"}}"#), false);
        check(&format!(r#"{{"é":{{"b":["{long}","{long}"]}},"c":1}}"#), false);
        check(&format!(r#"{{"a":"{long}","b":"{long}"}}"#), false);
    }

    #[test]
    fn the_same_content_has_the_same_digest_in_different_events() {
        let long = "x".repeat(5000);
        let digest = |ask: u64| {
            let text = format!(r#"{{"ask":{ask},"answer":{{"observation":"o{ask}","objects":["{long}"]}}}}"#);
            parts(text).expect("stores").payload.expect("is large").digest
        };
        assert_eq!(digest(1), digest(2000));
    }

    #[test]
    fn damage_is_told() {
        let deflated = deflate("hello hello hello").expect("deflates");
        assert_eq!(join("[]", 1, 17, &deflated).as_deref(), Ok("[hello hello hello]"));
        for (cut, size, bytes) in [
            (3, 17, deflated.as_slice()),
            (1, 16, deflated.as_slice()),
            (1, 18, deflated.as_slice()),
            (1, u64::MAX, deflated.as_slice()),
            (1, 17, &deflated[..deflated.len() - 6]),
            (1, 17, b"not zlib"),
        ] {
            assert!(join("[]", cut, size, bytes).is_err(), "{cut} {size}");
        }
    }
}
