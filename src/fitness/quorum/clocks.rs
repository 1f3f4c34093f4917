//! [`Clocks`]: which clocks there are, which of them several hosts saw, and how the times of all are put side by
//! side.
//!
//! Instants are those of one clock, the root: the server that most members have in common, or else UTC. How far
//! every other clock is from it over the whole run is found along the narrowest way, and what that leaves open
//! costs what the clocks run apart in so much time.

use std::collections::BTreeMap;

use super::member::Member;
use super::witness::Witness;
use super::{Common, Peer, Refused};
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
    /// Of some members, of which these servers are one and the same for all, and those are members themselves.
    ///
    /// # Errors
    ///
    /// Nobody, or one member alone, saw what is named; or it is no member.
    pub(super) fn find(
        members: &[Member],
        commons: &[Common],
        peers: &[Peer],
    ) -> Result<Self, Refused> {
        let mut named = Named::default();
        for member in members {
            named.places.push(vec![None; member.witnesses.len()]);
        }
        for common in commons {
            named.add_common(members, common)?;
        }
        let first = named.servers.len();
        for peer in peers {
            let place = members.iter().position(|member| member.name == peer.member);
            let Some(place) = place else {
                let names = members.iter().map(|member| member.name.clone());
                return Err(Refused::NoSuchMember {
                    name: peer.member.clone(),
                    members: names.collect(),
                });
            };
            let seen = named.claim(members, std::slice::from_ref(&peer.source), |_| {
                first + place
            });
            if seen.values().all(Vec::is_empty) {
                return Err(Refused::NotAsked(peer.source.clone()));
            }
            if seen.values().any(|by| by.contains(&place)) {
                return Err(Refused::AskedItself(
                    peer.member.clone(),
                    peer.source.clone(),
                ));
            }
        }
        let mut clocks = Self {
            servers: named.servers,
            members: members.len(),
            known_as: named.places,
            relative: Vec::new(),
            root: 0,
        };
        clocks.align(members);
        Ok(clocks)
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

/// What is named on the command line, found among what members asked.
#[derive(Default)]
struct Named {
    servers: Vec<String>,
    places: Vec<Vec<Option<ClockId>>>,
}

impl Named {
    fn add_common(&mut self, members: &[Member], common: &Common) -> Result<(), Refused> {
        let first = self.servers.len();
        // One name may stand for several servers: each address is one. Names that are set equal are one server.
        let mut addresses: BTreeMap<(String, u16), ClockId> = BTreeMap::new();
        let is_one = common.names.len() > 1;
        let seen = self.claim(members, &common.names, |witness| {
            let key = match is_one {
                true => (String::new(), 0),
                false => (bare(&witness.address).to_owned(), witness.port),
            };
            let next = first + addresses.len();
            *addresses.entry(key).or_insert(next)
        });
        let name = common.names.join(" = ");
        let mut places: Vec<(&(String, u16), &ClockId)> = addresses.iter().collect();
        places.sort_by_key(|(_, clock)| **clock);
        let is_several = places.len() > 1;
        for ((address, port), _) in places {
            self.servers.push(match is_several {
                true => format!("{name} ({address}, port {port})"),
                false => name.clone(),
            });
        }
        let most = seen.values().map(Vec::len).max().unwrap_or(0);
        let only = seen.values().flatten().next();
        match (most, only.and_then(|place| members.get(*place))) {
            (0, _) | (_, None) => Err(Refused::NotAsked(name)),
            (1, Some(member)) if addresses.len() == 1 => {
                Err(Refused::AskedByOne(name, member.name.clone()))
            }
            (1, _) => Err(Refused::DifferentAddresses(name)),
            _ => Ok(()),
        }
    }

    /// Gives a clock to all witnesses that are called so; says which members saw each.
    fn claim(
        &mut self,
        members: &[Member],
        names: &[String],
        mut clock: impl FnMut(&Witness) -> ClockId,
    ) -> BTreeMap<ClockId, Vec<usize>> {
        let mut seen: BTreeMap<ClockId, Vec<usize>> = BTreeMap::new();
        for (number, (member, places)) in members.iter().zip(&mut self.places).enumerate() {
            for (witness, place) in member.witnesses.iter().zip(places) {
                let is_meant = names.iter().any(|name| witness.is_called(name));
                if is_meant && place.is_none() {
                    let clock = clock(witness);
                    *place = Some(clock);
                    let by = seen.entry(clock).or_default();
                    if by.last() != Some(&number) {
                        by.push(number);
                    }
                }
            }
        }
        seen
    }
}

impl Witness {
    fn is_called(&self, name: &str) -> bool {
        let is_address = one_spelling(&self.address) == one_spelling(name.trim_matches(['[', ']']));
        let full = match self.address.contains(':') {
            true => format!("[{}]:{}", self.address, self.port),
            false => format!("{}:{}", self.address, self.port),
        };
        self.source == name || full == name || is_address
    }
}

/// An address as it is written but once: IPv6 has many ways.
fn one_spelling(address: &str) -> String {
    let bare = bare(address);
    let parsed = bare.parse::<std::net::IpAddr>();
    parsed.map_or_else(
        |_| bare.to_owned(),
        |address| address.to_canonical().to_string(),
    )
}

/// An address without its zone, which is a matter of the host.
fn bare(address: &str) -> &str {
    address.split('%').next().unwrap_or(address)
}

/// The part of the root's time that a member's witness speaks of.
pub(super) fn on_root(at: Timestamp, shift: Shift) -> Timestamp {
    at + -shift.by
}
