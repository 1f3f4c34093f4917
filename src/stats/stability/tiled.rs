//! Many sums over one series, with as few trips to memory as can be.

use std::ops::Range;

use rayon::prelude::*;

use super::exact::ExactSum;

/// Starts of a tile. Every job works on a tile before the next one begins, so that its points come from
/// the cache for all jobs but the first: 64 KiB of 32-bit lanes, in any second-level cache.
const TILE: usize = 1 << 14;

/// Tiles from which on more than one thread is worth its wake-up.
const PARALLEL_FROM: usize = 4;

/// Runs `kernel` over each job's range, tile by tile, and adds up what it returns for each job. The sums
/// are exact, so neither the tiles nor the threads show in them.
pub(super) fn tiled(
    jobs: &[Range<usize>],
    kernel: impl Fn(usize, Range<usize>) -> ExactSum + Sync,
) -> Vec<ExactSum> {
    let end = jobs.iter().map(|job| job.end).max().unwrap_or(0);
    let nothing = || vec![ExactSum::default(); jobs.len()];
    let add_tile = |mut sums: Vec<ExactSum>, tile: usize| {
        let (from, to) = (tile * TILE, (tile + 1) * TILE);
        for (index, (sum, job)) in sums.iter_mut().zip(jobs).enumerate() {
            let part = job.start.max(from)..job.end.min(to);
            if !part.is_empty() {
                *sum += kernel(index, part);
            }
        }
        sums
    };
    let tiles = 0..end.div_ceil(TILE);
    if tiles.len() < PARALLEL_FROM {
        return tiles.fold(nothing(), add_tile);
    }
    tiles
        .into_par_iter()
        .fold(nothing, add_tile)
        .reduce(nothing, |mut sums, others| {
            for (sum, other) in sums.iter_mut().zip(others) {
                *sum += other;
            }
            sums
        })
}
