//! Blanks a credential out of what comes back: as it is, in base 64 at each of
//! its three alignments, percent-encoded, and escaped for JSON. Works on a
//! stream: what may be the beginning of one is held back until it is known.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use sickbay_core::secret::{MASK, Secret};

/// Shorter forms are too common to be looked for.
const SHORTEST: usize = 4;
const SHORTEST_BASE64: usize = 6;

/// Looks for one credential; with none it passes everything on untouched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scrubber {
    /// The longest first.
    forms: Vec<Form>,
    /// What may yet become one.
    held: Vec<u8>,
}

#[derive(Clone)]
struct Form(Vec<u8>);

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl Scrubber {
    pub(crate) fn of(secret: Option<&Secret>) -> Self {
        let Some(secret) = secret.map(Secret::reveal).filter(|secret| secret.len() >= SHORTEST) else {
            return Self::default();
        };
        let mut forms = vec![secret.as_bytes().to_vec()];
        forms.extend(base64(secret.as_bytes()).into_iter().filter(|form| form.len() >= SHORTEST_BASE64));
        forms.extend([percent(secret, true), percent(secret, false)]);
        let escaped = secret.replace('\\', "\\\\").replace('"', "\\\"");
        forms.extend([escaped.replace('/', "\\/").into_bytes(), escaped.into_bytes()]);
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { forms: forms.into_iter().map(Form).collect(), held: Vec::new() }
    }

    pub(crate) fn is_active(&self) -> bool {
        !self.forms.is_empty()
    }

    /// A whole text.
    pub(crate) fn text(&self, text: &str) -> String {
        if self.forms.is_empty() {
            return text.to_owned();
        }
        let mut scrubbing = Self { forms: self.forms.clone(), held: Vec::new() };
        let mut bytes = scrubbing.feed(Bytes::copy_from_slice(text.as_bytes())).to_vec();
        bytes.extend_from_slice(&scrubbing.finish());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The next part of a stream, without what is held back.
    pub(crate) fn feed(&mut self, bytes: Bytes) -> Bytes {
        if self.forms.is_empty() {
            return bytes;
        }
        if self.held.is_empty() && !self.touches(&bytes) {
            return bytes;
        }
        let mut rest = std::mem::take(&mut self.held);
        rest.extend_from_slice(&bytes);
        let mut passed = Vec::with_capacity(rest.len());
        let mut at = 0;
        while at < rest.len() {
            let here = &rest[at..];
            if let Some(Form(form)) = self.forms.iter().find(|Form(form)| here.starts_with(form)) {
                passed.extend_from_slice(MASK.as_bytes());
                at += form.len();
            } else if self.forms.iter().any(|Form(form)| form.starts_with(here)) {
                self.held = here.to_vec();
                break;
            } else {
                passed.push(here[0]);
                at += 1;
            }
        }
        passed.into()
    }

    /// What was held back at the end of the stream.
    pub(crate) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held).into()
    }

    /// Whether a form, or the beginning of one at the end, is in there.
    fn touches(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|Form(form)| {
            let Some(first) = form.first() else { return false };
            let mut from = 0;
            while let Some(found) = bytes[from..].iter().position(|byte| byte == first) {
                let here = &bytes[from + found..];
                if here.starts_with(form) || form.starts_with(here) {
                    return true;
                }
                from += found + 1;
            }
            false
        })
    }
}

/// The characters that stand for the secret wherever it begins within a longer text that was encoded whole.
fn base64(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for shift in 0..3 {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(secret);
        let (first, end) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            forms.push(engine.encode(&padded).as_bytes()[first..end].to_vec());
        }
    }
    forms
}

fn percent(secret: &str, upper: bool) -> Vec<u8> {
    let mut encoded = String::with_capacity(secret.len());
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") });
        }
    }
    encoded.into_bytes()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "sk-plånted/+\"key\"=9";

    fn stream(parts: &[&[u8]]) -> String {
        let mut scrubber = Scrubber::of(Some(&Secret::new(SECRET)));
        let mut all = Vec::new();
        for part in parts {
            all.extend_from_slice(&scrubber.feed(Bytes::copy_from_slice(part)));
        }
        all.extend_from_slice(&scrubber.finish());
        String::from_utf8_lossy(&all).into_owned()
    }

    #[test]
    fn each_form_is_blanked_out() {
        let json = SECRET.replace('"', "\\\"");
        for form in [
            SECRET.to_owned(),
            STANDARD.encode(SECRET),
            URL_SAFE.encode(SECRET),
            String::from_utf8(percent(SECRET, true)).unwrap(),
            String::from_utf8(percent(SECRET, false)).unwrap(),
            json.replace('/', "\\/"),
            json,
        ] {
            let found = stream(&[b"before ", form.as_bytes(), b" after"]);
            assert!(found.starts_with("before [redacted]") && found.ends_with(" after"), "{found}");
            assert!(!found.contains(&form), "{found}");
        }
        for around in ["u:", "me:", "you:", "user:"] {
            let form = STANDARD.encode(format!("{around}{SECRET}:x"));
            assert!(stream(&[form.as_bytes()]).contains("[redacted]"), "{around}");
        }
    }

    #[test]
    fn what_is_no_credential_is_not_held_back() {
        let mut scrubber = Scrubber::of(Some(&Secret::new(SECRET)));
        assert_eq!(scrubber.feed(Bytes::from_static(b"data: {}\n\n")), "data: {}\n\n");
        assert_eq!(scrubber.feed(Bytes::from_static(b"ask-")), "a");
        assert_eq!(scrubber.feed(Bytes::from_static(b"me")), "sk-me");
        assert_eq!(scrubber.finish(), "");
        assert_eq!(Scrubber::of(Some(&Secret::new("abc"))).text("abc"), "abc");
        assert_eq!(Scrubber::of(None).text("abcd"), "abcd");
        assert!(!format!("{:?}", Scrubber::of(Some(&Secret::new(SECRET)))).contains("115"));
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_nothing_else_changes(
            before in "[a-s -]{0,20}", after in "[a-s -]{0,20}", cuts in prop::collection::vec(0usize..60, 0..6),
        ) {
            let whole = format!("{before}{SECRET}{after}");
            let bytes = whole.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut parts = Vec::new();
            let mut from = 0;
            for cut in cuts {
                parts.push(&bytes[from..cut]);
                from = cut;
            }
            parts.push(&bytes[from..]);
            prop_assert_eq!(stream(&parts), whole.replace(SECRET, "[redacted]"));
        }
    }
}
