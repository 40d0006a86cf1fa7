//! TLS: who is trusted, and that nothing goes back to plain.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sickbay_egress::{Allowed, Egress, EgressError, EgressSettings, Outgoing, Rule, ScriptedResolver};
use tokio_rustls::TlsAcceptor;

use crate::{
    LOOPBACK, bearer, budget, get,
    server::{Reply, Seen, Server},
};

/// An authority of our own as PEM, and a server's side for `api.example`.
fn identity() -> (String, TlsAcceptor) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["api.example".to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &authority).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(certificate.der().to_vec())],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
    (authority.pem(), TlsAcceptor::from(Arc::new(config)))
}

struct Setup {
    egress: Egress,
    server: Server,
    url: String,
    _folder: tempfile::TempDir,
}

async fn setup(trusted: bool, name: &str, answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Setup {
    let (pem, acceptor) = identity();
    let server = Server::serve(answer, Some(acceptor)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    std::fs::write(&file, pem).unwrap();
    let resolver = ScriptedResolver::new().with("api.example", [LOOPBACK]).with("other.example", [LOOPBACK]);
    let egress = Egress::new(EgressSettings {
        extra_roots: trusted.then_some(file),
        resolver: Arc::new(resolver),
        ..EgressSettings::default()
    })
    .unwrap();
    let url = format!("https://{name}:{}", server.address.port());
    Setup { egress, server, url, _folder: folder }
}

fn allowed(url: &str, redirects: u8) -> Allowed {
    let plain = url.replace("https://", "http://");
    Allowed { rules: [url, &plain].map(|rule| Rule::any_private(rule).unwrap()).into(), redirects }
}

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_and_its_name() {
    let it = setup(true, "api.example", |_| Reply::ok("secure")).await;
    let request = Outgoing { credential: Some(bearer(&it.url, "sk-planted")), ..get(&it.url) };
    let response = it.egress.send(request, &allowed(&it.url, 0), &budget()).await.unwrap();
    assert_eq!(response.collect().await.unwrap(), b"secure");
    assert_eq!(it.server.seen()[0].header("authorization"), Some("Bearer sk-planted"));

    for (trusted, name) in [(false, "api.example"), (true, "other.example")] {
        let it = setup(trusted, name, |_| Reply::ok("secure")).await;
        let error = it.egress.send(get(&it.url), &allowed(&it.url, 0), &budget()).await.unwrap_err();
        assert!(matches!(error, EgressError::Connect { .. }) && error.is_before_send(), "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
        assert!(it.server.seen().is_empty());
    }
}

#[tokio::test]
async fn a_redirect_does_not_lead_back_to_plain() {
    let it = setup(true, "api.example", |seen| {
        let host = seen.header("host").unwrap_or_default().to_owned();
        Reply::redirect("302 Found", &format!("http://{host}/"))
    })
    .await;
    let error = it.egress.send(get(&it.url), &allowed(&it.url, 5), &budget()).await.unwrap_err();
    assert!(error.to_string().ends_with("it leads from `https` to `http`"), "{error}");
    assert_eq!(it.server.connections(), 1);
}

#[test]
fn roots_that_can_not_be_used_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    for content in [None, Some(""), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let settings = EgressSettings { extra_roots: Some(file.clone()), ..EgressSettings::default() };
        let error = Egress::new(settings).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("roots.pem"), "{error}");
    }
}
