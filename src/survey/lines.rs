//! [`lines`]: text files of others, line by line, whatever is in them.

use std::borrow::Cow;

/// Bytes of a line that are looked at; no program writes longer ones about a time server.
const LONGEST: usize = 4_096;
/// Lines of a file that are looked at.
const MOST: usize = 50_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub number: u32,
    /// Without its end and without white space around it; what is no UTF-8 is replaced.
    pub text: Cow<'a, str>,
}

/// The lines of a file. Of one that is longer than 4096 bytes the beginning is given.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let numbered = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    numbered.take(MOST).map(|(number, line)| Line {
        number,
        text: String::from_utf8_lossy(line.get(..LONGEST).unwrap_or(line).trim_ascii()),
    })
}

/// What stands between white space, until a comment that `is_comment` begins.
pub(super) fn words(text: &str, is_comment: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut words = text.split_whitespace();
    std::iter::from_fn(move || words.next().filter(|word| !word.starts_with(&is_comment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_have_lines() {
        let found: Vec<_> = lines(b"a\r\n\n  b\xfc c \n")
            .map(|line| line.text.into_owned())
            .collect();
        assert_eq!(found, ["a", "", "b\u{fffd} c", ""]);
        let long = vec![b'x'; 1 << 20];
        assert_eq!(lines(&long).next().unwrap().text.len(), LONGEST);
        assert_eq!(lines(&vec![b'\n'; 1 << 20]).count(), MOST);
        assert_eq!(lines(b"").map(|line| line.number).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn comments_end_a_line() {
        let found: Vec<_> = words("server a  iburst # b c", |c| c == '#').collect();
        assert_eq!(found, ["server", "a", "iburst"]);
        assert_eq!(words("  ", |_| false).count(), 0);
    }
}
