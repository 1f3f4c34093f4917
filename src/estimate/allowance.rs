//! [`Allowance`]: how fast a server's time may move against the host's counter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::slots::Drift;
use super::stretch::Draft;
use crate::stats::Slopes;
use crate::time::{Frequency, Rate};

/// What a rate may wander by from what was measured over minutes. A crystal in a room stays within a
/// tenth of that for hours; chrony, too, assumes 1 ppm of a clock that it has measured (its
/// `maxclockerror`).
const WANDER: Frequency = Frequency::from_ppm(1);

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
    /// measured, too.
    pub(super) fn measured(prior: Self, drafts: &[(usize, Draft)]) -> Self {
        let limits = (prior.drift.lower.as_ppb(), prior.drift.upper.as_ppb());
        let mut all: Option<(i64, i64)> = None;
        let mut contradicted = false;
        for (_, draft) in drafts {
            let (lower, upper) = rates_of(draft.slopes).unwrap_or(limits);
            let both = (lower.max(limits.0), upper.min(limits.1));
            let here = match both.0 <= both.1 {
                true => both,
                false => {
                    contradicted = true;
                    (lower, upper)
                }
            };
            all = Some(all.map_or(here, |(low, high)| (low.min(here.0), high.max(here.1))));
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
