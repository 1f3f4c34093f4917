//! What is judged of a provider's servers whose truth is known.

use super::super::*;
use crate::estimate::{Plan, analyse};
use crate::sample::{
    Audited, Campaign, Event, Exchange, Leap, LossCause, Mode, Note, Nts, OddAnswer, OddQuestion,
    ReferenceId, ReferenceTime, Rejection, RunEnd, RunHeader, Sample, ServerInfo, Sink, SourceId,
    SourceInfo, SourceKind, StampSource, Timescale,
};
use crate::time::{Monotonic, TimeDelta, Timestamp};

const SEC: i64 = 1_000_000_000;
/// A day in November, and one on which a leap second may be smeared.
const START: i64 = 1_763_832_000 * SEC;
const LEAP_DAY: i64 = 1_483_207_200 * SEC;
const BEGUN: i64 = 5 * SEC;

/// What became of a request.
#[derive(Clone, Copy)]
enum End {
    Answered,
    /// It took so much longer, each way.
    Slow(TimeDelta),
    Lost(LossCause),
    Rejected(Rejection),
    /// Given up, and answered then.
    Late,
}

const LOST: End = End::Lost(LossCause::Timeout);

/// A server, and how it is asked.
#[derive(Clone)]
struct Server {
    source: &'static str,
    address: &'static str,
    /// How far ahead of true time, in nanoseconds, at a time of the run.
    ahead: fn(i64) -> i64,
    away: TimeDelta,
    dispersion: TimeDelta,
    stratum: u8,
    follows: [u8; 4],
    corrected: Option<u64>,
    leap: Leap,
    calm: fn(i64) -> End,
    burst: Option<fn(i64) -> End>,
    audited: Option<Audited>,
}

fn quiet() -> Audited {
    let odd = OddQuestion::ALL.map(|question| OddAnswer {
        question,
        asked: 48,
        packets: 0,
        answered: 0,
    });
    Audited {
        ttl: Some(64),
        odd: odd.to_vec(),
        nts: Nts::NotAsked,
    }
}

/// A good one.
fn good(n: u8) -> Server {
    let addresses = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
    let address = addresses[usize::from(n)];
    Server {
        source: address,
        address,
        ahead: |_| 0,
        away: TimeDelta::from_micros(50),
        dispersion: TimeDelta::from_micros(200),
        stratum: 2,
        follows: [192, 0, 2, n],
        corrected: None,
        leap: Leap::None,
        calm: |_| End::Answered,
        burst: Some(|_| End::Answered),
        audited: Some(quiet()),
    }
}

fn goods(n: u8) -> Vec<Server> {
    (1..=n).map(good).collect()
}

/// Good ones, the last of which is changed.
fn but_last(n: u8, change: impl FnOnce(&mut Server)) -> Vec<Server> {
    let mut servers = goods(n);
    change(servers.last_mut().unwrap());
    servers
}

struct Run {
    servers: Vec<Server>,
    started: i64,
    seconds: i64,
    notes: Vec<(Option<SourceId>, Note)>,
}

impl Run {
    fn of(servers: Vec<Server>) -> Self {
        Self {
            servers,
            started: START,
            seconds: 60,
            notes: Vec::new(),
        }
    }

    fn campaign(&self) -> Campaign {
        let mut campaign = Campaign::new(RunHeader {
            started: Timestamp::from_nanos(self.started),
            started_at: Monotonic::from_nanos(BEGUN),
            timeout: TimeDelta::from_secs(1),
            ..RunHeader::default()
        });
        let pressed: Vec<&Server> = self
            .servers
            .iter()
            .filter(|of| of.burst.is_some())
            .collect();
        let sources = self.servers.iter().map(|of| (of, SourceKind::Ntp));
        for (of, kind) in sources.chain(pressed.iter().map(|of| (*of, SourceKind::Burst))) {
            campaign.event(&Event::Source(
                SourceInfo {
                    source: of.source.to_owned(),
                    address: of.address.to_owned(),
                    port: 123,
                    kind,
                    timescale: Timescale::Unknown,
                    path: 0,
                    local_clock: None,
                }
                .into(),
            ));
        }
        for (n, of) in (0..).zip(&self.servers) {
            self.ask(
                SourceId(n),
                of,
                (0, SEC, self.seconds),
                of.calm,
                &mut campaign,
            );
        }
        let first = u32::try_from(self.servers.len()).unwrap();
        for (n, of) in (first..).zip(pressed) {
            let times = ((self.seconds + 1) * SEC, SEC / 8, 80);
            self.ask(SourceId(n), of, times, of.burst.unwrap(), &mut campaign);
        }
        let end = Monotonic::from_nanos(BEGUN + (self.seconds + 12) * SEC);
        for (n, of) in (0..).zip(&self.servers) {
            if let Some(audited) = &of.audited {
                let note = Note::Audited(audited.clone());
                campaign.event(&Event::Note(Some(SourceId(n)), end, note));
            }
        }
        for (source, note) in &self.notes {
            campaign.event(&Event::Note(*source, end, note.clone()));
        }
        campaign.event(&Event::End(RunEnd {
            at: end,
            interrupted: false,
        }));
        campaign
    }

    /// So many requests, from when on and how far apart.
    fn ask(
        &self,
        id: SourceId,
        of: &Server,
        (from, apart, count): (i64, i64, i64),
        ends: fn(i64) -> End,
        campaign: &mut Campaign,
    ) {
        let mut said = false;
        for k in 0..count {
            let since = from + k * apart + i64::from(id.0) * 1_000_000;
            let at = Monotonic::from_nanos(BEGUN + since);
            let more = match ends(k) {
                End::Answered => TimeDelta::ZERO,
                End::Slow(more) => more,
                End::Lost(cause) => {
                    campaign.event(&Event::Lost(id, at, cause));
                    continue;
                }
                End::Rejected(why) => {
                    campaign.event(&Event::Rejected(id, at, why, 1));
                    continue;
                }
                End::Late => {
                    campaign.event(&Event::Lost(id, at, LossCause::Timeout));
                    campaign.event(&Event::Rejected(id, at, Rejection::TooLate, 1));
                    continue;
                }
            };
            if !std::mem::replace(&mut said, true) {
                let info = ServerInfo {
                    leap: of.leap,
                    stratum: of.stratum,
                    precision: -29,
                    root_delay: TimeDelta::ZERO,
                    root_dispersion: of.dispersion,
                    reference_id: ReferenceId(of.follows),
                    reference_time: of
                        .corrected
                        .and_then(|time| ReferenceTime::telling(time << 32 | 0x1234_5678)),
                };
                campaign.event(&Event::Server(id, info));
            }
            let ahead = TimeDelta::from_nanos((of.ahead)(since));
            let sample = Sample {
                exchange: Exchange {
                    t1: Timestamp::from_nanos(self.started + since),
                    upper: ahead + of.away + more,
                    residence: TimeDelta::from_micros(10),
                    lower: ahead - of.away - more,
                    tx: StampSource::Kernel,
                    rx: StampSource::Kernel,
                    error: TimeDelta::NANOSECOND,
                },
                mode: Mode::Basic,
                at,
                at_error: TimeDelta::from_nanos(100),
            };
            campaign.event(&Event::Sample(id, sample));
        }
    }

    fn judged(&self) -> Provision {
        judged(&self.campaign())
    }
}

fn judged(campaign: &Campaign) -> Provision {
    let plan = Plan {
        series_step: TimeDelta::from_secs(1),
        course: true,
        ..Plan::default()
    };
    provide(campaign, &analyse(campaign, &plan), &Catalogue::builtin()).unwrap()
}

fn of(servers: Vec<Server>) -> Provision {
    Run::of(servers).judged()
}

impl Provision {
    fn required(&self, requirement: Requirement) -> &Required {
        let mut all = self.requirements.iter();
        all.find(|of| of.requirement == requirement).unwrap()
    }

    fn is(&self, requirement: Requirement) -> Verdict {
        self.required(requirement).verdict
    }

    /// The verdict and the ground of a server, or of all.
    fn why(&self, requirement: Requirement, server: Option<u32>) -> (Verdict, &Ground) {
        let mut findings = self.required(requirement).findings.iter();
        let found = findings.find(|of| of.server == server.map(SourceId));
        let found = found.unwrap_or_else(|| panic!("{:?}", self.required(requirement)));
        (found.verdict, &found.ground)
    }
}

use Requirement as R;
use Verdict::{Fit, Undetermined, Unfit};

#[test]
fn good_servers_are_fit_in_all_respects() {
    let judged = of(goods(3));
    for of in &judged.requirements {
        assert_eq!(of.verdict, Fit, "{of:?}");
    }
    assert_eq!(judged.verdict, Fit);
    assert_eq!(judged.servers.len(), 3);
    assert_eq!(judged.servers[0].in_burst, Some((0, 80)));
    assert_eq!(judged.servers[0].hops, Some(0));
}

#[test]
fn one_or_two_servers_are_too_few() {
    let two = of(goods(2));
    assert_eq!(two.is(R::Servers), Unfit);
    assert_eq!(two.is(R::Agreement), Fit);
    let cannot = |ids: &[u32]| Ground::CannotLose(ids.iter().copied().map(SourceId).collect());
    assert_eq!(two.why(R::LosesAny, None), (Unfit, &cannot(&[0, 1])));
    let one = of(goods(1));
    assert_eq!(one.is(R::Servers), Unfit);
    assert_eq!(one.why(R::Agreement, None), (Undetermined, &Ground::TooFew));
    // One alone moves against nobody.
    assert_eq!(one.why(R::Steady, Some(0)), (Undetermined, &Ground::TooFew));
}

#[test]
fn a_falseticker_is_named_and_what_may_be_lost_beside_it() {
    let wrong = |of: &mut Server| of.ahead = |_| 50_000_000;
    let judged = of(but_last(3, wrong));
    let (verdict, ground) = judged.why(R::Agreement, Some(2));
    let Ground::Against {
        off: Some(off),
        looks,
    } = ground
    else {
        panic!("{ground:?}");
    };
    assert_eq!((verdict, *looks), (Unfit, Looks::Wrong));
    assert!(off.contains(TimeDelta::from_millis(50)) && off.width() < TimeDelta::from_millis(1));
    assert_eq!(judged.why(R::Agreement, Some(0)).0, Fit);
    // Without either good one, a good one and the wrong one are left.
    let cannot = Ground::CannotLose(vec![SourceId(0), SourceId(1)]);
    assert_eq!(judged.why(R::LosesAny, None), (Unfit, &cannot));
    assert_eq!(judged.is(R::Steady), Fit);
    assert_eq!(of(but_last(4, wrong)).is(R::LosesAny), Fit);
    // With one good one, nobody knows.
    let torn = of(but_last(2, wrong));
    assert_eq!(torn.why(R::Agreement, Some(0)), (Unfit, &Ground::Torn));
    assert_eq!(
        torn.why(R::Steady, Some(0)),
        (Undetermined, &Ground::NoMajority)
    );
}

#[test]
fn leap_seconds_are_told_from_falsetickers() {
    let looks_after = |seconds, started, ahead| {
        let mut run = Run::of(but_last(4, |of| of.ahead = ahead));
        (run.started, run.seconds) = (started, seconds);
        match run.judged().why(R::Agreement, Some(3)) {
            (Unfit, Ground::Against { looks, .. }) => *looks,
            other => panic!("{other:?}"),
        }
    };
    let looks = |started, ahead| looks_after(60, started, ahead);
    assert_eq!(looks(START, |_| SEC), Looks::WholeSecond);
    assert_eq!(looks(START, |_| -SEC), Looks::WholeSecond);
    let smear: fn(i64) -> i64 = |t| 300_000_000 + t / 86_400;
    assert_eq!(looks(LEAP_DAY, smear), Looks::Smeared);
    // No leap second is near: a clock that runs off.
    assert_eq!(looks(START, smear), Looks::Wrong);
    // It takes some minutes to see that one stands still.
    assert_eq!(looks_after(600, LEAP_DAY, |_| 50_000_000), Looks::Wrong);
    assert_eq!(looks(START, |_| 50_000_000), Looks::Wrong);
    // 100 ppm, and half a minute.
    assert_eq!(looks(LEAP_DAY, |t| 300_000_000 + t / 10_000), Looks::Wrong);
    assert_eq!(looks(LEAP_DAY, |t| 30 * SEC + t / 86_400), Looks::Wrong);
}

#[test]
fn a_server_that_moves_is_named() {
    // 30 ms at once, in the middle.
    let judged = of(but_last(4, |of| {
        of.ahead = |t| i64::from(t > 30 * SEC) * 30_000_000;
    }));
    assert_eq!(judged.why(R::Steady, Some(3)), (Unfit, &Ground::Moved(1)));
    assert_eq!(judged.why(R::Steady, Some(0)).0, Fit);
    // 20 ms in a minute, as fast as a clock may be.
    let judged = of(but_last(4, |of| of.ahead = |t| t / 3_000));
    let (verdict, ground) = judged.why(R::Steady, Some(3));
    assert!(
        matches!(ground, Ground::Moves { .. } | Ground::Moved(_)),
        "{ground:?}"
    );
    assert_eq!(verdict, Unfit);
    // With two of them nobody knows which one does.
    let judged = of(but_last(2, |of| {
        of.ahead = |t| t / 3_000;
        of.dispersion = TimeDelta::from_secs(1);
    }));
    assert_ne!(judged.is(R::Steady), Unfit, "{judged:?}");
}

#[test]
fn what_breaks_with_all_is_this_host() {
    let stepped = |servers: Vec<Server>| -> Vec<Server> {
        let step = |of: Server| Server {
            ahead: |t| i64::from(t > 30 * SEC) * 400_000_000,
            ..of
        };
        servers.into_iter().map(step).collect()
    };
    let judged = of(stepped(goods(3)));
    let moved = |of: &Finding| matches!(of.ground, Ground::Moved(_));
    let found = judged.required(R::Steady);
    assert!(!found.findings.iter().any(moved), "{found:?}");
    // One that fell silent before says nothing of it.
    let mut servers = stepped(goods(3));
    servers.push(Server {
        calm: |k| if k < 20 { End::Answered } else { LOST },
        ..good(4)
    });
    let judged = of(servers);
    let found = judged.required(R::Steady);
    assert!(!found.findings.iter().any(moved), "{found:?}");
}

/// What is said of the rate of the last of three.
fn rate(calm: fn(i64) -> End, burst: fn(i64) -> End) -> (Verdict, Ground) {
    let judged = of(but_last(3, |of| {
        of.calm = calm;
        of.burst = Some(burst);
    }));
    let (verdict, ground) = judged.why(R::NotRateLimited, Some(2));
    (verdict, ground.clone())
}

fn answered(_: i64) -> End {
    End::Answered
}

#[test]
fn a_limited_rate_is_told_from_a_path_that_loses() {
    let lost = |of: &(Verdict, Ground)| matches!(of.1, Ground::Lost { .. });
    // Three of four in the burst alone.
    let limited = rate(answered, |k| {
        if k < 4 || k % 4 == 0 {
            End::Answered
        } else {
            LOST
        }
    });
    assert!(limited.0 == Unfit && lost(&limited), "{limited:?}");
    // Asked once a second it is limited, too; the first eight were let pass.
    let always = rate(
        |k| {
            if k < 8 || k % 4 == 0 {
                End::Answered
            } else {
                LOST
            }
        },
        |k| if k % 4 == 0 { End::Answered } else { LOST },
    );
    assert!(always.0 == Unfit && lost(&always), "{always:?}");
    // A path that loses every seventh at all times, and one that loses every second.
    let lossy = |k| if k % 7 == 3 { LOST } else { End::Answered };
    assert_eq!(rate(lossy, lossy).0, Undetermined);
    let bad = |k| if k % 2 == 1 { LOST } else { End::Answered };
    assert_eq!(rate(bad, bad).0, Undetermined);
    // One of eighty.
    assert_eq!(
        rate(answered, |k| if k == 7 { LOST } else { End::Answered }).0,
        Fit
    );
    // Answered late, because this host or the server has too much to do.
    let late = rate(
        answered,
        |k| if k % 2 == 0 { End::Late } else { End::Answered },
    );
    assert!(late.0 == Undetermined && lost(&late), "{late:?}");
    // Nobody waited for those that were out when the run was ended.
    let ended = rate(answered, |k| match k {
        60.. => End::Lost(LossCause::Interrupted),
        _ => End::Answered,
    });
    assert_eq!(ended.0, Fit, "{ended:?}");
}

#[test]
fn kisses_limit_a_rate_wherever_they_come() {
    let kiss = |k| match k {
        20 => End::Rejected(Rejection::KissRate),
        _ => End::Answered,
    };
    assert_eq!(rate(kiss, answered), (Unfit, Ground::Kissed(1)));
    assert_eq!(rate(answered, kiss), (Unfit, Ground::Kissed(1)));
    // Whoever is shut out once he asks often is limited; whoever is shut out at all times has no service.
    let deny = |k| match k {
        70.. => End::Rejected(Rejection::KissDeny),
        _ => End::Answered,
    };
    assert_eq!(rate(answered, deny), (Unfit, Ground::Refuses(10)));
}

#[test]
fn one_that_falls_silent_before_the_burst_limits_no_rate() {
    assert_eq!(rate(answered, |_| LOST), (Undetermined, Ground::Gone(80)));
    // One that lets the first ones pass does.
    let closed = rate(answered, |k| if k < 8 { End::Answered } else { LOST });
    assert_eq!(closed.0, Unfit, "{closed:?}");
}

#[test]
fn what_may_not_be_pressed_is_not_known() {
    let judged = of(but_last(3, |of| {
        of.address = "192.0.2.99";
        of.burst = None;
        of.audited = Some(Audited {
            odd: Vec::new(),
            ..quiet()
        });
    }));
    for (requirement, ground) in [
        (R::NotRateLimited, Ground::NoBurst),
        (R::BurstDelay, Ground::NoBurst),
        (R::NoAmplification, Ground::NotAsked),
    ] {
        assert_eq!(judged.why(requirement, Some(2)), (Undetermined, &ground));
        assert_eq!(judged.why(requirement, Some(0)).0, Fit);
    }
    assert_eq!(judged.verdict, Undetermined);
}

#[test]
fn requests_that_wait_in_a_burst_are_seen() {
    let grown = |burst: fn(i64) -> End| {
        let judged = of(but_last(3, |of| of.burst = Some(burst)));
        let found = judged.why(R::BurstDelay, Some(2));
        (found.0, found.1.clone())
    };
    let slow = grown(|_| End::Slow(TimeDelta::from_millis(40)));
    assert_eq!(slow, (Unfit, Ground::Longer));
    assert_eq!(
        grown(|_| End::Slow(TimeDelta::from_micros(5))),
        (Fit, Ground::Longer)
    );
    // Two answers have no median.
    let few = grown(|k| if k < 2 { End::Answered } else { LOST });
    assert_eq!(few, (Undetermined, Ground::Longer));
}

/// What is said of the answers of the last of three.
fn answers(calm: fn(i64) -> End) -> (Verdict, Ground) {
    let judged = of(but_last(3, |of| of.calm = calm));
    let (verdict, ground) = judged.why(R::Answers, Some(2));
    (verdict, ground.clone())
}

#[test]
fn how_many_requests_are_lost_is_judged_by_what_is_proven() {
    assert_eq!(answers(answered), (Fit, Ground::Requests(0, 60)));
    assert_eq!(
        answers(|k| if k % 7 == 0 { LOST } else { End::Answered }).0,
        Undetermined
    );
    let half = answers(|k| if k % 2 == 0 { LOST } else { End::Answered });
    assert_eq!(half, (Unfit, Ground::Requests(30, 60)));
    assert_eq!(answers(|_| LOST), (Unfit, Ground::Silent(60)));
    let refused = answers(|_| End::Lost(LossCause::Refused));
    assert_eq!(refused, (Unfit, Ground::Silent(60)));
    // What was out when the run was ended is not lost.
    let ended = answers(|_| End::Lost(LossCause::Interrupted));
    assert_eq!(ended, (Undetermined, Ground::Silent(0)));
}

#[test]
fn answers_that_are_no_use_are_none() {
    let distant = |_| End::Rejected(Rejection::RootDistance);
    let expected = Ground::Unusable(Rejection::RootDistance, 60);
    assert_eq!(answers(distant), (Unfit, expected));
    let stepped = |_| End::Rejected(Rejection::ClockStep);
    assert_eq!(answers(stepped).0, Undetermined);
    let denied = |_| End::Rejected(Rejection::KissDeny);
    assert_eq!(answers(denied), (Unfit, Ground::Refuses(60)));
}

#[test]
fn a_run_that_is_ended_at_once_says_nothing_of_silence() {
    let mut run = Run::of(goods(3));
    for server in &mut run.servers {
        server.calm = |_| End::Lost(LossCause::Interrupted);
        server.burst = None;
        server.audited = None;
    }
    run.seconds = 1;
    let judged = run.judged();
    for of in &judged.requirements {
        assert_eq!(of.verdict, Undetermined, "{of:?}");
    }
    // One request that nobody answers may be lost by chance.
    let mut run = Run::of(but_last(3, |of| of.calm = |_| LOST));
    run.seconds = 1;
    let judged = run.judged();
    assert_eq!(
        judged.why(R::Answers, Some(2)),
        (Undetermined, &Ground::Silent(1))
    );
    assert_eq!(judged.is(R::Servers), Undetermined);
}

#[test]
fn what_this_host_cannot_reach_or_find_says_nothing_of_servers() {
    let error = "Network is unreachable (os error 101)".to_owned();
    let mut run = Run::of(but_last(3, |of| {
        of.address = "fd00::3";
        of.calm = |_| End::Lost(LossCause::Refused);
    }));
    run.notes = vec![(
        Some(SourceId(2)),
        Note::Unreachable {
            error: error.clone(),
        },
    )];
    let judged = run.judged();
    let ground = Ground::Unreachable(error);
    assert_eq!(judged.why(R::Answers, Some(2)), (Undetermined, &ground));
    assert_eq!(judged.is(R::Servers), Undetermined);
    assert_eq!(judged.is(R::LosesAny), Undetermined);
    assert_eq!(judged.verdict, Undetermined);
    // A name that this host does not find is not passed over.
    let (source, error) = ("ntp4.example".to_owned(), "no such name".to_owned());
    let note = |source: &String| Note::Unresolved {
        source: source.clone(),
        error: error.clone(),
    };
    let mut run = Run::of(goods(3));
    run.notes = vec![(None, note(&source))];
    let judged = run.judged();
    assert_eq!((judged.is(R::Servers), judged.verdict), (Fit, Undetermined));
    let expected = Ground::Unresolved {
        source: source.clone(),
        error: error.clone(),
    };
    assert_eq!(judged.why(R::Answers, None), (Undetermined, &expected));
    let mut run = Run::of(goods(2));
    run.notes = vec![(None, note(&source))];
    assert_eq!(run.judged().is(R::Servers), Undetermined);
}

#[test]
fn servers_that_are_not_synchronised_are_named() {
    let judged = of(but_last(3, |of| {
        of.calm = |_| End::Rejected(Rejection::Unsynchronised);
    }));
    let ground = Ground::Unsynchronised(60);
    assert_eq!(judged.why(R::Synchronised, Some(2)), (Unfit, &ground));
    assert_eq!(judged.why(R::Synchronised, Some(0)), (Fit, &Ground::Says));
    let mut all = goods(3);
    for server in &mut all {
        server.calm = |_| End::Rejected(Rejection::Unsynchronised);
    }
    let judged = of(all);
    assert_eq!(
        (judged.is(R::Synchronised), judged.is(R::Servers)),
        (Unfit, Fit)
    );
    for open in [R::Agreement, R::LosesAny, R::RootDistance, R::Local] {
        assert_eq!(judged.is(open), Undetermined, "{open:?}");
    }
    // Nobody answers: nobody says.
    let mut none = goods(3);
    for server in &mut none {
        server.calm = |_| LOST;
    }
    let judged = of(none);
    assert_eq!(
        (judged.is(R::Synchronised), judged.is(R::Servers)),
        (Undetermined, Unfit)
    );
}

#[test]
fn a_server_that_cannot_be_compared_is_not_passed_over() {
    let judged = of(but_last(4, |of| of.leap = Leap::Unsynchronised));
    assert_eq!(
        judged.why(R::Agreement, Some(3)),
        (Undetermined, &Ground::NotCompared)
    );
    assert_eq!(
        judged.why(R::Steady, Some(3)),
        (Undetermined, &Ground::NotCompared)
    );
    assert_eq!(judged.why(R::Agreement, Some(0)).0, Fit);
}

#[test]
fn far_servers_are_named() {
    let far = |of: &mut Server| of.away = TimeDelta::from_millis(10);
    let judged = of(but_last(3, far));
    let ground = Ground::Way { hops: Some(0) };
    assert_eq!(judged.why(R::Local, Some(2)), (Unfit, &ground));
    // A few answers may all have waited.
    let mut run = Run::of(but_last(3, far));
    run.seconds = 5;
    assert_eq!(run.judged().is(R::Local), Undetermined);
    for (ttl, hops) in [(255, 0), (254, 1), (64, 0), (63, 1), (65, 63), (0, 32)] {
        let judged = of(but_last(3, |of| {
            of.audited.as_mut().unwrap().ttl = Some(ttl);
        }));
        assert_eq!(judged.servers[2].hops, Some(hops), "{ttl}");
    }
}

#[test]
fn servers_far_from_utc_by_their_own_word_are_named() {
    let judged = of(but_last(3, |of| {
        of.dispersion = TimeDelta::from_millis(900);
    }));
    assert_eq!(judged.why(R::RootDistance, Some(2)), (Unfit, &Ground::Says));
    assert_eq!(judged.why(R::RootDistance, Some(0)), (Fit, &Ground::Says));
}

#[test]
fn servers_that_follow_one_clock_may_have_others() {
    let follow = |ids: [[u8; 4]; 3], strata: [u8; 3]| {
        let mut servers = goods(3);
        for ((of, id), stratum) in servers.iter_mut().zip(ids).zip(strata) {
            (of.follows, of.stratum) = (id, stratum);
        }
        let judged = Run::of(servers).judged();
        let (verdict, ground) = judged.why(R::Upstreams, None);
        (verdict, ground.clone())
    };
    let clocks = |of: &[&str]| Ground::Follow(of.iter().map(ToString::to_string).collect());
    let one = [192, 0, 2, 1];
    let found = follow([one; 3], [2; 3]);
    assert_eq!(found, (Undetermined, clocks(&["192.0.2.1"])));
    let found = follow([one, one, [192, 0, 2, 2]], [2; 3]);
    assert_eq!(found, (Fit, clocks(&["192.0.2.1", "192.0.2.2"])));
    // Two that follow the third hang on what that follows, or is.
    let first = [10, 0, 0, 1];
    let found = follow([*b"GPS\0", first, first], [1, 2, 2]);
    assert_eq!(
        found,
        (Undetermined, clocks(&["a clock of 10.0.0.1 itself"]))
    );
    let found = follow([one, first, first], [2, 3, 3]);
    assert_eq!(found, (Undetermined, clocks(&["192.0.2.1"])));
    // What is not told is no clock.
    let found = follow([one, [0; 4], [127; 4]], [2; 3]);
    assert_eq!(found, (Undetermined, clocks(&["192.0.2.1"])));
    let found = follow([*b"GPS\0", *b"GPS\0", one], [1, 1, 2]);
    assert_eq!(found.0, Fit);
}

#[test]
fn addresses_of_one_server_count_once() {
    let answered = |servers: Vec<Server>| match of(servers).why(R::Servers, None) {
        (verdict, Ground::Servers { answered, together }) => {
            let ids = |of: &Vec<SourceId>| of.iter().map(|id| id.0).collect::<Vec<_>>();
            (
                verdict,
                *answered,
                together.iter().map(ids).collect::<Vec<_>>(),
            )
        }
        other => panic!("{other:?}"),
    };
    // A name in both families.
    let mut servers = goods(3);
    (servers[0].source, servers[1].source) = ("ntp.example", "ntp.example");
    assert_eq!(answered(servers.clone()), (Fit, 3, vec![]));
    servers[1].address = "fd00::1";
    assert_eq!(answered(servers), (Unfit, 2, vec![vec![0, 1]]));
    // One clock behind two addresses.
    let mut servers = goods(4);
    for (of, time) in servers.iter_mut().zip([7, 8, 9, 7]) {
        of.corrected = Some(time);
    }
    assert_eq!(answered(servers.clone()), (Fit, 3, vec![vec![0, 3]]));
    servers[2].corrected = Some(8);
    assert_eq!(answered(servers), (Unfit, 2, vec![vec![0, 3], vec![1, 2]]));
}

#[test]
fn one_that_is_lost_takes_all_its_addresses_with_it() {
    let mut servers = goods(4);
    for of in &mut servers[..2] {
        of.source = "ntp.example";
    }
    servers[1].address = "fd00::1";
    assert_eq!(of(servers.clone()).is(R::LosesAny), Fit);
    // Of a name whose first address says nothing usable the other one speaks.
    servers.pop();
    servers.push(good(4));
    servers[0].calm = |_| End::Rejected(Rejection::Unsynchronised);
    assert_eq!(of(servers).is(R::LosesAny), Fit);
    let mut three = goods(3);
    three[1].source = three[0].source;
    three[1].address = "fd00::1";
    let cannot = Ground::CannotLose(vec![SourceId(0), SourceId(2)]);
    assert_eq!(of(three).why(R::LosesAny, None), (Unfit, &cannot));
}

#[test]
fn what_answers_more_than_it_is_asked_is_named() {
    let with = |question: OddQuestion, packets, answered| {
        let judged = of(but_last(3, |of| {
            let audited = of.audited.as_mut().unwrap();
            let mut odd = audited.odd.iter_mut();
            let answer = odd.find(|of| of.question == question).unwrap();
            (answer.packets, answer.answered) = (packets, answered);
        }));
        let found = judged.why(R::NoAmplification, Some(2));
        (found.0, found.1.clone())
    };
    assert_eq!(
        with(OddQuestion::FirstVersion, 1, 48),
        (Fit, Ground::Odd(vec![]))
    );
    assert_eq!(with(OddQuestion::FirstVersion, 2, 96).0, Unfit);
    // However short, nobody is told who asked lately.
    assert_eq!(with(OddQuestion::Private, 1, 8).0, Unfit);
    assert_eq!(with(OddQuestion::Control, 1, 12).0, Unfit);
    // One that is down by then is silent, too.
    let judged = of(but_last(3, |of| of.audited.as_mut().unwrap().ttl = None));
    assert_eq!(
        judged.why(R::NoAmplification, Some(2)),
        (Undetermined, &Ground::SilentThen)
    );
}

#[test]
fn another_program_s_recording_tells_of_no_losses() {
    let mut run = Run::of(goods(3));
    run.notes = vec![(
        None,
        Note::Imported {
            format: "measurements.log".to_owned(),
            meaning: String::new(),
        },
    )];
    let judged = run.judged();
    assert_eq!(
        judged.why(R::Answers, Some(0)),
        (Undetermined, &Ground::LossesNotKept)
    );
}

#[test]
fn absurd_counts_are_judged_in_no_time() {
    let mut campaign = Run::of(goods(3)).campaign();
    let at = Monotonic::default();
    for id in 0..6 {
        let kiss = if id == 1 || id == 4 {
            Rejection::KissRate
        } else {
            Rejection::ZeroStamp
        };
        campaign.event(&Event::Rejected(SourceId(id), at, kiss, u64::MAX));
    }
    let judged = judged(&campaign);
    let kissed = judged.why(R::NotRateLimited, Some(1));
    assert_eq!(kissed, (Unfit, &Ground::Kissed(u64::MAX)));
    assert_eq!(judged.why(R::NotRateLimited, Some(0)).0, Fit);
}

#[test]
fn many_servers_that_tell_of_many_corrections_are_told_apart_in_time() {
    // Pairs of them are 11 000, and pairs of corrections a million each.
    let mut campaign = Campaign::default();
    for n in 0..150_u32 {
        let info = SourceInfo {
            source: format!("ntp{n}"),
            address: format!("10.0.{n}.1"),
            port: 123,
            kind: SourceKind::Ntp,
            timescale: Timescale::Unknown,
            path: 0,
            local_clock: None,
        };
        campaign.event(&Event::Source(info.into()));
        let run = Run::of(Vec::new());
        for k in 0..900_u32 {
            let corrected = u64::from(n * 1_000 + k + 1);
            let server = Server {
                corrected: Some(corrected),
                ..good(1)
            };
            let when = (i64::from(k) * SEC, SEC, 1);
            run.ask(SourceId(n), &server, when, |_| End::Answered, &mut campaign);
        }
    }
    let parties = provider::parties(&campaign, |_| true);
    assert_eq!(parties.len(), 150);
}

#[test]
fn no_server_at_all_is_no_provider() {
    let campaign = Campaign::default();
    let found = provide(
        &campaign,
        &analyse(&campaign, &Plan::default()),
        &Catalogue::builtin(),
    );
    assert_eq!(found, Err(CannotJudge::NothingKnown));
}
