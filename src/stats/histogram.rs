//! [`SignedHistogram`]: an HDR histogram of both signs that merges exactly and that others can read.
//!
//! The only door to the hdrhistogram crate.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

/// Significant decimal digits kept of each value: buckets are at most 0.1 % wide.
pub(super) const SIGNIFICANT_DIGITS: u8 = 3;

/// The largest size that keeps its place: other implementations hold sizes in signed 64 bits.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// A histogram of `i64`: HDR histograms have no negative values, so one half holds the sizes of the
/// negative ones, one the positive ones, and zero is counted exactly. Nothing is shifted: that would
/// cost the relative precision near zero, where it matters.
///
/// Only `i64::MIN` is out of range, by one; it is recorded as `-i64::MAX` and counted in
/// [`saturated`](Self::saturated).
///
/// ```
/// use clockfit::stats::{Probability, SignedHistogram};
/// let mut h = SignedHistogram::new();
/// for v in [-1_500, -20, 0, 0, 31, 7_000] {
///     h.record(v);
/// }
/// assert_eq!(h.count(), 6);
/// assert_eq!(h.quantile(Probability::P50), Some(0));
/// assert_eq!(h.quantile(Probability::P1), Some(-1_500));
/// ```
#[derive(Clone)]
pub struct SignedHistogram {
    negative: Histogram<u64>,
    positive: Histogram<u64>,
    zero: u64,
    saturated: u64,
}

/// Values that a histogram cannot tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest of them.
    pub lowest: i64,
    /// The largest of them.
    pub highest: i64,
    /// How many were recorded.
    pub count: u64,
}

/// Both halves as base64 of the compressed V2 encoding, which the HdrHistogram implementations of
/// other languages read and write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedHistogram {
    /// Sizes of the negative values.
    pub negative: String,
    /// How many values were zero.
    pub zero: u64,
    /// The positive values.
    pub positive: String,
    /// How many values were out of range and recorded at its end.
    pub saturated: u64,
}

/// A histogram could not be encoded: its encoding is larger than the format can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the histogram is larger than its V2 encoding can say; record fewer or narrower values")]
pub struct EncodeHistogramError;

impl SignedHistogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self {
            negative: half(),
            positive: half(),
            zero: 0,
            saturated: 0,
        }
    }

    /// Counts one value.
    pub fn record(&mut self, value: i64) {
        self.record_n(value, 1);
    }

    /// Counts `value` `n` times. Counts saturate.
    pub fn record_n(&mut self, value: i64, n: u64) {
        let size = value.unsigned_abs();
        if size > LARGEST {
            self.saturated = self.saturated.saturating_add(n);
        }
        let half = match value.signum() {
            0 => {
                self.zero = self.zero.saturating_add(n);
                return;
            }
            1 => &mut self.positive,
            _ => &mut self.negative,
        };
        if half.record_n(size.min(LARGEST), n).is_err() {
            // A histogram that resizes itself refuses nothing up to 2^63.
            self.saturated = self.saturated.saturating_add(n);
            half.saturating_record_n(size, n);
        }
    }

    /// Adds all that `other` counted. Exact, and the same in any order.
    pub fn merge(&mut self, other: &Self) {
        // Equal precision and self-resizing on both sides, so neither addition can fail.
        let added = self.negative.add(&other.negative).is_ok()
            && self.positive.add(&other.positive).is_ok();
        debug_assert!(added);
        self.zero = self.zero.saturating_add(other.zero);
        self.saturated = self.saturated.saturating_add(other.saturated);
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.negative.len() + self.zero + self.positive.len()
    }

    /// How many values were out of range and recorded at its end.
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The buckets that hold something, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        let signed = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
        let side = move |half: &Histogram<u64>| -> Vec<Bucket> {
            half.iter_recorded()
                .map(|step| Bucket {
                    lowest: signed(half.lowest_equivalent(step.value_iterated_to())),
                    highest: signed(half.highest_equivalent(step.value_iterated_to())),
                    count: step.count_at_value(),
                })
                .collect()
        };
        let negative = side(&self.negative).into_iter().rev().map(|b| Bucket {
            lowest: -b.highest,
            highest: -b.lowest,
            count: b.count,
        });
        let zero = (self.zero > 0).then_some(Bucket {
            lowest: 0,
            highest: 0,
            count: self.zero,
        });
        negative.chain(zero).chain(side(&self.positive))
    }

    /// The `q`-quantile as the end of its bucket that is nearer to zero, so within 0.1 % of the
    /// exact one; `None` for an empty histogram.
    pub fn quantile(&self, q: super::Probability) -> Option<i64> {
        let rank = super::rank(self.count(), q);
        let mut seen = 0u64;
        self.buckets().find_map(|bucket| {
            seen = seen.saturating_add(bucket.count);
            let nearer = if bucket.lowest < 0 {
                bucket.highest
            } else {
                bucket.lowest
            };
            (rank > 0 && seen >= rank).then_some(nearer)
        })
    }

    /// Both halves in the form other implementations read.
    ///
    /// # Errors
    /// If an encoding is larger than its length fields can say, which needs more counts than
    /// memory holds.
    pub fn encode(&self) -> Result<EncodedHistogram, EncodeHistogramError> {
        Ok(EncodedHistogram {
            negative: encode_half(&self.negative)?,
            zero: self.zero,
            positive: encode_half(&self.positive)?,
            saturated: self.saturated,
        })
    }
}

impl Default for SignedHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SignedHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.buckets()).finish()
    }
}

/// A half that grows to the values it is given: from 1 to 2^63, in three digits.
#[expect(
    clippy::expect_used,
    reason = "constant arguments: 3 digits are allowed, so this cannot fail"
)]
fn half() -> Histogram<u64> {
    let mut half = Histogram::new(SIGNIFICANT_DIGITS).expect("3 digits are allowed");
    half.auto(true);
    half
}

fn encode_half(half: &Histogram<u64>) -> Result<String, EncodeHistogramError> {
    // How far a histogram has grown depends on what was merged when, and the encoding's header says
    // so: encode one that is just large enough, so that equal counts give equal text.
    let mut snug = Histogram::<u64>::new_with_bounds(1, half.max().max(2), SIGNIFICANT_DIGITS)
        .map_err(|_| EncodeHistogramError)?;
    snug.add(half).map_err(|_| EncodeHistogramError)?;
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&snug, &mut bytes)
        .map_err(|_| EncodeHistogramError)?;
    Ok(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::{Probability, quantile};
    use super::*;
    use hdrhistogram::serialization::Deserializer;
    use proptest::prelude::*;

    fn decode(text: &str) -> Histogram<u64> {
        let bytes = STANDARD.decode(text).unwrap();
        Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .unwrap()
    }

    fn of(values: &[i64]) -> SignedHistogram {
        let mut h = SignedHistogram::new();
        values.iter().for_each(|v| h.record(*v));
        h
    }

    /// A log that the Java implementation wrote must read here with the counts it has there, so
    /// that what is written here reads there.
    #[test]
    fn reads_what_another_implementation_wrote() {
        let log = include_str!("../../tests/data/jHiccup-2.0.7S.logV2.hlog");
        let lines = log
            .lines()
            .filter(|l| l.starts_with(|c: char| c.is_ascii_digit()));
        let mut total = SignedHistogram::new();
        let mut read = 0;
        for line in lines {
            let half = decode(line.rsplit(',').next().unwrap());
            assert_eq!(decode(&encode_half(&half).unwrap()).len(), half.len());
            total.positive.add(half).unwrap();
            read += 1;
        }
        assert_eq!((read, total.count()), (62, 48_761));
        assert_eq!(total.buckets().last().unwrap().highest, 1_796_210_687);
        let p99_9 = total.quantile(Probability::P99_9).unwrap();
        assert!(
            total
                .positive
                .equivalent(p99_9.unsigned_abs(), 1_745_879_039)
        );
    }

    #[test]
    fn the_ends_of_the_range_are_kept_and_what_is_beyond_is_counted() {
        let h = of(&[i64::MIN, -i64::MAX, i64::MAX, 1, -1, 0]);
        assert_eq!((h.count(), h.saturated()), (6, 1));
        let buckets: Vec<_> = h.buckets().collect();
        assert_eq!(buckets[0].count, 2);
        assert_eq!(buckets[0].lowest, -i64::MAX);
        assert_eq!(buckets.last().unwrap().highest, i64::MAX);
        assert_eq!(
            buckets[1..4]
                .iter()
                .map(|b| (b.lowest, b.count))
                .collect::<Vec<_>>(),
            [(-1, 1), (0, 1), (1, 1)]
        );
        assert!(h.encode().is_ok());
    }

    #[test]
    fn an_empty_histogram_has_no_quantile() {
        assert_eq!(SignedHistogram::new().quantile(Probability::P50), None);
        assert!(SignedHistogram::new().encode().is_ok());
    }

    fn any_size() -> impl Strategy<Value = i64> {
        (any::<i64>(), 0u32..63).prop_map(|(v, shift)| v >> shift)
    }

    proptest! {
        #[test]
        fn merging_is_recording_in_any_order(
            a in prop::collection::vec(any_size(), 0..60),
            b in prop::collection::vec(any_size(), 0..60),
        ) {
            let (ha, hb) = (of(&a), of(&b));
            let (mut ab, mut ba) = (ha.clone(), hb.clone());
            ab.merge(&hb);
            ba.merge(&ha);
            let both: Vec<i64> = b.into_iter().rev().chain(a).collect();
            prop_assert_eq!(ab.encode(), ba.encode());
            prop_assert_eq!(ab.encode(), of(&both).encode());
        }

        #[test]
        fn quantiles_are_within_a_thousandth(
            mut values in prop::collection::vec(any_size(), 1..100),
            q in 0u32..=10_000,
        ) {
            let q = Probability::from_parts(q).unwrap();
            values.sort_unstable();
            let exact = quantile(&values, q).unwrap();
            let got = of(&values).quantile(q).unwrap();
            prop_assert!(got.abs_diff(exact) <= exact.unsigned_abs() / 1_000, "{got} for {exact}");
        }

        #[test]
        fn encoding_keeps_every_count(values in prop::collection::vec(any_size(), 0..60)) {
            let h = of(&values);
            let encoded = h.encode().unwrap();
            prop_assert_eq!(decode(&encoded.negative), h.negative);
            prop_assert_eq!(decode(&encoded.positive), h.positive);
            prop_assert_eq!(encoded.zero, h.zero);
        }
    }
}
