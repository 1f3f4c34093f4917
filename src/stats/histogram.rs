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
    /// The sizes of the negative values, and the positive ones.
    halves: [Histogram<u64>; 2],
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

impl Bucket {
    fn negated(self) -> Self {
        Self {
            lowest: -self.highest,
            highest: -self.lowest,
            count: self.count,
        }
    }

    fn nearer_to_zero(self) -> i64 {
        if self.lowest < 0 {
            self.highest
        } else {
            self.lowest
        }
    }
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
            halves: [half(), half()],
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
        if value == 0 {
            self.zero = self.zero.saturating_add(n);
            return;
        }
        let size = value.unsigned_abs();
        if size > LARGEST {
            self.saturated = self.saturated.saturating_add(n);
        }
        // An index, not a branch: offsets change their sign as they please.
        let half = &mut self.halves[usize::from(value > 0)];
        if half.record_n(size.min(LARGEST), n).is_err() {
            // A histogram that resizes itself refuses nothing up to 2^63.
            self.saturated = self.saturated.saturating_add(n);
            half.saturating_record_n(size, n);
        }
    }

    /// Adds all that `other` counted. Exact, and the same in any order.
    pub fn merge(&mut self, other: &Self) {
        // Equal precision and self-resizing on both sides, so neither addition can fail.
        let mut both = self.halves.iter_mut().zip(&other.halves);
        let added = both.all(|(half, other)| half.add(other).is_ok());
        debug_assert!(added);
        self.zero = self.zero.saturating_add(other.zero);
        self.saturated = self.saturated.saturating_add(other.saturated);
    }

    fn negative(&self) -> &Histogram<u64> {
        &self.halves[0]
    }

    fn positive(&self) -> &Histogram<u64> {
        &self.halves[1]
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.negative().len() + self.zero + self.positive().len()
    }

    /// How many values were out of range and recorded at its end.
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The buckets that hold something, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        let zero = (self.zero > 0).then_some(Bucket {
            lowest: 0,
            highest: 0,
            count: self.zero,
        });
        let negative = descending(self.negative()).map(Bucket::negated);
        negative.chain(zero).chain(ascending(self.positive()))
    }

    /// The buckets that hold the observations of 1-based `ranks`, in any order, all in one pass and
    /// without allocating; `None` for rank 0 and beyond the last.
    ///
    /// ```
    /// use clockfit::stats::SignedHistogram;
    /// let mut h = SignedHistogram::new();
    /// for v in [-5_000_000, 0, 12] {
    ///     h.record(v);
    /// }
    /// let [first, last, none] = h.at_ranks([1, 3, 4]);
    /// assert!(first.is_some_and(|b| b.lowest <= -5_000_000 && b.highest >= -5_000_000));
    /// assert_eq!((last.map(|b| (b.lowest, b.highest)), none), (Some((12, 12)), None));
    /// ```
    pub fn at_ranks<const N: usize>(&self, ranks: [u64; N]) -> [Option<Bucket>; N] {
        let mut wanted: [(u64, usize); N] = std::array::from_fn(|n| (ranks[n], n));
        wanted.sort_unstable();
        let mut found = [None; N];
        // Ranks of negative values ascend as their sizes descend.
        let below_zero = self.negative().len();
        let sizes = wanted.iter().rev().filter_map(|(rank, n)| {
            let from_the_end = (below_zero + 1).checked_sub(*rank)?;
            (1..=below_zero)
                .contains(&from_the_end)
                .then_some((from_the_end, *n))
        });
        place(self.negative(), sizes, |n, bucket| {
            found[n] = Some(bucket.negated());
        });
        let up_to_zero = below_zero + self.zero;
        for (_, n) in wanted
            .iter()
            .filter(|(rank, _)| *rank > below_zero && *rank <= up_to_zero)
        {
            found[*n] = Some(Bucket {
                lowest: 0,
                highest: 0,
                count: self.zero,
            });
        }
        let sizes = wanted
            .iter()
            .filter_map(|(rank, n)| Some((rank.checked_sub(up_to_zero).filter(|r| *r > 0)?, *n)));
        place(self.positive(), sizes, |n, bucket| found[n] = Some(bucket));
        found
    }

    /// The `q`-quantile as the end of its bucket that is nearer to zero, so within 0.1 % of the
    /// exact one; `None` for an empty histogram.
    pub fn quantile(&self, q: super::Probability) -> Option<i64> {
        let [bucket] = self.at_ranks([super::rank(self.count(), q)]);
        bucket.map(Bucket::nearer_to_zero)
    }

    /// Both halves in the form other implementations read.
    ///
    /// # Errors
    /// If an encoding is larger than its length fields can say, which needs more counts than
    /// memory holds.
    pub fn encode(&self) -> Result<EncodedHistogram, EncodeHistogramError> {
        Ok(EncodedHistogram {
            negative: encode_half(self.negative())?,
            zero: self.zero,
            positive: encode_half(self.positive())?,
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

/// The bucket of a size in a half.
fn bucket(half: &Histogram<u64>, size: u64, count: u64) -> Bucket {
    let signed = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
    Bucket {
        lowest: signed(half.lowest_equivalent(size)),
        highest: signed(half.highest_equivalent(size)),
        count,
    }
}

/// The buckets of a half that hold something, by size.
fn ascending(half: &Histogram<u64>) -> impl Iterator<Item = Bucket> {
    half.iter_recorded()
        .map(|step| bucket(half, step.value_iterated_to(), step.count_at_value()))
}

/// The same from the largest size down, which the crate cannot iterate.
fn descending(half: &Histogram<u64>) -> impl Iterator<Item = Bucket> {
    let smallest = half.min_nz();
    let largest = (!half.is_empty()).then(|| half.max());
    let sizes = std::iter::successors(largest, move |size| {
        let next = half.lowest_equivalent(*size).checked_sub(1)?;
        (next >= smallest).then_some(next)
    });
    sizes
        .map(|size| bucket(half, size, half.count_at(size)))
        .filter(|bucket| bucket.count > 0)
}

/// Calls `found` with the bucket of each of the (rank, name) `wanted`, ascending by rank.
fn place(
    half: &Histogram<u64>,
    wanted: impl Iterator<Item = (u64, usize)>,
    mut found: impl FnMut(usize, Bucket),
) {
    let mut wanted = wanted.peekable();
    let mut seen = 0u64;
    for step in half.iter_recorded() {
        if wanted.peek().is_none() {
            return;
        }
        seen = seen.saturating_add(step.count_at_value());
        while let Some((_, name)) = wanted.next_if(|(rank, _)| *rank <= seen) {
            found(
                name,
                bucket(half, step.value_iterated_to(), step.count_at_value()),
            );
        }
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
mod tests;
