//! Many times the same thing: the middle, the slow tail, the count.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// One figure, in the unit that its name says.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Figure {
    pub name: String,
    pub unit: &'static str,
    pub p50: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    pub count: usize,
    /// What it should be at most, where the project says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aim: Option<f64>,
}

impl Figure {
    /// A figure that was measured once.
    pub(crate) fn once(name: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { name: name.into(), unit, p50: value, p99: None, count: 1, aim: None }
    }

    /// From durations, in microseconds or milliseconds.
    pub(crate) fn of(name: impl Into<String>, unit: &'static str, mut times: Vec<Duration>) -> Self {
        times.sort();
        let value = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "an index below the length"
            )]
            let index = ((times.len() as f64 - 1.0) * share) as usize;
            let seconds = times.get(index).map_or(0.0, Duration::as_secs_f64);
            if unit == "us" { seconds * 1e6 } else { seconds * 1e3 }
        };
        Self {
            name: name.into(),
            unit,
            p50: value(0.5),
            p99: Some(value(0.99)),
            count: times.len(),
            aim: None,
        }
    }

    #[must_use]
    pub(crate) fn aim(mut self, aim: f64) -> Self {
        self.aim = Some(aim);
        self
    }
}

/// Times `count` runs after a tenth as many that do not count.
pub(crate) async fn times<F, R>(count: usize, mut run: F) -> Vec<Duration>
where
    F: FnMut(usize) -> R,
    R: Future<Output = ()>,
{
    for index in 0..count.div_ceil(10) {
        run(index).await;
    }
    let mut times = Vec::with_capacity(count);
    for index in 0..count {
        let started = Instant::now();
        run(index).await;
        times.push(started.elapsed());
    }
    times
}
