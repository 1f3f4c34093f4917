//! `tracking.log`: how wrong the system's clock is, by all of chronyd's sources together.

use std::net::Ipv4Addr;

use super::super::error::Trouble;
use super::super::lines::{Field, Fields, LineFormat, any_line_fits};
use super::super::number::nanos_nearest;
use super::super::output::{Output, estimate};
use super::{ADDRESS, OFFSET, STRATUM, WHOLE_SECONDS, instant, leap};
use crate::sample::{Leap, ReferenceId, Rejection, ServerInfo, SourceInfo, SourceKind, Timescale};
use crate::time::TimeDelta;

/// Columns until 3.1, and since 3.2 with root delay, root dispersion and the maximum error.
const OLD_COLUMNS: usize = 11;
const NEW_COLUMNS: usize = 14;

/// chronyd's own clock: that of this host, which resolves about a nanosecond.
const PRECISION: i8 = -30;

const REMAINING: &str = "the correction that remains, in seconds";
const SIZE: &str = "a number of seconds such as 1.534e-02";

/// Whether a file with this start is one.
pub(in crate::recording) fn claims(start: &[u8]) -> bool {
    any_line_fits(start, Tracking)
}

/// The format.
#[derive(Debug)]
pub(in crate::recording) struct Tracking;

impl LineFormat for Tracking {
    fn take(&mut self, mut fields: Fields<'_>, out: &mut Output) -> Result<(), Trouble> {
        let columns = fields.count_left();
        if ![OLD_COLUMNS, NEW_COLUMNS].contains(&columns) {
            return Err(fields.trouble("a line of 11 or 14 columns"));
        }
        let at = instant(&mut fields)?;
        let address = fields.field().name(ADDRESS)?;
        let stratum = fields.field().whole(STRATUM)?;
        for rate in ["a frequency in ppm", "a skew in ppm"] {
            fields.field().decimal(rate)?;
        }
        let offset_field = fields.field();
        let offset = offset_field.decimal(OFFSET)?;
        let leap = leap(fields.field())?;
        fields
            .field()
            .whole::<u32>("the number of combined sources")?;
        fields.field().decimal("a standard deviation in seconds")?;
        let remaining = fields.field().decimal(REMAINING)?;
        let root = match columns {
            NEW_COLUMNS => {
                let root = (size(fields.field())?, size(fields.field())?);
                size(fields.field())?;
                Some(root)
            }
            _ => None,
        };
        // chronyd's clock is fast by `offset`, and the system's is slow of chronyd's by `remaining`.
        let sum = offset.parts().zip(remaining.parts());
        let clock = sum.and_then(|((offset, _), (remaining, _))| nanos_nearest(remaining - offset));
        let error = offset.half_a_digit().zip(remaining.half_a_digit());
        let (clock, (error, more)) = clock
            .zip(error)
            .ok_or_else(|| offset_field.trouble(OFFSET))?;

        let id = out.source("chronyd", || SourceInfo {
            source: "chronyd".to_owned(),
            address: "chronyd".to_owned(),
            port: 0,
            kind: SourceKind::Daemon,
            timescale: Timescale::Unknown,
            path: 0,
            local_clock: None,
        });
        if leap == Leap::Unsynchronised {
            out.reject(id, at, Rejection::Unsynchronised);
            return Ok(());
        }
        if let Some((root_delay, root_dispersion)) = root {
            let info = ServerInfo {
                leap,
                stratum,
                precision: PRECISION,
                root_delay,
                root_dispersion,
                reference_id: reference_id(address),
                reference_time: None,
            };
            out.describe(id, info);
        }
        out.sample(id, estimate(at, WHOLE_SECONDS, clock, error + more));
        Ok(())
    }

    fn meaning(&self) -> String {
        "chronyd's estimates of how wrong the system's clock is, by all of its sources, each time before \
         it corrected it: what it measured plus what it had still to correct. They prove nothing. Times \
         are cut to seconds. What four digits leave out is in each error. Lines without synchronisation \
         count as rejected."
            .to_owned()
    }
}

fn size(field: Field<'_>) -> Result<TimeDelta, Trouble> {
    let size = field.decimal(SIZE)?;
    size.at_most().ok_or_else(|| field.trouble(SIZE))
}

/// What chronyd follows: a server by its IPv4 address, or a reference clock by its name. That of an IPv6
/// server is a hash that the log does not hold.
fn reference_id(address: &str) -> ReferenceId {
    let name = || {
        let mut id = [0; 4];
        for (place, byte) in id.iter_mut().zip(address.bytes()) {
            *place = byte;
        }
        let fits = address.len() <= id.len();
        fits.then_some(id)
    };
    let id = address.parse().map(|ip: Ipv4Addr| ip.octets());
    ReferenceId(id.ok().or_else(name).unwrap_or_default())
}
