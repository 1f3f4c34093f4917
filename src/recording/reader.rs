//! [`Reader`]: a recording as a stream of events, with an account of what could not be used.

use std::io::{BufRead, Read};
use std::sync::Mutex;

use super::block::{Block, Blocks, Limits};
use super::deliver::Delivery;
use super::error::RecordingError;
use super::line::{self, Probe};
use super::recognise::{LooksLike, could_begin_recording};
use super::report::{MAX_REASON_CHARS, ReadReport, clip};
use crate::sample::{RunHeader, SCHEMA_MAJOR, Sink};

/// The longest line that is read. The longest text in one is a command-line argument, at most
/// 128 KiB on Linux (MAX_ARG_STRLEN), of which JSON escapes each byte into six at most.
const MAX_LINE_BYTES: usize = 1024 * 1024;
/// The longest first line that is read: it holds all arguments, which Linux limits to 6 MiB in all
/// (execve(2)), plus escapes.
const MAX_HEADER_BYTES: usize = 40 * 1024 * 1024;
/// What is read and parsed in one go. Some 600 exchanges keep a thread busy for long enough, and both
/// they and what they become stay in its cache.
const BLOCK_BYTES: usize = 64 * 1024;
/// Blocks that are read and parsed while as many others are delivered.
const BATCH_BLOCKS: usize = 32;

/// Reads a recording. Memory is bounded by the longest line, 1 MiB (the first line: 40 MiB), and by
/// the few blocks that are in hand at a time, however long the input claims to be.
///
/// Threads of [`rayon`]'s current pool read and parse while the calling one delivers. Their number
/// changes neither the events nor their order nor the report.
pub struct Reader<R: BufRead> {
    input: R,
    name: String,
    header: RunHeader,
    limits: Limits,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line. `name` is what errors call the input.
    ///
    /// # Errors
    /// See [`read`](super::read).
    pub fn new(mut input: R, name: impl Into<String>) -> Result<Self, RecordingError> {
        let name = name.into();
        let mut line = Vec::new();
        let got = read_line(&mut input, &mut line, MAX_HEADER_BYTES).map_err(|error| {
            RecordingError::Read {
                name: name.clone(),
                error,
            }
        })?;
        let header = match got {
            Got::Nothing => return Err(RecordingError::Empty { name }),
            Got::Whole => parse_first(&line, &name)?,
            Got::Torn | Got::TooLong => return Err(torn_first(&line, name)),
        };
        Ok(Self {
            input,
            name,
            header,
            limits: Limits {
                block: BLOCK_BYTES,
                line: MAX_LINE_BYTES,
            },
        })
    }

    /// What was known before the first packet.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Reads so many bytes at once. Nothing but speed depends on it.
    #[must_use]
    pub fn with_block_bytes(mut self, bytes: usize) -> Self {
        self.limits.block = bytes.max(1);
        self
    }

    #[cfg(test)]
    pub(super) fn with_longest_line(mut self, bytes: usize) -> Self {
        self.limits.line = bytes;
        self
    }

    /// Hands every event to `sink`, in the order of the file.
    ///
    /// # Errors
    /// [`RecordingError::Read`] where the system cannot read on; `sink` keeps what it was given.
    pub fn read_into(self, sink: &mut dyn Sink) -> Result<ReadReport, RecordingError>
    where
        R: Send,
    {
        let mut blocks = Blocks::new(self.input, self.limits);
        let mut delivery = Delivery::new(sink, self.limits.line);
        deliver_all(&mut blocks, &mut delivery);
        match blocks.into_failure() {
            Some(error) => Err(RecordingError::Read {
                name: self.name,
                error,
            }),
            None => Ok(delivery.finish()),
        }
    }
}

/// Two batches of blocks take turns: while one is filled and parsed, the other is delivered.
fn deliver_all<R: BufRead + Send>(blocks: &mut Blocks<R>, delivery: &mut Delivery<'_>) {
    let mut block = Block::default();
    blocks.fill(&mut block);
    // Waking other threads takes longer than a single block, and asking for their number starts them.
    if blocks.is_over() || rayon::current_num_threads() == 1 {
        return deliver_alone(block, blocks, delivery);
    }
    block.parse();
    delivery.deliver(block.told());
    let (mut next, mut parsed) = (Batch::default(), Batch::default());
    loop {
        let work = Mutex::new(next.work(blocks));
        rayon::in_place_scope(|scope| {
            for _ in 0..rayon::current_num_threads().min(BATCH_BLOCKS) {
                scope.spawn(|_| parse_all(&work));
            }
            parsed.deliver(delivery);
            parse_all(&work);
        });
        next.used = work.into_inner().map_or(0, |work| work.used);
        if next.used == 0 {
            return;
        }
        std::mem::swap(&mut next, &mut parsed);
    }
}

/// The same in one thread.
fn deliver_alone(mut block: Block, blocks: &mut Blocks<impl BufRead>, delivery: &mut Delivery<'_>) {
    loop {
        block.parse();
        delivery.deliver(block.told());
        if !blocks.fill(&mut block) {
            return;
        }
    }
}

/// Blocks in a row.
#[derive(Default)]
struct Batch {
    blocks: Vec<Block>,
    used: usize,
}

/// A batch that is being filled, block after block, by whoever is free.
struct Work<'a, R> {
    input: &'a mut Blocks<R>,
    free: std::slice::IterMut<'a, Block>,
    used: usize,
}

impl Batch {
    fn work<'a, R>(&'a mut self, input: &'a mut Blocks<R>) -> Work<'a, R> {
        self.blocks.resize_with(BATCH_BLOCKS, Block::default);
        Work {
            input,
            free: self.blocks.iter_mut(),
            used: 0,
        }
    }

    /// Hands over what the blocks tell, after which none is in use.
    fn deliver(&mut self, delivery: &mut Delivery<'_>) {
        for block in self.blocks.iter_mut().take(self.used) {
            delivery.deliver(block.told());
        }
        self.used = 0;
    }
}

/// Fills blocks and parses them: whoever reads a block has it in the cache.
fn parse_all<R: BufRead>(work: &Mutex<Work<'_, R>>) {
    while let Some(block) = fill_next(work) {
        block.parse();
    }
}

fn fill_next<'a, R: BufRead>(work: &Mutex<Work<'a, R>>) -> Option<&'a mut Block> {
    let mut work = work.lock().ok()?;
    let block = work.free.next()?;
    if !work.input.fill(block) {
        return None;
    }
    work.used += 1;
    Some(block)
}

fn parse_first(line: &[u8], name: &str) -> Result<RunHeader, RecordingError> {
    let name = name.to_owned();
    let probe: Option<Probe> = serde_json::from_slice(line).ok();
    let Some(version) = probe.and_then(|p| p.clockfit_recording) else {
        let looks_like = LooksLike::judge(line);
        return Err(RecordingError::NotARecording { name, looks_like });
    };
    if version.major > SCHEMA_MAJOR.into() {
        let (major, minor) = (version.major, version.minor);
        return Err(RecordingError::NewerMajor { name, major, minor });
    }
    line::parse_header(line).map_err(|reason| RecordingError::BadHeader {
        name,
        reason: clip(&reason, MAX_REASON_CHARS),
    })
}

/// Tells a recording that stops too soon from a file of one line that is something else.
fn torn_first(line: &[u8], name: String) -> RecordingError {
    if could_begin_recording(line) {
        RecordingError::TruncatedHeader { name }
    } else {
        let looks_like = LooksLike::judge(line);
        RecordingError::NotARecording { name, looks_like }
    }
}

/// What [`read_line`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Got {
    /// The end of the input.
    Nothing,
    /// A line that ends in a newline, which is taken off.
    Whole,
    /// Bytes up to the end of the input, without a newline.
    Torn,
    /// More than the limit; the rest of the line is still to be read.
    TooLong,
}

/// Appends the next line to `line`, of which at most `max` bytes are kept.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, max: usize) -> std::io::Result<Got> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let read = input.by_ref().take(limit).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        Ok(Got::Whole)
    } else if read == 0 {
        Ok(Got::Nothing)
    } else if read <= max {
        Ok(Got::Torn)
    } else {
        Ok(Got::TooLong)
    }
}
