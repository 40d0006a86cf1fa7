//! Texts from a server, a plugin or a file, made fit for an error message: one
//! line, no control characters, no credentials, of bounded length.

/// Characters that a quoted text may have.
const LONGEST: usize = 300;

pub(super) fn plain(text: &str) -> String {
    let start: String = text.chars().take(LONGEST * 4).collect();
    let redacted = crate::redact::text(&start);
    let mut out = String::new();
    let mut count = 0;
    for word in redacted.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
            count += 1;
        }
        for c in word.chars() {
            if count == LONGEST {
                out.push('…');
                return out;
            }
            out.push(c);
            count += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_become_one_bounded_line() {
        assert_eq!(plain("a\n\tb\u{1b}[31mc "), "a b [31mc");
        assert_eq!(plain(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
        assert!(
            !plain("Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLWhlcmU")
                .contains("eyJ")
        );
    }
}
