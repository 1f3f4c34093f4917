//! Tables and lists of facts, as everyone can read them: with captions, heads and scopes.

use std::io;

use super::markup::Markup;

/// A column: its head, and whether it holds numbers.
pub(super) type Column<'a> = (&'a str, bool);

/// A word of more letters than this is broken, so that a name does not push numbers off the page.
const LONG_WORD: usize = 40;

/// A text of more letters than this takes several lines.
const LONG_TEXT: usize = 44;

/// How a cell looks.
fn looks(text: &str, is_number: bool) -> &'static str {
    let is_long = || {
        let mut words = text.split(' ');
        text.chars().count() > LONG_TEXT || words.any(|word| word.chars().count() > LONG_WORD)
    };
    match (is_number, is_long()) {
        (true, true) => "number long",
        (true, false) => "number",
        (false, true) => "long",
        (false, false) => "",
    }
}

/// A cell, or the head of a row or a column with this scope.
fn cell(
    m: &mut Markup<'_>,
    scope: Option<&'static str>,
    text: &str,
    is_number: bool,
) -> io::Result<()> {
    let class = Some(looks(text, is_number)).filter(|class| !class.is_empty());
    let tag = if scope.is_some() { "th" } else { "td" };
    let scope = scope.map(|scope| ("scope", scope));
    let class = class.map(|class| ("class", class));
    let attributes: Vec<_> = scope.into_iter().chain(class).collect();
    m.say(tag, &attributes, text)
}

/// A table; the first column names its rows. A narrow page scrolls the table, not itself.
pub(super) fn write(
    m: &mut Markup<'_>,
    caption: &str,
    columns: &[Column<'_>],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> io::Result<()> {
    let region = [
        ("class", "scroll"),
        ("tabindex", "0"),
        ("role", "region"),
        ("aria-label", caption),
    ];
    m.within("div", &region, |m| {
        m.within("table", &[], |m| {
            m.say("caption", &[], caption)?;
            m.within("thead", &[], |m| {
                m.within("tr", &[], |m| {
                    for (head, is_number) in columns {
                        cell(m, Some("col"), head, *is_number)?;
                    }
                    Ok(())
                })
            })?;
            m.within("tbody", &[], |m| {
                rows.into_iter().try_for_each(|row| line(m, columns, &row))
            })
        })
    })
}

fn line(m: &mut Markup<'_>, columns: &[Column<'_>], row: &[String]) -> io::Result<()> {
    m.within("tr", &[], |m| {
        let mut first = true;
        for (text, (_, is_number)) in row.iter().zip(columns) {
            match std::mem::take(&mut first) {
                true => cell(m, Some("row"), text, false)?,
                false => cell(m, None, text, *is_number)?,
            }
        }
        Ok(())
    })
}

/// A table behind a word that opens it.
pub(super) fn folded(
    m: &mut Markup<'_>,
    caption: &str,
    columns: &[Column<'_>],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> io::Result<()> {
    m.within("details", &[], |m| {
        m.say("summary", &[], &format!("Table: {caption}"))?;
        write(m, caption, columns, rows)
    })
}

/// Facts under their labels.
pub(super) fn facts<'a, T: AsRef<str> + 'a>(
    m: &mut Markup<'_>,
    all: impl IntoIterator<Item = &'a (&'static str, T)>,
) -> io::Result<()> {
    m.within("dl", &[], |m| {
        for (label, text) in all {
            m.say("dt", &[], label)?;
            m.say("dd", &[], text.as_ref())?;
        }
        Ok(())
    })
}
