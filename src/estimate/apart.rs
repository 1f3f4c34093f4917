//! [`Apart`]: how a server's time stands to what most of the servers agree on, over a run.
//!
//! Both are seen at the same instants of the local clock, which has no part in the difference. What it is at each
//! instant is an interval, so that of its movement is known what it was at least, and what it was at most.

use crate::time::{Interval, Monotonic, TimeDelta};

/// A server's time minus what most agree on, over a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart {
    /// At the first instant that has a majority.
    pub first: Interval,
    /// At the last.
    pub last: Interval,
    /// From the one to the other, on the counter.
    pub over: TimeDelta,
    /// How far it moved at least, from one instant to another.
    pub moved_at_least: TimeDelta,
    /// How far it may have moved.
    pub moved_at_most: TimeDelta,
}

/// What is known of it so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched {
    apart: Apart,
    began: Monotonic,
    /// The lowest and the highest of each end of the intervals.
    lower: (TimeDelta, TimeDelta),
    upper: (TimeDelta, TimeDelta),
}

impl Watched {
    /// Takes one more instant, later than those before.
    pub(super) fn add(
        watched: &mut Option<Self>,
        at: Monotonic,
        server: Interval,
        reference: Interval,
    ) {
        let Some(apart) = Interval::new(
            server.lower() - reference.upper(),
            server.upper() - reference.lower(),
        ) else {
            return;
        };
        let (lower, upper) = (apart.lower(), apart.upper());
        let of = watched.get_or_insert(Self {
            apart: Apart {
                first: apart,
                last: apart,
                over: TimeDelta::ZERO,
                moved_at_least: TimeDelta::ZERO,
                moved_at_most: TimeDelta::ZERO,
            },
            began: at,
            lower: (lower, lower),
            upper: (upper, upper),
        });
        of.lower = (of.lower.0.min(lower), of.lower.1.max(lower));
        of.upper = (of.upper.0.min(upper), of.upper.1.max(upper));
        of.apart = Apart {
            last: apart,
            over: at.since(of.began),
            moved_at_least: (of.lower.1 - of.upper.0).max(TimeDelta::ZERO),
            moved_at_most: of.upper.1 - of.lower.0,
            ..of.apart
        };
    }

    pub(super) fn apart(self) -> Apart {
        self.apart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(lower: i64, upper: i64) -> Interval {
        Interval::new(TimeDelta::from_millis(lower), TimeDelta::from_millis(upper)).unwrap()
    }

    #[test]
    fn movement_is_what_the_intervals_leave() {
        let mut watched = None;
        let second = |n: i64| Monotonic::from_nanos(n * 1_000_000_000);
        Watched::add(&mut watched, second(0), ms(10, 12), ms(-1, 1));
        let apart = watched.unwrap().apart();
        assert_eq!(apart.first, ms(9, 13));
        assert_eq!(apart.moved_at_least, TimeDelta::ZERO);
        assert_eq!(apart.moved_at_most, TimeDelta::from_millis(4));
        // The local clock is stepped: both see it alike.
        Watched::add(&mut watched, second(5), ms(1_010, 1_012), ms(999, 1_001));
        assert_eq!(watched.unwrap().apart().moved_at_least, TimeDelta::ZERO);
        Watched::add(&mut watched, second(9), ms(20, 22), ms(-1, 1));
        let apart = watched.unwrap().apart();
        assert_eq!(apart.moved_at_least, TimeDelta::from_millis(6));
        assert_eq!(apart.moved_at_most, TimeDelta::from_millis(14));
        assert_eq!(
            (apart.last, apart.over),
            (ms(19, 23), TimeDelta::from_secs(9))
        );
    }
}
