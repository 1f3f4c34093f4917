//! [`Timeline`]: when a server said that its clock was corrected, which tells whether two hosts asked one server.
//!
//! Each server corrects its clock at instants of its own, to the fraction of a nanosecond: who tells of one and the
//! same is one and the same. A load balancer may still hand a host from one server to another; so what is told must
//! also be what one server can have told, at all times of its clock.

use std::collections::BTreeMap;

use crate::sample::{ReferenceSpell, ReferenceTime, SPELLS_KEPT};
use crate::time::TimeDelta;

/// A reply is made before it is stamped, and the clock may be corrected in between.
const LATE: TimeDelta = TimeDelta::from_millis(100);

/// What one server told, to all who are known to have asked it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Timeline {
    spells: BTreeMap<ReferenceTime, ReferenceSpell>,
}

impl Timeline {
    /// By what it told one host; nothing if that is nothing, or what no one server tells.
    pub(super) fn of(spells: &[ReferenceSpell]) -> Option<Self> {
        let telling = |of: &&ReferenceSpell| of.time.is_telling() && of.from <= of.to;
        let found: BTreeMap<_, _> = spells
            .iter()
            .filter(telling)
            .map(|of| (of.time, *of))
            .collect();
        // Where more were told than are kept nobody knows whose the others were.
        let is_whole = !found.is_empty() && spells.len() < SPELLS_KEPT;
        // One that it came back to was another server's in between.
        let is_one = is_whole && found.len() == spells.len();
        let found = Self { spells: found };
        (is_one && found.is_of_one()).then_some(found)
    }

    /// The instants it told of.
    pub(super) fn times(&self) -> impl Iterator<Item = ReferenceTime> {
        self.spells.keys().copied()
    }

    /// Whether what both told at the same time shows that they are one: while both were heard, half of the corrections
    /// at least that either was told of, and one of the last two. Who was handed to another server in between shares
    /// those before that alone.
    pub(super) fn shares(&self, other: &Self) -> bool {
        let ends = |of: &Self| {
            let from = of.spells.values().map(|spell| spell.from).min();
            from.zip(of.spells.values().map(|spell| spell.to).max())
        };
        let (Some((a_from, a_to)), Some((b_from, b_to))) = (ends(self), ends(other)) else {
            return false;
        };
        let (from, to) = (a_from.max(b_from), a_to.min(b_to));
        let heard = |of: &Self| -> Vec<ReferenceTime> {
            let spells = of
                .spells
                .values()
                .filter(|of| of.from <= to && of.to >= from);
            let mut spells: Vec<&ReferenceSpell> = spells.collect();
            spells.sort_by_key(|of| of.from);
            spells.iter().map(|of| of.time).collect()
        };
        let (a, b) = (heard(self), heard(other));
        let count = a.iter().filter(|time| b.contains(time)).count();
        let is_late = |all: &[ReferenceTime], others: &[ReferenceTime]| {
            all.iter().rev().take(2).any(|time| others.contains(time))
        };
        count > 0 && count * 2 >= a.len().min(b.len()) && is_late(&a, &b) && is_late(&b, &a)
    }

    /// Both together, if they can be what one server told. That they have times in common is a matter of its own.
    pub(super) fn with(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        for (time, spell) in &other.spells {
            let known = both.spells.entry(*time).or_insert(*spell);
            if (known.stratum, known.id) != (spell.stratum, spell.id) {
                return None;
            }
            known.from = known.from.min(spell.from);
            known.to = known.to.max(spell.to);
        }
        both.is_of_one().then_some(both)
    }

    /// Whether a clock that is corrected now and then can have told all of it: each time until the next, and none again.
    fn is_of_one(&self) -> bool {
        let mut in_order: Vec<&ReferenceSpell> = self.spells.values().collect();
        in_order.sort_by_key(|of| of.from);
        in_order.windows(2).all(|pair| match pair {
            [one, next] => next.time.is_after(one.time) && one.to <= next.from + LATE,
            _ => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::ReferenceId;
    use crate::time::Timestamp;

    fn spell(time: u64, from: i64, to: i64) -> ReferenceSpell {
        let at = |ms: i64| Timestamp::from_nanos(ms * 1_000_000);
        ReferenceSpell {
            time: ReferenceTime::telling(time << 32 | 0x1234_5678).unwrap(),
            stratum: 2,
            id: ReferenceId([10, 0, 0, 1]),
            from: at(from),
            to: at(to),
        }
    }

    fn told(spells: &[(u64, i64, i64)]) -> Option<Timeline> {
        let spells: Vec<_> = spells.iter().map(|(t, a, b)| spell(*t, *a, *b)).collect();
        Timeline::of(&spells)
    }

    #[test]
    fn what_one_server_told_goes_together() {
        let a = told(&[(10, 0, 15_000), (26, 17_000, 31_000)]).unwrap();
        let b = told(&[
            (10, 500, 15_500),
            (26, 16_000, 30_000),
            (43, 33_000, 60_000),
        ])
        .unwrap();
        let both = a.with(&b).unwrap();
        assert_eq!(both, b.with(&a).unwrap());
        assert_eq!(both.times().count(), 3);
        assert_eq!(
            both.spells[&both.times().nth(1).unwrap()].from.as_nanos(),
            16_000_000_000
        );
    }

    #[test]
    fn another_server_s_answers_show() {
        let a = told(&[(10, 0, 15_000), (26, 17_000, 31_000)]).unwrap();
        // Handed over after 15 s, while the other one goes on telling what it did.
        let b = told(&[(10, 500, 30_000)]).unwrap();
        assert_eq!(a.with(&b), None);
        // By chance in order, but told at the same time.
        assert_eq!(a.with(&told(&[(27, 20_000, 40_000)]).unwrap()), None);
        // At a time as late as it takes to make a reply.
        assert!(a.with(&told(&[(27, 30_950, 40_000)]).unwrap()).is_some());
        // The same instant, of another stratum.
        let mut other = spell(10, 0, 100);
        other.stratum = 3;
        assert_eq!(a.with(&Timeline::of(&[other]).unwrap()), None);
    }

    #[test]
    fn few_of_many_in_common_are_a_hand_over() {
        // Asked once in each correction, so that none is seen to last.
        let one: Vec<_> = (0..6_i64)
            .map(|n| (10 + 16 * n.unsigned_abs(), 16_000 * n, 16_000 * n + 1))
            .collect();
        let mut other: Vec<_> = one
            .iter()
            .map(|(at, from, to)| (at + 1, from + 500, to + 500))
            .collect();
        other[0] = one[0];
        let (one, other) = (told(&one).unwrap(), told(&other).unwrap());
        assert!(one.shares(&one));
        assert!(one.with(&other).is_some() && !one.shares(&other));
        // At different times nothing is shared.
        assert!(!one.shares(&told(&[(200, 200_000, 200_001)]).unwrap()));
        // One correction that lasts is enough.
        let still = told(&[(10, 0, 60_000)]).unwrap();
        assert!(still.shares(&told(&[(10, 500, 61_000)]).unwrap()));
    }

    #[test]
    fn what_is_cut_short_is_no_timeline() {
        let count = i64::try_from(SPELLS_KEPT).unwrap();
        let all: Vec<_> = (0..count)
            .map(|n| (10 + n.unsigned_abs(), n * 1_000, n * 1_000 + 1))
            .collect();
        assert_eq!(told(&all), None);
        assert!(told(&all[1..]).is_some());
    }

    #[test]
    fn what_no_one_server_tells_is_no_timeline() {
        assert_eq!(told(&[]), None);
        // Two in turn, and one that was set back.
        assert_eq!(
            told(&[(10, 0, 10), (11, 1_000, 1_010), (10, 2_000, 2_010)]),
            None
        );
        assert_eq!(told(&[(11, 0, 10), (10, 1_000, 1_010)]), None);
        assert_eq!(told(&[(11, 10, 0)]), None);
    }
}
