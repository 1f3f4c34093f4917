//! From a campaign to what can be said about it: [`analyse`].
//!
//! Floor 5: imports time, stats and sample. Pure: no clock, no socket, no text for a terminal. Sources
//! are independent of each other and analysed in parallel, each by one thread, so the number of
//! threads cannot change a result.

mod bound;
mod class;
mod crosscheck;
mod disturbed;
mod floor;
mod steering;
#[cfg(test)]
mod tests;
mod timescale;
mod warning;

use rayon::prelude::*;

pub use bound::{BoundAt, Break};
pub use class::ClassAssessment;
pub use crosscheck::CrossCheck;
pub use floor::{Floor, FloorComparison, Resolution};
pub use steering::ClockStep;
pub use warning::{Warning, WarningCode};

use crate::sample::{Campaign, ServerInfo, SourceRecord, StampSource};
use crate::time::{Frequency, TimeDelta};

/// How a campaign is analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How fast a server's time may move against the host's unsteered counter: what a bound widens
    /// by as it ages.
    pub drift: Frequency,
    /// The least time between two points of the series of bounds.
    pub series_step: TimeDelta,
}

impl Plan {
    /// 100 ppm: MONOTONIC_RAW counts with the frequency the kernel found at boot, which for a TSC is
    /// often tens of ppm off (crystal tolerance and a calibration of some milliseconds). Until a
    /// drift has been measured this leaves room for that and for the server's own steering.
    pub const DRIFT: Frequency = Frequency::from_ppm(100);
    /// 10 s: fine enough to follow a bound through a run, few enough points for a day's report.
    pub const SERIES_STEP: TimeDelta = TimeDelta::from_secs(10);
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            drift: Self::DRIFT,
            series_step: Self::SERIES_STEP,
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
    /// What holds the true offset at the last exchange, by all exchanges of any class.
    pub bound: Option<BoundAt>,
    /// The narrowest bound of each step of the run.
    pub series: Vec<BoundAt>,
    /// Where the exchanges contradict each other: the server's time (or the counter) moved.
    pub breaks: Vec<Break>,
    /// Exchanges that no pair of running clocks can produce; they are left out of the bound.
    pub contradictory: u64,
    /// Where the local clock moved against the counter by more than steering explains.
    pub clock_steps: Vec<ClockStep>,
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
    fn count(&mut self, source: StampSource) {
        *match source {
            StampSource::Hardware => &mut self.hardware,
            StampSource::Kernel => &mut self.kernel,
            StampSource::User => &mut self.user,
            StampSource::Foreign => &mut self.foreign,
        } += 1;
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
    let mut sources: Vec<SourceAssessment> = campaign
        .sources
        .par_iter()
        .map(|record| assess(record, plan, campaign.header.timeout))
        .collect();
    let floors = floor::find(campaign, &sources);
    for (record, found) in campaign.sources.iter().zip(&mut sources) {
        found.floor = floor::compare(&floors, record, found);
    }
    let warnings = warning::collect(campaign, &sources, &floors);
    Assessment {
        plan: *plan,
        sources,
        floors,
        warnings,
    }
}

fn assess(record: &SourceRecord, plan: &Plan, timeout: TimeDelta) -> SourceAssessment {
    let (mut tx, mut rx) = (StampCounts::default(), StampCounts::default());
    for sample in &record.samples {
        tx.count(sample.exchange.tx);
        rx.count(sample.exchange.rx);
    }
    let classes = class::assess(&record.samples);
    let bounds = bound::solve(record, plan, timeout);
    SourceAssessment {
        sent: record.sent(),
        valid: u64::try_from(record.samples.len()).unwrap_or(u64::MAX),
        lost: record.lost_total(),
        tx,
        rx,
        server: record.server().copied(),
        cross_check: crosscheck::compare(record, classes.first()),
        classes,
        bound: bounds.last,
        series: bounds.series,
        breaks: bounds.breaks,
        contradictory: bounds.contradictory,
        clock_steps: bounds.clock_steps,
        floor: None,
    }
}
