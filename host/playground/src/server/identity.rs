//! The cluster's own certificate authority, server certificate and token, made
//! anew at each start and kept in memory alone.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

use crate::PlaygroundError;

pub(crate) struct Identity {
    pub(crate) tls: Arc<rustls::ServerConfig>,
    pub(crate) token: String,
    /// Random and secret: the seed of the cluster's UIDs.
    pub(crate) seed: Vec<u8>,
    authority_pem: String,
}

impl Identity {
    pub(crate) fn new() -> Result<Self, PlaygroundError> {
        let failed = |error: &dyn std::fmt::Display| PlaygroundError {
            message: format!("the playground's certificate could not be made: {error}"),
            hint: None,
        };
        let key = || KeyPair::generate().map_err(|error| failed(&error));
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "sickbay playground");
        let authority = CertifiedIssuer::self_signed(authority, key()?).map_err(|error| failed(&error))?;
        let names = ["127.0.0.1", "localhost", "kubernetes"].map(str::to_owned);
        let mut params = CertificateParams::new(names).map_err(|error| failed(&error))?;
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.use_authority_key_identifier_extension = true;
        let server_key = key()?;
        let certificate = params.signed_by(&server_key, &authority).map_err(|error| failed(&error))?;
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let secret = server_key.serialize_der();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(secret.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|error| failed(&error))?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            tls: Arc::new(tls),
            token: derive(&secret, "token").iter().map(|byte| format!("{byte:02x}")).collect(),
            seed: derive(&secret, "uid"),
            authority_pem: authority.pem(),
        })
    }

    pub(crate) fn kubeconfig(&self, address: SocketAddr) -> String {
        let authority = base64(self.authority_pem.as_bytes());
        let token = &self.token;
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: playground\n  cluster:\n    \
             server: https://{address}\n    certificate-authority-data: {authority}\nusers:\n- name: admin\n  \
             user:\n    token: {token}\ncontexts:\n- name: playground\n  context:\n    cluster: playground\n    \
             user: admin\ncurrent-context: playground\n"
        )
    }
}

/// A secret of its own for each use, from the one random key.
fn derive(secret: &[u8], purpose: &str) -> Vec<u8> {
    Sha256::new().chain_update(purpose).chain_update([0]).chain_update(secret).finalize().to_vec()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| char::from(LETTERS[(bits & 63) as usize]);
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| chunk.get(index).map_or(0, |byte| u32::from(*byte));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        out.push(letter(bits >> 18));
        out.push(letter(bits >> 12));
        out.push(if chunk.len() > 1 { letter(bits >> 6) } else { '=' });
        out.push(if chunk.len() > 2 { letter(bits) } else { '=' });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_length() {
        for (text, expect) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), expect);
        }
    }

    #[test]
    fn no_two_clusters_share_a_secret() {
        let (one, other) = (Identity::new().unwrap(), Identity::new().unwrap());
        assert_ne!(one.token, other.token);
        assert_ne!(one.seed, other.seed);
        assert!(one.kubeconfig(([127, 0, 0, 1], 1).into()).contains("https://127.0.0.1:1"));
    }
}
