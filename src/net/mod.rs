//! The operating system's side: stamped sockets, control messages, clocks, waiting, names.
//!
//! Floor 2, without protocol knowledge. It is the only place that uses `libc`, `socket2`, `rustix`,
//! `rustls`, `mio` and `signal-hook`, and `sys.rs` the only one with `unsafe`. Kernel stamps exist on Linux;
//! other Unix systems build with user-space stamps. Building with `--cfg clockfit_portable` takes
//! that portable path on Linux too, so that it is checked where there is no other system.
#![deny(clippy::indexing_slicing)]

pub mod clock;
pub mod control;
pub mod hardware;
pub mod host;
pub mod http;
pub mod interfaces;
mod limits;
pub mod load;
pub mod local;
pub mod nic;
pub mod packets;
pub mod phc;
pub mod pipe;
mod poller;
pub mod program;
pub mod query;
pub mod resolve;
pub mod route;
pub mod rtc;
mod socket;
mod sys;
pub mod tap;
pub mod tls;
pub mod watch;

pub use limits::{DescriptorShortage, reserve_descriptors};
pub use poller::{Poller, Wake};
pub use socket::{
    Answers, ArmedStamps, CardStamp, Datagram, Outgoing, Rehearsal, Request, ServerSocket,
    SocketOptions, StampedSocket, Stamping, TransmitReport, Transmitted, ask_apart,
};
