//! One pass over JSON text, without recursion and without building anything:
//! how deep it nests, and which part of it is nearly all of it.
//!
//! An event with a big payload is an envelope of numbers that differ each time
//! around content that often recurs (a list of pods, a log, a report). The
//! part found here is stored by its content, the envelope around it in the row.

use std::ops::Range;

/// At most this much text may stand around a payload.
const MAX_ENVELOPE: usize = 1024;
/// Payloads are looked for this many levels down.
const LEVELS: usize = 6;

/// What one pass finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) depth: usize,
    /// The smallest container or string with no more than [`MAX_ENVELOPE`]
    /// around it. It starts and ends at ASCII quotes or brackets.
    pub(crate) payload: Option<Range<usize>>,
}

/// Takes any text. Where it is not JSON the shape means nothing, but is given.
pub(crate) fn of(text: &str) -> Shape {
    let bytes = text.as_bytes();
    let least = bytes.len().saturating_sub(MAX_ENVELOPE).max(1);
    let mut starts = [0usize; LEVELS];
    let (mut depth, mut deepest) = (0usize, 0usize);
    let mut payload: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at + 1);
                // Inner parts end before outer ones, so the first one that is
                // large enough is the smallest.
                if payload.is_none() && depth < LEVELS && end - at >= least && end - at < bytes.len() {
                    payload = Some(at..end);
                }
                at = end;
                continue;
            }
            b'{' | b'[' => {
                if let Some(start) = starts.get_mut(depth) {
                    *start = at;
                }
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if payload.is_none()
                    && let Some(&start) = starts.get(depth)
                {
                    let length = at + 1 - start;
                    if length >= least && length < bytes.len() {
                        payload = Some(start..at + 1);
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    Shape { depth: deepest, payload }
}

/// The offset after the closing quote, or the end of the text.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at = (at + 2).min(bytes.len()),
            Some(_) => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, depth: usize, payload: Option<&str>) {
        let shape = of(text);
        assert_eq!((shape.depth, shape.payload.and_then(|range| text.get(range))), (depth, payload));
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (text, depth) in [("", 0), ("1", 0), ("[]", 1), (r#"{"a":[{"]]":"[[\"[["}]}"#, 3), ("]]]]", 0)] {
            assert_eq!(of(text).depth, depth, "{text}");
        }
    }

    #[test]
    fn the_payload_is_the_smallest_part_that_is_nearly_all() {
        let long = "x".repeat(3000);
        let list = format!(r#"["{long}","{long}"]"#);
        check(&format!(r#"{{"a":1,"page":{{"o":"o1","objects":{list}}}}}"#), 3, Some(&list));
        let text = format!(r#""{long}\\\"""#);
        check(&format!(r#"{{"log":[{text}]}}"#), 2, Some(&text));
        // Two halves: neither is nearly all of it.
        check(&format!(r#"{{"a":"{long}","b":"{long}"}}"#), 1, None);
    }

    #[test]
    fn text_that_is_not_json_gives_some_shape() {
        for text in [r#"""#, r#""\"#, "}{", "[[[", "é\"é", r#"{"a"#] {
            let _ = of(text);
        }
    }
}
