//! What is said of sets of hosts whose truth is known.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::*;
use crate::estimate::{Plan, analyse};
use crate::sample::{
    Campaign, ClockReading, Environment, Event, Exchange, Leap, Mode, Reading, ReferenceId,
    ReferenceTime, RunEnd, RunHeader, Sample, ServerInfo, Sink, SourceId, SourceInfo, SourceKind,
    StampSource, Timescale,
};
use crate::time::{Monotonic, TimeDelta, Timestamp};

const SEC: i64 = 1_000_000_000;
const US: i64 = 1_000;
const MS: i64 = 1_000_000;
const START: i64 = 1_763_832_000 * SEC;

/// A clock minus true time, at a true time since the start, in nanoseconds.
type Wrong = fn(i64) -> i64;

/// A server.
#[derive(Clone, Copy)]
struct Server {
    address: &'static str,
    wrong: Wrong,
    /// What it claims to be off by at most; it does not claim to know UTC where there is none.
    claim: Option<i64>,
    /// One way to it, at least.
    away: i64,
    /// When it says, at a true time since the start, that its clock was last corrected.
    corrected: fn(i64) -> Option<u64>,
}

const RIGHT: Server = Server {
    address: "192.0.2.1",
    wrong: |_| 0,
    claim: Some(200 * US),
    away: 50 * US,
    corrected: |_| None,
};

/// Whom a host asks.
#[derive(Clone, Copy)]
enum Asked {
    Server(Server),
    /// Another host, by the way its clock is wrong.
    Host(&'static str, Wrong),
}

/// A host.
#[derive(Clone)]
struct Host {
    name: &'static str,
    wrong: Wrong,
    asks: Vec<Asked>,
    /// When it begins and how long it takes, in seconds.
    during: (i64, i64),
    counter_ppb: i64,
    watched: bool,
    boot: Option<&'static str>,
}

impl Host {
    fn new(name: &'static str, wrong: Wrong, asks: &[Asked]) -> Self {
        Self {
            name,
            wrong,
            asks: asks.to_vec(),
            during: (0, 62),
            counter_ppb: 0,
            watched: true,
            boot: None,
        }
    }

    fn campaign(&self, seed: u64) -> Campaign {
        let mut random = StdRng::seed_from_u64(seed);
        let (begun, seconds) = self.during;
        let begun = begun * SEC;
        let count = |t: i64| {
            let rate = i128::from(t) * i128::from(self.counter_ppb) / i128::from(SEC);
            Monotonic::from_nanos(7 * SEC + t + i64::try_from(rate).unwrap())
        };
        let local = |t: i64| Timestamp::from_nanos(START + t + (self.wrong)(t));
        let mut campaign = Campaign::new(RunHeader {
            run_id: format!("run-{}", self.name),
            started: local(begun),
            started_at: count(begun),
            timeout: TimeDelta::from_secs(1),
            environment: Environment {
                host: Some(self.name.to_owned()),
                boot_id: self.boot.map(str::to_owned),
                ..Environment::default()
            },
            ..RunHeader::default()
        });
        for asked in &self.asks {
            let address = match asked {
                Asked::Server(server) => server.address,
                Asked::Host(address, _) => address,
            };
            let info = SourceInfo {
                source: address.to_owned(),
                address: address.to_owned(),
                port: 123,
                kind: SourceKind::Ntp,
                timescale: Timescale::Utc,
                path: 0,
                local_clock: None,
            };
            campaign.event(&Event::Source(info.into()));
        }
        let info = |asked: &Asked, t: i64| {
            let (claim, corrected) = match asked {
                Asked::Server(server) => (server.claim, (server.corrected)(t)),
                Asked::Host(..) => (None, None),
            };
            ServerInfo {
                leap: claim.map_or(Leap::Unsynchronised, |_| Leap::None),
                stratum: if claim.is_some() { 2 } else { 16 },
                precision: -29,
                root_delay: TimeDelta::ZERO,
                root_dispersion: TimeDelta::from_nanos(claim.unwrap_or(0)),
                reference_id: ReferenceId::default(),
                reference_time: corrected.and_then(ReferenceTime::telling),
            }
        };
        let mut said: Vec<Option<ServerInfo>> = vec![None; self.asks.len()];
        for k in 0..seconds {
            for (n, asked) in (0..).zip(&self.asks) {
                let (wrong, away) = match asked {
                    Asked::Server(server) => (server.wrong, server.away),
                    Asked::Host(_, wrong) => (*wrong, 50 * US),
                };
                let t = begun + k * SEC + random.random_range(0..SEC / 2);
                let now = info(asked, t + away);
                let before = &mut said[n as usize];
                if before.replace(now) != Some(now) {
                    campaign.event(&Event::Server(SourceId(n), now));
                }
                let mut way = || away + random.random_range(0..200 * US);
                let (out, back) = (way(), way());
                let served = |t: i64| Timestamp::from_nanos(START + t + wrong(t));
                let (t1, t2) = (local(t), served(t + out));
                let t3 = served(t + out + 10 * US);
                let t4 = local(t + out + 10 * US + back);
                let sample = Sample {
                    exchange: Exchange {
                        t1,
                        upper: t2.since(t1),
                        residence: t3.since(t2),
                        lower: t3.since(t4),
                        tx: StampSource::Kernel,
                        rx: StampSource::Kernel,
                        error: TimeDelta::NANOSECOND,
                    },
                    mode: Mode::Basic,
                    at: count(t),
                    at_error: TimeDelta::from_nanos(100),
                };
                campaign.event(&Event::Sample(SourceId(n), sample));
            }
            if self.watched {
                let clocks = Reading {
                    wall: local(begun + k * SEC),
                    counter: count(begun + k * SEC),
                    error: TimeDelta::from_nanos(100),
                };
                campaign.event(&Event::Clock(Box::new(ClockReading {
                    clocks,
                    ..ClockReading::default()
                })));
            }
        }
        campaign.event(&Event::End(RunEnd {
            at: count(begun + seconds * SEC),
            interrupted: false,
        }));
        campaign
    }

    fn member(&self, seed: u64) -> Member {
        let campaign = self.campaign(seed);
        let plan = Plan {
            series_step: TimeDelta::from_secs(1),
            ..Plan::default()
        };
        Member::of(&campaign, &analyse(&campaign, &plan)).unwrap()
    }
}

fn members(hosts: &[Host], seed: u64) -> Vec<Member> {
    let numbered = (0..).zip(hosts);
    numbered
        .map(|(n, host)| host.member(seed * 1_000 + n))
        .collect()
}

fn common(names: &[&str]) -> Common {
    Common {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn peer(member: &str, source: &str) -> Peer {
    Peer {
        member: member.to_owned(),
        source: source.to_owned(),
    }
}

fn judged(
    hosts: &[Host],
    (commons, peers): (&[Common], &[Peer]),
    services: &[&str],
) -> Result<Quorum, Refused> {
    let catalogue = Catalogue::builtin();
    let names: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
    let question = Question::new(&catalogue, &names, None).unwrap();
    quorum(&members(hosts, 1), commons, peers, &question)
}

fn pair(found: &Quorum, a: usize, b: usize) -> &Skew {
    &found.pairs[b * (b - 1) / 2 + a]
}

/// Whether what is proven of each pair holds the truth, at all instants of the run.
fn holds(found: &Quorum, hosts: &[Host]) {
    for (b, second) in hosts.iter().enumerate() {
        for (a, first) in hosts[..b].iter().enumerate() {
            let skew = pair(found, a, b);
            let Some(ahead) = skew.ahead else { continue };
            let begun = first.during.0.max(second.during.0) + 1;
            let ended = (first.during.0 + first.during.1).min(second.during.0 + second.during.1);
            let at = (begun * 10..(ended - 1) * 10).map(|t| t * SEC / 10);
            let truth: Vec<i64> = at.map(|t| (first.wrong)(t) - (second.wrong)(t)).collect();
            let (least, most) = (truth.iter().min().unwrap(), truth.iter().max().unwrap());
            // A round trip, and what servers claim.
            let slack = TimeDelta::from_nanos(800 * US);
            assert!(ahead.lower().as_nanos() <= *most, "{a} {b}");
            assert!(*least <= ahead.upper().as_nanos(), "{a} {b}");
            if most - least < MS {
                // A truth that hardly moves must be in it, not only near.
                assert!(
                    ahead.contains(TimeDelta::from_nanos(least.midpoint(*most))),
                    "{a} {b}: {ahead:?}"
                );
                assert!(ahead.width() < TimeDelta::from_nanos(most - least) + slack + slack);
            }
        }
    }
}

fn three(asks: impl Fn(usize) -> Vec<Asked>) -> Vec<Host> {
    vec![
        Host::new("node1", |_| 0, &asks(0)),
        Host::new("node2", |_| 10 * MS, &asks(1)),
        Host::new("node3", |_| 60 * MS, &asks(2)),
    ]
}

#[test]
fn a_server_in_common_proves_pairs_whatever_it_is_off_itself() {
    let astray = Server {
        wrong: |_| 3_600 * SEC,
        claim: None,
        ..RIGHT
    };
    let hosts = three(|_| vec![Asked::Server(astray)]);
    let named = [common(&["192.0.2.1"])];
    let found = judged(&hosts, (&named, &[]), &["ceph-mon", "etcd-peer-probe"]).unwrap();
    holds(&found, &hosts);
    assert!(
        found
            .pairs
            .iter()
            .all(|of| of.basis == Some(Basis::Measured))
    );
    assert_eq!((found.verdict, found.majority), (Verdict::Unfit, 2));
    assert_eq!(found.worst, Some((0, 2)));
    let [ceph, etcd] = found.services.as_slice() else {
        panic!("{:?}", found.services)
    };
    let check = &ceph.checks[0];
    assert_eq!(
        (check.keep.as_slice(), check.outliers.as_slice()),
        (&[0, 1][..], &[2][..])
    );
    assert_eq!(check.keep_at_most, 2);
    assert_eq!(check.pairs[0], 1);
    assert_eq!(etcd.outcome, Outcome::Judged(Verdict::Fit));
    assert_eq!(etcd.checks[0].keep, [0, 1, 2]);
}

#[test]
fn an_address_in_common_proves_nothing_by_itself() {
    // Each host reaches another server under one address, and all claim to be right.
    let hosts = three(|n| {
        let wrong: [Wrong; 3] = [|_| 0, |_| 10 * MS, |_| 60 * MS];
        vec![Asked::Server(Server {
            wrong: wrong[n],
            claim: None,
            ..RIGHT
        })]
    });
    let found = judged(&hosts, (&[], &[]), &["ceph-mon"]);
    assert_eq!(found, Err(Refused::NothingInCommon("node1".to_owned())));
}

#[test]
fn claims_of_utc_join_what_nothing_else_does() {
    let hosts = three(|_| vec![Asked::Server(RIGHT)]);
    let found = judged(&hosts, (&[], &[]), &["ceph-mon"]).unwrap();
    holds(&found, &hosts);
    assert!(
        found
            .pairs
            .iter()
            .all(|of| of.basis == Some(Basis::Claimed))
    );
    assert_eq!(found.reasons, [SetReason::Claimed(3)]);
    // What both servers may be off is in it, once for each host.
    let width = pair(&found, 0, 1).ahead.unwrap().width().as_nanos();
    assert!((800 * US..1_500 * US).contains(&width), "{width}");
}

#[test]
fn hosts_that_measure_each_other_need_no_server() {
    let wrong: [Wrong; 3] = [|_| 0, |_| 10 * MS, |_| 60 * MS];
    let hosts = vec![
        Host::new("node1", wrong[0], &[Asked::Host("10.0.0.2", wrong[1])]),
        Host::new("node2", wrong[1], &[Asked::Host("10.0.0.3", wrong[2])]),
        Host::new("node3", wrong[2], &[Asked::Host("10.0.0.2", wrong[1])]),
    ];
    let peers = [peer("node2", "10.0.0.2"), peer("node3", "10.0.0.3")];
    let found = judged(&hosts, (&[], &peers), &["ceph-mon"]).unwrap();
    holds(&found, &hosts);
    let width = |a, b| pair(&found, a, b).ahead.unwrap().width();
    assert!(
        width(0, 2) > width(0, 1),
        "a way over another leaves more open"
    );
    // A pair that measured each other both ways is known better than one that did not.
    assert!(width(1, 2) <= width(0, 1));
}

#[test]
fn two_servers_in_common_are_tighter_than_either() {
    let near = Server {
        address: "192.0.2.2",
        away: 5 * US,
        wrong: |_| -3 * MS,
        ..RIGHT
    };
    let hosts = three(|_| vec![Asked::Server(RIGHT), Asked::Server(near)]);
    let one = judged(&hosts, (&[common(&["192.0.2.1"])], &[]), &["etcd"]).unwrap();
    let both = [common(&["192.0.2.1"]), common(&["192.0.2.2"])];
    let two = judged(&hosts, (&both, &[]), &["etcd"]).unwrap();
    holds(&two, &hosts);
    let width = |of: &Quorum| pair(of, 0, 2).ahead.unwrap().width();
    assert!(width(&two) < width(&one));
    assert!(two.contradictions.is_empty());
}

#[test]
fn evidence_that_cannot_all_be_true_is_named_and_decides_nothing() {
    // Under the second address node3 reaches another server, 40 ms off.
    let hosts = three(|n| {
        let wrong: Wrong = if n == 2 { |_| 40 * MS } else { |_| 0 };
        let second = Server {
            address: "192.0.2.2",
            wrong,
            ..RIGHT
        };
        vec![Asked::Server(RIGHT), Asked::Server(second)]
    });
    let both = [common(&["192.0.2.1"]), common(&["192.0.2.2"])];
    let found = judged(&hosts, (&both, &[]), &["etcd"]).unwrap();
    let [contradiction] = found.contradictions.as_slice() else {
        panic!("{:?}", found.contradictions)
    };
    let mut named = contradiction.clocks.clone();
    named.sort();
    assert_eq!(named, ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(contradiction.instants, found.instants);
    assert_eq!(contradiction.members, [0, 1, 2]);
    assert_eq!(found.verdict, Verdict::Undetermined);
    assert!(found.pairs.iter().all(|pair| pair.ahead.is_none()));
}

#[test]
fn without_a_majority_nobody_is_the_outlier() {
    let hosts = three(|_| vec![Asked::Server(RIGHT)]);
    let named = [common(&["192.0.2.1"])];
    let found = judged(&hosts[1..], (&named, &[]), &["ceph-mon"]).unwrap();
    assert_eq!(found.majority, 2);
    let check = &found.services[0].checks[0];
    // 50 ms apart, which is the limit: known to some hundred microseconds.
    assert_eq!(check.verdict, Verdict::Undetermined);
    let apart = vec![hosts[0].clone(), hosts[2].clone()];
    let found = judged(&apart, (&named, &[]), &["ceph-mon"]).unwrap();
    let check = &found.services[0].checks[0];
    assert_eq!(check.verdict, Verdict::Unfit);
    assert_eq!((check.keep.len(), check.outliers.len()), (0, 0));
    assert_eq!(check.doubtful, [0, 1]);
}

#[test]
fn bounds_hold_the_truth_of_clocks_that_drift_and_of_counters_that_do() {
    let wrongs: [Wrong; 3] = [
        |t| t / 100_000,
        |t| 5 * MS - t / 80_000,
        |t| -2 * MS + t / 1_000_000,
    ];
    for seed in 0..20 {
        let mut hosts = Vec::new();
        for (n, wrong) in wrongs.into_iter().enumerate() {
            let asks = [
                Asked::Server(RIGHT),
                Asked::Server(Server {
                    address: "192.0.2.2",
                    wrong: |t| 20 * MS + t / 200_000,
                    ..RIGHT
                }),
            ];
            let mut host = Host::new(["a", "b", "c"][n], wrong, &asks);
            host.counter_ppb = [30_000, -40_000, 0][n];
            host.during = ([0, 3, 1][n], 75);
            hosts.push(host);
        }
        let members = members(&hosts, seed);
        let catalogue = Catalogue::builtin();
        let question = Question::new(&catalogue, &["etcd".to_owned()], None).unwrap();
        let both = [common(&["192.0.2.1"]), common(&["192.0.2.2"])];
        let found = quorum(&members, &both, &[], &question).unwrap();
        assert!(found.contradictions.is_empty(), "{seed}");
        // The skews move by a millisecond in the run; all of it must be in the hull.
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let ahead = pair(&found, a, b).ahead.unwrap();
            for t in (4..74).map(|t| t * SEC) {
                let truth = (hosts[a].wrong)(t) - (hosts[b].wrong)(t);
                assert!(
                    ahead.contains(TimeDelta::from_nanos(truth)),
                    "{seed} {a} {b} {t}"
                );
            }
        }
    }
}

#[test]
fn a_step_of_a_local_clock_is_in_what_is_proven() {
    let asks = [Asked::Server(RIGHT)];
    let steady = Host::new("a", |_| 0, &asks);
    let stepped: Wrong = |t| if t < 30 * SEC + SEC / 3 { 0 } else { 80 * MS };
    let mut host = Host::new("b", stepped, &asks);
    host.watched = false;
    let hosts = [steady, host];
    let found = judged(&hosts, (&[common(&["192.0.2.1"])], &[]), &["ceph-mon"]).unwrap();
    let skew = pair(&found, 0, 1);
    let ahead = skew.ahead.unwrap();
    let ms = |n| TimeDelta::from_nanos(n * MS);
    assert!(ahead.contains(ms(0)) && ahead.contains(ms(-80)));
    assert_eq!(
        found.verdict,
        Verdict::Unfit,
        "for a while they were 80 ms apart"
    );
}

#[test]
fn runs_that_do_not_meet_are_refused_with_the_gap() {
    let asks = [Asked::Server(RIGHT)];
    let mut late = Host::new("b", |_| 0, &asks);
    late.during = (362, 62);
    let hosts = [Host::new("a", |_| 0, &asks), late];
    let refused = judged(&hosts, (&[common(&["192.0.2.1"])], &[]), &["etcd"]).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("a and b were not measured at the same time"),
        "{text}"
    );
    assert!(
        text.contains(" 299 s later") || text.contains(" 300 s later"),
        "{text}"
    );
}

#[test]
fn a_short_time_in_common_decides_nothing() {
    let asks = [Asked::Server(RIGHT)];
    let mut late = Host::new("b", |_| 0, &asks);
    late.during = (40, 62);
    let hosts = [Host::new("a", |_| 0, &asks), late];
    let found = judged(
        &hosts,
        (&[common(&["192.0.2.1"])], &[]),
        &["etcd-peer-probe"],
    )
    .unwrap();
    assert_eq!(found.verdict, Verdict::Undetermined);
    let [SetReason::Short(length)] = found.reasons[..] else {
        panic!("{:?}", found.reasons)
    };
    assert!((20..23).contains(&(length.as_nanos() / SEC)));
    assert_eq!(
        found.services[0].checks[0].needs,
        [Need::Observe(LEAST_OBSERVED)]
    );
}

#[test]
fn members_are_each_named_once() {
    let hosts = three(|_| vec![Asked::Server(RIGHT)]);
    let named = [common(&["192.0.2.1"])];
    let catalogue = Catalogue::builtin();
    let question = Question::new(&catalogue, &[], None).unwrap();
    let all = members(&hosts, 1);
    let refused = |members: &[Member]| quorum(members, &named, &[], &question).unwrap_err();
    assert_eq!(refused(&all[..1]), Refused::TooFew);
    let twice = [all[0].clone(), all[1].clone(), all[0].clone()];
    let same = (
        "node1".to_owned(),
        "node1".to_owned(),
        "run-node1".to_owned(),
    );
    assert_eq!(refused(&twice), Refused::SameRun(same.0, same.1, same.2));
    let mut renamed = all.clone();
    renamed[1].name = "node1".to_owned();
    assert_eq!(refused(&renamed), Refused::SameName("node1".to_owned()));
    renamed[1].name = String::new();
    assert_eq!(refused(&renamed), Refused::NoName("run-node2".to_owned()));
}

#[test]
fn what_is_named_must_be_there() {
    let mut hosts = three(|_| vec![Asked::Server(RIGHT)]);
    let alone = Server {
        address: "192.0.2.9",
        ..RIGHT
    };
    hosts[0].asks.push(Asked::Server(alone));
    let refused = |commons: &[Common], peers: &[Peer]| {
        judged(&hosts, (commons, peers), &["etcd"]).unwrap_err()
    };
    let name = |text: &str| text.to_owned();
    assert_eq!(
        refused(&[common(&["192.0.2.7"])], &[]),
        Refused::NotAsked(name("192.0.2.7"))
    );
    assert_eq!(
        refused(&[common(&["192.0.2.9"])], &[]),
        Refused::AskedByOne(name("192.0.2.9"), name("node1"))
    );
    assert_eq!(
        refused(&[], &[peer("node9", "192.0.2.1")]),
        Refused::NoSuchMember {
            name: name("node9"),
            members: vec![name("node1"), name("node2"), name("node3")],
        }
    );
    assert_eq!(
        refused(&[], &[peer("node1", "192.0.2.9")]),
        Refused::AskedItself(name("node1"), name("192.0.2.9"))
    );
    assert_eq!(
        refused(&[], &[peer("node2", "192.0.2.7")]),
        Refused::NotAsked(name("192.0.2.7"))
    );
}

#[test]
fn several_addresses_are_one_server_where_they_are_set_equal() {
    let hosts = three(|n| {
        vec![Asked::Server(Server {
            address: ["192.0.2.1", "2001:db8::1", "192.0.2.1"][n],
            claim: None,
            ..RIGHT
        })]
    });
    let one = [common(&["192.0.2.1", "2001:db8::1"])];
    let found = judged(&hosts, (&one, &[]), &["etcd"]).unwrap();
    holds(&found, &hosts);
    let found = judged(&hosts, (&[common(&["192.0.2.1"])], &[]), &["etcd"]);
    assert_eq!(found, Err(Refused::NothingInCommon("node2".to_owned())));
}

#[test]
fn a_shared_kernel_is_a_fact_that_is_told() {
    let mut hosts = three(|_| vec![Asked::Server(RIGHT)]);
    hosts[0].boot = Some("one");
    hosts[2].boot = Some("one");
    hosts[1].boot = Some("two");
    let found = judged(&hosts, (&[common(&["192.0.2.1"])], &[]), &["etcd"]).unwrap();
    assert_eq!(found.same_kernel, [[0, 2]]);
}

#[test]
fn one_sided_limits_know_the_direction() {
    // Peons ahead of the leader by 2 s are refused; members take turns, so either order counts.
    let asks = [Asked::Server(RIGHT)];
    let hosts = [
        Host::new("a", |_| 0, &asks),
        Host::new("b", |_| 3 * SEC, &asks),
    ];
    let named = [common(&["192.0.2.1"])];
    let found = judged(&hosts, (&named, &[]), &["ceph-mon-lease", "temporal"]).unwrap();
    assert_eq!(found.services[0].outcome, Outcome::Judged(Verdict::Unfit));
    // Temporal's limit is 5 s.
    assert_eq!(found.services[1].outcome, Outcome::Judged(Verdict::Fit));
    let hosts = [
        Host::new("a", |_| 0, &asks),
        Host::new("b", |_| 700 * SEC, &asks),
    ];
    // A client ahead of the server by 600 s; a server ahead of its client is none of it.
    let found = judged(&hosts, (&named, &[]), &["prometheus"]).unwrap();
    let check = &found.services[0].checks[0];
    assert_eq!(check.verdict, Verdict::Undetermined);
    assert_eq!(check.reasons, [SetReason::Parts(1)]);
    assert_eq!(check.needs, [Need::Part]);
}

#[test]
fn all_services_are_told_and_a_grade_decides_where_nothing_is_named() {
    let hosts = three(|_| vec![Asked::Server(RIGHT)]);
    let found = judged(&hosts[..2], (&[common(&["192.0.2.1"])], &[]), &[]).unwrap();
    assert_eq!(found.decided_by.as_deref(), Some("standard"));
    assert_eq!(found.verdict, Verdict::Fit);
    assert_eq!(found.grades.len(), 3);
    assert!(found.services.iter().any(|of| of.id == "ceph-mon"));
    assert!(!found.services.iter().any(|of| of.id == "zookeeper"));
    let reorders = |of: &&SetJudgement| of.outcome == Outcome::Reorders;
    let one = found.services.iter().find(reorders).unwrap();
    assert!(one.reorder.unwrap().upper.unwrap() < 11 * MS);
}

#[test]
fn where_as_many_agree_either_way_nobody_is_the_outlier() {
    let asks = [Asked::Server(RIGHT)];
    let hosts = [
        Host::new("a", |_| 0, &asks),
        Host::new("b", |_| 30 * MS, &asks),
        Host::new("c", |_| 60 * MS, &asks),
        Host::new("d", |_| 500 * MS, &asks),
    ];
    let named = [common(&["192.0.2.1"])];
    // Of the first three two agree, whichever of the outer ones is left out.
    let found = judged(&hosts[..3], (&named, &[]), &["ceph-mon"]).unwrap();
    let check = &found.services[0].checks[0];
    assert_eq!((check.keep.len(), check.keep_at_most), (2, 2));
    assert_eq!((check.outliers.len(), check.doubtful.len()), (0, 1));
    let tied: Vec<&SetReason> = check.reasons.iter().collect();
    assert_eq!(tied, [&SetReason::Tied(check.doubtful.clone())]);
    // With a fourth that is far from all, a majority is three, and nobody has one.
    let found = judged(&hosts, (&named, &[]), &["ceph-mon"]).unwrap();
    assert!(found.services[0].checks[0].outliers.is_empty());
}

/// What is told of a host whose clock is moved so by a server, in bounds of 100 us at these seconds.
fn told(name: &str, at: &[i64], moves: &[(i64, i64)]) -> HostTold {
    let wrong = |second: i64| -> i64 {
        let before = moves.iter().filter(|(at, _)| *at <= second);
        before.map(|(_, by)| by).sum()
    };
    let ns = TimeDelta::from_nanos;
    let bound = |second: &i64| Bound {
        at: Timestamp::from_nanos(START + second * SEC),
        since_start: ns(second * SEC),
        offset: crate::time::Interval::new(
            ns(-wrong(*second) - 50 * US),
            ns(-wrong(*second) + 50 * US),
        )
        .unwrap(),
    };
    let step = |(at, by): &(i64, i64)| Move {
        kind: crate::sample::DisturbanceKind::Step,
        since_start: ns(at * SEC - SEC / 2),
        error: ns(SEC / 4),
        by: Some((ns(*by), ns(100))),
        rates: None,
    };
    HostTold {
        name: name.to_owned(),
        run_id: name.to_owned(),
        started: Timestamp::from_nanos(START),
        duration: Some(ns(70 * SEC)),
        readings: 71,
        moves: moves.iter().map(step).collect(),
        sources: vec![SourceTold {
            source: "192.0.2.1".to_owned(),
            address: "192.0.2.1".to_owned(),
            port: 123,
            exchanges: 70,
            series: at.iter().map(bound).collect(),
            breaks: Vec::new(),
            drift: crate::estimate::Drift::within(crate::time::Frequency::from_ppm(1)),
            delay: ns(100 * US),
            distance: None,
            references: Vec::new(),
        }],
        ..HostTold::default()
    }
}

/// A step counts where no bound shows it any more, and an excursion where none shows it at all.
#[test]
fn what_the_watch_told_is_in_what_is_proven() {
    let catalogue = Catalogue::builtin();
    let question = Question::new(&catalogue, &["ceph-mon".to_owned()], None).unwrap();
    let named = [common(&["192.0.2.1"])];
    let every_ten: Vec<i64> = (0..7).map(|n| 5 + n * 10).collect();
    let steady = Member::new(told("a", &every_ten, &[])).unwrap();
    for (moves, truth) in [
        // After the last bound, before the first, there and back between two, and one of many.
        (&[(68, 80 * MS)][..], vec![0, -80 * MS]),
        (&[(3, 62 * SEC)], vec![0, -62 * SEC]),
        (&[(33, 80 * MS), (37, -80 * MS)], vec![0, -80 * MS]),
        (
            &[(12, MS), (33, 80 * MS), (34, 90 * MS), (62, -MS)],
            vec![0, -MS, -81 * MS, -171 * MS, -170 * MS],
        ),
    ] {
        let other = Member::new(told("b", &every_ten, moves)).unwrap();
        let found = quorum(&[steady.clone(), other], &named, &[], &question).unwrap();
        assert!(found.contradictions.is_empty());
        let ahead = pair(&found, 0, 1).ahead.unwrap();
        for truth in truth {
            assert!(
                ahead.contains(TimeDelta::from_nanos(truth)),
                "{moves:?}: {truth} in {ahead:?}"
            );
        }
        assert_ne!(found.verdict, Verdict::Fit, "{moves:?}");
    }
    let other = Member::new(told("b", &every_ten, &[])).unwrap();
    let found = quorum(&[steady, other], &named, &[], &question).unwrap();
    assert_eq!(found.verdict, Verdict::Fit);
    assert!(pair(&found, 0, 1).ahead.unwrap().width() < TimeDelta::from_nanos(MS));
}

#[test]
fn a_file_cannot_claim_more_instants_than_are_looked_at() {
    let catalogue = Catalogue::builtin();
    let question = Question::new(&catalogue, &["ceph-mon".to_owned()], None).unwrap();
    let named = [common(&["192.0.2.1"])];
    let far = |name| Member::new(told(name, &[5, 3_000_000_000], &[])).unwrap();
    let found = quorum(&[far("a"), far("b")], &named, &[], &question).unwrap();
    assert!(found.instants <= 200_001, "{}", found.instants);
}

/// When a server that corrects its clock each 16 s, at instants that no other one has, last did so.
fn each_16_s(t: i64, server: u64) -> Option<u64> {
    let count = (t + server.cast_signed() * SEC)
        .div_euclid(16 * SEC)
        .cast_unsigned();
    let seconds = 0xeccc_6f30 + count * 16;
    let fraction = (count + 7 * server).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 | 1;
    Some(seconds << 32 | fraction)
}

#[test]
fn a_server_is_known_by_its_corrections_under_any_name() {
    let one = |address| Server {
        address,
        wrong: |t| 5 * MS + t / 100_000,
        claim: None,
        corrected: |t| each_16_s(t, 1),
        ..RIGHT
    };
    let names = ["192.0.2.1", "198.51.100.1", "203.0.113.1"];
    let hosts = three(|n| vec![Asked::Server(one(names[n]))]);
    let found = judged(&hosts, (&[], &[]), &["ceph-mon"]).unwrap();
    holds(&found, &hosts);
    assert!(
        found
            .pairs
            .iter()
            .all(|of| of.basis == Some(Basis::Measured))
    );
    let shown = Shown {
        name: "192.0.2.1 = 198.51.100.1 = 203.0.113.1".to_owned(),
        members: vec![0, 1, 2],
    };
    assert_eq!((&found.shown, found.doubts.len()), (&vec![shown], 0));
    assert_eq!(found.services[0].checks[0].keep, [0, 1]);

    // What was named by one of its names is that one for all.
    let hosts = [
        hosts[0].clone(),
        hosts[1].clone(),
        Host::new("node3", |_| 60 * MS, &[Asked::Server(one(names[0]))]),
    ];
    let found = judged(&hosts, (&[common(&names[..1])], &[]), &["ceph-mon"]).unwrap();
    holds(&found, &hosts);
    assert!(
        found
            .pairs
            .iter()
            .all(|of| of.basis == Some(Basis::Measured))
    );
    assert!(found.shown.is_empty());
}

#[test]
fn one_address_with_other_corrections_is_several_servers() {
    let anycast = |corrected| {
        Asked::Server(Server {
            claim: None,
            corrected,
            ..RIGHT
        })
    };
    let there: [fn(i64) -> Option<u64>; 2] = [|t| each_16_s(t, 1), |t| each_16_s(t, 2)];
    let hosts: Vec<Host> = three(|n| vec![anycast(there[n.min(1)])]);
    // The second and the third have one, and nothing joins the first.
    let refused = judged(&hosts, (&[], &[]), &[]).unwrap_err();
    assert_eq!(refused, Refused::NothingInCommon("node1".to_owned()));
    let found = judged(&hosts[1..], (&[], &[]), &[]).unwrap();
    assert_eq!(found.shown[0].members, [0, 1]);

    // Whoever says that it is one is taken at his word, and told.
    let found = judged(&hosts, (&[common(&["192.0.2.1"])], &[]), &[]).unwrap();
    let doubt = Doubt {
        server: "192.0.2.1".to_owned(),
        members: (0, 1),
    };
    assert_eq!((&found.doubts, found.shown.len()), (&vec![doubt], 0));
    assert!(
        found
            .pairs
            .iter()
            .all(|of| of.basis == Some(Basis::Measured))
    );
}

#[test]
fn servers_of_one_name_are_told_apart_and_others_left_alone() {
    let server = |address, corrected| {
        Asked::Server(Server {
            address,
            claim: None,
            corrected,
            ..RIGHT
        })
    };
    // Two hosts that share ntp10, and one behind an address that is another server for the next two.
    let asks = |first: Asked, own: Asked| vec![first, own];
    let ten = server("ntp10", |t| each_16_s(t, 1));
    let hosts = [
        Host::new("a", |_| 0, &asks(ten, server("ntp1", |t| each_16_s(t, 2)))),
        Host::new("b", |_| 0, &asks(ten, server("ntp1", |t| each_16_s(t, 2)))),
        Host::new("c", |_| 0, &asks(ten, server("ntp1", |t| each_16_s(t, 3)))),
        Host::new("d", |_| 0, &asks(ten, server("ntp1", |t| each_16_s(t, 3)))),
    ];
    let found = judged(&hosts, (&[], &[]), &[]).unwrap();
    let names: Vec<&str> = found.shown.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["ntp10", "ntp1", "ntp1 (server 2 of that name)"]);
}

#[test]
fn who_was_handed_to_another_server_shares_none() {
    let handed = |corrected| {
        Asked::Server(Server {
            claim: None,
            corrected,
            ..RIGHT
        })
    };
    let hosts = [
        Host::new("node1", |_| 0, &[handed(|t| each_16_s(t, 1))]),
        // After half a minute, and in order; the first one's corrections go on meanwhile.
        Host::new(
            "node2",
            |_| 0,
            &[handed(|t| match t < 30 * SEC {
                true => each_16_s(t, 1),
                false => each_16_s(t, 2),
            })],
        ),
        // At each request.
        Host::new(
            "node3",
            |_| 0,
            &[handed(|t| match t / SEC % 2 {
                0 => each_16_s(t, 1),
                _ => each_16_s(t, 2),
            })],
        ),
    ];
    for other in 1..3 {
        let two = [hosts[0].clone(), hosts[other].clone()];
        let refused = judged(&two, (&[], &[]), &[]).unwrap_err();
        assert_eq!(
            refused,
            Refused::NothingInCommon("node1".to_owned()),
            "{other}"
        );
    }
}
