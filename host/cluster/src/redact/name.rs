//! Whether a name (an env variable, a key of a map, a flag) speaks of a
//! credential: `DB_PASSWORD`, `apiKey`, `client-secret`. What merely speaks
//! about one does not: `TOKEN_TTL`, `secretName`, `PASSWORD_FILE`.

/// How sure a name must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// `secret` alone counts too: right for variables and assignments.
    Assigned,
    /// A key of an object, where `secret: web-tls` is a reference by name.
    Key,
}

/// The last words that name a credential by themselves.
const LAST: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "pass",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "credential",
    "credentials",
    "authtoken",
    "accesstoken",
    "secretaccesskey",
    "clientsecret",
    "pw",
    "dbpass",
    "dbpassword",
    "userpassword",
    "rootpassword",
    "passwordhash",
    "htpasswd",
];

/// Ends of words that were run together: `rabbitmqpassword`.
const ENDS: &[&str] = &["password", "passwd", "passphrase", "apikey", "token"];

/// Pairs of words at the end.
const PAIRS: &[(&str, &str)] = &[
    ("api", "key"),
    ("access", "key"),
    ("private", "key"),
    ("secret", "key"),
    ("signing", "key"),
    ("encryption", "key"),
    ("master", "key"),
    ("account", "key"),
    ("shared", "key"),
    ("auth", "key"),
    ("license", "key"),
    ("storage", "key"),
    ("session", "key"),
    ("deploy", "key"),
    ("ssh", "key"),
    ("client", "secret"),
    ("app", "secret"),
    ("jwt", "secret"),
    ("shared", "secret"),
    ("webhook", "secret"),
    ("key", "base"),
    ("key", "data"),
    ("password", "hash"),
    ("key", "id"),
];

/// Whether the name speaks of a credential.
pub(crate) fn is_credential(name: &str, strength: Strength) -> bool {
    if name.len() < 2 || name.len() > 128 {
        return false;
    }
    // `-Dtoken=…` is how Java is given a property.
    let mut words = LastWords::of(name.strip_prefix("-D").unwrap_or(name));
    let Some(last) = words.next() else { return false };
    if LAST.iter().any(|word| last.is(word)) || ENDS.iter().any(|end| last.ends(end)) {
        return true;
    }
    let before = words.next();
    if let Some(before) = &before
        && PAIRS.iter().any(|(one, two)| before.is(one) && last.is(two))
    {
        // `AWS_ACCESS_KEY_ID` and `SECRET_KEY_BASE`, but not `KEY_ID`; a
        // certificate's `client-key-data`, but not `some-key-data`.
        return match (before.text, words.next()) {
            (text, Some(third)) if text.eq_ignore_ascii_case("key") => {
                ["access", "secret", "client", "private"].iter().any(|word| third.is(word))
            }
            (text, None) => !text.eq_ignore_ascii_case("key"),
            _ => true,
        };
    }
    last.is("secret") && (strength == Strength::Assigned || before.is_some_and(|word| word.is("client")))
}

/// The words of a name from its end: at separators and at camel humps.
struct LastWords<'a> {
    rest: &'a str,
}

#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
}

impl Word<'_> {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    fn ends(&self, end: &str) -> bool {
        let start = self.text.len().checked_sub(end.len());
        start.and_then(|start| self.text.get(start..)).is_some_and(|text| text.eq_ignore_ascii_case(end))
    }
}

impl<'a> LastWords<'a> {
    fn of(name: &'a str) -> Self {
        Self { rest: name }
    }
}

impl<'a> Iterator for LastWords<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let rest = self.rest.trim_end_matches(|c: char| !c.is_alphanumeric());
        if rest.is_empty() {
            return None;
        }
        let bytes = rest.as_bytes();
        let mut start = bytes.len() - 1;
        while start > 0 {
            let (before, here) = (bytes[start - 1], bytes[start]);
            if before < 0x80 && !before.is_ascii_alphanumeric() {
                break;
            }
            if here.is_ascii_uppercase() && before.is_ascii_lowercase() {
                break;
            }
            // `APIKey`: the hump begins at the last capital.
            let next_is_lower = bytes.get(start + 1).is_some_and(u8::is_ascii_lowercase);
            if here.is_ascii_uppercase() && before.is_ascii_uppercase() && next_is_lower {
                break;
            }
            start -= 1;
        }
        while !rest.is_char_boundary(start) {
            start += 1;
        }
        let word = &rest[start..];
        self.rest = &rest[..start];
        Some(Word { text: word })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_of_a_credential() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "dbPassword",
            "POSTGRES_PWD",
            "API_KEY",
            "apiKey",
            "APIKey",
            "x-api-key",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "GITHUB_TOKEN",
            "clientSecret",
            "client_secret",
            "SECRET_KEY_BASE",
            "JWT_SECRET",
            "passphrase",
            "spring.datasource.password",
            "client-key-data",
            "--password",
            "privateKey",
            "ACCESS_TOKEN",
            "-Dtoken",
            "rabbitmqpassword",
            "MYSQL_ROOT_PASSWORD",
            "SECRET",
        ] {
            assert!(is_credential(name, Strength::Assigned), "{name}");
        }
    }

    #[test]
    fn does_not() {
        for name in [
            "TOKEN_TTL",
            "secretName",
            "PASSWORD_FILE",
            "PASSWORD_MIN_LENGTH",
            "SECRET_NAME",
            "tokens",
            "KEY",
            "keyId",
            "monkey",
            "compass",
            "bypass_check",
            "MAX_TOKENS",
            "AUTH_URL",
            "key-data",
            "image",
            "pod-template-hash",
            "tokenExpirationSeconds",
            "",
            "é",
            "serviceAccountTokenPath",
        ] {
            assert!(!is_credential(name, Strength::Assigned), "{name}");
        }
        assert!(!is_credential("secret", Strength::Key));
        assert!(!is_credential("tlsSecret", Strength::Key));
        assert!(is_credential("clientSecret", Strength::Key));
        assert!(is_credential("adminPassword", Strength::Key));
    }
}
