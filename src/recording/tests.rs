use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;

use super::line::{Line, NOTE_NAMES, parse_header, parse_line, write_event};
use super::*;
use crate::sample::{
    AT_ERROR_FLOOR, Audited, Axis, Campaign, Change, ClockReading, Discipline, Disturbance,
    Environment, Event, Exchange, Leap, Load, LossCause, Machine, Mode, Nic, Note, Nts, OddAnswer,
    OddQuestion, PtpClock, Quota, Reading, ReferenceId, ReferenceTime, Rejection, RunEnd,
    RunHeader, Sample, ServerInfo, Sink, SourceId, SourceInfo, SourceKind, StampFault, StampSource,
    Steal, Tee, Throttled, Timescale,
};
use crate::time::{Frequency, Monotonic, TimeDelta, Timestamp};

mod blocks;
mod packed;
mod scanned;

fn delta() -> impl Strategy<Value = TimeDelta> {
    any::<i64>().prop_map(TimeDelta::from_nanos)
}

fn instant() -> impl Strategy<Value = Monotonic> {
    any::<i64>().prop_map(Monotonic::from_nanos)
}

fn stamps() -> impl Strategy<Value = StampSource> {
    prop::sample::select(StampSource::ALL.to_vec())
}

prop_compose! {
    fn sample()(
        t1: i64, upper in delta(), residence in delta(), lower in delta(),
        tx in stamps(), rx in stamps(),
        error in prop_oneof![Just(TimeDelta::NANOSECOND), delta()],
        mode in prop::sample::select(Mode::ALL.to_vec()),
        at in instant(),
        at_error in prop_oneof![Just(AT_ERROR_FLOOR), delta().prop_map(|d| d.max(AT_ERROR_FLOOR))],
    ) -> Sample {
        let t1 = Timestamp::from_nanos(t1);
        let exchange = Exchange { t1, upper, residence, lower, tx, rx, error };
        Sample { exchange, mode, at, at_error }
    }
}

prop_compose! {
    fn source()(
        source: String, address: String, port: u16,
        kind in prop::sample::select(vec![
            SourceKind::Ntp, SourceKind::Embedded, SourceKind::Phc, SourceKind::Rtc, SourceKind::Daemon,
        ]),
        timescale in prop::sample::select(vec![
            Timescale::Utc, Timescale::Tai, Timescale::Smeared, Timescale::Unknown,
        ]),
        path: u16, local_clock in prop::option::of(".*"),
    ) -> SourceInfo {
        SourceInfo { source, address, port, kind, timescale, path, local_clock }
    }
}

prop_compose! {
    fn server()(
        leap in 0u8..4, stratum: u8, precision: i8, root_delay in delta(),
        root_dispersion in delta(), id: [u8; 4], time: u64,
    ) -> ServerInfo {
        ServerInfo {
            leap: Leap::from_bits(leap), stratum, precision, root_delay, root_dispersion,
            reference_id: ReferenceId(id),
            reference_time: ReferenceTime::telling(time),
        }
    }
}

fn note() -> impl Strategy<Value = Note> {
    let text = any::<String>;
    prop_oneof![
        (text(), text()).prop_map(|(source, error)| Note::Unresolved { source, error }),
        (text(), text()).prop_map(|(source, measured_as)| Note::SameAddress {
            source,
            measured_as
        }),
        Just(Note::Polite),
        text().prop_map(|error| Note::StampsUnavailable { error }),
        text().prop_map(|error| Note::Unreachable { error }),
        Just(Note::Reachable),
        Just(Note::GivenUp),
        text().prop_map(|reason| Note::NewSocket { reason }),
        delta().prop_map(|interval| Note::Slowed { interval }),
        prop::sample::select(Rejection::ALL.to_vec()).prop_map(|kiss| Note::Stopped { kiss }),
        Just(Note::DistantRoot),
        text().prop_map(|error| Note::NoFloor { error }),
        text().prop_map(|error| Note::CrossCheckFailed { error }),
        (text(), text()).prop_map(|(format, meaning)| Note::Imported { format, meaning }),
        audited().prop_map(Note::Audited),
    ]
}

fn audited() -> impl Strategy<Value = Audited> {
    let question = prop::sample::select(OddQuestion::ALL.to_vec());
    let odd = (question, any::<(u32, u32, u32)>()).prop_map(|(question, (asked, packets, all))| {
        OddAnswer {
            question,
            asked: asked.into(),
            packets,
            answered: all.into(),
        }
    });
    let nts = prop_oneof![
        Just(Nts::NotAsked),
        Just(Nts::Offered),
        any::<String>().prop_map(Nts::NotOffered),
    ];
    let ttl = prop::option::of(any::<u8>());
    (ttl, prop::collection::vec(odd, 0..4), nts).prop_map(|(ttl, odd, nts)| Audited {
        ttl,
        odd,
        nts,
    })
}

fn rate() -> impl Strategy<Value = Frequency> {
    any::<i64>().prop_map(Frequency::from_ppb)
}

prop_compose! {
    fn load()(
        [busy, idle, guest] in [(); 3].map(|()| delta()),
        waited in prop::option::of(delta()),
        throttled in prop::option::of((any::<u64>(), delta())),
        average_hundredths in prop::option::of(any::<u32>()),
    ) -> Load {
        let throttled = throttled.map(|(periods, total)| Throttled { periods, total });
        Load { busy, idle, guest, waited, throttled, average_hundredths }
    }
}

prop_compose! {
    fn clock_reading()(
        (wall, counter, error) in (any::<i64>(), instant(), delta()),
        monotonic in delta(), boottime in prop::option::of(delta()),
        discipline in prop::option::of((rate(), any::<(u32, i32)>(), [(); 4].map(|()| delta()))),
        clocksource in prop::option::of(any::<String>()),
        steal in prop::option::of((delta(), any::<u32>())),
        run_delay in prop::option::of(delta()),
        load in prop::option::of(load()),
    ) -> ClockReading {
        let wall = Timestamp::from_nanos(wall);
        ClockReading {
            clocks: Reading { wall, counter, error },
            monotonic,
            boottime,
            discipline: discipline.map(|(frequency, (status, state), [tick, most, about, tai])| {
                Discipline {
                    frequency, tick, status, state, max_error: most, estimated_error: about,
                    tai_minus_utc: tai,
                }
            }),
            clocksource,
            steal: steal.map(|(total, processors)| Steal { total, processors }),
            run_delay,
            load,
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let leap = || (0u8..4).prop_map(Leap::from_bits);
    let text = any::<String>;
    prop_oneof![
        (delta(), delta()).prop_map(|(by, error)| Change::Step { by, error }),
        (rate(), rate(), rate()).prop_map(|(from, to, error)| Change::Slew { from, to, error }),
        (rate(), rate()).prop_map(|(from, to)| Change::Frequency { from, to }),
        delta().prop_map(|length| Change::Suspend { length }),
        (delta(), prop::option::of(delta()))
            .prop_map(|(length, run_delay)| Change::Stall { length, run_delay }),
        (delta(), delta(), any::<u32>()).prop_map(|(stolen, within, processors)| Change::Steal {
            stolen,
            within,
            processors
        }),
        (text(), text()).prop_map(|(from, to)| Change::Clocksource { from, to }),
        leap().prop_map(|leap| Change::LeapAnnounced { leap }),
        leap().prop_map(|leap| Change::LeapSecond { leap }),
        (delta(), delta()).prop_map(|(from, to)| Change::TaiOffset { from, to }),
    ]
}

fn disturbance() -> impl Strategy<Value = Disturbance> {
    (instant(), delta(), any::<i64>(), change()).prop_map(|(at, at_error, wall, change)| {
        Disturbance {
            at,
            at_error,
            wall: Timestamp::from_nanos(wall),
            change,
        }
    })
}

/// Any event of the sources below `sources`.
fn event(sources: u32) -> impl Strategy<Value = Event> {
    let id = move || (0..sources).prop_map(SourceId);
    let causes = vec![
        LossCause::Timeout,
        LossCause::Refused,
        LossCause::Socket,
        LossCause::Interrupted,
    ];
    let rejections = prop::sample::select(Rejection::ALL.to_vec());
    let faults = prop::sample::select(StampFault::ALL.to_vec());
    prop_oneof![
        4 => (id(), sample()).prop_map(|(s, x)| Event::Sample(s, x)),
        1 => source().prop_map(|info| Event::Source(info.into())),
        1 => (id(), server()).prop_map(|(s, info)| Event::Server(s, info)),
        1 => (id(), instant(), prop::sample::select(causes))
            .prop_map(|(s, m, cause)| Event::Lost(s, m, cause)),
        1 => (id(), instant(), rejections, any::<u64>())
            .prop_map(|(s, m, why, n)| Event::Rejected(s, m, why, n)),
        1 => (id(), instant(), faults, any::<u64>())
            .prop_map(|(s, m, why, n)| Event::StampFault(s, m, why, n)),
        1 => (id(), delta(), delta()).prop_map(|(s, o, d)| Event::CrossCheck(s, o, d)),
        1 => clock_reading().prop_map(|reading| Event::Clock(reading.into())),
        1 => disturbance().prop_map(|found| Event::Disturbance(found.into())),
        1 => (prop::option::of(id()), instant(), note())
            .prop_map(|(s, m, note)| Event::Note(s, m, note)),
        1 => (instant(), any::<bool>())
            .prop_map(|(at, interrupted)| Event::End(RunEnd { at, interrupted })),
    ]
}

fn environment() -> Environment {
    Environment {
        host: Some("büro \"1\"\n".into()),
        boot_id: Some("1f0c".into()),
        kernel: Some("Linux 6.1.0".into()),
        clocksource: Some("tsc".into()),
        clocksources: Some(vec!["tsc".into(), "hpet".into()]),
        virtualisation: Some("none".into()),
        virtualisation_from: Some("/proc/cpuinfo".into()),
        machine: Machine {
            vendor: Some("Dell Inc.".into()),
            product: None,
            cpu: Some("AMD EPYC".into()),
            processors: Some(4),
            usable: Some(2),
            quota: Some(Quota {
                quota: TimeDelta::from_millis(150),
                period: TimeDelta::from_millis(100),
            }),
            memory_bytes: Some(1 << 34),
        },
        time_daemons: vec!["chronyd".into()],
        nics: vec![Nic {
            name: "eth0".into(),
            driver: Some("e1000e".into()),
            stamps: Some(vec!["tx_software".into()]),
            phc: Some(0),
        }],
        ptp_clocks: vec![PtpClock {
            device: "/dev/ptp0".into(),
            name: Some("KVM virtual PTP".into()),
        }],
        privileged: true,
    }
}

fn header() -> RunHeader {
    RunHeader {
        tool: "clockfit 0.1.0".into(),
        run_id: "3f9c2a".into(),
        started: "1763832000.000000001".parse().unwrap(),
        started_at: Monotonic::from_nanos(1_000_000_000),
        arguments: vec!["measure".into(), "fe80::1%eth0".into()],
        seed: u64::MAX,
        timeout: TimeDelta::from_secs(1),
        axis: Axis::Counter,
        environment: environment(),
    }
}

fn ntp(address: &str) -> SourceInfo {
    SourceInfo {
        source: "ntp.example".into(),
        address: address.into(),
        port: 123,
        kind: SourceKind::Ntp,
        timescale: Timescale::Utc,
        path: 0,
        local_clock: None,
    }
}

fn exchange_at(at_ns: i64) -> Sample {
    Sample {
        exchange: Exchange {
            t1: Timestamp::from_nanos(1_763_832_000_123_456_789),
            upper: TimeDelta::from_nanos(-660),
            residence: TimeDelta::from_nanos(23_456),
            lower: TimeDelta::from_nanos(-2_450),
            tx: StampSource::Kernel,
            rx: StampSource::Kernel,
            error: TimeDelta::NANOSECOND,
        },
        mode: Mode::Basic,
        at: Monotonic::from_nanos(at_ns),
        at_error: AT_ERROR_FLOOR,
    }
}

fn written(events: &[Event]) -> (Vec<u8>, Campaign) {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, "memory", &header());
    let mut campaign = Campaign::new(header());
    let mut tee = Tee(vec![&mut campaign, &mut writer]);
    for event in events {
        tee.event(event);
    }
    assert!(writer.failure().is_none());
    drop(writer);
    (bytes, campaign)
}

fn read_bytes(bytes: &[u8]) -> Result<Replay, RecordingError> {
    let reader = Reader::new(bytes, "memory")?;
    let mut campaign = Campaign::new(reader.header().clone());
    let report = reader.read_into(&mut campaign)?;
    Ok(Replay {
        campaign,
        report,
        capture: None,
    })
}

/// A recording of two sources with a line after the declarations for each of `lines`.
fn with_lines(lines: &[&str]) -> Vec<u8> {
    let (mut bytes, _) = written(&[
        Event::Source(ntp("192.0.2.1").into()),
        Event::Source(ntp("192.0.2.2").into()),
    ]);
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

const X0: &str =
    r#"{"k":"x","s":0,"c":"BKK","t1":"1763832000.123456789","u":-660,"r":23456,"l":-2450,"m":12}"#;
const END: &str = r#"{"k":"end","m":99,"interrupted":false}"#;

proptest! {
    #[test]
    fn every_event_survives_its_line(event in event(u32::MAX), declared: u32) {
        let mut bytes = Vec::new();
        write_event(&event, declared, &mut bytes).unwrap();
        prop_assert_eq!(bytes.pop(), Some(b'\n'));
        prop_assert!(!bytes.contains(&b'\n'));
        let expected = match event {
            Event::Source(info) => Line::Source(SourceId(declared), SourceInfo::clone(&info)),
            other => Line::Event(other),
        };
        prop_assert_eq!(parse_line(&bytes).unwrap(), expected);
    }

    #[test]
    fn a_replayed_campaign_is_the_one_that_was_measured(
        events in prop::collection::vec(event(2), 0..60),
    ) {
        let mut all = vec![Event::Source(ntp("192.0.2.1").into()), Event::Source(ntp("192.0.2.2").into())];
        all.extend(events);
        let (bytes, campaign) = written(&all);
        let replay = read_bytes(&bytes).unwrap();
        prop_assert_eq!(replay.campaign, campaign);
        prop_assert!(replay.report.is_whole());
        prop_assert_eq!(replay.report.lines, 1 + all.len() as u64);
    }

    #[test]
    fn damage_never_panics(
        events in prop::collection::vec(event(2), 0..20),
        at: prop::sample::Index, byte: u8,
    ) {
        let mut all = vec![Event::Source(ntp("192.0.2.1").into())];
        all.extend(events);
        let (mut bytes, _) = written(&all);
        *at.get_mut(&mut bytes) = byte;
        let Ok(reader) = Reader::new(bytes.as_slice(), "memory") else { return Ok(()) };
        let mut campaign = Campaign::new(reader.header().clone());
        let mut kept = Vec::new();
        let mut writer = Writer::new(&mut kept, "memory", &reader.header().clone());
        reader.read_into(&mut Tee(vec![&mut campaign, &mut writer])).unwrap();
        drop(writer);
        // What is accepted can be written again, and then nothing about it is amiss.
        let again = read_bytes(&kept).unwrap();
        prop_assert_eq!(again.campaign, campaign);
        prop_assert!(again.report.is_whole());
    }
}

proptest! {
    #[test]
    fn a_disturbance_is_recorded_under_its_name(found in disturbance()) {
        let mut bytes = Vec::new();
        let name = serde_json::to_value(found.change.kind()).unwrap();
        write_event(&Event::Disturbance(found.into()), 0, &mut bytes).unwrap();
        let line: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(&line["what"], &name);
    }
}

#[test]
fn an_exchange_line_is_what_the_documentation_shows() {
    let mut bytes = Vec::new();
    let mut sample = exchange_at(123_456_789_012_345);
    write_event(&Event::Sample(SourceId(0), sample), 1, &mut bytes).unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "{\"k\":\"x\",\"s\":0,\"c\":\"BKK\",\"t1\":\"1763832000.123456789\",\"u\":-660,\
         \"r\":23456,\"l\":-2450,\"m\":123456789012345}\n"
    );
    // Whatever a file says, nobody knows the instant better than the floor.
    let stated = X0.replace('}', ",\"g\":99}");
    let read = parse_line(stated.as_bytes()).unwrap();
    assert!(matches!(read, Line::Event(Event::Sample(_, s)) if s.at_error == AT_ERROR_FLOOR));
    let mut bytes = Vec::new();
    sample.exchange.error = TimeDelta::from_nanos(35);
    sample.at_error = TimeDelta::from_nanos(101);
    write_event(&Event::Sample(SourceId(0), sample), 1, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.contains(r#""l":-2450,"e":35,"m":123456789012345,"g":101}"#),
        "{text}"
    );
}

#[test]
fn the_documented_example_is_a_whole_recording_of_every_kind() {
    let page = include_str!("../../docs/recording.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let replay = read_bytes(example.as_bytes()).unwrap();
    assert!(replay.report.is_whole(), "{:?}", replay.report);
    let (mut bytes, mut declared) = (Vec::new(), 0);
    for line in example.lines().skip(1) {
        let event = match parse_line(line.as_bytes()).unwrap() {
            Line::Source(_, info) => Event::Source(info.into()),
            Line::Event(event) => event,
            other => panic!("{other:?}"),
        };
        write_event(&event, declared, &mut bytes).unwrap();
        declared += u32::from(matches!(event, Event::Source(_)));
    }
    let (_, lines) = example.split_once('\n').unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), lines);
    for kind in [
        "src", "srv", "clk", "dist", "x", "stamp", "lost", "rej", "check", "note", "end",
    ] {
        assert!(lines.contains(&format!("{{\"k\":\"{kind}\"")), "{kind}");
    }
}

/// The two cases that `docs/recording.md` calls widest.
#[test]
fn an_exchange_line_is_at_most_150_bytes() {
    let ns = TimeDelta::from_nanos;
    let length = |sample| {
        let mut bytes = Vec::new();
        write_event(&Event::Sample(SourceId(99_999), sample), 1, &mut bytes).unwrap();
        bytes.len()
    };
    // A server may claim any time, so U and L may be anything; a host may be up for 31 years.
    let mut any_offset = exchange_at(999_999_999_999_999_999);
    any_offset.exchange.t1 = Timestamp::from_nanos(i64::MAX);
    any_offset.exchange.upper = TimeDelta::MIN;
    any_offset.exchange.residence = ns(9_999_999_999);
    any_offset.exchange.lower = TimeDelta::MIN;
    assert!(length(any_offset) <= 150, "{}", length(any_offset));
    // Both errors stated, to 10 us; the clock is wrong by up to 16 minutes, the host up for 115 days.
    let mut both_errors = exchange_at(9_999_999_999_999_999);
    both_errors.exchange.t1 = Timestamp::from_nanos(i64::MAX);
    both_errors.exchange.upper = ns(-999_999_999_999);
    both_errors.exchange.residence = ns(9_999_999_999);
    both_errors.exchange.lower = ns(-999_999_999_999);
    both_errors.exchange.error = ns(9_999);
    both_errors.at_error = ns(9_999);
    assert!(length(both_errors) <= 150, "{}", length(both_errors));
}

#[test]
fn torn_anywhere_it_keeps_every_whole_line() {
    let (bytes, _) = written(&[
        Event::Source(ntp("192.0.2.1").into()),
        Event::Sample(SourceId(0), exchange_at(1)),
        Event::Sample(SourceId(0), exchange_at(2)),
        Event::Lost(SourceId(0), Monotonic::from_nanos(3), LossCause::Timeout),
        Event::End(RunEnd {
            at: Monotonic::from_nanos(4),
            interrupted: false,
        }),
    ]);
    for cut in 0..bytes.len() {
        let torn = &bytes[..cut];
        let whole_lines = torn.iter().filter(|&&b| b == b'\n').count();
        match read_bytes(torn) {
            Ok(replay) => {
                let source = replay.campaign.sources.first();
                let kept = source.map_or(0, |s| 1 + s.samples.len() + s.incidents().lost.len());
                assert_eq!(1 + kept, whole_lines, "cut at {cut}");
                assert_eq!(replay.report.torn_last_line, torn.last() != Some(&b'\n'));
                assert_eq!(replay.report.unreadable.count, 0, "cut at {cut}");
            }
            Err(RecordingError::Empty { .. }) => assert_eq!(cut, 0),
            Err(RecordingError::TruncatedHeader { .. }) => assert_eq!(whole_lines, 0),
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
}

#[test]
fn a_last_line_of_zeros_is_torn_and_one_in_the_middle_damaged() {
    let last = read_bytes(&with_lines(&[X0, "\0\0\0\0"])).unwrap();
    assert!(last.report.torn_last_line);
    assert_eq!(last.report.unreadable, Unreadable::default());
    let middle = read_bytes(&with_lines(&[X0, "\0\0\0\0", X0, END])).unwrap();
    assert!(!middle.report.torn_last_line);
    assert_eq!(middle.report.unreadable.count, 1);
    let (number, reason) = middle.report.unreadable.first.unwrap();
    assert_eq!((number, reason.contains("expected value")), (5, true));
    assert_eq!(middle.campaign.sources[0].samples.len(), 2);
    assert!(middle.campaign.end.is_some());
}

#[test]
fn lines_that_make_no_sense_are_counted_and_the_rest_is_kept() {
    let bad = [
        "",
        "[]",
        "{}",
        "null",
        r#"{"k":1}"#,
        r#"{"k":"x","s":0}"#,
        r#"{"k":"x","s":-1,"c":"BKK","t1":"1.000000000","u":1,"r":1,"l":1,"m":1}"#,
        r#"{"k":"x","s":0,"c":"BK","t1":"1.000000000","u":1,"r":1,"l":1,"m":1}"#,
        r#"{"k":"x","s":0,"c":"BKK","t1":"1.0","u":1,"r":1,"l":1,"m":1}"#,
        r#"{"k":"x","s":0,"c":"BKK","t1":"1.000000000","u":1.5,"r":1,"l":1,"m":1}"#,
        r#"{"k":"x","s":0,"c":"BKK","t1":"1.000000000","u":9223372036854775808,"r":1,"l":1,"m":1}"#,
        // Not declared.
        r#"{"k":"x","s":2,"c":"BKK","t1":"1.000000000","u":1,"r":1,"l":1,"m":1}"#,
        r#"{"k":"lost","s":4294967295,"m":1,"why":"timeout"}"#,
        r#"{"k":"note","s":7,"m":1,"note":"polite"}"#,
        // Declared twice, or out of order.
        r#"{"k":"src","s":1,"source":"a","address":"a","port":1,"kind":"ntp","timescale":"utc"}"#,
        r#"{"k":"src","s":0,"source":"a","address":"a","port":1,"kind":"ntp","timescale":"utc"}"#,
        // Known names whose fields are wrong.
        r#"{"k":"note","m":1,"note":"slowed"}"#,
        r#"{"k":"srv","s":0,"leap":"none","stratum":1,"precision":-20,"root_delay_ns":0,"root_dispersion_ns":0,"refid":"+7f00001"}"#,
        r#"{"k":"srv","s":0,"leap":"none","stratum":1,"precision":-20,"root_delay_ns":0,"root_dispersion_ns":0,"refid":"7f000001","reftime":"eccc6f30"}"#,
        r#"{"k":"rej","s":0,"m":1,"why":"truncated","n":-1}"#,
        r#"{"k":"dist","m":1,"e":1,"t":"1.000000000","what":"step","by_ns":1}"#,
        r#"{"k":"dist","m":1,"e":1,"t":"1.0","what":"suspend","for_ns":1}"#,
        r#"{"k":"dist","m":1,"t":"1.000000000","what":"suspend","for_ns":1}"#,
        r#"{"k":"clk","m":1,"e":1,"t":"1.000000000"}"#,
        r#"{"k":"clk","m":1,"e":1,"t":"now","monotonic_ns":1}"#,
        r#"{"k":"clk","m":1,"e":1,"t":"1.000000000","monotonic_ns":1,"kernel":{"freq_ppb":1}}"#,
        r#"{"k":"clk","m":1,"e":1,"t":"1.000000000","monotonic_ns":1,"steal_ns":1,"processors":-1}"#,
    ];
    for line in bad {
        let replay = read_bytes(&with_lines(&[X0, line, X0, END])).unwrap();
        assert_eq!(replay.report.unreadable.count, 1, "{line}");
        assert_eq!(
            replay.report.unreadable.first.as_ref().unwrap().0,
            5,
            "{line}"
        );
        assert!(replay.report.unknown_kinds.is_empty(), "{line}");
        assert_eq!(replay.campaign.sources[0].samples.len(), 2, "{line}");
        assert_eq!(replay.campaign.sources.len(), 2, "{line}");
        assert!(replay.campaign.end.is_some(), "{line}");
    }
}

#[test]
fn what_a_newer_minor_version_adds_is_counted_by_name() {
    let replay = read_bytes(&with_lines(&[
        r#"{"k":"temp","celsius":41.5}"#,
        r#"{"celsius":42,"k":"temp"}"#,
        r#"{"k":"rej","s":0,"m":1,"why":"too_salty","n":1}"#,
        r#"{"k":"note","m":1,"note":"sunny","degrees":30}"#,
        r#"{"k":"lost","s":0,"m":1,"why":"eaten"}"#,
        r#"{"k":"dist","m":1,"e":1,"t":"1.000000000","what":"eclipse","for_ns":1}"#,
        r#"{"k":"clk","m":1,"e":1,"t":"1.000000000","monotonic_ns":1,"moon":"full"}"#,
        r#"{"k":"src","s":2,"source":"g","address":"","port":0,"kind":"sundial","timescale":"utc"}"#,
        r#"{"k":"x","s":2,"c":"BKK","t1":"1.000000000","u":1,"r":1,"l":1,"m":1}"#,
        r#"{"k":"src","s":3,"source":"h","address":"","port":0,"kind":"ntp","timescale":"utc","new":1}"#,
        r#"{"k":"x","s":3,"c":"BKK","t1":"1.000000000","u":1,"r":1,"l":1,"m":1,"new":1}"#,
        END,
    ]))
    .unwrap();
    let counted: Vec<_> = replay.report.unknown_kinds.iter().collect();
    let expected = [
        ("dist:eclipse", 1),
        ("lost:eaten", 1),
        ("note:sunny", 1),
        ("of an unknown source", 1),
        ("rej:too_salty", 1),
        ("src:sundial/utc", 1),
        ("temp", 2),
    ];
    assert_eq!(
        counted,
        expected
            .each_ref()
            .map(|(k, n)| (k.to_string(), *n))
            .each_ref()
            .map(|(k, n)| (k, n))
    );
    assert_eq!(replay.report.unreadable.count, 0);
    // The source after the unknown one keeps its own samples.
    let third = &replay.campaign.sources[2];
    assert_eq!((third.info.source.as_str(), third.samples.len()), ("h", 1));
}

#[test]
fn unknown_kinds_without_end_are_counted_within_bounds() {
    let lines: Vec<String> = (0..1000)
        .map(|n| format!(r#"{{"k":"{n}\u001b{}"}}"#, "y".repeat(1000)))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let report = read_bytes(&with_lines(&lines)).unwrap().report;
    assert_eq!(report.unknown_kinds.values().sum::<u64>(), 1000);
    assert!(report.unknown_kinds.len() <= 33);
    assert!(
        report
            .unknown_kinds
            .keys()
            .all(|k| k.len() <= 32 && !k.contains('\u{1b}'))
    );
}

#[test]
fn a_line_without_end_is_skipped_without_being_kept() {
    let long = format!(r#"{{"k":"{}"}}"#, "z".repeat(3 << 20));
    let report = read_bytes(&with_lines(&[X0, &long, X0, END]))
        .unwrap()
        .report;
    assert_eq!(report.unreadable.count, 1);
    assert_eq!(
        report.unreadable.first,
        Some((5, "longer than 1048576 bytes".into()))
    );
    assert_eq!(report.lines, 7);
}

#[test]
fn every_note_has_its_name_in_the_list() {
    let text = String::new;
    let all = [
        Note::Unresolved {
            source: text(),
            error: text(),
        },
        Note::SameAddress {
            source: text(),
            measured_as: text(),
        },
        Note::Polite,
        Note::StampsUnavailable { error: text() },
        Note::HardwareStamps {
            interface: text(),
            card: text(),
            clock: text(),
            setting: text(),
            was_set: true,
        },
        Note::NoHardwareStamps {
            interface: text(),
            reason: text(),
            asked: true,
        },
        Note::CardTrouble {
            card: text(),
            trouble: text(),
        },
        Note::CardRecovered { card: text() },
        Note::CardClockStepped {
            card: text(),
            by: TimeDelta::ZERO,
        },
        Note::CardNotRestored { error: text() },
        Note::Unreachable { error: text() },
        Note::Reachable,
        Note::GivenUp,
        Note::NewSocket { reason: text() },
        Note::Slowed {
            interval: TimeDelta::ZERO,
        },
        Note::Stopped {
            kiss: Rejection::KissDeny,
        },
        Note::DistantRoot,
        Note::NotInterleaved,
        Note::NoFloor { error: text() },
        Note::CrossCheckFailed { error: text() },
        Note::Audited(Audited {
            ttl: None,
            odd: Vec::new(),
            nts: Nts::NotAsked,
        }),
        Note::Imported {
            format: text(),
            meaning: text(),
        },
    ];
    let names = all.map(|note| {
        // A new note has to be added here and to NOTE_NAMES.
        match note {
            Note::Unresolved { .. }
            | Note::Audited(_)
            | Note::Imported { .. }
            | Note::SameAddress { .. }
            | Note::Polite
            | Note::StampsUnavailable { .. }
            | Note::HardwareStamps { .. }
            | Note::NoHardwareStamps { .. }
            | Note::CardTrouble { .. }
            | Note::CardRecovered { .. }
            | Note::CardClockStepped { .. }
            | Note::CardNotRestored { .. }
            | Note::Unreachable { .. }
            | Note::Reachable
            | Note::GivenUp
            | Note::NewSocket { .. }
            | Note::Slowed { .. }
            | Note::Stopped { .. }
            | Note::DistantRoot
            | Note::NotInterleaved
            | Note::NoFloor { .. }
            | Note::CrossCheckFailed { .. } => {}
        }
        serde_json::to_value(note).unwrap()["note"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    assert_eq!(names, NOTE_NAMES);
}

#[test]
fn what_is_not_a_recording_is_refused_by_what_it_is() {
    let refused = |bytes: &[u8]| read_bytes(bytes).unwrap_err().to_string();
    assert!(refused(b"").contains("is empty"));
    for (bytes, looks_like) in [
        (&b"\x1f\x8b\x08\0\0\0"[..], "unpack it with gzip -d"),
        (b"\x7fELF\x02\x01\0", "binary data"),
        (b"\xff\xff\xff\n\xff", "binary data"),
        (b"{\"schema\":1}\n", "JSON of another kind"),
        (b"[1,2]", "JSON of another kind"),
        (b"hello\nworld\n", "plain text"),
        (b"\n", "plain text"),
        (X0.as_bytes(), "a recording without its first line"),
    ] {
        let said = refused(bytes);
        assert!(said.contains(looks_like), "{bytes:?}: {said}");
        assert!(said.contains("measure -o"), "{said}");
    }
    let newer = refused(b"{\"clockfit_recording\":{\"major\":2,\"minor\":7},\"all\":\"new\"}\n");
    assert!(
        newer.contains("2.7") && newer.contains("update clockfit"),
        "{newer}"
    );
    let damaged = refused(b"{\"clockfit_recording\":{\"major\":1,\"minor\":0},\"tool\":3}\n");
    assert!(damaged.contains("damaged"), "{damaged}");
}

/// A file whose content can be looked at while it is being written.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_leave_within_a_second_of_event_time_or_at_a_tick() {
    let ms = |n: i64| 1_000_000_000 + n * 1_000_000;
    let file = Shared::default();
    let lines = || file.0.borrow().iter().filter(|&&b| b == b'\n').count();
    let mut writer = Writer::new(file.clone(), "memory", &header());
    assert_eq!(lines(), 1);
    writer.event(&Event::Source(ntp("192.0.2.1").into()));
    writer.event(&Event::Sample(SourceId(0), exchange_at(ms(100))));
    assert_eq!(lines(), 1);
    writer.event(&Event::Sample(SourceId(0), exchange_at(ms(600))));
    assert_eq!(lines(), 4);
    writer.event(&Event::Sample(SourceId(0), exchange_at(ms(700))));
    writer.tick(Monotonic::from_nanos(ms(900)));
    assert_eq!(lines(), 4);
    writer.tick(Monotonic::from_nanos(ms(1100)));
    assert_eq!(lines(), 5);
    // An end is written at once, and so is what is left when a run breaks off.
    writer.event(&Event::End(RunEnd {
        at: Monotonic::from_nanos(ms(1101)),
        interrupted: true,
    }));
    assert_eq!(lines(), 6);
    writer.event(&Event::Sample(SourceId(0), exchange_at(ms(1102))));
    drop(writer);
    assert_eq!(lines(), 7);
}

/// Takes so many bytes, a few at a time, then is full.
struct SmallDisk {
    taken: Vec<u8>,
    room: usize,
}

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(7).min(self.room - self.taken.len());
        if n == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.taken.extend_from_slice(&bytes[..n]);
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disk_that_fills_up_anywhere_keeps_the_whole_lines() {
    let events = [
        Event::Source(ntp("192.0.2.1").into()),
        Event::Sample(SourceId(0), exchange_at(1)),
        Event::Sample(SourceId(0), exchange_at(10_000_000_000)),
        Event::Sample(SourceId(0), exchange_at(20_000_000_000)),
    ];
    let whole = written(&events).0;
    for room in 0..whole.len() {
        let mut disk = SmallDisk {
            taken: Vec::new(),
            room,
        };
        let mut writer = Writer::new(&mut disk, "the disk", &header());
        for event in &events {
            writer.event(event);
        }
        writer.flush();
        let said = writer.failure().unwrap().to_string();
        assert!(said.contains("the disk ends early"), "{said}");
        drop(writer);
        assert_eq!(disk.taken, whole[..room]);

        // Where what was written can be shortened, no torn line stays.
        disk.taken.clear();
        let cut = |disk: &mut &mut SmallDisk, len| {
            disk.taken.truncate(usize::try_from(len).unwrap());
            Ok(())
        };
        let mut writer = Writer::start(&mut disk, Some(cut), "the disk".into(), &header());
        for event in &events {
            writer.event(event);
        }
        drop(writer);
        let lines_end = whole[..room].iter().rposition(|&b| b == b'\n');
        assert_eq!(disk.taken, whole[..lines_end.map_or(0, |n| n + 1)]);
    }
}

#[test]
fn a_full_device_is_told_by_name_and_stops_nothing() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let mut writer = Writer::create(full, true, &header()).unwrap();
    assert!(
        matches!(writer.failure(), Some(RecordingError::Write { name, error })
        if name == "/dev/full" && error.kind() == io::ErrorKind::StorageFull)
    );
    for n in 0..10_000 {
        writer.event(&Event::Sample(SourceId(0), exchange_at(n * 1_000_000_000)));
    }
    assert!(writer.failure().unwrap().to_string().contains("/dev/full"));
}

#[test]
fn a_file_is_replaced_only_by_force_and_nothing_but_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let create = |path: &Path, force| Writer::create(path, force, &header()).map(drop);
    create(&path, false).unwrap();
    let refused = create(&path, false).unwrap_err().to_string();
    assert!(
        refused.contains("run.jsonl exists") && refused.contains("--force"),
        "{refused}"
    );
    fs::write(&path, vec![b'x'; 100_000]).unwrap();
    create(&path, true).unwrap();
    assert!(read(&path).unwrap().report.is_whole());

    let refused = create(folder.path(), true).unwrap_err().to_string();
    assert!(refused.contains("a folder"), "{refused}");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("target"), &link).unwrap();
    for force in [false, true] {
        assert!(create(&link, force).is_err());
        assert!(!folder.path().join("target").exists());
    }
    fs::write(folder.path().join("target"), "precious").unwrap();
    let refused = create(&link, true).unwrap_err().to_string();
    assert!(refused.contains("a symbolic link"), "{refused}");
    assert_eq!(fs::read(folder.path().join("target")).unwrap(), b"precious");
    let refused = create(&folder.path().join("no/such"), true)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("cannot create"), "{refused}");
    let missing = read(&folder.path().join("none")).unwrap_err().to_string();
    assert!(missing.contains("cannot open"), "{missing}");
    let folder_read = read(folder.path()).unwrap_err().to_string();
    assert!(folder_read.contains("cannot read"), "{folder_read}");
}

#[test]
fn recordings_of_versions_that_did_not_look_at_the_machine_are_read() {
    let header = r#"{"clockfit_recording":{"major":1,"minor":0},"tool":"clockfit 0.1.0","run_id":"0",
        "started":"1.000000000","started_at":5,"arguments":[],"seed":"1","timeout_ns":1,
        "environment":{"host":"a","boot_id":null,"kernel":null,"clocksource":"tsc","virtualisation":"kvm",
        "time_daemons":[],"nics":[],"privileged":false}}"#;
    let old = parse_header(header.as_bytes()).unwrap().environment;
    assert_eq!(old.virtualisation.as_deref(), Some("kvm"));
    assert_eq!((old.clocksources, old.virtualisation_from), (None, None));
    assert_eq!(old.machine, Machine::default());
    let clock = br#"{"k":"clk","m":5,"e":1,"t":"1.000000000","monotonic_ns":7,"steal_ns":20000000,"processors":4}"#;
    let Line::Event(Event::Clock(old)) = parse_line(clock).unwrap() else {
        panic!("no reading");
    };
    assert_eq!((old.load, old.steal.unwrap().processors), (None, 4));
    // What a newer version adds to it is passed over; what is left out of it is absent.
    let clock = br#"{"k":"clk","m":5,"e":1,"t":"1.000000000","monotonic_ns":7,
        "load":{"busy_ns":1,"idle_ns":2,"guest_ns":3,"new_ns":4}}"#;
    let Line::Event(Event::Clock(newer)) = parse_line(clock).unwrap() else {
        panic!("no reading");
    };
    let load = newer.load.unwrap();
    assert_eq!(
        (load.guest.as_nanos(), load.waited, load.throttled),
        (3, None, None)
    );
}
