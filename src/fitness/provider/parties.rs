//! How many servers there are behind the addresses that were asked.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::timeline::Timeline;
use super::is_asked;
use crate::sample::{Campaign, ReferenceTime, SourceId, SourceRecord};

/// Addresses behind which one server stands, as far as it is known; each group in the campaign's order.
pub(in super::super) fn servers(
    campaign: &Campaign,
    counts: impl Fn(SourceId) -> bool,
) -> Vec<Vec<SourceId>> {
    let asked: Vec<(SourceId, &SourceRecord)> = (0..)
        .map(SourceId)
        .zip(&campaign.sources)
        .filter(|(id, of)| is_asked(&of.info) && counts(*id))
        .collect();
    let told: Vec<Option<Timeline>> = asked
        .iter()
        .map(|(_, of)| Timeline::of(&of.reference_spells()))
        .collect();
    let mut groups = Groups::of(asked.len());
    // A name may have an address in each family, and one server behind both: the first of each, and so on.
    let mut seen: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    let mut named: BTreeMap<(&str, usize, bool), usize> = BTreeMap::new();
    for (this, (_, record)) in asked.iter().enumerate() {
        let (name, family) = (record.info.source.as_str(), is_v6(record));
        let count = seen.entry((name, family)).or_default();
        *count += 1;
        named.insert((name, *count, family), this);
        if let Some(other) = named.get(&(name, *count, !family)) {
            groups.join(*other, this);
        }
    }
    // Only who told of one correction at least that another told of can be the same.
    let mut tellers: BTreeMap<ReferenceTime, Vec<usize>> = BTreeMap::new();
    for (this, timeline) in told.iter().enumerate() {
        for time in timeline.iter().flat_map(Timeline::times) {
            tellers.entry(time).or_default().push(this);
        }
    }
    for alike in tellers.values() {
        for (n, this) in alike.iter().enumerate() {
            for other in alike.iter().take(n) {
                let both = (told.get(*other), told.get(*this));
                if !groups.are_one(*other, *this)
                    && let (Some(Some(one)), Some(Some(other_one))) = both
                    && one.shares(other_one)
                {
                    groups.join(*other, *this);
                }
            }
        }
    }
    let ids = |group: Vec<usize>| -> Vec<SourceId> {
        let of = |n: usize| asked.get(n).map(|(id, _)| *id);
        group.into_iter().filter_map(of).collect()
    };
    groups.all().into_iter().map(ids).collect()
}

/// Which are one, by the first of each group.
struct Groups(Vec<usize>);

impl Groups {
    fn of(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn are_one(&self, a: usize, b: usize) -> bool {
        self.0.get(a) == self.0.get(b)
    }

    fn join(&mut self, a: usize, b: usize) {
        let (Some(a), Some(b)) = (self.0.get(a).copied(), self.0.get(b).copied()) else {
            return;
        };
        for first in &mut self.0 {
            if *first == a.max(b) {
                *first = a.min(b);
            }
        }
    }

    fn all(self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (this, first) in self.0.into_iter().enumerate() {
            groups.entry(first).or_default().push(this);
        }
        groups.into_values().collect()
    }
}

fn is_v6(record: &SourceRecord) -> bool {
    let bare = record.info.address.split('%').next();
    let address = bare.and_then(|text| text.parse::<IpAddr>().ok());
    matches!(address, Some(IpAddr::V6(_)))
}
