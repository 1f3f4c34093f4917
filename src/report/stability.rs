//! [`StabilityReport`]: how stable a clock is over every time scale, of a source or of a plain column.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::escaped;
use crate::estimate::Stability;
use crate::recording::import::columns::Column;
use crate::stats::stability::{
    Level, Noise, PhaseOverflow, Phases, Point, Row, Series, Statistic, Taus,
};
use crate::time::TimeDelta;

/// Name and version of the shape of [`ColumnReport`].
pub const STABILITY_SCHEMA: &str = "clockfit-stability/1";

/// What a column of phases or frequencies says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnReport {
    /// Name and version of this shape: `clockfit-stability/1`.
    pub schema: String,
    /// Program and version that computed.
    pub tool: String,
    /// The file, as it was named.
    pub file: String,
    /// What it holds.
    pub data: ColumnKind,
    /// The numbers of the column were kept as multiples of ten to this power: of seconds, or of
    /// fractional frequency.
    pub exponent: i32,
    /// What they say.
    #[serde(flatten)]
    pub stability: StabilityReport,
}

/// What the numbers of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Phases in seconds.
    Phase,
    /// Average frequencies, without dimension.
    Frequency,
}

/// Every statistic at every averaging time. Deviations are doubles: those without a dimension, and those
/// in seconds, whose names end in `_s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StabilityReport {
    /// The time from one phase to the next.
    pub tau0_ns: i64,
    /// Phases, missing ones included.
    pub points: u64,
    /// How many are missing: nothing is put in their place. Of frequencies: how many of those.
    pub missing: u64,
    /// One for each averaging time, ascending.
    pub taus: Vec<TauReport>,
}

/// Every statistic at one averaging time; null where the series is too short for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TauReport {
    /// The averaging time.
    pub tau_ns: i64,
    /// The power-law noise that prevails there, or at the longest time at which it can be told; null where
    /// it cannot.
    pub noise: Option<NoiseKind>,
    /// Allan deviation, of phases that do not overlap.
    pub adev: Option<DeviationReport>,
    /// Overlapping Allan deviation.
    pub oadev: Option<DeviationReport>,
    /// Modified Allan deviation.
    pub mdev: Option<DeviationReport>,
    /// Time deviation.
    pub tdev_s: Option<DeviationReport>,
    /// Hadamard deviation, of phases that do not overlap.
    pub hdev: Option<DeviationReport>,
    /// Overlapping Hadamard deviation.
    pub ohdev: Option<DeviationReport>,
    /// Total deviation.
    pub totdev: Option<DeviationReport>,
    /// Root mean square of the time interval error.
    pub tie_rms_s: Option<DeviationReport>,
    /// Maximum time interval error: the largest range of the phase in any window of this length. With
    /// windows missing it may be larger.
    pub mtie_s: Option<DeviationReport>,
}

/// One statistic at one averaging time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviationReport {
    /// The deviation; null where every term has a point missing, and where no double can hold it.
    pub value: Option<f64>,
    /// Its 95 % interval (lower, upper), if the noise is of the kind that was found; null where it is not
    /// known, and for what has none.
    pub ci95: Option<(f64, f64)>,
    /// Terms of which all points are there; for MTIE windows.
    pub terms: u64,
    /// Terms there would be if no point were missing.
    pub possible: u64,
}

/// Power-law noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseKind {
    /// White phase noise: independent errors of single readings.
    WhitePm,
    /// Flicker phase noise.
    FlickerPm,
    /// White frequency noise: the phase walks at random.
    WhiteFm,
    /// Flicker frequency noise.
    FlickerFm,
    /// Random walk of the frequency, or steeper.
    RandomWalkFm,
}

impl From<Noise> for NoiseKind {
    fn from(noise: Noise) -> Self {
        match noise {
            Noise::WhitePm => Self::WhitePm,
            Noise::FlickerPm => Self::FlickerPm,
            Noise::WhiteFm => Self::WhiteFm,
            Noise::FlickerFm => Self::FlickerFm,
            Noise::RandomWalkFm => Self::RandomWalkFm,
        }
    }
}

impl ColumnReport {
    /// Every statistic of a column, at every averaging time of a set.
    ///
    /// # Errors
    /// The frequencies add up to a phase that 64 bits cannot hold.
    pub fn new(
        tool: &str,
        file: &str,
        (data, column): (ColumnKind, &Column),
        tau0: TimeDelta,
        taus: &Taus,
    ) -> Result<Self, PhaseOverflow> {
        let size = 10f64.powi(column.exponent());
        let (series, unit) = match data {
            ColumnKind::Phase => {
                let phases: Phases<'_> = column.iter().collect();
                (Series::from(phases), size)
            }
            // A frequency moves the phase by itself times tau0.
            ColumnKind::Frequency => {
                let series = Series::of_frequencies(column.iter())?;
                (series, size * tau0.as_secs_f64())
            }
        };
        let points = (series.len(), column.gaps());
        Ok(Self {
            schema: STABILITY_SCHEMA.to_owned(),
            tool: tool.to_owned(),
            file: escaped(file),
            data,
            exponent: column.exponent(),
            stability: StabilityReport::new(&series.table(taus), points, tau0, unit),
        })
    }
}

impl StabilityReport {
    /// What a source says.
    pub(super) fn of(found: &Stability) -> Self {
        let points = (found.points, found.missing);
        Self::new(&found.rows, points, found.tau0, Stability::UNIT)
    }

    /// What the rows of a series say. A phase of the series is one `unit`, in seconds.
    pub fn new(
        rows: &[Row],
        (points, missing): (usize, usize),
        tau0: TimeDelta,
        unit: f64,
    ) -> Self {
        let scale = Scale {
            tau0: tau0.as_secs_f64() / unit,
            unit,
        };
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let taus = rows.iter().map(|row| scale.tau(row, tau0)).collect();
        Self {
            tau0_ns: tau0.as_nanos(),
            points: count(points),
            missing: count(missing),
            taus,
        }
    }
}

/// From phases to seconds.
struct Scale {
    /// tau0 in the unit of the phases.
    tau0: f64,
    /// That unit, in seconds.
    unit: f64,
}

impl Scale {
    fn tau(&self, row: &Row, tau0: TimeDelta) -> TauReport {
        let of = |statistic| {
            let point = row.points.iter().find(|p| p.statistic == statistic)?;
            Some(self.deviation(point, row.noise))
        };
        let m = i64::try_from(row.m).unwrap_or(i64::MAX);
        TauReport {
            tau_ns: tau0.as_nanos().saturating_mul(m),
            noise: row.noise.map(NoiseKind::from),
            adev: of(Statistic::Adev),
            oadev: of(Statistic::Oadev),
            mdev: of(Statistic::Mdev),
            tdev_s: of(Statistic::Tdev),
            hdev: of(Statistic::Hdev),
            ohdev: of(Statistic::Ohdev),
            totdev: of(Statistic::Totdev),
            tie_rms_s: of(Statistic::TieRms),
            mtie_s: of(Statistic::Mtie),
        }
    }

    fn deviation(&self, point: &Point, noise: Option<Noise>) -> DeviationReport {
        let unit = if point.statistic.has_unit() {
            self.unit
        } else {
            1.0
        };
        let interval = noise.and_then(|noise| point.interval(self.tau0, noise, Level::P95));
        DeviationReport {
            value: point
                .deviation(self.tau0)
                .map(|value| value * unit)
                .filter(|value| value.is_finite()),
            ci95: interval
                .filter(|interval| interval.upper.is_finite())
                .map(|interval| (interval.lower * unit, interval.upper * unit)),
            terms: point.terms,
            possible: point.possible,
        }
    }
}
