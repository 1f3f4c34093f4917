//! Packet captures (pcap, pcapng): NTP between any clients and servers, as it passed one point of the
//! network.
//!
//! [`Capture`] reads what tcpdump and its like write and tells it as events, each exchange measured
//! against one clock: that which stamped the capture, at the client, at the server or on the path in
//! between. No capture says which clock that was or where; what the packets show of it is part of
//! [`Note::Imported`](crate::sample::Note::Imported).
//!
//! ```text
//! container: classic.rs, ng.rs --frame--> link.rs, datagram.rs --UDP payload--> seen.rs
//!     --request or reply--> sorted.rs --in order of time--> pairing.rs, source.rs --> samples
//! ```
//!
//! T1 is the stamp of the request and T4 that of its reply, both by the capture's clock, and T2 and T3
//! the server's: so `[T3 - T4, T2 - T1]` holds the server's clock minus the capture's, provided that
//! the point of capture lies on the path of both packets. A mirror port that delays what it copies
//! does not: requests are then stamped late.
//!
//! ```
//! use clockfit::recording::import::pcap::Capture;
//! use clockfit::sample::Campaign;
//! use std::{fs::File, io::BufReader};
//!
//! let name = "tests/data/import/pcap/basic.pcap";
//! let capture = Capture::open(BufReader::new(File::open(name)?), name)?;
//! let mut campaign = Campaign::new(capture.header().clone());
//! let report = capture.read_into(&mut campaign)?;
//! assert_eq!(campaign.sources[0].info.address, "10.77.0.3");
//! assert!(report.is_whole());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(clippy::indexing_slicing)]

mod bytes;
mod capture;
mod classic;
mod container;
mod datagram;
mod error;
mod exchange;
mod input;
mod link;
mod ng;
mod order;
mod pairing;
mod place;
mod report;
mod resolution;
mod seen;
mod sorted;
mod source;
#[cfg(test)]
mod tests;

pub use capture::{Capture, claims};
pub use error::CaptureError;
pub use report::{CaptureReport, Unused};
