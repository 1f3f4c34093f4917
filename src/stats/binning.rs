//! [`Bins`]: a small histogram of equal widths, to be looked at rather than calculated with.

use super::histogram::{Bucket, SignedHistogram};
use super::quantile::{Probability, quantile};

/// The range shown: from this quantile...
const FROM: Option<Probability> = Probability::from_parts(50);
/// ...to this one; what lies outside is counted at either side, so that a single straggler cannot
/// squeeze everything else into one bin.
const TO: Option<Probability> = Probability::from_parts(9_950);

/// Counts over bins of equal width that cover the middle 99 % of the values.
///
/// ```
/// use clockfit::stats::Bins;
/// let bins = Bins::of_sorted(&[-7, 1, 2, 2, 3, 11], 10).unwrap();
/// assert_eq!((bins.from, bins.width), (-8, 2));
/// assert_eq!(bins.counts, [1, 0, 0, 0, 1, 3, 0, 0, 0, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins {
    /// The lowest value of the first bin: a whole multiple of `width`.
    pub from: i64,
    /// How many values a bin spans: 1, 2 or 5 times a power of ten.
    pub width: i64,
    /// Values in each bin; bin i holds `from + i * width <= x < from + (i + 1) * width`.
    pub counts: Vec<u64>,
    /// Values below the first bin.
    pub below: u64,
    /// Values above the last bin.
    pub above: u64,
}

impl Bins {
    /// At most `most` bins over an ascending slice; `None` where either is empty or the span is so
    /// wide that its ends cannot be said in 64 bits.
    pub fn of_sorted(sorted: &[i64], most: usize) -> Option<Self> {
        let ends = (quantile(sorted, FROM?)?, quantile(sorted, TO?)?);
        Self::between(ends, most, sorted.iter().map(|value| (*value, 1)))
    }

    /// The same of a histogram: each of its buckets counts at its end that is nearer to zero.
    pub fn of_histogram(histogram: &SignedHistogram, most: usize) -> Option<Self> {
        let ends = (histogram.quantile(FROM?)?, histogram.quantile(TO?)?);
        let nearer = |bucket: Bucket| match bucket.lowest {
            ..0 => bucket.highest,
            lowest => lowest,
        };
        let counts = histogram
            .buckets()
            .map(|bucket| (nearer(bucket), bucket.count));
        Self::between(ends, most, counts)
    }

    fn between(
        (low, high): (i64, i64),
        most: usize,
        values: impl Iterator<Item = (i64, u64)>,
    ) -> Option<Self> {
        let (low, high) = (i128::from(low), i128::from(high));
        let most = i128::try_from(most).ok().filter(|m| *m > 0)?;
        let bins = |width: i128| high.div_euclid(width) - low.div_euclid(width) + 1;
        let width = widths().find(|width| bins(*width) <= most)?;
        let from = low.div_euclid(width) * width;
        let mut counts = vec![0u64; usize::try_from(bins(width)).ok()?];
        let (mut below, mut above) = (0, 0);
        for (value, n) in values {
            let bin = (i128::from(value) - from).div_euclid(width);
            match usize::try_from(bin) {
                Err(_) => below += n,
                Ok(bin) => match counts.get_mut(bin) {
                    Some(count) => *count += n,
                    None => above += n,
                },
            }
        }
        Some(Self {
            from: i64::try_from(from).ok()?,
            width: i64::try_from(width).ok()?,
            counts,
            below,
            above,
        })
    }
}

/// 1, 2, 5, 10, 20, 50...: widths whose edges a person can read.
fn widths() -> impl Iterator<Item = i128> {
    (0..19u32).flat_map(|power| [1, 2, 5].map(|digit| digit * 10i128.pow(power)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_straggler_does_not_flatten_the_rest() {
        let mut values: Vec<i64> = (0..1000).map(|i| i % 20).collect();
        values.push(1_000_000_000);
        values.sort_unstable();
        let bins = Bins::of_sorted(&values, 24).unwrap();
        assert_eq!((bins.width, bins.counts.len()), (1, 20));
        assert_eq!((bins.below, bins.above), (0, 1));
    }

    #[test]
    fn equal_values_make_one_bin() {
        let bins = Bins::of_sorted(&[42; 9], 24).unwrap();
        assert_eq!((bins.from, bins.counts), (42, vec![9]));
        assert_eq!(Bins::of_sorted(&[], 24), None);
        assert_eq!(Bins::of_sorted(&[1], 0), None);
    }

    proptest! {
        #[test]
        fn every_value_is_counted_once(
            mut values in prop::collection::vec(any::<i64>(), 1..300),
            most in 1usize..40,
        ) {
            values.sort_unstable();
            if let Some(bins) = Bins::of_sorted(&values, most) {
                let total = bins.below + bins.above + bins.counts.iter().sum::<u64>();
                prop_assert_eq!(total, values.len() as u64);
                prop_assert!(bins.counts.len() <= most);
                prop_assert_eq!(bins.from.rem_euclid(bins.width), 0);
            }
        }
    }
}
