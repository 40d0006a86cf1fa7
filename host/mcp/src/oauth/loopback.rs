//! Consent by a browser on this machine: the authorization server sends it
//! back to a port of loopback, where this listens for the one request.

use std::{io, net::Ipv4Addr};

use async_trait::async_trait;
use sickbay_core::text::clean_line;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::Consent;

/// Where the browser comes back to.
const PATH: &str = "/callback";
/// Bytes of a request's head at most.
const MOST_HEAD: usize = 16 * 1024;
/// Requests that are no answer, a browser's wish for an icon, at most.
const MOST_OTHERS: usize = 20;

const PAGE: &str = "You may close this page and go back to the terminal.";

/// Listens on loopback, and has `tell` show the page to the person.
pub struct LoopbackConsent<F> {
    listener: TcpListener,
    port: u16,
    tell: F,
}

impl<F: Fn(&str, &str) + Send + Sync> LoopbackConsent<F> {
    /// `tell` gets the server's name and the page to open.
    pub async fn new(tell: F) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port, tell })
    }

    /// The target of the one request that is an answer.
    async fn wait(&self) -> io::Result<String> {
        for _ in 0..MOST_OTHERS {
            let (mut stream, _) = self.listener.accept().await?;
            let target = head(&mut stream).await?;
            let is_answer = target.split('?').next() == Some(PATH);
            let (status, page) = if is_answer { ("200 OK", PAGE) } else { ("404 Not Found", "") };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
            // The browser may be gone already: what it brought is there.
            let _ = stream.write_all(answer.as_bytes()).await;
            if is_answer {
                return Ok(target);
            }
        }
        Err(io::Error::other("too many requests that are no answer"))
    }
}

/// The target of a request: what stands between its method and its version.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 1_024];
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") && bytes.len() < MOST_HEAD {
        match stream.read(&mut buffer).await? {
            0 => break,
            count => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text.split_whitespace().nth(1).unwrap_or_default().to_owned())
}

#[async_trait]
impl<F: Fn(&str, &str) + Send + Sync> Consent for LoopbackConsent<F> {
    fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    async fn ask(&self, server: &str, page: &str) -> Result<String, String> {
        (self.tell)(server, page);
        let target = self.wait().await.map_err(|error| clean_line(&error.to_string(), 200))?;
        Ok(format!("http://127.0.0.1:{}{target}", self.port))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn the_answer_is_what_the_browser_comes_back_with() {
        let told = Arc::new(Mutex::new(String::new()));
        let shown = told.clone();
        let consent = LoopbackConsent::new(move |server: &str, page: &str| {
            *shown.lock().unwrap() = format!("{server} {page}");
        });
        let consent = consent.await.unwrap();
        let browser = async {
            for target in ["/favicon.ico", "/callback?code=c&state=s"] {
                let mut stream = TcpStream::connect(("127.0.0.1", consent.port)).await.unwrap();
                stream
                    .write_all(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
                    .await
                    .unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
            }
        };
        let (answer, ()) = tokio::join!(consent.ask("s", "https://auth.example/authorize"), browser);
        assert_eq!(answer.unwrap(), format!("{}?code=c&state=s", consent.redirect_uri()));
        assert_eq!(*told.lock().unwrap(), "s https://auth.example/authorize");
    }
}
