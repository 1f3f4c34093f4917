//! `clockfit analyse`: what was recorded becomes the report that a run would have given.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::{Context, anyhow, bail};

use super::args::AnalyseArgs;
use super::report_file::{Outputs, STDIN_FILE};
use super::report_format::ReportFormat;
use super::{Exit, TOOL, output, present};
use crate::recording::import::ImportError;
use crate::recording::{self, ReadColumn, RecordingError, Replay};
use crate::report::{ColumnKind, ColumnReport, json, text};
use crate::stats::stability::PhaseOverflow;
use crate::time::TimeDelta;

/// What stands for standard input on the command line.
const STDIN: &str = "-";
/// What messages call it.
pub(super) const STDIN_NAME: &str = "standard input";

/// Reads what is named, and reports on each.
pub(super) fn run(args: &AnalyseArgs) -> anyhow::Result<Exit> {
    let column = match (&args.phase, &args.frequency) {
        (Some(file), _) => Some((ColumnKind::Phase, file)),
        (_, file) => file.as_ref().map(|file| (ColumnKind::Frequency, file)),
    };
    if let (Some((kind, file)), Some(tau0)) = (column, args.tau0) {
        return one_column(kind, file, tau0, args);
    }
    if args.files.iter().filter(|file| is_stdin(file)).count() > 1 {
        bail!("{STDIN_NAME} can be read once only; name {STDIN} once");
    }
    let formats = &args.report.formats;
    if args.files.len() > 1 && formats.iter().any(|of| of.file.is_some()) {
        bail!(
            "--format: each recording has a report of its own, and a file holds one; name one recording"
        );
    }
    let of_one = [
        ReportFormat::Html,
        ReportFormat::Csv,
        ReportFormat::CsvQuantiles,
        ReportFormat::Hlog,
    ];
    if let (2.., Some(of)) = (
        args.files.len(),
        formats.iter().find(|of| of_one.contains(&of.format)),
    ) {
        bail!(
            "--format: {} is a document of one recording, and two in a row are none; name one recording",
            of.format.name()
        );
    }
    let mut all = Exit::Measured;
    for (place, file) in args.files.iter().enumerate() {
        // One that cannot be read says nothing of the others.
        let exit = one(file, place, args).unwrap_or_else(|error| {
            output::complain(&format!("error: {error:#}"));
            Exit::Failed
        });
        if exit != Exit::Measured {
            all = exit;
        }
    }
    Ok(all)
}

/// Reports on one of several files.
fn one(file: &Path, place: usize, args: &AnalyseArgs) -> anyhow::Result<Exit> {
    let outputs = Outputs::open(&args.report.formats, &[real(file)])?;
    let (name, replay) = if is_stdin(file) {
        let replay: Replay = recording::read_from(stdin()?, STDIN_NAME)?;
        (STDIN_NAME.to_owned(), replay)
    } else {
        (file.display().to_string(), recording::read(file)?)
    };
    // Standard output stays what the run itself printed; the state of the file is said beside it.
    for line in replay.describe() {
        output::complain(&format!("warning: {name}: {line}"));
    }
    if args.files.len() > 1 && outputs.standard() == Some(ReportFormat::Text) {
        output::write(|mut out| text::write_heading(&name, place > 0, output::style(), &mut out))
            .context("the report could not be written")?;
    }
    present::report(&replay.campaign, &present::plan(args.analysis), outputs)
}

/// Reports on a plain column.
fn one_column(
    kind: ColumnKind,
    file: &Path,
    tau0: TimeDelta,
    args: &AnalyseArgs,
) -> anyhow::Result<Exit> {
    let outputs = Outputs::open(&args.report.formats, &[real(file)])?;
    let of_columns = [ReportFormat::Text, ReportFormat::Json];
    if !outputs.formats().all(|format| of_columns.contains(&format)) {
        bail!("--format: a plain column is told as text or json");
    }
    let name = if is_stdin(file) {
        STDIN_NAME.to_owned()
    } else {
        file.display().to_string()
    };
    let taus = present::taus(args.analysis);
    let mut decimals = args.decimals;
    let (report, damage) = loop {
        let read = read_column(file, &name, decimals);
        let made = read.and_then(|read| {
            let report = ColumnReport::new(TOOL, &name, (kind, &read.column), tau0, &taus);
            let report = report.map_err(|overflow| Refused::Sum(overflow, read.column.exponent()));
            Ok((report?, read.damage))
        });
        match made {
            Ok(made) => break made,
            // What is not to be rounded to a number of decimals is, where it must be, to as many as fit.
            Err(refused) => match refused.fitting(decimals) {
                Some(fitting) if args.decimals.is_none() && !is_stdin(file) => {
                    decimals = Some(fitting);
                }
                _ => return Err(refused.told(&name)),
            },
        }
    };
    if let (None, Some(decimals)) = (args.decimals, decimals) {
        output::complain(&format!(
            "warning: {name}: its numbers are rounded to {decimals} decimals, which is what 64 bits hold"
        ));
    }
    if let Some(damage) = damage {
        output::complain(&format!("warning: {name}: it ends early: {damage}"));
    }
    outputs.write_by(|format, style, mut out| match format {
        ReportFormat::Json => json::write_column(&report, &mut out),
        _ => text::write_column(&report, style, &mut out),
    })?;
    Ok(Exit::Measured)
}

fn read_column(file: &Path, name: &str, decimals: Option<u8>) -> Result<ReadColumn, Refused> {
    if is_stdin(file) {
        let input = stdin().map_err(Refused::Other)?;
        return Ok(recording::read_column(input, name, decimals)?);
    }
    let input = File::open(file).map_err(|error| RecordingError::Open {
        name: name.to_owned(),
        error,
    })?;
    Ok(recording::read_column(input, name, decimals)?)
}

/// Why a column has no report.
#[derive(Debug)]
enum Refused {
    Read(RecordingError),
    /// Its numbers fit with this exponent, and their sum does not.
    Sum(PhaseOverflow, i32),
    Other(anyhow::Error),
}

impl From<RecordingError> for Refused {
    fn from(error: RecordingError) -> Self {
        Self::Read(error)
    }
}

impl Refused {
    /// How many decimals would fit, or are to be tried next; fewer than were tried.
    fn fitting(&self, tried: Option<u8>) -> Option<u8> {
        let fitting = match self {
            Self::Read(RecordingError::Import(ImportError::TooWide { fitting, .. })) => *fitting,
            Self::Sum(_, exponent) => -exponent - 1,
            _ => return None,
        };
        let fitting = u8::try_from(fitting).ok()?;
        tried.is_none_or(|tried| fitting < tried).then_some(fitting)
    }

    fn told(self, name: &str) -> anyhow::Error {
        match self {
            Self::Read(error) => error.into(),
            Self::Sum(overflow, exponent) => anyhow!(
                "{name} is too much: with {} decimals, {overflow}: --decimals rounds the numbers",
                -exponent
            ),
            Self::Other(error) => error,
        }
    }
}

pub(super) fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == STDIN
}

/// The file itself, where standard input is one.
pub(super) fn real(file: &Path) -> &Path {
    match is_stdin(file) {
        true => Path::new(STDIN_FILE),
        false => file,
    }
}

pub(super) fn stdin() -> anyhow::Result<io::Stdin> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        bail!("{STDIN_NAME} is a terminal; name a file, or send one: clockfit analyse - < FILE");
    }
    Ok(stdin)
}
