//! What the command line may say.

mod provider;
mod results;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Parser, Subcommand, ValueEnum};

use super::report_format::ReportOutput;
use super::source::Source;
use super::units::{self, Correction};
use crate::time::{Frequency, TimeDelta};

pub use provider::ProviderArgs;
pub use results::{CompareArgs, DiscoverArgs, QuorumArgs, RenderArgs, SurveyExitCodes};

/// How far this host's clock is from its time servers, and how sure that is.
///
/// clockfit only observes: it cannot set, step or slew any clock.
#[derive(Debug, Parser)]
#[command(
    name = "clockfit",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure the offset of NTP servers' clocks from this host's
    Measure(MeasureArgs),
    /// Is this host's clock good enough for the services that run on it?
    Check(CheckArgs),
    /// Do the clocks of several hosts agree well enough for what runs on all of them?
    Quorum(QuorumArgs),
    /// Are these servers good enough for those who depend on them?
    Provider(ProviderArgs),
    /// Answer test cases of the Sovereign Cloud Stack's conformance suite
    Scs(ScsArgs),
    /// Report on recordings: on this program's as the run did, on others as far as they tell
    Analyse(AnalyseArgs),
    /// Write an old result anew: a recording, or a JSON report of measure, analyse, floor or check
    Report(RenderArgs),
    /// Are new runs worse than old ones, by how much, and by more than a margin?
    Compare(CompareArgs),
    /// Measure this host's noise floor: what it measures where the true offset is zero
    Floor(FloorArgs),
    /// Which time is this host, or a mounted image, offered, configured with, and using?
    Discover(DiscoverArgs),
    /// What services ask of clocks: list them, search them, or explain one
    Services(ServicesArgs),
    /// Show what each network interface can stamp, and how it is set
    Nic(NicArgs),
    /// Answer NTP requests from this host's own clock, for labs and tests
    Serve(ServeArgs),
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person: at most 80 columns
    #[default]
    Text,
    /// For programs: see docs/report.md, docs/nic.md and docs/services.md, and the schemas beside them
    Json,
}

/// Who stamps packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Timestamps {
    /// The best there is without changing a setting: network cards that are set to stamp, else the
    /// kernel, where it can
    #[default]
    Auto,
    /// Network cards, set to stamp for this run where they can, and set back in the end
    Hardware,
    /// The kernel, or fail
    Kernel,
    /// This program, around its system calls: milliseconds late on a busy host
    User,
}

/// The time scale of PTP clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PhcTimescale {
    /// As the clocks of hypervisors have it
    #[default]
    Utc,
    /// As PTP has it: TAI - UTC, by this host's kernel, is taken off
    Tai,
}

/// In which mode servers are asked (RFC 9769).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Interleaved, and basic where a server does not answer so
    #[default]
    Auto,
    /// Each reply has its own T3, read before it left: early by a microsecond or more
    Basic,
    /// Each reply has the transmit stamp of the one before; one request out at a time
    Interleaved,
}

/// Arguments of `measure`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 measured; 2 could not measure, or could not keep the recording.\n\
                  An offset is server - local: positive means that this host's clock is behind."
)]
pub struct MeasureArgs {
    /// What to measure.
    #[arg(
        value_name = "SOURCE",
        help = "Servers: host, host:port, [v6]:port or ntp://... A name stands for all its \
                addresses. PTP clocks: phc:/dev/ptp0, phc:eth0, phc:ptp_kvm. Real-time clocks: \
                rtc:/dev/rtc0. [default: the servers that this host uses, or else those that it is \
                offered, or else clockfit's own server on loopback]"
    )]
    pub sources: Vec<Source>,

    /// How to write the report.
    #[command(flatten)]
    pub report: ReportArgs,

    /// First measure this host's noise floor for so long, and say which offsets are below it
    /// [default: 10s, if given without a time]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true,
          default_missing_value = "10s", value_parser = units::positive_duration)]
    pub floor: Option<TimeDelta>,

    /// How it is measured.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How a report of measurements is written.
#[derive(Clone, Debug, clap::Args)]
pub struct ReportArgs {
    /// How to write the report.
    #[arg(
        short,
        long = "format",
        value_name = "FORMAT[=FILE]",
        default_value = "text",
        value_parser = ReportOutput::of_measurement,
        help = "How to write the report, and where to; several times for several: text, json, html (one page \
                with pictures), csv (a line an exchange), csv-quantiles, hlog (HdrHistogram's log). One of them goes \
                to standard output"
    )]
    pub formats: Vec<ReportOutput>,
}

/// How a run is made.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("family").args(["ipv4", "ipv6"]))]
pub struct RunArgs {
    /// Requests to each address [default: as many as the duration allows]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Mean time between requests; 0: as soon as one is answered [default: 1s for private
    /// addresses; 8 requests 2s apart, then one in 16s, for public ones; 100ms for PTP clocks; 1s for
    /// real-time clocks, which take whole seconds]
    #[arg(short, long, value_name = "TIME", value_parser = units::duration)]
    pub interval: Option<TimeDelta>,

    /// How long to measure [default: 60s, or until --count is reached]
    #[arg(short, long, value_name = "TIME", value_parser = units::positive_duration)]
    pub duration: Option<TimeDelta>,

    /// How long to wait for an answer
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = units::positive_duration)]
    pub timeout: TimeDelta,

    /// Send from this interface
    #[arg(short = 'I', long, value_name = "NAME")]
    pub interface: Option<String>,

    /// Only IPv4 addresses
    #[arg(short = '4', long)]
    pub ipv4: bool,

    /// Only IPv6 addresses
    #[arg(short = '6', long)]
    pub ipv6: bool,

    /// What this host is called in the recording and the report [default: its host name]
    #[arg(long, value_name = "NAME", value_parser = units::host_name)]
    pub host: Option<String>,

    /// Record every exchange to this file, for `clockfit analyse`
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Let --output replace an existing file
    #[arg(long, requires = "output")]
    pub force: bool,

    /// In which mode servers are asked
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,

    /// Who stamps packets
    #[arg(long, value_enum, default_value_t)]
    pub timestamps: Timestamps,

    /// Let --timestamps hardware overwrite how a network card stamps for another program; it is set
    /// back in the end
    #[arg(long)]
    pub take_over_nic: bool,

    /// What a card's transmit stamps are early by: from stamp to wire
    #[arg(long, value_name = "[IFACE=]TIME", allow_hyphen_values = true,
          value_parser = units::correction)]
    pub tx_correction: Vec<Correction>,

    /// What a card's receive stamps are late by: from wire to stamp
    #[arg(long, value_name = "[IFACE=]TIME", allow_hyphen_values = true,
          value_parser = units::correction)]
    pub rx_correction: Vec<Correction>,

    /// The time scale of PTP clocks
    #[arg(long, value_name = "SCALE", value_enum, default_value_t)]
    pub phc_timescale: PhcTimescale,

    /// These servers are mine: ask public addresses as often as --interval says
    #[arg(long)]
    pub own_servers: bool,

    /// Ask each server from so many source ports, each as a path of its own: routers that share out load
    /// may send each another way. The mean interval of each is so many times as long
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(2..=256))]
    pub ports: Option<u16>,

    /// Also ask each server through an independent implementation, and show both
    #[arg(long)]
    pub cross_check: bool,

    /// Seed of the random spacing of requests [default: random]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How the run is analysed.
    #[command(flatten)]
    pub analysis: AnalysisArgs,
}

/// What clocks are judged for.
#[derive(Debug, clap::Args)]
pub struct QuestionArgs {
    /// Services to judge for: names, or what comes before a dash (ceph-mon, etcd), separated by commas;
    /// clockfit services lists them
    #[arg(long = "for", value_name = "SERVICE", value_delimiter = ',')]
    pub services: Vec<String>,

    /// A grade to judge for: strict, standard, basic, or one of your own
    #[arg(long, value_name = "GRADE")]
    pub grade: Option<String>,

    /// What the exit code says where the evidence does not decide [default: 3]
    #[arg(long, value_name = "VERDICT", value_enum)]
    pub undetermined_is: Option<Taken>,
}

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_HELP)]
pub struct CheckArgs {
    /// Servers to judge by.
    #[arg(
        value_name = "SOURCE",
        help = "Servers to judge by: host, host:port, [v6]:port or ntp://... Three or more can outvote \
                one that is wrong. None may be this host itself [default: the servers that this host uses, or \
                else those that it is offered]",
        conflicts_with = "replay"
    )]
    pub sources: Vec<Source>,

    /// What for.
    #[command(flatten)]
    pub question: QuestionArgs,

    /// Judge a recording instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "interval", "duration", "interface", "output"])]
    pub replay: Option<PathBuf>,

    /// What exit codes mean
    #[arg(long, value_enum, default_value_t)]
    pub exit_codes: ExitCodes,

    /// How to write the report.
    #[arg(
        short,
        long = "format",
        value_name = "FORMAT[=FILE]",
        default_value = "text",
        value_parser = ReportOutput::of_verdict,
        help = "How to write the report, and where to; several times for several: text, json, html (one page \
                with pictures), markdown, junit, nagios (one line with performance data), prometheus, csv (a line an \
                exchange), csv-quantiles, hlog (HdrHistogram's log). One of them goes to standard output"
    )]
    pub formats: Vec<ReportOutput>,

    /// How it is measured.
    #[command(flatten)]
    pub run: RunArgs,

    /// Whose numbers.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

const CHECK_HELP: &str = "\
Without --for and --grade all services and grades are told, and the grade standard decides.

Exit codes: 0 fit; 1 unfit; 3 the evidence does not decide; 2 could not measure, or could not
keep the recording. With --exit-codes nagios: 0 OK; 1 WARNING, a service warns; 2 CRITICAL,
unfit; 3 UNKNOWN, undetermined or not measured.";

/// Arguments of `scs`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each test case is answered by a line ID: PASS, FAIL or ABORT (undetermined), with indented evidence \
                  below it. docs/scs.md says what each one tests.\n\
                  Exit codes: 0 the test cases were answered, whatever the answers; 2 they could not be run."
)]
pub struct ScsArgs {
    /// The provider's servers.
    #[arg(
        value_name = "SOURCE",
        help = "The provider's servers: host, host:port, [v6]:port or ntp://...; none may be this host itself",
        required_unless_present_any = ["replay", "list"],
        conflicts_with = "replay"
    )]
    pub sources: Vec<Source>,

    /// Which test cases to answer: ids, separated by blanks or commas [default: all]
    #[arg(
        long,
        value_name = "IDS",
        default_value = "",
        hide_default_value = true
    )]
    pub testcases: String,

    /// List the ids, and do nothing else
    #[arg(long)]
    pub list: bool,

    /// Answer from a recording instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "interval", "duration", "interface", "output"])]
    pub replay: Option<PathBuf>,

    /// How it is measured.
    #[command(flatten)]
    pub run: RunArgs,

    /// Whose numbers.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// What an undetermined verdict is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Taken {
    /// As if it were fit: exit code 0
    Fit,
    /// As if it were unfit: exit code 1
    Unfit,
}

/// What exit codes mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExitCodes {
    /// 0 fit, 1 unfit, 3 undetermined, 2 not measured
    #[default]
    Own,
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN: for Nagios, Icinga and their like
    Nagios,
}

/// How a run is analysed, while it is measured or later.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[command(next_help_heading = "Analysis")]
pub struct AnalysisArgs {
    /// Estimate anew in each window of this length, over which the rate of a clock is taken to be
    /// constant; longer where exchanges are so far apart that it would hold fewer than 32 [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = units::positive_duration)]
    pub window: Option<TimeDelta>,

    /// How fast a server's clock may run off against this host's unsteered counter, in parts per
    /// million [default: what the run measures, at most 100]
    #[arg(long, value_name = "PPM", value_parser = units::allowance)]
    pub drift: Option<Frequency>,

    /// At which averaging times stability is told
    #[arg(long, value_name = "SET", value_enum, default_value_t)]
    pub taus: TauSet,
}

/// A set of averaging times, as multiples of the time from one phase to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TauSet {
    /// 1, 2, 4, 8...
    #[default]
    Octave,
    /// 1, 2, 4, 10, 20, 40, 100...
    Decade,
    /// Every one: takes long where there are many
    All,
}

const ANALYSE_HELP: &str = "\
What a file is, it tells by its content:
- recordings of clockfit
- packet captures of NTP (pcap, pcapng), best made on the client by
  tcpdump -i any --time-stamp-precision=nano -w FILE udp port 123
- chrony's measurements, rawmeasurements, statistics and tracking logs
- ntpd's rawstats, peerstats and loopstats
- NTP results of RIPE Atlas
Each as it is, or packed with gzip or zstd.

Exit codes: 0 measured; 2 a file that cannot be read, or nothing measured in it.";

/// Arguments of `analyse`.
#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("column").args(["phase", "frequency"]),
    after_help = ANALYSE_HELP
)]
pub struct AnalyseArgs {
    /// Recordings of this program or another, one report each; - is standard input
    #[arg(
        value_name = "FILE",
        required_unless_present = "column",
        conflicts_with = "column"
    )]
    pub files: Vec<PathBuf>,

    /// How to write the report.
    #[command(flatten)]
    pub report: ReportArgs,

    /// A column of phases in seconds, one each --tau0, of which to tell the stability
    #[arg(
        long,
        value_name = "FILE",
        requires = "tau0",
        help_heading = "Plain columns"
    )]
    pub phase: Option<PathBuf>,

    /// A column of average frequencies without dimension, one each --tau0
    #[arg(
        long,
        value_name = "FILE",
        requires = "tau0",
        help_heading = "Plain columns"
    )]
    pub frequency: Option<PathBuf>,

    /// The time from one number to the next
    #[arg(long, value_name = "TIME", requires = "column", value_parser = units::positive_duration,
          help_heading = "Plain columns")]
    pub tau0: Option<TimeDelta>,

    /// Round numbers to so many decimals [default: keep them as they are, as far as 64 bits hold them]
    #[arg(
        long,
        value_name = "N",
        requires = "column",
        help_heading = "Plain columns"
    )]
    pub decimals: Option<u8>,

    /// How the run is analysed.
    #[command(flatten)]
    pub analysis: AnalysisArgs,
}

/// Arguments of `floor`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "This host is measured against itself: clockfit asks its own server over loopback, in basic \
                  and then in interleaved mode. Both read one clock, so the true offset is zero, and \
                  what is measured is error. Network cards and their drivers come on top: no packet \
                  of a host to itself meets a card. What can be measured of a card here is how well \
                  its clock, and so each of its stamps, is placed on this host's (--interface).\n\
                  Exit codes: 0 measured; 2 could not measure, or could not keep the recording."
)]
pub struct FloorArgs {
    /// How long to measure: in each mode in turn, and then the clock of a network card
    #[arg(short, long, value_name = "TIME", default_value = "30s", value_parser = units::positive_duration)]
    pub duration: TimeDelta,

    /// Also measure how well the clock of this network card is read, where it has one
    #[arg(short = 'I', long, value_name = "NAME")]
    pub interface: Option<String>,

    /// Mean time between requests: with shorter pauses caches stay warm and the floor is lower
    #[arg(short, long, value_name = "TIME", default_value = "30ms", value_parser = units::positive_duration)]
    pub interval: TimeDelta,

    /// How to write the report.
    #[command(flatten)]
    pub report: ReportArgs,

    /// Record every exchange to this file, for `clockfit analyse`
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Let --output replace an existing file
    #[arg(long, requires = "output")]
    pub force: bool,

    /// Who stamps packets
    #[arg(long, value_enum, default_value_t)]
    pub timestamps: Timestamps,
}

/// Whose numbers are taken: those of the program, and a site's own.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct CatalogueArgs {
    /// Services and grades of your own, in the format of docs/services.md; one that has the name of another
    /// takes its place
    #[arg(long, value_name = "FILE")]
    pub profile: Vec<PathBuf>,

    /// Your own setting of one number, such as ceph-mon.max_pairwise_skew_s=0.1
    #[arg(long, value_name = "ID.FIELD=NUMBER")]
    pub set: Vec<String>,
}

/// Arguments of `services`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is measured, and no network is asked. Each number says where it was read.\n\
                  Exit codes: 0 told; 2 nothing is called so, or a profile is refused."
)]
pub struct ServicesArgs {
    /// The name of one (ceph-mon), what comes before its dash (ceph), a grade (standard), or words to
    /// search for [default: all in a table]
    #[arg(value_name = "NAME")]
    pub words: Vec<String>,

    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    pub format: Format,

    /// Whose numbers.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
}

/// Arguments of `nic`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "It only looks: it changes no setting, and needs no privileges.\n\
                  Exit codes: 0 told; 2 no such interface, or they could not be listed."
)]
pub struct NicArgs {
    /// Interfaces to look at [default: all]
    #[arg(value_name = "IFACE")]
    pub interfaces: Vec<String>,

    /// How to write it
    #[arg(short, long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --offset or --drift the server lies on purpose, and says so. \
                        Clients that ask for interleaved mode get the kernel's transmit stamps."
)]
pub struct ServeArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:11123")]
    pub listen: SocketAddr,

    /// How far the served time is ahead of this host's clock
    #[arg(long, value_name = "TIME", default_value = "0s", allow_hyphen_values = true,
          value_parser = units::signed_duration)]
    pub offset: TimeDelta,

    /// How fast the served time runs away, in parts per million
    #[arg(long, value_name = "PPM", default_value = "0", allow_hyphen_values = true,
          value_parser = units::ppm)]
    pub drift: Frequency,

    /// The stratum to announce
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u8).range(1..=15))]
    pub stratum: u8,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn contradictions_are_refused() {
        for bad in [
            &["clockfit", "measure", "-4", "-6"][..],
            &["clockfit", "measure", "--force"],
            &["clockfit", "measure", "-n", "0"],
            &["clockfit", "measure", "-d", "0s"],
            &["clockfit", "measure", "-i", "5"],
            &["clockfit", "measure", "a:b:c"],
            &["clockfit", "measure", "--floor=0s", "a"],
            &["clockfit", "floor", "a"],
            &["clockfit", "floor", "-d", "0s"],
            &["clockfit", "floor", "--force"],
            &["clockfit", "serve", "--stratum", "16"],
            &["clockfit", "serve", "--stratum", "0"],
            &["clockfit", "analyse"],
            &["clockfit", "analyse", "--phase", "a"],
            &[
                "clockfit",
                "analyse",
                "--phase",
                "a",
                "--frequency",
                "b",
                "--tau0",
                "1s",
            ],
            &["clockfit", "analyse", "--phase", "a", "--tau0", "1s", "b"],
            &["clockfit", "analyse", "--phase", "a", "--tau0", "0s"],
            &["clockfit", "analyse", "--tau0", "1s", "a"],
            &["clockfit", "analyse", "--decimals", "9", "a"],
            &["clockfit", "analyse", "--taus", "some", "a"],
        ] {
            assert!(Args::try_parse_from(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_source_after_floor_is_no_time() {
        let floor = |args: &[&str]| {
            let args = ["clockfit", "measure"].iter().chain(args);
            match Args::try_parse_from(args).unwrap().command {
                Command::Measure(measure) => (measure.floor, measure.sources.len()),
                _ => panic!("not measure"),
            }
        };
        let brief = Some(TimeDelta::from_secs(10));
        assert_eq!(floor(&["a"]), (None, 1));
        assert_eq!(floor(&["--floor", "a", "b"]), (brief, 2));
        assert_eq!(floor(&["a", "--floor"]), (brief, 1));
        let given = Some(TimeDelta::from_secs(2));
        assert_eq!(floor(&["--floor=2s", "3s"]), (given, 1));
    }

    #[test]
    fn a_negative_offset_is_a_value_not_a_flag() {
        let args =
            Args::try_parse_from(["clockfit", "serve", "--offset", "-50ms", "--drift", "-2.5"]);
        let Command::Serve(serve) = args.unwrap().command else {
            panic!("not serve")
        };
        assert_eq!(serve.offset, TimeDelta::from_millis(-50));
        assert_eq!(serve.drift, Frequency::from_ppb(-2500));
    }
}
