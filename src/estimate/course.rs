//! [`Course`]: where the local clock was over time, by all servers together.
//!
//! What each server proves is known at the best exchange of each of its slots. Between two of them, and beyond the
//! last, phi moves no faster than the drift allows, so that each server proves something at every instant, if ever
//! less. So servers can be asked about one instant: the best exchange of any of them in each step of the run, and
//! either side of each step of the local clock.
//!
//! Up to half of the servers may be wrong. Then the truth is where more than half of their intervals overlap, and
//! all of that is the answer, not the place where most do: a narrow interval that is wrong would else have its way
//! among wide ones that are right. A server that has fallen silent keeps its word, which grows wide: if it had
//! none, whoever is left would be a majority.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::agreement::{claimed, interval};
use super::apart::{Apart, Watched};
use super::slots::Drift;
use super::steering::saturate;
use super::{Plan, SourceAssessment};
use crate::sample::{
    CHUNK, Campaign, Change, Leap, MAX_STEERING, ServerInfo, SourceId, SourceKind, SourceRecord,
    Timescale,
};
use crate::stats::{Claimed, agreed_by, median_of};
use crate::time::{Interval, Monotonic, NANOS_PER_SEC, TimeDelta, Timestamp};

/// At the edge of a pause an instant stands for no more than this, or what usually lies between two: half of the
/// interval at which public servers are asked.
const EDGE: TimeDelta = TimeDelta::from_secs(8);
/// Steps are made longer rather than ask servers more often than this in all: some seconds of work.
const MOST_QUESTIONS: usize = 4_000_000;
/// So many servers are each held against what most agree on.
pub const MOST_APART: usize = 64;
/// Steps and breaks beyond this are not looked at one by one: such a run says nothing of rates anyway.
const MOST_EDGES: usize = 1_000;

/// What the servers prove of the local clock over a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// In the counter's order.
    pub instants: Vec<CourseAt>,
    /// The servers that had a word, in the campaign's order; of several paths to one, the first.
    pub servers: Vec<CourseServer>,
    /// Where a server's time moved, on the counter: the exchange that shows it. The first thousand of each.
    pub breaks: Vec<Monotonic>,
    /// Why there is nothing, where there is nothing.
    pub unknown: Option<Unknown>,
}

/// Why servers say nothing of the local clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// They were measured from different clocks.
    DifferentClocks,
    /// There are answers, and none proves anything: they contradict themselves, or come from servers that are
    /// not synchronised, or keep another time scale.
    Unusable,
}

/// What they prove of one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseAt {
    /// When, on the local clock.
    pub at: Timestamp,
    /// When, on the counter.
    pub counter: Monotonic,
    /// How much of the run it stands for: until halfway to those next to it, where they are near.
    pub stands_for: TimeDelta,
    /// The servers' time minus the local clock, whatever they may be off by together; absent where no
    /// majority of them agrees.
    pub reference: Option<Interval>,
    /// UTC minus the local clock, by what the servers claim of themselves; likewise.
    pub utc: Option<Interval>,
}

/// A server that had a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CourseServer {
    /// Which source.
    pub source: SourceId,
    /// At how many instants it contradicted a majority.
    pub dissented: usize,
    /// At how many instants it contradicted another, and there was no majority.
    pub torn: usize,
    /// How its time stands to what most agree on; absent without a majority, and where there are more than sixty-four
    /// servers.
    pub apart: Option<Apart>,
}

/// What a source proves at one of its exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The counter at T1.
    pub at: i128,
    /// The local clock minus the counter.
    pub wall: i128,
    /// What `wall` may be off by.
    pub error: i128,
    /// The server's clock minus the counter.
    pub phi: (i128, i128),
    /// The server's clock minus the local one.
    pub offset: Interval,
    /// Which others it may be carried over to.
    pub segment: Option<usize>,
    /// Which exchange.
    pub sample: usize,
}

/// An instant at which servers are asked: the counter and the local clock minus it, with what that may be off by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instant {
    at: i128,
    wall: i128,
    error: i128,
}

/// All paths to one server.
struct Witness<'a> {
    source: SourceId,
    paths: Vec<(&'a SourceRecord, &'a SourceAssessment)>,
    /// The most that it may be off UTC by its own word, at any exchange: what one exchange proves is carried to
    /// instants of others.
    distance: TimeDelta,
}

/// What all witnesses say of one instant.
struct Answer {
    instant: CourseAt,
    /// Which contradict what a majority agrees on, or where there is none another.
    against: Vec<usize>,
    /// What each says of the local clock; of none where there are too many.
    words: Vec<Interval>,
}

impl Course {
    /// By the servers of a campaign; where they were measured from different clocks by none.
    pub(super) fn find(campaign: &Campaign, sources: &[SourceAssessment], plan: &Plan) -> Self {
        let asked: Vec<(SourceId, &SourceRecord, &SourceAssessment)> = (0..)
            .zip(campaign.sources.iter().zip(sources))
            .filter(|(_, (record, _))| record.info.kind == SourceKind::Ntp)
            .map(|(n, (record, found))| (SourceId(n), record, found))
            .collect();
        let clock = |place: usize| asked.get(place).map(|of| of.1.info.local_clock.as_deref());
        if (1..asked.len()).any(|place| clock(place) != clock(0)) {
            return Self {
                unknown: Some(Unknown::DifferentClocks),
                ..Self::default()
            };
        }
        let witnesses = Witness::of(&asked);
        let mut found = Self {
            instants: Vec::new(),
            servers: witnesses.iter().map(CourseServer::new).collect(),
            breaks: breaks(&witnesses),
            unknown: None,
        };
        let mut step = i128::from(plan.series_step.as_nanos().max(1));
        let mut instants = instants(&witnesses, step);
        let questions = instants.len().saturating_mul(witnesses.len());
        if questions > MOST_QUESTIONS {
            let longer = questions.div_ceil(MOST_QUESTIONS);
            step *= i128::try_from(longer).unwrap_or(1);
            instants = self::instants(&witnesses, step);
        }
        instants.extend(around_steps(campaign, &instants));
        instants.sort_by_key(|instant| instant.at);
        let answers: Vec<Option<Answer>> = instants
            .par_iter()
            .map(|instant| ask(&witnesses, instant))
            .collect();
        let mut watched: Vec<Option<Watched>> = vec![None; found.servers.len()];
        for answer in answers.into_iter().flatten() {
            if let Some(reference) = answer.instant.reference {
                let at = answer.instant.counter;
                for (watched, word) in watched.iter_mut().zip(&answer.words) {
                    Watched::add(watched, at, *word, reference);
                }
            }
            for place in answer.against {
                if let Some(server) = found.servers.get_mut(place) {
                    match answer.instant.utc {
                        Some(_) => server.dissented += 1,
                        None => server.torn += 1,
                    }
                }
            }
            found.instants.push(answer.instant);
        }
        for (server, watched) in found.servers.iter_mut().zip(watched) {
            server.apart = watched.map(Watched::apart);
        }
        let answered = asked
            .iter()
            .any(|(_, record, _)| !record.samples.is_empty());
        if found.instants.is_empty() && answered {
            found.unknown = Some(Unknown::Unusable);
        }
        found.spread(campaign);
        found
    }

    /// Gives each instant its part of the run.
    fn spread(&mut self, campaign: &Campaign) {
        let begun = Some(campaign.header.started_at).filter(|at| at.as_nanos() != 0);
        let ended = campaign.end.map(|end| end.at);
        let at: Vec<i64> = self
            .instants
            .iter()
            .map(|of| of.counter.as_nanos())
            .collect();
        let gap = |from: i64, to: i64| from.abs_diff(to).try_into().unwrap_or(i64::MAX);
        let mut gaps: Vec<i64> = at
            .iter()
            .zip(at.iter().skip(1))
            .map(|(a, b)| gap(*a, *b))
            .collect();
        let usual = median_of(&mut gaps).unwrap_or(0);
        let most = EDGE.as_nanos().max(usual);
        for (place, instant) in self.instants.iter_mut().enumerate() {
            let here = instant.counter.as_nanos();
            let before = place.checked_sub(1).and_then(|n| at.get(n));
            let after = at.get(place + 1);
            // What is between two is half of each, and what is before the first or after the last is all its own.
            let part = |neighbour: Option<&i64>, end: Option<Monotonic>| -> i64 {
                match (neighbour, end) {
                    (Some(other), _) => (gap(*other, here) / 2).min(most),
                    (None, Some(end)) => gap(end.as_nanos(), here).min(most),
                    (None, None) => 0,
                }
            };
            let sum = part(before, begun).saturating_add(part(after, ended));
            instant.stands_for = TimeDelta::from_nanos(sum);
        }
    }

    /// How much of the run is known.
    pub fn observed(&self) -> TimeDelta {
        let parts = self.instants.iter().map(|instant| instant.stands_for);
        parts.fold(TimeDelta::ZERO, |sum, part| sum + part)
    }
}

impl CourseServer {
    fn new(of: &Witness<'_>) -> Self {
        Self {
            source: of.source,
            dissented: 0,
            torn: 0,
            apart: None,
        }
    }
}

/// In each step the exchange of any witness that leaves the least open; of equals the earliest.
fn instants(witnesses: &[Witness<'_>], step: i128) -> Vec<Instant> {
    let paths = witnesses.iter().flat_map(|witness| &witness.paths);
    let known = paths.flat_map(|(_, found)| &found.timing.known);
    let mut all: Vec<&Known> = known.collect();
    all.sort_by_key(|known| {
        (
            known.at.div_euclid(step),
            known.offset.width(),
            known.at,
            known.sample,
        )
    });
    all.dedup_by_key(|known| known.at.div_euclid(step));
    all.into_iter().map(Instant::of).collect()
}

/// Either side of each step of the local clock, within what exchanges frame: the clock may have been elsewhere
/// for less time than lies between two of them.
fn around_steps(campaign: &Campaign, framed: &[Instant]) -> Vec<Instant> {
    let (Some(first), Some(last)) = (framed.first(), framed.last()) else {
        return Vec::new();
    };
    let disturbances = campaign.clock.disturbances.iter().take(MOST_EDGES);
    let sides = disturbances.filter_map(|found| {
        let Change::Step { by, error } = found.change else {
            return None;
        };
        let at = i128::from(found.at.as_nanos());
        let wall = i128::from(found.wall.as_nanos()) - at;
        let nanos = |of: TimeDelta| i128::from(of.as_nanos().max(0));
        // While the instant is in doubt, steering may have moved it.
        let steered = nanos(found.at_error) * i128::from(MAX_STEERING.as_ppb())
            / i128::from(NANOS_PER_SEC)
            + 1;
        let side = |wall: i128, error: i128| Instant {
            at,
            wall,
            error: error + steered,
        };
        let before = side(wall - i128::from(by.as_nanos()), nanos(error));
        Some([before, side(wall, nanos(error))])
    });
    let within = |side: &Instant| (first.at..=last.at).contains(&side.at);
    sides.flatten().filter(within).collect()
}

/// Where the time of a server moved.
fn breaks(witnesses: &[Witness<'_>]) -> Vec<Monotonic> {
    let paths = witnesses.iter().flat_map(|witness| &witness.paths);
    let all = paths.flat_map(|(record, found)| {
        let breaks = found.timing.breaks.iter();
        breaks.map(move |found| (record, found.sample))
    });
    let mut found: Vec<Monotonic> = all
        .take(MOST_EDGES)
        .filter_map(|(record, sample)| {
            let mut chunk = record.samples.chunk(sample / CHUNK);
            chunk.nth(sample % CHUNK).map(|sample| sample.at)
        })
        .collect();
    found.sort_unstable();
    found
}

fn ask(witnesses: &[Witness<'_>], at: &Instant) -> Option<Answer> {
    let words: Vec<(Interval, Interval)> = witnesses
        .iter()
        .map(|witness| witness.word(at))
        .collect::<Option<_>>()?;
    let claims: Vec<Claimed> = words.iter().map(|(_, claim)| claimed(*claim)).collect();
    let offsets: Vec<Claimed> = words.iter().map(|(offset, _)| claimed(*offset)).collect();
    let majority = words.len() / 2 + 1;
    let agreed = agreed_by(&claims, majority);
    let utc = agreed.and_then(|of| interval(of.lower, of.upper));
    // Servers that are right may be apart by what they admit: then UTC is what they agree on.
    let close = agreed_by(&offsets, majority).and_then(|of| interval(of.lower, of.upper));
    let reference = utc.and(close.or(utc));
    let against = match agreed {
        Some(agreed) => {
            let placed = (0..).zip(&claims);
            placed
                .filter(|(_, claim)| !claim.meets(agreed.lower, agreed.upper))
                .map(|(place, _)| place)
                .collect()
        }
        None => contradicted(&claims),
    };
    Some(Answer {
        instant: CourseAt {
            at: Timestamp::from_nanos(saturate(at.at + at.wall)),
            counter: Monotonic::from_nanos(saturate(at.at)),
            stands_for: TimeDelta::ZERO,
            reference,
            utc,
        },
        against,
        words: match words.len() <= MOST_APART {
            true => words.into_iter().map(|(offset, _)| offset).collect(),
            false => Vec::new(),
        },
    })
}

/// Those that some other contradicts.
fn contradicted(claims: &[Claimed]) -> Vec<usize> {
    let lowest = claims.iter().map(|claim| claim.upper).min();
    let highest = claims.iter().map(|claim| claim.lower).max();
    let (Some(lowest), Some(highest)) = (lowest, highest) else {
        return Vec::new();
    };
    let placed = (0..).zip(claims);
    placed
        .filter(|(_, claim)| claim.lower > lowest || claim.upper < highest)
        .map(|(place, _)| place)
        .collect()
}

impl Instant {
    fn of(known: &Known) -> Self {
        Self {
            at: known.at,
            wall: known.wall,
            error: known.error,
        }
    }
}

impl<'a> Witness<'a> {
    /// Those that have something to say, in the campaign's order.
    fn of(asked: &[(SourceId, &'a SourceRecord, &'a SourceAssessment)]) -> Vec<Self> {
        // One address is one server, by whatever path and however often it was named.
        let mut places: BTreeMap<(&str, u16), usize> = BTreeMap::new();
        let mut witnesses: Vec<Self> = Vec::new();
        for (source, record, found) in asked {
            let is_synchronised = |server: &ServerInfo| {
                server.leap != Leap::Unsynchronised && (1..16).contains(&server.stratum)
            };
            let usable = record.info.timescale != Timescale::Tai
                && !found.timing.known.is_empty()
                && record.servers.iter().all(|(_, of)| is_synchronised(of));
            let (true, Some(distance)) = (usable, record.largest_root_distance()) else {
                continue;
            };
            let info = &record.info;
            let place = *places
                .entry((info.address.as_str(), info.port))
                .or_insert(witnesses.len());
            match witnesses.get_mut(place) {
                Some(witness) => {
                    witness.paths.push((record, found));
                    witness.distance = witness.distance.max(distance);
                }
                None => witnesses.push(Self {
                    source: *source,
                    paths: vec![(record, found)],
                    distance,
                }),
            }
        }
        witnesses
    }

    /// What it says of an instant: its clock minus the local one, and UTC minus the local one.
    fn word(&self, at: &Instant) -> Option<(Interval, Interval)> {
        let words = self.paths.iter().filter_map(|(_, found)| {
            let known = &found.timing.known;
            // Its own exchange says it without the detour over the counter.
            let own = known.partition_point(|own| own.at < at.at);
            let own = known.get(own).filter(|own| Instant::of(own) == *at);
            match own {
                Some(own) => Some(own.offset),
                None => from_phi(
                    phi_at(known, found.timing.allowance.drift, at.at)?,
                    at,
                    found,
                ),
            }
        });
        // Paths that contradict each other leave the first its word.
        let offset = words.reduce(|a: Interval, b| a.intersect(b).unwrap_or(a))?;
        Some((offset, offset.widen(self.distance)))
    }
}

/// From phi at another source's exchange to server - local.
fn from_phi(
    (lower, upper): (i128, i128),
    at: &Instant,
    found: &SourceAssessment,
) -> Option<Interval> {
    let drift = i128::from(found.timing.allowance.drift.widest().as_ppb());
    // The instant is known to its error, in which phi may move, too.
    let error = at.error + drift * at.error / i128::from(NANOS_PER_SEC) + 1;
    interval(
        saturate(lower - at.wall - error),
        saturate(upper - at.wall + error),
    )
}

/// What a source proves of phi at an instant.
fn phi_at(known: &[Known], drift: Drift, at: i128) -> Option<(i128, i128)> {
    let next = known.partition_point(|known| known.at <= at);
    let before = next.checked_sub(1).and_then(|place| known.get(place));
    let after = known.get(next);
    let moved = |by: i128, rate: i64, up: bool| {
        let product = i128::from(rate) * by;
        let down = product.div_euclid(i128::from(NANOS_PER_SEC));
        if up { down + 1 } else { down }
    };
    let (low, high) = (drift.lower.as_ppb(), drift.upper.as_ppb());
    let forward = before.map(|of| match at - of.at {
        0 => of.phi,
        by => (
            of.phi.0 + moved(by, low, false),
            of.phi.1 + moved(by, high, true),
        ),
    });
    let backward = after.map(|of| {
        let by = of.at - at;
        (
            of.phi.0 - moved(by, high, true),
            of.phi.1 - moved(by, low, false),
        )
    });
    let (Some(a), Some(b), Some(forward), Some(backward)) = (before, after, forward, backward)
    else {
        return forward.or(backward);
    };
    let both = (forward.0.max(backward.0), forward.1.min(backward.1));
    // Where the server's time moved in between, it may have done so before or after.
    let either = (forward.0.min(backward.0), forward.1.max(backward.1));
    let same = a.segment.is_some() && a.segment == b.segment && both.0 <= both.1;
    Some(match (a.at == at, same) {
        (true, _) => forward,
        (_, true) => both,
        _ => either,
    })
}
