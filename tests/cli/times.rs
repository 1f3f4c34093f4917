//! Servers whose time is wrong, jumps, or is decades away: a finding, never a panic.

use clockfit::responder::Config;
use clockfit::time::TimeDelta;
use clockfit::wire::NtpTimestamp;

use crate::support::{Fake, clockfit, measure, number, warns};

/// Fields of 2^-32 s in an hour.
const HOUR: u64 = 3_600 << 32;
const HOUR_NS: i64 = 3_600_000_000_000;

fn jumping(at: u64, by: u64) -> Fake {
    Fake::new(move |asked| {
        let by = if asked.number < at { 0 } else { by };
        asked.answer(|h| {
            h.receive = NtpTimestamp(h.receive.0.wrapping_add(by));
            h.transmit = NtpTimestamp(h.transmit.0.wrapping_add(by));
        });
    })
}

#[test]
fn a_server_that_jumps_by_hours_is_a_finding_and_both_sides_are_kept() {
    for (by, expected) in [
        (3 * HOUR, 3 * HOUR_NS),
        ((5 * HOUR).wrapping_neg(), -5 * HOUR_NS),
    ] {
        let fake = jumping(10, by);
        let run = measure(&[&fake.name(), "-n", "20", "-i", "10ms"]);
        assert_eq!(run.ended.code, 0);
        assert_eq!((run.count("/sent"), run.count("/valid")), (20, 20));
        assert!(run.warns("server_time_moved"), "{}", run.report["warnings"]);
        assert_eq!(run.source()["breaks"].as_array().unwrap().len(), 1);
        let far = if by < HOUR * 24 { "max" } else { "min" };
        let near = if by < HOUR * 24 { "min" } else { "max" };
        let seen = run.number(&format!("/offset_ns/{far}"));
        assert!((seen - expected).abs() < 1_000_000_000, "{seen}");
        let seen = run.number(&format!("/offset_ns/{near}"));
        assert!(seen.abs() < 1_000_000_000, "{seen}");
        // The bound speaks of the server as it is now.
        let (lower, upper) = (run.number("/bound_ns/lower"), run.number("/bound_ns/upper"));
        assert!(lower <= expected && expected <= upper, "{lower} {upper}");
    }
}

#[test]
fn a_server_decades_away_is_an_offset() {
    const YEAR: u64 = 8_766;
    for (years, sign) in [(30, 1), (60, 1), (30, -1), (60, -1)] {
        let by = YEAR * years * HOUR;
        let by = if sign < 0 { by.wrapping_neg() } else { by };
        let fake = jumping(0, by);
        let run = measure(&[&fake.name(), "-n", "8", "-i", "10ms"]);
        assert_eq!((run.ended.code, run.count("/valid")), (0, 8));
        let seen = run.number("/offset_ns/max");
        let expected = sign * i64::try_from(YEAR * years).unwrap() * HOUR_NS;
        // An era is 2^32 s, and the host's own time is what tells which one is meant.
        let era = HOUR_NS / 3_600 * (1 << 32);
        let off = (i128::from(seen) - i128::from(expected)).rem_euclid(i128::from(era));
        let off = off.min(i128::from(era) - off);
        assert!(off < 1_000_000_000, "{years} {sign}: {seen}");
    }
}

#[test]
fn two_servers_that_differ_are_seen_to_differ() {
    let ahead = Config {
        offset: TimeDelta::from_millis(50),
        ..Config::default()
    };
    let honest = Fake::honest();
    let lying = Fake::lying("127.0.0.1:0", ahead, |asked| asked.answer(|_| {}));
    let run = measure(&[&honest.name(), &lying.name(), "-n", "10", "-i", "20ms"]);
    assert_eq!(run.ended.code, 0);
    let [a, b] = &run.report["sources"].as_array().unwrap()[..] else {
        panic!("{}", run.report)
    };
    let bound = |source, end| number(source, &format!("/bound_ns/{end}"));
    assert!(bound(a, "lower") <= 0 && 0 <= bound(a, "upper"), "{a:#}");
    let truth = 50_000_000;
    assert!(
        bound(b, "lower") <= truth && truth <= bound(b, "upper"),
        "{b:#}"
    );
    assert!(bound(a, "upper") < bound(b, "lower"));
}

#[test]
fn one_address_under_two_names_is_asked_once() {
    let fake = Fake::honest();
    let other = format!("ntp://127.0.0.1:{}", fake.address.port());
    let run = measure(&[&fake.name(), &other, &fake.name(), "-n", "5", "-i", "10ms"]);
    assert_eq!((run.ended.code, fake.asked()), (0, 5));
    assert_eq!(run.count("/sent"), 5);
    assert!(run.warns("same_address"));
}

#[test]
fn the_longest_durations_neither_overflow_nor_end_at_once() {
    // It asks its ten, and waits for nothing that is 290 years away.
    let ended = clockfit([
        "measure", "-d", "290y", "-t", "290y", "-n", "10", "-i", "1ms", "-f", "json",
    ]);
    assert_eq!(ended.code, 0);
    assert_eq!(ended.json()["sources"][0]["valid"], 10);
    assert!(!warns(&ended.json(), "lost"));
}
