//! [`tie_rms`]: the root mean square of time interval errors.

use super::phases::Phases;
use super::point::Point;
use super::{Statistic, single};

/// The root mean square time interval error over tau = m tau0 (ITU-T G.810, appendix II), in the unit
/// of the phases:
///
/// ```text
/// TIErms^2(tau) = 1 / (N-m) * sum_{i=0}^{N-m-1} (x_{i+m} - x_i)^2
/// ```
///
/// `None` if the series is too short for m.
///
/// ```
/// use clockfit::stats::stability::{Phases, tie_rms};
/// let phases = Phases::from(&[0, 3, -1][..]);
/// let rms = tie_rms(&phases, 1).and_then(|point| point.deviation(1.0));
/// assert_eq!(rms, Some(12.5f64.sqrt()));
/// ```
pub fn tie_rms(phases: &Phases<'_>, m: usize) -> Option<Point> {
    single(phases, Statistic::TieRms, m)
}
