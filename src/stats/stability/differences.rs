//! Sums of squared differences of phases: what TIE rms (first), ADEV (second) and HDEV (third
//! differences) are made of.

use std::ops::Range;

use super::exact::ExactSum;
use super::lanes::{Lane, Lanes, Series, blocks};
use super::mask::Mask;
use super::phases::Phases;
use super::products;
use super::tiled::tiled;
use super::{Tally, count};

/// Sets of starts that are held at a time where points are missing.
pub(super) const BATCH: usize = 64;

/// The sums of (x_{i+m} - x_i)^2, (x_{i+2m} - 2 x_{i+m} + x_i)^2 or (x_{i+3m} - 3 x_{i+2m} + 3 x_{i+m} -
/// x_i)^2 over every i, for each m.
pub(super) fn overlapping(phases: &Phases<'_>, order: usize, factors: &[usize]) -> Vec<Tally> {
    let series = Series::new(phases, gain(order), order >= 2);
    in_series(&series, phases, order, factors)
}

/// How much larger a difference may be than the range of the phases: half the sum of its weights.
fn gain(order: usize) -> u128 {
    1 << (order - 1)
}

/// [`overlapping`] of phases that are in lanes already.
pub(super) fn in_series(
    series: &Series<'_>,
    phases: &Phases<'_>,
    order: usize,
    factors: &[usize],
) -> Vec<Tally> {
    if let (Lanes::Short(data), None) = (&series.lanes, phases.mask())
        && let Some(sums) = products::squares(data, series.range, order, factors)
    {
        let starts = factors.iter().map(|m| data.len() - order * m);
        let tallies = starts.zip(sums).map(|(starts, sum)| Tally {
            terms: count(starts),
            sum,
        });
        return tallies.collect();
    }
    match &series.lanes {
        Lanes::Short(data) => tallies(data, series.largest, phases.mask(), order, factors),
        Lanes::Long(data) => tallies(data, series.largest, phases.mask(), order, factors),
        Lanes::Wide(data) => tallies(data, series.largest, phases.mask(), order, factors),
    }
}

/// The same sums over i = 0, m, 2m... alone.
pub(super) fn strided(phases: &Phases<'_>, order: usize, factors: &[usize]) -> Vec<Tally> {
    let series = Series::new(phases, gain(order), order >= 2);
    let each = |m: &usize| match &series.lanes {
        Lanes::Short(data) => stride(data, &series, phases.mask(), order, *m),
        Lanes::Long(data) => stride(data, &series, phases.mask(), order, *m),
        Lanes::Wide(data) => stride(data, &series, phases.mask(), order, *m),
    };
    factors.iter().map(each).collect()
}

fn stride<T: Lane>(
    data: &[T],
    series: &Series<'_>,
    mask: Option<&Mask>,
    order: usize,
    m: usize,
) -> Tally {
    let tally = |data: &[T], mask: Option<&Mask>| {
        let tallies = tallies(data, series.largest, mask, order, &[1]);
        tallies.first().copied().unwrap_or_default()
    };
    if m == 1 {
        return tally(data, mask);
    }
    let kept: Vec<T> = data.iter().step_by(m).copied().collect();
    tally(&kept, mask.map(|mask| mask.every(m)).as_ref())
}

fn tallies<T: Lane>(
    data: &[T],
    largest: u128,
    mask: Option<&Mask>,
    order: usize,
    factors: &[usize],
) -> Vec<Tally> {
    let starts = |m: usize| data.len().saturating_sub(order * m);
    let Some(mask) = mask else {
        let jobs: Vec<Job> = factors
            .iter()
            .map(|m| Job {
                lag: *m,
                starts: starts(*m),
                valid: None,
                largest,
            })
            .collect();
        return sums(data, order, &jobs);
    };
    let offsets = |m: usize| -> Vec<usize> { (0..=order).map(|tap| tap * m).collect() };
    let job = |m: &usize| Job {
        lag: *m,
        starts: starts(*m),
        valid: Some(mask.all_of(&offsets(*m), starts(*m))),
        largest,
    };
    factors
        .chunks(BATCH)
        .flat_map(|batch| {
            let jobs: Vec<Job> = batch.iter().map(job).collect();
            sums(data, order, &jobs)
        })
        .collect()
}

/// One sum: over which differences it goes.
pub(super) struct Job {
    pub(super) lag: usize,
    /// How many starts there are, from the first position on.
    pub(super) starts: usize,
    /// Which of them have all their points; `None` if all do.
    pub(super) valid: Option<Mask>,
    /// No difference is larger in size.
    pub(super) largest: u128,
}

impl Job {
    fn terms(&self) -> u64 {
        match &self.valid {
            Some(valid) => valid.count(),
            None => count(self.starts),
        }
    }
}

/// The sums of squared differences of an order that `jobs` ask for.
pub(super) fn sums<T: Lane>(data: &[T], order: usize, jobs: &[Job]) -> Vec<Tally> {
    let ranges: Vec<Range<usize>> = jobs.iter().map(|job| 0..job.starts).collect();
    let sums = tiled(&ranges, |index, starts| {
        let job = &jobs[index];
        match &job.valid {
            None => squares(data, order, job, starts),
            Some(valid) => {
                let runs = valid.runs(starts);
                runs.map(|run| squares(data, order, job, run)).sum()
            }
        }
    });
    let tally = |(job, sum): (&Job, ExactSum)| Tally {
        terms: job.terms(),
        sum,
    };
    jobs.iter().zip(sums).map(tally).collect()
}

/// The sum of squared differences of an order and a lag that begin at `starts`.
fn squares<T: Lane>(data: &[T], order: usize, job: &Job, starts: Range<usize>) -> ExactSum {
    let (lag, largest) = (job.lag, job.largest);
    let block = |block: Range<usize>| {
        let at = |tap: usize| &data[block.start + tap * lag..block.end + tap * lag];
        let pairs = at(0).iter().zip(at(1));
        match order {
            1 => T::squares(pairs.map(|(a, b)| b.minus(*a)), largest),
            2 => {
                let second = |((a, b), c): ((&T, &T), &T)| c.minus(*b).minus(b.minus(*a));
                T::squares(pairs.zip(at(2)).map(second), largest)
            }
            _ => {
                let third = |((a, b), (c, d)): ((&T, &T), (&T, &T))| {
                    let inner = c.minus(*b);
                    d.minus(*a).minus(inner.twice()).minus(inner)
                };
                T::squares(pairs.zip(at(2).iter().zip(at(3))).map(third), largest)
            }
        }
    };
    blocks(starts).map(block).sum()
}
