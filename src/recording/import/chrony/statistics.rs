//! `statistics.log`: chronyd's estimate of the offset to each source, by regression.

use super::super::error::Trouble;
use super::super::lines::{Fields, LineFormat, any_line_fits};
use super::super::number::nanos_nearest;
use super::super::output::{Output, estimate};
use super::{ADDRESS, OFFSET, PORT, WHOLE_SECONDS, instant};
use crate::sample::{SourceInfo, SourceKind, Timescale};

/// Columns until 2.4, and since 3.0 with the asymmetry of the jitter.
const OLD_COLUMNS: usize = 12;
const NEW_COLUMNS: usize = 13;

/// Whether a file with this start is one.
pub(in crate::recording) fn claims(start: &[u8]) -> bool {
    any_line_fits(start, Statistics)
}

/// The format.
#[derive(Debug)]
pub(in crate::recording) struct Statistics;

impl LineFormat for Statistics {
    fn take(&mut self, mut fields: Fields<'_>, out: &mut Output) -> Result<(), Trouble> {
        if ![OLD_COLUMNS, NEW_COLUMNS].contains(&fields.count_left()) {
            return Err(fields.trouble("a line of 12 or 13 columns"));
        }
        let at = instant(&mut fields)?;
        let address = fields.field().name(ADDRESS)?;
        fields.field().decimal("a standard deviation in seconds")?;
        let field = fields.field();
        let offset = field.decimal(OFFSET)?;
        // What follows is not kept, but a line that is damaged there may be damaged before.
        for rest in fields {
            rest.decimal("a number")?;
        }
        // Positive where the local clock is fast: the other way around than here.
        let turned = offset.parts().and_then(|(down, _)| nanos_nearest(-down));
        let (turned, error) = turned
            .zip(offset.half_a_digit())
            .ok_or_else(|| field.trouble(OFFSET))?;

        let id = out.source(address, || source(address));
        out.sample(id, estimate(at, WHOLE_SECONDS, turned, error));
        Ok(())
    }

    fn meaning(&self) -> String {
        "Estimates by chronyd's regression over its last exchanges with each source, turned to server \
         minus local. They prove nothing, and each uses most exchanges of the one before. The local clock \
         is chronyd's own: the system's plus what it has still to correct. Times are cut to seconds. What \
         four digits leave out is in each error."
            .to_owned()
    }
}

/// A server, or a reference clock by its name.
fn source(address: &str) -> SourceInfo {
    let server = address.parse::<std::net::IpAddr>().is_ok() || address.starts_with("ID#");
    SourceInfo {
        source: address.to_owned(),
        address: address.to_owned(),
        port: if server { PORT } else { 0 },
        kind: if server {
            SourceKind::Ntp
        } else {
            SourceKind::Daemon
        },
        timescale: Timescale::Unknown,
        path: 0,
        local_clock: None,
    }
}
