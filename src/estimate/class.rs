//! [`ClassAssessment`]: distributions of the exchanges that may share one.
//!
//! Up to [`EXACT`] exchanges of a class are held at once, and quantiles are exact. Beyond, they are
//! counted into histograms, part by part, and how far exchanges depend on each other is measured on some
//! of the parts.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use rayon::prelude::*;

use super::census::is_in;
use super::rows::Rows;
use crate::sample::{Class, OfClass, Samples};
use crate::stats::{
    Accumulator, Bins, EncodedHistogram, MeanInflation, NSTAGE, SignedHistogram, Summary,
    distances_from_running_median, jitter, median_of, root_mean_square, running_median,
};
use crate::time::{NANOS_PER_SEC, TimeDelta};

/// Bins of the histogram that is shown: what fits a terminal line beside its two edges.
const SHOWN_BINS: usize = 32;

/// The most exchanges of one class whose quantiles are exact.
const EXACT: usize = 1 << 20;

/// Chunks that are counted together: 2^18 exchanges, so that adding up their histograms costs nothing.
const CHUNKS_IN_PART: usize = 64;

/// In so many parts it is measured how far exchanges depend on each other...
const PARTS_MEASURED: usize = 8;
/// ...by so many of each: to do it for all would take longer than everything else.
const ROWS_MEASURED: usize = 1 << 14;

/// The hour around an exchange in which its offset should be as usual.
const HOUR: i64 = 3_600 * NANOS_PER_SEC;

/// The times of which medians stand for all exchanges, where there are too many for each to be one.
const MEDIAN_OF: i64 = 10 * NANOS_PER_SEC;

/// What the exchanges of one class say. Numbers in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassAssessment {
    /// Which exchanges.
    pub class: Class,
    /// Offset, server - local.
    pub offset: Summary,
    /// Size of the offset, without its sign.
    pub abs_offset: Summary,
    /// Delay, both ways together.
    pub delay: Summary,
    /// Delay beyond the least one (PDV of RFC 5481).
    pub delay_variation: Summary,
    /// T2 - T1: the way out, and the offset.
    pub out: Summary,
    /// T4 - T3: the way back, less the offset.
    pub back: Summary,
    /// T3 - T2: how long the server kept the request.
    pub residence: Summary,
    /// How far offsets are from the median of the hour around them, the drift of the run taken off.
    pub wobble: Summary,
    /// Jitter psi (RFC 5905 section 10, over blocks of eight); absent below two exchanges.
    pub jitter: Option<TimeDelta>,
    /// Offsets in bins of equal width, to be looked at.
    pub bins: Option<Bins>,
    /// Offsets in an HDR histogram, to be merged with others.
    pub histogram: Option<EncodedHistogram>,
}

/// One assessment for each class among `samples`, in the order told at
/// [`SourceAssessment::classes`](super::SourceAssessment::classes).
pub(super) fn assess(samples: &Samples) -> Vec<ClassAssessment> {
    assess_up_to(EXACT, samples)
}

/// The same with another number up to which quantiles are exact.
fn assess_up_to(most: usize, samples: &Samples) -> Vec<ClassAssessment> {
    let all = 0..samples.chunks();
    let mut classes: Vec<ClassAssessment> = samples
        .classes()
        .par_iter()
        .filter_map(|of| match of.n <= most {
            true => exact(of, &Rows::of(samples, all.clone(), of.class)),
            false => counted(of, samples),
        })
        .collect();
    classes.sort_by_key(|c| (Reverse(c.offset.n), !c.class.is_pure(), c.class));
    classes
}

/// The quantities that have a distribution, in one order.
type Each<T> = [T; 8];

/// The values of each quantity.
fn quantities<'a>(rows: &'a Rows, wobble: &'a [i64], of: &OfClass) -> Each<Cow<'a, [i64]>> {
    let beyond = |delay: &i64| delay.saturating_sub(of.least_delay.as_nanos());
    [
        sizes(&rows.offset).into(),
        rows.delay.as_slice().into(),
        rows.delay.iter().map(beyond).collect(),
        rows.out.as_slice().into(),
        rows.back.as_slice().into(),
        rows.residence.as_slice().into(),
        wobble.into(),
        rows.offset.as_slice().into(),
    ]
}

/// The trend that each follows, if any.
fn trends(rows: &Rows) -> Each<Option<Vec<i64>>> {
    let trend = rows.trend();
    let falling = trend.iter().map(|v| v.saturating_neg()).collect();
    [
        Some(sizes(&trend)),
        None,
        None,
        Some(trend.clone()),
        Some(falling),
        None,
        None,
        Some(trend),
    ]
}

fn sizes(values: &[i64]) -> Vec<i64> {
    values.iter().map(|v| v.saturating_abs()).collect()
}

fn summaries(rows: &Rows, wobble: &[i64], of: &OfClass) -> Option<Each<Summary>> {
    let found: Vec<Option<Summary>> = quantities(rows, wobble, of)
        .into_par_iter()
        .zip(trends(rows))
        .map(|(values, trend)| match trend {
            Some(trend) => Summary::of_trending(&values, &trend),
            None => Summary::of_series(&values),
        })
        .collect();
    let found: Option<Vec<Summary>> = found.into_iter().collect();
    found?.try_into().ok()
}

fn exact(of: &OfClass, rows: &Rows) -> Option<ClassAssessment> {
    let points: Vec<(i64, i64)> = rows.at.iter().copied().zip(rows.level()).collect();
    let wobble = distances_from_running_median(&points, HOUR);
    let pairs = rows.offset.iter().copied().zip(rows.delay.iter().copied());
    let mut offsets = rows.offset.clone();
    offsets.sort_unstable();
    let mut histogram = SignedHistogram::new();
    for offset in &offsets {
        histogram.record(*offset);
    }
    let psi = jitter(&pairs.collect::<Vec<_>>());
    ClassAssessment::new(
        of.class,
        summaries(rows, &wobble, of)?,
        psi,
        Bins::of_sorted(&offsets, SHOWN_BINS),
        &histogram,
    )
}

/// What one part of a long run adds.
struct Part {
    counts: Each<Accumulator>,
    inflations: Each<MeanInflation>,
    psi: Option<u64>,
    /// How many blocks of it `psi` is made of.
    blocks: usize,
}

/// The same without holding all exchanges at once.
fn counted(of: &OfClass, samples: &Samples) -> Option<ClassAssessment> {
    let parts = samples.chunks().div_ceil(CHUNKS_IN_PART);
    // Spread evenly over the run.
    let measured = |part: usize| {
        let place = |part: usize| part * PARTS_MEASURED / parts.max(1);
        part == 0 || place(part) != place(part - 1)
    };
    let found: Vec<Part> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let chunks = part * CHUNKS_IN_PART..((part + 1) * CHUNKS_IN_PART).min(samples.chunks());
            Part::of(of, samples, chunks, measured(part))
        })
        .collect();
    let mut counts: Each<Accumulator> = std::array::from_fn(|_| Accumulator::new());
    let mut inflations: Each<MeanInflation> = std::array::from_fn(|_| MeanInflation::default());
    for part in &found {
        for (all, one) in counts.iter_mut().zip(&part.counts) {
            all.merge(one);
        }
        for (all, one) in inflations.iter_mut().zip(&part.inflations) {
            all.merge(one);
        }
    }
    let psi = found
        .iter()
        .filter_map(|part| Some(std::iter::repeat_n(part.psi?, part.blocks)));
    let blocks = psi.clone().map(|part| part.len()).sum::<usize>();
    let psi = root_mean_square(psi.flatten(), u64::try_from(blocks).ok()?);
    let summaries: Option<Vec<Summary>> = counts
        .iter()
        .zip(inflations)
        .map(|(counts, inflation)| counts.summary(inflation.get()))
        .collect();
    let [.., offsets] = &counts;
    let histogram = offsets.histogram();
    ClassAssessment::new(
        of.class,
        summaries?.try_into().ok()?,
        psi,
        Bins::of_histogram(histogram, SHOWN_BINS),
        histogram,
    )
}

impl Part {
    fn of(of: &OfClass, samples: &Samples, chunks: Range<usize>, measured: bool) -> Self {
        let rows = Rows::of(samples, chunks, of.class);
        let wobble = coarse_wobble(&rows);
        let mut inflations: Each<MeanInflation> = std::array::from_fn(|_| MeanInflation::default());
        if measured {
            let head = rows.head(ROWS_MEASURED);
            let of_head = wobble.get(..head.len()).unwrap_or(&wobble);
            for (inflation, summary) in inflations
                .iter_mut()
                .zip(summaries(&head, of_head, of).iter().flatten())
            {
                inflation.add(summary);
            }
        }
        let pairs: Vec<(i64, i64)> = rows
            .offset
            .iter()
            .copied()
            .zip(rows.delay.iter().copied())
            .collect();
        Self {
            counts: quantities(&rows, &wobble, of).map(|values| {
                let mut counts = Accumulator::new();
                values.iter().for_each(|v| counts.record(*v));
                counts
            }),
            inflations,
            psi: jitter(&pairs),
            blocks: pairs.len() / NSTAGE,
        }
    }
}

/// How far offsets are from what is usual in the hour around them, by the medians of each ten seconds.
fn coarse_wobble(rows: &Rows) -> Vec<i64> {
    let level = rows.level();
    let mut medians: Vec<(i64, i64)> = Vec::new();
    let mut lengths = Vec::new();
    let slot = |at: i64| at.div_euclid(MEDIAN_OF);
    let (mut from, mut until) = (0, 0);
    while let Some(first) = rows.at.get(from) {
        let here = slot(*first);
        let rest = rows.at.get(from..).unwrap_or_default();
        until += rest
            .iter()
            .take_while(|at| is_in(**at, here, MEDIAN_OF))
            .count();
        let mut offsets = level.get(from..until).unwrap_or_default().to_vec();
        medians.extend(median_of(&mut offsets).map(|median| (*first, median)));
        lengths.push(until - from);
        from = until;
    }
    let usual = running_median(&medians, HOUR);
    let each = usual.into_iter().zip(lengths);
    let each = each.flat_map(|(usual, n)| std::iter::repeat_n(usual, n));
    level
        .iter()
        .zip(each)
        .map(|(offset, usual)| offset.saturating_sub(usual).saturating_abs())
        .collect()
}

impl ClassAssessment {
    fn new(
        class: Class,
        summaries: Each<Summary>,
        psi: Option<u64>,
        bins: Option<Bins>,
        histogram: &SignedHistogram,
    ) -> Option<Self> {
        let [
            abs_offset,
            delay,
            delay_variation,
            out,
            back,
            residence,
            wobble,
            offset,
        ] = summaries;
        let psi = psi.map(|psi| i64::try_from(psi).unwrap_or(i64::MAX));
        Some(Self {
            class,
            offset,
            abs_offset,
            delay,
            delay_variation,
            out,
            back,
            residence,
            wobble,
            jitter: psi.map(TimeDelta::from_nanos),
            bins,
            // A histogram larger than its format is left out; the summaries stand without it.
            histogram: histogram.encode().ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{CHUNK, Exchange, Mode, Sample, StampSource};
    use crate::stats::QuantileEstimate;
    use crate::time::{Monotonic, Timestamp};

    /// A number that looks like chance (the finalizer of splitmix64).
    fn mixed(k: i64) -> i64 {
        let mut z = k.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ z >> 31) >> 1).unwrap()
    }

    /// Exchanges 100 ms apart, of a clock that drifts by 0.2 ppm; every fifth in another class.
    fn samples(n: i64) -> Samples {
        let mut samples = Samples::default();
        for k in 0..n {
            let noise = mixed(k) % 10_007;
            let drift = k / 50;
            let kernel = k % 5 != 0;
            let source = if kernel {
                StampSource::Kernel
            } else {
                StampSource::User
            };
            let exchange = Exchange {
                t1: Timestamp::from_nanos(1_763_832_000 * NANOS_PER_SEC + k * 100_000_000),
                upper: TimeDelta::from_nanos(50_000 + drift + noise),
                residence: TimeDelta::from_nanos(30_000 + mixed(k + 1) % 777),
                lower: TimeDelta::from_nanos(drift - 40_000 - mixed(-k) % 5_003),
                tx: source,
                rx: source,
                error: TimeDelta::NANOSECOND,
            };
            samples.push(Sample {
                exchange,
                mode: Mode::Basic,
                at: Monotonic::from_nanos(k * 100_000_000),
                at_error: TimeDelta::from_nanos(100),
            });
        }
        samples
    }

    fn summaries_of(class: &ClassAssessment) -> [&Summary; 8] {
        [
            &class.offset,
            &class.abs_offset,
            &class.delay,
            &class.delay_variation,
            &class.out,
            &class.back,
            &class.residence,
            &class.wobble,
        ]
    }

    /// A clock that drifts by far more than noise between two exchanges jitters no less, and its exchanges
    /// depend on each other no more.
    #[test]
    fn drift_is_neither_jitter_nor_dependence() {
        let drifting = |ppb: i64| {
            let mut samples = Samples::default();
            for sample in &self::samples(3_000) {
                let k = sample.at.as_nanos() / 100_000_000;
                let moved = TimeDelta::from_nanos(k * 64 * ppb);
                let mut sample = sample;
                sample.exchange.upper += moved;
                sample.exchange.lower += moved;
                sample.at = Monotonic::from_nanos(k * 64 * NANOS_PER_SEC);
                samples.push(sample);
            }
            assess(&samples).remove(0)
        };
        let still = drifting(0);
        for ppb in [5_000, -50_000] {
            let found = drifting(ppb);
            let both = |of: fn(&Summary) -> Option<i64>| (of(&still.wobble), of(&found.wobble));
            for (a, b) in [both(|s| s.p50.value()), both(|s| s.p95.value())] {
                let (a, b) = (a.unwrap(), b.unwrap());
                assert!((a - b).abs() * 10 < a, "{ppb}: {a} {b}");
            }
            let worth = found.offset.p50.inflation().effective(found.offset.n);
            assert!(worth > found.offset.n / 3, "{ppb}: {worth}");
        }
    }

    #[test]
    fn counting_says_what_holding_all_does_to_a_thousandth() {
        let n = i64::try_from(CHUNK * CHUNKS_IN_PART).unwrap() + 5_000;
        let samples = samples(n);
        let (held, counted) = (assess(&samples), assess_up_to(1_000, &samples));
        assert_eq!(held.len(), 2);
        for (held, counted) in held.iter().zip(&counted) {
            assert_eq!(held.class, counted.class);
            for (n, (a, b)) in (0..).zip(summaries_of(held).into_iter().zip(summaries_of(counted)))
            {
                let exact = |s: &Summary| (s.n, s.min, s.max, s.mean, s.rms);
                // The usual offset around one is the median of all in the hour, or of medians.
                if n < 7 {
                    assert_eq!(exact(a), exact(b), "quantity {n}");
                }
                for ((_, a), (_, b)) in a.quantiles().into_iter().zip(b.quantiles()) {
                    let QuantileEstimate::Known { value, .. } = a else {
                        panic!("{a:?}")
                    };
                    let QuantileEstimate::Known {
                        within: (low, high),
                        ..
                    } = b
                    else {
                        panic!("{b:?}")
                    };
                    let allowed = if n < 7 { 0 } else { 200 };
                    assert!(
                        low - allowed <= value && value <= high + allowed,
                        "{n}: {a:?} {b:?}"
                    );
                    assert!(high - low <= value.abs() / 1_000 + 1, "{b:?}");
                }
            }
            assert_eq!(held.histogram, counted.histogram);
            let psi = |c: &ClassAssessment| c.jitter.unwrap().as_nanos();
            assert!((psi(held) - psi(counted)).abs() <= 2);
            assert_eq!(
                counted.bins.as_ref().map(|b| b.counts.len() > 10),
                Some(true)
            );
        }
    }

    #[test]
    fn threads_change_nothing_in_what_is_counted() {
        let samples = samples(i64::try_from(CHUNK * CHUNKS_IN_PART * 2).unwrap() + 77);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| assess_up_to(1_000, &samples))
        };
        let one = with(1);
        assert_eq!(one, with(2));
        assert_eq!(one, with(16));
    }

    #[test]
    fn drift_is_no_dependence() {
        let [kernel, _] = assess(&samples(2_000)).try_into().unwrap();
        // It rises by 40 ns in all, and noise is 5 us.
        assert!(kernel.offset.p50.value().is_some());
        let worth = |s: &Summary| s.p50.inflation().effective(1_600);
        assert!(worth(&kernel.offset) > 1_000, "{}", worth(&kernel.offset));
        assert!(worth(&kernel.back) > 1_000);
    }
}
