//! The command line: plain arguments become a validated plan, a plan becomes a run.
//!
//! Floor 8. One command a file; [`args`] holds what `clap` parses, [`output`] owns standard output.
//! A run never sees a flag, only what the flags mean.

mod analyse;
pub mod args;
mod catalogue;
mod check;
pub mod compare;
mod discover;
mod floor;
pub mod margin;
mod measure;
mod nic;
mod old;
pub mod output;
mod present;
mod progress;
mod provider;
mod quorum;
mod render;
mod report_file;
pub mod report_format;
mod run;
mod scs;
mod serve;
mod services;
pub mod source;
mod stamps;
mod surveyed;
mod targets;
pub mod units;

use std::process::ExitCode;

use clap::Parser;

use crate::report::SurveyState;
use args::{Args, Command};

/// Name and version of this program, as reports say it.
const TOOL: &str = concat!("clockfit ", env!("CARGO_PKG_VERSION"));

/// What the process says by its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: measured, or told what was asked.
    Measured,
    /// 2: could not measure, or could not keep what was asked to be kept.
    Failed,
    /// 0: a clock was judged, and is fit.
    Fit,
    /// 0: the same, and a service warns of it.
    Warned,
    /// 1: a clock was judged, and is unfit.
    Unfit,
    /// 3: the evidence does not decide.
    Undetermined,
    /// 0: new runs are not worse, or not for certain.
    NotWorse,
    /// 1: new runs are worse.
    Worse,
    /// 3: there are too few runs.
    TooFewRuns,
    /// 0: what monitoring plugins call OK.
    PluginOk,
    /// 1: what they call WARNING.
    PluginWarning,
    /// 2: what they call CRITICAL.
    PluginCritical,
    /// 3: what they call UNKNOWN.
    PluginUnknown,
}

impl Exit {
    /// The same by the convention of monitoring plugins (Nagios, Icinga), where 2 is worse than 1 and
    /// 3 is neither.
    fn for_plugin(self) -> Self {
        match self {
            Self::Measured | Self::Fit | Self::NotWorse => Self::PluginOk,
            Self::Warned => Self::PluginWarning,
            Self::Unfit | Self::Worse => Self::PluginCritical,
            Self::Failed | Self::Undetermined | Self::TooFewRuns => Self::PluginUnknown,
            plugin => plugin,
        }
    }
}

impl From<SurveyState> for Exit {
    /// As monitoring plugins end.
    fn from(state: SurveyState) -> Self {
        match state {
            SurveyState::Ok => Self::PluginOk,
            SurveyState::Warning => Self::PluginWarning,
            SurveyState::Critical => Self::PluginCritical,
            SurveyState::Unknown => Self::PluginUnknown,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Measured | Exit::Fit | Exit::Warned | Exit::NotWorse | Exit::PluginOk => {
                Self::SUCCESS
            }
            Exit::Unfit | Exit::Worse | Exit::PluginWarning => Self::from(1),
            Exit::Failed | Exit::PluginCritical => Self::from(2),
            Exit::Undetermined | Exit::TooFewRuns | Exit::PluginUnknown => Self::from(3),
        }
    }
}

/// Says what is wrong with the arguments, or what --help and --version say. Who reads exit codes as those of
/// plugins must not take a slip of the pen for a critical state.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<String> = args.collect();
    let wants = |of: &[String]| of == ["--exit-codes", "nagios"];
    let is_plugin =
        args.windows(2).any(wants) || args.iter().any(|arg| arg == "--exit-codes=nagios");
    match (error.use_stderr(), is_plugin) {
        (false, _) => ExitCode::SUCCESS,
        (true, false) => Exit::Failed.into(),
        (true, true) => Exit::PluginUnknown.into(),
    }
}

/// Parses the process's arguments and runs the command.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let outcome = match args.command {
        Command::Measure(args) => measure::run(args),
        Command::Check(args) => check::run(args),
        Command::Quorum(args) => quorum::run(&args),
        Command::Provider(args) => provider::run(args),
        Command::Scs(args) => scs::run(args),
        Command::Analyse(args) => analyse::run(&args),
        Command::Report(args) => render::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Floor(args) => floor::run(args),
        Command::Discover(args) => discover::run(&args),
        Command::Services(args) => services::run(&args),
        Command::Nic(args) => nic::run(&args),
        Command::Serve(args) => serve::run(&args),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            Exit::Failed.into()
        }
    }
}
