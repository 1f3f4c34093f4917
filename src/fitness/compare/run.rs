//! [`Run`]: one run, as far as runs are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::difference::About;
use super::metric::Metric;
use crate::stats::median_of;
use crate::time::Timestamp;

/// One run: one observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// What it is called: its file.
    pub name: String,
    /// Its own random name; absent where the program that recorded it gave none.
    pub id: Option<String>,
    /// When it began, by its own clock.
    pub started: Timestamp,
    /// Whether it was ended early, or its recording breaks off.
    pub is_cut_short: bool,
    /// How it was made, as far as that should be the same on both sides.
    pub circumstances: BTreeMap<About, String>,
    /// The share of its processors' time that the hypervisor gave to others: at least and at most, in parts per
    /// million. Absent where that is not told.
    pub stolen: Option<(u32, u32)>,
    /// What it measured of each source, by the name that was asked for.
    pub sources: BTreeMap<String, Measured>,
}

/// What a run measured of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Who stamped its exchanges, and in which mode they were.
    pub stamps: BTreeSet<String>,
    /// Values of each address of the source; of a metric that an address has too few exchanges for, none.
    values: BTreeMap<Metric, Vec<i64>>,
}

impl Measured {
    /// Adds what one address of the source gave.
    pub fn add(&mut self, metric: Metric, value: i64) {
        self.values.entry(metric).or_default().push(value);
    }

    /// The one value of the run: the median of its addresses, the lower of the middle two. Addresses of one name
    /// in one run are as little independent of each other as packets are.
    pub fn value(&self, metric: Metric) -> Option<i64> {
        median_of(&mut self.values.get(&metric)?.clone())
    }
}
