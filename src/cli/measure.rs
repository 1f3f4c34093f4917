//! `clockfit measure`: sources become targets, a run, a recording and a report.

use anyhow::bail;

use super::args::MeasureArgs;
use super::run::{self, Ready, Results};
use super::targets::Targets;
use super::{Exit, present, stamps};
use crate::net::resolve;
use crate::sampler::Plan;
use crate::time::TimeDelta;

/// How long a run takes if nothing is said.
const DEFAULT_DURATION: TimeDelta = TimeDelta::from_secs(60);
/// How long the embedded server is measured.
const EMBEDDED_DURATION: TimeDelta = TimeDelta::from_secs(10);

/// Measures what was asked for.
pub(super) fn run(args: MeasureArgs) -> anyhow::Result<Exit> {
    let ready = prepare(&args)?;
    let results = Results {
        format: args.format,
        plan: present::plan(args.analysis),
        recording: args.output,
        force: args.force,
    };
    // All that the run needs is in its plan; ten thousand sources are megabytes.
    drop(args.sources);
    run::conduct(ready, &results)
}

fn prepare(args: &MeasureArgs) -> anyhow::Result<Ready> {
    if let Some(interface) = &args.interface {
        resolve::interface_index(interface)?;
    }
    let header = run::header(args.seed, args.timeout)?;
    let mut found = Targets::default();
    let mut embedded = None;
    let mut before = TimeDelta::ZERO;
    if args.sources.is_empty() {
        if args.floor.is_some() {
            bail!(
                "--floor stands beside sources: name one, or measure the floor alone: clockfit floor"
            );
        }
        embedded = Some(found.add_embedded(args)?);
    } else {
        found.add_sources(args)?;
        if let Some(length) = args.floor {
            embedded = found.put_after_floor(length);
            before = embedded.as_ref().map_or(TimeDelta::ZERO, |_| length);
        }
    }
    let (stamping, unavailable) = stamps::stamping(args.timestamps)?;
    found.notes.extend(unavailable);
    let plan = Plan {
        count: args.count,
        duration: duration(args).map(|asked| before + asked),
        timeout: args.timeout,
        stamping,
        hardware: stamps::hardware(args)?,
        interface: args.interface.clone(),
        seed: header.seed,
        cross_check: args.cross_check,
        targets: found.targets,
    };
    Ok(Ready {
        plan,
        header,
        notes: found.notes,
        _embedded: embedded,
    })
}

fn duration(args: &MeasureArgs) -> Option<TimeDelta> {
    let default = if args.sources.is_empty() {
        EMBEDDED_DURATION
    } else {
        DEFAULT_DURATION
    };
    args.duration.or(args.count.is_none().then_some(default))
}
