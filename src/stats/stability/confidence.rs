//! [`ConfidenceInterval`]: how far a deviation may be from the true one.

use super::gamma::{Tail, chi_square};

/// A level of confidence, above 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Level(f64);

impl Level {
    /// 95 %: what is shown unless another is asked for.
    pub const P95: Self = Self(0.95);
    /// 68.3 %: one standard deviation of a normal distribution to either side, erf(1 / sqrt(2)).
    pub const P68_3: Self = Self(0.682_689_492_137_085_9);

    /// A level; `None` if it is not above 0 and below 1.
    pub fn new(level: f64) -> Option<Self> {
        (level > 0.0 && level < 1.0).then_some(Self(level))
    }

    /// The level as a probability.
    pub const fn probability(self) -> f64 {
        self.0
    }
}

/// A deviation, and between what the true one is at a level of confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfidenceInterval {
    /// The deviation that was measured.
    pub deviation: f64,
    /// Not below this...
    pub lower: f64,
    /// ...nor above this.
    pub upper: f64,
    /// The equivalent degrees of freedom this rests on.
    pub edf: f64,
    /// The level of confidence, two-sided.
    pub level: Level,
}

impl ConfidenceInterval {
    /// The interval of a deviation whose square is distributed as chi-square of `edf` degrees of
    /// freedom, any positive number (NIST SP 1065, eq. 45): with alpha one minus the level,
    ///
    /// ```text
    /// sigma^2 edf / chi^2(1 - alpha/2, edf)  to  sigma^2 edf / chi^2(alpha/2, edf)
    /// ```
    ///
    /// ```
    /// use clockfit::stats::stability::{ConfidenceInterval, Level};
    /// let few = ConfidenceInterval::new(1.0, 2.0, Level::P95);
    /// assert_eq!(format!("{:.4} {:.4}", few.lower, few.upper), "0.5207 6.2847");
    /// ```
    pub fn new(deviation: f64, edf: f64, level: Level) -> Self {
        let tail = (1.0 - level.0) / 2.0;
        let bound = |side| deviation * (edf / chi_square(side, tail, edf)).sqrt();
        Self {
            deviation,
            lower: bound(Tail::Upper),
            upper: bound(Tail::Lower),
            edf,
            level,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What allantools 2024.6 gives for the OADEV at m = 10 of the 1000-point set of SP 1065, with its
    /// own 135.0714 degrees of freedom for white FM.
    #[test]
    fn agrees_with_allantools() {
        let interval = ConfidenceInterval::new(9.159952817e-2, 135.071_405_100_379_3, Level::P68_3);
        assert!((interval.lower - 0.086_499_95).abs() < 1e-8, "{interval:?}");
        assert!((interval.upper - 0.097_722_19).abs() < 1e-8, "{interval:?}");
    }

    #[test]
    fn a_level_is_a_probability() {
        assert_eq!(Level::new(0.95), Some(Level::P95));
        for wrong in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
            assert_eq!(Level::new(wrong), None);
        }
    }

    #[test]
    fn many_degrees_of_freedom_leave_the_normal_interval() {
        let interval = ConfidenceInterval::new(1.0, 1e8, Level::P95);
        // A deviation has the relative standard deviation 1 / sqrt(2 edf).
        let wanted = 1.959_964 / 2e8f64.sqrt();
        assert!((interval.upper - 1.0 - wanted).abs() < 3e-8, "{interval:?}");
        assert!((1.0 - interval.lower - wanted).abs() < 3e-8, "{interval:?}");
    }
}
