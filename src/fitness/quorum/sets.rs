//! The largest set of members of which all pairs keep a limit.

/// The largest set that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Largest {
    /// Its members, in their order.
    pub members: Vec<usize>,
    /// No set is larger than this.
    pub at_most: usize,
}

/// Words of sets after which the search ends with what it has: some tenths of a second. Clocks lie on a line, where
/// the first way down finds the largest set; only evidence that hangs together badly takes more.
const MOST_WORK: usize = 50_000_000;

/// Finds the largest set of `count` members of which each two are `joined` (a maximum clique, by branch and bound
/// with coloring: E. Tomita and T. Seki, 2003). Of equal ones that with members that come first in `order`.
pub(super) fn largest(
    count: usize,
    order: &[usize],
    joined: impl Fn(usize, usize) -> bool,
) -> Largest {
    let words = count.div_ceil(64);
    let mut neighbours = vec![Bits::none(words); count];
    for (a, of_a) in (0..).zip(neighbours.iter_mut()) {
        for b in 0..count {
            let pair = (order.get(a), order.get(b));
            if let (Some(first), Some(second)) = pair
                && a != b
                && joined(*first, *second)
            {
                of_a.set(b);
            }
        }
    }
    let mut search = Search {
        neighbours: &neighbours,
        best: Vec::new(),
        chosen: Vec::new(),
        work: 0,
    };
    let mut all = Bits::none(words);
    (0..count).for_each(|place| all.set(place));
    // Along the line first: from each member on, all that fit with those already taken.
    for start in 0..count {
        let mut taken = vec![start];
        let mut open = all.from(start).and(search.of(start));
        while let Some(next) = open.first() {
            taken.push(next);
            open = open.and(search.of(next));
        }
        if taken.len() > search.best.len() {
            search.best = taken;
        }
    }
    let bound = search.colors(&all).last().map_or(0, |(_, color)| *color);
    let at_most = match bound > search.best.len() && !search.expand(all) {
        true => bound,
        false => search.best.len(),
    };
    let mut members: Vec<usize> = search
        .best
        .iter()
        .filter_map(|place| order.get(*place).copied())
        .collect();
    members.sort_unstable();
    Largest { members, at_most }
}

struct Search<'a> {
    neighbours: &'a [Bits],
    best: Vec<usize>,
    chosen: Vec<usize>,
    work: usize,
}

impl Search<'_> {
    fn of(&self, place: usize) -> &Bits {
        const NOBODY: &Bits = &Bits(Vec::new());
        self.neighbours.get(place).unwrap_or(NOBODY)
    }

    /// Looks through all sets with what is chosen already; `false` if it had to end before.
    fn expand(&mut self, mut open: Bits) -> bool {
        let ordered = self.colors(&open);
        // Each color is a walk over the words of all that are left.
        self.work += (ordered.len() + 1) * open.0.len();
        if self.work > MOST_WORK {
            return false;
        }
        for (place, color) in ordered.into_iter().rev() {
            if self.chosen.len() + color <= self.best.len() {
                return true;
            }
            self.chosen.push(place);
            let next = open.and(self.of(place));
            if next.first().is_some() {
                if !self.expand(next) {
                    return false;
                }
            } else if self.chosen.len() > self.best.len() {
                self.best = self.chosen.clone();
            }
            self.chosen.pop();
            open.clear(place);
        }
        true
    }

    /// Puts members that are not joined into one color each; a set has no more members than there are colors.
    fn colors(&self, of: &Bits) -> Vec<(usize, usize)> {
        let mut ordered = Vec::new();
        let mut left = of.clone();
        let mut color = 0;
        while left.first().is_some() {
            color += 1;
            let mut same = left.clone();
            while let Some(place) = same.first() {
                left.clear(place);
                same.clear(place);
                same.remove(self.of(place));
                ordered.push((place, color));
            }
        }
        ordered
    }
}

/// A set of small numbers.
#[derive(Clone, Debug)]
struct Bits(Vec<u64>);

impl Bits {
    fn none(words: usize) -> Self {
        Self(vec![0; words])
    }

    fn set(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    fn clear(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word &= !(1 << (place % 64));
        }
    }

    fn and(&self, other: &Self) -> Self {
        let words = self.0.iter().zip(&other.0);
        Self(words.map(|(a, b)| a & b).collect())
    }

    fn remove(&mut self, other: &Self) {
        for (word, gone) in self.0.iter_mut().zip(&other.0) {
            *word &= !gone;
        }
    }

    fn first(&self) -> Option<usize> {
        let place = self.0.iter().position(|word| *word != 0)?;
        let bit = self.0.get(place)?.trailing_zeros();
        Some(place * 64 + usize::try_from(bit).ok()?)
    }

    /// Those after a place.
    fn from(&self, place: usize) -> Self {
        let mut left = self.clone();
        (0..=place).for_each(|gone| left.clear(gone));
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clocks_on_a_line_fall_into_the_fullest_stretch() {
        let at = [0i64, 10, 60, 12, 55, 58, 61];
        let order = [0, 1, 3, 4, 5, 2, 6];
        let found = largest(7, &order, |a, b| (at[a] - at[b]).abs() <= 6);
        assert_eq!(found.members, [2, 4, 5, 6]);
        assert_eq!(found.at_most, 4);
        assert_eq!(largest(0, &[], |_, _| true), Largest::default());
        let alone = largest(3, &[0, 1, 2], |_, _| false);
        assert_eq!((alone.members, alone.at_most), (vec![0], 1));
    }

    #[test]
    fn a_thousand_clocks_take_no_time_to_speak_of() {
        let order: Vec<usize> = (0..1_000).collect();
        let found = largest(1_000, &order, |a, b| a.abs_diff(b) <= 300);
        assert_eq!((found.members.len(), found.at_most), (301, 301));
    }

    proptest! {
        #[test]
        fn it_is_the_largest_of_all(edges in proptest::collection::vec(any::<bool>(), 66), n in 0usize..12) {
            let joined = |a: usize, b: usize| {
                let (small, large) = (a.min(b), a.max(b));
                edges[large * (large - 1) / 2 + small]
            };
            let order: Vec<usize> = (0..n).rev().collect();
            let found = largest(n, &order, joined);
            let is_set = |members: &[usize]| {
                members.iter().all(|a| members.iter().all(|b| a == b || joined(*a, *b)))
            };
            let most = (0u32..1 << n)
                .map(|set| (0..n).filter(|member| set >> member & 1 == 1).collect::<Vec<_>>())
                .filter(|members| is_set(members))
                .map(|members| members.len())
                .max();
            prop_assert!(is_set(&found.members));
            prop_assert_eq!(Some(found.members.len()), most);
            prop_assert_eq!(Some(found.at_most), most);
        }
    }
}
