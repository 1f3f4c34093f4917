//! How the local clock was moved against the unsteered counter while exchanges were out.

use crate::sample::{MAX_STEERING, Sample};
use crate::time::{TimeDelta, Timestamp};

/// The local clock moved against the counter by more than [`MAX_STEERING`] explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// The local clock at the first exchange after it.
    pub at: Timestamp,
    /// How far, positive forward.
    pub by: TimeDelta,
}

/// Where one exchange stands on both local axes, in nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    /// The counter at T1.
    pub at: i128,
    /// The local clock minus the counter, at T1.
    pub wall: i128,
    /// What `wall` may be off by.
    pub error: i128,
    pub t1: Timestamp,
}

impl Reading {
    pub(super) fn of(sample: &Sample) -> Self {
        let at = i128::from(sample.at.as_nanos());
        Self {
            at,
            wall: i128::from(sample.exchange.t1.as_nanos()) - at,
            error: i128::from(sample.at_error.as_nanos()).max(0),
            t1: sample.exchange.t1,
        }
    }
}

/// What the readings of one source, in the counter's order, tell of the local clock.
pub(super) struct Steering {
    at: Vec<i128>,
    /// Running sum of the drops: `dropped[k]` is how far the clock may have fallen in the gaps
    /// before reading k that steering does not explain.
    dropped: Vec<i128>,
    pub steps: Vec<ClockStep>,
}

impl Steering {
    pub(super) fn of(readings: &[Reading]) -> Self {
        let mut dropped = vec![0];
        let mut steps = Vec::new();
        let mut total = 0i128;
        for pair in readings.windows(2) {
            let [before, after] = pair else { continue };
            let change = after.wall - before.wall;
            let doubt = before.error + after.error;
            let steered = steered(after.at - before.at);
            if change.abs() > steered + doubt {
                // Steering may have hidden part of a fall, too.
                total += (doubt + steered - change).max(0);
                steps.push(ClockStep {
                    at: after.t1,
                    by: TimeDelta::from_nanos(saturate(change)),
                });
            }
            dropped.push(total);
        }
        Self {
            at: readings.iter().map(|r| r.at).collect(),
            dropped,
            steps,
        }
    }

    /// The most the local clock can have fallen behind the counter during an exchange that began at
    /// reading `index` and took `elapsed` on the local clock: steering, and every unexplained drop
    /// in a gap between readings that overlaps `window`. The window is longer than `elapsed`,
    /// because a clock that falls hides the time it fell by. Within a gap the clock is taken to step one
    /// way only.
    pub(super) fn largest_fall(&self, index: usize, elapsed: i128, window: i128) -> i128 {
        let end = self.at.get(index).map_or(0, |at| at + window);
        let next = self.at.partition_point(|at| *at < end).max(index + 1);
        let last = next.min(self.dropped.len().saturating_sub(1));
        let dropped = |k: usize| self.dropped.get(k).copied().unwrap_or(0);
        steered(elapsed) + dropped(last) - dropped(index)
    }
}

/// What steering explains over `elapsed`, rounded up.
fn steered(elapsed: i128) -> i128 {
    let product = elapsed.max(0) * i128::from(MAX_STEERING.as_ppb());
    // Rounded up: + 1 costs less than a nanosecond.
    product / 1_000_000_000 + 1
}

/// Into 64 bits; what does not fit stays as large as can be said.
pub(super) fn saturate(value: i128) -> i64 {
    let limit = if value < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(value).unwrap_or(limit)
}
