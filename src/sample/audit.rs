//! [`Audited`]: what a server did when it was asked as no client asks that wants the time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a server did when it was asked as no client asks that wants the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// How many routers an answer of it could still have passed (time to live of IPv4, hop limit of IPv6); absent where
    /// there was none.
    pub ttl: Option<u8>,
    /// How it answered packets that are no request for the time; empty where it was not asked.
    pub odd: Vec<OddAnswer>,
    /// Whether it offers Network Time Security.
    pub nts: Nts,
}

/// How it answered one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OddAnswer {
    /// Which.
    pub question: OddQuestion,
    /// Bytes of the packet, without headers of UDP and IP.
    pub asked: u64,
    /// Datagrams that came back, up to a thousand.
    pub packets: u32,
    /// Their bytes, likewise.
    pub answered: u64,
}

/// A packet that is no ordinary request.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OddQuestion {
    /// Mode 6: read the variables of the server (RFC 9327, READVAR).
    Control,
    /// Mode 7 of ntpd: list whoever asked lately (`monlist`).
    Private,
    /// A request with an authenticator of a key that the server cannot know (RFC 5905 section 7.3).
    UnknownKey,
    /// A request with a long extension field of a type that nobody has given out (RFC 7822).
    Extension,
    /// A request of version 1, which has no modes.
    FirstVersion,
    /// A packet of a peer (mode 1).
    SymmetricActive,
    /// A broadcast (mode 5).
    Broadcast,
    /// A request that lacks its last byte.
    CutOff,
}

impl OddQuestion {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Control,
        Self::Private,
        Self::UnknownKey,
        Self::Extension,
        Self::FirstVersion,
        Self::SymmetricActive,
        Self::Broadcast,
        Self::CutOff,
    ];

    /// As a person calls it.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Control => "a query of mode 6 (read variables)",
            Self::Private => "a query of mode 7 (monlist)",
            Self::UnknownKey => "a request with an unknown key",
            Self::Extension => "a request with an unknown extension field",
            Self::FirstVersion => "a request of version 1",
            Self::SymmetricActive => "a packet of a peer (mode 1)",
            Self::Broadcast => "a broadcast (mode 5)",
            Self::CutOff => "a request that is cut off",
        }
    }

    /// Whether nobody but the server's own administrators should have an answer, however short.
    pub const fn should_be_silent(self) -> bool {
        matches!(self, Self::Control | Self::Private)
    }
}

/// Whether a server offers Network Time Security (RFC 8915).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nts {
    /// Nobody looked.
    #[default]
    NotAsked,
    /// It gave keys. Whether a client would take them from it is not said: its certificate was not judged.
    Offered,
    /// It does not, or what answers is something else: why.
    NotOffered(String),
}
