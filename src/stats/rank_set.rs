//! [`RankSet`]: a set of small whole numbers that knows the neighbours of each.

/// Bits of a word, which is also how many words of one level a word of the next one stands for.
const WIDTH: usize = 64;

/// A set of numbers below a given one, as a tree of words: a bit of one level says whether the word of
/// the level below holds any. A million numbers take four levels, and so does finding a neighbour.
pub(super) struct RankSet {
    /// The numbers themselves first.
    levels: Vec<Vec<u64>>,
}

impl RankSet {
    /// Without members; they are to be below `size`.
    pub(super) fn new(size: usize) -> Self {
        let mut levels = vec![vec![0; size.div_ceil(WIDTH)]];
        let mut words = size.div_ceil(WIDTH);
        while words > 1 {
            words = words.div_ceil(WIDTH);
            levels.push(vec![0; words]);
        }
        Self { levels }
    }

    pub(super) fn insert(&mut self, member: usize) {
        let mut place = member;
        for level in &mut self.levels {
            level[place / WIDTH] |= 1 << (place % WIDTH);
            place /= WIDTH;
        }
    }

    pub(super) fn remove(&mut self, member: usize) {
        let mut place = member;
        for level in &mut self.levels {
            let word = &mut level[place / WIDTH];
            *word &= !(1 << (place % WIDTH));
            if *word != 0 {
                break;
            }
            place /= WIDTH;
        }
    }

    /// The smallest member above `place`.
    pub(super) fn after(&self, place: usize) -> Option<usize> {
        let mut place = place;
        for (height, level) in self.levels.iter().enumerate() {
            // The bits above: all of them, shifted by one more than the place.
            let above = level[place / WIDTH] & ((u64::MAX << (place % WIDTH)) << 1);
            if above != 0 {
                let found = place / WIDTH * WIDTH + trailing(above);
                return Some(self.descend(height, found, trailing));
            }
            place /= WIDTH;
        }
        None
    }

    /// The largest member below `place`.
    pub(super) fn before(&self, place: usize) -> Option<usize> {
        let mut place = place;
        for (height, level) in self.levels.iter().enumerate() {
            let below = level[place / WIDTH] & !(u64::MAX << (place % WIDTH));
            if below != 0 {
                let found = place / WIDTH * WIDTH + leading(below);
                return Some(self.descend(height, found, leading));
            }
            place /= WIDTH;
        }
        None
    }

    /// From a place on a level to the member below it that `end` of each word leads to.
    fn descend(&self, height: usize, place: usize, end: fn(u64) -> usize) -> usize {
        let below = self.levels[..height].iter().rev();
        below.fold(place, |place, level| place * WIDTH + end(level[place]))
    }
}

/// The place of the lowest bit.
fn trailing(word: u64) -> usize {
    usize::try_from(word.trailing_zeros()).unwrap_or(WIDTH)
}

/// The place of the highest bit of a word that has one.
fn leading(word: u64) -> usize {
    usize::try_from(word.ilog2()).unwrap_or(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn neighbours_are_those_of_an_ordered_set(
            size in 1usize..20_000,
            steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..200),
        ) {
            let (mut set, mut truth) = (RankSet::new(size), BTreeSet::new());
            for (enters, index) in steps {
                let n = index.index(size);
                if enters {
                    set.insert(n);
                    truth.insert(n);
                } else {
                    set.remove(n);
                    truth.remove(&n);
                }
                prop_assert_eq!(set.after(n), truth.range(n + 1..).next().copied());
                prop_assert_eq!(set.before(n), truth.range(..n).next_back().copied());
            }
        }
    }
}
