//! Warnings that were noted while measuring.

use super::{Warning, WarningCode, said, times};
use crate::sample::{Campaign, Change, Note};
use crate::time::TimeDelta;

/// How far two views of one step may be apart: a card's clock is compared with the system's over half
/// a second, in which they run apart by 100 ppm.
const SAME_STEP: TimeDelta = TimeDelta::from_micros(50);

/// Notes of one kind and source become one warning with their number.
pub(super) fn of_notes(campaign: &Campaign, warnings: &mut Vec<Warning>) {
    let mut told: Vec<(Warning, usize)> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for (source, _, note) in &campaign.notes {
        let record = source.and_then(|id| campaign.sources.get(id.index()));
        if record.is_some_and(|record| campaign.is_beside(record)) {
            continue;
        }
        let Some((code, text)) = of_note(note).filter(|_| !is_explained(note, campaign)) else {
            continue;
        };
        // Names and addresses are listed each; what repeats for one source is counted.
        let each = matches!(code, WarningCode::Unresolved | WarningCode::SameAddress);
        let key = (code, *source, each.then(|| text.clone()));
        let place = *places.entry(key).or_insert(told.len());
        match told.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => told.push((
                Warning {
                    code,
                    source: *source,
                    text,
                },
                1,
            )),
        }
    }
    for (mut warning, count) in told {
        if count > 1 {
            warning.text = format!("{} ({})", warning.text, times(count));
        }
        warnings.push(warning);
    }
}

/// Whether a card's clock moved against the system's because that was stepped, which is told.
fn is_explained(note: &Note, campaign: &Campaign) -> bool {
    let Note::CardClockStepped { by, .. } = note else {
        return false;
    };
    let mut disturbances = campaign.clock.disturbances.iter();
    disturbances.any(|found| match found.change {
        Change::Step { by: step, .. } => (step - *by).abs() < SAME_STEP,
        Change::Suspend { .. } | Change::LeapSecond { .. } => true,
        _ => false,
    })
}

fn of_note(note: &Note) -> Option<(WarningCode, String)> {
    Some(match note {
        Note::Unresolved { source, error } => (
            WarningCode::Unresolved,
            format!("{source} has no address: {error}"),
        ),
        Note::SameAddress {
            source,
            measured_as,
        } => (
            WarningCode::SameAddress,
            format!("{source} is the same address as {measured_as} and is measured as that"),
        ),
        Note::Polite => (
            WarningCode::Polite,
            "public address: probes are sent less often than asked (--own-servers lifts that)"
                .to_owned(),
        ),
        Note::StampsUnavailable { error } => (
            WarningCode::StampsUnavailable,
            format!("no kernel stamps, user-space stamps instead: {error}"),
        ),
        Note::NoHardwareStamps {
            interface,
            reason,
            asked: true,
        } => (
            WarningCode::NoHardwareStamps,
            format!("no hardware stamps by {interface}: {reason}; the next best are used"),
        ),
        Note::CardTrouble { card, trouble } => (
            WarningCode::CardTrouble,
            format!("{card} stamped no longer, the kernel did instead: {trouble}"),
        ),
        Note::CardClockStepped { card, by } => (
            WarningCode::CardClockStepped,
            format!(
                "the clock of {card}, or the system's, was stepped: they moved against each other by \
                 {}; exchanges at that moment have the kernel's stamps",
                said(*by)
            ),
        ),
        Note::CardNotRestored { error } => (
            WarningCode::CardNotRestored,
            format!("not set back: {error}"),
        ),
        Note::Unreachable { error } => (
            WarningCode::Unreachable,
            format!("cannot be reached: {error}"),
        ),
        Note::NewSocket { reason } => (
            WarningCode::NewSocket,
            format!("the socket was replaced: {reason}"),
        ),
        Note::Slowed { interval } => (
            WarningCode::Slowed,
            format!(
                "the server asked for fewer requests; probed every {} from then on",
                said(*interval).trim_start_matches('+')
            ),
        ),
        Note::Stopped { kiss } => (
            WarningCode::Stopped,
            format!(
                "the server refused service and is not asked again ({})",
                kiss.name()
            ),
        ),
        Note::NotInterleaved => (
            WarningCode::NotInterleaved,
            "does not answer in interleaved mode: its T3 is what it wrote before sending, and early"
                .to_owned(),
        ),
        Note::NoFloor { error } => (
            WarningCode::NoFloor,
            format!("the noise floor was not measured: {error}"),
        ),
        Note::CrossCheckFailed { error } => (
            WarningCode::CrossCheckFailed,
            format!("no cross-check: {error}"),
        ),
        Note::GivenUp => (
            WarningCode::GivenUp,
            "never answered and was refused again and again; not asked any more".to_owned(),
        ),
        // The first is seen in what the server said of itself, with the distance; the second only
        // ends what an earlier warning says.
        Note::DistantRoot | Note::Reachable | Note::CardRecovered { .. } => return None,
        // How it was, and not what is wrong: the report's head says so.
        Note::HardwareStamps { .. }
        | Note::NoHardwareStamps { asked: false, .. }
        | Note::Audited(_)
        | Note::Imported { .. } => return None,
    })
}
