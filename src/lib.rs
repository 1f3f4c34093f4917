//! clockfit measures how far this host's clock is from its time servers, how offset and delay are
//! distributed, and how sure that is. It only observes: nothing here can set, step or slew a clock.
//!
//! # One sign, one unit
//!
//! `offset = server - local`: a positive offset means that the local clock is behind. Every time
//! and every difference of times is a whole number of nanoseconds in an `i64`, from the moment a
//! packet is parsed ([`wire`] rounds T2 up and T3 down, so that a bound stays a bound).
//!
//! # The house
//!
//! The folders of `src/` are floors; a module imports only from lower ones, and data flows one way:
//!
//! ```text
//! kernel --Datagram, Stamp--> association --Exchange--> sampler --Event--> recording
//!                                                                             | (a file; replay enters here)
//!        cli <--text, JSON-- report <--Judged-- fitness <--Assessment-- estimate <--Campaign
//! ```
//!
//! | floor | rooms |
//! |---|---|
//! | 0 | [`time`], [`stats`] |
//! | 1 | [`sample`] |
//! | 2 | [`wire`], [`net`] |
//! | 3 | [`association`], [`responder`], [`watch`] |
//! | 4 | [`sampler`], [`server`], [`sim`], [`recording`], [`survey`], [`audit`] |
//! | 5 | [`estimate`] |
//! | 6 | [`fitness`] |
//! | 7 | [`report`] |
//! | 8 | [`cli`] |
//!
//! `tests/layers.rs` holds this table and fails when an import points up.

pub mod association;
pub mod audit;
pub mod cli;
pub mod estimate;
pub mod fitness;
pub mod net;
pub mod recording;
pub mod report;
pub mod responder;
pub mod sample;
pub mod sampler;
pub mod server;
pub mod sim;
pub mod stats;
pub mod survey;
pub mod time;
pub mod watch;
pub mod wire;
