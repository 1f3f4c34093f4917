//! `clockfit report`: an old result, a recording or a JSON report, is written in another format.

use super::analyse::{STDIN_NAME, is_stdin, stdin};
use super::args::RenderArgs;
use super::old::{self, Old};
use super::report_file::Outputs;
use super::report_format::{Told, What};
use super::{Exit, present};
use crate::report::Saved;

/// Reads what is named, and writes it.
pub(super) fn run(args: &RenderArgs) -> anyhow::Result<Exit> {
    let outputs = Outputs::open(&args.formats)?;
    let old = match is_stdin(&args.file) {
        true => old::read_from(stdin()?, STDIN_NAME)?,
        false => old::read(&args.file)?,
    };
    match old {
        Old::Report(saved) => {
            let what = match saved.as_ref() {
                Saved::Measured(report) => What::Measured(report),
                Saved::Judged(report) => What::Judged(report),
            };
            let told = Told {
                what,
                campaign: None,
            };
            outputs
                .formats()
                .try_for_each(|format| told.has_for(format))?;
            outputs.write(&told)?;
            Ok(Exit::Measured)
        }
        Old::Recording(replay) => {
            present::report(&replay.campaign, &present::plan(args.analysis), outputs)
        }
    }
}
