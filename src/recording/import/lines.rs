//! Lines of a file as columns, and what could not be used of them.

use std::io::{self, BufRead, Read};

use super::error::Trouble;
use super::number::Decimal;
use super::output::Output;
use crate::recording::ReadReport;

/// The longest line that is read, as in a recording of our own. The longest of any log has some 300
/// bytes.
pub(super) const MAX_LINE_BYTES: usize = 1024 * 1024;
/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Kinds of useless pieces that are counted by name; a file can hold any number of them.
const MAX_KINDS: usize = 32;
/// Letters of such a kind that are kept.
const MAX_KIND_CHARS: usize = 32;

/// What [`Lines::advance`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// The end of the input.
    Nothing,
    /// A line that ends in a newline.
    Whole,
    /// Bytes up to the end of the input, without a newline.
    Torn,
    /// A line beyond [`MAX_LINE_BYTES`]; it was passed over.
    TooLong,
}

/// A file line by line, in the memory of one line.
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    /// Lines so far, the current one included.
    pub(super) number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            number: 0,
        }
    }

    /// Goes on to the next line.
    pub(super) fn advance(&mut self) -> io::Result<Got> {
        self.line.clear();
        let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX) + 1;
        let mut limited = self.input.by_ref().take(limit);
        let read = limited.read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(Got::Nothing);
        }
        self.number += 1;
        if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            Ok(Got::Whole)
        } else if read <= MAX_LINE_BYTES {
            Ok(Got::Torn)
        } else {
            self.input.skip_until(b'\n')?;
            Ok(Got::TooLong)
        }
    }

    /// The current line, without its newline.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }
}

/// Columns of one line, separated by white space.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    line: &'a [u8],
    /// Where the next is looked for.
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// How many are left.
    pub(super) fn count_left(self) -> usize {
        self.count()
    }

    /// The next one; an empty one behind the last.
    pub(super) fn field(&mut self) -> Field<'a> {
        let end = Field {
            text: b"",
            column: self.line.len() + 1,
        };
        self.next().unwrap_or(end)
    }

    /// Passes over `n` of them.
    pub(super) fn pass(&mut self, n: usize) {
        for _ in 0..n {
            self.field();
        }
    }

    /// Trouble with the line as a whole, at what comes next.
    pub(super) fn trouble(mut self, expected: &'static str) -> Trouble {
        self.field().trouble(expected)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let rest = self.line.get(self.at..)?;
        let start = self.at + rest.iter().position(|b| !b.is_ascii_whitespace())?;
        let rest = self.line.get(start..)?;
        let len = rest.iter().position(u8::is_ascii_whitespace);
        let text = rest.get(..len.unwrap_or(rest.len()))?;
        self.at = start + text.len();
        Some(Field {
            text,
            column: start + 1,
        })
    }
}

/// One column of one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) text: &'a [u8],
    /// Its first byte in the line, counted from 1.
    pub(super) column: usize,
}

impl<'a> Field<'a> {
    pub(super) fn trouble(self, expected: &'static str) -> Trouble {
        Trouble::new(self.column, expected, self.text)
    }

    /// The value that `read` finds in it.
    pub(super) fn read<T>(
        self,
        expected: &'static str,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, Trouble> {
        read(self.text).ok_or_else(|| self.trouble(expected))
    }

    pub(super) fn decimal(self, expected: &'static str) -> Result<Decimal, Trouble> {
        self.read(expected, Decimal::parse)
    }

    /// A whole number in decimal digits.
    pub(super) fn whole<T: std::str::FromStr>(self, expected: &'static str) -> Result<T, Trouble> {
        self.read(expected, |text| {
            std::str::from_utf8(text).ok()?.parse().ok()
        })
    }

    /// Hexadecimal digits.
    pub(super) fn hexadecimal(self, expected: &'static str) -> Result<u32, Trouble> {
        self.read(expected, |text| {
            let digits = text.iter().all(u8::is_ascii_hexdigit);
            let text = std::str::from_utf8(text).ok().filter(|_| digits)?;
            u32::from_str_radix(text, 16).ok()
        })
    }

    /// A name: an address, a reference clock. At most 255 bytes of visible ASCII, as host names have.
    pub(super) fn name(self, expected: &'static str) -> Result<&'a str, Trouble> {
        self.read(expected, |text| {
            let fits = (1..=255).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
            std::str::from_utf8(text).ok().filter(|_| fits)
        })
    }
}

/// One format whose lines each tell one thing.
pub(super) trait LineFormat {
    /// Hands what `fields` tell to `out`, all or nothing.
    fn take(&mut self, fields: Fields<'_>, out: &mut Output) -> Result<(), Trouble>;

    /// What its numbers mean, in words for people.
    fn meaning(&self) -> String;
}

/// Whether a line is no measurement by itself: blank, or part of the banner that chronyd repeats.
pub(super) fn is_decoration(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text.is_empty() || text.starts_with(b"=====") || text.starts_with(b"Date (UTC) Time")
}

/// Lines that may be cut off at the start of a file, or be of another kind, before it is taken for
/// something else.
const LINES_JUDGED: usize = 8;

/// Whether one of the first lines is `format`'s.
pub(super) fn any_line_fits(start: &[u8], mut format: impl LineFormat) -> bool {
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    let mut out = Output::default();
    start
        .split_inclusive(|b| *b == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .filter(|line| !is_decoration(line))
        .take(LINES_JUDGED)
        .any(|line| format.take(Fields::of(line), &mut out).is_ok())
}

/// Something to be read piece by piece.
pub(super) trait Pieces {
    /// Reads one piece of the file and hands what it tells to `out`; false where there is none left.
    fn advance(&mut self, out: &mut Output, account: &mut Account) -> io::Result<bool>;

    /// What its numbers mean, in words for people.
    fn meaning(&self) -> String;
}

/// What was read, and what of it could not be used.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) report: ReadReport,
    /// The first piece that could not be used: its line, and why.
    pub(super) first: Option<(u64, Trouble)>,
}

impl Account {
    pub(super) fn count(&mut self, line: u64, trouble: Trouble) {
        self.report.unreadable.count += 1;
        if self.first.is_none() {
            self.report.unreadable.first = Some((line, trouble.to_string()));
            self.first = Some((line, trouble));
        }
    }

    /// Takes note of a last piece that was cut off.
    pub(super) fn tear(&mut self) {
        self.report.torn_last_line = true;
    }

    /// Counts something that is well formed and of no use here.
    pub(super) fn pass_over(&mut self, kind: &str) {
        let kinds = &mut self.report.unknown_kinds;
        let shown: String = kind.chars().take(MAX_KIND_CHARS).collect();
        let known = kinds.len() < MAX_KINDS || kinds.contains_key(&shown);
        let kind = if known { shown } else { "(others)".to_owned() };
        *kinds.entry(kind).or_default() += 1;
    }
}

/// A file of a [`LineFormat`].
pub(super) struct LinePieces<R, F> {
    lines: Lines<R>,
    format: F,
}

impl<R: BufRead, F: LineFormat> LinePieces<R, F> {
    pub(super) fn new(input: R, format: F) -> Self {
        let lines = Lines::new(input);
        Self { lines, format }
    }
}

impl<R: BufRead, F: LineFormat> Pieces for LinePieces<R, F> {
    fn advance(&mut self, out: &mut Output, account: &mut Account) -> io::Result<bool> {
        let got = self.lines.advance()?;
        let number = self.lines.number;
        account.report.lines = number;
        let fields = Fields::of(self.lines.line());
        match got {
            Got::Nothing => return Ok(false),
            // It may have lost digits of its last number and still look whole.
            Got::Torn if is_decoration(self.lines.line()) => {}
            Got::Torn => account.tear(),
            Got::TooLong => account.count(number, fields.trouble("a line below 1 MiB")),
            Got::Whole if is_decoration(self.lines.line()) => {}
            Got::Whole => {
                if let Err(trouble) = self.format.take(fields, out) {
                    account.count(number, trouble);
                }
            }
        }
        Ok(true)
    }

    fn meaning(&self) -> String {
        self.format.meaning()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<(Got, Vec<u8>)> {
        let mut lines = Lines::new(bytes);
        let mut found = Vec::new();
        loop {
            match lines.advance().unwrap() {
                Got::Nothing => return found,
                got => found.push((got, lines.line().to_vec())),
            }
        }
    }

    #[test]
    fn lines_end_where_they_end() {
        let line = |got, text: &str| (got, text.as_bytes().to_vec());
        assert_eq!(all(b""), []);
        assert_eq!(
            all(b"\xef\xbb\xbfa\r\n\nb"),
            [
                line(Got::Whole, "a\r"),
                line(Got::Whole, ""),
                line(Got::Torn, "b")
            ]
        );
        // The mark counts as such only at the very start.
        assert_eq!(all(b"a\n\xef\xbb\xbf\n").last().unwrap().1, BYTE_ORDER_MARK);
    }

    #[test]
    fn a_long_line_is_passed_over_in_the_memory_of_its_limit() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES];
        bytes.push(b'\n');
        assert_eq!(all(&bytes)[0].0, Got::Whole);
        let mut bytes = vec![b'x'; 5 * MAX_LINE_BYTES];
        bytes.extend_from_slice(b"\nnext\n");
        let found = all(&bytes);
        assert_eq!(
            (found[0].0, found[0].1.len()),
            (Got::TooLong, MAX_LINE_BYTES + 1)
        );
        assert_eq!(found[1], (Got::Whole, b"next".to_vec()));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn fields_know_where_they_stand() {
        let mut fields = Fields::of(b"  one\ttwo  \r");
        assert_eq!(fields.count_left(), 2);
        let seen: Vec<_> = fields.by_ref().map(|f| (f.column, f.text)).collect();
        assert_eq!(seen, [(3, b"one".as_slice()), (7, b"two")]);
        let behind = fields.field();
        assert_eq!((behind.text, behind.column), (b"".as_slice(), 13));
        assert_eq!(Fields::of(b"a b").trouble("x").column, 1);
    }

    #[test]
    fn a_field_is_what_it_should_be_or_says_so() {
        let field = |text: &'static str| Fields::of(text.as_bytes()).field();
        assert_eq!(field("12").whole::<u8>("a stratum"), Ok(12));
        let trouble = field(" 256").whole::<u8>("a stratum").unwrap_err();
        assert_eq!(
            trouble.to_string(),
            "column 2: expected a stratum, found \"256\""
        );
        assert_eq!(field("2001:db8::1").name("an address"), Ok("2001:db8::1"));
        assert!(field("b\u{fc}ro").name("an address").is_err());
        assert!(field("").name("an address").is_err());
        let long = "x".repeat(256);
        assert!(Fields::of(long.as_bytes()).field().name("").is_err());
    }
}
