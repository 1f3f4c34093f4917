//! Numbers as people read them: adaptive units, as many digits as matter, a sign where it matters.

use crate::time::Timestamp;

/// Which way a number that is cut to its digits may err.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// To the nearest: an estimate.
    Nearest,
    /// Never above the number: the lower end of a bound.
    Down,
    /// Never below the number: the upper end of a bound.
    Up,
}

/// Significant digits of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Digits {
    /// Four: what most numbers are worth.
    Four,
    /// Six: for numbers that differ by little of their size, such as offsets around 50 ms.
    Six,
}

impl Digits {
    /// What tells numbers apart that lie within `spread` of each other and are as large as `size`.
    pub(super) fn for_spread(spread: u64, size: u64) -> Self {
        // With four digits, 1/50 of a number is at least 20 of its last digit.
        if spread < size / 50 {
            Self::Six
        } else {
            Self::Four
        }
    }

    fn count(self) -> u32 {
        match self {
            Self::Four => 4,
            Self::Six => 6,
        }
    }
}

/// Units of time: nanoseconds, name, decimals down to a nanosecond, and from how many nanoseconds on
/// the next unit is used.
const UNITS: [(u128, &str, u32, u128); 5] = [
    (1, "ns", 0, 1_000),
    (1_000, "us", 3, 1_000_000),
    (1_000_000, "ms", 6, 1_000_000_000),
    // Up to a day and a bit in seconds: "86400 s" says more than "1.0 d".
    (1_000_000_000, "s", 9, 100_000_000_000_000),
    (86_400_000_000_000, "d", 9, u128::MAX),
];

/// An offset or another difference that has a sign: `+1.234 us`. At most ten characters with four
/// digits, eleven with six.
pub(super) fn signed(nanos: i64, round: Round, digits: Digits) -> String {
    let size = |outward| size(nanos.unsigned_abs(), outward, round, digits);
    match nanos {
        0 => "0 ns".to_owned(),
        1.. => format!("+{}", size(round == Round::Up)),
        _ => format!("-{}", size(round == Round::Down)),
    }
}

/// A difference that has a sign, to nearest and in four digits.
pub(super) fn offset(nanos: i64) -> String {
    signed(nanos, Round::Nearest, Digits::Four)
}

/// A delay or a size: `1.234 us`; negative ones keep their sign.
pub(super) fn plain(nanos: i64) -> String {
    offset(nanos).trim_start_matches('+').to_owned()
}

/// Units in which people give limits, and what is worth a unit of its own only if it comes out whole.
const ROUND: [(i64, &str); 3] = [
    (86_400_000_000_000, "d"),
    (3_600_000_000_000, "h"),
    (60_000_000_000, "min"),
];

/// A limit, all of its digits: `50 ms`, `1.5 s`, `15 min`; none is negative.
pub(super) fn exact(nanos: i64) -> String {
    let round = ROUND
        .iter()
        .find(|(unit, _)| nanos >= 2 * unit && nanos % unit == 0);
    if let Some((unit, name)) = round {
        return format!("{} {name}", nanos / unit);
    }
    let (unit, name, digits) = match nanos {
        0 | 1_000_000_000.. => (1_000_000_000, "s", 9),
        1_000_000.. => (1_000_000, "ms", 6),
        1_000.. => (1_000, "us", 3),
        _ => return format!("{nanos} ns"),
    };
    let text = format!("{}.{:0digits$}", nanos / unit, nanos % unit);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} {name}")
}

fn size(nanos: u64, outward: bool, round: Round, digits: Digits) -> String {
    let nanos = u128::from(nanos);
    UNITS
        .iter()
        .find_map(|(unit, name, finest, limit)| {
            if nanos >= *limit {
                return None;
            }
            let whole_digits = (nanos / unit).checked_ilog10().unwrap_or(0) + 1;
            let decimals = digits.count().saturating_sub(whole_digits).min(*finest);
            let parts = 10u128.pow(decimals);
            let scaled = nanos * parts;
            let cut = match (round, outward) {
                (Round::Nearest, _) => (scaled + unit / 2) / unit,
                (_, true) => scaled.div_ceil(*unit),
                (_, false) => scaled / unit,
            };
            // 999.96 us would read 1000.0 us: leave it to the next unit, which reads 1.000 ms.
            if cut * unit >= limit.saturating_mul(parts) {
                return None;
            }
            let (whole, rest) = (cut / parts, cut % parts);
            Some(match decimals {
                0 => format!("{whole} {name}"),
                _ => format!("{whole}.{rest:0width$} {name}", width = decimals as usize),
            })
        })
        .unwrap_or_else(|| format!("{nanos} ns"))
}

/// `part` of `whole` in percent, two decimals, rounded down so that only all is 100 %.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let hundredths = u128::from(part) * 10_000 / u128::from(whole.max(1));
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// A number of nanoseconds in seconds, or of parts per billion in 1, with all of its digits.
pub(super) fn billionths(value: i64) -> String {
    const WHOLE: u64 = 1_000_000_000;
    let sign = if value < 0 { "-" } else { "" };
    let size = value.unsigned_abs();
    format!("{sign}{}.{:09}", size / WHOLE, size % WHOLE)
}

/// A rate in ppm, as far as it has decimals.
pub(super) fn ppm(ppb: i64) -> String {
    match (ppb / 1_000, ppb % 1_000) {
        (whole, 0) => format!("{whole} ppm"),
        (whole, rest) => format!("{whole}.{:03} ppm", rest.unsigned_abs()),
    }
}

/// A rate with its sign, in ppm and three decimals.
pub(super) fn signed_ppm(ppb: i64) -> String {
    let sign = if ppb < 0 { '-' } else { '+' };
    let size = ppb.unsigned_abs();
    format!("{sign}{}.{:03} ppm", size / 1_000, size % 1_000)
}

/// A rate in ppm or ppb with its sign and four digits, from picoseconds each second.
pub(super) fn rate(parts: i64) -> String {
    let size = parts.unsigned_abs();
    let sign = match parts {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    let (unit, name) = match size {
        0..1_000_000 => (1_000, "ppb"),
        _ => (1_000_000, "ppm"),
    };
    let whole_digits = (size / unit).checked_ilog10().unwrap_or(0) + 1;
    let decimals = 4u32.saturating_sub(whole_digits).min(3);
    let parts = 10u64.pow(decimals);
    let scaled = u128::from(size) * u128::from(parts);
    let cut = (scaled + u128::from(unit) / 2) / u128::from(unit);
    let (whole, rest) = (cut / u128::from(parts), cut % u128::from(parts));
    match decimals {
        0 => format!("{sign}{whole} {name}"),
        _ => format!(
            "{sign}{whole}.{rest:0width$} {name}",
            width = decimals as usize
        ),
    }
}

/// The time of an instant in UTC, to the second.
pub(super) fn time_of_day(nanos: i64) -> String {
    let whole = utc(nanos);
    whole
        .split_once(' ')
        .map_or(whole.clone(), |(_, time)| time.to_owned())
}

/// An instant as UTC date and time, to the second.
pub(super) fn utc(nanos: i64) -> String {
    Timestamp::from_nanos(nanos).utc().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_follow_the_size() {
        for (nanos, text) in [
            (0, "0 ns"),
            (7, "+7 ns"),
            (-999, "-999 ns"),
            (1_234, "+1.234 us"),
            (-12_345, "-12.35 us"),
            (999_960, "+1.000 ms"),
            (50_000_123, "+50.00 ms"),
            (1_500_000_000, "+1.500 s"),
            (-3_600_000_000_000, "-3600 s"),
            (1_763_832_000_000_000_000, "+20415 d"),
            (i64::MIN, "-106752 d"),
        ] {
            assert_eq!(offset(nanos), text);
        }
    }

    #[test]
    fn the_ends_of_a_bound_are_cut_outward() {
        let four = |nanos, round| signed(nanos, round, Digits::Four);
        assert_eq!(four(12_341, Round::Down), "+12.34 us");
        assert_eq!(four(12_341, Round::Up), "+12.35 us");
        assert_eq!(four(-12_341, Round::Down), "-12.35 us");
        assert_eq!(four(-12_341, Round::Up), "-12.34 us");
        assert_eq!(four(999_999, Round::Up), "+1.000 ms");
        assert_eq!(four(999_999, Round::Down), "+999.9 us");
    }

    #[test]
    fn six_digits_tell_apart_what_four_do_not() {
        let six = |nanos| signed(nanos, Round::Nearest, Digits::Six);
        assert_eq!(six(50_001_234), "+50.0012 ms");
        assert_eq!(six(1_234), "+1.234 us");
        assert_eq!(six(-3_600_123_000_000), "-3600.12 s");
        assert!(Digits::for_spread(100_000, 50_000_000) == Digits::Six);
        assert!(Digits::for_spread(1_000_001, 50_000_000) == Digits::Four);
    }

    #[test]
    fn only_all_is_a_hundred_percent() {
        assert_eq!(percent(99_999, 100_000), "99.99 %");
        assert_eq!(percent(5, 5), "100.00 %");
        assert_eq!(percent(0, 0), "0.00 %");
        assert_eq!(ppm(100_000), "100 ppm");
        assert_eq!(ppm(1_500), "1.500 ppm");
        assert_eq!(rate(0), "0.000 ppb");
        assert_eq!(rate(-1_234_567), "-1.235 ppm");
        assert_eq!(rate(12_345), "+12.35 ppb");
        assert_eq!(rate(999), "+0.999 ppb");
        assert_eq!(rate(50_000_000_000), "+50000 ppm");
        assert_eq!(rate(i64::MIN), "-9223372036855 ppm");
        assert_eq!(time_of_day(1_763_832_000_000_000_000), "17:20:00 UTC");
        assert_eq!(signed_ppm(-350), "-0.350 ppm");
        assert_eq!(signed_ppm(100_012), "+100.012 ppm");
    }

    proptest! {
        #[test]
        fn columns_are_wide_enough(nanos: i64) {
            for shifted in (0..64).map(|by| nanos >> by) {
                for round in [Round::Nearest, Round::Down, Round::Up] {
                    prop_assert!(signed(shifted, round, Digits::Four).len() <= 10);
                    prop_assert!(signed(shifted, round, Digits::Six).len() <= 11);
                }
            }
        }
    }
}
