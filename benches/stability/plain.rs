//! A series to measure with, and the least that octaves of OADEV and MTIE of it can be: loops over
//! 32-bit integers in tiles that stay in the cache, for phases without gaps that lie within 10^7 units.

use clockfit::stats::stability::Taus;

/// Windows and terms of a tile.
const TILE: usize = 4096;

/// The `i`-th number of SplitMix64 with seed 1.
fn hash(i: u64) -> u64 {
    let z = (i + 2).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// White phase noise of 1024 steps, and a walk of steps from -16 to 15.
pub(crate) fn series(points: usize) -> Vec<i64> {
    let mut walk = 0;
    (0..points as u64)
        .map(hash)
        .map(|hash| {
            walk += (hash >> 59).cast_signed() - 16;
            walk + ((hash >> 20) & 1023).cast_signed()
        })
        .collect()
}

/// Heights above the lowest value.
fn narrow(series: &[i64]) -> Vec<i32> {
    let lowest = series.iter().min().copied().unwrap_or(0);
    let height = |value: &i64| i32::try_from(value - lowest).unwrap_or(i32::MAX);
    series.iter().map(height).collect()
}

/// The sums of the squared second differences.
pub(crate) fn oadev(series: &[i64]) -> Vec<u128> {
    let x = narrow(series);
    let factors = Taus::Octave.factors((x.len() - 1) / 2);
    let mut sums = vec![0u128; factors.len()];
    for tile in (0..x.len()).step_by(TILE) {
        for (sum, m) in sums.iter_mut().zip(&factors) {
            let end = (tile + TILE).min(x.len() - 2 * m);
            if tile >= end {
                break;
            }
            let (a, b, c) = (
                &x[tile..end],
                &x[tile + m..end + m],
                &x[tile + 2 * m..end + 2 * m],
            );
            let mut part = 0u64;
            for ((a, b), c) in a.iter().zip(b).zip(c) {
                let size = u64::from((a - 2 * b + c).unsigned_abs());
                part += size * size;
            }
            *sum += u128::from(part);
        }
    }
    sums
}

/// The largest ranges in windows of m+1 points: windows double, in tiles while they are short, and then
/// over the whole series.
pub(crate) fn mtie(series: &[i64]) -> Vec<i32> {
    let x = narrow(series);
    let factors = Taus::Octave.factors(x.len() - 1);
    let longest = factors[factors.partition_point(|m| *m <= TILE / 4) - 1];
    let (short, long) = factors.split_at(factors.partition_point(|m| *m <= longest));
    let mut peaks = vec![0; short.len()];
    let mut whole = Windows::default();
    let (mut now, mut next) = (Windows::default(), Windows::default());
    for tile in (0..x.len()).step_by(TILE) {
        let end = (tile + TILE + longest).min(x.len());
        now.high.clear();
        now.high.extend_from_slice(&x[tile..end]);
        now.low.clone_from(&now.high);
        for (peak, m) in peaks.iter_mut().zip(short) {
            if now.high.len() <= (m / 2).max(1) {
                now.high.clear();
                break;
            }
            *peak = now.double((m / 2).max(1), &mut next).max(*peak);
            std::mem::swap(&mut now, &mut next);
        }
        let kept = now.high.len().min(TILE);
        whole.high.extend_from_slice(&now.high[..kept]);
        whole.low.extend_from_slice(&now.low[..kept]);
    }
    for m in long {
        peaks.push(whole.double(m / 2, &mut next));
        std::mem::swap(&mut whole, &mut next);
    }
    peaks
}

/// The extremes of windows.
#[derive(Default)]
struct Windows {
    high: Vec<i32>,
    low: Vec<i32>,
}

impl Windows {
    /// Joins each window with the one `step` behind it.
    fn double(&self, step: usize, next: &mut Self) -> i32 {
        let windows = self.high.len() - step;
        next.high.resize(windows, 0);
        next.low.resize(windows, 0);
        let high = self.high[..windows].iter().zip(&self.high[step..]);
        let low = self.low[..windows].iter().zip(&self.low[step..]);
        let to = next.high.iter_mut().zip(&mut next.low);
        let mut peak = 0;
        for ((high, low), (to_high, to_low)) in high.zip(low).zip(to) {
            let (high, low) = (*high.0.max(high.1), *low.0.min(low.1));
            (*to_high, *to_low) = (high, low);
            peak = peak.max(high - low);
        }
        peak
    }
}
