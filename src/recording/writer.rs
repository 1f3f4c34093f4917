//! [`Writer`]: the sink that turns events into lines of a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::RecordingError;
use super::line;
use crate::sample::{Event, RunHeader, Sink};
use crate::time::{Monotonic, TimeDelta};

/// Lines are held back at most this long between two events or ticks. With a tick at least as often
/// as this, a process that is killed loses at most its last second.
const FLUSH_AFTER: TimeDelta = TimeDelta::from_millis(500);
/// Lines are written out, however young, when they fill this much.
const FLUSH_BYTES: usize = 64 * 1024;

/// Writes a recording, line by line, into anything that takes bytes.
///
/// A failure (a full disk) ends the recording and nothing else: the error is kept for
/// [`failure`](Self::failure) and later events are dropped. Bytes reach `W` in whole lines; where
/// the system took a line only in part, a regular file is cut back to its last whole line.
pub struct Writer<W: Write> {
    inner: W,
    /// Takes back what follows the last whole line, where `inner` can.
    cut: Option<Cut<W>>,
    name: String,
    /// Whole lines that are not written yet.
    held: Vec<u8>,
    /// Bytes of whole lines that `inner` took.
    written: u64,
    /// Sources declared so far; the id of the next.
    declared: u32,
    /// The latest instant that an event or a tick told.
    now: Monotonic,
    /// When `held` was last emptied.
    flushed: Monotonic,
    failure: Option<RecordingError>,
}

impl Writer<File> {
    /// Creates the file at `path` and writes the first line. What exists is replaced only with
    /// `force`, and then only a regular file, a pipe or a character device, not through a symbolic
    /// link: a name in a shared folder may lead where its owner never meant to write.
    ///
    /// # Errors
    /// The file exists, is of another kind, or cannot be created. That the disk is full is not
    /// among them: like every failure to write it is kept in [`failure`](Self::failure).
    pub fn create(path: &Path, force: bool, header: &RunHeader) -> Result<Self, RecordingError> {
        let name = path.display().to_string();
        let refused = |error| RecordingError::Create {
            name: name.clone(),
            error,
        };
        // Does not follow a symbolic link, dangling or not (open(2), O_EXCL).
        let created = OpenOptions::new().write(true).create_new(true).open(path);
        let file = match created {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::AlreadyExists && force => replace(path, &name)?,
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                return Err(RecordingError::Exists { name });
            }
            Err(e) => return Err(refused(e)),
        };
        let regular = file.metadata().map_err(refused)?.is_file();
        let cut: Option<Cut<File>> = if regular { Some(cut_file) } else { None };
        Ok(Self::start(file, cut, name, header))
    }
}

/// Shortens what was written to so many bytes.
pub(super) type Cut<W> = fn(&mut W, u64) -> io::Result<()>;

fn cut_file(file: &mut File, len: u64) -> io::Result<()> {
    file.set_len(len)
}

/// Opens what exists at `path` and empties it.
fn replace(path: &Path, name: &str) -> Result<File, RecordingError> {
    let refused = |error| RecordingError::Create {
        name: name.to_owned(),
        error,
    };
    let not_a_file = |what| RecordingError::NotAFile {
        name: name.to_owned(),
        what,
    };
    let seen = fs::symlink_metadata(path).map_err(refused)?;
    let kind = seen.file_type();
    if kind.is_dir() {
        return Err(not_a_file("a folder"));
    } else if kind.is_symlink() {
        return Err(not_a_file("a symbolic link"));
    } else if kind.is_block_device() {
        return Err(not_a_file("a disk"));
    } else if kind.is_socket() {
        return Err(not_a_file("a socket"));
    }
    // Emptied only after the open file is known to be the one that was looked at.
    let file = OpenOptions::new().write(true).open(path).map_err(refused)?;
    let opened = file.metadata().map_err(refused)?;
    if (opened.dev(), opened.ino()) != (seen.dev(), seen.ino()) {
        return Err(not_a_file("being replaced by someone else"));
    }
    if opened.is_file() {
        file.set_len(0).map_err(refused)?;
    }
    Ok(file)
}

impl<W: Write> Writer<W> {
    /// Writes the first line into `inner`. `name` is what errors call it.
    pub fn new(inner: W, name: impl Into<String>, header: &RunHeader) -> Self {
        Self::start(inner, None, name.into(), header)
    }

    pub(super) fn start(inner: W, cut: Option<Cut<W>>, name: String, header: &RunHeader) -> Self {
        let mut writer = Self {
            inner,
            cut,
            name,
            held: Vec::with_capacity(FLUSH_BYTES + 1024),
            written: 0,
            declared: 0,
            now: header.started_at,
            flushed: header.started_at,
            failure: None,
        };
        let encoded = line::write_header(header, &mut writer.held);
        writer.encoded(encoded);
        writer.flush();
        writer
    }

    /// Why the recording ended early, if it did.
    pub fn failure(&self) -> Option<&RecordingError> {
        self.failure.as_ref()
    }

    /// Writes out what is held back.
    pub fn flush(&mut self) {
        self.flushed = self.now;
        if self.failure.is_some() || self.held.is_empty() {
            return;
        }
        let (taken, result) = write_counted(&mut self.inner, &self.held);
        let result = result.and_then(|()| self.inner.flush());
        if let Err(error) = result {
            let whole = self
                .held
                .get(..taken)
                .and_then(|head| head.iter().rposition(|&b| b == b'\n'))
                .map_or(0, |newline| newline + 1);
            self.written += whole as u64;
            // A reader skips a torn last line, so nothing is lost if this fails as well.
            if let Some(cut) = self.cut {
                let _ = cut(&mut self.inner, self.written);
            }
            self.fail(error);
        } else {
            self.written += self.held.len() as u64;
            self.held.clear();
        }
    }

    /// Takes note of a line that could not be put into text.
    fn encoded(&mut self, result: Result<(), serde_json::Error>) {
        if let Err(error) = result {
            self.fail(error.into());
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.held = Vec::new();
        self.failure = Some(RecordingError::Write {
            name: self.name.clone(),
            error,
        });
    }

    fn flush_if_due(&mut self) {
        if self.now.since(self.flushed) >= FLUSH_AFTER {
            self.flush();
        }
    }
}

/// Writes all of `bytes`, and says how many were taken where that fails.
fn write_counted(out: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut taken = 0;
    while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
        match out.write(rest) {
            Ok(0) => return (taken, Err(ErrorKind::WriteZero.into())),
            Ok(n) => taken += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return (taken, Err(e)),
        }
    }
    (taken, Ok(()))
}

/// When an event happened, where it says so.
fn instant(event: &Event) -> Option<Monotonic> {
    match *event {
        Event::Sample(_, ref sample) => Some(sample.at),
        Event::Lost(_, at, _)
        | Event::Rejected(_, at, ..)
        | Event::StampFault(_, at, ..)
        | Event::Note(_, at, _)
        | Event::End(crate::sample::RunEnd { at, .. }) => Some(at),
        Event::Clock(ref reading) => Some(reading.clocks.counter),
        Event::Disturbance(ref found) => Some(found.at),
        Event::Source(_) | Event::Server(..) | Event::CrossCheck(..) => None,
    }
}

impl<W: Write> Sink for Writer<W> {
    fn event(&mut self, event: &Event) {
        if self.failure.is_some() {
            return;
        }
        let encoded = line::write_event(event, self.declared, &mut self.held);
        self.encoded(encoded);
        if matches!(event, Event::Source(_)) {
            self.declared = self.declared.saturating_add(1);
        }
        // Samples of many servers do not complete in the order of their T1.
        self.now = instant(event).map_or(self.now, |at| at.max(self.now));
        if matches!(event, Event::End(_)) || self.held.len() >= FLUSH_BYTES {
            self.flush();
        }
        self.flush_if_due();
    }

    fn tick(&mut self, now: Monotonic) {
        self.now = now.max(self.now);
        self.flush_if_due();
    }
}

impl<W: Write> Drop for Writer<W> {
    fn drop(&mut self) {
        self.flush();
    }
}
