//! The rate of the local clock against the counter, and where it changed.
//!
//! Only changes of the rate are judged, never its level: the counter itself may be tens of ppm off, for
//! the kernel found its frequency in some milliseconds at boot.
//!
//! Between two readings the clock runs along a line. Where its rate changed, the lines before and after
//! meet, and that is when it changed: known to the errors of the readings divided by the change, which
//! for 100 ppm is a millisecond or two, though the readings are a second apart.
//!
//! ```text
//! clock - counter           before   | changing |   after
//!                                              _-
//!                                           _-
//!   _____________________________________ _-
//!                                        ^ at
//! ```

use crate::sample::{Change, ClockReading, Disturbance, Reading};
use crate::time::{Frequency, TimeDelta};

use super::{between, wall_at};

/// Changes below this are not told: a settled chronyd corrects by less, and an offset moves by no more
/// than 10 us each second.
const LEAST_SLEW: Frequency = Frequency::from_ppm(10);

/// The shortest time over which a rate is taken: readings may follow each other at once where something
/// was seen, and their errors are divided by it.
const SHORTEST: TimeDelta = TimeDelta::from_millis(500);

/// A rate less sure than this could be told wrong by as much as what is looked for; a longer time then
/// makes it surer.
const LARGEST_ERROR: Frequency = Frequency::from_ppm(2);

/// The error of a reading that spoils even a rate over a second.
const POOR: TimeDelta = TimeDelta::from_micros(1);

/// Where both clocks were.
#[derive(Clone, Copy, Debug)]
struct Point {
    clocks: Reading,
    monotonic: TimeDelta,
}

/// The rate between two readings.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Point,
    to: Point,
    rate: Frequency,
    error: Frequency,
}

impl Span {
    fn length(&self) -> TimeDelta {
        self.to.clocks.counter.since(self.from.clocks.counter)
    }

    /// Its length times the ratio of two rates, the first in parts per billion.
    fn share(&self, ppb: i128, whole: Frequency) -> TimeDelta {
        let whole = i128::from(whole.as_ppb().unsigned_abs()).max(1);
        let share = i128::from(self.length().as_nanos()) * ppb / whole;
        TimeDelta::from_nanos(i64::try_from(share).unwrap_or(i64::MAX))
    }
}

/// What is known of the rate.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// Where the next span begins.
    start: Option<Point>,
    /// The rate as it was told last, or found first.
    told: Option<Frequency>,
    /// The last spans in which nothing seemed to change, the latest first.
    before: Option<Span>,
    earlier: Option<Span>,
    /// A span in which the rate began to change; the next one tells when and to what.
    changing: Option<Span>,
}

impl Rates {
    /// Takes a reading; returns the changes it makes known.
    pub(super) fn handle(&mut self, reading: &ClockReading) -> Vec<Disturbance> {
        let here = Point {
            clocks: reading.clocks,
            monotonic: reading.monotonic,
        };
        let Some(start) = self.start else {
            self.start = Some(here);
            return Vec::new();
        };
        let Some(span) = span(start, here) else {
            if start.clocks.error > POOR && here.clocks.error < start.clocks.error {
                // What begins with a poor reading would have to be long.
                self.start = Some(here);
            }
            return Vec::new();
        };
        self.start = Some(here);
        self.judge(span, reading)
    }

    /// No reading follows.
    pub(super) fn finish(&mut self) -> Vec<Disturbance> {
        let (Some(told), Some(changing)) = (self.told, self.changing.take()) else {
            return Vec::new();
        };
        let change = slew(told, changing.rate, changing.error);
        vec![somewhere_in(&changing, change)]
    }

    fn judge(&mut self, span: Span, reading: &ClockReading) -> Vec<Disturbance> {
        let Some(told) = self.told else {
            self.told = Some(span.rate);
            self.settle(span);
            return Vec::new();
        };
        let Some(changing) = self.changing.take() else {
            if differ(told, span.rate, span.error) {
                self.changing = Some(span);
            } else {
                self.settle(span);
            }
            return Vec::new();
        };
        let Some(before) = self.before else {
            return Vec::new();
        };
        let earlier = self.earlier.unwrap_or(before);
        self.earlier = None;
        self.settle(span);
        let error = larger(before.error, span.error);
        if !differ(told, span.rate, error) {
            // It came and went within one span.
            let error = larger(error, changing.error);
            let there = slew(before.rate, changing.rate, error);
            let back = slew(changing.rate, span.rate, error);
            return vec![
                somewhere_in(&changing, there),
                somewhere_in(&changing, back),
            ];
        }
        self.told = Some(span.rate);
        if !differ(before.rate, span.rate, error) && !differ(earlier.rate, span.rate, error) {
            // It went there in steps too small to tell.
            return vec![somewhere_in(&changing, slew(told, span.rate, error))];
        }
        let noise = Frequency::from_ppb(changing.error.as_ppb() + span.error.as_ppb());
        let found = if changing.rate.abs_diff(span.rate) <= noise {
            // It ran at the new rate all the time: the change came at its beginning, or before, too
            // late in the span to show.
            meeting(earlier, &before, &span, reading)
        } else {
            meeting(before, &changing, &span, reading)
        };
        vec![found]
    }

    fn settle(&mut self, span: Span) {
        self.earlier = self.before.replace(span);
    }
}

/// The rate between two points, where they are far enough apart to say.
fn span(from: Point, to: Point) -> Option<Span> {
    let elapsed = to.clocks.counter.since(from.clocks.counter);
    if elapsed < SHORTEST {
        return None;
    }
    let gained = to.monotonic - from.monotonic - elapsed;
    let error = Frequency::of(from.clocks.error + to.clocks.error, elapsed);
    (error <= LARGEST_ERROR).then_some(Span {
        from,
        to,
        rate: Frequency::of(gained, elapsed),
        error,
    })
}

fn differ(a: Frequency, b: Frequency, error: Frequency) -> bool {
    a.abs_diff(b).as_ppb() > LEAST_SLEW.as_ppb().saturating_add(error.as_ppb())
}

fn slew(from: Frequency, to: Frequency, error: Frequency) -> Change {
    Change::Slew { from, to, error }
}

/// A change of which no more is known. One that came just before the span or after it, by less than
/// shows, would look the same.
fn somewhere_in(span: &Span, change: Change) -> Disturbance {
    let reading = ClockReading {
        clocks: span.to.clocks,
        ..ClockReading::default()
    };
    let found = between(change, span.from.clocks, span.to.clocks, &reading);
    Disturbance {
        at_error: found.at_error + span.share(span.error.as_ppb().into(), LEAST_SLEW),
        ..found
    }
}

/// The change where the line of the span `before` meets that of the span `after`, in the span between.
fn meeting(before: Span, between: &Span, after: &Span, reading: &ClockReading) -> Disturbance {
    let error = larger(before.error, after.error);
    let change = slew(before.rate, after.rate, error);
    let ppb = |rate: Frequency| i128::from(rate.as_ppb());
    let by = after.rate.abs_diff(before.rate);
    let sign = (ppb(after.rate) - ppb(before.rate)).signum();
    // What of it ran at the new rate is its last part.
    let since = between.share((ppb(between.rate) - ppb(before.rate)) * sign, by);
    let errors = ppb(before.error) + 2 * ppb(between.error) + 2 * ppb(after.error);
    // Outward: the change may be smaller than it seems, and sums are cut to whole numbers.
    let least = Frequency::from_ppb(by.as_ppb() - before.error.as_ppb() - after.error.as_ppb());
    let doubt = between.share(errors + 1, least) + TimeDelta::NANOSECOND;
    let length = between.length();
    if since < -doubt || since > length + doubt {
        // More than one change: all that is known is the span.
        return somewhere_in(between, change);
    }
    let at = between.to.clocks.counter + (-since.max(TimeDelta::ZERO).min(length));
    Disturbance {
        at,
        at_error: doubt + between.to.clocks.error,
        wall: wall_at(at, reading),
        change,
    }
}

fn larger(a: Frequency, b: Frequency) -> Frequency {
    Frequency::from_ppb(a.as_ppb().max(b.as_ppb()))
}
