//! [`CompareReport`]: how new runs compare with old ones, in the shape of a published schema.
//!
//! Names and words are those of `docs/compare.md`; `docs/compare.schema.json` is generated from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::clean;
use super::model::Instant;
use crate::fitness::compare::{
    About, Compared, ComparedSource, Comparison, Difference, Gate, Margin, Metric, Run,
    RunsQuantile, Side, some,
};
use crate::stats::{Probability, Shift};
use crate::time::Timestamp;

/// Name and version of the shape of [`CompareReport`]. The version grows when a field changes its meaning or
/// goes; a new field is no new version.
pub const COMPARE_SCHEMA: &str = "clockfit-compare/1";

/// Whether new runs are worse than old ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompareReport {
    /// Name and version of this shape: `clockfit-compare/1`.
    pub schema: String,
    /// Program and version that compared.
    pub tool: String,
    /// All in one.
    pub gate: GateName,
    /// With which probability all intervals hold the truth at once, in parts per million.
    pub confidence_ppm: u32,
    /// How many intervals that is.
    pub intervals: u64,
    /// How many runs each side needs for such an interval.
    pub runs_needed: u64,
    /// The old runs, as they were named.
    pub base: Vec<RunNameReport>,
    /// The new ones.
    pub new: Vec<RunNameReport>,
    /// What differs between the sides beside what was to be compared; it decides nothing.
    pub differences: Vec<DifferenceReport>,
    /// Sources that runs of BASE asked and none of NEW did, where nobody said which to compare: then nothing passes.
    pub missing_sources: Vec<String>,
    /// What was compared, by source.
    pub sources: Vec<ComparedSourceReport>,
}

/// What is said of a metric, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateName {
    /// All of the interval is within the margin.
    Pass,
    /// The margin lies inside of the interval, or there is less to see of NEW than of BASE.
    Warn,
    /// All of the interval is beyond the margin; where both sides may scatter otherwise, the median run as well.
    Fail,
    /// There are too few runs for an interval.
    TooFewRuns,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunNameReport {
    /// Its file.
    pub file: String,
    /// Its random name; null where the program that recorded it gave none.
    pub id: Option<String>,
    /// When it began.
    #[schemars(with = "Instant")]
    pub started: Timestamp,
}

/// What differs between the sides, or is to be known of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceReport {
    /// What it is: `host`, `kernel`, `clocksource`, `virtualisation`, `machine`, `processors`, `memory`, `quota`,
    /// `stolen`, `overcommit`, `time_daemons`, `tool`, `arguments`, `format`, `drift`, `stamps`, `source`, `order`, `cut_short`, `runs` or `scatter`.
    pub code: String,
    /// The source it concerns; null where it concerns runs.
    pub source: Option<String>,
    /// What there is of it in BASE.
    pub base: Vec<String>,
    /// What there is of it in NEW.
    pub new: Vec<String>,
    /// For people.
    pub text: String,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedSourceReport {
    /// Its name in BASE.
    pub base: String,
    /// Its name in NEW.
    pub new: String,
    /// What was compared.
    pub metrics: Vec<ComparedReport>,
    /// Metrics that too few runs of BASE have enough exchanges for.
    pub left_out: Vec<String>,
}

/// One metric of one source. Less is better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedReport {
    /// What was compared.
    pub metric: String,
    /// The unit of values: `ns`, or `ppm` of a share.
    pub unit: String,
    /// The unit of the margin and of all shifts: `ns`, or `ppm`: of a time, of what it was; of a share, of the whole.
    pub shift_unit: String,
    /// How much worse is not held against new runs.
    pub margin: i64,
    /// Values of old runs; null where none has one.
    pub base: Option<SideReport>,
    /// Values of new runs; null where none has one.
    pub new: Option<SideReport>,
    /// By how much new runs are worse (Hodges and Lehmann), positive where they are; null where a side has no
    /// value.
    pub shift: Option<ShiftReport>,
    /// The same of quantiles of runs; their intervals hold each by itself, and decide nothing.
    pub quantiles: Vec<RunsQuantileReport>,
    /// A shift as large as this would have failed, had runs scattered as these do; null without an interval.
    pub fails_from: Option<i64>,
    /// By how much the median run is worse at least, whatever both sides scatter like: a failure needs this beyond the
    /// margin as well. Null where they scatter alike, as far as can be told from as many runs as there are.
    pub least_shift: Option<i64>,
    /// Whether a smaller share of NEW runs than of BASE runs has a value: then it does not pass.
    pub fewer_of_new: bool,
    /// How many values below 1 ns were taken for 1 ns, so that there is a ratio.
    pub raised: u64,
    /// What that says.
    pub gate: GateName,
}

/// Values of one side, one for each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideReport {
    /// How many runs have one.
    pub runs: u64,
    /// The lowest.
    pub min: i64,
    /// Their median.
    pub median: i64,
    /// The highest.
    pub max: i64,
}

/// By how much new runs are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShiftReport {
    /// The best estimate.
    pub estimate: i64,
    /// What holds the truth (lower, upper); null where there are too few runs.
    pub interval: Option<(i64, i64)>,
}

/// By how much a quantile of new runs is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunsQuantileReport {
    /// Which, in parts per million.
    pub quantile_ppm: u32,
    /// By how much; null where a side has no value.
    pub shift: Option<ShiftReport>,
    /// How many runs each side needs for an interval.
    pub runs_needed: Option<u64>,
}

impl CompareReport {
    /// How runs compare, as this program says it.
    pub fn new(tool: &str, (base, new): (&[Run], &[Run]), found: &Comparison) -> Self {
        Self {
            schema: COMPARE_SCHEMA.to_owned(),
            tool: clean(tool),
            gate: found.gate.into(),
            confidence_ppm: ppm(found.confidence),
            intervals: found.intervals,
            runs_needed: found.needs,
            base: base.iter().map(RunNameReport::new).collect(),
            new: new.iter().map(RunNameReport::new).collect(),
            differences: found
                .differences
                .iter()
                .map(|of| DifferenceReport::new(of, &found.differences))
                .collect(),
            missing_sources: found.missing.clone(),
            sources: found
                .sources
                .iter()
                .map(ComparedSourceReport::new)
                .collect(),
        }
    }
}

fn ppm(share: Probability) -> u32 {
    const EACH: u32 = 1_000_000 / Probability::WHOLE;
    share.parts() * EACH
}

impl From<Gate> for GateName {
    fn from(gate: Gate) -> Self {
        match gate {
            Gate::Pass => Self::Pass,
            Gate::Warn => Self::Warn,
            Gate::Fail => Self::Fail,
            Gate::TooFew => Self::TooFewRuns,
        }
    }
}

impl RunNameReport {
    fn new(of: &Run) -> Self {
        Self {
            file: of.name.clone(),
            id: of.id.clone(),
            started: of.started,
        }
    }
}

impl DifferenceReport {
    fn new(of: &Difference, all: &[Difference]) -> Self {
        let (code, text) = said(of, all.iter().any(|of| of.about == About::Runs));
        Self {
            code: code.to_owned(),
            source: of.source.clone(),
            base: of.base.clone(),
            new: of.new.clone(),
            text,
        }
    }
}

/// What is said of it; of scatter more, if the sides have unequal numbers of runs as well.
fn said(of: &Difference, is_unequal: bool) -> (&'static str, String) {
    let (code, what) = match of.about {
        About::Host => ("host", "the sides measured on different hosts"),
        About::Kernel => ("kernel", "the kernels differ"),
        About::Clocksource => ("clocksource", "the clocksources differ"),
        About::Virtualisation => ("virtualisation", "the hypervisors differ"),
        About::Machine => ("machine", "the machines differ"),
        About::Processors => ("processors", "the processors differ"),
        About::Memory => ("memory", "the memory differs"),
        About::Quota => ("quota", "the limits of processor time differ"),
        About::Stolen => (
            "stolen",
            "the hypervisors took other shares of processors' time",
        ),
        About::Overcommit => ("overcommit", "hints at overcommit differ"),
        About::TimeDaemons => ("time_daemons", "other time daemons ran"),
        About::Tool => ("tool", "other versions measured"),
        About::Arguments => ("arguments", "the runs had other arguments"),
        About::Format => ("format", "other programs recorded them"),
        About::Drift => ("drift", "another drift of the servers was assumed"),
        About::Stamps => ("stamps", "other stamps were used"),
        About::Source => ("source", "these sources only one side asked"),
        About::Order => (
            "order",
            "all runs of one side are earlier than those of the other: take turns, or what changed meanwhile \
             counts as well",
        ),
        About::CutShort => ("cut_short", "these runs did not go to their end"),
        About::Runs => (
            "runs",
            "one side has more than twice the runs of the other, so that intervals hold as often as they say only if \
             both scatter alike: measure as many on each side",
        ),
        About::Scatter => (
            "scatter",
            match is_unequal {
                true => {
                    "these metrics scatter more than three times as widely on one side, and the sides have unequal \
                     numbers of runs: intervals can miss far more often than they say, so measure as many runs on \
                     each side"
                }
                false => {
                    "these metrics scatter more than three times as widely on one side, so that intervals can miss \
                     more often than they say"
                }
            },
        ),
    };
    let source = of.source.as_ref();
    let source = source.map_or(String::new(), |name| format!("{name}: "));
    let text = format!(
        "{source}{what}: BASE {}, NEW {}",
        some(&of.base),
        some(&of.new)
    );
    (code, text)
}

impl ComparedSourceReport {
    fn new(of: &ComparedSource) -> Self {
        Self {
            base: of.pair.base.clone(),
            new: of.pair.new.clone(),
            metrics: of.metrics.iter().map(ComparedReport::new).collect(),
            left_out: of
                .left_out
                .iter()
                .map(|metric| metric.name().to_owned())
                .collect(),
        }
    }
}

impl ComparedReport {
    fn new(of: &Compared) -> Self {
        let unit = |is_share| if is_share { "ppm" } else { "ns" };
        let (shift_unit, margin) = match of.margin {
            Margin::Share(parts) => (unit(true), parts),
            Margin::Time(time) => (unit(false), time.as_nanos()),
        };
        Self {
            metric: of.metric.name().to_owned(),
            unit: unit(Metric::is_share(of.metric)).to_owned(),
            shift_unit: shift_unit.to_owned(),
            margin,
            base: of.base.map(SideReport::from),
            new: of.new.map(SideReport::from),
            shift: of.shift.map(ShiftReport::from),
            quantiles: of.quantiles.iter().map(RunsQuantileReport::new).collect(),
            fails_from: of.fails_from,
            least_shift: of.least_shift,
            fewer_of_new: of.fewer_of_new,
            raised: of.raised,
            gate: of.gate.into(),
        }
    }
}

impl From<Side> for SideReport {
    fn from(of: Side) -> Self {
        Self {
            runs: of.runs,
            min: of.min,
            median: of.median,
            max: of.max,
        }
    }
}

impl From<Shift> for ShiftReport {
    fn from(of: Shift) -> Self {
        Self {
            estimate: of.estimate,
            interval: of.interval,
        }
    }
}

impl RunsQuantileReport {
    fn new(of: &RunsQuantile) -> Self {
        Self {
            quantile_ppm: ppm(of.quantile),
            shift: of.shift.map(ShiftReport::from),
            runs_needed: of.needs,
        }
    }
}
