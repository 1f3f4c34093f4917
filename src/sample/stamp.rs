//! [`Stamp`]: an instant, where it was taken, and how wrong it may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{Frequency, Monotonic, TimeDelta, Timestamp};

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
    /// Another program, or a capture: a recording was imported, and says who, or does not.
    Foreign,
}

impl StampSource {
    /// Every source, best first.
    pub const ALL: [Self; 4] = [Self::Hardware, Self::Kernel, Self::User, Self::Foreign];

    /// One letter: `H`, `K`, `U`, `F`.
    pub const fn letter(self) -> char {
        match self {
            Self::Hardware => 'H',
            Self::Kernel => 'K',
            Self::User => 'U',
            Self::Foreign => 'F',
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
            Self::Foreign => "foreign",
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

/// The most a kernel steers its clock's frequency by (MAXFREQ of the NTP kernel discipline, 500 ppm;
/// Linux `include/linux/timex.h`). What moves faster was stepped, or slewed by other means.
pub const MAX_STEERING: Frequency = Frequency::from_ppm(500);

/// Moves of the clock below this are no steps to speak of: servers that answer in basic mode err by
/// about as much (1 us), and nobody steps a clock by so little.
pub const LEAST_STEP: TimeDelta = TimeDelta::from_micros(1);

/// The wall clock and the unsteered counter, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock (CLOCK_REALTIME).
    pub wall: Timestamp,
    /// The unsteered counter at that moment.
    pub counter: Monotonic,
    /// What `counter` may be off by: half of the time between the two counter readings that
    /// enclose the wall clock's, rounded up.
    pub error: TimeDelta,
}

impl Reading {
    /// How far the wall clock moved against the counter since an `earlier` reading, positive forward,
    /// where that is more than steering and the errors of both readings explain.
    ///
    /// ```
    /// use clockfit::sample::Reading;
    /// use clockfit::time::{TimeDelta, Timestamp};
    /// let later = |reading: Reading, wall, counter| Reading {
    ///     wall: reading.wall + TimeDelta::from_micros(wall),
    ///     counter: reading.counter + TimeDelta::from_micros(counter),
    ///     ..reading
    /// };
    /// let first = Reading::default();
    /// assert_eq!(later(first, 10_005, 10_000).stepped_since(&first), None);
    /// let step = later(first, 10_007, 10_000).stepped_since(&first);
    /// assert_eq!(step, Some(TimeDelta::from_micros(7)));
    /// ```
    pub fn stepped_since(&self, earlier: &Self) -> Option<TimeDelta> {
        let elapsed = self.counter.since(earlier.counter);
        let moved = self.wall.since(earlier.wall) - elapsed;
        let steered = MAX_STEERING.gained_over(elapsed.abs());
        let explained = steered + self.error + earlier.error + LEAST_STEP;
        (moved.abs() > explained).then_some(moved)
    }
}
