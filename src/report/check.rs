//! [`CheckReport`]: what was judged of a clock, and by what, in the shape of a published schema.
//!
//! Names and words are those of `docs/check.md`; `docs/check.schema.json` is generated from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Report;
use super::clean::{clean, clean_paragraph};
use super::conditions::ConditionsReport;
use super::quantity::{exact, plain};
use crate::estimate::Assessment;
use crate::fitness::{
    Catalogue, Check, Claim, Judged, Judgement, LEAST_EXCHANGES, LEAST_OBSERVED, Need, Observed,
    Outcome, Quantity, Reason, Unit, Verdict,
};
use crate::sample::{Campaign, SourceId};

/// Name and version of the shape of [`CheckReport`]. The version grows when a field changes its meaning or
/// goes; a new field is no new version.
pub const CHECK_SCHEMA: &str = "clockfit-check/1";

/// Whether a clock is good enough for what it was checked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// Name and version of this shape: `clockfit-check/1`.
    pub schema: String,
    /// Program and version that judged.
    pub tool: String,
    /// All in one.
    pub verdict: VerdictName,
    /// The grade that alone decided, where nothing was asked for; null where all that was asked for did.
    pub decided_by: Option<String>,
    /// The strictest grade that is fit, where nothing was asked for; null where none is, or something was.
    pub grade_reached: Option<String>,
    /// What was looked at.
    pub window: WindowReport,
    /// What all verdicts rest on.
    pub reasons: Vec<ReasonReport>,
    /// What the host's hypervisor and its load left of it meanwhile, as `measurement` has it; it decides nothing. Null
    /// in reports of versions that did not look.
    pub conditions: Option<ConditionsReport>,
    /// Each service that was asked for.
    pub services: Vec<JudgementReport>,
    /// Each grade that was asked for, the strictest first.
    pub grades: Vec<JudgementReport>,
    /// What was measured.
    pub measurement: Report,
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowReport {
    /// How much of the run is known, in nanoseconds: pauses in which no server answered are not.
    pub observed_ns: i64,
    /// How much is needed at least.
    pub needed_ns: i64,
    /// Exchanges with servers that had a word.
    pub exchanges: u64,
    /// How many are needed at least.
    pub exchanges_needed: u64,
    /// The servers that had a word, by address.
    pub servers: Vec<String>,
}

/// `fit`, `undetermined` or `unfit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictName {
    /// All that may be true is within the limit.
    Fit,
    /// The evidence does not decide.
    Undetermined,
    /// All that may be true is beyond the limit.
    Unfit,
}

/// What is said of a service or a grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeName {
    /// All that may be true is within the limits.
    Fit,
    /// The evidence does not decide, or no limit is known.
    Undetermined,
    /// All that may be true is beyond a limit.
    Unfit,
    /// No clock's offset matters to it.
    NotSensitive,
    /// It orders by clocks, and no limit says whether that is good enough: see `reorder_ns`.
    Reorders,
}

/// A service or a grade, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JudgementReport {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What is said of it.
    pub outcome: OutcomeName,
    /// Each of its numbers.
    pub checks: Vec<CheckedReport>,
    /// How far writes of two hosts like this one may be swapped: from the first to the second number of
    /// nanoseconds; the second is null where nothing limits it. Null where the last write does not win.
    pub reorder_ns: Option<(i64, Option<i64>)>,
    /// Why there is nothing to judge by.
    pub reasons: Vec<ReasonReport>,
    /// What happens beyond a limit, by its word in `clockfit services`; null for a grade.
    pub severity: Option<String>,
    /// What happens, in words; for a grade what it covers.
    pub consequence: String,
    /// Where its numbers are from; for a grade why they are what they are.
    pub source: String,
    /// Whether that source was read.
    pub verified: bool,
}

/// One number held against what was observed. Numbers are in `unit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedReport {
    /// What is required.
    pub requirement: RequirementReport,
    /// What is claimed of the host.
    pub claim: ClaimName,
    /// What may be true, from the first to the second number; the second is null where nothing limits it.
    /// Null where nothing is known.
    pub observed: Option<(i64, Option<i64>)>,
    /// What is left to what is allowed, of one that is fit; how much it is beyond, negative, of one that is
    /// unfit; else null.
    pub reserve: Option<i64>,
    /// What that says.
    pub verdict: VerdictName,
    /// Whether it only warns, and decides nothing.
    pub advisory: bool,
    /// Why, and what it rests on.
    pub reasons: Vec<ReasonReport>,
    /// What would decide.
    pub needs: Vec<NeedReport>,
}

/// What is required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementReport {
    /// Its name in the catalogue.
    pub name: String,
    /// `ns` or `ppb`.
    pub unit: String,
    /// The limit.
    pub limit: i64,
    /// What one host may use of it: half of what is about two.
    pub allowed: i64,
    /// Whether the site set it itself.
    pub set: bool,
}

/// What is claimed of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimName {
    /// Its distance from UTC; what servers say they may be off by is part of it, and their word.
    Utc,
    /// That it keeps to its half of what two hosts may differ by. Two that err alike may differ by less.
    Share,
    /// Something of this host alone: steps, rate, jitter, what its kernel says.
    Host,
}

/// Why a verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonReport {
    /// `one_server`, `no_majority`, `dissent`, `short`, `few_exchanges`, `within_bound`, `no_limit`, `parts`,
    /// `not_watched`, `kernel_silent` or `may_share_error`.
    pub code: String,
    /// For people.
    pub text: String,
}

/// What would decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedReport {
    /// `bound`, `observe`, `exchanges`, `servers`, `peers` or `part`.
    pub code: String,
    /// How much of it: nanoseconds of `bound` and `observe`, or a number of `exchanges`.
    pub amount: Option<i64>,
    /// For people.
    pub text: String,
}

impl CheckReport {
    /// What was judged of a campaign, by its assessment, of entries of this catalogue.
    pub fn new(
        campaign: &Campaign,
        assessment: &Assessment,
        catalogue: &Catalogue,
        judged: &Judged,
    ) -> Self {
        let names = Names(campaign);
        let measurement = Report::new(campaign, assessment);
        Self {
            schema: CHECK_SCHEMA.to_owned(),
            tool: clean(&campaign.header.tool),
            verdict: judged.verdict.into(),
            decided_by: judged.decided_by.clone(),
            grade_reached: judged.reached.clone(),
            window: WindowReport {
                observed_ns: judged.observed.as_nanos(),
                needed_ns: LEAST_OBSERVED.as_nanos(),
                exchanges: judged.exchanges,
                exchanges_needed: LEAST_EXCHANGES,
                servers: judged.servers.iter().map(|id| names.of(*id)).collect(),
            },
            reasons: judged.reasons.iter().map(|of| reason(of, names)).collect(),
            services: judged
                .services
                .iter()
                .map(|of| judgement(of, names, Words::of_service(catalogue, &of.id)))
                .collect(),
            grades: judged
                .grades
                .iter()
                .map(|of| judgement(of, names, Words::of_grade(catalogue, &of.id)))
                .collect(),
            conditions: measurement.conditions.clone(),
            measurement,
        }
    }
}

/// What sources are called.
#[derive(Clone, Copy)]
pub(super) struct Names<'a>(pub(super) &'a Campaign);

impl Names<'_> {
    /// The first of some, and how many more.
    pub(super) fn list(self, ids: &[SourceId]) -> String {
        const MOST: usize = 10;
        let all: Vec<String> = ids.iter().take(MOST).map(|id| self.of(*id)).collect();
        match ids.len().saturating_sub(MOST) {
            0 => all.join(", "),
            more => format!("{} and {more} more", all.join(", ")),
        }
    }

    pub(super) fn of(self, id: SourceId) -> String {
        let record = self.0.sources.get(id.index());
        record.map_or_else(String::new, |record| {
            let info = &record.info;
            match info.port {
                123 => clean(&info.address),
                port if info.address.contains(':') => clean(&format!("[{}]:{port}", info.address)),
                port => clean(&format!("{}:{port}", info.address)),
            }
        })
    }
}

/// What the catalogue says of a service or a grade.
pub(super) struct Words {
    pub name: String,
    pub severity: Option<String>,
    pub consequence: String,
    pub source: String,
    pub verified: bool,
}

impl Words {
    pub(super) fn of_service(catalogue: &Catalogue, id: &str) -> Self {
        let service = catalogue.service(id);
        service.map_or_else(
            || Self::none(id),
            |service| Self {
                name: clean(&service.name),
                severity: Some(service.severity.word().to_owned()),
                consequence: clean_paragraph(&service.consequence),
                source: clean_paragraph(&service.source),
                verified: service.verified,
            },
        )
    }

    pub(super) fn of_grade(catalogue: &Catalogue, id: &str) -> Self {
        let grade = catalogue.grade(id);
        grade.map_or_else(
            |_| Self::none(id),
            |grade| Self {
                consequence: clean_paragraph(&grade.covers),
                source: clean_paragraph(&grade.reason),
                ..Self::none(id)
            },
        )
    }

    fn none(id: &str) -> Self {
        Self {
            name: id.to_owned(),
            severity: None,
            consequence: String::new(),
            source: String::new(),
            verified: true,
        }
    }
}

fn judgement(of: &Judgement, names: Names<'_>, words: Words) -> JudgementReport {
    JudgementReport {
        id: of.id.clone(),
        name: words.name,
        outcome: of.outcome.into(),
        checks: of
            .checks
            .iter()
            .map(|check| checked(check, names))
            .collect(),
        reorder_ns: of.reorder.map(ends),
        reasons: of.reasons.iter().map(|of| reason(of, names)).collect(),
        severity: words.severity,
        consequence: words.consequence,
        source: words.source,
        verified: words.verified,
    }
}

pub(super) fn ends(observed: Observed) -> (i64, Option<i64>) {
    (observed.lower, observed.upper)
}

pub(super) fn checked(of: &Check, names: Names<'_>) -> CheckedReport {
    let unit = match of.quantity.unit() {
        Unit::Seconds => "ns",
        Unit::PartsPerMillion => "ppb",
    };
    CheckedReport {
        requirement: RequirementReport {
            name: of.quantity.name().to_owned(),
            unit: unit.to_owned(),
            limit: of.limit,
            allowed: of.allowed,
            set: of.set,
        },
        claim: match of.claim {
            Claim::Utc => ClaimName::Utc,
            Claim::Share => ClaimName::Share,
            Claim::Host => ClaimName::Host,
        },
        observed: of.observed.map(ends),
        reserve: of.reserve(),
        verdict: of.verdict.into(),
        advisory: of.advisory,
        reasons: of.reasons.iter().map(|of| reason(of, names)).collect(),
        needs: of
            .needs
            .iter()
            .map(|need| needed(*need, of.quantity))
            .collect(),
    }
}

impl From<Verdict> for VerdictName {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fit => Self::Fit,
            Verdict::Undetermined => Self::Undetermined,
            Verdict::Unfit => Self::Unfit,
        }
    }
}

impl From<VerdictName> for OutcomeName {
    fn from(verdict: VerdictName) -> Self {
        match verdict {
            VerdictName::Fit => Self::Fit,
            VerdictName::Undetermined => Self::Undetermined,
            VerdictName::Unfit => Self::Unfit,
        }
    }
}

impl From<Outcome> for OutcomeName {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Judged(Verdict::Fit) => Self::Fit,
            Outcome::Judged(Verdict::Undetermined) => Self::Undetermined,
            Outcome::Judged(Verdict::Unfit) => Self::Unfit,
            Outcome::NotSensitive => Self::NotSensitive,
            Outcome::Reorders => Self::Reorders,
        }
    }
}

pub(super) fn reason(of: &Reason, names: Names<'_>) -> ReasonReport {
    let (code, text) = match of {
        Reason::OneServer(id) => (
            "one_server",
            format!("this is one server's word: that of {}", names.of(*id)),
        ),
        Reason::NoMajority(ids) => (
            "no_majority",
            format!(
                "no majority of the servers agrees: {} contradict each other",
                names.list(ids)
            ),
        ),
        Reason::Dissent(ids) => (
            "dissent",
            format!("outvoted by the others: {}", names.list(ids)),
        ),
        Reason::Short { observed } => (
            "short",
            format!(
                "{} were observed; less than {} decide nothing",
                plain(observed.as_nanos()),
                exact(LEAST_OBSERVED.as_nanos())
            ),
        ),
        Reason::Few { exchanges } => (
            "few_exchanges",
            format!(
                "there were {exchanges} exchanges; fewer than {LEAST_EXCHANGES} decide nothing"
            ),
        ),
        Reason::WithinBound => (
            "within_bound",
            "the limit lies inside of what may be true".to_owned(),
        ),
        Reason::NoLimit => (
            "no_limit",
            "it is sensitive to clocks, and no limit is known".to_owned(),
        ),
        Reason::Parts {
            fails,
            other,
            keeps,
        } => {
            let other = clean(other);
            let instead = match keeps {
                true => format!("as {other} it would keep it"),
                false => format!("as {other} that is not decided"),
            };
            (
                "parts",
                format!("{instead}, as {} it does not", clean(fails)),
            )
        }
        Reason::NotWatched => (
            "not_watched",
            "this host's own clock was not watched from beginning to end".to_owned(),
        ),
        Reason::KernelSilent => (
            "kernel_silent",
            "the kernel does not say what its clock may be off by".to_owned(),
        ),
        Reason::MayShareError => (
            "may_share_error",
            "a pair that shares the error is not excluded".to_owned(),
        ),
    };
    ReasonReport {
        code: code.to_owned(),
        text,
    }
}

pub(super) fn needed(of: Need, quantity: Quantity) -> NeedReport {
    let (code, amount, text) = match of {
        Need::Bound(half) => {
            let near = plain(half.as_nanos());
            let text = match quantity {
                Quantity::UtcOffset | Quantity::OffsetMostly | Quantity::OffsetEver => format!(
                    "a server whose root distance and half of the round trip to it are below {near} together"
                ),
                _ => format!("a server half of the round trip to which is below {near}"),
            };
            ("bound", Some(half.as_nanos()), text)
        }
        Need::Observe(time) => (
            "observe",
            Some(time.as_nanos()),
            format!("{} of observation", plain(time.as_nanos())),
        ),
        Need::Exchanges(n) => ("exchanges", i64::try_from(n).ok(), format!("{n} exchanges")),
        Need::Servers => (
            "servers",
            None,
            "servers of which a majority agrees, three at least".to_owned(),
        ),
        Need::Peers => (
            "peers",
            None,
            "reports of the hosts it is compared with".to_owned(),
        ),
        Need::Part => (
            "part",
            None,
            "knowing which of the two this host is".to_owned(),
        ),
    };
    NeedReport {
        code: code.to_owned(),
        amount,
        text,
    }
}
