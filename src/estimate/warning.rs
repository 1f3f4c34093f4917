//! [`Warning`]: what the reader should know before trusting the numbers, as values.

mod notes;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::floor::{self, Floor};
use super::{Agreement, SourceAssessment, disturbed, timescale};
use crate::sample::{
    Campaign, Leap, Note, Rejection, SourceId, SourceKind, SourceRecord, StampFault,
};
use crate::stats::{Probability, needed};
use crate::time::TimeDelta;

/// A share, as parts of 10 000.
type Parts = u64;

/// Mixed stamps above 0.1 %: they are left out of the main distribution, so from here on its p99.9
/// no longer speaks of all exchanges.
const MIXED_SHARE: Parts = 10;

/// Loss above 1 %: a lost reply is a delay beyond the time-out, so from here on the p99 of all
/// requests is unknown, though that of the answered ones is not.
const LOST_SHARE: Parts = 100;

/// Root distance above 1 s: RFC 5905 section 11.2.1 (MAXDIST) does not select such a server.
const MAX_ROOT_DISTANCE: TimeDelta = TimeDelta::from_secs(1);

/// Something the reader should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind, for programs.
    pub code: WarningCode,
    /// Which source; absent where it concerns the run.
    pub source: Option<SourceId>,
    /// What and so what, for people. It may hold text from outside: escape it before showing it.
    pub text: String,
}

/// The kinds of [`Warning`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// There was nothing to measure.
    NoSource,
    /// The recording stops before the end of its run.
    Truncated,
    /// The run was ended early.
    Interrupted,
    /// The local clock was stepped, or slewed faster than steering does.
    LocalClockStepped,
    /// The host was suspended.
    Suspended,
    /// This program did not run when it should have.
    Stalled,
    /// The hypervisor gave much of the host's time to others.
    TimeStolen,
    /// The kernel reads time from something else than before.
    ClocksourceChanged,
    /// The kernel made a leap second, or expects one.
    LeapSecond,
    /// Too few exchanges for all quantiles.
    FewSamples,
    /// Not one valid exchange.
    NoSample,
    /// Requests were lost.
    Lost,
    /// Packets were rejected.
    Rejected,
    /// Exchanges contradict the drift: the server's time moved.
    ServerTimeMoved,
    /// Exchanges that contradict themselves.
    Contradictory,
    /// The server announces a leap second.
    LeapAnnounced,
    /// The server says that it is not synchronised.
    LeapAlarm,
    /// Root distance above 1 s.
    DistantRoot,
    /// Many exchanges have ends stamped by different sources.
    MixedStamps,
    /// The kernel's stamps are not to be had.
    StampsUnavailable,
    /// Network cards were asked to stamp, and do not.
    NoHardwareStamps,
    /// A network card is set to stamp, and many exchanges have no stamps of it.
    HardwareStampsMissing,
    /// A network card stamps no longer.
    CardTrouble,
    /// The clock of a network card, or the system's, was stepped.
    CardClockStepped,
    /// A network card could not be set back as it was.
    CardNotRestored,
    /// The independent implementation disagrees.
    CrossCheckDiffers,
    /// The cross-check could not be made.
    CrossCheckFailed,
    /// A name has no address.
    Unresolved,
    /// Two sources share one address.
    SameAddress,
    /// Probes are sent less often than asked.
    Polite,
    /// The server cannot be reached.
    Unreachable,
    /// The server never answered, was refused, and is not asked any more.
    GivenUp,
    /// The socket was replaced.
    NewSocket,
    /// The server asked for fewer requests.
    Slowed,
    /// The server refused service.
    Stopped,
    /// The server does not answer in interleaved mode.
    NotInterleaved,
    /// The noise floor could not be measured.
    NoFloor,
    /// A PTP clock may keep another time scale than it was taken to.
    PerhapsTai,
    /// A real-time clock may keep local time.
    PerhapsLocalTime,
    /// Servers contradict each other, and no majority agrees.
    NoMajority,
    /// A server contradicts what most servers agree on.
    Falseticker,
    /// More was noted than is kept.
    NotesDropped,
}

/// All warnings of a campaign: of the run first, then by source.
pub(super) fn collect(
    campaign: &Campaign,
    sources: &[SourceAssessment],
    floors: &[Floor],
    agreement: Option<&Agreement>,
) -> Vec<Warning> {
    let mut warnings = of_run(campaign, sources);
    if let Some(agreement) = agreement {
        warnings.extend(agreement.warnings());
    }
    floor::failures(campaign, sources, floors, |text| {
        warnings.push(Warning {
            code: WarningCode::NoFloor,
            source: None,
            text,
        });
    });
    for (index, (record, found)) in campaign.sources.iter().zip(sources).enumerate() {
        // What stands beside the sources has no say but in its failures.
        if campaign.is_beside(record) {
            continue;
        }
        let id = SourceId(u32::try_from(index).unwrap_or(u32::MAX));
        let mut warn = |code, text| {
            warnings.push(Warning {
                code,
                source: Some(id),
                text,
            });
        };
        of_outcome(record, found, &mut warn);
        of_server(record, found, &mut warn);
        of_stamps(record, found, &mut warn);
        if let Some(bound) = &found.timing.bound
            && let Some((code, text)) = timescale::doubt(&record.info, bound.interval.midpoint())
        {
            warn(code, text);
        }
    }
    notes::of_notes(campaign, &mut warnings);
    // Stable: within one source the order above stays.
    warnings.sort_by_key(|w| w.source);
    warnings
}

fn of_run(campaign: &Campaign, sources: &[SourceAssessment]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code, text: String| {
        warnings.push(Warning {
            code,
            source: None,
            text,
        });
    };
    if sources.is_empty() {
        let text = "there was no source to measure";
        warn(WarningCode::NoSource, text.to_owned());
    }
    match campaign.end {
        None => warn(
            WarningCode::Truncated,
            "the run has no end: it was killed, or the recording is cut off; what was recorded counts"
                .to_owned(),
        ),
        Some(end) if end.interrupted => warn(
            WarningCode::Interrupted,
            "the run was ended early by a signal".to_owned(),
        ),
        Some(_) => {}
    }
    for (code, text) in disturbed::warnings(&campaign.clock, sources) {
        warn(code, text);
    }
    let records = campaign.sources.iter().zip(sources);
    let asked = records.filter(|(record, _)| !campaign.is_beside(record));
    if let Some(text) = few_samples(campaign, asked.map(|(_, found)| found)) {
        warn(WarningCode::FewSamples, text);
    }
    if campaign.notes_dropped > 0 {
        warn(
            WarningCode::NotesDropped,
            format!("{} more notes were not kept", campaign.notes_dropped),
        );
    }
    warnings
}

/// One warning for all sources: what is missing is the same for each.
fn few_samples<'a>(
    campaign: &Campaign,
    sources: impl Iterator<Item = &'a SourceAssessment>,
) -> Option<String> {
    let wanted = needed(Probability::P99)?;
    let counts = sources
        .filter_map(|s| s.classes.first())
        .map(|c| c.offset.n);
    let short: Vec<u64> = counts.filter(|n| *n < wanted).collect();
    let fewest = short.iter().min()?;
    let many = match short.len() {
        1 => "1 source has fewer".to_owned(),
        n => format!("{n} sources have fewer"),
    };
    let imported = |(_, _, note): &(_, _, Note)| matches!(note, Note::Imported { .. });
    let advice = match campaign.notes.iter().any(imported) {
        true => "",
        false => ": measure longer or more often",
    };
    Some(format!(
        "p1 and p99 need {wanted} exchanges; {many} (down to {fewest}){advice}"
    ))
}

fn of_outcome(
    record: &SourceRecord,
    found: &SourceAssessment,
    warn: &mut impl FnMut(WarningCode, String),
) {
    if found.valid == 0 {
        let text = format!("no valid exchange out of {} requests", found.sent);
        warn(WarningCode::NoSample, text);
    } else if exceeds(found.lost, found.sent, LOST_SHARE) {
        let text = format!(
            "{} of {} requests were lost: quantiles are those of the answered ones",
            found.lost, found.sent
        );
        warn(WarningCode::Lost, text);
    }
    let rejected = &record.incidents().rejected;
    if !rejected.is_empty() {
        let named: Vec<String> = rejected
            .iter()
            .map(|(rejection, n)| format!("{n} {}", rejection.name()))
            .collect();
        let text = format!("packets that are not samples: {}", named.join(", "));
        warn(WarningCode::Rejected, text);
    }
    if let Some(first) = found.timing.breaks.first() {
        let text = format!(
            "the server's time (or this host's counter) moved {}, first at {:.3}: the bound holds from \
             the last move on",
            match found.timing.breaks.len() {
                1 => "once".to_owned(),
                n => format!("at least {n} times"),
            },
            first.at.utc()
        );
        warn(WarningCode::ServerTimeMoved, text);
    }
    if found.timing.contradictory > 0 {
        let text = format!(
            "exchanges that cannot be ({}): they ended before they began, beyond the error of their \
             stamps, or are out of all reach; the bound does without them",
            found.timing.contradictory
        );
        warn(WarningCode::Contradictory, text);
    }
    if let Some(comparison) = found.cross_check.as_ref().and_then(|c| c.comparison)
        && !comparison.consistent
    {
        let text = format!(
            "the cross-check's median offset differs by {}, more than both delays explain",
            said(comparison.offset)
        );
        warn(WarningCode::CrossCheckDiffers, text);
    }
}

fn of_server(
    record: &SourceRecord,
    found: &SourceAssessment,
    warn: &mut impl FnMut(WarningCode, String),
) {
    let leap = |wanted: Leap| record.servers.iter().any(|(_, info)| info.leap == wanted);
    let who = match record.info.kind {
        SourceKind::Daemon => "it",
        _ => "the server",
    };
    for (wanted, length) in [(Leap::Insert, 61), (Leap::Delete, 59)] {
        if leap(wanted) {
            let text = format!(
                "{who} announces a leap second: the last minute of the day has {length} seconds"
            );
            warn(WarningCode::LeapAnnounced, text);
        }
    }
    let unsynchronised = record
        .incidents()
        .rejected
        .contains_key(&Rejection::Unsynchronised);
    if unsynchronised || leap(Leap::Unsynchronised) {
        let text = match record.info.kind {
            // A daemon that has just begun to measure.
            SourceKind::Daemon => "it says, at least once, that the clock is not synchronised",
            _ => "the server says that its clock is not synchronised",
        };
        warn(WarningCode::LeapAlarm, text.to_owned());
    }
    let largest = record.largest_root_distance();
    if let Some(largest) = largest.filter(|of| *of > MAX_ROOT_DISTANCE) {
        let text = format!(
            "root distance {}: by its own word the server may be that far from UTC (limit 1 s)",
            said(largest).trim_start_matches('+')
        );
        warn(WarningCode::DistantRoot, text);
    } else if found.server.is_none() && found.valid > 0 {
        // Cannot come from a sampler; a recording may lack the line.
        let text = "the server never described itself; no bound can be given";
        warn(WarningCode::Contradictory, text.to_owned());
    }
}

fn of_stamps(
    record: &SourceRecord,
    found: &SourceAssessment,
    warn: &mut impl FnMut(WarningCode, String),
) {
    let faults = &record.incidents().stamp_faults;
    let missing: Vec<(StampFault, u64)> = faults
        .iter()
        .filter(|(fault, _)| fault.is_of_hardware())
        .map(|(fault, n)| (*fault, *n))
        .collect();
    let total = missing
        .iter()
        .fold(0u64, |sum, (_, n)| sum.saturating_add(*n));
    if exceeds(total, found.sent, LOST_SHARE) {
        let named: Vec<String> = missing
            .iter()
            .map(|(f, n)| format!("{n} {}", f.name()))
            .collect();
        let text = format!(
            "the network card is set to stamp, and of {} exchanges some had no usable stamps of it \
             ({}): they have the kernel's at both ends, and are kept apart",
            found.valid,
            named.join(", ")
        );
        warn(WarningCode::HardwareStampsMissing, text);
    }
    let mixed: u64 = found
        .classes
        .iter()
        .filter(|c| !c.class.is_pure())
        .map(|c| c.offset.n)
        .sum();
    if exceeds(mixed, found.valid, MIXED_SHARE) {
        let text = format!(
            "{mixed} of {} exchanges have ends stamped by different sources; they are kept apart",
            found.valid
        );
        warn(WarningCode::MixedStamps, text);
    }
}

/// Whether `part` of `whole` is more than `share`.
fn exceeds(part: u64, whole: u64, share: Parts) -> bool {
    u128::from(part) * u128::from(Probability::WHOLE) > u128::from(whole) * u128::from(share)
}

pub(super) fn times(n: usize) -> String {
    match n {
        1 => "once".to_owned(),
        n => format!("{n} times"),
    }
}

/// A difference in a unit people read, with its sign.
pub(super) fn said(delta: TimeDelta) -> String {
    let nanos = i128::from(delta.as_nanos());
    let sign = if nanos < 0 { '-' } else { '+' };
    let (unit, name) = match nanos.unsigned_abs() {
        0..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (whole, rest) = (nanos.unsigned_abs() / unit, nanos.unsigned_abs() % unit);
    match unit {
        1 => format!("{sign}{whole} {name}"),
        _ => format!("{sign}{whole}.{:03} {name}", rest * 1_000 / unit),
    }
}
