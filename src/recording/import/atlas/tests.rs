use super::super::Format;
use super::super::tests::{holds, meaning, read, read_whole, samples};
use crate::sample::{Leap, LossCause, Mode, Note, ReferenceId, Rejection, ServerInfo, StampSource};
use crate::time::{TimeDelta, Timestamp};

const ARRAY: &[u8] = include_bytes!("../../../../tests/data/import/atlas/results.json");
const LINES: &[u8] = include_bytes!("../../../../tests/data/import/atlas/results.jsonl");

fn ns(nanos: i64) -> TimeDelta {
    TimeDelta::from_nanos(nanos)
}

/// One reply, with other text in some places.
fn result(changes: &[(&str, &str)]) -> String {
    let mut text = r#"{"prb_id":71,"timestamp":1669854081,"dst_addr":"192.0.2.123","type":"ntp","lts":58,
"li":"no","mode":"server","stratum":2,"precision":9.53674E-7,"root-delay":0.25,"root-dispersion":0,"ref-id":"c0000263",
"result":[{"origin-ts":3878842881.1000000000,"receive-ts":3878842881.1500000000,"transmit-ts":3878842881.1600000000,
"final-ts":3878842881.1300000000,"offset":-0.04}]}"#
        .replace('\n', "");
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

/// As the probe prints them, the server being 8.363271 s ahead of the probe's clock, and of another
/// probe's 1.234567 ms behind.
#[test]
fn offsets_come_from_the_stamps_and_hold_the_truth() {
    assert_eq!(Format::recognise(ARRAY), Some(Format::RipeAtlas));
    let (campaign, report) = read(Format::RipeAtlas, ARRAY).unwrap();
    assert_eq!(report.unreadable.count, 0);
    assert_eq!(report.unknown_kinds.get("type:ping"), Some(&1));
    assert_eq!(report.lines, 1);
    let names: Vec<_> = campaign.sources.iter().map(|s| &*s.info.source).collect();
    let expected = [
        "ntp.example by probe 71",
        "ntp.example by probe 1004352",
        "2001:db8::229 by probe 71",
    ];
    assert_eq!(names, expected);

    let all = samples(&campaign, 0);
    assert_eq!(all.len(), 2);
    let x = all[0].exchange;
    // 3878842881.1663661003 s, down; and the differences of the printed stamps.
    assert_eq!(x.t1, Timestamp::from_nanos(1_669_854_081_166_366_100));
    assert_eq!(x.upper, ns(8_374_221_802));
    assert_eq!(x.lower, ns(8_352_324_485));
    assert_eq!(x.residence, ns(25_749));
    assert_eq!(
        (x.tx, x.rx, all[0].mode),
        (StampSource::Foreign, StampSource::Foreign, Mode::Basic)
    );
    // A microsecond of gettimeofday, and twice what a double loses.
    assert_eq!(x.error, ns(1_954));
    for (source, truth) in [(0, 8_363_271_000), (1, -1_234_567)] {
        let all = samples(&campaign, source);
        assert_eq!(all.len(), 2);
        for sample in all {
            assert!(
                holds(&sample.exchange, TimeDelta::ZERO, truth),
                "{sample:?}"
            );
        }
    }
    // In the results the sign is the opposite one.
    assert!(
        all.iter()
            .all(|s| !holds(&s.exchange, TimeDelta::ZERO, -8_363_271_000))
    );
    let expected = ServerInfo {
        leap: Leap::None,
        stratum: 1,
        precision: -18,
        root_delay: TimeDelta::ZERO,
        root_dispersion: ns(1_083_375),
        reference_id: ReferenceId(*b"GPS\0"),
        reference_time: None,
    };
    assert_eq!(campaign.sources[0].server(), Some(&expected));
}

#[test]
fn what_is_no_reply_is_counted_by_name() {
    let (campaign, _) = read(Format::RipeAtlas, ARRAY).unwrap();
    let lost = |source: usize| campaign.sources[source].incidents().lost.clone();
    assert_eq!(lost(0).get(&LossCause::Timeout), Some(&1));
    assert_eq!(lost(2).get(&LossCause::Refused), Some(&1));
    // A kiss code in the middle of a result: the server changed for this one reply alone, and another
    // field changed for the next.
    let kissed = &campaign.sources[1];
    assert_eq!(
        kissed.incidents().rejected.get(&Rejection::KissRate),
        Some(&1)
    );
    let dispersions: Vec<_> = kissed
        .servers
        .iter()
        .map(|(_, s)| s.root_dispersion)
        .collect();
    assert_eq!(dispersions, [ns(1_083_375), ns(1_098_633)]);
    let (none, _, note) = &campaign.notes[0];
    let error = "name resolution failed: nodename nor servname provided, or not known";
    let unresolved = Note::Unresolved {
        source: "nowhere.example".into(),
        error: error.into(),
    };
    assert_eq!((none, note), (&None, &unresolved));
    let told = meaning(&campaign);
    assert!(
        told.ends_with("3 to 58 s before (lts), unknown in 1 of 4 results."),
        "{told}"
    );
}

#[test]
fn one_object_a_line_is_the_same_and_short_numbers_are_less_sure() {
    let campaign = read_whole(Format::RipeAtlas, LINES);
    assert_eq!(campaign.sources.len(), 1);
    let all = samples(&campaign, 0);
    assert_eq!(all.len(), 3);
    for sample in &all {
        assert!(
            holds(&sample.exchange, TimeDelta::ZERO, -400_000),
            "{sample:?}"
        );
        // Six decimals: a microsecond for each of two stamps, and one of gettimeofday.
        assert_eq!(sample.exchange.error, ns(3_000));
    }
    let info = campaign.sources[0].server().unwrap();
    assert_eq!(
        (info.stratum, info.reference_id),
        (2, ReferenceId([192, 0, 2, 99]))
    );
    // The same as an array spread over many lines.
    let values: Vec<serde_json::Value> = String::from_utf8(LINES.to_vec())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let pretty = serde_json::to_string_pretty(&values).unwrap();
    assert_eq!(
        read_whole(Format::RipeAtlas, pretty.as_bytes())
            .sources
            .len(),
        1
    );
}

#[test]
fn replies_are_judged_as_ours_are() {
    let read = |text: String| read_whole(Format::RipeAtlas, text.as_bytes());
    let campaign = read(result(&[]));
    let x = samples(&campaign, 0)[0].exchange;
    assert_eq!(
        (x.upper, x.residence, x.lower),
        (ns(50_000_000), ns(10_000_000), ns(30_000_000))
    );
    assert_eq!(campaign.sources[0].info.source, "192.0.2.123 by probe 71");
    for (from, to, why) in [
        ("\"server\"", "\"broadcast\"", Rejection::WrongMode),
        ("\"no\"", "\"unknown\"", Rejection::Unsynchronised),
        (
            "\"stratum\":2",
            "\"stratum\":\"unsynchronized\"",
            Rejection::Unsynchronised,
        ),
        (
            "\"stratum\":2",
            "\"stratum\":\"reserved (200)\"",
            Rejection::Unsynchronised,
        ),
        (
            "\"stratum\":2",
            "\"stratum\":\"invalid\"",
            Rejection::KissOther,
        ),
        (
            "\"root-dispersion\":0",
            "\"root-dispersion\":16",
            Rejection::RootDistance,
        ),
        (
            "3878842881.1000000000",
            "0.0000000000",
            Rejection::ZeroStamp,
        ),
        (
            "3878842881.1600000000",
            "3878842881.1499000000",
            Rejection::StampsReversed,
        ),
        (
            "3878842881.1300000000",
            "3878842881.1050000000",
            Rejection::NegativeDelay,
        ),
    ] {
        let campaign = read(result(&[(from, to)]));
        let rejected: Vec<_> = campaign.sources[0].incidents().rejected.keys().collect();
        assert_eq!(rejected, [&why], "{to}");
        assert!(campaign.sources[0].samples.is_empty());
    }
}

#[test]
fn an_offset_that_belies_the_stamps_is_damage_or_says_what_they_lost() {
    for (offset, error) in [
        ("-0.04", Some(1_954)),
        ("-0.040004", Some(1_954)),
        // 10 us: either of U and L may have lost twice as much.
        ("-0.040010", Some(21_954)),
        ("-0.041001", None),
        ("0.04", None),
        ("0", None),
    ] {
        let text = result(&[("\"offset\":-0.04", &format!("\"offset\":{offset}"))]);
        let text = format!("{text}\n{}", result(&[(",\"offset\":-0.04", "")]));
        let (campaign, report) = read(Format::RipeAtlas, text.as_bytes()).unwrap();
        let errors: Vec<_> = samples(&campaign, 0)
            .iter()
            .map(|s| s.exchange.error)
            .collect();
        let expected: Vec<_> = error.into_iter().chain([1_954]).map(ns).collect();
        assert_eq!(errors, expected, "{offset}");
        match report.unreadable.first {
            None => assert!(error.is_some()),
            Some((line, reason)) => {
                assert_eq!((line, error), (1, None));
                assert!(reason.contains("an offset that follows from the stamps"));
            }
        }
    }
}

#[test]
fn each_field_is_checked_and_says_where() {
    for (from, to, said) in [
        (
            "\"prb_id\":71",
            "\"prb_id\":-1",
            "invalid value: integer `-1`",
        ),
        ("\"prb_id\":71,", "", "missing field `prb_id`"),
        (
            "\"timestamp\":1669854081",
            "\"timestamp\":1e300",
            "invalid type: floating point",
        ),
        (
            "\"timestamp\":1669854081",
            "\"timestamp\":9223372036854775807",
            "a timestamp between 1677",
        ),
        ("\"dst_addr\":\"192.0.2.123\",", "", "dst_name or dst_addr"),
        (
            "\"dst_addr\":\"192.0.2.123\"",
            "\"dst_addr\":\"\"",
            "dst_name or dst_addr",
        ),
        ("\"li\":\"no\",", "", "expected li"),
        ("\"stratum\":2", "\"stratum\":null", "expected stratum"),
        ("9.53674E-7", "\"x\"", "expected precision"),
        (
            "\"root-delay\":0.25",
            "\"root-delay\":\"\"",
            "expected root-delay",
        ),
        (
            "3878842881.1000000000",
            "\"3878842881.1\"",
            "a packet with its stamps",
        ),
        (
            "3878842881.1000000000",
            "-1",
            "stamps in seconds since 1900",
        ),
        (
            "3878842881.1000000000",
            "4294967296.5",
            "stamps in seconds since 1900",
        ),
        (
            "3878842881.1000000000",
            "1e9999",
            "stamps in seconds since 1900",
        ),
        ("\"origin-ts\"", "\"origin\"", "a packet with its stamps"),
        ("\"result\":[", "\"result\":[7,", "a packet with its stamps"),
        ("\"result\":", "\"results\":", "missing field `result`"),
        ("71,\"t", "71 \"t", "expected `,` or `}`"),
        ("192.0.2.123", "caf\u{e9}\u{0}", "control character"),
    ] {
        let text = format!("{}\n{}\n", result(&[]), result(&[(from, to)]));
        let (campaign, report) = read(Format::RipeAtlas, text.as_bytes()).unwrap();
        assert_eq!(report.unreadable.count, 1, "{to}");
        let (line, reason) = report.unreadable.first.unwrap();
        assert_eq!(line, 2, "{to}");
        assert!(reason.contains(said), "{to}: {reason}");
        assert!(!campaign.sources[0].samples.is_empty());
    }
    let latin1 = [
        result(&[]).as_bytes(),
        b"\n",
        result(&[]).replace("no", "n\u{b6}").as_bytes(),
        b"\n",
    ]
    .concat();
    let latin1: Vec<u8> = latin1.into_iter().filter(|b| *b != 0xc2).collect();
    assert_eq!(
        read(Format::RipeAtlas, &latin1).unwrap().1.unreadable.count,
        1
    );
    let open = format!(
        "{}\n{}",
        result(&[]),
        result(&[("\"result\":[", "\"result\":[[")])
    );
    assert!(
        read(Format::RipeAtlas, open.as_bytes())
            .unwrap()
            .1
            .torn_last_line
    );
    let deep = format!(
        "{}\n{{\"type\":\"ntp\",\"x\":{}",
        result(&[]),
        "[".repeat(100_000)
    );
    assert!(
        read(Format::RipeAtlas, deep.as_bytes())
            .unwrap()
            .1
            .torn_last_line
    );
    let deep = format!("{}{}}}", deep, "]".repeat(100_000));
    assert_eq!(
        read(Format::RipeAtlas, deep.as_bytes())
            .unwrap()
            .1
            .unreadable
            .count,
        1
    );
}

#[test]
fn names_from_outside_have_an_end() {
    let long = "x".repeat(300);
    let text = result(&[("\"type\"", &format!("\"dst_name\":\"{long}\",\"type\""))]);
    let campaign = read_whole(Format::RipeAtlas, text.as_bytes());
    assert_eq!(campaign.sources[0].info.source, "192.0.2.123 by probe 71");
    let kinds: String = (0..100)
        .map(|n| format!("{{\"type\":\"{n}{long}\"}}\n"))
        .collect();
    let (_, report) = read(
        Format::RipeAtlas,
        format!("{}\n{kinds}", result(&[])).as_bytes(),
    )
    .unwrap();
    assert_eq!(report.unknown_kinds.len(), 33);
    assert_eq!(report.unknown_kinds.get("(others)"), Some(&68));
    assert!(report.unknown_kinds.keys().all(|kind| kind.len() <= 32));
}
