//! [`Identities`]: which of the servers that hosts asked are one and the same clock, by what is said of them and by
//! what their own answers show.

use std::collections::BTreeMap;

use super::super::timeline::Timeline;
use super::member::Member;
use super::witness::Witness;
use super::{Common, Doubt, Peer, Refused, Shown};
use crate::sample::ReferenceTime;

/// Servers that are shown to be one, beside those that are named: each takes a place in the constraints of every
/// instant, and a few prove as much.
const MOST_SHOWN: usize = 64;

/// What a server is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identity {
    /// One that several hosts asked, by its place among these.
    Server(usize),
    /// A member's own clock.
    Member(usize),
}

/// What the servers of all members are known to be.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// What each server in common is called.
    pub servers: Vec<String>,
    /// Of each witness of each member, where others may have seen that clock, too.
    pub places: Vec<Vec<Option<Identity>>>,
    /// Servers that nobody named, and that are one by their answers.
    pub shown: Vec<Shown>,
    /// Servers that are said to be one, and are not by their answers.
    pub doubts: Vec<Doubt>,
}

impl Identities {
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
        let mut found = Self::default();
        for member in members {
            found.places.push(vec![None; member.witnesses.len()]);
        }
        for common in commons {
            found.add_common(members, common)?;
        }
        for peer in peers {
            found.add_peer(members, peer)?;
        }
        found.add_shown(members);
        Ok(found)
    }

    fn add_common(&mut self, members: &[Member], common: &Common) -> Result<(), Refused> {
        let first = self.servers.len();
        // One name may stand for several servers: each address is one. Names that are set equal are one server.
        let mut addresses: BTreeMap<(String, u16), usize> = BTreeMap::new();
        let is_one = common.names.len() > 1;
        let seen = self.claim(members, &common.names, |witness| {
            let key = match is_one {
                true => (String::new(), 0),
                false => (bare(&witness.address).to_owned(), witness.port),
            };
            let next = first + addresses.len();
            Identity::Server(*addresses.entry(key).or_insert(next))
        });
        let name = common.names.join(" = ");
        let mut places: Vec<(&(String, u16), &usize)> = addresses.iter().collect();
        places.sort_by_key(|(_, server)| **server);
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

    fn add_peer(&mut self, members: &[Member], peer: &Peer) -> Result<(), Refused> {
        let place = members.iter().position(|member| member.name == peer.member);
        let Some(place) = place else {
            let names = members.iter().map(|member| member.name.clone());
            return Err(Refused::NoSuchMember {
                name: peer.member.clone(),
                members: names.collect(),
            });
        };
        let seen = self.claim(members, std::slice::from_ref(&peer.source), |_| {
            Identity::Member(place)
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
        Ok(())
    }

    /// Makes all witnesses that are called so one clock; says which members saw each.
    fn claim(
        &mut self,
        members: &[Member],
        names: &[String],
        mut clock: impl FnMut(&Witness) -> Identity,
    ) -> BTreeMap<Identity, Vec<usize>> {
        let mut seen: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
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

    /// Joins what is one server by its answers, and doubts what is not.
    fn add_shown(&mut self, members: &[Member]) {
        let mut servers = Servers::default();
        // What was named comes first: what is shown to be the same as that is that.
        for is_named in [true, false] {
            for (number, (member, places)) in members.iter().zip(&self.places).enumerate() {
                for (place, (witness, known)) in member.witnesses.iter().zip(places).enumerate() {
                    if known.is_some() == is_named
                        && let Some(timeline) = &witness.timeline
                    {
                        servers.add(timeline, (number, place), *known);
                    }
                }
            }
        }
        let witness = |(member, place): (usize, usize)| members.get(member)?.witnesses.get(place);
        for (identity, one, other) in servers.doubts {
            let name = match identity {
                Identity::Server(server) => self.servers.get(server).cloned(),
                Identity::Member(member) => members.get(member).map(|of| of.name.clone()),
            };
            self.doubts.push(Doubt {
                server: name.unwrap_or_default(),
                members: (one, other),
            });
        }
        for server in servers.found {
            let mut by: Vec<usize> = server.seen.iter().map(|(member, _)| *member).collect();
            by.dedup();
            let identity = match server.identity {
                Some(known) => known,
                None if by.len() > 1 && self.shown.len() < MOST_SHOWN => {
                    let mut names: Vec<&str> = Vec::new();
                    for name in server.seen.iter().filter_map(|of| witness(*of)) {
                        if !names.contains(&name.source.as_str()) {
                            names.push(&name.source);
                        }
                    }
                    let name = self.unused(names.join(" = "));
                    self.shown.push(Shown {
                        name: name.clone(),
                        members: by,
                    });
                    self.servers.push(name);
                    Identity::Server(self.servers.len() - 1)
                }
                None => continue,
            };
            for (member, place) in server.seen {
                let places = self.places.get_mut(member);
                if let Some(known) = places.and_then(|places| places.get_mut(place)) {
                    *known = Some(identity);
                }
            }
        }
    }

    /// A name that no other server in common has: one address may stand for a server of its own in each place.
    fn unused(&self, name: String) -> String {
        let numbered = format!("{name} (server ");
        let others = self.servers.iter();
        let others = others.filter(|of| **of == name || of.starts_with(&numbered));
        match others.count() {
            0 => name,
            others => format!("{name} (server {} of that name)", others + 1),
        }
    }
}

/// Servers, as their answers tell them apart.
#[derive(Default)]
struct Servers {
    found: Vec<Server>,
    /// Those that told of an instant.
    by_time: BTreeMap<ReferenceTime, Vec<usize>>,
    by_identity: BTreeMap<Identity, usize>,
    /// What is said to be one, and two members to which it answered as two.
    doubts: Vec<(Identity, usize, usize)>,
}

/// One of them.
struct Server {
    timeline: Timeline,
    identity: Option<Identity>,
    /// Members, and the place of it among their witnesses.
    seen: Vec<(usize, usize)>,
}

impl Servers {
    fn add(&mut self, timeline: &Timeline, seen: (usize, usize), identity: Option<Identity>) {
        let near = match identity {
            Some(identity) => self
                .by_identity
                .get(&identity)
                .copied()
                .into_iter()
                .collect(),
            None => self.told_of(timeline),
        };
        let fitting = near.iter().find_map(|place| {
            let server = self.found.get(*place)?;
            // What is named is taken for one unless it cannot be.
            let is_shown = identity.is_some() || server.timeline.shares(timeline);
            let both = server.timeline.with(timeline).filter(|_| is_shown);
            both.map(|both| (*place, both))
        });
        let place = match (fitting, identity) {
            (Some((place, both)), _) => {
                if let Some(server) = self.found.get_mut(place) {
                    server.timeline = both;
                    server.seen.push(seen);
                }
                place
            }
            (None, Some(identity)) if !near.is_empty() => {
                let first = near.first().and_then(|place| self.found.get(*place));
                let first = first.and_then(|of| of.seen.first());
                let is_told = self.doubts.iter().any(|(known, ..)| *known == identity);
                if let (Some((member, _)), false) = (first, is_told) {
                    self.doubts.push((identity, *member, seen.0));
                }
                return;
            }
            (None, identity) => {
                self.found.push(Server {
                    timeline: timeline.clone(),
                    identity,
                    seen: vec![seen],
                });
                self.found.len() - 1
            }
        };
        if let Some(identity) = identity {
            self.by_identity.entry(identity).or_insert(place);
        }
        for time in timeline.times() {
            let told = self.by_time.entry(time).or_default();
            if told.last() != Some(&place) {
                told.push(place);
            }
        }
    }

    /// Those that told of an instant that this one told of, too.
    fn told_of(&self, timeline: &Timeline) -> Vec<usize> {
        let times = timeline.times().filter_map(|time| self.by_time.get(&time));
        let mut near: Vec<usize> = times.flatten().copied().collect();
        near.sort_unstable();
        near.dedup();
        near
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
