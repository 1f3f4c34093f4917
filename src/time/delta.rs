//! [`TimeDelta`]: a signed difference of two instants.

use std::ops::{Add, AddAssign, Neg, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A signed difference in whole nanoseconds (`i64`, so ±292 years). Arithmetic saturates.
///
/// ```
/// use clockfit::time::TimeDelta;
/// let ahead = TimeDelta::from_millis(50);
/// assert_eq!((ahead - TimeDelta::from_micros(1)).as_nanos(), 49_999_000);
/// assert_eq!(TimeDelta::MAX + ahead, TimeDelta::MAX);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TimeDelta(i64);

impl TimeDelta {
    /// No difference.
    pub const ZERO: Self = Self(0);
    /// The smallest difference that can be told from none.
    pub const NANOSECOND: Self = Self(1);
    /// The largest difference; what a saturated sum reads.
    pub const MAX: Self = Self(i64::MAX);
    /// The most negative difference.
    pub const MIN: Self = Self(i64::MIN);

    /// A difference of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A difference of `micros` microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A difference of `millis` milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A difference of `secs` seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(super::NANOS_PER_SEC))
    }

    /// The difference in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The difference as seconds, for statistics and display only.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact below 2^53 ns; statistics only"
    )]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The size without the sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// Whether the difference is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// `self` times a whole number.
    #[must_use]
    pub const fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// The middle of two differences, ties to even: an estimate is rounded to nearest.
    ///
    /// ```
    /// use clockfit::time::TimeDelta;
    /// let ns = TimeDelta::from_nanos;
    /// assert_eq!(ns(1).midpoint(ns(2)), ns(2));
    /// assert_eq!(ns(2).midpoint(ns(3)), ns(2));
    /// assert_eq!(ns(-1).midpoint(ns(0)), ns(0));
    /// ```
    #[must_use]
    pub fn midpoint(self, other: Self) -> Self {
        let sum = i128::from(self.0) + i128::from(other.0);
        let floor = sum.div_euclid(2);
        let odd_half = sum.rem_euclid(2) == 1 && floor.rem_euclid(2) == 1;
        let nearest = floor + i128::from(odd_half);
        // The middle of two i64 is an i64, except i64::MAX rounded up.
        Self(i64::try_from(nearest).unwrap_or(i64::MAX))
    }

    /// The difference as an unsigned duration; negative ones become zero.
    pub fn to_duration(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

impl From<Duration> for TimeDelta {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl Add for TimeDelta {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for TimeDelta {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for TimeDelta {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for TimeDelta {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn saturates_instead_of_wrapping() {
        assert_eq!(TimeDelta::MIN - TimeDelta::NANOSECOND, TimeDelta::MIN);
        assert_eq!(-TimeDelta::MIN, TimeDelta::MAX);
        assert_eq!(TimeDelta::MIN.abs(), TimeDelta::MAX);
        assert_eq!(TimeDelta::from_secs(i64::MAX), TimeDelta::MAX);
        assert_eq!(TimeDelta::MAX.midpoint(TimeDelta::MAX), TimeDelta::MAX);
    }

    proptest! {
        #[test]
        fn midpoint_is_symmetric_and_between(a: i64, b: i64) {
            let (a, b) = (TimeDelta::from_nanos(a), TimeDelta::from_nanos(b));
            let mid = a.midpoint(b);
            prop_assert_eq!(mid, b.midpoint(a));
            prop_assert!(mid >= a.min(b) && mid <= a.max(b));
        }

        #[test]
        fn midpoint_has_no_bias_towards_either_sign(a in -1_000_000i64.., b in -1_000_000i64..1_000_000) {
            let (a, b) = (TimeDelta::from_nanos(a), TimeDelta::from_nanos(b));
            prop_assert_eq!((-a).midpoint(-b), -(a.midpoint(b)));
        }
    }
}
