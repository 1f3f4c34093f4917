//! [`Fields`]: one entry of a catalogue, field by field, each mistake with its line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::catalogue::CatalogueError;
use super::entry::Limits;
use super::find::nearest;
use super::quantity::Quantity;

/// A text that entries are read from.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// All of it.
    pub text: &'a str,
}

impl Text<'_> {
    /// What is wrong, and in which line.
    pub(super) fn wrong(&self, at: &Range<usize>, what: impl Into<String>) -> CatalogueError {
        let before = self.text.as_bytes().get(..at.start).unwrap_or_default();
        CatalogueError::Line {
            file: self.name.to_owned(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            what: what.into(),
        }
    }
}

/// The fields of one entry. Those that nobody asked for are reported by [`Fields::finish`].
pub(super) struct Fields<'a> {
    text: Text<'a>,
    /// Where the entry is.
    at: Range<usize>,
    table: &'a DeTable<'a>,
    known: Vec<&'static str>,
    /// What the entry is called, once that is read.
    id: String,
}

/// What a table holds under a name.
type Found<'a> = Option<(&'a DeValue<'a>, Range<usize>)>;

impl<'a> Fields<'a> {
    pub(super) fn of(
        text: Text<'a>,
        entry: &'a Spanned<DeValue<'a>>,
    ) -> Result<Self, CatalogueError> {
        let table = entry.get_ref().as_table();
        let table =
            table.ok_or_else(|| text.wrong(&entry.span(), "a table with fields is expected"))?;
        Ok(Self {
            text,
            at: entry.span(),
            table,
            known: Vec::new(),
            id: "an entry".to_owned(),
        })
    }

    /// What is wrong with the entry as a whole.
    pub(super) fn wrong(&self, what: &str) -> CatalogueError {
        self.text.wrong(&self.at, format!("{}: {what}", self.id))
    }

    /// What is wrong with one of its fields.
    pub(super) fn wrong_field(&self, name: &str, what: &str) -> CatalogueError {
        let at = self.key(name).unwrap_or_else(|| self.at.clone());
        self.text.wrong(&at, format!("{}: {name}: {what}", self.id))
    }

    fn key(&self, name: &str) -> Option<Range<usize>> {
        let mut keys = self.table.keys();
        keys.find(|key| key.get_ref() == name).map(Spanned::span)
    }

    fn find(&mut self, name: &'static str) -> Found<'a> {
        self.known.push(name);
        let (_, value) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        Some((value.get_ref(), value.span()))
    }

    /// The name for programs.
    pub(super) fn id(&mut self) -> Result<String, CatalogueError> {
        let id = self.text("id")?;
        let sane = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.len() > LONGEST_ID || !id.chars().all(sane) || id.starts_with('-') {
            let what = format!("a-z, 0-9 and dashes are expected, {LONGEST_ID} at most");
            return Err(self.wrong_field("id", &what));
        }
        self.id.clone_from(&id);
        Ok(id)
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, CatalogueError> {
        match self.optional_text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(self.wrong_field(name, "it is empty")),
            None => Err(self.wrong(&format!("{name} is missing"))),
        }
    }

    /// A text that may be missing.
    pub(super) fn optional_text(
        &mut self,
        name: &'static str,
    ) -> Result<Option<String>, CatalogueError> {
        match self.find(name) {
            None => Ok(None),
            Some((DeValue::String(text), _)) if text.chars().count() <= LONGEST_TEXT => {
                Ok(Some(text.to_string()))
            }
            Some((DeValue::String(_), _)) => {
                let what = format!("it is longer than {LONGEST_TEXT} characters");
                Err(self.wrong_field(name, &what))
            }
            Some(_) => Err(self.wrong_field(name, "a text in quotes is expected")),
        }
    }

    /// `true` or `false`; absent is false.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, CatalogueError> {
        match self.find(name) {
            None => Ok(false),
            Some((DeValue::Boolean(flag), _)) => Ok(*flag),
            Some(_) => Err(self.wrong_field(name, "true or false is expected")),
        }
    }

    /// One of some words, if it is there.
    pub(super) fn optional_word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, CatalogueError> {
        let Some(text) = self.optional_text(name)? else {
            return Ok(None);
        };
        match words.iter().find(|of| word(**of) == text) {
            Some(found) => Ok(Some(*found)),
            None => {
                let all: Vec<&str> = words.iter().map(|of| word(*of)).collect();
                let what = format!("{text:?} is none of {}", all.join(", "));
                Err(self.wrong_field(name, &what))
            }
        }
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<T, CatalogueError> {
        self.optional_word(name, words, word)?
            .ok_or_else(|| self.wrong(&format!("{name} is missing")))
    }

    /// Those of some numbers that are there.
    pub(super) fn numbers(&mut self, of: &[Quantity]) -> Result<Limits, CatalogueError> {
        let mut limits = Limits::default();
        for quantity in of {
            let name = quantity.name();
            let text = match self.find(name) {
                None => continue,
                Some((DeValue::Float(number), _)) => number.as_str(),
                Some((DeValue::Integer(number), _)) if number.radix() == 10 => number.as_str(),
                Some((DeValue::String(text), _)) => text,
                Some(_) => "",
            };
            let value = quantity.read(text);
            let value = value.map_err(|wrong| self.wrong_field(name, &wrong.to_string()))?;
            limits.values.insert(*quantity, value);
        }
        Ok(limits)
    }

    /// Refuses what nobody asked for: a misspelt limit must not be no limit.
    pub(super) fn finish(self) -> Result<(), CatalogueError> {
        let keys = self.table.keys();
        let mut strange = keys.filter(|key| !self.known.iter().any(|name| key.get_ref() == *name));
        let Some(key) = strange.next() else {
            return Ok(());
        };
        let near = nearest(key.get_ref(), self.known.iter().copied());
        let hint = near.first().map_or(String::new(), |near| {
            format!("; {near} is the nearest that there is")
        });
        let what = format!("there is no such field{hint}");
        Err(self.wrong_field(key.get_ref(), &what))
    }
}

/// Longer names do not fit a table.
const LONGEST_ID: usize = 40;
/// A paragraph; beyond it is no text that somebody wrote to be read.
const LONGEST_TEXT: usize = 2_000;
