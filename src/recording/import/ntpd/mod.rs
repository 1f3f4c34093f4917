//! The statistics of ntpd: `rawstats`, `peerstats`, `loopstats`.
//!
//! The columns are those of `record_raw_stats`, `record_peer_stats` and `record_loop_stats` in `ntp_util.c`,
//! of ntp 4.2 and of NTPsec, which writes names of reference clocks for addresses 127.127.t.u and counters
//! behind the last column. All offsets are server minus local, as here.

pub(super) mod loopstats;
pub(super) mod peerstats;
pub(super) mod rawstats;
#[cfg(test)]
mod tests;

use super::date;
use super::error::Trouble;
use super::lines::Fields;
use crate::sample::{SourceInfo, SourceKind, Timescale};
use crate::time::{TimeDelta, Timestamp};

/// NTP's port, from which ntpd cannot depart.
const PORT: u16 = 123;

const ADDRESS: &str = "an address";
const OFFSET: &str = "an offset in seconds such as -0.001605376";

/// The first two columns of each line, and what the instant may be off by.
fn instant(fields: &mut Fields<'_>) -> Result<(Timestamp, TimeDelta), Trouble> {
    let (day, seconds) = (fields.field(), fields.field());
    let since_midnight = seconds.decimal("seconds since midnight such as 73238.345")?;
    day.read(
        "a modified Julian day such as 61369, and seconds with decimals below 86400",
        |text| date::julian(text, since_midnight),
    )
}

/// A server by its address, or a reference clock: 127.127.t.u of ntp, a name with a number of NTPsec.
fn source(address: &str) -> SourceInfo {
    let clock = is_clock(address);
    SourceInfo {
        source: address.to_owned(),
        address: address.to_owned(),
        port: if clock { 0 } else { PORT },
        kind: if clock {
            SourceKind::Daemon
        } else {
            SourceKind::Ntp
        },
        timescale: Timescale::Unknown,
        path: 0,
        local_clock: None,
    }
}

fn is_clock(address: &str) -> bool {
    address.starts_with("127.127.") || address.ends_with(')')
}
