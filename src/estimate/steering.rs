//! How the local clock was moved against the unsteered counter while exchanges were out.

use std::ops::RangeInclusive;

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
#[derive(Clone, Copy, Debug)]
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

/// What readings, in the counter's order, tell of the local clock.
#[derive(Debug, Default)]
pub(super) struct Steering {
    /// Where the clock may have fallen in the gap between two readings by more than steering explains.
    falls: Vec<Fall>,
    /// Where it was moved, each with the reading before it.
    steps: Vec<(i128, ClockStep)>,
}

#[derive(Debug)]
struct Fall {
    /// The reading before it.
    after: i128,
    /// How far it may have fallen by then, with all before.
    total: i128,
}

impl Steering {
    pub(super) fn of(readings: impl Iterator<Item = Reading>) -> Self {
        let mut found = Self::default();
        let mut before: Option<Reading> = None;
        for reading in readings {
            if let Some(before) = before.replace(reading) {
                found.see(&before, &reading);
            }
        }
        found
    }

    fn see(&mut self, before: &Reading, after: &Reading) {
        let change = after.wall - before.wall;
        let doubt = before.error + after.error;
        let steered = steered(after.at - before.at);
        if change.abs() <= steered + doubt {
            return;
        }
        let step = ClockStep {
            at: after.t1,
            by: TimeDelta::from_nanos(saturate(change)),
        };
        self.steps.push((before.at, step));
        // Steering may have hidden part of a fall, too.
        let by = doubt + steered - change;
        if by > 0 {
            self.falls.push(Fall {
                after: before.at,
                total: self.fallen_in_first(self.falls.len()) + by,
            });
        }
    }

    /// The steps in gaps that begin while the counter reads one of these.
    pub(super) fn steps_in(&self, gaps: RangeInclusive<i128>) -> Vec<ClockStep> {
        let begun = self
            .steps
            .partition_point(|(before, _)| before < gaps.start());
        let those = self.steps.iter().skip(begun);
        those
            .take_while(|(before, _)| before <= gaps.end())
            .map(|(_, step)| *step)
            .collect()
    }

    /// The most the local clock can have fallen behind the counter during an exchange that began when
    /// the counter read `at` and took `elapsed` on the local clock: steering, and every unexplained fall
    /// in a gap between readings that overlaps `window`. The window is longer than `elapsed`,
    /// because a clock that falls hides the time it fell by. Within a gap the clock is taken to step
    /// one way only.
    pub(super) fn largest_fall(&self, at: i128, elapsed: i128, window: i128) -> i128 {
        let until = |end: i128| {
            let begun = self.falls.partition_point(|fall| fall.after < end);
            self.fallen_in_first(begun)
        };
        // Most clocks fall nowhere.
        let fallen = match self.falls.is_empty() {
            true => 0,
            false => until(at + window) - until(at),
        };
        steered(elapsed) + fallen
    }

    /// By the first `count` falls.
    fn fallen_in_first(&self, count: usize) -> i128 {
        let last = count.checked_sub(1).and_then(|last| self.falls.get(last));
        last.map_or(0, |fall| fall.total)
    }
}

/// What steering explains over `elapsed`, rounded up.
fn steered(elapsed: i128) -> i128 {
    // 500 ppm is one part in 2000; + 1 costs less than a nanosecond. Up to 292 years a product of
    // 64 bits is no slower than a shift.
    let elapsed = elapsed.max(0);
    match u64::try_from(elapsed) {
        Ok(elapsed) => i128::from(elapsed / STEERED_IN) + 1,
        Err(_) => elapsed / i128::from(STEERED_IN) + 1,
    }
}

/// The time in which steering moves the clock by one unit.
const STEERED_IN: u64 = 1_000_000_000 / MAX_STEERING.as_ppb().unsigned_abs();

/// Into 64 bits; what does not fit stays as large as can be said.
pub(super) fn saturate(value: i128) -> i64 {
    let limit = if value < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(value).unwrap_or(limit)
}
