use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::sample::{Leap, ReferenceId, Rejection};
use crate::time::{TimeDelta, Timestamp};

/// A stratum 1 server's reply, laid out by hand after RFC 5905 figure 8: received at
/// 2025-11-22T17:20:00.25Z, sent 15.26 us (0x10000 / 2^32 s) later.
const REPLY: [u8; 48] = [
    0x24, 0x01, 0x06, 0xec, // leap 0, version 4, mode 4; stratum 1; poll 6; precision -20
    0x00, 0x00, 0x00, 0x00, // root delay
    0x00, 0x00, 0x00, 0x42, // root dispersion 66 / 65536 s
    0x47, 0x50, 0x53, 0x00, // "GPS"
    0xec, 0xcc, 0x6f, 0x30, 0x00, 0x00, 0x00, 0x00, // reference: 16 s before
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, // origin: the nonce
    0xec, 0xcc, 0x6f, 0x40, 0x40, 0x00, 0x00, 0x00, // receive
    0xec, 0xcc, 0x6f, 0x40, 0x40, 0x01, 0x00, 0x00, // transmit
];

/// An older ntpd's reply, version 3, stratum 2, that announces a leap second.
const OLD_REPLY: [u8; 48] = [
    0x5c, 0x02, 0x0a, 0xe9, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x12, 0x34, 0x0a, 0x4d, 0x00, 0x02,
    0xec, 0xcc, 0x6b, 0x58, 0x12, 0x34, 0x56, 0x78, 0xec, 0xcc, 0x6f, 0x3f, 0xff, 0xff, 0xff, 0xff,
    0xec, 0xcc, 0x6f, 0x40, 0x00, 0x00, 0x00, 0x01, 0xec, 0xcc, 0x6f, 0x40, 0x00, 0x00, 0x10, 0x00,
];

fn with_tail(tail: &[u8]) -> Vec<u8> {
    [&REPLY[..], tail].concat()
}

fn field(kind: u16, length: u16, bytes: usize) -> Vec<u8> {
    let mut field = vec![0xa5; bytes];
    field[..2].copy_from_slice(&kind.to_be_bytes());
    field[2..4].copy_from_slice(&length.to_be_bytes());
    field
}

#[test]
fn a_reply_reads_as_the_figure_says() {
    let header = Packet::parse(&REPLY).unwrap().header;
    assert_eq!(header.leap, Leap::None);
    assert_eq!(header.version, Version::V4);
    assert_eq!(header.mode, PacketMode::Server);
    assert_eq!((header.stratum, header.poll, header.precision), (1, 6, -20));
    assert_eq!(header.root_dispersion, NtpShort(66));
    assert_eq!(header.reference_id, ReferenceId(*b"GPS\0"));
    assert_eq!(header.reference, NtpTimestamp(0xeccc_6f30_0000_0000));
    assert_eq!(header.origin, NtpTimestamp(0x0123_4567_89ab_cdef));
    assert_eq!(header.receive, NtpTimestamp(0xeccc_6f40_4000_0000));
    assert_eq!(header.transmit, NtpTimestamp(0xeccc_6f40_4001_0000));
    assert_eq!(header.kiss_code(), None);

    let info = header.server_info();
    assert_eq!(info.root_dispersion, TimeDelta::from_nanos(1_007_081)); // 1007080.078, up
    assert_eq!(info.precision_error(), TimeDelta::from_nanos(954));
}

#[test]
fn an_older_reply_reads_too() {
    let header = Packet::parse(&OLD_REPLY).unwrap().header;
    assert_eq!(header.leap, Leap::Insert);
    assert_eq!(header.version, Version::V3);
    assert_eq!(header.mode, PacketMode::Server);
    assert_eq!(
        (header.stratum, header.poll, header.precision),
        (2, 10, -23)
    );
    let info = header.server_info();
    assert_eq!(info.root_delay, TimeDelta::from_nanos(31_250_000));
    assert_eq!(info.reference_id.describe(info.stratum), "10.77.0.2");
}

#[test]
fn a_reference_timestamp_is_kept_where_it_is_not_round() {
    let mut header = Packet::parse(&REPLY).unwrap().header;
    assert_eq!(header.server_info().reference_time, None);
    header.reference = NtpTimestamp::ZERO;
    assert_eq!(header.server_info().reference_time, None);
    header.reference = NtpTimestamp(0xeccc_6f30_1234_5678);
    let told = header.server_info().reference_time;
    assert_eq!(told.unwrap().to_string(), "eccc6f30.12345678");
}

#[test]
fn t2_is_rounded_up_and_t3_down() {
    let mut header = Packet::parse(&REPLY).unwrap().header;
    // 0xeccc_6f40 = 3972820800 s since 1900, that is 1763832000 s since 1970.
    let second = Timestamp::from_nanos(1_763_832_000_000_000_000);
    let after = |nanos| second + TimeDelta::from_nanos(nanos);
    let stamps = header.server_stamps(second);
    assert_eq!(stamps, Some((after(250_000_000), after(250_015_258)))); // T3 15258.789, down
    header.receive = NtpTimestamp(0xeccc_6f40_0000_0001);
    assert_eq!(header.server_stamps(second).map(|s| s.0), Some(after(1)));
    header.transmit = NtpTimestamp(0xeccc_6f40_0000_0001);
    assert_eq!(header.server_stamps(second).map(|s| s.1), Some(second));
}

#[test]
fn authenticators_are_told_by_their_size() {
    for length in [0, 4, 20, 24] {
        let tail = vec![0xa5; length];
        let bytes = with_tail(&tail);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.authenticator(), tail);
        assert_eq!(packet.extensions().count(), 0);
    }
}

#[test]
fn extension_fields_are_split_from_the_authenticator() {
    let unique_id = field(0x0104, 36, 36);
    let short = field(0xf323, 16, 16);
    for mac in [0, 4, 20, 24] {
        let tail = [&short[..], &unique_id, &vec![0x5a; mac]].concat();
        let bytes = with_tail(&tail);
        let packet = Packet::parse(&bytes).unwrap();
        let fields: Vec<_> = packet.extensions().map(|e| (e.kind(), e.value())).collect();
        assert_eq!(fields, [(0xf323, &short[4..]), (0x0104, &unique_id[4..])]);
        assert_eq!(packet.authenticator().len(), mac);
    }
}

#[test]
fn what_does_not_add_up_is_refused_by_name() {
    let tail = |tail: &[u8]| Packet::parse(&with_tail(tail)).unwrap_err();
    let cases = [
        (
            Packet::parse(&[]).unwrap_err(),
            ParseError::TooShort { length: 0 },
        ),
        (
            Packet::parse(&REPLY[..47]).unwrap_err(),
            ParseError::TooShort { length: 47 },
        ),
        (tail(&[0; 1]), ParseError::Stray { at: 0, left: 1 }),
        (tail(&[0; 12]), ParseError::Stray { at: 0, left: 12 }),
        (
            tail(&field(1, 16, 16)),
            ParseError::Stray { at: 0, left: 16 },
        ),
        (
            tail(&field(1, 27, 27)),
            ParseError::Stray { at: 0, left: 27 },
        ),
        (
            tail(&field(1, 28, 36)),
            ParseError::Stray { at: 28, left: 8 },
        ),
        (
            tail(&field(1, 12, 28)),
            ParseError::ExtensionTooShort { at: 0, length: 12 },
        ),
        (
            tail(&field(1, 0, 28)),
            ParseError::ExtensionTooShort { at: 0, length: 0 },
        ),
        (
            tail(&field(1, 30, 30)),
            ParseError::ExtensionUnaligned { at: 0, length: 30 },
        ),
        (
            tail(&field(1, 0xfffc, 28)),
            ParseError::ExtensionBeyondEnd {
                at: 0,
                length: 0xfffc,
                left: 28,
            },
        ),
        (
            tail(&[field(1, 28, 28), field(1, 64, 40)].concat()),
            ParseError::ExtensionBeyondEnd {
                at: 28,
                length: 64,
                left: 40,
            },
        ),
    ];
    for (got, want) in cases {
        assert_eq!(got, want);
    }
}

#[test]
fn the_longest_packet_is_read_and_one_byte_more_is_not() {
    let length = u16::try_from(MAX_PACKET_LEN - HEADER_LEN).unwrap();
    let longest = with_tail(&field(1, length, usize::from(length)));
    assert!(Packet::parse(&longest).is_ok());
    let longer = [&longest[..], &[0]].concat();
    let error = Packet::parse(&longer).unwrap_err();
    assert_eq!(
        error,
        ParseError::TooLong {
            length: MAX_PACKET_LEN + 1
        }
    );
}

#[test]
fn every_parse_error_has_its_rejection() {
    assert_eq!(
        ParseError::TooShort { length: 0 }.rejection(),
        Rejection::Truncated
    );
    assert_eq!(
        ParseError::TooLong { length: 0 }.rejection(),
        Rejection::Oversized
    );
    assert_eq!(
        ParseError::Stray { at: 0, left: 1 }.rejection(),
        Rejection::BadExtension
    );
}

#[test]
fn a_kiss_code_needs_stratum_0_and_letters() {
    let kiss = |stratum, id: &[u8; 4]| {
        let mut header = Header::client_request(0);
        (header.stratum, header.reference_id) = (stratum, ReferenceId(*id));
        header.kiss_code()
    };
    assert_eq!(kiss(0, b"RATE"), Some(KissCode::Rate));
    assert_eq!(kiss(0, b"DENY"), Some(KissCode::Deny));
    assert_eq!(kiss(0, b"RSTR"), Some(KissCode::Restrict));
    assert_eq!(
        kiss(0, b"INIT"),
        Some(KissCode::Other(ReferenceId(*b"INIT")))
    );
    assert_eq!(
        kiss(0, b"X\0\0\0"),
        Some(KissCode::Other(ReferenceId(*b"X\0\0\0")))
    );
    for (stratum, id) in [
        (1, b"RATE"),
        (0, b"\0\0\0\0"),
        (0, b"\0RAT"),
        (0, &[10, 0, 0, 1]),
    ] {
        assert_eq!(kiss(stratum, id), None, "{stratum} {id:?}");
    }
    assert_eq!(KissCode::Rate.rejection(), Rejection::KissRate);
    assert_eq!(
        KissCode::Other(ReferenceId(*b"INIT")).rejection(),
        Rejection::KissOther
    );
}

#[test]
fn a_packet_that_would_be_read_differently_cannot_be_made() {
    let header = Header::client_request(1);
    let short = field(1, 16, 16);
    assert!(Packet::new(header, &short, &[0; 20]).is_ok());
    assert!(Packet::new(header, &short, &[]).is_err());
    assert!(Packet::new(header, &short, &[0; 4]).is_err()); // 20 bytes pass for a MAC
    assert!(Packet::new(header, &[], &[0; 16]).is_err());
    assert!(Packet::new(header, &field(1, 40, 28), &[0; 20]).is_err());
    assert!(Packet::new(header, &field(1, 2048, 2048), &[]).is_err());
    assert!(Extension::new(1, &[0; 13]).is_err());
    assert!(Extension::new(1, &[0; 8]).is_err());
    assert!(Extension::new(1, &[0; 1 << 16]).is_err());
}

fn any_header() -> impl Strategy<Value = Header> {
    any::<[u8; 48]>().prop_map(|bytes| Packet::parse(&bytes).unwrap().header)
}

/// Values of extension fields: at least 24 bytes, so that any authenticator may follow.
fn any_fields() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let value = vec(any::<[u8; 4]>(), 6..20).prop_map(|words| words.concat());
    vec((any::<u16>(), value), 0..6)
}

proptest! {
    #[test]
    fn what_is_accepted_is_written_back_byte_for_byte(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(packet) = Packet::parse(&bytes) {
            let mut written = Vec::new();
            packet.write(&mut written);
            prop_assert_eq!(written, bytes);
        }
    }

    #[test]
    fn any_48_bytes_are_a_header_and_survive(bytes: [u8; 48]) {
        prop_assert_eq!(Packet::parse(&bytes).unwrap().header.to_bytes(), bytes);
    }

    #[test]
    fn what_is_written_is_read_back(
        header in any_header(),
        fields in any_fields(),
        mac in prop::sample::select(vec![0usize, 4, 20, 24]),
    ) {
        let (mut extensions, authenticator) = (Vec::new(), vec![0x77; mac]);
        for (kind, value) in &fields {
            Extension::new(*kind, value).unwrap().write(&mut extensions);
        }
        let packet = Packet::new(header, &extensions, &authenticator).unwrap();
        let mut bytes = Vec::new();
        packet.write(&mut bytes);
        let read = Packet::parse(&bytes).unwrap();
        prop_assert_eq!(read, packet);
        let back: Vec<_> = read.extensions().map(|e| (e.kind(), e.value().to_vec())).collect();
        prop_assert_eq!(back, fields);
    }

    /// The parts a packet can be made of are just those that a reader finds again.
    #[test]
    fn making_and_reading_agree(
        start in vec(prop::sample::select(vec![0u8, 1, 16, 20, 24, 28, 32]), 0..64),
        split in 0usize..64,
    ) {
        let split = split.min(start.len());
        let (extensions, authenticator) = start.split_at(split);
        if let Ok(packet) = Packet::new(Header::client_request(1), extensions, authenticator) {
            let mut bytes = Vec::new();
            packet.write(&mut bytes);
            prop_assert_eq!(Packet::parse(&bytes), Ok(packet));
        }
    }
}
