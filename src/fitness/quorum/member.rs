//! [`Member`]: what one host's run says of its clock, ready to be held against other hosts'.
//!
//! A member is made of a recording or of an old report alike: both have the bounds of each server over time, and
//! what befell the local clock. Between two of them the offset moves no faster than the clocks can run apart.

use super::witness::{Steadiness, Witness};
use crate::estimate::{Assessment, Drift};
use crate::fitness::judge::is_own;
use crate::sample::{
    Campaign, Change, DisturbanceKind, LEAST_STEP, Leap, MAX_STEERING, ReferenceSpell, ServerInfo,
    SourceKind, SourceRecord, Timescale,
};
use crate::time::{Frequency, Interval, TimeDelta, Timestamp};

/// What is told of one host's run, by its recording or its report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostTold {
    /// What the host is called; empty where it has no name.
    pub name: String,
    /// Random name of the run.
    pub run_id: String,
    /// Which boot of which kernel; runs that share it share a clock.
    pub boot_id: Option<String>,
    /// The local clock at the start.
    pub started: Timestamp,
    /// How long it took; absent where the end is missing.
    pub duration: Option<TimeDelta>,
    /// How often the local clock was looked at.
    pub readings: u64,
    /// What befell the local clock.
    pub moves: Vec<Move>,
    /// Its servers.
    pub sources: Vec<SourceTold>,
}

/// Something that befell a local clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// What.
    pub kind: DisturbanceKind,
    /// When, since the start of the run.
    pub since_start: TimeDelta,
    /// What that may be off by, either way.
    pub error: TimeDelta,
    /// Of a step, a leap second included: how far, positive forward, and what that may be off by.
    pub by: Option<(TimeDelta, TimeDelta)>,
    /// Of a slew, or of another rate that the kernel was told: the rates before and after.
    pub rates: Option<(Frequency, Frequency)>,
}

impl Move {
    /// How far the kernel moves its clock for a leap second: an inserted one is lived through twice.
    pub fn of_leap(leap: Leap) -> Option<(TimeDelta, TimeDelta)> {
        let second = TimeDelta::from_secs(1);
        match leap {
            Leap::Insert => Some((-second, TimeDelta::ZERO)),
            Leap::Delete => Some((second, TimeDelta::ZERO)),
            Leap::None | Leap::Unsynchronised => None,
        }
    }
}

/// What holds the true offset, server - local, at an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The server's clock as the request arrived; the bound is true at most one delay before.
    pub at: Timestamp,
    /// When the request left, since the start of the run.
    pub since_start: TimeDelta,
    /// The offset.
    pub offset: Interval,
}

/// What is told of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceTold {
    /// As it was asked for.
    pub source: String,
    /// What that resolved to.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Exchanges that count.
    pub exchanges: u64,
    /// Its offsets, in the order they were measured.
    pub series: Vec<Bound>,
    /// Where the server's time moved.
    pub breaks: Vec<Timestamp>,
    /// How fast its clock may run against the host's counter.
    pub drift: Drift,
    /// The longest delay of those exchanges.
    pub delay: TimeDelta,
    /// How far it may be from UTC by its own word; absent where it does not claim to know UTC.
    pub distance: Option<TimeDelta>,
    /// When it said that its clock was corrected, over time.
    pub references: Vec<ReferenceSpell>,
}

/// Why a run says nothing of its host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMember {
    /// A server shares the clock.
    #[error(
        "{0} shares the clock of the host that asked it: against itself a clock is always right"
    )]
    OwnClock(String),
    /// No server proves anything.
    #[error("no NTP server answered in it, so it says nothing of its host's clock")]
    NothingKnown,
    /// Not one clock.
    #[error("its servers were seen from different clocks, and a member is one host")]
    DifferentClocks,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What it is called.
    pub name: String,
    /// Random name of its run.
    pub run_id: String,
    /// Which boot of which kernel.
    pub boot_id: Option<String>,
    /// How long its run took; absent where the end is missing.
    pub(super) duration: Option<TimeDelta>,
    /// Its servers.
    pub(super) witnesses: Vec<Witness>,
}

impl Member {
    /// By what is told of a run; `name` in place of the host's own.
    ///
    /// # Errors
    ///
    /// It says nothing of its host.
    pub fn new(told: HostTold) -> Result<Self, NoMember> {
        let steadiness = Steadiness::of(&told);
        let witnesses: Vec<Witness> = told
            .sources
            .iter()
            .filter_map(|source| Witness::of(source, &told, steadiness))
            .collect();
        if witnesses.is_empty() {
            return Err(NoMember::NothingKnown);
        }
        Ok(Self {
            name: told.name,
            run_id: told.run_id,
            boot_id: told.boot_id,
            duration: told.duration,
            witnesses,
        })
    }

    /// By a recording.
    ///
    /// # Errors
    ///
    /// It says nothing of its host.
    pub fn of(campaign: &Campaign, assessment: &Assessment) -> Result<Self, NoMember> {
        let header = &campaign.header;
        let asked: Vec<(usize, &SourceRecord)> = (0..)
            .zip(&campaign.sources)
            .filter(|(_, record)| !campaign.is_beside(record))
            .collect();
        let mut clocks = asked.iter().map(|(_, record)| &record.info.local_clock);
        if let Some(first) = clocks.next()
            && clocks.any(|other| other != first)
        {
            return Err(NoMember::DifferentClocks);
        }
        let mut sources = Vec::new();
        for (place, record) in asked {
            let info = &record.info;
            if info.local_clock.is_none() {
                refuse_own(info.kind, &info.source, &info.address)?;
            }
            let Some(found) = assessment.sources.get(place) else {
                continue;
            };
            if info.kind != SourceKind::Ntp || info.timescale == Timescale::Tai {
                continue;
            }
            let heard = || record.servers.iter().map(|(_, of)| of);
            let claims = heard().all(|of| claims_utc(of.leap, of.stratum));
            let longest = heard().map(ServerInfo::root_distance).max();
            let delays = record.samples.iter().map(|of| of.exchange.delay());
            let series: Vec<Bound> = found
                .timing
                .series
                .iter()
                .map(|of| Bound {
                    at: of.at,
                    since_start: of.counter.since(header.started_at),
                    offset: of.interval,
                })
                .collect();
            sources.push(SourceTold {
                source: info.source.clone(),
                address: info.address.clone(),
                port: info.port,
                exchanges: found.valid,
                breaks: found.timing.breaks.iter().map(|of| of.at).collect(),
                series,
                drift: found.timing.allowance.drift,
                delay: delays.max().unwrap_or(TimeDelta::ZERO),
                distance: longest.filter(|_| claims),
                references: record.reference_spells(),
            });
        }
        let clock = &campaign.clock;
        let unseen = steps_by_exchanges(campaign, assessment, &sources);
        Self::new(HostTold {
            name: header.environment.host.clone().unwrap_or_default(),
            run_id: header.run_id.clone(),
            boot_id: header.environment.boot_id.clone(),
            started: header.started,
            duration: campaign.end.map(|end| end.at.since(header.started_at)),
            readings: clock.readings,
            moves: clock
                .disturbances
                .iter()
                .map(|of| Move {
                    kind: of.change.kind(),
                    since_start: of.at.since(header.started_at),
                    error: of.at_error,
                    by: match of.change {
                        Change::Step { by, error } => Some((by, error)),
                        Change::LeapSecond { leap } => Move::of_leap(leap),
                        _ => None,
                    },
                    rates: match of.change {
                        Change::Slew { from, to, .. } | Change::Frequency { from, to } => {
                            Some((from, to))
                        }
                        _ => None,
                    },
                })
                .chain(unseen)
                .collect(),
            sources,
        })
    }

    /// Exchanges with all of its servers.
    pub fn exchanges(&self) -> u64 {
        self.witnesses.iter().map(|of| of.exchanges).sum()
    }
}

/// Steps of a local clock that nobody watched, as the exchanges with the server that was asked most show them: each
/// between two of its bounds.
fn steps_by_exchanges(
    campaign: &Campaign,
    assessment: &Assessment,
    sources: &[SourceTold],
) -> Vec<Move> {
    if campaign.clock.counts.contains_key(&DisturbanceKind::Step) {
        return Vec::new();
    }
    let most = sources.iter().max_by_key(|of| of.exchanges);
    let Some(told) = most else {
        return Vec::new();
    };
    let is_it = |place: &usize| {
        let info = campaign.sources.get(*place).map(|of| &of.info);
        info.is_some_and(|of| of.address == told.address && of.port == told.port)
    };
    let place = (0..campaign.sources.len()).find(is_it);
    let found = place.and_then(|place| assessment.sources.get(place));
    let steps = found
        .into_iter()
        .flat_map(|found| &found.timing.clock_steps);
    let steps = steps.map(|step| {
        let local = |of: &Bound| of.at.since(step.at) - of.offset.midpoint();
        // Of a clock that was stepped back some of its time occurs twice: the first such bound may be too early.
        let is_after = |of: &&Bound| local(of) >= TimeDelta::ZERO;
        let after = told.series.iter().find(is_after);
        let last = told.series.iter().rev().find(|of| !is_after(of));
        let (from, to) = match (last, after) {
            (Some(last), Some(after)) => (
                last.since_start.min(after.since_start),
                last.since_start.max(after.since_start),
            ),
            (Some(one), None) | (None, Some(one)) => (one.since_start, one.since_start),
            (None, None) => (TimeDelta::ZERO, TimeDelta::ZERO),
        };
        let doubt = to - from;
        Move {
            kind: DisturbanceKind::Step,
            since_start: from.midpoint(to),
            error: doubt,
            by: Some((step.by, MAX_STEERING.gained_over(doubt) + LEAST_STEP)),
            rates: None,
        }
    });
    steps.collect()
}

/// Refuses a server that shares the clock of its client.
///
/// # Errors
///
/// It does.
pub fn refuse_own(kind: SourceKind, source: &str, address: &str) -> Result<(), NoMember> {
    match is_own(kind, address) {
        true => Err(NoMember::OwnClock(source.to_owned())),
        false => Ok(()),
    }
}

/// Whether a server claims to know UTC.
pub fn claims_utc(leap: Leap, stratum: u8) -> bool {
    leap != Leap::Unsynchronised && (1..16).contains(&stratum)
}
