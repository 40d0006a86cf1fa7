//! Amounts as Kubernetes writes them, as far as they have to be compared.

/// The amount in thousandths: `500m` is 500, `1Gi` is 1,073,741,824,000. None
/// for what is none.
#[must_use]
pub fn milli(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.len() > 40 {
        return None;
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number: f64 = number.parse().ok()?;
    let factor = match unit {
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
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Pi" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number * factor * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::milli;

    #[test]
    fn amounts_are_read_as_kubernetes_does() {
        for (text, expect) in [
            ("500m", Some(500.0)),
            ("2", Some(2_000.0)),
            ("1Ki", Some(1_024_000.0)),
            ("1.5k", Some(1_500_000.0)),
        ] {
            assert_eq!(milli(text), expect, "{text}");
        }
        for none in ["", "lots", "-1", "1 Gi", "1e400e", "."] {
            assert_eq!(milli(none), None, "{none}");
        }
    }
}
