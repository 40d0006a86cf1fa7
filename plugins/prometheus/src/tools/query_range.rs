//! The values of an expression over a while, summed up.

use serde_json::{Value, json};
use sickbay_plugin::{
    text::{Keep, fit, line},
    tool::{Error, ToolOutput},
};

use super::{
    Tool, bounded, expression, limit_schema, max_bytes_schema, most_bytes, query_schema, refused, time_schema,
};
use crate::{
    api::{Said, ask},
    series::{Series, clock, common, counted, number, number_json, read},
    time::{length, moment, shown, span},
};

const DEFAULT_LIMIT: u64 = 20;
/// Samples of one series that are asked for, and at most.
const SAMPLES: f64 = 120.0;
const MOST_SAMPLES: f64 = 5_000.0;
/// Points that are shown of each series where the caller does not say, if there are few series.
const POINTS: u64 = 12;
const FEW: usize = 4;

pub(super) static TOOL: Tool = Tool {
    name: "query_range",
    description: "A PromQL expression over a while: for each series its first, last, smallest (and when), largest (and when) \
                  and mean value, with points in time where there are few series. Use it to see when something began.",
    properties: || {
        vec![
            query_schema("PromQL: `sum(rate(container_cpu_usage_seconds_total{namespace=\"shop\"}[5m]))`"),
            time_schema(
                "start",
                "From when: `-1h`, `2026-01-01T12:00:00Z` or a Unix time; an hour ago by default",
            ),
            time_schema("end", "Until when, in the same forms; now by default"),
            time_schema("step", "Between two samples: `30s`, `5m`; so that there are about 120 by default"),
            (
                "points",
                json!({ "type": "integer", "minimum": 0, "maximum": 60,
                "description": "Points in time to show of each series; 12 where there are at most 4 series, else none" }),
            ),
            limit_schema("Series at most; 20 by default"),
            max_bytes_schema(),
        ]
    },
    required: &["query"],
    run: |server, arguments| {
        let query = expression(arguments)?;
        let most = most_bytes(arguments)?;
        let limit = arguments.number("limit", 1..=500)?.unwrap_or(DEFAULT_LIMIT) as usize;
        let points = arguments.number("points", 0..=60)?;
        let now = server.now_ms() as f64 / 1000.0;
        let end = moment("end", arguments.text("end")?.unwrap_or("now"), now)?;
        let start = match arguments.text("start")? {
            Some(start) => moment("start", start, now)?,
            None => end - 3_600.0,
        };
        if start >= end {
            return Err(Error::invalid_input(format!(
                "`start` ({}) is not before `end` ({})",
                shown(start),
                shown(end)
            )));
        }
        let step = step(arguments.text("step")?, end - start)?;
        let parameters = [
            ("query", query),
            ("start", &start.to_string()),
            ("end", &end.to_string()),
            ("step", &step.to_string()),
        ];
        let (data, notes) = match ask(server, "query_range", &parameters)? {
            Said::Refused(text) => return Ok(refused(&text)),
            Said::Data { data, notes } => (data, notes),
        };
        let found = read(&data);
        let total = found.len();
        let common = common(&found);
        let mut head = format!(
            "{} of `{}` from {} to {}, every {}",
            counted(total),
            line(query, 300),
            shown(start),
            shown(end),
            span(step)
        );
        if total == 0 {
            head += "\nno series: there is no such metric or label, or nothing was measured then (`metrics` lists names)";
        }
        if !common.is_empty() {
            let all = Series { labels: common.clone(), samples: Vec::new() };
            head += &format!("\nall have {}", all.name(&std::collections::BTreeMap::new()));
        }
        notes.iter().for_each(|note| head += &format!("\nnote of Prometheus: {note}"));
        let told = found.get(..limit.min(total)).unwrap_or_default();
        let points = points.unwrap_or(if total <= FEW { POINTS } else { 0 }) as usize;
        let with_day = shown(start).get(..10) != shown(end).get(..10);
        let lines: Vec<String> = told
            .iter()
            .map(|one| {
                format!("{} {}{}", one.name(&common), summary(one, with_day), dots(one, points, with_day))
            })
            .collect();
        let fitted = fit(&head, &lines, total, Keep::First, most, |range| {
            format!(
                "showing {} of {total}: aggregate, use `topk`, or raise `limit` and `max_bytes`",
                range.len()
            )
        });
        let rows: Vec<Value> =
            told.get(fitted.shown).unwrap_or_default().iter().map(|one| row(one, points)).collect();
        let structured = json!({
            "query": query, "start": start, "end": end, "step": step, "total": total, "series": rows, "notes": notes,
        });
        Ok(ToolOutput { text: fitted.text, structured: bounded(&structured), is_error: false })
    },
};

/// The step that is asked for, or one that gives a fair number of samples.
fn step(given: Option<&str>, range: f64) -> Result<f64, Error> {
    let Some(text) = given else { return Ok((range / SAMPLES).ceil().max(1.0)) };
    let step = length(text).filter(|step| *step > 0.0).ok_or_else(|| {
        Error::invalid_input(format!(
            "`step` takes a length of time, such as `30s` or `5m`, and not `{}`",
            line(text, 60)
        ))
    })?;
    if range / step > MOST_SAMPLES {
        return Err(Error::invalid_input(format!(
            "a `step` of {} gives {:.0} samples of each series, and {MOST_SAMPLES} are the most: take a longer one",
            span(step),
            range / step
        )));
    }
    Ok(step)
}

fn summary(series: &Series, with_day: bool) -> String {
    match series.summary() {
        None => "no number".to_owned(),
        Some(sum) => format!(
            "last {}, min {} at {}, max {} at {}, mean {}, first {}, {} samples",
            number(sum.last),
            number(sum.least.1),
            clock(sum.least.0, with_day),
            number(sum.most.1),
            clock(sum.most.0, with_day),
            number(sum.mean),
            number(sum.first),
            series.samples.len()
        ),
    }
}

fn dots(series: &Series, points: usize, with_day: bool) -> String {
    let dots: Vec<String> = series
        .points(points)
        .into_iter()
        .map(|(at, value)| format!("{} {}", clock(at, with_day), number(value)))
        .collect();
    if dots.is_empty() { String::new() } else { format!("\n  {}", dots.join(", ")) }
}

fn row(series: &Series, points: usize) -> Value {
    let points: Vec<Value> =
        series.points(points).into_iter().map(|(at, value)| json!([at, number_json(value)])).collect();
    let mut row =
        json!({ "labels": series.labels_json(), "samples": series.samples.len(), "points": points });
    if let (Some(sum), Some(map)) = (series.summary(), row.as_object_mut()) {
        for (key, value) in [
            ("first", sum.first),
            ("last", sum.last),
            ("min", sum.least.1),
            ("max", sum.most.1),
            ("mean", sum.mean),
        ] {
            map.insert(key.to_owned(), number_json(value));
        }
    }
    row
}
