//! [`Clocks`]: which clocks there are, which of them several hosts saw, and how the times of all are put side by
//! side.
//!
//! Instants are those of one clock, the root: the server that most members have in common, or else UTC. How far
//! every other clock is from it over the whole run is found along the narrowest way, and what that leaves open
//! costs what the clocks run apart in so much time.

use std::collections::BTreeMap;

use super::identity::{Identities, Identity};
use super::member::Member;
use super::witness::Witness;
use crate::time::{Interval, TimeDelta, Timestamp};

/// A clock, by its place: servers in common first, then the members' own, and UTC last.
pub(super) type ClockId = usize;

/// All clocks.
#[derive(Debug)]
pub(super) struct Clocks {
    /// What each server in common is called.
    pub servers: Vec<String>,
    members: usize,
    /// For each witness of each member, the clock it is, where others may see that one, too.
    pub known_as: Vec<Vec<Option<ClockId>>>,
    /// Each clock minus the root, over the whole run; absent where nothing joins them.
    relative: Vec<Option<Interval>>,
    root: ClockId,
}

/// How a witness's time is put beside the others'.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    /// Its clock minus the root's.
    pub by: TimeDelta,
    /// What that may be off by, either way.
    pub slack: TimeDelta,
}

impl Clocks {
    /// Of some members, of which these are the servers.
    pub(super) fn find(members: &[Member], identities: &Identities) -> Self {
        let servers = identities.servers.len();
        let clock = |known: &Identity| match *known {
            Identity::Server(server) => server,
            Identity::Member(member) => servers + member,
        };
        let known_as = identities.places.iter();
        let mut clocks = Self {
            servers: identities.servers.clone(),
            members: members.len(),
            known_as: known_as
                .map(|places| {
                    places
                        .iter()
                        .map(|known| known.as_ref().map(clock))
                        .collect()
                })
                .collect(),
            relative: Vec::new(),
            root: 0,
        };
        clocks.align(members);
        clocks
    }

    /// A member's own clock.
    pub(super) fn of_member(&self, member: usize) -> ClockId {
        self.servers.len() + member
    }

    fn utc(&self) -> ClockId {
        self.servers.len() + self.members
    }

    /// What a clock is called.
    pub(super) fn name(&self, clock: ClockId, members: &[Member]) -> String {
        let own = clock.checked_sub(self.servers.len());
        match (self.servers.get(clock), own.and_then(|n| members.get(n))) {
            (Some(server), _) => server.clone(),
            (None, Some(member)) => format!("the clock of {}", member.name),
            (None, None) => "UTC".to_owned(),
        }
    }

    /// How the time of one of a member's witnesses stands to the root's.
    pub(super) fn shift(&self, member: usize, place: usize, witness: &Witness) -> Option<Shift> {
        let known = self.known_as.get(member)?.get(place).copied().flatten();
        if known == Some(self.root) {
            let zero = TimeDelta::ZERO;
            return Some(Shift {
                by: zero,
                slack: zero,
            });
        }
        let relative = |clock: ClockId| self.relative.get(clock).copied().flatten();
        let relative = match known.and_then(relative) {
            Some(known) => known,
            None => add(relative(self.of_member(member))?, witness.hull()?),
        };
        Some(Shift {
            by: relative.midpoint(),
            slack: relative.width().midpoint(TimeDelta::NANOSECOND) + TimeDelta::NANOSECOND,
        })
    }

    /// Finds how far each clock is from the root.
    fn align(&mut self, members: &[Member]) {
        let mut ways: Vec<Vec<(ClockId, Interval)>> = vec![Vec::new(); self.utc() + 1];
        let mut seen_by = vec![0usize; self.utc() + 1];
        let mut both = |a: ClockId, b: ClockId, b_minus_a: Interval| {
            if let Some(from) = ways.get_mut(a) {
                from.push((b, b_minus_a));
            }
            if let Some(from) = ways.get_mut(b) {
                from.push((a, reversed(b_minus_a)));
            }
        };
        for (number, (member, known_as)) in members.iter().zip(&self.known_as).enumerate() {
            let own = self.of_member(number);
            let mut seen: Vec<ClockId> = Vec::new();
            for (witness, known) in member.witnesses.iter().zip(known_as) {
                let Some(hull) = witness.hull() else { continue };
                if let Some(clock) = known {
                    both(own, *clock, hull);
                    seen.push(*clock);
                }
                if let Some(distance) = witness.distance {
                    both(own, self.utc(), hull.widen(distance));
                }
            }
            seen.sort_unstable();
            seen.dedup();
            for clock in seen {
                if let Some(by) = seen_by.get_mut(clock) {
                    *by += 1;
                }
            }
        }
        let most = seen_by.iter().copied().max().unwrap_or(0);
        let first = seen_by.iter().position(|by| *by == most);
        self.root = match most {
            0 => self.utc(),
            _ => first.unwrap_or(0),
        };
        self.relative = narrowest(&ways, self.root);
    }
}

/// The narrowest interval that holds each clock minus the root, along one way (E. W. Dijkstra, 1959).
fn narrowest(ways: &[Vec<(ClockId, Interval)>], root: ClockId) -> Vec<Option<Interval>> {
    let mut found: Vec<Option<Interval>> = vec![None; ways.len()];
    let mut open: BTreeMap<(TimeDelta, ClockId), Interval> = BTreeMap::new();
    if let Some(nothing) = Interval::new(TimeDelta::ZERO, TimeDelta::ZERO) {
        open.insert((TimeDelta::ZERO, root), nothing);
    }
    while let Some(((_, clock), relative)) = open.pop_first() {
        match found.get_mut(clock) {
            Some(place @ None) => *place = Some(relative),
            _ => continue,
        }
        for (next, way) in ways.get(clock).into_iter().flatten() {
            if matches!(found.get(*next), Some(None)) {
                let through = add(relative, *way);
                open.entry((through.width(), *next)).or_insert(through);
            }
        }
    }
    found
}

/// The sums of what both hold.
fn add(a: Interval, b: Interval) -> Interval {
    Interval::new(a.lower() + b.lower(), a.upper() + b.upper()).unwrap_or(a)
}

fn reversed(of: Interval) -> Interval {
    Interval::new(-of.upper(), -of.lower()).unwrap_or(of)
}

/// The part of the root's time that a member's witness speaks of.
pub(super) fn on_root(at: Timestamp, shift: Shift) -> Timestamp {
    at + -shift.by
}
