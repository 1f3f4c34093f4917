//! What may be said to `clockfit provider`.

use std::path::PathBuf;

use super::{CatalogueArgs, RunArgs, Taken};
use crate::cli::provider::BURST_RATE;
use crate::cli::report_format::ReportOutput;
use crate::cli::source::Source;

/// Arguments of `provider`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct ProviderArgs {
    /// The provider's servers.
    #[arg(
        value_name = "SERVER",
        help = "The provider's servers, all of them: host, host:port, [v6]:port or ntp://... A name stands for all its \
                addresses, in both families",
        required_unless_present = "replay",
        conflicts_with = "replay"
    )]
    pub sources: Vec<Source>,

    /// How often a second servers are asked in the burst of 10s that follows the run; 0: no burst. Only those at
    /// private addresses are, and with --own-servers all
    #[arg(long, value_name = "N", default_value_t = BURST_RATE, value_parser = clap::value_parser!(u16).range(0..=64))]
    pub burst_rate: u16,

    /// Judge a recording of such a run instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "interval", "duration", "interface", "output", "burst_rate"])]
    pub replay: Option<PathBuf>,

    /// What the exit code says where the evidence does not decide [default: 3]
    #[arg(long, value_name = "VERDICT", value_enum)]
    pub undetermined_is: Option<Taken>,

    /// How to write the report.
    #[arg(
        short,
        long = "format",
        value_name = "FORMAT[=FILE]",
        default_value = "text",
        value_parser = ReportOutput::of_set,
        help = "How to write the report, and where to; several times for several: text, json, markdown. One of them \
                goes to standard output"
    )]
    pub formats: Vec<ReportOutput>,

    /// How they are measured.
    #[command(flatten)]
    pub run: RunArgs,

    /// Whose numbers.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

const HELP: &str = "\
First each server is measured like any other, the first 8 requests 2s apart; then those at private
addresses (with --own-servers: all) are asked in a burst, and sent eight packets that are no request
for the time, to see that none is answered with more than it has.

Exit codes: 0 fit; 1 unfit; 3 the evidence does not decide; 2 could not measure, or could not
keep the recording.";
