//! Credentials in running text: log lines, messages, scripts, files within
//! ConfigMaps.
//!
//! One pass over the bytes. Two things start a closer look: a separator (`=`,
//! `:`) after a name that speaks of a credential, and the first letters of the
//! prefixes that vendors give their tokens. Plain text is borrowed unchanged.

use std::borrow::Cow;

use super::{
    MARK,
    name::{Strength, is_credential},
    token::{is_basic, prefixed, private_key, scheme, spoken, user_info},
};

/// The text without credentials.
#[must_use]
pub fn text(input: &str) -> Cow<'_, str> {
    let bytes = input.as_bytes();
    let mut output: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    let mut dead = 0;
    while at < bytes.len() {
        match credential(input, at, &mut dead) {
            Some((start, end)) if end > start && start >= copied => {
                // A closer look is bounded, what it finds goes as a whole.
                let end = if end - start >= MAX_RUN { end_of_word(bytes, end) } else { end };
                if &input[start..end] != MARK {
                    let text = output.get_or_insert_with(|| String::with_capacity(input.len()));
                    text.push_str(&input[copied..start]);
                    text.push_str(MARK);
                    copied = end;
                }
                at = end.max(at + 1);
            }
            _ => at += 1,
        }
    }
    match output {
        None => Cow::Borrowed(input),
        Some(mut text) => {
            text.push_str(&input[copied..]);
            Cow::Owned(text)
        }
    }
}

/// Lines of a log, where a private key runs over many lines. The first lines
/// may stand in the middle of one.
pub fn lines(lines: &mut [String]) {
    let mut inside = false;
    for at in 0..lines.len() {
        let line = lines[at].as_str();
        let begin = line.rfind("-----BEGIN ").filter(|begin| line[*begin..].contains("PRIVATE KEY"));
        let end = line.rfind("-----END ").filter(|end| line[*end..].contains("PRIVATE KEY"));
        if !inside && end.is_some() && begin.is_none() {
            for earlier in lines[..at].iter_mut().rev() {
                if !looks_like_key_body(earlier) {
                    break;
                }
                MARK.clone_into(earlier);
            }
            MARK.clone_into(&mut lines[at]);
            continue;
        }
        match (inside, begin, end) {
            (true, _, Some(_)) => {
                inside = false;
                MARK.clone_into(&mut lines[at]);
            }
            (true, _, None) => MARK.clone_into(&mut lines[at]),
            (false, Some(begin), end) => {
                inside = end.is_none_or(|end| end < begin);
                let line = &mut lines[at];
                if let Cow::Owned(changed) = text(line) {
                    *line = changed;
                }
            }
            (false, None, _) => {
                let line = &mut lines[at];
                if let Cow::Owned(changed) = text(line) {
                    *line = changed;
                }
            }
        }
    }
}

/// A line of base64, as in the body of a key, maybe behind a log's prefix.
fn looks_like_key_body(line: &str) -> bool {
    let last = line.trim_end().rsplit([' ', '\t']).next().unwrap_or("");
    last.len() >= 16 && last.bytes().all(is_base64)
}

/// A value that only points at a credential, or is none: a variable, a path, a
/// switch, what was redacted before.
pub(crate) fn is_reference(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || value == MARK
        || value.starts_with("$(")
        || value.starts_with("${")
        || value.starts_with("{{")
        || value.starts_with('<')
        || value.starts_with('%') && value.len() <= 3
        || (value.starts_with('/') && value[1..].contains('/') && !value.contains(['+', '=']))
        || value.bytes().all(|byte| byte == b'*')
        || value.to_ascii_uppercase().contains("REDACTED")
        || ["true", "false", "null", "none", "nil", "undefined", "yes", "no", "empty"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word))
}

/// A credential that is told by what stands at `at`: where it starts and ends.
/// Before `dead`, no token with a prefix can begin.
fn credential(input: &str, at: usize, dead: &mut usize) -> Option<(usize, usize)> {
    let bytes = input.as_bytes();
    match bytes[at] {
        b'=' => assignment(input, at),
        b':' => user_info(input, at).or_else(|| assignment(input, at)),
        b'-' => private_key(input, at),
        _ if at > 0 && is_word(bytes[at - 1]) => None,
        b'e' | b'A' | b'g' | b'x' | b's' | b'r' | b'S' | b'n' | b'd' | b'h' | b'y' | b'p' | b'w' => {
            prefixed(input, at, dead).or_else(|| spoken(input, at))
        }
        b'B' | b'b' => scheme(input, at),
        b't' | b'T' | b'k' | b'K' | b'P' | b'c' | b'C' => spoken(input, at),
        _ => None,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Bytes that one closer look takes in, so that no text makes the scan slow.
const MAX_RUN: usize = 4 << 10;

/// The end of what fulfils the condition, within bounds.
pub(super) fn run(bytes: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or(&[]);
    let mut end = rest.iter().take(MAX_RUN).position(|byte| !of(*byte)).unwrap_or(rest.len().min(MAX_RUN));
    while rest.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end += 1;
    }
    from + end
}

fn end_of_word(bytes: &[u8], from: usize) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'');
    bytes[from..].iter().position(ends).map_or(bytes.len(), |count| from + count)
}

/// Not a word of a language: digits, capitals in the middle, or very long.
pub(super) fn is_random(value: &str) -> bool {
    value.len() >= 32
        || value.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'/' | b'=' | b'_'))
        || value.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
            && value.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// The name before a separator, the value after it.
fn assignment(input: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = input.as_bytes();
    // The name ends before the separator, maybe within quotes.
    let mut name_end = at;
    let mut quoted = false;
    while name_end > 0 && matches!(bytes[name_end - 1], b'"' | b'\'' | b'\\' | b' ') {
        quoted |= matches!(bytes[name_end - 1], b'"' | b'\'');
        name_end -= 1;
        if at - name_end > 4 {
            return None;
        }
    }
    let mut name_start = name_end;
    while name_start > 0
        && (bytes[name_start - 1].is_ascii_alphanumeric()
            || matches!(bytes[name_start - 1], b'_' | b'-' | b'.'))
        && name_end - name_start < 128
    {
        name_start -= 1;
    }
    let name = &input[name_start..name_end];
    if name.len() < 2 {
        return None;
    }
    let header = is_header(name);
    let credential = is_credential(name, Strength::Assigned);
    let basic = name.trim_start_matches('_').eq_ignore_ascii_case("auth");
    if !header && !credential && !basic {
        return None;
    }
    // `password==`, `:=` and `=>` belong to programs.
    let mut start = at + 1;
    while start < bytes.len() && matches!(bytes[start], b'=' | b'>') && start - at <= 2 {
        start += 1;
    }
    start = run(bytes, start, |byte| matches!(byte, b' ' | b'\t'));
    let mut quote = None;
    while start < bytes.len() && matches!(bytes[start], b'"' | b'\'' | b'\\' | b'`') {
        if bytes[start] != b'\\' {
            quote = Some(bytes[start]);
        }
        start += 1;
        if quote.is_some() {
            break;
        }
    }
    let end = match quote {
        Some(quote) => run(bytes, start, |byte| byte != quote && byte != b'\\' && byte != b'\n'),
        None if header => {
            run(bytes, start, |byte| !matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b',' | b'}' | b']'))
        }
        None => run(bytes, start, |byte| {
            !byte.is_ascii_whitespace()
                && !matches!(byte, b'"' | b'\'' | b'\\' | b'&' | b';' | b',' | b'}' | b')' | b'|')
        }),
    };
    let value = &input[start..end];
    if is_reference(value) || value.starts_with("[redacted]") {
        return None;
    }
    if header {
        return header_value(value).map(|(from, to)| (start + from, start + to));
    }
    if basic && !credential {
        return is_basic(value).then_some((start, end));
    }
    if bytes[at] == b':' && quote.is_none() && !quoted {
        // `invalid token: expired` is prose, `token: 8f3c…` is not; a line of
        // its own is YAML.
        let prose = !is_random(value) && !is_whole_line(bytes, name_start, end);
        if prose || value.starts_with("//") {
            return None;
        }
    }
    Some((start, end))
}

fn is_whole_line(bytes: &[u8], name_start: usize, end: usize) -> bool {
    let before = bytes[..name_start].iter().rev().take_while(|byte| **byte != b'\n');
    let after = bytes[end..].iter().take_while(|byte| **byte != b'\n');
    before.take(MAX_RUN).all(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'"' | b'\''))
        && after.take(MAX_RUN).all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

fn is_header(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-auth-token", "x-vault-token"]
        .iter()
        .any(|header| name.eq_ignore_ascii_case(header))
}

/// The credential in `Basic …`, `Token …` or a bare value. A sentence has none.
fn header_value(value: &str) -> Option<(usize, usize)> {
    let trimmed = value.trim_end();
    let (scheme, rest) = match trimmed.split_once(' ') {
        None => return is_random(trimmed).then_some((0, trimmed.len())),
        Some(parts) => parts,
    };
    let known =
        ["basic", "bearer", "token", "digest", "negotiate", "apikey", "aws4-hmac-sha256", "bot", "splunk"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
    if (known && !rest.trim().is_empty() && !is_reference(rest)) || scheme.contains('=') {
        let start = if known { scheme.len() + 1 } else { 0 };
        return Some((start, trimmed.len()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &str) {
        let once = text(input).into_owned();
        assert_eq!(once, expect, "{input}");
        assert_eq!(text(&once), once, "twice: {input}");
    }

    fn keeps(input: &str) {
        check(input, input);
    }

    #[test]
    fn credentials_go() {
        check("password=hunter2 user=bob", "password=[redacted] user=bob");
        check("DB_PASSWORD='x y' next", "DB_PASSWORD='[redacted]' next");
        check("--token=abc&x=1", "--token=[redacted]&x=1");
        check(r#"{"password":"hunter2","a":1}"#, r#"{"password":"[redacted]","a":1}"#);
        check(r#"{\"apiKey\":\"abc\",\"a\":1}"#, r#"{\"apiKey\":\"[redacted]\",\"a\":1}"#);
        check("password: hunter2", "password: [redacted]");
        check("  password: secret\n  user: x", "  password: [redacted]\n  user: x");
        check("postgres://bob:s3cret@db:5432/x", "postgres://bob:[redacted]@db:5432/x");
        check("https://bob:p@ss@h/x", "https://bob:[redacted]@h/x");
        check("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]");
        check("authorization: Basic Ym9iOnB3", "authorization: Basic [redacted]");
        check("sent Bearer 9f8e7d6c5b4a ok", "sent Bearer [redacted] ok");
        check("id AKIAIOSFODNN7EXAMPLE.", "id [redacted].");
        check("ghp_0123456789abcdefABCDEF0123456789abcd", "[redacted]");
        check("use sk-ant-api03-0123456789abcdefABCDEF now", "use [redacted] now");
        check("xoxb-1234567890-abcdef", "[redacted]");
        check("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.sgn-ature_1 end", "jwt [redacted] end");
        check("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [redacted] b");
        check("-----BEGIN PRIVATE KEY-----\nMIIE", "[redacted]");
        check("token 5f4dcc3b5aa765d61d8327deb882cf99", "token [redacted]");
        check("secret is 5f4dcc3b5aa765d61d8327deb882cf99", "secret is [redacted]");
        check(r#""auth":"Ym9iOnB3""#, r#""auth":"[redacted]""#);
        check("x-api-key: a1b2", "x-api-key: [redacted]");
    }

    #[test]
    fn what_diagnosis_needs_stays() {
        keeps("nginx@sha256:64defcbc5126c2d81122b4fb78a629a6d27068f0842c4a8302b8273415b12e30");
        keeps("containerd://40b33e6fdeab8ffdd4a408640c239815f71db49cc8e49fde9c8dc6b2bb20b0f1");
        keeps("a28c79fd-8935-4641-ab47-1a5891e8f6d5");
        keeps(r#"secret "db-password" not found"#);
        keeps("MountVolume.SetUp failed for volume \"certs\" : secret \"web-tls\" not found");
        keeps("couldn't find key PASSWORD in Secret default/db");
        keeps("error: invalid token: expired");
        keeps("password authentication failed for user \"bob\"");
        keeps("Unauthorized: token has expired");
        keeps("TOKEN_TTL=3600 SECRET_NAME=web PASSWORD_FILE=/run/secrets/db/password");
        keeps("password=$(DB_PASSWORD) token=${TOKEN} secret=<none>");
        keeps("http://10.0.0.1:8080/healthz");
        keeps("Get \"https://example.com:443/a@b\": dial tcp");
        keeps("pod-template-hash=757f89d977");
        keeps("basic authentication required");
        keeps("bearer authentication required");
        keeps("authorization: not allowed to list pods");
        keeps("sk-learn-model-server");
        keeps("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----");
        keeps("kube-api-access-2wnnm from secret kotsadm-cluster-token");
        keeps("key sha256:64defcbc5126c2d81122b4fb78a629a6d27068f0842c4a8302b8273415b12e30");
        keeps("1/1 replicas, readiness: 3, token: ");
        keeps("é password ü");
    }

    #[test]
    fn hostile_text_takes_no_longer() {
        for part in [
            "sk-",
            "eyJ-",
            "token=${",
            "token: a ",
            "authorization: x ",
            "key ",
            "://",
            "bearer ",
            "-----BEGIN ",
        ] {
            let long = part.repeat(60_000 / part.len());
            assert!(text(&long).len() <= long.len() + 200_000);
        }
    }

    #[test]
    fn a_very_long_token_goes_as_a_whole() {
        let token = "a1".repeat(20_000);
        check(&format!("token={token} x"), "token=[redacted] x");
        check(&format!("é Bearer {token} ü"), "é Bearer [redacted] ü");
    }

    #[test]
    fn keys_over_many_lines() {
        let mut log: Vec<String> = [
            "MIIEowIBAAKCAQEA0123",
            "-----END RSA PRIVATE KEY-----",
            "ok",
            "-----BEGIN PRIVATE KEY-----",
            "MIIE",
            "xx",
            "-----END PRIVATE KEY-----",
            "done password=x",
        ]
        .map(str::to_owned)
        .into();
        lines(&mut log);
        assert_eq!(
            log,
            [MARK, MARK, "ok", MARK, MARK, MARK, MARK, "done password=[redacted]"].map(str::to_owned)
        );
    }
}
