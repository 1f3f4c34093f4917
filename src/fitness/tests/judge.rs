//! What is judged of runs whose truth is known.

use super::super::*;
use crate::estimate::{Plan, analyse};
use crate::sample::{
    Campaign, Change, ClockReading, Discipline, Disturbance, Event, Exchange, Leap, Mode, Reading,
    ReferenceId, RunEnd, RunHeader, Sample, ServerInfo, Sink, SourceId, SourceInfo, SourceKind,
    StampSource, Timescale,
};
use crate::time::{Monotonic, TimeDelta, Timestamp};

const SEC: i64 = 1_000_000_000;
const START: i64 = 1_763_832_000 * SEC;

fn us(n: i64) -> TimeDelta {
    TimeDelta::from_micros(n)
}

fn ms(n: i64) -> TimeDelta {
    TimeDelta::from_millis(n)
}

/// A server: how far it is ahead of true time, its root dispersion, and how far away it is, one way.
#[derive(Clone, Copy)]
struct Server {
    ahead: TimeDelta,
    dispersion: TimeDelta,
    away: TimeDelta,
}

/// One that is right, 50 us away.
const RIGHT: Server = Server {
    ahead: TimeDelta::ZERO,
    dispersion: TimeDelta::from_micros(200),
    away: TimeDelta::from_micros(50),
};

/// A host that asks servers.
struct Host {
    servers: Vec<Server>,
    seconds: i64,
    /// Requests a second.
    often: i64,
    /// The local clock minus true time, at a time of the run in nanoseconds.
    wrong: fn(i64) -> TimeDelta,
    /// Whether its own clock is watched.
    watched: bool,
    steps: Vec<TimeDelta>,
    address: &'static str,
    kind: SourceKind,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            servers: vec![RIGHT],
            seconds: 60,
            often: 1,
            wrong: |_| TimeDelta::ZERO,
            watched: true,
            steps: Vec::new(),
            address: "192.0.2.",
            kind: SourceKind::Ntp,
        }
    }
}

impl Host {
    fn campaign(&self) -> Campaign {
        let begun = 5 * SEC;
        let mut campaign = Campaign::new(RunHeader {
            started: Timestamp::from_nanos(START),
            started_at: Monotonic::from_nanos(begun),
            timeout: TimeDelta::from_secs(1),
            ..RunHeader::default()
        });
        for n in 0..self.servers.len() {
            let info = SourceInfo {
                source: format!("time{n}.example"),
                address: format!("{}{n}", self.address),
                port: 123,
                kind: self.kind,
                timescale: Timescale::Utc,
                path: 0,
                local_clock: None,
            };
            campaign.event(&Event::Source(info.into()));
        }
        for (n, server) in (0..).zip(&self.servers) {
            let info = ServerInfo {
                leap: Leap::None,
                stratum: 2,
                precision: -29,
                root_delay: TimeDelta::ZERO,
                root_dispersion: server.dispersion,
                reference_id: ReferenceId::default(),
                reference_time: None,
            };
            campaign.event(&Event::Server(SourceId(n), info));
        }
        for k in 0..self.seconds * self.often {
            for (n, server) in (0..).zip(&self.servers) {
                let since = k * SEC / self.often + SEC / 2 / self.often + i64::from(n) * 1_000_000;
                let wrong = (self.wrong)(since);
                let sample = Sample {
                    exchange: Exchange {
                        t1: Timestamp::from_nanos(START + since) + wrong,
                        upper: server.ahead - wrong + server.away,
                        residence: us(10),
                        lower: server.ahead - wrong - server.away,
                        tx: StampSource::Kernel,
                        rx: StampSource::Kernel,
                        error: TimeDelta::NANOSECOND,
                    },
                    mode: Mode::Basic,
                    at: Monotonic::from_nanos(begun + since),
                    at_error: TimeDelta::from_nanos(100),
                };
                campaign.event(&Event::Sample(SourceId(n), sample));
            }
        }
        if self.watched {
            for at in [0, self.seconds] {
                campaign.event(&Event::Clock(Box::new(reading(begun + at * SEC))));
            }
        }
        for by in &self.steps {
            let at = Monotonic::from_nanos(begun + self.seconds * SEC / 2);
            campaign.event(&Event::Disturbance(Box::new(Disturbance {
                at,
                at_error: us(1),
                wall: Timestamp::from_nanos(START),
                change: Change::Step {
                    by: *by,
                    error: us(1),
                },
            })));
        }
        campaign.event(&Event::End(RunEnd {
            at: Monotonic::from_nanos(begun + self.seconds * SEC),
            interrupted: false,
        }));
        campaign
    }

    fn judged(&self, services: &[&str], grade: Option<&str>) -> Judged {
        self.by(&Catalogue::builtin(), services, grade).unwrap()
    }

    fn by(
        &self,
        catalogue: &Catalogue,
        services: &[&str],
        grade: Option<&str>,
    ) -> Result<Judged, CannotJudge> {
        judged_by(&self.campaign(), catalogue, services, grade)
    }

    /// The only check of a service.
    fn check(&self, service: &str) -> Check {
        let mut judged = self.judged(&[service], None);
        let mut checks = judged.services.remove(0).checks;
        assert_eq!(checks.len(), 1, "{service}");
        checks.remove(0)
    }
}

fn reading(at: i64) -> ClockReading {
    ClockReading {
        clocks: Reading {
            wall: Timestamp::from_nanos(START + at),
            counter: Monotonic::from_nanos(at),
            error: us(1),
        },
        discipline: Some(Discipline {
            max_error: ms(20),
            ..Discipline::default()
        }),
        ..ClockReading::default()
    }
}

fn behind(by: fn(i64) -> TimeDelta) -> Host {
    Host {
        wrong: by,
        ..Host::default()
    }
}

#[test]
fn a_good_clock_is_fit_and_the_reserve_is_told() {
    let judged = Host::default().judged(&["etcd", "ceph-mon"], Some("standard"));
    assert_eq!(judged.verdict, Verdict::Fit);
    assert_eq!(
        (judged.observed, judged.exchanges),
        (TimeDelta::from_secs(60), 60)
    );
    assert_eq!(judged.reasons, [Reason::OneServer(SourceId(0))]);
    let ceph = &judged.services[2];
    assert_eq!((ceph.id.as_str(), ceph.checks.len()), ("ceph-mon", 1));
    let check = &ceph.checks[0];
    assert_eq!(
        (check.claim, check.limit, check.allowed),
        (Claim::Share, 50_000_000, 25_000_000)
    );
    let observed = check.observed.unwrap();
    // Nothing is proven to be wrong, and the bound is the way there.
    assert_eq!(observed.lower, 0);
    let upper = observed.upper.unwrap();
    assert!((50_000..51_000).contains(&upper), "{upper}");
    assert_eq!(check.reserve(), Some(25_000_000 - upper));
    // Against UTC what the server may be off by is in it.
    let offset = &judged.grades[0].checks[0];
    assert_eq!(
        (offset.quantity, offset.claim),
        (Quantity::OffsetMostly, Claim::Utc)
    );
    let utc = offset.observed.unwrap().upper.unwrap();
    assert_eq!(utc, upper + 200_000);
}

#[test]
fn a_clock_that_is_off_does_not_keep_its_share_and_may_share_its_error() {
    let host = behind(|_| ms(-50));
    let judged = host.judged(
        &["etcd-peer-probe", "ceph-mon", "zookeeper"],
        Some("standard"),
    );
    assert_eq!(judged.verdict, Verdict::Unfit);
    let outcomes: Vec<Outcome> = judged.services.iter().map(|of| of.outcome).collect();
    let fit = Outcome::Judged(Verdict::Fit);
    let unfit = Outcome::Judged(Verdict::Unfit);
    assert_eq!(outcomes, [fit, unfit, Outcome::NotSensitive]);
    let check = &judged.services[1].checks[0];
    assert_eq!(check.reasons, [Reason::MayShareError]);
    let beyond = check.reserve().unwrap();
    assert!((-25_000_000..-24_900_000).contains(&beyond), "{beyond}");
    assert_eq!(judged.grades[0].outcome, unfit);
}

#[test]
fn a_limit_inside_of_the_bound_decides_nothing_and_what_would_is_said() {
    let mut catalogue = Catalogue::builtin();
    catalogue
        .set("ceph-mon.max_pairwise_skew_s=0.00006")
        .unwrap();
    let judged = Host::default().by(&catalogue, &["ceph-mon"], None).unwrap();
    assert_eq!(judged.verdict, Verdict::Undetermined);
    let check = &judged.services[0].checks[0];
    assert!(check.set);
    assert_eq!(check.reasons, [Reason::WithinBound]);
    assert_eq!(check.needs, [Need::Bound(us(30)), Need::Peers]);
    assert_eq!(check.reserve(), None);
    // A server as near as that does decide.
    let near = Host {
        servers: vec![Server {
            away: us(28),
            ..RIGHT
        }],
        ..Host::default()
    };
    assert_eq!(
        near.by(&catalogue, &["ceph-mon"], None).unwrap().verdict,
        Verdict::Fit
    );
}

/// At the limit is within it; a nanosecond beyond is not.
#[test]
fn the_ends_of_the_bound_decide_to_the_nanosecond() {
    let upper = Host::default()
        .check("ceph-mon")
        .observed
        .unwrap()
        .upper
        .unwrap();
    let at = |limit: i64| {
        let mut catalogue = Catalogue::builtin();
        let nanos = 2 * limit;
        let seconds = format!("{}.{:09}", nanos / SEC, nanos % SEC);
        catalogue
            .set(&format!("ceph-mon.max_pairwise_skew_s={seconds}"))
            .unwrap();
        Host::default()
            .by(&catalogue, &["ceph-mon"], None)
            .unwrap()
            .verdict
    };
    assert_eq!(at(upper), Verdict::Fit);
    assert_eq!(at(upper - 1), Verdict::Undetermined);
}

#[test]
fn a_short_look_or_few_exchanges_decide_nothing() {
    let short = Host {
        seconds: 58,
        ..Host::default()
    };
    let judged = short.judged(&["ceph-mon"], Some("basic"));
    assert_eq!(judged.verdict, Verdict::Undetermined);
    let check = &judged.services[0].checks[0];
    assert_eq!(
        check.reasons,
        [Reason::Short {
            observed: TimeDelta::from_secs(58)
        }]
    );
    assert_eq!(check.needs, [Need::Observe(LEAST_OBSERVED)]);
    // Not even that it is off, and not of steps.
    let off = Host {
        seconds: 1,
        often: 20,
        wrong: |_| ms(500),
        ..Host::default()
    };
    let judged = off.judged(&["ceph-mon"], Some("basic"));
    assert_eq!(judged.verdict, Verdict::Undetermined);
    assert!(
        judged.grades[0]
            .checks
            .iter()
            .all(|of| of.verdict == Verdict::Undetermined)
    );
    let check = &judged.services[0].checks[0];
    assert!(matches!(
        check.reasons[..],
        [Reason::Short { .. }, Reason::Few { exchanges: 20 }]
    ));
    assert!(
        check.observed.unwrap().lower > 499_000_000,
        "it is told all the same"
    );
    // To what cannot fail it does not matter.
    assert_eq!(off.judged(&["zookeeper"], None).verdict, Verdict::Fit);
}

#[test]
fn a_majority_outvotes_one_that_is_wrong() {
    let wrong = Server {
        ahead: ms(50),
        ..RIGHT
    };
    let host = Host {
        servers: vec![RIGHT, wrong, RIGHT],
        ..Host::default()
    };
    let judged = host.judged(&["ceph-mon"], Some("standard"));
    assert_eq!(judged.verdict, Verdict::Fit);
    assert_eq!(judged.reasons, [Reason::Dissent(vec![SourceId(1)])]);
    // Its exchanges are evidence of nothing.
    assert_eq!((judged.servers.len(), judged.exchanges), (3, 120));
    let two = Host {
        servers: vec![RIGHT, wrong],
        ..Host::default()
    };
    let judged = two.judged(&["ceph-mon"], Some("standard"));
    assert_eq!(judged.verdict, Verdict::Undetermined);
    assert_eq!(
        judged.reasons,
        [Reason::NoMajority(vec![SourceId(0), SourceId(1)])]
    );
    let check = &judged.services[0].checks[0];
    assert_eq!(
        check.observed,
        Some(Observed {
            lower: 0,
            upper: None
        })
    );
    assert_eq!(check.needs, [Need::Servers]);
    // Two that admit to be that wrong may both be right, and then nobody is near.
    let modest = |ahead| Server {
        ahead,
        dispersion: ms(30),
        ..RIGHT
    };
    let two = Host {
        servers: vec![modest(ms(0)), modest(ms(50))],
        ..Host::default()
    };
    let judged = two.judged(&["ceph-mon"], None);
    let check = &judged.services[0].checks[0];
    let observed = check.observed.unwrap();
    // UTC is from 20 to 30 ms ahead by their word, and the ways there.
    assert!(
        (19_900_000..20_000_000).contains(&observed.lower),
        "{observed:?}"
    );
    assert!(
        (30_000_000..30_100_000).contains(&observed.upper.unwrap()),
        "{observed:?}"
    );
    assert_eq!(check.verdict, Verdict::Undetermined);
}

/// The maximum is of all of the time; 99.9 % of the time leaves out what is shorter.
#[test]
fn a_short_excursion_counts_for_the_maximum_alone() {
    // One second of 20 minutes.
    let host = Host {
        seconds: 1_200,
        wrong: |at| {
            if at / SEC == 700 {
                ms(30)
            } else {
                TimeDelta::ZERO
            }
        },
        ..Host::default()
    };
    let judged = host.judged(&["ceph-mon"], Some("standard"));
    let of = |quantity: Quantity| {
        let mut checks = judged.grades[0].checks.iter();
        checks.find(|check| check.quantity == quantity).unwrap()
    };
    assert_eq!(of(Quantity::OffsetMostly).verdict, Verdict::Fit);
    assert_eq!(of(Quantity::OffsetEver).verdict, Verdict::Unfit);
    assert_eq!(of(Quantity::JitterMostly).verdict, Verdict::Fit);
    assert_eq!(judged.services[0].outcome, Outcome::Judged(Verdict::Unfit));
    // Two seconds are more than a thousandth.
    let host = Host {
        wrong: |at| {
            if at / SEC / 2 == 350 {
                ms(30)
            } else {
                TimeDelta::ZERO
            }
        },
        ..host
    };
    let judged = host.judged(&[], Some("standard"));
    assert_eq!(judged.grades[0].checks[0].verdict, Verdict::Unfit);
    let jitter = judged.grades[0]
        .checks
        .iter()
        .find(|c| c.quantity == Quantity::JitterMostly);
    let observed = jitter.unwrap().observed.unwrap();
    assert!(
        (29_800_000..=30_000_000).contains(&observed.lower),
        "{observed:?}"
    );
}

#[test]
fn steps_are_judged_each_way() {
    let with = |steps: &[TimeDelta]| {
        let host = Host {
            steps: steps.to_vec(),
            ..Host::default()
        };
        let judged = host.judged(&["redis-sentinel"], None);
        let [forward, back] = &judged.services[0].checks[..] else {
            panic!("two limits");
        };
        (forward.verdict, back.verdict)
    };
    assert_eq!(with(&[]), (Verdict::Fit, Verdict::Fit));
    assert_eq!(with(&[ms(1_800), ms(-40)]), (Verdict::Fit, Verdict::Fit));
    assert_eq!(with(&[ms(2_000)]), (Verdict::Unfit, Verdict::Fit));
    assert_eq!(with(&[ms(-60)]), (Verdict::Fit, Verdict::Unfit));
    // Known to a microsecond.
    assert_eq!(with(&[ms(-50)]), (Verdict::Fit, Verdict::Undetermined));
    let many = vec![ms(-40); 101];
    assert_eq!(
        with(&many).1,
        Verdict::Undetermined,
        "those that were not kept may be larger"
    );
    let unwatched = Host {
        watched: false,
        ..Host::default()
    };
    let judged = unwatched.judged(&["redis-sentinel"], None);
    assert_eq!(judged.verdict, Verdict::Undetermined);
    assert_eq!(judged.services[0].checks[0].reasons, [Reason::NotWatched]);
}

#[test]
fn the_rate_is_what_is_left_of_it() {
    let rate = |host: &Host| {
        let judged = host.judged(&[], Some("standard"));
        let mut checks = judged.grades[0].checks.iter();
        let check = checks.find(|check| check.quantity == Quantity::ResidualDrift);
        check.unwrap().clone()
    };
    // 20 us a second.
    let fast = rate(&behind(|at| TimeDelta::from_nanos(at / 50_000)));
    assert_eq!(fast.verdict, Verdict::Unfit);
    let observed = fast.observed.unwrap();
    assert!(observed.lower <= 20_000 && 20_000 <= observed.upper.unwrap());
    // Known to what both ways leave open over a minute: 100 us of 59 s.
    assert!(
        observed.upper.unwrap() - observed.lower < 3_600,
        "{observed:?}"
    );
    let slow = rate(&behind(|at| TimeDelta::from_nanos(-at / 100_000)));
    assert_eq!(slow.verdict, Verdict::Fit);
    // What cannot be told in a minute takes longer.
    let nearly = rate(&behind(|at| TimeDelta::from_nanos(at / 68_000)));
    assert_eq!(nearly.verdict, Verdict::Undetermined);
    let [Need::Observe(needed)] = nearly.needs[..] else {
        panic!("{nearly:?}");
    };
    assert!(
        needed > TimeDelta::from_secs(60) && needed < TimeDelta::from_secs(1_000),
        "{needed:?}"
    );
    // A step is no rate: it is judged as what it is.
    let stepped = Host {
        wrong: |at| {
            if at > 40 * SEC {
                ms(900)
            } else {
                TimeDelta::ZERO
            }
        },
        ..Host::default()
    };
    let mut campaign = stepped.campaign();
    // One that nobody saw leaves no rate to judge.
    assert_eq!(rate(&stepped).observed, None);
    assert_eq!(rate(&stepped).verdict, Verdict::Undetermined);
    campaign.event(&Event::Disturbance(Box::new(Disturbance {
        at: Monotonic::from_nanos(45 * SEC + SEC / 4),
        at_error: us(1),
        wall: Timestamp::from_nanos(START),
        change: Change::Step {
            by: ms(900),
            error: us(1),
        },
    })));
    let judged = judged(&campaign, &[], Some("standard"));
    let checks = &judged.grades[0].checks;
    let check = checks
        .iter()
        .find(|of| of.quantity == Quantity::ResidualDrift);
    assert_eq!(check.unwrap().verdict, Verdict::Fit);
}

#[test]
fn a_limit_that_acts_one_way_depends_on_the_part_a_host_has() {
    // A JWT may not come from an issuer ahead of its verifier at all.
    let ahead = behind(|_| ms(5));
    let check = ahead.check("keystone-jws");
    assert_eq!(check.verdict, Verdict::Undetermined);
    let [
        Reason::Parts {
            fails,
            other,
            keeps: true,
        },
    ] = &check.reasons[..]
    else {
        panic!("{check:?}");
    };
    assert_eq!((fails.as_str(), other.as_str()), ("issuer", "verifier"));
    let late = behind(|_| ms(-5));
    let check = late.check("keystone-jws");
    let [Reason::Parts { fails, .. }] = &check.reasons[..] else {
        panic!("{check:?}");
    };
    assert_eq!(fails, "verifier");
    // Members of a quorum take turns: today's peon leads tomorrow.
    for wrong in [|_| TimeDelta::from_secs(3), |_| TimeDelta::from_secs(-3)] {
        assert_eq!(
            behind(wrong).check("ceph-mon-lease").verdict,
            Verdict::Unfit
        );
    }
}

#[test]
fn what_the_kernel_says_of_its_clock_is_judged_as_such() {
    let check = Host::default().check("kudu");
    assert_eq!(
        check.observed,
        Some(Observed {
            lower: 20_000_000,
            upper: Some(20_000_000)
        })
    );
    assert_eq!((check.verdict, check.claim), (Verdict::Fit, Claim::Host));
    let silent = Host {
        watched: false,
        ..Host::default()
    };
    assert_eq!(silent.check("kudu").reasons, [Reason::KernelSilent]);
}

#[test]
fn what_has_no_limit_is_never_fit_and_what_reorders_is_told_by_how_much() {
    let judged = Host::default().judged(&["tls-x509", "cassandra"], None);
    assert_eq!(judged.verdict, Verdict::Undetermined);
    assert_eq!(judged.services[0].reasons, [Reason::NoLimit]);
    let cassandra = &judged.services[1];
    assert_eq!(cassandra.outcome, Outcome::Reorders);
    let window = cassandra.reorder.unwrap().upper.unwrap();
    assert!((100_000..102_000).contains(&window), "{window}");
}

#[test]
fn without_a_question_all_is_told_and_standard_decides() {
    let judged = behind(|_| ms(5)).judged(&[], None);
    assert_eq!(judged.services.len(), 80);
    assert_eq!(judged.decided_by.as_deref(), Some("standard"));
    assert_eq!(judged.reached.as_deref(), Some("standard"));
    assert_eq!(judged.verdict, Verdict::Fit);
    let judged = behind(|_| ms(50)).judged(&[], None);
    assert_eq!(
        (judged.verdict, judged.reached.as_deref()),
        (Verdict::Unfit, Some("basic"))
    );
    let judged = behind(|_| ms(0)).judged(&[], Some("basic"));
    assert_eq!((judged.decided_by, judged.reached), (None, None));
}

#[test]
fn no_clock_is_judged_against_itself() {
    for host in [
        Host {
            address: "127.0.0.",
            ..Host::default()
        },
        Host {
            address: "::ffff:127.0.0.",
            ..Host::default()
        },
        Host {
            kind: SourceKind::Embedded,
            ..Host::default()
        },
    ] {
        let refused = host
            .by(&Catalogue::builtin(), &["ceph-mon"], None)
            .unwrap_err();
        assert!(matches!(refused, CannotJudge::OwnClock(_)), "{refused}");
    }
    let silent = Host {
        seconds: 0,
        ..Host::default()
    };
    let refused = silent.by(&Catalogue::builtin(), &["ceph-mon"], None);
    assert_eq!(refused.unwrap_err(), CannotJudge::NothingKnown);
}

/// A stall of the host leaves a hole in what is observed, and says nothing of its clock.
#[test]
fn a_pause_is_not_held_against_the_clock() {
    let host = Host {
        seconds: 120,
        ..Host::default()
    };
    let mut campaign = host.campaign();
    let kept: Vec<Sample> = campaign.sources[0]
        .samples
        .iter()
        .filter(|sample| !(35 * SEC..75 * SEC).contains(&sample.at.as_nanos()))
        .collect();
    campaign.sources[0].samples = crate::sample::Samples::default();
    campaign.sources[0].samples.extend(kept);
    let judged = judged(&campaign, &["ceph-mon"], None);
    assert_eq!(judged.verdict, Verdict::Fit);
    // 80 s are left, and on either side of the hole what is near.
    assert!(
        judged.observed > TimeDelta::from_secs(79),
        "{:?}",
        judged.observed
    );
    assert!(
        judged.observed < TimeDelta::from_secs(97),
        "{:?}",
        judged.observed
    );
}

/// A wide bound that is right must not be outvoted by a narrow one that is wrong: as many as may be right have to
/// be asked, not as many as agree.
#[test]
fn a_narrow_liar_has_no_way_among_wide_truths() {
    // The clock is 28 ms off. Two servers are right and 30 ms away; one is near, and says that all is well.
    let far = Server {
        away: ms(30),
        ..RIGHT
    };
    let liar = Server {
        ahead: ms(-28),
        ..RIGHT
    };
    let host = Host {
        servers: vec![far, far, liar],
        wrong: |_| ms(-28),
        ..Host::default()
    };
    let judged = host.judged(&["ceph-mon"], None);
    assert_eq!(judged.verdict, Verdict::Undetermined);
    let observed = judged.services[0].checks[0].observed.unwrap();
    assert!(
        observed.lower < 28_000_000 && observed.upper.unwrap() > 28_000_000,
        "{observed:?}"
    );
}

/// Whoever falls silent keeps his word; whoever is left is no majority.
#[test]
fn the_last_one_who_speaks_is_no_majority() {
    let liar = Server {
        ahead: ms(500),
        ..RIGHT
    };
    let host = Host {
        servers: vec![RIGHT, RIGHT, liar],
        ..Host::default()
    };
    let mut campaign = host.campaign();
    for record in &mut campaign.sources[..2] {
        let heard: Vec<Sample> = record.samples.iter().take(30).collect();
        record.samples = crate::sample::Samples::default();
        record.samples.extend(heard);
    }
    let judged = judged(&campaign, &["ceph-mon"], None);
    assert_eq!(judged.verdict, Verdict::Fit);
    assert_eq!(judged.reasons, [Reason::Dissent(vec![SourceId(2)])]);
}

/// What one exchange proves is carried to others, and with it how far its server was from UTC by then.
#[test]
fn a_server_that_grows_sure_of_itself_was_not_always() {
    let host = Host {
        servers: vec![Server {
            ahead: ms(140),
            dispersion: ms(150),
            ..RIGHT
        }],
        ..Host::default()
    };
    let mut campaign = host.campaign();
    let mut sure = campaign.sources[0].servers[0].1;
    sure.root_dispersion = us(15);
    campaign.sources[0].servers.push((30, sure));
    let judged = judged(&campaign, &[], Some("basic"));
    let of_utc = judged.grades[0]
        .checks
        .iter()
        .filter(|check| check.claim == Claim::Utc);
    for check in of_utc {
        assert_eq!(check.verdict, Verdict::Undetermined, "{check:?}");
    }
}

/// Where the clock was between two exchanges the steps there and back tell.
#[test]
fn an_excursion_between_two_exchanges_counts() {
    let host = Host::default();
    let mut campaign = host.campaign();
    for (nanos, by) in [
        (31 * SEC, ms(10_000)),
        (31 * SEC + 400_000_000, ms(-10_000)),
    ] {
        let at = 5 * SEC + nanos;
        let wall = START + nanos + if by > TimeDelta::ZERO { 10 * SEC } else { 0 };
        campaign.event(&Event::Disturbance(Box::new(Disturbance {
            at: Monotonic::from_nanos(at),
            at_error: us(1),
            wall: Timestamp::from_nanos(wall),
            change: Change::Step { by, error: us(1) },
        })));
    }
    let judged = judged(&campaign, &["ceph-mon"], Some("basic"));
    assert_eq!(judged.services[0].outcome, Outcome::Judged(Verdict::Unfit));
    let observed = judged.services[0].checks[0].observed.unwrap();
    assert!(
        (9_999_000_000..10_001_000_000).contains(&observed.lower),
        "{observed:?}"
    );
    // It lasted for less than half a second of a minute, which is more than a thousandth.
    assert_eq!(judged.grades[0].checks[0].verdict, Verdict::Unfit);
}

/// A watch that saw only the beginning saw no step later on.
#[test]
fn steps_are_watched_from_beginning_to_end_or_not() {
    let host = Host {
        watched: false,
        ..Host::default()
    };
    let mut campaign = host.campaign();
    for at in [0, 1] {
        campaign.event(&Event::Clock(Box::new(reading((5 + at) * SEC))));
    }
    let judged = judged(&campaign, &["redis-sentinel"], None);
    assert_eq!(judged.services[0].checks[0].reasons, [Reason::NotWatched]);
    // Nor is one fit that exchanges show and the watch does not.
    let stepped = Host {
        wrong: |at| {
            if at > 30 * SEC {
                ms(1_000)
            } else {
                TimeDelta::ZERO
            }
        },
        ..Host::default()
    };
    let judged = stepped.judged(&["redis-sentinel"], None);
    assert_eq!(judged.verdict, Verdict::Undetermined);
}

#[test]
fn what_reorders_is_not_fit_where_nothing_is_known() {
    let short = Host {
        seconds: 3,
        ..Host::default()
    };
    let judged = short.judged(&["cassandra"], None);
    assert_eq!(judged.verdict, Verdict::Undetermined);
    let two = Host {
        servers: vec![
            RIGHT,
            Server {
                ahead: ms(10_000),
                ..RIGHT
            },
        ],
        ..Host::default()
    };
    assert_eq!(
        two.judged(&["cassandra"], None).verdict,
        Verdict::Undetermined
    );
}

#[test]
fn the_kernel_is_heard_all_of_the_time() {
    let with = |change: fn(&mut Discipline)| {
        let mut campaign = Host::default().campaign();
        let mut worse = reading(35 * SEC);
        if let Some(discipline) = &mut worse.discipline {
            change(discipline);
        }
        campaign.event(&Event::Clock(Box::new(worse)));
        campaign.event(&Event::Clock(Box::new(reading(65 * SEC))));
        judged(&campaign, &["kudu"], None)
            .services
            .remove(0)
            .checks
            .remove(0)
    };
    assert_eq!(with(|_| ()).verdict, Verdict::Fit);
    assert_eq!(
        with(|of| of.max_error = TimeDelta::from_secs(16)).verdict,
        Verdict::Unfit
    );
    // 0x40 is STA_UNSYNC: nobody keeps the clock, so what it says of its error is no limit.
    assert_eq!(with(|of| of.status = 0x40).verdict, Verdict::Undetermined);
    let negative = with(|of| of.max_error = ms(-1));
    assert_eq!(negative.observed, Some(Observed::exactly(20_000_000)));
}

#[test]
fn who_is_not_synchronised_or_keeps_another_time_has_no_word() {
    let spoilt = |change: fn(&mut ServerInfo)| {
        let mut campaign = Host::default().campaign();
        change(&mut campaign.sources[0].servers[0].1);
        judged_by(&campaign, &Catalogue::builtin(), &[], Some("basic"))
    };
    assert!(spoilt(|_| ()).is_ok());
    let refused = Err(CannotJudge::Unusable);
    assert_eq!(spoilt(|of| of.stratum = 16).map(|of| of.verdict), refused);
    assert_eq!(
        spoilt(|of| of.leap = Leap::Unsynchronised).map(|of| of.verdict),
        refused
    );
}

/// One address is one server, however often a recording names it.
#[test]
fn nobody_votes_twice() {
    let liar = Server {
        ahead: ms(50),
        ..RIGHT
    };
    let host = Host {
        servers: vec![liar, liar, RIGHT],
        ..Host::default()
    };
    let mut campaign = host.campaign();
    let mut again = SourceInfo::clone(&campaign.sources[1].info);
    again.address.clone_from(&campaign.sources[0].info.address);
    campaign.sources[1].info = again.into();
    assert_eq!(
        judged(&campaign, &["ceph-mon"], None).verdict,
        Verdict::Undetermined
    );
}

/// Whatever fewer than half of the servers say, and from however near: what is told of UTC holds the truth, and no
/// verdict is wrong.
#[test]
fn with_more_than_half_of_the_servers_right_nothing_told_is_wrong() {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    let clocks: [fn(i64) -> TimeDelta; 5] = [
        |_| TimeDelta::ZERO,
        |_| ms(24),
        |_| ms(-26),
        |at| TimeDelta::from_nanos(at / 2_000),
        |at| if at > 30 * SEC { ms(11) } else { ms(9) },
    ];
    // What is about UTC has one truth here, what is about the servers as many as there are servers.
    let limited = [
        ("finra-4590", ms(50)),
        ("cat-nms-participant", us(100)),
        ("mifid2-rts25-other", ms(1)),
    ];
    let (mut fit, mut unfit) = (0, 0);
    for seed in 0..60 {
        let mut random = StdRng::seed_from_u64(seed);
        let n = random.random_range(1..=5);
        let liars = random.random_range(0..=(n - 1) / 2);
        let servers = (0..n).map(|place| {
            let dispersion = us(random.random_range(10..20_000));
            let apart = random.random_range(-100..=100) * dispersion.as_nanos() / 100;
            let wrong = random.random_range(-100_000..100_000);
            let is_liar = place < liars;
            Server {
                ahead: if is_liar {
                    us(wrong)
                } else {
                    TimeDelta::from_nanos(apart)
                },
                dispersion: if is_liar { us(10) } else { dispersion },
                away: us([20, 300, 5_000, 40_000][random.random_range(0..4)]),
            }
        });
        let host = Host {
            servers: servers.collect(),
            wrong: clocks[random.random_range(0..clocks.len())],
            ..Host::default()
        };
        let campaign = host.campaign();
        let found = analyse(&campaign, &plan());
        let begun = campaign.header.started_at;
        for instant in &found.course.instants {
            let truth = -(host.wrong)(instant.counter.since(begun).as_nanos());
            let told = instant.utc.unwrap();
            assert!(
                told.contains(truth),
                "seed {seed}: {truth:?} is not in {told:?}"
            );
        }
        let most = (0..600)
            .map(|tenth| (host.wrong)(tenth * SEC / 10).abs())
            .max()
            .unwrap();
        for (name, limit) in limited {
            match judged(&campaign, &[name], None).verdict {
                Verdict::Fit => {
                    fit += 1;
                    assert!(most <= limit, "seed {seed}: {most:?} is fit");
                }
                Verdict::Unfit => {
                    unfit += 1;
                    assert!(most > limit, "seed {seed}: {most:?} is unfit");
                }
                Verdict::Undetermined => {}
            }
        }
    }
    assert!(fit > 15 && unfit > 15, "{fit} fit, {unfit} unfit");
}

/// What is answered of stalls takes a watch of all of the time, and of servers the most they ever admitted.
#[test]
fn test_cases_go_by_the_whole_run_too() {
    let answer = |campaign: &Campaign, id: &str| {
        let catalogue = Catalogue::builtin();
        let found = analyse(campaign, &plan());
        let conformance = conform(campaign, &found, &catalogue, None, &[id.to_owned()]).unwrap();
        conformance.cases[0].verdict
    };
    let stall = "scs-0129-stall";
    let mut campaign = Host::default().campaign();
    assert_eq!(answer(&campaign, stall), Verdict::Fit);
    let stalled = |seconds| Disturbance {
        at: Monotonic::from_nanos(35 * SEC),
        at_error: us(1),
        wall: Timestamp::from_nanos(START),
        change: Change::Stall {
            length: ms(seconds),
            run_delay: None,
        },
    };
    for _ in 0..101 {
        campaign.event(&Event::Disturbance(Box::new(stalled(200))));
    }
    assert_eq!(
        answer(&campaign, stall),
        Verdict::Undetermined,
        "one may not be kept"
    );
    let mut campaign = Host::default().campaign();
    campaign.event(&Event::Disturbance(Box::new(stalled(1_001))));
    assert_eq!(answer(&campaign, stall), Verdict::Unfit);
    let mut campaign = Host {
        watched: false,
        ..Host::default()
    }
    .campaign();
    for at in [5, 6] {
        campaign.event(&Event::Clock(Box::new(reading(at * SEC))));
    }
    assert_eq!(
        answer(&campaign, stall),
        Verdict::Undetermined,
        "who watched later?"
    );
    let distance = "scs-0129-root-distance";
    let mut campaign = Host::default().campaign();
    assert_eq!(answer(&campaign, distance), Verdict::Fit);
    campaign.sources[0].servers[0].1.root_dispersion = ms(11);
    let mut sure = campaign.sources[0].servers[0].1;
    sure.root_dispersion = us(15);
    campaign.sources[0].servers.push((30, sure));
    assert_eq!(answer(&campaign, distance), Verdict::Unfit);
}

fn plan() -> Plan {
    Plan {
        course: true,
        series_step: TimeDelta::from_secs(1),
        ..Plan::default()
    }
}

fn judged_by(
    campaign: &Campaign,
    catalogue: &Catalogue,
    services: &[&str],
    grade: Option<&str>,
) -> Result<Judged, CannotJudge> {
    let names: Vec<String> = services.iter().map(ToString::to_string).collect();
    let question = Question::new(catalogue, &names, grade).unwrap();
    judge(campaign, &analyse(campaign, &plan()), &question)
}

fn judged(campaign: &Campaign, services: &[&str], grade: Option<&str>) -> Judged {
    judged_by(campaign, &Catalogue::builtin(), services, grade).unwrap()
}
