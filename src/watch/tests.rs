//! A host in virtual time, with clocks of known truth, held against what the watch finds.

use super::*;
use crate::sample::{Discipline, DisturbanceKind as Kind, Steal};
use crate::time::Timestamp;
use proptest::prelude::*;

const START: i128 = 1_795_000_000_000_000_000;
const SEC: i64 = 1_000_000_000;
/// Parts of a nanosecond in which the host's clocks are kept, so that rates come out whole.
const FINE: i128 = 1_000_000_000;
/// The counter is this much slow, as counters are.
const COUNTER_PPB: i128 = -37_400;

fn ms(n: i64) -> TimeDelta {
    TimeDelta::from_millis(n)
}

fn secs(n: i64) -> TimeDelta {
    TimeDelta::from_secs(n)
}

fn ppm(n: i64) -> Frequency {
    Frequency::from_ppm(n)
}

/// Steele, Lea and Flood's SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        i64::try_from(z >> 1).unwrap() % limit
    }
}

/// A host whose clocks are what they are told to be.
struct Host {
    watch: Watch,
    dice: Dice,
    counter: i128,
    monotonic: i128,
    wall_ahead: i128,
    asleep: i128,
    /// What the kernel runs its clock at, against true time.
    rate: i128,
    steal: TimeDelta,
    run_delay: TimeDelta,
    discipline: Discipline,
    clocksource: &'static str,
    /// How often clocks are read in pairs between two readings.
    pairs: i64,
    /// Whether nobody interrupts a reading.
    calm: bool,
}

impl Host {
    fn new(seed: u64) -> Self {
        let mut host = Self {
            watch: Watch::default(),
            dice: Dice(seed),
            counter: 1_000 * i128::from(SEC) * FINE,
            monotonic: 990 * i128::from(SEC) * FINE,
            wall_ahead: START * FINE,
            asleep: 5 * i128::from(SEC) * FINE,
            rate: 0,
            steal: TimeDelta::ZERO,
            run_delay: TimeDelta::ZERO,
            discipline: Discipline {
                tick: ms(10),
                status: 0x2001,
                tai_minus_utc: secs(37),
                ..Discipline::default()
            },
            clocksource: "tsc",
            pairs: 20,
            calm: false,
        };
        host.read();
        host
    }

    /// True time passes.
    fn pass(&mut self, time: TimeDelta) {
        let time = i128::from(time.as_nanos());
        self.counter += time * (FINE + COUNTER_PPB);
        self.monotonic += time * (FINE + self.rate);
    }

    fn counter(&self) -> Monotonic {
        Monotonic::from_nanos(i64::try_from(self.counter / FINE).unwrap())
    }

    fn wall(&self) -> Timestamp {
        let wall = (self.monotonic + self.wall_ahead) / FINE;
        Timestamp::from_nanos(i64::try_from(wall).unwrap())
    }

    fn step(&mut self, by: TimeDelta) {
        self.wall_ahead += i128::from(by.as_nanos()) * FINE;
    }

    fn suspend(&mut self, time: TimeDelta) {
        self.step(time);
        self.asleep += i128::from(time.as_nanos()) * FINE;
    }

    /// All clocks, one after the other within a window; now and then somebody interrupts.
    fn reading(&mut self) -> ClockReading {
        let error = match self.dice.below(20) {
            0 if !self.calm => 1_000 + self.dice.below(30_000),
            _ => 25 + self.dice.below(60),
        };
        // In this order.
        let mut within = || TimeDelta::from_nanos(self.dice.below(2 * error + 1) - error);
        let mut when = [within(), within(), within()];
        when.sort();
        let [wall, monotonic, boottime] = when;
        let since_boot = TimeDelta::from_nanos(i64::try_from(self.monotonic / FINE).unwrap());
        let asleep = TimeDelta::from_nanos(i64::try_from(self.asleep / FINE).unwrap());
        ClockReading {
            clocks: Reading {
                wall: self.wall() + wall,
                counter: self.counter(),
                error: TimeDelta::from_nanos(error),
            },
            monotonic: since_boot + monotonic,
            boottime: Some(since_boot + asleep + boottime),
            discipline: Some(self.discipline),
            clocksource: Some(self.clocksource.into()),
            steal: Some(Steal {
                total: self.steal,
                processors: 2,
            }),
            run_delay: Some(self.run_delay),
            load: None,
        }
    }

    fn read(&mut self) {
        let reading = self.reading();
        self.watch.handle_reading(&reading);
    }

    fn pair(&mut self) {
        let pair = self.reading().clocks;
        self.watch.handle_pair(pair);
        if self.watch.wants_reading() {
            self.pass(TimeDelta::from_micros(30));
            self.read();
        }
    }

    /// A second, or the part of it that an `incident` at `after` leaves, as the sampler spends it.
    fn second(&mut self) {
        self.second_with(TimeDelta::ZERO, |_| {});
    }

    fn second_with(&mut self, after: TimeDelta, incident: impl FnOnce(&mut Self)) {
        let mut incident = Some(incident);
        let mut passed = TimeDelta::ZERO;
        for n in 1..=self.pairs {
            let next = TimeDelta::from_nanos(SEC / self.pairs * n);
            if after < next
                && let Some(incident) = incident.take()
            {
                self.pass(after - passed);
                passed = after;
                incident(self);
            }
            self.pass(next - passed);
            passed = next;
            if n < self.pairs {
                self.pair();
            }
        }
        self.read();
    }

    fn seconds(&mut self, n: i64) {
        (0..n).for_each(|_| self.second());
    }

    fn end(mut self) -> Vec<Disturbance> {
        self.watch.handle_end();
        std::iter::from_fn(|| self.watch.poll_disturbance()).collect()
    }
}

fn kinds(found: &[Disturbance]) -> Vec<Kind> {
    found.iter().map(|d| d.change.kind()).collect()
}

/// What the watch finds of a clock's rate is against a counter that is slow.
fn against_counter(rate: Frequency) -> i64 {
    rate.as_ppb() - i64::try_from(COUNTER_PPB).unwrap()
}

#[test]
fn a_noisy_clock_that_chronyd_keeps_gives_no_alarm() {
    for seed in 0..5 {
        let mut host = Host::new(seed);
        let mut usual = 12_000;
        for n in 0..1_000 {
            if n % 4 == 0 {
                // chronyd follows the crystal, and corrects what is left of the offset for a second.
                usual += host.dice.below(101) - 50;
                let correction = host.dice.below(8_001) - 4_000;
                host.rate = i128::from(usual + correction);
                host.discipline.frequency = Frequency::from_ppb(usual + correction);
            } else if n % 4 == 1 {
                host.rate = i128::from(usual);
                host.discipline.frequency = Frequency::from_ppb(usual);
            }
            // A busy machine: it wakes late, waits for its processor, and is robbed a little.
            let (due, late) = (host.counter(), host.dice.below(95));
            host.watch.handle_wake(due + ms(-300), due, due + ms(late));
            host.run_delay += ms(late);
            host.steal += ms(host.dice.below(9) * 10);
            host.second();
        }
        let found = host.end();
        let loud: Vec<_> = found
            .iter()
            .filter(|d| d.change.kind() != Kind::Frequency)
            .collect();
        assert!(loud.is_empty(), "seed {seed}: {loud:?}");
        // What the kernel was told is there to be looked at.
        assert!(found.len() > 50, "{}", found.len());
    }
}

proptest! {
    #[test]
    fn a_step_is_found_with_its_size_and_its_instant(
        seed: u64, forward: bool, nanos in 0u32..50, fraction in 0i64..1_000_000_000,
        pairs in 1i64..40, rate in -200_000i128..200_000,
    ) {
        let mut host = Host::new(seed);
        (host.pairs, host.rate) = (pairs, rate);
        host.seconds(4);
        // Evenly over the orders of magnitude, from twice what an interrupted reading is off by.
        let by = TimeDelta::from_nanos(127_000 + (1i64 << nanos) * 1_000);
        let by = if forward { by } else { -by };
        let mut when = Monotonic::default();
        host.second_with(TimeDelta::from_nanos(fraction), |host| {
            host.step(by);
            when = host.counter();
        });
        host.seconds(4);
        let found = host.end();
        prop_assert_eq!(kinds(&found), [Kind::Step], "{:?}", found);
        let Change::Step { by: told, error } = found[0].change else { unreachable!() };
        prop_assert!((told - by).abs() <= error, "{told:?} {by:?} {error:?}");
        prop_assert!(error < TimeDelta::from_micros(63));
        let off = found[0].at.since(when).abs();
        prop_assert!(off <= found[0].at_error, "{off:?} {:?}", found[0]);
        // What steering cannot hide is known to the gap between two pairs.
        if by.abs() > ms(1) {
            let gap = TimeDelta::from_nanos(SEC / pairs);
            prop_assert!(found[0].at_error <= gap.midpoint(TimeDelta::ZERO) + TimeDelta::from_micros(90));
        }
    }

    #[test]
    fn a_slew_is_found_with_its_rate_and_its_instants(
        seed: u64, size in 25i64..500, forward: bool, usual in -100_000i64..100_000,
        began in 0i64..1_000_000_000, ended in 0i64..1_000_000_000, lasted in 2i64..8,
    ) {
        let mut host = Host::new(seed);
        (host.rate, host.calm) = (usual.into(), true);
        host.seconds(5);
        let slewed = usual + if forward { size } else { -size } * 1_000;
        let mut when = [Monotonic::default(); 2];
        host.second_with(TimeDelta::from_nanos(began), |host| {
            host.rate = slewed.into();
            when[0] = host.counter();
        });
        host.seconds(lasted);
        host.second_with(TimeDelta::from_nanos(ended), |host| {
            host.rate = usual.into();
            when[1] = host.counter();
        });
        host.seconds(5);
        let found = host.end();
        prop_assert_eq!(kinds(&found), [Kind::Slew, Kind::Slew], "{:?}", found);
        let rates = [(usual, slewed), (slewed, usual)];
        for ((disturbance, when), (from, to)) in found.iter().zip(when).zip(rates) {
            let Change::Slew { from: a, to: b, error } = disturbance.change else { unreachable!() };
            prop_assert!(error <= ppm(2));
            for (told, truth) in [(a, from), (b, to)] {
                let off = told.as_ppb() - against_counter(Frequency::from_ppb(truth));
                // The counter's own seconds are a little longer.
                prop_assert!(off.abs() <= error.as_ppb() + 50, "{off} {disturbance:?}");
            }
            let off = disturbance.at.since(when).abs();
            prop_assert!(off <= disturbance.at_error, "{off:?} {disturbance:?}");
            // Five errors of 0.17 ppm each.
            prop_assert!(disturbance.at_error < ms(1 + 1_000 / size));
        }
    }

    #[test]
    fn whatever_is_read_nothing_panics(
        readings in prop::collection::vec((any::<[i64; 8]>(), any::<u32>(), any::<bool>()), 0..20),
    ) {
        let mut watch = Watch::default();
        let ns = TimeDelta::from_nanos;
        for ([wall, counter, error, monotonic, a, b, c, d], status, whole) in readings {
            let clocks = Reading {
                wall: Timestamp::from_nanos(wall),
                counter: Monotonic::from_nanos(counter),
                error: ns(error),
            };
            watch.handle_pair(clocks);
            let at = Monotonic::from_nanos;
            watch.handle_wake(at(a), at(b), at(c));
            watch.handle_reading(&ClockReading {
                clocks,
                monotonic: ns(monotonic),
                boottime: whole.then_some(ns(a)),
                discipline: whole.then_some(Discipline {
                    frequency: Frequency::from_ppb(b),
                    tick: ns(c),
                    status,
                    tai_minus_utc: ns(d),
                    ..Discipline::default()
                }),
                clocksource: whole.then(|| status.to_string()),
                steal: whole.then_some(Steal { total: ns(c), processors: status }),
                run_delay: whole.then_some(ns(d)),
                load: None,
            });
        }
        watch.handle_end();
        while watch.poll_disturbance().is_some() {}
    }
}

#[test]
fn poor_readings_cost_precision_and_no_slew() {
    for seed in 0..300 {
        let mut host = Host::new(seed);
        host.seconds(5);
        let mut when = [Monotonic::default(); 2];
        for (instant, rate) in when.iter_mut().zip([100_000, 0]) {
            host.second_with(ms(700), |host| {
                host.rate = rate;
                *instant = host.counter();
            });
            host.seconds(6);
        }
        let found = host.end();
        assert_eq!(
            kinds(&found),
            [Kind::Slew, Kind::Slew],
            "seed {seed}: {found:?}"
        );
        for (disturbance, when) in found.iter().zip(when) {
            let off = disturbance.at.since(when).abs();
            assert!(off <= disturbance.at_error, "seed {seed}: {disturbance:?}");
            assert!(
                disturbance.at_error < ms(200),
                "seed {seed}: {disturbance:?}"
            );
        }
    }
}

#[test]
fn a_slew_within_a_second_is_told_as_come_and_gone() {
    let mut host = Host::new(1);
    host.calm = true;
    host.seconds(5);
    host.second_with(ms(400), |host| {
        host.rate = 400_000;
        host.pass(ms(200));
        host.rate = 0;
    });
    host.seconds(5);
    let found = host.end();
    assert_eq!(kinds(&found), [Kind::Slew, Kind::Slew]);
    let Change::Slew { from, to, .. } = found[0].change else {
        unreachable!()
    };
    // 80 us in 1.2 s.
    let by = to.as_ppb() - from.as_ppb();
    assert!((66_000..=67_500).contains(&by), "{found:?}");
    assert!(found.iter().all(|d| d.at_error >= ms(500)));
}

#[test]
fn a_slew_faster_than_the_kernels_does_not_bring_a_reading_for_each_pair() {
    let mut host = Host::new(1);
    host.seconds(3);
    host.rate = 83_333_000;
    for _ in 0..10 {
        let mut readings = 0;
        for _ in 0..host.pairs {
            host.pass(ms(50));
            let pair = host.reading().clocks;
            host.watch.handle_pair(pair);
            if host.watch.wants_reading() {
                readings += 1;
                host.read();
            }
        }
        assert!(readings <= 1, "{readings}");
        host.read();
    }
    host.rate = 0;
    host.seconds(3);
    assert_eq!(kinds(&host.end()), [Kind::Slew, Kind::Slew]);
}

#[test]
fn a_slew_that_goes_on_at_the_end_is_told() {
    let mut host = Host::new(1);
    host.seconds(5);
    host.second_with(ms(0), |host| host.rate = 200_000);
    assert_eq!(kinds(&host.end()), [Kind::Slew]);
}

#[test]
fn a_rate_that_creeps_is_told_when_it_got_somewhere() {
    let mut host = Host::new(3);
    for _ in 0..60 {
        host.rate += 1_000;
        host.second();
    }
    let found = host.end();
    assert!((3..=6).contains(&found.len()), "{found:?}");
    assert!(kinds(&found).iter().all(|kind| *kind == Kind::Slew));
}

#[test]
fn a_step_and_a_slew_in_one_second_are_told_apart() {
    let mut host = Host::new(9);
    host.seconds(5);
    let by = TimeDelta::from_micros(-300);
    host.second_with(ms(300), |host| {
        host.step(by);
        host.rate = 400_000;
    });
    host.seconds(5);
    let found = host.end();
    assert_eq!(kinds(&found), [Kind::Step, Kind::Slew]);
    let Change::Step { by: told, error } = found[0].change else {
        unreachable!()
    };
    assert!((told - by).abs() <= error && error < TimeDelta::from_micros(63));
}

#[test]
fn a_suspend_is_no_step_and_a_step_after_it_is_one() {
    for (by, expected) in [
        (TimeDelta::ZERO, &[Kind::Suspend][..]),
        (ms(-7), &[Kind::Suspend, Kind::Step]),
    ] {
        let mut host = Host::new(2);
        host.seconds(3);
        host.second_with(ms(500), |host| {
            host.suspend(secs(3_000));
            host.step(by);
        });
        host.seconds(3);
        let found = host.end();
        assert_eq!(kinds(&found), expected, "{found:?}");
        let Change::Suspend { length } = found[0].change else {
            unreachable!()
        };
        assert!((length - secs(3_000)).abs() < TimeDelta::from_micros(63));
        assert!(found[0].at_error < ms(30));
    }
}

#[test]
fn a_stall_is_told_with_what_of_it_was_waiting_for_a_processor() {
    let mut host = Host::new(4);
    host.seconds(3);
    host.run_delay += ms(200);
    let (waiting, due) = (host.counter(), host.counter() + ms(5));
    host.pass(secs(2));
    host.watch.handle_wake(waiting, due, host.counter());
    // A second, shorter one does not replace it.
    let now = host.counter();
    host.watch.handle_wake(now, now, now + ms(150));
    assert!(host.watch.wants_reading());
    host.read();
    assert!(!host.watch.wants_reading());
    host.seconds(3);
    let found = host.end();
    let [stall] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((stall.at, stall.at_error), (due, ms(5)));
    let Change::Stall { length, run_delay } = stall.change else {
        panic!("{stall:?}")
    };
    assert!((length - ms(1_995)).abs() < TimeDelta::from_micros(100));
    assert_eq!(run_delay, Some(ms(200)));
}

/// It may have been stopped anywhere in its work.
#[test]
fn a_stall_at_work_is_told_with_what_its_instant_may_be_off_by() {
    let mut host = Host::new(4);
    host.seconds(3);
    let begun = host.counter();
    host.watch.handle_work(begun, begun + ms(99));
    assert!(!host.watch.wants_reading());
    host.run_delay += ms(700);
    host.pass(secs(2));
    host.watch.handle_work(begun, host.counter());
    assert!(host.watch.wants_reading());
    host.read();
    host.seconds(3);
    let found = host.end();
    let [stall] = &found[..] else {
        panic!("{found:?}")
    };
    let Change::Stall { length, run_delay } = stall.change else {
        panic!("{stall:?}")
    };
    assert!((length - secs(2)).abs() < TimeDelta::from_micros(100));
    assert_eq!((stall.at, stall.at_error), (begun, length));
    assert_eq!(run_delay, Some(ms(700)));
}

#[test]
fn a_wait_that_began_too_late_is_no_stall() {
    let mut watch = Watch::default();
    let now = Monotonic::from_nanos(SEC);
    // Due long ago, since there was much else to do.
    watch.handle_wake(now, now + secs(-1), now + ms(99));
    assert!(!watch.wants_reading());
    watch.handle_wake(now, now + secs(-1), now + ms(101));
    assert!(watch.wants_reading());
}

#[test]
fn what_the_hypervisor_steals_is_told_from_a_share_on() {
    // Of two processors: 4 %, then 30 % for 10 s, then 4 % again.
    let mut host = Host::new(5);
    for stolen in [80, 80, 80].into_iter().chain([600; 10]).chain([80; 5]) {
        host.steal += ms(stolen);
        host.second();
    }
    let found = host.end();
    let [steal] = &found[..] else {
        panic!("{found:?}")
    };
    let Change::Steal {
        stolen,
        within,
        processors,
    } = steal.change
    else {
        panic!("{steal:?}")
    };
    assert_eq!((stolen, processors), (secs(6), 2));
    assert!((within - secs(10)).abs() < ms(1), "{within:?}");
}

#[test]
fn a_theft_that_never_ends_is_told_each_minute_and_at_the_end() {
    let mut host = Host::new(6);
    for _ in 0..150 {
        host.steal += ms(500);
        host.second();
    }
    let found = host.end();
    let stolen = found.iter().map(|d| match d.change {
        Change::Steal { stolen, .. } => stolen,
        ref other => panic!("{other:?}"),
    });
    let stolen = stolen.fold(TimeDelta::ZERO, |sum, stolen| sum + stolen);
    assert_eq!((found.len(), stolen), (3, secs(75)));
}

#[test]
fn settings_that_change_are_told_with_both_values() {
    let mut host = Host::new(7);
    host.seconds(2);
    host.clocksource = "hpet";
    host.discipline.tick = TimeDelta::from_micros(10_003);
    host.discipline.tai_minus_utc = secs(38);
    host.second();
    // Less than what is told, twice: then it is.
    for _ in 0..2 {
        host.discipline.frequency = Frequency::from_ppb(host.discipline.frequency.as_ppb() + 600);
        host.second();
    }
    let found: Vec<_> = host.end().into_iter().map(|d| d.change).collect();
    assert_eq!(
        found,
        [
            Change::Clocksource {
                from: "tsc".into(),
                to: "hpet".into()
            },
            Change::Frequency {
                from: ppm(0),
                to: ppm(300)
            },
            Change::TaiOffset {
                from: secs(37),
                to: secs(38)
            },
            Change::Frequency {
                from: ppm(300),
                to: Frequency::from_ppb(301_200)
            },
        ]
    );
}

#[test]
fn a_leap_second_is_announced_and_made_and_is_no_step() {
    for (bits, leap, by) in [(0x10, Leap::Insert, -1), (0x20, Leap::Delete, 1)] {
        let mut host = Host::new(8);
        host.seconds(2);
        host.discipline.status |= bits;
        host.seconds(3);
        host.second_with(ms(300), |host| {
            host.step(secs(by));
            host.discipline.tai_minus_utc = host.discipline.tai_minus_utc - secs(by);
        });
        host.seconds(2);
        let found: Vec<_> = host.end().into_iter().map(|d| d.change).collect();
        let (from, to) = (secs(37), secs(37 - by));
        assert_eq!(
            found,
            [
                Change::LeapAnnounced { leap },
                Change::LeapSecond { leap },
                Change::TaiOffset { from, to },
            ]
        );
    }
    // Announced before the run began.
    let mut host = Host::new(8);
    host.watch = Watch::default();
    host.discipline.status |= 0x10;
    host.seconds(3);
    assert_eq!(kinds(&host.end()), [Kind::LeapAnnounced]);
}

#[test]
fn a_second_set_back_without_announcement_is_a_step() {
    let mut host = Host::new(8);
    host.seconds(2);
    host.second_with(ms(300), |host| host.step(secs(-1)));
    assert_eq!(kinds(&host.end()), [Kind::Step]);
}

#[test]
fn a_host_that_hides_most_is_watched_for_steps_all_the_same() {
    let mut watch = Watch::default();
    for n in 0..10i64 {
        let by = if n < 5 { TimeDelta::ZERO } else { ms(3) };
        watch.handle_reading(&ClockReading {
            clocks: Reading {
                wall: Timestamp::from_nanos(n * SEC) + by,
                counter: Monotonic::from_nanos(n * SEC),
                error: TimeDelta::from_nanos(50),
            },
            monotonic: secs(n),
            ..ClockReading::default()
        });
    }
    watch.handle_end();
    let found: Vec<_> = std::iter::from_fn(|| watch.poll_disturbance()).collect();
    assert_eq!(kinds(&found), [Kind::Step]);
    assert_eq!(found[0].at, Monotonic::from_nanos(4 * SEC + SEC / 2));
}
