//! The command as a user runs it, against servers that misbehave in every way a network can show.
//!
//! Everything stays on loopback, at ports the system gives, and every command is bounded in time.
//! Each measurement that goes through [`support::measure`] is also recorded and replayed: the replay
//! must give the same bytes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows test functions, not the helpers between them"
)]

mod support;

mod analyse;
mod answers;
mod check;
mod columns;
mod compare;
mod discover;
mod embedded;
mod flood;
mod floor;
mod kisses;
mod limits;
mod nic;
mod output;
mod provider;
mod quorum;
mod reach;
mod recording;
mod report;
mod scs;
mod services;
mod signals;
mod times;
mod usage;
