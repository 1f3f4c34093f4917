//! Whole recordings, read as `clockfit analyse` reads them: how fast, and in how much memory.
//!
//! Usage: `replay write LINES FILE`, then `replay floor|count|campaign|analyse FILE`. `floor` is the
//! least there is to do: whole blocks of the file, cut into lines, each line put into numbers. Prints
//! one line of JSON. `RAYON_NUM_THREADS` says how many threads read.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a small program of its own: it ends with what went wrong"
)]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, Read};
use std::path::Path;

use clockfit::estimate::{Plan, analyse};
use clockfit::net::clock;
use clockfit::recording::{self, Reader, Writer, scan_exchange};
use clockfit::sample::{
    AT_ERROR_FLOOR, Event, Exchange, Leap, Mode, ReferenceId, RunHeader, Sample, ServerInfo, Sink,
    SourceId, SourceInfo, SourceKind, StampSource, Timescale,
};
use clockfit::time::{Monotonic, TimeDelta, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Servers that are asked in turn.
const SOURCES: u32 = 4;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let start = clock::counter();
    let lines = match *words.as_slice() {
        ["write", lines, file] => write(lines.parse().expect("a number"), Path::new(file)),
        ["floor", file] => floor(Path::new(file)),
        ["count", file] => count(Path::new(file)),
        ["campaign", file] => campaign(Path::new(file)).0,
        ["analyse", file] => {
            let (lines, campaign) = campaign(Path::new(file));
            black_box(analyse(&campaign, &Plan::default()));
            lines
        }
        _ => panic!("replay write LINES FILE, or replay floor|count|campaign|analyse FILE"),
    };
    let took = clock::counter().since(start);
    let resident = peak_resident();
    println!(
        r#"{{"job":"{}","lines":{lines},"took_ns":{},"peak_resident":"{resident}"}}"#,
        words.first().expect("a job"),
        took.as_nanos(),
    );
}

/// As the kernel counts it; empty where it does not.
fn peak_resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or_default().trim().to_owned()
}

fn write(lines: u32, file: &Path) -> u64 {
    let header = RunHeader {
        started: Timestamp::from_nanos(1_763_832_000_000_000_000),
        started_at: Monotonic::from_nanos(123_456_789_012_345),
        ..RunHeader::default()
    };
    let mut writer = Writer::create(file, true, &header).expect("a file");
    for n in 0..SOURCES {
        let info = SourceInfo {
            source: "ntp.example".into(),
            address: format!("192.0.2.{n}"),
            port: 123,
            kind: SourceKind::Ntp,
            timescale: Timescale::Utc,
            path: 0,
            local_clock: None,
        };
        writer.event(&Event::Source(info.into()));
        let info = ServerInfo {
            leap: Leap::None,
            stratum: 1,
            precision: -24,
            root_delay: TimeDelta::ZERO,
            root_dispersion: TimeDelta::from_nanos(15_259),
            reference_id: ReferenceId(*b"GPS\0"),
            reference_time: None,
        };
        writer.event(&Event::Server(SourceId(n), info));
    }
    let mut rng = StdRng::seed_from_u64(1);
    let ns = TimeDelta::from_nanos;
    let (mut at, mut wall) = (header.started_at, header.started);
    for n in 0..lines {
        // 1000 requests a second, steered by 10 ppm; delays with a tail, as networks have them.
        let step = rng.random_range(500_000..1_500_000);
        at = at + ns(step);
        wall = wall + ns(step + step / 100_000);
        let mut way = || {
            let tail = rng.random_range(0..64u32).trailing_zeros().min(6);
            ns(20_000 + rng.random_range(0..(1_000i64 << tail)))
        };
        let (out, back) = (way(), way());
        let residence = ns(rng.random_range(8_000..40_000));
        let sample = Sample {
            exchange: Exchange {
                t1: wall,
                upper: out + ns(300),
                residence,
                lower: ns(300) + (-back),
                tx: StampSource::Kernel,
                rx: StampSource::Kernel,
                error: TimeDelta::NANOSECOND,
            },
            mode: Mode::Basic,
            at,
            at_error: AT_ERROR_FLOOR.max(ns(rng.random_range(0..110))),
        };
        writer.event(&Event::Sample(SourceId(n % SOURCES), sample));
    }
    writer.flush();
    assert!(writer.failure().is_none(), "{:?}", writer.failure());
    u64::from(lines)
}

/// Counts what it is given: what reading costs without keeping.
#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn event(&mut self, event: &Event) {
        black_box(event);
        self.0 += 1;
    }
}

fn count(file: &Path) -> u64 {
    let input = BufReader::with_capacity(1 << 16, File::open(file).expect("a file"));
    let mut count = Count::default();
    let report = Reader::new(input, "file")
        .and_then(|reader| reader.read_into(&mut count))
        .expect("a recording");
    assert!(report.is_whole(), "{report:?}");
    count.0
}

fn floor(file: &Path) -> u64 {
    let mut file = File::open(file).expect("a file");
    let mut room = vec![0; 1 << 17];
    let (mut kept, mut exchanges) = (0, 0);
    loop {
        let read = file
            .read(&mut room[kept..])
            .expect("a file that can be read");
        if read == 0 {
            return exchanges;
        }
        let filled = kept + read;
        let mut rest = &room[..filled];
        while !rest.is_empty() {
            if let Some((_, _, [b'\n', after @ ..])) = black_box(scan_exchange(rest)) {
                exchanges += 1;
                rest = after;
            } else if let Some(newline) = rest.iter().position(|&byte| byte == b'\n') {
                rest = &rest[newline + 1..];
            } else {
                break;
            }
        }
        kept = rest.len();
        room.copy_within(filled - kept..filled, 0);
    }
}

fn campaign(file: &Path) -> (u64, clockfit::sample::Campaign) {
    let replay = recording::read(file).expect("a recording");
    assert!(replay.report.is_whole(), "{:?}", replay.report);
    (replay.report.lines, replay.campaign)
}
