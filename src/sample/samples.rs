//! [`Samples`]: many samples in little memory.

use std::fmt;

use super::{Class, Exchange, Mode, Sample, StampSource};
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// Samples of one source in the order they were completed, packed: each is kept as its differences
/// from the one before, since nearly all of them are small. Some 20 bytes a sample instead of 72,
/// which is what lets ten thousand sources be measured in little memory; any value is kept exactly.
///
/// ```text
/// tag, six lengths | t1 | at - t1 | U | residence | L | at error | (stamp error)
/// ```
///
/// The tag holds the class and whether the stamp error changed; a length is four bits. The others are
/// differences (wrapping), zigzag coded, of as many bytes as they need, least significant first. So a head
/// of four bytes tells where everything is, and nothing is looked for byte by byte.
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
    classes: Vec<OfClass>,
    /// When the latest that proves something was, and the chunk it is in.
    latest: Option<(Monotonic, usize)>,
}

/// What is known of the samples of one class without unpacking any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfClass {
    /// Which.
    pub class: Class,
    /// How many there are.
    pub n: usize,
    /// The least delay of any of them.
    pub least_delay: TimeDelta,
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
const MODE_READING: u8 = 1 << 1;
const MODE_ESTIMATE: u8 = MODE_INTERLEAVED | MODE_READING;
const TX_SHIFT: u32 = 2;
const RX_SHIFT: u32 = 4;
const ERROR_CHANGED: u8 = 1 << 6;

/// A tag, and the lengths of six numbers.
const HEAD: usize = 4;
/// The longest that a number can be.
const WORD: usize = 8;
/// The longest a sample can be: six numbers, and the stamp error, which is always a whole word.
const LONGEST: usize = HEAD + 7 * WORD;

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
        self.count(&sample);
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
        let mut packed = Packed::new();
        packed.put(now.t1, last.t1);
        packed.put(now.ahead, last.ahead);
        packed.put(now.upper, last.upper);
        packed.put(now.residence, last.residence);
        packed.put(now.lower, last.lower);
        packed.put(now.at_error, last.at_error);
        if tag & ERROR_CHANGED != 0 {
            packed.put_word(zigzag(now.error, last.error), WORD);
        }
        packed.finish(tag);
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

    fn count(&mut self, sample: &Sample) {
        let chunk = self.len / CHUNK;
        if sample.mode.proves() && self.latest.is_none_or(|(at, _)| at <= sample.at) {
            self.latest = Some((sample.at, chunk));
        }
        let (class, delay) = (sample.class(), sample.exchange.delay());
        match self.classes.iter_mut().find(|of| of.class == class) {
            Some(of) => {
                of.n += 1;
                of.least_delay = of.least_delay.min(delay);
            }
            None => self.classes.push(OfClass {
                class,
                n: 1,
                least_delay: delay,
            }),
        }
    }

    /// How many there are of each class, by their first.
    pub fn classes(&self) -> &[OfClass] {
        &self.classes
    }

    /// The latest that proves something, wherever it stands; the last one of those at one instant.
    pub fn latest(&self) -> Option<Sample> {
        let (_, chunk) = self.latest?;
        let proofs = self.chunk(chunk).filter(|sample| sample.mode.proves());
        proofs.max_by_key(|sample| sample.at)
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

    /// When the samples of one chunk were, and by which mode: a third of the work of unpacking all of them.
    pub fn instants(&self, chunk: usize) -> impl Iterator<Item = (Monotonic, Mode)> {
        let mut all = self.chunk(chunk);
        std::iter::from_fn(move || {
            let tag = all.step(skim)?;
            Some((all.last.at(), mode_of(tag)))
        })
    }
}

/// One sample on its way into [`Samples`].
struct Packed {
    bytes: [u8; LONGEST],
    len: usize,
    /// The lengths so far, the last one lowest.
    lengths: u32,
}

impl Packed {
    fn new() -> Self {
        Self {
            bytes: [0; LONGEST],
            len: HEAD,
            lengths: 0,
        }
    }

    fn put(&mut self, now: i64, before: i64) {
        let number = zigzag(now, before);
        let bits = u64::BITS - number.leading_zeros();
        let len = bits.div_ceil(8);
        self.lengths = self.lengths << 4 | len;
        self.put_word(number, len as usize);
    }

    /// What of the word is beyond its length is overwritten by the next one.
    fn put_word(&mut self, number: u64, len: usize) {
        let room = self.bytes.get_mut(self.len..);
        if let Some(room) = room.and_then(<[u8]>::first_chunk_mut) {
            *room = number.to_le_bytes();
            self.len += len;
        }
    }

    fn finish(&mut self, tag: u8) {
        let head = u32::from(tag) << 24 | self.lengths;
        if let Some(room) = self.bytes.first_chunk_mut() {
            *room = head.to_le_bytes();
        }
    }
}

/// A difference, small whatever its sign.
const fn zigzag(now: i64, before: i64) -> u64 {
    let difference = now.wrapping_sub(before);
    (difference << 1 ^ difference >> 63).cast_unsigned()
}

/// What [`zigzag`] made of it.
const fn unzigzag(number: u64, before: i64) -> i64 {
    let difference = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
    before.wrapping_add(difference)
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
        let tag = self.step(unpack)?;
        Some(self.last.sample(tag))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Iter<'_> {
    /// Goes to the next one, and returns its tag.
    #[inline]
    fn step(
        &mut self,
        unpack: impl Fn(&[u8; LONGEST], &mut Fields) -> Option<Cursor>,
    ) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        let end = match self.rest.first_chunk() {
            Some(bytes) => unpack(bytes, &mut self.last)?,
            None => {
                // The last few.
                let mut bytes = [0; LONGEST];
                let room = bytes.get_mut(..self.rest.len())?;
                room.copy_from_slice(self.rest);
                unpack(&bytes, &mut self.last)?
            }
        };
        self.rest = self.rest.get(end.len..)?;
        Some(end.tag)
    }
}

/// How far a sample is unpacked: where its next number is, and how long.
struct Cursor {
    tag: u8,
    /// The lengths that are still to come, the next one highest.
    lengths: u32,
    len: usize,
}

/// Unpacks a sample, of which only the differences to the `last` one are told.
#[inline]
fn unpack(bytes: &[u8; LONGEST], last: &mut Fields) -> Option<Cursor> {
    let mut here = Cursor::begin(bytes, last)?;
    last.upper = here.number(bytes, last.upper)?;
    last.residence = here.number(bytes, last.residence)?;
    last.lower = here.number(bytes, last.lower)?;
    last.at_error = here.number(bytes, last.at_error)?;
    if here.tag & ERROR_CHANGED != 0 {
        last.error = unzigzag(here.word(bytes)?, last.error);
        here.len += WORD;
    }
    Some(here)
}

/// The same for its instant alone.
#[inline]
fn skim(bytes: &[u8; LONGEST], last: &mut Fields) -> Option<Cursor> {
    let mut here = Cursor::begin(bytes, last)?;
    while here.lengths != 0 {
        here.len += here.next_length();
    }
    if here.tag & ERROR_CHANGED != 0 {
        here.len += WORD;
    }
    Some(here)
}

impl Cursor {
    #[inline]
    fn begin(bytes: &[u8; LONGEST], last: &mut Fields) -> Option<Self> {
        let [a, b, c, tag, ..] = *bytes;
        let mut here = Self {
            tag,
            lengths: u32::from_le_bytes([0, a, b, c]),
            len: HEAD,
        };
        last.t1 = here.number(bytes, last.t1)?;
        last.ahead = here.number(bytes, last.ahead)?;
        Some(here)
    }

    #[inline]
    fn next_length(&mut self) -> usize {
        let length = self.lengths >> 28;
        self.lengths <<= 4;
        length as usize
    }

    #[inline]
    fn number(&mut self, bytes: &[u8; LONGEST], last: i64) -> Option<i64> {
        /// The bits of so many bytes.
        const KEEP: [u64; WORD + 1] = {
            let mut keep = [u64::MAX; WORD + 1];
            let mut len = 0;
            while len < WORD {
                keep[len] = (1 << (8 * len)) - 1;
                len += 1;
            }
            keep
        };
        let length = self.next_length();
        let number = self.word(bytes)? & KEEP.get(length)?;
        self.len += length;
        Some(unzigzag(number, last))
    }

    #[inline]
    fn word(&self, bytes: &[u8; LONGEST]) -> Option<u64> {
        let word = bytes.get(self.len..)?.first_chunk()?;
        Some(u64::from_le_bytes(*word))
    }
}

impl Fields {
    fn at(&self) -> Monotonic {
        Monotonic::from_nanos(self.ahead.wrapping_add(self.t1))
    }

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
            mode: mode_of(tag),
            at: self.at(),
            at_error: TimeDelta::from_nanos(self.at_error),
        }
    }
}

const fn mode_of(tag: u8) -> Mode {
    match tag & MODE_ESTIMATE {
        MODE_ESTIMATE => Mode::Estimate,
        MODE_READING => Mode::Reading,
        MODE_INTERLEAVED => Mode::Interleaved,
        _ => Mode::Basic,
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
            let chunks = 0..samples.chunks();
            let instants: Vec<_> = chunks.flat_map(|c| samples.instants(c)).collect();
            let given_at: Vec<_> = given.iter().map(|s| (s.at, s.mode)).collect();
            prop_assert_eq!(instants, given_at);
            for of in samples.classes() {
                let delays = given.iter().filter(|s| s.class() == of.class);
                let delays: Vec<_> = delays.map(|s| s.exchange.delay()).collect();
                prop_assert_eq!(of.n, delays.len());
                prop_assert_eq!(Some(&of.least_delay), delays.iter().min());
            }
            let counted: usize = samples.classes().iter().map(|of| of.n).sum();
            prop_assert_eq!(counted, given.len());
            let proofs = given.iter().filter(|s| s.mode.proves());
            prop_assert_eq!(samples.latest(), proofs.max_by_key(|s| s.at).copied());
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
