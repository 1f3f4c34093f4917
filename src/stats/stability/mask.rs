//! [`Mask`]: which points of a series are there, one bit a point.

use std::iter;
use std::ops::Range;

/// Bits in a word.
const WORD: usize = 64;

/// A set of positions below `len`. Bits from `len` on are zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mask {
    words: Vec<u64>,
    len: usize,
}

impl Mask {
    /// Every position below `len`.
    pub(super) fn full(len: usize) -> Self {
        let mut mask = Self {
            words: vec![u64::MAX; len.div_ceil(WORD)],
            len,
        };
        mask.cut();
        mask
    }

    pub(super) fn get(&self, index: usize) -> bool {
        let word = self.words.get(index / WORD).copied().unwrap_or(0);
        word >> (index % WORD) & 1 == 1
    }

    pub(super) fn clear(&mut self, index: usize) {
        if let Some(word) = self.words.get_mut(index / WORD) {
            *word &= !(1 << (index % WORD));
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// The starts below `len` from which every one of `offsets` leads to a position of this set.
    pub(super) fn all_of(&self, offsets: &[usize], len: usize) -> Self {
        let word = |start: usize| {
            let parts = offsets.iter().map(|offset| self.word_at(start + offset));
            parts.fold(u64::MAX, |all, part| all & part)
        };
        let mut mask = Self {
            words: (0..len).step_by(WORD).map(word).collect(),
            len,
        };
        mask.cut();
        mask
    }

    /// The starts of windows of `width` positions that are all in this set.
    pub(super) fn windows(&self, width: usize) -> Self {
        let mut mask = self.clone();
        let mut reached = 1;
        while reached < width {
            // A window and one that begins inside of it, or right behind it, cover both.
            let step = reached.min(width - reached);
            mask = mask.all_of(&[0, step], mask.len.saturating_sub(step));
            reached += step;
        }
        mask
    }

    /// The positions 0, `stride`, 2 `stride`... as a set of their own.
    pub(super) fn every(&self, stride: usize) -> Self {
        let len = self.len.div_ceil(stride);
        let mut mask = Self::full(len);
        for index in (0..len).filter(|index| !self.get(index * stride)) {
            mask.clear(index);
        }
        mask
    }

    /// The longest ranges of positions of this set, ascending, as far as they lie within a range.
    pub(super) fn runs(&self, within: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let end = within.end.min(self.len);
        let mut from = within.start;
        iter::from_fn(move || {
            let start = self.next(from, end, 0)?;
            let stop = self.next(start, end, u64::MAX).unwrap_or(end);
            from = stop;
            Some(start..stop)
        })
    }

    /// The first position from `from` on whose bit is set, after flipping all bits by `flip`.
    fn next(&self, mut from: usize, end: usize, flip: u64) -> Option<usize> {
        while from < end {
            let word = self.word_at(from) ^ flip;
            if word != 0 {
                let ahead = usize::try_from(word.trailing_zeros()).unwrap_or(WORD);
                return Some(from + ahead).filter(|position| *position < end);
            }
            from += WORD;
        }
        None
    }

    /// The bits from `start` on, the first of them lowest; zeros behind the end.
    fn word_at(&self, start: usize) -> u64 {
        let word = |index: usize| self.words.get(index).copied().unwrap_or(0);
        let (index, shift) = (start / WORD, start % WORD);
        if shift == 0 {
            word(index)
        } else {
            word(index) >> shift | word(index + 1) << (WORD - shift)
        }
    }

    /// Clears what lies behind the end.
    fn cut(&mut self) {
        let beyond = self.words.len() * WORD - self.len;
        if let Some(last) = self.words.last_mut().filter(|_| beyond > 0) {
            *last &= u64::MAX >> beyond;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(bits: &[bool]) -> Mask {
        let mut mask = Mask::full(bits.len());
        for (index, _) in bits.iter().enumerate().filter(|(_, bit)| !**bit) {
            mask.clear(index);
        }
        mask
    }

    fn bits(mask: &Mask) -> Vec<bool> {
        (0..mask.len).map(|index| mask.get(index)).collect()
    }

    proptest! {
        #[test]
        fn every_question_agrees_with_one_bit_at_a_time(
            bits_of in prop::collection::vec(prop::bool::weighted(0.9), 0..400),
            offsets in prop::collection::vec(0usize..150, 1..4),
            width in 1usize..140,
            (from, to) in (0usize..400, 0usize..450),
        ) {
            let set = mask(&bits_of);
            let at = |index: usize| bits_of.get(index).copied().unwrap_or(false);
            prop_assert_eq!(bits(&set), bits_of.clone());
            prop_assert_eq!(set.count(), bits_of.iter().filter(|bit| **bit).count() as u64);

            let terms = bits_of.len().saturating_sub(*offsets.iter().max().unwrap());
            let wanted: Vec<bool> = (0..terms)
                .map(|start| offsets.iter().all(|offset| at(start + offset)))
                .collect();
            prop_assert_eq!(bits(&set.all_of(&offsets, terms)), wanted);

            let starts = (bits_of.len() + 1).saturating_sub(width);
            let wanted: Vec<bool> = (0..starts)
                .map(|start| (0..width).all(|offset| at(start + offset)))
                .collect();
            prop_assert_eq!(bits(&set.windows(width)), wanted);

            let wanted: Vec<bool> = bits_of.iter().step_by(width).copied().collect();
            prop_assert_eq!(bits(&set.every(width)), wanted);

            let inside: Vec<usize> = set.runs(from..to).flatten().collect();
            let wanted: Vec<usize> = (from..to).filter(|index| at(*index)).collect();
            prop_assert_eq!(inside, wanted);
            let runs: Vec<_> = set.runs(0..bits_of.len()).collect();
            prop_assert!(runs.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
