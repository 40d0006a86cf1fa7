//! HTTP requests of a tool, over `wasi:http`.
//!
//! The host sends them, under its egress rules: a request goes out only where
//! the plugin declared `http:ORIGIN` (or `http:*`, any origin that the user
//! names) and the user granted that origin. Redirects are followed by the host,
//! each checked again; credentials are added by the host and never seen here.
//! A status that is no success is an answer, not an error.
//!
//! ```no_run
//! use sickbay_plugin::http;
//!
//! let answer = http::get("https://api.example.com/v1/status")?;
//! if answer.status == 200 {
//!     println!("{}", answer.text());
//! }
//! let answer = http::send(
//!     &http::Request::new("PUT", "https://api.example.com/v1/mark")
//!         .header("content-type", "application/json")
//!         .body(br#"{"seen": true}"#.to_vec())
//!         .most_bytes(16 << 10),
//! )?;
//! # Ok::<(), sickbay_plugin::types::Error>(())
//! ```

mod import;

use crate::types::{Error, ErrorKind};

/// Bytes of a response's body that are read, where the request does not say.
pub const MOST_BYTES: usize = 1 << 20;
/// Bytes of a URL at most.
const LONGEST_URL: usize = 8 << 10;

/// A request to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`
    pub method: String,
    /// Absolute, `http` or `https`, without user information.
    pub url: String,
    /// The host adds `host`, lengths and credentials; those given here are dropped or refused.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Bytes of the response's body that are read; what is beyond is left.
    pub most_bytes: usize,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: &str, url: &str) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            most_bytes: MOST_BYTES,
        }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// With this bound for the response's body.
    #[must_use]
    pub fn most_bytes(mut self, most: usize) -> Self {
        self.most_bytes = most;
        self
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decompressed; at most what the request allowed.
    pub body: Vec<u8>,
    /// Whether the body had more.
    pub truncated: bool,
}

impl Response {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are no UTF-8 become `�`.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Fetches a URL.
pub fn get(url: &str) -> Result<Response, Error> {
    send(&Request::new("GET", url))
}

/// Sends a body to a URL.
pub fn post(url: &str, content_type: &str, body: Vec<u8>) -> Result<Response, Error> {
    send(&Request::new("POST", url).header("content-type", content_type).body(body))
}

/// Sends a request and waits for the whole answer, within the call's time.
///
/// Errors are of kind `invalid-input` for a URL or header that is none, `denied` where the rules do not allow the
/// request, `timeout`, and `unavailable` where the other side can not be reached or breaks off.
pub fn send(request: &Request) -> Result<Response, Error> {
    let target = Target::parse(&request.url)?;
    if !request.method.bytes().all(|byte| byte.is_ascii_alphabetic()) || request.method.is_empty() {
        return Err(Error::invalid_input("the method has to be a word, such as `GET`"));
    }
    import::send(request, &target)
}

/// A URL in the parts that `wasi:http` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    secure: bool,
    authority: String,
    path: String,
}

impl Target {
    fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            Err(Error::invalid_input(format!("`{}` is no URL to ask: {why}", crate::text::line(url, 200))))
        };
        if url.len() > LONGEST_URL {
            return wrong("it is too long");
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return wrong("it holds a character that has to be percent-encoded");
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return wrong("it does not begin with `https://`");
        };
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return wrong("only `https` and `http` can be asked"),
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() {
            return wrong("it names no host");
        }
        if authority.contains('@') {
            return wrong("it holds a user, and credentials are the host's to add");
        }
        let path = match path {
            "" => "/".to_owned(),
            path if path.starts_with('?') => format!("/{path}"),
            path => path.to_owned(),
        };
        Ok(Self { secure, authority: authority.to_owned(), path })
    }
}

/// Text inside a URL's path or query: everything but letters, digits and `-._~` is percent-encoded.
pub fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a string can not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Scheme and authority of a URL, as grants name them.
fn origin(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(url.len(), |at| start + at);
    crate::text::line(url.get(..end).unwrap_or(url), 200).to_ascii_lowercase()
}

/// An error about a request, without its query, which may hold what is not for a log.
fn failed(kind: ErrorKind, code: &str, request: &Request, why: &str) -> Error {
    let url = request.url.split(['?', '#']).next().unwrap_or_default();
    Error {
        kind,
        code: code.to_owned(),
        message: format!("`{} {}` failed: {why}", request.method, crate::text::line(url, 200)),
        retry_after_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_or_refused_with_the_reason() {
        let of = |url: &str| match Target::parse(url) {
            Ok(target) => format!("{} {} {}", target.secure, target.authority, target.path),
            Err(error) => error.message,
        };
        for (url, expect) in [
            ("https://a.test", "true a.test /"),
            ("https://a.test?x=1", "true a.test /?x=1"),
            ("HTTP://a.test:8080/b/c?x=1#there", "false a.test:8080 /b/c?x=1"),
            ("a.test/b", "`a.test/b` is no URL to ask: it does not begin with `https://`"),
            ("ftp://a.test", "`ftp://a.test` is no URL to ask: only `https` and `http` can be asked"),
            ("https:///b", "`https:///b` is no URL to ask: it names no host"),
            (
                "https://u:p@a.test",
                "`https://u:p@a.test` is no URL to ask: it holds a user, and credentials are the host's to add",
            ),
            (
                "https://a.test/b c",
                "`https://a.test/b c` is no URL to ask: it holds a character that has to be percent-encoded",
            ),
        ] {
            assert_eq!(of(url), expect);
        }
        assert!(Target::parse(&format!("https://a.test/{}", "a".repeat(9_000))).is_err());
    }

    #[test]
    fn text_in_a_url_is_encoded() {
        assert_eq!(encode("up{a=\"b\"} - 1~_."), "up%7Ba%3D%22b%22%7D%20-%201~_.");
        assert_eq!(encode("ü"), "%C3%BC");
    }

    #[test]
    fn an_origin_is_that_of_a_grant() {
        for (url, expect) in [
            ("https://A.test/b?c", "https://a.test"),
            ("http://a.test:90?x", "http://a.test:90"),
            ("https://a.test", "https://a.test"),
        ] {
            assert_eq!(origin(url), expect);
        }
    }

    #[test]
    fn an_error_does_not_repeat_the_query() {
        let request = Request::new("GET", "https://a.test/b?token=abc");
        let error = failed(ErrorKind::Timeout, "timeout", &request, "no answer in time");
        assert_eq!(error.message, "`GET https://a.test/b` failed: no answer in time");
    }

    #[test]
    fn headers_are_found_whatever_their_case() {
        let response =
            Response { headers: vec![("content-type".into(), "text/plain".into())], ..Response::default() };
        assert_eq!(response.header("Content-Type"), Some("text/plain"));
        assert_eq!(response.header("etag"), None);
    }
}
