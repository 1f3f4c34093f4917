use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const NOON: Timestamp = Timestamp::from_nanos(1_763_832_000_123_456_789);

fn after(t: Timestamp, nanos: i64) -> Timestamp {
    t + TimeDelta::from_nanos(nanos)
}

fn header(reply: &Reply) -> Header {
    Packet::parse(&reply.bytes).unwrap().header
}

fn ask(config: Config, request: &Header, receive: Timestamp, transmit: Timestamp) -> Header {
    let reply = Responder::new(config).respond(&request.to_bytes(), receive, transmit);
    header(&reply.unwrap())
}

#[test]
fn an_honest_reply_carries_the_readings_to_the_nanosecond() {
    let mut request = Header::client_request(0x0123_4567_89ab_cdef);
    request.poll = 7;
    let reply = ask(Config::default(), &request, NOON, after(NOON, 4_321));
    assert_eq!(reply.origin, request.transmit);
    assert_eq!(reply.poll, 7);
    assert_eq!(reply.version, Version::V4);
    assert_eq!(reply.mode, PacketMode::Server);
    assert_eq!(reply.leap, Leap::None);
    assert_eq!(reply.stratum, 10);
    assert_eq!(reply.server_stamps(NOON), Some((NOON, after(NOON, 4_321))));
    let reference = reply.reference.to_timestamp(NOON, Rounding::Up).unwrap();
    assert!(reference <= NOON && NOON.since(reference) < TimeDelta::from_secs(1));
}

#[test]
fn it_says_what_it_is_configured_to_say() {
    let config = Config {
        leap: Leap::Unsynchronised,
        stratum: 16,
        reference_id: ReferenceId(*b"INIT"),
        precision: -6,
        root_delay: TimeDelta::from_millis(1_500),
        root_dispersion: TimeDelta::from_nanos(1),
        ..Config::default()
    };
    let reply = ask(config, &Header::client_request(1), NOON, NOON);
    assert_eq!((reply.leap, reply.stratum), (Leap::Unsynchronised, 16));
    assert_eq!(reply.reference_id, ReferenceId(*b"INIT"));
    assert_eq!(reply.precision, -6);
    assert_eq!(reply.root_delay, NtpShort(0x0001_8000));
    assert_eq!(reply.root_dispersion, NtpShort(1));
}

#[test]
fn version_3_is_answered_in_version_3_and_others_are_not() {
    for number in 0..8 {
        let version = Version::new(number).unwrap();
        let mut request = Header::client_request(1);
        request.version = version;
        let reply = Responder::default().respond(&request.to_bytes(), NOON, NOON);
        match number {
            3 | 4 => assert_eq!(header(&reply.unwrap()).version, version),
            _ => assert_eq!(reply, Err(Refusal::Version(version))),
        }
    }
}

#[test]
fn only_clients_are_answered() {
    for bits in (0..8).filter(|bits| *bits != 3) {
        let mut bytes = Header::client_request(1).to_bytes();
        bytes[0] = 0x20 | bits;
        let mode = Packet::parse(&bytes).unwrap().header.mode;
        let reply = Responder::default().respond(&bytes, NOON, NOON);
        assert_eq!(reply, Err(Refusal::Mode(mode)));
    }
}

#[test]
fn its_own_reply_is_no_request() {
    let mut responder = Responder::default();
    let request = Header::client_request(1).to_bytes();
    let reply = responder.respond(&request, NOON, NOON).unwrap();
    let again = responder.respond(&reply.bytes, NOON, NOON);
    assert_eq!(again, Err(Refusal::Mode(PacketMode::Server)));
}

#[test]
fn a_request_with_a_tail_is_judged_by_the_tail() {
    let request = Header::client_request(1).to_bytes();
    let respond = |tail: &[u8]| {
        let bytes = [&request[..], tail].concat();
        Responder::default().respond(&bytes, NOON, NOON)
    };
    let mut unknown = [0; 28];
    unknown[3] = 28;
    assert_eq!(respond(&unknown), respond(&[]));
    for mac in [4, 20, 24] {
        assert_eq!(respond(&vec![0; mac]), Err(Refusal::Authenticated));
    }
    assert!(matches!(respond(&[0; 5]), Err(Refusal::Malformed(_))));
    let short = Responder::default().respond(&request[..47], NOON, NOON);
    let error = ParseError::TooShort { length: 47 };
    assert_eq!(short, Err(Refusal::Malformed(error)));
}

#[test]
fn a_clock_that_steps_back_in_between_is_not_hidden() {
    let request = Header::client_request(1);
    let reply = ask(Config::default(), &request, NOON, after(NOON, -5));
    assert_eq!(reply.server_stamps(NOON), Some((NOON, after(NOON, -5))));
}

#[test]
fn the_drift_is_rounded_to_one_side_and_never_overflows() {
    let config = |ppb| Config {
        drift: Frequency::from_ppb(ppb),
        drift_start: NOON,
        ..Config::default()
    };
    let ahead = |ppb, elapsed| config(ppb).ahead_at(after(NOON, elapsed)).as_nanos();
    assert_eq!(ahead(1, 999_999_999), 0);
    assert_eq!(ahead(1, 1_000_000_000), 1);
    assert_eq!(ahead(1, -1), -1);
    assert_eq!(ahead(-1, 1), -1);
    assert_eq!(ahead(-100_000, 10_000_000_000), -1_000_000);
    let wildest = Config {
        offset: TimeDelta::MIN,
        drift: Frequency::from_ppb(i64::MIN),
        drift_start: Timestamp::from_nanos(i64::MIN),
        ..Config::default()
    };
    let last = Timestamp::from_nanos(i64::MAX);
    assert_eq!(wildest.ahead_at(last), TimeDelta::MIN);
}

proptest! {
    /// The lie is in both stamps, to the nanosecond, as the client of this program reads them.
    #[test]
    fn it_lies_by_just_what_it_was_told(
        offset in -4_000_000_000_000i64..4_000_000_000_000,
        ppb in -500_000i64..500_000,
        since in 0i64..100_000_000_000_000,
        kept in 0i64..1_000_000_000,
    ) {
        let config = Config {
            offset: TimeDelta::from_nanos(offset),
            drift: Frequency::from_ppb(ppb),
            drift_start: NOON,
            ..Config::default()
        };
        prop_assert_eq!(config.lies(), offset != 0 || ppb != 0);
        let (receive, transmit) = (after(NOON, since), after(NOON, since + kept));
        let reply = ask(config, &Header::client_request(1), receive, transmit);
        let lie = |elapsed: i64| {
            let drifted = (i128::from(ppb) * i128::from(elapsed)).div_euclid(1_000_000_000);
            offset + i64::try_from(drifted).unwrap()
        };
        let want = (after(receive, lie(since)), after(transmit, lie(since + kept)));
        prop_assert_eq!(reply.server_stamps(NOON), Some(want));
        let reference = reply.reference.to_timestamp(NOON, Rounding::Up).unwrap();
        prop_assert!(reference <= want.0);
    }

    #[test]
    fn nothing_is_answered_with_more_than_was_sent(
        flags in prop_oneof![Just(0x23u8), Just(0x1b), Just(0xe3), any::<u8>()],
        mut bytes in vec(any::<u8>(), 40..56),
        receive: i64,
        transmit: i64,
    ) {
        bytes[0] = flags;
        let clock = Timestamp::from_nanos;
        let reply = Responder::default().respond(&bytes, clock(receive), clock(transmit));
        let answerable = bytes.len() == 48 && flags & 7 == 3 && matches!(flags >> 3 & 7, 3 | 4);
        prop_assert_eq!(reply.is_ok(), answerable);
        if let Ok(reply) = reply {
            prop_assert_eq!(&reply.bytes[24..32], &bytes[40..48]);
        }
    }
}

/// A client that wants interleaved mode, at the end of a path that takes no time.
struct Client {
    origin: NtpTimestamp,
    nonce: u64,
}

impl Client {
    fn new(seed: u64) -> Self {
        Self {
            origin: NtpTimestamp::ZERO,
            nonce: seed << 32,
        }
    }

    fn request(&mut self) -> Header {
        self.nonce += 1;
        if self.origin.is_zero() {
            Header::client_request(self.nonce)
        } else {
            Header::interleaved_request(self.nonce, self.origin)
        }
    }

    /// Asks at `at`; the answer is stamped 3 us later by the responder's own clock.
    fn ask(&mut self, responder: &mut Responder, at: Timestamp) -> Reply {
        let request = self.request().to_bytes();
        let reply = responder.respond(&request, at, after(at, 3_000)).unwrap();
        self.origin = header(&reply).receive;
        reply
    }

    /// Asks at `at`, and the answer leaves 5 us later.
    fn exchange(&mut self, responder: &mut Responder, at: Timestamp) -> Reply {
        let reply = self.ask(responder, at);
        if reply.stamp_wanted {
            responder.handle_transmit_stamp(&reply.bytes, after(at, 5_000));
        }
        reply
    }
}

fn second(n: i64) -> Timestamp {
    NOON + TimeDelta::from_secs(n)
}

fn modes(replies: &[Reply]) -> Vec<Mode> {
    replies.iter().map(|reply| reply.mode).collect()
}

const B: Mode = Mode::Basic;
const I: Mode = Mode::Interleaved;

#[test]
fn the_third_reply_tells_when_the_second_left() {
    let mut responder = Responder::default();
    let mut client = Client::new(1);
    let replies: Vec<Reply> = (0..5)
        .map(|n| client.exchange(&mut responder, second(n)))
        .collect();
    assert_eq!(modes(&replies), [B, B, I, I, I]);
    let wanted: Vec<bool> = replies.iter().map(|r| r.stamp_wanted).collect();
    assert_eq!(wanted, [false, true, true, true, true]);

    let third = header(&replies[2]);
    // The nonce is 3, and the receive field its complement.
    assert_eq!(third.origin, NtpTimestamp(!client_nonce(1, 3)));
    let told = third.server_stamps(NOON);
    assert_eq!(told, Some((second(2), after(second(1), 5_000))));
    let reference = third.reference.to_timestamp(NOON, Rounding::Up).unwrap();
    assert!(reference <= second(1));
    assert_eq!(header(&replies[1]).origin, NtpTimestamp(client_nonce(1, 2)));
}

const fn client_nonce(seed: u64, number: u64) -> u64 {
    (seed << 32) + number
}

#[test]
fn a_liar_lies_alike_in_both_modes() {
    let config = Config {
        offset: TimeDelta::from_millis(50),
        drift: Frequency::from_ppm(-20),
        drift_start: NOON,
        ..Config::default()
    };
    let mut responder = Responder::new(config);
    let mut client = Client::new(1);
    let last = (0..4).map(|n| client.exchange(&mut responder, second(n)));
    let last = header(&last.last().unwrap());
    let left = after(second(2), 5_000);
    let told = (
        second(3) + config.ahead_at(second(3)),
        left + config.ahead_at(left),
    );
    assert_eq!(last.server_stamps(NOON), Some(told));
}

#[test]
fn basic_clients_cost_no_stamp_and_no_memory() {
    let mut responder = Responder::default();
    let mut last = Header::client_request(0);
    for n in 0..100u64 {
        let at = second(i64::try_from(n).unwrap());
        // As RFC 5905 has it: the server's transmit stamp, the client's receive stamp, its time.
        let mut old_style = Header::client_request(n << 8);
        (old_style.origin, old_style.receive) = (last.transmit, NtpTimestamp(n << 8 | 7));
        // As clients ask that want to tell nothing about themselves.
        let plain = Header::client_request(n << 8 | 3);
        for (request, nanos) in [(old_style, 0), (plain, 500)] {
            let at = after(at, nanos);
            let reply = responder
                .respond(&request.to_bytes(), at, after(at, 100))
                .unwrap();
            assert_eq!((reply.mode, reply.stamp_wanted), (B, false));
            last = header(&reply);
            assert_eq!(last.origin, request.transmit);
        }
    }
    assert_eq!(responder.saved.places(), 0);
}

#[test]
fn equal_fields_leave_the_mode_open_and_so_it_is_basic() {
    let mut responder = Responder::default();
    let mut client = Client::new(1);
    for n in 0..3 {
        client.exchange(&mut responder, second(n));
    }
    let mut request = client.request();
    request.receive = request.transmit;
    let reply = responder.respond(&request.to_bytes(), second(3), second(3));
    assert_eq!(reply.unwrap().mode, B);
}

#[test]
fn a_stamp_that_is_lost_or_late_makes_a_basic_reply() {
    let mut responder = Responder::default();
    let mut client = Client::new(1);
    client.exchange(&mut responder, second(0));
    let unstamped = client.ask(&mut responder, second(1));
    let basic = client.exchange(&mut responder, second(2));
    assert_eq!((unstamped.mode, basic.mode), (B, B));
    assert_eq!(
        header(&basic).server_stamps(NOON),
        Some((second(2), after(second(2), 3_000)))
    );
    // It comes when nobody asks for it any more, and goes nowhere.
    responder.handle_transmit_stamp(&unstamped.bytes, second(9));
    let next = client.exchange(&mut responder, second(3));
    assert_eq!(next.mode, I);
    let (_, t3) = header(&next).server_stamps(NOON).unwrap();
    assert_eq!(t3, after(second(2), 5_000));
}

#[test]
fn a_second_report_and_one_of_nothing_change_nothing() {
    let mut responder = Responder::default();
    let mut client = Client::new(1);
    let first = client.exchange(&mut responder, second(0));
    responder.handle_transmit_stamp(&first.bytes, second(5));
    let stamped = client.exchange(&mut responder, second(1));
    responder.handle_transmit_stamp(&stamped.bytes, second(7));
    responder.handle_transmit_stamp(&[0; HEADER_LEN], second(7));
    responder.handle_transmit_stamp(&[0xff; HEADER_LEN], second(7));
    let (_, t3) = header(&client.exchange(&mut responder, second(2)))
        .server_stamps(NOON)
        .unwrap();
    assert_eq!(t3, after(second(1), 5_000));
}

#[test]
fn an_origin_buys_one_interleaved_reply() {
    let mut responder = Responder::default();
    let mut client = Client::new(1);
    for n in 0..2 {
        client.exchange(&mut responder, second(n));
    }
    let request = client.request().to_bytes();
    let replies = [2, 3, 4].map(|n| {
        let reply = responder.respond(&request, second(n), second(n));
        reply.unwrap()
    });
    assert_eq!(modes(&replies), [I, B, B]);
}

#[test]
fn a_lost_reply_costs_one_basic_reply() {
    let mut responder = Responder::default();
    let mut client = Client::new(1);
    for n in 0..3 {
        client.exchange(&mut responder, second(n));
    }
    let known = client.origin;
    let lost = client.exchange(&mut responder, second(3));
    client.origin = known;
    let (again, then) = (
        client.exchange(&mut responder, second(4)),
        client.exchange(&mut responder, second(5)),
    );
    assert_eq!(modes(&[lost, again, then]), [I, B, I]);
}

#[test]
fn two_clients_are_told_their_own_stamps() {
    let mut responder = Responder::default();
    let mut clients = [Client::new(1), Client::new(2)];
    for n in 0..6 {
        for (client, shift) in clients.iter_mut().zip([0, 700]) {
            let reply = client.exchange(&mut responder, after(second(n), shift));
            assert_eq!(reply.mode == I, n >= 2);
            if n >= 2 {
                let (_, t3) = header(&reply).server_stamps(NOON).unwrap();
                assert_eq!(t3, after(second(n - 1), shift + 5_000));
            }
        }
    }
}

/// Nobody's address is kept, so who names another's receive stamp is told another's transmit stamp:
/// he would have to see it on its way. What the client proper loses is one interleaved reply.
#[test]
fn an_origin_taken_by_somebody_else_costs_its_client_one_basic_reply() {
    let mut responder = Responder::default();
    let (mut client, mut thief) = (Client::new(1), Client::new(2));
    for n in 0..3 {
        client.exchange(&mut responder, second(n));
    }
    thief.origin = client.origin;
    let stolen = thief.exchange(&mut responder, second(3));
    let (next, then) = (
        client.exchange(&mut responder, second(4)),
        client.exchange(&mut responder, second(5)),
    );
    assert_eq!(modes(&[stolen, next, then]), [I, B, I]);
}

#[test]
fn a_receive_stamp_that_two_were_told_belongs_to_neither() {
    let at = second(1);
    for saver_is_first in [true, false] {
        let mut responder = Responder::default();
        let (mut saver, mut newcomer) = (Client::new(1), Client::new(2));
        saver.exchange(&mut responder, second(0));
        if saver_is_first {
            assert!(saver.exchange(&mut responder, at).stamp_wanted);
            assert!(!newcomer.exchange(&mut responder, at).stamp_wanted);
        } else {
            assert!(!newcomer.exchange(&mut responder, at).stamp_wanted);
            assert!(!saver.exchange(&mut responder, at).stamp_wanted);
        }
        assert_eq!(saver.origin, newcomer.origin);
        let replies = [
            newcomer.exchange(&mut responder, second(2)),
            saver.exchange(&mut responder, second(3)),
        ];
        assert_eq!(modes(&replies), [B, B]);
    }
}

#[test]
fn nothing_is_kept_while_the_clock_repeats_itself() {
    let mut responder = Responder::default();
    let mut client = Client::new(1);
    let at = [0, 1, 2, -3, -2, -1, 2, 3, 4, 5];
    let replies = at.map(|n| client.exchange(&mut responder, second(n)));
    // The first after the step still names a reply from before it.
    assert_eq!(modes(&replies), [B, B, I, I, B, B, B, B, I, I]);
    let (_, t3) = header(&replies[3]).server_stamps(NOON).unwrap();
    assert_eq!(t3, after(second(2), 5_000));
}

#[test]
fn a_flood_pushes_others_out_but_grows_nothing_and_wrongs_nobody() {
    let mut responder = Responder::default();
    let mut client = Client::new(1);
    for n in 0..3 {
        client.exchange(&mut responder, second(n));
    }
    let mut flood = Header::client_request(5);
    (flood.origin, flood.receive) = (NtpTimestamp(1), NtpTimestamp(6));
    let ask = |responder: &mut Responder, from: Timestamp, count: i64| {
        for n in 0..count {
            let at = after(from, 11 * n);
            let reply = responder.respond(&flood.to_bytes(), at, at).unwrap();
            assert_eq!((reply.mode, reply.stamp_wanted), (B, true));
            responder.handle_transmit_stamp(&reply.bytes, after(at, 7));
        }
    };
    let places = i64::try_from(responder.saved.places()).unwrap();
    assert_eq!(places, 4096);
    // An eighth of the places does not push anybody out of a set of eight.
    ask(&mut responder, second(3), places / 8);
    assert_eq!(client.exchange(&mut responder, second(4)).mode, I);
    ask(&mut responder, second(5), places * 20);
    assert_eq!(client.exchange(&mut responder, second(6)).mode, B);
    assert_eq!(client.exchange(&mut responder, second(7)).mode, I);
    assert_eq!(responder.saved.places(), 4096);
}

#[test]
fn stamps_are_told_apart_by_their_last_bit_and_survive_it() {
    // Around the start of NTP era 1, where zero has to be stepped over.
    let era_1 = Timestamp::from_nanos(2_085_978_496 * NANOS_PER_SEC);
    for near in [era_1, NOON, Timestamp::default()] {
        for nanos in -3_000..3_000 {
            let t = after(near, nanos);
            let (receive, transmit) = (receive_stamp(t), transmit_stamp(t));
            assert!(may_be_receive_stamp(receive) && !may_be_receive_stamp(transmit));
            assert!(!transmit.is_zero());
            for rounding in [Rounding::Up, Rounding::Nearest] {
                assert_eq!(receive.to_timestamp(t, rounding), Some(t));
            }
            assert_eq!(transmit.to_timestamp(t, Rounding::Down), Some(t));
            if t != era_1 {
                assert_eq!(transmit.to_timestamp(t, Rounding::Nearest), Some(t));
            }
        }
    }
}
