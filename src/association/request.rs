//! One request and what is known of it so far.

use super::pair::{Ends, Pair};
use super::{Arrived, Sent};
use crate::sample::{
    AT_ERROR_FLOOR, Exchange, MAX_STEERING, Mode, Reading, Rejection, Sample, ServerInfo, Stamp,
};
use crate::time::{Monotonic, Timestamp};
use crate::wire::{Header, NtpTimestamp, server_stamps};

/// 2026-01-01. No server's clock that matters is behind it, so a host whose own clock starts at
/// 1970 still reads era 1 of NTP (from 2036) right.
const EARLIEST_PIVOT: Timestamp = Timestamp::from_nanos(1_767_225_600_000_000_000);

/// A request that is out, or answered and held for its transmit stamp.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) sent: Sent,
    /// The kernel's transmit stamp.
    pub(super) transmitted: Option<Stamp>,
    /// The card's. Boxed, because few requests have one.
    pub(super) hardware: Option<Box<Stamp>>,
    /// Boxed, because of the many requests that are out few are held with their reply.
    pub(super) reply: Option<Box<Reply>>,
    /// Until when the answer, then the transmit stamp, is awaited.
    pub(super) deadline: Monotonic,
    /// Whether a later request was answered first: this one is probably lost.
    pub(super) overtaken: bool,
}

/// Whose T3 a reply carries: its own exchange's, or that of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyMode {
    Basic,
    Interleaved,
}

impl From<ReplyMode> for Mode {
    fn from(mode: ReplyMode) -> Self {
        match mode {
            ReplyMode::Basic => Self::Basic,
            ReplyMode::Interleaved => Self::Interleaved,
        }
    }
}

/// An answer that passed every test that needs no T1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) header: Header,
    pub(super) mode: ReplyMode,
    pub(super) arrived: Arrived,
    /// Whether the local clock was stepped while the request was out.
    pub(super) stepped: bool,
}

/// An exchange that lacks only T3.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfinished {
    before: Reading,
    ends: Ends,
    /// T2 as the server wrote it, which is also the exchange's name in interleaved mode.
    pub(super) receive: NtpTimestamp,
    /// What the server said of itself in this exchange.
    pub(super) info: ServerInfo,
    /// Whether the local clock was stepped between T1 and T4.
    stepped: bool,
}

impl Request {
    pub(super) fn new(sent: Sent, deadline: Monotonic) -> Self {
        Self {
            sent,
            transmitted: None,
            hardware: None,
            reply: None,
            deadline,
            overtaken: false,
        }
    }

    /// Whether a transmit stamp may still come that its exchange could use: the card's, where the
    /// card stamped the answer and `card_delivers`, or else the kernel's.
    pub(super) fn awaits_stamp(&self, card_delivers: bool) -> bool {
        let card_received = self.sent.hardware
            && matches!(&self.reply, Some(reply) if reply.arrived.hardware.is_some());
        match (card_received, &self.hardware) {
            (true, Some(_)) => false,
            (true, None) if card_delivers => true,
            _ => self.sent.stamp_id.is_some() && self.transmitted.is_none(),
        }
    }

    /// Which kind of reply an origin field makes, if it answers this request. A request that did
    /// not ask for an interleaved reply can get none.
    pub(super) fn answered_by(&self, origin: NtpTimestamp) -> Option<ReplyMode> {
        if origin.0 == self.sent.nonce {
            Some(ReplyMode::Basic)
        } else if origin.0 == !self.sent.nonce && self.sent.is_interleaved() {
            Some(ReplyMode::Interleaved)
        } else {
            None
        }
    }

    /// What this request and its reply know of their exchange.
    pub(super) fn unfinished(&self, reply: &Reply, pair: &Pair) -> Unfinished {
        Unfinished {
            before: self.sent.before,
            ends: pair.ends(),
            receive: reply.header.receive,
            info: reply.header.server_info(),
            stepped: reply.stepped,
        }
    }
}

impl Unfinished {
    /// The four stamps as a sample, unless they contradict each other.
    pub(super) fn finish(
        &self,
        transmit: NtpTimestamp,
        mode: ReplyMode,
    ) -> Result<Sample, Rejection> {
        if self.stepped {
            return Err(Rejection::ClockStep);
        }
        let before = self.before;
        let pivot = before.wall.max(EARLIEST_PIVOT);
        let (t2, t3) =
            server_stamps(self.receive, transmit, pivot).ok_or(Rejection::TimeOutOfRange)?;
        let Ends {
            t1,
            t4,
            tx,
            rx,
            error,
        } = self.ends;
        let exchange = Exchange {
            t1,
            upper: t2.since(t1),
            residence: t3.since(t2),
            lower: t3.since(t4),
            tx,
            rx,
            error,
        };
        if exchange.interval(self.info.precision_error()).is_none() {
            return Err(Rejection::NegativeDelay);
        }
        // The counter was read with the wall clock just before the send call; T1 is later by what
        // the wall clock says, usually microseconds, over which the kernel may have steered it.
        let since = t1.since(before.wall);
        let error = before.error + MAX_STEERING.gained_over(since);
        Ok(Sample {
            exchange,
            mode: mode.into(),
            at: before.counter + since,
            at_error: error.max(AT_ERROR_FLOOR),
        })
    }
}
