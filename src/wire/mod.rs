//! NTP on the wire: bytes to values and back, without I/O.
//!
//! Floor 2. Every input is either a [`Packet`] or a named [`ParseError`]; nothing panics, and
//! nothing is allocated on the word of a packet. What is accepted is written back byte for byte.
//!
//! This is the only room that knows NTP's own fixed-point times. The server's two stamps leave it
//! as whole nanoseconds, T2 rounded up and T3 down ([`server_stamps`]), so that
//! `[T3 - T4, T2 - T1]` still holds the true offset.
//!
//! ```
//! use clockfit::time::Timestamp;
//! use clockfit::wire::{Header, NtpTimestamp, Packet, PacketMode, Rounding};
//!
//! let request = Header::client_request(0x0123_4567_89ab_cdef).to_bytes();
//! let packet = Packet::parse(&request)?;
//! assert_eq!(packet.header.mode, PacketMode::Client);
//! assert_eq!(packet.header.transmit, NtpTimestamp(0x0123_4567_89ab_cdef));
//!
//! let now = Timestamp::from_nanos(1_763_832_000_123_456_789);
//! let sent = NtpTimestamp::from_timestamp(now, Rounding::Down);
//! assert_eq!(sent.to_timestamp(now, Rounding::Up), Some(now));
//! # Ok::<(), clockfit::wire::ParseError>(())
//! ```

#![deny(clippy::indexing_slicing)]

mod control;
mod header;
mod kiss;
mod nts;
mod packet;
mod timestamp;

#[cfg(test)]
mod tests;

pub use control::{
    CONTROL_HEADER_LEN, ControlAnswer, ControlAnswers, ControlError, ControlOpcode, ControlRequest,
    ControlSelection, control_associations, control_variable,
};
pub use header::{HEADER_LEN, Header, PacketMode, Version, server_stamps};
pub use kiss::KissCode;
pub use nts::{NTS_PORT, NTS_PROTOCOL, NtsAgreement, NtsRefusal, nts_request};
pub use packet::{Extension, Extensions, MAX_PACKET_LEN, Packet, ParseError};
pub use timestamp::{NtpShort, NtpTimestamp, Rounding};
