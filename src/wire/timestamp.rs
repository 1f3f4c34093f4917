//! [`NtpTimestamp`] and [`NtpShort`]: NTP's fixed-point times (RFC 5905 section 6), and the way
//! from them to whole nanoseconds and back.

use crate::time::{NANOS_PER_SEC, TimeDelta, Timestamp};

/// Seconds from 1900-01-01 (start of NTP era 0) to 1970-01-01: 70 years, 17 of them leap years.
const UNIX_EPOCH_IN_ERA_0: i64 = 2_208_988_800;

/// [`NANOS_PER_SEC`] for unsigned fractions.
const NANOS: u64 = NANOS_PER_SEC.unsigned_abs();

/// Which neighbour a value that lies between two representable ones becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// The earlier one.
    Down,
    /// The nearer one, ties to even.
    Nearest,
    /// The later one.
    Up,
}

impl Rounding {
    /// `value / divisor` for a value of at most 2^62.
    const fn divide(self, value: u64, divisor: u64) -> u64 {
        match self {
            Self::Down => value / divisor,
            Self::Nearest => {
                let (floor, rest) = (value / divisor, value % divisor);
                let later = 2 * rest > divisor || (2 * rest == divisor && floor % 2 == 1);
                floor + later as u64
            }
            Self::Up => value.div_ceil(divisor),
        }
    }
}

/// A 64-bit NTP timestamp: unsigned seconds since the start of its era in the upper 32 bits, the
/// fraction in units of 2^-32 s (233 ps) in the lower. Zero means "unknown" (RFC 5905 section 6).
///
/// It does not say which era it belongs to, so it has no order and no difference here: convert it
/// with [`to_timestamp`](Self::to_timestamp) first. In a client's request it is no time at all but
/// a random number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NtpTimestamp(pub u64);

impl NtpTimestamp {
    /// "Unknown".
    pub const ZERO: Self = Self(0);

    /// Whether the sender says that it does not know this time.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// From two 32-bit words as they stand in the header: seconds, fraction.
    pub(super) const fn from_words(seconds: [u8; 4], fraction: [u8; 4]) -> Self {
        let (hi, lo) = (u32::from_be_bytes(seconds), u32::from_be_bytes(fraction));
        Self((hi as u64) << 32 | lo as u64)
    }

    /// The two words of the header.
    pub(super) const fn to_words(self) -> ([u8; 4], [u8; 4]) {
        let [a, b, c, d, e, f, g, h] = self.0.to_be_bytes();
        ([a, b, c, d], [e, f, g, h])
    }

    /// The instant as a fixed-point number, never zero: at the very start of an era it becomes the
    /// neighbour on the side that `rounding` leans to, because zero would read as "unknown".
    ///
    /// A nanosecond is 4.29 units of 2^-32 s, so whole nanoseconds survive the way there and back
    /// when both roundings are [`Nearest`](Rounding::Nearest), or when they are opposite:
    ///
    /// | written | read | |
    /// |---|---|---|
    /// | `Down` | `Up` | exact: how a receive stamp (T2) travels |
    /// | `Up` | `Down` | exact: how a transmit stamp (T3) travels |
    /// | `Nearest` | `Nearest` | exact |
    /// | `Nearest` | `Up` or `Down` | up to one nanosecond off, outward |
    pub fn from_timestamp(t: Timestamp, rounding: Rounding) -> Self {
        match Self(low_64(units_since_1900(t, rounding))) {
            Self::ZERO if rounding == Rounding::Down => Self(u64::MAX),
            Self::ZERO => Self(1),
            known => known,
        }
    }

    /// The instant in whole nanoseconds, in the era that brings it within 2^31 s (68 years) of
    /// `pivot`: so it is right across 2036-02-07T06:28:16Z, where era 1 begins, as long as the
    /// pivot (the local clock) is right to within 68 years. A zero is converted like any other
    /// number; ask [`is_zero`](Self::is_zero) first.
    ///
    /// `None` where the instant does not fit into `i64` nanoseconds (before 1677 or after 2262):
    /// [`Rejection::TimeOutOfRange`](crate::sample::Rejection::TimeOutOfRange).
    pub fn to_timestamp(self, pivot: Timestamp, rounding: Rounding) -> Option<Timestamp> {
        let pivot = units_since_1900(pivot, Rounding::Down);
        // Differences on the circle of 2^64 units: right while the true one is below 2^31 s.
        let distance = self.0.wrapping_sub(low_64(pivot)).cast_signed();
        let units = pivot + i128::from(distance);
        let seconds = i64::try_from(units >> 32).ok()? - UNIX_EPOCH_IN_ERA_0;
        let nanos = rounding.divide((low_64(units) & 0xffff_ffff) * NANOS, 1 << 32);
        let total = i128::from(seconds) * i128::from(NANOS_PER_SEC) + i128::from(nanos);
        i64::try_from(total).ok().map(Timestamp::from_nanos)
    }
}

/// Units of 2^-32 s since 1900-01-01, not folded into an era. It needs 68 bits.
fn units_since_1900(t: Timestamp, rounding: Rounding) -> i128 {
    let seconds = t.as_nanos().div_euclid(NANOS_PER_SEC) + UNIX_EPOCH_IN_ERA_0;
    let nanos = t.as_nanos().rem_euclid(NANOS_PER_SEC).unsigned_abs();
    (i128::from(seconds) << 32) + i128::from(rounding.divide(nanos << 32, NANOS))
}

/// What remains of a count of units when the era is dropped.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "dropping the era is the point: the wire has no room for it"
)]
const fn low_64(units: i128) -> u64 {
    units as u64
}

/// A 32-bit NTP duration: unsigned, in units of 2^-16 s (15.3 us), up to 18 hours. Root delay and
/// root dispersion travel so (RFC 5905 section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NtpShort(pub u32);

impl NtpShort {
    /// In whole nanoseconds, rounded up: both fields are bounds, and bounds go outward.
    ///
    /// ```
    /// use clockfit::time::TimeDelta;
    /// use clockfit::wire::NtpShort;
    /// assert_eq!(NtpShort(1).to_delta(), TimeDelta::from_nanos(15_259));
    /// assert_eq!(NtpShort(0x0001_8000).to_delta(), TimeDelta::from_millis(1_500));
    /// ```
    pub fn to_delta(self) -> TimeDelta {
        let nanos = Rounding::Up.divide(u64::from(self.0) * NANOS, 1 << 16);
        TimeDelta::from_nanos(nanos.cast_signed())
    }

    /// The smallest representable duration that is not below `delta`; below zero it is zero, above
    /// 18 hours the largest there is. There and back it may grow by one unit, never shrink.
    pub fn from_delta(delta: TimeDelta) -> Self {
        let nanos = u128::from(u64::try_from(delta.as_nanos()).unwrap_or(0));
        let units = (nanos << 16).div_ceil(u128::from(NANOS));
        Self(u32::try_from(units).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2036-02-07T06:28:16Z, the first second of era 1.
    const ERA_1: i64 = 2_085_978_496 * NANOS_PER_SEC;

    const LOSSLESS: [(Rounding, Rounding); 3] = [
        (Rounding::Down, Rounding::Up),
        (Rounding::Up, Rounding::Down),
        (Rounding::Nearest, Rounding::Nearest),
    ];

    fn assert_survives(t: Timestamp) {
        for (there, back) in LOSSLESS {
            let wire = NtpTimestamp::from_timestamp(t, there);
            assert!(!wire.is_zero(), "{t}");
            assert_eq!(wire.to_timestamp(t, back), Some(t), "{t} {there:?}");
        }
    }

    #[test]
    fn known_instants_have_the_published_numbers() {
        let at = |secs: i64| Timestamp::from_nanos(secs * NANOS_PER_SEC);
        let ntp = |t| NtpTimestamp::from_timestamp(t, Rounding::Nearest).0;
        // RFC 5905 figure 4: 1970-01-01, 1972-01-01, the last day of era 0.
        assert_eq!(ntp(at(0)) >> 32, 2_208_988_800);
        assert_eq!(ntp(at(63_072_000)) >> 32, 2_272_060_800);
        assert_eq!(ntp(at(2_085_955_200)) >> 32, 4_294_944_000);
        assert_eq!(ntp(at(2_085_978_495)) >> 32, 0xffff_ffff);
        assert_eq!(ntp(Timestamp::from_nanos(ERA_1 + NANOS_PER_SEC)), 1 << 32);
        assert_eq!(
            ntp(Timestamp::from_nanos(500_000_000)) & 0xffff_ffff,
            1 << 31
        );
    }

    #[test]
    fn nanoseconds_survive_at_the_hard_places() {
        let edges = [
            0,
            1,
            2,
            3,
            116,
            117,
            232,
            233,
            499_999_999,
            500_000_000,
            500_000_001,
        ];
        for base in [0, ERA_1, -ERA_1, 1_763_832_000 * NANOS_PER_SEC] {
            for edge in edges {
                assert_survives(Timestamp::from_nanos(base + edge));
                assert_survives(Timestamp::from_nanos(base - edge));
            }
        }
        assert_survives(Timestamp::from_nanos(i64::MIN));
        assert_survives(Timestamp::from_nanos(i64::MAX));
    }

    #[test]
    fn every_1009th_nanosecond_of_a_second_survives() {
        for nanos in (0..NANOS_PER_SEC).step_by(1009) {
            assert_survives(Timestamp::from_nanos(1_763_832_000 * NANOS_PER_SEC + nanos));
        }
    }

    #[test]
    fn nearest_read_with_a_direction_is_not_lossless() {
        // The reason why a responder writes T2 down and T3 up.
        let t = Timestamp::from_nanos(1);
        let wire = NtpTimestamp::from_timestamp(Timestamp::from_nanos(3), Rounding::Nearest);
        assert_eq!(
            wire.to_timestamp(t, Rounding::Up),
            Some(Timestamp::from_nanos(4))
        );
    }

    #[test]
    fn a_stamp_is_unfolded_next_to_the_pivot() {
        let second = |n: i64| Timestamp::from_nanos(ERA_1 + n * NANOS_PER_SEC);
        let half_era = 1i64 << 31;
        for pivot in [-half_era + 10, -3600, -1, 0, 1, 3600, half_era - 10] {
            for t in [-5, -1, 1, 5] {
                let wire = NtpTimestamp::from_timestamp(second(t), Rounding::Up);
                let read = wire.to_timestamp(second(pivot), Rounding::Down);
                assert_eq!(read, Some(second(t)), "pivot {pivot} t {t}");
            }
        }
        // Just beyond half an era the neighbouring era is nearer.
        let wire = NtpTimestamp::from_timestamp(second(0), Rounding::Up);
        let read = wire.to_timestamp(second(half_era + 1), Rounding::Down);
        assert_eq!(read, Some(second(1 << 32)));
    }

    #[test]
    fn a_time_beyond_i64_nanoseconds_is_refused() {
        let last = Timestamp::from_nanos(i64::MAX);
        let beyond = NtpTimestamp::from_timestamp(last, Rounding::Down);
        let beyond = NtpTimestamp(beyond.0.wrapping_add(1 << 32));
        assert_eq!(beyond.to_timestamp(last, Rounding::Down), None);
        let first = Timestamp::from_nanos(i64::MIN);
        let before = NtpTimestamp::from_timestamp(first, Rounding::Down);
        let before = NtpTimestamp(before.0.wrapping_sub(1 << 32));
        assert_eq!(before.to_timestamp(first, Rounding::Up), None);
    }

    proptest! {
        #[test]
        fn any_nanosecond_survives(nanos: i64) {
            assert_survives(Timestamp::from_nanos(nanos));
        }

        #[test]
        fn up_and_down_enclose_the_stamp(bits: u64, pivot in 0i64..4_000_000_000_000_000_000) {
            let pivot = Timestamp::from_nanos(pivot);
            let read = |rounding| NtpTimestamp(bits).to_timestamp(pivot, rounding).unwrap();
            let (down, up) = (read(Rounding::Down), read(Rounding::Up));
            let exact = ((bits & 0xffff_ffff) * NANOS).is_multiple_of(1 << 32);
            prop_assert_eq!(up.since(down), TimeDelta::from_nanos(i64::from(!exact)));
            prop_assert!(down.since(pivot).abs() <= TimeDelta::from_secs(1 << 31));
        }

        #[test]
        fn a_short_never_shrinks(nanos in 0i64..65_535_000_000_000) {
            let delta = TimeDelta::from_nanos(nanos);
            let there = NtpShort::from_delta(delta);
            prop_assert!(there.to_delta() >= delta);
            prop_assert!(there.to_delta() - delta <= TimeDelta::from_nanos(15_259));
            prop_assert!(there.0 == 0 || NtpShort(there.0 - 1).to_delta() < delta + TimeDelta::NANOSECOND);
        }

        #[test]
        fn a_short_is_the_exact_quotient_rounded_up(units: u32) {
            let nanos = i128::from(NtpShort(units).to_delta().as_nanos());
            let excess = nanos * 65_536 - i128::from(units) * 1_000_000_000;
            prop_assert!((0..65_536).contains(&excess));
        }
    }

    #[test]
    fn a_short_saturates_at_both_ends() {
        assert_eq!(NtpShort::from_delta(TimeDelta::MIN), NtpShort(0));
        assert_eq!(NtpShort::from_delta(TimeDelta::MAX), NtpShort(u32::MAX));
        assert_eq!(NtpShort::from_delta(TimeDelta::NANOSECOND), NtpShort(1));
    }
}
