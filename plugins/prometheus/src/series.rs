//! Series as Prometheus gives them, and what is told of each. Values of any
//! shape are read without a panic; what is no number is left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sickbay_plugin::text::line;

use crate::time;

/// Labels of one series that are shown.
const MOST_LABELS: usize = 20;

/// One series: its labels and its samples, by time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    pub labels: BTreeMap<String, String>,
    /// Seconds since 1970, and the value.
    pub samples: Vec<(f64, f64)>,
}

/// The series of a result of any type.
pub(crate) fn read(data: &Value) -> Vec<Series> {
    let result = data.get("result").unwrap_or(&Value::Null);
    match data.get("resultType").and_then(Value::as_str) {
        Some("scalar") => {
            sample(result).map(|one| Series { samples: vec![one], ..Series::default() }).into_iter().collect()
        }
        _ => result.as_array().into_iter().flatten().map(one).collect(),
    }
}

fn one(value: &Value) -> Series {
    let labels = value
        .get("metric")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((line(name, 120), line(value.as_str()?, 253))))
        .collect();
    let samples = match (value.get("value"), value.get("values").and_then(Value::as_array)) {
        (Some(single), _) => sample(single).into_iter().collect(),
        (None, Some(many)) => many.iter().filter_map(sample).collect(),
        // A native histogram has no one value; its count and sum are.
        (None, None) => value.get("histogram").and_then(histogram).into_iter().collect(),
    };
    Series { labels, samples }
}

fn sample(value: &Value) -> Option<(f64, f64)> {
    let pair = value.as_array()?;
    let number = pair.get(1)?;
    let number = number.as_str().map_or_else(|| number.as_f64(), parse)?;
    Some((pair.first()?.as_f64()?, number))
}

fn histogram(value: &Value) -> Option<(f64, f64)> {
    let pair = value.as_array()?;
    Some((pair.first()?.as_f64()?, parse(pair.get(1)?.get("count")?.as_str()?)?))
}

/// `1.5`, `NaN`, `+Inf`.
fn parse(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// What a range of samples comes to.
pub(crate) struct Summary {
    pub first: f64,
    pub last: f64,
    pub least: (f64, f64),
    pub most: (f64, f64),
    pub mean: f64,
}

impl Series {
    /// None where there are no numbers: a `NaN` is none.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let numbers: Vec<(f64, f64)> =
            self.samples.iter().copied().filter(|(_, value)| !value.is_nan()).collect();
        let (first, last) = (numbers.first()?, numbers.last()?);
        let by_value = |one: &&(f64, f64), other: &&(f64, f64)| one.1.total_cmp(&other.1);
        Some(Summary {
            first: first.1,
            last: last.1,
            least: *numbers.iter().min_by(by_value)?,
            most: *numbers.iter().max_by(by_value)?,
            mean: numbers.iter().map(|(_, value)| value / numbers.len() as f64).sum(),
        })
    }

    /// At most so many samples, evenly over the range, the last among them.
    pub(crate) fn points(&self, most: usize) -> Vec<(f64, f64)> {
        let all = self.samples.len();
        if all <= most || most == 0 {
            return if most == 0 { Vec::new() } else { self.samples.clone() };
        }
        (1..=most)
            .filter_map(|number| self.samples.get((number * all).div_ceil(most).saturating_sub(1)))
            .copied()
            .collect()
    }

    /// `up{job="api"}` without the labels that all have.
    pub(crate) fn name(&self, common: &BTreeMap<String, String>) -> String {
        let own: Vec<(&String, &String)> = self
            .labels
            .iter()
            .filter(|(name, _)| *name != "__name__" && !common.contains_key(*name))
            .collect();
        let shown: Vec<String> =
            own.iter().take(MOST_LABELS).map(|(name, value)| format!("{name}={value:?}")).collect();
        let more = if own.len() > MOST_LABELS { ",…" } else { "" };
        let name = self.labels.get("__name__").filter(|_| !common.contains_key("__name__"));
        format!("{}{{{}{more}}}", name.map_or("", String::as_str), shown.join(","))
    }

    pub(crate) fn labels_json(&self) -> Value {
        let map: Map<String, Value> =
            self.labels.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
        Value::Object(map)
    }
}

/// The labels that all of several series have, which need to be said once.
pub(crate) fn common(series: &[Series]) -> BTreeMap<String, String> {
    let [first, rest @ ..] = series else { return BTreeMap::new() };
    if rest.is_empty() {
        return BTreeMap::new();
    }
    let in_all =
        |(name, value): &(&String, &String)| rest.iter().all(|one| one.labels.get(*name) == Some(*value));
    first.labels.iter().filter(in_all).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// `1 series`, `2 series`: the word is its own plural.
pub(crate) fn counted(total: usize) -> String {
    format!("{total} series")
}

/// A number with six digits that count, and without an exponent where it is of everyday size.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
        .to_owned();
    }
    if value == value.trunc() && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let size = value.abs();
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.5e}");
    }
    let digits = (5 - size.log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number for programs: JSON has no `NaN`.
pub(crate) fn number_json(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::String(number(value)) }
}

/// `12:05:00Z`, or with its day where the range is longer than one.
pub(crate) fn clock(seconds: f64, with_day: bool) -> String {
    let text = time::shown(seconds);
    if with_day { text } else { text.get(11..).unwrap_or_default().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, expect) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (0.123_456_789, "0.123457"),
            (123_456.789, "123457"),
            (12_345_678.9, "12345679"),
            (2_147_483_648.0, "2147483648"),
            (0.000_012_34, "1.23400e-5"),
            (1e20, "1.00000e20"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(number(value), expect);
        }
    }

    #[test]
    fn a_range_is_summed_up_without_what_is_no_number() {
        let data = json!({"resultType": "matrix", "result": [
            {"metric": {"pod": "a", "ns": "x"}, "values": [[1, "2"], [2, "NaN"], [3, "8"], [4, "5"], "odd", [5]]},
            {"metric": {"pod": "b", "ns": "x"}, "values": []},
            {"metric": 7}, null,
        ]});
        let series = read(&data);
        assert_eq!(series.len(), 4);
        let summary = series[0].summary().unwrap();
        assert_eq!(
            (summary.first, summary.last, summary.least, summary.most, summary.mean),
            (2.0, 5.0, (1.0, 2.0), (3.0, 8.0), 5.0)
        );
        assert!(series[1].summary().is_none());
        let common = common(&series[..2]);
        assert_eq!(series[0].name(&common), "{pod=\"a\"}");
        assert_eq!(read(&json!({"resultType": "scalar", "result": [1, "7"]}))[0].samples, [(1.0, 7.0)]);
        assert_eq!(read(&Value::Null), []);
    }

    #[test]
    fn points_are_spread_and_end_with_the_last() {
        let series =
            Series { samples: (0..100).map(|at| (f64::from(at), 0.0)).collect(), ..Series::default() };
        let times: Vec<f64> = series.points(4).into_iter().map(|(at, _)| at).collect();
        assert_eq!(times, [24.0, 49.0, 74.0, 99.0]);
        assert_eq!(series.points(1_000).len(), 100);
        assert!(series.points(0).is_empty());
    }
}
