//! [`RecordingError`]: why there is no recording, and what to do.

use std::fmt;
use std::io;

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
    /// The file holds nothing.
    #[error("{name} is empty; a recording starts with a line that names its version")]
    Empty {
        /// The file.
        name: String,
    },
    /// The file is something else.
    #[error(
        "{name} is not a clockfit recording: it looks like {looks_like}; \
         give a file written by `clockfit measure -o FILE`"
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
}

/// What a file that is not a recording seems to be, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksLike {
    /// Compressed data, by its magic number.
    Compressed(&'static str),
    /// Bytes that are not text.
    Binary,
    /// JSON of another kind.
    Json,
    /// The middle of a recording whose first line is missing.
    Headless,
    /// Text that is not JSON.
    Text,
}

impl LooksLike {
    /// Judges the first bytes of a file.
    pub(super) fn judge(start: &[u8]) -> Self {
        /// Magic numbers of what people compress recordings with.
        const MAGIC: [(&[u8], &str); 4] = [
            (&[0x1f, 0x8b], "gzip -d"),
            (&[0x28, 0xb5, 0x2f, 0xfd], "zstd -d"),
            (&[0xfd, b'7', b'z', b'X', b'Z'], "xz -d"),
            (b"BZh", "bzip2 -d"),
        ];
        if let Some((_, tool)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Self::Compressed(tool);
        }
        let control = |b: &u8| b.is_ascii_control() && !b.is_ascii_whitespace();
        let head = start.get(..start.len().min(512)).unwrap_or(start);
        // A character cut by the end of `head` is no sign of binary data.
        let cut_only = |e: std::str::Utf8Error| e.error_len().is_none();
        if head.iter().any(control) || std::str::from_utf8(head).is_err_and(|e| !cut_only(e)) {
            Self::Binary
        } else if head.starts_with(b"{\"k\":") {
            Self::Headless
        } else if matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) {
            Self::Json
        } else {
            Self::Text
        }
    }
}

impl fmt::Display for LooksLike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compressed(tool) => write!(f, "compressed data (unpack it with {tool})"),
            Self::Binary => f.write_str("binary data"),
            Self::Json => f.write_str("JSON of another kind"),
            Self::Headless => f.write_str("a recording without its first line"),
            Self::Text => f.write_str("plain text"),
        }
    }
}
