//! The memory of this process, as the system sees it.

/// Bytes that are resident now; none where the system does not tell.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the system tells it in a file")]
pub fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4_096)
}
