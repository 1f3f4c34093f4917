//! A terminal page of 80 columns: colour, line breaks, what a terminal can show.

use std::io::{self, Write};

/// Columns of a page: what a terminal has by default, and a ticket shows without wrapping.
pub(super) const WIDTH: usize = 80;

/// How a page may look. Who calls decides: nothing here asks a terminal or the environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to write ANSI colour sequences.
    pub colour: bool,
    /// Whether to write characters beyond ASCII; without, they are escaped.
    pub unicode: bool,
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Plain,
    Title,
    Warning,
}

/// Writes lines in a style.
pub(super) struct Page<'a, W> {
    out: &'a mut W,
    style: Style,
}

impl<'a, W: Write> Page<'a, W> {
    pub(super) fn new(out: &'a mut W, style: Style) -> Self {
        Self { out, style }
    }

    pub(super) fn unicode(&self) -> bool {
        self.style.unicode
    }

    /// One line as it is; trailing spaces go.
    pub(super) fn line(&mut self, ink: Ink, text: &str) -> io::Result<()> {
        let shown = if self.style.unicode {
            text.trim_end().to_owned()
        } else {
            ascii(text.trim_end())
        };
        let sequence = match ink {
            _ if !self.style.colour => None,
            Ink::Plain => None,
            Ink::Title => Some("\x1b[1m"),
            Ink::Warning => Some("\x1b[33m"),
        };
        match sequence {
            Some(start) => writeln!(self.out, "{start}{shown}\x1b[0m"),
            None => writeln!(self.out, "{shown}"),
        }
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A paragraph after `lead`, broken at spaces; further lines are indented by `indent`.
    pub(super) fn paragraph(
        &mut self,
        ink: Ink,
        lead: &str,
        indent: usize,
        text: &str,
    ) -> io::Result<()> {
        let text = if self.style.unicode {
            text.to_owned()
        } else {
            ascii(text)
        };
        let mut line = lead.to_owned();
        let mut empty = true;
        for word in pieces(&text, WIDTH - indent) {
            let needed = line.chars().count() + usize::from(!empty) + word.chars().count();
            // After a lead that is longer than the indent a whole line has no room.
            let is_begun = !empty || line.chars().count() > indent;
            if is_begun && needed > WIDTH {
                self.line(ink, &line)?;
                line = " ".repeat(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(&word);
            empty = false;
        }
        self.line(ink, &line)
    }
}

/// Units that stay with the number before them.
const UNITS: [&str; 8] = ["ns", "us", "ms", "s", "d", "%", "ppm", "ppb"];

/// Words, numbers with their units, and those too long for a line cut up.
fn pieces(text: &str, longest: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let bare = word.trim_end_matches([',', ';', ':', ')']);
        match words.last_mut() {
            Some(number)
                if UNITS.contains(&bare) && number.ends_with(|c: char| c.is_ascii_digit()) =>
            {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    let cut = |word: String| -> Vec<String> {
        let chars: Vec<char> = word.chars().collect();
        chars
            .chunks(longest.max(1))
            .map(|c| c.iter().collect())
            .collect()
    };
    words.into_iter().flat_map(cut).collect()
}

fn ascii(text: &str) -> String {
    let show = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.escape_unicode().to_string(),
    };
    text.chars().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(style: Style, write: impl Fn(&mut Page<'_, Vec<u8>>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Page::new(&mut out, style)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_line_of_a_paragraph_is_longer_than_the_page() {
        let long = format!("{} some words {}", "x".repeat(300), "and more ".repeat(30));
        let text = page(Style::default(), |p| {
            p.paragraph(Ink::Plain, "! ", 2, &long)
        });
        assert!(text.lines().count() > 5);
        assert!(text.lines().all(|l| l.len() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|l| l.starts_with("  ")));
        assert_eq!(text.matches('x').count(), 300);
        let text = page(Style::default(), |p| {
            p.paragraph(Ink::Plain, "  a longer lead: ", 4, &"x".repeat(76))
        });
        assert_eq!(text, format!("  a longer lead:\n    {}\n", "x".repeat(76)));
    }

    #[test]
    fn a_number_keeps_its_unit() {
        let text = format!("{} +31.91 us, then more", "w".repeat(72));
        let text = page(Style::default(), |p| p.paragraph(Ink::Plain, "", 0, &text));
        assert_eq!(text.lines().nth(1), Some("+31.91 us, then more"));
    }

    #[test]
    fn colour_and_unicode_only_where_asked() {
        let colour = Style {
            colour: true,
            unicode: true,
        };
        assert_eq!(
            page(colour, |p| p.line(Ink::Title, "\u{b5} ")),
            "\x1b[1m\u{b5}\x1b[0m\n"
        );
        assert_eq!(
            page(Style::default(), |p| p.line(Ink::Title, "\u{b5}")),
            "\\u{b5}\n"
        );
    }
}
