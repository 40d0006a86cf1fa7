//! The plugin's settings in the profile, as strings by key.

use crate::types::{Error, ErrorKind};

/// The value of a key, or none where the profile does not set it.
pub fn get(key: &str) -> Result<Option<String>, Error> {
    crate::bindings::wasi::config::store::get(key).map_err(error)
}

/// Every key with its value.
pub fn all() -> Result<Vec<(String, String)>, Error> {
    crate::bindings::wasi::config::store::get_all().map_err(error)
}

fn error(error: crate::bindings::wasi::config::store::Error) -> Error {
    let (crate::bindings::wasi::config::store::Error::Upstream(message)
    | crate::bindings::wasi::config::store::Error::Io(message)) = error;
    Error::new(ErrorKind::Internal, message)
}
