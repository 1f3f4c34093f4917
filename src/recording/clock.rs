//! The lines of the watched local clock: its readings, and what disturbed it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Error as JsonError;

use super::line::{BadLine, Line, named, tagged};
use crate::sample::{
    Change, ClockReading, Discipline, Disturbance, DisturbanceKind, Event, Load, Reading, Steal,
};
use crate::time::{Monotonic, TimeDelta, Timestamp};

#[derive(Serialize, Deserialize)]
struct ClockLine<'a> {
    m: Monotonic,
    e: TimeDelta,
    #[serde(borrow)]
    t: Cow<'a, str>,
    monotonic_ns: TimeDelta,
    #[serde(skip_serializing_if = "Option::is_none")]
    boottime_ns: Option<TimeDelta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<Discipline>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    clocksource: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steal_ns: Option<TimeDelta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processors: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_delay_ns: Option<TimeDelta>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<Load>,
}

#[derive(Serialize)]
struct DisturbanceLine<'a> {
    m: Monotonic,
    e: TimeDelta,
    t: Timestamp,
    #[serde(flatten)]
    change: &'a Change,
}

/// The part that all disturbances have; the others' fields are read in a second pass, once the name is
/// known.
#[derive(Deserialize)]
struct DisturbanceHead<'a> {
    m: Monotonic,
    e: TimeDelta,
    #[serde(borrow)]
    t: Cow<'a, str>,
    #[serde(borrow)]
    what: Cow<'a, str>,
}

/// Appends a reading, without its newline.
pub(super) fn write_clock(reading: &ClockReading, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let line = ClockLine {
        m: reading.clocks.counter,
        e: reading.clocks.error,
        t: Cow::Owned(reading.clocks.wall.to_string()),
        monotonic_ns: reading.monotonic,
        boottime_ns: reading.boottime,
        kernel: reading.discipline,
        clocksource: reading.clocksource.as_deref().map(Cow::Borrowed),
        steal_ns: reading.steal.map(|steal| steal.total),
        processors: reading.steal.map(|steal| steal.processors),
        run_delay_ns: reading.run_delay,
        load: reading.load,
    };
    tagged("clk", line, out)
}

/// Appends a disturbance, without its newline.
pub(super) fn write_disturbance(found: &Disturbance, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let line = DisturbanceLine {
        m: found.at,
        e: found.at_error,
        t: found.wall,
        change: &found.change,
    };
    tagged("dist", line, out)
}

pub(super) fn parse_clock(line: &[u8]) -> Result<Line, BadLine> {
    let line: ClockLine<'_> = serde_json::from_slice(line)?;
    let steal = |(total, processors)| Steal { total, processors };
    let reading = ClockReading {
        clocks: Reading {
            wall: line.t.parse()?,
            counter: line.m,
            error: line.e,
        },
        monotonic: line.monotonic_ns,
        boottime: line.boottime_ns,
        discipline: line.kernel,
        clocksource: line.clocksource.map(Cow::into_owned),
        steal: line.steal_ns.zip(line.processors).map(steal),
        run_delay: line.run_delay_ns,
        load: line.load,
    };
    Ok(Line::Event(Event::Clock(reading.into())))
}

pub(super) fn parse_disturbance(line: &[u8]) -> Result<Line, BadLine> {
    let head: DisturbanceHead<'_> = serde_json::from_slice(line)?;
    let kind: Option<DisturbanceKind> = named(&head.what);
    if kind.is_none() {
        return Ok(Line::Unknown(format!("dist:{}", head.what)));
    }
    let found = Disturbance {
        at: head.m,
        at_error: head.e,
        wall: head.t.parse()?,
        change: serde_json::from_slice(line)?,
    };
    Ok(Line::Event(Event::Disturbance(found.into())))
}
