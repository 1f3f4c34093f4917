//! [`Groups`]: which clocks are joined by what was seen, and how two members can be compared.

use super::Basis;
use super::clocks::{ClockId, Clocks};
use super::member::Member;

/// Which clocks are joined by what was seen, and which members can be compared how.
pub(super) struct Groups {
    /// The clocks of which bounds are closed: servers in common, and members that others asked. Each has its
    /// place among them.
    pub hubs: Vec<Option<usize>>,
    pub hub_count: usize,
    /// The group of each clock, by the least clock in it.
    pub group: Vec<ClockId>,
    /// Whether each member's servers claim to know UTC.
    claims: Vec<bool>,
}

impl Groups {
    pub(super) fn of(members: &[Member], clocks: &Clocks) -> Self {
        let count = clocks.servers.len() + members.len();
        let mut group: Vec<ClockId> = (0..count).collect();
        let mut is_hub = vec![false; count];
        for (number, known_as) in clocks.known_as.iter().enumerate() {
            let own = clocks.of_member(number);
            for clock in known_as.iter().flatten() {
                if let Some(hub) = is_hub.get_mut(*clock) {
                    *hub = true;
                }
                let (a, b) = (root_of(&group, own), root_of(&group, *clock));
                if let Some(parent) = group.get_mut(a.max(b)) {
                    *parent = a.min(b);
                }
            }
        }
        let mut hub_count = 0;
        let hubs = is_hub.iter().map(|is_hub| {
            is_hub.then(|| {
                hub_count += 1;
                hub_count - 1
            })
        });
        let hubs = hubs.collect();
        let claims = members
            .iter()
            .map(|member| member.witnesses.iter().any(|of| of.distance.is_some()));
        Self {
            hubs,
            hub_count,
            group: (0..count).map(|clock| root_of(&group, clock)).collect(),
            claims: claims.collect(),
        }
    }

    pub(super) fn hub(&self, clock: ClockId) -> Option<usize> {
        self.hubs.get(clock).copied().flatten()
    }

    /// The clock that is a hub.
    pub(super) fn clock(&self, hub: usize) -> Option<ClockId> {
        self.hubs.iter().position(|of| *of == Some(hub))
    }

    pub(super) fn group_of_hub(&self, hub: usize) -> Option<ClockId> {
        self.clock(hub).map(|clock| self.group_of(clock))
    }

    pub(super) fn group_of(&self, clock: ClockId) -> ClockId {
        self.group.get(clock).copied().unwrap_or(clock)
    }

    /// How two members are compared.
    pub(super) fn basis(&self, servers: usize, (a, b): (usize, usize)) -> Option<Basis> {
        let claims = |member: usize| self.claims.get(member).copied().unwrap_or(false);
        if self.group_of(servers + a) == self.group_of(servers + b) {
            return Some(Basis::Measured);
        }
        (claims(a) && claims(b)).then_some(Basis::Claimed)
    }
}

fn root_of(group: &[ClockId], mut clock: ClockId) -> ClockId {
    while let Some(parent) = group.get(clock).filter(|parent| **parent != clock) {
        clock = *parent;
    }
    clock
}
