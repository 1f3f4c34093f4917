//! `clockfit analyse`: a recording becomes the report of the run that wrote it.

use super::args::AnalyseArgs;
use super::{Exit, output, present};
use crate::recording;

/// Reads the recording and reports.
pub(super) fn run(args: &AnalyseArgs) -> anyhow::Result<Exit> {
    let replay = recording::read(&args.file)?;
    // Standard output stays what the run itself printed; the state of the file is said beside it.
    for line in replay.report.describe() {
        output::complain(&format!("warning: {}: {line}", args.file.display()));
    }
    present::report(&replay.campaign, &present::plan(args.analysis), args.format)
}
