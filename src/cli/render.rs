//! `clockfit report`: an old result, a recording or a JSON report, is written in another format.

use anyhow::bail;

use super::analyse::{STDIN_NAME, is_stdin, real, stdin};
use super::args::{AnalysisArgs, RenderArgs, TauSet};
use super::old::{self, Old};
use super::report_file::Outputs;
use super::report_format::{Told, What};
use super::{Exit, present};
use crate::report::Saved;

/// Reads what is named, and writes it.
pub(super) fn run(args: &RenderArgs) -> anyhow::Result<Exit> {
    let outputs = Outputs::open(&args.formats, &[real(&args.file)])?;
    let old = match is_stdin(&args.file) {
        true => old::read_from(stdin()?, STDIN_NAME)?,
        false => old::read(&args.file)?,
    };
    match old {
        Old::Report(saved) => {
            if let Some(option) = given(args.analysis) {
                bail!(
                    "{option}: {} is a JSON report, which is told as it was made; this says how a recording \
                     is",
                    args.file.display()
                );
            }
            let what = match saved.as_ref() {
                Saved::Measured(report) => What::Measured(report),
                Saved::Judged(report) => What::Judged(report),
                Saved::Surveyed(report) => What::Surveyed(report),
            };
            let told = Told {
                what,
                campaign: None,
            };
            outputs.write(&told)?;
            Ok(Exit::Measured)
        }
        Old::Recording(replay) => {
            present::report(&replay.campaign, &present::plan(args.analysis), outputs)
        }
    }
}

/// The first option that says how to analyse.
fn given(asked: AnalysisArgs) -> Option<&'static str> {
    let all = [
        ("--window", asked.window.is_some()),
        ("--drift", asked.drift.is_some()),
        ("--taus", asked.taus != TauSet::default()),
    ];
    all.into_iter()
        .find_map(|(name, is_given)| is_given.then_some(name))
}
