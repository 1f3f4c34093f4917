//! Quantiles as observed values, with intervals that assume nothing about the distribution.

use super::Inflation;

/// Half of what a two-sided 95 % interval leaves out.
const TAIL: f64 = 0.025;

/// Relative size below which a binomial term cannot move a sum of doubles.
const NEGLIGIBLE: f64 = 1e-22;

/// A probability in whole parts of 10 000, so that ranks are exact integers.
///
/// ```
/// use clockfit::stats::Probability;
/// assert_eq!(Probability::P99_9.parts(), 9_990);
/// assert_eq!(Probability::from_parts(10_001), None);
/// assert_eq!(Probability::P1.complement(), Probability::P99);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability(u32);

impl Probability {
    /// The parts that make up certainty.
    pub const WHOLE: u32 = 10_000;
    /// One in a hundred.
    pub const P1: Self = Self(100);
    /// One in twenty.
    pub const P5: Self = Self(500);
    /// The median.
    pub const P50: Self = Self(5_000);
    /// Nineteen in twenty.
    pub const P95: Self = Self(9_500);
    /// Ninety-nine in a hundred.
    pub const P99: Self = Self(9_900);
    /// 999 in a thousand.
    pub const P99_9: Self = Self(9_990);

    /// `parts` of 10 000, or `None` for more than all.
    pub const fn from_parts(parts: u32) -> Option<Self> {
        if parts <= Self::WHOLE {
            Some(Self(parts))
        } else {
            None
        }
    }

    /// The parts of 10 000.
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// One minus this.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(Self::WHOLE - self.0)
    }

    fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }
}

/// The 1-based rank of the `q`-quantile among `n` ordered observations: the smallest rank r with
/// r/n >= q, at least 1. Exact. Zero where there are no observations.
pub fn rank(n: u64, q: Probability) -> u64 {
    let scaled = u128::from(n) * u128::from(q.parts());
    let rank = scaled.div_ceil(u128::from(Probability::WHOLE));
    u64::try_from(rank).unwrap_or(n).max(1).min(n)
}

/// The `q`-quantile of an ascending slice: the inverse of its empirical distribution (type 1 of
/// Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996), the smallest observed x of
/// which at least the share q is not above x. Always an observed value; `None` for an empty slice.
///
/// ```
/// use clockfit::stats::{Probability, quantile};
/// assert_eq!(quantile(&[1, 2, 3, 4], Probability::P50), Some(2));
/// assert_eq!(quantile(&[1, 2, 3, 4], Probability::P99), Some(4));
/// ```
pub fn quantile(sorted: &[i64], q: Probability) -> Option<i64> {
    at_rank(sorted, rank(len(sorted), q))
}

/// The observation of 1-based `rank` in an ascending slice.
pub(super) fn at_rank(sorted: &[i64], rank: u64) -> Option<i64> {
    let index = usize::try_from(rank.checked_sub(1)?).ok()?;
    sorted.get(index).copied()
}

pub(super) fn len<T>(slice: &[T]) -> u64 {
    u64::try_from(slice.len()).unwrap_or(u64::MAX)
}

/// Ranks of the order statistics that hold a quantile with at least 95 % confidence, whatever the
/// (continuous) distribution is; only independence of the observations is assumed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderInterval {
    /// 1-based rank of the lower end; 0 where `n` is too small for one.
    pub lower: u64,
    /// 1-based rank of the upper end; `n + 1` where `n` is too small for one.
    pub upper: u64,
    /// The confidence really reached: P(lower <= Bin(n, q) < upper).
    pub coverage: f64,
}

impl OrderInterval {
    /// Whether both ends are observations among `n`.
    pub fn is_estimable(&self, n: u64) -> bool {
        self.lower >= 1 && self.upper <= n
    }
}

/// The order-statistic interval of the `q`-quantile of `n` observations (David and Nagaraja, "Order
/// Statistics", section 7.1): `lower` is the largest l with P(Bin(n, q) <= l-1) <= 0.025, `upper`
/// the smallest u with P(Bin(n, q) <= u-1) >= 0.975.
///
/// ```
/// use clockfit::stats::{Probability, order_interval};
/// let median_of_100 = order_interval(100, Probability::P50);
/// assert_eq!((median_of_100.lower, median_of_100.upper), (40, 61));
/// ```
pub fn order_interval(n: u64, q: Probability) -> OrderInterval {
    order_interval_leaving(n, q, TAIL)
}

/// The same for another confidence: either end may miss the quantile with probability `tail`.
pub(super) fn order_interval_leaving(n: u64, q: Probability, tail: f64) -> OrderInterval {
    let (first, terms) = binomial(n, q);
    let mut below = 0.0;
    let mut lower = first;
    for term in &terms {
        if below + term > tail {
            break;
        }
        below += term;
        lower += 1;
    }
    // From above, so that small terms meet small sums: 1 - P(Bin <= k) = P(Bin > k).
    let mut above = 0.0;
    let mut upper = first + len(&terms);
    for term in terms.iter().rev() {
        if above + term > tail {
            break;
        }
        above += term;
        upper -= 1;
    }
    OrderInterval {
        lower,
        upper,
        coverage: 1.0 - below - above,
    }
}

/// The ranks for `n` observations of a series that are worth only n / tau independent ones: those of
/// [`order_interval`] for that many, as shares of all, rounded outward to ranks among `n`. Never
/// narrower than without inflation, and estimable from `inflation.total(needed(q))` on.
///
/// ```
/// use clockfit::stats::{Inflation, Probability, inflated_interval};
/// let four = Inflation::from_thousandths(4_000).unwrap();
/// let median_of_400 = inflated_interval(400, Probability::P50, four);
/// assert_eq!((median_of_400.lower, median_of_400.upper), (157, 244)); // 40 and 61 of 100
/// ```
pub fn inflated_interval(n: u64, q: Probability, inflation: Inflation) -> OrderInterval {
    let worth = inflation.effective(n);
    let of_worth = order_interval(worth, q);
    if worth == n {
        return of_worth;
    }
    if !of_worth.is_estimable(worth) {
        return OrderInterval {
            lower: 0,
            upper: n.saturating_add(1),
            coverage: 1.0,
        };
    }
    // That the share of observations at or below the quantile is (l - 1) / worth or less has a
    // probability of 0.025 at most; so has u / worth or more.
    let scaled = |rank: u64| u128::from(rank) * u128::from(n);
    let whole = |rank: u128| u64::try_from(rank).unwrap_or(n);
    OrderInterval {
        lower: whole(scaled(of_worth.lower - 1) / u128::from(worth)) + 1,
        upper: whole(scaled(of_worth.upper).div_ceil(u128::from(worth))),
        coverage: of_worth.coverage,
    }
}

/// P(Bin(n, q) = k) for k = first, first + 1, ...: all the terms that matter in doubles. They are
/// built from the mode by the ratio of neighbours and then normalised, so no factorial is needed.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts below 2^53: nobody holds more samples in memory"
)]
fn binomial(n: u64, q: Probability) -> (u64, Vec<f64>) {
    let p = q.as_f64();
    let odds = p / q.complement().as_f64();
    if !odds.is_finite() {
        return (n, vec![1.0]);
    }
    let scaled = (u128::from(n) + 1) * u128::from(q.parts());
    let mode = u64::try_from(scaled / u128::from(Probability::WHOLE))
        .unwrap_or(n)
        .min(n);
    let mut terms = Vec::new();
    let mut term = 1.0;
    let mut first = mode;
    while first > 0 {
        term *= first as f64 / ((n - first + 1) as f64 * odds);
        if term < NEGLIGIBLE {
            break;
        }
        terms.push(term);
        first -= 1;
    }
    terms.reverse();
    terms.push(1.0);
    let mut term = 1.0;
    for k in mode..n {
        term *= (n - k) as f64 * odds / (k + 1) as f64;
        if term < NEGLIGIBLE {
            break;
        }
        terms.push(term);
    }
    let total: f64 = terms.iter().sum();
    for term in &mut terms {
        *term /= total;
    }
    (first, terms)
}

/// The smallest number of observations from which on the 95 % interval of the `q`-quantile always
/// has both ends: q^n and (1-q)^n must both be at most 0.025. `None` for q = 0 or 1, which no number
/// of observations settles.
///
/// ```
/// use clockfit::stats::{Probability, needed};
/// assert_eq!(needed(Probability::P50), Some(6));
/// assert_eq!(needed(Probability::P99_9), Some(3_688));
/// ```
pub fn needed(q: Probability) -> Option<u64> {
    let rarer = q.max(q.complement()).as_f64();
    if rarer >= 1.0 {
        return None;
    }
    let mut n = 1;
    let mut power = rarer;
    while power > TAIL {
        power *= rarer;
        n += 1;
    }
    Some(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(q: &str) -> Probability {
        let padded = format!("{:0<4}", q.strip_prefix("0.").unwrap());
        Probability::from_parts(padded.parse().unwrap()).unwrap()
    }

    #[test]
    fn reproduces_every_row_of_the_reference_table() {
        let table = include_str!("../../tests/data/order_stat_ci95.csv");
        let mut rows = 0;
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let n: u64 = fields[1].parse().unwrap();
            let upper = match fields[3] {
                "inf" => n + 1,
                rank => rank.parse().unwrap(),
            };
            let coverage: f64 = fields[4].parse().unwrap();
            let got = order_interval(n, parts(fields[0]));
            assert_eq!(
                (got.lower, got.upper),
                (fields[2].parse().unwrap(), upper),
                "{line}"
            );
            assert!((got.coverage - coverage).abs() < 1e-6, "{line}: {got:?}");
            rows += 1;
        }
        assert!(rows >= 39, "{rows} rows");
    }

    #[test]
    fn needed_is_where_intervals_begin_and_never_end() {
        for (q, smallest) in [
            (Probability::P50, 6),
            (Probability::P5, 72),
            (Probability::P95, 72),
            (Probability::P1, 368),
            (Probability::P99, 368),
            (Probability::P99_9, 3_688),
        ] {
            assert_eq!(needed(q), Some(smallest));
            for n in 0..smallest + 500 {
                let estimable = order_interval(n, q).is_estimable(n);
                assert_eq!(estimable, n >= smallest, "n {n}, {q:?}");
            }
        }
        assert_eq!(needed(Probability(0)), None);
        assert_eq!(needed(Probability(Probability::WHOLE)), None);
    }

    #[test]
    fn ranks_are_exact_where_doubles_are_not() {
        // 0.07 * 100 is 7.000000000000001 in doubles: its ceiling would be rank 8.
        assert_eq!(rank(100, Probability(700)), 7);
        assert_eq!(rank(0, Probability::P50), 0);
        assert_eq!(rank(5, Probability(0)), 1);
        assert_eq!(rank(u64::MAX, Probability(Probability::WHOLE)), u64::MAX);
        assert_eq!(quantile(&[], Probability::P50), None);
    }

    /// Of a series the interval begins where the number of independent observations suffices.
    #[test]
    fn needed_is_inflated_as_the_interval_is() {
        for q in [Probability::P50, Probability::P95, Probability::P1] {
            for thousandths in [1_000, 1_001, 1_499, 2_000, 17_387] {
                let tau = Inflation::from_thousandths(thousandths).unwrap();
                let smallest = tau.total(needed(q).unwrap());
                for n in smallest.saturating_sub(30)..smallest + 30 {
                    let estimable = inflated_interval(n, q, tau).is_estimable(n);
                    assert_eq!(estimable, n >= smallest, "n {n}, {q:?}, {tau:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn inflation_widens_and_mirrors(
            n in (1u64..1_000_000, 0u32..20).prop_map(|(n, shift)| (n >> shift).max(1)),
            q in 1u32..10_000,
            thousandths in prop_oneof![1_000u64..1_100, 1_000u64..50_000],
        ) {
            let q = Probability(q);
            let tau = Inflation::from_thousandths(thousandths).unwrap();
            let (this, plain) = (inflated_interval(n, q, tau), order_interval(n, q));
            let that = inflated_interval(n, q.complement(), tau);
            prop_assert!(this.lower <= plain.lower && this.upper >= plain.upper);
            prop_assert!(this.lower <= rank(n, q) && rank(n, q) <= this.upper);
            prop_assert_eq!(this.lower + that.upper, n + 1);
            // The share between the ranks is kept, up to one observation at either end.
            let worth = tau.effective(n);
            let of_worth = order_interval(worth, q);
            if of_worth.is_estimable(worth) {
                let share = u128::from(of_worth.upper - of_worth.lower + 1) * u128::from(n);
                let got = u128::from(this.upper - this.lower + 1) * u128::from(worth);
                prop_assert!(got >= share && got < share + u128::from(2 * worth));
            }
        }

        #[test]
        fn a_quantile_inverts_the_empirical_distribution(
            mut values in prop::collection::vec(-50i64..50, 1..60),
            q in 0u32..=10_000,
        ) {
            values.sort_unstable();
            let x = quantile(&values, Probability(q)).unwrap();
            let share = |limit: i64| {
                let below = values.iter().filter(|v| **v <= limit).count() as u64;
                below * u64::from(Probability::WHOLE)
            };
            let wanted = values.len() as u64 * u64::from(q);
            prop_assert!(values.contains(&x));
            prop_assert!(share(x) >= wanted);
            prop_assert!(x == values[0] || share(x - 1) < wanted);
        }

        #[test]
        fn ranks_of_q_mirror_those_of_its_complement(n in 1u64..5_000, q in 1u32..10_000) {
            let this = order_interval(n, Probability(q));
            let that = order_interval(n, Probability(q).complement());
            prop_assert_eq!(this.lower + that.upper, n + 1);
            prop_assert_eq!(this.upper + that.lower, n + 1);
            prop_assert!(this.coverage > 0.95 - 1e-9);
        }
    }
}
