//! Amounts of resources, in thousandths of their unit, in words.

pub use sickbay_plugin::quantity::{milli, milli_of as of};

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
    fn amounts_are_said_in_the_largest_unit_that_fits() {
        assert_eq!(bytes(134_217_728_000), "128Mi");
        assert_eq!(bytes(1_610_612_736_000), "1.5Gi");
        assert_eq!(count(1500), "1500m");
        assert_eq!(count(2000), "2");
    }
}
