//! `clockfit analyse`: a recording becomes the report of the run that wrote it.

use std::io::{self, IsTerminal};

use anyhow::bail;

use super::args::AnalyseArgs;
use super::{Exit, output, present};
use crate::recording;

/// What stands for standard input on the command line.
const STDIN: &str = "-";
/// What messages call it.
const STDIN_NAME: &str = "standard input";

/// Reads the recording and reports.
pub(super) fn run(args: &AnalyseArgs) -> anyhow::Result<Exit> {
    let (replay, name) = if args.file.as_os_str() == STDIN {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            bail!(
                "{STDIN_NAME} is a terminal; name a file, or send a recording: \
                 clockfit analyse - < FILE"
            );
        }
        (recording::read_from(stdin, STDIN_NAME)?, STDIN_NAME.into())
    } else {
        let name = args.file.display().to_string();
        (recording::read(&args.file)?, name)
    };
    // Standard output stays what the run itself printed; the state of the file is said beside it.
    for line in replay.describe() {
        output::complain(&format!("warning: {name}: {line}"));
    }
    present::report(&replay.campaign, &present::plan(args.analysis), args.format)
}
