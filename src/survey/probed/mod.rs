//! What is found by asking the network, on demand alone: DHCP servers, and the platform that a guest runs on.
//!
//! What answers is data from outside: it is bounded in time and in number, and what is no answer to what was asked is
//! passed over.

mod dhcp;
mod inform;
mod metadata;

pub use dhcp::NoInterface;
pub(super) use dhcp::ask as ask_dhcp;
pub use inform::{Question, Reply};
pub(super) use metadata::ask as ask_metadata;

/// What came of asking, beside offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeFinding {
    /// Whoever runs this may not ask.
    NotAllowed,
    /// There is no interface to ask over.
    NobodyToAsk,
    /// It failed: where, and why.
    Failed(String, String),
    /// Nobody answered, over these interfaces.
    NoAnswer(Vec<String>),
    /// Who answers, over which interface, and names no time server.
    NamesNone(String, String),
    /// No metadata service answers: at which address, and why.
    NoMetadata(String, String),
    /// Which platform this is, and what says so.
    Platform(String, String),
    /// An answer of the platform that could not be used: whose, and why.
    Metadata(String, String),
}
