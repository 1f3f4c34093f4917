//! Interleaved mode: servers that grant it, refuse it, forget, and mix up their stamps.

use std::collections::HashMap;

use super::*;
use proptest::test_runner::TestCaseError;

/// From the server's reading of T3 in basic mode to the packet's leaving.
const LATE: TimeDelta = TimeDelta::from_nanos(1_700);
/// Between two requests.
const POLL: TimeDelta = TimeDelta::from_millis(250);

/// A server that saves stamps as chrony does: from the first request that names an exchange on.
#[derive(Default)]
struct Server {
    saved: HashMap<u64, NtpTimestamp>,
}

impl Server {
    fn answer(&mut self, flight: Flight) -> Header {
        let arrived = flight.left + OUT + OFFSET;
        let basic = Bed::answer(flight);
        let asked = flight.request.origin;
        if !asked.is_zero() {
            let left = NtpTimestamp::from_timestamp(arrived + KEPT + LATE, Rounding::Up);
            self.saved.insert(basic.receive.0, left);
        }
        match self.saved.get(&asked.0) {
            Some(&transmit) => Header {
                origin: flight.request.receive,
                transmit,
                ..basic
            },
            None => basic,
        }
    }
}

impl Bed {
    /// One request, its stamp and its answer.
    fn exchange(&mut self, nonce: u64, server: &mut Server) -> Flight {
        let flight = self.send_stamped(nonce);
        let answer = server.answer(flight);
        self.receive_late(flight, &answer);
        flight
    }

    fn send_stamped(&mut self, nonce: u64) -> Flight {
        self.pass(POLL);
        let flight = self.send(nonce);
        self.stamp(flight);
        flight
    }

    /// As `receive`, of a packet that left when it really left.
    fn receive_late(&mut self, flight: Flight, header: &Header) {
        let arrived = flight.left + OUT + KEPT + LATE + BACK;
        self.association
            .handle_datagram(self.read(), &header.to_bytes(), false, kernel(arrived));
    }
}

fn modes(samples: &[Sample]) -> Vec<Mode> {
    samples.iter().map(|s| s.mode).collect()
}

/// Three exchanges with an honest server: from here on each answer is interleaved.
fn granted() -> (Bed, Server) {
    let (mut bed, mut server) = (Bed::asking(ModePolicy::Auto), Server::default());
    for nonce in 1..=3 {
        bed.exchange(nonce, &mut server);
    }
    let found = modes(&bed.samples());
    assert_eq!(found, [Mode::Basic, Mode::Basic, Mode::Interleaved]);
    (bed, server)
}

#[test]
fn an_interleaved_sample_has_the_four_stamps_of_one_exchange() {
    let (mut bed, mut server) = granted();
    let fourth = bed.exchange(4, &mut server);
    bed.samples();
    let fifth = bed.exchange(5, &mut server);
    // Different from the last answer in all that only it says; the sample must not show it.
    let samples = bed.samples();
    let [sample] = samples[..] else {
        panic!("{samples:?}")
    };
    let exchange = sample.exchange;
    assert_eq!(sample.mode, Mode::Interleaved);
    assert_eq!(exchange.t1, fourth.left);
    assert_eq!(exchange.upper, OFFSET + OUT);
    assert_eq!(exchange.residence, KEPT + LATE);
    assert_eq!(exchange.lower, OFFSET - BACK);
    assert_eq!(sample.at, fourth.sent.before.counter + CALL);
    assert_eq!(sample.class().to_string(), "IKK");
    assert!(exchange.t1 < fifth.left);
}

#[test]
fn a_step_costs_the_exchange_it_fell_into_whichever_reply_completes_it() {
    let (mut bed, mut server) = granted();
    // Into exchange 4, whose reply completes exchange 3.
    let fourth = bed.send_stamped(4);
    let answer = server.answer(fourth);
    bed.stepped = TimeDelta::from_millis(5);
    bed.receive_late(fourth, &answer);
    let samples = bed.samples();
    assert_eq!(modes(&samples), [Mode::Interleaved]);
    assert!(samples[0].exchange.t1 < fourth.left);
    let fifth = bed.exchange(5, &mut server);
    assert_eq!(bed.rejections(), [(Rejection::ClockStep, 1)]);
    bed.exchange(6, &mut server);
    let samples = bed.samples();
    assert_eq!(modes(&samples), [Mode::Interleaved]);
    assert_eq!(samples[0].exchange.t1, fifth.left);
}

#[test]
fn what_the_server_says_of_itself_belongs_to_the_exchange_before_too() {
    let (mut bed, mut server) = granted();
    let flight = bed.send_stamped(4);
    let answer = Header {
        stratum: 3,
        ..server.answer(flight)
    };
    bed.receive_late(flight, &answer);
    let told = |bed: &mut Bed| {
        let strata = bed.events().into_iter().filter_map(|event| match event {
            Event::Server(_, info) => Some(info.stratum),
            _ => None,
        });
        strata.collect::<Vec<_>>()
    };
    assert!(told(&mut bed).is_empty());
    bed.exchange(5, &mut server);
    assert_eq!(told(&mut bed), [3]);
}

#[test]
fn requests_say_what_they_ask_for() {
    let (bed, _) = granted();
    let request = bed.association.request(0x1234);
    assert_eq!(request.transmit.0, 0x1234);
    assert_eq!(request.receive.0, !0x1234);
    assert!(!request.origin.is_zero());
    let basic = Bed::asking(ModePolicy::Basic).association.request(0x1234);
    assert_eq!(basic, Header::client_request(0x1234));
}

#[test]
fn a_lost_answer_costs_its_own_sample_only() {
    let (mut bed, mut server) = granted();
    let kept = bed.exchange(4, &mut server);
    bed.samples();
    let lost = bed.send_stamped(5);
    server.answer(lost);
    bed.pass(TIMEOUT);
    bed.association.handle_deadlines(bed.now);
    let events = bed.events();
    assert!(
        matches!(events[..], [Event::Lost(_, _, LossCause::Timeout)]),
        "{events:?}"
    );
    // The next request names the same exchange, whose stamp the server still has.
    let next = bed.exchange(6, &mut server);
    let samples = bed.samples();
    assert_eq!(samples[0].exchange.t1, kept.left);
    bed.exchange(7, &mut server);
    assert_eq!(bed.samples()[0].exchange.t1, next.left);
    // And the lost one, when it comes after all, is nothing.
    bed.receive_late(lost, &server.answer(lost));
    assert_eq!(bed.rejections(), [(Rejection::TooLate, 1)]);
}

#[test]
fn a_server_that_forgets_is_asked_again() {
    let (mut bed, mut server) = granted();
    bed.exchange(4, &mut server);
    server.saved.clear();
    for nonce in 5..=8 {
        bed.exchange(nonce, &mut server);
    }
    let all = bed.samples();
    use Mode::{Basic, Interleaved};
    assert_eq!(
        modes(&all),
        [Interleaved, Basic, Interleaved, Interleaved, Interleaved]
    );
    assert!(all.is_sorted_by_key(|s| s.exchange.t1));
    // The whole time the server flips: basic as often as it forgets, and never given up.
    for nonce in 10..40 {
        server.saved.clear();
        bed.exchange(nonce, &mut server);
    }
    assert_eq!(modes(&bed.samples()), [Basic; 30]);
    assert!(!bed.association.request(50).origin.is_zero());
}

#[test]
fn a_server_that_never_grants_it_is_asked_in_basic_mode() {
    for (policy, still_asked) in [(ModePolicy::Auto, false), (ModePolicy::Interleaved, true)] {
        let mut bed = Bed::asking(policy);
        for nonce in 1..=20 {
            let flight = bed.send_stamped(nonce);
            assert_eq!(
                flight.sent.is_interleaved(),
                nonce > 1 && (nonce <= 5 || still_asked)
            );
            bed.receive(flight, &Bed::answer(flight));
        }
        let events = bed.events();
        let notes = events.iter().filter(|e| matches!(e, Event::Note(..)));
        let note = Note::NotInterleaved;
        assert_eq!(
            notes.collect::<Vec<_>>(),
            [&Event::Note(
                Some(SourceId(0)),
                bed.now + POLL.times(-15),
                note
            )]
        );
        let samples = events.iter().filter(|e| matches!(e, Event::Sample(..)));
        assert_eq!(samples.count(), 20);
    }
}

#[test]
fn losses_between_refusals_start_the_count_anew() {
    let mut bed = Bed::asking(ModePolicy::Auto);
    for nonce in 1..=30 {
        let flight = bed.send_stamped(nonce);
        if nonce % 3 == 0 {
            bed.pass(TIMEOUT);
            bed.association.handle_deadlines(bed.now);
        } else {
            bed.receive(flight, &Bed::answer(flight));
        }
    }
    assert!(!bed.association.request(50).origin.is_zero());
}

#[test]
fn what_is_due_while_an_interleaved_request_is_out_is_basic() {
    let (mut bed, mut server) = granted();
    let first = bed.send_stamped(4);
    assert!(bed.association.may_send());
    let second = bed.send_stamped(5);
    assert!(first.sent.is_interleaved() && !second.sent.is_interleaved());
    // The chain goes on where it was, whatever order the answers come in.
    bed.receive_late(second, &server.answer(second));
    bed.receive_late(first, &server.answer(first));
    let fourth = bed.exchange(6, &mut server);
    assert_eq!(fourth.request.origin, Bed::answer(first).receive);
    use Mode::{Basic, Interleaved};
    assert_eq!(modes(&bed.samples()), [Basic, Interleaved, Interleaved]);
}

#[test]
fn a_lost_request_holds_up_nothing_once_it_is_overtaken() {
    let (mut bed, mut server) = granted();
    let lost = bed.send_stamped(4);
    let basic = bed.exchange(5, &mut server);
    let next = bed.exchange(6, &mut server);
    assert_eq!(
        [lost, basic, next].map(|flight| flight.sent.is_interleaved()),
        [true, false, true]
    );
    use Mode::{Basic, Interleaved};
    assert_eq!(modes(&bed.samples()), [Basic, Interleaved]);
    // It was only late: what it should complete has been told.
    bed.receive_late(lost, &server.answer(lost));
    assert_eq!(bed.rejections(), [(Rejection::WrongExchange, 1)]);
    bed.exchange(7, &mut server);
    assert_eq!(modes(&bed.samples()), [Interleaved]);
}

#[test]
fn an_answer_that_was_held_too_long_completes_no_other_exchange() {
    let (mut bed, mut server) = granted();
    bed.pass(POLL);
    // Answered, but its transmit stamp is late.
    let held = bed.send(4);
    bed.receive_late(held, &server.answer(held));
    for nonce in 5..=6 {
        let flight = bed.send(nonce);
        bed.stamp(flight);
        let answer = server.answer(flight);
        bed.receive_late(flight, &answer);
    }
    use Mode::{Basic, Interleaved};
    assert_eq!(modes(&bed.samples()), [Basic, Interleaved]);
    bed.stamp(held);
    assert_eq!(bed.rejections(), [(Rejection::WrongExchange, 1)]);
}

#[test]
fn who_insists_has_one_request_out_at_a_time() {
    let mut bed = Bed::asking(ModePolicy::Interleaved);
    bed.send(1);
    assert!(!bed.association.may_send());
    bed.pass(TIMEOUT);
    bed.association.handle_deadlines(bed.now);
    assert!(bed.association.may_send());
}

#[test]
fn duplicates_and_replays_of_interleaved_answers_have_their_names() {
    let (mut bed, mut server) = granted();
    let older = bed.send_stamped(4);
    let old_answer = server.answer(older);
    bed.receive_late(older, &old_answer);
    let newer = bed.send_stamped(5);
    let answer = server.answer(newer);
    bed.receive_late(newer, &answer);
    bed.samples();
    bed.receive_late(newer, &answer);
    bed.receive_late(older, &old_answer);
    let rejections = bed.rejections();
    assert_eq!(
        rejections,
        [(Rejection::Duplicate, 1), (Rejection::Replay, 1)]
    );
}

#[test]
fn an_interleaved_answer_that_nobody_asked_for_is_bogus() {
    let mut bed = Bed::asking(ModePolicy::Basic);
    let flight = bed.send_stamped(1);
    let unasked = Header {
        origin: NtpTimestamp(!1),
        ..Bed::answer(flight)
    };
    bed.receive(flight, &unasked);
    assert_eq!(bed.rejections(), [(Rejection::BogusOrigin, 1)]);
}

/// The interleaved answer with `transmit` in the place of the stamp that belongs there.
fn rejection_of_transmit(transmit: impl FnOnce(&[Flight], Flight) -> Timestamp) -> Rejection {
    let (mut bed, mut server) = granted();
    let earlier = [4, 5].map(|nonce| bed.exchange(nonce, &mut server));
    bed.samples();
    let flight = bed.send_stamped(6);
    let answer = Header {
        transmit: NtpTimestamp::from_timestamp(transmit(&earlier, flight), Rounding::Up),
        ..server.answer(flight)
    };
    bed.receive_late(flight, &answer);
    let rejections = bed.rejections();
    let [(rejection, 1)] = rejections[..] else {
        panic!("{rejections:?}")
    };
    // The chain goes on with the next.
    bed.exchange(7, &mut server);
    assert_eq!(modes(&bed.samples()), [Mode::Interleaved]);
    rejection
}

#[test]
fn another_exchanges_stamp_never_becomes_a_sample() {
    let left = |flight: Flight| flight.left + OUT + OFFSET + KEPT + LATE;
    // That of the exchange before the one asked for, off by a poll interval to one side, and that
    // of the present one, off to the other.
    let older = rejection_of_transmit(|earlier, _| left(earlier[0]));
    let newer = rejection_of_transmit(|_, flight| left(flight));
    assert_eq!([older, newer], [Rejection::WrongExchange; 2]);
    // One of another client, from the time between two requests: the reply would have been on its
    // way back before it left, so the interval is empty.
    let between = rejection_of_transmit(|earlier, _| left(earlier[1]) + POLL + OUT.times(-4));
    assert_eq!(between, Rejection::NegativeDelay);
}

#[test]
fn a_clock_stepped_between_two_exchanges_harms_neither() {
    let (mut bed, mut server) = granted();
    let before = bed.exchange(4, &mut server);
    bed.samples();
    let hour = TimeDelta::from_secs(3600);
    bed.pass(POLL);
    let mut after = bed.send(5);
    after.left = after.left + hour;
    after.sent.before.wall = after.sent.before.wall + hour;
    bed.association.open[0].sent.before.wall = after.sent.before.wall;
    bed.stamp(after);
    // The server's clock is as it was.
    let seen = Flight {
        left: after.left + (-hour),
        ..after
    };
    bed.receive_late(after, &server.answer(seen));
    let sample = bed.samples()[0];
    assert_eq!(sample.exchange.t1, before.left);
    assert_eq!(sample.exchange.upper, OFFSET + OUT);
    assert_eq!(sample.exchange.lower, OFFSET - BACK);
}

#[test]
fn a_missing_stamp_is_labelled_on_the_sample_it_belongs_to() {
    let (mut bed, mut server) = granted();
    bed.pass(POLL);
    let unstamped = bed.send(4);
    bed.receive_late(unstamped, &server.answer(unstamped));
    // Held until the stamp is given up; what the answer completes is the exchange before.
    bed.pass(STAMP_PATIENCE);
    bed.association.handle_deadlines(bed.now);
    let samples = bed.samples();
    assert_eq!(samples[0].class().to_string(), "IKK");
    bed.exchange(5, &mut server);
    let samples = bed.samples();
    assert_eq!(samples[0].class().to_string(), "IUK");
    assert_eq!(samples[0].exchange.t1, unstamped.sent.before.wall);
}

/// What befalls one exchange.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Fine,
    Lost,
    Twice,
    /// Answered after the next request is out.
    Overtaken,
    StampLost,
    StampLate,
    Forgotten,
}

proptest! {
    /// Whatever happens on the way, every sample holds the truth, and every request has one end.
    #[test]
    fn no_order_of_events_makes_a_wrong_sample(
        fates in proptest::collection::vec(
            (
                proptest::sample::select(vec![
                    Fate::Fine, Fate::Fine, Fate::Fine, Fate::Lost, Fate::Twice, Fate::Overtaken,
                    Fate::StampLost, Fate::StampLate, Fate::Forgotten,
                ]),
                proptest::sample::select(vec![1, 250]),
            ),
            1..60,
        ),
        policy in proptest::sample::select(vec![ModePolicy::Auto, ModePolicy::Interleaved]),
    ) {
        let (mut bed, mut server) = (Bed::asking(policy), Server::default());
        let mut overtaken: Option<(Flight, Header)> = None;
        let mut sent = 0u64;
        let mut events = Vec::new();
        let mut late = Vec::new();
        for (nonce, (fate, gap)) in (1u64..).zip(fates) {
            bed.pass(TimeDelta::from_millis(gap));
            bed.association.handle_deadlines(bed.now);
            if !bed.association.may_send() {
                continue;
            }
            sent += 1;
            let flight = bed.send(nonce);
            match fate {
                Fate::StampLost => {}
                Fate::StampLate => late.push(flight),
                _ => bed.stamp(flight),
            }
            if nonce % 3 == 0 {
                late.drain(..).for_each(|flight| bed.stamp(flight));
            }
            if matches!(fate, Fate::Forgotten) {
                server.saved.clear();
            }
            let answer = server.answer(flight);
            if let Some((flight, answer)) = overtaken.take() {
                bed.receive_late(flight, &answer);
            }
            match fate {
                Fate::Lost => {}
                Fate::Overtaken => overtaken = Some((flight, answer)),
                Fate::Twice => {
                    bed.receive_late(flight, &answer);
                    bed.receive_late(flight, &answer);
                }
                Fate::Fine | Fate::StampLost | Fate::StampLate | Fate::Forgotten => {
                    bed.receive_late(flight, &answer);
                }
            }
            events.extend(bed.events());
        }
        bed.association.handle_end(bed.now);
        events.extend(bed.events());
        let mut ends = 0;
        for event in &events {
            match event {
                Event::Sample(_, sample) => {
                    ends += 1;
                    let interval = sample.exchange.interval(TimeDelta::NANOSECOND).ok_or_else(|| {
                        TestCaseError::fail("an empty interval")
                    })?;
                    prop_assert!(interval.contains(OFFSET), "{:?}", sample);
                    let exact = sample.exchange.residence - KEPT;
                    let late = if sample.mode == Mode::Interleaved { LATE } else { TimeDelta::ZERO };
                    prop_assert_eq!(exact, late);
                }
                Event::Lost(..) => ends += 1,
                Event::Rejected(_, _, rejection, n) if rejection.ends_request() => ends += n,
                _ => {}
            }
        }
        prop_assert_eq!(ends, sent);
    }
}
