//! What several intervals that should hold one truth agree on.

/// An interval that claims to hold a value; closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its lower end.
    pub lower: i64,
    /// Its upper end, not below the lower one.
    pub upper: i64,
}

/// What most of some intervals agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The lowest value that as many intervals hold as hold any.
    pub lower: i64,
    /// The highest such value. Not every value in between need be one, where the most is reached twice.
    pub upper: i64,
    /// How many intervals that is.
    pub votes: usize,
}

impl Claimed {
    /// The middle, rounded down.
    pub fn middle(self) -> i64 {
        self.lower.midpoint(self.upper)
    }

    /// Whether this and `lower` to `upper` have a value in common.
    pub fn meets(self, lower: i64, upper: i64) -> bool {
        self.lower <= upper && lower <= self.upper
    }
}

/// The smallest interval with all values that the most intervals hold (K. Marzullo, "Maintaining the
/// time in a distributed system", 1984): if at most f of n intervals are wrong, and the most is n - f or
/// more, the truth is in it. `None` of no intervals. Takes n log n.
///
/// ```
/// use clockfit::stats::{Claimed, most_agreed};
/// let of = |lower, upper| Claimed { lower, upper };
/// let agreed = most_agreed(&[of(8, 12), of(11, 13), of(14, 15)]).unwrap();
/// assert_eq!((agreed.lower, agreed.upper, agreed.votes), (11, 12, 2));
/// ```
pub fn most_agreed(intervals: &[Claimed]) -> Option<Agreed> {
    // At one value intervals begin before others end: they are closed.
    let mut edges: Vec<(i64, bool)> = Vec::with_capacity(2 * intervals.len());
    for interval in intervals {
        edges.push((interval.lower, false));
        edges.push((interval.upper, true));
    }
    edges.sort_unstable();
    let mut agreed: Option<Agreed> = None;
    let mut held = 0;
    for (value, ends) in edges {
        if ends {
            if let Some(best) = agreed.as_mut().filter(|best| best.votes == held) {
                best.upper = value;
            }
            held -= 1;
            continue;
        }
        held += 1;
        if agreed.is_none_or(|best| held > best.votes) {
            agreed = Some(Agreed {
                lower: value,
                upper: value,
                votes: held,
            });
        }
    }
    agreed
}

/// The smallest interval with all values that at least `votes` intervals hold, and how many hold the value that
/// most do: with f of n intervals wrong at most, the truth is in that of n - f votes. [`most_agreed`] is narrower,
/// and may be wrong where narrow intervals outvote wide ones that are right. `None` where there is no such value.
/// Takes n log n.
///
/// ```
/// use clockfit::stats::{Claimed, agreed_by};
/// let of = |lower, upper| Claimed { lower, upper };
/// let found = agreed_by(&[of(-40, 25), of(-30, 35), of(20, 21)], 2).unwrap();
/// assert_eq!((found.lower, found.upper, found.votes), (-30, 25, 3));
/// assert_eq!(agreed_by(&[of(0, 1), of(2, 3)], 2), None);
/// ```
pub fn agreed_by(intervals: &[Claimed], votes: usize) -> Option<Agreed> {
    let mut edges: Vec<(i64, bool)> = Vec::with_capacity(2 * intervals.len());
    for interval in intervals {
        edges.push((interval.lower, false));
        edges.push((interval.upper, true));
    }
    // At one value intervals begin before others end: they are closed.
    edges.sort_unstable();
    let (mut held, mut most) = (0, 0);
    let (mut lower, mut upper) = (None, None);
    for (value, ends) in edges {
        if ends {
            if held >= votes {
                upper = Some(value);
            }
            held -= 1;
        } else {
            held += 1;
            most = most.max(held);
            if held >= votes {
                lower = lower.or(Some(value));
            }
        }
    }
    Some(Agreed {
        lower: lower?,
        upper: upper?,
        votes: most,
    })
}

/// The intersection of RFC 5905 section 11.2.1: as [`most_agreed`], with the least number of intervals
/// left out, fewer than half, for which also no more than that many middles lie outside. Wider than
/// that of [`most_agreed`] where a correct middle would else be left out. `None` without a majority.
///
/// ```
/// use clockfit::stats::{Claimed, intersection};
/// let of = |middle: i64, half: i64| Claimed { lower: middle - half, upper: middle + half };
/// let found = intersection(&[of(0, 10), of(4, 10), of(100, 10)]).unwrap();
/// assert_eq!((found.lower, found.upper, found.votes), (-6, 10, 2));
/// assert_eq!(intersection(&[of(0, 10), of(100, 10)]), None);
/// ```
pub fn intersection(intervals: &[Claimed]) -> Option<Agreed> {
    let n = intervals.len();
    let mut edges: Vec<(i64, i8)> = Vec::with_capacity(3 * n);
    for interval in intervals {
        edges.push((interval.lower, -1));
        edges.push((interval.middle(), 0));
        edges.push((interval.upper, 1));
    }
    edges.sort_unstable();
    let leaving_out = |allow: usize| {
        let wanted = n - allow;
        let (lower, outside_below) = reach(edges.iter().copied(), -1, wanted)?;
        let (upper, outside_above) = reach(edges.iter().rev().copied(), 1, wanted)?;
        let holds = lower <= upper && outside_below + outside_above <= allow;
        holds.then_some(Agreed {
            lower,
            upper,
            votes: wanted,
        })
    };
    // Leaving out more, both ends only move outward, and fewer middles are outside: what holds, goes on to
    // hold. So the least number is found by halving.
    let (mut least, mut most) = (0, n.checked_sub(1)? / 2);
    leaving_out(most)?;
    while least < most {
        let middle = least.midpoint(most);
        match leaving_out(middle) {
            Some(_) => most = middle,
            None => least = middle + 1,
        }
    }
    leaving_out(least)
}

/// Where `wanted` intervals have begun that have not ended, and how many middles were passed before;
/// `begins` is the edge that one is entered by.
fn reach(
    edges: impl Iterator<Item = (i64, i8)>,
    begins: i8,
    wanted: usize,
) -> Option<(i64, usize)> {
    let (mut held, mut middles) = (0, 0);
    for (value, edge) in edges {
        if edge == begins {
            held += 1;
            if held >= wanted {
                return Some((value, middles));
            }
        } else if edge == 0 {
            middles += 1;
        } else {
            held -= 1;
        }
    }
    None
}

/// What is left of values when the lowest and the highest third are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trimmed {
    /// How many values are left.
    pub kept: usize,
    /// Their mean, to nearest, ties to even.
    pub mean: i64,
    /// From the lowest of them to the highest.
    pub spread: u64,
}

/// Drops the lowest and the highest third of `values`, rounded down: what Khronos (RFC 9523) averages.
/// `None` of no values.
///
/// ```
/// use clockfit::stats::{Trimmed, trimmed};
/// let kept = trimmed(&[900, 3, 1, 2, -700, 4]).unwrap();
/// assert_eq!(kept, Trimmed { kept: 2, mean: 2, spread: 1 });
/// ```
pub fn trimmed(values: &[i64]) -> Option<Trimmed> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let third = sorted.len() / 3;
    let kept = sorted.get(third..sorted.len() - third)?;
    Some(Trimmed {
        kept: kept.len(),
        mean: super::mean(kept)?,
        spread: kept.first()?.abs_diff(*kept.last()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intervals() -> impl Strategy<Value = Vec<Claimed>> {
        prop::collection::vec((-30i64..30, 0i64..12), 1..12).prop_map(|all| {
            let claimed = |(lower, width)| Claimed {
                lower,
                upper: lower + width,
            };
            all.into_iter().map(claimed).collect()
        })
    }

    fn holding(intervals: &[Claimed], value: i64) -> usize {
        intervals.iter().filter(|i| i.meets(value, value)).count()
    }

    #[test]
    fn touching_ends_agree() {
        let of = |lower, upper| Claimed { lower, upper };
        let agreed = most_agreed(&[of(0, 5), of(5, 9)]).unwrap();
        assert_eq!((agreed.lower, agreed.upper, agreed.votes), (5, 5, 2));
        assert_eq!(most_agreed(&[]), None);
        assert_eq!(intersection(&[]), None);
        assert_eq!(trimmed(&[]), None);
        let far = [of(i64::MIN, i64::MAX), of(i64::MAX, i64::MAX)];
        assert_eq!(most_agreed(&far).unwrap().votes, 2);
        assert_eq!(trimmed(&[i64::MIN, i64::MAX]).unwrap().spread, u64::MAX);
    }

    #[test]
    fn a_tie_is_shown_in_full() {
        let of = |lower, upper| Claimed { lower, upper };
        let agreed = most_agreed(&[of(0, 2), of(1, 3), of(10, 12), of(11, 13)]).unwrap();
        assert_eq!((agreed.lower, agreed.upper, agreed.votes), (1, 12, 2));
    }

    #[test]
    fn middles_must_lie_inside() {
        let of = |middle: i64, half: i64| Claimed {
            lower: middle - half,
            upper: middle + half,
        };
        let three = [of(0, 100), of(90, 100), of(110, 30)];
        let most = most_agreed(&three).unwrap();
        assert_eq!((most.lower, most.upper, most.votes), (80, 100, 3));
        // Of all three, two middles lie outside of 80 to 100; of two, one does.
        let found = intersection(&three).unwrap();
        assert_eq!((found.lower, found.upper, found.votes), (-10, 140, 2));
    }

    proptest! {
        #[test]
        fn the_most_agreed_is_what_counting_finds(intervals in intervals()) {
            let agreed = most_agreed(&intervals).unwrap();
            let count = |value| holding(&intervals, value);
            let most = (-31..=43).map(count).max().unwrap();
            let first = (-31..=43).find(|v| count(*v) == most).unwrap();
            let last = (-31..=43).rev().find(|v| count(*v) == most).unwrap();
            prop_assert_eq!((agreed.lower, agreed.upper, agreed.votes), (first, last, most));
        }

        #[test]
        fn the_truth_is_in_what_most_agree_on(
            truth in -20i64..20,
            right in prop::collection::vec((0i64..15, 0i64..15), 2..9),
            wrong in prop::collection::vec((-60i64..60, 0i64..15), 0..8),
        ) {
            // As long as fewer than half are wrong.
            let wrong = wrong.iter().take((right.len() - 1).min(wrong.len()));
            let all: Vec<Claimed> = right
                .iter()
                .map(|(below, above)| Claimed { lower: truth - below, upper: truth + above })
                .chain(wrong.map(|(lower, width)| Claimed { lower: *lower, upper: lower + width }))
                .collect();
            let agreed = most_agreed(&all).unwrap();
            // Where more agree than are right, liars and right ones meet elsewhere; the truth is in
            // what the right ones' number agrees on.
            if agreed.votes == right.len() {
                prop_assert!(agreed.lower <= truth && truth <= agreed.upper);
            }
            prop_assert!(agreed.votes >= right.len());
        }

        #[test]
        fn an_intersection_holds_what_most_agree_on(intervals in intervals()) {
            if let Some(found) = intersection(&intervals) {
                prop_assert!(2 * found.votes > intervals.len());
                let agreed = most_agreed(&intervals).unwrap();
                prop_assert!(agreed.votes >= found.votes);
                if agreed.votes == found.votes {
                    prop_assert!(found.lower <= agreed.lower && agreed.upper <= found.upper);
                }
                let outside = intervals.iter().filter(|i| i.middle() < found.lower || i.middle() > found.upper);
                prop_assert!(outside.count() <= intervals.len() - found.votes);
            }
        }
    }
}
