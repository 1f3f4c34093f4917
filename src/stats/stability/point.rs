//! [`Point`]: one statistic at one averaging time, with what it rests on.

use super::confidence::{ConfidenceInterval, Level};
use super::edf::edf;
use super::exact::ExactSum;
use super::noise::Noise;
use super::{Statistic, count};

/// Fewer terms than this say next to nothing, and are to be shown as such.
pub const FEW_TERMS: u64 = 3;

/// What a [`Statistic`] is at tau = m tau0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Which one it is.
    pub statistic: Statistic,
    /// The averaging factor m.
    pub m: usize,
    /// The points of the series, missing ones included; for TOTDEV from the first that is there to the
    /// last.
    pub points: usize,
    /// Terms of which all points are there. For MTIE: windows of which all points are there.
    pub terms: u64,
    /// Terms there would be without gaps.
    pub possible: u64,
    /// What was measured, exactly.
    pub measure: Measure,
}

/// The exact result that a deviation is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The sum of the squared terms, in the square of the unit of the phases. For MDEV and TDEV a term
    /// is the sum of m second differences.
    Squares(ExactSum),
    /// The largest range of the phases in any window, in their unit; `None` if no window holds two
    /// points.
    Peak(Option<u64>),
}

impl Point {
    /// The deviation. ADEV, MDEV, HDEV, TOTDEV and the overlapping ones have no dimension, and need
    /// tau0 in the unit of the phases; TDEV, TIE rms and MTIE are in the unit of the phases whatever
    /// tau0 is. `None` without a term, and for MTIE without a window that holds two points.
    ///
    /// ```
    /// use clockfit::stats::stability::{Phases, oadev, tdev};
    /// // Phases in nanoseconds, one a second.
    /// let phases = Phases::from(&[0, 60, 20, 80, 40, 100][..]);
    /// assert_eq!(oadev(&phases, 1).and_then(|p| p.deviation(1e9)), Some(70.710678118654752e-9));
    /// assert_eq!(tdev(&phases, 1).and_then(|p| p.deviation(1e9)), Some(40.824829046386306));
    /// ```
    pub fn deviation(&self, tau0: f64) -> Option<f64> {
        Some(self.in_phase_unit()? / self.divisor(tau0))
    }

    /// The deviation times tau where it has no dimension, else the deviation: in the unit of the
    /// phases in any case. `None` where there is no [`deviation`](Self::deviation).
    pub fn in_phase_unit(&self) -> Option<f64> {
        match self.measure {
            Measure::Squares(sum) => {
                let divisor = self.normalisation().saturating_mul(self.terms.into());
                (self.terms > 0).then(|| (sum.to_f64() / nearest(divisor)).sqrt())
            }
            Measure::Peak(peak) => peak.map(|peak| nearest(peak.into())),
        }
    }

    /// The interval that holds the true deviation at a level of confidence, if the noise is of this
    /// kind ([`identify`](super::identify)); in what [`deviation`](Self::deviation) is in. `None` where
    /// nothing is known of the [degrees of freedom](Self::edf), or without a term.
    pub fn interval(&self, tau0: f64, noise: Noise, level: Level) -> Option<ConfidenceInterval> {
        let (deviation, edf) = (self.deviation(tau0)?, self.edf(noise)?);
        Some(ConfidenceInterval::new(deviation, edf, level))
    }

    /// The equivalent degrees of freedom of the deviation, if the noise is of this kind: those of the
    /// whole series, less the share of the terms that are missing, but one for a single term. This is
    /// on the safe side: terms that are further apart are less alike.
    pub fn edf(&self, noise: Noise) -> Option<f64> {
        let whole = edf(self.statistic, noise, self.points, self.m)?;
        (self.terms > 0).then(|| (whole * self.coverage()).max(whole.min(1.0)))
    }

    /// The share of the possible terms that were there, from 0 to 1.
    pub fn coverage(&self) -> f64 {
        if self.possible == 0 {
            return 0.0;
        }
        nearest(self.terms.into()) / nearest(self.possible.into())
    }

    /// Whether the true value for these very points can only be larger: an MTIE with points missing.
    pub fn is_lower_bound(&self) -> bool {
        matches!(self.measure, Measure::Peak(_)) && self.terms < self.possible
    }

    /// Whether there are fewer terms than [`FEW_TERMS`].
    pub fn has_few_terms(&self) -> bool {
        self.terms < FEW_TERMS
    }

    fn divisor(&self, tau0: f64) -> f64 {
        if self.statistic.has_unit() {
            1.0
        } else {
            nearest(count(self.m).into()) * tau0
        }
    }

    /// What the mean square of the terms is divided by: the square of the deviation in the unit of the
    /// phases is left.
    fn normalisation(&self) -> u128 {
        let m = u128::from(count(self.m));
        match self.statistic {
            Statistic::Adev | Statistic::Oadev | Statistic::Totdev => 2,
            Statistic::Hdev | Statistic::Ohdev => 6,
            Statistic::Mdev => 2 * m * m,
            Statistic::Tdev => 6 * m * m,
            Statistic::TieRms | Statistic::Mtie => 1,
        }
    }
}

/// The double nearest to a whole number.
#[expect(
    clippy::cast_precision_loss,
    reason = "deviations are doubles; what is exact stays in the point"
)]
fn nearest(number: u128) -> f64 {
    number as f64
}
