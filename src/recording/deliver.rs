//! [`Delivery`]: what lines told, handed to a sink in their order, with an account of the rest.

use super::block::{Other, Told};
use super::line::Line;
use super::report::ReadReport;
use crate::sample::{Event, Sample, Sink, SourceId};

/// Hands events to a sink under ids that the sink knows.
pub(super) struct Delivery<'a> {
    sink: &'a mut dyn Sink,
    /// Ids in the file, ascending, with the id each has for the sink; none for sources of a kind
    /// that is not known here. The two differ only where a source's line was lost.
    sources: Vec<(SourceId, Option<SourceId>)>,
    /// Sources that the sink was told of.
    told: u32,
    /// Whether the sink knows each source it was told of under the id in the file.
    same_ids: bool,
    longest_line: usize,
    report: ReadReport,
    /// A line that makes no sense, if it was the last: torn if no other follows, damaged otherwise.
    suspect: Option<(u64, String)>,
}

impl<'a> Delivery<'a> {
    /// Of the lines after the first.
    pub(super) fn new(sink: &'a mut dyn Sink, longest_line: usize) -> Self {
        Self {
            sink,
            sources: Vec::new(),
            told: 0,
            same_ids: true,
            longest_line,
            report: ReadReport {
                lines: 1,
                ..ReadReport::default()
            },
            suspect: None,
        }
    }

    /// Hands over what the next lines tell.
    pub(super) fn deliver(&mut self, told: &mut Told) {
        let mut samples = told.samples.as_slice();
        let mut done = 0;
        for (before, other) in told.others.drain(..) {
            let (run, rest) = samples.split_at(before - done);
            self.samples(run);
            (samples, done) = (rest, before);
            self.other(other);
        }
        self.samples(samples);
    }

    /// The account, after the last line.
    pub(super) fn finish(mut self) -> ReadReport {
        self.report.torn_last_line |= self.suspect.is_some();
        self.report
    }

    /// Counts a line, which makes the one before it no longer the last.
    fn next_line(&mut self) {
        self.report.lines += 1;
        if let Some((number, reason)) = self.suspect.take() {
            self.report.count_unreadable(number, || reason);
        }
    }

    fn samples(&mut self, run: &[(SourceId, Sample)]) {
        let known = |(source, _): &(SourceId, Sample)| source.0 < self.told;
        if self.same_ids && run.iter().all(known) {
            if !run.is_empty() {
                self.next_line();
                self.report.lines += u64::try_from(run.len() - 1).unwrap_or(u64::MAX);
                self.sink.samples(run);
            }
            return;
        }
        for &(source, sample) in run {
            self.next_line();
            self.event(Event::Sample(source, sample));
        }
    }

    fn other(&mut self, other: Other) {
        self.next_line();
        match other {
            Other::Torn => self.report.torn_last_line = true,
            Other::TooLong => {
                let longest = self.longest_line;
                let reason = || format!("longer than {longest} bytes");
                self.report.count_unreadable(self.report.lines, reason);
            }
            Other::Senseless(count, first) => {
                let mut reason = Some(first);
                for _ in 1..count {
                    self.suspect = Some((self.report.lines, reason.take().unwrap_or_default()));
                    self.next_line();
                }
                // A reason is needed for the first alone, and then this is not it.
                self.suspect = Some((self.report.lines, reason.unwrap_or_default()));
            }
            Other::Line(line) => self.line(line),
        }
    }

    fn line(&mut self, line: Line) {
        match line {
            Line::Unknown(kind) => self.report.count_unknown(&kind),
            Line::UnknownSource(id, kind) => {
                if self.declare(id, None) {
                    self.report.count_unknown(&kind);
                }
            }
            Line::Source(id, info) => {
                let told = SourceId(self.told);
                if self.declare(id, Some(told)) {
                    self.same_ids &= id == told;
                    self.told = self.told.saturating_add(1);
                    self.sink.event(&Event::Source(info.into()));
                }
            }
            Line::Event(event) => self.event(event),
        }
    }

    /// Hands over an event, under the id that the sink knows.
    fn event(&mut self, mut event: Event) {
        let Some(id) = source_of(&mut event) else {
            self.sink.event(&event);
            return;
        };
        match find(&self.sources, *id) {
            Some(Some(told)) => {
                *id = told;
                self.sink.event(&event);
            }
            Some(None) => self.report.count_unknown("of an unknown source"),
            None => {
                let reason = || format!("source {} was not declared before", id.0);
                self.report.count_unreadable(self.report.lines, reason);
            }
        }
    }

    /// Takes up a source; false where its id does not come after those before.
    fn declare(&mut self, id: SourceId, told: Option<SourceId>) -> bool {
        let in_order = self.sources.last().is_none_or(|(last, _)| *last < id);
        if in_order {
            self.sources.push((id, told));
        } else {
            let reason = || format!("source {} is out of order", id.0);
            self.report.count_unreadable(self.report.lines, reason);
        }
        in_order
    }
}

fn find(sources: &[(SourceId, Option<SourceId>)], id: SourceId) -> Option<Option<SourceId>> {
    let usual = sources.get(id.index()).filter(|(own, _)| *own == id);
    let found = usual.or_else(|| {
        let place = sources.binary_search_by_key(&id, |(own, _)| *own);
        sources.get(place.ok()?)
    });
    found.map(|(_, told)| *told)
}

/// The id an event carries.
fn source_of(event: &mut Event) -> Option<&mut SourceId> {
    match event {
        Event::Server(id, _)
        | Event::Sample(id, _)
        | Event::Lost(id, ..)
        | Event::Rejected(id, ..)
        | Event::StampFault(id, ..)
        | Event::CrossCheck(id, ..) => Some(id),
        Event::Note(id, ..) => id.as_mut(),
        Event::Source(_) | Event::Clock(_) | Event::Disturbance(_) | Event::End(_) => None,
    }
}
