//! [`Reader`]: a recording as a stream of events, with an account of what could not be used.

use std::io::{BufRead, Read};

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
/// What is parsed in one go. Some 1200 exchanges keep a thread busy for long enough, and both they
/// and what they become stay in its cache.
const BLOCK_BYTES: usize = 128 * 1024;
/// Blocks that are parsed together, while as many that were parsed are delivered and filled again.
const BATCH_BLOCKS: usize = 16;

/// Reads a recording. Memory is bounded by the longest line, 1 MiB (the first line: 40 MiB), and by
/// the few blocks that are in hand at a time, however long the input claims to be.
///
/// Threads of [`rayon`]'s current pool parse while the calling one reads and delivers. Their number
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
    pub fn read_into(self, sink: &mut dyn Sink) -> Result<ReadReport, RecordingError> {
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

/// Two batches of blocks take turns: while one is parsed, the other is delivered and filled again.
fn deliver_all(blocks: &mut Blocks<impl BufRead>, delivery: &mut Delivery<'_>) {
    let mut next = Batch::default();
    next.fill(blocks);
    // Waking other threads takes longer than a single batch, and asking for their number starts them.
    if blocks.is_over() || rayon::current_num_threads() == 1 {
        return deliver_alone(next, blocks, delivery);
    }
    let mut parsed = Batch::default();
    while next.used > 0 {
        rayon::in_place_scope(|scope| {
            for block in next.used_blocks() {
                scope.spawn(|_| block.parse());
            }
            parsed.deliver(delivery);
            parsed.fill(blocks);
        });
        // What was filled is parsed next, and what was parsed is delivered.
        std::mem::swap(&mut next, &mut parsed);
    }
    parsed.deliver(delivery);
}

/// The same in one thread: each block goes all the way while it is in the cache.
fn deliver_alone(mut batch: Batch, blocks: &mut Blocks<impl BufRead>, delivery: &mut Delivery<'_>) {
    for block in batch.used_blocks() {
        block.parse();
        delivery.deliver(block.told());
    }
    let mut block = Block::default();
    while blocks.fill(&mut block) {
        block.parse();
        delivery.deliver(block.told());
    }
}

/// Blocks in a row.
#[derive(Default)]
struct Batch {
    blocks: Vec<Block>,
    used: usize,
}

impl Batch {
    fn used_blocks(&mut self) -> impl Iterator<Item = &mut Block> {
        self.blocks.iter_mut().take(self.used)
    }

    /// Hands over what the blocks tell, after which none is in use.
    fn deliver(&mut self, delivery: &mut Delivery<'_>) {
        for block in self.used_blocks() {
            delivery.deliver(block.told());
        }
        self.used = 0;
    }

    fn fill(&mut self, blocks: &mut Blocks<impl BufRead>) {
        self.blocks.resize_with(BATCH_BLOCKS, Block::default);
        self.used = 0;
        for block in &mut self.blocks {
            if !blocks.fill(block) {
                break;
            }
            self.used += 1;
        }
    }
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
