//! Floors of known numbers, and what is held against them.

use super::super::{Assessment, Plan, Warning, WarningCode, analyse};
use super::*;
use crate::sample::{Event, Exchange, Mode, Sample, Sink, SourceInfo, Timescale};
use crate::stats::Inflation;
use crate::time::{Monotonic, Timestamp};

const MS: i64 = 1_000_000;

/// A source of some kind, and exchanges with these offsets, 30 ms apart.
fn add(campaign: &mut Campaign, kind: SourceKind, class: &str, offsets: &[i64]) -> SourceId {
    let id = SourceId(u32::try_from(campaign.sources.len()).unwrap());
    let info = SourceInfo {
        source: format!("source {}", id.0),
        address: "127.0.0.1".to_owned(),
        port: 123,
        kind,
        timescale: Timescale::Unknown,
        path: 0,
        local_clock: None,
    };
    campaign.event(&Event::Source(info.into()));
    go_on(campaign, id, class, offsets);
    id
}

fn go_on(campaign: &mut Campaign, id: SourceId, class: &str, offsets: &[i64]) {
    let class: Class = class.parse().unwrap();
    let before = campaign.sources[id.index()].samples.len();
    for (k, offset) in (i64::try_from(before).unwrap()..).zip(offsets) {
        let ns = TimeDelta::from_nanos;
        let exchange = Exchange {
            t1: Timestamp::from_nanos(k * 30 * MS),
            upper: ns(offset + 1_000),
            residence: ns(10),
            lower: ns(offset - 1_000),
            tx: class.tx,
            rx: class.rx,
            error: TimeDelta::NANOSECOND,
        };
        let sample = Sample {
            exchange,
            mode: class.mode,
            at: Monotonic::from_nanos(k * 30 * MS),
            at_error: ns(100),
        };
        campaign.event(&Event::Sample(id, sample));
    }
}

/// -1, -2, ... -n.
fn down_to(n: i64) -> Vec<i64> {
    (1..=n).map(|k| -k).collect()
}

fn assess(campaign: &Campaign) -> Assessment {
    analyse(campaign, &Plan::default())
}

fn failures(assessment: &Assessment) -> Vec<&str> {
    let all = assessment.warnings.iter();
    let of_floor = all.filter(|w| w.code == WarningCode::NoFloor);
    of_floor.map(|w| w.text.as_str()).collect()
}

/// A campaign with a floor of 100 in basic and of 1 in interleaved mode, both kernel.
fn with_floors() -> Campaign {
    let mut campaign = Campaign::default();
    add(&mut campaign, SourceKind::Embedded, "BKK", &down_to(100));
    let interleaved = add(&mut campaign, SourceKind::Embedded, "BKK", &[5_000, 5_000]);
    go_on(&mut campaign, interleaved, "IKK", &[1; 72]);
    campaign
}

/// It stands beside what was asked for, as a floor does, and is none.
#[test]
fn a_burst_is_no_floor() {
    let mut campaign = Campaign::default();
    add(&mut campaign, SourceKind::Ntp, "BKK", &down_to(100));
    add(&mut campaign, SourceKind::Burst, "BKK", &down_to(10));
    let assessment = assess(&campaign);
    assert!(assessment.floors.is_empty());
    assert_eq!(failures(&assessment), [""; 0]);
    assert_eq!(campaign.asked().count(), 1);
}

#[test]
fn the_floor_is_the_upper_end_of_the_interval_of_p95_in_each_mode() {
    let found = assess(&with_floors());
    let [basic, interleaved] = &found.floors[..] else {
        panic!("{:?}", found.floors)
    };
    // Ranks 90 and 100: of 100 values P(below the quantile) is 0.011 up to rank 89, 0.028 with 90.
    let known = QuantileEstimate::Known {
        value: 95,
        lower: 90,
        upper: 100,
        within: (95, 95),
        inflation: Inflation::NONE,
    };
    assert_eq!(
        (basic.level(), basic.limit()),
        (known, Some(TimeDelta::from_nanos(100)))
    );
    assert_eq!(basic.offset.p50.value(), Some(-51));
    assert_eq!(basic.spacing, Some(TimeDelta::from_millis(30)));
    // Its first answers were basic: they are of neither floor.
    assert_eq!(interleaved.class.mode, Mode::Interleaved);
    assert_eq!(interleaved.limit(), Some(TimeDelta::NANOSECOND));
    assert_eq!((basic.offset.n, interleaved.offset.n), (100, 72));
}

#[test]
fn a_median_smaller_than_the_floor_is_below_whatever_its_sign() {
    for (offset, expected) in [
        (0, Resolution::Below),
        (99, Resolution::Below),
        (-99, Resolution::Below),
        (100, Resolution::Above),
        (-100, Resolution::Above),
        (i64::MIN / 4, Resolution::Above),
    ] {
        let mut campaign = with_floors();
        add(&mut campaign, SourceKind::Ntp, "BKK", &[offset; 6]);
        let found = assess(&campaign).sources[2].floor.unwrap();
        assert_eq!((found.floor, found.applies), (0, true), "{offset}");
        assert_eq!(found.resolution, expected, "{offset}");
    }
}

#[test]
fn each_source_is_held_against_the_floor_of_its_own_mode_and_stamps() {
    let mut campaign = with_floors();
    for (class, n) in [("IKK", 6), ("IHH", 6), ("BUK", 6), ("BKK", 5)] {
        add(&mut campaign, SourceKind::Ntp, class, &vec![50; n]);
    }
    add(&mut campaign, SourceKind::Phc, "RKK", &[50; 6]);
    add(&mut campaign, SourceKind::Ntp, "BKK", &[]);
    let found = assess(&campaign);
    let floors: Vec<_> = found
        .sources
        .iter()
        .map(|s| s.floor.map(|f| (f.floor, f.applies, f.resolution)))
        .collect();
    let undetermined = Resolution::Undetermined;
    let expected = [
        None,
        None,
        Some((1, true, Resolution::Above)),
        Some((1, false, undetermined)),
        Some((0, false, undetermined)),
        // Five exchanges have no median.
        Some((0, true, undetermined)),
        None,
        None,
    ];
    assert_eq!(floors, expected);
}

#[test]
fn a_floor_of_too_few_exchanges_decides_nothing_and_says_what_it_takes() {
    let mut campaign = Campaign::default();
    add(&mut campaign, SourceKind::Embedded, "BKK", &down_to(71));
    add(&mut campaign, SourceKind::Ntp, "BKK", &[0; 6]);
    let found = assess(&campaign);
    assert_eq!(found.floors[0].limit(), None);
    let resolution = found.sources[1].floor.unwrap().resolution;
    assert_eq!(resolution, Resolution::Undetermined);
    let said = ["source 0 was not measured: it takes 72 exchanges, and there are 71"];
    assert_eq!(failures(&found), said);
}

#[test]
fn what_could_not_be_measured_of_the_floor_is_warned_of_and_nothing_else_about_it() {
    let mut campaign = Campaign::default();
    let silent = add(&mut campaign, SourceKind::Embedded, "BKK", &[]);
    let basic = add(&mut campaign, SourceKind::Embedded, "BKK", &down_to(80));
    add(&mut campaign, SourceKind::Ntp, "BKK", &[0; 400]);
    let now = Monotonic::default();
    for _ in 0..3 {
        campaign.event(&Event::Lost(silent, now, LossCause::Timeout));
    }
    campaign.event(&Event::Note(Some(basic), now, Note::NotInterleaved));
    let error = "no loopback".to_owned();
    campaign.event(&Event::Note(None, now, Note::NoFloor { error }));
    let found = assess(&campaign);
    assert_eq!(
        failures(&found),
        [
            "source 0 was not measured: no valid exchange out of 3 requests: no answer in time, \
             though it is on this host",
            "source 1 was not measured: this program's own server does not answer in interleaved \
             mode here",
            "the noise floor was not measured: no loopback",
        ]
    );
    let others = found
        .warnings
        .iter()
        .filter(|w| w.source != Some(SourceId(2)));
    let others: Vec<_> = others.filter(|w| w.code != WarningCode::NoFloor).collect();
    assert!(
        others.iter().all(|w| w.code == WarningCode::Truncated),
        "{others:?}"
    );
}

#[test]
fn an_interleaved_floor_that_got_no_further_than_its_first_exchanges_is_missed() {
    let mut campaign = Campaign::default();
    add(&mut campaign, SourceKind::Embedded, "BKK", &down_to(80));
    add(&mut campaign, SourceKind::Embedded, "BKK", &down_to(2));
    add(&mut campaign, SourceKind::Ntp, "IKK", &[0; 400]);
    let found = assess(&campaign);
    assert_eq!(found.sources[2].floor, None);
    let said =
        "source 1 was not measured: there are 2 exchanges in basic mode, and fewer in another";
    assert_eq!(failures(&found), [said]);
}

#[test]
fn alone_the_own_server_is_a_source_like_any() {
    let mut campaign = Campaign::default();
    add(&mut campaign, SourceKind::Embedded, "BKK", &down_to(20));
    let found = assess(&campaign);
    assert_eq!(failures(&found), [""; 0]);
    let few = |w: &Warning| w.code == WarningCode::FewSamples;
    assert!(found.warnings.iter().any(few));
    assert_eq!(campaign.asked().count(), 1);
    add(&mut campaign, SourceKind::Ntp, "BKK", &[0; 400]);
    assert!(!assess(&campaign).warnings.iter().any(few));
    let asked: Vec<_> = campaign.asked().map(|s| s.info.kind).collect();
    assert_eq!(asked, [SourceKind::Ntp]);
}

#[test]
fn two_sources_of_one_class_are_one_floor_of_the_longer() {
    let mut campaign = Campaign::default();
    for n in [80, 100, 90] {
        add(&mut campaign, SourceKind::Embedded, "BKK", &down_to(n));
    }
    let found = assess(&campaign);
    assert_eq!(found.floors.len(), 1);
    assert_eq!(found.floors[0].offset.n, 100);
    assert_eq!(spacing(&Samples::default()), None);
}
