//! Amounts of resources as Kubernetes writes them: `250m`, `128Mi`, `1e3`.

use serde_json::Value;

/// The amount in thousandths of its unit. None for what is no quantity.
pub(crate) fn milli(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().map(|number| number * 1e3),
        Value::String(text) => parse(text),
        _ => None,
    }
}

fn parse(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        exponent => {
            let digits = exponent.strip_prefix(['e', 'E'])?;
            let power: i32 = digits.parse().ok()?;
            10f64.powi(power.clamp(-30, 30))
        }
    };
    Some(number * factor * 1e3)
}

/// Whether both are quantities of the same amount, however they are written.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (milli(one), milli(other)) {
        (Some(one), Some(other)) => (one - other).abs() <= one.abs().max(other.abs()) * 1e-12,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_compared_and_not_their_spelling() {
        for (one, other, expect) in [
            (json!("1000m"), json!("1"), true),
            (json!(1), json!("1"), true),
            (json!("1Gi"), json!("1024Mi"), true),
            (json!("1G"), json!("1Gi"), false),
            (json!("1e3"), json!("1k"), true),
            (json!("x"), json!("x"), false),
            (json!(null), json!("0"), false),
        ] {
            assert_eq!(same(&one, &other), expect, "{one} {other}");
        }
    }
}
