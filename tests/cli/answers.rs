//! Answers that are no samples: each is rejected by its name, and disturbs nothing else.

use std::net::UdpSocket;

use clockfit::sample::Leap;
use clockfit::time::TimeDelta;
use clockfit::wire::{Header, NtpShort, NtpTimestamp, PacketMode, Version};

use crate::support::{Asked, Fake, measure};

/// Seconds in a header's fields of 2^-32 s.
const SECOND: u64 = 1 << 32;

fn moved(stamp: NtpTimestamp, by: u64) -> NtpTimestamp {
    NtpTimestamp(stamp.0.wrapping_add(by))
}

/// Every answer is changed so: none is a sample, and each request ends by the rejection.
fn ends_as(name: &str, change: fn(&mut Header)) {
    let fake = Fake::new(move |asked| asked.answer(change));
    let run = measure(&[&fake.name(), "-n", "4", "-i", "20ms"]);
    run.ended
        .refused(&["error: nothing was measured", "every answer was rejected"]);
    assert_eq!(run.count("/valid"), 0, "{name}");
    assert_eq!(run.count("/sent"), 4, "{name}");
    assert_eq!(run.count(&format!("/rejected/{name}")), 4, "{name}");
    assert_eq!(run.rejected(), 4, "{name}");
    assert!(run.warns("rejected") && run.warns("no_sample"), "{name}");
}

#[test]
fn a_server_that_says_it_is_not_synchronised_is_believed() {
    ends_as("unsynchronised", |h| h.leap = Leap::Unsynchronised);
    ends_as("unsynchronised", |h| h.stratum = 16);
    ends_as("unsynchronised", |h| h.stratum = 255);
    // Stratum 0 with a reference that spells nothing is no kiss, only a lie.
    ends_as("unsynchronised", |h| h.stratum = 0);
}

#[test]
fn stamps_that_cannot_be_are_named() {
    ends_as("zero_stamp", |h| h.receive = NtpTimestamp(0));
    ends_as("zero_stamp", |h| h.transmit = NtpTimestamp(0));
    ends_as("stamps_reversed", |h| {
        h.transmit = moved(h.receive, SECOND.wrapping_neg());
    });
    // A server that kept the request for a second, yet answered within milliseconds.
    ends_as("negative_delay", |h| h.transmit = moved(h.receive, SECOND));
}

#[test]
fn a_server_too_far_from_its_own_reference_is_no_sample() {
    ends_as("root_distance", |h| {
        h.root_dispersion = NtpShort::from_delta(TimeDelta::from_secs(16));
    });
    ends_as("root_distance", |h| {
        h.root_delay = NtpShort::from_delta(TimeDelta::from_secs(32));
    });
}

#[test]
fn a_distant_reference_is_a_warning() {
    let fake = Fake::new(|asked| {
        asked.answer(|h| h.root_dispersion = NtpShort::from_delta(TimeDelta::from_millis(1_500)));
    });
    let run = measure(&[&fake.name(), "-n", "4", "-i", "20ms"]);
    assert_eq!((run.ended.code, run.count("/valid")), (0, 4));
    assert_eq!(run.count("/root_distance_ns"), 1_500_000_000);
    assert!(run.warns("distant_root"));
}

/// Every answer is replaced by what `send` sends, which anybody could have sent: the request stays
/// open until its time-out.
fn leaves_open(name: &str, send: impl Fn(&Asked<'_>) + Send + 'static) {
    let fake = Fake::new(send);
    let run = measure(&[&fake.name(), "-n", "4", "-i", "20ms", "-t", "300ms"]);
    run.ended.refused(&["error: nothing was measured"]);
    assert_eq!(run.count("/sent"), 4, "{name}");
    assert_eq!(run.count("/lost"), 4, "{name}");
    assert_eq!(run.count("/lost_by/timeout"), 4, "{name}");
    assert_eq!(run.count(&format!("/rejected/{name}")), 4, "{name}");
    assert_eq!(run.rejected(), 4, "{name}");
}

#[test]
fn what_is_no_answer_is_named_and_answers_nothing() {
    leaves_open("truncated", |a| a.send(&a.honest.to_bytes()[..47]));
    leaves_open("truncated", |a| a.send(&[]));
    leaves_open("oversized", |a| {
        let mut bytes = a.honest.to_bytes().to_vec();
        bytes.resize(2_049, 0);
        a.send(&bytes);
    });
    leaves_open("bad_extension", |a| {
        // An extension field that claims more than there is.
        let mut bytes = a.honest.to_bytes().to_vec();
        bytes.extend([0x02, 0x04, 0xff, 0xfc]);
        bytes.resize(48 + 32, 0);
        a.send(&bytes);
    });
    leaves_open("wrong_version", |a| a.answer(|h| h.version = Version::V3));
    leaves_open("wrong_mode", |a| a.answer(|h| h.mode = PacketMode::Client));
    leaves_open("wrong_mode", |a| {
        a.answer(|h| h.mode = PacketMode::Broadcast);
    });
    leaves_open("bogus_origin", |a| a.answer(|h| h.origin.0 ^= 1));
    leaves_open("bogus_origin", |a| {
        a.answer(|h| h.origin = NtpTimestamp(0));
    });
}

#[test]
fn random_packets_before_each_answer_cost_no_sample() {
    const PACKETS: u64 = 8;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let fake = Fake::new(move |asked| {
        for _ in 0..PACKETS {
            let length = random() % 3_000;
            let bytes: Vec<u8> = (0..length).map(|_| random().to_le_bytes()[0]).collect();
            asked.send(&bytes);
        }
        asked.answer(|_| {});
    });
    let run = measure(&[&fake.name(), "-n", "20", "-i", "10ms"]);
    assert_eq!(run.ended.code, 0);
    assert_eq!((run.count("/sent"), run.count("/valid")), (20, 20));
    assert_eq!(run.rejected(), 20 * PACKETS);
    // Nobody guesses 64 bits.
    for (name, _) in run.source()["rejected"].as_object().unwrap() {
        let known = [
            "truncated",
            "oversized",
            "bad_extension",
            "wrong_version",
            "wrong_mode",
            "bogus_origin",
        ];
        assert!(known.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn an_answer_from_elsewhere_is_never_a_sample() {
    for elsewhere in ["127.0.0.1:0", "127.0.0.2:0"] {
        let other = UdpSocket::bind(elsewhere).unwrap();
        let fake = Fake::new(move |asked| {
            let _ = other.send_to(&asked.honest.to_bytes(), asked.from);
        });
        let run = measure(&[&fake.name(), "-n", "4", "-i", "20ms", "-t", "300ms"]);
        run.ended.refused(&["error: nothing was measured"]);
        assert_eq!(fake.asked(), 4);
        assert_eq!((run.count("/valid"), run.count("/lost")), (0, 4));
    }
}

#[test]
fn a_copy_of_an_answer_is_a_duplicate_and_an_old_one_a_replay() {
    let mut before: Option<[u8; 48]> = None;
    let mut oldest: Option<[u8; 48]> = None;
    let fake = Fake::new(move |asked| {
        let bytes = asked.honest.to_bytes();
        // The oldest first: it is neither awaited nor the one that was answered last.
        if asked.number >= 2 {
            asked.send(&oldest.unwrap());
        }
        if let Some(before) = before {
            asked.send(&before);
        }
        asked.send(&bytes);
        asked.send(&bytes);
        oldest.get_or_insert(bytes);
        before = Some(bytes);
    });
    let run = measure(&[&fake.name(), "-n", "8", "-i", "30ms"]);
    assert_eq!(run.ended.code, 0);
    assert_eq!((run.count("/sent"), run.count("/valid")), (8, 8));
    assert_eq!(run.count("/rejected/replay"), 6);
    // One copy at once, but the very last may come after the end; one with the next request.
    let duplicates = run.count("/rejected/duplicate");
    assert!((14..=15).contains(&duplicates), "{duplicates}");
    assert_eq!(run.rejected(), 6 + duplicates);
}

#[test]
fn a_server_that_repeats_its_stamps_gives_one_sample() {
    let mut first: Option<Header> = None;
    let fake = Fake::new(move |asked| {
        let stuck = *first.get_or_insert(asked.honest);
        asked.answer(|h| (h.receive, h.transmit) = (stuck.receive, stuck.transmit));
    });
    let run = measure(&[&fake.name(), "-n", "5", "-i", "20ms"]);
    assert_eq!(run.ended.code, 0);
    assert_eq!(run.count("/valid"), 1);
    assert_eq!(run.count("/rejected/repeated_stamps"), 4);
}

#[test]
fn an_answer_after_the_time_out_is_too_late_and_no_sample() {
    let mut held: Vec<[u8; 48]> = Vec::new();
    let fake = Fake::new(move |asked| {
        // Each answer waits for the request after the next: at 300 ms apart that is beyond 100 ms.
        held.push(asked.honest.to_bytes());
        if let Some(late) = held.len().checked_sub(3).and_then(|i| held.get(i)) {
            asked.send(late);
        }
    });
    let run = measure(&[&fake.name(), "-n", "6", "-i", "300ms", "-t", "100ms"]);
    run.ended.refused(&["error: nothing was measured"]);
    assert_eq!((run.count("/valid"), run.count("/lost")), (0, 6));
    // Four were sent; the socket is replaced after four losses in a row, which takes what came late.
    assert!(run.count("/rejected/too_late") >= 1, "{}", run.source());
    assert_eq!(run.rejected(), run.count("/rejected/too_late"));
}
