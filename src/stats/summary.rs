//! [`Summary`]: a distribution in a dozen numbers, exact whatever the order of its input.

use super::Moments;
use super::quantile::{Probability, at_rank, len, needed, order_interval, quantile};

/// A quantile together with how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantileEstimate {
    /// Enough observations: the quantile and its 95 % interval, all three observed values.
    Known {
        /// The smallest observation of which at least the share q is not above it.
        value: i64,
        /// Lower end of the interval.
        lower: i64,
        /// Upper end of the interval.
        upper: i64,
    },
    /// Too few observations for a two-sided 95 % interval, so there is no value to give.
    Needs {
        /// The number of observations from which on there is one.
        n: u64,
    },
}

impl QuantileEstimate {
    /// The estimate of the `q`-quantile of an ascending slice.
    pub fn of(sorted: &[i64], q: Probability) -> Self {
        let n = len(sorted);
        let ranks = order_interval(n, q);
        let known = || {
            Some(Self::Known {
                value: quantile(sorted, q)?,
                lower: at_rank(sorted, ranks.lower)?,
                upper: at_rank(sorted, ranks.upper)?,
            })
        };
        // q = 0 and 1 are the extremes, which no number of observations estimates.
        known().unwrap_or(Self::Needs {
            n: needed(q).unwrap_or(u64::MAX),
        })
    }

    /// The value, where there are observations enough.
    pub fn value(self) -> Option<i64> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Needs { .. } => None,
        }
    }
}

/// A distribution of integers in a dozen numbers, in the unit of its input.
///
/// ```
/// use clockfit::stats::Summary;
/// let s = Summary::of(vec![3, -1, 4, 1, -5, 9]).unwrap();
/// assert_eq!((s.n, s.min, s.max, s.mean, s.rms), (6, -5, 9, 2, 5));
/// assert_eq!(s.p50.value(), Some(1)); // six observations suffice for a median
/// assert_eq!(s.p99.value(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many observations.
    pub n: u64,
    /// The smallest.
    pub min: i64,
    /// 1 % are not above this.
    pub p1: QuantileEstimate,
    /// 5 % are not above this.
    pub p5: QuantileEstimate,
    /// The median.
    pub p50: QuantileEstimate,
    /// 95 % are not above this.
    pub p95: QuantileEstimate,
    /// 99 % are not above this.
    pub p99: QuantileEstimate,
    /// 99.9 % are not above this.
    pub p99_9: QuantileEstimate,
    /// The largest.
    pub max: i64,
    /// The arithmetic mean, to nearest, ties to even.
    pub mean: i64,
    /// The root of the mean square, to nearest, ties to even.
    pub rms: u64,
}

impl Summary {
    /// The summary of `values`, or `None` where there are none.
    pub fn of(mut values: Vec<i64>) -> Option<Self> {
        values.sort_unstable();
        Self::of_sorted(&values)
    }

    /// The summary of an ascending slice, or `None` where it is empty.
    pub fn of_sorted(sorted: &[i64]) -> Option<Self> {
        let moments = Moments::of(sorted);
        Some(Self {
            n: moments.count(),
            min: moments.min()?,
            p1: QuantileEstimate::of(sorted, Probability::P1),
            p5: QuantileEstimate::of(sorted, Probability::P5),
            p50: QuantileEstimate::of(sorted, Probability::P50),
            p95: QuantileEstimate::of(sorted, Probability::P95),
            p99: QuantileEstimate::of(sorted, Probability::P99),
            p99_9: QuantileEstimate::of(sorted, Probability::P99_9),
            max: moments.max()?,
            mean: moments.mean()?,
            rms: moments.rms()?,
        })
    }

    /// The quantiles by the names they have in reports, in ascending order.
    pub fn quantiles(&self) -> [(&'static str, QuantileEstimate); 6] {
        [
            ("p1", self.p1),
            ("p5", self.p5),
            ("p50", self.p50),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p99_9", self.p99_9),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_quantile_without_an_interval_says_how_many_it_needs() {
        let s = Summary::of((0..367).collect()).unwrap();
        assert_eq!(s.p99, QuantileEstimate::Needs { n: 368 });
        assert_eq!(s.p1, QuantileEstimate::Needs { n: 368 });
        let s = Summary::of((1..=1000).collect()).unwrap();
        assert_eq!(
            s.p99,
            QuantileEstimate::Known {
                value: 990,
                lower: 983,
                upper: 997
            }
        );
        assert_eq!(s.p99_9, QuantileEstimate::Needs { n: 3688 });
    }

    proptest! {
        #[test]
        fn the_order_of_the_input_does_not_matter(
            values in prop::collection::vec(any::<i64>(), 1..200),
            turn in 0usize..200,
        ) {
            let mut turned = values.clone();
            turned.rotate_left(turn % values.len());
            turned.reverse();
            prop_assert_eq!(Summary::of(values), Summary::of(turned));
        }

        #[test]
        fn mean_and_rms_agree_with_doubles(
            values in prop::collection::vec(-30_000i32..30_000, 1..100),
        ) {
            let s = Summary::of(values.iter().map(|v| i64::from(*v)).collect()).unwrap();
            let n = f64::from(u32::try_from(values.len()).unwrap());
            let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
            let rms = (values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n).sqrt();
            let got_mean = f64::from(i32::try_from(s.mean).unwrap());
            let got_rms = f64::from(u32::try_from(s.rms).unwrap());
            prop_assert!((got_mean - mean).abs() <= 0.5 + 1e-6);
            prop_assert!((got_rms - rms).abs() <= 0.5 + 1e-6);
        }
    }
}
