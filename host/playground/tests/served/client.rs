//! A client of one request: TLS, HTTP/1.1, the connection closed after it.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::Value;
use sickbay_playground::Playground;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) struct Client {
    address: std::net::SocketAddr,
    tls: TlsConnector,
    pub(crate) token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Status and reason of a refusal.
    pub(crate) fn refused(&self) -> (u16, String) {
        (self.status, self.json()["reason"].as_str().unwrap_or("").to_owned())
    }
}

impl Client {
    /// Takes all that it needs from the kubeconfig.
    pub(crate) fn of(playground: &Playground) -> Self {
        let config = playground.kubeconfig();
        let field = |name: &str| {
            let start = config.find(name).unwrap() + name.len();
            config[start..].lines().next().unwrap().trim().to_owned()
        };
        let pem = from_base64(&field("certificate-authority-data:"));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address: playground.address(), tls: TlsConnector::from(Arc::new(tls)), token: field("token:") }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", "application/json", "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, "application/json", "application/json", &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, "application/json", "application/json", &body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, kind: &str, body: &Value) -> Reply {
        let media = match kind {
            "apply" => "application/apply-patch+yaml".to_owned(),
            kind => format!("application/{kind}+json"),
        };
        self.send("PATCH", path, &media, "application/json", &body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, "", "application/json", "").await
    }

    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.tls.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.unwrap()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        media: &str,
        accept: &str,
        body: &str,
    ) -> Reply {
        let mut stream = self.begin(method, path, media, accept, body).await;
        let mut bytes = Vec::new();
        // A server that closes without a TLS goodbye has still answered.
        let _ = stream.read_to_end(&mut bytes).await;
        read(&bytes)
    }

    /// Sends a request and leaves the answer to be read.
    pub(crate) async fn begin(
        &self,
        method: &str,
        path: &str,
        media: &str,
        accept: &str,
        body: &str,
    ) -> TlsStream<TcpStream> {
        let mut stream = self.connect().await;
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: playground\r\nuser-agent: served/1\r\nconnection: close\r\n\
             accept: {accept}\r\ncontent-length: {}\r\n",
            body.len()
        );
        if !self.token.is_empty() {
            request.push_str(&format!("authorization: Bearer {}\r\n", self.token));
        }
        if !media.is_empty() {
            request.push_str(&format!("content-type: {media}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body);
        // A body that is too large may be refused before all of it is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        stream
    }
}

fn read(bytes: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(key, value)| key == "transfer-encoding" && value == "chunked");
    let text = if chunked { unchunk(body) } else { body.to_owned() };
    Reply { status, headers, text }
}

fn unchunk(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        out.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    out
}

fn from_base64(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for letter in text.chars().filter(|letter| *letter != '=') {
        bits = bits << 6 | u32::try_from(LETTERS.find(letter).unwrap()).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 255) as u8);
        }
    }
    out
}
