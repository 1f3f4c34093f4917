//! [`identify`]: which kind of power-law noise a series is made of.

use super::phases::Phases;

/// The fewest pairs of neighbours that say something, as Stable32 has it: with less the estimate is
/// off by a whole kind of noise more often than not.
const FEWEST: usize = 30;

/// From this delta on a series is differenced once more: halfway between the white and the flicker
/// noise of one kind.
const STEEP: f64 = 0.25;

/// Differences of the phase that are taken at most: two turn random walk FM into white noise, and a
/// third one a drifting frequency.
const MOST_DIFFERENCES: u8 = 3;

/// Power-law noise, by the exponent alpha of its spectrum of frequency fluctuations, S_y(f) ~ f^alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Noise {
    /// White phase noise, alpha = 2: independent errors of single readings.
    WhitePm,
    /// Flicker phase noise, alpha = 1.
    FlickerPm,
    /// White frequency noise, alpha = 0: the phase walks at random.
    WhiteFm,
    /// Flicker frequency noise, alpha = -1.
    FlickerFm,
    /// Random walk of the frequency, alpha = -2.
    RandomWalkFm,
}

impl Noise {
    /// All kinds, from the steepest rise of the spectrum to the steepest fall.
    pub const ALL: [Self; 5] = [
        Self::WhitePm,
        Self::FlickerPm,
        Self::WhiteFm,
        Self::FlickerFm,
        Self::RandomWalkFm,
    ];

    /// The exponent alpha.
    ///
    /// ```
    /// use clockfit::stats::stability::Noise;
    /// assert_eq!(Noise::ALL.map(Noise::alpha), [2, 1, 0, -1, -2]);
    /// ```
    pub const fn alpha(self) -> i8 {
        match self {
            Self::WhitePm => 2,
            Self::FlickerPm => 1,
            Self::WhiteFm => 0,
            Self::FlickerFm => -1,
            Self::RandomWalkFm => -2,
        }
    }
}

/// The kind of noise that prevails at tau = m tau0, from the lag 1 autocorrelation of every m-th phase
/// (W. Riley and C. Greenhall, "Power Law Noise Identification Using the Lag 1 Autocorrelation", 2004):
/// with r_1 that of the d-th differences z, and delta = r_1 / (1 + r_1),
///
/// ```text
/// r_1 = sum (z_i - z)(z_{i+1} - z) / sum (z_i - z)^2,    alpha = 2 - 2 (d + delta), rounded
/// ```
///
/// where d is the first for which delta is below 1/4. Noise steeper than alpha = -2 counts as random
/// walk FM, a rise above 2 as white PM.
///
/// Flicker PM of which only every m-th phase is looked at is white to an ever larger part, and found as
/// such at long taus. For longer taus than this can tell, the kind at the longest one that it can is a
/// fair guess.
///
/// `None` for fewer than 30 pairs of neighbours that are both there, and for a phase that does not vary.
///
/// ```
/// use clockfit::stats::stability::{Noise, Phases, identify};
/// let scattered: Vec<i64> = (0..1_000).map(|i| i * i * 7919 % 10_007).collect();
/// assert_eq!(identify(&Phases::from(scattered), 1), Some(Noise::WhitePm));
/// ```
pub fn identify(phases: &Phases<'_>, m: usize) -> Option<Noise> {
    let mut series = Series::every(phases, m)?;
    for differences in 0..=MOST_DIFFERENCES {
        let r1 = series.lag_one()?;
        let delta = if r1 > -1.0 {
            r1 / (1.0 + r1)
        } else {
            f64::NEG_INFINITY
        };
        if delta < STEEP || differences == MOST_DIFFERENCES {
            // Halves are rounded away from white noise of either kind, which is where the next
            // difference would be taken.
            let doubled = 2.0 * (f64::from(differences) + delta);
            return Some(of_alpha(2.0 - doubled.round()));
        }
        series = series.differenced();
    }
    None
}

fn of_alpha(alpha: f64) -> Noise {
    match alpha {
        alpha if alpha > 1.5 => Noise::WhitePm,
        alpha if alpha > 0.5 => Noise::FlickerPm,
        alpha if alpha > -0.5 => Noise::WhiteFm,
        alpha if alpha > -1.5 => Noise::FlickerFm,
        _ => Noise::RandomWalkFm,
    }
}

/// Values that follow one another without a gap, and where the next ones begin.
struct Series {
    values: Vec<f64>,
    /// How many values follow one another in each run.
    runs: Vec<usize>,
}

impl Series {
    /// Every m-th phase less the first one.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a difference beyond 2^53 loses what no correlation can show"
    )]
    fn every(phases: &Phases<'_>, m: usize) -> Option<Self> {
        if m == 0 {
            return None;
        }
        let mut series = Self {
            values: Vec::with_capacity(phases.len() / m + 1),
            runs: Vec::new(),
        };
        let first = phases.runs().first()?.start;
        let first = i128::from(*phases.values().get(first)?);
        let mut next = usize::MAX;
        for run in phases.runs() {
            let kept = run.start.next_multiple_of(m)..run.end;
            let values = phases.values().get(kept.clone()).unwrap_or(&[]);
            let values = values.iter().step_by(m);
            let len = values.len();
            let from_first = |value: &i64| (i128::from(*value) - first) as f64;
            series.values.extend(values.map(from_first));
            // With a gap of less than m points the next kept one may follow all the same.
            match series.runs.last_mut() {
                Some(last) if kept.start == next => *last += len,
                _ if len > 0 => series.runs.push(len),
                _ => continue,
            }
            next = kept.start + len * m;
        }
        Some(series)
    }

    /// The differences of neighbours, run by run.
    fn differenced(&self) -> Self {
        let mut series = Self {
            values: Vec::with_capacity(self.values.len()),
            runs: Vec::with_capacity(self.runs.len()),
        };
        for run in self.each_run().filter(|run| run.len() > 1) {
            let pairs = run.windows(2).map(|pair| pair[1] - pair[0]);
            series.values.extend(pairs);
            series.runs.push(run.len() - 1);
        }
        series
    }

    fn each_run(&self) -> impl Iterator<Item = &[f64]> {
        let mut rest = &self.values[..];
        self.runs.iter().map(move |len| {
            let (run, behind) = rest.split_at(*len);
            rest = behind;
            run
        })
    }

    /// The lag 1 autocorrelation; with gaps, the mean product of neighbours that are both there over the
    /// mean square.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn lag_one(&self) -> Option<f64> {
        let points = self.values.len();
        let pairs = points - self.runs.len();
        if pairs < FEWEST {
            return None;
        }
        let mean = sum(&self.values, &self.values, |value, _| value) / points as f64;
        let product = |one: f64, other: f64| (one - mean) * (other - mean);
        let squares = sum(&self.values, &self.values, product);
        let products: f64 = self
            .each_run()
            .map(|run| sum(run, &run[1..], product))
            .sum();
        // Without gaps there is one pair less than points, and the sums are compared as they are.
        let scale = (points - 1) as f64 / pairs as f64;
        (squares > 0.0).then(|| scale * products / squares)
    }
}

/// The sum of a term over two slices side by side, as far as both go: in lanes, and so in an order that
/// depends on nothing but their length.
fn sum(one: &[f64], other: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    const LANES: usize = 8;
    let len = one.len().min(other.len());
    let (one, one_rest) = one[..len].as_chunks::<LANES>();
    let (other, other_rest) = other[..len].as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (one, other) in one.iter().zip(other) {
        sums = std::array::from_fn(|lane| sums[lane] + term(one[lane], other[lane]));
    }
    let rest = one_rest.iter().zip(other_rest);
    let rest: f64 = rest.map(|(one, other)| term(*one, *other)).sum();
    sums.iter().sum::<f64>() + rest
}
