//! `loopstats`: how wrong the system's clock is, by all of ntpd's sources together.

use super::super::error::Trouble;
use super::super::lines::{Fields, LineFormat, any_line_fits};
use super::super::number::nanos_nearest;
use super::super::output::{Output, estimate};
use super::{OFFSET, instant};
use crate::sample::{SourceInfo, SourceKind, Timescale};

const COLUMNS: usize = 7;

/// Whether a file with this start is one.
pub(in crate::recording) fn claims(start: &[u8]) -> bool {
    any_line_fits(start, Loopstats)
}

/// The format.
#[derive(Debug)]
pub(in crate::recording) struct Loopstats;

impl LineFormat for Loopstats {
    fn take(&mut self, mut fields: Fields<'_>, out: &mut Output) -> Result<(), Trouble> {
        if fields.count_left() != COLUMNS {
            return Err(fields.trouble("a line of 7 columns"));
        }
        let (at, at_error) = instant(&mut fields)?;
        let field = fields.field();
        let offset = field.decimal(OFFSET)?;
        // What follows is not kept, but a line that is damaged there may be damaged before.
        for expected in [
            "a frequency in ppm",
            "a jitter in seconds",
            "a wander in ppm",
        ] {
            fields.field().decimal(expected)?;
        }
        let _: i16 = fields.field().whole("a time constant as log2 of seconds")?;
        let middle = offset.parts().and_then(|(down, _)| nanos_nearest(down));
        let (middle, half_a_digit) = middle
            .zip(offset.half_a_digit())
            .ok_or_else(|| field.trouble(OFFSET))?;

        let id = out.source("ntpd", || SourceInfo {
            source: "ntpd".to_owned(),
            address: "ntpd".to_owned(),
            port: 0,
            kind: SourceKind::Daemon,
            timescale: Timescale::Unknown,
            path: 0,
            local_clock: None,
        });
        out.sample(id, estimate(at, at_error, middle, half_a_digit));
        Ok(())
    }

    fn meaning(&self) -> String {
        "ntpd's estimates of how wrong the system's clock is, by all of its sources, each time before it \
         corrected it. They prove nothing. Frequency, jitter and wander of the log are not kept."
            .to_owned()
    }
}
