//! [`Rows`]: the exchanges of one class, quantity by quantity, in the order of time.

use super::claims::rounded;
use crate::sample::{CHUNK, Class, Sample, Samples};
use crate::stats::median_of;

/// Quantities of exchanges, in nanoseconds; one entry each.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// The counter at T1.
    pub at: Vec<i64>,
    /// Offset, server - local.
    pub offset: Vec<i64>,
    /// Delay, both ways together.
    pub delay: Vec<i64>,
    /// T2 - T1.
    pub out: Vec<i64>,
    /// T4 - T3.
    pub back: Vec<i64>,
    /// T3 - T2.
    pub residence: Vec<i64>,
}

impl Rows {
    /// Those of a class among some chunks of the samples.
    pub(super) fn of(samples: &Samples, chunks: std::ops::Range<usize>, class: Class) -> Self {
        let mut rows = Self::default();
        let room = chunks.len().saturating_mul(CHUNK).min(samples.len());
        for column in rows.columns() {
            column.reserve(room);
        }
        for chunk in chunks {
            for sample in samples.chunk(chunk).filter(|s| s.class() == class) {
                rows.push(&sample);
            }
        }
        rows
    }

    fn columns(&mut self) -> [&mut Vec<i64>; 6] {
        [
            &mut self.at,
            &mut self.offset,
            &mut self.delay,
            &mut self.out,
            &mut self.back,
            &mut self.residence,
        ]
    }

    fn push(&mut self, sample: &Sample) {
        let x = &sample.exchange;
        self.at.push(sample.at.as_nanos());
        self.offset.push(x.offset().as_nanos());
        self.delay.push(x.delay().as_nanos());
        self.out.push(x.upper.as_nanos());
        self.back.push(x.lower.as_nanos().saturating_neg());
        self.residence.push(x.residence.as_nanos());
    }

    pub(super) fn len(&self) -> usize {
        self.at.len()
    }

    /// The first `n` of them.
    pub(super) fn head(&self, n: usize) -> Self {
        let first = |column: &Vec<i64>| column.iter().take(n).copied().collect();
        Self {
            at: first(&self.at),
            offset: first(&self.offset),
            delay: first(&self.delay),
            out: first(&self.out),
            back: first(&self.back),
            residence: first(&self.residence),
        }
    }

    /// The straight line that the offsets follow, at each of them: through the medians of their first and
    /// their last third. A clock that drifts takes its offsets along, and that is no noise.
    ///
    /// Where it drifts by more than noise, a median is that of one exchange in the middle, with all its
    /// noise; of what is left after a first line, it is that of a third of all.
    pub(super) fn trend(&self) -> Vec<i64> {
        let first = self.line(&self.offset);
        let rest = self.line(&less(&self.offset, &first));
        let both = first.iter().zip(&rest);
        both.map(|(a, b)| a.saturating_add(*b)).collect()
    }

    /// The offsets without their trend.
    pub(super) fn level(&self) -> Vec<i64> {
        less(&self.offset, &self.trend())
    }

    fn line(&self, values: &[i64]) -> Vec<i64> {
        let third = self.len() / 3;
        let ends = (
            self.middle(values, 0, third),
            self.middle(values, self.len() - third, self.len()),
        );
        let ((from, start), (to, end)) = match ends {
            (Some(first), Some(last)) if first.0 < last.0 => (first, last),
            _ => return vec![0; self.len()],
        };
        // To a part in 10^15: it is what noise is looked for on.
        let rise = difference(end, start) / difference(to, from);
        let height = |at: &i64| rounded(rise * difference(*at, from)).as_nanos();
        self.at
            .iter()
            .map(|at| start.saturating_add(height(at)))
            .collect()
    }

    /// Median time and median value of some of the rows.
    fn middle(&self, values: &[i64], from: usize, to: usize) -> Option<(i64, i64)> {
        let median = |column: &[i64]| median_of(&mut column.get(from..to)?.to_vec());
        Some((median(&self.at)?, median(values)?))
    }
}

fn less(values: &[i64], by: &[i64]) -> Vec<i64> {
    let both = values.iter().zip(by);
    both.map(|(value, by)| value.saturating_sub(*by)).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a length on a line that was fitted"
)]
fn difference(to: i64, from: i64) -> f64 {
    to.saturating_sub(from) as f64
}
