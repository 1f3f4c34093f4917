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
/// negative ones, one the others, and zero is counted exactly. Nothing is shifted: that would cost
/// the relative precision near zero, where it matters. The buckets are those of HdrHistogram, but
/// counted here: knowing their precision and nothing else is twice as fast.
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
    /// The counts of negative values by size, and those of the others.
    halves: [Vec<u64>; 2],
    count: u64,
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
            halves: [Vec::new(), Vec::new()],
            count: 0,
            saturated: 0,
        }
    }

    /// Counts one value.
    #[inline]
    pub fn record(&mut self, value: i64) {
        self.record_n(value, 1);
    }

    /// Counts `value` `n` times. Counts saturate.
    #[inline]
    pub fn record_n(&mut self, value: i64, n: u64) {
        let mut size = value.unsigned_abs();
        if size > LARGEST {
            size = LARGEST;
            self.saturated = self.saturated.saturating_add(n);
        }
        self.count = self.count.saturating_add(n);
        // An index, not a branch: offsets change their sign as they please.
        let half = &mut self.halves[usize::from(value >= 0)];
        let index = index_of(size);
        match half.get_mut(index) {
            Some(count) => *count = count.saturating_add(n),
            None => grow(half, index, n),
        }
    }

    /// Adds all that `other` counted. Exact, and the same in any order.
    pub fn merge(&mut self, other: &Self) {
        for (half, other) in self.halves.iter_mut().zip(&other.halves) {
            half.resize(half.len().max(other.len()), 0);
            for (count, other) in half.iter_mut().zip(other) {
                *count = count.saturating_add(*other);
            }
        }
        self.count = self.count.saturating_add(other.count);
        self.saturated = self.saturated.saturating_add(other.saturated);
    }

    fn negative(&self) -> &[u64] {
        &self.halves[0]
    }

    /// Zero is the first of them.
    fn positive(&self) -> &[u64] {
        &self.halves[1]
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many values were out of range and recorded at its end.
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The buckets that hold something, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        let bucket = |(index, count): (usize, &u64)| (*count > 0).then(|| bucket_at(index, *count));
        let negative = self.negative().iter().enumerate().rev().filter_map(bucket);
        let positive = self.positive().iter().enumerate().filter_map(bucket);
        negative.map(Bucket::negated).chain(positive)
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
        let mut ascending: [(u64, usize); N] = std::array::from_fn(|n| (ranks[n], n));
        ascending.sort_unstable();
        let mut wanted = ascending.iter().filter(|(rank, _)| *rank > 0).peekable();
        let mut found = [None; N];
        let mut seen = 0u64;
        for bucket in self.buckets() {
            seen = seen.saturating_add(bucket.count);
            while let Some((_, n)) = wanted.next_if(|(rank, _)| *rank <= seen) {
                found[*n] = Some(bucket);
            }
            if wanted.peek().is_none() {
                break;
            }
        }
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
            zero: self.positive().first().copied().unwrap_or(0),
            positive: encode_half(self.positive())?,
            saturated: self.saturated,
        })
    }
}

/// Sizes of the values of one sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedSizes {
    /// Base64 of the compressed V2 encoding.
    pub encoded: String,
    /// The largest that it may hold.
    pub largest: u64,
}

impl SignedHistogram {
    /// Both halves as a log of histograms has them: the sizes of the negative values, and the others, zero among
    /// them; none for a half that is empty.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_sizes(&self) -> Result<[Option<EncodedSizes>; 2], EncodeHistogramError> {
        let half = |half: &[u64], from: usize| {
            let mut held = half.iter().enumerate().skip(from);
            let last = held.rfind(|(_, count)| **count > 0);
            let largest =
                last.map(|(index, count)| bucket_at(index, *count).highest.unsigned_abs());
            let encoded = largest.map(|largest| {
                let encoded = encode_from(half, from)?;
                Ok(EncodedSizes { encoded, largest })
            });
            encoded.transpose()
        };
        Ok([half(self.negative(), 1)?, half(self.positive(), 0)?])
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

/// Below this sizes have a bucket each: 2 * 10^3 of the digits, rounded up to a power of two. Between
/// two powers above it there are half as many, each twice as wide as those before.
const SINGLE: u64 = 2_048;
const HALF: u64 = SINGLE / 2;

/// The place of a size, as HdrHistogram numbers them for a lowest value of 1.
#[inline]
fn index_of(size: u64) -> usize {
    let power = (size | (SINGLE - 1)).ilog2() + 1 - SINGLE.ilog2();
    // At most 54 times HALF, for a size of 64 bits.
    usize::try_from(u64::from(power) * HALF + (size >> power)).unwrap_or(usize::MAX)
}

fn bucket_at(index: usize, count: u64) -> Bucket {
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    let power = (index / HALF).saturating_sub(1);
    let lowest = (index - power * HALF) << power;
    let signed = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
    Bucket {
        lowest: signed(lowest),
        highest: signed(lowest + ((1 << power) - 1)),
        count,
    }
}

/// Makes room for a size not met before, up to the next power of two.
#[cold]
fn grow(half: &mut Vec<u64>, index: usize, n: u64) {
    let step = usize::try_from(HALF).unwrap_or(usize::MAX);
    half.resize((index / step + 1).saturating_mul(step), 0);
    if let Some(count) = half.get_mut(index) {
        *count = n;
    }
}

/// The counts of a half, that of zero left out: it is told beside them.
fn encode_half(half: &[u64]) -> Result<String, EncodeHistogramError> {
    encode_from(half, 1)
}

/// The counts of a half from one on.
fn encode_from(half: &[u64], first: usize) -> Result<String, EncodeHistogramError> {
    let counts = half.iter().enumerate().skip(first);
    let counts = counts.filter(|(_, count)| **count > 0);
    let buckets = counts.map(|(index, count)| bucket_at(index, *count));
    let highest = buckets
        .clone()
        .next_back()
        .map_or(0, |bucket| bucket.highest.unsigned_abs());
    // Its header says how far a histogram could go: just far enough, so that equal counts give equal
    // text, whatever was merged when.
    let mut snug = Histogram::<u64>::new_with_bounds(1, highest.max(2), SIGNIFICANT_DIGITS)
        .map_err(|_| EncodeHistogramError)?;
    for bucket in buckets {
        snug.record_n(bucket.lowest.unsigned_abs(), bucket.count)
            .map_err(|_| EncodeHistogramError)?;
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&snug, &mut bytes)
        .map_err(|_| EncodeHistogramError)?;
    Ok(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests;
