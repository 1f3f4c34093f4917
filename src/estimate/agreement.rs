//! [`Agreement`]: what several servers say of one instant.
//!
//! All servers are compared at one reading of the counter, so that the local clock, its error and its
//! steering, is the same for all and cancels in every difference. Which servers may be right is judged
//! by their own claims: how far they may be from UTC by their own word (root distance) widens what was
//! measured of them.

use std::cmp::Reverse;

use super::SourceAssessment;
use super::paths::is_same_server;
use super::steering::{Reading, saturate};
use super::warning::{Warning, WarningCode, said};
use crate::sample::{Campaign, Sample, SourceId, SourceKind, SourceRecord};
use crate::stats::{COORDINATE_LIMIT, Claimed, intersection, most_agreed, trimmed};
use crate::time::{Interval, NANOS_PER_SEC, TimeDelta, Timestamp};

/// Up to this many servers, every pair of them is told: what a person can read, and nobody needs more.
const IN_PAIRS: usize = 16;

/// How far apart two servers that both are right may be, halved: 25 ms (RFC 9523, and the default of
/// its reference implementation).
const KHRONOS_W: TimeDelta = TimeDelta::from_millis(25);

/// What the local clock may have drifted by since it was last right: 50 ms, the same.
const KHRONOS_ERR: TimeDelta = TimeDelta::from_millis(50);

/// A source's clock minus the local one, proven, at the instant of `common`.
pub(super) fn at_instant(found: &SourceAssessment, common: &Sample) -> Option<Interval> {
    let (lower, upper) = found.timing.common?;
    let reading = Reading::of(common);
    // The instant itself is known to its error, in which phi may move, too.
    let moved = i128::from(found.timing.allowance.drift.widest().as_ppb()) * reading.error;
    let error = reading.error + moved / i128::from(NANOS_PER_SEC) + 1;
    interval(
        saturate(lower - reading.wall - error),
        saturate(upper - reading.wall + error),
    )
}

/// What several servers agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// When, on the local clock.
    pub at: Timestamp,
    /// The servers that can be compared, in the campaign's order.
    pub members: Vec<Member>,
    /// Where the local clock is, by the claims of as many servers as agree (Marzullo).
    pub offset: Interval,
    /// How many servers agree: hold a value that no more servers hold.
    pub votes: usize,
    /// Whether they are more than half.
    pub majority: bool,
    /// How many of those that agree may turn out wrong before they are no majority any more.
    pub spare: usize,
    /// The same by RFC 5905 section 11.2.1; absent where there is no majority.
    pub intersection: Option<Interval>,
    /// Every pair, with up to sixteen servers.
    pub pairs: Vec<Pair>,
    /// The pair that is proven to be furthest apart.
    pub widest: Option<Pair>,
    /// Pairs of servers whose own claims cannot both be true; the first hundred.
    pub contradictions: Vec<(SourceId, SourceId)>,
    /// How many there are.
    pub contradicting: u64,
    /// What Khronos would make of them.
    pub khronos: Khronos,
}

/// One server among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which source.
    pub source: SourceId,
    /// Its clock minus the local one, proven.
    pub offset: Interval,
    /// UTC minus the local clock, by its own word: the same, widened by its root distance.
    pub claim: Interval,
    /// Whether its claim has anything in common with what most agree on.
    pub agrees: bool,
    /// Whether RFC 5905 would call it a truechimer.
    pub truechimer: bool,
}

/// Two servers at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// One.
    pub a: SourceId,
    /// The other.
    pub b: SourceId,
    /// The clock of a minus that of b, proven; the local clock has no part in it.
    pub skew: Interval,
}

/// Whether Khronos (RFC 9523) would accept these servers' time for this clock, if they were the sample
/// it drew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Khronos {
    /// Servers that are left when the lowest and the highest third are dropped.
    pub kept: usize,
    /// The mean of what is left.
    pub mean: TimeDelta,
    /// From the lowest to the highest of it.
    pub spread: TimeDelta,
    /// Whether the spread is within 2 w, w being 25 ms.
    pub close: bool,
    /// Whether the mean is within 50 ms + 2 w of the local clock.
    pub near: bool,
}

/// The sample at whose instant servers are compared: the last of all. What was heard of a server before
/// is less sure by then, and the more so the longer ago it is.
pub(super) fn common_instant(campaign: &Campaign) -> Option<Sample> {
    let servers = campaign.asked().filter(|record| can_be_compared(record));
    servers
        .filter_map(|record| {
            let first = record.samples.iter().next()?;
            let near = |latest: &Sample| latest.at.since(first.at).as_nanos() < COORDINATE_LIMIT;
            // One that is absurd is nowhere; then the last one that was recorded stands for all.
            let end = record.samples.chunks().checked_sub(1)?;
            let proofs = || record.samples.chunk(end).filter(|s| s.mode.proves());
            record
                .samples
                .latest()
                .filter(near)
                .or_else(|| proofs().last())
        })
        .max_by_key(|sample| sample.at)
}

fn can_be_compared(record: &SourceRecord) -> bool {
    record.info.kind == SourceKind::Ntp
}

impl Agreement {
    /// What the servers of a campaign agree on at the instant of `common`; `None` with fewer than two, and
    /// where they were measured from different clocks.
    pub(super) fn find<'a>(
        campaign: &'a Campaign,
        sources: &[SourceAssessment],
        common: &Sample,
    ) -> Option<Self> {
        let servers: Vec<(SourceId, &SourceRecord, &SourceAssessment)> = (0..)
            .zip(campaign.sources.iter().zip(sources))
            .filter(|(_, (record, _))| can_be_compared(record) && !campaign.is_beside(record))
            .map(|(n, (record, found))| (SourceId(n), record, found))
            .collect();
        let local = |server: &(_, &'a SourceRecord, _)| server.1.info.local_clock.as_deref();
        let first = servers.first().and_then(local);
        if servers.iter().any(|server| local(server) != first) {
            return None;
        }
        // Several paths lead to one witness.
        let mut members: Vec<Member> = servers
            .chunk_by(|(_, a, _), (_, b, _)| is_same_server(a, b))
            .filter_map(|paths| Member::of(paths, common))
            .collect();
        if members.len() < 2 {
            return None;
        }
        let claims: Vec<Claimed> = members.iter().map(|member| claimed(member.claim)).collect();
        let agreed = most_agreed(&claims)?;
        let chosen = intersection(&claims);
        for (member, claim) in members.iter_mut().zip(&claims) {
            member.agrees = claim.meets(agreed.lower, agreed.upper);
            member.truechimer = chosen.is_some_and(|c| claim.meets(c.lower, c.upper));
        }
        let majority = 2 * agreed.votes > members.len();
        let (contradictions, contradicting) = contradictions(&members);
        Some(Self {
            at: common.exchange.t1,
            offset: interval(agreed.lower, agreed.upper)?,
            votes: agreed.votes,
            majority,
            spare: match majority {
                true => agreed.votes - members.len() / 2 - 1,
                false => 0,
            },
            intersection: chosen.and_then(|c| interval(c.lower, c.upper)),
            pairs: pairs(&members),
            widest: widest(&members),
            contradictions,
            contradicting,
            khronos: Khronos::of(&members)?,
            members,
        })
    }

    /// What the reader should know of it.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let (votes, n) = (self.votes, self.members.len());
        if !self.majority {
            let text = format!(
                "the servers contradict each other: by what they say of themselves at most {votes} of {n} \
                 can be right, which is no majority"
            );
            return vec![Warning {
                code: WarningCode::NoMajority,
                source: None,
                text,
            }];
        }
        let outside = self.members.iter().filter(|member| !member.agrees);
        let warn = |member: &Member| {
            let below = self.offset.lower() - member.claim.upper();
            let above = member.claim.lower() - self.offset.upper();
            let text = format!(
                "contradicts what {votes} of {n} servers agree on by at least {}, its root distance taken \
                 into account: it is wrong, or they are",
                said(below.max(above)).trim_start_matches('+')
            );
            Warning {
                code: WarningCode::Falseticker,
                source: Some(member.source),
                text,
            }
        };
        outside.map(warn).collect()
    }
}

impl Member {
    /// One server, by all paths to it.
    fn of(paths: &[(SourceId, &SourceRecord, &SourceAssessment)], common: &Sample) -> Option<Self> {
        let bounds = paths
            .iter()
            .filter_map(|(_, _, found)| at_instant(found, common));
        // Paths that contradict each other leave the first its word.
        let offset = bounds.reduce(|both, one| both.intersect(one).unwrap_or(both))?;
        let (source, _, found) = paths.first()?;
        let distance = found.server?.root_distance();
        Some(Self {
            source: *source,
            offset,
            claim: offset.widen(distance),
            agrees: false,
            truechimer: false,
        })
    }

    /// Its clock minus that of another.
    fn skew(&self, other: &Self) -> Option<Interval> {
        let (a, b) = (self.offset, other.offset);
        Interval::new(a.lower() - b.upper(), a.upper() - b.lower())
    }

    fn pair(&self, other: &Self) -> Option<Pair> {
        Some(Pair {
            a: self.source,
            b: other.source,
            skew: self.skew(other)?,
        })
    }
}

fn pairs(members: &[Member]) -> Vec<Pair> {
    if members.len() > IN_PAIRS {
        return Vec::new();
    }
    let each = members.iter().enumerate();
    each.flat_map(|(n, a)| {
        let others = members.iter().skip(n + 1);
        others.filter_map(|b| a.pair(b))
    })
    .collect()
}

/// The pair that is proven to be furthest apart: the highest lower end against the lowest upper one, or, where
/// one server has both, the better of the two next to them.
fn widest(members: &[Member]) -> Option<Pair> {
    let against = |ahead: &Member| {
        let others = members.iter().filter(|m| m.source != ahead.source);
        ahead.pair(others.min_by_key(|m| m.offset.upper())?)
    };
    let first = members.iter().max_by_key(|m| m.offset.lower())?;
    let others = members.iter().filter(|m| m.source != first.source);
    let second = others.max_by_key(|m| m.offset.lower())?;
    let candidates = [against(first), against(second)].into_iter().flatten();
    // Among equals the first.
    candidates.min_by_key(|pair| Reverse(pair.skew.lower()))
}

/// Pairs of claims without a common value, by their order; counted in n log n, told up to a hundred.
fn contradictions(members: &[Member]) -> (Vec<(SourceId, SourceId)>, u64) {
    const MOST: usize = 100;
    let mut by_upper: Vec<&Member> = members.iter().collect();
    by_upper.sort_by_key(|m| m.claim.upper());
    let mut told = Vec::new();
    let mut count = 0;
    for member in members {
        let below = by_upper.partition_point(|other| other.claim.upper() < member.claim.lower());
        count += u64::try_from(below).unwrap_or(u64::MAX);
        let room = MOST - told.len();
        let pairs = by_upper.iter().take(below.min(room));
        told.extend(pairs.map(|other| {
            (
                other.source.min(member.source),
                other.source.max(member.source),
            )
        }));
    }
    told.sort_unstable();
    (told, count)
}

impl Khronos {
    fn of(members: &[Member]) -> Option<Self> {
        let offsets: Vec<i64> = members
            .iter()
            .map(|member| member.offset.midpoint().as_nanos())
            .collect();
        let kept = trimmed(&offsets)?;
        let mean = TimeDelta::from_nanos(kept.mean);
        let spread = TimeDelta::from_nanos(i64::try_from(kept.spread).unwrap_or(i64::MAX));
        Some(Self {
            kept: kept.kept,
            mean,
            spread,
            close: spread <= KHRONOS_W.times(2),
            near: mean.abs() <= KHRONOS_ERR + KHRONOS_W.times(2),
        })
    }

    /// Whether it would accept them.
    pub fn accepts(&self) -> bool {
        self.close && self.near
    }
}

pub(super) fn claimed(interval: Interval) -> Claimed {
    Claimed {
        lower: interval.lower().as_nanos(),
        upper: interval.upper().as_nanos(),
    }
}

pub(super) fn interval(lower: i64, upper: i64) -> Option<Interval> {
    Interval::new(TimeDelta::from_nanos(lower), TimeDelta::from_nanos(upper))
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, analyse};
    use super::*;
    use crate::sample::{
        Event, Exchange, Leap, Mode, ReferenceId, RunHeader, ServerInfo, Sink, SourceInfo,
        StampSource, Timescale,
    };
    use crate::time::Monotonic;

    const SEC: i64 = 1_000_000_000;

    fn us(n: i64) -> TimeDelta {
        TimeDelta::from_micros(n)
    }

    /// Servers, each ahead of true time by so much, with so much root dispersion; asked ten times,
    /// 50 us away. The local clock is ahead by 7 ms, steered by 100 ppm, and nobody knows.
    fn campaign(servers: &[(TimeDelta, TimeDelta)]) -> Campaign {
        let mut campaign = Campaign::new(RunHeader {
            timeout: TimeDelta::from_secs(1),
            ..RunHeader::default()
        });
        for (n, (ahead, dispersion)) in (0..).zip(servers) {
            let id = SourceId(n);
            let info = SourceInfo {
                source: format!("time{n}.example"),
                address: format!("192.0.2.{n}"),
                port: 123,
                kind: SourceKind::Ntp,
                timescale: Timescale::Utc,
                path: 0,
                local_clock: None,
            };
            campaign.event(&Event::Source(info.into()));
            let server = ServerInfo {
                leap: Leap::None,
                stratum: 2,
                precision: -29,
                root_delay: TimeDelta::ZERO,
                root_dispersion: *dispersion,
                reference_id: ReferenceId::default(),
                reference_time: None,
            };
            campaign.event(&Event::Server(id, server));
            for k in 0..10 {
                let at = k * SEC + i64::from(n) * 1_000_000;
                let wrong = us(7_000) + TimeDelta::from_nanos(at / 10_000);
                let sample = Sample {
                    exchange: Exchange {
                        t1: Timestamp::from_nanos(1_763_832_000 * SEC + at) + wrong,
                        upper: *ahead - wrong + us(50),
                        residence: us(10),
                        lower: *ahead - wrong - us(50),
                        tx: StampSource::Kernel,
                        rx: StampSource::Kernel,
                        error: TimeDelta::NANOSECOND,
                    },
                    mode: Mode::Basic,
                    at: Monotonic::from_nanos(at),
                    at_error: TimeDelta::from_nanos(100),
                };
                campaign.event(&Event::Sample(id, sample));
            }
        }
        campaign
    }

    fn found(servers: &[(TimeDelta, TimeDelta)]) -> Agreement {
        analyse(&campaign(servers), &Plan::default())
            .agreement
            .unwrap()
    }

    fn warned(servers: &[(TimeDelta, TimeDelta)]) -> Vec<(WarningCode, Option<SourceId>)> {
        let found = analyse(&campaign(servers), &Plan::default());
        let of_agreement = [WarningCode::NoMajority, WarningCode::Falseticker];
        let warnings = found
            .warnings
            .iter()
            .filter(|w| of_agreement.contains(&w.code));
        warnings.map(|w| (w.code, w.source)).collect()
    }

    #[test]
    fn a_liar_is_named_and_the_others_agree() {
        let right = (us(0), us(200));
        let servers = [right, (us(100_000), us(200)), right, right];
        let found = found(&servers);
        assert_eq!((found.votes, found.majority, found.spare), (3, true, 0));
        let agrees: Vec<bool> = found.members.iter().map(|m| m.agrees).collect();
        assert_eq!(agrees, [true, false, true, true]);
        let chimes: Vec<bool> = found.members.iter().map(|m| m.truechimer).collect();
        assert_eq!(chimes, agrees);
        // True time minus the local clock, at the end of the run.
        let truth = us(-7_000) - TimeDelta::from_nanos(9 * SEC / 10_000);
        assert!(found.offset.contains(truth), "{found:?}");
        assert!(found.intersection.unwrap().contains(truth));
        assert_eq!(found.contradicting, 3);
        assert_eq!(found.contradictions[0], (SourceId(0), SourceId(1)));
        assert_eq!(
            warned(&servers),
            [(WarningCode::Falseticker, Some(SourceId(1)))]
        );
        assert!(found.khronos.accepts());
    }

    #[test]
    fn servers_are_compared_as_if_there_were_no_local_clock() {
        let servers = [(us(0), us(1)), (us(300), us(1)), (us(-40), us(1))];
        let found = found(&servers);
        assert_eq!(found.pairs.len(), 3);
        for pair in &found.pairs {
            let ahead = |id: SourceId| servers[id.index()].0;
            assert!(
                pair.skew.contains(ahead(pair.a) - ahead(pair.b)),
                "{pair:?}"
            );
            // The floors of both ways to both servers, and what may drift in some milliseconds.
            assert!(pair.skew.width() < us(215), "{pair:?}");
        }
        let widest = found.widest.unwrap();
        assert_eq!((widest.a, widest.b), (SourceId(1), SourceId(2)));
        assert!(widest.skew.lower() > us(230));
    }

    #[test]
    fn two_that_contradict_each_other_are_no_majority() {
        let servers = [(us(0), us(100)), (us(5_000), us(100))];
        let found = found(&servers);
        assert_eq!((found.votes, found.majority, found.spare), (1, false, 0));
        assert_eq!((found.intersection, found.contradicting), (None, 1));
        assert_eq!(warned(&servers), [(WarningCode::NoMajority, None)]);
        // Each may be right if it says that it may be that wrong.
        let modest = [(us(0), us(3_000)), (us(5_000), us(3_000))];
        assert_eq!(warned(&modest), []);
        let lone = analyse(&campaign(&modest[..1]), &Plan::default());
        assert_eq!(lone.agreement, None);
    }

    #[test]
    fn what_other_clocks_saw_is_not_compared() {
        let mut two = campaign(&[(us(0), us(100)), (us(5_000), us(100))]);
        for (n, record) in two.sources.iter_mut().enumerate() {
            let mut info = SourceInfo::clone(&record.info);
            info.local_clock = Some(format!("probe {n}"));
            record.info = info.into();
        }
        let found = analyse(&two, &Plan::default());
        assert_eq!(found.agreement, None);
        assert!(
            !found
                .warnings
                .iter()
                .any(|w| w.code == WarningCode::NoMajority)
        );
    }

    #[test]
    fn spare_servers_may_turn_out_wrong() {
        for (n, spare) in [(2, 0), (3, 1), (4, 1), (5, 2), (7, 3)] {
            let servers = vec![(us(0), us(100)); n];
            assert_eq!(found(&servers).spare, spare, "{n}");
        }
    }

    /// One server may have both the highest lower end and the lowest upper one.
    #[test]
    fn the_pair_that_is_told_is_the_furthest_apart() {
        let of = |ends: &[(i64, i64)]| {
            let members: Vec<Member> = (0..)
                .zip(ends)
                .map(|(n, (lower, upper))| {
                    let offset = interval(*lower, *upper).unwrap();
                    Member {
                        source: SourceId(n),
                        offset,
                        claim: offset,
                        agrees: true,
                        truechimer: true,
                    }
                })
                .collect();
            let told = widest(&members).unwrap();
            let furthest = |a: &Member| {
                let others = members.iter().filter(|b| b.source != a.source);
                others.map(|b| a.skew(b).unwrap().lower()).max()
            };
            let most = members.iter().filter_map(furthest).max();
            assert_eq!(Some(told.skew.lower()), most, "{ends:?}");
            (told.a.index(), told.b.index())
        };
        assert_eq!(of(&[(0, 1), (-500, 100_000), (-50_000, 10)]), (0, 2));
        assert_eq!(of(&[(0, 1), (-5, 100_000), (-50_000, 10)]), (1, 0));
        assert_eq!(of(&[(0, 9), (20, 30), (8, 40)]), (1, 0));
        assert_eq!(of(&[(0, 9), (0, 9)]), (1, 0));
    }

    /// Whatever the order of a recording, servers are compared at its latest instant.
    #[test]
    fn the_latest_exchange_may_stand_anywhere() {
        let mut one = campaign(&[(us(0), us(100))]);
        let template: Sample = one.sources[0].samples.iter().next().unwrap();
        for k in (0..3 * 4_096).rev() {
            let at = Monotonic::from_nanos(100 * SEC + k * SEC);
            let sample = Sample { at, ..template };
            one.event(&Event::Sample(SourceId(0), sample));
        }
        let latest = common_instant(&one).unwrap().at;
        assert_eq!(latest.as_nanos(), (100 + 3 * 4_096 - 1) * SEC);
    }

    #[test]
    fn a_clock_far_off_is_not_near_for_khronos() {
        let far = (us(200_000), us(100));
        let khronos = found(&[far, far, far]).khronos;
        assert!(khronos.close && !khronos.near && !khronos.accepts());
        let apart = [
            (us(0), us(100)),
            (us(60_000), us(100)),
            (us(120_000), us(100)),
            (us(180_000), us(100)),
        ];
        let khronos = found(&apart).khronos;
        assert!(!khronos.close);
        assert!((khronos.spread - us(60_000)).abs() < us(20), "{khronos:?}");
    }

    #[test]
    fn many_are_compared_in_no_time_and_pairs_are_not_told() {
        let servers: Vec<_> = (0..200).map(|n| (us(n * 1_000), us(10))).collect();
        let found = found(&servers);
        assert!(found.pairs.is_empty() && !found.majority);
        assert_eq!(
            (found.contradictions.len(), found.contradicting),
            (100, 199 * 100)
        );
    }
}
