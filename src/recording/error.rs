//! [`RecordingError`]: why there is no recording, and what to do.

use std::io;

use super::import::ImportError;
use super::import::pcap::CaptureError;
use super::recognise::LooksLike;
use crate::sample::SCHEMA_MAJOR;

/// Why a recording could not be written, or not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file to be written exists and may not be replaced.
    #[error("{name} exists already; choose another name, or replace it with --force")]
    Exists {
        /// The file.
        name: String,
    },
    /// What has that name cannot become a recording.
    #[error("{name} is {what}; a recording needs a regular file")]
    NotAFile {
        /// The file.
        name: String,
        /// What it is instead.
        what: &'static str,
    },
    /// The file could not be created.
    #[error("cannot create {name}: {error}")]
    Create {
        /// The file.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// Writing failed; what was written before stays.
    #[error("the recording {name} ends early: {error}; what follows is not recorded")]
    Write {
        /// The file.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// The file could not be opened.
    #[error("cannot open {name}: {error}")]
    Open {
        /// The file.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// Reading failed.
    #[error("cannot read {name}: {error}")]
    Read {
        /// The file.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// A packed file holds no measurement that could be unpacked.
    #[error("no measurement can be unpacked from {name}: {damage}")]
    Packed {
        /// The file.
        name: String,
        /// What is wrong with it.
        damage: String,
    },
    /// The file holds nothing.
    #[error("{name} is empty; a recording starts with a line that names its version")]
    Empty {
        /// The file.
        name: String,
    },
    /// The file is something else.
    #[error(
        "{name} is not a clockfit recording: it looks like {looks_like}; \
         give a file written by `clockfit measure -o FILE`, a packet capture, a log of chronyd or ntpd, or \
         results of RIPE Atlas; columns of numbers are for --phase or --frequency"
    )]
    NotARecording {
        /// The file.
        name: String,
        /// What its first bytes say it is.
        looks_like: LooksLike,
    },
    /// The file stops within its first line.
    #[error("{name} stops within its first line, before any measurement")]
    TruncatedHeader {
        /// The file.
        name: String,
    },
    /// The first line names a known version but lacks something.
    #[error("the first line of {name} is damaged: {reason}")]
    BadHeader {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was written by a program that changed the meaning of lines.
    #[error(
        "{name} has recording version {major}.{minor}, and this program reads version \
         {SCHEMA_MAJOR}; update clockfit to read it"
    )]
    NewerMajor {
        /// The file.
        name: String,
        /// Its major version.
        major: u64,
        /// Its minor version.
        minor: u64,
    },
    /// Nothing came of what another program recorded.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Nothing came of a packet capture.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}
