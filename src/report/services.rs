//! [`ServicesReport`]: what services ask of clocks, in the shape of a published schema.
//!
//! Names and words are those of `docs/services.md`; `docs/services.schema.json` is generated from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::{clean, clean_paragraph};
use crate::fitness::{Catalogue, Grade, Limits, Origin, Quantity, Service, Unit};

/// Name and version of the shape of [`ServicesReport`]. The version grows when a field changes its
/// meaning or goes; a new field is no new version.
pub const SERVICES_SCHEMA: &str = "clockfit-services/1";

/// Services and grades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServicesReport {
    /// Name and version of this shape: `clockfit-services/1`.
    pub schema: String,
    /// Program and version that says so.
    pub tool: String,
    /// The day up to which the built-in catalogue was read.
    pub generated: String,
    /// One for each check that a service makes.
    pub services: Vec<ServiceReport>,
    /// What a provider may promise, the strictest first.
    pub grades: Vec<GradeReport>,
}

/// A check that a service makes, or a way in which it depends on clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceReport {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// `quorum`, `database`, `messaging`, `storage`, `control-plane`, `monitoring`, `auth`, `time-api`,
    /// `time-daemon` or `regulation`.
    pub kind: String,
    /// The clock it reads: `wall`, `monotonic` or `both`.
    pub clock: String,
    /// What of a clock matters: `none`, `pairwise`, `utc`, `step`, `rate` or `unknown`.
    pub scope: String,
    /// What comes beyond the limit: `none`, `warn`, `refuse`, `terminate`, `incorrect`, `regulatory` or
    /// `unknown`.
    pub severity: String,
    /// Whose clocks are compared; null where it is not about two.
    pub between: Option<BetweenReport>,
    /// `ahead` or `behind`: the limit acts that way only; null: both ways.
    pub one_sided: Option<String>,
    /// Its numbers. Without any that is judged, no limit is known.
    pub limits: Vec<LimitReport>,
    /// Whether data are wrong by what clocks differ, because the later write wins.
    pub last_write_wins: bool,
    /// What happens, in words.
    pub consequence: String,
    /// The setting that the limit is in.
    pub config_key: String,
    /// Its default.
    pub default: String,
    /// Where that was read.
    pub source: String,
    /// In which version.
    pub version: String,
    /// Whether the source itself, or its official page, was read.
    pub verified: bool,
    /// Whether the number follows from settings, and is none itself.
    pub derived: bool,
    /// What one must know to judge by it.
    pub note: String,
    /// The profile that it is from; null for what comes with the program.
    pub profile: Option<String>,
}

/// Two clocks, the first judged by the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BetweenReport {
    /// Whose clock is judged.
    pub judged: String,
    /// By whose.
    pub by: String,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitReport {
    /// Its name in the catalogue, in profiles and for `--set`.
    pub name: String,
    /// A time, in nanoseconds; null for a rate.
    pub ns: Option<i64>,
    /// A rate, in parts per billion; null for a time.
    pub ppb: Option<i64>,
    /// Whether a clock is judged by it; the others say what a program assumes or does.
    pub judged: bool,
    /// Whether the site set it itself, by `--set`.
    pub set: bool,
}

/// What a provider may promise of clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GradeReport {
    /// Its name.
    pub id: String,
    /// Its numbers.
    pub limits: Vec<LimitReport>,
    /// Which services it is enough for.
    pub covers: String,
    /// Why its numbers are what they are.
    pub reason: String,
    /// The profile that it is from; null for what comes with the program.
    pub profile: Option<String>,
}

impl ServicesReport {
    /// All of a catalogue.
    pub fn new(tool: &str, catalogue: &Catalogue) -> Self {
        let services: Vec<&Service> = catalogue.services().iter().collect();
        let grades: Vec<&Grade> = catalogue.grades().iter().collect();
        Self::of(tool, catalogue, &services, &grades)
    }

    /// Some of it.
    pub fn of(tool: &str, catalogue: &Catalogue, services: &[&Service], grades: &[&Grade]) -> Self {
        Self {
            schema: SERVICES_SCHEMA.to_owned(),
            tool: tool.to_owned(),
            generated: clean(catalogue.generated()),
            services: services.iter().map(|of| service(of)).collect(),
            grades: grades.iter().map(|of| grade(of)).collect(),
        }
    }
}

fn service(of: &Service) -> ServiceReport {
    ServiceReport {
        id: of.id.clone(),
        name: clean(&of.name),
        kind: of.kind.word().to_owned(),
        clock: of.clock.word().to_owned(),
        scope: of.scope.word().to_owned(),
        severity: of.severity.word().to_owned(),
        between: of.between.as_ref().map(|between| BetweenReport {
            judged: clean(&between.judged),
            by: clean(&between.by),
        }),
        one_sided: of.one_sided.map(|side| side.word().to_owned()),
        limits: limits(&of.limits),
        last_write_wins: of.last_write_wins,
        consequence: clean_paragraph(&of.consequence),
        config_key: clean(&of.config_key),
        default: clean(&of.default),
        source: clean_paragraph(&of.source),
        version: clean_paragraph(&of.version),
        verified: of.verified,
        derived: of.derived,
        note: clean_paragraph(&of.note),
        profile: profile(&of.origin),
    }
}

fn grade(of: &Grade) -> GradeReport {
    GradeReport {
        id: of.id.clone(),
        limits: limits(&of.limits),
        covers: clean_paragraph(&of.covers),
        reason: clean_paragraph(&of.reason),
        profile: profile(&of.origin),
    }
}

fn limits(limits: &Limits) -> Vec<LimitReport> {
    let limit = |(of, value): (Quantity, i64)| {
        let is_time = of.unit() == Unit::Seconds;
        LimitReport {
            name: of.name().to_owned(),
            ns: is_time.then_some(value),
            ppb: (!is_time).then_some(value),
            judged: of.is_limit(),
            set: limits.is_set(of),
        }
    };
    limits.iter().map(limit).collect()
}

fn profile(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Builtin => None,
        Origin::Profile(name) => Some(clean(name)),
    }
}
