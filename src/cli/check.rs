//! `clockfit check`: measures, or reads a recording, and judges.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::args::{AnalysisArgs, CheckArgs, ExitCodes, RunArgs, Taken};
use super::report_file::Outputs;
use super::report_format::{ReportFormat, ReportOutput, Told, What};
use super::run::{self, Ready, Recording};
use super::source::{Host, Source};
use super::targets::Targets;
use super::{Exit, catalogue, output, present, surveyed};
use crate::estimate;
use crate::fitness::{Catalogue, Check, Judged, Question, Verdict, judge};
use crate::net::route;
use crate::recording;
use crate::report::{CheckReport, escaped};
use crate::sample::Campaign;
use crate::sampler::Endpoint;
use crate::time::TimeDelta;

/// The clock is looked at each second: what is judged over time should not rest on a handful of instants.
const STEP: TimeDelta = TimeDelta::from_secs(1);

/// Judges, and says so by the exit code.
pub(super) fn run(args: CheckArgs) -> anyhow::Result<Exit> {
    let codes = args.exit_codes;
    let wanted = |of: &ReportOutput| of.file.is_none() && of.format == ReportFormat::Nagios;
    let is_plugin = args.formats.iter().any(wanted);
    let outcome = conduct(args);
    if let (true, Err(error)) = (is_plugin, &outcome) {
        // Whoever runs plugins reads one line of standard output, and nothing else.
        let line = escaped(&format!("{error:#}")).replace('|', "/");
        output::write(|out| writeln!(out, "CLOCKFIT UNKNOWN - {line}"))?;
    }
    match (codes, outcome) {
        (ExitCodes::Nagios, Err(error)) => {
            output::complain(&format!("error: {error:#}"));
            Ok(Exit::PluginUnknown)
        }
        (ExitCodes::Nagios, Ok(exit)) => Ok(exit.for_plugin()),
        (ExitCodes::Own, outcome) => outcome,
    }
}

fn conduct(args: CheckArgs) -> anyhow::Result<Exit> {
    // What is wrong with the question is said before a minute is spent on it.
    let catalogue = catalogue::load(&args.catalogue)?;
    if args.question.services.iter().any(String::is_empty) {
        bail!("--for: a name is empty; is there a comma too many?");
    }
    let question = Question::new(
        &catalogue,
        &args.question.services,
        args.question.grade.as_deref(),
    )?;
    let plan = plan(args.run.analysis);
    let files = [&args.replay, &args.run.output].into_iter().flatten();
    let kept: Vec<&Path> = files
        .chain(&args.catalogue.profile)
        .map(PathBuf::as_path)
        .collect();
    let case = Case {
        catalogue: &catalogue,
        question: &question,
        plan: &plan,
        outputs: Outputs::open(&args.formats, &kept)?,
        undetermined_is: args.question.undetermined_is,
    };
    if let Some(file) = &args.replay {
        let replay = read(file)?;
        return case.tell(&replay);
    }
    let sources = surveyed::unless_named(&args.sources);
    if sources.is_empty() {
        bail!(
            "no server is named, no time daemon that runs tells which it uses, and this host is offered none: name \
             servers to judge by (clockfit discover tells what is known)"
        );
    }
    let ready = prepare(&sources, &args.run)?;
    let recording = Recording::of(args.run.output, args.run.force);
    let measured = run::conduct(ready, &recording)?;
    let exit = case.tell(&measured.campaign)?;
    Ok(measured.unless_incomplete(exit))
}

/// How a run is analysed that a clock is judged by.
pub(super) fn plan(args: AnalysisArgs) -> estimate::Plan {
    estimate::Plan {
        series_step: STEP,
        course: true,
        ..present::plan(args)
    }
}

/// A recording to judge by.
pub(super) fn read(file: &Path) -> anyhow::Result<Campaign> {
    let replay = recording::read(file)?;
    for line in replay.describe() {
        output::complain(&format!("warning: {}: {line}", file.display()));
    }
    Ok(replay.campaign)
}

/// A run by which a clock can be judged.
pub(super) fn prepare(sources: &[Source], args: &RunArgs) -> anyhow::Result<Ready> {
    run::check(args)?;
    for source in sources {
        if matches!(source.host, Host::Phc(_) | Host::Rtc(_)) {
            bail!(
                "{}: a clock is judged by NTP servers; clockfit measure tells what this one says",
                source.text
            );
        }
    }
    let mut found = Targets::default();
    found.add_sources(sources, args)?;
    for target in &found.targets {
        if let Endpoint::Server(address) = &target.endpoint
            && route::leads_to_this_host(*address)
        {
            bail!(
                "{} ({address}) is this host itself, and against itself a clock is always right: name another \
                 server",
                target.info.source
            );
        }
    }
    let duration = run::duration(args, run::DURATION);
    run::ready(found, args, duration, None)
}

/// What is asked of a run, and how it is told.
struct Case<'a> {
    catalogue: &'a Catalogue,
    question: &'a Question<'a>,
    plan: &'a estimate::Plan,
    outputs: Outputs,
    undetermined_is: Option<Taken>,
}

impl Case<'_> {
    fn tell(self, campaign: &Campaign) -> anyhow::Result<Exit> {
        let assessment = estimate::analyse(campaign, self.plan);
        let judged = judge(campaign, &assessment, self.question)?;
        let report = CheckReport::new(campaign, &assessment, self.catalogue, &judged);
        let exit = self.exit(&judged);
        self.outputs.write(&Told {
            what: What::Judged(&report),
            campaign: Some(campaign),
        })?;
        Ok(exit)
    }

    fn exit(&self, judged: &Judged) -> Exit {
        match judged.verdict {
            Verdict::Fit if warns(judged) => Exit::Warned,
            verdict => exit(verdict, self.undetermined_is),
        }
    }
}

/// What a verdict says by the exit code.
pub(super) fn exit(verdict: Verdict, undetermined_is: Option<Taken>) -> Exit {
    match (verdict, undetermined_is) {
        (Verdict::Fit, _) | (Verdict::Undetermined, Some(Taken::Fit)) => Exit::Fit,
        (Verdict::Unfit, _) | (Verdict::Undetermined, Some(Taken::Unfit)) => Exit::Unfit,
        (Verdict::Undetermined, None) => Exit::Undetermined,
    }
}

/// Whether a service that was asked for is proven to warn, though it goes on.
fn warns(judged: &Judged) -> bool {
    let all = judged.services.iter().flat_map(|of| &of.checks);
    let warned = |check: &Check| check.advisory && check.verdict == Verdict::Unfit;
    judged.decided_by.is_none() && all.into_iter().any(warned)
}
