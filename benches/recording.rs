//! How fast exchanges go into a recording and come out again.
//!
//! `write/serde_json` writes the same fields through a derived serialiser, and `parse/serde_json` reads
//! them through a derived deserialiser: the reasons why the exchange line is written and read by hand.
//! `parse/scan` is the least that reading can cost; `read/recording` is all of reading, `read/campaign` with
//! keeping what was read. Whole recordings are for `benches/whole/replay.rs`.

use std::hint::black_box;
use std::io;

use clockfit::recording::{Reader, Writer, scan_exchange};
use clockfit::sample::{
    AT_ERROR_FLOOR, Campaign, Class, Event, Exchange, Mode, RunHeader, Sample, Sink, SourceId,
    SourceInfo, SourceKind, StampSource, Timescale,
};
use clockfit::time::{Monotonic, TimeDelta, Timestamp};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};

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
        local_clock: None,
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

/// A recording in memory.
fn recording() -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, "memory", &RunHeader::default());
    for event in events() {
        writer.event(&event);
    }
    drop(writer);
    file
}

#[derive(Deserialize)]
struct DerivedLine<'a> {
    s: SourceId,
    c: &'a str,
    t1: &'a str,
    u: TimeDelta,
    r: TimeDelta,
    l: TimeDelta,
    m: Monotonic,
    e: Option<TimeDelta>,
    g: Option<TimeDelta>,
}

fn derived(line: &[u8]) -> Option<(SourceId, Sample)> {
    let line: DerivedLine<'_> = serde_json::from_slice(line).ok()?;
    let Class { mode, tx, rx } = line.c.parse().ok()?;
    let sample = Sample {
        exchange: Exchange {
            t1: line.t1.parse().ok()?,
            upper: line.u,
            residence: line.r,
            lower: line.l,
            tx,
            rx,
            error: line.e.unwrap_or(TimeDelta::NANOSECOND),
        },
        mode,
        at: line.m,
        at_error: line.g.unwrap_or(AT_ERROR_FLOOR),
    };
    Some((line.s, sample))
}

fn parse(c: &mut Criterion) {
    let file = recording();
    let lines: Vec<&[u8]> = file.split(|&byte| byte == b'\n').skip(2).collect();
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Elements(EXCHANGES.unsigned_abs()));
    group.bench_function("scan", |b| {
        b.iter(|| {
            let scanned = lines
                .iter()
                .filter_map(|line| scan_exchange(black_box(line)));
            let found = scanned.map(black_box).count();
            assert_eq!(u64::try_from(found), Ok(EXCHANGES.unsigned_abs()));
        });
    });
    group.bench_function("serde_json", |b| {
        b.iter(|| {
            let parsed = lines.iter().filter_map(|line| derived(black_box(line)));
            let found = parsed.map(black_box).count();
            assert_eq!(u64::try_from(found), Ok(EXCHANGES.unsigned_abs()));
        });
    });
    group.finish();
}

fn read(c: &mut Criterion) {
    let file = recording();
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
    group.bench_function("campaign", |b| {
        b.iter(|| {
            let mut campaign = Campaign::default();
            let report = Reader::new(file.as_slice(), "memory")
                .and_then(|reader| reader.read_into(&mut campaign));
            assert!(report.is_ok_and(|r| r.is_whole()) && campaign.sources.len() == 1);
        });
    });
    group.finish();
}

criterion_group!(benches, write, parse, read);
criterion_main!(benches);
