//! [`Allowance`]: how fast a server's time may move against the host's counter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::slots::Drift;
use super::stretch::{Draft, ESTIMATE_NEEDS};
use crate::stats::Slopes;
use crate::time::{Frequency, Rate};

/// What a rate may wander by from what was measured over minutes. A crystal in a room stays within a
/// tenth of that for hours; chrony, too, assumes 1 ppm of a clock that it has measured (its
/// `maxclockerror`).
const WANDER: Frequency = Frequency::from_ppm(1);

/// So many exchanges that one rate explains, and no allowed one does, are no step that looks like a rate:
/// as many as an estimate takes. Fewer are none either where such stretches make up most of a run.
const EVIDENT: u64 = ESTIMATE_NEEDS;

/// How fast the server's time may move against the host's counter, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The rates.
    pub drift: Drift,
    /// Where they come from.
    pub basis: Basis,
}

/// Where an [`Allowance`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Nothing is known: what two clocks may run apart by that nobody measured.
    Assumed,
    /// Given by whoever asked.
    Given,
    /// Measured in this run, with room for 1 ppm of wander.
    Measured,
}

impl Allowance {
    /// What is to be allowed where `prior` is assumed, or given, and stretches have been measured: the
    /// rates that explain all stretches, if that is less. Rates that contradict `prior` have been
    /// measured, too, if enough exchanges say so: a step between two exchanges is no rate.
    pub(super) fn measured(prior: Self, drafts: &[(usize, Draft)]) -> Self {
        let limits = (prior.drift.lower.as_ppb(), prior.drift.upper.as_ppb());
        let stretches: Vec<(u64, (i64, i64))> = drafts
            .iter()
            .map(|(_, draft)| {
                let rates = rates_of(draft.slopes).unwrap_or(limits);
                (draft.stretch.exchanges, rates)
            })
            .collect();
        let contradicts = |(lower, upper): (i64, i64)| upper < limits.0 || limits.1 < lower;
        let count = |some: &dyn Fn((i64, i64)) -> bool| {
            let some = stretches.iter().filter(|(_, rates)| some(*rates));
            some.fold(0u64, |sum, (n, _)| sum.saturating_add(*n))
        };
        let most = count(&contradicts) > count(&|_| true) / 2;
        let mut all: Option<(i64, i64)> = None;
        let mut contradicted = false;
        let clear = |n: u64| n >= EVIDENT;
        let (long, short): (Vec<_>, Vec<_>) = stretches.iter().partition(|(n, _)| clear(*n));
        for (exchanges, rates) in long.into_iter().chain(short) {
            let here = match contradicts(rates) {
                false => (rates.0.max(limits.0), rates.1.min(limits.1)),
                true if most || clear(exchanges) => {
                    contradicted = true;
                    rates
                }
                true => continue,
            };
            // A few exchanges say little of a rate: if it may be one that is known, it is.
            let known = all.is_some_and(|(low, high)| low <= here.1 && here.0 <= high);
            if clear(exchanges) || !known {
                all = Some(all.map_or(here, |(low, high)| (low.min(here.0), high.max(here.1))));
            }
        }
        let Some((lower, upper)) = all else {
            return prior;
        };
        if prior.basis == Basis::Given && !contradicted {
            return prior;
        }
        let wander = WANDER.as_ppb();
        let (mut lower, mut upper) = (lower.saturating_sub(wander), upper.saturating_add(wander));
        if !contradicted {
            (lower, upper) = (lower.max(limits.0), upper.min(limits.1));
        }
        if (lower, upper) == limits {
            return prior;
        }
        Self {
            drift: Drift {
                lower: Frequency::from_ppb(lower),
                upper: Frequency::from_ppb(upper),
            },
            basis: Basis::Measured,
        }
    }
}

fn rates_of(slopes: Slopes) -> Option<(i64, i64)> {
    match slopes {
        Slopes::Between(least, most) => {
            let lower = Rate::from_parts(least.floor(Rate::WHOLE)).floor();
            let upper = Rate::from_parts(most.ceil(Rate::WHOLE)).ceil();
            Some((lower.as_ppb(), upper.as_ppb()))
        }
        Slopes::None | Slopes::Any => None,
    }
}
