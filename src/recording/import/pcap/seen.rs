//! [`Seen`]: an NTP request or reply as the capture saw it.

use std::net::SocketAddr;

use super::container::Found;
use super::datagram::{Checksum, Datagram};
use super::link::Direction;
use super::report::Unused;
use crate::sample::Rejection;
use crate::time::{TimeDelta, Timestamp};
use crate::wire::{HEADER_LEN, Header, MAX_PACKET_LEN, Packet, PacketMode, ParseError, Version};

/// The port of NTP (RFC 5905 section 7.2).
const NTP_PORT: u16 = 123;

/// A request (mode 3) or a reply (mode 4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The clock of the capture, when the packet passed.
    pub(super) at: Timestamp,
    /// What that clock may have read beyond `at`.
    pub(super) error: TimeDelta,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// Whether one of the two ports says that it is NTP; else only its content looks like it.
    pub(super) by_port: bool,
    pub(super) header: Header,
    /// What is wrong behind the header, which a client would refuse the packet for.
    pub(super) flaw: Option<Rejection>,
    pub(super) trace: Trace,
}

/// What a packet shows of where it was captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) direction: Direction,
    /// Its TTL or hop limit.
    pub(super) hops: u8,
    /// Whether its checksum was still to be made.
    pub(super) unfinished: bool,
}

impl Seen {
    /// Reads a datagram as NTP: by port 123 at either end, or by its content, which has to be a whole
    /// request or reply of NTP 3 or 4.
    pub(super) fn read(
        found: &Found,
        direction: Direction,
        datagram: &Datagram<'_>,
    ) -> Result<Self, Unused> {
        let Datagram {
            source,
            destination,
            payload,
            length,
            hops,
            checksum,
        } = *datagram;
        let by_port = source.port() == NTP_PORT || destination.port() == NTP_PORT;
        let or_other = |unused| if by_port { unused } else { Unused::Other };
        if checksum == Checksum::Wrong {
            return Err(or_other(Unused::Checksum));
        }
        // Control messages, which may be shorter than a header, have the mode at the same place.
        let mode = payload.first().map(|first| first & 7);
        if matches!(mode, Some(6 | 7)) {
            return Err(or_other(Unused::Control));
        }
        let ended = if length < HEADER_LEN {
            Unused::Short
        } else {
            Unused::Cut
        };
        let header = payload
            .get(..HEADER_LEN)
            .and_then(|head| Packet::parse(head).ok())
            .ok_or(or_other(ended))?
            .header;
        match header.mode {
            PacketMode::Client | PacketMode::Server => {}
            PacketMode::SymmetricActive | PacketMode::SymmetricPassive => {
                return Err(or_other(Unused::Symmetric));
            }
            PacketMode::Broadcast => return Err(or_other(Unused::Broadcast)),
            PacketMode::Control | PacketMode::Private => return Err(or_other(Unused::Control)),
            PacketMode::Reserved => return Err(or_other(Unused::Reserved)),
        }
        if !(1..=Version::V4.number()).contains(&header.version.number()) {
            return Err(or_other(Unused::Version));
        }
        let flaw = if payload.len() == length {
            Packet::parse(payload).err().map(ParseError::rejection)
        } else {
            // Of a packet that was cut there is only the header to judge.
            (length > MAX_PACKET_LEN).then_some(Rejection::Oversized)
        };
        if !by_port && (flaw.is_some() || header.version < Version::V3) {
            return Err(Unused::Other);
        }
        Ok(Self {
            at: found.at,
            error: found.error,
            from: source,
            to: destination,
            by_port,
            header,
            flaw,
            trace: Trace {
                direction,
                hops,
                unfinished: checksum == Checksum::Unfinished,
            },
        })
    }

    pub(super) fn is_request(&self) -> bool {
        self.header.mode == PacketMode::Client
    }
}
