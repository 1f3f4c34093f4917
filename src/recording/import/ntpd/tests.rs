use super::super::Format;
use super::super::tests::{holds, meaning, read, read_whole, samples};
use crate::sample::{
    AT_ERROR_FLOOR, Leap, Mode, ReferenceId, Rejection, ServerInfo, SourceKind, StampSource,
};
use crate::time::{Monotonic, TimeDelta, Timestamp};

fn ns(nanos: i64) -> TimeDelta {
    TimeDelta::from_nanos(nanos)
}

/// The server is 12.345679 ms ahead, the way out takes 10.000001 ms and the way back 13.000003 ms.
#[test]
fn stamps_of_old_logs_are_exact() {
    let log = include_bytes!("../../../../tests/data/import/ntpd/rawstats-4.2.6");
    let campaign = read_whole(Format::NtpdRawstats, log);
    let sample = samples(&campaign, 0)[0];
    let x = sample.exchange;
    // 3502227600.099274996 s after 1900.
    assert_eq!(x.t1, Timestamp::from_nanos(1_293_238_800_099_274_996));
    assert_eq!(
        (x.upper, x.residence, x.lower),
        (ns(22_345_680), ns(25_000), ns(-654_324))
    );
    assert_eq!(
        (x.tx, x.rx, sample.mode),
        (StampSource::Foreign, StampSource::Foreign, Mode::Basic)
    );
    assert_eq!(x.error, ns(1_001));
    assert_eq!(
        (sample.at, sample.at_error),
        (Monotonic::from_nanos(x.t1.as_nanos()), AT_ERROR_FLOOR)
    );
    for source in 0..2 {
        for sample in samples(&campaign, source) {
            assert!(holds(&sample.exchange, TimeDelta::ZERO, 12_345_679));
            assert!(!holds(&sample.exchange, TimeDelta::ZERO, 112_345_679));
        }
    }
    assert_eq!(campaign.sources[1].info.address, "2001:db8::1");
    // These logs do not tell what the server says of itself, and nothing is made up.
    assert_eq!(campaign.sources[0].server(), None);
}

#[test]
fn logs_of_4_2_8_tell_of_the_server_and_of_replies_that_are_no_samples() {
    let log = include_bytes!("../../../../tests/data/import/ntpd/rawstats-4.2.8");
    let campaign = read_whole(Format::NtpdRawstats, log);
    let expected = ServerInfo {
        leap: Leap::None,
        stratum: 2,
        precision: -23,
        // And half of the last digit.
        root_delay: ns(1_068_500),
        root_dispersion: ns(12_756_500),
        reference_id: ReferenceId([192, 0, 2, 99]),
        reference_time: None,
    };
    assert_eq!(campaign.sources[0].server(), Some(&expected));
    // The second has extension fields behind its columns.
    let all = samples(&campaign, 0);
    assert_eq!(all.len(), 2);
    assert!(
        all.iter()
            .all(|s| holds(&s.exchange, expected.precision_error(), 12_345_679))
    );
    let rejected: Vec<_> = campaign.sources[1..]
        .iter()
        .map(|s| {
            s.incidents()
                .rejected
                .iter()
                .map(|(r, n)| (*r, *n))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        rejected,
        [
            vec![(Rejection::KissRate, 1)],
            vec![(Rejection::Unsynchronised, 1)],
            vec![(Rejection::RootDistance, 1)],
            vec![(Rejection::WrongMode, 1)],
            vec![
                (Rejection::ZeroStamp, 1),
                (Rejection::StampsReversed, 1),
                (Rejection::NegativeDelay, 1)
            ],
        ]
    );
    assert!(campaign.sources[1..].iter().all(|s| s.samples.is_empty()));
}

/// Written by NTPsec 1.2.2 with `disable ntp`, against servers of known truth over a pair of veth.
#[test]
fn real_rawstats_hold_their_truth() {
    let log = include_bytes!("../../../../tests/data/import/ntpd/rawstats-ntpsec-1.2.2");
    let campaign = read_whole(Format::NtpdRawstats, log);
    let mut exchanges = 0;
    for (source, truth) in campaign.sources.iter().zip([0, 50_000_000]) {
        for sample in &source.samples {
            assert!(holds(&sample.exchange, ns(1_000), truth), "{sample:?}");
            assert!(sample.exchange.delay() < ns(1_000_000));
            exchanges += 1;
        }
    }
    assert!(exchanges > 35, "{exchanges}");
    let info = campaign.sources[1].server().unwrap();
    assert_eq!((info.stratum, info.precision), (1, -25));
    assert_eq!(info.reference_id, ReferenceId(*b"OFFS"));
}

/// By hand: 10.845678 ms and a delay of 23.000004 ms; dispersion 1.958276 ms.
#[test]
fn peerstats_are_exchanges_that_ntpd_picked() {
    let log = include_bytes!("../../../../tests/data/import/ntpd/peerstats-4.2.8");
    let campaign = read_whole(Format::NtpdPeerstats, log);
    let sample = samples(&campaign, 0)[0];
    let x = sample.exchange;
    assert_eq!((x.upper, x.lower), (ns(22_345_680), ns(-654_324)));
    // Half a nanosecond, a quarter, twice the dispersion, and twice half of its last digit.
    assert_eq!(x.error, ns(3_916_554));
    assert_eq!(x.t1, Timestamp::from_nanos(1_577_923_199_990_000_000));
    assert_eq!((x.tx, sample.mode), (StampSource::Foreign, Mode::Basic));
    // 3.9 ms at 15 ppm are 261 s.
    assert_eq!(sample.at_error.as_nanos() / 1_000_000_000, 261);
    let clock = &campaign.sources[1];
    assert_eq!((clock.info.kind, clock.info.port), (SourceKind::Daemon, 0));
    let reading = samples(&campaign, 1)[0];
    assert_eq!(
        (reading.mode, reading.exchange.offset()),
        (Mode::Estimate, ns(-1_605))
    );
    let behind = samples(&campaign, 2)[0].exchange;
    assert_eq!(
        (behind.upper, behind.lower),
        (ns(-1_375_000_000), ns(-1_625_000_000))
    );
    assert!(meaning(&campaign).contains("slow ones are missing"));

    let real = include_bytes!("../../../../tests/data/import/ntpd/peerstats-ntpsec-1.2.2");
    let campaign = read_whole(Format::NtpdPeerstats, real);
    let names: Vec<_> = campaign
        .sources
        .iter()
        .map(|s| (&*s.info.address, s.info.kind))
        .collect();
    let ntp = SourceKind::Ntp;
    let expected = [
        ("10.77.0.2", ntp),
        ("10.77.0.3", ntp),
        ("LOCAL(0)", SourceKind::Daemon),
    ];
    assert_eq!(names, expected);
    for (source, truth) in [(0, 0), (1, 50_000_000)] {
        let all = samples(&campaign, source);
        assert!(all.len() > 15);
        assert!(
            all.iter()
                .all(|s| holds(&s.exchange, TimeDelta::ZERO, truth))
        );
    }
}

#[test]
fn loopstats_are_estimates_of_the_daemon() {
    let log = include_bytes!("../../../../tests/data/import/ntpd/loopstats-4.2.8");
    let campaign = read_whole(Format::NtpdLoopstats, log);
    let source = &campaign.sources[0];
    assert_eq!(
        (source.info.kind, &*source.info.address),
        (SourceKind::Daemon, "ntpd")
    );
    let offsets: Vec<_> = source.samples.iter().map(|s| s.exchange.offset()).collect();
    assert_eq!(offsets, [ns(-6_019), ns(250_000_000)]);
    let sample = samples(&campaign, 0)[0];
    assert_eq!(
        (sample.mode, sample.exchange.error),
        (Mode::Estimate, ns(1))
    );
    assert_eq!(sample.at_error, TimeDelta::from_millis(1));
    let real = include_bytes!("../../../../tests/data/import/ntpd/loopstats-ntpsec-1.2.2");
    assert_eq!(
        samples(&read_whole(Format::NtpdLoopstats, real), 0).len(),
        1
    );
}

/// ntpd's own counting of days and its stamps both begin anew in 2036.
#[test]
fn the_turn_of_the_era_is_crossed() {
    let text = "64730 23295.900 192.0.2.1 - 4294967295.800000000 4294967295.950000000 4294967295.960000000 \
                4294967295.890000000\n\
                15020 0.100 192.0.2.1 - 4294967295.990000000 0.140000000 0.150000000 0.080000000\n";
    let campaign = read_whole(Format::NtpdRawstats, text.as_bytes());
    let all = samples(&campaign, 0);
    let t1: Vec<_> = all.iter().map(|s| s.exchange.t1.as_nanos()).collect();
    assert_eq!(t1, [2_085_978_495_800_000_000, 2_085_978_495_990_000_000]);
    for sample in all {
        let x = sample.exchange;
        assert_eq!((x.upper, x.lower), (ns(150_000_000), ns(70_000_000)));
    }
}

#[test]
fn each_column_is_checked() {
    let raw = "58850 63.991 192.0.2.1 198.51.100.7 3786912063.973275000 3786912063.994620679 \
               3786912063.994645679 3786912063.990300000 0 4 4 2 6 -23 0.001068 0.012756 192.0.2.99";
    let peer = "58849 86399.990 192.0.2.1 961a 0.010845678 0.023000004 0.001958276 0.000123456";
    let looped = "58849 86399.990 -0.000006019 13.778 0.000351733 0.013381 6";
    let (raws, peers, loops) = (
        Format::NtpdRawstats,
        Format::NtpdPeerstats,
        Format::NtpdLoopstats,
    );
    for (format, line, at, bad) in [
        (raws, raw, 0, "58850.5"),
        (raws, raw, 0, "-1"),
        (raws, raw, 0, "99999999999999999999"),
        (raws, raw, 1, "86402.000"),
        (raws, raw, 1, "nan"),
        (raws, raw, 2, "caf\u{e9}"),
        (raws, raw, 4, "3786912063.97327500"),
        (raws, raw, 4, "-0.973275000"),
        (raws, raw, 4, "4294967296.000000000"),
        (raws, raw, 5, "inf"),
        (raws, raw, 6, "3786912063"),
        (raws, raw, 7, "3786912063.9903000001"),
        (raws, raw, 8, "x"),
        (raws, raw, 10, "server"),
        (raws, raw, 11, "256"),
        (raws, raw, 13, "-129"),
        (raws, raw, 14, "1e300"),
        (raws, raw, 15, "-0.012756"),
        (raws, raw, 16, "a b c d e"),
        (peers, peer, 3, "g"),
        (peers, peer, 3, "+961a"),
        (peers, peer, 4, "nan"),
        (peers, peer, 5, "-inf"),
        (peers, peer, 6, "1e11"),
        (peers, peer, 6, "-.937520771"),
        (peers, peer, 7, "x"),
        (loops, looped, 2, "--1"),
        (loops, looped, 2, "1e10"),
        (loops, looped, 3, "nan"),
        (loops, looped, 6, "6.5"),
    ] {
        let mut columns: Vec<&str> = line.split(' ').collect();
        columns[at] = bad;
        let text = format!("{}\n{line}\n", columns.join(" "));
        let (campaign, report) = read(format, text.as_bytes()).unwrap();
        assert_eq!(report.unreadable.count, 1, "{format} {at} {bad}");
        assert_eq!(campaign.sources[0].samples.len(), 1, "{format} {at} {bad}");
    }
    // A delay below zero is no damage but a finding.
    let text = "58849 86399.990 192.0.2.1 961a 0.010845678 -0.000000001 0.001958276 0.000123456\n";
    let campaign = read_whole(peers, text.as_bytes());
    assert_eq!(
        campaign.sources[0]
            .incidents()
            .rejected
            .get(&Rejection::NegativeDelay),
        Some(&1)
    );
    // Seven columns, as xntpd wrote them.
    let text = "49235 11.632 128.4.2.7 f414 -0.000041 0.21910 0.00084\n";
    let sample = samples(&read_whole(peers, text.as_bytes()), 0)[0];
    assert_eq!(
        (sample.exchange.upper, sample.exchange.lower),
        (ns(109_509_000), ns(-109_591_000))
    );
    assert!(samples(&read_whole(loops, format!("{looped}\n").as_bytes()), 0).len() == 1);
}
