//! `rawstats`: the four stamps of every reply, as ntpd received it.

use std::net::Ipv4Addr;

use super::super::date::NtpSeconds;
use super::super::error::Trouble;
use super::super::lines::{Field, Fields, LineFormat, any_line_fits};
use super::super::output::{Output, on_local_clock};
use super::super::refused;
use super::{ADDRESS, instant, source};
use crate::sample::{
    AT_ERROR_FLOOR, Exchange, Leap, Mode, ReferenceId, Rejection, Sample, ServerInfo, StampSource,
};
use crate::time::TimeDelta;
use crate::wire::KissCode;

/// Columns until 4.2.6, and the least since, with what the server says of itself.
const OLD_COLUMNS: usize = 8;
const NEW_COLUMNS: usize = 17;
/// 4.2.8 writes the length and the bytes of extension fields behind them, NTPsec one or three counters.
const MOST_COLUMNS: usize = 20;

/// What ntpd's stamps may be off by beyond their printing. ntpd fills the bits below the resolution of its
/// clock with random ones and does not log that resolution: a microsecond where it reads the time by
/// gettimeofday (precision -20), less elsewhere.
const CLOCK: TimeDelta = TimeDelta::from_micros(1);
/// Each of two stamps is rounded to nine decimals.
const PRINTING: TimeDelta = TimeDelta::NANOSECOND;

const STAMP: &str = "seconds since 1900 such as 4004626838.344904815";
const SIZE: &str = "stamps less than 68 years apart, between 1677 and 2262";

/// Whether a file with this start is one.
pub(in crate::recording) fn claims(start: &[u8]) -> bool {
    any_line_fits(start, Rawstats)
}

/// The format.
#[derive(Debug)]
pub(in crate::recording) struct Rawstats;

fn stamp(field: Field<'_>) -> Result<NtpSeconds, Trouble> {
    // Nine decimals were printed, always: fewer mean that the rest was lost.
    let read = field.decimal(STAMP)?;
    let read = (read.decimals() == 9)
        .then_some(read)
        .and_then(NtpSeconds::of);
    read.ok_or_else(|| field.trouble(STAMP))
}

/// What the server says of itself, and the packet's mode.
fn server(fields: &mut Fields<'_>) -> Result<(ServerInfo, u8), Trouble> {
    let leap: u8 = fields.field().whole("a leap indicator from 0 to 3")?;
    let _version: u8 = fields.field().whole("a version")?;
    let mode = fields.field().whole("a mode from 0 to 7")?;
    let stratum = fields.field().whole("a stratum")?;
    let _poll: i16 = fields.field().whole("a poll interval as log2 of seconds")?;
    let precision = fields.field().whole("a precision as log2 of seconds")?;
    let size = |field: Field<'_>| {
        let expected = "a number of seconds such as 0.000015";
        let size = field.decimal(expected)?;
        size.at_most().ok_or_else(|| field.trouble(expected))
    };
    let (root_delay, root_dispersion) = (size(fields.field())?, size(fields.field())?);
    let info = ServerInfo {
        leap: Leap::from_bits(leap),
        stratum,
        precision,
        root_delay,
        root_dispersion,
        reference_id: reference_id(fields.field().text),
        reference_time: None,
    };
    Ok((info, mode))
}

/// A reference id as ntpd writes it: an IPv4 address, or up to four characters between two points.
fn reference_id(text: &[u8]) -> ReferenceId {
    let Ok(text) = std::str::from_utf8(text) else {
        return ReferenceId::default();
    };
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return ReferenceId(address.octets());
    }
    let name = text.strip_prefix('.').and_then(|t| t.strip_suffix('.'));
    let name = name.unwrap_or_default().as_bytes();
    let mut id = [0; 4];
    for (place, byte) in id.iter_mut().zip(name) {
        *place = *byte;
    }
    ReferenceId(id)
}

/// The tests that a reply must pass before its stamps count, in the sampler's order.
fn examine(info: Option<&ServerInfo>, mode: u8) -> Option<Rejection> {
    let info = info?;
    // A client's servers and a peer's peers; broadcasts have no request.
    if !matches!(mode, 1 | 2 | 4) {
        return Some(Rejection::WrongMode);
    }
    // ntpd logs stratum 0 as 16.
    let kiss = KissCode::from_reference_id(info.reference_id);
    match (info.stratum, info.leap, kiss) {
        (16, Leap::Unsynchronised, KissCode::Rate | KissCode::Deny | KissCode::Restrict) => {
            Some(kiss.rejection())
        }
        _ => refused(info),
    }
}

impl LineFormat for Rawstats {
    fn take(&mut self, mut fields: Fields<'_>, out: &mut Output) -> Result<(), Trouble> {
        let columns = fields.count_left();
        if columns != OLD_COLUMNS && !(NEW_COLUMNS..=MOST_COLUMNS).contains(&columns) {
            return Err(fields.trouble("a line of 8 or 17 to 20 columns"));
        }
        let (logged, _) = instant(&mut fields)?;
        let address = fields.field().name(ADDRESS)?;
        // An address has points or colons; the status word that peerstats has here does not.
        fields.field().read("the local address, or -", |text| {
            let address = text.iter().any(|b| matches!(b, b'.' | b':'));
            (address || text == b"-").then_some(())
        })?;
        let first = fields.field();
        let stamps = [
            stamp(first)?,
            stamp(fields.field())?,
            stamp(fields.field())?,
            stamp(fields.field())?,
        ];
        let [t1, t2, t3, t4] = stamps;
        let (info, mode) = match columns {
            OLD_COLUMNS => (None, 4),
            _ => server(&mut fields).map(|(info, mode)| (Some(info), mode))?,
        };
        let exchange = (|| {
            Some(Exchange {
                t1: t1.near(logged)?,
                upper: t2.since_up(t1)?,
                residence: t3.since_down(t2)?,
                lower: t3.since_down(t4)?,
                tx: StampSource::Foreign,
                rx: StampSource::Foreign,
                error: CLOCK + PRINTING,
            })
        })();
        let exchange = exchange.ok_or_else(|| first.trouble(SIZE))?;

        let id = out.source(address, || source(address));
        let precision = info.map_or(TimeDelta::ZERO, |info| info.precision_error());
        let why = if let Some(why) = examine(info.as_ref(), mode) {
            why
        } else if stamps.into_iter().any(NtpSeconds::is_zero) {
            Rejection::ZeroStamp
        } else if exchange.residence.is_negative() {
            Rejection::StampsReversed
        } else if exchange.interval(precision).is_none() {
            Rejection::NegativeDelay
        } else {
            if let Some(info) = info {
                out.describe(id, info);
            }
            out.sample(
                id,
                Sample {
                    exchange,
                    mode: Mode::Basic,
                    at: on_local_clock(exchange.t1),
                    at_error: AT_ERROR_FLOOR,
                },
            );
            return Ok(());
        };
        out.reject(id, logged, why);
        Ok(())
    }

    fn meaning(&self) -> String {
        "All four stamps of each reply, before any filter of ntpd. The local clock is the system's, which \
         ntpd steers meanwhile. Who stamped is not logged: T1 is ntpd's own reading, T4 mostly the \
         kernel's. Each error allows 1 us for the resolution of ntpd's clock, which is not logged, nor are \
         losses. Before 4.2.8 nothing is told of the server, so no bound is proven."
            .to_owned()
    }
}
