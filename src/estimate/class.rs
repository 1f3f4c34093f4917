//! [`ClassAssessment`]: distributions of the exchanges that may share one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::sample::{Class, Samples};
use crate::stats::{Bins, EncodedHistogram, SignedHistogram, Summary, jitter};
use crate::time::TimeDelta;

/// Bins of the histogram that is shown: what fits a terminal line beside its two edges.
const SHOWN_BINS: usize = 32;

/// What the exchanges of one class say. Numbers in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassAssessment {
    /// Which exchanges.
    pub class: Class,
    /// Offset, server - local.
    pub offset: Summary,
    /// Size of the offset, without its sign.
    pub abs_offset: Summary,
    /// Delay, both ways together.
    pub delay: Summary,
    /// Jitter psi (RFC 5905 section 10, over blocks of eight); absent below two exchanges.
    pub jitter: Option<TimeDelta>,
    /// Offsets in bins of equal width, to be looked at.
    pub bins: Option<Bins>,
    /// Offsets in an HDR histogram, to be merged with others.
    pub histogram: Option<EncodedHistogram>,
}

/// One assessment for each class among `samples`, in the order told at
/// [`SourceAssessment::classes`](super::SourceAssessment::classes).
pub(super) fn assess(samples: &Samples) -> Vec<ClassAssessment> {
    let mut by_class: BTreeMap<Class, Vec<(i64, i64)>> = BTreeMap::new();
    for sample in samples {
        let x = &sample.exchange;
        by_class
            .entry(sample.class())
            .or_default()
            .push((x.offset().as_nanos(), x.delay().as_nanos()));
    }
    let mut classes: Vec<_> = by_class
        .into_iter()
        .filter_map(|(class, pairs)| of(class, &pairs))
        .collect();
    classes.sort_by_key(|c| (Reverse(c.offset.n), !c.class.is_pure(), c.class));
    classes
}

fn of(class: Class, pairs: &[(i64, i64)]) -> Option<ClassAssessment> {
    let mut offsets: Vec<i64> = pairs.iter().map(|(offset, _)| *offset).collect();
    offsets.sort_unstable();
    let mut histogram = SignedHistogram::new();
    for offset in &offsets {
        histogram.record(*offset);
    }
    let jitter = jitter(pairs).map(|psi| i64::try_from(psi).unwrap_or(i64::MAX));
    Some(ClassAssessment {
        class,
        offset: Summary::of_sorted(&offsets)?,
        abs_offset: Summary::of(offsets.iter().map(|o| o.saturating_abs()).collect())?,
        delay: Summary::of(pairs.iter().map(|(_, delay)| *delay).collect())?,
        jitter: jitter.map(TimeDelta::from_nanos),
        bins: Bins::of_sorted(&offsets, SHOWN_BINS),
        // A histogram larger than its format is left out; the summaries stand without it.
        histogram: histogram.encode().ok(),
    })
}
