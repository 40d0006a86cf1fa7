//! When a request is sent again. Pure: the same seed gives the same waits.

use std::time::Duration;

use crate::{error::Failed, settings::RetrySettings};

/// What is done about an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same model, after that time.
    Again(Duration),
    /// Another model, if there is one.
    Elsewhere,
    /// Nobody could do better.
    Over,
}

/// `retry` counts the retries of this model that were made already.
pub(crate) fn decide(settings: &RetrySettings, failed: &Failed, retry: u32, seed: u64) -> Verdict {
    // What was shown can not be taken back, and saying it twice would be worse than failing.
    if failed.streamed {
        return Verdict::Over;
    }
    if failed.is_passing() && retry < settings.retries {
        match failed.error.retry_after_ms.map(Duration::from_millis) {
            Some(advice) if advice <= settings.longest_advice => return Verdict::Again(advice),
            Some(_) => {}
            None => return Verdict::Again(wait(settings, retry, seed)),
        }
    }
    if failed.is_elsewhere_better() { Verdict::Elsewhere } else { Verdict::Over }
}

/// 0.5 s, 1 s, 2 s and so on, less up to a quarter, so that many who failed at
/// once do not come back at once.
fn wait(settings: &RetrySettings, retry: u32, seed: u64) -> Duration {
    let full = settings.first_wait.saturating_mul(2_u32.saturating_pow(retry)).min(settings.longest_wait);
    full - full.mul_f64(0.25 * fraction(seed, retry))
}

/// From 0 to 1, by the seed and the number of the retry (splitmix64).
fn fraction(seed: u64, retry: u32) -> f64 {
    let mut word = seed.wrapping_add(u64::from(retry).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^= word >> 31;
    #[expect(clippy::cast_precision_loss, reason = "32 bits are exact in a double")]
    let fraction = (word >> 32) as f64 / f64::from(u32::MAX);
    fraction
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sickbay_core::error::{CallError, ErrorKind};

    use super::*;
    use crate::error::Trouble;

    fn failed(trouble: Trouble, kind: ErrorKind) -> Failed {
        Failed::new(trouble, CallError::new(kind, "", ""))
    }

    fn advised(ms: u64) -> Failed {
        let mut failed = failed(Trouble::Provider, ErrorKind::RateLimited);
        failed.error.retry_after_ms = Some(ms);
        failed
    }

    #[test]
    fn what_passes_is_tried_again_and_the_rest_is_not() {
        use ErrorKind::*;
        for (failed, retry, expect) in [
            (failed(Trouble::Provider, Unavailable), 0, "again"),
            (failed(Trouble::Provider, RateLimited), 1, "again"),
            (failed(Trouble::Provider, Conflict), 1, "again"),
            (failed(Trouble::Network, Timeout), 0, "again"),
            (failed(Trouble::Truncated, Unavailable), 0, "again"),
            (failed(Trouble::Provider, Unavailable), 2, "elsewhere"),
            (failed(Trouble::Provider, RateLimited), 2, "elsewhere"),
            (failed(Trouble::Provider, NotFound), 0, "elsewhere"),
            (failed(Trouble::NotAnAnswer, Unavailable), 0, "elsewhere"),
            (advised(60_000), 0, "again"),
            (advised(60_001), 0, "elsewhere"),
            (failed(Trouble::Provider, Unauthorized), 0, "over"),
            (failed(Trouble::Provider, Limit), 0, "over"),
            (failed(Trouble::Provider, InvalidInput), 0, "over"),
            (failed(Trouble::ContextLength, ContextLength), 0, "over"),
            (failed(Trouble::Plugin, Internal), 0, "over"),
            (failed(Trouble::Network, Denied), 0, "over"),
            (failed(Trouble::TooLarge, Limit), 0, "over"),
            (failed(Trouble::Cancelled, Internal), 0, "over"),
            (Failed { streamed: true, ..failed(Trouble::Network, Unavailable) }, 0, "over"),
        ] {
            let found = match decide(&RetrySettings::default(), &failed, retry, 7) {
                Verdict::Again(_) => "again",
                Verdict::Elsewhere => "elsewhere",
                Verdict::Over => "over",
            };
            assert_eq!(found, expect, "{failed:?} after {retry}");
        }
        assert_eq!(
            decide(&RetrySettings::default(), &advised(1_500), 0, 7),
            Verdict::Again(Duration::from_millis(1_500))
        );
    }

    proptest! {
        #[test]
        fn waits_double_up_to_the_longest_less_a_quarter(retry in 0_u32..40, seed: u64) {
            let full = Duration::from_millis(500 * 2_u64.pow(retry.min(4))).min(Duration::from_secs(8));
            let found = wait(&RetrySettings::default(), retry, seed);
            prop_assert!(found <= full && found >= full.mul_f64(0.75), "{found:?} of {full:?}");
            prop_assert_eq!(found, wait(&RetrySettings::default(), retry, seed));
        }
    }
}
