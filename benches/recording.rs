//! How fast exchanges go into a recording and come out again.
//!
//! `write/serde_json` writes the same fields through a derived serialiser: the reason why the
//! exchange line is written by hand.

use std::hint::black_box;
use std::io;

use clockfit::recording::{Reader, Writer};
use clockfit::sample::{
    AT_ERROR_FLOOR, Event, Exchange, Mode, RunHeader, Sample, Sink, SourceId, SourceInfo,
    SourceKind, StampSource, Timescale,
};
use clockfit::time::{Monotonic, TimeDelta, Timestamp};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Serialize;

const EXCHANGES: i64 = 10_000;

fn exchange(n: i64) -> Sample {
    let ns = TimeDelta::from_nanos;
    Sample {
        exchange: Exchange {
            t1: Timestamp::from_nanos(1_763_832_000_123_456_789 + n * 5_000_123),
            upper: ns(20_660 + n % 997),
            residence: ns(23_456 + n % 4_999),
            lower: ns(-22_450 - n % 991),
            tx: StampSource::Kernel,
            rx: StampSource::Kernel,
            error: TimeDelta::NANOSECOND,
        },
        mode: Mode::Basic,
        at: Monotonic::from_nanos(123_456_789_012_345 + n * 5_000_000),
        at_error: AT_ERROR_FLOOR,
    }
}

fn events() -> Vec<Event> {
    let source = SourceInfo {
        source: "ntp.example".into(),
        address: "192.0.2.1".into(),
        port: 123,
        kind: SourceKind::Ntp,
        timescale: Timescale::Utc,
        path: 0,
    };
    let samples = (0..EXCHANGES).map(|n| Event::Sample(SourceId(0), exchange(n)));
    std::iter::once(Event::Source(source.into()))
        .chain(samples)
        .collect()
}

#[derive(Serialize)]
struct Derived {
    k: &'static str,
    s: u32,
    c: String,
    t1: Timestamp,
    u: TimeDelta,
    r: TimeDelta,
    l: TimeDelta,
    m: Monotonic,
}

fn write(c: &mut Criterion) {
    let events = events();
    let mut group = c.benchmark_group("write");
    group.throughput(Throughput::Elements(EXCHANGES.unsigned_abs()));
    group.bench_function("recording", |b| {
        b.iter(|| {
            let mut writer = Writer::new(io::sink(), "nowhere", &RunHeader::default());
            for event in &events {
                writer.event(black_box(event));
            }
            assert!(writer.failure().is_none());
        });
    });
    group.bench_function("serde_json", |b| {
        let samples: Vec<Sample> = (0..EXCHANGES).map(exchange).collect();
        let mut out = Vec::with_capacity(2 << 20);
        b.iter(|| {
            out.clear();
            for sample in &samples {
                let x = &black_box(sample).exchange;
                let line = Derived {
                    k: "x",
                    s: 0,
                    c: sample.class().to_string(),
                    t1: x.t1,
                    u: x.upper,
                    r: x.residence,
                    l: x.lower,
                    m: sample.at,
                };
                if serde_json::to_writer(&mut out, &line).is_ok() {
                    out.push(b'\n');
                }
            }
            black_box(out.len())
        });
    });
    group.finish();
}

/// Counts what it is given: what reading costs without keeping.
struct Count(u64);

impl Sink for Count {
    fn event(&mut self, event: &Event) {
        black_box(event);
        self.0 += 1;
    }
}

fn read(c: &mut Criterion) {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, "memory", &RunHeader::default());
    for event in events() {
        writer.event(&event);
    }
    drop(writer);
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Elements(EXCHANGES.unsigned_abs()));
    group.bench_function("recording", |b| {
        b.iter(|| {
            let mut count = Count(0);
            let report = Reader::new(file.as_slice(), "memory")
                .and_then(|reader| reader.read_into(&mut count));
            assert!(report.is_ok_and(|r| r.is_whole()) && count.0 > EXCHANGES.unsigned_abs());
        });
    });
    group.finish();
}

criterion_group!(benches, write, read);
criterion_main!(benches);
