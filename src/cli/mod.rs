//! The command line: plain arguments become a validated plan, a plan becomes a run.
//!
//! Floor 8. One command a file; [`args`] holds what `clap` parses, [`output`] owns standard output.
//! A run never sees a flag, only what the flags mean.

mod analyse;
pub mod args;
mod catalogue;
mod floor;
mod measure;
mod nic;
pub mod output;
mod present;
mod progress;
mod run;
mod serve;
mod services;
pub mod source;
mod stamps;
mod targets;
pub mod units;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

/// Name and version of this program, as reports say it.
const TOOL: &str = concat!("clockfit ", env!("CARGO_PKG_VERSION"));

/// What the process says by its exit code. 1 and 3 are kept for verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: measured, or told what was asked.
    Measured,
    /// 2: could not measure, or could not keep what was asked to be kept.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Measured => Self::SUCCESS,
            Exit::Failed => Self::from(2),
        }
    }
}

/// Parses the process's arguments and runs the command; `clap` itself exits with 2 on bad usage.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match args.command {
        Command::Measure(args) => measure::run(args),
        Command::Analyse(args) => analyse::run(&args),
        Command::Floor(args) => floor::run(args),
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
