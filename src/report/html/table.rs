//! Tables and lists of facts, as everyone can read them: with captions, heads and scopes.

use std::io;

use super::markup::Markup;

/// A column: its head, and whether it holds numbers.
pub(super) type Column<'a> = (&'a str, bool);

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
                        let looks = [("scope", "col"), ("class", "number")];
                        let looks = if *is_number { &looks[..] } else { &looks[..1] };
                        m.say("th", looks, head)?;
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
        for (cell, (_, is_number)) in row.iter().zip(columns) {
            match (std::mem::take(&mut first), is_number) {
                (true, _) => m.say("th", &[("scope", "row")], cell)?,
                (false, true) => m.say("td", &[("class", "number")], cell)?,
                (false, false) => m.say("td", &[], cell)?,
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
