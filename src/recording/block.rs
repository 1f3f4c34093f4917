//! [`Blocks`]: an input, cut into blocks of whole lines; [`Block`]: one of them, and what it tells.

use std::io::{self, BufRead, ErrorKind};

use super::line::{self, Line};
use super::report::{MAX_REASON_CHARS, clip};
use super::scan::scan_exchange;
use crate::sample::{Event, Sample, SourceId};

/// How much is taken at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of a block. One grows where a line is longer.
    pub(super) block: usize,
    /// Bytes of the longest line that is read, without its newline.
    pub(super) line: usize,
}

/// Cuts an input at ends of lines.
pub(super) struct Blocks<R> {
    input: R,
    limits: Limits,
    /// The start of a line whose end is still to be read.
    begun: Vec<u8>,
    over: bool,
    failure: Option<io::Error>,
}

/// Some lines, and what they tell once they are parsed. Its room is used again and again.
#[derive(Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    /// How many of the bytes are lines.
    len: usize,
    /// Whether a line follows that is too long to be kept.
    too_long: bool,
    longest_line: usize,
    told: Told,
}

/// What lines tell, in their order: samples, which nearly all of them are, with the others between.
#[derive(Default)]
pub(super) struct Told {
    pub(super) samples: Vec<(SourceId, Sample)>,
    /// Each with the number of samples before it.
    pub(super) others: Vec<(usize, Other)>,
}

/// What is no sample.
#[derive(Debug)]
pub(super) enum Other {
    /// A line of any other kind.
    Line(Line),
    /// So many lines in a row without sense, and what is wrong with the first of them.
    Senseless(u64, String),
    /// A line that is longer than the limit.
    TooLong,
    /// The end of the input without a newline before it.
    Torn,
}

impl<R: BufRead> Blocks<R> {
    pub(super) fn new(input: R, limits: Limits) -> Self {
        Self {
            input,
            limits,
            begun: Vec::new(),
            over: false,
            failure: None,
        }
    }

    /// Whether the end of the input was seen, or an error that ended it.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// What ended the input too soon.
    pub(super) fn into_failure(self) -> Option<io::Error> {
        self.failure
    }

    /// Reads the next lines into `block`; false where there are none.
    pub(super) fn fill(&mut self, block: &mut Block) -> bool {
        block.take_over(&mut self.begun, self.limits);
        // Where the last line ends that is whole.
        let mut end = 0;
        while !self.over {
            let before = block.len;
            self.read_more(block);
            let new = block.bytes.get(before..block.len).unwrap_or_default();
            if let Some(newline) = new.iter().rposition(|&byte| byte == b'\n') {
                end = before + newline + 1;
            }
            if block.len < self.limits.block {
                continue;
            } else if end > 0 {
                block.give_back(end, &mut self.begun);
                break;
            } else if block.len > self.limits.line {
                block.len = 0;
                block.too_long = true;
                if let Err(error) = self.input.skip_until(b'\n') {
                    self.fail(error);
                }
                break;
            }
        }
        block.len > 0 || block.too_long
    }

    fn read_more(&mut self, block: &mut Block) {
        loop {
            match self.input.read(block.room(self.limits)) {
                Ok(0) => self.over = true,
                Ok(n) => block.len += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => self.fail(error),
            }
            return;
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failure = Some(error);
        self.over = true;
    }
}

impl Block {
    /// Begins anew, with the start of a line that was left over.
    fn take_over(&mut self, begun: &mut Vec<u8>, limits: Limits) {
        self.len = begun.len();
        self.too_long = false;
        self.longest_line = limits.line;
        if self.bytes.len() < limits.block.max(begun.len()) {
            self.bytes.resize(limits.block.max(begun.len()), 0);
        }
        if let Some(start) = self.bytes.get_mut(..begun.len()) {
            start.copy_from_slice(begun);
        }
        begun.clear();
    }

    /// Keeps what stands before `end`, and leaves the rest over.
    fn give_back(&mut self, end: usize, begun: &mut Vec<u8>) {
        begun.extend_from_slice(self.bytes.get(end..self.len).unwrap_or_default());
        self.len = end;
    }

    /// Where more can be read to: some, up to the longest line and its newline.
    fn room(&mut self, limits: Limits) -> &mut [u8] {
        if self.len == self.bytes.len() {
            let more = (2 * self.len).clamp(1, limits.line + 1).max(self.len + 1);
            self.bytes.resize(more, 0);
        }
        self.bytes.get_mut(self.len..).unwrap_or_default()
    }

    /// Parses the lines. What they tell stays here until the block is filled again.
    pub(super) fn parse(&mut self) {
        let Told { samples, others } = &mut self.told;
        samples.clear();
        others.clear();
        let mut rest = self.bytes.get(..self.len).unwrap_or_default();
        while !rest.is_empty() {
            // Shorter than any limit there is, since none of its numbers can be long.
            if let Some((source, sample, after)) = scan_exchange(rest)
                && let Some(after) = after.strip_prefix(b"\n")
            {
                samples.push((source, sample));
                rest = after;
                continue;
            }
            let newline = rest.iter().position(|&byte| byte == b'\n');
            let (line, after) = rest.split_at(newline.unwrap_or(rest.len()));
            rest = after.strip_prefix(b"\n").unwrap_or_default();
            let other = if line.len() > self.longest_line {
                Other::TooLong
            } else if newline.is_none() {
                Other::Torn
            } else {
                match line::parse_line(line) {
                    Ok(Line::Event(Event::Sample(source, sample))) => {
                        samples.push((source, sample));
                        continue;
                    }
                    Ok(line) => Other::Line(line),
                    Err(bad) => {
                        let alike = others.last_mut().filter(|(at, _)| *at == samples.len());
                        if let Some((_, Other::Senseless(count, _))) = alike {
                            *count += 1;
                            continue;
                        }
                        Other::Senseless(1, clip(&bad.0, MAX_REASON_CHARS))
                    }
                }
            };
            others.push((samples.len(), other));
        }
        if self.too_long {
            others.push((samples.len(), Other::TooLong));
        }
    }

    /// What the lines tell.
    pub(super) fn told(&mut self) -> &mut Told {
        &mut self.told
    }
}
