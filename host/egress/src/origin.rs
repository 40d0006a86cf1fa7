//! Scheme, host and port: what a credential is for, and what a redirect leaves.

use std::fmt;

use url::Url;

use crate::error::EgressError;

/// Where a request goes, without its path. Written as `https://api.example.com:8443`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub(crate) scheme: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    /// The origin of an `http` or `https` URL.
    pub fn parse(url: &str) -> Result<Self, EgressError> {
        Ok(Self::of(&normal(url)?))
    }

    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// In lower case and in ASCII; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Of a URL that [`normal`] gave.
    pub(crate) fn of(url: &Url) -> Self {
        Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            ("https", 443) | ("http", 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

/// Longer URLs are refused: no server takes them, and each is read more than once.
const LONGEST: usize = 16 * 1024;

/// The one form of a URL in which it is judged and sent: host in lower case and
/// ASCII, no dot at its end, numbers of every spelling as an address, dot
/// segments resolved, no fragment. Userinfo is refused.
pub(crate) fn normal(text: &str) -> Result<Url, EgressError> {
    let refused = |why: &str| EgressError::invalid_url(text, why);
    if text.len() > LONGEST {
        return Err(refused("it is longer than 16 KiB"));
    }
    // The parser drops these silently, so that two readers would see two URLs.
    if text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ' || byte == b'\\') {
        return Err(refused("it holds a space, a backslash or a control character"));
    }
    normalise(Url::parse(text).map_err(|error| refused(&error.to_string()))?)
}

/// The same for what a redirect names.
pub(crate) fn normalise(mut url: Url) -> Result<Url, EgressError> {
    let refused = |url: &Url, why: &str| EgressError::invalid_url(url.as_str(), why);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(&url, "its scheme is neither `http` nor `https`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(&url, "it holds a user name or a password"));
    }
    let host = url.host_str().unwrap_or_default();
    let bare = host.strip_suffix('.').unwrap_or(host);
    if bare.is_empty() || bare.ends_with('.') {
        return Err(refused(&url, "it has no host"));
    }
    if bare.len() > 253
        || bare.split('.').any(|label| label.is_empty() || label.len() > 63) && !bare.starts_with('[')
    {
        return Err(refused(&url, "its host is not a name that can be resolved"));
    }
    if bare.len() != host.len() {
        let bare = bare.to_owned();
        url.set_host(Some(&bare)).map_err(|error| refused(&url, &error.to_string()))?;
    }
    if url.port() == Some(0) {
        return Err(refused(&url, "its port is 0"));
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_host_becomes_one() {
        for (text, expect) in [
            ("https://API.Example.com", "https://api.example.com/"),
            ("https://api.example.com.:443/a#b", "https://api.example.com/a"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://0177.0.0.1./", "http://127.0.0.1/"),
            ("http://127.1:8080/", "http://127.0.0.1:8080/"),
            ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("https://ａｐｉ.example.com/", "https://api.example.com/"),
            ("https://a.example/x/../y/%2e%2E/z", "https://a.example/z"),
        ] {
            assert_eq!(normal(text).unwrap().as_str(), expect, "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://user@a.example/",
            "https://:pass@a.example/",
            "https://api.example.com@evil.example/",
            "https://a.example\\@evil.example/",
            "https://a.example/\r\nhost: b",
            "https://a.example/ b",
            "https://a..example/",
            "https://./",
            "https://a.example:0/",
            "https://",
            "a.example",
            "",
        ] {
            assert!(normal(text).is_err(), "{text:?}");
        }
        assert!(normal(&format!("https://a.example/{}", "x".repeat(20_000))).is_err());
        assert!(normal(&format!("https://{}.example/", "x".repeat(64))).is_err());
    }

    #[test]
    fn an_origin_is_written_without_its_usual_port() {
        assert_eq!(Origin::parse("https://A.example:443/x").unwrap().to_string(), "https://a.example");
        assert_eq!(Origin::parse("http://[::1]:8080/").unwrap().to_string(), "http://[::1]:8080");
    }
}
