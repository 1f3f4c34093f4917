//! [`adev`], [`oadev`]: the Allan deviation.

use super::phases::Phases;
use super::point::Point;
use super::{Statistic, single};

/// The Allan deviation at tau = m tau0 from every m-th phase (NIST SP 1065, eq. 7): with M =
/// floor((N-1)/m) - 1 terms
///
/// ```text
/// sigma_y^2(tau) = 1 / (2 M tau^2) * sum_{i = 0, m, 2m...} (x_{i+2m} - 2 x_{i+m} + x_i)^2
/// ```
///
/// `None` if the series is too short for m. [`oadev`] uses the data better.
pub fn adev(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::Adev, m)
}

/// The overlapping Allan deviation at tau = m tau0 (NIST SP 1065, eq. 11):
///
/// ```text
/// sigma_y^2(tau) = 1 / (2 (N-2m) tau^2) * sum_{i=0}^{N-2m-1} (x_{i+2m} - 2 x_{i+m} + x_i)^2
/// ```
///
/// `None` if the series is too short for m.
///
/// ```
/// use clockfit::stats::stability::{Phases, oadev};
/// // Annex 8.E of NBS Monograph 140, whose deviation SP 1065 gives as 85.95287.
/// let phases = Phases::from_frequencies(&[892, 809, 823, 798, 671, 644, 883, 903, 677])?;
/// let deviation = oadev(&phases, 2).and_then(|point| point.deviation(1.0)).unwrap();
/// assert_eq!(format!("{deviation:.5}"), "85.95287");
/// # Ok::<(), clockfit::stats::stability::PhaseOverflow>(())
/// ```
pub fn oadev(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::Oadev, m)
}
