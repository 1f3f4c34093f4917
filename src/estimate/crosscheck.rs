//! [`CrossCheck`]: our exchanges beside those of an independent implementation.

use super::ClassAssessment;
use crate::sample::{Sample, SourceRecord};
use crate::stats::{Probability, Summary, quantile};
use crate::time::TimeDelta;

/// What an independent implementation measured of the same server, and how that compares with the
/// class of ours that has the most exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossCheck {
    /// Its offsets, server - local, in nanoseconds.
    pub offset: Summary,
    /// Its delays, in nanoseconds.
    pub delay: Summary,
    /// Median of its offsets.
    pub median_offset: TimeDelta,
    /// Median of its delays.
    pub median_delay: TimeDelta,
    /// The comparison; absent where we have no exchange to compare with.
    pub comparison: Option<Comparison>,
}

/// Its medians against ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Its median offset minus ours.
    pub offset: TimeDelta,
    /// Its median delay minus ours: what its stamps add on the way from the wire to the program.
    pub delay: TimeDelta,
    /// Whether the offsets differ by no more than both delays allow: each is within half its delay
    /// of the truth.
    pub consistent: bool,
}

pub(super) fn compare(record: &SourceRecord, ours: Option<&ClassAssessment>) -> Option<CrossCheck> {
    let offsets = sorted(
        record
            .incidents()
            .cross_checks
            .iter()
            .map(|(offset, _)| *offset),
    );
    let delays = sorted(
        record
            .incidents()
            .cross_checks
            .iter()
            .map(|(_, delay)| *delay),
    );
    let median_offset = median(&offsets)?;
    let median_delay = median(&delays)?;
    let comparison = ours.and_then(|ours| {
        let of_class = || {
            let alike = |s: &Sample| s.class() == ours.class;
            record.samples.iter().filter(alike).map(|s| s.exchange)
        };
        let offset = median_offset - median(&sorted(of_class().map(|x| x.offset())))?;
        let our_delay = median(&sorted(of_class().map(|x| x.delay())))?;
        let allowed = (median_delay + our_delay).midpoint(TimeDelta::ZERO);
        Some(Comparison {
            offset,
            delay: median_delay - our_delay,
            consistent: offset.abs() <= allowed,
        })
    });
    Some(CrossCheck {
        offset: Summary::of_sorted(&offsets)?,
        delay: Summary::of_sorted(&delays)?,
        median_offset,
        median_delay,
        comparison,
    })
}

fn sorted(deltas: impl Iterator<Item = TimeDelta>) -> Vec<i64> {
    let mut nanos: Vec<i64> = deltas.map(TimeDelta::as_nanos).collect();
    nanos.sort_unstable();
    nanos
}

fn median(sorted: &[i64]) -> Option<TimeDelta> {
    quantile(sorted, Probability::P50).map(TimeDelta::from_nanos)
}
