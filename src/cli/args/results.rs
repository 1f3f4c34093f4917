//! Arguments of commands that measure nothing: they read results.

use std::path::PathBuf;

use super::super::margin::{self, MarginOf};
use super::super::report_format::ReportOutput;
use super::super::units;
use super::{AnalysisArgs, CatalogueArgs, QuestionArgs};
use crate::fitness::compare::{Metric, Pair};
use crate::stats::Probability;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A recording is analysed as clockfit analyse does. A JSON report holds no single exchanges, so \
                  that a page made from it lacks some pictures; one of check is told with its verdict.\n\
                  Exit codes: 0 told, whatever the verdict was; 2 the file cannot be read, or the report not \
                  written."
)]
pub struct RenderArgs {
    /// The recording, or the JSON report of measure, analyse, floor, check or discover; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// How to write the report.
    #[arg(
        short,
        long = "format",
        value_name = "FORMAT[=FILE]",
        default_value = "text",
        value_parser = ReportOutput::of_verdict,
        help = "How to write the report, and where to; several times for several: text, json, html (one page \
                with pictures), csv-quantiles; of a recording also csv (a line an exchange) and hlog (HdrHistogram's \
                log), of a report of check or discover markdown, junit, nagios and prometheus. One of them goes to standard \
                output"
    )]
    pub formats: Vec<ReportOutput>,

    /// How a recording is analysed.
    #[command(flatten)]
    pub analysis: AnalysisArgs,
}

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = COMPARE_HELP,
    override_usage = "clockfit compare [OPTIONS] BASE... -- NEW..."
)]
pub struct CompareArgs {
    /// Old runs: recordings, or JSON reports of measure, analyse, check or floor
    #[arg(value_name = "BASE", required = true)]
    pub base: Vec<PathBuf>,

    /// New runs, after --
    #[arg(value_name = "NEW", required = true, last = true)]
    pub new: Vec<PathBuf>,

    /// What to compare by, separated by commas: jitter_p50, jitter_p95, jitter_p99, delay_p50, delay_p95, delay_p99,
    /// bound_width, loss [default: those of them without p95 that enough runs of BASE have]
    #[arg(short, long, value_name = "METRIC", value_delimiter = ',', value_parser = margin::metric)]
    pub metric: Vec<Metric>,

    /// How much worse is not held against NEW: a share (5%), or a time (10us); for one metric, or for all that are
    /// times [default: 5%, and loss=1% of the requests]
    #[arg(long, value_name = "[METRIC=]MARGIN", allow_hyphen_values = true)]
    pub margin: Vec<MarginOf>,

    /// With which probability all intervals hold the truth at once
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = margin::confidence)]
    pub confidence: Probability,

    /// Compare this source, or this one of BASE with that one of NEW [default: all that both sides have]
    #[arg(short, long, value_name = "NAME[=NAME]", value_parser = margin::pair)]
    pub source: Vec<Pair>,

    /// How to write the report.
    #[arg(
        short,
        long = "format",
        value_name = "FORMAT[=FILE]",
        default_value = "text",
        value_parser = ReportOutput::of_comparison,
        help = "How to write the report, and where to; several times for several: text, json, markdown, junit. One \
                of them goes to standard output"
    )]
    pub formats: Vec<ReportOutput>,
}

const COMPARE_HELP: &str = "\
Each run is one observation: five of each side at least, taken by turns. Where all of the
interval is beyond the margin, NEW fails; where the margin lies inside of it, NEW warns.

Exit codes: 0 NEW passes, or warns; 1 it fails; 3 there are too few runs; 2 a file cannot be
read, or nothing can be compared.
Example: clockfit compare base/*.json -- new/*.json";

/// Arguments of `quorum`.
#[derive(Debug, clap::Args)]
#[command(after_help = QUORUM_HELP)]
pub struct QuorumArgs {
    /// Each host's recording (measure -o, check -o) or JSON report (-f json), measured at the same time
    #[arg(value_name = "[NAME=]REPORT", required = true)]
    pub reports: Vec<String>,

    /// This server is one and the same for all who asked it: as it was asked for, or by its address.
    /// A=B: both are that one server
    #[arg(long, value_name = "SERVER")]
    pub common: Vec<String>,

    /// This server is the clock of a host, as when others ask its clockfit serve
    #[arg(long, value_name = "NAME=SERVER", value_parser = units::peer)]
    pub peer: Vec<(String, String)>,

    /// What for.
    #[command(flatten)]
    pub question: QuestionArgs,

    /// How to write the report.
    #[arg(
        short,
        long = "format",
        value_name = "FORMAT[=FILE]",
        default_value = "text",
        value_parser = ReportOutput::of_set,
        help = "How to write the report, and where to; several times for several: text, json, markdown. One of \
                them goes to standard output"
    )]
    pub formats: Vec<ReportOutput>,

    /// How recordings are analysed.
    #[command(flatten)]
    pub analysis: AnalysisArgs,

    /// Whose numbers.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

const QUORUM_HELP: &str = "\
Measure on all hosts at the same time, each with servers that the others have, too:
  clockfit measure ntp1.example -o node1.jsonl
and then, where all files are:
  clockfit quorum node1.jsonl node2.jsonl node3.jsonl --common ntp1.example --for ceph
What such a server is off cancels. Without --common, a server is known to be the same only if its
answers tell several hosts of the same corrections of its clock (equal addresses prove nothing);
else hosts are compared by what their servers claim to be off UTC.

Exit codes: 0 each two hosts keep the limits; 1 two do not; 3 the evidence does not decide;
2 the reports cannot be held against each other.";

/// Arguments of `discover`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Files are read, and daemons that run are asked what they use: nothing is changed or started, and unless a \
                  --probe option says so no packet leaves the host. With --root only files are read. What may not \
                  be read is told.\n\
                  Exit codes: 0 told; 2 the folder cannot be looked at, or the report not written."
)]
pub struct DiscoverArgs {
    /// Look at the system below this folder, such as a mounted image, in place of this host: links stay inside of it
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,

    /// Also ask DHCP servers which time servers they name (DHCPINFORM, and Information-request over IPv6), for 3 s at
    /// most. No lease is taken or changed. Needs root or CAP_NET_RAW
    #[arg(long, conflicts_with = "root")]
    pub probe_dhcp: bool,

    /// Also ask the platform that this guest runs on: its metadata service at 169.254.169.254 (OpenStack, EC2, GCE) for
    /// time servers in what it tells cloud-init, and NTP servers at addresses of the link, for 2 s at most
    #[arg(long, conflicts_with = "root")]
    pub probe_metadata: bool,

    /// Ask DHCP servers over this interface; several times for several [default: each Ethernet that is on and has an
    /// address]
    #[arg(long, value_name = "NAME", requires = "probe_dhcp")]
    pub interface: Vec<String>,

    /// What exit codes mean
    #[arg(long, value_enum, default_value_t)]
    pub exit_codes: SurveyExitCodes,

    /// How to write the report.
    #[arg(
        short,
        long = "format",
        value_name = "FORMAT[=FILE]",
        default_value = "text",
        value_parser = ReportOutput::of_survey,
        help = "How to write the report, and where to; several times for several: text, json, html (one page), csv \
                (a line a server), markdown, junit, nagios and prometheus. One of them goes to standard output"
    )]
    pub formats: Vec<ReportOutput>,
}

/// What exit codes of `discover` mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SurveyExitCodes {
    /// 0 told, whatever follows; 2 not
    #[default]
    Own,
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN: for Nagios, Icinga and their like
    Nagios,
}
