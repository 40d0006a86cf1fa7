//! Amounts of resources as Kubernetes writes them: `250m`, `128Mi`, `1e3`.
//!
//! The arithmetic is exact. What is finer than the unit that is asked for is
//! rounded up, as the API server and `kubectl top` do.

use serde_json::Value;

/// Letters of the longest text that is read.
const LONGEST: usize = 64;
const NANO: i128 = 1_000_000_000;

/// The amount in thousandths of its unit: `250m` is 250, `1Ki` is 1,024,000. None for what is no quantity, or is too
/// large to be one.
#[must_use]
pub fn milli(text: &str) -> Option<i128> {
    nano(text).map(|amount| rounded_up(amount, NANO / 1_000))
}

/// The same of a JSON value: manifests may give a number.
#[must_use]
pub fn milli_of(value: &Value) -> Option<i128> {
    nano_of(value).map(|amount| rounded_up(amount, NANO / 1_000))
}

fn nano_of(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => nano(text),
        Value::Number(number) => nano(&number.to_string()),
        _ => None,
    }
}

/// The amount in thousandths of a millionth of its unit, the finest that Kubernetes keeps.
#[must_use]
pub fn nano(text: &str) -> Option<i128> {
    if text.len() > LONGEST {
        return None;
    }
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    // Parsing refuses a second point.
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    let places = i32::try_from(part.len()).ok()?;
    let (base, power) = factor(suffix)?;
    let amount = digits.checked_mul(base)?;
    let power = power - places + 9;
    let ten = |power: i32| 10_i128.checked_pow(u32::try_from(power).ok()?);
    let amount = if power >= 0 {
        if amount == 0 { 0 } else { amount.checked_mul(ten(power)?)? }
    } else {
        // So small that it is one of the smallest there are, unless it is none.
        ten(-power).map_or(i128::from(amount != 0), |divisor| rounded_up(amount, divisor))
    };
    Some(if is_negative { -amount } else { amount })
}

/// Whether both are quantities of the same amount, however they are written.
#[must_use]
pub fn is_same(one: &Value, other: &Value) -> bool {
    matches!((nano_of(one), nano_of(other)), (Some(one), Some(other)) if one == other)
}

/// What the digits are multiplied by, and the power of ten beside it.
fn factor(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            (1, (-30..=30).contains(&power).then_some(power)?)
        }
    })
}

fn rounded_up(amount: i128, unit: i128) -> i128 {
    amount.div_euclid(unit) + i128::from(amount.rem_euclid(unit) != 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_in_every_suffix() {
        for (text, expect) in [
            ("250m", Some(250)),
            ("2", Some(2_000)),
            ("0.5", Some(500)),
            (".5", Some(500)),
            ("5.", Some(5_000)),
            ("-1", Some(-1_000)),
            ("+1", Some(1_000)),
            ("1n", Some(1)),
            ("12345678n", Some(13)),
            ("1000u", Some(1)),
            ("1Ki", Some(1_024_000)),
            ("1.5k", Some(1_500_000)),
            ("128Mi", Some(134_217_728_000)),
            ("1.5Gi", Some(1_610_612_736_000)),
            ("8Ei", Some(9_223_372_036_854_775_808_000)),
            ("1k", Some(1_000_000)),
            ("1e3", Some(1_000_000)),
            ("12E2", Some(1_200_000)),
            ("1e-3", Some(1)),
            ("1e-30", Some(1)),
            ("0e30", Some(0)),
            ("0.00000000000000000000000000000000000001", Some(1)),
            ("", None),
            ("m", None),
            (".", None),
            ("lots", None),
            ("1 Gi", None),
            ("1.2.3", None),
            ("1e", None),
            ("1e99", None),
            ("9e30", None),
            ("1e400e", None),
            ("1Zi", None),
            ("--1", None),
            ("99999999999999999999999999999999999999Ei", None),
        ] {
            assert_eq!(milli(text), expect, "{text}");
        }
        assert_eq!(milli(&"1".repeat(LONGEST + 1)), None);
        assert_eq!(milli_of(&json!(2)), Some(2_000));
        assert_eq!(milli_of(&json!(0.25)), Some(250));
        assert_eq!(milli_of(&json!([1])), None);
    }

    #[test]
    fn amounts_are_compared_and_not_their_spelling() {
        for (one, other, expect) in [
            (json!("1000m"), json!("1"), true),
            (json!(1), json!("1"), true),
            (json!("1Gi"), json!("1024Mi"), true),
            (json!("1G"), json!("1Gi"), false),
            (json!("1e3"), json!("1k"), true),
            (json!("1n"), json!("2n"), false),
            (json!("x"), json!("x"), false),
            (json!(null), json!("0"), false),
        ] {
            assert_eq!(is_same(&one, &other), expect, "{one} {other}");
        }
    }
}
