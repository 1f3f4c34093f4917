//! One PTP clock and its turn: no packets, only readings.

use std::io;
use std::path::PathBuf;

use super::Target;
use super::ntp::Shared;
use super::pacing::Pacer;
use crate::net::{clock, phc};
use crate::sample::{
    AT_ERROR_FLOOR, Event, Exchange, Leap, LossCause, Mode, Note, Reading, ReferenceId, Sample,
    ServerInfo, Sink, SourceId, StampSource,
};
use crate::time::{Monotonic, TimeDelta};

/// Failures in a row after which a clock that could never be read is given up.
const FAILURES_BEFORE_GIVING_UP: u32 = 3;

/// A clock says nothing of itself; what a bound needs is that it is read in whole nanoseconds.
const CLOCK: ServerInfo = ServerInfo {
    leap: Leap::None,
    stratum: 0,
    precision: -30,
    root_delay: TimeDelta::ZERO,
    root_dispersion: TimeDelta::ZERO,
    reference_id: ReferenceId(*b"PHC\0"),
};

/// One clock and its turn.
#[derive(Debug)]
pub(super) struct ClockSource {
    id: SourceId,
    device: PathBuf,
    /// How far its time scale is ahead of UTC, which is taken off.
    ahead: TimeDelta,
    pacer: Pacer,
    precision: TimeDelta,
    due: Monotonic,
    attempts: u64,
    open: Option<phc::Phc>,
    answered: bool,
    failures_in_a_row: u32,
    given_up: bool,
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
            id,
            device,
            ahead,
            pacer: Pacer::new(target.pace),
            precision: clock::precision(),
            due,
            attempts: 0,
            open: None,
            answered: false,
            failures_in_a_row: 0,
            given_up: false,
        }
    }

    pub(super) fn has_sent_all(&self, shared: &Shared) -> bool {
        self.given_up || shared.count.is_some_and(|count| self.attempts >= count)
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
            Ok(sample) => self.accept(sample, now, sink),
            Err(error) => self.fail(&error, now, sink),
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

    fn accept(&mut self, sample: Sample, now: Monotonic, sink: &mut dyn Sink) {
        if !self.answered {
            self.answered = true;
            sink.event(&Event::Server(self.id, CLOCK));
        }
        if std::mem::take(&mut self.failures_in_a_row) > 0 {
            self.note(Note::Reachable, now, sink);
        }
        sink.event(&Event::Sample(self.id, sample));
    }

    /// The device may have gone with its card, and come back: it is opened anew.
    fn fail(&mut self, error: &io::Error, now: Monotonic, sink: &mut dyn Sink) {
        self.open = None;
        self.failures_in_a_row += 1;
        if self.failures_in_a_row == 1 {
            let error = error.to_string();
            self.note(Note::Unreachable { error }, now, sink);
        }
        sink.event(&Event::Lost(self.id, now, LossCause::Refused));
        if !self.answered && self.failures_in_a_row >= FAILURES_BEFORE_GIVING_UP {
            self.given_up = true;
            self.note(Note::GivenUp, now, sink);
        }
    }

    fn note(&self, note: Note, now: Monotonic, sink: &mut dyn Sink) {
        sink.event(&Event::Note(Some(self.id), now, note));
    }
}
