//! [`Timestamp`]: a reading of the wall clock; [`Monotonic`]: a reading of the unsteered counter.

use std::fmt;
use std::ops::Add;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{NANOS_PER_SEC, TimeDelta};

/// Nanoseconds since 1970-01-01T00:00:00 on some wall clock (1677 to 2262). Sums wrap.
///
/// As text it is decimal seconds with nine decimals, because JSON numbers lose nanoseconds in most
/// readers (a double near 1.8e9 s resolves 238 ns).
///
/// ```
/// use clockfit::time::{TimeDelta, Timestamp};
/// let t: Timestamp = "1763832000.123456789".parse()?;
/// assert_eq!((t + TimeDelta::NANOSECOND).to_string(), "1763832000.123456790");
/// # Ok::<(), clockfit::time::ParseTimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `nanos` nanoseconds after 1970-01-01T00:00:00.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// `self - earlier`, saturating: clocks centuries apart are a finding, not an overflow.
    #[must_use]
    pub const fn since(self, earlier: Self) -> TimeDelta {
        TimeDelta::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<TimeDelta> for Timestamp {
    type Output = Self;
    fn add(self, delta: TimeDelta) -> Self {
        Self(self.0.wrapping_add(delta.as_nanos()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let per_sec = NANOS_PER_SEC.unsigned_abs();
        write!(f, "{sign}{}.{:09}", nanos / per_sec, nanos % per_sec)
    }
}

/// Why a text is not a [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected seconds with nine decimals, such as 1763832000.123456789")]
pub struct ParseTimestampError;

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (secs, frac) = digits.split_once('.').ok_or(ParseTimestampError)?;
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(secs) || !all_digits(frac) || frac.len() != 9 || secs.len() > 10 {
            return Err(ParseTimestampError);
        }
        let secs: i128 = secs.parse().map_err(|_| ParseTimestampError)?;
        let frac: i128 = frac.parse().map_err(|_| ParseTimestampError)?;
        let nanos = secs * i128::from(NANOS_PER_SEC) + frac;
        let nanos = if negative { -nanos } else { nanos };
        i64::try_from(nanos)
            .map(Self)
            .map_err(|_| ParseTimestampError)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Nanoseconds on the host's unsteered counter (CLOCK_MONOTONIC_RAW on Linux), since an arbitrary
/// start. No daemon slews it, so differences of it measure how the wall clock was moved.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Monotonic(i64);

impl Monotonic {
    /// The instant `nanos` nanoseconds after the counter's start.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the counter's start.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// `self - earlier`, saturating.
    #[must_use]
    pub const fn since(self, earlier: Self) -> TimeDelta {
        TimeDelta::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<TimeDelta> for Monotonic {
    type Output = Self;
    fn add(self, delta: TimeDelta) -> Self {
        // A deadline far away must stay far away, so this instant saturates like a duration.
        Self(self.0.saturating_add(delta.as_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_not_seconds_with_nine_decimals() {
        for bad in [
            "",
            ".",
            "1",
            "1.5",
            "1.1234567890",
            "+1.000000000",
            "1.00000000x",
            "--1.000000000",
            "99999999999.000000000",
            "9999999999.999999999",
            " 1.000000000",
        ] {
            assert_eq!(
                bad.parse::<Timestamp>(),
                Err(ParseTimestampError),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn says_negative_times_in_full() {
        assert_eq!(
            Timestamp::from_nanos(-1_500_000_000).to_string(),
            "-1.500000000"
        );
        assert_eq!(Timestamp::from_nanos(-1).to_string(), "-0.000000001");
    }

    proptest! {
        #[test]
        fn text_round_trips(nanos: i64) {
            let t = Timestamp::from_nanos(nanos);
            prop_assert_eq!(t.to_string().parse::<Timestamp>(), Ok(t));
        }
    }
}
