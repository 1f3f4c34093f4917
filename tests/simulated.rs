//! What cannot be done to a real host: its clock stepped by hours in mid-run, and every kind of bad
//! path, in virtual time and with known truth. The association, the campaign and the analysis are
//! the real ones; only packets and clocks are simulated.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows test functions, not the helpers between them"
)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use clockfit::association::{Association, ModePolicy, Sent};
use clockfit::estimate::{Assessment, Plan, WarningCode, analyse};
use clockfit::responder::{Config, Responder};
use clockfit::sample::{
    Campaign, Mode, Reading, RunEnd, RunHeader, Sample, Sink, SourceId, SourceInfo, SourceKind,
    Stamp, StampSource, Timescale,
};
use clockfit::sample::{Event, Rejection};
use clockfit::sim::{Arrival, PerMillion, Sim, SimClock, SimLeg, SimServer};
use clockfit::time::{Frequency, Monotonic, TimeDelta, Timestamp};
use clockfit::wire::Packet;

const START: Timestamp = Timestamp::from_nanos(1_795_000_000_000_000_000);
const TIMEOUT: TimeDelta = TimeDelta::from_secs(1);
/// From the reading before the send call to the packet's leaving.
const CALL: TimeDelta = TimeDelta::from_micros(3);
/// What the server is ahead of true time by.
const LIE: TimeDelta = TimeDelta::from_millis(50);

fn us(n: i64) -> TimeDelta {
    TimeDelta::from_micros(n)
}

fn ms(n: i64) -> TimeDelta {
    TimeDelta::from_millis(n)
}

/// A run in virtual time: the counter is right, the local clock is whatever it is told to be.
struct Run {
    sim: Sim,
    clock: SimClock,
    association: Association,
    campaign: Campaign,
    /// Arrivals by the nonce they answer, first ones only, and how long each took.
    first: BTreeMap<u64, Arrival>,
    /// The truth of a sample, found by its T1.
    by_t1: HashMap<Timestamp, u64>,
    stamps_late: bool,
    /// Transmit stamps that are delivered with the next arrival.
    held: Vec<(u32, Stamp)>,
}

fn counter(truth: Timestamp) -> Monotonic {
    Monotonic::default() + truth.since(START) + TimeDelta::from_secs(1_000)
}

fn truth_of(counter: Monotonic) -> Timestamp {
    START + counter.since(Monotonic::default() + TimeDelta::from_secs(1_000))
}

impl Run {
    fn new(sim: Sim, clock: SimClock) -> Self {
        Self::asking(ModePolicy::Basic, sim, clock)
    }

    fn asking(policy: ModePolicy, sim: Sim, clock: SimClock) -> Self {
        let mut campaign = Campaign::new(RunHeader {
            timeout: TIMEOUT,
            ..RunHeader::default()
        });
        campaign.event(&Event::Source(Arc::new(SourceInfo {
            source: "simulated".into(),
            address: "192.0.2.1".into(),
            port: 123,
            kind: SourceKind::Ntp,
            timescale: Timescale::Unknown,
            path: 0,
            local_clock: None,
        })));
        Self {
            sim,
            clock,
            association: Association::new(SourceId(0), policy, TIMEOUT),
            campaign,
            first: BTreeMap::new(),
            by_t1: HashMap::new(),
            stamps_late: false,
            held: Vec::new(),
        }
    }

    /// Sends `n` requests, `interval` apart, or fewer where one finds no room, and plays everything
    /// to its end.
    fn play(mut self, n: u64, interval: TimeDelta) -> Played {
        let (mut next, mut sent) = (0, 0);
        loop {
            let send = (next < n).then(|| START + interval.times(i64::try_from(next).unwrap()));
            let deadline = self.association.next_deadline().map(truth_of);
            let arrival = self.sim.next_at();
            let Some(now) = [send, deadline, arrival].into_iter().flatten().min() else {
                break;
            };
            if arrival == Some(now) {
                self.receive();
            } else if send == Some(now) {
                if self.association.may_send() {
                    self.send(next, now);
                    sent += 1;
                }
                next += 1;
            }
            self.association.handle_deadlines(counter(now));
            self.tell();
        }
        let end = counter(START + interval.times(i64::try_from(n).unwrap()) + TIMEOUT);
        self.association.handle_end(end);
        self.tell();
        self.campaign.event(&Event::End(RunEnd {
            at: end,
            interrupted: false,
        }));
        let assessment = analyse(&self.campaign, &fine());
        Played {
            samples: self.campaign.sources[0].samples.iter().collect(),
            run: self,
            assessment,
            sent,
        }
    }

    fn send(&mut self, number: u64, now: Timestamp) {
        let nonce = number + 1;
        let id = u32::try_from(number).unwrap();
        let request = self.association.request(nonce);
        self.association.handle_sent(Sent {
            nonce,
            origin: request.origin,
            before: self.read(now),
            precision: TimeDelta::NANOSECOND,
            stamp_id: Some(id),
            hardware: false,
        });
        let left = now + CALL;
        let stamp = self.stamp(left);
        self.by_t1.insert(stamp.at, nonce);
        if self.stamps_late {
            self.held.push((id, stamp));
        } else {
            self.association.handle_transmit_stamp(id, stamp);
        }
        self.sim.send(&request.to_bytes(), left);
    }

    fn receive(&mut self) {
        let arrival = self.sim.receive().unwrap();
        // An interleaved reply returns the complement; nonces here are small.
        let origin = Packet::parse(&arrival.reply).unwrap().header.origin.0;
        let nonce = origin.min(!origin);
        self.first.entry(nonce).or_insert(arrival);
        let stamp = self.stamp(arrival.at);
        let read = self.read(arrival.at);
        self.association
            .handle_datagram(read, &arrival.reply, false, stamp);
        for (id, stamp) in self.held.drain(..) {
            self.association.handle_transmit_stamp(id, stamp);
        }
    }

    /// Both clocks, read together.
    fn read(&self, truth: Timestamp) -> Reading {
        Reading {
            wall: self.clock.read(truth),
            counter: counter(truth),
            error: TimeDelta::from_nanos(30),
        }
    }

    fn stamp(&self, truth: Timestamp) -> Stamp {
        Stamp {
            at: self.clock.read(truth),
            source: StampSource::Kernel,
            error: TimeDelta::NANOSECOND,
        }
    }

    fn tell(&mut self) {
        while let Some(event) = self.association.poll_event() {
            self.campaign.event(&event);
        }
    }
}

/// A bound each tenth of a second, so that each is held against the truth.
fn fine() -> Plan {
    Plan {
        series_step: ms(100),
        ..Plan::default()
    }
}

struct Played {
    run: Run,
    samples: Vec<Sample>,
    assessment: Assessment,
    sent: u64,
}

impl Played {
    fn samples(&self) -> &[Sample] {
        &self.samples
    }

    fn arrival(&self, sample: &Sample) -> &Arrival {
        &self.run.first[&self.run.by_t1[&sample.exchange.t1]]
    }

    /// The true offset of the server from the local clock, at an instant of true time.
    fn truth(&self, at: Timestamp) -> TimeDelta {
        self.run.clock.offset_at(at) + LIE
    }

    fn rejected(&self, rejection: Rejection) -> u64 {
        let counts = &self.run.campaign.sources[0].incidents().rejected;
        counts.get(&rejection).copied().unwrap_or(0)
    }

    fn warns(&self, code: WarningCode) -> Option<&str> {
        let found = self.assessment.warnings.iter().find(|w| w.code == code);
        found.map(|w| w.text.as_str())
    }

    /// What is true of every run.
    fn check(&self, what: &str) {
        let record = &self.run.campaign.sources[0];
        assert_eq!(record.sent(), self.sent, "{what}: every request ends once");
        let found = &self.assessment.sources[0];
        let ended: u64 = record
            .incidents()
            .rejected
            .iter()
            .filter(|(r, _)| r.ends_request())
            .map(|(_, n)| n)
            .sum();
        assert_eq!(found.sent, found.valid + found.lost + ended, "{what}");
        // No exchange gives two samples of one mode.
        let samples = self.samples().iter();
        let t1: HashSet<_> = samples.map(|s| (s.exchange.t1, s.mode.letter())).collect();
        assert_eq!(t1.len(), self.samples().len(), "{what}");
        for bound in found.timing.series.iter().chain(&found.timing.bound) {
            let arrival = self.arrival(&self.samples()[bound.sample]);
            // Of the local clock as it was at T1: a step while the request is out comes after it.
            let truth = self.truth(arrival.sent);
            assert!(
                bound.interval.contains(truth),
                "{what}: {truth:?} is not within {:?}",
                bound.interval
            );
        }
    }

    /// While the clock is only steered, each exchange alone holds the truth.
    fn check_each_sample(&self, what: &str) {
        for (sample, info) in self.run.campaign.sources[0].samples_with_server() {
            let interval = sample.exchange.interval(info.precision_error()).unwrap();
            let arrival = self.arrival(&sample);
            for at in [arrival.sent, arrival.reached, arrival.left, arrival.at] {
                let truth = self.truth(at);
                assert!(interval.contains(truth), "{what}: {truth:?}, {interval:?}");
            }
        }
    }
}

fn server() -> SimServer {
    let lying = Responder::new(Config {
        offset: LIE,
        ..Config::default()
    });
    SimServer::new(lying, us(20))
}

fn leg(floor: TimeDelta, queue: TimeDelta) -> SimLeg {
    let mut leg = SimLeg::of(floor);
    leg.mean_queue = queue;
    leg
}

/// A clock that runs 30 ppm slow and is already behind by 700 us.
fn slow_clock() -> SimClock {
    SimClock {
        offset: us(700),
        frequency: Frequency::from_ppm(30),
        start: START,
        steps: Vec::new(),
        wander: Vec::new(),
    }
}

#[test]
fn whatever_the_path_does_every_interval_holds_the_truth() {
    let mut copies = 0;
    let policies = [ModePolicy::Basic, ModePolicy::Auto, ModePolicy::Interleaved];
    for (seed, policy) in (0..60).zip(policies.into_iter().cycle()) {
        let bad = |floor, queue| {
            let mut leg = leg(floor, queue);
            leg.loss = PerMillion(80_000);
            leg.duplication = PerMillion(80_000);
            leg.reordering = PerMillion(80_000);
            leg.hold = ms(45);
            leg
        };
        // Fifty times longer on the way out than on the way back, and queues on top.
        let sim = Sim::new(bad(ms(10), ms(4)), server(), bad(us(200), us(100)), seed);
        let mut run = Run::asking(policy, sim, slow_clock());
        run.stamps_late = seed % 2 == 1;
        let played = run.play(300, ms(20));
        let what = format!("seed {seed}, {policy:?}");
        played.check(&what);
        played.check_each_sample(&what);
        let record = &played.run.campaign.sources[0];
        // Nothing takes a second, so what arrived at all is a sample; the rest is lost. But for
        // requests that queued behind each other and reached the simulated server in one instant:
        // it has stamped both alike.
        let alike = played.rejected(Rejection::RepeatedStamps);
        let valid = u64::try_from(played.samples().len()).unwrap();
        let arrived = u64::try_from(played.run.first.len()).unwrap();
        // And an interleaved request that was overtaken asks for what a later one has brought.
        let wrong = played.rejected(Rejection::WrongExchange);
        assert_eq!(valid + alike + wrong, arrived, "{what}");
        assert!(
            wrong <= 20 && (wrong == 0 || policy == ModePolicy::Auto),
            "{what}: {wrong}"
        );
        assert!(alike <= 10, "{what}: {alike}");
        assert_eq!(record.lost_total(), played.sent - arrived, "{what}");
        let interleaved = played.samples().iter();
        let interleaved = interleaved.filter(|s| s.mode == Mode::Interleaved).count();
        assert_eq!(
            interleaved > 5,
            policy != ModePolicy::Basic,
            "{what}: {interleaved}"
        );
        copies += played.rejected(Rejection::Duplicate) + played.rejected(Rejection::Replay);
        assert_eq!(played.assessment.sources[0].timing.breaks, [], "{what}");
        assert!(played.warns(WarningCode::Lost).is_some(), "{what}");
        assert!(
            played.warns(WarningCode::LocalClockStepped).is_none(),
            "{what}"
        );
    }
    assert!(copies > 100, "{copies}");
}

#[test]
fn an_answer_slower_than_the_time_out_is_lost_and_told() {
    let mut slow = leg(us(100), us(10));
    slow.reordering = PerMillion(200_000);
    slow.hold = ms(1_500);
    let sim = Sim::new(SimLeg::of(us(100)), server(), slow, 1);
    let played = Run::new(sim, slow_clock()).play(100, ms(50));
    played.check("slow");
    played.check_each_sample("slow");
    let lost = played.run.campaign.sources[0].lost_total();
    assert!(lost > 5);
    // What is answered after it is forgotten looks like anybody's packet, and is no sample either.
    let late = played.rejected(Rejection::TooLate);
    assert!(late * 2 > lost, "{late} of {lost}");
    assert_eq!(late + played.rejected(Rejection::BogusOrigin), lost);
}

/// A run of 10 s, 50 ms apart, in which the local clock is stepped. `out` and `back` are the legs.
fn stepped(steps: &[(TimeDelta, TimeDelta)], out: TimeDelta, back: TimeDelta, seed: u64) -> Played {
    let mut clock = slow_clock();
    clock.steps = steps.iter().map(|(at, by)| (START + *at, *by)).collect();
    let queued = |floor: TimeDelta| leg(floor, TimeDelta::from_nanos(floor.as_nanos() / 20));
    let sim = Sim::new(queued(out), server(), queued(back), seed);
    Run::new(sim, clock).play(200, ms(50))
}

#[test]
fn a_clock_stepped_by_hours_keeps_both_sides_and_the_bound() {
    const HOUR: TimeDelta = TimeDelta::from_secs(3_600);
    let mut hits = 0;
    for (number, by) in [
        HOUR.times(3),
        HOUR.times(-3),
        HOUR.times(24 * 365 * 40),
        HOUR.times(24 * 365 * -40),
        ms(20),
        ms(-20),
        us(-800),
    ]
    .into_iter()
    .enumerate()
    {
        for seed in 0..40 {
            // Between two exchanges, or within one: some 20 or 40 of each 50 ms are under way.
            let at = ms(5_000) + us(1_237).times(i64::try_from(seed).unwrap());
            // A step back that is longer than the way back would put the truth below L.
            let back = if seed % 2 == 0 { ms(1) } else { ms(20) };
            let played = stepped(&[(at, by)], ms(20), back, seed);
            let what = format!("step {number} ({by:?}), seed {seed}");
            played.check(&what);
            let found = &played.assessment.sources[0];
            // The exchange that the step fell into cannot be used, by name, and no other.
            let arrivals = played.run.first.values();
            let hit = arrivals
                .filter(|a| a.sent < START + at + CALL && START + at <= a.at)
                .count();
            let hit = u64::try_from(hit).unwrap();
            assert_eq!(played.rejected(Rejection::ClockStep), hit, "{what}");
            assert_eq!(found.valid, 200 - hit, "{what}");
            hits += hit;
            let before = played.samples().iter();
            let before = before.filter(|s| played.arrival(s).at < START + at).count();
            let after = played.samples().iter();
            let after = after
                .filter(|s| played.arrival(s).sent >= START + at)
                .count();
            assert!(before >= 98 && after >= 98, "{what}: {before} {after}");
            let told = played.warns(WarningCode::LocalClockStepped).unwrap_or("");
            let size = if by.abs() >= HOUR {
                by.abs()
            } else {
                TimeDelta::ZERO
            };
            assert!(
                told.contains("stepped"),
                "{what}: {:?}",
                played.assessment.warnings
            );
            let largest = found
                .timing
                .clock_steps
                .iter()
                .map(|s| s.by.abs())
                .max()
                .unwrap();
            assert!(largest >= size - ms(1), "{what}: {largest:?}");
            assert_eq!(found.timing.clock_steps.len(), 1, "{what}");
            // The server did not move, and nobody says that it did.
            assert_eq!(found.timing.breaks, [], "{what}");
        }
    }
    assert!(hits > 100, "{hits}");
}

#[test]
fn steps_to_and_fro_leave_the_bound_true() {
    for seed in 0..60 {
        let n = i64::try_from(seed).unwrap();
        let steps = [
            (ms(2_000) + us(777).times(n), TimeDelta::from_secs(7_200)),
            (ms(4_000) + us(1_303).times(n), TimeDelta::from_secs(-7_200)),
            (ms(6_000) + us(1_009).times(n), ms(300)),
            (ms(6_020) + us(1_009).times(n), ms(-300)),
        ];
        for (out, back) in [
            (us(100), us(100)),
            (ms(8), us(10)),
            (us(10), ms(8)),
            (ms(22), ms(23)),
        ] {
            let played = stepped(&steps, out, back, seed);
            played.check(&format!("seed {seed}, {out:?} {back:?}"));
            assert!(played.warns(WarningCode::LocalClockStepped).is_some());
        }
    }
}

#[test]
fn a_server_that_moves_instead_is_the_one_that_is_named() {
    // Half of the run from an honest server, half from one that is 2 h ahead: one campaign.
    let leg = || leg(us(500), us(50));
    let mut first = Run::new(Sim::new(leg(), server(), leg(), 1), slow_clock());
    for number in 0..100u64 {
        let now = START + ms(50).times(i64::try_from(number).unwrap());
        if number == 50 {
            let ahead = Config {
                offset: TimeDelta::from_secs(7_200),
                ..Config::default()
            };
            let moved = SimServer::new(Responder::new(ahead), us(20));
            first.sim = Sim::new(leg(), moved, leg(), 2);
        }
        first.send(number, now);
        first.receive();
        first.tell();
    }
    let assessment = analyse(&first.campaign, &Plan::default());
    let found = &assessment.sources[0];
    assert_eq!((found.valid, found.timing.breaks.len()), (100, 1));
    assert_eq!(found.timing.clock_steps, []);
    let named = assessment
        .warnings
        .iter()
        .any(|w| w.code == WarningCode::ServerTimeMoved);
    assert!(named, "{:?}", assessment.warnings);
    let truth = first.clock.offset_at(first.first[&100].reached) + TimeDelta::from_secs(7_200);
    assert!(
        found
            .timing
            .bound
            .as_ref()
            .unwrap()
            .interval
            .contains(truth)
    );
}
