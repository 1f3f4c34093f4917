//! Text from outside (names, errors, host facts) made safe to show.

use std::fmt::Write as _;

/// The longest text from outside that a report repeats, in characters: beyond it nobody reads, and a
/// hostile name must not fill a terminal.
const LONGEST: usize = 400;

/// The longest one that says what a whole recording means.
const LONGEST_PARAGRAPH: usize = 4_000;

/// `text` with everything that could steer a terminal or deceive a reader written out as
/// `\u{...}`: control characters of both blocks, and the marks that reverse or hide text.
///
/// ```
/// assert_eq!(clockfit::report::escaped("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
/// ```
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// `text` [`escaped`], and cut off where it is too long to be meant for reading.
pub(super) fn clean(text: &str) -> String {
    cut(text, LONGEST)
}

/// The same for a text that may take a paragraph.
pub(super) fn clean_paragraph(text: &str) -> String {
    cut(text, LONGEST_PARAGRAPH)
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => escaped(text.get(..end).unwrap_or(text)) + "...",
        None => escaped(text),
    }
}

/// Format characters of Unicode that print nothing: joiners, marks of direction, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_steers_a_terminal() {
        assert_eq!(clean("plain-name.example"), "plain-name.example");
        assert_eq!(clean("a\x1b[2Jb\r\n"), "a\\u{1b}[2Jb\\u{d}\\u{a}");
        assert_eq!(clean("\u{9b}31m\u{202e}"), "\\u{9b}31m\\u{202e}");
        let long = "x".repeat(10_000);
        assert_eq!(clean(&long).len(), LONGEST + 3);
        assert_eq!(clean_paragraph(&long).len(), LONGEST_PARAGRAPH + 3);
    }
}
