//! A server that sends exactly the bytes that it is told, in pieces, and stops
//! where it is told to wait or to cut the connection.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};

/// One thing that is done with a connection.
#[derive(Clone)]
pub(crate) enum Step {
    Bytes(Vec<u8>),
    /// Waits until the test says so.
    Until(Arc<Notify>),
    /// Resets the connection.
    Reset,
    /// Closes it in order.
    Close,
    /// Waits until the other side closes it.
    Hang,
}

/// The answer to one request.
#[derive(Clone, Default)]
pub(crate) struct Reply(pub(crate) Vec<Step>);

impl Reply {
    /// A head with these headers; the body ends with the connection.
    pub(crate) fn open(status: u16, headers: &[(&str, &str)]) -> Self {
        let mut head = format!("HTTP/1.1 {status} Whatever\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Self(vec![Step::Bytes(head.into_bytes())])
    }

    /// A whole response of a known length, after which the connection stays.
    pub(crate) fn whole(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self(vec![Step::Bytes(format!("{head}\r\n{body}").into_bytes())])
    }

    pub(crate) fn ok(body: &str) -> Self {
        Self::whole(200, &[], body)
    }

    /// A head, and each byte of the body in a write of its own.
    pub(crate) fn split(body: &str) -> Self {
        let mut reply = Self::open(200, &[]);
        reply.0.extend(body.bytes().map(|byte| Step::Bytes(vec![byte])));
        reply.0.push(Step::Close);
        reply
    }

    pub(crate) fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    pub(crate) fn bytes(self, bytes: &str) -> Self {
        self.then(Step::Bytes(bytes.as_bytes().to_vec()))
    }
}

#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    connections: usize,
}

/// Runs until it is dropped. Requests get the replies in turn; the last one stays.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    count: watch::Receiver<usize>,
    closed: watch::Receiver<usize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let replies: Arc<Mutex<VecDeque<Reply>>> = Arc::new(Mutex::new(replies.into_iter().collect()));
        let (counter, count) = watch::channel(0);
        let (closer, closed) = watch::channel(0);
        let (counter, closer) = (Arc::new(counter), Arc::new(closer));
        let noted = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                noted.lock().unwrap().connections += 1;
                let (seen, replies) = (Arc::clone(&noted), Arc::clone(&replies));
                let (counter, closer) = (Arc::clone(&counter), Arc::clone(&closer));
                tokio::spawn(async move {
                    serve(stream, &seen, &replies, &counter).await;
                    closer.send_modify(|closed| *closed += 1);
                });
            }
        });
        Self { address, seen, count, closed, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Heads and bodies, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Returns once that many requests were there.
    pub(crate) async fn until_requests(&self, wanted: usize) {
        self.count.clone().wait_for(|count| *count >= wanted).await.unwrap();
    }

    /// Returns once that many connections are over.
    pub(crate) async fn until_closed(&self, wanted: usize) {
        self.closed.clone().wait_for(|count| *count >= wanted).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Seen>,
    replies: &Mutex<VecDeque<Reply>>,
    counter: &watch::Sender<usize>,
) {
    stream.set_nodelay(true).unwrap();
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().requests.push(request);
        let reply = {
            let mut replies = replies.lock().unwrap();
            if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
        };
        counter.send_modify(|count| *count += 1);
        for step in reply.unwrap_or_default().0 {
            match step {
                Step::Bytes(bytes) => {
                    if stream.write_all(&bytes).await.and(stream.flush().await).is_err() {
                        return;
                    }
                }
                Step::Until(notify) => notify.notified().await,
                Step::Close => return,
                Step::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
                Step::Hang => {
                    let _ = stream.read(&mut [0]).await;
                    return;
                }
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4_096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
