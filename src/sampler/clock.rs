//! One PTP clock and its turn: no packets, only readings.

use std::io;
use std::path::PathBuf;

use super::Target;
use super::ntp::Shared;
use super::pacing::Pacer;
use super::standing::Standing;
use crate::net::{clock, phc};
use crate::sample::{
    AT_ERROR_FLOOR, Exchange, Mode, Reading, ReferenceId, Sample, Sink, SourceId, StampSource,
};
use crate::time::{Monotonic, TimeDelta};

/// What a clock of this kind is called where servers name their reference.
const REFERENCE: ReferenceId = ReferenceId(*b"PHC\0");

/// One clock and its turn.
#[derive(Debug)]
pub(super) struct ClockSource {
    device: PathBuf,
    /// How far its time scale is ahead of UTC, which is taken off.
    ahead: TimeDelta,
    pacer: Pacer,
    precision: TimeDelta,
    due: Monotonic,
    attempts: u64,
    open: Option<phc::Phc>,
    standing: Standing,
}

impl ClockSource {
    pub(super) fn new(
        id: SourceId,
        device: PathBuf,
        ahead: TimeDelta,
        target: &Target,
        due: Monotonic,
    ) -> Self {
        Self {
            device,
            ahead,
            pacer: Pacer::new(target.pace),
            precision: clock::precision(),
            due,
            attempts: 0,
            open: None,
            standing: Standing::new(id, REFERENCE),
        }
    }

    pub(super) fn has_sent_all(&self, shared: &Shared) -> bool {
        self.standing.is_given_up() || shared.count.is_some_and(|count| self.attempts >= count)
    }

    pub(super) fn next_turn(&self, shared: &Shared, sending: bool) -> Option<Monotonic> {
        (sending && !self.has_sent_all(shared)).then_some(self.due)
    }

    /// One turn: one reading, if it is due.
    pub(super) fn take_turn(
        &mut self,
        now: Monotonic,
        sending: bool,
        shared: &mut Shared,
        sink: &mut dyn Sink,
    ) {
        if !sending || self.has_sent_all(shared) || self.due > now {
            return;
        }
        self.attempts += 1;
        // Readings that were missed are not made up for: what is read then is the same clock.
        self.due = now + self.pacer.gap(&mut shared.pacing);
        let outcome = self.read();
        match outcome {
            Ok(sample) => self.standing.accept(sample, now, sink),
            Err(error) => {
                // The device may have gone with its card, and come back: it is opened anew.
                self.open = None;
                self.standing.fail(&error, now, sink);
            }
        }
    }

    fn read(&mut self) -> io::Result<Sample> {
        if self.open.is_none() {
            self.open = Some(phc::Phc::open(&self.device).map_err(io::Error::other)?);
        }
        let around = clock::paired();
        let reading = match &self.open {
            Some(open) => open.read()?,
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(self.sample(around, &reading))
    }

    /// A reading as an exchange: T1 and T4 are the system's clock before and after, T2 and T3 are
    /// both the PHC's.
    fn sample(&self, around: Reading, reading: &phc::Reading) -> Sample {
        let device = reading.device + (-self.ahead);
        let source = match reading.method {
            phc::Method::Precise => StampSource::Hardware,
            phc::Method::Extended | phc::Method::Basic => StampSource::Kernel,
        };
        let exchange = Exchange {
            t1: reading.before,
            upper: device.since(reading.before),
            residence: TimeDelta::ZERO,
            lower: device.since(reading.after),
            tx: source,
            rx: source,
            error: reading.error().max(self.precision),
        };
        let (at, at_error) = match reading.counter {
            Some(counter) => (counter, AT_ERROR_FLOOR),
            None => (
                around.counter + reading.before.since(around.wall),
                around.error.max(AT_ERROR_FLOOR),
            ),
        };
        Sample {
            exchange,
            mode: Mode::Reading,
            at,
            at_error,
        }
    }
}
