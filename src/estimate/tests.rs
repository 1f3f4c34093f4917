//! Bounds against the plain definition and against simulated truth; warnings; threads.

use proptest::prelude::*;

use super::*;
use crate::sample::{
    Change, ClockReading, Disturbance, Event, Exchange, Leap, LossCause, Mode, Note, ReferenceId,
    Rejection, RunEnd, RunHeader, Sample, Sink, SourceId, SourceInfo, SourceKind, Timescale,
};
use crate::time::{Monotonic, Timestamp};

const SEC: i64 = 1_000_000_000;
const EPOCH: i64 = 1_763_832_000 * SEC;

fn ns(nanos: i64) -> TimeDelta {
    TimeDelta::from_nanos(nanos)
}

fn server() -> ServerInfo {
    ServerInfo {
        leap: Leap::None,
        stratum: 2,
        precision: -29,
        root_delay: ns(1_000),
        root_dispersion: ns(1_000),
        reference_id: ReferenceId([10, 0, 0, 1]),
        reference_time: None,
    }
}

fn sample(at: i64, wall: i64, offset: i64, out: i64, back: i64) -> Sample {
    Sample {
        exchange: Exchange {
            t1: Timestamp::from_nanos(at + wall),
            upper: ns(offset + out),
            residence: ns(10_000),
            lower: ns(offset - back),
            tx: StampSource::Kernel,
            rx: StampSource::Kernel,
            error: ns(1),
        },
        mode: Mode::Basic,
        at: Monotonic::from_nanos(at),
        at_error: ns(20),
    }
}

fn campaign(samples: &[Sample]) -> Campaign {
    let mut campaign = Campaign::new(RunHeader {
        timeout: TimeDelta::from_secs(1),
        ..RunHeader::default()
    });
    let id = SourceId(0);
    campaign.event(&Event::Source(
        SourceInfo {
            source: "ntp.example".to_owned(),
            address: "192.0.2.1".to_owned(),
            port: 123,
            kind: SourceKind::Ntp,
            timescale: Timescale::Utc,
            path: 0,
            local_clock: None,
        }
        .into(),
    ));
    campaign.event(&Event::Server(id, server()));
    for s in samples {
        campaign.event(&Event::Sample(id, *s));
    }
    campaign.event(&Event::End(RunEnd {
        at: Monotonic::from_nanos(0),
        interrupted: false,
    }));
    campaign
}

fn codes(campaign: &Campaign) -> Vec<WarningCode> {
    let found = analyse(campaign, &Plan::default());
    found.warnings.iter().map(|w| w.code).collect()
}

/// One bound for each sample: a series whose slots hold one sample each.
fn each(samples: &[Sample], drift: Frequency) -> Timing {
    let plan = Plan {
        drift: Some(drift),
        series_step: TimeDelta::NANOSECOND,
        ..Plan::default()
    };
    timing(samples, &plan)
}

fn timing(samples: &[Sample], plan: &Plan) -> Timing {
    analyse(&campaign(samples), plan).sources.remove(0).timing
}

/// A server, a counter and a local clock with known truth. The local clock is the counter plus
/// `wall`, the server's the counter plus `phi`; both are polygons over the counter.
struct Truth {
    wall: Vec<(i64, i64)>,
    phi: Vec<(i64, i64)>,
}

impl Truth {
    fn value(line: &[(i64, i64)], at: i64) -> i64 {
        let next = line
            .partition_point(|(t, _)| *t <= at)
            .clamp(1, line.len() - 1);
        let ((t0, v0), (t1, v1)) = (line[next - 1], line[next]);
        let share = i128::from(v1 - v0) * i128::from(at - t0) / i128::from((t1 - t0).max(1));
        v0 + i64::try_from(share).unwrap()
    }

    fn wall(&self, at: i64) -> i64 {
        at + Self::value(&self.wall, at)
    }

    fn server(&self, at: i64) -> i64 {
        at + Self::value(&self.phi, at)
    }

    fn exchange(&self, leaves: i64, out: i64, kept: i64, back: i64, misread: i64) -> Sample {
        let (arrives, replies) = (leaves + out, leaves + out + kept);
        let t1 = self.wall(leaves);
        Sample {
            exchange: Exchange {
                t1: Timestamp::from_nanos(t1),
                upper: ns(self.server(arrives) - t1),
                residence: ns(self.server(replies) - self.server(arrives)),
                lower: ns(self.server(replies) - self.wall(replies + back)),
                tx: StampSource::Kernel,
                rx: StampSource::Kernel,
                // Each polygon is cut off to whole nanoseconds.
                error: ns(2),
            },
            mode: Mode::Basic,
            at: Monotonic::from_nanos(leaves + misread),
            at_error: ns(10_000),
        }
    }
}

/// A polygon from pieces of (length in ms, slope in ppb), with `steps` of (when in ms, how far).
fn polygon(start: i64, pieces: &[(i64, i64)], steps: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut line = vec![(0, start)];
    let (mut at, mut value) = (0, start);
    for (length, slope) in pieces {
        at += length * 1_000_000;
        value += length * slope / 1_000;
        line.push((at, value));
    }
    for (when, by) in steps {
        let when = when * 1_000_000 + 13;
        let before = Truth::value(&line, when);
        let after = line.partition_point(|(t, _)| *t <= when);
        line.iter_mut().skip(after).for_each(|(_, v)| *v += by);
        line.insert(after, (when, before));
        line.insert(after + 1, (when + 1, before + by));
    }
    line
}

/// Time on the way: none to speak of, or a lot.
fn way() -> impl Strategy<Value = i64> {
    prop_oneof![0i64..1_000, 0i64..90_000_000]
}

/// Time between two requests.
fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![20_000i64..1_000_000, 1_000_000i64..900_000_000]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The truth is inside at every exchange, whatever path, server and local clock do within what
    /// the bound assumes.
    #[test]
    fn the_truth_is_always_inside(
        start in -SEC..SEC,
        slews in prop::collection::vec((100i64..5_000, -490_000i64..490_000), 40),
        wander in prop::collection::vec((100i64..5_000, -99_000i64..99_000), 40),
        // Steps that steering over one gap cannot explain, at least 2 s apart.
        steps in prop::collection::vec((0i64..2_000, prop_oneof![-50_000_000i64..-2_000_000, 2_000_000i64..50_000_000]), 0..3),
        exchanges in prop::collection::vec(
            (gap(), way(), 0i64..1_000_000, way(), -9_900i64..9_900),
            1..60),
    ) {
        let steps: Vec<_> = (0i64..).zip(&steps).map(|(i, (at, by))| (i * 4_000 + at, *by)).collect();
        let truth = Truth {
            wall: polygon(EPOCH, &slews, &steps),
            phi: polygon(EPOCH + start, &wander, &[]),
        };
        let end = truth.wall.last().unwrap().0.min(truth.phi.last().unwrap().0) - SEC;
        let mut leaves = 1_000;
        let mut sent = Vec::new();
        for (gap, out, kept, back, misread) in exchanges {
            leaves += gap;
            if leaves < end {
                sent.push((leaves, truth.exchange(leaves, out, kept, back, misread)));
            }
        }
        // A step after the last reading cannot be seen: end with an exchange that takes no time.
        let last = (leaves + SEC).min(end);
        sent.push((last, truth.exchange(last, 0, 0, 0, 0)));
        // Reversed delay within one exchange is refused before it becomes a sample.
        sent.retain(|(_, s)| s.exchange.delay() >= TimeDelta::ZERO);
        sent.sort_by_key(|(_, s)| s.exchange.t4());
        let samples: Vec<Sample> = sent.iter().map(|(_, s)| *s).collect();
        let found = each(&samples, Plan::DRIFT);
        prop_assert_eq!(&found.breaks, &[]);
        for bound in &found.series {
            let leaves = sent[bound.sample].0;
            let offset = ns(truth.server(leaves) - truth.wall(leaves));
            prop_assert!(bound.interval.contains(offset), "{offset:?} not in {bound:?}");
        }
        let distinct: std::collections::BTreeSet<_> = samples.iter().map(|s| s.at).collect();
        prop_assert_eq!(found.series.len(), distinct.len());
    }

    /// The sweeps find what the definition says: at each exchange, the intersection of what every
    /// exchange proves there. The local clock follows the counter here, so that the definition can
    /// be written down in one line.
    #[test]
    fn sweeps_agree_with_the_definition(
        exchanges in prop::collection::vec((1i64..2_000_000_000, 0i64..300_000, 0i64..300_000), 1..40),
        drift in 0i64..200_000,
    ) {
        let mut at = 0;
        let samples: Vec<Sample> = exchanges.iter().map(|(gap, out, back)| {
            at += gap;
            Sample { at_error: TimeDelta::ZERO, ..sample(at, EPOCH, 0, *out, *back) }
        }).collect();
        let drift = Frequency::from_ppb(drift);
        let found = each(&samples, drift);
        let rate = i128::from(drift.as_ppb());
        let claim = |s: &Sample| {
            let x = &s.exchange;
            let nanos = |d: TimeDelta| i128::from(d.as_nanos());
            let error = nanos(x.error) + nanos(server().precision_error());
            let elapsed = nanos(x.t4().since(x.t1));
            let fall = elapsed * 500_000 / i128::from(SEC) + 1;
            let fine = i128::from(SEC);
            // While it is out, the server may drift by as much as a clock can be steered.
            let meanwhile = rate.max(500_000) * (elapsed + fall);
            let lower = (nanos(x.lower) - error - fall) * fine - meanwhile;
            (lower, (nanos(x.upper) + error) * fine)
        };
        for bound in &found.series {
            let here = &samples[bound.sample];
            let (mut lower, mut upper) = (i128::MIN, i128::MAX);
            for other in &samples {
                let away = rate * i128::from(other.at.since(here.at).abs().as_nanos());
                let (l, u) = claim(other);
                lower = lower.max(l - away);
                upper = upper.min(u + away);
            }
            let fine = i128::from(SEC);
            // Each claim is rounded outward to whole nanoseconds first.
            let lower = lower.div_euclid(fine) - i128::from(bound.interval.lower().as_nanos());
            let upper = i128::from(bound.interval.upper().as_nanos()) + (-upper).div_euclid(fine);
            prop_assert!((0..=3).contains(&lower), "{lower}");
            prop_assert!((0..=3).contains(&upper), "{upper}");
        }
        prop_assert_eq!(found.series.len(), samples.len());
        prop_assert_eq!(found.bound.map(|b| b.interval), found.series.last().map(|b| b.interval));
    }
}

#[test]
fn a_server_that_steps_is_found_and_nothing_is_carried_over() {
    let step = |k: i64| if k < 50 { 0 } else { 5_000_000 };
    let samples: Vec<_> = (0..100)
        .map(|k| sample(k * SEC / 10, EPOCH, step(k), 50_000, 60_000))
        .collect();
    let found = each(&samples, Plan::DRIFT);
    assert_eq!(found.breaks.len(), 1);
    assert_eq!(found.breaks[0].sample, 50);
    assert_eq!(found.breaks[0].at, samples[50].exchange.t2());
    assert!(found.clock_steps.is_empty());
    for bound in &found.series {
        let truth = step(i64::try_from(bound.sample).unwrap());
        assert!(bound.interval.contains(ns(truth)), "{bound:?}");
        assert!(bound.interval.width() < TimeDelta::from_micros(120));
    }
    assert!(codes(&campaign(&samples)).contains(&WarningCode::ServerTimeMoved));
}

#[test]
fn a_local_step_is_told_once_and_keeps_the_bound() {
    // The local clock jumps an hour ahead in mid-run; the server does not.
    let hour = 3_600 * SEC;
    let samples: Vec<_> = (0..100)
        .map(|k| {
            let jumped = if k < 50 { 0 } else { hour };
            sample(k * SEC / 10, EPOCH + jumped, -jumped, 50_000, 60_000)
        })
        .collect();
    let found = each(&samples, Plan::DRIFT);
    assert!(found.breaks.is_empty());
    assert_eq!(found.clock_steps.len(), 1);
    assert_eq!(found.clock_steps[0].by, TimeDelta::from_secs(3_600));
    assert!(found.bound.unwrap().interval.contains(ns(-hour)));
    assert!(found.bound.unwrap().interval.width() < TimeDelta::from_micros(115));
    let warned = codes(&campaign(&samples));
    let told = warned
        .iter()
        .filter(|c| **c == WarningCode::LocalClockStepped);
    assert_eq!(told.count(), 1);
}

/// What a run of `samples` warns of, where the watch on the local clock found `changes`.
fn disturbed(samples: &[Sample], changes: &[Change]) -> Vec<Warning> {
    let mut run = campaign(samples);
    run.event(&Event::Clock(ClockReading::default().into()));
    for change in changes {
        let found = Disturbance {
            at: Monotonic::from_nanos(SEC),
            at_error: ns(SEC / 2),
            wall: Timestamp::from_nanos(EPOCH),
            change: change.clone(),
        };
        run.event(&Event::Disturbance(found.into()));
    }
    let mut warnings = analyse(&run, &Plan::default()).warnings;
    warnings.retain(|w| w.source.is_none() && w.code != WarningCode::FewSamples);
    warnings.retain(|w| w.code != WarningCode::Truncated);
    warnings
}

/// The local clock jumps 50 ms ahead in mid-run.
fn jumping() -> Vec<Sample> {
    let jumped = |k| if k < 50 { 0 } else { SEC / 20 };
    (0..100)
        .map(|k| sample(k * SEC / 10, EPOCH + jumped(k), -jumped(k), 50_000, 60_000))
        .collect()
}

#[test]
fn a_step_that_the_watch_and_the_exchanges_saw_is_told_once_as_the_watch_knows_it() {
    let by = ns(SEC / 20 + 17);
    let step = Change::Step { by, error: ns(100) };
    let told = disturbed(&jumping(), &[step]);
    let [one] = &told[..] else { panic!("{told:?}") };
    assert_eq!(one.code, WarningCode::LocalClockStepped);
    assert!(one.text.contains("stepped once") && one.text.contains("+50.000 ms"));
    assert!(!one.text.contains("500 ppm"), "{}", one.text);
}

#[test]
fn a_move_that_has_another_name_is_no_step() {
    let length = TimeDelta::from_secs(30);
    for (change, code) in [
        (Change::Suspend { length }, WarningCode::Suspended),
        (
            Change::LeapSecond { leap: Leap::Insert },
            WarningCode::LeapSecond,
        ),
    ] {
        let told = disturbed(&jumping(), &[change]);
        assert_eq!(told.iter().map(|w| w.code).collect::<Vec<_>>(), [code]);
    }
}

#[test]
fn what_the_exchanges_alone_saw_is_told_by_them() {
    let told = disturbed(&jumping(), &[]);
    let [one] = &told[..] else { panic!("{told:?}") };
    assert_eq!(one.code, WarningCode::LocalClockStepped);
    assert!(one.text.contains("or slewed faster than 500 ppm, once"));
}

#[test]
fn a_stall_is_told_apart_from_a_wrong_clock() {
    let calm: Vec<_> = (0..10)
        .map(|k| sample(k * SEC / 10, EPOCH, 0, 50_000, 60_000))
        .collect();
    let stall = |length| Change::Stall {
        length: TimeDelta::from_millis(length),
        run_delay: Some(TimeDelta::from_millis(7)),
    };
    let stalls = [stall(150), stall(2_000), stall(400)];
    let told = disturbed(&calm, &stalls);
    let [one] = &told[..] else { panic!("{told:?}") };
    assert_eq!(one.code, WarningCode::Stalled);
    for words in [
        "held up 3 times",
        "2.000 s",
        "no error of the clock",
        "all exchanges are stamped by the kernel, which did not wait for it",
    ] {
        assert!(one.text.contains(words), "{words}: {}", one.text);
    }
    // Where the program stamped itself, that is said.
    let mut mixed = calm;
    mixed[3].exchange.tx = StampSource::User;
    let told = disturbed(&mixed, &stalls);
    assert!(
        told[0].text.contains("own stamps (1) may be late"),
        "{told:?}"
    );
}

#[test]
fn settings_that_time_daemons_change_all_the_time_are_no_warning() {
    let (from, to) = (Frequency::from_ppm(1), Frequency::from_ppm(90));
    let error = Frequency::default();
    let quiet = [
        Change::Frequency { from, to },
        Change::Slew { from, to, error },
    ];
    assert_eq!(disturbed(&[], &quiet), []);
}

#[test]
fn one_good_exchange_serves_the_whole_run() {
    // Delay 2 ms everywhere but once.
    let samples: Vec<_> = (0..10)
        .map(|k| {
            let way = if k == 3 { 10_000 } else { 1_000_000 };
            sample(k * SEC, EPOCH, 7_000, way, way)
        })
        .collect();
    let last = each(&samples, Plan::DRIFT).bound.unwrap();
    // 20 us, and 100 ppm over 6 s on both sides; the sum of all others is no better than 2 ms.
    let width = last.interval.width();
    assert!(width > TimeDelta::from_micros(1_219) && width < TimeDelta::from_micros(1_222));
    assert!(last.interval.contains(ns(7_000)));
    let plan = Plan::default();
    let slots = timing(&samples, &plan).series;
    assert_eq!(slots.len(), 1);
    assert_eq!(slots[0].sample, 3);
}

#[test]
fn absurd_values_do_not_overflow() {
    let mut wild = sample(i64::MAX, i64::MIN, 0, 1, 1);
    wild.exchange.upper = TimeDelta::MAX;
    wild.exchange.lower = TimeDelta::MIN;
    wild.exchange.residence = TimeDelta::MAX;
    wild.exchange.error = TimeDelta::MAX;
    wild.at_error = TimeDelta::MAX;
    let mut reversed = sample(i64::MIN, i64::MAX, 0, 1, 1);
    reversed.exchange.upper = TimeDelta::MIN;
    reversed.exchange.lower = TimeDelta::MAX;
    let samples = [wild, reversed, sample(0, EPOCH, 0, 1, 1)];
    assert!(
        each(&samples, Frequency::from_ppb(i64::MAX))
            .bound
            .is_some()
    );
    let assessed = analyse(&campaign(&samples), &Plan::default());
    assert_eq!(assessed.sources[0].valid, 3);
    let mut impossible = sample(0, EPOCH, 0, 1, 1);
    impossible.exchange.upper = ns(-50_000);
    let found = each(&[impossible], Plan::DRIFT);
    assert_eq!((found.contradictory, found.bound), (1, None));
}

#[test]
fn classes_are_ordered_and_never_pooled() {
    let mut samples: Vec<_> = (0..10).map(|k| sample(k, EPOCH, 0, 1, 1)).collect();
    for (k, s) in samples.iter_mut().enumerate() {
        (s.exchange.tx, s.exchange.rx) = match k {
            0..4 => (StampSource::User, StampSource::User),
            4..8 => (StampSource::Kernel, StampSource::Kernel),
            _ => (StampSource::Kernel, StampSource::User),
        };
    }
    let found = analyse(&campaign(&samples), &Plan::default());
    let classes: Vec<_> = found.sources[0]
        .classes
        .iter()
        .map(|c| (c.class.to_string(), c.offset.n))
        .collect();
    let wanted = [("BKK", 4), ("BUU", 4), ("BKU", 2)];
    assert_eq!(classes, wanted.map(|(c, n)| (c.to_owned(), n)));
    assert_eq!(
        found.sources[0].tx,
        StampCounts {
            hardware: 0,
            kernel: 6,
            user: 4,
            foreign: 0,
        }
    );
    assert!(
        found
            .warnings
            .iter()
            .any(|w| w.code == WarningCode::MixedStamps)
    );
}

#[test]
fn what_went_wrong_is_warned_of() {
    let mut c = campaign(&[]);
    let (id, now) = (SourceId(0), Monotonic::from_nanos(0));
    for _ in 0..3 {
        c.event(&Event::Lost(id, now, LossCause::Timeout));
        c.event(&Event::Note(
            Some(id),
            now,
            Note::Unreachable {
                error: "refused".to_owned(),
            },
        ));
    }
    c.event(&Event::Rejected(id, now, Rejection::Unsynchronised, 2));
    c.event(&Event::Server(
        id,
        ServerInfo {
            leap: Leap::Insert,
            root_delay: ns(3 * SEC),
            ..server()
        },
    ));
    c.end = None;
    let found = analyse(&c, &Plan::default());
    let told: Vec<_> = found
        .warnings
        .iter()
        .map(|w| (w.code, w.source.is_some()))
        .collect();
    assert_eq!(
        told,
        [
            (WarningCode::Truncated, false),
            (WarningCode::NoSample, true),
            (WarningCode::Rejected, true),
            (WarningCode::LeapAnnounced, true),
            (WarningCode::LeapAlarm, true),
            (WarningCode::DistantRoot, true),
            (WarningCode::Unreachable, true),
        ]
    );
    assert!(found.warnings.last().unwrap().text.ends_with("(3 times)"));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let mut many = campaign(&[]);
    for k in 1..40u32 {
        let info = many.sources[0].info.clone();
        many.event(&Event::Source(info));
        many.event(&Event::Server(SourceId(k), server()));
        for j in 0..i64::from(k) * 7 {
            let noise = (j * 7_919) % 10_007;
            many.event(&Event::Sample(
                SourceId(k),
                sample(j * SEC / 10, EPOCH, noise, 9_000, 8_000),
            ));
        }
    }
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| analyse(&many, &Plan::default()))
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(16));
}

/// A step between two exchanges has a slope, too; it is none that a clock drifts at.
#[test]
fn a_step_between_two_exchanges_is_no_drift() {
    let steps = |every: i64, by: i64| -> Vec<Sample> {
        (0..200)
            .map(|i: i64| {
                let moved = (i + every - 1) / every;
                sample(i * 64 * SEC, EPOCH, moved * by, 200_000, 200_000)
            })
            .collect()
    };
    for (every, by, breaks) in [(1_000, -SEC, 1), (1_000, SEC / 20, 1), (10, SEC / 20, 19)] {
        let found = timing(&steps(every, by), &Plan::default());
        assert!(
            found.allowance.drift.widest() <= Plan::DRIFT,
            "{:?}",
            found.allowance
        );
        assert!(
            found.breaks.len() >= breaks,
            "{every}: {}",
            found.breaks.len()
        );
    }
    // What explains a whole run is one.
    let fast: Vec<Sample> = (0..20)
        .map(|i| sample(i * 64 * SEC, EPOCH, i * SEC / 50, 200_000, 200_000))
        .collect();
    let found = timing(&fast, &Plan::default());
    assert_eq!(
        (found.allowance.basis, found.breaks.len()),
        (Basis::Measured, 0)
    );
}

/// An exchange every seventeen minutes, so that a stretch takes hours, and a rate that changes within one.
#[test]
fn a_bend_leaves_no_narrow_estimate_behind() {
    let (per, rates) = (1_024 * SEC, [-3, 17]);
    for (kink, seed) in [
        (280, 7_919),
        (323, 104_729),
        (345, 1_299_709),
        (310, 15_485_863),
    ] {
        let truth = |i: i64| {
            let (before, after) = (i.min(kink), (i - kink).max(0));
            (before * rates[0] + after * rates[1]) * per / 1_000_000
        };
        let queue = |i: i64| (i * seed % 1_000_003) * (i * seed % 97) * 5 / 1_000;
        let samples: Vec<Sample> = (0..590)
            .map(|i| {
                let (out, back) = (10_000_000 + queue(i), 10_000_000 + queue(i + 7));
                sample(i * per, EPOCH, truth(i), out, back)
            })
            .collect();
        let found = timing(&samples, &Plan::default());
        let estimates: Vec<&Estimate> = found
            .stretches
            .iter()
            .filter_map(|s| s.estimate.as_ref())
            .collect();
        assert!(estimates.len() >= 14, "{kink}: {}", estimates.len());
        for estimate in estimates {
            let at = estimate.at.as_nanos() - EPOCH;
            let off = (estimate.offset - ns(truth((at + per / 2) / per))).abs();
            // A few times what 24 exchanges with queues of a quarter of a millisecond allow.
            assert!(off < ns(300_000), "{kink}: {off:?} {estimate:?}");
            assert!(estimate.hidden >= ns(10_000_000), "{kink}: {estimate:?}");
            assert!(
                estimate.interval.width() > ns(10_000),
                "{kink}: {estimate:?}"
            );
        }
    }
}
