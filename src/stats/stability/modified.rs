//! [`mdev`], [`tdev`]: deviations of phases averaged over tau, which tell white from flicker phase noise.

use super::differences::{BATCH, Job, sums};
use super::lanes::{LONG_TERM, Lane, SHORT_TERM, levelled_range, low_half};
use super::phases::Phases;
use super::point::Point;
use super::{Statistic, Tally, count, single};

/// The modified Allan deviation at tau = m tau0 (NIST SP 1065, eq. 14):
///
/// ```text
/// Mod sigma_y^2(tau) = 1 / (2 m^2 (N-3m+1) tau^2)
///                      * sum_{j=0}^{N-3m} ( sum_{i=j}^{j+m-1} (x_{i+2m} - 2 x_{i+m} + x_i) )^2
/// ```
///
/// A term counts if all of its 3m points are there. `None` if the series is too short for m.
pub fn mdev(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::Mdev, m)
}

/// The time deviation at tau = m tau0 (NIST SP 1065, eq. 15; ITU-T G.810, appendix II), in the unit of
/// the phases: tau / sqrt(3) times [`mdev`]. For white phase noise it is the standard deviation of the
/// mean of m phases. `None` if the series is too short for m.
///
/// ```
/// use clockfit::stats::stability::{Phases, tdev};
/// // Annex 8.E of NBS Monograph 140, whose time deviation SP 1065 gives as 86.35831.
/// let phases = Phases::from_frequencies(&[892, 809, 823, 798, 671, 644, 883, 903, 677])?;
/// let deviation = tdev(&phases, 2).and_then(|point| point.deviation(1.0)).unwrap();
/// assert_eq!(format!("{deviation:.5}"), "86.35831");
/// # Ok::<(), clockfit::stats::stability::PhaseOverflow>(())
/// ```
pub fn tdev(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::Tdev, m)
}

/// The squared sums of m second differences. Such a sum is a third difference, at lag m, of the sums P
/// of all phases before a position,
///
/// ```text
/// P_{j+3m} - 3 P_{j+2m} + 3 P_{j+m} - P_j
/// ```
///
/// and these may wrap: a third difference that fits is right modulo 2^32 or 2^64 as well. So P is kept
/// in the fewest bits that hold the terms of an m.
pub(super) fn tallies(phases: &Phases<'_>, factors: &[usize]) -> Vec<Tally> {
    let Some(last) = factors.last() else {
        return Vec::new();
    };
    let gain = |m: usize| 2 * u128::from(count(m));
    let range = levelled_range(phases, gain(*last));
    let largest = |m: usize| range.saturating_mul(gain(m));
    // Factors are ascending, and so are the terms.
    let short = factors.partition_point(|m| largest(*m) < SHORT_TERM);
    let long = factors.partition_point(|m| largest(*m) < LONG_TERM);
    let values = || phases.values().iter().copied();
    let mut tallies = Vec::with_capacity(factors.len());
    let mut extend = |some: Vec<Tally>| tallies.extend(some);
    if short > 0 {
        let before = before(values().map(low_half), u32::wrapping_add);
        extend(in_lanes(&before, phases, &factors[..short], largest));
    }
    if long > short {
        let before = before(values(), i64::wrapping_add);
        extend(in_lanes(&before, phases, &factors[short..long], largest));
    }
    if factors.len() > long {
        let before = before(values().map(i128::from), i128::wrapping_add);
        extend(in_lanes(&before, phases, &factors[long..], largest));
    }
    tallies
}

/// The sums of all values before each position, and of all.
fn before<T: Copy + Default>(values: impl Iterator<Item = T>, add: impl Fn(T, T) -> T) -> Vec<T> {
    let mut sums = Vec::with_capacity(values.size_hint().0 + 1);
    let mut sum = T::default();
    sums.push(sum);
    sums.extend(values.map(|value| {
        sum = add(sum, value);
        sum
    }));
    sums
}

fn in_lanes<T: Lane>(
    before: &[T],
    phases: &Phases<'_>,
    factors: &[usize],
    largest: impl Fn(usize) -> u128,
) -> Vec<Tally> {
    let job = |m: &usize| Job {
        lag: *m,
        starts: before.len() - 3 * m,
        valid: phases.mask().map(|mask| mask.windows(3 * m)),
        largest: largest(*m),
    };
    factors
        .chunks(BATCH)
        .flat_map(|batch| {
            let jobs: Vec<Job> = batch.iter().map(job).collect();
            sums(before, 3, &jobs)
        })
        .collect()
}
