//! [`KissCode`]: what a server says instead of the time.

use crate::sample::{ReferenceId, Rejection};

/// The code in the reference id of a stratum 0 packet (RFC 5905 section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KissCode {
    /// RATE: ask less often.
    Rate,
    /// DENY: do not ask again.
    Deny,
    /// RSTR: do not ask again, by local policy.
    Restrict,
    /// Any other four characters; RFC 5905 wants them ignored.
    Other(ReferenceId),
}

impl KissCode {
    /// The code that these four bytes spell. Only stratum 0 makes them a code:
    /// [`Header::kiss_code`](super::Header::kiss_code) looks at both.
    pub const fn from_reference_id(id: ReferenceId) -> Self {
        match &id.0 {
            b"RATE" => Self::Rate,
            b"DENY" => Self::Deny,
            b"RSTR" => Self::Restrict,
            _ => Self::Other(id),
        }
    }

    /// The name under which the packet is counted.
    pub const fn rejection(self) -> Rejection {
        match self {
            Self::Rate => Rejection::KissRate,
            Self::Deny => Rejection::KissDeny,
            Self::Restrict => Rejection::KissRestrict,
            Self::Other(_) => Rejection::KissOther,
        }
    }
}
