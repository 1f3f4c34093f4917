//! [`Phases`]: the series that every statistic is taken of.

use std::borrow::Cow;
use std::ops::Range;

use super::mask::Mask;

/// Phases x in whole numbers of any one unit, evenly spaced by tau0, of which some may be missing.
///
/// Nothing is ever put in the place of what is missing: an interpolated point would have half the
/// variance of a measured one. A series without gaps costs no more than its values, which may be
/// borrowed; gaps cost one bit a point.
///
/// ```
/// use clockfit::stats::stability::Phases;
/// let whole = Phases::from(&[3, 1, 4, 1][..]);
/// assert_eq!((whole.len(), whole.present()), (4, 4));
/// let with_gap: Phases = [Some(3), None, Some(4)].into_iter().collect();
/// assert_eq!((with_gap.len(), with_gap.present()), (3, 2));
/// assert_eq!((with_gap.get(0), with_gap.get(1)), (Some(3), None));
/// ```
#[derive(Clone, Debug)]
pub struct Phases<'a> {
    values: Cow<'a, [i64]>,
    /// Which values count; `None` where all do.
    mask: Option<Mask>,
}

/// Frequencies that add up to a phase beyond the range of an `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the first {frequencies} frequencies add up to a phase outside of 64 bits; use a coarser unit"
)]
pub struct PhaseOverflow {
    /// How many it takes.
    pub frequencies: usize,
}

impl<'a> Phases<'a> {
    /// The phases of average frequencies, each over one tau0: they begin at 0, and there is one more
    /// of them than of frequencies. The phase gains one frequency a step, so it is in the unit of the
    /// frequency times tau0.
    ///
    /// A frequency that is missing loses the phase from there on: what came before and what comes
    /// behind it are series of their own.
    ///
    /// # Errors
    ///
    /// When a sum leaves the range of an `i64`.
    ///
    /// ```
    /// use clockfit::stats::stability::Phases;
    /// let phases = Phases::from_frequencies(&[892, 809, -823])?;
    /// assert_eq!((phases.len(), phases.get(3)), (4, Some(878)));
    /// # Ok::<(), clockfit::stats::stability::PhaseOverflow>(())
    /// ```
    pub fn from_frequencies(frequencies: &[i64]) -> Result<Self, PhaseOverflow> {
        let mut phase = 0i64;
        let mut values = Vec::with_capacity(frequencies.len() + 1);
        values.push(phase);
        for (before, frequency) in frequencies.iter().enumerate() {
            let next = phase.checked_add(*frequency);
            phase = next.ok_or(PhaseOverflow {
                frequencies: before + 1,
            })?;
            values.push(phase);
        }
        Ok(Self::from(values))
    }

    /// The same series, of which the points of `gap` are missing. What lies behind the end is ignored.
    ///
    /// ```
    /// use clockfit::stats::stability::Phases;
    /// let phases = Phases::from(&[3, 1, 4, 1][..]).with_gap(1..3);
    /// assert_eq!(phases.present(), 2);
    /// ```
    #[must_use]
    pub fn with_gap(mut self, gap: Range<usize>) -> Self {
        let len = self.len();
        let gap = gap.start..gap.end.min(len);
        if !gap.is_empty() {
            let mask = self.mask.get_or_insert_with(|| Mask::full(len));
            gap.for_each(|index| mask.clear(index));
        }
        self
    }

    /// The number of points N, missing ones included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no point, not even a missing one.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many points are not missing.
    pub fn present(&self) -> u64 {
        match &self.mask {
            Some(mask) => mask.count(),
            None => super::count(self.len()),
        }
    }

    /// The phase at a position, unless it is missing.
    pub fn get(&self, index: usize) -> Option<i64> {
        let value = self.values.get(index).copied();
        value.filter(|_| self.mask.as_ref().is_none_or(|mask| mask.get(index)))
    }

    /// The values, among them meaningless ones where points are missing.
    pub(super) fn values(&self) -> &[i64] {
        &self.values
    }

    /// Which points are there; `None` if all are.
    pub(super) fn mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    /// The longest ranges without a missing point, ascending.
    pub(super) fn runs(&self) -> Vec<Range<usize>> {
        match &self.mask {
            Some(mask) => mask.runs(0..self.len()).collect(),
            None if self.is_empty() => Vec::new(),
            None => vec![Range {
                start: 0,
                end: self.len(),
            }],
        }
    }

    /// From the first point that is there to the last.
    pub(super) fn trimmed(&self) -> Phases<'_> {
        let Some(mask) = &self.mask else {
            return Phases::from(self.values());
        };
        let mut runs = mask.runs(0..self.len());
        let first = runs.next().unwrap_or(0..0);
        let kept = first.start..runs.last().map_or(first.end, |last| last.end);
        Phases {
            values: Cow::Borrowed(&self.values[kept.clone()]),
            mask: Some(mask.all_of(&[kept.start], kept.len())),
        }
    }
}

impl<'a> From<&'a [i64]> for Phases<'a> {
    fn from(values: &'a [i64]) -> Self {
        Self {
            values: Cow::Borrowed(values),
            mask: None,
        }
    }
}

impl From<Vec<i64>> for Phases<'_> {
    fn from(values: Vec<i64>) -> Self {
        Self {
            values: Cow::Owned(values),
            mask: None,
        }
    }
}

impl FromIterator<Option<i64>> for Phases<'_> {
    fn from_iter<I: IntoIterator<Item = Option<i64>>>(points: I) -> Self {
        let mut missing = Vec::new();
        let values: Vec<i64> = points
            .into_iter()
            .enumerate()
            .map(|(index, point)| {
                if point.is_none() {
                    missing.push(index);
                }
                point.unwrap_or(0)
            })
            .collect();
        let mut phases = Self::from(values);
        for index in missing {
            phases = phases.with_gap(index..index + 1);
        }
        phases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_that_leave_the_range_are_refused() {
        let refused = Phases::from_frequencies(&[i64::MAX, -1, 2]).unwrap_err();
        assert_eq!(refused, PhaseOverflow { frequencies: 3 });
        let kept = Phases::from_frequencies(&[i64::MIN, i64::MAX, i64::MAX, 1]).unwrap();
        assert_eq!(kept.get(4), Some(i64::MAX));
        assert_eq!(Phases::from_frequencies(&[]).unwrap().len(), 1);
    }

    #[test]
    fn gaps_are_where_they_were_put() {
        let phases: Phases = [None, Some(1), None, Some(3), None].into_iter().collect();
        assert_eq!(phases.runs(), [1..2, 3..4]);
        let trimmed = phases.trimmed();
        let points: Vec<_> = (0..trimmed.len()).map(|index| trimmed.get(index)).collect();
        assert_eq!(points, [Some(1), None, Some(3)]);
        let nothing = Phases::from(&[7][..]).with_gap(0..9);
        assert_eq!((nothing.len(), nothing.present()), (1, 0));
        assert!(nothing.trimmed().is_empty());
        assert!(Phases::from(Vec::new()).runs().is_empty());
    }
}
