//! What the tool asks of the world: one kind of request.

pub use sickbay_plugin::http::Response;
use sickbay_plugin::tool::Error;

/// The way to the web.
pub trait Web {
    /// Fetches a URL; at most so many bytes of the answer are read.
    fn get(&self, url: &str, accept: &str, most: usize) -> Result<Response, Error>;
}
