//! What several servers agree on, in the shape of the published schema.

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
    /// Its address.
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
    /// Address of one.
    pub a: String,
    /// Address of the other.
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
    /// The path with the lowest estimate, and that with the highest.
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
            extremes: found.extremes.map(|(low, high)| (path(low), path(high))),
            spread_ns: found.spread.map(TimeDelta::as_nanos),
            least_spread_ns: found.least_spread.as_nanos(),
        }
    }
}

impl AgreementReport {
    pub(super) fn new(campaign: &Campaign, found: &Agreement) -> Self {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let pair = |pair: &Pair| PairReport::new(campaign, pair);
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
                .map(|member| MemberReport::new(campaign, member))
                .collect(),
            pairs: found.pairs.iter().map(pair).collect(),
            widest: found.widest.as_ref().map(pair),
            contradictions: contradictions
                .map(|(a, b)| (address(campaign, *a), address(campaign, *b)))
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
    fn new(campaign: &Campaign, member: &Member) -> Self {
        let record = campaign.sources.get(member.source.index());
        Self {
            source: record.map_or(String::new(), |record| clean(&record.info.source)),
            address: address(campaign, member.source),
            offset_ns: ends(member.offset),
            claim_ns: ends(member.claim),
            agrees: member.agrees,
            truechimer: member.truechimer,
        }
    }
}

impl PairReport {
    fn new(campaign: &Campaign, pair: &Pair) -> Self {
        Self {
            a: address(campaign, pair.a),
            b: address(campaign, pair.b),
            skew_ns: ends(pair.skew),
        }
    }
}

fn address(campaign: &Campaign, id: SourceId) -> String {
    let record = campaign.sources.get(id.index());
    record.map_or(String::new(), |record| clean(&record.info.address))
}
