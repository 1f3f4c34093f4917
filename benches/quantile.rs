//! What order statistics, the dependence of observations and a running median cost, beside what one
//! would do without them.

use std::hint::black_box;

use clockfit::stats::{Inflation, Moments, Ranked, Summary, running_median};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Nanoseconds in queues of all sizes up to a quarter of a second.
fn queues(n: usize) -> Vec<i64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    (0..n)
        .map(|_| {
            let most = 1i64 << rng.random_range(4..28);
            rng.random_range(0..most)
        })
        .collect()
}

/// p50, p99 and p99.9 of a million, by rank.
const RANKS: [u64; 3] = [500_000, 990_000, 999_000];

fn nested(values: &mut [i64]) -> [i64; 3] {
    let (_, &mut p50, above) = values.select_nth_unstable(499_999);
    let (_, &mut p99, above) = above.select_nth_unstable(489_999);
    let (_, &mut p99_9, _) = above.select_nth_unstable(8_999);
    [p50, p99, p99_9]
}

fn select(c: &mut Criterion) {
    let mut group = c.benchmark_group("select");
    let values = queues(1_000_000);
    group.throughput(Throughput::Elements(1_000_000));
    group.bench_function("ranked", |b| {
        b.iter_batched(
            || values.clone(),
            |values| Ranked::new(values).at_all(&RANKS),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("select_nth", |b| {
        b.iter_batched_ref(
            || values.clone(),
            |values| nested(values),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("sort", |b| {
        b.iter_batched_ref(
            || values.clone(),
            |values| values.sort_unstable(),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("moments", |b| b.iter(|| Moments::of(black_box(&values))));
    group.finish();
}

fn depend(c: &mut Criterion) {
    let mut group = c.benchmark_group("inflation");
    // A rise of 2^14: correlated throughout, so that every lag up to a quarter is summed.
    let rise: Vec<i64> = (0..1 << 14).collect();
    group.throughput(Throughput::Elements(1 << 12));
    group.bench_function("lag", |b| {
        b.iter(|| Inflation::of_indicator(black_box(&rise), |x| x < 1 << 13));
    });
    // The same sum for one lag, byte by byte.
    let bytes: Vec<u8> = rise.iter().map(|x| u8::from(*x < 1 << 13)).collect();
    group.throughput(Throughput::Elements(1));
    group.bench_function("plain_lag", |b| {
        b.iter(|| {
            let later = black_box(&bytes).iter().skip(77);
            let pairs = bytes.iter().zip(later);
            pairs.map(|(x, later)| u32::from(x & later)).sum::<u32>()
        });
    });
    let values = queues(1 << 17);
    group.throughput(Throughput::Elements(1 << 17));
    group.bench_function("summary_of_series", |b| {
        b.iter(|| Summary::of_series(black_box(&values)));
    });
    group.bench_function("summary", |b| {
        b.iter_batched(|| values.clone(), Summary::of, BatchSize::LargeInput);
    });
    group.finish();
}

fn run(c: &mut Criterion) {
    let mut group = c.benchmark_group("running_median");
    // A day and a half, each second, over an hour.
    let points: Vec<(i64, i64)> = (0..).zip(queues(1 << 17)).collect();
    group.throughput(Throughput::Elements(1 << 17));
    group.bench_function("hour", |b| {
        b.iter(|| running_median(black_box(&points), 3_600));
    });
    // Sorting the same points once.
    group.bench_function("sort", |b| {
        b.iter_batched_ref(
            || points.clone(),
            |points| points.sort_unstable_by_key(|(_, value)| *value),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, select, depend, run);
criterion_main!(benches);
