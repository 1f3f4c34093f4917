//! What a value costs a histogram, and what joining two costs.

use std::hint::black_box;

use clockfit::stats::SignedHistogram;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hdrhistogram::Histogram;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

const VALUES: u64 = 10_000;

/// Offsets in nanoseconds as a quiet network shows them: small, of both signs, with a tail of
/// milliseconds.
fn offsets(seed: u64) -> Vec<i64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..VALUES)
        .map(|_| {
            let size = 1i64 << rng.random_range(4..23);
            rng.random_range(-size..=size)
        })
        .collect()
}

fn filled(seed: u64) -> SignedHistogram {
    let mut histogram = SignedHistogram::new();
    for value in offsets(seed) {
        histogram.record(value);
    }
    histogram
}

fn record(c: &mut Criterion) {
    let mut group = c.benchmark_group("histogram");
    let values = offsets(1);
    group.throughput(Throughput::Elements(VALUES));
    group.bench_function("record", |b| {
        // Grown to its range already, as it is after the first exchanges of a run.
        let mut histogram = filled(1);
        b.iter(|| {
            for &value in black_box(&values) {
                histogram.record(value);
            }
        });
    });
    // The crate alone, without a sign.
    let sizes: Vec<u64> = values.iter().map(|value| value.unsigned_abs()).collect();
    if let Ok(mut histogram) = Histogram::<u64>::new_with_max(1 << 40, 3) {
        group.bench_function("plain_record", |b| {
            b.iter(|| {
                for &size in black_box(&sizes) {
                    histogram.saturating_record(size);
                }
            });
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("six_ranks", |b| {
        let histogram = filled(1);
        b.iter(|| black_box(&histogram).at_ranks([100, 500, 5_000, 9_500, 9_900, 9_990]));
    });
    group.bench_function("merge", |b| {
        let (one, other) = (filled(1), filled(2));
        b.iter_batched_ref(
            || one.clone(),
            |sum| sum.merge(black_box(&other)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, record);
criterion_main!(benches);
