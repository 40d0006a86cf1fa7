//! Whether a path lies below another, however a server may read it. Pure.
//!
//! Servers differ in what they make of an encoded slash, of a backslash, of
//! `;x` behind a segment and of an encoding within an encoding. A path counts
//! as being below another only where each of these readings is.

/// Encodings within encodings that are followed.
const DEPTH: usize = 4;

/// Whether `path`, of a normalised URL, is `prefix` or below it in every reading.
pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    if prefix.is_empty() {
        return true;
    }
    let below = |path: &[u8], prefix: &[u8]| {
        let wanted = segments(prefix, false);
        [false, true].into_iter().all(|parameters| segments(path, parameters).starts_with(&wanted))
    };
    let (mut reading, plain) = (path.as_bytes().to_vec(), decoded(prefix.as_bytes()));
    if !below(&reading, prefix.as_bytes()) {
        return false;
    }
    for _ in 0..DEPTH {
        let next = decoded(&reading);
        if next == reading {
            return true;
        }
        if next.contains(&0) || !below(&next, &plain) {
            return false;
        }
        reading = next;
    }
    // Encoded deeper than anybody means.
    false
}

/// The segments with dot segments resolved; `parameters` cuts what stands behind `;`.
fn segments(path: &[u8], parameters: bool) -> Vec<&[u8]> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')).skip(1) {
        let segment = match segment.iter().position(|byte| *byte == b';') {
            Some(end) if parameters => &segment[..end],
            _ => segment,
        };
        match segment {
            b"." => {}
            b".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    kept
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(path.len());
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        match (byte, digit(path.get(at + 1)), digit(path.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_only_in_every_reading() {
        for (path, expect) in [
            ("/v1", true),
            ("/v1/", true),
            ("/v1/chat", true),
            ("/v1/chat%20room", true),
            ("/v1/a%2Fb", true),
            ("/v1/a;x=1/b", true),
            ("/v1/%25", true),
            ("/", false),
            ("/v10", false),
            ("/v", false),
            ("/v2", false),
            ("/V1", false),
            ("//v1", false),
            ("/v1/../admin", false),
            ("/v1/%2e%2e/admin", false),
            ("/v1/..%2fadmin", false),
            ("/v1/..%5Cadmin", false),
            ("/v1/%252e%252e/admin", false),
            ("/v1/%25252e%25252e%25252fadmin", false),
            ("/v1/..;/admin", false),
            ("/v1/..;x/admin", false),
            ("/v1/a%00b", false),
            ("/v1%2f..", false),
        ] {
            assert_eq!(is_below(path, "/v1"), expect, "{path}");
            assert!(is_below(path, "/") && is_below(path, ""), "{path}");
        }
        assert!(is_below("/a/b/c", "/a/b/") && !is_below("/a/bc", "/a/b"));
        assert!(is_below("/a%20b/c", "/a%20b") && !is_below("/a%20bc", "/a%20b"));
        assert!(!is_below(&format!("/v1/%{}41", "25".repeat(40)), "/v1"));
    }
}
