//! What octaves of each statistic cost, and beside OADEV and MTIE what the plainest loops cost.

use std::hint::black_box;

use clockfit::stats::stability::{Measure, Phases, Statistic, Taus, sweep};
use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};

#[path = "stability/plain.rs"]
mod plain;

const POINTS: [usize; 2] = [1_000_000, 10_000_000];

fn octaves(phases: &Phases<'_>, statistic: Statistic) -> Vec<Measure> {
    let points = sweep(black_box(phases), statistic, &Taus::Octave);
    points.iter().map(|point| point.measure).collect()
}

fn sweeps(c: &mut Criterion) {
    for points in POINTS {
        let series = plain::series(points);
        let phases = Phases::from(&series[..]);
        // A bench of something else would look good and mean nothing.
        let sums = plain::oadev(&series).into_iter();
        let sums: Vec<_> = sums.map(|sum| Measure::Squares(sum.into())).collect();
        assert!(octaves(&phases, Statistic::Oadev) == sums);
        let peaks = plain::mtie(&series).into_iter();
        let peaks: Vec<_> = peaks
            .map(|peak| Measure::Peak(u64::try_from(peak).ok()))
            .collect();
        assert!(octaves(&phases, Statistic::Mtie) == peaks);

        let mut group = c.benchmark_group("stability");
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        group.throughput(Throughput::Elements(points as u64));
        group.bench_with_input(BenchmarkId::new("plain oadev", points), &series, |b, x| {
            b.iter(|| plain::oadev(black_box(x)));
        });
        group.bench_with_input(BenchmarkId::new("plain mtie", points), &series, |b, x| {
            b.iter(|| plain::mtie(black_box(x)));
        });
        for statistic in Statistic::ALL {
            let id = BenchmarkId::new(format!("{statistic:?}").to_lowercase(), points);
            group.bench_with_input(id, &phases, |b, phases| {
                b.iter(|| octaves(phases, statistic));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, sweeps);
criterion_main!(benches);
