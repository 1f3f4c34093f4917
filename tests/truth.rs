//! What estimates and bounds are worth, over many simulated runs of known truth: a small part of the study
//! in `benches/studies/truth.rs`, whose table is in `results/`.

use clockfit::estimate::{Plan, Timing, analyse};
use clockfit::sim::{PerMillion, Played, Scenario, SimLeg};
use clockfit::time::{Frequency, TimeDelta};

fn us(n: i64) -> TimeDelta {
    TimeDelta::from_micros(n)
}

/// A way of 500 us with 200 us of queueing on average.
fn leg() -> SimLeg {
    let mut leg = SimLeg::of(us(500));
    leg.mean_queue = us(200);
    leg
}

fn scenario(exchanges: u32) -> Scenario {
    Scenario {
        exchanges,
        ..Scenario::new(leg(), leg())
    }
}

fn each(scenario: &Scenario, plan: &Plan, seeds: u64) -> Vec<(Played, Timing)> {
    (0..seeds)
        .map(|seed| {
            let played = scenario.play(seed);
            let timing = analyse(&played.campaign, plan).sources.remove(0).timing;
            (played, timing)
        })
        .collect()
}

fn median(mut values: Vec<TimeDelta>) -> TimeDelta {
    values.sort_unstable();
    values[values.len() / 2]
}

/// Wherever drift stays within what is allowed, no bound is wrong: none of any run.
#[test]
fn every_bound_holds_the_truth() {
    let mut wandering = scenario(400);
    wandering.wander = Frequency::from_ppb(10);
    let mut fast = scenario(400);
    fast.drift = Frequency::from_ppm(50);
    let mut stepped = scenario(400);
    stepped.step = us(500);
    let mut lossy = scenario(400);
    lossy.out.loss = PerMillion(51_317);
    lossy.back.tail = PerMillion(200_000);
    for (what, scenario) in [
        ("wander", wandering),
        ("50 ppm", fast),
        ("a step", stepped),
        ("loss and a heavy tail", lossy),
    ] {
        for (seed, (played, timing)) in each(&scenario, &Plan::default(), 25).iter().enumerate() {
            assert!(timing.bound.is_some());
            for bound in timing.series.iter().chain(&timing.bound) {
                let truth = played.truth[bound.sample];
                assert!(
                    bound.interval.contains(truth),
                    "{what}, seed {seed}: {bound:?} without {truth:?}"
                );
            }
        }
    }
}

/// 200 exchanges over 500 us each way and a fifth of a millisecond of queueing: the estimate is off by less
/// than a microsecond, the regression by more.
#[test]
fn two_hundred_exchanges_give_a_microsecond() {
    let mut ours = Vec::new();
    let mut regression = Vec::new();
    let mut held = 0;
    for (played, timing) in each(&scenario(200), &Plan::default(), 100) {
        // The clocks agree all the time.
        let truth = played.truth[0];
        let estimate = timing.estimate().unwrap();
        ours.push((estimate.offset - truth).abs());
        held += u32::from(estimate.interval.contains(truth));
        let opinions = timing.stretches.last().unwrap().opinions;
        regression.push((opinions.regression.unwrap() - truth).abs());
    }
    let (ours, regression) = (median(ours), median(regression));
    assert!(
        ours <= us(1) && ours <= regression,
        "{ours:?} {regression:?}"
    );
    assert!((88..=100).contains(&held), "{held}");
}

/// At 600 exchanges and 8 ppm the corridor is hardly wider than the least delays leave it.
#[test]
fn a_corridor_is_as_narrow_as_the_path() {
    let mut drifting = scenario(600);
    drifting.drift = Frequency::from_ppm(8);
    let plan = Plan {
        window: TimeDelta::from_secs(600),
        ..Plan::default()
    };
    let widths = each(&drifting, &plan, 20)
        .into_iter()
        .map(|(_, timing)| timing.stretches[0].bound.unwrap().width());
    let width = median(widths.collect());
    assert!(width <= us(1_050), "{width:?}");
}
