//! `clockfit measure`: sources become targets, a run, a recording and a report.

use anyhow::bail;

use super::args::MeasureArgs;
use super::report_file::Outputs;
use super::run::{self, Ready, Recording};
use super::targets::Targets;
use super::{Exit, present, surveyed};
use crate::time::TimeDelta;

/// How long the embedded server is measured.
const EMBEDDED_DURATION: TimeDelta = TimeDelta::from_secs(10);

/// Measures what was asked for.
pub(super) fn run(args: MeasureArgs) -> anyhow::Result<Exit> {
    // What could not be written is said before a minute is spent on measuring.
    let outputs = Outputs::open(&args.report.formats, args.run.output.as_deref().as_slice())?;
    let ready = prepare(&args)?;
    // All that the run needs is in its plan; ten thousand sources are megabytes.
    drop(args.sources);
    let recording = Recording::of(args.run.output, args.run.force);
    let measured = run::conduct(ready, &recording)?;
    let plan = present::plan(args.run.analysis);
    let reported = present::report(&measured.campaign, &plan, outputs)?;
    Ok(measured.unless_incomplete(reported))
}

fn prepare(args: &MeasureArgs) -> anyhow::Result<Ready> {
    run::check(&args.run)?;
    let mut found = Targets::default();
    if args.sources.is_empty() && args.floor.is_some() {
        bail!(
            "--floor stands beside sources: name one, or measure the floor alone: clockfit floor"
        );
    }
    let sources = surveyed::unless_named(&args.sources);
    if sources.is_empty() {
        let embedded = found.add_embedded(&args.run)?;
        let duration = run::duration(&args.run, EMBEDDED_DURATION);
        return run::ready(found, &args.run, duration, Some(embedded));
    }
    found.add_sources(&sources, &args.run)?;
    let mut duration = run::duration(&args.run, run::DURATION);
    let embedded = args.floor.and_then(|length| {
        let embedded = found.put_after_floor(length)?;
        duration = duration.map(|asked| length + asked);
        Some(embedded)
    });
    run::ready(found, &args.run, duration, embedded)
}
