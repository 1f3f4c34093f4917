//! [`Unpacked`]: an input as it was before it was packed, with gzip or zstd or not at all.
//!
//! Everything streams: of what a packed input claims, only the window of a zstd frame decides how
//! much memory is taken, and that has a limit. An input that is damaged or cut short ends where it
//! cannot be unpacked any further, and why is kept.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Chain, Cursor, ErrorKind, Read};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::report::{MAX_REASON_CHARS, clip};

/// One system call for some 500 exchange lines that are not packed.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// The longest magic number.
const MAGIC_BYTES: u64 = 4;
/// The magic number of gzip (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The magic number of a zstd frame (RFC 8878 section 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The magic number of a skippable frame, which may stand before others; the low four bits of its
/// first byte are free (RFC 8878 section 3.1.2).
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// The most that a zstd frame may refer back to: what `zstd -d` takes without being told to take more,
/// and what `zstd --ultra -22` or `--long` make.
const MAX_WINDOW_BYTES: u64 = 128 * 1024 * 1024;
/// A last block without content (RFC 8878 section 3.1.1.2), and a checksum that nobody looks at.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// Reads what a packed input holds, or an input that is not packed as it is.
pub(super) struct Unpacked<R: Read> {
    packing: Packing<R>,
    damage: Option<String>,
}

enum Packing<R: Read> {
    None(Input<R>),
    Gzip(Gunzip<R>),
    Zstd(Box<Unzstd<R>>),
}

impl<R: Read> Unpacked<R> {
    /// Tells by its first bytes how the input is packed.
    ///
    /// # Errors
    /// The system cannot read it.
    pub(super) fn new(input: R) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(READ_BUFFER_BYTES, input);
        let mut start = Vec::new();
        input.by_ref().take(MAGIC_BYTES).read_to_end(&mut start)?;
        let gzip = start.starts_with(&GZIP);
        let zstd = start.starts_with(&ZSTD) || is_skippable(&start);
        let input = Input {
            inner: Cursor::new(start).chain(input),
            failure: None,
        };
        let packing = if gzip {
            Packing::Gzip(Gunzip::new(input))
        } else if zstd {
            Packing::Zstd(Unzstd::new(input).into())
        } else {
            Packing::None(input)
        };
        let damage = None;
        Ok(Self { packing, damage })
    }

    /// Why it could not be unpacked to its end.
    pub(super) fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }
}

/// Ends where it can be unpacked no further; fails only where the system cannot read on.
impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.damage.is_some() || out.is_empty() {
            return Ok(0);
        }
        let (result, input) = match &mut self.packing {
            Packing::None(input) => return input.inner.read(out),
            Packing::Gzip(gzip) => (gzip.read(out), gzip.input()),
            Packing::Zstd(zstd) => (zstd.read(out), Some(&mut zstd.input)),
        };
        match (result, input.and_then(|input| input.failure.take())) {
            (Ok(n), _) => Ok(n),
            (Err(_), Some(failure)) => Err(failure),
            (Err(damage), None) => {
                self.damage = Some(clip(&damage, MAX_REASON_CHARS));
                Ok(0)
            }
        }
    }
}

/// A packed input, which remembers what kept the system from reading it.
struct Input<R: Read> {
    inner: Chain<Cursor<Vec<u8>>, BufReader<R>>,
    failure: Option<io::Error>,
}

impl<R: Read> Input<R> {
    /// Whether nothing is left.
    fn is_over(&mut self) -> io::Result<bool> {
        self.fill_buf().map(<[u8]>::is_empty)
    }

    fn remember<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != ErrorKind::Interrupted {
                self.failure = Some(error);
            }
            kind.into()
        })
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(out);
        self.remember(result)
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            let result = self.inner.fill_buf().map(|_| ());
            match self.remember(result) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(()) => return self.inner.fill_buf(),
            }
        }
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
    }
}

/// Members of a gzip file, one after the other (RFC 1952 section 2.2).
struct Gunzip<R: Read> {
    /// Always there; moved out for a moment between two members.
    member: Option<GzDecoder<Input<R>>>,
}

impl<R: Read> Gunzip<R> {
    fn new(input: Input<R>) -> Self {
        let member = Some(GzDecoder::new(input));
        Self { member }
    }

    fn input(&mut self) -> Option<&mut Input<R>> {
        self.member.as_mut().map(GzDecoder::get_mut)
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize, String> {
        while let Some(member) = &mut self.member {
            match member.read(out).map_err(|error| what(&error, "gzip"))? {
                0 => {}
                n => return Ok(n),
            }
            match follows(member.get_mut()).map_err(|error| what(&error, "gzip"))? {
                None => break,
                Some(byte) if byte == GZIP[0] => {}
                Some(_) => return Err("what follows the gzip data is none".into()),
            }
            self.member = self
                .member
                .take()
                .map(GzDecoder::into_inner)
                .map(GzDecoder::new);
        }
        Ok(0)
    }
}

/// The byte that follows a member. Zeros between and after members are padding to the size of a
/// block, as gzip(1) takes them.
fn follows(input: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = input.fill_buf()?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        let (seen, found) = (bytes.len(), bytes.get(zeros).copied());
        input.consume(zeros);
        if found.is_some() || seen == 0 {
            return Ok(found);
        }
    }
}

/// Frames of a zstd file, one after the other (RFC 8878 section 3).
struct Unzstd<R: Read> {
    input: Input<R>,
    decoder: FrameDecoder,
    /// Whether there was a frame before.
    begun: bool,
    /// What ends the file, once all that was unpacked before is handed over.
    broken: Option<String>,
}

impl<R: Read> Unzstd<R> {
    fn new(input: Input<R>) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES);
        Self {
            input,
            decoder,
            begun: false,
            broken: None,
        }
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize, String> {
        while self.decoder.can_collect() == 0 {
            if let Some(broken) = &self.broken {
                return Err(broken.clone());
            }
            if !self.decoder.is_finished() {
                self.next_block();
            } else if !self.next_frame()? {
                return Ok(0);
            }
        }
        self.decoder.read(out).map_err(|error| what(&error, "zstd"))
    }

    fn next_block(&mut self) {
        let one = BlockDecodingStrategy::UptoBlocks(1);
        if let Err(error) = self.decoder.decode_blocks(&mut self.input, one) {
            self.broken = Some(what(&error, "zstd"));
            // The decoder keeps back a window of what it unpacked, for blocks that refer to it, until
            // it sees the last one. Now there is no other.
            let _ = self
                .decoder
                .decode_blocks(LAST_BLOCK.as_slice(), BlockDecodingStrategy::All);
        }
    }

    /// Goes on to the next frame; false where there is none.
    fn next_frame(&mut self) -> Result<bool, String> {
        let stated = self.decoder.get_checksum_from_data();
        if stated.is_some() && stated != self.decoder.get_calculated_checksum() {
            return Err("the zstd data is damaged (its checksum is another)".into());
        }
        if self.input.is_over().map_err(|error| what(&error, "zstd"))? {
            return Ok(false);
        }
        match self.decoder.init(&mut self.input) {
            Ok(()) => self.begun = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => self.skip(length.into())?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(
                _,
            ))) if self.begun => {
                return Err("what follows the zstd data is none".into());
            }
            Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => {
                let most = MAX_WINDOW_BYTES >> 20;
                let asked = requested.div_ceil(1 << 20);
                return Err(format!(
                    "the zstd data needs a window of {asked} MiB, and at most {most} are taken \
                     (unpack it with zstd -d --long=31)"
                ));
            }
            Err(error) => return Err(what(&error, "zstd")),
        }
        Ok(true)
    }

    fn skip(&mut self, length: u64) -> Result<(), String> {
        let skipped = io::copy(&mut self.input.by_ref().take(length), &mut io::sink());
        match skipped {
            Ok(n) if n == length => Ok(()),
            Ok(_) => Err(cut_short("zstd")),
            Err(error) => Err(what(&error, "zstd")),
        }
    }
}

fn is_skippable(start: &[u8]) -> bool {
    let fixed = start.first().map(|byte| byte & 0xf0).into_iter();
    fixed.chain(start.iter().skip(1).copied()).eq(SKIPPABLE)
}

fn cut_short(format: &str) -> String {
    format!("the {format} data is cut short")
}

/// What is wrong with packed data, by a decoder's error.
fn what(error: &(dyn Error + 'static), format: &str) -> String {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    let ended = causes.any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|error| error.kind() == ErrorKind::UnexpectedEof)
    });
    if ended {
        cut_short(format)
    } else {
        format!("the {format} data is damaged ({error})")
    }
}
