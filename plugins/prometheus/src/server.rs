//! What the tools ask of the world: their settings, the time of the run, and
//! one kind of request. Tests answer from memory.

pub use sickbay_plugin::http::Response;
use sickbay_plugin::tool::Error;

/// The way to a Prometheus.
pub trait Server {
    /// A setting of the plugin in the profile; none where it is not set.
    fn setting(&self, key: &str) -> Result<Option<String>, Error>;
    /// Milliseconds since 1970, as the run sees it.
    fn now_ms(&self) -> u64;
    /// Fetches a URL; at most so many bytes of the answer are read.
    fn get(&self, url: &str, most: usize) -> Result<Response, Error>;
}
