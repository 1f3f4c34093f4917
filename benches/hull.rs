//! The corridor of a million and of ten million intervals, beside the plainest loops: both hulls by a
//! monotone chain in 128 bits, and the intersection of all intervals widened by drift, which knows no rate.

use std::hint::black_box;

use clockfit::stats::Corridor;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Instant, lower and upper end in nanoseconds: one exchange a second, 50 ppm, and queues.
fn intervals(n: i64) -> Vec<(i64, i64, i64)> {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut way = || {
        let most = 1i64 << dice.random_range(4..20);
        500_000 + dice.random_range(0..most)
    };
    (0..n)
        .map(|i| {
            let (x, y) = (i * 1_000_000_000, i * 50_000);
            (x, y - way(), y + way())
        })
        .collect()
}

/// The lower hull of points by rising x.
fn chain(points: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut hull: Vec<(i64, i64)> = Vec::new();
    for (x, y) in points {
        while let [.., (ax, ay), (bx, by)] = hull.as_slice() {
            let cross =
                i128::from(bx - ax) * i128::from(y - ay) - i128::from(by - ay) * i128::from(x - ax);
            if cross > 0 {
                break;
            }
            hull.pop();
        }
        hull.push((x, y));
    }
    hull
}

/// The intersection at the last instant, if the line changes by at most 100 ppm: in nanoseconds.
fn intersection(intervals: &[(i64, i64, i64)]) -> (i64, i64) {
    let mut known = (i64::MIN / 2, i64::MAX / 2);
    let mut before = 0;
    for (x, lower, upper) in intervals {
        let widened = (x - before) / 10_000;
        known = (
            (known.0 - widened).max(*lower),
            (known.1 + widened).min(*upper),
        );
        before = *x;
    }
    known
}

fn hull(c: &mut Criterion) {
    for (n, samples) in [(1_000_000, 20), (10_000_000, 10)] {
        let intervals = intervals(n);
        let mut group = c.benchmark_group(format!("hull of {n}"));
        group.sample_size(samples);
        group.throughput(Throughput::Elements(n.cast_unsigned()));
        group.bench_function("corridor", |b| {
            b.iter(|| {
                let mut corridor = Corridor::default();
                for (x, lower, upper) in &intervals {
                    corridor.push(*x, *lower, *upper);
                }
                black_box(corridor)
            });
        });
        group.bench_function("plain hulls", |b| {
            b.iter(|| {
                let upper = chain(intervals.iter().map(|(x, _, upper)| (*x, *upper)));
                let lower = chain(intervals.iter().map(|(x, lower, _)| (*x, -*lower)));
                black_box((upper, lower))
            });
        });
        group.bench_function("plain intersection with drift", |b| {
            b.iter(|| black_box(intersection(&intervals)));
        });
        group.finish();
    }
}

criterion_group!(benches, hull);
criterion_main!(benches);
