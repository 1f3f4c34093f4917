//! [`Inflation`]: how many observations of a series say what one independent observation says.

use super::lagged::{BLOCK, Bits, Lagged, Sums, covariances};

/// The share of a series over which correlations are summed at most. Beyond it there are fewer than
/// four stretches of that length, which say nothing about what such stretches have in common.
const LONGEST_LAG: usize = 4;

/// Steps of the machine that one level of detail may take; the rest of the correlation is then
/// looked for among sums of [`BLOCK`] observations. Up to 16 384 observations never need that; 2^20
/// of them after 64 lags. It bounds what a series that hardly returns can cost to a few milliseconds.
const WORK: usize = 1 << 20;

/// Below so many observations a correlation counts only if it is evident: chance alone makes independent
/// ones look alike too often.
const FEW: usize = 50;

/// How many observations of a series are worth one independent observation:
///
/// ```text
/// tau = 1 + 2 (rho_1 + rho_2 + ...)
/// ```
///
/// where rho_k is the autocorrelation at lag k. The mean of n observations is as sure as that of
/// n / tau independent ones. At least 1: what alternates is not counted as more than it is. Whole
/// thousandths, rounded up.
///
/// ```
/// use clockfit::stats::Inflation;
/// let ten = Inflation::from_thousandths(10_000).unwrap();
/// assert_eq!(ten.effective(1_005), 100); // whole ones
/// assert_eq!(ten.total(6), 60); // what stands for six
/// assert_eq!(Inflation::from_thousandths(999), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inflation(u64);

impl Inflation {
    /// Independent observations.
    pub const NONE: Self = Self(Self::UNIT);

    const UNIT: u64 = 1_000;

    /// `None` for less than one.
    pub const fn from_thousandths(thousandths: u64) -> Option<Self> {
        if thousandths >= Self::UNIT {
            Some(Self(thousandths))
        } else {
            None
        }
    }

    /// In whole thousandths.
    pub const fn thousandths(self) -> u64 {
        self.0
    }

    /// How many independent observations `n` of these stand for: n / tau, rounded down. Never more
    /// than `n`.
    pub fn effective(self, n: u64) -> u64 {
        scaled(n, Self::UNIT, self.0, 0)
    }

    /// How many of these stand for `n` independent observations: n tau, rounded up. The smallest
    /// number of which [`effective`](Self::effective) makes `n` again.
    pub fn total(self, n: u64) -> u64 {
        scaled(n, self.0, Self::UNIT, Self::UNIT - 1)
    }

    /// The inflation of the indicator series 1 where `holds`, else 0, of observations in the order
    /// of time. For the rank of a quantile Q this is what counts, not the inflation of the values
    /// themselves: how many of the observations are at or below Q is a sum over it.
    ///
    /// Autocorrelations are taken pair by pair, rho_2k + rho_2k+1, until a pair is not positive
    /// (Geyer, "Practical Markov Chain Monte Carlo", 1992, section 3.3): beyond that point they are
    /// noise. Each of the 2K + 1 that were summed, on both sides, is too small by tau/n, because the
    /// mean it is taken from is that of the same n observations; so tau is divided by
    /// 1 - (2K + 1)/n.
    ///
    /// 1 for fewer than four observations and for a series that is all one or all the other: there
    /// is nothing to be seen of a correlation then. 1, too, for fewer than 50 whose neighbours are no
    /// more alike than by two standard errors, 2/sqrt(n), of what independent ones are. At most
    /// their number.
    ///
    /// ```
    /// use clockfit::stats::Inflation;
    /// let bursts: Vec<i64> = (0..1_200).map(|t| if t % 60 < 20 { 900 } else { 100 }).collect();
    /// let tau = Inflation::of_indicator(&bursts, |delay| delay > 500);
    /// assert!(tau.effective(1_200) < 120);
    /// ```
    pub fn of_indicator(series: &[i64], holds: impl Fn(i64) -> bool) -> Self {
        let bits = Bits::of(series, holds);
        Self::of(&bits).unwrap_or(Self::NONE)
    }

    fn of(bits: &Bits) -> Option<Self> {
        let variance = covariances(bits).next().filter(|variance| *variance > 0)?;
        if bits.count() < FEW && !neighbours_are_alike(bits) {
            return None;
        }
        let (mut sum, mut cells, mut length) = (Correlated::in_series(bits), bits.count(), 1);
        let mut coarse: Option<Sums> = None;
        while sum.is_cut_short {
            let coarser = coarse.map_or_else(|| bits.blocks(), |sums| sums.blocks());
            (sum, cells) = (Correlated::in_series(&coarser), coarser.count());
            coarse = Some(coarser);
            length *= BLOCK;
        }
        let per_observation = sum.mean(cells) / as_f64(length);
        let independent = as_f64(variance) / as_f64(bits.count()).powi(3);
        // However alike they are, all together count as one.
        Self::rounded_up((per_observation / independent).min(as_f64(bits.count())))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to lie between 1 and the length of a series"
    )]
    fn rounded_up(tau: f64) -> Option<Self> {
        let thousandths = (tau * 1e3).ceil();
        let is_inflation = (1e3..1e18).contains(&thousandths);
        is_inflation.then_some(Self(thousandths as u64))
    }
}

/// Whether rho_1 is above its mean of independent observations, -1/n, by more than two of their standard
/// errors, 1/sqrt(n) each (Bartlett, "On the theoretical specification and sampling properties of
/// autocorrelated time-series", 1946).
fn neighbours_are_alike(bits: &Bits) -> bool {
    let n = as_f64(bits.count());
    let mut each = covariances(bits).map(as_f64);
    let (Some(variance), Some(neighbours)) = (each.next(), each.next()) else {
        return false;
    };
    neighbours / variance + 1.0 / n > 2.0 / n.sqrt()
}

/// `n` times `numerator` over `denominator`, plus `carry` of the latter's parts, rounded down.
fn scaled(n: u64, numerator: u64, denominator: u64, carry: u64) -> u64 {
    let parts = u128::from(n) * u128::from(numerator) + u128::from(carry);
    u64::try_from(parts / u128::from(denominator)).unwrap_or(u64::MAX)
}

/// What the correlations in a series of N numbers sum up to.
struct Correlated {
    /// c_0 + 2 (c_1 + ... + c_K), where c_k is N^2 times the sum over i of (x_i - m)(x_(i+k) - m).
    sum: i128,
    /// K.
    lags: usize,
    /// Whether more lags would have cost too much.
    is_cut_short: bool,
}

impl Correlated {
    fn in_series(series: &impl Lagged) -> Self {
        let longest = series.count() / LONGEST_LAG;
        let affordable = WORK / series.work().max(1);
        let mut each = covariances(series);
        let (mut sum, mut lags) = (0, 0);
        for odd in (1..=longest).step_by(2) {
            if odd > affordable {
                let is_cut_short = true;
                return Self {
                    sum,
                    lags,
                    is_cut_short,
                };
            }
            let pair = each.next().zip(each.next());
            let Some((even, odd_one)) = pair else { break };
            if odd == 1 {
                sum -= even;
            }
            if even + odd_one <= 0 {
                break;
            }
            sum += 2 * (even + odd_one);
            lags = odd;
        }
        Self {
            sum,
            lags,
            is_cut_short: false,
        }
    }

    /// The sum for one of `n` numbers, corrected for the mean being that of the same numbers.
    fn mean(&self, n: usize) -> f64 {
        let left = n.saturating_sub(2 * self.lags + 1).max(1);
        as_f64(self.sum) / (as_f64(n).powi(2) * as_f64(left))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "one rounding, of a ratio of whole numbers that is an estimate"
)]
fn as_f64(n: impl TryInto<i128>) -> f64 {
    n.try_into().unwrap_or(i128::MAX) as f64
}

#[cfg(test)]
mod tests;
