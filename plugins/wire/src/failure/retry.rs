//! Whether and when the same request may go through: the headers that the
//! vendors' own clients obey.

use sickbay_plugin::types::ErrorKind;

use crate::date;

/// `retry-after-ms`, else `retry-after` in seconds, else as a date. A plugin
/// has no clock: a date counts from the response's own `date`.
pub(super) fn after_ms(headers: &[(String, String)]) -> Option<u64> {
    let header =
        |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.trim());
    if let Some(ms) = header("retry-after-ms").and_then(|value| milliseconds(value.parse().ok()?)) {
        return Some(ms);
    }
    let after = header("retry-after")?;
    if let Ok(seconds) = after.parse::<f64>() {
        return milliseconds(seconds * 1_000.0);
    }
    let wait = date::seconds(after)? - date::seconds(header("date")?)?;
    u64::try_from(wait.max(0)).ok()?.checked_mul(1_000)
}

/// A wait; none where it is no number, and 0 where it lies in the past.
pub(super) fn milliseconds(ms: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    ms.is_finite().then(|| ms.clamp(0.0, 9.0e15).ceil() as u64)
}

/// The kind under `x-should-retry`, whose word stands above the status. What
/// no second try can cure (the key, the money, the length) stays what it is.
pub(super) fn honoured(kind: ErrorKind, headers: &[(String, String)]) -> ErrorKind {
    let told = headers.iter().find(|(name, _)| name == "x-should-retry").map(|(_, value)| value.trim());
    match (told, kind) {
        (Some("true"), ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::Internal) => {
            ErrorKind::Unavailable
        }
        (Some("false"), ErrorKind::RateLimited) => ErrorKind::Limit,
        (Some("false"), ErrorKind::Unavailable | ErrorKind::Timeout) => ErrorKind::Internal,
        _ => kind,
    }
}
