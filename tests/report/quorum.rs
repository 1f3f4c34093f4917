//! What is said of sets of hosts: `docs/quorum.schema.json` is what the types say, real output obeys it, and
//! `docs/quorum.md` speaks of every field and word.

use clockfit::estimate::{Plan, analyse};
use clockfit::fitness::{Catalogue, Common, Member, Peer, Question, quorum};
use clockfit::report::text::{Style, write_quorum};
use clockfit::report::{Named, QuorumReport, Report, json, markdown};
use clockfit::sample::{
    Campaign, Environment, Event, Exchange, Leap, Mode, ReferenceId, ReferenceTime, RunEnd,
    RunHeader, Sample, ServerInfo, Sink, SourceId, SourceInfo, SourceKind, StampSource, Timescale,
};
use clockfit::time::{Monotonic, TimeDelta, Timestamp};
use serde_json::Value;

use super::schema;

const SEC: i64 = 1_000_000_000;
const MS: i64 = 1_000_000;
const START: i64 = 1_763_832_000 * SEC;

/// A host that is behind these servers by so many milliseconds, for so many seconds.
fn host(name: &str, servers: &[(&str, i64)], seconds: i64) -> Campaign {
    let mut campaign = Campaign::new(RunHeader {
        tool: "clockfit 0.1.0".to_owned(),
        run_id: format!("run of {name}"),
        started: Timestamp::from_nanos(START),
        started_at: Monotonic::from_nanos(5 * SEC),
        timeout: TimeDelta::from_secs(1),
        environment: Environment {
            host: Some(name.to_owned()),
            boot_id: Some("5b0e6a3c".to_owned()).filter(|_| name.ends_with('2')),
            ..Environment::default()
        },
        ..RunHeader::default()
    });
    for (s, (address, behind)) in (0..).zip(servers) {
        campaign.event(&Event::Source(
            SourceInfo {
                source: (*address).to_owned(),
                address: (*address).to_owned(),
                port: 123,
                kind: SourceKind::Ntp,
                timescale: Timescale::Utc,
                path: 0,
                local_clock: None,
            }
            .into(),
        ));
        let info = ServerInfo {
            leap: Leap::None,
            stratum: 1,
            precision: -25,
            root_delay: TimeDelta::ZERO,
            root_dispersion: TimeDelta::from_micros(100),
            reference_id: ReferenceId(*b"PPS\0"),
            reference_time: None,
        };
        campaign.event(&Event::Server(SourceId(s), info));
        for k in 0..seconds {
            let ns = TimeDelta::from_nanos;
            let at = k * SEC + i64::from(s) * 1_000;
            let sample = Sample {
                exchange: Exchange {
                    t1: Timestamp::from_nanos(START + at),
                    upper: ns(behind * MS + 50_000),
                    residence: ns(10_000),
                    lower: ns(behind * MS - 50_000),
                    tx: StampSource::Kernel,
                    rx: StampSource::Kernel,
                    error: ns(10),
                },
                mode: Mode::Basic,
                at: Monotonic::from_nanos(5 * SEC + at),
                at_error: ns(100),
            };
            campaign.event(&Event::Sample(SourceId(s), sample));
        }
    }
    campaign.event(&Event::End(RunEnd {
        at: Monotonic::from_nanos(5 * SEC + seconds * SEC),
        interrupted: false,
    }));
    campaign
}

/// Of these hosts.
fn judged(hosts: &[Campaign], common: &[&str], peers: &[Peer], services: &[&str]) -> QuorumReport {
    let plan = Plan {
        series_step: TimeDelta::from_secs(1),
        ..Plan::default()
    };
    let members: Vec<Member> = hosts
        .iter()
        .map(|host| Member::of(host, &analyse(host, &plan)).unwrap())
        .collect();
    let catalogue = Catalogue::builtin();
    let names: Vec<String> = services.iter().map(ToString::to_string).collect();
    let question = Question::new(&catalogue, &names, None).unwrap();
    let commons: Vec<Common> = common
        .iter()
        .map(|name| Common {
            names: vec![(*name).to_owned()],
        })
        .collect();
    let found = quorum(&members, &commons, peers, &question).unwrap();
    let files: Vec<String> = (0..hosts.len()).map(|n| format!("{n}.jsonl")).collect();
    let named = Named {
        members: &members,
        files: &files,
        commons: &commons,
        peers,
    };
    QuorumReport::new("clockfit 0.1.0", named, &catalogue, &found)
}

const ONE: &str = "192.0.2.1";

fn three() -> Vec<Campaign> {
    [0, 10, 60]
        .iter()
        .enumerate()
        .map(|(n, behind)| host(&format!("node{}", n + 1), &[(ONE, *behind)], 62))
        .collect()
}

/// Seven by claims alone, one of which asks two servers that contradict each other.
fn seven() -> Vec<Campaign> {
    let mut hosts: Vec<Campaign> = (0..6)
        .map(|n| host(&format!("mon-{n}.example.com"), &[(ONE, n * 3)], 62))
        .collect();
    hosts.push(host(
        "mon-6.example.com",
        &[(ONE, 0), ("192.0.2.2", 80)],
        62,
    ));
    hosts
}

fn torn() -> QuorumReport {
    let two = "192.0.2.2";
    let hosts = [
        host("node1", &[(ONE, 0), (two, 0)], 40),
        host("node2", &[(ONE, 0), (two, 30)], 40),
    ];
    judged(&hosts, &[ONE, two], &[], &["etcd"])
}

/// Two of three that asked one server by two addresses, and one address behind which there are two servers.
fn known_by_answers() -> QuorumReport {
    let corrected = |mut host: Campaign, times: [u64; 2]| {
        for (source, time) in host.sources.iter_mut().zip(times) {
            for (_, server) in &mut source.servers {
                server.reference_time = ReferenceTime::telling(time << 32 | 0x1234_5678);
            }
        }
        host
    };
    let anycast = "203.0.113.1";
    let hosts = [
        corrected(host("node1", &[(ONE, 0), (anycast, 0)], 62), [1, 2]),
        corrected(
            host("node2", &[("192.0.2.2", 10), (anycast, 10)], 62),
            [1, 3],
        ),
        host("node3", &[(ONE, 10)], 62),
    ];
    judged(&hosts, &[anycast], &[], &["ceph-mon"])
}

fn all() -> Vec<QuorumReport> {
    let asks_node1 = host("node2", &[("10.0.0.1", 10)], 62);
    let peers = [Peer {
        member: "node1".to_owned(),
        source: "10.0.0.1".to_owned(),
    }];
    vec![
        judged(
            &three(),
            &[ONE],
            &[],
            &["ceph-mon", "cassandra", "zookeeper"],
        ),
        judged(&three(), &[ONE], &[], &[]),
        judged(&seven(), &[], &[], &["ceph", "keystone"]),
        judged(
            &[host("node1", &[(ONE, 0)], 62), asks_node1],
            &[],
            &peers,
            &["ceph-mon"],
        ),
        torn(),
        known_by_answers(),
    ]
}

fn text(report: &QuorumReport) -> String {
    let mut out = Vec::new();
    write_quorum(report, Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn marked(report: &QuorumReport) -> String {
    let mut out = Vec::new();
    markdown::write_quorum(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn rendered(report: &QuorumReport) -> String {
    let mut out = Vec::new();
    json::write_quorum(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    schema::is_published("quorum.schema.json", json::write_quorum_schema);
}

#[test]
fn real_output_obeys_the_published_schema() {
    for report in all() {
        schema::obeys("quorum.schema.json", &report, &rendered(&report));
    }
}

fn codes(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("code").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|inner| codes(inner, found));
        }
        Value::Array(many) => many.iter().for_each(|inner| codes(inner, found)),
        _ => {}
    }
}

#[test]
fn every_field_and_code_is_documented() {
    schema::is_documented("quorum.schema.json", "quorum.md", 45);
    let said = schema::page("quorum.md");
    let value: Vec<Value> = all()
        .iter()
        .map(|report| serde_json::from_str(&rendered(report)).unwrap())
        .collect();
    let mut found = Vec::new();
    value.iter().for_each(|value| codes(value, &mut found));
    found.sort();
    found.dedup();
    assert!(found.len() >= 8, "{found:?}");
    for code in found {
        assert!(said.contains(&format!("`{code}`")), "{code}");
    }
}

#[test]
fn an_outlier_is_named() {
    let report = judged(
        &three(),
        &[ONE],
        &[],
        &["ceph-mon", "cassandra", "zookeeper"],
    );
    insta::assert_snapshot!("quorum_outlier", text(&report));
    insta::assert_snapshot!("quorum_outlier_markdown", marked(&report));
}

#[test]
fn all_services_in_a_table() {
    insta::assert_snapshot!("quorum_all", text(&judged(&three(), &[ONE], &[], &[])));
}

#[test]
fn many_members_are_told_by_their_worst_pairs() {
    let report = judged(&seven(), &[], &[], &["ceph-mon", "keystone-jws"]);
    insta::assert_snapshot!("quorum_seven", text(&report));
}

#[test]
fn contradictions_come_first() {
    insta::assert_snapshot!("quorum_torn", text(&torn()));
}

#[test]
fn what_answers_show_and_what_they_do_not_is_told() {
    insta::assert_snapshot!("quorum_known", text(&known_by_answers()));
}

#[test]
fn pages_fit_a_terminal() {
    for report in all() {
        for line in text(&report).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn hostile_names_are_text_everywhere() {
    let evil = "<img src=x>|\u{1b}[2J\u{202e}`@all`";
    let hosts = [host(evil, &[(ONE, 0)], 62), host("b", &[(ONE, 0)], 62)];
    let report = judged(&hosts, &[ONE], &[], &["ceph-mon"]);
    for shown in [text(&report), marked(&report), rendered(&report)] {
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
    }
    let marked = marked(&report);
    assert!(
        !marked.contains("<img") && !marked.contains(" @all"),
        "{marked}"
    );
    let rows = marked.lines().filter(|line| line.starts_with('|'));
    for row in rows {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 5, "{row}");
    }
}

/// A report of a run says no more than its recording, and nothing else.
#[test]
fn a_report_is_held_against_others_as_its_recording_is() {
    let by_recording = judged(&three(), &[ONE], &[], &["ceph-mon"]);
    let plan = Plan {
        series_step: TimeDelta::from_secs(1),
        ..Plan::default()
    };
    let hosts = three();
    let members: Vec<Member> = hosts
        .iter()
        .map(|host| Report::new(host, &analyse(host, &plan)).member().unwrap())
        .collect();
    let catalogue = Catalogue::builtin();
    let question = Question::new(&catalogue, &["ceph-mon".to_owned()], None).unwrap();
    let commons = [Common {
        names: vec![ONE.to_owned()],
    }];
    let found = quorum(&members, &commons, &[], &question).unwrap();
    for (skew, pair) in found.pairs.iter().zip(&by_recording.pairs) {
        let ahead = skew.ahead.unwrap();
        assert_eq!(
            Some((ahead.lower().as_nanos(), ahead.upper().as_nanos())),
            pair.ahead_ns
        );
    }
}

#[test]
fn one_two_and_sixteen_threads_write_the_same_bytes() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| rendered(&judged(&seven(), &[], &[], &["ceph"])))
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(16));
}
