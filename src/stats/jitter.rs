//! Jitter psi: how much the offset varies between samples a few polls apart.

use super::root_mean_square;

/// Samples the clock filter of RFC 5905 holds (section 7.2, NSTAGE).
pub const NSTAGE: usize = 8;

/// Jitter psi of a run of (offset, delay) pairs in the order they were taken, in their unit; `None`
/// for fewer than two.
///
/// RFC 5905 section 10 defines it over the clock filter's stages: with theta_0 the offset of the
/// least delay among the n stages,
///
/// ```text
/// psi = sqrt( sum_j (theta_0 - theta_j)^2 / (n - 1) )
/// ```
///
/// Over a whole run it is the root of the mean psi^2 over consecutive blocks of [`NSTAGE`] samples:
/// each block has a reference of its own, so that slow drift over the run does not count as jitter.
/// A run shorter than one block is one block; a shorter block at the end of a longer run is left out.
///
/// ```
/// use clockfit::stats::jitter;
/// assert_eq!(jitter(&[(0, 10), (3, 20), (4, 20)]), Some(4)); // sqrt((9 + 16) / 2) = 3.54
/// assert_eq!(jitter(&[(5, 10)]), None);
/// ```
pub fn jitter(samples: &[(i64, i64)]) -> Option<u64> {
    let stages = samples.len().min(NSTAGE);
    let per_block = u64::try_from(stages.checked_sub(1)?).ok()?;
    let blocks = samples.chunks_exact(stages);
    let divisor = per_block.checked_mul(u64::try_from(blocks.len()).ok()?)?;
    let distances = blocks.flat_map(|block| {
        // The first of equals: the clock filter keeps the older of two equal delays too.
        let best = block.iter().min_by_key(|(_, delay)| *delay);
        block.iter().map(move |(offset, _)| {
            let distance = best.map_or(0, |(reference, _)| offset.abs_diff(*reference));
            // Beyond the range of a difference: saturate, as differences do everywhere here.
            distance.min(i64::MAX.unsigned_abs())
        })
    });
    root_mean_square(distances, divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_the_sample_of_least_delay() {
        // From 100: distances 100, 0, 10; from 0 they would be 0, 100, 110.
        assert_eq!(jitter(&[(0, 9), (100, 5), (110, 7)]), Some(71));
    }

    #[test]
    fn one_constant_step_between_blocks_is_not_jitter() {
        let step: Vec<_> = (0..16)
            .map(|i| (if i < 8 { 0 } else { 1_000 }, 1))
            .collect();
        assert_eq!(jitter(&step), Some(0));
        let within: Vec<_> = (0..16)
            .map(|i| (if i < 4 { 0 } else { 1_000 }, 1))
            .collect();
        // First block: 4 of distance 1000 over 7, second block 0: sqrt(4e6 / 14) = 534.5.
        assert_eq!(jitter(&within), Some(535));
    }

    #[test]
    fn a_short_block_at_the_end_is_left_out() {
        let mut samples = vec![(0, 1); 8];
        samples.push((1_000_000, 1));
        assert_eq!(jitter(&samples), Some(0));
        assert_eq!(jitter(&samples[7..]), Some(1_000_000));
        assert_eq!(jitter(&[]), None);
    }

    #[test]
    fn the_extremes_saturate() {
        assert!(jitter(&[(i64::MIN, 0), (i64::MAX, 1)]).is_some());
    }
}
