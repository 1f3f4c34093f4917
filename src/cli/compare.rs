//! `clockfit compare`: runs are read, and new ones held against old ones.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::args::CompareArgs;
use super::old::{self, Old};
use super::report_file::Outputs;
use super::report_format::ReportFormat;
use super::{Exit, TOOL};
use crate::estimate::{Plan, analyse};
use crate::fitness::compare::{Gate, Margins, Metric, Question, Run, compare};
use crate::report::text::{self, Style};
use crate::report::{CompareReport, Report, json, junit, markdown};

/// Compares, and says so by the exit code.
pub(super) fn run(args: &CompareArgs) -> anyhow::Result<Exit> {
    let question = question(args)?;
    each_once(args)?;
    let kept: Vec<&Path> = args
        .base
        .iter()
        .chain(&args.new)
        .map(PathBuf::as_path)
        .collect();
    let outputs = Outputs::open(&args.formats, &kept)?;
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
    if name == "-" {
        bail!(
            "- is no run: standard input is not read, as a run is told apart by its file; name one"
        );
    }
    let old = match old::read(file) {
        Err(error) if name.starts_with('-') => {
            return Err(error.context("options are written before BASE"));
        }
        old => old?,
    };
    Ok(match old {
        Old::Report(saved) => old::measurement(&saved, &name)?.as_run(&name),
        Old::Recording(replay) => {
            let assessment = analyse(&replay.campaign, &Plan::default());
            Report::new(&replay.campaign, &assessment).as_run(&name)
        }
    })
}

fn write(
    report: &CompareReport,
    format: ReportFormat,
    style: Style,
    mut out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut out;
    match format {
        ReportFormat::Json => json::write_compare(report, out),
        ReportFormat::Markdown => markdown::write_compare(report, out),
        ReportFormat::Junit => junit::write_compare(report, out),
        _ => text::write_compare(report, style, out),
    }
}
