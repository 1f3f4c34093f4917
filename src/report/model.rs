//! [`Report`]: everything a run says, in the shape of the published schema.
//!
//! Names, units and nulls are those of `docs/report.md`; `docs/report.schema.json` is generated from
//! these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agreement::{AgreementReport, PathsReport};
use super::conditions::ConditionsReport;
use super::floor::{FloorReport, SourceFloorReport};
use super::local::LocalClockReport;
use super::stability::StabilityReport;
use crate::estimate::{Basis, WarningCode};
use crate::sample::{
    Axis, DisturbanceKind, Leap, LossCause, Mode, Nic, PtpClock, ReferenceTime, Rejection,
    SourceKind, StampFault, Timescale,
};
use crate::time::Timestamp;

/// Name and version of the report's shape. The version grows when a field changes its meaning or
/// goes; a new field is no new version.
pub const SCHEMA: &str = "clockfit-report/1";

/// Everything one run says. Times are whole nanoseconds; instants are text, seconds since
/// 1970-01-01 with nine decimals. offset = server - local.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Name and version of this shape: `clockfit-report/1`.
    pub schema: String,
    /// Program and version that measured.
    pub tool: String,
    /// Where it measured.
    pub host: HostReport,
    /// When and how it measured.
    pub run: RunReport,
    /// The local clock while it did.
    pub local_clock: LocalClockReport,
    /// What its hypervisor and its load left of it; null in reports of versions that did not look.
    pub conditions: Option<ConditionsReport>,
    /// What to know before trusting the numbers: of the run first, then by source.
    pub warnings: Vec<WarningReport>,
    /// One for each address of each source, in the order they were asked for.
    pub sources: Vec<SourceReport>,
    /// Servers that were asked over several paths.
    pub paths: Vec<PathsReport>,
    /// What the servers agree on; null with fewer than two that can be compared.
    pub agreement: Option<AgreementReport>,
    /// The noise floor of this host, one for each class it was measured in; empty where it was not.
    pub floors: Vec<FloorReport>,
}

/// The host that measured. What could not be read is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostReport {
    /// Host name.
    pub name: Option<String>,
    /// Linux boot id: runs that share it share an unsteered counter.
    pub boot_id: Option<String>,
    /// Operating system and kernel release.
    pub kernel: Option<String>,
    /// What the kernel reads time from.
    pub clocksource: Option<String>,
    /// The hypervisor, `none` on bare metal.
    pub virtualisation: Option<String>,
    /// Time daemons seen running.
    pub time_daemons: Vec<String>,
    /// Interfaces that were up.
    pub nics: Vec<Nic>,
    /// PTP hardware clocks.
    pub ptp_clocks: Vec<PtpClock>,
    /// Whether the run had user id 0.
    pub privileged: bool,
}

/// Whether a network card stamped the packets of one interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StampingReport {
    /// The interface.
    pub interface: String,
    /// The card that stamped; null where none did.
    pub card: Option<CardReport>,
    /// Why no card stamped; null where one did.
    pub reason: Option<String>,
}

/// A network card that stamped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardReport {
    /// Name of its interface.
    pub name: String,
    /// Device of its clock.
    pub clock: String,
    /// How it was set.
    pub setting: String,
    /// Whether it was set so for the run, and set back in the end.
    pub was_set: bool,
}

/// When and how a run measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// Random name of the run; its recording has the same.
    pub id: String,
    /// The local clock at the start.
    #[schemars(with = "Instant")]
    pub started: Timestamp,
    /// How long it took on the unsteered counter; null where the recording is cut off.
    pub duration_ns: Option<i64>,
    /// Whether a signal ended it early.
    pub interrupted: bool,
    /// Whether the recording stops before the run's end.
    pub truncated: bool,
    /// The command line, without the program's name.
    pub arguments: Vec<String>,
    /// Seed of the pacing, in decimal (text, because it has 64 bits).
    pub seed: String,
    /// Interfaces that requests left by, as far as network cards might stamp there.
    pub stamping: Vec<StampingReport>,
    /// How long an answer was waited for.
    pub timeout_ns: i64,
    /// What was assumed, or given, of how fast a server may drift against this host's counter; what
    /// was measured since stands with each source.
    pub drift_ppb: i64,
    /// What instants count on: the host's unsteered counter, or the local clock where a run was
    /// recorded without one.
    pub axis: Axis,
    /// Whose recording it was, where another program made it; null for those of this program.
    pub imported: Option<ImportedReport>,
}

/// A run that another program recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedReport {
    /// The format it was recorded in.
    pub format: String,
    /// What its stamps and numbers mean.
    pub meaning: String,
}

/// Something to know before trusting the numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningReport {
    /// What kind.
    pub code: WarningCode,
    /// The source it concerns, as it was asked for; null where it concerns the run.
    pub source: Option<String>,
    /// The address it concerns; null where it concerns the run.
    pub address: Option<String>,
    /// One sentence for a person.
    pub text: String,
}

/// What one address of one source says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceReport {
    /// The source as it was asked for.
    pub source: String,
    /// The address it resolved to, zone included; a clock's device.
    pub address: String,
    /// UDP port; 0 for a clock.
    pub port: u16,
    /// What kind of thing it is.
    pub kind: SourceKind,
    /// Which time scale it serves.
    pub timescale: Timescale,
    /// Which of several paths to one server, from 1; 0 where there is one path only.
    pub path: u16,
    /// Requests that left; each ended as valid, as lost, or with its answer rejected.
    pub sent: u64,
    /// Exchanges that count.
    pub valid: u64,
    /// Requests without an answer.
    pub lost: u64,
    /// The same by cause; causes that did not occur are absent.
    pub lost_by: BTreeMap<LossCause, u64>,
    /// Packets that are not samples, by name; names that did not occur are absent.
    pub rejected: BTreeMap<Rejection, u64>,
    /// Who stamped the exchanges that count.
    pub stamps: StampsReport,
    /// Local stamps that were not used, by name; names that did not occur are absent.
    pub stamp_faults: BTreeMap<StampFault, u64>,
    /// What the server last said of itself; null if it never answered, or is a clock.
    pub server: Option<ServerReport>,
    /// When it said that its clock was last corrected, where that tells it from other servers: the first 1000 times.
    pub references: Vec<ReferenceReport>,
    /// How far the server may be from UTC by its own word: root delay / 2 + root dispersion.
    pub root_distance_ns: Option<i64>,
    /// How fast bounds allow its clock to drift against this host's counter.
    pub drift: DriftReport,
    /// What must hold the true offset at the last exchange.
    pub bound_ns: Option<BoundReport>,
    /// Such a bound at the best exchange of each 10 s.
    pub bound_series: Vec<BoundReport>,
    /// Where the server's time moved.
    pub breaks: Vec<BreakReport>,
    /// The best estimate, of the last stretch that has one.
    pub estimate: Option<EstimateReport>,
    /// The parts of the run that one rate explains, in order.
    pub stretches: Vec<StretchReport>,
    /// Where one ends because its rate does not explain what follows.
    pub rate_changes: Vec<RateChangeReport>,
    /// How its time moves against this host's counter over every time scale, path included; null for few
    /// exchanges.
    pub stability: Option<StabilityReport>,
    /// The class with the most exchanges.
    #[serde(flatten)]
    pub main: ClassReport,
    /// The other classes, most exchanges first.
    pub other_classes: Vec<ClassReport>,
    /// How it stands to the noise floor; null where none was measured in its mode.
    pub floor: Option<SourceFloorReport>,
    /// What an independent implementation measured; null where it was not asked.
    pub cross_check: Option<CrossCheckReport>,
}

/// Who stamped T1 and T4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StampsReport {
    /// Requests on their way out (T1).
    pub tx: StampCountsReport,
    /// Replies on their way in (T4).
    pub rx: StampCountsReport,
}

/// Exchanges by who stamped one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StampCountsReport {
    /// By the network card.
    pub hardware: u64,
    /// By the kernel.
    pub kernel: u64,
    /// By this program.
    pub user: u64,
    /// By another program, or a capture.
    pub foreign: u64,
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerReport {
    /// Hops from a reference clock.
    pub stratum: u8,
    /// What it follows: a kind of clock at stratum 1, an address or a hash above.
    pub refid: String,
    /// Leap indicator.
    pub leap: Leap,
    /// log2 of the seconds its clock resolves.
    pub precision: i8,
    /// Delay to its reference clock.
    pub root_delay_ns: i64,
    /// Its own bound of its error, without the delay.
    pub root_dispersion_ns: i64,
}

/// A part of the run in which a server told of one and the same correction of its clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceReport {
    /// When it was corrected (reference timestamp): seconds since 1900 and their fraction, in hexadecimal digits.
    pub reftime: ReferenceTime,
    /// Hops from a reference clock.
    pub stratum: u8,
    /// What it follows, as eight hexadecimal digits.
    pub refid: String,
    /// The first reply that said so, on the server's clock.
    #[schemars(with = "Instant")]
    pub from: Timestamp,
    /// The last one.
    #[schemars(with = "Instant")]
    pub to: Timestamp,
}

/// An interval that must hold the true offset, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoundReport {
    /// The true offset is at least this.
    pub lower: i64,
    /// The true offset is at most this.
    pub upper: i64,
    /// When, on the server's clock.
    #[schemars(with = "Instant")]
    pub at: Timestamp,
    /// When its request left, since the start of the run, on the unsteered counter.
    pub since_start_ns: i64,
    /// By how much both ends widen with time.
    pub drift_ppb: i64,
}

/// How fast a source's clock may drift against this host's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftReport {
    /// At least.
    pub lower_ppb: i64,
    /// At most.
    pub upper_ppb: i64,
    /// How that is known.
    pub basis: Basis,
}

/// A part of a run that one rate explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StretchReport {
    /// Its first exchange, on the server's clock.
    #[schemars(with = "Instant")]
    pub from: Timestamp,
    /// Its last exchange, on the server's clock.
    #[schemars(with = "Instant")]
    pub to: Timestamp,
    /// How many exchanges it has.
    pub exchanges: u64,
    /// Between which rates (lower, upper) the server's clock runs against this host's counter if its
    /// rate is constant, in picoseconds each second; null where any rate would do, or none does.
    pub rate_ps_per_s: Option<(i64, i64)>,
    /// What must hold the true offset (lower, upper) at the exchange in the middle if the rate is
    /// constant.
    pub bound_ns: Option<(i64, i64)>,
    /// The best estimate; null where there are fewer than 24 exchanges.
    pub estimate: Option<EstimateReport>,
    /// What others would say of the same exchanges.
    pub others: OpinionsReport,
}

/// The best estimate of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EstimateReport {
    /// The offset, server - local, halfway between the floors of both ways.
    pub offset_ns: i64,
    /// Its 95 % interval (lower, upper), but for what an asymmetric path hides.
    pub ci95_ns: (i64, i64),
    /// When, on the server's clock: at the exchange in the middle of its stretch.
    #[schemars(with = "Instant")]
    pub at: Timestamp,
    /// Of how many exchanges.
    pub exchanges: u64,
    /// The rate of the server's clock against this host's counter, in picoseconds each second.
    pub rate_ps_per_s: i64,
    /// By how much an asymmetric path can hide an offset, either way: half of both floors together.
    pub asymmetry_ns: i64,
    /// Whether it had to be moved to lie within what is proven.
    pub clipped: bool,
}

/// What others would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpinionsReport {
    /// The clock filter of RFC 5905, at the last exchange.
    pub clock_filter_ns: Option<i64>,
    /// A weighted regression like chrony's, at the last exchange.
    pub regression_ns: Option<i64>,
    /// The median of all.
    pub median_ns: Option<i64>,
}

/// A change of the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RateChangeReport {
    /// The last exchange that the rate before it explains, on the server's clock.
    #[schemars(with = "Instant")]
    pub after: Timestamp,
    /// The first exchange that it does not explain.
    #[schemars(with = "Instant")]
    pub before: Timestamp,
    /// What happened to this host's counter then; null where nothing is known that would explain it.
    pub explained_by: Option<DisturbanceKind>,
}

/// A place where exchanges contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakReport {
    /// The first exchange after it, on the server's clock.
    #[schemars(with = "Instant")]
    pub at: Timestamp,
}

/// Exchanges that may share one distribution, and their distributions. All null where there is no
/// exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassReport {
    /// Which exchanges.
    pub class: Option<ClassName>,
    /// Offset, server - local: positive where the local clock is behind.
    pub offset_ns: Option<Distribution>,
    /// Offset without its sign.
    pub abs_offset_ns: Option<Distribution>,
    /// Delay: both ways together, without the server's residence.
    pub delay_ns: Option<Distribution>,
    /// Delay beyond the least one (PDV of RFC 5481).
    pub delay_variation_ns: Option<Distribution>,
    /// T2 - T1: the way out, and the offset.
    pub out_ns: Option<Distribution>,
    /// T4 - T3: the way back, less the offset.
    pub back_ns: Option<Distribution>,
    /// T3 - T2: how long the server kept the request.
    pub residence_ns: Option<Distribution>,
    /// How far offsets are from the median of the hour around them, the drift of the run taken off.
    pub jitter_1h_ns: Option<Distribution>,
    /// Jitter psi of the offset (RFC 5905 section 10, over blocks of eight).
    pub jitter_ns: Option<i64>,
    /// The offsets in bins of equal width, to be drawn.
    pub bins: Option<BinsReport>,
    /// The offsets as an HDR histogram, to be merged.
    pub histogram: Option<HistogramReport>,
}

/// What exchanges of a class have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassName {
    /// How the server was asked.
    pub mode: Mode,
    /// Who stamped: `hardware`, `kernel`, `user`, or both ends as in `kernel/user`.
    pub stamps: String,
}

/// A distribution in nanoseconds. A quantile is an observed value, or null where there are too few
/// exchanges for its 95 % interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// How many exchanges.
    pub n: u64,
    /// The smallest.
    pub min: i64,
    /// 1 % are not above this.
    pub p1: Option<i64>,
    /// 5 % are not above this.
    pub p5: Option<i64>,
    /// The median.
    pub p50: Option<i64>,
    /// 95 % are not above this.
    pub p95: Option<i64>,
    /// 99 % are not above this.
    pub p99: Option<i64>,
    /// 99.9 % are not above this.
    pub p99_9: Option<i64>,
    /// The largest.
    pub max: i64,
    /// The arithmetic mean.
    pub mean: i64,
    /// The root of the mean square.
    pub rms: u64,
    /// 95 % interval (lower, upper) of each quantile that is not null, by order statistics.
    pub ci95: BTreeMap<String, (i64, i64)>,
    /// How many exchanges each null quantile needs.
    pub needed: BTreeMap<String, u64>,
    /// How many independent exchanges the exchanges are worth, for each quantile.
    pub effective: BTreeMap<String, u64>,
    /// What a quantile lies between (lower, upper) that was read from a histogram, because there are too
    /// many exchanges; empty where all are exact.
    pub within: BTreeMap<String, (i64, i64)>,
}

/// Counts over bins of equal width; bin i holds `from + i * width <= x < from + (i + 1) * width`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BinsReport {
    /// Lowest value of the first bin, in nanoseconds.
    pub from: i64,
    /// Width of a bin, in nanoseconds.
    pub width: i64,
    /// Values in each bin.
    pub counts: Vec<u64>,
    /// Values below the first bin.
    pub below: u64,
    /// Values above the last bin.
    pub above: u64,
}

/// A signed HDR histogram of nanoseconds, three significant digits: base64 of the compressed V2
/// encoding that HdrHistogram reads, one half for each sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistogramReport {
    /// Sizes of the negative values.
    pub negative: String,
    /// How many values are zero.
    pub zero: u64,
    /// The positive values.
    pub positive: String,
    /// How many values were out of range and stand at its end.
    pub saturated: u64,
}

/// What an independent implementation measured of the same server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CrossCheckReport {
    /// Which implementation.
    pub by: String,
    /// Its offsets, server - local.
    pub offset_ns: Distribution,
    /// Its delays.
    pub delay_ns: Distribution,
    /// The median of its offsets, whatever their number.
    pub median_offset_ns: i64,
    /// Its median offset minus ours; null where we have none.
    pub offset_difference_ns: Option<i64>,
    /// Its median delay minus ours: what stamping in the program adds.
    pub delay_difference_ns: Option<i64>,
    /// Whether the offsets differ by no more than half of both delays together.
    pub consistent: Option<bool>,
}

/// Seconds since 1970-01-01 with nine decimals, as text: JSON numbers lose nanoseconds.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Instant(#[schemars(regex(pattern = r"^-?[0-9]+\.[0-9]{9}$"))] String);
