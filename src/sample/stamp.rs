//! [`Stamp`]: an instant, where it was taken, and how wrong it may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{Monotonic, TimeDelta, Timestamp};

/// Where a packet met the clock.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StampSource {
    /// The network card's own clock, at the wire.
    Hardware,
    /// The kernel: just before the driver on the way out, in the receive interrupt on the way in.
    Kernel,
    /// This program, around its system calls. On a busy host that is milliseconds late.
    User,
}

impl StampSource {
    /// Every source, best first.
    pub const ALL: [Self; 3] = [Self::Hardware, Self::Kernel, Self::User];

    /// One letter: `H`, `K`, `U`.
    pub const fn letter(self) -> char {
        match self {
            Self::Hardware => 'H',
            Self::Kernel => 'K',
            Self::User => 'U',
        }
    }

    /// The source that [`letter`](Self::letter) names.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.letter() == letter)
    }

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hardware => "hardware",
            Self::Kernel => "kernel",
            Self::User => "user",
        }
    }
}

/// One reading of the local clock for one packet.
///
/// `error` is what the reading itself may be off by (the clock's resolution, or for hardware the
/// conversion to the system clock). Being early on the way out or late on the way in is not part
/// of it: that only widens delay, and the interval [`Exchange::interval`](super::Exchange::interval)
/// holds the truth all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The local clock when the packet passed.
    pub at: Timestamp,
    /// Who read it.
    pub source: StampSource,
    /// The most the reading may be off by, either way.
    pub error: TimeDelta,
}

/// The wall clock and the unsteered counter, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock (CLOCK_REALTIME).
    pub wall: Timestamp,
    /// The unsteered counter at that moment.
    pub counter: Monotonic,
    /// What `counter` may be off by: half of the time between the two counter readings that
    /// enclose the wall clock's, rounded up.
    pub error: TimeDelta,
}
