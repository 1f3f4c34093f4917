//! [`Question`]: what clocks are judged for.

use super::catalogue::Catalogue;
use super::entry::{Grade, Service};
use super::find::UnknownName;
use super::quantity::Quantity;
use super::verdict::{Outcome, Verdict};
use crate::time::TimeDelta;

/// The grade that decides where nobody says what the clock is for.
pub const DECIDING_GRADE: &str = "standard";

/// How far that grade lets a clock be off UTC, 99.9 % of the time.
pub(super) fn deciding_limit(catalogue: &Catalogue) -> TimeDelta {
    let grade = catalogue.grade(DECIDING_GRADE).ok();
    let limit = grade.and_then(|grade| grade.limits.time(Quantity::OffsetMostly));
    limit.unwrap_or_default()
}

/// What a clock is judged for.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    services: Vec<&'a Service>,
    grades: Vec<&'a Grade>,
    decides: Decides,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decides {
    /// All that was asked for.
    All,
    /// One grade; the rest is told beside it.
    Grade(&'static str),
}

impl<'a> Question<'a> {
    /// For all grades, and no service.
    pub(super) fn grades(catalogue: &'a Catalogue) -> Self {
        Self {
            services: Vec::new(),
            grades: catalogue.grades().iter().collect(),
            decides: Decides::All,
        }
    }

    /// For these services, each a name or what comes before its dash, and this grade; for all, where neither
    /// is named.
    ///
    /// # Errors
    ///
    /// Nothing is called so.
    pub fn new(
        catalogue: &'a Catalogue,
        names: &[String],
        grade: Option<&str>,
    ) -> Result<Self, UnknownName> {
        if names.is_empty() && grade.is_none() {
            return Ok(Self {
                services: catalogue.services().iter().collect(),
                grades: catalogue.grades().iter().collect(),
                decides: Decides::Grade(DECIDING_GRADE),
            });
        }
        let mut services: Vec<&Service> = Vec::new();
        for name in names {
            for service in catalogue.services_named(name)? {
                if !services.iter().any(|of| of.id == service.id) {
                    services.push(service);
                }
            }
        }
        let grade = grade.map(|name| catalogue.grade(name)).transpose()?;
        Ok(Self {
            services,
            grades: grade.into_iter().collect(),
            decides: Decides::All,
        })
    }
}

impl Question<'_> {
    pub(super) fn services(&self) -> &[&Service] {
        &self.services
    }

    pub(super) fn grades_asked(&self) -> &[&Grade] {
        &self.grades
    }

    /// Whether something was named, rather than all.
    pub(super) fn is_pointed(&self) -> bool {
        self.decides == Decides::All
    }

    /// All outcomes in one, and the grade that alone decided it; nothing where all did.
    pub(super) fn decide<'a>(
        &self,
        services: impl Iterator<Item = Outcome>,
        grades: impl Iterator<Item = (&'a str, Outcome)> + Clone,
    ) -> (Verdict, Option<String>) {
        let alone = match self.decides {
            Decides::All => None,
            Decides::Grade(decides) => grades.clone().find(|(id, _)| *id == decides),
        };
        if let Some((id, outcome)) = alone {
            return (outcome.verdict(), Some(id.to_owned()));
        }
        let all = services.chain(grades.map(|(_, outcome)| outcome));
        let worst = all.map(Outcome::verdict).max();
        (worst.unwrap_or(Verdict::Undetermined), None)
    }
}
