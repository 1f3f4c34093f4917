//! [`Output`]: what a piece of a foreign recording tells, as events.

use std::collections::HashMap;

use crate::sample::{
    AT_ERROR_FLOOR, Event, Exchange, LossCause, Mode, Note, Rejection, Sample, ServerInfo,
    SourceId, SourceInfo, StampSource,
};
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// Events that were told and not yet handed on, and what has to be remembered of those before: the
/// sources, and what each server last said of itself.
#[derive(Debug, Default)]
pub(super) struct Output {
    ids: HashMap<Box<str>, SourceId>,
    servers: Vec<Option<ServerInfo>>,
    /// What was told, in order.
    pub(super) events: Vec<Event>,
    /// The first instant that was told.
    pub(super) first: Option<Timestamp>,
    /// The latest.
    pub(super) last: Option<Timestamp>,
}

/// An instant as the runs without a counter have it: they count on the local clock itself
/// ([`Axis::LocalClock`](crate::sample::Axis::LocalClock)).
pub(super) const fn on_local_clock(at: Timestamp) -> Monotonic {
    Monotonic::from_nanos(at.as_nanos())
}

/// An offset, server minus local, that another program estimated at a time known to `at_error`; `error`
/// is what printing it rounded away.
pub(super) fn estimate(
    at: Timestamp,
    at_error: TimeDelta,
    offset: TimeDelta,
    error: TimeDelta,
) -> Sample {
    let exchange = Exchange {
        t1: at,
        upper: offset,
        residence: TimeDelta::ZERO,
        lower: offset,
        tx: StampSource::Foreign,
        rx: StampSource::Foreign,
        error,
    };
    Sample {
        exchange,
        mode: Mode::Estimate,
        at: on_local_clock(at),
        at_error,
    }
}

impl Output {
    /// The source that `key` stands for, declared where it is new.
    pub(super) fn source(&mut self, key: &str, info: impl FnOnce() -> SourceInfo) -> SourceId {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        let id = SourceId(u32::try_from(self.servers.len()).unwrap_or(u32::MAX));
        self.ids.insert(key.into(), id);
        self.servers.push(None);
        self.events.push(Event::Source(info().into()));
        id
    }

    /// The server as it describes itself; told on where that changed.
    pub(super) fn describe(&mut self, id: SourceId, info: ServerInfo) {
        if let Some(last) = self.servers.get_mut(id.index())
            && last.replace(info) != Some(info)
        {
            self.events.push(Event::Server(id, info));
        }
    }

    pub(super) fn sample(&mut self, id: SourceId, sample: Sample) {
        self.seen(sample.exchange.t1);
        let at_error = sample.at_error.max(AT_ERROR_FLOOR);
        self.events
            .push(Event::Sample(id, Sample { at_error, ..sample }));
    }

    pub(super) fn reject(&mut self, id: SourceId, at: Timestamp, why: Rejection) {
        self.seen(at);
        let event = Event::Rejected(id, on_local_clock(at), why, 1);
        self.events.push(event);
    }

    pub(super) fn lose(&mut self, id: SourceId, at: Timestamp, why: LossCause) {
        self.seen(at);
        self.events.push(Event::Lost(id, on_local_clock(at), why));
    }

    pub(super) fn note(&mut self, at: Timestamp, note: Note) {
        self.seen(at);
        self.events
            .push(Event::Note(None, on_local_clock(at), note));
    }

    fn seen(&mut self, at: Timestamp) {
        self.first.get_or_insert(at);
        self.last = self.last.max(Some(at));
    }
}
