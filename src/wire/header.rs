//! [`Header`]: the 48 bytes that every NTP packet begins with.

use super::timestamp::{NtpShort, NtpTimestamp, Rounding};
use super::{KissCode, ParseError};
use crate::sample::{Leap, ReferenceId, ReferenceTime, ServerInfo};
use crate::time::Timestamp;

/// Bytes of the header (RFC 5905 figure 8, up to and including the transmit timestamp).
pub const HEADER_LEN: usize = 48;

/// What a packet is for: the three mode bits (RFC 5905 figure 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PacketMode {
    /// 0: reserved.
    Reserved,
    /// 1: from a peer that keeps an association.
    SymmetricActive,
    /// 2: a peer's answer without an association.
    SymmetricPassive,
    /// 3: a client's request.
    #[default]
    Client,
    /// 4: a server's reply.
    Server,
    /// 5: to everyone who listens.
    Broadcast,
    /// 6: control messages, which have another layout behind the first byte (RFC 9327).
    Control,
    /// 7: private use.
    Private,
}

impl PacketMode {
    const fn from_bits(bits: u8) -> Self {
        match bits & 7 {
            0 => Self::Reserved,
            1 => Self::SymmetricActive,
            2 => Self::SymmetricPassive,
            3 => Self::Client,
            4 => Self::Server,
            5 => Self::Broadcast,
            6 => Self::Control,
            _ => Self::Private,
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Reserved => 0,
            Self::SymmetricActive => 1,
            Self::SymmetricPassive => 2,
            Self::Client => 3,
            Self::Server => 4,
            Self::Broadcast => 5,
            Self::Control => 6,
            Self::Private => 7,
        }
    }
}

/// The protocol version, 0 to 7: three bits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8);

impl Version {
    /// RFC 1305.
    pub const V3: Self = Self(3);
    /// RFC 5905, the version this program asks with.
    pub const V4: Self = Self(4);

    /// Version `number`, or `None` where it does not fit into three bits.
    pub const fn new(number: u8) -> Option<Self> {
        if number < 8 { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::V4
    }
}

/// The 48-byte header (RFC 5905 figure 8), field by field, every bit of it: what was parsed is
/// written back unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Announced leap second, or "not synchronised".
    pub leap: Leap,
    /// Protocol version.
    pub version: Version,
    /// What the packet is for.
    pub mode: PacketMode,
    /// Hops to a reference clock; 0 marks a kiss code, 16 and above are not synchronised.
    pub stratum: u8,
    /// log2 of the seconds between requests; a server echoes the client's.
    pub poll: i8,
    /// log2 of the seconds that the sender's clock resolves.
    pub precision: i8,
    /// Delay from the sender to its reference clock and back.
    pub root_delay: NtpShort,
    /// The sender's bound of its error to the reference clock, without the delay.
    pub root_dispersion: NtpShort,
    /// What the sender follows, or a kiss code.
    pub reference_id: ReferenceId,
    /// When the sender's clock was last set or corrected.
    pub reference: NtpTimestamp,
    /// In a reply: the request's transmit field, or its receive field if the reply is interleaved
    /// (RFC 9769 section 2). In an interleaved request: T2 of the last reply.
    pub origin: NtpTimestamp,
    /// In a reply: when the request arrived, T2. In an interleaved request: a random number.
    pub receive: NtpTimestamp,
    /// In a reply: when it left, T3, or when the reply before it left if this one is interleaved.
    /// In a request: a random number.
    pub transmit: NtpTimestamp,
}

impl Header {
    /// A client's request that tells nothing about the client: version 4, mode 3, the rest zero,
    /// and `nonce` (64 random bits) where its own time would stand. A reply must return the nonce
    /// as its origin, which nobody off the path can guess (draft-ietf-ntp-data-minimization).
    pub const fn client_request(nonce: u64) -> Self {
        Self {
            leap: Leap::None,
            version: Version::V4,
            mode: PacketMode::Client,
            stratum: 0,
            poll: 0,
            precision: 0,
            root_delay: NtpShort(0),
            root_dispersion: NtpShort(0),
            reference_id: ReferenceId([0; 4]),
            reference: NtpTimestamp::ZERO,
            origin: NtpTimestamp::ZERO,
            receive: NtpTimestamp::ZERO,
            transmit: NtpTimestamp(nonce),
        }
    }

    /// A request for an interleaved reply (RFC 9769 section 2): `origin` is T2 as the last reply
    /// gave it, and says which exchange's T3 is wanted.
    ///
    /// An interleaved reply returns the receive field, a basic one the transmit field. They must
    /// differ, and be as hard to guess as each other: one is the other's complement.
    pub const fn interleaved_request(nonce: u64, origin: NtpTimestamp) -> Self {
        Self {
            origin,
            receive: NtpTimestamp(!nonce),
            ..Self::client_request(nonce)
        }
    }

    /// Reads the first 48 of `bytes` and returns them with what follows.
    pub(super) fn split_from(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let too_short = ParseError::TooShort {
            length: bytes.len(),
        };
        let (head, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(too_short)?;
        Self::from_bytes(head).map_or(Err(too_short), |header| Ok((header, rest)))
    }

    /// The fields of a header; `None` cannot happen, as 48 bytes are twelve words.
    fn from_bytes(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let &[
            [flags, stratum, poll, precision],
            root_delay,
            root_dispersion,
            reference_id,
            reference_hi,
            reference_lo,
            origin_hi,
            origin_lo,
            receive_hi,
            receive_lo,
            transmit_hi,
            transmit_lo,
        ] = bytes.as_chunks::<4>().0
        else {
            return None;
        };
        Some(Self {
            leap: Leap::from_bits(flags >> 6),
            version: Version(flags >> 3 & 7),
            mode: PacketMode::from_bits(flags),
            stratum,
            poll: poll.cast_signed(),
            precision: precision.cast_signed(),
            root_delay: NtpShort(u32::from_be_bytes(root_delay)),
            root_dispersion: NtpShort(u32::from_be_bytes(root_dispersion)),
            reference_id: ReferenceId(reference_id),
            reference: NtpTimestamp::from_words(reference_hi, reference_lo),
            origin: NtpTimestamp::from_words(origin_hi, origin_lo),
            receive: NtpTimestamp::from_words(receive_hi, receive_lo),
            transmit: NtpTimestamp::from_words(transmit_hi, transmit_lo),
        })
    }

    /// The 48 bytes on the wire.
    ///
    /// ```
    /// use clockfit::wire::Header;
    /// let bytes = Header::client_request(u64::MAX).to_bytes();
    /// assert_eq!(bytes[0], 0x23); // leap 0, version 4, mode 3
    /// assert_eq!(bytes[1..40], [0; 39]);
    /// assert_eq!(bytes[40..], [0xff; 8]);
    /// ```
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let flags = self.leap.bits() << 6 | self.version.0 << 3 | self.mode.bits();
        let (reference_hi, reference_lo) = self.reference.to_words();
        let (origin_hi, origin_lo) = self.origin.to_words();
        let (receive_hi, receive_lo) = self.receive.to_words();
        let (transmit_hi, transmit_lo) = self.transmit.to_words();
        let words: [[u8; 4]; HEADER_LEN / 4] = [
            [
                flags,
                self.stratum,
                self.poll.cast_unsigned(),
                self.precision.cast_unsigned(),
            ],
            self.root_delay.0.to_be_bytes(),
            self.root_dispersion.0.to_be_bytes(),
            self.reference_id.0,
            reference_hi,
            reference_lo,
            origin_hi,
            origin_lo,
            receive_hi,
            receive_lo,
            transmit_hi,
            transmit_lo,
        ];
        let mut bytes = [0; HEADER_LEN];
        bytes.copy_from_slice(words.as_flattened());
        bytes
    }

    /// [`server_stamps`] of a basic reply, whose T2 and T3 are of one exchange.
    pub fn server_stamps(&self, pivot: Timestamp) -> Option<(Timestamp, Timestamp)> {
        server_stamps(self.receive, self.transmit, pivot)
    }

    /// What the sender says about itself, root delay and dispersion rounded up.
    pub fn server_info(&self) -> ServerInfo {
        ServerInfo {
            leap: self.leap,
            stratum: self.stratum,
            precision: self.precision,
            root_delay: self.root_delay.to_delta(),
            root_dispersion: self.root_dispersion.to_delta(),
            reference_id: self.reference_id,
            reference_time: ReferenceTime::telling(self.reference.0),
        }
    }

    /// The kiss code, if this is one: stratum 0, and a reference id of one to four printing ASCII
    /// characters, padded with zero bytes. A server that has no clock yet may send stratum 0 with
    /// an empty reference id; that is no code, only "not synchronised".
    pub fn kiss_code(&self) -> Option<KissCode> {
        let padding = self.reference_id.0.iter().rev().take_while(|b| **b == 0);
        let length = 4 - padding.count();
        let mut text = self.reference_id.0.iter().take(length);
        let spells = length > 0 && text.all(u8::is_ascii_graphic);
        (self.stratum == 0 && spells).then(|| KissCode::from_reference_id(self.reference_id))
    }
}

/// T2 rounded up and T3 rounded down to whole nanoseconds, in the era next to `pivot` (T1, or any
/// local time within 68 years of the server's). Outward on both sides, so that a bound made of them
/// stays a bound.
///
/// `None` where one of them does not fit into `i64` nanoseconds:
/// [`Rejection::TimeOutOfRange`](crate::sample::Rejection::TimeOutOfRange).
pub fn server_stamps(
    receive: NtpTimestamp,
    transmit: NtpTimestamp,
    pivot: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let t2 = receive.to_timestamp(pivot, Rounding::Up)?;
    let t3 = transmit.to_timestamp(pivot, Rounding::Down)?;
    Some((t2, t3))
}
