//! What goes wrong below HTTP, told to people: names that do not resolve,
//! ports that refuse, certificates that do not fit, credential plugins that
//! fail. Decided by the types in an error's chain of causes; texts from
//! outside are redacted and bounded.

use std::{error::Error, io};

use kube::client::AuthError;
use rustls::{AlertDescription, CertificateError};
use sickbay_core::error::{CallError, ErrorKind};

use super::{
    place::{Login, Place},
    words::plain,
};

/// Causes that are looked at; a chain that is longer goes in circles.
const DEEPEST: usize = 24;

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        // An `io::Error` hides the error it was made from behind its own source.
        next = match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => current.source(),
        };
        Some(current)
    })
    .take(DEEPEST)
}

/// Whether the same request may well succeed when sent again at once: the
/// server closed a connection that had been idle.
pub(super) fn is_passing(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
            )
        }) || cause.to_string().starts_with("connection closed before message completed")
    })
}

/// A request that got no response.
pub(super) fn no_response(place: &Place, error: &(dyn Error + 'static)) -> CallError {
    for cause in chain(error) {
        if let Some(error) = cause.downcast_ref::<AuthError>() {
            return login_failed(place, error);
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return tls_failed(place, error);
        }
    }
    let server = &place.server;
    if chain(error).any(|cause| cause.to_string().starts_with("dns error")) {
        return CallError::new(
            ErrorKind::Unavailable,
            "dns",
            format!("the name of the API server `{server}` could not be resolved"),
        )
        .with_hint("check the network or VPN, and the server's address in the kubeconfig");
    }
    let io = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => CallError::new(
            ErrorKind::Unavailable,
            "connection-refused",
            format!("the API server `{server}` refused the connection"),
        )
        .with_hint("nothing listens there: check that the cluster runs and that the kubeconfig names its present port"),
        Some(io::ErrorKind::TimedOut) => connect_timeout(place),
        Some(
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable,
        ) => CallError::new(
            ErrorKind::Unavailable,
            "no-route",
            format!("there is no way to the API server `{server}` from here"),
        )
        .with_hint("check the network or VPN"),
        _ => {
            let last = chain(error).last().map(ToString::to_string).unwrap_or_default();
            let error = CallError::new(
                ErrorKind::Unavailable,
                "connection-failed",
                format!("the connection to the API server `{server}` failed: {}", plain(&last)),
            );
            if place.tls {
                error
            } else {
                error.with_hint("the kubeconfig says `http://`; most API servers speak https alone")
            }
        }
    }
}

pub(super) fn connect_timeout(place: &Place) -> CallError {
    CallError::new(
        ErrorKind::Timeout,
        "connect-timeout",
        format!("the API server `{}` did not answer the connection in time", place.server),
    )
    .with_hint("check the network, the VPN and any firewall on the way")
}

fn tls_failed(place: &Place, error: &rustls::Error) -> CallError {
    let server = &place.server;
    let new = |code: &str, message: String| CallError::new(ErrorKind::Unavailable, code, message);
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => new(
                "tls-unknown-authority",
                format!("the certificate of the API server `{server}` is signed by an authority that is not trusted"),
            )
            .with_hint("the kubeconfig's `certificate-authority-data` is missing or belongs to another cluster; fetch the kubeconfig again"),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                new("tls-expired", format!("the certificate of the API server `{server}` has expired"))
                    .with_hint("renew the cluster's certificates, and check this machine's clock")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                new("tls-not-yet-valid", format!("the certificate of the API server `{server}` is not valid yet"))
                    .with_hint("check this machine's clock")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                new("tls-wrong-name", format!("the certificate of the API server is not for `{server}`"))
                    .with_hint("use one of the names in the certificate as the server, or set `tls-server-name` in the kubeconfig")
            }
            other => new(
                "tls-bad-certificate",
                format!("the certificate of the API server `{server}` was not accepted: {}", plain(&format!("{other:?}"))),
            ),
        },
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired,
        ) => CallError::new(
            ErrorKind::Unauthorized,
            "tls-client-certificate",
            format!("the API server `{server}` did not accept the client certificate"),
        )
        .with_hint(place.login_hint()),
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => {
            new("tls-not-spoken", format!("`{server}` does not answer in TLS"))
                .with_hint("check the port; for a server without TLS the kubeconfig must say `http://`")
        }
        other => new(
            "tls-failed",
            format!("no TLS session with the API server `{server}`: {}", plain(&other.to_string())),
        ),
    }
}

/// Credentials that could not be had at all.
pub(super) fn login_failed(place: &Place, error: &AuthError) -> CallError {
    let new = |code: &str, message: String| CallError::new(ErrorKind::Unauthorized, code, message);
    let program = match &place.login {
        Login::Exec { command, .. } => command.as_str(),
        _ => "the credential plugin",
    };
    match error {
        AuthError::AuthExecStart(cause) => {
            let hint = match &place.login {
                Login::Exec { install_hint: Some(hint), .. } => plain(hint),
                _ => format!("install `{program}` or put it on the PATH; kubectl needs it as well"),
            };
            let why = match cause.kind() {
                io::ErrorKind::NotFound => "it was not found".to_owned(),
                io::ErrorKind::PermissionDenied => "it may not be run".to_owned(),
                _ => plain(&cause.to_string()),
            };
            new("exec-missing", format!("the credential plugin `{program}` could not be started: {why}"))
                .with_hint(hint)
        }
        AuthError::AuthExecRun { out, .. } => {
            let stderr = String::from_utf8_lossy(&out.stderr);
            let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let code =
                out.status.code().map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            let said = if last.is_empty() { String::new() } else { format!(": {}", plain(last)) };
            new("exec-failed", format!("the credential plugin `{program}` ended with {code}{said}"))
                .with_hint(place.login_hint())
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed | AuthError::AuthExecSerialize(_) => new(
            "exec-answer",
            format!("the credential plugin `{program}` printed no credentials that could be read"),
        )
        .with_hint(place.login_hint()),
        AuthError::ReadTokenFile(cause, path) => new(
            "token-file",
            format!("the token file `{}` could not be read: {}", path.display(), plain(&cause.to_string())),
        ),
        AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_) => {
            new("bad-token", "the credentials hold characters that no HTTP header may hold".to_owned())
                .with_hint("a token file must hold the token alone, without line breaks")
        }
        AuthError::AuthExec(text) => {
            new("login-failed", format!("the credentials could not be had: {}", plain(text)))
                .with_hint(place.login_hint())
        }
        other => {
            new("login-failed", format!("the credentials could not be had: {}", plain(&other.to_string())))
                .with_hint(place.login_hint())
        }
    }
}

/// A kubeconfig that was read but can not be used.
pub(super) fn client_failed(place: &Place, error: &kube::Error) -> CallError {
    match error {
        kube::Error::Auth(error) => login_failed(place, error),
        kube::Error::ProxyProtocolDisabled { .. } | kube::Error::ProxyProtocolUnsupported { .. } => {
            CallError::new(ErrorKind::Unsupported, "proxy", "the proxy's protocol is not supported")
                .with_hint("use an `http://` or `https://` proxy")
        }
        kube::Error::InferKubeconfig(error) => CallError::new(
            ErrorKind::InvalidInput,
            "kubeconfig",
            format!("the kubeconfig can not be used: {}", plain(&error.to_string())),
        ),
        kube::Error::RustlsTls(error) => CallError::new(
            ErrorKind::InvalidInput,
            "kubeconfig-tls",
            format!("the certificates in the kubeconfig can not be used: {}", plain(&error.to_string())),
        )
        .with_hint("fetch the kubeconfig again"),
        other => no_response(place, other),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{ExitStatus, Output};

    use super::*;

    fn place() -> Place {
        Place {
            server: "10.0.0.1:6443".into(),
            tls: true,
            context: Some("prod".into()),
            namespace: None,
            login: Login::Exec { command: "aws".into(), install_hint: Some("install the AWS tools".into()) },
        }
    }

    fn in_io(error: rustls::Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    #[test]
    fn tls_errors_are_told_apart() {
        let bad = |reason| in_io(rustls::Error::InvalidCertificate(reason));
        for (error, code, kind) in [
            (bad(CertificateError::UnknownIssuer), "tls-unknown-authority", ErrorKind::Unavailable),
            (bad(CertificateError::Expired), "tls-expired", ErrorKind::Unavailable),
            (bad(CertificateError::NotValidYet), "tls-not-yet-valid", ErrorKind::Unavailable),
            (bad(CertificateError::NotValidForName), "tls-wrong-name", ErrorKind::Unavailable),
            (bad(CertificateError::Revoked), "tls-bad-certificate", ErrorKind::Unavailable),
            (
                in_io(rustls::Error::AlertReceived(AlertDescription::CertificateExpired)),
                "tls-client-certificate",
                ErrorKind::Unauthorized,
            ),
            (
                in_io(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)),
                "tls-not-spoken",
                ErrorKind::Unavailable,
            ),
        ] {
            // Errors come wrapped, as they do from the HTTP stack.
            let error = no_response(&place(), &io::Error::other(error));
            assert_eq!((error.code.as_str(), error.kind), (code, kind));
            assert!(error.message.contains("10.0.0.1:6443"), "{}", error.message);
        }
    }

    #[test]
    fn sockets_are_told_apart() {
        for (kind, code) in [
            (io::ErrorKind::ConnectionRefused, "connection-refused"),
            (io::ErrorKind::TimedOut, "connect-timeout"),
            (io::ErrorKind::HostUnreachable, "no-route"),
            (io::ErrorKind::UnexpectedEof, "connection-failed"),
        ] {
            assert_eq!(no_response(&place(), &io::Error::other(io::Error::from(kind))).code, code);
        }
        assert!(is_passing(&io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset))));
        assert!(!is_passing(&io::Error::from(io::ErrorKind::ConnectionRefused)));
    }

    #[cfg(unix)]
    #[test]
    fn a_failing_plugin_is_named_with_its_last_line_and_no_secret() {
        use std::os::unix::process::ExitStatusExt;
        let error = AuthError::AuthExecRun {
            cmd: "PASSWORD=tiger aws eks get-token".into(),
            out: Box::new(Output {
                status: ExitStatus::from_raw(255 << 8),
                stdout: b"token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLWhlcmU".to_vec(),
                stderr: b"usage: aws\nThe SSO session has expired. Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLWhlcmU\n\n"
                    .to_vec(),
            }),
        };
        let error = no_response(&place(), &io::Error::other(error));
        assert_eq!((error.code.as_str(), error.kind), ("exec-failed", ErrorKind::Unauthorized));
        assert!(
            error.message.contains("`aws` ended with exit code 255: The SSO session has expired"),
            "{}",
            error.message
        );
        let all = format!("{error:?}");
        assert!(!all.contains("tiger") && !all.contains("eyJhbGci"), "{all}");
        assert!(error.hint.unwrap().contains("kubectl auth can-i get pods --context prod"));
    }

    #[test]
    fn a_missing_plugin_shows_the_kubeconfigs_own_hint() {
        let error =
            login_failed(&place(), &AuthError::AuthExecStart(io::Error::from(io::ErrorKind::NotFound)));
        assert_eq!(error.code, "exec-missing");
        assert_eq!(error.hint.as_deref(), Some("install the AWS tools"));
    }
}
