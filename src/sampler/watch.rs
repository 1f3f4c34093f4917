//! The local clock's turn: it is read once a second, and what disturbs it is told.

use crate::net::load::load;
use crate::net::watch::reading;
use crate::sample::{Event, Reading, Sink};
use crate::time::{Monotonic, TimeDelta};
use crate::watch::Watch;

/// How often. Often enough that a step is known to the second even where nothing is sent, and seldom
/// enough that a recording of days stays small.
const EVERY: TimeDelta = TimeDelta::from_secs(1);

/// How often it is read what this host has to do: a run that is killed lacks no more than this, and a
/// recording of days grows by little. What control groups count takes the kernel a while to add up.
const LOAD_EVERY: TimeDelta = TimeDelta::from_secs(60);

/// The watch on the local clock.
#[derive(Debug)]
pub(super) struct LocalClock {
    watch: Watch,
    due: Monotonic,
    load_due: Monotonic,
}

impl LocalClock {
    /// A clock that is read at `now` for the first time.
    pub(super) fn new(now: Monotonic) -> Self {
        Self {
            watch: Watch::default(),
            due: now,
            load_due: now,
        }
    }

    /// When it wants to be read next.
    pub(super) fn next_turn(&self) -> Monotonic {
        self.due
    }

    /// Both clocks were read for a request.
    pub(super) fn saw(&mut self, pair: Reading) {
        self.watch.handle_pair(pair);
    }

    /// The loop waited from `since` on to be woken at `due`, and runs again at `now`.
    pub(super) fn woke(&mut self, since: Monotonic, due: Monotonic, now: Monotonic) {
        self.watch.handle_wake(since, due, now);
    }

    /// The loop worked from `begun` to `now`.
    pub(super) fn worked(&mut self, begun: Monotonic, now: Monotonic) {
        self.watch.handle_work(begun, now);
    }

    /// Reads the clock if it is due, or if something was seen that a reading can tell more of.
    pub(super) fn take_turn(&mut self, now: Monotonic, sink: &mut dyn Sink) {
        if self.due <= now {
            self.due = (self.due + EVERY).max(now + TimeDelta::from_nanos(EVERY.as_nanos() / 2));
        } else if !self.watch.wants_reading() {
            return;
        }
        let with_load = self.load_due <= now;
        if with_load {
            self.load_due = now + LOAD_EVERY;
        }
        self.read(with_load, sink);
    }

    /// The run is over.
    pub(super) fn end(&mut self, sink: &mut dyn Sink) {
        self.read(true, sink);
        self.watch.handle_end();
        self.tell(sink);
    }

    fn read(&mut self, with_load: bool, sink: &mut dyn Sink) {
        let mut reading = Box::new(reading());
        if with_load {
            reading.load = load();
        }
        self.watch.handle_reading(&reading);
        sink.event(&Event::Clock(reading));
        self.tell(sink);
    }

    fn tell(&mut self, sink: &mut dyn Sink) {
        while let Some(found) = self.watch.poll_disturbance() {
            sink.event(&Event::Disturbance(found.into()));
        }
    }
}
