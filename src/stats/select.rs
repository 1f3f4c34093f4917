//! [`Ranked`]: order statistics by selection, without sorting what lies between them.

use std::collections::BTreeSet;

use super::quantile::len;

/// The median of `values` in any order, which it reorders: of an even number the lower one of the two in the
/// middle, as of a sorted slice [`quantile`](super::quantile) has it. `None` of none.
///
/// ```
/// use clockfit::stats::median_of;
/// assert_eq!(median_of(&mut [30, 10, 50, 20]), Some(20));
/// assert_eq!(median_of(&mut []), None);
/// ```
pub fn median_of(values: &mut [i64]) -> Option<i64> {
    let place = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(place).1)
}

/// Values of which any may be asked for by rank. Each answer puts one value in its place, with the
/// smaller ones before it and the larger ones after it, so that the next question only concerns what
/// lies between two places. The first question takes O(n); several at once, by
/// [`at_all`](Self::at_all), never more than sorting does.
///
/// ```
/// use clockfit::stats::Ranked;
/// let mut ranked = Ranked::new(vec![30, 10, 50, 20, 40]);
/// assert_eq!(ranked.at(2), Some(20));
/// assert_eq!(ranked.at_all(&[1, 5]), [Some(10), Some(50)]);
/// assert_eq!((ranked.at(0), ranked.at(6)), (None, None));
/// ```
#[derive(Clone, Debug)]
pub struct Ranked {
    values: Vec<i64>,
    /// Indices whose values are where sorting would put them.
    placed: BTreeSet<usize>,
}

impl Ranked {
    /// Of `values`, in any order.
    pub fn new(values: Vec<i64>) -> Self {
        Self {
            values,
            placed: BTreeSet::new(),
        }
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        len(&self.values)
    }

    /// The value of 1-based `rank`; `None` for 0 and beyond the last.
    pub fn at(&mut self, rank: u64) -> Option<i64> {
        let index = usize::try_from(rank.checked_sub(1)?).ok()?;
        if index < self.values.len() && self.placed.insert(index) {
            let from = self.placed.range(..index).next_back().map_or(0, |i| i + 1);
            let next = self.placed.range(index + 1..).next();
            let to = next.map_or(self.values.len(), |i| *i);
            self.values
                .get_mut(from..to)?
                .select_nth_unstable(index - from);
        }
        self.values.get(index).copied()
    }

    /// The values of several ranks, in any order. The one nearest to the middle is placed first, and
    /// divides the work of the others.
    pub fn at_all(&mut self, ranks: &[u64]) -> Vec<Option<i64>> {
        let mut ascending = ranks.to_vec();
        ascending.sort_unstable();
        ascending.dedup();
        self.place(&ascending, 0, self.count());
        ranks.iter().map(|rank| self.at(*rank)).collect()
    }

    /// Places the values of ranks that all lie between two.
    fn place(&mut self, ascending: &[u64], above: u64, below: u64) {
        let middle = above.midpoint(below);
        let distance = |rank: &u64| rank.abs_diff(middle);
        let nearest = ascending.iter().enumerate();
        if let Some((n, rank)) = nearest.min_by_key(|(_, rank)| distance(rank)) {
            self.at(*rank);
            let (before, after) = ascending.split_at(n);
            self.place(before, above, *rank);
            self.place(after.get(1..).unwrap_or(&[]), *rank, below);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::quantile::at_rank;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_sorting_whatever_was_asked_before(
            values in prop::collection::vec(-20i64..20, 0..80),
            questions in prop::collection::vec(0u64..90, 0..30),
            rest in prop::collection::vec(0u64..90, 0..30),
        ) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let truth = |rank: &u64| at_rank(&sorted, *rank);
            let mut ranked = Ranked::new(values);
            for rank in &questions {
                prop_assert_eq!(ranked.at(*rank), truth(rank));
            }
            let all: Vec<_> = rest.iter().map(truth).collect();
            prop_assert_eq!(ranked.at_all(&rest), all);
            prop_assert_eq!(ranked.count(), len(&sorted));
        }
    }
}
