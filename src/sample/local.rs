//! [`ClockReading`]: the local clock as it is once a second; [`Disturbance`]: what happened to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Leap, Reading};
use crate::time::{Frequency, Monotonic, TimeDelta, Timestamp};

/// What is counted beside the wall clock, at one moment, and what the kernel does to them. What the
/// host does not show is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockReading {
    /// The wall clock and the unsteered counter; all four clocks were read within its error.
    pub clocks: Reading,
    /// CLOCK_MONOTONIC, since some start: slewed as the wall clock is, but never stepped.
    pub monotonic: TimeDelta,
    /// CLOCK_BOOTTIME: the same, going on while the host is suspended.
    pub boottime: Option<TimeDelta>,
    /// What the kernel does to its clock.
    pub discipline: Option<Discipline>,
    /// What the kernel reads time from.
    pub clocksource: Option<String>,
    /// Time the hypervisor gave to others.
    pub steal: Option<Steal>,
    /// How long the measuring thread was ready to run but waited for a processor, since it began.
    pub run_delay: Option<TimeDelta>,
    /// What this host had to do: in the first reading, in the last one, and once a minute in between.
    pub load: Option<Load>,
}

/// What the kernel counted of a host's work since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Time in which processors worked, of all of them together, for guests of this host included.
    #[serde(rename = "busy_ns")]
    pub busy: TimeDelta,
    /// Time in which they had nothing to do, or waited for a disk.
    #[serde(rename = "idle_ns")]
    pub idle: TimeDelta,
    /// How much of the work was running guests of this host.
    #[serde(rename = "guest_ns")]
    pub guest: TimeDelta,
    /// Time in which some task was ready to run and had no processor (pressure stall information).
    #[serde(rename = "waited_ns", default, skip_serializing_if = "Option::is_none")]
    pub waited: Option<TimeDelta>,
    /// What the limits of this process's control groups did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<Throttled>,
    /// Load average of the last minute, in hundredths of a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_hundredths: Option<u32>,
}

/// What limits of processor time did to a control group and those above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttled {
    /// In how many periods a limit was reached.
    pub periods: u64,
    /// For how long processors were held back in all.
    #[serde(rename = "total_ns")]
    pub total: TimeDelta,
}

/// The kernel's clock discipline as adjtimex(2) tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discipline {
    /// By how much the clock is made to run fast, beside `tick`.
    #[serde(rename = "freq_ppb")]
    pub frequency: Frequency,
    /// What a hundredth of a second of the clock is made to count: 10 ms by default.
    #[serde(rename = "tick_ns")]
    pub tick: TimeDelta,
    /// STA_* bits of linux/timex.h.
    pub status: u32,
    /// TIME_OK (0) to TIME_ERROR (5).
    pub state: i32,
    /// The most the clock is said to be off by.
    #[serde(rename = "max_error_ns")]
    pub max_error: TimeDelta,
    /// What the clock is estimated to be off by.
    #[serde(rename = "estimated_error_ns")]
    pub estimated_error: TimeDelta,
    /// TAI - UTC, zero where nobody told the kernel.
    #[serde(rename = "tai_ns")]
    pub tai_minus_utc: TimeDelta,
}

/// STA_INS, STA_DEL and STA_UNSYNC of linux/timex.h.
const INSERT: u32 = 0x10;
const DELETE: u32 = 0x20;
const UNSYNCHRONISED: u32 = 0x40;

/// TIME_ERROR of linux/timex.h.
const ERROR: i32 = 5;

/// The bits of `status` from the lowest on, STA_* of linux/timex.h.
const STATUS_BITS: [&str; 16] = [
    "PLL",
    "PPSFREQ",
    "PPSTIME",
    "FLL",
    "INS",
    "DEL",
    "UNSYNC",
    "FREQHOLD",
    "PPSSIGNAL",
    "PPSJITTER",
    "PPSWANDER",
    "PPSERROR",
    "CLOCKERR",
    "NANO",
    "MODE",
    "CLK",
];

/// A tick as it is where nobody changes it, on systems of a hundred of them a second: all but Alpha.
const USUAL_TICK: TimeDelta = TimeDelta::from_millis(10);

impl Discipline {
    /// By how much the clock is made to run fast in all.
    ///
    /// ```
    /// use clockfit::sample::Discipline;
    /// use clockfit::time::{Frequency, TimeDelta};
    /// let faster = Discipline {
    ///     frequency: Frequency::from_ppm(-20),
    ///     tick: TimeDelta::from_micros(10_001),
    ///     ..Discipline::default()
    /// };
    /// assert_eq!(faster.rate(), Frequency::from_ppm(80));
    /// ```
    pub fn rate(&self) -> Frequency {
        // A nanosecond of ten milliseconds is 100 ppb.
        let by_tick = (self.tick - USUAL_TICK).times(100).as_nanos();
        Frequency::from_ppb(self.frequency.as_ppb().saturating_add(by_tick))
    }

    /// Whether whoever keeps the clock told the kernel that it is synchronised, and no error speaks against it.
    ///
    /// ```
    /// use clockfit::sample::Discipline;
    /// let kept = Discipline { status: 0x2001, ..Discipline::default() };
    /// assert!(kept.is_synchronised());
    /// assert!(!Discipline { state: 5, ..kept }.is_synchronised());
    /// assert!(!Discipline { status: 0x2041, ..kept }.is_synchronised());
    /// ```
    pub fn is_synchronised(&self) -> bool {
        self.status & UNSYNCHRONISED == 0 && self.state != ERROR
    }

    /// The names of the bits that are set in `status`, the lowest first.
    ///
    /// ```
    /// use clockfit::sample::Discipline;
    /// let kept = Discipline { status: 0x2001, ..Discipline::default() };
    /// assert_eq!(kept.status_names().collect::<Vec<_>>(), ["PLL", "NANO"]);
    /// ```
    pub fn status_names(&self) -> impl Iterator<Item = &'static str> {
        let bits = STATUS_BITS.iter().enumerate();
        let status = self.status;
        bits.filter_map(move |(bit, name)| (status & (1 << bit) != 0).then_some(*name))
    }

    /// The leap second that the kernel was told of, or that nobody keeps its clock synchronised.
    pub fn leap(&self) -> Leap {
        match self.status {
            bits if bits & INSERT != 0 => Leap::Insert,
            bits if bits & DELETE != 0 => Leap::Delete,
            bits if bits & UNSYNCHRONISED != 0 => Leap::Unsynchronised,
            _ => Leap::None,
        }
    }
}

/// Time that the hypervisor gave to others while this host wanted to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steal {
    /// Of all processors together, since boot.
    pub total: TimeDelta,
    /// How many processors there are.
    pub processors: u32,
}

/// Something that happened to the local clock, or kept this program from looking at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// The counter when it happened, or began.
    pub at: Monotonic,
    /// What `at` may be off by, either way.
    pub at_error: TimeDelta,
    /// The wall clock at that moment; of a step, as it was set.
    pub wall: Timestamp,
    /// What happened.
    pub change: Change,
}

/// What happened to the local clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Change {
    /// The wall clock was set.
    Step {
        /// How far, positive forward.
        #[serde(rename = "by_ns")]
        by: TimeDelta,
        /// What `by` may be off by.
        #[serde(rename = "error_ns")]
        error: TimeDelta,
    },
    /// The clock began to run at another rate against the counter.
    Slew {
        /// Its rate before, positive where it gains.
        #[serde(rename = "from_ppb")]
        from: Frequency,
        /// Its rate from then on.
        #[serde(rename = "to_ppb")]
        to: Frequency,
        /// What each of the two may be off by.
        #[serde(rename = "error_ppb")]
        error: Frequency,
    },
    /// The kernel was told to run its clock at another rate.
    Frequency {
        /// The rate before.
        #[serde(rename = "from_ppb")]
        from: Frequency,
        /// The new rate.
        #[serde(rename = "to_ppb")]
        to: Frequency,
    },
    /// The host was suspended.
    Suspend {
        /// How long, by the host's own account.
        #[serde(rename = "for_ns")]
        length: TimeDelta,
    },
    /// This program should have run, and did not.
    Stall {
        /// How long at least.
        #[serde(rename = "for_ns")]
        length: TimeDelta,
        /// How much of it was waiting for a processor; the rest it was stopped, or the host was.
        #[serde(rename = "run_delay_ns", default)]
        run_delay: Option<TimeDelta>,
    },
    /// The hypervisor gave much of this host's time to others.
    Steal {
        /// Time stolen from all processors together.
        #[serde(rename = "stolen_ns")]
        stolen: TimeDelta,
        /// In which time.
        #[serde(rename = "within_ns")]
        within: TimeDelta,
        /// How many processors there are.
        processors: u32,
    },
    /// The kernel reads time from something else.
    Clocksource {
        /// What it was.
        from: String,
        /// What it is.
        to: String,
    },
    /// The kernel was told of a leap second at the end of the day.
    LeapAnnounced {
        /// `insert` or `delete`.
        leap: Leap,
    },
    /// The kernel made a leap second.
    LeapSecond {
        /// `insert` or `delete`.
        leap: Leap,
    },
    /// The kernel was told another difference of TAI and UTC.
    TaiOffset {
        /// TAI - UTC as it was.
        #[serde(rename = "from_ns")]
        from: TimeDelta,
        /// TAI - UTC as it is.
        #[serde(rename = "to_ns")]
        to: TimeDelta,
    },
}

/// What kind of [`Change`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DisturbanceKind {
    /// The wall clock was set.
    Step,
    /// The clock began to run at another rate against the counter.
    Slew,
    /// The kernel was told to run its clock at another rate.
    Frequency,
    /// The host was suspended.
    Suspend,
    /// This program should have run, and did not.
    Stall,
    /// The hypervisor gave much of this host's time to others.
    Steal,
    /// The kernel reads time from something else.
    Clocksource,
    /// The kernel was told of a leap second at the end of the day.
    LeapAnnounced,
    /// The kernel made a leap second.
    LeapSecond,
    /// The kernel was told another difference of TAI and UTC.
    TaiOffset,
}

impl Change {
    /// What kind it is.
    pub const fn kind(&self) -> DisturbanceKind {
        match self {
            Self::Step { .. } => DisturbanceKind::Step,
            Self::Slew { .. } => DisturbanceKind::Slew,
            Self::Frequency { .. } => DisturbanceKind::Frequency,
            Self::Suspend { .. } => DisturbanceKind::Suspend,
            Self::Stall { .. } => DisturbanceKind::Stall,
            Self::Steal { .. } => DisturbanceKind::Steal,
            Self::Clocksource { .. } => DisturbanceKind::Clocksource,
            Self::LeapAnnounced { .. } => DisturbanceKind::LeapAnnounced,
            Self::LeapSecond { .. } => DisturbanceKind::LeapSecond,
            Self::TaiOffset { .. } => DisturbanceKind::TaiOffset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_bits_are_those_of_the_kernel() {
        let leap = |status| {
            let told = Discipline {
                status,
                ..Discipline::default()
            };
            told.leap()
        };
        // As adjtimex(2) and linux/timex.h give them, beside STA_PLL and STA_NANO.
        assert_eq!(leap(0x2001), Leap::None);
        assert_eq!(leap(0x2011), Leap::Insert);
        assert_eq!(leap(0x2021), Leap::Delete);
        assert_eq!(leap(0x2040), Leap::Unsynchronised);
    }
}
