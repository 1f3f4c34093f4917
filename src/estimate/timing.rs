//! [`Timing`]: bounds, estimates and rates of one source over time.

use super::Plan;
use super::allowance::{Allowance, Basis};
use super::bound::{BoundAt, Break, Timeline};
use super::claims::Origin;
use super::course::Known;
use super::slots::Drift;
use super::stability::Stability;
use super::steering::ClockStep;
use super::stretch::{Estimate, RateChange, Stretch};
use super::windows::{self, Folded};
use crate::sample::{Campaign, DisturbanceKind, LocalClock, SourceRecord};
use crate::time::Monotonic;

/// What one source says over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How fast the server's time may move against the host's counter.
    pub allowance: Allowance,
    /// What holds the true offset at the last exchange, by all exchanges of any class.
    pub bound: Option<BoundAt>,
    /// The same at the best exchange of each step of the run.
    pub series: Vec<BoundAt>,
    /// Where the exchanges contradict each other: the server's time (or the counter) moved.
    pub breaks: Vec<Break>,
    /// The parts of the run that one rate explains, in order, each with the best estimate there.
    pub stretches: Vec<Stretch>,
    /// Where one stretch ends because its rate does not explain what follows.
    pub changes: Vec<Finding>,
    /// Exchanges that no pair of running clocks can produce; they are left out of all of this.
    pub contradictory: u64,
    /// Where the local clock moved against the counter by more than steering explains.
    pub clock_steps: Vec<ClockStep>,
    /// How the offset against the counter moves over every time scale; absent for few exchanges.
    pub stability: Option<Stability>,
    /// Server - counter at the instant at which servers are compared, in nanoseconds.
    pub(super) common: Option<(i128, i128)>,
    /// What is known at the best exchange of each step, where servers are to be compared over time.
    pub(super) known: Vec<Known>,
}

/// What beside the exchanges of a source its timing is found from.
struct Told<'a> {
    /// The watched local clock.
    clock: &'a LocalClock,
    /// What is assumed of the drift before it is measured.
    prior: Allowance,
    /// When servers are compared.
    instant: Option<Monotonic>,
    /// Whether they are to be compared over time.
    course: bool,
}

/// A change of the rate, and what may have caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub change: RateChange,
    /// What happened to this host's counter at that time; absent where nothing is known that would
    /// explain it, so that it is the server's doing, or the path's.
    pub explained: Option<DisturbanceKind>,
}

impl Timing {
    /// The best estimate: that of the last stretch that has one.
    pub fn estimate(&self) -> Option<&Estimate> {
        let stretches = self.stretches.iter().rev();
        stretches
            .filter_map(|stretch| stretch.estimate.as_ref())
            .next()
    }

    /// `instant` is when servers are compared.
    pub(super) fn of(
        record: &SourceRecord,
        campaign: &Campaign,
        plan: &Plan,
        instant: Option<Monotonic>,
    ) -> Self {
        let header = &campaign.header;
        let prior = plan.prior(header.axis);
        match windows::fold(record, header, plan, prior.drift) {
            None => Self::nothing(prior),
            Some((origin, folded, stability)) => {
                let told = Told {
                    clock: &campaign.clock,
                    prior,
                    instant,
                    course: plan.course,
                };
                Self::solve(&origin, folded, stability, &told)
            }
        }
    }

    fn nothing(allowance: Allowance) -> Self {
        Self {
            allowance,
            bound: None,
            series: Vec::new(),
            breaks: Vec::new(),
            stretches: Vec::new(),
            changes: Vec::new(),
            contradictory: 0,
            clock_steps: Vec::new(),
            stability: None,
            common: None,
            known: Vec::new(),
        }
    }

    fn solve(
        origin: &Origin,
        folded: Folded,
        stability: Option<Stability>,
        &Told {
            clock,
            prior,
            instant,
            course,
        }: &Told<'_>,
    ) -> Self {
        let mut allowance = Allowance::measured(prior, &folded.drafts);
        let timeline = |drift: Drift| Timeline::of(origin, &folded.slots, drift, prior.drift);
        let mut line = timeline(allowance.drift);
        if allowance.basis == Basis::Measured && !line.breaks().is_empty() {
            // A rate that was measured must not call a break what was none before.
            let without = timeline(prior.drift);
            if without.breaks().len() < line.breaks().len() {
                (line, allowance) = (without, prior);
            }
        }
        let changes = folded.drafts.iter().filter_map(|(_, draft)| draft.change);
        let changes = changes.map(|change| Finding {
            change,
            explained: origin.disturbance_at(change.x, clock),
        });
        let stretches = folded.drafts.iter().map(|(slot, draft)| {
            let bound = line.at(*slot, &draft.middle).map(|bound| bound.interval);
            let estimate = draft.stretch.estimate.and_then(|e| e.within(bound));
            Stretch {
                estimate,
                ..draft.stretch.clone()
            }
        });
        Self {
            allowance,
            bound: folded.last.and_then(|claim| line.last(&claim)),
            series: line.series(),
            breaks: line.breaks().to_vec(),
            stretches: stretches.collect(),
            changes: changes.collect(),
            known: if course { line.known() } else { Vec::new() },
            contradictory: folded.contradictory,
            clock_steps: folded.clock_steps,
            stability,
            common: instant
                .and_then(|at| line.phi_at(origin.x(at)?))
                .map(|(lower, upper)| (origin.absolute(lower), origin.absolute(upper))),
        }
    }
}
