//! What the wire formats of model providers share: frames of streams, lenient
//! JSON, errors, and the skeleton of a decoder.
//!
//! A provider implements [`stream::Format`] for its events and hands the bytes
//! to a [`stream::StreamDecoder`]; everything that a server can do to a stream
//! that is not the format's own business is dealt with here: splits at any
//! byte, line ends of three kinds, bodies that are no stream, errors, cuts.
//!
//! Pure: no IO, no clock. What a server says is data: bounded, and stripped of
//! control characters before it stands in an error.

pub mod date;
pub mod failure;
#[cfg(target_arch = "wasm32")]
pub mod guest;
pub mod ids;
pub mod json;
pub mod known;
pub mod lines;
#[cfg(not(target_arch = "wasm32"))]
pub mod referee;
pub mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod splits;
pub mod sse;
pub mod stream;
pub mod text;

pub use stream::{Flow, Format, Framing, StreamDecoder};

/// Bytes of one line and of one event of a stream, and of a body that is no
/// stream. The longest events are those that repeat a whole answer.
pub const MAX_FRAME: usize = 4 << 20;

/// Bytes of an error body that are looked at.
pub const MAX_ERROR_BODY: usize = 64 << 10;

/// Standard base64 with padding, as all providers take images.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    use ::base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
