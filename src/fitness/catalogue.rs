//! [`Catalogue`]: all services and grades, those of the program and a site's own.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::entry::{
    Between, ClockRead, Entry, Grade, Kind, Origin, Scope, Service, Severity, Side,
};
use super::fields::{Fields, Text};
use super::find::{UnknownName, nearest};
use super::quantity::Quantity;

/// What comes with the program.
const BUILTIN: Text<'_> = Text {
    name: "the built-in catalogue",
    text: include_str!("services.toml"),
};

/// The version of the format.
const SCHEMA: &str = "2";

/// All services and grades.
///
/// ```
/// use clockfit::fitness::{Catalogue, Quantity};
/// use clockfit::time::TimeDelta;
/// let mut catalogue = Catalogue::builtin();
/// let ceph = |all: &Catalogue| all.service("ceph-mon").unwrap().limits.time(Quantity::PairwiseSkew);
/// assert_eq!(ceph(&catalogue), Some(TimeDelta::from_millis(50)));
/// catalogue.set("ceph-mon.max_pairwise_skew_s=0.1")?;
/// assert_eq!(ceph(&catalogue), Some(TimeDelta::from_millis(100)));
/// # Ok::<(), clockfit::fitness::CatalogueError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    services: Vec<Service>,
    /// The strictest first.
    grades: Vec<Grade>,
    generated: String,
}

/// Why a catalogue, a profile or a setting is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Something is wrong in a line of a file.
    #[error("{file}, line {line}: {what}")]
    Line {
        /// Which file.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong, and what is expected.
        what: String,
    },
    /// A setting is not one.
    #[error("{set:?}: {what}")]
    Set {
        /// As it was given.
        set: String,
        /// What is wrong.
        what: String,
    },
}

impl Catalogue {
    /// What comes with the program.
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test reads it"
    )]
    pub fn builtin() -> Self {
        let mut all = Self {
            services: Vec::new(),
            grades: Vec::new(),
            generated: String::new(),
        };
        all.read(BUILTIN, &Origin::Builtin)
            .expect("the built-in catalogue is well formed");
        all
    }

    /// The services, in the catalogue's order; those that a site adds come last.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The grades, the strictest first.
    pub fn grades(&self) -> &[Grade] {
        &self.grades
    }

    /// The day up to which what comes with the program was read.
    pub fn generated(&self) -> &str {
        &self.generated
    }

    /// Adds a site's own services and grades, each as a whole; one that has the name of another takes its
    /// place. `name` is what messages and reports call the file.
    ///
    /// # Errors
    ///
    /// Something in it is wrong, with its line; nothing of it is taken then.
    pub fn add_profile(&mut self, name: &str, text: &str) -> Result<(), CatalogueError> {
        let mut all = self.clone();
        all.read(Text { name, text }, &Origin::Profile(name.to_owned()))?;
        *self = all;
        Ok(())
    }

    fn read(&mut self, text: Text<'_>, origin: &Origin) -> Result<(), CatalogueError> {
        let document = DeTable::parse(text.text)
            .map_err(|error| text.wrong(&error.span().unwrap_or_default(), error.message()))?;
        let mut has_schema = false;
        for (key, value) in document.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("schema", DeValue::Integer(version)) if version.as_str() == SCHEMA => {
                    has_schema = true;
                }
                ("schema", _) => {
                    let what = format!("schema = {SCHEMA} is the one that is understood");
                    return Err(text.wrong(&value.span(), what));
                }
                ("generated", DeValue::String(day)) => {
                    if *origin == Origin::Builtin {
                        self.generated = day.to_string();
                    }
                }
                ("service", DeValue::Array(entries)) => {
                    let read = Reading {
                        text,
                        entries,
                        origin,
                    };
                    read.add_to(&mut self.services, &self.grades, service)?;
                }
                ("grade", DeValue::Array(entries)) => {
                    let read = Reading {
                        text,
                        entries,
                        origin,
                    };
                    read.add_to(&mut self.grades, &self.services, grade)?;
                    self.order_grades();
                }
                ("service" | "grade", _) => {
                    let what = format!("each is written as [[{}]]", key.get_ref());
                    return Err(text.wrong(&key.span(), what));
                }
                (strange, _) => {
                    let what = format!(
                        "there is no {strange}: schema, generated, [[service]] and [[grade]] are what a \
                         catalogue has"
                    );
                    return Err(text.wrong(&key.span(), what));
                }
            }
        }
        if !has_schema {
            let what = format!("schema = {SCHEMA} is missing: it says how the rest is meant");
            return Err(text.wrong(&(0..0), what));
        }
        Ok(())
    }

    /// The strictest first: by how far a clock may be off most of the time; of equals the first stays first.
    fn order_grades(&mut self) {
        let mostly = |grade: &Grade| grade.limits.time(Quantity::OffsetMostly);
        self.grades.sort_by_key(mostly);
    }

    /// Takes a site's own number: `ceph-mon.max_pairwise_skew_s=0.1`, of a service or a grade.
    ///
    /// # Errors
    ///
    /// There is no such entry, it has no such number, the number is none, or it contradicts the rest of the
    /// entry; nothing is changed then.
    pub fn set(&mut self, set: &str) -> Result<(), CatalogueError> {
        let refused = |what: String| CatalogueError::Set {
            set: set.to_owned(),
            what,
        };
        let (id, rest) = set.split_once('.').unwrap_or(("", ""));
        let (field, number) = rest
            .split_once('=')
            .ok_or_else(|| refused("ID.FIELD=NUMBER is expected".to_owned()))?;
        let mut all = self.clone();
        set_in(&mut all.services, id, field, number)
            .or_else(|| set_in(&mut all.grades, id, field, number))
            .unwrap_or_else(|| Err(self.unknown(id).to_string()))
            .map_err(refused)?;
        all.order_grades();
        *self = all;
        Ok(())
    }

    fn unknown(&self, id: &str) -> UnknownName {
        let services = self.services.iter().map(Entry::id);
        let names = services.chain(self.grades.iter().map(Entry::id));
        let near = nearest(id, names).into_iter().map(str::to_owned);
        UnknownName {
            what: "service or grade",
            name: id.to_owned(),
            near: near.collect(),
        }
    }
}

/// Takes a number of one of these entries; `None` where none is called so.
fn set_in<T: Entry>(
    entries: &mut [T],
    id: &str,
    field: &str,
    number: &str,
) -> Option<Result<(), String>> {
    let entry = entries.iter_mut().find(|entry| entry.id() == id)?;
    Some(set_of(entry, field, number))
}

fn set_of<T: Entry>(entry: &mut T, field: &str, number: &str) -> Result<(), String> {
    let limits = entry.limits_mut();
    let Some(quantity) = T::NUMBERS.iter().find(|of| of.name() == field) else {
        let near = nearest(field, T::NUMBERS.iter().map(|of| of.name()));
        let hint = near.first().map_or_else(
            || {
                let has: Vec<&str> = limits.iter().map(|(of, _)| of.name()).collect();
                format!("; it has {}", or_nothing(&has))
            },
            |near| format!("; {near} is the nearest that there is"),
        );
        return Err(format!("there is no {field}{hint}"));
    };
    if limits.set.contains(quantity) {
        return Err("it is set already; once is enough".to_owned());
    }
    let value = quantity.read(number).map_err(|wrong| wrong.to_string())?;
    limits.values.insert(*quantity, value);
    limits.set.push(*quantity);
    match entry.contradiction() {
        Some((_, what)) => Err(what.to_owned()),
        None => Ok(()),
    }
}

/// Entries of one kind on their way into a catalogue.
struct Reading<'a> {
    text: Text<'a>,
    entries: &'a [Spanned<DeValue<'a>>],
    origin: &'a Origin,
}

impl<'a> Reading<'a> {
    /// Adds each to those that there are, or puts it in the place of the one of its name. `others` are of the
    /// other kind, and have names of their own.
    fn add_to<T: Entry, O: Entry>(
        &self,
        all: &mut Vec<T>,
        others: &[O],
        read: fn(&mut Fields<'a>, &Origin) -> Result<T, CatalogueError>,
    ) -> Result<(), CatalogueError> {
        let mut seen: Vec<String> = Vec::new();
        for entry in self.entries {
            let mut fields = Fields::of(self.text, entry)?;
            let entry = read(&mut fields, self.origin)?;
            if let Some((field, what)) = entry.contradiction() {
                return Err(fields.wrong_field(field, what));
            }
            let taken = all.iter_mut().find(|of| of.id() == entry.id());
            let in_this_file = seen.iter().any(|id| id == entry.id());
            let by = taken.as_ref().map(|of| of.origin());
            refuse_second(&fields, in_this_file, by, self.origin)?;
            if others.iter().any(|of| of.id() == entry.id()) {
                return Err(fields.wrong_field("id", &format!("a {} has this name", O::WHAT)));
            }
            fields.finish()?;
            seen.push(entry.id().to_owned());
            match taken {
                Some(taken) => *taken = entry,
                None => all.push(entry),
            }
        }
        Ok(())
    }
}

fn or_nothing(names: &[&str]) -> String {
    match names {
        [] => "no numbers".to_owned(),
        names => names.join(", "),
    }
}

/// Two that say different things of one name: which one is meant nobody can tell.
fn refuse_second(
    fields: &Fields<'_>,
    in_this_file: bool,
    by: Option<&Origin>,
    origin: &Origin,
) -> Result<(), CatalogueError> {
    if in_this_file {
        return Err(fields.wrong_field("id", "it is in this file twice"));
    }
    match by {
        Some(Origin::Profile(other)) if matches!(origin, Origin::Profile(_)) => Err(fields
            .wrong_field(
                "id",
                &format!("{other} has it, too; name it in one of them"),
            )),
        _ => Ok(()),
    }
}

fn service(fields: &mut Fields<'_>, origin: &Origin) -> Result<Service, CatalogueError> {
    Ok(Service {
        id: fields.id()?,
        name: fields.text("name")?,
        kind: fields.word("kind", Kind::ALL, Kind::word)?,
        clock: fields.word("clock", ClockRead::ALL, ClockRead::word)?,
        scope: fields.word("scope", Scope::ALL, Scope::word)?,
        severity: fields.word("severity", Severity::ALL, Severity::word)?,
        between: between(fields)?,
        one_sided: fields.optional_word("one_sided", Side::ALL, Side::word)?,
        limits: fields.numbers(Quantity::OF_SERVICES)?,
        last_write_wins: fields.flag("last_write_wins")?,
        consequence: fields.text("consequence")?,
        config_key: optional(fields, "config_key", "none")?,
        default: optional(fields, "default", "none")?,
        source: fields.text("source")?,
        version: optional(fields, "version", "not said")?,
        verified: fields.flag("verified")?,
        derived: fields.flag("derived")?,
        note: optional(fields, "note", "")?,
        origin: origin.clone(),
    })
}

fn optional(
    fields: &mut Fields<'_>,
    name: &'static str,
    absent: &str,
) -> Result<String, CatalogueError> {
    let text = fields.optional_text(name)?;
    Ok(text.unwrap_or_else(|| absent.to_owned()))
}

fn between(fields: &mut Fields<'_>) -> Result<Option<Between>, CatalogueError> {
    let Some(text) = fields.optional_text("between")? else {
        return Ok(None);
    };
    match text.split_once('/') {
        Some((judged, by)) if !judged.is_empty() && !by.is_empty() && !by.contains('/') => {
            Ok(Some(Between {
                judged: judged.to_owned(),
                by: by.to_owned(),
            }))
        }
        _ => Err(fields.wrong_field("between", "two parts are expected, as in \"member/leader\"")),
    }
}

fn grade(fields: &mut Fields<'_>, origin: &Origin) -> Result<Grade, CatalogueError> {
    let grade = Grade {
        id: fields.id()?,
        limits: fields.numbers(Quantity::OF_GRADES)?,
        covers: fields.text("covers")?,
        reason: optional(fields, "reason", "")?,
        origin: origin.clone(),
    };
    let mut missing = Quantity::OF_GRADES
        .iter()
        .filter(|of| !grade.limits.values.contains_key(of));
    if let Some(of) = missing.next() {
        return Err(fields.wrong(&format!(
            "{} is missing: a grade has all numbers",
            of.name()
        )));
    }
    Ok(grade)
}
