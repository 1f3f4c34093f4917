//! The noise floor in the report: what this host measures where the truth is zero.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{ClassName, Distribution};
use crate::estimate::{Floor, FloorComparison, Resolution};
use crate::stats::QuantileEstimate;
use crate::time::TimeDelta;

/// What this host measures of its own clock by loopback, in one class of exchanges. The true offset
/// is 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FloorReport {
    /// How it was asked, and who stamped.
    pub class: ClassName,
    /// Mean time between two exchanges; null where there is one only.
    pub spacing_ns: Option<i64>,
    /// Offset. `p50` is the bias.
    pub offset_ns: Distribution,
    /// Offset without its sign.
    pub abs_offset_ns: Distribution,
    /// The floor: offsets smaller than this cannot be told from 0 on this host. It is the upper end
    /// of the 95 % interval of p95 of `abs_offset_ns`; null where there are too few exchanges.
    pub limit_ns: Option<i64>,
}

/// How a source stands to the noise floor of its mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceFloorReport {
    /// The class in which the floor was measured.
    pub class: ClassName,
    /// By how many exchanges.
    pub n: u64,
    /// p95 of the size of the offset there; null where there are too few exchanges.
    pub p95_ns: Option<i64>,
    /// Its 95 % interval (lower, upper); null with it.
    pub ci95_ns: Option<(i64, i64)>,
    /// The floor, which is the upper end of that interval; null with it.
    pub limit_ns: Option<i64>,
    /// How many exchanges the floor needs, where there are too few.
    pub needed: Option<u64>,
    /// Whether the source was measured with the same stamps; otherwise this floor says nothing about
    /// it.
    pub applies: bool,
    /// Whether the source's median offset can be told from 0 on this host.
    pub resolution: Resolution,
}

impl FloorReport {
    pub(super) fn new(floor: &Floor) -> Self {
        Self {
            class: ClassName::new(floor.class),
            spacing_ns: floor.spacing.map(TimeDelta::as_nanos),
            offset_ns: Distribution::new(&floor.offset),
            abs_offset_ns: Distribution::new(&floor.abs_offset),
            limit_ns: floor.limit().map(TimeDelta::as_nanos),
        }
    }
}

impl SourceFloorReport {
    /// `None` where the comparison is with none of these floors.
    pub(super) fn new(floors: &[Floor], comparison: FloorComparison) -> Option<Self> {
        let floor = floors.get(comparison.floor)?;
        let (p95_ns, ci95_ns, needed) = match floor.level() {
            QuantileEstimate::Known {
                value,
                lower,
                upper,
                ..
            } => (Some(value), Some((lower, upper)), None),
            QuantileEstimate::Needs { n, .. } => (None, None, Some(n)),
        };
        Some(Self {
            class: ClassName::new(floor.class),
            n: floor.abs_offset.n,
            p95_ns,
            ci95_ns,
            limit_ns: floor.limit().map(TimeDelta::as_nanos),
            needed,
            applies: comparison.applies,
            resolution: comparison.resolution,
        })
    }
}
