//! The local clock, watched: readings of it in, [`Disturbance`]s out.
//!
//! Floor 3, without I/O. Once a second a [`Watch`] is given a [`ClockReading`]; in between, the pairs
//! that are read before requests anyway, and how late the program woke. It never reads a clock. What it
//! finds is told by [`Watch::poll_disturbance`], and is recorded as it is told, so that a replay finds
//! nothing anew.
//!
//! Four clocks tell apart what one alone would mix up:
//!
//! ```text
//! REALTIME  - MONOTONIC        moves only when the wall clock is stepped, or the host was suspended
//! BOOTTIME  - MONOTONIC        moves only when the host was suspended
//! MONOTONIC - MONOTONIC_RAW    moves by steering alone: its rate is the kernel's
//! MONOTONIC_RAW                nobody moves it: a wake-up is late by it, or is not
//! ```
//!
//! So a step is known to the error of two readings, however fast the clock is slewed meanwhile; and a
//! program that did not run for seconds is no clock that jumped.

mod rate;
mod share;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::sample::{Change, ClockReading, Disturbance, LEAST_STEP, Leap, Reading};
use crate::time::{Frequency, Monotonic, TimeDelta};
use rate::Rates;
use share::Theft;

/// A wake-up later than this is a stall. A busy scheduler, or a quota of processor time that is used
/// up, holds a process back for some ten milliseconds; from 100 ms on this program's own patience is at
/// stake, for as long does it wait for a transmit stamp.
const STALL: TimeDelta = TimeDelta::from_millis(100);

/// CLOCK_BOOTTIME gains nothing on CLOCK_MONOTONIC but by suspending, which takes longer than this.
const LEAST_SUSPEND: TimeDelta = TimeDelta::from_millis(1);

/// Changes of the rate the kernel is told to run at, below which nothing is told. chronyd adjusts every
/// few seconds, once it has settled by hundredths of this; all of it is in the readings.
const LEAST_FREQUENCY: Frequency = Frequency::from_ppm(1);

/// How far a step may be from a whole second to be the leap second that was announced.
const LEAP_TOLERANCE: TimeDelta = TimeDelta::from_millis(1);

/// Finds what disturbs the local clock, or this program's view of it.
#[derive(Debug, Default)]
pub struct Watch {
    last: Option<ClockReading>,
    /// The latest pair of the two clocks, of whatever origin.
    pair: Option<Reading>,
    /// The two pairs between which the clocks moved apart, until a whole reading tells why.
    gap: Option<(Reading, Reading)>,
    /// Whether the clocks part so fast by slewing that pairs tell nothing: until the next reading that
    /// was made for its own sake.
    slewing: bool,
    /// The longest stall since the last reading.
    stall: Option<Stall>,
    /// The kernel's rate as it was told last.
    frequency: Option<Frequency>,
    rates: Rates,
    theft: Theft,
    found: VecDeque<Disturbance>,
}

#[derive(Clone, Copy, Debug)]
struct Stall {
    /// When it should have run.
    due: Monotonic,
    /// What that may be off by.
    error: TimeDelta,
    length: TimeDelta,
}

impl Watch {
    /// Both clocks were read for another purpose: this narrows down when a step was.
    pub fn handle_pair(&mut self, pair: Reading) {
        if let Some(before) = self.pair.replace(pair)
            && self.gap.is_none()
            && !self.slewing
            && pair.stepped_since(&before).is_some()
        {
            self.gap = Some((before, pair));
        }
    }

    /// The program waited from `since` on to be woken at `due`, and runs again at `now`.
    pub fn handle_wake(&mut self, since: Monotonic, due: Monotonic, now: Monotonic) {
        let due = due.max(since);
        self.stalled(due, due.since(since), now.since(due));
    }

    /// The program worked from `begun` to `now`. It may have been stopped anywhere in between, and does not
    /// take as long otherwise.
    pub fn handle_work(&mut self, begun: Monotonic, now: Monotonic) {
        let length = now.since(begun);
        self.stalled(begun, length, length);
    }

    fn stalled(&mut self, due: Monotonic, error: TimeDelta, length: TimeDelta) {
        if length > STALL && self.stall.is_none_or(|known| known.length < length) {
            self.stall = Some(Stall { due, error, length });
        }
    }

    /// Whether something was seen that a reading right now can tell more of.
    pub fn wants_reading(&self) -> bool {
        self.gap.is_some() || self.stall.is_some()
    }

    /// The clocks were read.
    pub fn handle_reading(&mut self, reading: &ClockReading) {
        self.handle_pair(reading.clocks);
        let stall = self.stall.take();
        let gap = self.gap.take();
        if let Some(last) = self.last.replace(reading.clone()) {
            let jumps = self.found.len();
            self.find_jumps(&last, reading, gap.unwrap_or((last.clocks, reading.clocks)));
            self.slewing = gap.is_some() && self.found.len() == jumps;
            if let Some(stall) = stall {
                self.tell_stall(stall, &last, reading);
            }
            self.find_settings(&last, reading);
        } else if let Some(told) = reading.discipline {
            self.frequency = Some(told.rate());
            self.find_announcement(Leap::None, told.leap(), reading);
        }
        let slews = self.rates.handle(reading);
        self.found.extend(slews);
        let theft = self.theft.handle(reading);
        self.found.extend(theft);
    }

    /// No reading follows: what was still waited for is told as far as it is known.
    pub fn handle_end(&mut self) {
        let slews = self.rates.finish();
        self.found.extend(slews);
        let theft = self.theft.finish();
        self.found.extend(theft);
    }

    /// The next thing that was found, oldest first.
    pub fn poll_disturbance(&mut self) -> Option<Disturbance> {
        self.found.pop_front()
    }

    /// Suspends, steps and leap seconds since the `last` reading. The clocks moved apart within `gap`.
    fn find_jumps(&mut self, last: &ClockReading, now: &ClockReading, gap: (Reading, Reading)) {
        // Two clocks of one reading lie at most twice its error apart, so their difference is off by at
        // most that, and what it changed by too: it can only be late.
        let error = last.clocks.error.max(now.clocks.error).times(2);
        let monotonic = now.monotonic - last.monotonic;
        let suspended = match (last.boottime, now.boottime) {
            (Some(before), Some(after)) => after - before - monotonic,
            _ => TimeDelta::ZERO,
        };
        let was_suspended = suspended > LEAST_SUSPEND + error;
        let asleep = if was_suspended {
            suspended
        } else {
            TimeDelta::ZERO
        };
        if was_suspended {
            let change = Change::Suspend { length: suspended };
            self.tell(change, gap, now);
        }
        let by = now.clocks.wall.since(last.clocks.wall) - monotonic - asleep;
        if by.abs() <= LEAST_STEP + error {
            return;
        }
        let change = match leap_second(last, by) {
            Some(leap) => Change::LeapSecond { leap },
            None => Change::Step { by, error },
        };
        self.tell(change, gap, now);
    }

    fn tell_stall(&mut self, stall: Stall, last: &ClockReading, now: &ClockReading) {
        let delayed = match (last.run_delay, now.run_delay) {
            (Some(before), Some(after)) => Some((after - before).min(stall.length)),
            _ => None,
        };
        self.found.push_back(Disturbance {
            at: stall.due,
            at_error: stall.error,
            wall: wall_at(stall.due, now),
            change: Change::Stall {
                length: stall.length,
                run_delay: delayed,
            },
        });
    }

    /// What somebody set since the `last` reading: rates, leap seconds, the clocksource.
    fn find_settings(&mut self, last: &ClockReading, now: &ClockReading) {
        let between = (last.clocks, now.clocks);
        if let (Some(from), Some(to)) = (&last.clocksource, &now.clocksource)
            && from != to
        {
            let (from, to) = (from.clone(), to.clone());
            self.tell(Change::Clocksource { from, to }, between, now);
        }
        let (Some(before), Some(after)) = (last.discipline, now.discipline) else {
            return;
        };
        let (from, to) = (self.frequency.unwrap_or(before.rate()), after.rate());
        if from.abs_diff(to) >= LEAST_FREQUENCY {
            self.tell(Change::Frequency { from, to }, between, now);
            self.frequency = Some(to);
        }
        let (from, to) = (before.tai_minus_utc, after.tai_minus_utc);
        if from != to {
            self.tell(Change::TaiOffset { from, to }, between, now);
        }
        self.find_announcement(before.leap(), after.leap(), now);
    }

    fn find_announcement(&mut self, before: Leap, leap: Leap, now: &ClockReading) {
        if matches!(leap, Leap::Insert | Leap::Delete) && leap != before {
            let change = Change::LeapAnnounced { leap };
            self.tell(change, (now.clocks, now.clocks), now);
        }
    }

    fn tell(&mut self, change: Change, (before, after): (Reading, Reading), now: &ClockReading) {
        self.found.push_back(between(change, before, after, now));
    }
}

/// Something that happened between two pairs.
fn between(change: Change, before: Reading, after: Reading, now: &ClockReading) -> Disturbance {
    let elapsed = after.counter.since(before.counter);
    let half = TimeDelta::ZERO.midpoint(elapsed);
    let at = before.counter + half;
    Disturbance {
        at,
        // Rounded outward.
        at_error: (elapsed - half).max(half) + before.error.max(after.error),
        wall: wall_at(at, now),
        change,
    }
}

/// The wall clock at `at`, by a reading after it.
fn wall_at(at: Monotonic, now: &ClockReading) -> crate::time::Timestamp {
    now.clocks.wall + at.since(now.clocks.counter)
}

/// Whether a step is the leap second that the kernel had been told of.
fn leap_second(last: &ClockReading, by: TimeDelta) -> Option<Leap> {
    let leap = last.discipline?.leap();
    let expected = match leap {
        Leap::Insert => TimeDelta::from_secs(-1),
        Leap::Delete => TimeDelta::from_secs(1),
        Leap::None | Leap::Unsynchronised => return None,
    };
    ((by - expected).abs() <= LEAP_TOLERANCE).then_some(leap)
}
