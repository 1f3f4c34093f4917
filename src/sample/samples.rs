//! [`Samples`]: many samples in little memory.

use std::fmt;

use super::{Exchange, Mode, Sample, StampSource};
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// Samples of one source in the order they were completed, packed: each is kept as its differences
/// from the one before, since nearly all of them are small. Some 20 bytes a sample instead of 72,
/// which is what lets ten thousand sources be measured in little memory; any value is kept exactly.
///
/// ```text
/// tag | t1 | at - t1 | U | residence | L | (stamp error) | (at error)
/// ```
///
/// The tag holds the class and whether each of the last two changed; the others are differences
/// (wrapping), zigzag coded in groups of seven bits, least significant first.
///
/// ```
/// # use clockfit::sample::{Exchange, Mode, Sample, Samples, StampSource};
/// # use clockfit::time::{Monotonic, TimeDelta, Timestamp};
/// # let ns = TimeDelta::from_nanos;
/// # let exchange = Exchange { t1: Timestamp::from_nanos(5), upper: ns(30), residence: ns(2),
/// #     lower: ns(-20), tx: StampSource::Kernel, rx: StampSource::Kernel, error: ns(1) };
/// # let sample = Sample { exchange, mode: Mode::Basic, at: Monotonic::from_nanos(7), at_error: ns(100) };
/// let mut samples = Samples::default();
/// samples.push(sample);
/// assert_eq!(samples.iter().collect::<Vec<_>>(), [sample]);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Samples {
    bytes: Vec<u8>,
    len: usize,
    last: Fields,
    /// Where each chunk but the first begins.
    marks: Vec<Mark>,
}

/// Samples of one chunk, so that many threads can unpack what a long run holds. At 64 samples a second
/// it is a minute; a mark costs a thousandth of what it leads to.
pub const CHUNK: usize = 4096;

/// Where a chunk begins, and the sample before it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    from: usize,
    last: Fields,
}

/// A sample as numbers.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Fields {
    t1: i64,
    /// The counter minus the wall clock: it changes by what the clock was steered.
    ahead: i64,
    upper: i64,
    residence: i64,
    lower: i64,
    error: i64,
    at_error: i64,
}

const MODE_INTERLEAVED: u8 = 1;
const MODE_READING: u8 = 1 << 7;
const MODE_ESTIMATE: u8 = MODE_INTERLEAVED | MODE_READING;
const TX_SHIFT: u32 = 1;
const RX_SHIFT: u32 = 3;
const ERROR_CHANGED: u8 = 1 << 5;
const AT_ERROR_CHANGED: u8 = 1 << 6;

/// The longest a sample can be: a tag and seven numbers of ten bytes. The last may be written as a word.
const LONGEST: usize = 1 + 7 * 10 + WORD;

/// Bytes that are packed and unpacked at once: no difference of less than two years needs more.
const WORD: usize = 8;
/// In each of them, that another one follows.
const MORE: u64 = 0x8080_8080_8080_8080;

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds one at the end.
    pub fn push(&mut self, sample: Sample) {
        let x = &sample.exchange;
        let now = Fields::of(&sample);
        let last = std::mem::replace(&mut self.last, now);
        if self.len.is_multiple_of(CHUNK) && self.len > 0 {
            let from = self.bytes.len();
            self.marks.push(Mark { from, last });
        }
        let mode = match sample.mode {
            Mode::Basic => 0,
            Mode::Interleaved => MODE_INTERLEAVED,
            Mode::Reading => MODE_READING,
            Mode::Estimate => MODE_ESTIMATE,
        };
        let mut tag = mode | source_bits(x.tx) << TX_SHIFT | source_bits(x.rx) << RX_SHIFT;
        if now.error != last.error {
            tag |= ERROR_CHANGED;
        }
        if now.at_error != last.at_error {
            tag |= AT_ERROR_CHANGED;
        }
        let mut packed = Packed::new(tag);
        packed.put(now.t1, last.t1);
        packed.put(now.ahead, last.ahead);
        packed.put(now.upper, last.upper);
        packed.put(now.residence, last.residence);
        packed.put(now.lower, last.lower);
        if tag & ERROR_CHANGED != 0 {
            packed.put(now.error, last.error);
        }
        if tag & AT_ERROR_CHANGED != 0 {
            packed.put(now.at_error, last.at_error);
        }
        let end = self.bytes.len() + packed.len;
        if self.bytes.capacity() - self.bytes.len() < LONGEST {
            // By a quarter: doubling would leave half of the room of ten thousand sources unused.
            let more = LONGEST.max(self.bytes.len() / 4);
            self.bytes.reserve_exact(more);
        }
        // A copy of a length that is known takes a fraction of the time of one that is not.
        self.bytes.extend_from_slice(&packed.bytes);
        self.bytes.truncate(end);
        self.len += 1;
    }

    /// Each in turn.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            rest: &self.bytes,
            left: self.len,
            last: Fields::default(),
        }
    }

    /// How many chunks there are: of [`CHUNK`] samples each, the last one perhaps of fewer.
    pub fn chunks(&self) -> usize {
        self.len.div_ceil(CHUNK)
    }

    /// The samples of one chunk, in turn; the first of them is number `chunk * CHUNK` of all.
    pub fn chunk(&self, chunk: usize) -> Iter<'_> {
        let mark = match chunk.checked_sub(1) {
            None => Some(Mark::default()),
            Some(index) => self.marks.get(index).copied(),
        };
        let begun = chunk.saturating_mul(CHUNK);
        let mark = mark.unwrap_or_default();
        Iter {
            rest: self.bytes.get(mark.from..).unwrap_or_default(),
            left: self.len.saturating_sub(begun).min(CHUNK),
            last: mark.last,
        }
    }
}

/// One sample on its way into [`Samples`].
struct Packed {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Packed {
    fn new(tag: u8) -> Self {
        let mut packed = Self {
            bytes: [0; LONGEST],
            len: 0,
        };
        packed.push(tag);
        packed
    }

    fn put(&mut self, now: i64, before: i64) {
        let difference = now.wrapping_sub(before);
        let mut zigzag = (difference << 1 ^ difference >> 63).cast_unsigned();
        let bits = u64::BITS - zigzag.leading_zeros();
        let len = bits.div_ceil(7).max(1);
        let room = self.bytes.get_mut(self.len..);
        if let (1..=8, Some(room)) = (len, room.and_then(<[u8]>::first_chunk_mut::<WORD>)) {
            let follow = MORE & (1u64 << (8 * (len - 1))).wrapping_sub(1);
            *room = (scattered(zigzag) | follow).to_le_bytes();
            self.len += len as usize;
            return;
        }
        loop {
            let [low, ..] = zigzag.to_le_bytes();
            zigzag >>= 7;
            if zigzag == 0 {
                return self.push(low);
            }
            self.push(low | 0x80);
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Samples {
    type Item = Sample;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Extend<Sample> for Samples {
    fn extend<I: IntoIterator<Item = Sample>>(&mut self, samples: I) {
        for sample in samples {
            self.push(sample);
        }
    }
}

/// The samples of [`Samples`], unpacked one by one.
#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
    left: usize,
    last: Fields,
}

impl Iterator for Iter<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        self.left = self.left.checked_sub(1)?;
        let (&tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        let last = self.last;
        self.last.t1 = self.take(last.t1)?;
        self.last.ahead = self.take(last.ahead)?;
        self.last.upper = self.take(last.upper)?;
        self.last.residence = self.take(last.residence)?;
        self.last.lower = self.take(last.lower)?;
        if tag & ERROR_CHANGED != 0 {
            self.last.error = self.take(last.error)?;
        }
        if tag & AT_ERROR_CHANGED != 0 {
            self.last.at_error = self.take(last.at_error)?;
        }
        Some(self.last.sample(tag))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Iter<'_> {
    #[inline]
    fn take(&mut self, before: i64) -> Option<i64> {
        let zigzag = self.take_word().map_or_else(|| self.take_bytes(), Some)?;
        let difference = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        Some(before.wrapping_add(difference))
    }

    /// A number that ends within a word.
    #[inline]
    fn take_word(&mut self) -> Option<u64> {
        let word = u64::from_le_bytes(*self.rest.first_chunk::<WORD>()?);
        let last = !word & MORE;
        let bits = (last != 0).then(|| last.trailing_zeros() + 1)?;
        self.rest = self.rest.get(bits as usize / 8..)?;
        Some(gathered(word & (u64::MAX >> (u64::BITS - bits))))
    }

    /// Any number, byte by byte.
    #[cold]
    fn take_bytes(&mut self) -> Option<u64> {
        let mut zigzag = 0u64;
        for shift in (0..).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            zigzag |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                break;
            }
        }
        Some(zigzag)
    }
}

/// Seven bits of each byte, side by side.
const fn gathered(word: u64) -> u64 {
    let word = word & !MORE;
    let word = word & 0x007f_007f_007f_007f | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let word = word & 0x0000_3fff_0000_3fff | (word & 0x3fff_0000_3fff_0000) >> 2;
    word & 0x0fff_ffff | (word & 0x0fff_ffff_0000_0000) >> 4
}

/// Seven bits to each byte; the number has at most 56.
const fn scattered(number: u64) -> u64 {
    let word = number & 0x0fff_ffff | (number & 0x00ff_ffff_f000_0000) << 4;
    let word = word & 0x0000_3fff_0000_3fff | (word & 0x0fff_c000_0fff_c000) << 2;
    word & 0x007f_007f_007f_007f | (word & 0x3f80_3f80_3f80_3f80) << 1
}

impl Fields {
    fn of(sample: &Sample) -> Self {
        let x = &sample.exchange;
        Self {
            t1: x.t1.as_nanos(),
            ahead: sample.at.as_nanos().wrapping_sub(x.t1.as_nanos()),
            upper: x.upper.as_nanos(),
            residence: x.residence.as_nanos(),
            lower: x.lower.as_nanos(),
            error: x.error.as_nanos(),
            at_error: sample.at_error.as_nanos(),
        }
    }

    fn sample(&self, tag: u8) -> Sample {
        Sample {
            exchange: Exchange {
                t1: Timestamp::from_nanos(self.t1),
                upper: TimeDelta::from_nanos(self.upper),
                residence: TimeDelta::from_nanos(self.residence),
                lower: TimeDelta::from_nanos(self.lower),
                tx: source_of(tag >> TX_SHIFT),
                rx: source_of(tag >> RX_SHIFT),
                error: TimeDelta::from_nanos(self.error),
            },
            mode: match tag & MODE_ESTIMATE {
                MODE_ESTIMATE => Mode::Estimate,
                MODE_READING => Mode::Reading,
                MODE_INTERLEAVED => Mode::Interleaved,
                _ => Mode::Basic,
            },
            at: Monotonic::from_nanos(self.ahead.wrapping_add(self.t1)),
            at_error: TimeDelta::from_nanos(self.at_error),
        }
    }
}

const fn source_bits(source: StampSource) -> u8 {
    match source {
        StampSource::Hardware => 0,
        StampSource::Kernel => 1,
        StampSource::User => 2,
        StampSource::Foreign => 3,
    }
}

const fn source_of(bits: u8) -> StampSource {
    match bits & 3 {
        0 => StampSource::Hardware,
        1 => StampSource::Kernel,
        2 => StampSource::User,
        _ => StampSource::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -1000i64..1000, Just(i64::MIN), Just(i64::MAX)]
    }

    fn sample() -> impl Strategy<Value = Sample> {
        let sources = || proptest::sample::select(StampSource::ALL.to_vec());
        let modes = proptest::sample::select(Mode::ALL.to_vec());
        let numbers = (
            number(),
            number(),
            number(),
            number(),
            number(),
            number(),
            number(),
        );
        (numbers, sources(), sources(), modes).prop_map(
            |((t1, upper, residence, lower, error, at, at_error), tx, rx, mode)| Sample {
                exchange: Exchange {
                    t1: Timestamp::from_nanos(t1),
                    upper: TimeDelta::from_nanos(upper),
                    residence: TimeDelta::from_nanos(residence),
                    lower: TimeDelta::from_nanos(lower),
                    tx,
                    rx,
                    error: TimeDelta::from_nanos(error),
                },
                mode,
                at: Monotonic::from_nanos(at),
                at_error: TimeDelta::from_nanos(at_error),
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_goes_in_comes_out(given in proptest::collection::vec(sample(), 0..20)) {
            let mut samples = Samples::default();
            samples.extend(given.iter().copied());
            prop_assert_eq!((samples.len(), samples.is_empty()), (given.len(), given.is_empty()));
            prop_assert_eq!(samples.iter().len(), given.len());
            prop_assert_eq!(samples.iter().collect::<Vec<_>>(), given);
        }
    }

    #[test]
    fn chunks_are_what_all_are_in_turn() {
        let made = |n: i64| Sample {
            exchange: Exchange {
                t1: Timestamp::from_nanos(n * 1_000_003),
                upper: TimeDelta::from_nanos(n % 777),
                residence: TimeDelta::ZERO,
                lower: TimeDelta::from_nanos(-n % 1_001),
                tx: StampSource::Kernel,
                rx: StampSource::Kernel,
                error: TimeDelta::from_nanos(1 + n % 2),
            },
            mode: Mode::Basic,
            at: Monotonic::from_nanos(n * 999_983),
            at_error: TimeDelta::from_nanos(100),
        };
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5] {
            let mut samples = Samples::default();
            samples.extend((0..len).map(|n| made(i64::try_from(n).unwrap())));
            let chunks: Vec<Vec<_>> = (0..samples.chunks())
                .map(|c| samples.chunk(c).collect())
                .collect();
            assert!(
                chunks
                    .iter()
                    .rev()
                    .skip(1)
                    .all(|chunk| chunk.len() == CHUNK)
            );
            assert_eq!(chunks.concat(), samples.iter().collect::<Vec<_>>());
            assert_eq!(samples.chunk(samples.chunks()).count(), 0);
        }
    }

    #[test]
    fn an_ordinary_sample_takes_some_20_bytes() {
        let mut samples = Samples::default();
        for n in 0..1000i64 {
            // A second apart, stamps that vary by microseconds, a clock steered by nanoseconds.
            let noise = n * 7919 % 10_007;
            let t1 = 1_763_832_000_000_000_000 + n * 1_003_000_000 + noise;
            let exchange = Exchange {
                t1: Timestamp::from_nanos(t1),
                upper: TimeDelta::from_nanos(50_000_000 + noise),
                residence: TimeDelta::from_nanos(30_000 + noise * 3 % 20_000),
                lower: TimeDelta::from_nanos(49_990_000 - noise),
                tx: StampSource::Kernel,
                rx: StampSource::Kernel,
                error: TimeDelta::from_nanos(20),
            };
            samples.push(Sample {
                exchange,
                mode: Mode::Basic,
                at: Monotonic::from_nanos(t1 - 1_763_000_000_000_000_000 + n % 20),
                at_error: TimeDelta::from_nanos(100),
            });
        }
        let each = samples.bytes.capacity() / samples.len();
        assert!(each <= 20, "{each} bytes");
    }
}
