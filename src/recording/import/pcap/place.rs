//! [`Place`]: where on the path a capture was made, by what its packets show.

use super::link::Direction;
use super::seen::Trace;

/// TTLs and hop limits that systems start with (Linux and BSD 64, Windows 128, network equipment 255,
/// older ones 32 and 60). A packet with one of these may just have left its host.
const INITIAL_HOPS: [u8; 5] = [32, 60, 64, 128, 255];

/// Where one exchange passed the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the client's host, by the direction of both packets.
    Client,
    /// On the server's host, by the direction of both packets.
    Server,
    /// Not on the server's host: a router has passed the reply on.
    Routed,
    /// Perhaps on the server's host, perhaps not.
    Unknown,
}

impl Place {
    pub(super) fn of(request: Trace, reply: Trace) -> Self {
        match (request.direction, reply.direction) {
            (Direction::Out, Direction::In) => Self::Client,
            (Direction::In, Direction::Out) => Self::Server,
            _ if !reply.is_initial() => Self::Routed,
            _ => Self::Unknown,
        }
    }

    /// Whether the server's own host may have made the capture.
    pub(super) fn may_be_the_server(self) -> bool {
        matches!(self, Self::Server | Self::Unknown)
    }
}

impl Trace {
    /// Whether it may be that no router has passed the packet on.
    fn is_initial(self) -> bool {
        INITIAL_HOPS.contains(&self.hops)
    }
}

/// What all exchanges of a capture show together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    exchanges: u64,
    at_client: u64,
    at_server: u64,
    /// Requests and replies that no router need have passed on.
    requests_initial: u64,
    replies_initial: u64,
    /// Requests and replies whose checksum was still to be made.
    requests_unfinished: u64,
    replies_unfinished: u64,
}

impl Evidence {
    pub(super) fn heed(&mut self, request: Trace, reply: Trace) {
        let place = Place::of(request, reply);
        self.exchanges += 1;
        self.at_client += u64::from(place == Place::Client);
        self.at_server += u64::from(place == Place::Server);
        self.requests_initial += u64::from(request.is_initial());
        self.replies_initial += u64::from(reply.is_initial());
        self.requests_unfinished += u64::from(request.unfinished);
        self.replies_unfinished += u64::from(reply.unfinished);
    }

    /// Where the capture was made, in words, and what says so.
    pub(super) fn describe(&self) -> &'static str {
        let all = |n| n == self.exchanges;
        let most = |n: u64| n.saturating_mul(2) > self.exchanges;
        let unfinished = (
            most(self.requests_unfinished),
            most(self.replies_unfinished),
        );
        match (self.requests_initial, self.replies_initial) {
            _ if self.exchanges == 0 => "captured at an unknown place: no exchange is complete",
            _ if all(self.at_client) => {
                "captured on the client's host, since requests went out and replies came in"
            }
            _ if all(self.at_server) => {
                "captured on the server's host, since requests came in and replies went out"
            }
            (requests, 0) if all(requests) => {
                "captured at the client or near it, since routers have passed on the replies alone"
            }
            (0, replies) if all(replies) => {
                "captured at the server or near it, since routers have passed on the requests alone"
            }
            (0, 0) => {
                "captured between client and server, since routers have passed on requests and replies"
            }
            (requests, replies) if all(requests) && all(replies) => match unfinished {
                (true, false) => {
                    "captured probably on the client's host, where the network card was yet to make \
                     the checksums of requests; no router is between it and the server"
                }
                (false, true) => {
                    "captured probably on the server's host, where the network card was yet to make \
                     the checksums of replies; no router is between it and the client"
                }
                _ => {
                    "captured at an unknown place on a path without a router: at the client, at the \
                     server or in between"
                }
            },
            _ => "captured at places on the path that differ from exchange to exchange",
        }
    }

    /// Whether some exchange may have been captured on the server's host, so that its error says so.
    pub(super) fn may_be_the_server(&self) -> bool {
        self.at_server > 0 || self.at_client < self.exchanges && self.replies_initial > 0
    }
}
