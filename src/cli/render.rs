//! `clockfit report`: an old result, a recording or a JSON report, is written in another format.

use std::fs::File;
use std::io::{Cursor, Read};

use anyhow::Context;

use super::analyse::{STDIN_NAME, is_stdin, stdin};
use super::args::RenderArgs;
use super::report_file::Outputs;
use super::report_format::{Told, What};
use super::{Exit, output, present};
use crate::recording::{self, Replay};
use crate::report::{Saved, SavedError};

/// What tells a recording of this program from a report: its first words.
const RECORDING: &[u8] = b"{\"clockfit_recording\"";

/// So much of a file is looked at to tell what it is.
const HEAD: usize = 4_096;

/// Reads what is named, and writes it.
pub(super) fn run(args: &RenderArgs) -> anyhow::Result<Exit> {
    let outputs = Outputs::open(&args.formats)?;
    match read(args)? {
        Old::Report(saved) => {
            let what = match saved.as_ref() {
                Saved::Measured(report) => What::Measured(report),
                Saved::Judged(report) => What::Judged(report),
            };
            let told = Told {
                what,
                campaign: None,
            };
            outputs
                .formats()
                .try_for_each(|format| told.has_for(format))?;
            outputs.write(&told)?;
            Ok(Exit::Measured)
        }
        Old::Recording(replay) => {
            present::report(&replay.campaign, &present::plan(args.analysis), outputs)
        }
    }
}

/// What a file holds.
enum Old {
    Report(Box<Saved>),
    Recording(Box<Replay>),
}

fn read(args: &RenderArgs) -> anyhow::Result<Old> {
    let file = &args.file;
    if is_stdin(file) {
        return read_from(stdin()?, STDIN_NAME);
    }
    let name = file.display().to_string();
    let opened = File::open(file).with_context(|| format!("cannot open {name}"))?;
    read_from(opened, &name)
}

fn read_from(mut input: impl Read + Send, name: &str) -> anyhow::Result<Old> {
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
    input.read_to_end(&mut head).with_context(cannot)?;
    match Saved::read(&head) {
        Ok(saved) => Ok(Old::Report(Box::new(saved))),
        // Recordings of others are JSON, too.
        Err(SavedError::Foreign) => recorded(Cursor::new(head), name),
        Err(error) => Err(error).with_context(|| name.to_owned()),
    }
}

fn recorded(input: impl Read + Send, name: &str) -> anyhow::Result<Old> {
    let replay: Replay = recording::read_from(input, name)?;
    for line in replay.describe() {
        output::complain(&format!("warning: {name}: {line}"));
    }
    Ok(Old::Recording(Box::new(replay)))
}
