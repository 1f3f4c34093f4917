//! An old result, read back: a recording, or a report that was saved as JSON.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use anyhow::{Context, bail};

use super::output;
use crate::recording::{self, Replay};
use crate::report::{Report, Saved, SavedError};

/// What tells a recording of this program from a report: its first words.
const RECORDING: &[u8] = b"{\"clockfit_recording\"";

/// So much of a file is looked at to tell what it is.
const HEAD: usize = 4_096;

/// What is longer is no report: those of ten thousand sources have 80 MB.
const LONGEST: u64 = 1 << 30;

/// What a file holds.
#[derive(Debug)]
pub(super) enum Old {
    Report(Box<Saved>),
    Recording(Box<Replay>),
}

/// Reads a file.
pub(super) fn read(file: &Path) -> anyhow::Result<Old> {
    let name = file.display().to_string();
    let opened = File::open(file).with_context(|| format!("cannot open {name}"))?;
    let kind = opened
        .metadata()
        .with_context(|| format!("cannot read {name}"))?;
    if kind.is_dir() {
        bail!("{name} is a directory: name the files in it, as in {name}/*.json");
    }
    read_from(opened, &name)
}

/// Reads a stream of this name.
pub(super) fn read_from(mut input: impl Read + Send, name: &str) -> anyhow::Result<Old> {
    let cannot = || format!("cannot read {name}");
    let mut head = Vec::new();
    let limit = u64::try_from(HEAD).unwrap_or(u64::MAX);
    input
        .by_ref()
        .take(limit)
        .read_to_end(&mut head)
        .with_context(cannot)?;
    let begun = head.trim_ascii_start();
    if !begun.starts_with(b"{") || begun.starts_with(RECORDING) {
        return recorded(Cursor::new(head).chain(input), name);
    }
    input
        .by_ref()
        .take(LONGEST)
        .read_to_end(&mut head)
        .with_context(cannot)?;
    if u64::try_from(head.len()).is_ok_and(|len| len > LONGEST) {
        return recorded(Cursor::new(head).chain(input), name);
    }
    match Saved::read(&head) {
        Ok(saved) => Ok(Old::Report(Box::new(saved))),
        // Recordings of others are JSON, too.
        Err(SavedError::Foreign) => recorded(Cursor::new(head), name),
        Err(error) => Err(error).with_context(|| name.to_owned()),
    }
}

/// What a report of this name measured.
pub(super) fn measurement<'a>(saved: &'a Saved, name: &str) -> anyhow::Result<&'a Report> {
    let none = || format!("{name} is a report of discover, which measures nothing");
    saved.measurement().with_context(none)
}

fn recorded(input: impl Read + Send, name: &str) -> anyhow::Result<Old> {
    let replay: Replay = recording::read_from(input, name)?;
    for line in replay.describe() {
        output::complain(&format!("warning: {name}: {line}"));
    }
    Ok(Old::Recording(Box::new(replay)))
}
