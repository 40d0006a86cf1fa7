//! A server over HTTP, byte by byte: what it answers, a test says.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::odd::{Act, Era, Odd};

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// What is done with a request before the odd server hears of it.
pub(crate) enum Answer {
    /// The odd server's, as a message or as a stream.
    Odd { as_events: bool },
    /// These bytes, and the end of the connection.
    Bytes(Vec<u8>),
    /// Nothing, and no end.
    Hang,
}

type Rule = dyn Fn(&Request) -> Answer + Send + Sync;

pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Site {
    odd: Arc<Mutex<Odd>>,
    requests: Arc<Mutex<Vec<Request>>>,
    rule: Arc<Rule>,
    /// Where what is said unasked goes: the stream that somebody listens to.
    listener: Arc<Mutex<Option<mpsc::UnboundedSender<Value>>>>,
}

impl Web {
    pub(crate) async fn serve(era: Era, rule: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = Site {
            odd: Arc::new(Mutex::new(Odd::new(era, 0))),
            requests: Arc::default(),
            rule: Arc::new(rule),
            listener: Arc::default(),
        };
        let requests = site.requests.clone();
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(site.clone().answer(stream));
            }
        });
        Self { address, requests, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn asked(&self, method: &str) -> Vec<Request> {
        let asked = |request: &&Request| request.body["method"] == method;
        self.requests.lock().unwrap().iter().filter(asked).cloned().collect()
    }
}

pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{head}\r\n{body}").into_bytes()
}

const JSON: (&str, &str) = ("content-type", "application/json");

impl Site {
    async fn answer(self, mut stream: TcpStream) {
        let Some(request) = read(&mut stream).await else { return };
        self.requests.lock().unwrap().push(request.clone());
        let sent = match (self.rule)(&request) {
            Answer::Hang => std::future::pending().await,
            Answer::Bytes(bytes) => bytes,
            Answer::Odd { as_events } => match request.method.as_str() {
                "GET" => return self.listen(stream, Vec::new()).await,
                "DELETE" => response(200, &[], ""),
                _ => {
                    let acts = self.odd.lock().unwrap().hear(&request.body);
                    if request.body["method"] == "subscriptions/listen" {
                        let said = acts.into_iter().filter_map(said).collect();
                        return self.listen(stream, said).await;
                    }
                    self.spoken(&request, acts, as_events)
                }
            },
        };
        let _ = stream.write_all(&sent).await;
        let _ = stream.shutdown().await;
    }

    fn spoken(&self, request: &Request, acts: Vec<Act>, as_events: bool) -> Vec<u8> {
        let (mut own, mut unasked) = (Vec::new(), Vec::new());
        for message in acts.into_iter().filter_map(said) {
            if message["method"] == "notifications/tools/list_changed" {
                unasked.push(message)
            } else {
                own.push(message)
            }
        }
        if let Some(listener) = &*self.listener.lock().unwrap() {
            for message in unasked {
                let _ = listener.send(message);
            }
        }
        let mut headers = Vec::new();
        if request.body["method"] == "initialize" {
            headers.push(("mcp-session-id", "session-1"));
        }
        if request.body.get("id").is_none() || request.body.get("method").is_none() {
            return response(202, &[], "");
        }
        if as_events {
            headers.push(("content-type", "text/event-stream"));
            let events: String =
                own.iter().map(|message| format!(": hi\r\ndata: {message}\r\n\r\n")).collect();
            return response(200, &headers, &format!("id: 0\ndata:\n\n{events}"));
        }
        headers.push(JSON);
        response(200, &headers, &own.first().map(ToString::to_string).unwrap_or_default())
    }

    /// A stream of what is said unasked.
    async fn listen(&self, mut stream: TcpStream, first: Vec<Value>) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for message in first {
            let _ = sender.send(message);
        }
        *self.listener.lock().unwrap() = Some(sender);
        let head = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
        while let Some(message) = receiver.recv().await {
            // In parts, as a network may deliver it.
            let event = format!("data: {message}\n\n");
            let (left, right) = event.split_at(event.len() / 2);
            for part in [left, right] {
                if stream.write_all(part.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
        }
    }
}

fn said(act: Act) -> Option<Value> {
    match act {
        Act::Say(message) | Act::Later(_, message) => Some(message),
        Act::Flood(_) | Act::End => None,
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4_096];
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut buffer).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let mut request =
        Request { method: first.next()?.to_owned(), path: first.next()?.to_owned(), ..Request::default() };
    for line in lines {
        let (name, value) = line.split_once(':')?;
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length: usize = request.header("content-length").parse().unwrap_or(0);
    while bytes.len() < head + 4 + length {
        match stream.read(&mut buffer).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
    request.body = serde_json::from_slice(&bytes[head + 4..]).unwrap_or(Value::Null);
    Some(request)
}
