//! [`Resolution`]: what a capture counts its stamps in, and what that leaves unsaid.

use crate::time::{NANOS_PER_SEC, TimeDelta, Timestamp};

/// [`NANOS_PER_SEC`] where signs are out of the question.
const NANOS: u128 = NANOS_PER_SEC.unsigned_abs() as u128;

/// A unit of time: so many of it make a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolution {
    per_second: u64,
}

impl Resolution {
    pub(super) const MICROSECONDS: Self = Self {
        per_second: 1_000_000,
    };
    pub(super) const NANOSECONDS: Self = Self {
        per_second: 1_000_000_000,
    };

    /// The byte of the option `if_tsresol`: 10^-n s, or 2^-n s where the highest bit is set. `None`
    /// for units so small that a second of them exceeds 64 bits.
    pub(super) fn from_option(byte: u8) -> Option<Self> {
        let n = u32::from(byte & 0x7f);
        let per_second = if byte & 0x80 == 0 {
            10u64.checked_pow(n)
        } else {
            1u64.checked_shl(n)
        };
        per_second.map(|per_second| Self { per_second })
    }

    pub(super) const fn ticks_per_second(self) -> u64 {
        self.per_second
    }

    /// The instant `ticks` units and `offset` seconds after 1970, rounded down to a nanosecond;
    /// `None` where 64-bit nanoseconds cannot hold it.
    pub(super) fn instant(self, ticks: u64, offset: i64) -> Option<Timestamp> {
        let nanos = u128::from(ticks) * NANOS / u128::from(self.per_second);
        let offset = i128::from(offset) * i128::from(NANOS_PER_SEC);
        let nanos = i128::try_from(nanos).ok()?.checked_add(offset)?;
        i64::try_from(nanos).ok().map(Timestamp::from_nanos)
    }

    /// What the clock may have read beyond [`instant`](Self::instant): one unit, since the writer of
    /// the capture cut the rest off, and for a unit that does not fit together with nanoseconds one
    /// of those, which is cut off here.
    pub(super) fn error(self) -> TimeDelta {
        let per_second = u128::from(self.per_second);
        let fits = NANOS.is_multiple_of(per_second) || per_second.is_multiple_of(NANOS);
        let nanos = NANOS.div_ceil(per_second) + u128::from(!fits);
        TimeDelta::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_powers_of_ten_or_two() {
        let per_second = |byte| Resolution::from_option(byte).map(|r| r.per_second);
        assert_eq!(per_second(6), Some(1_000_000));
        assert_eq!(per_second(0), Some(1));
        assert_eq!(per_second(0x80 | 10), Some(1024));
        assert_eq!(per_second(19), Some(10_000_000_000_000_000_000));
        assert_eq!(per_second(20), None);
        assert_eq!(per_second(0x80 | 63), Some(1 << 63));
        assert_eq!(per_second(0x80 | 64), None);
        assert_eq!(per_second(0xff), None);
    }

    #[test]
    fn what_64_bits_cannot_hold_is_no_instant() {
        let nanos = |ticks, offset| {
            let instant = Resolution::NANOSECONDS.instant(ticks, offset);
            instant.map(Timestamp::as_nanos)
        };
        assert_eq!(nanos(5, -1), Some(-999_999_995));
        assert_eq!(nanos(i64::MAX.unsigned_abs(), 0), Some(i64::MAX));
        assert_eq!(nanos(u64::MAX, 0), None);
        assert_eq!(nanos(0, i64::MIN), None);
        assert_eq!(nanos(u64::MAX, i64::MAX), None);
        let whole = Resolution { per_second: 1 };
        assert_eq!(whole.instant(u64::MAX, i64::MAX), None);
    }

    #[test]
    fn the_error_is_one_unit() {
        let error = |byte| Resolution::from_option(byte).unwrap().error().as_nanos();
        assert_eq!(error(6), 1000);
        assert_eq!(error(9), 1);
        assert_eq!(error(12), 1);
        assert_eq!(error(0), 1_000_000_000);
        assert_eq!(error(0x80 | 9), 1_953_125); // 2^-9 s is a whole number of nanoseconds
        assert_eq!(error(0x80 | 10), 976_564); // 976562.5 rounded up, and one
        assert_eq!(error(0x80 | 32), 2);
    }

    proptest! {
        /// What a clock reads, in units of 10^-18 s, is written as whole units of another kind and read
        /// back: what is lost on both ways is within the error, and the stamp is never late.
        #[test]
        fn a_cut_stamp_is_early_by_at_most_its_error(
            byte in prop_oneof![0u8..=18, 0x80u8..=0x80 | 58],
            offset in 0i64..4_000_000_000,
            atto in 0u64..10_000_000_000_000_000_000,
        ) {
            const ATTO: u128 = 1_000_000_000_000_000_000;
            let unit = Resolution::from_option(byte).unwrap();
            let ticks = u128::from(atto) * u128::from(unit.per_second) / ATTO;
            let read = unit.instant(u64::try_from(ticks).unwrap(), offset).unwrap().as_nanos();
            let read = read - offset * NANOS_PER_SEC;
            let early = i128::from(atto) - i128::from(read) * 1_000_000_000;
            prop_assert!(early >= 0);
            prop_assert!(early <= i128::from(unit.error().as_nanos()) * 1_000_000_000);
        }
    }
}
