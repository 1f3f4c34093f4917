//! [`running_median`]: what is usual around each point of a series.

use super::rank_set::RankSet;

/// The median of the points around each, in a window of a fixed time: of (time, value) pairs in the
/// order of time, those within `span / 2` before and after it, both ends included. One for each
/// point, in their order. The window is centred, so a steady rise does not show in the distances
/// from it; at the ends of a series it is cut off, and half of it is left.
///
/// Always an observed value, the lower of the middle two of an even number, as quantiles are
/// elsewhere ([`quantile`](super::quantile)). Takes O(n log n), whatever the window holds. Times that
/// do not ascend make a window end where they break off; it always holds its own point. A negative
/// span is none.
///
/// ```
/// use clockfit::stats::running_median;
/// let points = [(0, 5), (10, 90), (20, 6), (30, 7), (90, 50)];
/// assert_eq!(running_median(&points, 20), [5, 6, 7, 6, 50]);
/// ```
pub fn running_median(points: &[(i64, i64)], span: i64) -> Vec<i64> {
    let half = span.max(0) / 2;
    let mut by_value: Vec<(i64, usize)> = points.iter().map(|(_, v)| *v).zip(0..).collect();
    by_value.sort_unstable();
    let mut ranks = vec![0; points.len()];
    for (rank, (_, index)) in by_value.iter().enumerate() {
        ranks[*index] = rank;
    }
    let mut window = Window::new(points.len());
    let (mut first, mut end) = (0, 0);
    let mut median_around = |&(time, _): &(i64, i64)| {
        let (earliest, latest) = (time.saturating_sub(half), time.saturating_add(half));
        while end < points.len() && points[end].0 <= latest {
            window.insert(ranks[end]);
            end += 1;
        }
        // Its own point is inside, so the window never runs empty.
        while points[first].0 < earliest {
            window.remove(ranks[first]);
            first += 1;
        }
        by_value[window.median()].0
    };
    points.iter().map(&mut median_around).collect()
}

/// How far each point is from the median around it: |value - median|, saturating. Over an hour this
/// is jitter in which neither drift nor a slow wander counts.
///
/// ```
/// use clockfit::stats::distances_from_running_median;
/// let points = [(0, 5), (10, 90), (20, 6), (30, 7), (90, 50)];
/// assert_eq!(distances_from_running_median(&points, 20), [0, 84, 1, 1, 0]);
/// ```
pub fn distances_from_running_median(points: &[(i64, i64)], span: i64) -> Vec<i64> {
    let medians = running_median(points, span);
    let both = points.iter().zip(medians);
    both.map(|((_, value), median)| value.saturating_sub(median).saturating_abs())
        .collect()
}

/// Ranks of which the middle one is known. Entering and leaving moves it by one place at most.
struct Window {
    ranks: RankSet,
    count: usize,
    /// The lower median, or near it until it is asked for.
    median: usize,
    /// How many are below `median`.
    below: usize,
}

impl Window {
    fn new(size: usize) -> Self {
        Self {
            ranks: RankSet::new(size),
            count: 0,
            median: 0,
            below: 0,
        }
    }

    fn insert(&mut self, rank: usize) {
        self.ranks.insert(rank);
        if self.count == 0 {
            (self.median, self.below) = (rank, 0);
        } else if rank < self.median {
            self.below += 1;
        }
        self.count += 1;
    }

    fn remove(&mut self, rank: usize) {
        self.ranks.remove(rank);
        self.count -= 1;
        if rank < self.median {
            self.below -= 1;
        } else if rank == self.median {
            if let Some(next) = self.ranks.after(rank) {
                self.median = next;
            } else if let Some(previous) = self.ranks.before(rank) {
                self.median = previous;
                self.below -= 1;
            }
        }
    }

    fn median(&mut self) -> usize {
        let middle = self.count.saturating_sub(1) / 2;
        while self.below < middle {
            let Some(next) = self.ranks.after(self.median) else {
                break;
            };
            self.median = next;
            self.below += 1;
        }
        while self.below > middle {
            let Some(previous) = self.ranks.before(self.median) else {
                break;
            };
            self.median = previous;
            self.below -= 1;
        }
        self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_definition(points: &[(i64, i64)], half: i64) -> Vec<i64> {
        let around = |(time, _): &(i64, i64)| {
            let mut inside: Vec<i64> = points
                .iter()
                .filter(|(t, _)| (t - time).abs() <= half)
                .map(|(_, value)| *value)
                .collect();
            inside.sort_unstable();
            inside[(inside.len() - 1) / 2]
        };
        points.iter().map(around).collect()
    }

    #[test]
    fn a_steady_rise_is_no_distance_but_at_its_ends() {
        let rise: Vec<(i64, i64)> = (0..1_000).map(|t| (t, 5 * t)).collect();
        let distances = distances_from_running_median(&rise, 100);
        assert!(distances[50..950].iter().all(|d| *d == 0));
        assert_eq!((distances[0], distances[999]), (125, 125));
    }

    #[test]
    fn the_ends_of_time_and_value_saturate() {
        let ends = [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN)];
        assert_eq!(running_median(&ends, i64::MAX), [i64::MAX, i64::MIN]);
        assert_eq!(running_median(&ends, -1), [i64::MAX, i64::MIN]);
        let alone = [(0, 0), (0, i64::MIN)];
        assert_eq!(distances_from_running_median(&alone, 0), [i64::MAX, 0]);
        assert!(running_median(&[], 5).is_empty());
    }

    proptest! {
        #[test]
        fn agrees_with_its_definition(
            mut points in prop::collection::vec((-300i64..300, -20i64..20), 0..120),
            span in 0i64..400,
        ) {
            points.sort_by_key(|(time, _)| *time);
            prop_assert_eq!(running_median(&points, span), by_definition(&points, span / 2));
        }

        #[test]
        fn times_in_disorder_do_not_panic(
            points in prop::collection::vec((any::<i64>(), any::<i64>()), 0..60),
            span in any::<i64>(),
        ) {
            let medians = running_median(&points, span);
            prop_assert_eq!(medians.len(), points.len());
        }
    }
}
