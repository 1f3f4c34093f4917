//! [`Decimal`]: a number as a log prints it, exactly, and what its last digit leaves open.

use std::cmp::Ordering;

use crate::time::TimeDelta;

/// Parts of a second, 10^-18, in which numbers are added up: finer than any log, and seconds up to
/// 10^19 fit.
pub(super) const PARTS_PER_SEC: i128 = 1_000_000_000_000_000_000;
/// The same parts in a nanosecond.
pub(super) const PARTS_PER_NANO: i128 = 1_000_000_000;
/// Decimals of [`PARTS_PER_SEC`].
const PARTS_DECIMALS: i32 = 18;
/// The largest amount that is taken up. Eight of them can be added in an `i128`.
const MAX_PARTS: i128 = 10_i128.pow(37);
/// Digits of a number without leading zeros. A double says all that it holds in 17, and programs print
/// up to 21.
const MAX_DIGITS: u32 = 30;
/// Digits that fit into 64 bits, whatever they are.
const FAST_DIGITS: u32 = 19;
/// Exponents beyond this are the same to everyone here: no second counts so high or so fine.
const MAX_EXPONENT: i32 = 9_999;

/// `mantissa * 10^exponent`, with the exponent of the last digit that was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) mantissa: i128,
    pub(super) exponent: i32,
    /// Whether it was printed with an exponent of its own.
    scientific: bool,
}

impl Decimal {
    /// Reads `-12.5`, `.5`, `7`, `1.234e-06`. Anything else, `nan` and `inf` included, is no number.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        let at = text.iter().position(|b| matches!(b, b'e' | b'E'));
        let (number, power) = match at.and_then(|at| text.split_at_checked(at)) {
            Some((number, power)) => (number, Some(exponent(power.get(1..)?)?)),
            None => (text, None),
        };
        // All but the longest fit into 64 bits, where arithmetic is several times as fast.
        let (mut mantissa, mut head) = (0_u64, 0_i128);
        let (mut digits, mut significant, mut decimals) = (0_u32, 0_u32, None);
        for byte in number {
            match byte {
                b'0'..=b'9' => {
                    if significant == FAST_DIGITS {
                        head = i128::from(std::mem::take(&mut mantissa));
                    }
                    digits += 1;
                    mantissa = mantissa * 10 + u64::from(byte - b'0');
                    significant += u32::from(mantissa != 0 || significant != 0);
                    decimals = decimals.map(|n: i32| n.saturating_add(1));
                }
                b'.' if decimals.is_none() => decimals = Some(0),
                _ => return None,
            }
            if significant > MAX_DIGITS {
                return None;
            }
        }
        let tail = 10_i128.checked_pow(significant.saturating_sub(FAST_DIGITS))?;
        let mantissa = head * tail + i128::from(mantissa);
        (digits > 0).then_some(Self {
            mantissa: if negative { -mantissa } else { mantissa },
            exponent: power.unwrap_or(0).saturating_sub(decimals.unwrap_or(0)),
            scientific: power.is_some(),
        })
    }

    pub(super) fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The same number without zeros at its end.
    pub(super) fn shortest(mut self) -> Self {
        while self.mantissa != 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.exponent = self.exponent.saturating_add(1);
        }
        self
    }

    /// To nearest, ties to even, with a last digit of at least this exponent.
    pub(super) fn rounded(self, exponent: i32) -> Self {
        let beyond = u32::try_from(i64::from(exponent) - i64::from(self.exponent)).unwrap_or(0);
        if beyond == 0 {
            return self;
        }
        let mantissa = match 10_i128.checked_pow(beyond) {
            Some(unit) => nearest(self.mantissa, unit),
            // A mantissa has fewer digits than that.
            None => 0,
        };
        Self {
            mantissa,
            exponent,
            ..self
        }
    }

    /// As a whole multiple of a power of ten; none where it is not one of 64 bits.
    pub(super) fn multiple_of(self, exponent: i32) -> Option<i64> {
        if self.mantissa == 0 {
            return Some(0);
        }
        let zeros = u32::try_from(i64::from(self.exponent) - i64::from(exponent)).ok()?;
        let multiple = 10_i128.checked_pow(zeros)?.checked_mul(self.mantissa)?;
        i64::try_from(multiple).ok()
    }

    /// Digits behind the decimal point, down to the last one printed.
    pub(super) fn decimals(self) -> u32 {
        u32::try_from(-i64::from(self.exponent)).unwrap_or(0)
    }

    /// The amount in parts of 10^-18, rounded down and up; none where it is absurdly large.
    pub(super) fn parts(self) -> Option<(i128, i128)> {
        let shift = self.exponent.saturating_add(PARTS_DECIMALS);
        let (down, up) = if self.mantissa == 0 {
            (0, 0)
        } else if let Ok(zeros) = u32::try_from(shift) {
            let exact = 10_i128.checked_pow(zeros)?.checked_mul(self.mantissa)?;
            (exact, exact)
        } else {
            match 10_i128.checked_pow(shift.unsigned_abs()) {
                Some(unit) => (floor(self.mantissa, unit), ceil(self.mantissa, unit)),
                // Finer than any unit that fits: next to nothing, on its side of zero.
                None => (self.mantissa.signum().min(0), self.mantissa.signum().max(0)),
            }
        };
        (down.abs() <= MAX_PARTS && up.abs() <= MAX_PARTS).then_some((down, up))
    }

    /// One unit of the last digit that was printed, in parts of 10^-18, rounded up. A zero with an
    /// exponent was exactly zero, or it would have shown another exponent.
    pub(super) fn quantum(self) -> Option<i128> {
        if self.mantissa == 0 && self.scientific {
            return Some(0);
        }
        let unit = Self {
            mantissa: 1,
            ..self
        };
        unit.parts().map(|(_, up)| up)
    }

    /// What printing it rounded away, half of its last digit: rounded up, and never less than a
    /// nanosecond, the unit of all stamps here.
    pub(super) fn half_a_digit(self) -> Option<TimeDelta> {
        let half = nanos_up(ceil(self.quantum()?, 2))?;
        Some(half.max(TimeDelta::NANOSECOND))
    }

    /// What it is at most, rounded up to whole nanoseconds, with the half of a last digit that was
    /// rounded away. None for a number below zero: this is for sizes.
    pub(super) fn at_most(self) -> Option<TimeDelta> {
        let (_, up) = self.parts().filter(|_| !self.is_negative())?;
        to_nanos(ceil(2 * up + self.quantum()?, 2 * PARTS_PER_NANO))
    }

    /// log2 of the number, rounded up: the smallest power of two that is not below it by more than
    /// what printing it rounded away. For precisions, which are powers of two.
    pub(super) fn log2_up(self) -> Option<i8> {
        let (_, up) = self.parts()?;
        (i8::MIN..=i8::MAX).find(|power| {
            let whole = match u32::try_from(*power) {
                Ok(power) => 1_i128
                    .checked_shl(power)
                    .and_then(|n| n.checked_mul(PARTS_PER_SEC)),
                Err(_) => Some(PARTS_PER_SEC >> u32::from(power.unsigned_abs()).min(127)),
            };
            // Half a per mille: six digits, or at worst four, were printed.
            whole.is_none_or(|n| n.saturating_add(n / 2_000) >= up)
        })
    }
}

/// The exponent behind an `e`.
fn exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let digit = |b: &u8| b.is_ascii_digit().then(|| i32::from(b - b'0'));
    let append = |n: i32, b: &u8| Some((n * 10 + digit(b)?).min(MAX_EXPONENT));
    let size = (!digits.is_empty()).then_some(0)?;
    let size = digits.iter().try_fold(size, append)?;
    Some(if negative { -size } else { size })
}

fn floor(parts: i128, unit: i128) -> i128 {
    parts.div_euclid(unit)
}

fn ceil(parts: i128, unit: i128) -> i128 {
    -(-parts).div_euclid(unit)
}

/// To nearest, ties to even.
fn nearest(parts: i128, unit: i128) -> i128 {
    let (down, rest) = (floor(parts, unit), parts.rem_euclid(unit));
    down + match rest.cmp(&(unit - rest)) {
        Ordering::Less => 0,
        Ordering::Equal => down.rem_euclid(2),
        Ordering::Greater => 1,
    }
}

fn to_nanos(nanos: i128) -> Option<TimeDelta> {
    i64::try_from(nanos).ok().map(TimeDelta::from_nanos)
}

/// Parts as nanoseconds, rounded down.
pub(super) fn nanos_down(parts: i128) -> Option<TimeDelta> {
    to_nanos(floor(parts, PARTS_PER_NANO))
}

/// Parts as nanoseconds, rounded up.
pub(super) fn nanos_up(parts: i128) -> Option<TimeDelta> {
    to_nanos(ceil(parts, PARTS_PER_NANO))
}

/// Parts as nanoseconds, to nearest, ties to even.
pub(super) fn nanos_nearest(parts: i128) -> Option<TimeDelta> {
    to_nanos(nearest(parts, PARTS_PER_NANO))
}

/// What an offset and a delay say of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Halves {
    /// U = offset + delay / 2, rounded up.
    pub(super) upper: TimeDelta,
    /// L = offset - delay / 2, rounded down.
    pub(super) lower: TimeDelta,
    /// What U and L may be off by: half of the last digit of each number, and `dispersion` as often as
    /// was asked for.
    pub(super) error: TimeDelta,
}

impl Halves {
    /// None where a number is larger than 64-bit nanoseconds hold, or the dispersion below zero.
    pub(super) fn of(
        offset: Decimal,
        delay: Decimal,
        dispersion: Decimal,
        times: u8,
    ) -> Option<Self> {
        let (offset_down, offset_up) = offset.parts()?;
        let (_, delay_up) = delay.parts()?;
        let (_, dispersion_up) = dispersion.parts().filter(|_| !dispersion.is_negative())?;
        // In quarters: half a digit of the offset, half of half a digit of the delay.
        let spread = 2 * dispersion_up + dispersion.quantum()?;
        let error = (2 * offset.quantum()? + delay.quantum()?)
            .checked_add(spread.checked_mul(2 * i128::from(times))?)?;
        Some(Self {
            upper: to_nanos(ceil(2 * offset_up + delay_up, 2 * PARTS_PER_NANO))?,
            lower: to_nanos(floor(2 * offset_down - delay_up, 2 * PARTS_PER_NANO))?,
            error: to_nanos(ceil(error, 4 * PARTS_PER_NANO))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).expect(text)
    }

    fn ns(nanos: i64) -> TimeDelta {
        TimeDelta::from_nanos(nanos)
    }

    #[test]
    fn numbers_are_read_with_their_last_digit() {
        for (text, mantissa, exponent) in [
            ("0", 0, 0),
            ("-12.5", -125, -1),
            ("+.5", 5, -1),
            ("7.", 7, 0),
            ("1.234e-06", 1234, -9),
            ("-4.966E-03", -4966, -6),
            ("5.000e+01", 5000, -2),
            ("000000000000000000000000000000000000.250", 250, -3),
            (
                "3878842881.1663661003",
                38_788_428_811_663_661_003_i128,
                -10,
            ),
            ("1234567890123456789", 1_234_567_890_123_456_789, 0),
            ("12345678901234567890", 12_345_678_901_234_567_890, 0),
            ("9999999999999999999.9", 99_999_999_999_999_999_999, -1),
            (
                "10000000000000000000000000000.7",
                100_000_000_000_000_000_000_000_000_007,
                -1,
            ),
            ("1e99999999999999999999", 1, MAX_EXPONENT),
            ("1e-99999999999999999999", 1, -MAX_EXPONENT),
        ] {
            let read = decimal(text);
            assert_eq!(
                (read.mantissa, read.exponent),
                (mantissa, exponent),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [
            "",
            "-",
            "+",
            ".",
            "-.",
            "e5",
            "1e",
            "1e+",
            "1e5.0",
            "1.2.3",
            "--1",
            "0x10",
            "nan",
            "-nan",
            "inf",
            "1,5",
            "1 ",
            "\u{661}",
            "1e5e5",
            "1e0x",
            // 31 digits.
            "1234567890123456789012345678901",
        ] {
            assert_eq!(Decimal::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Decimal::parse(b"1\xe9"), None);
        assert_eq!(
            Decimal::parse(&[b'0'; 100_000]).map(|d| d.mantissa),
            Some(0)
        );
    }

    #[test]
    fn amounts_are_rounded_outward_and_absurd_ones_refused() {
        assert_eq!(
            decimal("1.5e-9").parts(),
            Some((1_500_000_000, 1_500_000_000))
        );
        assert_eq!(decimal("-1.5e-18").parts(), Some((-2, -1)));
        assert_eq!(decimal("1e-400").parts(), Some((0, 1)));
        assert_eq!(decimal("-1e-9999").parts(), Some((-1, 0)));
        assert_eq!(decimal("0e9999").parts(), Some((0, 0)));
        assert_eq!(decimal("1e19").parts().map(|p| p.0), Some(MAX_PARTS));
        for absurd in ["1e20", "-1e20", "1e9999", "123456789012345678901234567890"] {
            assert_eq!(decimal(absurd).parts(), None, "{absurd}");
        }
    }

    #[test]
    fn the_quantum_is_one_unit_of_the_last_digit() {
        assert_eq!(
            decimal("5.000e-02").quantum(),
            Some(PARTS_PER_SEC / 100_000)
        );
        assert_eq!(decimal("0.050037213").quantum(), Some(PARTS_PER_NANO));
        assert_eq!(decimal("0.000000000").quantum(), Some(PARTS_PER_NANO));
        assert_eq!(decimal("0.000e+00").quantum(), Some(0));
        assert_eq!(decimal("-0.000e+00").quantum(), Some(0));
        assert_eq!(decimal("1e-300").quantum(), Some(1));
        assert_eq!(decimal("0").quantum(), Some(PARTS_PER_SEC));
        for (text, nanos) in [("5.000e-02", 5_000), ("0.050037213", 1), ("0.000e+00", 1)] {
            assert_eq!(decimal(text).half_a_digit(), Some(ns(nanos)), "{text}");
        }
        // 15.26 us, printed with a quantum of 10 ns: at most 15.265 us.
        assert_eq!(decimal("1.526e-05").at_most(), Some(ns(15_265)));
    }

    #[test]
    fn nearest_has_ties_to_even() {
        let half = PARTS_PER_NANO / 2;
        for (parts, nanos) in [
            (half, 0),
            (3 * half, 2),
            (5 * half, 2),
            (-half, 0),
            (-3 * half, -2),
            (half + 1, 1),
            (-half - 1, -1),
        ] {
            assert_eq!(nanos_nearest(parts), Some(ns(nanos)), "{parts}");
        }
        assert_eq!(
            nanos_nearest(i128::from(i64::MAX) * PARTS_PER_NANO + half),
            None
        );
    }

    /// By hand: offset 50 ms in steps of 10 us, delay 8.562 us in steps of 1 ns, dispersion 176.4 ns
    /// in steps of 0.1 ns.
    #[test]
    fn halves_are_rounded_outward_and_carry_what_was_not_printed() {
        let halves = Halves::of(
            decimal("5.000e-02"),
            decimal("8.562e-06"),
            decimal("1.764e-07"),
            1,
        );
        let expected = Halves {
            upper: ns(50_004_281),
            lower: ns(49_995_719),
            // 5 us + 0.25 ns + 176.4 ns + 0.05 ns = 5176.7 ns.
            error: ns(5_177),
        };
        assert_eq!(halves, Some(expected));
        let halves = Halves::of(decimal("-1e-9"), decimal("3e-9"), decimal("0e0"), 1);
        assert_eq!(halves.map(|h| (h.upper, h.lower)), Some((ns(1), ns(-3))));
        let below_zero = decimal("-.937520771");
        assert_eq!(below_zero.at_most(), None);
        assert_eq!(
            Halves::of(decimal("1e-3"), decimal("1e-3"), below_zero, 2),
            None
        );
        let (much, little) = (decimal("1e11"), decimal("1e-9"));
        assert_eq!(Halves::of(much, little, little, 1), None);
        assert_eq!(Halves::of(little, much, little, 1), None);
        assert_eq!(Halves::of(little, little, much, 1), None);
        assert_eq!(Halves::of(little, little, decimal("1e19"), 255), None);
    }

    #[test]
    fn precisions_are_powers_of_two() {
        for (text, power) in [
            ("0.0000038147", -18),
            ("0.0000019074", -19),
            ("9.53674E-7", -20),
            ("9.537e-7", -20),
            ("2.98023e-08", -25),
            ("1", 0),
            ("0.0001", -13),
            ("2147483648", 31),
            ("0", -128),
        ] {
            assert_eq!(decimal(text).log2_up(), Some(power), "{text}");
        }
        assert_eq!(decimal("1e20").log2_up(), None);
    }

    proptest! {
        /// Whatever the true offset, delay and dispersion are, and however few digits are printed of
        /// them, the interval that was proven before they were printed is inside the one read.
        #[test]
        fn printing_never_loses_the_truth(
            offset in -1e3..1e3_f64, delay in 0.0..10.0_f64, dispersion in 0.0..1.0_f64,
            digits in 0usize..8,
        ) {
            let print = |x: f64| decimal(&format!("{x:.digits$e}"));
            let halves = Halves::of(print(offset), print(delay), print(dispersion), 1).unwrap();
            let nanos = |delta: TimeDelta| delta.as_secs_f64() * 1e9;
            let upper = (offset + delay / 2.0 + dispersion) * 1e9;
            let lower = (offset - delay / 2.0 - dispersion) * 1e9;
            // What doubles lose of a thousand seconds in nanoseconds.
            let slack = 1e-3;
            prop_assert!(nanos(halves.upper) + nanos(halves.error) >= upper - slack);
            prop_assert!(nanos(halves.lower) - nanos(halves.error) <= lower + slack);
        }

        #[test]
        fn any_bytes_are_a_number_or_not(text: Vec<u8>) {
            if let Some(read) = Decimal::parse(&text) {
                let _ = (read.parts(), read.quantum(), read.at_most(), read.log2_up());
            }
        }

        #[test]
        fn printed_nanoseconds_come_back(nanos in -1_000_000_000_000i64..1_000_000_000_000) {
            let sign = if nanos < 0 { "-" } else { "" };
            let size = nanos.unsigned_abs();
            let text = format!("{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000);
            let (down, up) = decimal(&text).parts().unwrap();
            prop_assert_eq!(nanos_down(down), Some(ns(nanos)));
            prop_assert_eq!(nanos_up(up), Some(ns(nanos)));
            prop_assert_eq!(nanos_nearest(down), Some(ns(nanos)));
        }
    }
}
