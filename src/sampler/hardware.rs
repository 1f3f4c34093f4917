//! Network cards in a run: which are used, what befalls them, and that they are set back.

use super::{Endpoint, Plan};
use crate::net::clock;
use crate::net::hardware::{Cards, Corrections, Doubt, Finding, HardwareError, How};
use crate::sample::{Event, Note, Sink};
use crate::time::Monotonic;

/// Whether and how network cards may stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// As they are set, or set for the run.
    pub how: How,
    /// What their stamps are off by.
    pub corrections: Corrections,
}

/// The cards by which the plan's servers are reached, and what is to be told of them.
pub(super) fn open(plan: &Plan) -> Result<(Cards, Vec<Note>), HardwareError> {
    let Some(hardware) = &plan.hardware else {
        return Ok((Cards::default(), Vec::new()));
    };
    // What is measured for a while beside the others is this program's own server.
    let lasting = plan.targets.iter().filter(|t| t.phase.length.is_none());
    let servers = lasting.filter_map(|t| match t.endpoint {
        Endpoint::Server(address) => Some(address),
        Endpoint::Phc { .. } | Endpoint::Rtc(_) => None,
    });
    let only = plan.interface.as_deref();
    let (cards, findings) = Cards::open(servers, only, hardware.how, &hardware.corrections)?;
    let asked = hardware.how != How::AsSet;
    let notes = findings.into_iter().flat_map(|found| notes(found, asked));
    Ok((cards, notes.collect()))
}

fn notes(found: Finding, asked: bool) -> Vec<Note> {
    let interface = found.interface;
    match found.outcome {
        Err(reason) => vec![Note::NoHardwareStamps {
            interface,
            reason,
            asked,
        }],
        Ok(cards) => cards
            .into_iter()
            .map(|used| Note::HardwareStamps {
                interface: interface.clone(),
                card: used.card,
                clock: used.clock,
                setting: used.setting.to_string(),
                was_set: used.was_set,
            })
            .collect(),
    }
}

/// Tells what became of the cards since the last look.
pub(super) fn check(cards: &mut Cards, now: Monotonic, sink: &mut dyn Sink) {
    for (card, doubt) in cards.check(now) {
        let trouble = |trouble: String| Note::CardTrouble {
            card: card.clone(),
            trouble,
        };
        let note = match doubt {
            Doubt::Vanished => trouble("it has gone".to_owned()),
            Doubt::Changed(set) => {
                trouble(format!("somebody else changed how it stamps, to {set}"))
            }
            Doubt::Unreadable(error) => trouble(format!("its clock cannot be read: {error}")),
            Doubt::Stepped(by) => Note::CardClockStepped { card, by },
            Doubt::Recovered => Note::CardRecovered { card },
        };
        sink.event(&Event::Note(None, now, note));
    }
}

/// Sets the cards back, and tells where that failed.
pub(super) fn restore(cards: Cards, sink: &mut dyn Sink) {
    for error in cards.restore() {
        let error = error.to_string();
        let note = Note::CardNotRestored { error };
        sink.event(&Event::Note(None, clock::counter(), note));
    }
}
