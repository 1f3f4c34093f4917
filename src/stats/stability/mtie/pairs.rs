//! Windows made of two: the inner loops.

use std::array::from_fn;
use std::iter::Zip;
use std::ops::Range;
use std::slice::Iter;

use super::height::Height;

/// Lanes that are worked on side by side, so that the compiler need not reorder anything to use
/// vectors.
const LANES: usize = 8;

/// The same points twice, to take the largest and the smallest of; or the extremes of windows. They
/// differ where points are missing: there stands what is neither.
#[derive(Clone, Copy)]
pub(super) struct Both<'a, T> {
    pub(super) high: &'a [T],
    pub(super) low: &'a [T],
}

impl<'a, T> Both<'a, T> {
    pub(super) fn part(self, range: Range<usize>) -> Self {
        Self {
            high: &self.high[range.clone()],
            low: &self.low[range],
        }
    }
}

/// Room for the extremes of windows.
pub(super) struct Room<T> {
    pub(super) high: Vec<T>,
    pub(super) low: Vec<T>,
}

impl<T: Height> Room<T> {
    pub(super) fn new(windows: usize) -> Self {
        Self {
            high: vec![T::NOTHING; windows],
            low: vec![T::NOTHING; windows],
        }
    }

    pub(super) fn all(&self) -> Both<'_, T> {
        let (high, low) = (&self.high, &self.low);
        Both { high, low }
    }

    pub(super) fn first(&self, windows: usize) -> Both<'_, T> {
        self.all().part(0..windows)
    }

    pub(super) fn from(&self, first: usize, windows: usize) -> Both<'_, T> {
        self.all().part(first..first + windows)
    }
}

/// Joins each window with the one `step` behind it, and returns the largest range in any.
pub(super) fn double<T: Height>(now: Both<'_, T>, step: usize, next: &mut Room<T>) -> T {
    let windows = now.high.len() - step;
    let (high, high_rest) = lanes(&now.high[..windows], &now.high[step..]);
    let (low, low_rest) = lanes(&now.low[..windows], &now.low[step..]);
    let (to_high, to_high_rest) = next.high[..windows].as_chunks_mut::<LANES>();
    let (to_low, to_low_rest) = next.low[..windows].as_chunks_mut::<LANES>();

    let mut largest = [T::NOTHING; LANES];
    let from = high.zip(low);
    for (((high, low), to_high), to_low) in from.zip(to_high).zip(to_low) {
        // All is read before anything is written: only then do lanes become vectors.
        let high: [T; LANES] = from_fn(|lane| high.0[lane].higher(high.1[lane]));
        let low: [T; LANES] = from_fn(|lane| low.0[lane].lower(low.1[lane]));
        largest = from_fn(|lane| high[lane].distance(low[lane]).higher(largest[lane]));
        *to_high = high;
        *to_low = low;
    }
    let mut largest = of_all(largest);
    let from = high_rest.zip(low_rest);
    for (((high, low), to_high), to_low) in from.zip(to_high_rest).zip(to_low_rest) {
        *to_high = high.0.higher(*high.1);
        *to_low = low.0.lower(*low.1);
        largest = to_high.distance(*to_low).higher(largest);
    }
    largest
}

/// The largest range in any window joined with the one `step` behind it.
pub(super) fn longer<T: Height>(now: Both<'_, T>, step: usize) -> T {
    let windows = now.high.len() - step;
    let parts = [now.part(0..windows), now.part(step..now.high.len())];
    largest_range(parts, (T::LOWEST, T::HIGHEST))
}

/// The largest range in any of the windows that are made of two each, and of more points, of which the
/// extremes are given.
pub(super) fn largest_range<T: Height>(parts: [Both<'_, T>; 2], more: (T, T)) -> T {
    let (high, high_rest) = lanes(parts[0].high, parts[1].high);
    let (low, low_rest) = lanes(parts[0].low, parts[1].low);
    let mut largest = [T::NOTHING; LANES];
    for (high, low) in high.zip(low) {
        largest = from_fn(|lane| {
            let high = high.0[lane].higher(high.1[lane]).higher(more.0);
            let low = low.0[lane].lower(low.1[lane]).lower(more.1);
            high.distance(low).higher(largest[lane])
        });
    }
    let range = |(high, low): ((&T, &T), (&T, &T))| {
        let high = high.0.higher(*high.1).higher(more.0);
        high.distance(low.0.lower(*low.1).lower(more.1))
    };
    let rest = high_rest.zip(low_rest).map(range);
    rest.fold(of_all(largest), |largest, range| range.higher(largest))
}

/// The range in each of the windows that are made of as many each as there are parts.
pub(super) fn all_ranges<T: Height, const PARTS: usize>(parts: [Both<'_, T>; PARTS]) -> Vec<T> {
    let mut ranges = vec![T::NOTHING; parts[0].high.len()];
    let (in_lanes, rest) = ranges.as_chunks_mut::<LANES>();
    let at_rest = in_lanes.len() * LANES;
    let chunks = parts.map(|part| (part.high.as_chunks().0, part.low.as_chunks().0));
    for (index, ranges) in in_lanes.iter_mut().enumerate() {
        let (mut high, mut low) = ([T::LOWEST; LANES], [T::HIGHEST; LANES]);
        for (more_high, more_low) in chunks {
            let (more_high, more_low): (&[T; LANES], &[T; LANES]) =
                (&more_high[index], &more_low[index]);
            high = from_fn(|lane| high[lane].higher(more_high[lane]));
            low = from_fn(|lane| low[lane].lower(more_low[lane]));
        }
        *ranges = from_fn(|lane| high[lane].distance(low[lane]).higher(T::NOTHING));
    }
    for (index, range) in (at_rest..).zip(rest) {
        let highs = parts.iter().map(|part| part.high[index]);
        let lows = parts.iter().map(|part| part.low[index]);
        let (high, low) = (
            highs.fold(T::LOWEST, T::higher),
            lows.fold(T::HIGHEST, T::lower),
        );
        *range = high.distance(low).higher(T::NOTHING);
    }
    ranges
}

/// The one of some points that `choose` always takes.
pub(super) fn extreme<T: Height>(points: &[T], none: T, choose: impl Fn(T, T) -> T) -> T {
    let (in_lanes, rest) = points.as_chunks::<LANES>();
    let join =
        |found: [T; LANES], more: &[T; LANES]| from_fn(|lane| choose(found[lane], more[lane]));
    let found = in_lanes.iter().fold([none; LANES], join);
    found
        .into_iter()
        .chain(rest.iter().copied())
        .fold(none, choose)
}

fn of_all<T: Height>(largest: [T; LANES]) -> T {
    largest.into_iter().fold(T::NOTHING, T::higher)
}

/// Two slices side by side, in lanes, and what is left over at their ends.
fn lanes<'a, T>(one: &'a [T], other: &'a [T]) -> (InLanes<'a, T>, OneByOne<'a, T>) {
    let (one, one_rest) = one.as_chunks::<LANES>();
    let (other, other_rest) = other.as_chunks::<LANES>();
    (one.iter().zip(other), one_rest.iter().zip(other_rest))
}

type InLanes<'a, T> = Zip<Iter<'a, [T; LANES]>, Iter<'a, [T; LANES]>>;
type OneByOne<'a, T> = Zip<Iter<'a, T>, Iter<'a, T>>;
