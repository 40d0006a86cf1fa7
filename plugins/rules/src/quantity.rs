//! Amounts of resources as Kubernetes writes them: `250m`, `128Mi`, `1e3`.

use serde_json::Value;

/// The amount in thousandths of its unit, so that `250m` stays whole. None for
/// what is no quantity.
#[must_use]
pub fn milli(text: &str) -> Option<i128> {
    let text = text.trim();
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

/// The same for a JSON value: manifests may give a number.
#[must_use]
pub fn of(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => milli(text),
        Value::Number(number) => milli(&number.to_string()),
        _ => None,
    }
}

/// An amount of bytes for a person: `512Mi`, `1.5Gi`.
#[must_use]
pub fn bytes(milli: i128) -> String {
    let bytes = milli / 1000;
    for (unit, size) in [("Gi", 1_073_741_824), ("Mi", 1_048_576), ("Ki", 1024)] {
        if bytes >= size {
            let tenths = bytes * 10 / size;
            return if tenths % 10 == 0 {
                format!("{}{unit}", tenths / 10)
            } else {
                format!("{}.{}{unit}", tenths / 10, tenths % 10)
            };
        }
    }
    bytes.to_string()
}

/// An amount of CPU or of counted devices for a person: `250m`, `2`.
#[must_use]
pub fn count(milli: i128) -> String {
    if milli % 1000 == 0 { (milli / 1000).to_string() } else { format!("{milli}m") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_in_every_suffix() {
        for (text, expect) in [
            ("250m", Some(250)),
            ("2", Some(2_000)),
            ("0.5", Some(500)),
            ("128Mi", Some(134_217_728_000)),
            ("1k", Some(1_000_000)),
            ("1e3", Some(1_000_000)),
            ("12E2", Some(1_200_000)),
            ("", None),
            ("lots", None),
            ("1e99", None),
            ("1Zi", None),
        ] {
            assert_eq!(milli(text), expect, "{text}");
        }
        assert_eq!(bytes(134_217_728_000), "128Mi");
        assert_eq!(bytes(1_610_612_736_000), "1.5Gi");
        assert_eq!(count(1500), "1500m");
    }
}
