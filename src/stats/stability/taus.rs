//! [`Taus`]: at which averaging times a statistic is taken.

/// Averaging factors m, each for the averaging time tau = m tau0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taus {
    /// 1, 2, 4, 8...: what power-law noise needs, for the values at other taus say little more.
    Octave,
    /// 1, 2, 4, 10, 20, 40, 100...: three a decade, the steps of Stable32.
    Decade,
    /// Every one. The time this takes grows with the square of the number of points.
    All,
    /// These. What a series is too short for is left out, and so is 0.
    These(Vec<usize>),
}

impl Taus {
    /// The factors from 1 to `largest`, ascending, each once.
    ///
    /// ```
    /// use clockfit::stats::stability::Taus;
    /// assert_eq!(Taus::Octave.factors(9), [1, 2, 4, 8]);
    /// assert_eq!(Taus::Decade.factors(40), [1, 2, 4, 10, 20, 40]);
    /// assert_eq!(Taus::All.factors(3), [1, 2, 3]);
    /// assert_eq!(Taus::These(vec![5, 0, 2, 5, 7]).factors(6), [2, 5]);
    /// ```
    pub fn factors(&self, largest: usize) -> Vec<usize> {
        match self {
            Self::Octave => powers(1, 2, largest).collect(),
            Self::Decade => {
                let mut factors: Vec<usize> = [1, 2, 4]
                    .into_iter()
                    .flat_map(|first| powers(first, 10, largest))
                    .collect();
                factors.sort_unstable();
                factors
            }
            Self::All => (1..=largest).collect(),
            Self::These(factors) => {
                let fits = |m: &usize| (1..=largest).contains(m);
                let mut factors: Vec<usize> = factors.iter().copied().filter(fits).collect();
                factors.sort_unstable();
                factors.dedup();
                factors
            }
        }
    }
}

fn powers(first: usize, base: usize, largest: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(first), move |power| power.checked_mul(base))
        .take_while(move |power| *power <= largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_range_are_kept() {
        for taus in [Taus::Octave, Taus::Decade, Taus::All, Taus::These(vec![1])] {
            assert_eq!(taus.factors(0), [0; 0]);
            assert_eq!(taus.factors(1), [1]);
        }
        assert_eq!(Taus::Octave.factors(usize::MAX).len(), 64);
        assert_eq!(Taus::Decade.factors(usize::MAX).len(), 58);
        assert_eq!(Taus::Decade.factors(399).last(), Some(&200));
    }
}
