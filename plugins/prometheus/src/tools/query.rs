//! The value of an expression at one moment.

use serde_json::{Value, json};
use sickbay_plugin::{
    text::{Keep, fit, line},
    tool::ToolOutput,
};

use super::{
    Tool, bounded, expression, limit_schema, max_bytes_schema, most_bytes, query_schema, refused, time_schema,
};
use crate::{
    api::{Said, ask},
    series::{Series, common, counted, number, number_json, read},
    time::{moment, shown},
};

const DEFAULT_LIMIT: u64 = 30;

pub(super) static TOOL: Tool = Tool {
    name: "query",
    description: "The value of a PromQL expression at one moment, one line for each series. Aggregate in the expression \
                  (`sum by (pod)`, `topk(10, …)`) rather than reading many series. Find names with `metrics`.",
    properties: || {
        vec![
            query_schema(
                "PromQL: `sum by (pod) (rate(http_requests_total{namespace=\"shop\",code=~\"5..\"}[5m]))`",
            ),
            time_schema("time", "When: `-1h`, `2026-01-01T12:00:00Z` or a Unix time; now by default"),
            limit_schema("Series at most; 30 by default"),
            max_bytes_schema(),
        ]
    },
    required: &["query"],
    run: |server, arguments| {
        let query = expression(arguments)?;
        let most = most_bytes(arguments)?;
        let limit = arguments.number("limit", 1..=500)?.unwrap_or(DEFAULT_LIMIT) as usize;
        let now = server.now_ms() as f64 / 1000.0;
        let at = moment("time", arguments.text("time")?.unwrap_or("now"), now)?;
        let (data, notes) = match ask(server, "query", &[("query", query), ("time", &at.to_string())])? {
            Said::Refused(text) => return Ok(refused(&text)),
            Said::Data { data, notes } => (data, notes),
        };
        if data.get("resultType").and_then(Value::as_str) == Some("string") {
            let text = data.pointer("/result/1").and_then(Value::as_str).unwrap_or_default();
            return Ok(ToolOutput { text: line(text, 2_000), structured: None, is_error: false });
        }
        let found = read(&data);
        let total = found.len();
        let common = common(&found);
        let mut head = format!("{} of `{}` at {}", counted(total), line(query, 300), shown(at));
        if total == 0 {
            head += "\nno series: there is no such metric or label, or nothing was measured then (`metrics` lists names)";
        }
        if !common.is_empty() {
            let all = Series { labels: common.clone(), samples: Vec::new() };
            head += &format!("\nall have {}", all.name(&std::collections::BTreeMap::new()));
        }
        notes.iter().for_each(|note| head += &format!("\nnote of Prometheus: {note}"));
        let told = found.get(..limit.min(total)).unwrap_or_default();
        let lines: Vec<String> =
            told.iter().map(|one| format!("{} {}", one.name(&common), values(one))).collect();
        let fitted = fit(&head, &lines, total, Keep::First, most, |range| {
            format!(
                "showing {} of {total}: aggregate, use `topk`, or raise `limit` and `max_bytes`",
                range.len()
            )
        });
        let rows: Vec<Value> = told
            .get(fitted.shown)
            .unwrap_or_default()
            .iter()
            .map(|one| {
                let values: Vec<Value> =
                    one.samples.iter().take(60).map(|(at, value)| json!([at, number_json(*value)])).collect();
                json!({ "labels": one.labels_json(), "samples": values })
            })
            .collect();
        let structured =
            json!({ "query": query, "time": at, "total": total, "series": rows, "notes": notes });
        Ok(ToolOutput { text: fitted.text, structured: bounded(&structured), is_error: false })
    },
};

/// The value, or of a range (`up[5m]`) what it comes to.
fn values(series: &Series) -> String {
    match (series.samples.as_slice(), series.summary()) {
        ([(_, value)], _) => number(*value),
        (samples, Some(summary)) => format!(
            "{} samples, last {}, min {}, max {}",
            samples.len(),
            number(summary.last),
            number(summary.least.1),
            number(summary.most.1)
        ),
        (_, None) => "no number".to_owned(),
    }
}
