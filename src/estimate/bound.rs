//! The interval that must hold the true offset, from all exchanges of a source.
//!
//! One exchange proves `L - e <= offset <= U + e`. Exchanges at different times speak of different
//! offsets, because the local clock is steered; so all are moved to an axis that nobody steers:
//! phi = server - counter changes by at most `drift` times the time between two exchanges. On it
//! every exchange bounds every other, and two sweeps, one forward and one backward, find the
//! tightest interval at each of them in linear time:
//!
//! ```text
//! forward_k = claim_k  intersected with  forward_(k-1) widened by drift * (at_k - at_(k-1))
//! ```
//!
//! An empty intersection contradicts the drift: the server's time moved. It is recorded, and a new
//! segment starts there; nothing is carried over a break.
//!
//! What is assumed, beyond drift: the kernel steers the local clock by at most 500 ppm except where
//! the readings around an exchange show more (see `steering.rs`), and between two readings it steps
//! one way. A step of the local clock during the very last exchange leaves no trace to go by here: such
//! an exchange is rejected when it is made.
//!
//! Inside, an instant is in whole nanoseconds and an interval's end in 10^-9 of them (a part per
//! billion of a nanosecond), both in `i128`, so sweeps are exact and only the result is rounded,
//! outward.

use super::Plan;
use super::steering::{ClockStep, Reading, Steering, saturate};
use crate::sample::{Sample, ServerInfo, SourceRecord};
use crate::time::{Frequency, Interval, TimeDelta, Timestamp};

/// Parts of a nanosecond in which ends are kept: drift in ppb times nanoseconds comes out whole.
const FINE: i128 = 1_000_000_000;

/// An interval that holds the true offset, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundAt {
    /// The server's clock minus the local one, rounded outward.
    pub interval: Interval,
    /// T2 of the exchange it was computed for, on the server's clock. It holds for the moment the
    /// request left, at most one delay earlier.
    pub at: Timestamp,
    /// What it grows by at both ends as it ages, on the counter's axis.
    pub drift: Frequency,
    /// Which exchange, as an index of [`SourceRecord::samples`].
    pub sample: usize,
}

/// A contradiction: from this exchange on, the server's time is not where the ones before allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// T2 of the first exchange after it, on the server's clock.
    pub at: Timestamp,
    /// Which exchange, as an index of [`SourceRecord::samples`].
    pub sample: usize,
}

/// What [`solve`] found for one source.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub last: Option<BoundAt>,
    pub series: Vec<BoundAt>,
    pub breaks: Vec<Break>,
    pub contradictory: u64,
    pub clock_steps: Vec<ClockStep>,
}

/// Two ends in [`FINE`] parts; empty where they are reversed.
#[derive(Clone, Copy)]
struct Ends {
    lower: i128,
    upper: i128,
}

impl Ends {
    fn widen(self, by: i128) -> Self {
        Self {
            lower: self.lower.saturating_sub(by),
            upper: self.upper.saturating_add(by),
        }
    }

    fn shift(self, by: i128) -> Self {
        Self {
            lower: self.lower.saturating_add(by),
            upper: self.upper.saturating_add(by),
        }
    }

    fn intersect(self, other: Self) -> Option<Self> {
        let both = Self {
            lower: self.lower.max(other.lower),
            upper: self.upper.min(other.upper),
        };
        (both.lower <= both.upper).then_some(both)
    }
}

/// What one exchange says.
struct Claim {
    /// Its index in the record.
    sample: usize,
    reading: Reading,
    t2: Timestamp,
    /// About the offset as the request left.
    offset: Ends,
    /// About phi as the counter read `reading.at`.
    phi: Ends,
}

/// The tightest interval at one exchange, by all of its segment.
struct Solved {
    at: i128,
    bound: BoundAt,
}

/// Finds bounds, series and breaks of one source, of all its classes together.
/// No exchange took longer than `timeout`, whatever the local clock says.
pub(super) fn solve(record: &SourceRecord, plan: &Plan, timeout: TimeDelta) -> Bounds {
    let mut bounds = Bounds::default();
    let solved = solve_each(record, plan.drift, timeout, &mut bounds);
    bounds.last = solved.last().map(|s| s.bound);
    bounds.series = series(&solved, plan.series_step);
    bounds
}

/// The interval at each exchange, in the counter's order.
fn solve_each(
    record: &SourceRecord,
    drift: Frequency,
    timeout: TimeDelta,
    bounds: &mut Bounds,
) -> Vec<Solved> {
    let claims = claims(record, drift, timeout, bounds);
    let rate = i128::from(drift.as_ppb().max(0));
    let mut solved = Vec::with_capacity(claims.len());
    let mut rest = claims.as_slice();
    while let Some(first) = rest.first() {
        let forward = sweep(rest.iter(), rate);
        let (segment, after) = rest.split_at(forward.len());
        let mut backward = sweep(segment.iter().rev(), rate);
        backward.reverse();
        for ((claim, f), b) in segment.iter().zip(&forward).zip(&backward) {
            // Where the forward sweep got through, a path through all claims exists, so neither
            // fallback is ever taken.
            let phi = f.intersect(*b).unwrap_or(*f);
            let bound = to_offset(claim, phi, rate, drift);
            solved.extend(bound.map(|bound| Solved {
                at: claim.reading.at,
                bound,
            }));
        }
        if first.sample != claims.first().map_or(first.sample, |c| c.sample) {
            bounds.breaks.push(Break {
                at: first.t2,
                sample: first.sample,
            });
        }
        rest = after;
    }
    solved
}

/// Carries intervals along `claims` until one contradicts those before; never empty-handed.
fn sweep<'a>(claims: impl Iterator<Item = &'a Claim>, rate: i128) -> Vec<Ends> {
    let mut swept: Vec<Ends> = Vec::new();
    let mut before: Option<(i128, Ends)> = None;
    for claim in claims {
        let here = match before {
            None => claim.phi,
            Some((at, ends)) => {
                let elapsed = (claim.reading.at - at).abs();
                match ends
                    .widen(rate.saturating_mul(elapsed))
                    .intersect(claim.phi)
                {
                    Some(both) => both,
                    None => break,
                }
            }
        };
        swept.push(here);
        before = Some((claim.reading.at, here));
    }
    swept
}

fn claims(
    record: &SourceRecord,
    drift: Frequency,
    timeout: TimeDelta,
    bounds: &mut Bounds,
) -> Vec<Claim> {
    // Samples before the server first described itself are not told; the others follow in order.
    let described = record.servers.first().map_or(0, |(from, _)| *from);
    let mut samples: Vec<(usize, Sample, &ServerInfo)> = record
        .samples_with_server()
        .enumerate()
        .map(|(index, (sample, server))| (described + index, sample, server))
        .filter(|(_, sample, _)| sample.mode.proves())
        .collect();
    samples.sort_by_key(|(_, sample, _)| sample.at);
    let readings: Vec<Reading> = samples.iter().map(|(_, s, _)| Reading::of(s)).collect();
    let steering = Steering::of(&readings);
    let rate = i128::from(drift.as_ppb().max(0));
    let claims = samples
        .iter()
        .zip(&readings)
        .enumerate()
        .filter_map(|(place, ((index, sample, server), reading))| {
            let offset = offset_claim(sample, server, rate, |elapsed| {
                let window = elapsed.max(i128::from(timeout.as_nanos()));
                steering.largest_fall(place, elapsed, window)
            });
            let Some(offset) = offset else {
                bounds.contradictory += 1;
                return None;
            };
            let doubt = reading.error * FINE + rate.saturating_mul(reading.error);
            Some(Claim {
                sample: *index,
                reading: *reading,
                t2: sample.exchange.t2(),
                offset,
                phi: offset.shift(reading.wall * FINE).widen(doubt),
            })
        })
        .collect();
    bounds.clock_steps = steering.steps;
    claims
}

/// What an exchange proves of the offset at T1. The upper end is seen at T1 itself. The lower end is
/// seen at T4, and from there back to T1 the server may have drifted and the local clock fallen.
fn offset_claim(
    sample: &Sample,
    server: &ServerInfo,
    rate: i128,
    largest_fall: impl Fn(i128) -> i128,
) -> Option<Ends> {
    let x = &sample.exchange;
    let nanos = |delta: TimeDelta| i128::from(delta.as_nanos());
    let error = nanos(x.error).max(0) + nanos(server.precision_error());
    // T4 - T1 on the local clock.
    let elapsed = (nanos(x.upper) + nanos(x.residence) - nanos(x.lower)).max(0);
    let fall = largest_fall(elapsed);
    let drifted = rate.saturating_mul(elapsed + fall);
    let whole = Ends {
        lower: (nanos(x.lower) - error - fall) * FINE,
        upper: (nanos(x.upper) + error) * FINE,
    };
    let ends = Ends {
        lower: whole.lower.saturating_sub(drifted),
        ..whole
    };
    (ends.lower <= ends.upper).then_some(ends)
}

/// From the unsteered axis back to server - local, as the request of `claim` left.
fn to_offset(claim: &Claim, phi: Ends, rate: i128, drift: Frequency) -> Option<BoundAt> {
    let error = claim.reading.error;
    let doubt = error * FINE + rate.saturating_mul(error);
    let by_others = phi.widen(doubt).shift(-claim.reading.wall * FINE);
    let ends = by_others.intersect(claim.offset).unwrap_or(by_others);
    let lower = ends.lower.div_euclid(FINE);
    let upper = -(-ends.upper).div_euclid(FINE);
    let interval = Interval::new(
        TimeDelta::from_nanos(saturate(lower)),
        TimeDelta::from_nanos(saturate(upper)),
    )?;
    Some(BoundAt {
        interval,
        at: claim.t2,
        drift,
        sample: claim.sample,
    })
}

/// The narrowest of each `step` of the counter, the earlier among equals.
fn series(solved: &[Solved], step: TimeDelta) -> Vec<BoundAt> {
    let step = i128::from(step.as_nanos()).max(1);
    let start = solved.first().map_or(0, |s| s.at);
    solved
        .chunk_by(|a, b| (a.at - start) / step == (b.at - start) / step)
        .filter_map(|slot| slot.iter().min_by_key(|s| s.bound.interval.width()))
        .map(|narrowest| narrowest.bound)
        .collect()
}
