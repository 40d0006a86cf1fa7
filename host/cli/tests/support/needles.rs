//! What is searched for, in each form that it may have, and what is searched.

use std::{fmt, fs, path::Path};

/// A text in the forms that it may have.
#[derive(Clone)]
pub(crate) struct Needle {
    what: String,
    forms: Vec<String>,
}

impl fmt::Display for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Needle {
    pub(crate) fn new(what: &str, text: &str) -> Self {
        let mut forms = vec![text.to_owned(), percent(text), percent(text).to_lowercase()];
        forms.push(text.replace('/', "\\/"));
        let hex = |upper: bool| {
            text.bytes().map(move |byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") })
        };
        forms.extend([hex(true).collect(), hex(false).collect()]);
        // Wherever it begins within what was encoded, without what its neighbours have a part in.
        for shift in 0..3 {
            let padded = [&b"\0\0"[..shift], text.as_bytes()].concat();
            let encoded = base64(&padded);
            let (from, to) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
            forms.push(encoded[from..to].to_owned());
            forms.push(encoded[from..to].replace('+', "-").replace('/', "_"));
        }
        Self { what: format!("{what} ({text})"), forms }
    }

    fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form.as_str()))
    }
}

/// Everything that may hold something, by where it was found.
#[derive(Default)]
pub(crate) struct Pile(Vec<(String, String)>);

impl Pile {
    pub(crate) fn add(&mut self, place: &str, bytes: &[u8]) {
        self.0.push((place.to_owned(), String::from_utf8_lossy(bytes).into_owned()));
    }

    /// Each file below the folder, and its name, but for those.
    pub(crate) fn add_folder(&mut self, folder: &Path, but: &[std::path::PathBuf]) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if but.iter().any(|but| path.ends_with(but)) {
                continue;
            }
            self.add("a name", path.as_os_str().as_encoded_bytes());
            if path.is_dir() {
                self.add_folder(&path, but);
            } else {
                self.add(&path.display().to_string(), &fs::read(&path).expect("a file"));
            }
        }
    }

    /// Where it is.
    pub(crate) fn holding(&self, needle: &Needle) -> Vec<String> {
        self.0.iter().filter(|(_, text)| needle.is_in(text)).map(|(place, _)| place.clone()).collect()
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for three in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | three.get(at).map_or(0, |byte| usize::from(*byte)));
        for at in 0..4 {
            let letter = if at <= three.len() { LETTERS[word >> (18 - 6 * at) & 63] } else { b'=' };
            encoded.push(char::from(letter));
        }
    }
    encoded
}

pub(crate) fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[test]
fn a_needle_is_found_in_each_of_its_forms() {
    assert_eq!(base64(b"a"), "YQ==");
    assert_eq!(base64(b"ab"), "YWI=");
    assert_eq!(base64(b"abc?>~"), "YWJjPz5+");
    let needle = Needle::new("a key", "sk-a/b+c=d?e");
    for text in [
        "x sk-a/b+c=d?e y",
        "x=sk-a%2Fb%2Bc%3Dd%3Fe&",
        "{\"key\":\"sk-a\\/b+c=d?e\"}",
        "736b2d612f622b633d643f65",
        "736B2D612F622B633D643F65",
        &base64(b"user:sk-a/b+c=d?e"),
        &base64(b"user1:sk-a/b+c=d?e and more"),
        &base64(b"user12:sk-a/b+c=d?e").replace('+', "-").replace('/', "_"),
    ] {
        assert!(needle.is_in(text), "{text}");
    }
    assert!(!needle.is_in("sk-a/b+c=d?f"));
}
