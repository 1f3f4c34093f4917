//! [`recognise`]: what an input is, by its first bytes.

use std::fmt;

use super::import;
use super::line::Probe;

/// How many first bytes of an input are looked at.
pub(super) const START_BYTES: usize = 64 * 1024;
/// How the first line of each recording starts that this program wrote.
const RECORDING_START: &[u8] = b"{\"clockfit_recording\"";

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A recording of this program, or what is left of one.
    Recording,
    /// A packet capture.
    Capture,
    /// What another program recorded.
    Foreign(import::Format),
    /// Nothing that is read here.
    Unlike(LooksLike),
}

/// Tells a format by the first bytes of an input: up to [`START_BYTES`], fewer where it ends.
///
pub(super) fn recognise(start: &[u8]) -> Format {
    let (line, whole) = match start.iter().position(|&byte| byte == b'\n') {
        Some(end) => (start.get(..end).unwrap_or(start), true),
        None => (start, false),
    };
    if (whole && names_version(line)) || (!whole && could_begin_recording(line)) {
        return Format::Recording;
    }
    if import::pcap::claims(start) {
        return Format::Capture;
    }
    if let Some(format) = import::Format::recognise(start) {
        return Format::Foreign(format);
    }
    let object = line.trim_ascii_start().first() == Some(&b'{');
    if !whole && object && start.len() >= START_BYTES {
        // The version may stand anywhere in a first line that is longer than this.
        return Format::Recording;
    }
    Format::Unlike(LooksLike::judge(line))
}

/// Whether a first line names the version of a recording, known or not.
fn names_version(line: &[u8]) -> bool {
    let probe: Option<Probe> = serde_json::from_slice(line).ok();
    probe.is_some_and(|probe| probe.clockfit_recording.is_some())
}

/// Whether a line that is cut somewhere could have become the first of a recording.
pub(super) fn could_begin_recording(line: &[u8]) -> bool {
    let shared = line.len().min(RECORDING_START.len());
    line.get(..shared) == RECORDING_START.get(..shared)
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
    /// A plain column of numbers.
    Numbers,
    /// Other text that is not JSON.
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
        } else if begins_with_number(head) {
            Self::Numbers
        } else {
            Self::Text
        }
    }
}

fn begins_with_number(line: &[u8]) -> bool {
    let first = line
        .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b';'))
        .find(|word| !word.is_empty());
    let number = first.and_then(|word| std::str::from_utf8(word).ok()?.parse::<f64>().ok());
    number.is_some_and(f64::is_finite)
}

impl fmt::Display for LooksLike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compressed(tool) => write!(f, "compressed data (unpack it with {tool})"),
            Self::Binary => f.write_str("binary data"),
            Self::Json => f.write_str("JSON of another kind"),
            Self::Headless => f.write_str("a recording without its first line"),
            Self::Numbers => f.write_str(
                "a column of numbers (phases or frequencies, one each second? clockfit analyse --tau0 1s \
                 --phase FILE, or --frequency FILE)",
            ),
            Self::Text => f.write_str("plain text"),
        }
    }
}
