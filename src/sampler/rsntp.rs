//! The cross-check: the same servers asked through the `rsntp` crate, an independent
//! implementation that stamps in user space, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rsntp::{Config, SntpClient};

use super::pacing::Pacer;
use super::{Endpoint, Pace, Plan};
use crate::net::clock;
use crate::sample::{Event, Note, Sink, SourceId};
use crate::time::{Monotonic, TimeDelta};

/// Questions to each server at most: enough for a median.
const QUESTIONS: u64 = 100;
/// The least between two of them: the check must not load what it checks.
const SPACING: TimeDelta = TimeDelta::from_millis(20);

type Answer = (SourceId, Result<(TimeDelta, TimeDelta), String>);

/// The cross-check of one run, as it goes on.
pub(super) struct CrossCheck {
    answers: Receiver<Answer>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
    failed: Vec<SourceId>,
}

impl CrossCheck {
    /// Starts asking.
    pub(super) fn start(plan: &Plan) -> Self {
        let (sender, answers) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let asker = Asker {
            targets: (0u32..)
                .zip(&plan.targets)
                .filter(|(_, t)| t.phase.length.is_none())
                .filter_map(|(n, t)| match t.endpoint {
                    Endpoint::Server(address) => Some((SourceId(n), address.to_string(), t.pace)),
                    Endpoint::Phc { .. } | Endpoint::Rtc(_) => None,
                })
                .collect(),
            delay: plan
                .targets
                .last()
                .map_or(TimeDelta::ZERO, |t| t.phase.from),
            timeout: plan.timeout,
            count: plan.count.unwrap_or(QUESTIONS).min(QUESTIONS),
            seed: plan.seed,
            stop: Arc::clone(&stop),
        };
        let thread = thread::spawn(move || asker.ask(&mut |answer| sender.send(answer).is_ok()));
        Self {
            answers,
            stop,
            thread: Some(thread),
            failed: Vec::new(),
        }
    }

    /// Passes on what has come so far.
    pub(super) fn collect(&mut self, now: Monotonic, sink: &mut dyn Sink) {
        while let Ok(answer) = self.answers.try_recv() {
            self.pass_on(answer, now, sink);
        }
    }

    /// Ends the check: a question that is out is waited for, unless in a hurry.
    pub(super) fn finish(mut self, hurry: bool, sink: &mut dyn Sink) {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().filter(|_| !hurry);
        if let Some(thread) = thread {
            // It looks at the flag at least once each SPACING and asks with a time-out.
            let _ = thread.join();
        }
        self.collect(clock::counter(), sink);
    }

    fn pass_on(&mut self, (id, outcome): Answer, now: Monotonic, sink: &mut dyn Sink) {
        match outcome {
            Ok((offset, delay)) => sink.event(&Event::CrossCheck(id, offset, delay)),
            Err(error) if !self.failed.contains(&id) => {
                self.failed.push(id);
                sink.event(&Event::Note(
                    Some(id),
                    now,
                    Note::CrossCheckFailed { error },
                ));
            }
            Err(_) => {}
        }
    }
}

struct Asker {
    targets: Vec<(SourceId, String, Pace)>,
    /// Nothing is asked before those that were asked for are due.
    delay: TimeDelta,
    timeout: TimeDelta,
    count: u64,
    seed: u64,
    stop: Arc<AtomicBool>,
}

impl Asker {
    /// Asks every server in turn. A public server is asked once, in the place of the first request
    /// of its burst ([`Pacer::make_room`]).
    fn ask(&self, tell: &mut dyn FnMut(Answer) -> bool) {
        let client = SntpClient::with_config(Config::default().timeout(self.timeout.to_duration()));
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut pacers: Vec<_> = self
            .targets
            .iter()
            .map(|(_, _, p)| Pacer::new(*p))
            .collect();
        if !self.pause(self.delay) {
            return;
        }
        for round in 0..self.count {
            let mut wait = SPACING;
            for ((id, address, pace), pacer) in self.targets.iter().zip(&mut pacers) {
                if round > 0 && matches!(pace, Pace::Polite(_)) {
                    continue;
                }
                if self.stop.load(Ordering::Relaxed) {
                    return;
                }
                let answer = client.synchronize(address.as_str()).map_or_else(
                    |error| Err(error.to_string()),
                    |r| Ok((delta(&r.clock_offset()), delta(&r.round_trip_delay()))),
                );
                if !tell((*id, answer)) {
                    return;
                }
                wait = wait.max(pacer.gap(&mut rng));
            }
            if !self.pause(wait) {
                return;
            }
        }
    }

    /// Waits, and says whether to go on.
    fn pause(&self, wait: TimeDelta) -> bool {
        let mut left = wait;
        while left > TimeDelta::ZERO {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            let slice = left.min(SPACING);
            clock::sleep(slice);
            left = left - slice;
        }
        !self.stop.load(Ordering::Relaxed)
    }
}

/// rsntp counts in 2^-32 s and hands out floats of seconds; differences keep their nanoseconds.
fn delta(duration: &rsntp::SntpDuration) -> TimeDelta {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float to integer cast saturates"
    )]
    TimeDelta::from_nanos((duration.as_secs_f64() * 1e9).round() as i64)
}
