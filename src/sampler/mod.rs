//! The sampling loop: joins [`association`](crate::association) and [`net`](crate::net), and tells
//! what happens as [`Event`](crate::sample::Event)s.
//!
//! Floor 4. From one server to ten thousand in one thread: one connected socket each, a heap of
//! wake-up times, and two ways to learn of arrivals. With few servers the loop waits for their
//! sockets; with many it does not watch them at all, and looks into each socket's queues when it is
//! that server's turn anyway. Late collection costs nothing where the kernel stamps.

mod clock;
mod driver;
mod hardware;
mod ntp;
pub mod pacing;
mod rsntp;
mod rtc;
mod source;
mod standing;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub use driver::{Outcome, Ready, prepare};
pub use hardware::Hardware;
pub use pacing::Pace;

pub use crate::association::ModePolicy;

use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng};

use crate::net::hardware::HardwareError;
use crate::net::{DescriptorShortage, Stamping};
use crate::sample::SourceInfo;
use crate::time::TimeDelta;

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// An NTP server; requests go here.
    Server(SocketAddr),
    /// A PTP hardware clock of this host.
    Phc {
        /// Its device.
        device: PathBuf,
        /// How far its time scale is ahead of UTC: TAI - UTC, or nothing.
        ahead: TimeDelta,
    },
    /// The device of a real-time clock of this host, which is taken to keep UTC.
    Rtc(PathBuf),
}

/// One address or clock to measure.
#[derive(Clone, Debug)]
pub struct Target {
    /// How it is named in events.
    pub info: Arc<SourceInfo>,
    /// Where it is.
    pub endpoint: Endpoint,
    /// How often.
    pub pace: Pace,
    /// Basic or interleaved requests.
    pub mode: ModePolicy,
    /// When.
    pub phase: Phase,
}

/// The part of a run in which a target is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// How long after the start of the run the first request may leave.
    pub from: TimeDelta,
    /// How long after its first request one may leave. A target with a length of its own stands
    /// beside those that were asked for: the plan's `count`, `duration` and `cross_check` are not
    /// for it. Absent: as the plan says.
    pub length: Option<TimeDelta>,
}

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The addresses, in the order in which their events are numbered: earlier phases first.
    pub targets: Vec<Target>,
    /// Requests to each address; without a limit until `duration` is over.
    pub count: Option<u64>,
    /// How long requests are sent to those that were asked for, from the start of the run; without a limit
    /// until `count` is reached.
    pub duration: Option<TimeDelta>,
    /// How long an answer is waited for.
    pub timeout: TimeDelta,
    /// Who stamps, where no card does.
    pub stamping: Stamping,
    /// Whether and how cards may stamp too.
    pub hardware: Option<Hardware>,
    /// Interface to send from.
    pub interface: Option<String>,
    /// Seed of the pacing.
    pub seed: u64,
    /// Whether an independent implementation asks each server too.
    pub cross_check: bool,
}

impl Plan {
    /// How long the run takes, with those that stand beside what was asked for; without a limit where that is so.
    pub fn whole(&self) -> Option<TimeDelta> {
        let beside = self.targets.iter().map(|of| of.phase);
        let ends = beside.filter_map(|of| Some(of.from + of.length?));
        Some(self.duration?.max(ends.max().unwrap_or_default()))
    }
}

/// Why nothing could be measured at all. What befalls a single server is an event instead.
#[derive(Debug, thiserror::Error)]
pub enum SamplerError {
    /// Too few file descriptors.
    #[error(transparent)]
    Descriptors(#[from] DescriptorShortage),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// A network card cannot be set to stamp, though that was asked for.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// The system cannot wait for sockets.
    #[error("waiting for sockets failed: {0}")]
    Wait(#[from] std::io::Error),
}

/// What makes a run unlike any other: drawn from the system's generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// 32 hexadecimal digits.
    pub run_id: String,
    /// A seed for the pacing. JSON readers keep whole numbers exact up to 2^53.
    pub seed: u64,
}

impl Identity {
    /// Draws a new one.
    ///
    /// # Errors
    ///
    /// Where the system has no random numbers.
    pub fn new() -> Result<Self, SamplerError> {
        let mut rng =
            StdRng::try_from_rng(&mut SysRng).map_err(|e| SamplerError::Random(e.to_string()))?;
        Ok(Self {
            run_id: format!("{:032x}", rng.random::<u128>()),
            seed: rng.random::<u64>() >> 11,
        })
    }
}
