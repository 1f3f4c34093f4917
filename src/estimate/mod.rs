//! From a campaign to what can be said about it: [`analyse`].
//!
//! Floor 5: imports time, stats and sample. Pure: no clock, no socket, no text for a terminal. Sources,
//! their windows and the parts of their distributions are analysed in parallel: what a part holds the
//! samples alone decide, and parts are put together in order, so the number of threads cannot change a
//! result.

mod agreement;
mod allowance;
mod apart;
mod bound;
mod census;
mod claims;
mod class;
mod conditions;
mod course;
mod crosscheck;
mod disturbed;
mod floor;
mod opinions;
mod paths;
mod rows;
mod slots;
mod stability;
mod steering;
mod stretch;
#[cfg(test)]
mod tests;
mod timescale;
mod timing;
mod warning;
mod windows;

use rayon::prelude::*;

pub use agreement::{Agreement, Khronos, Member, Pair};
pub use allowance::{Allowance, Basis};
pub use apart::Apart;
pub use bound::{BoundAt, Break};
pub use class::ClassAssessment;
pub use conditions::{Conditions, Evidence, Overcommit, Share, Stolen, Untold};
pub use course::{Course, CourseAt, CourseServer, MOST_APART, Unknown};
pub use crosscheck::CrossCheck;
pub use floor::{Floor, FloorComparison, Resolution};
pub use opinions::Opinions;
pub use paths::Paths;
pub use slots::Drift;
pub use stability::Stability;
pub use steering::ClockStep;
pub use stretch::{ESTIMATE_NEEDS, Estimate, RateBounds, RateChange, Stretch};
pub use timing::{Finding, Timing};
pub use warning::{Warning, WarningCode};

use crate::sample::{Axis, Campaign, ServerInfo, SourceRecord, StampSource};
use crate::stats::stability::Taus;
use crate::time::{Frequency, Monotonic, TimeDelta};

/// How a campaign is analysed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How fast a server's time may move against the host's unsteered counter, where that is given;
    /// otherwise it is measured, and [`DRIFT`](Self::DRIFT) is assumed as long as it is not.
    pub drift: Option<Frequency>,
    /// The least time between two points of the series of bounds.
    pub series_step: TimeDelta,
    /// How long one rate may have to explain all exchanges: an estimate is made in each window.
    pub window: TimeDelta,
    /// At which averaging times stability is told.
    pub taus: Taus,
    /// Whether servers are compared over time, at each step of the series, and not at the end alone.
    pub course: bool,
}

impl Plan {
    /// 100 ppm: MONOTONIC_RAW counts with the frequency the kernel found at boot, which for a TSC is
    /// often tens of ppm off (crystal tolerance and a calibration of some milliseconds). Until a
    /// drift has been measured this leaves room for that and for the server's own steering.
    pub const DRIFT: Frequency = Frequency::from_ppm(100);
    /// 600 ppm, where the local clock itself is the axis: the kernel may steer it by 500 on top.
    pub const DRIFT_OF_LOCAL_CLOCK: Frequency = Frequency::from_ppm(600);
    /// 10 s: fine enough to follow a bound through a run, few enough points for a day's report.
    pub const SERIES_STEP: TimeDelta = TimeDelta::from_secs(10);
    /// 5 min: a crystal that wanders by 10 parts per billion in ten minutes, as ordinary ones do, then
    /// moves an estimate by less than queueing of 200 us does with an exchange a second. Twice as long
    /// it would move it as much.
    pub const WINDOW: TimeDelta = TimeDelta::from_secs(300);

    /// The drift that is given, or else assumed before anything is measured.
    pub fn assumed(&self, axis: Axis) -> Frequency {
        self.drift.unwrap_or(match axis {
            Axis::Counter => Self::DRIFT,
            Axis::LocalClock => Self::DRIFT_OF_LOCAL_CLOCK,
        })
    }

    fn prior(&self, axis: Axis) -> Allowance {
        Allowance {
            drift: Drift::within(self.assumed(axis)),
            basis: self.drift.map_or(Basis::Assumed, |_| Basis::Given),
        }
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            drift: None,
            series_step: Self::SERIES_STEP,
            window: Self::WINDOW,
            taus: Taus::Octave,
            course: false,
        }
    }
}

/// What can be said about a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// How it was analysed.
    pub plan: Plan,
    /// One for each source of the campaign, in its order.
    pub sources: Vec<SourceAssessment>,
    /// The noise floor of this host, one for each class it was measured in.
    pub floors: Vec<Floor>,
    /// Servers that were asked over several paths.
    pub paths: Vec<Paths>,
    /// What the servers agree on; absent with fewer than two that can be compared.
    pub agreement: Option<Agreement>,
    /// What they prove of the local clock over time; empty unless that was planned.
    pub course: Course,
    /// What the host's hypervisor and its load left of it meanwhile.
    pub conditions: Conditions,
    /// What the reader should know before trusting the numbers: of the run first, then by source.
    pub warnings: Vec<Warning>,
}

/// What can be said about one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAssessment {
    /// Requests that left.
    pub sent: u64,
    /// Exchanges that count.
    pub valid: u64,
    /// Requests without an answer.
    pub lost: u64,
    /// Who stamped T1.
    pub tx: StampCounts,
    /// Who stamped T4.
    pub rx: StampCounts,
    /// What the server last said of itself.
    pub server: Option<ServerInfo>,
    /// Distributions by class: the one with the most exchanges first; among equals pure ones before
    /// mixed ones, then better stamps first.
    pub classes: Vec<ClassAssessment>,
    /// Bounds, estimates and rates over time.
    pub timing: Timing,
    /// What an independent implementation measured.
    pub cross_check: Option<CrossCheck>,
    /// How it stands to the noise floor, where that was measured in the same mode.
    pub floor: Option<FloorComparison>,
}

/// Exchanges by who stamped one of their ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StampCounts {
    /// By the network card.
    pub hardware: u64,
    /// By the kernel.
    pub kernel: u64,
    /// By this program.
    pub user: u64,
    /// By another program, or a capture.
    pub foreign: u64,
}

impl StampCounts {
    fn count(&mut self, source: StampSource, exchanges: u64) {
        *match source {
            StampSource::Hardware => &mut self.hardware,
            StampSource::Kernel => &mut self.kernel,
            StampSource::User => &mut self.user,
            StampSource::Foreign => &mut self.foreign,
        } += exchanges;
    }
}

/// Analyses a campaign. The same campaign and plan give the same assessment, bit for bit, whatever
/// the number of threads.
///
/// ```
/// use clockfit::estimate::{Plan, WarningCode, analyse};
/// use clockfit::sample::Campaign;
/// let nothing = analyse(&Campaign::default(), &Plan::default());
/// assert!(nothing.warnings.iter().any(|w| w.code == WarningCode::NoSource));
/// ```
pub fn analyse(campaign: &Campaign, plan: &Plan) -> Assessment {
    let common = agreement::common_instant(campaign);
    let instant = common.map(|sample| sample.at);
    let mut sources: Vec<SourceAssessment> = campaign
        .sources
        .par_iter()
        .map(|record| assess(record, campaign, plan, instant))
        .collect();
    let agreement = common.and_then(|sample| Agreement::find(campaign, &sources, &sample));
    let paths = common.map_or(Vec::new(), |sample| {
        paths::find(campaign, &sources, &sample)
    });
    let floors = floor::find(campaign, &sources);
    for (record, found) in campaign.sources.iter().zip(&mut sources) {
        found.floor = floor::compare(&floors, record, found);
    }
    let course = match plan.course {
        true => Course::find(campaign, &sources, plan),
        false => Course::default(),
    };
    let warnings = warning::collect(campaign, &sources, &floors, agreement.as_ref());
    Assessment {
        plan: plan.clone(),
        sources,
        floors,
        paths,
        agreement,
        course,
        conditions: Conditions::of(campaign),
        warnings,
    }
}

fn assess(
    record: &SourceRecord,
    campaign: &Campaign,
    plan: &Plan,
    instant: Option<Monotonic>,
) -> SourceAssessment {
    let classes = class::assess(&record.samples);
    let (mut tx, mut rx) = (StampCounts::default(), StampCounts::default());
    for found in &classes {
        tx.count(found.class.tx, found.offset.n);
        rx.count(found.class.rx, found.offset.n);
    }
    let timing = Timing::of(record, campaign, plan, instant);
    SourceAssessment {
        sent: record.sent(),
        valid: u64::try_from(record.samples.len()).unwrap_or(u64::MAX),
        lost: record.lost_total(),
        tx,
        rx,
        server: record.server().copied(),
        cross_check: crosscheck::compare(record, classes.first()),
        classes,
        timing,
        floor: None,
    }
}
