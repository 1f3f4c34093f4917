//! The local clock in the report: what the kernel says of it, and what disturbed it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::clean;
use super::model::Instant;
use crate::sample::{
    Campaign, Change, ClockReading, Discipline, Disturbance, DisturbanceKind, Leap, LocalClock,
};
use crate::time::{Frequency, TimeDelta, Timestamp};

/// The local clock, as it was watched once a second while the run lasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalClockReport {
    /// How often it was looked at; 0 where a recording is of a version that did not.
    pub readings: u64,
    /// What the kernel said at the end.
    pub kernel: Option<KernelReport>,
    /// Time the hypervisor gave to others during the run, of all processors together.
    pub stolen_ns: Option<i64>,
    /// How long the measuring thread waited for a processor during the run.
    pub run_delay_ns: Option<i64>,
    /// What disturbed the clock, or this program, in the order it was found.
    pub disturbances: Vec<DisturbanceReport>,
    /// Disturbances that are not listed: of each kind the first 100 are.
    pub more_disturbances: u64,
}

/// What the kernel says of its own clock (adjtimex(2)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KernelReport {
    /// By how much it is made to run fast.
    pub rate_ppb: i64,
    /// `unsynchronised` where nobody keeps it; `insert` and `delete` announce a leap second.
    pub leap: Leap,
    /// The most it may be off by, by the word of whoever keeps it.
    pub max_error_ns: i64,
    /// What it is estimated to be off by, by the same.
    pub estimated_error_ns: i64,
    /// TAI - UTC; null where nobody told it.
    pub tai_ns: Option<i64>,
}

/// Something that happened to the local clock. What a kind does not have is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DisturbanceReport {
    /// What happened.
    pub what: DisturbanceKind,
    /// The local clock when it happened or began; of a step, as it was set.
    #[schemars(with = "Instant")]
    pub at: Timestamp,
    /// The same moment since the start of the run, on the unsteered counter.
    pub since_start_ns: i64,
    /// What that may be off by, either way.
    pub at_error_ns: i64,
    /// How far (step, positive forward), how long (suspend, stall), how much of all processors' time
    /// (steal).
    pub size_ns: Option<i64>,
    /// What the size may be off by.
    pub size_error_ns: Option<i64>,
    /// In which time (steal).
    pub within_ns: Option<i64>,
    /// How many processors there are (steal).
    pub processors: Option<u32>,
    /// How much of it was waiting for a processor (stall).
    pub run_delay_ns: Option<i64>,
    /// The rate before (slew, frequency), positive where the clock gains.
    pub from_ppb: Option<i64>,
    /// The rate from then on.
    pub to_ppb: Option<i64>,
    /// What each of the two may be off by.
    pub rate_error_ppb: Option<i64>,
    /// Its name before (clocksource), TAI - UTC in seconds (TAI offset).
    pub from: Option<String>,
    /// The same from then on.
    pub to: Option<String>,
    /// `insert` or `delete` (leap second).
    pub leap: Option<Leap>,
}

impl LocalClockReport {
    pub(super) fn new(campaign: &Campaign) -> Self {
        let clock = &campaign.clock;
        let last = clock.last.as_deref().or(clock.first.as_deref());
        let of_one = |found| DisturbanceReport::new(found, campaign);
        Self {
            readings: clock.readings,
            kernel: last
                .and_then(|reading| reading.discipline.as_ref())
                .map(KernelReport::new),
            stolen_ns: during(clock, |reading| Some(reading.steal?.total)),
            run_delay_ns: during(clock, |reading| reading.run_delay),
            disturbances: clock.disturbances.iter().map(of_one).collect(),
            more_disturbances: clock.dropped(),
        }
    }
}

/// What a count grew by between the first reading and the last.
fn during(clock: &LocalClock, of: impl Fn(&ClockReading) -> Option<TimeDelta>) -> Option<i64> {
    let first = of(clock.first.as_deref()?)?;
    let last = of(clock.last.as_deref()?)?;
    Some((last - first).as_nanos())
}

impl KernelReport {
    fn new(kernel: &Discipline) -> Self {
        let tai = kernel.tai_minus_utc;
        Self {
            rate_ppb: kernel.rate().as_ppb(),
            leap: kernel.leap(),
            max_error_ns: kernel.max_error.as_nanos(),
            estimated_error_ns: kernel.estimated_error.as_nanos(),
            tai_ns: (tai != TimeDelta::ZERO).then(|| tai.as_nanos()),
        }
    }
}

impl DisturbanceReport {
    fn new(found: &Disturbance, campaign: &Campaign) -> Self {
        let bare = Self {
            what: found.change.kind(),
            at: found.wall,
            since_start_ns: found.at.since(campaign.header.started_at).as_nanos(),
            at_error_ns: found.at_error.as_nanos(),
            size_ns: None,
            size_error_ns: None,
            within_ns: None,
            processors: None,
            run_delay_ns: None,
            from_ppb: None,
            to_ppb: None,
            rate_error_ppb: None,
            from: None,
            to: None,
            leap: None,
        };
        let ns = |delta: TimeDelta| Some(delta.as_nanos());
        let ppb = |rate: Frequency| Some(rate.as_ppb());
        let seconds = |delta: TimeDelta| Some((delta.as_nanos() / 1_000_000_000).to_string());
        match found.change {
            Change::Step { by, error } => Self {
                size_ns: ns(by),
                size_error_ns: ns(error),
                ..bare
            },
            Change::Slew { from, to, error } => Self {
                from_ppb: ppb(from),
                to_ppb: ppb(to),
                rate_error_ppb: ppb(error),
                ..bare
            },
            Change::Frequency { from, to } => Self {
                from_ppb: ppb(from),
                to_ppb: ppb(to),
                ..bare
            },
            Change::Suspend { length } => Self {
                size_ns: ns(length),
                ..bare
            },
            Change::Stall { length, run_delay } => Self {
                size_ns: ns(length),
                run_delay_ns: run_delay.and_then(ns),
                ..bare
            },
            Change::Steal {
                stolen,
                within,
                processors,
            } => Self {
                size_ns: ns(stolen),
                within_ns: ns(within),
                processors: Some(processors),
                ..bare
            },
            Change::Clocksource { ref from, ref to } => Self {
                from: Some(clean(from)),
                to: Some(clean(to)),
                ..bare
            },
            Change::LeapAnnounced { leap } | Change::LeapSecond { leap } => Self {
                leap: Some(leap),
                ..bare
            },
            Change::TaiOffset { from, to } => Self {
                from: seconds(from),
                to: seconds(to),
                ..bare
            },
        }
    }
}
