//! Phases in the narrowest integers that hold every term of a statistic, and sums of squares in them.

use std::ops::Range;

use rayon::prelude::*;

use super::exact::ExactSum;
use super::phases::Phases;

/// Points that one thread converts at a time.
const CHUNK: usize = 1 << 16;

/// Terms that are added up in one go: few enough for 64 bits, enough to be worth the start.
pub(super) const BLOCK: usize = 1 << 9;

/// Terms below this have squares of which a [`BLOCK`] adds up to less than 2^64.
const SMALL_TERM: u128 = 1 << 27;

/// Terms below this fit into 32 bits with their sign.
pub(super) const SHORT_TERM: u128 = 1 << 31;

/// Terms below this fit into 64 bits with their sign, and the squares of a [`BLOCK`] of them into 128.
pub(super) const LONG_TERM: u128 = 1 << 59;

const _: () = assert!(SMALL_TERM * SMALL_TERM * BLOCK as u128 <= 1 << 64);
const _: () = assert!(LONG_TERM * LONG_TERM <= u128::MAX / BLOCK as u128);

/// Integers with which differences are taken. They wrap, in two's complement: a difference is right
/// whenever it fits itself, whatever happened on the way.
pub(super) trait Lane: Copy + Send + Sync {
    fn minus(self, other: Self) -> Self;

    fn twice(self) -> Self;

    /// The sum of the squares of a [`BLOCK`] of differences or less, none of which is beyond
    /// `largest` in size.
    fn squares(differences: impl Iterator<Item = Self>, largest: u128) -> ExactSum;
}

impl Lane for u32 {
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn twice(self) -> Self {
        self.wrapping_add(self)
    }

    fn squares(differences: impl Iterator<Item = Self>, largest: u128) -> ExactSum {
        let squares = differences.map(|difference| {
            let size = u64::from(difference.cast_signed().unsigned_abs());
            size * size
        });
        add_up(squares, largest < SMALL_TERM)
    }
}

impl Lane for i64 {
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn twice(self) -> Self {
        self.wrapping_add(self)
    }

    fn squares(differences: impl Iterator<Item = Self>, _: u128) -> ExactSum {
        let square = |difference: i64| {
            let size = u128::from(difference.unsigned_abs());
            size * size
        };
        differences.map(square).sum::<u128>().into()
    }
}

/// For what fits nowhere else. A difference of 64-bit phases is far from wrapping here.
impl Lane for i128 {
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn twice(self) -> Self {
        self.wrapping_add(self)
    }

    fn squares(differences: impl Iterator<Item = Self>, _: u128) -> ExactSum {
        differences.map(ExactSum::square).sum()
    }
}

/// Adds up a [`BLOCK`] of numbers or less: in 64 bits if they are `small`, else in two halves.
pub(super) fn add_up(numbers: impl Iterator<Item = u64>, small: bool) -> ExactSum {
    if small {
        return u128::from(numbers.sum::<u64>()).into();
    }
    let (high, low) = numbers.fold((0, 0), |(high, low), number| {
        (high + (number >> 32), low + (number & u64::from(u32::MAX)))
    });
    ((u128::from(high) << 32) + u128::from(low)).into()
}

/// A range in pieces of a [`BLOCK`].
pub(super) fn blocks(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(BLOCK)
        .map(move |start| start..end.min(start + BLOCK))
}

/// Phases as lanes. Where points are missing stands anything.
pub(super) enum Lanes<'a> {
    /// Distances from a straight line that no phase lies below.
    Short(Vec<u32>),
    /// The phases themselves.
    Long(&'a [i64]),
    /// The phases themselves, wherever they lie.
    Wide(Vec<i128>),
}

/// Phases in lanes, and how large their terms may become.
pub(super) struct Series<'a> {
    pub(super) lanes: Lanes<'a>,
    /// How far apart the values in the lanes are.
    pub(super) range: u64,
    /// No term is larger in size.
    pub(super) largest: u128,
}

impl<'a> Series<'a> {
    /// Lanes for terms of at most `gain` times the range of the phases. With `levelled` a statistic
    /// that a constant frequency does not move is taken of phases without it, whose range is smaller.
    pub(super) fn new(phases: &'a Phases<'_>, gain: u128, levelled: bool) -> Self {
        let line = Line::close(phases, gain, levelled);
        let range = u64::try_from(line.range).unwrap_or(u64::MAX);
        let largest = u128::from(range).saturating_mul(gain);
        let lanes = if largest < SHORT_TERM {
            Lanes::Short(line.distances(phases.values()))
        } else if largest < LONG_TERM {
            Lanes::Long(phases.values())
        } else {
            Lanes::Wide(phases.values().iter().copied().map(i128::from).collect())
        };
        Self {
            lanes,
            range,
            largest,
        }
    }
}

/// How far apart phases are, but for a constant frequency.
pub(super) fn levelled_range(phases: &Phases<'_>, gain: u128) -> u128 {
    Line::close(phases, gain, true).range
}

/// A straight line of whole steps that no phase lies below.
struct Line {
    /// Its value at the first position; it wraps, as everything reckoned from it does.
    value: i64,
    /// What it gains from one position to the next.
    slope: i64,
    /// How far the highest phase lies above it.
    range: u128,
}

impl Line {
    /// A line that the phases stay close to: level, unless a slope is allowed and makes small terms out
    /// of others.
    fn close(phases: &Phases<'_>, gain: u128, levelled: bool) -> Self {
        let line = Self::below(phases, 0);
        if levelled && line.range.saturating_mul(gain) >= SMALL_TERM {
            let other = level(phases, line.range);
            return line.better(other);
        }
        line
    }

    /// The highest of the lines of a slope that no phase lies below.
    fn below(phases: &Phases<'_>, slope: i64) -> Self {
        let runs = phases.runs();
        let first = runs.first().map_or(0, |run| run.start);
        // Distances are taken from a line through the first phase, so that they are small where the
        // slope fits. Without a slope nothing has to be taken from anything.
        let origin = match phases.values().get(first) {
            Some(phase) if slope != 0 => phase.wrapping_sub(steps(slope, first)),
            _ => 0,
        };
        let (lowest, highest) = distances(phases, origin, slope).unwrap_or_default();
        Self {
            value: origin.wrapping_add(lowest),
            slope,
            range: u128::from(highest.abs_diff(lowest)),
        }
    }

    /// This line, or one of another slope that the phases stay closer to.
    fn better(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.range < self.range => other,
            _ => self,
        }
    }

    /// How far each phase lies above the line.
    fn distances(&self, values: &[i64]) -> Vec<u32> {
        let mut distances = vec![0; values.len()];
        let pieces = distances
            .par_chunks_mut(CHUNK)
            .zip(values.par_chunks(CHUNK));
        pieces.enumerate().for_each(|(piece, (distances, values))| {
            let from = self.value.wrapping_add(steps(self.slope, piece * CHUNK));
            let above = above(values, from, self.slope);
            for (distance, above) in distances.iter_mut().zip(above) {
                *distance = low_half(above);
            }
        });
        distances
    }
}

/// The lowest and the highest phase; `None` if there is none.
pub(super) fn extremes(phases: &Phases<'_>) -> Option<(i64, i64)> {
    distances(phases, 0, 0)
}

/// The smallest and the largest distance of the phases from a line that is `origin` at the first
/// position.
fn distances(phases: &Phases<'_>, origin: i64, slope: i64) -> Option<(i64, i64)> {
    let of_run = |run: &Range<usize>| {
        let pieces = phases.values()[run.clone()].par_chunks(CHUNK).enumerate();
        let pieces = pieces.map(|(piece, values)| {
            let from = origin.wrapping_add(steps(slope, run.start + piece * CHUNK));
            above(values, from, slope)
                .fold(NOTHING, |found, distance| both(found, (distance, distance)))
        });
        pieces.reduce(|| NOTHING, both)
    };
    phases.runs().iter().map(of_run).reduce(both)
}

/// No extremes yet.
const NOTHING: (i64, i64) = (i64::MAX, i64::MIN);

fn both(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
    (one.0.min(other.0), one.1.max(other.1))
}

/// How far values lie above a line that begins at `from`.
fn above(values: &[i64], from: i64, slope: i64) -> impl Iterator<Item = i64> + '_ {
    let mut line = from;
    values.iter().map(move |value| {
        let distance = value.wrapping_sub(line);
        line = line.wrapping_add(slope);
        distance
    })
}

/// The line with the mean slope of the phases, in whole steps; `None` if it has none, or if distances
/// from it might not fit.
fn level(phases: &Phases<'_>, range: u128) -> Option<Line> {
    let runs = phases.runs();
    let (first, last) = (runs.first()?.start, runs.last()?.end.checked_sub(1)?);
    let gain = i128::from(phases.get(last)?) - i128::from(phases.get(first)?);
    let span = i128::try_from(last - first).ok()?;
    // A distance is within twice the range, and half a step a point for the rounded slope.
    if span == 0 || range >= LONG_TERM {
        return None;
    }
    let slope = (2 * gain + span).div_euclid(2 * span);
    let slope = i64::try_from(slope).ok().filter(|slope| *slope != 0)?;
    Some(Line::below(phases, slope))
}

/// What a line gains over a number of positions, wrapping.
fn steps(slope: i64, positions: usize) -> i64 {
    slope.wrapping_mul(super::count(positions).cast_signed())
}

/// The lower 32 bits: all of a distance that is known to fit, and something where a point is missing.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the caller knows that the upper half is empty, or that nobody reads the number"
)]
pub(super) fn low_half(distance: i64) -> u32 {
    distance.cast_unsigned() as u32
}
