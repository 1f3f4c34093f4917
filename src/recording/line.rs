//! One event, one line: the fixed keys of each kind, both ways.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Error as JsonError;

use super::clock::{parse_clock, parse_disturbance, write_clock, write_disturbance};
use super::exchange::{EXCHANGE_START, parse_exchange, write_exchange};
use crate::sample::{
    Axis, Environment, Event, Leap, LossCause, Note, ReferenceTime, Rejection, RunEnd, RunHeader,
    SCHEMA_MAJOR, SCHEMA_MINOR, ServerInfo, SourceId, SourceInfo, SourceKind, StampFault,
    Timescale,
};
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// The version that the first line names.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
}

/// Just enough of the first line to know whether the rest can be understood.
#[derive(Deserialize)]
pub(super) struct Probe {
    pub(super) clockfit_recording: Option<Version>,
}

/// The first line. The seed is text: JSON numbers above 2^53 change in jq and JavaScript.
#[derive(Serialize, Deserialize)]
struct HeaderLine<'a> {
    clockfit_recording: Version,
    #[serde(borrow)]
    tool: Cow<'a, str>,
    #[serde(borrow)]
    run_id: Cow<'a, str>,
    started: Timestamp,
    started_at: Monotonic,
    arguments: Cow<'a, [String]>,
    #[serde(borrow)]
    seed: Cow<'a, str>,
    timeout_ns: TimeDelta,
    /// Left out where it is the counter, as it is in all runs of this program.
    #[serde(default, skip_serializing_if = "is_counter")]
    axis: Axis,
    environment: Cow<'a, Environment>,
}

fn is_counter(axis: &Axis) -> bool {
    *axis == Axis::Counter
}

#[derive(Serialize, Deserialize)]
struct SourceLine<'a> {
    s: SourceId,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    address: Cow<'a, str>,
    port: u16,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    timescale: Cow<'a, str>,
    /// Left out where there is one path only.
    #[serde(default, skip_serializing_if = "is_only_path")]
    path: u16,
    /// Left out where it is that of the host that wrote the file.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    local_clock: Option<Cow<'a, str>>,
}

fn is_only_path(path: &u16) -> bool {
    *path == 0
}

#[derive(Serialize, Deserialize)]
struct ServerLine<'a> {
    s: SourceId,
    leap: Leap,
    stratum: u8,
    precision: i8,
    root_delay_ns: TimeDelta,
    root_dispersion_ns: TimeDelta,
    #[serde(borrow)]
    refid: Cow<'a, str>,
    /// Left out where it tells nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reftime: Option<ReferenceTime>,
}

#[derive(Serialize, Deserialize)]
struct LostLine<'a> {
    s: SourceId,
    m: Monotonic,
    #[serde(borrow)]
    why: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct CountLine<'a> {
    s: SourceId,
    m: Monotonic,
    #[serde(borrow)]
    why: Cow<'a, str>,
    n: u64,
}

#[derive(Serialize, Deserialize)]
struct CheckLine {
    s: SourceId,
    offset_ns: TimeDelta,
    delay_ns: TimeDelta,
}

#[derive(Serialize)]
struct NoteLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<SourceId>,
    m: Monotonic,
    #[serde(flatten)]
    note: &'a Note,
}

/// A note's fixed part; its own fields are read in a second pass, once its name is known.
#[derive(Deserialize)]
struct NoteHead<'a> {
    s: Option<SourceId>,
    m: Monotonic,
    #[serde(borrow)]
    note: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct EndLine {
    m: Monotonic,
    interrupted: bool,
}

/// The kind of a line; every line has one, whatever else it holds.
#[derive(Deserialize)]
struct KindOnly<'a> {
    #[serde(borrow)]
    k: Cow<'a, str>,
}

/// A line as it is written: its kind, then its fields.
#[derive(Serialize)]
struct Tagged<T> {
    k: &'static str,
    #[serde(flatten)]
    fields: T,
}

/// Names that a note line may have, to tell an unknown note from a damaged one.
pub(super) const NOTE_NAMES: [&str; 22] = [
    "unresolved",
    "same_address",
    "polite",
    "stamps_unavailable",
    "hardware_stamps",
    "no_hardware_stamps",
    "card_trouble",
    "card_recovered",
    "card_clock_stepped",
    "card_not_restored",
    "unreachable",
    "reachable",
    "given_up",
    "new_socket",
    "slowed",
    "stopped",
    "distant_root",
    "not_interleaved",
    "no_floor",
    "cross_check_failed",
    "audited",
    "imported",
];

/// Appends the first line, newline included.
pub(super) fn write_header(header: &RunHeader, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let line = HeaderLine {
        clockfit_recording: Version {
            major: SCHEMA_MAJOR.into(),
            minor: SCHEMA_MINOR.into(),
        },
        tool: Cow::Borrowed(&header.tool),
        run_id: Cow::Borrowed(&header.run_id),
        started: header.started,
        started_at: header.started_at,
        arguments: Cow::Borrowed(&header.arguments),
        seed: Cow::Owned(header.seed.to_string()),
        timeout_ns: header.timeout,
        axis: header.axis,
        environment: Cow::Borrowed(&header.environment),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.push(b'\n');
    Ok(())
}

/// Reads the first line, whose version was found to be known.
pub(super) fn parse_header(line: &[u8]) -> Result<RunHeader, String> {
    let line: HeaderLine<'_> = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    Ok(RunHeader {
        tool: line.tool.into_owned(),
        run_id: line.run_id.into_owned(),
        started: line.started,
        started_at: line.started_at,
        arguments: line.arguments.into_owned(),
        seed: line.seed.parse().map_err(|e| format!("seed: {e}"))?,
        timeout: line.timeout_ns,
        axis: line.axis,
        environment: line.environment.into_owned(),
    })
}

/// Appends one event as a line, newline included. `declared` is the number of sources declared so
/// far, which becomes the id of a new one.
pub(super) fn write_event(
    event: &Event,
    declared: u32,
    out: &mut Vec<u8>,
) -> Result<(), JsonError> {
    match *event {
        Event::Sample(s, ref sample) => {
            write_exchange(s, sample, out);
            return Ok(());
        }
        Event::Source(ref info) => tagged(
            "src",
            SourceLine {
                s: SourceId(declared),
                source: Cow::Borrowed(&info.source),
                address: Cow::Borrowed(&info.address),
                port: info.port,
                kind: Cow::Owned(name_of(&info.kind)?),
                timescale: Cow::Owned(name_of(&info.timescale)?),
                path: info.path,
                local_clock: info.local_clock.as_deref().map(Cow::Borrowed),
            },
            out,
        ),
        Event::Server(s, info) => tagged(
            "srv",
            ServerLine {
                s,
                leap: info.leap,
                stratum: info.stratum,
                precision: info.precision,
                root_delay_ns: info.root_delay,
                root_dispersion_ns: info.root_dispersion,
                refid: Cow::Owned(info.reference_id.to_string()),
                reftime: info.reference_time,
            },
            out,
        ),
        Event::Lost(s, m, cause) => {
            let why = Cow::Owned(name_of(&cause)?);
            tagged("lost", LostLine { s, m, why }, out)
        }
        Event::Rejected(s, m, rejection, n) => {
            let why = Cow::Borrowed(rejection.name());
            tagged("rej", CountLine { s, m, why, n }, out)
        }
        Event::StampFault(s, m, fault, n) => {
            let why = Cow::Borrowed(fault.name());
            tagged("stamp", CountLine { s, m, why, n }, out)
        }
        Event::CrossCheck(s, offset_ns, delay_ns) => tagged(
            "check",
            CheckLine {
                s,
                offset_ns,
                delay_ns,
            },
            out,
        ),
        Event::Clock(ref reading) => write_clock(reading, out),
        Event::Disturbance(ref found) => write_disturbance(found, out),
        Event::Note(s, m, ref note) => tagged("note", NoteLine { s, m, note }, out),
        Event::End(RunEnd { at, interrupted }) => {
            tagged("end", EndLine { m: at, interrupted }, out)
        }
    }?;
    out.push(b'\n');
    Ok(())
}

/// Appends a line of kind `k`, without its newline.
pub(super) fn tagged<T: Serialize>(
    k: &'static str,
    fields: T,
    out: &mut Vec<u8>,
) -> Result<(), JsonError> {
    serde_json::to_writer(out, &Tagged { k, fields })
}

/// The serialised name of a fieldless variant.
fn name_of<T: Serialize>(value: &T) -> Result<String, JsonError> {
    Ok(serde_json::to_value(value)?
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

/// The variant with this serialised name.
pub(super) fn named<'de, T: Deserialize<'de>>(name: &'de str) -> Option<T> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{BorrowedStrDeserializer, Error};
    let deserializer: BorrowedStrDeserializer<'de, Error> = BorrowedStrDeserializer::new(name);
    T::deserialize(deserializer.into_deserializer()).ok()
}

/// What a line after the first turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A source, with the id it has in this file.
    Source(SourceId, SourceInfo),
    /// Any other event; its ids are those of this file.
    Event(Event),
    /// A source of a kind that a newer minor version added; its lines cannot be used either.
    UnknownSource(SourceId, String),
    /// A kind, or a name within a kind, that a newer minor version added.
    Unknown(String),
}

/// Why a line cannot be used.
#[derive(Debug)]
pub(super) struct BadLine(pub(super) String);

impl<E: fmt::Display> From<E> for BadLine {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Reads one line after the first, without its newline.
pub(super) fn parse_line(line: &[u8]) -> Result<Line, BadLine> {
    // Nearly all lines are exchanges: do not look for their kind in a pass of its own.
    if line.starts_with(EXCHANGE_START) {
        return exchange(line);
    }
    let KindOnly { k } = serde_json::from_slice(line)?;
    match &*k {
        "x" => exchange(line),
        "src" => {
            let line: SourceLine<'_> = serde_json::from_slice(line)?;
            let (Some(kind), Some(timescale)): (Option<SourceKind>, Option<Timescale>) =
                (named(&line.kind), named(&line.timescale))
            else {
                let unknown = format!("src:{}/{}", line.kind, line.timescale);
                return Ok(Line::UnknownSource(line.s, unknown));
            };
            let info = SourceInfo {
                source: line.source.into_owned(),
                address: line.address.into_owned(),
                port: line.port,
                kind,
                timescale,
                path: line.path,
                local_clock: line.local_clock.map(Cow::into_owned),
            };
            Ok(Line::Source(line.s, info))
        }
        "srv" => {
            let line: ServerLine<'_> = serde_json::from_slice(line)?;
            let info = ServerInfo {
                leap: line.leap,
                stratum: line.stratum,
                precision: line.precision,
                root_delay: line.root_delay_ns,
                root_dispersion: line.root_dispersion_ns,
                reference_id: line.refid.parse()?,
                reference_time: line.reftime,
            };
            Ok(Line::Event(Event::Server(line.s, info)))
        }
        "lost" => {
            let LostLine { s, m, why } = serde_json::from_slice(line)?;
            let cause: Option<LossCause> = named(&why);
            Ok(known("lost", &why, cause, |c| Event::Lost(s, m, c)))
        }
        "rej" => {
            let CountLine { s, m, why, n } = serde_json::from_slice(line)?;
            let rejection: Option<Rejection> = named(&why);
            Ok(known("rej", &why, rejection, |r| {
                Event::Rejected(s, m, r, n)
            }))
        }
        "stamp" => {
            let CountLine { s, m, why, n } = serde_json::from_slice(line)?;
            let fault: Option<StampFault> = named(&why);
            Ok(known("stamp", &why, fault, |f| {
                Event::StampFault(s, m, f, n)
            }))
        }
        "check" => {
            let line: CheckLine = serde_json::from_slice(line)?;
            let event = Event::CrossCheck(line.s, line.offset_ns, line.delay_ns);
            Ok(Line::Event(event))
        }
        "clk" => parse_clock(line),
        "dist" => parse_disturbance(line),
        "note" => {
            let NoteHead { s, m, note: name } = serde_json::from_slice(line)?;
            if !NOTE_NAMES.contains(&&*name) {
                return Ok(Line::Unknown(format!("note:{name}")));
            }
            let note: Note = serde_json::from_slice(line)?;
            Ok(Line::Event(Event::Note(s, m, note)))
        }
        "end" => {
            let EndLine { m: at, interrupted } = serde_json::from_slice(line)?;
            Ok(Line::Event(Event::End(RunEnd { at, interrupted })))
        }
        unknown => Ok(Line::Unknown(unknown.to_owned())),
    }
}

fn exchange(line: &[u8]) -> Result<Line, BadLine> {
    let (id, sample) = parse_exchange(line)?;
    Ok(Line::Event(Event::Sample(id, sample)))
}

/// The event made from a name within a kind, or that name, where a newer version added it.
fn known<T>(kind: &str, name: &str, value: Option<T>, event: impl FnOnce(T) -> Event) -> Line {
    match value {
        Some(value) => Line::Event(event(value)),
        None => Line::Unknown(format!("{kind}:{name}")),
    }
}
