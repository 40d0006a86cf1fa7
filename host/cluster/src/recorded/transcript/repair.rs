//! Mends JSON that a redactor broke.
//!
//! A redactor that looks at text replaces more than it should: the value of
//! `annotations` up to the first comma, say, so that a string loses its
//! opening quote. What follows tells how it was.

/// What stands for the swallowed beginning of a string within annotations.
const OPENING: &str = r#"{"kubectl.kubernetes.io/last-applied-configuration":""#;

/// The text with marks such as `[REDACTED]` mended; none where there is
/// nothing to mend. Whether it is JSON now shows when it is parsed.
pub(super) fn json(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut output = String::new();
    let (mut copied, mut at, mut in_string, mut mended) = (0, 0, false, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'[' if !in_string => {
                if let Some(end) = mark(bytes, at) {
                    output.push_str(&text[copied..at]);
                    let rest = &text[end..];
                    // Escaped quotes go on: the mark stands within a string.
                    if rest.starts_with(",\\\"") || rest.starts_with("\\\"") || rest.starts_with(":\\\"") {
                        output.push_str(OPENING);
                        in_string = true;
                    } else {
                        output.push_str("null");
                    }
                    copied = end;
                    at = end;
                    mended = true;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if !mended {
        return None;
    }
    output.push_str(&text[copied..]);
    Some(output)
}

/// The end of `[REDACTED]` and the like: capitals in brackets.
fn mark(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes[at + 1..].iter().take(40).position(|byte| *byte == b']')?;
    let word = &bytes[at + 1..at + 1 + length];
    let capitals =
        word.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-' | b':' | b' '));
    (word.len() >= 4 && capitals).then_some(at + length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: Option<&str>) {
        let mended = json(input);
        assert_eq!(mended.as_deref(), expect, "{input}");
        if let Some(mended) = mended {
            serde_json::from_str::<serde_json::Value>(&mended).unwrap();
        }
    }

    #[test]
    fn marks() {
        check(
            r#"{"annotations":[REDACTED],\"labels\":{\"a\":\"b\"}}\n"},"x":1}"#,
            Some(
                r#"{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":",\"labels\":{\"a\":\"b\"}}\n"},"x":1}"#,
            ),
        );
        check(r#"{"annotations":[REDACTED],"x":[1]}"#, Some(r#"{"annotations":null,"x":[1]}"#));
        check(r#"{"a":[REDACTED]}"#, Some(r#"{"a":null}"#));
        check(r#"{"a":"[REDACTED]","b":["X"]}"#, None);
        check(r#"{"a":[1,2]}"#, None);
    }
}
