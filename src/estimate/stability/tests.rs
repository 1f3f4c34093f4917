use super::*;
use crate::estimate::{Plan, analyse};
use crate::sample::{Campaign, Event, Sink, SourceId};
use crate::sim::{Scenario, SimLeg};
use crate::stats::stability::{Level, Noise, Point, Statistic};
use crate::time::Frequency;

fn us(micros: i64) -> TimeDelta {
    TimeDelta::from_micros(micros)
}

/// Ways that take the same each time, so that phases are the clocks' alone.
fn still() -> Scenario {
    Scenario::new(SimLeg::of(us(500)), SimLeg::of(us(300)))
}

fn stability(campaign: &Campaign) -> Stability {
    let found = analyse(campaign, &Plan::default()).sources.remove(0);
    found.timing.stability.unwrap()
}

fn points(found: &Stability, statistic: Statistic) -> Vec<Point> {
    let points = found.rows.iter().flat_map(|row| &row.points);
    let of = points.filter(|point| point.statistic == statistic);
    of.copied().collect()
}

fn tau0_in_units(found: &Stability) -> f64 {
    found.tau0.as_secs_f64() / Stability::UNIT
}

#[test]
fn tau0_is_a_round_number_that_leaves_room() {
    const S: i64 = 1_000_000_000;
    for (spacing, length, expected) in [
        (S, 600 * S, 2 * S),
        (16 * S, 86_400 * S, 200 * S),
        (S, 86_400 * S, 10 * S),
        (5_000_000, 20 * S, 50_000_000),
        (0, 0, 1_000_000),
        (100, S, 1_000_000),
        // A day of a hundred exchanges a second has more steps than anybody needs.
        (10_000_000, 86_400 * S, S),
        (S, i64::MAX, 100_000 * S),
    ] {
        assert_eq!(tau0(spacing, length), expected, "{spacing}, {length}");
    }
    assert!(tau0(i64::MAX, i64::MAX) > 0);
}

/// Requests come at random instants of their steps; at 50 ppm that alone would be 25 us of noise.
#[test]
fn a_steady_rate_is_stable() {
    let mut scenario = still();
    scenario.drift = Frequency::from_ppm(50);
    let found = stability(&scenario.play(3).campaign);
    assert_eq!((found.tau0, found.missing), (TimeDelta::from_secs(2), 0));
    assert!((299..=301).contains(&found.points), "{}", found.points);
    for point in points(&found, Statistic::Oadev) {
        let deviation = point.deviation(tau0_in_units(&found)).unwrap();
        // Stamps are whole nanoseconds.
        assert!(
            deviation < 2e-9 / f64::from(u32::try_from(point.m).unwrap()),
            "{point:?}"
        );
    }
    for point in points(&found, Statistic::Mtie) {
        let peak = point.deviation(tau0_in_units(&found)).unwrap() * Stability::UNIT;
        let strayed = 50e-6 * 2.0 * f64::from(u32::try_from(point.m).unwrap());
        assert!((peak / strayed - 1.0).abs() < 1e-4, "{peak} {strayed}");
    }
}

/// The simulation wanders at random with a known Allan deviation at ten minutes.
#[test]
fn what_wanders_is_found_and_named() {
    let mut scenario = still();
    scenario.exchanges = 40_000;
    scenario.wander = Frequency::from_ppb(20);
    let found = stability(&scenario.play(1).campaign);
    let m = 64;
    let row = found.rows.iter().find(|row| row.m == m).unwrap();
    assert_eq!(
        (row.noise, found.tau0.times(64)),
        (Some(Noise::RandomWalkFm), TimeDelta::from_secs(640))
    );
    let all = points(&found, Statistic::Oadev);
    let point = all.iter().find(|point| point.m == m).unwrap();
    let interval = point
        .interval(tau0_in_units(&found), Noise::RandomWalkFm, Level::P95)
        .unwrap();
    let truth = 20e-9 * (640.0_f64 / 600.0).sqrt();
    assert!(
        interval.lower < truth && truth < interval.upper,
        "{interval:?} {truth}"
    );
}

#[test]
fn a_gap_stays_one() {
    let whole = still().play(1).campaign;
    let mut cut = Campaign::new(whole.header.clone());
    let record = &whole.sources[0];
    cut.event(&Event::Source(record.info.clone()));
    cut.event(&Event::Server(SourceId(0), *record.server().unwrap()));
    for (number, sample) in record.samples.iter().enumerate() {
        if !(200..240).contains(&number) {
            cut.event(&Event::Sample(SourceId(0), sample));
        }
    }
    let (whole, cut) = (stability(&whole), stability(&cut));
    assert_eq!(cut.points, whole.points);
    assert!((19..=21).contains(&cut.missing), "{}", cut.missing);
    let short = |found: &Stability| points(found, Statistic::Oadev)[0];
    let (one, other) = (short(&whole), short(&cut));
    assert_eq!(one.terms, one.possible);
    let lost = u64::try_from(cut.missing).unwrap() + 2;
    assert_eq!((other.terms, other.possible), (one.terms - lost, one.terms));
}

/// A step in the middle is in the phases, and does not tilt what is between them.
#[test]
fn a_step_tilts_nothing() {
    let pick = |n: i64, phase: i64| Pick {
        step: n,
        width: 0,
        x: n * 1_000,
        phase,
    };
    let picks: Vec<Pick> = (0..100)
        .map(|n| pick(n, 3_000 * n + if n < 50 { 0 } else { 1 << 40 }))
        .collect();
    assert!((slope(&picks) - 3.0).abs() < 1e-12);
    assert!(slope(&picks[..1]).abs() < f64::EPSILON);
}

#[test]
fn of_one_step_the_narrowest_counts_and_the_first_of_equals() {
    let pick = |step, width, phase| Pick {
        step,
        width,
        x: 0,
        phase,
    };
    let mut picks = Vec::new();
    for next in [
        pick(1, 9, 0),
        pick(1, 7, 1),
        pick(1, 7, 2),
        pick(2, 9, 3),
        pick(2, 10, 4),
    ] {
        Pick::join(&mut picks, next);
    }
    assert_eq!(picks, [pick(1, 7, 1), pick(2, 9, 3)]);
}

#[test]
fn a_few_exchanges_say_nothing() {
    let mut scenario = still();
    scenario.exchanges = 20;
    let found = analyse(&scenario.play(1).campaign, &Plan::default());
    assert_eq!(found.sources[0].timing.stability, None);
}
