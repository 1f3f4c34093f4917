//! [`Catalogue`]: all services and grades, those of the program and a site's own.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::entry::{
    Between, ClockRead, Grade, Kind, Limits, Origin, Scope, Service, Severity, Side,
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
                    self.read_services(text, entries, origin)?;
                }
                ("grade", DeValue::Array(entries)) => self.read_grades(text, entries, origin)?,
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

    fn read_services(
        &mut self,
        text: Text<'_>,
        entries: &[Spanned<DeValue<'_>>],
        origin: &Origin,
    ) -> Result<(), CatalogueError> {
        let mut seen: Vec<String> = Vec::new();
        for entry in entries {
            let mut fields = Fields::of(text, entry)?;
            let service = service(&mut fields, origin)?;
            let taken = self.services.iter().position(|s| s.id == service.id);
            let by = taken.and_then(|place| self.services.get(place));
            refuse_second(
                &fields,
                seen.contains(&service.id),
                by.map(|s| &s.origin),
                origin,
            )?;
            if self.grades.iter().any(|grade| grade.id == service.id) {
                return Err(fields.wrong_field("id", "a grade has this name"));
            }
            fields.finish()?;
            seen.push(service.id.clone());
            put(&mut self.services, taken, service);
        }
        Ok(())
    }

    fn read_grades(
        &mut self,
        text: Text<'_>,
        entries: &[Spanned<DeValue<'_>>],
        origin: &Origin,
    ) -> Result<(), CatalogueError> {
        let mut seen: Vec<String> = Vec::new();
        for entry in entries {
            let mut fields = Fields::of(text, entry)?;
            let grade = grade(&mut fields, origin)?;
            let taken = self.grades.iter().position(|g| g.id == grade.id);
            let by = taken.and_then(|place| self.grades.get(place));
            refuse_second(
                &fields,
                seen.contains(&grade.id),
                by.map(|g| &g.origin),
                origin,
            )?;
            if self.services.iter().any(|service| service.id == grade.id) {
                return Err(fields.wrong_field("id", "a service has this name"));
            }
            fields.finish()?;
            seen.push(grade.id.clone());
            put(&mut self.grades, taken, grade);
        }
        self.order_grades();
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
        let mut all = self.clone();
        let (place, number) = set
            .split_once('=')
            .ok_or_else(|| refused("ID.FIELD=NUMBER is expected".to_owned()))?;
        let (id, field) = place
            .split_once('.')
            .ok_or_else(|| refused("ID.FIELD=NUMBER is expected".to_owned()))?;
        let of_grade = all.grades.iter().any(|grade| grade.id == id);
        let known = if of_grade {
            Quantity::OF_GRADES
        } else {
            Quantity::OF_SERVICES
        };
        let limits = all
            .limits_mut(id)
            .map_err(|error| refused(error.to_string()))?;
        let Some(quantity) = known.iter().find(|of| of.name() == field) else {
            let near = nearest(field, known.iter().map(|of| of.name()));
            let hint = near.first().map_or_else(
                || {
                    let has: Vec<&str> = limits.iter().map(|(of, _)| of.name()).collect();
                    format!("; it has {}", or_nothing(&has))
                },
                |near| format!("; {near} is the nearest that there is"),
            );
            return Err(refused(format!("there is no {field}{hint}")));
        };
        if limits.set.contains(quantity) {
            return Err(refused("it is set already; once is enough".to_owned()));
        }
        let value = quantity
            .read(number)
            .map_err(|wrong| refused(wrong.to_string()))?;
        limits.values.insert(*quantity, value);
        limits.set.push(*quantity);
        if let Some(what) = all.contradiction(id) {
            return Err(refused(what.to_owned()));
        }
        all.order_grades();
        *self = all;
        Ok(())
    }

    fn limits_mut(&mut self, id: &str) -> Result<&mut Limits, UnknownName> {
        let names = || {
            let services = self.services.iter().map(|service| service.id.as_str());
            services.chain(self.grades.iter().map(|grade| grade.id.as_str()))
        };
        if !names().any(|name| name == id) {
            return Err(UnknownName {
                what: "service or grade",
                name: id.to_owned(),
                near: nearest(id, names())
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            });
        }
        let services = self.services.iter_mut();
        let services = services.filter(|service| service.id == id);
        let grades = self.grades.iter_mut().filter(|grade| grade.id == id);
        let limits = services.map(|service| &mut service.limits);
        let mut limits = limits.chain(grades.map(|grade| &mut grade.limits));
        limits.next().ok_or_else(|| UnknownName {
            what: "service or grade",
            name: id.to_owned(),
            near: Vec::new(),
        })
    }

    /// What is wrong with an entry as it is now.
    fn contradiction(&self, id: &str) -> Option<&'static str> {
        if let Some(service) = self.service(id) {
            return service.contradiction().map(|(_, what)| what);
        }
        let grade = self.grades.iter().find(|grade| grade.id == id)?;
        grade.contradiction().map(|(_, what)| what)
    }
}

fn or_nothing(names: &[&str]) -> String {
    match names {
        [] => "no numbers".to_owned(),
        names => names.join(", "),
    }
}

fn put<T>(entries: &mut Vec<T>, place: Option<usize>, entry: T) {
    match place.and_then(|place| entries.get_mut(place)) {
        Some(taken) => *taken = entry,
        None => entries.push(entry),
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
    let service = Service {
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
    };
    match service.contradiction() {
        Some((field, what)) => Err(fields.wrong_field(field, what)),
        None => Ok(service),
    }
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
    match grade.contradiction() {
        Some((field, what)) => Err(fields.wrong_field(field, what)),
        None => Ok(grade),
    }
}
