//! [`Unfinished`]: an exchange on the capture's clock, which lacks only T3.

use super::place::Place;
use crate::sample::{AT_ERROR_FLOOR, Exchange, Mode, Rejection, Sample, ServerInfo, StampSource};
use crate::time::{Monotonic, TimeDelta, Timestamp};
use crate::wire::{NtpTimestamp, server_stamps};

/// 2026-01-01, as in an association: a capture whose clock started at 1970 still reads era 1 of NTP
/// (from 2036) right, and those of the last 68 years era 0.
const EARLIEST_PIVOT: Timestamp = Timestamp::from_nanos(1_767_225_600_000_000_000);

/// A request and its reply as they passed the capture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfinished {
    /// When the request passed.
    pub(super) t1: Timestamp,
    /// When the reply passed.
    pub(super) t4: Timestamp,
    /// What the capture's clock may have read beyond either.
    pub(super) error: TimeDelta,
    pub(super) place: Place,
    /// T2 as the server wrote it, which is also the exchange's name in interleaved mode.
    pub(super) receive: NtpTimestamp,
    /// What the server said of itself in this exchange.
    pub(super) info: ServerInfo,
}

impl Unfinished {
    /// The four stamps as a sample, unless they contradict each other.
    ///
    /// The request passed the capture on its way to the server, and the reply on its way from there,
    /// so `[T3 - T4, T2 - T1]` holds the offset wherever on the path that was. On the server itself it
    /// need not: where its network card stamps for it, T2 is earlier than the kernel's stamp in the
    /// capture, and in interleaved mode T3 is later. But T3 was read after the request had passed, and
    /// T2 before the reply did, so `[T2 - T4, T3 - T1]` always holds it: that is wider by T3 - T2 at
    /// either end, which becomes part of the error where the capture may have been made there.
    pub(super) fn finish(&self, transmit: NtpTimestamp, mode: Mode) -> Result<Sample, Rejection> {
        let pivot = self.t1.max(EARLIEST_PIVOT);
        let (t2, t3) =
            server_stamps(self.receive, transmit, pivot).ok_or(Rejection::TimeOutOfRange)?;
        let residence = t3.since(t2);
        let unordered = if self.place.may_be_the_server() {
            residence.max(TimeDelta::ZERO)
        } else {
            TimeDelta::ZERO
        };
        let exchange = Exchange {
            t1: self.t1,
            upper: t2.since(self.t1),
            residence,
            lower: t3.since(self.t4),
            tx: StampSource::Foreign,
            rx: StampSource::Foreign,
            error: self.error + unordered,
        };
        if exchange.interval(self.info.precision_error()).is_none() {
            return Err(Rejection::NegativeDelay);
        }
        Ok(Sample {
            exchange,
            mode,
            // The clock that stamped is all there is to count on.
            at: Monotonic::from_nanos(self.t1.as_nanos()),
            at_error: AT_ERROR_FLOOR,
        })
    }
}

/// Whether `later` is not before `earlier`, on the circle of 2^64, in any era.
pub(super) fn is_in_order(earlier: NtpTimestamp, later: NtpTimestamp) -> bool {
    later.0.wrapping_sub(earlier.0).cast_signed() >= 0
}
