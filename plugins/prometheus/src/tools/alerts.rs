//! The alerts that are pending or firing.

use serde_json::{Value, json};
use sickbay_plugin::{
    text::{Keep, count, fit, line},
    tool::ToolOutput,
};

use super::{Tool, bounded, limit_schema, max_bytes_schema, most_bytes, refused};
use crate::api::{Said, ask};

const DEFAULT_LIMIT: u64 = 30;
const STATES: &[&str] = &["firing", "pending"];

pub(super) static TOOL: Tool = Tool {
    name: "alerts",
    description: "The alerts that are firing or pending now, firing ones first and the oldest of them first, with labels and \
                  summary. A good first question about a cluster.",
    properties: || {
        vec![
            (
                "state",
                json!({ "type": "string", "enum": STATES, "description": "Only alerts in this state" }),
            ),
            (
                "match",
                json!({ "type": "string", "maxLength": 253,
                "description": "Only alerts that hold this text in a label or annotation: `shop`" }),
            ),
            limit_schema("Alerts at most; 30 by default"),
            max_bytes_schema(),
        ]
    },
    required: &[],
    run: |server, arguments| {
        let most = most_bytes(arguments)?;
        let limit = arguments.number("limit", 1..=500)?.unwrap_or(DEFAULT_LIMIT) as usize;
        let state = arguments.word("state", STATES)?;
        let wanted = arguments.text("match")?.map(str::to_lowercase);
        let (data, notes) = match ask(server, "alerts", &[])? {
            Said::Refused(text) => return Ok(refused(&text)),
            Said::Data { data, notes } => (data, notes),
        };
        let mut alerts: Vec<&Value> =
            data.get("alerts").and_then(Value::as_array).into_iter().flatten().collect();
        let known = alerts.len();
        alerts.retain(|alert| {
            state.is_none_or(|state| said(alert, "/state") == state)
                && wanted.as_deref().is_none_or(|wanted| holds(alert, wanted))
        });
        alerts.sort_by_key(|alert| {
            (said(alert, "/state") != "firing", said(alert, "/activeAt"), pairs(alert, "/labels"))
        });
        let total = alerts.len();
        let firing = alerts.iter().filter(|alert| said(alert, "/state") == "firing").count();
        let mut head = format!("{}, {firing} firing", count(total, "alert"));
        if total != known {
            head += &format!(", of {known} in all");
        }
        notes.iter().for_each(|note| head += &format!("\nnote of Prometheus: {note}"));
        alerts.truncate(limit);
        let lines: Vec<String> = alerts.iter().map(|alert| told(alert)).collect();
        let fitted = fit(&head, &lines, total, Keep::First, most, |range| {
            format!(
                "showing {} of {total}: narrow with `state` or `match`, or raise `limit` and `max_bytes`",
                range.len()
            )
        });
        let rows: Vec<&Value> = alerts.get(fitted.shown).unwrap_or_default().to_vec();
        let structured = json!({ "total": total, "firing": firing, "alerts": rows, "notes": notes });
        Ok(ToolOutput { text: fitted.text, structured: bounded(&structured), is_error: false })
    },
};

/// `firing KubePodCrashLooping since 2026-…: {…} the pod restarts`
fn told(alert: &Value) -> String {
    let text = ["/annotations/summary", "/annotations/description", "/annotations/message"]
        .iter()
        .map(|pointer| said(alert, pointer))
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    format!(
        "{} {} since {}: {}{}{}",
        said(alert, "/state"),
        said(alert, "/labels/alertname"),
        said(alert, "/activeAt"),
        pairs(alert, "/labels"),
        if text.is_empty() { "" } else { " - " },
        text
    )
}

fn said(alert: &Value, pointer: &str) -> String {
    alert.pointer(pointer).and_then(Value::as_str).map(|text| line(text, 400)).unwrap_or_default()
}

fn pairs(alert: &Value, pointer: &str) -> String {
    let pairs: Vec<String> = alert
        .pointer(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "alertname")
        .take(20)
        .map(|(name, value)| format!("{}={}", line(name, 80), line(value.as_str().unwrap_or_default(), 160)))
        .collect();
    pairs.join(" ")
}

fn holds(alert: &Value, wanted: &str) -> bool {
    ["/labels", "/annotations"].iter().any(|pointer| {
        let map = alert.pointer(pointer).and_then(Value::as_object);
        map.into_iter()
            .flatten()
            .any(|(_, value)| value.as_str().is_some_and(|text| text.to_lowercase().contains(wanted)))
    })
}
