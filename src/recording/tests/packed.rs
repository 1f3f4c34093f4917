//! Recordings that are packed, whole and damaged.

use std::io::{Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::{exchange_at, ntp, read_bytes, written};
use crate::recording::{RecordingError, Replay, read_from};
use crate::sample::{Event, RunEnd, SourceId};
use crate::time::Monotonic;

/// Two lines, packed by `zstd -19 --check` 1.5.4.
const BY_ZSTD: &str = "
    28b52ffd647f005d0700628f2c1c506ddbc88764c92b2faf208a5f43eccc4c4404a3c56e5d1822d3dcd780863c666ccd
    a3c341fd39baa378f5c72580c9045d630b06b68c242f48439a54dd0799b374b399cbc65e7346b0e1b7aea1323e9c5cbd
    ab386aeda97abb6de87246148fd2a2ee74f55b7cb28f5e40779440a8bb567c1e83d9d140bdd95a929252123006865058
    b099b53b7a735830577772e9e3a32765515240bdedf6d124693e478b3aaf833d97a833341dde0679752e1ecdb6e69215
    005cba2f67accd1060f025ad3c3296c6070be424ca86caf72e88494a198ad80b8b55385e0a7d7531515be0324dd3baaa
    0ab54179024ff3fc1b";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// A skippable frame.
fn skippable(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [
        &[0x57, 0x2a, 0x4d, 0x18],
        &length.to_le_bytes()[..],
        content,
    ]
    .concat()
}

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKERS: [(&str, Pack); 2] = [("gzip", gzip), ("zstd", zstd)];

fn recording(samples: i64) -> Vec<u8> {
    let mut events = vec![Event::Source(ntp("192.0.2.1").into())];
    // So that they do not pack to nothing.
    let at = |n: i64| n.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
    events.extend((0..samples).map(|n| Event::Sample(SourceId(0), exchange_at(at(n)))));
    events.push(Event::End(RunEnd {
        at: Monotonic::from_nanos(samples),
        interrupted: false,
    }));
    written(&events).0
}

fn unpacked(bytes: &[u8]) -> Result<Replay, RecordingError> {
    read_from(bytes, "packed")
}

fn samples(replay: &Replay) -> usize {
    replay
        .campaign
        .sources
        .first()
        .map_or(0, |source| source.samples.len())
}

#[test]
fn packed_recordings_read_as_if_they_were_not() {
    for count in [0, 10, 3_000] {
        let plain = recording(count);
        let expected = read_bytes(&plain).unwrap();
        assert_eq!(unpacked(&plain).unwrap(), expected);
        let middle = plain.len() / 2;
        let (head, tail) = plain.split_at(middle);
        for (name, packed) in [
            ("gzip", gzip(&plain)),
            ("two members", [gzip(head), gzip(tail)].concat()),
            (
                "an empty member",
                [gzip(head), gzip(b""), gzip(tail)].concat(),
            ),
            (
                "padding",
                [gzip(head), vec![0; 100], gzip(tail), vec![0; 70_000]].concat(),
            ),
            ("zstd", zstd(&plain)),
            ("two frames", [zstd(head), zstd(tail)].concat()),
            (
                "frames to skip",
                [
                    skippable(b"one"),
                    zstd(head),
                    skippable(&[0; 70_000]),
                    zstd(tail),
                    skippable(b""),
                ]
                .concat(),
            ),
        ] {
            assert_eq!(
                unpacked(&packed).unwrap(),
                expected,
                "{name}, {count} exchanges"
            );
        }
    }
}

#[test]
fn what_zstd_itself_packs_is_unpacked() {
    let digits: Vec<u32> = BY_ZSTD.chars().filter_map(|c| c.to_digit(16)).collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap())
        .collect();
    let replay = unpacked(&bytes).unwrap();
    assert!(replay.report.is_whole(), "{:?}", replay.report);
    assert_eq!(replay.campaign.header.seed, 7);
    assert_eq!(replay.campaign.end.unwrap().at, Monotonic::from_nanos(99));
}

#[test]
fn cut_anywhere_it_keeps_what_was_unpacked_and_says_so() {
    let plain = recording(40);
    for (name, pack) in PACKERS {
        // Two pieces, so that a cut in the second leaves the first.
        let (head, tail) = plain.split_at(plain.len() / 2);
        let pieces = [pack(head), pack(tail)];
        let packed = pieces.concat();
        let mut before = 0;
        for cut in 0..packed.len() {
            let at_end_of_first = cut == pieces[0].len();
            match unpacked(&packed[..cut]) {
                Ok(replay) => {
                    let told = samples(&replay);
                    assert!(told >= before, "{name} cut at {cut}: {told} after {before}");
                    before = told;
                    let damage = replay.report.damage.as_deref();
                    let expected = format!("the {name} data is cut short");
                    assert_eq!(damage, Some(expected.as_str()).filter(|_| !at_end_of_first));
                    assert!(!replay.report.is_whole(), "{name} cut at {cut}");
                    let said = replay.report.describe();
                    assert_eq!(said.len(), 1, "{said:?}");
                }
                Err(RecordingError::Empty { .. }) => assert_eq!(cut, 0),
                Err(RecordingError::Packed { damage, .. }) => {
                    assert!(
                        damage.contains("cut short"),
                        "{name} cut at {cut}: {damage}"
                    );
                    assert_eq!(before, 0);
                }
                // Too short to show how it is packed.
                Err(RecordingError::NotARecording { .. }) => {
                    assert!(cut < 4, "{name} cut at {cut}");
                }
                Err(other) => panic!("{name} cut at {cut}: {other}"),
            }
            if cut == packed.len() - 1 {
                assert_eq!(before, 40, "{name}: all was there but the checksum");
            }
        }
    }
}

proptest! {
    #[test]
    fn damage_is_told_or_changes_nothing(
        zstd_not_gzip: bool, at: prop::sample::Index, byte: u8, cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let plain = recording(50);
        let (_, pack) = PACKERS[usize::from(zstd_not_gzip)];
        let mut packed = pack(&plain);
        *at.get_mut(&mut packed) = byte;
        if let Some(cut) = cut {
            packed.truncate(cut.index(packed.len()));
        }
        // Both have checksums. What is not told as damage did no harm.
        if let Ok(replay) = unpacked(&packed) && replay.report.damage.is_none() {
            prop_assert_eq!(replay, read_bytes(&plain).unwrap());
        }
    }

    #[test]
    fn any_bytes_after_a_magic_number_are_read_or_refused(
        magic in prop::sample::select(vec![&b"\x1f\x8b\x08"[..], b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"]),
        bytes: Vec<u8>,
    ) {
        let _ = unpacked(&[magic, &bytes].concat());
    }
}

#[test]
fn what_follows_packed_data_is_told() {
    let plain = recording(10);
    for (name, pack) in PACKERS {
        let replay = unpacked(&[pack(&plain), b"more".to_vec()].concat()).unwrap();
        assert_eq!(samples(&replay), 10);
        let expected = format!("what follows the {name} data is none");
        assert_eq!(replay.report.damage, Some(expected));
        assert!(!replay.report.torn_last_line);
    }
}

#[test]
fn a_wrong_checksum_is_told_and_takes_nothing_away() {
    let plain = recording(10);
    for (name, pack, from_end) in [("gzip", PACKERS[0].1, 5), ("zstd", PACKERS[1].1, 1)] {
        let mut packed = pack(&plain);
        let place = packed.len() - from_end;
        packed[place] ^= 1;
        let replay = unpacked(&packed).unwrap();
        assert_eq!(samples(&replay), 10);
        let damage = replay.report.damage.unwrap();
        assert!(
            damage.starts_with(&format!("the {name} data is damaged")),
            "{damage}"
        );
    }
}

#[test]
fn what_holds_no_recording_is_refused_by_what_is_wrong() {
    let said = |bytes: &[u8]| unpacked(bytes).unwrap_err().to_string();
    for (bytes, words) in [
        (gzip(b""), "is empty"),
        (zstd(b"hello\n"), "plain text"),
        (gzip(&gzip(b"hello\n")), "unpack it with gzip -d"),
        (
            gzip(b"{\"clockfit_recording\":"),
            "stops within its first line",
        ),
        (
            b"\x1f\x8b\x07hello".to_vec(),
            "no measurement can be unpacked",
        ),
        (b"\x28\xb5\x2f\xfd".to_vec(), "cut short"),
        (skippable(b"all")[..6].to_vec(), "cut short"),
        (skippable(b"all")[..10].to_vec(), "cut short"),
        (skippable(b"all"), "is empty"),
        // A window of 256 MiB, claimed in six bytes.
        (
            b"\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00".to_vec(),
            "a window of 256 MiB",
        ),
        // A dictionary.
        (
            b"\x28\xb5\x2f\xfd\x21\x07\x00\x01\x00\x00".to_vec(),
            "the zstd data is damaged",
        ),
        (b"\xfd7zXZ\0".to_vec(), "unpack it with xz -d"),
        (b"BZh9".to_vec(), "unpack it with bzip2 -d"),
    ] {
        let said = said(&bytes);
        assert!(said.contains(words), "{said}");
        assert!(said.contains("packed"), "the name in {said}");
    }
}

/// What unpacks to a thousand times its size is a line that is too long, and no more.
#[test]
fn a_bomb_is_read_without_being_kept() {
    let plain = [recording(10), vec![b'x'; 8 << 20]].concat();
    for (name, pack) in PACKERS {
        let packed = pack(&plain);
        assert!(packed.len() < plain.len() / 100);
        let replay = unpacked(&packed).unwrap();
        assert_eq!(
            (samples(&replay), replay.report.unreadable.count),
            (10, 1),
            "{name}"
        );
        assert_eq!(replay.report.damage, None);
    }
}

struct Gone;

impl Read for Gone {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk is gone"))
    }
}

#[test]
fn an_error_of_the_system_is_no_damage() {
    let plain = recording(1_000);
    for packed in [plain.clone(), gzip(&plain), zstd(&plain), skippable(&plain)] {
        for cut in [0, 2, 12, packed.len() / 2] {
            let input = Cursor::new(&packed[..cut]).chain(Gone);
            let error = read_from(input, "the disk").unwrap_err();
            assert!(matches!(&error, RecordingError::Read { .. }), "{error:?}");
            assert!(error.to_string().contains("the disk is gone"), "{error}");
        }
    }
}
