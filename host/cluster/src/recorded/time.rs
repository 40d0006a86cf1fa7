//! Time stamps as Kubernetes writes them, and the newest one of an object.

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

use crate::tree::Tree;

/// Fields that tell when something was, not when something will be.
fn is_past(key: &str) -> bool {
    matches!(
        key,
        "creationTimestamp"
            | "lastTransitionTime"
            | "lastUpdateTime"
            | "lastHeartbeatTime"
            | "lastProbeTime"
            | "startedAt"
            | "finishedAt"
            | "startTime"
            | "completionTime"
            | "firstTimestamp"
            | "lastTimestamp"
            | "eventTime"
            | "lastObservedTime"
            | "lastScheduleTime"
            | "lastSuccessfulTime"
            | "lastScaleTime"
            | "renewTime"
            | "acquireTime"
            | "time"
    )
}

/// The newest time stamp of an object, empty where it has none.
pub(super) fn newest<'t>(tree: &'t Tree<'_>) -> &'t str {
    fn walk<'t>(tree: &'t Tree<'_>, newest: &mut &'t str) {
        match tree {
            Tree::Array(items) => items.iter().for_each(|item| walk(item, newest)),
            Tree::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Tree::String(text) if is_past(key) && newer(text, newest) => *newest = text,
                        Tree::Array(_) | Tree::Object(_) => walk(value, newest),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let mut newest = "";
    walk(tree, &mut newest);
    newest
}

/// Whether one is later than the other. Most are written the same way, in UTC,
/// and compare as text.
pub(super) fn newer(one: &str, other: &str) -> bool {
    if is_plain(one) && (other.is_empty() || is_plain(other)) {
        return one > other;
    }
    match (parse(one), parse(other)) {
        (Some(one), Some(other)) => one > other,
        (one, _) => one.is_some(),
    }
}

/// `2025-06-03T11:30:29Z`.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 20
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b'T',
            13 | 16 => *byte == b':',
            19 => *byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

/// RFC 3339, or what `kubectl describe` prints: `Thu, 29 May 2025 12:14:26 +0200`.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| DateTimeParser::new().parse_timestamp(text).ok())
}

/// As Kubernetes writes it: whole seconds, UTC.
pub(super) fn format(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders() {
        assert!(newer("2025-01-02T00:00:00Z", "2025-01-01T00:00:00Z"));
        assert!(newer("2025-01-01T00:00:00.5Z", "2025-01-01T00:00:00Z"));
        assert!(!newer("2025-01-01T00:00:00+02:00", "2025-01-01T00:00:00Z"));
        assert!(newer("2025-01-01T00:00:00Z", ""));
        assert!(!newer("soon", "2025-01-01T00:00:00Z"));
        assert!(!newer("soon", ""));
        assert_eq!(
            parse("Thu, 29 May 2025 12:14:26 +0200").map(format).as_deref(),
            Some("2025-05-29T10:14:26Z")
        );
    }
}
