//! What was observed of a host's clock: each quantity as what may be true of it.

use super::verdict::Observed;
use crate::estimate::{Course, CourseAt, SourceAssessment};
use crate::sample::{Campaign, Change, DisturbanceKind};
use crate::stats::{Corridor, Slopes, running_median};
use crate::time::{Interval, TimeDelta};

/// Jitter is against the median of an hour, as the grades have it.
const JITTER_SPAN: TimeDelta = TimeDelta::from_secs(3_600);

/// 99.9 % of the time.
const MOSTLY: (i128, i128) = (999, 1_000);

/// Which of the two intervals of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// The servers' own time.
    Reference,
    /// UTC, by what they claim.
    Utc,
}

impl Against {
    fn of(self, instant: &CourseAt) -> Option<Interval> {
        match self {
            Self::Reference => instant.reference,
            Self::Utc => instant.utc,
        }
    }
}

/// Over which part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// 99.9 % of it.
    Most,
    /// All of it.
    All,
}

/// The size of the offset, of at least so much of the observed time.
pub(super) fn offset(course: &Course, against: Against, over: Over) -> Option<Observed> {
    sizes(course, over, |instant| against.of(instant).map(size))
}

/// How far the local clock is ahead of the reference, at any time; negative while it is behind all the time.
pub(super) fn ahead(course: &Course) -> Option<Observed> {
    let ahead = |of: Interval| (-of.upper().as_nanos(), -of.lower().as_nanos());
    sizes(course, Over::All, |instant| instant.reference.map(ahead))
}

/// The same the other way.
pub(super) fn behind(course: &Course) -> Option<Observed> {
    let behind = |of: Interval| (of.lower().as_nanos(), of.upper().as_nanos());
    sizes(course, Over::All, |instant| instant.reference.map(behind))
}

/// What a value may be at least and at most.
type Ends = (i64, i64);

fn size(of: Interval) -> Ends {
    let (lower, upper) = (of.lower().as_nanos(), of.upper().as_nanos());
    let most = lower.saturating_abs().max(upper.saturating_abs());
    let least = lower.max(upper.saturating_neg()).max(0);
    (least, most)
}

/// A quantile, or the maximum, over time of what may be at least and at most. Where nothing is known of an
/// instant, nothing limits it.
fn sizes(course: &Course, over: Over, of: impl Fn(&CourseAt) -> Option<Ends>) -> Option<Observed> {
    let values: Vec<(Option<Ends>, TimeDelta)> = course
        .instants
        .iter()
        .map(|instant| (of(instant), instant.stands_for))
        .collect();
    quantile(&values, over)
}

fn quantile(values: &[(Option<Ends>, TimeDelta)], over: Over) -> Option<Observed> {
    // Of what is not known at least: nothing, which is below everything.
    let lower = at(values, over, |ends| ends.map_or(i64::MIN, |ends| ends.0))?;
    let upper = at(values, over, |ends| ends.map_or(i64::MAX, |ends| ends.1))?;
    Some(Observed {
        lower: if lower == i64::MIN { 0 } else { lower },
        upper: (upper < i64::MAX).then_some(upper),
    })
}

/// The least value that so much of the time is not above.
fn at(
    values: &[(Option<Ends>, TimeDelta)],
    over: Over,
    end: impl Fn(Option<Ends>) -> i64,
) -> Option<i64> {
    let mut ordered: Vec<(i64, i128)> = values
        .iter()
        .map(|(ends, lasts)| (end(*ends), i128::from(lasts.as_nanos())))
        .collect();
    ordered.sort_unstable();
    let total: i128 = ordered.iter().map(|(_, lasts)| lasts).sum();
    let last = ordered.last().map(|(value, _)| *value)?;
    if over == Over::All {
        return Some(last);
    }
    let mut passed = 0;
    let found = ordered.iter().find(|(_, lasts)| {
        passed += lasts;
        passed * MOSTLY.1 >= total * MOSTLY.0
    });
    Some(found.map_or(last, |(value, _)| *value))
}

/// How far the offset is from its running median, most of the time. Both the offset and the median are known
/// within their bounds.
pub(super) fn jitter(course: &Course) -> Option<Observed> {
    let known: Vec<(&CourseAt, Interval)> = course
        .instants
        .iter()
        .filter_map(|instant| Some((instant, instant.reference?)))
        .collect();
    let medians = |end: fn(Interval) -> TimeDelta| {
        let points: Vec<(i64, i64)> = known
            .iter()
            .map(|(instant, of)| (instant.counter.as_nanos(), end(*of).as_nanos()))
            .collect();
        running_median(&points, JITTER_SPAN.as_nanos())
    };
    let (lower, upper) = (medians(Interval::lower), medians(Interval::upper));
    let mut values: Vec<(Option<Ends>, TimeDelta)> = known
        .iter()
        .zip(lower.into_iter().zip(upper))
        .map(|((instant, of), (lower, upper))| {
            let least = of.lower().as_nanos().saturating_sub(upper);
            let most = of.upper().as_nanos().saturating_sub(lower);
            let distance = Interval::new(TimeDelta::from_nanos(least), TimeDelta::from_nanos(most));
            (distance.map(size), instant.stands_for)
        })
        .collect();
    let unknown = course.instants.iter().filter(|i| i.reference.is_none());
    values.extend(unknown.map(|instant| (None, instant.stands_for)));
    quantile(&values, Over::Most)
}

/// The size of the rate of the local clock against the reference, over the longest part of the run in which neither
/// it nor a server was stepped: that of the lines which explain all offsets, or where none does, that from its
/// beginning to its end. `None` where that part is too short, or steps may be hidden in it. Parts per billion.
pub(super) fn rate(
    course: &Course,
    campaign: &Campaign,
    sources: &[SourceAssessment],
) -> Option<Observed> {
    let disturbed = campaign.clock.disturbances.iter();
    // Where each step may have been.
    let steps: Vec<(i64, i64)> = disturbed
        .filter(|found| found.change.kind() == DisturbanceKind::Step)
        .map(|found| {
            let (at, error) = (found.at.as_nanos(), found.at_error.as_nanos().max(0));
            (at.saturating_sub(error), at.saturating_add(error))
        })
        .chain(
            course
                .breaks
                .iter()
                .map(|at| (at.as_nanos(), at.as_nanos())),
        )
        .collect();
    let in_doubt = |at: i64| steps.iter().any(|(from, to)| *from <= at && at < *to);
    let points: Vec<(i64, Interval)> = course
        .instants
        .iter()
        .filter_map(|instant| Some((instant.counter.as_nanos(), instant.reference?)))
        .filter(|(at, _)| !in_doubt(*at))
        .collect();
    let parted = |a: i64, b: i64| {
        steps
            .iter()
            .any(|(from, to)| a <= *to && *from <= b && a != b)
    };
    let parts = points.chunk_by(|(a, _), (b, _)| !parted(*a, *b));
    let length = |part: &&[(i64, Interval)]| match (part.first(), part.last()) {
        (Some((first, _)), Some((last, _))) => last.saturating_sub(*first),
        _ => 0,
    };
    let part = parts.max_by_key(length)?;
    if length(&part) < LEAST_FOR_RATE.as_nanos() {
        return None;
    }
    let (first, last) = (part.first()?, part.last()?);
    let lines = line(part, first.0).or_else(|| {
        // A clock that was stepped, and nobody saw it, has no rate.
        let is_free = is_watched(course, campaign) && !stepped_unseen(campaign, sources);
        let run = i128::from(
            last.0
                .checked_sub(first.0)
                .filter(|run| *run > 0 && is_free)?,
        );
        let ppb = |rise: TimeDelta| i128::from(rise.as_nanos()) * 1_000_000_000;
        let least = ppb(last.1.lower() - first.1.upper()).div_euclid(run);
        let most = ppb(last.1.upper() - first.1.lower()).div_euclid(run) + 1;
        Some((least, most))
    })?;
    let into = |ppb: i128| i64::try_from(ppb).unwrap_or(if ppb < 0 { i64::MIN } else { i64::MAX });
    let (lower, upper) = (into(lines.0), into(lines.1));
    let between = Interval::new(TimeDelta::from_nanos(lower), TimeDelta::from_nanos(upper))?;
    let (least, most) = size(between);
    Some(Observed {
        lower: least,
        upper: Some(most),
    })
}

/// A rate takes half of the least observation: in less it says what noise does.
const LEAST_FOR_RATE: TimeDelta = TimeDelta::from_secs(30);

/// Between which slopes all lines are that pass through all of these, in parts per billion.
fn line(points: &[(i64, Interval)], origin: i64) -> Option<(i128, i128)> {
    const WHOLE: i64 = 1_000_000_000;
    let mut corridor = Corridor::default();
    for (at, of) in points {
        let x = at.checked_sub(origin)?;
        corridor
            .push(x, of.lower().as_nanos(), of.upper().as_nanos())
            .then_some(())?;
    }
    match corridor.slopes() {
        Slopes::Between(least, most) => Some((least.floor(WHOLE), most.ceil(WHOLE))),
        Slopes::None | Slopes::Any => None,
    }
}

/// The largest step one way; `None` where nobody watched all of the time.
pub(super) fn step(
    course: &Course,
    campaign: &Campaign,
    sources: &[SourceAssessment],
    forward: bool,
) -> Option<Observed> {
    if !is_watched(course, campaign) {
        return None;
    }
    let clock = &campaign.clock;
    let mut largest = Observed::exactly(0);
    let mut kept = 0;
    for found in &clock.disturbances {
        let Change::Step { by, error } = found.change else {
            continue;
        };
        kept += 1;
        let by = if forward { by } else { -by };
        if by <= TimeDelta::ZERO {
            continue;
        }
        let error = error.max(TimeDelta::ZERO);
        largest.lower = largest.lower.max((by - error).as_nanos());
        largest.upper = largest.upper.max(Some((by + error).as_nanos()));
    }
    let all = clock.counts.get(&DisturbanceKind::Step).copied();
    if all.unwrap_or_default() > kept || stepped_unseen(campaign, sources) {
        // There were too many to keep, or one that the watch did not see.
        largest.upper = None;
    }
    Some(largest)
}

/// A reading of the local clock is due each second; for so long none may be missing at either end.
const WATCH_GAP: TimeDelta = TimeDelta::from_secs(5);

/// Whether the local clock was read from beginning to end of what was observed.
fn is_watched(course: &Course, campaign: &Campaign) -> bool {
    let clock = &campaign.clock;
    let ends = course.instants.first().zip(course.instants.last());
    let readings = clock.first.as_ref().zip(clock.last.as_ref());
    let (Some((begun, ended)), Some((first, last))) = (ends, readings) else {
        return false;
    };
    let late = first.clocks.counter.since(begun.counter);
    let early = ended.counter.since(last.clocks.counter);
    late <= WATCH_GAP && early <= WATCH_GAP
}

/// A step of the local clock that exchanges show and the watch does not. What it does see may be told a little
/// otherwise by exchanges, between which the clock was steered, too.
fn stepped_unseen(campaign: &Campaign, sources: &[SourceAssessment]) -> bool {
    let clock = &campaign.clock;
    let explains = [
        DisturbanceKind::Step,
        DisturbanceKind::Suspend,
        DisturbanceKind::LeapSecond,
        DisturbanceKind::Clocksource,
    ];
    let explained = explains.iter().any(|kind| clock.counts.contains_key(kind));
    !explained && sources.iter().any(|of| !of.timing.clock_steps.is_empty())
}

/// How long the host stood still at once, and how often; `None` where nobody watched all of the time.
pub(super) fn stall(course: &Course, campaign: &Campaign) -> Option<(Observed, u64)> {
    let clock = &campaign.clock;
    let lengths = clock
        .disturbances
        .iter()
        .filter_map(|found| match found.change {
            Change::Stall { length, .. } => Some(length.as_nanos()),
            _ => None,
        });
    let (kept, longest) = lengths.fold((0, 0), |(n, most), of| (n + 1, of.max(most)));
    let all = clock.counts.get(&DisturbanceKind::Stall).copied();
    let all = all.unwrap_or_default().max(kept);
    let mut observed = Observed::exactly(longest);
    if all > kept {
        // There were too many to keep.
        observed.upper = None;
    }
    is_watched(course, campaign).then_some((observed, all))
}

/// What the kernel says that its clock may be off by, at worst. Where nobody keeps it, nothing limits it.
pub(super) fn kernel_bound(campaign: &Campaign) -> Option<Observed> {
    let clock = &campaign.clock;
    let worst = clock.kernel_error?;
    Some(Observed {
        lower: worst.as_nanos(),
        upper: (!clock.unsynchronised).then_some(worst.as_nanos()),
    })
}
