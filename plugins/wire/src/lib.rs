//! What the wire formats of model providers share: frames of streams, lenient JSON, errors.
