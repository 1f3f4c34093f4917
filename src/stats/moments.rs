//! [`Moments`]: extremes, mean and root mean square in one pass, exact in any order.

use std::cmp::Ordering;

/// Number, extremes, sum and sum of squares of integers. Nothing is rounded before the end, so the
/// order of the values cannot matter, nor how they were divided among parts that were then merged.
///
/// ```
/// use clockfit::stats::Moments;
/// let m = Moments::of(&[3, -1, 4, 1, -5, 9]);
/// assert_eq!((m.count(), m.min(), m.max()), (6, Some(-5), Some(9)));
/// assert_eq!((m.mean(), m.rms()), (Some(2), Some(5))); // 11/6 and sqrt(133/6) = 4.71
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    n: u64,
    min: i64,
    max: i64,
    sum: i128,
    squares: SumOfSquares,
}

impl Moments {
    /// Of no value yet.
    pub const fn new() -> Self {
        Self {
            n: 0,
            min: i64::MAX,
            max: i64::MIN,
            sum: 0,
            squares: SumOfSquares::ZERO,
        }
    }

    /// Of all of `values`.
    pub fn of(values: &[i64]) -> Self {
        let mut moments = Self::new();
        for value in values {
            moments.record(*value);
        }
        moments
    }

    /// Takes one more value in.
    #[inline]
    pub fn record(&mut self, value: i64) {
        self.n += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += i128::from(value);
        self.squares.add(value.unsigned_abs());
    }

    /// Takes all in that `other` did. Exact, and the same in any order.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.squares.merge(other.squares);
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.n
    }

    /// The smallest; `None` where there is none.
    pub fn min(&self) -> Option<i64> {
        (self.n > 0).then_some(self.min)
    }

    /// The largest; `None` where there is none.
    pub fn max(&self) -> Option<i64> {
        (self.n > 0).then_some(self.max)
    }

    /// The arithmetic mean, to nearest, ties to even; `None` where there is no value.
    pub fn mean(&self) -> Option<i64> {
        let n = i128::from(self.n);
        let floor = self.sum.checked_div_euclid(n)?;
        let twice_rest = 2 * self.sum.rem_euclid(n);
        let up = twice_rest > n || (twice_rest == n && floor.rem_euclid(2) == 1);
        i64::try_from(floor + i128::from(up)).ok()
    }

    /// The root of the mean square, to nearest, ties to even; `None` where there is no value.
    pub fn rms(&self) -> Option<u64> {
        self.squares.root_of_mean(self.n)
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self::new()
    }
}

/// The arithmetic mean, to nearest, ties to even; `None` for an empty slice. Exact: the sum of up
/// to 2^64 values of 64 bits fits 128.
pub fn mean(values: &[i64]) -> Option<i64> {
    Moments::of(values).mean()
}

/// sqrt(sum of x^2 / n), to nearest, ties to even; `None` where `n` is zero. `n` may differ from the
/// number of values (a sample variance divides by one less). Exact; a root above 2^64 saturates.
pub fn root_mean_square(sizes: impl IntoIterator<Item = u64>, n: u64) -> Option<u64> {
    let mut squares = SumOfSquares::ZERO;
    for size in sizes {
        squares.add(size);
    }
    squares.root_of_mean(n)
}

/// A sum of squares of 64-bit sizes: `low + 2^128 carries`. A square takes up to 128 bits, and 2^64
/// of them 192.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SumOfSquares {
    low: u128,
    carries: u64,
}

impl SumOfSquares {
    const ZERO: Self = Self { low: 0, carries: 0 };

    fn add(&mut self, size: u64) {
        let size = u128::from(size);
        self.merge(Self {
            low: size * size,
            carries: 0,
        });
    }

    fn merge(&mut self, other: Self) {
        let (low, carry) = self.low.overflowing_add(other.low);
        self.low = low;
        self.carries += other.carries + u64::from(carry);
    }

    /// Whole part and rest of this divided by `n`; the whole part saturates. Long division by one
    /// digit in base 2^64.
    fn divided_by(self, n: u64) -> Option<(u128, u128)> {
        const DIGIT: u32 = u64::BITS;
        let divisor = u128::from(n);
        let first = u128::from(self.carries);
        let second = (first.checked_rem(divisor)? << DIGIT) | (self.low >> DIGIT);
        let third = ((second % divisor) << DIGIT) | (self.low & u128::from(u64::MAX));
        let rest = third % divisor;
        let whole = ((second / divisor) << DIGIT) | (third / divisor);
        let fits = first < divisor;
        Some((if fits { whole } else { u128::MAX }, rest))
    }

    fn root_of_mean(self, n: u64) -> Option<u64> {
        let (whole, rest) = self.divided_by(n)?;
        let divisor = u128::from(n);
        let root = whole.isqrt();
        // (root + 1/2)^2 = root^2 + root + 1/4.
        let beyond_half = whole - root * root;
        let up = match beyond_half.cmp(&root) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => 4 * rest > divisor || (4 * rest == divisor && root % 2 == 1),
        };
        Some(u64::try_from(root + u128::from(up)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounds_to_nearest_with_ties_to_even() {
        assert_eq!(mean(&[1, 2]), Some(2));
        assert_eq!(mean(&[2, 3]), Some(2));
        assert_eq!(mean(&[-1, 0]), Some(0));
        assert_eq!(mean(&[-1, -2]), Some(-2));
        assert_eq!(mean(&[]), None);
        // Mean square 2.25 = 1.5^2 and 6.25 = 2.5^2: exact ties.
        assert_eq!(root_mean_square([3, 0, 0, 0], 4), Some(2));
        assert_eq!(root_mean_square([5, 0, 0, 0], 4), Some(2));
        assert_eq!(root_mean_square([7, 0, 0, 0], 4), Some(4));
        assert_eq!(root_mean_square([1], 0), None);
    }

    #[test]
    fn the_largest_inputs_do_not_overflow() {
        let m = Moments::of(&[i64::MIN; 1000]);
        assert_eq!((m.mean(), m.rms()), (Some(i64::MIN), Some(1 << 63)));
        let m = Moments::of(&[i64::MIN, i64::MAX]);
        assert_eq!((m.mean(), m.rms()), (Some(0), Some(1 << 63)));
        assert_eq!(root_mean_square([u64::MAX; 5], 5), Some(u64::MAX));
        assert_eq!(root_mean_square([u64::MAX; 5], 1), Some(u64::MAX));
        assert_eq!(root_mean_square([u64::MAX; 4], 16), Some(1 << 63));
    }

    #[test]
    fn of_nothing_there_is_nothing_to_say() {
        let m = Moments::new();
        assert_eq!((m.count(), m.min(), m.max()), (0, None, None));
        assert_eq!((m.mean(), m.rms()), (None, None));
    }

    proptest! {
        #[test]
        fn merging_is_recording_in_any_order(
            mut values in prop::collection::vec(any::<i64>(), 0..200),
            cut in 0usize..200,
        ) {
            let whole = Moments::of(&values);
            values.reverse();
            let (one, other) = values.split_at(cut.min(values.len()));
            let mut merged = Moments::of(other);
            merged.merge(&Moments::of(one));
            prop_assert_eq!(merged, whole);
            prop_assert_eq!(whole.min(), values.iter().min().copied());
            prop_assert_eq!(whole.max(), values.iter().max().copied());
        }

        /// (root - 1/2)^2 <= sum / n <= (root + 1/2)^2, in whole numbers that fit.
        #[test]
        fn the_root_is_the_nearest(sizes in prop::collection::vec(any::<u32>(), 1..50), n in 1u64..60) {
            let sum: u128 = sizes.iter().map(|s| u128::from(*s).pow(2)).sum();
            let root = root_mean_square(sizes.into_iter().map(u64::from), n).unwrap();
            let edge = |twice: u64| u128::from(twice).pow(2) * u128::from(n);
            prop_assert!(4 * sum <= edge(2 * root + 1));
            prop_assert!(root == 0 || 4 * sum >= edge(2 * root - 1));
        }

        #[test]
        fn long_division_is_division(low in any::<u128>(), n in 1u64..) {
            let sum = SumOfSquares { low, carries: 0 };
            let n128 = u128::from(n);
            prop_assert_eq!(sum.divided_by(n), Some((low / n128, low % n128)));
            // 2^128 = (2^128 - 1) + 1.
            let carried = SumOfSquares { low: 0, carries: 1 };
            let (whole, rest) = carried.divided_by(n).unwrap();
            if n > 1 {
                prop_assert_eq!(whole * n128 - 1 + rest, u128::MAX);
            }
        }
    }
}
