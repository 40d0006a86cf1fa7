//! Which metrics there are, and what a few of them mean.

use serde_json::{Value, json};
use sickbay_plugin::{
    text::{Keep, count, fit, line},
    tool::ToolOutput,
};

use super::{Tool, bounded, limit_schema, max_bytes_schema, most_bytes, refused};
use crate::{
    api::{Said, ask},
    server::Server,
};

const DEFAULT_LIMIT: u64 = 100;
/// Metrics that are explained: each costs a request.
const EXPLAINED: usize = 5;

pub(super) static TOOL: Tool = Tool {
    name: "metrics",
    description: "The names of the metrics that are measured, narrowed by a text in the name or by a series selector; the \
                  first few with their type and meaning. Ask it before `query`, names differ between clusters.",
    properties: || {
        vec![
            (
                "match",
                json!({ "type": "string", "maxLength": 253, "description": "Only names that hold this text: `memory`" }),
            ),
            (
                "selector",
                json!({ "type": "string", "maxLength": 1000,
                "description": "Only metrics with such a series: `{namespace=\"shop\",pod=~\"api-.*\"}`" }),
            ),
            limit_schema("Names at most; 100 by default"),
            max_bytes_schema(),
        ]
    },
    required: &[],
    run: |server, arguments| {
        let most = most_bytes(arguments)?;
        let limit = arguments.number("limit", 1..=500)?.unwrap_or(DEFAULT_LIMIT) as usize;
        let wanted = arguments.text("match")?.map(str::to_lowercase);
        let selector = arguments.text("selector")?;
        let parameters: Vec<(&str, &str)> =
            selector.map(|selector| ("match[]", selector)).into_iter().collect();
        let (data, notes) = match ask(server, "label/__name__/values", &parameters)? {
            Said::Refused(text) => return Ok(refused(&text)),
            Said::Data { data, notes } => (data, notes),
        };
        let mut names: Vec<String> = data
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|name| line(name, 253))
            .collect();
        let known = names.len();
        names.retain(|name| wanted.as_deref().is_none_or(|wanted| name.to_lowercase().contains(wanted)));
        names.sort();
        let total = names.len();
        let mut head = match (&wanted, selector) {
            (None, None) => count(total, "metric"),
            (wanted, selector) => {
                let words: Vec<String> = [wanted.as_deref(), selector]
                    .into_iter()
                    .flatten()
                    .map(|word| format!("`{}`", line(word, 120)))
                    .collect();
                format!("{} with {}, of {known}", count(total, "metric"), words.join(" and "))
            }
        };
        notes.iter().for_each(|note| head += &format!("\nnote of Prometheus: {note}"));
        names.truncate(limit);
        let lines: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let meaning = if at < EXPLAINED { explained(server, name) } else { None };
                meaning.map_or_else(|| name.clone(), |meaning| format!("{name}  {meaning}"))
            })
            .collect();
        let fitted = fit(&head, &lines, total, Keep::First, most, |range| {
            format!("showing {} of {total}: narrow with `match` or `selector`", range.len())
        });
        let rows = names.get(fitted.shown).unwrap_or_default();
        let structured = json!({ "total": total, "names": rows, "notes": notes });
        Ok(ToolOutput { text: fitted.text, structured: bounded(&structured), is_error: false })
    },
};

/// `counter: Requests served`. That nobody knows is no error.
fn explained(server: &dyn Server, name: &str) -> Option<String> {
    let Ok(Said::Data { data, .. }) = ask(server, "metadata", &[("metric", name), ("limit_per_metric", "1")])
    else {
        return None;
    };
    let about = data.get(name)?.get(0)?;
    let said = |key: &str| about.get(key).and_then(Value::as_str).map(|text| line(text, 160));
    Some(format!("({}) {}", said("type")?, said("help").unwrap_or_default()).trim_end().to_owned())
}
