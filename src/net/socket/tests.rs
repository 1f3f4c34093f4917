//! Against the kernel of this machine, on loopback.

use std::io;
use std::net::SocketAddr;

use super::*;
use crate::net::clock;
use crate::sample::StampSource;
use crate::time::TimeDelta;

/// How long a loopback packet may take on a busy machine.
const PATIENCE: TimeDelta = TimeDelta::from_secs(10);

fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = clock::counter();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(clock::counter().since(start) < PATIENCE, "nothing came");
        std::thread::yield_now();
    }
}

fn pair(listen: &str) -> (StampedSocket, ServerSocket) {
    let server = ServerSocket::bind(listen.parse().unwrap()).unwrap();
    let client = StampedSocket::connect(server.local_address().unwrap(), &options()).unwrap();
    (client, server)
}

fn options() -> SocketOptions {
    SocketOptions {
        interface: None,
        stamping: Stamping::Kernel,
        precision: TimeDelta::NANOSECOND,
    }
}

#[test]
fn every_packet_gets_its_own_kernel_stamp_both_ways() {
    let _armed = ArmedStamps::new();
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let (mut client, server) = pair(listen);
        let mut buffer = [0; 64];
        for n in 0..50u32 {
            let before = clock::wall();
            let sent = client.send(&n.to_be_bytes()).unwrap();
            assert_eq!(sent.id, Some(n));
            let request = eventually(|| server.next_request(&mut buffer).unwrap());
            assert_eq!(buffer[..request.length], n.to_be_bytes());
            server
                .reply(&request, &buffer[..request.length], false)
                .unwrap();
            let answer = eventually(|| client.next_datagram(&mut buffer).unwrap());
            assert_eq!(
                (answer.fault, answer.stamp.source),
                (None, StampSource::Kernel)
            );
            let report = eventually(|| client.next_report().unwrap());
            let TransmitReport::Stamp { id, stamp } = report else {
                panic!("{report:?}")
            };
            assert_eq!((id, stamp.source), (n, StampSource::Kernel));
            assert!(before <= stamp.at, "{listen}: stamped before it was sent");
            assert!(
                stamp.at <= request.received,
                "{listen}: received before it left"
            );
            assert!(request.received <= answer.stamp.at);
        }
    }
}

#[test]
fn stamps_are_joined_by_number_even_when_read_late_and_together() {
    let (mut client, _server) = pair("127.0.0.1:0");
    for n in 0..64u32 {
        client.send(&n.to_be_bytes()).unwrap();
    }
    let mut seen: Vec<u32> = (0..64)
        .map(|_| match eventually(|| client.next_report().unwrap()) {
            TransmitReport::Stamp { id, .. } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..64).collect::<Vec<_>>());
}

#[test]
fn an_error_queue_that_overflows_loses_stamps_and_mixes_none_up() {
    // A default receive buffer holds some 270 stamps.
    const SENT: u32 = 2_000;
    let (mut client, _server) = pair("127.0.0.1:0");
    let mut sent = Vec::new();
    for n in 0..SENT {
        let before = clock::wall();
        assert_eq!(client.send(&n.to_be_bytes()).unwrap().id, Some(n));
        sent.push((before, clock::wall()));
    }
    let mut seen = 0;
    while let Some(report) = client.next_report().unwrap() {
        let TransmitReport::Stamp { id, stamp } = report else {
            panic!("{report:?}")
        };
        let (before, after) = sent[usize::try_from(id).unwrap()];
        assert!(before <= stamp.at && stamp.at <= after, "{id}");
        seen += 1;
    }
    assert!((100..SENT).contains(&seen), "{seen}");
    // Once there is room again, numbers and stamps go on where they should.
    client.send(b"next").unwrap();
    let report = eventually(|| client.next_report().unwrap());
    assert!(
        matches!(report, TransmitReport::Stamp { id: SENT, .. }),
        "{report:?}"
    );
}

#[test]
fn a_closed_port_is_reported_and_does_not_block_the_next_send() {
    // A port that the kernel gives to nobody who asks for any: one that was just closed may be open
    // again, to another test.
    let closed = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut client = StampedSocket::connect(closed, &options()).unwrap();
    for n in 0..3 {
        assert_eq!(client.send(b"anyone?").unwrap().id, Some(n));
        let error = eventually(|| match client.next_report().unwrap()? {
            TransmitReport::Undeliverable(error) => Some(error),
            TransmitReport::Stamp { .. }
            | TransmitReport::Card { .. }
            | TransmitReport::Unusable(_) => None,
        });
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

#[test]
fn a_wildcard_server_answers_from_the_address_it_was_asked_at() {
    let server = ServerSocket::bind("0.0.0.0:0".parse().unwrap()).unwrap();
    let port = server.local_address().unwrap().port();
    let remote = SocketAddr::from(([127, 1, 2, 3], port));
    let mut client = StampedSocket::connect(remote, &options()).unwrap();
    client.send(b"hello").unwrap();
    let mut buffer = [0; 64];
    let request = eventually(|| server.next_request(&mut buffer).unwrap());
    server.reply(&request, b"there", false).unwrap();
    // A connected socket takes nothing that comes from another address.
    let answer = eventually(|| client.next_datagram(&mut buffer).unwrap());
    assert_eq!(&buffer[..answer.length], b"there");
}

#[test]
fn a_server_gets_back_just_the_replies_it_wants_stamped() {
    let _armed = ArmedStamps::new();
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let (mut client, server) = pair(listen);
        let (mut buffer, mut frame) = ([0; 64], [0; 256]);
        for n in 0..40u32 {
            client.send(&n.to_be_bytes()).unwrap();
            let request = eventually(|| server.next_request(&mut buffer).unwrap());
            let before = clock::wall();
            let stamped = n % 3 == 0;
            // Refused as too long for UDP. Where numbers are counted this may use up one.
            assert!(server.reply(&request, &[0; 70_000], stamped).is_err());
            server.reply(&request, &n.to_be_bytes(), stamped).unwrap();
            let answer = eventually(|| client.next_datagram(&mut buffer).unwrap());
            if stamped {
                let sent = eventually(|| server.next_transmitted(&mut frame).unwrap());
                assert_eq!(frame[..sent.length][sent.length - 4..], n.to_be_bytes());
                assert!(before <= sent.at && sent.at <= answer.stamp.at, "{listen}");
            }
            assert_eq!(server.next_transmitted(&mut frame).unwrap(), None);
        }
    }
}

#[test]
fn a_frame_longer_than_the_buffer_is_passed_over() {
    let (mut client, server) = pair("127.0.0.1:0");
    let (mut buffer, mut frame) = ([0; 64], [0; 100]);
    client.send(b"x").unwrap();
    let request = eventually(|| server.next_request(&mut buffer).unwrap());
    server.reply(&request, &[1; 300], true).unwrap();
    server.reply(&request, &[2; 48], true).unwrap();
    let sent = eventually(|| server.next_transmitted(&mut frame).unwrap());
    assert_eq!(frame[..sent.length][sent.length - 48..], [2; 48]);
}

#[test]
fn a_datagram_longer_than_the_buffer_is_marked() {
    let (mut client, server) = pair("127.0.0.1:0");
    client.send(b"x").unwrap();
    let mut buffer = [0; 64];
    let request = eventually(|| server.next_request(&mut buffer).unwrap());
    server.reply(&request, &[7; 65], false).unwrap();
    assert!(eventually(|| client.next_datagram(&mut buffer).unwrap()).truncated);
}
