//! [`Skews`]: what is proven of how far apart each two members' clocks were.
//!
//! At each instant every exchange is a constraint between two clocks, `lower <= server - local <= upper`. All that
//! they prove together of two clocks is found along the shortest paths between them (difference constraints:
//! R. Bellman, 1958): over a server in common whose own error cancels, over members that asked each other, or over
//! any chain of such. A way around that is shorter than nothing contradicts itself.
//!
//! Members that nothing joins are compared by what their servers claim to be off UTC, of each member by what a
//! majority of its servers agrees on.

use rayon::prelude::*;

use super::clocks::{ClockId, Clocks, on_root};
use super::closure::{Closure, OPEN, sum};
use super::groups::Groups;
use super::member::Member;
use super::{Basis, Contradiction, Refused, Skew};
use crate::fitness::verdict::Observed;
use crate::stats::{Claimed, agreed_by};
use crate::time::{Interval, TimeDelta, Timestamp};

/// How far apart instants are, where that is not too much work.
const STEP: TimeDelta = TimeDelta::from_secs(1);
/// Sums of two bounds that are made at most, some seconds of work: instants are farther apart rather than more.
const MOST_SUMS: usize = 300_000_000;
/// What is kept of members at all instants together: a hundred megabytes.
const MOST_KEPT: usize = 400_000;
/// Moves of clocks that are looked at one by one.
const MOST_MOVES: usize = 1_000;
/// 99.9 % of the time, as grades have it.
const MOSTLY: (usize, usize) = (999, 1_000);

/// What is known of a set of clocks over the time that all members have in common.
#[derive(Debug)]
pub(super) struct Skews {
    pub from: Timestamp,
    pub to: Timestamp,
    pub instants: usize,
    /// How much of that was measured.
    pub observed: TimeDelta,
    /// The pairs, in the order 0-1, 0-2, 1-2, 0-3...
    pub pairs: Vec<Skew>,
    pub contradictions: Vec<Contradiction>,
    /// Members of whose servers no majority agreed, at how many instants.
    pub torn: Vec<(usize, usize)>,
}

/// The place of a pair, of which the first is not the second, among all pairs.
pub fn pair_place(a: usize, b: usize) -> usize {
    let (small, large) = (a.min(b), a.max(b));
    large * large.saturating_sub(1) / 2 + small
}

/// What one member saw at an instant.
#[derive(Debug, Default)]
struct Seen {
    /// Clocks that others may see, too: the clock minus the member's own.
    clocks: Vec<(ClockId, Interval)>,
    /// UTC minus the member's own clock, by what a majority of its servers claims.
    utc: Option<Interval>,
    /// Whether there are claims, and no majority.
    torn: bool,
}

/// One instant, laid out for the many pairs that are looked up in it.
struct Moment {
    /// How many hubs there are.
    hubs: usize,
    /// How far each member can be above each hub, by member.
    above: Vec<i64>,
    /// How far hubs can be above each member, by what it saw itself.
    below: Vec<(usize, i64)>,
    /// Where each member's part of that begins, and the last one's ends.
    begins: Vec<usize>,
    /// UTC minus each member's clock.
    utc: Vec<Option<Interval>>,
    /// Whether the servers of each member claim to know it, and no majority agrees.
    torn: Vec<bool>,
    /// Ways around that contradict themselves.
    cycles: Vec<Cycle>,
    /// Whether each member is joined to one.
    spoiled: Vec<bool>,
}

/// A way around that contradicts itself.
struct Cycle {
    clocks: Vec<ClockId>,
    /// Members that saw two of these, or are one and saw another.
    saw: Vec<usize>,
}

impl Cycle {
    fn of(hubs: &[usize], seen: &[Seen], clocks: &Clocks, groups: &Groups) -> Self {
        let named: Vec<ClockId> = hubs.iter().filter_map(|hub| groups.clock(*hub)).collect();
        let saw = seen.iter().enumerate().filter(|(member, seen)| {
            let on_it = |clock: ClockId| named.contains(&clock);
            let others = seen
                .clocks
                .iter()
                .filter(|(clock, _)| on_it(*clock))
                .count();
            others > 1 || others == 1 && on_it(clocks.of_member(*member))
        });
        Self {
            saw: saw.map(|(member, _)| member).collect(),
            clocks: named,
        }
    }
}

impl Skews {
    pub(super) fn find(members: &[Member], clocks: &Clocks) -> Result<Self, Refused> {
        let (from, to) = window(members, clocks)?;
        let groups = Groups::of(members, clocks);
        let mut instants = instants(members, &groups, (from, to));
        let even = instants.len();
        instants.extend(moves(members, clocks, (from, to)));
        let moments: Vec<Moment> = instants
            .par_iter()
            .map(|at| Moment::at(*at, members, clocks, &groups))
            .collect();
        let total = members.len() * members.len().saturating_sub(1) / 2;
        let pairs: Vec<(usize, usize)> = (0..members.len())
            .flat_map(|b| (0..b).map(move |a| (a, b)))
            .collect();
        debug_assert_eq!(pairs.len(), total, "each pair once");
        let pairs: Vec<Skew> = pairs
            .par_iter()
            .map(|pair| skew(*pair, members, &groups, (&moments, even)))
            .collect();
        if let Some(lonely) = lonely(members.len(), &pairs) {
            let name = members.get(lonely).map(|member| member.name.clone());
            return Err(Refused::NothingInCommon(name.unwrap_or_default()));
        }
        let observed = members.iter().filter_map(|member| member.duration);
        let torn = (0..members.len()).map(|member| {
            let torn = moments.iter().filter_map(|moment| moment.torn.get(member));
            (member, torn.filter(|torn| **torn).count())
        });
        Ok(Self {
            from,
            to,
            instants: instants.len(),
            observed: observed.fold(to.since(from), TimeDelta::min),
            pairs,
            contradictions: contradictions(&moments, members, clocks),
            torn: torn.filter(|(_, count)| *count > 0).collect(),
        })
    }
}

/// A member that nothing joins to any other.
fn lonely(members: usize, pairs: &[Skew]) -> Option<usize> {
    (0..members).find(|a| {
        let others = (0..members).filter(|b| b != a);
        let mut skews = others.filter_map(|b| pairs.get(pair_place(*a, b)));
        !skews.any(|skew| skew.basis.is_some())
    })
}

/// The time that all have in common.
fn window(members: &[Member], clocks: &Clocks) -> Result<(Timestamp, Timestamp), Refused> {
    let mut latest: Option<(Timestamp, usize)> = None;
    let mut earliest: Option<(Timestamp, usize)> = None;
    for (number, (member, known_as)) in members.iter().zip(&clocks.known_as).enumerate() {
        let placed = member.witnesses.iter().zip(known_as).enumerate();
        let any_known = known_as.iter().any(Option::is_some);
        let spans = placed
            .filter(|(_, (_, known))| known.is_some() == any_known)
            .filter_map(|(place, (witness, _))| {
                let shift = clocks.shift(number, place, witness)?;
                let (first, last) = witness.span();
                Some((on_root(first, shift), on_root(last, shift)))
            });
        let spans: Vec<(Timestamp, Timestamp)> = spans.collect();
        let (Some(first), Some(last)) = (
            spans.iter().map(|span| span.0).min(),
            spans.iter().map(|span| span.1).max(),
        ) else {
            return Err(Refused::NothingInCommon(member.name.clone()));
        };
        if latest.is_none_or(|(at, _)| first > at) {
            latest = Some((first, number));
        }
        if earliest.is_none_or(|(at, _)| last < at) {
            earliest = Some((last, number));
        }
    }
    let (Some((from, late)), Some((to, early))) = (latest, earliest) else {
        return Err(Refused::TooFew);
    };
    if from > to {
        let name = |number: usize| members.get(number).map(|of| of.name.clone());
        return Err(Refused::Apart {
            early: name(early).unwrap_or_default(),
            ended: to,
            late: name(late).unwrap_or_default(),
            began: from,
            gap: from.since(to),
        });
    }
    Ok((from, to))
}

/// Where clocks were moved.
fn moves(
    members: &[Member],
    clocks: &Clocks,
    (from, to): (Timestamp, Timestamp),
) -> Vec<Timestamp> {
    let mut found = Vec::new();
    for (number, member) in members.iter().enumerate() {
        for (place, witness) in member.witnesses.iter().enumerate() {
            let Some(shift) = clocks.shift(number, place, witness) else {
                continue;
            };
            let moves = witness.moves().take(MOST_MOVES);
            found.extend(moves.map(|at| on_root(at, shift)));
        }
    }
    found.retain(|at| (from..=to).contains(at));
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST_MOVES);
    found
}

/// Evenly over the window, its ends among them.
fn instants(
    members: &[Member],
    groups: &Groups,
    (from, to): (Timestamp, Timestamp),
) -> Vec<Timestamp> {
    let n = members.len();
    let seen = members.iter().map(|member| member.witnesses.len()).max();
    let hubs = groups.hub_count;
    let sums = (n * n / 2 * seen.unwrap_or(1))
        .saturating_add(hubs.saturating_mul(hubs).saturating_mul(hubs + n))
        .max(1);
    let most = (MOST_SUMS / sums).min(MOST_KEPT / n.max(1)).max(2);
    let length = i128::from(to.since(from).as_nanos());
    let steps = usize::try_from(length / i128::from(STEP.as_nanos())).unwrap_or(usize::MAX);
    let steps = steps.clamp(1, most - 1);
    if length == 0 {
        return vec![from];
    }
    let parts = i128::try_from(steps).unwrap_or(1);
    (0..=parts)
        .map(|part| {
            let after = i64::try_from(length * part / parts).unwrap_or(i64::MAX);
            from + TimeDelta::from_nanos(after)
        })
        .collect()
}

impl Seen {
    /// What a member saw at an instant of the root's time.
    fn at(at: Timestamp, number: usize, member: &Member, clocks: &Clocks) -> Self {
        let mut seen = Self::default();
        let mut claims: Vec<Claimed> = Vec::new();
        let known_as = clocks.known_as.get(number);
        for (place, witness) in member.witnesses.iter().enumerate() {
            let Some(shift) = clocks.shift(number, place, witness) else {
                continue;
            };
            let Some(offset) = witness.at(at + shift.by, shift.slack) else {
                continue;
            };
            if let Some(clock) = known_as.and_then(|of| of.get(place).copied().flatten()) {
                seen.clocks.push((clock, offset));
            }
            if let Some(distance) = witness.distance {
                let claim = offset.widen(distance);
                claims.push(Claimed {
                    lower: claim.lower().as_nanos(),
                    upper: claim.upper().as_nanos(),
                });
            }
        }
        let agreed = agreed_by(&claims, claims.len() / 2 + 1);
        seen.torn = agreed.is_none() && !claims.is_empty();
        let nanos = TimeDelta::from_nanos;
        seen.utc = agreed.and_then(|of| Interval::new(nanos(of.lower), nanos(of.upper)));
        seen
    }
}

impl Moment {
    fn at(at: Timestamp, members: &[Member], clocks: &Clocks, groups: &Groups) -> Self {
        let seen: Vec<Seen> = members
            .iter()
            .enumerate()
            .map(|(number, member)| Seen::at(at, number, member, clocks))
            .collect();
        let own = |member: usize| groups.hub(clocks.of_member(member));
        let by_hub: Vec<Vec<(usize, Interval)>> =
            seen.iter().map(|seen| by_hub(seen, groups)).collect();
        let group = |member: usize| groups.group_of(clocks.of_member(member));
        // What contradicts itself says nothing; the others may still say what they know.
        let mut cycles: Vec<Vec<usize>> = Vec::new();
        let mut spoiled: Vec<ClockId> = Vec::new();
        let closure = loop {
            let mut closure = Closure::new(groups.hub_count);
            for (member, seen) in by_hub.iter().enumerate() {
                if !spoiled.contains(&group(member)) {
                    closure.add(own(member), seen);
                }
            }
            let cycle = closure.close();
            let Some(of) = cycle.first().and_then(|hub| groups.group_of_hub(*hub)) else {
                break closure;
            };
            cycles.push(cycle);
            spoiled.push(of);
        };
        let mut moment = Self {
            hubs: groups.hub_count,
            above: Vec::with_capacity(members.len() * groups.hub_count),
            below: Vec::new(),
            begins: vec![0],
            utc: seen.iter().map(|seen| seen.utc).collect(),
            torn: seen.iter().map(|seen| seen.torn).collect(),
            cycles: Vec::new(),
            spoiled: (0..members.len())
                .map(|member| spoiled.contains(&group(member)))
                .collect(),
        };
        for (member, seen) in by_hub.iter().enumerate() {
            moment.above.extend(closure.above(own(member), seen));
            match own(member) {
                // Of one that others asked the paths know all that it saw.
                Some(own) => moment.below.push((own, 0)),
                None => {
                    let below = seen.iter().map(|(hub, of)| (*hub, of.upper().as_nanos()));
                    moment.below.extend(below);
                }
            }
            moment.begins.push(moment.below.len());
        }
        let named = cycles
            .iter()
            .map(|hubs| Cycle::of(hubs, &seen, clocks, groups));
        moment.cycles = named.collect();
        moment
    }

    /// What is proven of the first clock minus the second.
    fn pair(&self, (a, b): (usize, usize), basis: Basis) -> Option<Interval> {
        if basis == Basis::Claimed {
            // (UTC - b) - (UTC - a).
            let (of_a, of_b) = ((*self.utc.get(a)?)?, (*self.utc.get(b)?)?);
            return Interval::new(of_b.lower() - of_a.upper(), of_b.upper() - of_a.lower());
        }
        if *self.spoiled.get(a)? {
            return None;
        }
        let (up, down) = (self.most(a, b)?, self.most(b, a)?);
        let ends = (down != OPEN && up != OPEN).then_some((down.saturating_neg(), up));
        let (lower, upper) = ends?;
        Interval::new(TimeDelta::from_nanos(lower), TimeDelta::from_nanos(upper))
    }

    /// How far a member can be above another one.
    fn most(&self, of: usize, other: usize) -> Option<i64> {
        let above = self.above.get(of * self.hubs..(of + 1) * self.hubs)?;
        let below = self
            .below
            .get(*self.begins.get(other)?..*self.begins.get(other + 1)?)?;
        let ways = below
            .iter()
            .filter_map(|(hub, upper)| Some(sum(*above.get(*hub)?, *upper)));
        ways.min()
    }
}

/// What a member saw, by hub.
fn by_hub(seen: &Seen, groups: &Groups) -> Vec<(usize, Interval)> {
    let clocks = seen.clocks.iter();
    clocks
        .filter_map(|(clock, offset)| Some((groups.hub(*clock)?, *offset)))
        .collect()
}

/// What two members' clocks were apart over all instants.
fn skew(
    pair: (usize, usize),
    members: &[Member],
    groups: &Groups,
    (moments, even): (&[Moment], usize),
) -> Skew {
    let servers = groups.group.len() - members.len();
    let mut skew = Skew {
        basis: groups.basis(servers, pair),
        ahead: None,
        least: (i64::MIN, i64::MAX),
        unknown: 0,
        mostly: None,
    };
    let Some(basis) = skew.basis else {
        skew.unknown = moments.len();
        return skew;
    };
    let with_tail = even > MOSTLY.1;
    let mut sizes: Vec<(i64, i64)> = Vec::new();
    for (number, moment) in moments.iter().enumerate() {
        let Some(here) = moment.pair(pair, basis) else {
            skew.unknown += 1;
            continue;
        };
        let (lower, upper) = (here.lower(), here.upper());
        let hull = skew.ahead.map_or(Some(here), |hull| {
            Interval::new(hull.lower().min(lower), hull.upper().max(upper))
        });
        skew.ahead = hull;
        let (lower, upper) = (lower.as_nanos(), upper.as_nanos());
        skew.least = (skew.least.0.max(lower), skew.least.1.min(upper));
        if with_tail && number < even {
            let most = lower.saturating_abs().max(upper.saturating_abs());
            sizes.push((lower.max(upper.saturating_neg()).max(0), most));
        }
    }
    skew.mostly = match with_tail {
        true => mostly(&sizes, even),
        false => skew.size(),
    };
    skew
}

/// What 99.9 % of the time is not above; instants of which nothing is known may be anything.
fn mostly(sizes: &[(i64, i64)], instants: usize) -> Option<Observed> {
    let rank = (instants * MOSTLY.0).div_ceil(MOSTLY.1).checked_sub(1)?;
    let mut lower: Vec<i64> = sizes.iter().map(|size| size.0).collect();
    let mut upper: Vec<i64> = sizes.iter().map(|size| size.1).collect();
    lower.sort_unstable();
    upper.sort_unstable();
    let unknown = instants.saturating_sub(sizes.len());
    let least = rank.checked_sub(unknown).and_then(|rank| lower.get(rank));
    Some(Observed {
        lower: least.copied().unwrap_or(0),
        upper: upper.get(rank).copied(),
    })
}

/// The ways around that contradict themselves, each once.
fn contradictions(moments: &[Moment], members: &[Member], clocks: &Clocks) -> Vec<Contradiction> {
    let mut found: Vec<(Vec<ClockId>, Contradiction)> = Vec::new();
    for cycle in moments.iter().flat_map(|moment| &moment.cycles) {
        let mut key = cycle.clocks.clone();
        key.sort_unstable();
        if let Some((_, known)) = found.iter_mut().find(|(of, _)| *of == key) {
            known.instants += 1;
            continue;
        }
        let named = cycle
            .clocks
            .iter()
            .map(|clock| clocks.name(*clock, members));
        let contradiction = Contradiction {
            clocks: named.collect(),
            members: cycle.saw.clone(),
            instants: 1,
        };
        found.push((key, contradiction));
    }
    found.into_iter().map(|(_, found)| found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_have_places_in_order() {
        let pairs = (0..50).flat_map(|b| (0..b).map(move |a| (a, b)));
        for (expected, (a, b)) in pairs.enumerate() {
            assert_eq!(pair_place(a, b), expected);
            assert_eq!(pair_place(b, a), expected);
        }
    }
}
