//! A page in memory, for tests.

use sickbay_plugin::tool::Error;

use crate::web::{Response, Web};

/// Answers every URL with the same.
pub struct FakePage(pub Response);

impl FakePage {
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        Self(Response {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_ref().to_vec(),
            truncated: false,
        })
    }
}

impl Web for FakePage {
    fn get(&self, _url: &str, _accept: &str, most: usize) -> Result<Response, Error> {
        let mut response = self.0.clone();
        response.truncated = response.body.len() > most;
        response.body.truncate(most);
        Ok(response)
    }
}
