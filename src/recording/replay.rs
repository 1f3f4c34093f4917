//! [`read`] and [`read_from`]: a whole input becomes a [`Replay`].

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};
use std::path::Path;

use super::error::RecordingError;
use super::import::columns::Column;
use super::import::pcap::{Capture, CaptureReport};
use super::import::{self, ImportError, Importer};
use super::reader::Reader;
use super::recognise::{Format, START_BYTES, recognise};
use super::report::ReadReport;
use super::unpack::Unpacked;
use crate::sample::Campaign;

/// A recording, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// What the run told, as far as the file still holds it.
    pub campaign: Campaign,
    /// What could not be used of the file.
    pub report: ReadReport,
    /// What could not be used of a packet capture; absent for everything else.
    pub capture: Option<CaptureReport>,
}

impl Replay {
    /// What a person should know of the file, one sentence each.
    pub fn describe(&self) -> Vec<String> {
        let capture = self.capture.as_ref().map(CaptureReport::describe);
        let lines = self.report.describe();
        capture.into_iter().flatten().chain(lines).collect()
    }
}

/// Reads the recording at `path`: one of this program, of another ([`import`](super::import)) or a packet
/// capture, told apart by their content, and each may be packed with gzip or zstd. Memory grows with
/// what the file holds, never by what it claims.
///
/// # Errors
/// The file cannot be read, is not a recording, stops within its first line, or was written by a
/// newer major version. Damage further down is no error; the [`ReadReport`] tells it.
pub fn read(path: &Path) -> Result<Replay, RecordingError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_from(file, name),
        Err(error) => Err(RecordingError::Open { name, error }),
    }
}

/// Reads a recording from any input, which may be packed with gzip or zstd. `name` is what errors
/// call it.
///
/// ```
/// use clockfit::recording::{Writer, read_from};
/// use clockfit::sample::RunHeader;
///
/// let mut bytes = Vec::new();
/// drop(Writer::new(&mut bytes, "memory", &RunHeader::default()));
/// let replay = read_from(bytes.as_slice(), "memory")?;
/// assert_eq!((replay.report.lines, replay.campaign.end), (1, None));
/// # Ok::<(), clockfit::recording::RecordingError>(())
/// ```
///
/// # Errors
/// See [`read`].
pub fn read_from(
    input: impl Read + Send,
    name: impl Into<String>,
) -> Result<Replay, RecordingError> {
    let name = name.into();
    let opened = Opened::new(input).map_err(|error| RecordingError::Read {
        name: name.clone(),
        error,
    });
    let mut opened = opened?;
    let read = match opened.format {
        Format::Recording => read_recording(&mut opened, &name),
        Format::Capture => read_capture(&mut opened, &name),
        Format::Foreign(format) => read_foreign(&mut opened, format, &name),
        Format::Unlike(looks_like) => Err(RecordingError::NotARecording {
            name: name.clone(),
            looks_like,
        }),
    };
    match (read, opened.damage()) {
        (Ok(mut replay), damage) => {
            replay.report.damage = damage.map(str::to_owned);
            Ok(replay)
        }
        (
            Err(RecordingError::Empty { .. } | RecordingError::TruncatedHeader { .. }),
            Some(damage),
        ) => Err(RecordingError::Packed {
            name,
            damage: damage.to_owned(),
        }),
        (Err(error), _) => Err(error),
    }
}

/// A column of numbers, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadColumn {
    /// What could be read of it.
    pub column: Column,
    /// Why a packed file could not be unpacked to its end.
    pub damage: Option<String>,
}

/// Reads a plain column of numbers from any input, which may be packed with gzip or zstd: see
/// [`columns`](super::import::columns).
///
/// ```
/// let read = clockfit::recording::read_column("1e-9\n-2e-9\n".as_bytes(), "phase.txt", None)?;
/// assert_eq!(read.column.iter().collect::<Vec<_>>(), [Some(1), Some(-2)]);
/// # Ok::<(), clockfit::recording::RecordingError>(())
/// ```
///
/// # Errors
/// It cannot be read, or something in it is no number; see [`Column::read`].
pub fn read_column(
    input: impl Read,
    name: &str,
    decimals: Option<u8>,
) -> Result<ReadColumn, RecordingError> {
    let unpacked = Unpacked::new(input).map_err(|error| RecordingError::Read {
        name: name.to_owned(),
        error,
    })?;
    let mut input = BufReader::new(unpacked);
    let column = Column::read(&mut input, name, decimals);
    match (column, input.get_ref().damage()) {
        (Ok(column), damage) => Ok(ReadColumn {
            column,
            damage: damage.map(str::to_owned),
        }),
        (Err(ImportError::NoNumber { name }), Some(damage)) => Err(RecordingError::Packed {
            name,
            damage: damage.to_owned(),
        }),
        (Err(error), _) => Err(error.into()),
    }
}

fn read_recording(
    opened: &mut Opened<impl Read + Send>,
    name: &str,
) -> Result<Replay, RecordingError> {
    let small = opened.is_small;
    let reader = Reader::new(&mut opened.input, name)?;
    let mut campaign = Campaign::new(reader.header().clone());
    let report = if small {
        reader.read_into(&mut campaign)?
    } else {
        // In the pool, so that no more threads are busy than it has.
        rayon::scope(|_| reader.read_into(&mut campaign))?
    };
    Ok(Replay {
        campaign,
        report,
        capture: None,
    })
}

fn read_capture(
    opened: &mut Opened<impl Read + Send>,
    name: &str,
) -> Result<Replay, RecordingError> {
    let capture = Capture::open(&mut opened.input, name)?;
    let mut campaign = Campaign::new(capture.header().clone());
    let capture = Some(capture.read_into(&mut campaign)?);
    Ok(Replay {
        campaign,
        report: ReadReport::default(),
        capture,
    })
}

fn read_foreign(
    opened: &mut Opened<impl Read + Send>,
    format: import::Format,
    name: &str,
) -> Result<Replay, RecordingError> {
    let importer = Importer::new(format, &mut opened.input, name)?;
    let mut campaign = Campaign::new(importer.header().clone());
    let report = importer.read_into(&mut campaign)?;
    Ok(Replay {
        campaign,
        report,
        capture: None,
    })
}

/// An input, unpacked, of which the first bytes were looked at.
struct Opened<R: Read> {
    input: Chain<Cursor<Vec<u8>>, BufReader<Unpacked<R>>>,
    format: Format,
    /// Whether the first bytes were all.
    is_small: bool,
}

impl<R: Read> Opened<R> {
    fn new(input: R) -> std::io::Result<Self> {
        let mut input = BufReader::with_capacity(START_BYTES, Unpacked::new(input)?);
        let mut start = Vec::new();
        let most = u64::try_from(START_BYTES).unwrap_or(u64::MAX);
        input.by_ref().take(most).read_to_end(&mut start)?;
        Ok(Self {
            format: recognise(&start),
            is_small: start.len() < START_BYTES,
            input: Cursor::new(start).chain(input),
        })
    }

    fn damage(&self) -> Option<&str> {
        let (_, input) = self.input.get_ref();
        input.get_ref().damage()
    }
}
