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

mod block;
mod clock;
mod deliver;
mod error;
mod exchange;
pub mod import;
mod line;
mod reader;
mod recognise;
mod replay;
mod report;
mod scan;
#[cfg(test)]
mod tests;
mod unpack;
mod writer;

pub use error::RecordingError;
pub use reader::Reader;
pub use recognise::LooksLike;
pub use replay::{ReadColumn, Replay, read, read_column, read_from};
pub use report::{ReadReport, Unreadable};
pub use scan::scan_exchange;
pub use writer::Writer;
