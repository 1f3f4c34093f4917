//! [`compare`]: whether new runs are worse, by more than a margin.

use std::collections::{BTreeMap, BTreeSet};

use super::difference::{self, About, Difference};
use super::metric::{Margin, Margins, Metric};
use super::run::Run;
use crate::stats::{
    Probability, Scale, Shift, Tail, hodges_lehmann, least_for_quantile, least_in_each, median_of,
    quantile_shift,
};

/// Which of the rarer runs are told of beside the usual one: one in ten is worse. Of one in twenty it would take
/// twice as many runs to tell.
pub const UPPER_QUANTILE: Probability = match Probability::from_parts(9_000) {
    Some(quantile) => quantile,
    None => Probability::P95,
};

/// A certain shift in parts per million: nothing left is a million less.
const ALL: i128 = 1_000_000;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What runs are compared by.
    pub metrics: Vec<Metric>,
    /// Whether these were asked for by name: then no answer for one is no answer at all. Otherwise one that no run
    /// on either side has is left out.
    pub named: bool,
    /// How much worse is not held against a new run.
    pub margins: Margins,
    /// With which probability all intervals hold the truth at once.
    pub confidence: Probability,
    /// Which sources are compared with each other; none for all that both sides have.
    pub pairs: Vec<Pair>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            metrics: Metric::DEFAULT.to_vec(),
            named: false,
            margins: Margins::default(),
            confidence: Probability::P95,
            pairs: Vec::new(),
        }
    }
}

/// A source of old runs and the one of new runs that is held against it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Its name in BASE.
    pub base: String,
    /// Its name in NEW.
    pub new: String,
}

/// Why there is nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotCompare {
    /// One run counts once.
    #[error(
        "{first} and {second} are one run ({id}), and a run counts once: leave one of them out"
    )]
    Twice {
        /// The run.
        id: String,
        /// Where it was first.
        first: String,
        /// Where it was again.
        second: String,
    },
    /// The sides asked different sources.
    #[error(
        "BASE and NEW have no source in common: BASE asked {}, NEW asked {}; --source A=B compares A of BASE with \
         B of NEW", some(.base), some(.new)
    )]
    NothingInCommon {
        /// What BASE asked.
        base: Vec<String>,
        /// What NEW asked.
        new: Vec<String>,
    },
    /// A source that was asked for is not there.
    #[error("--source: no run of {side} asked {name}; they asked {}", some(.has))]
    NoSuchSource {
        /// BASE or NEW.
        side: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        has: Vec<String>,
    },
    /// No interval has that confidence.
    #[error("--confidence: an interval has more than 0 % and less than 100 %; 95 % is usual")]
    Confidence,
}

/// The first of some names.
fn some(names: &[String]) -> String {
    const MOST: usize = 5;
    let first = names.iter().take(MOST).cloned().collect::<Vec<_>>();
    match (first.is_empty(), names.len().saturating_sub(MOST)) {
        (true, _) => "none".to_owned(),
        (_, 0) => first.join(", "),
        (_, more) => format!("{} and {more} more", first.join(", ")),
    }
}

/// What is said of a metric, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// All of the interval is within the margin.
    Pass,
    /// The margin lies inside of the interval.
    Warn,
    /// All of the interval is beyond the margin.
    Fail,
    /// There are too few runs for an interval.
    TooFew,
}

/// Old and new runs, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Fail if anything fails; else too few if that is said of anything, or if nothing could be compared; else
    /// warn if anything warns.
    pub gate: Gate,
    /// With which probability all intervals hold the truth at once.
    pub confidence: Probability,
    /// How many intervals that is.
    pub intervals: u64,
    /// How many runs each side needs for such an interval.
    pub needs: u64,
    /// What differs between the sides beside what was to be compared.
    pub differences: Vec<Difference>,
    /// By source of BASE.
    pub sources: Vec<ComparedSource>,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedSource {
    /// What it is called.
    pub pair: Pair,
    /// What was compared.
    pub metrics: Vec<Compared>,
    /// What no run on either side has enough exchanges for.
    pub left_out: Vec<Metric>,
}

/// One metric of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What was compared.
    pub metric: Metric,
    /// How much worse is not held against new runs.
    pub margin: Margin,
    /// The old runs; absent where none has a value.
    pub base: Option<Side>,
    /// The new ones.
    pub new: Option<Side>,
    /// By how much new runs are worse; absent where one side has no value. In parts per million if the margin
    /// is a share, else in nanoseconds.
    pub shift: Option<Shift>,
    /// The same of quantiles of runs, each by itself.
    pub quantiles: Vec<RunsQuantile>,
    /// A shift as large as this would have failed, had runs scattered as these; absent without an interval.
    pub fails_from: Option<i64>,
    /// Values below a nanosecond that were taken for one, so that there is a ratio.
    pub raised: u64,
    /// What that says.
    pub gate: Gate,
}

/// The values of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// How many runs have one.
    pub runs: u64,
    /// The lowest.
    pub min: i64,
    /// Their median: of an even number the lower of the middle two.
    pub median: i64,
    /// The highest.
    pub max: i64,
}

/// A quantile of runs on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunsQuantile {
    /// Which.
    pub quantile: Probability,
    /// By how much that of new runs is worse.
    pub shift: Option<Shift>,
    /// How many runs each side needs for an interval.
    pub needs: Option<u64>,
}

/// Holds new runs against old ones. Nothing depends on the order of the runs of a side.
///
/// A metric fails if all of the interval of its shift is beyond the margin, so that a change that is real and
/// too small to matter fails nothing, however many runs prove it; and it passes if all of it is within.
/// All intervals hold at once with the confidence asked for, however many metrics and sources there are: the
/// chance that a gate fails anything without reason is half of what is left of it, at most.
///
/// # Errors
/// A run is there twice, no source is on both sides, or one that was asked for is not.
pub fn compare(
    base: &[Run],
    new: &[Run],
    question: &Question,
) -> Result<Comparison, CannotCompare> {
    each_once(base, new)?;
    let pairs = pairs(base, new, question)?;
    let mut drafts: Vec<(Pair, Vec<Draft>, Vec<Metric>)> = Vec::new();
    for pair in pairs {
        let drafted = question
            .metrics
            .iter()
            .map(|&metric| Draft::of(metric, base, new, &pair));
        let (made, left_out): (Vec<Draft>, Vec<Draft>) =
            drafted.partition(|draft| question.named || !draft.is_empty());
        let left_out = left_out.into_iter().map(|draft| draft.metric).collect();
        drafts.push((pair, made, left_out));
    }
    let intervals: usize = drafts.iter().map(|(_, made, _)| made.len()).sum();
    let intervals = u64::try_from(intervals).unwrap_or(u64::MAX);
    let all = Tail::shared(question.confidence, intervals.max(1));
    let one = Tail::shared(question.confidence, 1);
    let (all, one) = all.zip(one).ok_or(CannotCompare::Confidence)?;
    let mut differences = difference::between(base, new);
    differences.extend(one_sided(base, new, question));
    let names = drafts.iter().map(|(pair, ..)| (&*pair.base, &*pair.new));
    differences.extend(names.filter_map(|names| Difference::of_stamps(base, new, names)));
    let sources: Vec<ComparedSource> = drafts
        .into_iter()
        .map(|(pair, made, left_out)| ComparedSource {
            pair,
            metrics: made
                .into_iter()
                .map(|draft| draft.judged(question.margins.of(draft.metric), all, one))
                .collect(),
            left_out,
        })
        .collect();
    Ok(Comparison {
        gate: overall(&sources),
        confidence: question.confidence,
        intervals,
        needs: least_in_each(all),
        differences,
        sources,
    })
}

fn each_once(base: &[Run], new: &[Run]) -> Result<(), CannotCompare> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for run in base.iter().chain(new) {
        let Some(id) = &run.id else {
            continue;
        };
        if let Some(first) = seen.insert(id, &run.name) {
            return Err(CannotCompare::Twice {
                id: id.clone(),
                first: first.to_owned(),
                second: run.name.clone(),
            });
        }
    }
    Ok(())
}

fn names(runs: &[Run]) -> BTreeSet<&String> {
    runs.iter().flat_map(|run| run.sources.keys()).collect()
}

fn owned(names: BTreeSet<&String>) -> Vec<String> {
    names.into_iter().cloned().collect()
}

/// What is compared with what, each once.
fn pairs(base: &[Run], new: &[Run], question: &Question) -> Result<BTreeSet<Pair>, CannotCompare> {
    let (of_base, of_new) = (names(base), names(new));
    if question.pairs.is_empty() {
        let common: BTreeSet<Pair> = of_base
            .intersection(&of_new)
            .map(|name| Pair {
                base: (*name).clone(),
                new: (*name).clone(),
            })
            .collect();
        return match common.is_empty() {
            true => Err(CannotCompare::NothingInCommon {
                base: owned(of_base),
                new: owned(of_new),
            }),
            false => Ok(common),
        };
    }
    for pair in &question.pairs {
        for (side, name, has) in [("BASE", &pair.base, &of_base), ("NEW", &pair.new, &of_new)] {
            if !has.contains(name) {
                return Err(CannotCompare::NoSuchSource {
                    side,
                    name: name.clone(),
                    has: owned(has.clone()),
                });
            }
        }
    }
    Ok(question.pairs.iter().cloned().collect())
}

/// Sources that only one side asked, where nobody said which to compare.
fn one_sided(base: &[Run], new: &[Run], question: &Question) -> Option<Difference> {
    let (of_base, of_new) = (names(base), names(new));
    let only = |these: &BTreeSet<&String>, others: &BTreeSet<&String>| {
        owned(these.difference(others).copied().collect())
    };
    (question.pairs.is_empty() && of_base != of_new).then(|| Difference {
        about: About::Source,
        source: None,
        base: only(&of_base, &of_new),
        new: only(&of_new, &of_base),
    })
}

fn overall(sources: &[ComparedSource]) -> Gate {
    let said = |gate| {
        let mut all = sources.iter().flat_map(|of| &of.metrics);
        all.any(|of| of.gate == gate)
    };
    let is_nothing = sources.iter().all(|of| of.metrics.is_empty());
    if said(Gate::Fail) {
        Gate::Fail
    } else if is_nothing || said(Gate::TooFew) {
        Gate::TooFew
    } else if said(Gate::Warn) {
        Gate::Warn
    } else {
        Gate::Pass
    }
}

/// The values of a metric, before it is known how many of these there are.
struct Draft {
    metric: Metric,
    base: Vec<i64>,
    new: Vec<i64>,
}

impl Draft {
    fn of(metric: Metric, base: &[Run], new: &[Run], pair: &Pair) -> Self {
        let values = |runs: &[Run], source: &str| {
            let measured = runs.iter().filter_map(|run| run.sources.get(source));
            measured.filter_map(|of| of.value(metric)).collect()
        };
        Self {
            metric,
            base: values(base, &pair.base),
            new: values(new, &pair.new),
        }
    }

    fn is_empty(&self) -> bool {
        self.base.is_empty() && self.new.is_empty()
    }

    fn judged(&self, margin: Margin, all: Tail, one: Tail) -> Compared {
        let scale = match margin {
            Margin::Share(_) if !self.metric.is_share() => Scale::Ratio,
            _ => Scale::Difference,
        };
        let allowed = match margin {
            Margin::Share(parts) => parts,
            Margin::Time(time) => time.as_nanos(),
        };
        let (base, new) = (&self.base, &self.new);
        let shift = hodges_lehmann(base, new, scale, all);
        let quantiles = [Probability::P50, UPPER_QUANTILE];
        let raised = base.iter().chain(new).filter(|&&value| value < 1).count();
        Compared {
            metric: self.metric,
            margin,
            base: Side::of(base),
            new: Side::of(new),
            shift,
            quantiles: quantiles
                .into_iter()
                .map(|quantile| RunsQuantile {
                    quantile,
                    shift: quantile_shift(base, new, quantile, (scale, one)),
                    needs: least_for_quantile(quantile, one),
                })
                .collect(),
            fails_from: shift.and_then(|shift| fails_from(shift, allowed, scale)),
            raised: match scale {
                Scale::Ratio => u64::try_from(raised).unwrap_or(u64::MAX),
                Scale::Difference => 0,
            },
            gate: match shift.and_then(|shift| shift.interval) {
                None => Gate::TooFew,
                Some((lower, _)) if lower > allowed => Gate::Fail,
                // What is just allowed is allowed.
                Some((_, upper)) if upper <= allowed => Gate::Pass,
                Some(_) => Gate::Warn,
            },
        }
    }
}

impl Side {
    fn of(values: &[i64]) -> Option<Self> {
        Some(Self {
            runs: u64::try_from(values.len()).unwrap_or(u64::MAX),
            min: values.iter().min().copied()?,
            median: median_of(&mut values.to_vec())?,
            max: values.iter().max().copied()?,
        })
    }
}

/// The margin, and as far beyond it as the estimate is from the lower end of its interval.
fn fails_from(shift: Shift, allowed: i64, scale: Scale) -> Option<i64> {
    let (lower, _) = shift.interval?;
    let [allowed, estimate, lower] = [allowed, shift.estimate, lower].map(i128::from);
    let from = match scale {
        Scale::Difference => allowed + estimate - lower,
        Scale::Ratio => {
            let times = (ALL + allowed).checked_mul(ALL + estimate)?;
            times.checked_div(ALL + lower)? - ALL
        }
    };
    i64::try_from(from).ok()
}
