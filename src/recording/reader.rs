//! [`Reader`]: a recording as a stream of events, with an account of what could not be used.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use serde::Serialize;

use super::error::{LooksLike, RecordingError};
use super::line::{self, Line, Probe};
use crate::sample::{Event, RunHeader, SCHEMA_MAJOR, Sink, SourceId};

/// The longest line that is read. The longest text in one is a command-line argument, at most
/// 128 KiB on Linux (MAX_ARG_STRLEN), of which JSON escapes each byte into six at most.
const MAX_LINE_BYTES: usize = 1024 * 1024;
/// The longest first line that is read: it holds all arguments, which Linux limits to 6 MiB in all
/// (execve(2)), plus escapes.
const MAX_HEADER_BYTES: usize = 40 * 1024 * 1024;
/// Unknown kinds that are counted by name; a damaged file could name any number of them.
const MAX_UNKNOWN_KINDS: usize = 32;
/// Letters of an unknown kind's name that are kept.
const MAX_KIND_CHARS: usize = 32;
/// Letters of a reason that are kept.
const MAX_REASON_CHARS: usize = 160;
/// What counts the kinds beyond [`MAX_UNKNOWN_KINDS`].
const OTHER_KINDS: &str = "(others)";

/// What a reader could not use of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReadReport {
    /// Lines in the file, the first and a torn last one included.
    pub lines: u64,
    /// Lines that a newer minor version added, by kind (`kind` or `kind:name`), at most 32 of them
    /// by name.
    pub unknown_kinds: BTreeMap<String, u64>,
    /// Whether the last line is incomplete: the run was killed, or its disk was full.
    pub torn_last_line: bool,
    /// Lines that make no sense.
    pub unreadable: Unreadable,
}

/// Lines that make no sense, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// How many.
    pub count: u64,
    /// Number of the first, counted from 1, and what is wrong with it.
    pub first: Option<(u64, String)>,
}

impl ReadReport {
    /// Whether every line of the file was understood.
    pub fn is_whole(&self) -> bool {
        self.unknown_kinds.is_empty() && !self.torn_last_line && self.unreadable.count == 0
    }

    /// What a person should know, one sentence each; none for a whole recording.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.torn_last_line {
            lines.push(
                "the last line is torn and was skipped; what stands before it is used".into(),
            );
        }
        if let Some((number, reason)) = &self.unreadable.first {
            let count = self.unreadable.count;
            lines.push(format!(
                "{count} unreadable lines were skipped, the first is {number}: {reason}"
            ));
        }
        if !self.unknown_kinds.is_empty() {
            let count: u64 = self.unknown_kinds.values().sum();
            let kinds: Vec<_> = self.unknown_kinds.keys().map(String::as_str).collect();
            let kinds = kinds.join(", ");
            lines.push(format!(
                "{count} lines of kinds this version does not know were skipped: {kinds}"
            ));
        }
        lines
    }

    fn count_unknown(&mut self, kind: &str) {
        let mut kind = clip(kind, MAX_KIND_CHARS);
        if self.unknown_kinds.len() >= MAX_UNKNOWN_KINDS && !self.unknown_kinds.contains_key(&kind)
        {
            kind = OTHER_KINDS.to_owned();
        }
        *self.unknown_kinds.entry(kind).or_default() += 1;
    }

    fn count_unreadable(&mut self, number: u64, reason: &str) {
        self.unreadable.count += 1;
        if self.unreadable.first.is_none() {
            self.unreadable.first = Some((number, clip(reason, MAX_REASON_CHARS)));
        }
    }
}

/// At most `max` characters, without any that could move a terminal's cursor.
fn clip(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}

/// Reads a recording line by line. Memory is bounded by the longest line, 1 MiB (the first line:
/// 40 MiB), however long the input claims to be.
pub struct Reader<R: BufRead> {
    input: R,
    name: String,
    header: RunHeader,
    /// Ids in the file, ascending, with the id each has for the sink; none for sources of a kind
    /// that is not known here. The two differ only where a source's line was lost.
    sources: Vec<(SourceId, Option<SourceId>)>,
    /// Sources that the sink was told of.
    told: u32,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line. `name` is what errors call the input.
    ///
    /// # Errors
    /// See [`read`](super::read).
    pub fn new(mut input: R, name: impl Into<String>) -> Result<Self, RecordingError> {
        let name = name.into();
        let mut line = Vec::new();
        let got = read_line(&mut input, &mut line, MAX_HEADER_BYTES).map_err(|error| {
            RecordingError::Read {
                name: name.clone(),
                error,
            }
        })?;
        let header = match got {
            Got::Nothing => return Err(RecordingError::Empty { name }),
            Got::Whole => parse_first(&line, &name)?,
            Got::Torn | Got::TooLong => return Err(torn_first(&line, name)),
        };
        Ok(Self {
            input,
            name,
            header,
            sources: Vec::new(),
            told: 0,
        })
    }

    /// What was known before the first packet.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Hands every event to `sink`, in the order of the file.
    ///
    /// # Errors
    /// [`RecordingError::Read`] where the system cannot read on; `sink` keeps what it was given.
    pub fn read_into(mut self, sink: &mut dyn Sink) -> Result<ReadReport, RecordingError> {
        let mut report = ReadReport {
            lines: 1,
            ..ReadReport::default()
        };
        let mut line = Vec::new();
        // A line that makes no sense is torn if it is the last one, damaged otherwise.
        let mut suspect: Option<(u64, String)> = None;
        loop {
            line.clear();
            let got = self.next_line(&mut line)?;
            if got == Got::Nothing {
                report.torn_last_line |= suspect.is_some();
                return Ok(report);
            }
            report.lines += 1;
            if let Some((number, reason)) = suspect.take() {
                report.count_unreadable(number, &reason);
            }
            match got {
                Got::Torn => report.torn_last_line = true,
                Got::TooLong => {
                    let reason = format!("longer than {MAX_LINE_BYTES} bytes");
                    report.count_unreadable(report.lines, &reason);
                }
                Got::Whole | Got::Nothing => match line::parse_line(&line) {
                    Ok(parsed) => self.take(parsed, sink, &mut report),
                    Err(bad) => suspect = Some((report.lines, bad.0)),
                },
            }
        }
    }

    /// The next line; of one that is too long, the rest is passed over. A first line is not, since
    /// nothing follows from it: the input may be a device without end.
    fn next_line(&mut self, line: &mut Vec<u8>) -> Result<Got, RecordingError> {
        let skip_rest = |input: &mut R, got| match got {
            Got::TooLong => input.skip_until(b'\n').map(|_| got),
            _ => Ok(got),
        };
        read_line(&mut self.input, line, MAX_LINE_BYTES)
            .and_then(|got| skip_rest(&mut self.input, got))
            .map_err(|error| RecordingError::Read {
                name: self.name.clone(),
                error,
            })
    }

    fn take(&mut self, parsed: Line, sink: &mut dyn Sink, report: &mut ReadReport) {
        match parsed {
            Line::Unknown(kind) => report.count_unknown(&kind),
            Line::UnknownSource(id, kind) => {
                if self.declare(id, None, report) {
                    report.count_unknown(&kind);
                }
            }
            Line::Source(id, info) => {
                if self.declare(id, Some(SourceId(self.told)), report) {
                    self.told = self.told.saturating_add(1);
                    sink.event(&Event::Source(info.into()));
                }
            }
            Line::Event(mut event) => {
                let Some(id) = source_of(&mut event) else {
                    sink.event(&event);
                    return;
                };
                match self.find(*id) {
                    Some(Some(told)) => {
                        *id = told;
                        sink.event(&event);
                    }
                    Some(None) => report.count_unknown("of an unknown source"),
                    None => {
                        let reason = format!("source {} was not declared before", id.0);
                        report.count_unreadable(report.lines, &reason);
                    }
                }
            }
        }
    }

    /// Takes up a source; false where its id does not come after those before.
    fn declare(&mut self, id: SourceId, told: Option<SourceId>, report: &mut ReadReport) -> bool {
        let in_order = self.sources.last().is_none_or(|(last, _)| *last < id);
        if in_order {
            self.sources.push((id, told));
        } else {
            let reason = format!("source {} is out of order", id.0);
            report.count_unreadable(report.lines, &reason);
        }
        in_order
    }

    fn find(&self, id: SourceId) -> Option<Option<SourceId>> {
        let usual = self.sources.get(id.index()).filter(|(own, _)| *own == id);
        let found = usual.or_else(|| {
            let place = self.sources.binary_search_by_key(&id, |(own, _)| *own);
            self.sources.get(place.ok()?)
        });
        found.map(|(_, told)| *told)
    }
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

fn parse_first(line: &[u8], name: &str) -> Result<RunHeader, RecordingError> {
    let name = name.to_owned();
    let probe: Option<Probe> = serde_json::from_slice(line).ok();
    let Some(version) = probe.and_then(|p| p.clockfit_recording) else {
        let looks_like = LooksLike::judge(line);
        return Err(RecordingError::NotARecording { name, looks_like });
    };
    if version.major > SCHEMA_MAJOR.into() {
        let (major, minor) = (version.major, version.minor);
        return Err(RecordingError::NewerMajor { name, major, minor });
    }
    line::parse_header(line).map_err(|reason| RecordingError::BadHeader {
        name,
        reason: clip(&reason, MAX_REASON_CHARS),
    })
}

/// Tells a recording that stops too soon from a file of one line that is something else.
fn torn_first(line: &[u8], name: String) -> RecordingError {
    const START: &[u8] = b"{\"clockfit_recording\"";
    let shared = line.len().min(START.len());
    if line.get(..shared) == START.get(..shared) {
        RecordingError::TruncatedHeader { name }
    } else {
        let looks_like = LooksLike::judge(line);
        RecordingError::NotARecording { name, looks_like }
    }
}

/// What [`read_line`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Got {
    /// The end of the input.
    Nothing,
    /// A line that ends in a newline, which is taken off.
    Whole,
    /// Bytes up to the end of the input, without a newline.
    Torn,
    /// More than the limit; the rest of the line is still to be read.
    TooLong,
}

/// Appends the next line to `line`, of which at most `max` bytes are kept.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, max: usize) -> std::io::Result<Got> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let read = input.by_ref().take(limit).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        Ok(Got::Whole)
    } else if read == 0 {
        Ok(Got::Nothing)
    } else if read <= max {
        Ok(Got::Torn)
    } else {
        Ok(Got::TooLong)
    }
}
