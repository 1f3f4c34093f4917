//! [`Witness`]: a server as one host saw it, and what that proves at any instant of the server's time.
//!
//! Between two bounds the offset moves no faster than the clocks run apart. Where the local clock was stepped in
//! between, all that it may have been by then is allowed; where the server's time moved, either side.

use super::super::timeline::Timeline;
use super::member::{Bound, HostTold, Move, SourceTold};
use crate::estimate::{Drift, Plan};
use crate::sample::{DisturbanceKind, MAX_STEERING};
use crate::time::{Frequency, Interval, NANOS_PER_SEC, TimeDelta, Timestamp};

/// A watched clock that shows no slew keeps, at any time, within so much of its mean rate: the watch tells of a
/// rate that is 10 ppm from the one before, either way.
const STEADY: Frequency = Frequency::from_ppm(20);
/// A clock is watched if it was looked at so often at least.
const WATCHED_EVERY: TimeDelta = TimeDelta::from_secs(2);
/// A recording keeps so many steps; a clock that was stepped more often may have been anywhere.
const STEPS_KEPT: usize = 100;
/// Bounds that a report tells are so far apart at most where there are exchanges, less what lies between two.
const SERIES_STEP: TimeDelta = Plan::SERIES_STEP;
/// An instant that may be on either side of more bounds than this is not known well enough to be used.
const MOST_GAPS: usize = 64;
/// Offsets beyond this, a hundred years, are no measurement.
const FARTHEST: TimeDelta = TimeDelta::from_secs(100 * 366 * 86_400);

/// A server, as one host saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub source: String,
    pub address: String,
    pub port: u16,
    pub exchanges: u64,
    /// How far it may be from UTC by its own word.
    pub distance: Option<TimeDelta>,
    /// When it was corrected, by its own word.
    pub timeline: Option<Timeline>,
    /// In the order of its time, of which none occurs twice.
    points: Vec<Point>,
    /// What befell offsets before each point, since the one before it, and at last after the last one.
    gaps: Vec<Gap>,
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
}

/// What befell offsets between two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gap {
    /// How often the server's time moved, by nobody knows how much.
    breaks: usize,
    /// All that the local clock was stepped by at any time since the point before it: from nothing to all of it.
    forward: (TimeDelta, TimeDelta),
    /// The same seen from the point after it, back.
    backward: (TimeDelta, TimeDelta),
    /// Whether there was such a step.
    stepped: bool,
}

/// How steadily a local clock ran.
#[derive(Clone, Copy, Debug)]
pub(super) enum Steadiness {
    /// Watched all the time, and at most so far from its mean rate.
    Steady(Frequency),
    /// Steered by up to this.
    Steered(Frequency),
}

impl Steadiness {
    pub(super) fn of(told: &HostTold) -> Self {
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
        if is_watched && told.moves.iter().all(harmless) {
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

impl Witness {
    pub(super) fn of(told: &SourceTold, host: &HostTold, steadiness: Steadiness) -> Option<Self> {
        let steps = host.moves.iter().filter(|of| of.by.is_some()).count();
        if steps >= STEPS_KEPT {
            return None;
        }
        let late = told.delay.max(TimeDelta::ZERO);
        let series = once(&told.series);
        let (first, last) = (series.first()?, series.last()?);
        // The host asked before its first bound and after its last one: a report has one in ten seconds.
        let asked_before = first.since_start.clamp(TimeDelta::ZERO, SERIES_STEP);
        let after =
            |lasted: TimeDelta| (lasted - last.since_start).clamp(TimeDelta::ZERO, SERIES_STEP);
        let asked_after = host.duration.map_or(TimeDelta::ZERO, after);
        let span = (first.at + -asked_before, last.at + asked_after);
        Some(Self {
            source: told.source.clone(),
            address: told.address.clone(),
            port: told.port,
            exchanges: told.exchanges,
            distance: told.distance.filter(|of| *of >= TimeDelta::ZERO),
            timeline: Timeline::of(&told.references),
            gaps: gaps(&series, told, host, late),
            rate: rate(told, steadiness, first, last),
            points: series
                .iter()
                .map(|of| Point {
                    at: of.at,
                    offset: of.offset,
                })
                .collect(),
            late,
            span,
        })
    }

    /// From when to when its host was asking it, on its own clock.
    pub(super) fn span(&self) -> (Timestamp, Timestamp) {
        self.span
    }

    /// What holds all of its offsets.
    pub(super) fn hull(&self) -> Option<Interval> {
        let ends = self.points.iter().enumerate().map(|(place, point)| {
            let (before, after) = (self.gaps.get(place), self.gaps.get(place + 1));
            let with = |gap: Option<&Gap>, part: fn(&Gap) -> (TimeDelta, TimeDelta)| {
                moved(point.offset, gap.map(part).unwrap_or_default())
            };
            hull(
                with(before, |gap| gap.backward),
                with(after, |gap| gap.forward),
            )
        });
        ends.reduce(hull)
    }

    /// A time in each gap in which a clock was moved: what lies between two instants must not be passed over.
    pub(super) fn moves(&self) -> impl Iterator<Item = Timestamp> {
        let moved = |(_, gap): &(usize, &Gap)| gap.stepped || gap.breaks > 0;
        let gaps = self.gaps.iter().enumerate().filter(moved);
        gaps.map(|(place, _)| {
            let before = place
                .checked_sub(1)
                .and_then(|place| self.points.get(place));
            let begins = before.map_or(self.span.0, |point| point.at);
            let ends = self.points.get(place).map_or(self.span.1, |point| point.at);
            let half = TimeDelta::from_nanos(ends.since(begins).as_nanos() / 2);
            begins + half
        })
    }

    /// What holds server - local at a time of the server that is known to `slack`, either way.
    pub(super) fn at(&self, at: Timestamp, slack: TimeDelta) -> Option<Interval> {
        // A point is true up to one delay before it says.
        let (from, to) = (at + -slack, at + slack + self.late);
        let gap_of = |at: Timestamp| self.points.partition_point(|point| point.at <= at);
        let (first, last) = (gap_of(from), gap_of(to));
        if last.checked_sub(first)? > MOST_GAPS {
            return None;
        }
        let mut all: Option<Interval> = None;
        for place in first..=last {
            let here = self.within(place, from, to)?;
            all = Some(all.map_or(here, |all| hull(all, here)));
        }
        all
    }

    /// What holds offsets in that part of a gap.
    fn within(&self, place: usize, from: Timestamp, to: Timestamp) -> Option<Interval> {
        let before = place
            .checked_sub(1)
            .and_then(|place| self.points.get(place));
        let after = self.points.get(place);
        let gap = self.gaps.get(place)?;
        let reach = |point: &Point, away: TimeDelta, steps: (TimeDelta, TimeDelta)| {
            let away = away.max(TimeDelta::ZERO) + self.late;
            let margin = self.rate.gained_over(away) + TimeDelta::NANOSECOND;
            moved(point.offset.widen(margin), steps)
        };
        let a = before.map(|of| {
            let until = after.map_or(to, |next| to.min(next.at));
            reach(of, until.since(of.at), gap.forward)
        });
        let b = after.map(|of| {
            let since = before.map_or(from, |previous| from.max(previous.at));
            reach(of, of.at.since(since), gap.backward)
        });
        let (Some(a), Some(b)) = (a, b) else {
            return a.or(b);
        };
        match (gap.breaks, gap.stepped) {
            (0, false) => a.intersect(b).or_else(|| Some(hull(a, b))),
            // One move: before it, or after.
            (0 | 1, _) => Some(hull(a, b)),
            // In between it may have been anywhere.
            _ => None,
        }
    }
}

/// An offset from which, or to which, the local clock was stepped by something between these: what it gains the
/// offset loses.
fn moved(offset: Interval, (least, most): (TimeDelta, TimeDelta)) -> Interval {
    Interval::new(offset.lower() - most, offset.upper() - least).unwrap_or(offset)
}

fn hull(a: Interval, b: Interval) -> Interval {
    Interval::new(a.lower().min(b.lower()), a.upper().max(b.upper())).unwrap_or(a)
}

/// Those of which the time occurs once: a server that is stepped back lives through some of its time twice.
fn once(series: &[Bound]) -> Vec<Bound> {
    let latest = Timestamp::from_nanos(i64::MAX);
    let mut first_after = vec![latest; series.len()];
    let mut least = latest;
    for (after, of) in first_after.iter_mut().zip(series).rev() {
        *after = least;
        least = least.min(of.at);
    }
    let mut most: Option<Timestamp> = None;
    let mut kept = Vec::with_capacity(series.len());
    for (of, after) in series.iter().zip(first_after) {
        let is_once = most.is_none_or(|most| most < of.at) && of.at < after;
        most = most.max(Some(of.at));
        let is_near = of.offset.lower() > -FARTHEST && of.offset.upper() < FARTHEST;
        if is_once && is_near {
            kept.push(*of);
        }
    }
    kept
}

/// What befell offsets between these bounds, before the first and after the last.
fn gaps(series: &[Bound], told: &SourceTold, host: &HostTold, late: TimeDelta) -> Vec<Gap> {
    let mut steps: Vec<&Move> = host.moves.iter().filter(|of| of.by.is_some()).collect();
    steps.sort_by_key(|of| of.since_start);
    // What is seen of a break on the server's clock is up to one delay after what it breaks.
    let mut ends: Vec<Timestamp> = told.breaks.clone();
    ends.sort_unstable();
    let breaks_until = |at: Timestamp| ends.partition_point(|end| *end <= at);
    let breaks_before = |at: Timestamp| ends.partition_point(|end| *end < at);
    (0..=series.len())
        .map(|place| {
            let before = place.checked_sub(1).and_then(|place| series.get(place));
            let after = series.get(place);
            let within = |step: &&&Move| {
                // Both are on the counter, and a bound holds as its request left.
                let error = step.error.max(TimeDelta::ZERO);
                let begins = before.is_none_or(|of| step.since_start + error >= of.since_start);
                let ends = after.is_none_or(|of| step.since_start - error <= of.since_start);
                begins && ends
            };
            let here: Vec<&&Move> = steps.iter().filter(within).collect();
            let (zero, mut sum) = (TimeDelta::ZERO, (TimeDelta::ZERO, TimeDelta::ZERO));
            let (mut forward, mut backward) = ((zero, zero), (zero, zero));
            for step in &here {
                let (by, error) = step.by.unwrap_or_default();
                let error = error.max(zero);
                sum = (sum.0 + by - error, sum.1 + by + error);
                forward = (forward.0.min(sum.0), forward.1.max(sum.1));
            }
            let mut sum = (zero, zero);
            for step in here.iter().rev() {
                let (by, error) = step.by.unwrap_or_default();
                let error = error.max(zero);
                sum = (sum.0 - by - error, sum.1 - by + error);
                backward = (backward.0.min(sum.0), backward.1.max(sum.1));
            }
            let breaks = match (before, after) {
                // Before the first exchange and after the last one nothing shows any.
                (Some(before), Some(after)) => {
                    breaks_until(after.at + late).saturating_sub(breaks_before(before.at))
                }
                _ => 0,
            };
            Gap {
                breaks,
                forward,
                backward,
                stepped: !here.is_empty(),
            }
        })
        .collect()
}

/// How fast server - local may move.
fn rate(told: &SourceTold, steadiness: Steadiness, first: &Bound, last: &Bound) -> Frequency {
    let drift: Drift = told.drift;
    let widest = drift.widest().as_ppb();
    let steered = |by: Frequency| Frequency::from_ppb(by.as_ppb().saturating_add(widest));
    match steadiness {
        Steadiness::Steered(by) => steered(by),
        // What the server was moved by is not its rate.
        Steadiness::Steady(_) if !told.breaks.is_empty() => steered(MAX_STEERING),
        Steadiness::Steady(by) => {
            // The mean rate of all of it, and what either clock may be from its own.
            let elapsed = i128::from(last.at.since(first.at).as_nanos());
            let rise = (last.offset.upper() - first.offset.lower())
                .abs()
                .max((last.offset.lower() - first.offset.upper()).abs());
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
