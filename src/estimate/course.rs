//! [`Course`]: where the local clock was over time, by all servers together.
//!
//! What each server proves is known at the best exchange of each of its slots. Between two of them phi moves
//! no faster than the drift allows, so that each server proves something at every instant of its run, and
//! servers can be asked about one instant: the best exchange of any of them in each step of the run. There
//! the largest agreeing majority of them has its word, as in `agreement.rs`.

use super::agreement::{claimed, interval};
use super::paths::is_same_server;
use super::slots::Drift;
use super::steering::saturate;
use super::{Plan, SourceAssessment};
use crate::sample::{Campaign, SourceId, SourceKind, SourceRecord};
use crate::stats::most_agreed;
use crate::time::{Interval, Monotonic, NANOS_PER_SEC, TimeDelta, Timestamp};

/// A server has no word any more when it was silent for so many steps: what it said grows stale, and a wide
/// interval agrees with everybody.
const SILENT_STEPS: i64 = 4;

/// What the servers prove of the local clock over a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// In the counter's order.
    pub instants: Vec<CourseAt>,
    /// The servers that had a word, in the campaign's order; of several paths to one, the first.
    pub servers: Vec<CourseServer>,
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
    /// How many servers had a word.
    pub servers: usize,
    /// How many of them agree.
    pub votes: usize,
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
    /// At how many instants it had a word.
    pub spoke: usize,
    /// At how many of them it contradicted the majority, or there was none.
    pub dissented: usize,
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

/// All paths to one server.
struct Witness<'a> {
    source: SourceId,
    paths: Vec<(&'a SourceRecord, &'a SourceAssessment)>,
}

/// One witness's word at one instant.
struct Word {
    witness: usize,
    offset: Interval,
    claim: Interval,
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
            return Self::default();
        }
        let witnesses: Vec<Witness<'_>> = asked
            .chunk_by(|a, b| is_same_server(a.1, b.1))
            .filter_map(|paths| {
                Some(Witness {
                    source: paths.first()?.0,
                    paths: paths.iter().map(|of| (of.1, of.2)).collect(),
                })
            })
            .collect();
        let step = i128::from(plan.series_step.as_nanos().max(1));
        let mut found = Self {
            instants: Vec::new(),
            servers: witnesses.iter().map(CourseServer::silent).collect(),
        };
        for at in instants(&witnesses, step) {
            found.ask(&witnesses, &at, step);
        }
        found.servers.retain(|server| server.spoke > 0);
        found.spread(campaign, step);
        found
    }

    /// What all witnesses say of one instant.
    fn ask(&mut self, witnesses: &[Witness<'_>], at: &Known, step: i128) {
        let words: Vec<Word> = (0..)
            .zip(witnesses)
            .filter_map(|(place, witness)| witness.word(place, at, step))
            .collect();
        let claims: Vec<_> = words.iter().map(|word| claimed(word.claim)).collect();
        let offsets: Vec<_> = words.iter().map(|word| claimed(word.offset)).collect();
        let Some(agreed) = most_agreed(&claims) else {
            return;
        };
        let is_majority = |votes: usize| 2 * votes > words.len();
        let utc = is_majority(agreed.votes)
            .then(|| interval(agreed.lower, agreed.upper))
            .flatten();
        // Servers that are right may be apart by what they admit: then UTC is what they agree on.
        let close = most_agreed(&offsets).filter(|close| is_majority(close.votes));
        let reference = match (utc, close) {
            (Some(_), Some(close)) => interval(close.lower, close.upper),
            (utc, _) => utc,
        };
        for (word, claim) in words.iter().zip(&claims) {
            if let Some(server) = self.servers.get_mut(word.witness) {
                let agrees = utc.is_some() && claim.meets(agreed.lower, agreed.upper);
                server.spoke += 1;
                server.dissented += usize::from(!agrees);
            }
        }
        self.instants.push(CourseAt {
            at: Timestamp::from_nanos(saturate(at.at + at.wall)),
            counter: Monotonic::from_nanos(saturate(at.at)),
            stands_for: TimeDelta::ZERO,
            servers: words.len(),
            votes: agreed.votes,
            reference,
            utc,
        });
    }

    /// Gives each instant its part of the run.
    fn spread(&mut self, campaign: &Campaign, step: i128) {
        let most = SILENT_STEPS * saturate(step);
        let begun = Some(campaign.header.started_at).filter(|at| at.as_nanos() != 0);
        let ended = campaign.end.map(|end| end.at);
        let at: Vec<i64> = self
            .instants
            .iter()
            .map(|of| of.counter.as_nanos())
            .collect();
        let gap = |from: i64, to: i64| from.abs_diff(to).try_into().unwrap_or(i64::MAX);
        for (place, instant) in self.instants.iter_mut().enumerate() {
            let here = instant.counter.as_nanos();
            let before = place.checked_sub(1).and_then(|n| at.get(n));
            let after = at.get(place + 1);
            // An end of the run is all of the instant's, and half of what is between two is.
            let part = |neighbour: Option<&i64>, end: Option<Monotonic>| -> i64 {
                match (neighbour, end) {
                    (Some(other), _) => gap(*other, here).min(2 * most) / 2,
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
    fn silent(of: &Witness<'_>) -> Self {
        Self {
            source: of.source,
            spoke: 0,
            dissented: 0,
        }
    }
}

/// In each step the exchange of any witness that leaves the least open; of equals the earliest.
fn instants(witnesses: &[Witness<'_>], step: i128) -> Vec<Known> {
    let paths = witnesses.iter().flat_map(|witness| &witness.paths);
    let known = paths.flat_map(|(_, found)| &found.timing.known);
    let mut all: Vec<Known> = known.copied().collect();
    all.sort_by_key(|known| (known.at.div_euclid(step), known.offset.width(), known.at));
    all.dedup_by_key(|known| known.at.div_euclid(step));
    all
}

impl Witness<'_> {
    /// What it says of the instant of `at`; `None` while it is silent.
    fn word(&self, place: usize, at: &Known, step: i128) -> Option<Word> {
        let words = self.paths.iter().filter_map(|(record, found)| {
            let known = &found.timing.known;
            let (phi, latest) = phi_at(known, found.timing.allowance.drift, at.at, step)?;
            // Its own exchange says it without the detour over the counter.
            let own = known.partition_point(|own| own.at < at.at);
            let own = known.get(own).filter(|own| *own == at);
            let offset = match own {
                Some(own) => own.offset,
                None => from_phi(phi, at, found)?,
            };
            let server = record.servers.partition_point(|(from, _)| *from <= latest);
            let (_, server) = record.servers.get(server.checked_sub(1)?)?;
            Some((offset, offset.widen(server.root_distance())))
        });
        // Paths that contradict each other leave the first its word.
        let both = |a: (Interval, Interval), b: (Interval, Interval)| {
            let meet = |a: Interval, b| a.intersect(b).unwrap_or(a);
            (meet(a.0, b.0), meet(a.1, b.1))
        };
        let (offset, claim) = words.reduce(both)?;
        Some(Word {
            witness: place,
            offset,
            claim,
        })
    }
}

/// From phi at another source's exchange to server - local.
fn from_phi(
    (lower, upper): (i128, i128),
    at: &Known,
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

/// What a source proves of phi at an instant, and its latest exchange by then; `None` where it is silent.
fn phi_at(known: &[Known], drift: Drift, at: i128, step: i128) -> Option<((i128, i128), usize)> {
    let next = known.partition_point(|known| known.at <= at);
    let before = next.checked_sub(1).and_then(|place| known.get(place));
    let after = known.get(next);
    let moved = |by: i128, rate: i64, up: bool| {
        let product = i128::from(rate) * by;
        let down = product.div_euclid(i128::from(NANOS_PER_SEC));
        if up { down + 1 } else { down }
    };
    let (low, high) = (drift.lower.as_ppb(), drift.upper.as_ppb());
    let forward = before.map(|of| {
        let by = at - of.at;
        match by {
            0 => of.phi,
            _ => (
                of.phi.0 + moved(by, low, false),
                of.phi.1 + moved(by, high, true),
            ),
        }
    });
    let backward = after.map(|of| {
        let by = of.at - at;
        (
            of.phi.0 - moved(by, high, true),
            of.phi.1 - moved(by, low, false),
        )
    });
    let is_near = |of: &Known| (of.at - at).abs() <= i128::from(SILENT_STEPS) * step;
    match (before, after, forward, backward) {
        (Some(a), Some(b), Some(forward), Some(backward)) => {
            let both = (forward.0.max(backward.0), forward.1.min(backward.1));
            // Where the server's time moved in between, it may have done so before or after.
            let either = (forward.0.min(backward.0), forward.1.max(backward.1));
            let same = a.segment.is_some() && a.segment == b.segment && both.0 <= both.1;
            let phi = match (a.at == at, same) {
                (true, _) => forward,
                (_, true) => both,
                _ => either,
            };
            Some((phi, a.sample))
        }
        (Some(a), None, Some(forward), _) if is_near(a) => Some((forward, a.sample)),
        (None, Some(b), _, Some(backward)) if is_near(b) => Some((backward, b.sample)),
        _ => None,
    }
}
