//! Plain columns of numbers, as programs for stability analysis read and write them: phases in seconds
//! or fractional frequencies, one at each equal step of time.
//!
//! A line holds one number, or several columns separated by white space, comma or semicolon, of which the
//! last counts. What starts with `#`, `%` or `;` is a comment; what stands before the first number and
//! starts with a letter or a quote is a header (Stable32's `File: ...`, the names of a CSV). `nan`, `-`
//! and an empty last column mark gaps, and so does an empty line between two numbers.
//!
//! Numbers are kept exactly: as whole multiples of the power of ten that the finest of them needs.
//!
//! ```
//! use clockfit::recording::import::columns::Column;
//!
//! let text = "# phase, s\n1.25e-9\nnan\n-3.5e-10\n";
//! let column = Column::read(text.as_bytes(), "phase.txt", None)?;
//! assert_eq!(column.exponent(), -11); // multiples of 10 ps
//! assert_eq!(column.iter().collect::<Vec<_>>(), [Some(125), None, Some(-35)]);
//! # Ok::<(), clockfit::recording::import::ImportError>(())
//! ```

use std::io::BufRead;

use super::error::{ImportError, Trouble};
use super::lines::{Got, Lines};
use super::number::Decimal;

const NUMBER: &str = "a number, or `nan` for a gap";

/// A column of numbers with gaps: 8 bytes a value, and as many a gap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    exponent: i32,
    /// Zero where a gap is.
    values: Vec<i64>,
    /// Places of the gaps, ascending.
    gaps: Vec<usize>,
}

impl Column {
    /// Reads a column. `name` is what errors call the input. With `decimals`, numbers are rounded to so
    /// many, to nearest, ties to even; without, they are kept as they are.
    ///
    /// # Errors
    /// The input cannot be read or holds no number, something in it is no number, or its largest and its
    /// finest number do not fit into 64 bits of one unit; which line it is, and what to do.
    pub fn read(
        input: impl BufRead,
        name: &str,
        decimals: Option<u8>,
    ) -> Result<Self, ImportError> {
        let mut lines = Lines::new(input);
        let mut column = Growing::new(decimals);
        loop {
            let got = lines.advance().map_err(|error| ImportError::Read {
                name: name.to_owned(),
                error,
            })?;
            let line = lines.line();
            let taken = match got {
                Got::Nothing => break,
                Got::TooLong => {
                    let trouble = Trouble::new(1, "a line below 1 MiB", line);
                    Err(Refused::Trouble(trouble))
                }
                Got::Whole | Got::Torn => column.take(line),
            };
            taken.map_err(|refused| refused.at(name, lines.number))?;
        }
        if column.column.values.is_empty() {
            let name = name.to_owned();
            return Err(ImportError::NoNumber { name });
        }
        Ok(column.column)
    }

    /// The power of ten whose multiples the values are: -12 where they are picoseconds.
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// How many values there are, gaps included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many of them are gaps.
    pub fn gaps(&self) -> usize {
        self.gaps.len()
    }

    /// Each value in turn, as multiples of 10^[`exponent`](Self::exponent); none where a gap is.
    pub fn iter(&self) -> impl Iterator<Item = Option<i64>> + '_ {
        let mut gaps = self.gaps.iter().copied().peekable();
        self.values.iter().enumerate().map(move |(place, value)| {
            let gap = gaps.next_if_eq(&place).is_some();
            (!gap).then_some(*value)
        })
    }
}

/// Why a line cannot be taken up.
enum Refused {
    Trouble(Trouble),
    /// It does not fit beside numbers of so many decimals; so many would.
    TooWide(i32, i32),
}

impl Refused {
    fn at(self, name: &str, line: u64) -> ImportError {
        let name = name.to_owned();
        match self {
            Self::Trouble(trouble) => ImportError::BadValue {
                name,
                line,
                trouble,
            },
            Self::TooWide(decimals, fitting) => ImportError::TooWide {
                name,
                line,
                decimals,
                fitting,
            },
        }
    }
}

/// What a line holds.
enum Last {
    Number(Decimal),
    Gap,
    /// Nothing: a gap, if numbers follow.
    Blank,
    /// A comment or a header.
    Aside,
}

/// A column that is being read.
struct Growing {
    column: Column,
    /// Blank lines since the last number.
    blanks: usize,
    /// The exponent that was asked for.
    fixed: Option<i32>,
    /// The size of the largest value.
    largest: u64,
}

impl Growing {
    fn new(decimals: Option<u8>) -> Self {
        Self {
            column: Column::default(),
            blanks: 0,
            fixed: decimals.map(|n| -i32::from(n)),
            largest: 0,
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Refused> {
        let last = last(line, self.column.is_empty()).map_err(Refused::Trouble)?;
        match last {
            Last::Aside => return Ok(()),
            Last::Blank => {
                // Those before the first number are layout.
                self.blanks += usize::from(!self.column.is_empty());
                return Ok(());
            }
            Last::Gap | Last::Number(_) => {
                for _ in 0..std::mem::take(&mut self.blanks) {
                    self.gap();
                }
            }
        }
        match last {
            Last::Number(number) => self.number(number),
            _ => {
                self.gap();
                Ok(())
            }
        }
    }

    fn gap(&mut self) {
        self.column.gaps.push(self.column.values.len());
        self.column.values.push(0);
    }

    fn number(&mut self, number: Decimal) -> Result<(), Refused> {
        let number = match self.fixed {
            Some(exponent) => number.rounded(exponent),
            None => number.shortest(),
        };
        let exponent = self.exponent_with(number);
        let value = number.multiple_of(exponent);
        let (Some(value), Some(())) = (value, self.refine(exponent)) else {
            return Err(self.too_wide(number, exponent));
        };
        self.largest = self.largest.max(value.unsigned_abs());
        self.column.values.push(value);
        Ok(())
    }

    /// The exponent that this number and those before it need. Zero needs none.
    fn exponent_with(&self, number: Decimal) -> i32 {
        match (self.fixed, self.largest) {
            (Some(exponent), _) => exponent,
            (None, 0) => number.exponent,
            (None, _) if number.mantissa == 0 => self.column.exponent,
            (None, _) => number.exponent.min(self.column.exponent),
        }
    }

    /// Makes all values multiples of a smaller power of ten; none where one does not fit then.
    fn refine(&mut self, exponent: i32) -> Option<()> {
        let before = self.column.exponent;
        if before != exponent && self.largest != 0 {
            let zeros = u32::try_from(i64::from(before) - i64::from(exponent)).ok()?;
            let factor = 10_i64.checked_pow(zeros)?;
            let largest = i64::try_from(self.largest).ok()?.checked_mul(factor)?;
            // All others are smaller.
            for value in &mut self.column.values {
                *value = value.checked_mul(factor)?;
            }
            self.largest = largest.unsigned_abs();
        }
        self.column.exponent = exponent;
        Some(())
    }

    /// How many decimals the largest number could have.
    fn too_wide(&self, number: Decimal, exponent: i32) -> Refused {
        let digits = |size: u128| i32::try_from(size.checked_ilog10().unwrap_or(0)).unwrap_or(0);
        let new = number
            .exponent
            .saturating_add(digits(number.mantissa.unsigned_abs()));
        let old = self
            .column
            .exponent
            .saturating_add(digits(self.largest.into()));
        let leading = if self.largest == 0 { new } else { new.max(old) };
        // All numbers of 18 digits fit.
        Refused::TooWide(exponent.saturating_neg(), 17_i32.saturating_sub(leading))
    }
}

/// The last column of a line; `heading` where no number was read yet.
fn last(line: &[u8], heading: bool) -> Result<Last, Trouble> {
    let text = line.trim_ascii();
    let Some(first) = text.first() else {
        return Ok(Last::Blank);
    };
    if matches!(first, b'#' | b'%' | b';') {
        return Ok(Last::Aside);
    }
    let separator = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b';');
    let named = first.is_ascii_alphabetic() && !text.split(separator).next().is_some_and(is_nan);
    if heading && (named || *first == b'"') {
        return Ok(Last::Aside);
    }
    let from = text.iter().rposition(separator).map_or(0, |at| at + 1);
    let field = text.get(from..).unwrap_or(text);
    if let Some(number) = Decimal::parse(field) {
        return Ok(Last::Number(number));
    }
    if field.is_empty() || field == b"-" || is_nan(field) {
        return Ok(Last::Gap);
    }
    let indent = line.len() - line.trim_ascii_start().len();
    Err(Trouble::new(indent + from + 1, NUMBER, field))
}

fn is_nan(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"nan")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Column, ImportError> {
        Column::read(text.as_bytes(), "x.txt", None)
    }

    fn values(text: &str) -> (i32, Vec<Option<i64>>) {
        let column = read(text).expect(text);
        (column.exponent(), column.iter().collect())
    }

    fn error(text: &str) -> String {
        read(text).expect_err(text).to_string()
    }

    #[test]
    fn files_as_programs_write_them() {
        let phase = include_str!("../../../tests/data/import/columns/phase.txt");
        let some = |v: [i64; 3]| v.map(Some).to_vec();
        let expected = [Some(125), Some(-35), None, None, Some(0), Some(750)];
        assert_eq!(values(phase), (-11, expected.to_vec()));
        let stable32 = include_str!("../../../tests/data/import/columns/stable32.dat");
        assert_eq!(values(stable32), (-11, some([0, 436, -1280])));
        let csv = include_str!("../../../tests/data/import/columns/two.csv");
        assert_eq!(values(csv), (-9, vec![Some(12), None, Some(-3)]));
        let numpy = "1.250000000000000000e-09\r\n-3.500000000000000000e-10\r\n";
        assert_eq!(values(numpy), (-11, vec![Some(125), Some(-35)]));
    }

    #[test]
    fn gaps_have_many_names_and_blank_lines_only_between_numbers() {
        let text = "\n\nNaN\n1\n\n\n-\n2;\n3 , \n4\n\n\n";
        // The first is a gap, and so are two blank lines, the dash and two empty last columns.
        let expected = [None, Some(1), None, None, None, None, None, Some(4)];
        let column = read(text).unwrap();
        assert_eq!(column.iter().collect::<Vec<_>>(), expected);
        assert_eq!(
            (column.len(), column.gaps(), column.is_empty()),
            (8, 6, false)
        );
    }

    #[test]
    fn the_unit_is_what_the_finest_number_needs() {
        assert_eq!(values("0\n5e3\n"), (3, vec![Some(0), Some(5)]));
        assert_eq!(
            values("5e3\n0.000\n2\n"),
            (0, vec![Some(5000), Some(0), Some(2)])
        );
        assert_eq!(values("0.1000\n0.25\n"), (-2, vec![Some(10), Some(25)]));
        assert_eq!(values("0\n-0.0\n"), (-1, vec![Some(0), Some(0)]));
        let most = "9223372036854775807\n-9223372036854775808\n";
        assert_eq!(values(most), (0, vec![Some(i64::MAX), Some(i64::MIN)]));
    }

    #[test]
    fn numbers_can_be_rounded() {
        let text = "1.25e-9\n-1.35e-9\n1e-400\n7\nnan\n1e3\n";
        let column = Column::read(text.as_bytes(), "x.txt", Some(10)).unwrap();
        let ten = 10_000_000_000;
        let expected = [
            Some(12),
            Some(-14),
            Some(0),
            Some(7 * ten),
            None,
            Some(1000 * ten),
        ];
        assert_eq!(column.exponent(), -10);
        assert_eq!(column.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_does_not_fit_says_what_would() {
        let said = "line 3 of x.txt is too much: the column has numbers of 20 decimals, and in that unit \
            this value does not fit into 64 bits; take a constant off all of them, or round them to 15 \
            decimals (--decimals 15)";
        assert_eq!(error("\n123.5\n1e-20\n"), said);
        // Fifteen do fit.
        let text = "\n123.5\n1e-20\n";
        let column = Column::read(text.as_bytes(), "x.txt", Some(15)).unwrap();
        assert_eq!(column.iter().next(), Some(Some(123_500_000_000_000_000)));
        assert!(error("1e-20\n123.5\n").contains("line 2 of x.txt is too much"));
        assert!(error("1e30\n1\n").contains("line 2 of x.txt is too much"));
        assert!(error("1e9999\n1\n").contains("too much"));
        assert!(error("1e-9999\n1\n").contains("round them to 17 decimals"));
        let column = Column::read("1e400\n".as_bytes(), "x.txt", Some(3));
        assert!(
            column
                .unwrap_err()
                .to_string()
                .contains("line 1 of x.txt is too much")
        );
    }

    #[test]
    fn what_is_no_number_is_named_with_its_place() {
        assert_eq!(
            error("# a\n1.5\n  2 x\n"),
            "line 3 of x.txt cannot be used, column 5: expected a number, or `nan` for a gap, found \"x\"; \
             correct it, or write `nan` in its place to leave a gap"
        );
        for text in [
            "1\ninf\n",
            "1\n0x10\n",
            "1\nName: 5 x\n",
            "inf 1 inf2\n1\n--1\n",
        ] {
            assert!(error(text).contains("expected a number"), "{text:?}");
        }
        let nothing =
            "x.txt holds no number; give a file with one number a line, or with columns of them";
        for text in ["", "\n\n", "# only\n% comments\n", "Words: only\n"] {
            assert_eq!(error(text), nothing, "{text:?}");
        }
        let binary = Column::read([0x1f, 0x8b, 8, 0, 0xff].as_slice(), "x.txt", None);
        assert!(
            binary
                .unwrap_err()
                .to_string()
                .contains("column 1: expected a number")
        );
        let long = format!("1\n{}\n", "2".repeat(3 << 20));
        assert!(
            error(&long)
                .contains("line 2 of x.txt cannot be used, column 1: expected a line below")
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_column_or_not(text: Vec<u8>, decimals: Option<u8>) {
            if let Ok(column) = Column::read(text.as_slice(), "x", decimals) {
                // No more values than lines.
                prop_assert!(column.len() <= text.len() + 1);
                prop_assert_eq!(column.iter().flatten().count() + column.gaps(), column.len());
            }
        }

        #[test]
        fn printed_columns_come_back(
            values in proptest::collection::vec(proptest::option::of(-1_000_000i64..1_000_000), 1..20),
            exponent in -30i32..30,
        ) {
            prop_assume!(values.iter().any(Option::is_some));
            let print = |v: &Option<i64>| v.map_or("nan".to_owned(), |v| format!("{v}e{exponent}"));
            let text: Vec<_> = values.iter().map(print).collect();
            let column = read(&text.join("\n")).unwrap();
            prop_assert!(column.exponent() >= exponent);
            let scale = 10_i64.pow(u32::try_from(column.exponent() - exponent).unwrap());
            let back: Vec<_> = column.iter().map(|v| v.map(|v| v * scale)).collect();
            prop_assert_eq!(back, values);
        }
    }
}
