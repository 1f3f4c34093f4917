//! [`Interval`]: two differences that a true value lies between.

use serde::{Deserialize, Serialize};

use super::TimeDelta;

/// A closed interval `[lower, upper]` of differences; never empty.
///
/// ```
/// use clockfit::time::{Interval, TimeDelta};
/// let ns = TimeDelta::from_nanos;
/// let a = Interval::new(ns(-5), ns(10)).unwrap();
/// let b = Interval::new(ns(0), ns(20)).unwrap();
/// assert_eq!(a.intersect(b), Interval::new(ns(0), ns(10)));
/// assert_eq!(a.widen(ns(1)).width(), ns(17));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    lower: TimeDelta,
    upper: TimeDelta,
}

impl Interval {
    /// `[lower, upper]`, or `None` where `lower` is above `upper`: an empty interval is a
    /// contradiction that the caller has to name.
    pub fn new(lower: TimeDelta, upper: TimeDelta) -> Option<Self> {
        (lower <= upper).then_some(Self { lower, upper })
    }

    /// The lower end.
    pub const fn lower(self) -> TimeDelta {
        self.lower
    }

    /// The upper end.
    pub const fn upper(self) -> TimeDelta {
        self.upper
    }

    /// `upper - lower`.
    pub fn width(self) -> TimeDelta {
        self.upper - self.lower
    }

    /// The middle, to nearest, ties to even.
    pub fn midpoint(self) -> TimeDelta {
        self.lower.midpoint(self.upper)
    }

    /// Whether `value` lies inside, ends included.
    pub fn contains(self, value: TimeDelta) -> bool {
        self.lower <= value && value <= self.upper
    }

    /// Both ends moved outward by `margin`; a negative margin counts as none.
    #[must_use]
    pub fn widen(self, margin: TimeDelta) -> Self {
        let margin = margin.max(TimeDelta::ZERO);
        Self {
            lower: self.lower - margin,
            upper: self.upper + margin,
        }
    }

    /// Both ends moved by `shift`.
    #[must_use]
    pub fn shift(self, shift: TimeDelta) -> Self {
        Self {
            lower: self.lower + shift,
            upper: self.upper + shift,
        }
    }

    /// What both hold, or `None` where they contradict each other.
    pub fn intersect(self, other: Self) -> Option<Self> {
        Self::new(self.lower.max(other.lower), self.upper.min(other.upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interval() -> impl Strategy<Value = Interval> {
        (any::<i64>(), any::<i64>()).prop_map(|(a, b)| Interval {
            lower: TimeDelta::from_nanos(a.min(b)),
            upper: TimeDelta::from_nanos(a.max(b)),
        })
    }

    #[test]
    fn an_inverted_interval_does_not_exist() {
        assert_eq!(Interval::new(TimeDelta::NANOSECOND, TimeDelta::ZERO), None);
    }

    proptest! {
        #[test]
        fn intersection_holds_just_what_both_hold(a in interval(), b in interval(), v: i64) {
            let v = TimeDelta::from_nanos(v);
            let both = a.contains(v) && b.contains(v);
            prop_assert_eq!(a.intersect(b).is_some_and(|i| i.contains(v)), both);
            prop_assert_eq!(a.intersect(b), b.intersect(a));
        }

        #[test]
        fn widening_loses_nothing(a in interval(), by: i64, v: i64) {
            let v = TimeDelta::from_nanos(v);
            prop_assert!(!a.contains(v) || a.widen(TimeDelta::from_nanos(by)).contains(v));
        }
    }
}
