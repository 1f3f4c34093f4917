//! Shares of what was tried: how large they may be, and whether one is larger than another.

/// Millionths: what shares are counted in.
const MILLION: u32 = 1_000_000;
/// Half of what a two-sided 95 % interval leaves out.
const TAIL: f64 = 0.025;

/// Of more tries than this, as many are looked at as stand for all of them: what there is to know is known long before.
const MOST_TRIES: u64 = 10_000;

/// Between which shares one is, in millionths, where `hits` of `tries` hit: the exact 95 % interval of C. Clopper and
/// E. Pearson ("The use of confidence or fiducial limits illustrated in the case of the binomial", 1934), rounded
/// outward. Anything, where nothing was tried. More hits than tries count as all. Takes 40 sums over `tries`; more than
/// ten thousand are taken for as many, which leaves the interval a little too wide.
///
/// ```
/// use clockfit::stats::share_interval;
/// assert_eq!(share_interval(0, 80), (0, 45_065)); // 1 - 0.025^(1/80)
/// assert_eq!(share_interval(0, 0), (0, 1_000_000));
/// ```
pub fn share_interval(hits: u64, tries: u64) -> (u32, u32) {
    if tries == 0 {
        return (0, MILLION);
    }
    let hits = hits.min(tries);
    if tries > MOST_TRIES {
        let (below, above) = (scaled(hits, tries, false), scaled(hits, tries, true));
        return (
            share_interval(below, MOST_TRIES).0,
            share_interval(above, MOST_TRIES).1,
        );
    }
    let terms = LogTerms::of(tries);
    // So many hits or more are the less likely the smaller the share.
    let lower = last(|share| terms.at_least(hits, share) <= TAIL);
    // So many hits or fewer are the less likely the larger it is.
    let upper = last(|share| terms.at_least(hits + 1, share) < 1.0 - TAIL);
    match hits {
        0 => (0, (upper + 1).min(MILLION)),
        all if all == tries => (lower, MILLION),
        _ => (lower, (upper + 1).min(MILLION)),
    }
}

/// As many of [`MOST_TRIES`] as `hits` are of `tries`.
fn scaled(hits: u64, tries: u64, up: bool) -> u64 {
    let product = u128::from(hits) * u128::from(MOST_TRIES);
    let tries = u128::from(tries.max(1));
    let share = if up {
        product.div_ceil(tries)
    } else {
        product / tries
    };
    u64::try_from(share).unwrap_or(MOST_TRIES)
}

/// The largest share, in millionths, that `holds`, which holds up to some share and not beyond.
fn last(holds: impl Fn(f64) -> bool) -> u32 {
    let (mut below, mut above) = (0, MILLION);
    while above - below > 1 {
        let middle = below.midpoint(above);
        match holds(f64::from(middle) / f64::from(MILLION)) {
            true => below = middle,
            false => above = middle,
        }
    }
    below
}

/// Logarithms of the numbers of ways to choose.
struct LogTerms {
    ways: Vec<f64>,
}

impl LogTerms {
    fn of(tries: u64) -> Self {
        let mut ways = vec![0.0];
        let mut sum = 0.0;
        for k in 1..=tries {
            sum += count(tries - k + 1).ln() - count(k).ln();
            ways.push(sum);
        }
        Self { ways }
    }

    /// The probability of `hits` or more, where each try hits with probability `share`.
    fn at_least(&self, hits: u64, share: f64) -> f64 {
        let (hit, miss) = (share.ln(), (-share).ln_1p());
        let tries = self.ways.len() - 1;
        let hits = usize::try_from(hits).unwrap_or(usize::MAX);
        let of = |(k, ways): (usize, &f64)| {
            let log = ways + times(k, hit) + times(tries - k, miss);
            log.exp()
        };
        self.ways.iter().enumerate().skip(hits).map(of).sum()
    }
}

/// Nothing times anything is nothing, the logarithm of zero too.
fn times(n: usize, log: f64) -> f64 {
    match n {
        0 => 0.0,
        n => count(u64::try_from(n).unwrap_or(u64::MAX)) * log,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts below 2^53: nobody tries more often"
)]
fn count(n: u64) -> f64 {
    n as f64
}

/// How likely it is that of as many hits in all, so many or more fall to the second of two rows of tries, if both hit
/// alike: the one-sided exact test of R. A. Fisher ("The design of experiments", 1935, section 11). Each row is
/// `(hits, tries)`. 1 where there is nothing to tell.
///
/// ```
/// use clockfit::stats::larger_share_by_chance;
/// // The lady who tastes tea: all four cups found.
/// assert!((larger_share_by_chance((0, 4), (4, 4)) - 1.0 / 70.0).abs() < 1e-12);
/// ```
pub fn larger_share_by_chance(first: (u64, u64), second: (u64, u64)) -> f64 {
    // Rounded so that the two are rather closer than they are.
    let few = |(hits, tries): (u64, u64), up| match tries > MOST_TRIES {
        true => (scaled(hits.min(tries), tries, up), MOST_TRIES),
        false => (hits.min(tries), tries),
    };
    let (hits, tries) = few(first, true);
    let (more, others) = few(second, false);
    let (all, total) = (hits + more, tries + others);
    let (of_first, of_second, of_all) = (
        LogTerms::of(tries),
        LogTerms::of(others),
        LogTerms::of(total),
    );
    let ways =
        |of: &LogTerms, k: u64| -> Option<f64> { of.ways.get(usize::try_from(k).ok()?).copied() };
    let Some(in_all) = ways(&of_all, all) else {
        return 1.0;
    };
    let share = |k: u64| -> Option<f64> {
        Some((ways(&of_second, k)? + ways(&of_first, all.checked_sub(k)?)? - in_all).exp())
    };
    let sum: f64 = (more..=all.min(others)).filter_map(share).sum();
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_tables() {
        // Clopper and Pearson's interval of 1 in 10: 0.00253 to 0.44502, of 5 in 10: 0.18709 to 0.81291.
        assert_eq!(share_interval(1, 10), (2_528, 445_017));
        assert_eq!(share_interval(5, 10), (187_086, 812_914));
        assert_eq!(share_interval(10, 10), (691_502, MILLION));
        // More than there can be.
        assert_eq!(share_interval(11, 10), (691_502, MILLION));
    }

    #[test]
    fn however_many_are_claimed_little_is_asked() {
        assert_eq!(share_interval(0, u64::MAX), share_interval(0, 10_000));
        let (lower, upper) = share_interval(u64::MAX / 4, u64::MAX);
        assert!((240_000..250_000).contains(&lower), "{lower}");
        assert!((250_000..260_000).contains(&upper), "{upper}");
        assert!(larger_share_by_chance((0, u64::MAX), (u64::MAX, u64::MAX)) < 1e-9);
        assert!(larger_share_by_chance((u64::MAX, u64::MAX), (0, u64::MAX)) > 0.99);
        // One loss of a million is no more than none.
        assert_eq!(share_interval(1, 1_000_000).0, 0);
    }

    #[test]
    fn the_truth_is_in_95_percent_of_intervals() {
        // By all outcomes of 80 tries, each as likely as it is.
        let terms = LogTerms::of(80);
        for share in [0.01, 0.1, 0.4, 0.75] {
            let covered: f64 = (0..=80)
                .filter(|hits| {
                    let (lower, upper) = share_interval(*hits, 80);
                    let millionths = share * f64::from(MILLION);
                    f64::from(lower) <= millionths && millionths <= f64::from(upper)
                })
                .map(|hits| terms.at_least(hits, share) - terms.at_least(hits + 1, share))
                .sum();
            assert!(covered >= 0.95, "{share}: {covered}");
        }
    }

    #[test]
    fn what_is_lost_at_random_is_no_larger_share() {
        // 0 of 8 against 60 of 80 is no chance, against 4 of 80 it may well be.
        assert!(larger_share_by_chance((0, 8), (60, 80)) < 1e-4);
        assert!(larger_share_by_chance((0, 8), (4, 80)) > 0.5);
        assert!(larger_share_by_chance((6, 8), (60, 80)) > 0.5);
        assert!((larger_share_by_chance((0, 0), (0, 0)) - 1.0).abs() < 1e-12);
        assert!((larger_share_by_chance((3, 8), (0, 80)) - 1.0).abs() < 1e-9);
    }
}
