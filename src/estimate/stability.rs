//! [`Stability`]: how the offset moves over every time scale.
//!
//! Of each step of tau0 the exchange counts that leaves the least open, since what is noise here is
//! mostly queueing (packet selection, as ITU-T G.8260 has it for packet timing). Steps without an
//! exchange are missing; nothing is put in their place.

use super::census::is_in;
use super::claims::Claim;
use crate::stats::stability::{Phases, Row, Series, Taus};
use crate::time::TimeDelta;

/// Fewer steps than this say little.
const FEWEST: usize = 16;

/// More steps than this take longer than what they add is worth: the octaves above say the same.
const MOST: i64 = 1 << 17;

/// A step of tau0 has at least one and a half exchanges on average: with fewer, too many are without...
const FEWEST_EXCHANGES: (i64, i64) = (3, 2);
/// ...and eight where a run is long enough for...
const MOST_EXCHANGES: i64 = 8;
/// ...this many steps: of exchanges at random instants three steps in ten thousand are then without.
const STEPS: i64 = 512;

/// The shortest tau0: below it the counter's readings are the noise.
const SHORTEST: i64 = 1_000_000;

/// How stable the server's time is against the counter, path included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stability {
    /// The time from one phase to the next.
    pub tau0: TimeDelta,
    /// Phases, missing ones included.
    pub points: usize,
    /// How many are missing.
    pub missing: usize,
    /// Every statistic, at every averaging time. Phases are in [`UNIT`](Self::UNIT).
    pub rows: Vec<Row>,
}

/// The exchange of one step that leaves the least open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    step: i64,
    width: i64,
    x: i64,
    /// phi in the middle, in half nanoseconds, so that nothing is rounded.
    phase: i64,
}

impl Pick {
    /// Takes up the next exchange of a part of a run.
    pub(super) fn take(picks: &mut Vec<Self>, claim: &Claim, tau0: i64) {
        let seen = &claim.seen;
        let pick = Self {
            step: match picks.last() {
                Some(last) if is_in(claim.x, last.step, tau0) => last.step,
                _ => claim.x.div_euclid(tau0),
            },
            width: seen.upper.saturating_sub(seen.lower),
            x: claim.x,
            phase: seen.upper.saturating_add(seen.lower),
        };
        Self::join(picks, pick);
    }

    /// Adds what follows: of one step one stays, the earlier one among equals.
    pub(super) fn join(picks: &mut Vec<Self>, pick: Self) {
        match picks.last_mut() {
            Some(last) if last.step == pick.step => {
                if pick.width < last.width {
                    *last = pick;
                }
            }
            _ => picks.push(pick),
        }
    }
}

/// tau0 for exchanges that are `spacing` apart, over a run of some length: 1, 2 or 5 times a power of ten.
pub(super) fn tau0(spacing: i64, length: i64) -> i64 {
    let (exchanges, of) = FEWEST_EXCHANGES;
    let fewest = spacing.saturating_mul(exchanges) / of;
    let least = (length / STEPS)
        .min(spacing.saturating_mul(MOST_EXCHANGES))
        .max(fewest)
        .max(length / MOST)
        .max(SHORTEST);
    let mut decade = SHORTEST;
    loop {
        for step in [1, 2, 5] {
            let tau0 = decade.saturating_mul(step);
            if tau0 >= least {
                return tau0;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

impl Stability {
    /// What phases are in: half a nanosecond, in seconds.
    pub const UNIT: f64 = 0.5e-9;

    /// What the picks of a whole run say; `None` if there are too few.
    pub(super) fn of(picks: &[Pick], tau0: i64, taus: &Taus) -> Option<Self> {
        let (first, last) = (picks.first()?, picks.last()?);
        if picks.len() < FEWEST {
            return None;
        }
        let points = usize::try_from(last.step.checked_sub(first.step)?).ok()? + 1;
        let slope = slope(picks);
        let mut rest = picks.iter().peekable();
        let phases: Phases<'_> = (first.step..=last.step)
            .map(|step| {
                let pick = rest.next_if(|pick| pick.step == step)?;
                let middle = step.saturating_mul(tau0).saturating_add(tau0 / 2);
                Some(moved(pick, middle, slope))
            })
            .collect();
        Some(Self {
            tau0: TimeDelta::from_nanos(tau0),
            points,
            missing: points - picks.len(),
            rows: Series::from(phases).table(taus),
        })
    }
}

/// The phase of a pick at an instant near it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a correction by at most one step, to a nanosecond"
)]
fn moved(pick: &Pick, to: i64, slope: f64) -> i64 {
    let by = slope * to.saturating_sub(pick.x) as f64;
    pick.phase.saturating_add(by.round_ties_even() as i64)
}

/// The rate that most of a run agrees on, so that one step does not tilt it: the median over picks an
/// eighth of the run apart. In half nanoseconds each nanosecond.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate, which nanoseconds in a double resolve to parts in 10^9 over a year"
)]
fn slope(picks: &[Pick]) -> f64 {
    let apart = (picks.len() / 8).max(1);
    let later = picks.get(apart..).unwrap_or_default();
    let mut slopes: Vec<f64> = picks
        .iter()
        .zip(later)
        .map(|(one, other)| {
            let run = other.x.saturating_sub(one.x).max(1);
            other.phase.saturating_sub(one.phase) as f64 / run as f64
        })
        .collect();
    let middle = slopes.len() / 2;
    if slopes.is_empty() {
        return 0.0;
    }
    *slopes.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests;
