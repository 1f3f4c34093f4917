//! Against published tables, against brute force, and against simulated samples whose shift is known.

use super::*;
use proptest::prelude::*;

fn tail(confidence: Probability, among: u64) -> Tail {
    Tail::shared(confidence, among).unwrap()
}

fn tail95() -> Tail {
    tail(Probability::P95, 1)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// Largest U that is significant at 5 % on two sides: the table of Mann and Whitney as textbooks have it (Siegel
/// and Castellan, "Nonparametric Statistics", 2nd edition, and many others).
#[test]
fn ranks_are_those_of_published_critical_values() {
    for (n, m, critical) in [
        (4, 4, 0),
        (3, 5, 0),
        (5, 5, 2),
        (6, 6, 5),
        (5, 8, 6),
        (7, 7, 8),
        (8, 8, 13),
        (9, 9, 17),
        (10, 10, 23),
        (10, 15, 39),
        (15, 15, 64),
        (20, 20, 127),
    ] {
        assert_eq!(
            interval_rank(n, m, tail95()),
            Some(critical + 1),
            "{n}, {m}"
        );
        assert_eq!(interval_rank(m, n, tail95()), Some(critical + 1));
    }
    for (n, m) in [(3, 3), (2, 7), (1, 30)] {
        assert_eq!(interval_rank(n, m, tail95()), None, "{n}, {m}");
    }
    // The least two-sided probability of 5 and 5 is 2/252 = 0.0079, of 4 and 4 it is 2/70 = 0.0286.
    assert_eq!((splits(5, 5), splits(4, 4)), (Some(252), Some(70)));
    let level = |parts| tail(Probability::from_parts(parts).unwrap(), 1);
    assert_eq!(interval_rank(5, 5, level(10_000 - 80)), Some(1));
    assert_eq!(interval_rank(5, 5, level(10_000 - 79)), None);
    assert_eq!(interval_rank(4, 4, level(10_000 - 286)), Some(1));
    assert_eq!(interval_rank(4, 4, level(10_000 - 285)), None);
}

#[test]
fn counts_are_those_of_enumeration() {
    for n in 1..=6_u32 {
        for m in 1..=6_u32 {
            let mut counted = vec![0_u128; usize::try_from(n * m).unwrap() + 1];
            for set in 0_u32..1 << (n + m) {
                if set.count_ones() != n {
                    continue;
                }
                // Of each member of the first sample, how many of the second come before it.
                let pairs = |i: &u32| (0..*i).filter(|j| set >> j & 1 == 0).count();
                let u: usize = (0..n + m)
                    .filter(|i| set >> i & 1 == 1)
                    .map(|i| pairs(&i))
                    .sum();
                counted[u] += 1;
            }
            let total: u128 = counted.iter().sum();
            assert_eq!(splits(n.into(), m.into()), Some(total));
            counted.truncate(usize::try_from(n * m).unwrap() / 2 + 1);
            assert_eq!(statistic_counts(n.into(), m.into()), counted, "{n}, {m}");
        }
    }
}

#[test]
fn the_normal_distribution_takes_over_without_a_jump() {
    assert!(splits(60, 60).is_some() && splits(10, 10_000).is_some());
    assert_eq!(splits(70, 70), None);
    for (n, m) in [(60, 60), (40, 100), (11, 9_000)] {
        for among in [1, 30] {
            let tail = tail(Probability::P95, among);
            let exact = exact_rank(n, m, splits(n, m).unwrap(), tail);
            let normal = normal_rank(n, m, tail);
            // Where it is off it is on the wide side.
            let wide = normal * 100 <= exact * 101 && exact * 95 <= normal * 100;
            assert!(wide, "{n}, {m}: {exact}, {normal}");
        }
    }
    // Far out in the tail there is no rank, and none below.
    assert_eq!(normal_rank(2, 2, tail(Probability::P95, 1_000_000)), 0);
}

#[test]
fn intervals_begin_where_they_are_said_to() {
    for among in [1, 2, 6, 24, 1_000] {
        let tail = tail(Probability::P95, among);
        let n = least_in_each(tail);
        assert!(interval_rank(n, n, tail).is_some(), "{among}");
        assert!(interval_rank(n - 1, n - 1, tail).is_none(), "{among}");
        for q in [Probability::P50, Probability::from_parts(9_000).unwrap()] {
            let n = usize::try_from(least_for_quantile(q, tail).unwrap()).unwrap();
            let told = |n| {
                let some = vec![7; n];
                let shift = quantile_shift(&some, &some, q, (Scale::Difference, tail));
                shift.unwrap().interval
            };
            assert_eq!((told(n), told(n - 1)), (Some((0, 0)), None), "{among}");
        }
    }
    assert_eq!(
        least_for_quantile(Probability::from_parts(10_000).unwrap(), tail95()),
        None
    );
    assert_eq!(Tail::shared(Probability::P95, 0), None);
    assert_eq!(
        Tail::shared(Probability::from_parts(10_000).unwrap(), 1),
        None
    );
    assert_eq!(Tail::shared(Probability::from_parts(0).unwrap(), 1), None);
}

#[test]
fn nothing_comes_of_nothing() {
    for (base, new) in [(&[][..], &[1][..]), (&[1], &[]), (&[], &[])] {
        assert_eq!(
            hodges_lehmann(base, new, Scale::Ratio, tail95()),
            None,
            "{base:?}, {new:?}"
        );
        let of = (Scale::Ratio, tail95());
        assert_eq!(quantile_shift(base, new, Probability::P50, of), None);
    }
    // Too few for an interval, and one estimate.
    let few = hodges_lehmann(&[10], &[13], Scale::Difference, tail95()).unwrap();
    assert_eq!((few.estimate, few.interval), (3, None));
}

#[test]
fn ratios_are_parts_per_million_and_rounded_outward() {
    let told = |base: &[i64], new: &[i64]| {
        let shift = hodges_lehmann(base, new, Scale::Ratio, tail95()).unwrap();
        (shift.estimate, shift.interval.unwrap())
    };
    let (estimate, (lower, upper)) = told(&[1_000; 4], &[1_200; 4]);
    assert_eq!(estimate, 200_000);
    assert!((199_999..=200_000).contains(&lower) && (200_000..=200_001).contains(&upper));
    assert_eq!(told(&[5; 4], &[5; 4]), (0, (0, 0)));
    // Nothing is taken for one, and the largest there is does not overflow.
    assert_eq!(told(&[0; 4], &[-7; 4]), (0, (0, 0)));
    assert_eq!(told(&[0; 4], &[i64::MAX; 4]).1.1, i64::MAX);
    assert_eq!(told(&[i64::MAX; 4], &[0; 4]).1.0, -1_000_000);
}

/// Whatever the distribution is, an interval misses no more often than it says, here over 10 000 samples of a kind;
/// the rounded values have many ties.
#[test]
fn intervals_hold_the_shift_as_often_as_they_say() {
    type Draw = fn(&mut Random) -> f64;
    let kinds: [(&str, Draw); 4] = [
        ("exponential", |r| {
            -1e6 * (1.0 - 0.999_999 * r.uniform()).ln()
        }),
        ("uniform", |r| 1e6 * r.uniform()),
        ("of two humps", |r| {
            1e6 * (r.uniform() + if r.uniform() < 0.3 { 9.0 } else { 0.0 })
        }),
        ("with ties", |r| (4.0 * r.uniform()).floor()),
    ];
    for (place, (name, draw)) in (1_u64..).zip(kinds) {
        let mut random = Random(place);
        let mut draw = |n: u32, shift: f64| -> Vec<i64> {
            #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
            (0..n)
                .map(|_| (draw(&mut random) + shift).round() as i64)
                .collect()
        };
        for (n, m) in [(5, 5), (10, 7)] {
            let (mut low, mut high, mut median_missed) = (0, 0, 0);
            const RUNS: u32 = 5_000;
            for _ in 0..RUNS {
                let (base, new) = (draw(n, 0.0), draw(m, 10.0));
                let shift = hodges_lehmann(&base, &new, Scale::Difference, tail95());
                let (lower, upper) = shift.unwrap().interval.unwrap();
                low += u32::from(lower > 10);
                high += u32::from(upper < 10);
                let of = (Scale::Difference, tail95());
                let median = quantile_shift(&base, &new, Probability::P50, of).unwrap();
                median_missed += median
                    .interval
                    .map_or(0, |(lower, upper)| u32::from(lower > 10 || upper < 10));
            }
            // 2.5 % of 5 000, and three standard deviations of that count.
            let most = 125 + 33;
            assert!(low <= most && high <= most, "{name}: {low} and {high}");
            assert!(median_missed <= 250 + 46, "{name}: {median_missed}");
        }
    }
}

proptest! {
    #[test]
    fn ranks_among_pairs_are_those_of_sorting_them(
        base in prop::collection::vec(-50_i64..50, 1..12),
        new in prop::collection::vec(-50_i64..50, 1..12),
    ) {
        let pairs = Pairs::new(&base, &new, Scale::Difference);
        let mut all: Vec<i64> = new.iter().flat_map(|n| base.iter().map(move |b| n - b)).collect();
        all.sort_unstable();
        for (rank, difference) in (1..).zip(&all) {
            prop_assert_eq!(Scale::Difference.number(pairs.at(rank), f64::round), *difference);
            prop_assert!(pairs.at(rank).is_sign_positive() || *difference != 0);
        }
    }

    #[test]
    fn the_other_way_round_it_is_the_opposite(
        base in prop::collection::vec(any::<i32>(), 4..30),
        new in prop::collection::vec(any::<i32>(), 4..30),
    ) {
        let wide = |values: &[i32]| -> Vec<i64> { values.iter().map(|v| i64::from(*v)).collect() };
        let (base, new) = (wide(&base), wide(&new));
        let told = |a: &[i64], b: &[i64]| hodges_lehmann(a, b, Scale::Difference, tail95()).unwrap();
        let (there, back) = (told(&base, &new), told(&new, &base));
        prop_assert_eq!(there.estimate, -back.estimate);
        let (lower, upper) = there.interval.unwrap();
        prop_assert_eq!(back.interval.unwrap(), (-upper, -lower));
        prop_assert!(lower <= there.estimate && there.estimate <= upper);
    }

    #[test]
    fn any_numbers_have_an_answer(
        base in prop::collection::vec(any::<i64>(), 1..9),
        new in prop::collection::vec(any::<i64>(), 1..9),
        among in 1_u64..1_000,
    ) {
        for scale in [Scale::Difference, Scale::Ratio] {
            let shift = hodges_lehmann(&base, &new, scale, tail(Probability::P95, among)).unwrap();
            if let Some((lower, upper)) = shift.interval {
                prop_assert!(lower <= upper);
            }
            for q in [Probability::P1, Probability::P50, Probability::P99] {
                let of = (scale, tail(Probability::P95, among));
                prop_assert!(quantile_shift(&base, &new, q, of).is_some());
            }
        }
    }
}

/// Logarithms are not exact: what is 5 % more is told as that.
#[test]
fn whole_ratios_have_no_noise() {
    for (base, new, parts) in [
        (1_000, 1_050, 50_000),
        (700, 721, 30_000),
        (3, 6, 1_000_000),
    ] {
        let shift = hodges_lehmann(&[base; 5], &[new; 5], Scale::Ratio, tail95()).unwrap();
        assert_eq!(
            (shift.estimate, shift.interval),
            (parts, Some((parts, parts)))
        );
        let shift = hodges_lehmann(&[new; 5], &[base; 5], Scale::Ratio, tail95()).unwrap();
        let (lower, upper) = shift.interval.unwrap();
        assert!(upper - lower <= 1, "{lower} {upper}");
    }
    // A ratio that is no whole number of parts is still rounded outward.
    let shift = hodges_lehmann(&[3_000_000; 5], &[3_000_001; 5], Scale::Ratio, tail95()).unwrap();
    assert_eq!(shift.interval, Some((0, 1)));
}

/// One strange member is no scatter, and few members show none.
#[test]
fn scatter_is_told_of_many_members_and_not_of_one() {
    let base: Vec<i64> = (0..12).map(|i| 1_000 + 10 * i).collect();
    let times = |factor: i64| -> Vec<i64> { (0..12).map(|i| 1_000 + 10 * factor * i).collect() };
    let told = |new: &[i64]| scatter(&base, new, Scale::Difference);
    assert_eq!(told(&times(2)), Some(Ordering::Equal));
    assert_eq!(told(&times(4)), Some(Ordering::Greater));
    assert_eq!(
        scatter(&times(4), &base, Scale::Difference),
        Some(Ordering::Less)
    );
    assert_eq!(told(&times(9)[..9]), None);
    let mut strange = base.clone();
    strange[5] = 1_000_000;
    assert_eq!(told(&strange), Some(Ordering::Equal));
    assert_eq!(
        scatter(&[7; 10], &[7; 10], Scale::Ratio),
        Some(Ordering::Equal)
    );
}

/// What is known of the median without any shape is the lower end of its interval, or with few members how far the
/// samples are apart.
#[test]
fn the_least_shift_takes_no_shape() {
    let base: Vec<i64> = (0..20).collect();
    let new: Vec<i64> = (100..120).collect();
    let wanted = quantile_shift(&base, &new, Probability::P50, (Scale::Difference, tail95()));
    let wanted = wanted.unwrap().interval.unwrap().0;
    let least = |base: &[i64], new: &[i64]| least_shift(base, new, (Scale::Difference, tail95()));
    assert_eq!(least(&base, &new), Some(wanted));
    assert_eq!(least(&base, &new[..4]), Some(81));
    assert_eq!(least(&base, &[]), None);
}
