//! What every command does that measures: the run and its recording.

use std::fs::File;
use std::path::PathBuf;

use super::args::RunArgs;
use super::progress::Progress;
use super::targets::Targets;
use super::{Exit, output, stamps};
use crate::net::{clock, host, resolve};
use crate::recording::Writer;
use crate::sample::{Axis, Campaign, Event, Note, RunEnd, RunHeader, Sample, Sink, SourceId, Tee};
use crate::sampler::{self, Plan};
use crate::server::Background;
use crate::time::{Monotonic, TimeDelta};

/// How long a run takes if nothing is said.
pub(super) const DURATION: TimeDelta = TimeDelta::from_secs(60);

/// A run that is ready to begin.
pub(super) struct Ready {
    pub(super) plan: Plan,
    pub(super) header: RunHeader,
    /// What is to be told before the first packet.
    pub(super) notes: Vec<Note>,
    /// What is found of sources when they have been measured, and before the run is said to be over.
    pub(super) afterwards: Option<Afterwards>,
    /// Held until the run is over: the server ends with its handle.
    pub(super) _embedded: Option<Background>,
}

/// Finds something of sources.
pub(super) type Afterwards = Box<dyn FnOnce() -> Vec<(SourceId, Note)>>;

/// Where a run is recorded, if anywhere.
pub(super) struct Recording {
    file: Option<PathBuf>,
    /// Whether an existing file may be replaced.
    force: bool,
}

impl Recording {
    pub(super) fn of(file: Option<PathBuf>, force: bool) -> Self {
        Self { file, force }
    }
}

/// What a run told.
pub(super) struct Measured {
    pub(super) campaign: Campaign,
    /// Whether the recording, if there was to be one, is complete.
    is_kept: bool,
}

impl Measured {
    /// How a command ends that would end so: what could not be kept is a failure.
    pub(super) fn unless_incomplete(&self, exit: Exit) -> Exit {
        if self.is_kept { exit } else { Exit::Failed }
    }
}

/// What can be told to be wrong before names are resolved.
pub(super) fn check(args: &RunArgs) -> anyhow::Result<()> {
    if let Some(interface) = &args.interface {
        resolve::interface_index(interface)?;
    }
    Ok(())
}

/// How long the run is to be; nothing where its count ends it.
pub(super) fn duration(args: &RunArgs, default: TimeDelta) -> Option<TimeDelta> {
    args.duration.or(args.count.is_none().then_some(default))
}

/// From targets to a run.
pub(super) fn ready(
    mut found: Targets,
    args: &RunArgs,
    duration: Option<TimeDelta>,
    embedded: Option<Background>,
) -> anyhow::Result<Ready> {
    let mut header = header(args.seed, args.timeout)?;
    if let Some(name) = &args.host {
        header.environment.host = Some(name.clone());
    }
    let (stamping, unavailable) = stamps::stamping(args.timestamps)?;
    found.notes.extend(unavailable);
    let plan = Plan {
        count: args.count,
        duration,
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
        afterwards: None,
        _embedded: embedded,
    })
}

/// Measures and records.
pub(super) fn conduct(ready: Ready, recording: &Recording) -> anyhow::Result<Measured> {
    let (duration, count) = (ready.plan.whole(), ready.plan.count);
    let is_empty = ready.plan.targets.is_empty();
    // A run that cannot begin replaces no recording.
    let prepared = sampler::prepare(ready.plan).map_err(stamps::explained)?;
    // The file comes before the first packet: what cannot be kept should not be measured in vain.
    let mut recording = match &recording.file {
        Some(path) => Some(Writer::create(path, recording.force, &ready.header)?),
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
    let mut until_end = UntilEnd {
        sink: &mut tee,
        end: None,
    };
    let outcome = if is_empty {
        Ok(())
    } else {
        prepared.run(&mut until_end).map(drop)
    };
    if let Some(end) = until_end.end {
        let afterwards = ready.afterwards.filter(|_| !end.interrupted);
        for (source, note) in afterwards.map_or_else(Vec::new, |find| find()) {
            tee.event(&Event::Note(Some(source), end.at, note));
        }
        tee.event(&Event::End(end));
    }
    progress.finish();
    outcome?;
    let is_kept = finish_recording(recording.as_mut());
    Ok(Measured { campaign, is_kept })
}

/// Hands on all but the end of a run.
struct UntilEnd<'a, 'b> {
    sink: &'a mut Tee<'b>,
    end: Option<RunEnd>,
}

impl Sink for UntilEnd<'_, '_> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::End(end) => self.end = Some(*end),
            event => self.sink.event(event),
        }
    }

    fn samples(&mut self, samples: &[(SourceId, Sample)]) {
        self.sink.samples(samples);
    }

    fn tick(&mut self, now: Monotonic) {
        self.sink.tick(now);
    }
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
