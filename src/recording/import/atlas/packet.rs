//! One packet of a result: its reply, or that there was none.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::super::date::NtpSeconds;
use super::super::number::{Decimal, PARTS_PER_SEC, nanos_nearest, nanos_up};
use super::super::output::on_local_clock;
use super::super::refused;
use super::server::Fields;
use crate::sample::{AT_ERROR_FLOOR, Exchange, Mode, Rejection, Sample, ServerInfo, StampSource};
use crate::time::{TimeDelta, Timestamp};

/// What a probe's reading of its clock leaves out: gettimeofday has whole microseconds.
const CLOCK: TimeDelta = TimeDelta::from_micros(1);
/// What a stamp may lose as a double of seconds since 1900. Those between 2^31 and 2^32 are 2^-21 s apart:
/// half of that when it is made one, and as much again where the API prints just enough digits to know
/// the double. Rounded up.
const DOUBLE: TimeDelta = TimeDelta::from_nanos(477);
/// How far the probe's own offset may be from that of its stamps for no other reason than that it has six
/// decimals and was added up in doubles.
const OFFSET_SLACK: TimeDelta = TimeDelta::from_micros(3);
/// Beyond this the two are not of one packet, or have the same sign. In between, stamps lost digits on
/// their way here.
const MAX_APART: TimeDelta = TimeDelta::from_millis(1);

const SIZE: &str = "stamps less than 68 years apart, between 1677 and 2262";

/// One packet, as text.
#[derive(Deserialize)]
struct Text<'a> {
    x: Option<IgnoredAny>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "origin-ts")]
    origin: Option<&'a RawValue>,
    #[serde(borrow, rename = "receive-ts")]
    receive: Option<&'a RawValue>,
    #[serde(borrow, rename = "transmit-ts")]
    transmit: Option<&'a RawValue>,
    #[serde(borrow, rename = "final-ts")]
    arrival: Option<&'a RawValue>,
    #[serde(borrow)]
    offset: Option<&'a RawValue>,
}

/// One packet.
pub(super) enum Packet<'a> {
    /// No answer.
    Timeout,
    /// It could not be sent.
    Error(Cow<'a, str>),
    /// A reply.
    Reply(Box<Reply<'a>>),
}

/// One reply.
pub(super) struct Reply<'a> {
    /// T1 to T4.
    stamps: [Decimal; 4],
    /// The offset that the probe made of them.
    offset: Option<Decimal>,
    /// What the server said differently than in the first reply.
    changed: Fields<'a>,
}

/// What came of it.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    /// No answer.
    Timeout,
    /// It could not be sent.
    Error(&'a str),
    /// A reply that is no sample, and when it was asked for.
    Rejected(Timestamp, Rejection),
    /// An exchange, and the server as it described itself.
    Sample(ServerInfo, Sample),
}

impl<'a> Packet<'a> {
    /// None where it makes no sense.
    pub(super) fn read(value: &'a RawValue) -> Option<Self> {
        let text: Text<'a> = serde_json::from_str(value.get()).ok()?;
        if text.x.is_some() {
            return Some(Self::Timeout);
        }
        if let Some(error) = text.error {
            return Some(Self::Error(error));
        }
        let number = |value: Option<&RawValue>| Decimal::parse(value?.get().as_bytes());
        let reply = Reply {
            stamps: [
                number(text.origin)?,
                number(text.receive)?,
                number(text.transmit)?,
                number(text.arrival)?,
            ],
            offset: number(text.offset),
            changed: serde_json::from_str(value.get()).ok()?,
        };
        Some(Self::Reply(reply.into()))
    }

    /// The most decimals that one of its stamps has.
    pub(super) fn decimals(&self) -> u32 {
        let stamps: &[Decimal] = match self {
            Self::Reply(reply) => &reply.stamps,
            Self::Timeout | Self::Error(_) => &[],
        };
        stamps.iter().map(|s| s.decimals()).max().unwrap_or(0)
    }

    /// What it tells, where `first` is what the server said in the first reply, the result began at about
    /// `began`, and stamps were printed with so many `decimals`; or what should be there instead.
    pub(super) fn see(
        &self,
        first: &Fields<'_>,
        began: Timestamp,
        decimals: u32,
    ) -> Result<Seen<'_>, &'static str> {
        match self {
            Self::Timeout => Ok(Seen::Timeout),
            Self::Error(error) => Ok(Seen::Error(error)),
            Self::Reply(reply) => reply.see(first, began, decimals),
        }
    }
}

impl Reply<'_> {
    fn see(
        &self,
        first: &Fields<'_>,
        began: Timestamp,
        decimals: u32,
    ) -> Result<Seen<'static>, &'static str> {
        let info = self.changed.over(first)?;
        let [t1, t2, t3, t4] = self.stamps.map(NtpSeconds::of);
        let stamps = t1.zip(t2).zip(t3.zip(t4));
        let ((t1, t2), (t3, t4)) = stamps.ok_or("stamps in seconds since 1900")?;
        let each = stamp_error(decimals);
        let exchange = (|| {
            Some(Exchange {
                t1: t1.near(began)?,
                upper: t2.since_up(t1)?,
                residence: t3.since_down(t2)?,
                lower: t3.since_down(t4)?,
                tx: StampSource::Foreign,
                rx: StampSource::Foreign,
                error: CLOCK + each.times(2),
            })
        })()
        .ok_or(SIZE)?;
        let asked = exchange.t1;
        let zero = [t1, t2, t3, t4].into_iter().any(NtpSeconds::is_zero);
        let why = match self.changed.wrong_mode(first).or_else(|| refused(&info)) {
            None if zero => Some(Rejection::ZeroStamp),
            None if exchange.residence.is_negative() => Some(Rejection::StampsReversed),
            None if exchange.interval(info.precision_error()).is_none() => {
                Some(Rejection::NegativeDelay)
            }
            why => why,
        };
        if let Some(why) = why {
            return Ok(Seen::Rejected(asked, why));
        }
        let apart = apart(self.offset, &exchange);
        if apart > MAX_APART {
            return Err("an offset that follows from the stamps, with the opposite sign");
        }
        // U and L are off by twice that at most, if in the same direction.
        let lost = if apart > exchange.error + OFFSET_SLACK {
            apart.times(2)
        } else {
            TimeDelta::ZERO
        };
        let exchange = Exchange {
            error: exchange.error + lost,
            ..exchange
        };
        let sample = Sample {
            exchange,
            mode: Mode::Basic,
            at: on_local_clock(asked),
            at_error: AT_ERROR_FLOOR,
        };
        Ok(Seen::Sample(info, sample))
    }
}

/// What one stamp may be off by, of those printed with so many decimals.
fn stamp_error(decimals: u32) -> TimeDelta {
    let unit = 10_i128
        .checked_pow(decimals)
        .map_or(1, |n| PARTS_PER_SEC / n);
    nanos_up(unit).unwrap_or(TimeDelta::MAX).max(DOUBLE)
}

/// How far the probe's own offset, which is local minus server, is from that of the exchange; nothing,
/// where it says none.
fn apart(offset: Option<Decimal>, exchange: &Exchange) -> TimeDelta {
    let theirs = offset
        .and_then(Decimal::parts)
        .and_then(|(down, _)| nanos_nearest(-down));
    theirs.map_or(TimeDelta::ZERO, |theirs| (exchange.offset() - theirs).abs())
}
