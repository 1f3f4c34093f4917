//! What several servers agree on, in the shape of the published schema.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::ends;
use super::clean::clean;
use super::model::Instant;
use crate::estimate::{Agreement, Member, Pair, Paths};
use crate::sample::{Campaign, SourceId};
use crate::time::{TimeDelta, Timestamp};

/// What several servers say of one instant. Of two numbers the first is the lower end, the second the
/// upper one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementReport {
    /// When, on the local clock.
    #[schemars(with = "Instant")]
    pub at: Timestamp,
    /// How many servers were compared.
    pub servers: u64,
    /// How many agree.
    pub agreeing: u64,
    /// Whether they are more than half.
    pub majority: bool,
    /// How many of those that agree may turn out wrong before they are no majority.
    pub spare: u64,
    /// UTC minus the local clock by what they agree on (Marzullo), each widened by its root distance.
    pub offset_ns: (i64, i64),
    /// The same by RFC 5905; null where there is no majority.
    pub intersection_ns: Option<(i64, i64)>,
    /// The servers.
    pub members: Vec<MemberReport>,
    /// Every two servers, where there are at most sixteen.
    pub pairs: Vec<PairReport>,
    /// The two that are proven to be furthest apart.
    pub widest: Option<PairReport>,
    /// Addresses of two servers each whose own claims cannot both be true; the first hundred.
    pub contradictions: Vec<(String, String)>,
    /// How many such pairs there are.
    pub contradicting_pairs: u64,
    /// Whether Khronos would accept these servers for this clock.
    pub khronos: KhronosReport,
}

/// One server among others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberReport {
    /// The server as it was asked for.
    pub source: String,
    /// Its address, with the port where several servers share it.
    pub address: String,
    /// Its clock minus the local one.
    pub offset_ns: (i64, i64),
    /// UTC minus the local clock, by its own word: the same, widened by its root distance.
    pub claim_ns: (i64, i64),
    /// Whether its claim has anything in common with what most agree on.
    pub agrees: bool,
    /// Whether RFC 5905 would call it a truechimer.
    pub truechimer: bool,
}

/// Two servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PairReport {
    /// One, as `members` has its address.
    pub a: String,
    /// The other.
    pub b: String,
    /// The clock of a minus that of b; the local clock has no part in it.
    pub skew_ns: (i64, i64),
}

/// What Khronos (RFC 9523) would make of these servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KhronosReport {
    /// Whether it would accept them.
    pub accepts: bool,
    /// Servers left when the lowest and the highest third are dropped.
    pub kept: u64,
    /// Their mean offset.
    pub mean_ns: i64,
    /// From the lowest of them to the highest; at most 50 ms to be accepted.
    pub spread_ns: i64,
}

/// One server over several paths. Its clock is the same at the end of each, so what they differ by is
/// asymmetry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathsReport {
    /// The server as it was asked for.
    pub source: String,
    /// Its address.
    pub address: String,
    /// How many paths.
    pub paths: u64,
    /// Its clock minus the local one (lower, upper), by all paths together; null where they contradict
    /// each other.
    pub bound_ns: Option<(i64, i64)>,
    /// Of how many of them there are estimates of one instant: those that are compared.
    pub compared: u64,
    /// The path with the lowest estimate, and that with the highest; null with fewer than two.
    pub extremes: Option<(u16, u16)>,
    /// From the lowest estimate to the highest.
    pub spread_ns: Option<i64>,
    /// What two of them differ by at least, with intervals three times as wide as those of 95 %.
    pub least_spread_ns: i64,
}

impl PathsReport {
    pub(super) fn new(campaign: &Campaign, found: &Paths) -> Self {
        let info = |id: SourceId| Some(&campaign.sources.get(id.index())?.info);
        let first = found.paths.first().and_then(|id| info(*id));
        let path = |id: SourceId| info(id).map_or(0, |info| info.path);
        Self {
            source: first.map_or(String::new(), |info| clean(&info.source)),
            address: first.map_or(String::new(), |info| clean(&info.address)),
            paths: u64::try_from(found.paths.len()).unwrap_or(u64::MAX),
            bound_ns: found.bound.map(ends),
            compared: u64::try_from(found.compared).unwrap_or(u64::MAX),
            extremes: found.extremes.map(|(low, high)| (path(low), path(high))),
            spread_ns: found.spread.map(TimeDelta::as_nanos),
            least_spread_ns: found.least_spread.as_nanos(),
        }
    }
}

impl AgreementReport {
    pub(super) fn new(campaign: &Campaign, found: &Agreement) -> Self {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let names = Names::new(campaign);
        let pair = |pair: &Pair| PairReport::new(&names, pair);
        let contradictions = found.contradictions.iter();
        Self {
            at: found.at,
            servers: count(found.members.len()),
            agreeing: count(found.votes),
            majority: found.majority,
            spare: count(found.spare),
            offset_ns: ends(found.offset),
            intersection_ns: found.intersection.map(ends),
            members: found
                .members
                .iter()
                .map(|member| MemberReport::new(&names, member))
                .collect(),
            pairs: found.pairs.iter().map(pair).collect(),
            widest: found.widest.as_ref().map(pair),
            contradictions: contradictions
                .map(|(a, b)| (names.address(*a), names.address(*b)))
                .collect(),
            contradicting_pairs: found.contradicting,
            khronos: KhronosReport {
                accepts: found.khronos.accepts(),
                kept: count(found.khronos.kept),
                mean_ns: found.khronos.mean.as_nanos(),
                spread_ns: found.khronos.spread.as_nanos(),
            },
        }
    }
}

impl MemberReport {
    fn new(names: &Names<'_>, member: &Member) -> Self {
        let record = names.campaign.sources.get(member.source.index());
        Self {
            source: record.map_or(String::new(), |record| clean(&record.info.source)),
            address: names.address(member.source),
            offset_ns: ends(member.offset),
            claim_ns: ends(member.claim),
            agrees: member.agrees,
            truechimer: member.truechimer,
        }
    }
}

impl PairReport {
    fn new(names: &Names<'_>, pair: &Pair) -> Self {
        Self {
            a: names.address(pair.a),
            b: names.address(pair.b),
            skew_ns: ends(pair.skew),
        }
    }
}

/// What servers are called.
struct Names<'a> {
    campaign: &'a Campaign,
    /// Addresses at which several of them answer, on ports of their own.
    shared: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn new(campaign: &'a Campaign) -> Self {
        let mut ports: BTreeMap<&str, u16> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for record in campaign.asked() {
            let info = &record.info;
            if *ports.entry(&info.address).or_insert(info.port) != info.port {
                shared.insert(info.address.as_str());
            }
        }
        Self { campaign, shared }
    }

    /// The address, with its port where that alone tells it from another one.
    fn address(&self, id: SourceId) -> String {
        let Some(record) = self.campaign.sources.get(id.index()) else {
            return String::new();
        };
        match self.shared.contains(record.info.address.as_str()) {
            true => clean(&record.info.to_string()),
            false => clean(&record.info.address),
        }
    }
}
