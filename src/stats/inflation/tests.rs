use std::f64::consts::{PI, TAU};

use super::super::{Probability, QuantileEstimate, Summary};
use super::*;
use proptest::prelude::*;

/// SplitMix64: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / 4_294_967_296.0
    }

    fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }

    fn normal(&mut self) -> f64 {
        (2.0 * self.exponential()).sqrt() * (TAU * self.uniform()).cos()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "towards zero, of numbers that fit"
)]
fn whole(x: f64) -> i64 {
    x as i64
}

fn tau_of(inflation: Inflation) -> f64 {
    f64::from(u32::try_from(inflation.thousandths()).unwrap()) / 1e3
}

/// A path that is busy for a share of the time, in bursts of a mean length, as a chain of two states:
/// the correlation of being busy falls by the same factor with each step.
#[derive(Clone, Copy)]
struct Bursts {
    share: f64,
    length: f64,
}

impl Bursts {
    fn states(self, n: usize, dice: &mut Dice) -> Vec<bool> {
        let (end, begin) = (
            1.0 / self.length,
            self.share / (1.0 - self.share) / self.length,
        );
        let mut busy = dice.uniform() < self.share;
        let mut step = || {
            let now = busy;
            let dice = dice.uniform();
            busy = if busy { dice >= end } else { dice < begin };
            now
        };
        (0..n).map(|_| step()).collect()
    }

    /// (1 + f) / (1 - f), where f is that factor.
    fn tau(self) -> f64 {
        let factor = 1.0 - 1.0 / self.length / (1.0 - self.share);
        (1.0 + factor) / (1.0 - factor)
    }

    /// Times in a queue: exponentially distributed, of mean 1000 or, in a burst, 10 000.
    fn queue(self, n: usize, dice: &mut Dice) -> Vec<i64> {
        let states = self.states(n, dice);
        let mean = |busy| if busy { 10_000.0 } else { 1_000.0 };
        let mut time = |busy| whole(dice.exponential() * mean(busy));
        states.into_iter().map(&mut time).collect()
    }

    /// The true quantile of that, by bisection.
    fn queue_quantile(self, q: Probability) -> i64 {
        let (mut low, mut high) = (0.0, 1e6);
        for _ in 0..60 {
            let x: f64 = (low + high) / 2.0;
            let above = (1.0 - self.share) * (-x / 1e3).exp() + self.share * (-x / 1e4).exp();
            let is_below = 1.0 - above < f64::from(q.parts()) / 1e4;
            *(if is_below { &mut low } else { &mut high }) = x;
        }
        whole(low)
    }
}

/// A Gaussian series whose correlation falls by `factor` with each step, in thousandths.
fn autoregressive(factor: f64, n: usize, dice: &mut Dice) -> Vec<i64> {
    let mut x = dice.normal();
    let noise = (1.0 - factor * factor).sqrt();
    let mut step = || {
        let now = x;
        x = factor * x + noise * dice.normal();
        whole(now * 1e3)
    };
    (0..n).map(|_| step()).collect()
}

#[test]
fn finds_the_inflation_of_a_chain_of_two_states() {
    let mut dice = Dice(1);
    // The last but one needs one level of blocks at this length, the last two.
    for (share, length) in [
        (0.5, 2.0),
        (0.1, 10.0),
        (0.05, 40.0),
        (0.3, 400.0),
        (0.5, 4_000.0),
    ] {
        let bursts = Bursts { share, length };
        let states = bursts.states(1 << 21, &mut dice);
        let series: Vec<i64> = states.into_iter().map(i64::from).collect();
        let found = tau_of(Inflation::of_indicator(&series, |x| x == 1));
        let truth = bursts.tau();
        assert!((found / truth - 1.0).abs() < 0.15, "{found} for {truth}");
    }
}

/// For a Gaussian series the correlation of its signs is 2/pi times the arc sine of its own (Sheppard's
/// theorem).
#[test]
fn finds_the_inflation_of_the_signs_of_a_gaussian_series() {
    let mut dice = Dice(2);
    for factor in [0.5, 0.9, 0.99] {
        let series = autoregressive(factor, 1 << 18, &mut dice);
        let found = tau_of(Inflation::of_indicator(&series, |x| x < 0));
        let rho = |k| 2.0 / PI * f64::powi(factor, k).asin();
        let truth = 1.0 + 2.0 * (1..3_000).map(rho).sum::<f64>();
        assert!((found / truth - 1.0).abs() < 0.1, "{found} for {truth}");
    }
}

/// Blocks see what single observations show: the same series with and without them.
#[test]
fn levels_of_detail_agree() {
    let mut dice = Dice(3);
    let bursts = Bursts {
        share: 0.3,
        length: 150.0,
    };
    let states = bursts.states(1 << 17, &mut dice);
    let series: Vec<i64> = states.into_iter().map(i64::from).collect();
    let bits = Bits::of(&series, |x| x == 1);
    let of_observations = Correlated::in_series(&bits);
    let of_blocks = Correlated::in_series(&bits.blocks());
    assert!(of_observations.is_cut_short || of_observations.lags > 300);
    let fine: f64 = {
        let mut all = covariances(&bits);
        let mut sum = 0.0;
        for lag in 0..1_500 {
            let value = as_f64(all.next().unwrap());
            sum += if lag == 0 { value } else { 2.0 * value };
        }
        sum / as_f64(bits.count()).powi(3)
    };
    let coarse = of_blocks.mean(bits.blocks().count()) / as_f64(BLOCK);
    assert!((coarse / fine - 1.0).abs() < 0.15, "{coarse} for {fine}");
}

/// By hand: with m = 1/2 the sum at lag 0 is 8/4, at lag 1 (6 - 1)/4, and two lags are all that eight
/// observations allow, of which one fills a pair. So tau = (-8 + 2 (8 + 5))/8 = 2.25, which is
/// divided by 1 - 3/8. Its neighbours are alike by (5/4)/(8/4), 2.1 standard errors above -1/8; those of
/// four observations by 1/4, one standard error above -1/4, which is nothing yet.
#[test]
fn the_sum_of_a_short_series_is_that_of_its_definition() {
    let series = [1, 1, 1, 1, 0, 0, 0, 0];
    let found = Inflation::of_indicator(&series, |x| x == 1);
    assert!((3_600..=3_601).contains(&found.thousandths()), "{found:?}");
    assert_eq!(
        Inflation::of_indicator(&[1, 1, 0, 0], |x| x == 1),
        Inflation::NONE
    );
}

/// Of eight independent observations six suffice for a median, and chance must not often take it away.
#[test]
fn a_few_independent_observations_count_as_such() {
    let mut dice = Dice(9);
    let mut known = 0;
    for _ in 0..2_000 {
        let series: Vec<i64> = (0..8).map(|_| whole(1e3 * dice.uniform())).collect();
        let median = QuantileEstimate::of_series(&series, Probability::P50);
        known += u32::from(median.value().is_some());
    }
    assert!(known > 1_900, "{known}");
}

/// Spikes all over, and bursts above them: at the quantile both count, at the upper end of its interval
/// bursts above all.
#[test]
fn the_dependence_at_the_ends_of_an_interval_counts() {
    let mut dice = Dice(4);
    let series: Vec<i64> = (0..4_000)
        .map(|t| match t % 100 < 3 {
            true => 3_000 + t,
            false if dice.uniform() < 0.025 => 1_000 + t % 7,
            false => t % 13,
        })
        .collect();
    let p95 = QuantileEstimate::of_series(&series, Probability::P95);
    let QuantileEstimate::Known {
        value,
        upper,
        inflation,
        ..
    } = p95
    else {
        panic!("{p95:?}")
    };
    let at = |limit| Inflation::of_indicator(&series, |x| x <= limit);
    assert!(at(value) < inflation && at(upper) <= inflation, "{p95:?}");
}

#[test]
fn what_alternates_counts_as_independent() {
    let series: Vec<i64> = (0..1_000).map(|n| n % 2).collect();
    assert_eq!(
        Inflation::of_indicator(&series, |x| x == 1),
        Inflation::NONE
    );
}

#[test]
fn where_nothing_varies_nothing_is_correlated() {
    assert_eq!(
        Inflation::of_indicator(&[7; 500], |x| x <= 7),
        Inflation::NONE
    );
    assert_eq!(
        Inflation::of_indicator(&[7; 500], |x| x < 7),
        Inflation::NONE
    );
    assert_eq!(Inflation::of_indicator(&[], |x| x < 7), Inflation::NONE);
    assert_eq!(
        Inflation::of_indicator(&[1, 1, 9], |x| x < 7),
        Inflation::NONE
    );
}

#[test]
fn effective_and_total_are_inverse() {
    for thousandths in [1_000, 1_001, 1_999, 2_500, 123_456_789] {
        let tau = Inflation::from_thousandths(thousandths).unwrap();
        for n in [0, 1, 6, 368, 1 << 40] {
            let total = tau.total(n);
            assert_eq!(tau.effective(total), n);
            assert!(total == 0 || tau.effective(total - 1) < n);
        }
        assert_eq!(tau.total(u64::MAX), u64::MAX);
    }
}

/// Of how many seeds in 1000 the interval that a function gives holds the truth, of those for which
/// there is one, and of how many there is.
fn coverage(
    seeds: u64,
    truth: i64,
    mut series: impl FnMut(&mut Dice) -> Vec<i64>,
    estimate: impl Fn(Vec<i64>) -> QuantileEstimate,
) -> (u64, u64) {
    let (mut known, mut held) = (0, 0);
    for seed in 0..seeds {
        let series = series(&mut Dice(seed << 32));
        if let QuantileEstimate::Known { lower, upper, .. } = estimate(series) {
            known += 1;
            held += u64::from(lower <= truth && truth <= upper);
        }
    }
    (1_000 * held / known, 1_000 * known / seeds)
}

/// With 2000 seeds the standard error of a coverage near 95 % is 0.5 %.
#[test]
fn intervals_of_independent_observations_keep_their_confidence() {
    for (n, q) in [
        (40, Probability::P50),
        (400, Probability::P50),
        (400, Probability::P95),
    ] {
        let share_above = 1.0 - f64::from(q.parts()) / 1e4;
        let truth = whole(-share_above.ln() * 1e6);
        let series = |dice: &mut Dice| (0..n).map(|_| whole(dice.exponential() * 1e6)).collect();
        let (held, known) = coverage(2_000, truth, series, |x| QuantileEstimate::of_series(&x, q));
        assert!(held >= 940, "{n} {q:?}: {held}");
        assert!(known >= 970, "{n} {q:?}: {known}");
    }
}

/// The width costs little: of independent observations few are given away.
#[test]
fn independent_observations_count_almost_in_full() {
    let of_mean = |n: usize| {
        let each = (0..200).map(|seed| {
            let mut dice = Dice(seed << 32);
            let series: Vec<i64> = (0..n).map(|_| whole(dice.exponential() * 1e6)).collect();
            tau_of(Summary::of_series(&series).unwrap().p50.inflation())
        });
        each.sum::<f64>() / 200.0
    };
    let (few, many) = (of_mean(100), of_mean(3_000));
    assert!(few < 1.7, "{few}");
    assert!(many < 1.1, "{many}");
}

#[test]
fn intervals_of_bursts_keep_their_confidence_and_plain_ones_do_not() {
    let bursts = Bursts {
        share: 0.3,
        length: 20.0,
    };
    for (n, q, plain_at_most) in [
        (1_200, Probability::P50, 600),
        (2_000, Probability::P95, 750),
    ] {
        let truth = bursts.queue_quantile(q);
        let series = |dice: &mut Dice| bursts.queue(n, dice);
        let of_series = |x: Vec<i64>| QuantileEstimate::of_series(&x, q);
        let plain = |mut x: Vec<i64>| {
            x.sort_unstable();
            QuantileEstimate::of(&x, q)
        };
        let (held, known) = coverage(2_000, truth, series, of_series);
        assert!(held >= 930, "{n} {q:?}: {held}");
        assert!(known >= 970, "{n} {q:?}: {known}");
        let (held, _) = coverage(500, truth, series, plain);
        assert!(held <= plain_at_most, "{n} {q:?}: {held}");
    }
}

/// Half a minute of one observation a second through a Gaussian wander of ten seconds: hardly any
/// interval is given, rather than a wrong one.
#[test]
fn a_series_too_short_for_its_dependence_says_so() {
    let series = |dice: &mut Dice| autoregressive(0.97, 30, dice);
    let of_series = |x: Vec<i64>| QuantileEstimate::of_series(&x, Probability::P50);
    let plain = |mut x: Vec<i64>| {
        x.sort_unstable();
        QuantileEstimate::of(&x, Probability::P50)
    };
    let wrong = |(held, known): (u64, u64)| (1_000 - held) * known / 1_000;
    let honest = wrong(coverage(2_000, 0, series, of_series));
    let naive = wrong(coverage(2_000, 0, series, plain));
    assert!(honest < 150 && naive > 700, "{honest} {naive}");
}

proptest! {
    /// Backwards it is the same series, and so is that of the complement.
    #[test]
    fn inflation_has_no_direction_and_no_sign(
        mut series in prop::collection::vec(0i64..4, 0..400),
        limit in 0i64..4,
    ) {
        let forward = Inflation::of_indicator(&series, |x| x <= limit);
        let complement = Inflation::of_indicator(&series, |x| x > limit);
        series.reverse();
        prop_assert_eq!(Inflation::of_indicator(&series, |x| x <= limit), forward);
        prop_assert_eq!(complement, forward);
        let n = u64::try_from(series.len()).unwrap();
        prop_assert!(forward.effective(n) <= n);
        prop_assert!(forward.thousandths() <= 1_000 * n.max(1));
    }
}
