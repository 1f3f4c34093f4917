//! [`CardLine`]: from the clock of a network card to the system's clock, with a proven error.
//!
//! A reading of the card's clock lies between two of the system's: so the card's instant D was some
//! instant of [before, after]. For another instant of the card, x later, that interval moves by x on
//! the system's clock, give or take what both clocks can run apart in x. The nearest readings on
//! either side of a stamp both hold its truth, so their intersection does:
//!
//! ```text
//! card      -----D1-----stamp---------D2----
//! system   --[==]-----------------[==]------
//! by D1        [=======]
//! by D2              [======]
//! both               [=]
//! ```
//!
//! Within it the best guess is what a robust line through recent readings says, which is free of the
//! scatter that single readings have. Neither clock is steered by anything here; that somebody else
//! steers them is what the allowance is for, and where it does not suffice, because one of them was
//! stepped, two readings contradict each other, and everything before is forgotten.

use std::collections::VecDeque;

use crate::net::phc::Reading;
use crate::stats::{Line, robust_line};
use crate::time::{Frequency, TimeDelta, Timestamp};

/// How fast both clocks may run apart: the kernel steers its own by up to 500 ppm either way (MAXFREQ
/// of linux/timex.h), and the crystal of an Ethernet card is up to 100 ppm off (IEEE 802.3).
const ALLOWANCE: Frequency = Frequency::from_ppm(600);

/// What a clock that counts nanoseconds is off by.
const RESOLUTION: TimeDelta = TimeDelta::NANOSECOND;

/// Readings kept. A transmit stamp may be 100 ms late, and its readings must still be there.
const KEPT: usize = 256;
/// Readings the line goes through, at most: 120 slopes to sort.
const ON_LINE: usize = 16;
/// The least time between two of these: the rate of two clocks is seen better over time.
const SPACING: TimeDelta = TimeDelta::from_millis(10);
/// How old they may be: over longer times a daemon steers the system clock.
const MAX_AGE: TimeDelta = TimeDelta::from_secs(2);
/// From how many readings on there is a line.
const LEAST_ON_LINE: usize = 4;

/// One reading of the card's clock, as it bounds the system's.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// The card's clock.
    card: Timestamp,
    /// The system's clock was not before this ...
    earliest: Timestamp,
    /// ... and not after this.
    latest: Timestamp,
}

impl Known {
    fn of(reading: &Reading) -> Self {
        let doubt = reading.error().max(RESOLUTION);
        Self {
            card: reading.device,
            earliest: reading.before + (-doubt),
            latest: reading.after + doubt,
        }
    }

    fn middle(&self) -> Timestamp {
        let half = self.latest.since(self.earliest).as_nanos().div_euclid(2);
        self.earliest + TimeDelta::from_nanos(half)
    }
}

/// An instant on the system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The best guess.
    pub at: Timestamp,
    /// The most it may be off by, either way.
    pub error: TimeDelta,
}

/// Readings of one card's clock, and the line through them.
#[derive(Debug, Default)]
pub struct CardLine {
    /// In the order of the card's clock, oldest first.
    known: VecDeque<Known>,
    /// Those the line goes through.
    chosen: VecDeque<Known>,
    fit: Option<Fit>,
}

/// System minus card, as a function of the card's time since `origin`.
#[derive(Clone, Copy, Debug)]
struct Fit {
    origin: Known,
    line: Line,
}

impl CardLine {
    /// The card's clock, as of the newest reading.
    pub fn newest(&self) -> Option<Timestamp> {
        self.known.back().map(|k| k.card)
    }

    /// Takes a reading, made later than those before. Returns by how much the card's clock and the
    /// system's moved against each other since the reading before, if that is more than they can
    /// while they run: one of them was stepped (positive: the system's forward, or the card's back).
    /// What was known before is forgotten then.
    pub fn add(&mut self, reading: &Reading) -> Option<TimeDelta> {
        let now = Known::of(reading);
        let moved = self.contradiction(&now);
        if moved.is_some() {
            *self = Self::default();
        }
        if self.known.len() >= KEPT {
            self.known.pop_front();
        }
        self.known.push_back(now);
        let spaced = |last: &Known| now.card.since(last.card) >= SPACING;
        if self.chosen.back().is_none_or(spaced) {
            self.choose(now);
        }
        moved
    }

    /// Where the card's clock read `card`; `None` as long as there is no reading near.
    pub fn convert(&self, card: Timestamp) -> Option<Converted> {
        let later = self.known.partition_point(|k| k.card < card);
        let after = self.known.get(later);
        let before = later.checked_sub(1).and_then(|n| self.known.get(n));
        let span = |k: &Known| self.carried(k, card);
        let (earliest, latest) = match (before.map(span), after.map(span)) {
            (Some(a), Some(b)) => (a.0.max(b.0), a.1.min(b.1)),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return None,
        };
        // Neighbours that contradict each other are not kept, so this is never empty by more than
        // rounding.
        let latest = latest.max(earliest);
        let middle = earliest + TimeDelta::from_nanos(latest.since(earliest).as_nanos() / 2);
        let at = self.by_line(card).unwrap_or(middle).clamp(earliest, latest);
        let error = latest.since(at).max(at.since(earliest)) + RESOLUTION;
        Some(Converted { at, error })
    }

    /// The interval that one reading gives for another instant of the card.
    fn carried(&self, known: &Known, card: Timestamp) -> (Timestamp, Timestamp) {
        let elapsed = card.since(known.card);
        let apart = ALLOWANCE.gained_over(elapsed).abs();
        (
            known.earliest + (elapsed - apart),
            known.latest + (elapsed + apart),
        )
    }

    fn contradiction(&self, now: &Known) -> Option<TimeDelta> {
        let last = self.known.back()?;
        let (earliest, latest) = self.carried(last, now.card);
        let runs = now.card >= last.card && now.earliest <= latest && earliest <= now.latest;
        let expected = last.middle() + now.card.since(last.card);
        (!runs).then(|| now.middle().since(expected))
    }

    fn choose(&mut self, now: Known) {
        let old = |k: &Known| now.card.since(k.card) > MAX_AGE;
        while self.chosen.len() >= ON_LINE || self.chosen.front().is_some_and(old) {
            self.chosen.pop_front();
        }
        self.chosen.push_back(now);
        self.fit = Fit::through(&self.chosen);
    }

    fn by_line(&self, card: Timestamp) -> Option<Timestamp> {
        self.fit.as_ref().map(|fit| fit.at(card))
    }
}

impl Fit {
    fn through(known: &VecDeque<Known>) -> Option<Self> {
        if known.len() < LEAST_ON_LINE {
            return None;
        }
        let origin = *known.back()?;
        let points: Vec<(f64, f64)> = known
            .iter()
            .map(|k| {
                let x = k.card.since(origin.card);
                let y = k.middle().since(origin.middle()) - x;
                (nanos(x), nanos(y))
            })
            .collect();
        let line = robust_line(&points)?;
        Some(Self { origin, line })
    }

    fn at(&self, card: Timestamp) -> Timestamp {
        let x = card.since(self.origin.card);
        self.origin.middle() + (x + whole(self.line.at(nanos(x))))
    }
}

/// Seconds at most, of which a double holds every nanosecond.
#[expect(
    clippy::cast_precision_loss,
    reason = "differences of seconds, exact up to 2^53 ns"
)]
fn nanos(delta: TimeDelta) -> f64 {
    delta.as_nanos() as f64
}

/// To nearest; what no `i64` holds becomes its end, which nothing near a reading does.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from a double saturates"
)]
fn whole(nanos: f64) -> TimeDelta {
    TimeDelta::from_nanos(nanos.round_ties_even() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::phc::Method;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;
    const START: i64 = 1_795_000_000_000_000_000;

    /// A card ahead of the system's clock by `ahead` that gains `ppb` on it, as true time passes.
    #[derive(Clone, Copy)]
    struct Card {
        ahead: i64,
        ppb: i64,
    }

    impl Card {
        fn at(self, elapsed: i64) -> Timestamp {
            let gained = i128::from(elapsed) * i128::from(self.ppb) / 1_000_000_000;
            Timestamp::from_nanos(START + elapsed + self.ahead + i64::try_from(gained).unwrap())
        }
    }

    fn system(elapsed: i64) -> Timestamp {
        Timestamp::from_nanos(START + elapsed)
    }

    fn reading(card: Timestamp, before: Timestamp, after: Timestamp) -> Reading {
        Reading {
            before,
            device: card,
            after,
            counter: None,
            method: Method::Extended,
        }
    }

    #[test]
    fn nothing_is_said_without_a_reading() {
        assert_eq!(CardLine::default().convert(system(0)), None);
    }

    #[test]
    fn one_reading_says_less_the_farther_the_stamp() {
        let card = Card { ahead: 37, ppb: 0 };
        let mut line = CardLine::default();
        line.add(&reading(card.at(0), system(-400), system(400)));
        let near = line.convert(card.at(0)).unwrap();
        assert_eq!((near.at, near.error.as_nanos()), (system(0), 402));
        for elapsed in [MS, -MS] {
            let far = line.convert(card.at(elapsed)).unwrap();
            assert_eq!((far.at, far.error.as_nanos()), (system(elapsed), 402 + 600));
        }
    }

    #[test]
    fn readings_on_both_sides_say_more_than_either() {
        let card = Card { ahead: 37, ppb: 0 };
        let mut line = CardLine::default();
        line.add(&reading(card.at(0), system(-400), system(0)));
        line.add(&reading(
            card.at(MS / 10),
            system(MS / 10),
            system(MS / 10 + 400),
        ));
        let between = line.convert(card.at(MS / 20)).unwrap();
        // Both are true only where the card is read at the very end of the first window.
        assert_eq!(between.at, system(MS / 20));
        assert!(between.error.as_nanos() < 40, "{between:?}");
    }

    #[test]
    fn a_line_sees_through_the_scatter_of_single_readings() {
        let card = Card {
            ahead: 250 * MS,
            ppb: 20_000,
        };
        let mut line = CardLine::default();
        // Squares of what the line and what the last reading is off by.
        let (mut by_line, mut by_reading) = (0, 0);
        for n in 0..100 {
            let at = n * 50 * MS;
            // Where in its window the card is read changes; some windows are very wide.
            let (before, after) = match (n % 10, n * 617 % 1000) {
                (9, _) => (30_000, 2_000),
                (_, before) => (before, 1000 - before),
            };
            line.add(&reading(
                card.at(at),
                system(at - before),
                system(at + after),
            ));
            let stamp = at + 3 * MS;
            let found = line.convert(card.at(stamp)).unwrap();
            let off = found.at.since(system(stamp)).as_nanos().abs();
            assert!(off <= found.error.as_nanos());
            if n > 20 {
                by_line += off * off;
                by_reading += (after - before) * (after - before) / 4;
            }
        }
        assert!(by_line * 4 < by_reading, "{by_line} {by_reading}");
    }

    #[test]
    fn a_step_of_either_clock_is_told_and_ends_what_was_known() {
        let card = Card { ahead: 0, ppb: 0 };
        let mut line = CardLine::default();
        for n in 0..10 {
            let at = n * 20 * MS;
            assert_eq!(
                line.add(&reading(card.at(at), system(at - 500), system(at))),
                None
            );
        }
        let at = 200 * MS;
        // The system's clock goes forward by 5 ms.
        let later = |by: i64| system(at + 5 * MS + by);
        let moved = line
            .add(&reading(card.at(at), later(-500), later(0)))
            .unwrap();
        assert!((moved.as_nanos() - 5 * MS).abs() < 1000, "{moved:?}");
        let after = line.convert(card.at(at - 20 * MS)).unwrap();
        assert!(after.error > TimeDelta::from_micros(5), "{after:?}");
        // The card's clock goes back by a second.
        let back = reading(card.at(at - 999 * MS), later(MS - 500), later(MS));
        let moved = line.add(&back).unwrap();
        assert!((moved.as_nanos() - 1000 * MS).abs() < MS, "{moved:?}");
    }

    proptest! {
        /// Whatever the rates, the windows, the place in them and the steering: the truth is inside.
        #[test]
        fn the_error_covers_the_truth(
            ahead in -10_000_000_000i64..10_000_000_000,
            ppb in -100_000i64..100_000,
            readings in proptest::collection::vec(
                (1i64..400_000_000, 0i64..3_000, 0i64..3_000, -400i64..400), 1..60),
            late in 0i64..100_000_000,
        ) {
            let card = Card { ahead, ppb };
            let mut line = CardLine::default();
            // The system's clock is true time plus what the kernel steered it by; both change only
            // here and are straight in between.
            let (mut elapsed, mut steered) = (0, 0);
            let mut turns = vec![(0, 0)];
            for (gap, before, after, ppm) in readings {
                elapsed += gap;
                steered += gap * ppm / 1_000_000;
                turns.push((elapsed, steered));
                let now = elapsed + steered;
                let told = line.add(&reading(card.at(elapsed), system(now - before), system(now + after)));
                // Steering has its limits, and so these clocks run.
                prop_assert_eq!(told, None);
                // A stamp between this reading and the one before, converted now.
                let [.., (t0, s0), (t1, s1)] = turns[..] else { unreachable!() };
                let back = late.min(t1 - t0);
                let truth = t1 - back + s1 - (s1 - s0) * back / (t1 - t0);
                let found = line.convert(card.at(t1 - back)).unwrap();
                let off = found.at.since(system(truth)).as_nanos().abs();
                prop_assert!(off <= found.error.as_nanos() + 2, "{off} {found:?}");
            }
        }
    }
}
