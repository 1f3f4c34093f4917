//! Windows of many points, most of which need not be looked at.
//!
//! Points are in blocks of [`BLOCK`]. All windows that begin in block b hold the same blocks whole, and
//! lie within two or three blocks more: the extremes of these say how large their ranges are at least
//! and at most. Only where the most is more than the least found anywhere could the largest range
//! be, and only there are windows taken apart.

use std::ops::Range;

use rayon::prelude::*;

use super::height::Height;
use super::pairs::{Both, Room, all_ranges, double, extreme, largest_range};
use super::short::windows_of;

/// Points of a block.
const BLOCK: usize = 64;

/// The shortest windows that hold a whole block wherever they begin.
pub(super) const FROM: usize = 2 * BLOCK;

/// Blocks that one thread works on at a time.
const CHUNK: usize = 256;

/// Windows of all the points of one block and one more begin and end what is looked into.
const END: usize = BLOCK;

/// If more than one block in so many has to be looked into, all ends are made at once, and kept.
const MANY: usize = 64;

/// The largest range in any window of m+1 points, for ascending factors from [`FROM`] on.
pub(super) fn ranges<T: Height>(points: Both<'_, T>, factors: &[usize]) -> Vec<u64> {
    if factors.is_empty() {
        return Vec::new();
    }
    let mut blocks = Blocks::new(points);
    let mut runs = Runs::new(&blocks.extremes);
    let mut range = |m: &usize| {
        let inner = runs.of(m / BLOCK - 1);
        blocks.largest_range(*m, inner).size()
    };
    factors.iter().map(&mut range).collect()
}

/// Points, and the extremes of their blocks, of which the last may be shorter.
struct Blocks<'a, T> {
    points: Both<'a, T>,
    /// One more than there are: behind the end there is no point.
    extremes: Room<T>,
    /// The extremes of all windows of END+1 points, if many of them were needed.
    ends: Option<Room<T>>,
}

impl<'a, T: Height> Blocks<'a, T> {
    fn new(points: Both<'a, T>) -> Self {
        let blocks = |points: &'a [T]| points.par_chunks(BLOCK).with_min_len(CHUNK);
        let mut high: Vec<T> = blocks(points.high)
            .map(|block| extreme(block, T::LOWEST, T::higher))
            .collect();
        let mut low: Vec<T> = blocks(points.low)
            .map(|block| extreme(block, T::HIGHEST, T::lower))
            .collect();
        high.push(T::LOWEST);
        low.push(T::HIGHEST);
        Self {
            points,
            extremes: Room { high, low },
            ends: None,
        }
    }

    /// The largest range in any window of m+1 points. `inner` holds the extremes of the m/BLOCK - 1
    /// blocks from each block on: those that lie within all windows that begin in the block before.
    fn largest_range(&mut self, m: usize, inner: &Room<T>) -> T {
        let windows = self.points.high.len() - m;
        let blocks = windows.div_ceil(BLOCK);
        let from = |first: usize| self.extremes.from(first, blocks);
        // The first window of a block holds all of it; the last one ends within the last of these.
        let inner = inner.from(1, blocks);
        let least = all_ranges([from(0), inner]);
        let least = least.into_iter().fold(T::NOTHING, T::higher);
        let mosts = all_ranges([from(0), inner, from(m / BLOCK), from(m.div_ceil(BLOCK))]);
        // Where the most could be, it often is: then little else is left to look at.
        let mut likely = 0;
        for (block, most) in mosts.iter().enumerate() {
            if most.exceeds(mosts[likely]) {
                likely = block;
            }
        }
        let look = |blocks: &Self, block: usize| {
            let inner = (inner.high[block], inner.low[block]);
            blocks.look(m, block, inner)
        };
        let found = look(self, likely).higher(least);
        let left = |block: &usize| mosts[*block].exceeds(found);
        let left: Vec<usize> = (0..blocks).filter(left).collect();
        if left.len() > blocks / MANY && self.ends.is_none() {
            self.ends = Some(windows_of(self.points, END));
        }
        let look = |found: T, block: &usize| {
            if mosts[*block].exceeds(found) {
                look(self, *block).higher(found)
            } else {
                found
            }
        };
        left.par_chunks(CHUNK)
            .map(|blocks| blocks.iter().fold(found, look))
            .reduce(|| found, T::higher)
    }

    /// The largest range in any window of m+1 points that begins in a block. Each is made of the END+1
    /// points that it begins with, of those that it ends with, and of the blocks between, of which
    /// `inner` are the extremes.
    fn look(&self, m: usize, block: usize, inner: (T, T)) -> T {
        let start = block * BLOCK;
        let windows = BLOCK.min(self.points.high.len() - m - start);
        let (begins, ends) = (
            start..start + windows,
            start + m - END..start + m - END + windows,
        );
        let made: [Room<T>; 2];
        let [begins, ends] = match &self.ends {
            Some(all) => [all.all().part(begins), all.all().part(ends)],
            None => {
                let make = |starts: Range<usize>| {
                    let points = starts.start..starts.end + END;
                    windows_of(self.points.part(points), END)
                };
                made = [make(begins), make(ends)];
                [made[0].all(), made[1].all()]
            }
        };
        // From here on windows end a block later, and hold one more.
        let split = windows.min(BLOCK - m % BLOCK);
        let range = largest_range([begins.part(0..split), ends.part(0..split)], inner);
        let near = block + m / BLOCK;
        let more = (
            inner.0.higher(self.extremes.high[near]),
            inner.1.lower(self.extremes.low[near]),
        );
        let rest = [begins.part(split..windows), ends.part(split..windows)];
        largest_range(rest, more).higher(range)
    }
}

/// Extremes of all runs of blocks of one length, from each block on.
struct Runs<T> {
    /// Of runs of `length` blocks, a power of two.
    now: Room<T>,
    length: usize,
    next: Room<T>,
    asked: Room<T>,
}

impl<T: Height> Runs<T> {
    fn new(blocks: &Room<T>) -> Self {
        let room = || Room::new(blocks.high.len());
        Self {
            now: Room {
                high: blocks.high.clone(),
                low: blocks.low.clone(),
            },
            length: 1,
            next: room(),
            asked: room(),
        }
    }

    /// The runs of a length that is not below any asked for before.
    fn of(&mut self, length: usize) -> &Room<T> {
        let blocks = self.now.high.len();
        let runs = |length: usize| blocks + 1 - length;
        while 2 * self.length <= length {
            let now = self.now.from(0, runs(self.length));
            double(now, self.length, &mut self.next);
            std::mem::swap(&mut self.now, &mut self.next);
            self.length *= 2;
        }
        let now = self.now.from(0, runs(self.length));
        double(now, length - self.length, &mut self.asked);
        &self.asked
    }
}
