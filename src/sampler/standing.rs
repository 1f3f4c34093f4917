//! How a clock of this host has answered so far, and what of that is told.

use std::io;

use crate::sample::{
    Event, Leap, LossCause, Note, ReferenceId, Rejection, Sample, ServerInfo, Sink, SourceId,
};
use crate::time::{Monotonic, TimeDelta};

/// Failures in a row after which a clock that could never be read is given up.
const FAILURES_BEFORE_GIVING_UP: u32 = 3;

/// The account of one clock.
#[derive(Debug)]
pub(super) struct Standing {
    id: SourceId,
    reference_id: ReferenceId,
    answered: bool,
    failures_in_a_row: u32,
    given_up: bool,
}

impl Standing {
    /// Of a clock that was not read yet.
    pub(super) fn new(id: SourceId, reference_id: ReferenceId) -> Self {
        Self {
            id,
            reference_id,
            answered: false,
            failures_in_a_row: 0,
            given_up: false,
        }
    }

    /// Whether it is not to be read any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// It was read.
    pub(super) fn accept(&mut self, sample: Sample, now: Monotonic, sink: &mut dyn Sink) {
        if !self.answered {
            self.answered = true;
            // A clock says nothing of itself; what a bound needs is that it is read in whole
            // nanoseconds.
            let info = ServerInfo {
                leap: Leap::None,
                stratum: 0,
                precision: -30,
                root_delay: TimeDelta::ZERO,
                root_dispersion: TimeDelta::ZERO,
                reference_id: self.reference_id,
                reference_time: None,
            };
            sink.event(&Event::Server(self.id, info));
        }
        if std::mem::take(&mut self.failures_in_a_row) > 0 {
            self.note(Note::Reachable, now, sink);
        }
        sink.event(&Event::Sample(self.id, sample));
    }

    /// It was read, and this host's clock was stepped meanwhile.
    pub(super) fn discard(&self, now: Monotonic, sink: &mut dyn Sink) {
        sink.event(&Event::Rejected(self.id, now, Rejection::ClockStep, 1));
    }

    /// It could not be read.
    pub(super) fn fail(&mut self, error: &io::Error, now: Monotonic, sink: &mut dyn Sink) {
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
