//! [`Utc`]: an instant as people read it.

use std::fmt;

use super::{NANOS_PER_SEC, Timestamp};

const SECONDS_PER_DAY: i64 = 86_400;

/// A [`Timestamp`] as UTC date and time, cut off to the second, or to as many decimals as a precision asks
/// for, at most nine.
///
/// ```
/// use clockfit::time::Timestamp;
/// let at = Timestamp::from_nanos(1_763_832_000_123_456_789);
/// assert_eq!(at.utc().to_string(), "2025-11-22 17:20:00 UTC");
/// assert_eq!(format!("{:.3}", at.utc()), "2025-11-22 17:20:00.123 UTC");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc(Timestamp);

impl Timestamp {
    /// As date and time.
    pub const fn utc(self) -> Utc {
        Utc(self)
    }
}

/// Year, month and day of days since 1970-01-01 (Howard Hinnant's `civil_from_days`: years begin in
/// March, so that the leap day is the last).
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march = days + 719_468;
    let (era, day) = (
        from_march.div_euclid(146_097),
        from_march.rem_euclid(146_097),
    );
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let seconds = nanos.div_euclid(NANOS_PER_SEC);
        let (year, month, day) = civil(seconds.div_euclid(SECONDS_PER_DAY));
        let second = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        )?;
        let decimals = f.precision().unwrap_or(0).min(9);
        if decimals > 0 {
            let all = format!("{:09}", nanos.rem_euclid(NANOS_PER_SEC));
            write!(f, ".{}", all.get(..decimals).unwrap_or_default())?;
        }
        f.write_str(" UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds: i64| {
            Timestamp::from_nanos(seconds * NANOS_PER_SEC)
                .utc()
                .to_string()
        };
        assert_eq!(at(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(at(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(at(1_763_832_000), "2025-11-22 17:20:00 UTC");
        assert_eq!(at(-1), "1969-12-31 23:59:59 UTC");
        let ends = [i64::MIN, i64::MAX].map(|n| format!("{:.9}", Timestamp::from_nanos(n).utc()));
        assert_eq!(
            ends,
            [
                "1677-09-21 00:12:43.145224192 UTC",
                "2262-04-11 23:47:16.854775807 UTC"
            ]
        );
    }
}
