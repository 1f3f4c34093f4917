//! `measurements.log`: every exchange as chronyd measured it.
//!
//! U and L follow from offset and delay, which is never less than the precision of both clocks; the
//! dispersion stands for that and for the error of the stamps (of 2.0 without the server's precision, by
//! which its intervals are too narrow). An `offset` that was configured for a
//! source and the corrections of PTP clocks on the way are part of what was logged: there the interval is
//! as true as they are.

use super::super::error::Trouble;
use super::super::lines::{Field, Fields, LineFormat, any_line_fits};
use super::super::number::{Decimal, Halves};
use super::super::output::{Output, on_local_clock};
use super::{ADDRESS, OFFSET, PORT, STRATUM, WHOLE_SECONDS, instant, leap};
use crate::sample::{
    Exchange, Mode, ReferenceId, Rejection, Sample, ServerInfo, SourceInfo, SourceKind,
    StampSource, Timescale,
};
use crate::time::{TimeDelta, Timestamp};
use crate::wire::KissCode;

/// Columns until 2.4, and since 3.0 with reference id, mode and the sources of both stamps.
const OLD_COLUMNS: usize = 16;
const NEW_COLUMNS: usize = 20;

/// The precision of a server whose own is not logged: the one that adds the least. chronyd's dispersion
/// holds the true one, and is part of the error of each exchange.
const UNKNOWN_PRECISION: i8 = -30;

/// The longest poll interval of chronyd (MAX_POLL), log2 of seconds.
const MAX_POLL: i8 = 24;

const DELAY: &str = "a delay in seconds such as 2.296e-01";
const DISPERSION: &str = "a dispersion in seconds such as 1.577e-05";
const POLL: &str = "a poll interval as log2 of seconds";
const SIZE: &str = "a size from 0 to 292 years, in seconds";
const SIZES: &str = "numbers below 292 years, and no dispersion below 0";

/// Whether a file with this start is one.
pub(in crate::recording) fn claims(start: &[u8]) -> bool {
    any_line_fits(start, Measurements::default())
}

/// The format, and what was seen of it.
#[derive(Debug, Default)]
pub(in crate::recording) struct Measurements {
    /// Samples that chronyd did not use itself.
    unused: u64,
}

/// The ten tests of a line, 1 where it was passed.
#[derive(Clone, Copy)]
struct Tests {
    /// 1, 2 and 3 of RFC 5905 section 8: duplicate, bogus, without stamps.
    packet: [bool; 3],
    /// 5, 6 and 7: authentication, synchronisation, root distance.
    server: [bool; 3],
    /// A, B, C and D: chronyd's own.
    own: [bool; 4],
}

impl Tests {
    /// The test that a packet failed, as one of ours. Those of chronyd's own are another matter: A, B and
    /// C compare the delay with limits its operator set, and D finds that the server follows this host.
    /// The exchange itself is as good as any. To leave it out would take the slow ones out of the
    /// distribution of the delay, and nobody would know. Only of an interleaved exchange test A may also
    /// mean that its four stamps do not belong together.
    fn rejection(self, info: &ServerInfo, kind: &Kind) -> Option<Rejection> {
        let [first, second, third] = self.packet;
        let [authentic, synchronised, near] = self.server;
        if !first {
            Some(Rejection::Duplicate)
        } else if !second {
            Some(Rejection::BogusOrigin)
        } else if !third {
            Some(Rejection::ZeroStamp)
        } else if !authentic {
            // There is no name of its own for it: what proves a packet stands in an extension field.
            Some(Rejection::BadExtension)
        } else if !synchronised {
            let kiss = kind.reference_id.filter(|_| info.stratum == 0);
            let kiss = kiss.map(|id| KissCode::from_reference_id(id).rejection());
            Some(kiss.unwrap_or(Rejection::Unsynchronised))
        } else if !near {
            Some(Rejection::RootDistance)
        } else if kind.mode == Mode::Interleaved && self.own.first() == Some(&false) {
            Some(Rejection::WrongExchange)
        } else {
            None
        }
    }
}

/// So many digits, each 0 or 1.
fn flags<const N: usize>(field: Field<'_>) -> Result<[bool; N], Trouble> {
    field.read("results of tests, 0 or 1 each", |text| {
        let digits: &[u8; N] = text.try_into().ok()?;
        let known = digits.iter().all(|b| matches!(b, b'0' | b'1'));
        known.then(|| digits.map(|b| b == b'1'))
    })
}

fn stamp(field: Field<'_>) -> Result<StampSource, Trouble> {
    field.read("who stamped: D, K or H", |text| match text {
        b"D" => Some(StampSource::User),
        b"K" => Some(StampSource::Kernel),
        b"H" => Some(StampSource::Hardware),
        [_] => Some(StampSource::Foreign),
        _ => None,
    })
}

/// What the columns since 3.0 tell.
struct Kind {
    reference_id: Option<ReferenceId>,
    mode: Mode,
    /// Whether two peers ask each other, so that an exchange takes as long as a poll interval.
    symmetric: bool,
    tx: StampSource,
    rx: StampSource,
}

impl Kind {
    const OLD: Self = Self {
        reference_id: None,
        mode: Mode::Basic,
        symmetric: false,
        tx: StampSource::Foreign,
        rx: StampSource::Foreign,
    };

    fn read(fields: &mut Fields<'_>) -> Result<Self, Trouble> {
        let id = fields
            .field()
            .hexadecimal("a reference id of eight digits")?;
        let (symmetric, mode) =
            fields
                .field()
                .read("a mode such as 4B or 4I", |text| match text {
                    [packet @ b'0'..=b'7', b'B'] => Some((*packet != b'4', Mode::Basic)),
                    [packet @ b'0'..=b'7', b'I'] => Some((*packet != b'4', Mode::Interleaved)),
                    _ => None,
                })?;
        Ok(Self {
            reference_id: Some(ReferenceId(id.to_be_bytes())),
            mode,
            symmetric,
            tx: stamp(fields.field())?,
            rx: stamp(fields.field())?,
        })
    }
}

impl LineFormat for Measurements {
    fn take(&mut self, mut fields: Fields<'_>, out: &mut Output) -> Result<(), Trouble> {
        let columns = fields.count_left();
        if columns != OLD_COLUMNS && columns != NEW_COLUMNS {
            return Err(fields.trouble("a line of 16 or 20 columns"));
        }
        let at = instant(&mut fields)?;
        let address = fields.field().name(ADDRESS)?;
        let leap = leap(fields.field())?;
        let stratum = fields.field().whole(STRATUM)?;
        let tests = Tests {
            packet: flags(fields.field())?,
            server: flags(fields.field())?,
            own: flags(fields.field())?,
        };
        let poll: i8 = fields.field().whole(POLL)?;
        // The server's poll interval and chronyd's score tell nothing here.
        fields.pass(2);
        let offset = fields.field();
        let (halves, delay) = halves(offset, &mut fields)?;
        let [root_delay, root_dispersion] = [fields.field(), fields.field()].map(|field| {
            let size = field.decimal(DELAY)?;
            size.at_most().ok_or_else(|| field.trouble(SIZE))
        });
        let kind = match columns {
            NEW_COLUMNS => Kind::read(&mut fields)?,
            _ => Kind::OLD,
        };
        let info = ServerInfo {
            leap,
            stratum,
            precision: UNKNOWN_PRECISION,
            root_delay: root_delay?,
            root_dispersion: root_dispersion?,
            reference_id: kind.reference_id.unwrap_or_default(),
            reference_time: None,
        };

        let id = out.source(address, || SourceInfo {
            source: address.to_owned(),
            address: address.to_owned(),
            port: PORT,
            kind: SourceKind::Ntp,
            timescale: Timescale::Unknown,
            path: 0,
            local_clock: None,
        });
        if let Some(why) = tests.rejection(&info, &kind) {
            out.reject(id, at, why);
        } else if delay.is_negative() {
            out.reject(id, at, Rejection::NegativeDelay);
        } else {
            self.unused += u64::from(tests.own != [true; 4]);
            out.describe(id, info);
            out.sample(id, sample(at, halves, poll, &kind));
        }
        Ok(())
    }

    fn meaning(&self) -> String {
        let mut text = "Exchanges as chronyd measured them. The local clock is its own: the system's plus \
            what it has still to correct (with -x not the system's, unless all sources are `noselect`). \
            Times are cut to seconds. Each error holds chronyd's dispersion and what four digits leave \
            out. Losses and the server's precision are not logged."
            .to_owned();
        if self.unused > 0 {
            let unused = format!(
                " chronyd did not use {} of them (tests A to D).",
                self.unused
            );
            text.push_str(&unused);
        }
        text
    }
}

/// Offset, delay and dispersion together, and the delay alone.
fn halves(offset: Field<'_>, fields: &mut Fields<'_>) -> Result<(Halves, Decimal), Trouble> {
    let (delay, dispersion) = (fields.field(), fields.field());
    let numbers = (
        offset.decimal(OFFSET)?,
        delay.decimal(DELAY)?,
        dispersion.decimal(DISPERSION)?,
    );
    let halves = Halves::of(numbers.0, numbers.1, numbers.2, 1);
    let halves = halves.ok_or_else(|| offset.trouble(SIZES))?;
    Ok((halves, numbers.1))
}

/// The second that was logged is that of the middle between T1 and T4, and it is taken for T1. How long
/// the server kept the request is not logged.
fn sample(at: Timestamp, halves: Halves, poll: i8, kind: &Kind) -> Sample {
    let exchange = Exchange {
        t1: at,
        upper: halves.upper,
        residence: TimeDelta::ZERO,
        lower: halves.lower,
        tx: kind.tx,
        rx: kind.rx,
        error: halves.error,
    };
    // Half of what a client's exchange takes, without the residence: microseconds, and chronyd uses none
    // above 4 s.
    let half = TimeDelta::from_nanos(exchange.delay().as_nanos() / 2);
    let apart = if kind.symmetric || kind.mode == Mode::Interleaved {
        TimeDelta::from_secs(1 << poll.clamp(0, MAX_POLL))
    } else {
        TimeDelta::ZERO
    };
    Sample {
        exchange,
        mode: kind.mode,
        at: on_local_clock(at),
        at_error: WHOLE_SECONDS + half + apart,
    }
}
