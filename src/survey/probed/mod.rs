//! What is found by asking the network, on demand alone: DHCP servers.
//!
//! What answers is data from outside: it is bounded in time and in number, and what is no answer to what was asked is
//! passed over.

mod dhcp;
mod inform;

pub use dhcp::NoInterface;
pub(super) use dhcp::ask as ask_dhcp;
pub use inform::{Question, Reply};

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
}
