//! [`ServerInfo`]: what a server says about itself in each reply.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ReferenceTime;
use crate::time::TimeDelta;

/// The leap indicator (RFC 5905 figure 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Leap {
    /// No leap second is announced.
    None,
    /// The last minute of the day will have 61 seconds.
    Insert,
    /// The last minute of the day will have 59 seconds.
    Delete,
    /// The server's clock was never synchronised.
    Unsynchronised,
}

impl Leap {
    /// The two bits on the wire; higher bits are ignored.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::None,
            1 => Self::Insert,
            2 => Self::Delete,
            _ => Self::Unsynchronised,
        }
    }

    /// The two bits on the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Insert => 1,
            Self::Delete => 2,
            Self::Unsynchronised => 3,
        }
    }

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Insert => "insert",
            Self::Delete => "delete",
            Self::Unsynchronised => "unsynchronised",
        }
    }
}

/// The four bytes that name a server's own reference; what they mean depends on the stratum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReferenceId(pub [u8; 4]);

impl ReferenceId {
    /// As a person reads it (RFC 5905 section 7.3): at stratum 0 and 1 up to four ASCII characters
    /// (a kiss code, or the kind of clock), above that the IPv4 address of the server's own server
    /// or, for IPv6, the first four bytes of a hash, shown in the same dotted form. Bytes that are
    /// no text at stratum 0 or 1 are shown dotted too: servers on their own clock send 127.127.1.1.
    pub fn describe(self, stratum: u8) -> String {
        let end = self
            .0
            .iter()
            .rposition(|&b| b != 0)
            .map_or(0, |last| last + 1);
        let text = self.0.get(..end).unwrap_or(&self.0);
        if stratum <= 1 && text.iter().all(u8::is_ascii_graphic) {
            return text.iter().copied().map(char::from).collect();
        }
        Ipv4Addr::from(self.0).to_string()
    }
}

impl fmt::Display for ReferenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// Text that is no reference id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refid: expected eight hexadecimal digits")]
pub struct NoReferenceId;

impl FromStr for ReferenceId {
    type Err = NoReferenceId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let word = u32::from_str_radix(text, 16).ok().filter(|_| is_hex);
        word.map(|word| Self(word.to_be_bytes()))
            .ok_or(NoReferenceId)
    }
}

/// The header fields of a reply that describe the server rather than the exchange. They are kept
/// only when they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// Whether a leap second is announced, or the clock is not synchronised.
    pub leap: Leap,
    /// Distance from a reference clock in hops: 1 has one of its own.
    pub stratum: u8,
    /// log2 of the seconds its clock resolves, by its own word.
    pub precision: i8,
    /// Delay from the server to its reference clock, rounded up.
    pub root_delay: TimeDelta,
    /// The server's own bound of its error to its reference, without the delay; rounded up.
    pub root_dispersion: TimeDelta,
    /// What it follows.
    pub reference_id: ReferenceId,
    /// When its clock was last corrected, where that tells it from other servers.
    pub reference_time: Option<ReferenceTime>,
}

impl ServerInfo {
    /// 2^precision, rounded up to whole nanoseconds: what one reading of the server's clock may be
    /// off by (RFC 5905 section 7.3). Never below one nanosecond, the unit of all stamps here.
    ///
    /// ```
    /// # use clockfit::sample::{Leap, ReferenceId, ServerInfo};
    /// # use clockfit::time::TimeDelta;
    /// # let info = |precision| ServerInfo { leap: Leap::None, stratum: 1, precision,
    /// #     root_delay: TimeDelta::ZERO, root_dispersion: TimeDelta::ZERO,
    /// #     reference_id: ReferenceId::default(), reference_time: None };
    /// assert_eq!(info(-20).precision_error(), TimeDelta::from_nanos(954));
    /// assert_eq!(info(-32).precision_error(), TimeDelta::NANOSECOND);
    /// assert_eq!(info(127).precision_error(), TimeDelta::MAX);
    /// ```
    pub fn precision_error(&self) -> TimeDelta {
        const NANOS: u64 = 1_000_000_000;
        if self.precision > 0 {
            let seconds = 1i64.checked_shl(u32::from(self.precision.unsigned_abs()));
            return TimeDelta::from_secs(seconds.filter(|s| *s > 0).unwrap_or(i64::MAX));
        }
        let divisor = 1u64.checked_shl(u32::from(self.precision.unsigned_abs()));
        let nanos = divisor.map_or(1, |d| NANOS.div_ceil(d));
        TimeDelta::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// root delay / 2 + root dispersion, rounded up: how far the server's clock may be from UTC by
    /// its own word (RFC 5905 appendix A.5.5.2, without the client's own share).
    pub fn root_distance(&self) -> TimeDelta {
        let half = TimeDelta::from_nanos(self.root_delay.as_nanos().div_euclid(2));
        let odd = TimeDelta::from_nanos(self.root_delay.as_nanos().rem_euclid(2));
        half + odd + self.root_dispersion
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_id_is_read_by_stratum_and_never_drives_a_terminal() {
        assert_eq!(ReferenceId(*b"GPS\0").describe(1), "GPS");
        assert_eq!(ReferenceId(*b"RATE").describe(0), "RATE");
        assert_eq!(ReferenceId([10, 77, 0, 2]).describe(2), "10.77.0.2");
        assert_eq!(ReferenceId([127, 127, 1, 1]).describe(1), "127.127.1.1");
        let escape = ReferenceId([0x1b, b'[', b'2', b'J']);
        assert_eq!(escape.describe(1), "27.91.50.74");
        assert_eq!(ReferenceId([0; 4]).describe(1), "");
    }

    #[test]
    fn root_distance_is_rounded_up() {
        let info = |root_delay, root_dispersion| ServerInfo {
            leap: Leap::None,
            stratum: 2,
            precision: -20,
            root_delay: TimeDelta::from_nanos(root_delay),
            root_dispersion: TimeDelta::from_nanos(root_dispersion),
            reference_id: ReferenceId::default(),
            reference_time: None,
        };
        assert_eq!(info(4, 10).root_distance(), TimeDelta::from_nanos(12));
        assert_eq!(info(5, 10).root_distance(), TimeDelta::from_nanos(13));
    }

    #[test]
    fn leap_bits_round_trip() {
        for bits in 0..4 {
            assert_eq!(Leap::from_bits(bits).bits(), bits);
        }
    }
}
