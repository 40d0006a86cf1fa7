//! Whether and where a redirect leads. Pure; the rules are asked again by who follows it.

use http::{Method, StatusCode};
use url::Url;

use crate::{
    error::{EgressError, shown},
    origin::{Origin, normalise},
};

/// The next request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Follow {
    pub(crate) url: Url,
    pub(crate) method: Method,
    /// Whether the body goes along.
    pub(crate) body: bool,
    /// Whether it leaves the origin.
    pub(crate) leaves: bool,
}

/// What follows from a response; `None` where it is no redirect.
pub(crate) fn next(
    status: StatusCode,
    location: Option<&[u8]>,
    from: &Url,
    method: &Method,
    has_body: bool,
) -> Result<Option<Follow>, EgressError> {
    let (true, Some(location)) = (matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308), location) else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location);
    let refused = |why: &str| EgressError::Redirect {
        from: shown(from.as_str()),
        to: shown(&location),
        why: why.to_owned(),
    };
    if location.bytes().any(|byte| byte.is_ascii_control() || byte == b' ' || byte == b'\\') {
        return Err(refused("it holds a space, a backslash or a control character"));
    }
    let url = from.join(&location).map_err(|error| refused(&error.to_string()))?;
    let url = normalise(url).map_err(|error| match error {
        EgressError::InvalidUrl { why, .. } => refused(&why),
        other => other,
    })?;
    if from.scheme() == "https" && url.scheme() == "http" {
        return Err(refused("it leads from `https` to `http`"));
    }
    let keeps = matches!(status.as_u16(), 307 | 308) || matches!(*method, Method::GET | Method::HEAD);
    let leaves = Origin::of(from) != Origin::of(&url);
    if keeps && leaves && has_body {
        return Err(refused("it would carry the body to another origin"));
    }
    let method = if keeps { method.clone() } else { Method::GET };
    Ok(Some(Follow { url, method, body: keeps && has_body, leaves }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// METHOD, URL, whether the body goes along and whether it leaves; or why not.
    fn led(status: u16, method: Method, from: &str, to: &str, body: bool) -> String {
        let from = Url::parse(from).unwrap();
        match next(StatusCode::from_u16(status).unwrap(), Some(to.as_bytes()), &from, &method, body) {
            Ok(Some(Follow { url, method, body, leaves })) => format!("{method} {url} {body} {leaves}"),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string().rsplit(": ").next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn a_redirect_leads_where_the_standard_says_and_no_further() {
        let a = "https://a.example/x/y";
        for (status, method, to, body, expect) in [
            (301, Method::GET, "/z", false, "GET https://a.example/z false false"),
            (302, Method::POST, "z", true, "GET https://a.example/x/z false false"),
            (303, Method::PUT, "/z", true, "GET https://a.example/z false false"),
            (307, Method::POST, "/z", true, "POST https://a.example/z true false"),
            (308, Method::POST, "https://A.EXAMPLE.:443/z#f", true, "POST https://a.example/z true false"),
            (302, Method::POST, "https://b.example/", true, "GET https://b.example/ false true"),
            (302, Method::HEAD, "//b.example/", false, "HEAD https://b.example/ false true"),
            (301, Method::GET, "https://a.example:8443/", false, "GET https://a.example:8443/ false true"),
            (307, Method::POST, "https://b.example/", true, "it would carry the body to another origin"),
            (308, Method::POST, "https://b.example/", false, "POST https://b.example/ false true"),
            (302, Method::GET, "http://a.example/", false, "it leads from `https` to `http`"),
            (302, Method::GET, "ftp://a.example/", false, "its scheme is neither `http` nor `https`"),
            (302, Method::GET, "https://u:p@a.example/", false, "it holds a user name or a password"),
            (
                302,
                Method::GET,
                "/\\evil.example/",
                false,
                "it holds a space, a backslash or a control character",
            ),
            (300, Method::GET, "/z", false, "none"),
            (304, Method::GET, "/z", false, "none"),
            (200, Method::GET, "/z", false, "none"),
        ] {
            assert_eq!(led(status, method, a, to, body), expect, "{status} {to}");
        }
        let from = Url::parse(a).unwrap();
        assert_eq!(next(StatusCode::FOUND, None, &from, &Method::GET, false), Ok(None));
    }
}
