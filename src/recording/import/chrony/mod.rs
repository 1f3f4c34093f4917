//! The logs of chronyd: `measurements.log`, `statistics.log`, `tracking.log`.
//!
//! The columns are those of `doc/chrony.conf.adoc`, directive `log`, and of the calls of `LOG_FileWrite`
//! in `ntp_core.c`, `sourcestats.c` and `reference.c`, versions 2.0 to 4.8. All three have one thing in
//! common: their times are whole seconds, in UTC, of chronyd's own clock, which is the system's clock plus
//! the correction that is still to be made.

pub(super) mod measurements;
pub(super) mod statistics;
#[cfg(test)]
mod tests;
pub(super) mod tracking;

use super::date;
use super::error::Trouble;
use super::lines::{Field, Fields};
use crate::sample::Leap;
use crate::time::{TimeDelta, Timestamp};

/// What the time of a line may be off by: it is cut off to whole seconds.
const WHOLE_SECONDS: TimeDelta = TimeDelta::from_secs(1);

/// The first two columns of each line.
fn instant(fields: &mut Fields<'_>) -> Result<Timestamp, Trouble> {
    let (day, time) = (fields.field(), fields.field());
    day.read(
        "a date such as 2026-11-25, and a time such as 20:20:37",
        |text| date::civil(text, time.text),
    )
}

/// The letter for the leap indicator.
fn leap(field: Field<'_>) -> Result<Leap, Trouble> {
    field.read("a leap status: N, +, - or ?", |text| match text {
        b"N" => Some(Leap::None),
        b"+" => Some(Leap::Insert),
        b"-" => Some(Leap::Delete),
        b"?" => Some(Leap::Unsynchronised),
        _ => None,
    })
}

/// NTP's port; the logs do not say which it was.
const PORT: u16 = 123;

const ADDRESS: &str = "an address";
const OFFSET: &str = "an offset in seconds such as -4.966e-03";
const STRATUM: &str = "a stratum from 0 to 255";
