//! The rate limits of one profile: two token buckets over a clock that is
//! handed in. Counts are whole numbers, so that no rounding ever adds up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{settings::RateLimits, timer::Timer};

/// Milliseconds that a bucket takes to fill. A level is kept in parts of this size.
const MINUTE: i128 = 60_000;

/// What is left of a minute's allowance. Full at first; a debt is paid by waiting.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_minute: i128,
    level: i128,
    at_ms: i128,
}

impl Bucket {
    fn new(per_minute: u64, now: Duration) -> Self {
        let per_minute = i128::from(per_minute.max(1));
        Self { per_minute, level: per_minute * MINUTE, at_ms: ms(now) }
    }

    fn refill(&mut self, now: Duration) {
        let passed = (ms(now) - self.at_ms).max(0);
        self.at_ms += passed;
        self.level = (self.level + passed * self.per_minute).min(self.per_minute * MINUTE);
    }

    /// How long until that many can be taken. One that wants more than a whole minute's waits for a full bucket.
    fn wait(&self, wanted: u64) -> Duration {
        let needed = i128::from(wanted).min(self.per_minute) * MINUTE;
        let missing = (needed - self.level).max(0);
        let ms = (missing + self.per_minute - 1) / self.per_minute;
        Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
    }

    fn take(&mut self, amount: i128) {
        self.level -= amount * MINUTE;
    }
}

fn ms(time: Duration) -> i128 {
    i128::try_from(time.as_millis()).unwrap_or(i128::MAX / 2)
}

pub(crate) struct Limiter {
    timer: Arc<dyn Timer>,
    buckets: Mutex<(Option<Bucket>, Option<Bucket>)>,
    /// Whoever waits is served in the order of coming.
    queue: tokio::sync::Mutex<()>,
    unlimited: bool,
}

impl Limiter {
    pub(crate) fn new(rates: RateLimits, timer: Arc<dyn Timer>) -> Self {
        let now = timer.now();
        let requests = rates.requests_per_minute.map(|count| Bucket::new(u64::from(count), now));
        let tokens = rates.tokens_per_minute.map(|count| Bucket::new(count, now));
        let unlimited = requests.is_none() && tokens.is_none();
        Self {
            timer,
            buckets: Mutex::new((requests, tokens)),
            queue: tokio::sync::Mutex::default(),
            unlimited,
        }
    }

    /// Takes one request and about that many tokens, once they are there. The
    /// error is a wait that would be longer than `longest`. Dropping the future
    /// gives the place in the queue away and takes nothing.
    pub(crate) async fn take(&self, tokens: u64, longest: Duration) -> Result<(), Duration> {
        if self.unlimited {
            return Ok(());
        }
        let until = self.timer.now().saturating_add(longest);
        let _place = self.queue.lock().await;
        loop {
            let now = self.timer.now();
            let wait = self.try_take(tokens, now);
            if wait.is_zero() {
                return Ok(());
            }
            if now.saturating_add(wait) > until {
                return Err(wait);
            }
            self.timer.sleep(wait).await;
        }
    }

    fn try_take(&self, tokens: u64, now: Duration) -> Duration {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (requests, spent) = &mut *buckets;
        let mut wait = Duration::ZERO;
        for (bucket, wanted) in [(requests.as_mut(), 1), (spent.as_mut(), tokens)] {
            if let Some(bucket) = bucket {
                bucket.refill(now);
                wait = wait.max(bucket.wait(wanted));
            }
        }
        if wait.is_zero() {
            if let Some(bucket) = requests {
                bucket.take(1);
            }
            if let Some(bucket) = spent {
                bucket.take(i128::from(tokens));
            }
        }
        wait
    }

    /// Puts the count that was right in place of the one that was guessed.
    pub(crate) fn correct(&self, guessed: u64, counted: u64) {
        if self.unlimited {
            return;
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = &mut buckets.1 {
            bucket.refill(self.timer.now());
            bucket.take(i128::from(counted) - i128::from(guessed));
            bucket.refill(self.timer.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::timer::FakeTimer;

    fn limiter(requests: Option<u32>, tokens: Option<u64>) -> (Limiter, Arc<FakeTimer>) {
        let timer = Arc::new(FakeTimer::new());
        let rates = RateLimits { requests_per_minute: requests, tokens_per_minute: tokens };
        (Limiter::new(rates, Arc::clone(&timer) as Arc<dyn Timer>), timer)
    }

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn a_minutes_requests_go_at_once_and_the_next_one_waits_its_share() {
        let (limiter, timer) = limiter(Some(3), None);
        for _ in 0..5 {
            limiter.take(1_000_000, LONG).await.unwrap();
        }
        assert_eq!(timer.waits(), [Duration::from_secs(20), Duration::from_secs(20)]);
        timer.advance(Duration::from_secs(600));
        for _ in 0..3 {
            limiter.take(0, LONG).await.unwrap();
        }
        assert_eq!(timer.waits().len(), 2);
    }

    #[tokio::test]
    async fn tokens_are_corrected_once_they_are_counted() {
        let (limiter, timer) = limiter(None, Some(600));
        limiter.take(600, LONG).await.unwrap();
        limiter.correct(600, 100);
        limiter.take(500, LONG).await.unwrap();
        assert_eq!(timer.waits(), []);
        // Twice as much as was guessed: a debt.
        limiter.correct(500, 800);
        limiter.take(10, LONG).await.unwrap();
        assert_eq!(timer.waits(), [Duration::from_secs(31)]);
        // More than a minute ever gives waits for a full minute, not for ever.
        limiter.take(10_000, LONG).await.unwrap();
        assert_eq!(timer.waits()[1], Duration::from_secs(60));
    }

    #[tokio::test]
    async fn a_wait_that_would_be_too_long_is_refused_at_once() {
        let (limiter, timer) = limiter(Some(1), None);
        limiter.take(0, LONG).await.unwrap();
        assert_eq!(limiter.take(0, Duration::from_secs(59)).await, Err(Duration::from_secs(60)));
        assert_eq!(timer.waits(), []);
        limiter.take(0, Duration::from_secs(60)).await.unwrap();
    }

    proptest! {
        #[test]
        fn no_window_gets_more_than_two_minutes_worth(
            per_minute in 1_u64..1_000, steps in prop::collection::vec((0_u64..50, 0_u64..5_000), 1..100),
        ) {
            let mut bucket = Bucket::new(per_minute, Duration::ZERO);
            let (mut now, mut taken) = (Duration::ZERO, 0);
            for (wanted, passed) in steps {
                now += Duration::from_millis(passed);
                bucket.refill(now);
                if bucket.wait(wanted).is_zero() && wanted <= per_minute {
                    bucket.take(i128::from(wanted));
                    taken += wanted;
                }
                let allowed = u128::from(per_minute) * (60_000 + now.as_millis()) / 60_000;
                prop_assert!(u128::from(taken) <= allowed);
            }
        }
    }
}
