//! [`Frequency`]: the rate of one clock against another.

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

#[cfg(test)]
mod tests {
    use super::*;

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
