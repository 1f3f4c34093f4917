//! Both formats from hand: orders of bytes, units of time, and what does not add up.

use proptest::prelude::*;

use super::super::order::ByteOrder::{Big, Little};
use super::super::{CaptureError, Unused, claims};
use super::kit::*;
use crate::time::{TimeDelta, Timestamp};

fn offsets(bytes: &[u8]) -> Vec<(i64, i64)> {
    let (campaign, _) = import(bytes).unwrap();
    let exchanges = samples(&campaign, 0);
    let ends = exchanges.iter().map(|s| s.exchange);
    ends.map(|x| (x.offset().as_nanos(), x.error.as_nanos()))
        .collect()
}

#[test]
fn pcap_is_read_in_both_orders_and_units() {
    let shots = exchange(usual_ends(), 7, 0);
    for order in [Big, Little] {
        assert_eq!(offsets(&pcap(order, 1, 1, &shots)), [(1_000_000, 1)]);
        assert_eq!(offsets(&pcap(order, 1000, 1, &shots)), [(1_000_000, 1000)]);
        // The length of a checksum behind each frame does not change the link type.
        assert_eq!(
            offsets(&pcap(order, 1, 0x5400_0001, &shots)),
            [(1_000_000, 1)]
        );
    }
}

#[test]
fn pcapng_is_read_in_both_orders_and_any_unit() {
    let [request, reply] = exchange(usual_ends(), 7, 0);
    // A byte of if_tsresol, ticks of one second, and the error in nanoseconds.
    let units: [(Option<u8>, u64, i64); 5] = [
        (None, 1_000_000, 1000),
        (Some(6), 1_000_000, 1000),
        (Some(9), 1_000_000_000, 1),
        (Some(10), 10_000_000_000, 1),
        (Some(0x80 | 20), 1 << 20, 955),
    ];
    for order in [Big, Little] {
        for (byte, per_second, error) in units {
            let mut options = Vec::new();
            options.extend(option(order, 2, b"eth0"));
            options.extend(byte.iter().flat_map(|b| option(order, 9, &[*b])));
            let ticks = |at: Timestamp| {
                let nanos = u128::try_from(at.as_nanos()).unwrap();
                u64::try_from(nanos * u128::from(per_second) / 1_000_000_000).unwrap()
            };
            let file = [
                section(order),
                // A block that nobody knows, and interface statistics.
                block(order, 0x0bad_cafe, &[7; 40]),
                interface(order, 1, &options),
                block(order, 5, &[0; 12]),
                enhanced(order, 0, ticks(request.at), &request.frame),
                enhanced(order, 0, ticks(reply.at), &reply.frame),
            ]
            .concat();
            let [(offset, told)] = offsets(&file)[..] else {
                panic!("{byte:?}")
            };
            // Both stamps were cut, T1 and T4 by up to a unit.
            assert!((offset - 1_000_000).abs() <= error, "{byte:?}: {offset}");
            assert_eq!(told, error, "{byte:?}");
        }
    }
}

#[test]
fn interfaces_sections_and_older_blocks_each_have_their_own_clock() {
    let [request, reply] = exchange(usual_ends(), 7, 0);
    let [later, its_reply] = exchange(usual_ends(), 8, 1_000_000);
    let nanos = |at: Timestamp| at.as_nanos().unsigned_abs();
    let seconds = |n: i64, order| match order {
        Big => option(order, 14, &n.to_be_bytes()),
        Little => option(order, 14, &n.to_le_bytes()),
    };
    // The older Packet Block has 16 bits of interface and of drops.
    let older = |interface: u16, at: u64, frame: &[u8]| {
        let mut body = interface.to_be_bytes().to_vec();
        body.extend(5u16.to_be_bytes());
        body.extend(at.to_be_bytes());
        for _ in 0..2 {
            body.extend(u32::try_from(frame.len()).unwrap().to_be_bytes());
        }
        body.extend(frame);
        block(Big, 2, &body)
    };
    let file = [
        section(Little),
        interface(Little, 113, b""),
        interface(
            Little,
            1,
            &[option(Little, 9, &[9]), seconds(-100, Little)].concat(),
        ),
        enhanced(
            Little,
            1,
            nanos(request.at) + 100_000_000_000,
            &request.frame,
        ),
        enhanced(Little, 1, nanos(reply.at) + 100_000_000_000, &reply.frame),
        // Interfaces are counted anew, and so is the order of bytes.
        section(Big),
        interface(Big, 1, &option(Big, 9, &[9])),
        older(0, nanos(later.at), &later.frame),
        older(0, nanos(its_reply.at), &its_reply.frame),
        older(1, nanos(its_reply.at), &its_reply.frame),
    ]
    .concat();
    assert_eq!(offsets(&file), [(1_000_000, 1), (1_000_000, 1)]);
    let (campaign, report) = import(&file).unwrap();
    assert_eq!(campaign.header.started, START);
    assert_eq!(report.unused, [(Unused::BadBlock, 1)].into());
    assert_eq!(report.packets, 5);
    assert!(!report.is_whole());
}

#[test]
fn what_cannot_be_used_of_pcapng_is_named() {
    let [request, reply] = exchange(usual_ends(), 7, 0);
    let micros = |at: Timestamp| at.as_nanos().unsigned_abs() / 1000;
    let simple = [&[0, 0, 0, 90][..], &request.frame].concat();
    let mut long = option(Big, 1, &vec![b'x'; 60_000]);
    long.extend(option(Big, 1, &vec![b'x'; 60_000]));
    let mut cheating = enhanced(Big, 0, 0, &request.frame);
    cheating[20..24].copy_from_slice(&1000u32.to_be_bytes());
    let file = [
        section(Big),
        interface(Big, 1, b""),
        interface(Big, 147, b""),
        interface(Big, 1, &option(Big, 9, &[20])),
        interface(Big, 1, &long),
        interface(Big, 1, &option(Big, 14, &i64::MAX.to_be_bytes())),
        block(Big, 3, &simple),
        enhanced(Big, 1, 0, &request.frame),
        enhanced(Big, 2, 0, &request.frame),
        enhanced(Big, 3, 0, &request.frame),
        enhanced(Big, 4, 0, &request.frame),
        enhanced(Big, 77, 0, &request.frame),
        cheating,
        enhanced(Big, 0, micros(request.at), &request.frame),
        enhanced(Big, 0, micros(reply.at), &reply.frame),
    ]
    .concat();
    let (campaign, report) = import(&file).unwrap();
    assert_eq!(samples(&campaign, 0).len(), 1);
    let expected = [
        (Unused::NoStamp, 1),
        (Unused::BadStamp, 1),
        (Unused::BadBlock, 2),
        (Unused::BadInterface, 2),
        (Unused::LinkType, 1),
    ];
    assert_eq!(report.unused, expected.into());
    let told = report.describe().join("\n");
    assert!(
        told.contains("1 packets are of a link type that is not read here (LINKTYPE 147)"),
        "{told}"
    );
    assert!(told.contains("Simple Packet Blocks"), "{told}");
}

/// What stands before the damage is used, and what is wrong is said.
#[test]
fn damage_ends_the_reading_by_name() {
    let shots = exchange(usual_ends(), 7, 0);
    let whole = pcap(Big, 1, 1, &shots);
    let huge = |claim: u32| {
        let head = [1, 1, claim, claim].map(u32::to_be_bytes);
        [&whole[..], head.as_flattened()].concat()
    };
    let (campaign, report) = import(&huge(262_145)).unwrap();
    assert_eq!(samples(&campaign, 0).len(), 1);
    assert_eq!(
        report.damage,
        Some((2, "a packet claims 262145 bytes".into()))
    );
    let (_, report) = import(&huge(262_144)).unwrap();
    assert_eq!(
        (report.damage, report.torn, report.packets),
        (None, true, 3)
    );

    let ng = |tail: &[u8]| {
        let mut file = [section(Big), interface(Big, 1, &option(Big, 9, &[9]))].concat();
        for shot in &shots {
            let at = shot.at.as_nanos().unsigned_abs();
            file.extend(enhanced(Big, 0, at, &shot.frame));
        }
        file.extend(tail);
        let (campaign, report) = import(&file).unwrap();
        assert_eq!(samples(&campaign, 0).len(), 1);
        report
    };
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_be_bytes()).collect() };
    let damage = |tail: &[u8]| ng(tail).damage.unwrap().1;
    assert_eq!(damage(&words(&[6, 8])), "a block claims 8 bytes");
    assert_eq!(damage(&words(&[9, 33])), "a block claims 33 bytes");
    assert_eq!(
        damage(&words(&[9, 16_777_220])),
        "a block claims 16777220 bytes"
    );
    let told = damage(&words(&[9, 16, 0, 20]));
    assert_eq!(
        told,
        "a block's length is 16 at its start and 20 at its end"
    );
    assert_eq!(
        damage(&words(&[6, 28, 0, 0, 0, 0])),
        "a packet's block has 16 bytes inside"
    );
    assert!(damage(&words(&[1, 12, 12])).contains("too few bytes"));
    assert!(damage(&words(&[0x0a0d_0d0a, 28, 5, 0])).contains("byte order"));
    let newer = words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 2 << 16]);
    assert!(damage(&newer).contains("version 2.0"));
    let short = words(&[0x0a0d_0d0a, 16, 0x1a2b_3c4d, 1 << 16]);
    assert!(damage(&short).contains("claims 16 bytes"));
    for torn in [
        &words(&[9])[..],
        &words(&[9, 64, 0]),
        &words(&[9, 16, 0]),
        &words(&[6, 64, 0]),
    ] {
        assert!(ng(torn).torn, "{torn:?}");
    }
}

#[test]
fn what_is_no_capture_is_refused_by_name() {
    let refused = |bytes: &[u8]| import(bytes).unwrap_err().to_string();
    assert!(matches!(
        import(b"").unwrap_err(),
        CaptureError::NotACapture { .. }
    ));
    assert!(refused(b"{\"clockfit_recording\"").contains("no packet capture"));
    for magic in [0xa1b2_cd34u32, 0x34cd_b2a1] {
        let told = refused(&[&magic.to_be_bytes()[..], &[0; 20]].concat());
        assert!(
            told.contains("Kuznetzov") && told.contains("editcap"),
            "{told}"
        );
        assert!(claims(&magic.to_be_bytes()));
    }
    assert!(refused(&0x1c00_01acu32.to_be_bytes()).contains("lcap"));
    let whole = usual(&exchange(usual_ends(), 7, 0));
    assert!(matches!(
        import(&whole[..23]).unwrap_err(),
        CaptureError::Truncated { .. }
    ));
    let mut older = whole.clone();
    older[6] = 2;
    assert!(refused(&older).contains("pcap version 2.2"));
    let mut newer = section(Big);
    newer[12..14].copy_from_slice(&[0, 3]);
    assert!(refused(&newer).contains("pcapng version 3.0"));
    assert!(refused(&section(Big)[..20]).contains("stops within"));
    assert!(claims(&whole) && claims(&section(Little)) && claims(&section(Big)));
    for text in [
        &b""[..],
        b"\xd4\xc3\xb2",
        b"\n\r\r\n\0\0\0\x20text",
        b"remote refid",
    ] {
        assert!(!claims(text), "{text:?}");
    }
}

#[test]
fn a_capture_without_ntp_says_what_is_in_it() {
    let [request, _] = exchange(usual_ends(), 7, 0);
    let mut other = request.frame.clone();
    other[23] = 6;
    let file = usual(&[Shot::new(at(0), other)]);
    let told = import(&file).unwrap_err().to_string();
    assert!(
        told.contains("no NTP request or reply among 1 packets;"),
        "{told}"
    );
    let file = pcap(Big, 1, 147, &[request]);
    let told = import(&file).unwrap_err().to_string();
    assert!(
        told.contains("among 1 packets: 1 packets are of a link type"),
        "{told}"
    );
    assert!(told.contains("tcpdump -i any"), "{told}");
}

#[test]
fn a_fraction_beyond_a_second_is_no_stamp() {
    let mut file = usual(&exchange(usual_ends(), 7, 0));
    file[28..32].copy_from_slice(&1_000_000_000u32.to_le_bytes());
    let (_, report) = import(&file).unwrap();
    assert_eq!(report.unused.get(&Unused::BadStamp), Some(&1));
}

proptest! {
    /// Bytes of chance in the place of others: never a panic, and what comes before them is as it was.
    #[test]
    fn damage_takes_nothing_from_before_it(
        ng: bool,
        at in 0usize..4000,
        junk in proptest::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut shots = Vec::new();
        for n in 0..20u8 {
            shots.extend(exchange(usual_ends(), 7 + u64::from(n), i64::from(n) * 10_000));
        }
        let whole = if ng {
            let mut file = [section(Big), interface(Big, 1, &option(Big, 9, &[9]))].concat();
            for shot in &shots {
                file.extend(enhanced(Big, 0, shot.at.as_nanos().unsigned_abs(), &shot.frame));
            }
            file
        } else {
            usual(&shots)
        };
        let at = at.min(whole.len() - 1);
        let before = match import(&whole[..at]) {
            Ok((campaign, _)) => samples(&campaign, 0),
            Err(_) => Vec::new(),
        };
        let mut damaged = whole.clone();
        let end = (at + junk.len()).min(damaged.len());
        damaged[at..end].copy_from_slice(&junk[..end - at]);
        if let Ok((campaign, report)) = import(&damaged) {
            let after: Vec<_> = campaign.sources.iter().flat_map(|s| s.samples.iter()).collect();
            for sample in before {
                prop_assert!(after.contains(&sample));
            }
            prop_assert!(report.describe().iter().all(|line| !line.is_empty()));
            prop_assert!(campaign.end.is_some());
        } else {
            prop_assert!(before.is_empty());
        }
    }

    /// Anything behind a magic number.
    #[test]
    fn any_bytes_are_read_or_refused(
        magic in prop::sample::select(vec![0xa1b2_c3d4u32, 0x4d3c_b2a1, 0x0a0d_0d0a]),
        rest in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let bytes = [&magic.to_be_bytes()[..], &rest].concat();
        let _ = import(&bytes);
    }
}

#[test]
fn a_long_frame_is_read_at_its_front() {
    let [request, reply] = exchange(usual_ends(), 7, 0);
    let padded = |shot: &Shot| Shot::new(shot.at, [&shot.frame[..], &[0; 9000]].concat());
    let file = usual(&[padded(&request), padded(&reply)]);
    let (campaign, _) = import(&file).unwrap();
    assert_eq!(
        samples(&campaign, 0)[0].exchange.offset(),
        TimeDelta::from_millis(1)
    );
}
