//! The exchange line, which is nearly all of a recording.

use std::borrow::Cow;

use serde::Deserialize;

use super::line::BadLine;
use super::scan::scan_exchange;
use crate::sample::{AT_ERROR_FLOOR, Class, Exchange, Sample, SourceId};
use crate::time::{Monotonic, NANOS_PER_SEC, TimeDelta, Timestamp};

/// What a stamp may be off by where the exchange line does not say: one unit of the stamps.
pub(super) const USUAL_ERROR: TimeDelta = TimeDelta::NANOSECOND;

/// How each exchange line starts that this program wrote.
pub(super) const EXCHANGE_START: &[u8] = b"{\"k\":\"x\",";

#[derive(Deserialize)]
struct ExchangeLine<'a> {
    s: SourceId,
    #[serde(borrow)]
    c: Cow<'a, str>,
    #[serde(borrow)]
    t1: Cow<'a, str>,
    u: TimeDelta,
    r: TimeDelta,
    l: TimeDelta,
    m: Monotonic,
    e: Option<TimeDelta>,
    g: Option<TimeDelta>,
}

/// The one line that is written for every exchange, by hand: more than twice as fast as through
/// `serde_json` (`benches/recording.rs`), and the sampler waits for it.
pub(super) fn write_exchange(source: SourceId, sample: &Sample, out: &mut Vec<u8>) {
    let Class { mode, tx, rx } = sample.class();
    let x = &sample.exchange;
    out.extend_from_slice(b"{\"k\":\"x\",\"s\":");
    push_integer(source.0.into(), out);
    out.extend_from_slice(b",\"c\":\"");
    for letter in [mode.letter(), tx.letter(), rx.letter()] {
        // The letters of a class are ASCII.
        out.push(u8::try_from(letter).unwrap_or(b'?'));
    }
    out.extend_from_slice(b"\",\"t1\":\"");
    push_seconds(x.t1, out);
    out.extend_from_slice(b"\",\"u\":");
    push_integer(x.upper.as_nanos(), out);
    out.extend_from_slice(b",\"r\":");
    push_integer(x.residence.as_nanos(), out);
    out.extend_from_slice(b",\"l\":");
    push_integer(x.lower.as_nanos(), out);
    if x.error != USUAL_ERROR {
        out.extend_from_slice(b",\"e\":");
        push_integer(x.error.as_nanos(), out);
    }
    out.extend_from_slice(b",\"m\":");
    push_integer(sample.at.as_nanos(), out);
    if sample.at_error > AT_ERROR_FLOOR {
        out.extend_from_slice(b",\"g\":");
        push_integer(sample.at_error.as_nanos(), out);
    }
    out.extend_from_slice(b"}\n");
}

/// Seconds with nine decimals, as [`Timestamp`] displays them.
fn push_seconds(t: Timestamp, out: &mut Vec<u8>) {
    let nanos = t.as_nanos().unsigned_abs();
    let per_second = NANOS_PER_SEC.unsigned_abs();
    if t.as_nanos() < 0 {
        out.push(b'-');
    }
    push_digits(nanos / per_second, 1, out);
    out.push(b'.');
    push_digits(nanos % per_second, 9, out);
}

fn push_integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    push_digits(value.unsigned_abs(), 1, out);
}

/// Decimal digits, at least `width` of them.
fn push_digits(mut value: u64, width: usize, out: &mut Vec<u8>) {
    // The largest u64 has 20 digits.
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        if value == 0 && used >= width {
            break;
        }
        // A remainder by ten is one digit.
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        used += 1;
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or(&digits));
}

/// Reads an exchange line, without its newline.
pub(super) fn parse_exchange(line: &[u8]) -> Result<(SourceId, Sample), BadLine> {
    match scan_exchange(line) {
        Some((source, sample, [])) => Ok((source, sample)),
        _ => parse_any_exchange(line),
    }
}

/// Reads an exchange line of any form that JSON allows.
pub(super) fn parse_any_exchange(line: &[u8]) -> Result<(SourceId, Sample), BadLine> {
    let line: ExchangeLine<'_> = serde_json::from_slice(line)?;
    let Class { mode, tx, rx } = line.c.parse()?;
    let exchange = Exchange {
        t1: line.t1.parse()?,
        upper: line.u,
        residence: line.r,
        lower: line.l,
        tx,
        rx,
        error: line.e.unwrap_or(USUAL_ERROR),
    };
    let sample = Sample {
        exchange,
        mode,
        at: line.m,
        // Never below the floor, so that what is read is written back the same.
        at_error: line.g.unwrap_or(AT_ERROR_FLOOR).max(AT_ERROR_FLOOR),
    };
    Ok((line.s, sample))
}
