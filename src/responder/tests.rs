use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const NOON: Timestamp = Timestamp::from_nanos(1_763_832_000_123_456_789);

fn after(t: Timestamp, nanos: i64) -> Timestamp {
    t + TimeDelta::from_nanos(nanos)
}

fn ask(config: Config, request: &Header, receive: Timestamp, transmit: Timestamp) -> Header {
    let reply = Responder::new(config).respond(&request.to_bytes(), receive, transmit);
    Packet::parse(&reply.unwrap()).unwrap().header
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
            3 | 4 => assert_eq!(
                Packet::parse(&reply.unwrap()).unwrap().header.version,
                version
            ),
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
    let responder = Responder::default();
    let request = Header::client_request(1).to_bytes();
    let reply = responder.respond(&request, NOON, NOON).unwrap();
    let again = responder.respond(&reply, NOON, NOON);
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
            prop_assert_eq!(&reply[24..32], &bytes[40..48]);
        }
    }
}
