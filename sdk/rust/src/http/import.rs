//! The request over the import. Nothing here is reached natively but with a
//! panic, as with every import.

use super::{Request, Response, Target, failed, origin};
use crate::{
    tool::bindings::wasi::{
        http::{
            outgoing_handler,
            types::{ErrorCode, Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme},
        },
        io::streams::{InputStream, OutputStream, StreamError},
    },
    types::{Error, ErrorKind},
};

/// Bytes that are read at once.
const CHUNK: u64 = 64 << 10;
/// Bytes that may be written at once, by the contract of `blocking-write-and-flush`.
const WRITE: usize = 4_096;

pub(super) fn send(request: &Request, target: &Target) -> Result<Response, Error> {
    let invalid = |what: &str| Error::invalid_input(format!("the {what} of the request can not be sent"));
    let entries: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    let headers = Fields::from_list(&entries).map_err(|_| invalid("headers"))?;
    let outgoing = OutgoingRequest::new(headers);
    outgoing.set_method(&method(&request.method)).map_err(|()| invalid("method"))?;
    let scheme = if target.secure { Scheme::Https } else { Scheme::Http };
    outgoing.set_scheme(Some(&scheme)).map_err(|()| invalid("scheme"))?;
    outgoing.set_authority(Some(&target.authority)).map_err(|()| invalid("host"))?;
    outgoing.set_path_with_query(Some(&target.path)).map_err(|()| invalid("path"))?;
    let body = outgoing.body().map_err(|()| invalid("body"))?;
    let pending = outgoing_handler::handle(outgoing, None).map_err(|code| told(request, &code))?;
    write(request, body)?;
    pending.subscribe().block();
    let answered = pending.get().and_then(Result::ok).ok_or_else(|| {
        failed(ErrorKind::Internal, "http", request, "the host gave no answer to the request")
    })?;
    let response = answered.map_err(|code| told(request, &code))?;
    let status = response.status();
    let fields = response.headers();
    let headers = fields
        .entries()
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned()))
        .collect();
    drop(fields);
    let body =
        response.consume().map_err(|()| failed(ErrorKind::Internal, "http", request, "it has no body"))?;
    let (body, truncated) = read(request, &body)?;
    Ok(Response { status, headers, body, truncated })
}

fn method(name: &str) -> Method {
    match name.to_ascii_uppercase().as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

/// Writes the body while the host already has the request: a server may answer before it has read everything, so a
/// stream that closed early is no error.
fn write(request: &Request, body: OutgoingBody) -> Result<(), Error> {
    if !request.body.is_empty() {
        let stream: OutputStream = body
            .write()
            .map_err(|()| failed(ErrorKind::Internal, "http", request, "the body can not be written"))?;
        for part in request.body.chunks(WRITE) {
            match stream.blocking_write_and_flush(part) {
                Ok(()) => {}
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(failed(
                        ErrorKind::Unavailable,
                        "http-body",
                        request,
                        &error.to_debug_string(),
                    ));
                }
            }
        }
    }
    OutgoingBody::finish(body, None).map_err(|code| told(request, &code))
}

fn read(request: &Request, body: &IncomingBody) -> Result<(Vec<u8>, bool), Error> {
    let stream: InputStream = body
        .stream()
        .map_err(|()| failed(ErrorKind::Internal, "http", request, "the body can not be read"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(StreamError::Closed) => return Ok((bytes, false)),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(failed(ErrorKind::Unavailable, "http-body", request, &error.to_debug_string()));
            }
        }
        if bytes.len() > request.most_bytes {
            bytes.truncate(request.most_bytes);
            return Ok((bytes, true));
        }
    }
}

/// What the host says of a request that got no answer.
fn told(request: &Request, code: &ErrorCode) -> Error {
    let (kind, word, why): (ErrorKind, &str, String) = match code {
        ErrorCode::HttpRequestDenied => (
            ErrorKind::Denied,
            "http-denied",
            format!(
                "the host does not allow it; the plugin needs a grant of `http:{}`",
                origin(&request.url)
            ),
        ),
        ErrorCode::DestinationIpProhibited => (
            ErrorKind::Denied,
            "http-address",
            "its name leads to an address that the host's rules do not allow".to_owned(),
        ),
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout
        | ErrorCode::DnsTimeout => (ErrorKind::Timeout, "http-timeout", "no answer in time".to_owned()),
        ErrorCode::HttpResponseBodySize(_) => {
            (ErrorKind::Limit, "http-size", "the answer is larger than the host takes".to_owned())
        }
        ErrorCode::HttpRequestBodySize(_) | ErrorCode::HttpRequestUriTooLong => {
            (ErrorKind::Limit, "http-size", "the request is larger than the host sends".to_owned())
        }
        ErrorCode::HttpRequestMethodInvalid | ErrorCode::HttpRequestUriInvalid => {
            (ErrorKind::InvalidInput, "http-request", "the request is malformed".to_owned())
        }
        // The one code that carries a sentence: the host says there why it was not sent.
        ErrorCode::InternalError(Some(message)) => (ErrorKind::Unavailable, "http", message.clone()),
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            (ErrorKind::Unavailable, "http-name", "its host's name is not known".to_owned())
        }
        ErrorCode::ConnectionRefused => {
            (ErrorKind::Unavailable, "http-refused", "the connection was refused".to_owned())
        }
        ErrorCode::TlsCertificateError | ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
            (ErrorKind::Unavailable, "http-tls", "no secure connection can be made".to_owned())
        }
        other => (ErrorKind::Unavailable, "http", format!("{other:?}")),
    };
    failed(kind, word, request, &why)
}
