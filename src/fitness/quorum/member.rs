//! [`Member`]: what one host's run says of its clock, ready to be held against other hosts'.
//!
//! A member is made of a recording or of an old report alike: both have the bounds of each server over time, and
//! what befell the local clock. Between two of them the offset moves no faster than the clocks can run apart.

use crate::estimate::{Assessment, Drift, Plan};
use crate::fitness::judge::is_loopback;
use crate::sample::{
    Campaign, Change, DisturbanceKind, Leap, MAX_STEERING, ServerInfo, SourceKind, SourceRecord,
    Timescale,
};
use crate::time::{Frequency, Interval, NANOS_PER_SEC, TimeDelta, Timestamp};

/// A watched clock that shows no slew keeps, at any time, within so much of its mean rate: the watch tells of a
/// rate that is 10 ppm from the one before, either way.
const STEADY: Frequency = Frequency::from_ppm(20);
/// A clock is watched if it was looked at so often at least.
const WATCHED_EVERY: TimeDelta = TimeDelta::from_secs(2);

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
    /// Disturbances that are not kept.
    pub more_moves: u64,
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
    /// Of a slew, or of another rate that the kernel was told: the rates before and after.
    pub rates: Option<(Frequency, Frequency)>,
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
    /// What holds the true offset, server - local, and when, on the server's clock: as the request arrived, of
    /// which the bound is true at most one delay before.
    pub series: Vec<(Timestamp, Interval)>,
    /// Where the server's time moved.
    pub breaks: Vec<Timestamp>,
    /// How fast its clock may run against the host's counter.
    pub drift: Drift,
    /// The longest delay of those exchanges.
    pub delay: TimeDelta,
    /// How far it may be from UTC by its own word; absent where it does not claim to know UTC.
    pub distance: Option<TimeDelta>,
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
    /// Its servers.
    pub(super) witnesses: Vec<Witness>,
}

/// A server, as one host saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub source: String,
    pub address: String,
    pub port: u16,
    pub exchanges: u64,
    /// How far it may be from UTC by its own word.
    pub distance: Option<TimeDelta>,
    /// In the order of its time, of which none occurs twice.
    points: Vec<Point>,
    /// How fast server - local may move.
    rate: Frequency,
    /// By how much a point may be true earlier than it says.
    late: TimeDelta,
    /// From when to when its host was asking it.
    span: (Timestamp, Timestamp),
}

/// An offset at a time of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    at: Timestamp,
    offset: Interval,
    /// Whether a clock was moved since the point before.
    broken: bool,
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
            let series: Vec<(Timestamp, Interval)> = found
                .timing
                .series
                .iter()
                .map(|of| (of.at, of.interval))
                .collect();
            // Where nobody watched the local clock, exchanges show that it was moved.
            let steps = found.timing.clock_steps.iter().filter_map(|step| {
                let mut after = series.iter();
                let local =
                    |(at, offset): &(Timestamp, Interval)| at.since(step.at) - offset.midpoint();
                let point = after.find(|point| local(point) >= TimeDelta::ZERO)?;
                Some(point.0)
            });
            let breaks = found.timing.breaks.iter().map(|of| of.at);
            sources.push(SourceTold {
                source: info.source.clone(),
                address: info.address.clone(),
                port: info.port,
                exchanges: found.valid,
                breaks: breaks.chain(steps).collect(),
                series: series.clone(),
                drift: found.timing.allowance.drift,
                delay: delays.max().unwrap_or(TimeDelta::ZERO),
                distance: longest.filter(|_| claims),
            });
        }
        let clock = &campaign.clock;
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
                    rates: match of.change {
                        Change::Slew { from, to, .. } | Change::Frequency { from, to } => {
                            Some((from, to))
                        }
                        _ => None,
                    },
                })
                .collect(),
            more_moves: clock.dropped(),
            sources,
        })
    }

    /// Exchanges with all of its servers.
    pub fn exchanges(&self) -> u64 {
        self.witnesses.iter().map(|of| of.exchanges).sum()
    }
}

/// Refuses a server that shares the clock of its client.
///
/// # Errors
///
/// It does.
pub fn refuse_own(kind: SourceKind, source: &str, address: &str) -> Result<(), NoMember> {
    match kind == SourceKind::Embedded || is_loopback(address) {
        true => Err(NoMember::OwnClock(source.to_owned())),
        false => Ok(()),
    }
}

/// Whether a server claims to know UTC.
pub fn claims_utc(leap: Leap, stratum: u8) -> bool {
    leap != Leap::Unsynchronised && (1..16).contains(&stratum)
}

/// How steadily a local clock ran.
#[derive(Clone, Copy, Debug)]
enum Steadiness {
    /// Watched all the time, and at most so far from its mean rate.
    Steady(Frequency),
    /// Steered by up to this.
    Steered(Frequency),
}

impl Steadiness {
    fn of(told: &HostTold) -> Self {
        let rates = || told.moves.iter().filter_map(|of| of.rates);
        let size = |rate: Frequency| rate.as_ppb().saturating_abs();
        let is_watched = told.duration.is_some_and(|lasted| {
            let readings = i64::try_from(told.readings).unwrap_or(i64::MAX);
            readings > 1 && WATCHED_EVERY.times(readings) >= lasted
        });
        let harmless = |of: &Move| {
            !matches!(
                of.kind,
                DisturbanceKind::Slew
                    | DisturbanceKind::Step
                    | DisturbanceKind::Suspend
                    | DisturbanceKind::Clocksource
                    | DisturbanceKind::LeapSecond
            )
        };
        if is_watched && told.more_moves == 0 && told.moves.iter().all(harmless) {
            // Rates that were told to the kernel, each too small for a slew, may add up.
            let told = rates().map(|(from, to)| to.abs_diff(from).as_ppb());
            let sum = told.fold(STEADY.as_ppb(), i64::saturating_add);
            return Self::Steady(Frequency::from_ppb(sum));
        }
        let fastest = rates().map(|(from, to)| size(from).max(size(to))).max();
        let most = fastest.unwrap_or(0).max(MAX_STEERING.as_ppb());
        Self::Steered(Frequency::from_ppb(most))
    }
}

/// How long before and after the place that is computed for a move of the local clock it may have been: what the
/// counter and the server's clock run apart in a day.
const MOVE_DOUBT: TimeDelta = TimeDelta::from_secs(10);

/// Bounds that a report tells are so far apart at most where there are exchanges, less what lies between two.
const SERIES_STEP: TimeDelta = Plan::SERIES_STEP;

impl Witness {
    fn of(told: &SourceTold, host: &HostTold, steadiness: Steadiness) -> Option<Self> {
        let (first, last) = (told.series.first()?, told.series.last()?);
        let late = told.delay.max(TimeDelta::ZERO);
        // What is seen of a break on the server's clock is up to one delay after what it breaks.
        let server = told.breaks.iter().map(|at| (*at + -late, *at));
        // Where the local clock was moved, on the server's clock.
        let begun = host.started + first.1.midpoint();
        let moved = host.moves.iter().filter(|of| {
            matches!(
                of.kind,
                DisturbanceKind::Step
                    | DisturbanceKind::Suspend
                    | DisturbanceKind::Clocksource
                    | DisturbanceKind::LeapSecond
            )
        });
        let local = moved.map(|of| {
            let doubt = of.error.max(TimeDelta::ZERO) + first.1.width() + MOVE_DOUBT;
            let at = begun + of.since_start;
            (at + -doubt, at + doubt)
        });
        let breaks: Vec<(Timestamp, Timestamp)> = server.chain(local).collect();
        let points = Point::ordered(&told.series, &breaks);
        let (begins, ends) = (points.first()?.at, points.last()?.at);
        // A report has one bound in ten seconds, where it is tightest; the host asked before and after.
        let ended = host.duration.map_or(ends, |lasted| begun + lasted);
        let span = (
            begins.min(begun.max(begins + -SERIES_STEP)),
            ends.max(ended.min(ends + SERIES_STEP)),
        );
        Some(Self {
            span,
            source: told.source.clone(),
            address: told.address.clone(),
            port: told.port,
            exchanges: told.exchanges,
            distance: told.distance,
            points,
            rate: rate(told.drift, steadiness, first, last),
            late,
        })
    }

    /// From when to when its host was asking it, on its own clock.
    pub(super) fn span(&self) -> (Timestamp, Timestamp) {
        self.span
    }

    /// What holds all of its offsets.
    pub(super) fn hull(&self) -> Option<Interval> {
        let lower = self.points.iter().map(|of| of.offset.lower()).min()?;
        let upper = self.points.iter().map(|of| of.offset.upper()).max()?;
        Interval::new(lower, upper)
    }

    /// What holds server - local at a time of the server that is known to `slack`, either way.
    pub(super) fn at(&self, at: Timestamp, slack: TimeDelta) -> Option<Interval> {
        let next = self.points.partition_point(|point| point.at <= at);
        let before = next.checked_sub(1).and_then(|place| self.points.get(place));
        let after = self.points.get(next);
        let reach = |from: &Point| {
            let away = at.since(from.at).abs() + slack + self.late;
            let moved = self.rate.gained_over(away) + TimeDelta::NANOSECOND;
            from.offset.widen(moved)
        };
        let (Some(a), Some(b)) = (before, after) else {
            return before.or(after).map(reach);
        };
        let (a, b, broken) = (reach(a), reach(b), b.broken);
        // Where a clock was moved in between, it may have been before or after.
        let either = Interval::new(a.lower().min(b.lower()), a.upper().max(b.upper()));
        match broken {
            true => either,
            false => a.intersect(b).or(either),
        }
    }
}

/// How fast server - local may move.
fn rate(
    drift: Drift,
    steadiness: Steadiness,
    first: &(Timestamp, Interval),
    last: &(Timestamp, Interval),
) -> Frequency {
    let widest = drift.widest().as_ppb();
    let steered = |by: Frequency| Frequency::from_ppb(by.as_ppb().saturating_add(widest));
    match steadiness {
        Steadiness::Steered(by) => steered(by),
        Steadiness::Steady(by) => {
            // The mean rate of all of it, and what either clock may be from its own.
            let elapsed = i128::from(last.0.since(first.0).as_nanos());
            let rise = (last.1.upper() - first.1.lower())
                .abs()
                .max((last.1.lower() - first.1.upper()).abs());
            let rise = i128::from(rise.as_nanos()) * i128::from(NANOS_PER_SEC);
            let mean = match elapsed > 0 {
                true => i64::try_from(rise / elapsed + 1).unwrap_or(i64::MAX),
                false => i64::MAX,
            };
            let spread = drift.upper.abs_diff(drift.lower).as_ppb();
            let all = mean.saturating_add(spread).saturating_add(by.as_ppb());
            Frequency::from_ppb(all.min(steered(MAX_STEERING).as_ppb()))
        }
    }
}

impl Point {
    /// Those of which the time occurs once: a server that is stepped back lives through some of its time twice.
    fn ordered(series: &[(Timestamp, Interval)], breaks: &[(Timestamp, Timestamp)]) -> Vec<Self> {
        let mut first_after = vec![Timestamp::from_nanos(i64::MAX); series.len()];
        let mut least = Timestamp::from_nanos(i64::MAX);
        for (place, (at, _)) in series.iter().enumerate().rev() {
            if let Some(after) = first_after.get_mut(place) {
                *after = least;
            }
            least = least.min(*at);
        }
        let mut most: Option<Timestamp> = None;
        let mut points: Vec<Self> = Vec::with_capacity(series.len());
        let mut lost = false;
        for ((at, offset), after) in series.iter().zip(first_after) {
            let once = most.is_none_or(|most| most < *at) && *at < after;
            most = most.max(Some(*at));
            if !once {
                lost = true;
                continue;
            }
            let from = points.last().map(|point| point.at);
            let is_within = |(begins, ends): &(Timestamp, Timestamp)| {
                *begins <= *at && from.is_some_and(|from| from <= *ends)
            };
            points.push(Self {
                at: *at,
                offset: *offset,
                broken: lost || breaks.iter().any(is_within),
            });
            lost = false;
        }
        points
    }
}
