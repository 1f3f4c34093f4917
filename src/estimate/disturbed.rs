//! What disturbed the local clock, as warnings: the few that change what the numbers mean.

use super::SourceAssessment;
use super::warning::{WarningCode, said, times};
use crate::sample::{Change, Disturbance, DisturbanceKind, Leap, LocalClock};
use crate::time::{TimeDelta, Timestamp};

/// The warnings of a run's local clock: code and text of each.
pub(super) fn warnings(
    clock: &LocalClock,
    sources: &[SourceAssessment],
) -> impl Iterator<Item = (WarningCode, String)> {
    let found = [
        steps(clock, sources),
        suspends(clock),
        stalls(clock, sources),
        steals(clock),
        clocksource(clock),
        leap_seconds(clock),
    ];
    found.into_iter().flatten()
}

type Told = Option<(WarningCode, String)>;

/// Every step once, by whom it was seen best: the watch knows its size and instant whatever the
/// exchanges say. Where it did not look, or saw a slew that was faster than steering, the exchanges speak.
fn steps(clock: &LocalClock, sources: &[SourceAssessment]) -> Told {
    let by = |d: &Disturbance| match d.change {
        Change::Step { by, .. } => Some((by, d.wall)),
        _ => None,
    };
    let of_watch: Vec<_> = clock.disturbances.iter().filter_map(by).collect();
    if let Some((by, at)) = largest(&of_watch) {
        let at = at.utc();
        let text = format!(
            "the local clock was stepped {}: the largest step is {} at {at:.3}; offsets before and after \
             are not of one clock",
            count(clock, DisturbanceKind::Step),
            said(by)
        );
        return Some((WarningCode::LocalClockStepped, text));
    }
    // These move the clock as well, and have a warning of their own.
    let otherwise = [DisturbanceKind::Suspend, DisturbanceKind::LeapSecond];
    if otherwise.iter().any(|kind| clock.counts.contains_key(kind)) {
        return None;
    }
    // Every source sees the same local clock.
    let most = sources.iter().max_by_key(|s| s.timing.clock_steps.len())?;
    let of_exchanges: Vec<_> = most
        .timing
        .clock_steps
        .iter()
        .map(|s| (s.by, s.at))
        .collect();
    let (by, at) = largest(&of_exchanges)?;
    let at = at.utc();
    let text = format!(
        "the local clock was stepped, or slewed faster than 500 ppm, {}: the largest move is {} at \
         {at:.3}; offsets before and after are not of one clock",
        times(of_exchanges.len()),
        said(by)
    );
    Some((WarningCode::LocalClockStepped, text))
}

fn largest(moves: &[(TimeDelta, Timestamp)]) -> Option<(TimeDelta, Timestamp)> {
    moves.iter().max_by_key(|(by, _)| by.abs()).copied()
}

fn suspends(clock: &LocalClock) -> Told {
    let length = |d: &Disturbance| match d.change {
        Change::Suspend { length } => Some((length, d.wall)),
        _ => None,
    };
    let all: Vec<_> = clock.disturbances.iter().filter_map(length).collect();
    let (longest, at) = largest(&all)?;
    let at = at.utc();
    let text = format!(
        "the host was suspended {}, the longest time for {} at {at:.3}: its clock was set on by what the \
         hardware counted meanwhile, which may be wrong by much more than it was before",
        count(clock, DisturbanceKind::Suspend),
        unsigned(longest)
    );
    Some((WarningCode::Suspended, text))
}

/// A program that does not run sees late what was on time: that must not look like a wrong clock.
fn stalls(clock: &LocalClock, sources: &[SourceAssessment]) -> Told {
    let length = |d: &Disturbance| match d.change {
        Change::Stall { length, run_delay } => Some((length, (d.wall, run_delay))),
        _ => None,
    };
    let all = clock.disturbances.iter().filter_map(length);
    let (longest, (at, run_delay)) = all.max_by_key(|(length, _)| *length)?;
    let at = at.utc();
    let waited = run_delay.map_or(String::new(), |delay| {
        format!(
            ", of which it waited for a processor for {}",
            unsigned(delay)
        )
    });
    let by_program: u64 = sources.iter().map(|s| s.tx.user + s.rx.user).sum();
    let so_what = match by_program {
        0 => format!(
            "all exchanges are stamped by {}, which did not wait for it",
            stamped_by(sources)
        ),
        n => format!(
            "what the kernel stamped stays right; the program's own stamps ({n}) may be late"
        ),
    };
    let text = format!(
        "this program was held up {}, the longest time for {} at {at:.3}{waited}. That is no error of the \
         clock: {so_what}",
        count(clock, DisturbanceKind::Stall),
        unsigned(longest)
    );
    Some((WarningCode::Stalled, text))
}

fn stamped_by(sources: &[SourceAssessment]) -> &'static str {
    let hardware = sources.iter().any(|s| s.tx.hardware + s.rx.hardware > 0);
    match hardware {
        true => "the kernel or the network card",
        false => "the kernel",
    }
}

fn steals(clock: &LocalClock) -> Told {
    let share = |d: &Disturbance| match d.change {
        Change::Steal {
            stolen,
            within,
            processors,
        } => {
            let all = i128::from(within.as_nanos()) * i128::from(processors);
            let percent = i128::from(stolen.as_nanos()) * 100 / all.max(1);
            Some((percent, within, d.wall))
        }
        _ => None,
    };
    let all = clock.disturbances.iter().filter_map(share);
    let (percent, within, at) = all.max_by_key(|(percent, ..)| *percent)?;
    let at = at.utc();
    let text = format!(
        "the hypervisor gave {percent} % of this host's processor time to others for {} from {at:.3} on \
         ({}): what this program does itself was late more often",
        unsigned(within),
        count(clock, DisturbanceKind::Steal)
    );
    Some((WarningCode::TimeStolen, text))
}

fn clocksource(clock: &LocalClock) -> Told {
    let change = |d: &Disturbance| match &d.change {
        Change::Clocksource { from, to } => Some((from.clone(), to.clone(), d.wall)),
        _ => None,
    };
    let (from, to, at) = clock.disturbances.iter().find_map(change)?;
    let at = at.utc();
    let text = format!(
        "the kernel changed its clocksource from {from} to {to} at {at:.3} ({}): rate and resolution of \
         the local clock are others since",
        count(clock, DisturbanceKind::Clocksource)
    );
    Some((WarningCode::ClocksourceChanged, text))
}

fn leap_seconds(clock: &LocalClock) -> Told {
    let find = |wanted: DisturbanceKind| {
        let of_kind = |d: &&Disturbance| d.change.kind() == wanted;
        clock.disturbances.iter().find(of_kind)
    };
    if let Some(made) = find(DisturbanceKind::LeapSecond) {
        let what = match made.change {
            Change::LeapSecond { leap: Leap::Delete } => "left one out: it went forward by 1 s",
            _ => "inserted one: it was set back by 1 s",
        };
        let text = format!(
            "the local clock had a leap second at {:.3}, the kernel {what}; servers that smear it, or \
             made it at another time, differ",
            made.wall.utc()
        );
        return Some((WarningCode::LeapSecond, text));
    }
    let announced = find(DisturbanceKind::LeapAnnounced)?;
    let length = match announced.change {
        Change::LeapAnnounced { leap: Leap::Delete } => 59,
        _ => 61,
    };
    let text = format!(
        "this host's kernel expects a leap second: the last minute of the day has {length} seconds"
    );
    Some((WarningCode::LeapSecond, text))
}

fn count(clock: &LocalClock, kind: DisturbanceKind) -> String {
    let n = clock.counts.get(&kind).copied().unwrap_or(0);
    times(usize::try_from(n).unwrap_or(usize::MAX))
}

fn unsigned(length: TimeDelta) -> String {
    said(length).trim_start_matches('+').to_owned()
}
