//! [`ImportError`]: why nothing came of a foreign recording, and [`Trouble`]: where and why a piece of
//! it cannot be used.

use std::borrow::Cow;
use std::fmt;
use std::io;

use super::Format;

/// Why a foreign recording could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Reading failed.
    #[error("cannot read {name}: {error}")]
    Read {
        /// The file.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// The file holds nothing but banners, comments and blank lines.
    #[error("{name} holds no measurement: it was taken for {format}, and no line is one of it")]
    Nothing {
        /// The file.
        name: String,
        /// What it was taken for.
        format: Format,
    },
    /// Nothing in the file can be used.
    #[error(
        "nothing in {name} can be read as {format}; the first that cannot is at line {line}, {trouble}; \
         give a whole file as the program wrote it"
    )]
    Unusable {
        /// The file.
        name: String,
        /// What it was taken for.
        format: Format,
        /// Number of the line, counted from 1.
        line: u64,
        /// What is wrong with it.
        trouble: Trouble,
    },
    /// A file of numbers holds none.
    #[error("{name} holds no number; give a file with one number a line, or with columns of them")]
    NoNumber {
        /// The file.
        name: String,
    },
    /// A value in a column of numbers is none. One left out would move all that follow it.
    #[error(
        "line {line} of {name} cannot be used, {trouble}; correct it, or write `nan` in its place to \
         leave a gap"
    )]
    BadValue {
        /// The file.
        name: String,
        /// Number of the line, counted from 1.
        line: u64,
        /// What is wrong with it.
        trouble: Trouble,
    },
    /// The largest and the finest number of a column do not fit into one unit.
    #[error(
        "line {line} of {name} is too much: the column has numbers of {decimals} decimals, and in that \
         unit this value does not fit into 64 bits; take a constant off all of them{}",
        rounding(*fitting)
    )]
    TooWide {
        /// The file.
        name: String,
        /// Number of the line at which they no longer fit, counted from 1.
        line: u64,
        /// Decimals of the finest number.
        decimals: i32,
        /// The most decimals in which the largest value seen fits.
        fitting: i32,
    },
}

/// The other way out, where there is one.
fn rounding(decimals: i32) -> String {
    match decimals {
        0.. => format!(", or round them to {decimals} decimals (--decimals {decimals})"),
        _ => String::new(),
    }
}

/// What is wrong with a piece of a file, and where in its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Byte of the line, counted from 1.
    pub column: usize,
    /// What should be there.
    pub expected: Cow<'static, str>,
    /// What is there, cut to a few characters.
    pub found: String,
}

/// Characters of what was found that are shown.
const SHOWN_CHARS: usize = 40;

impl Trouble {
    pub(super) fn new(column: usize, expected: impl Into<Cow<'static, str>>, found: &[u8]) -> Self {
        // A character may have four bytes; more is not looked at.
        let head = found.get(..4 * SHOWN_CHARS).unwrap_or(found);
        let shown = String::from_utf8_lossy(head);
        let found = match shown.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("{}...", shown.get(..end).unwrap_or(&shown)),
            None => shown.into_owned(),
        };
        Self {
            column,
            expected: expected.into(),
            found,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "column {}: expected {}, found ",
            self.column, self.expected
        )?;
        if self.found.is_empty() {
            f.write_str("nothing")
        } else {
            // Escaped, so that no file moves a terminal's cursor.
            write!(f, "\"{}\"", self.found.escape_debug())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_short_and_harmless() {
        let trouble = Trouble::new(7, "a number", b"\x1b[2J\xe9\0");
        let said = "column 7: expected a number, found \"\\u{1b}[2J\u{fffd}\\0\"";
        assert_eq!(trouble.to_string(), said);
        let nothing = Trouble::new(9, "a date", b"");
        assert_eq!(
            nothing.to_string(),
            "column 9: expected a date, found nothing"
        );
        let long = Trouble::new(1, "a date", "\u{fc}".repeat(100_000).as_bytes());
        assert_eq!(long.found, format!("{}...", "\u{fc}".repeat(SHOWN_CHARS)));
    }
}
