//! The edge between two seconds of a clock that shows whole seconds only, found by looking at it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Edge;
use crate::sample::Reading;
use crate::time::{Monotonic, NANOS_PER_SEC, TimeDelta, Timestamp};

const SECOND: TimeDelta = TimeDelta::from_secs(1);

/// Time between two looks while nothing is known of the edge. A hundred looks find it, and the next
/// edge is then expected within this time.
const COARSE: TimeDelta = TimeDelta::from_millis(10);
/// Time between two looks where the edge is expected: the kernel's default timer slack, below which
/// a thread cannot sleep.
const FINE: TimeDelta = TimeDelta::from_micros(50);
/// Away from where the edge is expected, the time between two looks is this part of the distance. If
/// the edge comes at another time after all, it is known to that part of the surprise; and some 30
/// looks lead to it from half a second away.
const SHARE: i64 = 4;
/// How long one second may be shown: twice its length, and room for a host that stalls.
const PATIENCE: TimeDelta = TimeDelta::from_secs(3);
/// How often the second shown may be another than the next: the clock was set, or this host stalled
/// for longer than a second. A clock that never shows two seconds in a row is of no use.
const JUMPS: u32 = 3;

/// A clock that shows whole seconds, and this host's clocks beside it.
pub(super) trait Face {
    /// This host's clocks.
    fn now(&mut self) -> Reading;
    /// The second that is shown.
    fn look(&mut self) -> io::Result<Timestamp>;
    /// Lets this time pass, or less.
    fn wait(&mut self, at_most: TimeDelta);
}

/// Looks until a second begins. `last` is an earlier edge, and says when; `None` once `stop` is set,
/// which is heeded within an eighth of a second.
///
/// # Errors
///
/// Those of the face, and where its seconds do not follow one another.
pub(super) fn find(
    face: &mut impl Face,
    last: Option<&Edge>,
    stop: &AtomicBool,
) -> io::Result<Option<Edge>> {
    let mut seen: Option<(Reading, Timestamp)> = None;
    let mut since = face.now().counter;
    let mut jumps = 0;
    while !stop.load(Ordering::Relaxed) {
        let before = face.now();
        let second = face.look()?;
        let after = face.now();
        match seen {
            Some((before, earlier)) if second == earlier + SECOND => {
                return Ok(Some(Edge {
                    before,
                    second,
                    after,
                }));
            }
            Some((_, earlier)) if second != earlier => {
                jumps += 1;
                since = before.counter;
            }
            _ => {}
        }
        seen = Some((before, second));
        if jumps > JUMPS {
            return Err(io::Error::other("its seconds do not follow one another"));
        }
        if after.counter.since(since) > PATIENCE {
            return Err(io::Error::other("it stands still"));
        }
        face.wait(pause(last, after.counter));
    }
    Ok(None)
}

/// The time until the next look.
fn pause(last: Option<&Edge>, now: Monotonic) -> TimeDelta {
    let Some(last) = last else {
        return COARSE;
    };
    // Seconds later the edge comes in the same part of the second, give or take the drift.
    let begin = last.before.counter;
    let since = now.since(begin).as_nanos().rem_euclid(NANOS_PER_SEC);
    let window = last.after.counter.since(begin).as_nanos();
    if since <= window {
        return FINE;
    }
    let distance = (since - window).min(NANOS_PER_SEC - since);
    TimeDelta::from_nanos(distance / SHARE).max(FINE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A clock whose edges are known, and everything around it that may go wrong.
    #[derive(Clone, Debug)]
    struct Fake {
        /// True time, and the counter: nanoseconds.
        now: i64,
        /// The RTC minus the counter, at the counter's zero.
        ahead: i64,
        /// How fast the RTC is, parts per billion.
        ppb: i64,
        /// The system's clock minus the counter.
        wall: i64,
        /// What a look takes; the time is read off at `read_at` thousandths of it.
        look: i64,
        read_at: i64,
        /// How much later than asked a wait ends, in turn.
        late: Vec<i64>,
        /// Update interrupts end a wait this late; none without.
        interrupt: Option<i64>,
        /// Before an edge a look is held up for this long, until the edge is over.
        updating: i64,
        looks: usize,
        waits: usize,
    }

    impl Fake {
        fn quiet() -> Self {
            Self {
                now: 123_456_789_012,
                ahead: 1_763_832_000_250_000_000,
                ppb: 0,
                wall: 1_763_832_000_000_000_000,
                look: 20_000,
                read_at: 500,
                late: vec![60_000],
                interrupt: None,
                updating: 0,
                looks: 0,
                waits: 0,
            }
        }

        /// The RTC at an instant of the counter, with its fraction.
        fn rtc_at(&self, now: i64) -> i64 {
            let gain = i128::from(now) * i128::from(self.ppb) / 1_000_000_000;
            now + self.ahead + i64::try_from(gain).unwrap()
        }

        /// The counter when the RTC begins this second: the first instant at which it is there.
        fn edge_of(&self, second: Timestamp) -> i64 {
            let wanted = second.as_nanos();
            let mut low = wanted - self.ahead - 1_000_000_000;
            let mut high = wanted - self.ahead + 1_000_000_000;
            while low < high {
                let middle = low.midpoint(high);
                if self.rtc_at(middle) < wanted {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        }

        /// The counter at the next edge.
        fn next_edge(&self) -> i64 {
            let shown = self.rtc_at(self.now).div_euclid(NANOS_PER_SEC) + 1;
            self.edge_of(Timestamp::from_nanos(shown * NANOS_PER_SEC))
        }
    }

    impl Face for Fake {
        fn now(&mut self) -> Reading {
            self.now += 30;
            Reading {
                wall: Timestamp::from_nanos(self.now + self.wall),
                counter: Monotonic::from_nanos(self.now),
                error: TimeDelta::NANOSECOND,
            }
        }

        fn look(&mut self) -> io::Result<Timestamp> {
            self.looks += 1;
            let edge = self.next_edge();
            if edge - self.now <= self.updating {
                self.now = edge;
            }
            let before = self.look * self.read_at / 1000;
            self.now += before;
            let shown = self.rtc_at(self.now).div_euclid(NANOS_PER_SEC);
            self.now += self.look - before;
            Ok(Timestamp::from_nanos(shown * NANOS_PER_SEC))
        }

        fn wait(&mut self, at_most: TimeDelta) {
            let late = self.late[self.waits % self.late.len()];
            self.waits += 1;
            let over = self.now + at_most.as_nanos() + late;
            self.now = match self.interrupt {
                Some(late) => over.min(self.next_edge() + late),
                None => over,
            };
        }
    }

    fn found(fake: &mut Fake, last: Option<&Edge>) -> Edge {
        find(fake, last, &AtomicBool::new(false)).unwrap().unwrap()
    }

    fn window(edge: &Edge) -> i64 {
        edge.after.wall.since(edge.before.wall).as_nanos()
    }

    #[test]
    fn looks_are_few_and_the_second_edge_is_found_finely() {
        let mut fake = Fake::quiet();
        let first = found(&mut fake, None);
        assert!(window(&first) < 11_000_000, "{}", window(&first));
        assert!(fake.looks <= 101, "{}", fake.looks);
        fake.looks = 0;
        let second = found(&mut fake, Some(&first));
        assert_eq!(second.second, first.second + SECOND);
        // FINE, a wait that ends late, and two looks.
        assert!(window(&second) < 160_000, "{}", window(&second));
        fake.looks = 0;
        let third = found(&mut fake, Some(&second));
        assert!(window(&third) < 160_000, "{}", window(&third));
        assert!(fake.looks < 70, "{}", fake.looks);
    }

    #[test]
    fn a_clock_that_drifts_is_still_found_finely() {
        for ppb in [-500_000, -20_000, 20_000, 500_000] {
            let mut fake = Fake {
                ppb,
                ..Fake::quiet()
            };
            let mut last = found(&mut fake, None);
            for _ in 0..5 {
                last = found(&mut fake, Some(&last));
            }
            // A quarter of the half millisecond by which it comes early or late at most.
            assert!(window(&last) < 300_000, "{ppb}: {}", window(&last));
        }
    }

    #[test]
    fn an_interrupt_ends_a_wait_early() {
        let mut without = Fake {
            late: vec![40_000_000],
            ..Fake::quiet()
        };
        let mut with = Fake {
            interrupt: Some(5_000),
            ..without.clone()
        };
        let (without, with) = (found(&mut without, None), found(&mut with, None));
        assert_eq!(without.second, with.second);
        assert!(with.after.wall < without.after.wall);
    }

    #[test]
    fn an_update_that_holds_looks_up_lies_inside() {
        let mut fake = Fake {
            updating: 2_228_000,
            ..Fake::quiet()
        };
        let first = found(&mut fake, None);
        let edge = found(&mut fake, Some(&first));
        assert!((2_228_000..2_500_000).contains(&window(&edge)), "{edge:?}");
    }

    /// A clock of which every look is told.
    struct Told(Vec<io::Result<i64>>, i64);

    impl Face for Told {
        fn now(&mut self) -> Reading {
            Reading {
                wall: Timestamp::from_nanos(self.1),
                counter: Monotonic::from_nanos(self.1),
                error: TimeDelta::NANOSECOND,
            }
        }

        fn look(&mut self) -> io::Result<Timestamp> {
            let second = if self.0.is_empty() {
                Ok(0)
            } else {
                self.0.remove(0)
            };
            second.map(|s| Timestamp::from_nanos(s * NANOS_PER_SEC))
        }

        fn wait(&mut self, at_most: TimeDelta) {
            self.1 += at_most.as_nanos();
        }
    }

    #[test]
    fn a_clock_that_is_set_meanwhile_begins_anew() {
        // Forward, back, and over one second: none of these is an edge.
        let shown = [100, 200, 50, 52, 52, 53].map(Ok);
        let mut told = Told(shown.into(), 0);
        let edge = find(&mut told, None, &AtomicBool::new(false))
            .unwrap()
            .unwrap();
        assert_eq!(edge.second.as_nanos(), 53 * NANOS_PER_SEC);
        let looked = |n: i64| Timestamp::from_nanos(COARSE.times(n).as_nanos());
        assert_eq!((edge.before.wall, edge.after.wall), (looked(4), looked(5)));
    }

    #[test]
    fn a_clock_that_stands_still_is_an_error_and_so_is_one_that_fails() {
        let go_on = AtomicBool::new(false);
        let mut still = Told(vec![], 0);
        let error = find(&mut still, None, &go_on).unwrap_err().to_string();
        assert_eq!(error, "it stands still");
        assert!(still.1 < PATIENCE.as_nanos() + 2 * COARSE.as_nanos());
        let mut wild = Told((0..100).map(|n| Ok(n * 2)).collect(), 0);
        let error = find(&mut wild, None, &go_on).unwrap_err().to_string();
        assert_eq!(error, "its seconds do not follow one another");
        assert_eq!(wild.0.len(), 95);
        let gone = io::Error::from_raw_os_error(libc::ENODEV);
        let mut gone = Told(vec![Ok(1), Err(gone)], 0);
        let error = find(&mut gone, None, &go_on).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }

    #[test]
    fn a_request_to_stop_is_heeded_and_no_wait_is_long() {
        let mut fake = Fake::quiet();
        let stop = AtomicBool::new(true);
        assert_eq!(find(&mut fake, None, &stop).unwrap(), None);
        assert_eq!(fake.looks, 0);
        let last = found(&mut fake, None);
        for nanos in (0..2_000_000_000).step_by(1_234_567) {
            let wait = pause(
                Some(&last),
                last.before.counter + TimeDelta::from_nanos(nanos),
            );
            assert!(
                (FINE..=TimeDelta::from_millis(125)).contains(&wait),
                "{nanos}: {wait:?}"
            );
        }
    }

    proptest! {
        /// Whatever looks and waits take, and whether interrupts come, early, late or never: the
        /// second began inside.
        #[test]
        fn the_edge_is_inside_whatever_happens(
            now in 1_000_000_000_000i64..2_000_000_000_000,
            ahead in -1_763_832_000_000_000_000i64..1_763_832_000_000_000_000,
            ppb in -500_000i64..500_000,
            wall in -1_763_832_000_000_000_000i64..1_763_832_000_000_000_000,
            look in 0i64..5_000_000,
            read_at in 0i64..=1000,
            late in prop::collection::vec(0i64..50_000_000, 1..8),
            interrupt in prop::option::of(0i64..30_000_000),
            updating in 0i64..2_300_000,
            earlier: bool,
        ) {
            let mut fake = Fake {
                now, ahead, ppb, wall, look, read_at, late, interrupt, updating, looks: 0, waits: 0,
            };
            let first = earlier.then(|| found(&mut fake, None));
            let edge = found(&mut fake, first.as_ref());
            let truth = fake.edge_of(edge.second);
            let holds = edge.before.counter.as_nanos() <= truth
                && truth <= edge.after.counter.as_nanos();
            prop_assert!(holds, "{truth} {edge:?}");
            // As the offset has it: RTC minus system clock, at the edge.
            let offset = edge.second.as_nanos() - (truth + wall);
            prop_assert!(edge.second.since(edge.after.wall).as_nanos() <= offset);
            prop_assert!(offset <= edge.second.since(edge.before.wall).as_nanos());
        }
    }
}
