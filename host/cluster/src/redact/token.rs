//! Credentials that are told by their own shape: the tokens of vendors, JSON
//! web tokens, private keys, passwords in URLs and headers.

use super::text::{is_base64, is_random, is_reference, run};

/// Prefixes that vendors give their tokens, with the least number of
/// characters that follow.
const PREFIXES: &[(&str, usize)] = &[
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("gldt-", 16),
    ("glrt-", 16),
    ("xoxb-", 10),
    ("xoxa-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("sk-", 20),
    ("sk_live_", 10),
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("rk_test_", 10),
    ("whsec_", 10),
    ("AIza", 30),
    ("npm_", 30),
    ("dop_v1_", 20),
    ("hf_", 20),
    ("SG.", 20),
    ("ya29.", 20),
    ("pypi-", 20),
    ("shpat_", 20),
    ("dckr_pat_", 16),
    ("hvs.", 20),
    ("sl.", 60),
];

pub(super) fn prefixed(input: &str, at: usize, dead: &mut usize) -> Option<(usize, usize)> {
    if at < *dead {
        return None;
    }
    let bytes = input.as_bytes();
    let rest = &bytes[at..];
    if rest.starts_with(b"eyJ") {
        let found = json_web_token(bytes, at);
        if found.is_none() {
            // A later start in the same run fails for the same reason.
            *dead = run(bytes, at, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
        }
        return found;
    }
    if bytes[at] == b'A' && rest.len() >= 20 {
        let id = &rest[..20];
        let known =
            ["AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA"].iter().any(|key| id.starts_with(key.as_bytes()));
        let whole = rest.get(20).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if known && whole && id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            return Some((at, at + 20));
        }
    }
    for (prefix, least) in PREFIXES {
        if rest.starts_with(prefix.as_bytes()) {
            let start = at + prefix.len();
            let end =
                run(bytes, start, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
            let body = &input[start..end];
            // Words with hyphens (`sk-learn-model-server-…`) are names.
            let mixed = body.bytes().any(|byte| byte.is_ascii_digit())
                && body.bytes().any(|byte| byte.is_ascii_alphabetic());
            if end - start >= *least && mixed {
                return Some((at, end));
            }
            *dead = end;
        }
    }
    None
}

/// `eyJ….eyJ….signature`.
fn json_web_token(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let part = |from: usize| {
        run(bytes, from, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'='))
    };
    let header = part(at);
    if header - at < 12 || bytes.get(header) != Some(&b'.') {
        return None;
    }
    let mut end = part(header + 1);
    if end - header < 5 {
        return None;
    }
    while bytes.get(end) == Some(&b'.') && part(end + 1) > end + 1 {
        end = part(end + 1);
    }
    Some((at, end))
}

/// `-----BEGIN RSA PRIVATE KEY-----` to its end, or to the end of the text.
pub(super) fn private_key(input: &str, at: usize) -> Option<(usize, usize)> {
    let rest = input.get(at..)?;
    let label = rest.strip_prefix("-----BEGIN ")?;
    let head = label.get(..label.len().min(40)).unwrap_or(label);
    let head = &head[..head.find("-----")?];
    if !head.contains("PRIVATE KEY") {
        return None;
    }
    let end = match rest.find("-----END ") {
        Some(end) => {
            let tail = &rest[end + 9..];
            let close = tail.find("-----").map_or(tail.len(), |close| close + 5);
            at + end + 9 + close
        }
        None => input.len(),
    };
    Some((at, end))
}

/// `scheme://user:password@host`: the password.
pub(super) fn user_info(input: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = input.as_bytes();
    if !input[at..].starts_with("://") {
        return None;
    }
    let start = at + 3;
    let end = run(bytes, start, |byte| {
        !byte.is_ascii_whitespace()
            && !matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>' | b'`' | b',' | b'\\')
    });
    let authority = &input[start..end];
    // A password may hold `/` or `@` unescaped; the last `@` before the host ends it.
    let user = &authority[..authority.rfind('@')?];
    let colon = user.find(':')?;
    let password = &user[colon + 1..];
    if is_reference(password) {
        return None;
    }
    Some((start + colon + 1, start + user.len()))
}

/// `Bearer …` and `Basic …`.
pub(super) fn scheme(input: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = input.as_bytes();
    let rest = &bytes[at..];
    let is = |word: &str| {
        rest.len() > word.len()
            && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
            && matches!(rest[word.len()], b' ' | b'\t')
    };
    if is("bearer") {
        let start = run(bytes, at + 6, |byte| matches!(byte, b' ' | b'\t'));
        let end = run(bytes, start, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
        });
        let token = input[start..end].trim_end_matches('.');
        return (token.len() >= 8 && is_random(token)).then_some((start, start + token.len()));
    }
    if is("basic") {
        let start = run(bytes, at + 5, |byte| matches!(byte, b' ' | b'\t'));
        let end = run(bytes, start, is_base64);
        return is_basic(&input[start..end]).then_some((start, end));
    }
    None
}

/// Whether base64 of `user:password`.
pub(super) fn is_basic(value: &str) -> bool {
    value.len() >= 6
        && decode_base64(value).is_some_and(|bytes| {
            bytes.contains(&b':') && bytes.iter().all(|byte| (0x20..0x7f).contains(byte))
        })
}

fn decode_base64(value: &str) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(value.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in value.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(digit)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            output.push((bits >> count & 0xff) as u8);
        }
    }
    Some(output)
}

/// `token 9b1c…`, `secret is 9b1c…`: a word, then something long and random.
pub(super) fn spoken(input: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = input.as_bytes();
    let word_end = run(bytes, at, |byte| byte.is_ascii_alphabetic());
    if !["token", "secret", "password", "key", "credential", "passphrase"]
        .iter()
        .any(|word| input[at..word_end].eq_ignore_ascii_case(word))
    {
        return None;
    }
    let mut start = run(bytes, word_end, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'`'));
    if input.get(start..).is_some_and(|rest| rest.starts_with("is ")) {
        start = run(bytes, start + 3, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'`'));
    }
    if start == word_end {
        return None;
    }
    let end = run(bytes, start, |byte| is_base64(byte) || byte == b'_');
    let value = &input[start..end];
    let ends = bytes.get(end).is_none_or(|byte| !matches!(byte, b'-' | b':' | b'/'));
    let mixed = value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic());
    (value.len() >= 24 && ends && mixed && !value.contains('/')).then_some((start, end))
}
