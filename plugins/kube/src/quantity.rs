//! Amounts of resources, in thousandths of their unit, as `kubectl top` shows them.

pub(crate) use sickbay_plugin::quantity::milli_of as milli;

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

    #[test]
    fn amounts_are_shown_in_two_units() {
        assert_eq!(cpu(250), "250m");
        assert_eq!(memory(134_217_728_000), "128Mi");
        assert_eq!(memory(2_048_000), "2Ki");
        assert_eq!(percent(1, 0), None);
        assert_eq!(percent(50, 200), Some(25));
    }
}
