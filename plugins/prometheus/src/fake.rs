//! A Prometheus in memory, for tests: answers by path, and the requests that
//! came.

use std::cell::RefCell;

use sickbay_plugin::tool::{Error, ErrorKind};

use crate::server::{Response, Server};

#[derive(Default)]
pub struct FakeServer {
    /// What the path of a request begins with, status and body.
    answers: Vec<(String, u16, String)>,
    url: Option<String>,
    asked: RefCell<Vec<String>>,
}

impl FakeServer {
    /// One at `http://prometheus.test:9090/base`, at 2026-01-01T12:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self { url: Some("http://prometheus.test:9090/base/".to_owned()), ..Self::default() }
    }

    /// One whose place nobody said.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn answer(mut self, path: &str, status: u16, body: impl Into<String>) -> Self {
        self.answers.push((path.to_owned(), status, body.into()));
        self
    }

    /// The URLs that were asked for.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }
}

impl Server for FakeServer {
    fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        Ok(self.url.clone().filter(|_| key == "url"))
    }

    fn now_ms(&self) -> u64 {
        1_767_268_800_000
    }

    fn get(&self, url: &str, most: usize) -> Result<Response, Error> {
        self.asked.borrow_mut().push(url.to_owned());
        let path = url.strip_prefix("http://prometheus.test:9090/base").unwrap_or(url);
        let (_, status, body) = self
            .answers
            .iter()
            .find(|(begins, _, _)| path.starts_with(begins.as_str()))
            .ok_or_else(|| Error::new(ErrorKind::Unavailable, "the connection was refused"))?;
        let all = body.as_bytes();
        Ok(Response {
            status: *status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: all.iter().take(most).copied().collect(),
            truncated: all.len() > most,
        })
    }
}
