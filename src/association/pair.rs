//! T1 and T4 of one exchange: the best pair of stamps that belong together.
//!
//! A packet may have two stamps at each end, the card's at the wire and the kernel's above the
//! driver. An exchange takes both of its ends from the card, or none: what lies between the two
//! places (the driver's queue, the interrupt) would else be half of an offset.

use super::Arrived;
use super::request::Request;
use crate::sample::{Stamp, StampFault, StampSource};
use crate::time::{TimeDelta, Timestamp};

/// Both local stamps of an exchange, and why better ones were not used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// T1.
    pub(super) transmitted: Stamp,
    /// T4.
    pub(super) received: Stamp,
    /// Stamps that were asked for and were not used: the card's, and the kernel's.
    pub(super) faults: [Option<StampFault>; 2],
}

/// T1 and T4 as they are kept until T3 is known: with one error for both, since each of ten thousand
/// servers has such an exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) t1: Timestamp,
    pub(super) t4: Timestamp,
    /// Who stamped T1.
    pub(super) tx: StampSource,
    /// Who stamped T4.
    pub(super) rx: StampSource,
    /// What either may be off by.
    pub(super) error: TimeDelta,
}

impl Pair {
    /// The card's pair where both its stamps came and can be true, else the kernel's; this program
    /// stands in for a stamp that the kernel does not give, labelled so.
    pub(super) fn of(request: &Request, arrived: Arrived) -> Self {
        match hardware(request, arrived) {
            Ok((transmitted, received)) => Self {
                transmitted,
                received,
                faults: [None; 2],
            },
            Err(missed) => {
                let (transmitted, fault) = software(request, arrived.stamp);
                Self {
                    transmitted,
                    received: arrived.stamp,
                    faults: [missed, fault],
                }
            }
        }
    }

    /// Both ends as an exchange needs them.
    pub(super) fn ends(&self) -> Ends {
        Ends {
            t1: self.transmitted.at,
            t4: self.received.at,
            tx: self.transmitted.source,
            rx: self.received.source,
            error: self.transmitted.error.max(self.received.error),
        }
    }

    /// Whether both ends are the card's.
    pub(super) fn is_hardware(&self) -> bool {
        self.transmitted.source == StampSource::Hardware
    }
}

/// The card's pair, or what is wrong with it; nothing where none was expected.
fn hardware(request: &Request, arrived: Arrived) -> Result<(Stamp, Stamp), Option<StampFault>> {
    if !request.sent.hardware {
        return Err(None);
    }
    let received = arrived.hardware.ok_or(StampFault::MissingHardwareRx);
    let transmitted = request.hardware.as_deref().copied();
    match (transmitted, received?) {
        (None, _) => Err(Some(StampFault::MissingHardwareTx)),
        (Some(t1), t4) if is_possible(request, t1, t4, arrived.stamp) => Ok((t1, t4)),
        (Some(_), _) => Err(Some(StampFault::HardwareOutsideWindow)),
    }
}

/// A packet meets the card after the kernel on its way out, and before it on its way in. Stamps of
/// another packet, or of a clock that was stepped since it was last read, fail this.
fn is_possible(request: &Request, t1: Stamp, t4: Stamp, above: Stamp) -> bool {
    let handed_over = request
        .transmitted
        .map_or(request.sent.before.wall, |k| k.at);
    let early = t1.error + request.sent.precision;
    let late = t4.error + above.error;
    handed_over <= t1.at + early
        && t1.at <= t4.at + (t1.error + t4.error)
        && t4.at <= above.at + late
}

/// T1 without the card: the kernel's stamp where it came and lies between the send call and the
/// reply, else the reading before the send call, with the fault that made it necessary.
fn software(request: &Request, received: Stamp) -> (Stamp, Option<StampFault>) {
    let user = Stamp {
        at: request.sent.before.wall,
        source: StampSource::User,
        error: request.sent.precision,
    };
    match request.transmitted {
        Some(stamp) if user.at <= stamp.at && stamp.at <= received.at => (stamp, None),
        Some(_) => (user, Some(StampFault::OutsideWindow)),
        None if request.sent.stamp_id.is_some() => (user, Some(StampFault::MissingTx)),
        None => (user, None),
    }
}

/// Exchanges in a row without a transmit stamp of the card after which none is waited for. There
/// are cards that take the setting and never deliver.
const PATIENCE: u8 = 8;

/// Whether a card's transmit stamps are worth the wait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CardStanding {
    missing_in_a_row: u8,
    /// Transmit stamps that may still come, though their exchanges were complete without them.
    not_needed: u16,
}

impl CardStanding {
    /// Whether to hold an answer for the card's transmit stamp.
    pub(super) fn is_awaited(self) -> bool {
        self.missing_in_a_row < PATIENCE
    }

    /// Takes account of how an exchange went.
    pub(super) fn heed(&mut self, request: &Request, pair: &Pair) {
        if pair.is_hardware() {
            self.missing_in_a_row = 0;
        } else if pair.faults.contains(&Some(StampFault::MissingHardwareTx)) {
            self.missing_in_a_row = self.missing_in_a_row.saturating_add(1);
        } else if request.sent.hardware && request.hardware.is_none() {
            self.not_needed = self.not_needed.saturating_add(1);
        }
    }

    /// Whether a stamp of a packet that is not awaited is one of those that were not needed.
    pub(super) fn excuse(&mut self, stamp: Stamp) -> bool {
        let excused = stamp.source == StampSource::Hardware && self.not_needed > 0;
        self.not_needed -= u16::from(excused);
        excused
    }
}
