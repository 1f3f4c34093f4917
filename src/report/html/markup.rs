//! [`Markup`]: the only way to write the page. Elements close what they open, and whatever is text is
//! escaped here, so that nothing from outside can become markup.

use std::io::{self, Write};

use super::super::clean::escaped;

/// An attribute: its name is part of this program, its value may be from anywhere.
pub(super) type Attribute<'a> = (&'static str, &'a str);

/// Elements without content.
const VOID: [&str; 2] = ["meta", "br"];

/// Elements within a line; after any other one a line ends.
const INLINE: [&str; 9] = [
    "a", "code", "dt", "i", "span", "strong", "th", "title", "td",
];

/// Writes elements.
pub(super) struct Markup<'a> {
    out: &'a mut dyn Write,
    /// How many names were given to elements.
    names: u32,
}

impl<'a> Markup<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, names: 0 }
    }

    /// An element, and what is in it.
    pub(super) fn within(
        &mut self,
        tag: &'static str,
        attributes: &[Attribute<'_>],
        fill: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        write!(self.out, "<{tag}")?;
        for (name, value) in attributes {
            write!(self.out, " {name}=\"")?;
            self.text(value)?;
            write!(self.out, "\"")?;
        }
        write!(self.out, ">")?;
        if !VOID.contains(&tag) {
            fill(self)?;
            write!(self.out, "</{tag}>")?;
        }
        match INLINE.contains(&tag) {
            true => Ok(()),
            false => writeln!(self.out),
        }
    }

    /// An element that holds text alone.
    pub(super) fn say(
        &mut self,
        tag: &'static str,
        attributes: &[Attribute<'_>],
        text: &str,
    ) -> io::Result<()> {
        self.within(tag, attributes, |m| m.text(text))
    }

    /// An element without content.
    pub(super) fn empty(
        &mut self,
        tag: &'static str,
        attributes: &[Attribute<'_>],
    ) -> io::Result<()> {
        self.within(tag, attributes, |_| Ok(()))
    }

    /// Text, in which nothing is markup, and nothing steers or hides.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        let text = escaped(text);
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (plain, special) = rest.split_at(at);
            self.out.write_all(plain.as_bytes())?;
            let mut chars = special.chars();
            let entity = match chars.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                _ => "&#39;",
            };
            self.out.write_all(entity.as_bytes())?;
            rest = chars.as_str();
        }
        self.out.write_all(rest.as_bytes())
    }

    /// What this program wrote itself: the style, the document's first line.
    pub(super) fn own(&mut self, text: &'static str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// A name that no other element of the page has.
    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        let mut out = Vec::new();
        let mut m = Markup::new(&mut out);
        let hostile = "\"><script>alert('x')</script>&\u{202e}\u{1b}[2J\0";
        m.say("p", &[("title", hostile)], hostile).unwrap();
        let told = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\\u{202e}\\u{1b}[2J\\u{0}";
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("<p title=\"{told}\">{told}</p>\n")
        );
    }
}
