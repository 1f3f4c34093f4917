//! Blocks, batches and threads against a reader of one line after the other.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::sync::LazyLock;

use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{END, X0, event, exchange_at, header, ntp, read_bytes, with_lines, written};
use crate::recording::exchange::{EXCHANGE_START, parse_any_exchange};
use crate::recording::line::{BadLine, Line, parse_line};
use crate::recording::{ReadReport, Reader, RecordingError};
use crate::sample::{Event, Sample, Sink, SourceId};

/// Longer than any exchange line, and so short that damage makes lines that are longer.
const LONGEST_LINE: usize = 512;

/// Keeps every event, and in which calls samples came.
#[derive(Debug, Default, PartialEq)]
struct Events(Vec<Event>);

impl Sink for Events {
    fn event(&mut self, event: &Event) {
        self.0.push(event.clone());
    }
}

/// The simplest reader there is: no block, no scan, no thread.
#[derive(Default)]
struct LineByLine {
    events: Vec<Event>,
    sources: BTreeMap<SourceId, Option<SourceId>>,
    report: ReadReport,
}

impl LineByLine {
    fn read(bytes: &[u8], longest_line: usize) -> (Events, ReadReport) {
        let mut this = Self::default();
        let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        let torn = lines.pop().filter(|line| !line.is_empty());
        let count = u64::try_from(lines.len()).unwrap();
        for (number, line) in (1..).zip(lines).skip(1) {
            this.report.lines = number;
            if line.len() > longest_line {
                this.unreadable(&format!("longer than {longest_line} bytes"));
                continue;
            }
            match parse(line) {
                Ok(line) => this.take(line),
                Err(_) if number == count && torn.is_none() => {
                    this.report.torn_last_line = true;
                }
                Err(bad) => this.unreadable(&bad.0),
            }
        }
        this.report.lines = count + u64::from(torn.is_some());
        match torn {
            Some(line) if line.len() > longest_line => {
                this.unreadable(&format!("longer than {longest_line} bytes"));
            }
            Some(_) => this.report.torn_last_line = true,
            None => {}
        }
        (Events(this.events), this.report)
    }

    fn unreadable(&mut self, reason: &str) {
        self.report
            .count_unreadable(self.report.lines, || reason.to_owned());
    }

    fn take(&mut self, line: Line) {
        let declared = match &line {
            Line::Source(id, _) => Some((*id, true)),
            Line::UnknownSource(id, _) => Some((*id, false)),
            _ => None,
        };
        if let Some((id, known)) = declared {
            if self
                .sources
                .last_key_value()
                .is_some_and(|(last, _)| *last >= id)
            {
                return self.unreadable(&format!("source {} is out of order", id.0));
            }
            let told = self.sources.values().flatten().count();
            let told = known.then_some(SourceId(u32::try_from(told).unwrap()));
            self.sources.insert(id, told);
        }
        match line {
            Line::Source(_, info) => self.events.push(Event::Source(info.into())),
            Line::UnknownSource(_, kind) | Line::Unknown(kind) => self.report.count_unknown(&kind),
            Line::Event(mut event) => {
                let id = match &mut event {
                    Event::Server(id, _)
                    | Event::Sample(id, _)
                    | Event::Lost(id, ..)
                    | Event::Rejected(id, ..)
                    | Event::StampFault(id, ..)
                    | Event::CrossCheck(id, ..)
                    | Event::Note(Some(id), ..) => id,
                    _ => return self.events.push(event),
                };
                match self.sources.get(id) {
                    Some(Some(told)) => {
                        *id = *told;
                        self.events.push(event);
                    }
                    Some(None) => self.report.count_unknown("of an unknown source"),
                    None => {
                        let id = id.0;
                        self.unreadable(&format!("source {id} was not declared before"));
                    }
                }
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<Line, BadLine> {
    if line.starts_with(EXCHANGE_START) {
        let (source, sample) = parse_any_exchange(line)?;
        return Ok(Line::Event(Event::Sample(source, sample)));
    }
    parse_line(line)
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
}

/// Pools of one, two and sixteen threads.
static POOLS: LazyLock<[ThreadPool; 3]> = LazyLock::new(|| [1, 2, 16].map(pool));

fn in_blocks(bytes: &[u8], block: usize, longest_line: usize) -> (Events, ReadReport) {
    let mut events = Events::default();
    let reader = Reader::new(bytes, "memory").unwrap();
    let reader = reader
        .with_block_bytes(block)
        .with_longest_line(longest_line);
    let report = reader.read_into(&mut events).unwrap();
    (events, report)
}

/// Reads the same with all pools, with the calling thread beside and in them, and in any blocks.
fn holds_in_blocks(
    bytes: &[u8],
    longest_line: usize,
    blocks: &[usize],
) -> Result<(), TestCaseError> {
    let expected = LineByLine::read(bytes, longest_line);
    for &block in blocks {
        let beside = in_blocks(bytes, block, longest_line);
        prop_assert_eq!(&beside, &expected, "blocks of {} bytes", block);
        for pool in &*POOLS {
            let inside = pool.install(|| in_blocks(bytes, block, longest_line));
            prop_assert_eq!(
                &inside,
                &expected,
                "blocks of {} bytes, {} threads",
                block,
                pool.current_num_threads()
            );
        }
    }
    Ok(())
}

/// What happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    Change(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Repeat(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let sized = |len| prop::collection::vec(any::<u8>(), len);
    let line = |text: &str| Just(Damage::Insert(format!("\n{text}\n").into_bytes()));
    prop_oneof![
        any::<u8>().prop_map(Damage::Change),
        Just(Damage::Change(b'\n')),
        sized(1..20).prop_map(Damage::Insert),
        (1usize..2 * LONGEST_LINE).prop_map(|n| Damage::Insert(vec![b'y'; n])),
        (1usize..50).prop_map(|n| Damage::Insert(vec![b'\n'; n])),
        (1usize..400).prop_map(Damage::Remove),
        (1usize..2000).prop_map(Damage::Repeat),
        line(r#"{"k":"tide","n":1}"#),
        line(
            r#"{"k":"src","s":2,"source":"g","address":"","port":0,"kind":"sundial","timescale":"utc"}"#
        ),
        line(
            r#"{"k":"src","s":5,"source":"h","address":"","port":0,"kind":"ntp","timescale":"utc"}"#
        ),
        line(X0),
        line(END),
    ]
}

/// A recording that something happened to, after its first line.
fn damaged(events: &[Event], damage: &[(prop::sample::Index, Damage)]) -> Vec<u8> {
    let mut all = vec![
        Event::Source(ntp("192.0.2.1").into()),
        Event::Source(ntp("192.0.2.2").into()),
    ];
    all.extend_from_slice(events);
    let (mut bytes, _) = written(&all);
    let start = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for (at, damage) in damage {
        let place = start + at.index(bytes.len() - start + 1);
        match damage {
            Damage::Change(byte) => {
                if let Some(place) = bytes.get_mut(place) {
                    *place = *byte;
                }
            }
            Damage::Insert(more) => drop(bytes.splice(place..place, more.iter().copied())),
            Damage::Remove(count) => {
                let end = bytes.len().min(place + count);
                bytes.drain(place..end);
            }
            Damage::Repeat(count) => {
                let end = bytes.len().min(place + count);
                let again = bytes[place..end].to_vec();
                bytes.splice(place..place, again);
            }
        }
    }
    bytes
}

proptest! {
    // Each case is read four times, and waking sixteen threads for a few lines takes its time.
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn blocks_and_threads_change_nothing(
        events in prop::collection::vec(event(4), 0..60),
        damage in prop::collection::vec((any::<prop::sample::Index>(), damage()), 0..12),
        block in prop_oneof![20usize..200, 200usize..2000],
    ) {
        let bytes = damaged(&events, &damage);
        holds_in_blocks(&bytes, LONGEST_LINE, &[block])?;
    }
}

/// Many lines, of which nearly all are samples, as recordings are: several batches of several blocks.
#[test]
fn a_long_recording_reads_the_same_with_any_number_of_threads() {
    let mut events = vec![
        Event::Source(ntp("192.0.2.1").into()),
        Event::Source(ntp("192.0.2.2").into()),
    ];
    for n in 0..5_000 {
        let source = SourceId(u32::from(n % 3 == 0));
        events.push(Event::Sample(source, exchange_at(n)));
        if n % 100 == 0 {
            let mut odd = exchange_at(n);
            odd.exchange.t1 = crate::time::Timestamp::from_nanos(-n);
            events.push(Event::Sample(source, odd));
        }
    }
    let (bytes, _) = written(&events);
    let (found, report) = in_blocks(&bytes, 4_000, 1 << 20);
    assert_eq!(found.0, events);
    assert!(report.is_whole());
    holds_in_blocks(&bytes, 1 << 20, &[100, 4_000]).unwrap();
    // The constants of the reader are enough for several batches as well.
    let many = bytes.repeat(8);
    holds_in_blocks(&many, 1 << 20, &[128 * 1024]).unwrap();
}

#[test]
fn a_run_of_senseless_lines_is_counted_in_full() {
    for (lines, count, torn) in [
        (1, 0, true),
        (2, 1, true),
        (5, 4, true),
        (5_000, 4_999, true),
    ] {
        let bytes = with_lines(&vec!["["; lines]);
        let report = in_blocks(&bytes, 64, LONGEST_LINE).1;
        assert_eq!(
            (report.unreadable.count, report.torn_last_line),
            (count, torn)
        );
        assert_eq!(report.unreadable.first.map_or(4, |(number, _)| number), 4);
        holds_in_blocks(&bytes, LONGEST_LINE, &[1, 64, 1 << 20]).unwrap();
    }
}

#[test]
fn a_line_is_too_long_by_its_length_alone() {
    for (length, too_long) in [(LONGEST_LINE, false), (LONGEST_LINE + 1, true)] {
        let line = format!("{:y<length$}", "");
        for end in ["", "\n", "\n{}", "\n{\"k\":\"tide\"}\n"] {
            let mut bytes = with_lines(&[X0]);
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(end.as_bytes());
            let report = in_blocks(&bytes, 100, LONGEST_LINE).1;
            let said = report
                .unreadable
                .first
                .map(|(number, reason)| (number, reason.contains("longer")));
            let torn = end.is_empty() || end == "\n";
            let expected = if too_long || !torn {
                Some((5, too_long))
            } else {
                None
            };
            assert_eq!(said, expected, "{length} {end:?}");
            let blocks = [
                1,
                100,
                LONGEST_LINE - 1,
                LONGEST_LINE,
                LONGEST_LINE + 1,
                LONGEST_LINE + 2,
                1 << 20,
            ];
            holds_in_blocks(&bytes, LONGEST_LINE, &blocks).unwrap();
        }
    }
}

/// Gives its bytes a few at a time, then fails.
struct Failing<'a> {
    bytes: &'a [u8],
    at_once: usize,
    interrupted: bool,
}

impl Read for Failing<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        if self.bytes.is_empty() {
            return Err(std::io::Error::other("the disk is gone"));
        }
        let most = self.at_once.min(out.len());
        self.bytes.read(&mut out[..most])
    }
}

#[test]
fn what_stood_before_an_error_was_delivered() {
    let mut events = vec![Event::Source(ntp("192.0.2.1").into())];
    events.extend((0..40).map(|n| Event::Sample(SourceId(0), exchange_at(n))));
    let (bytes, _) = written(&events);
    let start = 1 + bytes.iter().position(|&byte| byte == b'\n').unwrap();
    for end in (start..bytes.len()).step_by(7) {
        let whole = bytes[start..end]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        for (block, at_once) in [(1, 3), (50, 10), (300, 1), (300, 1000), (1 << 17, 1000)] {
            let input = Failing {
                bytes: &bytes[..end],
                at_once,
                interrupted: false,
            };
            let reader = Reader::new(BufReader::with_capacity(16, input), "the disk").unwrap();
            assert_eq!(reader.header(), &header());
            let mut found = Events::default();
            let error = reader
                .with_block_bytes(block)
                .read_into(&mut found)
                .unwrap_err();
            assert!(matches!(&error, RecordingError::Read { name, .. } if name == "the disk"));
            assert!(error.to_string().contains("the disk is gone"), "{error}");
            assert_eq!(found.0, events[..whole], "{end} bytes in blocks of {block}");
        }
    }
}

/// Counts calls: a run of samples comes in one, and not at all costs of its own.
#[derive(Default)]
struct Runs {
    samples: Vec<usize>,
    others: usize,
}

impl Sink for Runs {
    fn event(&mut self, _: &Event) {
        self.others += 1;
    }
    fn samples(&mut self, samples: &[(SourceId, Sample)]) {
        self.samples.push(samples.len());
    }
}

#[test]
fn samples_in_a_row_are_delivered_in_a_row() {
    let mut events = vec![Event::Source(ntp("192.0.2.1").into())];
    events.extend((0..10).map(|n| Event::Sample(SourceId(0), exchange_at(n))));
    events.insert(4, Event::Source(ntp("192.0.2.2").into()));
    let (bytes, _) = written(&events);
    let mut runs = Runs::default();
    Reader::new(bytes.as_slice(), "memory")
        .unwrap()
        .read_into(&mut runs)
        .unwrap();
    assert_eq!((runs.samples.as_slice(), runs.others), (&[3, 7][..], 2));
    assert_eq!(
        read_bytes(&bytes).unwrap().campaign.sources[0]
            .samples
            .len(),
        10
    );
}
