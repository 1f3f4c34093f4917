//! [`Compared`]: one metric of one source, held against its margin.

use std::cmp::Ordering;

use super::gate::Gate;
use super::metric::{Margin, Metric};
use super::question::Pair;
use super::run::Run;
use crate::stats::{
    Probability, Scale, Shift, Tail, hodges_lehmann, least_for_quantile, least_shift, median_of,
    quantile_shift, scatter,
};

/// Which of the rarer runs are told of beside the usual one: one in ten is worse. Of one in twenty it would take
/// twice as many runs to tell.
pub const UPPER_QUANTILE: Probability = match Probability::from_parts(9_000) {
    Some(quantile) => quantile,
    None => Probability::P95,
};

/// A certain shift in parts per million: nothing left is a million less.
const ALL: i128 = 1_000_000;

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
    /// By how much the median run is worse at least, whatever both sides scatter like; only where they do not scatter
    /// alike or nobody can tell. Then a failure needs this beyond the margin as well.
    pub least_shift: Option<i64>,
    /// Which side scatters clearly wider than the other.
    pub wider: Option<WhichSide>,
    /// Whether a smaller share of new runs has a value than of old ones: then nothing passes.
    pub fewer_of_new: bool,
    /// Values below a nanosecond that were taken for one, so that there is a ratio.
    pub raised: u64,
    /// What that says.
    pub gate: Gate,
}

/// One of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichSide {
    /// The old runs.
    Base,
    /// The new ones.
    New,
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

/// The values of a metric, before it is known how many of these there are.
pub(super) struct Draft {
    pub(super) metric: Metric,
    base: Vec<i64>,
    new: Vec<i64>,
    /// How many runs there are.
    runs: (usize, usize),
}

impl Draft {
    pub(super) fn of(metric: Metric, base: &[Run], new: &[Run], pair: &Pair) -> Self {
        let values = |runs: &[Run], source: &str| {
            let measured = runs.iter().filter_map(|run| run.sources.get(source));
            measured.filter_map(|of| of.value(metric)).collect()
        };
        Self {
            metric,
            base: values(base, &pair.base),
            new: values(new, &pair.new),
            runs: (base.len(), new.len()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.base.is_empty() && self.new.is_empty()
    }

    /// Whether at least so many old runs have a value.
    pub(super) fn has(&self, n: u64) -> bool {
        u64::try_from(self.base.len()).is_ok_and(|has| has >= n)
    }

    /// Whether it is a smaller share of new runs that has a value.
    fn is_fewer_of_new(&self) -> bool {
        let (of_base, of_new) = self.runs;
        self.new.len().saturating_mul(of_base) < self.base.len().saturating_mul(of_new)
    }

    pub(super) fn judged(&self, margin: Margin, all: Tail, one: Tail) -> Compared {
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
        let spread = scatter(base, new, scale);
        let is_alike = match spread {
            Some(spread) => spread == Ordering::Equal,
            None => !is_unequal(base.len(), new.len()),
        };
        let least = match is_alike {
            true => None,
            false => least_shift(base, new, (scale, all)),
        };
        let fewer_of_new = self.is_fewer_of_new();
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
            fails_from: shift.and_then(|shift| fails_from(shift, least, allowed, scale)),
            least_shift: least,
            wider: match spread {
                Some(Ordering::Less) => Some(WhichSide::Base),
                Some(Ordering::Greater) => Some(WhichSide::New),
                Some(Ordering::Equal) | None => None,
            },
            fewer_of_new,
            raised: match scale {
                Scale::Ratio => u64::try_from(raised).unwrap_or(u64::MAX),
                Scale::Difference => 0,
            },
            gate: match shift.and_then(|shift| shift.interval) {
                None => Gate::TooFew,
                Some((lower, _)) if lowest(lower, least) > allowed => Gate::Fail,
                // What is just allowed is allowed.
                Some((_, upper)) if upper <= allowed && !fewer_of_new => Gate::Pass,
                Some(_) => Gate::Warn,
            },
        }
    }
}

/// Whether one side has more than twice the runs of the other. Then its scatter hardly counts, and an interval misses
/// the more often, the wider the other scatters: with 20 runs and 5 that scatter three times as much, six metrics fail
/// in 13 % of all cases for 2.5 %.
pub(super) fn is_unequal(base: usize, new: usize) -> bool {
    base.min(new).saturating_mul(2) < base.max(new)
}

/// What has to be beyond the margin.
fn lowest(lower: i64, least: Option<i64>) -> i64 {
    least.map_or(lower, |least| least.min(lower))
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

/// The least beyond the margin, and as far beyond that as the estimate is from what has to be beyond the margin.
fn fails_from(shift: Shift, least: Option<i64>, allowed: i64, scale: Scale) -> Option<i64> {
    let lower = lowest(shift.interval?.0, least);
    let [allowed, estimate, lower] = [allowed, shift.estimate, lower].map(i128::from);
    let beyond = allowed + 1;
    let from = match scale {
        Scale::Difference => beyond + estimate - lower,
        Scale::Ratio => {
            let times = (ALL + beyond).checked_mul(ALL + estimate)?;
            let left = ALL + lower;
            let rounded_up = (left > 0).then(|| -(-times).div_euclid(left))?;
            rounded_up - ALL
        }
    };
    i64::try_from(from).ok()
}
