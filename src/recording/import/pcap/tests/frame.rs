//! Frames and packets from hand: what is looked through, and what is refused by name.

use super::super::datagram::{Checksum, Datagram};
use super::super::link::{Direction, Link};
use super::super::report::Unused;
use super::kit::*;

const PAYLOAD: [u8; 48] = [0x23; 48];

fn v4() -> Vec<u8> {
    let ends = usual_ends();
    ip(ends.client, ends.server, PLAIN, &PAYLOAD)
}

fn v6() -> Vec<u8> {
    let ends = ends("[2001:db8::1]:40000", "[2001:db8::2]:123");
    ip(ends.client, ends.server, PLAIN, &PAYLOAD)
}

fn opens(link: u32, header: &[u8], packet: &[u8]) -> Option<Direction> {
    let frame = [header, packet].concat();
    let (inside, direction) = Link::of(link)?.open(&frame)?;
    assert_eq!(inside, packet);
    Some(direction)
}

#[test]
fn link_headers_are_looked_through() {
    let mac = [2u8; 12];
    for (packet, ether_type, family) in [(v4(), [8, 0], 2u8), (v6(), [0x86, 0xdd], 30)] {
        let ethernet = |tags: &[u8]| [&mac[..], tags, &ether_type].concat();
        for tags in [
            &[][..],
            &[0x81, 0, 0, 7],
            &[0x88, 0xa8, 0, 5, 0x81, 0, 0x20, 9],
            &[0x91, 0, 0, 1],
        ] {
            assert_eq!(opens(1, &ethernet(tags), &packet), Some(Direction::Unsaid));
        }
        assert_eq!(
            opens(1, &ethernet(&[0x81, 0, 0, 7].repeat(9)), &packet),
            None
        );
        // MPLS, and the length of IEEE 802.3.
        assert_eq!(opens(1, &ethernet(&[0x88, 0x47, 0, 0]), &packet), None);
        assert_eq!(opens(1, &ethernet(&[0, 90]), &packet), None);
        assert_eq!(opens(101, &[], &packet), Some(Direction::Unsaid));
        assert_eq!(opens(228, &[], &packet), Some(Direction::Unsaid));
        assert_eq!(opens(229, &[], &packet), Some(Direction::Unsaid));
        assert_eq!(
            opens(0, &[family, 0, 0, 0], &packet),
            Some(Direction::Unsaid)
        );
        assert_eq!(
            opens(0, &[0, 0, 0, family], &packet),
            Some(Direction::Unsaid)
        );
        assert_eq!(
            opens(108, &[0, 0, 0, family], &packet),
            Some(Direction::Unsaid)
        );
        assert_eq!(opens(108, &[family, 0, 0, 0], &packet), None);
        assert_eq!(opens(0, &[7, 0, 0, 0], &packet), None);
        for (kind, direction) in [
            (0, Direction::In),
            (1, Direction::Unsaid),
            (3, Direction::Unsaid),
            (4, Direction::Out),
        ] {
            let sll = [
                &[0, kind, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0][..],
                &ether_type,
            ]
            .concat();
            assert_eq!(opens(113, &sll, &packet), Some(direction));
            let tail = [0, 0, 0, 0, 0, 3, 0, 1, kind, 6, 1, 2, 3, 4, 5, 6, 0, 0];
            let sll2 = [&ether_type[..], &tail].concat();
            assert_eq!(opens(276, &sll2, &packet), Some(direction));
        }
    }
    assert_eq!(Link::of(147), None);
}

#[test]
fn a_datagram_has_addresses_ports_and_payload() {
    for (packet, ends) in [
        (v4(), usual_ends()),
        (v6(), ends("[2001:db8::1]:40000", "[2001:db8::2]:123")),
    ] {
        let datagram = Datagram::parse(&packet, false).unwrap();
        assert_eq!(
            (datagram.source, datagram.destination),
            (ends.client, ends.server)
        );
        assert_eq!((datagram.payload, datagram.length), (&PAYLOAD[..], 48));
        assert_eq!((datagram.hops, datagram.checksum), (57, Checksum::Right));
        // What fills up an Ethernet frame is no payload.
        let padded = [&packet[..], &[0; 20]].concat();
        assert_eq!(Datagram::parse(&padded, false), Ok(datagram));
        // Cut short it is what it is, unless nobody cut it.
        let cut = &packet[..packet.len() - 8];
        let short = Datagram::parse(cut, true).unwrap();
        assert_eq!((short.payload.len(), short.length), (40, 48));
        assert_eq!(Datagram::parse(cut, false), Err(Unused::Malformed));
        for length in 0..packet.len() - 48 {
            assert_eq!(Datagram::parse(&packet[..length], true), Err(Unused::Cut));
            assert_eq!(
                Datagram::parse(&packet[..length], false),
                Err(Unused::Malformed)
            );
        }
    }
}

#[test]
fn a_checksum_left_to_the_card_is_told_from_right_and_wrong_ones() {
    let checksum = |packet: &[u8]| Datagram::parse(packet, false).unwrap().checksum;
    for ends in [
        usual_ends(),
        ends("[2001:db8::1]:4000", "[2001:db8::2]:123"),
    ] {
        for (unfinished, expected) in [(false, Checksum::Right), (true, Checksum::Unfinished)] {
            let dress = Dress {
                unfinished,
                ..PLAIN
            };
            // An odd length, too.
            for length in [48, 49] {
                let mut packet = ip(ends.client, ends.server, dress, &vec![0x31; length]);
                assert_eq!(checksum(&packet), expected);
                let cut = Datagram::parse(&packet[..packet.len() - 1], true).unwrap();
                assert_eq!(cut.checksum, Checksum::Unknown);
                let at = packet.len() - length - 2;
                packet[at] ^= 1;
                assert_eq!(checksum(&packet), Checksum::Wrong);
                // None is allowed in IPv4 alone (RFC 8200 section 8.1).
                packet[at..at + 2].copy_from_slice(&[0, 0]);
                let none = if ends.client.is_ipv4() {
                    Checksum::Unknown
                } else {
                    Checksum::Wrong
                };
                assert_eq!(checksum(&packet), none);
            }
        }
    }
    // One in 65536 right ones is the same as an unfinished one.
    let ends = usual_ends();
    let dressed = |unfinished, word: u16| {
        let mut payload = PAYLOAD;
        payload[46..].copy_from_slice(&word.to_be_bytes());
        let dress = Dress {
            unfinished,
            ..PLAIN
        };
        ip(ends.client, ends.server, dress, &payload)
    };
    let same = (0..=u16::MAX).find(|word| dressed(false, *word) == dressed(true, *word));
    assert_eq!(checksum(&dressed(true, same.unwrap())), Checksum::Right);
}

#[test]
fn ipv4_options_fragments_and_lengths() {
    let change = |at: usize, value: u8| {
        let mut packet = v4();
        packet[at] = value;
        packet
    };
    let is = |packet: &[u8], what| {
        assert_eq!(Datagram::parse(packet, false).map(|d| d.length), what);
    };
    is(&change(6, 0x20), Err(Unused::Fragment));
    is(&change(7, 1), Err(Unused::Fragment));
    is(&change(6, 0x40), Ok(48));
    is(&change(9, 6), Err(Unused::Other));
    is(&change(0, 0x44), Err(Unused::Malformed));
    is(&change(0, 0x4f), Err(Unused::Malformed));
    is(&change(0, 0x75), Err(Unused::Other));
    // Shorter than its header, and too short for what UDP says.
    is(&change(3, 19), Err(Unused::Malformed));
    is(&change(3, 60), Err(Unused::Malformed));
    is(&change(25, 7), Err(Unused::Malformed));
    // A length of zero is one that the network card would have filled in.
    let mut unfilled = v4();
    unfilled[2..4].copy_from_slice(&[0, 0]);
    is(&unfilled, Ok(48));
    let mut options = v4();
    options.splice(20..20, [1; 8]);
    options[0] = 0x47;
    options[3] += 8;
    is(&options, Ok(48));
}

#[test]
fn ipv6_headers_before_udp_are_passed_over() {
    let with = |headers: &[(u8, &[u8])]| {
        let mut packet = v6();
        let kinds: Vec<u8> = headers.iter().map(|(kind, _)| *kind).chain([17]).collect();
        let mut inserted = Vec::new();
        for ((_, body), next) in headers.iter().zip(&kinds[1..]) {
            inserted.push(*next);
            inserted.extend(*body);
        }
        packet[6] = kinds[0];
        let length = u16::from_be_bytes([packet[4], packet[5]]);
        let length = length + u16::try_from(inserted.len()).unwrap();
        packet[4..6].copy_from_slice(&length.to_be_bytes());
        packet.splice(40..40, inserted);
        packet
    };
    let is = |packet: &[u8], what| {
        assert_eq!(Datagram::parse(packet, false).map(|d| d.length), what);
    };
    let eight: &[u8] = &[0; 7];
    let sixteen: &[u8] = &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    is(&with(&[(0, eight), (60, sixteen), (43, eight)]), Ok(48));
    is(&with(&[(0, eight), (44, eight)]), Err(Unused::Fragment));
    is(&with(&[(59, eight)]), Err(Unused::Other));
    is(&with(&[(60, eight); 9]), Err(Unused::Malformed));
    is(&with(&[(60, &[200; 7])]), Err(Unused::Malformed));
}
