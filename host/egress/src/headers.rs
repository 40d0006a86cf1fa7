//! Which headers of a request go out, and how a response's are given back. Pure.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{error::EgressError, origin::Origin, scrub::Scrubber};

/// Headers of a request, and bytes of them together.
const COUNT: usize = 128;
const BYTES: usize = 64 * 1024;
/// Bytes of a response's headers together. The client below ends at 100 of them, and at 400 KiB.
pub(crate) const RESPONSE_BYTES: usize = 128 * 1024;

/// What the host alone says: where the message goes and how it is framed. `accept-encoding` is among them since
/// only what the host can decode can be measured and scrubbed.
const OF_THE_HOST: &[HeaderName] = &[
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::ACCEPT_ENCODING,
];

/// What still goes along to another origin after a redirect: nothing that could be a credential.
const TO_ANOTHER: &[HeaderName] = &[
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::RANGE,
    header::USER_AGENT,
];

/// The headers of a caller, without what is not theirs to say. `credential` names the header that the host fills.
pub(crate) fn outgoing(
    given: &[(String, String)],
    credential: Option<&HeaderName>,
) -> Result<HeaderMap, EgressError> {
    let invalid = |why: String| EgressError::InvalidRequest { why };
    if given.len() > COUNT {
        return Err(invalid(format!("it has more than {COUNT} headers")));
    }
    if given.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > BYTES {
        return Err(invalid(format!("its headers are larger than {BYTES} bytes")));
    }
    let mut headers = HeaderMap::with_capacity(given.len() + 2);
    for (name, value) in given {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid("the name of a header is not valid".to_owned()))?;
        if OF_THE_HOST.contains(&name) || name.as_str().starts_with("proxy-") || name == "keep-alive" {
            continue;
        }
        if let Some(credential) = credential
            && (name == credential || name == header::AUTHORIZATION)
        {
            continue;
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| invalid(format!("the value of the header `{name}` is not valid")))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Keeps of a request's headers what may go to another origin.
pub(crate) fn keep_for_another(headers: &mut HeaderMap) {
    let leaving: Vec<HeaderName> =
        headers.keys().filter(|name| !TO_ANOTHER.contains(name)).cloned().collect();
    for name in leaving {
        headers.remove(name);
    }
}

/// Takes away what describes a body that is no longer sent.
pub(crate) fn without_body(headers: &mut HeaderMap) {
    let about: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("content-")).cloned().collect();
    for name in about {
        headers.remove(name);
    }
}

/// A response's headers as text, with the credential blanked out.
pub(crate) fn incoming(
    headers: &HeaderMap,
    scrubber: &Scrubber,
    origin: &Origin,
) -> Result<Vec<(String, String)>, EgressError> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > RESPONSE_BYTES {
        return Err(EgressError::TooLarge {
            origin: origin.clone(),
            what: "the head of the response",
            allowed: RESPONSE_BYTES as u64,
        });
    }
    let text = |value: &HeaderValue| scrubber.text(&String::from_utf8_lossy(value.as_bytes()));
    // A body that is scrubbed may have another length.
    let true_still = |name: &HeaderName| !scrubber.is_active() || name != header::CONTENT_LENGTH;
    let kept = headers.iter().filter(|(name, _)| true_still(name));
    Ok(kept.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    fn given(names: &[&str]) -> Vec<(String, String)> {
        names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect()
    }

    #[test]
    fn what_is_the_hosts_to_say_is_dropped() {
        let all = given(&[
            "Host",
            "CONTENT-LENGTH",
            "Transfer-Encoding",
            "connection",
            "Proxy-Authorization",
            "proxy-connection",
            "Keep-Alive",
            "TE",
            "upgrade",
            "Expect",
            "Accept-Encoding",
            "Accept",
            "X-Key",
            "Authorization",
        ]);
        assert_eq!(names(&outgoing(&all, None).unwrap()), ["accept", "x-key", "authorization"]);
        let key = HeaderName::from_static("x-key");
        assert_eq!(names(&outgoing(&all, Some(&key)).unwrap()), ["accept"]);
    }

    #[test]
    fn what_no_header_can_be_is_refused() {
        for (name, value) in [("a b", "x"), ("", "x"), ("a", "x\r\nhost: b"), ("a\n", "x"), ("a", "\0")] {
            let error = outgoing(&[(name.to_owned(), value.to_owned())], None).unwrap_err();
            assert!(matches!(error, EgressError::InvalidRequest { .. }), "{name:?}");
        }
        assert!(outgoing(&vec![("a".to_owned(), String::new()); COUNT + 1], None).is_err());
        assert!(outgoing(&[("a".to_owned(), "x".repeat(BYTES))], None).is_err());
    }

    #[test]
    fn nothing_that_could_be_a_credential_goes_to_another_origin() {
        let mut headers =
            outgoing(&given(&["accept", "authorization", "cookie", "x-api-key", "range", "origin"]), None)
                .unwrap();
        keep_for_another(&mut headers);
        assert_eq!(names(&headers), ["accept", "range"]);
        let mut headers = outgoing(&given(&["accept", "content-type", "content-encoding"]), None).unwrap();
        without_body(&mut headers);
        assert_eq!(names(&headers), ["accept"]);
    }
}
