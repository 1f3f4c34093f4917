//! [`ReferenceTime`]: when a server's clock was last corrected, by its own word; it tells one server from another.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ReferenceId;
use crate::time::Timestamp;

/// The reference timestamp of a reply (RFC 5905 section 7.3), as it came: 64 bits that no other server has, since each
/// corrects its clock at instants of its own.
///
/// It is compared, and never read as a time. One that is round is not kept: servers that follow nothing but their own
/// clock, or a pulse each second, make it up, and two of them may make up the same.
///
/// ```
/// use clockfit::sample::ReferenceTime;
/// let told = ReferenceTime::telling(0xeccc_6f30_1234_5678).unwrap();
/// assert_eq!(told.to_string(), "eccc6f30.12345678");
/// assert_eq!("eccc6f30.12345678".parse(), Ok(told));
/// // Half a second, and 0.1 s in whole microseconds.
/// assert_eq!(ReferenceTime::telling(0xeccc_6f30_8000_0000), None);
/// assert_eq!(ReferenceTime::telling(0xeccc_6f30_1999_9999), None);
/// ```
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct ReferenceTime(u64);

/// Units of 2^-32 s in nearly a nanosecond: how far from a whole microsecond is still that microsecond.
const ROUNDED: u64 = 4;

impl ReferenceTime {
    /// A timestamp in units of 2^-32 s since the start of its era, unless it tells nothing: zero ("unknown"), whole
    /// microseconds, and multiples of 2^-16 s.
    pub const fn telling(units: u64) -> Option<Self> {
        let time = Self(units);
        if time.is_telling() { Some(time) } else { None }
    }

    /// Whether it is not round.
    pub const fn is_telling(self) -> bool {
        let fraction = self.0 & 0xffff_ffff;
        // The nearest whole microsecond, back in units.
        let micros = (fraction * 1_000_000 + (1 << 31)) >> 32;
        let round = ((micros << 32) + 500_000) / 1_000_000;
        fraction.abs_diff(round) > ROUNDED && !fraction.is_multiple_of(1 << 16)
    }

    /// Whether it is later than another one, across the start of an era, too.
    pub const fn is_after(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }
}

impl fmt::Display for ReferenceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}.{:08x}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

/// Text that is no reference timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reftime: expected two times eight hexadecimal digits, and a dot between")]
pub struct NoReferenceTime;

impl FromStr for ReferenceTime {
    type Err = NoReferenceTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seconds, fraction) = text.split_once('.').ok_or(NoReferenceTime)?;
        let word = |text: &str| {
            let is_hex = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let word = u32::from_str_radix(text, 16).ok().filter(|_| is_hex);
            word.map(u64::from).ok_or(NoReferenceTime)
        };
        Ok(Self(word(seconds)? << 32 | word(fraction)?))
    }
}

impl From<ReferenceTime> for String {
    fn from(time: ReferenceTime) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for ReferenceTime {
    type Error = NoReferenceTime;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A part of a run in which a server said that its clock was last corrected at one and the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceSpell {
    /// When that was, by its own word.
    pub time: ReferenceTime,
    /// Its distance from a reference clock in hops.
    pub stratum: u8,
    /// What it follows.
    pub id: ReferenceId,
    /// The first reply that said so (T3), on the server's clock.
    pub from: Timestamp,
    /// The last one in a row.
    pub to: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_ones_tell_nothing() {
        let units = |nanos: u64| (nanos << 32) / 1_000_000_000;
        for nanos in [0, 1_000, 500_000_000, 123_456_000, 999_999_000] {
            // However a server rounds.
            for units in units(nanos).saturating_sub(2)..units(nanos) + 3 {
                assert_eq!(ReferenceTime::telling(7 << 32 | units), None, "{nanos}");
            }
        }
        // A tick of 2^-10 s.
        assert_eq!(ReferenceTime::telling(7 << 32 | 3 << 22), None);
        for nanos in [100, 123_456_700, 123_456_789, 999_999_998] {
            assert!(ReferenceTime::telling(7 << 32 | units(nanos)).is_some());
        }
    }

    #[test]
    fn order_goes_on_in_the_next_era() {
        let (last, next) = (ReferenceTime(u64::MAX - 99), ReferenceTime(100));
        assert!(next.is_after(last) && !last.is_after(next) && !last.is_after(last));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            ".",
            "eccc6f30",
            "eccc6f3.012345678",
            "eccc6f30.1234567g",
            "+ccc6f30.12345678",
            "eccc6f30.12345678.",
        ] {
            assert_eq!(text.parse::<ReferenceTime>(), Err(NoReferenceTime));
        }
    }
}
