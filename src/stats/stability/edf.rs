//! [`edf`]: how many independent terms a deviation is worth.

use super::covariance::{Covariance, SINGULAR};
use super::noise::Noise;
use super::{Statistic, count};

/// Autocovariances of a second and of a third difference with weights 1, -2, 1 and -1, 3, -3, 1: at
/// lag 0 and on.
const SECOND: &[f64] = &[6.0, -4.0, 1.0];
const THIRD: &[f64] = &[20.0, -15.0, 6.0, -1.0];

/// Multiples of m beyond which terms no longer depend on one another: for flicker noise the square of
/// the correlation falls with the fourth power, and what is left out is a millionth of the sum.
const FAR: u64 = 64;

/// The equivalent degrees of freedom of a deviation of `points` phases at m, if they are noise of this
/// kind: the mean of independent squares, as many as this, would have the same variance.
///
/// For N phases and terms that have the covariance r_k at a distance of k of them,
///
/// ```text
/// edf = (tr R)^2 / tr(R^2) = M / (1 + 2 sum_{k=1}^{M-1} (1 - k/M) (r_k / r_0)^2)
/// ```
///
/// with M terms and R_ij = r_{i-j} (C. Greenhall and W. Riley, "Uncertainty of Stability Variances
/// Based on Finite Differences", 2003), for phases that are read off at points. The sum takes a time
/// that grows with the logarithm of m.
///
/// For TOTDEV it is b T / tau - c (NIST SP 1065, table 7), which is made for long taus and promises more
/// terms than there are at short ones; so it is not more than if the terms beyond the ends were as good
/// as those of [`oadev`](super::oadev).
///
/// `None` where there is no term; for TOTDEV of white and flicker PM, of which the table says nothing;
/// and for TIE rms and MTIE, which no such number describes.
///
/// ```
/// use clockfit::stats::stability::{Noise, Statistic, edf};
/// let of_noise = |noise| edf(Statistic::Oadev, noise, 1001, 10).map(f64::round);
/// assert_eq!(of_noise(Noise::WhitePm), Some(507.0));
/// assert_eq!(of_noise(Noise::WhiteFm), Some(146.0));
/// assert_eq!(of_noise(Noise::RandomWalkFm), Some(91.0));
/// ```
pub fn edf(statistic: Statistic, noise: Noise, points: usize, m: usize) -> Option<f64> {
    let terms = statistic.terms(points, m);
    if terms == 0 {
        return None;
    }
    let of = |weights, averaged, step| {
        let correlation = Correlation::new(noise, weights, averaged, m);
        Some(correlation.edf(terms, count(step)))
    };
    match statistic {
        Statistic::Adev => of(SECOND, false, m),
        Statistic::Oadev => of(SECOND, false, 1),
        Statistic::Hdev => of(THIRD, false, m),
        Statistic::Ohdev => of(THIRD, false, 1),
        Statistic::Mdev | Statistic::Tdev => of(THIRD, true, 1),
        Statistic::Totdev => total(noise, points, m),
        Statistic::TieRms | Statistic::Mtie => None,
    }
}

/// b T / tau - c of TOTDEV, with b and c of NIST SP 1065, table 7, as far as it is not too much.
fn total(noise: Noise, points: usize, m: usize) -> Option<f64> {
    let (b, c) = match noise {
        Noise::WhitePm | Noise::FlickerPm => return None,
        Noise::WhiteFm => (1.50, 0.0),
        Noise::FlickerFm => (1.17, 0.22),
        Noise::RandomWalkFm => (0.93, 0.36),
    };
    let of_long_taus = b * double(count(points) - 1) / double(count(m)) - c;
    let inner = edf(Statistic::Oadev, noise, points, m);
    let terms = |statistic: Statistic| double(statistic.terms(points, m));
    Some(inner.map_or(of_long_taus, |inner| {
        of_long_taus.min(inner * terms(Statistic::Totdev) / terms(Statistic::Oadev))
    }))
}

/// The correlation of differences at lag m of power-law noise.
struct Correlation {
    covariance: Covariance,
    weights: &'static [f64],
    m: u64,
    /// Whether terms further apart than they are long are independent.
    ends: bool,
    /// r_0
    variance: f64,
}

impl Correlation {
    fn new(noise: Noise, weights: &'static [f64], averaged: bool, m: usize) -> Self {
        let mut correlation = Self {
            covariance: Covariance::new(noise, averaged),
            weights,
            m: count(m),
            ends: !matches!(noise, Noise::FlickerPm | Noise::FlickerFm),
            variance: 1.0,
        };
        correlation.variance = correlation.at(0.0);
        correlation
    }

    /// r_k / r_0
    fn at(&self, lag: f64) -> f64 {
        let m = double(self.m);
        let mut sum = self.weights[0] * self.covariance.at(lag);
        for (n, weight) in (1u32..).zip(&self.weights[1..]) {
            let shift = f64::from(n) * m;
            sum += weight * (self.covariance.at(lag - shift) + self.covariance.at(lag + shift));
        }
        sum / self.variance
    }

    /// The equivalent degrees of freedom of `terms` terms, each `step` behind the one before: 1 or m.
    fn edf(&self, terms: u64, step: u64) -> f64 {
        let all = double(terms);
        let reach = if self.ends {
            count(self.weights.len())
        } else {
            FAR
        };
        let last = (terms - 1).min(reach * self.m / step);
        let share = |k: f64| (1.0 - k / all) * self.at(k * double(step)).powi(2);
        let sum = if step > 1 {
            // At most as many as multiples of m.
            (1..=last).map(double).map(share).sum()
        } else {
            self.over_lags(last, share)
        };
        all / (1.0 + 2.0 * sum)
    }

    /// The sum of `share` over 1..=`last`, which is smooth but for the multiples of m at which a weight
    /// stands.
    fn over_lags(&self, last: u64, share: impl Fn(f64) -> f64) -> f64 {
        let corners = (0..count(self.weights.len())).map(|corner| (corner * self.m).min(last));
        let corners: Vec<u64> = corners.chain([last]).collect();
        let between = |pair: &[u64]| smooth(pair[0], pair[1], &share);
        corners.windows(2).map(between).sum()
    }
}

/// Lags next to a corner that are added up one by one. Further out, half a step less included, no
/// argument of a covariance is within its table.
const NEAR: u64 = SINGULAR as u64 + 1;

/// The sum of `share` over whole numbers from the one behind `from` to `to`, in time that grows with the
/// logarithm of their number. At either end it may have a corner, to which its values rise or fall as
/// powers and logarithms of the distance do: pieces of doubling length then fit it well.
fn smooth(from: u64, to: u64, share: &impl Fn(f64) -> f64) -> f64 {
    let one_by_one = |from: u64, to: u64| -> f64 { (from + 1..=to).map(double).map(share).sum() };
    if to - from <= 4 * NEAR {
        return one_by_one(from, to);
    }
    let middle = from + (to - from) / 2;
    let mut sum = one_by_one(from, from + NEAR) + one_by_one(to - NEAR, to);
    let mut near = NEAR;
    while from + near < middle {
        let far = (2 * near).min(middle - from);
        sum += piece(from + near, from + far, share);
        near = far;
    }
    let mut near = NEAR;
    while to - near > middle {
        let far = (2 * near).min(to - middle);
        sum += piece(to - far, to - near, share);
        near = far;
    }
    sum
}

/// Nodes and weights of Gauss-Legendre quadrature with 8 points on -1 to 1 (Abramowitz and Stegun,
/// table 25.4), for one side.
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// The sum of a smooth function over the whole numbers behind `from` to `to`: its integral from half a
/// step behind `from` to half a step behind `to`, less the first term of what the two differ by
/// (Euler-Maclaurin formula at midpoints).
fn piece(from: u64, to: u64, share: &impl Fn(f64) -> f64) -> f64 {
    let (from, to) = (double(from) + 0.5, double(to) + 0.5);
    let (centre, half) = ((from + to) / 2.0, (to - from) / 2.0);
    let pair = |(node, weight): (f64, f64)| {
        weight * (share(centre - half * node) + share(centre + half * node))
    };
    let integral: f64 = GAUSS.into_iter().map(pair).sum();
    let slope = |at: f64| share(at + 0.5) - share(at - 0.5);
    integral * half - (slope(to) - slope(from)) / 24.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of points, far below 2^53"
)]
fn double(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The traces of whole matrices of autocovariances, for 1001 phases. There a random walk takes 200
    /// steps a point, and here it is the limit of that: they differ by up to 1e-5.
    #[test]
    fn reproduces_the_exact_table() {
        let text = include_str!("../../../tests/data/stability/edf_exact_first_principles.csv");
        let columns = [
            (Statistic::Oadev, Noise::WhitePm),
            (Statistic::Oadev, Noise::WhiteFm),
            (Statistic::Oadev, Noise::RandomWalkFm),
            (Statistic::Mdev, Noise::WhitePm),
            (Statistic::Mdev, Noise::WhiteFm),
        ];
        let mut values = 0;
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let m: usize = fields[0].parse().unwrap();
            for ((statistic, noise), wanted) in columns.into_iter().zip(&fields[1..]) {
                let wanted: f64 = wanted.parse().unwrap();
                let got = edf(statistic, noise, 1001, m).unwrap();
                let off = (got / wanted - 1.0).abs();
                let steps = noise == Noise::RandomWalkFm;
                let tolerance = if steps { 1e-5 } else { 1e-12 };
                assert!(
                    off < tolerance,
                    "{statistic:?} {noise:?} {m}: {got}, off by {off:e}"
                );
                values += 1;
            }
        }
        assert_eq!(values, 30);
    }

    /// Pieces of doubling length add up to what single lags do.
    #[test]
    fn long_sums_are_those_of_single_lags() {
        let of = |noise, weights, averaged| {
            let m = 5_003;
            let correlation = Correlation::new(noise, weights, averaged, m);
            let share = |k: f64| (1.0 - k / 400_000.0) * correlation.at(k).powi(2);
            let last = if correlation.ends { 4 } else { 64 } * count(m);
            let wanted: f64 = (1..=last).map(double).map(share).sum();
            let got = correlation.over_lags(last, share);
            let off = (got / wanted - 1.0).abs();
            assert!(
                off < 1e-9,
                "{noise:?} {} {averaged}: off by {off:e}",
                weights.len()
            );
        };
        for noise in Noise::ALL {
            of(noise, SECOND, false);
            of(noise, THIRD, false);
            of(noise, THIRD, true);
        }
    }
    #[test]
    fn one_term_has_one_degree_of_freedom() {
        for noise in Noise::ALL {
            for statistic in [
                Statistic::Adev,
                Statistic::Oadev,
                Statistic::Hdev,
                Statistic::Ohdev,
            ] {
                let largest = statistic.largest_factor(31);
                assert_eq!(statistic.terms(31, largest), 1);
                assert_eq!(edf(statistic, noise, 31, largest), Some(1.0));
                assert_eq!(edf(statistic, noise, 31, largest + 1), None);
            }
            assert_eq!(edf(Statistic::Mdev, noise, 30, 10), Some(1.0));
            assert_eq!(edf(Statistic::Mtie, noise, 31, 1), None);
        }
        assert_eq!(edf(Statistic::Totdev, Noise::WhitePm, 31, 1), None);
        assert_eq!(edf(Statistic::Totdev, Noise::WhiteFm, 31, 30), Some(1.5));
    }

    /// Ten million points take no longer than a thousand, and no digit is lost on the way.
    #[test]
    fn long_series_have_as_many_as_their_length_promises() {
        for noise in Noise::ALL {
            for statistic in [Statistic::Oadev, Statistic::Mdev, Statistic::Ohdev] {
                let short = edf(statistic, noise, 100_000, 1_000).unwrap();
                let long = edf(statistic, noise, 10_000_000, 100_000).unwrap();
                // Only flicker PM and white PM see how long m is, and only without averaging.
                let alike = (long / short - 1.0).abs();
                let scaled = !matches!(noise, Noise::WhitePm | Noise::FlickerPm);
                let tolerance = if scaled || statistic == Statistic::Mdev {
                    2e-3
                } else {
                    1e4
                };
                assert!(alike < tolerance, "{noise:?} {statistic:?}: {short} {long}");
            }
        }
    }
}
