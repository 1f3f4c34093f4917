//! Stamps of a network card beside the kernel's: both ends of an exchange, or none.

use super::*;
use crate::sample::Class;

/// From the kernel's transmit stamp to the card's, and from the card's receive stamp to the kernel's.
const QUEUE: TimeDelta = TimeDelta::from_micros(2);
const INTERRUPT: TimeDelta = TimeDelta::from_micros(5);
/// What placing a card's stamp on the system clock may be off by.
const ERROR: TimeDelta = TimeDelta::from_nanos(150);

fn card(at: Timestamp) -> Stamp {
    Stamp {
        at,
        source: StampSource::Hardware,
        error: ERROR,
    }
}

impl Bed {
    fn send_by_card(&mut self, nonce: u64) -> Flight {
        let id = self.next_id;
        let mut flight = self.send(nonce);
        // The same request, known to go by a card.
        self.association.open.pop();
        flight.sent.hardware = true;
        flight.sent.stamp_id = Some(id);
        self.association.handle_sent(flight.sent);
        flight
    }

    /// When it met the card: on its way out `QUEUE` after the kernel's stamp.
    fn at_card(flight: Flight) -> Timestamp {
        flight.left + QUEUE
    }

    fn card_stamp(&mut self, flight: Flight) {
        let id = flight.sent.stamp_id.unwrap();
        self.association
            .handle_transmit_stamp(id, card(Self::at_card(flight)));
    }

    /// An honest answer, stamped by the kernel, and by the card if `by_card`.
    fn receive_by_card(&mut self, flight: Flight, by_card: bool) {
        let out = Flight {
            left: Self::at_card(flight),
            ..flight
        };
        let arrived = out.left + OUT + KEPT + BACK;
        let arrived = Arrived {
            stamp: kernel(arrived + INTERRUPT),
            hardware: by_card.then_some(card(arrived)),
        };
        let bytes = Self::answer(out).to_bytes();
        self.association
            .handle_datagram(self.read(), &bytes, false, arrived);
    }

    /// The one sample and the faults since the last look.
    fn outcome(&mut self) -> (Option<Sample>, Vec<StampFault>) {
        let (mut sample, mut faults) = (None, Vec::new());
        for event in self.events() {
            match event {
                Event::Sample(_, s) => assert!(sample.replace(s).is_none()),
                Event::StampFault(_, _, fault, 1) => faults.push(fault),
                Event::Server(..) => {}
                other => panic!("{other:?}"),
            }
        }
        (sample, faults)
    }
}

fn class(sample: &Sample) -> String {
    sample.class().to_string()
}

#[test]
fn an_exchange_takes_both_ends_from_the_card() {
    let mut bed = Bed::new();
    let flight = bed.send_by_card(1);
    bed.stamp(flight);
    bed.card_stamp(flight);
    bed.receive_by_card(flight, true);
    let (sample, faults) = bed.outcome();
    let sample = sample.unwrap();
    assert_eq!((class(&sample).as_str(), faults), ("BHH", vec![]));
    let exchange = sample.exchange;
    assert_eq!(exchange.t1, Bed::at_card(flight));
    assert_eq!(
        (exchange.upper, exchange.lower),
        (OFFSET + OUT, OFFSET - BACK)
    );
    assert_eq!(exchange.error, ERROR);
    assert!(bed.association.is_idle());
}

#[test]
fn the_answer_is_held_for_the_stamp_of_the_card_though_the_kernel_s_is_there() {
    let mut bed = Bed::new();
    let flight = bed.send_by_card(1);
    bed.stamp(flight);
    bed.receive_by_card(flight, true);
    bed.pass(TimeDelta::from_millis(60));
    bed.association.handle_deadlines(bed.now);
    assert_eq!(bed.outcome(), (None, vec![]));
    bed.card_stamp(flight);
    let (sample, faults) = bed.outcome();
    assert_eq!((class(&sample.unwrap()).as_str(), faults), ("BHH", vec![]));
}

#[test]
fn without_the_card_s_transmit_stamp_both_ends_are_the_kernel_s() {
    let mut bed = Bed::new();
    let flight = bed.send_by_card(1);
    bed.stamp(flight);
    bed.receive_by_card(flight, true);
    bed.now = bed.association.next_deadline().unwrap();
    bed.association.handle_deadlines(bed.now);
    let (sample, faults) = bed.outcome();
    let sample = sample.unwrap();
    assert_eq!(class(&sample), "BKK");
    assert_eq!(faults, [StampFault::MissingHardwareTx]);
    assert_eq!(sample.exchange.t1, flight.left);
    // When it does come it lands nowhere.
    bed.card_stamp(flight);
    assert_eq!(bed.outcome(), (None, vec![StampFault::UnknownId]));
}

#[test]
fn without_the_card_s_receive_stamp_nothing_is_waited_for() {
    let mut bed = Bed::new();
    let flight = bed.send_by_card(1);
    bed.stamp(flight);
    bed.receive_by_card(flight, false);
    let (sample, faults) = bed.outcome();
    assert_eq!(class(&sample.unwrap()), "BKK");
    assert_eq!(faults, [StampFault::MissingHardwareRx]);
    // The transmit stamp that was not waited for is no fault; one more would be.
    bed.card_stamp(flight);
    assert_eq!(bed.outcome(), (None, vec![]));
    bed.card_stamp(flight);
    assert_eq!(bed.outcome(), (None, vec![StampFault::UnknownId]));
}

#[test]
fn a_card_s_stamp_stands_in_for_no_missing_kernel_stamp() {
    let mut bed = Bed::new();
    let flight = bed.send_by_card(1);
    bed.card_stamp(flight);
    bed.receive_by_card(flight, false);
    bed.now = bed.association.next_deadline().unwrap();
    bed.association.handle_deadlines(bed.now);
    let (sample, faults) = bed.outcome();
    assert_eq!(class(&sample.unwrap()), "BUK");
    let expected = [StampFault::MissingTx, StampFault::MissingHardwareRx];
    assert_eq!(faults, expected);
}

#[test]
fn the_card_s_pair_needs_no_stamp_of_the_kernel() {
    let mut bed = Bed::new();
    let flight = bed.send_by_card(1);
    bed.receive_by_card(flight, true);
    bed.card_stamp(flight);
    let (sample, faults) = bed.outcome();
    assert_eq!((class(&sample.unwrap()).as_str(), faults), ("BHH", vec![]));
}

#[test]
fn stamps_of_the_card_must_lie_between_those_of_the_kernel() {
    // Before the kernel handed it over; after the answer came; an answer later than the kernel's.
    let wrongs = [
        (-QUEUE - ERROR - TimeDelta::from_nanos(2), TimeDelta::ZERO),
        (
            OUT + KEPT + BACK + ERROR.times(2) + TimeDelta::NANOSECOND,
            TimeDelta::ZERO,
        ),
        (
            TimeDelta::ZERO,
            INTERRUPT + ERROR + TimeDelta::from_nanos(2),
        ),
    ];
    for (transmit, receive) in wrongs {
        let mut bed = Bed::new();
        let flight = bed.send_by_card(1);
        bed.stamp(flight);
        let at = Bed::at_card(flight);
        bed.association
            .handle_transmit_stamp(0, card(at + transmit));
        let arrived = at + OUT + KEPT + BACK;
        let arrived = Arrived {
            stamp: kernel(arrived + INTERRUPT),
            hardware: Some(card(arrived + receive)),
        };
        let left = Flight { left: at, ..flight };
        let bytes = Bed::answer(left).to_bytes();
        bed.association
            .handle_datagram(bed.read(), &bytes, false, arrived);
        let (sample, faults) = bed.outcome();
        assert_eq!(class(&sample.unwrap()), "BKK");
        assert_eq!(faults, [StampFault::HardwareOutsideWindow]);
    }
}

#[test]
fn a_card_that_never_delivers_is_waited_for_eight_times() {
    let mut bed = Bed::new();
    let mut held = 0;
    for nonce in 1..=20 {
        let flight = bed.send_by_card(nonce);
        bed.stamp(flight);
        bed.receive_by_card(flight, true);
        if let Some(deadline) = bed.association.next_deadline() {
            held += 1;
            bed.now = deadline;
            bed.association.handle_deadlines(bed.now);
        }
        let (sample, faults) = bed.outcome();
        assert_eq!(class(&sample.unwrap()), "BKK");
        assert_eq!(faults, [StampFault::MissingHardwareTx]);
        bed.pass(TimeDelta::from_millis(5));
    }
    assert_eq!(held, 8);
    // One that comes before its answer is used, and from then on they are waited for again.
    let flight = bed.send_by_card(21);
    bed.stamp(flight);
    bed.card_stamp(flight);
    bed.receive_by_card(flight, true);
    assert_eq!(class(&bed.outcome().0.unwrap()), "BHH");
    bed.pass(TimeDelta::from_millis(5));
    let flight = bed.send_by_card(22);
    bed.stamp(flight);
    bed.receive_by_card(flight, true);
    assert!(bed.association.next_deadline().is_some());
    bed.card_stamp(flight);
    assert_eq!(class(&bed.outcome().0.unwrap()), "BHH");
}

#[test]
fn stamps_of_a_card_that_is_not_used_are_left_alone() {
    let mut bed = Bed::new();
    let flight = bed.send(1);
    bed.stamp(flight);
    bed.card_stamp(flight);
    bed.receive_by_card(flight, true);
    let (sample, faults) = bed.outcome();
    assert_eq!((class(&sample.unwrap()).as_str(), faults), ("BKK", vec![]));
}

/// What becomes of the stamps of one packet.
#[derive(Clone, Copy, Debug)]
struct Fate {
    kernel: bool,
    card_out: bool,
    card_in: bool,
    /// The card's transmit stamp comes this long after the answer.
    late_ms: i64,
    /// The card's transmit stamp is that of the packet before.
    mixed_up: bool,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        0i64..150,
        0u8..10,
    )
        .prop_map(|(kernel, card_out, card_in, late_ms, mixed)| Fate {
            kernel,
            card_out,
            card_in,
            late_ms,
            mixed_up: mixed == 0,
        });
    proptest::collection::vec(fate, 1..60)
}

fn play(bed: &mut Bed, fate: Fate, nonce: u64, before: Option<Flight>) -> Flight {
    let flight = bed.send_by_card(nonce);
    if fate.kernel {
        bed.stamp(flight);
    }
    bed.receive_by_card(flight, fate.card_in);
    let due = bed.now + TimeDelta::from_millis(fate.late_ms);
    while let Some(deadline) = bed.association.next_deadline().filter(|d| *d < due) {
        bed.now = deadline;
        bed.association.handle_deadlines(deadline);
    }
    bed.now = due;
    if fate.card_out {
        let whose = before.filter(|_| fate.mixed_up).unwrap_or(flight);
        let id = flight.sent.stamp_id.unwrap();
        bed.association
            .handle_transmit_stamp(id, card(Bed::at_card(whose)));
    }
    bed.pass(TimeDelta::from_millis(200));
    bed.association.handle_deadlines(bed.now);
    flight
}

proptest! {
    #[test]
    fn no_exchange_mixes_the_card_and_the_kernel_and_each_holds_the_truth(
        fates in fates(),
        interleaved in any::<bool>(),
    ) {
        let policy = if interleaved { ModePolicy::Auto } else { ModePolicy::Basic };
        let mut bed = Bed::asking(policy);
        let mut before = None;
        for (n, fate) in (1u64..).zip(&fates) {
            before = Some(play(&mut bed, *fate, n, before));
            for sample in bed.samples() {
                let Class { tx, rx, .. } = sample.class();
                let card = |s| s == StampSource::Hardware;
                prop_assert_eq!(card(tx), card(rx));
                let whole = sample.exchange.interval(TimeDelta::from_nanos(4)).unwrap();
                prop_assert!(whole.contains(OFFSET), "{:?}", sample);
            }
        }
        prop_assert!(bed.association.is_idle());
    }
}
