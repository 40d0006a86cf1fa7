//! A server that sends exactly the bytes it is told to, and remembers what it got.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Request line and headers, names in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let wanted = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(wanted.as_str()))
    }
}

/// What is sent, and what follows.
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) then: Then,
}

pub(crate) enum Then {
    KeepAlive,
    Close,
    Hang,
    /// The same bytes, as fast as they are taken.
    Repeat(Bytes),
    /// One byte now and then.
    Trickle(Duration),
}

impl Reply {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        Self { bytes: bytes.into(), then }
    }

    /// A whole response with a length.
    pub(crate) fn whole(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut bytes =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        Self::new(bytes, Then::KeepAlive)
    }

    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::whole("200 OK", "", body)
    }

    pub(crate) fn redirect(status: &str, to: &str) -> Self {
        Self::whole(status, &format!("location: {to}\r\n"), "")
    }
}

type Answer = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(answer, None).await
    }

    pub(crate) async fn serve(
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let answer: Answer = Arc::new(answer);
        let (keep, count) = (seen.clone(), connections.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, SeqCst);
                stream.set_nodelay(true).unwrap();
                let (answer, seen, tls) = (answer.clone(), keep.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => talk(stream, answer, seen).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => talk(stream, answer, seen).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, seen, connections, task }
    }

    /// `http://127.0.0.1:PORT` and what stands behind it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same for a name.
    pub(crate) fn named(&self, name: &str, path: &str) -> String {
        format!("http://{name}:{}{path}", self.address.port())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// Serves one connection until either side has enough.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    answer: Answer,
    seen: Arc<Mutex<Vec<Seen>>>,
) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let request = read(&mut stream, &mut buffer).await?;
        let reply = answer(&request);
        seen.lock().unwrap().push(request);
        stream.write_all(&reply.bytes).await.ok()?;
        stream.flush().await.ok()?;
        match reply.then {
            Then::KeepAlive => {}
            Then::Close => return stream.shutdown().await.ok(),
            Then::Hang => return std::future::pending().await,
            Then::Repeat(bytes) => loop {
                stream.write_all(&bytes).await.ok()?;
            },
            Then::Trickle(pause) => {
                let mut ticks = tokio::time::interval(pause);
                loop {
                    ticks.tick().await;
                    stream.write_all(b"x").await.ok()?;
                    stream.flush().await.ok()?;
                }
            }
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).ok()?;
    let mut seen = Seen { head, body: Vec::new() };
    let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = buffer[end..end + length].to_vec();
    buffer.drain(..end + length);
    Some(seen)
}
