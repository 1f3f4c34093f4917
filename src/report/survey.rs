//! [`SurveyReport`]: which time a host is offered and configured with, in the shape of a published schema.
//!
//! Names and nulls are those of `docs/discover.md`; `docs/discover.schema.json` is generated from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::clean;
use crate::survey::{
    Answer, Author, Basis, Conclusion, Daemon, Enabled, Evidence, Finding, Missed, Offer, OfferBy,
    Running, Selection, Source, SourceKind, Standing, Survey, Used,
};

/// Name and version of the shape of [`SurveyReport`]. The version grows when a field changes its meaning or goes; a
/// new field is no new version.
pub const SURVEY_SCHEMA: &str = "clockfit-discover/1";

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
    pub conclusion: ConclusionName,
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
    /// What else to look at.
    pub findings: Vec<FindingReport>,
    /// What is there and could not be read.
    pub missed: Vec<MissedReport>,
}

/// What follows for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConclusionName {
    /// It takes what it is offered, and nobody had to do anything.
    ByDefault,
    /// It has what it is offered, because whoever runs it wrote that down.
    ByHand,
    /// It takes what it is offered, and whoever runs it chose others beside.
    Beside,
    /// It is offered servers, and whoever runs it chose others.
    Overridden,
    /// It is offered servers, and has those that its image came with.
    ImageInstead,
    /// Nothing is offered now; it would take what DHCP offers.
    WouldTake,
    /// Nothing is offered, and whoever runs it chose servers.
    Chosen,
    /// Nothing is offered, and it has those that its image came with.
    Image,
    /// Settings of a time daemon could not be read, or found.
    NotKnown,
    /// A time daemon is enabled that has no source.
    NoSource,
    /// No time daemon is enabled.
    NoDaemon,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceReport {
    /// The file, below `root`.
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
    pub by: OfferByName,
    /// The program that was told.
    pub client: String,
    /// Over which interface; null where that is not known.
    pub interface: Option<String>,
    /// Whether the offer still stands.
    pub standing: StandingName,
    /// By whose doing a time daemon that is enabled has it; null where none has.
    pub configured_by: Option<AuthorName>,
    /// Whether a daemon uses it at this moment; null where none that runs tells, and of a clock.
    pub used: Option<bool>,
    /// Where that was left.
    pub evidence: EvidenceReport,
}

/// Who offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferByName {
    /// DHCP for IPv4.
    Dhcp4,
    /// DHCP for IPv6.
    Dhcp6,
    /// A network manager, which does not say whether by DHCP.
    Network,
    /// A hypervisor: a clock without a network.
    Hypervisor,
    /// The machine: its real-time clock.
    Machine,
}

/// Whether an offer still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandingName {
    /// It does.
    InForce,
    /// Its lease has run out.
    Old,
    /// It does not say until when.
    Unknown,
}

/// Who wrote a line, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorName {
    /// Whoever made the package or the image.
    Image,
    /// cloud-init.
    CloudInit,
    /// What carries servers from a DHCP client to a time daemon.
    Dhcp,
    /// Nobody of these: whoever runs the host.
    Site,
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
    pub basis: BasisOfSources,
    /// Its sources, in the order of its files.
    pub sources: Vec<TimeSourceReport>,
    /// What hands it the servers that DHCP offers.
    pub takes_offers: Vec<EvidenceReport>,
}

/// By what a daemon's sources are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BasisOfSources {
    /// The files that it reads.
    InForce,
    /// A template that its package puts in their place when it is installed.
    Template,
    /// What is built into it, or into what starts it.
    BuiltIn,
}

/// A source of time that a daemon is configured with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeSourceReport {
    /// What kind of source.
    pub kind: TimeSourceKind,
    /// A name or an address, or what a clock is called.
    pub name: String,
    /// Whether its answers are authenticated by NTS.
    pub nts: bool,
    /// Whether it is asked only where there is nothing else.
    pub fallback: bool,
    /// Who wrote that.
    pub author: AuthorName,
    /// Where.
    pub evidence: EvidenceReport,
}

/// What kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeSourceKind {
    /// One server.
    Server,
    /// A name that stands for several.
    Pool,
    /// One that asks back.
    Peer,
    /// A clock of the host.
    Clock,
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
    pub selection: SelectionName,
    /// Where it says so.
    pub evidence: EvidenceReport,
}

/// What a daemon thinks of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelectionName {
    /// It steers the clock by it, alone or with others.
    Used,
    /// It could.
    Candidate,
    /// It answers, and is not believed.
    Rejected,
    /// It does not answer, or not well enough.
    Unusable,
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
        let offers = offers.zip(&answer.used);
        Self {
            schema: SURVEY_SCHEMA.to_owned(),
            tool: clean(tool),
            root: clean(root),
            system: found.system.as_ref().map(|of| clean(&of.text)),
            conclusion: answer.conclusion.into(),
            text: sentence(answer.conclusion).to_owned(),
            because: answer.because.iter().map(EvidenceReport::from).collect(),
            offers: offers
                .map(|((of, by), used)| TimeOfferReport::new(of, *by, *used))
                .collect(),
            daemons: found.daemons.iter().map(DaemonReport::from).collect(),
            running: found
                .running
                .as_ref()
                .map(|all| all.iter().map(RunningReport::from).collect()),
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

impl From<Conclusion> for ConclusionName {
    fn from(of: Conclusion) -> Self {
        match of {
            Conclusion::ByDefault => Self::ByDefault,
            Conclusion::ByHand => Self::ByHand,
            Conclusion::Beside => Self::Beside,
            Conclusion::Overridden => Self::Overridden,
            Conclusion::ImageInstead => Self::ImageInstead,
            Conclusion::WouldTake => Self::WouldTake,
            Conclusion::Chosen => Self::Chosen,
            Conclusion::Image => Self::Image,
            Conclusion::NotKnown => Self::NotKnown,
            Conclusion::NoSource => Self::NoSource,
            Conclusion::NoDaemon => Self::NoDaemon,
        }
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

impl From<Author> for AuthorName {
    fn from(of: Author) -> Self {
        match of {
            Author::Image => Self::Image,
            Author::CloudInit => Self::CloudInit,
            Author::Dhcp => Self::Dhcp,
            Author::Site => Self::Site,
        }
    }
}

impl TimeOfferReport {
    fn new(of: &Offer, configured_by: Option<Author>, used: Option<bool>) -> Self {
        Self {
            server: clean(&of.server),
            by: match of.by {
                OfferBy::Dhcp4 => OfferByName::Dhcp4,
                OfferBy::Dhcp6 => OfferByName::Dhcp6,
                OfferBy::Network => OfferByName::Network,
                OfferBy::Hypervisor => OfferByName::Hypervisor,
                OfferBy::Machine => OfferByName::Machine,
            },
            client: of.client.to_owned(),
            interface: of.interface.as_deref().map(clean),
            standing: match of.standing {
                Standing::InForce => StandingName::InForce,
                Standing::Old => StandingName::Old,
                Standing::Unknown => StandingName::Unknown,
            },
            configured_by: configured_by.map(AuthorName::from),
            used,
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
            basis: match of.basis {
                Basis::InForce => BasisOfSources::InForce,
                Basis::Template => BasisOfSources::Template,
                Basis::BuiltIn => BasisOfSources::BuiltIn,
            },
            sources: of.sources.iter().map(TimeSourceReport::from).collect(),
            takes_offers: of.takes_offers.iter().map(EvidenceReport::from).collect(),
        }
    }
}

impl From<&Source> for TimeSourceReport {
    fn from(of: &Source) -> Self {
        Self {
            kind: match of.kind {
                SourceKind::Server => TimeSourceKind::Server,
                SourceKind::Pool => TimeSourceKind::Pool,
                SourceKind::Peer => TimeSourceKind::Peer,
                SourceKind::Clock => TimeSourceKind::Clock,
            },
            name: clean(&of.name),
            nts: of.nts,
            fallback: of.fallback,
            author: of.author.into(),
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
            selection: match of.selection {
                Selection::Used => SelectionName::Used,
                Selection::Candidate => SelectionName::Candidate,
                Selection::Rejected => SelectionName::Rejected,
                Selection::Unusable => SelectionName::Unusable,
            },
            evidence: (&of.evidence).into(),
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
        };
        Self {
            code: code.to_owned(),
            text: clean(&text),
        }
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
