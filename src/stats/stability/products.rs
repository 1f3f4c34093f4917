//! Squared differences from sums of products, where that is less work.
//!
//! A product of two phases costs two thirds of a squared second difference, and with F_k = sum x_i
//! x_{i+k} and S = sum x_i^2
//!
//! ```text
//! sum (x_{i+m} - x_i)^2             = S' + S'' - 2 F_m
//! sum (x_{i+2m} - 2 x_{i+m} + x_i)^2 = S' + 4 S'' + S''' - 4 (F'_m + F''_m) + 2 F_{2m}
//! ```
//!
//! where a prime stands for a sum that leaves out some terms at its ends. Over octaves F_{2m} serves m
//! and 2m. In doubles the right-hand sides would cancel to nothing; in integers they are exact.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::exact::ExactSum;
use super::lanes::{BLOCK, add_up, blocks};
use super::tiled::tiled;

/// Phases below this have products of which a block adds up to less than 2^64.
const SMALL_RANGE: u64 = 1 << 27;

const _: () = assert!((SMALL_RANGE as u128).pow(2) * BLOCK as u128 <= 1 << 64);

/// The sums of squared differences of an order for each m; `None` where that costs more than taking the
/// differences.
///
/// No phase lies above `range`, which is below 2^31: then no sum comes near 2^128.
pub(super) fn squares(
    data: &[u32],
    range: u64,
    order: usize,
    factors: &[usize],
) -> Option<Vec<ExactSum>> {
    let lags: BTreeSet<usize> = match order {
        1 => factors.iter().copied().collect(),
        2 => factors.iter().flat_map(|m| [*m, 2 * *m]).collect(),
        _ => return None,
    };
    // A product is two thirds of the work of a difference; squares and ends make up another one.
    if 2 * (lags.len() + 1) > 3 * factors.len() {
        return None;
    }
    let n = data.len();
    let mut sums = Products::default();
    for m in factors.iter().copied() {
        for point in [m, 2 * m, n - m, n.saturating_sub(2 * m)] {
            sums.ends.insert(point);
        }
        if order == 2 {
            sums.want(m, 0..m);
            sums.want(m, n - 2 * m..n - m);
        }
    }
    sums.ends.extend([0, n]);
    sums.ends.retain(|end| *end <= n);
    for lag in lags {
        sums.want(lag, 0..n - lag);
    }
    sums.add_up(data, range < SMALL_RANGE);
    let total = |m: &usize| {
        let m = *m;
        let all = |lag: usize| sums.of(lag, 0..n - lag);
        let plus_minus = if order == 1 {
            (sums.squares(0..n - m) + sums.squares(m..n), 2 * all(m))
        } else {
            let inner = 2 * all(m) - sums.of(m, 0..m) - sums.of(m, n - 2 * m..n - m);
            let outer = sums.squares(0..n - 2 * m) + sums.squares(2 * m..n);
            (
                outer + 4 * sums.squares(m..n - m) + 2 * all(2 * m),
                4 * inner,
            )
        };
        ExactSum::from(plus_minus.0 - plus_minus.1)
    };
    Some(factors.iter().map(total).collect())
}

/// Sums of products x_i x_{i+lag} over ranges of i.
#[derive(Default)]
struct Products {
    /// Where each sum that was asked for stands in `sums`.
    places: BTreeMap<(usize, usize, usize), usize>,
    jobs: Vec<(usize, Range<usize>)>,
    sums: Vec<u128>,
    /// The positions between which squares are needed.
    ends: BTreeSet<usize>,
    /// The sum of the squares before each of them.
    before: BTreeMap<usize, u128>,
}

impl Products {
    fn want(&mut self, lag: usize, starts: Range<usize>) {
        let place = self.jobs.len();
        let key = (lag, starts.start, starts.end);
        self.places.entry(key).or_insert_with(|| {
            self.jobs.push((lag, starts));
            place
        });
    }

    fn add_up(&mut self, data: &[u32], small: bool) {
        let ends: Vec<usize> = self.ends.iter().copied().collect();
        let pieces = ends.windows(2).map(|pair| (0, pair[0]..pair[1]));
        let products = self.jobs.len();
        self.jobs.extend(pieces);
        let ranges: Vec<Range<usize>> = self.jobs.iter().map(|job| job.1.clone()).collect();
        let sums = tiled(&ranges, |index, starts| {
            products_of(data, self.jobs[index].0, starts, small)
        });
        let whole = |sum: ExactSum| sum.to_u128().unwrap_or(u128::MAX);
        self.sums = sums.into_iter().map(whole).collect();
        let mut total = 0;
        let mut pieces = self.sums[products..].iter();
        for end in ends {
            self.before.insert(end, total);
            total += pieces.next().copied().unwrap_or(0);
        }
    }

    /// What was asked for with [`want`](Self::want).
    fn of(&self, lag: usize, starts: Range<usize>) -> u128 {
        let place = self.places.get(&(lag, starts.start, starts.end));
        place.map_or(0, |place| self.sums[*place])
    }

    /// The sum of the squares of a range between two of the ends.
    fn squares(&self, range: Range<usize>) -> u128 {
        let before = |end: usize| self.before.get(&end).copied().unwrap_or(0);
        before(range.end) - before(range.start)
    }
}

fn products_of(data: &[u32], lag: usize, starts: Range<usize>, small: bool) -> ExactSum {
    let block = |block: Range<usize>| {
        let pairs = data[block.clone()]
            .iter()
            .zip(&data[block.start + lag..block.end + lag]);
        add_up(pairs.map(|(a, b)| u64::from(*a) * u64::from(*b)), small)
    };
    blocks(starts).map(block).sum()
}
