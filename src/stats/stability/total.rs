//! [`totdev`]: the total deviation, which gets more out of long taus.

use std::ops::Range;

use super::differences;
use super::exact::ExactSum;
use super::lanes::{Lane, Lanes, Series, blocks};
use super::phases::Phases;
use super::point::Point;
use super::tiled::tiled;
use super::{Statistic, Tally, single};

/// How much larger a term may be than the range of the phases: 2 x_0 - x_k lies one range beyond them
/// on either side, and so may both outer points of a second difference.
const GAIN: u128 = 4;

/// The total deviation at tau = m tau0 (NIST SP 1065, eq. 25): the series goes on beyond both ends, as
/// its own mirror image through the end point, x*_{-k} = 2 x_0 - x_k and x*_{N-1+k} = 2 x_{N-1} -
/// x_{N-1-k}, so that there are N-2 terms for every m < N:
///
/// ```text
/// Tot sigma_y^2(tau) = 1 / (2 (N-2) tau^2) * sum_{i=1}^{N-2} (x*_{i+m} - 2 x*_i + x*_{i-m})^2
/// ```
///
/// Where points are missing at the ends, the series begins and ends with those that are there. `None`
/// if it is too short for m. For flicker and random walk FM it is biased low at long taus (SP 1065,
/// section 5.2.11); that is not corrected, for it depends on the kind of noise.
///
/// ```
/// use clockfit::stats::stability::{Phases, totdev};
/// // Annex 8.E of NBS Monograph 140, whose total deviation SP 1065 gives as 93.90379.
/// let phases = Phases::from_frequencies(&[892, 809, 823, 798, 671, 644, 883, 903, 677])?;
/// let deviation = totdev(&phases, 2).and_then(|point| point.deviation(1.0)).unwrap();
/// assert_eq!(format!("{deviation:.5}"), "93.90379");
/// # Ok::<(), clockfit::stats::stability::PhaseOverflow>(())
/// ```
pub fn totdev(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::Totdev, m)
}

/// The terms of phases of which the first and the last are there.
pub(super) fn tallies(phases: &Phases<'_>, factors: &[usize]) -> Vec<Tally> {
    let series = Series::new(phases, GAIN, true);
    let n = phases.len();
    let inner: Vec<usize> = factors.iter().copied().filter(|m| 2 * m < n).collect();
    let mut inner = differences::in_series(&series, phases, 2, &inner).into_iter();
    let ends = match &series.lanes {
        Lanes::Short(data) => mirrored(data, &series, phases, factors),
        Lanes::Long(data) => mirrored(data, &series, phases, factors),
        Lanes::Wide(data) => mirrored(data, &series, phases, factors),
    };
    let whole = |ends: Tally| {
        // Ascending factors: those whose terms can do without a mirror come first.
        let inner = inner.next().unwrap_or_default();
        Tally {
            terms: ends.terms + inner.terms,
            sum: ends.sum + inner.sum,
        }
    };
    ends.into_iter().map(whole).collect()
}

/// The terms that reach beyond an end, for each m.
fn mirrored<T: Lane>(
    data: &[T],
    series: &Series<'_>,
    phases: &Phases<'_>,
    factors: &[usize],
) -> Vec<Tally> {
    let n = data.len();
    let jobs: Vec<(Reach, Range<usize>)> = factors.iter().flat_map(|m| Reach::of(n, *m)).collect();
    let ranges: Vec<Range<usize>> = jobs.iter().map(|(_, centres)| centres.clone()).collect();
    let valid = |reach: &Reach, centre: usize| {
        let there = |index: usize| phases.mask().is_none_or(|mask| mask.get(index));
        there(centre) && reach.points(n, centre).into_iter().all(there)
    };
    let sums = tiled(&ranges, |index, centres| {
        let reach = &jobs[index].0;
        if phases.mask().is_none() {
            return reach.squares(data, centres, series.largest);
        }
        let centres = centres.filter(|centre| valid(reach, *centre));
        let square = |centre: usize| reach.squares(data, centre..centre + 1, series.largest);
        centres.map(square).sum()
    });
    let terms = |(reach, centres): &(Reach, Range<usize>)| match phases.mask() {
        None => super::count(centres.len()),
        Some(_) => {
            let valid = centres.clone().filter(|centre| valid(reach, *centre));
            super::count(valid.count())
        }
    };
    let tallies: Vec<Tally> = jobs
        .iter()
        .zip(sums)
        .map(|(job, sum)| Tally {
            terms: terms(job),
            sum,
        })
        .collect();
    let add = |one: Tally, other: &Tally| Tally {
        terms: one.terms + other.terms,
        sum: one.sum + other.sum,
    };
    let each = tallies.chunks(Reach::KINDS);
    each.map(|kinds| kinds.iter().fold(Tally::default(), add))
        .collect()
}

/// Terms of which an outer point is beyond an end, or both are.
struct Reach {
    m: usize,
    left: bool,
    right: bool,
}

impl Reach {
    const KINDS: usize = 3;

    /// The kinds of terms there are for an m, each with the centres i of its terms.
    fn of(n: usize, m: usize) -> [(Self, Range<usize>); Self::KINDS] {
        // From here on i-m is in the series, and i+m no more.
        let (left, right) = (m.min(n - 1), n - m);
        let reach = |left, right| Self { m, left, right };
        [
            (reach(true, false), 1..left.min(right)),
            (reach(true, true), right.max(1)..left),
            (reach(false, true), left.max(right)..n - 1),
        ]
    }

    /// The points a term is made of, beside its centre.
    fn points(&self, n: usize, centre: usize) -> [usize; 4] {
        let m = self.m;
        let [first, left] = match self.left {
            true => [0, m - centre],
            false => [centre - m; 2],
        };
        let [last, right] = match self.right {
            true => [n - 1, 2 * (n - 1) - m - centre],
            false => [centre + m; 2],
        };
        [first, left, right, last]
    }

    /// The sum of the squared terms with these centres.
    fn squares<T: Lane>(&self, data: &[T], centres: Range<usize>, largest: u128) -> ExactSum {
        blocks(centres)
            .map(|centres| self.block(data, centres, largest))
            .sum()
    }

    fn block<T: Lane>(&self, data: &[T], centres: Range<usize>, largest: u128) -> ExactSum {
        let (n, m) = (data.len(), self.m);
        let (from, to) = (centres.start, centres.end);
        let mirror = 2 * (n - 1) - m;
        let centre = &data[centres];
        // 2 x_0 - x_{m-i}, less 2 x_i, plus the other side.
        let term = |turn: T, image: T, centre: T, other: T| {
            turn.minus(centre).twice().minus(image.minus(other))
        };
        match (self.left, self.right) {
            (true, false) => {
                let images = data[m + 1 - to..m + 1 - from].iter().rev();
                let points = centre.iter().zip(images).zip(&data[from + m..to + m]);
                let terms = points.map(|((c, image), other)| term(data[0], *image, *c, *other));
                T::squares(terms, largest)
            }
            (false, true) => {
                let images = data[mirror + 1 - to..mirror + 1 - from].iter().rev();
                let points = centre.iter().zip(images).zip(&data[from - m..to - m]);
                let terms = points.map(|((c, image), other)| term(data[n - 1], *image, *c, *other));
                T::squares(terms, largest)
            }
            _ => {
                let left = data[m + 1 - to..m + 1 - from].iter().rev();
                let right = data[mirror + 1 - to..mirror + 1 - from].iter().rev();
                let points = centre.iter().zip(left).zip(right);
                let (first, last) = (data[0], data[n - 1]);
                let terms = points.map(|((c, left), right)| {
                    let turns = first.minus(*c).minus(c.minus(last));
                    turns.minus(left.minus(first)).minus(right.minus(last))
                });
                T::squares(terms, largest)
            }
        }
    }
}
