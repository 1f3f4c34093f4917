//! Windows of few points, each made of two shorter ones.

use rayon::prelude::*;

use super::Both;
use super::height::Height;
use super::pairs::{Room, double, longer};

/// Windows of a tile: its extremes take 2 x 16 KiB in the first-level cache with 32-bit lanes, as old
/// and as new ones.
const TILE: usize = 1 << 11;

/// The largest range in any window of m+1 points, for ascending factors.
///
/// With E_m\[i\] the largest phase of a window that begins at i, E_{m+s}\[i\] = max(E_m\[i\], E_m\[i+s\])
/// for every s up to m: windows double by s = m, and a last, smaller step makes any m of the power of
/// two below.
pub(super) fn ranges<T: Height>(points: Both<'_, T>, factors: &[usize]) -> Vec<u64> {
    let Some(longest) = factors.last().copied() else {
        return Vec::new();
    };
    let nothing = || vec![T::NOTHING; factors.len()];
    let tiles = 0..points.high.len().div_ceil(TILE);
    let see_tile = |mut seen: (Vec<T>, Tile<T>), tile: usize| {
        let end = points.high.len().min((tile + 1) * TILE + longest);
        let piece = tile * TILE..end;
        seen.1.see(points.part(piece), factors, &mut seen.0);
        seen
    };
    let largest = tiles
        .into_par_iter()
        .fold(|| (nothing(), Tile::new(TILE, longest)), see_tile)
        .map(|(largest, _)| largest)
        .reduce(nothing, |one, other| {
            let pairs = one.into_iter().zip(other);
            pairs.map(|(one, other)| one.higher(other)).collect()
        });
    largest.into_iter().map(T::size).collect()
}

/// The extremes of every window of m+1 points, of which m is a power of two.
pub(super) fn windows_of<T: Height>(points: Both<'_, T>, m: usize) -> Room<T> {
    let len = points.high.len();
    let mut all = Room::new(len.saturating_sub(m));
    let tile = |tile: &mut Tile<T>, (index, (high, low)): (usize, (&mut [T], &mut [T]))| {
        let from = index * TILE;
        tile.see(
            points.part(from..from + high.len() + m),
            &[m],
            &mut [T::NOTHING],
        );
        let windows = tile.now.first(high.len());
        high.copy_from_slice(windows.high);
        low.copy_from_slice(windows.low);
    };
    if len <= TILE {
        let whole = (&mut all.high[..], &mut all.low[..]);
        tile(&mut Tile::new(len, m), (0, whole));
    } else {
        let tiles = all
            .high
            .par_chunks_mut(TILE)
            .zip(all.low.par_chunks_mut(TILE));
        tiles.enumerate().for_each_init(|| Tile::new(TILE, m), tile);
    }
    all
}

/// Room for the extremes of windows, and for those of windows made of them.
struct Tile<T> {
    now: Room<T>,
    next: Room<T>,
}

impl<T: Height> Tile<T> {
    /// For so many windows of up to so many points more.
    fn new(windows: usize, longest: usize) -> Self {
        Self {
            now: Room::new(windows + longest),
            next: Room::new(windows + longest),
        }
    }

    /// Looks at all windows within some points.
    fn see(&mut self, points: Both<'_, T>, factors: &[usize], largest: &mut [T]) {
        // The extremes at hand are those of this many windows of m+1 points.
        let (mut m, mut windows) = (0, points.high.len());
        for (factor, largest) in factors.iter().zip(largest) {
            while m == 0 || 2 * m <= *factor {
                let step = m.max(1);
                if windows <= step {
                    return;
                }
                let range = match m {
                    0 => double(points, step, &mut self.next),
                    _ => double(self.now.first(windows), step, &mut self.next),
                };
                std::mem::swap(&mut self.now, &mut self.next);
                (m, windows) = (m + step, windows - step);
                if m == *factor {
                    *largest = range.higher(*largest);
                }
            }
            let step = factor - m;
            if step > 0 && windows > step {
                let range = longer(self.now.first(windows), step);
                *largest = range.higher(*largest);
            }
        }
    }
}
