use super::super::Format;
use super::super::tests::{holds, meaning, read, read_whole, samples};
use crate::sample::{Leap, Mode, ReferenceId, Rejection, ServerInfo, SourceKind, StampSource};
use crate::time::{Monotonic, TimeDelta, Timestamp};

fn ns(nanos: i64) -> TimeDelta {
    TimeDelta::from_nanos(nanos)
}

const MEASUREMENTS: &[u8] =
    include_bytes!("../../../../tests/data/import/chrony/measurements-4.3.log");
const OLD: &[u8] = include_bytes!("../../../../tests/data/import/chrony/measurements-2.4.log");

/// One line of version 4, with other values in some places.
fn line(changes: &[(usize, &str)]) -> Vec<u8> {
    let usual = "2026-11-25 20:21:28 10.77.0.3 N 1 111 111 1111 0 0 0.00 5.000e-02 8.562e-06 1.764e-07 \
                 1.526e-05 1.526e-05 4F464653 4B K K";
    let mut columns: Vec<&str> = usual.split(' ').collect();
    for (at, text) in changes {
        columns[*at] = text;
    }
    format!("{}\n", columns.join(" ")).into_bytes()
}

fn one(changes: &[(usize, &str)]) -> crate::sample::Sample {
    let campaign = read_whole(Format::ChronyMeasurements, &line(changes));
    samples(&campaign, 0)[0]
}

/// By hand, from `... 5.000e-02  8.562e-06  1.764e-07  1.526e-05  1.526e-05 4F464653 4B K K`.
#[test]
fn a_line_of_version_4_is_an_exchange() {
    let campaign = read_whole(Format::ChronyMeasurements, &line(&[]));
    let source = &campaign.sources[0];
    assert_eq!(
        (&*source.info.address, source.info.port),
        ("10.77.0.3", 123)
    );
    assert_eq!(source.info.kind, SourceKind::Ntp);
    let sample = samples(&campaign, 0)[0];
    let x = sample.exchange;
    // 2026-11-25T20:21:28Z.
    assert_eq!(x.t1, Timestamp::from_nanos(1_795_638_088_000_000_000));
    assert_eq!(sample.at, Monotonic::from_nanos(1_795_638_088_000_000_000));
    // A second, and half of the delay.
    assert_eq!(sample.at_error, ns(1_000_004_281));
    assert_eq!((x.upper, x.lower), (ns(50_004_281), ns(49_995_719)));
    assert_eq!(x.residence, TimeDelta::ZERO);
    assert_eq!(x.error, ns(5_177));
    assert_eq!(
        (x.tx, x.rx, sample.mode),
        (StampSource::Kernel, StampSource::Kernel, Mode::Basic)
    );
    let expected = ServerInfo {
        leap: Leap::None,
        stratum: 1,
        precision: -30,
        root_delay: ns(15_265),
        root_dispersion: ns(15_265),
        reference_id: ReferenceId(*b"OFFS"),
        reference_time: None,
    };
    assert_eq!(source.server(), Some(&expected));
    assert_eq!(campaign.header.started, x.t1);
    assert_eq!(campaign.header.tool, "chronyd");
}

/// Measured by chronyd 4.3 -x against servers of known truth, with `noselect`, over a pair of veth.
#[test]
fn real_measurements_hold_their_truth() {
    let campaign = read_whole(Format::ChronyMeasurements, MEASUREMENTS);
    let mut exchanges = 0;
    for source in &campaign.sources {
        let truth = match &*source.info.address {
            // .2 and .5 are the client's own clock, .3 is 50 ms ahead.
            "10.77.0.2" | "10.77.0.5" => 0,
            "10.77.0.3" => 50_000_000,
            _ => continue,
        };
        for sample in &source.samples {
            // .3 is held at its offset to a microsecond.
            let off = ns(1_000);
            assert!(holds(&sample.exchange, off, truth), "{sample:?}");
            assert!(!holds(&sample.exchange, off, truth + 1_000_000));
            assert_eq!(sample.exchange.tx, StampSource::Kernel);
            exchanges += 1;
        }
    }
    assert!(exchanges > 80, "{exchanges}");
    let interleaved = |s: &crate::sample::Sample| s.mode == Mode::Interleaved;
    let count = campaign
        .sources
        .iter()
        .flat_map(|s| s.samples.iter())
        .filter(interleaved)
        .count();
    assert!(count > 25, "{count}");
}

#[test]
fn real_refusals_have_the_names_of_ours() {
    let campaign = read_whole(Format::ChronyMeasurements, MEASUREMENTS);
    let rejected = |address: &str| {
        let source = campaign
            .sources
            .iter()
            .find(|s| s.info.address == address)
            .unwrap();
        source
            .incidents()
            .rejected
            .clone()
            .into_iter()
            .collect::<Vec<_>>()
    };
    // chronyd without a source of its own: stratum 0, no reference id.
    assert_eq!(rejected("10.77.0.6"), [(Rejection::KissOther, 33)]);
    assert_eq!(rejected("10.77.0.7"), [(Rejection::KissRate, 1)]);
    // The first interleaved reply after a basic one completes no exchange of its own.
    assert_eq!(rejected("10.77.0.2"), [(Rejection::WrongExchange, 1)]);
    // .5 is asked with a limit of the delay that it mostly fails: 17 exchanges, and none is left out.
    let source = campaign
        .sources
        .iter()
        .find(|s| s.info.address == "10.77.0.5")
        .unwrap();
    assert_eq!(source.samples.len(), 17);
    assert!(meaning(&campaign).contains("of them (tests A to D)"));
}

#[test]
fn the_first_test_that_failed_names_the_packet() {
    for (changes, why) in [
        (&[(5, "011")][..], Rejection::Duplicate),
        (&[(5, "101")], Rejection::BogusOrigin),
        (&[(5, "110")], Rejection::ZeroStamp),
        (&[(5, "000"), (6, "000")], Rejection::Duplicate),
        (&[(6, "011")], Rejection::BadExtension),
        (&[(6, "101"), (3, "?")], Rejection::Unsynchronised),
        (
            &[(6, "101"), (4, "0"), (16, "52415445")],
            Rejection::KissRate,
        ),
        (
            &[(6, "101"), (4, "0"), (16, "44454E59")],
            Rejection::KissDeny,
        ),
        (&[(6, "110")], Rejection::RootDistance),
        (&[(7, "0111"), (17, "4I")], Rejection::WrongExchange),
        (&[(12, "-8.562e-06")], Rejection::NegativeDelay),
    ] {
        let campaign = read_whole(Format::ChronyMeasurements, &line(changes));
        let rejected: Vec<_> = campaign.sources[0].incidents().rejected.keys().collect();
        assert_eq!(rejected, [&why], "{changes:?}");
        assert!(campaign.sources[0].samples.is_empty());
        assert_eq!(campaign.sources[0].server(), None);
    }
}

#[test]
fn limits_that_chronyd_was_given_take_nothing_away() {
    for own in ["0111", "1011", "1101", "1110", "0000"] {
        let campaign = read_whole(Format::ChronyMeasurements, &line(&[(7, own)]));
        assert_eq!(campaign.sources[0].samples.len(), 1, "{own}");
        assert!(
            meaning(&campaign).contains("did not use 1 of them"),
            "{own}"
        );
    }
    let campaign = read_whole(Format::ChronyMeasurements, &line(&[]));
    assert!(!meaning(&campaign).contains("did not use"));
}

#[test]
fn letters_say_who_stamped_and_how_it_was_asked() {
    for (letter, source) in [
        ("D", StampSource::User),
        ("K", StampSource::Kernel),
        ("H", StampSource::Hardware),
        ("X", StampSource::Foreign),
    ] {
        let sample = one(&[(18, letter), (19, "H")]);
        assert_eq!(
            (sample.exchange.tx, sample.exchange.rx),
            (source, StampSource::Hardware)
        );
    }
    assert_eq!(one(&[(17, "4I")]).mode, Mode::Interleaved);
    // Peers, and interleaved exchanges whose stamps may be of two polls, take up to a poll interval.
    for (mode, poll, seconds) in [
        ("4B", "10", 1),
        ("4I", "6", 65),
        ("1B", "3", 9),
        ("2I", "0", 2),
        ("1B", "-7", 2),
        ("1B", "127", 16_777_217),
    ] {
        let at_error = one(&[(8, poll), (17, mode)]).at_error;
        assert_eq!(
            at_error.as_nanos() / 1_000_000_000,
            seconds,
            "{mode} {poll}"
        );
    }
}

/// By hand, from -4.966e-03, 2.296e-01 and 1.577e-05.
#[test]
fn logs_before_3_0_have_fewer_columns() {
    let campaign = read_whole(Format::ChronyMeasurements, OLD);
    let addresses: Vec<_> = campaign.sources.iter().map(|s| &*s.info.address).collect();
    assert_eq!(addresses, ["192.0.2.15", "2001:db8::123", "192.0.2.16"]);
    let [first, slow] = samples(&campaign, 0)[..] else {
        panic!()
    };
    let x = first.exchange;
    assert_eq!((x.upper, x.lower), (ns(109_834_000), ns(-119_766_000)));
    // 0.5 us + 25 us + 15.77 us + 5 ns.
    assert_eq!(x.error, ns(41_275));
    assert_eq!(
        (x.tx, x.rx, first.mode),
        (StampSource::Foreign, StampSource::Foreign, Mode::Basic)
    );
    assert_eq!(x.t1, Timestamp::from_nanos(1_478_670_050_000_000_000));
    // Slower than chronyd likes, and as true.
    assert_eq!(slow.exchange.delay(), ns(281_500_000));
    let leap = campaign.sources[1]
        .server()
        .map(|s| (s.leap, s.reference_id));
    assert_eq!(leap, Some((Leap::Insert, ReferenceId([0; 4]))));
    let rejected = &campaign.sources[2].incidents().rejected;
    assert_eq!(rejected.get(&Rejection::Unsynchronised), Some(&1));
}

#[test]
fn each_column_is_checked() {
    for (at, bad) in [
        (0, "2026-13-25"),
        (0, "25.11.2026"),
        (1, "20:21"),
        (2, "b\u{fc}ro"),
        (3, "NN"),
        (4, "256"),
        (4, "-1"),
        (5, "11"),
        (5, "121"),
        (6, "11111"),
        (7, "111"),
        (8, "six"),
        (11, "nan"),
        (11, "-inf"),
        (11, "1e30"),
        (11, "1.0e+10"),
        (12, "8,562e-06"),
        (13, ""),
        (13, "-1.764e-07"),
        (14, "-1.526e-05"),
        (14, "1e20"),
        (15, "0x1"),
        (16, "GPS"),
        (16, "1FFFFFFFF"),
        (17, "4"),
        (17, "BB"),
        (18, "KK"),
        (19, "\u{b5}"),
    ] {
        let text = [line(&[(at, bad)]), line(&[])].concat();
        let (campaign, report) = read(Format::ChronyMeasurements, &text).unwrap();
        assert_eq!(report.unreadable.count, 1, "{at} {bad}");
        assert_eq!(campaign.sources.len(), 1);
        assert_eq!(campaign.sources[0].samples.len(), 1);
    }
}

/// By hand: est. offset -3.247e-03 is that the local clock is slow by 3.247 ms.
#[test]
fn statistics_have_the_other_sign() {
    let old = include_bytes!("../../../../tests/data/import/chrony/statistics-2.4.log");
    let campaign = read_whole(Format::ChronyStatistics, old);
    let sample = samples(&campaign, 0)[0];
    let x = sample.exchange;
    assert_eq!(
        (x.upper, x.lower, x.delay()),
        (ns(3_247_000), ns(3_247_000), TimeDelta::ZERO)
    );
    // Half of 1 us.
    assert_eq!(
        (x.error, sample.at_error),
        (ns(500), TimeDelta::from_secs(1))
    );
    assert_eq!((sample.mode, sample.mode.proves()), (Mode::Estimate, false));
    assert_eq!(campaign.sources[0].info.kind, SourceKind::Ntp);
    let clock = &campaign.sources[1].info;
    assert_eq!(
        (&*clock.address, clock.port, clock.kind),
        ("PPS2", 0, SourceKind::Daemon)
    );
    assert_eq!(samples(&campaign, 1)[0].exchange.upper, ns(-25));

    let real = include_bytes!("../../../../tests/data/import/chrony/statistics-4.3.log");
    let campaign = read_whole(Format::ChronyStatistics, real);
    let mut seen = 0;
    for sample in samples_of(&campaign, "10.77.0.3") {
        // Four digits of 50 ms are ten microseconds; chronyd sees itself late by some more.
        assert!((sample.exchange.offset() - ns(50_000_000)).abs() <= ns(15_000));
        seen += 1;
    }
    assert!(seen > 5, "{seen}");
    for sample in samples_of(&campaign, "10.77.0.2") {
        assert!(sample.exchange.offset().abs() <= ns(10_000));
    }
}

fn samples_of(campaign: &crate::sample::Campaign, address: &str) -> Vec<crate::sample::Sample> {
    let place = campaign
        .sources
        .iter()
        .position(|s| s.info.address == address);
    samples(campaign, place.unwrap())
}

/// By hand, from `-8.621e-06` and `-2.084e-07`: chronyd's clock is slow by 8.621 us, and the system's fast
/// of chronyd's by 0.2084 us.
#[test]
fn tracking_is_about_the_system_s_clock() {
    let log = include_bytes!("../../../../tests/data/import/chrony/tracking-4.5.log");
    let campaign = read_whole(Format::ChronyTracking, log);
    let source = &campaign.sources[0];
    assert_eq!(
        (source.info.kind, &*source.info.address),
        (SourceKind::Daemon, "chronyd")
    );
    let all = samples(&campaign, 0);
    // 8621 - 208.4, to nearest.
    assert_eq!(all[0].exchange.offset(), ns(8_413));
    // 0.5 ns for each of the two numbers, which are at least a nanosecond.
    assert_eq!(
        (all[0].exchange.error, all[0].mode),
        (ns(2), Mode::Estimate)
    );
    assert_eq!(all[1].exchange.offset(), ns(-15));
    let info: Vec<_> = source.servers.iter().map(|(_, info)| *info).collect();
    let expected = ServerInfo {
        leap: Leap::None,
        stratum: 2,
        precision: -30,
        // 15.34 ms and 347.2 us, and half of their last digits.
        root_delay: ns(15_345_000),
        root_dispersion: ns(347_250),
        reference_id: ReferenceId([192, 0, 2, 15]),
        reference_time: None,
    };
    assert_eq!(info[0], expected);
    assert_eq!(
        (info[1].leap, info[1].reference_id),
        (Leap::Insert, ReferenceId(*b"PPS\0"))
    );
    assert_eq!(info[2].reference_id, ReferenceId([0; 4]));

    let old = include_bytes!("../../../../tests/data/import/chrony/tracking-2.1.log");
    let campaign = read_whole(Format::ChronyTracking, old);
    // -1046 us - 467.0 us.
    assert_eq!(samples(&campaign, 0)[0].exchange.offset(), ns(-1_513_000));
    assert_eq!(campaign.sources[0].server(), None);
}

/// chronyd -x follows the server that is 50 ms ahead and steers nothing: what it has still to correct is
/// what the system's clock is wrong by.
#[test]
fn real_tracking_holds_its_truth() {
    let log = include_bytes!("../../../../tests/data/import/chrony/tracking-4.3-x.log");
    let campaign = read_whole(Format::ChronyTracking, log);
    let all = samples(&campaign, 0);
    assert!(all.len() > 30);
    for sample in &all {
        let off = (sample.exchange.offset() - ns(50_000_000)).abs();
        assert!(off <= sample.exchange.error + ns(5_000), "{sample:?}");
    }
    // The line before there was a source.
    let rejected = &campaign.sources[0].incidents().rejected;
    assert_eq!(rejected.get(&Rejection::Unsynchronised), Some(&1));
}
