//! [`compare`]: whether new runs are worse, by more than a margin.

use std::collections::BTreeSet;

use super::compared::{Compared, Draft};
use super::difference::{self, Difference};
use super::metric::Metric;
use super::question::{CannotCompare, Pair, Question};
use super::run::Run;
use super::sides;
use crate::stats::{Probability, Tail, least_in_each};

/// What is said of a metric, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// All of the interval is within the margin.
    Pass,
    /// The margin lies inside of the interval, or there is less to see of new runs than of old ones.
    Warn,
    /// All of the interval is beyond the margin; where both sides may scatter otherwise, the median run as well.
    Fail,
    /// There are too few runs for an interval.
    TooFew,
}

/// Old and new runs, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Fail if anything fails; else too few if that is said of anything, or if nothing could be compared; else
    /// warn if anything warns, or a source is missing.
    pub gate: Gate,
    /// With which probability all intervals hold the truth at once.
    pub confidence: Probability,
    /// How many intervals that is.
    pub intervals: u64,
    /// How many runs each side needs for such an interval.
    pub needs: u64,
    /// What differs between the sides beside what was to be compared.
    pub differences: Vec<Difference>,
    /// Sources that old runs asked and no new one did, where nobody said which to compare: then nothing passes.
    pub missing: Vec<String>,
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
    /// What too few old runs have enough exchanges for.
    pub left_out: Vec<Metric>,
}

/// Holds new runs against old ones. Nothing depends on the order of the runs of a side.
///
/// A metric fails if all of the interval of its shift is beyond the margin, so that a change that is real and
/// too small to matter fails nothing, however many runs prove it; and it passes if all of it is within.
/// All intervals hold at once with the confidence asked for, however many metrics and sources there are: the
/// chance that a gate fails anything without reason is half of what is left of it, at most, if both sides scatter
/// alike.
///
/// # Errors
/// A run is there twice, no source is on both sides, or one that was asked for is not.
pub fn compare(
    base: &[Run],
    new: &[Run],
    question: &Question,
) -> Result<Comparison, CannotCompare> {
    sides::each_once(base, new)?;
    let pairs = sides::pairs(base, new, question)?;
    let drafts = drafts(base, new, pairs, question)?;
    let intervals: usize = drafts.iter().map(|(_, made, _)| made.len()).sum();
    let intervals = u64::try_from(intervals).unwrap_or(u64::MAX);
    let all = Tail::shared(question.confidence, intervals.max(1));
    let one = Tail::shared(question.confidence, 1);
    let (all, one) = all.zip(one).ok_or(CannotCompare::Confidence)?;
    let mut differences = difference::between(base, new);
    differences.extend(sides::one_sided(base, new, question));
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
    differences.extend(difference::of_scatter(&sources));
    let missing = sides::missing(base, new, question);
    Ok(Comparison {
        gate: overall(&sources, &missing),
        confidence: question.confidence,
        intervals,
        needs: least_in_each(all),
        differences,
        missing,
        sources,
    })
}

/// One source, before it is known how many comparisons there are: what is compared, and what is left out.
type Drafted = (Pair, Vec<Draft>, Vec<Metric>);

fn drafts(
    base: &[Run],
    new: &[Run],
    pairs: BTreeSet<Pair>,
    question: &Question,
) -> Result<Vec<Drafted>, CannotCompare> {
    let drafted = pairs.into_iter().map(|pair| {
        let of = |&metric| Draft::of(metric, base, new, &pair);
        (question.metrics.iter().map(of).collect(), pair)
    });
    let drafted: Vec<(Vec<Draft>, Pair)> = drafted.collect();
    let enough = match question.named {
        true => None,
        false => enough(&drafted, question.confidence)?,
    };
    let is_compared = |draft: &Draft| match enough {
        Some(n) => draft.has(n),
        None => question.named || !draft.is_empty(),
    };
    let parted = drafted.into_iter().map(|(drafts, pair)| {
        let (made, left): (Vec<Draft>, Vec<Draft>) = drafts.into_iter().partition(is_compared);
        let left_out = left.into_iter().map(|draft| draft.metric).collect();
        (pair, made, left_out)
    });
    Ok(parted.collect())
}

/// How many old runs must have a value of a metric for it to be compared: the least number that is enough for an
/// interval, with as many intervals as there then are. A metric that one run of ten has by chance is none to go by,
/// and makes no other interval wider. `None` if no metric has enough: then all are told, and that they are too few.
fn enough(
    drafted: &[(Vec<Draft>, Pair)],
    confidence: Probability,
) -> Result<Option<u64>, CannotCompare> {
    let having = |n: u64| {
        let all = drafted.iter().flat_map(|(drafts, _)| drafts);
        u64::try_from(all.filter(|draft| draft.has(n)).count()).unwrap_or(u64::MAX)
    };
    let needs = |among: u64| {
        let tail = Tail::shared(confidence, among.max(1)).ok_or(CannotCompare::Confidence)?;
        Ok(least_in_each(tail))
    };
    let most = needs(having(1))?;
    for n in 1..=most {
        let compared = having(n);
        if compared > 0 && needs(compared)? <= n {
            return Ok(Some(n));
        }
    }
    Ok(None)
}

fn overall(sources: &[ComparedSource], missing: &[String]) -> Gate {
    let said = |gate| {
        let mut all = sources.iter().flat_map(|of| &of.metrics);
        all.any(|of| of.gate == gate)
    };
    let is_nothing = sources.iter().all(|of| of.metrics.is_empty());
    if said(Gate::Fail) {
        Gate::Fail
    } else if is_nothing || said(Gate::TooFew) {
        Gate::TooFew
    } else if said(Gate::Warn) || !missing.is_empty() {
        Gate::Warn
    } else {
        Gate::Pass
    }
}
