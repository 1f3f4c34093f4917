//! [`hdev`], [`ohdev`]: the Hadamard deviation, which a constant drift of the frequency does not move.

use super::phases::Phases;
use super::point::Point;
use super::{Statistic, single};

/// The Hadamard deviation at tau = m tau0 from every m-th phase (NIST SP 1065, eq. 18): with M =
/// floor((N-1)/m) - 2 terms
///
/// ```text
/// Hsigma_y^2(tau) = 1 / (6 M tau^2) * sum_{i = 0, m, 2m...} (x_{i+3m} - 3 x_{i+2m} + 3 x_{i+m} - x_i)^2
/// ```
///
/// `None` if the series is too short for m. [`ohdev`] uses the data better.
pub fn hdev(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::Hdev, m)
}

/// The overlapping Hadamard deviation at tau = m tau0 (NIST SP 1065, eq. 20): as [`hdev`], over all of
/// the N-3m terms i = 0, 1, 2... `None` if the series is too short for m.
///
/// ```
/// use clockfit::stats::stability::{Phases, oadev, ohdev};
/// let drifting: Vec<i64> = (0..100).map(|i| 7 * i * i).collect();
/// let phases = Phases::from(drifting);
/// assert_eq!(ohdev(&phases, 4).and_then(|point| point.deviation(1.0)), Some(0.0));
/// assert!(oadev(&phases, 4).and_then(|point| point.deviation(1.0)) > Some(39.0));
/// ```
pub fn ohdev(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::Ohdev, m)
}
