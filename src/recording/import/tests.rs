//! What holds for all formats: they know their own files and nobody else's, and no input breaks them.

use proptest::prelude::*;

use super::*;
use crate::recording::{Reader, Writer};
use crate::sample::{Campaign, Exchange, Sample, SourceKind, Tee};
use crate::time::{Monotonic, Timestamp};

/// Files of each format, as programs write them.
const FILES: [(Format, &[u8]); 17] = {
    use Format::*;
    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/data/import/", $name))
        };
    }
    [
        (ChronyMeasurements, file!("chrony/measurements-2.4.log")),
        (ChronyMeasurements, file!("chrony/measurements-4.3.log")),
        (ChronyStatistics, file!("chrony/statistics-2.4.log")),
        (ChronyStatistics, file!("chrony/statistics-4.3.log")),
        (ChronyTracking, file!("chrony/tracking-2.1.log")),
        (
            ChronyTracking,
            file!("chrony/tracking-4.3-unsynchronised.log"),
        ),
        (ChronyTracking, file!("chrony/tracking-4.3-x.log")),
        (ChronyTracking, file!("chrony/tracking-4.5.log")),
        (NtpdRawstats, file!("ntpd/rawstats-4.2.6")),
        (NtpdRawstats, file!("ntpd/rawstats-4.2.8")),
        (NtpdRawstats, file!("ntpd/rawstats-ntpsec-1.2.2")),
        (NtpdPeerstats, file!("ntpd/peerstats-4.2.8")),
        (NtpdPeerstats, file!("ntpd/peerstats-ntpsec-1.2.2")),
        (NtpdLoopstats, file!("ntpd/loopstats-4.2.8")),
        (NtpdLoopstats, file!("ntpd/loopstats-ntpsec-1.2.2")),
        (RipeAtlas, file!("atlas/results.json")),
        (RipeAtlas, file!("atlas/results.jsonl")),
    ]
};

/// Reads a whole file of a known format.
pub(super) fn read(format: Format, bytes: &[u8]) -> Result<(Campaign, ReadReport), ImportError> {
    let importer = Importer::new(format, bytes, "file")?;
    let mut campaign = Campaign::new(importer.header().clone());
    let report = importer.read_into(&mut campaign)?;
    Ok((campaign, report))
}

/// Reads a file that is as it should be.
pub(super) fn read_whole(format: Format, bytes: &[u8]) -> Campaign {
    assert_eq!(Format::recognise(bytes), Some(format));
    let (campaign, report) = read(format, bytes).expect("it can be read");
    assert!(report.is_whole(), "{:?}", report.describe());
    campaign
}

/// All samples of one source.
pub(super) fn samples(campaign: &Campaign, source: usize) -> Vec<Sample> {
    campaign.sources[source].samples.iter().collect()
}

/// Whether the interval of an exchange holds an offset, in nanoseconds.
pub(super) fn holds(exchange: &Exchange, precision: TimeDelta, truth: i64) -> bool {
    let interval = exchange.interval(precision);
    interval.is_some_and(|i| i.contains(TimeDelta::from_nanos(truth)))
}

/// What the note of an import says.
pub(super) fn meaning(campaign: &Campaign) -> &str {
    match campaign.notes.last() {
        Some((None, _, Note::Imported { meaning, .. })) => meaning,
        other => panic!("no note: {other:?}"),
    }
}

#[test]
fn each_file_is_known_by_its_content() {
    for (index, (format, bytes)) in FILES.into_iter().enumerate() {
        assert_eq!(Format::recognise(bytes), Some(format), "file {index}");
        // With other line ends, after a mark, and with a first line that lost its start.
        let crlf = String::from_utf8(bytes.to_vec())
            .unwrap()
            .replace('\n', "\r\n");
        assert_eq!(
            Format::recognise(crlf.as_bytes()),
            Some(format),
            "file {index}"
        );
        let marked = [b"\xef\xbb\xbf", bytes].concat();
        assert_eq!(Format::recognise(&marked), Some(format), "file {index}");
        if format != Format::RipeAtlas {
            let cut = [b"1.000e-05 4B K K\n", bytes].concat();
            assert_eq!(Format::recognise(&cut), Some(format), "file {index}");
        }
        let claims = |other: &Format| {
            let importer = Importer::new(*other, bytes, "file");
            importer.is_ok() && *other != format
        };
        assert_eq!(Format::ALL.iter().find(|f| claims(f)), None, "file {index}");
    }
}

#[test]
fn other_files_are_nobodys() {
    let long = "1 ".repeat(RECOGNISED_BYTES);
    for other in [
        "",
        "\n\n\n",
        "hello\n",
        "{\"clockfit_recording\":{\"major\":1,\"minor\":0}}\n",
        "{\"k\":\"x\",\"s\":0}\n",
        "[{\"type\":\"ping\",\"result\":[]}]\n",
        "1.5\n2.5\n",
        // One line without its end: the rest of it may be anything.
        "61369 73293.135 0.000012362 0.000000 0.000000119 0.000000 3",
        "==========\n   Date (UTC) Time     Refid  DP L P  Raw offset   Cooked offset      Disp.\n",
        "61369 73238.345 10.77.0.2 93 226 00:08:29.606 D\n",
        "1 2 3 4 5 6 7\n",
        "1.5 2.5 3.5 4.5 5.5 6.5 7\n",
        "2026-11-25 20:20:37 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n",
        &long,
    ] {
        assert_eq!(Format::recognise(other.as_bytes()), None, "{other:.40}");
    }
    for magic in [
        b"\x1f\x8b\x08\0".as_slice(),
        b"\xd4\xc3\xb2\xa1",
        &[0xff; 1000],
    ] {
        assert_eq!(Format::recognise(magic), None);
    }
}

/// An import is a recording: written as one and read again it is the same campaign.
#[test]
fn imports_can_be_recorded() {
    for (format, bytes) in FILES {
        let importer = Importer::new(format, bytes, "file").unwrap();
        let header = importer.header().clone();
        assert_eq!(header.axis, Axis::LocalClock);
        assert_eq!(header.started.as_nanos(), header.started_at.as_nanos());
        let mut campaign = Campaign::new(header.clone());
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file, "memory", &header);
        let report = importer
            .read_into(&mut Tee(vec![&mut campaign, &mut writer]))
            .unwrap();
        assert!(
            report.is_whole() || format == Format::RipeAtlas,
            "{report:?}"
        );
        drop(writer);
        let reader = Reader::new(file.as_slice(), "memory").unwrap();
        let mut again = Campaign::new(reader.header().clone());
        assert!(reader.read_into(&mut again).unwrap().is_whole());
        assert_eq!(again, campaign);
        let end = campaign.end.expect("it has an end");
        let latest = campaign.notes.iter().map(|note| note.1).max();
        assert_eq!(Some(end.at), latest);
        let told = meaning(&campaign);
        assert!(told.contains("local clock") || told.contains("system's clock"));
        // A report shows 400 characters of a text, and counts may have more digits than here.
        assert!(
            told.ends_with('.') && told.len() <= 385,
            "{}: {told}",
            told.len()
        );
    }
}

/// Whoever steers the clock says so, and nothing is lost to the report.
#[test]
fn the_header_names_what_wrote_the_file() {
    for (format, bytes) in FILES {
        let campaign = read(format, bytes).unwrap().0;
        let daemons = &campaign.header.environment.time_daemons;
        match format {
            Format::RipeAtlas => assert!(daemons.is_empty()),
            _ => assert_eq!(*daemons, [&*campaign.header.tool]),
        }
        let daemon = matches!(format, Format::ChronyTracking | Format::NtpdLoopstats);
        for source in &campaign.sources {
            if daemon {
                assert_eq!(source.info.kind, SourceKind::Daemon);
            }
            assert_eq!(
                source.info.port == 0,
                source.info.kind == SourceKind::Daemon
            );
        }
    }
}

#[test]
fn damage_is_counted_and_named_and_the_rest_is_used() {
    let (_, bytes) = FILES[0];
    let long = "x".repeat(2 << 20);
    for (bad, said) in [
        (
            "caf\u{e9}",
            "column 1: expected a line of 16 or 20 columns, found \"caf\u{e9}\"",
        ),
        (&*long, "column 1: expected a line below 1 MiB"),
        (
            "\0\0\0\0",
            "column 1: expected a line of 16 or 20 columns, found \"\\0\\0\\0\\0\"",
        ),
    ] {
        let text = [bytes, bad.as_bytes(), b"\n", bad.as_bytes(), b"\n", bytes].concat();
        let (campaign, report) = read(Format::ChronyMeasurements, &text).unwrap();
        assert_eq!(samples(&campaign, 0).len(), 4);
        assert_eq!((report.unreadable.count, report.lines), (2, 16));
        let (line, reason) = report.unreadable.first.clone().unwrap();
        assert_eq!(line, 8);
        assert!(reason.starts_with(said), "{reason}");
        assert!(!report.torn_last_line);
    }
    // Latin-1, and the middle of a character.
    let text = [bytes, b"M\xfcnchen\n\xc3\n", bytes].concat();
    assert_eq!(
        read(Format::ChronyMeasurements, &text)
            .unwrap()
            .1
            .unreadable
            .count,
        2
    );
}

#[test]
fn a_torn_last_line_is_not_used_even_where_it_looks_whole() {
    for (format, bytes) in FILES {
        let (whole, report) = read(format, bytes).unwrap();
        // As if the last digit, or brace, had been lost.
        let (torn, torn_report) = match read(format, &bytes[..bytes.len() - 2]) {
            Ok(read) => read,
            // It was the only one.
            Err(ImportError::Nothing { .. }) => continue,
            Err(other) => panic!("{other}"),
        };
        if format != Format::RipeAtlas {
            assert!(torn_report.torn_last_line, "{format}");
        }
        assert_eq!(torn_report.unreadable, report.unreadable);
        let count = |c: &Campaign| -> usize { c.sources.iter().map(|s| s.samples.len()).sum() };
        assert!(count(&torn) <= count(&whole));
    }
}

#[test]
fn nothing_usable_is_an_error_that_helps() {
    let said = |format, bytes: &[u8]| read(format, bytes).unwrap_err().to_string();
    assert_eq!(
        said(Format::ChronyTracking, b"=====\n   Date (UTC) Time ...\n"),
        "file holds no measurement: it was taken for chrony tracking.log, and no line is one of it"
    );
    assert_eq!(
        said(
            Format::NtpdLoopstats,
            b"\n61369 73293.135 nan 0.000 0.0 0.0 3\n"
        ),
        "nothing in file can be read as ntpd loopstats; the first that cannot is at line 2, column 17: \
         expected an offset in seconds such as -0.001605376, found \"nan\"; give a whole file as the \
         program wrote it"
    );
    assert!(said(Format::RipeAtlas, b"").starts_with("file holds no measurement"));
}

/// A reader that fails after its first line.
struct Failing(bool);

impl std::io::Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let line = b"58849 86399.990 -0.000006019 13.778 0.000351733 0.013381 6\n";
        if std::mem::replace(&mut self.0, true) {
            return Err(std::io::Error::other("the disk is gone"));
        }
        out[..line.len()].copy_from_slice(line);
        Ok(line.len())
    }
}

#[test]
fn a_disk_that_fails_is_said() {
    let input = std::io::BufReader::new(Failing(true));
    let failed = Importer::new(Format::NtpdLoopstats, input, "loop").unwrap_err();
    assert_eq!(failed.to_string(), "cannot read loop: the disk is gone");
    let input = std::io::BufReader::new(Failing(false));
    let importer = Importer::new(Format::NtpdLoopstats, input, "loop").unwrap();
    assert_eq!(
        (importer.format(), importer.header().tool.as_str()),
        (Format::NtpdLoopstats, "ntpd")
    );
    let mut campaign = Campaign::new(importer.header().clone());
    let failed = importer.read_into(&mut campaign).unwrap_err();
    assert_eq!(failed.to_string(), "cannot read loop: the disk is gone");
    // What was read before stays.
    assert_eq!(samples(&campaign, 0).len(), 1);
}

#[test]
fn many_sources_each_get_their_own() {
    let line = |n: u32| {
        let [a, b, c, _] = n.to_be_bytes().map(u32::from).map(|x| x.to_string());
        format!(
            "58849 1.990 10.{b}.{c}.{} 961a 0.010 0.020 0.001 0.000{a}\n",
            n & 0xff
        )
    };
    let text: String = (0..100_000).map(line).collect();
    let campaign = read_whole(Format::NtpdPeerstats, text.as_bytes());
    assert_eq!(campaign.sources.len(), 100_000);
    assert!(campaign.sources.iter().all(|s| s.samples.len() == 1));
    assert_eq!(campaign.sources[99_999].info.address, "10.1.134.159");
}

#[test]
fn refusals_are_those_of_the_sampler() {
    let info = |stratum, leap, id: &[u8; 4], distance| ServerInfo {
        leap,
        stratum,
        precision: -20,
        root_delay: TimeDelta::ZERO,
        root_dispersion: TimeDelta::from_secs(distance),
        reference_id: crate::sample::ReferenceId(*id),
        reference_time: None,
    };
    let (ok, alarm) = (Leap::None, Leap::Unsynchronised);
    for (server, why) in [
        (info(1, ok, b"GPS\0", 15), None),
        (info(1, ok, b"GPS\0", 16), Some(Rejection::RootDistance)),
        (info(0, alarm, b"RATE", 0), Some(Rejection::KissRate)),
        (info(0, alarm, b"DENY", 0), Some(Rejection::KissDeny)),
        (info(0, ok, b"RSTR", 0), Some(Rejection::KissRestrict)),
        (info(0, alarm, b"INIT", 0), Some(Rejection::KissOther)),
        (info(16, ok, b"RATE", 0), Some(Rejection::Unsynchronised)),
        (info(2, alarm, b"RATE", 0), Some(Rejection::Unsynchronised)),
    ] {
        assert_eq!(refused(&server), why, "{server:?}");
    }
}

/// Bytes that resemble a file: pieces of real ones, put together at random.
fn mangled() -> impl Strategy<Value = Vec<u8>> {
    let piece =
        (0..FILES.len(), any::<prop::sample::Index>(), 0usize..400).prop_map(|(n, at, len)| {
            let bytes = FILES[n].1;
            let at = at.index(bytes.len());
            bytes[at..bytes.len().min(at + len)].to_vec()
        });
    let numbers = prop::sample::select(vec![
        "nan",
        "-inf",
        "1e999999999",
        "-0",
        "9".repeat(40).leak(),
        " ",
        "\n",
        "\r\n",
        "\t",
        "{",
        "}",
        "\"",
    ]);
    let other = prop_oneof![
        numbers.prop_map(|text| text.as_bytes().to_vec()),
        any::<Vec<u8>>()
    ];
    prop::collection::vec(prop_oneof![3 => piece, 1 => other], 0..8).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_input_breaks_a_format(bytes in mangled(), format in prop::sample::select(Format::ALL.to_vec())) {
        let _ = Format::recognise(&bytes);
        if let Ok((campaign, _)) = read(format, &bytes) {
            let samples: usize = campaign.sources.iter().map(|s| s.samples.len()).sum();
            prop_assert!(campaign.sources.len() + campaign.notes.len() + samples <= bytes.len() + 1);
            for sample in campaign.sources.iter().flat_map(|s| s.samples.iter()) {
                prop_assert!(sample.at_error >= crate::sample::AT_ERROR_FLOOR);
                prop_assert!(sample.exchange.error > TimeDelta::ZERO);
                prop_assert!(sample.exchange.upper >= sample.exchange.lower || sample.mode.proves());
            }
        }
    }
}

#[test]
fn instants_of_the_local_clock_are_its_own() {
    let at = Timestamp::from_nanos(-5);
    assert_eq!(on_local_clock(at), Monotonic::from_nanos(-5));
}
