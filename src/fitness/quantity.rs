//! [`Quantity`]: what of a clock a number of the catalogue is about.

use std::fmt;

use crate::time::{Frequency, TimeDelta};

/// What of a clock a number is about, by the name that the catalogue has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// `max_pairwise_skew_s`: what two clocks of a service may differ by.
    PairwiseSkew,
    /// `warn_pairwise_skew_s`: from where on the same check warns.
    WarnedSkew,
    /// `max_utc_offset_s`: how far a clock may be from UTC, the reference's own error included.
    UtcOffset,
    /// `max_error_bound_s`: how large the bound itself may be, wherever the clock is.
    ErrorBound,
    /// `max_step_s`: the largest step forward of one clock.
    StepForward,
    /// `max_step_back_s`: the largest step backward of one clock.
    StepBackward,
    /// `max_drift_ppm`: what the rates of two clocks may differ by.
    Drift,
    /// `assumed_drift_ppm`: the rate that a bound is made to grow by. No limit.
    AssumedDrift,
    /// `correctable_drift_ppm`: what a time daemon can correct. No limit.
    CorrectableDrift,
    /// `step_threshold_s`: from where on a time daemon steps a clock itself. No limit.
    StepThreshold,
    /// `max_abs_offset_plus_bound_p999_s`: size of the offset and its bound, 99.9 % of the time.
    OffsetMostly,
    /// `window_max_abs_offset_plus_bound_s`: the same at any time.
    OffsetEver,
    /// `max_jitter_p999_s`: how far the offset is from its running median, 99.9 % of the time.
    JitterMostly,
    /// `max_pairwise_skew_p999_s`: bound of what two clocks differ by, 99.9 % of the time.
    SkewMostly,
    /// `window_max_pairwise_skew_s`: the same at any time.
    SkewEver,
    /// `max_forward_step_s`: the largest step forward that a grade lets pass.
    GradeStepForward,
    /// `max_backward_step_s`: the largest step backward that a grade lets pass.
    GradeStepBackward,
    /// `max_residual_drift_ppm`: the rate error that is left of a disciplined clock.
    ResidualDrift,
}

/// What a quantity is counted in. Either way numbers are kept as billionths: nanoseconds, or parts in 10^9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Names end in `_s`.
    Seconds,
    /// Names end in `_ppm`.
    PartsPerMillion,
}

impl Quantity {
    /// Those that a service may have, in the order they are told.
    pub const OF_SERVICES: &'static [Self] = &[
        Self::PairwiseSkew,
        Self::WarnedSkew,
        Self::UtcOffset,
        Self::ErrorBound,
        Self::StepForward,
        Self::StepBackward,
        Self::Drift,
        Self::AssumedDrift,
        Self::CorrectableDrift,
        Self::StepThreshold,
    ];

    /// Those that a grade has, all of them.
    pub const OF_GRADES: &'static [Self] = &[
        Self::OffsetMostly,
        Self::OffsetEver,
        Self::JitterMostly,
        Self::SkewMostly,
        Self::SkewEver,
        Self::GradeStepForward,
        Self::GradeStepBackward,
        Self::ResidualDrift,
    ];

    /// As the catalogue, profiles and `--set` have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PairwiseSkew => "max_pairwise_skew_s",
            Self::WarnedSkew => "warn_pairwise_skew_s",
            Self::UtcOffset => "max_utc_offset_s",
            Self::ErrorBound => "max_error_bound_s",
            Self::StepForward => "max_step_s",
            Self::StepBackward => "max_step_back_s",
            Self::Drift => "max_drift_ppm",
            Self::AssumedDrift => "assumed_drift_ppm",
            Self::CorrectableDrift => "correctable_drift_ppm",
            Self::StepThreshold => "step_threshold_s",
            Self::OffsetMostly => "max_abs_offset_plus_bound_p999_s",
            Self::OffsetEver => "window_max_abs_offset_plus_bound_s",
            Self::JitterMostly => "max_jitter_p999_s",
            Self::SkewMostly => "max_pairwise_skew_p999_s",
            Self::SkewEver => "window_max_pairwise_skew_s",
            Self::GradeStepForward => "max_forward_step_s",
            Self::GradeStepBackward => "max_backward_step_s",
            Self::ResidualDrift => "max_residual_drift_ppm",
        }
    }

    /// What it is counted in.
    pub fn unit(self) -> Unit {
        match self.name().ends_with("_ppm") {
            true => Unit::PartsPerMillion,
            false => Unit::Seconds,
        }
    }

    /// Whether a clock can be held against it. The others tell what a program assumes or does.
    pub const fn is_limit(self) -> bool {
        !matches!(
            self,
            Self::AssumedDrift | Self::CorrectableDrift | Self::StepThreshold
        )
    }

    /// From a number as it is written, in the unit of its name, to billionths.
    ///
    /// # Errors
    ///
    /// It is no number, less than nothing, or so much that it must be in another unit.
    pub(super) fn read(self, text: &str) -> Result<i64, WrongNumber> {
        let wrong = |why| WrongNumber {
            unit: self.unit(),
            why,
        };
        let (scale, most) = match self.unit() {
            Unit::Seconds => (1e9, MOST_SECONDS),
            Unit::PartsPerMillion => (1e3, MOST_PPM),
        };
        let plain = |c: char| c.is_ascii_digit() || ".+-eE".contains(c);
        let digits = text.trim().replace('_', "");
        if digits.is_empty() || !digits.chars().all(plain) {
            return Err(wrong(Why::NoNumber));
        }
        let number: f64 = digits.parse().map_err(|_| wrong(Why::NoNumber))?;
        if number.is_sign_negative() && number != 0.0 {
            return Err(wrong(Why::Negative));
        }
        if number > most {
            return Err(wrong(Why::TooMuch));
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 10^17, and rounded")]
        Ok((number * scale).round() as i64)
    }
}

/// Three years: more than any service asks for, and a number beyond it is in another unit.
const MOST_SECONDS: f64 = 3.0 * 366.0 * 86_400.0;
/// All: a clock that stands still.
const MOST_PPM: f64 = 1e6;

/// Why a text is no number of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongNumber {
    unit: Unit,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NoNumber,
    Negative,
    TooMuch,
}

impl fmt::Display for WrongNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, such) = match self.unit {
            Unit::Seconds => ("seconds", "0.05"),
            Unit::PartsPerMillion => ("parts per million", "15.0"),
        };
        match self.why {
            Why::NoNumber => write!(
                f,
                "a number of {unit} is expected, without a unit, such as {such}"
            ),
            Why::Negative => write!(f, "a limit is not negative; it is a number of {unit}"),
            Why::TooMuch => write!(f, "that many {unit} are no limit; is it in another unit?"),
        }
    }
}

/// Billionths as a time.
pub(super) fn time(billionths: i64) -> TimeDelta {
    TimeDelta::from_nanos(billionths)
}

/// Billionths as a rate.
pub(super) fn rate(billionths: i64) -> Frequency {
    Frequency::from_ppb(billionths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_unit_of_their_name() {
        for (text, nanos) in [
            ("0.05", 50_000_000),
            ("1", 1_000_000_000),
            ("1e-9", 1),
            ("0.000_1", 100_000),
            ("0", 0),
            ("-0.0", 0),
            ("94867200", 94_867_200_000_000_000),
        ] {
            assert_eq!(Quantity::PairwiseSkew.read(text), Ok(nanos), "{text}");
        }
        assert_eq!(Quantity::Drift.read("500000"), Ok(500_000_000));
        assert_eq!(Quantity::Drift.read("0.5"), Ok(500));
    }

    #[test]
    fn what_is_no_number_says_how_to_write_one() {
        for (text, words) in [
            ("50ms", "seconds is expected, without a unit, such as 0.05"),
            ("", "seconds is expected"),
            ("nan", "seconds is expected"),
            ("inf", "seconds is expected"),
            ("1e", "seconds is expected"),
            ("0x10", "seconds is expected"),
            ("-1", "not negative"),
            ("1e300", "another unit"),
            ("50000000000", "another unit"),
        ] {
            let wrong = Quantity::PairwiseSkew.read(text).unwrap_err().to_string();
            assert!(wrong.contains(words), "{text}: {wrong}");
        }
        let wrong = Quantity::Drift.read("15ppm").unwrap_err().to_string();
        assert!(wrong.contains("parts per million"), "{wrong}");
    }

    #[test]
    fn names_tell_units() {
        for of in Quantity::OF_SERVICES.iter().chain(Quantity::OF_GRADES) {
            assert!(of.name().ends_with("_s") || of.name().ends_with("_ppm"));
        }
    }
}
