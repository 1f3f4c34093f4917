//! [`Census`]: when a source was heard, and how often, before anything is made of it.

use crate::stats::median_of;

/// Fewer exchanges than this between two long gaps are a burst, which says little more than one of them:
/// chronyd and ntpd send four to eight.
const MOST_IN_BURST: u64 = 32;

/// Which slots of time have exchanges.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// How many each slot has, in order; slots without any are absent.
    pub slots: Vec<(i64, u64)>,
    /// The first and the last instant on the axis.
    ends: Option<(i64, i64)>,
    /// Exchanges that have no place on the axis.
    pub beyond: u64,
}

impl Census {
    /// Counts an exchange; slots are `step` long.
    pub(super) fn count(&mut self, x: i64, step: i64) {
        self.reach(x);
        match self.slots.last_mut() {
            Some((slot, n)) if is_in(x, *slot, step) => *n += 1,
            _ => self.slots.push((x.div_euclid(step), 1)),
        }
    }

    /// Of all parts of a run, in any order.
    pub(super) fn of_parts(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.slots.extend(part.slots);
            all.beyond += part.beyond;
            if let Some((first, last)) = part.ends {
                all.reach(first);
                all.reach(last);
            }
        }
        all.slots.sort_unstable_by_key(|(slot, _)| *slot);
        all.slots.dedup_by(|(slot, n), (kept, sum)| {
            let same = slot == kept;
            if same {
                *sum += *n;
            }
            same
        });
        all
    }

    /// How many exchanges there are.
    pub(super) fn total(&self) -> u64 {
        self.slots.iter().map(|(_, n)| n).sum()
    }

    /// The first slot and the last one.
    pub(super) fn range(&self) -> Option<(i64, i64)> {
        let each = || self.slots.iter().map(|(slot, _)| *slot);
        each().min().zip(each().max())
    }

    /// How long the run is.
    pub(super) fn length(&self) -> i64 {
        self.ends
            .map_or(0, |(first, last)| last.saturating_sub(first))
    }

    /// Whether exchanges stop before the slot at `place`, rather than being as far apart as others there: the
    /// gap is longer than `usual`, and than four times any other near to it, since as many in a row are lost
    /// once in a while.
    pub(super) fn is_break(&self, place: usize, usual: i64) -> bool {
        /// What is near: as many as a window holds at least, where each slot has one exchange.
        const NEAR: usize = 32;
        let gap_before = |place: usize| {
            let (slot, _) = self.slots.get(place)?;
            let (before, _) = self.slots.get(place.checked_sub(1)?)?;
            Some(slot.saturating_sub(*before))
        };
        let Some(gap) = gap_before(place).filter(|gap| *gap > usual) else {
            return false;
        };
        let near = place.saturating_sub(NEAR)..=place.saturating_add(NEAR);
        let others = near.filter(|other| *other != place).filter_map(gap_before);
        others.max().is_none_or(|most| gap / 4 > most)
    }

    /// How far exchanges usually are apart while there are some, or bursts of them, if they come in such;
    /// slots are `step` long, and in order.
    pub(super) fn spacing(&self, step: i64) -> i64 {
        let Some((first, last)) = self.ends else {
            return step;
        };
        let next = self.slots.iter().skip(1);
        let mut apart: Vec<i64> = self
            .slots
            .iter()
            .zip(next)
            .map(|((slot, _), (next, _))| next.saturating_sub(*slot))
            .collect();
        apart.sort_unstable();
        let n = self.total();
        // Most of the time lies within gaps at least as long.
        let all: i64 = apart.iter().copied().fold(0, i64::saturating_add);
        let mut so_far = 0_i64;
        let usual = apart.iter().find(|gap| {
            so_far = so_far.saturating_add(**gap);
            so_far >= all / 2
        });
        let usual = usual.copied().unwrap_or(1);
        let long = apart.partition_point(|gap| *gap <= usual / 2);
        let bursts = u64::try_from(apart.len() - long)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        if usual > 1 && n / bursts < MOST_IN_BURST {
            let between = median_of(apart.get_mut(long..).unwrap_or_default()).unwrap_or(usual);
            return between.saturating_mul(step);
        }
        // Of the first and the last slot a part only is within the run.
        let (begin, end) = self.range().unwrap_or_default();
        let before = first.saturating_sub(begin.saturating_mul(step));
        let after = end
            .saturating_add(1)
            .saturating_mul(step)
            .saturating_sub(last);
        let used = i64::try_from(self.slots.len())
            .unwrap_or(i64::MAX)
            .saturating_mul(step)
            .saturating_sub(before.saturating_add(after));
        let between = n.saturating_sub(1).max(1);
        used.max(0) / i64::try_from(between).unwrap_or(i64::MAX)
    }

    fn reach(&mut self, x: i64) {
        let (first, last) = self.ends.unwrap_or((x, x));
        self.ends = Some((first.min(x), last.max(x)));
    }
}

/// Whether `x` is in a slot of this length; a division would take as long as all else of a census.
pub(super) fn is_in(x: i64, slot: i64, step: i64) -> bool {
    let begin = slot.saturating_mul(step);
    begin <= x && x < begin.saturating_add(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn census(instants: &[i64]) -> Census {
        let parts = instants.chunks(7).map(|part| {
            let mut census = Census::default();
            part.iter().for_each(|x| census.count(*x, 10 * S));
            census
        });
        Census::of_parts(parts.collect())
    }

    #[test]
    fn exchanges_are_counted_wherever_they_stand() {
        let ordered: Vec<i64> = (0..100).map(|i| i * S).collect();
        let mut mixed = ordered.clone();
        mixed.sort_by_key(|x| x % (7 * S));
        for instants in [ordered, mixed] {
            let found = census(&instants);
            let tens: Vec<(i64, u64)> = (0..10).map(|slot| (slot, 10)).collect();
            assert_eq!((&found.slots, found.total()), (&tens, 100));
            assert_eq!((found.length(), found.range()), (99 * S, Some((0, 9))));
        }
        assert_eq!(census(&[]).range(), None);
    }

    #[test]
    fn a_break_is_longer_than_what_is_usual_there() {
        let breaks = |instants: Vec<i64>| -> Vec<usize> {
            let found = census(&instants);
            let places = 0..found.slots.len();
            places.filter(|place| found.is_break(*place, 30)).collect()
        };
        let every = |n: i64, apart: i64| (0..n).map(move |i| i * apart);
        assert!(breaks(every(100, 1_024 * S).collect()).is_empty());
        // Three of four lost.
        let some = every(400, 64 * S).filter(|x| x / (64 * S) % 4 == 0 || *x < 6_400 * S);
        assert!(breaks(some.collect()).is_empty());
        // A night between two days, and a host that sleeps for ten minutes.
        let apart = |x: i64| if x < 50_000 * S { x } else { x + 30_000 * S };
        assert_eq!(breaks(every(100, 1_000 * S).map(apart).collect()), [50]);
        let slept = every(100, S).chain(every(100, S).map(|x| x + 700 * S));
        assert_eq!(breaks(slept.collect()), [10]);
        assert!(breaks(Vec::new()).is_empty() && breaks(vec![S]).is_empty());
    }

    #[test]
    fn spacing_is_that_of_exchanges_and_not_of_gaps() {
        let of = |instants: &[i64]| census(instants).spacing(10 * S);
        let every = |n: i64, apart: i64| -> Vec<i64> { (0..n).map(|i| i * apart).collect() };
        assert_eq!(of(&every(600, S)), S);
        assert_eq!(of(&every(4_000, S / 200)), S / 200);
        // As far as slots tell.
        assert!((60 * S..=70 * S).contains(&of(&every(50, 64 * S))));
        // Eight, two seconds apart, every half hour; three, every five minutes.
        let bursts = |count: i64, of: i64, apart: i64| -> Vec<i64> {
            let burst = |begin: i64| (0..of).map(move |i| begin * apart + i * 2 * S);
            (0..count).flat_map(burst).collect()
        };
        assert_eq!(of(&bursts(40, 8, 1_800 * S)) / S, 1_790);
        assert_eq!(of(&bursts(100, 3, 300 * S)), 300 * S);
        // A day without any in between.
        let mut twice = every(600, S);
        twice.extend(every(600, S).iter().map(|x| x + 86_400 * S));
        assert_eq!(of(&twice), S);
        assert_eq!(of(&[]), 10 * S);
        assert!(of(&[i64::MIN / 4, i64::MAX / 4]) > 0);
    }
}
