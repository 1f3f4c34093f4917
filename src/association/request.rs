//! One request and what is known of it so far.

use super::Sent;
use crate::sample::{
    AT_ERROR_FLOOR, Exchange, Mode, Rejection, Sample, ServerInfo, Stamp, StampFault, StampSource,
};
use crate::time::{Frequency, Monotonic, Timestamp};
use crate::wire::Header;

/// How fast the kernel's own clock discipline steers at most: MAXFREQ of `linux/timex.h`, 500 ppm.
const KERNEL_STEERING: Frequency = Frequency::from_ppm(500);

/// A request that is out, or answered and held for its transmit stamp.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) sent: Sent,
    pub(super) transmitted: Option<Stamp>,
    /// Boxed, because of the many requests that are out few are held with their reply.
    pub(super) reply: Option<Box<Reply>>,
    /// Until when the answer, then the transmit stamp, is awaited.
    pub(super) deadline: Monotonic,
}

/// An answer that passed every test that needs no T1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) header: Header,
    pub(super) stamp: Stamp,
}

impl Request {
    pub(super) fn new(sent: Sent, deadline: Monotonic) -> Self {
        Self {
            sent,
            transmitted: None,
            reply: None,
            deadline,
        }
    }

    pub(super) fn awaits_stamp(&self) -> bool {
        self.sent.stamp_id.is_some() && self.transmitted.is_none()
    }

    /// T1: the kernel's stamp where it came and lies between the send call and the reply, else the
    /// reading before the send call, with the fault that made it necessary.
    pub(super) fn transmit_stamp(&self, received: Stamp) -> Result<Stamp, (StampFault, Stamp)> {
        let user = Stamp {
            at: self.sent.before.wall,
            source: StampSource::User,
            error: self.sent.precision,
        };
        match self.transmitted {
            Some(stamp) if user.at <= stamp.at && stamp.at <= received.at => Ok(stamp),
            Some(_) => Err((StampFault::OutsideWindow, user)),
            None if self.sent.stamp_id.is_some() => Err((StampFault::MissingTx, user)),
            None => Ok(user),
        }
    }

    /// The four stamps as a sample, unless they contradict each other.
    pub(super) fn sample(
        &self,
        reply: &Reply,
        transmitted: Stamp,
        info: &ServerInfo,
        pivot: Timestamp,
    ) -> Result<Sample, Rejection> {
        let (t2, t3) = reply
            .header
            .server_stamps(pivot)
            .ok_or(Rejection::TimeOutOfRange)?;
        let exchange = Exchange {
            t1: transmitted.at,
            upper: t2.since(transmitted.at),
            residence: t3.since(t2),
            lower: t3.since(reply.stamp.at),
            tx: transmitted.source,
            rx: reply.stamp.source,
            error: transmitted.error.max(reply.stamp.error),
        };
        if exchange.interval(info.precision_error()).is_none() {
            return Err(Rejection::NegativeDelay);
        }
        // The counter was read with the wall clock just before the send call; T1 is later by what
        // the wall clock says, usually microseconds, over which the kernel may have steered it.
        let before = self.sent.before;
        let since = transmitted.at.since(before.wall);
        let error = before.error + KERNEL_STEERING.gained_over(since);
        Ok(Sample {
            exchange,
            mode: Mode::Basic,
            at: before.counter + since,
            at_error: error.max(AT_ERROR_FLOOR),
        })
    }
}
