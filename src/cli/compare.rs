//! `clockfit compare`: runs are read, and new ones held against old ones.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::args::CompareArgs;
use super::report_file::{Format, Outputs};
use super::{Exit, TOOL, output};
use crate::estimate::{Plan, analyse};
use crate::fitness::compare::{Gate, Margins, Metric, Question, Run, compare};
use crate::recording;
use crate::report::text::{self, Style};
use crate::report::{
    CHECK_SCHEMA, CheckReport, CompareReport, Report, SCHEMA, json, junit, markdown,
};

/// The longest JSON report that is read. One of a thousand sources over a day has a tenth of it.
const LONGEST_REPORT: u64 = 1 << 30;
/// What all schemas of this program are called.
const OWN: &str = "clockfit-";

/// How a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareFormat {
    /// For a person.
    Text,
    /// For programs.
    Json,
    /// For summaries of CI jobs.
    Markdown,
    /// For CI servers.
    Junit,
}

impl Format for CompareFormat {
    const ALL: &'static [(&'static str, Self)] = &[
        ("text", Self::Text),
        ("json", Self::Json),
        ("markdown", Self::Markdown),
        ("junit", Self::Junit),
    ];
}

/// Compares, and says so by the exit code.
pub(super) fn run(args: &CompareArgs) -> anyhow::Result<Exit> {
    let question = question(args)?;
    each_once(args)?;
    let outputs = Outputs::open(&args.formats)?;
    let base = read_all(&args.base)?;
    let new = read_all(&args.new)?;
    let found = compare(&base, &new, &question)?;
    let report = CompareReport::new(TOOL, (&base, &new), &found);
    outputs.write_by(|format, style, out| write(&report, format, style, out))?;
    Ok(match found.gate {
        Gate::Pass | Gate::Warn => Exit::NotWorse,
        Gate::Fail => Exit::Worse,
        Gate::TooFew => Exit::TooFewRuns,
    })
}

fn question(args: &CompareArgs) -> anyhow::Result<Question> {
    let mut margins = Margins::default();
    for of in &args.margin {
        margins.set(of.metric, of.margin).context("--margin")?;
    }
    let mut metrics = args.metric.clone();
    metrics.sort_unstable();
    metrics.dedup();
    let named = !metrics.is_empty();
    if !named {
        metrics = Metric::DEFAULT.to_vec();
    }
    Ok(Question {
        metrics,
        named,
        margins,
        confidence: args.confidence,
        pairs: args.source.clone(),
    })
}

/// A file stands for one run, whatever ways there are to name it.
fn each_once(args: &CompareArgs) -> anyhow::Result<()> {
    let mut seen: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    for file in args.base.iter().chain(&args.new) {
        let Ok(real) = file.canonicalize() else {
            // What is wrong with it is said when it is read.
            continue;
        };
        if let Some(first) = seen.insert(real, file) {
            bail!(
                "{} and {} are one file, and a run counts once: leave one of them out",
                first.display(),
                file.display()
            );
        }
    }
    Ok(())
}

fn read_all(files: &[PathBuf]) -> anyhow::Result<Vec<Run>> {
    // One after the other: of each only a few numbers are kept.
    files.iter().map(|file| read(file)).collect()
}

/// One run, of a report or of a recording.
fn read(file: &Path) -> anyhow::Result<Run> {
    let name = file.display().to_string();
    let mut opened = File::open(file).with_context(|| match name.starts_with('-') {
        true => format!("{name} cannot be opened; options are written before BASE"),
        false => format!("{name} cannot be opened"),
    })?;
    let kind = opened
        .metadata()
        .with_context(|| format!("{name} cannot be read"))?;
    if kind.is_dir() {
        bail!("{name} is a directory: name the files in it, as in {name}/*.json");
    }
    // A pipe cannot be looked into and then read.
    if kind.is_file()
        && let Some(report) = read_report(&mut opened, &name)?
    {
        return Ok(report.as_run(&name));
    }
    let replay = recording::read(file)?;
    for line in replay.describe() {
        output::complain(&format!("warning: {name}: {line}"));
    }
    let assessment = analyse(&replay.campaign, &Plan::default());
    Ok(Report::new(&replay.campaign, &assessment).as_run(&name))
}

/// What every report says of itself.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

/// The report that a file holds; `None` where it seems to hold something else.
fn read_report(file: &mut File, name: &str) -> anyhow::Result<Option<Report>> {
    let unreadable = || format!("{name} cannot be read");
    let mut first = [0];
    if file.read(&mut first).with_context(unreadable)? != 1 || first != *b"{" {
        return Ok(None);
    }
    file.rewind().with_context(unreadable)?;
    // The first object alone: a recording has one in each line.
    let mut objects = serde_json::Deserializer::from_reader(io::BufReader::new(&*file)).into_iter();
    let schema = match objects.next() {
        Some(Ok(Head {
            schema: Some(schema),
        })) if schema.starts_with(OWN) => schema,
        Some(Err(error)) if error.is_eof() && says_own(file) => {
            bail!("{name} is a report that breaks off: write it anew with -f json")
        }
        _ => return Ok(None),
    };
    file.rewind().with_context(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LONGEST_REPORT + 1)
        .read_to_end(&mut bytes)
        .with_context(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > LONGEST_REPORT) {
        bail!("{name} is longer than any report: {LONGEST_REPORT} bytes are read");
    }
    let damaged = || format!("{name} is damaged: write it anew with -f json");
    match schema.as_str() {
        SCHEMA => Ok(Some(serde_json::from_slice(&bytes).with_context(damaged)?)),
        CHECK_SCHEMA => {
            let check: CheckReport = serde_json::from_slice(&bytes).with_context(damaged)?;
            Ok(Some(check.measurement))
        }
        other => bail!(
            "{name} is a report of the schema {other:?}, and runs are read from {SCHEMA} and {CHECK_SCHEMA}: give the \
             report that measure, analyse or check -f json wrote, by this version, or the recording"
        ),
    }
}

/// Whether a file names one of this program's reports in its first bytes.
fn says_own(file: &mut File) -> bool {
    const FIRST: usize = 256;
    let mut start = [0; FIRST];
    let read = file.rewind().and_then(|()| file.read(&mut start));
    let start = start.get(..read.unwrap_or(0)).unwrap_or_default();
    String::from_utf8_lossy(start).contains("\"clockfit-")
}

fn write(
    report: &CompareReport,
    format: CompareFormat,
    style: Style,
    mut out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut out;
    match format {
        CompareFormat::Text => text::write_compare(report, style, out),
        CompareFormat::Json => json::write_compare(report, out),
        CompareFormat::Markdown => markdown::write_compare(report, out),
        CompareFormat::Junit => junit::write_compare(report, out),
    }
}
