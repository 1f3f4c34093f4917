//! [`mtie`]: the maximum time interval error.
//!
//! Short windows are made of shorter ones by doubling, within tiles that stay in the cache (`short`).
//! Of long windows the extremes of whole blocks say which could hold the largest range at all, and
//! only those are looked at ([`long`]).

mod height;
mod long;
mod pairs;
mod short;

use std::ops::Range;

use super::lanes::extremes;
use super::mask::Mask;
use super::phases::Phases;
use super::point::Point;
use super::{Statistic, count, single};
use height::{Height, LARGEST_SHORT};
use pairs::Both;

/// The maximum time interval error over tau = m tau0 (ITU-T G.810, appendix II), in the unit of the
/// phases: the largest range of the phases within any window of m+1 points, which spans m tau0.
///
/// ```text
/// MTIE(tau) = max_{k=0}^{N-1-m} ( max_{i=k}^{k+m} x_i - min_{i=k}^{k+m} x_i )
/// ```
///
/// Where points are missing it is the largest range of those that are there: a lower bound, which is
/// as good as the share of windows that are whole ([`Point::coverage`]). `None` if the series is too
/// short for m.
///
/// ```
/// use clockfit::stats::stability::{Phases, mtie};
/// let peak = |phases: &Phases<'_>| mtie(phases, 2).and_then(|point| point.deviation(1.0));
/// let phases = Phases::from(&[0, 3, 9, 1, 2, 2][..]);
/// assert_eq!(peak(&phases), Some(9.0));
/// assert_eq!(peak(&phases.with_gap(2..3)), Some(3.0));
/// ```
pub fn mtie(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::Mtie, m)
}

/// How many windows are whole, and the largest range in any, for ascending factors: `None` if no
/// window holds two points.
pub(super) fn peaks(phases: &Phases<'_>, factors: &[usize]) -> Vec<(u64, Option<u64>)> {
    let runs = phases.runs();
    let whole = |m: usize| {
        let windows = runs.iter().map(|run| run.len().saturating_sub(m));
        windows.map(count).sum()
    };
    let Some((lowest, highest)) = extremes(phases) else {
        return factors.iter().map(|m| (whole(*m), None)).collect();
    };
    let ranges = if highest.abs_diff(lowest) <= LARGEST_SHORT {
        ranges::<f32>(phases, lowest, factors)
    } else {
        ranges::<u64>(phases, lowest, factors)
    };
    let step = smallest_step(&runs);
    let peak = |(m, range): (&usize, u64)| (whole(*m), (step <= *m).then_some(range));
    factors.iter().zip(ranges).map(peak).collect()
}

/// The largest range in any window, for each factor.
fn ranges<T: Height>(phases: &Phases<'_>, lowest: i64, factors: &[usize]) -> Vec<u64> {
    let heights = T::above(phases.values(), lowest);
    let gaps = phases.mask().map(|mask| without_missing(&heights, mask));
    let points = match &gaps {
        None => Both {
            high: &heights,
            low: &heights,
        },
        Some((high, low)) => Both { high, low },
    };
    let short = factors.partition_point(|m| *m < long::FROM);
    let (short, long) = factors.split_at(short);
    let mut ranges = short::ranges(points, short);
    ranges.extend(long::ranges(points, long));
    ranges
}

fn without_missing<T: Height>(heights: &[T], mask: &Mask) -> (Vec<T>, Vec<T>) {
    let mut high = vec![T::LOWEST; heights.len()];
    let mut low = vec![T::HIGHEST; heights.len()];
    for run in mask.runs(0..heights.len()) {
        high[run.clone()].copy_from_slice(&heights[run.clone()]);
        low[run.clone()].copy_from_slice(&heights[run]);
    }
    (high, low)
}

/// The least distance between two points that are there, which are in these runs.
fn smallest_step(runs: &[Range<usize>]) -> usize {
    if runs.iter().any(|run| run.len() > 1) {
        return 1;
    }
    let steps = runs.windows(2).map(|pair| pair[1].start - pair[0].start);
    steps.min().unwrap_or(usize::MAX)
}
