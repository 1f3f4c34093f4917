//! Stability of clocks: ADEV, MDEV, TDEV, HDEV, TOTDEV, TIE rms and MTIE of a series of phases.
//!
//! Floor 0: mathematics over integers, in whatever unit they are. Definitions are those of W. J. Riley,
//! "Handbook of Frequency Stability Analysis", NIST Special Publication 1065 (2008), and of ITU-T G.810
//! (1996), appendix II, for what telecommunications use.
//!
//! All sums are taken in integers, so that a result is the same to the last bit whatever the chunks and
//! the threads; only the last division and the root are in doubles. Nothing is interpolated: a term
//! counts if all of its points are there, and each [`Point`] says how many did.
//!
//! ```
//! use clockfit::stats::stability::{Level, Noise, Phases, Statistic, Taus, identify, sweep};
//!
//! // Nanoseconds, one a second: a clock that is read with an error of some 100 ns.
//! let read = |i: i64| 25 * i + (i * i * 7919 + i * 104_729) % 211;
//! let phases: Phases = (0..1_000).map(|i| (i % 97 != 0).then(|| read(i))).collect();
//!
//! for point in sweep(&phases, Statistic::Oadev, &Taus::Octave) {
//!     let noise = identify(&phases, point.m).unwrap_or(Noise::WhiteFm);
//!     let interval = point.interval(1e9, noise, Level::P95).unwrap();
//!     assert!(interval.lower < interval.deviation && interval.deviation < interval.upper);
//! }
//! ```

mod allan;
mod confidence;
mod covariance;
mod differences;
mod edf;
mod exact;
pub(super) mod gamma;
mod hadamard;
mod lanes;
mod mask;
mod modified;
mod mtie;
mod noise;
mod phases;
mod point;
mod products;
mod series;
mod taus;
mod tie;
mod tiled;
mod total;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use allan::{adev, oadev};
pub use confidence::{ConfidenceInterval, Level};
pub use edf::edf;
pub use exact::ExactSum;
pub use hadamard::{hdev, ohdev};
pub use modified::{mdev, tdev};
pub use mtie::mtie;
pub use noise::{Noise, identify};
pub use phases::{PhaseOverflow, Phases};
pub use point::{FEW_TERMS, Measure, Point};
pub use series::{Row, Series};
pub use taus::Taus;
pub use tie::tie_rms;
pub use total::totdev;

/// What can be taken of a series of phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Statistic {
    /// [`adev`]
    Adev,
    /// [`oadev`]
    Oadev,
    /// [`mdev`]
    Mdev,
    /// [`tdev`]
    Tdev,
    /// [`hdev`]
    Hdev,
    /// [`ohdev`]
    Ohdev,
    /// [`totdev`]
    Totdev,
    /// [`tie_rms`]
    TieRms,
    /// [`mtie`]
    Mtie,
}

impl Statistic {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Adev,
        Self::Oadev,
        Self::Mdev,
        Self::Tdev,
        Self::Hdev,
        Self::Ohdev,
        Self::Totdev,
        Self::TieRms,
        Self::Mtie,
    ];

    /// Whether it is in the unit of the phases (TDEV, TIE rms, MTIE). The others have no dimension.
    pub const fn has_unit(self) -> bool {
        matches!(self, Self::Tdev | Self::TieRms | Self::Mtie)
    }

    /// How many terms a series of `points` has at m; 0 where m is 0 or the series too short.
    ///
    /// ```
    /// use clockfit::stats::stability::Statistic;
    /// assert_eq!(Statistic::Adev.terms(1001, 400), 1);
    /// assert_eq!(Statistic::Oadev.terms(1001, 400), 201);
    /// assert_eq!(Statistic::Mdev.terms(1001, 400), 0);
    /// ```
    pub fn terms(self, points: usize, m: usize) -> u64 {
        if m == 0 {
            return 0;
        }
        let less = |used: Option<usize>| used.map_or(0, |used| points.saturating_sub(used));
        let strides = points.saturating_sub(1) / m;
        count(match self {
            Self::Adev => strides.saturating_sub(1),
            Self::Hdev => strides.saturating_sub(2),
            Self::Oadev => less(m.checked_mul(2)),
            Self::Ohdev => less(m.checked_mul(3)),
            Self::Mdev | Self::Tdev => less(m.checked_mul(3).map(|used| used - 1)),
            Self::Totdev if m < points => less(Some(2)),
            Self::Totdev => 0,
            Self::TieRms | Self::Mtie => less(Some(m)),
        })
    }

    /// The largest m for which a series of `points` has a term; 0 if there is none.
    pub fn largest_factor(self, points: usize) -> usize {
        let steps = points.saturating_sub(1);
        match self {
            Self::Adev | Self::Oadev => steps / 2,
            Self::Hdev | Self::Ohdev => steps / 3,
            Self::Mdev | Self::Tdev => points / 3,
            Self::Totdev if points < 3 => 0,
            Self::Totdev | Self::TieRms | Self::Mtie => steps,
        }
    }

    /// What [`sweep`] and the functions of single taus are made of: the tallies of factors that are
    /// ascending and not too large.
    fn measure(self, phases: &Phases<'_>, factors: &[usize]) -> Vec<(u64, Measure)> {
        let tallies = match self {
            Self::Adev => differences::strided(phases, 2, factors),
            Self::Oadev => differences::overlapping(phases, 2, factors),
            Self::Mdev | Self::Tdev => modified::tallies(phases, factors),
            Self::Hdev => differences::strided(phases, 3, factors),
            Self::Ohdev => differences::overlapping(phases, 3, factors),
            Self::Totdev => total::tallies(phases, factors),
            Self::TieRms => differences::overlapping(phases, 1, factors),
            Self::Mtie => {
                let peaks = mtie::peaks(phases, factors).into_iter();
                return peaks
                    .map(|(terms, peak)| (terms, Measure::Peak(peak)))
                    .collect();
            }
        };
        let measure = |tally: Tally| (tally.terms, Measure::Squares(tally.sum));
        tallies.into_iter().map(measure).collect()
    }
}

/// A statistic at every tau of a set for which the series is long enough, ascending. Gaps may leave a
/// point without a term: it is there, and has no deviation.
///
/// Works on as many threads as rayon's pool has, and gives the same on any number.
///
/// ```
/// use clockfit::stats::stability::{Phases, Statistic, Taus, sweep};
/// let phases = Phases::from(&[0, 10, 5, 12, 30, 17, 20, 31][..]);
/// let points = sweep(&phases, Statistic::Mtie, &Taus::Octave);
/// let peaks: Vec<_> = points.iter().map(|p| (p.m, p.deviation(1.0))).collect();
/// assert_eq!(peaks, [(1, Some(18.0)), (2, Some(25.0)), (4, Some(30.0))]);
/// ```
pub fn sweep(phases: &Phases<'_>, statistic: Statistic, taus: &Taus) -> Vec<Point> {
    // A reflected series begins and ends with points that are there.
    let trimmed = matches!(statistic, Statistic::Totdev).then(|| phases.trimmed());
    let phases = trimmed.as_ref().unwrap_or(phases);
    let points = phases.len();
    let factors = taus.factors(statistic.largest_factor(points));
    let measures = statistic.measure(phases, &factors);
    let point = |(m, (terms, measure)): (usize, (u64, Measure))| Point {
        statistic,
        m,
        points,
        terms,
        possible: statistic.terms(points, m),
        measure,
    };
    factors.into_iter().zip(measures).map(point).collect()
}

/// A statistic at one tau; `None` if the series is too short for it.
fn single(phases: &Phases<'_>, statistic: Statistic, m: usize) -> Option<Point> {
    sweep(phases, statistic, &Taus::These(vec![m])).pop()
}

/// The terms that counted, and the sum of their squares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    terms: u64,
    sum: ExactSum,
}

/// A number of things in memory.
fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
