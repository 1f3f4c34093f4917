//! What every command does that measures: the run, its recording and its report.

use std::fs::File;
use std::path::PathBuf;

use super::args::Format;
use super::progress::Progress;
use super::{Exit, output, present, stamps};
use crate::estimate;
use crate::net::{clock, host};
use crate::recording::Writer;
use crate::sample::{Axis, Campaign, Event, Note, RunHeader, Sink, Tee};
use crate::sampler::{self, Plan};
use crate::server::Background;
use crate::time::TimeDelta;

/// A run that is ready to begin.
pub(super) struct Ready {
    pub(super) plan: Plan,
    pub(super) header: RunHeader,
    /// What is to be told before the first packet.
    pub(super) notes: Vec<Note>,
    /// Held until the run is over: the server ends with its handle.
    pub(super) _embedded: Option<Background>,
}

/// Where the results of a run go.
pub(super) struct Results {
    pub(super) format: Format,
    /// How the run is analysed.
    pub(super) plan: estimate::Plan,
    pub(super) recording: Option<PathBuf>,
    /// Whether an existing file may be replaced.
    pub(super) force: bool,
}

/// Measures, records and reports.
pub(super) fn conduct(ready: Ready, results: &Results) -> anyhow::Result<Exit> {
    let (duration, count) = (ready.plan.duration, ready.plan.count);
    let is_empty = ready.plan.targets.is_empty();
    // A run that cannot begin replaces no recording.
    let prepared = sampler::prepare(ready.plan).map_err(stamps::explained)?;
    // The file comes before the first packet: what cannot be kept should not be measured in vain.
    let mut recording = match &results.recording {
        Some(path) => Some(Writer::create(path, results.force, &ready.header)?),
        None => None,
    };
    let mut campaign = Campaign::new(ready.header);
    let mut progress = Progress::new(duration, count);
    let mut sinks: Vec<&mut dyn Sink> = vec![&mut campaign, &mut progress];
    sinks.extend(recording.as_mut().map(|r| r as &mut dyn Sink));
    let mut tee = Tee(sinks);
    let start = clock::counter();
    for note in ready.notes {
        tee.event(&Event::Note(None, start, note));
    }
    let outcome = if is_empty {
        Ok(())
    } else {
        prepared.run(&mut tee).map(drop)
    };
    progress.finish();
    outcome?;
    let kept = finish_recording(recording.as_mut());
    let reported = present::report(&campaign, &results.plan, results.format)?;
    Ok(if kept { reported } else { Exit::Failed })
}

/// The recording may have ended before the run did: that is said, and no reason to lose the report.
fn finish_recording(recording: Option<&mut Writer<File>>) -> bool {
    let Some(recording) = recording else {
        return true;
    };
    recording.flush();
    let Some(failure) = recording.failure() else {
        return true;
    };
    output::complain(&format!("error: the recording is incomplete: {failure}"));
    false
}

pub(super) fn header(seed: Option<u64>, timeout: TimeDelta) -> anyhow::Result<RunHeader> {
    let identity = sampler::Identity::new()?;
    let start = clock::paired();
    Ok(RunHeader {
        tool: super::TOOL.to_owned(),
        run_id: identity.run_id,
        started: start.wall,
        started_at: start.counter,
        // What the shell passed may not be text; what it cannot say is replaced.
        arguments: std::env::args_os()
            .skip(1)
            .map(|a| a.to_string_lossy().into_owned())
            .collect(),
        seed: seed.unwrap_or(identity.seed),
        timeout,
        axis: Axis::Counter,
        environment: host::environment(),
    })
}
