//! [`Frequency`]: the rate of one clock against another, as it is set; [`Rate`]: as it is measured.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::TimeDelta;

/// A dimensionless rate in parts per billion (`i64`): 1 ppm = 1000 ppb = 1 us each second.
///
/// ```
/// use clockfit::time::{Frequency, TimeDelta};
/// let allowance = Frequency::from_ppm(100);
/// assert_eq!(allowance.gained_over(TimeDelta::from_secs(10)), TimeDelta::from_millis(1));
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Frequency(i64);

impl Frequency {
    /// A rate of `ppb` parts per billion.
    pub const fn from_ppb(ppb: i64) -> Self {
        Self(ppb)
    }

    /// A rate of `ppm` parts per million.
    pub const fn from_ppm(ppm: i64) -> Self {
        Self(ppm.saturating_mul(1_000))
    }

    /// The rate in parts per billion.
    pub const fn as_ppb(self) -> i64 {
        self.0
    }

    /// The rate of a clock that gained `gained` over `elapsed`, to nearest, ties to even; zero where no
    /// time passed.
    ///
    /// ```
    /// use clockfit::time::{Frequency, TimeDelta};
    /// let rate = Frequency::of(TimeDelta::from_micros(-30), TimeDelta::from_secs(3));
    /// assert_eq!(rate, Frequency::from_ppm(-10));
    /// ```
    pub fn of(gained: TimeDelta, elapsed: TimeDelta) -> Self {
        let elapsed = i128::from(elapsed.as_nanos());
        if elapsed == 0 {
            return Self(0);
        }
        let product = i128::from(gained.as_nanos()) * 1_000_000_000 * elapsed.signum();
        let elapsed = elapsed.abs();
        let (floor, rest) = (product.div_euclid(elapsed), product.rem_euclid(elapsed));
        let up = match (rest * 2).cmp(&elapsed) {
            Ordering::Less => 0,
            Ordering::Equal => floor.rem_euclid(2),
            Ordering::Greater => 1,
        };
        let limit = if floor < 0 { i64::MIN } else { i64::MAX };
        Self(i64::try_from(floor + up).unwrap_or(limit))
    }

    /// How far apart two rates are.
    #[must_use]
    pub fn abs_diff(self, other: Self) -> Self {
        Self(i64::try_from(self.0.abs_diff(other.0)).unwrap_or(i64::MAX))
    }

    /// What a clock with this rate gains over `elapsed`, rounded away from zero: as an allowance
    /// it only ever widens a bound.
    #[must_use]
    pub fn gained_over(self, elapsed: TimeDelta) -> TimeDelta {
        let product = i128::from(self.0) * i128::from(elapsed.as_nanos());
        let whole = product / 1_000_000_000;
        let outward = whole
            + if product % 1_000_000_000 == 0 {
                0
            } else {
                product.signum()
            };
        let limit = if outward < 0 { i64::MIN } else { i64::MAX };
        TimeDelta::from_nanos(i64::try_from(outward).unwrap_or(limit))
    }
}

/// A dimensionless rate in parts per 10^12 (`i64`): picoseconds each second. What can be measured of
/// a rate over an hour is finer than the parts per billion in which clocks are set.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rate(i64);

impl Rate {
    /// The parts that make up 1.
    pub const WHOLE: i64 = 1_000_000_000_000;
    /// As many of them as a part per billion has.
    const PER_BILLION: i64 = 1_000;

    /// A rate of `parts` per 10^12; what does not fit stays as large as can be said.
    pub fn from_parts(parts: i128) -> Self {
        let limit = if parts < 0 { i64::MIN } else { i64::MAX };
        Self(i64::try_from(parts).unwrap_or(limit))
    }

    /// The rate in parts per 10^12.
    pub const fn as_parts(self) -> i64 {
        self.0
    }

    /// The largest frequency that is not above.
    ///
    /// ```
    /// use clockfit::time::{Frequency, Rate};
    /// assert_eq!(Rate::from_parts(-1).floor(), Frequency::from_ppb(-1));
    /// assert_eq!(Rate::from_parts(-1).ceil(), Frequency::from_ppb(0));
    /// assert_eq!(Rate::from_parts(2_000).ceil(), Frequency::from_ppb(2));
    /// ```
    pub const fn floor(self) -> Frequency {
        Frequency(self.0.div_euclid(Self::PER_BILLION))
    }

    /// The smallest frequency that is not below.
    pub const fn ceil(self) -> Frequency {
        let whole = self.0.div_euclid(Self::PER_BILLION);
        let more = self.0.rem_euclid(Self::PER_BILLION) > 0;
        Frequency(if more { whole + 1 } else { whole })
    }
}

impl From<Frequency> for Rate {
    fn from(frequency: Frequency) -> Self {
        Self(frequency.0.saturating_mul(Self::PER_BILLION))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_rounded_to_nearest_and_ties_to_even() {
        let ns = TimeDelta::from_nanos;
        // Half a part per billion each: 0.5, 1.5, -0.5, -1.5, and with time running back.
        for (gained, elapsed, ppb) in [
            (1, 2_000_000_000, 0),
            (3, 2_000_000_000, 2),
            (-1, 2_000_000_000, 0),
            (-3, 2_000_000_000, -2),
            (3, -2_000_000_000, -2),
            (2, 3_000_000_000, 1),
            (1, 3_000_000_000, 0),
            (1, 0, 0),
            (i64::MAX, 1, i64::MAX),
            (i64::MIN, 1, i64::MIN),
        ] {
            let rate = Frequency::of(ns(gained), ns(elapsed));
            assert_eq!(rate, Frequency::from_ppb(ppb), "{gained} / {elapsed}");
        }
        let (least, most) = (Frequency(i64::MIN), Frequency(i64::MAX));
        assert_eq!(least.abs_diff(most), most);
    }

    #[test]
    fn rounds_outward_on_both_sides() {
        let one_ppb = Frequency::from_ppb(1);
        assert_eq!(
            one_ppb.gained_over(TimeDelta::NANOSECOND),
            TimeDelta::from_nanos(1)
        );
        assert_eq!(
            one_ppb.gained_over(-TimeDelta::NANOSECOND),
            TimeDelta::from_nanos(-1)
        );
        assert_eq!(
            one_ppb.gained_over(TimeDelta::from_secs(1)),
            TimeDelta::from_nanos(1)
        );
        assert_eq!(
            Frequency::from_ppb(i64::MAX).gained_over(TimeDelta::MAX),
            TimeDelta::MAX
        );
    }
}
