//! [`ExactSum`]: sums of squares that neither round nor overflow.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// Bits of one limb.
const LIMB: u32 = 128;

/// A sum of squares of integers in 256 bits: exact, so that it does not depend on the order of its
/// terms, on how they were divided, nor on the number of threads. No series can overflow it: a term of
/// any statistic here is below 2^127, and so is the number of terms.
///
/// ```
/// use clockfit::stats::stability::ExactSum;
/// let sum: ExactSum = [i128::MIN, -3, 4].into_iter().map(ExactSum::square).sum();
/// assert_eq!(sum.to_u128(), None);
/// assert_eq!(sum.to_f64(), 2f64.powi(254));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExactSum {
    high: u128,
    low: u128,
}

impl ExactSum {
    /// The square of one number.
    pub fn square(root: i128) -> Self {
        let root = root.unsigned_abs();
        let half = LIMB / 2;
        let (a, b) = (root >> half, root & u128::from(u64::MAX));
        // root = a 2^64 + b; twice a b needs up to 129 bits, so it is added twice.
        let mixed = Self {
            high: (a * b) >> half,
            low: (a * b) << half,
        };
        let outer = Self {
            high: a * a,
            low: b * b,
        };
        outer + mixed + mixed
    }

    /// The sum as one number, if it is below 2^128.
    pub fn to_u128(self) -> Option<u128> {
        (self.high == 0).then_some(self.low)
    }

    /// The sum, rounded once: to the nearest double, ties to even.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the one place where the sum may round"
    )]
    pub fn to_f64(self) -> f64 {
        if self.high == 0 {
            return self.low as f64;
        }
        // The leading 128 bits; what lies below them can only break a tie, which one bit does as well.
        let shift = self.high.leading_zeros();
        let below = self.low.checked_shl(shift).unwrap_or(0);
        let above = self.low.checked_shr(LIMB - shift).unwrap_or(0);
        let leading = (self.high << shift) | above | u128::from(below != 0);
        leading as f64 * power_of_two(LIMB - shift)
    }
}

/// 2^`exponent` for an exponent of a limb or less.
fn power_of_two(exponent: u32) -> f64 {
    (0..exponent).fold(1.0, |power, _| power * 2.0)
}

impl From<u128> for ExactSum {
    fn from(low: u128) -> Self {
        Self { high: 0, low }
    }
}

impl Add for ExactSum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        Self {
            high: self.high + other.high + u128::from(carry),
            low,
        }
    }
}

impl AddAssign for ExactSum {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for ExactSum {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn squares_are_whole_at_the_ends_of_their_range() {
        assert_eq!(ExactSum::square(0), ExactSum::default());
        assert_eq!(ExactSum::square(-1).to_u128(), Some(1));
        let largest = ExactSum::square(i128::MIN);
        assert_eq!((largest.high, largest.low), (1 << 126, 0));
        // (2^127 - 1)^2 = 2^254 - 2^128 + 1
        let next = ExactSum::square(i128::MAX);
        assert_eq!((next.high, next.low), ((1 << 126) - 1, 1));
    }

    #[test]
    fn doubles_are_the_nearest_ones() {
        let sum = |high, low| ExactSum { high, low }.to_f64();
        let limb = 2f64.powi(128);
        assert_eq!(sum(1, 0), limb);
        assert_eq!(sum(1, u128::MAX), 2.0 * limb);
        assert_eq!(sum(u128::MAX, u128::MAX), limb * limb);
        // Half a unit in the last place of 2^128: a tie goes to the even neighbour, until one more
        // unit at the very bottom decides it.
        let half = 1u128 << 75;
        assert_eq!(sum(1, half), limb);
        assert_eq!(sum(1, half + 1), limb + 2f64.powi(76));
        let odd = 3 * half;
        assert_eq!(sum(1, odd), limb + 2.0 * 2f64.powi(76));
        assert_eq!(sum(1, odd - 1), limb + 2f64.powi(76));
        assert_eq!(ExactSum::from((1 << 53) + 1).to_f64(), 2f64.powi(53));
    }

    proptest! {
        #[test]
        fn squares_agree_with_schoolbook_digits(root in any::<i128>(), bits in 0u32..127) {
            let root = root >> bits;
            let sum = ExactSum::square(root);
            // The last 128 bits wrap; the whole is compared in doubles.
            let size = root.unsigned_abs();
            prop_assert_eq!(sum.low, size.wrapping_mul(size));
            let wanted = ExactSum::from(size).to_f64().powi(2);
            prop_assert!((sum.to_f64() - wanted).abs() <= wanted * 4e-16);
        }

        #[test]
        fn sums_carry(high in any::<u64>(), a in any::<u128>(), b in any::<u128>()) {
            let high = u128::from(high);
            let sum = ExactSum { high, low: a } + ExactSum { high: 0, low: b };
            prop_assert_eq!(sum.low, a.wrapping_add(b));
            prop_assert_eq!(sum.high, high + u128::from(a.checked_add(b).is_none()));
        }
    }
}
