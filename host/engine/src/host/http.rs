//! `wasi:http`: a request of the guest becomes one `Ask`, whole, and the whole
//! answer becomes its response. Nothing is sent from here: the body is
//! collected up to a limit, hop-by-hop headers are left out, and the URL is
//! brought into the form in which grants are written.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use sickbay_core::{
    error::{CallError, ErrorKind},
    outside::{Answer, Ask},
};
use tokio::runtime::Handle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::misfit;
use crate::{meter::Meter, outside::Outside, state::within};

/// Bytes of a request's body.
const BODY: usize = 1 << 20;
/// Bytes of a response's headers together.
const HEADERS: usize = 48 * 1024;

/// Headers that are about one connection, or about a body whose form has changed since.
const OF_THE_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Stands between a guest's request and the network.
pub(crate) struct Gate {
    pub(crate) outside: Arc<dyn Outside>,
    pub(crate) meter: Arc<Meter>,
    /// The runtime of whoever made the call.
    pub(crate) caller: Option<Handle>,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), Error>> + Send>;

impl WasiHttpHooks for Gate {
    /// The times that a guest asks for are not kept: those of the host and of the call are, so that a replay goes
    /// the same way.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _times: Option<RequestOptions>,
        _io: Io,
    ) -> Sending {
        let (outside, meter, caller) =
            (Arc::clone(&self.outside), Arc::clone(&self.meter), self.caller.clone());
        Box::new(async move {
            if meter.host_call().is_err() {
                return Err(Error::ConnectionLimitReached);
            }
            let ask = asked(request).await?;
            let needs = ask.needs();
            match within(caller.as_ref(), outside.ask(ask)).await {
                Answer::Http { status, headers, body } => {
                    let io: Io = Box::new(async { Ok(()) });
                    Ok((response(status, headers, body.0)?, io))
                }
                Answer::Failed { error } => {
                    if let (ErrorKind::Denied, Some(capability)) = (error.kind, needs) {
                        meter.deny(capability);
                    }
                    Err(told(error))
                }
                _ => Err(told(misfit("http"))),
            }
        })
    }

    /// The host names the host.
    fn set_host_header(&mut self) -> bool {
        false
    }
}

/// The guest's request as an ask.
async fn asked(request: Request<WasiBody>) -> Result<Ask, Error> {
    let (parts, body) = request.into_parts();
    let url = url(&parts.uri).ok_or(Error::HttpRequestUriInvalid)?;
    let mut headers = Vec::with_capacity(parts.headers.len());
    for (name, value) in &parts.headers {
        if OF_THE_HOP.contains(name) || name == header::HOST {
            continue;
        }
        let value = value.to_str().map_err(|_| Error::HttpRequestHeaderSize {
            field_name: Some(name.to_string()),
            field_size: None,
        })?;
        headers.push((name.to_string(), value.to_owned()));
    }
    let body = collected(body).await?;
    Ok(Ask::Http { method: parts.method.to_string(), url, headers, body: body.into() })
}

/// The URL as grants are written: scheme and host in lower case, without the port that goes without saying.
fn url(uri: &Uri) -> Option<String> {
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let authority = uri.authority()?.as_str().to_ascii_lowercase();
    if authority.contains('@') {
        return None;
    }
    let usual = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = authority.strip_suffix(usual).unwrap_or(&authority);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Some(format!("{scheme}://{authority}{path}"))
}

async fn collected(mut body: WasiBody) -> Result<Vec<u8>, Error> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers are not sent.
        if let Ok(data) = frame?.into_data() {
            if bytes.len() + data.len() > BODY {
                return Err(Error::HttpRequestBodySize(Some(BODY as u64)));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.into())
}

fn response(status: u16, given: Vec<(String, String)>, body: Vec<u8>) -> Result<Response<WasiBody>, Error> {
    let mut headers = HeaderMap::with_capacity(given.len());
    let mut size = 0;
    for (name, value) in given {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) else { continue };
        if OF_THE_HOP.contains(&name) {
            continue;
        }
        size += name.as_str().len() + http::HeaderValue::len(&value);
        if size > HEADERS {
            return Err(Error::HttpResponseHeaderSectionSize(None));
        }
        headers.append(name, value);
    }
    let body = Full::new(Bytes::from(body)).map_err(Error::from).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Error::HttpProtocolError)?;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The error of the outside in the words of `wasi:http`. Codes say more than kinds; unknown ones fall back to theirs.
fn told(error: CallError) -> Error {
    match (error.code.as_str(), error.kind) {
        (_, ErrorKind::Denied) => Error::HttpRequestDenied,
        ("url-invalid", _) => Error::HttpRequestUriInvalid,
        ("resolve-failed", _) => Error::DnsError { rcode: None, info_code: None },
        ("connect-failed", _) => Error::ConnectionRefused,
        ("connect-timeout", _) => Error::ConnectionTimeout,
        ("connection-broken", _) => Error::ConnectionTerminated,
        ("idle-timeout", _) => Error::ConnectionReadTimeout,
        ("response-too-large", _) => Error::HttpResponseBodySize(None),
        (_, ErrorKind::Timeout) => Error::HttpResponseTimeout,
        (_, ErrorKind::Unavailable) => Error::DestinationUnavailable,
        _ => Error::InternalError(Some(error.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_the_form_of_a_grant() {
        for (uri, expect) in [
            ("https://API.example.com/v1?x=Y", Some("https://api.example.com/v1?x=Y")),
            ("HTTPS://api.example.com:443/", Some("https://api.example.com/")),
            ("http://api.example.com:443/", Some("http://api.example.com:443/")),
            ("http://[::1]:80", Some("http://[::1]/")),
            ("https://user@api.example.com/", None),
            ("ftp://api.example.com/", None),
            ("/v1", None),
        ] {
            assert_eq!(url(&uri.parse().unwrap()).as_deref(), expect, "{uri}");
        }
    }

    #[test]
    fn every_error_has_a_word() {
        for (kind, code, expect) in [
            (ErrorKind::Denied, "address-denied", "HttpRequestDenied"),
            (ErrorKind::Unavailable, "resolve-failed", "DnsError"),
            (ErrorKind::Unavailable, "connect-failed", "ConnectionRefused"),
            (ErrorKind::Unavailable, "", "DestinationUnavailable"),
            (ErrorKind::Timeout, "total-timeout", "HttpResponseTimeout"),
            (ErrorKind::Limit, "response-too-large", "HttpResponseBodySize"),
            (ErrorKind::Internal, "misfit", "InternalError"),
        ] {
            let told = format!("{:?}", told(CallError::new(kind, code, "why")));
            assert!(told.starts_with(expect), "{told}");
        }
    }

    #[test]
    fn a_response_keeps_what_is_about_the_content() {
        let given = [
            ("Content-Type", "text/plain"),
            ("content-length", "9"),
            ("Connection", "close"),
            ("bad name", "x"),
            ("x", "1"),
            ("x", "2"),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let found = response(404, given, Vec::new()).unwrap();
        let names: Vec<_> = found.headers().iter().map(|(name, _)| name.as_str().to_owned()).collect();
        assert_eq!(
            (found.status().as_u16(), names),
            (404, vec!["content-type".into(), "x".into(), "x".into()])
        );
        let flood = vec![("x".to_owned(), "y".repeat(1000)); 60];
        assert!(response(200, flood, Vec::new()).is_err());
        assert!(response(99, Vec::new(), Vec::new()).is_err());
    }
}
