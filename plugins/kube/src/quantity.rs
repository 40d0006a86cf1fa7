//! Amounts of resources as Kubernetes writes them: `250m`, `128Mi`, `1e3`.

use serde_json::Value;

/// The amount in thousandths of its unit, so that `250m` stays whole. None for what is no quantity.
pub(crate) fn milli(value: &Value) -> Option<i128> {
    let owned;
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Number(number) => {
            owned = number.to_string();
            &owned
        }
        _ => return None,
    };
    let split =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let factor: f64 = match suffix {
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
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            if !(-18..=18).contains(&power) {
                return None;
            }
            10_f64.powi(power)
        }
    };
    let amount = number * factor * 1000.0;
    (amount.is_finite() && amount.abs() < 1e30).then_some(amount.round() as i128)
}

/// CPU as `kubectl top` writes it: `250m`.
pub(crate) fn cpu(milli: i128) -> String {
    format!("{milli}m")
}

/// Memory as `kubectl top` writes it: `512Mi`.
pub(crate) fn memory(milli: i128) -> String {
    let bytes = milli / 1000;
    if bytes < 1_048_576 { format!("{}Ki", bytes / 1024) } else { format!("{}Mi", bytes / 1_048_576) }
}

/// What part one amount is of another, as a percentage.
pub(crate) fn percent(part: i128, whole: i128) -> Option<i128> {
    (whole > 0).then(|| part.saturating_mul(100) / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_in_every_suffix() {
        for (value, expect) in [
            (json!("250m"), Some(250)),
            (json!(2), Some(2_000)),
            (json!("128Mi"), Some(134_217_728_000)),
            (json!("12345678n"), Some(12)),
            (json!("1e3"), Some(1_000_000)),
            (json!(""), None),
            (json!("lots"), None),
            (json!("1e99"), None),
            (json!([1]), None),
        ] {
            assert_eq!(milli(&value), expect, "{value}");
        }
        assert_eq!(memory(134_217_728_000), "128Mi");
        assert_eq!(memory(2_048_000), "2Ki");
        assert_eq!(percent(1, 0), None);
        assert_eq!(percent(50, 200), Some(25));
    }
}
