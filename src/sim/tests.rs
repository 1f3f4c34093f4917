use super::*;
use crate::responder::Config;
use crate::wire::{Header, Packet};

const START: Timestamp = Timestamp::from_nanos(1_763_832_000_000_000_000);

fn us(n: i64) -> TimeDelta {
    TimeDelta::from_micros(n)
}

fn after(delta: TimeDelta) -> Timestamp {
    START + delta
}

/// U and L as a client with this clock computes them from what it received.
fn upper_and_lower(clock: &SimClock, arrival: &Arrival) -> (TimeDelta, TimeDelta) {
    let t1 = clock.read(arrival.sent);
    let header = Packet::parse(&arrival.reply).unwrap().header;
    let (t2, t3) = header.server_stamps(t1).unwrap();
    (t2.since(t1), t3.since(clock.read(arrival.at)))
}

/// Sends `n` requests, 1 ms apart, numbered in their nonces.
fn run(sim: &mut Sim, n: u64) -> Vec<Arrival> {
    for nonce in 0..n {
        let millis = TimeDelta::from_millis(i64::try_from(nonce).unwrap());
        sim.send(&Header::client_request(nonce).to_bytes(), after(millis));
    }
    std::iter::from_fn(|| sim.receive()).collect()
}

fn nonce(arrival: &Arrival) -> u64 {
    Packet::parse(&arrival.reply).unwrap().header.origin.0
}

#[test]
fn a_still_path_gives_offset_plus_out_and_offset_minus_back() {
    let clock = SimClock::behind_by(us(-700));
    let lying = Responder::new(Config {
        offset: us(50_000),
        ..Config::default()
    });
    let server = SimServer::new(lying, us(7));
    let mut sim = Sim::new(SimLeg::of(us(120)), server, SimLeg::of(us(45)), 1);
    let arrivals = run(&mut sim, 100);
    assert_eq!(arrivals.len(), 100);
    for arrival in arrivals {
        // The server is 50 ms ahead of true time, and so is the local clock by 0.7 ms.
        let expected = (us(49_300 + 120), us(49_300 - 45));
        assert_eq!(upper_and_lower(&clock, &arrival), expected);
        assert_eq!(arrival.at.since(arrival.sent), us(120 + 7 + 45));
    }
}

#[test]
fn drift_and_steps_are_where_they_were_put() {
    let clock = SimClock {
        offset: us(3),
        frequency: Frequency::from_ppm(20),
        start: START,
        steps: vec![
            (after(TimeDelta::from_secs(5)), us(1_000)),
            (after(TimeDelta::from_secs(8)), us(-400)),
        ],
        wander: Vec::new(),
    };
    let at = |secs| clock.offset_at(after(TimeDelta::from_secs(secs)));
    assert_eq!(at(0), us(3));
    assert_eq!(at(4), us(3 + 80));
    assert_eq!(at(5), us(3 + 100 + 1_000));
    assert_eq!(at(10), us(3 + 200 + 600));
    let truth = after(TimeDelta::from_secs(10));
    assert_eq!(truth.since(clock.read(truth)), us(803));
}

#[test]
fn with_queues_the_truth_lies_between_and_the_halves_are_known() {
    let clock = SimClock {
        offset: us(250),
        frequency: Frequency::from_ppb(-35_000),
        start: START,
        steps: Vec::new(),
        wander: Vec::new(),
    };
    let leg = |floor, mean| SimLeg {
        mean_queue: us(mean),
        ..SimLeg::of(us(floor))
    };
    let server = SimServer::new(Responder::default(), us(10));
    let mut sim = Sim::new(leg(100, 40), server, leg(60, 400), 2);
    let arrivals = run(&mut sim, 2_000);
    for a in &arrivals {
        let (upper, lower) = upper_and_lower(&clock, a);
        assert_eq!(upper, clock.offset_at(a.sent) + a.reached.since(a.sent));
        assert_eq!(lower, clock.offset_at(a.at) - a.at.since(a.left));
        assert!(a.reached.since(a.sent) >= us(100) && a.at.since(a.left) >= us(60));
    }
    let queued = |a: &Arrival| (a.reached.since(a.sent) - us(100)).as_nanos();
    let mean = arrivals.iter().map(queued).sum::<i64>() / 2_000;
    // 40 us +- 6 standard errors of an exponential mean.
    assert!((34_600..45_400).contains(&mean), "{mean}");
}

#[test]
fn equal_seeds_give_equal_runs_and_others_do_not() {
    let leg = SimLeg {
        mean_queue: us(50),
        loss: PerMillion(100_000),
        duplication: PerMillion(100_000),
        ..SimLeg::of(us(10))
    };
    let arrivals = |seed| {
        let server = SimServer::default();
        run(&mut Sim::new(leg.clone(), server, leg.clone(), seed), 200)
    };
    assert_eq!(arrivals(3), arrivals(3));
    assert_ne!(arrivals(3), arrivals(4));
}

#[test]
fn losses_and_copies_come_as_often_as_asked() {
    let still = SimLeg::of(us(10));
    let arrivals = |out: SimLeg| {
        let server = SimServer::default();
        run(&mut Sim::new(out, server, still.clone(), 5), 10_000).len()
    };
    let with = |loss, duplication| SimLeg {
        loss: PerMillion(loss),
        duplication: PerMillion(duplication),
        ..still.clone()
    };
    assert_eq!(arrivals(with(1_000_000, 0)), 0);
    assert_eq!(arrivals(with(0, 1_000_000)), 20_000);
    // 6 standard deviations of 10 000 tosses are 240.
    assert!((7_760..8_240).contains(&arrivals(with(200_000, 0))));
    assert!((11_760..12_240).contains(&arrivals(with(0, 200_000))));
}

#[test]
fn order_is_kept_unless_a_packet_is_held_back() {
    let queued = SimLeg {
        mean_queue: TimeDelta::from_millis(5),
        ..SimLeg::default()
    };
    let in_order = |back: SimLeg| {
        let server = SimServer::default();
        let arrivals = run(&mut Sim::new(SimLeg::default(), server, back, 6), 1_000);
        assert!(arrivals.is_sorted_by_key(|a| a.at));
        arrivals.is_sorted_by_key(nonce)
    };
    assert!(in_order(queued.clone()));
    assert!(!in_order(SimLeg {
        reordering: PerMillion(10_000),
        hold: TimeDelta::from_millis(20),
        ..queued
    }));
}

#[test]
fn what_the_server_refuses_is_counted() {
    let still = SimLeg::of(us(1));
    let mut sim = Sim::new(still.clone(), SimServer::default(), still, 7);
    sim.send(&[0; 10], START);
    assert_eq!((sim.next_at(), sim.refused()), (None, 1));
    sim.send(&Header::client_request(1).to_bytes(), START);
    assert_eq!(sim.next_at(), Some(after(us(2))));
}
