//! TLS as a client: rustls with ring, named outright so that no process-wide
//! choice is needed; the roots of the system, and those of a file.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::error::EgressError;

/// The certificates of a PEM file that are trusted besides the system's.
#[expect(
    clippy::disallowed_methods,
    reason = "the file of extra roots is read once, and named where it can not be"
)]
pub(crate) fn extra_roots(file: &Path) -> Result<Vec<CertificateDer<'static>>, EgressError> {
    let failed = |why: String| EgressError::Setup {
        message: format!("the certificates in `{}` can not be used: {why}", file.display()),
    };
    let pem = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|error| failed(format!("{error:?}")))?;
    if found.is_empty() {
        return Err(failed("there is none".to_owned()));
    }
    let mut store = RootCertStore::empty();
    for certificate in &found {
        store.add(certificate.clone()).map_err(|error| failed(error.to_string()))?;
    }
    Ok(found)
}

/// Trusts the system's roots and the extra ones. Reads the system's, which takes some milliseconds.
pub(crate) fn config(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, EgressError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let failed = |error: rustls::Error| EgressError::Setup { message: error.to_string() };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let mut config = match Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
        Err(error) => {
            // A system without certificates: every handshake will fail, plain requests work.
            tracing::warn!(%error, "no root certificates: no `https` server can be trusted");
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Trusts nobody: for clients that never speak TLS.
pub(crate) fn none() -> Result<ClientConfig, EgressError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| EgressError::Setup { message: error.to_string() })?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}
