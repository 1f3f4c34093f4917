//! The loop: who is next, what has arrived, when to stop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};

use super::hardware;
use super::ntp::Shared;
use super::rsntp::CrossCheck;
use super::source::Source;
use super::{Plan, SamplerError};
use crate::net::hardware::Cards;
use crate::net::{ArmedStamps, Poller, SocketOptions, Stamping, clock, reserve_descriptors};
use crate::sample::{Event, Note, RunEnd, Sink, SourceId};
use crate::time::{Monotonic, TimeDelta};

/// Up to this many sources each socket is watched; above, the loop looks when it is their turn.
const WATCH_UP_TO: usize = 64;
/// Unwatched sources are served in batches of about this many, so that the loop sleeps in between
/// and no receiver gets a burst that overflows its default socket buffer (some 250 packets).
const BATCH: i64 = 32;
/// The longest such a batch may be gathered.
const LONGEST_BATCH: TimeDelta = TimeDelta::from_millis(10);
/// How often the sinks are given a chance to write out what they hold: twice in the second that a
/// killed run may lose.
const TICK: TimeDelta = TimeDelta::from_millis(500);
/// How long a run that was asked to end early still waits for answers that are out.
const LAST_ANSWERS: TimeDelta = TimeDelta::from_secs(2);
/// Descriptors beside the sources' own: standard streams, recording, poller, timer, signals, the
/// embedded server, the cross-check, and some of the system's libraries.
const OTHER_DESCRIPTORS: u64 = 32;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether a signal ended it early.
    pub interrupted: bool,
}

/// A run that can begin: signals are caught, and cards are set. They are set back when it ends, or
/// is dropped.
#[derive(Debug)]
pub struct Ready {
    plan: Plan,
    poller: Poller,
    cards: Cards,
    findings: Vec<Note>,
}

/// Makes sure that a run can begin. Whoever prepares something that should not be touched in vain
/// asks before. From here on SIGINT and SIGTERM end the run early instead of the program.
///
/// # Errors
///
/// Only what makes measuring as planned impossible altogether.
pub fn prepare(plan: Plan) -> Result<Ready, SamplerError> {
    let targets = u64::try_from(plan.targets.len()).unwrap_or(u64::MAX);
    reserve_descriptors(targets.saturating_add(OTHER_DESCRIPTORS))?;
    let mut poller = Poller::new()?;
    // Before any card is set, so that no signal leaves it so.
    poller.catch_signals()?;
    let (cards, findings) = hardware::open(&plan)?;
    Ok(Ready {
        plan,
        poller,
        cards,
        findings,
    })
}

impl Ready {
    /// Measures and tells `sink` everything that happens, until all is done, time is up, or SIGINT or
    /// SIGTERM asks for an early end. A second signal does not wait for answers.
    ///
    /// # Errors
    ///
    /// Only what makes measuring impossible altogether, before the first packet or in waiting; what
    /// befalls one server is an event.
    pub fn run(self, sink: &mut dyn Sink) -> Result<Outcome, SamplerError> {
        let Self {
            plan,
            poller,
            cards,
            findings,
        } = self;
        let _armed = (plan.stamping == Stamping::Kernel).then(ArmedStamps::new);
        let run = Run::new(&plan, poller, cards)?;
        run.announce(&plan, findings, sink);
        let cross_check = plan.cross_check.then(|| CrossCheck::start(&plan));
        // Each source has what it needs of it; of ten thousand it is half a megabyte.
        drop(plan);
        run.measure(cross_check, sink)
    }
}

struct Run {
    sources: Vec<Source>,
    shared: Shared,
    poller: Poller,
    /// When each source wants its turn, soonest first. Entries that no longer agree with `turns`
    /// are stale and skipped.
    queue: BinaryHeap<Reverse<(Monotonic, usize)>>,
    turns: Vec<Option<Monotonic>>,
    /// Number of the socket that is watched for each source; 0: none. Empty: none is watched.
    watched: Vec<u64>,
    batch: TimeDelta,
    stop_sending: Option<Monotonic>,
    /// Whether those that were asked for are still asked.
    sending: bool,
    /// Whether those beside them are, each until its own end.
    sending_beside: bool,
}

impl Run {
    fn new(plan: &Plan, poller: Poller, cards: Cards) -> Result<Self, SamplerError> {
        let nonces =
            StdRng::try_from_rng(&mut SysRng).map_err(|e| SamplerError::Random(e.to_string()))?;
        let options = SocketOptions {
            interface: plan.interface.clone(),
            stamping: plan.stamping,
            precision: clock::precision(),
        };
        let watch = plan.targets.len() <= WATCH_UP_TO || plan.stamping == Stamping::User;
        let pacing = StdRng::seed_from_u64(plan.seed);
        let shared = Shared::new(options, cards, nonces, pacing, plan.count, watch);
        let start = clock::counter();
        let sources: Vec<_> = (0u32..)
            .zip(plan.targets.iter().zip(first_turns(plan, start)))
            .map(|(n, (target, first))| Source::new(SourceId(n), target, plan, first))
            .collect();
        let mut run = Self {
            queue: BinaryHeap::new(),
            turns: vec![None; sources.len()],
            watched: if watch {
                vec![0; sources.len()]
            } else {
                Vec::new()
            },
            batch: if watch {
                TimeDelta::ZERO
            } else {
                batch_time(plan)
            },
            stop_sending: plan.duration.map(|d| start + d),
            sending: true,
            sending_beside: true,
            sources,
            shared,
            poller,
        };
        for index in 0..run.sources.len() {
            run.queue_turn(index);
        }
        Ok(run)
    }

    fn announce(&self, plan: &Plan, findings: Vec<Note>, sink: &mut dyn Sink) {
        let now = clock::counter();
        for finding in findings {
            sink.event(&Event::Note(None, now, finding));
        }
        for target in &plan.targets {
            sink.event(&Event::Source(Arc::clone(&target.info)));
        }
        for (n, target) in (0u32..).zip(&plan.targets) {
            if target.pace.is_slower_than_asked() {
                sink.event(&Event::Note(Some(SourceId(n)), now, Note::Polite));
            }
        }
    }

    fn measure(
        mut self,
        mut cross_check: Option<CrossCheck>,
        sink: &mut dyn Sink,
    ) -> Result<Outcome, SamplerError> {
        let mut ready = Vec::new();
        let mut signals = 0;
        let mut patience = None;
        let mut next_tick = clock::counter() + TICK;
        let mut served = clock::counter();
        self.shared.local.take_turn(served, sink);
        loop {
            let now = clock::counter();
            self.shared.local.worked(served, now);
            self.sending &= signals == 0 && self.stop_sending.is_none_or(|end| now < end);
            self.sending_beside &= signals == 0;
            if signals > 0 {
                let end = *patience.get_or_insert(now + LAST_ANSWERS);
                if signals > 1 || end <= now {
                    break;
                }
            }
            if self.is_done() {
                break;
            }
            let deadline = self.next_wake(now).min(next_tick);
            signals += self.poller.wait(Some(deadline), &mut ready)?.signals;
            let woken = clock::counter();
            self.shared.local.woke(now, deadline, woken);
            self.serve(&ready, sink);
            served = clock::counter();
            self.shared.local.worked(woken, served);
            self.shared.local.take_turn(served, sink);
            if served >= next_tick {
                next_tick = served + TICK;
                sink.tick(served);
                hardware::check(&mut self.shared.cards, served, sink);
                if let Some(check) = &mut cross_check {
                    check.collect(served, sink);
                }
            }
        }
        if let Some(check) = cross_check {
            check.finish(signals > 0, sink);
        }
        let now = clock::counter();
        for source in &mut self.sources {
            source.end(now, &mut self.shared, sink);
        }
        self.shared.local.end(sink);
        hardware::restore(self.shared.cards, sink);
        let interrupted = signals > 0;
        sink.event(&Event::End(RunEnd {
            at: clock::counter(),
            interrupted,
        }));
        Ok(Outcome { interrupted })
    }

    fn is_done(&self) -> bool {
        self.sources
            .iter()
            .all(|s| s.is_idle() && (!self.may_send(s) || s.has_sent_all(&self.shared)))
    }

    fn may_send(&self, source: &Source) -> bool {
        match source.is_beside() {
            true => self.sending_beside,
            false => self.sending,
        }
    }

    /// When the loop should look again if nothing arrives. Turns of unwatched sources are gathered
    /// into batches.
    fn next_wake(&mut self, now: Monotonic) -> Monotonic {
        let horizon = now + TICK;
        let soonest = self
            .soonest_turn()
            .map_or(horizon, |(at, _)| at.max(now + self.batch))
            .min(self.shared.local.next_turn());
        // While sending, the end of sending is a moment to look too.
        let end = self
            .stop_sending
            .filter(|_| self.sending)
            .unwrap_or(horizon);
        soonest.min(end).min(horizon)
    }

    /// Gives a turn to every source that is ready or due.
    fn serve(&mut self, ready: &[usize], sink: &mut dyn Sink) {
        for &index in ready {
            self.turn(index, clock::counter(), sink);
        }
        let now = clock::counter();
        while let Some((at, index)) = self.soonest_turn() {
            if at > now {
                break;
            }
            self.queue.pop();
            if let Some(turn) = self.turns.get_mut(index) {
                *turn = None;
            }
            self.unwatch(index);
            self.turn(index, clock::counter(), sink);
        }
    }

    fn turn(&mut self, index: usize, now: Monotonic, sink: &mut dyn Sink) {
        let sending = self.sources.get(index).is_some_and(|s| self.may_send(s));
        let Some(source) = self.sources.get_mut(index) else {
            return;
        };
        let more = source.take_turn(now, sending, &mut self.shared, sink);
        self.watch(index);
        if more {
            // What was left unread is not reported again: come back by the queue.
            self.queue_at(index, now);
        }
        self.queue_turn(index);
    }

    /// Watches the source's socket no longer, until its turn is over. While a watched socket sends,
    /// the kernel tells its watcher of the transmit stamp before it hands the packet on; on a path
    /// within this host that lies between T1 and T2, and biases the offset by 0.3 us. Requests
    /// without a gap are another matter: there the two calls cost more than they bring.
    fn unwatch(&mut self, index: usize) {
        let (Some(watched), Some(source)) = (self.watched.get_mut(index), self.sources.get(index))
        else {
            return;
        };
        if source.is_spaced()
            && let Some((number, socket)) = source.socket()
            && *watched == number
            && self.poller.unwatch(socket).is_ok()
        {
            *watched = 0;
        }
    }

    /// Watches the source's socket if sockets are watched and this one is not yet.
    fn watch(&mut self, index: usize) {
        let Some(watched) = self.watched.get_mut(index) else {
            return;
        };
        let Some((number, socket)) = self.sources.get(index).and_then(Source::socket) else {
            return;
        };
        // A socket that cannot be watched is still looked into at each of its turns.
        if *watched != number && self.poller.watch(socket, index).is_ok() {
            *watched = number;
        }
    }

    fn queue_turn(&mut self, index: usize) {
        let wanted = self
            .sources
            .get(index)
            .and_then(|s| s.next_turn(&self.shared, self.may_send(s)));
        if let Some(at) = wanted {
            self.queue_at(index, at);
        }
    }

    /// Queues a turn, unless one as early is queued already: a turn too early costs less than
    /// keeping the queue exact.
    fn queue_at(&mut self, index: usize, at: Monotonic) {
        if let Some(turn) = self.turns.get_mut(index)
            && turn.is_none_or(|queued| at < queued)
        {
            *turn = Some(at);
            self.queue.push(Reverse((at, index)));
        }
    }

    fn soonest_turn(&mut self) -> Option<(Monotonic, usize)> {
        while let Some(&Reverse((at, index))) = self.queue.peek() {
            if self.turns.get(index).copied().flatten() == Some(at) {
                return Some((at, index));
            }
            self.queue.pop();
        }
        None
    }
}

/// The first turns of those that begin together are spread over one interval, that of the first of
/// them coming at once.
fn first_turns(plan: &Plan, start: Monotonic) -> impl Iterator<Item = Monotonic> {
    let phases = plan.targets.chunk_by(|a, b| a.phase.from == b.phase.from);
    phases.flat_map(move |together| {
        let interval = together
            .first()
            .map_or(TimeDelta::ZERO, |t| t.pace.interval());
        let spread = interval.min(TimeDelta::from_secs(1));
        let sources = i64::try_from(together.len()).unwrap_or(i64::MAX).max(1);
        let step = TimeDelta::from_nanos(spread.as_nanos() / sources);
        (0..)
            .zip(together)
            .map(move |(n, target)| start + target.phase.from + step.times(n))
    })
}

/// How long turns are gathered: until about [`BATCH`] sources are due.
fn batch_time(plan: &Plan) -> TimeDelta {
    let shortest = plan
        .targets
        .iter()
        .filter(|t| t.phase.length.is_none())
        .map(|t| t.pace.interval())
        .min()
        .unwrap_or(TimeDelta::ZERO);
    let sources = i64::try_from(plan.targets.len()).unwrap_or(i64::MAX).max(1);
    TimeDelta::from_nanos(shortest.times(BATCH).as_nanos() / sources).min(LONGEST_BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{SourceInfo, SourceKind, Timescale};
    use crate::sampler::{Endpoint, ModePolicy, Pace, Phase, Target};

    fn ms(n: i64) -> TimeDelta {
        TimeDelta::from_millis(n)
    }

    fn target(from: TimeDelta, length: Option<TimeDelta>, interval: TimeDelta) -> Target {
        let info = SourceInfo {
            source: String::new(),
            address: "127.0.0.1".to_owned(),
            port: 123,
            kind: SourceKind::Ntp,
            timescale: Timescale::Unknown,
            path: 0,
            local_clock: None,
        };
        Target {
            info: info.into(),
            endpoint: Endpoint::Server(([127, 0, 0, 1], 123).into()),
            pace: Pace::Mean(interval),
            mode: ModePolicy::Auto,
            phase: Phase { from, length },
        }
    }

    fn plan(targets: Vec<Target>) -> Plan {
        Plan {
            targets,
            count: None,
            duration: None,
            timeout: ms(1_000),
            hardware: None,
            stamping: Stamping::User,
            interface: None,
            seed: 0,
            cross_check: false,
        }
    }

    #[test]
    fn the_first_turns_of_each_phase_begin_with_it_and_are_spread_over_an_interval() {
        let mut targets = vec![
            target(ms(0), Some(ms(500)), ms(1)),
            target(ms(500), Some(ms(500)), ms(1)),
        ];
        targets.extend(vec![target(ms(1_000), None, ms(400)); 4]);
        let start = Monotonic::from_nanos(7);
        let turns: Vec<_> = first_turns(&plan(targets.clone()), start)
            .map(|at| at.since(start).as_nanos() / 1_000_000)
            .collect();
        assert_eq!(turns, [0, 500, 1_000, 1_100, 1_200, 1_300]);
        // What goes before does not hurry the batches of what was asked for.
        assert_eq!(batch_time(&plan(targets)), LONGEST_BATCH);
        assert_eq!(first_turns(&plan(Vec::new()), start).count(), 0);
    }

    #[test]
    fn who_has_a_length_of_its_own_goes_on_after_the_others_end() {
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        let mut targets = vec![
            target(ms(0), None, ms(20)),
            target(ms(400), Some(ms(300)), ms(20)),
        ];
        for target in &mut targets {
            target.endpoint = Endpoint::Server(address);
        }
        let plan = Plan {
            duration: Some(ms(200)),
            timeout: ms(50),
            ..plan(targets)
        };
        let (cards, findings) = hardware::open(&plan).unwrap();
        let run = Run::new(&plan, Poller::new().unwrap(), cards).unwrap();
        let mut told = Told::default();
        let start = clock::counter();
        run.announce(&plan, findings, &mut told);
        run.measure(None, &mut told).unwrap();
        let lost = |id| -> Vec<TimeDelta> {
            let lost = told.0.iter().filter(|(of, _)| *of == id);
            lost.map(|(_, at)| at.since(start)).collect()
        };
        let (asked, beside) = (lost(SourceId(0)), lost(SourceId(1)));
        assert!(
            !asked.is_empty() && beside.len() > 3,
            "{asked:?} {beside:?}"
        );
        assert!(beside.iter().all(|at| *at >= ms(400)), "{beside:?}");
        assert!(asked.iter().min() < beside.iter().min());
        assert!(beside.len() < 40, "{beside:?}");
    }

    /// When requests were lost.
    #[derive(Default)]
    struct Told(Vec<(SourceId, Monotonic)>);

    impl Sink for Told {
        fn event(&mut self, event: &Event) {
            if let Event::Lost(id, at, _) = event {
                self.0.push((*id, *at));
            }
        }
    }
}
