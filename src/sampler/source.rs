//! What the loop gives turns to: a server or a clock.

use super::clock::ClockSource;
use super::ntp::{NtpSource, Shared};
use super::rtc::RtcSource;
use super::{Endpoint, Plan, Target};
use crate::net::StampedSocket;
use crate::sample::{Sink, SourceId};
use crate::time::Monotonic;

/// One source and its turn.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are servers, and a box each would cost ten thousand of them more"
)]
pub(super) enum Source {
    Server(NtpSource),
    Clock(ClockSource),
    Rtc(RtcSource),
}

impl Source {
    pub(super) fn new(id: SourceId, target: &Target, plan: &Plan, due: Monotonic) -> Self {
        match &target.endpoint {
            Endpoint::Server(address) => {
                Self::Server(NtpSource::new(id, *address, target, plan, due))
            }
            Endpoint::Phc { device, ahead } => {
                Self::Clock(ClockSource::new(id, device.clone(), *ahead, target, due))
            }
            Endpoint::Rtc(device) => Self::Rtc(RtcSource::new(id, device.clone(), target, due)),
        }
    }

    /// The socket, for whoever waits for arrivals, and its number: it is replaced now and then.
    pub(super) fn socket(&self) -> Option<(u64, &StampedSocket)> {
        match self {
            Self::Server(server) => server.socket(),
            Self::Clock(_) | Self::Rtc(_) => None,
        }
    }

    /// Whether there is time between its requests.
    pub(super) fn is_spaced(&self) -> bool {
        match self {
            Self::Server(server) => server.is_spaced(),
            Self::Clock(_) | Self::Rtc(_) => true,
        }
    }

    /// Whether it stands beside those that were asked for, and ends by itself.
    pub(super) fn is_beside(&self) -> bool {
        match self {
            Self::Server(server) => server.is_beside(),
            Self::Clock(_) | Self::Rtc(_) => false,
        }
    }

    /// Whether no request will be sent any more.
    pub(super) fn has_sent_all(&self, shared: &Shared) -> bool {
        match self {
            Self::Server(server) => server.has_sent_all(shared),
            Self::Clock(clock) => clock.has_sent_all(shared),
            Self::Rtc(clock) => clock.has_sent_all(shared),
        }
    }

    /// Whether nothing is awaited.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Server(server) => server.is_idle(),
            Self::Clock(_) | Self::Rtc(_) => true,
        }
    }

    /// When this source wants its next turn.
    pub(super) fn next_turn(&self, shared: &Shared, sending: bool) -> Option<Monotonic> {
        match self {
            Self::Server(server) => server.next_turn(shared, sending),
            Self::Clock(clock) => clock.next_turn(shared, sending),
            Self::Rtc(clock) => clock.next_turn(shared, sending),
        }
    }

    /// Gives it a turn. Returns whether more is waiting to be read.
    pub(super) fn take_turn(
        &mut self,
        now: Monotonic,
        sending: bool,
        shared: &mut Shared,
        sink: &mut dyn Sink,
    ) -> bool {
        match self {
            Self::Server(server) => server.take_turn(now, sending, shared, sink),
            Self::Clock(clock) => {
                clock.take_turn(now, sending, shared, sink);
                false
            }
            Self::Rtc(clock) => {
                clock.take_turn(now, sending, shared, sink);
                false
            }
        }
    }

    /// The run is over.
    pub(super) fn end(&mut self, now: Monotonic, shared: &mut Shared, sink: &mut dyn Sink) {
        match self {
            Self::Server(server) => server.end(now, shared, sink),
            Self::Clock(_) => {}
            Self::Rtc(clock) => clock.end(now, shared, sink),
        }
    }
}
