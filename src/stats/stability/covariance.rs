//! [`Covariance`]: how differences of power-law noise depend on one another.

use super::noise::Noise;

/// Distances from 0 below which functions of flicker noise are taken from a table of their values at
/// whole numbers, and from which on series for large ones are right to the last bits.
pub(super) const SINGULAR: usize = 32;

/// -zeta'(-2) = zeta(3) / (4 pi^2)
const ZETA_2: f64 = 0.030_448_457_058_393_27;

/// zeta'(-3)
const ZETA_3: f64 = 0.005_378_576_357_774_30;

/// Half the digamma function of 1/2, negated: gamma/2 + ln 2.
const HALF_DIGAMMA: f64 = 0.981_755_013_010_711_7;

/// The generalised autocovariance g of phases that are power-law noise, up to a constant factor: the
/// covariance of any two differences of them that are stationary is a sum of values of g.
///
/// Phases are read off at points, as an NTP client or a time interval counter does, and not averaged
/// over tau0. At a lag of k points:
///
/// | noise | g(k) | `averaged`: h(k) |
/// |---|---|---|
/// | white PM | 1 at 0, else 0 | -\|k\|/2 |
/// | flicker PM | -A(k) | (k^2 - 1/4) A(k) / 2 |
/// | white FM | -\|k\|/2 | (\|k\|^3 - \|k\|) / 12 |
/// | flicker FM | k^2 ln \|k\| | - sum_{j<\|k\|} (\|k\|-j) j^2 ln j |
/// | random walk FM | \|k\|^3 / 12 | -(3 \|k\|^5 - 5 \|k\|^3 + 2 \|k\|) / 720 |
///
/// with A(k) = sum_{j=1}^{\|k\|} 1 / (2j-1). The last three are those of continuous noise (C. Greenhall
/// and W. Riley, "Uncertainty of Stability Variances Based on Finite Differences", 2003, in the limit
/// of no averaging). White and flicker PM have no such limit: they are noise up to half the sampling
/// frequency, and flicker PM is what half a summation makes of white noise (N. Kasdin, "Discrete
/// Simulation of Colored Noise", 1995), whose spectrum is 1 / (2 sin(pi f tau0)).
///
/// For sums of phases the function is h, of which -g is the second difference; terms in k^2 and k^4
/// are left out where a third difference of the sums does not see them.
pub(super) struct Covariance {
    noise: Noise,
    averaged: bool,
    /// Flicker noise at whole numbers below [`SINGULAR`].
    table: [f64; SINGULAR],
}

impl Covariance {
    /// That of phases, or of their sums.
    pub(super) fn new(noise: Noise, averaged: bool) -> Self {
        let mut table = [0.0; SINGULAR];
        let (mut harmonic, mut squares, mut cubes) = (0.0, 0.0, 0.0);
        for (k, entry) in (0u32..).zip(&mut table) {
            let t = f64::from(k);
            *entry = match (noise, averaged) {
                (Noise::FlickerPm, _) => harmonic,
                // The sums of (k-j) j^2 ln j over j below k.
                _ => t * squares - cubes,
            };
            harmonic += 1.0 / (2.0 * t + 1.0);
            if k > 0 {
                squares += t * t * t.ln();
                cubes += t * t * t * t.ln();
            }
        }
        Self {
            noise,
            averaged,
            table,
        }
    }

    /// Its value at a lag, which is whole below [`SINGULAR`].
    pub(super) fn at(&self, lag: f64) -> f64 {
        let t = lag.abs();
        match (self.noise, self.averaged) {
            (Noise::WhitePm, false) => f64::from(u8::from(t == 0.0)),
            (Noise::FlickerPm, false) => -self.harmonic(t),
            (Noise::FlickerPm, true) => (t * t - 0.25) * self.harmonic(t) / 2.0,
            (Noise::WhitePm, true) | (Noise::WhiteFm, false) => -t / 2.0,
            (Noise::WhiteFm, true) => (t.powi(3) - t) / 12.0,
            (Noise::FlickerFm, false) if t == 0.0 => 0.0,
            (Noise::FlickerFm, false) => t * t * t.ln(),
            (Noise::FlickerFm, true) => -self.summed_flicker(t),
            (Noise::RandomWalkFm, false) => t.powi(3) / 12.0,
            (Noise::RandomWalkFm, true) => -(3.0 * t.powi(5) - 5.0 * t.powi(3) + 2.0 * t) / 720.0,
        }
    }

    /// The sum of 1/(2j-1) up to t.
    fn harmonic(&self, t: f64) -> f64 {
        self.tabulated(t).unwrap_or_else(|| {
            let y = 1.0 / (t * t);
            let series = y * (1.0 / 24.0 - y * (7.0 / 960.0 - y * 31.0 / 8064.0));
            (t.ln() + series) / 2.0 + HALF_DIGAMMA
        })
    }

    /// The sum of (t-j) j^2 ln j over j below t, by the Euler-Maclaurin formula.
    fn summed_flicker(&self, t: f64) -> f64 {
        self.tabulated(t).unwrap_or_else(|| {
            let (ln, y) = (t.ln(), t * t);
            y * y * (ln / 12.0 - 7.0 / 144.0) - y * ln / 12.0
                + ZETA_2 * t
                + ln / 120.0
                + ZETA_3
                + 1.0 / 80.0
                + 1.0 / (3024.0 * y)
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lags are positive, and only whole ones are below the length of the table"
    )]
    fn tabulated(&self, t: f64) -> Option<f64> {
        self.table.get(t as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beyond the table come series: they must go on where it ends.
    #[test]
    fn series_continue_the_tables() {
        for (noise, averaged) in [
            (Noise::FlickerPm, false),
            (Noise::FlickerPm, true),
            (Noise::FlickerFm, true),
        ] {
            let covariance = Covariance::new(noise, averaged);
            let mut direct = 0.0;
            let (mut harmonic, mut squares, mut cubes) = (0.0, 0.0, 0.0);
            for k in 0..200 {
                let t = f64::from(k);
                let wanted = match (noise, averaged) {
                    (Noise::FlickerPm, false) => -harmonic,
                    (Noise::FlickerPm, true) => (t * t - 0.25) * harmonic / 2.0,
                    _ => cubes - t * squares,
                };
                direct = covariance.at(t) - wanted;
                let tolerance = 1e-14 * wanted.abs().max(1.0);
                assert!(
                    direct.abs() <= tolerance,
                    "{noise:?} {averaged} {k}: {direct:e}"
                );
                harmonic += 1.0 / (2.0 * t + 1.0);
                if k > 0 {
                    squares += t * t * t.ln();
                    cubes += t.powi(3) * t.ln();
                }
            }
            let _ = direct;
        }
    }

    /// -g is the second difference of h, but for what a third difference of sums does not see.
    #[test]
    fn sums_of_phases_are_what_phases_add_up_to() {
        for noise in Noise::ALL {
            let (g, h) = (Covariance::new(noise, false), Covariance::new(noise, true));
            // The fourth difference of both sides takes squares and constants away.
            let second = |f: &dyn Fn(f64) -> f64, k: f64| f(k + 1.0) - 2.0 * f(k) + f(k - 1.0);
            for k in 0..30 {
                let k = f64::from(k);
                let left = |k: f64| second(&|k| h.at(k), k) + g.at(k);
                let residue = second(&left, k);
                let scale = second(&|k| g.at(k), k).abs().max(1e-3);
                assert!(
                    residue.abs() < 1e-9 * scale.max(1.0),
                    "{noise:?} {k}: {residue:e}"
                );
            }
        }
    }
}
