//! [`Accumulator`]: the summary of more observations than are kept.

use super::quantile::{inflated_interval, rank};
use super::summary::QUANTILES;
use super::{Bucket, Inflation, Moments, QuantileEstimate, SignedHistogram, Summary};

/// A distribution that is told one observation at a time and keeps none: extremes, mean and root mean
/// square exactly, quantiles to 0.1 % of their value (to 1 below 2048). Parts that were recorded apart
/// can be merged in any order, to the same result.
///
/// ```
/// use clockfit::stats::{Accumulator, MeanInflation, QuantileEstimate};
/// let mut all = Accumulator::new();
/// (1..=1_000_000).for_each(|x| all.record(x));
/// let summary = all.summary(MeanInflation::default().get()).unwrap();
/// assert_eq!((summary.mean, summary.max), (500_000, 1_000_000));
/// let QuantileEstimate::Known { within: (lowest, highest), .. } = summary.p50 else { panic!() };
/// assert!(lowest <= 500_000 && 500_000 <= highest && highest - lowest < 500);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Accumulator {
    moments: Moments,
    histogram: SignedHistogram,
}

impl Accumulator {
    /// How many observations a series is best cut into to measure their dependence
    /// ([`MeanInflation`]): at one a second twelve days, which hold what repeats daily.
    /// [`Summary::of_series`] takes a tenth of a second for them.
    pub const BLOCK: usize = 1 << 20;

    /// Of no observation yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one more observation in.
    #[inline]
    pub fn record(&mut self, value: i64) {
        self.moments.record(value);
        self.histogram.record(value);
    }

    /// Takes all in that `other` did. Exact, and the same in any order.
    pub fn merge(&mut self, other: &Self) {
        self.moments.merge(&other.moments);
        self.histogram.merge(&other.histogram);
    }

    /// How many observations.
    pub fn count(&self) -> u64 {
        self.moments.count()
    }

    /// The counts by size, to be encoded or merged with others.
    pub fn histogram(&self) -> &SignedHistogram {
        &self.histogram
    }

    /// What can be said, or `None` where nothing was recorded. In which order the observations came is
    /// not known any more, so `inflations` tells how far they depend on each other, for each of
    /// [`Summary::quantiles`]: [`MeanInflation::get`], or [`Inflation::NONE`] where they do not.
    pub fn summary(&self, inflations: [Inflation; 6]) -> Option<Summary> {
        let n = self.count();
        let mut inflations = inflations.into_iter();
        let plans = QUANTILES.map(|q| {
            let inflation = inflations.next().unwrap_or(Inflation::NONE);
            (q, inflation, inflated_interval(n, q, inflation))
        });
        let wanted = plans.map(|(q, _, ranks)| [rank(n, q), ranks.lower, ranks.upper]);
        let mut wanted: [u64; 18] = std::array::from_fn(|i| wanted[i / 3][i % 3]);
        wanted.sort_unstable();
        let found = self.histogram.at_ranks(wanted);
        let within = |rank: u64| {
            let place = wanted.iter().position(|r| *r == rank)?;
            self.within(found[place]?)
        };
        let quantiles = plans.map(|(q, inflation, ranks)| {
            QuantileEstimate::between(n, q, inflation, &ranks, within)
        });
        Summary::new(&self.moments, quantiles)
    }

    /// What the observations of a bucket lie between: its ends, or the extremes of all.
    fn within(&self, bucket: Bucket) -> Option<(i64, i64)> {
        let (min, max) = (self.moments.min()?, self.moments.max()?);
        // The one value that is beyond the range of a histogram counts as its end.
        let is_last = bucket.lowest == -i64::MAX;
        let lowest = if is_last { min } else { bucket.lowest.max(min) };
        Some((lowest, bucket.highest.min(max)))
    }
}

/// The mean inflation of each quantile over stretches of one long series, weighted by their lengths.
/// Recorded apart and merged in any order it is the same.
///
/// What lasts longer than a stretch does not show in it: of a level that changes from one to the next,
/// each stretch only sees its own.
///
/// ```
/// use clockfit::stats::{Accumulator, MeanInflation, Summary};
/// let series: Vec<i64> = (0..100_000).map(|t| t / 50 % 40).collect();
/// let (mut all, mut inflation) = (Accumulator::new(), MeanInflation::default());
/// for block in series.chunks(20_000) {
///     block.iter().for_each(|x| all.record(*x));
///     inflation.add(&Summary::of_series(block).unwrap());
/// }
/// let summary = all.summary(inflation.get()).unwrap();
/// assert!(summary.p50.inflation().effective(summary.n) < 3_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanInflation {
    n: u128,
    /// Thousandths times observations.
    sums: [u128; 6],
}

impl MeanInflation {
    /// Takes in what a stretch showed.
    pub fn add(&mut self, stretch: &Summary) {
        let n = u128::from(stretch.n);
        self.n += n;
        for (sum, (_, quantile)) in self.sums.iter_mut().zip(stretch.quantiles()) {
            *sum += n * u128::from(quantile.inflation().thousandths());
        }
    }

    /// Takes in what `other` did.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        for (sum, other) in self.sums.iter_mut().zip(other.sums) {
            *sum += other;
        }
    }

    /// The means, rounded up, in the order of [`Summary::quantiles`]; none where there is no stretch.
    pub fn get(&self) -> [Inflation; 6] {
        self.sums.map(|sum| {
            let mean = (self.n > 0).then(|| sum.div_ceil(self.n));
            let thousandths = mean.and_then(|mean| u64::try_from(mean).ok());
            let inflation = thousandths.and_then(Inflation::from_thousandths);
            inflation.unwrap_or(Inflation::NONE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[i64]) -> Accumulator {
        let mut all = Accumulator::new();
        values.iter().for_each(|x| all.record(*x));
        all
    }

    fn any_size() -> impl Strategy<Value = i64> {
        (any::<i64>(), 0u32..63).prop_map(|(v, shift)| v >> shift)
    }

    #[test]
    fn nothing_recorded_says_nothing() {
        assert_eq!(Accumulator::new().summary([Inflation::NONE; 6]), None);
    }

    #[test]
    fn intervals_end_where_all_observations_end() {
        for value in [i64::MIN, -1_000_003, 1_000_003, i64::MAX] {
            let summary = of(&[value; 10]).summary([Inflation::NONE; 6]).unwrap();
            let median = QuantileEstimate::Known {
                value,
                lower: value,
                upper: value,
                within: (value, value),
                inflation: Inflation::NONE,
            };
            assert_eq!((summary.min, summary.p50), (value, median));
        }
    }

    #[test]
    fn each_quantile_is_widened_by_its_own_inflation() {
        let values: Vec<i64> = (1..=1_000).collect();
        let mut inflations = [Inflation::NONE; 6];
        inflations[3] = Inflation::from_thousandths(4_000).unwrap();
        let summary = of(&values).summary(inflations).unwrap();
        let plain = Summary::of(values).unwrap();
        assert_eq!(summary.p50, plain.p50);
        let QuantileEstimate::Known { lower, upper, .. } = summary.p95 else {
            panic!("{:?}", summary.p95)
        };
        // 250 independent ones: ranks 230 and 245, times four.
        assert_eq!((lower, upper), (917, 980));
        assert_eq!(summary.p99_9, plain.p99_9);
    }

    #[test]
    fn the_mean_inflation_is_weighted_by_length() {
        let constant = Summary::of_series(&[5; 300]).unwrap();
        let busy: Vec<i64> = (0..600).map(|t| i64::from(t / 20 % 2 == 0)).collect();
        let busy = Summary::of_series(&busy).unwrap();
        let mut mean = MeanInflation::default();
        assert_eq!(mean.get(), [Inflation::NONE; 6]);
        mean.add(&constant);
        let mut other = MeanInflation::default();
        other.add(&busy);
        mean.merge(&other);
        let median = busy.p50.inflation().thousandths();
        assert!(median > 2_000, "{median}");
        assert_eq!(
            mean.get()[2].thousandths(),
            (1_000 + 2 * median).div_ceil(3)
        );
    }

    proptest! {
        // Histograms up to 2^63 have 55 000 buckets on either side.
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn holds_what_keeping_all_would_say(
            values in prop::collection::vec(any_size(), 1..500),
            cut in 0usize..500,
        ) {
            let (one, other) = values.split_at(cut.min(values.len()));
            let mut merged = of(other);
            merged.merge(&of(one));
            let got = merged.summary([Inflation::NONE; 6]).unwrap();
            prop_assert_eq!(of(&values).summary([Inflation::NONE; 6]), Some(got.clone()));
            let exact = Summary::of(values).unwrap();
            prop_assert_eq!((got.n, got.min, got.max), (exact.n, exact.min, exact.max));
            prop_assert_eq!((got.mean, got.rms), (exact.mean, exact.rms));
            for ((name, got), (_, exact)) in got.quantiles().into_iter().zip(exact.quantiles()) {
                match (got, exact) {
                    (
                        QuantileEstimate::Known { value, lower, upper, within, .. },
                        QuantileEstimate::Known { value: x, lower: l, upper: u, .. },
                    ) => {
                        prop_assert!(within.0 <= x && x <= within.1, "{} {:?}", name, got);
                        prop_assert!(within.0 <= value && value <= within.1);
                        prop_assert!(within.0.abs_diff(within.1) <= x.unsigned_abs() / 1_000);
                        prop_assert!(lower <= l && u <= upper, "{} {:?} {:?}", name, got, exact);
                    }
                    _ => prop_assert_eq!(got, exact),
                }
            }
        }
    }
}
