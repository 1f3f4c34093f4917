//! [`Series`]: every statistic of what was recorded of one clock, also where its phase got lost.

use rayon::prelude::*;

use super::noise::{Noise, identify};
use super::phases::{PhaseOverflow, Phases};
use super::point::{Measure, Point};
use super::{Statistic, Taus, sweep};

/// The phases of one clock, in one part or in several: where an average frequency is missing, nobody
/// knows how far the phase before it is from the phase behind it. No term reaches across such a place.
///
/// ```
/// use clockfit::stats::stability::{Phases, Series, Statistic, Taus};
/// // Two differences of frequency before what is missing, and one behind it.
/// let series = Series::of_frequencies([Some(5), Some(8), Some(4), None, Some(90), Some(97)])?;
/// let rows = series.table(&Taus::Octave);
/// let oadev = &rows[0].points[1];
/// assert_eq!((oadev.statistic, oadev.terms, oadev.possible), (Statistic::Oadev, 3, 5));
/// // The root of (3^2 + 4^2 + 7^2) / (2 x 3), in the unit of the frequencies.
/// assert_eq!(oadev.deviation(1.0), Some((74.0_f64 / 6.0).sqrt()));
/// # Ok::<(), clockfit::stats::stability::PhaseOverflow>(())
/// ```
#[derive(Clone, Debug)]
pub struct Series<'a> {
    parts: Vec<Phases<'a>>,
    points: usize,
}

/// Every statistic at one averaging time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The averaging factor m.
    pub m: usize,
    /// The noise that prevails at this tau; at taus too long to tell, what prevails at the longest one
    /// that can tell. `None` where no tau can.
    pub noise: Option<Noise>,
    /// The statistics that the series is long enough for, in the order of [`Statistic::ALL`].
    pub points: Vec<Point>,
}

impl<'a> From<Phases<'a>> for Series<'a> {
    fn from(phases: Phases<'a>) -> Self {
        Self {
            points: phases.len(),
            parts: vec![phases],
        }
    }
}

impl Series<'_> {
    /// The phases of average frequencies, each over one tau0, of which some may be missing: in the unit of
    /// a frequency times tau0, and one point more than there are frequencies.
    ///
    /// # Errors
    ///
    /// When a phase leaves the range of an `i64`.
    pub fn of_frequencies(
        frequencies: impl IntoIterator<Item = Option<i64>>,
    ) -> Result<Self, PhaseOverflow> {
        let mut series = Self {
            parts: Vec::new(),
            points: 1,
        };
        let mut part = Vec::new();
        let mut begun = 0;
        for frequency in frequencies {
            series.points += 1;
            match frequency {
                Some(frequency) => part.push(frequency),
                None => {
                    series.take(&mut part, begun)?;
                    begun = series.points - 1;
                }
            }
        }
        series.take(&mut part, begun)?;
        Ok(series)
    }

    /// Makes a part of the frequencies before a place where one is missing.
    fn take(&mut self, frequencies: &mut Vec<i64>, before: usize) -> Result<(), PhaseOverflow> {
        if !frequencies.is_empty() {
            let in_all = |over: PhaseOverflow| PhaseOverflow {
                frequencies: before + over.frequencies,
            };
            let phases = Phases::from_frequencies(frequencies).map_err(in_all)?;
            self.parts.push(phases);
            frequencies.clear();
        }
        Ok(())
    }

    /// The number of points, missing ones included.
    pub fn len(&self) -> usize {
        self.points
    }

    /// Whether there is no point, not even a missing one.
    pub fn is_empty(&self) -> bool {
        self.points == 0
    }

    /// Every statistic at every tau of a set that the series is long enough for, ascending.
    ///
    /// Works on as many threads as rayon's pool has, and gives the same on any number.
    pub fn table(&self, taus: &Taus) -> Vec<Row> {
        let sweeps: Vec<Vec<Point>> = Statistic::ALL
            .par_iter()
            .map(|statistic| self.sweep(*statistic, taus))
            .collect();
        let mut factors: Vec<usize> = sweeps.iter().flatten().map(|point| point.m).collect();
        factors.sort_unstable();
        factors.dedup();
        let longest = self.parts.iter().max_by_key(|part| part.present());
        let noises: Vec<Option<Noise>> = factors
            .par_iter()
            .map(|m| longest.and_then(|part| identify(part, *m)))
            .collect();
        let mut sweeps: Vec<_> = sweeps
            .into_iter()
            .map(|points| points.into_iter().peekable())
            .collect();
        let mut known = None;
        factors
            .into_iter()
            .zip(noises)
            .map(|(m, noise)| {
                known = noise.or(known);
                let points = sweeps.iter_mut();
                Row {
                    m,
                    noise: known,
                    points: points
                        .filter_map(|points| points.next_if(|point| point.m == m))
                        .collect(),
                }
            })
            .collect()
    }

    fn sweep(&self, statistic: Statistic, taus: &Taus) -> Vec<Point> {
        if let [whole] = self.parts.as_slice() {
            return sweep(whole, statistic, taus);
        }
        let factors = taus.factors(statistic.largest_factor(self.points));
        let mut all: Vec<Point> = factors
            .iter()
            .map(|&m| Point {
                statistic,
                m,
                points: self.points,
                terms: 0,
                possible: statistic.terms(self.points, m),
                measure: Measure::none(statistic),
            })
            .collect();
        let taus = Taus::These(factors);
        for part in &self.parts {
            for point in sweep(part, statistic, &taus) {
                if let Ok(place) = all.binary_search_by_key(&point.m, |all| all.m) {
                    all[place].terms += point.terms;
                    all[place].measure = all[place].measure.with(point.measure);
                }
            }
        }
        all
    }
}

impl Measure {
    /// That of a series without a term.
    fn none(statistic: Statistic) -> Self {
        match statistic {
            Statistic::Mtie => Self::Peak(None),
            _ => Self::Squares(super::ExactSum::default()),
        }
    }

    /// That of two series together; both are of one kind.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Squares(one), Self::Squares(other)) => Self::Squares(one + other),
            (Self::Peak(one), Self::Peak(other)) => Self::Peak(one.max(other)),
            (one, _) => one,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_one_part_is_swept_as_it_is() {
        let phases: Phases = (0..200)
            .map(|i| (i % 31 != 4).then(|| i * i * 7919 % 4_001))
            .collect();
        let rows = Series::from(phases.clone()).table(&Taus::Octave);
        for statistic in Statistic::ALL {
            let mine: Vec<Point> = rows
                .iter()
                .flat_map(|row| &row.points)
                .filter(|point| point.statistic == statistic)
                .copied()
                .collect();
            assert_eq!(mine, sweep(&phases, statistic, &Taus::Octave));
        }
        let m: Vec<usize> = rows.iter().map(|row| row.m).collect();
        assert_eq!(m, [1, 2, 4, 8, 16, 32, 64, 128]);
        // 30 pairs of every 16th do not come together, and the kind before it speaks for it.
        assert_eq!(identify(&phases, 16), None);
        assert_eq!(rows[4].noise, identify(&phases, 4));
        assert!(rows[4].noise.is_some());
    }

    /// No term of one part is lost, and none reaches across: that is, each is in a part.
    #[test]
    fn parts_add_up() {
        let frequency = |i: i64| i * i * 104_729 % 1_009;
        let all: Vec<Option<i64>> = (0..90)
            .map(|i| (i != 30 && i != 31 && i != 89).then(|| frequency(i)))
            .collect();
        let rows = Series::of_frequencies(all).unwrap().table(&Taus::Decade);
        let parts = [0..30, 32..89].map(|range| {
            let part: Vec<i64> = range.map(frequency).collect();
            Phases::from_frequencies(&part).unwrap()
        });
        let found = |m: usize, statistic| {
            let points = &rows.iter().find(|row| row.m == m).unwrap().points;
            *points.iter().find(|p| p.statistic == statistic).unwrap()
        };
        let single = |part: &Phases, statistic, m| {
            let of = sweep(part, statistic, &Taus::These(vec![m]));
            of.first().copied()
        };
        for m in [1, 2, 10] {
            for statistic in Statistic::ALL {
                let each = parts.iter().filter_map(|part| single(part, statistic, m));
                let (terms, measure) = each
                    .map(|point| (point.terms, point.measure))
                    .reduce(|(n, one), (k, other)| (n + k, one.with(other)))
                    .unwrap();
                let point = found(m, statistic);
                assert_eq!((point.terms, point.measure), (terms, measure));
                assert_eq!((point.points, point.possible), (91, statistic.terms(91, m)));
            }
        }
        // Both parts are too short, the whole is not: there is a point, and nothing to be said.
        let long = found(40, Statistic::Oadev);
        assert_eq!((long.terms, long.deviation(1.0)), (0, None));
    }

    #[test]
    fn nothing_and_gaps_alone_have_no_deviation() {
        for frequencies in [vec![], vec![None; 40]] {
            let series = Series::of_frequencies(frequencies.clone()).unwrap();
            assert_eq!(series.len(), frequencies.len() + 1);
            let rows = series.table(&Taus::Octave);
            assert!(rows.iter().all(|row| row.noise.is_none()));
            let mut points = rows.iter().flat_map(|row| &row.points);
            assert!(points.all(|point| point.deviation(1.0).is_none()));
        }
    }

    #[test]
    fn an_overflow_is_told_where_it_is() {
        let refused = Series::of_frequencies([Some(1), None, Some(i64::MAX), Some(1)]);
        assert_eq!(refused.unwrap_err(), PhaseOverflow { frequencies: 4 });
    }
}
