//! [`Conditions`]: what a host's hypervisor and its load left of it while it was measured.
//!
//! Nothing here decides on a clock. That nothing was seen of a hypervisor's doing is told apart from
//! that nothing could be seen: many count no stolen time, and say so by a zero.

use crate::sample::{Campaign, Change, ClockReading, Load, LocalClock, Throttled};
use crate::time::{Monotonic, TimeDelta};

/// The slowest tick by which Linux accounts processor time (CONFIG_HZ 100), and the unit that /proc/stat
/// tells it in (USER_HZ, proc(5)).
const TICK: TimeDelta = TimeDelta::from_millis(10);

/// Stolen time of 1 % of all processors' is a hint at overcommit. Time counts as stolen only while a
/// processor of the guest is ready to run and is not run (Red Hat, Virtualization Host Configuration
/// Guide, 14.4 "Steal Time Accounting"), so that a guest with processors of its own has next to none.
/// This leaves the host one part of a hundred for its own work on them.
const STOLEN_HINTS: Share = Share::from_percent(1);

/// Some task waiting 10 % of the time is much, for a host whose processors are not busier than
/// a quarter. Where work comes at random, and as long as it likes, to one processor that is busy a
/// share r of the time, somebody waits for a share r^2 (two or more of it there, M/M/1 queue: Kleinrock,
/// Queueing Systems I, section 3.2): 6 % here, and less with more processors.
const WAITING_HINTS: Share = Share::from_percent(10);

/// Processors that work for a quarter of the time are little loaded: see `WAITING_HINTS`.
const LITTLE_LOAD: Share = Share::from_percent(25);

/// A share, in parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// So many parts of a hundred.
    pub const fn from_percent(percent: u32) -> Self {
        Self(percent.saturating_mul(10_000))
    }

    /// Parts of a million; they may be more than that.
    pub const fn as_ppm(self) -> u32 {
        self.0
    }

    /// `part` of `whole`, which is more than nothing: rounded down and up.
    fn between(part: TimeDelta, whole: i128) -> (Self, Self) {
        let scaled = i128::from(part.as_nanos().max(0)) * 1_000_000;
        let down = scaled.div_euclid(whole);
        let up = -(-scaled).div_euclid(whole);
        let share = |ppm| Self(u32::try_from(ppm).unwrap_or(u32::MAX));
        (share(down), share(up))
    }
}

/// What a host's hypervisor and its load left of it while it was measured. What is not told is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// Time the hypervisor gave to others, or why nothing is told of it.
    pub stolen: Result<Stolen, Untold>,
    /// How long the measuring thread waited for a processor, and in which time.
    pub run_delay: Option<(TimeDelta, TimeDelta)>,
    /// How much of its processors' time this host worked, to nearest; it is counted by ticks of 10 ms.
    pub busy: Option<Share>,
    /// How much of the time some task waited for a processor, to nearest.
    pub waiting: Option<Share>,
    /// What limits of this process's control groups did meanwhile.
    pub throttled: Option<Throttled>,
    /// Load average of the last minute, in hundredths of a task.
    pub average_hundredths: Option<u32>,
    /// What hints at more guests than the machine below has processors for.
    pub evidence: Vec<Evidence>,
}

/// Time that a hypervisor gave to others during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stolen {
    /// Of all processors together.
    pub total: TimeDelta,
    /// What `total` may be off by, either way: each processor's part is counted by ticks, and their sum
    /// is told in ticks.
    pub error: TimeDelta,
    /// How many processors there were.
    pub processors: u32,
    /// In which time.
    pub within: TimeDelta,
    /// The share of all processors' time that it is at least.
    pub lower: Share,
    /// The share that it is at most.
    pub upper: Share,
}

/// Why nothing is told of stolen time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// There is no such count, or it was not read twice.
    NoCount,
    /// This is no guest.
    Metal,
    /// None was counted since boot; many hypervisors never tell, which looks the same.
    NeverAny,
    /// It went back, or processors came or went.
    Inconsistent,
}

/// What hints at a machine that was promised to more guests than it has processors for. It is no proof:
/// a guest with a capped flavor, or that uses up its credits, looks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// More than 1 % was stolen for certain.
    Stolen {
        /// At least this share.
        lower: Share,
    },
    /// This program was held up while the hypervisor gave much time to others.
    Stalls {
        /// How often.
        times: u64,
        /// The longest of them.
        longest: TimeDelta,
    },
    /// Tasks waited for processors that had little to do, and no stolen time explains or denies that.
    Waiting {
        /// So much of the time some task waited.
        waiting: Share,
        /// So much of the time processors worked.
        busy: Share,
    },
}

/// Whether there are hints at overcommit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overcommit {
    /// There are.
    Hinted,
    /// Stolen time is counted here, and shows none.
    NotSeen,
    /// Nothing that would show it is told.
    NotTold,
}

impl Conditions {
    /// What a campaign tells of them.
    ///
    /// ```
    /// use clockfit::estimate::{Conditions, Overcommit, Untold};
    /// use clockfit::sample::Campaign;
    /// let nothing = Conditions::of(&Campaign::default());
    /// assert_eq!(nothing.stolen, Err(Untold::NoCount));
    /// assert_eq!(nothing.overcommit(), Overcommit::NotTold);
    /// ```
    pub fn of(campaign: &Campaign) -> Self {
        let clock = &campaign.clock;
        let environment = &campaign.header.environment;
        // In a container the machine stands before the slash.
        let machine = environment.virtualisation.as_deref();
        let machine = machine.and_then(|of| of.split('/').next());
        let hypervisor = match machine {
            None | Some("unknown") => None,
            Some(name) => Some(name != "none"),
        };
        let stolen = stolen(clock, hypervisor == Some(false));
        let load = Loaded::of(clock);
        let mut found = Self {
            stolen,
            run_delay: run_delay(clock),
            busy: load.as_ref().and_then(|of| of.busy),
            waiting: load.as_ref().and_then(|of| of.waiting),
            throttled: load.as_ref().and_then(|of| of.throttled),
            average_hundredths: clock.load.and_then(|span| span.last.1.average_hundredths),
            evidence: Vec::new(),
        };
        let is_limited = environment.machine.quota.is_some()
            || environment.machine.usable < environment.machine.processors;
        found.evidence.extend(of_steal(stolen));
        found.evidence.extend(of_stalls(clock));
        if hypervisor == Some(true) && !is_limited {
            found.evidence.extend(found.of_waiting());
        }
        found
    }

    /// Whether there are hints at overcommit.
    pub fn overcommit(&self) -> Overcommit {
        match (self.evidence.is_empty(), self.stolen) {
            (false, _) => Overcommit::Hinted,
            (true, Ok(_)) => Overcommit::NotSeen,
            (true, Err(_)) => Overcommit::NotTold,
        }
    }

    fn of_waiting(&self) -> Option<Evidence> {
        let (waiting, busy) = (self.waiting?, self.busy?);
        // Where the hypervisor tells that it took nothing, tasks waited for each other.
        let is_denied = self.stolen.is_ok_and(|of| of.lower == Share::default());
        let is_throttled = self.throttled.is_some_and(|of| of.periods > 0);
        (waiting >= WAITING_HINTS && busy <= LITTLE_LOAD && !is_denied && !is_throttled)
            .then_some(Evidence::Waiting { waiting, busy })
    }
}

/// The first and the last reading, and the time between them.
fn ends(clock: &LocalClock) -> Option<(&ClockReading, &ClockReading, TimeDelta)> {
    let (first, last) = (clock.first.as_deref()?, clock.last.as_deref()?);
    let elapsed = last.clocks.counter.since(first.clocks.counter);
    (elapsed > TimeDelta::ZERO).then_some((first, last, elapsed))
}

fn stolen(clock: &LocalClock, is_metal: bool) -> Result<Stolen, Untold> {
    let (first, last, within) = ends(clock).ok_or(Untold::NoCount)?;
    let (Some(before), Some(after)) = (first.steal, last.steal) else {
        return Err(Untold::NoCount);
    };
    if after.total == TimeDelta::ZERO && before.total == TimeDelta::ZERO {
        return Err(match is_metal {
            true => Untold::Metal,
            false => Untold::NeverAny,
        });
    }
    let total = after.total - before.total;
    let processors = after.processors;
    if total.is_negative() || before.processors != processors || processors == 0 {
        return Err(Untold::Inconsistent);
    }
    // Each end tells too little by less than a tick of each processor, and one for the sum.
    let error = TICK.times(i64::from(processors) + 1);
    let all = i128::from(within.as_nanos()) * i128::from(processors);
    Ok(Stolen {
        total,
        error,
        processors,
        within,
        lower: Share::between(total - error, all).0,
        upper: Share::between(total + error, all).1,
    })
}

fn run_delay(clock: &LocalClock) -> Option<(TimeDelta, TimeDelta)> {
    let (first, last, within) = ends(clock)?;
    let waited = last.run_delay? - first.run_delay?;
    (!waited.is_negative()).then_some((waited, within))
}

/// What grew between the first look at a host's load and the last.
struct Loaded {
    busy: Option<Share>,
    waiting: Option<Share>,
    throttled: Option<Throttled>,
}

impl Loaded {
    fn of(clock: &LocalClock) -> Option<Self> {
        let span = clock.load?;
        let ((began, before), (ended, after)): ((Monotonic, Load), (Monotonic, Load)) =
            (span.first, span.last);
        let elapsed = ended.since(began);
        if elapsed <= TimeDelta::ZERO {
            return None;
        }
        let grown = |before: TimeDelta, after: TimeDelta| {
            Some(after - before).filter(|by| !by.is_negative())
        };
        let worked = grown(before.busy, after.busy);
        let idled = grown(before.idle, after.idle);
        let busy = worked.zip(idled).and_then(|(worked, idled)| {
            let all = i128::from(worked.as_nanos()) + i128::from(idled.as_nanos());
            nearest(worked, all)
        });
        let waited = before.waited.zip(after.waited);
        let waited = waited.and_then(|(before, after)| grown(before, after));
        let throttled = before.throttled.zip(after.throttled);
        Some(Self {
            busy,
            waiting: waited.and_then(|waited| nearest(waited, i128::from(elapsed.as_nanos()))),
            throttled: throttled.and_then(|(before, after)| {
                Some(Throttled {
                    periods: after.periods.checked_sub(before.periods)?,
                    total: grown(before.total, after.total)?,
                })
            }),
        })
    }
}

/// `part` of `whole` to nearest, halves up; no share of nothing.
fn nearest(part: TimeDelta, whole: i128) -> Option<Share> {
    if whole <= 0 {
        return None;
    }
    let ppm = (i128::from(part.as_nanos()) * 2_000_000 + whole).div_euclid(2 * whole);
    Some(Share(u32::try_from(ppm).unwrap_or(u32::MAX)))
}

fn of_steal(stolen: Result<Stolen, Untold>) -> Option<Evidence> {
    let lower = stolen.ok()?.lower;
    (lower > STOLEN_HINTS).then_some(Evidence::Stolen { lower })
}

/// Stalls that have a part in common with a time in which much was stolen.
fn of_stalls(clock: &LocalClock) -> Option<Evidence> {
    let spells = clock
        .disturbances
        .iter()
        .filter_map(|found| match found.change {
            Change::Steal { within, .. } => Some((found.at, within)),
            _ => None,
        });
    let spells: Vec<(Monotonic, TimeDelta)> = spells.collect();
    let meets = |at: Monotonic, length: TimeDelta| {
        spells.iter().any(|(from, within)| {
            let later = from.since(at);
            later <= length && TimeDelta::ZERO - later <= *within
        })
    };
    let stalls = clock
        .disturbances
        .iter()
        .filter_map(|found| match found.change {
            Change::Stall { length, .. } if meets(found.at, length) => Some(length),
            _ => None,
        });
    let lengths: Vec<TimeDelta> = stalls.collect();
    let longest = lengths.iter().max().copied()?;
    Some(Evidence::Stalls {
        times: u64::try_from(lengths.len()).unwrap_or(u64::MAX),
        longest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Disturbance, Event, Quota, Reading, Sink, Steal};
    use crate::time::Timestamp;
    use proptest::prelude::*;

    type Changed = dyn Fn(&mut Campaign, &mut ClockReading);

    fn load(of: &mut ClockReading, change: fn(&mut Load)) {
        change(of.load.as_mut().unwrap());
    }

    const MINUTE: i64 = 60_000_000_000;

    fn ns(nanos: i64) -> TimeDelta {
        TimeDelta::from_nanos(nanos)
    }

    /// A minute of a guest with two processors, at its end.
    fn ended() -> ClockReading {
        ClockReading {
            clocks: Reading {
                counter: Monotonic::from_nanos(MINUTE),
                ..Reading::default()
            },
            steal: Some(Steal {
                total: TimeDelta::from_secs(5),
                processors: 2,
            }),
            run_delay: Some(ns(3_000)),
            load: Some(Load {
                busy: TimeDelta::from_secs(30),
                idle: TimeDelta::from_secs(90),
                waited: Some(TimeDelta::from_secs(6)),
                average_hundredths: Some(31),
                ..Load::default()
            }),
            ..ClockReading::default()
        }
    }

    /// Its beginning: nothing was counted yet, but for stolen time since boot.
    fn begun(stolen_before: TimeDelta) -> ClockReading {
        ClockReading {
            steal: Some(Steal {
                total: stolen_before,
                processors: 2,
            }),
            run_delay: Some(TimeDelta::ZERO),
            load: Some(Load {
                waited: Some(TimeDelta::ZERO),
                ..Load::default()
            }),
            ..ClockReading::default()
        }
    }

    fn run(machine: &str, readings: [ClockReading; 2]) -> Campaign {
        let mut campaign = Campaign::default();
        campaign.header.environment.virtualisation = Some(machine.to_owned());
        for reading in readings {
            campaign.event(&Event::Clock(reading.into()));
        }
        campaign
    }

    fn disturbed(campaign: &mut Campaign, at: i64, change: Change) {
        let found = Disturbance {
            at: Monotonic::from_nanos(at),
            at_error: TimeDelta::ZERO,
            wall: Timestamp::default(),
            change,
        };
        campaign.event(&Event::Disturbance(found.into()));
    }

    #[test]
    fn stolen_time_is_an_interval_by_ticks() {
        let five = TimeDelta::from_secs(5);
        let without_load = || ClockReading {
            load: None,
            ..ended()
        };
        let told = |stolen| Conditions::of(&run("kvm", [begun(five - stolen), without_load()]));
        let found = told(ns(1_320_000_000));
        let stolen = found.stolen.unwrap();
        // Two processors and the sum, a tick each; of 120 s 1.29 to 1.35 s.
        assert_eq!(stolen.error, TimeDelta::from_millis(30));
        assert_eq!(
            (stolen.lower.as_ppm(), stolen.upper.as_ppm()),
            (10_750, 11_250)
        );
        assert_eq!(found.overcommit(), Overcommit::Hinted);
        let lower = stolen.lower;
        assert_eq!(found.evidence, [Evidence::Stolen { lower }]);
        // As little as may be 1 % is no evidence.
        let found = told(ns(1_230_000_000));
        assert_eq!(found.stolen.unwrap().lower.as_ppm(), 10_000);
        assert_eq!(found.overcommit(), Overcommit::NotSeen);
        // Nothing less than none.
        let found = told(TimeDelta::ZERO);
        let stolen = found.stolen.unwrap();
        assert_eq!((stolen.lower.as_ppm(), stolen.upper.as_ppm()), (0, 250));
    }

    #[test]
    fn what_is_not_counted_is_not_told() {
        let told = |machine: &str, change: fn(&mut ClockReading, &mut ClockReading)| {
            let (mut first, mut last) = (begun(TimeDelta::from_secs(4)), ended());
            change(&mut first, &mut last);
            let mut found = Conditions::of(&run(machine, [first, last]));
            found.evidence.clear();
            (found.stolen.map(|of| of.total), found.overcommit())
        };
        let never = |first: &mut ClockReading, last: &mut ClockReading| {
            for reading in [first, last] {
                reading.steal = Some(Steal {
                    total: TimeDelta::ZERO,
                    processors: 2,
                });
            }
        };
        let not_told = |why| (Err(why), Overcommit::NotTold);
        assert_eq!(told("microsoft", never), not_told(Untold::NeverAny));
        assert_eq!(told("none", never), not_told(Untold::Metal));
        assert_eq!(told("none/docker", never), not_told(Untold::Metal));
        assert_eq!(
            told("kvm", |_, last| last.steal = None),
            not_told(Untold::NoCount)
        );
        let back =
            |first: &mut ClockReading, last: &mut ClockReading| first.steal = last.steal.take();
        assert_eq!(told("kvm", back), not_told(Untold::NoCount));
        let back = |first: &mut ClockReading, last: &mut ClockReading| {
            std::mem::swap(&mut first.steal, &mut last.steal);
        };
        assert_eq!(told("kvm", back), not_told(Untold::Inconsistent));
        let fewer = |_: &mut ClockReading, last: &mut ClockReading| {
            last.steal = last.steal.map(|of| Steal {
                processors: 1,
                ..of
            });
        };
        assert_eq!(told("kvm", fewer), not_told(Untold::Inconsistent));
        let second = Ok(TimeDelta::from_secs(1));
        assert_eq!(told("kvm", |_, _| ()), (second, Overcommit::NotSeen));
    }

    #[test]
    fn waiting_under_little_load_is_a_hint_where_nothing_denies_it() {
        // Hyper-V: no stolen time is ever counted.
        let guest = |change: &Changed| {
            let (mut first, mut last) = (begun(TimeDelta::ZERO), ended());
            last.steal = first.steal;
            first.load = first.load.map(|of| Load {
                throttled: Some(Throttled::default()),
                ..of
            });
            let mut campaign = Campaign::default();
            campaign.header.environment.virtualisation = Some("microsoft".to_owned());
            change(&mut campaign, &mut last);
            for reading in [first, last] {
                campaign.event(&Event::Clock(reading.into()));
            }
            Conditions::of(&campaign)
        };
        let found = guest(&|_, _| ());
        let (waiting, busy) = (WAITING_HINTS, LITTLE_LOAD);
        assert_eq!(found.evidence, [Evidence::Waiting { waiting, busy }]);
        assert_eq!((found.busy, found.waiting), (Some(busy), Some(waiting)));
        assert_eq!(found.average_hundredths, Some(31));
        assert_eq!(found.run_delay, Some((ns(3_000), ns(MINUTE))));
        let changes: [&Changed; 8] = [
            &|_, last| load(last, |of| of.busy += ns(10_000_000)),
            &|_, last| load(last, |of| of.waited = Some(ns(5_999_900_000))),
            &|_, last| load(last, |of| of.waited = None),
            &|_, last| {
                load(last, |of| {
                    of.throttled = Some(Throttled {
                        periods: 1,
                        total: TimeDelta::ZERO,
                    });
                });
            },
            &|of, _| {
                of.header.environment.machine.quota = Some(Quota {
                    quota: ns(1),
                    period: ns(1),
                });
            },
            &|of, _| {
                of.header.environment.machine.usable = Some(1);
                of.header.environment.machine.processors = Some(2);
            },
            &|of, _| of.header.environment.virtualisation = Some("none".to_owned()),
            &|of, _| of.header.environment.virtualisation = None,
        ];
        for (index, change) in changes.iter().enumerate() {
            let found = guest(change);
            assert_eq!(found.overcommit(), Overcommit::NotTold, "{index}");
        }
        // One that counts stolen time, and took none.
        let found = Conditions::of(&run("kvm", [begun(TimeDelta::from_secs(5)), ended()]));
        assert_eq!(found.overcommit(), Overcommit::NotSeen);
    }

    #[test]
    fn stalls_count_while_time_is_stolen() {
        let second = 1_000_000_000;
        let stall = |at: i64, length: i64| {
            let five = TimeDelta::from_secs(5);
            let mut campaign = run("kvm", [begun(five), ended()]);
            let change = Change::Steal {
                stolen: TimeDelta::from_secs(1),
                within: TimeDelta::from_secs(3),
                processors: 2,
            };
            disturbed(&mut campaign, 10 * second, change);
            let change = Change::Stall {
                length: ns(length),
                run_delay: None,
            };
            disturbed(&mut campaign, at, change);
            Conditions::of(&campaign).evidence
        };
        let found = |length| {
            vec![Evidence::Stalls {
                times: 1,
                longest: ns(length),
            }]
        };
        assert_eq!(stall(9 * second, second), found(second));
        assert_eq!(stall(13 * second, second), found(second));
        assert_eq!(stall(11 * second, second), found(second));
        assert_eq!(stall(9 * second, second - 1), []);
        assert_eq!(stall(13 * second + 1, second), []);
    }

    proptest! {
        #[test]
        fn no_count_panics_and_shares_are_in_order(
            [m1, m2, s1, s2, b1, b2, i1, i2, w1, w2] in any::<[i64; 10]>(),
            [p1, p2] in any::<[u32; 2]>(), [n1, n2] in any::<[u64; 2]>(),
        ) {
            let reading = |m, total, processors, busy, idle, waited, periods| ClockReading {
                clocks: Reading { counter: Monotonic::from_nanos(m), ..Reading::default() },
                steal: Some(Steal { total: ns(total), processors }),
                run_delay: Some(ns(waited)),
                load: Some(Load {
                    busy: ns(busy), idle: ns(idle), waited: Some(ns(waited)),
                    throttled: Some(Throttled { periods, total: ns(waited) }),
                    ..Load::default()
                }),
                ..ClockReading::default()
            };
            let same = if m1 % 2 == 0 { p1 } else { p2 };
            let readings = [
                reading(m1, s1, p1, b1, i1, w1, n1),
                reading(m2, s2, same, b2, i2, w2, n2),
            ];
            let found = Conditions::of(&run("kvm", readings));
            if let Ok(stolen) = found.stolen {
                prop_assert!(stolen.lower <= stolen.upper);
            }
        }
    }
}
