//! What single exchanges prove, on an axis that nobody steers.
//!
//! Exchanges at different times speak of different offsets, because the local clock is steered. So
//! all are moved to the counter's axis: phi = server - counter changes only as fast as two free
//! oscillators (and the server's own steering) run apart, and there every exchange speaks of every
//! other.
//!
//! What is assumed: the kernel steers the local clock by at most 500 ppm except where the readings around
//! an exchange show more (see `steering.rs`), and between two readings it steps one way. A step of the
//! local clock during the very last exchange leaves no trace to go by here: such an exchange is rejected
//! when it is made.

use super::steering::{Reading, Steering, saturate};
use crate::sample::{
    Axis, DisturbanceKind, LocalClock, MAX_STEERING, RunHeader, Sample, ServerInfo,
};
use crate::stats::COORDINATE_LIMIT;
use crate::time::{Frequency, Interval, Monotonic, TimeDelta, Timestamp};

/// No request is waited for longer, whatever a recording says: it decides how far around each exchange the
/// local clock is looked at.
const LONGEST_TIMEOUT: TimeDelta = TimeDelta::from_secs(86_400);

/// Where the axes of one source begin, so that differences stay small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    at: Monotonic,
    /// phi there, in nanoseconds.
    phi: i128,
    axis: Axis,
    /// How fast phi may change while an exchange is out, in parts per billion.
    rate: i128,
    /// No exchange took longer, whatever the local clock says.
    timeout: i128,
}

/// What one exchange proves. Nanoseconds; `x` and everything of phi from the origin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    /// Which exchange, as an index of [`SourceRecord::samples`](crate::sample::SourceRecord::samples).
    pub sample: usize,
    /// The counter at T1.
    pub x: i64,
    /// phi at `x` is at least this...
    pub lower: i64,
    /// ...and at most this.
    pub upper: i64,
    /// U and L without their errors, each where it was seen: what estimates are made of.
    pub seen: Seen,
    /// What the stamps may be off by, the server's and the local ones together.
    pub stamps: TimeDelta,
    /// T2.
    pub t2: Timestamp,
    /// The local clock minus the counter at T1, from the origin's phi.
    wall: i128,
    /// What `wall` may be off by.
    error: i64,
    /// About the offset as the request left.
    offset: Ends,
}

/// U and L on the counter's axis, as they were seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// phi plus the way out, at the claim's `x`.
    pub upper: i64,
    /// phi minus the way back...
    pub lower: i64,
    /// ...at the counter at T4.
    pub lower_x: i64,
}

/// Two ends in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Ends {
    lower: i128,
    upper: i128,
}

impl Origin {
    /// An origin for some samples of a run: the first, unless it is so absurd that the others would be
    /// out of reach; `None` where there are none. `drift` is what is assumed until a rate is measured.
    pub(super) fn among(samples: &[Sample], header: &RunHeader, drift: Frequency) -> Option<Self> {
        let of = |value: fn(&Sample) -> i128| {
            let mut values: Vec<i128> = samples.iter().map(value).collect();
            let first = *values.first()?;
            values.sort_unstable();
            let middle = *values.get(values.len() / 2)?;
            Some(near(middle - first).map_or(middle, |_| first))
        };
        let at = of(|s| s.at.as_nanos().into())?;
        let phi = of(|s| i128::from(s.exchange.t2().as_nanos()) - i128::from(s.at.as_nanos()))?;
        Some(Self {
            at: Monotonic::from_nanos(saturate(at)),
            phi,
            axis: header.axis,
            // While one exchange is out, a generous rate costs a two-thousandth of its delay.
            rate: i128::from(drift.as_ppb().max(MAX_STEERING.as_ppb())),
            timeout: i128::from(
                header
                    .timeout
                    .clamp(TimeDelta::ZERO, LONGEST_TIMEOUT)
                    .as_nanos(),
            ),
        })
    }

    /// In how many slots of this length an exchange is over at the latest.
    pub(super) fn timeout_in(&self, slot: i64) -> i64 {
        saturate(self.timeout / i128::from(slot.max(1))).saturating_add(1)
    }

    /// An instant of the counter on the axis, if it is near enough to be there.
    pub(super) fn x(&self, at: Monotonic) -> Option<i64> {
        near(i128::from(at.as_nanos()) - i128::from(self.at.as_nanos()))
    }

    /// Where a claim stands on both local axes.
    pub(super) fn reading(&self, claim: &Claim) -> Reading {
        let at = i128::from(self.at.as_nanos()) + i128::from(claim.x);
        let wall = claim.wall + self.phi;
        Reading {
            at,
            wall,
            error: claim.error.into(),
            t1: Timestamp::from_nanos(saturate(at + wall)),
        }
    }

    /// From phi, relative to the origin, to server - counter.
    pub(super) fn absolute(&self, phi: i128) -> i128 {
        self.phi + phi
    }

    /// What happened to the counter between two instants of it, as far as the watch knows.
    pub(super) fn disturbance_at(
        &self,
        (from, to): (i64, i64),
        clock: &LocalClock,
    ) -> Option<DisturbanceKind> {
        // A counter that stands still while the host is suspended, or counts by something else.
        const OF_COUNTER: [DisturbanceKind; 2] =
            [DisturbanceKind::Suspend, DisturbanceKind::Clocksource];
        let told = clock.disturbances.iter().find(|found| {
            let error = found.at_error.as_nanos().max(0);
            let near = self
                .x(found.at)
                .is_some_and(|x| from.saturating_sub(error) <= x && x <= to.saturating_add(error));
            near && OF_COUNTER.contains(&found.change.kind())
        });
        told.map(|found| found.change.kind())
    }

    /// The claim of one exchange; `None` where it contradicts itself, or lies beyond all axes.
    pub(super) fn claim(
        &self,
        index: usize,
        sample: &Sample,
        server: &ServerInfo,
        steering: &Steering,
    ) -> Option<Claim> {
        let exchange = &sample.exchange;
        let nanos = |delta: TimeDelta| i128::from(delta.as_nanos());
        let (upper, lower) = (nanos(exchange.upper), nanos(exchange.lower));
        let reading = Reading::of(sample);
        // T4 - T1 on the local clock.
        let elapsed = (upper + nanos(exchange.residence) - lower).max(0);
        let window = elapsed.max(self.timeout);
        let fall = steering.largest_fall(reading.at, elapsed, window);
        let error = nanos(exchange.error).max(0) + nanos(server.precision_error());
        // The upper end is seen at T1 itself. The lower end is seen at T4, and from there back to T1
        // the server may have drifted and the local clock fallen.
        let offset = Ends {
            lower: lower - error - fall - self.drifted(elapsed + fall),
            upper: upper + error,
        };
        if offset.lower > offset.upper {
            return None;
        }
        let wall = reading.wall - self.phi;
        let doubt = self.doubt(reading.error);
        Some(Claim {
            sample: index,
            x: self.x(sample.at)?,
            lower: near(offset.lower + wall - doubt)?,
            upper: near(offset.upper + wall + doubt)?,
            seen: Seen {
                upper: near(upper + wall)?,
                lower: near(lower + wall)?,
                lower_x: near(i128::from(self.x(sample.at)?) + elapsed)?,
            },
            stamps: TimeDelta::from_nanos(saturate(error)),
            t2: exchange.t2(),
            wall,
            error: near(reading.error)?,
            offset,
        })
    }

    /// What phi may change by over `elapsed` while an exchange is out, rounded up.
    fn drifted(&self, elapsed: i128) -> i128 {
        scaled_up(self.rate, elapsed)
    }

    /// What it means for phi that the counter may be off by `error`. Where the local clock is the axis
    /// it is not off against itself: only the instant is in doubt.
    fn doubt(&self, error: i128) -> i128 {
        let of_reading = match self.axis {
            Axis::Counter => error,
            Axis::LocalClock => 0,
        };
        of_reading + scaled_up(self.rate, error)
    }

    /// From bounds of phi at a claim back to server - local, as its request left.
    pub(super) fn offset(&self, claim: &Claim, lower: i128, upper: i128) -> Option<Interval> {
        let doubt = self.doubt(claim.error.into());
        let by_others = Ends {
            lower: lower - claim.wall - doubt,
            upper: upper - claim.wall + doubt,
        };
        let both = Ends {
            lower: by_others.lower.max(claim.offset.lower),
            upper: by_others.upper.min(claim.offset.upper),
        };
        let ends = if both.lower <= both.upper {
            both
        } else {
            by_others
        };
        let nanos = |v| TimeDelta::from_nanos(saturate(v));
        Interval::new(nanos(ends.lower), nanos(ends.upper))
    }
}

impl Claim {
    /// From phi here to server - local.
    pub(super) fn offset(&self, phi: TimeDelta) -> TimeDelta {
        TimeDelta::from_nanos(saturate(-self.wall)) + phi
    }
}

/// A number of nanoseconds to nearest, ties to even.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast of a double to an integer saturates, as differences do"
)]
pub(super) fn rounded(nanos: f64) -> TimeDelta {
    TimeDelta::from_nanos(nanos.round_ties_even() as i64)
}

/// `ppb` parts per billion of `of`, rounded up; both are at least zero.
fn scaled_up(ppb: i128, of: i128) -> i128 {
    // 18 s at the rates that occur, which nearly all are below.
    let product = ppb.saturating_mul(of);
    match u64::try_from(product) {
        Ok(product) => i128::from(product.div_ceil(1_000_000_000)),
        Err(_) => product / 1_000_000_000 + 1,
    }
}

fn near(value: i128) -> Option<i64> {
    let value = i64::try_from(value).ok()?;
    (value.unsigned_abs() <= COORDINATE_LIMIT.unsigned_abs()).then_some(value)
}
