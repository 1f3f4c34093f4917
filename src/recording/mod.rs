//! The recording: every event of a run as one line of JSON, written while sampling, read for replay.
//!
//! Floor 4, files but no sockets. `docs/recording.md` describes the format for those who read it
//! with other tools. [`Writer`] is a [`Sink`](crate::sample::Sink) that keeps its own account of
//! failure, so that a full disk ends the recording and not the measurement. [`read`] and [`Reader`]
//! keep whatever is whole in a file that is torn, damaged or written by a newer minor version, and
//! say in a [`ReadReport`] what they could not use. Since a report is made from events alone, a run
//! and its replay give the same one.
//!
//! ```
//! use clockfit::recording::{Reader, Writer};
//! use clockfit::sample::{Campaign, Event, RunEnd, RunHeader, Sink};
//! use clockfit::time::Monotonic;
//!
//! let header = RunHeader { run_id: "3f9c".into(), ..RunHeader::default() };
//! let mut file = Vec::new();
//! let mut writer = Writer::new(&mut file, "memory", &header);
//! writer.event(&Event::End(RunEnd { at: Monotonic::from_nanos(5), interrupted: false }));
//! assert!(writer.failure().is_none());
//! drop(writer);
//!
//! let reader = Reader::new(file.as_slice(), "memory")?;
//! let mut campaign = Campaign::new(reader.header().clone());
//! let report = reader.read_into(&mut campaign)?;
//! assert_eq!(campaign.header.run_id, "3f9c");
//! assert!(campaign.end.is_some() && report.is_whole());
//! # Ok::<(), clockfit::recording::RecordingError>(())
//! ```
#![deny(clippy::indexing_slicing)]

mod clock;
mod error;
mod exchange;
pub mod import;
mod line;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

pub use error::{LooksLike, RecordingError};
pub use reader::{ReadReport, Reader, Unreadable};
pub use writer::Writer;

use crate::sample::Campaign;

/// A recording, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// What the run told, as far as the file still holds it.
    pub campaign: Campaign,
    /// What could not be used of the file.
    pub report: ReadReport,
}

/// Reads the recording at `path`. Memory grows with what the file holds, never by what it claims.
///
/// # Errors
/// The file cannot be read, is not a recording, stops within its first line, or was written by a
/// newer major version. Damage further down is no error; the [`ReadReport`] tells it.
pub fn read(path: &Path) -> Result<Replay, RecordingError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| RecordingError::Open {
        name: name.clone(),
        error,
    })?;
    let reader = Reader::new(BufReader::with_capacity(READ_BUFFER_BYTES, file), name)?;
    let mut campaign = Campaign::new(reader.header().clone());
    let report = reader.read_into(&mut campaign)?;
    Ok(Replay { campaign, report })
}

/// One system call for some 500 exchange lines.
const READ_BUFFER_BYTES: usize = 64 * 1024;
