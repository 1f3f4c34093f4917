//! How many servers there are behind the addresses that were asked.

use std::net::IpAddr;

use super::super::timeline::Timeline;
use super::is_asked;
use crate::sample::{Campaign, SourceId, SourceRecord};

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
    // A name may have an address in each family, and one server behind both.
    let place = |wanted: usize| -> usize {
        let Some((_, record)) = asked.get(wanted) else {
            return 0;
        };
        let alike = asked
            .iter()
            .take(wanted)
            .filter(|(_, of)| of.info.source == record.info.source && is_v6(of) == is_v6(record));
        alike.count()
    };
    let same_name = |a: usize, b: usize| match (asked.get(a), asked.get(b)) {
        (Some((_, one)), Some((_, other))) => {
            one.info.source == other.info.source
                && is_v6(one) != is_v6(other)
                && place(a) == place(b)
        }
        _ => false,
    };
    let same_clock = |a: usize, b: usize| match (told.get(a), told.get(b)) {
        (Some(Some(one)), Some(Some(other))) => one.shares(other),
        _ => false,
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for this in 0..asked.len() {
        let is_one = |group: &Vec<usize>| {
            group
                .iter()
                .any(|of| same_name(*of, this) || same_clock(*of, this))
        };
        let (mut joined, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_one);
        groups = rest;
        let mut all: Vec<usize> = joined.drain(..).flatten().collect();
        all.push(this);
        all.sort_unstable();
        groups.push(all);
    }
    groups.sort();
    let ids = |group: Vec<usize>| -> Vec<SourceId> {
        let of = |n: usize| asked.get(n).map(|(id, _)| *id);
        group.into_iter().filter_map(of).collect()
    };
    groups.into_iter().map(ids).collect()
}

fn is_v6(record: &SourceRecord) -> bool {
    let bare = record.info.address.split('%').next();
    let address = bare.and_then(|text| text.parse::<IpAddr>().ok());
    matches!(address, Some(IpAddr::V6(_)))
}
