//! [`Opinions`]: what time daemons and a plain median would make of the same exchanges.

use super::claims::Claim;
use crate::stats::{NSTAGE, Probability, WeightedPoint, median_of, quantile, settled_line};
use crate::time::TimeDelta;

/// Samples that chrony keeps of one source at most (`MAX_SAMPLES` of its sourcestats.c).
const KEPT: usize = 64;

/// By how much the median distance is above the least one where all queueing is of one size, in
/// chrony's weights (`SD_TO_DIST_RATIO` of its sourcestats.c).
const MEDIAN_EXCESS: f64 = 0.7;

/// Offsets by other methods. The first two are what they would say at the last exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opinions {
    /// The clock filter of RFC 5905 section 10: the offset of the least delay among the last eight
    /// exchanges.
    pub clock_filter: Option<TimeDelta>,
    /// A regression like that of chrony: over at most 64 exchanges, weighted by their delay, without
    /// those that are so old that no line fits any more. (It knows the counter, which chrony's own does
    /// not; it leaves out its correction for asymmetric jitter.)
    pub regression: Option<TimeDelta>,
    /// The median of all.
    pub median: Option<TimeDelta>,
}

/// Those of some exchanges, in the counter's order.
pub(super) fn of(claims: &[Claim]) -> Opinions {
    let mut offsets: Vec<i64> = claims.iter().map(|c| offset(c).as_nanos()).collect();
    Opinions {
        clock_filter: clock_filter(claims),
        regression: regression(claims),
        median: median_of(&mut offsets).map(TimeDelta::from_nanos),
    }
}

fn last(claims: &[Claim], most: usize) -> &[Claim] {
    claims
        .get(claims.len().saturating_sub(most)..)
        .unwrap_or(claims)
}

fn delay(claim: &Claim) -> i64 {
    claim.seen.upper - claim.seen.lower
}

fn offset(claim: &Claim) -> TimeDelta {
    let middle =
        TimeDelta::from_nanos(claim.seen.upper).midpoint(TimeDelta::from_nanos(claim.seen.lower));
    claim.offset(middle)
}

fn clock_filter(claims: &[Claim]) -> Option<TimeDelta> {
    // The newest of equal ones.
    let best = last(claims, NSTAGE)
        .iter()
        .rev()
        .min_by_key(|claim| delay(claim))?;
    Some(offset(best))
}

fn regression(claims: &[Claim]) -> Option<TimeDelta> {
    let kept = last(claims, KEPT);
    let newest = kept.last()?;
    let mut distances: Vec<i64> = kept.iter().map(delay).collect();
    distances.sort_unstable();
    let least = precise(*distances.first()?) / 2.0;
    let median = precise(quantile(&distances, Probability::P50)?) / 2.0;
    // Between a nanosecond and the least distance: stamps resolve no less.
    let excess = ((median - least) / MEDIAN_EXCESS).min(least).max(1.0);
    let point = |claim: &Claim| {
        let root = 1.0 + (precise(delay(claim)) / 2.0 - least).max(0.0) / excess;
        let middle = f64::midpoint(precise(claim.seen.upper), precise(claim.seen.lower));
        WeightedPoint {
            x: precise(claim.x - newest.x),
            y: middle - precise(newest.seen.upper),
            weight: 1.0 / (root * root),
        }
    };
    let points: Vec<WeightedPoint> = kept.iter().map(point).collect();
    let (line, _) = settled_line(&points)?;
    let zero = TimeDelta::from_nanos(newest.seen.upper);
    Some(newest.offset(zero) + super::claims::rounded(line.value))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "differences of a window; an estimate is good to the precision of a double"
)]
fn precise(value: i64) -> f64 {
    value as f64
}
