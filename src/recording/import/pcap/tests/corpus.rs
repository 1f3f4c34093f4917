//! Captures by tcpdump and dumpcap of chronyd (`scripts/testbed/captures`), against what tshark reads
//! in them.

use std::fs;
use std::path::PathBuf;

use super::super::place::Evidence;
use super::super::{CaptureReport, Unused};
use super::kit::import;
use crate::sample::{AT_ERROR_FLOOR, Campaign, Mode, Note, StampSource};
use crate::time::{Monotonic, TimeDelta};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/import/pcap")
}

fn read(name: &str) -> (Campaign, CaptureReport) {
    import(&fs::read(folder().join(name)).unwrap()).unwrap()
}

/// Every exchange as tshark and a script see it, with the stamps' error and the place in the note.
fn agrees(name: &str, error: i64, place: &str) -> Campaign {
    let (campaign, report) = read(name);
    let told = fs::read_to_string(folder().join(format!("{name}.exchanges"))).unwrap();
    let mut expected: Vec<&str> = told.lines().collect();
    let mut got = Vec::new();
    for source in &campaign.sources {
        for sample in source.samples.iter() {
            let x = sample.exchange;
            let mode = sample.mode.name();
            got.push(format!(
                "{} {mode} {} {} {} {}",
                source.info.address,
                x.t1.as_nanos(),
                x.upper.as_nanos(),
                x.residence.as_nanos(),
                x.lower.as_nanos()
            ));
            assert_eq!((x.tx, x.rx), (StampSource::Foreign, StampSource::Foreign));
            assert_eq!(sample.at, Monotonic::from_nanos(x.t1.as_nanos()));
            assert_eq!(sample.at_error, AT_ERROR_FLOOR);
            let beyond = x.error - TimeDelta::from_nanos(error);
            let residence = x.residence.max(TimeDelta::ZERO);
            let may_be_server = place.contains("server's host") || place.contains("unknown");
            let expected = if may_be_server {
                residence
            } else {
                TimeDelta::ZERO
            };
            assert_eq!(beyond, expected, "{name}");
        }
        // chronyd was stopped when it liked.
        assert!(source.lost_total() <= 1, "{name}: {:?}", source.incidents());
    }
    // The script tells the client, too, and goes by time alone.
    let mut expected: Vec<String> = expected
        .drain(..)
        .map(|line| line.split_once(' ').unwrap().1.to_owned())
        .collect();
    expected.sort();
    got.sort();
    assert_eq!(got, expected, "{name}");
    let [(None, _, Note::Imported { format, meaning })] = campaign.notes.as_slice() else {
        panic!("{:?}", campaign.notes);
    };
    assert!(name.ends_with(format), "{name} is {format}");
    assert!(meaning.contains(place), "{name}: {meaning}");
    assert!(report.is_whole(), "{report:?}");
    campaign
}

const ON_A_LINK: &str = "unknown place on a path without a router";

#[test]
fn others_read_the_same_exchanges() {
    agrees("basic.pcap", 1000, ON_A_LINK);
    agrees("interleaved.pcap", 1, ON_A_LINK);
    agrees("six.pcap", 1, ON_A_LINK);
    agrees("tagged.pcap", 1, ON_A_LINK);
    agrees("interleaved.pcapng", 1, ON_A_LINK);
    agrees("dumpcap.pcapng", 1, ON_A_LINK);
    agrees("any.pcap", 1, "on the client's host");
    agrees("any-sll.pcap", 1000, "on the client's host");
    agrees("server.pcap", 1, "on the server's host");
    agrees("server-link.pcap", 1, ON_A_LINK);
    agrees("snap-90.pcap", 1000, ON_A_LINK);
    let lab = agrees("port-11123.pcap", 1, ON_A_LINK);
    assert_eq!(lab.sources[0].info.port, 11123);
}

/// The servers of the bed keep the truth to a microsecond; all stamps are by one kernel.
#[test]
fn every_exchange_holds_the_truth() {
    let slack = TimeDelta::from_micros(1);
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".exchanges") {
            continue;
        }
        let (campaign, _) = read(name);
        for source in &campaign.sources {
            let is_ahead = source.info.address == "10.77.0.3";
            let truth = TimeDelta::from_millis(if is_ahead { 50 } else { 0 });
            for (sample, server) in source.samples_with_server() {
                let held = sample.exchange.interval(server.precision_error()).unwrap();
                assert!(held.widen(slack).contains(truth), "{name}: {held:?}");
            }
        }
    }
}

/// What the error of exchanges on the server is for: there chronyd's own stamp of a reply, which an
/// interleaved reply tells, is later than that of the capture.
#[test]
fn on_the_server_bare_stamps_exclude_the_truth() {
    let (campaign, _) = read("server.pcap");
    let mut excluded = 0;
    for (sample, server) in campaign.sources[0].samples_with_server() {
        let x = sample.exchange;
        let bare = TimeDelta::NANOSECOND + server.precision_error();
        if sample.mode == Mode::Interleaved && (x.lower - bare) > TimeDelta::ZERO {
            excluded += 1;
        }
    }
    assert!(excluded > 5, "{excluded}");
}

#[test]
fn other_traffic_is_no_matter() {
    let (campaign, report) = read("any.pcap");
    assert_eq!(campaign.sources.len(), 2);
    assert_eq!(
        report
            .unused
            .keys()
            .filter(|u| **u != Unused::Other)
            .count(),
        0
    );
    assert_eq!(report.describe(), Vec::<String>::new());
    assert_eq!(Evidence::default().describe().split(':').count(), 2);
}

#[test]
fn a_capture_that_ends_anywhere_keeps_what_came_before() {
    for name in ["interleaved.pcap", "dumpcap.pcapng"] {
        let whole = fs::read(folder().join(name)).unwrap();
        let (all, _) = read(name);
        let total = |c: &Campaign| c.sources.iter().map(|s| s.samples.len()).sum::<usize>();
        let mut most = 0;
        for end in (0..whole.len()).step_by(3).chain([whole.len()]) {
            let Ok((campaign, report)) = import(&whole[..end]) else {
                assert_eq!(most, 0, "{name} {end}");
                continue;
            };
            let now = total(&campaign);
            assert!(now >= most, "{name} {end}");
            most = now;
            for (part, full) in campaign.sources.iter().zip(&all.sources) {
                assert!(
                    part.samples
                        .iter()
                        .eq(full.samples.iter().take(part.samples.len()))
                );
            }
            assert_eq!(report.damage, None);
        }
        assert_eq!(most, total(&all));
    }
}
