//! What one request may take.

use std::time::Duration;

/// Times and sizes of one request, redirects and body included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// To resolve the name, connect and shake hands.
    pub connect: Duration,
    /// From there to the head of the response; sending the body counts.
    pub first_byte: Duration,
    /// Without any byte of the body.
    pub idle: Duration,
    /// From the first step to the last byte of the body.
    pub total: Duration,
    /// Bytes of the body as it is after decompression.
    pub response_bytes: u64,
    /// Bytes of the request's body.
    pub request_bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
            response_bytes: 64 << 20,
            request_bytes: 32 << 20,
        }
    }
}
