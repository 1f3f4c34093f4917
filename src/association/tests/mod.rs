//! Every order of events a network can produce, played to the association.

mod hardware;
mod interleaved;

use super::*;
use crate::sample::{Leap, Mode, ReferenceId, StampSource};
use crate::time::Timestamp;
use crate::wire::{NtpShort, Rounding};
use proptest::prelude::*;

const TIMEOUT: TimeDelta = TimeDelta::from_secs(1);
const START: Timestamp = Timestamp::from_nanos(1_795_000_000_000_000_000);
/// How far the simulated server is ahead.
const OFFSET: TimeDelta = TimeDelta::from_millis(50);
/// The way out, the server's residence, the way back.
const OUT: TimeDelta = TimeDelta::from_micros(100);
const KEPT: TimeDelta = TimeDelta::from_micros(20);
const BACK: TimeDelta = TimeDelta::from_micros(80);
/// From the reading before the send call to the packet's leaving.
const CALL: TimeDelta = TimeDelta::from_micros(3);

/// An association and the truth about its one server.
struct Bed {
    association: Association,
    now: Monotonic,
    /// How far the wall clock was stepped.
    stepped: TimeDelta,
    next_id: u32,
}

#[derive(Clone, Copy)]
struct Flight {
    sent: Sent,
    request: Header,
    left: Timestamp,
}

impl Bed {
    fn new() -> Self {
        Self::asking(ModePolicy::Basic)
    }

    fn asking(policy: ModePolicy) -> Self {
        let association = Association::new(SourceId(0), policy, TIMEOUT);
        Self {
            association,
            now: Monotonic::from_nanos(7_000_000_000),
            stepped: TimeDelta::ZERO,
            next_id: 0,
        }
    }

    fn wall(&self) -> Timestamp {
        START + self.now.since(Monotonic::default()) + self.stepped
    }

    /// Both clocks now.
    fn read(&self) -> Reading {
        Reading {
            wall: self.wall(),
            counter: self.now,
            error: TimeDelta::from_nanos(30),
        }
    }

    fn pass(&mut self, time: TimeDelta) {
        self.now = self.now + time;
    }

    fn send(&mut self, nonce: u64) -> Flight {
        assert!(self.association.may_send());
        let before = self.read();
        let request = self.association.request(nonce);
        let sent = Sent {
            nonce,
            origin: request.origin,
            before,
            precision: TimeDelta::NANOSECOND,
            stamp_id: Some(self.next_id),
            hardware: false,
        };
        self.next_id += 1;
        self.association.handle_sent(sent);
        Flight {
            sent,
            request,
            left: before.wall + CALL,
        }
    }

    fn stamp(&mut self, flight: Flight) {
        let id = flight.sent.stamp_id.unwrap();
        self.association
            .handle_transmit_stamp(id, kernel(flight.left));
    }

    /// What an honest server answers, on its own clock.
    fn answer(flight: Flight) -> Header {
        let arrived = flight.left + OUT + OFFSET;
        Header {
            mode: PacketMode::Server,
            stratum: 2,
            precision: -29,
            origin: NtpTimestamp(flight.sent.nonce),
            // What a client reads of stamps written so are the same nanoseconds.
            receive: NtpTimestamp::from_timestamp(arrived, Rounding::Down),
            transmit: NtpTimestamp::from_timestamp(arrived + KEPT, Rounding::Up),
            ..Header::client_request(0)
        }
    }

    fn receive(&mut self, flight: Flight, header: &Header) {
        let arrived = flight.left + OUT + KEPT + BACK;
        let bytes = header.to_bytes();
        self.association
            .handle_datagram(self.read(), &bytes, false, kernel(arrived));
    }

    fn events(&mut self) -> Vec<Event> {
        self.association.flush_counts(self.now);
        std::iter::from_fn(|| self.association.poll_event()).collect()
    }

    fn samples(&mut self) -> Vec<Sample> {
        let only = |event| match event {
            Event::Sample(_, sample) => Some(sample),
            _ => None,
        };
        self.events().into_iter().filter_map(only).collect()
    }

    /// The rejections counted since the last look, nothing else being allowed to have happened.
    fn rejections(&mut self) -> Vec<(Rejection, u64)> {
        let only = |event| match event {
            Event::Rejected(_, _, rejection, n) => (rejection, n),
            other => panic!("{other:?}"),
        };
        self.events().into_iter().map(only).collect()
    }
}

fn kernel(at: Timestamp) -> Stamp {
    Stamp {
        at,
        source: StampSource::Kernel,
        error: TimeDelta::NANOSECOND,
    }
}

/// The answer to a fresh request, changed by `change`, and how it is rejected.
fn rejection_of(change: impl FnOnce(&mut Header)) -> Vec<(Rejection, u64)> {
    let mut bed = Bed::new();
    let flight = bed.send(1);
    bed.stamp(flight);
    let mut header = Bed::answer(flight);
    change(&mut header);
    bed.receive(flight, &header);
    bed.rejections()
}

#[test]
fn one_exchange_gives_the_four_stamps() {
    let mut bed = Bed::new();
    let flight = bed.send(1);
    bed.stamp(flight);
    bed.receive(flight, &Bed::answer(flight));
    let events = bed.events();
    let [Event::Server(_, info), Event::Sample(SourceId(0), sample)] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(info.stratum, 2);
    let exchange = sample.exchange;
    assert_eq!(exchange.t1, flight.left);
    assert_eq!(exchange.upper, OFFSET + OUT);
    assert_eq!(exchange.residence, KEPT);
    assert_eq!(exchange.lower, OFFSET - BACK);
    assert_eq!(exchange.offset(), OFFSET + TimeDelta::from_micros(10));
    assert_eq!(
        (sample.mode, exchange.tx, exchange.rx),
        (Mode::Basic, StampSource::Kernel, StampSource::Kernel)
    );
    assert_eq!(sample.at, flight.sent.before.counter + CALL);
    assert_eq!(sample.at_error, crate::sample::AT_ERROR_FLOOR);
    assert!(bed.association.is_idle());
}

#[test]
fn an_exchange_in_which_the_clock_was_stepped_is_no_sample() {
    let ms = TimeDelta::from_millis;
    let hour = TimeDelta::from_secs(3_600);
    // A way of 10 ms leaves 5 us to steering, and 1 us is no step.
    let steps = [
        TimeDelta::from_micros(7),
        ms(5),
        hour.times(7),
        hour.times(300_000),
    ];
    for by in steps.into_iter().flat_map(|by| [by, -by]) {
        for late_stamp in [false, true] {
            let mut bed = Bed::new();
            let flight = bed.send(1);
            bed.pass(ms(10));
            bed.stepped = by;
            if !late_stamp {
                bed.stamp(flight);
            }
            bed.receive(flight, &Bed::answer(flight));
            if late_stamp {
                bed.stamp(flight);
            }
            assert_eq!(bed.rejections(), [(Rejection::ClockStep, 1)], "{by:?}");
            assert!(bed.association.is_idle());
            // The clock runs on from where it was set to.
            let next = bed.send(2);
            bed.stamp(next);
            bed.receive(next, &Bed::answer(next));
            assert_eq!(bed.samples().len(), 1, "{by:?}");
        }
    }
}

#[test]
fn what_steering_explains_is_no_step() {
    for by in [TimeDelta::from_micros(5), TimeDelta::from_micros(-5)] {
        let mut bed = Bed::new();
        let flight = bed.send(1);
        bed.stamp(flight);
        bed.pass(TimeDelta::from_millis(10));
        bed.stepped = by;
        bed.receive(flight, &Bed::answer(flight));
        assert_eq!(bed.samples().len(), 1);
    }
}

#[test]
fn the_reply_may_come_before_the_stamp() {
    let mut bed = Bed::new();
    let flight = bed.send(1);
    bed.receive(flight, &Bed::answer(flight));
    bed.pass(TimeDelta::from_millis(60));
    bed.association.handle_deadlines(bed.now);
    assert!(bed.samples().is_empty());
    bed.stamp(flight);
    assert_eq!(bed.samples()[0].exchange.t1, flight.left);
}

#[test]
fn stamps_and_replies_in_any_order_meet_by_number() {
    let mut bed = Bed::new();
    let flights: Vec<_> = (0..8)
        .map(|n| {
            bed.pass(TimeDelta::from_micros(17));
            bed.send(100 + n)
        })
        .collect();
    for n in [3, 0, 7, 1] {
        bed.stamp(flights[n]);
    }
    for n in [7, 6, 5, 4, 3, 2, 1, 0] {
        bed.receive(flights[n], &Bed::answer(flights[n]));
    }
    for n in [2, 6, 5, 4] {
        bed.stamp(flights[n]);
    }
    let mut t1s: Vec<_> = bed.samples().iter().map(|s| s.exchange.t1).collect();
    t1s.sort_unstable();
    assert_eq!(t1s, flights.iter().map(|f| f.left).collect::<Vec<_>>());
}

#[test]
fn a_stamp_that_never_comes_leaves_a_labelled_pair_after_100_ms() {
    let mut bed = Bed::new();
    let flight = bed.send(1);
    bed.receive(flight, &Bed::answer(flight));
    let deadline = bed.association.next_deadline().unwrap();
    assert_eq!(deadline, bed.now + STAMP_PATIENCE);
    bed.now = deadline;
    bed.association.handle_deadlines(bed.now);
    let events = bed.events();
    let [
        Event::Server(..),
        Event::Sample(_, sample),
        Event::StampFault(_, _, StampFault::MissingTx, 1),
    ] = events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(sample.exchange.t1, flight.sent.before.wall);
    assert_eq!(sample.class().to_string(), "BUK");
    assert!(!sample.class().is_pure());
    // Early by the send call, which only widens the interval.
    assert!(
        sample
            .exchange
            .interval(TimeDelta::ZERO)
            .unwrap()
            .contains(OFFSET)
    );
    // And when it does come, it lands nowhere.
    bed.stamp(flight);
    let events = bed.events();
    assert!(
        matches!(
            events[..],
            [Event::StampFault(_, _, StampFault::UnknownId, 1)]
        ),
        "{events:?}"
    );
}

#[test]
fn a_stamp_outside_the_send_call_and_the_reply_is_refused() {
    for wrong in [
        TimeDelta::from_nanos(-1) - CALL,
        OUT + KEPT + BACK + TimeDelta::NANOSECOND,
    ] {
        let mut bed = Bed::new();
        let flight = bed.send(1);
        bed.association
            .handle_transmit_stamp(0, kernel(flight.left + wrong));
        bed.receive(flight, &Bed::answer(flight));
        let events = bed.events();
        let [
            Event::Server(..),
            Event::Sample(_, sample),
            Event::StampFault(_, _, StampFault::OutsideWindow, 1),
        ] = events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!(sample.exchange.tx, StampSource::User);
    }
}

#[test]
fn each_wrong_answer_has_its_own_name() {
    use Rejection as R;
    let one = |rejection| vec![(rejection, 1)];
    assert_eq!(
        rejection_of(|h| h.version = Version::V3),
        one(R::WrongVersion)
    );
    assert_eq!(
        rejection_of(|h| h.mode = PacketMode::Client),
        one(R::WrongMode)
    );
    assert_eq!(
        rejection_of(|h| h.mode = PacketMode::Broadcast),
        one(R::WrongMode)
    );
    assert_eq!(
        rejection_of(|h| h.origin = NtpTimestamp(2)),
        one(R::BogusOrigin)
    );
    assert_eq!(
        rejection_of(|h| h.origin = NtpTimestamp::ZERO),
        one(R::BogusOrigin)
    );
    assert_eq!(
        rejection_of(|h| h.leap = Leap::Unsynchronised),
        one(R::Unsynchronised)
    );
    assert_eq!(rejection_of(|h| h.stratum = 16), one(R::Unsynchronised));
    assert_eq!(rejection_of(|h| h.stratum = 255), one(R::Unsynchronised));
    let silent = ReferenceId([0; 4]);
    let no_clock = |h: &mut Header| (h.stratum, h.reference_id) = (0, silent);
    assert_eq!(rejection_of(no_clock), one(R::Unsynchronised));
    assert_eq!(
        rejection_of(|h| h.receive = NtpTimestamp::ZERO),
        one(R::ZeroStamp)
    );
    assert_eq!(
        rejection_of(|h| h.transmit = NtpTimestamp::ZERO),
        one(R::ZeroStamp)
    );
    let far = |h: &mut Header| h.root_dispersion = NtpShort::from_delta(TimeDelta::from_secs(16));
    assert_eq!(rejection_of(far), one(R::RootDistance));
    let far = |h: &mut Header| h.root_delay = NtpShort::from_delta(TimeDelta::from_secs(32));
    assert_eq!(rejection_of(far), one(R::RootDistance));
    let reversed = |h: &mut Header| std::mem::swap(&mut h.receive, &mut h.transmit);
    assert_eq!(rejection_of(reversed), one(R::StampsReversed));
    // The reply is said to have stayed longer than it was away: together with the true arrival no
    // pair of running clocks can produce that.
    let longer = |h: &mut Header| h.transmit = NtpTimestamp(h.transmit.0 + (1 << 32));
    assert_eq!(rejection_of(longer), one(R::NegativeDelay));
}

#[test]
fn lengths_that_do_not_add_up_have_names_too() {
    let mut bed = Bed::new();
    let flight = bed.send(1);
    let bytes = Bed::answer(flight).to_bytes();
    let stamp = kernel(flight.left + OUT);
    bed.association
        .handle_datagram(bed.read(), &bytes[..47], false, stamp);
    bed.association
        .handle_datagram(bed.read(), &[], false, stamp);
    bed.association
        .handle_datagram(bed.read(), &bytes, true, stamp);
    let mut long = bytes.to_vec();
    long.extend([0; 13]);
    bed.association
        .handle_datagram(bed.read(), &long, false, stamp);
    assert_eq!(
        bed.rejections(),
        [
            (Rejection::Oversized, 1),
            (Rejection::Truncated, 2),
            (Rejection::BadExtension, 1)
        ]
    );
    assert!(
        !bed.association.is_idle(),
        "anybody can send these: the request stays open"
    );
}

#[test]
fn a_second_answer_is_a_duplicate_and_an_old_one_a_replay() {
    let mut bed = Bed::new();
    let first = bed.send(1);
    bed.stamp(first);
    bed.receive(first, &Bed::answer(first));
    assert_eq!(bed.samples().len(), 1);
    bed.receive(first, &Bed::answer(first));
    assert_eq!(bed.rejections(), [(Rejection::Duplicate, 1)]);
    bed.pass(TimeDelta::from_millis(5));
    let second = bed.send(2);
    bed.receive(second, &Bed::answer(second));
    bed.receive(second, &Bed::answer(second));
    assert_eq!(
        bed.rejections(),
        [(Rejection::Duplicate, 1)],
        "held for its stamp"
    );
    bed.stamp(second);
    assert_eq!(bed.samples().len(), 1);
    bed.receive(first, &Bed::answer(first));
    assert_eq!(bed.rejections(), [(Rejection::Replay, 1)]);
    bed.pass(TimeDelta::from_millis(5));
    let third = bed.send(3);
    bed.pass(TIMEOUT);
    bed.association.handle_deadlines(bed.now);
    assert!(matches!(
        bed.events()[..],
        [Event::Lost(_, _, LossCause::Timeout)]
    ));
    bed.receive(third, &Bed::answer(third));
    assert_eq!(bed.rejections(), [(Rejection::TooLate, 1)]);
}

#[test]
fn a_server_that_repeats_its_stamps_gives_one_sample() {
    let mut bed = Bed::new();
    let first = bed.send(1);
    bed.stamp(first);
    let header = Bed::answer(first);
    bed.receive(first, &header);
    assert_eq!(bed.samples().len(), 1);
    let second = bed.send(2);
    bed.stamp(second);
    bed.receive(
        second,
        &Header {
            origin: NtpTimestamp(2),
            ..header
        },
    );
    assert_eq!(bed.rejections(), [(Rejection::RepeatedStamps, 1)]);
    // One stamp alone may repeat: a coarse clock does that.
    let third = bed.send(3);
    bed.stamp(third);
    let transmit = NtpTimestamp(header.transmit.0 + 1);
    bed.receive(
        third,
        &Header {
            origin: NtpTimestamp(3),
            transmit,
            ..header
        },
    );
    assert_eq!(bed.samples().len(), 1);
}

#[test]
fn kiss_codes_are_heeded_and_are_never_samples() {
    let kiss = |code: &[u8; 4]| {
        let mut bed = Bed::new();
        let flight = bed.send(1);
        bed.stamp(flight);
        let header = Header {
            stratum: 0,
            leap: Leap::Unsynchronised,
            reference_id: ReferenceId(*code),
            ..Bed::answer(flight)
        };
        bed.receive(flight, &header);
        assert!(bed.association.is_idle());
        bed
    };
    let mut rate = kiss(b"RATE");
    assert_eq!(rate.rejections(), [(Rejection::KissRate, 1)]);
    assert_eq!(
        (rate.association.rate_kisses(), rate.association.may_send()),
        (1, true)
    );
    for (code, name) in [
        (b"DENY", Rejection::KissDeny),
        (b"RSTR", Rejection::KissRestrict),
    ] {
        let mut bed = kiss(code);
        let events = bed.events();
        let [
            Event::Note(_, _, Note::Stopped { kiss }),
            Event::Rejected(_, _, rejection, 1),
        ] = events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((kiss, rejection), (name, name));
        assert!(bed.association.is_stopped() && !bed.association.may_send());
    }
    let mut other = kiss(b"STEP");
    assert_eq!(other.rejections(), [(Rejection::KissOther, 1)]);
    assert!(other.association.may_send());
}

#[test]
fn a_forged_kiss_code_changes_nothing() {
    let mut bed = Bed::new();
    let flight = bed.send(1);
    let kiss = Header {
        stratum: 0,
        reference_id: ReferenceId(*b"DENY"),
        origin: NtpTimestamp(99),
        ..Bed::answer(flight)
    };
    bed.receive(flight, &kiss);
    assert_eq!(bed.rejections(), [(Rejection::BogusOrigin, 1)]);
    assert!(!bed.association.is_stopped());
}

#[test]
fn a_distant_root_is_noted_once_until_it_comes_near_again() {
    let mut bed = Bed::new();
    let mut notes = 0;
    for (nonce, millis) in [(1, 1500), (2, 1500), (3, 10), (4, 1500)] {
        bed.pass(TimeDelta::from_millis(5));
        let flight = bed.send(nonce);
        bed.stamp(flight);
        let root_dispersion = NtpShort::from_delta(TimeDelta::from_millis(millis));
        bed.receive(
            flight,
            &Header {
                root_dispersion,
                ..Bed::answer(flight)
            },
        );
        let events = bed.events();
        assert!(events.iter().any(|e| matches!(e, Event::Sample(..))));
        notes += events
            .iter()
            .filter(|e| matches!(e, Event::Note(_, _, Note::DistantRoot)))
            .count();
    }
    assert_eq!(notes, 2);
}

#[test]
fn server_fields_are_told_when_they_change() {
    let mut bed = Bed::new();
    let mut told = Vec::new();
    for (nonce, stratum) in [(1, 2), (2, 2), (3, 3), (4, 3)] {
        bed.pass(TimeDelta::from_millis(5));
        let flight = bed.send(nonce);
        bed.stamp(flight);
        bed.receive(
            flight,
            &Header {
                stratum,
                ..Bed::answer(flight)
            },
        );
        told.push(
            bed.events()
                .iter()
                .filter(|e| matches!(e, Event::Server(..)))
                .count(),
        );
    }
    assert_eq!(told, [1, 0, 1, 0]);
}

#[test]
fn a_refusal_ends_the_oldest_request_and_the_end_all() {
    let mut bed = Bed::new();
    let first = bed.send(1);
    bed.pass(TimeDelta::from_millis(5));
    bed.send(2);
    bed.association.handle_undeliverable(bed.now);
    assert!(matches!(
        bed.events()[..],
        [Event::Lost(_, _, LossCause::Refused)]
    ));
    bed.receive(first, &Bed::answer(first));
    assert_eq!(bed.rejections(), [(Rejection::TooLate, 1)]);
    let third = bed.send(3);
    bed.receive(third, &Bed::answer(third));
    bed.association.handle_end(bed.now);
    let events = bed.events();
    assert!(
        matches!(
            events[..],
            [
                Event::Lost(_, _, LossCause::Interrupted),
                Event::Server(..),
                Event::Sample(..), // answered, if without its stamp: what was measured is kept
                Event::StampFault(_, _, StampFault::MissingTx, 1),
            ]
        ),
        "{events:?}"
    );
}

#[test]
fn no_more_than_64_requests_are_out() {
    let mut bed = Bed::new();
    for nonce in 0..64 {
        bed.send(nonce);
    }
    assert!(!bed.association.may_send());
    bed.pass(TIMEOUT);
    bed.association.handle_deadlines(bed.now);
    assert_eq!(bed.events().len(), 64);
    assert!(bed.association.may_send());
}

#[test]
fn only_the_latest_finished_requests_are_remembered() {
    for (at_once, remembered) in [(1, 8), (10, 20), (MAX_OUTSTANDING, 64)] {
        let mut bed = Bed::new();
        let first = bed.send(0);
        for nonce in 1..at_once as u64 {
            bed.send(nonce);
        }
        for nonce in 0..100u64 {
            bed.association.handle_undeliverable(bed.now);
            bed.send(1000 + nonce);
        }
        assert_eq!(bed.association.finished.len(), remembered);
        bed.events();
        bed.receive(first, &Bed::answer(first));
        let rejections = bed.rejections();
        assert_eq!(
            rejections,
            [(Rejection::BogusOrigin, 1)],
            "100 requests ago"
        );
    }
}

#[test]
fn a_flood_is_counted_and_grows_nothing() {
    let mut bed = Bed::new();
    let flight = bed.send(1);
    for n in 0..100_000u64 {
        let header = Header {
            origin: NtpTimestamp(n + 2),
            ..Bed::answer(flight)
        };
        bed.receive(flight, &header);
    }
    assert!(bed.association.events.is_empty());
    assert_eq!(bed.rejections(), [(Rejection::BogusOrigin, 100_000)]);
}

#[test]
fn a_host_at_1970_still_reads_a_server_in_2050() {
    let y2050 = Timestamp::from_nanos(2_524_608_000_000_000_000);
    let mut bed = Bed::new();
    bed.stepped = Timestamp::default().since(bed.wall());
    let before = bed.read();
    let sent = Sent {
        nonce: 9,
        origin: NtpTimestamp::ZERO,
        before,
        precision: TimeDelta::NANOSECOND,
        stamp_id: None,
        hardware: false,
    };
    bed.association.handle_sent(sent);
    let flight = Flight {
        sent,
        request: Header::client_request(9),
        left: before.wall,
    };
    let receive = NtpTimestamp::from_timestamp(y2050, Rounding::Down);
    bed.receive(
        flight,
        &Header {
            receive,
            transmit: receive,
            ..Bed::answer(flight)
        },
    );
    assert_eq!(
        bed.samples()[0].exchange.upper,
        y2050.since(Timestamp::default())
    );
}

/// One thing that may happen next.
#[derive(Clone, Debug)]
enum Step {
    Send,
    Stamp(usize),
    Answer(usize),
    Garbage(Vec<u8>),
    Refuse,
    NewSocket,
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        4 => (0usize..40).prop_map(Step::Stamp),
        4 => (0usize..40).prop_map(Step::Answer),
        1 => proptest::collection::vec(any::<u8>(), 0..80).prop_map(Step::Garbage),
        1 => Just(Step::Refuse),
        1 => Just(Step::NewSocket),
        2 => (0i64..400).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever happens in whatever order: each request ends in exactly one event, and the truth
    /// is inside every sample's interval.
    #[test]
    fn every_request_ends_exactly_once(steps in proptest::collection::vec(step(), 0..200)) {
        let mut bed = Bed::new();
        let mut flights: Vec<Flight> = Vec::new();
        let mut events = Vec::new();
        for step in steps {
            bed.pass(TimeDelta::from_micros(1));
            match step {
                Step::Send if bed.association.may_send() => {
                    let nonce = 1000 + u64::try_from(flights.len()).unwrap();
                    flights.push(bed.send(nonce));
                }
                Step::Send => {}
                Step::Stamp(n) if n < flights.len() => bed.stamp(flights[n]),
                Step::Answer(n) if n < flights.len() => bed.receive(flights[n], &Bed::answer(flights[n])),
                Step::Stamp(_) | Step::Answer(_) => {}
                Step::Garbage(bytes) => {
                    bed.association.handle_datagram(bed.read(), &bytes, false, kernel(START));
                }
                Step::Refuse => bed.association.handle_undeliverable(bed.now),
                Step::NewSocket => bed.association.handle_new_socket(bed.now),
                Step::Pass(millis) => {
                    bed.pass(TimeDelta::from_millis(millis));
                    bed.association.handle_deadlines(bed.now);
                }
            }
            events.extend(bed.events());
        }
        bed.association.handle_end(bed.now);
        events.extend(bed.events());
        let mut ended = 0u64;
        for event in &events {
            match event {
                Event::Sample(_, sample) => {
                    ended += 1;
                    let interval = sample.exchange.interval(TimeDelta::ZERO).unwrap();
                    prop_assert!(interval.contains(OFFSET));
                }
                Event::Lost(..) => ended += 1,
                Event::Rejected(_, _, rejection, n) if rejection.ends_request() => ended += n,
                _ => {}
            }
        }
        prop_assert_eq!(ended, u64::try_from(flights.len()).unwrap());
        prop_assert!(bed.association.is_idle());
    }
}
