//! Phases as heights above the lowest, in lanes of which the larger is found fast.

use rayon::prelude::*;

use super::super::lanes::low_half;

/// Points that one thread converts at a time.
const CHUNK: usize = 1 << 16;

/// A height above the lowest phase.
pub(super) trait Height: Copy + Send + Sync {
    /// Not above any height.
    const LOWEST: Self;
    /// Not below any height.
    const HIGHEST: Self;
    /// The distance of two heights that are equal.
    const NOTHING: Self;

    /// The heights of values of which none is below `lowest`, or whose height nobody reads.
    fn above(values: &[i64], lowest: i64) -> Vec<Self>;

    fn higher(self, other: Self) -> Self;

    fn lower(self, other: Self) -> Self;

    /// How far `low` is below. If it is above, that is not higher than any distance.
    fn distance(self, low: Self) -> Self;

    /// Whether a distance is larger than another.
    fn exceeds(self, other: Self) -> bool;

    /// The size of a distance.
    fn size(self) -> u64;
}

/// The bits of the smallest normal float...
const SMALLEST: u32 = 0x0080_0000;
/// ...and of the largest.
const LARGEST: u32 = 0x7f7f_ffff;

/// The largest height of an `f32`.
pub(super) const LARGEST_SHORT: u64 = (LARGEST - SMALLEST) as u64;

/// A height in 31 bits, as a float of the same bits.
///
/// The bits of two positive floats are in the order of their values, and to choose the larger of four
/// floats is one instruction on every x86-64, where it takes four for integers without SSE 4.1. No
/// arithmetic is done on them. An offset keeps heights out of the subnormal numbers.
impl Height for f32 {
    const LOWEST: Self = Self::from_bits(SMALLEST);
    const HIGHEST: Self = Self::from_bits(LARGEST);
    const NOTHING: Self = 0.0;

    fn above(values: &[i64], lowest: i64) -> Vec<Self> {
        convert(values, |value| {
            let height = low_half(value.wrapping_sub(lowest));
            Self::from_bits(height.wrapping_add(SMALLEST))
        })
    }

    #[inline(always)]
    fn higher(self, other: Self) -> Self {
        if self > other { self } else { other }
    }

    #[inline(always)]
    fn lower(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    /// Below zero the bits are those of a negative float, or of none: neither is above any.
    #[inline(always)]
    fn distance(self, low: Self) -> Self {
        Self::from_bits(self.to_bits().wrapping_sub(low.to_bits()))
    }

    #[inline(always)]
    fn exceeds(self, other: Self) -> bool {
        self > other
    }

    #[inline(always)]
    fn size(self) -> u64 {
        self.to_bits().into()
    }
}

impl Height for u64 {
    const LOWEST: Self = Self::MIN;
    const HIGHEST: Self = Self::MAX;
    const NOTHING: Self = 0;

    fn above(values: &[i64], lowest: i64) -> Vec<Self> {
        convert(values, |value| value.wrapping_sub(lowest).cast_unsigned())
    }

    #[inline(always)]
    fn higher(self, other: Self) -> Self {
        self.max(other)
    }

    #[inline(always)]
    fn lower(self, other: Self) -> Self {
        self.min(other)
    }

    #[inline(always)]
    fn distance(self, low: Self) -> Self {
        self.saturating_sub(low)
    }

    #[inline(always)]
    fn exceeds(self, other: Self) -> bool {
        self > other
    }

    #[inline(always)]
    fn size(self) -> u64 {
        self
    }
}

fn convert<T: Height>(values: &[i64], height: impl Fn(i64) -> T + Sync) -> Vec<T> {
    let mut heights = vec![T::NOTHING; values.len()];
    let pieces = heights.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK));
    pieces.for_each(|(heights, values)| {
        for (to, from) in heights.iter_mut().zip(values) {
            *to = height(*from);
        }
    });
    heights
}
