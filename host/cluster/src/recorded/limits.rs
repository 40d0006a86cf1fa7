//! How much of a recording is read at most. A recording is a stranger's file:
//! it may be a bomb, endless, or merely large.

/// Bounds on one recording, all of its files together unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes after decompression.
    pub total_bytes: u64,
    /// Bytes of one file after decompression.
    pub file_bytes: u64,
    pub objects: usize,
    pub files: usize,
    /// Bytes kept of one log, from its end.
    pub log_bytes: usize,
    /// Bytes kept of all logs. Once they are used up, 64 KiB are kept of each.
    pub all_log_bytes: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            total_bytes: 2 << 30,
            file_bytes: 512 << 20,
            objects: 1_000_000,
            files: 200_000,
            log_bytes: 4 << 20,
            all_log_bytes: 256 << 20,
        }
    }
}
