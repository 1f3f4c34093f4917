//! How often bounds and estimates hold the truth, where it is known: simulated runs by the thousand.
//!
//! Usage: `truth [SEEDS]`; prints one JSON object a scenario.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "a study prints what it finds, and stops where it cannot"
)]

use clockfit::estimate::{Basis, Estimate, Plan, Timing, analyse};
use clockfit::sim::{PerMillion, Played, Scenario, SimLeg};
use clockfit::time::{Frequency, Interval, TimeDelta};
use rayon::prelude::*;

fn us(n: i64) -> TimeDelta {
    TimeDelta::from_micros(n)
}

/// A way of so many microseconds, with 200 us of queueing on average.
fn leg(floor: i64) -> SimLeg {
    let mut leg = SimLeg::of(us(floor));
    leg.mean_queue = us(200);
    leg
}

/// What is played, and how it is analysed.
struct Case {
    name: &'static str,
    scenario: Scenario,
    /// What is given for the drift.
    drift: Option<Frequency>,
    /// Half of what the floors differ by.
    reachable: TimeDelta,
    window: TimeDelta,
}

fn cases() -> Vec<Case> {
    let symmetric = Scenario::new(leg(500), leg(500));
    let with = |change: fn(&mut Scenario)| {
        let mut scenario = symmetric.clone();
        change(&mut scenario);
        scenario
    };
    let on_both = |change: fn(&mut SimLeg)| {
        let mut scenario = symmetric.clone();
        change(&mut scenario.out);
        change(&mut scenario.back);
        scenario
    };
    let given = |ppm| Some(Frequency::from_ppm(ppm));
    let case = |name, scenario, drift| Case {
        name,
        scenario,
        drift,
        reachable: TimeDelta::ZERO,
        window: Plan::WINDOW,
    };
    let drifting = |ppm| {
        let mut scenario = symmetric.clone();
        scenario.drift = Frequency::from_ppm(ppm);
        scenario
    };
    vec![
        case("symmetric", symmetric.clone(), None),
        Case {
            reachable: us(250),
            ..case("2:1 asymmetric", Scenario::new(leg(1_000), leg(500)), None)
        },
        case(
            "heavy-tailed",
            on_both(|leg| leg.tail = PerMillion(200_000)),
            None,
        ),
        case(
            "10 % loss",
            on_both(|leg| leg.loss = PerMillion(51_317)),
            None,
        ),
        case("wander", with(|s| s.wander = Frequency::from_ppb(10)), None),
        case("drift of 8 ppm", drifting(8), None),
        case("drift of 50 ppm", drifting(50), None),
        case(
            "step of 5 ms",
            with(|s| s.step = TimeDelta::from_millis(5)),
            None,
        ),
        case("step of 0.5 ms", with(|s| s.step = us(500)), None),
        case("drift of 50 ppm, 15 given", drifting(50), given(15)),
        case("drift of 17 ppm, 15 given", drifting(17), given(15)),
        case("drift of 300 ppm", drifting(300), None),
        Case {
            window: TimeDelta::from_secs(600),
            ..case("drift of 8 ppm, one window", drifting(8), None)
        },
        case("200 probes", with(|s| s.exchanges = 200), None),
        case(
            "wander, 64 s apart",
            with(|s| {
                s.interval = TimeDelta::from_secs(64);
                s.wander = Frequency::from_ppb(10);
            }),
            None,
        ),
    ]
}

/// What one run says, against its truth.
#[derive(Default)]
struct Outcome {
    right: u64,
    wrong: u64,
    breaks: u64,
    measured: u64,
    estimates: u64,
    inside: u64,
    above: u64,
    below: u64,
    clipped: u64,
    half_width: Vec<f64>,
    error: Vec<f64>,
    filter: Vec<f64>,
    regression: Vec<f64>,
    median: Vec<f64>,
    bound_width: Vec<f64>,
    corridor_width: Vec<f64>,
}

impl Outcome {
    fn of(played: &Played, timing: &Timing, reachable: TimeDelta) -> Self {
        let mut found = Self {
            breaks: u64::from(!timing.breaks.is_empty()),
            measured: u64::from(timing.allowance.basis == Basis::Measured),
            ..Self::default()
        };
        for bound in timing.series.iter().chain(&timing.bound) {
            let holds = bound.interval.contains(played.truth[bound.sample]);
            found.right += u64::from(holds);
            found.wrong += u64::from(!holds);
        }
        let width = |interval: Interval| interval.width().as_nanos() as f64 / 1e3;
        found
            .bound_width
            .extend(timing.bound.map(|b| width(b.interval)));
        let samples: Vec<_> = played.campaign.sources[0].samples.iter().collect();
        let last_truth = *played.truth.last().unwrap();
        for stretch in &timing.stretches {
            found.corridor_width.extend(stretch.bound.map(width));
            let Some(estimate) = stretch.estimate else {
                continue;
            };
            let middle = samples
                .iter()
                .position(|s| s.exchange.t2() == estimate.at)
                .unwrap();
            found.estimate(&estimate, played.truth[middle] + reachable);
            let away = |opinion: Option<TimeDelta>, truth: TimeDelta| {
                opinion.map(|o| (o - truth - reachable).abs().as_nanos() as f64 / 1e3)
            };
            let of = stretch.opinions;
            // What daemons say holds for the last exchange.
            if timing.stretches.last() == Some(stretch) {
                found.filter.extend(away(of.clock_filter, last_truth));
                found.regression.extend(away(of.regression, last_truth));
            }
            found.median.extend(away(of.median, played.truth[middle]));
        }
        found
    }

    fn estimate(&mut self, estimate: &Estimate, truth: TimeDelta) {
        self.estimates += 1;
        self.clipped += u64::from(estimate.clipped);
        self.above += u64::from(estimate.interval.lower() > truth);
        self.below += u64::from(estimate.interval.upper() < truth);
        self.inside += u64::from(estimate.interval.contains(truth));
        let size = |delta: TimeDelta| delta.abs().as_nanos() as f64 / 1e3;
        self.half_width.push(size(estimate.interval.width()) / 2.0);
        self.error.push(size(estimate.offset - truth));
    }

    fn add(mut self, other: Self) -> Self {
        for (sum, n) in [
            (&mut self.right, other.right),
            (&mut self.wrong, other.wrong),
            (&mut self.breaks, other.breaks),
            (&mut self.measured, other.measured),
            (&mut self.estimates, other.estimates),
            (&mut self.inside, other.inside),
            (&mut self.above, other.above),
            (&mut self.below, other.below),
            (&mut self.clipped, other.clipped),
        ] {
            *sum += n;
        }
        for (all, more) in [
            (&mut self.half_width, other.half_width),
            (&mut self.error, other.error),
            (&mut self.filter, other.filter),
            (&mut self.regression, other.regression),
            (&mut self.median, other.median),
            (&mut self.bound_width, other.bound_width),
            (&mut self.corridor_width, other.corridor_width),
        ] {
            all.extend(more);
        }
        self
    }
}

/// The median, in microseconds.
fn typical(values: &mut [f64]) -> String {
    values.sort_unstable_by(f64::total_cmp);
    match values.get(values.len() / 2) {
        Some(value) => format!("{value:.3}"),
        None => "null".to_owned(),
    }
}

fn main() {
    let seeds: u64 = std::env::args()
        .nth(1)
        .map_or(2_000, |n| n.parse().unwrap());
    for case in cases() {
        let plan = Plan {
            drift: case.drift,
            window: case.window,
            ..Plan::default()
        };
        let outcomes: Vec<Outcome> = (0..seeds)
            .into_par_iter()
            .map(|seed| {
                let played = case.scenario.play(seed);
                let timing = analyse(&played.campaign, &plan).sources.remove(0).timing;
                Outcome::of(&played, &timing, case.reachable)
            })
            .collect();
        let mut all = outcomes.into_iter().fold(Outcome::default(), Outcome::add);
        println!(
            "{{\"scenario\":\"{}\",\"seeds\":{seeds},\"bounds_right\":{},\"bounds_wrong\":{},\
             \"runs_with_breaks\":{},\"drift_measured\":{},\"estimates\":{},\"coverage\":{:.4},\
             \"above\":{},\"below\":{},\"clipped\":{},\"half_width_us\":{},\"error_us\":{},\
             \"clock_filter_us\":{},\"regression_us\":{},\"median_us\":{},\"bound_width_us\":{},\
             \"corridor_width_us\":{}}}",
            case.name,
            all.right,
            all.wrong,
            all.breaks,
            all.measured,
            all.estimates,
            all.inside as f64 / all.estimates.max(1) as f64,
            all.above,
            all.below,
            all.clipped,
            typical(&mut all.half_width),
            typical(&mut all.error),
            typical(&mut all.filter),
            typical(&mut all.regression),
            typical(&mut all.median),
            typical(&mut all.bound_width),
            typical(&mut all.corridor_width),
        );
    }
}
