//! Two samples: by how much one lies above the other, with intervals that assume nothing about how they are
//! distributed, but that their members are independent of each other.

use std::cmp::Ordering;

use super::quantile::{at_rank, len, order_interval_leaving};
use super::stability::gamma::{self, chi_square};
use super::{Probability, rank};

/// Parts of a ratio: a shift of 50 000 of them is 5 % more.
const PARTS: f64 = 1e6;

/// What a ratio that went through logarithms is off, at most, as a share of it: two logarithms of at most 44 (of
/// 2^63), each off by half a unit in its 53rd binary digit, and their difference, are off by 10^-14 together.
const NOISE: f64 = 1e-13;

/// How many members each sample needs before it is said that they scatter otherwise: of two samples of ten that
/// scatter alike this is said of one pair in a hundred, of five and five of one in eight.
const SCATTER_NEEDS: usize = 10;

/// How many times as widely one has to scatter for that. Up to about here intervals miss no more often than they
/// may by much, if both samples have as many members.
const WIDER: f64 = 3.0;

/// What each end of an interval may miss the truth with: the probability that all of the interval lies on one
/// side of it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Tail(f64);

impl Tail {
    /// Of two-sided intervals of which `among` hold the truth, all at once, with this confidence (Bonferroni:
    /// each misses with its share of what all may miss with). `None` for a confidence of 0 or 1, which no
    /// interval has, and for none at all.
    ///
    /// ```
    /// use clockfit::stats::{Probability, Tail, least_in_each};
    /// let one = Tail::shared(Probability::P95, 1).unwrap();
    /// let six = Tail::shared(Probability::P95, 6).unwrap();
    /// assert_eq!((least_in_each(one), least_in_each(six)), (4, 5));
    /// ```
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody makes 2^53 comparisons at once"
    )]
    pub fn shared(confidence: Probability, among: u64) -> Option<Self> {
        let missed = f64::from(confidence.complement().parts());
        let tail = missed / f64::from(Probability::WHOLE) / 2.0 / among as f64;
        (tail > 0.0 && tail < 0.5).then_some(Self(tail))
    }

    fn halved(self) -> Self {
        Self(self.0 / 2.0)
    }
}

/// How two samples are held against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// By their difference, in the unit of the values.
    Difference,
    /// By their ratio less one, in parts per million: 50 000 is 5 % more. Values are at least 1, the finest
    /// that they are given in: what is smaller is taken for 1, for nothing is a multiple of nothing.
    Ratio,
}

impl Scale {
    /// Where a value stands on an axis on which shifts are differences.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53, and beyond 104 days in nanoseconds one does not matter"
    )]
    fn position(self, value: i64) -> f64 {
        match self {
            Self::Difference => value as f64,
            Self::Ratio => (value.max(1) as f64).ln(),
        }
    }

    /// A shift on that axis as a number, rounded by `round`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole already, and saturates as durations do"
    )]
    fn number(self, shift: f64, round: fn(f64) -> f64) -> i64 {
        let number = match self {
            Self::Difference => return round(shift) as i64,
            Self::Ratio => shift.exp_m1() * PARTS,
        };
        // 1050 of 1000 are 50 000 parts more, and not a hair's breadth beside them.
        let whole = number.round_ties_even();
        let is_whole = (number - whole).abs() <= NOISE * (number + PARTS);
        (if is_whole { whole } else { round(number) }) as i64
    }

    fn shift(self, estimate: f64, interval: Option<(f64, f64)>) -> Shift {
        Shift {
            estimate: self.number(estimate, f64::round_ties_even),
            interval: interval.map(|(lower, upper)| {
                (
                    self.number(lower, f64::floor),
                    self.number(upper, f64::ceil),
                )
            }),
        }
    }
}

/// By how much the second of two samples lies above the first, in the unit of a [`Scale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The best estimate.
    pub estimate: i64,
    /// What holds the truth (lower, upper), rounded outward; `None` where there are too few members for one.
    pub interval: Option<(i64, i64)>,
}

/// The shift of Hodges and Lehmann: the median of the differences of every member of `new` and every one of
/// `base`; with the interval that belongs to the test of Mann and Whitney (Hollander, Wolfe and Chicken,
/// "Nonparametric Statistical Methods", 3rd edition, sections 4.2 and 4.3): from the C-th smallest of these
/// differences to the C-th largest. It holds the truth whatever the distribution is, if `new` differs from
/// `base` by a shift alone; ties only make it hold more often, since both ends belong to it. `None` where a
/// sample is empty.
///
/// ```
/// use clockfit::stats::{Probability, Scale, Tail, hodges_lehmann};
/// let tail = Tail::shared(Probability::P95, 1).unwrap();
/// let shift = hodges_lehmann(&[10, 11, 12, 13], &[21, 22, 23, 24], Scale::Difference, tail).unwrap();
/// assert_eq!((shift.estimate, shift.interval), (11, Some((8, 14))));
/// ```
pub fn hodges_lehmann(base: &[i64], new: &[i64], scale: Scale, tail: Tail) -> Option<Shift> {
    if base.is_empty() || new.is_empty() {
        return None;
    }
    let pairs = Pairs::new(base, new, scale);
    let all = pairs.count();
    let estimate = pairs.at(all.div_ceil(2)).midpoint(pairs.at(all / 2 + 1));
    let interval = interval_rank(len(base), len(new), tail)
        .map(|rank| (pairs.at(rank), pairs.at(all + 1 - rank)));
    Some(scale.shift(estimate, interval))
}

/// By how much the `q`-quantile of what `new` was drawn from lies above that of `base`. The interval goes from
/// the lower end of one to the upper end of the other, each by order statistics with half of the tail, so it
/// assumes nothing about either distribution, not even that they have one shape. `None` where a sample is
/// empty.
pub fn quantile_shift(
    base: &[i64],
    new: &[i64],
    q: Probability,
    (scale, tail): (Scale, Tail),
) -> Option<Shift> {
    let sorted = |values: &[i64]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        sorted
    };
    let (base, new) = (sorted(base), sorted(new));
    let at = |sorted: &[i64], rank| at_rank(sorted, rank).map(|value| scale.position(value));
    let ends = |sorted: &[i64]| {
        let n = len(sorted);
        let ranks = order_interval_leaving(n, q, tail.halved().0);
        Some((at(sorted, ranks.lower)?, at(sorted, ranks.upper)?))
    };
    let estimate = at(&new, rank(len(&new), q))? - at(&base, rank(len(&base), q))?;
    let interval = ends(&base).zip(ends(&new));
    let interval = interval.map(|(base, new)| (new.0 - base.1, new.1 - base.0));
    Some(scale.shift(estimate, interval))
}

/// How much the median of what `new` was drawn from lies above that of `base` at least, if nothing is assumed of
/// how they scatter: the lower end of [`quantile_shift`]; of too few members for one, the lowest of `new` above the
/// highest of `base`, which is all they can show. `None` where a sample is empty.
///
/// ```
/// use clockfit::stats::{Probability, Scale, Tail, least_shift};
/// let tail = Tail::shared(Probability::P95, 1).unwrap();
/// assert_eq!(least_shift(&[10, 11, 12], &[21, 22, 23], (Scale::Difference, tail)), Some(9));
/// ```
pub fn least_shift(base: &[i64], new: &[i64], (scale, tail): (Scale, Tail)) -> Option<i64> {
    let by_order = quantile_shift(base, new, Probability::P50, (scale, tail))?;
    let (least, most) = (*new.iter().min()?, *base.iter().max()?);
    let apart = scale.position(least) - scale.position(most);
    Some(match by_order.interval {
        Some((lower, _)) => lower,
        None => scale.number(apart, f64::floor),
    })
}

/// Whether `new` scatters clearly wider than `base` (`Greater`), or less wide (`Less`). `None` where a sample has too
/// few members to say so.
///
/// ```
/// use std::cmp::Ordering;
/// use clockfit::stats::{Scale, scatter};
/// let base: Vec<i64> = (100..110).collect();
/// let new: Vec<i64> = (0..10).map(|i| 100 + 10 * i).collect();
/// assert_eq!(scatter(&base, &new, Scale::Difference), Some(Ordering::Greater));
/// assert_eq!(scatter(&base[1..], &new, Scale::Difference), None);
/// ```
pub fn scatter(base: &[i64], new: &[i64], scale: Scale) -> Option<Ordering> {
    if base.len().min(new.len()) < SCATTER_NEEDS {
        return None;
    }
    let (of_base, of_new) = (width(base, scale), width(new, scale));
    Some(if of_new > WIDER * of_base {
        Ordering::Greater
    } else if of_base > WIDER * of_new {
        Ordering::Less
    } else {
        Ordering::Equal
    })
}

/// How far members are from their median, on average, without the furthest tenth: one strange run is no scatter.
#[expect(clippy::cast_precision_loss, reason = "a count of members")]
fn width(values: &[i64], scale: Scale) -> f64 {
    let mut sorted: Vec<f64> = values.iter().map(|&v| scale.position(v)).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = |place: usize| sorted.get(place).copied().unwrap_or_default();
    let n = sorted.len();
    let median = middle(n.saturating_sub(1) / 2).midpoint(middle(n / 2));
    let mut far: Vec<f64> = sorted.iter().map(|at| (at - median).abs()).collect();
    far.sort_unstable_by(f64::total_cmp);
    let kept = n - n.div_ceil(10);
    far.iter().take(kept).sum::<f64>() / kept.max(1) as f64
}

/// How many members each of two samples must have at least for [`hodges_lehmann`] to have an interval.
pub fn least_in_each(tail: Tail) -> u64 {
    // One in C(2n, n), which grows by a factor of 2 (2n - 1) / n: tails are above 10^-308.
    let mut n = 1_u32;
    let mut one_in = 2.0;
    while one_in * tail.0 < 1.0 {
        n += 1;
        one_in *= 2.0 * f64::from(2 * n - 1) / f64::from(n);
    }
    u64::from(n)
}

/// How many members each of two samples must have at least for [`quantile_shift`] to have an interval; `None`
/// for q = 0 or 1, which no number settles.
pub fn least_for_quantile(q: Probability, tail: Tail) -> Option<u64> {
    let rarer = f64::from(q.max(q.complement()).parts()) / f64::from(Probability::WHOLE);
    if rarer >= 1.0 {
        return None;
    }
    let mut n = 1;
    let mut power = rarer;
    while power > tail.halved().0 {
        power *= rarer;
        n += 1;
    }
    Some(n)
}

/// The differences of every two members of two samples, in ascending order, none of which is kept.
struct Pairs {
    base: Vec<f64>,
    new: Vec<f64>,
}

impl Pairs {
    fn new(base: &[i64], new: &[i64], scale: Scale) -> Self {
        let sorted = |values: &[i64]| {
            let mut sorted: Vec<f64> = values.iter().map(|&v| scale.position(v)).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted
        };
        Self {
            base: sorted(base),
            new: sorted(new),
        }
    }

    fn count(&self) -> u64 {
        len(&self.base).saturating_mul(len(&self.new))
    }

    /// The one of 1-based `rank`. The order of doubles is that of integers, in which the place is found by
    /// halving: 64 passes through both samples, and no memory, where all pairs of many runs were many.
    fn at(&self, rank: u64) -> f64 {
        let least = self.new.first().zip(self.base.last());
        let most = self.new.last().zip(self.base.first());
        let key = |ends: Option<(&f64, &f64)>| ends.map_or(0, |(new, base)| ordered(new - base));
        let (mut low, mut high) = (key(least), key(most));
        while low < high {
            let middle = low.midpoint(high);
            if self.not_above(unordered(middle)) >= rank {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        // Minus zero is below zero in that order, and nothing else.
        unordered(low) + 0.0
    }

    /// How many differences are not above `limit`.
    fn not_above(&self, limit: f64) -> u64 {
        let mut of_new = self.new.iter().peekable();
        let (mut passed, mut total) = (0, 0_u64);
        for base in &self.base {
            while of_new.next_if(|&new| new - base <= limit).is_some() {
                passed += 1;
            }
            total = total.saturating_add(passed);
        }
        total
    }
}

/// Integers in the order of doubles (IEEE 754, totalOrder).
fn ordered(x: f64) -> u64 {
    let bits = x.to_bits();
    let sign = 1 << 63;
    if bits & sign == 0 { bits | sign } else { !bits }
}

fn unordered(key: u64) -> f64 {
    let sign = 1 << 63;
    f64::from_bits(if key & sign == 0 { !key } else { key ^ sign })
}

/// The rank C of the lower end among the n m differences: the largest with P(U < C) at most the tail, where U
/// is the statistic of Mann and Whitney of two samples that do not differ. `None` where there is none.
///
/// Exact as long as the ways to split n + m members can be counted in 128 bits, which they can up to 60 and 60,
/// or 10 and 10 000. Beyond, the rank comes from the normal distribution with a correction for continuity, which
/// is right to a hundredth of it, or where one sample is small and the tail as well a few hundredths too wide.
fn interval_rank(n: u64, m: u64, tail: Tail) -> Option<u64> {
    let rank = match splits(n, m) {
        Some(all) => exact_rank(n, m, all, tail),
        None => normal_rank(n, m, tail),
    };
    (rank > 0).then_some(rank)
}

/// In how many ways n + m members can be split into n and m, as far as this can be counted.
fn splits(n: u64, m: u64) -> Option<u128> {
    let (few, many) = (u128::from(n.min(m)), u128::from(n.max(m)));
    (1..=few).try_fold(1_u128, |ways, i| Some(ways.checked_mul(many + i)? / i))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio of counts, of which 53 bits are enough"
)]
fn exact_rank(n: u64, m: u64, all: u128, tail: Tail) -> u64 {
    let most = tail.0 * all as f64;
    let mut ways = 0_u128;
    let mut rank = 0;
    for count in statistic_counts(n, m) {
        ways += count;
        if ways as f64 > most {
            break;
        }
        rank += 1;
    }
    rank
}

/// In how many of all splits U is 0, 1, 2, ...: up to its middle, about which it is symmetric. The generating
/// function is the Gaussian binomial coefficient, the product of (1 - x^(m+i)) / (1 - x^i) for i from 1 to n
/// (Andrews, "The Theory of Partitions", theorem 3.1), taken factor by factor: each step has whole numbers, and
/// none above that of all splits.
fn statistic_counts(n: u64, m: u64) -> Vec<u128> {
    let (few, many) = (n.min(m), n.max(m));
    let middle = usize::try_from(few.saturating_mul(many) / 2).unwrap_or(usize::MAX);
    let mut counts = vec![0_i128; middle + 1];
    if let Some(first) = counts.first_mut() {
        *first = 1;
    }
    for i in 1..=few {
        let factor = usize::try_from(many + i).unwrap_or(usize::MAX);
        for u in (factor..=middle).rev() {
            counts[u] -= counts[u - factor];
        }
        let divisor = usize::try_from(i).unwrap_or(usize::MAX);
        for u in divisor..=middle {
            counts[u] += counts[u - divisor];
        }
    }
    counts.into_iter().map(i128::unsigned_abs).collect()
}

/// By the normal distribution: U has the mean n m / 2 and the variance n m (n + m + 1) / 12.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of members, and a rank that is rounded down to a whole one, 0 where it is negative"
)]
fn normal_rank(n: u64, m: u64, tail: Tail) -> u64 {
    let (n, m) = (n as f64, m as f64);
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    let z = chi_square(gamma::Tail::Upper, 2.0 * tail.0, 1.0).sqrt();
    // P(U <= C - 1) is about Phi((C - 1/2 - mean) / deviation).
    (n * m / 2.0 + 0.5 - z * deviation).floor() as u64
}

#[cfg(test)]
mod tests;
