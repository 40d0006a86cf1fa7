//! Words and spans of time as kubectl shows them.

use serde_json::Value;

use crate::value::{items, text, time_ms};

/// How long ago a time was.
pub(super) fn age(time: &str, now_ms: i64) -> String {
    match time_ms(time) {
        Some(at) => span((now_ms - at).max(0) / 1_000),
        None => "<unknown>".to_owned(),
    }
}

/// A span with as many digits as one wants to read.
pub(super) fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let pair = |whole: i64, unit: &str, part: i64, small: &str| match part {
        0 => format!("{whole}{unit}"),
        part => format!("{whole}{unit}{part}{small}"),
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        _ => pair(days / 365, "y", days % 365, "d"),
    }
}

/// `app=web,tier=front`; also of a selector with expressions.
pub(super) fn labels(map: &Value) -> String {
    let each: Vec<String> = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or("")))
        .collect();
    if each.is_empty() { super::NONE.to_owned() } else { each.join(",") }
}

/// Names and images of the containers of a template.
pub(super) fn containers(template: &Value) -> (String, String) {
    let list = items(template, "/spec/containers");
    let all = |key: &str| list.iter().map(|one| text(one, key)).collect::<Vec<_>>().join(",");
    (all("/name"), all("/image"))
}

/// A number or text as text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => super::NONE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (seconds, expect) in [
            (0, "0s"),
            (119, "119s"),
            (125, "2m5s"),
            (1_200, "20m"),
            (11_000, "3h3m"),
            (90_000, "25h"),
            (200_000, "2d7h"),
            (864_000, "10d"),
            (70_000_000, "2y80d"),
        ] {
            assert_eq!(span(seconds), expect, "{seconds}");
        }
    }
}
