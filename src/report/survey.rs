//! [`SurveyReport`]: which time a host is offered and configured with, in the shape of a published schema.
//!
//! Names and nulls are those of `docs/discover.md`; `docs/discover.schema.json` is generated from these types.

mod state;
pub(super) mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::clean;
use crate::sample::Discipline;
use crate::survey::{
    Answer, Author, Basis, Conclusion, Daemon, Enabled, Evidence, Finding, Missed, Offer, OfferBy,
    ProbeFinding, Running, Selection, Source, SourceKind, Standing, Survey, Taken, Used,
};
use crate::time::TimeDelta;

pub use state::SurveyState;

/// Name and version of the shape of [`SurveyReport`]. The version grows when a field changes its meaning or goes; a
/// new field is no new version.
pub const SURVEY_SCHEMA: &str = "clockfit-discover/1";

/// All codes of [`FindingReport`], for formats in which a reader waits for one.
pub(super) const FINDINGS: [&str; 9] = [
    "several_daemons",
    "none_enabled",
    "not_running",
    "not_enabled",
    "nothing_used",
    "offer_not_used",
    "different_offers",
    "kernel_not_told",
    "kept_by_others",
];

/// Which time a host is offered, and which it is configured with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SurveyReport {
    /// Name and version of this shape: `clockfit-discover/1`.
    pub schema: String,
    /// Program and version that looked.
    pub tool: String,
    /// The folder that was looked at: `/`, or where an image is mounted.
    pub root: String,
    /// What the system calls itself.
    pub system: Option<String>,
    /// What follows.
    pub conclusion: Conclusion,
    /// The same for people.
    pub text: String,
    /// What that rests on.
    pub because: Vec<EvidenceReport>,
    /// What the host is offered.
    pub offers: Vec<TimeOfferReport>,
    /// Time daemons.
    pub daemons: Vec<DaemonReport>,
    /// Those that run, with what they use; null where a mounted image was looked at, or processes are hidden.
    pub running: Option<Vec<RunningReport>>,
    /// What the kernel says of its clock; null where a mounted image was looked at, or the kernel does not tell.
    pub kernel: Option<KernelClockReport>,
    /// What else to look at.
    pub findings: Vec<FindingReport>,
    /// What is there and could not be read.
    pub missed: Vec<MissedReport>,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceReport {
    /// The file, below `root`; who was asked, where nobody left a file.
    pub file: String,
    /// The line in it, from 1; null where the file as a whole tells.
    pub line: Option<u32>,
    /// What stands there, or what its being there means.
    pub text: String,
}

/// A server that a host is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeOfferReport {
    /// A name or an address.
    pub server: String,
    /// Who offers it.
    pub by: OfferBy,
    /// The program that was told.
    pub client: String,
    /// Over which interface; null where that is not known.
    pub interface: Option<String>,
    /// Whether the offer still stands.
    pub standing: Standing,
    /// By whose doing a time daemon that is enabled has it; null where none has.
    pub configured_by: Option<Author>,
    /// Whether a daemon uses it at this moment; null where none that runs tells, and of a clock.
    pub used: Option<bool>,
    /// Where that was left.
    pub evidence: EvidenceReport,
}

/// A time daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonReport {
    /// Which.
    pub name: String,
    /// Whether it starts with the system.
    pub enabled: bool,
    /// Whether it is forbidden to start.
    pub masked: bool,
    /// What starts it, or forbids it to.
    pub enabled_by: Option<EvidenceReport>,
    /// By what its sources are known.
    pub basis: Basis,
    /// Its sources, in the order of its files.
    pub sources: Vec<TimeSourceReport>,
    /// What hands it the servers that DHCP offers.
    pub takes_offers: Vec<EvidenceReport>,
}

/// A source of time that a daemon is configured with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeSourceReport {
    /// What kind of source.
    pub kind: SourceKind,
    /// A name or an address, or what a clock is called.
    pub name: String,
    /// Whether its answers are authenticated by NTS.
    pub nts: bool,
    /// Whether it is asked only where there is nothing else.
    pub fallback: bool,
    /// Who wrote that.
    pub author: Author,
    /// Where.
    pub evidence: EvidenceReport,
}

/// A time daemon that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunningReport {
    /// What it calls itself.
    pub name: String,
    /// Which of `daemons` that is; null where that is not known.
    pub daemon: Option<String>,
    /// Why it does not tell what it uses; null where it does.
    pub untold: Option<String>,
    /// Its servers.
    pub servers: Vec<UsedReport>,
}

/// A server that a daemon has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsedReport {
    /// An address; what a clock is called.
    pub server: String,
    /// As it stands in the settings; null where that is the same, or not known.
    pub name: Option<String>,
    /// Whether it is a clock of the host.
    pub is_clock: bool,
    /// What the daemon thinks of it.
    pub selection: Selection,
    /// Where it says so.
    pub evidence: EvidenceReport,
}

/// What the kernel says of its clock (adjtimex(2)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KernelClockReport {
    /// Whether somebody told it that its clock is synchronised, and no error speaks against it.
    pub synchronised: bool,
    /// The most its clock may be off by, by the word of whoever keeps it; it grows by 500 ppm between their words.
    pub max_error_ns: i64,
    /// What its clock is estimated to be off by, by the same.
    pub estimated_error_ns: i64,
    /// By how much its clock is made to run fast.
    pub rate_ppb: i64,
    /// TAI - UTC; null where nobody told it.
    pub tai_ns: Option<i64>,
    /// The bits of its status that are set: `PLL`, `INS`, `DEL`, `UNSYNC` and so on, as STA_* of linux/timex.h.
    pub status: Vec<String>,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingReport {
    /// For programs.
    pub code: String,
    /// For people.
    pub text: String,
}

/// Something that is there and could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissedReport {
    /// Its path below `root`.
    pub path: String,
    /// Why.
    pub why: String,
}

impl SurveyReport {
    /// What was found below a folder, and what follows.
    pub fn new(tool: &str, root: &str, found: &Survey, answer: &Answer) -> Self {
        let offers = found.offers.iter().zip(&answer.offers);
        Self {
            schema: SURVEY_SCHEMA.to_owned(),
            tool: clean(tool),
            root: clean(root),
            system: found.system.as_ref().map(|of| clean(&of.text)),
            conclusion: answer.conclusion,
            text: sentence(answer.conclusion).to_owned(),
            because: answer.because.iter().map(EvidenceReport::from).collect(),
            offers: offers
                .map(|(of, taken)| TimeOfferReport::new(of, *taken))
                .collect(),
            daemons: found.daemons.iter().map(DaemonReport::from).collect(),
            running: found
                .running
                .as_ref()
                .map(|all| all.iter().map(RunningReport::from).collect()),
            kernel: found.kernel.as_ref().map(KernelClockReport::from),
            findings: answer.findings.iter().map(FindingReport::from).collect(),
            missed: found.missed.iter().map(MissedReport::from).collect(),
        }
    }
}

pub(super) fn sentence(of: Conclusion) -> &'static str {
    match of {
        Conclusion::ByDefault => {
            "takes the time servers that it is offered, without anybody's doing"
        }
        Conclusion::ByHand => {
            "has time servers that it is offered, because whoever runs it wrote them down"
        }
        Conclusion::Beside => {
            "takes the time servers that it is offered, and others that whoever runs it chose beside"
        }
        Conclusion::Overridden => "is offered time servers, and whoever runs it chose others",
        Conclusion::ImageInstead => {
            "is offered time servers, and has others, which its image came with"
        }
        Conclusion::WouldTake => "is offered no time server now, and would take what DHCP offers",
        Conclusion::Chosen => "is offered no time server, and has those that whoever runs it chose",
        Conclusion::Image => "is offered no time server, and has those that its image came with",
        Conclusion::NotKnown => "has settings of a time daemon that could not be read, or found",
        Conclusion::NoSource => "has a time daemon that starts, and that has no source of time",
        Conclusion::NoDaemon => "starts no time daemon that is known here",
    }
}

impl From<&Evidence> for EvidenceReport {
    fn from(of: &Evidence) -> Self {
        Self {
            file: clean(&of.file),
            line: of.line,
            text: clean(&of.text),
        }
    }
}

impl TimeOfferReport {
    fn new(of: &Offer, taken: Taken) -> Self {
        Self {
            server: clean(&of.server),
            by: of.by,
            client: of.client.to_owned(),
            interface: of.interface.as_deref().map(clean),
            standing: of.standing,
            configured_by: taken.by,
            used: taken.used,
            evidence: (&of.evidence).into(),
        }
    }
}

impl From<&Daemon> for DaemonReport {
    fn from(of: &Daemon) -> Self {
        let enabled_by = match &of.enabled {
            Enabled::Yes(evidence) | Enabled::Masked(evidence) => Some(evidence.into()),
            Enabled::No => None,
        };
        Self {
            name: of.name.name().to_owned(),
            enabled: of.enabled.is_yes(),
            masked: matches!(of.enabled, Enabled::Masked(_)),
            enabled_by,
            basis: of.basis,
            sources: of.sources.iter().map(TimeSourceReport::from).collect(),
            takes_offers: of.takes_offers.iter().map(EvidenceReport::from).collect(),
        }
    }
}

impl From<&Source> for TimeSourceReport {
    fn from(of: &Source) -> Self {
        Self {
            kind: of.kind,
            name: clean(&of.name),
            nts: of.nts,
            fallback: of.fallback,
            author: of.author,
            evidence: (&of.evidence).into(),
        }
    }
}

impl From<&Running> for RunningReport {
    fn from(of: &Running) -> Self {
        let servers = of.used.iter().flatten();
        Self {
            name: clean(&of.name),
            daemon: of.daemon.map(|name| name.name().to_owned()),
            untold: of.used.as_ref().err().map(|why| clean(why)),
            servers: servers.map(UsedReport::from).collect(),
        }
    }
}

impl From<&Used> for UsedReport {
    fn from(of: &Used) -> Self {
        Self {
            server: clean(&of.server),
            name: of.name.as_deref().map(clean),
            is_clock: of.is_clock,
            selection: of.selection,
            evidence: (&of.evidence).into(),
        }
    }
}

impl From<&Discipline> for KernelClockReport {
    fn from(of: &Discipline) -> Self {
        let tai = of.tai_minus_utc;
        Self {
            synchronised: of.is_synchronised(),
            max_error_ns: of.max_error.as_nanos(),
            estimated_error_ns: of.estimated_error.as_nanos(),
            rate_ppb: of.rate().as_ppb(),
            tai_ns: (tai != TimeDelta::ZERO).then(|| tai.as_nanos()),
            status: of.status_names().map(str::to_owned).collect(),
        }
    }
}

impl From<&Finding> for FindingReport {
    fn from(of: &Finding) -> Self {
        let names = |of: &[crate::survey::DaemonName]| -> String {
            let names: Vec<&str> = of.iter().map(|name| name.name()).collect();
            names.join(", ")
        };
        let (code, text) = match of {
            Finding::SeveralDaemons(of) => (
                "several_daemons",
                format!(
                    "{} all start with the system, or run: one clock is to be steered by one of them",
                    names(of)
                ),
            ),
            Finding::NoneEnabled(of) => (
                "none_enabled",
                format!("none of these starts with the system: {}", names(of)),
            ),
            Finding::NotRunning(of) => (
                "not_running",
                format!("{} starts with the system, and does not run", of.name()),
            ),
            Finding::NotEnabled(of) => (
                "not_enabled",
                format!("{} runs, and does not start with the system", of.name()),
            ),
            Finding::NothingUsed(of) => (
                "nothing_used",
                format!("{of} runs, and uses none of its servers at this moment"),
            ),
            Finding::OfferNotUsed(of) => (
                "offer_not_used",
                format!(
                    "{of} is offered, and a daemon that has it gets no answer, or does not believe it"
                ),
            ),
            Finding::DifferentOffers(of) => (
                "different_offers",
                format!(
                    "interfaces are offered different servers: {}",
                    of.join(", ")
                ),
            ),
            Finding::KernelNotTold(of) => (
                "kernel_not_told",
                format!(
                    "{of} uses a server, and the kernel's clock does not count as synchronised: it may not steer the clock, \
                     or has just begun"
                ),
            ),
            Finding::KeptByOthers => (
                "kept_by_others",
                "the kernel's clock counts as synchronised, and no time daemon that is known runs here: one outside of \
                 this container may keep it, one that is not known, or one that ended in the last hours"
                    .to_owned(),
            ),
            Finding::Probe(of) => probed(of),
        };
        Self {
            code: code.to_owned(),
            text: clean(&text),
        }
    }
}

/// What came of asking the network.
fn probed(of: &ProbeFinding) -> (&'static str, String) {
    match of {
        ProbeFinding::NotAllowed => (
            "probe_not_allowed",
            "--probe-dhcp: needs root or CAP_NET_RAW, so nobody was asked".to_owned(),
        ),
        ProbeFinding::NobodyToAsk => (
            "probe_failed",
            "--probe-dhcp: no Ethernet interface is switched on and has an address".to_owned(),
        ),
        ProbeFinding::Failed(what, why) => ("probe_failed", format!("--probe-dhcp: {what}: {why}")),
        ProbeFinding::NoAnswer(interfaces) => (
            "no_answer",
            format!(
                "--probe-dhcp: no DHCP server answers over {}",
                interfaces.join(", ")
            ),
        ),
        ProbeFinding::NamesNone(server, interface) => (
            "names_none",
            format!("--probe-dhcp: {server} answers over {interface}, and names no time server"),
        ),
        ProbeFinding::NoMetadata(address, why) => (
            "no_metadata",
            format!("--probe-metadata: no metadata service answers at {address}: {why}"),
        ),
        ProbeFinding::Platform(name, url) => (
            "platform",
            format!("--probe-metadata: this is a guest of {name}, by {url}"),
        ),
        ProbeFinding::Metadata(what, why) => (
            "metadata_failed",
            format!("--probe-metadata: {what}: {why}"),
        ),
    }
}

impl From<&Missed> for MissedReport {
    fn from(of: &Missed) -> Self {
        Self {
            path: clean(&of.path),
            why: clean(&of.why),
        }
    }
}
