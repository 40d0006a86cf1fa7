//! Amounts of resources, in thousandths, and back into words.

use serde_json::Value;

const UNITS: [(&str, i128); 12] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
];

/// Thousandths of the amount that a text such as `250m`, `1.5Gi` or `2` says.
pub(crate) fn milli(text: &str) -> Option<i128> {
    let text = text.trim();
    if let Some(number) = text.strip_suffix('m') {
        return decimal(number, 1);
    }
    for (unit, factor) in UNITS {
        if let Some(number) = text.strip_suffix(unit) {
            return decimal(number, factor.checked_mul(1_000)?);
        }
    }
    decimal(text, 1_000)
}

/// The same of a JSON number or text.
pub(crate) fn of(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => milli(text),
        Value::Number(number) => milli(&number.to_string()),
        _ => None,
    }
}

fn decimal(number: &str, factor: i128) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.len() > 9 || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(factor)?;
    if !part.is_empty() {
        let digits = u32::try_from(part.len()).ok()?;
        let part: u64 = part.parse().ok()?;
        total = total.checked_add(i128::from(part).checked_mul(factor)? / 10_i128.pow(digits))?;
    }
    Some(total)
}

/// Thousandths as Kubernetes would write them: memory in its largest exact
/// binary unit, the rest in whole numbers or thousandths.
pub(crate) fn show(resource: &str, milli: i128) -> String {
    if milli % 1_000 != 0 {
        return format!("{milli}m");
    }
    let whole = milli / 1_000;
    if (resource.contains("memory") || resource.contains("storage")) && whole != 0 {
        for (unit, factor) in [("Ti", 1_i128 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
            if whole % factor == 0 {
                return format!("{}{unit}", whole / factor);
            }
        }
    }
    whole.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        for (text, milli_expected, shown) in [
            ("250m", 250, "250m"),
            ("2", 2_000, "2"),
            ("1.5", 1_500, "1500m"),
            ("64Mi", 67_108_864_000, "64Mi"),
            ("1.5Gi", 1_610_612_736_000, "1536Mi"),
            ("100M", 100_000_000_000, "100000000"),
        ] {
            assert_eq!(milli(text), Some(milli_expected), "{text}");
            let resource = if text.ends_with('i') { "memory" } else { "cpu" };
            assert_eq!(show(resource, milli_expected), shown);
        }
        for wrong in ["", ".", "x", "1x", "1.2.3", "99999999999999999999999999999999999999Ei"] {
            assert_eq!(milli(wrong), None, "{wrong}");
        }
    }
}
