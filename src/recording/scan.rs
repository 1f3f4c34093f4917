//! The exchange line as it is written, read without looking for what else it might be.
//!
//! [`scan_exchange`] knows one form, that of `write_exchange`, and takes each byte for what has to
//! stand there. Whatever deviates it leaves to the parser of JSON: the two never disagree on a line
//! that both accept, and what is wrong with a line is the parser's to say.

use crate::sample::{AT_ERROR_FLOOR, Exchange, Mode, Sample, SourceId, StampSource};
use crate::time::{Monotonic, NANOS_PER_SEC, TimeDelta, Timestamp};

use super::exchange::USUAL_ERROR;

/// Eight ASCII zeros.
const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
/// 10^n for as many digits as are read at once.
const TENS: [u64; 9] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];
/// The most digits of the seconds of a [`Timestamp`].
const MAX_SECOND_DIGITS: usize = 10;

/// Reads the exchange line at the start of `text`, up to its closing brace. Gives what it tells and
/// what follows; nothing, where the line is not in the one form that is written.
///
/// ```
/// let text = br#"{"k":"x","s":0,"c":"BKK","t1":"1763832000.123456789","u":-660,"r":23456,"l":-2450,"m":12}
/// {"k":"end","m":99,"interrupted":false}"#;
/// let (source, sample, rest) = clockfit::recording::scan_exchange(text).unwrap();
/// assert_eq!((source.0, sample.exchange.upper.as_nanos()), (0, -660));
/// assert!(rest.starts_with(b"\n{\"k\":\"end\""));
/// assert_eq!(clockfit::recording::scan_exchange(&rest[1..]), None);
/// ```
#[inline(always)]
pub fn scan_exchange(text: &[u8]) -> Option<(SourceId, Sample, &[u8])> {
    let mut scan = Scan(text);
    scan.pass(b"{\"k\":\"x\",\"s\":")?;
    let source = SourceId(u32::try_from(scan.number()?).ok()?);
    scan.pass(b",\"c\":\"")?;
    let [mode, tx, rx] = scan.take()?;
    let mode = Mode::from_letter(char::from(mode))?;
    let tx = StampSource::from_letter(char::from(tx))?;
    let rx = StampSource::from_letter(char::from(rx))?;
    scan.pass(b"\",\"t1\":\"")?;
    let t1 = scan.instant()?;
    scan.pass(b"\",\"u\":")?;
    let upper = scan.delta()?;
    scan.pass(b",\"r\":")?;
    let residence = scan.delta()?;
    scan.pass(b",\"l\":")?;
    let lower = scan.delta()?;
    let error = match scan.pass(b",\"e\":") {
        Some(()) => scan.delta()?,
        None => USUAL_ERROR,
    };
    scan.pass(b",\"m\":")?;
    let at = Monotonic::from_nanos(scan.integer()?);
    let at_error = match scan.pass(b",\"g\":") {
        Some(()) => scan.delta()?.max(AT_ERROR_FLOOR),
        None => AT_ERROR_FLOOR,
    };
    scan.pass(b"}")?;
    let exchange = Exchange {
        t1,
        upper,
        residence,
        lower,
        tx,
        rx,
        error,
    };
    let sample = Sample {
        exchange,
        mode,
        at,
        at_error,
    };
    Some((source, sample, scan.0))
}

/// What is still to be read. All of it is inlined: a call for each number would take longer than what
/// it has to do.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    /// Passes over exactly these bytes.
    #[inline(always)]
    fn pass<const N: usize>(&mut self, expected: &[u8; N]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    #[inline(always)]
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    #[inline(always)]
    fn delta(&mut self) -> Option<TimeDelta> {
        self.integer().map(TimeDelta::from_nanos)
    }

    /// A whole number as JSON has them. Not `-0`, which is no integer to every parser.
    #[inline(always)]
    fn integer(&mut self) -> Option<i64> {
        let negative = self.pass(b"-").is_some();
        let value = self.number()?;
        if negative && value == 0 {
            return None;
        }
        signed(value, negative)
    }

    /// The same without a sign.
    #[inline(always)]
    fn number(&mut self) -> Option<u64> {
        let zero_first = self.0.first() == Some(&b'0');
        let (value, count) = self.digits()?;
        match count {
            0 => None,
            8 if !zero_first => self.more_digits(value),
            _ => (!zero_first || count == 1).then_some(value),
        }
    }

    /// The rest of a number, after its first eight digits.
    #[inline(always)]
    fn more_digits(&mut self, first: u64) -> Option<u64> {
        let (value, count) = self.digits()?;
        let value = first * TENS.get(count)? + value;
        if count < 8 {
            return Some(value);
        }
        // 19 digits always fit in a u64.
        let (last, count @ 0..=3) = self.digits()? else {
            return None;
        };
        Some(value * TENS.get(count)? + last)
    }

    /// Seconds with nine decimals.
    #[inline(always)]
    fn instant(&mut self) -> Option<Timestamp> {
        let value = match self.usual_instant() {
            Some(value) => i64::try_from(value).ok()?,
            None => self.any_instant()?,
        };
        Some(Timestamp::from_nanos(value))
    }

    /// An instant from 2001 on, which has ten digits of seconds. Nothing in it has to wait for the
    /// length of something else.
    #[inline(always)]
    fn usual_instant(&mut self) -> Option<u64> {
        let mut scan = Scan(self.0);
        let high = eight(scan.take()?);
        let [tens, ones, b'.'] = scan.take()? else {
            return None;
        };
        let low = eight(scan.take()?);
        let [last] = scan.take()?;
        let [tens, ones, last] = [tens, ones, last].map(|byte| u64::from(byte ^ b'0'));
        if (others_of(high) | others_of(low)) != 0 || tens > 9 || ones > 9 || last > 9 {
            return None;
        }
        self.0 = scan.0;
        let seconds = value_of(high, 8) * 100 + tens * 10 + ones;
        Some(seconds * NANOS_PER_SEC.unsigned_abs() + value_of(low, 8) * 10 + last)
    }

    #[cold]
    fn any_instant(&mut self) -> Option<i64> {
        let negative = self.pass(b"-").is_some();
        let (mut seconds, mut count) = self.digits()?;
        if count == 8 {
            let (value, more) = self.digits()?;
            seconds = seconds * TENS.get(more)? + value;
            count += more;
        }
        if count == 0 || count > MAX_SECOND_DIGITS {
            return None;
        }
        self.pass(b".")?;
        let ((high, 8), (low, 1)) = (self.digits()?, self.digits()?) else {
            return None;
        };
        signed(
            seconds * NANOS_PER_SEC.unsigned_abs() + high * 10 + low,
            negative,
        )
    }

    /// The digits among the next eight bytes, up to what is none: their value and their number.
    #[inline(always)]
    fn digits(&mut self) -> Option<(u64, usize)> {
        let bytes = match self.0.first_chunk() {
            Some(bytes) => *bytes,
            None => self.last_bytes(),
        };
        let bytes = eight(bytes);
        // The first byte is the lowest. Without any other this is 8.
        let count = usize::try_from(others_of(bytes).trailing_zeros() / 8).ok()?;
        self.0 = self.0.get(count..)?;
        Some((value_of(bytes, count), count))
    }

    /// The last bytes where there are fewer than eight, filled up with what is no digit.
    #[cold]
    fn last_bytes(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        for (place, byte) in bytes.iter_mut().zip(self.0) {
            *place = *byte;
        }
        bytes
    }
}

#[inline(always)]
fn signed(value: u64, negative: bool) -> Option<i64> {
    if negative {
        0i64.checked_sub_unsigned(value)
    } else {
        i64::try_from(value).ok()
    }
}

/// Eight bytes, each of which is its value where it was a digit. The first is the lowest.
#[inline(always)]
fn eight(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes) ^ ZEROS
}

/// The top bit of each byte that is no digit. Only up to the first of them is it exact: what it
/// carries may spoil the next.
#[inline(always)]
fn others_of(bytes: u64) -> u64 {
    (bytes.wrapping_add(0x7676_7676_7676_7676) | bytes) & 0x8080_8080_8080_8080
}

/// The value of the first `count` of eight digits.
#[inline(always)]
fn value_of(digits: u64, count: usize) -> u64 {
    // Zeros move in before them, and the other bytes out.
    let others = u32::try_from(8 - count).unwrap_or_default();
    let ones = digits.unbounded_shl(8 * others);
    // Neighbours become numbers of two digits in every second byte, then of four, then of eight.
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}
